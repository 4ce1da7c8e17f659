/* Goal: the way to a cluster comes, is made anew and goes with what the objects say, its port stays, and listeners hear of
 * each change once, also when they leave inside it.
 * Method: real caches of a simulated API server; Clusters and Secrets written as agents' registration would. */
#include "tests/unit/support/sim_kit.h"

#include "engine/base/codec.h"
#include "engine/controllers/downstream.h"
#include "engine/kube/management.h"
#include "sim/kubeapi/kubeapi.h"

struct bench {
    struct kit *kit;
    struct kubeapi *api;
    struct kube_client *client;
    struct kube_informer *clusters, *secrets;
    struct policies policies;
    struct tunnel_router *router;
    struct downstreams *d;
    struct buf heard; /* "c-1+" there is a client, "c-1-" there is none */
    bool leave;       /* at the next call */
};

static void on_changed(void *owner, struct str id)
{
    struct bench *b = owner;
    buf_addf(&b->heard, "%s" STR_FMT "%c", b->heard.n ? " " : "", STR_ARG(id),
             downstream_client(b->d, id) ? '+' : '-');
    if (b->leave)
        downstreams_off_change(b->d, b);
}

static void apply(struct bench *b, const char *json)
{
    check_ok(kubeapi_apply(b->api, str_c(json), NULL));
    kit_run(b->kit, S);
}

static struct kube_informer *cache(struct bench *b, const struct kube_gvr *gvr, const char *ns)
{
    struct kube_target target = {.gvr = *gvr, .ns = str_c(ns)};
    struct kube_informer *inf = kube_informer_new(b->client, &target);
    kube_informer_start(inf);
    return inf;
}

static void bench_open(struct bench *b)
{
    struct kubeapi_options o = {.bare = true, .allow_all = true};
    struct world_listen listen = {.address = world_addr_make(STR("0.0.0.0"), KIT_PORT)};
    *b = (struct bench){.kit = kit_new(), .policies = policies_hardened()};
    b->api = kubeapi_new(kit_sw(b->kit), &o);
    check_ok(kubeapi_listen(b->api, &listen, NULL));
    apply(b, "{\"apiVersion\":\"apiextensions.k8s.io/v1\",\"kind\":\"CustomResourceDefinition\","
             "\"metadata\":{\"name\":\"clusters." MANAGEMENT_GROUP "\"},\"spec\":{\"group\":"
             "\"" MANAGEMENT_GROUP "\",\"names\":{\"kind\":\"Cluster\",\"listKind\":"
             "\"ClusterList\",\"plural\":\"clusters\",\"singular\":\"cluster\"},\"scope\":"
             "\"Cluster\",\"versions\":[{\"name\":\"v3\",\"schema\":{\"openAPIV3Schema\":{"
             "\"type\":\"object\",\"x-kubernetes-preserve-unknown-fields\":true}},\"served\":true,"
             "\"storage\":true}]}}");
    struct kube_context context = {.address = world_addr_make(STR("10.0.0.1"), KIT_PORT),
                                   .plain = true};
    b->client = kube_client_new(kit_cw(b->kit), &context);
    b->clusters = cache(b, &gvr_clusters, NULL);
    b->secrets = cache(b, &gvr_secrets, NAMESPACE_GLOBAL_DATA);
    b->router = tunnel_router_new(kit_cw(b->kit), &b->policies);
    struct downstreams_options options = {kit_cw(b->kit), b->router, b->clusters, b->secrets};
    b->d = downstreams_new(&options);
    downstreams_on_change(b->d, on_changed, b);
    kit_run(b->kit, S);
}

static void bench_close(struct bench *b)
{
    downstreams_free(b->d);
    tunnel_router_free(b->router);
    kube_informer_free(b->clusters);
    kube_informer_free(b->secrets);
    kube_client_free(b->client);
    kubeapi_free(b->api);
    kit_free(b->kit);
    buf_free(&b->heard);
}

static void write_cluster(struct bench *b, const char *endpoint, const char *ca)
{
    struct buf json = {0};
    buf_addf(&json,
             "{\"apiVersion\":\"" MANAGEMENT_GROUP "/v3\",\"kind\":\"Cluster\",\"metadata\":{"
             "\"name\":\"c-1\"},\"status\":{\"apiEndpoint\":\"%s\",\"caCert\":\"",
             endpoint);
    base64_encode(&json, str_c(ca));
    buf_add_c(&json, "\",\"serviceAccountTokenSecret\":\"s-1\"}}");
    apply(b, buf_c(&json));
    buf_free(&json);
}

static void write_secret(struct bench *b, const char *token)
{
    struct buf json = {0};
    buf_add_c(&json, "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"s-1\","
                     "\"namespace\":\"" NAMESPACE_GLOBAL_DATA "\"},\"data\":{\"credential\":\"");
    base64_encode(&json, str_c(token));
    buf_add_c(&json, "\"}}");
    apply(b, buf_c(&json));
    buf_free(&json);
}

static void check_heard(struct bench *b, const char *want)
{
    check_str(buf_str(&b->heard), want);
    buf_clear(&b->heard);
}

static void test_comes_and_goes(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    write_cluster(&b, "https://10.43.0.1:443", "ca");
    assert_null(downstream_client(b.d, STR("c-1"))); /* no token yet */
    assert_int_equal(downstream_port(b.d, STR("c-1")), 0);
    write_secret(&b, "token");
    assert_non_null(downstream_client(b.d, STR("c-1")));
    assert_int_not_equal(downstream_port(b.d, STR("c-1")), 0);
    check_heard(&b, "c-1+");
    check_ok(kubeapi_delete(b.api, STR("clusters." MANAGEMENT_GROUP), str_empty, STR("c-1")));
    kit_run(b.kit, S);
    assert_null(downstream_client(b.d, STR("c-1")));
    assert_int_equal(downstream_port(b.d, STR("c-1")), 0);
    check_heard(&b, "c-1-");
    bench_close(&b);
}

/* Other addresses behind the agent have ports of their own, which stay as long as the Cluster does. */
static void test_forward(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    assert_int_equal(downstream_forward(b.d, STR("c-1"), STR("10.42.0.7:8080")), 0);
    write_secret(&b, "token");
    write_cluster(&b, "https://10.43.0.1:443", "ca");
    uint16_t port = downstream_forward(b.d, STR("c-1"), STR("10.42.0.7:8080"));
    uint16_t other = downstream_forward(b.d, STR("c-1"), STR("unix//run/x.sock"));
    assert_int_not_equal(port, 0);
    assert_int_not_equal(other, 0);
    assert_int_not_equal(port, other);
    assert_int_not_equal(port, downstream_port(b.d, STR("c-1")));
    write_secret(&b, "another");
    assert_int_equal(downstream_forward(b.d, STR("c-1"), STR("10.42.0.7:8080")), port);
    check_ok(kubeapi_delete(b.api, STR("clusters." MANAGEMENT_GROUP), str_empty, STR("c-1")));
    kit_run(b.kit, S);
    assert_int_equal(downstream_forward(b.d, STR("c-1"), STR("10.42.0.7:8080")), 0);
    bench_close(&b);
}

static void test_made_anew(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    write_secret(&b, "token");
    write_cluster(&b, "https://10.43.0.1:443", "ca");
    uint16_t port = downstream_port(b.d, STR("c-1"));
    check_heard(&b, "c-1+");
    write_secret(&b, "token"); /* the same again */
    check_heard(&b, "");
    write_secret(&b, "another");
    check_heard(&b, "c-1+");
    write_cluster(&b, "https://10.43.0.1:443", "another ca");
    check_heard(&b, "c-1+");
    write_cluster(&b, "https://[fd00::1]:6443", "another ca");
    check_heard(&b, "c-1+");
    assert_int_equal(downstream_port(b.d, STR("c-1")), port);
    write_cluster(&b, "nowhere", "another ca");
    check_heard(&b, "c-1-");
    check_ok(kubeapi_delete(b.api, STR("secrets"), STR(NAMESPACE_GLOBAL_DATA), STR("s-1")));
    kit_run(b.kit, S);
    write_cluster(&b, "https://10.43.0.1:443", "ca");
    check_heard(&b, "");
    bench_close(&b);
}

static void test_listener_leaves(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    b.leave = true;
    write_cluster(&b, "https://10.43.0.1:443", "ca");
    write_secret(&b, "token");
    write_secret(&b, "another");
    check_heard(&b, "c-1+");
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_comes_and_goes),
        cmocka_unit_test(test_forward),
        cmocka_unit_test(test_made_anew),
        cmocka_unit_test(test_listener_leaves),
    };
    return cmocka_run_group_tests_name("downstream", tests, NULL, NULL);
}
