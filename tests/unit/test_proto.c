/* Goal: objects in protobuf form are what the reference server writes and reads, bytes included, and nothing that a peer
 * sends does harm.
 * Method: samples recorded from it (where they are at hand: PADDOCK_KUBERNETES) are decoded, compared with their JSON, and
 * encoded again to the same bytes; small objects by hand, a case for each special; broken input is refused by text. */
#include "engine/base/codec.h"
#include "sim/kubeapi/types/proto.h"
#include "sim/kubeapi/types/proto_wire.h"
#include "tests/unit/support/check.h"

#include <stdio.h>
#include <stdlib.h>

static struct str read_file(struct arena *a, const char *name)
{
    const char *folder = getenv("PADDOCK_KUBERNETES");
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/samples/%s", folder ? folder : "../shared/kubernetes",
                   name);
    FILE *f = fopen(path, "rb");
    struct buf b = {0};
    char block[4096];
    if (!f)
        return str_empty;
    for (size_t n; (n = fread(block, 1, sizeof(block), f)) > 0;)
        buf_add(&b, (struct str){block, n});
    (void)fclose(f);
    struct str s = arena_str(a, buf_str(&b));
    buf_free(&b);
    return s;
}

static const struct type *type_of(struct str api_version, struct str kind)
{
    struct str group, version;
    if (!str_cut(api_version, '/', &group, &version)) {
        version = group;
        group = str_empty;
    }
    const struct type *t = type_builtin(group, version, kind);
    assert_non_null(t);
    return t;
}

static struct str canonical(struct arena *a, const cJSON *tree)
{
    struct buf b = {0};
    json_write(&b, tree);
    struct str s = arena_str(a, buf_str(&b));
    buf_free(&b);
    return s;
}

static struct str decoded(struct arena *a, struct str bytes)
{
    struct proto_envelope e;
    cJSON *tree;
    check_ok(proto_open(bytes, &e));
    check_ok(proto_decode(a, type_of(e.api_version, e.kind), e.raw, &tree));
    json_set_str(a, tree, "apiVersion", e.api_version);
    json_set_str(a, tree, "kind", e.kind);
    return canonical(a, tree);
}

static struct str encoded(struct arena *a, struct str json)
{
    struct buf b = {0};
    cJSON *tree;
    check_ok(json_parse(a, json, &tree));
    struct str version = json_string_at(tree, "apiVersion"), kind = json_string_at(tree, "kind");
    proto_encode_object(type_of(version, kind), version, kind, canonical(a, tree), &b);
    struct str s = arena_str(a, buf_str(&b));
    buf_free(&b);
    return s;
}

/* The JSON was read a moment later than the protobuf or before: what differs by that is not compared. */
static void assert_same_object(struct arena *a, struct str got, struct str want, const char *name)
{
    cJSON *x, *y;
    check_ok(json_parse(a, got, &x));
    check_ok(json_parse(a, want, &y));
    if (!json_equal(x, y))
        fail_msg("%s: decoded\n%s\nwanted\n%s", name, canonical(a, x).p, canonical(a, y).p);
}

static void test_samples(void **state)
{
    static const char *const names[] = {
        "clusterrole", "configmap",   "deployment", "event",   "lease",          "namespace", "pdb",
        "role",        "rolebinding", "secret",     "service", "serviceaccount", "ssar"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct arena a = {0};
        char file[64];
        (void)snprintf(file, sizeof(file), "%s.pb", names[i]);
        struct str bytes = read_file(&a, file);
        (void)snprintf(file, sizeof(file), "%s.json", names[i]);
        struct str json = read_file(&a, file);
        if (bytes.n == 0) {
            printf("skipped: no samples (PADDOCK_KUBERNETES)\n");
            arena_free(&a);
            return;
        }
        struct str back = decoded(&a, bytes);
        assert_same_object(&a, back, json, names[i]);
        struct str again = encoded(&a, back);
        struct buf x = {0}, y = {0};
        hex_encode(&x, bytes);
        hex_encode(&y, again);
        if (!str_eq(bytes, again))
            fail_msg("%s: bytes differ\n%s\n%s", names[i], buf_c(&x), buf_c(&y));
        buf_free(&x);
        buf_free(&y);
        arena_free(&a);
    }
}

/* ---- by hand ---- */

static struct str bytes_of(struct arena *a, const char *hex)
{
    struct buf b = {0};
    assert_true(hex_decode(&b, str_c(hex)));
    struct str s = arena_str(a, buf_str(&b));
    buf_free(&b);
    return s;
}

static const char *hex_of(struct arena *a, struct str bytes)
{
    struct buf b = {0};
    hex_encode(&b, bytes);
    const char *text = arena_c(a, buf_str(&b));
    buf_free(&b);
    return text;
}

static const char *const special_objects[] = {
    /* maps, bytes, and a NUL within a string */
    "{\"apiVersion\":\"v1\",\"binaryData\":{\"k\":\"AP8=\"},\"data\":{\"a\":\"\",\"b\":"
    "\"x\\u0000y\"},"
    "\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"a\"}}",
    /* a pointer that is zero stays; members that protobuf nests stand in the parent */
    "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\"},\"spec\":{"
    "\"containers\":[{"
    "\"env\":[{\"name\":\"E\",\"valueFrom\":{\"configMapKeyRef\":{\"key\":\"k\",\"name\":\"n\"}"
    "}}],"
    "\"livenessProbe\":{\"tcpSocket\":{\"port\":\"http\"},\"terminationGracePeriodSeconds\":0},"
    "\"name\":\"c\",\"resources\":{\"limits\":{\"cpu\":\"500m\"}},"
    "\"securityContext\":{\"runAsNonRoot\":false,\"runAsUser\":-1}}],"
    "\"volumes\":[{\"emptyDir\":{},\"name\":\"e\"},{\"name\":\"s\",\"secret\":{\"secretName\":"
    "\"x\"}}]},"
    "\"status\":{}}",
    "{\"apiVersion\":\"v1\",\"kind\":\"PersistentVolume\",\"metadata\":{\"name\":\"p\"},"
    "\"spec\":{\"capacity\":{\"storage\":\"1Gi\"},\"nfs\":{\"path\":\"/"
    "x\",\"server\":\"s\"}},\"status\":{}}",
    /* times before the epoch and with fractions */
    "{\"apiVersion\":\"coordination.k8s.io/"
    "v1\",\"kind\":\"Lease\",\"metadata\":{\"creationTimestamp\":"
    "\"1969-12-31T23:59:59Z\",\"name\":\"l\"},\"spec\":{\"leaseDurationSeconds\":0,"
    "\"renewTime\":"
    "\"1969-12-31T23:59:59.000001Z\"}}",
    /* and the first seconds that there are */
    "{\"apiVersion\":\"coordination.k8s.io/"
    "v1\",\"kind\":\"Lease\",\"metadata\":{\"name\":\"l\"},"
    "\"spec\":{\"acquireTime\":\"0001-01-01T00:00:02.000000Z\",\"leaseDurationSeconds\":0,"
    "\"renewTime\":\"9999-12-31T23:59:59.999999Z\"}}",
    /* JSON inside: schemas of definitions */
    "{\"apiVersion\":\"apiextensions.k8s.io/"
    "v1\",\"kind\":\"CustomResourceDefinition\",\"metadata\":{"
    "\"name\":\"w.x.y\"},\"spec\":{\"group\":\"x.y\",\"names\":{\"kind\":\"W\",\"plural\":"
    "\"w\"},"
    "\"scope\":\"Namespaced\",\"versions\":[{\"name\":\"v1\",\"schema\":{\"openAPIV3Schema\":{"
    "\"additionalProperties\":false,\"properties\":{\"a\":{\"default\":{\"x\":[1,null]},"
    "\"enum\":[1,\"b\"],"
    "\"items\":{\"type\":\"string\"},\"maximum\":1.5,\"minimum\":-10,\"multipleOf\":1e-7,"
    "\"x-kubernetes-int-or-string\":true},\"b\":{\"additionalProperties\":{\"type\":\"object\"}"
    ","
    "\"items\":[{\"type\":\"string\"},{}]}},\"required\":[\"a\"],\"type\":\"object\"}},"
    "\"served\":true,"
    "\"storage\":true}]},\"status\":{\"acceptedNames\":{\"kind\":\"W\",\"plural\":\"w\"}}}",
    /* lists that are messages of their own */
    "{\"apiVersion\":\"authentication.k8s.io/"
    "v1\",\"kind\":\"TokenReview\",\"metadata\":{},\"spec\":{"
    "\"token\":\"t\"},\"status\":{\"authenticated\":true,\"user\":{\"extra\":{\"k\":[\"a\","
    "\"\"]},"
    "\"username\":\"u\"}}}",
    "{\"apiVersion\":\"v1\",\"groupVersion\":\"v1\",\"kind\":\"APIResourceList\",\"resources\":"
    "[{"
    "\"kind\":\"Pod\",\"name\":\"pods\",\"namespaced\":true,\"singularName\":\"pod\",\"verbs\":"
    "[\"get\"]}]}",
    "{\"apiVersion\":\"apps/"
    "v1\",\"data\":{\"spec\":{\"a\":[1]}},\"kind\":\"ControllerRevision\","
    "\"metadata\":{\"name\":\"c\"},\"revision\":3}",
    "{\"apiVersion\":\"v1\",\"kind\":\"DeleteOptions\",\"gracePeriodSeconds\":0,"
    "\"preconditions\":{\"uid\":"
    "\"u\"},\"propagationPolicy\":\"Orphan\"}",
    "{\"apiVersion\":\"v1\",\"items\":[{\"metadata\":{\"name\":\"a\"}},{\"metadata\":{\"name\":"
    "\"}],\"}}],"
    "\"kind\":\"ConfigMapList\",\"metadata\":{\"remainingItemCount\":0,\"resourceVersion\":"
    "\"7\"}}",
};

/* Members that no value of their type can have are left out of the message. */
static void test_specials_both_ways(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(special_objects); i++) {
        struct arena a = {0};
        struct str bytes = encoded(&a, str_c(special_objects[i]));
        assert_same_object(&a, decoded(&a, bytes), str_c(special_objects[i]), special_objects[i]);
        assert_true(i > 0 || str_find(bytes, STR("x\0y")) > 0);
        assert_string_equal(hex_of(&a, encoded(&a, decoded(&a, bytes))), hex_of(&a, bytes));
        arena_free(&a);
    }
}

static void test_zero_is_absent_unless_told(void **state)
{
    struct arena a = {0};
    /* DeploymentSpec{replicas: 0 (pointer), minReadySeconds: 0, paused: false} in Deployment.spec */
    struct str bytes =
        bytes_of(&a, "6b3873000a150a07617070732f7631120a4465706c6f796d656e74120812060800280038"
                     "00");
    check_str(decoded(&a, bytes), "{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"spec\":{"
                                  "\"replicas\":0}}");
    arena_free(&a);
}

static void test_maps_take_the_last_of_repeated_keys(void **state)
{
    struct arena a = {0};
    /* ConfigMap.data: b=1, a=2, b=3 */
    struct str bytes = bytes_of(&a, "6b3873000a0f0a0276311209436f6e6669674d61701218"
                                    "12060a016212013112060a016112013212060a0162120133");
    check_str(decoded(&a, bytes),
              "{\"apiVersion\":\"v1\",\"data\":{\"a\":\"2\",\"b\":\"3\"},\"kind\":\"ConfigMap\"}");
    arena_free(&a);
}

static void test_broken_input_is_told(void **state)
{
    static const struct {
        const char *hex, *text;
    } cases[] = {
        {"", "empty data"},
        {"7b7d", "does not appear to be a protobuf message"},
        {"6b387300", "empty body"},
        {"6b3873000a", "unexpected EOF"},
        {"6b3873000aff", "unexpected EOF"},
        {"6b3873000a05", "unexpected EOF"},
        {"6b38730000", "illegal tag 0"},
        {"6b387300ffffffffffffffffffffff", "integer overflow"},
        {"6b3873000affffffffffffffffff01", "negative length"},
        {"6b3873000c", "unexpected end of group"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena a = {0};
        struct proto_envelope e;
        check_err(proto_open(bytes_of(&a, cases[i].hex), &e), ERR_INVALID, cases[i].text);
        arena_free(&a);
    }
}

static void test_broken_messages_are_told(void **state)
{
    static const struct {
        const char *hex, *text;
    } cases[] = {
        {"0801", "wrong wireType = 0 for field 1"}, /* metadata as a number */
        {"0a02", "unexpected EOF"},
        {"12020a05", "unexpected EOF"}, /* within a map entry */
        {"0a0442020aff", "unexpected EOF"},
        {"0a0442028080", "unexpected EOF"},
    };
    struct arena a = {0};
    const struct type *t = type_builtin(str_empty, STR("v1"), STR("ConfigMap"));
    cJSON *tree;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_err(proto_decode(&a, t, bytes_of(&a, cases[i].hex), &tree), ERR_INVALID,
                  cases[i].text);
    /* what is not known is passed over: a varint, a group, bytes, and fixed ones */
    check_ok(proto_decode(&a, t,
                          bytes_of(&a, "f80701fb070801fc07fa070101f1070000000000000000fd070000"
                                       "0000"),
                          &tree));
    assert_null(tree->child);
    arena_free(&a);
}

/* JSONSchemaProps in not in not ...: a bound instead of the stack. */
static void test_depth_is_bounded(void **state)
{
    struct arena a = {0};
    struct buf b = {0}, next = {0};
    const struct type *t =
        type_named(STR("io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps"));
    cJSON *tree;
    assert_non_null(t);
    for (int i = 0; i < 5000; i++) {
        buf_clear(&next);
        wire_add_bytes(&next, 28, buf_str(&b));
        buf_clear(&b);
        buf_add(&b, buf_str(&next));
    }
    check_err(proto_decode(&a, t, buf_str(&b), &tree), ERR_INVALID, "too deep");
    buf_free(&b);
    buf_free(&next);
    arena_free(&a);
}

static void test_types_of_documents(void **state)
{
    static const struct {
        const char *api_version, *kind;
        bool found;
    } cases[] = {
        {"apps/v1", "Deployment", true},
        {"apps/v2", "Deployment", false},
        {"v1", "DeleteOptions", true},
        {"apps/v1", "DeleteOptions", true},
        {"x.y/v1beta7", "DeleteOptions", true},
        {"x.y/v1", "ConfigMap", false},
        {"meta.k8s.io/v1", "PartialObjectMetadataList", true},
        {"meta.k8s.io/v1beta1", "PartialObjectMetadata", true},
        {"", "", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if ((proto_type(str_c(cases[i].api_version), str_c(cases[i].kind)) != NULL) !=
            cases[i].found)
            fail_msg("%s %s", cases[i].api_version, cases[i].kind);
}

static void test_watch_frame(void **state)
{
    struct arena a = {0};
    struct str want = read_file(&a, "watch-namespace.pb"), object = read_file(&a, "namespace.pb");
    struct buf b = {0};
    proto_encode_frame("ADDED", STR("xyz"), &b);
    assert_string_equal(hex_of(&a, buf_str(&b)), "0000000e0a0541444445441205"
                                                 "0a0378797a");
    buf_clear(&b);
    proto_encode_frame("ADDED", object, &b);
    if (want.n > 0)
        check_str_eq(buf_str(&b), want);
    buf_free(&b);
    arena_free(&a);
}

static void test_doubles_keep_their_value(void **state)
{
    static const struct {
        const char *text, *written;
    } cases[] = {
        {"0", "0"},
        {"1", "1"},
        {"-10", "-10"},
        {"1.5", "1.5"},
        {"0.1", "0.1"},
        {"100", "100"},
        {"1e3", "1000"},
        {"1e21", "1e+21"},
        {"1e-7", "1e-7"},
        {"0.000001", "0.000001"},
        {"123456789.125", "123456789.125"},
        {"2.2250738585072014e-308", "2.2250738585072014e-308"},
        {"1.7976931348623157e308", "1.7976931348623157e+308"},
        {"9007199254740993", "9007199254740992"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        double v;
        struct buf b = {0};
        assert_true(wire_double_parse(str_c(cases[i].text), &v));
        wire_double_write(v, &b);
        check_str(buf_str(&b), cases[i].written);
        buf_free(&b);
    }
    double v;
    assert_false(wire_double_parse(STR("x"), &v));
    assert_false(wire_double_parse(STR("1e999"), &v));
    assert_false(wire_double_parse(STR("1e"), &v));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_samples),
        cmocka_unit_test(test_specials_both_ways),
        cmocka_unit_test(test_zero_is_absent_unless_told),
        cmocka_unit_test(test_maps_take_the_last_of_repeated_keys),
        cmocka_unit_test(test_broken_input_is_told),
        cmocka_unit_test(test_broken_messages_are_told),
        cmocka_unit_test(test_depth_is_bounded),
        cmocka_unit_test(test_types_of_documents),
        cmocka_unit_test(test_watch_frame),
        cmocka_unit_test(test_doubles_keep_their_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
