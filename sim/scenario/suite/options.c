/* The command lines of paddock-sim. */
#include "sim/scenario/suite/options_internal.h"

#include "sim/scenario/expr/diag.h"
#include "sim/scenario/language/scenario.h"

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
    [OPT_FAULT_LISTEN] = {STR_INIT("--fault-listen"), true, OF(APISERVER)},
    [OPT_COLOR] = {STR_INIT("--color"), true, ~0u},
    [OPT_HELP] = {STR_INIT("--help"), false, ~0u},
    [OPT_VERSION] = {STR_INIT("--version"), false, ~0u},
};

/* ---- one argument after the other ---- */

static struct err *unknown_option(struct parser *p, struct str name)
{
    struct str names[OPT_COUNT];
    size_t n = 0;
    for (size_t i = 0; i < OPT_COUNT; i++)
        if (option_table[i].of & 1u << p->out->command)
            names[n++] = str_sub(option_table[i].name, 2, option_table[i].name.n);
    /* without the hyphens, which all have alike */
    struct str near = diag_suggest(str_sub(name, 2, name.n), names, n);
    if (near.n)
        return err_new(ERR_INVALID,
                       "unknown option \"" STR_FMT "\"; did you mean \"--" STR_FMT "\"?",
                       STR_ARG(name), STR_ARG(near));
    return err_new(ERR_INVALID, "unknown option \"" STR_FMT "\"; --help lists them", STR_ARG(name));
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
        return option_take(p, (enum option_id)i, value);
    }
    return unknown_option(p, name);
}

static struct err *unknown_command(struct arena *a, struct str word)
{
    struct str names[COMMAND_COUNT];
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        names[i] = str_c(command_rows[i].name);
    return err_new(ERR_INVALID, "unknown command \"" STR_FMT "\"" STR_FMT, STR_ARG(word),
                   STR_ARG(diag_suggest_tail(a, word, names, COMMAND_COUNT)));
}

static struct err *find_command(struct arena *a, struct str word, enum command *out)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (str_eq_c(word, command_rows[i].name)) {
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
    option_append(p->arena, &p->out->files, &p->out->files_n, arg);
    return NULL;
}

/* A command goes first; then what the language has of this name. */
static struct err *find_help(struct arena *a, struct str word, struct options *o)
{
    struct buf text = {0};
    size_t topics_n, n = 0;
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (str_eq_c(word, command_rows[i].name)) {
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
        names[n++] = str_c(command_rows[i].name);
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
                       command_rows[o->command].name, STR_ARG(o->files[o->files_n - 1]));
    bool unusual =
        (o->command == COMMAND_VALIDATE && o->format != FORMAT_PRETTY &&
         o->format != FORMAT_SARIF) ||
        (o->command == COMMAND_LIST && o->format != FORMAT_PRETTY && o->format != FORMAT_JSON);
    if (unusual)
        return err_new(ERR_INVALID, "--format: %s knows pretty and %s",
                       command_rows[o->command].name,
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
