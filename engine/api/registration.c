/* The agent's word, written down. */
#include "engine/api/registration.h"

#include "engine/base/codec.h"
#include "engine/kube/management.h"
#include "engine/kube/queue.h"

struct said {
    struct str address, token, ca_cert; /* owned */
};

struct registration {
    struct kube_client *client;
    struct kube_informer *clusters, *secrets;
    struct tunnel_router *router; /* NULL: what is lost stays lost */
    struct map said;              /* cluster id → struct said * */
    struct kube_queue *queue;
};

/* One reconcile under way. */
struct write {
    struct kube_job *job;
    struct kube_call *call;
};

static void said_free(struct said *s)
{
    if (!s)
        return;
    str_free(&s->address);
    str_free(&s->token);
    str_free(&s->ca_cert);
    mem_free(s);
}

static void write_cancelled(void *data)
{
    struct write *write = data;
    kube_call_cancel(write->call);
    mem_free(write);
}

static void on_written(void *owner, const struct kube_answer *answer)
{
    struct write *write = owner;
    struct kube_job *job = write->job;
    /* 409: another replica was quicker; the next look finds what it wrote. */
    bool failed = answer->err != NULL;
    mem_free(write);
    kube_job_done(job, failed);
}

static void start(struct registration *r, struct kube_job *job, enum kube_verb verb,
                  const struct kube_target *target, const struct buf *body)
{
    struct write *write = MEM_NEW(struct write);
    write->job = job;
    kube_job_set(job, write, write_cancelled);
    write->call = kube_call_start(r->client, verb, target, buf_str(body), 0, on_written, write);
}

static void secret_name(struct str id, struct buf *out)
{
    buf_addf(out, "cluster-serviceaccounttoken-" STR_FMT, STR_ARG(id));
}

/* True: a write was started. */
static bool secret_ensure(struct registration *r, struct kube_job *job, struct str id,
                          const struct said *said)
{
    struct buf name = {0}, key = {0}, token = {0}, body = {0};
    secret_name(id, &name);
    buf_addf(&key, NAMESPACE_GLOBAL_DATA "/%s", buf_c(&name));
    base64_encode(&token, said->token);
    struct kube_object *secret = kube_informer_get(r->secrets, buf_str(&key));
    bool differs =
        !secret || !str_eq(kube_object_string(secret, "data.credential"), buf_str(&token));
    if (differs) {
        struct kube_target target = {.gvr = gvr_secrets, .ns = STR(NAMESPACE_GLOBAL_DATA)};
        if (secret) {
            target.name = buf_str(&name);
            buf_addf(&body, "{\"data\":{\"credential\":\"%s\"}}", buf_c(&token));
        } else {
            buf_addf(&body,
                     "{\"apiVersion\":\"v1\",\"data\":{\"credential\":\"%s\"},\"kind\":\"Secret\","
                     "\"metadata\":{\"name\":\"%s\"},\"type\":\"Opaque\"}",
                     buf_c(&token), buf_c(&name));
        }
        start(r, job, secret ? KUBE_PATCH_MERGE : KUBE_CREATE, &target, &body);
    }
    buf_free(&name);
    buf_free(&key);
    buf_free(&token);
    buf_free(&body);
    return differs;
}

static bool is_importable(struct str driver)
{
    static const char *const drivers[] = {"", "imported", "k3s", "k3os", "rancherd", "rke2"};
    for (size_t i = 0; i < ARRAY_LEN(drivers); i++)
        if (str_eq_c(driver, drivers[i]))
            return true;
    return false; /* clusters of other drivers have an endpoint of their own */
}

/* True: a write was started. */
static bool status_ensure(struct registration *r, struct kube_job *job, struct str id,
                          const struct kube_object *cluster, const struct said *said)
{
    struct str driver = kube_object_string(cluster, "status.driver");
    struct buf endpoint = {0}, name = {0}, body = {0};
    buf_addf(&endpoint, "https://" STR_FMT, STR_ARG(said->address));
    secret_name(id, &name);
    bool same =
        driver.n && str_eq(kube_object_string(cluster, "status.apiEndpoint"), buf_str(&endpoint)) &&
        str_eq(kube_object_string(cluster, "status.caCert"), said->ca_cert) &&
        str_eq(kube_object_string(cluster, "status.serviceAccountTokenSecret"), buf_str(&name));
    bool differs = is_importable(driver) && !same;
    if (differs) {
        struct arena a = {0};
        cJSON *patch = json_object(&a), *status = json_ensure(&a, patch, "status");
        json_set_str(&a, status, "driver", driver.n ? driver : STR("imported"));
        json_set_str(&a, status, "apiEndpoint", buf_str(&endpoint));
        json_set_str(&a, status, "caCert", said->ca_cert);
        json_set_str(&a, status, "serviceAccountTokenSecret", buf_str(&name));
        json_write(&body, patch);
        struct kube_target target = {.gvr = gvr_clusters, .name = id, .sub = STR("status")};
        start(r, job, KUBE_PATCH_MERGE, &target, &body);
        arena_free(&a);
    }
    buf_free(&endpoint);
    buf_free(&name);
    buf_free(&body);
    return differs;
}

static void reconcile(void *owner, struct kube_job *job, struct str id)
{
    struct registration *r = owner;
    const struct said *said = map_get(&r->said, id);
    const struct kube_object *cluster = kube_informer_get(r->clusters, id);
    if (!said || !cluster || cluster->deleting) {
        kube_job_done(job, false);
        return;
    }
    if (secret_ensure(r, job, id, said) || status_ensure(r, job, id, cluster, said))
        return;
    said_free(map_remove(&r->said, id)); /* written: only what an agent says next matters */
    kube_job_done(job, false);
}

/* What we wrote comes back as a change: the next step, or the end, follows from it. */
static void on_cluster(void *owner, const struct kube_object *before,
                       const struct kube_object *after)
{
    struct registration *r = owner;
    (void)before;
    if (after && map_has(&r->said, after->name))
        kube_queue_add(r->queue, after->name);
    else if (!after)
        said_free(map_remove(&r->said, before->name));
}

static void on_secret(void *owner, const struct kube_object *before,
                      const struct kube_object *after)
{
    static const struct str prefix = STR_INIT("cluster-serviceaccounttoken-");
    struct registration *r = owner;
    struct str name = kube_changed(before, after)->name;
    if (!str_starts(name, prefix))
        return;
    struct str id = str_sub(name, prefix.n, name.n);
    const struct kube_object *cluster = kube_informer_get(r->clusters, id);
    if (map_has(&r->said, id))
        kube_queue_add(r->queue, id);
    else if (r->router && !after && cluster && !cluster->deleting)
        tunnel_router_disconnect(r->router, id); /* nobody here knows the token any more */
}

struct registration *registration_new(struct kube_client *c, struct kube_informer *clusters,
                                      struct kube_informer *secrets, struct tunnel_router *router)
{
    struct registration *r = MEM_NEW(struct registration);
    r->client = c;
    r->clusters = clusters;
    r->secrets = secrets;
    r->router = router;
    r->queue = kube_queue_new(kube_client_world(c), NULL, reconcile, r);
    kube_informer_on_change(clusters, on_cluster, r);
    kube_informer_on_change(secrets, on_secret, r);
    return r;
}

void registration_free(struct registration *r)
{
    if (!r)
        return;
    kube_queue_free(r->queue);
    void *said;
    for (size_t i = 0; map_next(&r->said, &i, NULL, &said);)
        said_free(said);
    map_free(&r->said);
    mem_free(r);
}

void registration_note(struct registration *r, struct str cluster_id, struct str address,
                       struct str token, struct str ca_cert)
{
    struct said *said = MEM_NEW(struct said);
    said->address = str_dup(address);
    said->token = str_dup(token);
    said->ca_cert = str_dup(ca_cert);
    said_free(map_put(&r->said, cluster_id, said));
    kube_queue_add(r->queue, cluster_id);
}
