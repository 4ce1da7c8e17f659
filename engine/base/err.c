#include "engine/base/err.h"

#include <string.h>

/* A message never grows with what a peer sends: the rest is cut. */
#define ERR_MESSAGE_BYTES_MAX 4096u

static const struct {
    const char *name;   /* for our own reports */
    const char *reason; /* of a Kubernetes Status */
    int http_status;
} codes[ERR_CODE_COUNT] = {
    [ERR_INVALID] = {"invalid", "BadRequest", 400},
    [ERR_UNAUTHORIZED] = {"unauthorized", "Unauthorized", 401},
    [ERR_FORBIDDEN] = {"forbidden", "Forbidden", 403},
    [ERR_NOT_FOUND] = {"not-found", "NotFound", 404},
    [ERR_NOT_ALLOWED] = {"not-allowed", "MethodNotAllowed", 405},
    [ERR_NOT_ACCEPTABLE] = {"not-acceptable", "NotAcceptable", 406},
    [ERR_ALREADY_EXISTS] = {"already-exists", "AlreadyExists", 409},
    [ERR_CONFLICT] = {"conflict", "Conflict", 409},
    [ERR_GONE] = {"gone", "Expired", 410},
    [ERR_TOO_LARGE] = {"too-large", "RequestEntityTooLarge", 413},
    [ERR_UNSUPPORTED_MEDIA] = {"unsupported-media", "UnsupportedMediaType", 415},
    [ERR_UNPROCESSABLE] = {"unprocessable", "Invalid", 422},
    [ERR_TOO_MANY] = {"too-many", "TooManyRequests", 429},
    [ERR_HEADERS_TOO_LARGE] = {"headers-too-large", "BadRequest", 431},
    [ERR_INTERNAL] = {"internal", "InternalError", 500},
    [ERR_UNAVAILABLE] = {"unavailable", "ServiceUnavailable", 503},
    [ERR_TIMEOUT] = {"timeout", "Timeout", 504},
    [ERR_CANCELLED] = {"cancelled", "InternalError", 500},
    [ERR_CONN_REFUSED] = {"conn-refused", "InternalError", 500},
    [ERR_CONN_RESET] = {"conn-reset", "InternalError", 500},
    [ERR_UNREACHABLE] = {"unreachable", "InternalError", 500},
    [ERR_EOF] = {"eof", "InternalError", 500},
    [ERR_DNS_NXDOMAIN] = {"dns-nxdomain", "InternalError", 500},
    [ERR_DNS_SERVFAIL] = {"dns-servfail", "InternalError", 500},
    [ERR_DNS_TIMEOUT] = {"dns-timeout", "InternalError", 500},
    [ERR_TLS] = {"tls", "InternalError", 500},
    [ERR_PROTOCOL] = {"protocol", "InternalError", 500},
    [ERR_IO] = {"io", "InternalError", 500},
};

static struct err *make(struct err *take_cause, enum err_code code, const char *fmt, va_list ap)
    printf_like(3, 0);

static struct err *make(struct err *take_cause, enum err_code code, const char *fmt, va_list ap)
{
    BUG_ON((unsigned)code >= ERR_CODE_COUNT, "an error has a known code");
    struct buf message = {.max = ERR_MESSAGE_BYTES_MAX};
    buf_addv(&message, fmt, ap);
    (void)buf_c(&message);
    struct err *e = MEM_NEW(struct err);
    e->code = code;
    e->message = message.p;
    e->cause = take_cause;
    return e;
}

struct err *(err_new)(enum err_code code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    struct err *e = make(NULL, code, fmt, ap);
    va_end(ap);
    return e;
}

struct err *(err_wrap)(struct err *take_cause, enum err_code code, const char *fmt, ...)
{
    BUG_ON(!take_cause, "only an error is wrapped");
    va_list ap;
    va_start(ap, fmt);
    struct err *e = make(take_cause, code, fmt, ap);
    va_end(ap);
    return e;
}

struct err *(err_at)(struct err *take, struct str file, uint32_t line, uint32_t column)
{
    BUG_ON(!take, "only an error has a position");
    mem_free(take->file);
    take->file = file.n ? str_dup_c(file) : NULL;
    take->line = line;
    take->column = column;
    return take;
}

struct err *err_copy(const struct err *e)
{
    struct err *first = NULL, **end = &first;
    for (; e; e = e->cause) {
        struct err *copy = MEM_NEW(struct err);
        *copy = *e;
        copy->message = str_dup_c(str_c(e->message));
        copy->file = e->file ? str_dup_c(str_c(e->file)) : NULL;
        copy->cause = NULL;
        *end = copy;
        end = &copy->cause;
    }
    return first;
}

enum err_tls err_tls_of(const struct err *e)
{
    for (; e; e = e->cause)
        if (e->code == ERR_TLS && e->tls != ERR_TLS_OTHER)
            return e->tls;
    return ERR_TLS_OTHER;
}

struct err *err_tls(struct err *take_e, enum err_tls why)
{
    BUG_ON(!take_e || take_e->code != ERR_TLS, "only errors of TLS have such a reason");
    take_e->tls = why;
    return take_e;
}

void err_free(struct err *e)
{
    while (e) {
        struct err *cause = e->cause;
        mem_free(e->message);
        mem_free(e->file);
        mem_free(e);
        e = cause;
    }
}

void err_ignore(struct err *take_e)
{
    err_free(take_e);
}

static void print_position(const struct err *e, struct buf *out)
{
    if (e->file)
        buf_addf(out, "%s:", e->file);
    if (e->line)
        buf_addf(out, "%u:", (unsigned)e->line);
    if (e->line && e->column)
        buf_addf(out, "%u:", (unsigned)e->column);
    if (e->file || e->line)
        buf_add_char(out, ' ');
}

void err_print(const struct err *e, struct buf *out)
{
    for (const struct err *at = e; at; at = at->cause) {
        if (at != e)
            buf_add(out, STR(": "));
        print_position(at, out);
        buf_add_c(out, at->message);
    }
}

int err_http_status(enum err_code code)
{
    BUG_ON((unsigned)code >= ERR_CODE_COUNT, "an error has a known code");
    return codes[code].http_status;
}

const char *err_reason(enum err_code code)
{
    BUG_ON((unsigned)code >= ERR_CODE_COUNT, "an error has a known code");
    return codes[code].reason;
}

const char *err_code_name(enum err_code code)
{
    BUG_ON((unsigned)code >= ERR_CODE_COUNT, "an error has a known code");
    return codes[code].name;
}
