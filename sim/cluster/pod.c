/* A pod slot: the process that the container of a Pod is, and what is said about it.
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
#include "engine/kube/scan.h"

#define START_MIN     NS_PER_S /* image, volumes, network of the pod */
#define START_MAX     (3 * NS_PER_S)
#define CNI_RETRY     (2 * NS_PER_S)
#define BACKOFF_FIRST (10 * NS_PER_S)
#define BACKOFF_MAX   (300 * NS_PER_S)
#define BACKOFF_RESET (600 * NS_PER_S)
#define FIRST_POD_IP  10u
#define PROBE_EVERY   (2 * NS_PER_S)
#define SA_SECRET     "cattle-token-mount"
#define EXIT_LOST     255 /* as kubelets report a container whose end nobody saw */

static void on_start(void *owner);

/* ---- the process ---- */

struct instance {
    struct cluster_agent *agent;
};

static struct err *agent_start(struct world *w, const void *config, void **out)
{
    const struct pod *p = *(const struct pod *const *)config;
    struct instance *in = MEM_NEW(struct instance);
    struct cluster_agent_options o = {.policies = &p->cluster->policies};
    in->agent = cluster_agent_new(w, &o);
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

/* ---- the object ---- */

void pod_tell(const struct pod *p)
{
    struct kubeapi *api = apihost_api(p->cluster->api);
    if (api && p->state == POD_RUNNING)
        kubeapi_pod_started(api, p->ns, p->name, sim_host_address(sim_process_host(p->process)),
                            p->ready);
    else if (api && p->state == POD_BACKOFF)
        kubeapi_pod_exited(api, p->ns, p->name, p->exit_code);
}

/* The object goes, and with it the last that is known here. */
static void finish(struct pod *p)
{
    struct sim_cluster *c = p->cluster;
    struct kubeapi *api = apihost_api(c->api);
    struct kube_object *o = api ? kubeapi_get(api, STR("pods"), p->ns, p->name) : NULL;
    p->state = POD_FREE;
    if (o && o->deleting && str_eq(o->uid, p->uid))
        err_ignore(kubeapi_delete_now(api, STR("pods"), p->ns, p->name)); /* it is there */
    if (api && c->slots_wanted) {
        c->slots_wanted = false;
        kubeapi_pods_look(api);
    }
}

/* ---- readiness: an exec probe that looks for a file, or one of /readyz ---- */

/* What engine/cli/agent_health answers there. */
static bool answers_readyz(const struct pod *p)
{
    const struct cluster_agent *a = pod_agent(p);
    return a && cluster_agent_state(a).link.connects > 0;
}

static void on_probe(void *owner)
{
    struct pod *p = owner;
    struct str content;
    p->probing = NULL;
    p->ready = p->probe_http ? answers_readyz(p)
                             : sim_volume_read(p->cluster->sim, sim_process_name(p->process),
                                               p->probe, &content);
    if (p->ready)
        pod_tell(p);
    else
        p->probing = sim_after(p->cluster->sim, PROBE_EVERY, on_probe, p);
}

static void start_probing(struct pod *p)
{
    p->ready = p->probe.n == 0 && !p->probe_http;
    if (!p->ready)
        p->probing = sim_after(p->cluster->sim, PROBE_EVERY, on_probe, p);
}

static void stop_probing(struct pod *p)
{
    sim_task_cancel(p->probing);
    p->probing = NULL;
}

/* The last word of the command: cat FILE; or a path that is asked for. */
static void read_probe(struct pod *p, const struct kube_object *pod)
{
    struct arena a = {0};
    const cJSON *containers = json_path(kube_object_tree(pod, &a), "spec.containers");
    const cJSON *probe = json_get(containers ? containers->child : NULL, "readinessProbe");
    const cJSON *command = json_path(probe, "exec.command");
    const cJSON *last = command ? command->child : NULL;
    while (last && last->next)
        last = last->next;
    str_free(&p->probe);
    p->probe = str_dup(json_string(last));
    p->probe_http = json_get(probe, "httpGet") != NULL;
    arena_free(&a);
}

/* ---- environment and volumes ---- */

static void read_env(struct pod *p, const struct kube_object *pod)
{
    struct arena a = {0};
    struct buf env = {0};
    const cJSON *containers = json_path(kube_object_tree(pod, &a), "spec.containers");
    const cJSON *list = json_get(containers ? containers->child : NULL, "env");
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

static void on_start(void *owner)
{
    struct pod *p = owner;
    struct sim_cluster *c = p->cluster;
    p->timer = NULL;
    bool on = sim_host_is_on(sim_process_host(p->process));
    if (!on || !c->cni || node_state(c, p->node) != NODE_READY || !mount_all(p)) {
        later(p, CNI_RETRY);
        return;
    }
    set_env(p);
    sim_volume_remove(c->sim, sim_process_name(p->process), p->probe); /* of an earlier container */
    struct err *err = sim_process_start(p->process);
    if (err) { /* the host went down this very moment */
        err_ignore(err);
        later(p, CNI_RETRY);
        return;
    }
    p->state = POD_RUNNING;
    p->started_at = sim_now(c->sim);
    start_probing(p);
    pod_tell(p);
}

static void on_exited(void *owner, struct sim_process *process, int status)
{
    struct pod *p = owner;
    struct sim_cluster *c = p->cluster;
    stop_probing(p);
    if (p->state == POD_ENDING) {
        finish(p);
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
    p->exit_code = status == SIM_EXIT_POWER_LOSS ? EXIT_LOST : status;
    pod_tell(p);
    pause = pause > BACKOFF_MAX ? BACKOFF_MAX : pause;
    later(p, sim_process_held(process) > 0 ? sim_process_held(process) : pause);
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
    struct str *owned[] = {&p->ns, &p->name, &p->uid, &p->env, &p->node, &p->probe};
    for (size_t i = 0; i < ARRAY_LEN(owned); i++)
        str_free(owned[i]);
}

/* Containers that crashed before they became a process: the cluster's stages had them do so. */
static uint32_t crashed_before(const struct kube_object *pod)
{
    struct scan s = scan_of(kube_object_raw(pod, "status.containerStatuses"));
    struct str it;
    int64_t n = 0;
    if (s.p == s.end || !scan_enter(&s, '[') || !scan_element(&s, &it) ||
        !str_to_i64(scan_get(it, STR("restartCount")), &n))
        return 0;
    return n > 0 ? (uint32_t)n : 0;
}

void pod_take(struct pod *p, const struct kube_object *pod)
{
    forget(p);
    p->ns = str_dup(pod->ns);
    p->name = str_dup(pod->name);
    p->uid = str_dup(pod->uid);
    p->node = str_dup(kube_object_string(pod, "spec.nodeName"));
    p->state = POD_STARTING;
    p->restarts = crashed_before(pod);
    p->backoffs = 0;
    read_env(p, pod);
    read_probe(p, pod);
    later(p, START_MIN + (world_time)rng_below(&p->cluster->rng, START_MAX - START_MIN));
}

void pod_stop(struct pod *p)
{
    sim_task_cancel(p->timer);
    p->timer = NULL;
    stop_probing(p);
    p->state = POD_ENDING;
    if (sim_process_is_running(p->process))
        sim_process_stop(p->process);
    else
        finish(p);
}

void pods_of_node_lost(struct sim_cluster *c, struct str node)
{
    for (uint32_t i = 0; i < c->slots_n; i++) {
        struct pod *p = c->slots[i];
        struct kubeapi *api = apihost_api(c->api);
        if (!pod_counts(p) || !str_eq(p->node, node))
            continue;
        if (api)
            err_ignore(kubeapi_delete_now(api, STR("pods"), p->ns, p->name)); /* gone: as good */
        if (pod_counts(p))
            pod_stop(p); /* it was not told */
    }
}

void pods_free(struct sim_cluster *c)
{
    for (uint32_t i = 0; i < c->slots_n; i++) {
        forget(c->slots[i]);
        mem_free(c->slots[i]->config);
        mem_free(c->slots[i]);
    }
}
