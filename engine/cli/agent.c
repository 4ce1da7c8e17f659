/* paddock agent cluster: the cluster agent as a process of its own.
 *
 *   options, environment ─► its cluster's API (pod or kubeconfig) ─► agent (engine/agents/cluster)
 *                                                                    │ changed
 *                                          log, /healthz, Events ◄───┘
 *   SIGTERM ─► draining: managers are told, connections end ─► exit 0          (after DRAIN_MAX at the latest)
 *                └─ a second signal: exit at once */
#include "engine/cli/agent_events.h"
#include "engine/cli/agent_health.h"
#include "engine/cli/cli.h"
#include "engine/cli/commands.h"
#include "engine/cli/local_cluster.h"
#include "engine/kube/management.h"
#include "engine/world/uv/uv_world.h"

#include <stdlib.h>
#include <unistd.h>

#define DRAIN_MAX  (20 * NS_PER_S)  /* less than the 30 s that Kubernetes gives */
#define FLUSH      (50 * NS_PER_MS) /* for the last bytes of what has ended */
#define RENEW_LOOK (60 * NS_PER_S)  /* at the mounted account: its token lives for an hour or so */
#define HOST_BYTES 256u

const struct cmdline_option agent_cluster_options[AGENT_OPTION_COUNT] = {
    [AGENT_SERVER] = {"--server", OPTION_TEXT, "URL", "the manager (CATTLE_SERVER)"},
    [AGENT_TOKEN] = {"--token", OPTION_TEXT, "T",
                     "registration token; others on this machine can see flags:\n"
                     "CATTLE_TOKEN and files are better"},
    [AGENT_CA_CHECKSUM] = {"--ca-checksum", OPTION_TEXT, "H",
                           "pin of the manager's CA (CATTLE_CA_CHECKSUM)"},
    [AGENT_CREDENTIALS_DIR] = {"--credentials-dir", OPTION_TEXT, "DIR",
                               "has the files token and url (default: /cattle-credentials)"},
    [AGENT_KUBECONFIG] = {"--kubeconfig", OPTION_TEXT, "FILE",
                          "the cluster's API, outside of a pod (default: the pod's account)"},
    [AGENT_STATE_DIR] = {"--state-dir", OPTION_TEXT, "DIR",
                         "where the files connected and serverca are left for others\n"
                         "(default: nowhere)"},
    [AGENT_HEALTHZ_LISTEN] = {"--healthz-listen", OPTION_TEXT, "ADDR",
                              "where /healthz and /readyz are served (default: 127.0.0.1:0)"},
    [AGENT_LOG_FORMAT] = CLI_LOG_FORMAT_ROW,
    [AGENT_PROFILE] = CLI_PROFILE_ROW,
    [AGENT_POLICY] = CLI_POLICY_ROW,
};

struct process {
    struct shell *sh;
    struct uv_world *uv;
    enum log_format log_format;
    struct world *w;
    struct policies policies;
    struct agent_places places;
    struct local_cluster *cluster; /* of --kubeconfig; NULL: the pod's */
    struct world_addr listen;
    struct cluster_agent *agent; /* NULL: its cluster's API is being found */
    struct agent_news news;
    struct agent_health *health;
    struct agent_events *events;
    struct world_timer *end, *renew;
    struct world_file *account;
    bool ending;
    int code;
};

/* ---- news ---- */

static void tell_events(struct process *p)
{
    struct kube_client *client = cluster_agent_kube(p->agent);
    const struct agent_news *n = &p->news;
    struct buf text = {0};
    if (!client || (!n->failed_now && !n->connected_now))
        return;
    if (n->connected_now) {
        buf_add_c(&text, "tunnel to the manager at ");
        world_addr_print(&n->peer, &text);
    } else {
        buf_addf(&text, "%s: " STR_FMT, agent_step_name(n->step), STR_ARG(buf_str(&n->error)));
    }
    const char *reason = n->reason;
    if (!reason)
        reason = n->step == AGENT_STEP_ACCOUNT ? "AccountUnavailable" : "Disconnected";
    agent_events_say(p->events, client, !n->connected_now,
                     str_c(n->connected_now ? "Connected" : reason), buf_str(&text));
    buf_free(&text);
}

static void on_changed(void *owner)
{
    struct process *p = owner;
    if (!p->agent)
        return; /* from inside its making */
    agent_news_update(&p->news);
    tell_events(p);
}

/* ---- the account's token, which kubelets renew ---- */

static void on_account(void *owner, struct str content, const struct err *err)
{
    struct process *p = owner;
    p->account = NULL;
    if (!err && str_trim(content).n && !p->ending)
        cluster_agent_renew(p->agent, str_trim(content));
    world_timer_start(p->renew, RENEW_LOOK);
}

static void on_renew(void *owner)
{
    struct process *p = owner;
    p->account = world_file_read(p->w, p->places.account_token, on_account, p);
}

/* ---- the end ---- */

static void on_end(void *owner)
{
    const struct process *p = owner;
    uv_world_stop(p->uv);
}

static void on_drained(void *owner)
{
    struct process *p = owner;
    world_timer_start(p->end, FLUSH);
}

static void on_signal(void *owner, int number)
{
    struct process *p = owner;
    (void)number;
    if (p->ending || !p->agent) {
        p->code = p->ending ? EXIT_INTERRUPTED : EXIT_HELD;
        uv_world_stop(p->uv);
        return;
    }
    p->ending = true;
    world_timer_start(p->end, DRAIN_MAX);
    cluster_agent_drain(p->agent, on_drained, p);
}

/* The agent gives up: whoever supervises it starts it anew. */
static void on_agent_exit(void *owner, int status)
{
    struct process *p = owner;
    p->code = status;
    uv_world_stop(p->uv);
}

/* ---- the start ---- */

/* Flags stand for what the original reads from its environment, so that there is one way to be told. */
static void set_environment(const struct cmdline *o)
{
    static const struct {
        size_t row;
        const char *name;
    } rows[] = {{AGENT_SERVER, "CATTLE_SERVER"},
                {AGENT_TOKEN, "CATTLE_TOKEN"},
                {AGENT_CA_CHECKSUM, "CATTLE_CA_CHECKSUM"}};
    struct buf value = {0};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (!cmdline_given(o, rows[i].row))
            continue;
        buf_clear(&value);
        buf_add(&value, cmdline_text(o, rows[i].row));
        setenv(rows[i].name, buf_c(&value), 1);
    }
    buf_free(&value);
    char host[HOST_BYTES] = {0};
    if (gethostname(host, sizeof host - 1) == 0 && host[0])
        setenv("HOSTNAME", host, 0); /* in a pod: the pod's name, and set already */
}

static struct str in_folder(struct process *p, struct str folder, const char *name)
{
    return arena_printf(&p->sh->arena, STR_FMT "/%s", STR_ARG(folder), name);
}

static void find_places(struct process *p)
{
    const struct cmdline *o = &p->sh->options;
    struct str credentials = cmdline_text(o, AGENT_CREDENTIALS_DIR);
    struct str state = cmdline_text(o, AGENT_STATE_DIR);
    p->places = agent_places_pod;
    if (credentials.n) {
        p->places.token = in_folder(p, credentials, "token");
        p->places.url = in_folder(p, credentials, "url");
    }
    p->places.server_ca = state.n ? in_folder(p, state, "serverca") : str_empty;
    p->places.connected = state.n ? in_folder(p, state, "connected") : str_empty;
}

static struct err *parse(struct process *p)
{
    const struct cmdline *o = &p->sh->options;
    struct str listen = cmdline_text(o, AGENT_HEALTHZ_LISTEN);
    struct err *err =
        shell_address("--healthz-listen", listen.n ? listen : STR("127.0.0.1:0"), &p->listen);
    if (!err)
        err = shell_policies(cmdline_text(o, AGENT_PROFILE), cmdline_list(o, AGENT_POLICY),
                             &p->policies);
    if (!err)
        err = shell_log_format(cmdline_text(o, AGENT_LOG_FORMAT), &p->log_format);
    if (err)
        return err;
    set_environment(o);
    find_places(p);
    return NULL;
}

static bool is_true(const char *name)
{
    const char *value = getenv(name);
    return value && str_eq_c(str_c(value), "true");
}

static enum log_level log_level(const struct shell *sh)
{
    bool debug = is_true("CATTLE_DEBUG") || is_true("RANCHER_DEBUG") || is_true("CATTLE_TRACE") ||
                 is_true("RANCHER_TRACE");
    return debug ? LOG_DEBUG : shell_log_level(sh);
}

static void start_agent(struct process *p)
{
    struct cluster_agent_options o = {
        .policies = &p->policies, .places = &p->places, .changed = on_changed, .owner = p};
    p->agent = cluster_agent_new(p->w, &o);
    p->news.agent = p->agent;
}

static void on_found(void *owner)
{
    struct process *p = owner;
    p->places.kube = local_cluster_context(p->cluster);
    start_agent(p);
}

static void on_token(void *owner)
{
    const struct process *p = owner;
    if (p->agent)
        cluster_agent_renew(p->agent, local_cluster_context(p->cluster)->token);
}

/* A kubeconfig's cluster, or that of the pod. */
static struct err *find_cluster(struct process *p)
{
    struct local_cluster_options o = {.kubeconfig = cmdline_text(&p->sh->options, AGENT_KUBECONFIG),
                                      .found = on_found,
                                      .token = on_token,
                                      .owner = p};
    if (o.kubeconfig.n)
        return local_cluster_new(p->sh, p->w, &o, &p->cluster);
    world_timer_start(p->renew, RENEW_LOOK);
    start_agent(p);
    return NULL;
}

static void say_healthz(struct process *p)
{
    struct world_addr shown = shell_shown_address(p->listen, agent_health_port(p->health));
    struct buf line = {0};
    buf_add_c(&line, "healthz http://");
    world_addr_print(&shown, &line);
    buf_add_c(&line, "/healthz\n");
    shell_print(stdout, &line);
}

static struct err *start(struct process *p)
{
    struct uv_world_options world = {.log_level = log_level(p->sh),
                                     .log_format = p->log_format,
                                     .own_websockets = true,
                                     .on_signal = on_signal,
                                     .on_exit = on_agent_exit,
                                     .owner = p};
    struct err *err = uv_world_new(&world, &p->uv);
    if (err)
        return err;
    p->w = uv_world_view(p->uv);
    p->end = world_timer_new(p->w, on_end, p);
    p->renew = world_timer_new(p->w, on_renew, p);
    agent_news_init(&p->news, p->w);
    err = agent_health_new(p->w, &p->news, &p->policies, &p->listen, &p->health);
    if (err)
        return err_wrap(err, err->code, "--healthz-listen");
    say_healthz(p);
    struct str name = world_env(p->w, "HOSTNAME");
    bool pod = !cmdline_given(&p->sh->options, AGENT_KUBECONFIG);
    p->events = agent_events_new(p->w, pod ? "Pod" : "Deployment",
                                 pod ? name : STR(AGENT_DEPLOYMENT), name);
    return find_cluster(p);
}

static void finish(struct process *p)
{
    local_cluster_stop(p->cluster);
    world_file_cancel(p->account);
    agent_health_free(p->health);
    agent_events_free(p->events);
    cluster_agent_free(p->agent);
    agent_news_free(&p->news);
    world_timer_free(p->end);
    world_timer_free(p->renew);
    uv_world_free(p->uv);
    local_cluster_free(p->cluster);
}

int command_agent_cluster(struct shell *sh)
{
    struct process p = {.sh = sh, .code = EXIT_HELD};
    struct err *err = parse(&p);
    if (err)
        return shell_usage_error(err);
    shell_raise_file_limit();
    err = start(&p);
    if (err)
        p.code = shell_start_error(err);
    else
        (void)uv_world_run(p.uv);
    finish(&p);
    return p.code;
}
