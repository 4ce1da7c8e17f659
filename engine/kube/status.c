#include "engine/kube/status.h"

#include <string.h>

struct kube_status kube_status_new(int code, struct str reason, struct str message)
{
    return (struct kube_status){.code = code,
                                .message = message,
                                .reason = reason,
                                .name = str_empty,
                                .group = str_empty,
                                .kind = str_empty,
                                .uid = str_empty,
                                .continue_ = str_empty};
}

struct kube_status kube_status_of_err(const struct err *e)
{
    return kube_status_new(err_http_status(e->code), str_c(err_reason(e->code)), str_c(e->message));
}

static void add_key(struct buf *out, bool *first, const char *key)
{
    if (!*first)
        buf_add_char(out, ',');
    *first = false;
    json_write_string(out, str_c(key));
    buf_add_char(out, ':');
}

static void add_text(struct buf *out, bool *first, const char *key, struct str value)
{
    if (value.n == 0)
        return;
    add_key(out, first, key);
    json_write_string(out, value);
}

static void write_causes(const struct kube_status *s, struct buf *out, bool *first)
{
    if (s->causes_n == 0)
        return;
    add_key(out, first, "causes");
    for (size_t i = 0; i < s->causes_n; i++) {
        bool inner = true;
        buf_add_char(out, i == 0 ? '[' : ',');
        buf_add_char(out, '{');
        add_text(out, &inner, "field", s->causes[i].field);
        add_text(out, &inner, "message", s->causes[i].message);
        add_text(out, &inner, "reason", s->causes[i].reason);
        buf_add_char(out, '}');
    }
    buf_add_char(out, ']');
}

static void write_details(const struct kube_status *s, struct buf *out, bool *first)
{
    bool some = s->has_details || s->causes_n > 0 || s->group.n > 0 || s->kind.n > 0 ||
                s->name.n > 0 || s->uid.n > 0 || s->retry_after_s > 0;
    if (!some)
        return;
    bool inner = true;
    add_key(out, first, "details");
    buf_add_char(out, '{');
    write_causes(s, out, &inner);
    add_text(out, &inner, "group", s->group);
    add_text(out, &inner, "kind", s->kind);
    add_text(out, &inner, "name", s->name);
    if (s->retry_after_s > 0) {
        add_key(out, &inner, "retryAfterSeconds");
        buf_add_i64(out, s->retry_after_s);
    }
    add_text(out, &inner, "uid", s->uid);
    buf_add_char(out, '}');
}

void kube_status_write(const struct kube_status *s, struct buf *out)
{
    bool first = true, inner = true;
    buf_add_char(out, '{');
    add_text(out, &first, "apiVersion", STR("v1"));
    if (s->code != 0) { /* a Success says none */
        add_key(out, &first, "code");
        buf_add_i64(out, s->code);
    }
    write_details(s, out, &first);
    add_text(out, &first, "kind", STR("Status"));
    add_text(out, &first, "message", s->message);
    add_key(out, &first, "metadata");
    buf_add_char(out, '{');
    add_text(out, &inner, "continue", s->continue_);
    buf_add_char(out, '}');
    add_text(out, &first, "reason", s->reason);
    add_text(out, &first, "status", s->success ? STR("Success") : STR("Failure"));
    buf_add_char(out, '}');
}

static void parse_causes(struct arena *a, const cJSON *list, struct kube_status *out)
{
    size_t n = list && cJSON_IsArray(list) ? (size_t)cJSON_GetArraySize(list) : 0;
    if (n == 0)
        return;
    if (n > KUBE_STATUS_CAUSES_MAX)
        n = KUBE_STATUS_CAUSES_MAX;
    struct kube_cause *causes = ARENA_NEW_ARRAY(a, struct kube_cause, n);
    const cJSON *item = list->child;
    for (size_t i = 0; i < n; i++, item = item->next) {
        causes[i].reason = json_string_at(item, "reason");
        causes[i].message = json_string_at(item, "message");
        causes[i].field = json_string_at(item, "field");
    }
    out->causes = causes;
    out->causes_n = n;
}

bool kube_status_parse(struct arena *a, const cJSON *tree, struct kube_status *out)
{
    if (!str_eq_c(json_string_at(tree, "kind"), "Status"))
        return false;
    const cJSON *details = json_get(tree, "details");
    *out = (struct kube_status){
        .success = str_eq_c(json_string_at(tree, "status"), "Success"),
        .code = (int)json_int_at(tree, "code", 0),
        .message = json_string_at(tree, "message"),
        .reason = json_string_at(tree, "reason"),
        .name = json_string_at(details, "name"),
        .group = json_string_at(details, "group"),
        .kind = json_string_at(details, "kind"),
        .uid = json_string_at(details, "uid"),
        .retry_after_s = json_int_at(details, "retryAfterSeconds", 0),
        .continue_ = json_string_at(tree, "metadata.continue"),
        .has_details = details != NULL,
    };
    parse_causes(a, json_get(details, "causes"), out);
    return true;
}

static const struct {
    const char *reason;
    enum err_code code;
} reasons[] = {
    {"BadRequest", ERR_INVALID},
    {"Unauthorized", ERR_UNAUTHORIZED},
    {"Forbidden", ERR_FORBIDDEN},
    {"NotFound", ERR_NOT_FOUND},
    {"MethodNotAllowed", ERR_NOT_ALLOWED},
    {"NotAcceptable", ERR_NOT_ACCEPTABLE},
    {"AlreadyExists", ERR_ALREADY_EXISTS},
    {"Conflict", ERR_CONFLICT},
    {"Gone", ERR_GONE},
    {"Expired", ERR_GONE},
    {"RequestEntityTooLarge", ERR_TOO_LARGE},
    {"UnsupportedMediaType", ERR_UNSUPPORTED_MEDIA},
    {"Invalid", ERR_UNPROCESSABLE},
    {"TooManyRequests", ERR_TOO_MANY},
    {"InternalError", ERR_INTERNAL},
    {"ServiceUnavailable", ERR_UNAVAILABLE},
    {"Timeout", ERR_TIMEOUT},
    {"ServerTimeout", ERR_TIMEOUT},
};

enum err_code kube_reason_code(struct str reason, int http_status)
{
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
        if (str_eq_c(reason, reasons[i].reason))
            return reasons[i].code;
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
        if (err_http_status(reasons[i].code) == http_status)
            return http_status == 409 ? ERR_CONFLICT : reasons[i].code;
    return http_status >= 500 ? ERR_INTERNAL : ERR_INVALID;
}

struct err *kube_status_to_err(int http_status, struct str body)
{
    struct arena a = {0};
    cJSON *tree = NULL;
    struct kube_status s;
    struct err *err = NULL;
    err_ignore(json_parse(&a, body, &tree));
    if (tree && kube_status_parse(&a, tree, &s)) {
        int code = s.code != 0 ? s.code : http_status;
        err = err_new(kube_reason_code(s.reason, code), STR_FMT, STR_ARG(s.message));
    } else if (http_status == 404) {
        err = err_new(ERR_NOT_FOUND, "the server could not find the requested resource");
    } else {
        struct str shown = str_trim(str_sub(body, 0, 200));
        err = err_new(kube_reason_code(str_empty, http_status), "the server answered %d: " STR_FMT,
                      http_status, STR_ARG(shown));
    }
    arena_free(&a);
    return err;
}
