/* paddock-sim apiserver: the simulated Kubernetes API on a real port.
 *
 *   credentials ─► server, listening ─► kubeconfig ─► "ready" ─► requests ─(SIGTERM)─► draining ─► exit 0
 *                                                                            └─(again)─► exit 130 */
#include "sim/cli/audit.h"
#include "sim/cli/cli.h"
#include "sim/cli/credentials.h"
#include "sim/cli/datastore.h"
#include "sim/cli/preload.h"
#include "sim/cli/transcript.h"

#include "engine/pki/keys.h"
#include "engine/world/uv/uv_world.h"
#include "sim/kubeapi/furnish/furnish.h"
#include "sim/kubeapi/kubeapi.h"
#include "sim/scenario/language/stages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_LISTEN "127.0.0.1:0"
#define DRAIN_LOOK     (10 * NS_PER_MS)
#define DRAIN_TIMEOUT  (10 * NS_PER_S) /* requests that take longer are cut */

struct apiserver {
    struct shell *sh;
    struct uv_world *uv;
    struct world *w;
    struct kubeapi *api;
    struct datastore *datastore; /* NULL: memory */
    struct audit *audit;         /* NULL: none */
    struct record *record;       /* NULL: none */
    struct credentials credentials;
    struct world_addr address;
    struct buf url; /* https://HOST:PORT */
    struct world_timer *drain;
    world_time drain_until;
    bool draining;
    int code;
};

/* ---- the end ---- */

static void on_drain(void *owner)
{
    struct apiserver *s = owner;
    bool done = kubeapi_connections(s->api) == 0 && kubeapi_settled(s->api);
    if (done || world_now(s->w) >= s->drain_until)
        uv_world_stop(s->uv);
    else
        world_timer_start(s->drain, DRAIN_LOOK);
}

static void on_signal(void *owner, int number)
{
    struct apiserver *s = owner;
    (void)number;
    if (s->draining) {
        s->code = EXIT_INTERRUPTED;
        uv_world_stop(s->uv);
        return;
    }
    s->draining = true;
    s->drain_until = world_now(s->w) + DRAIN_TIMEOUT;
    kubeapi_drain(s->api);
    world_timer_start(s->drain, 0);
}

/* ---- the options ---- */

/* "127.0.0.1:0", "[::1]:6443", ":6443", "localhost:0" */
static struct err *parse_listen(struct str text, struct world_addr *out)
{
    size_t colon = text.n;
    while (colon > 0 && text.p[colon - 1] != ':')
        colon--;
    uint64_t port;
    struct str host = colon ? str_sub(text, 0, colon - 1) : str_empty;
    if (colon == 0 || !str_to_u64(str_sub(text, colon, text.n), &port) || port > UINT16_MAX)
        return err_new(ERR_INVALID,
                       "--listen: \"" STR_FMT "\" is not HOST:PORT; port 0 means any free one",
                       STR_ARG(text));
    if (str_starts(host, STR("[")) && str_ends(host, STR("]")))
        host = str_sub(host, 1, host.n - 2);
    if (host.n == 0)
        host = STR("0.0.0.0");
    if (str_eq_c(host, "localhost"))
        host = STR("127.0.0.1");
    if (!world_host_is_numeric(host))
        return err_new(ERR_INVALID,
                       "--listen: \"" STR_FMT "\" is not a numeric address; 127.0.0.1 is this "
                       "machine alone, 0.0.0.0 every address it has",
                       STR_ARG(host));
    *out = world_addr_make(host, (uint16_t)port);
    return NULL;
}

/* ---- the datastore ---- */

static struct err *open_datastore(struct apiserver *s, struct store **store)
{
    struct err *err = cli_datastore_open(s->sh->options.datastore, &s->datastore, store);
    if (!err && s->datastore)
        err = cli_datastore_load_credentials(s->datastore, &s->credentials);
    if (err)
        return err;
    bool made = s->credentials.ca_pem.n == 0;
    err = credentials_make(s->w, str_c(s->address.host), &s->credentials);
    if (!err && made && s->datastore)
        err = cli_datastore_save_credentials(s->datastore, &s->credentials);
    return err;
}

/* Tokens outlive a restart with a datastore: so does the key that they are signed with. */
static struct pki_key *token_key(void *owner)
{
    const struct apiserver *s = owner;
    struct pki_key *key = s->datastore ? cli_datastore_load_token_key(s->datastore) : NULL;
    if (key)
        return key;
    key = pki_key_generate_rsa();
    if (s->datastore)
        cli_datastore_save_token_key(s->datastore, key);
    return key;
}

/* Nothing can be acknowledged any more: whoever runs the server must know. */
static void on_datastore_failed(void *owner, const struct err *why)
{
    struct apiserver *s = owner;
    s->code = cli_complain(err_new(why->code, "--datastore: %s", why->message), EXIT_NO_WORLD);
    uv_world_stop(s->uv);
}

/* ---- the start ---- */

/* Thousands of clients: as many descriptors as the system lets us have. */
static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* Whoever waits for the file sees all of it or none; only its owner may read the key. */
static struct err *write_private(const char *path, struct str bytes)
{
    struct buf beside = {0};
    buf_addf(&beside, "%s.%ld", path, (long)getpid());
    int fd = open(buf_c(&beside), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    bool ok = fd >= 0;
    while (ok && bytes.n > 0) {
        ssize_t n = write(fd, bytes.p, bytes.n);
        ok = n > 0 || errno == EINTR;
        bytes = str_sub(bytes, n > 0 ? (size_t)n : 0, bytes.n);
    }
    if (fd >= 0 && close(fd) != 0)
        ok = false;
    ok = ok && rename(buf_c(&beside), path) == 0;
    struct err *err = ok ? NULL : err_new(ERR_IO, "%s: %s", path, strerror(errno));
    if (!ok && fd >= 0)
        unlink(buf_c(&beside));
    buf_free(&beside);
    return err;
}

static struct err *listen_on(struct apiserver *s)
{
    struct world_tls tls = {.cert_pem = buf_str(&s->credentials.cert_pem),
                            .key_pem = buf_str(&s->credentials.key_pem),
                            .client_ca_pem = buf_str(&s->credentials.ca_pem),
                            .alpn = STR("http/1.1")};
    struct world_listen listen = {.address = s->address, .tls = &tls};
    struct world_listener *listener;
    struct err *err = kubeapi_listen(s->api, &listen, &listener);
    if (err)
        return err;
    struct world_addr shown = s->address;
    shown.port = world_listener_port(listener);
    if (strcmp(shown.host, "0.0.0.0") == 0)
        shown = world_addr_make(STR("127.0.0.1"), shown.port);
    else if (strcmp(shown.host, "::") == 0)
        shown = world_addr_make(STR("::1"), shown.port);
    kubeapi_publish(s->api, str_c(shown.host), shown.port);
    buf_add_c(&s->url, "https://");
    world_addr_print(&shown, &s->url);
    struct furnish_options found = {
        .host = str_c(shown.host), .port = shown.port, .ca_pem = buf_str(&s->credentials.ca_pem)};
    kubeapi_furnish(s->api, &found);
    return NULL;
}

static struct err *write_kubeconfig(struct apiserver *s)
{
    struct str path = s->sh->options.kubeconfig_out;
    struct buf text = {0};
    if (path.n == 0)
        return NULL;
    credentials_kubeconfig(&s->credentials, buf_str(&s->url), &text);
    struct err *err = write_private(path.p, buf_str(&text));
    buf_free(&text);
    return err ? err_wrap(err, ERR_IO, "--kubeconfig-out") : NULL;
}

/* ---- what it starts with, and who looks on ---- */

static struct err *preload_file(struct apiserver *s, const char *path)
{
    struct buf text = {0};
    size_t count = 0;
    struct err *err = cli_read_file(path, &text);
    if (!err)
        err = preload(s->api, str_c(path), buf_str(&text), &count);
    buf_free(&text);
    return err;
}

static bool is_manifest(const char *name)
{
    return cli_is_yaml(name) || str_ends(str_c(name), STR(".json"));
}

/* Definitions come first: the objects may be of their kinds. */
static struct err *preload_all(struct apiserver *s)
{
    const struct options *o = &s->sh->options;
    struct names files = {0};
    struct err *err = NULL;
    if (o->crds.n > 0) {
        cli_walk(o->crds.p, is_manifest, &files);
        if (files.n == 0)
            err = err_new(ERR_NOT_FOUND, "--crds: %s: no *.yaml or *.json file in this folder",
                          o->crds.p);
    }
    for (size_t i = 0; i < files.n && !err; i++)
        err = preload_file(s, files.v[i]);
    if (!err && o->cluster.n > 0)
        err = preload_file(s, o->cluster.p);
    cli_names_free(&files);
    return err;
}

static void on_exchange(void *owner, const struct kubeapi_exchange *x)
{
    struct apiserver *s = owner;
    if (s->audit)
        audit_add(s->audit, x);
    if (s->record)
        record_add(s->record, x);
}

static struct err *observe(struct apiserver *s)
{
    const struct options *o = &s->sh->options;
    struct err *err = o->audit.n ? audit_new(s->w, o->audit.p, &s->audit) : NULL;
    if (!err && o->record.n > 0) {
        err = write_private(o->record.p, str_empty); /* said now, not at the end */
        s->record = record_new();
    }
    if (!err && (s->audit || s->record))
        kubeapi_observe(s->api, on_exchange, s,
                        s->record ? KUBEAPI_BODIES_ALL : KUBEAPI_BODIES_SMALL);
    return err;
}

/* Every mistake is told at its place; what is returned says only that there were some. */
static struct err *read_stages(struct apiserver *s, struct str *stages)
{
    struct str path = s->sh->options.stages;
    struct buf text = {0}, said = {0};
    struct diags diags;
    struct err *err = path.n ? cli_read_file(path.p, &text) : NULL;
    if (!err && path.n &&
        !stages_load(&s->sh->arena, path, arena_str(&s->sh->arena, buf_str(&text)), &diags,
                     stages)) {
        diags_print(&diags, &said);
        err = err_new(ERR_INVALID, "these are no stages");
    }
    cli_print(stderr, &said);
    buf_free(&text);
    return err ? err_wrap(err, ERR_INVALID, "--stages: %s", path.p) : NULL;
}

static struct err *start(struct apiserver *s)
{
    const struct options *o = &s->sh->options;
    struct uv_world_options world = {.log_level = o->logs ? o->log_level : LOG_WARN,
                                     .own_address = str_c(s->address.host),
                                     .on_signal = on_signal,
                                     .owner = s};
    if (strcmp(s->address.host, "0.0.0.0") == 0 || strcmp(s->address.host, "::") == 0)
        world.own_address = str_empty;
    struct err *err = uv_world_new(&world, &s->uv);
    if (err)
        return err;
    s->w = uv_world_view(s->uv);
    struct store *store = NULL;
    err = open_datastore(s, &store);
    if (err) {
        store_free(store);
        return err;
    }
    struct str stages = {0};
    err = read_stages(s, &stages);
    struct kubeapi_workloads workloads = {
        .nodes = o->has_nodes ? o->nodes : 1, .events = true, .owners = true, .stages = stages};
    struct kubeapi_options api = {.name = STR("apiserver"),
                                  .bare = o->bare,
                                  .workloads = &workloads,
                                  .ca_pem = buf_str(&s->credentials.ca_pem),
                                  .ca_key_pem = buf_str(&s->credentials.ca_key_pem),
                                  .token_key = token_key,
                                  .token_key_owner = s,
                                  .store = store,
                                  .datastore = s->datastore,
                                  .datastore_failed = on_datastore_failed,
                                  .datastore_owner = s};
    s->api = kubeapi_new(s->w, &api);
    s->drain = world_timer_new(s->w, on_drain, s);
    if (!err)
        err = preload_all(s);
    kubeapi_keep_nodes(s->api);
    if (!err)
        err = observe(s);
    if (!err)
        err = listen_on(s);
    return err ? err : write_kubeconfig(s);
}

static void write_record(struct apiserver *s)
{
    struct buf text = {0};
    const char *path = s->sh->options.record.p;
    const char *slash = strrchr(path, '/');
    struct str name = str_c(slash ? slash + 1 : path);
    if (str_ends(name, STR(".json")))
        name.n -= strlen(".json");
    record_write(s->record, name, &text);
    struct err *err = write_private(path, buf_str(&text));
    if (err)
        s->code = cli_complain(err_wrap(err, ERR_IO, "--record"), EXIT_NO_WORLD);
    buf_free(&text);
}

static void finish(struct apiserver *s)
{
    if (s->drain)
        world_timer_free(s->drain);
    kubeapi_free(s->api);
    if (s->record && s->url.n > 0)
        write_record(s);
    record_free(s->record);
    audit_free(s->audit);
    uv_world_free(s->uv); /* a commit under way is waited for */
    if (s->datastore)
        s->datastore->ops->close(s->datastore);
    credentials_free(&s->credentials);
    buf_free(&s->url);
}

int command_apiserver(struct shell *sh)
{
    struct apiserver s = {.sh = sh, .code = EXIT_HELD};
    struct str listen = sh->options.listen.n ? sh->options.listen : STR(DEFAULT_LISTEN);
    struct err *err = parse_listen(listen, &s.address);
    if (err)
        return cli_usage_error(err);
    raise_file_limit();
    err = start(&s);
    if (err) {
        bool input = err->code == ERR_INVALID || err->code == ERR_NOT_FOUND;
        s.code = cli_complain(err, input ? EXIT_USAGE : EXIT_NO_WORLD);
    } else {
        printf("ready " STR_FMT "\n", STR_ARG(buf_str(&s.url)));
        fflush(stdout);
        (void)uv_world_run(s.uv);
    }
    finish(&s);
    return s.code;
}
