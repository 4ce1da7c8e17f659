/* The check: what names mean, which overload a call means, what comes out; all problems are told, not only the first. */
#include <stdio.h>

#include "sim/kubeapi/cel/cel_internal.h"
#include "sim/kubeapi/types/pattern.h"

struct scope {
    const struct scope *up;
    struct str name;
    const struct cel_type *type;
    uint32_t slot;
};
struct checker {
    struct cel_report *report;
    struct arena *a;
    const struct cel_env *env;
    uint64_t uses;
    const struct cel_node *mixed; /* a list whose elements need not agree: format's */
};

static const struct cel_type *check(struct checker *c, const struct scope *scope,
                                    struct cel_node *x);

static const struct cel_type *broken(void)
{
    return cel_type_simple(T_ERROR);
}

static struct str shown(struct checker *c, const struct cel_type *t)
{
    struct buf b = {0};
    cel_type_print(t, &b);
    struct str s = arena_str(c->a, buf_str(&b));
    buf_free(&b);
    return s;
}

static bool is_open(const struct cel_type *t)
{
    return t->kind == T_DYN || t->kind == T_ERROR;
}

/* ---- names ---- */

static const struct cel_type *undeclared(struct checker *c, size_t at, struct str name)
{
    cel_problem(c->report, at, "undeclared reference to '" STR_FMT "' (in container '')",
                STR_ARG(name));
    return broken();
}

/* int, list(dyn)...: types are values too. */
static const struct cel_type *type_name(struct checker *c, struct cel_node *x)
{
    static const char *const names[] = {"bool",   "int",   "uint",      "double",
                                        "string", "bytes", "null_type", "type"};
    static const enum cel_tkind kinds[] = {T_BOOL,   T_INT,   T_UINT, T_DOUBLE,
                                           T_STRING, T_BYTES, T_NULL, T_TYPE};
    const struct cel_type *t = NULL;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq_c(x->name, names[i]))
            t = cel_type_simple(kinds[i]);
    if (str_eq_c(x->name, "list"))
        t = cel_type_list(c->a, &cel_type_dyn);
    if (str_eq_c(x->name, "map"))
        t = cel_type_map(c->a, &cel_type_dyn, &cel_type_dyn);
    if (!t)
        return undeclared(c, x->at, x->name);
    x->op = NODE_LITERAL;
    x->literal = (struct cel_value){.kind = CEL_TYPE, .type = t};
    struct cel_type *type = ARENA_NEW(c->a, struct cel_type);
    *type = *cel_type_simple(T_TYPE);
    type->a = t;
    return type;
}

static const struct cel_type *check_name(struct checker *c, const struct scope *scope,
                                         struct cel_node *x)
{
    for (const struct scope *s = scope; s; s = s->up)
        if (str_eq(s->name, x->name)) {
            x->op = NODE_LOCAL;
            x->slot = s->slot;
            return s->type;
        }
    for (size_t i = 0; i < c->env->vars_n; i++) {
        const struct cel_var *v = &c->env->vars[i];
        if (!str_eq(v->name, x->name))
            continue;
        x->op = NODE_VAR;
        x->slot = (uint32_t)i;
        c->uses |= UINT64_C(1) << i;
        if (v->type)
            return v->type;
        struct cel_type *t = ARENA_NEW(c->a, struct cel_type);
        t->kind = T_RECORD;
        t->record = v;
        return t;
    }
    return type_name(c, x);
}

/* ---- fields ---- */

/* google.protobuf.Timestamp, net.IP: types whose names have dots. */
static bool dotted_type(struct checker *c, struct cel_node *x)
{
    const struct cel_node *base = x->args[0];
    bool protobuf = base->op == NODE_SELECT && str_eq_c(base->name, "protobuf") &&
                    base->args[0]->op == NODE_NAME && str_eq_c(base->args[0]->name, "google");
    const struct cel_type *t = NULL;
    const char *sig = "p";
    if (protobuf && str_eq_c(x->name, "Timestamp"))
        t = cel_type_simple(T_TIMESTAMP);
    else if (protobuf && str_eq_c(x->name, "Duration"))
        t = cel_type_simple(T_DURATION);
    else if (base->op == NODE_NAME && str_eq_c(base->name, "net") && str_eq_c(x->name, "IP"))
        t = cel_type_of_sig(c->a, &sig);
    else if (base->op == NODE_NAME && str_eq_c(base->name, "net") && str_eq_c(x->name, "CIDR"))
        t = cel_type_of_sig(c->a, &(const char *){"c"});
    if (!t)
        return false;
    x->op = NODE_LITERAL;
    x->literal = (struct cel_value){.kind = CEL_TYPE, .type = t};
    return true;
}

static const struct cel_type *field_of(struct checker *c, const struct cel_type *t,
                                       const struct cel_node *x)
{
    if (is_open(t))
        return t;
    if (t->kind == T_OPTIONAL) {
        const struct cel_type *inner = field_of(c, t->a, x);
        return inner->kind == T_ERROR || inner->kind == T_OPTIONAL ? inner
                                                                   : cel_type_optional(c->a, inner);
    }
    if (t->kind == T_MAP) {
        if (t->a->kind != T_STRING && t->a->kind != T_DYN) {
            cel_problem(c->report, x->at, "type '" STR_FMT "' does not support field selection",
                        STR_ARG(shown(c, t)));
            return broken();
        }
        return t->b;
    }
    if (t->kind != T_OBJECT && t->kind != T_RECORD) {
        cel_problem(c->report, x->at, "type '" STR_FMT "' does not support field selection",
                    STR_ARG(shown(c, t)));
        return broken();
    }
    const struct cel_type *f = cel_type_field(c->a, t, x->name);
    if (f)
        return f;
    cel_problem(c->report, x->at, "undefined field '" STR_FMT "'", STR_ARG(x->name));
    return broken();
}

/* "authorizer.requestResource" is a variable of its own. */
static const struct cel_type *dotted_variable(struct checker *c, struct cel_node *x)
{
    const struct cel_node *base = x->args[0];
    for (size_t i = 0; base->op == NODE_NAME && i < c->env->vars_n; i++) {
        struct str head, tail, name = c->env->vars[i].name;
        if (!str_cut(name, '.', &head, &tail) || !str_eq(head, base->name) ||
            !str_eq(tail, x->name))
            continue;
        x->op = NODE_VAR;
        x->slot = (uint32_t)i;
        x->name = name;
        c->uses |= UINT64_C(1) << i;
        return c->env->vars[i].type;
    }
    return NULL;
}

static const struct cel_type *check_select(struct checker *c, const struct scope *scope,
                                           struct cel_node *x)
{
    const struct cel_type *variable = x->op == NODE_SELECT ? dotted_variable(c, x) : NULL;
    if (variable)
        return variable;
    if (x->op == NODE_SELECT && dotted_type(c, x))
        return cel_type_simple(T_TYPE);
    const struct cel_type *t = field_of(c, check(c, scope, x->args[0]), x);
    if (x->op == NODE_HAS)
        return t->kind == T_ERROR ? t : cel_type_simple(T_BOOL);
    if (x->optional && t->kind != T_OPTIONAL && t->kind != T_ERROR)
        return cel_type_optional(c->a, t);
    return t;
}

/* ---- calls ---- */

static const struct cel_type *no_overload(struct checker *c, const struct cel_node *x)
{
    struct buf b = {0};
    if (x->member) {
        cel_type_print(x->args[0]->type, &b);
        buf_add_c(&b, ".");
    }
    buf_add_char(&b, '(');
    for (size_t i = x->member; i < x->n; i++) {
        buf_add_c(&b, i > (size_t)x->member ? ", " : "");
        cel_type_print(x->args[i]->type, &b);
    }
    buf_add_char(&b, ')');
    cel_problem(c->report, x->at,
                "found no matching overload for '" STR_FMT "' applied to '" STR_FMT "'",
                STR_ARG(x->name), STR_ARG(buf_str(&b)));
    buf_free(&b);
    return broken();
}

const struct cel_type *cel_overload_next(struct arena *a, const struct cel_node *call,
                                         const char **sigs)
{
    const struct cel_type *bound[2] = {NULL, NULL};
    const char *p = *sigs;
    size_t i = 0;
    bool fits = true;
    for (; *p != ':'; i++) {
        const struct cel_type *want = cel_type_of_sig(a, &p);
        fits = fits && i < call->n && cel_type_fits(a, want, call->args[i]->type, bound);
    }
    p++;
    const struct cel_type *gives = cel_type_of_sig(a, &p);
    *sigs = p + (*p == '|');
    return fits && i == call->n ? cel_type_bind(a, gives, bound) : NULL;
}

/* What the overloads that fit give; NULL: none fits. */
static const struct cel_type *resolve(struct checker *c, const struct cel_node *x)
{
    const struct cel_type *result = NULL;
    for (const char *p = x->func->sigs; *p;) {
        const struct cel_type *gives = cel_overload_next(c->a, x, &p);
        if (gives && result && !cel_type_same(result, gives))
            return &cel_type_dyn;
        result = gives ? gives : result;
    }
    return result;
}

/* Literals that can be looked at before anything runs. */
static void check_literal(struct checker *c, const struct cel_node *x)
{
    const struct cel_node *arg = x->n > 0 ? x->args[x->n - 1] : NULL;
    struct cel_time time;
    int64_t nanos;
    struct pattern *pattern;
    if (!arg || arg->op != NODE_LITERAL || arg->literal.kind != CEL_STRING)
        return;
    struct str s = arg->literal.s;
    if (str_eq_c(x->name, "duration") && !cel_parse_duration(s, &nanos))
        cel_problem(c->report, arg->at, "invalid duration argument");
    if (str_eq_c(x->name, "timestamp") && !cel_parse_time(s, &time))
        cel_problem(c->report, arg->at, "invalid timestamp argument");
    if (str_eq_c(x->name, "matches")) {
        struct err *err = pattern_compile(c->a, s, &pattern);
        if (err)
            cel_problem(c->report, arg->at, "invalid matches argument");
        err_free(err);
    }
}

static bool is_namespace_of(const struct cel_node *x, char *name, size_t size)
{
    const struct cel_node *target = x->args[0];
    static const char *const spaces[] = {"optional", "sets",     "math",    "ip",     "cidr",
                                         "format",   "lists",    "strings", "base64", "cel",
                                         "semver",   "quantity", "url"};
    if (!x->member || target->op != NODE_NAME || x->name.n + target->name.n + 2 > size)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(spaces); i++)
        if (str_eq_c(target->name, spaces[i])) {
            snprintf(name, size, "%s." STR_FMT, spaces[i], STR_ARG(x->name));
            return true;
        }
    return false;
}

/* optional.of(x): the target is part of the name, unless it is a variable. */
static void join_namespace(struct checker *c, const struct scope *scope, struct cel_node *x)
{
    char name[64];
    if (!x->n || !is_namespace_of(x, name, sizeof(name)))
        return;
    for (const struct scope *s = scope; s; s = s->up)
        if (str_eq(s->name, x->args[0]->name))
            return;
    for (size_t i = 0; i < c->env->vars_n; i++)
        if (str_eq(c->env->vars[i].name, x->args[0]->name))
            return;
    if (!cel_func_find(str_c(name), false))
        return; /* a member of something unknown, both are told */
    x->name = arena_str(c->a, str_c(name));
    x->member = false;
    x->args++;
    x->n--;
}

static const struct cel_type *check_call(struct checker *c, const struct scope *scope,
                                         struct cel_node *x)
{
    bool ok = true;
    join_namespace(c, scope, x);
    x->func = cel_func_find(x->name, x->member);
    if (x->member && x->n == 2 && str_eq_c(x->name, "format"))
        c->mixed = x->args[1];
    for (size_t i = 0; i < x->n && (x->func || i < (size_t)x->member); i++)
        ok = check(c, scope, x->args[i])->kind != T_ERROR && ok;
    if (!x->func)
        return undeclared(c, x->at, x->name);
    if (!ok)
        return broken();
    const struct cel_type *t = resolve(c, x);
    if (!t)
        return no_overload(c, x);
    check_literal(c, x);
    return t;
}

/* ---- literals of lists and maps ---- */

/* Joins the type of one more entry: all of them must agree, unless they are dyn. */
static void join(struct checker *c, const struct cel_type **all, const struct cel_node *x,
                 bool maybe)
{
    const struct cel_type *none[2] = {NULL, NULL}, *t = x->type;
    if (maybe && t->kind == T_OPTIONAL) {
        t = t->a;
    } else if (maybe && !is_open(t)) {
        cel_problem(c->report, x->at,
                    "expected type 'optional_type(" STR_FMT ")' but found '" STR_FMT "'",
                    STR_ARG(shown(c, t)), STR_ARG(shown(c, t)));
        return;
    }
    if (t->kind == T_ERROR)
        return;
    if (!*all || (*all)->kind == T_NULL) {
        *all = t;
    } else if (!cel_type_fits(c->a, *all, t, none)) {
        if (cel_type_fits(c->a, t, *all, none))
            *all = t;
        else
            cel_problem(c->report, x->at, "expected type '" STR_FMT "' but found '" STR_FMT "'",
                        STR_ARG(shown(c, *all)), STR_ARG(shown(c, t)));
    } else if (t->kind == T_DYN) {
        *all = t;
    }
}

static const struct cel_type *check_literals(struct checker *c, const struct scope *scope,
                                             struct cel_node *x)
{
    const struct cel_type *first = NULL, *second = NULL;
    bool map = x->op == NODE_MAP, mixed = c->mixed == x;
    for (size_t i = 0; i < x->n; i++) {
        (void)check(c, scope, x->args[i]);
        if (mixed) {
            first = &cel_type_dyn;
            continue;
        }
        bool maybe = x->maybe && x->maybe[i] && (!map || i % 2 == 1);
        join(c, map && i % 2 == 1 ? &second : &first, x->args[i], maybe);
    }
    first = first ? first : &cel_type_dyn;
    second = second ? second : &cel_type_dyn;
    return map ? cel_type_map(c->a, first, second) : cel_type_list(c->a, first);
}

/* ---- loops ---- */

/* Types of the loop's variables by its range; false: it has no range. */
static bool range_of(struct checker *c, const struct cel_node *x, const struct cel_type **one,
                     const struct cel_type **two)
{
    const struct cel_type *t = x->args[0]->type;
    bool opt = x->loop == LOOP_OPT_MAP || x->loop == LOOP_OPT_FLAT_MAP;
    *one = *two = &cel_type_dyn;
    if (is_open(t))
        return true;
    if (opt) {
        *one = t->a;
        return t->kind == T_OPTIONAL;
    }
    if (t->kind == T_MAP) {
        *one = t->a;
        *two = t->b;
    } else if (t->kind == T_LIST) {
        *one = x->name2.n > 0 ? cel_type_simple(T_INT) : t->a;
        *two = t->a;
    }
    return t->kind == T_MAP || t->kind == T_LIST;
}

static void want_bool(struct checker *c, const struct cel_node *x)
{
    if (!is_open(x->type) && x->type->kind != T_BOOL)
        cel_problem(c->report, x->at, "expected type 'bool' but found '" STR_FMT "'",
                    STR_ARG(shown(c, x->type)));
}

static const struct cel_type *loop_result(struct checker *c, const struct cel_node *x)
{
    const struct cel_type *body = x->args[x->n - 1]->type;
    switch ((enum cel_loop)x->loop) {
    case LOOP_ALL:
    case LOOP_EXISTS:
    case LOOP_EXISTS_ONE:
        return cel_type_simple(T_BOOL);
    case LOOP_MAP:
    case LOOP_LIST:
        return cel_type_list(c->a, body);
    case LOOP_FILTER: {
        const struct cel_type *t = x->args[0]->type;
        return t->kind == T_MAP ? cel_type_list(c->a, t->a) : t;
    }
    case LOOP_TO_MAP:
        return cel_type_map(c->a,
                            x->args[0]->type->kind == T_MAP    ? x->args[0]->type->a
                            : x->args[0]->type->kind == T_LIST ? cel_type_simple(T_INT)
                                                               : &cel_type_dyn,
                            body);
    case LOOP_ENTRY:
        return body;
    case LOOP_OPT_MAP:
        return cel_type_optional(c->a, body);
    case LOOP_OPT_FLAT_MAP:
        return body;
    }
    return &cel_type_dyn;
}

static const struct cel_type *check_loop(struct checker *c, const struct scope *scope,
                                         struct cel_node *x)
{
    struct scope one = {scope, x->name, NULL, scope ? scope->slot + 1 : 0};
    struct scope two = {&one, x->name2, NULL, one.slot + 1};
    const struct cel_type *range = check(c, scope, x->args[0]);
    x->slot = one.slot;
    if (range->kind == T_ERROR)
        return range;
    if (!range_of(c, x, &one.type, &two.type)) {
        cel_problem(c->report, x->args[0]->at,
                    "expression of type '" STR_FMT
                    "' cannot be range of a comprehension (must be list, map, or dynamic)",
                    STR_ARG(shown(c, range)));
        return broken();
    }
    if (two.slot >= CEL_LOCALS_MAX) {
        cel_problem(c->report, x->at, "more than %u nested loops", CEL_LOCALS_MAX);
        return broken();
    }
    for (size_t i = 1; i < x->n; i++)
        if (check(c, x->name2.n > 0 ? &two : &one, x->args[i])->kind == T_ERROR)
            return broken();
    if (x->loop <= LOOP_EXISTS_ONE || x->loop == LOOP_FILTER || x->n == 3)
        want_bool(c, x->args[1]);
    const struct cel_type *body = x->args[x->n - 1]->type;
    if (x->loop == LOOP_ENTRY && body->kind != T_MAP && !is_open(body))
        cel_problem(c->report, x->args[x->n - 1]->at, "expected type 'map' but found '" STR_FMT "'",
                    STR_ARG(shown(c, body)));
    return loop_result(c, x);
}

static const struct cel_type *check(struct checker *c, const struct scope *scope,
                                    struct cel_node *x)
{
    static const enum cel_tkind of_literal[] = {
        [CEL_NULL] = T_NULL,     [CEL_BOOL] = T_BOOL,     [CEL_INT] = T_INT,    [CEL_UINT] = T_UINT,
        [CEL_DOUBLE] = T_DOUBLE, [CEL_STRING] = T_STRING, [CEL_BYTES] = T_BYTES};
    switch (x->op) {
    case NODE_LITERAL:
        x->type = cel_type_simple(of_literal[x->literal.kind]);
        break;
    case NODE_NAME:
    case NODE_VAR:
    case NODE_LOCAL:
        x->type = check_name(c, scope, x);
        break;
    case NODE_SELECT:
    case NODE_HAS:
        x->type = check_select(c, scope, x);
        break;
    case NODE_CALL:
        x->type = check_call(c, scope, x);
        break;
    case NODE_LIST:
    case NODE_MAP:
        x->type = check_literals(c, scope, x);
        break;
    case NODE_LOOP:
        x->type = check_loop(c, scope, x);
        break;
    }
    return x->type;
}

void cel_check_tree(struct cel_report *report, const struct cel_env *env, struct cel_program *p)
{
    struct checker c = {.report = report, .a = report->a, .env = env};
    BUG_ON(env->vars_n > 64, "slots are bits of a word");
    (void)check(&c, NULL, p->root);
    p->uses = c.uses;
}
