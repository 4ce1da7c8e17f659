/* Goal: an informer tells each change once, before and after, over cut watches as well; handlers may leave, and be left,
 * inside callbacks.
 * Method: a simulated API server and a client in one small simulation; handlers that write down what they are told. */
#include "tests/unit/support/sim_kit.h"

#include "engine/kube/informer.h"
#include "engine/kube/management.h"
#include "sim/kubeapi/kubeapi.h"

struct bench {
    struct kit *kit;
    struct kubeapi *api;
    struct kube_client *client;
    struct kube_informer *inf;
    bool synced;
};

/* One handler: "+a" came, "a" changed, "-a" went. */
struct ear {
    struct bench *bench;
    struct buf heard;
    struct ear *leaves; /* whom it takes out at the first thing it hears; NULL: nobody */
};

static void on_change(void *owner, const struct kube_object *before,
                      const struct kube_object *after)
{
    struct ear *e = owner;
    buf_addf(&e->heard, "%s%s" STR_FMT, e->heard.n ? " " : "",
             !before  ? "+"
             : !after ? "-"
                      : "",
             STR_ARG((after ? after : before)->name));
    if (e->leaves)
        kube_informer_off_change(e->bench->inf, e->leaves);
    e->leaves = NULL;
}

static void on_synced(void *owner)
{
    struct bench *b = owner;
    b->synced = true;
}

static void write_map(struct bench *b, const char *name, const char *value)
{
    struct buf json = {0};
    buf_addf(&json,
             "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"%s\","
             "\"namespace\":\"default\"},\"data\":{\"v\":\"%s\"}}",
             name, value);
    check_ok(kubeapi_apply(b->api, buf_str(&json), NULL));
    buf_free(&json);
}

static void bench_open(struct bench *b)
{
    struct kubeapi_options o = {.bare = true, .allow_all = true};
    struct world_listen listen = {.address = world_addr_make(STR("0.0.0.0"), KIT_PORT)};
    *b = (struct bench){.kit = kit_new()};
    b->api = kubeapi_new(kit_sw(b->kit), &o);
    check_ok(kubeapi_listen(b->api, &listen, NULL));
    struct kube_context context = {.address = world_addr_make(STR("10.0.0.1"), KIT_PORT),
                                   .plain = true};
    b->client = kube_client_new(kit_cw(b->kit), &context);
    struct kube_target target = {.gvr = KUBE_GVR("", "v1", "configmaps"), .ns = STR("default")};
    b->inf = kube_informer_new(b->client, &target);
    kube_informer_on_synced(b->inf, on_synced, b);
    write_map(b, "a", "1");
}

static void bench_start(struct bench *b)
{
    kube_informer_start(b->inf);
    kit_run(b->kit, 5 * S);
    assert_true(b->synced);
}

static void bench_close(struct bench *b)
{
    kube_informer_free(b->inf);
    kube_client_free(b->client);
    kubeapi_free(b->api);
    kit_free(b->kit);
}

static void check_heard(struct ear *e, const char *want)
{
    check_str(buf_str(&e->heard), want);
    buf_free(&e->heard);
}

static void test_changes(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    struct ear ear = {.bench = &b};
    kube_informer_on_change(b.inf, on_change, &ear);
    bench_start(&b);
    write_map(&b, "b", "1");
    write_map(&b, "a", "2");
    check_ok(kubeapi_delete(b.api, STR("configmaps"), STR("default"), STR("b")));
    kit_run(b.kit, S);
    assert_int_equal(kube_informer_count(b.inf), 1);
    check_heard(&ear, "+a +b a -b");
    bench_close(&b);
}

/* What happens while no watch is open is told once it is, and nothing else. */
static void test_cut_watches(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    struct ear ear = {.bench = &b};
    kube_informer_on_change(b.inf, on_change, &ear);
    bench_start(&b);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(kubeapi_cut_watches(b.api, str_empty, i == 1), 1);
        write_map(&b, "a", i % 2 ? "odd" : "even");
        kit_run(b.kit, 60 * S);
    }
    assert_int_equal(kube_informer_state(b.inf).lists, 1);
    check_heard(&ear, "+a a a a");
    bench_close(&b);
}

static void test_leaving(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    struct ear first = {.bench = &b}, second = {.bench = &b}, third = {.bench = &b};
    first.leaves = &second; /* before its turn */
    third.leaves = &third;  /* itself */
    kube_informer_on_change(b.inf, on_change, &first);
    kube_informer_on_change(b.inf, on_change, &second);
    kube_informer_on_change(b.inf, on_change, &third);
    bench_start(&b);
    write_map(&b, "b", "1");
    kit_run(b.kit, S);
    kube_informer_off_change(b.inf, &second); /* again: no harm */
    kube_informer_on_change(b.inf, on_change, &second);
    write_map(&b, "c", "1");
    kit_run(b.kit, S);
    kube_informer_off_change(b.inf, &first); /* from outside of callbacks */
    write_map(&b, "d", "1");
    kit_run(b.kit, S);
    check_heard(&first, "+a +b +c");
    check_heard(&second, "+c +d");
    check_heard(&third, "+a");
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_cut_watches),
        cmocka_unit_test(test_leaving),
    };
    return cmocka_run_group_tests_name("informer", tests, NULL, NULL);
}
