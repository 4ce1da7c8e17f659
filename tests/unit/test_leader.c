/* Goal: one candidate leads; it stops before anybody else can start, whatever stalls, pauses or cuts it off; the record is
 * the original's; a lease ends by itself after 45 s and at once when it is given up.
 * Method: candidates as processes of a lab, with work that only a gate holds back. */
#include "tests/unit/support/candidates.h"

static const char *field(struct arena *a, const cJSON *tree, const char *name)
{
    return arena_c(a, json_string_at(tree, name));
}

static int64_t seconds(struct arena *a, const cJSON *tree, const char *name)
{
    int64_t at = 0;
    if (!rfc3339_parse(str_c(field(a, tree, name)), &at))
        fail_msg("%s is no time: %s", name, field(a, tree, name));
    return (at - LAB_START) / S;
}

static void test_record(void **state)
{
    (void)state;
    struct candidates all;
    struct arena a = {0};
    candidates_open(&all, 1, 1);
    (void)candidates_await(&all, 5 * S);
    lab_run(all.l, 60 * S);
    struct str text = candidates_record(&all, &a);
    cJSON *r = NULL;
    check_ok(json_parse(&a, text, &r));
    static const char *const names[] = {"holderIdentity", "leaseDurationSeconds", "acquireTime",
                                        "renewTime", "leaderTransitions"};
    const cJSON *it = r->child;
    for (size_t i = 0; i < ARRAY_LEN(names); i++, it = it->next) {
        assert_non_null(it);
        assert_string_equal(it->string, names[i]);
    }
    assert_null(it);
    assert_string_equal(field(&a, r, "holderIdentity"), "cand-0");
    assert_int_equal(json_int_at(r, "leaseDurationSeconds", 0), 45);
    assert_int_equal(json_int_at(r, "leaderTransitions", -1), 0);
    assert_in_range(seconds(&a, r, "acquireTime"), 2, 5);
    assert_in_range(seconds(&a, r, "renewTime"), 58, 63);
    check_str(leader_holder(candidate_leader(&all.c[0])), "cand-0");
    arena_free(&a);
    candidates_close(&all);
}

/* A restarted leader goes on with its own lease: the time of acquisition and the transitions stay. */
static void test_restart_keeps_the_lease(void **state)
{
    (void)state;
    struct candidates all;
    struct arena a = {0};
    cJSON *before = NULL, *after = NULL;
    candidates_open(&all, 1, 1);
    (void)candidates_await(&all, 5 * S);
    check_ok(json_parse(&a, candidates_record(&all, &a), &before));
    lab_run(all.l, 10 * S);
    sim_process_kill(all.c[0].process, SIM_EXIT_KILLED);
    lab_run(all.l, S);
    check_ok(sim_process_start(all.c[0].process));
    (void)candidates_await(&all, 5 * S);
    check_ok(json_parse(&a, candidates_record(&all, &a), &after));
    assert_string_equal(field(&a, after, "acquireTime"), field(&a, before, "acquireTime"));
    assert_string_not_equal(field(&a, after, "renewTime"), field(&a, before, "renewTime"));
    assert_int_equal(json_int_at(after, "leaderTransitions", -1), 0);
    arena_free(&a);
    candidates_close(&all);
}

static void test_takeover_after_a_kill(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct candidates all;
        candidates_open(&all, seed, 3);
        struct candidate *old = candidates_await(&all, 5 * S);
        lab_run(all.l, 20 * S);
        assert_int_equal(all.starts, 1);
        sim_process_kill(old->process, SIM_EXIT_KILLED);
        world_time from = sim_now(all.l->sim);
        struct candidate *new = candidates_await(&all, 60 * S);
        assert_ptr_not_equal(new, old);
        /* 45 s after the last renewal, which was up to a retry before; seen and tried at most two looks later */
        assert_in_range(sim_now(all.l->sim) - from, LEADER_LEASE - LEADER_RETRY,
                        LEADER_LEASE + 3 * LEADER_RETRY);
        struct arena a = {0};
        cJSON *r = NULL;
        check_ok(json_parse(&a, candidates_record(&all, &a), &r));
        assert_int_equal(json_int_at(r, "leaderTransitions", -1), 1);
        arena_free(&a);
        lab_run(all.l, 30 * S);
        assert_int_equal(all.starts, 2);
        candidates_close(&all);
    }
}

/* fixtures/incidents.yaml#K19: the API does not answer for 35 s. */
static void test_stalled_api(void **state)
{
    (void)state;
    struct candidates all;
    candidates_open(&all, 1, 3);
    struct candidate *old = candidates_await(&all, 5 * S);
    lab_run(all.l, 20 * S);
    struct kubeapi_fault stall = {.kind = KUBEAPI_FAULT_LATENCY, .delay = 3600 * S};
    uint64_t id = kubeapi_fault_add(lab_api(all.l), &stall);
    lab_run(all.l, 27 * S);
    assert_true(old->working);
    lab_run(all.l, 4 * S); /* 31 s: whatever the last renewal was, its 30 s are over */
    assert_false(old->working);
    assert_null(candidates_valid(&all));
    lab_run(all.l, 4 * S);
    kubeapi_fault_remove(lab_api(all.l), id);
    assert_null(candidates_valid(&all));
    (void)candidates_await(&all, 20 * S);
    assert_int_equal(all.starts, 2);
    candidates_close(&all);
}

/* The leader alone is cut off: it stops 30 s after its last renewal; nobody starts before 45 s. */
static void test_partition(void **state)
{
    (void)state;
    struct candidates all;
    candidates_open(&all, 2, 3);
    struct candidate *old = candidates_await(&all, 5 * S);
    lab_run(all.l, 20 * S);
    char zone[16];
    (void)snprintf(zone, sizeof zone, "cand/%u", old->index);
    struct sim_fault *cut = lab_partition(all.l, zone, "site/api");
    world_time from = sim_now(all.l->sim);
    lab_run(all.l, 31 * S);
    assert_in_range(old->stopped_at - from, 27 * S, LEADER_RENEW);
    struct candidate *new = candidates_await(&all, 30 * S);
    assert_in_range(new->started_at - old->stopped_at, 13 * S, 25 * S);
    check_str(leader_holder(candidate_leader(old)), old->name); /* what it saw last */
    sim_fault_end(cut);
    lab_run(all.l, 150 * S);
    check_str(leader_holder(candidate_leader(old)), new->name);
    assert_int_equal(all.starts, 2);
    candidates_close(&all);
}

/* The API is slow, then the leader is cut off at some moment of its ten-second round: its time runs from when it asked for
 * what it got, not from the answer. */
static void test_time_runs_from_asking(void **state)
{
    (void)state;
    for (int moment = 0; moment < 10; moment++) {
        struct candidates all;
        struct arena a = {0};
        candidates_open(&all, 1, 1);
        struct candidate *c = candidates_await(&all, 5 * S);
        struct kubeapi_fault slow = {.kind = KUBEAPI_FAULT_LATENCY, .delay = 8 * S};
        (void)kubeapi_fault_add(lab_api(all.l), &slow);
        lab_run(all.l, (60 + moment) * S);
        assert_true(c->working);
        (void)lab_partition(all.l, "cand/0", "site/api");
        lab_run(all.l, 60 * S);
        assert_false(c->working);
        cJSON *r = NULL;
        check_ok(json_parse(&a, candidates_record(&all, &a), &r));
        assert_true(c->stopped_at <= (seconds(&a, r, "renewTime") + 1) * S + LEADER_RENEW);
        arena_free(&a);
        candidates_close(&all);
    }
}

/* fixtures/incidents.yaml#K50: a pause past the lease. After it nothing of the old leader's is written any more. */
static void test_pause(void **state)
{
    (void)state;
    struct candidates all;
    candidates_open(&all, 1, 3);
    struct candidate *old = candidates_await(&all, 5 * S);
    lab_run(all.l, 10 * S);
    check_str(candidates_worker(&all), old->name);
    sim_process_pause(old->process);
    struct candidate *new = NULL;
    lab_run(all.l, 70 * S);
    new = candidates_valid(&all);
    assert_non_null(new);
    assert_ptr_not_equal(new, old);
    assert_true(old->working); /* its timer could not run: this is what leader_valid is for */
    assert_false(candidate_valid(old));
    sim_process_resume(old->process);
    for (int i = 0; i < 200; i++) {
        lab_run(all.l, 20 * MS);
        check_str(candidates_worker(&all), new->name);
        assert_ptr_equal(candidates_valid(&all), new);
    }
    assert_false(old->working);
    candidates_close(&all);
}

/* Paused while the API is answering: what it said then makes no leader now. */
static void test_answers_from_the_past(void **state)
{
    (void)state;
    for (int moment = 0; moment < 14; moment++) {
        struct candidates all;
        candidates_open(&all, 1, 1);
        struct candidate *c = &all.c[0];
        struct kubeapi_fault slow = {.kind = KUBEAPI_FAULT_LATENCY, .delay = 5 * S};
        uint64_t id = kubeapi_fault_add(lab_api(all.l), &slow);
        lab_run(all.l, moment * S);
        sim_process_pause(c->process);
        lab_run(all.l, 50 * S);
        uint32_t starts = c->starts;
        sim_process_resume(c->process);
        lab_run(all.l, 10 * MS);
        assert_false(c->working);
        assert_int_equal(c->starts, starts);
        kubeapi_fault_remove(lab_api(all.l), id);
        assert_ptr_equal(candidates_await(&all, 20 * S), c);
        candidates_close(&all);
    }
}

static void test_clocks_decide_nothing(void **state)
{
    (void)state;
    struct candidates all;
    candidates_open(&all, 1, 3);
    struct candidate *old = candidates_await(&all, 5 * S);
    for (size_t i = 0; i < 3; i++)
        sim_process_set_clock(all.c[i].process, (world_time)(i + 1) * 3600 * S * (i % 2 ? -1 : 1),
                              200);
    lab_run(all.l, 300 * S);
    assert_ptr_equal(candidates_valid(&all), old);
    assert_int_equal(all.starts, 1);
    candidates_close(&all);
}

/* The ConfigMap is deleted under a leader: the record that everybody has seen still counts. */
static void test_deleted_record(void **state)
{
    (void)state;
    struct candidates all;
    candidates_open(&all, 1, 3);
    struct candidate *old = candidates_await(&all, 5 * S);
    lab_run(all.l, 20 * S);
    for (int i = 0; i < 5; i++) {
        lab_delete(all.l, "configmaps", "kube-system", "cattle-controllers");
        for (int n = 0; n < 130; n++) {
            lab_run(all.l, 50 * MS);
            (void)candidates_valid(&all); /* never two */
        }
        assert_ptr_equal(candidates_valid(&all), old);
    }
    assert_int_equal(all.starts, 1);
    candidates_close(&all);
}

/* Nonsense in the record: nobody can say that the holder is gone, so it is waited for. */
static void test_garbled_record(void **state)
{
    (void)state;
    static const char *const texts[] = {"nonsense", "{}", "[]", "{\"holderIdentity\":7}"};
    for (size_t t = 0; t < ARRAY_LEN(texts); t++) {
        struct candidates all;
        candidates_open(&all, 1, 3);
        struct candidate *old = candidates_await(&all, 5 * S);
        lab_run(all.l, 20 * S);
        struct buf text = {0};
        json_write_string(&text, str_c(texts[t]));
        lab_apply(all.l,
                  "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"annotations\":{"
                  "\"control-plane.alpha.kubernetes.io/leader\":%s},\"name\":"
                  "\"cattle-controllers\",\"namespace\":\"kube-system\"}}",
                  buf_c(&text));
        buf_free(&text);
        for (int n = 0; n < 200; n++) {
            lab_run(all.l, 50 * MS);
            (void)candidates_valid(&all);
        }
        assert_ptr_equal(candidates_valid(&all), old);
        candidates_close(&all);
    }
}

static void on_nothing(void *owner)
{
    (void)owner;
}
static void on_observed(void *owner, struct str holder)
{
    struct buf *seen = owner;
    buf_addf(seen, STR_FMT ";", STR_ARG(holder));
}
static const struct leader_handler quiet = {on_nothing, on_nothing, on_observed};

static void test_release(void **state)
{
    (void)state;
    struct candidates all;
    struct buf seen = {0};
    candidates_open(&all, 1, 1);
    sim_process_kill(all.c[0].process, SIM_EXIT_KILLED);
    lab_run(all.l, S);
    struct leader *mine = leader_new(all.l->kube, STR("mine"), NULL, &quiet, &seen);
    lab_run(all.l, 5 * S);
    assert_true(leader_valid(mine));
    check_ok(sim_process_start(all.c[0].process));
    lab_run(all.l, 60 * S);
    assert_int_equal(all.c[0].starts, 0);
    leader_free(mine); /* its client lives on and carries the release out */
    struct candidate *next = candidates_await(&all, 5 * S);
    assert_ptr_equal(next, &all.c[0]);
    check_str(buf_str(&seen), "mine;");
    buf_free(&seen);
    candidates_close(&all);
}

static void check_lease(struct lab *l, const char *holder, int seconds, int transitions)
{
    const struct kube_object *o =
        lab_get(l, "leases.coordination.k8s.io", LEADER_NAMESPACE, LEADER_NAME);
    struct arena a = {0};
    assert_non_null(o);
    const cJSON *spec = json_get(kube_object_tree(o, &a), "spec");
    check_str(json_string_at(spec, "holderIdentity"), holder);
    assert_int_equal(json_int_at(spec, "leaseDurationSeconds", -1), seconds);
    assert_int_equal(json_int_at(spec, "leaseTransitions", -1), transitions);
    if (*holder)
        assert_int_equal(json_string_at(spec, "renewTime").n,
                         strlen("2026-01-01T00:00:00.000000Z"));
    arena_free(&a);
}

/* On a Lease as client libraries write it, shorter than usual: the longer one of both durations is waited for. */
static void test_lease_object(void **state)
{
    static const struct leader_options options = {.lock = LEADER_ON_LEASE, .lease = 4 * S};
    (void)state;
    struct lab *l = lab_new(1);
    struct buf seen = {0};
    lab_apply(l, "{\"apiVersion\":\"coordination.k8s.io/v1\",\"kind\":\"Lease\",\"metadata\":{"
                 "\"name\":\"cattle-controllers\",\"namespace\":\"kube-system\"},\"spec\":{"
                 "\"holderIdentity\":\"she\",\"leaseDurationSeconds\":10,\"leaseTransitions\":3,"
                 "\"acquireTime\":\"2026-01-01T00:00:00.000000Z\","
                 "\"renewTime\":\"2026-01-01T00:00:00.000000Z\"}}");
    struct leader *mine = leader_new(l->kube, STR("mine"), &options, &quiet, &seen);
    lab_run(l, 9 * S);
    assert_false(leader_valid(mine));
    lab_run(l, 3 * S);
    assert_true(leader_valid(mine));
    check_lease(l, "mine", 4, 4);
    lab_run(l, 20 * S);
    check_lease(l, "mine", 4, 4);
    struct leader *hers = leader_new(l->kube, STR("hers"), &options, &quiet, &seen);
    lab_run(l, 20 * S);
    assert_true(leader_valid(mine) && !leader_valid(hers));
    leader_free(mine);
    lab_run(l, 2 * S); /* it was given back: nobody waits for its end */
    assert_true(leader_valid(hers));
    leader_free(hers);
    lab_run(l, S);
    check_lease(l, "", 1, 5);
    check_str(buf_str(&seen), "she;mine;mine;;hers;");
    buf_free(&seen);
    lab_free(l);
}

/* Who does not hold the lease has nothing to release, however fresh what it has just seen of it is. */
static void test_followers_release_nothing(void **state)
{
    (void)state;
    struct candidates all;
    struct buf seen = {0};
    candidates_open(&all, 1, 1);
    (void)candidates_await(&all, 5 * S);
    for (int i = 0; i < 10; i++) {
        struct arena a = {0};
        struct leader *mine = leader_new(all.l->kube, STR("mine"), NULL, &quiet, &seen);
        lab_run(all.l, S); /* it has looked */
        assert_true(leader_holder(mine).n > 0);
        leader_free(mine);
        lab_run(all.l, 50 * MS);
        assert_true(str_find(candidates_record(&all, &a), STR("\"holderIdentity\":\"\"")) < 0);
        arena_free(&a);
    }
    assert_int_equal(all.c[0].starts, 1);
    buf_free(&seen);
    candidates_close(&all);
}

/* Taken by hand, e.g. by a restore: the leader stops as soon as it sees it. */
static void test_taken_away(void **state)
{
    (void)state;
    struct candidates all;
    candidates_open(&all, 1, 1);
    (void)candidates_await(&all, 5 * S);
    lab_apply(all.l,
              "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"annotations\":{"
              "\"control-plane.alpha.kubernetes.io/leader\":\"{\\\"holderIdentity\\\":\\\"she\\\","
              "\\\"leaseDurationSeconds\\\":45,\\\"leaderTransitions\\\":3}\"},\"name\":"
              "\"cattle-controllers\",\"namespace\":\"kube-system\"}}");
    lab_run(all.l, 3 * S);
    assert_false(all.c[0].working);
    (void)candidates_await(&all, 60 * S);
    struct arena a = {0};
    cJSON *r = NULL;
    check_ok(json_parse(&a, candidates_record(&all, &a), &r));
    assert_int_equal(json_int_at(r, "leaderTransitions", -1), 4);
    arena_free(&a);
    candidates_close(&all);
}

/* The first thing that a candidate sees is a record that nobody can read: somebody may hold it, so it is waited for. */
static void test_garbled_when_it_came(void **state)
{
    (void)state;
    struct lab *l = lab_new(1);
    struct buf seen = {0};
    lab_apply(l, "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"annotations\":{"
                 "\"control-plane.alpha.kubernetes.io/leader\":\"nonsense\"},\"name\":"
                 "\"cattle-controllers\",\"namespace\":\"kube-system\"}}");
    struct leader *mine = leader_new(l->kube, STR("mine"), NULL, &quiet, &seen);
    lab_run(l, LEADER_LEASE - S);
    assert_false(leader_valid(mine));
    lab_run(l, S + 3 * LEADER_RETRY);
    assert_true(leader_valid(mine));
    check_str(buf_str(&seen), "mine;");
    leader_free(mine);
    buf_free(&seen);
    lab_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_record),
        cmocka_unit_test(test_restart_keeps_the_lease),
        cmocka_unit_test(test_takeover_after_a_kill),
        cmocka_unit_test(test_stalled_api),
        cmocka_unit_test(test_partition),
        cmocka_unit_test(test_time_runs_from_asking),
        cmocka_unit_test(test_pause),
        cmocka_unit_test(test_answers_from_the_past),
        cmocka_unit_test(test_clocks_decide_nothing),
        cmocka_unit_test(test_deleted_record),
        cmocka_unit_test(test_garbled_record),
        cmocka_unit_test(test_garbled_when_it_came),
        cmocka_unit_test(test_release),
        cmocka_unit_test(test_lease_object),
        cmocka_unit_test(test_followers_release_nothing),
        cmocka_unit_test(test_taken_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
