/* Goal: which states of two stores are equal, which are not, and that what differs is told by object, field and values.
 * Method: tables of objects on either side, put into stores. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/scenario/run/state.h"

#include <string.h>

#define UID_A "aaaaaaaa-0000-4000-8000-000000000001"
#define UID_B "bbbbbbbb-0000-4000-8000-000000000002"

struct item {
    const char *table, *json;
};

static struct state *state_with(const struct item *items, size_t n)
{
    struct store *s = store_new(NULL);
    for (size_t i = 0; i < n && items[i].table; i++) {
        struct kube_object *o = NULL, *put;
        assert_null(kube_object_from_json(str_c(items[i].json), &o));
        put = kube_object_with_revision(o, store_revision(s) + 1);
        store_put(store_table(s, str_c(items[i].table)), put);
        kube_object_unref(o);
    }
    struct state *state = state_of(s);
    store_free(s);
    return state;
}

#define TEN     "a lot of a"
#define UMLAUTS "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
#define ITEMS   4u
struct row {
    const char *what;
    struct item here[ITEMS], there[ITEMS];
    const char *ignore; /* one entry */
    size_t differences;
    const char *told; /* part of the explanation */
};

#define POD(meta, rest) "{\"kind\":\"Pod\",\"metadata\":{\"namespace\":\"d\"," meta "}" rest "}"

static const struct row rows[] = {
    {.what = "nothing", .differences = 0},
    {.what = "the same object",
     .here = {{"pods", POD("\"name\":\"a\"", "")}},
     .there = {{"pods", POD("\"name\":\"a\"", "")}}},
    {.what = "metadata set by the server",
     .here = {{"pods", POD("\"name\":\"a\",\"uid\":\"" UID_A
                           "\",\"generation\":3,\"creationTimestamp\":\"2026-01-01T00:00:00Z\","
                           "\"managedFields\":[1]",
                           ",\"status\":{\"observedGeneration\":3}")}},
     .there = {{"pods", POD("\"name\":\"a\",\"uid\":\"" UID_B "\"", ",\"status\":{}")}}},
    {.what = "a member of that name elsewhere is compared",
     .here = {{"pods", POD("\"name\":\"a\"", ",\"spec\":{\"generation\":3}")}},
     .there = {{"pods", POD("\"name\":\"a\"", ",\"spec\":{\"generation\":4}")}},
     .differences = 1,
     .told = "api: pods d/a spec.generation is 3, in the reference 4"},
    {.what = "times are equal, that there is one is not",
     .here = {{"pods", POD("\"name\":\"a\"",
                           ",\"status\":{\"at\":\"2026-01-01T00:00:00Z\",\"to\":\"2026-01-01\"}")}},
     .there = {{"pods", POD("\"name\":\"a\"", ",\"status\":{\"at\":\"2026-01-02T10:00:00.5Z\"}")}},
     .differences = 1,
     .told = "status.to is \"(time)\", in the reference it is not there"},
    {.what = "what is being deleted is not what is there",
     .here = {{"pods", POD("\"name\":\"a\",\"deletionTimestamp\":\"2026-01-01T00:00:00Z\"", "")}},
     .there = {{"pods", POD("\"name\":\"a\"", "")}},
     .differences = 1,
     .told = "metadata.deletionTimestamp is"},
    {.what = "the spec counts",
     .here = {{"pods", POD("\"name\":\"a\"", ",\"spec\":{\"n\":1}")}},
     .there = {{"pods", POD("\"name\":\"a\"", ",\"spec\":{\"n\":2}")}},
     .differences = 1,
     .told = "spec.n is 1, in the reference 2"},
    {.what = "unless it is ignored, by member",
     .here = {{"pods", POD("\"name\":\"a\"", ",\"spec\":{\"n\":1}")}},
     .there = {{"pods", POD("\"name\":\"a\"", ",\"spec\":{\"n\":2}")}},
     .ignore = "n"},
    {.what = "by path",
     .here = {{"pods", POD("\"name\":\"a\"", ",\"spec\":{\"n\":1}")}},
     .there = {{"pods", POD("\"name\":\"a\"", ",\"spec\":{\"n\":2}")}},
     .ignore = "spec.n"},
    {.what = "by resource and path",
     .here = {{"pods", POD("\"name\":\"a\"", ",\"spec\":{\"n\":1}")}},
     .there = {{"pods", POD("\"name\":\"a\"", ",\"spec\":{\"n\":2}")}},
     .ignore = "pods/spec"},
    {.what = "another resource's is not",
     .here = {{"pods", POD("\"name\":\"a\"", ",\"spec\":{\"n\":1}")}},
     .there = {{"pods", POD("\"name\":\"a\"", ",\"spec\":{\"n\":2}")}},
     .ignore = "secrets/spec",
     .differences = 1},
    {.what = "nor half a name",
     .here = {{"pods", POD("\"name\":\"a\"", ",\"spec\":{\"count\":1}")}},
     .there = {{"pods", POD("\"name\":\"a\"", ",\"spec\":{\"count\":2}")}},
     .ignore = "coun",
     .differences = 1},
    {.what = "missing",
     .there = {{"pods", POD("\"name\":\"a\"", "")}},
     .differences = 1,
     .told = "api: pods d/a is missing"},
    {.what = "too many",
     .here = {{"pods", POD("\"name\":\"a\"", "")}},
     .differences = 1,
     .told = "api: pods d/a is not in the reference"},
    {.what = "missing, of an ignored resource",
     .there = {{"pods", POD("\"name\":\"a\"", "")}},
     .ignore = "pods"},
    {.what = "another resource of the name",
     .here = {{"pods", POD("\"name\":\"a\"", "")}},
     .there = {{"secrets", POD("\"name\":\"a\"", "")}},
     .differences = 2},
    {.what = "events and leases",
     .here = {{"events", POD("\"name\":\"a\"", "")},
              {"leases.coordination.k8s.io", POD("\"name\":\"a\"", "")}}},
    {.what = "the leader's record, the rest of its object",
     .here = {{"configmaps",
               POD("\"name\":\"l\",\"annotations\":{\"control-plane.alpha.kubernetes.io/"
                   "leader\":\"one\",\"b\":\"c\"}",
                   "")}},
     .there = {{"configmaps", POD("\"name\":\"l\",\"annotations\":{\"b\":\"c\"}", "")}}},
    {.what = "restarts of containers",
     .here = {{"pods", POD("\"name\":\"a\"", ",\"status\":{\"containerStatuses\":[{\"name\":\"c\","
                                             "\"restartCount\":3,\"lastState\":{\"x\":1},"
                                             "\"containerID\":\"x\"}]}")}},
     .there = {{"pods",
                POD("\"name\":\"a\"", ",\"status\":{\"containerStatuses\":[{\"name\":\"c\"}]}")}}},
    {.what = "conditions in another order",
     .here = {{"pods",
               POD("\"name\":\"a\"", ",\"conditions\":[{\"type\":\"A\"},{\"type\":\"B\"}]")}},
     .there = {{"pods",
                POD("\"name\":\"a\"", ",\"conditions\":[{\"type\":\"B\"},{\"type\":\"A\"}]")}}},
    {.what = "other lists in another order",
     .here = {{"pods", POD("\"name\":\"a\"", ",\"args\":[\"a\",\"b\"]")}},
     .there = {{"pods", POD("\"name\":\"a\"", ",\"args\":[\"b\",\"a\"]")}},
     .differences = 2,
     .told = "args.0 is \"a\", in the reference \"b\""},
    {.what = "longer lists",
     .here = {{"pods", POD("\"name\":\"a\"", ",\"args\":[\"a\",\"b\"]")}},
     .there = {{"pods", POD("\"name\":\"a\"", ",\"args\":[\"a\"]")}},
     .differences = 1,
     .told = "args.1 is \"b\", in the reference it is not there"},
    {.what = "generated names, wherever they stand",
     .here = {{"pods",
               POD("\"name\":\"w-xbxbx\",\"generateName\":\"w-\",\"uid\":\"" UID_A "\"", "")},
              {"secrets", POD("\"name\":\"s\"",
                              ",\"of\":\"w-xbxbx\",\"at\":\"d/w-xbxbx\",\"u\":\"" UID_A "\"")}},
     .there = {{"pods",
                POD("\"name\":\"w-z2z2z\",\"generateName\":\"w-\",\"uid\":\"" UID_B "\"", "")},
               {"secrets", POD("\"name\":\"s\"",
                               ",\"of\":\"w-z2z2z\",\"at\":\"d/w-z2z2z\",\"u\":\"" UID_B "\"")}}},
    {.what = "one more of a generated name",
     .here = {{"pods", POD("\"name\":\"w-xbxbx\",\"generateName\":\"w-\"", ",\"spec\":1")},
              {"pods", POD("\"name\":\"w-x2x2x\",\"generateName\":\"w-\"", ",\"spec\":0")}},
     .there = {{"pods", POD("\"name\":\"w-z2z2z\",\"generateName\":\"w-\"", ",\"spec\":1")}},
     .differences = 1,
     .told = "pods d/w-* is not in the reference"},
    {.what = "a set of a generated name has no order",
     .here = {{"pods", POD("\"name\":\"w-22222\",\"generateName\":\"w-\"", ",\"spec\":1")},
              {"pods", POD("\"name\":\"w-44444\",\"generateName\":\"w-\"", ",\"spec\":2")}},
     .there = {{"pods", POD("\"name\":\"w-22222\",\"generateName\":\"w-\"", ",\"spec\":2")},
               {"pods", POD("\"name\":\"w-44444\",\"generateName\":\"w-\"", ",\"spec\":1")}}},
    {.what = "a uid of nothing that is there",
     .here = {{"pods", POD("\"name\":\"a\",\"uid\":\"" UID_A "\"", ",\"u\":\"x " UID_A " y\"")}},
     .there = {{"pods", POD("\"name\":\"a\",\"uid\":\"" UID_A "\"", ",\"u\":\"x " UID_B " y\"")}},
     .differences = 1,
     .told = "u is \"x (uid of Pod d/a) y\", in the reference \"x (uid) y\""},
    {.what = "signed tokens, also in a Secret",
     .here = {{"secrets",
               POD("\"name\":\"a\"", ",\"t\":\"eyJhbG.x.y\",\"data\":{\"t\":\"ZXlKLnguYQ==\"}")}},
     .there = {{"secrets",
                POD("\"name\":\"a\"", ",\"t\":\"eyJhbG.z.q\",\"data\":{\"t\":\"ZXlKLnkuYg==\"}")}}},
    {.what = "what a Secret holds",
     .here = {{"secrets", POD("\"name\":\"a\"", ",\"data\":{\"t\":\"b25l\"}")}},
     .there = {{"secrets", POD("\"name\":\"a\"", ",\"data\":{\"t\":\"dHdv\"}")}},
     .differences = 1,
     .told = "data.t is \"one\", in the reference \"two\""},
    {.what = "random texts and hashes, not what is shorter",
     .here = {{"pods", POD("\"name\":\"a-0123456789\"",
                           ",\"u\":\"https://m/rll5x8vtsf7scmhf2hsspfnnlt7wdtp7hbdgzvdncsd_c\"")}},
     .there = {{"pods", POD("\"name\":\"a-fedcba9876\"",
                            ",\"u\":\"https://m/tsf7scmhf2hsspfnnlt7wdtp7hbdgzvdncsdzfjww75_d\"")}},
     .differences = 1,
     .told = "pods d/a-(hash) u is \"https://m/(random)_c\""},
    {.what = "a template's hash, wherever it stands",
     .here = {{"replicasets.apps",
               POD("\"name\":\"w-5d8f7\",\"labels\":{\"pod-template-hash\":\"5d8f7\"}", "")}},
     .there = {{"replicasets.apps",
                POD("\"name\":\"w-66666\",\"labels\":{\"pod-template-hash\":\"66666\"}", "")}}},
    {.what = "an entry without a name ignores nothing",
     .here = {{"pods", POD("\"name\":\"a\"", ",\"spec\":{\"n\":1}")}},
     .there = {{"pods", POD("\"name\":\"a\"", ",\"spec\":{\"n\":2}")}},
     .ignore = "",
     .differences = 1},
    {.what = "an object beside a text, a list beside an object",
     .here = {{"pods", POD("\"name\":\"a\"", ",\"o\":{},\"l\":[],\"m\":[1]")}},
     .there = {{"pods", POD("\"name\":\"a\"", ",\"o\":\"\",\"l\":{},\"m\":1")}},
     .differences = 3,
     .told = "o is {}, in the reference \"\""},
    {.what = "no signed token, a drawn name that does not begin as it was to",
     .here = {{"pods", POD("\"name\":\"b-xbxbx\",\"generateName\":\"w-\"", ",\"t\":\"eyJhbG\"")}},
     .there = {{"pods", POD("\"name\":\"b-xbxbx\",\"generateName\":\"w-\"", ",\"t\":\"eyJhbH\"")}},
     .differences = 1,
     .told = "pods d/b-xbxbx t is \"eyJhbG\""},
    {.what = "what a Secret holds that is no text",
     .here = {{"secrets",
               POD("\"name\":\"a\"", ",\"data\":{\"a\":1,\"b\":\"?\",\"c\":\"AAE=\",\"d\":\"\"}")}},
     .there = {{"secrets", POD("\"name\":\"a\"",
                               ",\"data\":{\"a\":2,\"b\":\"!\",\"c\":\"AAI=\",\"d\":\"\"}")}},
     .differences = 3,
     .told = "data.c is \"AAE=\", in the reference \"AAI=\""},
    {.what = "a Secret without data",
     .here = {{"secrets", POD("\"name\":\"a\"", ",\"type\":\"x\"")}},
     .there = {{"secrets", POD("\"name\":\"a\"", ",\"type\":\"y\"")}},
     .differences = 1,
     .told = "type is \"x\""},
    {.what = "long values are cut between letters",
     .here = {{"pods", POD("\"name\":\"a\"",
                           ",\"v\":\"" UMLAUTS UMLAUTS UMLAUTS UMLAUTS UMLAUTS UMLAUTS "\"")}},
     .there = {{"pods", POD("\"name\":\"a\"", ",\"v\":\"b\"")}},
     .differences = 1,
     .told = "\xc3\xa4..., in the reference \"b\""},
    {.what = "long values are cut",
     .here = {{"pods",
               POD("\"name\":\"a\"", ",\"v\":\"" TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "\"")}},
     .there = {{"pods", POD("\"name\":\"a\"", ",\"v\":\"b\"")}},
     .differences = 1,
     .told = "a lot..., in the reference \"b\""},
};

static void states_compare_as_the_table_says(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *r = &rows[i];
        struct str entry = str_c(r->ignore);
        struct state_ignore ignore = {.entries = &entry, .n = r->ignore != NULL};
        struct state *here = state_with(r->here, ITEMS), *there = state_with(r->there, ITEMS);
        struct buf why = {0};
        size_t found = 0, back = 0;
        bool same = state_same(here, there, &ignore, STR("api"), &found, &why);
        bool quick = state_same(here, there, &ignore, STR("api"), NULL, NULL);
        (void)state_same(there, here, &ignore, STR("api"), &back, &why);
        if (same != (r->differences == 0) || found != r->differences || quick != same ||
            back != found || (r->told && str_find(buf_str(&why), str_c(r->told)) < 0))
            fail_msg("%s: %zu differences (%zu the other way), wanted %zu: %s", r->what, found,
                     back, r->differences, buf_c(&why));
        buf_free(&why);
        state_free(here);
        state_free(there);
    }
}

static void only_the_first_differences_are_told(void **unused)
{
    (void)unused;
    struct state *here =
        state_with((const struct item[ITEMS]){{"pods", POD("\"name\":\"a\"",
                                                           ",\"l\":[1,2,3,4,5,6,7,8,9,10,11,12]")}},
                   ITEMS);
    struct state *there =
        state_with((const struct item[ITEMS]){{"pods", POD("\"name\":\"a\"", ",\"l\":[]")}}, ITEMS);
    struct state_ignore none = {0};
    struct buf why = {0};
    size_t found = 0;
    assert_false(state_same(here, there, &none, STR("api"), &found, &why));
    assert_int_equal(found, 12);
    assert_true(str_find(buf_str(&why), STR("l.5 ")) > 0);
    assert_true(str_find(buf_str(&why), STR("l.6 ")) < 0);
    buf_free(&why);
    state_free(here);
    state_free(there);
    state_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_compare_as_the_table_says),
        cmocka_unit_test(only_the_first_differences_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
