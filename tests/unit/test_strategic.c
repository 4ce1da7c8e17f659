/* Goal: strategic merge patches give what the API gives: merge keys, sets, order, directives, errors.
 * Method: a table of object, patch and expected result on the built-in Deployment and ConfigMap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/kubeapi/types/strategic.h"

#include <string.h>

struct row {
    const char *about, *kind, *object, *patch,
        *expected; /* expected: a result, or "!" and the error */
};

#define POD(containers) "{\"spec\":{\"template\":{\"spec\":{" containers "}}}}"

static const struct row rows[] = {
    {"maps merge, null deletes", "ConfigMap", "{\"data\":{\"a\":\"1\",\"b\":\"2\"}}",
     "{\"data\":{\"a\":null,\"c\":\"3\"}}", "{\"data\":{\"b\":\"2\",\"c\":\"3\"}}"},
    {"containers merge by name", "Deployment",
     POD("\"containers\":[{\"image\":\"1\",\"name\":\"a\"},{\"image\":\"1\",\"name\":\"b\"}]"),
     POD("\"containers\":[{\"image\":\"2\",\"name\":\"b\"}]"),
     POD("\"containers\":[{\"image\":\"1\",\"name\":\"a\"},{\"image\":\"2\",\"name\":\"b\"}]")},
    {"a new item stands in front", "Deployment", POD("\"containers\":[{\"name\":\"a\"}]"),
     POD("\"containers\":[{\"name\":\"n\"}]"),
     POD("\"containers\":[{\"name\":\"n\"},{\"name\":\"a\"}]")},
    {"an item is deleted", "Deployment", POD("\"containers\":[{\"name\":\"a\"},{\"name\":\"b\"}]"),
     POD("\"containers\":[{\"$patch\":\"delete\",\"name\":\"a\"}]"),
     POD("\"containers\":[{\"name\":\"b\"}]")},
    {"a list is replaced", "Deployment", POD("\"containers\":[{\"name\":\"a\"}]"),
     POD("\"containers\":[{\"$patch\":\"replace\"},{\"name\":\"z\"}]"),
     POD("\"containers\":[{\"name\":\"z\"}]")},
    {"element order", "Deployment", POD("\"containers\":[{\"name\":\"a\"},{\"name\":\"b\"}]"),
     POD("\"$setElementOrder/containers\":[{\"name\":\"b\"},{\"name\":\"a\"}],\"containers\":[{"
         "\"image\":\"9\",\"name\":\"a\"}]"),
     POD("\"containers\":[{\"name\":\"b\"},{\"image\":\"9\",\"name\":\"a\"}]")},
    {"element order without a patch of the list", "Deployment",
     POD("\"containers\":[{\"name\":\"a\"},{\"name\":\"b\"}]"),
     POD("\"$setElementOrder/containers\":[{\"name\":\"b\"},{\"name\":\"a\"}]"),
     POD("\"containers\":[{\"name\":\"b\"},{\"name\":\"a\"}]")},
    {"ports merge by containerPort", "Deployment",
     POD("\"containers\":[{\"name\":\"a\",\"ports\":[{\"containerPort\":80},{\"containerPort\":81}]"
         "}]"),
     POD("\"containers\":[{\"name\":\"a\",\"ports\":[{\"containerPort\":81,\"name\":\"n\"},{"
         "\"containerPort\":82}]}]"),
     POD("\"containers\":[{\"name\":\"a\",\"ports\":[{\"containerPort\":80},{\"containerPort\":81,"
         "\"name\":\"n\"},{\"containerPort\":82}]}]")},
    {"other lists are replaced", "Deployment",
     POD("\"containers\":[{\"args\":[\"x\",\"y\"],\"name\":\"a\"}]"),
     POD("\"containers\":[{\"args\":[\"z\"],\"name\":\"a\"}]"),
     POD("\"containers\":[{\"args\":[\"z\"],\"name\":\"a\"}]")},
    {"finalizers are a set", "ConfigMap", "{\"metadata\":{\"finalizers\":[\"a\"]}}",
     "{\"metadata\":{\"finalizers\":[\"b\",\"a\"]}}",
     "{\"metadata\":{\"finalizers\":[\"b\",\"a\"]}}"},
    {"deletion from a set", "ConfigMap", "{\"metadata\":{\"finalizers\":[\"a\",\"b\",\"c\"]}}",
     "{\"metadata\":{\"$deleteFromPrimitiveList/finalizers\":[\"b\"]}}",
     "{\"metadata\":{\"finalizers\":[\"a\",\"c\"]}}"},
    {"retain keys", "Deployment",
     "{\"spec\":{\"strategy\":{\"rollingUpdate\":{\"maxSurge\":1},\"type\":\"RollingUpdate\"}}}",
     "{\"spec\":{\"strategy\":{\"$retainKeys\":[\"type\"],\"type\":\"Recreate\"}}}",
     "{\"spec\":{\"strategy\":{\"type\":\"Recreate\"}}}"},
    {"retain keys of a new item leave nothing behind", "Deployment", POD("\"volumes\":[]"),
     POD("\"volumes\":[{\"$retainKeys\":[\"name\"],\"name\":\"v\"}]"),
     POD("\"volumes\":[{\"name\":\"v\"}]")},
    {"a null needs no retained key", "Deployment",
     "{\"spec\":{\"strategy\":{\"rollingUpdate\":{\"maxSurge\":1},\"type\":\"RollingUpdate\"}}}",
     "{\"spec\":{\"strategy\":{\"$retainKeys\":[\"type\"],\"rollingUpdate\":null,\"type\":"
     "\"Recreate\"}}}",
     "{\"spec\":{\"strategy\":{\"type\":\"Recreate\"}}}"},
    {"what goes needs no place in the order", "Deployment",
     POD("\"containers\":[{\"name\":\"a\"},{\"name\":\"b\"}]"),
     POD("\"$setElementOrder/containers\":[{\"name\":\"b\"}],\"containers\":[{\"$patch\":"
         "\"delete\",\"name\":\"a\"},{\"image\":\"2\",\"name\":\"b\"}]"),
     POD("\"containers\":[{\"image\":\"2\",\"name\":\"b\"}]")},
    {"a list that is replaced takes nothing from its order", "Deployment",
     POD("\"containers\":[{\"args\":[\"x\",\"y\"],\"name\":\"a\"}]"),
     POD("\"containers\":[{\"$setElementOrder/args\":[\"z\"],\"args\":[\"z\"],\"name\":\"a\"}]"),
     POD("\"containers\":[{\"args\":[\"z\"],\"name\":\"a\"}]")},
    {"an item that the patch has twice", "Deployment", POD("\"containers\":[{\"name\":\"a\"}]"),
     POD("\"containers\":[{\"name\":\"n\"},{\"image\":\"1\",\"name\":\"n\"}]"),
     POD("\"containers\":[{\"image\":\"1\",\"name\":\"n\"},{\"name\":\"a\"}]")},
    {"nulls of a new map stay out", "ConfigMap", "{}", "{\"data\":{\"a\":\"1\",\"b\":null}}",
     "{\"data\":{\"a\":\"1\"}}"},
    {"a map is replaced", "ConfigMap", "{\"data\":{\"a\":\"1\"}}",
     "{\"data\":{\"$patch\":\"replace\",\"b\":\"2\"}}", "{\"data\":{\"b\":\"2\"}}"},
    {"a map is emptied", "ConfigMap", "{\"data\":{\"a\":\"1\"}}",
     "{\"data\":{\"$patch\":\"delete\"}}", "{\"data\":{}}"},
    {"unknown directive", "Deployment", POD("\"containers\":[{\"name\":\"a\"}]"),
     POD("\"containers\":[{\"$patch\":\"odd\",\"name\":\"a\"}]"),
     "!unknown patch type: odd in map: map[$patch:odd name:a]"},
    {"no merge key", "Deployment", POD("\"containers\":[{\"name\":\"a\"}]"),
     POD("\"containers\":[{\"image\":\"x\"}]"),
     "!map: map[image:x] does not contain declared merge key: name"},
    {"retain keys that miss one", "Deployment", "{\"spec\":{\"strategy\":{}}}",
     "{\"spec\":{\"strategy\":{\"$retainKeys\":[\"rollingUpdate\"],\"type\":\"Recreate\"}}}",
     "!invalid patch format of retainKeys"},
    {"order that does not match", "Deployment", POD("\"containers\":[{\"name\":\"a\"}]"),
     POD("\"$setElementOrder/containers\":[{\"name\":\"b\"}],\"containers\":[{\"name\":\"a\"}]"),
     "!The order in patch list:\n[map[name:a]]\n doesn't match $setElementOrder "
     "list:\n[map[name:b]]\n"},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena a = {0};
        struct buf out = {0};
        cJSON *tree, *patch;
        bool apps = strcmp(rows[i].kind, "Deployment") == 0;
        const struct type *t =
            type_builtin(apps ? STR("apps") : str_empty, STR("v1"), str_c(rows[i].kind));
        assert_non_null(t);
        assert_null(json_parse(&a, str_c(rows[i].object), &tree));
        assert_null(json_parse(&a, str_c(rows[i].patch), &patch));
        struct err *err = strategic_apply(&a, t, &tree, patch);
        if (err)
            buf_addf(&out, "!%s", err->message);
        else
            json_write(&out, tree);
        if (strcmp(buf_c(&out), rows[i].expected) != 0)
            fail_msg("%s:\n got      %s\n expected %s", rows[i].about, buf_c(&out),
                     rows[i].expected);
        err_free(err);
        buf_free(&out);
        arena_free(&a);
    }
}

/* Beyond a few members look-ups go by an index. */
static void test_many_members(void **state)
{
    struct arena a = {0};
    cJSON *tree = json_object(&a), *patch = json_object(&a), *data = json_object(&a);
    cJSON *changes = json_object(&a);
    (void)state;
    for (int i = 0; i < 200; i++) {
        struct str name = arena_printf(&a, "k%d", i);
        json_set_str(&a, data, name.p, STR("old"));
        if (i % 3 == 0)
            json_set(&a, changes, name, json_null(&a));
        else if (i % 3 == 1)
            json_set_str(&a, changes, name.p, STR("new"));
    }
    json_set_str(&a, changes, "more", STR("1"));
    json_set(&a, tree, STR("data"), data);
    json_set(&a, patch, STR("data"), changes);
    assert_null(
        strategic_apply(&a, type_builtin(str_empty, STR("v1"), STR("ConfigMap")), &tree, patch));
    data = json_get(tree, "data");
    assert_int_equal(cJSON_GetArraySize(data), 200 - 67 + 1);
    assert_null(json_get(data, "k3"));
    assert_string_equal(json_get(data, "k4")->valuestring, "new");
    assert_string_equal(json_get(data, "k5")->valuestring, "old");
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows),
                                       cmocka_unit_test(test_many_members)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
