/* Certificate authorities of the simulated world. */
#include "sim/cluster/authority.h"

#include "engine/pki/x509.h"
#include "sim/world/net.h"

#define VALID_S INT64_C(3155760000) /* a hundred years */
#define EARLY_S INT64_C(86400)

struct authority {
    struct sim *sim;
    struct str name; /* owned */
    struct pki_key *key;
    struct buf der, pem;
    uint64_t serial;
};

static struct pki_key *derive(const struct sim *sim, struct str name)
{
    unsigned char entropy[PKI_ENTROPY_BYTES];
    struct rng rng = sim_rng(sim, name);
    rng_bytes(&rng, entropy, sizeof entropy);
    return pki_key_derive(PKI_ED25519, entropy);
}

static void validity(const struct authority *a, struct pki_cert_spec *spec)
{
    int64_t start_s = (sim_wall(a->sim) - sim_now(a->sim)) / NS_PER_S;
    spec->not_before_s = start_s - EARLY_S;
    spec->not_after_s = start_s + VALID_S;
}

static void issue(struct authority *a, const struct pki_cert_spec *spec, const struct pki_key *key,
                  struct buf *der)
{
    bool own = a->der.n == 0;
    struct err *err = pki_issue(spec, key, own ? str_empty : buf_str(&a->der), a->key, der);
    BUG_ON(err, "certificates of our own making are well formed");
}

struct authority *authority_new(struct sim *sim, struct str name)
{
    struct authority *a = MEM_NEW(struct authority);
    struct buf stream = {0};
    a->sim = sim;
    a->name = str_dup(name);
    a->serial = 1;
    buf_addf(&stream, "authority/" STR_FMT, STR_ARG(name));
    a->key = derive(sim, buf_str(&stream));
    struct pki_cert_spec spec = {.common_name = name, .serial = a->serial++, .usage = PKI_CA};
    validity(a, &spec);
    struct buf der = {0};
    issue(a, &spec, a->key, &der);
    a->der = der;
    pki_pem_add(&a->pem, "CERTIFICATE", buf_str(&a->der));
    buf_free(&stream);
    return a;
}

void authority_free(struct authority *a)
{
    if (!a)
        return;
    pki_key_free(a->key);
    buf_free(&a->der);
    buf_free(&a->pem);
    str_free(&a->name);
    mem_free(a);
}

struct str authority_pem(const struct authority *a)
{
    return buf_str(&a->pem);
}

struct identity authority_issue(struct authority *a, struct str dns, struct str ip)
{
    return authority_issue_names(a, &dns, dns.n ? 1 : 0, ip);
}

/* until_s 0: as long as anything of it. */
static struct identity issue_identity(struct authority *a, const struct str *dns, size_t dns_n,
                                      struct str ip, int64_t until_s)
{
    struct buf stream = {0}, der = {0}, cert = {0}, key_pem = {0};
    buf_addf(&stream, "identity/" STR_FMT "/%llu", STR_ARG(a->name), (unsigned long long)a->serial);
    struct pki_key *key = derive(a->sim, buf_str(&stream));
    struct pki_cert_spec spec = {.common_name = dns_n ? dns[0] : ip,
                                 .dns = dns,
                                 .dns_n = dns_n,
                                 .ips = &ip,
                                 .ips_n = ip.n ? 1 : 0,
                                 .serial = a->serial++,
                                 .usage = PKI_SERVER};
    validity(a, &spec);
    if (until_s)
        spec.not_after_s = until_s;
    issue(a, &spec, key, &der);
    pki_pem_add(&cert, "CERTIFICATE", buf_str(&der));
    pki_key_to_pem(key, &key_pem);
    sim_tls_vouch(a->sim, buf_str(&cert), buf_str(&key_pem), buf_str(&der));
    pki_key_free(key);
    buf_free(&stream);
    buf_free(&der);
    return (struct identity){buf_take(&cert), buf_take(&key_pem)};
}

struct identity authority_issue_names(struct authority *a, const struct str *dns, size_t dns_n,
                                      struct str ip)
{
    return issue_identity(a, dns, dns_n, ip, 0);
}

struct identity authority_issue_for(struct authority *a, const struct str *dns, size_t dns_n,
                                    struct str ip, int64_t valid_ns)
{
    return issue_identity(a, dns, dns_n, ip, (sim_wall(a->sim) + valid_ns) / NS_PER_S);
}

void identity_free(struct identity *id)
{
    str_free(&id->cert_pem);
    str_free(&id->key_pem);
}
