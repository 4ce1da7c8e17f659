/* Managers, their API server and imported clusters in one simulated world. */
#include "tests/unit/support/manager_bench.h"

#include "engine/controllers/cluster/cluster.h"
#include "engine/controllers/cluster/state.h"
#include "engine/kube/management.h"
#include "tests/unit/support/check.h"

#include <stdlib.h>

#define TABLE_CLUSTERS "clusters." MANAGEMENT_GROUP
#define TABLE_TOKENS   "clusterregistrationtokens." MANAGEMENT_GROUP

static const char *const ids[BENCH_CLUSTERS] = {"c-0", "c-1", "c-2"};

/* ---- managers ---- */

static struct err *manager_start(struct world *w, const void *config, void **out)
{
    const struct bench_manager *m = *(struct bench_manager *const *)config;
    struct bench *b = m->bench;
    struct server_config c = {
        .kube = {.address = world_addr_make(apihost_address(b->local), APIHOST_PORT),
                 .host = apihost_address(b->local),
                 .ca_pem = apihost_ca_pem(b->local),
                 .token = STR(BENCH_TOKEN)},
        .identity = sim_process_name(m->process),
        .server_url = STR("https://" BENCH_MANAGER_NAME),
        .listen = world_addr_make(STR("0.0.0.0"), 443),
        .cert_pem = b->identity.cert_pem,
        .key_pem = b->identity.key_pem,
        .ca_pem = authority_pem(b->manager_ca),
        .agent_image = STR("agent:1"),
        .peer_token = STR("peers"),
        .policies = b->policies};
    struct server *s = NULL;
    struct err *err = server_new(w, &c, &s);
    *out = s;
    return err;
}

static void manager_destroy(void *instance)
{
    server_free(instance);
}

static const struct sim_program manager_program = {.start = manager_start,
                                                   .destroy = manager_destroy};

static void on_restart(void *owner)
{
    struct bench_manager *m = owner;
    bool on = sim_host_is_on(sim_process_host(m->process));
    m->restart = on ? NULL : sim_after(m->bench->sim, BENCH_RESTART, on_restart, m);
    if (on)
        check_ok(sim_process_start(m->process));
}

/* The supervisor. */
static void on_exited(void *owner, struct sim_process *p, int status)
{
    struct bench_manager *m = owner;
    (void)p, (void)status;
    if (!m->restart)
        m->restart = sim_after(m->bench->sim, BENCH_RESTART, on_restart, m);
}

static void add_manager(struct bench *b, size_t i)
{
    struct bench_manager *m = &b->managers[i];
    struct buf name = {0}, ip = {0};
    buf_addf(&name, "manager-%zu", i);
    buf_addf(&ip, "192.0.2.%zu", 10 + i);
    struct sim_host_options host = {
        .name = buf_str(&name), .address = buf_str(&ip), .zone = STR(BENCH_SITE)};
    struct sim_host *h = sim_host_new(b->sim, &host);
    sim_host_add_address(h, STR("192.0.2.100")); /* the balancer's */
    m->bench = b;
    m->config = m;
    struct sim_process_options o = {.name = buf_str(&name),
                                    .host = h,
                                    .program = &manager_program,
                                    .config = &m->config,
                                    .exited = on_exited,
                                    .owner = m};
    m->process = sim_process_new(b->sim, &o);
    check_ok(sim_process_start(m->process));
    buf_free(&name);
    buf_free(&ip);
}

struct server *bench_leader(const struct bench *b, size_t *index)
{
    for (size_t i = 0; i < BENCH_MANAGERS; i++) {
        struct server *s =
            b->managers[i].process ? sim_process_instance(b->managers[i].process) : NULL;
        if (!s || !server_state(s).leading)
            continue;
        if (index)
            *index = i;
        return s;
    }
    return NULL;
}

/* ---- the bench ---- */

static void on_note(void *owner, const struct sim_note *n)
{
    struct bench *b = owner;
    if (getenv("PADDOCK_TEST_LOG"))
        print_message("%10.3f %s " STR_FMT " " STR_FMT "\n", (double)n->at / 1e9, n->kind,
                      STR_ARG(n->key), STR_ARG(n->value));
    if (str_eq_c(str_c(n->kind), "cluster.state"))
        buf_addf(&b->states, "%s" STR_FMT " " STR_FMT, b->states.n ? ", " : "", STR_ARG(n->key),
                 STR_ARG(n->value));
}

static void apply(const struct bench *b, const char *json)
{
    check_ok(kubeapi_apply(bench_local(b), str_c(json), NULL));
}

/* What Kubernetes keeps for a Service of all managers. */
static void publish_managers(const struct bench *b)
{
    apply(b,
          "{\"apiVersion\":\"v1\",\"kind\":\"Endpoints\",\"metadata\":{\"name\":\"" SERVER_SERVICE
          "\",\"namespace\":\"" NAMESPACE_SYSTEM "\"},\"subsets\":[{\"addresses\":[{\"ip\":"
          "\"192.0.2.10\"},{\"ip\":\"192.0.2.11\"}],\"ports\":[{\"port\":443}]}]}");
}

/* With PADDOCK_TEST_LOG set, to see what went on. */
static void on_log(void *owner, const struct sim_log_line *l)
{
    (void)owner;
    print_message("%10.3f " STR_FMT " %s " STR_FMT ": " STR_FMT "\n", (double)l->at / 1e9,
                  STR_ARG(l->process ? sim_process_name(l->process) : str_empty),
                  log_level_name(l->level), STR_ARG(l->component), STR_ARG(l->message));
}

struct bench *bench_new(uint64_t seed, const struct policies *policies, size_t managers)
{
    static const struct str admins[] = {STR_INIT("system:masters")};
    static const struct str nodes[] = {STR_INIT("system:nodes")};
    static const struct str accounts[] = {STR_INIT("system:serviceaccounts")};
    struct bench *b = MEM_NEW(struct bench);
    bool talk = getenv("PADDOCK_TEST_LOG") != NULL;
    struct sim_options so = {.seed = seed,
                             .wall_start = INT64_C(1767225600) * S,
                             .log_level = talk ? LOG_DEBUG : LOG_ERROR};
    b->sim = sim_new(&so);
    if (talk)
        sim_on_log(b->sim, on_log, b);
    b->policies = *policies;
    sim_on_note(b->sim, on_note, b);
    struct sim_resolver_options resolver = {.name = STR("default")};
    (void)sim_resolver_new(b->sim, &resolver);
    struct str address = STR("192.0.2.100");
    sim_dns_set(b->sim, STR(BENCH_MANAGER_NAME), 30, &address, 1);
    b->local_ca = authority_new(b->sim, STR("local"));
    b->manager_ca = authority_new(b->sim, STR("manager"));
    b->identity = authority_issue(b->manager_ca, STR(BENCH_MANAGER_NAME), str_empty);
    struct kubeapi_token tokens[] = {
        {.token = STR(BENCH_TOKEN), .user = STR("manager"), .groups = admins, .groups_n = 1},
        {.token = STR(BENCH_GUEST), .user = STR("guest")},
        {.token = STR(BENCH_NODE), .user = STR("system:node:n1"), .groups = nodes, .groups_n = 1},
        {.token = STR(BENCH_ACCOUNT),
         .user = STR("system:serviceaccount:default:ci"),
         .groups = accounts,
         .groups_n = 1}};
    struct apihost_options api = {.sim = b->sim,
                                  .name = STR("local"),
                                  .address = STR("192.0.2.1"),
                                  .zone = STR(BENCH_SITE),
                                  .authority = b->local_ca,
                                  .tokens = tokens,
                                  .tokens_n = ARRAY_LEN(tokens)};
    b->local = apihost_new(&api);
    for (size_t i = 0; i < managers; i++)
        add_manager(b, i);
    publish_managers(b);
    return b;
}

void bench_free(struct bench *b)
{
    sim_free(b->sim);
    for (size_t i = 0; i < b->clusters_n; i++)
        sim_cluster_free(b->clusters[i]);
    apihost_free(b->local);
    identity_free(&b->identity);
    authority_free(b->local_ca);
    authority_free(b->manager_ca);
    buf_free(&b->states);
    mem_free(b);
}

void bench_run(struct bench *b, world_time duration)
{
    sim_run_until(b->sim, sim_now(b->sim) + duration);
}

struct kube_object *bench_cluster(const struct bench *b, const char *id)
{
    return kubeapi_get(bench_local(b), STR(TABLE_CLUSTERS), str_empty, str_c(id));
}

struct kube_object *bench_token(const struct bench *b, const char *id, const char *name)
{
    return kubeapi_get(bench_local(b), STR(TABLE_TOKENS), str_c(id), str_c(name));
}

static bool reached(void *owner)
{
    struct bench *b = owner;
    const struct kube_object *o = bench_cluster(b, b->id);
    return o ? str_eq_c(cluster_state(o), b->state) : str_eq_c(str_c(b->state), "gone");
}

/* "gone": the object is. */
void bench_run_until(struct bench *b, const char *id, const char *state, world_time limit)
{
    b->id = id;
    b->state = state;
    if (sim_run_while_not(b->sim, reached, b, sim_now(b->sim) + limit))
        return;
    const struct kube_object *o = bench_cluster(b, id);
    print_error("%s is not %s after %lld s: " STR_FMT "\n", id, state, (long long)(limit / S),
                STR_ARG(o ? o->json : str_empty));
    fail();
}

static bool leads(void *owner)
{
    return bench_leader(owner, NULL) != NULL;
}

void bench_run_until_led(struct bench *b)
{
    assert_true(sim_run_while_not(b->sim, leads, b, sim_now(b->sim) + 120 * S));
}

static bool has_manifest(void *owner)
{
    struct bench *b = owner;
    const struct kube_object *o = bench_token(b, b->id, CLUSTER_TOKEN_DEFAULT);
    return o && kube_object_string(o, "status.manifestUrl").n > 0;
}

/* A Cluster c-<n> and a fake cluster that its administrator imports as soon as there is a manifest. */
void bench_import(struct bench *b, uint32_t nodes, uint32_t agents)
{
    uint32_t i = (uint32_t)b->clusters_n++;
    struct buf json = {0};
    buf_addf(&json,
             "{\"apiVersion\":\"" MANAGEMENT_GROUP
             "/v3\",\"kind\":\"Cluster\",\"metadata\":{\"name\":\"%s\"},\"spec\":{}}",
             ids[i]);
    apply(b, buf_c(&json));
    struct sim_cluster_options o = {.sim = b->sim,
                                    .name = str_c(ids[i]),
                                    .zone = str_c(ids[i]),
                                    .index = i,
                                    .nodes = nodes,
                                    .agent_replicas = agents,
                                    .policies = &b->policies};
    b->clusters[i] = sim_cluster_new(&o);
    b->id = ids[i];
    assert_true(sim_run_while_not(b->sim, has_manifest, b, sim_now(b->sim) + 120 * S));
    const struct kube_object *token = bench_token(b, ids[i], CLUSTER_TOKEN_DEFAULT);
    sim_cluster_import(b->clusters[i], kube_object_string(token, "status.manifestUrl"));
    buf_free(&json);
}

struct bench *bench_with(uint64_t seed, const struct policies *policies, size_t managers,
                         size_t clusters)
{
    struct bench *b = bench_new(seed, policies, managers);
    bench_run_until_led(b);
    for (size_t i = 0; i < clusters; i++)
        bench_import(b, 1, 1);
    for (size_t i = 0; i < clusters; i++)
        bench_run_until(b, ids[i], "active", 120 * S);
    bench_run(b, 60 * S);
    return b;
}

struct kubeapi *bench_local(const struct bench *b)
{
    return apihost_api(b->local);
}

struct kubeapi *bench_downstream(const struct bench *b, size_t i)
{
    return apihost_api(sim_cluster_api(b->clusters[i]));
}

struct sim_fault *bench_cut_off(struct bench *b, const char *zone, const char *name)
{
    struct sim_fault_options o = {.name = str_c(name),
                                  .kind = SIM_FAULT_NET_PARTITION,
                                  .at = sim_now(b->sim),
                                  .from = {.zone = str_c(zone)},
                                  .to = {.zone = STR(BENCH_SITE)}};
    return sim_fault_add(b->sim, &o);
}

void bench_patch_cluster(struct bench *b, const char *id, const char *merge_patch)
{
    check_ok(kubeapi_patch(bench_local(b), STR(TABLE_CLUSTERS), str_empty, str_c(id),
                           str_c(merge_patch)));
}

void bench_delete_cluster(struct bench *b, const char *id)
{
    check_ok(kubeapi_delete(bench_local(b), STR(TABLE_CLUSTERS), str_empty, str_c(id)));
}

size_t bench_count(struct kubeapi *api, const char *resource, const char *ns)
{
    struct store_cursor c = store_seek(kubeapi_table(api, str_c(resource)), str_c(ns), str_empty);
    size_t n = 0;
    for (const struct kube_object *o; (o = store_next(&c)) && str_eq_c(o->ns, ns);)
        n++;
    return n;
}
