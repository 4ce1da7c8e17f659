/* Typed values with bounds: the parameters of a scenario and the inputs of a template. */
#include "engine/base/timefmt.h"
#include "sim/scenario/language/language.h"
#include "sim/scenario/language/load.h"
#include "sim/scenario/language/schema_internal.h"

static bool param_parse(const struct param *p, struct str text, struct expr_value *out)
{
    *out = (struct expr_value){.type = EXPR_STRING, .known = true, .s = text};
    switch (p->type) {
    case PARAM_INT:
        out->type = EXPR_INT;
        out->s = str_empty;
        return str_to_i64(text, &out->i);
    case PARAM_SIZE:
        out->type = EXPR_INT;
        out->s = EXPR_BYTES;
        return size_parse(text, &out->i);
    case PARAM_DURATION:
        out->type = EXPR_DURATION;
        return duration_parse(text, &out->i);
    case PARAM_PERCENT:
        out->type = EXPR_RATIO;
        return share_parse(text, &out->i);
    case PARAM_BOOL:
        out->type = EXPR_BOOL;
        out->i = str_eq_c(text, "true");
        return out->i || str_eq_c(text, "false");
    case PARAM_ENUM:
        for (size_t i = 0; i < p->values.n; i++)
            if (str_eq(p->values.v[i], text))
                return true;
        return false;
    case PARAM_STRING:
        return true;
    }
    return false;
}

const char *param_type_name(enum param_type type)
{
    static const char *const names[] = {"int",  "duration", "bool", "string",
                                        "enum", "percent",  "size"};
    return names[type];
}

static struct str param_expected(struct arena *a, const struct param *p, struct str text)
{
    static const char *const examples[] = {
        [PARAM_INT] = "an integer",
        [PARAM_DURATION] = "a duration such as 30s",
        [PARAM_BOOL] = "true or false",
        [PARAM_STRING] = "a string",
        [PARAM_PERCENT] = "a share such as 0.1 or 10%",
        [PARAM_SIZE] = "a size such as 8GiB",
    };
    if (p->type != PARAM_ENUM)
        return arena_printf(a, "expected %s, not \"" STR_FMT "\"", examples[p->type],
                            STR_ARG(text));
    return arena_printf(a, "unknown value \"" STR_FMT "\"" STR_FMT, STR_ARG(text),
                        STR_ARG(diag_suggest_tail(a, text, p->values.v, p->values.n)));
}

/* "must be at least 1", or empty when the value is within the parameter's bounds. */
static struct str param_out_of_bounds(struct arena *a, const struct param *p,
                                      const struct expr_value *v)
{
    bool low = p->has_min && v->i < p->min, high = p->has_max && v->i > p->max;
    if (!low && !high)
        return str_empty;
    struct expr_value bound = {v->type, true, low ? p->min : p->max, v->s};
    struct buf text = {0};
    buf_add_c(&text, low ? "must be at least " : "must be at most ");
    expr_value_print(&bound, &text);
    struct str said = arena_str(a, buf_str(&text));
    buf_free(&text);
    return said;
}

static bool read_value(struct arena *a, const struct param *p, const struct yaml_node *node,
                       struct str path, struct expr_value *out, struct diags *diags)
{
    struct place at = schema_place(node, path);
    if (!schema_is_scalar(node)) {
        diag_add(diags, at, "expected a value, not %s", schema_kind_name(node->kind));
        return false;
    }
    if (param_parse(p, node->text, out))
        return true;
    struct str said = param_expected(a, p, node->text);
    diag_add(diags, at, STR_FMT, STR_ARG(said));
    return false;
}

static bool read_bound(struct scenario *s, struct param *p, const struct yaml_node *node,
                       const char *field, int64_t *out, struct diags *diags)
{
    if (!node)
        return false;
    struct str path = schema_path(s->arena, p->place.path, str_c(field));
    bool ordered = p->type == PARAM_INT || p->type == PARAM_DURATION || p->type == PARAM_PERCENT ||
                   p->type == PARAM_SIZE;
    if (!ordered) {
        diag_add(diags, schema_place(node, path), "a parameter of type %s has no bounds",
                 param_type_name(p->type));
        return false;
    }
    struct expr_value v;
    if (!read_value(s->arena, p, node, path, &v, diags))
        return false;
    *out = v.i;
    return true;
}

static void check_param_name(const struct param *p, struct diags *diags)
{
    static const char *const taken[] = {"profile", "seed",   "i",    "matrix", "now",
                                        "and",     "or",     "not",  "in",     "as",
                                        "where",   "within", "true", "false"};
    for (size_t i = 0; i < ARRAY_LEN(taken); i++)
        if (str_eq_c(p->name, taken[i]))
            diag_add(diags, p->place, "\"%s\" has a meaning of its own; choose another name",
                     taken[i]);
}

bool param_read(struct arena *a, const struct param *p, const struct yaml_node *node,
                struct str path, struct expr_value *out, struct diags *diags)
{
    if (!read_value(a, p, node, path, out, diags))
        return false;
    struct str said = param_out_of_bounds(a, p, out);
    if (said.n)
        diag_add(diags, schema_place(node, path), STR_FMT, STR_ARG(said));
    return said.n == 0;
}

static void load_param(struct scenario *s, const struct param_entry *entry, struct param *p,
                       struct diags *diags)
{
    *p = (struct param){.name = entry->origin.name,
                        .doc = entry->doc,
                        .place = entry->origin.place,
                        .type = (enum param_type)entry->type,
                        .values = entry->values};
    check_param_name(p, diags);
    if (p->type == PARAM_ENUM && p->values.n == 0) {
        diag_add(diags, p->place, "an enum needs \"values\"");
        return;
    }
    if (p->type != PARAM_ENUM && p->values.n)
        diag_add(diags, p->place, "only an enum has \"values\"");
    p->has_min = read_bound(s, p, entry->min, "min", &p->min, diags);
    p->has_max = read_bound(s, p, entry->max, "max", &p->max, diags);
    if (p->has_min && p->has_max && p->min > p->max) {
        diag_add(diags, schema_place(entry->min, schema_path(s->arena, p->place.path, STR("min"))),
                 "\"min\" is above \"max\"");
        return;
    }
    if (!entry->otherwise)
        return;
    struct str path = schema_path(s->arena, p->place.path, STR("default"));
    p->optional = param_read(s->arena, p, entry->otherwise, path, &p->otherwise, diags);
    p->value = p->otherwise;
}

size_t params_load(struct scenario *s, struct decode *d, const struct yaml_node *node,
                   struct str section, const struct shape *shape, struct param **out)
{
    const struct field field = {.name = "params", .type = FIELD_NAMED, .shape = shape};
    struct objects entries = {0};
    size_t n = 0;
    *out = NULL;
    if (!node)
        return 0;
    if (node->count > SCENARIO_PARAMS_MAX) {
        diag_add(d->diags, schema_place(node, section), "at most %u of them", SCENARIO_PARAMS_MAX);
        return 0;
    }
    (void)schema_decode_named(d, &field, node, section, &entries);
    *out = ARENA_NEW_ARRAY(s->arena, struct param, entries.n);
    for (size_t i = 0; i < entries.n; i++)
        if (entries.ok[i])
            load_param(s, OBJECTS_AT(entries, struct param_entry, i), &(*out)[n++], d->diags);
    return n;
}

struct err *scenario_set_param(struct scenario *s, struct str name, struct str value)
{
    for (size_t i = 0; i < s->params_n; i++) {
        struct param *p = &s->params[i];
        struct expr_value v;
        if (!str_eq(p->name, name))
            continue;
        struct str said = str_empty;
        if (!param_parse(p, arena_str(s->arena, value), &v))
            said = param_expected(s->arena, p, value);
        else
            said = param_out_of_bounds(s->arena, p, &v);
        if (said.n)
            return err_new(ERR_INVALID, "--set " STR_FMT ": " STR_FMT, STR_ARG(name),
                           STR_ARG(said));
        p->value = v;
        return NULL;
    }
    struct str *names = ARENA_NEW_ARRAY(s->arena, struct str, s->params_n);
    for (size_t i = 0; i < s->params_n; i++)
        names[i] = s->params[i].name;
    return err_new(ERR_INVALID, "--set: unknown parameter \"" STR_FMT "\"" STR_FMT, STR_ARG(name),
                   STR_ARG(diag_suggest_tail(s->arena, name, names, s->params_n)));
}
