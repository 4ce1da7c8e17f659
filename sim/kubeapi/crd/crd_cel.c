/* The rules of definitions (x-kubernetes-validations): self and oldSelf, messages, and a budget of each object. */
#include "sim/kubeapi/cel/cel.h"
#include "sim/kubeapi/crd/crds.h"

#define MESSAGE_BYTES_MAX (5u << 10)

enum { SELF, OLD_SELF };

struct rule_program {
    struct cel_program *rule, *message; /* message NULL: none */
    bool transition;                    /* it looks at oldSelf */
};

/* ---- compiling ---- */

static struct err *compile_one(struct arena *a, const struct cel_env *env, struct str text,
                               enum cel_kind gives, const char *what, struct cel_program **out)
{
    bool rule = gives == CEL_BOOL;
    struct err *err = cel_compile(a, env, text, out);
    if (err) {
        struct err *told =
            err_new(rule ? ERR_INVALID : ERR_UNPROCESSABLE, "%scompilation failed: %s",
                    rule ? "" : "messageExpression ", err->message);
        err_free(err);
        return told;
    }
    if (cel_program_gives(*out, gives))
        return NULL;
    return err_new(rule ? ERR_INVALID : ERR_UNPROCESSABLE, "%s must evaluate to a %s", what,
                   rule ? "bool" : "string");
}

static struct err *compile(struct arena *a, const struct type *self, struct type_cel_rule *rule)
{
    const struct cel_type *t = cel_type_of(a, self, true);
    struct rule_program *p = ARENA_NEW(a, struct rule_program);
    if (!t)
        return err_new(ERR_INTERNAL, "failed to construct type information for "
                                     "x-kubernetes-validations rules: unable to convert structural "
                                     "schema to CEL declarations");
    const struct cel_var vars[] = {
        {.name = STR("self"), .type = t},
        {.name = STR("oldSelf"), .type = rule->optional_old_self ? cel_type_optional(a, t) : t}};
    const struct cel_env env = {vars, ARRAY_LEN(vars)};
    struct err *err = compile_one(a, &env, rule->rule, CEL_BOOL, "cel expression", &p->rule);
    if (err)
        return err;
    p->transition = cel_program_uses(p->rule, OLD_SELF);
    rule->program = p;
    if (rule->message_expression.n == 0)
        return NULL;
    return compile_one(a, &env, rule->message_expression, CEL_STRING, "messageExpression",
                       &p->message);
}

static void facts(struct arena *a, const struct type *self, const struct type_cel_rule *rule,
                  struct type_cel_facts *out)
{
    const struct rule_program *p = rule->program;
    out->cost = cel_program_cost_max(a, p->rule, self);
    out->message_cost = p->message ? cel_program_cost_max(a, p->message, self) : 0;
    out->values_max = cel_schema_count_max(self);
    out->looks_back = p->transition;
}

/* ---- telling ---- */

static const char *type_name(const struct type *t)
{
    switch (t->kind) {
    case TYPE_OBJECT:
    case TYPE_MAP:
        return "object";
    case TYPE_LIST:
        return "array";
    case TYPE_STRING:
        return "string";
    case TYPE_BOOL:
        return "boolean";
    case TYPE_INT32:
    case TYPE_INT64:
    case TYPE_INTEGER:
        return "integer";
    case TYPE_NUMBER:
        return "number";
    default:
        return "";
    }
}

static void tell_invalid(const struct type *t, const struct type_path *path,
                         struct type_report *report, struct str detail)
{
    type_report_add(report, TYPE_RANK_RULES, "FieldValueInvalid", type_path_text(path, report->a),
                    "Invalid value: \"%s\": " STR_FMT, type_name(t), STR_ARG(detail));
}

/* The rule's own path, "['a b']" as "[a b]", behind that of the value. */
static struct str field_of(const struct type_cel_rule *rule, const struct type_path *path,
                           struct arena *a)
{
    struct buf b = {0};
    buf_add(&b, type_path_text(path, a));
    for (size_t i = 0; i < rule->field_path.n; i++)
        if (rule->field_path.p[i] != '\'' && !(b.n == 0 && rule->field_path.p[i] == '.'))
            buf_add_char(&b, rule->field_path.p[i]);
    struct str s = arena_str(a, buf_str(&b));
    buf_free(&b);
    return s;
}

static void tell(const struct type *t, const struct type_cel_rule *rule,
                 const struct type_path *path, struct type_report *report, struct str detail)
{
    static const struct {
        const char *reason, *text;
    } reasons[] = {{"FieldValueForbidden", "Forbidden"}, {"FieldValueRequired", "Required value"}};
    struct str field = field_of(rule, path, report->a);
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
        if (str_eq_c(rule->reason, reasons[i].reason)) {
            type_report_add(report, TYPE_RANK_RULES, reasons[i].reason, field, "%s: " STR_FMT,
                            reasons[i].text, STR_ARG(detail));
            return;
        }
    if (str_eq_c(rule->reason, "FieldValueDuplicate"))
        type_report_add(report, TYPE_RANK_RULES, "FieldValueDuplicate", field,
                        "Duplicate value: \"%s\"", type_name(t));
    else
        type_report_add(report, TYPE_RANK_RULES, "FieldValueInvalid", field,
                        "Invalid value: \"%s\": " STR_FMT, type_name(t), STR_ARG(detail));
}

static struct str rule_text(const struct type_cel_rule *rule)
{
    return str_trim(rule->message.n > 0 ? rule->message : rule->rule);
}

/* ---- evaluating ---- */

/* Within what is left of the object's budget. */
static struct cel_value evaluate(struct type_report *report, const struct cel_program *p,
                                 const struct cel_value vars[2], bool *spent)
{
    uint64_t left = CEL_COST_BUDGET - report->cel_cost;
    struct cel_run *run = ARENA_NEW(report->a, struct cel_run);
    run->a = report->a;
    run->vars = vars;
    run->cost_max = left < CEL_CALL_COST ? left : CEL_CALL_COST;
    struct cel_value v = cel_eval(run, p);
    *spent = run->over && left < CEL_CALL_COST;
    report->cel_cost += run->cost < left ? run->cost : left;
    report->cel_over = run->over;
    return v;
}

/* What the message expression gives, when that can be shown; else what the rule says of itself. */
static struct str message_of(const struct type_cel_rule *rule, struct type_report *report,
                             const struct cel_value vars[2])
{
    const struct rule_program *p = rule->program;
    bool spent;
    struct str text = str_empty;
    if (p->message && !report->cel_over) {
        struct cel_value v = evaluate(report, p->message, vars, &spent);
        if (spent)
            return STR("messageExpression evaluation failed due to running out of cost budget, no "
                       "further validation rules will be run");
        if (report->cel_over)
            return arena_printf(report->a,
                                "no further validation rules will be run due to call cost exceeds "
                                "limit for messageExpression: \"" STR_FMT "\"",
                                STR_ARG(rule->message_expression));
        text = v.kind == CEL_STRING ? str_trim(v.s) : str_empty;
    }
    if (text.n > 0 && text.n <= MESSAGE_BYTES_MAX && str_find_char(text, '\n') < 0)
        return text;
    if (rule->message.n > 0)
        return str_trim(rule->message);
    return arena_printf(report->a, "failed rule: " STR_FMT, STR_ARG(str_trim(rule->rule)));
}

static void tell_error(const struct type *t, const struct type_cel_rule *rule,
                       const struct type_path *path, struct type_report *report, struct str error,
                       bool spent)
{
    struct str text = rule_text(rule), detail;
    if (spent)
        detail = STR("validation failed due to running out of cost budget, no further validation "
                     "rules will be run");
    else if (report->cel_over)
        detail = arena_printf(report->a,
                              "'" STR_FMT "': no further validation rules will be run due to call "
                              "cost exceeds limit for rule: " STR_FMT,
                              STR_ARG(error), STR_ARG(text));
    else if (str_starts(error, STR("no such overload")))
        detail = arena_printf(report->a,
                              "'" STR_FMT "': call arguments did not match a supported operator, "
                              "function or macro signature for rule: " STR_FMT,
                              STR_ARG(error), STR_ARG(text));
    else
        detail = arena_printf(report->a, STR_FMT " evaluating rule: " STR_FMT, STR_ARG(error),
                              STR_ARG(text));
    tell_invalid(t, path, report, detail);
}

static void check(const struct type *t, const struct type_cel_rule *rule, const cJSON *v,
                  const cJSON *old, const struct type_path *path, struct type_report *report)
{
    const struct rule_program *p = rule->program;
    bool had = old && old->type != cJSON_NULL, spent;
    if (report->cel_over || (p->transition && !had && !rule->optional_old_self))
        return;
    struct cel_value vars[2] = {[SELF] = cel_of_json(report->a, t, v)};
    if (had)
        vars[OLD_SELF] = cel_of_json(report->a, t, old);
    if (rule->optional_old_self)
        vars[OLD_SELF] = cel_optional(report->a, had ? &vars[OLD_SELF] : NULL);
    size_t before = report->n;
    struct cel_value result = evaluate(report, p->rule, vars, &spent);
    if (result.kind == CEL_ERROR)
        tell_error(t, rule, path, report, result.s, spent);
    else if (result.kind != CEL_BOOL || !result.b)
        tell(t, rule, path, report, message_of(rule, report, vars));
    if (report->n > before)
        report->list[before].kept = p->transition;
}

const struct type_rules_cel *crds_cel(void)
{
    static const struct type_rules_cel cel = {compile, facts, check};
    return &cel;
}
