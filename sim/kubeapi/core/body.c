#include "sim/kubeapi/core/body.h"

#include "engine/base/codec.h"
#include "engine/base/yaml.h"
#include "sim/kubeapi/core/jsonerr.h"
#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/types/proto.h"

#define SUMMARY_BYTES 30u

enum api_body_form api_body_form(const struct api_request *r)
{
    struct str type, params;
    (void)str_cut(r->content_type, ';', &type, &params);
    type = str_trim(type);
    if (type.n == 0 || str_eq_c(type, "application/json"))
        return API_BODY_JSON;
    if (str_eq_c(type, "application/vnd.kubernetes.protobuf"))
        return API_BODY_PROTOBUF;
    return str_eq_c(type, "application/yaml") ? API_BODY_YAML : API_BODY_OTHER;
}

struct str api_body_summary(struct api_request *r)
{
    struct str shown = str_sub(r->body, 0, SUMMARY_BYTES);
    struct buf b = {0};
    if (r->body.n == 0)
        return STR("<empty>");
    if (r->body.p[0] == '{')
        buf_add(&b, shown);
    else
        hex_encode(&b, shown);
    if (r->body.n > SUMMARY_BYTES)
        buf_add_c(&b, " ...");
    struct str s = arena_str(&r->a, buf_str(&b));
    buf_free(&b);
    return s;
}

static bool fail_broken(struct api_request *r, const struct api_kind *k, struct err *take_err)
{
    bool ok = api_fail_bad(
        r, "the object provided is unrecognized (must be of type " STR_FMT "): %s (" STR_FMT ")",
        STR_ARG(k->kind), take_err->message, STR_ARG(api_body_summary(r)));
    err_free(take_err);
    return ok;
}

/* JSON as Go reads it: what is no UTF-8 is replaced, and its own words say what is wrong. */
struct err *api_body_parse_json(struct api_request *r, cJSON **tree,
                                struct json_duplicates *duplicates)
{
    struct err *err = json_parse_duplicates(&r->a, r->body, tree, duplicates);
    struct buf b = {0};
    if (!err || err->code == ERR_TOO_LARGE)
        return err;
    if (jsonerr_describe(r->body, &b)) {
        err_free(err);
        err = err_new(ERR_INVALID, "%s", buf_c(&b));
    } else {
        jsonerr_repair(r->body, &b);
        struct str repaired = arena_str(&r->a, buf_str(&b));
        err_free(err);
        err = json_parse_duplicates(&r->a, repaired, tree, duplicates);
    }
    buf_free(&b);
    return err;
}

const char *api_body_json_name(const cJSON *v)
{
    return v->type == cJSON_Array    ? "array"
           : v->type == cJSON_Object ? "object"
           : json_is_string(v)       ? "string"
           : json_is_number(v)       ? "number"
                                     : "bool";
}

/* An object, or null, which stands for an empty one. */
static bool check_object(struct api_request *r, const struct api_kind *k, cJSON **tree)
{
    if ((*tree)->type == cJSON_NULL)
        *tree = json_object(&r->a);
    if ((*tree)->type == cJSON_Object)
        return true;
    return fail_broken(
        r, k,
        err_new(ERR_INVALID,
                "couldn't get version/kind; json parse error: json: cannot unmarshal %s into Go "
                "value of type struct { APIVersion string "
                "\"json:\\\"apiVersion,omitempty\\\"\"; Kind string "
                "\"json:\\\"kind,omitempty\\\"\" }",
                api_body_json_name(*tree)));
}

bool api_body_json(struct api_request *r, const struct api_kind *k, cJSON **tree,
                   struct json_duplicates *duplicates)
{
    struct err *err = api_body_parse_json(r, tree, duplicates);
    if (!err)
        return check_object(r, k, tree);
    struct err *whole =
        err_new(ERR_INVALID, "couldn't get version/kind; json parse error: %s", err->message);
    err_free(err);
    return fail_broken(r, k, whole);
}

bool api_body_yaml(struct api_request *r, const struct api_kind *k, cJSON **tree,
                   struct str *repeated)
{
    struct buf keys = {.max = 65536}, text = {0};
    struct str rest, line;
    struct err *err = yaml_compat_to_json(&r->a, r->body, tree, &keys);
    *repeated = str_empty;
    if (!err && keys.n > 0) {
        buf_add_c(&text, "yaml: unmarshal errors:");
        for (rest = buf_str(&keys); rest.n > 0;) {
            (void)str_cut(rest, '\n', &line, &rest);
            buf_addf(&text, "\n  " STR_FMT, STR_ARG(line));
        }
        *repeated = arena_str(&r->a, buf_str(&text));
    }
    buf_free(&keys);
    buf_free(&text);
    return err ? fail_broken(r, k, err) : check_object(r, k, tree);
}

static bool fail_unknown(struct api_request *r, const struct proto_envelope *e)
{
    return api_fail_bad(r,
                        "no kind \"" STR_FMT "\" is registered for version \"" STR_FMT
                        "\" in scheme \"pkg/api/legacyscheme/scheme.go:30\"",
                        STR_ARG(e->kind), STR_ARG(e->api_version));
}

static struct str own_api_version(struct api_request *r, const struct api_kind *k)
{
    struct buf b = {.max = 512};
    if (k->foreign.n > 0)
        return k->foreign;
    kube_api_version_write(k->group, k->version, &b);
    struct str s = arena_str(&r->a, buf_str(&b));
    buf_free(&b);
    return s;
}

bool api_body_protobuf(struct api_request *r, const struct api_kind *k, cJSON **tree)
{
    struct proto_envelope e;
    bool row = (k->flags & KIND_CUSTOM) || (k >= api_kinds && k < api_kinds + api_kinds_n);
    if (row && !api_kind_has_message(r->api, k))
        return api_fail_media(r, "application/json, application/yaml");
    struct err *err = proto_open(r->body, &e);
    if (err)
        return fail_broken(r, k, err);
    if (e.kind.n == 0)
        e.kind = k->kind;
    if (e.api_version.n == 0)
        e.api_version = own_api_version(r, k);
    const struct type *t = proto_type(e.api_version, e.kind);
    if (!t)
        return fail_unknown(r, &e);
    err = proto_decode(&r->a, t, e.raw, tree);
    if (err)
        return fail_broken(r, k, err);
    json_set_str(&r->a, *tree, "apiVersion", e.api_version);
    json_set_str(&r->a, *tree, "kind", e.kind);
    return true;
}

bool api_body_options(struct api_request *r, cJSON **tree)
{
    static const struct api_kind options = {.version = STR_INIT("v1"),
                                            .kind = STR_INIT("DeleteOptions")};
    struct err *err = NULL;
    switch (api_body_form(r)) {
    case API_BODY_OTHER:
        return api_fail_media(r, API_BODY_TYPES);
    case API_BODY_PROTOBUF:
        return api_body_protobuf(r, &options, tree);
    case API_BODY_YAML:
        err = yaml_compat_to_json(&r->a, r->body, tree, NULL);
        break;
    case API_BODY_JSON:
        err = api_body_parse_json(r, tree, NULL);
        break;
    }
    if (!err)
        return true;
    bool ok =
        api_fail_plain(r, 500, "", "couldn't get version/kind; json parse error: %s", err->message);
    err_free(err);
    return ok;
}
