#include "sim/kubeapi/kinds/convert.h"

#define METRICS    "autoscaling.alpha.kubernetes.io/metrics"
#define BEHAVIOR   "autoscaling.alpha.kubernetes.io/behavior"
#define CONDITIONS "autoscaling.alpha.kubernetes.io/conditions"
#define CURRENT    "autoscaling.alpha.kubernetes.io/current-metrics"

static bool is_old_autoscaler(const struct api_kind *k)
{
    return str_eq_c(k->group, "autoscaling") && str_eq_c(k->version, "v1") &&
           str_eq_c(k->kind, "HorizontalPodAutoscaler");
}

static bool is_new_event(const struct api_kind *k)
{
    return str_eq_c(k->group, "events.k8s.io");
}

bool convert_needed(const struct api_kind *k)
{
    return is_old_autoscaler(k) || is_new_event(k);
}

/* ---- events ---- */

static const struct {
    const char *stored, *shown;
} event_fields[] = {
    {"involvedObject", "regarding"},
    {"message", "note"},
    {"source", "deprecatedSource"},
    {"firstTimestamp", "deprecatedFirstTimestamp"},
    {"lastTimestamp", "deprecatedLastTimestamp"},
    {"count", "deprecatedCount"},
    {"reportingComponent", "reportingController"},
};

static void move_member(struct arena *a, cJSON *object, const char *from, const char *to)
{
    cJSON *v = json_get(object, from);
    if (!v)
        return;
    (void)json_unset(object, str_c(from));
    json_set(a, object, str_c(to), v);
}

static void convert_event(struct arena *a, cJSON *tree, bool to_storage)
{
    static const char *const zero[] = {"involvedObject", "source"};
    for (size_t i = 0; i < ARRAY_LEN(event_fields); i++)
        move_member(a, tree, to_storage ? event_fields[i].shown : event_fields[i].stored,
                    to_storage ? event_fields[i].stored : event_fields[i].shown);
    json_set_str(a, tree, "apiVersion", to_storage ? STR("v1") : STR("events.k8s.io/v1"));
    for (size_t i = 0; i < 2 && to_storage; i++) /* always written there */
        if (!json_get(tree, zero[i]))
            json_set(a, tree, str_c(zero[i]), json_object(a));
    if (to_storage && !json_get(tree, "reportingComponent"))
        json_set_str(a, tree, "reportingComponent", str_empty);
    if (to_storage && !json_get(tree, "reportingInstance"))
        json_set_str(a, tree, "reportingInstance", str_empty);
    if (!to_storage && json_string_at(tree, "reportingController").n == 0)
        (void)json_unset(tree, STR("reportingController"));
    if (!to_storage && json_string_at(tree, "reportingInstance").n == 0)
        (void)json_unset(tree, STR("reportingInstance"));
    if (!to_storage && json_get(tree, "regarding") && !json_get(tree, "regarding")->child)
        (void)json_unset(tree, STR("regarding"));
}

/* ---- autoscalers ---- */

static bool is_cpu(const cJSON *metric)
{
    return str_eq_c(json_string_at(metric, "type"), "Resource") &&
           str_eq_c(json_string_at(metric, "resource.name"), "cpu") &&
           str_eq_c(json_string_at(metric, "resource.target.type"), "Utilization");
}

static cJSON *cpu_metric(struct arena *a, int64_t percent)
{
    cJSON *metric = json_object(a), *target = json_ensure(a, metric, "resource.target");
    json_set_str(a, metric, "type", STR("Resource"));
    json_set_str(a, json_get(metric, "resource"), "name", STR("cpu"));
    json_set_str(a, target, "type", STR("Utilization"));
    json_set_int(a, target, "averageUtilization", percent);
    return metric;
}

/* A part that v1 has no member for goes into an annotation. */
static void hide(struct arena *a, cJSON *tree, cJSON *part, const char *member, const char *note)
{
    cJSON *v = json_get(part, member);
    struct buf b = {0};
    if (!v)
        return;
    (void)json_unset(part, str_c(member));
    if (!v->child)
        return;
    json_write(&b, v);
    json_set_str(a, json_ensure(a, tree, "metadata.annotations"), note, buf_str(&b));
    buf_free(&b);
}

/* And back; NULL: there is none, or it is not JSON. */
static cJSON *reveal(struct arena *a, cJSON *tree, const char *note)
{
    cJSON *notes = json_path(tree, "metadata.annotations"), *v = NULL;
    struct str text = json_string(json_get(notes, note));
    if (text.n == 0)
        return NULL;
    struct str copy = arena_str(a, text);
    (void)json_unset(notes, str_c(note));
    if (!notes->child)
        (void)json_unset(json_get(tree, "metadata"), STR("annotations"));
    struct err *err = json_parse(a, copy, &v);
    bool ok = !err;
    err_ignore(err);
    return ok ? v : NULL;
}

static void put(struct arena *a, cJSON *object, const char *member, cJSON *v)
{
    if (v && object)
        json_set(a, object, str_c(member), v);
}

static void spec_to_shown(struct arena *a, cJSON *tree, cJSON *spec)
{
    cJSON *metrics = json_get(spec, "metrics"), *rest = json_array(a);
    bool found = false;
    for (const cJSON *m = metrics ? metrics->child : NULL; m; m = m->next) {
        if (found || !is_cpu(m)) {
            json_append(rest, json_copy(a, m));
            continue;
        }
        found = true;
        json_set_int(a, spec, "targetCPUUtilizationPercentage",
                     json_int_at(m, "resource.target.averageUtilization", 0));
    }
    (void)json_unset(spec, STR("metrics"));
    if (rest->child) {
        json_set(a, spec, STR("metrics"), rest);
        hide(a, tree, spec, "metrics", METRICS);
    }
    hide(a, tree, spec, "behavior", BEHAVIOR);
}

static void autoscaler_to_shown(struct arena *a, cJSON *tree)
{
    cJSON *spec = json_get(tree, "spec"), *status = json_get(tree, "status");
    json_set_str(a, tree, "apiVersion", STR("autoscaling/v1"));
    if (spec)
        spec_to_shown(a, tree, spec);
    if (!status || status->type != cJSON_Object)
        return;
    hide(a, tree, status, "conditions", CONDITIONS);
    const cJSON *now = json_get(status, "currentMetrics");
    for (const cJSON *m = now ? now->child : NULL; m; m = m->next)
        if (str_eq_c(json_string_at(m, "resource.name"), "cpu") &&
            json_path(m, "resource.current.averageUtilization"))
            json_set_int(a, status, "currentCPUUtilizationPercentage",
                         json_int_at(m, "resource.current.averageUtilization", 0));
    hide(a, tree, status, "currentMetrics", CURRENT);
    if (!json_get(status, "currentReplicas"))
        json_set_int(a, status, "currentReplicas", 0);
}

static void autoscaler_to_storage(struct arena *a, cJSON *tree)
{
    cJSON *spec = json_get(tree, "spec"), *status = json_get(tree, "status");
    cJSON *more = reveal(a, tree, METRICS), *behavior = reveal(a, tree, BEHAVIOR);
    cJSON *conditions = reveal(a, tree, CONDITIONS), *now = reveal(a, tree, CURRENT);
    json_set_str(a, tree, "apiVersion", STR("autoscaling/v2"));
    if (spec && spec->type == cJSON_Object) {
        cJSON *metrics = json_array(a), *percent = json_get(spec, "targetCPUUtilizationPercentage");
        int64_t v = 80;
        if ((percent && json_int(percent, &v)) || !more)
            json_append(metrics, cpu_metric(a, v));
        for (const cJSON *m = more ? more->child : NULL; m; m = m->next)
            json_append(metrics, json_copy(a, m));
        (void)json_unset(spec, STR("targetCPUUtilizationPercentage"));
        json_set(a, spec, STR("metrics"), metrics);
        put(a, spec, "behavior", behavior);
    }
    if (!status || status->type != cJSON_Object)
        return;
    (void)json_unset(status, STR("currentCPUUtilizationPercentage"));
    if (json_int_at(status, "currentReplicas", 0) == 0)
        (void)json_unset(status, STR("currentReplicas"));
    put(a, status, "conditions", conditions);
    put(a, status, "currentMetrics", now ? now : json_null(a));
}

void convert_to_storage(struct arena *a, const struct api_kind *k, cJSON *tree)
{
    if (is_old_autoscaler(k))
        autoscaler_to_storage(a, tree);
    else if (is_new_event(k))
        convert_event(a, tree, true);
}

void convert_to_shown(struct arena *a, const struct api_kind *k, cJSON *tree)
{
    if (is_old_autoscaler(k))
        autoscaler_to_shown(a, tree);
    else if (is_new_event(k))
        convert_event(a, tree, false);
}

cJSON *convert_copy(struct arena *a, const struct api_kind *k, const cJSON *tree)
{
    struct buf b = {0};
    cJSON *out;
    json_write(&b, tree);
    struct err *err = json_parse(a, buf_str(&b), &out);
    BUG_ON(err != NULL, "what was written is JSON");
    buf_free(&b);
    convert_to_storage(a, k, out);
    return out;
}

struct str convert_field(struct arena *a, const struct api_kind *k, struct str path)
{
    struct str head, rest;
    bool deep = str_cut(path, '.', &head, &rest);
    for (size_t i = 0; is_new_event(k) && i < ARRAY_LEN(event_fields); i++)
        if (str_eq_c(head, event_fields[i].shown))
            return arena_printf(a, "%s%s" STR_FMT, event_fields[i].stored, deep ? "." : "",
                                STR_ARG(rest));
    return path;
}
