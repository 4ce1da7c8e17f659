/* What was seen on the way, written down once. */
#include "engine/api/path.h"

#include "engine/kube/conditions.h"
#include "engine/kube/management.h"
#include "engine/kube/queue.h"

struct seen {
    enum path_trouble trouble;
    int64_t idle_ms;
};

struct paths {
    struct kube_client *client;
    struct kube_informer *clusters;
    struct map seen; /* cluster id → struct seen, still to be written */
    struct kube_queue *queue;
};

/* One reconcile under way. */
struct write {
    struct kube_job *job;
    struct kube_call *call;
};

static const char *const reasons[] = {[PATH_GOOD] = "",
                                      [PATH_BLOCKED] = "WebSocketsBlocked",
                                      [PATH_IDLE_CUT] = "MiddleboxIdleTimeout"};

static void describe(const struct seen *s, struct buf *out)
{
    if (s->trouble == PATH_BLOCKED)
        buf_add_c(out,
                  "requests of the agent arrive without the header Upgrade: let the proxies and "
                  "load balancers between the cluster and the manager pass WebSockets");
    else if (s->trouble == PATH_IDLE_CUT)
        buf_addf(out,
                 "something between the cluster and the manager cuts connections after %lld.%lld s "
                 "without traffic: raise the idle timeout of load balancers and proxies; the agent "
                 "pings more often meanwhile",
                 (long long)(s->idle_ms / 1000), (long long)(s->idle_ms % 1000 / 100));
}

/* A measured time that wavers is no news: the reason is. */
static bool says_so(const struct kube_object *cluster, const struct seen *s)
{
    struct condition c;
    if (!condition_get(cluster, AGENT_CONNECTION, &c))
        return s->trouble == PATH_GOOD;
    return str_eq_c(c.reason, reasons[s->trouble]);
}

static void write_cancelled(void *data)
{
    struct write *write = data;
    kube_call_cancel(write->call);
    mem_free(write);
}

/* What was written comes back as a change, which ends it; a conflict is looked at again. */
static void on_written(void *owner, const struct kube_answer *answer)
{
    struct write *write = owner;
    struct kube_job *job = write->job;
    bool failed = answer->err != NULL;
    mem_free(write);
    kube_job_done(job, failed);
}

static void start(struct paths *p, struct kube_job *job, const struct kube_object *cluster,
                  const struct seen *s)
{
    struct conditions_edit e;
    struct buf text = {0}, body = {0};
    struct write *write = MEM_NEW(struct write);
    write->job = job;
    kube_job_set(job, write, write_cancelled);
    describe(s, &text);
    conditions_begin(&e, cluster, world_wall(kube_client_world(p->client)));
    condition_set(&e, AGENT_CONNECTION, s->trouble == PATH_BLOCKED ? "False" : "True",
                  reasons[s->trouble], arena_str(&e.arena, buf_str(&text)));
    json_write(&body, conditions_patch(&e));
    struct kube_target target = {.gvr = gvr_clusters, .name = cluster->name, .sub = STR("status")};
    write->call =
        kube_call_start(p->client, KUBE_PATCH_MERGE, &target, buf_str(&body), 0, on_written, write);
    conditions_end(&e);
    buf_free(&text);
    buf_free(&body);
}

static void reconcile(void *owner, struct kube_job *job, struct str id)
{
    struct paths *p = owner;
    const struct seen *s = map_get(&p->seen, id);
    const struct kube_object *cluster = kube_informer_get(p->clusters, id);
    if (s && cluster && !cluster->deleting && !says_so(cluster, s)) {
        start(p, job, cluster, s);
        return;
    }
    mem_free(map_remove(&p->seen, id));
    kube_job_done(job, false);
}

static void on_cluster(void *owner, const struct kube_object *before,
                       const struct kube_object *after)
{
    struct paths *p = owner;
    struct str id = kube_changed(before, after)->name;
    if (map_has(&p->seen, id))
        kube_queue_add(p->queue, id);
}

struct paths *paths_new(struct kube_client *c, struct kube_informer *clusters)
{
    struct paths *p = MEM_NEW(struct paths);
    p->client = c;
    p->clusters = clusters;
    p->queue = kube_queue_new(kube_client_world(c), NULL, reconcile, p);
    kube_informer_on_change(clusters, on_cluster, p);
    return p;
}

void paths_free(struct paths *p)
{
    if (!p)
        return;
    kube_informer_off_change(p->clusters, p);
    kube_queue_free(p->queue);
    void *seen;
    for (size_t i = 0; map_next(&p->seen, &i, NULL, &seen);)
        mem_free(seen);
    map_free(&p->seen);
    mem_free(p);
}

void paths_note(struct paths *p, struct str cluster_id, enum path_trouble trouble, int64_t idle_ms)
{
    const struct kube_object *cluster = kube_informer_get(p->clusters, cluster_id);
    struct seen s = {trouble, idle_ms};
    bool waits = map_has(&p->seen, cluster_id);
    if (!cluster || (!waits && says_so(cluster, &s)))
        return;
    struct seen *kept = MEM_NEW(struct seen);
    *kept = s;
    mem_free(map_put(&p->seen, cluster_id, kept));
    kube_queue_add(p->queue, cluster_id);
}
