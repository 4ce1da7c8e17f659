/* Validating admission policies: what their bindings ask of a request, told as denial or warning.
 *
 *   policy (constraints) × binding (its own constraints, params) ─► match conditions ─► variables ─► validations ─► actions
 *
 * Audit annotations and the action Audit go into the audit event of the request. */
#include "sim/kubeapi/admission/hooks.h"
#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/crd/find.h"

#include "engine/kube/gvr.h"

#define POLICIES        "validatingadmissionpolicies.admissionregistration.k8s.io"
#define BINDINGS        "validatingadmissionpolicybindings.admissionregistration.k8s.io"
#define MESSAGE_MAX     5120u
#define ANNOTATION_MAX  10240u
#define EXPRESSIONS_MAX 128u

struct validation {
    struct str expression, message, reason;
    struct cel_program *program, *message_program; /* NULL: none, or broken */
};
struct policy {
    struct hook_conditions conditions;
    struct cel_field *variables;
    size_t variables_n;
    struct validation *validations;
    size_t validations_n;
    struct cel_field *annotations; /* by key */
    size_t annotations_n;
    struct str broken; /* why it cannot be evaluated; empty: it can */
};

/* ---- compiling ---- */

static void policy_env(struct arena *a, const cJSON *spec, struct cel_var vars[HOOK_SLOTS],
                       struct cel_env *env)
{
    hook_env(a, vars, HOOK_SLOTS, env);
    if (!json_get(spec, "paramKind"))
        vars[HOOK_PARAMS].name = str_empty;
}

static struct cel_program *compiled(struct policy *p, struct arena *a, const struct cel_env *env,
                                    struct str text)
{
    struct cel_program *program = NULL;
    if (text.n == 0)
        return NULL;
    struct err *err = cel_compile(a, env, text, &program);
    if (err && p->broken.n == 0)
        p->broken = arena_printf(a, "compilation error: compilation failed: %s", err->message);
    err_free(err);
    return program;
}

static void compile_variables(struct policy *p, struct arena *a, const cJSON *list,
                              struct cel_var *var, const struct cel_env *env)
{
    p->variables = ARENA_NEW_ARRAY(a, struct cel_field, EXPRESSIONS_MAX);
    var->fields = p->variables;
    for (const cJSON *v = list ? list->child : NULL; v && p->variables_n < EXPRESSIONS_MAX;
         v = v->next) {
        struct cel_field *f = &p->variables[p->variables_n];
        f->name = json_string_at(v, "name");
        f->program = compiled(p, a, env, json_string_at(v, "expression"));
        p->variables_n += f->program != NULL;
        var->fields_n = p->variables_n;
    }
}

void policy_compile(struct hook_config *c)
{
    struct arena *a = &c->a;
    struct cel_var vars[HOOK_SLOTS];
    struct cel_env env;
    struct policy *p = ARENA_NEW(a, struct policy);
    const cJSON *spec = json_get(c->tree, "spec"), *list = json_get(spec, "validations");
    c->policy = p;
    p->broken = str_empty;
    policy_env(a, spec, vars, &env);
    struct cel_env conditions = {vars, HOOK_NAMESPACE};
    hook_conditions_compile(a, &conditions, json_get(spec, "matchConditions"), &p->conditions);
    compile_variables(p, a, json_get(spec, "variables"), &vars[HOOK_VARIABLES], &env);
    p->validations = ARENA_NEW_ARRAY(a, struct validation, EXPRESSIONS_MAX);
    for (const cJSON *v = list ? list->child : NULL; v && p->validations_n < EXPRESSIONS_MAX;
         v = v->next) {
        struct validation *x = &p->validations[p->validations_n++];
        x->expression = json_string_at(v, "expression");
        x->message = json_string_at(v, "message");
        x->reason = json_string_at(v, "reason");
        x->program = compiled(p, a, &env, x->expression);
        x->message_program = compiled(p, a, &env, json_string_at(v, "messageExpression"));
    }
    list = json_get(spec, "auditAnnotations");
    p->annotations = ARENA_NEW_ARRAY(a, struct cel_field, EXPRESSIONS_MAX);
    for (const cJSON *v = list ? list->child : NULL; v && p->annotations_n < EXPRESSIONS_MAX;
         v = v->next)
        p->annotations[p->annotations_n++] = (struct cel_field){
            json_string_at(v, "key"), compiled(p, a, &env, json_string_at(v, "valueExpression"))};
}

/* What is written is looked at when it comes. */
static bool check_policy(struct admission *a)
{
    struct api_request *r = a->r;
    struct cel_var vars[HOOK_SLOTS];
    struct cel_env env;
    const cJSON *spec = json_get(a->object, "spec"), *v;
    static const struct {
        const char *list, *field;
        enum cel_kind gives;
    } parts[] = {{"validations", "expression", CEL_BOOL},
                 {"validations", "messageExpression", CEL_STRING},
                 {"auditAnnotations", "valueExpression", CEL_NULL}};
    struct cel_field *fields = ARENA_NEW_ARRAY(&r->a, struct cel_field, EXPRESSIONS_MAX);
    policy_env(&r->a, spec, vars, &env);
    struct cel_env conditions = {vars, HOOK_NAMESPACE};
    hook_check_conditions(r, &conditions, STR("spec"), json_get(spec, "matchConditions"));
    vars[HOOK_VARIABLES].fields = fields;
    size_t i = 0;
    v = json_get(spec, "variables");
    for (v = v ? v->child : NULL; v && i < EXPRESSIONS_MAX; v = v->next, i++) {
        struct cel_program *p = NULL;
        hook_check_expression(r, &env, arena_printf(&r->a, "spec.variables[%zu].expression", i),
                              json_string_at(v, "expression"), CEL_NULL, &p);
        if (p)
            fields[vars[HOOK_VARIABLES].fields_n++] =
                (struct cel_field){json_string_at(v, "name"), p};
    }
    for (size_t k = 0; k < ARRAY_LEN(parts); k++) {
        v = json_get(spec, parts[k].list);
        i = 0;
        for (v = v ? v->child : NULL; v; v = v->next, i++)
            if (json_string_at(v, parts[k].field).n > 0)
                hook_check_expression(
                    r, &env,
                    arena_printf(&r->a, "spec.%s[%zu].%s", parts[k].list, i, parts[k].field),
                    json_string_at(v, parts[k].field), parts[k].gives, NULL);
    }
    return api_invalid_end(r, a->k, json_string_at(a->object, "metadata.name"));
}

static bool check_webhooks(struct admission *a)
{
    struct cel_var vars[HOOK_SLOTS];
    struct cel_env env;
    size_t i = 0;
    const cJSON *list = json_get(a->object, "webhooks");
    hook_env(&a->r->a, vars, HOOK_PARAMS, &env);
    for (const cJSON *w = list ? list->child : NULL; w; w = w->next, i++)
        hook_check_conditions(a->r, &env, arena_printf(&a->r->a, "webhooks[%zu]", i),
                              json_get(w, "matchConditions"));
    return api_invalid_end(a->r, a->k, json_string_at(a->object, "metadata.name"));
}

/* ---- deciding ---- */

struct decision {
    bool denied;
    struct str message, reason;
};
struct verdicts {
    struct admission *a;
    struct hook_subject subject;
    struct decision first; /* the one that is told */
    bool waits;            /* for another version of the object */
    struct str policy, binding;
};

static void deny(struct verdicts *v, const struct hook_config *policy,
                 const struct hook_config *binding, struct str message, struct str reason)
{
    if (v->first.denied)
        return;
    v->first = (struct decision){true, message, reason};
    v->policy = policy->name;
    v->binding = binding ? binding->name : str_empty;
}

/* Something is wrong with the policy itself. */
static void deny_broken(struct verdicts *v, const struct hook_config *policy,
                        const struct hook_config *binding, struct str why)
{
    if (!str_eq_c(json_string_at(policy->tree, "spec.failurePolicy"), "Ignore"))
        deny(v, policy, binding, why, str_empty);
}

static struct str message_of(struct hook_run *run, const struct validation *x)
{
    struct str text = str_empty;
    if (x->message_program) {
        struct cel_value m = hook_eval(run, x->message_program);
        if (m.kind == CEL_STRING)
            text = str_trim(m.s);
        if (text.n > MESSAGE_MAX || str_find_char(text, '\n') >= 0)
            text = str_empty;
    }
    if (text.n == 0)
        text = str_trim(x->message);
    if (text.n == 0)
        text = arena_printf(&run->r->a, "failed expression: " STR_FMT,
                            STR_ARG(str_trim(x->expression)));
    return text;
}

/* For the audit log: the first that does not hold. */
static void note_failure(struct verdicts *v, const struct hook_config *policy,
                         const struct hook_config *binding, size_t index, struct str message)
{
    struct buf b = {.max = 1 << 16};
    buf_add_c(&b, "[{\"message\":");
    json_write_string(&b, message);
    buf_add_c(&b, ",\"policy\":");
    json_write_string(&b, policy->name);
    buf_add_c(&b, ",\"binding\":");
    json_write_string(&b, binding->name);
    buf_addf(&b, ",\"expressionIndex\":%zu,\"validationActions\":", index);
    json_write(&b, json_path(binding->tree, "spec.validationActions"));
    buf_add_c(&b, "}]");
    api_observe_annotate(v->a->r, STR("validation.policy.admission.k8s.io/validation_failure"),
                         buf_str(&b));
    buf_free(&b);
}

/* What a validation that does not hold leads to, by the binding. */
static void act(struct verdicts *v, const struct hook_config *policy,
                const struct hook_config *binding, size_t index, struct str message,
                struct str reason)
{
    const cJSON *actions = json_path(binding->tree, "spec.validationActions");
    for (const cJSON *c = actions ? actions->child : NULL; c; c = c->next) {
        if (str_eq_c(json_string(c), "Deny"))
            deny(v, policy, binding, message, reason);
        else if (str_eq_c(json_string(c), "Warn"))
            api_warn(v->a->r,
                     "Validation failed for ValidatingAdmissionPolicy '" STR_FMT
                     "' with binding '" STR_FMT "': " STR_FMT,
                     STR_ARG(policy->name), STR_ARG(binding->name), STR_ARG(message));
        else if (v->a->r->observed)
            note_failure(v, policy, binding, index, message);
    }
}

static void meet_validation(struct verdicts *v, const struct hook_config *policy,
                            const struct hook_config *binding, struct hook_run *run, size_t index)
{
    const struct validation *x = &policy->policy->validations[index];
    bool ignores = str_eq_c(json_string_at(policy->tree, "spec.failurePolicy"), "Ignore");
    struct cel_value result = hook_eval(run, x->program);
    if (result.kind == CEL_ERROR) {
        struct str why =
            arena_printf(&run->r->a, "expression '" STR_FMT "' resulted in error: " STR_FMT,
                         STR_ARG(x->expression), STR_ARG(result.s));
        if (!ignores)
            act(v, policy, binding, index, why, str_empty);
        return;
    }
    if (result.kind == CEL_BOOL && result.b)
        return;
    act(v, policy, binding, index, message_of(run, x), x->reason);
}

static void meet_annotations(struct verdicts *v, const struct hook_config *policy,
                             const struct hook_config *binding, struct hook_run *run)
{
    for (size_t i = 0; i < policy->policy->annotations_n; i++) {
        struct cel_value x = {.kind = CEL_NULL};
        const struct cel_field *f = &policy->policy->annotations[i];
        if (f->program)
            x = hook_eval(run, f->program);
        if (x.kind == CEL_ERROR)
            deny_broken(v, policy, binding, x.s);
        else if (x.kind == CEL_STRING && run->r->observed && str_trim(x.s).n > 0)
            api_observe_gather(run->r,
                               arena_printf(&run->r->a, STR_FMT "/" STR_FMT, STR_ARG(policy->name),
                                            STR_ARG(f->name)),
                               str_sub(str_trim(x.s), 0, ANNOTATION_MAX));
    }
}

/* ---- bindings ---- */

static void evaluate(struct verdicts *v, const struct hook_config *policy,
                     const struct hook_config *binding, const struct api_kind *as,
                     const cJSON *param)
{
    struct api_request *r = v->a->r;
    const struct policy *p = policy->policy;
    struct hook_run *run = ARENA_NEW(&r->a, struct hook_run);
    struct str why;
    if (p->broken.n > 0) {
        deny_broken(v, policy, binding, p->broken);
        return;
    }
    hook_run_init(run, &v->subject, as);
    run->vars[HOOK_PARAMS] = cel_of_json(&r->a, NULL, param);
    enum hook_verdict verdict = hook_conditions_hold(run, &p->conditions, &why);
    if (verdict == HOOK_BROKEN)
        deny_broken(v, policy, binding, why);
    if (verdict != HOOK_YES)
        return;
    const struct kube_object *ns =
        api_kind_is(v->a->k, "namespaces") || v->subject.ns.n == 0
            ? NULL
            : kubeapi_get(r->api, STR("namespaces"), str_empty, v->subject.ns);
    run->vars[HOOK_NAMESPACE] = cel_of_json(&r->a, NULL, ns ? kube_object_tree(ns, &r->a) : NULL);
    run->vars[HOOK_VARIABLES] = cel_record(&r->a, p->variables, p->variables_n);
    run->cost = 0;
    for (size_t i = 0; i < p->validations_n; i++)
        meet_validation(v, policy, binding, run, i);
    meet_annotations(v, policy, binding, run);
}

/* matchConstraints, matchResources. NULL: not for this request. */
static const struct api_kind *constrained(const struct hook_subject *s, const cJSON *m)
{
    struct str policy = json_string_at(m, "matchPolicy");
    const cJSON *rules = json_get(m, "resourceRules"), *not = json_get(m, "excludeResourceRules");
    if (not &&not ->child && hook_matches(s, not, policy))
        return NULL;
    const struct api_kind *as = rules && rules->child ? hook_matches(s, rules, policy) : s->a->k;
    bool selected =
        hook_selected(s, json_get(m, "namespaceSelector"), json_get(m, "objectSelector"));
    return selected ? as : NULL;
}

static void with_params(struct verdicts *v, const struct hook_config *policy,
                        const struct hook_config *binding, const struct api_kind *as)
{
    struct api_request *r = v->a->r;
    const cJSON *kind = json_path(policy->tree, "spec.paramKind");
    const cJSON *ref = json_path(binding->tree, "spec.paramRef");
    const cJSON *selector = ref ? json_get(ref, "selector") : NULL;
    struct str name = json_string_at(ref, "name"), ns = json_string_at(ref, "namespace");
    size_t found = 0;
    if (!kind || !ref) {
        evaluate(v, policy, binding, as, NULL);
        return;
    }
    const struct api_kind *k =
        api_kind_of(r->api, json_string_at(kind, "apiVersion"), json_string_at(kind, "kind"));
    if (!k) {
        deny_broken(v, policy, binding,
                    STR("failed to configure policy: failed to find resource referenced by "
                        "paramKind"));
        return;
    }
    bool namespaced = (k->flags & KIND_NAMESPACED) != 0;
    ns = !namespaced ? str_empty : ns.n > 0 ? ns : v->subject.ns;
    struct store_cursor c = store_seek(api_kind_table(r->api, k), ns, str_empty);
    for (const struct kube_object *o; (o = store_next(&c)) && (!namespaced || str_eq(o->ns, ns));) {
        cJSON *tree = kube_object_tree(o, &r->a);
        if (name.n > 0 ? !str_eq(o->name, name)
                       : !hook_labels_match(selector, json_path(tree, "metadata.labels")))
            continue;
        found++;
        evaluate(v, policy, binding, as, tree);
    }
    if (found == 0 && !str_eq_c(json_string_at(ref, "parameterNotFoundAction"), "Allow"))
        deny_broken(v, policy, binding,
                    STR("failed to configure binding: no params found for policy binding with "
                        "`Deny` parameterNotFoundAction"));
}

static void meet_policy(struct verdicts *v, const struct hook_config *policy)
{
    struct api_request *r = v->a->r;
    struct str why;
    const struct api_kind *as =
        constrained(&v->subject, json_path(policy->tree, "spec.matchConstraints"));
    if (!as)
        return;
    enum crd_conversion made = hook_prepare(&v->subject, as, &why);
    v->waits = v->waits || made == CRD_WAITS;
    if (made == CRD_BROKEN)
        deny_broken(v, policy, NULL, why);
    if (made != CRD_CONVERTED)
        return;
    struct store_cursor cursor = hooks_begin(r, BINDINGS);
    for (const struct hook_config *b; (b = hooks_next(r, BINDINGS, &cursor));) {
        const cJSON *more = json_path(b->tree, "spec.matchResources");
        if (str_eq(json_string_at(b->tree, "spec.policyName"), policy->name) &&
            (!more || constrained(&v->subject, more)))
            with_params(v, policy, b, as);
    }
}

/* ---- telling ---- */

static int code_of(struct str reason)
{
    return str_eq_c(reason, "Forbidden")               ? 403
           : str_eq_c(reason, "Unauthorized")          ? 401
           : str_eq_c(reason, "RequestEntityTooLarge") ? 413
                                                       : 422;
}

static bool tell(struct verdicts *v)
{
    struct api_request *r = v->a->r;
    struct arena *a = &r->a;
    struct str with = str_empty, reason = v->first.reason, resource = v->a->k->resource;
    struct kube_cause cause = {.reason = str_empty, .field = str_empty};
    if (v->binding.n > 0)
        with = arena_printf(a, " with binding '" STR_FMT "'", STR_ARG(v->binding));
    cause.message = arena_printf(
        a, "ValidatingAdmissionPolicy '" STR_FMT "'" STR_FMT " denied request: " STR_FMT,
        STR_ARG(v->policy), STR_ARG(with), STR_ARG(v->first.message));
    if (reason.n == 0)
        reason = STR("Invalid");
    struct kube_status s = {.code = code_of(reason),
                            .reason = reason,
                            .name = v->subject.name,
                            .group = v->a->k->group,
                            .kind = resource,
                            .uid = str_empty,
                            .continue_ = str_empty,
                            .causes = &cause,
                            .causes_n = 1};
    s.message = arena_printf(a, STR_FMT "%s" STR_FMT " \"" STR_FMT "\" is forbidden: " STR_FMT,
                             STR_ARG(resource), s.group.n > 0 ? "." : "", STR_ARG(s.group),
                             STR_ARG(s.name), STR_ARG(cause.message));
    api_reply_status(r, &s);
    return false;
}

bool admit_policies(struct admission *a)
{
    struct api_request *r = a->r;
    if (str_eq_c(a->k->group, "admissionregistration.k8s.io")) {
        if (!a->object || a->sub.n > 0)
            return true;
        if (str_eq_c(a->k->kind, "ValidatingAdmissionPolicy"))
            return check_policy(a);
        return check_webhooks(a);
    }
    if (store_count(kubeapi_table(r->api, STR(BINDINGS))) == 0)
        return true;
    struct verdicts v = {.a = a};
    hook_subject_init(&v.subject, a);
    struct store_cursor cursor = hooks_begin(r, POLICIES);
    for (const struct hook_config *p; (p = hooks_next(r, POLICIES, &cursor));)
        meet_policy(&v, p);
    if (v.waits)
        return false;
    return v.first.denied ? tell(&v) : true;
}
