/* Jobs and cron jobs. */
#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/rules/rules.h"
#include "sim/kubeapi/types/zones.h"

#define UID_LABEL      "batch.kubernetes.io/controller-uid"
#define NAME_LABEL_KEY "batch.kubernetes.io/job-name"

/* ---- what the server adds ---- */

static void put_label(struct api_request *r, cJSON *labels, const char *key, struct str value)
{
    if (labels)
        json_set_str(&r->a, labels, key, value);
}

void prepare_job(struct api_request *r, cJSON *tree, const struct kube_object *old)
{
    struct str uid = json_string_at(tree, "metadata.uid"),
               name = json_string_at(tree, "metadata.name");
    cJSON *spec = json_get(tree, "spec");
    if (old || r->system || !spec || json_bool_at(spec, "manualSelector", false))
        return;
    cJSON *labels = json_ensure(&r->a, tree, "spec.template.metadata.labels");
    cJSON *metadata = json_get(tree, "metadata"), *own = json_get(metadata, "labels");
    bool same = labels && (!own || json_equal(own, labels)); /* the job's are its template's */
    put_label(r, labels, "controller-uid", uid);
    put_label(r, labels, "job-name", name);
    put_label(r, labels, UID_LABEL, uid);
    put_label(r, labels, NAME_LABEL_KEY, name);
    if (same)
        json_set(&r->a, metadata, STR("labels"), json_copy(&r->a, labels));
    cJSON *match = json_ensure(&r->a, tree, "spec.selector.matchLabels");
    put_label(r, match, UID_LABEL, uid);
}

void default_job(struct api_request *r, cJSON *tree, bool creating)
{
    const cJSON *labels = json_path(tree, "spec.template.metadata.labels");
    cJSON *metadata = json_get(tree, "metadata");
    default_workload(r, tree, creating);
    if (!json_is_empty(labels) && json_is_empty(json_get(metadata, "labels")))
        json_set(&r->a, metadata, STR("labels"), json_copy(&r->a, labels));
}

void default_cron_job(struct api_request *r, cJSON *tree, bool creating)
{
    default_pod_template(r, json_path(tree, "spec.jobTemplate.spec.template"));
}

/* ---- jobs ---- */

static void check_job_pods(struct check *c, const struct node *spec)
{
    const struct node template = node_at(spec, "template"), pod = node_at(&template, "spec");
    const struct node again = node_at(&pod, "restartPolicy");
    struct str policy = json_string(again.v);
    check_pod_template(c, &template);
    if (policy.n == 0 || str_eq_c(policy, "Always"))
        rule_required(c, &again, "valid values: \"OnFailure\", \"Never\"");
    else if (!text_among(policy, "OnFailure|Never"))
        rule_unsupported(c, &again, "OnFailure|Never");
}

static void check_mode(struct check *c, const struct node *spec)
{
    const struct node mode = node_at(spec, "completionMode"), count = node_at(spec, "completions");
    const struct node per_index = node_at(spec, "backoffLimitPerIndex");
    bool indexed = str_eq_c(json_string(mode.v), "Indexed");
    if (!rule_enum(c, &mode, "NonIndexed|Indexed", false))
        return;
    if (indexed && !node_is(&count))
        rule_required(c, &count, "when completion mode is Indexed");
    if (!indexed && node_is(&per_index))
        rule_bad(c, &per_index, "requires indexed completion mode");
}

static void check_manager(struct check *c, const struct node *n)
{
    if (!node_is(n))
        return;
    (void)rule_name(c, n, NAME_PREFIXED);
    if (json_string(n->v).n > 63)
        rule_too_long(c, n, 63);
}

static const struct rule exit_rules[] = {RULE_ENUM_SET("operator", "In|NotIn"),
                                         RULE_REQUIRED("values"), RULE_END};
static const struct rule failure_rules[] = {
    RULE_ENUM_SET("action", "Count|FailIndex|FailJob|Ignore"), RULE_IN("onExitCodes", exit_rules),
    RULE_END};
static const struct rule failures_rules[] = {RULE_EACH("rules", failure_rules), RULE_END};

static const struct rule job_common_rules[] = {
    RULE_MIN("parallelism", 0),
    RULE_MIN("completions", 0),
    RULE_MIN("activeDeadlineSeconds", 0),
    RULE_MIN("backoffLimit", 0),
    RULE_MIN("ttlSecondsAfterFinished", 0),
    RULE_MIN("backoffLimitPerIndex", 0),
    RULE_MIN("maxFailedIndexes", 0),
    RULE_CALL("managedBy", check_manager),
    RULE_CALL(NULL, check_mode),
    RULE_ENUM("podReplacementPolicy", "Failed|TerminatingOrFailed"),
    RULE_IN("podFailurePolicy", failures_rules),
    RULE_CALL(NULL, check_job_pods),
    RULE_END};

static void check_job_selector(struct check *c, const struct node *spec)
{
    const struct node selector = node_at(spec, "selector"), template = node_at(spec, "template");
    const struct node metadata = node_at(&template, "metadata"),
                      labels = node_at(&metadata, "labels");
    if (!node_is(&selector)) {
        rule_required(c, &selector, NULL);
        return;
    }
    rule_selector(c, &selector);
    if (!selector_is_empty(selector.v) && !labels_selected(selector.v, labels.v))
        rule_bad(c, &labels, "`selector` does not match template `labels`");
}

static const struct rule job_spec_rules[] = {RULE_IN(NULL, job_common_rules),
                                             RULE_CALL(NULL, check_job_selector), RULE_END};
const struct rule job_rules[] = {RULE_IN("spec", job_spec_rules), RULE_END};

/* Scheduling of a job's pods may change while it is suspended and has not begun; else the template stays. */
static void check_template_stays(struct check *c, const struct node *spec)
{
    static const char *const paths[] = {"metadata.labels",   "metadata.annotations",
                                        "spec.nodeSelector", "spec.tolerations",
                                        "spec.affinity",     "spec.schedulingGates"};
    struct node template = node_at(spec, "template");
    bool open =
        json_bool_at(spec->old, "suspend", false) && !json_path(c->old_root, "status.startTime");
    if (open) {
        cJSON *now = json_copy(&c->r->a, template.v);
        for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
            struct str head, member;
            (void)str_cut(str_c(paths[i]), '.', &head, &member);
            cJSON *part = json_get_str(now, head);
            const cJSON *was = json_get_str(json_get_str(template.old, head), member);
            if (part && was)
                json_set(&c->r->a, part, member, json_copy(&c->r->a, was));
            else if (part)
                (void)json_unset(part, member);
        }
        template.v = now;
    }
    rule_immutable(c, &template);
}

static void check_completions_stay(struct check *c, const struct node *spec)
{
    const struct node count = node_at(spec, "completions"), width = node_at(spec, "parallelism");
    bool indexed = str_eq_c(json_string_at(spec->v, "completionMode"), "Indexed");
    bool elastic = indexed && count.v && width.v && json_equal(count.v, width.v);
    if (!elastic)
        rule_immutable(c, &count);
}

static const struct rule job_spec_update_rules[] = {RULE_CALL(NULL, check_completions_stay),
                                                    RULE_IMMUTABLE("selector"),
                                                    RULE_CALL(NULL, check_template_stays),
                                                    RULE_IMMUTABLE("completionMode"),
                                                    RULE_IMMUTABLE("podFailurePolicy"),
                                                    RULE_IMMUTABLE("backoffLimitPerIndex"),
                                                    RULE_IMMUTABLE("managedBy"),
                                                    RULE_IMMUTABLE("successPolicy"),
                                                    RULE_END};
const struct rule job_update_rules[] = {RULE_IN("spec", job_spec_update_rules), RULE_END};

/* ---- the status of jobs ---- */

static bool condition_true(const cJSON *status, const char *type)
{
    const cJSON *list = json_get(status, "conditions");
    for (const cJSON *v = list ? list->child : NULL; v; v = v->next)
        if (str_eq_c(json_string_at(v, "type"), type) &&
            str_eq_c(json_string_at(v, "status"), "True"))
            return true;
    return false;
}

static void refuse_status(struct check *c, const struct node *n, const char *field,
                          const char *text)
{
    const struct node at = node_at(n, field);
    api_invalid(c->r, "FieldValueInvalid", node_text(c, &at), "Invalid value: %s", text);
}

/* A job that runs has started once; a suspended one starts anew when it goes on. */
static void check_start_stays(struct check *c, const struct node *n)
{
    const struct node start = node_at(n, "startTime");
    bool resumed = condition_true(n->old, "Suspended") && !condition_true(n->v, "Suspended");
    if (!json_is_empty(start.old) && node_changed(&start) && !resumed &&
        !json_bool_at(json_get(c->old_root, "spec"), "suspend", false))
        rule_required(c, &start, "startTime cannot be removed for unsuspended job");
}

static void check_job_status(struct check *c, const struct node *n)
{
    static const struct rule counts[] = {RULE_MIN("active", 0),      RULE_MIN("succeeded", 0),
                                         RULE_MIN("failed", 0),      RULE_MIN("ready", 0),
                                         RULE_MIN("terminating", 0), RULE_END};
    bool complete = condition_true(n->v, "Complete"), failed = condition_true(n->v, "Failed");
    bool met = condition_true(n->v, "SuccessCriteriaMet"),
         target = condition_true(n->v, "FailureTarget");
    if (!node_is(n))
        return;
    rule_walk(c, counts, n);
    check_start_stays(c, n);
    if (complete && !condition_true(n->old, "Complete")) {
        if (!met)
            refuse_status(
                c, n, "conditions",
                "cannot set Complete=True condition without the SuccessCriteriaMet=true condition");
        if (!json_get(n->v, "completionTime")) {
            const struct node at = node_at(n, "completionTime");
            rule_required(c, &at, "completionTime is required for Complete jobs");
        }
    }
    if (failed && !condition_true(n->old, "Failed") && !target)
        refuse_status(c, n, "conditions",
                      "cannot set Failed=True condition without the FailureTarget=true condition");
    if (complete && failed)
        refuse_status(c, n, "conditions", "cannot set Complete=True and Failed=true conditions");
    if (!complete && json_get(n->v, "completionTime"))
        refuse_status(c, n, "completionTime",
                      "cannot set completionTime when there is no Complete=True condition");
}

const struct rule job_status_rules[] = {RULE_CALL("status", check_job_status), RULE_END};

/* ---- cron ---- */

struct cron_field {
    int64_t least, most;
    const char *names; /* "JAN|FEB": from least on; NULL: numbers alone */
};

static const struct cron_field cron_fields[5] = {
    {0, 59, NULL},
    {0, 23, NULL},
    {1, 31, NULL},
    {1, 12, "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"},
    {0, 6, "sun|mon|tue|wed|thu|fri|sat"},
};

static bool cron_number(struct check *c, struct str s, const struct cron_field *f, int64_t *out,
                        struct str *problem)
{
    struct str rest = str_c(f->names), one;
    int64_t v = f->least;
    for (bool more = rest.n > 0; more; v++) {
        more = str_cut(rest, '|', &one, &rest);
        if (str_eq_nocase(one, s)) {
            *out = v;
            return true;
        }
    }
    if (str_to_i64(s, out)) {
        if (*out >= 0)
            return true;
        *problem = arena_printf(&c->r->a, "negative number (%lld) not allowed: " STR_FMT,
                                (long long)*out, STR_ARG(s));
        return false;
    }
    *problem = arena_printf(&c->r->a,
                            "failed to parse int from " STR_FMT ": strconv.Atoi: parsing \"" STR_FMT
                            "\": invalid syntax",
                            STR_ARG(s), STR_ARG(s));
    return false;
}

static struct str cron_range(struct check *c, struct str text, const struct cron_field *f)
{
    struct str span, step, from, to, problem = str_empty;
    int64_t a = f->least, b = f->most, n = 1;
    bool stepped = str_cut(text, '/', &span, &step);
    bool ranged = str_cut(span, '-', &from, &to);
    if (stepped && str_find_char(step, '/') >= 0)
        return arena_printf(&c->r->a, "too many slashes: " STR_FMT, STR_ARG(text));
    if (!str_eq_c(from, "*") && !str_eq_c(from, "?")) {
        if (!cron_number(c, from, f, &a, &problem))
            return problem;
        if (ranged && str_find_char(to, '-') >= 0)
            return arena_printf(&c->r->a, "too many hyphens: " STR_FMT, STR_ARG(text));
        if (!ranged)
            b = stepped ? f->most : a;
        else if (!cron_number(c, to, f, &b, &problem))
            return problem;
    }
    if (stepped && !cron_number(c, step, &(struct cron_field){0, 0, NULL}, &n, &problem))
        return problem;
    if (a < f->least)
        return arena_printf(&c->r->a, "beginning of range (%lld) below minimum (%lld): " STR_FMT,
                            (long long)a, (long long)f->least, STR_ARG(text));
    if (b > f->most)
        return arena_printf(&c->r->a, "end of range (%lld) above maximum (%lld): " STR_FMT,
                            (long long)b, (long long)f->most, STR_ARG(text));
    if (a > b)
        return arena_printf(&c->r->a,
                            "beginning of range (%lld) beyond end of range (%lld): " STR_FMT,
                            (long long)a, (long long)b, STR_ARG(text));
    if (n == 0)
        return arena_printf(&c->r->a, "step of range should be a positive number: " STR_FMT,
                            STR_ARG(text));
    return str_empty;
}

/* Empty: a schedule. */
static struct str cron_problem(struct check *c, struct str text)
{
    struct str words[5], rest = str_trim(text), one, problem;
    size_t n = 0;
    if (str_eq_c(text, "@hourly") ||
        text_among(text, "@daily|@midnight|@weekly|@monthly|@yearly|@annually") ||
        str_starts(text, STR("@every ")))
        return str_empty;
    if (text.p[0] == '@')
        return arena_printf(&c->r->a, "unrecognized descriptor: " STR_FMT, STR_ARG(text));
    for (; rest.n > 0; rest = str_trim(rest), n++) {
        (void)str_cut(rest, ' ', &one, &rest);
        if (n < 5)
            words[n] = one;
    }
    if (n != 5) {
        return arena_printf(&c->r->a, "expected exactly 5 fields, found %zu: [" STR_FMT "]", n,
                            STR_ARG(str_trim(text)));
    }
    for (size_t i = 0; i < 5; i++)
        for (bool more = true; more;) {
            more = str_cut(words[i], ',', &one, &words[i]);
            problem = cron_range(c, one, &cron_fields[i]);
            if (problem.n > 0)
                return problem;
        }
    return str_empty;
}

static void check_schedule(struct check *c, const struct node *n)
{
    struct str text = json_string(n->v);
    if (text.n == 0) {
        rule_required(c, n, NULL);
        return;
    }
    if (str_find(text, STR("TZ")) >= 0) {
        rule_bad(c, n, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead");
        return;
    }
    struct str problem = cron_problem(c, text);
    if (problem.n > 0)
        rule_bad(c, n, STR_FMT, STR_ARG(problem));
}

static void check_zone(struct check *c, const struct node *n)
{
    struct str zone = json_string(n->v);
    struct zone found;
    if (!node_is(n))
        return;
    if (zone.n == 0) {
        rule_bad(c, n, "timeZone must be nil or non-empty string");
        return;
    }
    if (str_eq_nocase(zone, STR("Local"))) {
        rule_bad(c, n,
                 "timeZone must be an explicit time zone as defined in "
                 "https://www.iana.org/time-zones");
        return;
    }
    if (!zone_find(zone, &found))
        rule_bad(c, n, "unknown time zone " STR_FMT, STR_ARG(zone));
}

static const struct rule job_template_rules[] = {RULE_IN("spec", job_common_rules), RULE_END};
static const struct rule cron_spec_rules[] = {
    RULE_CALL("schedule", check_schedule),
    RULE_MIN("startingDeadlineSeconds", 0),
    RULE_CALL("timeZone", check_zone),
    RULE_ENUM_SET("concurrencyPolicy", "Allow|Forbid|Replace"),
    RULE_IN("jobTemplate", job_template_rules),
    RULE_MIN("successfulJobsHistoryLimit", 0),
    RULE_MIN("failedJobsHistoryLimit", 0),
    RULE_END};
const struct rule cron_job_rules[] = {RULE_IN("spec", cron_spec_rules), RULE_END};
