/* Who a connection may be shared between: the same address and the same TLS identity. */
#include "engine/http/client_internal.h"

static struct str *tls_string(struct world_tls *t, size_t i)
{
    struct str *const strings[] = {&t->server_name, &t->ca_pem,        &t->cert_pem,
                                   &t->key_pem,     &t->client_ca_pem, &t->alpn};
    return i < ARRAY_LEN(strings) ? strings[i] : NULL;
}

static bool tls_eq(const struct world_tls *a, const struct world_tls *b)
{
    return a->insecure == b->insecure && a->ignore_name == b->ignore_name &&
           str_eq(a->server_name, b->server_name) && str_eq(a->ca_pem, b->ca_pem) &&
           str_eq(a->cert_pem, b->cert_pem) && str_eq(a->key_pem, b->key_pem) &&
           str_eq(a->client_ca_pem, b->client_ca_pem) && str_eq(a->alpn, b->alpn);
}

static struct http_origin *origin_new(struct http_client *c, const struct world_addr *address,
                                      const struct world_tls *tls)
{
    struct http_origin *o = MEM_NEW(struct http_origin);
    struct str *s;
    o->address = *address;
    o->has_tls = tls != NULL;
    if (tls)
        o->tls = *tls;
    for (size_t i = 0; (s = tls_string(&o->tls, i)); i++)
        *s = str_dup(*s);
    list_init(&o->idle);
    list_add_tail(&c->origins, &o->link);
    return o;
}

struct http_origin *origin_get(struct http_client *c, const struct world_addr *address,
                               const struct world_tls *tls)
{
    list_each (&c->origins, it, next) {
        struct http_origin *o = container_of(it, struct http_origin, link);
        if (world_addr_eq(&o->address, address) && o->has_tls == (tls != NULL) &&
            (!tls || tls_eq(&o->tls, tls)))
            return o;
    }
    return origin_new(c, address, tls);
}

void origin_release(struct http_origin *o)
{
    struct str *s;
    if (o->conns_n > 0)
        return;
    list_remove(&o->link);
    for (size_t i = 0; (s = tls_string(&o->tls, i)); i++)
        str_free(s);
    mem_free(o);
}
