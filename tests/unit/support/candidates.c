#include "tests/unit/support/candidates.h"

#define WORK_EVERY (500 * MS)

struct instance {
    struct candidate *c;
    struct world *world;
    struct kube_client *client, *gated;
    struct leader *leader;
    struct world_timer *work;
};

static bool gate(void *owner)
{
    struct instance *in = owner;
    return in->leader && leader_valid(in->leader);
}

static void on_work_done(void *owner, const struct kube_answer *answer)
{
    (void)owner; /* the store tells who wrote */
    (void)answer;
}

static void on_work(void *owner)
{
    static const struct kube_target target = {.gvr = KUBE_GVR("", "v1", "configmaps"),
                                              .ns = STR_INIT("default"),
                                              .name = STR_INIT("work")};
    struct instance *in = owner;
    struct buf body = {0};
    buf_addf(&body, "{\"data\":{\"by\":\"%s\",\"at\":\"%lld\"}}", in->c->name,
             (long long)world_now(in->world));
    kube_call_start(in->gated, KUBE_PATCH_MERGE, &target, buf_str(&body), 2 * S, on_work_done, in);
    buf_free(&body);
    world_timer_start(in->work, WORK_EVERY);
}

static void on_started(void *owner)
{
    struct instance *in = owner;
    struct candidate *c = in->c;
    assert_false(c->working);
    c->working = true;
    c->starts++;
    c->all->starts++;
    c->started_at = c->all->started_at = world_now(in->world);
    world_timer_start(in->work, 0);
}

static void on_stopped(void *owner)
{
    struct instance *in = owner;
    assert_true(in->c->working);
    in->c->working = false;
    in->c->stops++;
    in->c->stopped_at = world_now(in->world);
    /* The timer goes on: the gate alone has to hold what a sloppy controller would still write. */
}

static const struct leader_handler handler = {.started = on_started, .stopped = on_stopped};

static struct err *start(struct world *w, const void *config, void **out)
{
    struct candidate *c = *(struct candidate *const *)config;
    struct kube_context context = lab_context(c->all->l);
    struct instance *in = MEM_NEW(struct instance);
    in->c = c;
    in->world = w;
    in->client = kube_client_new(w, &context);
    in->gated = kube_client_new(w, &context);
    kube_client_set_gate(in->gated, gate, in);
    in->work = world_timer_new(w, on_work, in);
    in->leader = leader_new(in->client, str_c(c->name), NULL, &handler, in);
    *out = in;
    return NULL;
}

static void destroy(void *instance)
{
    struct instance *in = instance;
    struct candidate *c = in->c;
    leader_free(in->leader);
    world_timer_free(in->work);
    kube_client_free(in->gated);
    kube_client_free(in->client);
    mem_free(in);
    assert_false(c->working);
}

static const struct sim_program program = {.start = start, .destroy = destroy};

void candidates_open(struct candidates *all, uint64_t seed, size_t n)
{
    *all = (struct candidates){.l = lab_new(seed), .n = n};
    lab_apply(all->l, "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":"
                      "\"work\",\"namespace\":\"default\"}}");
    for (uint32_t i = 0; i < n; i++) {
        struct candidate *c = &all->c[i];
        char address[32], zone[16];
        (void)snprintf(c->name, sizeof c->name, "cand-%u", i);
        (void)snprintf(address, sizeof address, "10.0.1.%u", i);
        (void)snprintf(zone, sizeof zone, "cand/%u", i);
        c->all = all;
        c->index = i;
        c->config = c;
        c->process = lab_process(all->l, c->name, address, zone, &program, &c->config);
    }
}

void candidates_close(struct candidates *all)
{
    lab_free(all->l);
}

struct leader *candidate_leader(const struct candidate *c)
{
    struct instance *in = sim_process_instance(c->process);
    return in ? in->leader : NULL;
}

bool candidate_valid(const struct candidate *c)
{
    struct leader *l = candidate_leader(c);
    return l && leader_valid(l);
}

struct candidate *candidates_valid(struct candidates *all)
{
    struct candidate *found = NULL;
    for (size_t i = 0; i < all->n; i++)
        if (candidate_valid(&all->c[i])) {
            if (found)
                fail_msg("%s and %s lead at the same time", found->name, all->c[i].name);
            found = &all->c[i];
        }
    return found;
}

static bool anybody(void *owner)
{
    return candidates_valid(owner) != NULL;
}

struct candidate *candidates_await(struct candidates *all, world_time limit)
{
    if (!lab_until(all->l, anybody, all, limit))
        fail_msg("nobody leads after %lld s", (long long)(limit / S));
    return candidates_valid(all);
}

struct str candidates_worker(struct candidates *all)
{
    return kube_object_string(lab_get(all->l, "configmaps", "default", "work"), "data.by");
}

struct str candidates_record(struct candidates *all, struct arena *a)
{
    struct kube_object *o = lab_get(all->l, "configmaps", "kube-system", "cattle-controllers");
    if (!o)
        return str_empty;
    const cJSON *annotations = json_path(kube_object_tree(o, a), "metadata.annotations");
    return json_string(json_get(annotations, "control-plane.alpha.kubernetes.io/leader"));
}
