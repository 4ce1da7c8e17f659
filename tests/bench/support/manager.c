/* A manager's process, and the requests that set it up. */
#include "tests/bench/support/manager.h"

#include "engine/base/json.h"
#include "engine/pki/pki.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOOK_MS 50

/* ---- requests ---- */

int manager_call(struct api_conn *c, const char *method, const char *target, const char *bearer,
                 struct str body, struct str *answer)
{
    struct buf request = {0};
    buf_addf(&request, "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n", method,
             target);
    if (bearer)
        buf_addf(&request, "Authorization: Bearer %s\r\n", bearer);
    if (body.n > 0)
        buf_addf(&request, "Content-Type: application/json\r\nContent-Length: %zu\r\n", body.n);
    buf_add_c(&request, "\r\n");
    buf_add(&request, body);
    api_conn_send(c, buf_str(&request));
    int status = api_conn_receive(c, answer);
    buf_free(&request);
    return status;
}

static void must(int status, struct str answer, bool ok)
{
    if (!ok)
        fprintf(stderr, "%d: " STR_FMT "\n", status, STR_ARG(answer));
    BUG_ON(!ok, "an API does as it is asked to");
}

void manager_create(struct api_conn *c, const char *target, const char *body)
{
    struct str answer;
    int status = manager_call(c, "POST", target, NULL, str_c(body), &answer);
    must(status, answer, status == 201 || status == 409);
}

static bool string_of(struct str json, const char *path, struct buf *out)
{
    struct arena a = {0};
    cJSON *tree = NULL;
    struct err *err = json_parse(&a, arena_str(&a, json), &tree);
    buf_clear(out);
    if (!err)
        buf_add(out, json_string_at(tree, path));
    err_free(err);
    arena_free(&a);
    return out->n > 0;
}

void manager_await(struct api_conn *c, const char *target, const char *path, struct buf *out)
{
    for (int looks = MANAGER_WAIT_S * 1000 / LOOK_MS; looks > 0; looks--) {
        struct str answer;
        int status = manager_call(c, "GET", target, NULL, str_empty, &answer);
        if (status == 200 && string_of(answer, path, out))
            return;
        usleep(LOOK_MS * 1000);
    }
    fprintf(stderr, "no %s at %s\n", path, target);
    BUG_ON(true, "controllers do their work in time");
}

void manager_token(struct api_conn *c, const char *ns, const char *account, struct buf *out)
{
    static const struct str body = STR_INIT(
        "{\"apiVersion\":\"authentication.k8s.io/v1\",\"kind\":\"TokenRequest\",\"spec\":{}}");
    char target[256];
    struct str answer;
    snprintf(target, sizeof target, "/api/v1/namespaces/%s/serviceaccounts/%s/token", ns, account);
    int status = manager_call(c, "POST", target, NULL, body, &answer);
    must(status, answer, status == 201 && string_of(answer, "status.token", out));
}

/* ---- life ---- */

static void own_config(struct manager *m)
{
    char name[64];
    snprintf(name, sizeof name, "bench_%d.kubeconfig", (int)getpid());
    side_path(m->config, name);
}

/* Its certificate is its own: agents are told what to trust. */
static void learn_trust(struct manager *m)
{
    struct api_conn c;
    struct str pem;
    api_conn_open(&c, &m->front);
    int status = manager_call(&c, "GET", "/cacerts", NULL, str_empty, &pem);
    must(status, pem, status == 200 && pem.n > 0);
    buf_clear(&m->cacerts);
    buf_clear(&m->checksum);
    buf_add(&m->cacerts, pem);
    pki_ca_checksum(pem, &m->checksum);
    api_conn_close(&c);
}

static void start(struct manager *m, const char *const *words)
{
    char rest[128];
    side_start(&m->side, words);
    side_expect(&m->side, "ready https://127.0.0.1:", rest, sizeof rest);
    if (!m->front.tls)
        m->front.tls = SSL_CTX_new(TLS_client_method());
    m->front.pid = m->side.pid;
    m->front.port = atoi(rest);
    learn_trust(m);
}

void manager_start_embedded(struct manager *m)
{
    own_config(m);
    const char *const words[] = {"paddock",    "server",           "-q",
                                 "--embedded", "--kubeconfig-out", m->config,
                                 "--listen",   "127.0.0.1:0",      NULL};
    start(m, words);
    api_server_join(&m->local, m->side.pid, m->config);
}

void manager_start_over(struct manager *m, const struct api_server *api, uint16_t port)
{
    char listen[64];
    snprintf(listen, sizeof listen, "127.0.0.1:%u", port);
    const char *const words[] = {"paddock",   "server",   "-q",   "--kubeconfig",
                                 api->config, "--listen", listen, NULL};
    start(m, words);
}

static void forget(struct manager *m)
{
    SSL_CTX_free(m->front.tls);
    SSL_CTX_free(m->local.tls);
    if (m->config[0])
        unlink(m->config);
    buf_free(&m->cacerts);
    buf_free(&m->checksum);
}

void manager_kill(struct manager *m)
{
    side_kill(&m->side);
}

void manager_end(struct manager *m)
{
    side_end(&m->side);
    forget(m);
}
