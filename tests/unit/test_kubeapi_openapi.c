/* Goal: what OpenAPI says is complete and well-formed, for every row of the kinds table and for definitions, in each form.
 * Method: documents are parsed; every reference must resolve, every kind must have a schema and the operations that clients
 * look for; messages are walked on the wire. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/kubeapi/kinds/kinds.h"
#include "sim/kubeapi/types/proto_wire.h"
#include "tests/unit/support/kubeapi_fixture.h"

#include <string.h>

#define MESSAGES "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"

static const char widgets[] = "{\"apiVersion\":\"apiextensions.k8s.io/"
                              "v1\",\"kind\":\"CustomResourceDefinition\",\"metadata\":{"
                              "\"name\":\"widgets.example.com\"},\"spec\":{\"group\":\"example."
                              "com\",\"scope\":\"Namespaced\","
                              "\"names\":{\"plural\":\"widgets\",\"kind\":\"Widget\"},\"versions\":"
                              "[{\"name\":\"v1\",\"served\":true,"
                              "\"storage\":true,\"subresources\":{\"status\":{}},\"schema\":{"
                              "\"openAPIV3Schema\":{\"type\":\"object\","
                              "\"properties\":{\"spec\":{\"type\":\"object\",\"properties\":{"
                              "\"size\":{\"type\":\"integer\",\"minimum\":1,"
                              "\"nullable\":true},\"mode\":{\"type\":\"string\",\"oneOf\":[{"
                              "\"enum\":[\"a\"]}],\"description\":"
                              "\"How it works\"}}}}}}}]}}";

static cJSON *get(struct fixture *f, const char *target)
{
    must(f, 200, "GET", target, NULL);
    assert_non_null(f->body);
    return f->body;
}

/* ---- references ---- */

static void check_references(const cJSON *v, const cJSON *schemas, const char *prefix)
{
    struct str ref = json_string(json_get(v, "$ref"));
    if (ref.n > 0 && str_starts(ref, str_c(prefix))) {
        struct str name = str_sub(ref, strlen(prefix), ref.n);
        if (!json_get_str(schemas, name))
            fail_msg(STR_FMT " leads nowhere", STR_ARG(ref));
    }
    for (const cJSON *c = v->type == cJSON_Object || v->type == cJSON_Array ? v->child : NULL; c;
         c = c->next)
        check_references(c, schemas, prefix);
}

static bool has_schema(const cJSON *schemas, const struct api_kind *k)
{
    for (const cJSON *s = schemas->child; s; s = s->next) {
        const cJSON *list = json_get(s, "x-kubernetes-group-version-kind");
        for (const cJSON *g = list ? list->child : NULL; g; g = g->next)
            if (str_eq(json_string_at(g, "group"), k->group) &&
                str_eq(json_string_at(g, "version"), k->version) &&
                str_eq(json_string_at(g, "kind"), k->kind))
                return true;
    }
    return false;
}

static bool has_parameter(const cJSON *operation, const char *name)
{
    const cJSON *list = json_get(operation, "parameters");
    for (const cJSON *p = list ? list->child : NULL; p; p = p->next)
        if (str_eq_c(json_string_at(p, "name"), name))
            return true;
    return false;
}

/* The operation of a kind by method whose x-kubernetes-action is this. */
static const cJSON *operation(const cJSON *paths, const struct api_kind *k, const char *method,
                              const char *action)
{
    for (const cJSON *p = paths->child; p; p = p->next) {
        const cJSON *op = json_get(p, method);
        const cJSON *gvk = op ? json_get(op, "x-kubernetes-group-version-kind") : NULL;
        if (gvk && str_eq_c(json_string_at(op, "x-kubernetes-action"), action) &&
            str_eq(json_string_at(gvk, "group"), k->group) &&
            str_eq(json_string_at(gvk, "version"), k->version) &&
            str_eq(json_string_at(gvk, "kind"), k->kind))
            return op;
    }
    return NULL;
}

static void check_kind(const cJSON *document, const cJSON *schemas, const struct api_kind *k)
{
    static const struct {
        enum api_verb verb;
        const char *method, *action;
    } rows[] = {{VERB_GET, "get", "get"},
                {VERB_LIST, "get", "list"},
                {VERB_CREATE, "post", "post"},
                {VERB_UPDATE, "put", "put"},
                {VERB_PATCH, "patch", "patch"},
                {VERB_DELETE, "delete", "delete"},
                {VERB_DELETECOLLECTION, "delete", "deletecollection"}};
    const cJSON *paths = json_get(document, "paths");
    if (!has_schema(schemas, k))
        fail_msg(STR_FMT " has no schema", STR_ARG(k->resource));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if ((k->verbs & (1u << rows[i].verb)) &&
            !operation(paths, k, rows[i].method, rows[i].action))
            fail_msg(STR_FMT " has no %s", STR_ARG(k->resource), rows[i].action);
    if (!(k->verbs & (1u << VERB_PATCH)))
        return;
    const cJSON *patch = operation(paths, k, "patch", "patch");
    assert_true(has_parameter(patch, "dryRun"));
    assert_true(has_parameter(patch, "fieldValidation"));
}

static void v3_is_complete(void **state)
{
    struct fixture f;
    fixture_open(&f, NULL);
    must(&f, 201, "POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", widgets);
    for (size_t i = 0; i < api_kinds_n; i++) {
        const struct api_kind *k = &api_kinds[i];
        if (api_kind_is_sub(k))
            continue;
        const char *path = k->group.n == 0
                               ? "/openapi/v3/api/v1"
                               : arena_printf(&f.a, "/openapi/v3/apis/" STR_FMT "/" STR_FMT,
                                              STR_ARG(k->group), STR_ARG(k->version))
                                     .p;
        const cJSON *document = get(&f, path), *schemas = json_path(document, "components.schemas");
        check_kind(document, schemas, k);
        if (i == 0 || !str_eq(api_kinds[i - 1].group, k->group))
            check_references(document, schemas, "#/components/schemas/");
        arena_reset(&f.a);
    }
    const struct api_kind widget = {.group = STR("example.com"),
                                    .version = STR("v1"),
                                    .resource = STR("widgets"),
                                    .kind = STR("Widget"),
                                    .verbs = (1u << VERB_NONE) - 1};
    const cJSON *document = get(&f, "/openapi/v3/apis/example.com/v1");
    const cJSON *schemas = json_path(document, "components.schemas");
    check_kind(document, schemas, &widget);
    check_references(document, schemas, "#/components/schemas/");
    assert_non_null(json_get(schemas, "com.example.v1.WidgetList"));
    fixture_close(&f);
}

static void v3_index_leads_to_documents(void **state)
{
    struct fixture f;
    fixture_open(&f, NULL);
    const cJSON *entry = json_get(json_get(get(&f, "/openapi/v3"), "paths"), "apis/apps/v1");
    const char *url = arena_c(&f.a, json_string_at(entry, "serverRelativeURL"));
    assert_true(str_starts(str_c(url), STR("/openapi/v3/apis/apps/v1?hash=")));
    assert_string_equal(arena_c(&f.a, f.last.content_type), "text/plain; charset=utf-8");
    get(&f, url);
    assert_int_equal(ask(&f, "GET", "/openapi/v3/apis/apps/v1?hash=00", NULL), 301);
    assert_int_equal(ask(&f, "GET", "/openapi/v3/apis/nope/v1", NULL), 404);
    assert_int_equal(ask(&f, "POST", "/openapi/v3", "{}"), 405);
    must(&f, 201, "POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", widgets);
    const cJSON *paths = json_get(get(&f, "/openapi/v3"), "paths");
    assert_non_null(json_get(paths, "apis/example.com/v1"));
    entry = json_get(paths, "apis/apps/v1"); /* the others keep their hash */
    assert_string_equal(arena_c(&f.a, json_string_at(entry, "serverRelativeURL")), url);
    fixture_close(&f);
}

static void v2_is_complete(void **state)
{
    struct fixture f;
    fixture_open(&f, NULL);
    must(&f, 201, "POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", widgets);
    const cJSON *document = get(&f, "/openapi/v2"), *schemas = json_get(document, "definitions");
    for (size_t i = 0; i < api_kinds_n; i++)
        if (!api_kind_is_sub(&api_kinds[i]))
            check_kind(document, schemas, &api_kinds[i]);
    check_references(document, schemas, "#/definitions/");
    const cJSON *widget = json_get(schemas, "com.example.v1.Widget");
    const cJSON *mode = json_path(widget, "properties.spec.properties.mode");
    assert_non_null(mode);
    assert_null(json_get(mode, "oneOf"));
    assert_true(str_eq_c(json_string_at(mode, "description"), "How it works"));
    assert_null(json_path(widget, "properties.spec.properties.size.type")); /* nullable */
    fixture_close(&f);
}

/* ---- messages ---- */

/* The bytes of the first field of a number; counts them all. */
static struct str field(struct str message, uint64_t number, size_t *count)
{
    struct str rest = message, first = str_empty;
    *count = 0;
    while (rest.n > 0) {
        uint64_t n;
        enum wire wire;
        struct str bytes;
        assert_null(wire_take_tag(&rest, &n, &wire));
        if (wire != WIRE_BYTES) {
            assert_null(wire_skip(&rest, wire));
            continue;
        }
        assert_null(wire_take_bytes(&rest, &bytes));
        if (n == number && (*count)++ == 0)
            first = bytes;
    }
    return first;
}

static void v2_messages_say_the_same(void **state)
{
    struct fixture f;
    size_t n, definitions_n, paths_n;
    fixture_open(&f, NULL);
    const cJSON *json = get(&f, "/openapi/v2");
    int definitions_json = cJSON_GetArraySize(json_get(json, "definitions"));
    int paths_json = cJSON_GetArraySize(json_get(json, "paths"));
    f.accept = MESSAGES;
    must(&f, 200, "GET", "/openapi/v2", NULL);
    assert_string_equal(arena_c(&f.a, f.last.content_type),
                        "application/com.github.proto-openapi.spec.v2.v1.0+protobuf");
    struct str document = buf_str(&f.last.body);
    assert_true(str_starts(document, STR("\x0a\x03"
                                         "2.0")));
    struct str definitions = field(document, 9, &n);
    (void)field(definitions, 1, &definitions_n);
    (void)field(field(document, 8, &n), 2, &paths_n);
    assert_int_equal(definitions_n, definitions_json);
    assert_int_equal(paths_n, paths_json);
    assert_true(str_find(definitions, STR("x-kubernetes-group-version-kind")) >= 0);
    assert_true(str_find(definitions, STR("x-kubernetes-patch-merge-key")) >= 0);
    f.accept = "image/png";
    assert_int_equal(ask(&f, "GET", "/openapi/v2", NULL), 406);
    fixture_close(&f);
}

/* Every path and schema of a v3 document is in its messages too; both have the hash that the index tells. */
static void v3_messages_say_the_same(void **state)
{
    static const char *const targets[] = {"/openapi/v3/api/v1", "/openapi/v3/apis/apps/v1",
                                          "/openapi/v3/apis/example.com/v1", "/openapi/v3/version"};
    struct fixture f;
    size_t n, paths_n, schemas_n;
    fixture_open(&f, NULL);
    must(&f, 201, "POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", widgets);
    for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
        f.accept = NULL;
        const cJSON *json = get(&f, targets[i]);
        int paths = cJSON_GetArraySize(json_get(json, "paths"));
        int schemas = cJSON_GetArraySize(json_path(json, "components.schemas"));
        f.accept = "application/com.github.proto-openapi.spec.v3@v1.0+protobuf";
        must(&f, 200, "GET", targets[i], NULL);
        assert_string_equal(arena_c(&f.a, f.last.content_type),
                            "application/com.github.proto-openapi.spec.v3.v1.0+protobuf");
        struct str document = buf_str(&f.last.body);
        assert_true(str_starts(document, STR("\x0a\x05"
                                             "3.0.0")));
        (void)field(field(document, 4, &n), 1, &paths_n);
        assert_int_equal(paths_n, paths);
        struct str components = field(document, 5, &n);
        (void)field(field(components, 1, &n), 1, &schemas_n);
        assert_int_equal(schemas_n, schemas);
    }
    assert_true(str_find(buf_str(&f.last.body), STR("BearerToken")) >= 0);
    f.accept = "image/png";
    assert_int_equal(ask(&f, "GET", targets[0], NULL), 406);
    assert_int_equal(ask(&f, "GET", "/openapi/v3", NULL), 200);
    fixture_close(&f);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(v3_is_complete),           cmocka_unit_test(v3_index_leads_to_documents),
        cmocka_unit_test(v2_is_complete),           cmocka_unit_test(v2_messages_say_the_same),
        cmocka_unit_test(v3_messages_say_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
