#include "engine/proxy/fields.h"

static const struct str hop_by_hop[] = {
    STR_INIT("Connection"),          STR_INIT("Keep-Alive"), STR_INIT("Proxy-Authenticate"),
    STR_INIT("Proxy-Authorization"), STR_INIT("TE"),         STR_INIT("Proxy-Connection"),
    STR_INIT("Transfer-Encoding"),   STR_INIT("Upgrade"),    STR_INIT("Trailer")};

/* Ours to write, or the caller's credentials, which are none of the cluster's business. */
static const struct str ours[] = {
    STR_INIT("Host"),        STR_INIT("Content-Length"),    STR_INIT("Authorization"),
    STR_INIT("Cookie"),      STR_INIT("X-Forwarded-For"),   STR_INIT("X-Forwarded-Host"),
    STR_INIT("Expect"),      STR_INIT("X-Forwarded-Proto"), STR_INIT("X-Forwarded-Port"),
    STR_INIT("X-Request-Id")};

static bool among(const struct str *list, size_t n, struct str name)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq_nocase(list[i], name))
            return true;
    return false;
}

/* "X_Remote-user" starts with "X-Remote-": gateways make '-' of '_'. */
static bool starts_like(struct str name, struct str prefix)
{
    if (name.n < prefix.n)
        return false;
    for (size_t i = 0; i < prefix.n; i++) {
        struct str c = str_sub(name, i, 1);
        if (!(c.p[0] == '_' && prefix.p[i] == '-') && !str_eq_nocase(c, str_sub(prefix, i, 1)))
            return false;
    }
    return true;
}

bool proxy_fields_impersonate(const struct http_headers *in)
{
    struct str name, value;
    for (size_t i = 0; http_headers_at(in, i, &name, &value); i++)
        if (starts_like(name, STR("Impersonate-")))
            return true;
    return false;
}

struct str proxy_fields_upgrade(const struct http_headers *in)
{
    bool asks = http_headers_has_token(in, "Connection", "upgrade") &&
                http_headers_count(in, "Upgrade") == 1;
    return asks ? http_headers_get(in, "Upgrade") : str_empty;
}

/* ---- what Connection names ---- */

struct named {
    struct str names[PROXY_NAMED_MAX];
    size_t n;
};

static bool name_list(struct named *out, struct str list)
{
    struct str item;
    for (bool more = true; more;) {
        more = str_cut(list, ',', &item, &list);
        item = str_trim(item);
        if (item.n == 0)
            continue;
        if (out->n == PROXY_NAMED_MAX)
            return false;
        out->names[out->n++] = item;
    }
    return true;
}

static bool read_named(const struct http_headers *in, struct named *out)
{
    struct str name, value;
    out->n = 0;
    for (size_t i = 0; http_headers_at(in, i, &name, &value); i++)
        if (str_eq_nocase(name, STR("Connection")) && !name_list(out, value))
            return false;
    return true;
}

static bool passes(const struct named *named, struct str name)
{
    return !among(hop_by_hop, ARRAY_LEN(hop_by_hop), name) && !among(named->names, named->n, name);
}

/* ---- to the cluster ---- */

static bool add_user(const struct auth_user *u, struct http_headers *out)
{
    bool good = u->name.n > 0 && http_headers_add(out, STR("Impersonate-User"), u->name);
    for (size_t i = 0; i < u->groups_n; i++)
        good = good && http_headers_add(out, STR("Impersonate-Group"), u->groups[i]);
    if (u->principal.n)
        good = good && http_headers_add(out, STR("Impersonate-Extra-Principalid"), u->principal);
    if (u->login.n)
        good = good && http_headers_add(out, STR("Impersonate-Extra-Username"), u->login);
    return good;
}

/* Those who came before are kept in the list: whoever trusts it counts from its end. */
static bool add_forwarded(const struct http_headers *in, const struct proxy_fields_from *from,
                          struct http_headers *out)
{
    struct buf list = {0};
    struct str before = http_headers_get(in, "X-Forwarded-For");
    struct str host = http_headers_get(in, "X-Forwarded-Host");
    struct str proto = http_headers_get(in, "X-Forwarded-Proto");
    buf_addf(&list, STR_FMT "%s" STR_FMT, STR_ARG(before), before.n ? ", " : "",
             STR_ARG(from->peer));
    if (host.n == 0)
        host = http_headers_get(in, "Host");
    if (proto.n == 0)
        proto = from->tls ? STR("https") : STR("http");
    bool good = http_headers_add(out, STR("X-Forwarded-For"), buf_str(&list)) &&
                http_headers_add(out, STR("X-Forwarded-Host"), host) &&
                http_headers_add(out, STR("X-Forwarded-Proto"), proto);
    buf_free(&list);
    return good;
}

static bool add_token(struct str token, struct http_headers *out)
{
    struct buf value = {0};
    buf_add_c(&value, "Bearer ");
    buf_add(&value, token);
    bool good = http_headers_add(out, STR("Authorization"), buf_str(&value));
    buf_free(&value);
    return good;
}

bool proxy_fields_request(const struct http_headers *in, const struct proxy_fields_from *from,
                          struct http_headers *out)
{
    struct named named;
    struct str name, value;
    bool good = read_named(in, &named) && add_token(from->token, out) && add_user(from->user, out);
    for (size_t i = 0; good && http_headers_at(in, i, &name, &value); i++)
        if (passes(&named, name) && !among(ours, ARRAY_LEN(ours), name) &&
            !starts_like(name, STR("X-Remote-")) && !starts_like(name, STR("Impersonate-")))
            good = http_headers_add(out, name, value);
    return good && add_forwarded(in, from, out);
}

/* ---- from the cluster ---- */

bool proxy_fields_answer(const struct http_headers *in, struct http_headers *out)
{
    struct named named;
    struct str name, value;
    bool good = read_named(in, &named);
    for (size_t i = 0; good && http_headers_at(in, i, &name, &value); i++)
        if (passes(&named, name))
            good = http_headers_add(out, name, value);
    return good;
}
