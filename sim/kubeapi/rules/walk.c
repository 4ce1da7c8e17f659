#include "sim/kubeapi/rules/walk.h"

#include "sim/kubeapi/core/reply.h"

#include <string.h>

/* ---- nodes ---- */

struct node node_root(const struct check *c)
{
    return (struct node){.v = c->root, .old = c->old_root, .name = str_empty};
}

struct node node_at(const struct node *up, const char *member)
{
    return (struct node){.v = json_get(up->v, member),
                         .old = json_get(up->old, member),
                         .up = up,
                         .name = str_c(member)};
}

struct node node_item(const struct node *up, size_t index, const cJSON *v)
{
    const cJSON *old = up->old && up->old->type == cJSON_Array ? up->old->child : NULL;
    for (size_t i = 0; old && i < index; i++)
        old = old->next;
    return (struct node){.v = v, .old = old, .up = up, .index = index};
}

struct node node_key(const struct node *up, const cJSON *member)
{
    return (struct node){.v = member,
                         .old = json_get(up->old, member->string),
                         .up = up,
                         .name = str_c(member->string),
                         .is_key = true};
}

const struct node *node_path(struct check *c, const struct node *up, const char *dotted)
{
    struct str rest = str_c(dotted), head;
    for (bool more = true; more;) {
        more = str_cut(rest, '.', &head, &rest);
        struct node *n = ARENA_NEW(&c->r->a, struct node);
        *n = node_at(up, arena_c(&c->r->a, head));
        up = n;
    }
    return up;
}

static void write_path(struct buf *b, const struct node *n)
{
    const struct node *frames[64];
    size_t depth = 0;
    for (; n && n->up && depth < ARRAY_LEN(frames); n = n->up)
        frames[depth++] = n;
    while (depth > 0) {
        const struct node *f = frames[--depth];
        if (!f->name.p)
            buf_addf(b, "[%zu]", f->index);
        else if (f->is_key)
            buf_addf(b, "[" STR_FMT "]", STR_ARG(f->name));
        else
            buf_addf(b, "%s" STR_FMT, b->n > 0 ? "." : "", STR_ARG(f->name));
    }
}

struct str node_text(struct check *c, const struct node *n)
{
    struct buf b = {0};
    write_path(&b, n);
    struct str s = arena_str(&c->r->a, buf_str(&b));
    buf_free(&b);
    return s;
}

size_t node_count(const struct node *n)
{
    bool many = n->v && (n->v->type == cJSON_Array || n->v->type == cJSON_Object);
    return many ? (size_t)cJSON_GetArraySize(n->v) : 0;
}

bool json_is_empty(const cJSON *v)
{
    int64_t i;
    if (!v || v->type == cJSON_NULL || v->type == cJSON_False)
        return true;
    if (v->type == cJSON_Array || v->type == cJSON_Object)
        return !v->child;
    if (json_is_string(v))
        return json_string(v).n == 0;
    return json_int(v, &i) && i == 0;
}

bool node_changed(const struct node *n)
{
    if (json_is_empty(n->v) && json_is_empty(n->old))
        return false;
    return !n->v || !n->old || !json_equal(n->v, n->old);
}

/* ---- what is wrong ---- */

static struct str value_text(struct check *c, const struct node *n)
{
    struct buf b = {0};
    if (n->v)
        json_write_ordered(&b, n->v);
    else
        buf_add_c(&b, "null");
    struct str s = arena_str(&c->r->a, buf_str(&b));
    buf_free(&b);
    return s;
}

static void say(struct check *c, const char *reason, const struct node *n, const char *head,
                struct str value, const char *fmt, va_list ap) printf_like(6, 0);
static void say(struct check *c, const char *reason, const struct node *n, const char *head,
                struct str value, const char *fmt, va_list ap)
{
    struct buf b = {0};
    buf_addf(&b, "%s" STR_FMT, head, STR_ARG(value));
    if (*fmt) {
        buf_add_c(&b, ": ");
        buf_addv(&b, fmt, ap);
    }
    api_invalid(c->r, reason, node_text(c, n), STR_FMT, STR_ARG(buf_str(&b)));
    buf_free(&b);
}

static void say_plain(struct check *c, const char *reason, const struct node *n, const char *head,
                      struct str value)
{
    api_invalid(c->r, reason, node_text(c, n), "%s" STR_FMT, head, STR_ARG(value));
}

void rule_required(struct check *c, const struct node *n, const char *text)
{
    say_plain(c, "FieldValueRequired", n, text && *text ? "Required value: " : "Required value",
              str_c(text));
}

void rule_bad(struct check *c, const struct node *n, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(c, "FieldValueInvalid", n, "Invalid value: ", value_text(c, n), fmt, ap);
    va_end(ap);
}

void rule_bad_json(struct check *c, const struct node *n, struct str json, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(c, "FieldValueInvalid", n, "Invalid value: ", json, fmt, ap);
    va_end(ap);
}

static struct str quoted(struct check *c, struct str value)
{
    struct buf b = {0};
    json_write_string(&b, value);
    struct str s = arena_str(&c->r->a, buf_str(&b));
    buf_free(&b);
    return s;
}

void rule_bad_text(struct check *c, const struct node *n, struct str value, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(c, "FieldValueInvalid", n, "Invalid value: ", quoted(c, value), fmt, ap);
    va_end(ap);
}

void rule_forbid(struct check *c, const struct node *n, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(c, "FieldValueForbidden", n, "Forbidden", str_empty, fmt, ap);
    va_end(ap);
}

void rule_unsupported(struct check *c, const struct node *n, const char *values)
{
    struct buf b = {0};
    struct str rest = str_c(values), one;
    buf_add(&b, n->v ? value_text(c, n) : STR("\"\""));
    buf_add_c(&b, ": supported values: ");
    for (bool more = true, first = true; more; first = false) {
        more = str_cut(rest, '|', &one, &rest);
        buf_addf(&b, "%s\"" STR_FMT "\"", first ? "" : ", ", STR_ARG(one));
    }
    say_plain(c, "FieldValueNotSupported", n, "Unsupported value: ", buf_str(&b));
    buf_free(&b);
}

void rule_duplicate(struct check *c, const struct node *n)
{
    say_plain(c, "FieldValueDuplicate", n, "Duplicate value: ", value_text(c, n));
}

void rule_not_found(struct check *c, const struct node *n)
{
    say_plain(c, "FieldValueNotFound", n, "Not found: ", value_text(c, n));
}

void rule_too_long(struct check *c, const struct node *n, size_t bytes)
{
    api_invalid(c->r, "FieldValueTooLong", node_text(c, n),
                "Too long: may not be more than %zu bytes", bytes);
}

void rule_too_many(struct check *c, const struct node *n, size_t is, size_t most)
{
    api_invalid(c->r, "FieldValueTooMany", node_text(c, n),
                "Too many: %zu: must have at most %zu items", is, most);
}

bool rule_name(struct check *c, const struct node *n, enum name_form form)
{
    const char *texts[NAMES_PROBLEMS_MAX];
    struct str s = json_string(n->v);
    size_t count = names_problems(form, s, texts);
    for (size_t i = 0; i < count; i++)
        rule_bad_text(c, n, s, "%s", texts[i]);
    return count == 0;
}

void rule_immutable(struct check *c, const struct node *n)
{
    if (c->updating && node_changed(n))
        rule_bad(c, n, "field is immutable");
}

void rule_min(struct check *c, const struct node *n, int64_t least)
{
    int64_t v;
    if (!node_is(n) || !json_int(n->v, &v) || v >= least)
        return;
    if (least == 1)
        rule_bad(c, n, "must be greater than 0");
    else
        rule_bad(c, n, "must be greater than or equal to %lld", (long long)least);
}

bool text_among(struct str s, const char *values)
{
    struct str rest = str_c(values), one;
    for (bool more = true; more;) {
        more = str_cut(rest, '|', &one, &rest);
        if (str_eq(one, s))
            return true;
    }
    return false;
}

bool rule_enum(struct check *c, const struct node *n, const char *values, bool set)
{
    struct str s = json_string(n->v);
    if (s.n == 0) {
        if (set)
            rule_required(c, n, NULL);
        return !set;
    }
    if (text_among(s, values))
        return true;
    rule_unsupported(c, n, values);
    return false;
}

/* ---- labels and selectors ---- */

void rule_labels(struct check *c, const struct node *n)
{
    const char *texts[NAMES_PROBLEMS_MAX];
    for (const cJSON *l = node_is(n) ? n->v->child : NULL; l; l = l->next) {
        struct str key = str_c(l->string), value = json_string(l);
        size_t count = names_problems(NAME_QUALIFIED, key, texts);
        for (size_t i = 0; i < count; i++)
            rule_bad_text(c, n, key, "%s", texts[i]);
        count = names_problems(NAME_LABEL_VALUE, value, texts);
        for (size_t i = 0; i < count; i++)
            rule_bad_text(c, n, value, "%s", texts[i]);
    }
}

static void check_requirement(struct check *c, const struct node *n)
{
    const struct node op = node_at(n, "operator"), values = node_at(n, "values");
    const struct node key = node_at(n, "key");
    struct str name = json_string(op.v);
    size_t i = 0;
    if (text_among(name, "In|NotIn")) {
        if (node_count(&values) == 0)
            rule_required(c, &values, "must be specified when `operator` is 'In' or 'NotIn'");
    } else if (text_among(name, "Exists|DoesNotExist")) {
        if (node_count(&values) > 0)
            rule_forbid(c, &values,
                        "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
    } else {
        rule_bad_text(c, &op, name, "not a valid selector operator");
    }
    (void)rule_name(c, &key, NAME_QUALIFIED);
    for (const cJSON *v = node_is(&values) ? values.v->child : NULL; v; v = v->next, i++) {
        const struct node value = node_item(&values, i, v);
        (void)rule_name(c, &value, NAME_LABEL_VALUE);
    }
}

void rule_selector(struct check *c, const struct node *n)
{
    static const struct rule rules[] = {
        RULE_LABELS("matchLabels"),
        {.field = "matchExpressions", .op = OP_EACH, .call = check_requirement},
        RULE_END};
    if (node_is(n))
        rule_walk(c, rules, n);
}

/* ---- the walk ---- */

static void check_unique(struct check *c, const struct rule *rule, const struct node *n)
{
    size_t i = 0;
    for (const cJSON *v = node_is(n) ? n->v->child : NULL; v; v = v->next, i++) {
        const cJSON *key = rule->text ? json_get(v, rule->text) : v, *seen = NULL;
        for (const cJSON *w = n->v->child; key && w && w != v && !seen; w = w->next) {
            const cJSON *other = rule->text ? json_get(w, rule->text) : w;
            seen = other && json_equal(other, key) ? other : NULL;
        }
        if (!seen)
            continue;
        const struct node item = node_item(n, i, v);
        const struct node member = rule->text ? node_at(&item, rule->text) : item;
        rule_duplicate(c, &member);
    }
}

static void check_each(struct check *c, const struct rule *rule, const struct node *n)
{
    size_t i = 0;
    bool map = n->v->type == cJSON_Object;
    for (const cJSON *v = n->v->child; v; v = v->next, i++) {
        const struct node item = map ? node_key(n, v) : node_item(n, i, v);
        if (rule->rules)
            rule_walk(c, rule->rules, &item);
        else
            rule->call(c, &item);
    }
}

static void check_intstr(struct check *c, const struct node *n)
{
    if (json_is_string(n->v))
        (void)rule_name(c, n, NAME_PERCENT);
    else
        rule_min(c, n, 0);
}

static void check_range(struct check *c, const struct rule *rule, const struct node *n)
{
    int64_t v;
    if (json_int(n->v, &v) && (v < rule->a || v > rule->b))
        rule_bad(c, n, "must be between %lld and %lld, inclusive", (long long)rule->a,
                 (long long)rule->b);
}

static void apply_present(struct check *c, const struct rule *rule, const struct node *n)
{
    switch (rule->op) {
    case OP_MIN:
        rule_min(c, n, rule->a);
        break;
    case OP_RANGE:
        check_range(c, rule, n);
        break;
    case OP_NAME:
        if (json_string(n->v).n > 0)
            (void)rule_name(c, n, (enum name_form)rule->a);
        break;
    case OP_IN:
        rule_walk(c, rule->rules, n);
        break;
    case OP_EACH:
        check_each(c, rule, n);
        break;
    case OP_UNIQUE:
        check_unique(c, rule, n);
        break;
    case OP_LABELS:
        rule_labels(c, n);
        break;
    case OP_INTSTR:
        check_intstr(c, n);
        break;
    default:
        BUG_ON(true, "a rule that asks for what is absent is applied elsewhere");
    }
}

static void apply(struct check *c, const struct rule *rule, const struct node *n)
{
    switch (rule->op) {
    case OP_REQUIRED:
        if (json_is_empty(n->v))
            rule_required(c, n, rule->text);
        break;
    case OP_ENUM:
    case OP_ENUM_SET:
        (void)rule_enum(c, n, rule->text, rule->op == OP_ENUM_SET);
        break;
    case OP_NAME_SET:
        if (json_string(n->v).n == 0)
            rule_required(c, n, NULL);
        else
            (void)rule_name(c, n, (enum name_form)rule->a);
        break;
    case OP_IMMUTABLE:
        rule_immutable(c, n);
        break;
    case OP_CALL:
        rule->call(c, n);
        break;
    default:
        if (node_is(n))
            apply_present(c, rule, n);
    }
}

void rule_walk(struct check *c, const struct rule *rules, const struct node *n)
{
    for (const struct rule *rule = rules; rule->op != OP_END; rule++) {
        if (!rule->field) {
            apply(c, rule, n);
            continue;
        }
        const struct node member = node_at(n, rule->field);
        apply(c, rule, &member);
    }
}
