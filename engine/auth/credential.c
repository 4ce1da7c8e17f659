#include "engine/auth/credential.h"

#include "engine/base/codec.h"

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool credential_is_name(struct str s)
{
    if (s.n == 0 || s.n > CREDENTIAL_NAME_BYTES_MAX)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!is_alnum(s.p[i]) && s.p[i] != '-' && s.p[i] != '.')
            return false;
    return is_alnum(s.p[0]) && is_alnum(s.p[s.n - 1]);
}

/* Exactly one colon. */
static void read_pair(struct str text, struct credential *out)
{
    bool two = str_cut(text, ':', &out->name, &out->secret);
    bool good = two && credential_is_name(out->name) && out->secret.n > 0 &&
                str_find_char(out->secret, ':') < 0;
    out->kind = good ? CREDENTIAL_TOKEN : CREDENTIAL_BAD;
}

static void read_basic(struct str text, struct credential *out)
{
    out->kind = CREDENTIAL_BAD;
    if (base64_decode(&out->decoded, text))
        read_pair(buf_str(&out->decoded), out);
}

static void read_bearer(struct str text, struct credential *out)
{
    if (str_find_char(text, ':') >= 0) {
        read_pair(text, out);
        return;
    }
    out->bearer = text;
    out->kind = CREDENTIAL_KUBERNETES;
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] <= ' ' || (unsigned char)text.p[i] >= 0x7f)
            out->kind = CREDENTIAL_BAD;
}

void credential_read(struct str authorization, struct credential *out)
{
    struct str scheme, rest;
    *out = (struct credential){.kind = CREDENTIAL_NONE};
    if (authorization.n == 0)
        return;
    out->kind = CREDENTIAL_BAD;
    if (authorization.n > CREDENTIAL_BYTES_MAX || !str_cut(authorization, ' ', &scheme, &rest))
        return;
    rest = str_trim(rest);
    if (rest.n == 0)
        return;
    if (str_eq_nocase(scheme, STR("Bearer")))
        read_bearer(rest, out);
    else if (str_eq_nocase(scheme, STR("Basic")))
        read_basic(rest, out);
}

void credential_free(struct credential *c)
{
    buf_free(&c->decoded);
    *c = (struct credential){.kind = CREDENTIAL_NONE};
}
