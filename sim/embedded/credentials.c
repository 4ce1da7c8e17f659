/* Keys, certificates and the kubeconfig of an apiserver. */
#include "sim/embedded/credentials.h"

#include "engine/base/codec.h"
#include "engine/pki/pki.h"
#include "engine/pki/x509.h"

#define VALID_S INT64_C(315360000) /* ten years: longer than any test */
#define EARLY_S INT64_C(3600)      /* clients' clocks that are behind */

struct issuer {
    struct world *w;
    struct pki_key *key;
    struct buf der;
};

static struct pki_key *new_key(struct world *w)
{
    unsigned char entropy[PKI_ENTROPY_BYTES];
    world_random(w, entropy, sizeof entropy);
    return pki_key_derive(PKI_P256, entropy);
}

/* The certificate of a new key; *key_out is the caller's. */
static void issue(struct issuer *issuer, struct pki_cert_spec spec, struct buf *der,
                  struct buf *pem, struct buf *key_pem, struct pki_key **key_out)
{
    int64_t now_s = world_wall(issuer->w) / NS_PER_S;
    struct pki_key *key = new_key(issuer->w);
    spec.not_before_s = now_s - EARLY_S;
    spec.not_after_s = now_s + VALID_S;
    spec.serial = world_random_below(issuer->w, INT64_MAX) + 1;
    struct err *err =
        pki_issue(&spec, key, buf_str(&issuer->der), issuer->key ? issuer->key : key, der);
    BUG_ON(err, "certificates of our own making are well formed");
    pki_pem_add(pem, "CERTIFICATE", buf_str(der));
    pki_key_to_pem(key, key_pem);
    *key_out = key;
}

static void issue_leaf(struct issuer *issuer, struct pki_cert_spec spec, struct buf *pem,
                       struct buf *key_pem)
{
    struct buf der = {0};
    struct pki_key *key;
    issue(issuer, spec, &der, pem, key_pem, &key);
    pki_key_free(key);
    buf_free(&der);
}

static void issue_server(struct issuer *ca, struct str host, struct credentials *out)
{
    static const struct str dns[] = {
        STR_INIT("localhost"), STR_INIT("kubernetes"), STR_INIT("kubernetes.default"),
        STR_INIT("kubernetes.default.svc"), STR_INIT("kubernetes.default.svc.cluster.local")};
    struct str ips[] = {STR("127.0.0.1"), STR("::1"), STR("10.96.0.1"), world_own_address(ca->w),
                        host};
    size_t ips_n = ARRAY_LEN(ips);
    if (str_eq_c(host, "0.0.0.0") || str_eq_c(host, "::"))
        ips_n--;
    struct pki_cert_spec spec = {.common_name = STR("kube-apiserver"),
                                 .dns = dns,
                                 .dns_n = ARRAY_LEN(dns),
                                 .ips = ips,
                                 .ips_n = ips_n,
                                 .usage = PKI_SERVER};
    issue_leaf(ca, spec, &out->cert_pem, &out->key_pem);
}

static void make_authority(struct issuer *ca, struct credentials *out)
{
    static const struct str masters = STR_INIT("system:masters");
    struct issuer none = {.w = ca->w};
    issue(&none, (struct pki_cert_spec){.common_name = STR("kubernetes"), .usage = PKI_CA},
          &ca->der, &out->ca_pem, &out->ca_key_pem, &ca->key);
    issue_leaf(ca,
               (struct pki_cert_spec){.common_name = STR("kubernetes-admin"),
                                      .organizations = &masters,
                                      .organizations_n = 1,
                                      .usage = PKI_CLIENT},
               &out->admin_pem, &out->admin_key_pem);
}

static struct err *read_authority(struct issuer *ca, const struct credentials *kept)
{
    struct str rest = buf_str(&kept->ca_pem), label;
    struct err *err = pki_pem_next(&rest, &label, &ca->der);
    return err ? err : pki_key_from_pem(buf_str(&kept->ca_key_pem), &ca->key);
}

struct err *credentials_make(struct world *w, struct str host, struct credentials *out)
{
    struct issuer ca = {.w = w};
    struct err *err = NULL;
    if (out->ca_pem.n > 0)
        err = read_authority(&ca, out);
    else
        make_authority(&ca, out);
    if (!err)
        issue_server(&ca, host, out);
    pki_key_free(ca.key);
    buf_free(&ca.der);
    return err;
}

void credentials_free(struct credentials *c)
{
    struct buf *const all[] = {&c->ca_pem,  &c->ca_key_pem, &c->cert_pem,
                               &c->key_pem, &c->admin_pem,  &c->admin_key_pem};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        buf_free(all[i]);
}

static void add_data(struct buf *out, const char *key, const struct buf *pem)
{
    buf_addf(out, "    %s: ", key);
    base64_encode(out, buf_str(pem));
    buf_add_char(out, '\n');
}

void credentials_kubeconfig(const struct credentials *c, struct str server, struct buf *out)
{
    buf_add_c(out, "apiVersion: v1\nkind: Config\nclusters:\n- name: paddock\n  cluster:\n");
    add_data(out, "certificate-authority-data", &c->ca_pem);
    buf_addf(out, "    server: " STR_FMT "\n", STR_ARG(server));
    buf_add_c(out, "users:\n- name: kubernetes-admin\n  user:\n");
    add_data(out, "client-certificate-data", &c->admin_pem);
    add_data(out, "client-key-data", &c->admin_key_pem);
    buf_add_c(out, "contexts:\n- name: kubernetes-admin@paddock\n  context:\n"
                   "    cluster: paddock\n    user: kubernetes-admin\n"
                   "current-context: kubernetes-admin@paddock\npreferences: {}\n");
}
