/* paddock server: a replica of the manager as a process.
 *
 *   options ─► local cluster found ─► keeper: certificates, tokens ─► server listens ─► "ready" ─► serving
 *                                                                                         │ SIGTERM
 *                 again: exit 130 ◄─────────────────────────────────────────────────── draining
 *                                                                                         │ server_drain is done
 *                                                                  exit 0 ◄─ the embedded cluster has written all ◄─ ending */
#include "engine/cli/cli.h"
#include "engine/cli/commands.h"
#include "engine/cli/given_certificate.h"
#include "engine/cli/local_cluster.h"
#include "engine/cli/peer_urls.h"
#include "engine/cli/redirect_port.h"
#include "engine/http/url.h"
#include "engine/server/keeper.h"
#include "engine/server/observe.h"
#include "engine/world/uv/uv_process.h"
#include "engine/world/uv/uv_world.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_LISTEN ":8443"
#define AGENT_COMMAND  "paddock agent cluster" /* in whichever image */
#define DEFAULT_IMAGE  "paddock:" PADDOCK_VERSION
#define END_LOOK       (10 * NS_PER_MS)
#define END_TIMEOUT    (5 * NS_PER_S) /* for the embedded cluster to write what is left */
#define NAMES_MAX      12u

const struct cmdline_option server_options[SERVER_OPTION_COUNT] = {
    [SERVER_KUBECONFIG] = {"--kubeconfig", OPTION_TEXT, "FILE",
                           "the Kubernetes API that everything is kept in"},
    [SERVER_EMBEDDED] = {"--embedded", OPTION_FLAG, NULL,
                         "bring one up inside: a simulated Kubernetes API on loopback"},
    [SERVER_DATASTORE] = {"--datastore", OPTION_TEXT, "memory|sqlite:FILE",
                          "where the embedded one keeps its objects; memory: until the end"},
    [SERVER_KUBECONFIG_OUT] = {"--kubeconfig-out", OPTION_TEXT, "FILE",
                               "write an administrator's kubeconfig for the embedded one"},
    [SERVER_LISTEN] = {"--listen", OPTION_TEXT, "HOST:PORT",
                       "HTTPS for agents, users and other replicas (default " DEFAULT_LISTEN ")"},
    [SERVER_HTTP_LISTEN] = {"--http-listen", OPTION_TEXT, "HOST:PORT",
                            "a port that leads to HTTPS; none by default"},
    [SERVER_METRICS_LISTEN] = {"--metrics-listen", OPTION_TEXT, "HOST:PORT",
                               "serve /metrics there; none by default"},
    [SERVER_URL] = {"--server-url", OPTION_TEXT, "URL",
                    "under which agents find the manager (setting server-url)"},
    [SERVER_TLS_CERT] = {"--tls-cert", OPTION_TEXT, "FILE",
                         "serve with this certificate (PEM, leaf first); without: one of our own\n"
                         "making. Read again when it changes"},
    [SERVER_TLS_KEY] = {"--tls-key", OPTION_TEXT, "FILE", "and its key"},
    [SERVER_CA_CERT] = {"--ca-cert", OPTION_TEXT, "FILE",
                        "the authority that signed it (setting cacerts); without: a public one"},
    [SERVER_BOOTSTRAP_PASSWORD] = {"--bootstrap-password", OPTION_TEXT, "P",
                                   "the first password of admin; without: one is made up and\n"
                                   "told on the log"},
    [SERVER_AGENT_IMAGE] = {"--agent-image", OPTION_TEXT, "NAME",
                            "of the agents in downstream clusters (default " DEFAULT_IMAGE ")"},
    [SERVER_PEER] = {"--peer", OPTION_LIST, "https://HOST:PORT",
                     "another replica, outside a cluster; may be repeated"},
    [SERVER_LOG_FORMAT] = CLI_LOG_FORMAT_ROW,
    [SERVER_PROFILE] = CLI_PROFILE_ROW,
    [SERVER_POLICY] = CLI_POLICY_ROW,
};

struct replica {
    struct shell *sh;
    struct uv_world *uv;
    enum log_format log_format;
    struct world *w;
    struct log log;
    struct policies policies;
    struct world_addr listen, http_listen, metrics_listen;
    struct str host_name, identity, password;
    struct local_cluster *local;
    struct kube_client *client; /* of the keeper */
    struct keeper *keeper;
    struct given_certificate *given; /* NULL: we make our own */
    struct peer_urls *peers;
    struct str peer_id;
    struct server *server;
    struct redirect_port *redirect;
    struct world_timer *end;
    world_time end_until;
    bool draining;
    int code;
};

/* ---- the end ---- */

static void complain_and_stop(struct replica *r, struct err *take_err)
{
    r->code = shell_start_error(take_err);
    uv_world_stop(r->uv);
}

/* And whatever else is connected to the local cluster. */
static void free_server(struct replica *r)
{
    redirect_port_free(r->redirect);
    server_free(r->server);
    keeper_free(r->keeper);
    kube_client_free(r->client);
    r->redirect = NULL;
    r->server = NULL;
    r->keeper = NULL;
    r->client = NULL;
}

static void on_end(void *owner)
{
    struct replica *r = owner;
    if (r->server) { /* out of its own callback */
        free_server(r);
        local_cluster_drain(r->local);
        r->end_until = world_now(r->w) + END_TIMEOUT;
    }
    if (local_cluster_drained(r->local) || world_now(r->w) >= r->end_until)
        uv_world_stop(r->uv);
    else
        world_timer_start(r->end, END_LOOK);
}

static void on_drained(void *owner)
{
    struct replica *r = owner;
    log_info(&r->log, "drained");
    world_timer_start(r->end, 0);
}

static void on_signal(void *owner, int number)
{
    struct replica *r = owner;
    (void)number;
    if (!r->server || r->draining) {
        r->code = EXIT_INTERRUPTED;
        uv_world_stop(r->uv);
        return;
    }
    r->draining = true;
    log_info(&r->log, "asked to stop: agents go to the other replicas; again: at once");
    server_drain(r->server, on_drained, r);
}

/* The engine wants to end: a lease that was lost, policy leader.loss. Whoever runs us starts us again. */
static void on_engine_exit(void *owner, int status)
{
    struct replica *r = owner;
    r->code = status;
    uv_world_stop(r->uv);
}

static void on_failed(void *owner, const struct err *why)
{
    struct replica *r = owner;
    complain_and_stop(r, err_new(ERR_IO, "the embedded cluster: %s", why->message));
}

/* ---- the server ---- */

static void on_serving(void *owner)
{
    struct replica *r = owner;
    struct world_addr shown = shell_shown_address(r->listen, server_port(r->server));
    struct buf line = {0};
    buf_add_c(&line, "ready https://");
    world_addr_print(&shown, &line);
    log_info(&r->log, STR_FMT, STR_ARG(buf_str(&line)));
    buf_add_char(&line, '\n');
    shell_print(stdout, &line);
}

static void on_peers(void *owner, const struct tunnel_peer *peers, size_t n)
{
    struct replica *r = owner;
    if (r->server)
        server_set_peers(r->server, peers, n);
}

static bool is_every_address(const struct world_addr *a)
{
    return strcmp(a->host, "0.0.0.0") == 0 || strcmp(a->host, "::") == 0;
}

/* The address that others reach us at. */
static struct str own_host(const struct replica *r)
{
    return is_every_address(&r->listen) ? world_own_address(r->w) : str_c(r->listen.host);
}

static struct server_config make_config(struct replica *r)
{
    const struct cmdline *o = &r->sh->options;
    struct str image = cmdline_text(o, SERVER_AGENT_IMAGE);
    struct server_config c = {.kube = *local_cluster_context(r->local),
                              .identity = r->identity,
                              .server_url = cmdline_text(o, SERVER_URL),
                              .default_host = own_host(r),
                              .listen = r->listen,
                              .agent_image = image.n ? image : STR(DEFAULT_IMAGE),
                              .agent_command = STR(AGENT_COMMAND),
                              .peer_token = keeper_peer_token(r->keeper),
                              .membership =
                                  peer_urls_count(r->peers) ? MEMBERS_GIVEN : MEMBERS_SLICES,
                              .peer_id = r->peer_id,
                              .lock = LEADER_ON_LEASE,
                              .serving = on_serving,
                              .owner = r,
                              .policies = r->policies,
                              .people = true};
    if (r->given) {
        c.cert_pem = given_certificate_pem(r->given);
        c.key_pem = given_certificate_key(r->given);
        c.ca_pem = given_certificate_ca(r->given);
    } else {
        c.cert_pem = keeper_cert_pem(r->keeper);
        c.key_pem = keeper_key_pem(r->keeper);
        c.ca_pem = c.internal_ca_pem = keeper_ca_pem(r->keeper);
    }
    return c;
}

static struct err *open_other_ports(struct replica *r)
{
    const struct cmdline *o = &r->sh->options;
    struct err *err = NULL;
    uint16_t port = 0;
    if (cmdline_given(o, SERVER_HTTP_LISTEN)) {
        err = redirect_port_new(r->w, r->http_listen, server_port(r->server), &r->redirect);
        if (!err)
            log_info(&r->log, "listening on port %u, which leads to HTTPS",
                     redirect_port_number(r->redirect));
    }
    if (!err && cmdline_given(o, SERVER_METRICS_LISTEN)) {
        err = server_metrics_listen(r->server, &r->metrics_listen, &port);
        if (err)
            return err_wrap(err, err->code, "--metrics-listen");
        log_info(&r->log, "listening on port %u for /metrics", port);
    }
    return err;
}

static void say_how(const struct replica *r)
{
    struct str url = cmdline_text(&r->sh->options, SERVER_URL);
    struct world_addr at = world_addr_make(str_c(r->listen.host), server_port(r->server));
    struct world_addr own = world_addr_make(own_host(r), at.port);
    struct buf listening = {0}, text = {0};
    world_addr_print(&at, &listening);
    buf_add_c(&text, "https://");
    world_addr_print(&own, &text);
    log_info(&r->log, "listening on " STR_FMT, STR_ARG(buf_str(&listening)));
    if (url.n)
        log_info(&r->log, "the URL of the manager is " STR_FMT, STR_ARG(url));
    else
        log_info(&r->log,
                 "the URL of the manager is " STR_FMT
                 ", unless the setting server-url has another; --server-url sets it",
                 STR_ARG(buf_str(&text)));
    log_info(&r->log, "a cluster is taken in by its manifest: URL/v3/import/TOKEN_CLUSTER.yaml");
    buf_free(&listening);
    buf_free(&text);
}

/* Everything that the server is made of is there. */
static void on_kept(void *owner)
{
    struct replica *r = owner;
    struct server_config config = make_config(r);
    struct err *err = server_new(r->w, &config, &r->server);
    if (!err)
        metrics_on_write(server_metrics(r->server), uv_process_collect, NULL);
    if (!err)
        err = open_other_ports(r);
    if (err) {
        complain_and_stop(r, err);
        return;
    }
    say_how(r);
    if (peer_urls_count(r->peers))
        peer_urls_start(r->peers, r->w, on_peers, r);
}

/* ---- certificates ---- */

static struct err *on_given_changed(void *owner, struct str cert_pem, struct str key_pem)
{
    struct replica *r = owner;
    return r->server ? server_set_certificate(r->server, cert_pem, key_pem) : NULL;
}

static void on_renewed(void *owner)
{
    struct replica *r = owner;
    if (!r->server)
        return;
    struct err *err =
        server_set_certificate(r->server, keeper_cert_pem(r->keeper), keeper_key_pem(r->keeper));
    if (err)
        log_error(&r->log, "the new serving certificate is not used: %s", err->message);
    else
        log_info(&r->log, "another serving certificate is used from now on");
    err_free(err);
}

/* Under which this replica is reached. */
static size_t make_names(const struct replica *r, struct str names[NAMES_MAX])
{
    size_t n = 0;
    struct url url;
    struct str given = cmdline_text(&r->sh->options, SERVER_URL);
    struct err *err = given.n ? url_parse(given, &url) : NULL;
    if (given.n && !err)
        names[n++] = url.host;
    err_ignore(err); /* it was read before */
    names[n++] = own_host(r);
    names[n++] = r->host_name;
    names[n++] = STR("localhost");
    names[n++] = STR("127.0.0.1");
    names[n++] = STR("::1");
    names[n++] = STR("rancher.cattle-system");
    names[n++] = STR("rancher.cattle-system.svc");
    return n;
}

/* ---- the start ---- */

static void on_local_token(void *owner)
{
    struct replica *r = owner;
    struct str token = local_cluster_context(r->local)->token;
    if (r->client)
        kube_client_set_token(r->client, token);
    if (r->server)
        server_set_kube_token(r->server, token);
}

static void on_local_found(void *owner)
{
    struct replica *r = owner;
    struct str names[NAMES_MAX];
    log_info(&r->log, "local cluster: " STR_FMT, STR_ARG(local_cluster_name(r->local)));
    r->client = kube_client_new(r->w, local_cluster_context(r->local));
    struct keeper_options o = {.client = r->client,
                               .certificates = r->given == NULL,
                               .names = names,
                               .names_n = make_names(r, names),
                               .password = r->password,
                               .ready = on_kept,
                               .renewed = on_renewed,
                               .owner = r};
    r->keeper = keeper_new(&o);
}

static struct err *parse_certificate(const struct cmdline *o)
{
    bool cert = cmdline_given(o, SERVER_TLS_CERT), key = cmdline_given(o, SERVER_TLS_KEY);
    if (cert != key)
        return err_new(ERR_INVALID, "--tls-cert and --tls-key belong together");
    if (cmdline_given(o, SERVER_CA_CERT) && !cert)
        return err_new(ERR_INVALID, "--ca-cert goes with --tls-cert and --tls-key");
    return NULL;
}

static struct err *parse_server_url(const struct cmdline *o)
{
    struct url url;
    struct str text = cmdline_text(o, SERVER_URL);
    struct err *err = text.n ? url_parse(text, &url) : NULL;
    if (err)
        return err_wrap(err, ERR_INVALID, "--server-url");
    if (text.n && (!url.tls || !str_eq_c(url.target, "/")))
        return err_new(ERR_INVALID, "--server-url: \"" STR_FMT "\" is not https://HOST[:PORT]",
                       STR_ARG(text));
    return NULL;
}

static struct err *parse_local(const struct shell *sh)
{
    const struct cmdline *o = &sh->options;
    bool embedded = cmdline_flag(o, SERVER_EMBEDDED);
    if (embedded && cmdline_given(o, SERVER_KUBECONFIG))
        return err_new(ERR_INVALID, "--embedded and --kubeconfig: it is one or the other");
    if (embedded && !sh->embedded)
        return err_new(ERR_INVALID, "--embedded: this program has no such cluster");
    if (!embedded && cmdline_given(o, SERVER_DATASTORE))
        return err_new(ERR_INVALID, "--datastore goes with --embedded");
    if (!embedded && cmdline_given(o, SERVER_KUBECONFIG_OUT))
        return err_new(ERR_INVALID, "--kubeconfig-out goes with --embedded");
    return NULL;
}

static struct err *parse_peers(struct replica *r)
{
    struct cmdline_values urls = cmdline_list(&r->sh->options, SERVER_PEER);
    if (urls.n && r->listen.port == 0)
        return err_new(ERR_INVALID, "--peer: with --listen ...:0 the others cannot name this one: "
                                    "give it a port");
    return peer_urls_new(urls, &r->peers);
}

static struct err *parse(struct replica *r)
{
    const struct cmdline *o = &r->sh->options;
    struct str listen = cmdline_text(o, SERVER_LISTEN);
    struct err *err = parse_local(r->sh);
    if (!err)
        err = shell_address("--listen", listen.n ? listen : STR(DEFAULT_LISTEN), &r->listen);
    if (!err && cmdline_given(o, SERVER_HTTP_LISTEN))
        err = shell_address("--http-listen", cmdline_text(o, SERVER_HTTP_LISTEN), &r->http_listen);
    if (!err && cmdline_given(o, SERVER_METRICS_LISTEN))
        err = shell_address("--metrics-listen", cmdline_text(o, SERVER_METRICS_LISTEN),
                            &r->metrics_listen);
    if (!err)
        err = shell_policies(cmdline_text(o, SERVER_PROFILE), cmdline_list(o, SERVER_POLICY),
                             &r->policies);
    if (!err)
        err = shell_log_format(cmdline_text(o, SERVER_LOG_FORMAT), &r->log_format);
    if (!err)
        err = parse_server_url(o);
    if (!err)
        err = parse_certificate(o);
    return err ? err : parse_peers(r);
}

/* In a pod that is its name; two processes of one host differ by their port. */
static void make_identity(struct replica *r)
{
    char host[256] = "paddock";
    (void)gethostname(host, sizeof host - 1);
    r->host_name = r->identity = arena_str(&r->sh->arena, str_c(host));
    r->password = cmdline_text(&r->sh->options, SERVER_BOOTSTRAP_PASSWORD);
    if (r->password.n == 0)
        r->password = arena_str(&r->sh->arena, world_env(r->w, "CATTLE_BOOTSTRAP_PASSWORD"));
    if (peer_urls_count(r->peers) == 0)
        return;
    struct world_addr own = world_addr_make(own_host(r), r->listen.port);
    struct buf id = {0};
    world_addr_print(&own, &id);
    r->peer_id = arena_str(&r->sh->arena, buf_str(&id));
    r->identity = r->peer_id;
    buf_free(&id);
}

static struct err *start(struct replica *r)
{
    const struct cmdline *o = &r->sh->options;
    struct uv_world_options world = {.log_level = shell_log_level(r->sh),
                                     .log_format = r->log_format,
                                     .own_address = is_every_address(&r->listen)
                                                        ? str_c(getenv("POD_IP"))
                                                        : str_c(r->listen.host),
                                     .own_websockets = true,
                                     .on_signal = on_signal,
                                     .on_exit = on_engine_exit,
                                     .owner = r};
    struct err *err = uv_world_new(&world, &r->uv);
    if (err)
        return err;
    r->w = uv_world_view(r->uv);
    r->log = (struct log){world_log(r->w), STR("paddock")};
    r->end = world_timer_new(r->w, on_end, r);
    make_identity(r);
    log_info(&r->log, "paddock " PADDOCK_VERSION ", replica " STR_FMT, STR_ARG(r->identity));
    struct given_certificate_options given = {.cert = cmdline_text(o, SERVER_TLS_CERT),
                                              .key = cmdline_text(o, SERVER_TLS_KEY),
                                              .ca = cmdline_text(o, SERVER_CA_CERT),
                                              .changed = on_given_changed,
                                              .owner = r};
    if (given.cert.n)
        err = given_certificate_new(r->sh, r->w, &given, &r->given);
    if (err)
        return err;
    struct local_cluster_options local = {
        .embedded = cmdline_flag(o, SERVER_EMBEDDED) ? r->sh->embedded : NULL,
        .datastore = cmdline_text(o, SERVER_DATASTORE),
        .kubeconfig_out = cmdline_text(o, SERVER_KUBECONFIG_OUT),
        .kubeconfig = cmdline_text(o, SERVER_KUBECONFIG),
        .found = on_local_found,
        .token = on_local_token,
        .failed = on_failed,
        .owner = r};
    return local_cluster_new(r->sh, r->w, &local, &r->local);
}

static void finish(struct replica *r)
{
    peer_urls_free(r->peers);
    free_server(r);
    given_certificate_free(r->given);
    local_cluster_stop(r->local);
    world_timer_free(r->end);
    uv_world_free(r->uv); /* what the embedded cluster is writing is waited for */
    local_cluster_free(r->local);
}

int command_server(struct shell *sh)
{
    struct replica r = {.sh = sh, .code = EXIT_HELD};
    struct err *err = parse(&r);
    if (err) {
        peer_urls_free(r.peers);
        return shell_usage_error(err);
    }
    shell_raise_file_limit();
    err = start(&r);
    if (err)
        r.code = shell_start_error(err);
    else
        (void)uv_world_run(r.uv);
    finish(&r);
    return r.code;
}
