/* Goal: a command line means what it says, in every order and spelling, and a wrong one is refused in words that help.
 * Method: tables of command lines with the fields that they must give, or the text that their error must hold. */
#include "tests/unit/support/check.h"

#include "sim/scenario/suite/options.h"

#include <string.h>

#define ARGS_MAX 12

static struct err *parse(struct arena *a, const char *const *args, struct options *out)
{
    char *argv[ARGS_MAX + 2] = {(char *)(uintptr_t) "paddock-sim"};
    int n = 1;
    for (; args[n - 1]; n++)
        argv[n] = (char *)(uintptr_t)args[n - 1];
    return options_parse(a, n, argv, out);
}

static void test_wrong(void **state)
{
    static const struct {
        const char *args[ARGS_MAX], *text;
    } rows[] = {
        {{NULL}, "a command is missing"},
        {{"-q", NULL}, "a command is missing"},
        {{"rnu", NULL}, "unknown command \"rnu\"; did you mean \"run\"?"},
        {{"help", "rnu", NULL}, "no topic is called \"rnu\"; did you mean \"run\"?"},
        {{"help", "expresions", NULL}, "did you mean \"expressions\"?"},
        {{"help", "run", "list", NULL}, "help takes no argument"},
        {{"schema", "x", NULL}, "schema takes no argument such as \"x\""},
        {{"version", "x", NULL}, "version takes no argument"},
        {{"run", "--sead", "1", NULL}, "unknown option \"--sead\"; did you mean \"--seed\"?"},
        {{"--seed", "1", "run", NULL}, "unknown option \"--seed\""},
        {{"validate", "--seed", "1", NULL}, "unknown option \"--seed\""},
        {{"run", "-vx", NULL}, "unknown option \"-x\""},
        {{"run", "--seed", NULL}, "--seed needs a value"},
        {{"run", "--set=", NULL}, "--set needs a value"},
        {{"run", "--seed", "18446744073709551616", NULL}, "is not a number"},
        {{"run", "--seed", "-1", NULL}, "is not a number"},
        {{"run", "--jobs", "0", NULL}, "--jobs: \"0\" is not a number from 1 to"},
        {{"run", "--format", "xml", NULL}, "\"xml\" is not one of pretty, json, junit"},
        {{"run", "--color", "red", NULL}, "\"red\" is not one of auto, always, never"},
        {{"run", "--world", "moon", NULL}, "\"moon\" is not one of sim, real"},
        {{"run", "--log", "loud", NULL}, "\"loud\" is not one of error, warn, info, debug"},
        {{"run", "--trace=1", NULL}, "--trace takes no value"},
        {{"run", "--trace", "f", NULL}, "--trace needs --out"},
        {{"run", "--until", "-1s", NULL}, "lies before the start"},
        {{"run", "--jobs", "many", NULL}, "--jobs: \"many\" is not a number from 1 to 256"},
        {{"run", "--jobs", "257", NULL}, "--jobs: \"257\" is not a number"},
        {{"run", "--points", "3", NULL}, "--points: \"3\" is not such as 3/20"},
        {{"run", "--points", "x/3", NULL}, "--points: \"x/3\""},
        {{"run", "--points", "1/x", NULL}, "--points: \"1/x\""},
        {{"run", "--points", "0/3", NULL}, "--points: \"0/3\""},
        {{"run", "--points", "4/3", NULL}, "--points: \"4/3\""},
        {{"run", "--points", "1/4294967296", NULL}, "--points: \"1/4294967296\""},
        {{"apiserver", "--nodes", "few", NULL}, "--nodes: \"few\" is not a number from 0 to 5000"},
        {{"apiserver", "--nodes", "5001", NULL}, "--nodes: \"5001\" is not a number"},
        {{"apiserver", "a", NULL}, "apiserver takes no argument such as \"a\""},
        {{"sweep", "--seeds", "x", NULL}, "--seeds: \"x\" is not A..B, such as 1..200"},
        {{"sweep", "--seeds", "1..x", NULL}, "--seeds: \"1..x\""},
        {{"sweep", "--seeds", "3..2", NULL}, "--seeds: \"3..2\""},
        {{"sweep", "--shard", "1", NULL}, "--shard: \"1\" is not I/N"},
        {{"sweep", "--shard", "x/2", NULL}, "--shard: \"x/2\""},
        {{"sweep", "--shard", "0/2", NULL}, "--shard: \"0/2\""},
        {{"sweep", "--shard", "3/2", NULL}, "--shard: \"3/2\""},
        {{"sweep", "--shard", "1/100001", NULL}, "N at most 100000"},
        {{"sweep", "--budget", "soon", NULL}, "--budget: \"soon\" is not a time such as 10m"},
        {{"sweep", "--budget", "0s", NULL}, "--budget: \"0s\" is not a time"},
        {{"trace", "--format", "junit", NULL}, "\"junit\" is not one of text, json, perfetto"},
        {{"validate", "--format", "junit", NULL}, "--format: validate knows pretty and sarif"},
        {{"list", "--format", "sarif", NULL}, "--format: list knows pretty and json"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena a = {0};
        struct options o;
        struct buf text = {0};
        struct err *err = parse(&a, rows[i].args, &o);
        assert_non_null(err);
        err_print(err, &text);
        if (!strstr(buf_c(&text), rows[i].text))
            fail_msg("row %zu: %s", i, buf_c(&text));
        err_free(err);
        buf_free(&text);
        arena_free(&a);
    }
}

static void test_commands(void **state)
{
    static const struct {
        const char *args[ARGS_MAX];
        enum command command, help_of;
        int verbosity;
        size_t files;
    } rows[] = {
        {{"run", "a", "b", NULL}, COMMAND_RUN, COMMAND_HELP, 0, 2},
        {{"-q", "run", "a", NULL}, COMMAND_RUN, COMMAND_HELP, -1, 1},
        {{"run", "a", "-qv", NULL}, COMMAND_RUN, COMMAND_HELP, 1, 1},
        {{"run", "--", "-q", "--seed", NULL}, COMMAND_RUN, COMMAND_HELP, 0, 2},
        {{"run", "-", NULL}, COMMAND_RUN, COMMAND_HELP, 0, 1},
        {{"--color", "never", "list", NULL}, COMMAND_LIST, COMMAND_HELP, 0, 0},
        {{"help", NULL}, COMMAND_HELP, COMMAND_HELP, 0, 0},
        {{"--help", NULL}, COMMAND_HELP, COMMAND_HELP, 0, 0},
        {{"help", "run", NULL}, COMMAND_HELP, COMMAND_RUN, 0, 1},
        {{"--help", "run", NULL}, COMMAND_HELP, COMMAND_RUN, 0, 0},
        {{"help", "faults", NULL}, COMMAND_HELP, COMMAND_HELP, 0, 1},
        {{"run", "-h", "--seed", "1", NULL}, COMMAND_HELP, COMMAND_RUN, 0, 0},
        {{"expand", "--help", NULL}, COMMAND_HELP, COMMAND_EXPAND, 0, 0},
        {{"run", "--version", NULL}, COMMAND_VERSION, COMMAND_HELP, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena a = {0};
        struct options o;
        assert_null(parse(&a, rows[i].args, &o));
        if (o.command != rows[i].command || o.help_of != rows[i].help_of ||
            o.verbosity != rows[i].verbosity || o.files_n != rows[i].files)
            fail_msg("row %zu: command %d of %d, verbosity %d, %zu files", i, o.command, o.help_of,
                     o.verbosity, o.files_n);
        arena_free(&a);
    }
}

/* Both spellings of a value give the same. */
static void test_values(void **state)
{
    static const char *const signs[] = {
        "run",        "--seed=7",    "--set=a=1", "--set=b=x=y",      "--policy=p=q",
        "--case=l=m", "--until=90s", "--out=d",   "--profile=compat", NULL,
    };
    static const char *const blanks[] = {"run",   "--seed", "7", "--set", "a=1", "--set",
                                         "b=x=y", "--out",  "d", "f",     NULL};
    struct arena a = {0};
    struct options o;
    (void)state;
    assert_null(parse(&a, signs, &o));
    assert_true(o.has_seed && o.seed == 7 && o.sets_n == 2 && o.policies_n == 1);
    assert_true(str_eq_c(o.sets[0], "a=1") && str_eq_c(o.sets[1], "b=x=y"));
    assert_true(str_eq_c(o.case_filter, "l=m") && str_eq_c(o.until, "90s"));
    assert_true(str_eq_c(o.out, "d") && str_eq_c(o.profile, "compat"));
    assert_null(parse(&a, blanks, &o));
    assert_true(o.seed == 7 && o.sets_n == 2 && str_eq_c(o.out, "d") && o.files_n == 1);
    arena_free(&a);
}

/* Each word of a command line ends where it belongs. */
static void take(struct arena *a, struct options *o, const char *line)
{
    const char *args[2 * ARGS_MAX] = {NULL};
    char *argv[2 * ARGS_MAX] = {(char *)(uintptr_t) "paddock-sim"};
    size_t n = 0;
    struct str word, rest = str_c(line);
    while (rest.n) {
        (void)str_cut(rest, ' ', &word, &rest);
        args[n++] = arena_c(a, word);
    }
    for (size_t i = 0; i < n; i++)
        argv[i + 1] = (char *)(uintptr_t)args[i];
    check_ok(options_parse(a, (int)n + 1, argv, o));
}

static void test_each_option(void **state)
{
    struct arena a = {0};
    struct options o;
    (void)state;
    take(&a, &o, "run --watch --points 3/20 --world real --color never --trace --out d --jobs 256");
    assert_true(o.watch && o.world_real && o.trace && o.color == COLOR_NEVER);
    assert_true(o.points_at == 3 && o.points_of == 20 && o.jobs == 256);
    take(&a, &o, "run --world sim --color auto --log warn --shard 2/2");
    assert_true(!o.world_real && o.color == COLOR_AUTO && o.logs && o.log_level == LOG_WARN);
    assert_true(o.shard == 2 && o.shards == 2);
    take(&a, &o, "sweep --all-cases --seeds 2..9 --shard 1/100000 --budget 10m --format sarif");
    assert_true(o.all_cases && o.has_seeds && o.seeds_first == 2 && o.seeds_last == 9);
    assert_true(o.shard == 1 && o.shards == OPTIONS_SHARDS_MAX && o.format == FORMAT_SARIF);
    assert_true(o.budget_ns == 600 * INT64_C(1000000000));
    take(&a, &o, "sweep --seeds 7 --format junit");
    assert_true(o.seeds_first == 7 && o.seeds_last == 7 && o.format == FORMAT_JUNIT);
    take(&a, &o, "trace --filter agent --format perfetto");
    check_str(o.filter, "agent");
    assert_int_equal(o.format, FORMAT_PERFETTO);
    take(&a, &o, "trace --format json");
    assert_int_equal(o.format, FORMAT_JSON);
    take(&a, &o, "validate --format sarif");
    assert_int_equal(o.format, FORMAT_SARIF);
    take(&a, &o, "list --format json");
    assert_int_equal(o.format, FORMAT_JSON);
    take(&a, &o, "replay --at 5m --objects");
    check_str(o.at, "5m");
    assert_true(o.objects);
    take(&a, &o, "shrink --against old");
    check_str(o.against, "old");
    take(&a, &o,
         "apiserver --listen l --kubeconfig-out k --datastore d --cluster c --crds x --bare "
         "--nodes 0 --stages s --audit a --record r");
    check_str(o.listen, "l");
    check_str(o.kubeconfig_out, "k");
    check_str(o.datastore, "d");
    check_str(o.cluster, "c");
    check_str(o.crds, "x");
    check_str(o.stages, "s");
    check_str(o.audit, "a");
    check_str(o.record, "r");
    assert_true(o.bare && o.has_nodes && o.nodes == 0);
    arena_free(&a);
}

static void test_help(void **state)
{
    (void)state;
    for (int i = 0; i < COMMAND_COUNT; i++) {
        struct buf text = {0};
        options_help((enum command)i, &text);
        assert_non_null(strstr(buf_c(&text), "usage: paddock-sim"));
        buf_free(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrong),  cmocka_unit_test(test_commands),
        cmocka_unit_test(test_values), cmocka_unit_test(test_each_option),
        cmocka_unit_test(test_help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
