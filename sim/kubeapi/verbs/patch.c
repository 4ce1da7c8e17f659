#include "sim/kubeapi/verbs/patch.h"
#include "sim/kubeapi/auth/grant.h"
#include "sim/kubeapi/core/body.h"
#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/crd/crds.h"
#include "sim/kubeapi/objects/decode.h"
#include "sim/kubeapi/objects/managed.h"
#include "sim/kubeapi/print/print.h"
#include "sim/kubeapi/types/gotext.h"
#include "sim/kubeapi/types/json_patch.h"
#include "sim/kubeapi/types/strategic.h"
#include "sim/kubeapi/verbs/apply.h"
#include "sim/kubeapi/verbs/verbs.h"
#include "sim/kubeapi/verbs/write.h"

#include <string.h>

enum patch_type { PATCH_JSON, PATCH_MERGE, PATCH_STRATEGIC, PATCH_APPLY, PATCH_REFUSED };

static void unsupported(struct api_request *r)
{
    (void)api_fail_undetailed(r, 415, "UnsupportedMediaType", STR("415: Unsupported Media Type"));
}

static enum patch_type patch_type(struct api_request *r, bool custom)
{
    static const struct {
        const char *name;
        enum patch_type type;
    } rows[] = {
        {"application/json-patch+json", PATCH_JSON},
        {"application/merge-patch+json", PATCH_MERGE},
        {"application/strategic-merge-patch+json", PATCH_STRATEGIC},
        {"application/apply-patch+yaml", PATCH_APPLY},
    };
    struct str type, tail;
    (void)str_cut(r->content_type, ';', &type, &tail);
    type = str_trim(type);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (!str_eq_c(type, rows[i].name))
            continue;
        if (rows[i].type != PATCH_STRATEGIC || !custom)
            return rows[i].type;
        (void)api_fail_media(r, "application/json-patch+json, application/merge-patch+json, "
                                "application/apply-patch+yaml");
        return PATCH_REFUSED;
    }
    unsupported(r);
    return PATCH_REFUSED;
}

/* Members of operations that no JSON patch has, and repeated keys, as far as DECODE_STRICT_MAX. */
static void check_operations(struct api_request *r, const cJSON *patch, struct patch_said *said)
{
    static const char *const known[] = {"op", "path", "from", "value"};
    struct str *all = ARENA_NEW_ARRAY(&r->a, struct str, DECODE_STRICT_MAX);
    size_t n = 0, at = 0;
    for (size_t i = 0; i < said->strict_n && n < DECODE_STRICT_MAX; i++)
        all[n++] = arena_printf(&r->a, "json patch " STR_FMT, STR_ARG(said->strict[i]));
    for (const cJSON *op = patch->child; op; op = op->next, at++) {
        for (const cJSON *m = op->type == cJSON_Object ? op->child : NULL; m; m = m->next) {
            bool fine = n == DECODE_STRICT_MAX;
            for (size_t i = 0; i < ARRAY_LEN(known); i++)
                fine = fine || strcmp(m->string, known[i]) == 0;
            if (!fine)
                all[n++] =
                    arena_printf(&r->a, "json patch unknown field \"[%zu].%s\"", at, m->string);
        }
    }
    said->strict = all;
    said->strict_n = n;
}

static void keep_said(struct api_request *r, enum patch_type type, const cJSON *patch,
                      const struct json_duplicates *duplicates)
{
    struct patch_said *said = ARENA_NEW(&r->a, struct patch_said);
    struct decode_report report = {.duplicates = duplicates};
    type_untyped_duplicates(&r->a, patch, &report);
    *said = (struct patch_said){
        .strategic = type == PATCH_STRATEGIC ? json_copy(&r->a, patch) : NULL,
        .strict = report.strict,
        .strict_n = report.strict_n,
    };
    if (type == PATCH_JSON)
        check_operations(r, patch, said);
    r->patched = said;
}

/* null is an empty patch where Go's decoder makes one of it. */
static bool patch_of_null(struct api_request *r, enum patch_type type, cJSON **patch)
{
    if (type == PATCH_MERGE)
        return api_fail_bad(r, "Invalid JSON Patch");
    *patch = type == PATCH_JSON ? json_array(&r->a) : json_object(&r->a);
    return true;
}

static bool patch_parse(struct api_request *r, enum patch_type type, cJSON **patch)
{
    const char *prefix = type == PATCH_STRATEGIC ? "" : "error decoding patch: ";
    struct json_duplicates duplicates = {0};
    struct err *err = api_body_parse_json(r, patch, &duplicates);
    if (err) {
        bool ok = api_fail_bad(r, "%s%s", prefix, err->message);
        err_free(err);
        return ok;
    }
    if ((*patch)->type == cJSON_NULL)
        return patch_of_null(r, type, patch);
    if (type == PATCH_JSON && (*patch)->type != cJSON_Array)
        return api_fail_bad(
            r, "%sjson: cannot unmarshal %s into Go value of type []handlers.jsonPatchOp", prefix,
            api_body_json_name(*patch));
    if (type != PATCH_JSON && (*patch)->type != cJSON_Object)
        return api_fail_bad(
            r, "%sjson: cannot unmarshal %s into Go value of type map[string]interface {}", prefix,
            api_body_json_name(*patch));
    keep_said(r, type, *patch, &duplicates);
    return true;
}

/* ---- strategic ---- */

/* An error of a strategic patch, as the API answers it: 500 without a reason unless the patch is malformed. */
static bool fail_strategic(struct api_request *r, struct err *take)
{
    bool ok = take->code == ERR_INVALID ? api_fail_bad(r, "%s", take->message)
              : take->code == ERR_UNPROCESSABLE
                  ? api_fail_plain(r, 422, "Invalid", "%s", take->message)
                  : api_fail_plain(r, 500, "", "%s", take->message);
    err_free(take);
    return ok;
}

static bool fail_restore(struct api_request *r, const cJSON *patch, struct err *take)
{
    static const struct api_kind none = {.kind = STR_INIT("")};
    struct buf b = {0}, quoted = {0};
    gotext_print(&b, patch);
    json_write_string(&quoted, buf_str(&b));
    api_invalid(r, "FieldValueInvalid", STR("patch"), "Invalid value: " STR_FMT ": %s",
                STR_ARG(buf_str(&quoted)), take->message);
    buf_free(&b);
    buf_free(&quoted);
    err_free(take);
    return api_invalid_end(r, &none, str_empty);
}

static bool apply_strategic(struct api_request *r, const struct type *t, cJSON *patch, cJSON **tree)
{
    struct err *err = strategic_apply(&r->a, t, tree, patch);
    if (err)
        return fail_strategic(r, err);
    err = strategic_check(t, *tree);
    return err ? fail_restore(r, patch, err) : true;
}

/* ---- the others ---- */

static bool apply_json(struct api_request *r, const cJSON *patch, cJSON **tree)
{
    struct err *err = json_patch_apply(&r->a, tree, patch);
    if (err && err->code == ERR_UNPROCESSABLE) {
        struct kube_status s = kube_status_of_err(err);
        s.has_details = true;
        api_reply_status(r, &s);
        err_free(err);
        return false;
    }
    if (err)
        return api_fail_err(r, err);
    if ((*tree)->type != cJSON_Object)
        return api_fail_bad(r, "the patched object is not an object");
    return true;
}

bool api_patch_is_apply(const struct api_request *r)
{
    struct str type, tail;
    (void)str_cut(r->content_type, ';', &type, &tail);
    return str_eq_c(str_trim(type), "application/apply-patch+yaml");
}

bool api_patch_tree(struct api_request *r, const struct type *t, bool custom, cJSON **tree)
{
    cJSON *patch;
    enum patch_type type = patch_type(r, custom);
    if (type == PATCH_REFUSED || !patch_parse(r, type, &patch))
        return false;
    if (type == PATCH_STRATEGIC)
        return apply_strategic(r, t, patch, tree);
    if (type == PATCH_JSON)
        return apply_json(r, patch, tree);
    json_patch_merge(&r->a, *tree, patch);
    return true;
}

void api_handle_patch(struct api_request *r)
{
    struct kube_object *out;
    bool custom = (r->kind->flags & KIND_CUSTOM) != 0;
    enum patch_type type = patch_type(r, custom);
    if (type == PATCH_REFUSED)
        return;
    if (type == PATCH_APPLY) {
        api_handle_apply(r);
        return;
    }
    struct kube_object *old = store_get(r->table, r->ns, r->p.name);
    if (!old) {
        (void)api_fail_not_found(r, r->kind, r->p.name);
        return;
    }
    cJSON *tree = crds_tree(r->kind, old, &r->a);
    if (!api_patch_tree(r, managed_type(r->kind), custom, &tree) || !api_patch_decode(r, tree) ||
        !rbac_may_grant(r, tree))
        return;
    if (api_write_update(r, r->kind, old, tree, r->sub ? WRITE_STATUS : WRITE_MAIN, &out))
        api_reply_object(r, 200, out);
}
