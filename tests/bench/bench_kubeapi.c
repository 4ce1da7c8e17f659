/* What the simulated API server costs: writes to the store of pre-encoded objects of 300 bytes, and creates of ConfigMaps
 * of 1 KB through HTTP in the simulated world while an informer watches: CPU time of everything, both ends included. */
#include "engine/kube/informer.h"
#include "sim/kubeapi/kubeapi.h"
#include "sim/world/process.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define STORE_WRITES 400000u
#define STORE_KEYS   50000u
#define CREATES      50000u
#define CONCURRENCY  64u

static void report(const char *name, clock_t start, uint64_t n, const char *unit)
{
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    printf("{\"bench\":\"kubeapi.%s\",\"value\":%.0f,\"unit\":\"%s\"}\n", name, (double)n / seconds,
           unit);
}

/* ---- the store ---- */

static void count_event(void *owner, struct store_event *e)
{
    ++*(uint64_t *)owner;
}

static size_t object_text(char *out, size_t cap, unsigned key, unsigned long long revision)
{
    int n =
        snprintf(out, cap,
                 "{\"apiVersion\":\"v1\",\"data\":{\"payload\":\"%0150u\"},\"kind\":\"ConfigMap\","
                 "\"metadata\":{\"name\":\"object-%06u\",\"namespace\":\"default\","
                 "\"resourceVersion\":\"%llu\",\"uid\":\"%08u-0000\"}}",
                 key, key, revision, key);
    BUG_ON(n < 290 || (size_t)n >= cap, "about 300 bytes");
    return (size_t)n;
}

static void bench_store(void)
{
    struct store_options options = {0};
    struct store *s = store_new(&options);
    struct store_table *t = store_table(s, STR("configmaps"));
    uint64_t events = 0;
    char(*texts)[320] = mem_alloc_array(STORE_KEYS, sizeof(*texts));
    struct kube_object **objects = mem_alloc_array(STORE_KEYS, sizeof(*objects));
    for (unsigned i = 0; i < STORE_KEYS; i++) {
        struct str json = {texts[i], object_text(texts[i], sizeof(texts[i]), i, 1)};
        err_ignore(kube_object_from_canonical(json, &objects[i]));
    }
    (void)store_watch_start(t, str_empty, count_event, &events);
    clock_t start = clock();
    for (unsigned i = 0; i < STORE_WRITES; i++) {
        unsigned key = (unsigned)((i * UINT64_C(2654435761)) % STORE_KEYS);
        store_put(t, kube_object_with_revision(objects[key], store_revision(s) + 1));
    }
    report("store_writes", start, STORE_WRITES, "1/s");
    BUG_ON(events != STORE_WRITES, "every write is seen");
    for (unsigned i = 0; i < STORE_KEYS; i++)
        kube_object_unref(objects[i]);
    mem_free(objects);
    mem_free(texts);
    store_free(s);
}

/* ---- the handler ---- */

struct bench {
    struct kube_client *client;
    uint64_t started, done, seen;
    char payload[760];
};

static const struct kube_gvr configmaps = {STR_INIT(""), STR_INIT("v1"), STR_INIT("configmaps")};

static void on_change(void *owner, const struct kube_object *before,
                      const struct kube_object *after)
{
    ((struct bench *)owner)->seen++;
}

static void create_next(struct bench *b);
static void on_created(void *owner, const struct kube_answer *answer)
{
    struct bench *b = owner;
    BUG_ON(answer->status != 201, "the benchmark's server creates");
    b->done++;
    create_next(b);
}

static void create_next(struct bench *b)
{
    char body[1100];
    struct kube_target target = {.gvr = configmaps, .ns = STR("default")};
    if (b->started == CREATES)
        return;
    int n = snprintf(
        body, sizeof(body),
        "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"bench-%06u\","
        "\"namespace\":\"default\",\"labels\":{\"app\":\"bench\",\"part\":\"%u\"}},"
        "\"data\":{\"one\":\"%s\",\"two\":\"short\"}}",
        (unsigned)b->started, (unsigned)b->started % 16, b->payload);
    b->started++;
    (void)kube_call_start(b->client, KUBE_CREATE, &target, (struct str){body, (size_t)n}, 0,
                          on_created, b);
}

static bool finished(void *owner)
{
    const struct bench *b = owner;
    return b->done == CREATES && b->seen >= CREATES;
}

static struct world *process(struct sim *sim, const char *name, const char *address)
{
    struct sim_host_options host = {str_c(name), str_c(address), STR("site")};
    struct sim_process_options options = {.name = str_c(name), .host = sim_host_new(sim, &host)};
    struct sim_process *p = sim_process_new(sim, &options);
    err_ignore(sim_process_start(p));
    return sim_process_world(p);
}

static void bench_handler(void)
{
    struct sim_options options = {.seed = 1, .trace_off = true};
    struct sim *sim = sim_new(&options);
    struct world *server = process(sim, "api", "10.0.0.1"),
                 *user = process(sim, "user", "10.0.0.2");
    struct str groups[] = {STR("system:masters")};
    struct kubeapi_token token = {STR("secret"), STR("admin"), STR("1"), groups, 1};
    struct kubeapi_options api_options = {.name = STR("bench"), .tokens = &token, .tokens_n = 1};
    struct kubeapi *api = kubeapi_new(server, &api_options);
    struct world_listen listen = {.address = world_addr_make(STR("10.0.0.1"), 6443)};
    struct kube_context context = {.address = listen.address, .plain = true, .token = token.token};
    struct kube_target target = {.gvr = configmaps};
    struct bench b = {0};
    memset(b.payload, 'x', sizeof(b.payload) - 1);
    err_ignore(kubeapi_listen(api, &listen, NULL));
    b.client = kube_client_new(user, &context);
    struct kube_informer *informer = kube_informer_new(b.client, &target);
    kube_informer_on_change(informer, on_change, &b);
    kube_informer_start(informer);
    sim_run_until(sim, 10 * NS_PER_S);

    clock_t start = clock();
    for (unsigned i = 0; i < CONCURRENCY; i++)
        create_next(&b);
    bool all = sim_run_while_not(sim, finished, &b, 100000 * NS_PER_S);
    BUG_ON(!all, "every create is answered and seen by the informer");
    report("handler_creates", start, CREATES, "1/s");

    kube_informer_free(informer);
    kube_client_free(b.client);
    kubeapi_free(api);
    sim_free(sim);
}

int main(void)
{
    bench_store();
    bench_handler();
    return 0;
}
