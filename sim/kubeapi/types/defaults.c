/* One walk, which goes only where the generator has seen a default (TYPE_DEFAULTS). */
#include "sim/kubeapi/types/defaults.h"

#include "sim/kubeapi/types/decode.h"

struct filling {
    struct arena *a;
    struct str root; /* the kind of the whole object */
};

/* NULL: the sibling that is to be copied is not there. */
static cJSON *value_of(struct arena *a, struct str json, const cJSON *object)
{
    cJSON *v = NULL;
    if (json.p[0] == '.') {
        v = json_get_str(object, str_sub(json, 1, json.n));
        return v ? json_copy(a, v) : NULL;
    }
    if (json.p[0] == '"' && str_find_char(json, '\\') < 0)
        return json_str(a, str_sub(json, 1, json.n - 2));
    struct err *err = json_parse(a, json, &v);
    BUG_ON(err, "a default in the tables is JSON");
    return v;
}

/* ---- conditions ---- */

enum phase { PHASE_PRESENCE, PHASE_PLAIN, PHASE_VALUE };

static enum phase phase_of(const struct type_field *f)
{
    struct str text = str_c(f->default_if);
    if (str_find_char(text, '=') >= 0 || f->default_json.p[0] == '.')
        return PHASE_VALUE;
    return text.n == 0 || (text.p[0] == '@' && str_find_char(text, '&') < 0) ? PHASE_PLAIN
                                                                             : PHASE_PRESENCE;
}

static bool is_there(const cJSON *object, struct str name)
{
    const cJSON *v = json_get_str(object, name);
    return v && v->type != cJSON_NULL;
}

static bool one_holds(const struct filling *f, struct str text, const cJSON *object)
{
    struct str name, values, one;
    if (text.n == 0)
        return true;
    if (text.p[0] == '@')
        return str_eq(f->root, str_sub(text, 1, text.n));
    if (text.p[0] == '!')
        return !is_there(object, str_sub(text, 1, text.n));
    if (!str_cut(text, '=', &name, &values))
        return is_there(object, text);
    struct str is = json_string(json_get_str(object, name));
    for (bool more = true; more;) {
        more = str_cut(values, '|', &one, &values);
        if (str_eq(one, is))
            return true;
    }
    return false;
}

static bool holds(const struct filling *f, const char *condition, const cJSON *object)
{
    struct str rest = str_c(condition), one;
    for (bool more = true; more;) {
        more = str_cut(rest, '&', &one, &rest);
        if (!one_holds(f, one, object))
            return false;
    }
    return true;
}

/* ---- filling ---- */

static void set_default(const struct filling *f, const struct type_field *field, cJSON *object)
{
    cJSON *old = json_get_str(object, field->name);
    bool zero = old && !(field->flags & FIELD_POINTER) && field->type->kind != TYPE_LIST &&
                type_is_empty(field, old);
    if ((old && old->type != cJSON_NULL && !zero) || !holds(f, field->default_if, object))
        return;
    cJSON *v = value_of(f->a, field->default_json, object);
    if (!v)
        return;
    if (v->type == cJSON_Object && field->type->kind == TYPE_OBJECT)
        type_fill(f->a, field->type, v);
    json_set(f->a, object, field->name, v);
}

static void fill_value(const struct filling *f, const struct type *t, cJSON *v);

static void fill_object(const struct filling *f, const struct type *t, cJSON *object)
{
    for (enum phase phase = PHASE_PRESENCE; phase <= PHASE_VALUE; phase++)
        for (size_t i = 0; i < t->fields_n; i++)
            if (t->fields[i].default_json.n > 0 && phase_of(&t->fields[i]) == phase)
                set_default(f, &t->fields[i], object);
    for (cJSON *c = object->child; c; c = c->next) {
        if (c->type != cJSON_Object && c->type != cJSON_Array)
            continue;
        const struct type_field *field = type_field_find(t, str_c(c->string));
        if (field && field->type->flags & TYPE_DEFAULTS)
            fill_value(f, field->type, c);
    }
}

static void fill_value(const struct filling *f, const struct type *t, cJSON *v)
{
    if (t->kind == TYPE_OBJECT && v->type == cJSON_Object) {
        fill_object(f, t, v);
        return;
    }
    bool items = (t->kind == TYPE_LIST && v->type == cJSON_Array) ||
                 (t->kind == TYPE_MAP && v->type == cJSON_Object);
    for (cJSON *c = items ? v->child : NULL; c; c = c->next)
        fill_value(f, t->items, c);
}

void type_default(struct arena *a, const struct type *t, cJSON *tree)
{
    struct filling f = {a, type_short_name(t)};
    if (t->flags & TYPE_DEFAULTS)
        fill_value(&f, t, tree);
}
