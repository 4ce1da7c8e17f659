/* Goal: one run of a file is written out as a file that says the same: what is put in stays what it was, text and
 * numbers, names and literals; what is not of this run is gone; what cannot be written is told.
 * Method: files with the run of them that is asked for, and what is written, or said. */
#include "tests/unit/support/check.h"

#include "sim/scenario/language/scenario.h"

#define HEAD         "scenario: v1\nname: t\n"
#define SITE         "topology: {sites: {a: {}}}\n"
/* What stands around the sections in the run that is written. */
#define SEEDS(first) "seeds:\n  first: " first "\n  count: 1\n"
#define HARDENED     "profile: hardened\ntopology:\n  sites:\n    a: {}\n"
#define FIRST        HEAD SEEDS("1") HARDENED

static const struct {
    const char *file;
    struct expand_request request;
    const char *written, *errors;
} rows[] = {
    /* words that other readers bend, numbers that are text, keys with blanks, empty things */
    {HEAD "doc: \"yes\"\ntags: [NULL, \"\", \"5m\", 5s, a/b, \"1a\", \"a b\", \"\\u00e9\", _x, "
          "Ab-9.z_]\n"
          "topology: {sites: {a: {}}, clusters: {}, links: []}\n",
     {.seed = 0},
     NULL,
     "t.yaml:4:8: error: tags[0]: expected a string, not nothing\n"},
    {HEAD "doc: \"yes\"\ntags: [\"\", \"5m\", 5s, a/b, \"1a\", \"a b\", \"\\u00e9\", x_, Ab-9.z_, "
          "\"7\"]\n"
          "topology: {sites: {a: {}}, clusters: {}, links: []}\n",
     {.seed = 0},
     "scenario: v1\nname: t\ndoc: \"yes\"\ntags:\n  - \"\"\n  - 5m\n  - 5s\n  - a/b\n  - \"1a\"\n"
     "  - \"a b\"\n  - \"\xc3\xa9\"\n  - x_\n  - Ab-9.z_\n  - \"7\"\n" SEEDS("1") HARDENED
     "  clusters: {}\n  links: []\n",
     ""},
    /* literals in expressions, text elsewhere; quoted braces are no end */
    {HEAD
     "params: {w: {type: string, default: it's}, m: {type: enum, values: [u, v], default: "
     "u}}\n" SITE
     "steps: [{name: \"${'}'}${\\\"}\\\"}${w}\", wait: {until: \"${m} == ${w}\", within: 5m}}, "
     "{name: n, at: 1m, do: {heal: all}}]\n"
     "assert: [{name: \"until ${m}\", at: 5m, that: \"'a' == ${m}\"}]\n",
     {.seed = 0},
     FIRST "steps:\n  - name: \"}}it's\"\n    wait:\n      until: \"'u' == \\\"it's\\\"\"\n"
           "      within: 5m\n  - name: \"n\"\n    at: 1m\n    do:\n      heal: all\n"
           "assert:\n  - name: \"until u\"\n    at: 5m\n    that: \"'a' == 'u'\"\n",
     ""},
    /* what is repeated keeps ${i}, and everything else is put in; text stays text */
    {HEAD
     "params: {k: {type: int, default: 3}, w: {type: string, default: z}}\n" SITE
     "steps: [{name: r, at: 1m, repeat: {times: \"${k}\"}, do: [{delete: {from: api/a, kind: X, "
     "name: \"${i * k}-${k}-${max(i, k)}\"}}, {delete: {from: api/a, kind: X, name: "
     "\"${i}\"}}, {apply: {to: api/a, object: {apiVersion: v1, kind: X, metadata: {name: "
     "\"n${i}\"}, s: \"${w}\", e: ~, l: [[1], {a: 1}]}}}]}]\n",
     {.seed = 0},
     FIRST
     "steps:\n  - name: r\n    at: 1m\n    repeat:\n      times: 3\n    do:\n      - delete:\n"
     "          from: api/a\n          kind: X\n          name: \"${i * 3}-3-${max ( i , 3 )}\"\n"
     "      - delete:\n          from: api/a\n          kind: X\n          name: \"${i}\"\n"
     "      - apply:\n          to: api/a\n          object:\n            apiVersion: v1\n"
     "            kind: X\n            metadata:\n              name: \"n${i}\"\n"
     "            s: z\n            e: null\n            l:\n              -\n"
     "                - 1\n              - a: 1\n",
     ""},
    /* entries whose `when` does not hold go, in maps of names as well; a step keeps its number as its name */
    {HEAD
     "profile: [compat, hardened]\n" SITE
     "steps: [{when: profile == hardened, at: 1m, do: {heal: all}}, {at: 2m, do: {heal: all}}]\n"
     "measure: {x: {gauge: count(agent), when: profile == hardened}, z: {gauge: "
     "count(agent), when: profile == compat}}\n",
     {.seed = 0},
     HEAD SEEDS("1") "profile: compat\ntopology:\n  sites:\n"
                     "    a: {}\nsteps:\n  - name: \"step 2\"\n    at: 2m\n    do:\n      heal: "
                     "all\nmeasure:\n"
                     "  z:\n    gauge: \"count(agent)\"\n",
     ""},
    /* the seed that is asked for, or the file's first; what it draws is a timeline, which may be empty */
    {HEAD "seeds: {first: 4}\n" SITE
          "chaos: {from: 59m, every: 10h, palette: [{fault: {process: oom}, target: manager/a}]}\n",
     {.seed = 0},
     HEAD SEEDS("4") HARDENED "faults: []\n",
     ""},
    {HEAD "seeds: {swarm: true}\n" SITE
          "faults: [{name: f, at: 1m, target: api/a, fault: {watch: drop, share: 1}}]\n",
     {.has_seed = true, .seed = 9},
     HEAD SEEDS("9") HARDENED
     "faults:\n  - name: f\n    at: 1m\n    target: api/a\n    fault:\n      watch: "
     "drop\n"
     "      share: 1\n",
     ""},
    {HEAD SITE
     "chaos: {from: 1m, every: 10s, palette: [{fault: {process: oom}, target: site/z}]}\n",
     {.seed = 0},
     NULL,
     "t.yaml:4:73: error: chaos.palette[0].target: target \"site/z\": unknown site \"z\"; known is "
     "a\n"},
    /* what is asked for is not there */
    {HEAD SITE,
     {.profile = STR_INIT("hard")},
     NULL,
     "t.yaml: error: --profile: unknown profile \"hard\"; profiles are compat and hardened\n"},
    {HEAD SITE,
     {.profile = STR_INIT("hard"), .case_filter = STR_INIT("x=y")},
     NULL,
     "t.yaml: error: --profile: unknown profile \"hard\"; profiles are compat and hardened\n"},
    {HEAD SITE,
     {.case_filter = STR_INIT("x=y")},
     NULL,
     "t.yaml: error: --case: unknown axis \"x\"; this scenario has no matrix\n"},
    {HEAD SITE,
     {.sets = (const struct str[]){STR_INIT("k")}, .sets_n = 1},
     NULL,
     "t.yaml: error: --set: \"k\" is not of the form NAME=VALUE\n"},
    {HEAD SITE,
     {.sets = (const struct str[]){STR_INIT("k=1")}, .sets_n = 1, .profile = STR_INIT("x")},
     NULL,
     "t.yaml: error: --set: unknown parameter \"k\"\n"},
    {"[1", {.seed = 0}, NULL, "t.yaml:1:3: error: ..."},
    {"5",
     {.seed = 0},
     NULL,
     "t.yaml:1:1: error: a scenario is a mapping that begins with \"scenario: v1\", not an "
     "integer\n"},
    {HEAD SITE "nope: 1\n", {.seed = 0}, NULL, "t.yaml:4:1: error: unknown field \"nope\"; ..."},
    {HEAD SITE "steps: [{at: 1m, when: nope, do: {heal: all}}]\n",
     {.seed = 0},
     NULL,
     "t.yaml:4:24: error: steps: unknown name \"nope\"; known is profile\n"},
};

static bool is_said(struct str said, struct str expected)
{
    if (!str_ends(expected, STR("...")))
        return str_eq(said, expected);
    return str_starts(said, str_sub(expected, 0, expected.n - 3));
}

static void runs_are_written(void **state)
{
    size_t wrong = 0;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf out = {0}, errors = {0};
        bool ok =
            scenario_expand(STR("t.yaml"), str_c(rows[i].file), &rows[i].request, &out, &errors);
        bool right =
            ok == (rows[i].written != NULL) && is_said(buf_str(&errors), str_c(rows[i].errors));
        if (right && rows[i].written)
            right = str_eq_c(buf_str(&out), rows[i].written);
        if (!right)
            print_error("%s--- said\n%s--- written\n", rows[i].file, buf_c(&errors));
        if (!right)
            print_error("%s\n", buf_c(&out));
        wrong += !right;
        /* what is written is a scenario, and expands to itself */
        struct buf again = {0};
        if (right && rows[i].written) {
            struct expand_request first = {.has_seed = false};
            check_str(buf_str(&errors), "");
            assert_true(scenario_expand(STR("t.yaml"), buf_str(&out), &first, &again, &errors));
            check_str_eq(buf_str(&again), buf_str(&out));
        }
        buf_free(&again);
        buf_free(&out);
        buf_free(&errors);
    }
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(runs_are_written)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
