/* Goal: sets that keep an order keep it, whatever is asked of them: a StatefulSet starts and stops its pods one after
 * another, a DaemonSet leaves no more than one node without, a ReplicaSet makes no pod that it does not want, Jobs run no
 * more at once than they may and all come to their end; and when all has healed there is what was asked for, and nothing else.
 * Method: from a printed seed, random phases. Quiet ones (new templates, or new sizes) hold the order at every single event
 * of a pod; rough ones delete pods and lose nodes. After each phase the state is compared with what was asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/property/support/seed.h"
#include "tests/unit/support/workload_fixture.h"

#include <string.h>

#ifdef __SANITIZE_ADDRESS__
#define SEEDS 4 /* the debug build tries all */
#else
#define SEEDS 12
#endif
#define PHASES      5
#define NODES       4
#define REPLICAS    7 /* the most of anything */
#define HEAL        (1500 * NS_PER_S)
#define STATEFUL    "/apis/apps/v1/namespaces/default/statefulsets"
#define DAEMONS     "/apis/apps/v1/namespaces/default/daemonsets"
#define JOBS        "/apis/batch/v1/namespaces/default/jobs"
#define PARALLELISM 2
#define COMPLETIONS 5

enum quiet { NOT_QUIET, ROLLING, SCALING };

struct lab {
    struct fixture f;
    struct rng *rng;
    struct store_watch *watch;
    enum quiet quiet;
    int64_t set_size, stateful_size;
    int image, jobs;
};

/* ---- at every event ---- */

static bool is_ready(const struct kube_object *o)
{
    return !o->deleting && str_find(kube_object_raw(o, "status.conditions"),
                                    STR("\"status\":\"True\",\"type\":\"Ready\"")) >= 0;
}

static bool has_ended(const struct kube_object *o)
{
    struct str phase = kube_object_string(o, "status.phase");
    return str_eq_c(phase, "Succeeded") || str_eq_c(phase, "Failed");
}

struct sums {
    int64_t active, ready, ending;
};

static struct sums sum_of(struct lab *l, struct str app)
{
    struct sums n = {0};
    struct store_cursor c =
        store_seek(kubeapi_table(l->f.api, STR("pods")), STR("default"), str_empty);
    for (struct kube_object *o; (o = store_next(&c));) {
        if (!str_eq(kube_object_label(o, STR("app")), app) || has_ended(o))
            continue;
        n.active += !o->deleting;
        n.ready += is_ready(o);
        n.ending += o->deleting;
    }
    return n;
}

static int64_t wanted_by(const struct kube_object *set)
{
    int64_t n = 1;
    (void)str_to_i64(kube_object_raw(set, "spec.replicas"), &n);
    return n;
}

/* A set makes no pod that it does not want, however many others are on their way. */
static void check_new_pod(struct lab *l, const struct kube_object *pod)
{
    const struct kube_owner *by = kube_object_controller(pod);
    const struct kube_object *set =
        by ? kubeapi_get(l->f.api, STR("replicasets.apps"), STR("default"), by->name) : NULL;
    struct store_cursor c =
        store_seek(kubeapi_table(l->f.api, STR("pods")), STR("default"), str_empty);
    int64_t n = 0;
    for (struct kube_object *o; set && (o = store_next(&c));) {
        const struct kube_owner *its = kube_object_controller(o);
        n += its && str_eq(its->uid, set->uid) && !o->deleting && !has_ended(o);
    }
    if (set && n > wanted_by(set))
        fail_msg(STR_FMT " makes its pod %lld, %lld are wanted", STR_ARG(set->name), (long long)n,
                 (long long)wanted_by(set));
}

/* One at a time, each after the one before it. */
static void check_stateful(struct lab *l, const struct store_event *e, const struct sums *n)
{
    int64_t ordinal;
    if (n->ending > 1)
        fail_msg("%lld pods of the stateful set go at once", (long long)n->ending);
    if (e->type != STORE_ADDED)
        return;
    assert_true(str_to_i64(str_sub(e->object->name, 2, e->object->name.n), &ordinal));
    for (int64_t i = 0; i < ordinal; i++) {
        const struct kube_object *before = kubeapi_get(
            l->f.api, STR("pods"), STR("default"), arena_printf(&l->f.a, "s-%lld", (long long)i));
        if (!before || !is_ready(before))
            fail_msg("s-%lld comes before s-%lld is ready", (long long)ordinal, (long long)i);
    }
}

static void on_pod(void *owner, struct store_event *e)
{
    struct lab *l = owner;
    struct str app = kube_object_label(e->object, STR("app"));
    struct sums n = sum_of(l, app);
    bool takes_ready =
        e->before && is_ready(e->before) && (e->type == STORE_DELETED || e->object->deleting);
    if (str_eq_c(app, "j") && n.active > (int64_t)PARALLELISM * l->jobs)
        fail_msg("%lld pods run for %d jobs", (long long)n.active, l->jobs);
    if (e->type == STORE_ADDED)
        check_new_pod(l, e->object);
    if (l->quiet == NOT_QUIET)
        return;
    if (str_eq_c(app, "s"))
        check_stateful(l, e, &n);
    if (str_eq_c(app, "n") && takes_ready && n.ready < NODES - 1)
        fail_msg("%lld daemons are left, %d are needed", (long long)n.ready, NODES - 1);
}

/* ---- what is asked for ---- */

static void write_spec(struct lab *l, const char *collection, const char *name, const char *more)
{
    const char *labels = arena_printf(&l->f.a, "{\"app\":\"%s\"}", name).p;
    make(&l->f, collection,
         arena_printf(
             &l->f.a,
             "{\"metadata\":{\"name\":\"%s\"},\"spec\":{%s\"selector\":{\"matchLabels\":%s},"
             "\"template\":{\"metadata\":{\"labels\":%s},\"spec\":{\"containers\":[{"
             "\"name\":\"c\",\"image\":\"i:0\"}]}}}}",
             name, more, labels, labels)
             .p);
}

static void make_job(struct lab *l)
{
    make(&l->f, JOBS,
         arena_printf(&l->f.a,
                      "{\"metadata\":{\"name\":\"j%d\"},\"spec\":{\"parallelism\":%d,"
                      "\"completions\":%d,\"backoffLimit\":1000,\"template\":{\"metadata\":{"
                      "\"labels\":{\"app\":\"j\"}},\"spec\":{\"restartPolicy\":\"Never\","
                      "\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}}}",
                      l->jobs++, PARALLELISM, COMPLETIONS)
             .p);
}

static void lab_open(struct lab *l, struct rng *r)
{
    *l = (struct lab){.rng = r, .set_size = 3, .stateful_size = 3};
    workload_open(&l->f, NODES, NULL);
    l->watch = store_watch_start(kubeapi_table(l->f.api, STR("pods")), str_empty, on_pod, l);
    write_spec(l, SETS, "r", "\"replicas\":3,");
    write_spec(l, STATEFUL, "s", "\"replicas\":3,\"serviceName\":\"s\",");
    write_spec(l, DAEMONS, "n", "");
}

static void patch(struct lab *l, const char *target, const char *body)
{
    must(&l->f, 200, "PATCH", target, body);
}

static void scale_something(struct lab *l)
{
    int64_t n = (int64_t)draw(l->rng, REPLICAS + 1);
    const char *body = arena_printf(&l->f.a, "{\"spec\":{\"replicas\":%lld}}", (long long)n).p;
    switch (draw(l->rng, 2)) {
    case 0:
        patch(l, SETS "/r", body);
        l->set_size = n;
        break;
    default:
        patch(l, STATEFUL "/s", body);
        l->stateful_size = n;
    }
}

/* Also back to what it was before. */
static void roll_something(struct lab *l)
{
    const char *target = draw(l->rng, 2) ? STATEFUL "/s" : DAEMONS "/n";
    l->image += draw(l->rng, 4) > 0;
    patch(l, target,
          arena_printf(&l->f.a,
                       "{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"c\","
                       "\"image\":\"i:%d\"}]}}}}",
                       l->image)
              .p);
}

/* ---- what happens ---- */

static const char *any_of(struct lab *l, const char *table)
{
    struct store_table *t = kubeapi_table(l->f.api, str_c(table));
    struct store_cursor c = store_seek(t, STR("default"), str_empty);
    size_t n = store_count(t) ? draw(l->rng, store_count(t)) : 0;
    for (struct kube_object *o; (o = store_next(&c));)
        if (n-- == 0)
            return arena_c(&l->f.a, o->name);
    return NULL;
}

static void set_kubelet(struct lab *l, size_t node, bool up)
{
    patch(l, arena_printf(&l->f.a, "/api/v1/nodes/node-%zu", node).p,
          up ? "{\"metadata\":{\"annotations\":{\"paddock.io/kubelet\":\"fake\"}}}"
             : "{\"metadata\":{\"annotations\":{\"paddock.io/kubelet\":\"none\"}}}");
}

static void trouble(struct lab *l)
{
    const char *name = any_of(l, draw(l->rng, 4) ? "pods" : "replicasets.apps");
    switch (draw(l->rng, 5)) {
    case 0:
        set_kubelet(l, draw(l->rng, NODES), draw(l->rng, 3) == 0);
        if (draw(l->rng, 2)) /* it is missed, its pods are not evicted yet */
            pass(&l->f, (world_time)(45 + draw(l->rng, 60)) * NS_PER_S);
        break;
    case 1:
        scale_something(l);
        break;
    case 2:
        roll_something(l);
        break;
    default:
        if (name) /* whichever it is of */
            for (int k = 0; k < 2; k++)
                (void)ask(&l->f, "DELETE", arena_printf(&l->f.a, "%s/%s", k ? SETS : PODS, name).p,
                          draw(l->rng, 2) ? NULL : "{\"gracePeriodSeconds\":0}");
    }
    if (ask(&l->f, "GET", SETS "/r", NULL) == 404) {
        write_spec(l, SETS, "r", "\"replicas\":3,");
        l->set_size = 3;
    }
}

/* ---- at rest ---- */

/* Everything has a living owner and nothing is on its way out. */
static void check_no_orphans(struct lab *l)
{
    static const char *const tables[] = {"pods", "replicasets.apps"};
    for (size_t t = 0; t < ARRAY_LEN(tables); t++) {
        struct store_cursor c =
            store_seek(kubeapi_table(l->f.api, str_c(tables[t])), STR("default"), str_empty);
        for (struct kube_object *o; (o = store_next(&c));) {
            const struct kube_owner *by = kube_object_controller(o);
            bool own = str_eq_c(o->name, "r");
            if (o->deleting ||
                (!own && (!by || !store_by_uid(kubeapi_store(l->f.api), by->uid, NULL))))
                fail_msg("%s " STR_FMT " is left behind%s", tables[t], STR_ARG(o->name),
                         o->deleting ? ", on its way out" : "");
        }
    }
}

static void check_size(struct lab *l, const char *app, int64_t wanted)
{
    struct sums n = sum_of(l, str_c(app));
    if (n.active != wanted || n.ready != wanted || n.ending != 0)
        fail_msg("%s: %lld are wanted, there are %lld, %lld ready, %lld on their way out", app,
                 (long long)wanted, (long long)n.active, (long long)n.ready, (long long)n.ending);
}

static void check_number(struct lab *l, const char *target, const char *path, int64_t wanted)
{
    const char *is = at(&l->f, target, path);
    if (strtoll(is, NULL, 10) != wanted)
        fail_msg("%s %s is \"%s\", not %lld", target, path, is, (long long)wanted);
}

static void check_rest(struct lab *l)
{
    check_no_orphans(l);
    check_size(l, "r", l->set_size);
    check_size(l, "s", l->stateful_size);
    check_number(l, STATEFUL "/s", "status.updatedReplicas", l->stateful_size);
    check_size(l, "n", NODES);
    check_number(l, DAEMONS "/n", "status.updatedNumberScheduled", NODES);
    for (int i = 0; i < l->jobs; i++) {
        const char *target = arena_printf(&l->f.a, JOBS "/j%d", i).p;
        expect(&l->f, target, "/conditions/Complete/status", "True");
        check_number(l, target, "status.succeeded", COMPLETIONS);
    }
}

static void heal(struct lab *l)
{
    for (size_t i = 0; i < NODES; i++)
        set_kubelet(l, i, true);
    pass(&l->f, HEAL);
    check_rest(l);
}

/* ---- the phases ---- */

static void try_seed(struct rng *r)
{
    struct lab l;
    lab_open(&l, r);
    heal(&l);
    for (int phase = 0; phase < PHASES; phase++) {
        l.quiet = (enum quiet)draw(r, 3);
        if (draw(r, 2))
            make_job(&l);
        for (size_t steps = 2 + draw(r, 8); steps > 0; steps--) {
            if (l.quiet == ROLLING)
                roll_something(&l);
            else if (l.quiet == SCALING)
                scale_something(&l);
            else
                trouble(&l);
            bool for_long = l.quiet == NOT_QUIET && draw(r, 4) == 0;
            pass(&l.f, (world_time)draw(r, for_long ? 400000 : 200) * NS_PER_MS);
        }
        heal(&l);
    }
    store_watch_stop(l.watch);
    fixture_close(&l.f);
}

static void all_comes_to_what_is_written(void **state)
{
    each_seed(SEEDS, try_seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_comes_to_what_is_written)};
    return cmocka_run_group_tests_name("workload_sets", tests, NULL, NULL);
}
