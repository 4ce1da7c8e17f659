#include "engine/proxy/target.h"

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_id(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_alnum(s.p[i]) && s.p[i] != '-')
            return false;
    return s.n > 0 && s.n <= PROXY_ID_BYTES_MAX && is_alnum(s.p[0]) && is_alnum(s.p[s.n - 1]);
}

bool proxy_target_read(struct str text, struct str *id, struct buf *target)
{
    size_t n = 0;
    while (n < text.n && text.p[n] != '/' && text.p[n] != '?')
        n++;
    struct str name = str_sub(text, 0, n), rest = str_sub(text, n, text.n);
    if (!is_id(name))
        return false;
    *id = name;
    if (rest.n == 0 || rest.p[0] == '?')
        buf_add_char(target, '/');
    buf_add(target, rest);
    return true;
}
