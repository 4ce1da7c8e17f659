/* The command lines of paddock-sim. */
#include "sim/scenario/suite/options.h"

#include "engine/base/timefmt.h"
#include "sim/scenario/expr/diag.h"
#include "sim/scenario/language/scenario.h"

#define COMMON_HELP                                                                                \
    "  -q, -v            less, more on the terminal\n"                                             \
    "  --color WHEN      auto, always or never (NO_COLOR is honoured)\n"                           \
    "  -h, --help        this text\n"

static const struct {
    const char *name, *doc, *help;
} commands[COMMAND_COUNT] = {
    [COMMAND_HELP] = {"help", "this text; of one command, or of the language: help COMMAND|TOPIC",
                      NULL},
    [COMMAND_VERSION] = {"version", "the version", NULL},
    [COMMAND_RUN] =
        {"run", "run scenarios: of each, every case and profile, with its first seed",
         "usage: paddock-sim run FILE|DIR... [options]\n\n"
         "  --seed N             another seed than the file's first\n"
         "  --set NAME=VALUE     a parameter; may be repeated\n"
         "  --case ID=VALUE,...  only the cases of the matrix that agree\n"
         "                       point=N: one point of a fault that is at: each-write\n"
         "  --points K/N         of such points only every Nth, from the Kth on\n"
         "  --profile NAME       only compat, or only hardened\n"
         "  --policy NAME=VALUE  a single policy beside the profile; may be repeated\n"
         "  --until STEP|TIME    stop there; what is not decided by then is not judged\n"
         "  --jobs N             runs at a time, each in a process of its own (default:\n"
         "                       one for each core; with --log, one)\n"
         "  --shard I/N          only this share of the runs: each of N machines takes one\n"
         "  --out DIR            write report.html, report.json, junit.xml, runs.pack for\n"
         "                       merge, and of a failure trace.bin and repro.sh\n"
         "  --watch              run again whenever a file has changed, until interrupted\n"
         "  --trace              write trace.bin of every run\n"
         "  --format FORMAT      pretty, json, junit or sarif on standard output\n"
         "  --log LEVEL          the engine's log lines on standard error: error, warn,\n"
         "                       info or debug\n"
         "  --world WORLD        sim (the simulated one) or real\n" COMMON_HELP},
    [COMMAND_SWEEP] =
        {"sweep", "run scenarios with many seeds, side by side",
         "usage: paddock-sim sweep FILE|DIR... [options]\n\n"
         "Each seed runs one case of the file's matrix, which the seed chooses, in each of\n"
         "the file's profiles. A failed run is told at once, with the command that repeats\n"
         "it alone; passed ones are counted.\n\n"
         "  --seeds A..B         these seeds (default: the file's own)\n"
         "  --set NAME=V1,V2     a parameter; with several values, all runs with each of\n"
         "                       them; may be repeated for other parameters\n"
         "  --all-cases          each seed runs every case\n"
         "  --case ID=VALUE,...  only the cases of the matrix that agree\n"
         "  --profile NAME       only compat, or only hardened\n"
         "  --policy NAME=VALUE  a single policy beside the profile; may be repeated\n"
         "  --shard I/N          only this share of the runs: each of N machines takes one\n"
         "  --jobs N             runs at a time (default: one for each core)\n"
         "  --budget TIME        start no run after this time, such as 10m, and say how\n"
         "                       many were left\n"
         "  --out DIR            write summary.html, report.html, report.json, junit.xml,\n"
         "                       runs.pack for merge, and of failures trace.bin, repro.sh\n"
         "  --format FORMAT      pretty, json, junit or sarif on standard output\n" COMMON_HELP},
    [COMMAND_MERGE] =
        {"merge", "the reports of shards as one",
         "usage: paddock-sim merge DIR... [--out DIR] [--format FORMAT]\n\n"
         "Each DIR is what run or sweep wrote with --out; a folder of such folders will do.\n"
         "The exit status is that of the whole, as if it had run on one machine.\n\n"
         "  --out DIR            write summary.html, report.html, report.json, junit.xml,\n"
         "                       runs.pack\n"
         "  --format FORMAT      pretty, json, junit or sarif on standard output\n" COMMON_HELP},
    [COMMAND_VALIDATE] =
        {"validate", "check scenario files: every error at file:line:column",
         "usage: paddock-sim validate FILE|DIR... [options]\n\n"
         "  --format FORMAT      pretty (errors on standard error), or sarif on standard\n"
         "                       output for code hosts\n" COMMON_HELP},
    [COMMAND_LIST] = {"list", "scenarios with their purpose, tags and parameters",
                      "usage: paddock-sim list [FILE|DIR...] [options]\n\n"
                      "  --format FORMAT      pretty or json\n" COMMON_HELP},
    [COMMAND_EXPAND] =
        {"expand", "one run of a file, with templates and values put in",
         "usage: paddock-sim expand FILE [options]\n\n"
         "  --case ID=VALUE,...  the case (default: the first); point=N: one crash of a\n"
         "                       fault that is at: each-write, as a fault of its own\n"
         "  --profile NAME       compat or hardened (default: the file's first)\n"
         "  --seed N             another seed than the file's first\n"
         "  --set NAME=VALUE     a parameter; may be repeated\n\n"
         "The output is a scenario file that makes the same run.\n\n" COMMON_HELP},
    [COMMAND_SCHEMA] = {"schema", "the JSON Schema of scenario files, for editors",
                        "usage: paddock-sim schema\n\n" COMMON_HELP},
    [COMMAND_TRACE] =
        {"trace", "what a trace holds: as text, JSON lines, or for the Perfetto viewer",
         "usage: paddock-sim trace FILE [options]\n\n"
         "  --filter EXPR        only records for which it holds, such as\n"
         "                       'component=*/manager-? kind=tunnel.* time>=10m'\n"
         "                       (fields: time, component, kind, key, text; = and != take\n"
         "                       * and ?; and, or, not, parentheses; the kind of\n"
         "                       a note is the word after it: agent.connected)\n"
         "  --format FORMAT      text (default), json (an object a line) or "
         "perfetto\n" COMMON_HELP},
    [COMMAND_DIFF] =
        {"diff", "the first divergence of two traces, with what came before and after",
         "usage: paddock-sim diff TRACE1 TRACE2\n\n"
         "Exit status: 0 the same, 1 different, 2 a file that is no trace.\n" COMMON_HELP},
    [COMMAND_REPLAY] =
        {"replay", "run again and prove that the trace is the same; or look at the world at a time",
         "usage: paddock-sim replay DIR|FILE [options]\n\n"
         "DIR is what `run --out` wrote: its failed runs are run again and compared. FILE is a\n"
         "scenario: it is run twice.\n\n"
         "  --seed N, --case ID=VALUE,..., --profile NAME, --set NAME=VALUE,\n"
         "  --policy NAME=VALUE  which run, as for run\n"
         "  --at TIME|STEP       stop there and print the world as JSON\n"
         "  --objects            with every object of every API in full\n" COMMON_HELP},
    [COMMAND_SHRINK] =
        {"shrink", "reduce a failing run to the least that still fails the same way",
         "usage: paddock-sim shrink DIR|FILE [options]\n\n"
         "Writes a scenario file of its own that says of each line why it is left.\n\n"
         "  --seed N, --case ID=VALUE,..., --profile NAME, --set NAME=VALUE,\n"
         "  --policy NAME=VALUE  which run, as for run\n"
         "  --budget TIME        real time after which the best so far is written (2m)\n"
         "  --jobs N             runs at a time (default: one for each core)\n"
         "  --against PROGRAM    what is left has to pass with this one: a version before the\n"
         "                       bug; else it may fail for a simpler reason\n"
         "  --out FILE|DIR       where the file goes (default: beside what was "
         "given)\n" COMMON_HELP},
    [COMMAND_NEW] =
        {"new", "a commented scenario file to begin with",
         "usage: paddock-sim new NAME\n\n"
         "Writes scenarios/NAME/NAME.yaml, or the file NAME where it is a path or ends\n"
         "in .yaml. Nothing is overwritten. The file validates and runs green as it "
         "is.\n\n" COMMON_HELP},
    [COMMAND_APISERVER] =
        {"apiserver", "a simulated Kubernetes API on a real port, with TLS",
         "usage: paddock-sim apiserver [options]\n\n"
         "Prints `ready https://HOST:PORT` when it serves, and ends in order on SIGTERM.\n\n"
         "  --listen HOST:PORT   a numeric address (default 127.0.0.1:0: any free port)\n"
         "  --kubeconfig-out FILE\n"
         "                       write a kubeconfig with an administrator (a client\n"
         "                       certificate of group system:masters)\n"
         "  --bare               no controllers and no default service accounts: what a\n"
         "                       kube-apiserver does alone\n"
         "  --nodes N            fake nodes that run pods (default 1; not with --bare)\n"
         "  --stages FILE        what becomes of their pods, and when (YAML, stages: v1)\n"
         "  --cluster FILE       objects to start with: YAML documents or JSON\n"
         "  --crds DIR           definitions of custom resources to start with\n"
         "  --datastore STORE    memory (default)\n"
         "  --audit FILE         append an audit event of each request, a JSON line each\n"
         "  --record FILE        write the exchanges as a transcript when the server ends\n"
         "  --log LEVEL          log lines on standard error: error, warn, info or "
         "debug\n" COMMON_HELP},
};

void options_help(enum command of, struct buf *out)
{
    if (of != COMMAND_HELP && commands[of].help) {
        buf_addf(out, "%s: %s\n", commands[of].name, commands[of].doc);
        buf_add_c(out, commands[of].help);
        return;
    }
    buf_add_c(out, "paddock-sim: runs scenarios of multi-cluster Kubernetes management in a "
                   "simulated world\n\nusage: paddock-sim COMMAND [options]\n\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        buf_addf(out, "  %-10s %s\n", commands[i].name, commands[i].doc);
    buf_add_c(out,
              "\n`paddock-sim COMMAND --help` tells more.\n"
              "`paddock-sim help TOPIC` tells of the language of scenarios: expressions, faults,\n"
              "targets, actions, policies, a section (topology, steps, assert, measure, chaos,\n"
              "traffic, ...), a family of faults (dns, net, ...), what expressions look into\n"
              "(agent, cluster, ...), or a single entry (palette, dns.set, ...).\n");
}

/* ---- one argument after the other ---- */

struct parser {
    struct arena *arena;
    int argc, at;
    char *const *argv;
    struct options *out;
    bool has_command, ended; /* ended: behind "--" all are files */
    bool help, version;
};

static void append(struct arena *a, struct str **list, size_t *n, struct str value)
{
    struct str *more = ARENA_NEW_ARRAY(a, struct str, *n + 1);
    for (size_t i = 0; i < *n; i++)
        more[i] = (*list)[i];
    more[(*n)++] = value;
    *list = more;
}

static struct err *choose(struct str option, struct str value, const char *const *names, size_t n,
                          int *out)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq_c(value, names[i])) {
            *out = (int)i;
            return NULL;
        }
    struct buf known = {0};
    for (size_t i = 0; i < n; i++)
        buf_addf(&known, "%s%s", i ? ", " : "", names[i]);
    struct err *err = err_new(ERR_INVALID, STR_FMT ": \"" STR_FMT "\" is not one of %s",
                              STR_ARG(option), STR_ARG(value), buf_c(&known));
    buf_free(&known);
    return err;
}

static struct err *take_seed(struct options *o, struct str value)
{
    o->has_seed = true;
    return str_to_u64(value, &o->seed)
               ? NULL
               : err_new(ERR_INVALID, "--seed: \"" STR_FMT "\" is not a number", STR_ARG(value));
}

static struct err *take_jobs(struct options *o, struct str value)
{
    uint64_t n;
    if (!str_to_u64(value, &n) || n == 0 || n > OPTIONS_JOBS_MAX)
        return err_new(ERR_INVALID, "--jobs: \"" STR_FMT "\" is not a number from 1 to %u",
                       STR_ARG(value), OPTIONS_JOBS_MAX);
    o->jobs = (uint32_t)n;
    return NULL;
}

static struct err *take_points(struct options *o, struct str value)
{
    struct str first, rest;
    uint64_t at, of;
    if (!str_cut(value, '/', &first, &rest) || !str_to_u64(first, &at) || !str_to_u64(rest, &of) ||
        at == 0 || at > of || of > UINT32_MAX)
        return err_new(ERR_INVALID,
                       "--points: \"" STR_FMT "\" is not such as 3/20: the 3rd of each 20",
                       STR_ARG(value));
    o->points_at = (uint32_t)at;
    o->points_of = (uint32_t)of;
    return NULL;
}

static struct err *take_nodes(struct options *o, struct str value)
{
    uint64_t n;
    if (!str_to_u64(value, &n) || n > OPTIONS_NODES_MAX)
        return err_new(ERR_INVALID, "--nodes: \"" STR_FMT "\" is not a number from 0 to %u",
                       STR_ARG(value), OPTIONS_NODES_MAX);
    o->nodes = (uint32_t)n;
    o->has_nodes = true;
    return NULL;
}

enum option_id {
    OPT_SEED,
    OPT_SEEDS,
    OPT_SHARD,
    OPT_BUDGET,
    OPT_ALL_CASES,
    OPT_WATCH,
    OPT_SET,
    OPT_CASE,
    OPT_PROFILE,
    OPT_POLICY,
    OPT_WORLD,
    OPT_OUT,
    OPT_FORMAT,
    OPT_TRACE,
    OPT_UNTIL,
    OPT_POINTS,
    OPT_JOBS,
    OPT_COLOR,
    OPT_LOG,
    OPT_FILTER,
    OPT_AT,
    OPT_OBJECTS,
    OPT_AGAINST,
    OPT_LISTEN,
    OPT_KUBECONFIG_OUT,
    OPT_DATASTORE,
    OPT_CLUSTER,
    OPT_CRDS,
    OPT_BARE,
    OPT_NODES,
    OPT_STAGES,
    OPT_AUDIT,
    OPT_RECORD,
    OPT_HELP,
    OPT_VERSION,
    OPT_COUNT
};
#define OF(command) (1u << COMMAND_##command)
#define OF_RUNS     (OF(RUN) | OF(SWEEP))
#define OF_RESULTS  (OF_RUNS | OF(MERGE))
#define OF_AGAIN    (OF(REPLAY) | OF(SHRINK))
static const struct {
    struct str name;
    bool takes_value;
    uint32_t of; /* bit set of commands */
} option_table[OPT_COUNT] = {
    [OPT_SEED] = {STR_INIT("--seed"), true, OF(RUN) | OF_AGAIN | OF(EXPAND)},
    [OPT_SEEDS] = {STR_INIT("--seeds"), true, OF(SWEEP)},
    [OPT_SHARD] = {STR_INIT("--shard"), true, OF_RUNS},
    [OPT_BUDGET] = {STR_INIT("--budget"), true, OF(SWEEP) | OF(SHRINK)},
    [OPT_ALL_CASES] = {STR_INIT("--all-cases"), false, OF(SWEEP)},
    [OPT_WATCH] = {STR_INIT("--watch"), false, OF(RUN)},
    [OPT_SET] = {STR_INIT("--set"), true, OF_RUNS | OF_AGAIN | OF(EXPAND)},
    [OPT_CASE] = {STR_INIT("--case"), true, OF_RUNS | OF_AGAIN | OF(EXPAND)},
    [OPT_PROFILE] = {STR_INIT("--profile"), true, OF_RUNS | OF_AGAIN | OF(EXPAND)},
    [OPT_POLICY] = {STR_INIT("--policy"), true, OF_RUNS | OF_AGAIN},
    [OPT_WORLD] = {STR_INIT("--world"), true, OF(RUN)},
    [OPT_OUT] = {STR_INIT("--out"), true, OF_RESULTS | OF(SHRINK)},
    [OPT_FORMAT] = {STR_INIT("--format"), true, OF_RESULTS | OF(TRACE) | OF(VALIDATE) | OF(LIST)},
    [OPT_TRACE] = {STR_INIT("--trace"), false, OF(RUN)},
    [OPT_UNTIL] = {STR_INIT("--until"), true, OF(RUN)},
    [OPT_POINTS] = {STR_INIT("--points"), true, OF(RUN)},
    [OPT_JOBS] = {STR_INIT("--jobs"), true, OF_RUNS | OF(SHRINK)},
    [OPT_LOG] = {STR_INIT("--log"), true, OF(RUN) | OF(APISERVER)},
    [OPT_FILTER] = {STR_INIT("--filter"), true, OF(TRACE)},
    [OPT_AT] = {STR_INIT("--at"), true, OF(REPLAY)},
    [OPT_OBJECTS] = {STR_INIT("--objects"), false, OF(REPLAY)},
    [OPT_AGAINST] = {STR_INIT("--against"), true, OF(SHRINK)},
    [OPT_LISTEN] = {STR_INIT("--listen"), true, OF(APISERVER)},
    [OPT_KUBECONFIG_OUT] = {STR_INIT("--kubeconfig-out"), true, OF(APISERVER)},
    [OPT_DATASTORE] = {STR_INIT("--datastore"), true, OF(APISERVER)},
    [OPT_CLUSTER] = {STR_INIT("--cluster"), true, OF(APISERVER)},
    [OPT_CRDS] = {STR_INIT("--crds"), true, OF(APISERVER)},
    [OPT_BARE] = {STR_INIT("--bare"), false, OF(APISERVER)},
    [OPT_NODES] = {STR_INIT("--nodes"), true, OF(APISERVER)},
    [OPT_STAGES] = {STR_INIT("--stages"), true, OF(APISERVER)},
    [OPT_AUDIT] = {STR_INIT("--audit"), true, OF(APISERVER)},
    [OPT_RECORD] = {STR_INIT("--record"), true, OF(APISERVER)},
    [OPT_COLOR] = {STR_INIT("--color"), true, ~0u},
    [OPT_HELP] = {STR_INIT("--help"), false, ~0u},
    [OPT_VERSION] = {STR_INIT("--version"), false, ~0u},
};

/* The options that are a text. */
static struct str *text_option(struct options *o, enum option_id id)
{
    switch (id) {
    case OPT_FILTER:
        return &o->filter;
    case OPT_OUT:
        return &o->out;
    case OPT_PROFILE:
        return &o->profile;
    case OPT_CASE:
        return &o->case_filter;
    case OPT_AT:
        return &o->at;
    case OPT_AGAINST:
        return &o->against;
    case OPT_LISTEN:
        return &o->listen;
    case OPT_KUBECONFIG_OUT:
        return &o->kubeconfig_out;
    case OPT_DATASTORE:
        return &o->datastore;
    case OPT_CLUSTER:
        return &o->cluster;
    case OPT_CRDS:
        return &o->crds;
    case OPT_STAGES:
        return &o->stages;
    case OPT_AUDIT:
        return &o->audit;
    case OPT_RECORD:
        return &o->record;
    default:
        return NULL;
    }
}

/* The options that are there or not. */
static bool *flag_option(struct parser *p, enum option_id id)
{
    switch (id) {
    case OPT_ALL_CASES:
        return &p->out->all_cases;
    case OPT_WATCH:
        return &p->out->watch;
    case OPT_TRACE:
        return &p->out->trace;
    case OPT_OBJECTS:
        return &p->out->objects;
    case OPT_BARE:
        return &p->out->bare;
    case OPT_HELP:
        return &p->help;
    case OPT_VERSION:
        return &p->version;
    default:
        return NULL;
    }
}

/* "A..B", or one number. */
static struct err *take_seeds(struct options *o, struct str value)
{
    ptrdiff_t dots = str_find(value, STR(".."));
    struct str first = dots < 0 ? value : str_sub(value, 0, (size_t)dots);
    struct str last = dots < 0 ? value : str_sub(value, (size_t)dots + 2, value.n);
    o->has_seeds = true;
    if (str_to_u64(first, &o->seeds_first) && str_to_u64(last, &o->seeds_last) &&
        o->seeds_first <= o->seeds_last)
        return NULL;
    return err_new(ERR_INVALID, "--seeds: \"" STR_FMT "\" is not A..B, such as 1..200",
                   STR_ARG(value));
}

static struct err *take_shard(struct options *o, struct str value)
{
    struct str index, of;
    uint64_t i, n;
    str_cut(value, '/', &index, &of);
    if (!str_to_u64(index, &i) || !str_to_u64(of, &n) || i == 0 || i > n || n > OPTIONS_SHARDS_MAX)
        return err_new(ERR_INVALID,
                       "--shard: \"" STR_FMT
                       "\" is not I/N, such as 1/4: I from 1 to N, N at most %u",
                       STR_ARG(value), OPTIONS_SHARDS_MAX);
    o->shard = (uint32_t)i;
    o->shards = (uint32_t)n;
    return NULL;
}

static struct err *take_budget(struct options *o, struct str value)
{
    if (duration_parse(value, &o->budget_ns) && o->budget_ns > 0)
        return NULL;
    return err_new(ERR_INVALID, "--budget: \"" STR_FMT "\" is not a time such as 10m",
                   STR_ARG(value));
}

static struct err *take_until(struct options *o, struct str value)
{
    o->until = value;
    if (!str_starts(value, STR("-")))
        return NULL;
    return err_new(ERR_INVALID, "--until: \"" STR_FMT "\" lies before the start", STR_ARG(value));
}

static struct err *take_format(struct options *o, struct str value)
{
    static const char *const formats[] = {"pretty", "json", "junit", "sarif"};
    static const char *const views[] = {"text", "json", "perfetto"};
    static const enum output_format of_views[] = {FORMAT_TEXT, FORMAT_JSON, FORMAT_PERFETTO};
    bool view = o->command == COMMAND_TRACE;
    int choice = 0;
    struct err *err = choose(STR("--format"), value, view ? views : formats,
                             view ? ARRAY_LEN(views) : ARRAY_LEN(formats), &choice);
    o->format = view ? of_views[choice] : (enum output_format)choice;
    return err;
}

static struct err *take_option(struct parser *p, enum option_id id, struct str value)
{
    static const char *const worlds[] = {"sim", "real"};
    static const char *const levels[] = {"error", "warn", "info", "debug"};
    static const char *const colors[] = {"auto", "always", "never"};
    struct options *o = p->out;
    int choice = 0;
    struct err *err = NULL;
    struct str *text = text_option(o, id);
    bool *flag = flag_option(p, id);
    if (text)
        *text = value;
    if (flag)
        *flag = true;
    if (text || flag)
        return NULL;
    switch (id) {
    case OPT_SEED:
        return take_seed(o, value);
    case OPT_SEEDS:
        return take_seeds(o, value);
    case OPT_SHARD:
        return take_shard(o, value);
    case OPT_BUDGET:
        return take_budget(o, value);
    case OPT_SET:
        append(p->arena, &o->sets, &o->sets_n, value);
        return NULL;
    case OPT_POLICY:
        append(p->arena, &o->policies, &o->policies_n, value);
        return NULL;
    case OPT_UNTIL:
        return take_until(o, value);
    case OPT_POINTS:
        return take_points(o, value);
    case OPT_JOBS:
        return take_jobs(o, value);
    case OPT_NODES:
        return take_nodes(o, value);
    case OPT_FORMAT:
        return take_format(o, value);
    case OPT_WORLD:
        err = choose(STR("--world"), value, worlds, ARRAY_LEN(worlds), &choice);
        o->world_real = choice == 1;
        return err;
    case OPT_LOG:
        err = choose(STR("--log"), value, levels, ARRAY_LEN(levels), &choice);
        o->logs = true;
        o->log_level = (enum log_level)choice;
        return err;
    case OPT_COLOR:
        err = choose(STR("--color"), value, colors, ARRAY_LEN(colors), &choice);
        o->color = (enum color_choice)choice;
        return err;
    default:
        break;
    }
    return NULL;
}

static struct err *unknown_option(struct parser *p, struct str name)
{
    struct str names[OPT_COUNT];
    size_t n = 0;
    for (size_t i = 0; i < OPT_COUNT; i++)
        if (option_table[i].of & 1u << p->out->command)
            names[n++] = option_table[i].name;
    return err_new(ERR_INVALID, "unknown option \"" STR_FMT "\"" STR_FMT, STR_ARG(name),
                   STR_ARG(diag_suggest_tail(p->arena, name, names, n)));
}

static struct err *long_option(struct parser *p, struct str arg)
{
    struct str name, value;
    bool has_value = str_cut(arg, '=', &name, &value);
    for (size_t i = 0; i < OPT_COUNT; i++) {
        bool of_command = option_table[i].of & 1u << p->out->command;
        if (!of_command || !str_eq(name, option_table[i].name))
            continue;
        if (!option_table[i].takes_value && has_value)
            return err_new(ERR_INVALID, STR_FMT " takes no value", STR_ARG(name));
        if (option_table[i].takes_value && !has_value) {
            if (p->at == p->argc)
                return err_new(ERR_INVALID, STR_FMT " needs a value", STR_ARG(name));
            value = str_c(p->argv[p->at++]);
        }
        if (option_table[i].takes_value && value.n == 0)
            return err_new(ERR_INVALID, STR_FMT " needs a value", STR_ARG(name));
        return take_option(p, (enum option_id)i, value);
    }
    return unknown_option(p, name);
}

static struct err *unknown_command(struct arena *a, struct str word)
{
    struct str names[COMMAND_COUNT];
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        names[i] = str_c(commands[i].name);
    return err_new(ERR_INVALID, "unknown command \"" STR_FMT "\"" STR_FMT, STR_ARG(word),
                   STR_ARG(diag_suggest_tail(a, word, names, COMMAND_COUNT)));
}

static struct err *find_command(struct arena *a, struct str word, enum command *out)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (str_eq_c(word, commands[i].name)) {
            *out = (enum command)i;
            return NULL;
        }
    return unknown_command(a, word);
}

/* -q, -v, -h, also in one word. */
static struct err *short_options(struct parser *p, struct str arg)
{
    for (size_t i = 1; i < arg.n; i++) {
        if (arg.p[i] == 'q')
            p->out->verbosity = -1;
        else if (arg.p[i] == 'v')
            p->out->verbosity = 1;
        else if (arg.p[i] == 'h')
            p->help = true;
        else
            return err_new(ERR_INVALID, "unknown option \"-%c\"; short ones are -q, -v and -h",
                           arg.p[i]);
    }
    return NULL;
}

static struct err *take_argument(struct parser *p, struct str arg)
{
    if (!p->ended && str_eq_c(arg, "--")) {
        p->ended = true;
        return NULL;
    }
    if (!p->ended && str_starts(arg, STR("--")))
        return long_option(p, arg);
    if (!p->ended && str_starts(arg, STR("-")) && arg.n > 1)
        return short_options(p, arg);
    if (!p->has_command) {
        p->has_command = true;
        return find_command(p->arena, arg, &p->out->command);
    }
    append(p->arena, &p->out->files, &p->out->files_n, arg);
    return NULL;
}

/* A command goes first; then what the language has of this name. */
static struct err *find_help(struct arena *a, struct str word, struct options *o)
{
    struct buf text = {0};
    size_t topics_n, n = 0;
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (str_eq_c(word, commands[i].name)) {
            o->help_of = (enum command)i;
            return NULL;
        }
    bool known = scenario_topic(word, &text);
    buf_free(&text);
    if (known) {
        o->topic = word;
        return NULL;
    }
    const struct str *topics = scenario_topics(a, &topics_n);
    struct str *names = ARENA_NEW_ARRAY(a, struct str, COMMAND_COUNT + topics_n);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        names[n++] = str_c(commands[i].name);
    for (size_t i = 0; i < topics_n; i++)
        names[n++] = topics[i];
    return err_new(ERR_INVALID, "help: no command and no topic is called \"" STR_FMT "\"" STR_FMT,
                   STR_ARG(word), STR_ARG(diag_suggest_tail(a, word, names, n)));
}

/* What only shows when everything has been read. */
static struct err *settle(struct parser *p)
{
    struct options *o = p->out;
    if (p->help || p->version) {
        o->help_of = p->version ? COMMAND_HELP : o->command;
        o->command = p->version ? COMMAND_VERSION : COMMAND_HELP;
        return NULL;
    }
    if (!p->has_command)
        return err_new(ERR_INVALID, "a command is missing; `paddock-sim --help` lists them");
    if (o->command == COMMAND_HELP && o->files_n == 1)
        return find_help(p->arena, o->files[0], o);
    bool alone = o->command == COMMAND_HELP || o->command == COMMAND_VERSION ||
                 o->command == COMMAND_SCHEMA || o->command == COMMAND_APISERVER;
    if (alone && o->files_n > 0)
        return err_new(ERR_INVALID, "%s takes no argument such as \"" STR_FMT "\"",
                       commands[o->command].name, STR_ARG(o->files[o->files_n - 1]));
    bool unusual =
        (o->command == COMMAND_VALIDATE && o->format != FORMAT_PRETTY &&
         o->format != FORMAT_SARIF) ||
        (o->command == COMMAND_LIST && o->format != FORMAT_PRETTY && o->format != FORMAT_JSON);
    if (unusual)
        return err_new(ERR_INVALID, "--format: %s knows pretty and %s", commands[o->command].name,
                       o->command == COMMAND_LIST ? "json" : "sarif");
    if (o->trace && o->out.n == 0)
        return err_new(ERR_INVALID, "--trace needs --out: the folder that trace.bin goes to");
    return NULL;
}

struct err *options_parse(struct arena *a, int argc, char *const argv[], struct options *out)
{
    struct parser p = {.arena = a, .argc = argc, .at = 1, .argv = argv, .out = out};
    struct err *err = NULL;
    *out = (struct options){.command = COMMAND_HELP, .help_of = COMMAND_HELP};
    while (!err && p.at < argc)
        err = take_argument(&p, str_c(argv[p.at++]));
    return err ? err : settle(&p);
}
