/* Goal: nodes live as the stages of their cluster say; without any, as nodes always did.
 * Method: clusters by themselves; what nodes are is read from their API's objects over time. Forms that are wrong, in a
 * table. */
#include "engine/base/timefmt.h"
#include "sim/cluster/cluster_internal.h"
#include "tests/unit/support/check.h"

#define START (INT64_C(1767225600) * NS_PER_S)
#define S     NS_PER_S
#define MS    NS_PER_MS

struct scene {
    struct sim *sim;
    struct sim_cluster *c;
    struct policies policies;
};

static void open_scene(struct scene *s, uint64_t seed, uint32_t nodes, const char *stages)
{
    struct sim_options so = {.seed = seed, .wall_start = START, .log_level = LOG_ERROR};
    *s = (struct scene){.sim = sim_new(&so), .policies = policies_hardened()};
    struct sim_cluster_options o = {.sim = s->sim,
                                    .name = STR("edge"),
                                    .zone = STR("edge"),
                                    .nodes = nodes,
                                    .node_stages = str_c(stages),
                                    .agent_replicas = 1,
                                    .policies = &s->policies};
    s->c = sim_cluster_new(&o);
}

static void close_scene(struct scene *s)
{
    sim_free(s->sim);
    sim_cluster_free(s->c);
}

static void run_to(struct scene *s, world_time at)
{
    sim_run_until(s->sim, at);
}

static struct str node_json(const struct scene *s, uint32_t node)
{
    const struct kube_object *o = kubeapi_get(apihost_api(s->c->api), STR("nodes"), str_empty,
                                              sim_cluster_node_name(s->c, node));
    return o ? o->json : str_empty;
}

static bool says(const struct scene *s, uint32_t node, const char *text)
{
    return str_find(node_json(s, node), str_c(text)) >= 0;
}

/* When its Lease was renewed; -1: never. */
static world_time renewed(const struct scene *s, uint32_t node)
{
    int64_t at = START - 1;
    const struct kube_object *lease =
        kubeapi_get(apihost_api(s->c->api), STR("leases.coordination.k8s.io"),
                    STR("kube-node-lease"), sim_cluster_node_name(s->c, node));
    if (lease)
        assert_true(rfc3339_parse(kube_object_string(lease, "spec.renewTime"), &at));
    return at - START;
}

static void phase_is(const struct scene *s, uint32_t node, const char *phase)
{
    check_str(sim_cluster_node_phase(s->c, node), phase);
}

/* ---- the usual life ---- */

static void usual_life(void **state)
{
    (void)state;
    struct scene s;
    open_scene(&s, 1, 3, "");
    for (uint32_t i = 0; i < 3; i++)
        phase_is(&s, i, "ready");
    assert_null(s.c->nodes[0].clock);
    run_to(&s, 30 * S);
    world_time last = renewed(&s, 0);
    assert_in_range(last, 20 * S, 30 * S);
    assert_int_equal(last, renewed(&s, 2)); /* they beat together */
    run_to(&s, last + 10 * S - 1);
    assert_int_equal(renewed(&s, 0), last);
    run_to(&s, last + 10 * S + MS); /* Leases say microseconds */
    assert_int_equal(renewed(&s, 0), last + 10 * S);
    assert_true(says(&s, 0, "\"lastHeartbeatTime\":\"2026-01-01T00:00:00Z\""));
    run_to(&s, 300 * S);
    assert_false(says(&s, 0, "\"lastHeartbeatTime\":\"2026-01-01T00:00:00Z\""));
    sim_cluster_set_node(s.c, 1, false, false);
    phase_is(&s, 1, "lost");
    sim_cluster_set_node(s.c, 1, true, false);
    phase_is(&s, 1, "ready");
    close_scene(&s);
}

/* ---- one of its own ---- */

#define BOOT "stage boot\n when state=new\n delay 20s jitter 30s\n do unready NoNetwork\n"
#define NET                                                                                        \
    "stage net\n when state=unready\n delay 5s\n do ready\n"                                       \
    "stage lease\n when state!=lost\n every 10s jitter 0ns\n do lease\n"
#define BACK "stage back\n when state=lost\n delay 90s\n do ready\n"

static void nodes_boot(void **state)
{
    (void)state;
    struct scene s;
    open_scene(&s, 1, 8, BOOT NET BACK);
    run_to(&s, 20 * S - 1);
    for (uint32_t i = 0; i < 8; i++) {
        phase_is(&s, i, "new");
        assert_int_equal(node_json(&s, i).n, 0);
        assert_int_equal(renewed(&s, i), -1); /* who is not there has no Lease */
    }
    bool differ = false, was_unready = false;
    for (world_time at = 20 * S; at <= 55 * S; at += S) {
        run_to(&s, at);
        for (uint32_t i = 0; i < 8; i++) {
            differ |= s.c->nodes[i].phase != s.c->nodes[0].phase;
            if (s.c->nodes[i].phase != NODE_PHASE_UNREADY)
                continue;
            was_unready = true;
            assert_true(says(&s, i, "\"reason\":\"NoNetwork\",\"status\":\"False\""));
            assert_false(sim_cluster_node_ready(s.c, i));
        }
    }
    assert_true(differ && was_unready);
    for (uint32_t i = 0; i < 8; i++) {
        phase_is(&s, i, "ready");
        assert_true(says(&s, i, "\"reason\":\"KubeletReady\",\"status\":\"True\""));
    }
    close_scene(&s);
}

/* What is done to a machine stops its life; it goes on when that is over. */
static void machines_are_broken(void **state)
{
    (void)state;
    struct scene s;
    open_scene(&s, 2, 2, BOOT NET BACK);
    run_to(&s, 100 * S);
    sim_cluster_set_node(s.c, 0, false, false);
    run_to(&s, 400 * S);
    phase_is(&s, 0, "lost");
    assert_true(renewed(&s, 0) <= 100 * S);
    sim_cluster_set_node(s.c, 0, true, false);
    run_to(&s, 490 * S - 1);
    phase_is(&s, 0, "lost");
    run_to(&s, 490 * S);
    phase_is(&s, 0, "ready");
    sim_cluster_set_node(s.c, 0, true, false); /* it was not broken */
    phase_is(&s, 0, "ready");

    sim_cluster_replace_node(s.c, 1);
    phase_is(&s, 1, "new");
    assert_int_equal(node_json(&s, 1).n, 0);
    run_to(&s, 550 * S);
    phase_is(&s, 1, "ready");
    sim_cluster_set_node(s.c, 1, false, true);
    phase_is(&s, 1, "new");
    sim_cluster_set_nodes(s.c, 1); /* its timer goes with it */
    run_to(&s, 900 * S);
    assert_int_equal(sim_cluster_nodes(s.c), 1);
    close_scene(&s);
}

#define READY "stage ready\n when state=new\n delay 0s\n do ready\n"

/* A machine that is off renews nothing, whatever its stages say of every state. */
static void the_broken_do_not_beat(void **state)
{
    (void)state;
    struct scene s;
    open_scene(&s, 7, 1, READY "stage lease\n every 10s jitter 0ns\n do lease\n");
    run_to(&s, 100 * S);
    assert_in_range(renewed(&s, 0), 90 * S, 100 * S);
    sim_cluster_set_node(s.c, 0, false, false);
    run_to(&s, 200 * S);
    assert_true(renewed(&s, 0) <= 100 * S);
    sim_cluster_set_node(s.c, 0, true, false);
    run_to(&s, 220 * S);
    assert_true(renewed(&s, 0) > 200 * S);
    close_scene(&s);
}

static void conditions_come_and_go(void **state)
{
    (void)state;
    struct scene s;
    open_scene(&s, 3, 1,
               READY "stage short\n when state=ready condition!=Mem\n delay 60s\n do set Mem Low\n"
                     "stage fine\n when condition=Mem\n delay 30s\n do clear Mem\n"
                     "stage disk\n when condition=Mem\n delay 0s\n do set Disk\n"
                     "stage status\n when state=ready\n every 5s jitter 5s\n do status\n");
    assert_true(says(&s, 0, "\"reason\":\"NoMem\",\"status\":\"False\",\"type\":\"Mem\""));
    run_to(&s, 60 * S);
    assert_int_equal(sim_cluster_node_conditions(s.c, 0), 2);
    assert_true(says(&s, 0, "\"reason\":\"Low\",\"status\":\"True\",\"type\":\"Mem\""));
    assert_true(says(&s, 0, "\"reason\":\"Disk\",\"status\":\"True\",\"type\":\"Disk\""));
    run_to(&s, 90 * S);
    assert_int_equal(sim_cluster_node_conditions(s.c, 0), 1);
    assert_true(says(&s, 0, "\"reason\":\"NoMem\",\"status\":\"False\",\"type\":\"Mem\""));
    phase_is(&s, 0, "ready");
    run_to(&s, 140 * S); /* beats of its own */
    assert_true(says(&s, 0, "\"lastHeartbeatTime\":\"2026-01-01T00:02:"));
    sim_cluster_replace_node(s.c, 0);
    assert_int_equal(sim_cluster_node_conditions(s.c, 0), 0);
    close_scene(&s);
}

/* A share of the nodes; and two stages without a delay that lead to one another do not stop the time. */
static void shares_and_circles(void **state)
{
    (void)state;
    struct scene s;
    open_scene(&s, 4, 200,
               READY "stage hang\n when state=ready\n delay 1s\n share 250000\n do lost\n");
    run_to(&s, 10 * S);
    uint32_t lost = 0;
    for (uint32_t i = 0; i < 200; i++)
        lost += s.c->nodes[i].phase == NODE_PHASE_LOST;
    assert_in_range(lost, 30, 70);
    close_scene(&s);

    open_scene(&s, 5, 1,
               READY "stage a\n when state=ready\n delay 0s\n do unready X\n"
                     "stage b\n when state=unready\n delay 0s\n do ready\n");
    run_to(&s, 50 * MS);
    assert_int_equal(sim_now(s.sim), 50 * MS);
    close_scene(&s);
}

/* The API is away: what it was not told then, it is told with the next status. */
static void api_away(void **state)
{
    (void)state;
    struct scene s;
    open_scene(&s, 6, 1,
               "stage boot\n when state=new\n delay 30s\n do ready\n"
               "stage status\n when state=ready\n every 10s\n do status\n");
    run_to(&s, 30 * S - 1);
    sim_process_kill(apihost_process(s.c->api), 137);
    run_to(&s, 30 * S);
    assert_null(apihost_api(s.c->api));
    phase_is(&s, 0, "ready");
    run_to(&s, 33 * S);
    assert_non_null(apihost_api(s.c->api));
    run_to(&s, 45 * S);
    assert_true(says(&s, 0, "\"reason\":\"KubeletReady\",\"status\":\"True\""));
    close_scene(&s);
}

/* ---- forms ---- */

static const struct {
    const char *text, *said;
} refused[] = {
    {"when state=new", "line 1: the first line is \"stage NAME\": when state=new"},
    {"stage", "line 1: a stage needs a name: stage"},
    {"stage a\n what", "line 2: a line begins with stage, when, delay, every, share or do: what"},
    {"stage a\n when state", "line 2: a term is KEY=VALUE or KEY!=VALUE: when state"},
    {"stage a\n when state=well", "line 2: no such state: when state=well"},
    {"stage a\n when phase=x", "line 2: no such key: when phase=x"},
    {"stage a\n when condition=Ready",
     "line 2: a condition has a name, and is not Ready: when condition=Ready"},
    {"stage a\n delay soon", "line 2: delay and every need a duration such as 100ms: delay soon"},
    {"stage a\n every 0s", "line 2: delay and every need a duration such as 100ms: every 0s"},
    {"stage a\n delay 1s jitter", "line 2: jitter needs a duration such as 100ms: delay 1s jitter"},
    {"stage a\n share 2000000", "line 2: share is in millionths: share 2000000"},
    {"stage a\n do jump", "line 2: no such action: do jump"},
    {"stage a\n do unready", "line 2: the reason is wrong: do unready"},
    {"stage a\n do ready x", "line 2: the reason is wrong: do ready x"},
    {"stage a\n do set", "line 2: a condition has a name, and is not Ready: do set"},
    {"stage a\n do lease",
     "line 2: lease and status go with every, the others with delay: do lease"},
    {"stage a\n when condition=a condition=b condition=c condition=d condition=e condition=f "
     "condition=g condition=h condition=i",
     "line 2: too many conditions: when condition=a condition=b condition=c condition=d "
     "condition=e condition=f condition=g condition=h condition=i"},
    {"stage a # comment\n\n every 10s\n do lease\nstage b\n every 15s\n do status",
     "stage b: every is no multiple of the shortest one"},
};

static void forms(void **state)
{
    (void)state;
    struct node_life *life = NULL;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct err *err = node_life_parse(str_c(refused[i].text), &life);
        assert_non_null(err);
        check_str(str_c(err->message), refused[i].said);
        err_free(err);
    }
    struct buf many = {0};
    for (uint32_t i = 0; i <= NODE_STAGES_MAX; i++)
        buf_addf(&many, "stage s%u\n", i);
    struct err *err = node_life_parse(buf_str(&many), &life);
    assert_non_null(err);
    check_str(str_c(err->message), "line 33: too many stages: stage s32");
    err_free(err);
    buf_free(&many);
    node_life_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usual_life),
        cmocka_unit_test(nodes_boot),
        cmocka_unit_test(machines_are_broken),
        cmocka_unit_test(the_broken_do_not_beat),
        cmocka_unit_test(conditions_come_and_go),
        cmocka_unit_test(shares_and_circles),
        cmocka_unit_test(api_away),
        cmocka_unit_test(forms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
