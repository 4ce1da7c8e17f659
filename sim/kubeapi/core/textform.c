#include "sim/kubeapi/core/textform.h"

#include <string.h>

/* ---- indented JSON ---- */

static void new_line(struct buf *out, size_t depth)
{
    char *p = buf_grow(out, 1 + 2 * depth);
    if (!p)
        return;
    p[0] = '\n';
    memset(p + 1, ' ', 2 * depth);
}

/* The length of the string literal that begins at i, quotes included. */
static size_t literal_length(struct str json, size_t i)
{
    size_t k = i + 1;
    while (k < json.n && json.p[k] != '"')
        k += json.p[k] == '\\' ? 2 : 1;
    return (k < json.n ? k + 1 : json.n) - i;
}

void textform_indent(struct str json, struct buf *out)
{
    size_t depth = 0;
    for (size_t i = 0; i < json.n; i++) {
        char c = json.p[i];
        bool opens = c == '{' || c == '[', closes = c == '}' || c == ']';
        if (c == '"') {
            size_t n = literal_length(json, i);
            buf_add(out, str_sub(json, i, n));
            i += n - 1;
        } else if (opens && i + 1 < json.n && json.p[i + 1] == c + 2) { /* ASCII: '{'+2 is '}' */
            buf_add(out, str_sub(json, i++, 2));
        } else if (opens) {
            buf_add_char(out, c);
            new_line(out, ++depth);
        } else if (closes) {
            new_line(out, depth > 0 ? --depth : 0);
            buf_add_char(out, c);
        } else {
            buf_add_char(out, c);
            if (c == ',')
                new_line(out, depth);
            else if (c == ':')
                buf_add_char(out, ' ');
        }
    }
}

/* ---- YAML ---- */

struct yaml_frame {
    const cJSON *at; /* the next child to write */
    unsigned indent;
    bool list;
};

static bool reserved_word(struct str s)
{
    static const char *const words[] = {"",   "~",   "null", "true", "false", "yes", "no",
                                        "on", "off", "y",    "n",    "<<",    "="};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (str_eq_nocase(s, str_c(words[i])))
            return true;
    return false;
}

/* Could some reader take it for a number or a date? Wider than any schema: quoting too much is harmless. */
static bool numeric_look(struct str s)
{
    char c = s.p[0];
    if (c == '.' || c == '+' || c == '-')
        c = s.n > 1 ? s.p[1] : '0';
    return (c >= '0' && c <= '9') || c == '.';
}

static bool plain_safe(struct str s)
{
    if (reserved_word(s) || numeric_look(s) || char_in(s.p[0], "!&*-:?[]{},#|>@`\"'%"))
        return false;
    if (s.p[0] == ' ' || s.p[s.n - 1] == ' ' || s.p[s.n - 1] == ':')
        return false;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < 0x20 || c >= 0x7f)
            return false;
        if ((c == ':' && s.p[i + 1] == ' ') || (c == '#' && s.p[i - 1] == ' '))
            return false;
    }
    return true;
}

/* Lines of printable text that begin without a blank: a literal block gives them back exactly. */
static bool literal_safe(struct str s)
{
    bool breaks = false;
    if (s.n == 0 || s.p[0] == ' ' || s.p[0] == '\n')
        return false;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if ((c < 0x20 && c != '\n' && c != '\t') || c >= 0x7f)
            return false;
        breaks = breaks || c == '\n';
    }
    return breaks;
}

static void write_literal(struct str s, unsigned indent, struct buf *out)
{
    size_t tail = 0;
    while (tail < s.n && s.p[s.n - 1 - tail] == '\n')
        tail++;
    buf_add_c(out, tail == 0 ? "|-" : tail == 1 ? "|" : "|+");
    struct str rest = tail > 0 ? str_sub(s, 0, s.n - 1) : s, line;
    do {
        bool more = str_cut(rest, '\n', &line, &rest);
        if (line.n > 0) {
            new_line(out, 0);
            for (unsigned i = 0; i < indent; i++)
                buf_add_char(out, ' ');
            buf_add(out, line);
        } else {
            buf_add_char(out, '\n');
        }
        if (!more)
            break;
    } while (true);
}

static void write_yaml_string(struct str s, unsigned indent, bool key, struct buf *out)
{
    if (s.n > 0 && plain_safe(s))
        buf_add(out, s);
    else if (!key && literal_safe(s))
        write_literal(s, indent, out);
    else
        json_write_string(out, s); /* JSON strings are YAML double-quoted ones */
}

/* A scalar, or an empty container. */
static void write_yaml_leaf(const cJSON *v, unsigned indent, struct buf *out)
{
    if (json_is_string(v))
        write_yaml_string(json_string(v), indent, false, out);
    else
        json_write(out, v);
}

static void blanks(struct buf *out, unsigned n)
{
    while (n-- > 0)
        buf_add_char(out, ' ');
}

static bool is_branch(const cJSON *v)
{
    return (v->type == cJSON_Object || v->type == cJSON_Array) && v->child;
}

/* Lists stand at their key's own indent, as Kubernetes' tools write them. */
static void write_yaml_tree(const cJSON *tree, struct buf *out)
{
    struct yaml_frame stack[JSON_TREE_DEPTH_MAX];
    size_t n = 0;
    bool open_line = false; /* behind "- ": the first member goes on this line */
    stack[n++] = (struct yaml_frame){tree->child, 0, tree->type == cJSON_Array};
    while (n > 0) {
        struct yaml_frame *f = &stack[n - 1];
        const cJSON *v = f->at;
        if (!v) {
            n--;
            continue;
        }
        f->at = v->next;
        if (!open_line)
            blanks(out, f->indent);
        open_line = false;
        if (f->list) {
            buf_add_c(out, "- ");
        } else {
            write_yaml_string(str_c(v->string), 0, true, out);
            buf_add_char(out, ':');
        }
        if (!is_branch(v)) {
            if (!f->list)
                buf_add_char(out, ' ');
            write_yaml_leaf(v, f->indent + 2, out);
            buf_add_char(out, '\n');
            continue;
        }
        BUG_ON(n == JSON_TREE_DEPTH_MAX, "a tree of ours has a bounded depth");
        bool list = v->type == cJSON_Array;
        unsigned deeper = f->list || !list ? f->indent + 2 : f->indent;
        open_line = f->list;
        if (!f->list)
            buf_add_char(out, '\n');
        stack[n++] = (struct yaml_frame){v->child, deeper, list};
    }
}

void textform_yaml(const cJSON *tree, struct buf *out)
{
    if (is_branch(tree)) {
        write_yaml_tree(tree, out);
        return;
    }
    write_yaml_leaf(tree, 2, out);
    buf_add_char(out, '\n');
}
