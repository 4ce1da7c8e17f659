/* Deployments: their ReplicaSets, revisions and history. */
#include "sim/kubeapi/controllers/deployment.h"

#include <string.h>

/* ---- reading ---- */

/* The template without the label that tells sets apart. */
static struct str plain_template(struct ctl *c, const cJSON *template)
{
    struct buf b = {0};
    cJSON *copy = json_copy(&c->a, template), *metadata = json_get(copy, "metadata");
    cJSON *labels = json_get(metadata, "labels");
    (void)json_unset(metadata, STR("creationTimestamp"));
    if (labels && json_unset(labels, STR("pod-template-hash")) && !labels->child)
        (void)json_unset(metadata, STR("labels"));
    json_write(&b, copy);
    struct str text = arena_str(&c->a, buf_str(&b));
    buf_free(&b);
    return text;
}

/* As a rule a set's template is its Deployment's with one label more: then the bytes tell, and nothing is parsed. */
static bool is_same_but_hash(struct str mine, struct str sets)
{
    struct str label = STR("\"pod-template-hash\":\"");
    ptrdiff_t at = str_find(sets, label);
    if (at < 0 || mine.n + label.n > sets.n)
        return false;
    size_t from = (size_t)at, to = from + label.n;
    while (to < sets.n && sets.p[to] != '"')
        to++;
    to++;
    if (to < sets.n && sets.p[to] == ',')
        to++;
    else if (from > 0 && sets.p[from - 1] == ',')
        from--;
    return to <= sets.n && mine.n == sets.n - (to - from) && memcmp(mine.p, sets.p, from) == 0 &&
           memcmp(mine.p + from, sets.p + to, sets.n - to) == 0;
}

static void find_fresh(struct deployment *d)
{
    struct str raw = kube_object_raw(d->o, "spec.template"), mine = str_empty;
    d->fresh = NULL;
    for (size_t i = 0; i < d->sets_n && !d->fresh; i++) {
        const struct kube_object *o = d->sets[i].o;
        bool same = is_same_but_hash(raw, kube_object_raw(o, "spec.template"));
        if (!same) {
            if (mine.n == 0)
                mine = plain_template(d->c, json_path(d->tree, "spec.template"));
            const cJSON *tree = ctl_tree(d->c, o);
            same = str_eq(mine, plain_template(d->c, json_path(tree, "spec.template")));
        }
        if (same)
            d->fresh = &d->sets[i];
    }
}

static void read_sets(struct deployment *d)
{
    struct ctl_list list = sets_claim(d->c, d->o, json_path(d->tree, "spec.selector"));
    d->sets = ARENA_NEW_ARRAY(&d->c->a, struct rs, list.n + 2); /* room for a new one */
    for (size_t i = 0; i < list.n; i++) {
        struct rs s;
        size_t at = d->sets_n++;
        rs_read(&s, list.at[i]);
        for (; at > 0 && d->sets[at - 1].created > s.created; at--)
            d->sets[at] = d->sets[at - 1];
        d->sets[at] = s;
    }
    find_fresh(d);
}

static void read_spec(struct deployment *d)
{
    const cJSON *spec = json_get(d->tree, "spec"), *how = json_get(spec, "strategy");
    const cJSON *roll = json_get(how, "rollingUpdate");
    d->replicas = json_int_at(spec, "replicas", 1);
    d->min_ready_s = json_int_at(spec, "minReadySeconds", 0);
    d->paused = json_bool_at(spec, "paused", false);
    d->rolling = !str_eq_c(json_string_at(how, "type"), "Recreate");
    if (!d->rolling)
        return;
    int64_t quarter_up = (d->replicas + 3) / 4, quarter = d->replicas / 4;
    d->surge = ctl_int_or_percent(json_get(roll, "maxSurge"), d->replicas, true, quarter_up);
    d->unavailable =
        ctl_int_or_percent(json_get(roll, "maxUnavailable"), d->replicas, false, quarter);
    if (d->surge == 0 && d->unavailable == 0)
        d->unavailable = 1; /* else nothing could ever move */
    if (d->unavailable > d->replicas)
        d->unavailable = d->replicas;
}

/* ---- annotations ---- */

/* A Deployment's annotations are its sets' as well, but for those that are about one object alone. */
static bool copy_annotations(struct deployment *d, cJSON *tree)
{
    static const char *const own[] = {"kubectl.kubernetes.io/last-applied-configuration",
                                      REVISION,
                                      REVISION_HISTORY,
                                      DESIRED,
                                      MAX_REPLICAS,
                                      DEPLOYMENT_ROLLBACK};
    const cJSON *list = json_path(d->tree, "metadata.annotations");
    bool changed = false;
    for (const cJSON *it = list ? list->child : NULL; it; it = it->next) {
        bool skip = false;
        for (size_t i = 0; i < ARRAY_LEN(own); i++)
            skip = skip || str_eq_c(str_c(it->string), own[i]);
        if (!skip)
            changed = rs_set_annotation(d->c, tree, it->string, json_string(it)) || changed;
    }
    return changed;
}

/* ---- revisions ---- */

static int64_t next_revision(const struct deployment *d)
{
    int64_t max = 0;
    for (size_t i = 0; i < d->sets_n; i++)
        if (&d->sets[i] != d->fresh && d->sets[i].revision > max)
            max = d->sets[i].revision;
    return max + 1;
}

/* In the tree; true: it was another. */
static bool note_revision(struct deployment *d, int64_t revision)
{
    int64_t told = 0;
    (void)str_to_i64(ctl_annotation(d->o, REVISION), &told);
    return told != revision && rs_set_number(d->c, d->tree, REVISION, revision);
}

static void write_tree(struct deployment *d)
{
    struct kube_object *o = ctl_update(d->c, T_DEPLOYMENTS, d->o, d->tree);
    if (!o) {
        d->lost = true;
        return;
    }
    d->o = o;
    d->tree = ctl_tree(d->c, o);
}

static void tell_revision(struct deployment *d, int64_t revision)
{
    if (note_revision(d, revision))
        write_tree(d);
}

/* An older template that is wanted again becomes the newest revision and remembers which it has been. */
static void renew_revision(struct deployment *d)
{
    struct ctl *c = d->c;
    struct rs *s = d->fresh;
    int64_t next = next_revision(d);
    cJSON *tree = ctl_tree(c, s->o);
    bool changed = copy_annotations(d, tree);
    if (s->revision < next) {
        struct str before = ctl_annotation(s->o, REVISION_HISTORY);
        if (s->revision > 0)
            (void)rs_set_annotation(c, tree, REVISION_HISTORY,
                                    arena_printf(&c->a, STR_FMT "%s%lld", STR_ARG(before),
                                                 before.n ? "," : "", (long long)s->revision));
        changed = rs_set_number(c, tree, REVISION, next) || changed;
    }
    if (json_int_at(tree, "spec.minReadySeconds", 0) != d->min_ready_s) {
        json_set_int(&c->a, json_get(tree, "spec"), "minReadySeconds", d->min_ready_s);
        changed = true;
    }
    if (changed && !rs_replace(d, s, tree))
        return;
    tell_revision(d, s->revision);
    if (!d->lost && !ctl_condition_find(json_get(d->tree, "status"), "Progressing"))
        (void)deployment_progress(
            d, "True", "FoundNewReplicaSet",
            arena_printf(&c->a, "Found new replica set \"" STR_FMT "\"", STR_ARG(s->o->name)));
}

/* ---- a new set ---- */

static cJSON *set_tree(struct deployment *d, struct str hash)
{
    struct arena *a = &d->c->a;
    cJSON *tree = json_object(a), *metadata = json_ensure(a, tree, "metadata");
    cJSON *spec = json_ensure(a, tree, "spec"), *owners = json_array(a);
    cJSON *template = json_copy(a, json_path(d->tree, "spec.template"));
    cJSON *selector = json_copy(a, json_path(d->tree, "spec.selector"));
    json_set_str(a, json_ensure(a, template, "metadata.labels"), "pod-template-hash", hash);
    json_set_str(a, json_ensure(a, selector, "matchLabels"), "pod-template-hash", hash);
    json_set_str(a, metadata, "name",
                 arena_printf(a, STR_FMT "-" STR_FMT, STR_ARG(d->o->name), STR_ARG(hash)));
    json_set(a, metadata, STR("labels"), json_copy(a, json_path(template, "metadata.labels")));
    json_append(owners, ctl_owner_reference(d->c, d->o));
    json_set(a, metadata, STR("ownerReferences"), owners);
    json_set(a, spec, STR("template"), template);
    json_set(a, spec, STR("selector"), selector);
    if (d->min_ready_s)
        json_set_int(a, spec, "minReadySeconds", d->min_ready_s);
    json_set_int(a, spec, "replicas", deployment_new_size(d, 0));
    (void)copy_annotations(d, tree);
    (void)rs_set_number(d->c, tree, REVISION, next_revision(d));
    (void)rs_set_number(d->c, tree, DESIRED, d->replicas);
    (void)rs_set_number(d->c, tree, MAX_REPLICAS, d->replicas + d->surge);
    return tree;
}

/* The name is taken by something else: the next hash is another. */
static void count_collision(struct deployment *d)
{
    cJSON *status = json_ensure(&d->c->a, d->tree, "status");
    json_set_int(&d->c->a, status, "collisionCount", json_int_at(status, "collisionCount", 0) + 1);
    (void)ctl_update(d->c, T_DEPLOYMENTS, d->o, d->tree);
    d->lost = true;
}

static void set_refused(struct deployment *d, struct str name, struct str why)
{
    struct str message =
        arena_printf(&d->c->a, "Failed to create new replica set \"" STR_FMT "\": " STR_FMT,
                     STR_ARG(name), STR_ARG(why));
    d->stopped = true;
    if (why.n == 0)
        return;
    ctl_retry(d->c, CTL_DEPLOYMENT, d->o->ns, d->o->name);
    ctl_record(d->c, d->o, EVENT_WARNING, "ReplicaSetCreateError", DEPLOYMENT_COMPONENT, STR_FMT,
               STR_ARG(message));
    (void)deployment_progress(d, "False", "ReplicaSetCreateError", message);
    d->lost = false; /* another try comes anyway */
}

static void make_set(struct deployment *d)
{
    struct ctl *c = d->c;
    struct str hash = template_hash(c, json_path(d->tree, "spec.template"),
                                    json_int_at(d->tree, "status.collisionCount", 0));
    struct ctl_making m = {.ctl = CTL_DEPLOYMENT,
                           .table = T_REPLICA_SETS,
                           .owner = d->o,
                           .component = DEPLOYMENT_COMPONENT};
    struct str name = arena_printf(&c->a, STR_FMT "-" STR_FMT, STR_ARG(d->o->name), STR_ARG(hash));
    struct kube_object *o;
    struct str why;
    if (ctl_get(c, T_REPLICA_SETS, d->o->ns, name)) {
        count_collision(d);
        return;
    }
    if (ctl_refused(c, d->o, &why) || ctl_make(c, &m, set_tree(d, hash), &o, &why) == CTL_REFUSED) {
        set_refused(d, name, why);
        return;
    }
    if (!o) { /* it waits */
        d->stopped = true;
        return;
    }
    ctl_forgive(c, CTL_DEPLOYMENT, d->o->ns, d->o->name);
    rs_read(&d->sets[d->sets_n], o);
    d->fresh = &d->sets[d->sets_n++];
    if (d->fresh->replicas > 0)
        ctl_record(c, d->o, EVENT_NORMAL, "ScalingReplicaSet", DEPLOYMENT_COMPONENT,
                   "Scaled up replica set " STR_FMT " from 0 to %lld", STR_ARG(o->name),
                   (long long)d->fresh->replicas);
    struct str message =
        arena_printf(&c->a, "Created new replica set \"" STR_FMT "\"", STR_ARG(o->name));
    bool noted =
        note_revision(d, d->fresh->revision); /* goes along with the progress, if that is told */
    if (!deployment_progress(d, "True", "NewReplicaSetCreated", message) && !d->lost && noted)
        write_tree(d);
}

/* ---- one sync ---- */

static void mind_pause(struct deployment *d)
{
    struct str reason =
        json_string_at(ctl_condition_find(json_get(d->tree, "status"), "Progressing"), "reason");
    if (!json_path(d->tree, "spec.progressDeadlineSeconds") ||
        str_eq_c(reason, "ProgressDeadlineExceeded"))
        return;
    bool told = str_eq_c(reason, "DeploymentPaused");
    if (d->paused && !told)
        (void)deployment_progress(d, "Unknown", "DeploymentPaused", STR("Deployment is paused"));
    else if (!d->paused && told)
        (void)deployment_progress(d, "Unknown", "DeploymentResumed", STR("Deployment is resumed"));
}

static bool oldsets_have_pods(const struct deployment *d)
{
    for (size_t i = 0; i < d->sets_n; i++) {
        struct ctl_list pods = {0};
        if (&d->sets[i] != d->fresh)
            pods = ctl_owned(d->c, T_PODS, d->sets[i].o);
        for (size_t p = 0; p < pods.n; p++)
            if (!pod_finished(pods.at[p]))
                return true;
    }
    return false;
}

void deployment_recreate(struct deployment *d)
{
    bool shrunk = false;
    for (size_t i = 0; i < d->sets_n && !d->lost; i++)
        if (&d->sets[i] != d->fresh && d->sets[i].replicas > 0)
            shrunk = deployment_resize(d, &d->sets[i], 0) || shrunk;
    if (!shrunk && !d->lost && !oldsets_have_pods(d)) {
        if (!d->fresh)
            make_set(d);
        else
            renew_revision(d);
        if (!d->lost && !d->stopped && d->fresh)
            (void)deployment_resize(d, d->fresh, d->replicas);
    }
}

static void advance(struct deployment *d)
{
    if (d->paused || deployment_is_scaling(d)) {
        if (d->fresh)
            renew_revision(d);
        if (!d->lost)
            deployment_scale(d);
        if (!d->lost && d->paused)
            deployment_trim_history(d);
        return;
    }
    if (!d->rolling) {
        deployment_recreate(d);
    } else {
        if (d->fresh)
            renew_revision(d);
        else
            make_set(d);
        if (!d->lost && !d->stopped)
            deployment_roll(d);
    }
    if (!d->lost && deployment_complete(d))
        deployment_trim_history(d);
}

void sync_deployment(struct ctl *c, struct str ns, struct str name)
{
    struct deployment d = {.c = c, .o = ctl_get(c, T_DEPLOYMENTS, ns, name)};
    if (!d.o || str_eq_c(ctl_annotation(d.o, "paddock.io/controller"), "none"))
        return; /* absent, or whoever made it plays its controller */
    if (ctl_awaited(c, d.o) > 0)
        return; /* its new set */
    d.tree = ctl_tree(c, d.o);
    read_spec(&d);
    read_sets(&d);
    if (!d.o->deleting && !d.paused && deployment_rollback(&d))
        return;
    if (!d.o->deleting) {
        mind_pause(&d);
        bool scaling = !d.lost && !d.paused && deployment_is_scaling(&d);
        if (!d.lost)
            advance(&d);
        if (!d.lost && !d.stopped)
            deployment_write_status(&d, !d.paused && !scaling);
    } else {
        deployment_write_status(&d, false);
    }
    if (d.lost)
        ctl_soon(c, CTL_DEPLOYMENT, ns, name);
}
