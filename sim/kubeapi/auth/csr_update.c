/* Updates of a request for a certificate: what each of its subresources may touch. */
#include "sim/kubeapi/auth/csr.h"
#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/core/stamps.h"

static bool is_approval(struct str type)
{
    return str_eq_c(type, "Approved") || str_eq_c(type, "Denied");
}

bool csr_has_condition(const cJSON *tree, const char *type)
{
    const cJSON *list = json_path(tree, "status.conditions");
    for (const cJSON *c = list ? list->child : NULL; c; c = c->next)
        if (str_eq_c(json_string_at(c, "type"), type))
            return true;
    return false;
}

static const cJSON *find_condition(const cJSON *list, struct str type)
{
    for (const cJSON *c = list ? list->child : NULL; c; c = c->next)
        if (str_eq(json_string_at(c, "type"), type))
            return c;
    return NULL;
}

/* ---- what an update keeps ---- */

static void stamp_times(struct api_request *r, cJSON *list, const cJSON *old)
{
    struct str now = api_now(r->api, &r->a);
    for (cJSON *c = list ? list->child : NULL; c; c = c->next) {
        const cJSON *was = find_condition(old, json_string_at(c, "type"));
        bool same = was && str_eq(json_string_at(was, "status"), json_string_at(c, "status"));
        if (json_string_at(c, "lastUpdateTime").n == 0)
            json_set_str(&r->a, c, "lastUpdateTime", now);
        if (json_string_at(c, "lastTransitionTime").n == 0)
            json_set_str(&r->a, c, "lastTransitionTime",
                         same ? json_string_at(was, "lastTransitionTime") : now);
    }
}

/* The conditions of `from` for which is_approval is `approval`, copied behind those of `to`. */
static void add_conditions(struct arena *a, cJSON *to, const cJSON *from, bool approval)
{
    for (const cJSON *c = from ? from->child : NULL; c; c = c->next)
        if (is_approval(json_string_at(c, "type")) == approval)
            json_append(to, json_copy(a, c));
}

static void check_conditions(struct api_request *r, const cJSON *list, const cJSON *old)
{
    static const char *const lasting[] = {"Approved", "Denied", "Failed"};
    for (size_t i = 0; i < ARRAY_LEN(lasting); i++)
        if (find_condition(old, str_c(lasting[i])) && !find_condition(list, str_c(lasting[i])))
            api_invalid(r, "FieldValueForbidden", STR("status.conditions"),
                        "Forbidden: updates may not remove a condition of type \"%s\"", lasting[i]);
    size_t at = 0;
    for (const cJSON *c = list ? list->child : NULL; c; c = c->next, at++) {
        struct str type = json_string_at(c, "type"), status = json_string_at(c, "status");
        if (type.n == 0)
            api_invalid(r, "FieldValueRequired",
                        arena_printf(&r->a, "status.conditions[%zu].type", at), "Required value");
        if ((is_approval(type) || str_eq_c(type, "Failed")) && !str_eq_c(status, "True"))
            api_invalid(r, "FieldValueNotSupported",
                        arena_printf(&r->a, "status.conditions[%zu].status", at),
                        "Unsupported value: \"" STR_FMT "\": supported values: \"True\"",
                        STR_ARG(status));
    }
    if (find_condition(list, STR("Approved")) && find_condition(list, STR("Denied")))
        api_invalid(r, "FieldValueInvalid", STR("status.conditions"),
                    "Invalid value: \"Denied\": Approved and Denied conditions are mutually "
                    "exclusive");
}

static void keep_status(struct api_request *r, const cJSON *was, cJSON *status)
{
    struct arena *a = &r->a;
    bool approval = str_eq_c(r->p.sub, "approval");
    cJSON *list = json_array(a), *old = json_get(was, "conditions");
    cJSON *given = json_get(status, "conditions"), *certificate = json_get(was, "certificate");
    if (approval && given) { /* as given, in its order */
        list = json_copy(a, given);
    } else if (!approval) {
        add_conditions(a, list, old, true);
        add_conditions(a, list, given, false);
    }
    stamp_times(r, list, old);
    check_conditions(r, list, old);
    if (list->child)
        json_set(a, status, STR("conditions"), list);
    else
        (void)json_unset(status, STR("conditions"));
    if (approval && certificate)
        json_set(a, status, STR("certificate"), json_copy(a, certificate));
    else if (approval)
        (void)json_unset(status, STR("certificate"));
    else if (certificate &&
             !str_eq(json_string(certificate), json_string_at(status, "certificate")))
        api_invalid(r, "FieldValueForbidden", STR("status.certificate"),
                    "Forbidden: updates may not modify existing certificate content");
}

void csr_keep(struct api_request *r, const struct kube_object *old, cJSON *tree)
{
    cJSON *was = kube_object_tree(old, &r->a), *spec = json_get(was, "spec");
    if (r->system)
        return;
    if (!r->sub) {
        (void)json_unset(was, STR("spec"));
        json_set(&r->a, tree, STR("spec"), spec ? spec : json_object(&r->a));
        return;
    }
    cJSON *status = json_ensure(&r->a, tree, "status");
    if (status)
        keep_status(r, json_get(was, "status"), status);
}
