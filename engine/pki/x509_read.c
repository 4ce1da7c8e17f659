#include "engine/pki/x509.h"

#include "engine/base/codec.h"
#include "engine/pki/pki_internal.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#define SECONDS_PER_DAY 86400

X509 *pki_x509_next(struct str *rest)
{
    const unsigned char *from = pki_bytes(*rest), *p = from;
    size_t n = rest->n < PKI_DER_BYTES_MAX ? rest->n : PKI_DER_BYTES_MAX;
    X509 *cert = n ? d2i_X509(NULL, &p, (long)n) : NULL;
    if (cert)
        *rest = (struct str){rest->p + (p - from), rest->n - (size_t)(p - from)};
    ERR_clear_error();
    return cert;
}

int64_t pki_time_s(const ASN1_TIME *t)
{
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    int days = 0, seconds = 0;
    int ok = epoch && t ? ASN1_TIME_diff(&days, &seconds, epoch, t) : 0;
    ASN1_TIME_free(epoch);
    return ok ? (int64_t)days * SECONDS_PER_DAY + seconds : 0;
}

void pki_x509_key_hash(const X509 *cert, unsigned char out[PKI_SHA256_BYTES])
{
    unsigned char *der = NULL;
    int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
    BUG_ON(n <= 0, "a parsed certificate has a public key");
    pki_sha256((struct str){(const char *)der, (size_t)n}, out);
    OPENSSL_free(der);
}

static struct str text_of(struct arena *a, const ASN1_STRING *s)
{
    unsigned char *utf8 = NULL;
    int n = ASN1_STRING_to_UTF8(&utf8, s);
    if (n < 0)
        return str_empty;
    struct str text = arena_str(a, (struct str){(const char *)utf8, (size_t)n});
    OPENSSL_free(utf8);
    return text;
}

/* "CN=x,O=y", as RFC 2253 escapes it. */
static struct str name_text(struct arena *a, const X509_NAME *name)
{
    BIO *bio = BIO_new(BIO_s_mem());
    BUG_ON(!bio, "a small block is there");
    char *p = NULL;
    (void)X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
    long n = BIO_get_mem_data(bio, &p);
    struct str text = arena_str(a, (struct str){p, n > 0 ? (size_t)n : 0});
    BIO_free(bio);
    return text;
}

void pki_read_subject(struct arena *a, const X509_NAME *name, struct pki_cert_info *out)
{
    int entries = X509_NAME_entry_count(name);
    out->organizations = ARENA_NEW_ARRAY(a, struct str, (size_t)entries);
    for (int i = 0; i < entries && out->organizations_n < PKI_NAMES_MAX; i++) {
        const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);
        int nid = OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry));
        if (nid == NID_commonName)
            out->common_name = text_of(a, X509_NAME_ENTRY_get_data(entry));
        else if (nid == NID_organizationName)
            out->organizations[out->organizations_n++] =
                text_of(a, X509_NAME_ENTRY_get_data(entry));
    }
}

/* 4 or 16 bytes as text; an IPv6 address in full, without shortening. */
static struct str ip_text(struct arena *a, const ASN1_STRING *ip)
{
    const unsigned char *b = ASN1_STRING_get0_data(ip);
    int n = ASN1_STRING_length(ip);
    if (n == 4)
        return arena_printf(a, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
    if (n != 16)
        return str_empty;
    struct buf text = {0};
    for (int i = 0; i < n; i += 2)
        buf_addf(&text, "%s%x", i ? ":" : "", (unsigned)b[i] << 8 | b[i + 1]);
    struct str kept = arena_str(a, buf_str(&text));
    buf_free(&text);
    return kept;
}

void pki_read_alternative_names(struct arena *a, GENERAL_NAMES *names, struct pki_cert_info *out)
{
    size_t n = names ? (size_t)sk_GENERAL_NAME_num(names) : 0;
    if (n > PKI_NAMES_MAX)
        n = PKI_NAMES_MAX;
    out->dns = ARENA_NEW_ARRAY(a, struct str, n);
    out->ips = ARENA_NEW_ARRAY(a, struct str, n);
    for (size_t i = 0; i < n; i++) {
        int type;
        const ASN1_STRING *value =
            GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, (int)i), &type);
        if (type == GEN_DNS)
            out->dns[out->dns_n++] = text_of(a, value);
        else if (type == GEN_IPADD)
            out->ips[out->ips_n++] = ip_text(a, value);
        else
            out->other_names_n++;
    }
}

static struct str serial_text(struct arena *a, const X509 *cert)
{
    BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL);
    char *hex = number ? BN_bn2hex(number) : NULL;
    struct str text = arena_str(a, str_c(hex));
    OPENSSL_free(hex);
    BN_free(number);
    return text;
}

struct err *pki_cert_read(struct arena *a, struct str chain, struct pki_cert_info *out)
{
    X509 *cert = pki_x509_next(&chain);
    if (!cert)
        return err_new(ERR_INVALID, "a certificate is malformed: expected DER of at most %zu bytes",
                       PKI_DER_BYTES_MAX);
    *out = (struct pki_cert_info){.common_name = str_empty};
    out->subject = name_text(a, X509_get_subject_name(cert));
    out->issuer = name_text(a, X509_get_issuer_name(cert));
    pki_read_subject(a, X509_get_subject_name(cert), out);
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    pki_read_alternative_names(a, names, out);
    GENERAL_NAMES_free(names);
    out->serial = serial_text(a, cert);
    out->not_before_s = pki_time_s(X509_get0_notBefore(cert));
    out->not_after_s = pki_time_s(X509_get0_notAfter(cert));
    out->is_ca = X509_check_ca(cert) == 1;
    unsigned char hash[PKI_SHA256_BYTES];
    struct buf hex = {0};
    pki_x509_key_hash(cert, hash);
    hex_encode(&hex, (struct str){(const char *)hash, sizeof(hash)});
    out->key_id = arena_str(a, buf_str(&hex));
    buf_free(&hex);
    X509_free(cert);
    ERR_clear_error();
    return NULL;
}

/* Exactly one well-formed certificate, or NULL. */
static X509 *one_certificate(struct str der)
{
    X509 *cert = pki_x509_next(&der);
    if (der.n == 0)
        return cert;
    X509_free(cert);
    return NULL;
}

struct err *pki_certs_from_pem(struct str pem,
                               struct err *(*each)(void *owner, X509 *cert, struct str der),
                               void *owner)
{
    size_t n = 0;
    struct str label;
    do {
        struct buf der = {.max = PKI_DER_BYTES_MAX};
        struct err *err = pki_pem_next(&pem, &label, &der);
        if (!err && str_eq(label, STR("CERTIFICATE"))) {
            X509 *cert = one_certificate(buf_str(&der));
            n++;
            err = cert ? each(owner, cert, buf_str(&der))
                       : err_new(ERR_INVALID, "certificate %zu of the PEM text is malformed", n);
            X509_free(cert);
        }
        buf_free(&der);
        if (err)
            return err;
    } while (label.n > 0);
    return n > 0 ? NULL : err_new(ERR_INVALID, "no CERTIFICATE block is in the PEM text");
}

static struct err *add_der(void *owner, X509 *cert, struct str der)
{
    (void)cert;
    buf_add(owner, der);
    return NULL;
}

struct err *pki_chain_from_pem(struct str pem, struct buf *chain)
{
    size_t before = chain->n;
    struct err *err = pki_certs_from_pem(pem, add_der, chain);
    if (err)
        chain->n = before;
    return err;
}

struct err *pki_chain_to_pem(struct str chain, struct buf *pem)
{
    size_t before = pem->n;
    while (chain.n > 0) {
        struct str at = chain;
        X509 *cert = pki_x509_next(&chain);
        X509_free(cert);
        if (!cert) {
            pem->n = before;
            return err_new(ERR_INVALID, "a certificate of the chain is malformed");
        }
        pki_pem_add(pem, "CERTIFICATE", str_sub(at, 0, at.n - chain.n));
    }
    return NULL;
}

int64_t pki_pem_not_after_s(struct str pem)
{
    struct arena a = {0};
    struct buf chain = {0};
    struct pki_cert_info info;
    struct err *err = pki_chain_from_pem(pem, &chain);
    if (!err)
        err = pki_cert_read(&a, buf_str(&chain), &info);
    int64_t ends_s = err ? 0 : info.not_after_s;
    err_ignore(err);
    buf_free(&chain);
    arena_free(&a);
    return ends_s;
}
