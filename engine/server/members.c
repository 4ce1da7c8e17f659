#include "engine/server/members.h"

#include "engine/kube/management.h"

static const struct kube_gvr gvr_slices = KUBE_GVR("discovery.k8s.io", "v1", "endpointslices");

struct kube_target members_target(enum server_members how)
{
    struct kube_target slices = {
        .gvr = gvr_slices,
        .ns = STR(NAMESPACE_SYSTEM),
        .query = STR("labelSelector=kubernetes.io%2Fservice-name%3D" SERVER_SERVICE)};
    struct kube_target endpoints = {.gvr = gvr_endpoints, .ns = STR(NAMESPACE_SYSTEM)};
    return how == MEMBERS_SLICES ? slices : endpoints;
}

static void add(struct members *m, struct str address, struct str own, uint16_t port)
{
    if (address.n == 0 || str_eq(address, own) || m->n == ARRAY_LEN(m->peers))
        return;
    m->peers[m->n++] =
        (struct tunnel_peer){.id = address, .address = world_addr_make(address, port)};
}

void members_of_endpoints(struct arena *a, const struct kube_object *endpoints, struct str own,
                          uint16_t port, struct members *out)
{
    const cJSON *subsets = json_get(kube_object_tree(endpoints, a), "subsets");
    for (cJSON *subset = subsets ? subsets->child : NULL; subset; subset = subset->next) {
        const cJSON *addresses = json_get(subset, "addresses");
        for (cJSON *it = addresses ? addresses->child : NULL; it; it = it->next)
            add(out, json_string_at(it, "ip"), own, port);
    }
}

/* An address may be in two slices for a while. */
static bool is_known(const struct members *m, struct str address)
{
    for (size_t i = 0; i < m->n; i++)
        if (str_eq(m->peers[i].id, address))
            return true;
    return false;
}

static void add_slice(struct arena *a, const struct kube_object *slice, struct str own,
                      uint16_t port, struct members *out)
{
    const cJSON *tree = kube_object_tree(slice, a), *endpoints = json_get(tree, "endpoints");
    if (str_eq_c(json_string_at(tree, "addressType"), "FQDN"))
        return;
    for (cJSON *it = endpoints ? endpoints->child : NULL; it; it = it->next) {
        const cJSON *addresses = json_get(it, "addresses");
        struct str address = json_string(addresses ? addresses->child : NULL);
        if (!json_bool_at(it, "conditions.terminating", false) && !is_known(out, address) &&
            world_host_is_numeric(address))
            add(out, address, own, port);
    }
}

void members_of_slices(struct arena *a, const struct kube_informer *slices, struct str own,
                       uint16_t port, struct members *out)
{
    const struct kube_object *slice;
    for (size_t i = 0; (slice = kube_informer_next(slices, &i, NULL));)
        add_slice(a, slice, own, port, out);
}
