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
        cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
