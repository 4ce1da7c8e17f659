/* The tables of what must hold and of the file itself. Further ones: language_estate.c (what exists), language_script.c (what
 * happens), fault.c (the faults). */
#include "sim/scenario/language/language_tables.h"

/* ---- what must hold ---- */

static const struct field within_fields[] = {
    F("time", FIELD_EXPR, within_entry, time, FIELD_REQUIRED, NULL,
      "a duration, also computed: \"${ttl} + 45s\""),
    F("after", FIELD_MOMENT, within_entry, after, FIELD_REQUIRED, NULL, "a step, a time, or quiet"),
};
static SHAPE(within_shape, "within", within_entry, within_fields, NULL, "a span after a moment");

static const struct field assert_fields[] = {
    F("name", FIELD_STRING, assert_entry, name, FIELD_REQUIRED | FIELD_NON_EMPTY, NULL,
      "what must hold, in words"),
    F("doc", FIELD_STRING, assert_entry, doc, 0, NULL, "more words"),
    F("when", FIELD_EXPR, assert_entry, when, 0, NULL,
      "only where this holds: matrix, profile, params"),
    F("profile", FIELD_STRINGS, assert_entry, profile, 0, NULL, "only under these profiles"),
    F("always", FIELD_EXPR, assert_entry, always, FIELD_CHOICE, NULL, "holds all the time"),
    F("never", FIELD_EXPR, assert_entry, never, FIELD_CHOICE, NULL, "holds at no time"),
    F("eventually", FIELD_EXPR, assert_entry, eventually, FIELD_CHOICE, NULL,
      "holds at some time, at the latest `by`"),
    F("sometimes", FIELD_EXPR, assert_entry, sometimes, FIELD_CHOICE, NULL,
      "holds at least once in at least one run"),
    F_SHAPE("within", FIELD_OBJECT, assert_entry, within, FIELD_CHOICE, &within_shape,
            "`that` comes to hold in this span, and holds at its end"),
    F("at", FIELD_MOMENT, assert_entry, at, FIELD_CHOICE, NULL, "`that` holds at this moment"),
    F("that", FIELD_EXPR, assert_entry, that, 0, NULL, "the condition of within and at"),
    F("from", FIELD_MOMENT, assert_entry, from, 0, NULL, "watched from here: a time or a step"),
    F("until", FIELD_MOMENT, assert_entry, until, 0, NULL, "watched up to here"),
    F("by", FIELD_MOMENT, assert_entry, by, 0, NULL, "the deadline of eventually"),
    F("lasting", FIELD_DURATION, assert_entry, lasting_ns, 0, NULL,
      "always, never: a breach counts once it has lasted this long"),
    F("ignore", FIELD_STRINGS, assert_entry, ignore, 0, NULL,
      "of compared states: members, ends of paths (status.phase), resources (pods), or both "
      "(pods/status.phase)"),
};
SHAPE(assert_shape, "assertion", assert_entry, assert_fields, NULL, "what must hold");

static const struct field measure_fields[] = {
    F("gauge", FIELD_EXPR, measure_entry, gauge, FIELD_CHOICE, NULL, "a number over time"),
    F("hist", FIELD_EXPR, measure_entry, hist, FIELD_CHOICE, NULL,
      "a number of each item of a collection"),
    F("when", FIELD_EXPR, measure_entry, when, 0, NULL,
      "only where this holds: matrix, profile, params"),
    F("at", FIELD_MOMENT, measure_entry, at, 0, NULL, "taken at this moment only"),
    F_RANGE("every", FIELD_DURATION, measure_entry, every_ns, 0, "1s", LEAST_NS, LIMIT_MAX,
            "a gauge's sampling"),
    F("unit", FIELD_STRING, measure_entry, unit, 0, NULL, "for reports: s, B, ..."),
    F("doc", FIELD_STRING, measure_entry, doc, 0, NULL, "one line"),
    F("show", FIELD_STRINGS, measure_entry, show, 0, NULL, "p50, p90, p99, max, ..."),
};
SHAPE(measure_shape, "measure", measure_entry, measure_fields, NULL, "what reports show");

static const struct field report_fields[] = {
    F("junit", FIELD_BOOL, plan_report, junit, 0, "true", "junit.xml"),
    F("html", FIELD_BOOL, plan_report, html, 0, "true", "report.html"),
    F("sarif", FIELD_BOOL, plan_report, sarif, 0, "false", "report.sarif"),
    F("csv", FIELD_BOOL, plan_report, csv, 0, "false", "measures.csv"),
    F_ENUM("trace", plan_report, trace, 0, "on-failure", "never|on-failure|always", "trace.bin"),
};
SHAPE(report_shape, "report", plan_report, report_fields, NULL, "what is written");

static const struct field budget_fields[] = {
    F("wall", FIELD_DURATION, plan_budget, wall_ns, 0, NULL, "real time of one run"),
    F("memory", FIELD_SIZE, plan_budget, memory_bytes, 0, NULL, "memory of one run"),
    F_RANGE("events", FIELD_INT, plan_budget, events, 0, NULL, 0, EVENTS_MAX, "events of one run"),
};
SHAPE(budget_shape, "budget", plan_budget, budget_fields, NULL,
      "beyond it the run ends as an error");

static const struct field quiet_fields[] = {
    F("from", FIELD_MOMENT, quiet_entry, from, FIELD_REQUIRED, NULL,
      "from here everything is healed and nothing injected"),
};
SHAPE(quiet_shape, "quiet", quiet_entry, quiet_fields, NULL, "divides safety from liveness");

/* ---- the file ---- */

static const struct field seeds_fields[] = {
    F_RANGE("first", FIELD_INT, seeds_entry, first, 0, "1", 0, SEED_MAX, "the first seed"),
    F_RANGE("count", FIELD_INT, seeds_entry, count, 0, "1", 1, SEEDS_MAX, "how many"),
    F("swarm", FIELD_BOOL, seeds_entry, swarm, 0, "false",
      "each seed draws its own subset of `faults` and of the palette of `chaos`"),
};
static SHAPE(seeds_shape, "seeds", seeds_entry, seeds_fields, NULL, "one run each");

static const struct field on_failure_fields[] = {
    F("shrink", FIELD_BOOL, on_failure_entry, shrink, 0, "false",
      "with --out: reduces the first run of each failure to a file of its own"),
    F("keep", FIELD_STRING, on_failure_entry, keep, FIELD_NON_EMPTY, NULL,
      "the folder for it, from where the program was started; left out: that of --out"),
    F_RANGE("budget", FIELD_DURATION, on_failure_entry, budget_ns, 0, "2m", NS_PER_S, LIMIT_MAX,
            "real time for one failure"),
};
static SHAPE(on_failure_shape, "on_failure", on_failure_entry, on_failure_fields, NULL,
             "what is done with a run that failed");

static const struct field param_fields[] = {
    F_ENUM("type", param_entry, type, FIELD_REQUIRED, NULL,
           "int|duration|bool|string|enum|percent|size", "the type of its values"),
    F("default", FIELD_NODE, param_entry, otherwise, FIELD_REQUIRED, NULL,
      "the value without --set"),
    F("min", FIELD_NODE, param_entry, min, 0, NULL, "the least value"),
    F("max", FIELD_NODE, param_entry, max, 0, NULL, "the greatest value"),
    F("values", FIELD_STRINGS, param_entry, values, FIELD_NON_EMPTY, NULL, "of an enum"),
    F("doc", FIELD_STRING, param_entry, doc, 0, NULL, "one line"),
};
SHAPE(param_shape, "param", param_entry, param_fields, NULL, "a parameter: ${NAME}");

static const struct field input_fields[] = {
    F_ENUM("type", param_entry, type, FIELD_REQUIRED, NULL,
           "int|duration|bool|string|enum|percent|size", "the type of its values"),
    F("default", FIELD_NODE, param_entry, otherwise, 0, NULL,
      "the value when `with` has none; left out: `with` must have one"),
    F("min", FIELD_NODE, param_entry, min, 0, NULL, "the least value"),
    F("max", FIELD_NODE, param_entry, max, 0, NULL, "the greatest value"),
    F("values", FIELD_STRINGS, param_entry, values, FIELD_NON_EMPTY, NULL, "of an enum"),
    F("doc", FIELD_STRING, param_entry, doc, 0, NULL, "one line"),
};
SHAPE(input_shape, "input", param_entry, input_fields, NULL, "an input of a template: ${NAME}");

static const struct field use_fields[] = {
    F("template", FIELD_STRING, use_entry, path, FIELD_REQUIRED | FIELD_NON_EMPTY, NULL,
      "its file, seen from this one's folder: ../templates/estate.yaml"),
    F("with", FIELD_NODE, use_entry, with, 0, NULL, "values of its inputs: {NAME: VALUE}"),
};
SHAPE(use_shape, "use", use_entry, use_fields, "template", "a template and its inputs");

static const struct field template_fields[] = {
    F_ENUM("template", template_entry, version, FIELD_REQUIRED, NULL, "v1",
           "the language's version"),
    F("name", FIELD_STRING, template_entry, name, FIELD_NON_EMPTY, NULL, "what people call it"),
    F("doc", FIELD_STRING, template_entry, doc, 0, NULL, "one line"),
    F_SHAPE("inputs", FIELD_NODE, template_entry, inputs, FIELD_MAP_OF, &input_shape,
            "typed values, ${NAME}; nothing else of the scenario is seen"),
    F_SHAPE("use", FIELD_NODE, template_entry, use, FIELD_LIST_OF, &use_shape,
            "templates that it builds upon"),
    F("policies", FIELD_NODE, template_entry, policies, 0, NULL,
      "single policies beside the profile"),
    F_SHAPE("topology", FIELD_NODE, template_entry, topology, 0, &topology_shape,
            "what exists at the start"),
    F_SHAPE("steps", FIELD_NODE, template_entry, steps, FIELD_LIST_OF, &step_shape,
            "the script; before the scenario's own steps"),
    F_SHAPE("faults", FIELD_NODE, template_entry, faults, FIELD_LIST_OF, &fault_shape,
            "the timeline"),
    F_SHAPE("assert", FIELD_NODE, template_entry, asserts, FIELD_LIST_OF, &assert_shape,
            "what must hold"),
    F_SHAPE("measure", FIELD_NODE, template_entry, measures, FIELD_MAP_OF, &measure_shape,
            "what reports show"),
};
SHAPE(template_shape, "template", template_entry, template_fields, NULL,
      "part of a scenario, with inputs");

static const struct field file_fields[] = {
    F_ENUM("scenario", file_entry, version, FIELD_REQUIRED, NULL, "v1", "the language's version"),
    F("name", FIELD_STRING, file_entry, name, FIELD_REQUIRED | FIELD_NON_EMPTY, NULL,
      "what reports call it"),
    F("doc", FIELD_STRING, file_entry, doc, 0, NULL, "one line"),
    F("tags", FIELD_STRINGS, file_entry, tags, 0, NULL, "for choosing"),
    F_SHAPE("seeds", FIELD_OBJECT, file_entry, seeds, 0, &seeds_shape, "one run each"),
    F("profile", FIELD_STRINGS, file_entry, profile, FIELD_NON_EMPTY, NULL,
      "compat, hardened, or both; left out: hardened"),
    F("policies", FIELD_NODE, file_entry, policies, 0, NULL, "single policies beside the profile"),
    F_SHAPE("params", FIELD_NODE, file_entry, params, FIELD_MAP_OF, &param_shape,
            "typed values, ${NAME}"),
    F_SHAPE("use", FIELD_NODE, file_entry, use, FIELD_LIST_OF, &use_shape,
            "templates whose sections become part of this file"),
    F("matrix", FIELD_NODE, file_entry, matrix, 0, NULL, "axes of variants, ${matrix.AXIS.FIELD}"),
    F_SHAPE("clock", FIELD_NODE, file_entry, clock, 0, &clock_shape, "virtual time"),
    F_SHAPE("topology", FIELD_NODE, file_entry, topology, FIELD_REQUIRED, &topology_shape,
            "what exists at the start"),
    F_SHAPE("traffic", FIELD_NODE, file_entry, traffic, FIELD_MAP_OF, &traffic_shape,
            "what users of the manager do, through its tunnels"),
    F_SHAPE("steps", FIELD_NODE, file_entry, steps, FIELD_LIST_OF, &step_shape, "the script"),
    F_SHAPE("faults", FIELD_NODE, file_entry, faults, FIELD_LIST_OF, &fault_shape, "the timeline"),
    F_SHAPE("chaos", FIELD_NODE, file_entry, chaos, 0, &chaos_shape,
            "a schedule of faults that each seed draws for itself"),
    F_SHAPE("quiet", FIELD_NODE, file_entry, quiet, 0, &quiet_shape,
            "divides safety from liveness"),
    F_SHAPE("assert", FIELD_NODE, file_entry, asserts, FIELD_LIST_OF, &assert_shape,
            "what must hold"),
    F_SHAPE("measure", FIELD_NODE, file_entry, measures, FIELD_MAP_OF, &measure_shape,
            "what reports show"),
    F_SHAPE("report", FIELD_NODE, file_entry, report, 0, &report_shape, "what is written"),
    F_SHAPE("budget", FIELD_NODE, file_entry, budget, 0, &budget_shape,
            "beyond it the run ends as an error"),
    F_SHAPE("on_failure", FIELD_OBJECT, file_entry, on_failure, 0, &on_failure_shape,
            "what is done with a run that failed"),
};
SHAPE(file_shape, "scenario", file_entry, file_fields, NULL, "a scenario of Paddock");
