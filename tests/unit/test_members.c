/* Goal: the other replicas are those that Kubernetes lists for the Service: of Endpoints all addresses, of EndpointSlices
 * all that are not about to end, over all slices, each once, never our own.
 * Method: objects in a lab's API, read through an informer as the server does. */
#include "tests/unit/support/lab.h"

#include "engine/server/members.h"

#define OWN "10.0.0.2"

static void add_slice(struct lab *l, const char *name, const char *service, const char *type,
                      const char *endpoints)
{
    lab_apply(l,
              "{\"apiVersion\":\"discovery.k8s.io/v1\",\"kind\":\"EndpointSlice\",\"metadata\":{"
              "\"name\":\"%s\",\"namespace\":\"" NAMESPACE_SYSTEM "\",\"labels\":{"
              "\"kubernetes.io/service-name\":\"%s\"}},\"addressType\":\"%s\","
              "\"endpoints\":[%s]}",
              name, service, type, endpoints);
}

static void print(const struct members *m, struct buf *out)
{
    for (size_t i = 0; i < m->n; i++) {
        buf_addf(out, STR_FMT "=", STR_ARG(m->peers[i].id));
        world_addr_print(&m->peers[i].address, out);
        buf_add_char(out, ' ');
    }
}

static void check_slices(struct lab *l, const struct kube_informer *inf, const char *wanted)
{
    struct arena a = {0};
    struct members m = {0};
    struct buf text = {0};
    lab_run(l, S);
    members_of_slices(&a, inf, STR(OWN), 8443, &m);
    print(&m, &text);
    check_str(buf_str(&text), wanted);
    buf_free(&text);
    arena_free(&a);
}

static void test_slices(void **state)
{
    (void)state;
    struct lab *l = lab_new(1);
    lab_apply(l, "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":"
                 "\"" NAMESPACE_SYSTEM "\"}}");
    struct kube_target target = members_target(MEMBERS_SLICES);
    struct kube_informer *inf = kube_informer_new(l->kube, &target);
    kube_informer_start(inf);
    check_slices(l, inf, "");
    add_slice(l, "a", SERVER_SERVICE, "IPv4",
              "{\"addresses\":[\"10.0.0.1\"],\"conditions\":{\"ready\":false}},"
              "{\"addresses\":[\"" OWN "\"]},"
              "{\"addresses\":[\"10.0.0.3\"],\"conditions\":{\"terminating\":true}}");
    add_slice(l, "b", SERVER_SERVICE, "IPv4",
              "{\"addresses\":[\"10.0.0.4\",\"10.0.0.5\"]},{\"addresses\":[\"10.0.0.1\"]}");
    add_slice(l, "c", SERVER_SERVICE, "FQDN", "{\"addresses\":[\"other.test\"]}");
    add_slice(l, "d", "another", "IPv4", "{\"addresses\":[\"10.0.0.9\"]}");
    add_slice(l, "e", SERVER_SERVICE, "IPv6", "{\"addresses\":[\"fd00::7\"]}");
    check_slices(l, inf,
                 "10.0.0.1=10.0.0.1:8443 10.0.0.4=10.0.0.4:8443 "
                 "fd00::7=[fd00::7]:8443 ");
    lab_delete(l, "endpointslices.discovery.k8s.io", NAMESPACE_SYSTEM, "b");
    check_slices(l, inf, "10.0.0.1=10.0.0.1:8443 fd00::7=[fd00::7]:8443 ");
    kube_informer_free(inf);
    lab_free(l);
}

static void test_endpoints(void **state)
{
    (void)state;
    struct arena a = {0};
    struct members m = {0};
    struct buf text = {0};
    struct kube_object *o;
    struct kube_target target = members_target(MEMBERS_ENDPOINTS);
    check_str(target.gvr.resource, "endpoints");
    check_ok(kube_object_from_json(STR("{\"metadata\":{\"name\":\"rancher\"},\"subsets\":[{"
                                       "\"addresses\":[{\"ip\":\"10.0.0.1\"},"
                                       "{\"ip\":\"" OWN
                                       "\"}]},{},{\"addresses\":[{\"ip\":\"10.0.0.3\"},{}]}]}"),
                                   &o));
    members_of_endpoints(&a, o, STR(OWN), 443, &m);
    print(&m, &text);
    check_str(buf_str(&text), "10.0.0.1=10.0.0.1:443 10.0.0.3=10.0.0.3:443 ");
    kube_object_unref(o);
    buf_free(&text);
    arena_free(&a);
}

static void test_many(void **state)
{
    (void)state;
    struct arena a = {0};
    struct members m = {0};
    struct buf json = {0};
    struct kube_object *o;
    buf_add_c(&json, "{\"metadata\":{},\"subsets\":[{\"addresses\":[{\"ip\":\"10.1.0.0\"}");
    for (unsigned i = 1; i < 2 * TUNNEL_PEERS_MAX; i++)
        buf_addf(&json, ",{\"ip\":\"10.1.0.%u\"}", i);
    buf_add_c(&json, "]}]}");
    check_ok(kube_object_from_json(buf_str(&json), &o));
    members_of_endpoints(&a, o, STR(OWN), 443, &m);
    assert_int_equal(m.n, TUNNEL_PEERS_MAX);
    kube_object_unref(o);
    buf_free(&json);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_slices),
                                       cmocka_unit_test(test_endpoints),
                                       cmocka_unit_test(test_many)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
