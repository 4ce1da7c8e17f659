/* What rules of a Job make of its pods: podFailurePolicy, successPolicy. */
#include "sim/kubeapi/controllers/job.h"

/* ---- failure ---- */

static bool lists_code(const cJSON *values, int64_t code)
{
    for (const cJSON *v = values ? values->child : NULL; v; v = v->next) {
        int64_t n;
        if (json_int(v, &n) && n == code)
            return true;
    }
    return false;
}

/* A container that has ended by a code that the requirement takes; NULL: none. */
static const cJSON *container_of_code(const cJSON *requirement, const cJSON *status, int64_t *code)
{
    static const char *const lists[] = {"containerStatuses", "initContainerStatuses"};
    struct str only = json_string_at(requirement, "containerName");
    bool in = str_eq_c(json_string_at(requirement, "operator"), "In");
    for (size_t l = 0; l < ARRAY_LEN(lists); l++) {
        const cJSON *list = json_get(status, lists[l]);
        for (const cJSON *it = list ? list->child : NULL; it; it = it->next) {
            const cJSON *ended = json_path(it, "state.terminated");
            *code = json_int_at(ended, "exitCode", 0);
            if (!ended || *code == 0 || (only.n > 0 && !str_eq(only, json_string_at(it, "name"))))
                continue;
            if (lists_code(json_get(requirement, "values"), *code) == in)
                return it;
        }
    }
    return NULL;
}

/* The pod's condition that one of the patterns matches; empty: none. */
static struct str condition_of(const cJSON *patterns, const cJSON *status)
{
    for (const cJSON *p = patterns ? patterns->child : NULL; p; p = p->next) {
        struct str wanted = json_string_at(p, "status");
        const cJSON *c = ctl_condition_find_str(status, json_string_at(p, "type"));
        if (c && str_eq(json_string_at(c, "status"), wanted.n ? wanted : STR("True")))
            return json_string_at(p, "type");
    }
    return str_empty;
}

static enum job_action action_of(struct str text)
{
    return str_eq_c(text, "FailJob")     ? JOB_FAIL
           : str_eq_c(text, "FailIndex") ? JOB_FAIL_INDEX
           : str_eq_c(text, "Ignore")    ? JOB_IGNORE
                                         : JOB_COUNT;
}

/* Why the rule matches; empty: it does not. */
static struct str match(struct job *j, const cJSON *rule, const struct kube_object *pod,
                        const cJSON *status, int n)
{
    struct arena *a = &j->c->a;
    struct str action = json_string_at(rule, "action");
    const cJSON *codes = json_get(rule, "onExitCodes");
    int64_t code;
    const cJSON *container = codes ? container_of_code(codes, status, &code) : NULL;
    if (container)
        return arena_printf(a,
                            "Container " STR_FMT " for pod " STR_FMT "/" STR_FMT
                            " failed with exit code %lld matching " STR_FMT " rule at index %d",
                            STR_ARG(json_string_at(container, "name")), STR_ARG(pod->ns),
                            STR_ARG(pod->name), (long long)code, STR_ARG(action), n);
    struct str type = codes ? str_empty : condition_of(json_get(rule, "onPodConditions"), status);
    if (type.n == 0)
        return str_empty;
    return arena_printf(a,
                        "Pod " STR_FMT "/" STR_FMT " has condition " STR_FMT " matching " STR_FMT
                        " rule at index %d",
                        STR_ARG(pod->ns), STR_ARG(pod->name), STR_ARG(type), STR_ARG(action), n);
}

enum job_action job_failure_action(struct job *j, const struct kube_object *pod, struct str *why)
{
    const cJSON *rules = json_path(j->tree, "spec.podFailurePolicy.rules");
    if (!rules)
        return JOB_COUNT;
    const cJSON *status = json_get(ctl_tree(j->c, pod), "status");
    int n = 0;
    for (const cJSON *r = rules->child; r; r = r->next, n++) {
        *why = match(j, r, pod, status, n);
        if (why->n > 0)
            return action_of(json_string_at(r, "action"));
    }
    return JOB_COUNT;
}

/* ---- success ---- */

static void count_done(struct job_index *index, int64_t *sum)
{
    *sum += index->done;
}

bool job_success_rule(struct job *j, struct str *why)
{
    const cJSON *rules = json_path(j->tree, "spec.successPolicy.rules");
    int n = 0;
    for (const cJSON *r = rules && j->index ? rules->child : NULL; r; r = r->next, n++) {
        int64_t listed = 0, count = json_int_at(r, "succeededCount", -1), done = j->succeeded;
        struct str indexes = json_string_at(r, "succeededIndexes");
        if (indexes.n > 0) {
            done = 0;
            listed = job_each_index(j, indexes, count_done, &done);
        }
        if (count < 0)
            count = listed;
        if (done < count || (indexes.n == 0 && count == 0))
            continue;
        *why = arena_printf(&j->c->a, "Matched rules at index %d", n);
        return true;
    }
    return false;
}
