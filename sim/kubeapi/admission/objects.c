/* Small plug-ins: defaults of pods, claims, nodes and ingresses that depend on other objects. */
#include "sim/kubeapi/admission/admission.h"

#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/rules/walk.h"

static bool forbid(struct admission *a, const char *text, struct str value)
{
    struct str name = admission_name(a->r, a->object);
    return api_fail_forbidden(a->r, name, "%s" STR_FMT, text, STR_ARG(value));
}

/* ---- priority ---- */

static struct kube_object *default_priority(struct admission *a)
{
    struct store_cursor c =
        store_seek(store_table(a->r->api->store, STR("priorityclasses.scheduling.k8s.io")),
                   str_empty, str_empty);
    struct kube_object *best = NULL;
    for (struct kube_object *o; (o = store_next(&c));)
        if (str_eq_c(kube_object_raw(o, "globalDefault"), "true"))
            best = o;
    return best;
}

/* A writer that leaves out what the pod has been given keeps it. */
static bool keep_priority(struct admission *a, cJSON *spec)
{
    static const char *const kept[] = {"priority", "preemptionPolicy"};
    const cJSON *was = json_get(kube_object_tree(a->old, &a->r->a), "spec");
    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        const cJSON *v = json_get(was, kept[i]);
        if (v && !json_get(spec, kept[i]))
            json_set(&a->r->a, spec, str_c(kept[i]), json_copy(&a->r->a, v));
    }
    return true;
}

bool admit_priority(struct admission *a)
{
    struct arena *m = &a->r->a;
    cJSON *spec = json_ensure(m, a->object, "spec");
    if (a->verb == ADMIT_UPDATE)
        return keep_priority(a, spec);
    struct str name = json_string_at(spec, "priorityClassName"),
               policy = STR("PreemptLowerPriority");
    struct kube_object *class = NULL;
    int64_t value = 0;
    if (str_eq_c(name, "system-node-critical") || str_eq_c(name, "system-cluster-critical"))
        value = str_eq_c(name, "system-node-critical") ? 2000001000 : 2000000000;
    else if (name.n > 0)
        class = kubeapi_get(a->r->api, STR("priorityclasses.scheduling.k8s.io"), str_empty, name);
    else
        class = default_priority(a);
    if (name.n > 0 && !class && value == 0)
        return forbid(a, "no PriorityClass with name ",
                      arena_printf(m, STR_FMT " was found", STR_ARG(name)));
    if (class) {
        struct str own = kube_object_string(class, "preemptionPolicy");
        (void)str_to_i64(kube_object_raw(class, "value"), &value);
        policy = own.n > 0 ? own : policy;
        if (name.n == 0)
            json_set_str(m, spec, "priorityClassName", class->name);
    }
    const cJSON *given = json_get(spec, "priority");
    int64_t asked;
    if (given && json_int(given, &asked) && asked != value)
        return api_fail_forbidden(
            a->r, admission_name(a->r, a->object),
            "the integer value of priority (%lld) must not be provided in pod spec; priority "
            "admission controller computed %lld from the given PriorityClass name",
            (long long)asked, (long long)value);
    json_set_int(m, spec, "priority", value);
    if (json_string_at(spec, "preemptionPolicy").n == 0)
        json_set_str(m, spec, "preemptionPolicy", policy);
    return true;
}

/* ---- tolerations ---- */

static bool tolerates(const cJSON *list, const char *key)
{
    for (const cJSON *t = list ? list->child : NULL; t; t = t->next) {
        struct str of = json_string_at(t, "key"), effect = json_string_at(t, "effect");
        if ((str_eq_c(of, key) || of.n == 0) && (str_eq_c(effect, "NoExecute") || effect.n == 0))
            return true;
    }
    return false;
}

bool admit_tolerations(struct admission *a)
{
    static const char *const keys[] = {"node.kubernetes.io/not-ready",
                                       "node.kubernetes.io/unreachable"};
    struct arena *m = &a->r->a;
    cJSON *spec = json_ensure(m, a->object, "spec");
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        cJSON *list = json_get(spec, "tolerations");
        if (tolerates(list, keys[i]))
            continue;
        if (!list) {
            list = json_array(m);
            json_set(m, spec, STR("tolerations"), list);
        }
        cJSON *t = json_object(m);
        json_set_str(m, t, "key", str_c(keys[i]));
        json_set_str(m, t, "operator", STR("Exists"));
        json_set_str(m, t, "effect", STR("NoExecute"));
        json_set_int(m, t, "tolerationSeconds", 300);
        json_append(list, t);
    }
    return true;
}

/* ---- runtime classes ---- */

static void copy_members(struct arena *m, cJSON *to, const cJSON *from)
{
    for (const cJSON *v = from ? from->child : NULL; v; v = v->next)
        json_set(m, to, str_c(v->string), json_copy(m, v));
}

bool admit_runtime_class(struct admission *a)
{
    struct arena *m = &a->r->a;
    cJSON *spec = json_ensure(m, a->object, "spec");
    struct str name = json_string_at(spec, "runtimeClassName");
    if (name.n == 0)
        return true;
    struct kube_object *o =
        kubeapi_get(a->r->api, STR("runtimeclasses.node.k8s.io"), str_empty, name);
    if (!o)
        return forbid(a, "pod rejected: RuntimeClass \"",
                      arena_printf(m, STR_FMT "\" not found", STR_ARG(name)));
    const cJSON *tree = kube_object_tree(o, m), *fixed = json_path(tree, "overhead.podFixed");
    const cJSON *selector = json_path(tree, "scheduling.nodeSelector");
    const cJSON *more = json_path(tree, "scheduling.tolerations");
    if (fixed)
        json_set(m, spec, STR("overhead"), json_copy(m, fixed));
    if (selector)
        copy_members(m, json_ensure(m, spec, "nodeSelector"), selector);
    cJSON *list = json_get(spec, "tolerations");
    if (more && !list) {
        list = json_array(m);
        json_set(m, spec, STR("tolerations"), list);
    }
    for (const cJSON *t = more ? more->child : NULL; t; t = t->next)
        json_append(list, json_copy(m, t));
    return true;
}

/* ---- storage ---- */

/* The newest class that is marked as the default, by name among equals. */
static struct kube_object *default_of(struct admission *a, struct str table, const char *mark)
{
    struct store_cursor c = store_seek(store_table(a->r->api->store, table), str_empty, str_empty);
    struct kube_object *best = NULL;
    struct str since = str_empty;
    for (struct kube_object *o; (o = store_next(&c));) {
        const cJSON *notes = json_path(kube_object_tree(o, &a->r->a), "metadata.annotations");
        struct str made = kube_object_string(o, "metadata.creationTimestamp");
        if (!str_eq_c(json_string(json_get(notes, mark)), "true") ||
            (best && str_cmp(made, since) <= 0))
            continue;
        best = o;
        since = made;
    }
    return best;
}

bool admit_storage_class(struct admission *a)
{
    cJSON *spec = json_ensure(&a->r->a, a->object, "spec");
    if (json_get(spec, "storageClassName"))
        return true;
    struct kube_object *o = default_of(a, STR("storageclasses.storage.k8s.io"),
                                       "storageclass.kubernetes.io/is-default-class");
    if (o)
        json_set_str(&a->r->a, spec, "storageClassName", o->name);
    return true;
}

bool admit_default_class(struct admission *a)
{
    cJSON *spec = json_ensure(&a->r->a, a->object, "spec");
    const cJSON *notes = json_path(a->object, "metadata.annotations");
    if (json_get(spec, "ingressClassName") || json_get(notes, "kubernetes.io/ingress.class"))
        return true;
    struct kube_object *o = default_of(a, STR("ingressclasses.networking.k8s.io"),
                                       "ingressclass.kubernetes.io/is-default-class");
    if (o)
        json_set_str(&a->r->a, spec, "ingressClassName", o->name);
    return true;
}

bool admit_protection(struct admission *a)
{
    struct arena *m = &a->r->a;
    struct str name = api_kind_is(a->k, "persistentvolumes") ? STR("kubernetes.io/pv-protection")
                                                             : STR("kubernetes.io/pvc-protection");
    cJSON *metadata = json_get(a->object, "metadata"), *list = json_get(metadata, "finalizers");
    for (const cJSON *f = list ? list->child : NULL; f; f = f->next)
        if (str_eq(json_string(f), name))
            return true;
    if (!list) {
        list = json_array(m);
        json_set(m, metadata, STR("finalizers"), list);
    }
    json_append(list, json_str(m, name));
    return true;
}

/* ---- nodes ---- */

bool admit_taint(struct admission *a)
{
    struct arena *m = &a->r->a;
    cJSON *spec = json_ensure(m, a->object, "spec"), *list = json_get(spec, "taints");
    for (const cJSON *t = list ? list->child : NULL; t; t = t->next)
        if (str_eq_c(json_string_at(t, "key"), "node.kubernetes.io/not-ready") &&
            str_eq_c(json_string_at(t, "effect"), "NoSchedule"))
            return true;
    if (!list) {
        list = json_array(m);
        json_set(m, spec, STR("taints"), list);
    }
    cJSON *taint = json_object(m);
    json_set_str(m, taint, "key", STR("node.kubernetes.io/not-ready"));
    json_set_str(m, taint, "effect", STR("NoSchedule"));
    json_append(list, taint);
    return true;
}
