/* Answers: objects, Status errors with the texts that clients know, warnings. */
#include "sim/kubeapi/core/reply.h"

#include <string.h>

static void answered(struct api_request *r, int status, const char *type)
{
    BUG_ON(r->answered, "a request is answered once");
    r->answered = true;
    r->status = status;
    r->out_type = type;
}

void api_reply_json(struct api_request *r, int status, struct str json)
{
    answered(r, status, "application/json");
    buf_add(&r->out, json);
}

void api_reply_header(struct api_request *r, const char *name, struct str value)
{
    buf_addf(&r->out_headers, "%s: " STR_FMT "\n", name, STR_ARG(value));
}

void api_reply_text(struct api_request *r, int status, const char *text)
{
    answered(r, status, "text/plain; charset=utf-8");
    buf_add_c(&r->out, text);
}

void api_reply_status(struct api_request *r, const struct kube_status *s)
{
    answered(r, s->success && s->code == 0 ? 200 : s->code, "application/json");
    r->retry_after_s = s->retry_after_s;
    if (r->accept.n > 0)
        api_accept_default(r); /* a Status is never transformed */
    kube_status_write(s, &r->out);
}

void api_reply_written(struct api_request *r, int status)
{
    answered(r, status, "application/json");
}

/* ---- errors ---- */

static struct str formatted(struct api_request *r, const char *fmt, va_list ap) printf_like(2, 0);
static struct str formatted(struct api_request *r, const char *fmt, va_list ap)
{
    struct buf b = {0};
    buf_addv(&b, fmt, ap);
    struct str s = arena_str(&r->a, buf_str(&b));
    buf_free(&b);
    return s;
}

static struct str qualified(struct api_request *r, const struct api_kind *k)
{
    struct buf b = {0};
    struct kube_gvr gvr = {k->group, k->version, k->resource};
    kube_gvr_qualified(&gvr, &b);
    struct str s = arena_str(&r->a, buf_str(&b));
    buf_free(&b);
    return s;
}

bool api_fail_plain(struct api_request *r, int code, const char *reason, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    struct kube_status s = kube_status_new(code, str_c(reason), formatted(r, fmt, ap));
    va_end(ap);
    api_reply_status(r, &s);
    return false;
}

bool api_fail_bad(struct api_request *r, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    struct kube_status s = kube_status_new(400, STR("BadRequest"), formatted(r, fmt, ap));
    va_end(ap);
    api_reply_status(r, &s);
    return false;
}

bool api_fail_err(struct api_request *r, struct err *take_err)
{
    struct kube_status s = kube_status_of_err(take_err);
    api_reply_status(r, &s);
    err_free(take_err);
    return false;
}

static bool fail_resource(struct api_request *r, int code, const char *reason,
                          const struct api_kind *k, struct str name, struct str message)
{
    struct kube_status s = kube_status_new(code, str_c(reason), message);
    s.name = name;
    s.group = k->group;
    s.kind = k->resource;
    api_reply_status(r, &s);
    return false;
}

bool api_fail_not_found(struct api_request *r, const struct api_kind *k, struct str name)
{
    struct str message = arena_printf(&r->a, STR_FMT " \"" STR_FMT "\" not found",
                                      STR_ARG(qualified(r, k)), STR_ARG(name));
    return fail_resource(r, 404, "NotFound", k, name, message);
}

bool api_fail_exists(struct api_request *r, const struct api_kind *k, struct str name,
                     bool terminating)
{
    struct str message = arena_printf(&r->a, "%s" STR_FMT " \"" STR_FMT "\" already exists",
                                      terminating ? "object is being deleted: " : "",
                                      STR_ARG(qualified(r, k)), STR_ARG(name));
    return fail_resource(r, 409, "AlreadyExists", k, name, message);
}

bool api_fail_conflict(struct api_request *r, struct str name, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    struct str detail = formatted(r, fmt, ap);
    va_end(ap);
    struct str message = arena_printf(
        &r->a, "Operation cannot be fulfilled on " STR_FMT " \"" STR_FMT "\": " STR_FMT,
        STR_ARG(qualified(r, r->kind)), STR_ARG(name), STR_ARG(detail));
    return fail_resource(r, 409, "Conflict", r->kind, name, message);
}

bool api_fail_modified(struct api_request *r, struct str name)
{
    return api_fail_conflict(
        r, name,
        "the object has been modified; please apply your changes to the latest "
        "version and try again");
}

bool api_fail_forbidden(struct api_request *r, struct str name, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    struct str detail = formatted(r, fmt, ap);
    va_end(ap);
    struct str subject = qualified(r, r->kind);
    if (name.n > 0)
        subject = arena_printf(&r->a, STR_FMT " \"" STR_FMT "\"", STR_ARG(subject), STR_ARG(name));
    struct str message =
        arena_printf(&r->a, STR_FMT " is forbidden: " STR_FMT, STR_ARG(subject), STR_ARG(detail));
    return fail_resource(r, 403, "Forbidden", r->kind, name, message);
}

bool api_fail_undetailed(struct api_request *r, int code, const char *reason, struct str message)
{
    struct kube_status s = kube_status_new(code, str_c(reason), message);
    s.has_details = true;
    api_reply_status(r, &s);
    return false;
}

bool api_fail_method(struct api_request *r)
{
    return api_fail_undetailed(
        r, 405, "MethodNotAllowed",
        STR("the server does not allow this method on the requested resource"));
}

bool api_fail_no_resource(struct api_request *r)
{
    return api_fail_undetailed(r, 404, "NotFound",
                               STR("the server could not find the requested resource"));
}

bool api_fail_404(struct api_request *r)
{
    api_reply_text(r, 404, "404 page not found\n");
    return false;
}

bool api_fail_too_new(struct api_request *r, uint64_t revision)
{
    static const struct kube_cause cause = {STR_INIT("ResourceVersionTooLarge"),
                                            STR_INIT("Too large resource version"), STR_INIT("")};
    struct kube_status s = kube_status_new(
        504, STR("Timeout"),
        arena_printf(&r->a, "Timeout: Too large resource version: %llu, current: %llu",
                     (unsigned long long)revision,
                     (unsigned long long)store_revision(r->api->store)));
    s.causes = &cause;
    s.causes_n = 1;
    s.retry_after_s = 1;
    api_reply_status(r, &s);
    return false;
}

bool api_fail_gone(struct api_request *r, struct str continue_token, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    struct kube_status s = kube_status_new(410, STR("Expired"), formatted(r, fmt, ap));
    va_end(ap);
    s.continue_ = continue_token;
    api_reply_status(r, &s);
    return false;
}

bool api_fail_media(struct api_request *r, const char *accepted)
{
    return api_fail_plain(r, 415, "UnsupportedMediaType",
                          "the body of the request was in an unknown format - accepted media types "
                          "include: %s",
                          accepted);
}

/* ---- 422 ---- */

void api_invalid(struct api_request *r, const char *reason, struct str field, const char *fmt, ...)
{
    if (r->problems_n == API_PROBLEMS_MAX)
        return;
    if (!r->problems)
        r->problems = ARENA_NEW_ARRAY(&r->a, struct api_problem, API_PROBLEMS_MAX);
    va_list ap;
    va_start(ap, fmt);
    struct api_problem *p = &r->problems[r->problems_n++];
    p->reason = reason;
    p->field = field;
    p->message = formatted(r, fmt, ap);
    va_end(ap);
}

static bool same_problem_before(const struct api_request *r, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (str_eq(r->problems[k].field, r->problems[i].field) &&
            str_eq(r->problems[k].message, r->problems[i].message))
            return true;
    return false;
}

bool api_invalid_end(struct api_request *r, const struct api_kind *k, struct str name)
{
    if (r->problems_n == 0)
        return true;
    struct kube_cause *causes = ARENA_NEW_ARRAY(&r->a, struct kube_cause, r->problems_n);
    struct buf b = {0};
    buf_add(&b, k->kind);
    if (k->group.n > 0)
        buf_addf(&b, "." STR_FMT, STR_ARG(k->group));
    buf_addf(&b, " \"" STR_FMT "\" is invalid: ", STR_ARG(name));
    size_t list = b.n, told = 0;
    for (size_t i = 0; i < r->problems_n; i++) {
        const struct api_problem *p = &r->problems[i];
        causes[i] = (struct kube_cause){str_c(p->reason), p->message, p->field};
        if (same_problem_before(r, i)) /* the message says each once */
            continue;
        buf_addf(&b, "%s" STR_FMT ": " STR_FMT, told++ > 0 ? ", " : "", STR_ARG(p->field),
                 STR_ARG(p->message));
    }
    if (told > 1) {
        struct str all = arena_str(&r->a, str_sub(buf_str(&b), list, b.n));
        b.n = list;
        buf_addf(&b, "[" STR_FMT "]", STR_ARG(all));
    }
    struct kube_status s = kube_status_new(422, STR("Invalid"), buf_str(&b));
    s.name = name;
    s.group = k->group;
    s.kind = k->kind;
    s.causes = causes;
    s.causes_n = r->problems_n;
    api_reply_status(r, &s);
    buf_free(&b);
    return false;
}

void api_warn(struct api_request *r, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    struct str text = formatted(r, fmt, ap);
    va_end(ap);
    buf_add(&r->warnings, text);
    buf_add_char(&r->warnings, '\n');
}
