/* Goal: a scenario file is read completely or refused with every mistake in one pass, each at its place.
 * Method: golden files: fixtures/scenarios/broken/NAME.yaml has its errors in NAME.expected, good/NAME.yaml has none;
 * PADDOCK_GOLDEN_UPDATE=1 rewrites the expected ones, for the diff to be read. Then the fields of one plan. */
#include "tests/unit/support/check.h"

#include "engine/base/timefmt.h"
#include "sim/scenario/expr/vocabulary.h"
#include "sim/scenario/language/scenario.h"

#include <dirent.h>
#include <stdlib.h>

#define BROKEN       "fixtures/scenarios/broken/"
#define GOOD         "fixtures/scenarios/good/"
#define BROKEN_LEAST 60u

static bool read_file(struct str path, struct buf *out)
{
    char block[4096];
    size_t n;
    char *name = str_dup_c(path);
    FILE *f = fopen(name, "rb");
    mem_free(name);
    if (!f)
        return false;
    while ((n = fread(block, 1, sizeof(block), f)) > 0)
        buf_add(out, (struct str){block, n});
    (void)fclose(f);
    return true;
}

/* Templates are seen from the folder of broken files. */
static struct err *read_beside(void *ctx, struct str path, struct buf *out)
{
    struct buf whole = {0};
    buf_addf(&whole, "%s" STR_FMT, (const char *)ctx, STR_ARG(path));
    bool there = read_file(buf_str(&whole), out);
    buf_free(&whole);
    return there ? NULL : err_new(ERR_IO, STR_FMT ": no such file", STR_ARG(path));
}

static void write_file(struct str path, struct str text)
{
    char *name = str_dup_c(path);
    FILE *f = fopen(name, "wb");
    mem_free(name);
    assert_non_null(f);
    assert_int_equal(fwrite(text.p, 1, text.n, f), text.n);
    assert_int_equal(fclose(f), 0);
}

/* The errors of one broken file against the file beside it. */
static bool check_golden(struct arena *a, struct str name)
{
    struct buf text = {0}, said = {0}, expected = {0};
    struct str stem = str_sub(name, 0, name.n - STR(".yaml").n);
    struct str golden = arena_printf(a, BROKEN STR_FMT ".expected", STR_ARG(stem));
    assert_true(read_file(arena_printf(a, BROKEN STR_FMT, STR_ARG(name)), &text));
    static char folder[] = BROKEN;
    struct scenario_files files = {.read = read_beside, .ctx = folder};
    size_t errors = scenario_validate(name, buf_str(&text), &files, &said);
    if (getenv("PADDOCK_GOLDEN_UPDATE"))
        write_file(golden, buf_str(&said));
    bool same = read_file(golden, &expected) && str_eq(buf_str(&said), buf_str(&expected));
    if (!same)
        print_error("%s\n--- got\n%s--- expected\n%s", arena_c(a, name), buf_c(&said),
                    buf_c(&expected));
    buf_free(&text);
    buf_free(&said);
    buf_free(&expected);
    return same && errors > 0;
}

static void broken_files(void **state)
{
    struct arena a = {0};
    size_t files = 0, wrong = 0;
    DIR *dir = opendir(BROKEN);
    assert_non_null(dir);
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        struct str name = str_c(entry->d_name);
        if (!str_ends(name, STR(".yaml")))
            continue;
        files++;
        wrong += !check_golden(&a, arena_str(&a, name));
    }
    (void)closedir(dir);
    assert_true(files >= BROKEN_LEAST);
    assert_int_equal(wrong, 0);
    arena_free(&a);
}

static void good_files(void **state)
{
    static const char *const names[] = {"dns-failover", "everything", "palette"};
    struct arena a = {0};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct buf text = {0}, said = {0};
        assert_true(read_file(arena_printf(&a, GOOD "%s.yaml", names[i]), &text));
        scenario_validate(str_c(names[i]), buf_str(&text), NULL, &said);
        check_str(buf_str(&said), "");
        buf_free(&text);
        buf_free(&said);
    }
    arena_free(&a);
}

/* Every prefix of a good file is an input like any other. */
static void cut_files(void **state)
{
    struct arena a = {0};
    struct buf text = {0};
    assert_true(read_file(STR(GOOD "everything.yaml"), &text));
    for (size_t n = 0; n < text.n; n += 37) {
        struct buf said = {0};
        (void)scenario_validate(STR("cut.yaml"), str_sub(buf_str(&text), 0, n), NULL, &said);
        buf_free(&said);
    }
    buf_free(&text);
    arena_free(&a);
}

/* What would be too much in a repository: said at its place, and soon. */
static void large_files(void **state)
{
    static const char head[] = "scenario: v1\nname: x\ntopology: {sites: {a: {}}}\n";
    struct buf text = {0}, said = {0};
    buf_addf(&text, "%sdoc: \"", head);
    for (size_t i = 0; i < 1 << 20; i++)
        buf_add_char(&text, i % 2 ? 'x' : ' ');
    buf_add_c(&text, "\"\nnmae: y\n");
    scenario_validate(STR("line.yaml"), buf_str(&text), NULL, &said);
    check_str(buf_str(&said),
              "line.yaml:5:1: error: unknown field \"nmae\"; did you mean \"name\"?\n");
    buf_clear(&text);
    buf_clear(&said);
    buf_addf(&text, "%sassert:\n  - {name: a, never: \"", head);
    for (size_t i = 0; i < 1 << 19; i++)
        buf_add_c(&text, "1+");
    buf_add_c(&text, "1 > 0\"}\n");
    scenario_validate(STR("expr.yaml"), buf_str(&text), NULL, &said);
    assert_true(str_starts(buf_str(&said), STR("expr.yaml:5:")));
    buf_clear(&text);
    buf_clear(&said);
    buf_addf(&text, "%sfaults:\n", head);
    for (size_t i = 0; i < 2000; i++)
        buf_add_c(&text, "  - {at: 1, target: site/b}\n");
    scenario_validate(STR("many.yaml"), buf_str(&text), NULL, &said);
    assert_true(str_find(buf_str(&said), STR("further errors are not shown")) > 0);
    assert_true(said.n < 1 << 16);
    buf_free(&text);
    buf_free(&said);
}

/* ---- the fields of a plan ---- */

struct loaded {
    struct arena arena;
    struct buf text;
    struct diags diags;
    struct plan *p;
};

static void load(struct loaded *l, const char *path)
{
    *l = (struct loaded){.p = NULL};
    assert_true(read_file(str_c(path), &l->text));
    struct scenario *s = scenario_load(&l->arena, str_c(path), buf_str(&l->text), &l->diags);
    assert_non_null(s);
    struct plan_request request = {.seed = s->seeds.first};
    l->p = scenario_plan(&l->arena, s, &request, &l->diags);
    assert_non_null(l->p);
}

static void unload(struct loaded *l)
{
    arena_free(&l->arena);
    buf_free(&l->text);
}

static void topology(void **state)
{
    struct loaded l;
    load(&l, GOOD "everything.yaml");
    const struct plan *p = l.p;
    assert_int_equal(p->seed, 3);
    assert_int_equal(p->clock.limit_ns, 7200 * NS_PER_S);
    assert_int_equal(p->budget.memory_bytes, 1 << 30);
    assert_int_equal(p->report.trace, REPORT_TRACE_ALWAYS);
    assert_false(p->report.junit);
    assert_int_equal(p->policies.value[POLICY_TUNNEL_PING], 3 * NS_PER_S);
    assert_int_equal(p->topology.sites.n, 2);
    check_str(PLAN_SITE(p, 1)->origin.name, "b");
    assert_true(PLAN_SITE(p, 1)->manager.standby);
    assert_int_equal(PLAN_SITE(p, 1)->manager.copy_every_ns, 30 * NS_PER_S);
    assert_int_equal(PLAN_SITE(p, 0)->manager.copy_every_ns, 60 * NS_PER_S);
    assert_int_equal(PLAN_GROUP(p, 0)->agent.replicas, 2);
    assert_int_equal(PLAN_GROUP(p, 0)->agent.backoff.max_ns, 10 * NS_PER_S);
    assert_int_equal(PLAN_RECORD(p, 0)->sites[1], 1);
    assert_int_equal(PLAN_RESOLVER(p, 0)->share_ppm, 700000);
    assert_true(PLAN_RESOLVER(p, 0)->cache && PLAN_RESOLVER(p, 0)->obey_ttl);
    assert_int_equal(PLAN_RESOLVER(p, 1)->hold_ns, 300 * NS_PER_S);
    assert_int_equal(PLAN_LINK(p, 0)->loss_ppm, 1000);
    assert_true(PLAN_LINK(p, 0)->ends[0].any);
    assert_int_equal(PLAN_LINK(p, 1)->ends[1].index, 1);
    assert_int_equal(PLAN_LINK(p, 0)->bytes_per_s, 10 << 20);
    unload(&l);
}

static void steps(void **state)
{
    struct loaded l;
    load(&l, GOOD "everything.yaml");
    const struct plan_step *s = l.p->steps;
    assert_int_equal(l.p->steps_n, 4);
    assert_non_null(s[0].until);
    assert_int_equal(s[0].within_ns, 300 * NS_PER_S);
    assert_int_equal(s[1].start, STEP_AT);
    assert_int_equal(s[1].when.at_ns, 600 * NS_PER_S);
    assert_int_equal(s[2].start, STEP_AFTER);
    assert_int_equal(s[2].when.step, 1);
    assert_int_equal(s[2].rounds, 3);
    check_str(s[2].actions[2][0].object_name, "thing-4");
    check_str(s[2].actions[0][0].object_api_version, "example.test/v1");
    assert_int_equal(s[3].when.at_ns, 645 * NS_PER_S);
    assert_int_equal(l.p->quiet.at_ns, 4245 * NS_PER_S);
    static const enum action_kind kinds[] = {ACTION_FAULT,
                                             ACTION_HEAL,
                                             ACTION_HEAL,
                                             ACTION_DNS_SET,
                                             ACTION_MANAGER_PROMOTE,
                                             ACTION_MANAGER_DEMOTE,
                                             ACTION_MANAGER_RESTART,
                                             ACTION_MANAGER_RESTART,
                                             ACTION_PROCESS_KILL,
                                             ACTION_PROCESS_RESTART,
                                             ACTION_PROCESS_PAUSE,
                                             ACTION_CLUSTER_CREATE,
                                             ACTION_CLUSTER_CREATE,
                                             ACTION_CLUSTER_REMOVE,
                                             ACTION_CLUSTER_SCALE,
                                             ACTION_APPLY,
                                             ACTION_DELETE};
    const struct plan_action *a = s[1].actions[0];
    assert_int_equal(s[1].actions_n[0], ARRAY_LEN(kinds));
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        assert_int_equal(a[i].kind, kinds[i]);
    assert_int_equal(a[0].fault.direction, FAULT_A_TO_B);
    assert_int_equal(a[0].target.kind, TARGET_LINK);
    assert_int_equal(a[0].target.a.last, 0);
    assert_int_equal(a[0].for_ns, 60 * NS_PER_S);
    assert_true(a[0].optional);
    assert_int_equal(a[2].target.kind, TARGET_ALL);
    assert_int_equal(a[3].sites[0], 1);
    assert_int_equal(a[3].ttl_ns, 10 * NS_PER_S);
    assert_int_equal(a[7].target.a.first, 1);
    assert_int_equal(a[8].target.a.last, 2);
    assert_int_equal(a[10].for_ns, 5 * NS_PER_S);
    assert_int_equal(a[11].count, 2);
    assert_int_equal(a[12].count, 1);
    assert_int_equal(a[14].count, 5);
    check_str(a[15].object_kind, "ConfigMap");
    check_str(a[15].object_namespace, "default");
    check_str(a[15].object_name, "x-2");
    assert_true(a[15].target.a.of_site);
    assert_false(a[16].target.a.of_site);
    unload(&l);
}

static void faults(void **state)
{
    struct loaded l;
    load(&l, GOOD "everything.yaml");
    const struct plan_fault *f = l.p->faults;
    assert_true(l.p->faults_n > 8);
    assert_null(f[7].drawn_from);
    assert_non_null(f[8].drawn_from);
    check_str(f[0].name, "slow");
    assert_int_equal(f[0].fault.delay_ns, 50 * NS_PER_MS);
    assert_int_equal(f[0].fault.share_ppm, 1000000);
    check_str(f[1].name, "dns ttl-ignored on dns/resolver/sticky");
    assert_int_equal(f[1].when.step, 0);
    assert_int_equal(f[1].when.at_ns, -1); /* a wait tells only in the run */
    assert_int_equal(f[1].target.a.index, 1);
    check_str(f[2].fault.values.v[0], "site/b");
    check_str(f[2].fault.of, "manager");
    assert_int_equal(f[3].fault.kind, FAULT_HTTP_ERROR);
    assert_int_equal(f[3].fault.code, 503);
    assert_int_equal(f[3].fault.share_ppm, 10000);
    assert_int_equal(f[4].fault.when, FAULT_EACH_WRITE);
    assert_int_equal(f[5].fault.window, 5);
    assert_int_equal(f[6].fault.offset_ns, -3 * NS_PER_S);
    assert_true(f[7].optional);
    unload(&l);
}

static void assertions(void **state)
{
    struct loaded l;
    load(&l, GOOD "everything.yaml");
    const struct plan_assert *a = l.p->asserts;
    static const enum assert_mode modes[] = {ASSERT_ALWAYS, ASSERT_NEVER,  ASSERT_EVENTUALLY,
                                             ASSERT_WITHIN, ASSERT_WITHIN, ASSERT_SOMETIMES,
                                             ASSERT_AT,     ASSERT_AT};
    assert_int_equal(l.p->asserts_n, ARRAY_LEN(modes));
    for (size_t i = 0; i < ARRAY_LEN(modes); i++)
        assert_int_equal(a[i].mode, modes[i]);
    assert_int_equal(a[0].from.step, 0);
    assert_int_equal(a[0].until.at_ns, 3600 * NS_PER_S);
    assert_int_equal(a[0].lasting_ns, 5 * NS_PER_S);
    assert_int_equal(a[2].until.at_ns, 5140 * NS_PER_S);
    assert_true(a[3].at.quiet);
    assert_int_equal(a[3].at.at_ns, 4245 * NS_PER_S);
    assert_int_equal(a[4].time_ns, 120 * NS_PER_S);
    const struct plan_measure *m = l.p->measures;
    assert_int_equal(l.p->measures_n, 3);
    assert_int_equal(m[0].every_ns, 5 * NS_PER_S);
    assert_int_equal(m[1].at.step, 3);
    assert_int_equal(expr_over(m[2].value), VOC_AGENT);
    assert_int_equal(m[2].show.n, 6);
    unload(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broken_files), cmocka_unit_test(good_files), cmocka_unit_test(cut_files),
        cmocka_unit_test(large_files),  cmocka_unit_test(topology),   cmocka_unit_test(steps),
        cmocka_unit_test(faults),       cmocka_unit_test(assertions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
