/* Jobs: pods until enough have succeeded, or too many have failed.
 *
 *   pods running ─► finished pods are counted (and released: finalizer job-tracking) ─► enough: SuccessCriteriaMet ─► Complete
 *                                        └─► too many failures, too long: FailureTarget ─► pods removed ─► Failed
 *   Finished ─► ttlSecondsAfterFinished ─► deleted. */
#include "sim/kubeapi/controllers/job.h"

#define RETRY_FIRST (10 * NS_PER_S)
#define RETRY_MAX   (600 * NS_PER_S)
#define BURST       500

static bool is_true(const cJSON *status, const char *type)
{
    return str_eq_c(json_string_at(ctl_condition_find(status, type), "status"), "True");
}

bool job_finished(const cJSON *status)
{
    return is_true(status, "Complete") || is_true(status, "Failed");
}

static void set_condition(struct job *j, const char *type, const char *value, const char *reason,
                          struct str message)
{
    ctl_condition(j->c, j->status, type, value, reason, message);
    json_set_str(&j->c->a, ctl_condition_find(j->status, type), "lastProbeTime", ctl_now(j->c));
}

/* ---- counting ---- */

static world_time ended_at(struct ctl *c, const struct kube_object *pod)
{
    const cJSON *list = json_path(ctl_tree(c, pod), "status.containerStatuses");
    world_time last = ctl_created(pod);
    for (const cJSON *it = list ? list->child : NULL; it; it = it->next) {
        world_time at = ctl_time_at(it, "state.terminated.finishedAt");
        last = at > last ? at : last;
    }
    return last;
}

static struct job_index *index_of(const struct job *j, const struct kube_object *pod)
{
    int64_t n = j->indexed ? job_index_of(pod) : -1;
    return n >= 0 && n < j->indexes ? &j->index[n] : NULL;
}

static void count_success(struct job *j, const struct kube_object *pod)
{
    struct job_index *x = index_of(j, pod);
    if (!j->indexed) {
        j->succeeded++;
    } else if (x && !x->done) {
        x->done = true;
        j->succeeded++;
    }
}

/* What a failed pod means for its index: the next pod's number, or the end of tries. */
static void note_index(struct job *j, const struct kube_object *pod, enum job_action action,
                       world_time at)
{
    struct job_index *x = index_of(j, pod);
    int64_t failures = 0, ignored = 0;
    if (!x || j->per_index < 0)
        return;
    (void)str_to_i64(ctl_annotation(pod, JOB_FAILURES), &failures);
    (void)str_to_i64(ctl_annotation(pod, JOB_IGNORED), &ignored);
    x->last_failure = at > x->last_failure ? at : x->last_failure;
    if (action == JOB_FAIL_INDEX || (action != JOB_IGNORE && failures >= j->per_index))
        x->failed = true;
    failures += action != JOB_IGNORE;
    ignored += action == JOB_IGNORE;
    x->failures = failures > x->failures ? failures : x->failures;
    x->ignored = ignored > x->ignored ? ignored : x->ignored;
}

static void count_failure(struct job *j, const struct kube_object *pod, bool tracked)
{
    struct str why = str_empty;
    enum job_action action = job_failure_action(j, pod, &why);
    world_time at = ended_at(j->c, pod);
    j->last_failure = at > j->last_failure ? at : j->last_failure;
    note_index(j, pod, action, at);
    if (action == JOB_FAIL && j->fail.n == 0)
        j->fail = why;
    j->failed += tracked && action != JOB_IGNORE && !j->met;
}

static void count_pod(struct job *j, struct kube_object *pod)
{
    bool tracked = kube_object_has_finalizer(pod, STR(JOB_TRACKING));
    bool well = ctl_is(pod, "status.phase", "Succeeded"), ended = pod_finished(pod);
    bool bad = !well && (ended || (pod->deleting && !j->only_failed));
    if (!ended && pod->deleting) {
        j->ending++;
    } else if (!ended) {
        j->active++;
        j->ready += pod_is_ready(pod);
    }
    if (bad)
        count_failure(j, pod, tracked);
    if (!tracked || !(well || bad))
        return; /* it was counted, or has not ended */
    j->count.at[j->count.n++] = pod;
    if (well)
        count_success(j, pod);
}

/* On its way out without ever having had a node: nobody else will say that it has ended. */
static void end_unscheduled(struct job *j, struct kube_object *pod)
{
    if (!pod->deleting || pod_finished(pod) || kube_object_string(pod, "spec.nodeName").n > 0 ||
        !kube_object_has_finalizer(pod, STR(JOB_TRACKING)))
        return;
    cJSON *tree = ctl_tree(j->c, pod);
    json_set_str(&j->c->a, json_ensure(&j->c->a, tree, "status"), "phase", STR("Failed"));
    (void)ctl_update(j->c, T_PODS, pod, tree); /* its event brings us back */
}

/* Counted once, now that the status says so. */
static void release_counted(struct job *j)
{
    for (size_t i = 0; i < j->count.n; i++) {
        cJSON *tree = ctl_tree(j->c, j->count.at[i]), *metadata = json_get(tree, "metadata");
        cJSON *list = json_get(metadata, "finalizers"), *left = json_array(&j->c->a);
        for (const cJSON *f = list ? list->child : NULL; f; f = f->next)
            if (!str_eq_c(json_string(f), JOB_TRACKING))
                json_append(left, json_str(&j->c->a, json_string(f)));
        if (left->child)
            json_set(&j->c->a, metadata, STR("finalizers"), left);
        else
            (void)json_unset(metadata, STR("finalizers"));
        (void)ctl_update(j->c, T_PODS, j->count.at[i], tree); /* gone: nothing to release */
    }
}

/* Nothing is counted any more. */
static void release_all(struct job *j)
{
    j->count.n = 0;
    for (size_t i = 0; i < j->pods.n; i++)
        if (kube_object_has_finalizer(j->pods.at[i], STR(JOB_TRACKING)))
            j->count.at[j->count.n++] = j->pods.at[i];
    release_counted(j);
}

/* ---- pods ---- */

static void remove_active(struct job *j, int64_t n)
{
    struct ctl_list active = {.at = ARENA_NEW_ARRAY(&j->c->a, struct kube_object *, j->pods.n + 1)};
    for (size_t i = 0; i < j->pods.n; i++)
        if (pod_active(j->pods.at[i]))
            active.at[active.n++] = j->pods.at[i];
    pods_rank(j->c, &active);
    for (size_t i = 0; i < active.n && (int64_t)i < n; i++) {
        if (!ctl_delete(j->c, T_PODS, active.at[i], -1))
            continue;
        j->active--;
        j->ending++;
        ctl_record(j->c, j->o, EVENT_NORMAL, "SuccessfulDelete", JOB_COMPONENT,
                   "Deleted pod: " STR_FMT, STR_ARG(active.at[i]->name));
    }
}

static bool index_is_taken(const struct job *j, int64_t index)
{
    for (size_t i = 0; i < j->pods.n; i++)
        if (!pod_finished(j->pods.at[i]) && !(j->pods.at[i]->deleting && !j->only_failed) &&
            job_index_of(j->pods.at[i]) == index)
            return true;
    return false;
}

static void refused(struct job *j, struct str why)
{
    if (why.n > 0)
        ctl_retry(j->c, CTL_JOB, j->o->ns, j->o->name);
}

/* After failures the next pods wait: 10 s, twice as long each time. */
static world_time wait_after(const struct job *j, int64_t failures, world_time last)
{
    if (failures == 0 || last < 0)
        return 0;
    world_time pause = RETRY_FIRST;
    for (int64_t i = 1; i < failures && pause < RETRY_MAX; i++)
        pause *= 2;
    world_time left = last + (pause < RETRY_MAX ? pause : RETRY_MAX) - ctl_wall(j->c);
    return left > 0 ? left : 0;
}

/* May a pod of this index be made now? */
static bool index_is_due(struct job *j, int64_t index)
{
    const struct job_index *x = &j->index[index];
    if (x->done || x->failed || index_is_taken(j, index))
        return false;
    world_time left =
        j->per_index < 0 ? 0 : wait_after(j, x->failures + x->ignored, x->last_failure);
    if (left > 0 && (j->again == 0 || left < j->again))
        j->again = left;
    return left == 0;
}

static void make_pods(struct job *j, int64_t n)
{
    struct ctl_making m = {.ctl = CTL_JOB,
                           .table = T_PODS,
                           .owner = j->o,
                           .component = JOB_COMPONENT,
                           .made = STR("Created pod: "),
                           .failed = STR("Error creating: ")};
    int64_t index = -1;
    struct kube_object *pod;
    struct str why;
    for (int64_t made = 0; made < n && made < BURST; made++) {
        if (j->indexed) {
            do
                index++;
            while (index < j->indexes && !index_is_due(j, index));
            if (index >= j->indexes)
                return;
        }
        enum ctl_made how = ctl_make(j->c, &m, job_pod(j, index), &pod, &why);
        if (how == CTL_REFUSED) {
            refused(j, why);
            return;
        }
        j->active += how == CTL_MADE;
    }
    ctl_forgive(j->c, CTL_JOB, j->o->ns, j->o->name);
}

static void manage_pods(struct job *j)
{
    int64_t wanted = j->parallelism, taken = j->active + (j->only_failed ? j->ending : 0);
    if (j->completions < 0 && j->succeeded > 0)
        wanted = j->active; /* a work queue that ran dry: the others finish */
    else if (j->completions >= 0 && j->completions - j->succeeded - j->failed_indexes < wanted)
        wanted = j->completions - j->succeeded - j->failed_indexes;
    if (j->active > wanted) {
        remove_active(j, j->active - wanted);
        return;
    }
    if (taken >= wanted)
        return;
    world_time wait = j->per_index < 0 ? wait_after(j, j->failed, j->last_failure) : 0;
    if (wait > 0)
        j->again = wait;
    else
        make_pods(j, wanted - taken);
}

/* ---- how it ends ---- */

static const char *failure(struct job *j, struct str *message)
{
    int64_t limit = json_int_at(j->tree, "spec.activeDeadlineSeconds", -1);
    int64_t failed_max = json_int_at(j->tree, "spec.maxFailedIndexes", INT64_MAX);
    int64_t restarts = 0, n;
    for (size_t i = 0; i < j->pods.n; i++) {
        struct scan s = scan_of(kube_object_raw(j->pods.at[i], "status.containerStatuses"));
        struct str it;
        if (s.p == s.end || !scan_enter(&s, '['))
            continue;
        while (scan_element(&s, &it))
            restarts += str_to_i64(scan_get(it, STR("restartCount")), &n) ? n : 0;
    }
    if (j->fail.n > 0) {
        *message = j->fail;
        return "PodFailurePolicy";
    }
    if (j->failed > j->backoff_limit || (restarts > 0 && restarts > j->backoff_limit)) {
        *message = STR("Job has reached the specified backoff limit");
        return "BackoffLimitExceeded";
    }
    if (j->failed_indexes > failed_max) {
        *message = STR("Job has exceeded the specified maximal number of failed indexes");
        return "MaxFailedIndexesExceeded";
    }
    world_time since = ctl_time_at(j->tree, "status.startTime");
    if (limit < 0 || since < 0 || j->suspended)
        return NULL;
    world_time left = since + limit * NS_PER_S - ctl_wall(j->c);
    if (left > 0) {
        j->again = left;
        return NULL;
    }
    *message = STR("Job was active longer than specified deadline");
    return "DeadlineExceeded";
}

static bool succeeded(const struct job *j)
{
    if (j->completions < 0)
        return j->succeeded > 0 && j->active == 0;
    return j->succeeded >= j->completions;
}

/* What is decided is written down first, and becomes final when the last pod is gone. */
static void end(struct job *j, bool well, const char *reason, struct str message)
{
    const char *first = well ? "SuccessCriteriaMet" : "FailureTarget";
    if (!is_true(j->status, first))
        set_condition(j, first, "True", reason, message);
    remove_active(j, INT64_MAX);
    if (j->ending > 0 || j->active > 0)
        return;
    set_condition(j, well ? "Complete" : "Failed", "True", reason, message);
    if (well) {
        json_set_str(&j->c->a, j->status, "completionTime", ctl_now(j->c));
        ctl_record(j->c, j->o, EVENT_NORMAL, "Completed", JOB_COMPONENT, "Job completed");
    } else {
        ctl_record(j->c, j->o, EVENT_WARNING, reason, JOB_COMPONENT, STR_FMT, STR_ARG(message));
    }
}

static void mind_suspension(struct job *j)
{
    bool was = is_true(j->status, "Suspended");
    if (j->suspended && !was) {
        set_condition(j, "Suspended", "True", "JobSuspended", STR("Job suspended"));
        ctl_record(j->c, j->o, EVENT_NORMAL, "Suspended", JOB_COMPONENT, "Job suspended");
    } else if (!j->suspended && was) {
        set_condition(j, "Suspended", "False", "JobResumed", STR("Job resumed"));
        json_set_str(&j->c->a, j->status, "startTime", ctl_now(j->c));
        ctl_record(j->c, j->o, EVENT_NORMAL, "Resumed", JOB_COMPONENT, "Job resumed");
    }
}

/* As it was decided before: *well, how, and the words; NULL: it was not. */
static const char *decided(struct job *j, bool *well, struct str *message)
{
    const cJSON *failed = ctl_condition_find(j->status, "FailureTarget");
    const cJSON *it = failed ? failed : ctl_condition_find(j->status, "SuccessCriteriaMet");
    *well = !failed;
    *message = json_string_at(it, "message");
    return it ? arena_c(&j->c->a, json_string_at(it, "reason")) : NULL;
}

static const char *decide_now(struct job *j, bool *well, struct str *message)
{
    const char *reason = failure(j, message);
    *well = !reason;
    if (reason)
        return reason;
    if (job_success_rule(j, message))
        return "SuccessPolicy";
    if (succeeded(j)) {
        *message = STR("Reached expected number of succeeded pods");
        return "CompletionsReached";
    }
    *well = false;
    *message = STR("Job has failed indexes");
    bool over = j->failed_indexes > 0 && j->failed_indexes + j->succeeded >= j->completions;
    return over ? "FailedIndexes" : NULL;
}

static void decide(struct job *j)
{
    struct str message = str_empty;
    bool well;
    const char *reason = decided(j, &well, &message);
    if (!reason)
        reason = decide_now(j, &well, &message);
    if (reason)
        end(j, well, reason, message);
    else if (j->suspended)
        remove_active(j, INT64_MAX);
    else if (ctl_refused(j->c, j->o, &message))
        refused(j, message);
    else if (ctl_awaited(j->c, j->o) == 0)
        manage_pods(j);
}

/* ---- status ---- */

static void put(struct job *j, const char *key, int64_t v, bool always)
{
    if (v || always)
        json_set_int(&j->c->a, j->status, key, v);
    else
        (void)json_unset(j->status, str_c(key));
}

static void write_status(struct job *j)
{
    put(j, "active", j->active, false);
    put(j, "ready", j->ready, true);
    put(j, "terminating", j->ending, true);
    put(j, "succeeded", j->succeeded, false);
    put(j, "failed", j->failed, false);
    if (j->indexed)
        job_write_indexes(j);
    json_set(&j->c->a, j->status, STR("uncountedTerminatedPods"), json_object(&j->c->a));
    if (!json_get(j->status, "startTime") && !j->suspended)
        json_set_str(&j->c->a, j->status, "startTime", ctl_now(j->c));
    ctl_set_status(j->c, T_JOBS, j->o, j->status);
}

static void mind_ttl(struct job *j)
{
    int64_t ttl = json_int_at(j->tree, "spec.ttlSecondsAfterFinished", -1);
    const cJSON *how = ctl_condition_find(j->status, "Complete");
    if (!how)
        how = ctl_condition_find(j->status, "Failed");
    if (ttl < 0)
        return;
    world_time left = ctl_time_at(how, "lastTransitionTime") + ttl * NS_PER_S - ctl_wall(j->c);
    if (left > 0)
        ctl_after(j->c, CTL_JOB, j->o->ns, j->o->name, left);
    else
        (void)ctl_delete(j->c, T_JOBS, j->o, -1); /* gone already: as good */
}

static void read_job(struct job *j)
{
    const cJSON *spec = json_get(j->tree, "spec"), *old = json_get(j->tree, "status");
    j->status = old ? json_copy(&j->c->a, old) : json_object(&j->c->a);
    j->parallelism = json_int_at(spec, "parallelism", 1);
    j->completions = json_int_at(spec, "completions", -1);
    j->indexed = str_eq_c(json_string_at(spec, "completionMode"), "Indexed") && j->completions >= 0;
    j->suspended = json_bool_at(spec, "suspend", false);
    j->only_failed = str_eq_c(json_string_at(spec, "podReplacementPolicy"), "Failed") ||
                     json_get(spec, "podFailurePolicy") != NULL;
    j->per_index = j->indexed ? json_int_at(spec, "backoffLimitPerIndex", -1) : -1;
    j->backoff_limit = json_int_at(spec, "backoffLimit", j->per_index >= 0 ? INT32_MAX : 6);
    j->met = is_true(j->status, "SuccessCriteriaMet");
    j->succeeded = json_int_at(old, "succeeded", 0);
    j->failed = json_int_at(old, "failed", 0);
    j->last_failure = -1;
    if (j->indexed)
        job_read_indexes(j);
    j->pods = pods_claim(j->c, j->o, json_get(spec, "selector"));
    j->count.at = ARENA_NEW_ARRAY(&j->c->a, struct kube_object *, j->pods.n + 1);
    for (size_t i = 0; i < j->pods.n; i++)
        count_pod(j, j->pods.at[i]);
    for (size_t i = 0; i < j->pods.n && j->only_failed; i++)
        end_unscheduled(j, j->pods.at[i]);
    for (int64_t i = 0; i < j->indexes; i++)
        j->failed_indexes += j->index[i].failed && !j->index[i].done;
}

/* The Job is gone: nobody will count its pods. */
static void release_orphans(struct job *j, struct str ns)
{
    struct ctl_list pods = ctl_list(j->c, T_PODS, ns);
    j->count.at = ARENA_NEW_ARRAY(&j->c->a, struct kube_object *, pods.n + 1);
    for (size_t i = 0; i < pods.n; i++) {
        const struct kube_owner *owner = kube_object_controller(pods.at[i]);
        if (kube_object_has_finalizer(pods.at[i], STR(JOB_TRACKING)) &&
            (!owner || !store_by_uid(j->c->api->store, owner->uid, NULL)))
            j->count.at[j->count.n++] = pods.at[i];
    }
    release_counted(j);
}

void sync_job(struct ctl *c, struct str ns, struct str name)
{
    struct job j = {.c = c, .o = ctl_get(c, T_JOBS, ns, name)};
    struct str managed;
    if (!j.o) {
        release_orphans(&j, ns);
        return;
    }
    j.tree = ctl_tree(c, j.o);
    managed = json_string_at(j.tree, "spec.managedBy");
    if (managed.n > 0 && !str_eq_c(managed, "kubernetes.io/job-controller"))
        return;
    read_job(&j);
    if (job_finished(j.status) || j.o->deleting) {
        release_all(&j);
        if (!j.o->deleting)
            mind_ttl(&j);
        return;
    }
    mind_suspension(&j);
    decide(&j);
    write_status(&j);
    release_counted(&j);
    if (j.again > 0)
        ctl_after(c, CTL_JOB, ns, name, j.again);
}
