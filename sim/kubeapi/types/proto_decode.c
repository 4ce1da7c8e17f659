/* Protobuf messages to trees. */
#include "sim/kubeapi/types/proto.h"

#include "engine/base/codec.h"
#include "engine/base/map.h"
#include "sim/kubeapi/types/proto_internal.h"
#include <string.h>

/* What the fields of one message have filled so far. */
struct filling {
    const struct type *t;
    cJSON *object;
    cJSON *values[PROTO_FIELDS_MAX];   /* by field: what is in the object */
    cJSON *unsorted[PROTO_FIELDS_MAX]; /* maps whose keys did not come in order */
};

static struct err *wrong_wire(enum wire wire, uint64_t number)
{
    return err_new(ERR_INVALID, "proto: wrong wireType = %u for field %llu", (unsigned)wire,
                   (unsigned long long)number);
}

static struct err *take_list_message(struct proto_decoder *d, const struct type *t, struct str in,
                                     unsigned depth, cJSON **out);

/* ---- values by wire type ---- */

static struct err *take_number(struct proto_decoder *d, const struct type *t, uint64_t v,
                               cJSON **out)
{
    if (t->kind == TYPE_BOOL)
        *out = json_bool_new(d->a, v != 0);
    else if (t->kind == TYPE_INT32)
        *out = json_int_new(d->a, (int32_t)(uint32_t)v);
    else
        *out = json_int_new(d->a, (int64_t)v);
    return NULL;
}

static struct err *take_double(struct proto_decoder *d, struct str *in, cJSON **out)
{
    uint64_t bits = 0;
    double v;
    struct buf text = {0};
    if (in->n < 8)
        return err_new(ERR_INVALID, "unexpected EOF");
    for (unsigned i = 0; i < 8; i++)
        bits |= (uint64_t)(unsigned char)in->p[i] << (8 * i);
    *in = str_sub(*in, 8, in->n);
    memcpy(&v, &bits, sizeof(v));
    wire_double_write(v, &text);
    cJSON *node = proto_text_taken(d, &text);
    node->type = cJSON_Raw; /* as the tokenizer keeps numbers */
    *out = node;
    return NULL;
}

static struct err *take_bytes_value(struct proto_decoder *d, const struct type *t, struct str in,
                                    unsigned depth, cJSON **out)
{
    struct buf text = {0};
    switch (t->kind) {
    case TYPE_STRING:
        *out = proto_text(d, in);
        return NULL;
    case TYPE_BYTES:
        base64_encode(&text, in);
        *out = proto_text_taken(d, &text);
        return NULL;
    case TYPE_QUANTITY:
    case TYPE_INT_OR_STRING:
    case TYPE_TIME:
    case TYPE_MICRO_TIME:
    case TYPE_DURATION:
    case TYPE_RAW:
    case TYPE_FIELDS_V1:
    case TYPE_ANY:
        return proto_take_special(d, t, in, depth, out);
    case TYPE_OBJECT:
        *out = json_object(d->a);
        return proto_take_message(d, t, in, *out, depth + 1);
    case TYPE_LIST:
        return take_list_message(d, t, in, depth + 1, out);
    case TYPE_MAP:
    case TYPE_BOOL:
    case TYPE_INT32:
    case TYPE_INT64:
    case TYPE_INTEGER:
    case TYPE_NUMBER:
        break;
    }
    BUG_ON(true, "the wire type of the field was checked");
    return NULL;
}

static enum wire wire_of(const struct type *t)
{
    bool number = t->kind == TYPE_BOOL || t->kind == TYPE_INT32 || t->kind == TYPE_INT64 ||
                  t->kind == TYPE_INTEGER;
    return number ? WIRE_VARINT : t->kind == TYPE_NUMBER ? WIRE_64 : WIRE_BYTES;
}

/* One value from the front of *in; *out stays NULL when it is a zero that JSON has no form for. */
static struct err *take_value(struct proto_decoder *d, const struct type *t, struct str *in,
                              unsigned depth, cJSON **out)
{
    uint64_t number;
    struct str bytes;
    *out = NULL;
    struct err *err = proto_count_node(d);
    if (err)
        return err;
    switch (wire_of(t)) {
    case WIRE_VARINT:
        err = wire_take_varint(in, &number);
        return err ? err : take_number(d, t, number, out);
    case WIRE_64:
        return take_double(d, in, out);
    default:
        err = wire_take_bytes(in, &bytes);
        return err ? err : take_bytes_value(d, t, bytes, depth, out);
    }
}

/* ---- lists and maps ---- */

static struct err *take_item(struct proto_decoder *d, const struct type *t, enum wire wire,
                             uint64_t number, struct str *in, unsigned depth, cJSON *list)
{
    struct str packed;
    cJSON *v;
    struct err *err = NULL;
    if (wire == wire_of(t->items)) {
        err = take_value(d, t->items, in, depth, &v);
        if (!err)
            json_append(list, v ? v : json_null(d->a));
        return err;
    }
    if (wire != WIRE_BYTES)
        return wrong_wire(wire, number);
    err = wire_take_bytes(in, &packed);
    while (!err && packed.n > 0) {
        err = take_value(d, t->items, &packed, depth, &v);
        if (!err)
            json_append(list, v);
    }
    return err;
}

/* {1: repeated} */
static struct err *take_list_message(struct proto_decoder *d, const struct type *t, struct str in,
                                     unsigned depth, cJSON **out)
{
    struct err *err = NULL;
    *out = json_array(d->a);
    while (!err && in.n > 0) {
        uint64_t number;
        enum wire wire;
        err = wire_take_tag(&in, &number, &wire);
        if (!err)
            err = number == 1 ? take_item(d, t, wire, number, &in, depth, *out)
                              : wire_skip(&in, wire);
    }
    return err;
}

static cJSON *zero_of(struct proto_decoder *d, const struct type *t)
{
    switch (t->kind) {
    case TYPE_OBJECT:
        return json_object(d->a);
    case TYPE_LIST:
        return json_array(d->a);
    case TYPE_BOOL:
        return json_bool_new(d->a, false);
    case TYPE_INT32:
    case TYPE_INT64:
    case TYPE_INTEGER:
    case TYPE_NUMBER:
    case TYPE_INT_OR_STRING:
        return json_int_new(d->a, 0);
    case TYPE_QUANTITY:
        return json_str(d->a, STR("0"));
    case TYPE_STRING:
    case TYPE_BYTES:
        return json_str(d->a, str_empty);
    default:
        return json_null(d->a);
    }
}

/* An entry into the map; *sorted falls when its key does not come behind the last one. */
static struct err *take_entry(struct proto_decoder *d, const struct type *t, struct str in,
                              unsigned depth, cJSON *map, bool *sorted)
{
    struct str key = str_empty;
    cJSON *v = NULL;
    while (in.n > 0) {
        uint64_t number;
        enum wire wire;
        struct err *err = wire_take_tag(&in, &number, &wire);
        if (err)
            return err;
        if (number == 1 && wire == WIRE_BYTES)
            err = wire_take_bytes(&in, &key);
        else if (number == 2 && wire == wire_of(t->items))
            err = take_value(d, t->items, &in, depth, &v);
        else
            err = wire_skip(&in, wire);
        if (err)
            return err;
    }
    key = json_string(proto_text(d, key));
    const cJSON *last = map->child ? map->child->prev : NULL;
    if (last && str_cmp(str_c(last->string), key) >= 0)
        *sorted = false;
    json_add(d->a, map, key, v ? v : zero_of(d, t->items));
    return NULL;
}

/* Of entries with the same key the last one counts. */
static void drop_repeated_keys(cJSON *map)
{
    struct map seen = {0};
    for (cJSON *c = map->child, *next; c; c = next) {
        cJSON *old = map_put(&seen, str_c(c->string), c);
        next = c->next;
        if (!old)
            continue;
        if (old == map->child) {
            map->child = old->next; /* never empty: c stands behind it */
            old->next->prev = old->prev;
        } else {
            old->prev->next = old->next;
            old->next->prev = old->prev;
        }
    }
    map_free(&seen);
}

/* ---- messages ---- */

static bool drops_zero(const struct type_field *f, const cJSON *v)
{
    int64_t n;
    if (f->flags & (FIELD_POINTER | FIELD_ALWAYS | FIELD_REQUIRED))
        return false;
    switch (f->type->kind) {
    case TYPE_STRING:
    case TYPE_BYTES:
        return json_string(v).n == 0;
    case TYPE_BOOL:
        return v->type == cJSON_False;
    case TYPE_INT32:
    case TYPE_INT64:
    case TYPE_INTEGER:
        return json_int(v, &n) && n == 0;
    default:
        return false;
    }
}

static void put_single(struct proto_decoder *d, struct filling *m, size_t i, cJSON *v)
{
    const struct type_field *f = &m->t->fields[i];
    if (m->values[i])
        (void)json_unset(m->object, f->name);
    m->values[i] = NULL;
    if (!v && (f->flags & FIELD_ALWAYS))
        v = json_null(d->a); /* the zero time */
    if (!v || drops_zero(f, v))
        return;
    json_add(d->a, m->object, f->name, v);
    m->values[i] = v;
}

static cJSON *container_of_field(struct proto_decoder *d, struct filling *m, size_t i)
{
    const struct type_field *f = &m->t->fields[i];
    if (!m->values[i]) {
        m->values[i] = f->type->kind == TYPE_LIST ? json_array(d->a) : json_object(d->a);
        json_add(d->a, m->object, f->name, m->values[i]);
    }
    return m->values[i];
}

static struct err *take_map_entry(struct proto_decoder *d, struct filling *m, size_t i,
                                  struct str *in, unsigned depth)
{
    struct str bytes;
    bool sorted = true;
    struct err *err = wire_take_bytes(in, &bytes);
    if (err)
        return err;
    cJSON *map = container_of_field(d, m, i);
    err = take_entry(d, m->t->fields[i].type, bytes, depth, map, &sorted);
    if (!sorted)
        m->unsorted[i] = map;
    return err;
}

static struct err *take_field(struct proto_decoder *d, struct filling *m, size_t i, enum wire wire,
                              struct str *in, unsigned depth)
{
    const struct type_field *f = &m->t->fields[i];
    struct str bytes;
    struct err *err;
    cJSON *v;
    if (f->type->kind == TYPE_LIST && !(f->flags & FIELD_WRAPPED))
        return take_item(d, f->type, wire, f->number, in, depth, container_of_field(d, m, i));
    if (wire != wire_of(f->type))
        return wrong_wire(wire, f->number);
    if (f->type->kind == TYPE_MAP)
        return take_map_entry(d, m, i, in, depth);
    if (f->flags & FIELD_INLINE) {
        err = wire_take_bytes(in, &bytes);
        return err ? err : proto_take_message(d, f->type, bytes, m->object, depth + 1);
    }
    err = take_value(d, f->type, in, depth, &v);
    if (!err)
        put_single(d, m, i, v);
    return err;
}

static void index_fields(const struct type *t, unsigned char by_number[PROTO_NUMBER_MAX + 1])
{
    size_t fields_n = t->fields_n + t->inlines_n;
    BUG_ON(fields_n > PROTO_FIELDS_MAX, "PROTO_FIELDS_MAX fits every built-in type");
    for (size_t i = 0; i < fields_n; i++) {
        BUG_ON(t->fields[i].number > PROTO_NUMBER_MAX, "PROTO_NUMBER_MAX fits every field");
        by_number[t->fields[i].number] = (unsigned char)(i + 1);
    }
    by_number[0] = 0; /* what is in JSON only */
}

struct err *proto_take_message(struct proto_decoder *d, const struct type *t, struct str in,
                               cJSON *object, unsigned depth)
{
    unsigned char by_number[PROTO_NUMBER_MAX + 1] = {0};
    struct filling m = {.t = t, .object = object};
    if (depth > PROTO_DEPTH_MAX)
        return err_new(ERR_INVALID, "proto: messages in each other too deep");
    index_fields(t, by_number);
    while (in.n > 0) {
        uint64_t number;
        enum wire wire;
        struct err *err = wire_take_tag(&in, &number, &wire);
        if (err)
            return err;
        size_t i = number <= PROTO_NUMBER_MAX ? by_number[number] : 0;
        err = i > 0 ? take_field(d, &m, i - 1, wire, &in, depth) : wire_skip(&in, wire);
        if (err)
            return err;
    }
    for (size_t i = 0; i < t->fields_n; i++)
        if (m.unsorted[i])
            drop_repeated_keys(m.unsorted[i]);
    return NULL;
}

struct err *proto_decode(struct arena *a, const struct type *t, struct str message, cJSON **out)
{
    struct proto_decoder d = {a, PROTO_NODES_MAX};
    cJSON *object = json_object(a);
    BUG_ON(t->kind != TYPE_OBJECT, "a message is of a type with fields");
    struct err *err = proto_take_message(&d, t, message, object, 1);
    if (!err)
        *out = object;
    return err;
}

/* ---- the envelope ---- */

static struct err *open_type_meta(struct str in, struct proto_envelope *e)
{
    struct proto_small s;
    struct err *err = proto_take_small(in, &s);
    e->api_version = s.bytes[1];
    e->kind = s.bytes[2];
    return err;
}

struct err *proto_open(struct str bytes, struct proto_envelope *out)
{
    struct proto_envelope e = {str_empty, str_empty, str_empty, str_empty, str_empty};
    if (bytes.n == 0)
        return err_new(ERR_INVALID, "empty data");
    if (!str_starts(bytes, (struct str){"k8s\0", 4}))
        return err_new(ERR_INVALID, "provided data does not appear to be a protobuf message, "
                                    "expected prefix [107 56 115 0]");
    struct str in = str_sub(bytes, 4, bytes.n);
    if (in.n == 0)
        return err_new(ERR_INVALID, "empty body");
    while (in.n > 0) {
        struct str *const parts[] = {NULL, NULL, &e.raw, &e.content_encoding, &e.content_type};
        uint64_t number;
        enum wire wire;
        struct str value;
        struct err *err = wire_take_tag(&in, &number, &wire);
        if (!err && (number >= ARRAY_LEN(parts) || wire != WIRE_BYTES))
            err = wire_skip(&in, wire);
        else if (!err && !(err = wire_take_bytes(&in, &value)) && number == 1)
            err = open_type_meta(value, &e);
        else if (!err)
            *parts[number] = value;
        if (err)
            return err;
    }
    *out = e;
    return NULL;
}
