/* Goal: the form of an answer is what the reference server would choose.
 * Method: a table of Accept headers, each for one kind of endpoint; what is chosen is written as one word. */
#include "sim/kubeapi/core/accept.h"
#include "tests/unit/support/check.h"

static const char *chosen(struct buf *out, const char *accept, enum api_endpoint endpoint)
{
    static const char *const formats[] = {"json", "yaml", "protobuf"};
    static const char *const as[] = {"", "+table", "+partial", "+partiallist", "+aggregated"};
    struct api_media m;
    buf_clear(out);
    if (!api_media_choose(str_c(accept), endpoint, &m))
        return "none";
    buf_addf(out, "%s%s%s%s%s%s", formats[m.format], as[m.as], m.as_version ? "/" : "",
             m.as_version ? m.as_version : "", m.pretty ? " pretty" : "",
             m.stream ? " stream" : "");
    return buf_c(out);
}

#define PROTO   "application/vnd.kubernetes.protobuf"
#define TABLE   ";as=Table;v=v1;g=meta.k8s.io"
#define PARTIAL ";as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
#define GROUPS  ";g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"

static void test_choices(void **state)
{
    static const struct {
        enum api_endpoint endpoint;
        const char *accept, *want;
    } cases[] = {
        {API_ENDPOINT_RESOURCE, "", "json"},
        {API_ENDPOINT_RESOURCE, "*/*", "json"},
        {API_ENDPOINT_RESOURCE, "*", "json"},
        {API_ENDPOINT_RESOURCE, "application/*", "json"},
        {API_ENDPOINT_RESOURCE, "application/yaml", "yaml"},
        {API_ENDPOINT_RESOURCE, PROTO ",application/json", "protobuf"},
        {API_ENDPOINT_RESOURCE, "application/json, " PROTO, "json"},
        {API_ENDPOINT_RESOURCE, "application/json;q=0.5, application/yaml;q=0.7", "yaml"},
        {API_ENDPOINT_RESOURCE, "application/json;q=x, application/yaml;q=0.1", "yaml"},
        {API_ENDPOINT_RESOURCE, "text/html", "none"},
        {API_ENDPOINT_RESOURCE, "text/html, */*;q=0.1", "json"},
        {API_ENDPOINT_RESOURCE, "*/*, application/yaml", "yaml"}, /* the more exact one */
        {API_ENDPOINT_RESOURCE, "application/json; charset=utf-8", "json"},
        {API_ENDPOINT_RESOURCE, "application/json;pretty=1", "json pretty"},
        {API_ENDPOINT_RESOURCE, "application/json;pretty=true", "json"},
        {API_ENDPOINT_RESOURCE, "application/json;stream=watch", "json stream"},
        {API_ENDPOINT_RESOURCE, "application/json;stream=other", "none"},
        {API_ENDPOINT_RESOURCE, "application/yaml;stream=watch", "none"},
        {API_ENDPOINT_RESOURCE, "application/json" TABLE, "json+table/v1"},
        {API_ENDPOINT_RESOURCE, "application/yaml" TABLE, "yaml+table/v1"},
        {API_ENDPOINT_RESOURCE, PROTO TABLE ",application/json" TABLE, "json+table/v1"},
        {API_ENDPOINT_RESOURCE, PROTO PARTIAL ",application/json", "protobuf+partial/v1"},
        {API_ENDPOINT_RESOURCE, "application/json;as=Table;v=v2;g=meta.k8s.io,application/json",
         "json"},
        {API_ENDPOINT_RESOURCE, "application/json;as=Table;v=v1beta1;g=meta.k8s.io",
         "json+table/v1beta1"},
        {API_ENDPOINT_RESOURCE, "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
         "json+partiallist/v1"},
        {API_ENDPOINT_RESOURCE, "application/json;as=Other;v=v1;g=meta.k8s.io", "none"},
        {API_ENDPOINT_RESOURCE, "application/json;g=meta.k8s.io", "none"},
        {API_ENDPOINT_CUSTOM, PROTO, "none"},
        {API_ENDPOINT_CUSTOM, PROTO ",application/json", "json"},
        {API_ENDPOINT_CUSTOM, PROTO PARTIAL ",application/json" PARTIAL, "protobuf+partial/v1"},
        {API_ENDPOINT_CUSTOM, "*/*", "json"},
        {API_ENDPOINT_PLAIN, "application/json" TABLE, "none"},
        {API_ENDPOINT_PLAIN, "application/json" TABLE ",application/json", "json"},
        {API_ENDPOINT_PLAIN, PROTO, "protobuf"},
        {API_ENDPOINT_AGGREGATED, "application/json", "none"},
        {API_ENDPOINT_AGGREGATED, "", "none"},
        {API_ENDPOINT_AGGREGATED, "application/json,application/json" GROUPS, "json+aggregated/v2"},
    };
    struct buf out = {0};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *got = chosen(&out, cases[i].accept, cases[i].endpoint);
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("%s: got %s, want %s", cases[i].accept, got, cases[i].want);
    }
    buf_free(&out);
}

/* More clauses than are looked at: the others do not count, and nothing breaks. */
static void test_many_clauses(void **state)
{
    struct buf accept = {0}, out = {0};
    for (unsigned i = 0; i < 2 * API_ACCEPT_CLAUSES_MAX; i++)
        buf_add_c(&accept, "text/html;q=0.9,");
    buf_add_c(&accept, "application/json");
    assert_string_equal(chosen(&out, buf_c(&accept), API_ENDPOINT_RESOURCE), "none");
    buf_free(&accept);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_choices),
        cmocka_unit_test(test_many_clauses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
