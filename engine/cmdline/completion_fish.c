/* fish: a function that tells the place in the tree, and a row for each thing that may stand there. */
#include "engine/cmdline/completion_internal.h"

static void place_word(struct buf *out, const char *place, const struct cmdline_command *c)
{
    (void)c;
    if (*place)
        buf_addf(out, " %s", place);
}

static void row(struct buf *out, const char *program, const char *place, const char *what,
                const char *doc)
{
    buf_addf(out, "complete -c %s -n '__%s_at \"%s\"' %s -d ", program, program, place, what);
    completion_quote(out, doc);
    buf_add_char(out, '\n');
}

static void option_row(struct buf *out, const char *program, const char *place,
                       const struct cmdline_option *o)
{
    struct buf what = {0};
    bool takes = o->kind != OPTION_FLAG;
    buf_addf(&what, "-l %s%s", o->name + 2,
             !takes                                      ? ""
             : completion_of_option(o) == COMPLETE_FILES ? " -r -F"
                                                         : " -x");
    row(out, program, place, buf_c(&what), o->doc);
    buf_free(&what);
}

static void rows(const struct cmdline_command *root, struct buf *place, size_t depth,
                 const struct cmdline_command *c, struct buf *out)
{
    struct buf words = {0}, what = {0};
    BUG_ON(depth == CMDLINE_DEPTH_MAX, "commands are not nested deeper");
    for (size_t i = 0; i < c->options_n; i++)
        option_row(out, root->name, buf_c(place), &c->options[i]);
    enum completion_kind arguments = completion_of_arguments(c, &words);
    if (arguments == COMPLETE_FILES)
        row(out, root->name, buf_c(place), "-F", "a file");
    if (arguments == COMPLETE_WORDS) {
        buf_addf(&what, "-a '%s'", buf_c(&words) + 1);
        row(out, root->name, buf_c(place), buf_c(&what), c->doc);
    }
    for (size_t i = 0; i < c->commands_n; i++) {
        struct buf below = {0};
        buf_clear(&what);
        buf_addf(&what, "-a %s", c->commands[i].name);
        row(out, root->name, buf_c(place), buf_c(&what), c->commands[i].doc);
        buf_addf(&below, "%s/%s", buf_c(place), c->commands[i].name);
        rows(root, &below, depth + 1, &c->commands[i], out);
        buf_free(&below);
    }
    buf_free(&words);
    buf_free(&what);
}

void completion_fish(const struct cmdline_command *root, struct buf *out)
{
    struct buf places = {0}, place = {0};
    const char *name = root->name;
    completion_walk(root, &places, place_word);
    buf_addf(out,
             "# fish completion for %s: made by `%s completion fish`\n"
             "function __%s_at\n"
             "    set -l place \"\"\n"
             "    for word in (commandline -opc)[2..-1]\n"
             "        if contains -- \"$place/$word\"%s\n"
             "            set place \"$place/$word\"\n"
             "        end\n"
             "    end\n"
             "    test \"$place\" = \"$argv[1]\"\n"
             "end\n"
             "complete -c %s -f\n"
             "complete -c %s -l color -x -a '" COMPLETION_COLORS "'\n"
             "complete -c %s -s h -l help -d 'what it does'\n"
             "complete -c %s -l version -d 'the version'\n",
             name, name, name, buf_c(&places), name, name, name, name);
    rows(root, &place, 0, root, out);
    buf_free(&places);
    buf_free(&place);
}
