/* What `list` says, for programs. */
#include "engine/base/json.h"
#include "sim/scenario/language/scenario.h"

static cJSON *words(struct arena *a, const struct str *v, size_t n)
{
    cJSON *list = json_array(a);
    for (size_t i = 0; i < n; i++)
        json_append(list, json_str(a, v[i]));
    return list;
}

static struct str value_text(struct arena *a, const struct expr_value *v)
{
    struct buf text = {0};
    expr_value_print(v, &text);
    struct str said = arena_str(a, buf_str(&text));
    buf_free(&text);
    return said;
}

static cJSON *param(struct arena *a, const struct param *p)
{
    cJSON *o = json_object(a);
    json_set_str(a, o, "name", p->name);
    json_set_str(a, o, "type", str_c(param_type_name(p->type)));
    json_set_str(a, o, "doc", p->doc);
    json_set_str(a, o, "default", value_text(a, &p->otherwise));
    struct expr_value bound = p->otherwise;
    bound.i = p->min;
    if (p->has_min)
        json_set_str(a, o, "min", value_text(a, &bound));
    bound.i = p->max;
    if (p->has_max)
        json_set_str(a, o, "max", value_text(a, &bound));
    if (p->type == PARAM_ENUM)
        json_set(a, o, STR("values"), words(a, p->values.v, p->values.n));
    return o;
}

static cJSON *axes(struct arena *a, const struct scenario *s)
{
    cJSON *o = json_object(a);
    for (size_t i = 0; i < s->axes_n; i++) {
        cJSON *ids = json_array(a);
        for (size_t e = 0; e < s->axes[i].n; e++)
            json_append(ids, json_str(a, s->axes[i].entries[e].id));
        json_set(a, o, s->axes[i].name, ids);
    }
    return o;
}

void scenario_list_json(const struct scenario *s, struct buf *out)
{
    struct arena a = {0};
    cJSON *o = json_object(&a), *params = json_array(&a), *templates = json_array(&a);
    json_set_str(&a, o, "name", s->name);
    json_set_str(&a, o, "doc", s->doc);
    json_set_str(&a, o, "file", s->source.file);
    json_set(&a, o, STR("tags"), words(&a, s->tags.v, s->tags.n));
    json_set(&a, o, STR("profiles"), words(&a, s->profiles.v, s->profiles.n));
    for (size_t i = 0; i < s->units_n; i++)
        json_append(templates, json_str(&a, s->units[i]->source.file));
    json_set(&a, o, STR("templates"), templates);
    json_set(&a, o, STR("matrix"), axes(&a, s));
    json_set_int(&a, o, "cases", (int64_t)s->cases_n);
    for (size_t i = 0; i < s->params_n; i++)
        json_append(params, param(&a, &s->params[i]));
    json_set(&a, o, STR("params"), params);
    json_write_ordered(out, o);
    arena_free(&a);
}
