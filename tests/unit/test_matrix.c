/* Goal: cases are the cross product less what is excluded, plus what is included; parameters and matrix values arrive in
 * the plan with their types; what refers to an absent value is gone.
 * Method: small scenarios, the list of their cases, the plan of each. */
#include "tests/unit/support/check.h"

#include "engine/base/timefmt.h"
#include "sim/scenario/language/scenario.h"

static const char body[] =
    "scenario: v1\n"
    "name: t\n"
    "doc: A test.\n"
    "tags: [x, y]\n"
    "profile: [compat, hardened]\n"
    "policies: {dns.cache: ttl}\n"
    "params:\n"
    "  k: {type: int, default: 2, min: 1, max: 9, doc: clusters}\n"
    "  ttl: {type: duration, default: 60s, max: 1h}\n"
    "  mode: {type: enum, values: [fast, slow], default: fast}\n"
    "  share: {type: percent, default: 5%}\n"
    "  room: {type: size, default: 8KiB}\n"
    "  fine: {type: bool, default: true}\n"
    "  who: {type: string, default: site/b}\n"
    "topology:\n"
    "  sites: {a: {}, b: {manager: {standby: true}}}\n"
    "  clusters: {edge: {count: \"${k}\", nodes: \"${k * 2 + 1}\"}}\n"
    "  dns: {records: {manager: {ttl: \"${ttl}\", value: site/a}}}\n"
    "matrix:\n"
    "  lie:\n"
    "    - {id: drop, fault: {watch: drop, share: \"${share}\"}}\n"
    "    - {id: stall, fault: {watch: stall, for: 90s}}\n"
    "  crash:\n"
    "    - {id: none}\n"
    "    - {id: hard, fault: {process: crash}, at: 7m}\n"
    "  size: [1KiB, 64KiB]\n"
    "  exclude:\n"
    "    - {lie: drop, crash: hard}\n"
    "  include:\n"
    "    - {lie: drop}\n"
    "steps:\n"
    "  - {name: calm, wait: {until: \"count(agent) == ${k}\", within: \"${ttl * 2}\"}}\n"
    "  - name: many\n"
    "    at: 1m\n"
    "    repeat: {times: \"${k + 1}\", every: 10s}\n"
    "    do: {delete: {from: api/a, kind: User, name: \"user-${i}-${mode}\"}}\n"
    "  - {name: promote, after: many, when: matrix.lie == stall, do: {manager.promote: "
    "\"${who}\"}}\n"
    "faults:\n"
    "  - {at: 5m, for: 1m, target: api/a, fault: \"${matrix.lie.fault}\"}\n"
    "  - {at: \"${matrix.crash.at}\", target: manager, fault: \"${matrix.crash.fault}\"}\n"
    "  - {at: 6m, target: site/a, fault: {net: throttle, rate: \"${matrix.size}\"}}\n"
    "assert:\n"
    "  - {name: only hardened, profile: hardened, always: \"${fine}\"}\n"
    "  - {name: only compat, when: profile == compat and k < 5, always: count(agent) >= 0}\n";

struct fixture {
    struct arena arena;
    struct diags diags;
    struct scenario *s;
};

static void start(struct fixture *f)
{
    *f = (struct fixture){.s = NULL};
    f->s = scenario_load(&f->arena, STR("t.yaml"), str_c(body), &f->diags);
    assert_non_null(f->s);
}

static struct plan *plan_of(struct fixture *f, const char *filter, const char *profile)
{
    const struct scenario_case **cases;
    size_t n;
    check_ok(scenario_cases(f->s, str_c(filter), &cases, &n));
    struct plan_request request = {.which = cases[0], .profile = str_c(profile), .seed = 7};
    struct plan *plan = scenario_plan(&f->arena, f->s, &request, &f->diags);
    struct buf errors = {0};
    diags_print(&f->diags, &errors);
    if (!plan)
        print_error("%s", buf_c(&errors));
    buf_free(&errors);
    assert_non_null(plan);
    return plan;
}

static void cases_are_listed(void **state)
{
    static const char *const ids[] = {
        "lie=drop,crash=none,size=1KiB",
        "lie=drop,crash=none,size=64KiB",
        "lie=stall,crash=none,size=1KiB",
        "lie=stall,crash=none,size=64KiB",
        "lie=stall,crash=hard,size=1KiB",
        "lie=stall,crash=hard,size=64KiB",
        "lie=drop",
    };
    struct fixture f;
    start(&f);
    assert_int_equal(f.s->cases_n, ARRAY_LEN(ids));
    for (size_t i = 0; i < ARRAY_LEN(ids); i++)
        check_str(f.s->cases[i].id, ids[i]);
    assert_int_equal(f.s->profiles.n, 2);
    arena_free(&f.arena);
}

static void cases_are_chosen(void **state)
{
    static const struct {
        const char *filter;
        size_t n;
        const char *error;
    } rows[] = {
        {"", 7, NULL},
        {"lie=drop", 3, NULL},
        {"lie=stall,crash=hard", 2, NULL},
        {"size=64KiB", 3, NULL},
        {"lie=drop,crash=hard", 0, "--case lie=drop,crash=hard: the matrix excludes it"},
        {"lye=drop", 0, "--case: unknown axis \"lye\"; did you mean \"lie\"?"},
        {"lie=dorp", 0, "--case: axis lie has no \"dorp\"; did you mean \"drop\"?"},
        {"lie", 0, "--case: \"lie\" is not of the form AXIS=ID"},
    };
    struct fixture f;
    start(&f);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct scenario_case **cases;
        size_t n;
        struct err *err = scenario_cases(f.s, str_c(rows[i].filter), &cases, &n);
        if (rows[i].error) {
            check_err(err, ERR_INVALID, rows[i].error);
            continue;
        }
        check_ok(err);
        assert_int_equal(n, rows[i].n);
    }
    arena_free(&f.arena);
}

static void parameters_are_set(void **state)
{
    static const struct {
        const char *name, *value, *error;
    } rows[] = {
        {"k", "4", NULL},
        {"k", "x", "--set k: expected an integer, not \"x\""},
        {"k", "0", "--set k: must be at least 1"},
        {"k", "10", "--set k: must be at most 9"},
        {"ttl", "30s", NULL},
        {"ttl", "30", "--set ttl: expected a duration such as 30s, not \"30\""},
        {"ttl", "2h", "--set ttl: must be at most 1h"},
        {"mode", "slow", NULL},
        {"mode", "slwo", "--set mode: unknown value \"slwo\"; did you mean \"slow\"?"},
        {"share", "0.25", NULL},
        {"share", "25%", NULL},
        {"room", "1GiB", NULL},
        {"room", "1", "--set room: expected a size such as 8GiB, not \"1\""},
        {"fine", "false", NULL},
        {"fine", "no", "--set fine: expected true or false, not \"no\""},
        {"who", "anything", NULL},
        {"tll", "30s", "--set: unknown parameter \"tll\"; did you mean \"ttl\"?"},
    };
    struct fixture f;
    start(&f);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err *err = scenario_set_param(f.s, str_c(rows[i].name), str_c(rows[i].value));
        if (rows[i].error)
            check_err(err, ERR_INVALID, rows[i].error);
        else
            check_ok(err);
    }
    arena_free(&f.arena);
}

static void values_arrive_typed(void **state)
{
    struct fixture f;
    start(&f);
    check_ok(scenario_set_param(f.s, STR("k"), STR("3")));
    struct plan *p = plan_of(&f, "lie=drop,crash=none", "hardened");
    assert_int_equal(PLAN_GROUP(p, 0)->count, 3);
    assert_int_equal(PLAN_GROUP(p, 0)->nodes, 7);
    assert_int_equal(PLAN_RECORD(p, 0)->ttl_ns, 60 * NS_PER_S);
    assert_int_equal(PLAN_RECORD(p, 0)->sites[0], 0);
    assert_int_equal(p->steps[0].within_ns, 120 * NS_PER_S);
    assert_int_equal(p->faults[0].fault.kind, FAULT_WATCH_DROP);
    assert_int_equal(p->faults[0].fault.share_ppm, 50000);
    check_str(p->params_set, "k=3");
    check_str(p->policies_set, "dns.cache=ttl");
    check_str(p->case_id, "lie=drop,crash=none,size=1KiB");
    assert_int_equal(p->seed, 7);
    arena_free(&f.arena);
}

static void rounds_have_their_number(void **state)
{
    struct fixture f;
    start(&f);
    struct plan *p = plan_of(&f, "lie=stall", "hardened");
    const struct plan_step *many = &p->steps[1];
    assert_int_equal(many->rounds, 3);
    check_str(many->actions[0][0].object_name, "user-0-fast");
    check_str(many->actions[2][0].object_name, "user-2-fast");
    assert_int_equal(p->steps_n, 3);
    assert_int_equal(p->steps[2].start, STEP_AFTER);
    assert_int_equal(p->steps[2].when.at_ns, 80 * NS_PER_S);
    assert_int_equal(p->steps[2].actions[0][0].target.a.index, 1);
    assert_int_equal(p->steps[0].when.at_ns, 0);
    arena_free(&f.arena);
}

static void absent_values_remove_entries(void **state)
{
    static const struct {
        const char *filter;
        size_t steps, faults;
    } rows[] = {{"lie=drop,crash=none", 2, 2},
                {"lie=stall,crash=none", 3, 2},
                {"lie=stall,crash=hard", 3, 3}};
    struct fixture f;
    start(&f);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct plan *p = plan_of(&f, rows[i].filter, "hardened");
        assert_int_equal(p->steps_n, rows[i].steps);
        assert_int_equal(p->faults_n, rows[i].faults);
    }
    struct plan_request request = {.which = &f.s->cases[6], .seed = 1};
    struct plan *p = scenario_plan(&f.arena, f.s, &request, &f.diags);
    assert_non_null(p);
    assert_int_equal(p->faults_n, 1); /* neither crash nor size */
    p = plan_of(&f, "size=64KiB", "hardened");
    assert_int_equal(p->faults[p->faults_n - 1].fault.bytes_per_s, 65536);
    arena_free(&f.arena);
}

static void profiles_choose(void **state)
{
    struct fixture f;
    start(&f);
    struct plan *hardened = plan_of(&f, "", "hardened"), *compat = plan_of(&f, "", "compat");
    assert_int_equal(hardened->asserts_n, 1);
    check_str(hardened->asserts[0].name, "only hardened");
    check_str(compat->asserts[0].name, "only compat");
    assert_int_equal(compat->policies.value[POLICY_DNS_CACHE], POLICY_DNS_CACHE_TTL);
    assert_int_equal(compat->policies.value[POLICY_SESSION_CHOICE], POLICY_SESSION_OLDEST);
    static const struct str set[] = {STR_INIT("session.choice=newest")};
    struct plan_request request = {.profile = STR("compat"), .policies = set, .policies_n = 1};
    compat = scenario_plan(&f.arena, f.s, &request, &f.diags);
    assert_int_equal(compat->policies.value[POLICY_SESSION_CHOICE], POLICY_SESSION_NEWEST);
    check_str(compat->policies_set, "dns.cache=ttl,session.choice=newest");
    arena_free(&f.arena);
}

/* What is expanded is a scenario without matrix and parameters: it validates, and expands to itself. */
static void expansion_is_a_scenario(void **state)
{
    static const struct str sets[] = {STR_INIT("k=3")};
    struct buf first = {0}, second = {0}, errors = {0};
    struct expand_request one = {.case_filter = STR("lie=stall,crash=hard"),
                                 .profile = STR("compat"),
                                 .sets = sets,
                                 .sets_n = 1};
    struct expand_request again = {.case_filter = str_empty};
    bool ok = scenario_expand(STR("t.yaml"), str_c(body), &one, &first, &errors);
    check_str(buf_str(&errors), "");
    assert_true(ok);
    if (scenario_validate(STR("t.yaml"), buf_str(&first), NULL, &errors) != 0)
        print_error("%s%s", buf_c(&first), buf_c(&errors));
    check_str(buf_str(&errors), "");
    assert_true(scenario_expand(STR("t.yaml"), buf_str(&first), &again, &second, &errors));
    struct str without_comment = buf_str(&first), line;
    str_cut(without_comment, '\n', &line, &without_comment);
    check_str_eq(buf_str(&second), without_comment);
    assert_true(str_find(buf_str(&first), STR("name: \"user-${i}-fast\"")) > 0);
    buf_free(&first);
    buf_free(&second);
    buf_free(&errors);
}

static void lists(void **state)
{
    struct fixture f;
    struct buf out = {0};
    start(&f);
    scenario_list(f.s, &out);
    check_str(buf_str(&out), "t  A test.\n"
                             "    file: t.yaml\n"
                             "    tags: x, y\n"
                             "    profiles: compat, hardened\n"
                             "    matrix lie: drop, stall\n"
                             "    matrix crash: none, hard\n"
                             "    matrix size: 1KiB, 64KiB\n"
                             "    k (int) = 2  clusters\n"
                             "    ttl (duration) = 1m\n"
                             "    mode (enum) = fast\n"
                             "    share (percent) = 0.05\n"
                             "    room (size) = 8KiB\n"
                             "    fine (bool) = true\n"
                             "    who (string) = site/b\n");
    buf_free(&out);
    arena_free(&f.arena);
}

/* A `when` that asks for what this case does not have is false, whatever its type would be. */
static void absent_values_are_no_mistakes(void **state)
{
    static const char text[] =
        "scenario: v1\n"
        "name: t\n"
        "topology: {sites: {a: {}}, dns: {records: {manager: {value: site/a}}}}\n"
        "matrix:\n"
        "  lie: [{id: x, wait: 5s, part: 10%, room: 1KiB, on_it: true, many: 3, of: {k: v}, w: a},"
        " {id: y}]\n"
        "  bare: [0.5, 5s]\n"
        "  include: [{lie: x}]\n"
        "assert:\n"
        "  - {name: wait, when: matrix.lie.wait > 3s, at: 1m, that: \"true\"}\n"
        "  - {name: part, when: matrix.lie.part == 10%, at: 1m, that: \"true\"}\n"
        "  - {name: room, when: matrix.lie.room * 2 == 2KiB, at: 1m, that: \"true\"}\n"
        "  - {name: flag, when: matrix.lie.on_it, at: 1m, that: \"true\"}\n"
        "  - {name: no flag, when: not matrix.lie.on_it, at: 1m, that: \"true\"}\n"
        "  - {name: deep, when: matrix.lie.of.k == v and matrix.lie.w == a, at: 1m, that: "
        "\"true\"}\n"
        "  - {name: many, when: matrix.lie.many > 2 and not matrix.lie.many > 3, at: 1m, that: "
        "\"true\"}\n"
        "  - {name: bare, when: matrix.bare == 50%, at: 1m, that: \"true\"}\n"
        "  - {name: seed, when: \"seed == 3 and known(matrix.lie.w)\", at: 1m, that: \"true\"}\n";
    static const struct {
        const char *filter;
        size_t asserts;
    } rows[] = {{"lie=x,bare=0.5", 8}, {"lie=y,bare=0.5", 2}};
    struct arena a = {0};
    struct diags diags;
    struct buf errors = {0};
    struct scenario *s = scenario_load(&a, STR("t.yaml"), str_c(text), &diags);
    assert_non_null(s);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct scenario_case **cases;
        size_t n;
        check_ok(scenario_cases(s, str_c(rows[i].filter), &cases, &n));
        struct plan_request request = {.which = cases[0], .seed = 3};
        struct plan *plan = scenario_plan(&a, s, &request, &diags);
        diags_print(&diags, &errors);
        check_str(buf_str(&errors), "");
        assert_non_null(plan);
        assert_int_equal(plan->asserts_n, rows[i].asserts);
    }
    struct plan_request last = {.which = &s->cases[4], .seed = 3}; /* without a bare value */
    assert_int_equal(scenario_plan(&a, s, &last, &diags)->asserts_n, 7);
    buf_free(&errors);
    arena_free(&a);
}

/* What is asked of a plan and is not there, and a scenario that has no case. */
static void requests_are_checked(void **state)
{
    static const struct str policies[] = {STR_INIT("session.choice=x")};
    struct fixture f;
    struct buf errors = {0};
    start(&f);
    check_ok(scenario_set_param(f.s, STR("k"), STR("3")));
    check_ok(scenario_set_param(f.s, STR("who"), STR("site/a")));
    check_ok(scenario_set_param(f.s, STR("room"), STR("9KiB")));
    struct plan *p = plan_of(&f, "", "hardened");
    check_str(p->params_set, "k=3,room=9KiB,who=site/a");
    struct plan_request request = {.profile = STR("hard"), .policies = policies, .policies_n = 1};
    assert_null(scenario_plan(&f.arena, f.s, &request, &f.diags));
    diags_print(&f.diags, &errors);
    check_str(buf_str(&errors),
              "t.yaml: error: --profile: unknown profile \"hard\"; profiles are compat and "
              "hardened\n"
              "t.yaml: error: --policy: policy session.choice: unknown value \"x\"; it takes "
              "oldest|newest\n");
    buf_clear(&errors);
    struct scenario *s = scenario_load(
        &f.arena, STR("t.yaml"),
        STR("scenario: v1\nname: t\ntopology: {sites: {a: {}}}\n"
            "matrix: {x: [1], exclude: [{x: 1}]}\nassert: [{name: a, when: matrix.x == 1, at: 1m, "
            "that: \"true\"}]\n"),
        &f.diags);
    diags_print(&f.diags, &errors);
    check_str(buf_str(&errors), "t.yaml:4:1: error: matrix: every case is excluded\n");
    p = scenario_plan(&f.arena, s, &(struct plan_request){.seed = 1}, &f.diags);
    assert_non_null(p);
    check_str(p->case_id, "");
    assert_int_equal(p->asserts_n, 0);
    buf_free(&errors);
    arena_free(&f.arena);
}

/* More names than a suggestion looks at, and more cases than there may be. */
static void much_is_told_shortly(void **state)
{
    struct arena a = {0};
    struct buf text = {0}, said = {0};
    buf_add_c(&text, "scenario: v1\nname: t\ntopology: {sites: {a: {}}}\nmatrix:\n  x: [{id: a");
    for (int i = 0; i < 600; i++)
        buf_addf(&text, ", f%d: %d", i, i);
    buf_add_c(&text, "}]\n  y: [1]\nassert: [{name: \"${nothing}\", at: 1m, that: \"true\"}]\n");
    scenario_validate(STR("t.yaml"), buf_str(&text), NULL, &said);
    assert_true(str_find(buf_str(&said),
                         STR("unknown name \"nothing\"; known are profile, matrix.x, matrix.x.id, "
                             "matrix.x.f0, matrix.x.f1, ")) > 0);
    assert_true(str_find(buf_str(&said), STR(" and 500 more\n")) > 0);
    buf_clear(&text);
    buf_clear(&said);
    buf_add_c(&text, "scenario: v1\nname: t\ntopology: {sites: {a: {}}}\ntags: "
                     "[\"${matrix.x}\"]\nmatrix:\n  x: [0");
    for (int i = 1; i < 256; i++)
        buf_addf(&text, ", %d", i);
    buf_add_c(&text, "]\n  z: [a]\n  include: [{x: 7}, {x: 8}]\n");
    struct diags diags;
    struct scenario *s = scenario_load(&a, STR("t.yaml"), buf_str(&text), &diags);
    assert_int_equal(s->cases_n, SCENARIO_CASES_MAX);
    diags_print(&diags, &said);
    check_str(buf_str(&said), "t.yaml:5:1: error: matrix: more than 256 cases\n");
    buf_free(&text);
    buf_free(&said);
    arena_free(&a);
}

/* A size or a duration stays one wherever ${} puts it, whole, computed or put together; an object of Kubernetes, which
 * knows no KiB, has bytes. */
static void quantities_keep_their_unit(void **state)
{
    static const char text[] =
        "scenario: v1\n"
        "name: t\n"
        "params:\n"
        "  many: {type: int, default: 64}\n"
        "  room: {type: size, default: 8KiB}\n"
        "  pause: {type: duration, default: 90s}\n"
        "clock: {limit: \"${many}m30s\"}\n"
        "topology:\n"
        "  sites: {a: {}}\n"
        "  clusters: {edge: {count: 1}}\n"
        "  dns: {records: {manager: {ttl: \"${pause * 2}\", value: site/a}}}\n"
        "  links:\n"
        "    - {between: [cluster/edge, site/a], bandwidth: \"${room}\"}\n"
        "    - {between: [cluster/edge, site/a], bandwidth: \"${many}KiB\"}\n"
        "    - {between: [cluster/edge, site/a], bandwidth: \"${3 * room + 1B}\", loss: "
        "\"${many / 10}%\"}\n"
        "steps:\n"
        "  - {name: set, at: 1m, do: {apply: {to: api/a, object: {apiVersion: v1, kind: ConfigMap, "
        "metadata: {name: x}, room: "
        "\"${room}\", said: \"of ${room} in ${pause}\"}}}}\n";
    static const int64_t bandwidths[] = {8 << 10, 64 << 10, (24 << 10) + 1};
    struct arena a = {0};
    struct diags diags;
    struct buf errors = {0};
    struct scenario *s = scenario_load(&a, STR("t.yaml"), str_c(text), &diags);
    struct plan *plan = scenario_plan(&a, s, &(struct plan_request){.seed = 1}, &diags);
    diags_print(&diags, &errors);
    check_str(buf_str(&errors), "");
    assert_non_null(plan);
    assert_int_equal(plan->clock.limit_ns, 3870 * NS_PER_S);
    for (size_t i = 0; i < ARRAY_LEN(bandwidths); i++)
        assert_int_equal(PLAN_LINK(plan, i)->bytes_per_s, bandwidths[i]);
    assert_int_equal(PLAN_LINK(plan, 2)->loss_ppm, 64000);
    assert_int_equal(PLAN_RECORD(plan, 0)->ttl_ns, 180 * NS_PER_S);
    const struct yaml_node *object = plan->steps[0].actions[0]->object;
    assert_int_equal(yaml_get(object, "room")->kind, YAML_INT);
    assert_int_equal(yaml_get(object, "room")->integer, 8 << 10);
    check_str(yaml_get(object, "said")->text, "of 8KiB in 1m30s");
    buf_free(&errors);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cases_are_listed),
        cmocka_unit_test(cases_are_chosen),
        cmocka_unit_test(parameters_are_set),
        cmocka_unit_test(values_arrive_typed),
        cmocka_unit_test(quantities_keep_their_unit),
        cmocka_unit_test(rounds_have_their_number),
        cmocka_unit_test(absent_values_remove_entries),
        cmocka_unit_test(profiles_choose),
        cmocka_unit_test(expansion_is_a_scenario),
        cmocka_unit_test(lists),
        cmocka_unit_test(absent_values_are_no_mistakes),
        cmocka_unit_test(requests_are_checked),
        cmocka_unit_test(much_is_told_shortly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
