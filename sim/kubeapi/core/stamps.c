#include "sim/kubeapi/core/stamps.h"

#include "engine/base/codec.h"
#include <string.h>

struct str api_new_uid(struct kubeapi *api, struct arena *a)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[16];
    char *out = arena_alloc(a, 37), *p = out;
    world_random(api->w, bytes, sizeof(bytes));
    bytes[6] = (unsigned char)(0x40 | (bytes[6] & 0x0f)); /* version 4, RFC 9562 */
    bytes[8] = (unsigned char)(0x80 | (bytes[8] & 0x3f));
    for (size_t i = 0; i < sizeof(bytes); i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *p++ = '-';
        *p++ = digits[bytes[i] >> 4];
        *p++ = digits[bytes[i] & 15];
    }
    return (struct str){out, 36};
}

struct str api_now(struct kubeapi *api, struct arena *a)
{
    struct buf b = {.max = 64};
    rfc3339_format(&b, world_wall(api->w));
    struct str s = arena_str(a, buf_str(&b));
    buf_free(&b);
    return s;
}

struct str api_generated_name(struct kubeapi *api, struct arena *a, struct str prefix)
{
    static const char letters[] = "bcdfghjklmnpqrstvwxz2456789"; /* no vowels: no words */
    prefix = str_sub(prefix, 0, 58);
    char *out = arena_alloc(a, prefix.n + 6);
    memcpy(out, prefix.p, prefix.n);
    for (size_t i = 0; i < 5; i++)
        out[prefix.n + i] = letters[world_random_below(api->w, sizeof(letters) - 1)];
    return (struct str){out, prefix.n + 5};
}
