#include "sim/kubeapi/admission/policy_types.h"

#include "sim/kubeapi/admission/hooks.h"
#include "sim/kubeapi/crd/crds.h"
#include "sim/kubeapi/crd/find.h"

#include "engine/kube/gvr.h"

#include <stdlib.h>

#define VARIABLES_MAX 128u

struct checker {
    struct kubeapi *api;
    struct arena *a;
    const cJSON *spec;
    const struct api_kind *kinds[POLICY_TYPES_MAX];
    size_t kinds_n;
    cJSON *warnings; /* NULL: none */
};

/* ---- for which kinds ---- */

static bool has_wildcard(const cJSON *list)
{
    for (const cJSON *c = list ? list->child : NULL; c; c = c->next)
        if (str_find_char(json_string(c), '*') >= 0)
            return true;
    return false;
}

static void add_kind(struct checker *c, const struct api_kind *k)
{
    for (size_t i = 0; i < c->kinds_n; i++)
        if (c->kinds[i] == k)
            return;
    if (k && c->kinds_n < POLICY_TYPES_MAX)
        c->kinds[c->kinds_n++] = k;
}

static void add_rule(struct checker *c, const cJSON *rule)
{
    const cJSON *groups = json_get(rule, "apiGroups"), *versions = json_get(rule, "apiVersions");
    const cJSON *resources = json_get(rule, "resources");
    if (!resources || has_wildcard(groups) || has_wildcard(versions))
        return;
    for (const cJSON *g = groups ? groups->child : NULL; g; g = g->next)
        for (const cJSON *v = versions ? versions->child : NULL; v; v = v->next)
            for (const cJSON *r = resources->child; r; r = r->next)
                if (str_find_char(json_string(r), '*') < 0 &&
                    str_find_char(json_string(r), '/') < 0)
                    add_kind(c,
                             api_kind_find(c->api, json_string(g), json_string(v), json_string(r)));
}

static int by_name(const void *x, const void *y)
{
    const struct api_kind *a = *(const struct api_kind *const *)x,
                          *b = *(const struct api_kind *const *)y;
    int c = str_cmp(a->group, b->group);
    c = c != 0 ? c : str_cmp(a->version, b->version);
    return c != 0 ? c : str_cmp(a->kind, b->kind);
}

/* NULL: nothing is known of what its objects look like. */
static const struct cel_type *type_of(struct checker *c, const struct api_kind *k)
{
    if (!k)
        return NULL;
    const struct type *t = k->crd ? crds_type(k) : type_builtin(k->group, k->version, k->kind);
    return t ? cel_type_of(c->a, t, false) : NULL;
}

/* ---- one kind ---- */

/* The variables of expressions over objects of a kind. */
static void set_types(struct checker *c, const struct cel_type *object,
                      struct cel_var vars[HOOK_SLOTS], struct cel_env *env)
{
    const cJSON *param = json_get(c->spec, "paramKind");
    const struct cel_type *params = NULL;
    if (param)
        params = type_of(c, api_kind_of(c->api, json_string_at(param, "apiVersion"),
                                        json_string_at(param, "kind")));
    hook_env(c->a, vars, HOOK_SLOTS, env);
    vars[HOOK_OBJECT].type = vars[HOOK_OLD_OBJECT].type = object;
    vars[HOOK_PARAMS].type = params;
    if (!params)
        vars[HOOK_PARAMS].name = str_empty;
}

static void add_variables(struct checker *c, struct cel_var *var, const struct cel_env *env)
{
    const cJSON *list = json_get(c->spec, "variables");
    struct cel_field *fields = ARENA_NEW_ARRAY(c->a, struct cel_field, VARIABLES_MAX);
    var->fields = fields;
    for (const cJSON *v = list ? list->child : NULL; v && var->fields_n < VARIABLES_MAX;
         v = v->next) {
        struct cel_program *p = NULL;
        struct err *err = cel_compile(c->a, env, json_string_at(v, "expression"), &p);
        err_ignore(err); /* told where it is used: there is no such field then */
        if (p)
            fields[var->fields_n++] = (struct cel_field){json_string_at(v, "name"), p};
    }
}

/* What is wrong with an expression over objects of one kind. */
static void check_over(struct checker *c, const struct api_kind *k, struct str text,
                       struct buf *out)
{
    const struct cel_type *object = type_of(c, k);
    struct cel_var vars[HOOK_SLOTS];
    struct cel_env env;
    struct cel_program *p;
    if (!object)
        return;
    set_types(c, object, vars, &env);
    add_variables(c, &vars[HOOK_VARIABLES], &env);
    struct err *err = cel_compile(c->a, &env, text, &p);
    if (err)
        buf_addf(out, "%s" STR_FMT "/" STR_FMT ", Kind=" STR_FMT ": %s\n", out->n > 0 ? "\n" : "",
                 STR_ARG(k->group), STR_ARG(k->version), STR_ARG(k->kind), err->message);
    err_free(err);
}

static void check_expression(struct checker *c, size_t index, const char *field, struct str text)
{
    struct buf b = {.max = 1 << 20};
    for (size_t i = 0; text.n > 0 && i < c->kinds_n; i++)
        check_over(c, c->kinds[i], text, &b);
    if (b.n > 0) {
        cJSON *w = json_object(c->a);
        json_set_str(c->a, w, "fieldRef",
                     arena_printf(c->a, "spec.validations[%zu].%s", index, field));
        json_set_str(c->a, w, "warning", arena_str(c->a, buf_str(&b)));
        c->warnings = c->warnings ? c->warnings : json_array(c->a);
        json_append(c->warnings, w);
    }
    buf_free(&b);
}

cJSON *policy_type_checking(struct kubeapi *api, struct arena *a, const cJSON *policy)
{
    struct checker c = {.api = api, .a = a, .spec = json_get(policy, "spec")};
    const cJSON *rules = json_path(c.spec, "matchConstraints.resourceRules");
    const cJSON *list = json_get(c.spec, "validations");
    cJSON *out = json_object(a);
    size_t i = 0;
    for (const cJSON *r = rules ? rules->child : NULL; r; r = r->next)
        add_rule(&c, r);
    if (c.kinds_n > 1)
        qsort(c.kinds, c.kinds_n, sizeof(c.kinds[0]), by_name);
    for (const cJSON *v = list ? list->child : NULL; v; v = v->next, i++) {
        check_expression(&c, i, "expression", json_string_at(v, "expression"));
        check_expression(&c, i, "messageExpression", json_string_at(v, "messageExpression"));
    }
    if (c.warnings)
        json_set(a, out, STR("expressionWarnings"), c.warnings);
    return out;
}
