#include "sim/kubeapi/types/rules.h"

#include "engine/base/map.h"
#include "sim/kubeapi/types/formats.h"
#include "sim/kubeapi/types/pattern.h"

struct walk {
    const struct type_check *check;
    struct type_report *report;
    bool branch; /* inside anyOf and the like: no lists, no embedded objects, no rules */
};

static void visit(const struct walk *w, const struct type *t, const cJSON *v, const cJSON *old,
                  const struct type_path *path);

/* ---- what a value is ---- */

enum shape {
    SHAPE_NULL,
    SHAPE_BOOL,
    SHAPE_INTEGER,
    SHAPE_NUMBER,
    SHAPE_STRING,
    SHAPE_ARRAY,
    SHAPE_OBJECT,
    SHAPE_OPAQUE
};

static bool is_plain_integer(const char *text)
{
    return text[strcspn(text, ".eE")] == '\0';
}

static enum shape shape_of(const cJSON *v)
{
    switch (v->type) {
    case cJSON_NULL:
        return SHAPE_NULL;
    case cJSON_True:
    case cJSON_False:
        return SHAPE_BOOL;
    case cJSON_String:
        return SHAPE_STRING;
    case cJSON_Array:
        return SHAPE_ARRAY;
    case cJSON_Object:
        return SHAPE_OBJECT;
    default:
        break;
    }
    const char *text = v->valuestring ? v->valuestring : "0";
    if (text[0] != '-' && (text[0] < '0' || text[0] > '9'))
        return SHAPE_OPAQUE;
    return is_plain_integer(text) ? SHAPE_INTEGER : SHAPE_NUMBER;
}

static const char *shape_name(enum shape shape)
{
    static const char *const names[] = {"null",   "boolean", "integer", "number",
                                        "string", "array",   "object",  "object"};
    return names[shape];
}

static struct decimal decimal_of(const cJSON *v)
{
    struct decimal d = {0};
    (void)decimal_parse(str_c(v->valuestring), &d);
    return d;
}

/* ---- texts ---- */

static struct str field_of(const struct walk *w, const struct type_path *path)
{
    return type_path_text(path, w->report->a);
}

static struct str json_of(const struct walk *w, const cJSON *v)
{
    struct buf b = {0};
    json_write(&b, v);
    struct str s = arena_str(w->report->a, buf_str(&b));
    buf_free(&b);
    return s;
}

/* `value` as the message shows it. */
static void invalid(const struct walk *w, const struct type_path *path, struct str value,
                    const char *fmt, ...) printf_like(4, 5);
static void invalid(const struct walk *w, const struct type_path *path, struct str value,
                    const char *fmt, ...)
{
    struct str field = field_of(w, path);
    struct buf b = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_addv(&b, fmt, ap);
    va_end(ap);
    type_report_add(w->report, TYPE_RANK_SCHEMA, "FieldValueInvalid", field,
                    "Invalid value: " STR_FMT ": " STR_FMT " in body " STR_FMT, STR_ARG(value),
                    STR_ARG(field), STR_ARG(buf_str(&b)));
    buf_free(&b);
}

static void wrong_type(const struct walk *w, const struct type_path *path, struct str wanted,
                       struct str shown)
{
    struct str field = field_of(w, path);
    type_report_add(w->report, TYPE_RANK_SCHEMA, "FieldValueTypeInvalid", field,
                    "Invalid value: " STR_FMT ": " STR_FMT " in body must be of type " STR_FMT
                    ": " STR_FMT,
                    STR_ARG(shown), STR_ARG(field), STR_ARG(wanted), STR_ARG(shown));
}

/* ---- shape ---- */

static const char *wanted_type(enum type_kind kind)
{
    switch (kind) {
    case TYPE_ANY:
    case TYPE_RAW:
    case TYPE_FIELDS_V1:
        return NULL;
    case TYPE_OBJECT:
    case TYPE_MAP:
        return "object";
    case TYPE_LIST:
        return "array";
    case TYPE_BOOL:
        return "boolean";
    case TYPE_INT32:
    case TYPE_INT64:
    case TYPE_INTEGER:
        return "integer";
    case TYPE_NUMBER:
        return "number";
    case TYPE_INT_OR_STRING:
    case TYPE_QUANTITY:
        return "integer,string";
    default:
        return "string";
    }
}

static bool shape_fits(const char *wanted, enum shape shape, const cJSON *v)
{
    if (!wanted || shape == SHAPE_OPAQUE)
        return true;
    if (shape == SHAPE_NUMBER && strncmp(wanted, "integer", 7) == 0) {
        struct decimal d = decimal_of(v);
        return decimal_is_integer(&d);
    }
    if (shape == SHAPE_INTEGER && strcmp(wanted, "number") == 0)
        return true;
    return str_find(str_c(wanted), str_c(shape_name(shape))) >= 0;
}

/* ---- scalars ---- */

static size_t code_points(struct str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

static void check_string(const struct walk *w, const struct type_rules *r, const cJSON *v,
                         const struct type_path *path)
{
    struct str s = json_string(v);
    int64_t n = r->has & (RULE_MIN_LENGTH | RULE_MAX_LENGTH) ? (int64_t)code_points(s) : 0;
    if ((r->has & RULE_MAX_LENGTH) && n > r->max_length)
        type_report_add(w->report, TYPE_RANK_SCHEMA, "FieldValueTooLong", field_of(w, path),
                        "Too long: may not be more than %lld bytes", (long long)r->max_length);
    if ((r->has & RULE_MIN_LENGTH) && n < r->min_length)
        invalid(w, path, json_of(w, v), "should be at least %lld chars long",
                (long long)r->min_length);
    if (r->pattern && !pattern_matches(r->pattern, s))
        invalid(w, path, json_of(w, v), "should match '" STR_FMT "'", STR_ARG(r->pattern_text));
    if (r->format && !format_holds(r->format, s))
        wrong_type(w, path, format_name(r->format), json_of(w, v));
}

/* A bound beside a value: a whole number beside whole numbers, else as floating point is printed. */
static struct str bound_text(const struct walk *w, const struct decimal *d, bool whole)
{
    struct buf b = {.max = 512};
    if (whole)
        buf_add_i64(&b, decimal_to_i64(d));
    else
        decimal_write_g(d, &b);
    struct str s = arena_str(w->report->a, buf_str(&b));
    buf_free(&b);
    return s;
}

static void check_number(const struct walk *w, const struct type_rules *r, const cJSON *v,
                         bool whole, const struct type_path *path)
{
    struct decimal d = decimal_of(v);
    int above = r->maximum ? decimal_cmp(&d, r->maximum) : -1;
    int below = r->minimum ? decimal_cmp(&d, r->minimum) : 1;
    if (r->multiple_of && !decimal_is_multiple(&d, r->multiple_of))
        invalid(w, path, json_of(w, v), "should be a multiple of " STR_FMT,
                STR_ARG(bound_text(w, r->multiple_of, whole)));
    if (above > 0 || (above == 0 && (r->has & RULE_BELOW_MAXIMUM)))
        invalid(w, path, json_of(w, v), "should be less than%s " STR_FMT,
                r->has & RULE_BELOW_MAXIMUM ? "" : " or equal to",
                STR_ARG(bound_text(w, r->maximum, whole)));
    if (below < 0 || (below == 0 && (r->has & RULE_ABOVE_MINIMUM)))
        invalid(w, path, json_of(w, v), "should be greater than%s " STR_FMT,
                r->has & RULE_ABOVE_MINIMUM ? "" : " or equal to",
                STR_ARG(bound_text(w, r->minimum, whole)));
}

static bool same_value(const cJSON *a, const cJSON *b)
{
    if (json_is_number(a) && json_is_number(b)) {
        struct decimal x = decimal_of(a), y = decimal_of(b);
        return decimal_cmp(&x, &y) == 0;
    }
    return json_equal(a, b);
}

static void check_enumeration(const struct walk *w, const struct type_rules *r, const cJSON *v,
                              const struct type_path *path)
{
    struct buf b = {0};
    for (const cJSON *e = r->enumeration->child; e; e = e->next)
        if (same_value(e, v))
            return;
    for (const cJSON *e = r->enumeration->child; e; e = e->next) {
        struct str text = json_is_string(e) ? json_string(e) : json_of(w, e);
        buf_add_c(&b, b.n > 0 ? ", " : "");
        json_write_string(&b, text);
    }
    type_report_add(w->report, TYPE_RANK_SCHEMA, "FieldValueNotSupported", field_of(w, path),
                    "Unsupported value: " STR_FMT ": supported values: " STR_FMT,
                    STR_ARG(json_of(w, v)), STR_ARG(buf_str(&b)));
    buf_free(&b);
}

/* ---- branches ---- */

/* Against one branch; what it reports is taken back. */
static bool branch_holds(const struct walk *w, const struct type *t, const cJSON *v,
                         const struct type_path *path)
{
    struct walk inner = {w->check, w->report, true};
    struct type_report *r = w->report;
    struct type_violation spare = {0};
    bool full = r->n == TYPE_VIOLATIONS_MAX; /* room for one, so that failure shows */
    if (full)
        spare = r->list[--r->n];
    size_t n = r->n;
    visit(&inner, t, v, NULL, path);
    bool holds = r->n == n;
    r->n = n;
    if (full)
        r->list[r->n++] = spare;
    return holds;
}

static void tell_branch(const struct walk *w, const struct type *t, const cJSON *v,
                        const struct type_path *path)
{
    struct walk inner = {w->check, w->report, true};
    visit(&inner, t, v, NULL, path);
}

static void tell(const struct walk *w, const struct type_path *path, const char *what)
{
    type_report_add(w->report, TYPE_RANK_SCHEMA, "FieldValueInvalid", STR("<nil>"),
                    "Invalid value: \"\": \"" STR_FMT "\" must %s", STR_ARG(field_of(w, path)),
                    what);
}

static void check_one_of(const struct walk *w, const struct type_rules *r, const cJSON *v,
                         const struct type_path *path)
{
    size_t held = 0;
    char text[96];
    struct buf b = {.max = sizeof(text) - 1};
    for (size_t i = 0; i < r->one_of_n; i++)
        held += branch_holds(w, r->one_of[i], v, path);
    if (held == 1)
        return;
    if (held == 0)
        buf_add_c(&b, "validate one and only one schema (oneOf). Found none valid");
    else
        buf_addf(&b, "validate one and only one schema (oneOf). Found %zu valid alternatives",
                 held);
    memcpy(text, buf_c(&b), b.n + 1);
    buf_free(&b);
    tell(w, path, text);
    if (held == 0)
        tell_branch(w, r->one_of[0], v, path);
}

static void check_branches(const struct walk *w, const struct type_rules *r, const cJSON *v,
                           const struct type_path *path)
{
    size_t held = 0;
    for (size_t i = 0; i < r->any_of_n && held == 0; i++)
        held += branch_holds(w, r->any_of[i], v, path);
    if (r->any_of_n > 0 && held == 0) {
        tell(w, path, "validate at least one schema (anyOf)");
        tell_branch(w, r->any_of[0], v, path);
    }
    if (r->one_of_n > 0)
        check_one_of(w, r, v, path);
    held = 0;
    for (size_t i = 0; i < r->all_of_n; i++) {
        size_t before = w->report->n;
        tell_branch(w, r->all_of[i], v, path);
        held += w->report->n == before;
    }
    if (held < r->all_of_n)
        tell(w, path,
             held > 0 ? "validate all the schemas (allOf)"
                      : "validate all the schemas (allOf). None validated");
    if (r->not_ && branch_holds(w, r->not_, v, path))
        tell(w, path, "not validate the schema (not)");
}

/* ---- lists ---- */

/* What an element of a set or keyed list is known by: the element, or an object of its keys. */
static struct str key_text(const struct type *t, const cJSON *item, struct arena *a)
{
    struct buf b = {0};
    if (t->flags & TYPE_SET) {
        json_write(&b, item);
    } else {
        buf_add_char(&b, '{');
        for (size_t i = 0; i < t->list_keys_n; i++) {
            const cJSON *k = json_get_str(item, t->list_keys[i]);
            if (!k)
                continue;
            buf_add_c(&b, b.n > 1 ? "," : "");
            json_write_string(&b, t->list_keys[i]);
            buf_add_char(&b, ':');
            json_write(&b, k);
        }
        buf_add_char(&b, '}');
    }
    struct str s = arena_str(a, buf_str(&b));
    buf_free(&b);
    return s;
}

static void check_duplicates(const struct walk *w, const struct type *t, const cJSON *v,
                             const struct type_path *path)
{
    struct map seen = {0};
    size_t i = 0;
    for (const cJSON *item = v->child; item; item = item->next, i++) {
        struct type_path at = {path, {NULL, 0}, i};
        if (!(t->flags & TYPE_SET) && item->type != cJSON_Object)
            continue;
        struct str key = key_text(t, item, w->report->a);
        if (map_has(&seen, key))
            type_report_add(w->report, TYPE_RANK_LISTS, "FieldValueDuplicate", field_of(w, &at),
                            "Duplicate value: " STR_FMT, STR_ARG(key));
        else
            map_put(&seen, key, &seen);
    }
    map_free(&seen);
}

static bool same_keys(const struct type *t, const cJSON *a, const cJSON *b)
{
    for (size_t i = 0; i < t->list_keys_n; i++) {
        const cJSON *x = json_get_str(a, t->list_keys[i]), *y = json_get_str(b, t->list_keys[i]);
        if (!x || !y ? x != y : !json_equal(x, y))
            return false;
    }
    return true;
}

/* The element that was there under the same keys; as a rule at the same place. */
static const cJSON *old_element(const struct type *t, const cJSON *item, const cJSON *old,
                                const cJSON *near)
{
    if (!old || old->type != cJSON_Array || !(t->flags & TYPE_KEYED) || item->type != cJSON_Object)
        return NULL;
    if (near && same_keys(t, item, near))
        return near;
    for (const cJSON *o = old->child; o; o = o->next)
        if (same_keys(t, item, o))
            return o;
    return NULL;
}

static void check_list(const struct walk *w, const struct type *t, const cJSON *v, const cJSON *old,
                       const struct type_path *path)
{
    const struct type_rules *r = t->rules;
    size_t n = 0;
    const cJSON *near = old && old->type == cJSON_Array ? old->child : NULL;
    for (const cJSON *item = v->child; item; item = item->next, n++) {
        struct type_path at = {path, {NULL, 0}, n};
        if (t->items)
            visit(w, t->items, item, old_element(t, item, old, near), &at);
        near = near ? near->next : NULL;
    }
    if (r && (r->has & RULE_MIN_ITEMS) && (int64_t)n < r->min_items)
        invalid(w, path, arena_printf(w->report->a, "%zu", n), "should have at least %lld items",
                (long long)r->min_items);
    if (r && (r->has & RULE_MAX_ITEMS) && (int64_t)n > r->max_items)
        type_report_add(w->report, TYPE_RANK_SCHEMA, "FieldValueTooMany", field_of(w, path),
                        "Too many: %zu: must have at most %lld items", n, (long long)r->max_items);
    if ((t->flags & (TYPE_SET | TYPE_KEYED)) && !w->branch && w->check->keys_held)
        check_duplicates(w, t, v, path);
}

/* ---- objects ---- */

static void check_embedded(const struct walk *w, const cJSON *v, const struct type_path *path)
{
    static const char *const needed[] = {"apiVersion", "kind"};
    for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
        struct type_path at = {path, str_c(needed[i]), 0};
        const cJSON *c = json_get(v, needed[i]);
        if (!c || (json_is_string(c) && json_string(c).n == 0))
            type_report_add(w->report, TYPE_RANK_EMBEDDED, "FieldValueRequired", field_of(w, &at),
                            "Required value");
    }
}

static bool check_sizes(const struct walk *w, const struct type_rules *r, const cJSON *v,
                        const struct type_path *path)
{
    int64_t n = 0;
    if (!(r->has & (RULE_MIN_PROPERTIES | RULE_MAX_PROPERTIES)))
        return true;
    for (const cJSON *c = v->child; c; c = c->next)
        n++;
    if ((r->has & RULE_MIN_PROPERTIES) && n < r->min_properties) {
        invalid(w, path, arena_printf(w->report->a, "%lld", (long long)n),
                "should have at least %lld properties", (long long)r->min_properties);
        return false;
    }
    if ((r->has & RULE_MAX_PROPERTIES) && n > r->max_properties) {
        type_report_add(w->report, TYPE_RANK_SCHEMA, "FieldValueTooMany", field_of(w, path),
                        "Too many: %lld: must have at most %lld items", (long long)n,
                        (long long)r->max_properties);
        return false;
    }
    return true;
}

static void check_object(const struct walk *w, const struct type *t, const cJSON *v,
                         const cJSON *old, const struct type_path *path)
{
    const struct type_rules *r = t->rules;
    const struct type *rest = t->kind == TYPE_MAP ? t->items : t->additional;
    if (r && !check_sizes(w, r, v, path))
        return;
    for (const cJSON *c = v->child; c; c = c->next) {
        struct type_path at = {path, str_c(c->string), 0};
        const struct type_field *f = t->fields_n > 0 ? type_field_find(t, str_c(c->string)) : NULL;
        const struct type *inner = f ? f->type : rest;
        if (inner)
            visit(w, inner, c, old ? json_get(old, c->string) : NULL, &at);
    }
    for (size_t i = 0; r && i < r->required_n; i++) {
        struct type_path at = {path, r->required[i], 0};
        if (!json_get_str(v, r->required[i]))
            type_report_add(w->report, TYPE_RANK_SCHEMA, "FieldValueRequired", field_of(w, &at),
                            "Required value");
    }
    if ((t->flags & TYPE_EMBEDDED) && path && !w->branch)
        check_embedded(w, v, path);
}

/* ---- the walk ---- */

static void check_rules(const struct walk *w, const struct type *t, const cJSON *v,
                        const cJSON *old, const struct type_path *path)
{
    for (size_t i = 0; w->check->cel && !w->branch && i < t->rules->cel_n; i++)
        w->check->cel->check(t, &t->rules->cel[i], v, old, path, w->report);
}

static void check_value(const struct walk *w, const struct type *t, const cJSON *v,
                        const cJSON *old, const struct type_path *path, enum shape shape)
{
    const struct type_rules *r = t->rules;
    if (r && (r->any_of_n || r->one_of_n || r->all_of_n || r->not_))
        check_branches(w, r, v, path);
    if (r && shape == SHAPE_STRING)
        check_string(w, r, v, path);
    if (r && (shape == SHAPE_INTEGER || shape == SHAPE_NUMBER))
        check_number(w, r, v, shape == SHAPE_INTEGER, path);
    if (shape == SHAPE_ARRAY)
        check_list(w, t, v, old, path);
    if (r && r->enumeration)
        check_enumeration(w, r, v, path);
    if (shape == SHAPE_OBJECT)
        check_object(w, t, v, old, path);
    if (r && r->cel_n > 0)
        check_rules(w, t, v, old, path);
}

static void warn(struct type_report *report, const struct type_violation *v)
{
    if (!report->warnings)
        report->warnings = ARENA_NEW_ARRAY(report->a, struct str, TYPE_VIOLATIONS_MAX);
    if (report->warnings_n < TYPE_VIOLATIONS_MAX)
        report->warnings[report->warnings_n++] =
            arena_printf(report->a, STR_FMT ": " STR_FMT, STR_ARG(v->field), STR_ARG(v->message));
}

/* Drops what was found in a part that did not change, from the given one on. */
static void forgive(struct type_report *report, size_t from)
{
    size_t n = from;
    for (size_t i = from; i < report->n; i++) {
        const struct type_violation *v = &report->list[i];
        if (v->rank == TYPE_RANK_RULES && !v->kept)
            warn(report, v);
        else if (v->kept)
            report->list[n++] = *v;
    }
    report->n = n;
}

static void visit(const struct walk *w, const struct type *t, const cJSON *v, const cJSON *old,
                  const struct type_path *path)
{
    enum shape shape = shape_of(v);
    const char *wanted = wanted_type(t->kind);
    size_t before = w->report->n;
    if (shape == SHAPE_OPAQUE || before == TYPE_VIOLATIONS_MAX)
        return;
    if (shape == SHAPE_NULL) {
        if (wanted && !(t->flags & TYPE_NULLABLE))
            wrong_type(w, path, str_c(wanted), STR("\"null\""));
    } else {
        if (!shape_fits(wanted, shape, v)) {
            char quoted[16] = "\"";
            strcat(strcat(quoted, shape_name(shape)), "\"");
            wrong_type(w, path, str_c(wanted), arena_str(w->report->a, str_c(quoted)));
        }
        check_value(w, t, v, old, path, shape);
    }
    if (old && w->report->n > before && json_equal(old, v))
        forgive(w->report, before); /* it was so already */
}

void type_validate(const struct type_check *check, const struct type *t, const cJSON *v,
                   const cJSON *old, const struct type_path *path, struct type_report *report)
{
    struct walk w = {check, report, false};
    visit(&w, t, v, old, path);
}

bool type_keys_hold(const struct type *t, const cJSON *v)
{
    struct arena scratch = {0};
    struct type_report report = {.a = &scratch};
    struct type_check check = {.keys_held = true};
    bool hold = true;
    type_validate(&check, t, v, NULL, NULL, &report);
    for (size_t i = 0; i < report.n; i++)
        hold = hold && report.list[i].rank != TYPE_RANK_LISTS;
    arena_free(&scratch);
    return hold;
}
