/* DaemonSets: a pod on every node that takes it. */
#include "sim/kubeapi/controllers/ctl.h"

#define COMPONENT     "daemonset-controller"
#define REVISION_HASH "controller-revision-hash"

struct daemon {
    struct ctl *c;
    struct kube_object *o;
    cJSON *tree, *spec; /* spec: of its pods */
    struct str hash;    /* of the present template */
    struct revisions revisions;
    struct ctl_list pods;
    struct str *targets; /* of each pod: its node */
    int64_t min_ready_s, surge, unavailable;
    bool on_delete;
    bool stopped; /* a pod was refused, or some wait: no more for now */
    int64_t desired, current, misplaced, ready, available, updated;
    world_time again;
};

/* ---- pods and their nodes ---- */

static struct str target_of(struct ctl *c, const struct kube_object *pod)
{
    struct str node = kube_object_string(pod, "spec.nodeName");
    if (node.n > 0)
        return node;
    const cJSON *terms =
        json_path(ctl_tree(c, pod), "spec.affinity.nodeAffinity."
                                    "requiredDuringSchedulingIgnoredDuringExecution."
                                    "nodeSelectorTerms");
    const cJSON *fields = terms && terms->child ? json_get(terms->child, "matchFields") : NULL;
    const cJSON *values = fields && fields->child ? json_get(fields->child, "values") : NULL;
    return values && values->child ? json_string(values->child) : str_empty;
}

/* Its pods stay through what drives others away. */
static void tolerate(struct ctl *c, cJSON *spec)
{
    static const struct {
        const char *key, *effect;
    } always[] = {
        {"node.kubernetes.io/not-ready", "NoExecute"},
        {"node.kubernetes.io/unreachable", "NoExecute"},
        {"node.kubernetes.io/disk-pressure", "NoSchedule"},
        {"node.kubernetes.io/memory-pressure", "NoSchedule"},
        {"node.kubernetes.io/pid-pressure", "NoSchedule"},
        {"node.kubernetes.io/unschedulable", "NoSchedule"},
    };
    cJSON *list = json_get(spec, "tolerations");
    if (!list) {
        list = json_array(&c->a);
        json_set(&c->a, spec, STR("tolerations"), list);
    }
    for (size_t i = 0; i < ARRAY_LEN(always); i++) {
        cJSON *t = json_object(&c->a);
        json_set_str(&c->a, t, "effect", str_c(always[i].effect));
        json_set_str(&c->a, t, "key", str_c(always[i].key));
        json_set_str(&c->a, t, "operator", STR("Exists"));
        json_append(list, t);
    }
}

static void aim(struct ctl *c, cJSON *spec, struct str node)
{
    struct arena *a = &c->a;
    cJSON *required = json_ensure(a, spec,
                                  "affinity.nodeAffinity."
                                  "requiredDuringSchedulingIgnoredDuringExecution");
    cJSON *old = json_get(required, "nodeSelectorTerms"), *terms = json_array(a);
    cJSON *term = old && old->child ? json_copy(a, old->child) : json_object(a);
    cJSON *fields = json_array(a), *field = json_object(a), *values = json_array(a);
    json_set_str(a, field, "key", STR("metadata.name"));
    json_set_str(a, field, "operator", STR("In"));
    json_append(values, json_str(a, node));
    json_set(a, field, STR("values"), values);
    json_append(fields, field);
    json_set(a, term, STR("matchFields"), fields);
    json_append(terms, term);
    json_set(a, required, STR("nodeSelectorTerms"), terms);
}

static void refused(struct daemon *d, struct str why)
{
    d->stopped = true;
    if (why.n > 0)
        ctl_retry(d->c, CTL_DAEMON_SET, d->o->ns, d->o->name);
}

static void make_pod(struct daemon *d, struct str node)
{
    struct ctl *c = d->c;
    cJSON *template = json_copy(&c->a, json_path(d->tree, "spec.template"));
    tolerate(c, json_get(template, "spec"));
    cJSON *pod = pod_from_template(c, d->o, template, str_empty);
    cJSON *labels = json_ensure(&c->a, pod, "metadata.labels");
    struct str generation = json_string(json_get(json_path(d->tree, "metadata.annotations"),
                                                 "deprecated.daemonset.template.generation"));
    json_set_str(&c->a, labels, REVISION_HASH, d->hash);
    json_set_str(&c->a, labels, "pod-template-generation",
                 generation.n ? generation
                              : arena_printf(&c->a, "%lld", (long long)d->o->generation));
    aim(c, json_get(pod, "spec"), node);
    struct ctl_making m = {.ctl = CTL_DAEMON_SET,
                           .table = T_PODS,
                           .owner = d->o,
                           .component = COMPONENT,
                           .made = STR("Created pod: "),
                           .failed = STR("Error creating: ")};
    struct kube_object *made;
    struct str why;
    if (ctl_make(c, &m, pod, &made, &why) == CTL_REFUSED)
        refused(d, why);
}

static void remove_pod(struct daemon *d, struct kube_object *pod)
{
    if (!pod->deleting && ctl_delete(d->c, T_PODS, pod, -1))
        ctl_record(d->c, d->o, EVENT_NORMAL, "SuccessfulDelete", COMPONENT, "Deleted pod: " STR_FMT,
                   STR_ARG(pod->name));
}

/* ---- a node ---- */

struct place {
    struct kube_object *fresh, *old; /* the pods there; on their way out: not counted */
    bool ending;
};

static struct place look(struct daemon *d, const struct kube_object *node, bool runs)
{
    struct place p = {0};
    for (size_t i = 0; i < d->pods.n; i++) {
        struct kube_object *pod = d->pods.at[i];
        if (!str_eq(d->targets[i], node->name))
            continue;
        if (pod->deleting) {
            p.ending = true;
            continue;
        }
        if (!runs || pod_finished(pod)) {
            remove_pod(d, pod);
            d->misplaced += !runs;
            p.ending = true;
            continue;
        }
        struct kube_object **slot =
            str_eq(kube_object_label(pod, STR(REVISION_HASH)), d->hash) ? &p.fresh : &p.old;
        if (*slot)
            remove_pod(d, pod); /* one too many */
        else
            *slot = pod;
    }
    return p;
}

static bool is_available(struct daemon *d, const struct kube_object *pod)
{
    return pod && pod_is_available(d->c, pod, d->min_ready_s, &d->again);
}

static void count(struct daemon *d, const struct place *p)
{
    const struct kube_object *shown = p->fresh ? p->fresh : p->old;
    d->current += shown != NULL;
    d->updated += p->fresh != NULL;
    d->ready += (p->fresh && pod_is_ready(p->fresh)) || (p->old && pod_is_ready(p->old));
    d->available += is_available(d, p->fresh) || is_available(d, p->old);
}

/* Old pods give way: as many at a time as may be missing, or, with a surge, once the new one stands. */
static void roll(struct daemon *d, const struct place *places, const struct ctl_list *nodes)
{
    int64_t missing = d->desired - d->available, surging = 0;
    for (size_t i = 0; i < nodes->n; i++)
        surging += places[i].fresh && places[i].old;
    for (size_t i = 0; i < nodes->n; i++) {
        const struct place *p = &places[i];
        if (!p->old)
            continue;
        if (p->fresh ? is_available(d, p->fresh) : !is_available(d, p->old)) {
            remove_pod(d, p->old); /* replaced, or of no use */
        } else if (!p->fresh && d->surge > surging && !p->ending) {
            make_pod(d, nodes->at[i]->name);
            surging++;
        } else if (!p->fresh && d->surge == 0 && missing < d->unavailable) {
            remove_pod(d, p->old);
            missing++;
        }
    }
}

/* ---- the whole ---- */

static void write_status(struct daemon *d)
{
    struct arena *a = &d->c->a;
    cJSON *status = json_object(a);
    const struct {
        const char *key;
        int64_t n;
        bool always;
    } parts[] = {
        {"currentNumberScheduled", d->current, true},
        {"desiredNumberScheduled", d->desired, true},
        {"numberAvailable", d->available, false},
        {"numberMisscheduled", d->misplaced, true},
        {"numberReady", d->ready, true},
        {"numberUnavailable", d->desired - d->available, false},
        {"observedGeneration", d->o->generation, true},
        {"updatedNumberScheduled", d->updated, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (parts[i].always || parts[i].n)
            json_set_int(a, status, parts[i].key, parts[i].n);
    ctl_set_status(d->c, T_DAEMON_SETS, d->o, status);
}

static bool revision_used(const void *arg, const struct kube_object *revision)
{
    const struct daemon *d = arg;
    struct str hash = kube_object_label(revision, STR(REVISION_HASH));
    if (str_eq(hash, d->hash))
        return true;
    for (size_t i = 0; i < d->pods.n; i++)
        if (str_eq(kube_object_label(d->pods.at[i], STR(REVISION_HASH)), hash))
            return true;
    return false;
}

static void read_spec(struct daemon *d, size_t nodes)
{
    const cJSON *how = json_path(d->tree, "spec.updateStrategy");
    const cJSON *rolling = json_get(how, "rollingUpdate");
    d->min_ready_s = json_int_at(d->tree, "spec.minReadySeconds", 0);
    d->on_delete = str_eq_c(json_string_at(how, "type"), "OnDelete");
    d->surge = ctl_int_or_percent(json_get(rolling, "maxSurge"), (int64_t)nodes, true, 0);
    d->unavailable =
        ctl_int_or_percent(json_get(rolling, "maxUnavailable"), (int64_t)nodes, true, 1);
    if (d->surge == 0 && d->unavailable == 0)
        d->unavailable = 1;
}

static void place_pods(struct daemon *d)
{
    struct ctl *c = d->c;
    struct ctl_list nodes = ctl_list(c, T_NODES, str_empty);
    struct place *places = ARENA_NEW_ARRAY(&c->a, struct place, nodes.n + 1);
    read_spec(d, nodes.n);
    for (size_t i = 0; i < nodes.n; i++) {
        bool runs = node_admits(c, d->spec, nodes.at[i], ctl_tree(c, nodes.at[i]));
        places[i] = look(d, nodes.at[i], runs);
        d->desired += runs;
        count(d, &places[i]);
        if (runs && !d->stopped && !places[i].fresh && !places[i].old && !places[i].ending)
            make_pod(d, nodes.at[i]->name);
    }
    if (!d->on_delete && !d->stopped)
        roll(d, places, &nodes);
}

void sync_daemon_set(struct ctl *c, struct str ns, struct str name)
{
    struct daemon d = {.c = c, .o = ctl_get(c, T_DAEMON_SETS, ns, name)};
    struct str why;
    if (!d.o || d.o->deleting)
        return;
    d.tree = ctl_tree(c, d.o);
    d.revisions = revisions_find(c, d.o, d.tree, REVISION_HASH);
    if (!d.revisions.update) {
        ctl_after(c, CTL_DAEMON_SET, ns, name, NS_PER_S);
        return;
    }
    d.hash = kube_object_label(d.revisions.update, STR(REVISION_HASH));
    d.spec = json_copy(&c->a, json_path(d.tree, "spec.template.spec"));
    tolerate(c, d.spec);
    d.pods = pods_claim(c, d.o, json_path(d.tree, "spec.selector"));
    d.targets = ARENA_NEW_ARRAY(&c->a, struct str, d.pods.n + 1);
    for (size_t i = 0; i < d.pods.n; i++)
        d.targets[i] = target_of(c, d.pods.at[i]);
    if (ctl_refused(c, d.o, &why))
        refused(&d, why);
    d.stopped = d.stopped || ctl_awaited(c, d.o) > 0;
    place_pods(&d);
    if (!d.stopped)
        ctl_forgive(c, CTL_DAEMON_SET, ns, name);
    write_status(&d);
    revisions_trim(c, &d.revisions, json_int_at(d.tree, "spec.revisionHistoryLimit", 10),
                   revision_used, &d);
    if (d.again > 0)
        ctl_after(c, CTL_DAEMON_SET, ns, name, d.again);
}
