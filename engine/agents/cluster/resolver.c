/* The manager's name, cached by policy. */
#include "engine/agents/cluster/resolver.h"

struct agent_resolver {
    struct world *world;
    struct policies policies;
    struct str name; /* owned */
    struct world_dns *query;
    struct world_timer *answer_kept; /* a kept answer is given from the loop as well */
    struct world_dns_answer kept;
    bool has_kept;
    world_time kept_until;
    agent_resolved done;
    void *owner;
};

static void on_kept(void *owner)
{
    struct agent_resolver *r = owner;
    r->done(r->owner, &r->kept, NULL);
}

static void on_answer(void *owner, const struct world_dns_answer *answer, const struct err *err)
{
    struct agent_resolver *r = owner;
    r->query = NULL;
    if (!err) {
        r->kept = *answer;
        r->has_kept = true;
        r->kept_until = world_now(r->world) + (world_time)answer->ttl_s * NS_PER_S;
    }
    r->done(r->owner, answer, err);
}

struct agent_resolver *agent_resolver_new(struct world *w, const struct policies *policies,
                                          struct str name)
{
    struct agent_resolver *r = MEM_NEW(struct agent_resolver);
    r->world = w;
    r->policies = *policies;
    r->name = str_dup(name);
    r->answer_kept = world_timer_new(w, on_kept, r);
    return r;
}

void agent_resolver_free(struct agent_resolver *r)
{
    if (!r)
        return;
    world_dns_cancel(r->query);
    world_timer_free(r->answer_kept);
    str_free(&r->name);
    mem_free(r);
}

static bool keeps(const struct agent_resolver *r)
{
    if (!r->has_kept)
        return false;
    return policy_get(&r->policies, POLICY_DNS_CACHE) == POLICY_DNS_CACHE_PROCESS ||
           world_now(r->world) < r->kept_until;
}

void agent_resolve(struct agent_resolver *r, bool fresh, agent_resolved done, void *owner)
{
    agent_resolve_cancel(r);
    r->done = done;
    r->owner = owner;
    if (!fresh && keeps(r))
        world_timer_start(r->answer_kept, 0);
    else
        r->query = world_dns_query(r->world, r->name, AGENT_DNS_TIMEOUT, on_answer, r);
}

void agent_resolve_cancel(struct agent_resolver *r)
{
    world_dns_cancel(r->query);
    r->query = NULL;
    world_timer_stop(r->answer_kept);
}
