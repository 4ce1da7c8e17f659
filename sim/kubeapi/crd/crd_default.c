/* What the server adds to a definition: names, conversion, the finalizer, and its status. */
#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/crd/crd_internal.h"

#include <string.h>

#define APPROVAL "api-approved.kubernetes.io"

static void default_names(struct arena *a, cJSON *names)
{
    struct str kind = json_string_at(names, "kind");
    if (json_string_at(names, "listKind").n == 0 && kind.n > 0)
        json_set_str(a, names, "listKind", arena_printf(a, STR_FMT "List", STR_ARG(kind)));
    if (json_string_at(names, "singular").n == 0) {
        char *lower = arena_c(a, kind);
        for (char *p = lower; *p; p++)
            if (*p >= 'A' && *p <= 'Z')
                *p = (char)(*p + ('a' - 'A'));
        json_set_str(a, names, "singular", str_c(lower));
    }
}

static void default_spec(struct arena *a, cJSON *tree)
{
    cJSON *names = json_ensure(a, tree, "spec.names");
    cJSON *conversion = json_ensure(a, tree, "spec.conversion");
    if (names)
        default_names(a, names);
    if (conversion && !json_get(conversion, "strategy"))
        json_set_str(a, conversion, "strategy", STR("None"));
    cJSON *spec = json_get(tree, "spec");
    const cJSON *preserve = json_get(spec, "preserveUnknownFields");
    if (preserve && preserve->type == cJSON_False)
        (void)json_unset(spec, STR("preserveUnknownFields"));
}

static void add_finalizer(struct arena *a, cJSON *tree)
{
    cJSON *metadata = json_ensure(a, tree, "metadata");
    cJSON *list = metadata ? json_get(metadata, "finalizers") : NULL;
    if (!metadata)
        return;
    if (!list || list->type != cJSON_Array) {
        list = json_array(a);
        json_set(a, metadata, STR("finalizers"), list);
    }
    for (const cJSON *f = list->child; f; f = f->next)
        if (str_eq_c(json_string(f), CRD_CLEANUP))
            return;
    json_append(list, json_str(a, STR(CRD_CLEANUP)));
}

/* storedVersions: every version that objects were ever stored in. */
static void note_stored(struct arena *a, cJSON *tree)
{
    const cJSON *versions = json_path(tree, "spec.versions");
    cJSON *status = json_ensure(a, tree, "status"), *stored = json_get(status, "storedVersions");
    struct str name = str_empty;
    if (!stored || stored->type != cJSON_Array) {
        stored = json_array(a);
        json_set(a, status, STR("storedVersions"), stored);
    }
    for (const cJSON *v = versions ? versions->child : NULL; v && name.n == 0; v = v->next)
        if (json_bool_at(v, "storage", false))
            name = json_string_at(v, "name");
    for (const cJSON *s = stored->child; s; s = s->next)
        if (str_eq(json_string(s), name))
            return;
    if (name.n > 0)
        json_append(stored, json_str(a, name));
}

static bool is_protected(struct str group)
{
    return str_eq_c(group, "k8s.io") || str_eq_c(group, "kubernetes.io") ||
           str_ends(group, STR(".k8s.io")) || str_ends(group, STR(".kubernetes.io"));
}

static void note_approval(struct kubeapi *api, struct arena *a, cJSON *tree)
{
    struct str value = json_string(json_get(json_path(tree, "metadata.annotations"), APPROVAL));
    if (!is_protected(json_string_at(tree, "spec.group")))
        return;
    bool no = value.n == 0 || str_starts(value, STR("unapproved"));
    crd_condition_set(api, a, tree, "KubernetesAPIApprovalPolicyConformant", !no,
                      value.n == 0 ? "MissingAnnotation"
                      : no         ? "UnapprovedAnnotation"
                                   : "ApprovedAnnotation",
                      arena_printf(a, no ? "not approved: \"" STR_FMT "\"" : "approved in " STR_FMT,
                                   STR_ARG(value)));
}

/* An update carries the old status as a raw part. */
static void parse_status(struct arena *a, cJSON *tree)
{
    const cJSON *status = json_get(tree, "status");
    cJSON *parsed = NULL;
    if (!status || status->type != cJSON_Raw)
        return;
    struct err *err = json_parse(a, str_c(status->valuestring), &parsed);
    BUG_ON(err, "a stored status is JSON");
    json_set(a, tree, STR("status"), parsed);
}

static bool has_rules(const cJSON *v, unsigned depth)
{
    if (depth > JSON_TREE_DEPTH_MAX)
        return false;
    for (const cJSON *c = v ? v->child : NULL; c; c = c->next)
        if ((c->string && strcmp(c->string, "x-kubernetes-validations") == 0 && c->child) ||
            has_rules(c, depth + 1))
            return true;
    return false;
}

/* Definitions of the system itself are not checked; but rules that nobody evaluates are not taken from anyone. */
static void refuse_rules(struct api_request *r, const cJSON *tree)
{
    if (r->system && !crds_cel() && has_rules(json_path(tree, "spec.versions"), 0))
        api_invalid(r, "FieldValueForbidden", STR("spec.versions"),
                    "Forbidden: x-kubernetes-validations: not supported: this server has no "
                    "evaluator for validation rules");
}

void crds_default(struct api_request *r, cJSON *tree, bool creating)
{
    struct arena *a = &r->a;
    default_spec(a, tree);
    if (creating) {
        refuse_rules(r, tree);
        add_finalizer(a, tree);
        (void)json_unset(tree, STR("status"));
        json_set(a, json_ensure(a, tree, "status"), STR("conditions"), json_array(a));
    }
    parse_status(a, tree);
    crds_settle_names(r->api, a, tree);
    note_approval(r->api, a, tree);
    note_stored(a, tree);
}

void crds_mark_terminating(struct kubeapi *api, struct arena *a, cJSON *tree)
{
    crd_condition_set(
        api, a, tree, "Terminating", true, "InstanceDeletionPending",
        STR("CustomResourceDefinition marked for deletion; CustomResource deletion will begin "
            "soon"));
}
