/* What is written and never referred to: an axis whose cases would all be equal, a field of a variant that somebody
 * misspelt where it is used. Parameters may stand by: a file is often written from another. */
#include "sim/scenario/expr/lexer.h"
#include "sim/scenario/language/load.h"
#include "sim/scenario/language/schema_internal.h"

struct names {
    struct arena *arena;
    struct str *v;
    size_t n, cap;
};

static bool has_name(const struct names *names, struct str name)
{
    for (size_t i = 0; i < names->n; i++)
        if (str_eq(names->v[i], name))
            return true;
    return false;
}

static void note_name(struct names *names, struct str name)
{
    if (has_name(names, name))
        return;
    if (names->n == names->cap) {
        size_t cap = names->cap ? names->cap * 2 : 32;
        struct str *v = ARENA_NEW_ARRAY(names->arena, struct str, cap);
        for (size_t i = 0; i < names->n; i++)
            v[i] = names->v[i];
        names->v = v;
        names->cap = cap;
    }
    names->v[names->n++] = name;
}

/* Every word of a text that may hold an expression. */
static void note_words(struct names *names, struct str text)
{
    struct lexer lexer = {.text = text, .arena = names->arena};
    for (struct token t = lexer_next(&lexer); t.kind != TOKEN_END; t = lexer_next(&lexer)) {
        if (t.kind == TOKEN_WORD)
            note_name(names, t.text);
        if (t.kind == TOKEN_BAD) /* no expression: go on behind it, one word after the other */
            return;
    }
}

static void note_scalar(struct names *names, const struct yaml_node *node)
{
    struct str rest = node->text;
    if (str_eq_c(node->key, "when") || str_eq_c(node->key, "time"))
        note_words(names, rest);
    for (ptrdiff_t at; (at = str_find(rest, STR("${"))) >= 0;) {
        rest = str_sub(rest, (size_t)at + 2, rest.n);
        ptrdiff_t end = str_find_char(rest, '}');
        note_words(names, end < 0 ? rest : str_sub(rest, 0, (size_t)end));
    }
}

/* Of the nodes of one text. The depth is bounded by the YAML reader. */
static void note_tree(struct names *names, const struct yaml_node *node, const void *of)
{
    if (node->of == of && node->kind == YAML_STRING)
        note_scalar(names, node);
    for (const struct yaml_node *n = node->first; n; n = n->next)
        note_tree(names, n, of);
}

static void check_axis(struct scenario *s, const struct names *used, const struct axis *axis,
                       struct diags *diags)
{
    struct str whole = arena_printf(s->arena, "matrix." STR_FMT, STR_ARG(axis->name));
    struct str inside = arena_printf(s->arena, "matrix." STR_FMT ".", STR_ARG(axis->name));
    bool any = has_name(used, whole);
    for (size_t i = 0; i < used->n; i++)
        any |= str_starts(used->v[i], inside);
    if (!any && axis->n > 1)
        diag_add(diags, axis->place,
                 "nothing refers to " STR_FMT ": its %zu cases are equal; use ${" STR_FMT
                 ".FIELD} or when: " STR_FMT " == ID, or leave the axis out",
                 STR_ARG(whole), axis->n, STR_ARG(whole), STR_ARG(whole));
    for (size_t e = 0; any && e < axis->n; e++) {
        const struct yaml_node *entry = axis->entries[e].node;
        for (const struct yaml_node *f = entry->kind == YAML_MAP ? entry->first : NULL; f;
             f = f->next) {
            struct str name =
                arena_printf(s->arena, STR_FMT STR_FMT, STR_ARG(inside), STR_ARG(f->key));
            struct str deeper = arena_printf(s->arena, STR_FMT ".", STR_ARG(name));
            bool seen = str_eq_c(f->key, "id") || str_eq_c(f->key, "doc") || has_name(used, name);
            for (size_t i = 0; i < used->n; i++)
                seen |= str_starts(used->v[i], deeper);
            if (!seen)
                diag_add(diags, schema_key_place(f, axis->entries[e].place.path),
                         "nothing refers to ${" STR_FMT "}", STR_ARG(name));
        }
    }
}

void refuse_unused(struct scenario *s, struct diags *diags)
{
    struct names used = {.arena = s->arena};
    if (diags->n) /* a misspelt reference is said as such */
        return;
    note_tree(&used, s->root, NULL);
    for (size_t i = 0; i < s->axes_n; i++)
        check_axis(s, &used, &s->axes[i], diags);
}
