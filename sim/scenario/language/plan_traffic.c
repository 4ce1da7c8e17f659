/* The traffic of a plan. */
#include "sim/scenario/language/planning.h"

static bool over_clusters(struct planning *p, struct plan_traffic *t)
{
    if (t->over.kind == TARGET_CLUSTER)
        return target_resolve(&t->over, &p->names, p->diags);
    diag_add(p->diags, t->over.place, "traffic goes to clusters, not to \"" STR_FMT "\"",
             STR_ARG(t->over.text));
    return false;
}

static bool via_managers(struct planning *p, struct plan_traffic *t)
{
    if (t->via.kind == TARGET_NONE)
        return true;
    if (t->via.kind == TARGET_MANAGER)
        return target_resolve(&t->via, &p->names, p->diags);
    diag_add(p->diags, t->via.place, "traffic goes through managers, not through \"" STR_FMT "\"",
             STR_ARG(t->via.text));
    return false;
}

/* What only some kinds have. */
static bool fits_kind(struct planning *p, const struct plan_traffic *t)
{
    static const struct {
        const char *field;
        uint32_t kinds;
    } only[] = {
        {"every", 1u << TRAFFIC_REQUEST | 1u << TRAFFIC_CONNECT | 1u << TRAFFIC_PING},
        {"to", 1u << TRAFFIC_CONNECT},
        {"streams", 1u << TRAFFIC_PING | 1u << TRAFFIC_DOWNLOAD | 1u << TRAFFIC_EXCHANGE},
        {"rate", 1u << TRAFFIC_DOWNLOAD | 1u << TRAFFIC_EXCHANGE},
    };
    bool ok = true;
    for (size_t i = 0; i < ARRAY_LEN(only); i++) {
        bool given = shape_given(&traffic_shape, &t->origin, only[i].field);
        if (!given || only[i].kinds >> t->kind & 1)
            continue;
        diag_add(p->diags, t->origin.place, "traffic of this kind has no \"%s\"", only[i].field);
        ok = false;
    }
    return ok;
}

void plan_traffic(struct planning *p)
{
    static const struct field field = {
        .name = "traffic", .type = FIELD_NAMED, .shape = &traffic_shape};
    struct objects entries = {0};
    const struct yaml_node *node = planning_section(p, p->scenario->file->traffic, "traffic");
    if (node)
        (void)schema_decode_named(&p->decode, &field, node, STR("traffic"), &entries);
    p->plan->traffic = ARENA_NEW_ARRAY(p->arena, struct plan_traffic, entries.n);
    for (size_t i = 0; i < entries.n; i++) {
        struct plan_traffic *t = OBJECTS_AT(entries, struct plan_traffic, i);
        if (!entries.ok[i] || !binding_when(&p->binding, &t->when))
            continue;
        bool ok = over_clusters(p, t);
        ok = via_managers(p, t) && ok;
        if (fits_kind(p, t) && ok)
            p->plan->traffic[p->plan->traffic_n++] = *t;
    }
}

void plan_traffic_moments(struct planning *p)
{
    for (size_t i = 0; i < p->plan->traffic_n; i++) {
        struct plan_traffic *t = &p->plan->traffic[i];
        bool ok = plan_moment(p, &t->from);
        ok = plan_moment(p, &t->until) && ok;
        bool known = ok && t->from.at_ns >= 0 && t->until.at_ns >= 0;
        if (known && t->from.given && t->until.given && t->until.at_ns <= t->from.at_ns)
            diag_add(p->diags, t->until.place, "it ends before it begins");
    }
}
