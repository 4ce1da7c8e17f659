/* paddock-sim apiserver: the simulated Kubernetes API on a real port.
 *
 *   credentials ─► server, listening ─► kubeconfig ─► "ready" ─► requests ─(SIGTERM)─► draining ─► exit 0
 *                                                                            └─(again)─► exit 130 */
#include "sim/cli/audit.h"
#include "sim/cli/cli.h"
#include "sim/cli/fault_port.h"
#include "sim/cli/preload.h"
#include "sim/cli/transcript.h"

#include "engine/world/uv/uv_world.h"
#include "sim/embedded/embedded.h"
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
    struct embedded *embedded;
    struct audit *audit;       /* NULL: none */
    struct record *record;     /* NULL: none */
    struct fault_port *faults; /* NULL: none */
    struct world_addr address;
    struct world_timer *drain;
    world_time drain_until;
    bool draining;
    int code;
};

/* ---- the end ---- */

static void on_drain(void *owner)
{
    struct apiserver *s = owner;
    if (embedded_drained(s->embedded) || world_now(s->w) >= s->drain_until)
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
    embedded_drain(s->embedded);
    world_timer_start(s->drain, 0);
}

/* ---- the options ---- */

/* "127.0.0.1:0", "[::1]:6443", ":6443", "localhost:0" */
static struct err *parse_address(const char *option, struct str text, struct world_addr *out)
{
    size_t colon = text.n;
    while (colon > 0 && text.p[colon - 1] != ':')
        colon--;
    uint64_t port;
    struct str host = colon ? str_sub(text, 0, colon - 1) : str_empty;
    if (colon == 0 || !str_to_u64(str_sub(text, colon, text.n), &port) || port > UINT16_MAX)
        return err_new(ERR_INVALID,
                       "%s: \"" STR_FMT "\" is not HOST:PORT; port 0 means any free one", option,
                       STR_ARG(text));
    if (str_starts(host, STR("[")) && str_ends(host, STR("]")))
        host = str_sub(host, 1, host.n - 2);
    if (host.n == 0)
        host = STR("0.0.0.0");
    if (str_eq_c(host, "localhost"))
        host = STR("127.0.0.1");
    if (!world_host_is_numeric(host))
        return err_new(ERR_INVALID,
                       "%s: \"" STR_FMT "\" is not a numeric address; 127.0.0.1 is this "
                       "machine alone, 0.0.0.0 every address it has",
                       option, STR_ARG(host));
    *out = world_addr_make(host, (uint16_t)port);
    return NULL;
}

/* ---- the datastore ---- */

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

static struct err *write_kubeconfig(struct apiserver *s)
{
    struct str path = s->sh->options.kubeconfig_out;
    struct buf text = {0};
    if (path.n == 0)
        return NULL;
    credentials_kubeconfig(embedded_credentials(s->embedded), embedded_url(s->embedded), &text);
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
        err = preload(embedded_api(s->embedded), str_c(path), buf_str(&text), &count);
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
        kubeapi_observe(embedded_api(s->embedded), on_exchange, s,
                        s->record ? KUBEAPI_BODIES_ALL : KUBEAPI_BODIES_SMALL);
    return err;
}

/* Every mistake is told at its place; what is returned says only that there were some. */
static struct err *read_stages(struct apiserver *s, struct str *stages)
{
    struct str path = s->sh->options.stages;
    struct buf text = {0}, said = {0};
    struct diags diags;
    struct stages_texts texts = {str_empty, str_empty};
    struct err *err = path.n ? cli_read_file(path.p, &text) : NULL;
    if (!err && path.n &&
        !stages_load(&s->sh->arena, path, arena_str(&s->sh->arena, buf_str(&text)), &diags,
                     &texts)) {
        diags_print(&diags, &said);
        err = err_new(ERR_INVALID, "these are no stages");
    }
    if (!err && texts.nodes.n)
        err = err_new(ERR_INVALID, "stages of nodes are for the clusters of scenarios: here only "
                                   "\"pods\" can be given");
    *stages = texts.pods;
    cli_print(stderr, &said);
    buf_free(&text);
    return err ? err_wrap(err, ERR_INVALID, "--stages: %s", path.p) : NULL;
}

static struct err *take_faults(struct apiserver *s)
{
    struct str text = s->sh->options.fault_listen;
    struct world_addr at;
    struct err *err = text.n ? parse_address("--fault-listen", text, &at) : NULL;
    if (err || text.n == 0)
        return err;
    return fault_port_new(s->w, embedded_api(s->embedded), &at, &s->faults);
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
    struct str stages = {0};
    err = read_stages(s, &stages);
    if (err)
        return err;
    struct kubeapi_workloads workloads = {
        .nodes = o->has_nodes ? o->nodes : 1, .events = true, .owners = true, .stages = stages};
    struct embedded_options api = {.listen = s->address,
                                   .datastore = o->datastore,
                                   .bare = o->bare,
                                   .workloads = &workloads,
                                   .failed = on_datastore_failed,
                                   .owner = s};
    err = embedded_new(s->w, &api, &s->embedded);
    if (err)
        return err;
    s->drain = world_timer_new(s->w, on_drain, s);
    err = preload_all(s);
    kubeapi_keep_nodes(embedded_api(s->embedded));
    if (!err)
        err = observe(s);
    if (!err)
        err = take_faults(s);
    if (!err)
        err = embedded_listen(s->embedded);
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
    fault_port_free(s->faults);
    bool served = s->embedded && embedded_url(s->embedded).n > 0;
    if (s->embedded)
        embedded_stop(s->embedded);
    if (s->record && served)
        write_record(s);
    record_free(s->record);
    audit_free(s->audit);
    uv_world_free(s->uv); /* a commit under way is waited for */
    embedded_free(s->embedded);
}

int command_apiserver(struct shell *sh)
{
    struct apiserver s = {.sh = sh, .code = EXIT_HELD};
    struct str listen = sh->options.listen.n ? sh->options.listen : STR(DEFAULT_LISTEN);
    struct err *err = parse_address("--listen", listen, &s.address);
    if (err)
        return cli_usage_error(err);
    raise_file_limit();
    err = start(&s);
    if (err) {
        bool input = err->code == ERR_INVALID || err->code == ERR_NOT_FOUND;
        s.code = cli_complain(err, input ? EXIT_USAGE : EXIT_NO_WORLD);
    } else {
        printf("ready " STR_FMT "\n", STR_ARG(embedded_url(s.embedded)));
        fflush(stdout);
        (void)uv_world_run(s.uv);
    }
    finish(&s);
    return s.code;
}
