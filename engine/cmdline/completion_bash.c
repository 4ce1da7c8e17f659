/* bash and zsh: one function that finds its place in the tree, then offers what is there. Both have `case`, so that both
 * are made of the same rows: "PLACE --option" says what a value may be, "PLACE" what else may stand there. */
#include "engine/cmdline/completion_internal.h"

/* ---- rows ---- */

static void place_pattern(struct buf *out, const char *place, const struct cmdline_command *c)
{
    (void)c;
    if (*place)
        buf_addf(out, "%s%s", out->n ? "|" : "", place);
}

static void option_patterns(struct buf *out, const char *place, const struct cmdline_command *c,
                            bool files)
{
    for (size_t i = 0; i < c->options_n; i++) {
        const struct cmdline_option *o = &c->options[i];
        if (o->kind != OPTION_FLAG && files == (completion_of_option(o) == COMPLETE_FILES))
            buf_addf(out, "%s\"%s %s\"", out->n ? "|" : "", place, o->name);
    }
}

static void file_pattern(struct buf *out, const char *place, const struct cmdline_command *c)
{
    option_patterns(out, place, c, true);
}

static void value_pattern(struct buf *out, const char *place, const struct cmdline_command *c)
{
    option_patterns(out, place, c, false);
}

/* "(PATTERNS) ACTION ;;", of options that are there. */
static void value_row(const struct cmdline_command *root, struct buf *out, completion_visit visit,
                      const char *action)
{
    struct buf patterns = {0};
    completion_walk(root, &patterns, visit);
    if (patterns.n)
        buf_addf(out, "        (%s) %s ;;\n", buf_c(&patterns), action);
    buf_free(&patterns);
}

static void find_place(const struct cmdline_command *root, struct buf *out)
{
    struct buf places = {0};
    completion_walk(root, &places, place_pattern);
    if (places.n)
        buf_addf(out,
                 "        case \"$place/$word\" in\n"
                 "            (%s) place=\"$place/$word\" ;;\n"
                 "        esac\n",
                 buf_c(&places));
    else
        buf_add_c(out, "        :\n");
    buf_free(&places);
}

/* ---- bash ---- */

static void bash_words(struct buf *out, const char *place, const struct cmdline_command *c)
{
    struct buf words = {0};
    enum completion_kind arguments = completion_of_arguments(c, &words);
    buf_addf(out, "        (\"%s\") words=\"", place);
    for (size_t i = 0; i < c->commands_n; i++)
        buf_addf(out, "%s ", c->commands[i].name);
    for (size_t i = 0; i < c->options_n; i++)
        buf_addf(out, "%s ", c->options[i].name);
    buf_addf(out, "--color --help --version%s\"%s ;;\n", buf_c(&words),
             arguments == COMPLETE_FILES ? "; files=1" : "");
    buf_free(&words);
}

void completion_bash(const struct cmdline_command *root, struct buf *out)
{
    buf_addf(out,
             "# bash completion for %s: made by `%s completion bash`\n"
             "_%s() {\n"
             "    local current=${COMP_WORDS[COMP_CWORD]} before= place= words= word= files= i\n"
             "    COMPREPLY=()\n"
             "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
             "        word=${COMP_WORDS[i]}\n",
             root->name, root->name, root->name);
    find_place(root, out);
    buf_add_c(out, "    done\n"
                   "    i=$((COMP_CWORD - 1)) # bash makes a word of the = in --name=value\n"
                   "    [ \"$current\" != = ] || current=\n"
                   "    [ \"${COMP_WORDS[i]}\" != = ] || i=$((i - 1))\n"
                   "    before=${COMP_WORDS[i]}\n"
                   "    case \"$place $before\" in\n");
    buf_add_c(out, "        (*\" --color\") COMPREPLY=($(compgen -W '" COMPLETION_COLORS
                   "' -- \"$current\")); return ;;\n");
    value_row(root, out, file_pattern,
              "compopt -o filenames; COMPREPLY=($(compgen -f -- \"$current\")); return");
    value_row(root, out, value_pattern, "return");
    buf_add_c(out, "    esac\n    case \"$place\" in\n");
    completion_walk(root, out, bash_words);
    buf_addf(out,
             "    esac\n"
             "    if [ -n \"$files\" ] && [ \"${current#-}\" = \"$current\" ]; then\n"
             "        compopt -o filenames\n"
             "        COMPREPLY=($(compgen -f -- \"$current\"))\n"
             "    else\n"
             "        COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
             "    fi\n"
             "}\n"
             "complete -F _%s %s\n",
             root->name, root->name);
}

/* ---- zsh ---- */

static void zsh_word(struct buf *out, const char *name, const char *doc)
{
    struct buf both = {0};
    buf_addf(&both, "%s:%s", name, doc);
    buf_add_char(out, ' ');
    completion_quote(out, buf_c(&both));
    buf_free(&both);
}

static void zsh_words(struct buf *out, const char *place, const struct cmdline_command *c)
{
    struct buf words = {0};
    struct str word, rest;
    enum completion_kind arguments = completion_of_arguments(c, &words);
    buf_addf(out, "        (\"%s\") known=(", place);
    for (size_t i = 0; i < c->commands_n; i++)
        zsh_word(out, c->commands[i].name, c->commands[i].doc);
    for (size_t i = 0; i < c->options_n; i++)
        zsh_word(out, c->options[i].name, c->options[i].doc);
    rest = str_trim(buf_str(&words));
    for (bool more = rest.n > 0; more;) {
        more = str_cut(rest, ' ', &word, &rest);
        buf_addf(out, " " STR_FMT, STR_ARG(word));
    }
    zsh_word(out, "--color", "auto, always or never");
    zsh_word(out, "--help", "what it does");
    zsh_word(out, "--version", "the version");
    buf_addf(out, " )%s ;;\n", arguments == COMPLETE_FILES ? "; files=1" : "");
    buf_free(&words);
}

void completion_zsh(const struct cmdline_command *root, struct buf *out)
{
    buf_addf(out,
             "#compdef %s\n"
             "# made by `%s completion zsh`\n"
             "_%s() {\n"
             "    local place= word= files= i\n"
             "    local -a known\n"
             "    for ((i = 2; i < CURRENT; i++)); do\n"
             "        word=${words[i]}\n",
             root->name, root->name, root->name);
    find_place(root, out);
    buf_add_c(out, "    done\n    case \"$place ${words[CURRENT - 1]}\" in\n");
    buf_add_c(out, "        (*\" --color\") compadd " COMPLETION_COLORS "; return ;;\n");
    value_row(root, out, file_pattern, "_files; return");
    value_row(root, out, value_pattern, "_message value; return");
    buf_add_c(out, "    esac\n    case \"$place\" in\n");
    completion_walk(root, out, zsh_words);
    buf_addf(out,
             "    esac\n"
             "    [ -z \"$files\" ] || _files\n"
             "    _describe '%s' known\n"
             "}\n"
             "if [ \"$funcstack[1]\" = _%s ]; then _%s \"$@\"; else compdef _%s %s; fi\n",
             root->name, root->name, root->name, root->name, root->name);
}
