#include "engine/base/json_internal.h"

#define SORTED_INLINE 32u
#define EXACT_MAX     9007199254740992.0 /* 2^53 */

/* One byte or sequence that may not stand as it is. Gives the bytes it took. */
static size_t write_special(struct buf *out, const char *p, const char *end)
{
    static const char escapes[0x20] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    unsigned char c = (unsigned char)*p;
    if (c >= 0x80) {
        size_t n = json_utf8_length(p, end);
        if (c == 0xc0 && end - p > 1 && (unsigned char)p[1] == 0x80) { /* JSON_NUL */
            buf_add_c(out, "\\u0000");
            return 2;
        }
        buf_add(out, n ? (struct str){p, n} : STR("\xef\xbf\xbd"));
        return n ? n : 1;
    }
    if (c >= 0x20 || escapes[c]) {
        char pair[2] = {'\\', c >= 0x20 ? (char)c : escapes[c]};
        buf_add(out, (struct str){pair, 2});
    } else {
        buf_addf(out, "\\u%04x", c);
    }
    return 1;
}

/* How many bytes from p on need no escape. */
static inline size_t plain_run(const char *p, const char *end)
{
    const char *from = p;
    for (; end - p >= 8; p += 8) {
        uint64_t marks = json_special8(json_load8(p));
        if (marks)
            return (size_t)(p - from) + (size_t)__builtin_ctzll(marks) / 8;
    }
    while (p < end && !json_is_special(*p))
        p++;
    return (size_t)(p - from);
}

/* Room in what is already there: the usual case, without a call. */
static inline bool fits(const struct buf *out, size_t n)
{
    size_t max = out->max ? out->max : BUF_MAX_DEFAULT;
    return out->n + n < out->cap && out->n + n <= max;
}

static inline void put_char(struct buf *out, char c)
{
    if (fits(out, 1))
        out->p[out->n++] = c;
    else
        buf_add_char(out, c);
}

static inline void put(struct buf *out, struct str s)
{
    if (!fits(out, s.n)) {
        buf_add(out, s);
        return;
    }
    if (s.n)
        memcpy(out->p + out->n, s.p, s.n);
    out->n += s.n;
}

void json_write_string(struct buf *out, struct str s)
{
    const char *p = s.p, *end = s.p + s.n;
    put_char(out, '"');
    while (p < end) {
        size_t n = plain_run(p, end);
        put(out, (struct str){p, n});
        p += n;
        if (p < end)
            p += write_special(out, p, end);
    }
    put_char(out, '"');
}

static void write_number(struct buf *out, const cJSON *v)
{
    double d = v->valuedouble;
    BUG_ON(!(d >= -EXACT_MAX && d <= EXACT_MAX) || d != (double)(int64_t)d,
           "numbers that are no exact integers are kept as text");
    buf_add_i64(out, (int64_t)d);
}

static bool json_is_sorted(const cJSON *object)
{
    for (const cJSON *c = object->child; c && c->next; c = c->next)
        if (strcmp(c->string, c->next->string) > 0)
            return false;
    return true;
}

static void write_value(struct buf *out, const cJSON *v, bool sorted, unsigned depth);

static inline void write_member(struct buf *out, const cJSON *m, bool sorted, unsigned depth)
{
    json_write_string(out, str_c(m->string));
    put_char(out, ':');
    write_value(out, m, sorted, depth);
}

static void write_sorted(struct buf *out, const cJSON *v, unsigned depth)
{
    struct arena scratch = {0};
    size_t n;
    const cJSON **members = json_sorted(&scratch, v, &n);
    for (size_t i = 0; i < n; i++) {
        if (i)
            put_char(out, ',');
        write_member(out, members[i], true, depth);
    }
    arena_free(&scratch);
}

/* Few members are sorted on the stack, by insertion: most objects that a program puts together are small. */
static bool write_sorted_few(struct buf *out, const cJSON *v, unsigned depth)
{
    const cJSON *members[SORTED_INLINE];
    size_t n = 0;
    for (const cJSON *c = v->child; c; c = c->next) {
        if (n == SORTED_INLINE)
            return false;
        size_t at = n++;
        for (; at > 0 && strcmp(members[at - 1]->string, c->string) > 0; at--)
            members[at] = members[at - 1];
        members[at] = c;
    }
    for (size_t i = 0; i < n; i++) {
        if (i)
            put_char(out, ',');
        write_member(out, members[i], true, depth);
    }
    return true;
}

static void write_object(struct buf *out, const cJSON *v, bool sorted, unsigned depth)
{
    put_char(out, '{');
    if (sorted && !json_is_sorted(v)) {
        if (!write_sorted_few(out, v, depth))
            write_sorted(out, v, depth);
    } else {
        for (const cJSON *c = v->child; c; c = c->next) {
            if (c != v->child)
                put_char(out, ',');
            write_member(out, c, sorted, depth);
        }
    }
    put_char(out, '}');
}

static void write_array(struct buf *out, const cJSON *v, bool sorted, unsigned depth)
{
    put_char(out, '[');
    for (const cJSON *c = v->child; c; c = c->next) {
        if (c != v->child)
            put_char(out, ',');
        write_value(out, c, sorted, depth);
    }
    put_char(out, ']');
}

static void write_value(struct buf *out, const cJSON *v, bool sorted, unsigned depth)
{
    BUG_ON(depth > JSON_TREE_DEPTH_MAX, "a tree of ours is not that deep");
    switch (v->type & 0xff) {
    case cJSON_String:
        json_write_string(out, str_c(v->valuestring));
        break;
    case cJSON_Raw:
        put(out, str_c(v->valuestring));
        break;
    case cJSON_Object:
        write_object(out, v, sorted, depth + 1);
        break;
    case cJSON_Array:
        write_array(out, v, sorted, depth + 1);
        break;
    case cJSON_True:
        put(out, STR("true"));
        break;
    case cJSON_False:
        put(out, STR("false"));
        break;
    case cJSON_NULL:
        put(out, STR("null"));
        break;
    case cJSON_Number:
        write_number(out, v);
        break;
    default:
        BUG_ON(true, "a node has a type of JSON");
    }
}

void json_write(struct buf *out, const cJSON *v)
{
    write_value(out, v, true, 0);
}

void json_write_ordered(struct buf *out, const cJSON *v)
{
    write_value(out, v, false, 0);
}
