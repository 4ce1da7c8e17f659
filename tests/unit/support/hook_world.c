#include "tests/unit/support/hook_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/codec.h"
#include "engine/pki/x509.h"

#include <string.h>

#define DAY_S  86400
#define WALL_S 1767225600 /* 2026-01-01 */

/* ---- the webhook ---- */

static void on_review(void *data, struct http_exchange *x, struct str body)
{
    struct hook_world *n = data;
    char path[64] = "";
    cJSON *review;
    struct buf out = {0};
    struct err *err = json_parse(&n->a, body, &review);
    assert_null(err);
    assert_true(http_path(x).n < sizeof(path));
    memcpy(path, http_path(x).p, http_path(x).n);
    n->held = x;
    int status = n->answer(n, path, review, &out);
    if (status > 0) {
        n->held = NULL;
        http_answer(x, status, "application/json", NULL, buf_str(&out));
    }
    buf_free(&out);
}

static void on_gone(void *data) {}

static void on_hook(void *owner, struct http_exchange *x)
{
    http_exchange_set(x, owner, on_gone);
    http_read_all(x, on_review);
}

/* ---- the world ---- */

static struct world *process(struct sim *sim, const char *name, const char *address)
{
    struct sim_host_options host = {str_c(name), str_c(address), STR("site")};
    struct sim_process_options options = {.name = str_c(name), .host = sim_host_new(sim, &host)};
    struct sim_process *p = sim_process_new(sim, &options);
    assert_null(sim_process_start(p));
    return sim_process_world(p);
}

/* A certificate for the webhook, and the authority behind it as caBundle. */
static void issue(struct hook_world *n)
{
    unsigned char entropy[PKI_ENTROPY_BYTES];
    struct str ips[] = {STR("10.0.0.2")};
    struct buf ca_der = {0}, ca_pem = {0}, der = {0};
    memset(entropy, 7, sizeof(entropy));
    struct pki_key *ca_key = pki_key_derive(PKI_ED25519, entropy);
    memset(entropy, 8, sizeof(entropy));
    struct pki_key *key = pki_key_derive(PKI_ED25519, entropy);
    struct pki_cert_spec ca = {.common_name = STR("ca"),
                               .usage = PKI_CA,
                               .serial = 1,
                               .not_before_s = WALL_S - DAY_S,
                               .not_after_s = WALL_S + DAY_S};
    struct pki_cert_spec leaf = ca;
    leaf.common_name = STR("hook");
    leaf.usage = PKI_SERVER;
    leaf.serial = 2;
    leaf.ips = ips;
    leaf.ips_n = 1;
    assert_null(pki_issue(&ca, ca_key, str_empty, ca_key, &ca_der));
    assert_null(pki_issue(&leaf, key, buf_str(&ca_der), ca_key, &der));
    pki_pem_add(&ca_pem, "CERTIFICATE", buf_str(&ca_der));
    pki_pem_add(&n->cert_pem, "CERTIFICATE", buf_str(&der));
    pki_key_to_pem(key, &n->key_pem);
    base64_encode(&n->bundle, buf_str(&ca_pem));
    pki_key_free(ca_key);
    pki_key_free(key);
    buf_free(&ca_der);
    buf_free(&ca_pem);
    buf_free(&der);
}

static void on_done(void *owner, const struct http_response *r, const struct err *err)
{
    struct hook_world *n = owner;
    n->call = NULL;
    n->status = r ? r->status : -1;
    buf_clear(&n->body);
    if (r)
        buf_add(&n->body, buf_str(&r->body));
}

void hook_world_begin(struct hook_world *n, const char *method, const char *target,
                      const char *type, const char *body)
{
    static const struct http_call_handler handler = {.done = on_done};
    struct http_headers headers = {0};
    if (!type)
        type = strcmp(method, "PATCH") == 0 ? "application/merge-patch+json" : "application/json";
    http_headers_add_c(&headers, "Authorization", "Bearer t");
    struct http_request r = {.address = world_addr_make(STR("10.0.0.1"), 80),
                             .host = STR("api"),
                             .method = method,
                             .target = str_c(target),
                             .headers = &headers,
                             .body = str_c(body),
                             .content_type = type};
    n->status = 0;
    n->call = http_call_start(n->client, &r, &handler, n);
    http_headers_free(&headers);
}

void hook_world_run(struct hook_world *n, int64_t seconds)
{
    sim_run_until(n->sim, sim_now(n->sim) + seconds * NS_PER_S);
}

int hook_world_call_as(struct hook_world *n, const char *method, const char *target,
                       const char *type, const char *body)
{
    hook_world_begin(n, method, target, type, body);
    hook_world_run(n, 5);
    return n->status;
}

int hook_world_call(struct hook_world *n, const char *method, const char *target, const char *body)
{
    return hook_world_call_as(n, method, target, NULL, body);
}

bool hook_world_said(const struct hook_world *n, const char *text)
{
    return str_find(buf_str(&n->body), str_c(text)) >= 0;
}

void hook_world_open_with(struct hook_world *n,
                          int (*answer)(struct hook_world *n, const char *path, const cJSON *review,
                                        struct buf *out),
                          const struct kubeapi_workloads *workloads)
{
    static const struct str groups[] = {STR_INIT("system:masters")};
    static const struct kubeapi_token token = {STR_INIT("t"), STR_INIT("admin"), STR_INIT("1"),
                                               groups, 1};
    struct kubeapi_options options = {
        .bare = !workloads, .tokens = &token, .tokens_n = 1, .workloads = workloads};
    struct sim_options sim = {.seed = 1, .wall_start = WALL_S * NS_PER_S};
    memset(n, 0, sizeof(*n));
    n->answer = answer;
    n->sim = sim_new(&sim);
    struct world *api = process(n->sim, "api", "10.0.0.1"),
                 *hook = process(n->sim, "hook", "10.0.0.2");
    struct world *client = process(n->sim, "client", "10.0.0.3");
    issue(n);
    n->api = kubeapi_new(api, &options);
    struct world_listen listen = {.address = world_addr_make(STR("0.0.0.0"), 80)};
    assert_null(kubeapi_listen(n->api, &listen, NULL));
    struct world_tls tls = {.cert_pem = buf_str(&n->cert_pem), .key_pem = buf_str(&n->key_pem)};
    tls.server_name = tls.ca_pem = tls.client_ca_pem = tls.alpn = str_empty;
    struct world_listen secure = {.address = world_addr_make(STR("0.0.0.0"), 443), .tls = &tls};
    n->hooks = http_server_new(hook, &(struct http_server_options){0}, on_hook, n);
    assert_null(http_server_listen(n->hooks, &secure, NULL));
    n->client = http_client_new(client);
}

void hook_world_open(struct hook_world *n, int (*answer)(struct hook_world *n, const char *path,
                                                         const cJSON *review, struct buf *out))
{
    hook_world_open_with(n, answer, NULL);
}

void hook_world_close(struct hook_world *n)
{
    http_client_free(n->client);
    http_server_free(n->hooks);
    kubeapi_free(n->api);
    sim_free(n->sim);
    buf_free(&n->cert_pem);
    buf_free(&n->key_pem);
    buf_free(&n->bundle);
    buf_free(&n->log);
    buf_free(&n->body);
    arena_free(&n->a);
}
