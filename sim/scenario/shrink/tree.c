/* The tree of a file that is being reduced, and its writer. */
#include "sim/scenario/shrink/tree.h"

#include "engine/base/json.h"

/* The depth is bounded by the YAML reader. */
static struct tree *copy(struct arena *a, const struct yaml_node *node, struct tree *parent)
{
    struct tree *t = ARENA_NEW(a, struct tree);
    *t = (struct tree){.kind = node->kind,
                       .text = arena_str(a, node->text),
                       .plain = node->plain,
                       .key_plain = node->key_plain,
                       .key = arena_str(a, node->key),
                       .parent = parent};
    bool nested = node->kind == YAML_MAP || node->kind == YAML_LIST;
    struct tree **end = &t->first;
    for (const struct yaml_node *n = nested ? node->first : NULL; n; n = n->next) {
        *end = copy(a, n, t);
        end = &(*end)->next;
    }
    return t;
}

struct tree *tree_of(struct arena *a, const struct yaml_node *node)
{
    return copy(a, node, NULL);
}

static struct tree *entry_of(const struct tree *map, struct str key)
{
    for (struct tree *t = map && map->kind == YAML_MAP ? map->first : NULL; t; t = t->next)
        if (!t->hidden && str_eq(t->key, key))
            return t;
    return NULL;
}

struct tree *tree_get(const struct tree *map, const char *key)
{
    return entry_of(map, str_c(key));
}

struct tree *tree_path(const struct tree *root, const char *dotted)
{
    struct str head, rest;
    (void)str_cut(str_c(dotted), '.', &head, &rest);
    struct tree *found = entry_of(root, head);
    while (rest.n) {
        (void)str_cut(rest, '.', &head, &rest);
        found = entry_of(found, head);
    }
    return found;
}

size_t tree_count(const struct tree *t)
{
    size_t n = 0;
    for (const struct tree *c = t ? t->first : NULL; c; c = c->next)
        n += !c->hidden;
    return n;
}

struct tree *tree_set(struct arena *a, struct tree *map, const char *key, enum yaml_kind kind,
                      struct str text)
{
    struct tree *t = tree_get(map, key);
    if (!t) {
        struct tree **end = &map->first;
        while (*end)
            end = &(*end)->next;
        t = *end = ARENA_NEW(a, struct tree);
        *t = (struct tree){.key = str_c(key), .key_plain = true, .parent = map};
    }
    t->kind = kind;
    t->text = arena_str(a, text);
    t->plain = kind != YAML_STRING;
    t->first = NULL;
    return t;
}

struct tree *tree_next(struct tree *root, struct tree *at)
{
    if (at->first && !at->hidden)
        return at->first;
    while (at != root && !at->next)
        at = at->parent;
    return at == root ? NULL : at->next;
}

/* ---- writing ---- */

static bool is_nested(const struct tree *t)
{
    return t->kind == YAML_MAP || t->kind == YAML_LIST;
}

/* Nothing of it is left to be written, not even its key. */
static bool is_gone(const struct tree *t)
{
    bool emptied = is_nested(t) && t->first && tree_count(t) == 0;
    bool section = !t->parent->parent;
    return t->hidden || (emptied && (t->kind == YAML_LIST || section));
}

static const struct tree *visible(const struct tree *t)
{
    while (t && is_gone(t))
        t = t->next;
    return t;
}

static void write_text(struct str text, bool plain, struct buf *out)
{
    if (plain)
        buf_add(out, text);
    else
        json_write_string(out, text);
}

static void write_scalar(const struct tree *t, struct buf *out)
{
    if (t->kind == YAML_NULL)
        buf_add_c(out, "null");
    else
        write_text(t->text, t->plain, out);
}

static void write_flow(const struct tree *t, struct buf *out)
{
    if (!is_nested(t)) {
        write_scalar(t, out);
        return;
    }
    buf_add_char(out, t->kind == YAML_MAP ? '{' : '[');
    const struct tree *first = visible(t->first);
    for (const struct tree *c = first; c; c = visible(c->next)) {
        if (c != first)
            buf_add_c(out, ", ");
        if (t->kind == YAML_MAP) {
            write_text(c->key, c->key_plain, out);
            buf_add_c(out, ": ");
        }
        write_flow(c, out);
    }
    buf_add_char(out, t->kind == YAML_MAP ? '}' : ']');
}

static void spaces(struct buf *out, unsigned n)
{
    while (n--)
        buf_add_char(out, ' ');
}

void tree_comment(struct str text, unsigned indent, struct buf *out)
{
    struct str word, rest = text;
    size_t column = 0;
    while (rest.n) {
        (void)str_cut(rest, ' ', &word, &rest);
        if (column > 0 && column + 1 + word.n > TREE_COLUMNS) {
            buf_add_char(out, '\n');
            column = 0;
        }
        if (column == 0) {
            spaces(out, indent);
            buf_add_char(out, '#');
            column = indent + 1;
        }
        buf_add_char(out, ' ');
        for (size_t i = 0; i < word.n; i++) /* what came in from outside ends no comment */
            buf_add_char(out, word.p[i] == '\n' || word.p[i] == '\r' ? ' ' : word.p[i]);
        column += 1 + word.n;
    }
    buf_add_char(out, '\n');
}

/* The notes of all that is written on one line. */
static void gather_notes(const struct tree *t, struct buf *out)
{
    if (t->note.n)
        buf_addf(out, "%s" STR_FMT, out->n ? "; " : "", STR_ARG(t->note));
    for (const struct tree *c = is_nested(t) ? visible(t->first) : NULL; c; c = visible(c->next))
        gather_notes(c, out);
}

static void write_block(const struct tree *t, unsigned indent, bool hang, struct buf *out);

/* One entry; `hang` means that it stands behind a dash. */
static void write_entry(const struct tree *t, unsigned indent, bool hang, struct buf *out)
{
    struct buf line = {0}, notes = {0};
    bool item = t->parent->kind == YAML_LIST, section = !t->parent->parent;
    if (item)
        buf_add_c(&line, "- ");
    else
        write_text(t->key, t->key_plain, &line);
    buf_add_c(&line, item ? "" : ": ");
    size_t head = line.n;
    write_flow(t, &line);
    bool opened = section && t->kind == YAML_LIST && visible(t->first);
    bool one_line =
        !is_nested(t) || !visible(t->first) || (!opened && indent + line.n <= TREE_COLUMNS);
    if (one_line) {
        gather_notes(t, &notes);
    } else {
        line.n = head;
        buf_add(&notes, t->note);
    }
    bool fits = indent + line.n + 4 + notes.n <= TREE_COLUMNS;
    bool behind = one_line && notes.n && (fits || hang);
    if (notes.n && !behind && !hang)
        tree_comment(buf_str(&notes), indent, out);
    if (!hang)
        spaces(out, indent);
    if (!one_line && !item)
        line.n--; /* the blank behind the colon */
    buf_add(out, buf_str(&line));
    if (behind)
        buf_addf(out, "  # " STR_FMT, STR_ARG(buf_str(&notes)));
    if (one_line || !item)
        buf_add_char(out, '\n');
    if (!one_line)
        write_block(t, indent + 2, item, out);
    buf_free(&line);
    buf_free(&notes);
}

static void write_block(const struct tree *t, unsigned indent, bool hang, struct buf *out)
{
    const struct tree *first = visible(t->first);
    for (const struct tree *c = first; c; c = visible(c->next))
        write_entry(c, indent, hang && c == first, out);
}

void tree_write(const struct tree *root, struct buf *out)
{
    write_block(root, 0, false, out);
}
