/* Request bodies: JSON or YAML text to a tree of the expected kind. */
#include "sim/kubeapi/api_internal.h"
#include "sim/kubeapi/body.h"
#include "sim/kubeapi/kinds/crds.h"

#include <string.h>

/* fieldValidation: "" is Warn. */
static bool strictness(struct api_request *r, bool *strict, bool *ignore)
{
    static const struct api_kind create = {.group = STR_INIT("meta.k8s.io"),
                                           .kind = STR_INIT("CreateOptions")};
    static const struct api_kind update = {.group = STR_INIT("meta.k8s.io"),
                                           .kind = STR_INIT("UpdateOptions")};
    static const struct api_kind patch = {.group = STR_INIT("meta.k8s.io"),
                                          .kind = STR_INIT("PatchOptions")};
    struct str v = api_request_param_or_empty(r, "fieldValidation");
    *strict = str_eq_c(v, "Strict");
    *ignore = str_eq_c(v, "Ignore");
    if (*strict || *ignore || v.n == 0 || str_eq_c(v, "Warn"))
        return true;
    api_invalid(r, "FieldValueNotSupported", STR("fieldValidation"),
                "Unsupported value: \"" STR_FMT
                "\": supported values: \"\", \"Ignore\", \"Strict\", \"Warn\"",
                STR_ARG(v));
    return api_invalid_end(r,
                           r->verb == VERB_CREATE  ? &create
                           : r->verb == VERB_PATCH ? &patch
                                                   : &update,
                           str_empty);
}

static bool report_duplicate(struct api_request *r, const struct api_kind *k, struct str duplicate)
{
    bool strict, ignore;
    if (!strictness(r, &strict, &ignore))
        return false;
    if (duplicate.n == 0 || ignore)
        return true;
    if (!strict) {
        api_warn(r, "duplicate field \"" STR_FMT "\"", STR_ARG(duplicate));
        return true;
    }
    return api_fail_bad(r,
                        STR_FMT " in version \"" STR_FMT "\" cannot be handled as a " STR_FMT
                                ": strict decoding error: duplicate field \"" STR_FMT "\"",
                        STR_ARG(k->kind), STR_ARG(k->version), STR_ARG(k->kind),
                        STR_ARG(duplicate));
}

/* Repeated keys of YAML, in the words of its reader. */
static bool report_repeated(struct api_request *r, const struct api_kind *k, struct str repeated)
{
    bool strict, ignore;
    if (!strictness(r, &strict, &ignore))
        return false;
    if (repeated.n == 0 || ignore)
        return true;
    if (!strict) {
        for (struct str rest = repeated, line; rest.n > 0;) {
            (void)str_cut(rest, '\n', &line, &rest);
            if (str_starts(line, STR("  ")))
                api_warn(r, "yaml: unmarshal errors: " STR_FMT, STR_ARG(str_trim(line)));
        }
        return true;
    }
    return api_fail_bad(r,
                        STR_FMT " in version \"" STR_FMT "\" cannot be handled as a " STR_FMT
                                ": strict decoding error: " STR_FMT,
                        STR_ARG(k->kind), STR_ARG(k->version), STR_ARG(k->kind), STR_ARG(repeated));
}

static bool parse_text(struct api_request *r, const struct api_kind *k, cJSON **tree)
{
    enum api_body_form form = api_body_form(r);
    struct str duplicate = str_empty;
    if (form == API_BODY_OTHER)
        return api_fail_media(r, API_BODY_TYPES);
    if (form == API_BODY_PROTOBUF)
        return api_body_protobuf(r, k, tree);
    if (form == API_BODY_YAML)
        return api_body_yaml(r, k, tree, &duplicate) && report_repeated(r, k, duplicate);
    if (!api_body_json(r, k, tree, &duplicate))
        return false;
    return report_duplicate(r, k, duplicate);
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

static bool check_identity(struct api_request *r, const struct api_kind *k, cJSON *tree)
{
    struct buf want = {.max = 512};
    kube_api_version_write(k->group, k->version, &want);
    struct str expected = arena_str(&r->a, buf_str(&want));
    struct str version = json_string_at(tree, "apiVersion"), kind = json_string_at(tree, "kind");
    buf_free(&want);
    if (kind.n > 0 && !str_eq(kind, k->kind) && (k->flags & KIND_CUSTOM))
        return wrong_custom_kind(r, k, kind, json_string_at(tree, "metadata.name"));
    if (kind.n > 0 && !str_eq(kind, k->kind))
        return api_fail_bad(r,
                            STR_FMT " in version \"" STR_FMT "\" cannot be handled as a " STR_FMT
                                    ": the kind in the data does not match the expected kind",
                            STR_ARG(kind), STR_ARG(k->version), STR_ARG(k->kind));
    if (version.n > 0 && !str_eq(version, expected))
        return api_fail_bad(r,
                            "the API version in the data (" STR_FMT
                            ") does not match the expected API version (" STR_FMT ")",
                            STR_ARG(version), STR_ARG(expected));
    if ((k->flags & KIND_CUSTOM) && kind.n == 0)
        return api_fail_bad(r, "Object 'Kind' is missing in '" STR_FMT "'",
                            STR_ARG(str_sub(r->body, 0, 200)));
    if (version.n == 0)
        json_set_str(&r->a, tree, "apiVersion", expected);
    if (kind.n == 0)
        json_set_str(&r->a, tree, "kind", k->kind);
    return true;
}

/* ---- types of metadata: the header of the object relies on them ---- */

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

static bool check_metadata(struct api_request *r, const struct api_kind *k, cJSON *tree)
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
    cJSON *metadata = json_ensure(&r->a, tree, "metadata");
    if (!metadata)
        return api_fail_bad(
            r,
            STR_FMT " in version \"" STR_FMT "\" cannot be handled as a " STR_FMT
                    ": json: cannot unmarshal metadata into Go struct field " STR_FMT
                    ".metadata of type v1.ObjectMeta",
            STR_ARG(k->kind), STR_ARG(k->version), STR_ARG(k->kind), STR_ARG(k->kind));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cJSON *v = json_get(metadata, rows[i].key);
        if (v && v->type == cJSON_NULL)
            (void)json_unset(metadata, str_c(rows[i].key));
        else if (v && !has_shape(v, rows[i].shape))
            return api_fail_bad(
                r,
                STR_FMT " in version \"" STR_FMT "\" cannot be handled as a " STR_FMT
                        ": json: cannot unmarshal into Go struct field ObjectMeta."
                        "metadata.%s of type %s",
                STR_ARG(k->kind), STR_ARG(k->version), STR_ARG(k->kind), rows[i].key, rows[i].type);
    }
    return true;
}

bool api_decode_check(struct api_request *r, const struct api_kind *k, cJSON *tree)
{
    cJSON *metadata = json_get(tree, "metadata");
    if (metadata && metadata->type == cJSON_NULL)
        (void)json_unset(tree, STR("metadata"));
    return check_identity(r, k, tree) && check_metadata(r, k, tree) &&
           (!k->crd || crds_decode(r, k, tree));
}

bool api_write_decode(struct api_request *r, const struct api_kind *k, cJSON **tree)
{
    if (r->body.n == 0)
        return api_fail_bad(
            r,
            "the object provided is unrecognized (must be of type " STR_FMT
            "): couldn't get version/kind; json parse error: unexpected end of JSON "
            "input (<empty>)",
            STR_ARG(k->kind));
    if (!parse_text(r, k, tree))
        return false;
    if ((*tree)->type == cJSON_NULL)
        *tree = json_object(&r->a);
    if ((*tree)->type != cJSON_Object)
        return api_fail_bad(
            r,
            "the object provided is unrecognized (must be of type " STR_FMT
            "): couldn't get version/kind; json parse error: json: cannot unmarshal "
            "array into Go value of type struct",
            STR_ARG(k->kind));
    return api_decode_check(r, k, *tree);
}
