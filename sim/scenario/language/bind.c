#include "sim/scenario/language/bind_internal.h"

#include "sim/scenario/expr/lexer.h"
#include "sim/scenario/language/schema_internal.h"

#include <string.h>

/* ---- ${...} in strings ---- */

/* The next ${...} from *at on: where it begins, its inside, and *at behind it. Quoted braces do not count. */
static bool next_subst(struct str text, size_t *at, size_t *begin, struct str *inner)
{
    ptrdiff_t found = str_find(str_sub(text, *at, text.n), STR("${"));
    if (found < 0)
        return false;
    *begin = *at + (size_t)found;
    char quote = '\0';
    for (size_t i = *begin + 2; i < text.n; i++) {
        char c = text.p[i];
        if (quote ? c == quote : (c == '\'' || c == '"'))
            quote = quote ? '\0' : c;
        else if (!quote && c == '}') {
            *inner = str_sub(text, *begin + 2, i - *begin - 2);
            *at = i + 1;
            return true;
        }
    }
    return false;
}

static struct expr_value evaluate(struct binding *b, struct str text, struct place at, int want,
                                  bool *ok)
{
    struct expr *e = expr_compile(b->arena, &b->scope, text, at, want, b->diags);
    *ok = e != NULL;
    return e ? expr_eval_constant(e) : (struct expr_value){.type = EXPR_STRING};
}

/* What is put in has a value: a condition alone may go without. */
static struct expr_value evaluate_known(struct binding *b, struct str text, struct place at,
                                        bool *ok)
{
    struct expr_value v = evaluate(b, text, at, EXPR_WANT_ANY, ok);
    if (!*ok || v.known)
        return v;
    diag_add(b->diags, at,
             "it has no value: a division by zero, or what this case of the matrix does not have");
    *ok = false;
    return v;
}

/* Errors inside ${...} are placed by compiling the text in its place: blanks stand for what is before it. */
static struct str in_place(struct arena *a, struct str text, size_t begin, struct str inner)
{
    size_t n = begin + 2 + inner.n;
    char *padded = arena_alloc(a, n + 1);
    memset(padded, ' ', n);
    if (inner.n)
        memcpy(padded + begin + 2, inner.p, inner.n);
    BUG_ON(n > text.n, "the inside of ${} lies in the text");
    return (struct str){padded, n};
}

static void print_value(const struct binding *b, const struct expr_value *v, struct buf *out)
{
    const char *quote = !b->literal || v->type != EXPR_STRING ? ""
                        : str_find_char(v->s, '\'') >= 0      ? "\""
                                                              : "'";
    buf_add_c(out, quote);
    expr_value_print(v, out);
    buf_add_c(out, quote);
}

struct str binding_interpolate(void *binding, struct str text, struct place at)
{
    struct binding *b = binding;
    size_t next = 0, begin, end = 0;
    struct str inner;
    struct buf out = {0};
    bool good = true;
    while (next_subst(text, &next, &begin, &inner)) {
        bool ok;
        buf_add(&out, str_sub(text, end, begin - end));
        struct str padded = in_place(b->arena, text, begin, inner);
        struct expr_value v = evaluate_known(b, padded, at, &ok);
        if (ok)
            print_value(b, &v, &out);
        good = good && ok;
        end = next;
    }
    ptrdiff_t open = str_find(str_sub(text, end, text.n), STR("${"));
    if (open >= 0) {
        diag_add(b->diags, place_inside(b->diags, at, end + (size_t)open),
                 "\"${\" is not closed: a \"}\" is missing");
        good = false;
    }
    buf_add(&out, str_sub(text, end, text.n));
    struct str filled = end ? arena_str(b->arena, buf_str(&out)) : text;
    buf_free(&out);
    return good ? filled : schema_reported;
}

/* The inside of a ${...} with every name but `i` as a literal; false when it does not name `i`. */
static bool keep_i(struct binding *b, const struct source *from, struct str inner, struct buf *out)
{
    struct lexer lexer = {.text = inner, .arena = b->arena};
    bool named = false;
    buf_add(out, STR("${"));
    for (struct token t = lexer_next(&lexer); t.kind != TOKEN_END && t.kind != TOKEN_BAD;
         t = lexer_next(&lexer)) {
        struct expr_value v;
        bool is_i = t.kind == TOKEN_WORD && str_eq_c(t.text, "i");
        bool constant =
            t.kind == TOKEN_WORD && !is_i && binding_constant(b, from, t.text, &v) && v.known;
        named |= is_i;
        if (out->p[out->n - 1] != '{')
            buf_add_char(out, ' ');
        buf_add_c(out, constant && v.type == EXPR_STRING ? "'" : "");
        if (constant)
            expr_value_print(&v, out);
        else
            buf_add(out, t.text);
        buf_add_c(out, constant && v.type == EXPR_STRING ? "'" : "");
    }
    buf_add(out, STR("}"));
    return named;
}

struct str binding_interpolate_but_i(struct binding *b, struct str text, struct place at)
{
    size_t next = 0, begin, end = 0;
    struct str inner;
    struct buf out = {0};
    while (next_subst(text, &next, &begin, &inner)) {
        struct buf kept = {0};
        buf_add(&out, str_sub(text, end, begin - end));
        struct str whole = str_sub(text, begin, next - begin);
        buf_add(&out, keep_i(b, at.source, inner, &kept) ? buf_str(&kept)
                                                         : binding_interpolate(b, whole, at));
        end = next;
        buf_free(&kept);
    }
    buf_add(&out, str_sub(text, end, text.n));
    struct str filled = arena_str(b->arena, buf_str(&out));
    buf_free(&out);
    return filled;
}

/* Does any ${...} of the text name `i`? */
static bool names_i(struct binding *b, struct str text)
{
    size_t at = 0, begin;
    struct str inner;
    while (next_subst(text, &at, &begin, &inner)) {
        struct lexer lexer = {.text = inner, .arena = b->arena};
        for (struct token t = lexer_next(&lexer); t.kind != TOKEN_END && t.kind != TOKEN_BAD;
             t = lexer_next(&lexer))
            if (t.kind == TOKEN_WORD && str_eq_c(t.text, "i"))
                return true;
    }
    return false;
}

/* ---- expanding ---- */

static bool is_bare_path(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && c != '.' && c != '-' && (c < '0' || c > '9'))
            return false;
    }
    return s.n > 0;
}

static bool is_absent(const struct binding *b, const struct source *from, struct str path)
{
    struct str id;
    const struct yaml_node *node;
    if (!from)
        return binding_matrix(b, path, &id, &node) == LOOKUP_ABSENT;
    const struct bound_input *in = binding_input(b, binding_unit(from), path);
    return in && in->state == INPUT_ABSENT;
}

static bool refers_to_absent(const struct binding *b, const struct yaml_node *scalar)
{
    size_t at = 0, begin;
    struct str inner;
    while (next_subst(scalar->text, &at, &begin, &inner))
        if (is_bare_path(str_trim(inner)) && is_absent(b, scalar->of, str_trim(inner)))
            return true;
    return false;
}

/* A copy with the key (and so the role) of the node it replaces; its own place is kept for errors inside. */
static struct yaml_node *put_in_place_of(struct arena *a, const struct yaml_node *value,
                                         const struct yaml_node *replaced)
{
    struct yaml_node *copy = ARENA_NEW(a, struct yaml_node);
    *copy = *value;
    copy->key = replaced->key;
    copy->key_plain = replaced->key_plain;
    copy->key_line = replaced->key_line;
    copy->key_column = replaced->key_column;
    copy->next = NULL;
    return copy;
}

static struct yaml_node *give_up(struct binding *b, const struct yaml_node *node, struct str path,
                                 const char *why)
{
    struct yaml_node *reported = put_in_place_of(b->arena, node, node);
    diag_add(b->diags, schema_place(node, path), "%s", why);
    reported->text = schema_reported;
    return reported;
}

/* A matrix value may hold ${...} of its own, but not itself. */
static struct yaml_node *expand_matrix_value(struct binding *b, const struct yaml_node *value,
                                             const struct yaml_node *node, struct str path)
{
    if (b->depth == BIND_DEPTH_MAX)
        return give_up(b, node, path, "the matrix value refers to itself");
    b->depth++;
    struct yaml_node *grown = binding_expand(b, value, path);
    b->depth--;
    return grown;
}

/* A scalar that is an open "${" from its beginning is no value of any type. */
static struct yaml_node *leave(struct binding *b, struct yaml_node *copy, struct str path)
{
    if (copy->kind != YAML_STRING || !str_starts(copy->text, STR("${")))
        return copy;
    (void)binding_interpolate(b, copy->text, schema_place(copy, path));
    copy->text = schema_reported;
    return copy;
}

static struct yaml_node *expand_scalar(struct binding *b, const struct yaml_node *node,
                                       struct str path)
{
    struct yaml_node *copy = put_in_place_of(b->arena, node, node);
    size_t at = 0, begin;
    struct str inner, id;
    if (node->kind != YAML_STRING || !next_subst(node->text, &at, &begin, &inner))
        return leave(b, copy, path);
    if (refers_to_absent(b, node))
        return NULL;
    if (begin != 0 || at != node->text.n || (b->keep_i && names_i(b, node->text)))
        return copy;
    const struct yaml_node *value = NULL;
    if (!node->of && binding_matrix(b, str_trim(inner), &id, &value) == LOOKUP_NODE)
        return expand_matrix_value(b, put_in_place_of(b->arena, value, node), node, path);
    const struct bound_input *in = binding_input(b, binding_unit(node->of), str_trim(inner));
    if (in && in->state == INPUT_REPORTED) {
        copy->text = schema_reported;
        return copy;
    }
    bool ok;
    struct str padded = in_place(b->arena, node->text, begin, inner);
    struct expr_value v = evaluate_known(b, padded, schema_place(node, path), &ok);
    if (b->in_object && v.type == EXPR_INT)
        v.s = str_empty;
    if (ok)
        return binding_node(b->arena, node, &v);
    copy->text = schema_reported;
    return copy;
}

static bool is_map_of_names(const struct yaml_node *node)
{
    static const char *const keys[] = {"sites",   "clusters", "records", "resolvers",
                                       "measure", "policies", "traffic"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        if (str_eq_c(node->key, keys[i]))
            return true;
    return false;
}

static struct str child_path(struct binding *b, const struct yaml_node *parent,
                             const struct yaml_node *child, struct str path, size_t i)
{
    if (parent->kind == YAML_MAP)
        return schema_path(b->arena, path, child->key);
    return arena_printf(b->arena, STR_FMT "[%zu]", STR_ARG(path), i);
}

/* What is repeated is expanded round by round; here it is only seen whether it is there at all. */
static struct yaml_node *expand_repeated(struct binding *b, const struct yaml_node *node,
                                         struct str path)
{
    bool before = b->keep_i;
    b->keep_i = true;
    struct yaml_node *grown = binding_expand(b, node, path);
    b->keep_i = before;
    return before || !grown ? grown : put_in_place_of(b->arena, node, node);
}

struct yaml_node *binding_expand(struct binding *b, const struct yaml_node *node, struct str path)
{
    if (++b->nodes > BIND_NODES_MAX)
        return give_up(b, node, path, "matrix values and repeats come to too much");
    if (node->kind != YAML_MAP && node->kind != YAML_LIST)
        return expand_scalar(b, node, path);
    struct yaml_node *copy = put_in_place_of(b->arena, node, node);
    struct yaml_node **end = &copy->first;
    copy->first = NULL;
    copy->count = 0;
    bool drops = node->kind == YAML_LIST || is_map_of_names(node);
    bool repeats = node->kind == YAML_MAP && yaml_get(node, "repeat") != NULL;
    size_t i = 0; /* each file counts its own */
    for (const struct yaml_node *child = node->first; child; child = child->next) {
        struct str at = child_path(b, node, child, path, i);
        bool repeated = repeats && str_eq_c(child->key, "do"), outside = b->in_object;
        b->in_object |= node->kind == YAML_MAP && str_eq_c(child->key, "object");
        struct yaml_node *grown =
            repeated ? expand_repeated(b, child, at) : binding_expand(b, child, at);
        b->in_object = outside;
        i = child->next && child->next->of == child->of ? i + 1 : 0;
        if (!grown && !drops)
            return NULL;
        if (!grown)
            continue;
        *end = grown;
        end = &grown->next;
        copy->count++;
    }
    return copy;
}

struct yaml_node *binding_fill(struct binding *b, const struct yaml_node *node, struct str path)
{
    struct yaml_node *copy = put_in_place_of(b->arena, node, node);
    struct yaml_node **end = &copy->first;
    if (node->kind == YAML_STRING && !schema_is_reported(node))
        copy->text = binding_interpolate(b, node->text, schema_place(node, path));
    for (const struct yaml_node *n = node->first; n; n = n->next) {
        *end = binding_fill(b, n, schema_path(b->arena, path, n->key));
        end = &(*end)->next;
    }
    *end = NULL;
    return copy;
}

bool binding_when(struct binding *b, const struct expr_source *when)
{
    if (when->text.n == 0)
        return true;
    bool ok;
    struct expr_value v = evaluate(b, when->text, when->place, EXPR_BOOL, &ok);
    return ok && v.known && v.i;
}
