/* Goal: a recording says in placeholders what a server makes anew, leaves alone what clients sent, and puts what happened
 * during a watch inside it. Method: exchanges by hand, and the texts that the written case must and must not hold. */
#include "tests/unit/support/check.h"

#include "sim/cli/transcript.h"

#define UID "11111111-1111-4111-8111-111111111111"
#define OBJECT(rv)                                                                                 \
    "{\"metadata\":{\"creationTimestamp\":\"2026-01-01T00:00:00Z\",\"name\":\"a\","                \
    "\"resourceVersion\":\"" rv "\",\"uid\":\"" UID "\"}}"

static const struct http_headers none;

static struct kubeapi_exchange exchange(uint64_t id, const char *method, const char *target,
                                        const char *body, int status, const char *answer)
{
    return (struct kubeapi_exchange){.id = id,
                                     .method = str_c(method),
                                     .target = str_c(target),
                                     .headers = &none,
                                     .body = str_c(body),
                                     .user = {.name = STR("kubernetes-admin"), .uid = str_empty},
                                     .as = {.name = str_empty, .uid = str_empty},
                                     .verb = str_empty,
                                     .is_resource = true,
                                     .group = str_empty,
                                     .version = STR("v1"),
                                     .resource = STR("configmaps"),
                                     .sub = str_empty,
                                     .ns = str_empty,
                                     .name = STR("a"),
                                     .status = status,
                                     .answer_headers = &none,
                                     .answer_type = "application/json",
                                     .answer = str_c(answer)};
}

static void write_case(struct record *r, struct buf *out)
{
    record_write(r, STR("case"), out);
    record_free(r);
}

static void has(struct buf *text, const char *what)
{
    if (str_find(buf_str(text), str_c(what)) < 0)
        fail_msg("no %s in %s", what, buf_c(text));
}

static void servers_values_become_placeholders(void **state)
{
    struct record *r = record_new();
    struct buf out = {0};
    struct kubeapi_exchange x[] = {
        exchange(1, "POST", "/x", "{\"at\":\"2025-01-01T00:00:00Z\"}", 201, OBJECT("40")),
        exchange(2, "PUT", "/x/a", OBJECT("40"), 200, OBJECT("7")),
        exchange(3, "GET", "/x?resourceVersion=40&a=2025-01-01T00:00:00Z", "", 200,
                 "{\"echo\":\"2025-01-01T00:00:00Z\",\"metadata\":{\"resourceVersion\":\"41\"}}"),
    };
    x[2].name = str_empty;
    for (size_t i = 0; i < ARRAY_LEN(x); i++)
        record_add(r, &x[i]);
    write_case(r, &out);
    has(&out, "\"expect\":{\"status\":201,\"headers\":{\"content-type\":\"application/json\"},"
              "\"body\":{\"metadata\":{\"creationTimestamp\":\"$time\",\"name\":\"a\","
              "\"resourceVersion\":\"$rv:2\",\"uid\":\"$uid:1\"}}}");
    has(&out, "\"resourceVersion\":\"$rv:1\""); /* the lower revision, though it came later */
    has(&out, "\"path\":\"/x?resourceVersion=$rv:2&a=2025-01-01T00:00:00Z\"");
    has(&out, "\"echo\":\"2025-01-01T00:00:00Z\"");
    has(&out, "\"resourceVersion\":\"$listrv:1\"");
    assert_true(str_find(buf_str(&out), STR("11111111")) < 0);
    buf_free(&out);
}

static void a_watch_holds_what_happens_during_it(void **state)
{
    struct record *r = record_new();
    struct buf out = {0};
    struct kubeapi_exchange begin = exchange(1, "GET", "/x?watch=1", "", 200, "");
    struct kubeapi_exchange during = exchange(2, "DELETE", "/x/a", "", 200, OBJECT("5"));
    struct kubeapi_exchange after = exchange(3, "GET", "/after", "", 404, "{}");
    begin.is_watch = begin.started = true;
    record_add(r, &begin);
    record_add(r, &during);
    begin.started = false;
    begin.cut = true;
    begin.answer = STR("{\"type\":\"DELETED\",\"object\":" OBJECT("5") "}\n");
    record_add(r, &begin);
    record_add(r, &after);
    write_case(r, &out);
    has(&out, "\"watch\":{\"seconds\":2,\"then\":[\n{\"as\":\"admin\",\"method\":\"DELETE\"");
    has(&out, "\"$watch\":[{\"type\":\"DELETED\"");
    has(&out, "\"$closed\":false}}},\n{\"as\":\"admin\",\"method\":\"GET\",\"path\":\"/after\"");
    buf_free(&out);
}

static void who_asks_is_told(void **state)
{
    struct record *r = record_new();
    struct buf out = {0};
    struct str groups[] = {STR("team"), STR("system:authenticated")};
    struct kubeapi_exchange x = exchange(1, "GET", "/x", "", 200, "{}");
    x.as = (struct kubeapi_user){
        .name = STR("jane"), .uid = str_empty, .groups = groups, .groups_n = ARRAY_LEN(groups)};
    record_add(r, &x);
    x.as.name = str_empty;
    x.user.name = STR("system:anonymous");
    record_add(r, &x);
    write_case(r, &out);
    has(&out, "{\"as\":\"user:jane\",\"groups\":[\"team\"],");
    has(&out, "{\"as\":\"anonymous\",");
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(servers_values_become_placeholders),
        cmocka_unit_test(a_watch_holds_what_happens_during_it),
        cmocka_unit_test(who_asks_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
