/* The estate of a plan as processes. */
#include "sim/real/world/middlebox.h"

#include "engine/kube/kubeconfig.h"
#include "engine/world/uv/uv_world.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LOOK_EVERY (20 * NS_PER_MS)

int64_t rig_now(const struct rig *r)
{
    return world_now(r->w) - r->started_ns;
}

struct str rig_path(const struct rig *r, const char *format, ...)
{
    char name[512];
    struct buf path = {0};
    va_list list;
    va_start(list, format);
    int n = vsnprintf(name, sizeof name, format, list);
    va_end(list);
    BUG_ON(n < 0 || n >= (int)sizeof name, "a file's name of ours is short");
    buf_addf(&path, "%s/%s", r->folder.p, name);
    buf_add_char(&path, 0);
    struct str owned = buf_take(&path);
    owned.n--; /* the NUL is not part of the text */
    return owned;
}

struct err *rig_write(const char *path, struct str bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool ok = fd >= 0;
    while (ok && bytes.n > 0) {
        ssize_t n = write(fd, bytes.p, bytes.n);
        ok = n > 0 || (n < 0 && errno == EINTR);
        bytes = str_sub(bytes, n > 0 ? (size_t)n : 0, bytes.n);
    }
    if (fd >= 0 && close(fd) != 0)
        ok = false;
    return ok ? NULL : err_new(ERR_IO, "%s: %s", path, strerror(errno));
}

/* ---- processes ---- */

static struct process *of_site(struct rig_site *s, size_t i)
{
    return i == 0 ? &s->api.process : &s->replicas[i - 1].process;
}

static struct process *of_cluster(struct rig *r, struct rig_cluster *c, size_t i)
{
    return i == 0 ? &c->api.process : &r->agents[c->first_agent + i - 1].process;
}

struct process *rig_process(struct rig *r, size_t i)
{
    for (size_t s = 0; s < r->sites_n; s++) {
        if (i <= r->sites[s].replicas_n)
            return of_site(&r->sites[s], i);
        i -= r->sites[s].replicas_n + 1;
    }
    for (size_t c = 0; c < r->clusters_n; c++) {
        if (i <= r->clusters[c].agents_n)
            return of_cluster(r, &r->clusters[c], i);
        i -= r->clusters[c].agents_n + 1;
    }
    return NULL;
}

/* ---- asking the APIs ---- */

static struct err *read_text(const char *path, struct buf *out)
{
    char chunk[4096];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? 1 : -1;
    while (n > 0 && (n = read(fd, chunk, sizeof chunk)) > 0)
        buf_add(out, (struct str){chunk, (size_t)n});
    if (fd >= 0)
        close(fd);
    return n < 0 ? err_new(ERR_IO, "%s: %s", path, strerror(errno)) : NULL;
}

struct err *rig_read(const char *name, const struct rig *r, struct str *out)
{
    struct str path = rig_path(r, "%s", name);
    struct buf text = {0};
    struct err *err = read_text(path.p, &text);
    *out = buf_take(&text);
    str_free(&path);
    return err;
}

/* Its administrator is in the kubeconfig that it wrote. */
static struct err *meet_api(struct rig *r, struct rig_api *a)
{
    struct arena arena = {0};
    struct buf text = {0};
    struct kubeconfig k = {0};
    struct err *err = read_text(a->kubeconfig.p, &text);
    if (!err)
        err = kubeconfig_parse(&arena, a->kubeconfig, buf_str(&text), str_empty, &k);
    if (!err) {
        struct asker_options o = {.w = r->w,
                                  .netns = a->host.netns,
                                  .address = world_addr_make(a->host.address, RIG_API_PORT),
                                  .tls = true,
                                  .cert_pem = k.cert_pem,
                                  .key_pem = k.key_pem};
        asker_free(a->asker);
        a->asker = asker_new(&o);
    }
    buf_free(&text);
    arena_free(&arena);
    return err;
}

static struct err *look_api(struct rig *r, struct rig_api *a)
{
    if (!a->process.ready || a->asker)
        return NULL;
    return meet_api(r, a);
}

/* ---- looking ---- */

static bool alive(const struct rig_site *s)
{
    for (size_t i = 0; i < s->replicas_n; i++)
        if (process_runs(&s->replicas[i].process))
            return true;
    return false;
}

static void on_fenced(void *owner, int status, struct str body)
{
    struct rig_site *s = owner;
    (void)body;
    if (status != 200 && status != 201)
        s->fenced = 0; /* told again */
}

/* The API of a demoted site refuses writes, also when it has started again; one that is promoted takes them again. */
static void look_fence(struct rig_site *s)
{
    static const struct str fence = STR_INIT("{\"id\":\"fence\",\"kind\":\"fence\"}");
    const struct process *api = &s->api.process;
    if (!api->ready)
        return;
    if (s->role == RIG_DEMOTED && s->fenced != api->starts) {
        s->fenced = api->starts;
        asker_send(s->api.faults, "POST", STR("/faults"), "application/json", fence, on_fenced, s);
    } else if (s->role != RIG_DEMOTED && s->fenced == api->starts) {
        s->fenced = 0;
        asker_send(s->api.faults, "DELETE", STR("/faults/fence"), NULL, str_empty, on_fenced, s);
    }
}

static void look_site(struct rig_site *s)
{
    look_fence(s);
    bool lives = alive(s);
    if (lives)
        s->died_at = -1;
    else if (s->died_at < 0 && s->role != RIG_STANDBY)
        s->died_at = rig_now(s->rig);
}

struct err *rig_look(struct rig *r)
{
    struct err *err = NULL;
    struct process *p;
    for (size_t i = 0; !err && (p = rig_process(r, i)); i++)
        err = process_look(p, rig_now(r));
    for (size_t i = 0; !err && i < r->sites_n; i++) {
        err = look_api(r, &r->sites[i].api);
        if (!err)
            err = rig_front_look(&r->sites[i]);
        look_site(&r->sites[i]);
    }
    for (size_t i = 0; !err && i < r->clusters_n; i++)
        err = look_api(r, &r->clusters[i].api);
    for (size_t i = 0; !err && i < r->clusters_n; i++)
        rig_import_look(&r->clusters[i]);
    return err ? err : rig_copies_look(r);
}

/* ---- bringing it up ---- */

struct rising {
    struct rig *rig;
    struct uv_world *uv;
    const bool *interrupted;
    struct world_timer *timer;
    int64_t deadline;
    struct err *err;
};

/* One that ended, or one that is waited for; NULL: all that is wanted is ready. */
static const struct process *not_ready(struct rig *r, bool *ended)
{
    const struct process *waited = NULL, *p;
    *ended = false;
    for (size_t i = 0; (p = rig_process(r, i)); i++) {
        if (!p->wanted || p->ready)
            continue;
        if (p->ends > 0) {
            *ended = true;
            return p;
        }
        if (!waited || p->state == PROCESS_RUNNING)
            waited = p;
    }
    return waited;
}

static void on_rise(void *owner)
{
    struct rising *u = owner;
    struct rig *r = u->rig;
    bool ended = false;
    u->err = rig_look(r);
    const struct process *p = u->err ? NULL : not_ready(r, &ended);
    if (ended)
        u->err = process_error(p, "before it was ready");
    else if (p && world_now(r->w) >= u->deadline)
        u->err = process_error(p, "is not ready after 60 s");
    if (u->err || !p || (u->interrupted && *u->interrupted))
        uv_world_stop(u->uv);
    else
        world_timer_start(u->timer, LOOK_EVERY);
}

static void want_all(struct rig *r)
{
    for (size_t s = 0; s < r->sites_n; s++) {
        bool up = r->sites[s].role == RIG_ACTIVE;
        if (up)
            process_want(&r->sites[s].api.process, rig_now(r));
        for (size_t i = 0; i < r->sites[s].replicas_n && up; i++)
            process_want(&r->sites[s].replicas[i].process, rig_now(r));
    }
    for (size_t c = 0; c < r->clusters_n; c++)
        process_want(&r->clusters[c].api.process, rig_now(r));
}

static struct err *make_records(struct rig *r)
{
    struct err *err = NULL;
    for (size_t i = 0; !err && i < r->plan->topology.dns.records.n; i++) {
        const struct plan_record *p = PLAN_RECORD(r->plan, i);
        err = rig_dns_set(r, p, p->sites, p->value.n, -1);
    }
    return err;
}

struct err *rig_bring_up(struct rig *r, struct uv_world *uv, const bool *interrupted)
{
    struct rising u = {.rig = r, .uv = uv, .interrupted = interrupted};
    struct err *err = rig_make_hosts(r);
    if (!err)
        err = rig_make_certificate(r);
    if (!err)
        err = make_records(r);
    if (!err)
        err = rig_make_links(r);
    if (err)
        return err;
    rig_arm_servers(r);
    r->started_ns = world_now(r->w);
    u.deadline = r->started_ns + RIG_READY_WITHIN;
    want_all(r);
    u.timer = world_timer_new(r->w, on_rise, &u);
    world_timer_start(u.timer, 0);
    (void)uv_world_run(uv);
    world_timer_free(u.timer);
    r->started_ns = world_now(r->w); /* the run's 0 */
    return u.err;
}

/* ---- DNS, promotion ---- */

struct err *rig_dns_set(struct rig *r, const struct plan_record *record, const int32_t *sites,
                        size_t n, int64_t ttl_ns)
{
    struct str addresses[NETLAB_ADDRESSES_MAX];
    struct buf name = {0};
    size_t used = n < ARRAY_LEN(addresses) ? n : ARRAY_LEN(addresses);
    for (size_t i = 0; i < used; i++)
        addresses[i] = r->sites[sites[i]].front.address;
    int64_t ttl = (ttl_ns < 0 ? record->ttl_ns : ttl_ns) / NS_PER_S;
    buf_addf(&name, STR_FMT "." STR_FMT, STR_ARG(record->origin.name),
             STR_ARG(r->plan->topology.dns.zone));
    struct err *err = netlab_dns_set(r->lab, buf_str(&name), (uint32_t)ttl, addresses, used);
    buf_free(&name);
    return err;
}

struct err *rig_promote(struct rig *r, int32_t site)
{
    struct rig_site *s = &r->sites[site];
    struct err *err = NULL;
    r->active = site;
    if (s->role == RIG_ACTIVE)
        return NULL;
    s->role = RIG_ACTIVE;
    s->promoted_at = rig_now(r);
    if (s->has_copy)
        err = rig_restore(s);
    process_want(&s->api.process, rig_now(r));
    for (size_t i = 0; i < s->replicas_n; i++)
        process_want(&s->replicas[i].process, rig_now(r));
    return err;
}

/* Its API refuses writes, so that its leader stops. */
void rig_demote(struct rig *r, int32_t site)
{
    struct rig_site *s = &r->sites[site];
    if (s->role == RIG_DEMOTED)
        return;
    for (size_t i = 0; i < r->sites_n; i++)
        if ((int32_t)i != site && r->active == site)
            err_ignore(rig_copy(s, &r->sites[i])); /* the last copy stays */
    s->role = RIG_DEMOTED;
    s->demoted_at = rig_now(r);
    look_fence(s);
}

int32_t rig_site_of(const struct rig *r, struct str address)
{
    for (size_t i = 0; i < r->sites_n; i++)
        if (str_eq(r->sites[i].front.address, address))
            return (int32_t)i;
    return -1;
}

/* ---- life ---- */

struct rig *rig_new(const struct rig_options *o)
{
    struct rig *r = MEM_NEW(struct rig);
    struct buf folder = {0};
    buf_addf(&folder, "%s", o->folder);
    buf_add_char(&folder, 0);
    *r = (struct rig){.plan = o->plan,
                      .w = o->w,
                      .lab = o->lab,
                      .folder = buf_take(&folder),
                      .programs = o->programs,
                      .active = -1,
                      .changed = o->changed,
                      .owner = o->owner};
    return r;
}

static void free_host(struct rig_host *h)
{
    if (h->address.n && h->netns >= 0)
        close(h->netns);
}

static void free_api(struct rig_api *a)
{
    asker_free(a->asker);
    asker_free(a->faults);
    if (a->process.name.n)
        process_free(&a->process);
    str_free(&a->kubeconfig);
    str_free(&a->store);
    free_host(&a->host);
}

static void free_site(struct rig_site *s)
{
    middlebox_free(s->middlebox);
    for (size_t i = 0; i < s->replicas_n; i++) {
        asker_free(s->replicas[i].metrics);
        asker_free(s->replicas[i].asker);
        process_free(&s->replicas[i].process);
        free_host(&s->replicas[i].host);
    }
    mem_free(s->replicas);
    free_api(&s->api);
    free_host(&s->front);
    str_free(&s->name);
    str_free(&s->copy);
    str_free(&s->token);
}

void rig_free(struct rig *r)
{
    struct process *p;
    if (!r)
        return;
    for (size_t i = 0; (p = rig_process(r, i)); i++) { /* all at once, before they are waited for */
        p->changed = NULL;
        p->wanted = false;
        process_signal(p, SIGKILL);
    }
    for (size_t i = 0; i < r->agents_n; i++) {
        asker_free(r->agents[i].health);
        asker_free(r->agents[i].caches);
        process_free(&r->agents[i].process);
        free_host(&r->agents[i].host);
    }
    for (size_t i = 0; i < r->clusters_n; i++) {
        rig_import_free(&r->clusters[i]);
        free_api(&r->clusters[i].api);
        free_host(&r->clusters[i].dns);
        str_free(&r->clusters[i].name);
        str_free(&r->clusters[i].id);
    }
    for (size_t i = 0; i < r->sites_n; i++)
        free_site(&r->sites[i]);
    mem_free(r->agents);
    mem_free(r->clusters);
    mem_free(r->sites);
    str_free(&r->ca_pem);
    str_free(&r->folder);
    mem_free(r);
}
