/* StatefulSets: pods with names and claims of their own, started and stopped in order.
 *
 *   first to last: make what is missing, wait until it is ready ─► last to first: those beyond the size go ─► last to first:
 *   those of an old revision go, one at a time, and come back new */
#include "sim/kubeapi/controllers/ctl.h"

#define COMPONENT     "statefulset-controller"
#define REVISION_HASH "controller-revision-hash"
#define REPLICAS_MAX  10000

struct stateful {
    struct ctl *c;
    struct kube_object *o;
    cJSON *tree;
    int64_t replicas, start, partition, min_ready_s;
    bool ordered, on_delete;
    struct revisions revisions;
    struct kube_object *current; /* the revision that pods before the partition are of */
    struct kube_object **pods;   /* by ordinal - start; NULL: missing */
    struct ctl_list condemned;   /* highest ordinal first */
    bool refused;                /* a pod or a claim was */
    bool with_set;               /* claims go with the set */
    world_time again;
};

static int64_t ordinal_of(const struct kube_object *set, struct str pod)
{
    int64_t n;
    if (!str_starts(pod, set->name) || pod.n <= set->name.n + 1 || pod.p[set->name.n] != '-' ||
        !str_to_i64(str_sub(pod, set->name.n + 1, pod.n), &n) || n < 0)
        return -1;
    return n;
}

static void sort_in(struct stateful *s, struct ctl_list *pods)
{
    s->pods = ARENA_NEW_ARRAY(&s->c->a, struct kube_object *, (size_t)s->replicas + 1);
    s->condemned.at = ARENA_NEW_ARRAY(&s->c->a, struct kube_object *, pods->n + 1);
    for (size_t i = 0; i < pods->n; i++) {
        int64_t n = ordinal_of(s->o, pods->at[i]->name);
        if (n < 0)
            continue;
        if (n >= s->start && n < s->start + s->replicas) {
            s->pods[n - s->start] = pods->at[i];
            continue;
        }
        size_t at = s->condemned.n++;
        for (; at > 0 && ordinal_of(s->o, s->condemned.at[at - 1]->name) < n; at--)
            s->condemned.at[at] = s->condemned.at[at - 1];
        s->condemned.at[at] = pods->at[i];
    }
}

/* ---- one pod ---- */

static struct str pod_name(struct stateful *s, int64_t ordinal)
{
    return arena_printf(&s->c->a, STR_FMT "-%lld", STR_ARG(s->o->name), (long long)ordinal);
}

static struct str claim_name(struct stateful *s, const cJSON *claim, struct str pod)
{
    return arena_printf(&s->c->a, STR_FMT "-" STR_FMT,
                        STR_ARG(json_string_at(claim, "metadata.name")), STR_ARG(pod));
}

/* False: it was refused, or waits. */
static bool make(struct stateful *s, enum ctl_table table, cJSON *tree, struct str what,
                 struct str success)
{
    struct ctl *c = s->c;
    struct kube_object *made;
    struct str why;
    struct ctl_making m = {.ctl = CTL_STATEFUL_SET,
                           .table = table,
                           .owner = s->o,
                           .component = COMPONENT,
                           .named = true};
    m.made = arena_printf(&c->a, "create " STR_FMT " in StatefulSet " STR_FMT " " STR_FMT,
                          STR_ARG(what), STR_ARG(s->o->name), STR_ARG(success));
    m.failed = arena_printf(&c->a, "create " STR_FMT " in StatefulSet " STR_FMT " failed error: ",
                            STR_ARG(what), STR_ARG(s->o->name));
    enum ctl_made how = ctl_make(c, &m, tree, &made, &why);
    if (how == CTL_REFUSED && why.n > 0)
        ctl_retry(c, CTL_STATEFUL_SET, s->o->ns, s->o->name);
    s->refused = s->refused || how == CTL_REFUSED;
    return how == CTL_MADE;
}

static bool make_claims(struct stateful *s, struct str pod)
{
    struct ctl *c = s->c;
    const cJSON *list = json_path(s->tree, "spec.volumeClaimTemplates");
    for (const cJSON *it = list ? list->child : NULL; it; it = it->next) {
        struct str name = claim_name(s, it, pod);
        const struct kube_object *there = ctl_get(c, T_CLAIMS, s->o->ns, name);
        if (there && there->deleting) { /* it was a condemned pod's: the new pod gets another */
            s->again = NS_PER_S;
            return false;
        }
        if (there)
            continue;
        cJSON *claim = json_copy(&c->a, it), *metadata = json_get(claim, "metadata");
        const cJSON *labels = json_path(s->tree, "spec.selector.matchLabels");
        (void)json_unset(claim, STR("status"));
        json_set_str(&c->a, metadata, "name", name);
        if (labels)
            json_set(&c->a, metadata, STR("labels"), json_copy(&c->a, labels));
        if (s->with_set) {
            cJSON *owners = json_array(&c->a);
            json_append(owners, ctl_owner_reference(c, s->o));
            json_set(&c->a, metadata, STR("ownerReferences"), owners);
        }
        struct str what =
            arena_printf(&c->a, "Claim " STR_FMT " Pod " STR_FMT, STR_ARG(name), STR_ARG(pod));
        if (!make(s, T_CLAIMS, claim, what, STR("success")))
            return false;
    }
    return true;
}

static bool owned_by(const struct kube_object *o, struct str uid)
{
    for (size_t i = 0; i < o->owners_n; i++)
        if (str_eq(o->owners[i].uid, uid))
            return true;
    return false;
}

/* Owners of a claim that are this set or one of its pods; others are left alone. */
static bool is_ours(const struct stateful *s, const cJSON *owner)
{
    struct str kind = json_string_at(owner, "kind");
    return str_eq(json_string_at(owner, "uid"), s->o->uid) || str_eq_c(kind, "Pod");
}

/* Who takes a claim along: the set, a condemned pod, or nobody. */
static void own_claim(struct stateful *s, struct kube_object *claim, const struct kube_object *by)
{
    struct ctl *c = s->c;
    if (by ? owned_by(claim, by->uid) && claim->owners_n == 1 : claim->owners_n == 0)
        return;
    cJSON *tree = ctl_tree(c, claim), *metadata = json_get(tree, "metadata"),
          *left = json_array(&c->a);
    const cJSON *list = json_get(metadata, "ownerReferences");
    for (const cJSON *it = list ? list->child : NULL; it; it = it->next)
        if (!is_ours(s, it))
            json_append(left, json_copy(&c->a, it));
    if (by)
        json_append(left, ctl_owner_reference(c, by));
    if (left->child)
        json_set(&c->a, metadata, STR("ownerReferences"), left);
    else
        (void)json_unset(metadata, STR("ownerReferences"));
    (void)ctl_update(c, T_CLAIMS, claim, tree); /* changed meanwhile: the next look */
}

static void own_claims(struct stateful *s, struct str pod, const struct kube_object *by)
{
    const cJSON *list = json_path(s->tree, "spec.volumeClaimTemplates");
    for (const cJSON *it = list ? list->child : NULL; it; it = it->next) {
        struct kube_object *claim = ctl_get(s->c, T_CLAIMS, s->o->ns, claim_name(s, it, pod));
        if (claim && !claim->deleting)
            own_claim(s, claim, by);
    }
}

/* persistentVolumeClaimRetentionPolicy: what goes with the set, what with pods that are too many. */
static void mind_claims(struct stateful *s)
{
    const cJSON *policy = json_path(s->tree, "spec.persistentVolumeClaimRetentionPolicy");
    bool with_pod = str_eq_c(json_string_at(policy, "whenScaled"), "Delete");
    s->with_set = str_eq_c(json_string_at(policy, "whenDeleted"), "Delete");
    if (!json_path(s->tree, "spec.volumeClaimTemplates"))
        return;
    for (int64_t i = 0; i < s->replicas; i++)
        if (s->pods[i])
            own_claims(s, s->pods[i]->name, s->with_set ? s->o : NULL);
    for (size_t i = 0; i < s->condemned.n; i++)
        own_claims(s, s->condemned.at[i]->name,
                   with_pod      ? s->condemned.at[i]
                   : s->with_set ? s->o
                                 : NULL);
}

/* Claims take the place of volumes of the same name. */
static void mount_claims(struct stateful *s, cJSON *spec, struct str pod)
{
    struct arena *a = &s->c->a;
    const cJSON *list = json_path(s->tree, "spec.volumeClaimTemplates");
    const cJSON *given = json_get(spec, "volumes");
    cJSON *volumes = json_array(a);
    if (!list || !list->child)
        return;
    for (const cJSON *it = list->child; it; it = it->next) {
        cJSON *v = json_object(a);
        json_set_str(a, v, "name", json_string_at(it, "metadata.name"));
        json_set_str(a, json_ensure(a, v, "persistentVolumeClaim"), "claimName",
                     claim_name(s, it, pod));
        json_append(volumes, v);
    }
    for (const cJSON *v = given ? given->child : NULL; v; v = v->next) {
        bool taken = false;
        for (const cJSON *it = list->child; it; it = it->next)
            taken = taken || str_eq(json_string_at(it, "metadata.name"), json_string_at(v, "name"));
        if (!taken)
            json_append(volumes, json_copy(a, v));
    }
    json_set(a, spec, STR("volumes"), volumes);
}

static bool make_pod(struct stateful *s, int64_t ordinal)
{
    struct ctl *c = s->c;
    struct str name = pod_name(s, ordinal);
    bool old = !s->on_delete && ordinal < s->start + s->partition;
    const struct kube_object *revision = old ? s->current : s->revisions.update;
    cJSON *pod = pod_from_template(c, s->o, revision_template(c, revision), name);
    cJSON *labels = json_ensure(&c->a, pod, "metadata.labels"), *spec = json_get(pod, "spec");
    struct str service = json_string_at(s->tree, "spec.serviceName");
    json_set_str(&c->a, labels, REVISION_HASH, revision->name);
    json_set_str(&c->a, labels, "statefulset.kubernetes.io/pod-name", name);
    json_set_str(&c->a, labels, "apps.kubernetes.io/pod-index",
                 arena_printf(&c->a, "%lld", (long long)ordinal));
    json_set_str(&c->a, spec, "hostname", name);
    if (service.n > 0)
        json_set_str(&c->a, spec, "subdomain", service);
    mount_claims(s, spec, name);
    return make_claims(s, name) &&
           make(s, T_PODS, pod, arena_printf(&c->a, "Pod " STR_FMT, STR_ARG(name)),
                STR("successful"));
}

static void remove_pod(struct stateful *s, struct kube_object *pod)
{
    if (ctl_delete(s->c, T_PODS, pod, -1))
        ctl_record(s->c, s->o, EVENT_NORMAL, "SuccessfulDelete", COMPONENT,
                   "delete Pod " STR_FMT " in StatefulSet " STR_FMT " successful",
                   STR_ARG(pod->name), STR_ARG(s->o->name));
}

/* ---- the three walks: false ends the sync, an event brings us back ---- */

static bool walk_up(struct stateful *s)
{
    for (int64_t i = 0; i < s->replicas; i++) {
        struct kube_object *pod = s->pods[i];
        bool wait;
        if (!pod) {
            if (!make_pod(s, s->start + i))
                return false;
            wait = true;
        } else if (pod_finished(pod) && !pod->deleting) {
            remove_pod(s, pod);
            wait = true;
        } else {
            wait = pod->deleting || !pod_is_available(s->c, pod, s->min_ready_s, &s->again);
        }
        if (wait && s->ordered)
            return false;
    }
    return true;
}

static bool is_ill(struct stateful *s, struct kube_object *pod)
{
    return pod->deleting || !pod_is_available(s->c, pod, s->min_ready_s, &s->again);
}

/* In order, one that is not available goes only when all before it are. */
static bool walk_condemned(struct stateful *s)
{
    size_t first = s->condemned.n;
    for (size_t i = s->condemned.n; i-- > 0 && first == s->condemned.n;)
        if (is_ill(s, s->condemned.at[i]))
            first = i;
    for (size_t i = 0; i < s->condemned.n; i++) {
        struct kube_object *pod = s->condemned.at[i];
        bool halts = s->ordered && i != first && is_ill(s, pod);
        if (!pod->deleting && !halts)
            remove_pod(s, pod);
        if (s->ordered)
            return false;
    }
    return true;
}

static void walk_old(struct stateful *s)
{
    for (int64_t i = s->replicas - 1; i >= s->partition; i--) {
        struct kube_object *pod = s->pods[i];
        if (!pod)
            return;
        bool old = !str_eq(kube_object_label(pod, STR(REVISION_HASH)), s->revisions.update->name);
        if (old && !pod->deleting)
            remove_pod(s, pod);
        if (old || pod->deleting || !pod_is_available(s->c, pod, s->min_ready_s, &s->again))
            return;
    }
}

static void walk(struct stateful *s)
{
    if (walk_up(s) && walk_condemned(s) && !s->on_delete)
        walk_old(s);
    if (!s->refused)
        ctl_forgive(s->c, CTL_STATEFUL_SET, s->o->ns, s->o->name);
}

/* ---- status ---- */

static bool revision_used(const void *arg, const struct kube_object *revision)
{
    const struct stateful *s = arg;
    if (revision == s->current || str_eq(revision->name, s->revisions.update->name))
        return true;
    for (int64_t i = 0; i < s->replicas; i++)
        if (s->pods[i] && str_eq(kube_object_label(s->pods[i], STR(REVISION_HASH)), revision->name))
            return true;
    return false;
}

static void write_status(struct stateful *s, const struct ctl_list *pods)
{
    struct arena *a = &s->c->a;
    int64_t all = 0, ready = 0, available = 0, current = 0, updated = 0;
    struct str now = s->current->name, update = s->revisions.update->name;
    for (size_t i = 0; i < pods->n; i++) {
        struct str of = kube_object_label(pods->at[i], STR(REVISION_HASH));
        bool active = !pods->at[i]->deleting;
        all++;
        ready += pod_is_ready(pods->at[i]);
        available += pod_is_available(s->c, pods->at[i], s->min_ready_s, &s->again);
        current += active && str_eq(of, now);
        updated += active && str_eq(of, update);
    }
    if (!s->on_delete && updated == all && ready == all && all == s->replicas) {
        now = update; /* the roll-out is through */
        current = updated;
    }
    cJSON *status = json_object(a);
    json_set_int(a, status, "availableReplicas", available);
    json_set_int(a, status, "collisionCount", json_int_at(s->tree, "status.collisionCount", 0));
    json_set_str(a, status, "currentRevision", now);
    json_set_int(a, status, "observedGeneration", s->o->generation);
    json_set_int(a, status, "replicas", all);
    json_set_str(a, status, "updateRevision", update);
    if (current)
        json_set_int(a, status, "currentReplicas", current);
    if (ready)
        json_set_int(a, status, "readyReplicas", ready);
    if (updated)
        json_set_int(a, status, "updatedReplicas", updated);
    ctl_set_status(s->c, T_STATEFUL_SETS, s->o, status);
}

static void read_spec(struct stateful *s)
{
    const cJSON *spec = json_get(s->tree, "spec");
    s->replicas = json_int_at(spec, "replicas", 1);
    s->replicas = s->replicas > REPLICAS_MAX ? REPLICAS_MAX : s->replicas;
    s->start = json_int_at(spec, "ordinals.start", 0);
    s->partition = json_int_at(spec, "updateStrategy.rollingUpdate.partition", 0);
    s->min_ready_s = json_int_at(spec, "minReadySeconds", 0);
    s->ordered = !str_eq_c(json_string_at(spec, "podManagementPolicy"), "Parallel");
    s->on_delete = str_eq_c(json_string_at(spec, "updateStrategy.type"), "OnDelete");
}

void sync_stateful_set(struct ctl *c, struct str ns, struct str name)
{
    struct stateful s = {.c = c, .o = ctl_get(c, T_STATEFUL_SETS, ns, name)};
    struct str why;
    if (!s.o || s.o->deleting)
        return;
    s.tree = ctl_tree(c, s.o);
    read_spec(&s);
    s.revisions = revisions_find(c, s.o, s.tree, "controller.kubernetes.io/hash");
    if (!s.revisions.update) {
        ctl_after(c, CTL_STATEFUL_SET, ns, name, NS_PER_S);
        return;
    }
    s.current = revision_named(&s.revisions, json_string_at(s.tree, "status.currentRevision"));
    if (!s.current)
        s.current = s.revisions.update;
    struct ctl_list pods = pods_claim(c, s.o, json_path(s.tree, "spec.selector"));
    sort_in(&s, &pods);
    mind_claims(&s);
    write_status(&s, &pods);
    if (ctl_refused(c, s.o, &why))
        ctl_retry(c, CTL_STATEFUL_SET, ns, name);
    else if (ctl_awaited(c, s.o) == 0)
        walk(&s);
    revisions_trim(c, &s.revisions, json_int_at(s.tree, "spec.revisionHistoryLimit", 10),
                   revision_used, &s);
    if (s.again > 0)
        ctl_after(c, CTL_STATEFUL_SET, ns, name, s.again);
}
