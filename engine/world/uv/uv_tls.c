/* A TLS session on two memory BIOs. */
#include "engine/world/uv/uv_tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

struct uvw_tls {
    SSL *ssl;
    BIO *in, *out; /* owned by ssl */
    char name[UVW_TLS_NAME_MAX + 1];
};

struct err *uvw_tls_queue_err(const char *what)
{
    char reason[256] = "no further reason";
    unsigned long code = ERR_get_error();
    if (code)
        ERR_error_string_n(code, reason, sizeof reason);
    const char *text = ERR_reason_error_string(code);
    ERR_clear_error();
    return err_new(ERR_TLS, "%s: %s", what, text ? text : reason);
}

static struct err *verify_err(long result, struct str name)
{
    switch (result) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return err_tls(err_new(ERR_TLS, "the peer's certificate has expired"), ERR_TLS_EXPIRED);
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return err_tls(err_new(ERR_TLS, "the peer's certificate is not yet valid"),
                       ERR_TLS_NOT_YET_VALID);
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
    case X509_V_ERR_INVALID_CA:
        return err_tls(err_new(ERR_TLS,
                               "the peer's certificate is signed by an unknown authority (%s)",
                               X509_verify_cert_error_string(result)),
                       ERR_TLS_UNTRUSTED);
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return err_tls(err_new(ERR_TLS,
                               "the peer's certificate is not valid for name \"" STR_FMT "\"",
                               STR_ARG(name)),
                       ERR_TLS_NAME);
    default:
        return err_new(ERR_TLS, "the peer's certificate is not valid: %s",
                       X509_verify_cert_error_string(result));
    }
}

/* Why a certificate was not accepted, as an error; NULL when the verification has nothing to say. */
static struct err *uvw_tls_verify_err(const SSL *ssl, struct str name)
{
    long result = SSL_get_verify_result(ssl);
    return result == X509_V_OK ? NULL : verify_err(result, name);
}

static void expect_name(SSL *ssl, const char *name)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    int ok = world_host_is_numeric(str_c(name)) ? X509_VERIFY_PARAM_set1_ip_asc(param, name)
                                                : X509_VERIFY_PARAM_set1_host(param, name, 0);
    if (!ok) /* no such name can stand in a certificate: let none match */
        X509_VERIFY_PARAM_set1_host(param, "invalid.", 0);
}

struct uvw_tls *uvw_tls_new(SSL_CTX *ctx, bool server, const struct world_tls *options,
                            struct str name)
{
    struct uvw_tls *t = MEM_NEW(struct uvw_tls);
    t->ssl = SSL_new(ctx);
    t->in = BIO_new(BIO_s_mem());
    t->out = BIO_new(BIO_s_mem());
    BUG_ON(!t->ssl || !t->in || !t->out, "OpenSSL has memory for a session");
    BIO_set_mem_eof_return(t->in, -1);
    BIO_set_mem_eof_return(t->out, -1);
    SSL_set_bio(t->ssl, t->in, t->out);
    if (server) {
        SSL_set_accept_state(t->ssl);
        return t;
    }
    SSL_set_connect_state(t->ssl);
    memcpy(t->name, name.p, name.n < UVW_TLS_NAME_MAX ? name.n : UVW_TLS_NAME_MAX);
    if (name.n && !world_host_is_numeric(name))
        SSL_set_tlsext_host_name(t->ssl, t->name);
    if (!options->insecure && !options->ignore_name)
        expect_name(t->ssl, t->name);
    return t;
}

void uvw_tls_free(struct uvw_tls *t)
{
    if (!t)
        return;
    SSL_free(t->ssl);
    mem_free(t);
}

void uvw_tls_feed(struct uvw_tls *t, struct str wire)
{
    BUG_ON(wire.n > UVW_READ_BYTES, "a piece comes from one read");
    int written = BIO_write(t->in, wire.p, (int)wire.n);
    BUG_ON(written != (int)wire.n, "a memory BIO takes everything");
}

static enum uvw_tls_result outcome(struct uvw_tls *t, int rc, const char *what, struct err **err)
{
    switch (SSL_get_error(t->ssl, rc)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return UVW_TLS_MORE;
    case SSL_ERROR_ZERO_RETURN:
        return UVW_TLS_END;
    default:
        break;
    }
    if (!SSL_is_init_finished(t->ssl) && !SSL_is_server(t->ssl))
        *err = uvw_tls_verify_err(t->ssl, str_c(t->name));
    if (!*err)
        *err = uvw_tls_queue_err(what);
    ERR_clear_error();
    return UVW_TLS_FAILED;
}

enum uvw_tls_result uvw_tls_handshake(struct uvw_tls *t, struct err **err)
{
    ERR_clear_error();
    int rc = SSL_do_handshake(t->ssl);
    return rc == 1 ? UVW_TLS_OK : outcome(t, rc, "TLS handshake failed", err);
}

enum uvw_tls_result uvw_tls_read(struct uvw_tls *t, char *room, size_t size, size_t *n,
                                 struct err **err)
{
    ERR_clear_error();
    int rc = SSL_read_ex(t->ssl, room, size, n);
    return rc == 1 ? UVW_TLS_OK : outcome(t, rc, "TLS read failed", err);
}

enum uvw_tls_result uvw_tls_write(struct uvw_tls *t, struct str plain, struct err **err)
{
    ERR_clear_error();
    size_t n;
    int rc = SSL_write_ex(t->ssl, plain.p, plain.n, &n);
    BUG_ON(rc == 1 && n != plain.n, "a memory BIO takes whole writes");
    return rc == 1 ? UVW_TLS_OK : outcome(t, rc, "TLS write failed", err);
}

void uvw_tls_shutdown(struct uvw_tls *t)
{
    ERR_clear_error();
    (void)SSL_shutdown(t->ssl);
    ERR_clear_error();
}

void uvw_tls_take(struct uvw_tls *t, struct buf *out)
{
    char *p;
    long n = BIO_get_mem_data(t->out, &p);
    if (n <= 0)
        return;
    buf_add(out, (struct str){p, (size_t)n});
    (void)BIO_reset(t->out);
}

static void add_pem(X509 *cert, struct buf *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *p;
    if (PEM_write_bio_X509(bio, cert)) {
        long n = BIO_get_mem_data(bio, &p);
        buf_add(out, (struct str){p, (size_t)n});
    }
    BIO_free(bio);
}

void uvw_tls_peer_pem(const struct uvw_tls *t, bool server, struct buf *out)
{
    if (SSL_get_verify_result(t->ssl) != X509_V_OK)
        return;
    X509 *leaf = SSL_get0_peer_certificate(t->ssl);
    STACK_OF(X509) *chain = SSL_get_peer_cert_chain(t->ssl);
    if (!leaf)
        return;
    if (server) /* there the chain lacks the leaf */
        add_pem(leaf, out);
    for (int i = 0; i < sk_X509_num(chain); i++)
        add_pem(sk_X509_value(chain, i), out);
}
