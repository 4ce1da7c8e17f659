#include "engine/kube/scan.h"

#include <string.h>

/* Eats a string; s->p is on its opening quote. */
static bool eat_string(struct scan *s)
{
    const char *p = s->p + 1;
    while (p < s->end) {
        const char *quote = memchr(p, '"', (size_t)(s->end - p));
        if (!quote)
            return false;
        /* Escaped when an odd number of backslashes stands in front; they cannot reach back over p. */
        const char *back = quote;
        while (back > p && back[-1] == '\\')
            back--;
        p = quote + 1;
        if ((quote - back) % 2 == 0) {
            s->p = p;
            return true;
        }
    }
    return false;
}

/* Eats an object or array, whatever is in it: counts brackets outside of strings. */
static bool eat_nested(struct scan *s)
{
    size_t depth = 0;
    while (s->p < s->end) {
        char c = *s->p;
        if (c == '"') {
            if (!eat_string(s))
                return false;
            continue;
        }
        s->p++;
        if (c == '{' || c == '[')
            depth++;
        else if ((c == '}' || c == ']') && --depth == 0)
            return true;
    }
    return false;
}

/* Eats one value of any kind. */
static bool scan_value(struct scan *s, struct str *value)
{
    if (s->p >= s->end)
        return false;
    const char *start = s->p;
    bool ok = true;
    if (*start == '"') {
        ok = eat_string(s);
    } else if (*start == '{' || *start == '[') {
        ok = eat_nested(s);
    } else {
        while (s->p < s->end && *s->p != ',' && *s->p != '}' && *s->p != ']')
            s->p++;
        ok = s->p > start;
    }
    *value = (struct str){start, (size_t)(s->p - start)};
    return ok;
}

bool scan_enter(struct scan *s, char bracket)
{
    if (s->p >= s->end || *s->p != bracket)
        return false;
    s->p++;
    return true;
}

bool scan_member(struct scan *s, struct str *key, struct str *value)
{
    if (s->p < s->end && *s->p == ',')
        s->p++;
    if (s->p >= s->end || *s->p != '"')
        return false;
    const char *start = s->p + 1;
    if (!eat_string(s))
        return false;
    *key = (struct str){start, (size_t)(s->p - start) - 1};
    if (s->p >= s->end || *s->p != ':')
        return false;
    s->p++;
    return scan_value(s, value);
}

bool scan_element(struct scan *s, struct str *value)
{
    if (s->p < s->end && *s->p == ',')
        s->p++;
    if (s->p >= s->end || *s->p == ']')
        return false;
    return scan_value(s, value);
}

struct str scan_get(struct str object, struct str key)
{
    struct scan s = scan_of(object);
    struct str k, v;
    if (!scan_enter(&s, '{'))
        return str_empty;
    while (scan_member(&s, &k, &v)) {
        int order = str_cmp(k, key);
        if (order == 0)
            return v;
        if (order > 0 && !memchr(k.p, '\\', k.n)) /* an escaped key is not where its bytes sort */
            break;
    }
    return str_empty;
}

static struct str element_at(struct str array, struct str index)
{
    struct scan s = scan_of(array);
    struct str value = str_empty;
    uint64_t n;
    if (!scan_enter(&s, '[') || !str_to_u64(index, &n))
        return str_empty;
    for (uint64_t i = 0; i <= n; i++)
        if (!scan_element(&s, &value))
            return str_empty;
    return value;
}

struct str scan_path(struct str object, const char *dotted)
{
    struct str rest = str_c(dotted), head;
    while (rest.n > 0) {
        if (!str_cut(rest, '.', &head, &rest))
            rest = str_empty;
        object =
            object.n > 0 && object.p[0] == '[' ? element_at(object, head) : scan_get(object, head);
    }
    return object;
}

bool scan_string(struct str raw, struct str *inner, bool *escaped)
{
    if (raw.n < 2 || raw.p[0] != '"')
        return false;
    *inner = (struct str){raw.p + 1, raw.n - 2};
    *escaped = memchr(inner->p, '\\', inner->n) != NULL;
    return true;
}
