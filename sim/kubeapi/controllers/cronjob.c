/* CronJobs: a Job at each time of a schedule. */
#include "sim/kubeapi/controllers/cron.h"
#include "sim/kubeapi/controllers/job.h"
#include "sim/kubeapi/types/zones.h"

#define COMPONENT  "cronjob-controller"
#define MISSED_MAX 100 /* times that are looked at; beyond, the clock is thought to be wrong */

struct cronjob {
    struct ctl *c;
    struct kube_object *o;
    cJSON *tree, *status;
    struct ctl_list jobs;
    struct cron cron;
    struct zone zone;
    bool zoned;
};

static const struct zone *zone_of(const struct cronjob *j)
{
    return j->zoned ? &j->zone : NULL;
}

/* ---- what ran ---- */

static bool is_listed(const cJSON *list, struct str uid)
{
    for (const cJSON *it = list ? list->child : NULL; it; it = it->next)
        if (str_eq(json_string_at(it, "uid"), uid))
            return true;
    return false;
}

static void note_finished(struct cronjob *j, const struct kube_object *job, const cJSON *status)
{
    bool well = ctl_condition_find(status, "Complete") != NULL;
    ctl_record(j->c, j->o, EVENT_NORMAL, "SawCompletedJob", COMPONENT,
               "Saw completed job: " STR_FMT ", condition: %s", STR_ARG(job->name),
               well ? "Complete" : "Failed");
}

static void look_at_jobs(struct cronjob *j)
{
    struct arena *a = &j->c->a;
    const cJSON *old = json_path(j->tree, "status.active");
    cJSON *active = json_array(a);
    struct str last = json_string_at(j->status, "lastSuccessfulTime");
    for (size_t i = 0; i < j->jobs.n; i++) {
        const cJSON *status = json_get(ctl_tree(j->c, j->jobs.at[i]), "status");
        struct str ended = json_string_at(status, "completionTime");
        if (!job_finished(status))
            json_append(active, ctl_reference(j->c, j->jobs.at[i]));
        else if (is_listed(old, j->jobs.at[i]->uid))
            note_finished(j, j->jobs.at[i], status);
        if (str_cmp(ended, last) > 0)
            last = ended;
    }
    if (active->child)
        json_set(a, j->status, STR("active"), active);
    else
        (void)json_unset(j->status, STR("active"));
    if (last.n)
        json_set_str(a, j->status, "lastSuccessfulTime", last);
}

static void trim_history(struct cronjob *j, bool well, int64_t limit)
{
    int64_t n = 0;
    for (size_t i = j->jobs.n; i-- > 0;) { /* newest first */
        const cJSON *status = json_get(ctl_tree(j->c, j->jobs.at[i]), "status");
        bool complete = ctl_condition_find(status, "Complete") != NULL;
        if (!job_finished(status) || complete != well || ++n <= limit)
            continue;
        if (ctl_delete(j->c, T_JOBS, j->jobs.at[i], -1))
            ctl_record(j->c, j->o, EVENT_NORMAL, "SuccessfulDelete", COMPONENT,
                       "Deleted job " STR_FMT, STR_ARG(j->jobs.at[i]->name));
    }
}

/* ---- what is due ---- */

/* The last time that is due, or -1. */
static world_time due(struct cronjob *j)
{
    world_time now = ctl_wall(j->c), at = ctl_time_at(j->status, "lastScheduleTime"), found = -1;
    int64_t deadline = json_int_at(j->tree, "spec.startingDeadlineSeconds", -1);
    if (at < 0)
        at = ctl_created(j->o);
    if (deadline >= 0 && at < now - deadline * NS_PER_S)
        at = now - deadline * NS_PER_S;
    for (int n = 0;; n++) {
        at = cron_next(&j->cron, zone_of(j), at);
        if (at < 0 || at > now)
            return found;
        found = at;
        if (n == MISSED_MAX) {
            ctl_record(j->c, j->o, EVENT_WARNING, "TooManyMissedTimes", COMPONENT,
                       "too many missed start times. Set or decrease "
                       ".spec.startingDeadlineSeconds or check clock skew");
            at = now - 120 * NS_PER_S; /* the latest ones are looked for */
        }
    }
}

static struct str job_name(struct cronjob *j, world_time at)
{
    return arena_printf(&j->c->a, STR_FMT "-%lld", STR_ARG(j->o->name),
                        (long long)(at / NS_PER_S / 60));
}

static cJSON *job_tree(struct cronjob *j, world_time at)
{
    struct arena *a = &j->c->a;
    struct buf when = {0};
    const cJSON *template = json_path(j->tree, "spec.jobTemplate");
    cJSON *job = json_copy(a, template), *metadata = json_ensure(a, job, "metadata");
    cJSON *owners = json_array(a);
    rfc3339_format(&when, at);
    json_set_str(a, metadata, "name", job_name(j, at));
    json_set_str(a, json_ensure(a, metadata, "annotations"),
                 "batch.kubernetes.io/cronjob-scheduled-timestamp", buf_str(&when));
    json_append(owners, ctl_owner_reference(j->c, j->o));
    json_set(a, metadata, STR("ownerReferences"), owners);
    buf_free(&when);
    return job;
}

static bool make_room(struct cronjob *j)
{
    struct str policy = json_string_at(j->tree, "spec.concurrencyPolicy");
    const cJSON *active = json_get(j->status, "active");
    if (!active || !active->child)
        return true;
    if (str_eq_c(policy, "Forbid")) {
        ctl_record(j->c, j->o, EVENT_NORMAL, "JobAlreadyActive", COMPONENT,
                   "Not starting job because prior execution is running and concurrency policy is "
                   "Forbid");
        return false;
    }
    for (const cJSON *it = str_eq_c(policy, "Replace") ? active->child : NULL; it; it = it->next) {
        struct kube_object *job = ctl_get(j->c, T_JOBS, j->o->ns, json_string_at(it, "name"));
        if (job && ctl_delete(j->c, T_JOBS, job, -1))
            ctl_record(j->c, j->o, EVENT_NORMAL, "SuccessfulDelete", COMPONENT,
                       "Deleted job " STR_FMT, STR_ARG(job->name));
    }
    return true;
}

/* The one of that time, which a webhook has let through meanwhile; NULL: none. */
static struct kube_object *job_of(struct cronjob *j, world_time at)
{
    struct str name = job_name(j, at);
    for (size_t i = 0; i < j->jobs.n; i++)
        if (str_eq(j->jobs.at[i]->name, name))
            return j->jobs.at[i];
    return NULL;
}

/* NULL: refused, to be tried again; or it waits. */
static struct kube_object *make_job(struct cronjob *j, world_time at)
{
    struct kube_object *job;
    struct str why;
    struct ctl_making m = {.ctl = CTL_CRON_JOB,
                           .table = T_JOBS,
                           .owner = j->o,
                           .component = COMPONENT,
                           .made = STR("Created job "),
                           .failed = STR("Error creating job: ")};
    bool was = ctl_refused(j->c, j->o, &why), waits = ctl_awaited(j->c, j->o) > 0;
    if (!was && waits)
        return NULL;
    if (was || ctl_make(j->c, &m, job_tree(j, at), &job, &why) == CTL_REFUSED) {
        if (why.n > 0)
            ctl_retry(j->c, CTL_CRON_JOB, j->o->ns, j->o->name);
        return NULL;
    }
    ctl_forgive(j->c, CTL_CRON_JOB, j->o->ns, j->o->name);
    return job;
}

static void start(struct cronjob *j, world_time at)
{
    struct arena *a = &j->c->a;
    struct buf when = {0};
    struct kube_object *job = job_of(j, at);
    if (!job && !make_room(j))
        return;
    if (!job && !(job = make_job(j, at)))
        return;
    cJSON *active = json_get(j->status, "active");
    if (!active) {
        active = json_array(a);
        json_set(a, j->status, STR("active"), active);
    }
    if (!is_listed(active, job->uid))
        json_append(active, ctl_reference(j->c, job));
    rfc3339_format(&when, at);
    json_set_str(a, j->status, "lastScheduleTime", buf_str(&when));
    buf_free(&when);
}

static bool read_schedule(struct cronjob *j)
{
    struct str zone = json_string_at(j->tree, "spec.timeZone");
    struct str text = json_string_at(j->tree, "spec.schedule");
    j->zoned = zone.n > 0;
    if (zone.n > 0 && !zone_find(zone, &j->zone)) {
        ctl_record(j->c, j->o, EVENT_WARNING, "UnknownTimeZone", COMPONENT,
                   "invalid timeZone: \"" STR_FMT "\": unknown time zone " STR_FMT, STR_ARG(zone),
                   STR_ARG(zone));
        return false;
    }
    if (cron_parse(text, &j->cron))
        return true;
    ctl_record(j->c, j->o, EVENT_WARNING, "UnparseableSchedule", COMPONENT,
               "unparseable schedule: \"" STR_FMT "\"", STR_ARG(text));
    return false;
}

void sync_cron_job(struct ctl *c, struct str ns, struct str name)
{
    struct cronjob j = {.c = c, .o = ctl_get(c, T_CRON_JOBS, ns, name)};
    if (!j.o || j.o->deleting)
        return;
    j.tree = ctl_tree(c, j.o);
    j.jobs = ctl_owned(c, T_JOBS, j.o);
    const cJSON *old = json_get(j.tree, "status");
    j.status = old ? json_copy(&c->a, old) : json_object(&c->a);
    look_at_jobs(&j);
    trim_history(&j, true, json_int_at(j.tree, "spec.successfulJobsHistoryLimit", 3));
    trim_history(&j, false, json_int_at(j.tree, "spec.failedJobsHistoryLimit", 1));
    bool known = read_schedule(&j);
    if (known && !json_bool_at(j.tree, "spec.suspend", false)) {
        world_time at = due(&j), next = cron_next(&j.cron, zone_of(&j), ctl_wall(c));
        if (at >= 0)
            start(&j, at);
        if (next >= 0)
            ctl_after(c, CTL_CRON_JOB, ns, name, next - ctl_wall(c));
    }
    ctl_set_status(c, T_CRON_JOBS, j.o, j.status);
}
