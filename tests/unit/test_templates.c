/* Goal: a template becomes part of the scenario as if it stood there, with its inputs put in; its mistakes are told at its
 * own places, with the place of its use; nothing of the scenario shows through.
 * Method: scenarios and templates in tables, read by a function that looks them up; what is planned, and what is said. */
#include "tests/unit/support/check.h"

#include "engine/base/timefmt.h"
#include "sim/scenario/language/scenario.h"

#define FILES_MAX 12u

struct file {
    const char *path, *text;
};

struct table {
    const struct file *files;
};

static struct err *read_from_table(void *ctx, struct str path, struct buf *out)
{
    const struct file *files = ((struct table *)ctx)->files;
    for (size_t i = 0; i < FILES_MAX && files[i].path; i++) {
        if (str_eq_c(path, files[i].path)) {
            buf_add_c(out, files[i].text);
            return NULL;
        }
    }
    return err_new(ERR_IO, STR_FMT ": no such file", STR_ARG(path));
}

/* The first of the table is the scenario. */
static void check_said(const struct file *files, const char *expected)
{
    struct table table = {files};
    struct scenario_files reader = {.read = read_from_table, .ctx = &table};
    struct buf said = {0};
    scenario_validate(str_c(files[0].path), str_c(files[0].text), &reader, &said);
    check_str(buf_str(&said), expected);
    buf_free(&said);
}

#define HEAD "scenario: v1\nname: t\n"
#define SITE "template: v1\ntopology: {sites: {a: {}}}\n"

/* ---- what comes of it ---- */

static const struct file estate[] = {
    {"s/x/main.yaml",
     HEAD "params: {many: {type: int, default: 4}}\n"
          "matrix: {lie: [{id: drop, at: 3m}, {id: none}]}\n"
          "use:\n"
          "  - {template: ../t/estate.yaml, with: {clusters: \"${many * 2}\", wait: 7m}}\n"
          "  - {template: fault.yaml, with: {at: \"${matrix.lie.at}\", of: a}}\n"
          "  - {template: fault.yaml, with: {at: 4m, of: b}}\n"
          "topology: {sites: {b: {manager: {standby: true}}}}\n"
          "steps: [{name: mine, at: 9m, do: {manager.demote: site/a}}]\n"
          "assert: [{name: all, at: 9m, that: \"count(agent) == ${many}\"}]\n"},
    {"s/t/estate.yaml", "template: v1\n"
                        "inputs:\n"
                        "  clusters: {type: int, max: 9}\n"
                        "  wait: {type: duration, default: 1m}\n"
                        "use: [{template: site.yaml, with: {part: \"${clusters / 4}\"}}]\n"
                        "topology: {clusters: {edge: {count: \"${clusters}\"}}}\n"
                        "steps: [{name: settle, wait: {until: \"count(agent) == ${clusters}\", "
                        "within: \"${wait}\"}}]\n"},
    {"s/t/site.yaml", "template: v1\ninputs: {part: {type: percent}}\n"
                      "topology: {sites: {a: {}}, dns: {records: {manager: {value: site/a}}}}\n"
                      "faults: [{at: 1m, target: dns, fault: {dns: servfail, share: 1.0}}]\n"},
    {"s/x/fault.yaml",
     "template: v1\ninputs: {at: {type: duration}, of: {type: string}}\n"
     "faults: [{name: \"of ${of}\", at: \"${at}\", target: \"site/${of}\", fault: "
     "{process: power-loss}}]\n"},
};

static struct plan *plan_of(struct arena *a, const struct file *files, size_t which,
                            struct diags *diags)
{
    struct table table = {files};
    struct scenario_files reader = {.read = read_from_table, .ctx = &table};
    struct scenario *s =
        scenario_load_with(a, str_c(files[0].path), str_c(files[0].text), &reader, diags);
    assert_non_null(s);
    struct plan_request request = {.which = &s->cases[which], .seed = 1};
    return scenario_plan(a, s, &request, diags);
}

static void sections_are_joined(void **state)
{
    struct arena a = {0};
    struct diags diags;
    struct file files[FILES_MAX + 1] = {{0}};
    for (size_t i = 0; i < ARRAY_LEN(estate); i++)
        files[i] = estate[i];
    /* an integer divided is a ratio: 8 / 4 is 2, more than a share may be; the mistake is the user's */
    files[1].text =
        "template: v1\ninputs: {clusters: {type: int, max: 9}, wait: {type: duration}}\n"
        "use: [{template: site.yaml, with: {part: 10%}}]\n"
        "topology: {clusters: {edge: {count: \"${clusters}\"}}}\n"
        "steps: [{name: settle, wait: {until: \"count(agent) == ${clusters}\", within: "
        "\"${wait}\"}}]\n";
    struct plan *p = plan_of(&a, files, 0, &diags);
    struct buf said = {0};
    diags_print(&diags, &said);
    check_str(buf_str(&said), "");
    assert_non_null(p);
    assert_int_equal(p->topology.sites.n, 2);
    check_str(PLAN_SITE(p, 0)->origin.name, "a");
    check_str(PLAN_SITE(p, 1)->origin.name, "b");
    assert_int_equal(PLAN_GROUP(p, 0)->count, 8);
    assert_int_equal(p->steps_n, 2);
    check_str(p->steps[0].name, "settle");
    assert_int_equal(p->steps[0].within_ns, 420 * NS_PER_S);
    check_str(p->steps[1].name, "mine");
    assert_int_equal(p->faults_n, 3);
    check_str(p->faults[1].name, "of a");
    assert_int_equal(p->faults[1].when.at_ns, 180 * NS_PER_S);
    check_str(p->faults[2].name, "of b");
    check_str(p->faults[1].origin.place.source->file, "s/x/fault.yaml");
    assert_null(p->asserts[0].place.source);
    /* the other case has no such value: what names the input is not there */
    p = plan_of(&a, files, 1, &diags);
    assert_non_null(p);
    assert_int_equal(p->faults_n, 2);
    check_str(p->faults[1].name, "of b");
    buf_free(&said);
    arena_free(&a);
}

/* ---- what is said ---- */

static const struct {
    struct file files[FILES_MAX];
    const char *said;
} mistakes[] = {
    {{{"m.yaml", HEAD "use: [a.yaml]\n"}},
     "m.yaml:3:7: error: use[0]: the template cannot be read: a.yaml: no such file\n"},
    {{{"m.yaml", HEAD "use: [{template: a.yaml, with: {clusterz: 3}}]\n"},
      {"a.yaml", SITE "inputs: {clusters: {type: int, default: 1}}\n"}},
     "m.yaml:3:33: error: use[0].with: a.yaml has no input \"clusterz\"; did you mean "
     "\"clusters\"?\n"},
    {{{"m.yaml", HEAD "use: [{template: a.yaml}, {template: a.yaml, with: [1]}]\n"},
      {"a.yaml", "template: v1\ninputs: {k: {type: int}}\ntopology: {sites: {\"${k}\": {}}}\n"}},
     "m.yaml:3:7: error: use[0]: a.yaml needs the input \"k\": with: {k: ...}\n"
     "m.yaml:3:27: error: use[1]: a.yaml needs the input \"k\": with: {k: ...}\n"
     "m.yaml:3:52: error: use[1].with: expected a mapping of inputs to values, not a list\n"
     "a.yaml:3:20: error: topology.sites.${k}: a name begins with a letter and has letters, "
     "digits, - "
     "and _ (used at m.yaml:3:7)\n"
     "a.yaml:3:20: error: topology.sites.${k}: \"${k}\" is there already: a.yaml:3:20 (used at "
     "m.yaml:3:7) has it; use another name, or leave one of them out (used at m.yaml:3:27)\n"},
    {{{"m.yaml",
       HEAD "use: [{template: a.yaml, with: {k: 0}}, {template: b.yaml, with: {k: x}}]\n"},
      {"a.yaml", SITE "inputs: {k: {type: int, min: 1}}\n"},
      {"b.yaml", "template: v1\ninputs: {k: {type: duration}}\n"}},
     "m.yaml:3:36: error: use[0].with.k: must be at least 1\n"
     "m.yaml:3:70: error: use[1].with.k: expected a duration such as 30s, not \"x\"\n"},
    /* places of the template, and of its use; the paths count each file's own entries */
    {{{"d/m.yaml", HEAD "use: [a.yaml]\nsteps: [{name: x, at: 1, do: {heal: all}}]\n"},
      {"d/a.yaml", SITE "steps: [{name: y, at: 2, do: {heal: all}}]\n"}},
     "d/m.yaml:4:23: error: steps[0].at: a duration needs a unit; did you mean \"1s\"?\n"
     "d/a.yaml:3:23: error: steps[0].at: a duration needs a unit; did you mean \"2s\"? (used at "
     "d/m.yaml:3:7)\n"},
    {{{"m.yaml", HEAD "use: [a.yaml]\n"},
      {"a.yaml", SITE "use: [b/b.yaml]\n"},
      {"b/b.yaml", "template: v1\nassert: [{name: x, never: \"exists(agent where conected)\"}]\n"}},
     "b/b.yaml:2:47: error: assert[0].never: unknown name \"conected\"; did you mean "
     "\"connected\"? "
     "(used at a.yaml:3:7) (used at m.yaml:3:7)\n"},
    /* nothing of the scenario shows through */
    {{{"m.yaml", HEAD "params: {p: {type: int, default: 1}}\nmatrix: {x: [1, 2]}\ntags: "
                      "[\"${matrix.x}\"]\nuse: [a.yaml]\n"},
      {"a.yaml",
       "template: v1\ntopology: {sites: {a: {manager: {replicas: \"${p}\"}}}, clusters: {b: "
       "{count: \"${matrix.x}\"}}}\n"}},
     "a.yaml:2:47: error: topology.sites.a.manager.replicas: unknown name \"p\"; known is profile "
     "(used at m.yaml:6:7)\n"
     "a.yaml:2:80: error: topology.clusters.b.count: unknown name \"matrix.x\"; known is profile "
     "(used at m.yaml:6:7)\n"},
    /* names that clash */
    {{{"m.yaml", HEAD "use: [a.yaml]\ntopology: {sites: {a: {}}, dns: {zone: x.test}}\n"
                      "steps: [{name: y, at: 1m, do: {heal: all}}]\n"},
      {"a.yaml", "template: v1\ntopology: {sites: {a: {}}, dns: {zone: y.test, records: {manager: "
                 "{value: site/a}}}}\nsteps: [{name: y, at: 1m, do: {heal: all}}]\n"}},
     "m.yaml:4:20: error: topology.sites.a: \"a\" is there already: a.yaml:2:20 (used at "
     "m.yaml:3:7) "
     "has it; use another name, or leave one of them out\n"
     "m.yaml:4:34: error: topology.dns.zone: \"zone\" is there already: a.yaml:2:34 (used at "
     "m.yaml:3:7) has it; use another name, or leave one of them out\n"
     "m.yaml:5:9: error: steps[0]: the name \"y\" is there twice (first at a.yaml:3:9 (used at "
     "m.yaml:3:7))\n"},
    /* circles, depth, paths */
    {{{"m.yaml", HEAD "use: [a.yaml, m.yaml]\n"},
      {"a.yaml", SITE "use: [b.yaml]\n"},
      {"b.yaml", "template: v1\nuse: [./x/../a.yaml]\n"}},
     "m.yaml:3:15: error: use[1]: \"m.yaml\" would use itself\n"
     "b.yaml:2:7: error: use[0]: \"a.yaml\" would use itself (used at a.yaml:3:7) (used at "
     "m.yaml:3:7)\n"},
    {{{"d/m.yaml", HEAD "use: [/etc/a.yaml, ../../a.yaml, x/../../../a.yaml, ../t/a.yaml]\n"},
      {"t/a.yaml", SITE "use: [../../b.yaml, ../b.yaml]\n"},
      {"b.yaml", "template: v1\n"}},
     "d/m.yaml:3:7: error: use[0]: the path begins at the folder of this file, not with \"/\"\n"
     "d/m.yaml:3:20: error: use[1]: \"../../a.yaml\" leads too far away: the files of a scenario "
     "lie "
     "below its folder or below the one above it (../templates/...)\n"
     "d/m.yaml:3:34: error: use[2]: \"x/../../../a.yaml\" leads too far away: the files of a "
     "scenario "
     "lie below its folder or below the one above it (../templates/...)\n"
     "t/a.yaml:3:7: error: use[0]: \"../../b.yaml\" leads too far away: the files of a scenario "
     "lie "
     "below its folder or below the one above it (../templates/...) (used at d/m.yaml:3:53)\n"},
    /* what a template is not */
    {{{"m.yaml", HEAD "use: [a.yaml, b.yaml, c.yaml]\n"},
      {"a.yaml", SITE "name: ok\nparams: {}\n"},
      {"b.yaml", "template: v2\n"},
      {"c.yaml", "scenario: v1\n"}},
     "a.yaml:4:1: error: unknown field \"params\"; known are template, name, doc, inputs, use, "
     "policies, topology, steps, faults, assert, measure (used at m.yaml:3:7)\n"
     "b.yaml:1:11: error: template: unknown value \"v2\"; did you mean \"v1\"? (used at "
     "m.yaml:3:15)\n"
     "c.yaml:1:1: error: a template is a mapping that begins with \"template: v1\" (used at "
     "m.yaml:3:23)\n"},
    {{{"m.yaml", HEAD "use: [a.yaml]\n"}, {"a.yaml", "template: v1\ntopology: {\n"}},
     "a.yaml:3:1: error: malformed YAML: did not find expected node content while parsing a flow "
     "node "
     "from line 3; a value is missing here (used at m.yaml:3:7)\n"},
    {{{"m.yaml", HEAD "use: [a.yaml, b.yaml]\n"}, {"a.yaml", "5\n"}, {"b.yaml", "[template]\n"}},
     "a.yaml:1:1: error: a template is a mapping that begins with \"template: v1\" (used at "
     "m.yaml:3:7)\n"
     "b.yaml:1:1: error: a template is a mapping that begins with \"template: v1\" (used at "
     "m.yaml:3:15)\n"},
    /* what is no list of uses, and no path */
    {{{"m.yaml", HEAD "use: [\"\", [x], {with: {}}]\n"
                      "topology: {sites: {a: {}}}\n"}},
     "m.yaml:3:7: error: use[0]: must not be empty\n"
     "m.yaml:3:11: error: use[1]: expected a mapping such as {template: ...}, not a list\n"
     "m.yaml:3:16: error: use[2]: the field \"template\" is missing\n"},
    /* sections of another form */
    {{{"m.yaml", HEAD "use: [a.yaml]\ntopology: {sites: [b], clusters: 5}\nsteps: {name: x}\n"},
      {"a.yaml", SITE "steps: [{name: y, at: 1m, do: {heal: all}}]\n"}},
     "m.yaml:4:12: error: topology.sites: \"sites\" is there already: a.yaml:2:12 (used at "
     "m.yaml:3:7) has it; use another name, or leave one of them out\n"
     "m.yaml:4:34: error: topology.clusters: expected a mapping of names, not an integer\n"
     "m.yaml:5:1: error: steps: \"steps\" is there already: a.yaml:3:1 (used at m.yaml:3:7) has "
     "it; "
     "use another name, or leave one of them out\n"},
    /* stages that are none, that are the scenario, that a group cannot have */
    {{{"m.yaml", HEAD "topology:\n  sites: {a: {}}\n  dns: {records: {manager: {value: site/a}}}\n"
                      "  clusters:\n    b: {stages: m.yaml}\n    c: {stages: s.yaml}\n    d: 5\n"
                      "    e: {stages: 5}\n"},
      {"s.yaml", "[stages]\n"}},
     "m.yaml:7:17: error: topology.clusters.b.stages: \"m.yaml\" would use itself\n"
     "m.yaml:9:8: error: topology.clusters.d: expected a mapping such as {count: ..., nodes: ...}, "
     "not an integer\n"
     "m.yaml:10:17: error: topology.clusters.e.stages: expected a mapping such as {stages: ...}, "
     "not an integer\n"
     "s.yaml:1:1: error: a file of stages is a mapping that begins with \"stages: v1\" (used at "
     "m.yaml:8:17)\n"},
    /* the same file by other ways, and a folder whose name ends as the one above does */
    {{{"m.yaml", HEAD "use: [t/.//a.yaml, x../../b.yaml]\n"},
      {"t/a.yaml", SITE},
      {"b.yaml", "template: v1\nnope: 1\n"}},
     "b.yaml:2:1: error: unknown field \"nope\"; did you mean \"name\"? (used at m.yaml:3:20)\n"},
};

/* Where no file can be read, and where there are too many. */
static void reading_has_bounds(void **state)
{
    struct buf said = {0}, text = {0};
    scenario_validate(STR("m.yaml"), STR(HEAD "use: [a.yaml]\n"), NULL, &said);
    check_str(buf_str(&said), "m.yaml:3:7: error: use[0]: the template cannot be read: no other "
                              "file can be read here\n");
    static const struct file files[FILES_MAX] = {{"a.yaml", "template: v1\n"}};
    struct table table = {files};
    struct scenario_files reader = {.read = read_from_table, .ctx = &table};
    buf_clear(&said);
    buf_add_c(&text, HEAD "topology: {sites: {a: {}}}\nuse:\n");
    for (size_t i = 0; i < TEMPLATES_MAX + 2; i++)
        buf_add_c(&text, "  - a.yaml\n");
    scenario_validate(STR("m.yaml"), buf_str(&text), &reader, &said);
    check_str(buf_str(&said),
              "m.yaml:69:5: error: use[64]: at most 64 templates are used by one scenario\n"
              "m.yaml:70:5: error: use[65]: at most 64 templates are used by one scenario\n");
    buf_free(&said);
    buf_free(&text);
}

static void mistakes_are_told(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(mistakes); i++)
        check_said(mistakes[i].files, mistakes[i].said);
}

static void depth_is_bounded(void **state)
{
    static const struct file files[] = {
        {"m.yaml", HEAD "use: [0.yaml]\n"},
        {"0.yaml", SITE "use: [1.yaml]\n"},
        {"1.yaml", "template: v1\nuse: [2.yaml]\n"},
        {"2.yaml", "template: v1\nuse: [3.yaml]\n"},
        {"3.yaml", "template: v1\nuse: [4.yaml]\n"},
        {"4.yaml", "template: v1\nuse: [5.yaml]\n"},
        {"5.yaml", "template: v1\nuse: [6.yaml]\n"},
        {"6.yaml", "template: v1\nuse: [7.yaml]\n"},
        {"7.yaml", "template: v1\nuse: [8.yaml]\n"},
        {"8.yaml", "template: v1\n"},
        {NULL, NULL},
    };
    struct table table = {files};
    struct scenario_files reader = {.read = read_from_table, .ctx = &table};
    struct buf said = {0};
    scenario_validate(str_c(files[0].path), str_c(files[0].text), &reader, &said);
    assert_true(
        str_starts(buf_str(&said), STR("7.yaml:2:7: error: use[0]: templates use templates: "
                                       "at most 8 deep (used at 6.yaml:2:7)")));
    buf_free(&said);
}

/* Children that an alias shares with its anchor are joined without harm to either. */
static void aliases_are_joined(void **state)
{
    static const struct file files[FILES_MAX] = {
        {"m.yaml", HEAD "use: [a.yaml]\ntopology: {sites: {b: {}}, clusters: {c: {}}}\n"},
        {"a.yaml", "template: v1\ntopology: {sites: &x {s: {}, t: {}}, clusters: *x}\n"},
    };
    check_said(
        files,
        "a.yaml:2:23: error: topology.clusters.s: a site has the name \"s\" already (used at "
        "m.yaml:3:7)\n"
        "a.yaml:2:30: error: topology.clusters.t: a site has the name \"t\" already (used at "
        "m.yaml:3:7)\n");
}

/* A path of stages is seen from the file that it stands in, and the file becomes part of what is planned. */
static void stages_are_drawn_in(void **state)
{
    (void)state;
    static const struct file files[FILES_MAX] = {
        {"s/x/main.yaml", HEAD "use: [../t/estate.yaml]\n"
                               "topology: {clusters: {b: {stages: own.yaml}, c: {}}}\n"},
        {"s/t/estate.yaml", "template: v1\ntopology:\n  sites: {a: {}}\n"
                            "  dns: {records: {manager: {value: site/a}}}\n"
                            "  clusters: {e: {stages: deep/a.yaml}}\n"},
        {"s/x/own.yaml", "stages: v1\npods: {mine: {do: run}}\n"},
        {"s/t/deep/a.yaml", "stages: v1\npods: {theirs: {do: run}}\n"},
    };
    struct arena a = {0};
    struct diags diags;
    struct plan *p = plan_of(&a, files, 0, &diags);
    assert_non_null(p);
    assert_true(str_starts(PLAN_GROUP(p, 0)->stages, STR("stage theirs")));
    assert_true(str_starts(PLAN_GROUP(p, 1)->stages, STR("stage mine")));
    assert_int_equal(PLAN_GROUP(p, 2)->stages.n, 0);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sections_are_joined), cmocka_unit_test(mistakes_are_told),
        cmocka_unit_test(depth_is_bounded),    cmocka_unit_test(aliases_are_joined),
        cmocka_unit_test(stages_are_drawn_in), cmocka_unit_test(reading_has_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
