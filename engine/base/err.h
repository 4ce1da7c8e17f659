/* err: the one error type: code, message for a human, cause chain, source position where there is one.
 *
 * Convention: a function that can fail returns `struct err *` (NULL: it worked) and is must_check; its results come
 * by pointer and are untouched on failure. Ownership: the receiver owns the error: err_free, or err_wrap (takes it).
 * A message says what, where and what to do, without a trailing period or newline. */
#ifndef PADDOCK_ENGINE_BASE_ERR_H
#define PADDOCK_ENGINE_BASE_ERR_H

#include "engine/base/str.h"

enum err_code {
    ERR_INVALID,           /* 400 BadRequest: malformed input */
    ERR_UNAUTHORIZED,      /* 401 */
    ERR_FORBIDDEN,         /* 403 */
    ERR_NOT_FOUND,         /* 404 */
    ERR_NOT_ALLOWED,       /* 405 MethodNotAllowed */
    ERR_NOT_ACCEPTABLE,    /* 406 */
    ERR_ALREADY_EXISTS,    /* 409 AlreadyExists */
    ERR_CONFLICT,          /* 409 Conflict */
    ERR_GONE,              /* 410 Expired: the resourceVersion is compacted */
    ERR_TOO_LARGE,         /* 413 */
    ERR_UNSUPPORTED_MEDIA, /* 415 */
    ERR_UNPROCESSABLE,     /* 422 Invalid: well formed but wrong */
    ERR_TOO_MANY,          /* 429 */
    ERR_HEADERS_TOO_LARGE, /* 431 */
    ERR_INTERNAL,          /* 500 */
    ERR_UNAVAILABLE,       /* 503 */
    ERR_TIMEOUT,           /* 504; also every deadline of ours */
    /* below: never seen in an HTTP answer of ours as such (500) */
    ERR_CANCELLED,
    ERR_CONN_REFUSED,
    ERR_CONN_RESET,
    ERR_UNREACHABLE, /* no route, network down */
    ERR_EOF,         /* orderly end where more was expected */
    ERR_DNS_NXDOMAIN,
    ERR_DNS_SERVFAIL,
    ERR_DNS_TIMEOUT,
    ERR_TLS,      /* handshake or certificate; the message names the reason */
    ERR_PROTOCOL, /* the peer broke HTTP, WebSocket or the tunnel protocol */
    ERR_IO,       /* files */
    ERR_CODE_COUNT
};

/* Of ERR_TLS: why, where that is known. */
enum err_tls {
    ERR_TLS_OTHER,
    ERR_TLS_EXPIRED,
    ERR_TLS_NOT_YET_VALID,
    ERR_TLS_UNTRUSTED, /* by another authority, or not well signed */
    ERR_TLS_NAME,      /* for another name */
    ERR_TLS_PIN,       /* the authority is not the one that was pinned */
    ERR_TLS_CLOCK,     /* the clocks of both sides are too far apart to tell */
};

struct err {
    enum err_code code;
    enum err_tls tls; /* of ERR_TLS */
    char *message;
    struct err *cause;     /* owned; NULL at the end of the chain */
    char *file;            /* source position of the *input*, not of our code; NULL: none */
    uint32_t line, column; /* 1-based, columns in code points; 0: none */
};

struct err *err_new(enum err_code code, const char *fmt, ...) must_check never_null
    printf_like(2, 3);
struct err *err_wrap(struct err *take_cause, enum err_code code, const char *fmt, ...) must_check
    printf_like(3, 4);
struct err *err_at(struct err *take, struct str file, uint32_t line,
                   uint32_t column) must_check never_null;
struct err *err_copy(const struct err *e) must_check; /* deep; NULL gives NULL */
/* Why TLS failed, the outermost that knows it; ERR_TLS_OTHER: nobody does, or it is no such error. */
enum err_tls err_tls_of(const struct err *e);
struct err *err_tls(struct err *take_e, enum err_tls why) must_check never_null; /* of ERR_TLS */
void err_free(struct err *e);                                                    /* NULL is fine */
void err_ignore(
    struct err *take_e); /* err_free, for places where failure is expected: says so by name */
void err_print(const struct err *e, struct buf *out); /* "file:1:2: message: cause: cause" */
int err_http_status(enum err_code code);
const char *err_reason(enum err_code code);    /* Kubernetes Status reason, e.g. "NotFound" */
const char *err_code_name(enum err_code code); /* "not-found" */

#ifdef __clang_analyzer__ /* it does not read never_null, and so sees a NULL error behind every failure */
static inline struct err *err_known(struct err *e)
{
    if (!e)
        __builtin_unreachable();
    return e;
}
#define err_new(...)  err_known(err_new(__VA_ARGS__))
#define err_wrap(...) err_known(err_wrap(__VA_ARGS__))
#define err_at(...)   err_known(err_at(__VA_ARGS__))
#endif

#endif
