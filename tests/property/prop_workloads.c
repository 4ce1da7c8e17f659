/* Goal: whatever is asked of Deployments, and whatever becomes of their pods and nodes meanwhile, a rollout never has more
 * replicas than maxSurge allows, nor fewer available pods than maxUnavailable allows beyond those that somebody took away;
 * every pod has an owner; and in the end everything is as it was asked for.
 * Method: random creations, scalings, templates (some of which never start), deletions of pods and losses of nodes from a
 * printed seed. At every event of pods and ReplicaSets the bounds are compared with the store; then nodes come back and
 * templates are mended, and a bounded time is left for everything to settle. */
#include "tests/property/support/seed.h"
#include "tests/unit/support/workload_fixture.h"

#include "engine/kube/scan.h"

#define DEPLOYMENTS_N 3
#define NODES_N       3
#define ACTIONS       40
#define HEAL_LIMIT    (1200 * NS_PER_S)
#define NODES         "/api/v1/nodes"
#define STATEFULSETS  "/apis/apps/v1/namespaces/default/statefulsets"
#define DAEMONSETS    "/apis/apps/v1/namespaces/default/daemonsets"

/* Pods take their time, so that what happens falls into the midst of it; "bad" ones never start. */
static const char stages[] = "stage start\n"
                             "  when  deleting=no state=none label:bad=-\n"
                             "  delay 50ms jitter 3s\n"
                             "  do    run\n"
                             "stage stop\n"
                             "  when  deleting=yes\n"
                             "  delay 20ms jitter 1s\n"
                             "  do    delete\n";

struct wanted { /* what was asked of a Deployment */
    bool exists, bad;
    int64_t replicas, image;
    bool percent;
    int64_t surge, unavailable; /* numbers or percentages */
    int64_t most, least;        /* what the bounds are since it was settled last */
};

struct scene {
    struct fixture f;
    struct rng *r;
    struct wanted deployments[DEPLOYMENTS_N];
    int64_t stateful; /* replicas */
    bool lost[NODES_N];
    struct store_watch *watches[2];
};

/* ---- what is there ---- */

static struct store_table *table(const struct scene *s, const char *name)
{
    return kubeapi_table(s->f.api, str_c(name));
}

static bool is_ready(const struct kube_object *pod)
{
    return str_find(kube_object_raw(pod, "status.conditions"),
                    STR("\"status\":\"True\",\"type\":\"Ready\"")) >= 0;
}

static int64_t number(const struct kube_object *o, const char *dotted)
{
    int64_t n = 0;
    (void)str_to_i64(kube_object_raw(o, dotted), &n);
    return n;
}

static bool controlled_by(const struct kube_object *o, const struct kube_object *owner)
{
    const struct kube_owner *by = kube_object_controller(o);
    return by && str_eq(by->uid, owner->uid);
}

static const char *name_of(char *text, const char *prefix, size_t i)
{
    (void)snprintf(text, 32, "%s%zu", prefix, i);
    return text;
}

static struct kube_object *deployment(const struct scene *s, size_t i)
{
    char name[32];
    return store_get(table(s, "deployments.apps"), STR("default"), str_c(name_of(name, "d-", i)));
}

struct census {
    int64_t wanted; /* by the sets' specs */
    int64_t sets;
    int64_t pods, ready, ending; /* pods: not on their way out */
    int64_t current;             /* pods of the present template */
};

static void count_pods(const struct scene *s, const struct kube_object *set, struct str image,
                       struct census *n)
{
    struct store_cursor c = store_seek(table(s, "pods"), STR("default"), str_empty);
    for (struct kube_object *o; (o = store_next(&c)) && str_eq_c(o->ns, "default");) {
        if (!controlled_by(o, set))
            continue;
        n->ending += o->deleting;
        n->pods += !o->deleting;
        n->ready += !o->deleting && is_ready(o);
        n->current +=
            !o->deleting && str_eq(kube_object_string(o, "spec.containers.0.image"), image);
    }
}

static struct census census_of(const struct scene *s, const struct kube_object *d)
{
    struct census n = {0};
    struct str image = kube_object_string(d, "spec.template.spec.containers.0.image");
    struct store_cursor c = store_seek(table(s, "replicasets.apps"), STR("default"), str_empty);
    for (struct kube_object *o; (o = store_next(&c)) && str_eq_c(o->ns, "default");) {
        if (!controlled_by(o, d))
            continue;
        n.sets++;
        n.wanted += number(o, "spec.replicas");
        count_pods(s, o, image, &n);
    }
    return n;
}

/* ---- the bounds ---- */

static int64_t room_above(const struct wanted *w)
{
    return w->percent ? (w->replicas * w->surge + 99) / 100 : w->surge;
}

static int64_t room_below(const struct wanted *w)
{
    int64_t n = w->percent ? w->replicas * w->unavailable / 100 : w->unavailable;
    if (n == 0 && room_above(w) == 0)
        n = 1; /* else nothing could ever move */
    return n < w->replicas ? n : w->replicas;
}

static bool is_settled(const struct scene *s, size_t i)
{
    const struct wanted *w = &s->deployments[i];
    const struct kube_object *d = deployment(s, i);
    if (!w->exists || !d)
        return w->exists == (d != NULL);
    struct census n = census_of(s, d);
    return n.wanted == w->replicas && n.pods == w->replicas && n.ready == w->replicas &&
           n.current == w->replicas && n.ending == 0 &&
           number(d, "status.observedGeneration") == d->generation &&
           number(d, "status.replicas") == w->replicas &&
           number(d, "status.updatedReplicas") == w->replicas &&
           number(d, "status.availableReplicas") == w->replicas;
}

/* Nothing is under way that the bounds allow for: they are those of what is asked for alone. */
static bool is_at_rest(const struct scene *s, size_t i)
{
    for (size_t n = 0; n < NODES_N; n++)
        if (s->lost[n])
            return false; /* its pods pass for ready for a while */
    return is_settled(s, i);
}

static int64_t lesser(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The bounds that hold from now on: of what was asked before as well until that is done. */
static void bound(struct scene *s, size_t i, bool settled)
{
    struct wanted *w = &s->deployments[i];
    int64_t most = w->replicas + room_above(w), least = w->replicas - room_below(w);
    w->most = settled || most > w->most ? most : w->most;
    w->least = settled ? least : lesser(w->least, least);
}

static void check_deployment(const struct scene *s, size_t i)
{
    const struct wanted *w = &s->deployments[i];
    const struct kube_object *d = deployment(s, i);
    if (!w->exists || !d)
        return;
    struct census n = census_of(s, d);
    if (n.wanted > w->most)
        fail_msg("d-%zu: its sets want %lld pods of at most %lld", i, (long long)n.wanted,
                 (long long)w->most);
    if (n.ready < w->least)
        fail_msg("d-%zu: %lld pods are ready of at least %lld", i, (long long)n.ready,
                 (long long)w->least);
}

static int64_t live_pods_of(const struct scene *s, const struct kube_object *set)
{
    struct census n = {0};
    count_pods(s, set, str_empty, &n);
    return n.pods;
}

/* A pod that has just been made: by somebody who is there and needs it. */
static void check_made(const struct scene *s, const struct kube_object *pod)
{
    static const char *const tables[][2] = {{"ReplicaSet", "replicasets.apps"},
                                            {"StatefulSet", "statefulsets.apps"},
                                            {"DaemonSet", "daemonsets.apps"}};
    const struct kube_owner *by = kube_object_controller(pod);
    const struct kube_object *owner = NULL;
    assert_non_null(by);
    for (size_t i = 0; i < ARRAY_LEN(tables); i++)
        if (str_eq_c(by->kind, tables[i][0]))
            owner = store_get(table(s, tables[i][1]), pod->ns, by->name);
    if (!owner || !str_eq(owner->uid, by->uid))
        fail_msg("an orphan: " STR_FMT, STR_ARG(pod->name));
    if (str_eq_c(by->kind, "ReplicaSet") && live_pods_of(s, owner) > number(owner, "spec.replicas"))
        fail_msg("one too many: " STR_FMT, STR_ARG(pod->name));
}

/* Members of a stateful set come one after the other. */
static void check_order(const struct scene *s, const struct kube_object *pod)
{
    char name[32];
    uint64_t n = 0;
    if (!str_starts(pod->name, STR("s-")) || !str_to_u64(str_sub(pod->name, 2, pod->name.n), &n))
        return;
    if ((int64_t)n >= s->stateful)
        fail_msg("one too many: " STR_FMT, STR_ARG(pod->name));
    for (size_t i = 0; i < n; i++) {
        const struct kube_object *o =
            store_get(table(s, "pods"), STR("default"), str_c(name_of(name, "s-", i)));
        if (!o || o->deleting || !is_ready(o))
            fail_msg(STR_FMT " is made before %s is ready", STR_ARG(pod->name), name);
    }
}

static void on_pod(void *owner, struct store_event *e)
{
    struct scene *s = owner;
    if (e->type == STORE_ADDED) {
        check_made(s, e->object);
        check_order(s, e->object);
    }
    for (size_t i = 0; i < DEPLOYMENTS_N; i++)
        check_deployment(s, i);
}

static void on_set(void *owner, struct store_event *e)
{
    (void)e;
    for (size_t i = 0; i < DEPLOYMENTS_N; i++)
        check_deployment(owner, i);
}

/* ---- what happens ---- */

static const char *template_of(struct scene *s, const char *app, int64_t image, bool bad)
{
    return arena_printf(&s->f.a,
                        "{\"metadata\":{\"labels\":{\"app\":\"%s\",\"bad\":%s}},\"spec\":{"
                        "\"containers\":[{\"name\":\"c\",\"image\":\"i:%lld\"}]}}",
                        app, bad ? "\"yes\"" : "null", (long long)image)
        .p;
}

static void create_deployment(struct scene *s, size_t i)
{
    struct wanted *w = &s->deployments[i];
    char app[32];
    const char *unit;
    *w = (struct wanted){.exists = true, .replicas = (int64_t)draw(s->r, 7), .image = 1};
    w->percent = draw(s->r, 2) != 0;
    w->surge = (int64_t)draw(s->r, 3) * (w->percent ? 25 : 1);
    w->unavailable = (int64_t)draw(s->r, 3) * (w->percent ? 25 : 1);
    if (w->surge == 0 && w->unavailable == 0) /* which validation refuses */
        w->surge = 1;
    unit = w->percent ? "%" : "";
    const char *quote = w->percent ? "\"" : "";
    bound(s, i, true);
    w->least = 0;
    make(&s->f, DEPLOYMENTS,
         arena_printf(&s->f.a,
                      "{\"metadata\":{\"name\":\"%s\"},\"spec\":{\"replicas\":%lld,"
                      "\"minReadySeconds\":%zu,\"revisionHistoryLimit\":2,\"selector\":{"
                      "\"matchLabels\":{\"app\":\"%s\"}},\"strategy\":{\"rollingUpdate\":{"
                      "\"maxSurge\":%s%lld%s%s,\"maxUnavailable\":%s%lld%s%s}},\"template\":{"
                      "\"metadata\":{\"labels\":{\"app\":\"%s\"}},\"spec\":{\"containers\":[{"
                      "\"name\":\"c\",\"image\":\"i:1\"}]}}}}",
                      name_of(app, "d-", i), (long long)w->replicas, draw(s->r, 3), app, quote,
                      (long long)w->surge, unit, quote, quote, (long long)w->unavailable, unit,
                      quote, app)
             .p);
}

static void patch(struct scene *s, size_t i, const char *json)
{
    char name[32], target[128];
    (void)snprintf(target, sizeof(target), DEPLOYMENTS "/%s", name_of(name, "d-", i));
    must(&s->f, 200, "PATCH", target, json);
}

/* In the midst of a rollout a new size is shared out in proportion, whatever is available. */
static void scale(struct scene *s, size_t i)
{
    struct wanted *w = &s->deployments[i];
    bool settled = is_at_rest(s, i);
    w->replicas = (int64_t)draw(s->r, 8);
    bound(s, i, false);
    if (!settled)
        w->least = 0;
    patch(s, i, arena_printf(&s->f.a, "{\"spec\":{\"replicas\":%lld}}", (long long)w->replicas).p);
}

static void roll(struct scene *s, size_t i, bool bad)
{
    struct wanted *w = &s->deployments[i];
    char app[32];
    w->bad = bad;
    w->image = bad ? 100 + (int64_t)draw(s->r, 3) : 1 + (int64_t)draw(s->r, 4);
    bound(s, i, false);
    const char *template = template_of(s, name_of(app, "d-", i), w->image, bad);
    patch(s, i, arena_printf(&s->f.a, "{\"spec\":{\"template\":%s}}", template).p);
}

/* Somebody takes a pod away: one fewer is available, through no fault of the rollout. */
static void excuse(struct scene *s, const struct kube_object *pod)
{
    for (size_t i = 0; i < DEPLOYMENTS_N; i++) {
        char prefix[34];
        (void)snprintf(prefix, sizeof(prefix), "d-%zu-", i);
        if (str_starts(pod->name, str_c(prefix)) && is_ready(pod) && !pod->deleting)
            s->deployments[i].least--;
    }
}

static void delete_pod(struct scene *s)
{
    struct store_table *pods = table(s, "pods");
    size_t n = store_count(pods), at = n ? draw(s->r, n) : 0;
    struct store_cursor c = store_seek(pods, str_empty, str_empty);
    struct kube_object *o = store_next(&c);
    for (size_t i = 0; o && i < at; i++)
        o = store_next(&c);
    if (!o)
        return;
    excuse(s, o);
    struct str ns = arena_str(&s->f.a, o->ns), name = arena_str(&s->f.a, o->name);
    check_ok(draw(s->r, 3) ? kubeapi_delete(s->f.api, STR("pods"), ns, name)
                           : kubeapi_delete_now(s->f.api, STR("pods"), ns, name));
}

static void keep_node(struct scene *s, size_t i, bool kept)
{
    char name[32], target[64];
    (void)snprintf(target, sizeof(target), NODES "/%s", name_of(name, "node-", i));
    must(&s->f, 200, "PATCH", target,
         kept ? "{\"metadata\":{\"annotations\":{\"paddock.io/kubelet\":\"fake\"}}}"
              : "{\"metadata\":{\"annotations\":{\"paddock.io/kubelet\":\"none\"}}}");
    s->lost[i] = !kept;
}

static void lose_node(struct scene *s, size_t i)
{
    char name[32];
    struct store_cursor c = store_seek(table(s, "pods"), str_empty, str_empty);
    (void)name_of(name, "node-", i);
    for (struct kube_object *o; (o = store_next(&c));)
        if (str_eq_c(kube_object_string(o, "spec.nodeName"), name))
            excuse(s, o);
    keep_node(s, i, false);
}

/* A node that goes takes its pods with it; another one comes in its place. */
static void replace_node(struct scene *s, size_t i)
{
    char name[32], target[64];
    lose_node(s, i);
    (void)snprintf(target, sizeof(target), NODES "/%s", name_of(name, "node-", i));
    must(&s->f, 200, "DELETE", target, NULL);
    pass(&s->f, (world_time)draw(s->r, 5) * NS_PER_S);
    make(&s->f, NODES,
         arena_printf(&s->f.a,
                      "{\"metadata\":{\"name\":\"%s\",\"annotations\":{\"paddock.io/kubelet\":"
                      "\"fake\"}}}",
                      name)
             .p);
    s->lost[i] = false;
}

static void change_node(struct scene *s)
{
    size_t i = draw(s->r, NODES_N);
    if (s->lost[i])
        keep_node(s, i, true);
    else if (draw(s->r, 3) == 0)
        replace_node(s, i);
    else
        lose_node(s, i);
}

static void change_deployment(struct scene *s)
{
    size_t i = draw(s->r, DEPLOYMENTS_N);
    char name[32];
    if (!s->deployments[i].exists && !deployment(s, i))
        create_deployment(s, i);
    else if (!s->deployments[i].exists)
        return; /* it is on its way out */
    else if (draw(s->r, 3) == 0)
        scale(s, i);
    else if (draw(s->r, 8) != 0)
        roll(s, i, draw(s->r, 3) == 0);
    else {
        s->deployments[i].exists = false;
        check_ok(kubeapi_delete(s->f.api, STR("deployments.apps"), STR("default"),
                                str_c(name_of(name, "d-", i))));
    }
}

static void scale_stateful(struct scene *s)
{
    s->stateful = (int64_t)draw(s->r, 5);
    must(&s->f, 200, "PATCH", STATEFULSETS "/s",
         arena_printf(&s->f.a, "{\"spec\":{\"replicas\":%lld}}", (long long)s->stateful).p);
}

static void act(struct scene *s)
{
    switch (draw(s->r, 8)) {
    case 0:
        change_node(s);
        break;
    case 1:
        delete_pod(s);
        break;
    case 2:
        scale_stateful(s);
        break;
    default:
        change_deployment(s);
        break;
    }
    pass(&s->f, (world_time)draw(s->r, draw(s->r, 4) ? 4000 : 60000) * NS_PER_MS);
    for (size_t i = 0; i < DEPLOYMENTS_N; i++)
        if (s->deployments[i].exists && is_at_rest(s, i))
            bound(s, i, true);
    arena_reset(&s->f.a);
}

/* ---- the end ---- */

static bool all_settled(const struct scene *s)
{
    size_t pods = (size_t)s->stateful + NODES_N;
    for (size_t i = 0; i < DEPLOYMENTS_N; i++) {
        if (!is_settled(s, i))
            return false;
        pods += s->deployments[i].exists ? (size_t)s->deployments[i].replicas : 0;
    }
    const struct kube_object *stateful =
        store_get(table(s, "statefulsets.apps"), STR("default"), STR("s"));
    const struct kube_object *daemons =
        store_get(table(s, "daemonsets.apps"), STR("default"), STR("n"));
    return number(stateful, "status.readyReplicas") == s->stateful &&
           number(stateful, "status.replicas") == s->stateful &&
           number(daemons, "status.numberReady") == NODES_N &&
           store_count(table(s, "pods")) == pods; /* nobody else's, none on its way out */
}

static void check_owners(const struct scene *s, const char *of, const char *owners)
{
    struct store_cursor c = store_seek(table(s, of), STR("default"), str_empty);
    for (struct kube_object *o; (o = store_next(&c));) {
        const struct kube_owner *by = kube_object_controller(o);
        const struct kube_object *owner = by ? store_get(table(s, owners), o->ns, by->name) : NULL;
        if (!owner || !str_eq(owner->uid, by->uid))
            fail_msg("an orphan is left: " STR_FMT, STR_ARG(o->name));
    }
}

static struct str pods_left(struct scene *s)
{
    struct buf b = {0};
    struct store_cursor c = store_seek(table(s, "pods"), str_empty, str_empty);
    for (struct kube_object *o; (o = store_next(&c));)
        buf_addf(&b, STR_FMT "%s%s on " STR_FMT ", ", STR_ARG(o->name),
                 is_ready(o) ? "" : " not ready", o->deleting ? " ending" : "",
                 STR_ARG(kube_object_string(o, "spec.nodeName")));
    struct str text = arena_str(&s->f.a, buf_str(&b));
    buf_free(&b);
    return text;
}

static void heal(struct scene *s)
{
    for (size_t i = 0; i < NODES_N; i++)
        if (s->lost[i])
            keep_node(s, i, true);
    for (size_t i = 0; i < DEPLOYMENTS_N; i++)
        if (s->deployments[i].exists)
            roll(s, i, false);
    for (world_time t = 0; t < HEAL_LIMIT && !all_settled(s); t += 10 * NS_PER_S)
        pass(&s->f, 10 * NS_PER_S);
    for (size_t i = 0; i < DEPLOYMENTS_N; i++) {
        if (is_settled(s, i))
            continue;
        const struct kube_object *d = deployment(s, i);
        fail_msg("d-%zu has not settled: " STR_FMT, i, STR_ARG(d ? d->json : str_empty));
    }
    if (!all_settled(s))
        fail_msg("s or n has not settled, or there is a pod too many: " STR_FMT,
                 STR_ARG(pods_left(s)));
    check_owners(s, "replicasets.apps", "deployments.apps");
    for (size_t i = 0; i < DEPLOYMENTS_N; i++)
        if (s->deployments[i].exists)
            assert_in_range(census_of(s, deployment(s, i)).sets, 1, 3); /* two of the past */
}

static void try_seed(struct rng *r)
{
    struct scene s = {.r = r};
    workload_open(&s.f, NODES_N, stages);
    s.watches[0] = store_watch_start(table(&s, "pods"), str_empty, on_pod, &s);
    s.watches[1] = store_watch_start(table(&s, "replicasets.apps"), str_empty, on_set, &s);
    make(&s.f, STATEFULSETS,
         "{\"metadata\":{\"name\":\"s\"},\"spec\":{\"replicas\":0,\"serviceName\":\"s\","
         "\"selector\":{\"matchLabels\":{\"app\":\"s\"}},\"template\":{\"metadata\":{\"labels\":{"
         "\"app\":\"s\"}},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i:1\"}]}}}}");
    make(&s.f, DAEMONSETS,
         "{\"metadata\":{\"name\":\"n\"},\"spec\":{\"selector\":{\"matchLabels\":{\"app\":\"n\"}},"
         "\"template\":{\"metadata\":{\"labels\":{\"app\":\"n\"}},\"spec\":{\"containers\":[{"
         "\"name\":\"c\",\"image\":\"i:1\"}]}}}}");
    for (int i = 0; i < ACTIONS; i++)
        act(&s);
    heal(&s);
    for (size_t i = 0; i < ARRAY_LEN(s.watches); i++)
        store_watch_stop(s.watches[i]);
    fixture_close(&s.f);
}

static void test_bounds(void **state)
{
    (void)state;
    each_seed(15, try_seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_bounds)};
    return cmocka_run_group_tests_name("workloads", tests, NULL, NULL);
}
