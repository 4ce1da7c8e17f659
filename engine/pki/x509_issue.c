#include "engine/pki/x509.h"

#include "engine/base/codec.h"
#include "engine/pki/pki_internal.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#define TIME_MAX_S      INT64_C(253402300799) /* the end of the year 9999 */
#define KEY_ID_BYTES    20                    /* RFC 7093: the first 160 bits of SHA-256 */
#define COMMON_NAME_MAX 64u                   /* RFC 5280, ub-common-name */
#define DNS_NAME_MAX    253u

static bool is_dns_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '*';
}

bool pki_is_dns_name(struct str name)
{
    for (size_t i = 0; i < name.n; i++)
        if (!is_dns_char(name.p[i]))
            return false;
    return name.n > 0 && name.n <= DNS_NAME_MAX;
}

static struct err *check_spec(const struct pki_cert_spec *spec)
{
    if (spec->common_name.n > COMMON_NAME_MAX || str_find_char(spec->common_name, '\0') >= 0)
        return err_new(ERR_INVALID, "common_name has more than %u bytes, or a NUL",
                       COMMON_NAME_MAX);
    if (spec->not_before_s < 0 || spec->not_after_s > TIME_MAX_S ||
        spec->not_before_s >= spec->not_after_s)
        return err_new(ERR_INVALID, "not_before_s and not_after_s are no span of time from 1970 to "
                                    "9999");
    if (spec->dns_n > PKI_NAMES_MAX || spec->ips_n > PKI_NAMES_MAX ||
        spec->organizations_n > PKI_NAMES_MAX)
        return err_new(ERR_TOO_LARGE, "a certificate has at most %u names of a kind",
                       PKI_NAMES_MAX);
    for (size_t i = 0; i < spec->dns_n; i++)
        if (!pki_is_dns_name(spec->dns[i]))
            return err_new(ERR_INVALID, "dns: \"%.*s\" is no host name", STR_ARG(spec->dns[i]));
    return NULL;
}

static struct err *set_subject(X509 *cert, const struct pki_cert_spec *spec)
{
    X509_NAME *name = X509_get_subject_name(cert);
    for (size_t i = 0; i < spec->organizations_n; i++) {
        struct str o = spec->organizations[i];
        if (o.n == 0 || o.n > COMMON_NAME_MAX || str_find_char(o, '\0') >= 0)
            return err_new(ERR_INVALID, "organizations: one is empty or has more than %u bytes",
                           COMMON_NAME_MAX);
    }
    for (size_t i = 0; i < spec->organizations_n; i++)
        if (!X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, pki_bytes(spec->organizations[i]),
                                        (int)spec->organizations[i].n, -1, 0))
            return err_new(ERR_INVALID, "organizations: one is not UTF-8");
    if (spec->common_name.n &&
        !X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, pki_bytes(spec->common_name),
                                    (int)spec->common_name.n, -1, 0))
        return err_new(ERR_INVALID, "common_name is not UTF-8");
    return NULL;
}

static void add_extension(X509 *cert, int nid, void *value, int critical)
{
    int ok = X509_add1_ext_i2d(cert, nid, value, critical, X509V3_ADD_DEFAULT);
    BUG_ON(ok != 1, "an extension of ours is encoded");
}

static void add_constraints(X509 *cert, bool is_ca)
{
    BASIC_CONSTRAINTS *constraints = BASIC_CONSTRAINTS_new();
    BUG_ON(!constraints, "a small block is there");
    constraints->ca = is_ca ? 0xff : 0;
    add_extension(cert, NID_basic_constraints, constraints, 1);
    BASIC_CONSTRAINTS_free(constraints);
}

static void add_key_usage(X509 *cert, unsigned usage)
{
    ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();
    BUG_ON(!bits, "a small block is there");
    (void)ASN1_BIT_STRING_set_bit(bits, 0, 1); /* digitalSignature */
    if (usage & PKI_CA) {
        (void)ASN1_BIT_STRING_set_bit(bits, 5, 1); /* keyCertSign */
        (void)ASN1_BIT_STRING_set_bit(bits, 6, 1); /* cRLSign */
    }
    add_extension(cert, NID_key_usage, bits, 1);
    ASN1_BIT_STRING_free(bits);
    EXTENDED_KEY_USAGE *purposes = EXTENDED_KEY_USAGE_new();
    BUG_ON(!purposes, "a small block is there");
    if (usage & PKI_SERVER)
        (void)sk_ASN1_OBJECT_push(purposes, OBJ_nid2obj(NID_server_auth));
    if (usage & PKI_CLIENT)
        (void)sk_ASN1_OBJECT_push(purposes, OBJ_nid2obj(NID_client_auth));
    if (sk_ASN1_OBJECT_num(purposes) > 0)
        add_extension(cert, NID_ext_key_usage, purposes, 0);
    EXTENDED_KEY_USAGE_free(purposes);
}

/* Subject and authority key identifiers: they tell CAs of the same name apart, for instance during a rotation. */
static void add_key_ids(X509 *cert, X509 *issuer)
{
    unsigned char hash[PKI_SHA256_BYTES];
    pki_x509_key_hash(cert, hash);
    ASN1_OCTET_STRING *own = ASN1_OCTET_STRING_new();
    BUG_ON(!own || ASN1_OCTET_STRING_set(own, hash, KEY_ID_BYTES) != 1, "a small block is there");
    add_extension(cert, NID_subject_key_identifier, own, 0);
    const ASN1_OCTET_STRING *theirs = issuer == cert ? own : X509_get0_subject_key_id(issuer);
    if (theirs) {
        AUTHORITY_KEYID *authority = AUTHORITY_KEYID_new();
        BUG_ON(!authority, "a small block is there");
        authority->keyid = ASN1_OCTET_STRING_dup(theirs);
        add_extension(cert, NID_authority_key_identifier, authority, 0);
        AUTHORITY_KEYID_free(authority);
    }
    ASN1_OCTET_STRING_free(own);
}

static void push_name(GENERAL_NAMES *names, int type, void *take_value)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    BUG_ON(!name || !take_value, "a small block is there");
    GENERAL_NAME_set0_value(name, type, take_value);
    (void)sk_GENERAL_NAME_push(names, name);
}

static ASN1_OCTET_STRING *ip_bytes(struct str text)
{
    char z[64];
    if (text.n == 0 || text.n >= sizeof(z) || str_find_char(text, '\0') >= 0)
        return NULL;
    memcpy(z, text.p, text.n);
    z[text.n] = '\0';
    return a2i_IPADDRESS(z);
}

bool pki_ip_eq(struct str a, struct str b)
{
    ASN1_OCTET_STRING *left = ip_bytes(a), *right = ip_bytes(b);
    bool same = left && right && ASN1_OCTET_STRING_cmp(left, right) == 0;
    ASN1_OCTET_STRING_free(left);
    ASN1_OCTET_STRING_free(right);
    ERR_clear_error();
    return same;
}

bool pki_is_ip(struct str text)
{
    return pki_ip_eq(text, text);
}

static struct err *add_alternative_names(X509 *cert, const struct pki_cert_spec *spec)
{
    if (spec->dns_n + spec->ips_n == 0)
        return NULL;
    struct err *err = NULL;
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    BUG_ON(!names, "a small block is there");
    for (size_t i = 0; i < spec->dns_n; i++) {
        ASN1_IA5STRING *dns = ASN1_IA5STRING_new();
        BUG_ON(!dns || ASN1_STRING_set(dns, spec->dns[i].p, (int)spec->dns[i].n) != 1,
               "a small block is there");
        push_name(names, GEN_DNS, dns);
    }
    for (size_t i = 0; !err && i < spec->ips_n; i++) {
        ASN1_OCTET_STRING *ip = ip_bytes(spec->ips[i]);
        if (ip)
            push_name(names, GEN_IPADD, ip);
        else
            err = err_new(ERR_INVALID, "ips: \"%.*s\" is no IP address", STR_ARG(spec->ips[i]));
    }
    if (!err)
        add_extension(cert, NID_subject_alt_name, names, 0);
    GENERAL_NAMES_free(names);
    return err;
}

/* The bytes of an Ed25519 key are put down as they are: OpenSSL would encode the key, decode what it wrote and keep that,
 * which takes longer than all the rest of a certificate. */
static int set_key(X509 *cert, const struct pki_key *key)
{
    if (key->kind != PKI_ED25519)
        return X509_set_pubkey(cert, key->pkey);
    unsigned char *bytes = OPENSSL_malloc(PKI_ED25519_BYTES);
    BUG_ON(!bytes, "a small block is there");
    pki_key_public_bytes(key, bytes);
    return X509_PUBKEY_set0_param(X509_get_X509_PUBKEY(cert), OBJ_nid2obj(NID_ED25519),
                                  V_ASN1_UNDEF, NULL, bytes, PKI_ED25519_BYTES);
}

static void set_basics(X509 *cert, const struct pki_cert_spec *spec, const struct pki_key *key)
{
    int ok = X509_set_version(cert, X509_VERSION_3) &&
             ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), spec->serial) &&
             ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)spec->not_before_s) &&
             ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)spec->not_after_s) &&
             set_key(cert, key);
    BUG_ON(ok != 1, "checked values are set");
}

static struct err *build(X509 *cert, const struct pki_cert_spec *spec, const struct pki_key *key,
                         X509 *issuer, const struct pki_key *issuer_key, struct buf *out)
{
    set_basics(cert, spec, key);
    struct err *err = set_subject(cert, spec);
    if (err)
        return err;
    int ok = X509_set_issuer_name(cert, X509_get_subject_name(issuer));
    BUG_ON(ok != 1, "a name is copied");
    add_constraints(cert, spec->usage & PKI_CA);
    add_key_usage(cert, spec->usage);
    add_key_ids(cert, issuer);
    err = add_alternative_names(cert, spec);
    if (err)
        return err;
    if (X509_sign(cert, issuer_key->pkey, pki_key_digest(issuer_key)) <= 0)
        return err_new(ERR_INTERNAL, "a certificate cannot be signed");
    unsigned char *der = NULL;
    int n = i2d_X509(cert, &der);
    BUG_ON(n <= 0, "a signed certificate has a DER form");
    buf_add(out, (struct str){(const char *)der, (size_t)n});
    OPENSSL_free(der);
    return NULL;
}

struct err *pki_issue(const struct pki_cert_spec *spec, const struct pki_key *key,
                      struct str issuer_der, const struct pki_key *issuer_key, struct buf *out)
{
    BUG_ON(!issuer_key->is_private, "the issuer's key signs");
    struct err *err = check_spec(spec);
    if (err)
        return err;
    bool self_signed = issuer_der.n == 0;
    X509 *issuer = self_signed ? NULL : pki_x509_next(&issuer_der);
    if (!self_signed && !issuer)
        return err_new(ERR_INVALID, "the issuer's certificate is malformed");
    X509 *cert = X509_new();
    BUG_ON(!cert, "a small block is there");
    err = build(cert, spec, key, issuer ? issuer : cert, issuer_key, out);
    X509_free(cert);
    X509_free(issuer);
    ERR_clear_error();
    return err;
}
