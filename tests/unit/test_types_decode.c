/* Goal: decoding keeps what a typed server keeps, in its form, and words its complaints and errors.
 * Method: tables of bodies with what comes out; each outcome is decoded again and must stay as it is. */
#include "tests/unit/support/check.h"

#include "sim/kubeapi/types/decode.h"

struct outcome {
    const char *result; /* canonical JSON; NULL: it fails */
    const char *strict; /* joined by "; " */
    const char *error;
};

static void check_decode(const char *group, const char *kind, const char *body,
                         const struct outcome *want)
{
    struct arena a = {0};
    struct buf out = {0}, strict = {0};
    struct json_duplicates duplicates;
    struct decode_report report = {.duplicates = &duplicates};
    const struct type *t = type_builtin(str_c(group), STR("v1"), str_c(kind));
    cJSON *tree;
    assert_non_null(t);
    check_ok(json_parse_duplicates(&a, str_c(body), &tree, &duplicates));
    bool ok = type_decode(&a, t, tree, &report);
    if (ok != (want->result != NULL))
        print_error("%s: %.*s\n", body, STR_ARG(report.error));
    assert_int_equal(ok, want->result != NULL);
    for (size_t i = 0; i < report.strict_n; i++)
        buf_addf(&strict, "%s" STR_FMT, i > 0 ? "; " : "", STR_ARG(report.strict[i]));
    if (ok) {
        json_write(&out, tree);
        check_str(buf_str(&out), want->result);
        check_str(buf_str(&strict), want->strict ? want->strict : "");
        struct decode_report again = {0};
        assert_true(type_decode(&a, t, tree, &again));
        assert_int_equal(again.strict_n, 0);
        buf_clear(&out);
        json_write(&out, tree);
        check_str(buf_str(&out), want->result);
    } else {
        check_str(report.error, want->error);
    }
    buf_free(&out);
    buf_free(&strict);
    arena_free(&a);
}

static void keeps_what_is_known(void **state)
{
    const struct {
        const char *kind, *body;
        struct outcome want;
    } rows[] = {
        {"ConfigMap", "{}", {"{\"metadata\":{}}", NULL, NULL}},
        {"ConfigMap", "{\"data\":{}}", {"{\"metadata\":{}}", NULL, NULL}},
        {"ConfigMap", "{\"data\":null,\"metadata\":null}", {"{\"metadata\":{}}", NULL, NULL}},
        {"ConfigMap",
         "{\"data\":{\"a\":null,\"b\":\"\"}}",
         {"{\"data\":{\"a\":\"\",\"b\":\"\"},\"metadata\":{}}", NULL, NULL}},
        {"ConfigMap",
         "{\"immutable\":false}",
         {"{\"immutable\":false,\"metadata\":{}}", NULL, NULL}},
        {"ConfigMap",
         "{\"odd\":1,\"Data\":{},\"metadata\":{\"odd\":{\"x\":[]},\"name\":\"a\"}}",
         {"{\"metadata\":{\"name\":\"a\"}}",
          "unknown field \"odd\"; unknown field \"Data\"; unknown field \"metadata.odd\"", NULL}},
        {"ConfigMap",
         "{\"we\\\"ird\":1}",
         {"{\"metadata\":{}}", "unknown field \"we\\\"ird\"", NULL}},
        {"ConfigMap",
         "{\"metadata\":{\"name\":\"\",\"labels\":{},\"finalizers\":[],\"generation\":0,"
         "\"creationTimestamp\":null}}",
         {"{\"metadata\":{}}", NULL, NULL}},
        {"ConfigMap",
         "{\"metadata\":{\"creationTimestamp\":\"2024-02-29T23:30:00.75-01:30\"}}",
         {"{\"metadata\":{\"creationTimestamp\":\"2024-03-01T01:00:00Z\"}}", NULL, NULL}},
        {"ConfigMap",
         "{\"data\":{\"k\":\"1\",\"j\":\"\",\"k\":\"2\"}}",
         {"{\"data\":{\"j\":\"\",\"k\":\"2\"},\"metadata\":{}}", "duplicate field \"data.k\"",
          NULL}},
        {"ConfigMap",
         "{\"odd\":{\"a\":1,\"a\":2},\"immutable\":true,\"odd\":1,\"immutable\":true,\"z\":1}",
         {"{\"immutable\":true,\"metadata\":{}}",
          "unknown field \"odd\"; duplicate field \"immutable\"; unknown field \"z\"", NULL}},
        {"Pod",
         "{\"spec\":{\"containers\":[{\"foo\":1},{\"name\":\"b\",\"bar\":{}}],\"hostNetwork\":"
         "false,"
         "\"hostUsers\":false}}",
         {"{\"metadata\":{},\"spec\":{\"containers\":[{\"name\":\"\",\"resources\":{}},"
          "{\"name\":\"b\",\"resources\":{}}],\"hostUsers\":false},\"status\":{}}",
          "unknown field \"spec.containers[0].foo\"; unknown field \"spec.containers[1].bar\"",
          NULL}},
        {"Pod",
         "{}",
         {"{\"metadata\":{},\"spec\":{\"containers\":null},\"status\":{}}", NULL, NULL}},
        {"Pod",
         "{\"spec\":{\"containers\":[]}}",
         {"{\"metadata\":{},\"spec\":{\"containers\":[]},\"status\":{}}", NULL, NULL}},
        {"Service",
         "{\"spec\":{\"ports\":[{\"port\":80,\"targetPort\":\"x\",\"nodePort\":-0}]}}",
         {"{\"metadata\":{},\"spec\":{\"ports\":[{\"port\":80,\"targetPort\":\"x\"}]},"
          "\"status\":{\"loadBalancer\":{}}}",
          NULL, NULL}},
        {"Secret",
         "{\"data\":{\"a\":\"YR==\",\"b\":\"Y\\nQ==\",\"c\":null}}",
         {"{\"data\":{\"a\":\"YQ==\",\"b\":\"YQ==\",\"c\":null},\"metadata\":{}}", NULL, NULL}},
        {"Event",
         "{\"eventTime\":\"2024-01-01T00:00:00.1234567+00:00\"}",
         {NULL, NULL,
          "parsing time \"2024-01-01T00:00:00.1234567+00:00\" as "
          "\"2006-01-02T15:04:05.000000Z07:00\": cannot parse \"7+00:00\" as \"Z07:00\""}},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check_decode("", rows[i].kind, rows[i].body, &rows[i].want);
}

static void words_errors(void **state)
{
    const struct {
        const char *group, *kind, *body, *error;
    } rows[] = {
        {"", "ConfigMap", "{\"data\":{\"a\":1}}",
         "json: cannot unmarshal number into Go struct field ConfigMap.data of type string"},
        {"", "ConfigMap", "{\"data\":[]}",
         "json: cannot unmarshal array into Go struct field ConfigMap.data of type "
         "map[string]string"},
        {"", "ConfigMap", "{\"metadata\":\"x\"}",
         "json: cannot unmarshal string into Go struct field ConfigMap.metadata of type "
         "v1.ObjectMeta"},
        {"", "ConfigMap", "{\"metadata\":{\"name\":1,\"uid\":2}}",
         "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.name of type "
         "string"},
        {"", "ConfigMap", "{\"metadata\":{\"uid\":true}}",
         "json: cannot unmarshal bool into Go struct field ObjectMeta.metadata.uid of type "
         "types.UID"},
        {"", "ConfigMap", "{\"metadata\":{\"creationTimestamp\":5}}",
         "json: cannot unmarshal number into Go struct field "
         "ObjectMeta.metadata.creationTimestamp of type string"},
        {"", "ConfigMap", "{\"binaryData\":{\"a\":\"!!\"}}", "illegal base64 data at input byte 0"},
        {"", "Secret", "{\"data\":{\"a\":\"YWJj=\"}}", "illegal base64 data at input byte 4"},
        {"", "Secret", "{\"data\":{\"a\":\"YWJjZ\"}}", "illegal base64 data at input byte 4"},
        {"", "Service", "{\"spec\":{\"ports\":[{\"port\":\"80\"}]}}",
         "json: cannot unmarshal string into Go struct field ServicePort.spec.ports.port of type "
         "int32"},
        {"", "Service", "{\"spec\":{\"ports\":[{\"targetPort\":1.5}]}}",
         "json: cannot unmarshal number 1.5 into Go struct field "
         "ServicePort.spec.ports.targetPort of type int32"},
        {"", "Pod", "{\"spec\":{\"containers\":{}}}",
         "json: cannot unmarshal object into Go struct field PodSpec.spec.containers of type "
         "[]v1.Container"},
        {"", "Pod", "{\"spec\":{\"containers\":[1]}}",
         "json: cannot unmarshal number into Go struct field PodSpec.spec.containers of type "
         "v1.Container"},
        {"", "Pod", "{\"spec\":{\"containers\":[{\"imagePullPolicy\":{}}]}}",
         "json: cannot unmarshal object into Go struct field "
         "Container.spec.containers.imagePullPolicy of type v1.PullPolicy"},
        {"", "Pod",
         "{\"spec\":{\"hostPID\":1,\"containers\":[{\"resources\":{\"limits\":{\"cpu\":\"x\"}}}]}}",
         "quantities must match the regular expression "
         "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"},
        {"apps", "Deployment", "{\"spec\":{\"replicas\":1e1}}",
         "json: cannot unmarshal number 1e1 into Go struct field DeploymentSpec.spec.replicas of "
         "type int32"},
        {"apps", "Deployment", "{\"spec\":{\"replicas\":2147483648}}",
         "json: cannot unmarshal number 2147483648 into Go struct field "
         "DeploymentSpec.spec.replicas of type int32"},
        {"coordination.k8s.io", "Lease", "{\"spec\":{\"renewTime\":\"2024-01-01T00:00:00Z\"}}",
         "parsing time \"2024-01-01T00:00:00Z\" as \"2006-01-02T15:04:05.000000Z07:00\": cannot "
         "parse \"Z\" as \".000000\""},
        {"coordination.k8s.io", "Lease", "{\"spec\":{\"renewTime\":\"2024-13-01T00:00:00Z\"}}",
         "parsing time \"2024-13-01T00:00:00Z\": month out of range"},
        {"coordination.k8s.io", "Lease", "{\"spec\":{\"renewTime\":\"\"}}",
         "parsing time \"\" as \"2006-01-02T15:04:05.000000Z07:00\": cannot parse \"\" as "
         "\"2006\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check_decode(rows[i].group, rows[i].kind, rows[i].body,
                     &(struct outcome){NULL, NULL, rows[i].error});
}

static void writes_quantities_in_one_way(void **state)
{
    const struct {
        const char *given, *canonical;
    } rows[] = {
        {"\"1024Mi\"", "1Gi"},
        {"\"0.5\"", "500m"},
        {"0.5", "500m"},
        {"\"1000m\"", "1"},
        {"\"1500m\"", "1500m"},
        {"\"1500\"", "1500"},
        {"\"1000\"", "1k"},
        {"100000", "100k"},
        {"\"0.5Gi\"", "512Mi"},
        {"\"1.5Gi\"", "1536Mi"},
        {"\"100Ki\"", "100Ki"},
        {"\"1023\"", "1023"},
        {"\"1024\"", "1024"},
        {"\"1Ki\"", "1Ki"},
        {"\"0.5Ki\"", "512"},
        {"\"0Gi\"", "0"},
        {"\"-0\"", "0"},
        {"\"-1024Ki\"", "-1Mi"},
        {"\"+5\"", "5"},
        {"\"00012\"", "12"},
        {"\"1e3\"", "1e3"},
        {"1e3", "1e3"},
        {"\"12E6\"", "12e6"},
        {"\"1E\"", "1E"},
        {"\"10E\"", "10E"},
        {"\"100000000000000000000\"", "9223372036854775807"},
        {"\"1n\"", "1n"},
        {"\"0.1n\"", "1n"},
        {"\"-0.1n\"", "-1n"},
        {"\"1e-3\"", "1e-3"},
        {"\"1e-100\"", "1e-9"},
        {"\"1.\"", "1"},
        {"\".5\"", "500m"},
        {"\" 1 \"", "1"},
        {"\"0.0001Ki\"", "102400u"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char body[256], result[256];
        snprintf(body, sizeof(body), "{\"spec\":{\"hard\":{\"a\":%s}}}", rows[i].given);
        snprintf(result, sizeof(result),
                 "{\"metadata\":{},\"spec\":{\"hard\":{\"a\":\"%s\"}},\"status\":{}}",
                 rows[i].canonical);
        check_decode("", "ResourceQuota", body, &(struct outcome){result, NULL, NULL});
    }
    const char *const bad[] = {"\"1mm\"", "\"1e\"", "\"1Kii\"", "\"1ki\""};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char body[256];
        snprintf(body, sizeof(body), "{\"spec\":{\"hard\":{\"a\":%s}}}", bad[i]);
        check_decode("", "ResourceQuota", body,
                     &(struct outcome){NULL, NULL, "unable to parse quantity's suffix"});
    }
}

static void lets_schemas_read_themselves(void **state)
{
    static const char body[] =
        "{\"spec\":{\"versions\":[{\"name\":\"v1\",\"served\":true,\"storage\":true,\"schema\":"
        "{\"openAPIV3Schema\":{\"type\":\"object\",\"odd\":1,\"maximum\":1.50e1,\"minimum\":0.0,"
        "\"multipleOf\":1e22,\"additionalProperties\":{\"odd\":1,\"type\":\"string\"},"
        "\"properties\":{\"a\":{\"odd\":2,\"default\":{\"odd\":3},\"enum\":[1,null]}},"
        "\"items\":[{\"nullable\":false}]}}}]}}";
    static const char result[] =
        "{\"metadata\":{},\"spec\":{\"group\":\"\",\"names\":{\"kind\":\"\",\"plural\":\"\"},"
        "\"scope\":\"\",\"versions\":[{\"name\":\"v1\",\"schema\":{\"openAPIV3Schema\":{"
        "\"additionalProperties\":{\"type\":\"string\"},\"items\":[{}],\"maximum\":15,"
        "\"minimum\":0,\"multipleOf\":1e+22,\"properties\":{\"a\":{\"default\":{\"odd\":3},"
        "\"enum\":[1,null]}},\"type\":\"object\"}},\"served\":true,\"storage\":true}]},"
        "\"status\":{\"acceptedNames\":{\"kind\":\"\",\"plural\":\"\"},"
        "\"conditions\":null,\"storedVersions\":null}}";
    check_decode("apiextensions.k8s.io", "CustomResourceDefinition", body,
                 &(struct outcome){
                     result,
                     "unknown field \"spec.versions[0].schema.openAPIV3Schema.odd\"; unknown field "
                     "\"spec.versions[0].schema.openAPIV3Schema.properties.a.odd\"",
                     NULL});
}

static void names_duplicates_without_type(void **state)
{
    struct arena a = {0};
    cJSON *tree;
    struct json_duplicates duplicates;
    struct decode_report report = {.duplicates = &duplicates};
    check_ok(json_parse_duplicates(&a, STR("{\"a\":[{\"b\":1,\"b\":2}],\"c\":1,\"c\":2}"), &tree,
                                   &duplicates));
    type_untyped_duplicates(&a, tree, &report);
    assert_int_equal(report.strict_n, 2);
    check_str(report.strict[0], "duplicate field \"a[0].b\"");
    check_str(report.strict[1], "duplicate field \"c\"");
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_what_is_known),
        cmocka_unit_test(words_errors),
        cmocka_unit_test(writes_quantities_in_one_way),
        cmocka_unit_test(lets_schemas_read_themselves),
        cmocka_unit_test(names_duplicates_without_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
