/* cmdline: command lines from tables. A program is a tree of commands; each has a table of its long options, from which
 * both the parser and the help are made.
 *
 *   words ─► command ─► its options ─► cmdline_text, cmdline_list, cmdline_flag by the option's place in the table
 *
 * Long options take their value behind `=` or as the next word; behind `--` nothing is an option. Every command knows
 * --help and -h, --color and --version. What is unknown is an error that suggests what may have been meant.
 * Ownership: everything that was parsed lives in the arena and in argv. Errors: ERR_INVALID. */
#ifndef PADDOCK_ENGINE_CMDLINE_CMDLINE_H
#define PADDOCK_ENGINE_CMDLINE_CMDLINE_H

#include "engine/base/arena.h"
#include "engine/base/err.h"

enum option_kind {
    OPTION_FLAG,
    OPTION_TEXT, /* once: the last one counts */
    OPTION_LIST, /* may be repeated */
};

struct cmdline_option {
    const char *name; /* "--listen" */
    enum option_kind kind;
    const char *value; /* how help names the value: "HOST:PORT"; NULL for flags */
    const char *doc;   /* lines, with '\n' between them */
};

struct shell;
struct cmdline_command {
    const char *name; /* "serve" */
    const char *doc;  /* one line */
    const char *tail; /* of the usage line; NULL: none */
    const char *more; /* after the usage line; NULL: nothing */
    const struct cmdline_option *options;
    size_t options_n;
    bool arguments; /* words that are no options are taken */
    int (*run)(struct shell *sh);
    const struct cmdline_command *commands; /* below it; then run is NULL */
    size_t commands_n;
};

#define CMDLINE_DEPTH_MAX 4u

struct cmdline_values {
    struct str *v;
    size_t n;
};

enum cmdline_color { CMDLINE_COLOR_AUTO, CMDLINE_COLOR_ALWAYS, CMDLINE_COLOR_NEVER };

struct cmdline {
    const struct cmdline_command
        *path[CMDLINE_DEPTH_MAX]; /* from the root; the last one is the command */
    size_t depth;
    bool help, version;
    int verbosity; /* -q: -1, -v: 1 */
    enum cmdline_color color;
    struct cmdline_values *values; /* by the option's place in the command's table */
    struct cmdline_values arguments;
};

struct err *cmdline_parse(struct arena *a, const struct cmdline_command *root, int argc,
                          char *const *argv, struct cmdline *out) must_check;
void cmdline_help(const struct cmdline *o, struct buf *out); /* of the command that was named */
static inline const struct cmdline_command *cmdline_command(const struct cmdline *o)
{
    return o->path[o->depth - 1];
}
bool cmdline_flag(const struct cmdline *o, size_t row);
struct str cmdline_text(const struct cmdline *o, size_t row); /* str_empty: not given */
struct cmdline_values cmdline_list(const struct cmdline *o, size_t row);
bool cmdline_given(const struct cmdline *o, size_t row);

#endif
