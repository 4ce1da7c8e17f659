/* Goal: what is said about content on the wire: forms of answers and bodies, compression, limits, broken bodies, WebSocket
 * watches, seats, time-outs, health.
 * Method: raw HTTP/1.1 on one small world; answers are looked at as text. */
#include "engine/base/codec.h"
#include "engine/http/ws.h"
#include "sim/kubeapi/core/exchange.h"
#include "sim/kubeapi/core/inflight.h"
#include "sim/kubeapi/types/proto.h"
#include "tests/unit/support/check.h"
#include "tests/unit/support/kubeapi_fixture.h"
#include "tests/unit/support/raw_peer.h"

#include <zlib.h>

#define CM "/api/v1/namespaces/default/configmaps"

struct wire {
    struct fixture f;
    struct raw_peer peer;
    struct buf head, body; /* of the last answer */
};

static void wire_open(struct wire *t, unsigned mutating_max, unsigned readonly_max)
{
    static const struct str masters[] = {STR_INIT("system:masters")};
    static const struct kubeapi_token tokens[] = {
        {STR_INIT("t"), STR_INIT("admin"), STR_INIT("1"), masters, 1},
        {STR_INIT("u"), STR_INIT("user"), STR_INIT("2"), NULL, 0}};
    struct kubeapi_options options = {.bare = true,
                                      .allow_all = true,
                                      .tokens = tokens,
                                      .tokens_n = ARRAY_LEN(tokens),
                                      .mutating_max = mutating_max,
                                      .readonly_max = readonly_max};
    struct world_listen listen = {.address = world_addr_make(STR("0.0.0.0"), 80)};
    *t = (struct wire){0};
    fixture_open(&t->f, &options);
    assert_null(kubeapi_listen(t->f.api, &listen, NULL));
}

static void wire_close(struct wire *t)
{
    raw_free(&t->peer);
    fake_run_for(t->f.world, NS_PER_S);
    buf_free(&t->head);
    buf_free(&t->body);
    fixture_close(&t->f);
}

static void send_to(struct wire *t, struct raw_peer *p, const char *user, const char *line,
                    const char *headers, struct str body)
{
    struct buf b = {0};
    raw_connect(p, t->f.world, 80);
    buf_addf(&b, "%s HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\n%s", line, user, headers);
    if (body.n > 0)
        buf_addf(&b, "Content-Length: %zu\r\n", body.n);
    buf_add_c(&b, "\r\n");
    buf_add(&b, body);
    raw_send(p, buf_str(&b));
    buf_free(&b);
    fake_run_for(t->f.world, 10 * NS_PER_MS);
}

static int status_of(const struct raw_peer *p)
{
    int64_t status = 0;
    (void)str_to_i64(str_sub(buf_str(&p->got), 9, 3), &status);
    return (int)status;
}

/* One request on a connection of its own; gives the status. */
static int say(struct wire *t, const char *line, const char *headers, struct str body)
{
    raw_free(&t->peer);
    send_to(t, &t->peer, "t", line, headers, body);
    struct str got = buf_str(&t->peer.got);
    ptrdiff_t end = str_find(got, STR("\r\n\r\n"));
    assert_true(end > 0);
    buf_clear(&t->head);
    buf_clear(&t->body);
    buf_add(&t->head, str_sub(got, 0, (size_t)end + 2));
    buf_add(&t->body, str_sub(got, (size_t)end + 4, got.n));
    return status_of(&t->peer);
}

static bool has(const struct buf *b, const char *text)
{
    return str_find(buf_str(b), str_c(text)) >= 0;
}

#define assert_has(b, text)                                                                        \
    do {                                                                                           \
        if (!has((b), (text)))                                                                     \
            fail_msg("\"%s\" is not in %s", (text), buf_c(b));                                     \
    } while (0)

static struct str envelope(struct wire *t, const char *json)
{
    struct buf b = {0};
    cJSON *tree;
    check_ok(json_parse(&t->f.a, str_c(json), &tree));
    struct str version = json_string_at(tree, "apiVersion"), kind = json_string_at(tree, "kind");
    proto_encode_object(proto_type(version, kind), version, kind, str_c(json), &b);
    struct str s = arena_str(&t->f.a, buf_str(&b));
    buf_free(&b);
    return s;
}

static void test_protobuf_both_ways(void **state)
{
    struct wire t;
    struct proto_envelope e;
    cJSON *tree;
    wire_open(&t, 0, 0);
    struct str body =
        envelope(&t, "{\"apiVersion\":\"v1\",\"data\":{\"a\":\"1\",\"b\":\"\"},\"kind\":"
                     "\"ConfigMap\",\"metadata\":{\"name\":\"a\"}}");
    assert_int_equal(say(&t, "POST " CM,
                         "Content-Type: application/vnd.kubernetes.protobuf\r\nAccept: "
                         "application/vnd.kubernetes.protobuf, application/json\r\n",
                         body),
                     201);
    assert_has(&t.head, "Content-Type: application/vnd.kubernetes.protobuf\r\n");
    check_ok(proto_open(buf_str(&t.body), &e));
    check_str(e.kind, "ConfigMap");
    check_ok(proto_decode(&t.f.a, type_builtin(str_empty, STR("v1"), e.kind), e.raw, &tree));
    check_str(json_string_at(tree, "data.a"), "1");
    check_str(json_string_at(tree, "metadata.name"), "a");

    assert_int_equal(
        say(&t, "GET " CM, "Accept: application/vnd.kubernetes.protobuf\r\n", str_empty), 200);
    check_ok(proto_open(buf_str(&t.body), &e));
    check_str(e.kind, "ConfigMapList");
    check_ok(proto_decode(&t.f.a, type_builtin(str_empty, STR("v1"), e.kind), e.raw, &tree));
    check_str(json_string_at(json_get(tree, "items")->child, "data.a"), "1");

    assert_int_equal(
        say(&t, "GET " CM "/b", "Accept: application/vnd.kubernetes.protobuf\r\n", str_empty), 404);
    check_ok(proto_open(buf_str(&t.body), &e));
    check_str(e.kind, "Status");

    assert_int_equal(say(&t, "DELETE " CM "/a",
                         "Content-Type: application/vnd.kubernetes.protobuf\r\n",
                         envelope(&t, "{\"apiVersion\":\"v1\",\"kind\":\"DeleteOptions\","
                                      "\"preconditions\":{\"uid\":\"x\"}}")),
                     409);
    assert_int_equal(say(&t, "POST " CM, "Content-Type: application/vnd.kubernetes.protobuf\r\n",
                         str_sub(body, 0, body.n - 8)),
                     400);
    assert_has(&t.body, "unexpected EOF (6b387300");
    wire_close(&t);
}

/* Bodies of subresources come in the kind of another group, or of the resource's own. */
static void test_protobuf_bodies_of_subresources(void **state)
{
    static const struct {
        const char *line, *body;
        int status;
    } cases[] = {
        {"POST /api/v1/namespaces/default/pods",
         "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\"},\"spec\":{"
         "\"containers\":["
         "{\"image\":\"i\",\"name\":\"c\"}]}}",
         201},
        {"POST /api/v1/namespaces/default/pods/p/binding",
         "{\"apiVersion\":\"v1\",\"kind\":\"Binding\",\"metadata\":{\"name\":\"p\"},\"target\":{"
         "\"kind\":"
         "\"Node\",\"name\":\"n\"}}",
         201},
        {"PUT /api/v1/namespaces/default/pods/p/status",
         "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\",\"namespace\":"
         "\"default\"},"
         "\"spec\":{\"containers\":[{\"image\":\"i\",\"name\":\"c\"}]},\"status\":{\"phase\":"
         "\"Running\"}}",
         200},
        {"POST /api/v1/namespaces/default/pods/p/eviction",
         "{\"apiVersion\":\"policy/"
         "v1\",\"deleteOptions\":{\"gracePeriodSeconds\":0},\"kind\":\"Eviction\","
         "\"metadata\":{\"name\":\"p\",\"namespace\":\"default\"}}",
         201},
        {"POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
         "{\"apiVersion\":\"authorization.k8s.io/"
         "v1\",\"kind\":\"SelfSubjectAccessReview\",\"metadata\":{},"
         "\"spec\":{\"resourceAttributes\":{\"resource\":\"pods\",\"verb\":\"get\"}}}",
         201},
        {"DELETE /api/v1/namespaces/default/configmaps",
         "{\"apiVersion\":\"apps/"
         "v1\",\"kind\":\"DeleteOptions\",\"propagationPolicy\":\"Background\"}",
         200},
    };
    struct wire t;
    wire_open(&t, 0, 0);
    must(&t.f, 201, "POST", "/api/v1/namespaces/default/serviceaccounts",
         "{\"metadata\":{\"name\":\"default\"}}");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int status = say(&t, cases[i].line, "Content-Type: application/vnd.kubernetes.protobuf\r\n",
                         envelope(&t, cases[i].body));
        if (status != cases[i].status)
            fail_msg("%s: %d %s", cases[i].line, status, buf_c(&t.body));
    }
    wire_close(&t);
}

#define METADATA(list)                                                                             \
    "Accept: application/vnd.kubernetes.protobuf;as=PartialObjectMetadata" list                    \
    ";g=meta.k8s.io;v=v1,application/json;as=PartialObjectMetadata" list                           \
    ";g=meta.k8s.io;v=v1,application/json\r\n"

/* As informers of metadata ask: also for custom resources, which have no message of their own. */
static void test_metadata_in_protobuf(void **state)
{
    static const char definition[] = "{\"apiVersion\":\"apiextensions.k8s.io/"
                                     "v1\",\"kind\":\"CustomResourceDefinition\",\"metadata\":{"
                                     "\"name\":\"ws.x.y\"},\"spec\":{\"group\":\"x.y\",\"scope\":"
                                     "\"Namespaced\",\"names\":{\"plural\":"
                                     "\"ws\",\"kind\":\"W\"},\"versions\":[{\"name\":\"v1\","
                                     "\"served\":true,\"storage\":true,\"schema\":{"
                                     "\"openAPIV3Schema\":{\"type\":\"object\"}}}]}}";
    static const char *const paths[] = {CM, "/apis/x.y/v1/namespaces/default/ws"};
    struct wire t;
    struct proto_envelope e;
    cJSON *tree;
    wire_open(&t, 0, 0);
    must(&t.f, 201, "POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition);
    settle(&t.f);
    must(&t.f, 201, "POST", CM, "{\"metadata\":{\"name\":\"a\"}}");
    must(&t.f, 201, "POST", paths[1],
         "{\"apiVersion\":\"x.y/v1\",\"kind\":\"W\",\"metadata\":{\"name\":\"a\"}}");
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct str line = arena_printf(&t.f.a, "GET %s", paths[i]);
        assert_int_equal(say(&t, line.p, METADATA("List"), str_empty), 200);
        check_ok(proto_open(buf_str(&t.body), &e));
        check_str(e.kind, "PartialObjectMetadataList");
        check_str(e.api_version, "meta.k8s.io/v1");
        const struct type *type = proto_type(e.api_version, e.kind);
        assert_non_null(type);
        check_ok(proto_decode(&t.f.a, type, e.raw, &tree));
        check_str(json_string_at(json_get(tree, "items")->child, "metadata.name"), "a");
        line = arena_printf(&t.f.a, "GET %s?watch=1", paths[i]);
        assert_int_equal(say(&t, line.p, METADATA(""), str_empty), 200);
        assert_has(&t.head, "Content-Type: application/vnd.kubernetes.protobuf;stream=watch\r\n");
        assert_has(&t.body, "PartialObjectMetadata");
    }
    wire_close(&t);
}

static void test_protobuf_watch(void **state)
{
    struct wire t;
    struct raw_peer two;
    wire_open(&t, 0, 0);
    const char *headers = "Accept: application/vnd.kubernetes.protobuf;stream=watch\r\n";
    (void)say(&t, "GET " CM "?watch=1", headers, str_empty);
    assert_has(&t.head, "Content-Type: application/vnd.kubernetes.protobuf;stream=watch\r\n");
    send_to(&t, &two, "t", "GET " CM "?watch=1", headers, str_empty);
    size_t one_from = t.peer.got.n, two_from = two.got.n;
    must(&t.f, 201, "POST", CM, "{\"metadata\":{\"name\":\"a\"}}");
    fake_run_for(t.f.world, 10 * NS_PER_MS);
    struct str one = str_sub(buf_str(&t.peer.got), one_from, t.peer.got.n);
    check_str_eq(one, str_sub(buf_str(&two.got), two_from, two.got.n)); /* encoded once */
    struct str frame = str_sub(one, (size_t)str_find(one, STR("\r\n")) + 2, one.n);
    check_str_eq(str_sub(frame, 4, 7), STR("\x0a\x05"
                                           "ADDED"));
    assert_true(str_find(frame, (struct str){"k8s\0", 4}) > 0);
    assert_int_equal(say(&t, "GET " CM "?watch=1", "Accept: application/yaml\r\n", str_empty), 406);
    raw_free(&two);
    wire_close(&t);
}

static void test_forms_of_answers(void **state)
{
    struct wire t;
    wire_open(&t, 0, 0);
    must(&t.f, 201, "POST", CM,
         "{\"metadata\":{\"name\":\"a\"},\"data\":{\"k\":\"l1\\nl2\\n\",\"n\":\"no\"}}");
    assert_int_equal(say(&t, "GET " CM "/a", "", str_empty), 200);
    assert_has(&t.body, "{\"apiVersion\":\"v1\",");
    assert_int_equal(t.body.p[t.body.n - 1], '\n');
    assert_int_equal(say(&t, "GET " CM "/a?pretty=1", "", str_empty), 200);
    assert_has(&t.body, "{\n  \"apiVersion\": \"v1\",\n  \"data\": {\n    \"k\": \"l1\\nl2\\n\",");
    assert_int_equal(say(&t, "GET " CM "/a", "User-Agent: curl/8\r\n", str_empty), 200);
    assert_has(&t.body, "{\n  \"apiVersion\"");
    assert_int_equal(say(&t, "GET " CM "/a?pretty=0", "User-Agent: curl/8\r\n", str_empty), 200);
    assert_has(&t.body, "{\"apiVersion\"");
    assert_int_equal(say(&t, "GET " CM "/a", "Accept: application/yaml\r\n", str_empty), 200);
    assert_has(&t.head, "Content-Type: application/yaml\r\n");
    assert_has(&t.body,
               "apiVersion: v1\ndata:\n  k: |\n    l1\n    l2\n  \"n\": \"no\"\nkind: ConfigMap\n");
    assert_int_equal(say(&t, "GET " CM "/a", "Accept: text/html\r\n", str_empty), 406);
    assert_has(&t.body, "406: Not Acceptable");
    assert_int_equal(say(&t, "GET " CM "/a", "Accept: application/*\r\n", str_empty), 406);
    assert_int_equal(say(&t, "GET /version", "Accept: application/yaml\r\n", str_empty), 200);
    assert_has(&t.body, "\"minor\": \"34\"");
    assert_has(&t.head, "Cache-Control: no-cache, private\r\n");
    assert_int_equal(say(&t, "GET /version", "Audit-Id: mine\r\n", str_empty), 200);
    assert_has(&t.head, "Audit-Id: mine\r\n");
    wire_close(&t);
}

static void note_users(void *owner, const struct kubeapi_exchange *x)
{
    buf_addf(owner, STR_FMT " as " STR_FMT ";", STR_ARG(x->user.name), STR_ARG(x->as.name));
}

/* An audit tells who asked, and apart from them whom they acted as. */
static void test_users_that_are_told(void **state)
{
    struct wire t;
    struct buf users = {0};
    wire_open(&t, 0, 0);
    kubeapi_observe(t.f.api, note_users, &users, KUBEAPI_BODIES_SMALL);
    assert_int_equal(say(&t, "GET " CM, "", str_empty), 200);
    assert_int_equal(say(&t, "GET " CM, "Impersonate-User: jane\r\n", str_empty), 200);
    assert_string_equal(buf_c(&users), "admin as ;admin as jane;");
    wire_close(&t);
    buf_free(&users);
}

static void test_compression(void **state)
{
    struct wire t;
    struct buf plain = {0};
    wire_open(&t, 0, 0);
    struct buf body = {0};
    buf_add_c(&body, "{\"metadata\":{\"name\":\"a\"},\"data\":{\"k\":\"");
    for (int i = 0; i < 20000; i++)
        buf_add_c(&body, "0123456789");
    buf_add_c(&body, "\"}}");
    must(&t.f, 201, "POST", CM, buf_c(&body));
    assert_int_equal(say(&t, "GET " CM "/a", "Accept-Encoding: gzip, br\r\n", str_empty), 200);
    assert_has(&t.head, "Content-Encoding: gzip\r\n");
    assert_has(&t.head, "Vary: Accept-Encoding\r\n");
    z_stream z = {0};
    assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
    z.next_in = (Bytef *)t.body.p;
    z.avail_in = (uInt)t.body.n;
    z.next_out = (Bytef *)buf_grow(&plain, 300000);
    z.avail_out = 300000;
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    assert_true(z.total_out > 200000);
    assert_int_equal(plain.p[z.total_out - 2], '}');
    (void)inflateEnd(&z);
    assert_int_equal(say(&t, "GET " CM "/a", "Accept-Encoding: gzip;q=0.5\r\n", str_empty), 200);
    assert_false(has(&t.head, "Content-Encoding"));
    assert_int_equal(say(&t, "GET /version", "Accept-Encoding: gzip\r\n", str_empty), 200);
    assert_false(has(&t.head, "Content-Encoding"));
    buf_clear(&body); /* less than 128 KiB is not worth it */
    buf_add_c(&body, "{\"metadata\":{\"name\":\"b\"},\"data\":{\"k\":\"");
    for (int i = 0; i < 13000; i++)
        buf_add_c(&body, "0123456789");
    buf_add_c(&body, "\"}}");
    must(&t.f, 201, "POST", CM, buf_c(&body));
    assert_int_equal(say(&t, "GET " CM "/b", "Accept-Encoding: gzip\r\n", str_empty), 200);
    assert_false(has(&t.head, "Content-Encoding"));
    buf_free(&plain);
    buf_free(&body);
    wire_close(&t);
}

static void test_bodies_as_go_reads_them(void **state)
{
    static const struct {
        const char *type, *body;
        int status;
        const char *text;
    } cases[] = {
        {"json", "{\"metadata\":{\"name\":\"a\"},\"data\":{\"k\":\"\xff\"}}", 201, "\xef\xbf\xbd"},
        {"json", "{\"metadata\":{\"name\":\"b\"},\"data\":{\"k\":\"x\\u0000y\"}}", 201,
         "x\\u0000y"},
        {"json", "{\"metadata\":{\"name\":\"c\"},\"data\":{\"k\":\"\\ud800\"}}", 201,
         "\xef\xbf\xbd"},
        {"json", "hello", 400, "invalid character 'h' looking for beginning of value (68656c6c6f)"},
        {"json", "{\"a\":1,}", 400,
         "invalid character '}' looking for beginning of object key string ({\\\"a\\\":1,})"},
        {"json", "{\"a\" 1}", 400, "invalid character '1' after object key ("},
        {"json", "{\"a\":02}", 400, "invalid character '2' after object key:value pair"},
        {"json", "[1 2]", 400, "invalid character '2' after array element"},
        {"json", "{\"a\":\"\n\"}", 400, "invalid character '\\\\n' in string literal"},
        {"json", "{\"a\":\"\\x\"}", 400, "invalid character 'x' in string escape code"},
        {"json", "{\"a\":1.x}", 400, "after decimal point in numeric literal"},
        {"json", "{\"a\":tru}", 400, "invalid character '}' in literal true (expecting 'e')"},
        {"json", "{}{}", 400, "invalid character '{' after top-level value ({}{})"},
        {"json", "{\"a\"", 400, "unexpected end of JSON input"},
        {"json", "[]", 400, "json: cannot unmarshal array into Go value of type struct"},
        {"yaml", "metadata: {name: d}\ndata: {n: \"1\", 017: x, 'yes': z}\n", 201,
         "{\"15\":\"x\",\"false\":\"1\",\"yes\":\"z\"}"},
        {"yaml", "metadata: {name: e}\ndata:\n  k: '1'\n  k: '2'\n", 201, "{\"k\":\"2\"}"},
        {"yaml", "x: &x {a: b}\nmetadata: {name: f}\ndata:\n  <<: *x\n  c: d\n", 201,
         "{\"a\":\"b\",\"c\":\"d\"}"},
        {"yaml", "metadata: {name: g}\n---\nmetadata: {name: h}\n", 201, "\"name\":\"g\""},
        {"yaml", "a: b: c", 400,
         "yaml: mapping values are not allowed in this context (613a20623a2063)"},
        {"yaml", "a:\n\tb", 400, "yaml: line 2: found character that cannot start any token"},
        {"xml", "<a/>", 415, "the body of the request was in an unknown format"},
    };
    struct wire t;
    wire_open(&t, 0, 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct str type = arena_printf(&t.f.a, "Content-Type: application/%s\r\n", cases[i].type);
        int status = say(&t, "POST " CM, type.p, str_c(cases[i].body));
        if (status != cases[i].status)
            fail_msg("%s: %d %s", cases[i].body, status, buf_c(&t.body));
        assert_has(&t.body, cases[i].text);
    }
    wire_close(&t);
}

static void test_limits(void **state)
{
    struct wire t;
    struct buf body = {0};
    wire_open(&t, 0, 0);
    memset(buf_grow(&body, KUBEAPI_BODY_BYTES_MAX + 1), ' ', KUBEAPI_BODY_BYTES_MAX + 1);
    assert_int_equal(say(&t, "POST " CM, "", buf_str(&body)), 413);
    assert_has(&t.head, "Content-Type: application/json\r\n");
    assert_has(&t.body, "\"message\":\"Request entity too large: limit is 3145728\"");
    assert_int_equal(say(&t, "GET " CM "?timeout=x", "", str_empty), 400);
    assert_has(&t.body, "invalid timeout specified in the request URL");
    buf_clear(&body);
    buf_add_c(&body, "X: ");
    memset(buf_grow(&body, 1 << 20), 'x', 1 << 20);
    buf_add_c(&body, "\r\n");
    assert_int_equal(say(&t, "GET " CM, buf_c(&body), str_empty), 431);
    assert_int_equal(say(&t, "HEAD " CM, "", str_empty), 405);
    buf_free(&body);
    wire_close(&t);
}

static void test_timeouts_end_slow_requests(void **state)
{
    struct wire t;
    struct kubeapi_fault slow = {.kind = KUBEAPI_FAULT_LATENCY, .delay = 5 * NS_PER_S};
    wire_open(&t, 0, 0);
    (void)kubeapi_fault_add(t.f.api, &slow);
    send_to(&t, &t.peer, "t", "POST " CM "?timeout=2s", "", STR("{\"metadata\":{\"name\":\"a\"}}"));
    fake_run_for(t.f.world, NS_PER_S);
    assert_int_equal(t.peer.got.n, 0);
    fake_run_for(t.f.world, NS_PER_S);
    assert_int_equal(status_of(&t.peer), 504);
    assert_has(&t.peer.got, "Timeout: request did not complete within the allotted timeout");
    fake_run_for(t.f.world, 5 * NS_PER_S);
    assert_null(kubeapi_get(t.f.api, STR("configmaps"), STR("default"), STR("a")));
    wire_close(&t);
}

/* One seat a class: the second waits for the first, reads do not wait for writes, masters need none, and who waits too
 * long is refused. */
static void test_seats(void **state)
{
    struct wire t;
    struct raw_peer p[5];
    struct kubeapi_fault slow = {.kind = KUBEAPI_FAULT_LATENCY,
                                 .delay = 10 * NS_PER_S,
                                 .verb = STR_INIT("create"),
                                 .user = STR_INIT("user")};
    wire_open(&t, 1, 1);
    (void)kubeapi_fault_add(t.f.api, &slow);
    const struct str bodies[] = {STR_INIT("{\"metadata\":{\"name\":\"a\"}}"),
                                 STR_INIT("{\"metadata\":{\"name\":\"b\"}}"),
                                 STR_INIT("{\"metadata\":{\"name\":\"c\"}}")};
    for (size_t i = 0; i < 3; i++)
        send_to(&t, &p[i], "u", "POST " CM, "", bodies[i]);
    send_to(&t, &p[3], "u", "GET " CM, "", str_empty);
    send_to(&t, &p[4], "t", "POST " CM, "", STR("{\"metadata\":{\"name\":\"d\"}}"));
    assert_int_equal(status_of(&p[3]), 200);
    assert_int_equal(status_of(&p[4]), 201);
    assert_int_equal(say(&t, "GET /metrics", "", str_empty), 200);
    assert_has(&t.body, "apiserver_current_inflight_requests{request_kind=\"mutating\"} 1\n");
    assert_has(&t.body, "apiserver_current_inqueue_requests{request_kind=\"mutating\"} 2\n");
    fake_run_for(t.f.world, 10 * NS_PER_S);
    assert_int_equal(status_of(&p[0]), 201);
    assert_int_equal(p[1].got.n, 0);
    fake_run_for(t.f.world, 5 * NS_PER_S);
    assert_int_equal(status_of(&p[2]), 429);
    assert_has(&p[2].got, "Retry-After: 1\r\n");
    assert_has(&p[2].got, "Too many requests, please try again later.\n");
    raw_free(&p[1]); /* it leaves: its seat is free at once */
    fake_run_for(t.f.world, 10 * NS_PER_MS);
    assert_int_equal(say(&t, "GET /metrics", "", str_empty), 200);
    assert_has(&t.body, "apiserver_current_inflight_requests{request_kind=\"mutating\"} 0\n");
    for (size_t i = 0; i < ARRAY_LEN(p); i++)
        raw_free(&p[i]);
    wire_close(&t);
}

/* Who comes just as a seat is given up stands behind those who wait. */
static void test_seats_are_given_in_order(void **state)
{
    static const char second[] = "POST " CM " HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer u\r\n"
                                 "Content-Length: 25\r\n\r\n{\"metadata\":{\"name\":\"c\"}}";
    struct wire t;
    struct raw_peer p[2];
    struct kubeapi_fault slow = {
        .kind = KUBEAPI_FAULT_LATENCY, .delay = 10 * NS_PER_S, .user = STR_INIT("user")};
    wire_open(&t, 1, 1);
    (void)kubeapi_fault_add(t.f.api, &slow);
    send_to(&t, &p[0], "u", "POST " CM, "", STR("{\"metadata\":{\"name\":\"a\"}}"));
    send_to(&t, &p[1], "u", "POST " CM, "", STR("{\"metadata\":{\"name\":\"b\"}}"));
    raw_send_c(&p[0], second); /* read as soon as the first is answered */
    fake_run_for(t.f.world, 21 * NS_PER_S);
    assert_int_equal(status_of(&p[0]), 201);
    assert_int_equal(status_of(&p[1]), 201);
    assert_null(kubeapi_get(t.f.api, STR("configmaps"), STR("default"), STR("c")));
    fake_run_for(t.f.world, 10 * NS_PER_S);
    assert_non_null(kubeapi_get(t.f.api, STR("configmaps"), STR("default"), STR("c")));
    for (size_t i = 0; i < ARRAY_LEN(p); i++)
        raw_free(&p[i]);
    wire_close(&t);
}

#define UPGRADE                                                                                    \
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"                   \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

static void test_watch_over_websocket(void **state)
{
    struct wire t;
    wire_open(&t, 0, 0);
    assert_int_equal(say(&t, "GET " CM "?watch=1", UPGRADE, str_empty), 403);
    assert_int_equal(t.body.n, 0);
    assert_int_equal(say(&t, "GET " CM "?watch=1&resourceVersion=1",
                         UPGRADE "Origin: http://x\r\nSec-WebSocket-Protocol: "
                                 "base64url.bearer.authorization.k8s.io.eA, other\r\n",
                         str_empty),
                     101);
    assert_has(&t.head, "Sec-WebSocket-Protocol: other\r\n");
    must(&t.f, 201, "POST", CM, "{\"metadata\":{\"name\":\"a\"}}");
    fake_run_for(t.f.world, 10 * NS_PER_MS);
    assert_has(&t.peer.got, "{\"type\":\"ADDED\",\"object\":{\"apiVersion\":\"v1\"");
    assert_int_equal(kubeapi_cut_watches(t.f.api, STR("configmaps"), false), 1);
    fake_run_for(t.f.world, 10 * NS_PER_MS);
    check_str_eq(str_sub(buf_str(&t.peer.got), t.peer.got.n - 4, 4), STR("\x88\x02\x03\xe8"));

    /* the client goes; the server goes with one open */
    assert_int_equal(say(&t, "GET " CM "?watch=1", UPGRADE "Origin: x\r\n", str_empty), 101);
    raw_free(&t.peer);
    fake_run_for(t.f.world, NS_PER_S);
    assert_int_equal(kubeapi_cut_watches(t.f.api, STR("configmaps"), false), 0);
    assert_int_equal(say(&t, "GET " CM "?watch=1", UPGRADE "Origin: x\r\n", str_empty), 101);
    wire_close(&t);
}

static void test_token_in_protocol(void **state)
{
    struct wire t;
    struct raw_peer p;
    wire_open(&t, 0, 0);
    raw_connect(&p, t.f.world, 80);
    raw_send_c(&p,
               "GET " CM "?watch=1 HTTP/1.1\r\nHost: a\r\nOrigin: x\r\n" UPGRADE
               "Sec-WebSocket-Protocol: base64url.bearer.authorization.k8s.io.bm9ib2R5, x\r\n\r\n");
    fake_run_for(t.f.world, 10 * NS_PER_MS);
    assert_int_equal(status_of(&p), 401);
    raw_free(&p);
    raw_connect(&p, t.f.world, 80);
    raw_send_c(&p, "GET " CM "?watch=1 HTTP/1.1\r\nHost: a\r\nOrigin: x\r\n" UPGRADE
                   "Sec-WebSocket-Protocol: base64url.bearer.authorization.k8s.io.dQ, x\r\n\r\n");
    fake_run_for(t.f.world, 10 * NS_PER_MS);
    assert_int_equal(status_of(&p), 101);
    raw_free(&p);
    wire_close(&t);
}

static void test_health(void **state)
{
    static const struct {
        const char *line;
        int status;
        const char *text;
    } cases[] = {
        {"GET /livez", 200, "ok"},
        {"GET /readyz/ping", 200, "ok"},
        {"GET /readyz/etcd", 404, "404 page not found"},
        {"GET /healthz/etcd", 200, "ok"},
        {"GET /livez/nope", 404, "404 page not found"},
        {"GET /readyz?verbose", 200, "[+]shutdown ok\nreadyz check passed\n"},
        {"GET /livez?verbose=1&exclude=etcd&exclude=x", 200, "[+]etcd excluded: ok\n"},
        {"GET /livez?verbose&exclude=x", 200,
         "warn: some health checks cannot be excluded: no matches for \"x\"\n"},
        {"POST /livez", 405, "MethodNotAllowed"},
        {"GET /metrics", 200, "apiserver_storage_objects{resource=\"namespaces\"} "},
        {"GET /nope", 404, "404 page not found\n"},
    };
    struct wire t;
    wire_open(&t, 0, 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int status = say(&t, cases[i].line, "", str_empty);
        if (status != cases[i].status)
            fail_msg("%s: %d", cases[i].line, status);
        assert_has(&t.body, cases[i].text);
    }
    wire_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_protobuf_both_ways),
        cmocka_unit_test(test_protobuf_bodies_of_subresources),
        cmocka_unit_test(test_metadata_in_protobuf),
        cmocka_unit_test(test_protobuf_watch),
        cmocka_unit_test(test_users_that_are_told),
        cmocka_unit_test(test_forms_of_answers),
        cmocka_unit_test(test_compression),
        cmocka_unit_test(test_bodies_as_go_reads_them),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_timeouts_end_slow_requests),
        cmocka_unit_test(test_seats),
        cmocka_unit_test(test_seats_are_given_in_order),
        cmocka_unit_test(test_watch_over_websocket),
        cmocka_unit_test(test_token_in_protocol),
        cmocka_unit_test(test_health),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
