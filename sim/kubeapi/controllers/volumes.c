/* PersistentVolumeClaims and their volumes: found, or made by a StorageClass; let go, or deleted with the claim. */
#include "sim/kubeapi/controllers/ctl.h"

#include "sim/kubeapi/core/selector.h"
#include "sim/kubeapi/types/quantity.h"

#define COMPONENT     "persistentvolume-controller"
#define DEFAULT_CLASS "storageclass.kubernetes.io/is-default-class"
#define PROTECTION    "kubernetes.io/pvc-protection"

/* ---- matching ---- */

static bool has_modes(const cJSON *have, const cJSON *wanted)
{
    for (const cJSON *w = wanted ? wanted->child : NULL; w; w = w->next) {
        bool found = false;
        for (const cJSON *h = have ? have->child : NULL; h; h = h->next)
            found = found || str_eq(json_string(h), json_string(w));
        if (!found)
            return false;
    }
    return true;
}

static bool is_for(const cJSON *volume, const struct kube_object *claim)
{
    const cJSON *ref = json_path(volume, "spec.claimRef");
    struct str uid = json_string_at(ref, "uid");
    return ref && str_eq(json_string_at(ref, "name"), claim->name) &&
           str_eq(json_string_at(ref, "namespace"), claim->ns) &&
           (uid.n == 0 || str_eq(uid, claim->uid));
}

static bool fits(const cJSON *volume, const cJSON *claim, struct quantity *size)
{
    struct quantity wanted;
    const cJSON *have = json_get(volume, "spec"), *want = json_get(claim, "spec");
    struct str mode = json_string_at(have, "volumeMode"),
               wanted_mode = json_string_at(want, "volumeMode");
    if (quantity_parse(json_string_at(have, "capacity.storage"), size) ||
        quantity_parse(json_string_at(want, "resources.requests.storage"), &wanted))
        return false;
    return quantity_cmp(size, &wanted) >= 0 &&
           str_eq(mode.n ? mode : STR("Filesystem"),
                  wanted_mode.n ? wanted_mode : STR("Filesystem")) &&
           str_eq(json_string_at(have, "storageClassName"),
                  json_string_at(want, "storageClassName")) &&
           has_modes(json_get(have, "accessModes"), json_get(want, "accessModes"));
}

/* The one that is kept for the claim, or the smallest that fits and is free. */
static struct kube_object *find_volume(struct ctl *c, const struct kube_object *claim,
                                       const cJSON *tree)
{
    struct ctl_list all = ctl_list(c, T_VOLUMES, str_empty);
    struct str named = json_string_at(tree, "spec.volumeName");
    struct kube_object *best = NULL;
    struct quantity least = {0}, size;
    for (size_t i = 0; i < all.n; i++) {
        struct kube_object *v = all.at[i];
        const cJSON *volume = ctl_tree(c, v);
        if (v->deleting || (named.n && !str_eq(named, v->name)))
            continue;
        if (is_for(volume, claim))
            return v;
        if (json_path(volume, "spec.claimRef"))
            continue;
        if (named.n)
            return v;
        const cJSON *selector = json_path(tree, "spec.selector");
        if (fits(volume, tree, &size) && (!selector || selector_object_matches(selector, v)) &&
            (!best || quantity_cmp(&size, &least) < 0)) {
            best = v;
            least = size;
        }
    }
    return best;
}

/* ---- binding ---- */

static void bind(struct ctl *c, struct kube_object *claim, cJSON *tree, struct kube_object *v)
{
    struct arena *a = &c->a;
    cJSON *volume = ctl_tree(c, v), *spec = json_get(volume, "spec");
    cJSON *status = json_object(a), *own = json_get(tree, "spec");
    json_set(a, spec, STR("claimRef"), ctl_reference(c, claim));
    json_set_str(a, json_ensure(a, volume, "status"), "phase", STR("Bound"));
    if (!ctl_update(c, T_VOLUMES, v, volume))
        return;
    json_set_str(a, own, "volumeName", v->name);
    cJSON *annotations = json_ensure(a, tree, "metadata.annotations");
    json_set_str(a, annotations, "pv.kubernetes.io/bind-completed", STR("yes"));
    json_set_str(a, annotations, "pv.kubernetes.io/bound-by-controller", STR("yes"));
    json_set_str(a, status, "phase", STR("Bound"));
    const cJSON *modes = json_get(spec, "accessModes"), *capacity = json_get(spec, "capacity");
    if (modes)
        json_set(a, status, STR("accessModes"), json_copy(a, modes));
    if (capacity)
        json_set(a, status, STR("capacity"), json_copy(a, capacity));
    json_set(a, tree, STR("status"), status);
    (void)ctl_update(c, T_CLAIMS, claim, tree); /* changed meanwhile: its event brings us back */
}

/* ---- making one ---- */

static struct kube_object *class_of(struct ctl *c, cJSON *tree)
{
    const cJSON *given = json_path(tree, "spec.storageClassName");
    if (given)
        return ctl_get(c, T_CLASSES, str_empty, json_string(given));
    struct ctl_list all = ctl_list(c, T_CLASSES, str_empty);
    for (size_t i = 0; i < all.n; i++) {
        if (!str_eq_c(ctl_annotation(all.at[i], DEFAULT_CLASS), "true"))
            continue;
        json_set_str(&c->a, json_get(tree, "spec"), "storageClassName", all.at[i]->name);
        return all.at[i];
    }
    return NULL;
}

static bool is_used(struct ctl *c, const struct kube_object *claim)
{
    struct ctl_list pods = ctl_list(c, T_PODS, claim->ns);
    struct str needle = arena_printf(&c->a, "\"claimName\":\"" STR_FMT "\"", STR_ARG(claim->name));
    for (size_t i = 0; i < pods.n; i++)
        if (!pod_finished(pods.at[i]) &&
            str_find(kube_object_raw(pods.at[i], "spec.volumes"), needle) >= 0)
            return true;
    return false;
}

static void provision(struct ctl *c, struct kube_object *claim, const cJSON *tree,
                      const struct kube_object *class)
{
    struct arena *a = &c->a;
    cJSON *volume = json_object(a), *metadata = json_ensure(a, volume, "metadata");
    cJSON *spec = json_ensure(a, volume, "spec");
    const cJSON *modes = json_path(tree, "spec.accessModes");
    struct str name = arena_printf(a, "pvc-" STR_FMT, STR_ARG(claim->uid));
    struct str reclaim = kube_object_string(class, "reclaimPolicy");
    struct str provisioner = kube_object_string(class, "provisioner");
    json_set_str(a, metadata, "name", name);
    json_set_str(a, json_ensure(a, metadata, "annotations"), "pv.kubernetes.io/provisioned-by",
                 provisioner);
    if (modes)
        json_set(a, spec, STR("accessModes"), json_copy(a, modes));
    json_set_str(a, json_ensure(a, spec, "capacity"), "storage",
                 json_string_at(tree, "spec.resources.requests.storage"));
    json_set(a, spec, STR("claimRef"), ctl_reference(c, claim));
    json_set_str(a, json_ensure(a, spec, "hostPath"), "path",
                 arena_printf(a, "/var/lib/volumes/" STR_FMT, STR_ARG(name)));
    json_set_str(a, spec, "persistentVolumeReclaimPolicy", reclaim.n ? reclaim : STR("Delete"));
    json_set_str(a, spec, "storageClassName", class->name);
    json_set_str(a, spec, "volumeMode", STR("Filesystem"));
    if (!ctl_create(c, T_VOLUMES, str_empty, volume))
        return;
    struct ctl_source from = {
        .component = arena_c(a, provisioner), .host = str_empty, .field = str_empty};
    ctl_record_from(c, claim, EVENT_NORMAL, "ProvisioningSucceeded", &from,
                    arena_printf(a, "Successfully provisioned volume " STR_FMT, STR_ARG(name)));
    ctl_soon(c, CTL_CLAIM, claim->ns, claim->name);
}

/* No volume fits: what a class says, or what is missing. */
static void look_for_class(struct ctl *c, struct kube_object *claim, cJSON *tree)
{
    bool named = json_path(tree, "spec.storageClassName") != NULL;
    struct str name = json_string_at(tree, "spec.storageClassName");
    struct kube_object *class = class_of(c, tree);
    if (!class && named && name.n > 0) {
        ctl_record(c, claim, EVENT_WARNING, "ProvisioningFailed", COMPONENT,
                   "storageclass.storage.k8s.io \"" STR_FMT "\" not found", STR_ARG(name));
    } else if (!class) {
        ctl_record(c, claim, EVENT_NORMAL, "FailedBinding", COMPONENT,
                   "no persistent volumes available for this claim and no storage class is set");
    } else if (ctl_is(class, "volumeBindingMode", "WaitForFirstConsumer") && !is_used(c, claim)) {
        ctl_record(c, claim, EVENT_NORMAL, "WaitForFirstConsumer", COMPONENT,
                   "waiting for first consumer to be created before binding");
        if (!named)
            (void)ctl_update(c, T_CLAIMS, claim, tree); /* its event brings us back */
    } else if (!ctl_is(class, "provisioner", "kubernetes.io/no-provisioner")) {
        struct kube_object *fresh = named ? claim : ctl_update(c, T_CLAIMS, claim, tree);
        if (fresh)
            provision(c, fresh, tree, class);
    }
}

static void unprotect(struct ctl *c, enum ctl_table table, struct kube_object *o, const char *which)
{
    cJSON *tree = ctl_tree(c, o), *metadata = json_get(tree, "metadata"), *left = json_array(&c->a);
    const cJSON *list = json_get(metadata, "finalizers");
    for (const cJSON *f = list ? list->child : NULL; f; f = f->next)
        if (!str_eq_c(json_string(f), which))
            json_append(left, json_str(&c->a, json_string(f)));
    if (left->child)
        json_set(&c->a, metadata, STR("finalizers"), left);
    else
        (void)json_unset(metadata, STR("finalizers"));
    (void)ctl_update(c, table, o, tree); /* changed meanwhile: its event brings us back */
}

void sync_claim(struct ctl *c, struct str ns, struct str name)
{
    struct kube_object *claim = ctl_get(c, T_CLAIMS, ns, name);
    if (!claim)
        return;
    if (claim->deleting) {
        if (kube_object_has_finalizer(claim, STR(PROTECTION)) && !is_used(c, claim))
            unprotect(c, T_CLAIMS, claim, PROTECTION);
        return;
    }
    cJSON *tree = ctl_tree(c, claim);
    struct str bound = json_string_at(tree, "spec.volumeName");
    if (ctl_is(claim, "status.phase", "Bound")) {
        if (!ctl_get(c, T_VOLUMES, str_empty, bound)) {
            json_set_str(&c->a, json_get(tree, "status"), "phase", STR("Lost"));
            (void)ctl_update(c, T_CLAIMS, claim, tree); /* changed meanwhile: comes back */
        }
        return;
    }
    struct kube_object *v = find_volume(c, claim, tree);
    if (v)
        bind(c, claim, tree, v);
    else if (bound.n == 0)
        look_for_class(c, claim, tree);
}

/* A volume whose claim is gone is released, or goes as well. */
void sync_volume(struct ctl *c, struct str ns, struct str name)
{
    struct kube_object *v = ctl_get(c, T_VOLUMES, ns, name);
    if (!v)
        return;
    cJSON *tree = ctl_tree(c, v), *status = json_ensure(&c->a, tree, "status");
    const cJSON *ref = json_path(tree, "spec.claimRef");
    struct str uid = json_string_at(ref, "uid");
    struct kube_object *claim =
        ctl_get(c, T_CLAIMS, json_string_at(ref, "namespace"), json_string_at(ref, "name"));
    bool gone = uid.n > 0 && (!claim || !str_eq(claim->uid, uid));
    const char *phase = !ref || uid.n == 0 ? "Available" : gone ? "Released" : "Bound";
    if (v->deleting) {
        if (kube_object_has_finalizer(v, STR("kubernetes.io/pv-protection")) &&
            (gone || uid.n == 0))
            unprotect(c, T_VOLUMES, v, "kubernetes.io/pv-protection");
        return;
    }
    if (gone && ctl_is(v, "spec.persistentVolumeReclaimPolicy", "Delete")) {
        (void)ctl_delete(c, T_VOLUMES, v, -1); /* gone already: as good */
        return;
    }
    if (!str_eq_c(json_string_at(status, "phase"), phase)) {
        json_set_str(&c->a, status, "phase", str_c(phase));
        (void)ctl_update(c, T_VOLUMES, v, tree); /* changed meanwhile: its event brings us back */
    }
    if (!ref)
        ctl_soon_all(c, CTL_CLAIM, T_CLAIMS, str_empty);
}
