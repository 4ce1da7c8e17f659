/* Polling. */
#include "sim/real/world/look.h"

#include "engine/base/json.h"
#include "engine/kube/management.h"
#include "sim/real/world/look_caches.h"

#define OBSERVER  "paddock-observer"
#define CLUSTERS  "/apis/" MANAGEMENT_GROUP "/v3/clusters"
#define TOKEN_TRY NS_PER_S

struct eye {
    struct look *look;
    size_t index;
    struct asker_watch watch;
    struct buf last; /* what was answered last */
};

struct look {
    struct rig *rig;
    struct ledger *ledger;
    struct eye *healths;        /* of agents */
    struct eye *metrics;        /* of servers */
    struct eye *states;         /* of servers: /debug/state */
    struct eye *clusters;       /* of sites */
    struct look_caches *caches; /* NULL: nobody asks */
};

/* ---- answers ---- */

static void keep(struct eye *e, struct str body)
{
    buf_clear(&e->last);
    buf_add(&e->last, body);
}

static void on_health(void *owner, int status, struct str body)
{
    struct eye *e = owner;
    struct look *k = e->look;
    if (status == 0 || !process_runs(&k->rig->agents[e->index].process))
        return;
    ledger_at(k->ledger, rig_now(k->rig));
    keep(e, body);
    ledger_take_health(k->ledger, e->index, body);
}

static void on_metrics(void *owner, int status, struct str body)
{
    struct eye *e = owner;
    struct look *k = e->look;
    if (status != 200)
        return;
    ledger_at(k->ledger, rig_now(k->rig));
    ledger_take_metrics(k->ledger, e->index, body);
}

static void on_state(void *owner, int status, struct str body)
{
    struct eye *e = owner;
    struct look *k = e->look;
    if (status != 200)
        return;
    ledger_at(k->ledger, rig_now(k->rig));
    keep(e, body);
    ledger_take_sessions(k->ledger, e->index, body);
    if (k->caches)
        look_caches_state(k->caches, e->index, body);
}

static void on_clusters(void *owner, int status, struct str body)
{
    struct eye *e = owner;
    struct look *k = e->look;
    if (status != 200)
        return;
    ledger_at(k->ledger, rig_now(k->rig));
    if (!str_eq(body, buf_str(&e->last))) /* mostly nothing is new */
        ledger_take_clusters(k->ledger, e->index, body);
    keep(e, body);
}

/* ---- the one who looks on, in each site's API ---- */

static void on_made(void *owner, int status, struct str body)
{
    (void)owner;
    (void)status;
    (void)body;
}

static void on_token(void *owner, int status, struct str body)
{
    struct rig_site *s = owner;
    struct arena a = {0};
    cJSON *answer = NULL;
    s->token_asked = false;
    err_ignore(status == 201 ? json_parse(&a, body, &answer) : NULL);
    struct str token = json_string_at(answer, "status.token");
    if (token.n) {
        str_free(&s->token);
        s->token = str_dup(token);
        for (size_t i = 0; i < s->replicas_n; i++)
            asker_set_token(s->replicas[i].asker, s->token);
    }
    arena_free(&a);
}

static void look_for_token(struct rig_site *s, int64_t now)
{
    if (s->token.n || s->token_asked || !s->api.asker || now < s->token_due)
        return;
    s->token_due = now + TOKEN_TRY;
    s->token_asked = true;
    asker_send(s->api.asker, "POST", STR("/api/v1/namespaces/default/serviceaccounts"),
               "application/json",
               STR("{\"apiVersion\":\"v1\",\"kind\":\"ServiceAccount\",\"metadata\":{\"name\":"
                   "\"" OBSERVER "\"}}"),
               on_made, s);
    asker_send(s->api.asker, "POST", STR("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"),
               "application/json",
               STR("{\"apiVersion\":\"rbac.authorization.k8s.io/v1\",\"kind\":"
                   "\"ClusterRoleBinding\",\"metadata\":{\"name\":\"" OBSERVER
                   "\"},\"roleRef\":{\"apiGroup\":\"rbac.authorization.k8s.io\",\"kind\":"
                   "\"ClusterRole\",\"name\":\"cluster-admin\"},\"subjects\":[{\"kind\":"
                   "\"ServiceAccount\",\"name\":\"" OBSERVER "\",\"namespace\":\"default\"}]}"),
               on_made, s);
    asker_send(s->api.asker, "POST",
               STR("/api/v1/namespaces/default/serviceaccounts/" OBSERVER "/token"),
               "application/json",
               STR("{\"apiVersion\":\"authentication.k8s.io/v1\",\"kind\":\"TokenRequest\","
                   "\"spec\":{\"expirationSeconds\":86400}}"),
               on_token, s);
}

/* ---- rounds ---- */

static void look_site(struct look *k, size_t site, int64_t now)
{
    struct rig_site *s = &k->rig->sites[site];
    struct eye *clusters = &k->clusters[site];
    clusters->watch.asker = s->api.asker;
    if (s->api.asker && s->api.process.ready)
        asker_watch_look(&clusters->watch, now);
    look_for_token(s, now);
    for (size_t i = 0; i < s->replicas_n; i++) {
        size_t server = ledger_server_of(k->ledger, site, i);
        if (!process_runs(&s->replicas[i].process))
            continue;
        asker_watch_look(&k->metrics[server].watch, now);
        if (s->token.n)
            asker_watch_look(&k->states[server].watch, now);
    }
}

void look_round(struct look *k, int64_t now)
{
    for (size_t i = 0; i < k->rig->agents_n; i++)
        if (process_runs(&k->rig->agents[i].process))
            asker_watch_look(&k->healths[i].watch, now);
    for (size_t i = 0; i < k->rig->sites_n; i++)
        look_site(k, i, now);
    if (k->caches)
        look_caches_round(k->caches, now);
}

/* ---- what is kept ---- */

static struct err *keep_one(const char *folder, const struct process *p, const struct eye *e)
{
    struct buf path = {0};
    if (e->last.n == 0)
        return NULL;
    buf_addf(&path, "%s/" STR_FMT ".state.json", folder, STR_ARG(p->file_name));
    struct err *err = rig_write(buf_c(&path), buf_str(&e->last));
    buf_free(&path);
    return err;
}

struct err *look_keep(const struct look *k, const char *folder)
{
    struct err *err = NULL;
    for (size_t i = 0; i < k->rig->agents_n && !err; i++)
        err = keep_one(folder, &k->rig->agents[i].process, &k->healths[i]);
    for (size_t s = 0; s < k->rig->sites_n; s++)
        for (size_t i = 0; i < k->rig->sites[s].replicas_n && !err; i++)
            err = keep_one(folder, &k->rig->sites[s].replicas[i].process,
                           &k->states[ledger_server_of(k->ledger, s, i)]);
    return err;
}

/* ---- life ---- */

static struct eye *new_eyes(struct look *k, size_t n, struct str target, int64_t every,
                            asker_done done)
{
    struct eye *eyes = MEM_NEW_ARRAY(struct eye, n + 1);
    for (size_t i = 0; i < n; i++) {
        eyes[i] = (struct eye){.look = k, .index = i};
        eyes[i].watch = (struct asker_watch){
            .target = target, .every_ns = every, .done = done, .owner = &eyes[i]};
    }
    return eyes;
}

static void free_eyes(struct eye *eyes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_free(&eyes[i].last);
    mem_free(eyes);
}

struct look *look_new(struct rig *rig, struct ledger *l)
{
    struct look *k = MEM_NEW(struct look);
    k->rig = rig;
    k->ledger = l;
    k->healths = new_eyes(k, rig->agents_n, STR("/healthz"), LOOK_EVERY, on_health);
    k->metrics = new_eyes(k, l->servers_n, STR("/metrics"), LOOK_EVERY, on_metrics);
    k->states =
        new_eyes(k, l->servers_n, STR("/debug/state?limit=1000"), LOOK_STATE_EVERY, on_state);
    k->clusters = new_eyes(k, rig->sites_n, STR(CLUSTERS), LOOK_EVERY, on_clusters);
    for (size_t i = 0; i < rig->agents_n; i++)
        k->healths[i].watch.asker = rig->agents[i].health;
    for (size_t s = 0; s < rig->sites_n; s++)
        for (size_t i = 0; i < rig->sites[s].replicas_n; i++) {
            size_t server = ledger_server_of(l, s, i);
            k->metrics[server].watch.asker = rig->sites[s].replicas[i].metrics;
            k->states[server].watch.asker = rig->sites[s].replicas[i].asker;
        }
    if (look_caches_wanted(l->plan))
        k->caches = look_caches_new(rig, l);
    return k;
}

void look_free(struct look *k)
{
    if (!k)
        return;
    look_caches_free(k->caches);
    free_eyes(k->healths, k->rig->agents_n);
    free_eyes(k->metrics, k->ledger->servers_n);
    free_eyes(k->states, k->ledger->servers_n);
    free_eyes(k->clusters, k->rig->sites_n);
    mem_free(k);
}
