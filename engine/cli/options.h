/* options: command lines from tables. A program is a tree of commands; each has a table of its long options, from which
 * both the parser and the help are made.
 *
 *   words ─► command ─► its options ─► options_text, options_list, options_flag by the option's place in the table
 *
 * Long options take their value behind `=` or as the next word; behind `--` nothing is an option. Every command knows
 * --help and -h; the root also --version. What is unknown is an error that suggests what may have been meant.
 * Ownership: everything that was parsed lives in the arena and in argv. Errors: ERR_INVALID. */
#ifndef PADDOCK_ENGINE_CLI_OPTIONS_H
#define PADDOCK_ENGINE_CLI_OPTIONS_H

#include "engine/base/arena.h"
#include "engine/base/err.h"

enum option_kind {
    OPTION_FLAG,
    OPTION_TEXT, /* once: the last one counts */
    OPTION_LIST, /* may be repeated */
};

struct option_row {
    const char *name; /* "--listen" */
    enum option_kind kind;
    const char *value; /* how help names the value: "HOST:PORT"; NULL for flags */
    const char *doc;   /* lines, with '\n' between them */
};

struct shell;
struct command {
    const char *name; /* "serve" */
    const char *doc;  /* one line */
    const char *tail; /* of the usage line; NULL: none */
    const char *more; /* after the usage line; NULL: nothing */
    const struct option_row *options;
    size_t options_n;
    bool arguments; /* words that are no options are taken */
    int (*run)(struct shell *sh);
    const struct command *commands; /* below it; then run is NULL */
    size_t commands_n;
};

#define OPTIONS_DEPTH_MAX 4u

struct options_values {
    struct str *v;
    size_t n;
};

struct options {
    const struct command *path[OPTIONS_DEPTH_MAX]; /* from the root; the last one is the command */
    size_t depth;
    bool help, version;
    int verbosity;                 /* -q: -1, -v: 1 */
    struct options_values *values; /* by the option's place in the command's table */
    struct options_values arguments;
};

struct err *options_parse(struct arena *a, const struct command *root, int argc, char *const *argv,
                          struct options *out) must_check;
void options_help(const struct options *o, struct buf *out); /* of the command that was named */
static inline const struct command *options_command(const struct options *o)
{
    return o->path[o->depth - 1];
}
bool options_flag(const struct options *o, size_t row);
struct str options_text(const struct options *o, size_t row); /* str_empty: not given */
struct options_values options_list(const struct options *o, size_t row);
bool options_given(const struct options *o, size_t row);

#endif
