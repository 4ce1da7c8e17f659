/* The actions of steps; what faults and actions may be aimed at. */
#include "sim/scenario/language/planning.h"

/* ---- targets ---- */

static void print_targets(uint32_t allowed, struct buf *out)
{
    for (int kind = TARGET_SITE; kind < TARGET_KIND_COUNT; kind++)
        if (allowed >> kind & 1)
            buf_addf(out, "%s%s", out->n ? ", " : "", target_kind_name((enum target_kind)kind));
}

static bool plan_target(struct planning *p, struct target *t, uint32_t allowed, const char *what)
{
    if (t->kind == TARGET_NONE)
        return false;
    enum target_kind kind = target_becomes(t->kind);
    if (allowed >> kind & 1)
        return target_resolve(t, &p->names, p->diags);
    struct buf kinds = {0};
    print_targets(allowed, &kinds);
    diag_add(p->diags, t->place, "%s cannot be aimed at \"" STR_FMT "\"; it takes " STR_FMT, what,
             STR_ARG(t->text), STR_ARG(buf_str(&kinds)));
    buf_free(&kinds);
    return false;
}

/* The record that a DNS fault is about is one of the zone. */
static bool check_record(struct planning *p, const struct fault_row *row, const struct fault *f)
{
    size_t n = p->plan->topology.dns.records.n;
    struct str *names = ARENA_NEW_ARRAY(p->arena, struct str, n + 1);
    bool found = f->of.n == 0 || !str_eq_c(str_c(row->family), "dns");
    for (size_t i = 0; i < n; i++) {
        names[i] = PLAN_RECORD(p->plan, i)->origin.name;
        found = found || str_eq(names[i], f->of);
    }
    if (!found)
        diag_add(p->diags, f->origin.place, "unknown record \"" STR_FMT "\"" STR_FMT,
                 STR_ARG(f->of), STR_ARG(diag_suggest_tail(p->arena, f->of, names, n)));
    return found;
}

bool plan_fault_target(struct planning *p, struct fault *f, struct target *t)
{
    const struct fault_row *row = fault_row_of(f->kind);
    int32_t *sites;
    struct str what = arena_printf(p->arena, "%s %s", row->family, row->kind);
    bool ok = plan_target(p, t, row->targets, what.p);
    ok = check_record(p, row, f) && ok;
    return plan_site_refs(p, &f->values, &sites) && ok;
}

/* ---- actions ---- */

static bool action_dns(struct planning *p, const struct action_entry *e, struct plan_action *a)
{
    const struct dns_set_entry *set = &e->dns_set;
    size_t n = p->plan->topology.dns.records.n;
    struct str *names = ARENA_NEW_ARRAY(p->arena, struct str, n);
    a->record = -1;
    for (size_t i = 0; i < n; i++) {
        names[i] = PLAN_RECORD(p->plan, i)->origin.name;
        if (str_eq(names[i], set->record))
            a->record = (int32_t)i;
    }
    if (a->record < 0)
        diag_add(p->diags, set->origin.place, "unknown record \"" STR_FMT "\"" STR_FMT,
                 STR_ARG(set->record), STR_ARG(diag_suggest_tail(p->arena, set->record, names, n)));
    a->ttl_ns = shape_given(&dns_set_shape, &set->origin, "ttl") ? set->ttl_ns : -1;
    a->sites_n = set->value.n;
    return plan_site_refs(p, &set->value, &a->sites) && a->record >= 0;
}

static bool action_create(struct planning *p, const struct action_entry *e, struct plan_action *a)
{
    a->group = -1;
    a->count = e->create.count;
    for (size_t i = 0; i < p->names.groups_n; i++)
        if (str_eq(p->names.groups[i], e->create.group))
            a->group = (int32_t)i;
    if (a->group >= 0)
        return true;
    diag_add(
        p->diags, e->create.origin.place, "unknown cluster group \"" STR_FMT "\"" STR_FMT,
        STR_ARG(e->create.group),
        STR_ARG(diag_suggest_tail(p->arena, e->create.group, p->names.groups, p->names.groups_n)));
    return false;
}

static bool action_apply(struct planning *p, const struct action_entry *e, struct plan_action *a)
{
    const struct yaml_node *metadata,
        *object = binding_fill(&p->binding, e->apply.object, e->apply.origin.place.path);
    a->target = e->apply.to;
    a->object = object;
    bool named = object->kind == YAML_MAP && yaml_get(object, "apiVersion") &&
                 yaml_get(object, "kind") && (metadata = yaml_get(object, "metadata")) &&
                 metadata->kind == YAML_MAP && yaml_get(metadata, "name");
    if (!named) {
        diag_add(p->diags, schema_place(object, e->apply.origin.place.path),
                 "a Kubernetes object has apiVersion, kind and metadata.name");
        return false;
    }
    a->object_api_version = yaml_get(object, "apiVersion")->text;
    a->object_kind = yaml_get(object, "kind")->text;
    a->object_name = yaml_get(metadata, "name")->text;
    const struct yaml_node *namespace = yaml_get(metadata, "namespace");
    a->object_namespace = namespace ? namespace->text : str_empty;
    return true;
}

static void action_delete(const struct action_entry *e, struct plan_action *a)
{
    a->target = e->remove_object.from;
    a->object_api_version = e->remove_object.api_version;
    a->object_kind = e->remove_object.kind;
    a->object_namespace = e->remove_object.namespace;
    a->object_name = e->remove_object.name;
}

static enum action_kind kind_of(const struct action_entry *e)
{
    int i = 0;
    while (!shape_given(&action_shape, &e->origin, action_table[i].name)) {
        i++;
        BUG_ON(i == ACTION_KIND_COUNT, "a decoded action has a kind");
    }
    return (enum action_kind)i;
}

/* `target`, `for`, `optional` belong to a fault and to nothing else. */
static bool check_siblings(struct planning *p, const struct action_entry *e, enum action_kind kind)
{
    static const char *const fields[] = {"target", "for", "optional"};
    bool target = shape_given(&action_shape, &e->origin, "target");
    if (kind == ACTION_FAULT && !target)
        diag_add(p->diags, e->origin.place, "the field \"target\" is missing");
    if (kind == ACTION_FAULT)
        return target;
    bool ok = true;
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        if (!shape_given(&action_shape, &e->origin, fields[i]))
            continue;
        diag_add(p->diags, e->origin.place, "\"%s\" belongs to a fault, not to \"%s\"", fields[i],
                 action_name(kind));
        ok = false;
    }
    return ok;
}

static void take_target(const struct action_entry *e, struct plan_action *a)
{
    const struct target *const targets[ACTION_KIND_COUNT] = {
        [ACTION_HEAL] = &e->heal,
        [ACTION_MANAGER_PROMOTE] = &e->promote,
        [ACTION_MANAGER_DEMOTE] = &e->demote,
        [ACTION_MANAGER_RESTART] = &e->restart,
        [ACTION_PROCESS_KILL] = &e->kill,
        [ACTION_PROCESS_RESTART] = &e->process_restart,
        [ACTION_PROCESS_PAUSE] = &e->pause.target,
        [ACTION_CLUSTER_REMOVE] = &e->remove,
        [ACTION_CLUSTER_SCALE] = &e->scale.target,
        [ACTION_CA_WRITE] = &e->ca_write.target,
        [ACTION_CERTIFICATE_ROTATE] = &e->rotate.target,
        [ACTION_CERTIFICATE_ISSUE] = &e->issue.target,
    };
    if (targets[a->kind])
        a->target = *targets[a->kind];
}

static bool plan_action(struct planning *p, const struct action_entry *e, struct plan_action *a)
{
    a->kind = kind_of(e);
    a->place = e->origin.place;
    a->for_ns = a->kind == ACTION_PROCESS_PAUSE ? e->pause.for_ns : e->for_ns;
    a->optional = e->optional;
    a->count = e->scale.nodes;
    if (a->kind == ACTION_CERTIFICATE_ISSUE)
        a->for_ns = e->issue.valid_ns;
    a->spelling = (enum ca_spelling)e->ca_write.as;
    a->at_once = e->rotate.how == 1;
    if (!check_siblings(p, e, a->kind))
        return false;
    take_target(e, a);
    bool ok = true;
    if (a->kind == ACTION_FAULT) {
        a->fault = e->fault;
        a->target = e->target;
        if (a->fault.kind == FAULT_PROCESS_CRASH && a->fault.when == FAULT_EACH_WRITE) {
            diag_add(p->diags, a->place,
                     "\"at: each-write\" belongs to the timeline, in \"faults\"");
            return false;
        }
        return plan_fault_target(p, &a->fault, &a->target);
    }
    if (a->kind == ACTION_DNS_SET)
        return action_dns(p, e, a);
    if (a->kind == ACTION_CLUSTER_CREATE)
        return action_create(p, e, a);
    if (a->kind == ACTION_APPLY)
        ok = action_apply(p, e, a);
    else if (a->kind == ACTION_DELETE)
        action_delete(e, a);
    return plan_target(p, &a->target, action_table[a->kind].targets, action_name(a->kind)) && ok;
}

static void plan_round(struct planning *p, const struct step_entry *entry, struct plan_step *step,
                       size_t round, struct str path)
{
    static const struct field do_field = {.name = "do",
                                          .type = FIELD_OBJECTS,
                                          .flags = FIELD_OR_ONE | FIELD_NON_EMPTY,
                                          .shape = &action_shape};
    struct objects actions = {0};
    const struct yaml_node *node = binding_expand(&p->binding, entry->actions, path);
    if (node)
        (void)schema_decode_list(&p->decode, &do_field, node, path, &actions);
    p->actions += actions.n;
    if (p->actions > PLAN_ACTIONS_MAX) {
        diag_add(p->diags, entry->origin.place, "more than %d actions over all steps",
                 PLAN_ACTIONS_MAX);
        return;
    }
    step->actions[round] = ARENA_NEW_ARRAY(p->arena, struct plan_action, actions.n);
    step->actions_n[round] = actions.n;
    for (size_t i = 0; i < actions.n; i++)
        if (actions.ok[i])
            plan_action(p, OBJECTS_AT(actions, struct action_entry, i), &step->actions[round][i]);
}

void plan_actions(struct planning *p, const struct step_entry *entry, struct plan_step *step)
{
    struct str path = schema_path(p->arena, entry->origin.place.path, STR("do"));
    size_t errors = p->diags->n;
    step->actions = ARENA_NEW_ARRAY(p->arena, struct plan_action *, step->rounds);
    step->actions_n = ARENA_NEW_ARRAY(p->arena, size_t, step->rounds);
    p->binding.in_repeat = shape_given(&step_shape, &entry->origin, "repeat");
    for (size_t round = 0; round < step->rounds && p->diags->n == errors; round++) {
        p->binding.index = (int64_t)round;
        plan_round(p, entry, step, round, path);
    }
    p->binding.in_repeat = false;
}
