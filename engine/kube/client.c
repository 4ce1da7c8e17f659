/* Calls: one HTTP request each; the answer's error is made from its Status. */
#include "engine/kube/client_internal.h"

#include "engine/kube/status.h"
#include "engine/pki/x509.h"

#include <string.h>

struct kube_client *kube_client_new(struct world *w, const struct kube_context *context)
{
    struct kube_client *c = MEM_NEW(struct kube_client);
    c->world = w;
    c->http = http_client_new(w);
    c->address = context->address;
    c->plain = context->plain;
    c->host = context->host.n ? str_dup(context->host) : str_dup(str_c(context->address.host));
    c->ca_pem = str_dup(context->ca_pem);
    c->cert_pem = str_dup(context->cert_pem);
    c->key_pem = str_dup(context->key_pem);
    c->tls = (struct world_tls){.server_name = c->host,
                                .ca_pem = c->ca_pem,
                                .insecure = context->insecure,
                                .cert_pem = c->cert_pem,
                                .key_pem = c->key_pem};
    list_init(&c->calls);
    list_init(&c->watches);
    kube_client_set_token(c, context->token);
    return c;
}

struct kube_client *kube_client_as(const struct kube_client *c, struct str token)
{
    struct kube_context context = {.address = c->address,
                                   .plain = c->plain,
                                   .host = c->host,
                                   .ca_pem = c->ca_pem,
                                   .insecure = c->tls.insecure,
                                   .token = token};
    return kube_client_new(c->world, &context);
}

void kube_client_free(struct kube_client *c)
{
    if (!c)
        return;
    list_each (&c->calls, it, next)
        kube_call_cancel(container_of(it, struct kube_call, node));
    list_each (&c->watches, it, next)
        kube_watch_cancel(container_of(it, struct kube_watch, node));
    http_client_free(c->http);
    http_headers_free(&c->headers);
    http_headers_free(&c->metadata_headers);
    str_free(&c->host);
    str_free(&c->ca_pem);
    str_free(&c->cert_pem);
    str_free(&c->key_pem);
    str_free(&c->peer_pem);
    mem_free(c);
}

void kube_client_set_token(struct kube_client *c, struct str token)
{
    http_headers_clear(&c->headers);
    http_headers_clear(&c->metadata_headers);
    http_headers_add_c(&c->headers, "Accept", "application/json");
    http_headers_add_c(&c->metadata_headers, "Accept",
                       "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1");
    c->bad_token = false;
    if (token.n == 0)
        return;
    struct buf value = {0};
    buf_add_c(&value, "Bearer ");
    buf_add(&value, token);
    c->bad_token = !http_headers_add(&c->headers, STR("Authorization"), buf_str(&value)) ||
                   !http_headers_add(&c->metadata_headers, STR("Authorization"), buf_str(&value));
    buf_free(&value);
}

void kube_client_set_gate(struct kube_client *c, bool (*open)(void *owner), void *owner)
{
    c->gate = open;
    c->gate_owner = owner;
}

void kube_client_keep_peer(struct kube_client *c)
{
    http_client_keep_peer(c->http);
}

int64_t kube_client_peer_ends_s(struct kube_client *c)
{
    struct str pem = http_client_peer_pem(c->http);
    if (str_eq(pem, c->peer_pem))
        return c->peer_ends_s;
    str_free(&c->peer_pem);
    c->peer_pem = str_dup(pem);
    c->peer_ends_s = pki_pem_not_after_s(pem);
    return c->peer_ends_s;
}

void kube_client_reconnect(struct kube_client *c)
{
    http_client_forget(c->http);
}
struct world *kube_client_world(struct kube_client *c)
{
    return c->world;
}

static const struct {
    const char *method, *content_type;
    bool writes;
} verbs[] = {
    [KUBE_GET] = {"GET", NULL, false},
    [KUBE_LIST] = {"GET", NULL, false},
    [KUBE_LIST_METADATA] = {"GET", NULL, false},
    [KUBE_CREATE] = {"POST", "application/json", true},
    [KUBE_UPDATE] = {"PUT", "application/json", true},
    [KUBE_PATCH_MERGE] = {"PATCH", "application/merge-patch+json", true},
    [KUBE_PATCH_JSON] = {"PATCH", "application/json-patch+json", true},
    [KUBE_DELETE] = {"DELETE", "application/json", true},
};

void kube_target_write(const struct kube_target *t, struct str extra_query, struct buf *out)
{
    kube_path(&t->gvr, t->ns, t->name, t->sub, out);
    if (t->query.n || extra_query.n)
        buf_add_char(out, '?');
    buf_add(out, t->query);
    if (t->query.n && extra_query.n)
        buf_add_char(out, '&');
    buf_add(out, extra_query);
}

static void call_finish(struct kube_call *call, const struct kube_answer *answer)
{
    kube_done done = call->done;
    void *owner = call->owner;
    list_remove(&call->node);
    world_timer_free(call->refusal);
    mem_free(call);
    done(owner, answer);
}

static void on_call_done(void *owner, const struct http_response *r, const struct err *err)
{
    struct kube_call *call = owner;
    struct kube_answer answer = {.err = err};
    struct err *own = NULL;
    if (r && !err) {
        answer.status = r->status;
        answer.body = buf_str(&r->body);
        if (r->status < 200 || r->status > 299)
            answer.err = own = kube_status_to_err(r->status, answer.body);
    }
    call_finish(call, &answer);
    err_free(own);
}

static const struct http_call_handler call_handler = {.done = on_call_done};

static void on_refused(void *owner)
{
    struct kube_call *call = owner;
    struct err *err =
        call->client->bad_token
            ? err_new(ERR_INVALID, "the bearer token holds bytes that no header may carry")
            : err_new(ERR_CANCELLED, "the write was held back: this replica is not the leader");
    struct kube_answer answer = {.err = err};
    call_finish(call, &answer);
    err_free(err);
}

struct kube_call *kube_call_start(struct kube_client *c, enum kube_verb verb,
                                  const struct kube_target *target, struct str body,
                                  world_time timeout, kube_done done, void *owner)
{
    BUG_ON(!done, "a call needs its callback");
    struct kube_call *call = MEM_NEW(struct kube_call);
    call->client = c;
    call->done = done;
    call->owner = owner;
    list_add_tail(&c->calls, &call->node);
    if (c->bad_token || (verbs[verb].writes && c->gate && !c->gate(c->gate_owner))) {
        call->refusal = world_timer_new(c->world, on_refused, call);
        world_timer_start(call->refusal, 0);
        return call;
    }
    struct buf path = {0};
    kube_target_write(target, str_empty, &path);
    struct http_request r = {.address = c->address,
                             .tls = c->plain ? NULL : &c->tls,
                             .host = c->host,
                             .method = verbs[verb].method,
                             .target = buf_str(&path),
                             .headers =
                                 verb == KUBE_LIST_METADATA ? &c->metadata_headers : &c->headers,
                             .body = body,
                             .content_type = body.n ? verbs[verb].content_type : NULL,
                             .timeout = timeout ? timeout : KUBE_CALL_TIMEOUT,
                             .body_bytes_max = KUBE_ANSWER_BYTES_MAX};
    call->http = http_call_start(c->http, &r, &call_handler, call);
    buf_free(&path);
    return call;
}

void kube_call_cancel(struct kube_call *call)
{
    if (!call)
        return;
    http_call_cancel(call->http);
    world_timer_free(call->refusal);
    list_remove(&call->node);
    mem_free(call);
}
