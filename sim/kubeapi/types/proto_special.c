/* Special messages of protobuf: small ones that are a single value in JSON (times, quantities, JSON in bytes, unions). */
#include "sim/kubeapi/types/proto_internal.h"

#include "engine/base/timefmt.h"
#include "sim/kubeapi/types/gotime.h"
#include <string.h>

struct err *proto_count_node(struct proto_decoder *d)
{
    if (d->nodes_left-- == 0) {
        d->nodes_left = 0;
        return err_new(ERR_TOO_LARGE, "proto: more than %u values", PROTO_NODES_MAX);
    }
    return NULL;
}

/* Text as the tree holds it: what is no UTF-8 is replaced now, as it would be when it is written; two keys must not become
 * the same one only then. */
cJSON *proto_text(struct proto_decoder *d, struct str bytes)
{
    bool ascii = true;
    for (size_t i = 0; i < bytes.n && ascii; i++)
        ascii = (unsigned char)bytes.p[i] < 0x80;
    if (ascii)
        return json_str(d->a, bytes);
    struct buf json = {0};
    cJSON *v = NULL;
    json_write_string(&json, bytes);
    struct err *err = json_parse(d->a, buf_str(&json), &v);
    BUG_ON(err != NULL, "a string that was written is read");
    buf_free(&json);
    return v;
}

/* ---- the messages ---- */

struct err *proto_take_small(struct str in, struct proto_small *s)
{
    *s = (struct proto_small){0};
    while (in.n > 0) {
        uint64_t number;
        enum wire wire;
        struct err *err = wire_take_tag(&in, &number, &wire);
        if (err)
            return err;
        if (number > PROTO_SMALL_FIELDS || (wire != WIRE_VARINT && wire != WIRE_BYTES))
            err = wire_skip(&in, wire);
        else if (wire == WIRE_VARINT)
            err = wire_take_varint(&in, &s->numbers[number]);
        else
            err = wire_take_bytes(&in, &s->bytes[number]);
        if (err)
            return err;
    }
    return NULL;
}

cJSON *proto_text_taken(struct proto_decoder *d, struct buf *take_text)
{
    cJSON *v = json_str(d->a, buf_str(take_text));
    buf_free(take_text);
    return v;
}

/* The years 0 to 9999: what has a text. */
#define TIME_SECONDS_MIN INT64_C(-62167219200)
#define TIME_SECONDS_MAX INT64_C(253402300799)

/* The zero time is an empty message: no value. */
static struct err *take_time(struct proto_decoder *d, struct str in, bool micro, cJSON **out)
{
    struct proto_small s;
    struct buf text = {0};
    struct err *err = proto_take_small(in, &s);
    if (err || in.n == 0)
        return err;
    struct gotime t = {.seconds = (int64_t)s.numbers[1], .nanos = (int32_t)(uint32_t)s.numbers[2]};
    if (t.seconds < TIME_SECONDS_MIN || t.seconds > TIME_SECONDS_MAX || t.nanos < 0 ||
        t.nanos >= NS_PER_S)
        return err_new(ERR_INVALID, "proto: time out of range");
    if (t.seconds > 0 && t.seconds < INT64_MAX / NS_PER_S - 1) /* today: the fast way */
        (micro ? rfc3339_format_micro : rfc3339_format)(&text, t.seconds * NS_PER_S + t.nanos);
    else
        gotime_write(t, micro, &text);
    *out = proto_text_taken(d, &text);
    return NULL;
}

static unsigned text_depth(struct str json)
{
    unsigned depth = 0, most = 0;
    for (size_t i = 0; i < json.n; i++) {
        if (json.p[i] == '"') {
            for (i++; i < json.n && json.p[i] != '"'; i++)
                i += json.p[i] == '\\';
        } else if (json.p[i] == '{' || json.p[i] == '[') {
            most = ++depth > most ? depth : most;
        } else if ((json.p[i] == '}' || json.p[i] == ']') && depth > 0) {
            depth--;
        }
    }
    return most;
}

/* Two levels of the tree for each message above it, at most. */
static struct err *take_json(struct proto_decoder *d, struct str in, unsigned depth, cJSON **out)
{
    struct proto_small s;
    struct err *err = proto_take_small(in, &s);
    if (err || s.bytes[1].n == 0)
        return err;
    if (text_depth(s.bytes[1]) + 2 * depth > JSON_DEPTH_MAX)
        return err_new(ERR_INVALID, "proto: JSON in it is too deep");
    return json_parse_lenient(d->a, s.bytes[1], out, NULL);
}

/* A RawExtension may hold an object in its envelope. */
static struct err *take_raw(struct proto_decoder *d, struct str in, unsigned depth, cJSON **out)
{
    struct proto_small s;
    struct proto_envelope e;
    struct err *err = proto_take_small(in, &s);
    if (err || !str_starts(s.bytes[1], (struct str){"k8s\0", 4}))
        return err ? err : take_json(d, in, depth, out);
    if ((err = proto_open(s.bytes[1], &e)) != NULL)
        return err;
    const struct type *t = proto_type(e.api_version, e.kind);
    if (!t)
        return err_new(ERR_INVALID,
                       "no kind \"" STR_FMT "\" is registered for version \"" STR_FMT "\"",
                       STR_ARG(e.kind), STR_ARG(e.api_version));
    cJSON *object = json_object(d->a);
    json_add(d->a, object, STR("apiVersion"), json_str(d->a, e.api_version));
    json_add(d->a, object, STR("kind"), json_str(d->a, e.kind));
    *out = object;
    return proto_take_message(d, t, e.raw, object, depth + 1);
}

static struct err *take_int_or_string(struct proto_decoder *d, struct str in, cJSON **out)
{
    struct proto_small s;
    struct err *err = proto_take_small(in, &s);
    if (err)
        return err;
    *out = s.numbers[1] == 1 ? proto_text(d, s.bytes[3])
                             : json_int_new(d->a, (int32_t)(uint32_t)s.numbers[2]);
    return NULL;
}

static struct err *take_quantity(struct proto_decoder *d, struct str in, cJSON **out)
{
    struct proto_small s;
    struct err *err = proto_take_small(in, &s);
    if (!err)
        *out = proto_text(d, s.bytes[1].n > 0 ? s.bytes[1] : STR("0"));
    return err;
}

static struct err *take_duration(struct proto_decoder *d, struct str in, cJSON **out)
{
    struct proto_small s;
    struct buf text = {0};
    struct err *err = proto_take_small(in, &s);
    if (err)
        return err;
    duration_format(&text, (int64_t)s.numbers[1]);
    *out = proto_text_taken(d, &text);
    return NULL;
}

/* {1: allows, 2: schema}; the others: {1: schema, 2: schemas or strings}. */
static struct err *take_union(struct proto_decoder *d, const struct type *t, struct str in,
                              unsigned depth, cJSON **out)
{
    bool flag = str_ends(t->name, STR("OrBool")), strings = str_ends(t->name, STR("StringArray"));
    cJSON *schema = NULL, *list = NULL;
    uint64_t allows = 0;
    while (in.n > 0) {
        uint64_t number;
        enum wire wire;
        struct str bytes;
        struct err *err = wire_take_tag(&in, &number, &wire);
        if (err)
            return err;
        if (number > 2 || wire != (flag && number == 1 ? WIRE_VARINT : WIRE_BYTES))
            err = wire_skip(&in, wire);
        else if (flag && number == 1)
            err = wire_take_varint(&in, &allows);
        else if (!(err = wire_take_bytes(&in, &bytes)) && !(err = proto_count_node(d))) {
            cJSON *v = strings && number == 2 ? proto_text(d, bytes) : json_object(d->a);
            if (!(strings && number == 2))
                err = proto_take_message(d, t->items, bytes, v, depth + 1);
            if (number == 1 || flag)
                schema = v;
            else
                json_append(list ? list : (list = json_array(d->a)), v);
        }
        if (err)
            return err;
    }
    *out = schema ? schema
           : flag ? json_bool_new(d->a, allows != 0)
           : list ? list
                  : json_null(d->a);
    return NULL;
}

/* ---- by type ---- */

struct err *proto_take_special(struct proto_decoder *d, const struct type *t, struct str in,
                               unsigned depth, cJSON **out)
{
    switch (t->kind) {
    case TYPE_QUANTITY:
        return take_quantity(d, in, out);
    case TYPE_INT_OR_STRING:
        return take_int_or_string(d, in, out);
    case TYPE_TIME:
    case TYPE_MICRO_TIME:
        return take_time(d, in, t->kind == TYPE_MICRO_TIME, out);
    case TYPE_DURATION:
        return take_duration(d, in, out);
    case TYPE_RAW:
        return take_raw(d, in, depth, out);
    case TYPE_ANY:
        return t->items ? take_union(d, t, in, depth, out) : take_json(d, in, depth, out);
    default:
        BUG_ON(t->kind != TYPE_FIELDS_V1, "a type whose message is one value in JSON");
        return take_json(d, in, depth, out);
    }
}
