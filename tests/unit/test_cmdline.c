/* Goal: command lines are read as their tables say, and whatever is wrong with one is told so that it can be put right.
 * Method: a table of command lines over a little tree of commands: what each gives, or the words of its error; the help
 * that is made of the same tables. */
#include "engine/base/suggest.h"
#include "engine/cmdline/cmdline.h"
#include "tests/unit/support/check.h"

enum { LISTEN, FORWARD, FAST, ROWS };
static const struct cmdline_option rows[ROWS] = {
    [LISTEN] = {"--listen", OPTION_TEXT, "HOST:PORT", "where\nagents connect"},
    [FORWARD] = {"--forward", OPTION_LIST, "LISTEN=ID=HOST:PORT", "a port"},
    [FAST] = {"--fast", OPTION_FLAG, NULL, "do not wait"},
};
static const struct cmdline_command below[] = {
    {.name = "serve", .doc = "serves", .options = rows, .options_n = ROWS},
    {.name = "show", .doc = "shows", .arguments = true},
};
static const struct cmdline_command top[] = {
    {.name = "tunnel", .doc = "tunnels", .commands = below, .commands_n = ARRAY_LEN(below)},
};
static const struct cmdline_command root = {
    .name = "prog", .doc = "a program", .commands = top, .commands_n = ARRAY_LEN(top)};

#define WORDS_MAX 8

static struct err *parse(struct arena *a, const char *line, struct cmdline *o)
{
    char *argv[WORDS_MAX + 1];
    struct str word, rest = str_c(line);
    int argc = 0;
    bool more = true;
    argv[argc++] = arena_c(a, STR("prog"));
    while (more && rest.n) {
        more = str_cut(rest, ' ', &word, &rest);
        assert_true(argc < WORDS_MAX);
        argv[argc++] = arena_c(a, word);
    }
    return cmdline_parse(a, &root, argc, argv, o);
}

/* ---- what is right ---- */

static void values(void **state)
{
    static const struct {
        const char *line, *listen, *forwards, *arguments;
        bool fast;
        int verbosity;
    } table[] = {
        {"tunnel serve", "", "", "", false, 0},
        {"tunnel serve --listen a:1", "a:1", "", "", false, 0},
        {"tunnel serve --listen=a:1 --listen b:2", "b:2", "", "", false, 0},
        {"tunnel serve --forward 1=a=b:2 --fast --forward=3=c=d:4", "", "1=a=b:2|3=c=d:4|", "",
         true, 0},
        {"tunnel serve -q", "", "", "", false, -1},
        {"tunnel -v serve", "", "", "", false, 1},
        {"tunnel serve --listen --fast", "--fast", "", "", false, 0}, /* a value is a value */
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct arena a = {0};
        struct cmdline o;
        struct buf forwards = {0};
        assert_null(parse(&a, table[i].line, &o));
        struct cmdline_values list = cmdline_list(&o, FORWARD);
        for (size_t k = 0; k < list.n; k++)
            buf_addf(&forwards, STR_FMT "|", STR_ARG(list.v[k]));
        assert_string_equal(cmdline_command(&o)->name, "serve");
        assert_true(str_eq_c(cmdline_text(&o, LISTEN), table[i].listen));
        assert_true(str_eq_c(buf_str(&forwards), table[i].forwards));
        assert_int_equal(cmdline_flag(&o, FAST), table[i].fast);
        assert_int_equal(cmdline_given(&o, LISTEN), table[i].listen[0] != 0);
        assert_int_equal(o.verbosity, table[i].verbosity);
        buf_free(&forwards);
        arena_free(&a);
    }
}

static void arguments(void **state)
{
    struct arena a = {0};
    struct cmdline o;
    assert_null(parse(&a, "tunnel show one -v -- --two -", &o));
    assert_int_equal(o.arguments.n, 3);
    assert_true(str_eq_c(o.arguments.v[0], "one"));
    assert_true(str_eq_c(o.arguments.v[1], "--two"));
    assert_true(str_eq_c(o.arguments.v[2], "-"));
    assert_int_equal(o.verbosity, 1);
    arena_free(&a);
}

static void color(void **state)
{
    static const struct {
        const char *line;
        enum cmdline_color color;
    } table[] = {
        {"tunnel show", CMDLINE_COLOR_AUTO},
        {"tunnel show --color always", CMDLINE_COLOR_ALWAYS},
        {"--color=never tunnel show", CMDLINE_COLOR_NEVER},
        {"tunnel --color never show --color=auto", CMDLINE_COLOR_AUTO},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct arena a = {0};
        struct cmdline o;
        assert_null(parse(&a, table[i].line, &o));
        assert_int_equal(o.color, table[i].color);
        arena_free(&a);
    }
}

/* ---- what is wrong ---- */

static void errors(void **state)
{
    static const struct {
        const char *line, *says;
    } table[] = {
        {"tunel", "unknown command \"tunel\"; did you mean \"tunnel\"?"},
        {"tunnel xyzzy", "unknown command \"xyzzy\"; known are serve, show"},
        {"tunnel", "tunnel needs a command; `prog tunnel --help` tells which"},
        {"tunnel serve --lisen x", "unknown option \"--lisen\"; did you mean \"--listen\"?"},
        {"tunnel show --listen x",
         "unknown option \"--listen\"; known are --color, --help, --version"},
        {"--fast", "unknown option \"--fast\"; known are --color, --help, --version"},
        {"tunnel serve --listen", "--listen needs a value: HOST:PORT"},
        {"tunnel serve --listen=", "--listen needs a value: HOST:PORT"},
        {"tunnel serve --fast=yes", "--fast takes no value"},
        {"tunnel serve --help=yes", "--help takes no value"},
        {"--color", "--color needs a value: auto, always or never"},
        {"tunnel serve --color=pink", "--color: \"pink\" is not one of auto, always, never"},
        {"tunnel serve -x", "unknown option \"-x\"; short ones are -q, -v and -h"},
        {"tunnel serve more", "\"more\": serve takes no arguments"},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct arena a = {0};
        struct cmdline o;
        struct err *err = parse(&a, table[i].line, &o);
        assert_non_null(err);
        assert_int_equal(err->code, ERR_INVALID);
        assert_string_equal(err->message, table[i].says);
        err_free(err);
        arena_free(&a);
    }
}

/* ---- help ---- */

static void help(void **state)
{
    static const struct {
        const char *line;
        bool version;
        const char *begins;
    } table[] = {
        {"", false, "prog: a program\nusage: prog COMMAND [options]\n"},
        {"help", false, "prog: a program\n"},
        {"--help", false, "prog: a program\n"},
        {"-h tunnel", false, "prog tunnel: tunnels\nusage: prog tunnel COMMAND [options]\n"},
        {"tunnel serve --listen x --help", false,
         "prog tunnel serve: serves\nusage: prog tunnel serve [options]\n\n"
         "  --listen HOST:PORT      where\n"
         "                          agents connect\n"
         "  --forward LISTEN=ID=HOST:PORT\n"
         "                          a port\n"
         "  --fast                  do not wait\n"},
        {"--version", true, ""},
        {"tunnel serve --version", true, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct arena a = {0};
        struct cmdline o;
        struct buf out = {0};
        assert_null(parse(&a, table[i].line, &o));
        assert_int_equal(o.version, table[i].version);
        assert_int_equal(o.help, !table[i].version);
        cmdline_help(&o, &out);
        assert_true(str_starts(buf_str(&out), str_c(table[i].begins)));
        buf_free(&out);
        arena_free(&a);
    }
}

/* ---- what may have been meant ---- */

static void suggestions(void **state)
{
    static const struct str known[] = {STR_INIT("serve"), STR_INIT("connect"), STR_INIT("to")};
    static const struct {
        const char *word, *near;
    } table[] = {
        {"sevre", "serve"},
        {"srve", "serve"},
        {"conect", "connect"},
        {"conncet", "connect"},
        {"ot", "to"},
        {"x", ""},
        {"", ""},
        {"elephant", ""},
        {"ta", "to"},
        {"serve", "serve"},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct str near = suggest_word(str_c(table[i].word), known, ARRAY_LEN(known));
        assert_true(str_eq_c(near, table[i].near));
    }
    char longer[SUGGEST_CHARS_MAX + 1];
    memset(longer, 's', sizeof longer);
    assert_int_equal(suggest_word((struct str){longer, sizeof longer}, known, 3).n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values), cmocka_unit_test(arguments), cmocka_unit_test(color),
        cmocka_unit_test(errors), cmocka_unit_test(help),      cmocka_unit_test(suggestions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
