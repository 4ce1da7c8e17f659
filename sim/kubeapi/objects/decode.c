/* Request bodies: from text to a tree of the expected kind, as its type keeps it. */
#include "sim/kubeapi/objects/decode.h"

#include "sim/kubeapi/core/body.h"
#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/crd/crds.h"
#include "sim/kubeapi/objects/managed.h"
#include "sim/kubeapi/types/defaults.h"
#include "sim/kubeapi/types/gotext.h"

#include <string.h>

/* Of the bodies of a built-in row (a subresource's foreign kind counts); NULL: custom. */
static const struct type *api_kind_type(const struct api_kind *k)
{
    struct str group = k->group, version = k->version;
    if (k->flags & KIND_CUSTOM)
        return NULL;
    if (k->foreign.n > 0 && !str_cut(k->foreign, '/', &group, &version)) {
        version = k->foreign;
        group = str_empty;
    }
    return type_builtin(group, version, k->kind);
}

/* ---- fieldValidation ---- */

enum api_field_validation api_field_validation(struct api_request *r)
{
    struct str v = api_request_param_or_empty(r, "fieldValidation");
    return str_eq_c(v, "Strict")   ? FIELDS_STRICT
           : str_eq_c(v, "Ignore") ? FIELDS_IGNORE
                                   : FIELDS_WARN;
}

/* A body, or what a patch has made, that cannot be decoded; tree NULL: the patch itself is to blame. */
static bool fail(struct api_request *r, const struct api_kind *k, const cJSON *tree,
                 struct str problem)
{
    static const struct api_kind nothing;
    struct buf value = {0}, quoted = {0};
    if (r->verb != VERB_PATCH)
        return api_fail_bad(
            r, STR_FMT " in version \"" STR_FMT "\" cannot be handled as a " STR_FMT ": " STR_FMT,
            STR_ARG(k->kind), STR_ARG(k->version), STR_ARG(k->kind), STR_ARG(problem));
    if (r->patched && r->patched->strategic)
        gotext_print(&value, r->patched->strategic);
    else if (tree)
        json_write(&value, tree);
    else
        buf_add(&value, r->body);
    json_write_string(&quoted, buf_str(&value));
    api_invalid(r, "FieldValueInvalid", STR("patch"), "Invalid value: " STR_FMT ": " STR_FMT,
                STR_ARG(buf_str(&quoted)), STR_ARG(problem));
    buf_free(&value);
    buf_free(&quoted);
    return api_invalid_end(r, &nothing, str_empty);
}

static void warn_all(struct api_request *r, const struct str *texts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        api_warn(r, STR_FMT, STR_ARG(texts[i]));
}

static void join_all(struct buf *out, const struct str *texts, size_t n, bool *first)
{
    for (size_t i = 0; i < n; i++, *first = false)
        buf_addf(out, "%s" STR_FMT, *first ? "" : ", ", STR_ARG(texts[i]));
}

static bool complain(struct api_request *r, const struct api_kind *k, const cJSON *tree,
                     const struct decode_report *report, struct str repeated,
                     enum api_field_validation fields)
{
    static const struct patch_said none;
    const struct patch_said *said = r->patched ? r->patched : &none;
    struct buf all = {0};
    bool first = repeated.n == 0;
    if (fields == FIELDS_IGNORE || report->strict_n + said->strict_n + repeated.n == 0)
        return true;
    if (fields == FIELDS_WARN) {
        for (struct str rest = repeated, line; rest.n > 0;) {
            (void)str_cut(rest, '\n', &line, &rest);
            if (str_starts(line, STR("  ")))
                api_warn(r, "yaml: unmarshal errors: " STR_FMT, STR_ARG(str_trim(line)));
        }
        warn_all(r, said->strict, said->strict_n);
        warn_all(r, report->strict, report->strict_n);
        return true;
    }
    buf_addf(&all, "strict decoding error: " STR_FMT, STR_ARG(repeated));
    join_all(&all, said->strict, said->strict_n, &first);
    join_all(&all, report->strict, report->strict_n, &first);
    bool ok = fail(r, k, report->strict_n > 0 || !r->patched ? tree : NULL,
                   arena_str(&r->a, buf_str(&all)));
    buf_free(&all);
    return ok;
}

bool api_decode_complaints(struct api_request *r, const struct api_kind *k, const cJSON *tree,
                           const struct decode_report *report)
{
    return complain(r, k, tree, report, str_empty, api_field_validation(r));
}

/* ---- apiVersion and kind ---- */

/* What the server calls its own form of a kind: "core.ConfigMap". */
static struct str internal_name(struct arena *a, struct str group, struct str kind)
{
    struct str package, rest;
    (void)str_cut(group, '.', &package, &rest);
    return arena_printf(a, STR_FMT "." STR_FMT, STR_ARG(group.n > 0 ? package : STR("core")),
                        STR_ARG(kind));
}

/* Kinds that stand in several groups or versions with one form inside. */
static bool convertible(struct str group, struct str version, struct str kind,
                        const struct api_kind *k)
{
    static const struct {
        const char *kind, *group, *versions;
    } rows[] = {
        /* Versions that are no longer served are still understood. */
        {"", "apps", " v1beta1 v1beta2 "},
        {"", "batch", " v1beta1 "},
        {"", "policy", " v1beta1 "},
        {"", "events.k8s.io", " v1beta1 "},
        {"", "discovery.k8s.io", " v1beta1 "},
        {"", "networking.k8s.io", " v1beta1 "},
        {"", "extensions", " v1beta1 "},
        {"", "storage.k8s.io", " v1beta1 v1alpha1 "},
        {"", "rbac.authorization.k8s.io", " v1beta1 v1alpha1 "},
        {"", "coordination.k8s.io", " v1beta1 v1alpha2 "},
        {"", "certificates.k8s.io", " v1beta1 v1alpha1 "},
        {"", "scheduling.k8s.io", " v1beta1 v1alpha1 "},
        {"", "admissionregistration.k8s.io", " v1beta1 v1alpha1 "},
        {"", "flowcontrol.apiserver.k8s.io", " v1beta1 v1beta2 v1beta3 "},
        {"HorizontalPodAutoscaler", "autoscaling", " v1 v2 "},
        {"Event", "events.k8s.io", " v1 "},
        {"Event", "", " v1 "},
    };
    struct buf word = {.max = 128};
    bool found = false;
    buf_addf(&word, " " STR_FMT " ", STR_ARG(version));
    for (size_t i = 0; i < ARRAY_LEN(rows) && str_eq(kind, k->kind); i++)
        found = found || (str_eq_c(group, rows[i].group) &&
                          (!*rows[i].kind || str_eq_c(kind, rows[i].kind)) &&
                          str_find(str_c(rows[i].versions), buf_str(&word)) >= 0);
    buf_free(&word);
    return found;
}

static bool fail_identity(struct api_request *r, const struct api_kind *k, struct str api_version,
                          struct str kind, struct str expected)
{
    struct str group = str_empty, version = api_version, rest;
    if (str_find_char(api_version, '/') >= 0)
        (void)str_cut(api_version, '/', &group, &version);
    if (str_cut(version, '/', &rest, &rest))
        return api_fail_bad(r,
                            "the object provided is unrecognized (must be of type " STR_FMT
                            "): unexpected GroupVersion string: " STR_FMT " (" STR_FMT ")",
                            STR_ARG(k->kind), STR_ARG(api_version), STR_ARG(api_body_summary(r)));
    if (convertible(group, version, kind, k))
        return api_fail_bad(r,
                            "the API version in the data (" STR_FMT
                            ") does not match the expected API version (" STR_FMT ")",
                            STR_ARG(api_version), STR_ARG(expected));
    if (!type_builtin(group, version, kind))
        return api_fail_bad(r,
                            STR_FMT " in version \"" STR_FMT "\" cannot be handled as a " STR_FMT
                                    ": no kind \"" STR_FMT "\" is registered for version \"" STR_FMT
                                    "\" in scheme \"pkg/api/legacyscheme/scheme.go:30\"",
                            STR_ARG(kind), STR_ARG(version), STR_ARG(k->kind), STR_ARG(kind),
                            STR_ARG(api_version));
    (void)str_cut(k->foreign.n > 0 ? k->foreign : k->group, '/', &group, &rest);
    return api_fail_bad(r,
                        STR_FMT " in version \"" STR_FMT "\" cannot be handled as a " STR_FMT
                                ": converting (" STR_FMT "." STR_FMT ") to (" STR_FMT
                                "): unknown conversion",
                        STR_ARG(kind), STR_ARG(version), STR_ARG(k->kind), STR_ARG(version),
                        STR_ARG(kind), STR_ARG(internal_name(&r->a, group, k->kind)));
}

/* Custom objects of another kind are decoded all the same, and then refused. */
static bool wrong_custom_kind(struct api_request *r, const struct api_kind *k, struct str kind,
                              struct str name)
{
    struct api_kind named = *k;
    named.kind = kind;
    api_invalid(r, "FieldValueInvalid", STR("kind"),
                "Invalid value: \"" STR_FMT "\": must be " STR_FMT, STR_ARG(kind),
                STR_ARG(k->kind));
    return api_invalid_end(r, &named, name);
}

static bool fail_custom_identity(struct api_request *r, const struct api_kind *k, const cJSON *tree,
                                 struct str api_version, struct str kind, struct str expected)
{
    if (kind.n > 0 && !str_eq(kind, k->kind))
        return wrong_custom_kind(r, k, kind, json_string_at(tree, "metadata.name"));
    if (api_version.n > 0 && !str_eq(api_version, expected))
        return api_fail_bad(r,
                            "the API version in the data (" STR_FMT
                            ") does not match the expected API version (" STR_FMT ")",
                            STR_ARG(api_version), STR_ARG(expected));
    return api_fail_bad(r, "Object 'Kind' is missing in '" STR_FMT "'",
                        STR_ARG(str_sub(r->body, 0, 200)));
}

static struct str expected_version(struct api_request *r, const struct api_kind *k)
{
    return k->foreign.n > 0 ? k->foreign
           : k->group.n > 0
               ? arena_printf(&r->a, STR_FMT "/" STR_FMT, STR_ARG(k->group), STR_ARG(k->version))
               : k->version;
}

static bool check_identity(struct api_request *r, const struct api_kind *k, cJSON *tree)
{
    struct str expected = expected_version(r, k);
    struct str version = json_string_at(tree, "apiVersion"), kind = json_string_at(tree, "kind");
    bool custom = (k->flags & KIND_CUSTOM) != 0;
    bool same_kind = str_eq(kind, k->kind) || (kind.n == 0 && !custom);
    if (same_kind && str_eq_c(k->kind, "Eviction") && str_eq_c(version, "policy/v1beta1")) {
        /* Its path takes both versions, which hold the same. */
        json_set_str(&r->a, tree, "apiVersion", expected);
        version = expected;
    }
    if (!same_kind || (version.n > 0 && !str_eq(version, expected)))
        return custom ? fail_custom_identity(r, k, tree, version, kind, expected)
                      : fail_identity(r, k, version.n > 0 ? version : expected,
                                      kind.n > 0 ? kind : k->kind, expected);
    if (version.n == 0)
        json_set_str(&r->a, tree, "apiVersion", expected);
    if (kind.n == 0)
        json_set_str(&r->a, tree, "kind", k->kind);
    return true;
}

/* ---- custom resources: the header of the object relies on the types in metadata ---- */

enum shape { SHAPE_STRING, SHAPE_STRING_MAP, SHAPE_STRING_LIST, SHAPE_OBJECT_LIST };

static bool has_shape(const cJSON *v, enum shape shape)
{
    if (shape == SHAPE_STRING)
        return json_is_string(v);
    if (v->type != (shape == SHAPE_STRING_MAP ? cJSON_Object : cJSON_Array))
        return false;
    for (const cJSON *c = v->child; c; c = c->next)
        if (shape == SHAPE_OBJECT_LIST ? c->type != cJSON_Object : !json_is_string(c))
            return false;
    return true;
}

/* The first member of another type than it must have: "name of type string"; empty: none. */
static struct str misshapen(struct arena *a, cJSON *metadata)
{
    static const struct {
        const char *key, *type;
        enum shape shape;
    } rows[] = {
        {"name", "string", SHAPE_STRING},
        {"generateName", "string", SHAPE_STRING},
        {"namespace", "string", SHAPE_STRING},
        {"uid", "types.UID", SHAPE_STRING},
        {"resourceVersion", "string", SHAPE_STRING},
        {"labels", "map[string]string", SHAPE_STRING_MAP},
        {"annotations", "map[string]string", SHAPE_STRING_MAP},
        {"finalizers", "[]string", SHAPE_STRING_LIST},
        {"ownerReferences", "[]v1.OwnerReference", SHAPE_OBJECT_LIST},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cJSON *v = json_get(metadata, rows[i].key);
        if (v && v->type == cJSON_NULL)
            (void)json_unset(metadata, str_c(rows[i].key));
        else if (v && !has_shape(v, rows[i].shape))
            return arena_printf(a, "%s of type %s", rows[i].key, rows[i].type);
    }
    return str_empty;
}

static bool check_metadata(struct api_request *r, const struct api_kind *k, cJSON *tree)
{
    cJSON *metadata = json_ensure(&r->a, tree, "metadata");
    if (!metadata)
        return api_fail_bad(
            r,
            STR_FMT " in version \"" STR_FMT "\" cannot be handled as a " STR_FMT
                    ": json: cannot unmarshal metadata into Go struct field " STR_FMT
                    ".metadata of type v1.ObjectMeta",
            STR_ARG(k->kind), STR_ARG(k->version), STR_ARG(k->kind), STR_ARG(k->kind));
    struct str wrong = misshapen(&r->a, metadata);
    if (wrong.n == 0)
        return true;
    return api_fail_bad(r,
                        STR_FMT " in version \"" STR_FMT "\" cannot be handled as a " STR_FMT
                                ": json: cannot unmarshal into Go struct field ObjectMeta."
                                "metadata." STR_FMT,
                        STR_ARG(k->kind), STR_ARG(k->version), STR_ARG(k->kind), STR_ARG(wrong));
}

/* ---- the whole ---- */

static bool check(struct api_request *r, const struct api_kind *k, cJSON *tree,
                  struct decode_report *report)
{
    const struct type *t = api_kind_type(k);
    cJSON *metadata = json_get(tree, "metadata");
    if (metadata && metadata->type == cJSON_NULL)
        (void)json_unset(tree, STR("metadata"));
    if (!check_identity(r, k, tree))
        return false;
    if (!t) {
        type_untyped_duplicates(&r->a, tree, report);
        if (!check_metadata(r, k, tree))
            return false;
        const cJSON *refused = k->crd ? crds_decode(r, k, tree, report) : NULL;
        return !refused || api_decode_complaints(r, k, refused, report);
    }
    bool reset = managed_is_reset(json_path(tree, "metadata.managedFields"));
    if (!type_decode(&r->a, t, tree, report))
        return fail(r, k, tree, report->error);
    if (reset) /* an empty list says something here */
        json_set(&r->a, json_ensure(&r->a, tree, "metadata"), STR("managedFields"),
                 json_array(&r->a));
    return true;
}

bool api_decode_check(struct api_request *r, const struct api_kind *k, cJSON *tree)
{
    struct decode_report report = {0};
    return check(r, k, tree, &report) && (r->system || (report.strict_n == 0 && !r->patched) ||
                                          api_decode_complaints(r, k, tree, &report));
}

bool api_decode_changed(struct api_request *r, const struct api_kind *k, cJSON *tree,
                        struct str *why)
{
    struct arena *a = &r->a;
    const struct type *t = api_kind_type(k);
    struct decode_report report = {0};
    cJSON *metadata = json_ensure(a, tree, "metadata");
    *why = metadata ? misshapen(a, metadata) : STR("metadata of type v1.ObjectMeta");
    if (why->n > 0) {
        *why =
            arena_printf(a, "json: cannot unmarshal into Go struct field " STR_FMT, STR_ARG(*why));
        return false;
    }
    if (t && !type_decode(a, t, tree, &report)) {
        *why = report.error;
        return false;
    }
    if (k->crd)
        crds_fill(a, k, tree);
    api_decode_default(r, k, tree);
    return true;
}

bool api_write_decode(struct api_request *r, const struct api_kind *k, cJSON **tree)
{
    enum api_body_form form = api_body_form(r);
    enum api_field_validation fields = api_field_validation(r);
    struct json_duplicates duplicates = {0};
    struct decode_report report = {.duplicates = &duplicates};
    struct str repeated = str_empty;
    bool ok = form == API_BODY_PROTOBUF ? api_body_protobuf(r, k, tree)
              : form == API_BODY_YAML   ? api_body_yaml(r, k, tree, &repeated)
              : form == API_BODY_JSON   ? api_body_json(r, k, tree, &duplicates)
                                        : api_fail_media(r, API_BODY_TYPES);
    return ok && check(r, k, *tree, &report) && complain(r, k, *tree, &report, repeated, fields);
}

void api_decode_default(struct api_request *r, const struct api_kind *k, cJSON *tree)
{
    const struct type *t = api_kind_type(k);
    if (t)
        type_default(&r->a, t, tree);
}

void api_decode_status(struct api_request *r, const struct api_kind *k, cJSON *tree)
{
    const struct type *t = api_kind_type(k);
    const struct type_field *f = t ? type_field_find(t, STR("status")) : NULL;
    if (!f || !(f->flags & FIELD_ALWAYS) || f->type->kind != TYPE_OBJECT ||
        json_get(tree, "status"))
        return;
    cJSON *status = json_object(&r->a);
    type_fill(&r->a, f->type, status);
    type_default(&r->a, f->type, status);
    json_set(&r->a, tree, STR("status"), status);
}
