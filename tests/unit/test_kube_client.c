/* Goal: every verb reaches the API as it should and every failure comes back classified: Status errors by reason, time-outs,
 * refused and cut connections; a closed gate sends no write; handles end in every way that the header allows.
 * Method: a lab; calls through the client, effects read from the store. */
#include "tests/unit/support/lab.h"

#include "engine/kube/backoff.h"

static const struct kube_gvr configmaps = KUBE_GVR("", "v1", "configmaps");
#define CM(NAME) (&(struct kube_target){.gvr = configmaps, .ns = STR("default"), .name = STR(NAME)})
#define CMS      (&(struct kube_target){.gvr = configmaps, .ns = STR("default")})

static struct str color(struct lab *l)
{
    struct kube_object *o = lab_get(l, "configmaps", "default", "a");
    return o ? kube_object_string(o, "data.color") : STR("none");
}

static void test_verbs(void **state)
{
    (void)state;
    struct lab *l = lab_new(1);
    static const struct {
        enum kube_verb verb;
        const char *name, *body, *want, *color;
    } steps[] = {
        {KUBE_GET, "a", "", "not-found", "none"},
        {KUBE_CREATE, "", "{\"metadata\":{\"name\":\"a\"},\"data\":{\"color\":\"red\"}}", "ok",
         "red"},
        {KUBE_CREATE, "", "{\"metadata\":{\"name\":\"a\"}}", "already-exists", "red"},
        {KUBE_GET, "a", "", "ok", "red"},
        {KUBE_LIST, "", "", "ok", "red"},
        {KUBE_UPDATE, "a", "{\"metadata\":{\"name\":\"a\"},\"data\":{\"color\":\"blue\"}}", "ok",
         "blue"},
        {KUBE_UPDATE, "a",
         "{\"metadata\":{\"name\":\"a\",\"resourceVersion\":\"1\"},\"data\":{\"color\":\"no\"}}",
         "conflict", "blue"},
        {KUBE_PATCH_MERGE, "a", "{\"data\":{\"color\":\"green\"}}", "ok", "green"},
        {KUBE_PATCH_JSON, "a", "[{\"op\":\"replace\",\"path\":\"/data/color\",\"value\":\"pink\"}]",
         "ok", "pink"},
        {KUBE_PATCH_JSON, "a", "[{\"op\":\"test\",\"path\":\"/data/color\",\"value\":\"x\"}]",
         "unprocessable", "pink"},
        {KUBE_CREATE, "", "{\"metadata\":{\"name\":\"Not A Name\"}}", "unprocessable", "pink"},
        {KUBE_CREATE, "", "{", "invalid", "pink"},
        {KUBE_DELETE, "a", "", "ok", "none"},
        {KUBE_DELETE, "a", "", "not-found", "none"},
    };
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        struct kube_target t = {
            .gvr = configmaps, .ns = STR("default"), .name = str_c(steps[i].name)};
        const char *got = lab_call(l, steps[i].verb, &t, steps[i].body);
        if (strcmp(got, steps[i].want) != 0)
            fail_msg("step %zu: got %s, want %s", i, got, steps[i].want);
        check_str(color(l), steps[i].color);
    }
    lab_free(l);
}

static void test_subresource_and_query(void **state)
{
    (void)state;
    struct lab *l = lab_new(1);
    lab_apply(l, "{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"n\"},"
                 "\"spec\":{},\"status\":{}}");
    struct kube_target status = {
        .gvr = KUBE_GVR("", "v1", "nodes"), .name = STR("n"), .sub = STR("status")};
    assert_string_equal(lab_call(l, KUBE_PATCH_MERGE, &status, "{\"status\":{\"phase\":\"up\"}}"),
                        "ok");
    check_str(kube_object_string(lab_get(l, "nodes", "", "n"), "status.phase"), "up");
    for (int i = 0; i < 3; i++)
        lab_apply(l,
                  "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"labels\":{"
                  "\"odd\":\"%d\"},\"name\":\"c%d\",\"namespace\":\"default\"}}",
                  i % 2, i);
    struct kube_target odd = *CMS;
    odd.query = STR("labelSelector=odd%3D1");
    struct lab_answer a = {0};
    kube_call_start(l->kube, KUBE_LIST, &odd, str_empty, 0, lab_done, &a);
    lab_run(l, S);
    assert_int_equal(a.status, 200);
    assert_true(str_find(buf_str(&a.body), STR("\"c1\"")) > 0);
    assert_true(str_find(buf_str(&a.body), STR("\"c2\"")) < 0);
    lab_answer_free(&a);
    lab_free(l);
}

/* An answer of the server becomes the error that it stands for. */
static void test_status_codes(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *want;
    } rows[] = {{429, "too-many"}, {500, "internal"}, {503, "unavailable"}, {504, "timeout"}};
    struct lab *l = lab_new(1);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct kubeapi_fault f = {.kind = KUBEAPI_FAULT_STATUS, .status = rows[i].status};
        uint64_t id = kubeapi_fault_add(lab_api(l), &f);
        assert_string_equal(lab_call(l, KUBE_GET, CM("a"), ""), rows[i].want);
        kubeapi_fault_remove(lab_api(l), id);
    }
    kube_client_set_token(l->kube, STR("nobody"));
    assert_string_equal(lab_call(l, KUBE_GET, CM("a"), ""), "unauthorized");
    kube_client_set_token(l->kube, STR(LAB_TOKEN));
    assert_string_equal(lab_call(l, KUBE_GET, CM("a"), ""), "not-found");
    lab_free(l);
}

/* A token that no header may carry fails each call by name, also reads, until there is another one. */
static void test_bad_token(void **state)
{
    (void)state;
    struct lab *l = lab_new(1);
    kube_client_set_token(l->kube, STR("a\r\nX-Evil: 1"));
    assert_string_equal(lab_call(l, KUBE_GET, CM("a"), ""), "invalid");
    kube_client_set_token(l->kube, str_empty);
    assert_string_not_equal(lab_call(l, KUBE_GET, CM("a"), ""), "invalid");
    lab_free(l);
}

static bool gate(void *owner)
{
    return *(bool *)owner;
}

static void test_gate(void **state)
{
    (void)state;
    struct lab *l = lab_new(1);
    bool open = false;
    kube_client_set_gate(l->kube, gate, &open);
    static const enum kube_verb writes[] = {KUBE_CREATE, KUBE_UPDATE, KUBE_PATCH_MERGE,
                                            KUBE_PATCH_JSON, KUBE_DELETE};
    uint64_t before = store_revision(kubeapi_store(lab_api(l)));
    for (size_t i = 0; i < ARRAY_LEN(writes); i++)
        assert_string_equal(lab_call(l, writes[i], CM("a"), "{}"), "cancelled");
    assert_int_equal(store_revision(kubeapi_store(lab_api(l))), before);
    assert_string_equal(lab_call(l, KUBE_LIST, CMS, ""), "ok");
    open = true;
    assert_string_equal(lab_call(l, KUBE_CREATE, CMS, "{\"metadata\":{\"name\":\"a\"}}"), "ok");
    lab_free(l);
}

static void test_refusal_can_be_cancelled(void **state)
{
    (void)state;
    struct lab *l = lab_new(1);
    bool open = false;
    struct lab_answer a = {0};
    kube_client_set_gate(l->kube, gate, &open);
    kube_call_cancel(kube_call_start(l->kube, KUBE_DELETE, CM("a"), str_empty, 0, lab_done, &a));
    lab_run(l, S);
    assert_false(a.done);
    /* and a client that goes away takes what is under way with it */
    kube_call_start(l->kube, KUBE_DELETE, CM("a"), str_empty, 0, lab_done, &a);
    kube_call_start(l->kube, KUBE_GET, CM("a"), str_empty, 0, lab_done, &a);
    kube_client_free(l->kube);
    l->kube = NULL;
    lab_run(l, 60 * S);
    assert_false(a.done);
    lab_free(l);
}

static void test_timeouts(void **state)
{
    (void)state;
    struct lab *l = lab_new(1);
    struct kubeapi_fault slow = {.kind = KUBEAPI_FAULT_LATENCY, .delay = 300 * S};
    kubeapi_fault_add(lab_api(l), &slow);
    static const struct {
        world_time asked, takes;
    } rows[] = {{3 * S, 3 * S}, {0, KUBE_CALL_TIMEOUT}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct lab_answer a = {0};
        world_time from = sim_now(l->sim);
        kube_call_start(l->kube, KUBE_GET, CM("a"), str_empty, rows[i].asked, lab_done, &a);
        while (!a.done)
            lab_run(l, 10 * MS);
        assert_string_equal(err_code_name(a.code), "timeout");
        assert_in_range(sim_now(l->sim) - from, rows[i].takes, rows[i].takes + 20 * MS);
        lab_answer_free(&a);
    }
    lab_free(l);
}

static void test_connections(void **state)
{
    (void)state;
    struct lab *l = lab_new(1);
    assert_string_equal(lab_call(l, KUBE_LIST, CMS, ""), "ok");
    int64_t made = sim_counter_value(l->sim, STR("net.connects"));
    assert_string_equal(lab_call(l, KUBE_LIST, CMS, ""), "ok");
    assert_int_equal(sim_counter_value(l->sim, STR("net.connects")), made); /* kept */
    kube_client_reconnect(l->kube);
    assert_string_equal(lab_call(l, KUBE_LIST, CMS, ""), "ok");
    assert_int_equal(sim_counter_value(l->sim, STR("net.connects")), made + 1);
    sim_process_kill(apihost_process(l->api), SIM_EXIT_KILLED);
    lab_run(l, 100 * MS);
    assert_string_equal(lab_call(l, KUBE_LIST, CMS, ""), "conn-refused");
    lab_run(l, 2 * S); /* its supervisor started it again */
    assert_string_equal(lab_call(l, KUBE_LIST, CMS, ""), "ok");
    /* Cut after the request went out: the server has done it, the client cannot know. */
    struct kubeapi_fault lost = {.kind = KUBEAPI_FAULT_LOST_ACK};
    uint64_t id = kubeapi_fault_add(lab_api(l), &lost);
    assert_string_not_equal(lab_call(l, KUBE_CREATE, CMS, "{\"metadata\":{\"name\":\"a\"}}"), "ok");
    kubeapi_fault_remove(lab_api(l), id);
    assert_string_equal(lab_call(l, KUBE_GET, CM("a"), ""), "ok");
    /* Another authority's server is nobody to talk to. */
    struct authority *other = authority_new(l->sim, STR("other"));
    struct kube_context c = lab_context(l);
    c.ca_pem = authority_pem(other);
    kube_client_free(l->kube);
    l->kube = kube_client_new(lab_world(l), &c);
    assert_string_equal(lab_call(l, KUBE_LIST, CMS, ""), "tls");
    authority_free(other);
    lab_free(l);
}

struct chain { /* a call whose callback frees the client */
    struct lab *l;
    int calls;
};
static void free_client(void *owner, const struct kube_answer *answer)
{
    struct chain *c = owner;
    assert_null(answer->err);
    c->calls++;
    kube_client_free(c->l->kube);
    c->l->kube = NULL;
    assert_true(answer->body.n > 0 && answer->body.p[0] == '{'); /* borrowed for the whole call */
}

static void test_free_inside_callback(void **state)
{
    (void)state;
    struct chain c = {.l = lab_new(1)};
    kube_call_start(c.l->kube, KUBE_LIST, CMS, str_empty, 0, free_client, &c);
    kube_call_start(c.l->kube, KUBE_LIST, CMS, str_empty, 0, free_client, &c);
    lab_run(c.l, 60 * S);
    assert_int_equal(c.calls, 1);
    lab_free(c.l);
}

/* The n-th pause lies between half of and all of first * 2^n, never beyond max, and is spread. */
static void test_backoff(void **state)
{
    (void)state;
    struct lab *l = lab_new(1);
    for (uint32_t n = 0; n < 70; n += 3) {
        world_time top = n < 20 ? (world_time)100 * MS << n : 60 * S, least = INT64_MAX, most = 0;
        if (top > 60 * S)
            top = 60 * S;
        for (int i = 0; i < 200; i++) {
            world_time pause = kube_backoff(lab_world(l), n, 100 * MS, 60 * S);
            least = pause < least ? pause : least;
            most = pause > most ? pause : most;
        }
        assert_in_range(least, top / 2, top / 2 + top / 20);
        assert_in_range(most, top - top / 20, top);
    }
    lab_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verbs),
        cmocka_unit_test(test_subresource_and_query),
        cmocka_unit_test(test_status_codes),
        cmocka_unit_test(test_bad_token),
        cmocka_unit_test(test_gate),
        cmocka_unit_test(test_refusal_can_be_cancelled),
        cmocka_unit_test(test_timeouts),
        cmocka_unit_test(test_connections),
        cmocka_unit_test(test_free_inside_callback),
        cmocka_unit_test(test_backoff),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
