#include "engine/cli/given_certificate.h"

#include "engine/pki/x509.h"

struct given_certificate {
    struct world *w;
    struct log log;
    struct given_certificate_options o;
    struct str cert_pem, key_pem; /* owned: what is served */
    struct str ca_pem;            /* in the arena */
    struct str next_cert_pem;     /* owned: read, and waiting for its key */
    struct world_watch *watches[2];
    struct world_file *reading;
    struct world_timer *settle;
};

/* ---- a change ---- */

static void take(struct given_certificate *g, struct str cert_pem, struct str key_pem)
{
    if (str_eq(cert_pem, g->cert_pem) && str_eq(key_pem, g->key_pem))
        return;
    struct err *err = g->o.changed(g->o.owner, cert_pem, key_pem);
    if (err) {
        log_error(&g->log, "the certificate in " STR_FMT " is not used, the one before stays: %s",
                  STR_ARG(g->o.cert), err->message);
        err_free(err);
        return;
    }
    str_free(&g->cert_pem);
    str_free(&g->key_pem);
    g->cert_pem = str_dup(cert_pem);
    g->key_pem = str_dup(key_pem);
    log_info(&g->log, "the certificate in " STR_FMT " is used from now on", STR_ARG(g->o.cert));
}

static void say_unread(const struct given_certificate *g, struct str path, const struct err *err)
{
    log_error(&g->log, STR_FMT ": %s; the certificate before stays", STR_ARG(path), err->message);
}

static void on_key_read(void *owner, struct str content, const struct err *err)
{
    struct given_certificate *g = owner;
    g->reading = NULL;
    if (err)
        say_unread(g, g->o.key, err);
    else
        take(g, g->next_cert_pem, content);
}

static void on_cert_read(void *owner, struct str content, const struct err *err)
{
    struct given_certificate *g = owner;
    g->reading = NULL;
    if (err) {
        say_unread(g, g->o.cert, err);
        return;
    }
    str_free(&g->next_cert_pem);
    g->next_cert_pem = str_dup(content);
    g->reading = world_file_read(g->w, g->o.key, on_key_read, g);
}

static void on_settled(void *owner)
{
    struct given_certificate *g = owner;
    world_file_cancel(g->reading);
    g->reading = world_file_read(g->w, g->o.cert, on_cert_read, g);
}

static void on_changed(void *owner)
{
    struct given_certificate *g = owner;
    world_timer_start(g->settle, GIVEN_CERTIFICATE_SETTLE);
}

/* ---- life ---- */

static struct err *read_all(struct given_certificate *g, struct shell *sh)
{
    struct str cert, key;
    struct buf chain = {0};
    struct err *err = shell_read_file(sh, g->o.cert, &cert);
    if (!err)
        err = shell_read_file(sh, g->o.key, &key);
    if (!err && g->o.ca.n)
        err = shell_read_file(sh, g->o.ca, &g->ca_pem);
    if (!err && g->o.ca.n) {
        err = pki_chain_from_pem(g->ca_pem, &chain);
        if (err)
            err = err_wrap(err, ERR_INVALID, "--ca-cert: " STR_FMT, STR_ARG(g->o.ca));
    }
    buf_free(&chain);
    if (err)
        return err;
    g->cert_pem = str_dup(cert);
    g->key_pem = str_dup(key);
    return NULL;
}

struct err *given_certificate_new(struct shell *sh, struct world *w,
                                  const struct given_certificate_options *o,
                                  struct given_certificate **out)
{
    struct given_certificate *g = MEM_NEW(struct given_certificate);
    g->w = w;
    g->log = (struct log){world_log(w), STR("certificate")};
    g->o = *o;
    struct err *err = read_all(g, sh);
    if (err) {
        given_certificate_free(g);
        return err;
    }
    g->settle = world_timer_new(w, on_settled, g);
    g->watches[0] = world_file_watch(w, o->cert, on_changed, g);
    g->watches[1] = world_file_watch(w, o->key, on_changed, g);
    *out = g;
    return NULL;
}

void given_certificate_free(struct given_certificate *g)
{
    if (!g)
        return;
    for (size_t i = 0; i < ARRAY_LEN(g->watches); i++)
        world_watch_close(g->watches[i]);
    world_file_cancel(g->reading);
    world_timer_free(g->settle);
    str_free(&g->cert_pem);
    str_free(&g->key_pem);
    str_free(&g->next_cert_pem);
    mem_free(g);
}

struct str given_certificate_pem(const struct given_certificate *g)
{
    return g->cert_pem;
}

struct str given_certificate_key(const struct given_certificate *g)
{
    return g->key_pem;
}

struct str given_certificate_ca(const struct given_certificate *g)
{
    return g->ca_pem;
}
