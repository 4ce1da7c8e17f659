/* The agent's informers, one a kind. */
#include "engine/agents/cluster/caches.h"

#include "engine/kube/management.h"

/* A row more is a kind more: it is listed, watched, verified, served and seen by whoever asks for the caches. */
static const struct kube_gvr *const kinds[] = {&gvr_namespaces, &gvr_nodes, &gvr_pods};

struct agent_caches {
    struct kube_informer *informers[ARRAY_LEN(kinds)];
};

struct agent_caches *agent_caches_new(struct kube_client *kube, const struct policies *policies)
{
    struct agent_caches *c = MEM_NEW(struct agent_caches);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct kube_target target = {.gvr = *kinds[i]};
        c->informers[i] = kube_informer_new(kube, &target);
        kube_informer_set_policies(c->informers[i], policies);
        kube_informer_start(c->informers[i]);
    }
    return c;
}

void agent_caches_free(struct agent_caches *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        kube_informer_free(c->informers[i]);
    mem_free(c);
}

size_t agent_caches_kinds(void)
{
    return ARRAY_LEN(kinds);
}

const struct kube_gvr *agent_caches_kind(size_t i)
{
    BUG_ON(i >= ARRAY_LEN(kinds), "there is no such kind");
    return kinds[i];
}

size_t agent_caches_count(const struct agent_caches *c)
{
    return c ? ARRAY_LEN(kinds) : 0;
}

const struct kube_informer *agent_caches_at(const struct agent_caches *c, size_t i)
{
    BUG_ON(i >= agent_caches_count(c), "there is no such cache");
    return c->informers[i];
}

bool agent_caches_synced(const struct agent_caches *c)
{
    for (size_t i = 0; i < agent_caches_count(c); i++)
        if (!kube_informer_synced(c->informers[i]))
            return false;
    return c != NULL;
}
