/* Scalars by type: what is accepted, and what is said about everything else. */
#include "engine/base/timefmt.h"
#include "sim/scenario/language/schema_internal.h"

#define PPM      INT64_C(1000000)
#define ENUM_MAX 32u

/* ---- units ---- */

static bool events_parse(struct str text, int64_t *events)
{
    struct str count, unit;
    return str_cut(text, ' ', &count, &unit) && str_to_i64(count, events) &&
           (str_eq_c(unit, "events") || str_eq_c(unit, "event"));
}

/* ---- errors ---- */

static bool refuse(struct decode *d, const struct yaml_node *node, struct str path,
                   const char *wanted)
{
    struct place at = schema_place(node, path);
    if (!schema_is_scalar(node))
        diag_add(d->diags, at, "expected %s, not %s", wanted, schema_kind_name(node->kind));
    else
        diag_add(d->diags, at, "expected %s, not \"" STR_FMT "\"", wanted, STR_ARG(node->text));
    return false;
}

static void print_bound(const struct field *f, int64_t bound, struct buf *out)
{
    if (f->type == FIELD_DURATION)
        duration_format(out, bound);
    else
        buf_add_i64(out, bound);
}

/* A value out of bounds is not kept: what reads on must not overflow. */
static bool check_bounds(struct decode *d, const struct field *f, struct place at, int64_t *out)
{
    int64_t min = f->min, max = f->min == 0 && f->max == 0 ? INT64_MAX : f->max, v = *out;
    if (v >= min && v <= max)
        return true;
    struct buf bound = {0};
    print_bound(f, v < min ? min : max, &bound);
    diag_add(d->diags, at, "must be %s " STR_FMT, v < min ? "at least" : "at most",
             STR_ARG(buf_str(&bound)));
    buf_free(&bound);
    *out = min;
    return false;
}

/* ---- types ---- */

static bool is_yes(struct str s)
{
    return str_eq_nocase(s, STR("yes")) || str_eq_nocase(s, STR("on")) ||
           str_eq_nocase(s, STR("true"));
}

static bool is_no(struct str s)
{
    return str_eq_nocase(s, STR("no")) || str_eq_nocase(s, STR("off")) ||
           str_eq_nocase(s, STR("false"));
}

static bool decode_bool(struct decode *d, const struct yaml_node *node, struct str path, bool *out)
{
    if (node->kind == YAML_STRING &&
        (str_eq_c(node->text, "true") || str_eq_c(node->text, "false"))) {
        diag_add(d->diags, schema_place(node, path),
                 "expected true or false, not a string; take the quotes away");
        return false;
    }
    if (node->kind == YAML_STRING && (is_yes(node->text) || is_no(node->text))) {
        diag_add(d->diags, schema_place(node, path),
                 "expected true or false, not \"" STR_FMT "\"; did you mean \"%s\"?",
                 STR_ARG(node->text), is_yes(node->text) ? "true" : "false");
        return false;
    }
    if (node->kind != YAML_BOOL)
        return refuse(d, node, path, "true or false");
    *out = node->integer != 0;
    return true;
}

static bool decode_int(struct decode *d, const struct field *f, const struct yaml_node *node,
                       struct str path, int64_t *out)
{
    int64_t quoted;
    if (node->kind == YAML_STRING && str_to_i64(node->text, &quoted)) {
        diag_add(d->diags, schema_place(node, path),
                 "expected an integer, not a string; take the quotes away");
        return false;
    }
    bool digits = node->kind == YAML_FLOAT;
    for (size_t i = 0; i < node->text.n; i++)
        digits = digits && node->text.p[i] >= '0' && node->text.p[i] <= '9';
    if (digits) {
        diag_add(d->diags, schema_place(node, path), "the number is too large");
        return false;
    }
    if (node->kind != YAML_INT)
        return refuse(d, node, path, "an integer");
    *out = node->integer;
    return check_bounds(d, f, schema_place(node, path), out);
}

static bool decode_duration(struct decode *d, const struct field *f, const struct yaml_node *node,
                            struct str path, int64_t *out)
{
    if (node->kind == YAML_INT && node->integer != 0) {
        diag_add(d->diags, schema_place(node, path),
                 "a duration needs a unit; did you mean \"" STR_FMT "s\"?", STR_ARG(node->text));
        return false;
    }
    if (node->kind == YAML_INT)
        *out = 0;
    else if (!schema_is_scalar(node) || !duration_parse(node->text, out))
        return refuse(d, node, path, "a duration such as 30s or 1h30m");
    return check_bounds(d, f, schema_place(node, path), out);
}

static bool decode_instant(struct decode *d, const struct yaml_node *node, struct str path,
                           int64_t *out)
{
    if (schema_is_scalar(node) && rfc3339_parse(node->text, out))
        return true;
    return refuse(d, node, path, "an instant such as \"2026-01-01T00:00:00Z\"");
}

static bool decode_share(struct decode *d, const struct yaml_node *node, struct str path,
                         int64_t *out)
{
    if (!schema_is_scalar(node) || !share_parse(node->text, out))
        return refuse(d, node, path, "a share such as 0.1 or 10%");
    if (*out > PPM) {
        bool percents = node->kind == YAML_INT && node->integer <= 100;
        struct str meant = percents ? arena_printf(d->arena, "; did you mean \"%lld%%\"?",
                                                   (long long)node->integer)
                                    : str_empty;
        diag_add(d->diags, schema_place(node, path), "a share is at most 1, which is 100%%" STR_FMT,
                 STR_ARG(meant));
        *out = PPM;
        return false;
    }
    return true;
}

static bool decode_size(struct decode *d, const struct field *f, const struct yaml_node *node,
                        struct str path, int64_t *out)
{
    if (node->kind == YAML_INT) {
        diag_add(d->diags, schema_place(node, path),
                 "a size needs a unit; did you mean \"" STR_FMT "B\"?", STR_ARG(node->text));
        return false;
    }
    if (!schema_is_scalar(node) || !size_parse(node->text, out))
        return refuse(d, node, path, "a size such as 64KiB or 8GiB");
    return check_bounds(d, f, schema_place(node, path), out);
}

static bool decode_events(struct decode *d, const struct field *f, const struct yaml_node *node,
                          struct str path, int64_t *out)
{
    if (node->kind == YAML_INT) {
        diag_add(d->diags, schema_place(node, path),
                 "a number of events has its unit; did you mean \"" STR_FMT " events\"?",
                 STR_ARG(node->text));
        return false;
    }
    if (!schema_is_scalar(node) || !events_parse(node->text, out))
        return refuse(d, node, path, "a number of events such as \"3 events\"");
    return check_bounds(d, f, schema_place(node, path), out);
}

/* False: what stands in ${...} has been reported. */
static bool fill_in(struct decode *d, struct str text, struct place at, struct str *out)
{
    *out = d->interpolate ? d->interpolate(d->ctx, text, at) : text;
    return out->p != schema_reported.p;
}

static bool decode_string(struct decode *d, const struct field *f, const struct yaml_node *node,
                          struct str path, struct str *out)
{
    bool number = node->kind == YAML_INT || node->kind == YAML_FLOAT || node->kind == YAML_BOOL;
    if (number && node->plain) {
        diag_add(d->diags, schema_place(node, path), "expected a string, not %s; put it in quotes",
                 schema_kind_name(node->kind));
        return false;
    }
    if (!schema_is_scalar(node))
        return refuse(d, node, path, "a string");
    if (node->text.n == 0 && (f->flags & FIELD_NON_EMPTY)) {
        diag_add(d->diags, schema_place(node, path), "must not be empty");
        return false;
    }
    return fill_in(d, node->text, schema_place(node, path), out);
}

static size_t enum_values(const struct field *f, struct str values[ENUM_MAX])
{
    struct str rest = str_c(f->values);
    size_t n = 0;
    for (bool more = true; more; n++) {
        BUG_ON(n == ENUM_MAX, "an enum has at most 32 values");
        more = str_cut(rest, '|', &values[n], &rest);
    }
    return n;
}

static bool decode_enum(struct decode *d, const struct field *f, const struct yaml_node *node,
                        struct str path, int64_t *out)
{
    struct str values[ENUM_MAX];
    size_t n = enum_values(f, values);
    for (size_t i = 0; i < n; i++) {
        if (schema_is_scalar(node) && str_eq(values[i], node->text)) {
            *out = (int64_t)i;
            return true;
        }
    }
    if (!schema_is_scalar(node))
        return refuse(d, node, path, "a word");
    struct str tail = diag_suggest_tail(d->arena, node->text, values, n);
    diag_add(d->diags, schema_place(node, path), "unknown value \"" STR_FMT "\"" STR_FMT,
             STR_ARG(node->text), STR_ARG(tail));
    return false;
}

static bool decode_strings(struct decode *d, const struct field *f, const struct yaml_node *node,
                           struct str path, struct strs *out)
{
    const struct yaml_node *item = node->kind == YAML_LIST ? node->first : node;
    out->n = node->kind == YAML_LIST ? node->count : 1;
    out->v = ARENA_NEW_ARRAY(d->arena, struct str, out->n);
    out->places = ARENA_NEW_ARRAY(d->arena, struct place, out->n);
    if (out->n == 0 && (f->flags & FIELD_NON_EMPTY)) {
        diag_add(d->diags, schema_place(node, path), "must not be empty");
        return false;
    }
    bool ok = true;
    for (size_t i = 0; i < out->n; i++, item = item->next) {
        struct str at = node->kind == YAML_LIST
                            ? arena_printf(d->arena, STR_FMT "[%zu]", STR_ARG(path), i)
                            : path;
        out->places[i] = schema_place(item, at);
        ok &= !schema_is_reported(item) && decode_string(d, f, item, at, &out->v[i]);
    }
    return ok;
}

static bool decode_expr(struct decode *d, const struct yaml_node *node, struct str path,
                        struct expr_source *out)
{
    if (!schema_is_scalar(node) || str_trim(node->text).n == 0)
        return refuse(d, node, path, "an expression");
    *out = (struct expr_source){node->text, schema_place(node, path)};
    return true;
}

static bool decode_span(struct decode *d, const struct yaml_node *node, struct str path,
                        struct span *out)
{
    static const char wanted[] = "a duration such as 30s, or a range such as 5s..40s";
    struct place at = schema_place(node, path);
    if (!schema_is_scalar(node))
        return refuse(d, node, path, wanted);
    struct str text;
    if (!fill_in(d, node->text, at, &text))
        return false;
    int64_t dots = str_find(text, STR(".."));
    struct str least = dots < 0 ? text : str_sub(text, 0, (size_t)dots);
    struct str most = dots < 0 ? text : str_sub(text, (size_t)dots + 2, text.n);
    if (!duration_parse(least, &out->least_ns) || !duration_parse(most, &out->most_ns) ||
        out->least_ns < 0)
        return refuse(d, node, path, wanted);
    if (out->least_ns <= out->most_ns)
        return true;
    diag_add(d->diags, at, "the range is empty: its end is below its beginning");
    out->most_ns = out->least_ns;
    return false;
}

static bool decode_target(struct decode *d, const struct yaml_node *node, struct str path,
                          struct target *out)
{
    struct str text;
    if (!schema_is_scalar(node) || node->text.n == 0)
        return refuse(d, node, path, "a target such as site/a");
    struct place at = schema_place(node, path);
    return fill_in(d, node->text, at, &text) && target_parse(text, at, out, d->diags);
}

/* A value with its unit may be put together, as in "${n}KiB"; other types see to it themselves, or never are. */
static bool fill_value(struct decode *d, const struct field *f, const struct yaml_node *node,
                       struct str path, struct yaml_node *out)
{
    bool composed = f->type == FIELD_DURATION || f->type == FIELD_SIZE || f->type == FIELD_SHARE ||
                    f->type == FIELD_EVENTS || f->type == FIELD_INSTANT;
    *out = *node;
    if (!composed || node->kind != YAML_STRING || str_find(node->text, STR("${")) < 0)
        return true;
    return fill_in(d, node->text, schema_place(node, path), &out->text);
}

bool decode_scalar(struct decode *d, const struct field *f, const struct yaml_node *written,
                   struct str path, void *out)
{
    struct yaml_node whole;
    const struct yaml_node *node = &whole;
    if (!fill_value(d, f, written, path, &whole))
        return false;
    switch (f->type) {
    case FIELD_BOOL:
        return decode_bool(d, node, path, out);
    case FIELD_INT:
        return decode_int(d, f, node, path, out);
    case FIELD_DURATION:
        return decode_duration(d, f, node, path, out);
    case FIELD_SPAN:
        return decode_span(d, node, path, out);
    case FIELD_INSTANT:
        return decode_instant(d, node, path, out);
    case FIELD_SHARE:
        return decode_share(d, node, path, out);
    case FIELD_SIZE:
        return decode_size(d, f, node, path, out);
    case FIELD_EVENTS:
        return decode_events(d, f, node, path, out);
    case FIELD_STRING:
        return decode_string(d, f, node, path, out);
    case FIELD_ENUM:
        return decode_enum(d, f, node, path, out);
    case FIELD_STRINGS:
        return decode_strings(d, f, node, path, out);
    case FIELD_EXPR:
        return decode_expr(d, node, path, out);
    case FIELD_TARGET:
        return decode_target(d, node, path, out);
    default:
        BUG_ON(true, "only scalars come here");
    }
    return false;
}

void schema_put_default(struct decode *d, const struct field *f, void *out)
{
    struct yaml_node node = {.kind = YAML_STRING, .text = str_c(f->otherwise)};
    if (f->type == FIELD_BOOL) {
        node.kind = YAML_BOOL;
        node.integer = str_eq_c(node.text, "true");
    } else if (f->type == FIELD_INT) {
        node.kind = YAML_INT;
        BUG_ON(!str_to_i64(node.text, &node.integer), "a table's default is an integer");
    }
    BUG_ON(!decode_scalar(d, f, &node, str_empty, out), "a table's default is right");
}
