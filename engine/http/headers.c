#include "engine/http/headers.h"
#include "engine/http/head.h"

#include <string.h>

/* Places instead of pointers: the bytes move when they grow. */
struct http_header {
    uint32_t name_at, name_n, value_at, value_n;
};

#define HEADERS_FIRST 16u

bool http_is_token(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!http_token_char((unsigned char)s.p[i]))
            return false;
    return s.n > 0;
}

bool http_is_field_value(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static struct str name_of(const struct http_headers *h, size_t i)
{
    return (struct str){h->bytes.p + h->items[i].name_at, h->items[i].name_n};
}

static struct str value_of(const struct http_headers *h, size_t i)
{
    return (struct str){h->bytes.p + h->items[i].value_at, h->items[i].value_n};
}

bool http_headers_note(struct http_headers *h, size_t name_at, size_t name_n, size_t value_at,
                       size_t value_n)
{
    BUG_ON(name_at + name_n > h->bytes.n || value_at + value_n > h->bytes.n,
           "a noted header lies within the bytes");
    if (h->n == HTTP_HEADERS_MAX)
        return false;
    if (h->n == h->cap) {
        h->cap = h->cap ? h->cap * 2 : HEADERS_FIRST;
        h->items = mem_resize(h->items, h->cap * sizeof(*h->items));
    }
    h->items[h->n++] = (struct http_header){(uint32_t)name_at, (uint32_t)name_n, (uint32_t)value_at,
                                            (uint32_t)value_n};
    return true;
}

bool http_headers_add(struct http_headers *h, struct str name, struct str value)
{
    if (!http_is_token(name) || !http_is_field_value(value) || h->n == HTTP_HEADERS_MAX ||
        name.n + value.n > HTTP_HEADER_BYTES_MAX - h->bytes.n)
        return false;
    size_t at = h->bytes.n;
    buf_add(&h->bytes, name);
    buf_add(&h->bytes, value);
    return http_headers_note(h, at, name.n, at + name.n, value.n);
}

void http_headers_add_c(struct http_headers *h, const char *name, const char *value)
{
    bool added = http_headers_add(h, str_c(name), str_c(value));
    BUG_ON(!added, "a header of ours is well formed and within the bounds");
}

/* The index of the next field of that name at or after i; h->n: none. */
static size_t find_from(const struct http_headers *h, struct str name, size_t i)
{
    while (i < h->n && !(h->items[i].name_n == name.n && str_eq_nocase(name_of(h, i), name)))
        i++;
    return i;
}

struct str http_headers_get(const struct http_headers *h, const char *name)
{
    size_t i = find_from(h, str_c(name), 0);
    return i < h->n ? value_of(h, i) : str_empty;
}

bool http_headers_has(const struct http_headers *h, const char *name)
{
    return find_from(h, str_c(name), 0) < h->n;
}

size_t http_headers_count(const struct http_headers *h, const char *name)
{
    size_t count = 0;
    for (size_t i = find_from(h, str_c(name), 0); i < h->n; i = find_from(h, str_c(name), i + 1))
        count++;
    return count;
}

bool http_headers_at(const struct http_headers *h, size_t i, struct str *name, struct str *value)
{
    if (i >= h->n)
        return false;
    *name = name_of(h, i);
    *value = value_of(h, i);
    return true;
}

static bool list_has(struct str list, struct str token)
{
    struct str item;
    for (bool more = true; more;) {
        more = str_cut(list, ',', &item, &list);
        if (str_eq_nocase(str_trim(item), token))
            return true;
    }
    return false;
}

bool http_headers_has_token(const struct http_headers *h, const char *name, const char *token)
{
    struct str wanted = str_c(name);
    for (size_t i = find_from(h, wanted, 0); i < h->n; i = find_from(h, wanted, i + 1))
        if (list_has(value_of(h, i), str_c(token)))
            return true;
    return false;
}

void http_headers_clear(struct http_headers *h)
{
    buf_clear(&h->bytes);
    h->n = 0;
}

void http_headers_free(struct http_headers *h)
{
    buf_free(&h->bytes);
    mem_free(h->items);
    *h = (struct http_headers){0};
}
