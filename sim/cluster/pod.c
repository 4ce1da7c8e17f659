/* A pod slot: the Pod object, and the process that its container is.
 *
 *   free ─► starting (scheduled; waits for node, CNI, image) ─► running ── container exits ──► back-off (10 s, doubling,
 *     ▲         ▲                                                  │                            at most 5 min) ─┐
 *     │         └──────────────────────────────────────────────────┼────────────────────────────────────────────┘
 *     └───────────────── ending ◄────────── pod deleted ───────────┘
 *
 * The back-off starts anew after ten minutes without an exit, as the kubelet's does. */
#include "sim/cluster/cluster_internal.h"

#include "engine/base/codec.h"
#include "engine/kube/management.h"

#define START_MIN     NS_PER_S /* image, volumes, network of the pod */
#define START_MAX     (3 * NS_PER_S)
#define CNI_RETRY     (2 * NS_PER_S)
#define BACKOFF_FIRST (10 * NS_PER_S)
#define BACKOFF_MAX   (300 * NS_PER_S)
#define BACKOFF_RESET (600 * NS_PER_S)
#define EVICT_AFTER   (300 * NS_PER_S) /* the default toleration of a node that is not ready */
#define FIRST_POD_IP  10u
#define SA_SECRET     "cattle-token-mount"

static void on_start(void *owner);

/* ---- the process ---- */

struct instance {
    struct cluster_agent *agent;
};

static struct err *agent_start(struct world *w, const void *config, void **out)
{
    const struct pod *p = *(const struct pod *const *)config;
    struct instance *in = MEM_NEW(struct instance);
    in->agent = cluster_agent_new(w, &p->cluster->policies);
    *out = in;
    return NULL;
}

static void agent_destroy(void *instance)
{
    struct instance *in = instance;
    cluster_agent_free(in->agent);
    mem_free(in);
}

static const struct sim_program agent_program = {.start = agent_start, .destroy = agent_destroy};

struct cluster_agent *pod_agent(const struct pod *p)
{
    struct instance *in = sim_process_instance(p->process);
    return in ? in->agent : NULL;
}

bool pod_ready(const struct pod *p)
{
    return p->state == POD_RUNNING;
}

/* ---- the object ---- */

static const char *phase_of(const struct pod *p)
{
    return p->state == POD_STARTING && p->restarts == 0 ? "Pending" : "Running";
}

static void write_status(struct pod *p)
{
    struct kubeapi *api = apihost_api(p->cluster->api);
    if (!api)
        return;
    struct buf patch = {0};
    const char *state = p->state == POD_RUNNING ? "\"running\":{}"
                        : p->state == POD_BACKOFF
                            ? "\"waiting\":{\"reason\":\"CrashLoopBackOff\"}"
                            : "\"waiting\":{\"reason\":\"ContainerCreating\"}";
    buf_addf(&patch,
             "{\"status\":{\"conditions\":[{\"status\":\"%s\",\"type\":\"Ready\"}],"
             "\"containerStatuses\":[{\"name\":\"cluster-register\",\"ready\":%s,"
             "\"restartCount\":%u,\"state\":{%s}}],\"phase\":\"%s\",\"podIP\":\"" STR_FMT "\"}}",
             pod_ready(p) ? "True" : "False", pod_ready(p) ? "true" : "false", p->restarts, state,
             phase_of(p), STR_ARG(sim_host_address(sim_process_host(p->process))));
    err_ignore(kubeapi_patch(api, STR("pods"), p->ns, p->name, buf_str(&patch)));
    buf_free(&patch);
}

static void write_object(struct pod *p, const struct kube_object *deployment)
{
    struct kubeapi *api = apihost_api(p->cluster->api);
    struct arena a = {0};
    struct buf json = {0};
    cJSON *tree = kube_object_tree(deployment, &a);
    cJSON *pod = json_copy(&a, json_path(tree, "spec.template"));
    json_set_str(&a, pod, "apiVersion", STR("v1"));
    json_set_str(&a, pod, "kind", STR("Pod"));
    cJSON *metadata = json_ensure(&a, pod, "metadata");
    json_set_str(&a, metadata, "name", p->name);
    json_set_str(&a, metadata, "namespace", p->ns);
    cJSON *labels = json_ensure(&a, metadata, "labels");
    json_set_str(&a, labels, "pod-template-hash", p->hash);
    cJSON *owners = json_array(&a), *owner = json_object(&a);
    json_set_str(&a, owner, "apiVersion", STR("apps/v1"));
    json_set_str(&a, owner, "kind", STR("Deployment"));
    json_set_str(&a, owner, "name", deployment->name);
    json_set_str(&a, owner, "uid", deployment->uid);
    json_set_bool(&a, owner, "controller", true);
    json_append(owners, owner);
    json_set(&a, metadata, STR("ownerReferences"), owners);
    json_set_str(&a, json_ensure(&a, pod, "spec"), "nodeName", p->node);
    json_write(&json, pod);
    if (api)
        err_ignore(
            kubeapi_apply(api, buf_str(&json), NULL)); /* its status says what became of it */
    buf_free(&json);
    arena_free(&a);
}

/* ---- environment and volumes ---- */

static void read_env(struct pod *p, const struct kube_object *deployment)
{
    struct arena a = {0};
    struct buf env = {0};
    cJSON *tree = kube_object_tree(deployment, &a);
    const cJSON *containers = json_path(tree, "spec.template.spec.containers");
    const cJSON *first = containers ? containers->child : NULL;
    const cJSON *list = json_get(first, "env");
    p->runs_agent = str_eq_c(json_string_at(first, "name"), "cluster-register");
    for (const cJSON *it = list ? list->child : NULL; it; it = it->next)
        buf_addf(&env, STR_FMT "=" STR_FMT "\n", STR_ARG(json_string_at(it, "name")),
                 STR_ARG(json_string_at(it, "value")));
    str_free(&p->env);
    p->env = buf_take(&env);
    arena_free(&a);
}

static struct str env_value(const struct pod *p, const char *name)
{
    struct str line, rest = p->env, key, value;
    for (bool more = true; more;) {
        more = str_cut(rest, '\n', &line, &rest);
        if (str_cut(line, '=', &key, &value) && str_eq_c(key, name))
            return value;
    }
    return str_empty;
}

static void set_env(struct pod *p)
{
    struct str line, rest = p->env, key, value;
    for (bool more = true; more;) {
        more = str_cut(rest, '\n', &line, &rest);
        if (str_cut(line, '=', &key, &value))
            sim_process_set_env(p->process, key, value);
    }
    sim_process_set_env(p->process, STR("HOSTNAME"), p->name);
    sim_process_set_env(p->process, STR("KUBERNETES_SERVICE_HOST"),
                        apihost_address(p->cluster->api));
    sim_process_set_env(p->process, STR("KUBERNETES_SERVICE_PORT"), STR("443"));
}

/* One key of a Secret as a file; false: it is not there yet. */
static bool mount(struct pod *p, const char *secret, const char *key, const char *path)
{
    struct kubeapi *api = apihost_api(p->cluster->api);
    struct kube_object *o = kubeapi_get(api, STR("secrets"), p->ns, str_c(secret));
    struct arena a = {0};
    struct buf content = {0};
    bool ok =
        o &&
        base64_decode(&content,
                      json_string(json_get(json_get(kube_object_tree(o, &a), "data"), key))) &&
        content.n > 0; /* a token is filled in later than its Secret appears */
    if (ok)
        sim_volume_write(p->cluster->sim, sim_process_name(p->process), str_c(path),
                         buf_str(&content));
    buf_free(&content);
    arena_free(&a);
    return ok;
}

/* The kubelet's projected token is a token Secret here, one for all pods of the account. */
static bool mount_account(struct pod *p)
{
    struct kubeapi *api = apihost_api(p->cluster->api);
    if (!kubeapi_get(api, STR("secrets"), p->ns, STR(SA_SECRET)))
        err_ignore(kubeapi_apply(
            api,
            STR("{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"annotations\":{"
                "\"kubernetes.io/service-account.name\":\"cattle\"},\"name\":\"" SA_SECRET
                "\",\"namespace\":\"" NAMESPACE_SYSTEM
                "\"},\"type\":\"kubernetes.io/service-account-token\"}"),
            NULL)); /* not there: the mounts below fail and are tried again */
    sim_volume_write(p->cluster->sim, sim_process_name(p->process),
                     STR("/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"),
                     apihost_ca_pem(p->cluster->api));
    return mount(p, SA_SECRET, "token", AGENT_FILE_SA_TOKEN);
}

static bool mount_all(struct pod *p)
{
    struct buf name = {0};
    buf_add(&name, env_value(p, "CATTLE_CREDENTIAL_NAME"));
    bool ok = apihost_api(p->cluster->api) && mount_account(p) &&
              mount(p, buf_c(&name), "token", AGENT_FILE_TOKEN) &&
              mount(p, buf_c(&name), "url", AGENT_FILE_URL);
    buf_free(&name);
    return ok;
}

/* ---- life ---- */

static void later(struct pod *p, world_time delay)
{
    sim_task_cancel(p->timer);
    p->timer = sim_after(p->cluster->sim, delay, on_start, p);
}

/* Pods are evicted from a node that was not ready for long, and go with one that is gone. */
static bool node_lost(struct pod *p)
{
    world_time now = sim_now(p->cluster->sim);
    enum node_state state = p->node.n ? node_state(p->cluster, p->node) : NODE_READY;
    if (state == NODE_READY)
        p->stuck_since = -1;
    else if (p->stuck_since < 0)
        p->stuck_since = now;
    return state == NODE_GONE || (state == NODE_UNREADY && now - p->stuck_since >= EVICT_AFTER);
}

/* True: it has a node, and that is ready. */
static bool schedule(struct pod *p)
{
    struct sim_cluster *c = p->cluster;
    struct kubeapi *api = apihost_api(c->api);
    if (p->node.n)
        return node_state(c, p->node) == NODE_READY;
    int64_t node = nodes_pick(c);
    if (node < 0 || !api)
        return false;
    str_free(&p->node);
    p->node = str_dup(c->nodes[node].name);
    struct buf patch = {0};
    buf_addf(&patch, "{\"spec\":{\"nodeName\":\"" STR_FMT "\"}}", STR_ARG(p->node));
    err_ignore(kubeapi_patch(api, STR("pods"), p->ns, p->name, buf_str(&patch)));
    buf_free(&patch);
    return true;
}

static void on_start(void *owner)
{
    struct pod *p = owner;
    struct sim_cluster *c = p->cluster;
    p->timer = NULL;
    if (node_lost(p)) { /* its controller makes another one */
        pod_delete(p);
        workload_soon(c);
        return;
    }
    bool on = sim_host_is_on(sim_process_host(p->process));
    if (!on || !c->cni || !schedule(p) || !mount_all(p)) {
        later(p, CNI_RETRY);
        return;
    }
    p->stuck_since = -1;
    set_env(p);
    struct err *err = sim_process_start(p->process);
    if (err) { /* the host went down this very moment */
        err_ignore(err);
        later(p, CNI_RETRY);
        return;
    }
    p->state = POD_RUNNING;
    p->started_at = sim_now(c->sim);
    write_status(p);
    workload_soon(c);
}

static void on_exited(void *owner, struct sim_process *process, int status)
{
    struct pod *p = owner;
    struct sim_cluster *c = p->cluster;
    (void)process;
    (void)status;
    if (p->state == POD_ENDING) {
        p->state = POD_FREE;
        workload_soon(c);
        return;
    }
    if (sim_now(c->sim) - p->started_at >= BACKOFF_RESET)
        p->backoffs = 0;
    world_time pause = BACKOFF_FIRST;
    for (uint32_t i = 0; i < p->backoffs && pause < BACKOFF_MAX; i++)
        pause *= 2;
    p->backoffs++;
    p->restarts++;
    p->state = POD_BACKOFF;
    write_status(p);
    later(p, pause > BACKOFF_MAX ? BACKOFF_MAX : pause);
}

static struct pod *pod_new(struct sim_cluster *c)
{
    struct pod *p = MEM_NEW(struct pod);
    struct buf name = {0}, ip = {0};
    p->cluster = c;
    p->slot = c->slots_n;
    p->config = MEM_NEW(const void *);
    *p->config = p;
    buf_addf(&name, STR_FMT "/agent-%u", STR_ARG(c->name), p->slot);
    buf_add(&ip, apihost_address(c->api));
    ip.n -= 1; /* the API is at .1 */
    buf_add_u64(&ip, FIRST_POD_IP + p->slot);
    struct sim_host_options host = {
        .name = buf_str(&name), .address = buf_str(&ip), .zone = c->zone};
    struct sim_process_options o = {.name = buf_str(&name),
                                    .host = sim_host_new(c->sim, &host),
                                    .program = &agent_program,
                                    .config = p->config,
                                    .resolver = c->resolver,
                                    .exited = on_exited,
                                    .owner = p};
    p->process = sim_process_new(c->sim, &o);
    c->slots[c->slots_n++] = p;
    buf_free(&name);
    buf_free(&ip);
    return p;
}

void pods_prepare(struct sim_cluster *c, uint32_t slots)
{
    BUG_ON(slots > SIM_CLUSTER_PODS_MAX, "the loader bounds the number of agents");
    while (c->slots_n < slots)
        pod_new(c);
}

struct pod *pod_find_free(struct sim_cluster *c)
{
    for (uint32_t i = 0; i < c->slots_n; i++)
        if (c->slots[i]->state == POD_FREE)
            return c->slots[i];
    return c->slots_n < SIM_CLUSTER_PODS_MAX ? pod_new(c) : NULL;
}

static void forget(struct pod *p)
{
    struct str *owned[] = {&p->ns, &p->name, &p->hash, &p->deployment, &p->env, &p->node};
    for (size_t i = 0; i < ARRAY_LEN(owned); i++)
        str_free(owned[i]);
}

void pod_create(struct pod *p, const struct kube_object *deployment, struct str hash)
{
    static const char letters[] = "bcdfghjklmnpqrstvwxz2456789";
    struct sim_cluster *c = p->cluster;
    struct buf name = {0};
    forget(p);
    buf_addf(&name, STR_FMT "-" STR_FMT "-", STR_ARG(deployment->name), STR_ARG(hash));
    for (int i = 0; i < 5; i++)
        buf_add_char(&name, letters[rng_below(&c->rng, sizeof letters - 1)]);
    int64_t node = nodes_pick(c);
    c->pod_serial++;
    p->ns = str_dup(deployment->ns);
    p->name = buf_take(&name);
    p->hash = str_dup(hash);
    p->deployment = str_dup(deployment->name);
    p->node = node < 0 ? str_dup(str_empty) : str_dup(c->nodes[node].name);
    p->state = POD_STARTING;
    p->restarts = p->backoffs = 0;
    p->stuck_since = -1;
    read_env(p, deployment);
    write_object(p, deployment);
    write_status(p);
    later(p, START_MIN + (world_time)rng_below(&c->rng, START_MAX - START_MIN));
}

void pod_delete(struct pod *p)
{
    struct kubeapi *api = apihost_api(p->cluster->api);
    bool runs = sim_process_is_running(p->process);
    sim_task_cancel(p->timer);
    p->timer = NULL;
    p->state =
        runs ? POD_ENDING : POD_FREE; /* first: the watch of pods comes from inside the next call */
    if (api)
        err_ignore(kubeapi_delete(api, STR("pods"), p->ns,
                                  p->name)); /* it, or its namespace, may have gone first */
    if (runs)
        sim_process_stop(p->process);
}

void pods_free(struct sim_cluster *c)
{
    for (uint32_t i = 0; i < c->slots_n; i++) {
        forget(c->slots[i]);
        mem_free(c->slots[i]->config);
        mem_free(c->slots[i]);
    }
}
