/* Goal: what must exist before a replica serves is made in order, once, also by several replicas at a time and over an API
 * in trouble; settings follow the configuration; it may be ended at any moment.
 * Method: a lab's API, empty at first; bootstraps of one or two clients. */
#include "tests/unit/support/lab.h"

#include "engine/server/bootstrap.h"

static const struct bootstrap_setting first[] = {{"server-url", STR_INIT("https://a"), false},
                                                 {"cacerts", STR_INIT(""), false},
                                                 {"agent-image", STR_INIT("agent \"1\"\n"), false}};
static const struct bootstrap_setting second[] = {{"server-url", STR_INIT("https://b"), false},
                                                  {"agent-image", STR_INIT("agent 2"), true},
                                                  {"first", STR_INIT("1"), true}};

static void on_done(void *owner)
{
    ++*(int *)owner;
}

static struct str setting(struct lab *l, const char *name, struct arena *a)
{
    struct kube_object *o = lab_get(l, "settings." MANAGEMENT_GROUP, "", name);
    return o ? json_string_at(kube_object_tree(o, a), "value") : STR("absent");
}

static void check_all(struct lab *l)
{
    static const char *const crds[] = {"clusters." MANAGEMENT_GROUP, "settings." MANAGEMENT_GROUP,
                                       "clusterregistrationtokens." MANAGEMENT_GROUP};
    for (size_t i = 0; i < ARRAY_LEN(crds); i++)
        assert_non_null(lab_get(l, "customresourcedefinitions.apiextensions.k8s.io", "", crds[i]));
    assert_non_null(lab_get(l, "namespaces", "", NAMESPACE_SYSTEM));
    assert_non_null(lab_get(l, "namespaces", "", NAMESPACE_GLOBAL_DATA));
}

/* Their kinds are made where they are asked for, and only there. */
static void test_people(void **state)
{
    (void)state;
    static const char *const crds[] = {"users." MANAGEMENT_GROUP, "tokens." MANAGEMENT_GROUP,
                                       "userattributes." MANAGEMENT_GROUP};
    for (int people = 0; people < 2; people++) {
        struct lab *l = lab_new(1);
        int done = 0;
        struct bootstrap *b = bootstrap_start(l->kube, first, ARRAY_LEN(first), on_done, &done);
        if (people)
            bootstrap_people(b);
        lab_run(l, 10 * S);
        assert_int_equal(done, 1);
        check_all(l);
        for (size_t i = 0; i < ARRAY_LEN(crds); i++)
            assert_int_equal(
                lab_get(l, "customresourcedefinitions.apiextensions.k8s.io", "", crds[i]) != NULL,
                people);
        lab_free(l);
    }
}

static void test_twice(void **state)
{
    (void)state;
    struct lab *l = lab_new(1);
    struct arena a = {0};
    int done = 0;
    bootstrap_start(l->kube, first, ARRAY_LEN(first), on_done, &done);
    assert_int_equal(done, 0);
    lab_run(l, 10 * S);
    assert_int_equal(done, 1);
    check_all(l);
    check_str(setting(l, "server-url", &a), "https://a");
    check_str(setting(l, "agent-image", &a), "agent \"1\"\n");
    check_str(setting(l, "cacerts", &a), "absent"); /* empty: not ours to say */
    lab_run(l, 10 * S);
    uint64_t version = lab_get(l, "customresourcedefinitions.apiextensions.k8s.io", "",
                               "clusters." MANAGEMENT_GROUP)
                           ->resource_version;
    bootstrap_start(l->kube, second, ARRAY_LEN(second), on_done, &done);
    lab_run(l, 10 * S);
    assert_int_equal(done, 2);
    check_str(setting(l, "server-url", &a), "https://b");
    check_str(setting(l, "agent-image", &a), "agent \"1\"\n"); /* the one that is there counts */
    check_str(setting(l, "first", &a), "1");
    assert_int_equal(lab_get(l, "customresourcedefinitions.apiextensions.k8s.io", "",
                             "clusters." MANAGEMENT_GROUP)
                         ->resource_version,
                     version);
    arena_free(&a);
    lab_free(l);
}

static void test_side_by_side(void **state)
{
    (void)state;
    struct lab *l = lab_new(1);
    struct arena a = {0};
    int done = 0;
    for (int i = 0; i < 3; i++)
        bootstrap_start(l->kube, first, ARRAY_LEN(first), on_done, &done);
    lab_run(l, 10 * S);
    assert_int_equal(done, 3);
    check_all(l);
    check_str(setting(l, "server-url", &a), "https://a");
    arena_free(&a);
    lab_free(l);
}

static void test_api_in_trouble(void **state)
{
    (void)state;
    struct lab *l = lab_new(1);
    struct arena a = {0};
    int done = 0;
    static const struct kubeapi_fault faults[] = {
        {.kind = KUBEAPI_FAULT_LOST_ACK, .per_million = 400000},
        {.kind = KUBEAPI_FAULT_STATUS, .status = 429, .per_million = 400000}};
    uint64_t ids[ARRAY_LEN(faults)];
    for (size_t i = 0; i < ARRAY_LEN(faults); i++)
        ids[i] = kubeapi_fault_add(lab_api(l), &faults[i]);
    bootstrap_start(l->kube, first, ARRAY_LEN(first), on_done, &done);
    lab_run(l, 20 * S);
    for (size_t i = 0; i < ARRAY_LEN(faults); i++)
        kubeapi_fault_remove(lab_api(l), ids[i]);
    lab_run(l, 60 * S);
    assert_int_equal(done, 1);
    check_all(l);
    check_str(setting(l, "server-url", &a), "https://a");
    arena_free(&a);
    lab_free(l);
}

static void test_cancel(void **state)
{
    (void)state;
    for (int ms = 0; ms < 400; ms += 10) {
        struct lab *l = lab_new(1);
        int done = 0;
        struct bootstrap *b = bootstrap_start(l->kube, first, ARRAY_LEN(first), on_done, &done);
        lab_run(l, ms * MS);
        if (!done)
            bootstrap_cancel(b);
        int so_far = done;
        lab_run(l, 10 * S);
        assert_int_equal(done, so_far);
        lab_free(l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_people), cmocka_unit_test(test_twice),
                                       cmocka_unit_test(test_side_by_side),
                                       cmocka_unit_test(test_api_in_trouble),
                                       cmocka_unit_test(test_cancel)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
