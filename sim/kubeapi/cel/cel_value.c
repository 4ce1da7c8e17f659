/* Values: made of trees as far as they are looked at; equality, order, text. */
#include "engine/base/codec.h"
#include "sim/kubeapi/cel/cel_internal.h"
#include "sim/kubeapi/types/formats.h"
#include "sim/kubeapi/types/quantity.h"
#include "sim/kubeapi/types/rules.h"

struct cel_value cel_null(void)
{
    return (struct cel_value){.kind = CEL_NULL};
}

struct cel_value cel_string(struct str s)
{
    return (struct cel_value){.kind = CEL_STRING, .s = s};
}

struct cel_value cel_optional(struct arena *a, const struct cel_value *v)
{
    struct cel_value *inner = NULL;
    if (v) {
        inner = ARENA_NEW(a, struct cel_value);
        *inner = *v;
    }
    return (struct cel_value){.kind = CEL_OPTIONAL, .inner = inner};
}

struct cel_value cel_record(struct arena *a, const struct cel_field *fields, size_t n)
{
    struct cel_record_value *r = ARENA_NEW(a, struct cel_record_value);
    r->fields = fields;
    r->n = n;
    r->values = ARENA_NEW_ARRAY(a, struct cel_value, n + 1);
    r->state = ARENA_NEW_ARRAY(a, uint8_t, n + 1);
    return (struct cel_value){.kind = CEL_RECORD, .record = r};
}

struct cel_value cel_fail(struct cel_run *run, const char *fmt, ...)
{
    struct buf b = {.max = 4096};
    va_list ap;
    va_start(ap, fmt);
    buf_addv(&b, fmt, ap);
    va_end(ap);
    struct cel_value v = {.kind = CEL_ERROR, .s = arena_str(run->a, buf_str(&b))};
    buf_free(&b);
    return v;
}

struct cel_value cel_no_overload(struct cel_run *run)
{
    return cel_fail(run, "no such overload");
}

struct cel_value cel_string_copy(struct cel_run *run, struct str s)
{
    return cel_string(arena_str(run->a, s));
}

struct cel_value cel_take(struct cel_run *run, struct buf *take)
{
    struct cel_value v = cel_string_copy(run, buf_str(take));
    buf_free(take);
    return v;
}

struct cel_value cel_list_new(struct arena *a, struct cel_value *items, size_t n)
{
    struct cel_list *l = ARENA_NEW(a, struct cel_list);
    l->items = items ? items : ARENA_NEW(a, struct cel_value);
    l->n = n;
    return (struct cel_value){.kind = CEL_LIST, .list = l};
}

struct cel_value cel_map_new(struct arena *a, struct cel_value *keys, struct cel_value *values,
                             size_t n)
{
    struct cel_map *m = ARENA_NEW(a, struct cel_map);
    m->keys = keys;
    m->values = values;
    m->n = n;
    return (struct cel_value){.kind = CEL_MAP, .map = m};
}

/* ---- of trees ---- */

static size_t children(const cJSON *v)
{
    size_t n = 0;
    for (const cJSON *c = v->child; c; c = c->next)
        n++;
    return n;
}

static struct cel_value of_text(struct arena *a, const struct type *t, struct str s)
{
    struct cel_value v = cel_string(s);
    struct str format = t && t->kind == TYPE_STRING && t->rules && t->rules->format
                            ? format_name(t->rules->format)
                            : str_empty;
    bool time = (t && (t->kind == TYPE_TIME || t->kind == TYPE_MICRO_TIME)) ||
                str_eq_c(format, "date-time") || str_eq_c(format, "datetime");
    struct buf b = {0};
    if (str_eq_c(format, "date")) {
        s = arena_printf(a, STR_FMT "T00:00:00Z", STR_ARG(s));
        time = true;
    }
    if (time && cel_parse_time(s, &v.time)) {
        v.kind = CEL_TIMESTAMP;
    } else if (str_eq_c(format, "duration") && cel_parse_duration(s, &v.i)) {
        v.kind = CEL_DURATION;
    } else if ((str_eq_c(format, "byte") || (t && t->kind == TYPE_BYTES)) && base64_decode(&b, s)) {
        v.kind = CEL_BYTES;
        v.s = arena_str(a, buf_str(&b));
    } else {
        v.s = s;
    }
    buf_free(&b);
    return v;
}

static struct cel_value of_number(const struct type *t, const char *text)
{
    struct cel_value v = {.kind = CEL_INT};
    bool ok;
    bool floating = t && t->kind == TYPE_NUMBER;
    if (!floating && str_to_i64(str_c(text), &v.i))
        return v;
    v.kind = CEL_DOUBLE;
    v.d = cel_parse_double(str_c(text), &ok);
    if (t && !floating && t->kind != TYPE_ANY && v.d >= -9.2e18 && v.d <= 9.2e18 &&
        (double)(int64_t)v.d == v.d) /* 1e3 and 5.0 are integers */
        return cel_int((int64_t)v.d);
    return v;
}

struct cel_value cel_of_json(struct arena *a, const struct type *t, const cJSON *v)
{
    struct cel_value out = cel_null();
    if (!v || v->type == cJSON_NULL)
        return out;
    if (v->type == cJSON_True || v->type == cJSON_False)
        return cel_bool(v->type == cJSON_True);
    if (v->type == cJSON_String)
        return of_text(a, t, json_string(v));
    if (v->type == cJSON_Array) {
        out.kind = CEL_LIST;
        out.list = ARENA_NEW(a, struct cel_list);
        *out.list = (struct cel_list){.n = children(v), .json = v, .schema = t};
        return out;
    }
    if (v->type == cJSON_Object) {
        out.kind = CEL_MAP;
        out.map = ARENA_NEW(a, struct cel_map);
        *out.map = (struct cel_map){.json = v, .schema = t};
        return out;
    }
    struct str raw = str_c(v->valuestring);
    if (raw.n > 0 && strchr("{[\"tfn", raw.p[0])) { /* a part of a stored object, as it stands */
        cJSON *parsed;
        struct err *err = json_parse(a, raw, &parsed);
        BUG_ON(err, "a stored part is JSON");
        return cel_of_json(a, t, parsed);
    }
    return of_number(t, v->valuestring);
}

struct cel_value *cel_list_items(struct arena *a, struct cel_list *list)
{
    if (list->items)
        return list->items;
    list->items = ARENA_NEW_ARRAY(a, struct cel_value, list->n + 1);
    size_t i = 0;
    for (const cJSON *c = list->json->child; c; c = c->next)
        list->items[i++] = cel_of_json(a, list->schema ? list->schema->items : NULL, c);
    return list->items;
}

static const struct type *member_type(const struct type *t, struct str key)
{
    const struct type_field *f = t && t->kind == TYPE_OBJECT ? type_field_find(t, key) : NULL;
    if (f)
        return f->type;
    return t && t->kind == TYPE_MAP ? t->items : t ? t->additional : NULL;
}

size_t cel_map_count(struct cel_map *m)
{
    if (m->json && m->n == 0)
        m->n = children(m->json);
    return m->n;
}

void cel_map_at(struct arena *a, struct cel_map *m, size_t i, struct cel_value *key,
                struct cel_value *value)
{
    if (!m->keys) {
        size_t n = cel_map_count(m), k = 0;
        m->keys = ARENA_NEW_ARRAY(a, struct cel_value, n);
        m->values = ARENA_NEW_ARRAY(a, struct cel_value, n);
        for (const cJSON *c = m->json->child; c; c = c->next, k++) {
            m->keys[k] = cel_string(str_c(c->string));
            m->values[k] = cel_of_json(a, member_type(m->schema, m->keys[k].s), c);
        }
    }
    *key = m->keys[i];
    *value = m->values[i];
}

/* Keys are equal as numbers are, whatever their kind. */
static bool same_key(struct cel_value x, struct cel_value y)
{
    int order;
    if (cel_numeric(x) && cel_numeric(y))
        return cel_compare(x, y, &order) && order == 0;
    if (x.kind != y.kind)
        return false;
    if (x.kind == CEL_STRING)
        return str_eq(x.s, y.s);
    return x.kind == CEL_BOOL && x.b == y.b;
}

bool cel_map_get(struct arena *a, const struct cel_map *m, struct cel_value key,
                 struct cel_value *out)
{
    if (m->json) {
        const cJSON *c = key.kind == CEL_STRING ? json_get_str(m->json, key.s) : NULL;
        if (c)
            *out = cel_of_json(a, member_type(m->schema, key.s), c);
        return c != NULL;
    }
    for (size_t i = 0; i < m->n; i++)
        if (same_key(m->keys[i], key)) {
            *out = m->values[i];
            return true;
        }
    return false;
}

/* ---- order ---- */

bool cel_numeric(struct cel_value v)
{
    return v.kind == CEL_INT || v.kind == CEL_UINT || v.kind == CEL_DOUBLE;
}

static int sign(bool less, bool more)
{
    return less ? -1 : more;
}

/* One beyond the largest integers: exact as doubles. */
#define INT64_END  9223372036854775808.0
#define UINT64_END 18446744073709551616.0

static bool compare_double(double d, struct cel_value y, int *out)
{
    double e;
    if (d != d || (y.kind == CEL_DOUBLE && y.d != y.d))
        return false;
    if (y.kind == CEL_INT && (d < -INT64_END || d >= INT64_END))
        *out = d < 0 ? -1 : 1;
    else if (y.kind == CEL_UINT && (d < 0 || d >= UINT64_END))
        *out = d < 0 ? -1 : 1;
    else {
        e = y.kind == CEL_DOUBLE ? y.d : y.kind == CEL_INT ? (double)y.i : (double)y.u;
        *out = sign(d<e, d> e);
    }
    return true;
}

static bool compare_numbers(struct cel_value x, struct cel_value y, int *out)
{
    if (x.kind == CEL_DOUBLE)
        return compare_double(x.d, y, out);
    if (y.kind == CEL_DOUBLE) {
        bool ok = compare_double(y.d, x, out);
        *out = -*out;
        return ok;
    }
    __int128 p = x.kind == CEL_INT ? (__int128)x.i : (__int128)x.u;
    __int128 q = y.kind == CEL_INT ? (__int128)y.i : (__int128)y.u;
    *out = sign(p<q, p> q);
    return true;
}

bool cel_compare(struct cel_value x, struct cel_value y, int *out)
{
    *out = 0;
    if (cel_numeric(x) && cel_numeric(y))
        return compare_numbers(x, y, out);
    if (x.kind != y.kind)
        return false;
    switch (x.kind) {
    case CEL_BOOL:
        *out = (int)x.b - (int)y.b;
        return true;
    case CEL_STRING:
    case CEL_BYTES: {
        int order = str_cmp(x.s, y.s);
        *out = sign(order<0, order> 0);
        return true;
    }
    case CEL_DURATION:
        *out = sign(x.i<y.i, x.i> y.i);
        return true;
    case CEL_TIMESTAMP:
        *out = sign(x.time.seconds<y.time.seconds, x.time.seconds> y.time.seconds);
        if (*out == 0)
            *out = sign(x.time.nanos<y.time.nanos, x.time.nanos> y.time.nanos);
        return true;
    default:
        return false;
    }
}

/* ---- equality ---- */

static bool lists_equal(struct cel_run *run, struct cel_list *x, struct cel_list *y)
{
    struct cel_value *p = cel_list_items(run->a, x), *q = cel_list_items(run->a, y);
    const struct type *t = x->schema ? x->schema : y->schema;
    bool any_order = t && (t->flags & (TYPE_SET | TYPE_KEYED)) != 0;
    if (x->n != y->n)
        return false;
    for (size_t i = 0; i < x->n; i++) {
        bool found = cel_equal(run, p[i], q[i]);
        for (size_t k = 0; any_order && !found && k < y->n && !run->over; k++)
            found = cel_equal(run, p[i], q[k]);
        if (!found)
            return false;
    }
    return true;
}

static bool maps_equal(struct cel_run *run, struct cel_map *x, struct cel_map *y)
{
    struct cel_value key, value, other;
    size_t n = cel_map_count(x);
    if (n != cel_map_count(y))
        return false;
    for (size_t i = 0; i < n && !run->over; i++) {
        cel_map_at(run->a, x, i, &key, &value);
        if (!cel_map_get(run->a, y, key, &other) || !cel_equal(run, value, other))
            return false;
    }
    return true;
}

bool cel_equal(struct cel_run *run, struct cel_value x, struct cel_value y)
{
    int order;
    if (!cel_work(run, 1))
        return false;
    if (cel_numeric(x) && cel_numeric(y))
        return cel_compare(x, y, &order) && order == 0;
    if (x.kind != y.kind)
        return false;
    switch (x.kind) {
    case CEL_NULL:
        return true;
    case CEL_LIST:
        return lists_equal(run, x.list, y.list);
    case CEL_MAP:
        return maps_equal(run, x.map, y.map);
    case CEL_OPTIONAL:
        return !x.inner || !y.inner ? x.inner == y.inner : cel_equal(run, *x.inner, *y.inner);
    case CEL_TYPE:
        return x.type->kind == y.type->kind &&
               (x.type->kind != T_OPAQUE || strcmp(x.type->name, y.type->name) == 0);
    case CEL_QUANTITY:
        return quantity_cmp(x.opaque, y.opaque) == 0;
    case CEL_IP:
    case CEL_CIDR:
        return cel_net_equal(x, y);
    case CEL_SEMVER:
        return cel_semver_equal(x, y);
    case CEL_URL:
        return str_eq(x.s, y.s);
    default:
        (void)cel_work(run, cel_text_cost(x.kind == CEL_STRING ? x.s.n : 0));
        return cel_compare(x, y, &order) && order == 0;
    }
}

/* ---- text ---- */

size_t cel_code_points(struct str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

size_t cel_code_point_at(struct str s, size_t n)
{
    size_t i = 0;
    for (; i < s.n; i++)
        if (((unsigned char)s.p[i] & 0xc0) != 0x80 && n-- == 0)
            return i;
    return s.n;
}

const struct cel_type *cel_type_of_value(struct arena *a, struct cel_value v)
{
    static const char sigs[] = {
        [CEL_NULL] = 'n',       [CEL_BOOL] = 'b',   [CEL_INT] = 'i',      [CEL_UINT] = 'u',
        [CEL_DOUBLE] = 'd',     [CEL_STRING] = 's', [CEL_BYTES] = 'y',    [CEL_DURATION] = 'D',
        [CEL_TIMESTAMP] = 'T',  [CEL_TYPE] = 't',   [CEL_QUANTITY] = 'q', [CEL_URL] = 'r',
        [CEL_IP] = 'p',         [CEL_CIDR] = 'c',   [CEL_FORMAT] = 'f',   [CEL_SEMVER] = 'v',
        [CEL_AUTHORIZER] = 'a', [CEL_RECORD] = '*', [CEL_ERROR] = '!'};
    const char text[2] = {v.kind < ARRAY_LEN(sigs) ? sigs[v.kind] : '*', '\0'}, *sig = text;
    if (v.kind == CEL_LIST)
        return cel_type_list(a, &cel_type_dyn);
    if (v.kind == CEL_MAP)
        return cel_type_map(a, &cel_type_dyn, &cel_type_dyn);
    if (v.kind == CEL_OPTIONAL)
        return cel_type_optional(a, &cel_type_dyn);
    return cel_type_of_sig(a, &sig);
}

static void print_map(struct cel_map *m, struct arena *a, struct buf *out)
{
    struct cel_value key, value;
    size_t n = cel_map_count(m);
    buf_add_char(out, '{');
    for (size_t i = 0; i < n; i++) {
        cel_map_at(a, m, i, &key, &value);
        buf_add_c(out, i > 0 ? ", " : "");
        cel_value_print(&key, a, out);
        buf_add_c(out, ": ");
        cel_value_print(&value, a, out);
    }
    buf_add_char(out, '}');
}

static void print_list(struct cel_list *l, struct arena *a, struct buf *out)
{
    struct cel_value *items = cel_list_items(a, l);
    buf_add_char(out, '[');
    for (size_t i = 0; i < l->n; i++) {
        buf_add_c(out, i > 0 ? ", " : "");
        cel_value_print(&items[i], a, out);
    }
    buf_add_char(out, ']');
}

static void print_opaque(const struct cel_value *v, struct arena *a, struct buf *out)
{
    switch (v->kind) {
    case CEL_OPTIONAL:
        buf_add_c(out, v->inner ? "optional.of(" : "optional.none(");
        if (v->inner)
            cel_value_print(v->inner, a, out);
        buf_add_char(out, ')');
        break;
    case CEL_QUANTITY:
        quantity_write(v->opaque, out);
        break;
    case CEL_IP:
    case CEL_CIDR:
        cel_net_print(*v, out);
        break;
    case CEL_TYPE:
        cel_type_print(v->type, out);
        break;
    default:
        cel_type_print(cel_type_of_value(a, *v), out);
    }
}

void cel_value_print(const struct cel_value *v, struct arena *a, struct buf *out)
{
    switch (v->kind) {
    case CEL_NULL:
        buf_add_c(out, "null");
        break;
    case CEL_BOOL:
        buf_add_c(out, v->b ? "true" : "false");
        break;
    case CEL_INT:
        buf_add_i64(out, v->i);
        break;
    case CEL_UINT:
        buf_add_u64(out, v->u);
        buf_add_char(out, 'u');
        break;
    case CEL_DOUBLE:
        cel_print_double(v->d, out);
        break;
    case CEL_STRING:
    case CEL_URL:
        json_write_string(out, v->s);
        break;
    case CEL_BYTES:
        buf_add_char(out, 'b');
        json_write_string(out, v->s);
        break;
    case CEL_DURATION:
        cel_print_duration(v->i, out);
        break;
    case CEL_TIMESTAMP:
        cel_print_time(v->time, out);
        break;
    case CEL_LIST:
        print_list(v->list, a, out);
        break;
    case CEL_MAP:
        print_map(v->map, a, out);
        break;
    case CEL_ERROR:
        buf_addf(out, "error: " STR_FMT, STR_ARG(v->s));
        break;
    default:
        print_opaque(v, a, out);
    }
}
