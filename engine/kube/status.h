/* status: struct err ⇄ the Kubernetes Status object, both ways. The server says its errors with it; the client classifies
 * an answer by reason and code.
 *
 *   err.code ⇄ reason + code (err.h has the table); err.message ⇄ message; details and causes ride in struct kube_status.
 *
 * Ownership: kube_status views borrow from the caller (writing) or from the arena (parsing). */
#ifndef PADDOCK_ENGINE_KUBE_STATUS_H
#define PADDOCK_ENGINE_KUBE_STATUS_H

#include "engine/base/json.h"

#define KUBE_STATUS_CAUSES_MAX 256u

struct kube_cause {
    struct str reason, message, field;
};

struct kube_status {
    bool success;
    int code;           /* HTTP status */
    struct str message; /* empty: left out */
    struct str reason;  /* empty: left out */
    /* details; left out when all are empty */
    struct str name, group, kind, uid;
    const struct kube_cause *causes;
    size_t causes_n;
    int64_t retry_after_s; /* 0: left out */
    struct str continue_;  /* metadata.continue of an expired page; empty: left out */
    bool has_details;      /* write details even when empty ("details":{}) */
};

/* A failure of which there is nothing more to say yet. */
struct kube_status kube_status_new(int code, struct str reason, struct str message);
/* The Status of an error: code and reason from err->code, message without its causes. */
struct kube_status kube_status_of_err(const struct err *e);
/* Appends the Status as canonical JSON. */
void kube_status_write(const struct kube_status *s, struct buf *out);
/* False: not a Status. */
bool kube_status_parse(struct arena *a, const cJSON *tree, struct kube_status *out);
/* What an HTTP answer of 4xx or 5xx means. body may be anything: without a Status in it the HTTP code decides
 * (a 404 without Status is ERR_NOT_FOUND "the server could not find the requested resource"). Never NULL. */
struct err *kube_status_to_err(int http_status, struct str body) must_check;
/* The code of a reason, by HTTP code where the reason is unknown or empty. */
enum err_code kube_reason_code(struct str reason, int http_status);

#endif
