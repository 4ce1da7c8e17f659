/* reply: answers: JSON, text, Status errors with the texts that clients know, warnings. */
#ifndef PADDOCK_SIM_KUBEAPI_CORE_REPLY_H
#define PADDOCK_SIM_KUBEAPI_CORE_REPLY_H

#include "engine/kube/status.h"
#include "sim/kubeapi/core/request.h"

void api_reply_json(struct api_request *r, int status, struct str json);
void api_reply_written(struct api_request *r, int status); /* JSON that r->out has already */
/* A header of the answer; Cache-Control replaces the usual one. */
void api_reply_header(struct api_request *r, const char *name, struct str value);
void api_reply_text(struct api_request *r, int status, const char *text);
void api_reply_status(struct api_request *r, const struct kube_status *s);
bool api_fail_err(struct api_request *r, struct err *take_err);
bool api_fail_plain(struct api_request *r, int code, const char *reason, const char *fmt, ...)
    printf_like(4, 5);
bool api_fail_bad(struct api_request *r, const char *fmt, ...) printf_like(2, 3); /* 400 */
bool api_fail_not_found(struct api_request *r, const struct api_kind *k, struct str name);
bool api_fail_exists(struct api_request *r, const struct api_kind *k, struct str name,
                     bool terminating);
bool api_fail_conflict(struct api_request *r, struct str name, const char *fmt, ...)
    printf_like(3, 4);
bool api_fail_modified(struct api_request *r, struct str name);
bool api_fail_forbidden(struct api_request *r, struct str name, const char *fmt, ...)
    printf_like(3, 4);
/* With details that are there, and empty. */
bool api_fail_undetailed(struct api_request *r, int code, const char *reason, struct str message);
bool api_fail_method(struct api_request *r);
bool api_fail_no_resource(struct api_request *r);                /* 404, as Status */
bool api_fail_too_new(struct api_request *r, uint64_t revision); /* 504 */
bool api_fail_404(struct api_request *r);                        /* plain text: no such path */
bool api_fail_gone(struct api_request *r, struct str continue_token, const char *fmt, ...)
    printf_like(3, 4);
bool api_fail_media(struct api_request *r, const char *accepted);
/* Collects causes for one 422; api_invalid_end answers when there are any. */
void api_invalid(struct api_request *r, const char *reason, struct str field, const char *fmt, ...)
    printf_like(4, 5);
bool api_invalid_end(struct api_request *r, const struct api_kind *k, struct str name);
void api_warn(struct api_request *r, const char *fmt, ...) printf_like(2, 3);

#endif
