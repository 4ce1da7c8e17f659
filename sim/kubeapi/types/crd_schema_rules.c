/* The rules of a schema (x-kubernetes-validations): do they compile, and what may they cost? A walk of its own, behind all
 * others: only what is sound in its structure can be given types. */
#include "sim/kubeapi/types/crd_schema_walk.h"

/* What holds for a node by those above it. */
struct schema_scope {
    const struct schema_scope *up;
    const cJSON *s;
    bool bounded; /* values_max says how many values of this node an object can have */
    uint64_t values_max;
    struct str uncorrelated; /* the node below which old values cannot be found; empty: none */
};

static uint64_t times(uint64_t x, uint64_t y)
{
    uint64_t r;
    return __builtin_mul_overflow(x, y, &r) ? UINT64_MAX : r;
}

/* ---- costs ---- */

/* "1.234567x", "23.4x", "more than 100x", by integers: both limits are powers of ten. */
static struct str cost_text(struct schema_checker *c, const char *what, uint64_t cost, uint64_t max)
{
    struct str factor = STR("more than 100x");
    uint64_t part = max / 1000000;
    if (cost <= max * 100 && cost * 2 < max * 3) {
        uint64_t millionths = (cost + part / 2) / part;
        factor =
            arena_printf(c->report->a, "%llu.%06llux", (unsigned long long)(millionths / 1000000),
                         (unsigned long long)(millionths % 1000000));
    } else if (cost <= max * 100) {
        uint64_t tenths = (cost * 10 + max / 2) / max;
        factor = arena_printf(c->report->a, "%llu.%llux", (unsigned long long)(tenths / 10),
                              (unsigned long long)(tenths % 10));
    }
    return arena_printf(c->report->a,
                        "%s exceeds budget by factor of " STR_FMT
                        " (try simplifying the rule, or adding maxItems, maxProperties, and "
                        "maxLength where arrays, maps, and strings are declared)",
                        what, STR_ARG(factor));
}

/* Keeps the dearest expressions, the first of those that cost the same first. */
static void remember(struct schema_checker *c, struct str field, uint64_t cost)
{
    size_t i = c->dearest_n;
    if (__builtin_add_overflow(c->cost, cost, &c->cost))
        c->cost = UINT64_MAX;
    if (cost < CRD_COST_MAX / 100)
        return;
    while (i > 0 && c->dearest[i - 1].cost < cost) {
        if (i < SCHEMA_DEAREST_MAX)
            c->dearest[i] = c->dearest[i - 1];
        i--;
    }
    if (i == SCHEMA_DEAREST_MAX)
        return;
    c->dearest[i].field = field;
    c->dearest[i].cost = cost;
    c->dearest_n += c->dearest_n < SCHEMA_DEAREST_MAX;
}

static void check_cost(struct schema_checker *c, const struct schema_at *at, const char *part,
                       const char *what, uint64_t cost)
{
    if (cost > CRD_RULE_COST_MAX && !c->options->unchanged)
        schema_forbidden(c, at, part, cost_text(c, what, cost, CRD_RULE_COST_MAX).p);
    remember(c, schema_text(c, at, part), cost);
}

static void check_total(struct schema_checker *c, const struct schema_at *root)
{
    if (c->cost <= CRD_COST_MAX)
        return;
    for (size_t i = 0; i < c->dearest_n; i++)
        type_report_add(c->report, 0, "FieldValueForbidden", c->dearest[i].field,
                        "Forbidden: contributed to estimated rule cost total exceeding cost limit "
                        "for entire OpenAPIv3 schema");
    schema_forbidden(
        c, root, NULL,
        cost_text(c,
                  "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema",
                  c->cost, CRD_COST_MAX)
            .p);
}

/* ---- a rule ---- */

/* A rule as the message shows it: with Go's names, and <, >, & escaped. */
static struct str rule_text(struct schema_checker *c, const struct type_cel_rule *rule,
                            const cJSON *v)
{
    struct buf plain = {0}, out = {0};
    buf_add_c(&plain, "{\"Rule\":");
    json_write_string(&plain, rule->rule);
    buf_add_c(&plain, ",\"Message\":");
    json_write_string(&plain, rule->message);
    buf_add_c(&plain, ",\"MessageExpression\":");
    json_write_string(&plain, rule->message_expression);
    buf_add_c(&plain, ",\"Reason\":");
    if (rule->reason.n > 0)
        json_write_string(&plain, rule->reason);
    else
        buf_add_c(&plain, "null");
    buf_add_c(&plain, ",\"FieldPath\":");
    json_write_string(&plain, rule->field_path);
    buf_addf(&plain, ",\"OptionalOldSelf\":%s}",
             !json_get(v, "optionalOldSelf") ? "null"
             : rule->optional_old_self       ? "true"
                                             : "false");
    for (size_t i = 0; i < plain.n; i++) {
        if (char_in(plain.p[i], "<>&"))
            buf_addf(&out, "\\u%04x", (unsigned)plain.p[i]);
        else
            buf_add_char(&out, plain.p[i]);
    }
    struct str s = arena_str(c->report->a, buf_str(&out));
    buf_free(&plain);
    buf_free(&out);
    return s;
}

static void tell_invalid(struct schema_checker *c, const struct schema_at *at, const char *part,
                         struct str value, const char *why)
{
    type_report_add(c->report, 0, "FieldValueInvalid", schema_text(c, at, part),
                    "Invalid value: " STR_FMT ": %s", STR_ARG(value), why);
}

/* oldSelf has to be there when it is asked for, and has to be asked for when it may be missing. */
static void check_old(struct schema_checker *c, const struct schema_at *at, const cJSON *v,
                      bool looks_back)
{
    struct str there = c->scope->uncorrelated;
    if (looks_back && there.n > 0)
        schema_invalid(c, at, "rule", json_get(v, "rule"),
                       arena_printf(c->report->a,
                                    "oldSelf cannot be used on the uncorrelatable portion of the "
                                    "schema within " STR_FMT,
                                    STR_ARG(there))
                           .p);
    else if (!looks_back && json_get(v, "optionalOldSelf"))
        schema_invalid(c, at, "optionalOldSelf", json_get(v, "optionalOldSelf"),
                       "may not be set if oldSelf is not used in rule");
}

/* False: no rule can stand at this node. */
static bool check_rule(struct schema_checker *c, const struct schema_at *at, const cJSON *v,
                       const struct type *self)
{
    struct type_cel_rule rule = {.rule = schema_string(v, "rule"),
                                 .message = schema_string(v, "message"),
                                 .message_expression = schema_string(v, "messageExpression"),
                                 .reason = schema_string(v, "reason"),
                                 .field_path = schema_string(v, "fieldPath"),
                                 .optional_old_self = schema_flag(v, "optionalOldSelf")};
    struct type_cel_facts facts = {0};
    struct err *err = c->options->cel->compile(c->report->a, self, &rule);
    bool broken = err && err->code == ERR_INVALID;
    if (err && err->code == ERR_INTERNAL) {
        type_report_add(c->report, 0, "InternalError",
                        schema_text(c, at->up, "x-kubernetes-validations"),
                        "Internal error: internal error: %s", err->message);
        err_free(err);
        return false;
    }
    if (!broken)
        c->options->cel->facts(c->report->a, self, &rule, &facts);
    uint64_t values = c->scope->bounded ? c->scope->values_max : facts.values_max;
    check_cost(c, at, "rule", "estimated rule cost", times(facts.cost, values));
    if (err)
        tell_invalid(c, at, broken ? "rule" : "messageExpression", rule_text(c, &rule, v),
                     err->message);
    else if (rule.message_expression.n > 0)
        check_cost(c, at, "messageExpression", "estimated messageExpression cost",
                   facts.message_cost);
    if (!broken || json_get(v, "optionalOldSelf"))
        check_old(c, at, v, facts.looks_back);
    err_free(err);
    return true;
}

/* ---- the walk ---- */

/* Is something reported of the node, or of one below it? */
static bool is_reported(const struct schema_checker *c, struct str node)
{
    for (size_t i = 0; i < c->schema_errors; i++) {
        struct str field = c->report->list[i].field;
        if (str_starts(field, node) &&
            (field.n == node.n || field.p[node.n] == '.' || field.p[node.n] == '['))
            return true;
    }
    return false;
}

/* By how much a node multiplies those below it; false: without bounds. */
static bool multiplies(const cJSON *s, uint64_t *by)
{
    struct str type = schema_string(s, "type");
    bool list = str_eq_c(type, "array");
    bool map = str_eq_c(type, "object") && json_get(s, "additionalProperties");
    int64_t max = 0;
    *by = 1;
    if (!list && !map)
        return true;
    if (!json_int(json_get(s, list ? "maxItems" : "maxProperties"), &max))
        return false;
    *by = max < 0 ? 0 : (uint64_t)max;
    return true;
}

/* Elements of lists have old values only where they have keys; members of atomic objects have none. */
static bool correlates(const cJSON *s, const struct schema_at *below)
{
    if (strcmp(below->part, "items") == 0)
        return str_eq_c(schema_string(s, "x-kubernetes-list-type"), "map");
    return strcmp(below->part, "properties") != 0 ||
           !str_eq_c(schema_string(s, "x-kubernetes-map-type"), "atomic");
}

static void check_below(struct schema_checker *c, const struct schema_at *at, const cJSON *s,
                        enum schema_level level)
{
    const cJSON *list = json_get(s, "x-kubernetes-validations");
    const struct crd_schema_options none = {0};
    const struct schema_scope *up = c->scope;
    struct schema_scope *here = ARENA_NEW(c->report->a, struct schema_scope);
    uint64_t by;
    if (s->type != cJSON_Object)
        return;
    *here = (struct schema_scope){up, s, true, 1, str_empty};
    if (up) {
        here->bounded = up->bounded && multiplies(up->s, &by);
        here->values_max = here->bounded ? times(up->values_max, by) : 0;
        here->uncorrelated = up->uncorrelated;
        if (here->uncorrelated.n == 0 && !correlates(up->s, at))
            here->uncorrelated = schema_text(c, at->up, NULL);
    }
    c->scope = here;
    schema_each_structure(c, at, s, check_below);
    if (list && list->child && !is_reported(c, schema_text(c, at, NULL))) {
        const struct type *self = level == SCHEMA_ROOT
                                      ? crd_schema_compile(&none, c->report->a, s)
                                      : crd_schema_compile_part(&none, c->report->a, s);
        size_t i = 0;
        for (const cJSON *v = list->child; v; v = v->next, i++) {
            struct schema_at there = {at, "x-kubernetes-validations", {NULL, 0}, i, true};
            if (!check_rule(c, &there, v, self))
                break;
        }
    }
    c->scope = up;
}

void schema_check_rules(struct schema_checker *c, const struct schema_at *root, const cJSON *s)
{
    c->scope = NULL;
    check_below(c, root, s, SCHEMA_ROOT);
    check_total(c, root);
}
