/* TLS contexts from PEM texts, cached by the content of their options. */
#include "engine/world/uv/uv_tls.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

#define ALPN_BYTES_MAX       255u
#define PEM_CERTIFICATES_MAX 1024u /* a system's bundle has some 150 */

/* PEM never asks a terminal for a pass phrase. */
static int no_passphrase(char *room, int size, int writing, void *owner)
{
    return -1;
}

static BIO *bio_of(struct str pem)
{
    BUG_ON(pem.n > WORLD_FILE_BYTES_MAX, "PEM texts come from small files");
    return BIO_new_mem_buf(pem.p, (int)pem.n);
}

static X509 *next_cert(BIO *bio)
{
    return PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);
}

/* Only certificates that are not there at all, or half there, are an error; other PEM blocks end the list. */
static struct err *add_anchors(X509_STORE *store, struct str pem, STACK_OF(X509_NAME) * names)
{
    BIO *bio = bio_of(pem);
    unsigned n = 0;
    for (X509 *cert; n < PEM_CERTIFICATES_MAX && (cert = next_cert(bio)); n++) {
        X509_STORE_add_cert(store, cert);
        if (names)
            sk_X509_NAME_push(names, X509_NAME_dup(X509_get_subject_name(cert)));
        X509_free(cert);
    }
    BIO_free(bio);
    ERR_clear_error();
    return n ? NULL : err_new(ERR_TLS, "no certificate can be read from the given authorities");
}

static struct err *use_chain(SSL_CTX *ctx, struct str pem)
{
    BIO *bio = bio_of(pem);
    X509 *leaf = next_cert(bio);
    struct err *err = NULL;
    if (!leaf || SSL_CTX_use_certificate(ctx, leaf) != 1)
        err = uvw_tls_queue_err("the certificate cannot be used");
    X509_free(leaf);
    unsigned n = 0;
    for (X509 *cert; !err && n < PEM_CERTIFICATES_MAX && (cert = next_cert(bio)); n++)
        if (SSL_CTX_add0_chain_cert(ctx, cert) != 1) {
            X509_free(cert);
            err = uvw_tls_queue_err("the certificate chain cannot be used");
        }
    BIO_free(bio);
    ERR_clear_error();
    return err;
}

static struct err *use_identity(SSL_CTX *ctx, struct str cert_pem, struct str key_pem)
{
    struct err *err = use_chain(ctx, cert_pem);
    if (err)
        return err;
    BIO *bio = bio_of(key_pem);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
    BIO_free(bio);
    if (!key || SSL_CTX_use_PrivateKey(ctx, key) != 1 || SSL_CTX_check_private_key(ctx) != 1)
        err = uvw_tls_queue_err("the private key does not go with the certificate");
    EVP_PKEY_free(key);
    ERR_clear_error();
    return err;
}

/* The ALPN protocol in wire form: a length byte and the name. */
static size_t alpn_wire(struct str alpn, unsigned char room[ALPN_BYTES_MAX + 1])
{
    BUG_ON(alpn.n > ALPN_BYTES_MAX, "RFC 7301: a protocol name is at most 255 bytes");
    room[0] = (unsigned char)alpn.n;
    memcpy(room + 1, alpn.p, alpn.n);
    return alpn.n + 1;
}

static int select_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_n,
                       const unsigned char *in, unsigned in_n, void *arg)
{
    const char *ours = arg; /* interned in the world */
    for (unsigned i = 0; i < in_n; i += in[i] + 1u)
        if (i + 1u + in[i] <= in_n &&
            str_eq_c((struct str){(const char *)in + i + 1, in[i]}, ours)) {
            *out = in + i + 1;
            *out_n = in[i];
            return SSL_TLSEXT_ERR_OK;
        }
    return SSL_TLSEXT_ERR_NOACK; /* the client may go on without one */
}

static SSL_CTX *ctx_new(const SSL_METHOD *method)
{
    SSL_CTX *ctx = SSL_CTX_new(method);
    BUG_ON(!ctx, "OpenSSL has memory for a context");
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    return ctx;
}

static struct err *client_ctx(const struct world_tls *tls, SSL_CTX **out)
{
    SSL_CTX *ctx = ctx_new(TLS_client_method());
    struct err *err = NULL;
    SSL_CTX_set_verify(ctx, tls->insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
    if (!tls->insecure && tls->ca_pem.n)
        err = add_anchors(SSL_CTX_get_cert_store(ctx), tls->ca_pem, NULL);
    else if (!tls->insecure && SSL_CTX_set_default_verify_paths(ctx) != 1)
        err = uvw_tls_queue_err("the system's certificates cannot be used");
    if (!err && tls->cert_pem.n)
        err = use_identity(ctx, tls->cert_pem, tls->key_pem);
    if (!err && tls->alpn.n) {
        unsigned char wire[ALPN_BYTES_MAX + 1];
        SSL_CTX_set_alpn_protos(ctx, wire, (unsigned)alpn_wire(tls->alpn, wire));
    }
    if (err)
        SSL_CTX_free(ctx);
    else
        *out = ctx;
    return err;
}

/* A copy that lives as long as the world: contexts refer to it. There are as many as configured protocols. */
static char *intern(struct uv_world *uv, struct str text)
{
    char *known = map_get(&uv->interned, text);
    if (known)
        return known;
    known = str_dup_c(text);
    map_put(&uv->interned, text, known);
    return known;
}

static struct err *server_ctx(struct uv_world *uv, const struct world_tls *tls, SSL_CTX **out)
{
    if (!tls->cert_pem.n || !tls->key_pem.n)
        return err_new(ERR_TLS, "a TLS server needs a certificate and its key");
    SSL_CTX *ctx = ctx_new(TLS_server_method());
    struct err *err = use_identity(ctx, tls->cert_pem, tls->key_pem);
    SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"paddock", 7);
    if (!err && tls->client_ca_pem.n) {
        STACK_OF(X509_NAME) *names = sk_X509_NAME_new_null();
        err = add_anchors(SSL_CTX_get_cert_store(ctx), tls->client_ca_pem, names);
        SSL_CTX_set_client_CA_list(ctx, names); /* takes the names */
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    }
    if (tls->alpn.n)
        SSL_CTX_set_alpn_select_cb(ctx, select_alpn, intern(uv, tls->alpn));
    if (err)
        SSL_CTX_free(ctx);
    else
        *out = ctx;
    return err;
}

/* ---- the cache ---- */
static void key_add(EVP_MD_CTX *md, struct str part)
{
    uint64_t n = part.n;
    EVP_DigestUpdate(md, &n, sizeof n);
    EVP_DigestUpdate(md, part.p, part.n);
}

/* A digest of everything that a context is made from. */
static struct str key_of(const struct world_tls *tls, bool server,
                         unsigned char digest[EVP_MAX_MD_SIZE])
{
    const char flags[2] = {server ? 's' : 'c', tls->insecure ? 'i' : 'v'};
    unsigned n;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    EVP_DigestInit_ex(md, EVP_sha256(), NULL);
    key_add(md, (struct str){flags, sizeof flags});
    key_add(md, server ? tls->client_ca_pem : tls->ca_pem);
    key_add(md, tls->cert_pem);
    key_add(md, tls->key_pem);
    key_add(md, tls->alpn);
    EVP_DigestFinal_ex(md, digest, &n);
    EVP_MD_CTX_free(md);
    return (struct str){(const char *)digest, n};
}

static void uvw_tls_contexts_clear(struct uv_world *uv);

static struct err *cached(struct uv_world *uv, const struct world_tls *tls, bool server,
                          SSL_CTX **out)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    struct str key = key_of(tls, server, digest);
    *out = map_get(&uv->tls_contexts, key);
    if (*out)
        return NULL;
    struct err *err = server ? server_ctx(uv, tls, out) : client_ctx(tls, out);
    if (err)
        return err;
    if (map_count(&uv->tls_contexts) >= UVW_TLS_CONTEXTS_MAX)
        uvw_tls_contexts_clear(uv);
    map_put(&uv->tls_contexts, key, *out);
    return NULL;
}

struct err *uvw_tls_client_ctx(struct uv_world *uv, const struct world_tls *tls, SSL_CTX **out)
{
    return cached(uv, tls, false, out);
}

struct err *uvw_tls_server_ctx(struct uv_world *uv, const struct world_tls *tls, SSL_CTX **out)
{
    return cached(uv, tls, true, out);
}

static void uvw_tls_contexts_clear(struct uv_world *uv)
{
    void *ctx;
    for (size_t i = 0; map_next(&uv->tls_contexts, &i, NULL, &ctx);)
        SSL_CTX_free(ctx); /* sessions hold their own reference */
    map_clear(&uv->tls_contexts);
}

void uvw_tls_free_all(struct uv_world *uv)
{
    uvw_tls_contexts_clear(uv);
    map_free(&uv->tls_contexts);
    void *text;
    for (size_t i = 0; map_next(&uv->interned, &i, NULL, &text);)
        mem_free(text);
    map_free(&uv->interned);
}
