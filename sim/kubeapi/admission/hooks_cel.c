/* What the expressions of webhooks and policies see: their variables, the type of `request`, the authorizer. */
#include "sim/kubeapi/admission/hooks.h"
#include "sim/kubeapi/auth/auth.h"
#include "sim/kubeapi/auth/tokens.h"
#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/crd/crds.h"

/* ---- the type of `request` ---- */

static const struct type string_type = {.kind = TYPE_STRING};
static const struct type bool_type = {.kind = TYPE_BOOL};
static const struct type any_type = {.kind = TYPE_ANY};
static const struct type strings_type = {.kind = TYPE_LIST, .items = &string_type};
static const struct type extra_type = {.kind = TYPE_MAP, .items = &strings_type};

static const struct type_field gvk_fields[] = {{.name = STR_INIT("group"), .type = &string_type},
                                               {.name = STR_INIT("kind"), .type = &string_type},
                                               {.name = STR_INIT("version"), .type = &string_type}};
static const struct type gvk_type = {.kind = TYPE_OBJECT,
                                     .name = STR_INIT("kubernetes.GroupVersionKind"),
                                     .fields = gvk_fields,
                                     .fields_n = ARRAY_LEN(gvk_fields)};
static const struct type_field gvr_fields[] = {{.name = STR_INIT("group"), .type = &string_type},
                                               {.name = STR_INIT("resource"), .type = &string_type},
                                               {.name = STR_INIT("version"), .type = &string_type}};
static const struct type gvr_type = {.kind = TYPE_OBJECT,
                                     .name = STR_INIT("kubernetes.GroupVersionResource"),
                                     .fields = gvr_fields,
                                     .fields_n = ARRAY_LEN(gvr_fields)};
static const struct type_field user_fields[] = {
    {.name = STR_INIT("extra"), .type = &extra_type},
    {.name = STR_INIT("groups"), .type = &strings_type},
    {.name = STR_INIT("uid"), .type = &string_type},
    {.name = STR_INIT("username"), .type = &string_type}};
static const struct type user_type = {.kind = TYPE_OBJECT,
                                      .name = STR_INIT("kubernetes.UserInfo"),
                                      .fields = user_fields,
                                      .fields_n = ARRAY_LEN(user_fields)};
static const struct type_field request_fields[] = {
    {.name = STR_INIT("dryRun"), .type = &bool_type},
    {.name = STR_INIT("kind"), .type = &gvk_type},
    {.name = STR_INIT("name"), .type = &string_type},
    {.name = STR_INIT("namespace"), .type = &string_type},
    {.name = STR_INIT("operation"), .type = &string_type},
    {.name = STR_INIT("options"), .type = &any_type},
    {.name = STR_INIT("requestKind"), .type = &gvk_type},
    {.name = STR_INIT("requestResource"), .type = &gvr_type},
    {.name = STR_INIT("requestSubResource"), .type = &string_type},
    {.name = STR_INIT("resource"), .type = &gvr_type},
    {.name = STR_INIT("subResource"), .type = &string_type},
    {.name = STR_INIT("userInfo"), .type = &user_type}};
static const struct type request_type = {.kind = TYPE_OBJECT,
                                         .name = STR_INIT("kubernetes.AdmissionRequest"),
                                         .fields = request_fields,
                                         .fields_n = ARRAY_LEN(request_fields)};

/* ---- environments ---- */

void hook_env(struct arena *a, struct cel_var vars[HOOK_SLOTS], size_t slots, struct cel_env *env)
{
    memset(vars, 0, HOOK_SLOTS * sizeof(*vars));
    vars[HOOK_OBJECT] = (struct cel_var){.name = STR("object"), .type = &cel_type_dyn};
    vars[HOOK_OLD_OBJECT] = (struct cel_var){.name = STR("oldObject"), .type = &cel_type_dyn};
    vars[HOOK_REQUEST] =
        (struct cel_var){.name = STR("request"), .type = cel_type_of(a, &request_type, false)};
    vars[HOOK_AUTHORIZER] =
        (struct cel_var){.name = STR("authorizer"), .type = &cel_type_authorizer};
    vars[HOOK_REQUEST_RESOURCE] = (struct cel_var){.name = STR("authorizer.requestResource"),
                                                   .type = &cel_type_resource_check};
    vars[HOOK_PARAMS] = (struct cel_var){.name = STR("params"), .type = &cel_type_dyn};
    vars[HOOK_NAMESPACE] = (struct cel_var){.name = STR("namespaceObject"), .type = &cel_type_dyn};
    vars[HOOK_VARIABLES] = (struct cel_var){.name = STR("variables")};
    *env = (struct cel_env){vars, slots};
}

void hook_conditions_compile(struct arena *a, const struct cel_env *env, const cJSON *list,
                             struct hook_conditions *out)
{
    out->list = ARENA_NEW_ARRAY(a, struct hook_condition, HOOK_CONDITIONS_MAX);
    for (const cJSON *c = list ? list->child : NULL; c && out->n < HOOK_CONDITIONS_MAX;
         c = c->next) {
        struct hook_condition *x = &out->list[out->n++];
        x->name = json_string(json_get(c, "name"));
        x->expression = json_string(json_get(c, "expression"));
        struct err *err = cel_compile(a, env, x->expression, &x->program);
        err_ignore(err); /* told when it was written; a stored one counts as broken */
    }
}

/* ---- the authorizer ---- */

static bool allowed(void *owner, const struct cel_check *c, struct str *reason)
{
    struct api_request *r = owner;
    struct api_user account;
    const struct api_user *user = &r->user;
    if (c->account.n > 0) {
        api_tokens_user(&r->a, c->account_ns, c->account, str_empty, &account);
        user = &account;
    }
    struct rbac_query q = {.user = user,
                           .verb = c->verb,
                           .group = c->group,
                           .resource = c->resource,
                           .sub = c->sub,
                           .ns = c->ns,
                           .name = c->name,
                           .path = c->path};
    return api_user_allowed(r, &q, reason);
}

static struct cel_value request_resource(const struct hook_subject *s)
{
    struct cel_check c = {.group = s->a->k->group,
                          .resource = s->a->k->resource,
                          .sub = s->a->sub,
                          .ns = s->a->k->flags & KIND_NAMESPACED ? s->ns : str_empty,
                          .name = s->name};
    c.verb = c.path = c.account = c.account_ns = c.field_selector = c.label_selector = str_empty;
    return cel_authorizer_resource(&s->a->r->a, &c);
}

/* ---- running ---- */

void hook_run_init(struct hook_run *run, const struct hook_subject *s, const struct api_kind *as)
{
    struct arena *a = &s->a->r->a;
    memset(run, 0, sizeof(*run));
    run->r = s->a->r;
    run->budget = CEL_COST_BUDGET;
    run->authorizer = (struct cel_authorizer){allowed, s->a->r};
    run->vars[HOOK_OBJECT] = cel_of_json(a, NULL, hook_object(s, as, s->object));
    run->vars[HOOK_OLD_OBJECT] = cel_of_json(a, NULL, hook_object(s, as, s->old));
    run->vars[HOOK_REQUEST] = cel_of_json(a, &request_type, hook_request(s, as));
    run->vars[HOOK_AUTHORIZER] = cel_authorizer_value();
    run->vars[HOOK_REQUEST_RESOURCE] = request_resource(s);
}

struct cel_value hook_eval(struct hook_run *run, const struct cel_program *p)
{
    struct cel_run *x = ARENA_NEW(&run->r->a, struct cel_run);
    uint64_t left = run->budget > run->cost ? run->budget - run->cost : 0;
    x->a = &run->r->a;
    x->vars = run->vars;
    x->authorizer = &run->authorizer;
    x->cost_max = left < CEL_CALL_COST ? left : CEL_CALL_COST;
    struct cel_value v = cel_eval(x, p);
    run->cost += x->cost < left ? x->cost : left;
    run->over = run->over || (x->over && left < CEL_CALL_COST);
    if (run->over)
        v = (struct cel_value){.kind = CEL_ERROR,
                               .s = STR("validation failed due to running out of cost budget, no "
                                        "further validation rules will be run")};
    return v;
}

static enum hook_verdict conditions_hold(struct hook_run *run, const struct hook_conditions *c,
                                         struct str *why)
{
    struct buf all = {0};
    size_t broken = 0;
    for (size_t i = 0; i < c->n; i++) {
        struct cel_value v = {.kind = CEL_ERROR, .s = STR("compilation failed")};
        if (c->list[i].program)
            v = hook_eval(run, c->list[i].program);
        if (v.kind == CEL_BOOL && !v.b) {
            buf_free(&all);
            return HOOK_NO;
        }
        if (v.kind == CEL_BOOL)
            continue;
        buf_addf(&all, "%sexpression '" STR_FMT "' resulted in error: " STR_FMT,
                 broken++ > 0 ? ", " : "", STR_ARG(c->list[i].expression),
                 STR_ARG(v.kind == CEL_ERROR ? v.s : STR("not a bool")));
    }
    *why = arena_printf(&run->r->a, broken > 1 ? "[" STR_FMT "]" : STR_FMT, STR_ARG(buf_str(&all)));
    buf_free(&all);
    return broken > 0 ? HOOK_BROKEN : HOOK_YES;
}

enum hook_verdict hook_conditions_hold(struct hook_run *run, const struct hook_conditions *c,
                                       struct str *why)
{
    uint64_t budget = run->budget; /* of what comes behind them */
    run->budget = run->cost + CEL_CONDITIONS_BUDGET;
    enum hook_verdict verdict = conditions_hold(run, c, why);
    run->budget = budget;
    run->over = false;
    return verdict;
}

/* ---- checking what is written ---- */

void hook_check_expression(struct api_request *r, const struct cel_env *env, struct str field,
                           struct str text, enum cel_kind gives, struct cel_program **out)
{
    struct cel_program *p = NULL;
    struct buf quoted = {0};
    struct err *err = cel_compile(&r->a, env, text, &p);
    json_write_string(&quoted, text);
    if (err)
        api_invalid(r, "FieldValueInvalid", field,
                    "Invalid value: " STR_FMT ": compilation failed: %s", STR_ARG(buf_str(&quoted)),
                    err->message);
    else if (gives != CEL_NULL && !cel_program_gives(p, gives))
        api_invalid(r, "FieldValueInvalid", field,
                    "Invalid value: " STR_FMT ": must evaluate to %s", STR_ARG(buf_str(&quoted)),
                    gives == CEL_BOOL ? "bool" : "string");
    else if (out)
        *out = p;
    buf_free(&quoted);
    err_free(err);
}

void hook_check_conditions(struct api_request *r, const struct cel_env *env, struct str field,
                           const cJSON *list)
{
    size_t i = 0;
    for (const cJSON *c = list ? list->child : NULL; c; c = c->next, i++)
        hook_check_expression(
            r, env,
            arena_printf(&r->a, STR_FMT ".matchConditions[%zu].expression", STR_ARG(field), i),
            json_string(json_get(c, "expression")), CEL_BOOL, NULL);
}
