/* Goal: a kubeconfig is read as kubectl reads it: context, cluster, user; inline data before files, a token before a
 * token's file; what we cannot do is refused by name and at its place.
 * Method: a table of texts with what comes out of them, and one of what is wrong with the others. */
#include "tests/unit/support/check.h"

#include "engine/kube/kubeconfig.h"

#define HEAD                                                                                       \
    "apiVersion: v1\nkind: Config\ncurrent-context: a\n"                                           \
    "contexts:\n- name: a\n  context: {cluster: c, user: u}\n"                                     \
    "- {name: b, context: {cluster: d}}\n- {name: lost, context: {cluster: nowhere}}\n"
#define CLUSTERS "clusters:\n- name: c\n  cluster: "
#define USERS    "users:\n- name: u\n  user: "
#define MINIMAL  CLUSTERS "{server: 'https://api.test:6443'}\n" USERS "{}\n"

static struct err *parse(struct arena *a, const char *text, const char *context,
                         struct kubeconfig *out)
{
    return kubeconfig_parse(a, STR("kc"), str_c(text), str_c(context), out);
}

static void test_whole(void **state)
{
    (void)state;
    struct arena a = {0};
    struct kubeconfig k;
    assert_null(parse(&a,
                      HEAD CLUSTERS
                      "{server: 'https://[fd00::1]', tls-server-name: n, "
                      "certificate-authority-data: Q0E=, certificate-authority: f}\n"
                      "- {name: d, cluster: {server: 'http://10.0.0.1:8080', "
                      "insecure-skip-tls-verify: true, certificate-authority: ca}}\n" USERS
                      "{client-certificate-data: Q0VSVA==, client-certificate: f, "
                      "client-key: key.pem, token: t, tokenFile: f}\n",
                      "", &k));
    assert_true(k.tls && !k.insecure);
    check_str(k.host, "fd00::1");
    assert_int_equal(k.port, 443);
    check_str(k.server_name, "n");
    check_str(k.ca_pem, "CA");
    assert_int_equal(k.ca_file.n, 0);
    check_str(k.cert_pem, "CERT");
    assert_int_equal(k.cert_file.n, 0);
    check_str(k.key_file, "key.pem");
    check_str(k.token, "t");
    assert_int_equal(k.token_file.n, 0);
    arena_free(&a);
}

static void test_other_context(void **state)
{
    (void)state;
    struct arena a = {0};
    struct kubeconfig k;
    assert_null(parse(&a,
                      HEAD CLUSTERS "{server: 'https://x'}\n"
                                    "- {name: d, cluster: {server: 'http://10.0.0.1:8080', "
                                    "insecure-skip-tls-verify: true, certificate-authority: ca}}\n"
                                    "users: null\n",
                      "b", &k));
    assert_true(!k.tls && k.insecure);
    check_str(k.host, "10.0.0.1");
    assert_int_equal(k.port, 8080);
    check_str(k.ca_file, "ca");
    assert_int_equal(k.token.n + k.cert_pem.n + k.key_pem.n, 0);
    arena_free(&a);
}

static void test_token_file(void **state)
{
    (void)state;
    struct arena a = {0};
    struct kubeconfig k;
    assert_null(parse(&a,
                      HEAD CLUSTERS "{server: 'https://x', proxy-url: ''}\n" USERS
                                    "{tokenFile: tf, username: ''}\n",
                      "a", &k));
    check_str(k.token_file, "tf");
    arena_free(&a);
}

static const struct {
    const char *text, *context, *message;
    uint32_t line;
} wrong[] = {
    {"[1]", "", "this is no kubeconfig", 1},
    {"a: [", "", "", 1},
    {"kind: Config\n", "", "current-context: it is not set", 1},
    {"kind: Config\n", "x", "contexts: there is no \"x\"", 1},
    {HEAD MINIMAL, "x", "contexts: there is no \"x\"", 5},
    {HEAD MINIMAL, "lost", "clusters: there is no \"nowhere\"", 10},
    {"current-context: [1]\n", "", "current-context: a text is expected", 1},
    {"contexts: {}\n", "x", "contexts: a list is expected", 1},
    {"contexts: [{name: x}]\n", "x", "context: a map is missing", 1},
    {"contexts: [1, {name: x, context: 1}]\n", "x", "context: a map is missing", 1},
    {HEAD CLUSTERS "{}\n" USERS "{}\n", "", "server: the cluster does not name it", 11},
    {HEAD CLUSTERS "{server: [1]}\n", "", "server: a text is expected", 11},
    {HEAD CLUSTERS "{server: api.test}\n" USERS "{}\n", "", "https:// or http://", 11},
    {HEAD CLUSTERS "{server: 'https://x/k8s/clusters/c-1'}\n", "", "\"/k8s/clusters/c-1\" is not",
     11},
    {HEAD CLUSTERS "{server: 'https://x', proxy-url: p}\n", "", "proxy-url is not supported", 11},
    {HEAD CLUSTERS "{server: 'https://x', tls-server-name: {}}\n", "", "tls-server-name: a text",
     11},
    {HEAD CLUSTERS "{server: 'https://x', insecure-skip-tls-verify: 1}\n", "", "true or false", 11},
    {HEAD CLUSTERS "{server: 'https://x', certificate-authority-data: '*'}\n", "", "no base64", 11},
    {HEAD CLUSTERS "{server: 'https://x'}\n", "", "users: there is no \"u\"", 1},
    {HEAD CLUSTERS "{server: 'https://x'}\n" USERS "{exec: {command: x}}\n", "", "exec is not", 14},
    {HEAD CLUSTERS "{server: 'https://x'}\n" USERS "{username: x}\n", "", "username is not", 14},
    {HEAD CLUSTERS "{server: 'https://x'}\n" USERS "{as: x}\n", "", "as is not supported", 14},
    {HEAD CLUSTERS "{server: 'https://x'}\n" USERS "{client-key: k}\n", "", "belong together", 14},
    {HEAD CLUSTERS "{server: 'https://x'}\n" USERS "{client-certificate: k}\n", "", "together", 14},
    {HEAD CLUSTERS "{server: 'https://x'}\n" USERS "{client-key-data: '?'}\n", "", "no base64", 14},
    {HEAD CLUSTERS "{server: 'https://x'}\n" USERS "{token: {}}\n", "", "token: a text", 14},
    {HEAD CLUSTERS "{server: 'https://x'}\n" USERS "{tokenFile: []}\n", "", "tokenFile: a text",
     14},
};

static void test_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct arena a = {0};
        struct kubeconfig k = {.port = 7};
        struct buf text = {0};
        struct err *err = parse(&a, wrong[i].text, wrong[i].context, &k);
        assert_non_null(err);
        err_print(err, &text);
        if (str_find(buf_str(&text), str_c(wrong[i].message)) < 0 || err->line != wrong[i].line)
            fail_msg("case %zu: %s (line %u)", i, buf_c(&text), err->line);
        assert_int_equal(k.port, 7); /* untouched */
        buf_free(&text);
        err_free(err);
        arena_free(&a);
    }
}

static void test_bounds(void **state)
{
    (void)state;
    struct arena a = {0};
    struct kubeconfig k;
    struct buf text = {0};
    buf_add_c(&text, "current-context: a\ncontexts:\n");
    for (unsigned i = 0; i <= KUBECONFIG_ENTRIES_MAX; i++)
        buf_add_c(&text, "- {name: b}\n");
    struct err *err = kubeconfig_parse(&a, STR("kc"), buf_str(&text), str_empty, &k);
    assert_non_null(err);
    err_free(err);
    while (text.n <= KUBECONFIG_BYTES_MAX)
        buf_add_c(&text, "# a comment that makes it longer\n");
    err = kubeconfig_parse(&a, STR("kc"), buf_str(&text), str_empty, &k);
    assert_non_null(err);
    assert_non_null(strstr(err->message, "more than"));
    err_free(err);
    buf_free(&text);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),      cmocka_unit_test(test_other_context),
        cmocka_unit_test(test_token_file), cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
