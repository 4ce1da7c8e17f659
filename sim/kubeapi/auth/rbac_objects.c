/* What roles and bindings are checked for before they are stored. */
#include "sim/kubeapi/auth/rbac_objects.h"

#include "sim/kubeapi/core/reply.h"

static const char rbac_group[] = "rbac.authorization.k8s.io";

static bool some(const cJSON *list)
{
    return list && list->child;
}

static struct str json_of(struct api_request *r, const cJSON *v)
{
    struct buf b = {0};
    json_write(&b, v);
    struct str out = arena_str(&r->a, buf_str(&b));
    buf_free(&b);
    return out;
}

/* ---- roles ---- */

static void required(struct api_request *r, size_t at, const char *field, const char *why)
{
    api_invalid(r, "FieldValueRequired", arena_printf(&r->a, "rules[%zu].%s", at, field),
                "Required value: %s", why);
}

static void check_urls(struct api_request *r, size_t at, const cJSON *rule, const cJSON *urls)
{
    struct str field = arena_printf(&r->a, "rules[%zu].nonResourceURLs", at);
    if (r->ns.n > 0)
        api_invalid(r, "FieldValueInvalid", field,
                    "Invalid value: " STR_FMT
                    ": namespaced rules cannot apply to non-resource URLs",
                    STR_ARG(json_of(r, urls)));
    if (some(json_get(rule, "apiGroups")) || some(json_get(rule, "resources")) ||
        some(json_get(rule, "resourceNames")))
        api_invalid(r, "FieldValueInvalid", field,
                    "Invalid value: " STR_FMT
                    ": rules cannot apply to both regular resources and non-resource URLs",
                    STR_ARG(json_of(r, urls)));
}

static void check_rule(struct api_request *r, size_t at, const cJSON *rule)
{
    const cJSON *urls = json_get(rule, "nonResourceURLs");
    if (!some(json_get(rule, "verbs")))
        required(r, at, "verbs", "verbs must contain at least one value");
    if (some(urls)) {
        check_urls(r, at, rule, urls);
        return;
    }
    if (!some(json_get(rule, "apiGroups")))
        required(r, at, "apiGroups", "resource rules must supply at least one api group");
    if (!some(json_get(rule, "resources")))
        required(r, at, "resources", "resource rules must supply at least one resource");
}

void rbac_check_role(struct api_request *r, const cJSON *tree, const struct kube_object *old)
{
    const cJSON *rules = json_get(tree, "rules"), *aggregation = json_get(tree, "aggregationRule");
    size_t at = 0;
    (void)old;
    for (const cJSON *rule = rules ? rules->child : NULL; rule; rule = rule->next, at++)
        check_rule(r, at, rule);
    if (aggregation && !some(json_get(aggregation, "clusterRoleSelectors")))
        api_invalid(r, "FieldValueRequired", STR("aggregationRule.clusterRoleSelectors"),
                    "Required value: at least one clusterRoleSelector required if aggregationRule "
                    "is non-nil");
}

/* No rules are null, whoever asked for it. */
void rbac_prepare_role(struct api_request *r, cJSON *tree)
{
    if (!some(json_get(tree, "rules")))
        json_set(&r->a, tree, STR("rules"), json_null(&r->a));
}

/* ---- bindings ---- */

void rbac_default_binding(struct api_request *r, cJSON *tree, bool creating)
{
    cJSON *subjects = json_get(tree, "subjects"), *ref = json_get(tree, "roleRef");
    (void)creating;
    if (subjects && !subjects->child)
        (void)json_unset(tree, STR("subjects"));
    subjects = json_get(tree, "subjects");
    if (ref && ref->type == cJSON_Object && json_string_at(ref, "apiGroup").n == 0)
        json_set_str(&r->a, ref, "apiGroup", str_c(rbac_group));
    for (cJSON *s = subjects ? subjects->child : NULL; s; s = s->next) {
        struct str kind = json_string_at(s, "kind");
        bool person = str_eq_c(kind, "User") || str_eq_c(kind, "Group");
        if (person && s->type == cJSON_Object && json_string_at(s, "apiGroup").n == 0)
            json_set_str(&r->a, s, "apiGroup", str_c(rbac_group));
    }
}

static void unsupported(struct api_request *r, struct str field, struct str value,
                        const char *supported)
{
    api_invalid(r, "FieldValueNotSupported", field,
                "Unsupported value: \"" STR_FMT "\": supported values: %s", STR_ARG(value),
                supported);
}

static struct str subject_field(struct api_request *r, size_t at, const char *field)
{
    return arena_printf(&r->a, "subjects[%zu].%s", at, field);
}

static void check_subject(struct api_request *r, size_t at, const cJSON *s)
{
    struct str kind = json_string_at(s, "kind"), group = json_string_at(s, "apiGroup");
    if (json_string_at(s, "name").n == 0)
        api_invalid(r, "FieldValueRequired", subject_field(r, at, "name"), "Required value");
    if (str_eq_c(kind, "ServiceAccount")) {
        if (group.n > 0)
            unsupported(r, subject_field(r, at, "apiGroup"), group, "\"\"");
        if (r->ns.n == 0 && json_string_at(s, "namespace").n == 0)
            api_invalid(r, "FieldValueRequired", subject_field(r, at, "namespace"),
                        "Required value");
    } else if (!str_eq_c(kind, "User") && !str_eq_c(kind, "Group")) {
        unsupported(r, subject_field(r, at, "kind"), kind,
                    "\"ServiceAccount\", \"User\", \"Group\"");
    } else if (!str_eq_c(group, rbac_group)) {
        unsupported(r, subject_field(r, at, "apiGroup"), group, "\"rbac.authorization.k8s.io\"");
    }
}

void rbac_check_binding(struct api_request *r, const cJSON *tree, const struct kube_object *old)
{
    const cJSON *ref = json_get(tree, "roleRef"), *subjects = json_get(tree, "subjects");
    struct str kind = json_string_at(ref, "kind"), group = json_string_at(ref, "apiGroup");
    bool cluster = r->ns.n == 0;
    size_t at = 0;
    if (!str_eq_c(group, rbac_group))
        unsupported(r, STR("roleRef.apiGroup"), group, "\"rbac.authorization.k8s.io\"");
    if (!str_eq_c(kind, "ClusterRole") && (cluster || !str_eq_c(kind, "Role")))
        unsupported(r, STR("roleRef.kind"), kind,
                    cluster ? "\"ClusterRole\"" : "\"Role\", \"ClusterRole\"");
    if (json_string_at(ref, "name").n == 0)
        api_invalid(r, "FieldValueRequired", STR("roleRef.name"), "Required value");
    for (const cJSON *s = subjects ? subjects->child : NULL; s; s = s->next, at++)
        check_subject(r, at, s);
    struct str now = ref ? json_of(r, ref) : STR("{}");
    if (old && !str_eq(now, kube_object_raw(old, "roleRef")))
        api_invalid(r, "FieldValueInvalid", STR("roleRef"),
                    "Invalid value: " STR_FMT ": cannot change roleRef", STR_ARG(now));
}
