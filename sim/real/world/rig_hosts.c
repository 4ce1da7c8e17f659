/* Hosts of the lab, certificates, and what processes are started with. */
#include "engine/base/json.h"
#include "engine/pki/x509.h"
#include "sim/real/world/rig.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define CERTIFICATE_LIFE_S (30 * 24 * 3600)
#define EARLY_S            3600

/* ---- hosts ---- */

static struct err *take_host(struct rig *r, struct rig_host *h)
{
    struct buf path = {0};
    buf_addf(&path, "/var/run/netns/%s", netlab_host_namespace(r->lab, h->id));
    h->address = str_c(netlab_host_address(r->lab, h->id));
    h->netns = open(buf_c(&path), O_RDONLY | O_CLOEXEC);
    struct err *err =
        h->netns < 0 ? err_new(ERR_IO, "%s: %s", buf_c(&path), strerror(errno)) : NULL;
    buf_free(&path);
    return err;
}

static struct err *add_host(struct rig *r, struct rig_host *h, struct str of, const char *what,
                            int64_t i)
{
    struct buf name = {0};
    buf_addf(&name, STR_FMT "-%s", STR_ARG(of), what);
    if (i >= 0)
        buf_addf(&name, "-%lld", (long long)i);
    struct err *err = netlab_add_host(r->lab, buf_str(&name), &h->id);
    if (!err)
        err = take_host(r, h);
    buf_free(&name);
    return err;
}

static void init_process(struct rig *r, struct process *p, const struct rig_host *h, struct str of,
                         const char *what, int64_t i)
{
    struct buf name = {0};
    buf_addf(&name, STR_FMT "/%s", STR_ARG(of), what);
    if (i >= 0)
        buf_addf(&name, "-%lld", (long long)i);
    process_init(p, buf_str(&name), r->folder.p, r->lab, h->id);
    p->changed = r->changed;
    p->owner = r->owner;
    buf_free(&name);
}

static void add_word(struct process *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void add_word(struct process *p, const char *format, ...)
{
    char text[1024];
    va_list list;
    va_start(list, format);
    int n = vsnprintf(text, sizeof text, format, list);
    va_end(list);
    BUG_ON(n < 0 || n >= (int)sizeof text, "an argument of ours is short");
    process_argument(p, (struct str){text, (size_t)n});
}

static struct err *make_api(struct rig *r, struct rig_api *a, struct str host, struct str of,
                            int64_t nodes)
{
    struct err *err = add_host(r, &a->host, host, "api", -1);
    if (err)
        return err;
    init_process(r, &a->process, &a->host, of, "api", -1);
    a->kubeconfig = rig_path(r, STR_FMT ".kubeconfig", STR_ARG(a->process.file_name));
    a->store = rig_path(r, STR_FMT ".db", STR_ARG(a->process.file_name));
    a->process.says_ready = true;
    process_argument(&a->process, r->programs.paddock_sim);
    process_argument(&a->process, STR("apiserver"));
    add_word(&a->process, "--listen=" STR_FMT ":%u", STR_ARG(a->host.address), RIG_API_PORT);
    add_word(&a->process, "--kubeconfig-out=" STR_FMT, STR_ARG(a->kubeconfig));
    add_word(&a->process, "--datastore=sqlite:" STR_FMT, STR_ARG(a->store));
    add_word(&a->process, "--fault-listen=127.0.0.1:%u", RIG_FAULT_PORT);
    if (nodes > 0)
        add_word(&a->process, "--nodes=%lld", (long long)nodes);
    struct asker_options o = {.w = r->w,
                              .netns = a->host.netns,
                              .address = world_addr_make(STR("127.0.0.1"), RIG_FAULT_PORT)};
    a->faults = asker_new(&o);
    return NULL;
}

static struct err *make_site(struct rig *r, uint32_t index)
{
    const struct plan_site *p = PLAN_SITE(r->plan, index);
    struct rig_site *s = &r->sites[index];
    struct buf name = {0};
    buf_addf(&name, "site/" STR_FMT, STR_ARG(p->origin.name));
    *s = (struct rig_site){.rig = r,
                           .index = index,
                           .name = buf_take(&name),
                           .role = p->manager.standby ? RIG_STANDBY : RIG_ACTIVE,
                           .died_at = -1,
                           .promoted_at = -1,
                           .demoted_at = -1,
                           .copy_due = p->manager.copy_every_ns};
    s->copy = rig_path(r, STR_FMT ".copy", STR_ARG(p->origin.name));
    struct err *err = make_api(r, &s->api, p->origin.name, s->name, 0);
    if (!err)
        err = add_host(r, &s->front, p->origin.name, "front", -1);
    s->replicas = MEM_NEW_ARRAY(struct rig_replica, (size_t)p->manager.replicas);
    for (int64_t i = 0; !err && i < p->manager.replicas; i++) {
        struct rig_replica *m = &s->replicas[i];
        m->site = s;
        err = add_host(r, &m->host, p->origin.name, "manager", i);
        if (err)
            break;
        init_process(r, &m->process, &m->host, s->name, "manager", i);
        s->replicas_n++;
        struct asker_options metrics = {.w = r->w,
                                        .netns = m->host.netns,
                                        .address =
                                            world_addr_make(m->host.address, RIG_METRICS_PORT)};
        struct asker_options direct = {.w = r->w,
                                       .netns = m->host.netns,
                                       .address = world_addr_make(m->host.address, RIG_PORT),
                                       .tls = true};
        m->metrics = asker_new(&metrics);
        m->asker = asker_new(&direct);
    }
    return err;
}

/* The kind of resolver of a cluster, as the simulated estate has it: by the hash of its name. */
static int32_t resolver_kind(const struct plan *plan, struct str cluster)
{
    int64_t point = (int64_t)(str_hash(cluster) % 1000000u), taken = 0;
    for (size_t i = 0; i < plan->topology.dns.resolvers.n; i++) {
        taken += PLAN_RESOLVER(plan, i)->share_ppm;
        if (point < taken)
            return (int32_t)i;
    }
    return 0;
}

static struct err *make_resolver(struct rig *r, struct rig_cluster *c)
{
    const struct plan_resolver *p = PLAN_RESOLVER(r->plan, c->resolver);
    struct netlab_resolver_options o = {.cache_off = !p->cache,
                                        .negative_ttl_s = (uint32_t)(p->negative_ttl_ns / NS_PER_S),
                                        .hold_s =
                                            p->obey_ttl ? 0 : (uint32_t)(p->hold_ns / NS_PER_S)};
    struct buf name = {0};
    buf_addf(&name, STR_FMT "-dns", STR_ARG(c->name));
    struct err *err = netlab_add_resolver(r->lab, buf_str(&name), &o, &c->dns.id);
    buf_free(&name);
    return err ? err : take_host(r, &c->dns);
}

static struct err *make_agent(struct rig *r, struct rig_cluster *c, uint32_t slot)
{
    struct rig_agent *a = &r->agents[r->agents_n];
    *a = (struct rig_agent){.cluster = c->index, .slot = slot};
    struct err *err = add_host(r, &a->host, c->name, "agent", slot);
    if (!err)
        err = netlab_use_resolver(r->lab, a->host.id, c->dns.id);
    if (err)
        return err;
    init_process(r, &a->process, &a->host, c->name, "agent", slot);
    r->agents_n++;
    c->agents_n++;
    struct asker_options health = {.w = r->w,
                                   .netns = a->host.netns,
                                   .address = world_addr_make(a->host.address, RIG_HEALTH_PORT)};
    struct asker_options caches = {
        .w = r->w, .netns = a->host.netns, .address = world_addr_make(STR("127.0.0.1"), 6080)};
    a->health = asker_new(&health);
    a->caches = asker_new(&caches);
    return NULL;
}

static struct err *make_cluster(struct rig *r, uint32_t group, uint32_t in_group)
{
    const struct plan_group *g = PLAN_GROUP(r->plan, group);
    struct rig_cluster *c = &r->clusters[r->clusters_n];
    struct buf name = {0}, id = {0};
    buf_addf(&name, STR_FMT "-%u", STR_ARG(g->origin.name), in_group);
    buf_addf(&id, "c-%s", buf_c(&name));
    *c = (struct rig_cluster){.rig = r,
                              .index = (uint32_t)r->clusters_n,
                              .group = group,
                              .in_group = in_group,
                              .resolver = resolver_kind(r->plan, buf_str(&name)),
                              .name = buf_take(&name),
                              .id = buf_take(&id),
                              .first_agent = r->agents_n};
    r->clusters_n++;
    struct err *err = make_api(r, &c->api, c->name, c->name, g->nodes);
    if (!err)
        err = make_resolver(r, c);
    for (uint32_t i = 0; !err && i < (uint32_t)g->agent.replicas; i++)
        err = make_agent(r, c, i);
    return err;
}

struct err *rig_make_hosts(struct rig *r)
{
    size_t clusters = 0, agents = 0;
    struct err *err = NULL;
    for (size_t g = 0; g < r->plan->topology.groups.n; g++) {
        const struct plan_group *p = PLAN_GROUP(r->plan, g);
        clusters += (size_t)p->count;
        agents += (size_t)(p->count * p->agent.replicas);
    }
    r->sites = MEM_NEW_ARRAY(struct rig_site, r->plan->topology.sites.n);
    r->clusters = MEM_NEW_ARRAY(struct rig_cluster, clusters);
    r->agents = MEM_NEW_ARRAY(struct rig_agent, agents);
    for (uint32_t i = 0; !err && i < r->plan->topology.sites.n; i++) {
        r->sites_n++;
        err = make_site(r, i);
        if (r->sites[i].role == RIG_ACTIVE && r->active < 0)
            r->active = (int32_t)i;
    }
    for (uint32_t g = 0; !err && g < r->plan->topology.groups.n; g++)
        for (uint32_t i = 0; !err && i < (uint32_t)PLAN_GROUP(r->plan, g)->count; i++)
            err = make_cluster(r, g, i);
    return err;
}

/* ---- certificates ---- */

static struct pki_key *new_key(struct world *w)
{
    unsigned char entropy[PKI_ENTROPY_BYTES];
    world_random(w, entropy, sizeof entropy);
    return pki_key_derive(PKI_P256, entropy);
}

static struct err *write_certificates(struct rig *r, struct str ca_der, struct str der,
                                      const struct pki_key *key)
{
    struct buf ca = {0}, chain = {0}, key_pem = {0};
    struct str paths[] = {rig_path(r, "manager.ca.pem"), rig_path(r, "manager.pem"),
                          rig_path(r, "manager.key")};
    struct err *err = pki_chain_to_pem(ca_der, &ca);
    if (!err)
        err = pki_chain_to_pem(der, &chain);
    pki_key_to_pem(key, &key_pem);
    if (!err)
        err = rig_write(paths[0].p, buf_str(&ca));
    if (!err)
        err = rig_write(paths[1].p, buf_str(&chain));
    if (!err)
        err = rig_write(paths[2].p, buf_str(&key_pem));
    r->ca_pem = str_dup(buf_str(&ca));
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        str_free(&paths[i]);
    buf_free(&ca);
    buf_free(&chain);
    buf_free(&key_pem);
    return err;
}

/* Names and addresses under which a manager is reached. */
static void add_names(struct rig *r, struct arena *a, struct pki_cert_spec *spec)
{
    const struct plan_dns *dns = &r->plan->topology.dns;
    struct str *names = ARENA_NEW_ARRAY(a, struct str, dns->records.n + 1);
    struct str *ips = ARENA_NEW_ARRAY(a, struct str, PKI_NAMES_MAX);
    for (size_t i = 0; i < dns->records.n; i++)
        names[spec->dns_n++] =
            arena_printf(a, STR_FMT "." STR_FMT, STR_ARG(PLAN_RECORD(r->plan, i)->origin.name),
                         STR_ARG(dns->zone));
    for (size_t s = 0; s < r->sites_n; s++) {
        ips[spec->ips_n++] = r->sites[s].front.address;
        for (size_t i = 0; i < r->sites[s].replicas_n; i++)
            ips[spec->ips_n++] = r->sites[s].replicas[i].host.address;
    }
    spec->dns = names;
    spec->ips = ips;
}

struct err *rig_make_certificate(struct rig *r)
{
    struct arena arena = {0};
    struct pki_key *ca_key = new_key(r->w), *key = new_key(r->w);
    struct buf ca_der = {0}, der = {0};
    int64_t now_s = world_wall(r->w) / NS_PER_S;
    struct pki_cert_spec ca = {.common_name = STR("manager"),
                               .not_before_s = now_s - EARLY_S,
                               .not_after_s = now_s + CERTIFICATE_LIFE_S,
                               .serial = world_random_below(r->w, INT64_MAX) + 1,
                               .usage = PKI_CA};
    struct pki_cert_spec leaf = ca;
    leaf.usage = PKI_SERVER;
    leaf.serial = world_random_below(r->w, INT64_MAX) + 1;
    add_names(r, &arena, &leaf);
    struct err *err = pki_issue(&ca, ca_key, str_empty, ca_key, &ca_der);
    if (!err)
        err = pki_issue(&leaf, key, buf_str(&ca_der), ca_key, &der);
    if (!err)
        err = write_certificates(r, buf_str(&ca_der), buf_str(&der), key);
    pki_key_free(ca_key);
    pki_key_free(key);
    buf_free(&ca_der);
    buf_free(&der);
    arena_free(&arena);
    return err;
}

/* An authority that has issued nothing, as PEM. */
struct err *rig_other_ca(struct rig *r, struct buf *out)
{
    struct pki_key *key = new_key(r->w);
    struct buf der = {0};
    int64_t now_s = world_wall(r->w) / NS_PER_S;
    struct pki_cert_spec spec = {.common_name = STR("manager-other"),
                                 .not_before_s = now_s - EARLY_S,
                                 .not_after_s = now_s + CERTIFICATE_LIFE_S,
                                 .serial = world_random_below(r->w, INT64_MAX) + 1,
                                 .usage = PKI_CA};
    struct err *err = pki_issue(&spec, key, str_empty, key, &der);
    if (!err)
        err = pki_chain_to_pem(buf_str(&der), out);
    pki_key_free(key);
    buf_free(&der);
    return err;
}

/* ---- what they are started with ---- */

static void add_policies(const struct plan *plan, struct process *p)
{
    struct str item, rest = plan->policies_set;
    add_word(p, "--profile=" STR_FMT, STR_ARG(plan->profile));
    for (bool more = rest.n > 0; more;) {
        more = str_cut(rest, ',', &item, &rest);
        add_word(p, "--policy=" STR_FMT, STR_ARG(item));
    }
}

static void arm_server(struct rig *r, struct rig_replica *m)
{
    struct process *p = &m->process;
    const struct rig_site *s = m->site;
    const struct plan_dns *dns = &r->plan->topology.dns;
    p->says_ready = true;
    p->needs = &s->api.process;
    process_argument(p, r->programs.paddock);
    process_argument(p, STR("server"));
    add_word(p, "--kubeconfig=" STR_FMT, STR_ARG(s->api.kubeconfig));
    add_word(p, "--listen=" STR_FMT ":%u", STR_ARG(m->host.address), RIG_PORT);
    add_word(p, "--metrics-listen=" STR_FMT ":%u", STR_ARG(m->host.address), RIG_METRICS_PORT);
    if (dns->records.n)
        add_word(p, "--server-url=https://" STR_FMT "." STR_FMT,
                 STR_ARG(PLAN_RECORD(r->plan, 0)->origin.name), STR_ARG(dns->zone));
    add_word(p, "--tls-cert=%s/manager.pem", r->folder.p);
    add_word(p, "--tls-key=%s/manager.key", r->folder.p);
    add_word(p, "--ca-cert=%s/manager.ca.pem", r->folder.p);
    for (size_t i = 0; i < s->replicas_n; i++)
        if (&s->replicas[i] != m)
            add_word(p, "--peer=https://" STR_FMT ":%u", STR_ARG(s->replicas[i].host.address),
                     RIG_PORT);
    add_policies(r->plan, p);
}

void rig_arm_servers(struct rig *r)
{
    for (size_t s = 0; s < r->sites_n; s++)
        for (size_t i = 0; i < r->sites[s].replicas_n; i++)
            arm_server(r, &r->sites[s].replicas[i]);
}

/* The container's environment as the manifest has it. */
static void add_environment(struct process *p, const cJSON *deployment)
{
    const cJSON *list = json_path(deployment, "spec.template.spec.containers");
    const cJSON *env = list && list->child ? json_get(list->child, "env") : NULL;
    for (const cJSON *e = env ? env->child : NULL; e; e = e->next) {
        struct str name = json_string_at(e, "name"), value = json_string_at(e, "value");
        if (!json_get(e, "value"))
            continue; /* of the pod, which there is none of */
        struct buf word = {0};
        buf_add(&word, name);
        process_env(p, buf_c(&word), value);
        buf_free(&word);
    }
}

void rig_arm_agent(struct rig_agent *a, struct rig_cluster *c, const cJSON *deployment)
{
    struct process *p = &a->process;
    const struct rig *r = c->rig;
    process_argument(p, r->programs.paddock);
    process_argument(p, STR("agent"));
    process_argument(p, STR("cluster"));
    add_word(p, "--kubeconfig=%s/" STR_FMT ".agent.kubeconfig", r->folder.p, STR_ARG(c->name));
    add_word(p, "--credentials-dir=%s/" STR_FMT ".credentials", r->folder.p, STR_ARG(c->name));
    add_word(p, "--healthz-listen=" STR_FMT ":%u", STR_ARG(a->host.address), RIG_HEALTH_PORT);
    add_policies(r->plan, p);
    add_environment(p, deployment);
    struct buf host = {0};
    buf_addf(&host, "cattle-cluster-agent-%u", a->slot);
    process_env(p, "HOSTNAME", buf_str(&host));
    buf_free(&host);
}
