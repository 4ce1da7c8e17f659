#include "engine/cmdline/manual.h"

/* Text that roff takes as it is: no requests at the beginning of a line, no hyphens made of minus signs. */
static void roff(struct buf *out, struct str text, bool lines)
{
    bool begins = true;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (begins && (c == '.' || c == '\''))
            buf_add_c(out, "\\&");
        begins = c == '\n';
        if (c == '\\')
            buf_add_c(out, "\\e");
        else if (c == '-')
            buf_add_c(out, "\\-");
        else
            buf_add_char(out, begins && !lines ? ' ' : c);
    }
    buf_add_char(out, '\n');
}

static void paragraph(struct buf *out, const char *text)
{
    buf_add_c(out, ".PP\n");
    roff(out, str_trim(str_c(text)), false);
}

static void entry(struct buf *out, const char *name, const char *value, const char *doc)
{
    struct buf head = {0};
    buf_addf(&head, "%s%s%s", name, value ? " " : "", value ? value : "");
    buf_add_c(out, ".TP\n.B ");
    roff(out, buf_str(&head), false);
    roff(out, str_c(doc), false);
    buf_free(&head);
}

/* Text whose lines are laid out already, where a line is indented; else it is filled. */
static void more(struct buf *out, const char *text)
{
    bool laid_out = str_find(str_c(text), STR("\n  ")) >= 0 || str_starts(str_c(text), STR("  "));
    if (!laid_out) {
        paragraph(out, text);
        return;
    }
    buf_add_c(out, ".PP\n.nf\n");
    roff(out, str_c(text), true);
    buf_add_c(out, ".fi\n");
}

static void command(struct buf *out, const struct cmdline_command *c, const char *before,
                    size_t depth)
{
    struct buf name = {0};
    BUG_ON(depth == CMDLINE_DEPTH_MAX, "commands are not nested deeper");
    buf_addf(&name, "%s %s", before, c->name);
    for (size_t i = 0; i < c->commands_n; i++)
        command(out, &c->commands[i], buf_c(&name), depth + 1);
    if (c->commands_n == 0) {
        struct buf usage = {0};
        buf_addf(&usage, "%s%s", buf_c(&name), c->tail ? c->tail : " [options]");
        buf_add_c(out, ".SS ");
        roff(out, buf_str(&usage), false);
        roff(out, str_c(c->doc), false);
        if (c->more)
            more(out, c->more);
        for (size_t i = 0; i < c->options_n; i++)
            entry(out, c->options[i].name, c->options[i].value, c->options[i].doc);
        buf_free(&usage);
    }
    buf_free(&name);
}

static void heading(struct buf *out, const struct cmdline_command *root, const char *version)
{
    buf_add_c(out, ".TH \"");
    for (const char *p = root->name; *p; p++)
        buf_add_char(out, *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p);
    buf_addf(out, "\" 1 \"\" \"Paddock %s\" \"Paddock\"\n.SH NAME\n", version);
    struct buf line = {0};
    buf_addf(&line, "%s \\- ", root->name);
    buf_add(out, buf_str(&line));
    roff(out, str_c(root->doc), false);
    buf_free(&line);
    buf_addf(out, ".SH SYNOPSIS\n.B %s\n.I COMMAND\n[options]\n", root->name);
}

void manual_write(const struct cmdline_command *root, const char *version, const char *see_also,
                  struct buf *out)
{
    heading(out, root, version);
    if (root->more) {
        buf_add_c(out, ".SH DESCRIPTION\n");
        more(out, root->more);
    }
    buf_add_c(out, ".SH COMMANDS\n");
    for (size_t i = 0; i < root->commands_n; i++)
        command(out, &root->commands[i], root->name, 1);
    buf_add_c(out, ".SH COMMON OPTIONS\n");
    entry(out, "-q, -v", NULL, "less, more on standard error");
    entry(out, "--color", "WHEN", "auto, always or never");
    entry(out, "-h, --help", NULL, "what a command does, at every level");
    entry(out, "--version", NULL, "the version");
    buf_add_c(out, ".SH EXIT STATUS\n");
    entry(out, "0", NULL, "everything held");
    entry(out, "1", NULL, "a check did not hold");
    entry(out, "2", NULL, "usage or invalid input: nothing ran");
    entry(out, "3", NULL, "the world could not be set up: a port is taken, a file is unreadable");
    entry(out, "4", NULL, "nothing failed, but something is not supported in this world");
    entry(out, "130", NULL, "interrupted");
    buf_add_c(out, ".SH ENVIRONMENT\n");
    entry(out, "NO_COLOR", NULL, "when it is set, --color=auto is never");
    if (see_also) {
        buf_add_c(out, ".SH SEE ALSO\n");
        roff(out, str_c(see_also), false);
    }
}
