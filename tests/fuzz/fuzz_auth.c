/* The first byte chooses the way in, the rest is what a stranger sends there: an Authorization header, a token to review,
 * a header of impersonation, a certificate request. Each is answered, and none is believed. */
#include "engine/http/headers.h"
#include "sim/kubeapi/auth/csr.h"
#include "sim/kubeapi/kubeapi.h"
#include "sim/world/process.h"

#include "engine/base/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bench {
    struct sim *sim;
    struct kubeapi *api;
};

static struct bench open_server(void)
{
    static const struct kubeapi_options options = {.name = STR_INIT("fuzz"), .bare = true};
    struct sim_options world = {.seed = 1, .trace_off = true};
    struct bench b = {.sim = sim_new(&world)};
    struct sim_host_options host = {STR("api"), STR("10.0.0.1"), STR("site")};
    struct sim_process_options process = {.name = STR("api"), .host = sim_host_new(b.sim, &host)};
    struct sim_process *p = sim_process_new(b.sim, &process);
    err_ignore(sim_process_start(p));
    b.api = kubeapi_new(sim_process_world(p), &options);
    return b;
}

static void ask(struct kubeapi *api, const struct kubeapi_request *r, int most)
{
    struct kubeapi_answer answer;
    kubeapi_call(api, r, &answer);
    BUG_ON(answer.status < 200 || answer.status > most, "a stranger's request is answered");
    kubeapi_answer_free(&answer);
}

static void header(struct kubeapi *api, struct str text)
{
    struct kubeapi_request r = {.method = "GET", .target = STR("/api"), .authorization = text};
    struct kubeapi_answer answer;
    kubeapi_call(api, &r, &answer);
    BUG_ON(answer.status != 401 && answer.status != 403, "nobody comes in by chance");
    kubeapi_answer_free(&answer);
}

static void review(struct kubeapi *api, struct str token)
{
    static const struct str masters = STR_INIT("system:masters");
    struct buf body = {0};
    buf_add_c(&body, "{\"spec\":{\"token\":");
    json_write_string(&body, token);
    buf_add_c(&body, "}}");
    struct kubeapi_request r = {.method = "POST",
                                .target = STR("/apis/authentication.k8s.io/v1/tokenreviews"),
                                .content_type = STR("application/json"),
                                .body = buf_str(&body),
                                .as = STR("admin"),
                                .as_groups = &masters,
                                .as_groups_n = 1};
    ask(api, &r, 499);
    buf_free(&body);
}

/* "NAME:VALUE" behind "Impersonate-". */
static void impersonation(struct kubeapi *api, struct str text)
{
    static const struct str masters = STR_INIT("system:masters");
    struct http_headers h = {0};
    struct buf name = {0};
    struct str head, value;
    (void)str_cut(text, ':', &head, &value);
    buf_add_c(&name, "Impersonate-");
    buf_add(&name, head);
    (void)!http_headers_add(&h, buf_str(&name), value); /* some are no headers */
    struct kubeapi_request r = {.method = "GET",
                                .target = STR("/api"),
                                .headers = &h,
                                .as = STR("admin"),
                                .as_groups = &masters,
                                .as_groups_n = 1};
    ask(api, &r, 500);
    http_headers_free(&h);
    buf_free(&name);
}

static void certificate(struct str pem)
{
    struct arena a = {0};
    struct buf text = {0};
    struct pki_cert_info info;
    struct pki_key *key;
    base64_encode(&text, pem);
    err_free(csr_parse(&a, buf_str(&text), &info, &key));
    pki_key_free(key);
    err_free(csr_parse(&a, pem, &info, NULL));
    buf_free(&text);
    arena_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bench b; /* one server for all inputs: starting it costs more than they do */
    if (!b.api)
        b = open_server();
    if (size == 0)
        return 0;
    struct str rest = {(const char *)data + 1, size - 1};
    switch (data[0] % 4) {
    case 0:
        header(b.api, rest);
        break;
    case 1:
        review(b.api, rest);
        break;
    case 2:
        impersonation(b.api, rest);
        break;
    default:
        certificate(rest);
        break;
    }
    return 0;
}
