#include "sim/kubeapi/admission/review_answer.h"

#include "engine/base/codec.h"

#include <string.h>

/* ---- types ---- */

enum shape { BOOL, STRING, OBJECT, STRINGS, STRING_MAP };

static const struct {
    const char *name, *type;
    enum shape shape;
} members[] = {
    {"uid", "types.UID", STRING},          {"allowed", "bool", BOOL},
    {"status", "v1.Status", OBJECT},       {"patch", "[]uint8", STRING},
    {"patchType", "v1.PatchType", STRING}, {"auditAnnotations", "map[string]string", STRING_MAP},
    {"warnings", "[]string", STRINGS},
};

static const char *json_type(const cJSON *v)
{
    return json_is_string(v)                      ? "string"
           : v->type & (cJSON_True | cJSON_False) ? "bool"
           : v->type == cJSON_Array               ? "array"
           : v->type == cJSON_Object              ? "object"
                                                  : "number";
}

static bool has_shape(const cJSON *v, enum shape shape)
{
    if (shape == BOOL)
        return (v->type & (cJSON_True | cJSON_False)) != 0;
    if (shape == STRING)
        return json_is_string(v);
    if (v->type != (shape == STRINGS ? cJSON_Array : cJSON_Object))
        return false;
    for (const cJSON *c = v->child; c && shape != OBJECT; c = c->next)
        if (!json_is_string(c) && c->type != cJSON_NULL)
            return false;
    return true;
}

/* A member of another type than it must have: nothing of the answer counts then. null is as if it were not there. */
static struct str check_types(struct arena *a, const cJSON *response)
{
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        const cJSON *v = json_get(response, members[i].name);
        if (v && v->type != cJSON_NULL && !has_shape(v, members[i].shape))
            return arena_printf(a,
                                "failed to call webhook: json: cannot unmarshal %s into Go struct "
                                "field AdmissionResponse.response.%s of type %s",
                                json_type(v), members[i].name, members[i].type);
    }
    return str_empty;
}

/* ---- the patch ---- */

static struct str check_patch(struct arena *a, const cJSON *response, bool mutating)
{
    struct str patch = json_string_at(response, "patch"),
               type = json_string_at(response, "patchType");
    if (!mutating && (patch.n > 0 || type.n > 0))
        return patch.n > 0 ? STR("validating webhook may not return response.patch")
                           : STR("validating webhook may not return response.patchType");
    if (patch.n > 0 && type.n == 0)
        return STR("webhook returned response.patch but not response.patchType");
    if (patch.n == 0 && type.n > 0)
        return STR("webhook returned response.patchType but not response.patch");
    if (type.n > 0 && !str_eq_c(type, "JSONPatch"))
        return arena_printf(a,
                            "invalid value for response.patchType: \"" STR_FMT
                            "\", allowed values: \"JSONPatch\"",
                            STR_ARG(type));
    return str_empty;
}

/* False: it is not base64. */
static bool read_patch(struct arena *a, struct str text, struct review_answer *out)
{
    struct buf b = {0};
    bool ok = base64_decode(&b, text);
    struct err *err = ok ? json_parse(a, arena_str(a, buf_str(&b)), &out->patch) : NULL;
    buf_free(&b);
    if (err) {
        out->patch_error = arena_printf(a, "%s", err->message);
        out->patch = NULL;
        err_free(err);
    } else if (ok && out->patch->type != cJSON_Array) {
        out->patch_error =
            arena_printf(a, "json: cannot unmarshal %s into Go value of type jsonpatch.Patch",
                         json_type(out->patch));
        out->patch = NULL;
    }
    return ok;
}

/* ---- the whole ---- */

static struct str check_v1(struct arena *a, const cJSON *body, const cJSON *response,
                           struct str uid, bool mutating)
{
    struct str kind = json_string_at(body, "kind"), api = json_string_at(body, "apiVersion");
    struct str given = json_string_at(response, "uid");
    if (!str_eq(given, uid))
        return arena_printf(a, "expected response.uid=\"" STR_FMT "\", got \"" STR_FMT "\"",
                            STR_ARG(uid), STR_ARG(given));
    if (!str_eq_c(kind, "AdmissionReview") || !str_eq_c(api, "admission.k8s.io/v1"))
        return arena_printf(a,
                            "expected webhook response of admission.k8s.io/v1, "
                            "Kind=AdmissionReview, got " STR_FMT ", Kind=" STR_FMT,
                            STR_ARG(api), STR_ARG(kind));
    return check_patch(a, response, mutating);
}

static const cJSON *member(const cJSON *response, const char *name)
{
    const cJSON *v = json_get(response, name);
    return v && v->type != cJSON_NULL ? v : NULL;
}

struct str review_answer_read(struct arena *a, const cJSON *body, struct str uid,
                              const char *version, bool mutating, struct review_answer *out)
{
    const cJSON *response = json_get(body, "response");
    struct str wrong = str_empty, patch = json_string_at(response, "patch");
    *out = (struct review_answer){.patch_error = str_empty};
    if (response && response->type == cJSON_Object)
        wrong = check_types(a, response);
    if (wrong.n == 0 && mutating && patch.n > 0 && !read_patch(a, patch, out))
        wrong = STR("failed to call webhook: illegal base64 data at input byte 0");
    if (wrong.n > 0)
        return wrong;
    if (!response || response->type != cJSON_Object)
        wrong = STR("webhook response was absent");
    else if (strcmp(version, "v1") == 0)
        wrong = check_v1(a, body, response, uid, mutating);
    if (wrong.n > 0)
        return arena_printf(a, "received invalid webhook response: " STR_FMT, STR_ARG(wrong));
    out->allowed = json_bool_at(response, "allowed", false);
    out->status = member(response, "status");
    out->warnings = member(response, "warnings");
    out->annotations = member(response, "auditAnnotations");
    return wrong;
}
