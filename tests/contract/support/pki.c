/* Certificates of the suite, made with OpenSSL at each run: they are good around the worlds' present time. */
#include "tests/contract/support/contract.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define DAY_S  86400
#define SERIAL 4711

struct made {
    X509 *cert;
    EVP_PKEY *key;
};

struct wish {
    const char *common_name;
    const char *names;         /* subjectAltName; NULL: an authority */
    const struct made *issuer; /* NULL: itself */
    int64_t from_s, to_s;
};

static void add_extension(X509 *cert, X509V3_CTX *ctx, int nid, const char *value)
{
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, ctx, nid, value);
    assert_non_null(e);
    X509_add_ext(cert, e, -1);
    X509_EXTENSION_free(e);
}

static struct made make(const struct wish *wish)
{
    struct made m = {X509_new(), EVP_EC_gen("P-256")};
    const struct made *issuer = wish->issuer ? wish->issuer : &m;
    X509_set_version(m.cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(m.cert), SERIAL + (wish->issuer ? 1 : 0));
    ASN1_TIME_set(X509_getm_notBefore(m.cert), (time_t)wish->from_s);
    ASN1_TIME_set(X509_getm_notAfter(m.cert), (time_t)wish->to_s);
    X509_set_pubkey(m.cert, m.key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(m.cert), "CN", MBSTRING_ASC,
                               (const unsigned char *)wish->common_name, -1, -1, 0);
    X509_set_issuer_name(m.cert, X509_get_subject_name(issuer->cert));
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer->cert, m.cert, NULL, NULL, 0);
    add_extension(m.cert, &ctx, NID_basic_constraints,
                  wish->names ? "critical,CA:FALSE" : "critical,CA:TRUE");
    if (wish->names) {
        add_extension(m.cert, &ctx, NID_subject_alt_name, wish->names);
        add_extension(m.cert, &ctx, NID_ext_key_usage, "serverAuth,clientAuth");
        add_extension(m.cert, &ctx, NID_key_usage, "critical,digitalSignature");
    } else {
        add_extension(m.cert, &ctx, NID_key_usage, "critical,keyCertSign,cRLSign");
    }
    assert_true(X509_sign(m.cert, issuer->key, EVP_sha256()) > 0);
    return m;
}

static struct str text_of(BIO *bio)
{
    char *p;
    long n = BIO_get_mem_data(bio, &p);
    struct str text = str_dup((struct str){p, (size_t)n});
    BIO_free(bio);
    return text;
}

static struct str cert_pem(const struct made *m)
{
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_X509(bio, m->cert), 1);
    return text_of(bio);
}

static struct str key_pem(const struct made *m)
{
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, m->key, NULL, NULL, 0, NULL, NULL), 1);
    return text_of(bio);
}

static void drop(struct made *m)
{
    X509_free(m->cert);
    EVP_PKEY_free(m->key);
}

static void make_leaf(const struct wish *wish, struct str *cert, struct str *key)
{
    struct made m = make(wish);
    *cert = cert_pem(&m);
    *key = key_pem(&m);
    drop(&m);
}

#define SERVER_NAMES "DNS:" CONTRACT_NAME ",IP:127.0.0.1,IP:10.0.0.1"

struct contract_pki *contract_pki_new(struct contract *c)
{
    struct contract_pki *pki = MEM_NEW(struct contract_pki);
    int64_t now = world_wall(c->client) / NS_PER_S, from = now - DAY_S, to = now + 30 * DAY_S;
    struct made ca = make(&(struct wish){"contract authority", NULL, NULL, from - 30 * DAY_S, to});
    struct made other = make(&(struct wish){"other authority", NULL, NULL, from, to});
    pki->ca_pem = cert_pem(&ca);
    pki->other_ca_pem = cert_pem(&other);
    make_leaf(&(struct wish){"server", SERVER_NAMES, &ca, from, to}, &pki->cert_pem, &pki->key_pem);
    make_leaf(&(struct wish){"server", SERVER_NAMES, &ca, from, to}, &pki->cert2_pem,
              &pki->key2_pem);
    make_leaf(&(struct wish){"server", SERVER_NAMES, &ca, from - 9 * DAY_S, from},
              &pki->expired_pem, &pki->expired_key_pem);
    make_leaf(&(struct wish){"agent", "DNS:agent.example.test", &ca, from, to}, &pki->client_pem,
              &pki->client_key_pem);
    make_leaf(&(struct wish){"agent", "DNS:agent.example.test", &other, from, to},
              &pki->stranger_pem, &pki->stranger_key_pem);
    drop(&ca);
    drop(&other);
    return pki;
}

void contract_pki_free(struct contract_pki *pki)
{
    struct str *const all[] = {&pki->ca_pem,         &pki->other_ca_pem,    &pki->cert_pem,
                               &pki->key_pem,        &pki->cert2_pem,       &pki->key2_pem,
                               &pki->expired_pem,    &pki->expired_key_pem, &pki->client_pem,
                               &pki->client_key_pem, &pki->stranger_pem,    &pki->stranger_key_pem};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        str_free(all[i]);
    mem_free(pki);
}
