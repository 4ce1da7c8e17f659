#include "sim/scenario/language/bind.h"

#include "engine/base/timefmt.h"
#include "sim/scenario/expr/lexer.h"
#include "sim/scenario/language/load.h"
#include "sim/scenario/language/schema_internal.h"

#include <string.h>

#define CONSTANTS_MAX 512u

/* ---- values ---- */

/* A bare scalar as a typed value: true, 5, 0.1, 10%, 30s, 8GiB, text. */
static struct expr_value value_of_node(const struct yaml_node *node)
{
    struct expr_value v = {.type = EXPR_STRING, .known = true, .s = node->text};
    if (node->kind == YAML_BOOL || node->kind == YAML_INT) {
        v.type = node->kind == YAML_BOOL ? EXPR_BOOL : EXPR_INT;
        v.i = node->integer;
        return v;
    }
    if (!node->plain)
        return v;
    if (share_parse(node->text, &v.i))
        v.type = EXPR_RATIO;
    else if (duration_parse(node->text, &v.i))
        v.type = EXPR_DURATION;
    else if (size_parse(node->text, &v.i))
        v.type = EXPR_INT;
    return v;
}

static struct yaml_node *node_of_value(struct arena *a, const struct yaml_node *at,
                                       const struct expr_value *v)
{
    static const enum yaml_kind kinds[EXPR_TYPE_COUNT] = {
        [EXPR_BOOL] = YAML_BOOL,       [EXPR_INT] = YAML_INT,     [EXPR_RATIO] = YAML_FLOAT,
        [EXPR_DURATION] = YAML_STRING, [EXPR_TIME] = YAML_STRING, [EXPR_STRING] = YAML_STRING,
    };
    struct buf text = {0};
    expr_value_print(v, &text);
    struct yaml_node *node = ARENA_NEW(a, struct yaml_node);
    *node = *at;
    node->next = NULL;
    node->kind = kinds[v->type];
    node->integer = v->i;
    node->text = arena_str(a, buf_str(&text));
    node->plain = false; /* a string field takes any of them */
    buf_free(&text);
    return node;
}

/* ---- matrix ---- */

enum lookup { LOOKUP_NOT_MATRIX, LOOKUP_UNKNOWN, LOOKUP_ABSENT, LOOKUP_ID, LOOKUP_NODE };

static const struct axis *find_axis(const struct scenario *s, struct str name, size_t *index)
{
    for (size_t i = 0; i < s->axes_n; i++) {
        if (str_eq(s->axes[i].name, name)) {
            *index = i;
            return &s->axes[i];
        }
    }
    return NULL;
}

static const struct yaml_node *get(const struct yaml_node *map, struct str key)
{
    for (const struct yaml_node *n = map->kind == YAML_MAP ? map->first : NULL; n; n = n->next)
        if (str_eq(n->key, key))
            return n;
    return NULL;
}

static const struct yaml_node *dig(const struct yaml_node *node, struct str path)
{
    struct str head;
    while (node && path.n) {
        str_cut(path, '.', &head, &path);
        node = get(node, head);
    }
    return node;
}

static bool some_entry_has(const struct axis *axis, struct str path)
{
    for (size_t i = 0; i < axis->n; i++)
        if (dig(axis->entries[i].node, path))
            return true;
    return false;
}

/* matrix.AXIS is the id (of a bare scalar: the value), matrix.AXIS.FIELD a part of the chosen entry. */
static enum lookup lookup_matrix(const struct binding *b, struct str path, struct str *id,
                                 const struct yaml_node **node)
{
    struct str head, rest, field;
    if (!str_cut(path, '.', &head, &rest) || !str_eq_c(head, "matrix"))
        return LOOKUP_NOT_MATRIX;
    size_t index = 0;
    str_cut(rest, '.', &head, &field);
    const struct axis *axis = find_axis(b->scenario, head, &index);
    if (!axis)
        return LOOKUP_UNKNOWN;
    bool plain_id = field.n == 0 || str_eq_c(field, "id");
    if (!plain_id && !some_entry_has(axis, field))
        return LOOKUP_UNKNOWN;
    int32_t chosen = b->which ? b->which->entry[index] : -1;
    if (chosen < 0)
        return LOOKUP_ABSENT;
    const struct axis_entry *entry = &axis->entries[chosen];
    *id = entry->id;
    *node = plain_id ? entry->node : dig(entry->node, field);
    if (plain_id)
        return field.n == 0 && entry->node->kind != YAML_MAP ? LOOKUP_NODE : LOOKUP_ID;
    return *node ? LOOKUP_NODE : LOOKUP_ABSENT;
}

/* ---- inputs of templates ---- */

static const struct unit *unit_of(const struct source *source)
{
    return (const struct unit *)source; /* its first member */
}

static const struct bound_input *find_input(const struct binding *b, const struct unit *unit,
                                            struct str name)
{
    for (size_t i = 0; unit && i < unit->inputs_n; i++)
        if (str_eq(unit->inputs[i].name, name))
            return &b->inputs[unit->source.rank - 1][i];
    return NULL;
}

static struct bound_input bind_input(struct binding *b, const struct unit *unit, size_t i)
{
    static const enum expr_type types[] = {
        [PARAM_INT] = EXPR_INT,     [PARAM_DURATION] = EXPR_DURATION,
        [PARAM_BOOL] = EXPR_BOOL,   [PARAM_STRING] = EXPR_STRING,
        [PARAM_ENUM] = EXPR_STRING, [PARAM_PERCENT] = EXPR_RATIO,
        [PARAM_SIZE] = EXPR_INT};
    const struct param *p = &unit->inputs[i];
    struct bound_input in = {.value = p->otherwise, .state = INPUT_BOUND};
    if (!p->optional) /* what follows from a mistake is not said as well */
        in.value = (struct expr_value){.type = types[p->type], .known = true, .s = str_empty};
    if (!unit->given[i]) {
        in.state = p->optional ? INPUT_BOUND : INPUT_REPORTED;
        return in;
    }
    struct str path = schema_path(b->arena, unit->used.path, STR("with"));
    path = schema_path(b->arena, path, p->name);
    struct yaml_node *node = binding_expand(b, unit->given[i], path);
    if (!node)
        in.state = INPUT_ABSENT;
    else if (schema_is_reported(node))
        in.state = INPUT_REPORTED;
    else {
        bool whole = node->kind != YAML_STRING;
        if (!whole)
            node->text = binding_interpolate(b, node->text, schema_place(node, path));
        if (!param_read(b->arena, p, node, path, &in.value, b->diags))
            in.state = INPUT_REPORTED;
    }
    return in;
}

/* Outer templates come first: the values of the inner ones may name their inputs. */
static void bind_inputs(struct binding *b)
{
    const struct scenario *s = b->scenario;
    b->inputs = ARENA_NEW_ARRAY(b->arena, struct bound_input *, s->units_n + 1);
    for (size_t u = 0; u < s->units_n; u++) {
        const struct unit *unit = s->units[u];
        b->inputs[u] = ARENA_NEW_ARRAY(b->arena, struct bound_input, unit->inputs_n + 1);
        for (size_t i = 0; unit->given && i < unit->inputs_n; i++)
            b->inputs[u][i] = bind_input(b, unit, i);
    }
}

/* ---- constants ---- */

/* What every text sees. */
static bool common_constant(const struct binding *b, struct str path, struct expr_value *out)
{
    if (str_eq_c(path, "profile"))
        *out = (struct expr_value){EXPR_STRING, true, 0, b->profile};
    else if (str_eq_c(path, "seed"))
        *out = (struct expr_value){EXPR_INT, true, (int64_t)(b->seed & INT64_MAX), str_empty};
    else if (b->in_repeat && str_eq_c(path, "i"))
        *out = (struct expr_value){EXPR_INT, true, b->index, str_empty};
    else
        return false;
    return true;
}

static bool unit_constant(const struct binding *b, const struct unit *unit, struct str path,
                          struct expr_value *out)
{
    const struct bound_input *in = find_input(b, unit, path);
    if (!in)
        return common_constant(b, path, out);
    *out = in->value;
    if (in->state == INPUT_ABSENT)
        *out = (struct expr_value){.type = EXPR_STRING};
    return true;
}

/* For struct expr_scope: profile, seed, i, parameters, matrix.AXIS, matrix.AXIS.FIELD; in a template its inputs. */
static bool binding_constant(void *binding, const struct source *from, struct str path,
                             struct expr_value *out)
{
    const struct binding *b = binding;
    struct str id;
    const struct yaml_node *node;
    if (from)
        return unit_constant(b, unit_of(from), path, out);
    enum lookup found = lookup_matrix(b, path, &id, &node);
    *out = (struct expr_value){.type = EXPR_STRING};
    if (found == LOOKUP_UNKNOWN)
        return false;
    if (found == LOOKUP_ID)
        *out = (struct expr_value){EXPR_STRING, true, 0, id};
    if (found == LOOKUP_NODE && (node->kind == YAML_MAP || node->kind == YAML_LIST))
        return false;
    if (found == LOOKUP_NODE)
        *out = value_of_node(node);
    if (found != LOOKUP_NOT_MATRIX || common_constant(b, path, out))
        return true;
    for (size_t i = 0; i < b->scenario->params_n; i++) {
        if (str_eq(path, b->scenario->params[i].name)) {
            *out = b->scenario->params[i].value;
            return true;
        }
    }
    return false;
}

static size_t list_axis(struct arena *a, const struct axis *axis, struct str *names, size_t n)
{
    names[n++] = arena_printf(a, "matrix." STR_FMT, STR_ARG(axis->name));
    for (size_t e = 0; e < axis->n; e++) {
        const struct yaml_node *entry = axis->entries[e].node;
        for (const struct yaml_node *f = entry->kind == YAML_MAP ? entry->first : NULL;
             f && n < CONSTANTS_MAX; f = f->next)
            names[n++] = arena_printf(a, "matrix." STR_FMT "." STR_FMT, STR_ARG(axis->name),
                                      STR_ARG(f->key));
    }
    return n;
}

/* For suggestions. */
static const struct str *binding_constants(void *binding, const struct source *from, size_t *out)
{
    const struct binding *b = binding;
    const struct unit *unit = unit_of(from);
    struct str *names = ARENA_NEW_ARRAY(b->arena, struct str, CONSTANTS_MAX + 1);
    const struct param *params = unit ? unit->inputs : b->scenario->params;
    size_t n = 0, params_n = unit ? unit->inputs_n : b->scenario->params_n;
    for (size_t i = 0; i < params_n && n < CONSTANTS_MAX; i++)
        names[n++] = params[i].name;
    names[n++] = STR("profile");
    for (size_t i = 0; !unit && i < b->scenario->axes_n && n < CONSTANTS_MAX; i++)
        n = list_axis(b->arena, &b->scenario->axes[i], names, n);
    *out = n;
    return names;
}

void binding_init(struct binding *b)
{
    b->scope = (struct expr_scope){.constant = binding_constant,
                                   .constants = binding_constants,
                                   .ctx = b,
                                   .bare_constants = true};
    bind_inputs(b);
}

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
        struct expr_value v = evaluate(b, padded, at, EXPR_WANT_ANY, &ok);
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
        return lookup_matrix(b, path, &id, &node) == LOOKUP_ABSENT;
    const struct bound_input *in = find_input(b, unit_of(from), path);
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
    if (!node->of && lookup_matrix(b, str_trim(inner), &id, &value) == LOOKUP_NODE)
        return expand_matrix_value(b, put_in_place_of(b->arena, value, node), node, path);
    const struct bound_input *in = find_input(b, unit_of(node->of), str_trim(inner));
    if (in && in->state == INPUT_REPORTED) {
        copy->text = schema_reported;
        return copy;
    }
    bool ok;
    struct str padded = in_place(b->arena, node->text, begin, inner);
    struct expr_value v = evaluate(b, padded, schema_place(node, path), EXPR_WANT_ANY, &ok);
    if (ok)
        return node_of_value(b->arena, node, &v);
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
    bool repeats = node->kind == YAML_MAP && get(node, STR("repeat")) != NULL;
    size_t i = 0; /* each file counts its own */
    for (const struct yaml_node *child = node->first; child; child = child->next) {
        struct str at = child_path(b, node, child, path, i);
        bool repeated = repeats && str_eq_c(child->key, "do");
        struct yaml_node *grown =
            repeated ? expand_repeated(b, child, at) : binding_expand(b, child, at);
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
