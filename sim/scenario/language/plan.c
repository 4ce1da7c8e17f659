/* A plan: its policies, sections in order, topology. */
#include "sim/scenario/language/plan.h"

#include "engine/base/timefmt.h"
#include "sim/scenario/expr/vocabulary.h"
#include "sim/scenario/language/planning.h"
#include "sim/scenario/language/stages.h"

#include <string.h>

#define PPM INT64_C(1000000)

const struct yaml_node *planning_section(struct planning *p, const struct yaml_node *node,
                                         const char *name)
{
    return node ? binding_expand(&p->binding, node, str_c(name)) : NULL;
}

struct objects planning_list(struct planning *p, const struct yaml_node *node, const char *name,
                             const struct shape *shape)
{
    struct objects out = {0};
    const struct yaml_node *list = planning_section(p, node, name);
    if (!list)
        return out;
    const struct field field = {.name = name, .type = FIELD_OBJECTS, .shape = shape};
    (void)schema_decode_list(&p->decode, &field, list, str_c(name), &out);
    return out;
}

/* ---- policies ---- */

static void note_policy(struct planning *p, struct buf *set, struct str name, struct str value)
{
    buf_addf(set, "%s" STR_FMT "=" STR_FMT, set->n ? "," : "", STR_ARG(name), STR_ARG(value));
}

static bool check_policy_name(struct planning *p, const struct yaml_node *n)
{
    struct str names[POLICY_COUNT];
    for (size_t i = 0; i < POLICY_COUNT; i++) {
        names[i] = str_c(policy_table[i].name);
        if (str_eq(n->key, names[i]))
            return true;
    }
    diag_add(p->diags, schema_key_place(n, STR("policies")),
             "unknown policy \"" STR_FMT "\"" STR_FMT, STR_ARG(n->key),
             STR_ARG(diag_suggest_tail(p->arena, n->key, names, POLICY_COUNT)));
    return false;
}

static void file_policies(struct planning *p, struct buf *set)
{
    const struct yaml_node *map = planning_section(p, p->scenario->file->policies, "policies");
    if (!map)
        return;
    if (map->kind != YAML_MAP) {
        diag_add(p->diags, schema_place(map, STR("policies")),
                 "expected a mapping of policies, not %s", schema_kind_name(map->kind));
        return;
    }
    for (const struct yaml_node *n = map->first; n; n = n->next) {
        if (!check_policy_name(p, n))
            continue;
        if (!schema_is_scalar(n)) {
            diag_add(p->diags, schema_place(n, STR("policies")), "expected a value, not %s",
                     schema_kind_name(n->kind));
            continue;
        }
        struct err *err = policies_set(&p->plan->policies, n->key, n->text);
        if (err)
            diag_add(p->diags, schema_place(n, STR("policies")), "%s", err->message);
        else
            note_policy(p, set, n->key, n->text);
        err_free(err);
    }
}

static void plan_policies(struct planning *p, const struct plan_request *request)
{
    struct buf set = {0};
    struct plan *plan = p->plan;
    struct err *err = policies_of_profile(plan->profile, &plan->policies);
    if (err)
        diag_add(p->diags, (struct place){.line = 0}, "--profile: %s", err->message);
    err_free(err);
    file_policies(p, &set);
    for (size_t i = 0; i < request->policies_n; i++) {
        struct str name, value;
        if (!str_cut(request->policies[i], '=', &name, &value)) {
            diag_add(p->diags, (struct place){.line = 0},
                     "--policy takes NAME=VALUE, not \"" STR_FMT "\"", STR_ARG(name));
            continue;
        }
        err = policies_set(&plan->policies, name, value);
        if (err)
            diag_add(p->diags, (struct place){.line = 0}, "--policy: %s", err->message);
        else
            note_policy(p, &set, name, value);
        err_free(err);
    }
    plan->policies_set = arena_str(p->arena, buf_str(&set));
    buf_free(&set);
}

static void note_params(struct planning *p)
{
    struct buf set = {0};
    for (size_t i = 0; i < p->scenario->params_n; i++) {
        const struct param *param = &p->scenario->params[i];
        const struct expr_value *v = &param->value, *o = &param->otherwise;
        if (v->i == o->i && str_eq(v->s, o->s))
            continue;
        buf_addf(&set, "%s" STR_FMT "=", set.n ? "," : "", STR_ARG(param->name));
        expr_value_print(v, &set);
    }
    p->plan->params_set = arena_str(p->arena, buf_str(&set));
    buf_free(&set);
}

/* ---- topology ---- */

static struct str *names_of(struct arena *a, const struct objects *objects, size_t size)
{
    struct str *names = ARENA_NEW_ARRAY(a, struct str, objects->n);
    for (size_t i = 0; i < objects->n; i++)
        names[i] = ((struct origin *)((char *)objects->v + i * size))->name;
    return names;
}

static void collect_names(struct planning *p)
{
    struct plan_topology *t = &p->plan->topology;
    struct target_names *n = &p->names;
    n->sites = names_of(p->arena, &t->sites, sizeof(struct plan_site));
    n->groups = names_of(p->arena, &t->groups, sizeof(struct plan_group));
    n->resolvers = names_of(p->arena, &t->dns.resolvers, sizeof(struct plan_resolver));
    n->sites_n = t->sites.n;
    n->groups_n = t->groups.n;
    n->resolvers_n = t->dns.resolvers.n;
    int64_t *replicas = ARENA_NEW_ARRAY(p->arena, int64_t, t->sites.n);
    int64_t *counts = ARENA_NEW_ARRAY(p->arena, int64_t, t->groups.n);
    for (size_t i = 0; i < t->sites.n; i++)
        replicas[i] = PLAN_SITE(p->plan, i)->manager.replicas;
    for (size_t i = 0; i < t->groups.n; i++)
        counts[i] = PLAN_GROUP(p->plan, i)->count;
    n->site_replicas = replicas;
    n->group_counts = counts;
}

/* Sites and groups share one name space: api/NAME is either's. */
static void check_names(struct planning *p)
{
    int64_t clusters = 0;
    bool active = false;
    for (size_t i = 0; i < p->names.sites_n; i++)
        active |= !PLAN_SITE(p->plan, i)->manager.standby;
    if (!active && p->names.sites_n)
        diag_add(p->diags, PLAN_SITE(p->plan, 0)->origin.place,
                 "every site is a standby: one must be active at the start");
    for (size_t i = 0; i < p->names.groups_n; i++) {
        const struct plan_group *g = PLAN_GROUP(p->plan, i);
        clusters += g->count;
        for (size_t j = 0; j < p->names.sites_n; j++)
            if (str_eq(g->origin.name, p->names.sites[j]))
                diag_add(p->diags, g->origin.place, "a site has the name \"" STR_FMT "\" already",
                         STR_ARG(g->origin.name));
    }
    if (clusters > PLAN_CLUSTERS_MAX)
        diag_add(p->diags, p->plan->topology.origin.place, "more than %d clusters",
                 PLAN_CLUSTERS_MAX);
}

/* One resolver leaves its share out and gets the rest. */
static void share_resolvers(struct planning *p)
{
    int64_t sum = 0;
    struct plan_resolver *rest = NULL;
    size_t n = p->plan->topology.dns.resolvers.n;
    for (size_t i = 0; i < n; i++) {
        struct plan_resolver *r = PLAN_RESOLVER(p->plan, i);
        sum += r->share_ppm;
        if (!r->obey_ttl && r->hold_ns == 0)
            diag_add(p->diags, r->origin.place,
                     "a resolver that does not obey the TTL needs \"hold\": how long it keeps");
        if (r->share_ppm)
            continue;
        if (rest)
            diag_add(p->diags, r->origin.place,
                     "only one resolver may leave \"share\" out: \"" STR_FMT "\" does already",
                     STR_ARG(rest->origin.name));
        else
            rest = r;
    }
    if (sum > PPM)
        diag_add(p->diags, PLAN_RESOLVER(p->plan, 0)->origin.place,
                 "the shares of the resolvers add up to more than 1");
    else if (!rest && sum < PPM)
        diag_add(p->diags, PLAN_RESOLVER(p->plan, 0)->origin.place,
                 "the shares of the resolvers add up to less than 1: let one leave its share out");
    else if (rest)
        rest->share_ppm = PPM - sum;
}

static void default_resolver(struct planning *p)
{
    struct plan_dns *dns = &p->plan->topology.dns;
    if (dns->resolvers.n)
        return;
    struct plan_resolver *r = ARENA_NEW(p->arena, struct plan_resolver);
    r->origin.name = STR("default");
    r->origin.place = dns->origin.place;
    r->cache = r->obey_ttl = true;
    r->negative_ttl_ns = 30 * NS_PER_S;
    dns->resolvers = (struct objects){.v = r, .n = 1};
}

/* What is no text has been reported. */
static bool is_told(struct str ref)
{
    return !ref.p || ref.p == schema_reported.p;
}

static bool plan_site_ref(struct planning *p, struct str text, struct place at, int32_t *out)
{
    struct target t;
    if (is_told(text) || !target_parse(text, at, &t, p->diags))
        return false;
    if (t.kind != TARGET_SITE || t.a.any) {
        diag_add(p->diags, at, "expected a site such as site/a, not \"" STR_FMT "\"",
                 STR_ARG(text));
        return false;
    }
    if (!target_resolve(&t, &p->names, p->diags))
        return false;
    *out = t.a.index;
    return true;
}

bool plan_site_refs(struct planning *p, const struct strs *refs, int32_t **out)
{
    bool ok = true;
    *out = ARENA_NEW_ARRAY(p->arena, int32_t, refs->n);
    for (size_t i = 0; i < refs->n; i++)
        ok &= plan_site_ref(p, refs->v[i], refs->places[i], &(*out)[i]);
    return ok;
}

static void resolve_link(struct planning *p, struct plan_link *link)
{
    if (link->between.n == 0)
        return; /* reported */
    if (link->between.n != 2) {
        diag_add(p->diags, link->origin.place,
                 "\"between\" has two ends: [cluster/NAME, site/NAME]");
        return;
    }
    for (size_t i = 0; i < 2; i++) {
        struct target t;
        if (is_told(link->between.v[i]) ||
            !target_parse(link->between.v[i], link->between.places[i], &t, p->diags))
            continue;
        if (t.kind != TARGET_SITE && t.kind != TARGET_CLUSTER)
            diag_add(p->diags, t.place,
                     "the ends of a link are sites and clusters, not \"" STR_FMT "\"",
                     STR_ARG(t.text));
        else if (target_resolve(&t, &p->names, p->diags))
            link->ends[i] = t.a;
    }
    if (link->latency.p99_ns < link->latency.p50_ns)
        diag_add(p->diags, link->latency.origin.place, "p99 must not be below p50");
}

/* Files have been read when the scenario was: what is still a path here was not written out. */
static void plan_group_stages(struct planning *p, struct plan_group *g)
{
    const struct yaml_node *n = g->stages_node;
    if (!n || schema_is_reported(n))
        return;
    struct str path = schema_path(p->arena, g->origin.place.path, STR("stages"));
    struct stages_texts texts = {str_empty, str_empty};
    if (n->kind == YAML_STRING)
        diag_add(p->diags, schema_place(n, path), "the path of a file stands here without ${...}");
    else
        (void)stages_compile(&p->decode, n, path, &texts);
    g->stages = texts.pods;
    g->node_stages = texts.nodes;
}

void plan_topology(struct planning *p)
{
    const struct yaml_node *node = planning_section(p, p->scenario->file->topology, "topology");
    struct plan_topology *t = &p->plan->topology;
    if (!node)
        return;
    schema_decode_object(&p->decode, &topology_shape, node, STR("topology"), t);
    default_resolver(p);
    collect_names(p);
    check_names(p);
    share_resolvers(p);
    for (size_t i = 0; i < t->groups.n; i++)
        plan_group_stages(p, PLAN_GROUP(p->plan, i));
    for (size_t i = 0; i < t->dns.records.n; i++)
        plan_site_refs(p, &PLAN_RECORD(p->plan, i)->value, &PLAN_RECORD(p->plan, i)->sites);
    for (size_t i = 0; i < t->links.n; i++)
        resolve_link(p, PLAN_LINK(p->plan, i));
}

/* ---- the scope of run-time expressions ---- */

static struct expr_domain fixed(const char *name, const struct str *values, size_t n)
{
    return (struct expr_domain){name, values, n};
}

static const struct str *site_refs(struct planning *p)
{
    struct str *refs = ARENA_NEW_ARRAY(p->arena, struct str, p->names.sites_n);
    for (size_t i = 0; i < p->names.sites_n; i++)
        refs[i] = arena_printf(p->arena, "site/" STR_FMT, STR_ARG(p->names.sites[i]));
    return refs;
}

static const struct str *traffic_names(struct planning *p)
{
    struct str *names = ARENA_NEW_ARRAY(p->arena, struct str, p->plan->traffic_n);
    for (size_t i = 0; i < p->plan->traffic_n; i++)
        names[i] = p->plan->traffic[i].origin.name;
    return names;
}

static bool does(const struct yaml_node *step, const char *action)
{
    const struct yaml_node *actions = yaml_get(step, "do");
    if (!actions || actions->kind != YAML_LIST)
        return actions && actions->kind == YAML_MAP && yaml_get(actions, action);
    for (const struct yaml_node *n = actions->first; n; n = n->next)
        if (n->kind == YAML_MAP && yaml_get(n, action))
            return true;
    return false;
}

/* Of the whole file, also those that this case has not, so that an expression may name them in every case. Those that
 * steps inject are called as the step is. */
static struct expr_domain fault_names(struct planning *p)
{
    const struct yaml_node *lists[] = {p->scenario->file->faults, p->scenario->file->steps};
    size_t n = 0, most = 1;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        most += lists[i] ? lists[i]->count : 0;
    struct str *names = ARENA_NEW_ARRAY(p->arena, struct str, most);
    bool pauses = false;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        bool list = lists[i] && lists[i]->kind == YAML_LIST;
        for (const struct yaml_node *e = list ? lists[i]->first : NULL; e; e = e->next) {
            const struct yaml_node *name = e->kind == YAML_MAP ? yaml_get(e, "name") : NULL;
            bool plain = name && name->kind == YAML_STRING && str_find(name->text, STR("${")) < 0;
            pauses |= i == 1 && e->kind == YAML_MAP && does(e, "process.pause");
            if (plain && (i == 0 || does(e, "fault")))
                names[n++] = name->text;
        }
    }
    if (pauses)
        names[n++] = STR("pause");
    return fixed("faults", names, n);
}

void plan_scope(struct planning *p)
{
    static const struct str states[] = {STR_INIT("pending"),      STR_INIT("waiting"),
                                        STR_INIT("active"),       STR_INIT("unavailable"),
                                        STR_INIT("updating"),     STR_INIT("removing"),
                                        STR_INIT("provisioning"), STR_INIT("error")};
    static const struct str roles[] = {STR_INIT("active"), STR_INIT("standby"),
                                       STR_INIT("demoted")};
    static const struct str nodes[] = {STR_INIT("new"), STR_INIT("unready"), STR_INIT("ready"),
                                       STR_INIT("lost")};
    const struct target_names *n = &p->names;
    const struct expr_domain domains[] = {
        fixed("sites", n->sites, n->sites_n),
        fixed("site_refs", site_refs(p), n->sites_n),
        fixed("groups", n->groups, n->groups_n),
        fixed("resolvers", n->resolvers, n->resolvers_n),
        fixed("cluster_states", states, ARRAY_LEN(states)),
        fixed("site_roles", roles, ARRAY_LEN(roles)),
        fixed("node_states", nodes, ARRAY_LEN(nodes)),
        fixed("traffics", traffic_names(p), p->plan->traffic_n),
        fault_names(p),
    };
    struct expr_domain *copy = ARENA_NEW_ARRAY(p->arena, struct expr_domain, ARRAY_LEN(domains));
    memcpy(copy, domains, sizeof(domains));
    struct str *steps = ARENA_NEW_ARRAY(p->arena, struct str, p->plan->steps_n);
    for (size_t i = 0; i < p->plan->steps_n; i++)
        steps[i] = p->plan->steps[i].name;
    p->plan->scope = p->binding.scope;
    p->plan->scope.vocabulary = &scenario_vocabulary;
    p->plan->scope.domains = copy;
    p->plan->scope.domains_n = ARRAY_LEN(domains);
    p->plan->scope.steps = steps;
    p->plan->scope.steps_n = p->plan->steps_n;
    p->plan->scope.bare_constants = false;
}

/* ---- the whole ---- */

static bool plan_object(struct planning *p, const struct yaml_node *node, const char *name,
                        const struct shape *shape, void *out)
{
    static const struct yaml_node nothing = {.kind = YAML_MAP};
    const struct yaml_node *n = planning_section(p, node, name);
    return schema_decode_object(&p->decode, shape, n ? n : &nothing, str_c(name), out);
}

/* Steps that would inject once it is quiet, as far as their times are known beforehand; the run refuses the others. */
static void check_quiet_steps(struct planning *p)
{
    const struct moment *quiet = &p->plan->quiet;
    for (size_t i = 0; quiet->given && quiet->at_ns >= 0 && i < p->plan->steps_n; i++) {
        const struct plan_step *step = &p->plan->steps[i];
        for (size_t r = 0; step->when.at_ns >= 0 && r < step->rounds; r++) {
            int64_t at;
            bool late = __builtin_mul_overflow(step->every_ns, (int64_t)r, &at) ||
                        __builtin_add_overflow(at, step->when.at_ns, &at) || at >= quiet->at_ns;
            for (size_t a = 0; late && a < plan_actions_n(step, r); a++)
                if (action_injects(step->actions[r][a].kind))
                    diag_add(p->diags, step->actions[r][a].place,
                             "nothing is injected once it is quiet");
        }
    }
}

static void plan_quiet(struct planning *p)
{
    const struct yaml_node *n = planning_section(p, p->scenario->file->quiet, "quiet");
    struct quiet_entry entry = {0};
    if (n && schema_decode_object(&p->decode, &quiet_shape, n, STR("quiet"), &entry) &&
        plan_moment(p, &entry.from))
        p->plan->quiet = entry.from;
    if (p->plan->quiet.at_ns > p->plan->clock.limit_ns)
        diag_add(p->diags, p->plan->quiet.place, "it lies behind the end of the run (clock.limit)");
    check_quiet_steps(p);
}

static void start_planning(struct planning *p, struct arena *a, const struct scenario *s,
                           const struct plan_request *request, struct diags *diags)
{
    p->arena = a;
    p->scenario = s;
    p->diags = diags;
    p->plan = ARENA_NEW(a, struct plan);
    struct plan *plan = p->plan;
    plan->scenario = s->name;
    plan->file = s->source.file;
    const struct scenario_case *which = request->which ? request->which
                                        : s->cases_n   ? &s->cases[0]
                                                       : NULL;
    plan->case_id = which ? which->id : str_empty;
    plan->profile = request->profile.n ? request->profile : s->profiles.v[0];
    plan->seed = request->seed;
    plan->swarm = s->seeds.swarm;
    p->binding = (struct binding){.arena = a,
                                  .scenario = s,
                                  .which = which,
                                  .profile = plan->profile,
                                  .seed = request->seed,
                                  .diags = diags};
    binding_init(&p->binding);
    p->decode = (struct decode){.arena = a,
                                .diags = diags,
                                .source = &s->source,
                                .interpolate = binding_interpolate,
                                .ctx = &p->binding};
}

struct plan *scenario_plan(struct arena *a, const struct scenario *s,
                           const struct plan_request *request, struct diags *diags)
{
    struct planning *p = ARENA_NEW(a, struct planning); /* the plan's scope keeps its binding */
    const struct file_entry *file = s->file;
    size_t errors = diags->n;
    start_planning(p, a, s, request, diags);
    plan_policies(p, request);
    note_params(p);
    if (!plan_object(p, file->clock, "clock", &clock_shape, &p->plan->clock))
        p->plan->clock.limit_ns = INT64_MAX; /* reported: nothing lies behind it */
    plan_object(p, file->report, "report", &report_shape, &p->plan->report);
    plan_object(p, file->budget, "budget", &budget_shape, &p->plan->budget);
    plan_topology(p);
    plan_traffic(p);
    plan_steps(p);
    plan_quiet(p);
    plan_traffic_moments(p);
    plan_faults(p);
    plan_chaos(p);
    plan_asserts(p);
    plan_measures(p);
    return diags->n == errors && diags->dropped == 0 ? p->plan : NULL;
}
