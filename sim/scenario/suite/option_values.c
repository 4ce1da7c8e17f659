/* What stands behind each option. */
#include "sim/scenario/suite/options_internal.h"

#include "engine/base/timefmt.h"

void option_append(struct arena *a, struct str **list, size_t *n, struct str value)
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
               : err_new(ERR_INVALID,
                         "--seed: \"" STR_FMT "\" is not a number from 0 to 18446744073709551615",
                         STR_ARG(value));
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
    case OPT_FAULT_LISTEN:
        return &o->fault_listen;
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
    bool numbers = str_to_u64(first, &o->seeds_first) && str_to_u64(last, &o->seeds_last);
    if (numbers && o->seeds_first <= o->seeds_last)
        return NULL;
    if (numbers)
        return err_new(ERR_INVALID,
                       "--seeds: \"" STR_FMT "\" is empty: A..B goes from the lower to the higher",
                       STR_ARG(value));
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

struct err *option_take(struct parser *p, enum option_id id, struct str value)
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
        option_append(p->arena, &o->sets, &o->sets_n, value);
        return NULL;
    case OPT_POLICY:
        option_append(p->arena, &o->policies, &o->policies_n, value);
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
