/* Goal: what shells and readers are given says all that the tables say, and nothing in a table can break out of a script or
 * of a page.
 * Method: a little tree of commands with awkward words in it; what each writer makes of them. What the shells themselves
 * make of it: tests/cli/words.sh. */
#include "engine/cmdline/completion.h"
#include "engine/cmdline/manual.h"
#include "tests/unit/support/check.h"

static const struct cmdline_option rows[] = {
    {"--listen", OPTION_TEXT, "HOST:PORT", "where\nagents connect"},
    {"--key", OPTION_TEXT, "FILE", "it's a \\key"},
    {"--fast", OPTION_FLAG, NULL, ".TH do not wait"},
};
static const struct cmdline_command below[] = {
    {.name = "serve", .doc = "serves", .options = rows, .options_n = ARRAY_LEN(rows)},
    {.name = "show", .doc = "shows", .arguments = true, .tail = " FILE...", .more = ".one\n'two\n"},
    {.name = "take", .doc = "takes", .arguments = true, .tail = " NAME", .more = "  a\n  b\n"},
};
static const struct cmdline_command top[] = {
    {.name = "tunnel", .doc = "tunnels", .commands = below, .commands_n = ARRAY_LEN(below)},
    {.name = "say", .doc = "says", .arguments = true, .tail = " high|low"},
};
static const struct cmdline_command root = {.name = "prog",
                                            .doc = "a program",
                                            .more = "It does things.\n",
                                            .commands = top,
                                            .commands_n = ARRAY_LEN(top)};
static const struct cmdline_command single = {.name = "prog", .doc = "a program", .options = rows};

struct expectation {
    const char *shell; /* NULL: the manual page */
    const char *says;
};

static void write(const struct cmdline_command *c, const char *shell, struct buf *out)
{
    if (shell)
        check_ok(completion_write(c, str_c(shell), out));
    else
        manual_write(c, "1.2.3", "other(1)", out);
}

static void contents(void **state)
{
    static const struct expectation table[] = {
        {"bash", "(/tunnel|/tunnel/serve|/tunnel/show|/tunnel/take|/say) place="},
        {"bash", "(\"/tunnel/serve --key\") compopt -o filenames; COMPREPLY=($(compgen -f"},
        {"bash", "(\"/tunnel/serve --listen\") return ;;"},
        {"bash", "(\"\") words=\"tunnel say --color --help --version\" ;;"},
        {"bash", "(\"/tunnel/show\") words=\"--color --help --version\"; files=1 ;;"},
        {"bash", "(\"/tunnel/take\") words=\"--color --help --version\" ;;"},
        {"bash", "(\"/say\") words=\"--color --help --version high low\" ;;"},
        {"bash", "complete -F _prog prog\n"},
        {"zsh", "#compdef prog\n"},
        {"zsh", "known=( '--listen:where' '--key:it'\\''s a \\key' '--fast:.TH do not wait' "},
        {"zsh", "(\"/tunnel/serve --listen\") _message value; return ;;"},
        {"zsh", "known=( high low '--color:"},
        {"fish",
         "contains -- \"$place/$word\" /tunnel /tunnel/serve /tunnel/show /tunnel/take /say\n"},
        {"fish", "-n '__prog_at \"/tunnel/serve\"' -l listen -x -d 'where'\n"},
        {"fish", "-n '__prog_at \"/tunnel/serve\"' -l key -r -F -d 'it'\\''s a \\key'\n"},
        {"fish", "-n '__prog_at \"/tunnel/serve\"' -l fast -d '.TH do not wait'\n"},
        {"fish", "-n '__prog_at \"/tunnel/show\"' -F -d"},
        {"fish", "-n '__prog_at \"/say\"' -a 'high low' -d 'says'\n"},
        {"fish", "-n '__prog_at \"\"' -a tunnel -d 'tunnels'\n"},
        {NULL, ".TH \"PROG\" 1 \"\" \"Paddock 1.2.3\""},
        {NULL, "prog \\- a program\n"},
        {NULL, ".PP\nIt does things.\n"},
        {NULL, ".SS prog tunnel serve [options]\nserves\n"},
        {NULL, ".TP\n.B \\-\\-listen HOST:PORT\nwhere agents connect\n"},
        {NULL, "it's a \\ekey\n"},
        {NULL, "\n\\&.TH do not wait\n"},
        {NULL, ".SS prog tunnel show FILE...\nshows\n.PP\n\\&.one \\&'two\n"},
        {NULL, ".nf\n  a\n  b\n"},
        {NULL, ".SH SEE ALSO\nother(1)\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct buf out = {0};
        write(&root, table[i].shell, &out);
        if (str_find(buf_str(&out), str_c(table[i].says)) < 0)
            fail_msg("%s: %s is not in\n%s", table[i].shell ? table[i].shell : "manual",
                     table[i].says, buf_c(&out));
        buf_free(&out);
    }
}

/* A program without commands has no places, and without a page to see there is no such section. */
static void nothing_below(void **state)
{
    static const char *const shells[] = {"bash", "zsh", "fish"};
    for (size_t i = 0; i < ARRAY_LEN(shells); i++) {
        struct buf out = {0};
        write(&single, shells[i], &out);
        assert_true(str_find(buf_str(&out), STR("()")) < 0 || i < 2);
        assert_true(str_find(buf_str(&out), STR("place=\"$place/$word\"")) < 0);
        buf_free(&out);
    }
    struct buf page = {0};
    manual_write(&single, "1", NULL, &page);
    assert_true(str_find(buf_str(&page), STR("SEE ALSO")) < 0);
    buf_free(&page);
}

static void unknown_shell(void **state)
{
    struct buf out = {0};
    struct err *err = completion_write(&root, STR("tcsh"), &out);
    assert_non_null(err);
    assert_string_equal(err->message, "\"tcsh\" is not one of bash, zsh, fish");
    assert_int_equal(out.n, 0);
    err_free(err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contents),
        cmocka_unit_test(nothing_below),
        cmocka_unit_test(unknown_shell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
