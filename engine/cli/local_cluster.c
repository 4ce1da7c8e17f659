#include "engine/cli/local_cluster.h"

#include "engine/kube/backoff.h"
#include "engine/kube/kubeconfig.h"

#include <string.h>

#define RESOLVE_TIMEOUT (5 * NS_PER_S)
#define RETRY_FIRST     NS_PER_S
#define RETRY_MAX       (15 * NS_PER_S)

struct local_cluster {
    struct shell *sh;
    struct world *w;
    struct log log;
    struct local_cluster_options o;
    void *embedded; /* NULL: none */
    struct kubeconfig config;
    struct kube_context context;
    struct str host; /* Host header; in the arena */
    struct buf name;
    struct str token_path; /* in the arena; empty: none */
    struct str token;      /* owned */
    struct world_dns *question;
    struct world_timer *retry;
    uint32_t failures;
    struct world_watch *watch;
    struct world_file *reading; /* or writing: the kubeconfig of the embedded one */
};

/* ---- the address ---- */

static void resolve(void *owner);

static void on_resolved(void *owner, const struct world_dns_answer *answer, const struct err *err)
{
    struct local_cluster *c = owner;
    c->question = NULL;
    if (err || answer->n == 0) {
        log_warn(&c->log, "the local cluster's name " STR_FMT " is not resolved, trying again: %s",
                 STR_ARG(c->config.host), err ? err->message : "it has no address");
        world_timer_start(c->retry, kube_backoff(c->w, c->failures++, RETRY_FIRST, RETRY_MAX));
        return;
    }
    c->context.address = world_addr_make(str_c(answer->host[0]), c->config.port);
    c->o.found(c->o.owner);
}

static void on_kubeconfig_written(void *owner, struct str content, const struct err *err)
{
    struct local_cluster *c = owner;
    (void)content;
    c->reading = NULL;
    if (err)
        c->o.failed(c->o.owner, err);
    else
        c->o.found(c->o.owner);
}

/* Only its owner may read it: it holds an administrator's key. */
static void write_kubeconfig(struct local_cluster *c)
{
    struct buf text = {0};
    c->o.embedded->kubeconfig(c->embedded, &text);
    c->reading =
        world_file_write(c->w, c->o.kubeconfig_out, buf_str(&text), 0600, on_kubeconfig_written, c);
    buf_free(&text);
}

static void resolve(void *owner)
{
    struct local_cluster *c = owner;
    if (c->embedded && c->o.kubeconfig_out.n)
        write_kubeconfig(c);
    else if (c->embedded)
        c->o.found(c->o.owner);
    else
        c->question = world_dns_query(c->w, c->config.host, RESOLVE_TIMEOUT, on_resolved, c);
}

/* ---- the token ---- */

static void on_token_read(void *owner, struct str content, const struct err *err)
{
    struct local_cluster *c = owner;
    struct str token = str_trim(content);
    c->reading = NULL;
    if (err || token.n == 0) {
        log_warn(&c->log, "token file " STR_FMT ": %s; the one before stays",
                 STR_ARG(c->token_path), err ? err->message : "it is empty");
        return;
    }
    if (str_eq(token, c->token))
        return;
    str_free(&c->token);
    c->token = str_dup(token);
    c->context.token = c->token;
    log_info(&c->log, "token file " STR_FMT " has changed, its token is used from now on",
             STR_ARG(c->token_path));
    c->o.token(c->o.owner);
}

static void on_token_changed(void *owner)
{
    struct local_cluster *c = owner;
    world_file_cancel(c->reading);
    c->reading = world_file_read(c->w, c->token_path, on_token_read, c);
}

static struct err *read_token(struct local_cluster *c, struct str path)
{
    struct str text;
    struct err *err = shell_read_file(c->sh, path, &text);
    if (err)
        return err;
    c->token = str_dup(str_trim(text));
    if (c->token.n == 0)
        return err_new(ERR_INVALID, STR_FMT ": it holds no token", STR_ARG(path));
    c->token_path = arena_str(&c->sh->arena, path);
    c->watch = world_file_watch(c->w, c->token_path, on_token_changed, c);
    return NULL;
}

/* ---- where it is, and who we are there ---- */

/* A name in a kubeconfig is relative to the kubeconfig. */
static struct str beside(struct local_cluster *c, struct str name)
{
    struct str of = c->o.kubeconfig;
    while (of.n && of.p[of.n - 1] != '/')
        of.n--;
    if (name.p[0] == '/' || of.n == 0)
        return name;
    return arena_printf(&c->sh->arena, STR_FMT STR_FMT, STR_ARG(of), STR_ARG(name));
}

static struct err *read_material(struct local_cluster *c, struct str data, struct str file,
                                 struct str *out)
{
    *out = data;
    return data.n || file.n == 0 ? NULL : shell_read_file(c->sh, beside(c, file), out);
}

static struct err *take_config(struct local_cluster *c)
{
    const struct kubeconfig *k = &c->config;
    struct err *err = read_material(c, k->ca_pem, k->ca_file, &c->context.ca_pem);
    if (!err)
        err = read_material(c, k->cert_pem, k->cert_file, &c->context.cert_pem);
    if (!err)
        err = read_material(c, k->key_pem, k->key_file, &c->context.key_pem);
    if (!err && k->token_file.n)
        err = read_token(c, beside(c, k->token_file));
    else if (!err)
        c->token = str_dup(k->token);
    c->context.plain = !k->tls;
    c->context.insecure = k->insecure;
    c->context.host = k->server_name.n ? k->server_name : k->host;
    c->context.token = c->token;
    return err;
}

static struct err *use_kubeconfig(struct local_cluster *c)
{
    struct str text;
    struct err *err = shell_read_file(c->sh, c->o.kubeconfig, &text);
    if (!err)
        err = kubeconfig_parse(&c->sh->arena, c->o.kubeconfig, text, str_empty, &c->config);
    if (!err)
        err = take_config(c);
    buf_addf(&c->name, STR_FMT " of " STR_FMT, STR_ARG(c->config.server), STR_ARG(c->o.kubeconfig));
    return err ? err_wrap(err, ERR_INVALID, "--kubeconfig") : NULL;
}

static struct err *use_service_account(struct local_cluster *c)
{
    struct str dir = c->o.account_dir.n ? c->o.account_dir : STR(LOCAL_CLUSTER_ACCOUNT_DIR);
    struct arena *a = &c->sh->arena;
    uint64_t port = 443;
    struct str host = world_env(c->w, "KUBERNETES_SERVICE_HOST");
    struct str port_text = world_env(c->w, "KUBERNETES_SERVICE_PORT");
    if (host.n == 0)
        return err_new(ERR_INVALID,
                       "there is no local cluster: give --kubeconfig FILE, or --embedded for one "
                       "of its own, or run it in a cluster");
    if (port_text.n && (!str_to_u64(port_text, &port) || port == 0 || port > UINT16_MAX))
        return err_new(ERR_INVALID, "KUBERNETES_SERVICE_PORT: \"" STR_FMT "\" is no port",
                       STR_ARG(port_text));
    c->config = (struct kubeconfig){
        .tls = true,
        .host = arena_str(a, host),
        .port = (uint16_t)port,
        .ca_file = arena_printf(a, STR_FMT "/ca.crt", STR_ARG(dir)),
        .token_file = arena_printf(a, STR_FMT "/token", STR_ARG(dir)),
    };
    buf_addf(&c->name, "the one that this is a pod of, " STR_FMT, STR_ARG(c->config.host));
    struct err *err = take_config(c);
    return err ? err_wrap(err, ERR_INVALID, "the pod's service account") : NULL;
}

static struct err *use_embedded(struct local_cluster *c)
{
    const struct shell_embedded *e = c->o.embedded;
    struct err *err =
        e->start(c->w, c->o.datastore, c->o.failed, c->o.owner, &c->context, &c->embedded);
    if (err)
        return err;
    struct str datastore = c->o.datastore.n ? c->o.datastore : STR("memory");
    buf_add_c(&c->name, "embedded at https://");
    world_addr_print(&c->context.address, &c->name);
    buf_addf(&c->name, ", datastore " STR_FMT, STR_ARG(datastore));
    return NULL;
}

/* ---- life ---- */

struct err *local_cluster_new(struct shell *sh, struct world *w,
                              const struct local_cluster_options *o, struct local_cluster **out)
{
    struct local_cluster *c = MEM_NEW(struct local_cluster);
    c->sh = sh;
    c->w = w;
    c->o = *o;
    c->log = (struct log){world_log(w), STR("local-cluster")};
    c->retry = world_timer_new(w, resolve, c);
    *out = c; /* beside an error too: to be freed after the world */
    struct err *err = o->embedded       ? use_embedded(c)
                      : o->kubeconfig.n ? use_kubeconfig(c)
                                        : use_service_account(c);
    if (!err)
        world_timer_start(c->retry, 0);
    return err;
}

const struct kube_context *local_cluster_context(const struct local_cluster *c)
{
    return &c->context;
}

struct str local_cluster_name(const struct local_cluster *c)
{
    return buf_str(&c->name);
}

void local_cluster_drain(struct local_cluster *c)
{
    if (c->embedded)
        c->o.embedded->drain(c->embedded);
}

bool local_cluster_drained(const struct local_cluster *c)
{
    return !c->embedded || c->o.embedded->drained(c->embedded);
}

void local_cluster_stop(struct local_cluster *c)
{
    if (!c)
        return;
    world_dns_cancel(c->question);
    world_file_cancel(c->reading);
    if (c->watch)
        world_watch_close(c->watch);
    world_timer_free(c->retry);
    if (c->embedded)
        c->o.embedded->stop(c->embedded);
}

void local_cluster_free(struct local_cluster *c)
{
    if (!c)
        return;
    if (c->embedded)
        c->o.embedded->free(c->embedded);
    str_free(&c->token);
    buf_free(&c->name);
    mem_free(c);
}
