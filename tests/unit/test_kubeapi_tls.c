/* Goal: a client certificate that the server's listener verified is an identity: CN the user, O its groups.
 * Method: the simulated world with TLS on both sides; the engine's own client asks who it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/kube/client.h"
#include "engine/pki/x509.h"
#include "sim/kubeapi/kubeapi.h"
#include "sim/world/process.h"

#include <string.h>

#define DAY_S  86400
#define WALL_S 1767225600 /* 2026-01-01 */

struct identity {
    struct pki_key *key;
    struct buf der, cert_pem, key_pem;
};

static struct identity issue(unsigned char seed, struct pki_cert_spec spec,
                             const struct identity *issuer)
{
    unsigned char entropy[PKI_ENTROPY_BYTES];
    struct identity id = {0};
    memset(entropy, seed, sizeof(entropy));
    id.key = pki_key_derive(PKI_ED25519, entropy);
    spec.not_before_s = WALL_S - DAY_S;
    spec.not_after_s = spec.not_after_s ? spec.not_after_s : WALL_S + DAY_S;
    spec.serial = seed;
    assert_null(pki_issue(&spec, id.key, issuer ? buf_str(&issuer->der) : str_empty,
                          issuer ? issuer->key : id.key, &id.der));
    pki_pem_add(&id.cert_pem, "CERTIFICATE", buf_str(&id.der));
    pki_key_to_pem(id.key, &id.key_pem);
    return id;
}

static void identity_free(struct identity *id)
{
    pki_key_free(id->key);
    buf_free(&id->der);
    buf_free(&id->cert_pem);
    buf_free(&id->key_pem);
}

static struct world *process(struct sim *sim, const char *name, const char *address)
{
    struct sim_host_options host = {str_c(name), str_c(address), STR("site")};
    struct sim_process_options options = {.name = str_c(name), .host = sim_host_new(sim, &host)};
    struct sim_process *p = sim_process_new(sim, &options);
    assert_null(sim_process_start(p));
    return sim_process_world(p);
}

struct seen {
    int status;
    struct buf body;
};

static void on_answer(void *owner, const struct kube_answer *answer)
{
    struct seen *s = owner;
    s->status = answer->status;
    buf_clear(&s->body);
    buf_add(&s->body, answer->body);
}

static void ask(struct sim *sim, struct kube_client *c, enum kube_verb verb, const char *group,
                const char *resource, const char *body, struct seen *s)
{
    struct kube_target target = {.gvr = {str_c(group), STR("v1"), str_c(resource)},
                                 .ns = str_empty,
                                 .name = str_empty,
                                 .sub = str_empty,
                                 .query = str_empty};
    s->status = 0;
    (void)kube_call_start(c, verb, &target, str_c(body), 0, on_answer, s);
    sim_run_until(sim, sim_now(sim) + NS_PER_S);
}

static void certificates_are_identities(void **state)
{
    struct str groups[] = {STR("team-a"), STR("system:masters")}, dns[] = {STR("api.test")};
    struct identity ca =
        issue(1, (struct pki_cert_spec){.common_name = STR("ca"), .usage = PKI_CA}, NULL);
    struct identity server =
        issue(2,
              (struct pki_cert_spec){
                  .common_name = STR("api"), .dns = dns, .dns_n = 1, .usage = PKI_SERVER},
              &ca);
    struct identity user = issue(3,
                                 (struct pki_cert_spec){.common_name = STR("jane"),
                                                        .organizations = groups,
                                                        .organizations_n = 2,
                                                        .not_after_s = WALL_S + 10,
                                                        .usage = PKI_CLIENT},
                                 &ca);
    struct sim_options options = {.seed = 1, .wall_start = WALL_S * NS_PER_S};
    struct sim *sim = sim_new(&options);
    struct world *w = process(sim, "api", "10.0.0.1"), *v = process(sim, "user", "10.0.0.2");
    struct kubeapi_options api_options = {.name = STR("t")};
    struct kubeapi *api = kubeapi_new(w, &api_options);
    struct world_tls tls = {.cert_pem = buf_str(&server.cert_pem),
                            .key_pem = buf_str(&server.key_pem),
                            .client_ca_pem = buf_str(&ca.cert_pem)};
    struct world_listen listen = {.address = world_addr_make(STR("10.0.0.1"), 6443), .tls = &tls};
    assert_null(kubeapi_listen(api, &listen, NULL));

    struct kube_context context = {.address = listen.address,
                                   .host = STR("api.test"),
                                   .ca_pem = buf_str(&ca.cert_pem),
                                   .cert_pem = buf_str(&user.cert_pem),
                                   .key_pem = buf_str(&user.key_pem)};
    struct kube_client *c = kube_client_new(v, &context);
    struct seen s = {0};
    ask(sim, c, KUBE_CREATE, "authentication.k8s.io", "selfsubjectreviews", "{}", &s);
    assert_int_equal(s.status, 201);
    assert_non_null(strstr(buf_c(&s.body), "\"username\":\"jane\""));
    assert_non_null(strstr(buf_c(&s.body),
                           "\"groups\":[\"team-a\",\"system:masters\",\"system:authenticated\"]"));
    ask(sim, c, KUBE_LIST, "", "nodes", "", &s);
    assert_int_equal(s.status, 200);
    sim_run_until(sim, 10 * NS_PER_S); /* it ends while its connection is open */
    ask(sim, c, KUBE_LIST, "", "nodes", "", &s);
    assert_int_equal(s.status, 403);
    assert_non_null(strstr(buf_c(&s.body), "system:anonymous"));
    kube_client_free(c);

    context.cert_pem = context.key_pem = str_empty; /* without one: anonymous */
    c = kube_client_new(v, &context);
    ask(sim, c, KUBE_LIST, "", "nodes", "", &s);
    assert_int_equal(s.status, 403);
    assert_non_null(strstr(buf_c(&s.body), "system:anonymous"));
    kube_client_free(c);
    kubeapi_free(api);
    sim_free(sim);
    buf_free(&s.body);
    identity_free(&ca);
    identity_free(&server);
    identity_free(&user);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(certificates_are_identities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
