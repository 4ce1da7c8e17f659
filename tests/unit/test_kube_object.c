/* Goal: objects decode their header right, whatever the escapes, and stay canonical; paths and Status go both ways.
 * Method: tables of inputs and expected outputs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/kube/gvr.h"
#include "engine/kube/object.h"
#include "engine/kube/status.h"

#include <string.h>

#define assert_str(s, z)                                                                           \
    do {                                                                                           \
        struct str got_ = (s);                                                                     \
        assert_int_equal(got_.n, strlen(z));                                                       \
        assert_memory_equal(got_.n ? got_.p : "", z, got_.n);                                      \
    } while (0)

static struct kube_object *object(const char *json)
{
    struct kube_object *o = NULL;
    struct err *err = kube_object_from_json(str_c(json), &o);
    assert_null(err);
    return o;
}

static void header_is_decoded(void **state)
{
    struct kube_object *o =
        object("{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"spec\":{\"nodeName\":\"n-1\",\"a\":[1,{"
               "\"b\":\"]}\"}]},"
               "\"metadata\":{\"name\":\"p\",\"namespace\":\"d\",\"uid\":\"u-1\","
               "\"resourceVersion\":\"42\","
               "\"generation\":3,\"deletionTimestamp\":\"2026-01-01T00:00:00Z\","
               "\"labels\":{\"b\":\"2\",\"a\":\"x\\\"y\"},\"finalizers\":[\"f/1\",\"f/2\"],"
               "\"ownerReferences\":[{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"name\":\"n\","
               "\"uid\":\"o-1\","
               "\"controller\":true}]}}");
    assert_str(o->kind, "Pod");
    assert_str(o->api_version, "v1");
    assert_str(o->ns, "d");
    assert_str(o->name, "p");
    assert_str(o->uid, "u-1");
    assert_int_equal(o->resource_version, 42);
    assert_int_equal(o->generation, 3);
    assert_true(o->deleting);
    assert_int_equal(o->labels_n, 2);
    assert_str(kube_object_label(o, STR("a")), "x\"y");
    assert_str(o->labels[1].key, "b");
    assert_true(kube_object_has_finalizer(o, STR("f/2")));
    assert_false(kube_object_has_finalizer(o, STR("f")));
    assert_int_equal(o->owners_n, 1);
    assert_ptr_equal(kube_object_controller(o), &o->owners[0]);
    assert_str(o->owners[0].uid, "o-1");
    assert_false(o->owners[0].block_deletion);
    assert_str(kube_object_string(o, "spec.nodeName"), "n-1");
    assert_str(kube_object_raw(o, "spec.a"), "[1,{\"b\":\"]}\"}]");
    assert_str(kube_object_raw(o, "spec.a.0"), "1");
    assert_str(kube_object_string(o, "spec.a.1.b"), "]}");
    assert_str(kube_object_raw(o, "spec.a.2"), "");
    assert_str(kube_object_raw(o, "spec.a.x"), "");
    assert_str(kube_object_raw(o, "spec.zz"), "");
    struct buf key = {0};
    kube_object_key(o, &key);
    assert_str(buf_str(&key), "d/p");
    buf_free(&key);
    kube_object_unref(o);
}

static void bad_headers_are_refused(void **state)
{
    static const char *const bad[] = {
        "[]",
        "1",
        "{\"metadata\":[]}",
        "{\"metadata\":{\"name\":1}}",
        "{\"metadata\":{\"labels\":[]}}",
        "{\"metadata\":{\"labels\":{\"a\":1}}}",
        "{\"metadata\":{\"finalizers\":{}}}",
        "{\"metadata\":{\"ownerReferences\":[1]}}",
        "{\"kind\":{}}",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct kube_object *o = NULL;
        struct err *err = kube_object_from_json(str_c(bad[i]), &o);
        assert_non_null(err);
        assert_int_equal(err->code, ERR_INVALID);
        err_free(err);
    }
    kube_object_unref(object("{\"metadata\":{\"labels\":null,\"finalizers\":null}}"));
    kube_object_unref(object("{}"));
}

static void revision_is_spliced(void **state)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"{\"metadata\":{}}", "{\"metadata\":{\"resourceVersion\":\"7\"}}"},
        {"{\"metadata\":{\"name\":\"a\"}}",
         "{\"metadata\":{\"name\":\"a\",\"resourceVersion\":\"7\"}}"},
        {"{\"metadata\":{\"uid\":\"a\"}}",
         "{\"metadata\":{\"resourceVersion\":\"7\",\"uid\":\"a\"}}"},
        {"{\"metadata\":{\"name\":\"a\",\"uid\":\"b\"},\"z\":1}",
         "{\"metadata\":{\"name\":\"a\",\"resourceVersion\":\"7\",\"uid\":\"b\"},\"z\":1}"},
        {"{\"metadata\":{\"name\":\"a\",\"resourceVersion\":\"123\",\"uid\":\"b\"}}",
         "{\"metadata\":{\"name\":\"a\",\"resourceVersion\":\"7\",\"uid\":\"b\"}}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct kube_object *o = object(rows[i].in), *with = kube_object_with_revision(o, 7);
        assert_str(with->json, rows[i].out);
        assert_int_equal(with->resource_version, 7);
        kube_object_unref(o);
        kube_object_unref(with);
    }
}

static void paths_go_both_ways(void **state)
{
    static const struct {
        const char *path;
        bool is_resource;
        const char *group, *version, *resource, *ns, *name, *sub;
        bool built; /* kube_path gives the same path again */
    } rows[] = {
        {"/api/v1/pods", true, "", "v1", "pods", "", "", "", true},
        {"/api/v1/namespaces/d/pods", true, "", "v1", "pods", "d", "", "", true},
        {"/api/v1/namespaces/d/pods/p/status", true, "", "v1", "pods", "d", "p", "status", true},
        {"/apis/apps/v1/namespaces/d/deployments/x", true, "apps", "v1", "deployments", "d", "x",
         "", true},
        {"/apis/apps/v1/deployments", true, "apps", "v1", "deployments", "", "", "", true},
        {"/api/v1/namespaces", true, "", "v1", "namespaces", "", "", "", true},
        {"/api/v1/namespaces/d", true, "", "v1", "namespaces", "d", "d", "", false},
        {"/api/v1/namespaces/d/finalize", true, "", "v1", "namespaces", "d", "d", "finalize",
         false},
        {"/api/v1/watch/pods", true, "", "v1", "pods", "", "", "", false},
        {"/api/v1/nodes/n/proxy/a/b", true, "", "v1", "nodes", "", "n", "proxy/a/b", true},
        {"/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode", true,
         "rbac.authorization.k8s.io", "v1", "clusterroles", "", "system:node", "", true},
        {"/apis/apps/v1", false, "", "", "", "", "", "", false},
        {"/api/v1", false, "", "", "", "", "", "", false},
        {"/version", false, "", "", "", "", "", "", false},
        {"/", false, "", "", "", "", "", "", false},
        {"", false, "", "", "", "", "", "", false},
    };
    struct arena a = {0};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct kube_path p;
        kube_path_parse(&a, str_c(rows[i].path), &p);
        assert_int_equal(p.is_resource, rows[i].is_resource);
        if (p.is_resource) {
            assert_str(p.gvr.group, rows[i].group);
            assert_str(p.gvr.version, rows[i].version);
            assert_str(p.gvr.resource, rows[i].resource);
            assert_str(p.ns, rows[i].ns);
            assert_str(p.name, rows[i].name);
            assert_str(p.sub, rows[i].sub);
        }
        if (rows[i].built) {
            struct buf b = {0};
            kube_path(&p.gvr, p.ns, p.name, p.sub, &b);
            assert_str(buf_str(&b), rows[i].path);
            buf_free(&b);
        }
    }
    arena_free(&a);
}

static void status_goes_both_ways(void **state)
{
    struct err *e = err_new(ERR_ALREADY_EXISTS, "configmaps \"x\" already exists");
    struct kube_status s = kube_status_of_err(e);
    s.name = STR("x");
    s.kind = STR("configmaps");
    struct kube_cause cause = {STR("R"), STR("M"), STR("f")};
    s.causes = &cause;
    s.causes_n = 1;
    struct buf b = {0};
    kube_status_write(&s, &b);
    assert_str(buf_str(&b),
               "{\"apiVersion\":\"v1\",\"code\":409,\"details\":{\"causes\":[{\"field\":\"f\","
               "\"message\":\"M\",\"reason\":\"R\"}],\"kind\":\"configmaps\",\"name\":\"x\"},"
               "\"kind\":\"Status\",\"message\":\"configmaps \\\"x\\\" already exists\","
               "\"metadata\":{},\"reason\":\"AlreadyExists\",\"status\":\"Failure\"}");
    struct err *back = kube_status_to_err(409, buf_str(&b));
    assert_int_equal(back->code, ERR_ALREADY_EXISTS);
    assert_string_equal(back->message, e->message);
    err_free(back);
    err_free(e);
    buf_free(&b);
}

static void answers_without_status_mean_their_code(void **state)
{
    static const struct {
        int http;
        const char *body;
        enum err_code code;
    } rows[] = {
        {404, "404 page not found\n", ERR_NOT_FOUND},
        {409, "", ERR_CONFLICT},
        {410, "{}", ERR_GONE},
        {429, "slow down", ERR_TOO_MANY},
        {502, "<html>", ERR_INTERNAL},
        {418, "", ERR_INVALID},
        {503, "{\"kind\":\"Status\",\"code\":503,\"message\":\"m\"}", ERR_UNAVAILABLE},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err *err = kube_status_to_err(rows[i].http, str_c(rows[i].body));
        assert_int_equal(err->code, rows[i].code);
        err_free(err);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_is_decoded),
        cmocka_unit_test(bad_headers_are_refused),
        cmocka_unit_test(revision_is_spliced),
        cmocka_unit_test(paths_go_both_ways),
        cmocka_unit_test(status_goes_both_ways),
        cmocka_unit_test(answers_without_status_mean_their_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
