/* Endpoints that somebody writes for a service without a selector are there as EndpointSlices too. */
#include "sim/kubeapi/controllers/ctl.h"

#define PREFIX      "endpointslice.kubernetes.io/"
#define MANAGER     "endpointslicemirroring-controller.k8s.io"
#define ADDRESS_MAX 1000 /* of a slice */

struct mirror {
    struct ctl *c;
    struct kube_object *o; /* the Endpoints */
    const cJSON *tree;
    struct ctl_list old;
    size_t used; /* of the old slices */
};

static bool is_six(const cJSON *address)
{
    return str_find_char(json_string_at(address, "ip"), ':') >= 0;
}

static void add_endpoints(struct mirror *m, cJSON *list, const cJSON *from, bool six, bool ready)
{
    static const char *const kept[] = {"hostname", "nodeName", "targetRef"};
    struct arena *a = &m->c->a;
    int room = ADDRESS_MAX - cJSON_GetArraySize(list);
    for (const cJSON *it = from ? from->child : NULL; it && room > 0; it = it->next) {
        cJSON *e = json_object(a), *addresses = json_array(a);
        if (is_six(it) != six)
            continue;
        room--;
        json_append(addresses, json_str(a, json_string_at(it, "ip")));
        json_set(a, e, STR("addresses"), addresses);
        json_set_bool(a, json_ensure(a, e, "conditions"), "ready", ready);
        for (size_t i = 0; i < ARRAY_LEN(kept); i++)
            if (json_get(it, kept[i]))
                json_set(a, e, str_c(kept[i]), json_copy(a, json_get(it, kept[i])));
        json_append(list, e);
    }
}

static void label(struct mirror *m, cJSON *tree)
{
    struct arena *a = &m->c->a;
    const cJSON *own = json_path(m->tree, "metadata.labels");
    cJSON *labels = own ? json_copy(a, own) : json_object(a), *owners = json_array(a);
    cJSON *metadata = json_ensure(a, tree, "metadata");
    (void)json_unset(labels, STR("endpoints.kubernetes.io/managed-by"));
    json_set_str(a, labels, PREFIX "managed-by", STR(MANAGER));
    json_set_str(a, labels, "kubernetes.io/service-name", m->o->name);
    json_set(a, metadata, STR("labels"), labels);
    json_append(owners, ctl_owner_reference(m->c, m->o));
    json_set(a, metadata, STR("ownerReferences"), owners);
}

/* What of a subset is of one family; its ports are the slice's. */
static void write_slice(struct mirror *m, const cJSON *subset, bool six)
{
    struct arena *a = &m->c->a;
    const cJSON *ports = json_get(subset, "ports");
    cJSON *list = json_array(a), *tree;
    add_endpoints(m, list, json_get(subset, "addresses"), six, true);
    add_endpoints(m, list, json_get(subset, "notReadyAddresses"), six, false);
    if (!list->child)
        return;
    struct kube_object *old = m->used < m->old.n ? m->old.at[m->used] : NULL;
    struct str type = six ? STR("IPv6") : STR("IPv4");
    if (old && !ctl_is(old, "addressType", six ? "IPv6" : "IPv4"))
        old = NULL; /* of another family: its turn comes, or it goes */
    tree = old ? ctl_tree(m->c, old) : json_object(a);
    label(m, tree);
    json_set_str(a, tree, "addressType", type);
    json_set(a, tree, STR("endpoints"), list);
    json_set(a, tree, STR("ports"), ports ? json_copy(a, ports) : json_array(a));
    if (old) {
        m->used++;
        (void)ctl_update(m->c, T_SLICES, old, tree); /* changed meanwhile: comes back */
        return;
    }
    json_set_str(a, json_get(tree, "metadata"), "generateName",
                 arena_printf(a, STR_FMT "-", STR_ARG(m->o->name)));
    (void)ctl_create(m->c, T_SLICES, m->o->ns, tree);
}

void mirror_endpoints(struct ctl *c, struct str ns, struct str name)
{
    struct mirror m = {.c = c, .o = ctl_get(c, T_ENDPOINTS, ns, name)};
    if (!m.o || m.o->deleting ||
        str_eq_c(kube_object_label(m.o, STR(PREFIX "skip-mirror")), "true") ||
        ctl_annotation(m.o, "control-plane.alpha.kubernetes.io/leader").n > 0)
        return; /* the slices of what is gone go with it */
    m.tree = ctl_tree(c, m.o);
    m.old = ctl_owned(c, T_SLICES, m.o);
    const cJSON *subsets = json_get(m.tree, "subsets");
    for (const cJSON *s = subsets ? subsets->child : NULL; s; s = s->next) {
        write_slice(&m, s, false);
        write_slice(&m, s, true);
    }
    for (size_t i = m.used; i < m.old.n; i++)
        (void)ctl_delete(c, T_SLICES, m.old.at[i], -1); /* gone already: as good */
}
