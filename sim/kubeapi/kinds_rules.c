/* What single kinds need beyond the common rules, as a table of small functions: defaults on write, what an update keeps,
 * what is refused. */
#include "sim/kubeapi/api_internal.h"
#include "sim/kubeapi/auth/csr.h"
#include "sim/kubeapi/auth/rbac_objects.h"
#include "sim/kubeapi/kinds/crds.h"

#include "engine/base/codec.h"
#include <string.h>

#define DATA_BYTES_MAX ((size_t)1 << 20)

/* ---- defaults ---- */

/* Typed encoders leave empty maps out. */
static void drop_empty(cJSON *object, const char *key)
{
    const cJSON *v = object ? json_get(object, key) : NULL;
    if (v && (v->type == cJSON_Object || v->type == cJSON_Array) && !v->child)
        (void)json_unset(object, str_c(key));
}

static void default_namespace(struct api_request *r, cJSON *tree, bool creating)
{
    cJSON *labels = creating ? json_ensure(&r->a, tree, "metadata.labels") : NULL;
    if (labels)
        json_set_str(&r->a, labels, "kubernetes.io/metadata.name",
                     json_string_at(tree, "metadata.name"));
}

static void prepare_namespace(struct api_request *r, cJSON *tree)
{
    cJSON *spec = json_ensure(&r->a, tree, "spec");
    cJSON *list = spec ? json_get(spec, "finalizers") : NULL;
    if (spec && !list) {
        list = json_array(&r->a);
        json_set(&r->a, spec, STR("finalizers"), list);
    }
    bool there = false;
    for (const cJSON *f = list ? list->child : NULL; f; f = f->next)
        there = there || str_eq_c(json_string(f), "kubernetes");
    if (list && !there)
        json_append(list, json_str(&r->a, STR("kubernetes")));
    json_set_str(&r->a, json_ensure(&r->a, tree, "status"), "phase", STR("Active"));
}

static void default_secret(struct api_request *r, cJSON *tree, bool creating)
{
    cJSON *plain = json_get(tree, "stringData");
    cJSON *data = plain && plain->type == cJSON_Object ? json_ensure(&r->a, tree, "data") : NULL;
    for (const cJSON *s = data ? plain->child : NULL; s; s = s->next) {
        struct buf b = {0};
        base64_encode(&b, json_string(s));
        json_set_str(&r->a, data, s->string, buf_str(&b));
        buf_free(&b);
    }
    (void)json_unset(tree, STR("stringData"));
    drop_empty(tree, "data");
    if (json_string_at(tree, "type").n == 0)
        json_set_str(&r->a, tree, "type", STR("Opaque"));
}

static void default_pod(struct api_request *r, cJSON *tree, bool creating)
{
    cJSON *spec = json_ensure(&r->a, tree, "spec"), *status;
    if (spec && !json_get(spec, "restartPolicy"))
        json_set_str(&r->a, spec, "restartPolicy", STR("Always"));
    if (spec && !json_get(spec, "terminationGracePeriodSeconds"))
        json_set_int(&r->a, spec, "terminationGracePeriodSeconds", 30);
    if (creating && (status = json_ensure(&r->a, tree, "status")) && !json_get(status, "phase"))
        json_set_str(&r->a, status, "phase", STR("Pending"));
}

static void default_replicas(struct api_request *r, cJSON *tree, bool creating)
{
    cJSON *spec = json_ensure(&r->a, tree, "spec");
    if (spec && !json_get(spec, "replicas"))
        json_set_int(&r->a, spec, "replicas", 1);
}

static void default_service(struct api_request *r, cJSON *tree, bool creating)
{
    cJSON *spec = json_ensure(&r->a, tree, "spec");
    if (spec && !json_get(spec, "type"))
        json_set_str(&r->a, spec, "type", STR("ClusterIP"));
    if (spec && !json_get(spec, "sessionAffinity"))
        json_set_str(&r->a, spec, "sessionAffinity", STR("None"));
}

static void default_role(struct api_request *r, cJSON *tree, bool creating)
{
    if (!creating)
        rbac_prepare_role(r, tree);
}

/* ---- refusals ---- */

static bool key_ok(struct str key)
{
    for (size_t i = 0; i < key.n; i++) {
        char c = key.p[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_' || c == '.';
        if (!ok)
            return false;
    }
    return key.n > 0 && key.n <= 253;
}

static size_t check_data(struct api_request *r, const cJSON *data, const char *field)
{
    size_t bytes = 0;
    for (const cJSON *d = data && data->type == cJSON_Object ? data->child : NULL; d; d = d->next) {
        struct str key = str_c(d->string);
        bytes += json_string(d).n;
        if (str_eq_c(key, ".") || str_starts(key, STR(".."))) {
            api_invalid(r, "FieldValueInvalid",
                        arena_printf(&r->a, "%s[" STR_FMT "]", field, STR_ARG(key)),
                        "Invalid value: \"" STR_FMT "\": must not %s", STR_ARG(key),
                        str_eq_c(key, ".")    ? "be '.'"
                        : str_eq_c(key, "..") ? "be '..'"
                                              : "start with '..'");
            continue;
        }
        if (key_ok(key))
            continue;
        api_invalid(
            r, "FieldValueInvalid", arena_printf(&r->a, "%s[" STR_FMT "]", field, STR_ARG(key)),
            "Invalid value: \"" STR_FMT
            "\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' "
            "(e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is "
            "'[-._a-zA-Z0-9]+')",
            STR_ARG(key));
    }
    return bytes;
}

static void default_config(struct api_request *r, cJSON *tree, bool creating)
{
    drop_empty(tree, "data");
    drop_empty(tree, "binaryData");
}

static bool is_immutable(const struct kube_object *old)
{
    return old && str_eq_c(kube_object_raw(old, "immutable"), "true");
}

static bool differs(const struct kube_object *old, const char *field, const cJSON *tree)
{
    struct buf b = {0};
    const cJSON *v = json_get(tree, field);
    if (v)
        json_write(&b, v);
    bool different = !str_eq(buf_str(&b), kube_object_raw(old, field));
    buf_free(&b);
    return different;
}

static void check_config(struct api_request *r, const cJSON *tree, const struct kube_object *old)
{
    static const char *const frozen[] = {"data", "binaryData"};
    size_t bytes = check_data(r, json_get(tree, "data"), "data");
    bytes += check_data(r, json_get(tree, "binaryData"), "binaryData");
    if (bytes > DATA_BYTES_MAX)
        api_invalid(r, "FieldValueTooLong", STR("[]"), "Too long: may not be more than %zu bytes",
                    DATA_BYTES_MAX);
    if (is_immutable(old) && !json_bool_at(tree, "immutable", false))
        api_invalid(r, "FieldValueForbidden", STR("immutable"),
                    "Forbidden: field is immutable when `immutable` is set");
    for (size_t i = 0; is_immutable(old) && i < ARRAY_LEN(frozen); i++)
        if (differs(old, frozen[i], tree))
            api_invalid(r, "FieldValueForbidden", str_c(frozen[i]),
                        "Forbidden: field is immutable when `immutable` is set");
}

static void check_secret(struct api_request *r, const cJSON *tree, const struct kube_object *old)
{
    struct str type = json_string_at(tree, "type");
    const cJSON *annotations = json_path(tree, "metadata.annotations");
    check_config(r, tree, old);
    if (old && differs(old, "type", tree))
        api_invalid(r, "FieldValueInvalid", STR("type"),
                    "Invalid value: \"" STR_FMT "\": field is immutable", STR_ARG(type));
    if (str_eq_c(type, "kubernetes.io/service-account-token") &&
        json_string(json_get(annotations, "kubernetes.io/service-account.name")).n == 0)
        api_invalid(r, "FieldValueRequired",
                    STR("metadata.annotations[kubernetes.io/service-account.name]"),
                    "Required value");
}

/* ---- the table ---- */

static const struct {
    const char *table;
    void (*defaults)(struct api_request *r, cJSON *tree, bool creating);
    void (*check)(struct api_request *r, const cJSON *tree, const struct kube_object *old);
} rules[] = {
    {"configmaps", default_config, check_config},
    {"secrets", default_secret, check_secret},
    {"namespaces", default_namespace, NULL},
    {"pods", default_pod, NULL},
    {"services", default_service, NULL},
    {"deployments.apps", default_replicas, NULL},
    {"replicasets.apps", default_replicas, NULL},
    {"statefulsets.apps", default_replicas, NULL},
    {"roles.rbac.authorization.k8s.io", default_role, rbac_check_role},
    {"clusterroles.rbac.authorization.k8s.io", default_role, rbac_check_role},
    {"rolebindings.rbac.authorization.k8s.io", rbac_default_binding, rbac_check_binding},
    {"clusterrolebindings.rbac.authorization.k8s.io", rbac_default_binding, rbac_check_binding},
    {"certificatesigningrequests.certificates.k8s.io", csr_default, csr_check},
    {"customresourcedefinitions.apiextensions.k8s.io", crds_default, crds_check},
};

void api_rules_default(struct api_request *r, const struct api_kind *k, cJSON *tree, bool creating)
{
    static const char *const optional[] = {"labels", "annotations", "finalizers",
                                           "ownerReferences"};
    for (size_t i = 0; i < ARRAY_LEN(optional); i++)
        drop_empty(json_get(tree, "metadata"), optional[i]);
    for (size_t i = 0; !(k->flags & KIND_CUSTOM) && i < ARRAY_LEN(rules); i++)
        if (api_kind_is(k, rules[i].table) && rules[i].defaults)
            rules[i].defaults(r, tree, creating);
}

void api_rules_prepare(struct api_request *r, const struct api_kind *k, cJSON *tree)
{
    if (api_kind_is(k, "namespaces"))
        prepare_namespace(r, tree);
    else if (str_ends(k->table, STR("roles.rbac.authorization.k8s.io")))
        rbac_prepare_role(r, tree);
    else if (api_kind_is(k, "certificatesigningrequests.certificates.k8s.io"))
        csr_stamp(r, tree);
}

void api_rules_validate(struct api_request *r, const struct api_kind *k, const cJSON *tree,
                        const struct kube_object *old)
{
    for (size_t i = 0; !(k->flags & KIND_CUSTOM) && i < ARRAY_LEN(rules); i++)
        if (api_kind_is(k, rules[i].table) && rules[i].check)
            rules[i].check(r, tree, old);
}

/* A namespace's spec.finalizers change through /finalize only, and its name label comes back. */
void api_rules_keep(struct api_request *r, const struct api_kind *k, const struct kube_object *old,
                    cJSON *tree)
{
    struct arena *a = &r->a;
    if (api_kind_is(k, "certificatesigningrequests.certificates.k8s.io"))
        csr_keep(r, old, tree);
    if (!api_kind_is(k, "namespaces"))
        return;
    cJSON *labels = json_ensure(a, tree, "metadata.labels"), *list = json_array(a);
    if (labels)
        json_set_str(a, labels, "kubernetes.io/metadata.name", old->name);
    if (r->system || r->finalize)
        return;
    const cJSON *was = json_path(kube_object_tree(old, a), "spec.finalizers");
    cJSON *spec = json_ensure(a, tree, "spec");
    for (const cJSON *f = was ? was->child : NULL; f; f = f->next)
        json_append(list, json_str(a, json_string(f)));
    if (spec && was)
        json_set(a, spec, STR("finalizers"), list);
    else if (spec)
        (void)json_unset(spec, STR("finalizers"));
}
