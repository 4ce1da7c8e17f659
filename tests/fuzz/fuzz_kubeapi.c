/* Any requests, one after another: the API server answers each, its controllers work for a while on what is left, and what is
 * stored is canonical JSON. Input of an odd length meets a server with workloads, two fake nodes and registered groups, and
 * time goes by behind each request.
 * Input: up to REQUESTS_MAX of "METHOD TARGET CONTENT-TYPE\nBODY", with lines of "%%" between them. */
#include "sim/kubeapi/furnish/furnish.h"
#include "sim/kubeapi/kubeapi.h"
#include "sim/world/net.h"
#include "sim/world/process.h"
#include "sim/world/sim.h"

#define REQUESTS_MAX 8u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- the server: its bootstrap objects are made once ---- */

struct lab {
    struct sim *sim;
    struct kubeapi *api;
};

static void lab_open(struct lab *l, const struct store_snapshot *content, bool whole)
{
    static const struct kubeapi_workloads workloads = {.nodes = 2, .events = true};
    static const struct furnish_options furnish = {.host = STR_INIT("10.0.0.1"), .port = 6443};
    const struct sim_options options = {.seed = 1, .wall_start = 1700000000 * NS_PER_S};
    const struct kubeapi_options api = {.name = STR("api"),
                                        .allow_all = true,
                                        .restore = content,
                                        .workloads = whole ? &workloads : NULL};
    l->sim = sim_new(&options);
    const struct sim_host_options host = {STR("h"), STR("10.0.0.1"), STR("z")};
    const struct sim_process_options process = {.name = STR("api"),
                                                .host = sim_host_new(l->sim, &host)};
    struct sim_process *p = sim_process_new(l->sim, &process);
    struct err *err = sim_process_start(p);
    BUG_ON(err, "a process starts");
    l->api = kubeapi_new(sim_process_world(p), &api);
    if (whole && !content)
        kubeapi_furnish(l->api, &furnish);
}

static void lab_run(struct lab *l, world_time time)
{
    sim_run_until(l->sim, sim_now(l->sim) + time);
}

static void lab_close(struct lab *l)
{
    kubeapi_free(l->api);
    sim_free(l->sim);
}

static const struct store_snapshot *bootstrapped(bool whole)
{
    static struct store_snapshot *content[2];
    struct lab l;
    if (content[whole])
        return content[whole];
    lab_open(&l, NULL, whole);
    lab_run(&l, NS_PER_S);
    content[whole] = store_snapshot_take(kubeapi_store(l.api));
    lab_close(&l);
    return content[whole];
}

/* ---- requests ---- */

static void request(struct kubeapi *api, struct str text)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"};
    static const struct str masters = STR_INIT("system:masters");
    struct str line, method, rest;
    struct kubeapi_request r = {
        .method = "GET", .as = STR("fuzz"), .as_groups = &masters, .as_groups_n = 1};
    struct kubeapi_answer answer = {0};
    (void)str_cut(text, '\n', &line, &r.body);
    (void)str_cut(line, ' ', &method, &rest);
    (void)str_cut(rest, ' ', &r.target, &r.content_type);
    for (size_t i = 0; i < ARRAY_LEN(methods); i++)
        if (str_eq_c(method, methods[i]))
            r.method = methods[i];
    if (!str_starts(r.target, STR("/")))
        return; /* no HTTP parser lets it through */
    if (str_ends(r.content_type, STR("protobuf")) || str_ends(r.content_type, STR("yaml")))
        r.accept = r.content_type;
    kubeapi_call(api, &r, &answer);
    BUG_ON(answer.status < 200 || answer.status > 599, "an answer has a status");
    kubeapi_answer_free(&answer);
}

static void check_table(const struct store_table *t)
{
    struct store_cursor c = store_seek(t, str_empty, str_empty);
    for (struct kube_object *o; (o = store_next(&c));) {
        struct arena a = {0};
        struct buf again = {0};
        json_write(&again, kube_object_tree(o, &a));
        BUG_ON(!str_eq(buf_str(&again), o->json), "what is stored is canonical");
        buf_free(&again);
        arena_free(&a);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = {(const char *)data, size};
    struct store_table *t;
    struct lab l;
    bool whole = size % 2 == 1;
    lab_open(&l, bootstrapped(whole), whole);
    for (unsigned i = 0; i < REQUESTS_MAX && rest.n > 0; i++) {
        ptrdiff_t at = str_find(rest, STR("\n%%\n"));
        request(l.api, at < 0 ? rest : str_sub(rest, 0, (size_t)at));
        rest = at < 0 ? str_empty : str_sub(rest, (size_t)at + 4, rest.n);
        if (whole)
            lab_run(&l, 100 * NS_PER_MS);
    }
    lab_run(&l, 2 * NS_PER_S);
    for (size_t i = 0; store_table_next(kubeapi_store(l.api), &i, &t);)
        if (!str_ends(store_table_name(t), STR("rbac.authorization.k8s.io")))
            check_table(t);
    lab_close(&l);
    return 0;
}
