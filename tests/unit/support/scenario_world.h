/* A made-up world for expressions and monitors: values are set by hand, counters are lists of times. Header only: used by
 * unit and property tests. */
#ifndef PADDOCK_TESTS_UNIT_SUPPORT_SCENARIO_WORLD_H
#define PADDOCK_TESTS_UNIT_SUPPORT_SCENARIO_WORLD_H

#include "engine/base/timefmt.h"
#include "sim/scenario/expr/vocabulary.h"

#define WORLD_ITEMS_MAX  16u
#define WORLD_FIELDS_MAX 16u
#define WORLD_TICKS_MAX  64u
#define WORLD_STEPS_MAX  8u

struct world_item {
    const char *name;
    struct expr_value fields[WORLD_FIELDS_MAX];
};
struct world_tick { /* a counter's growth, or a write to a cluster */
    int64_t at;
    uint32_t what; /* the counter, or the cluster */
    const char *value;
};
struct scenario_world {
    struct world_item items[VOC_COLLECTION_COUNT][WORLD_ITEMS_MAX];
    uint32_t counts[VOC_COLLECTION_COUNT];
    int64_t globals[VOC_GLOBAL_COUNT];
    struct world_tick ticks[WORLD_TICKS_MAX], writes[WORLD_TICKS_MAX];
    size_t ticks_n, writes_n;
    int64_t steps[WORLD_STEPS_MAX]; /* -1: not ended */
};

static inline uint32_t world_count(void *ctx, uint32_t collection)
{
    return ((struct scenario_world *)ctx)->counts[collection];
}

static inline struct expr_value world_field(void *ctx, uint32_t collection, uint32_t item,
                                            uint32_t field)
{
    struct scenario_world *w = ctx;
    struct expr_value v = w->items[collection][item].fields[field];
    v.type = scenario_vocabulary.collections[collection].fields[field].type;
    return v;
}

static inline struct str world_item_name(void *ctx, uint32_t collection, uint32_t item)
{
    return str_c(((struct scenario_world *)ctx)->items[collection][item].name);
}

static inline int64_t world_item_find(void *ctx, uint32_t collection, struct str name)
{
    struct scenario_world *w = ctx;
    for (uint32_t i = 0; i < w->counts[collection]; i++)
        if (str_eq_c(name, w->items[collection][i].name))
            return i;
    return -1;
}

static inline struct expr_value world_global(void *ctx, uint32_t global)
{
    return (struct expr_value){EXPR_INT, true, ((struct scenario_world *)ctx)->globals[global],
                               str_empty};
}

static inline int64_t world_rate(void *ctx, uint32_t global, int64_t window, int64_t now,
                                 int64_t *drops_at)
{
    struct scenario_world *w = ctx;
    int64_t grown = 0;
    *drops_at = EXPR_NEVER;
    for (size_t i = 0; i < w->ticks_n; i++) {
        const struct world_tick *t = &w->ticks[i];
        if (t->what != global || t->at > now || t->at <= now - window)
            continue;
        grown++;
        if (t->at + window < *drops_at)
            *drops_at = t->at + window;
    }
    return grown;
}

static inline int64_t world_distinct(void *ctx, uint32_t collection, uint32_t item, uint32_t field,
                                     int64_t window, int64_t now, int64_t *drops_at)
{
    struct scenario_world *w = ctx;
    int64_t found = 0;
    *drops_at = EXPR_NEVER;
    for (size_t i = 0; i < w->writes_n; i++) {
        const struct world_tick *t = &w->writes[i];
        bool seen = false;
        if (t->what != item || t->at > now || t->at <= now - window)
            continue;
        for (size_t j = 0; j < i; j++)
            seen |= w->writes[j].what == item && w->writes[j].at <= now &&
                    w->writes[j].at > now - window &&
                    str_eq(str_c(w->writes[j].value), str_c(t->value));
        found += !seen;
        if (t->at + window < *drops_at)
            *drops_at = t->at + window;
    }
    return found;
}

static inline struct expr_value world_step_time(void *ctx, uint32_t step)
{
    struct scenario_world *w = ctx;
    return (struct expr_value){EXPR_TIME, w->steps[step] >= 0, w->steps[step], str_empty};
}

/* Every state is as it should be. */
static inline bool world_same_state(void *ctx, uint32_t id, struct buf *why)
{
    (void)ctx;
    if (why)
        buf_addf(why, "state %u is the same", (unsigned)id);
    return true;
}

static const struct expr_ops world_ops = {
    .count = world_count,
    .field = world_field,
    .item_name = world_item_name,
    .item_find = world_item_find,
    .global = world_global,
    .rate = world_rate,
    .distinct = world_distinct,
    .step_time = world_step_time,
    .same_state = world_same_state,
};

static inline void world_set_int(struct scenario_world *w, uint32_t collection, uint32_t item,
                                 uint32_t field, int64_t v)
{
    w->items[collection][item].fields[field] = (struct expr_value){EXPR_INT, true, v, str_empty};
}

static inline void world_set_str(struct scenario_world *w, uint32_t collection, uint32_t item,
                                 uint32_t field, const char *v)
{
    w->items[collection][item].fields[field] =
        (struct expr_value){EXPR_STRING, v != NULL, 0, str_c(v)};
}

static inline uint32_t world_add(struct scenario_world *w, uint32_t collection, const char *name)
{
    uint32_t i = w->counts[collection]++;
    w->items[collection][i].name = name;
    world_set_str(w, collection, i, 0, name); /* every collection's first field is the name */
    return i;
}

/* Two sites (a dead since 600 s), three agents, two clusters; 660 s is a good time to look. */
static inline void world_fill(struct scenario_world *w)
{
    *w = (struct scenario_world){
        .steps = {300 * NS_PER_S, 600 * NS_PER_S, 620 * NS_PER_S, -1, -1, -1, -1, -1}};
    static const char *const agents[] = {"edge-0/agent-0", "edge-1/agent-0", "edge-2/agent-0"};
    static const char *const peers[] = {"site/b", "site/a", NULL};
    static const char *const resolvers[] = {"default", "sticky", "default"};
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t a = world_add(w, VOC_AGENT, agents[i]);
        world_set_int(w, VOC_AGENT, a, VOC_AGENT_CONNECTED, i < 2);
        world_set_int(w, VOC_AGENT, a, VOC_AGENT_RUNNING, 1);
        world_set_int(w, VOC_AGENT, a, VOC_AGENT_RESTARTS, (int64_t)i * 2);
        world_set_int(w, VOC_AGENT, a, VOC_AGENT_ATTEMPTS, 1);
        world_set_str(w, VOC_AGENT, a, VOC_AGENT_PEER, peers[i]);
        world_set_str(w, VOC_AGENT, a, VOC_AGENT_RESOLVER, resolvers[i]);
        world_set_str(w, VOC_AGENT, a, VOC_AGENT_GROUP, "edge");
        world_set_int(w, VOC_AGENT, a, VOC_AGENT_HOLD, (int64_t)i * 60 * NS_PER_S);
    }
    world_set_int(w, VOC_AGENT, 0, VOC_AGENT_LAST_BYTE, 659 * NS_PER_S);
    world_set_int(w, VOC_AGENT, 1, VOC_AGENT_LAST_BYTE, 599 * NS_PER_S);
    world_set_int(w, VOC_AGENT, 0, VOC_AGENT_RECONNECTED_AT, 640 * NS_PER_S);
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t c = world_add(w, VOC_CLUSTER, i ? "edge-1" : "edge-0");
        world_set_str(w, VOC_CLUSTER, c, VOC_CLUSTER_STATE, i ? "unavailable" : "active");
        world_set_int(w, VOC_CLUSTER, c, VOC_CLUSTER_CONNECTED, !i);
        uint32_t s = world_add(w, VOC_SITE, i ? "b" : "a");
        world_set_int(w, VOC_SITE, s, VOC_SITE_ALIVE, i);
        world_set_str(w, VOC_SITE, s, VOC_SITE_ROLE, i ? "active" : "demoted");
    }
    world_set_int(w, VOC_SITE, 0, VOC_SITE_DIED_AT, 600 * NS_PER_S);
    w->globals[VOC_GLOBAL_DNS_SERVFAIL_ANSWERS] = 7;
    for (int i = 0; i < 5; i++)
        w->ticks[w->ticks_n++] =
            (struct world_tick){(658 + i / 2) * NS_PER_S, VOC_GLOBAL_MANAGER_HANDSHAKES, NULL};
    w->writes[w->writes_n++] = (struct world_tick){659 * NS_PER_S + 500000000, 0, "site/a"};
    w->writes[w->writes_n++] = (struct world_tick){659 * NS_PER_S + 800000000, 0, "site/b"};
    w->writes[w->writes_n++] = (struct world_tick){659 * NS_PER_S + 900000000, 1, "site/b"};
}

/* What a scenario of two sites, two resolvers and four steps would give. */
static inline struct expr_scope world_scope(void)
{
    static const struct str sites[] = {STR_INIT("a"), STR_INIT("b")};
    static const struct str refs[] = {STR_INIT("site/a"), STR_INIT("site/b")};
    static const struct str groups[] = {STR_INIT("edge")};
    static const struct str resolvers[] = {STR_INIT("default"), STR_INIT("sticky")};
    static const struct str states[] = {STR_INIT("active"), STR_INIT("unavailable"),
                                        STR_INIT("pending")};
    static const struct str roles[] = {STR_INIT("active"), STR_INIT("standby"),
                                       STR_INIT("demoted")};
    static const struct expr_domain domains[] = {
        {"sites", sites, ARRAY_LEN(sites)},
        {"site_refs", refs, ARRAY_LEN(refs)},
        {"groups", groups, ARRAY_LEN(groups)},
        {"resolvers", resolvers, ARRAY_LEN(resolvers)},
        {"cluster_states", states, ARRAY_LEN(states)},
        {"site_roles", roles, ARRAY_LEN(roles)},
    };
    static const struct str steps[] = {STR_INIT("settle"), STR_INIT("site a dies"),
                                       STR_INIT("operator moves the name"), STR_INIT("calm")};
    return (struct expr_scope){.vocabulary = &scenario_vocabulary,
                               .domains = domains,
                               .domains_n = ARRAY_LEN(domains),
                               .steps = steps,
                               .steps_n = ARRAY_LEN(steps)};
}

/* Constants of a made-up scenario. */
static inline bool world_constant(void *ctx, const struct source *from, struct str path,
                                  struct expr_value *out)
{
    static const struct {
        const char *name;
        struct expr_value value;
    } constants[] = {
        {"clusters", {EXPR_INT, true, 50, {"", 0}}},
        {"ttl", {EXPR_DURATION, true, 60 * NS_PER_S, {"", 0}}},
        {"share", {EXPR_RATIO, true, 100000, {"", 0}}},
        {"place", {EXPR_STRING, true, 0, STR_INIT("site/b")}},
        {"strict", {EXPR_BOOL, true, 1, {"", 0}}},
    };
    for (size_t i = 0; i < ARRAY_LEN(constants); i++) {
        if (str_eq_c(path, constants[i].name)) {
            *out = constants[i].value;
            return true;
        }
    }
    return false;
}

static inline const struct str *world_constants(void *ctx, const struct source *from, size_t *n)
{
    static const struct str names[] = {STR_INIT("clusters"), STR_INIT("ttl"), STR_INIT("share"),
                                       STR_INIT("place"), STR_INIT("strict")};
    *n = ARRAY_LEN(names);
    return names;
}

#endif
