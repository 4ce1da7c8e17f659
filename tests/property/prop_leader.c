/* Goal: under any mix of partitions, slow and failing API, lost acknowledgements, pauses up to 120 s, crashes and clocks gone
 * astray there are never two candidates whose leadership is valid, no candidate starts while another one that runs still
 * works, no write of one who is not valid leaves it; and once all is well somebody leads.
 * Method: three candidates in a lab, random faults, the invariants looked at after each event. */
#include "tests/property/support/seed.h"
#include "tests/unit/support/candidates.h"

#define STEPS 60

struct trial {
    struct candidates all;
    struct rng *r;
    uint64_t rules[4];
    size_t rules_n;
    struct sim_fault *cuts[4];
    size_t cuts_n;
    world_time wake[CANDIDATES], start[CANDIDATES]; /* 0: not paused, not down */
};

static void look(void *owner)
{
    struct trial *t = owner;
    struct candidate *valid = candidates_valid(&t->all), *working = NULL;
    for (size_t i = 0; i < t->all.n; i++) {
        struct candidate *c = &t->all.c[i];
        if (!c->working || sim_process_is_paused(c->process) || !candidate_leader(c))
            continue;
        if (working && working->started_at != sim_now(t->all.l->sim))
            continue;
        if (working)
            fail_msg("%s starts while %s still works", c->name, working->name);
        working = c;
    }
    if (valid)
        assert_true(valid->working);
}

static void inject(struct trial *t)
{
    static const struct kubeapi_fault rules[] = {
        {.kind = KUBEAPI_FAULT_LATENCY, .delay = S, .jitter = 20 * S},
        {.kind = KUBEAPI_FAULT_LATENCY, .delay = 40 * S},
        {.kind = KUBEAPI_FAULT_STATUS, .status = 500, .per_million = 600000},
        {.kind = KUBEAPI_FAULT_STATUS, .status = 503},
        {.kind = KUBEAPI_FAULT_LOST_ACK, .per_million = 500000},
        {.kind = KUBEAPI_FAULT_FENCE},
    };
    size_t i = draw(t->r, CANDIDATES);
    struct candidate *c = &t->all.c[i];
    world_time now = sim_now(t->all.l->sim);
    char zone[16];
    (void)snprintf(zone, sizeof zone, "cand/%zu", i);
    switch (draw(t->r, 8)) {
    case 0:
    case 1:
        if (t->rules_n < ARRAY_LEN(t->rules))
            t->rules[t->rules_n++] =
                kubeapi_fault_add(lab_api(t->all.l), &rules[draw(t->r, ARRAY_LEN(rules))]);
        break;
    case 2:
    case 3:
        if (t->cuts_n < ARRAY_LEN(t->cuts))
            t->cuts[t->cuts_n++] = lab_partition(t->all.l, zone, "site/api");
        break;
    case 4:
    case 5:
        if (candidate_leader(c) && !t->wake[i]) {
            sim_process_pause(c->process);
            t->wake[i] = now + (world_time)draw(t->r, 120000) * MS;
        }
        break;
    case 6:
        sim_process_set_clock(c->process, ((world_time)draw(t->r, 20000) - 10000) * S,
                              (int32_t)draw(t->r, 2000) - 1000);
        break;
    default:
        if (!t->start[i] && !t->wake[i]) {
            sim_process_kill(c->process, SIM_EXIT_KILLED);
            t->start[i] = now + (world_time)draw(t->r, 60000) * MS;
        }
    }
}

static void wake(struct trial *t, bool everybody)
{
    world_time now = sim_now(t->all.l->sim);
    for (size_t i = 0; i < CANDIDATES; i++) {
        if (t->wake[i] && (everybody || now >= t->wake[i])) {
            sim_process_resume(t->all.c[i].process);
            t->wake[i] = 0;
        }
        if (t->start[i] && (everybody || now >= t->start[i])) {
            check_ok(sim_process_start(t->all.c[i].process));
            t->start[i] = 0;
        }
    }
}

static void heal(struct trial *t)
{
    while (t->rules_n)
        kubeapi_fault_remove(lab_api(t->all.l), t->rules[--t->rules_n]);
    while (t->cuts_n)
        sim_fault_end(t->cuts[--t->cuts_n]);
}

static void try_seed(struct rng *r)
{
    struct trial t = {.r = r};
    candidates_open(&t.all, rng_u64(r), CANDIDATES);
    sim_on_event(t.all.l->sim, look, &t);
    for (int i = 0; i < STEPS; i++) {
        if (draw(r, 2) == 0)
            inject(&t);
        if (draw(r, 4) == 0)
            heal(&t);
        for (size_t n = draw(r, 20); n > 0; n--) {
            lab_run(t.all.l, S);
            wake(&t, false);
        }
    }
    heal(&t);
    wake(&t, true);
    lab_run(t.all.l, 200 * S); /* connections that were cut for long come back late */
    assert_non_null(candidates_valid(&t.all));
    check_str(candidates_worker(&t.all), candidates_valid(&t.all)->name);
    candidates_close(&t.all);
}

static void test_one_leader(void **state)
{
    (void)state;
    each_seed(20, try_seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_one_leader)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
