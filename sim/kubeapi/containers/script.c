#include "sim/kubeapi/containers/script.h"
#include "sim/kubeapi/containers/program.h"

struct reader {
    struct arena *a;
    struct str rest;
    const struct script_values *values;
    const char *problem;
};

static char peek(const struct reader *r, size_t at)
{
    return at < r->rest.n ? r->rest.p[at] : '\0';
}

static void skip(struct reader *r, size_t n)
{
    r->rest = str_sub(r->rest, n, r->rest.n);
}

static bool is_name(char c, bool first)
{
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (!first && c >= '0' && c <= '9');
}

static void add_value(struct reader *r, struct str name, struct buf *word)
{
    const struct container *c = r->values->container;
    for (size_t i = c->env_n; i > 0; i--)
        if (str_eq(c->env[i - 1].name, name)) {
            buf_add(word, c->env[i - 1].value);
            return;
        }
}

/* Behind a '$'. */
static void expand(struct reader *r, struct buf *word)
{
    bool braces = peek(r, 0) == '{';
    size_t n = 0, from = braces ? 1 : 0;
    if (peek(r, 0) == '?') {
        buf_addf(word, "%d", r->values->last);
        skip(r, 1);
        return;
    }
    while (is_name(peek(r, from + n), n == 0))
        n++;
    if (n == 0 || (braces && peek(r, from + n) != '}')) {
        if (braces)
            r->problem = "bad substitution";
        buf_add_char(word, '$');
        return;
    }
    add_value(r, str_sub(r->rest, from, n), word);
    skip(r, from + n + (braces ? 1 : 0));
}

static void read_quoted(struct reader *r, char quote, struct buf *word)
{
    skip(r, 1);
    while (r->rest.n > 0 && peek(r, 0) != quote) {
        char c = peek(r, 0);
        skip(r, 1);
        if (quote == '"' && c == '$') {
            expand(r, word);
            continue;
        }
        if (quote == '"' && c == '\\' && char_in(peek(r, 0), "\"\\$")) {
            c = peek(r, 0);
            skip(r, 1);
        }
        buf_add_char(word, c);
    }
    if (r->rest.n == 0)
        r->problem = "unterminated quoted string";
    skip(r, 1);
}

static void read_word(struct reader *r, struct buf *word)
{
    while (r->rest.n > 0 && !r->problem && !char_in(peek(r, 0), " \t\r\n;&|<>()")) {
        char c = peek(r, 0);
        if (c == '\'' || c == '"') {
            read_quoted(r, c, word);
            continue;
        }
        skip(r, 1);
        if (c == '$')
            expand(r, word);
        else if (c == '\\' && r->rest.n > 0) {
            buf_add_char(word, peek(r, 0));
            skip(r, 1);
        } else {
            buf_add_char(word, c);
        }
    }
    if (!buf_ok(word))
        r->problem = "word too long";
}

/* ">&2" and its like. True: there was one. */
static bool read_target(struct reader *r, struct script_command *c)
{
    static const struct {
        const char *text;
        bool err;
        enum script_target to;
    } known[] = {
        {">/dev/null", false, SCRIPT_NULL},  {"> /dev/null", false, SCRIPT_NULL},
        {"1>/dev/null", false, SCRIPT_NULL}, {"2>/dev/null", true, SCRIPT_NULL},
        {"2> /dev/null", true, SCRIPT_NULL}, {">&2", false, SCRIPT_OTHER},
        {"1>&2", false, SCRIPT_OTHER},       {"2>&1", true, SCRIPT_OTHER},
    };
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (!str_starts(r->rest, str_c(known[i].text)))
            continue;
        *(known[i].err ? &c->err : &c->out) = known[i].to;
        skip(r, strlen(known[i].text));
        return true;
    }
    return false;
}

/* True: the command ends here. */
static bool read_join(struct reader *r, struct script_command *c)
{
    char a = peek(r, 0), b = peek(r, 1);
    if (a == ';' || a == '\n') {
        skip(r, 1);
        return true;
    }
    if ((a == '&' || a == '|') && a == b) {
        c->next = a == '&' ? SCRIPT_AND : SCRIPT_OR;
        skip(r, 2);
        return true;
    }
    if (char_in(a, "&|<>()"))
        r->problem = "pipes, files and groups are not known here";
    return r->rest.n == 0 || r->problem;
}

static void skip_comment(struct reader *r)
{
    ptrdiff_t end = peek(r, 0) == '#' ? str_find_char(r->rest, '\n') : 0;
    skip(r, end < 0 ? r->rest.n : (size_t)end);
}

bool script_next(struct arena *a, struct str *rest, const struct script_values *values,
                 struct script_command *out, const char **problem)
{
    struct reader r = {.a = a, .rest = *rest, .values = values};
    *out = (struct script_command){.words = ARENA_NEW_ARRAY(a, struct str, PROGRAM_WORDS_MAX)};
    for (;;) {
        while (char_in(peek(&r, 0), " \t\r") && r.rest.n > 0)
            skip(&r, 1);
        skip_comment(&r);
        if (read_target(&r, out))
            continue;
        if (read_join(&r, out))
            break;
        struct buf word = {.max = SCRIPT_WORD_MAX};
        read_word(&r, &word);
        if (out->n == PROGRAM_WORDS_MAX)
            r.problem = "too many words";
        else
            out->words[out->n++] = arena_str(a, buf_str(&word));
        buf_free(&word);
        if (r.problem)
            break;
    }
    *rest = r.rest;
    *problem = r.problem;
    return !r.problem;
}
