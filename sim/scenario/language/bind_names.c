/* What the names of ${...} mean: matrix values, inputs of templates, parameters. */
#include "sim/scenario/language/bind_internal.h"

#include "engine/base/timefmt.h"
#include "sim/scenario/language/load.h"
#include "sim/scenario/language/schema_internal.h"

#define CONSTANTS_MAX 512u

/* ---- values ---- */

/* A bare scalar as a typed value: true, 5, 0.1, 10%, 30s, 8GiB, text. */
static struct expr_value value_of_node(const struct yaml_node *node)
{
    struct expr_value v = {.type = EXPR_STRING, .known = true, .s = node->text};
    if (node->kind == YAML_BOOL || node->kind == YAML_INT) {
        return (struct expr_value){.type = node->kind == YAML_BOOL ? EXPR_BOOL : EXPR_INT,
                                   .known = true,
                                   .i = node->integer};
    }
    if (!node->plain)
        return v;
    if (share_parse(node->text, &v.i))
        v.type = EXPR_RATIO;
    else if (duration_parse(node->text, &v.i))
        v.type = EXPR_DURATION;
    else if (size_parse(node->text, &v.i)) {
        v.type = EXPR_INT;
        v.s = EXPR_BYTES;
    }
    return v;
}

struct yaml_node *binding_node(struct arena *a, const struct yaml_node *at,
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
    node->kind = expr_is_size(v) ? YAML_STRING : kinds[v->type];
    node->integer = v->i;
    node->text = arena_str(a, buf_str(&text));
    node->plain = false; /* a string field takes any of them */
    buf_free(&text);
    return node;
}

/* ---- matrix ---- */

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

enum binding_lookup binding_matrix(const struct binding *b, struct str path, struct str *id,
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

/* What this case does not have is of the type that others have there: a comparison with it is false, not wrong. */
static enum expr_type absent_type(const struct binding *b, struct str path)
{
    struct str head, rest, field;
    size_t index;
    str_cut(path, '.', &head, &rest);
    str_cut(rest, '.', &head, &field);
    const struct axis *axis = find_axis(b->scenario, head, &index);
    BUG_ON(!axis, "what is absent is a value of an axis");
    for (size_t i = 0; i < axis->n; i++) {
        const struct yaml_node *node = dig(axis->entries[i].node, field);
        if (node && schema_is_scalar(node))
            return value_of_node(node).type;
    }
    return EXPR_STRING;
}

/* ---- inputs of templates ---- */

const struct unit *binding_unit(const struct source *source)
{
    return (const struct unit *)source; /* its first member */
}

const struct bound_input *binding_input(const struct binding *b, const struct unit *unit,
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
        in.value = (struct expr_value){.type = types[p->type],
                                       .known = true,
                                       .s = p->type == PARAM_SIZE ? EXPR_BYTES : str_empty};
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
    const struct bound_input *in = binding_input(b, unit, path);
    if (!in)
        return common_constant(b, path, out);
    *out = in->value;
    if (in->state == INPUT_ABSENT)
        *out = (struct expr_value){.type = EXPR_STRING};
    return true;
}

bool binding_constant(void *binding, const struct source *from, struct str path,
                      struct expr_value *out)
{
    const struct binding *b = binding;
    struct str id;
    const struct yaml_node *node;
    if (from)
        return unit_constant(b, binding_unit(from), path, out);
    enum binding_lookup found = binding_matrix(b, path, &id, &node);
    *out = (struct expr_value){.type = EXPR_STRING};
    if (found == LOOKUP_UNKNOWN)
        return false;
    if (found == LOOKUP_ABSENT)
        out->type = absent_type(b, path);
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
    const struct unit *unit = binding_unit(from);
    struct str *names = ARENA_NEW_ARRAY(b->arena, struct str, CONSTANTS_MAX + 1);
    const struct param *params = unit ? unit->inputs : b->scenario->params;
    size_t n = 0, params_n = unit ? unit->inputs_n : b->scenario->params_n;
    BUG_ON(params_n > SCENARIO_PARAMS_MAX, "there is room for all parameters");
    for (size_t i = 0; i < params_n; i++)
        names[n++] = params[i].name;
    names[n++] = STR("profile");
    for (size_t i = 0; !unit && i < b->scenario->axes_n && n < CONSTANTS_MAX; i++)
        n = list_axis(b->arena, &b->scenario->axes[i], names, n);
    *out = n;
    return names;
}

/* The values of an enum; false: the parameter is none. */
static bool enum_values(const struct param *params, size_t n, struct str name,
                        struct expr_domain *out)
{
    for (size_t i = 0; i < n; i++) {
        const struct param *p = &params[i];
        if (!str_eq(p->name, name) || p->type != PARAM_ENUM)
            continue;
        *out = (struct expr_domain){p->name.p, p->values.v, p->values.n};
        return true;
    }
    return false;
}

/* Of matrix.AXIS its ids, of matrix.AXIS.FIELD what its entries have there; false unless all of it is text. */
static bool axis_values(const struct binding *b, const struct axis *axis, struct str field,
                        struct expr_domain *out)
{
    struct str *values = ARENA_NEW_ARRAY(b->arena, struct str, axis->n);
    bool ids = field.n == 0 || str_eq_c(field, "id");
    size_t n = 0;
    for (size_t i = 0; i < axis->n; i++) {
        const struct yaml_node *entry = axis->entries[i].node;
        bool id = ids && (field.n || entry->kind == YAML_MAP);
        const struct yaml_node *node = ids ? entry : dig(entry, field);
        if (!node)
            continue;
        if (!id &&
            (node->kind == YAML_MAP || node->kind == YAML_LIST ||
             value_of_node(node).type != EXPR_STRING || str_find(node->text, STR("${")) >= 0))
            return false;
        values[n++] = id ? axis->entries[i].id : node->text;
    }
    *out = (struct expr_domain){axis->name.p, values, n};
    return true;
}

/* For struct expr_scope. */
static bool binding_values(void *binding, const struct source *from, struct str path,
                           struct expr_domain *out)
{
    static const struct str profiles[] = {STR_INIT("compat"), STR_INIT("hardened")};
    const struct binding *b = binding;
    const struct unit *unit = binding_unit(from);
    struct str head, rest, field;
    size_t index;
    if (str_eq_c(path, "profile")) {
        *out = (struct expr_domain){"profile", profiles, ARRAY_LEN(profiles)};
        return true;
    }
    if (unit)
        return enum_values(unit->inputs, unit->inputs_n, path, out);
    if (!str_cut(path, '.', &head, &rest)) /* only the matrix has dots */
        return enum_values(b->scenario->params, b->scenario->params_n, path, out);
    str_cut(rest, '.', &head, &field);
    const struct axis *axis = find_axis(b->scenario, head, &index);
    BUG_ON(!axis, "a constant's values are asked for when it is there");
    return axis_values(b, axis, field, out);
}

void binding_init(struct binding *b)
{
    b->scope = (struct expr_scope){.constant = binding_constant,
                                   .constants = binding_constants,
                                   .constant_values = binding_values,
                                   .ctx = b,
                                   .bare_constants = true};
    bind_inputs(b);
}
