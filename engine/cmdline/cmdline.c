#include "engine/cmdline/cmdline.h"

#include "engine/base/suggest.h"

#define HELP_COLUMN    26
#define CANDIDATES_MAX 64u

struct parser {
    struct arena *arena;
    int argc, at;
    char *const *argv;
    struct cmdline *out;
    bool ended; /* behind "--" nothing is an option */
};

static void append(struct arena *a, struct cmdline_values *list, struct str value)
{
    struct str *more = ARENA_NEW_ARRAY(a, struct str, list->n + 1);
    for (size_t i = 0; i < list->n; i++)
        more[i] = list->v[i];
    more[list->n++] = value;
    list->v = more;
}

/* ---- what is not known ---- */

static struct err *unknown(const char *what, struct str word, const struct str *known, size_t n)
{
    struct str near = suggest_word(word, known, n);
    if (near.n)
        return err_new(ERR_INVALID, "unknown %s \"" STR_FMT "\"; did you mean \"" STR_FMT "\"?",
                       what, STR_ARG(word), STR_ARG(near));
    struct buf list = {0};
    for (size_t i = 0; i < n; i++)
        buf_addf(&list, "%s" STR_FMT, i ? ", " : "", STR_ARG(known[i]));
    struct err *err = err_new(ERR_INVALID, "unknown %s \"" STR_FMT "\"; known are %s", what,
                              STR_ARG(word), buf_c(&list));
    buf_free(&list);
    return err;
}

static struct err *unknown_option(const struct cmdline_command *c, struct str name)
{
    struct str known[CANDIDATES_MAX];
    size_t n = 0;
    BUG_ON(c->options_n + 3 > CANDIDATES_MAX, "a command has a few options");
    for (size_t i = 0; i < c->options_n; i++)
        known[n++] = str_c(c->options[i].name);
    known[n++] = STR("--color");
    known[n++] = STR("--help");
    known[n++] = STR("--version");
    return unknown("option", name, known, n);
}

static struct err *unknown_command(const struct cmdline_command *c, struct str name)
{
    struct str known[CANDIDATES_MAX];
    BUG_ON(c->commands_n > CANDIDATES_MAX, "a program has a few commands");
    for (size_t i = 0; i < c->commands_n; i++)
        known[i] = str_c(c->commands[i].name);
    return unknown("command", name, known, c->commands_n);
}

/* ---- one word after the other ---- */

static struct err *value_of(struct parser *p, struct str name, const char *what, bool given,
                            struct str *value)
{
    if (!given && p->at < p->argc)
        *value = str_c(p->argv[p->at++]);
    return value->n ? NULL
                    : err_new(ERR_INVALID, STR_FMT " needs a value: %s", STR_ARG(name), what);
}

static struct err *take_color(struct parser *p, struct str value)
{
    static const char *const names[] = {
        [CMDLINE_COLOR_AUTO] = "auto",
        [CMDLINE_COLOR_ALWAYS] = "always",
        [CMDLINE_COLOR_NEVER] = "never",
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq_c(value, names[i])) {
            p->out->color = (enum cmdline_color)i;
            return NULL;
        }
    return err_new(ERR_INVALID, "--color: \"" STR_FMT "\" is not one of auto, always, never",
                   STR_ARG(value));
}

static struct err *long_option(struct parser *p, struct str word)
{
    const struct cmdline_command *c = cmdline_command(p->out);
    struct str name, value;
    bool has_value = str_cut(word, '=', &name, &value);
    bool help = str_eq_c(name, "--help"), version = str_eq_c(name, "--version");
    p->out->help |= help;
    p->out->version |= version;
    if (help || version)
        return has_value ? err_new(ERR_INVALID, STR_FMT " takes no value", STR_ARG(name)) : NULL;
    struct err *err = NULL;
    if (str_eq_c(name, "--color")) {
        err = value_of(p, name, "auto, always or never", has_value, &value);
        return err ? err : take_color(p, value);
    }
    size_t i = 0;
    while (i < c->options_n && !str_eq_c(name, c->options[i].name))
        i++;
    if (i == c->options_n)
        return unknown_option(c, name);
    if (c->options[i].kind != OPTION_FLAG)
        err = value_of(p, name, c->options[i].value, has_value, &value);
    else if (has_value)
        err = err_new(ERR_INVALID, STR_FMT " takes no value", STR_ARG(name));
    if (err)
        return err;
    append(p->arena, &p->out->values[i], value);
    return NULL;
}

/* -q, -v, -h, also in one word. */
static struct err *short_options(struct parser *p, struct str word)
{
    for (size_t i = 1; i < word.n; i++) {
        if (word.p[i] == 'q')
            p->out->verbosity = -1;
        else if (word.p[i] == 'v')
            p->out->verbosity = 1;
        else if (word.p[i] == 'h')
            p->out->help = true;
        else
            return err_new(ERR_INVALID, "unknown option \"-%c\"; short ones are -q, -v and -h",
                           word.p[i]);
    }
    return NULL;
}

static void enter(struct parser *p, const struct cmdline_command *c)
{
    struct cmdline *o = p->out;
    BUG_ON(o->depth == CMDLINE_DEPTH_MAX, "commands are not nested deeper");
    o->path[o->depth++] = c;
    o->values = ARENA_NEW_ARRAY(p->arena, struct cmdline_values, c->options_n + 1);
}

static struct err *plain_word(struct parser *p, struct str word)
{
    const struct cmdline_command *c = cmdline_command(p->out);
    for (size_t i = 0; i < c->commands_n; i++)
        if (str_eq_c(word, c->commands[i].name)) {
            enter(p, &c->commands[i]);
            return NULL;
        }
    if (c->commands_n && str_eq_c(word, "help")) {
        p->out->help = true;
        return NULL;
    }
    if (c->commands_n)
        return unknown_command(c, word);
    if (!c->arguments)
        return err_new(ERR_INVALID, "\"" STR_FMT "\": %s takes no arguments", STR_ARG(word),
                       c->name);
    append(p->arena, &p->out->arguments, word);
    return NULL;
}

struct err *cmdline_parse(struct arena *a, const struct cmdline_command *root, int argc,
                          char *const *argv, struct cmdline *out)
{
    struct parser p = {.arena = a, .argc = argc, .at = 1, .argv = argv, .out = out};
    struct err *err = NULL;
    *out = (struct cmdline){0};
    enter(&p, root);
    while (!err && p.at < argc) {
        struct str word = str_c(argv[p.at++]);
        if (!p.ended && str_eq_c(word, "--"))
            p.ended = true;
        else if (!p.ended && str_starts(word, STR("--")))
            err = long_option(&p, word);
        else if (!p.ended && str_starts(word, STR("-")) && word.n > 1)
            err = short_options(&p, word);
        else
            err = plain_word(&p, word);
    }
    if (err || out->help || out->version)
        return err;
    const struct cmdline_command *c = cmdline_command(out);
    if (!c->commands_n)
        return NULL;
    if (out->depth == 1) /* the program alone: its help */
        out->help = true;
    else
        err = err_new(ERR_INVALID, "%s needs a command; `%s %s --help` tells which", c->name,
                      out->path[0]->name, c->name);
    return err;
}

/* ---- help ---- */

static void help_line(struct buf *out, struct str head, const char *doc)
{
    struct str line, rest = str_c(doc);
    buf_add_c(out, "  ");
    buf_add(out, head);
    for (size_t at = 2 + head.n; at < HELP_COLUMN; at++)
        buf_add_char(out, ' ');
    if (2 + head.n >= HELP_COLUMN)
        buf_addf(out, "\n%*s", HELP_COLUMN, "");
    bool more = str_cut(rest, '\n', &line, &rest);
    buf_addf(out, STR_FMT "\n", STR_ARG(line));
    while (more) {
        more = str_cut(rest, '\n', &line, &rest);
        buf_addf(out, "%*s" STR_FMT "\n", HELP_COLUMN, "", STR_ARG(line));
    }
}

static void help_options(const struct cmdline_command *c, struct buf *out)
{
    struct buf head = {0};
    for (size_t i = 0; i < c->options_n; i++) {
        const struct cmdline_option *row = &c->options[i];
        buf_clear(&head);
        buf_addf(&head, "%s%s%s", row->name, row->value ? " " : "", row->value ? row->value : "");
        help_line(out, buf_str(&head), row->doc);
    }
    help_line(out, STR("-q, -v"), "less, more on standard error");
    help_line(out, STR("--color WHEN"), "auto, always or never (NO_COLOR is honoured)");
    help_line(out, STR("-h, --help"), "this text");
    buf_free(&head);
}

void cmdline_help(const struct cmdline *o, struct buf *out)
{
    const struct cmdline_command *c = cmdline_command(o);
    struct buf name = {0};
    for (size_t i = 0; i < o->depth; i++)
        buf_addf(&name, "%s%s", i ? " " : "", o->path[i]->name);
    buf_addf(out, "%s: %s\n", buf_c(&name), c->doc);
    buf_addf(out, "usage: %s%s%s\n", buf_c(&name), c->commands_n ? " COMMAND" : "",
             c->tail ? c->tail : " [options]");
    if (c->more)
        buf_addf(out, "\n%s", c->more);
    buf_add_char(out, '\n');
    for (size_t i = 0; i < c->commands_n; i++)
        help_line(out, str_c(c->commands[i].name), c->commands[i].doc);
    if (c->commands_n)
        buf_addf(out, "\n`%s COMMAND --help` tells more.\n", buf_c(&name));
    else
        help_options(c, out);
    buf_free(&name);
}

/* ---- values ---- */

struct cmdline_values cmdline_list(const struct cmdline *o, size_t row)
{
    BUG_ON(row >= cmdline_command(o)->options_n, "an option of this command is asked for");
    return o->values[row];
}

bool cmdline_given(const struct cmdline *o, size_t row)
{
    return cmdline_list(o, row).n > 0;
}

bool cmdline_flag(const struct cmdline *o, size_t row)
{
    return cmdline_given(o, row);
}

struct str cmdline_text(const struct cmdline *o, size_t row)
{
    struct cmdline_values all = cmdline_list(o, row);
    return all.n ? all.v[all.n - 1] : str_empty;
}
