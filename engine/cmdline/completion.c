#include "engine/cmdline/completion.h"

#include "engine/cmdline/completion_internal.h"

static void walk(const struct cmdline_command *c, struct buf *place, size_t depth, struct buf *out,
                 completion_visit visit)
{
    BUG_ON(depth == CMDLINE_DEPTH_MAX, "commands are not nested deeper");
    visit(out, buf_c(place), c);
    for (size_t i = 0; i < c->commands_n; i++) {
        struct buf below = {0};
        buf_addf(&below, "%s/%s", buf_c(place), c->commands[i].name);
        walk(&c->commands[i], &below, depth + 1, out, visit);
        buf_free(&below);
    }
}

void completion_walk(const struct cmdline_command *root, struct buf *out, completion_visit visit)
{
    struct buf place = {0};
    walk(root, &place, 0, out, visit);
    buf_free(&place);
}

static bool names_file(const char *text)
{
    return text &&
           (str_find(str_c(text), STR("FILE")) >= 0 || str_find(str_c(text), STR("DIR")) >= 0);
}

enum completion_kind completion_of_option(const struct cmdline_option *o)
{
    return names_file(o->value) ? COMPLETE_FILES : COMPLETE_NOTHING;
}

/* A tail that lists words is all lower case: " bash|zsh|fish". */
enum completion_kind completion_of_arguments(const struct cmdline_command *c, struct buf *words)
{
    struct str word, rest = str_trim(str_c(c->tail ? c->tail : ""));
    if (!c->arguments)
        return COMPLETE_NOTHING;
    if (rest.n == 0 || rest.p[0] < 'a' || rest.p[0] > 'z')
        return names_file(c->tail) ? COMPLETE_FILES : COMPLETE_NOTHING;
    for (bool more = true; more;) {
        more = str_cut(rest, '|', &word, &rest);
        buf_addf(words, " " STR_FMT, STR_ARG(word));
    }
    return COMPLETE_WORDS;
}

void completion_quote(struct buf *out, const char *text)
{
    buf_add_char(out, '\'');
    for (const char *p = text; *p && *p != '\n'; p++) {
        if (*p == '\'')
            buf_add_c(out, "'\\''");
        else
            buf_add_char(out, *p);
    }
    buf_add_char(out, '\'');
}

struct err *completion_write(const struct cmdline_command *root, struct str shell, struct buf *out)
{
    static const struct {
        const char *name;
        void (*write)(const struct cmdline_command *root, struct buf *out);
    } shells[] = {{"bash", completion_bash}, {"zsh", completion_zsh}, {"fish", completion_fish}};
    for (size_t i = 0; i < ARRAY_LEN(shells); i++)
        if (str_eq_c(shell, shells[i].name)) {
            shells[i].write(root, out);
            return NULL;
        }
    return err_new(ERR_INVALID, "\"" STR_FMT "\" is not one of bash, zsh, fish", STR_ARG(shell));
}
