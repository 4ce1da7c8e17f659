/* Trees to protobuf messages. */
#include "sim/kubeapi/types/proto.h"

#include "engine/base/codec.h"
#include "engine/base/timefmt.h"
#include "sim/kubeapi/types/gotime.h"
#include "sim/kubeapi/types/proto_wire.h"
#include <string.h>

static const char magic[] = {'k', '8', 's', '\0'};

static void put_message(const struct type *t, const cJSON *v, unsigned depth, struct buf *out);

/* Text of a tree: a NUL in it is JSON_NUL there. */
static void put_text(uint32_t number, struct str text, struct buf *out)
{
    ptrdiff_t at = text.n > 0 && memchr(text.p, (unsigned char)JSON_NUL[0], text.n)
                       ? str_find(text, STR(JSON_NUL))
                       : -1;
    if (at < 0) {
        wire_add_bytes(out, number, text);
        return;
    }
    struct buf plain = {.max = text.n + 1};
    for (; at >= 0; at = str_find(text, STR(JSON_NUL))) {
        buf_add(&plain, str_sub(text, 0, (size_t)at));
        buf_add_char(&plain, '\0');
        text = str_sub(text, (size_t)at + 2, text.n);
    }
    buf_add(&plain, text);
    wire_add_bytes(out, number, buf_str(&plain));
    buf_free(&plain);
}

/* ---- single values; each says whether v fits ---- */

static void put_json(uint32_t number, const cJSON *v, struct buf *out)
{
    struct buf json = {0};
    size_t at = wire_begin(out, number);
    json_write(&json, v);
    wire_add_bytes(out, 1, buf_str(&json));
    wire_end(out, at);
    buf_free(&json);
}

static bool read_time(struct str text, bool micro, struct gotime *out)
{
    int64_t ns;
    if (rfc3339_parse(text, &ns) && ns >= 0) { /* today: the fast way */
        *out = (struct gotime){.seconds = ns / NS_PER_S, .nanos = (int32_t)(ns % NS_PER_S)};
        return true;
    }
    struct buf problem = {0};
    bool good = gotime_parse(text, micro, out, &problem);
    buf_free(&problem);
    return good;
}

static bool put_time(uint32_t number, const cJSON *v, bool micro, struct buf *out)
{
    struct gotime t;
    if (!json_is_string(v) || !read_time(json_string(v), micro, &t))
        return false;
    size_t at = wire_begin(out, number);
    wire_add_number(out, 1, (uint64_t)t.seconds);
    wire_add_number(out, 2, micro ? (uint64_t)(t.nanos / NS_PER_US * NS_PER_US) : 0);
    wire_end(out, at);
    return true;
}

static bool put_int_or_string(uint32_t number, const cJSON *v, struct buf *out)
{
    int64_t value = 0;
    bool text = json_is_string(v);
    if (!text && !json_int(v, &value))
        return false;
    size_t at = wire_begin(out, number);
    wire_add_number(out, 1, text);
    wire_add_number(out, 2, (uint64_t)value);
    wire_add_bytes(out, 3, text ? json_string(v) : str_empty);
    wire_end(out, at);
    return true;
}

static bool put_duration(uint32_t number, const cJSON *v, struct buf *out)
{
    int64_t ns;
    if (!json_is_string(v) || !duration_parse(json_string(v), &ns))
        return false;
    size_t at = wire_begin(out, number);
    wire_add_number(out, 1, (uint64_t)ns);
    wire_end(out, at);
    return true;
}

static bool put_bytes(uint32_t number, const cJSON *v, struct buf *out)
{
    struct str text = json_string(v);
    struct buf plain = {.max = text.n + 1};
    bool ok = json_is_string(v) && base64_decode(&plain, text);
    if (ok)
        wire_add_bytes(out, number, buf_str(&plain));
    buf_free(&plain);
    return ok;
}

static bool put_quantity(uint32_t number, const cJSON *v, struct buf *out)
{
    struct str text = json_is_number(v) ? str_c(v->valuestring) : json_string(v);
    if (!json_is_number(v) && !json_is_string(v))
        return false;
    size_t at = wire_begin(out, number);
    wire_add_bytes(out, 1, text);
    wire_end(out, at);
    return true;
}

static bool put_double(uint32_t number, const cJSON *v, struct buf *out)
{
    double d;
    uint64_t bits;
    char bytes[8];
    if (!json_is_number(v) || !wire_double_parse(str_c(v->valuestring), &d))
        return false;
    memcpy(&bits, &d, sizeof(bits));
    for (unsigned i = 0; i < 8; i++)
        bytes[i] = (char)(bits >> (8 * i));
    wire_add_tag(out, number, WIRE_64);
    buf_add(out, (struct str){bytes, sizeof(bytes)});
    return true;
}

static bool put_integer(uint32_t number, const cJSON *v, struct buf *out)
{
    int64_t value;
    if (!json_int(v, &value))
        return false;
    wire_add_number(out, number, (uint64_t)value);
    return true;
}

static bool put_bool(uint32_t number, const cJSON *v, struct buf *out)
{
    if (v->type != cJSON_True && v->type != cJSON_False)
        return false;
    wire_add_number(out, number, v->type == cJSON_True);
    return true;
}

/* ---- unions of JSON schemas ---- */

static void put_schemas(const struct type *schema, uint32_t number, const cJSON *v, unsigned depth,
                        struct buf *out)
{
    size_t at = wire_begin(out, number);
    put_message(schema, v, depth, out);
    wire_end(out, at);
}

static void put_union(const struct type *t, uint32_t number, const cJSON *v, unsigned depth,
                      struct buf *out)
{
    bool flag = str_ends(t->name, STR("OrBool"));
    size_t at = wire_begin(out, number);
    if (flag)
        wire_add_number(out, 1, v->type != cJSON_False);
    if (v->type == cJSON_Object) {
        put_schemas(t->items, flag ? 2 : 1, v, depth, out);
    } else if (v->type == cJSON_Array) {
        for (const cJSON *c = v->child; c; c = c->next)
            if (json_is_string(c))
                wire_add_bytes(out, 2, json_string(c));
            else
                put_schemas(t->items, 2, c, depth, out);
    }
    wire_end(out, at);
}

/* ---- values of any type ---- */

static bool put_value(const struct type *t, uint32_t number, const cJSON *v, unsigned depth,
                      struct buf *out);

static void put_list(const struct type *t, uint32_t number, const cJSON *v, unsigned depth,
                     struct buf *out)
{
    for (const cJSON *c = v->child; c; c = c->next)
        (void)put_value(t->items, number, c, depth, out);
}

static void put_map(const struct type *t, uint32_t number, const cJSON *v, unsigned depth,
                    struct buf *out)
{
    for (const cJSON *c = v->child; c; c = c->next) {
        size_t at = wire_begin(out, number);
        put_text(1, str_c(c->string), out);
        (void)put_value(t->items, 2, c, depth, out);
        wire_end(out, at);
    }
}

/* False: v does not fit its type and nothing was written. */
static bool put_value(const struct type *t, uint32_t number, const cJSON *v, unsigned depth,
                      struct buf *out)
{
    if (depth > 2 * PROTO_DEPTH_MAX || v->type == cJSON_NULL)
        return false;
    switch (t->kind) {
    case TYPE_STRING:
        if (json_is_string(v))
            put_text(number, json_string(v), out);
        return json_is_string(v);
    case TYPE_BOOL:
        return put_bool(number, v, out);
    case TYPE_INT32:
    case TYPE_INT64:
    case TYPE_INTEGER:
        return put_integer(number, v, out);
    case TYPE_NUMBER:
        return put_double(number, v, out);
    case TYPE_QUANTITY:
        return put_quantity(number, v, out);
    case TYPE_INT_OR_STRING:
        return put_int_or_string(number, v, out);
    case TYPE_TIME:
    case TYPE_MICRO_TIME:
        return put_time(number, v, t->kind == TYPE_MICRO_TIME, out);
    case TYPE_DURATION:
        return put_duration(number, v, out);
    case TYPE_BYTES:
        return put_bytes(number, v, out);
    case TYPE_ANY:
        if (t->items) {
            put_union(t, number, v, depth + 1, out);
            return true;
        }
        put_json(number, v, out);
        return true;
    case TYPE_RAW:
    case TYPE_FIELDS_V1:
        put_json(number, v, out);
        return true;
    case TYPE_OBJECT:
        if (v->type != cJSON_Object)
            return false;
        put_schemas(t, number, v, depth + 1, out);
        return true;
    case TYPE_LIST: /* as the value of a map */
        if (v->type != cJSON_Array)
            return false;
        {
            size_t at = wire_begin(out, number);
            put_list(t, 1, v, depth + 1, out);
            wire_end(out, at);
        }
        return true;
    case TYPE_MAP:
        break;
    }
    return false;
}

/* ---- fields ---- */

static void put_zero(const struct type_field *f, unsigned depth, struct buf *out)
{
    size_t at;
    switch (f->type->kind) {
    case TYPE_STRING:
        wire_add_bytes(out, f->number, str_empty);
        return;
    case TYPE_BOOL:
    case TYPE_INT32:
    case TYPE_INT64:
    case TYPE_INTEGER:
        wire_add_number(out, f->number, 0);
        return;
    case TYPE_QUANTITY:
        at = wire_begin(out, f->number);
        wire_add_bytes(out, 1, STR("0"));
        wire_end(out, at);
        return;
    case TYPE_INT_OR_STRING:
        at = wire_begin(out, f->number);
        wire_add_number(out, 1, 0);
        wire_add_number(out, 2, 0);
        wire_add_bytes(out, 3, str_empty);
        wire_end(out, at);
        return;
    case TYPE_DURATION:
        at = wire_begin(out, f->number);
        wire_add_number(out, 1, 0);
        wire_end(out, at);
        return;
    case TYPE_TIME:
    case TYPE_MICRO_TIME:
    case TYPE_RAW:
        wire_add_bytes(out, f->number, str_empty);
        return;
    case TYPE_OBJECT:
        at = wire_begin(out, f->number);
        put_message(f->type, NULL, depth + 1, out);
        wire_end(out, at);
        return;
    case TYPE_ANY:
    case TYPE_LIST:
    case TYPE_MAP:
    case TYPE_NUMBER:
    case TYPE_BYTES:
    case TYPE_FIELDS_V1:
        return; /* absent is nothing */
    }
}

static void put_field(const struct type_field *f, const cJSON *v, unsigned depth, struct buf *out)
{
    bool list = f->type->kind == TYPE_LIST, map = f->type->kind == TYPE_MAP;
    if (list && v && v->type == cJSON_Array && (f->flags & FIELD_WRAPPED)) {
        (void)put_value(f->type, f->number, v, depth, out);
    } else if (list && v && v->type == cJSON_Array) {
        put_list(f->type, f->number, v, depth, out);
    } else if (map && v && v->type == cJSON_Object) {
        put_map(f->type, f->number, v, depth, out);
    } else if (list || map || !v || !put_value(f->type, f->number, v, depth, out)) {
        if (!(f->flags & FIELD_POINTER))
            put_zero(f, depth, out);
    }
}

/* NULL, or what is no object: the message of nothing. */
static void put_message(const struct type *t, const cJSON *v, unsigned depth, struct buf *out)
{
    const cJSON *values[PROTO_FIELDS_MAX];
    unsigned char by_number[PROTO_NUMBER_MAX + 1] = {0};
    size_t fields_n = t->fields_n + t->inlines_n;
    BUG_ON(fields_n > PROTO_FIELDS_MAX, "PROTO_FIELDS_MAX fits every built-in type");
    if (depth > 2 * PROTO_DEPTH_MAX)
        return;
    for (size_t i = 0; i < fields_n; i++) {
        values[i] = i < t->fields_n ? NULL : v; /* inlined: their members are ours */
        BUG_ON(t->fields[i].number > PROTO_NUMBER_MAX, "PROTO_NUMBER_MAX fits every field");
        by_number[t->fields[i].number] = (unsigned char)(i + 1);
    }
    for (const cJSON *c = v ? v->child : NULL; c; c = c->next) {
        const struct type_field *f = type_field_find(t, str_c(c->string));
        if (f)
            values[f - t->fields] = c;
    }
    for (unsigned number = 1; number <= PROTO_NUMBER_MAX; number++)
        if (by_number[number])
            put_field(&t->fields[by_number[number] - 1], values[by_number[number] - 1], depth, out);
}

void proto_encode(const struct type *t, const cJSON *tree, struct buf *out)
{
    BUG_ON(t->kind != TYPE_OBJECT, "a message is of a type with fields");
    put_message(t, tree->type == cJSON_Object ? tree : NULL, 0, out);
}

/* ---- lists from text ---- */

/* The end of the value that begins at i: canonical JSON of our own, so nothing can be wrong with it. */
static size_t value_end(struct str s, size_t i)
{
    unsigned depth = 0;
    for (; i < s.n; i++) {
        char c = s.p[i];
        if (c == '"') {
            for (i++; i < s.n && s.p[i] != '"'; i++)
                i += s.p[i] == '\\';
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            if (depth == 0)
                return i;
            depth--;
        } else if (c == ',' && depth == 0) {
            return i;
        }
    }
    return i;
}

/* The member "items":[...] of an object's top level: where its first item begins, and where the list ends. */
static bool find_items(struct str json, size_t *from, size_t *to)
{
    static const char key[] = "\"items\":[";
    for (size_t i = 1; i < json.n;) {
        size_t end = value_end(json, i);
        struct str member = str_sub(json, i, end - i);
        if (str_starts(member, STR(key))) {
            *from = i + sizeof(key) - 1;
            *to = end - 1;
            return true;
        }
        i = end + 1;
    }
    return false;
}

static void put_parsed(const struct type *t, struct arena *a, struct str json, struct buf *out)
{
    cJSON *tree;
    struct err *err = json_parse(a, json, &tree);
    BUG_ON(err != NULL, "JSON of our own is JSON");
    put_message(t, tree->type == cJSON_Object ? tree : NULL, 0, out);
}

/* Items one by one, then the rest of the list as a message without items: metadata has the lower number, but a reader
 * does not care, and neither does anybody compare lists. */
static void put_list_text(const struct type *t, const struct type_field *items, struct str json,
                          size_t from, size_t to, struct buf *out)
{
    struct arena a = {0};
    struct buf rest = {0};
    buf_add(&rest, str_sub(json, 0, from));
    buf_add(&rest, str_sub(json, to, json.n));
    put_parsed(t, &a, buf_str(&rest), out);
    buf_free(&rest);
    for (size_t i = from; i < to;) {
        size_t end = value_end(json, i);
        arena_reset(&a);
        size_t at = wire_begin(out, items->number);
        put_parsed(items->type->items, &a, str_sub(json, i, end - i), out);
        wire_end(out, at);
        i = end + 1;
    }
    arena_free(&a);
}

void proto_encode_object(const struct type *t, struct str api_version, struct str kind,
                         struct str json, struct buf *out)
{
    const struct type_field *items = type_field_find(t, STR("items"));
    size_t from, to;
    BUG_ON(t->kind != TYPE_OBJECT, "a message is of a type with fields");
    buf_add(out, (struct str){magic, sizeof(magic)});
    size_t meta = wire_begin(out, 1);
    wire_add_bytes(out, 1, api_version);
    wire_add_bytes(out, 2, kind);
    wire_end(out, meta);
    size_t raw = wire_begin(out, 2);
    if (items && items->type->kind == TYPE_LIST && items->type->items->kind == TYPE_OBJECT &&
        find_items(json, &from, &to)) {
        put_list_text(t, items, json, from, to, out);
    } else {
        struct arena a = {0};
        put_parsed(t, &a, json, out);
        arena_free(&a);
    }
    wire_end(out, raw);
    wire_add_bytes(out, 3, str_empty);
    wire_add_bytes(out, 4, str_empty);
}

void proto_encode_frame(const char *event, struct str object, struct buf *out)
{
    size_t start = out->n;
    if (!buf_grow(out, 4))
        return;
    wire_add_bytes(out, 1, str_c(event));
    size_t at = wire_begin(out, 2);
    wire_add_bytes(out, 1, object);
    wire_end(out, at);
    if (!buf_ok(out))
        return;
    size_t n = out->n - start - 4;
    for (unsigned i = 0; i < 4; i++)
        out->p[start + i] = (char)(n >> (8 * (3 - i)));
}
