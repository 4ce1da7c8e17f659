/* GET /v3/connect[/register]: who is at the door, and then a tunnel session.
 *
 * Peers: X-API-Tunnel-ID and X-API-Tunnel-Token of a replica that we know. Agents: X-API-Tunnel-Token is a registration
 * token, X-API-Tunnel-Params says where their cluster's API is. As the original: no headers at all is 401, everything
 * else that does not fit is 400 with the reason; an unknown token reads "cluster not found". The token of a cluster that
 * was removed while it was away is 410: its agent cleans up (fixtures/incidents.yaml#K42). With header X-Tunnel-Probe a
 * good token gets a session that echoes and is nobody's agent (engine/tunnel/probe.h). */
#include "engine/api/api_internal.h"
#include "engine/base/codec.h"
#include "engine/kube/management.h"
#include "engine/manifests/agent_manifest.h"
#include "engine/pki/pki.h"

struct caller {
    struct str cluster_id, address, token, ca_cert, instance;
    int64_t idle_cut_ms; /* at which something on the way cuts its tunnels; 0: nothing does */
    bool leaves;
};

static void caller_free(void *data)
{
    struct caller *c = data;
    str_free(&c->cluster_id);
    str_free(&c->address);
    str_free(&c->token);
    str_free(&c->ca_cert);
    str_free(&c->instance);
    mem_free(c);
}

/* ---- agents ---- */

static struct err *params_tree(struct arena *arena, struct str header, cJSON **out)
{
    struct buf text = {.max = API_PARAMS_BYTES_MAX};
    if (header.n > API_PARAMS_BYTES_MAX)
        return err_new(ERR_INVALID, "X-API-Tunnel-Params is longer than %zu bytes",
                       API_PARAMS_BYTES_MAX);
    struct err *err = NULL;
    if (!base64_decode(&text, header))
        err = err_new(ERR_INVALID, "X-API-Tunnel-Params is not base64");
    else
        err = json_parse(arena, arena_str(arena, buf_str(&text)), out);
    buf_free(&text);
    return err;
}

static struct err *read_params(struct arena *arena, struct str header, struct caller *c)
{
    cJSON *tree = NULL;
    struct err *err = params_tree(arena, header, &tree);
    if (err)
        return err;
    const cJSON *cluster = json_get(tree, "cluster");
    if (!cluster)
        return err_new(ERR_INVALID, json_get(tree, "node")
                                        ? "node agents belong to clusters that this manager built"
                                        : "neither node nor cluster is given in the parameters");
    struct str address = json_string_at(cluster, "address");
    struct str token = json_string_at(cluster, "token");
    struct str ca_cert = json_string_at(cluster, "caCert");
    if (!address.n || !token.n || !ca_cert.n)
        return err_new(ERR_INVALID, "the parameters need address, token and caCert of the cluster");
    c->address = str_dup(address);
    c->token = str_dup(token);
    c->ca_cert = str_dup(ca_cert);
    return NULL;
}

/* Which cluster the token registers; the Cluster must be there and stay. */
static struct err *find_cluster(const struct api *a, struct str token, struct caller *c)
{
    const struct map *members = kube_informer_by(a->tokens, a->tokens_by_token, token);
    void *value = NULL;
    for (size_t i = 0; members && map_next(members, &i, NULL, &value);) {
        const struct kube_object *registration = value;
        const struct kube_object *cluster = kube_informer_get(a->clusters, registration->ns);
        if (!cluster)
            continue;
        c->cluster_id = str_dup(cluster->name);
        return NULL;
    }
    return err_new(ERR_INVALID, "cluster not found");
}

static struct err *read_caller(const struct api *a, struct http_exchange *x, struct caller *c)
{
    const struct http_headers *h = http_request_headers(x);
    struct arena arena = {0};
    struct err *err = find_cluster(a, http_headers_get(h, "X-API-Tunnel-Token"), c);
    if (!err)
        err = read_params(&arena, http_headers_get(h, "X-API-Tunnel-Params"), c);
    if (!err)
        c->instance = str_dup(http_headers_get(h, "X-Agent-Instance"));
    if (!str_to_i64(http_headers_get(h, AGENT_IDLE_CUT_HEADER), &c->idle_cut_ms) ||
        c->idle_cut_ms < 0)
        c->idle_cut_ms = 0;
    c->leaves = http_headers_get(h, TUNNEL_LEAVES_HEADER).n > 0;
    arena_free(&arena);
    return err;
}

static void admit_agent(struct api *a, struct http_exchange *x, void *data)
{
    struct caller *c = data;
    struct tunnel_identity who = {
        .key = c->cluster_id, .instance = c->instance, .leaves = c->leaves};
    if (tunnel_router_accept(a->router, x, &who)) {
        registration_note(a->registration, c->cluster_id, c->address, c->token, c->ca_cert);
        paths_note(a->paths, c->cluster_id, c->idle_cut_ms ? PATH_IDLE_CUT : PATH_GOOD,
                   c->idle_cut_ms);
    }
    caller_free(c);
}

/* Its cluster was removed while it was away. */
static bool is_removed(const struct api *a, struct http_exchange *x)
{
    struct buf name = {0}, key = {0};
    agent_tombstone_name(http_headers_get(http_request_headers(x), "X-API-Tunnel-Token"), &name);
    buf_addf(&key, NAMESPACE_GLOBAL_DATA "/%s", buf_c(&name));
    const struct kube_object *o = kube_informer_get(a->secrets, buf_str(&key));
    struct str notes = o ? kube_object_raw(o, "metadata.labels") : str_empty;
    bool removed = o && str_find(notes, STR(AGENT_TOMBSTONE_CLEANS)) < 0;
    buf_free(&name);
    buf_free(&key);
    return removed;
}

/* No tunnel, and no time at which to ask again. */
static void refuse(struct api *a, struct http_exchange *x, int status, struct str why)
{
    world_note(a->world, "tunnel.refused", str_empty, why);
    api_text(x, status, why);
}

static void tell_removed(struct api *a, struct http_exchange *x)
{
    struct buf text = {0};
    buf_addf(&text, AGENT_REMOVED_TEXT STR_FMT, STR_ARG(a->agent_image));
    refuse(a, x, 410, buf_str(&text));
    buf_free(&text);
}

/* We know nothing of its cluster, but it was ours: "ID.MAC". True: it is being adopted. */
static bool proves_membership(struct api *a, struct http_exchange *x)
{
    const struct http_headers *h = http_request_headers(x);
    struct str proof = http_headers_get(h, AGENT_MEMBERSHIP_HEADER), id, mac;
    struct str token = http_headers_get(h, "X-API-Tunnel-Token");
    struct buf good = {0};
    if (!a->membership_key.n || !str_cut(proof, '.', &id, &mac) || !id.n ||
        kube_informer_get(a->clusters, id))
        return false;
    agent_membership_write(a->membership_key, id, token, &good);
    bool proved = pki_equal(buf_str(&good), proof);
    buf_free(&good);
    if (proved)
        adoption_note(a->adoption, id, token);
    return proved;
}

/* It asks for a tunnel and cannot have one; if the cluster has another, its way is not to blame. */
static void note_blocked(struct api *a, struct http_exchange *x, const struct caller *c)
{
    bool tells = policy_get(&a->policies, POLICY_FAILURE_REASON) == POLICY_REASON_CAUSE;
    bool asks = http_headers_has_token(http_request_headers(x), "Upgrade", "websocket");
    if (tells && !asks && !tunnel_router_has(a->router, c->cluster_id))
        paths_note(a->paths, c->cluster_id, PATH_BLOCKED, 0);
}

static void connect_agent(struct api *a, struct http_exchange *x)
{
    struct caller *c = MEM_NEW(struct caller);
    struct err *err = read_caller(a, x, c);
    if (err && is_removed(a, x)) {
        tell_removed(a, x);
        err_free(err);
        caller_free(c);
        return;
    }
    if (err && proves_membership(a, x)) {
        api_text(x, 503, STR("adopting: the cluster is taken in again"));
        err_free(err);
        caller_free(c);
        return;
    }
    if (err) {
        log_info(&a->log, "an agent was refused: %s", err->message);
        refuse(a, x, 400, str_c(err->message));
        err_free(err);
        caller_free(c);
        return;
    }
    note_blocked(a, x, c);
    admission_ask(a->admission, x, c, admit_agent, caller_free);
}

/* A doctor: who holds a good token may see that the tunnel works, and leaves no trace. */
static void connect_probe(struct api *a, struct http_exchange *x)
{
    struct caller *c = MEM_NEW(struct caller);
    struct str token = http_headers_get(http_request_headers(x), "X-API-Tunnel-Token");
    struct err *err = find_cluster(a, token, c);
    if (!err)
        tunnel_probes_accept(a->probes, x);
    else if (is_removed(a, x))
        tell_removed(a, x);
    else
        refuse(a, x, 400, str_c(err->message));
    err_free(err);
    caller_free(c);
}

static void connect_peer(struct api *a, struct http_exchange *x, struct str id)
{
    struct tunnel_identity who = {.key = str_dup(id), .peer = true}; /* the exchange ends */
    if (tunnel_router_accept(a->router, x, &who))                    /* answered either way */
        tunnel_peers_came(a->peers, who.key);
    str_free(&who.key);
}

/* ---- the door: /register makes a difference to node agents only ---- */

void api_connect_handle(struct api *a, struct http_exchange *x)
{
    const struct http_headers *h = http_request_headers(x);
    struct str id = http_headers_get(h, "X-API-Tunnel-ID");
    struct str token = http_headers_get(h, "X-API-Tunnel-Token");
    if (id.n && token.n && tunnel_peers_check(a->peers, id, token)) {
        connect_peer(a, x, id);
    } else if (!token.n) {
        api_text(x, 401, STR("failed authentication"));
    } else if (a->draining) {
        admission_turn_away(x, 0);
    } else if (!kube_informer_synced(a->tokens) || !kube_informer_synced(a->clusters)) {
        api_text(x, 503, STR("starting: the caches are not filled yet"));
    } else if (http_headers_get(h, TUNNEL_PROBE_HEADER).n) {
        connect_probe(a, x);
    } else {
        connect_agent(a, x);
    }
}
