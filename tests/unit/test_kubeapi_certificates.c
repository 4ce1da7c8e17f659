/* Goal: certificates go to those who were approved by who may, and to nobody else; pods get the account that they name.
 * Method: requests in a table of forms; approval by users with and without rights; what the signer makes is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/codec.h"
#include "engine/pki/x509.h"
#include "tests/unit/support/kubeapi_fixture.h"

#include <string.h>

#define CSRS "/apis/certificates.k8s.io/v1/certificatesigningrequests"
#define RBAC "/apis/rbac.authorization.k8s.io/v1"

/* CN=jane, O=team */
#define TEAM                                                                                       \
    "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIWk1JR0FBZ0VBTUI0eERUQUxCZ05WQkFvTUJIUmx"  \
    "ZVzB4RFRBTEJnTlZCQU1NQkdwaGJtVXdXVEFUQmdjcQpoa2pPUFFJQkJnZ3Foa2pPUFFNQkJ3TkNBQVMzYVNZQzhSNT"  \
    "UrU3A5TGlxVU9hQzUrT203Y01tcmNaTFJGRlBxCjFBYmV5bExWWkJLRFVIWkpUck11Z1JnY0tCZElGZTBwemtod2VrdT" \
    "dqR3JoNGJNR29BQXdDZ1lJS29aSXpqMEUKQXdJRFNBQXdSUUloQUtuUGcwVnZlcFlLU2gwa1FOVFlNV2lwS1NxbEpSWj" \
    "JaL2Ivd3F2S2ZTUnFBaUFnUTZOeApESUhQd0tFWTR5NkU0M1RqZ2tESnN1SHE0R0NxMDlpTTlZYUt6dz09Ci0tLS0tRU" \
    "5EIENFUlRJRklDQVRFIFJFUVVFU1QtLS0tLQo="
/* CN=jane, O=system:masters */
#define MASTERS                                                                                    \
    "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIa01JR0tBZ0VBTUNneEZ6QVZCZ05WQkFvTURuTjV"  \
    "jM1JsYlRwdFlYTjBaWEp6TVEwd0N3WURWUVFEREFScQpZVzVsTUZrd0V3WUhLb1pJemowQ0FRWUlLb1pJemowREFRY0"  \
    "RRZ0FFVlc5YWdWNWYrV1pYRS9mMzhPNFlCcFFBCk5qQXhXZ1c1VFo3cm1uNUlQMDJCMit3Y1RKREVCL3ozL2lvRWM4Z"  \
    "k9WcDRLRlZJaE51VUdtQkZvU1RvY1RLQUEKTUFvR0NDcUdTTTQ5QkFNQ0Ewa0FNRVlDSVFDR0d5M0hjc1B4N2tVM0ZQ"  \
    "TWNDczhEZjl5NHZWR0QzQjh3VmsvZgpTZWExN2dJaEFNZG5JVG5rVy84YXI4c3YwMnRpd2MwSDZqUG1aYUFpRTNJT0t"  \
    "2eHp1NUdyCi0tLS0tRU5EIENFUlRJRklDQVRFIFJFUVVFU1QtLS0tLQo="

/* CN=system:node:n1, O=system:nodes */
#define NODE                                                                                       \
    "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIck1JR1NBZ0VBTURBeEZUQVRCZ05W"             \
    "QkFvTURITjVjM1JsYlRwdWIyUmxjekVYTUJVR0ExVUVBd3dPYzNsegpkR1Z0T201dlpHVTZiakV3V1RB"             \
    "VEJnY3Foa2pPUFFJQkJnZ3Foa2pPUFFNQkJ3TkNBQVRzRmZDZUdYQUpua1BiCkZTUnRlbFNJcnR1SFZL"             \
    "enJjNkJONVN0YmcwQktJVnpKbmNHOEJRTWxrY3EwK3pNOXNDSVRsakk5eldOR09NWHYKY1QyYlJWcklv"             \
    "QUF3Q2dZSUtvWkl6ajBFQXdJRFNBQXdSUUloQUo3cHdGeW5uMDlENk5TRm5HS1k2Tkc2TFQrVApBRlNG"             \
    "TVh4RXZGZmUzM1dEQWlBcDZ0ZU40TXlOVnlIYkVQSEJ0czBYWjZOczhWTHFVWnVLdUthQnMyd3lrdz09"             \
    "Ci0tLS0tRU5EIENFUlRJRklDQVRFIFJFUVVFU1QtLS0tLQo="

static const char *request(struct fixture *f, const char *name, const char *pem, const char *signer,
                           const char *usages)
{
    return arena_c(&f->a,
                   arena_printf(&f->a,
                                "{\"metadata\":{\"name\":\"%s\"},\"spec\":{\"request\":\"%s\","
                                "\"signerName\":\"%s\",\"usages\":[%s]}}",
                                name, pem, signer, usages));
}

static void as(struct fixture *f, const char *user, int status, const char *method,
               const char *target, const char *body)
{
    f->as = user;
    must(f, status, method, target, body);
    f->as = NULL;
}

static void grant(struct fixture *f, const char *name, const char *user, const char *rule)
{
    must(f, 201, "POST", RBAC "/clusterroles",
         arena_c(&f->a, arena_printf(&f->a, "{\"metadata\":{\"name\":\"%s\"},\"rules\":[%s]}", name,
                                     rule)));
    must(f, 201, "POST", RBAC "/clusterrolebindings",
         arena_c(&f->a,
                 arena_printf(&f->a,
                              "{\"metadata\":{\"name\":\"%s\"},\"roleRef\":{\"kind\":"
                              "\"ClusterRole\",\"name\":\"%s\"},\"subjects\":[{\"kind\":\"User\","
                              "\"name\":\"%s\"}]}",
                              name, name, user)));
}

static void requests_are_checked(void **state)
{
    static const struct {
        const char *pem, *signer, *usages;
        int status;
        const char *says;
    } rows[] = {
        {TEAM, "example.com/x", "\"client auth\"", 201, ""},
        {"bm90YXBlbQ==", "example.com/x", "\"client auth\"", 422,
         "PEM block type must be CERTIFICATE REQUEST"},
        {TEAM, "example.com/x", "", 422, "spec.usages: Required value"},
        {TEAM, "example.com/x", "\"client\"", 422, "spec.usages[0]: Unsupported value: \"client\""},
        {TEAM, "example.com/x", "\"any\",\"any\"", 422, "spec.usages[1]: Duplicate value: \"any\""},
        {TEAM, "example/x", "\"any\"", 422, "should be a domain with at least two segments"},
        {TEAM, "a.b/x/y", "\"any\"", 422, "must be a fully qualified domain and path"},
        {TEAM, "a..b/x", "\"any\"", 422, "validating label \"\""},
        {TEAM, "kubernetes.io/legacy-unknown", "\"any\"", 422, "the legacy signerName"},
        {MASTERS, "kubernetes.io/kube-apiserver-client", "\"client auth\"", 403,
         "use of kubernetes.io/kube-apiserver-client signer with system:masters group is not "
         "allowed"},
        {MASTERS, "example.com/x", "\"client auth\"", 201, ""},
    };
    struct fixture f;
    fixture_open(&f, NULL);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str name = arena_printf(&f.a, "r%zu", i);
        must(&f, rows[i].status, "POST", CSRS,
             request(&f, name.p, rows[i].pem, rows[i].signer, rows[i].usages));
        assert_non_null(strstr(said(&f, "message"), rows[i].says));
    }
    fixture_close(&f);
}

static const char approve[] = "{\"status\":{\"conditions\":[{\"type\":\"Approved\",\"status\":"
                              "\"True\",\"reason\":\"r\",\"message\":\"m\"}]}}";

static void who_asks_is_stamped_and_who_approves_must_be_allowed_to(void **state)
{
    struct fixture f;
    fixture_open(&f, NULL);
    grant(&f, "ask", "jane",
          "{\"apiGroups\":[\"certificates.k8s.io\"],\"resources\":["
          "\"certificatesigningrequests\",\"certificatesigningrequests/"
          "approval\"],\"verbs\":[\"*\"]}");
    as(&f, "jane", 201, "POST", CSRS,
       "{\"metadata\":{\"name\":\"c\"},\"spec\":{\"request\":\"" TEAM
       "\",\"signerName\":\"example.com/x\",\"usages\":[\"client "
       "auth\"],\"username\":\"root\",\"extra\":{\"x\":[\"y\"]}}}");
    assert_string_equal(said(&f, "spec.username"), "jane");
    assert_null(json_path(f.body, "spec.extra"));
    as(&f, "jane", 403, "PATCH", CSRS "/c/approval", approve);
    assert_string_equal(
        said(&f, "message"),
        "certificatesigningrequests.certificates.k8s.io \"c\" is forbidden: user not "
        "permitted to approve requests with signerName \"example.com/x\"");
    grant(&f, "approve", "jane",
          "{\"apiGroups\":[\"certificates.k8s.io\"],\"resources\":[\"signers\"],\"verbs\":["
          "\"approve\"],\"resourceNames\":[\"example.com/*\"]}");
    as(&f, "jane", 200, "PATCH", CSRS "/c/approval", approve);
    assert_non_null(strstr(buf_c(&f.last.body), "\"lastTransitionTime\":\"1970"));
    must(&f, 422, "PATCH", CSRS "/c/approval", "{\"status\":{\"conditions\":[]}}");
    must(&f, 422, "PATCH", CSRS "/c/approval",
         "{\"status\":{\"conditions\":[{\"type\":\"Approved\",\"status\":\"True\"},{\"type\":"
         "\"Denied\",\"status\":\"True\"}]}}");
    must(&f, 200, "PATCH", CSRS "/c", "{\"spec\":{\"username\":\"root\"}}");
    assert_string_equal(said(&f, "spec.username"), "jane");
    must(&f, 200, "PATCH", CSRS "/c/status", "{\"status\":{\"conditions\":null}}");
    assert_non_null(strstr(buf_c(&f.last.body), "Approved"));
    fixture_close(&f);
}

/* ---- the signer ---- */

static void make_authority(struct buf *cert, struct buf *key)
{
    static const unsigned char entropy[PKI_ENTROPY_BYTES] = {7};
    struct pki_key *k = pki_key_derive(PKI_ED25519, entropy);
    struct pki_cert_spec spec = {
        .common_name = STR("ca"), .not_after_s = INT64_C(4000000000), .serial = 1, .usage = PKI_CA};
    struct buf der = {0};
    assert_null(pki_issue(&spec, k, str_empty, k, &der));
    assert_null(pki_chain_to_pem(buf_str(&der), cert));
    pki_key_to_pem(k, key);
    buf_free(&der);
    pki_key_free(k);
}

static void approved_requests_are_signed(void **state)
{
    static const char client[] = "kubernetes.io/kube-apiserver-client";
    struct buf ca = {0}, key = {0}, pem = {0}, chain = {0};
    struct pki_cert_info info;
    struct fixture f;
    make_authority(&ca, &key);
    struct kubeapi_options options = {.ca_pem = buf_str(&ca), .ca_key_pem = buf_str(&key)};
    fixture_open(&f, &options);
    must(&f, 201, "POST", CSRS, request(&f, "good", TEAM, client, "\"client auth\""));
    must(&f, 201, "POST", CSRS, request(&f, "bad", TEAM, client, "\"server auth\""));
    must(&f, 201, "POST", CSRS, request(&f, "new", TEAM, client, "\"client auth\""));
    must(&f, 200, "PATCH", CSRS "/good/approval", approve);
    must(&f, 200, "PATCH", CSRS "/bad/approval", approve);
    settle(&f);
    must(&f, 200, "GET", CSRS "/bad", NULL);
    assert_non_null(strstr(buf_c(&f.last.body), "SignerValidationFailure"));
    assert_string_equal(said(&f, "status.certificate"), "");
    must(&f, 200, "GET", CSRS "/new", NULL);
    assert_string_equal(said(&f, "status.certificate"), "");
    must(&f, 200, "GET", CSRS "/good", NULL);
    assert_true(base64_decode(&pem, str_c(said(&f, "status.certificate"))));
    assert_null(pki_chain_from_pem(buf_str(&pem), &chain));
    assert_null(pki_cert_read(&f.a, buf_str(&chain), &info));
    assert_string_equal(arena_c(&f.a, info.common_name), "jane");
    assert_string_equal(arena_c(&f.a, info.organizations[0]), "team");
    assert_string_equal(arena_c(&f.a, info.issuer), "CN=ca");
    buf_free(&ca);
    buf_free(&key);
    buf_free(&pem);
    buf_free(&chain);
    fixture_close(&f);
}

static void kubelets_get_their_certificates(void **state)
{
    static const char signer[] = "kubernetes.io/kube-apiserver-client-kubelet";
    static const struct {
        const char *user, *name, *says; /* says: the message of the approval; NULL: none */
    } rows[] = {
        {"joiner", "any", "Auto approving kubelet client certificate after SubjectAccessReview."},
        {"system:node:n1", "own",
         "Auto approving self kubelet client certificate after SubjectAccessReview."},
        {"system:node:n2", "other", NULL},
        {"nobody", "none", NULL},
    };
    struct buf ca = {0}, key = {0};
    struct fixture f;
    make_authority(&ca, &key);
    struct kubeapi_options options = {.ca_pem = buf_str(&ca), .ca_key_pem = buf_str(&key)};
    fixture_open(&f, &options);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char role[16] = {'r', (char)('0' + i), '\0'};
        grant(&f, role, rows[i].user,
              i == 0   ? "{\"apiGroups\":[\"certificates.k8s.io\"],\"resources\":["
                         "\"certificatesigningrequests\",\"certificatesigningrequests/"
                         "nodeclient\"],\"verbs\":[\"create\"]}"
              : i == 3 ? "{\"apiGroups\":[\"certificates.k8s.io\"],\"resources\":["
                         "\"certificatesigningrequests\"],\"verbs\":[\"create\"]}"
                       : "{\"apiGroups\":[\"certificates.k8s.io\"],\"resources\":["
                         "\"certificatesigningrequests\",\"certificatesigningrequests/"
                         "selfnodeclient\"],\"verbs\":[\"create\"]}");
        as(&f, rows[i].user, 201, "POST", CSRS,
           request(&f, rows[i].name, NODE, signer, "\"client auth\""));
        settle(&f);
        must(&f, 200, "GET", arena_c(&f.a, arena_printf(&f.a, CSRS "/%s", rows[i].name)), NULL);
        assert_int_equal(strlen(said(&f, "status.certificate")) > 0, rows[i].says != NULL);
        if (rows[i].says)
            assert_non_null(strstr(buf_c(&f.last.body), rows[i].says));
    }
    buf_free(&ca);
    buf_free(&key);
    fixture_close(&f);
}

/* ---- pods and their accounts ---- */

static void pods_get_the_account_that_they_name(void **state)
{
    static const char pods[] = "/api/v1/namespaces/default/pods";
    struct kubeapi_options options = {.ca_pem = STR("CA")};
    struct fixture f;
    fixture_open(&f, &options);
    must(&f, 403, "POST", pods,
         "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}"
         "]}}");
    assert_string_equal(
        said(&f, "message"),
        "pods \"p\" is forbidden: error looking up service account default/default: "
        "serviceaccount \"default\" not found");
    settle(&f);
    must(&f, 201, "POST", pods,
         "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}"
         "]}}");
    assert_string_equal(said(&f, "spec.serviceAccountName"), "default");
    assert_non_null(strstr(buf_c(&f.last.body), "\"expirationSeconds\":3607"));
    assert_non_null(strstr(buf_c(&f.last.body), "/var/run/secrets/kubernetes.io/serviceaccount"));
    must(&f, 201, "POST", pods,
         "{\"metadata\":{\"name\":\"q\"},\"spec\":{\"automountServiceAccountToken\":false,"
         "\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}");
    assert_null(strstr(buf_c(&f.last.body), "kube-api-access"));
    must(&f, 201, "POST", "/api/v1/namespaces/default/serviceaccounts",
         "{\"metadata\":{\"name\":\"quiet\"},\"automountServiceAccountToken\":false,"
         "\"imagePullSecrets\":[{\"name\":\"pull\"}]}");
    must(&f, 201, "POST", pods,
         "{\"metadata\":{\"name\":\"r\"},\"spec\":{\"serviceAccountName\":\"quiet\","
         "\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}");
    assert_null(strstr(buf_c(&f.last.body), "kube-api-access"));
    assert_non_null(strstr(buf_c(&f.last.body), "\"imagePullSecrets\":[{\"name\":\"pull\"}]"));
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_checked),
        cmocka_unit_test(who_asks_is_stamped_and_who_approves_must_be_allowed_to),
        cmocka_unit_test(approved_requests_are_signed),
        cmocka_unit_test(kubelets_get_their_certificates),
        cmocka_unit_test(pods_get_the_account_that_they_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
