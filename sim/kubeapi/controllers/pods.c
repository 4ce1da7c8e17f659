/* What every controller of pods needs: their state, pods of templates, whose they are, which go first. */
#include "sim/kubeapi/controllers/ctl.h"
#include "sim/kubeapi/core/selector.h"

#include <stdlib.h>

/* ---- state ---- */

bool pod_finished(const struct kube_object *pod)
{
    struct str phase = kube_object_string(pod, "status.phase");
    return str_eq_c(phase, "Succeeded") || str_eq_c(phase, "Failed");
}

bool pod_active(const struct kube_object *pod)
{
    return !pod->deleting && !pod_finished(pod);
}

/* Keys of canonical bytes are in order, so that a condition's status stands right before its type. */
bool pod_is_ready(const struct kube_object *pod)
{
    return str_find(kube_object_raw(pod, "status.conditions"),
                    STR("\"status\":\"True\",\"type\":\"Ready\"")) >= 0;
}

bool pod_is_available(struct ctl *c, const struct kube_object *pod, int64_t min_ready_s,
                      world_time *again)
{
    if (!pod_is_ready(pod))
        return false;
    if (min_ready_s <= 0)
        return true;
    const cJSON *status = json_get(ctl_tree(c, pod), "status");
    world_time since = ctl_time_at(ctl_condition_find(status, "Ready"), "lastTransitionTime");
    world_time left = since + min_ready_s * NS_PER_S - ctl_wall(c);
    if (since >= 0 && left <= 0)
        return true;
    if (left > 0 && (*again == 0 || left < *again))
        *again = left;
    return false;
}

/* ---- of a template ---- */

cJSON *pod_from_template(struct ctl *c, const struct kube_object *owner, const cJSON *template,
                         struct str name)
{
    static const char *const kept[] = {"labels", "annotations", "finalizers"};
    cJSON *pod = json_object(&c->a), *metadata = json_ensure(&c->a, pod, "metadata");
    const cJSON *from = json_get(template, "metadata"), *spec = json_get(template, "spec");
    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        const cJSON *v = json_get(from, kept[i]);
        if (v)
            json_set(&c->a, metadata, str_c(kept[i]), json_copy(&c->a, v));
    }
    if (name.n > 0)
        json_set_str(&c->a, metadata, "name", name);
    json_set_str(&c->a, metadata, "generateName",
                 arena_printf(&c->a, STR_FMT "-", STR_ARG(owner->name)));
    cJSON *owners = json_array(&c->a);
    json_append(owners, ctl_owner_reference(c, owner));
    json_set(&c->a, metadata, STR("ownerReferences"), owners);
    json_set(&c->a, pod, STR("spec"), spec ? json_copy(&c->a, spec) : json_object(&c->a));
    return pod;
}

/* ---- whose they are ---- */

static struct kube_object *release(struct ctl *c, enum ctl_table table, struct kube_object *o,
                                   const struct kube_object *owner)
{
    cJSON *tree = ctl_tree(c, o), *metadata = json_get(tree, "metadata"), *left = json_array(&c->a);
    const cJSON *list = json_get(metadata, "ownerReferences");
    for (const cJSON *it = list ? list->child : NULL; it; it = it->next)
        if (!str_eq(json_string_at(it, "uid"), owner->uid))
            json_append(left, json_copy(&c->a, it));
    if (left->child)
        json_set(&c->a, metadata, STR("ownerReferences"), left);
    else
        (void)json_unset(metadata, STR("ownerReferences"));
    return ctl_update(c, table, o, tree);
}

static struct kube_object *adopt(struct ctl *c, enum ctl_table table, struct kube_object *o,
                                 const struct kube_object *owner)
{
    cJSON *tree = ctl_tree(c, o), *metadata = json_get(tree, "metadata");
    cJSON *list = json_get(metadata, "ownerReferences");
    if (!list) {
        list = json_array(&c->a);
        json_set(&c->a, metadata, STR("ownerReferences"), list);
    }
    json_append(list, ctl_owner_reference(c, owner));
    return ctl_update(c, table, o, tree);
}

static bool selects(const cJSON *selector, const struct kube_object *o)
{
    bool all = !json_get(selector, "matchLabels") && !json_get(selector, "matchExpressions");
    return selector && !all && selector_object_matches(selector, o);
}

static struct ctl_list claim(struct ctl *c, enum ctl_table table, const struct kube_object *owner,
                             const cJSON *selector, bool strays)
{
    struct ctl_list mine = ctl_owned(c, table, owner), found = {0};
    struct ctl_list all = {0};
    if (strays && !owner->deleting)
        all = ctl_list(c, table, owner->ns);
    found.at = ARENA_NEW_ARRAY(&c->a, struct kube_object *, mine.n + all.n + 1);
    for (size_t i = 0; i < mine.n; i++) {
        struct kube_object *o = mine.at[i];
        if (!selector || selects(selector, o) || owner->deleting)
            found.at[found.n++] = o;
        else
            (void)release(c, table, o, owner); /* else its event brings us back */
    }
    for (size_t i = 0; i < all.n; i++) {
        struct kube_object *o = all.at[i];
        bool free = !kube_object_controller(o) && !o->deleting && selects(selector, o) &&
                    !(table == T_PODS && pod_finished(o));
        struct kube_object *taken = free ? adopt(c, table, o, owner) : NULL;
        if (taken)
            found.at[found.n++] = taken;
    }
    return found;
}

struct ctl_list pods_claim(struct ctl *c, const struct kube_object *owner, const cJSON *selector)
{
    return claim(c, T_PODS, owner, selector, map_has(&c->stray_pods, owner->ns));
}

struct ctl_list sets_claim(struct ctl *c, const struct kube_object *owner, const cJSON *selector)
{
    return claim(c, T_REPLICA_SETS, owner, selector, map_has(&c->stray_sets, owner->ns));
}

/* ---- which go first ---- */

struct rank {
    struct kube_object *pod;
    bool bound, ready;
    int phase;
    int64_t cost, mates, restarts; /* mates: of the same set on the same node */
    world_time created;
};

static int compare(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

static int rank_cmp(const void *a, const void *b)
{
    const struct rank *x = a, *y = b;
    int by;
    if ((by = compare(x->bound, y->bound)) || (by = compare(x->phase, y->phase)) ||
        (by = compare(x->ready, y->ready)) || (by = compare(x->cost, y->cost)) ||
        (by = compare(y->mates, x->mates)) || (by = compare(y->restarts, x->restarts)) ||
        (by = compare(y->created, x->created)))
        return by;
    return str_cmp(x->pod->name, y->pod->name);
}

static int phase_rank(const struct kube_object *pod)
{
    return ctl_is(pod, "status.phase", "Pending")   ? 0
           : ctl_is(pod, "status.phase", "Running") ? 2
                                                    : 1;
}

static int64_t restarts_of(const struct kube_object *pod)
{
    struct scan s = scan_of(kube_object_raw(pod, "status.containerStatuses"));
    struct str it;
    int64_t sum = 0, n;
    if (s.p == s.end || !scan_enter(&s, '['))
        return 0;
    while (scan_element(&s, &it))
        if (str_to_i64(scan_get(it, STR("restartCount")), &n))
            sum += n;
    return sum;
}

static int64_t mates_of(struct map *nodes, const struct kube_object *pod)
{
    struct str node = kube_object_string(pod, "spec.nodeName");
    return node.n ? (int64_t)(uintptr_t)map_get(nodes, node) : 0;
}

void pods_rank(struct ctl *c, struct ctl_list *pods)
{
    struct map nodes = {0};
    struct rank *r = ARENA_NEW_ARRAY(&c->a, struct rank, pods->n + 1);
    for (size_t i = 0; i < pods->n; i++) {
        struct str node = kube_object_string(pods->at[i], "spec.nodeName");
        if (node.n)
            map_put(&nodes, node, (void *)((uintptr_t)map_get(&nodes, node) + 1));
    }
    for (size_t i = 0; i < pods->n; i++) {
        struct kube_object *p = pods->at[i];
        r[i] = (struct rank){.pod = p,
                             .bound = kube_object_string(p, "spec.nodeName").n > 0,
                             .ready = pod_is_ready(p),
                             .phase = phase_rank(p),
                             .mates = mates_of(&nodes, p),
                             .restarts = restarts_of(p),
                             .created = ctl_created(p)};
        (void)str_to_i64(ctl_annotation(p, "controller.kubernetes.io/pod-deletion-cost"),
                         &r[i].cost);
    }
    map_free(&nodes);
    if (pods->n > 1)
        qsort(r, pods->n, sizeof *r, rank_cmp);
    for (size_t i = 0; i < pods->n; i++)
        pods->at[i] = r[i].pod;
}
