#include "sim/kubeapi/rules/addresses.h"

#include "engine/base/map.h"
#include "engine/kube/scan.h"
#include "sim/kubeapi/rules/names.h"
#include "sim/kubeapi/store/store.h"

#define NETWORK  ((uint32_t)10 << 24 | (uint32_t)96 << 16) /* 10.96.0.0/12 */
#define HOSTS    ((uint32_t)1 << 20)
#define RESERVED 256u /* the lowest are for who asks for one by name */
#define TRIES    65536u

struct addresses {
    struct store *store;
    struct store_table *services;
    struct map taken; /* "10.96.3.4" or "30080" → owned "ns/name" */
};

struct addresses *addresses_new(struct store *s)
{
    struct addresses *x = MEM_NEW(struct addresses);
    x->store = s;
    return x;
}

static void drop_all(struct addresses *x)
{
    struct str key;
    void *value;
    for (size_t i = 0; map_next(&x->taken, &i, &key, &value);)
        mem_free(value);
    map_clear(&x->taken);
}

void addresses_free(struct addresses *x)
{
    if (!x)
        return;
    drop_all(x);
    map_free(&x->taken);
    mem_free(x);
}

static bool holds(const char *holder, struct str ns, struct str name)
{
    struct str h = str_c(holder);
    return h.n == ns.n + 1 + name.n && str_starts(h, ns) && h.p[ns.n] == '/' && str_ends(h, name);
}

static void take(struct addresses *x, struct str key, const struct kube_object *o)
{
    struct buf b = {0};
    kube_object_key(o, &b);
    mem_free(map_put(&x->taken, key, str_dup_c(buf_str(&b))));
    buf_free(&b);
}

static void give(struct addresses *x, struct str key, const struct kube_object *o)
{
    const char *holder = map_get(&x->taken, key);
    if (holder && holds(holder, o->ns, o->name))
        mem_free(map_remove(&x->taken, key));
}

static void each(struct addresses *x, const struct kube_object *o,
                 void (*what)(struct addresses *x, struct str key, const struct kube_object *o))
{
    struct str ip = kube_object_string(o, "spec.clusterIP"), port;
    struct scan s = scan_of(kube_object_raw(o, "spec.ports"));
    if (ip.n > 0 && !str_eq_c(ip, "None"))
        what(x, ip, o);
    if (!scan_enter(&s, '['))
        return;
    while (scan_element(&s, &port)) {
        struct str number = scan_get(port, STR("nodePort"));
        if (number.n > 0)
            what(x, number, o);
    }
}

void addresses_reset(struct addresses *x)
{
    drop_all(x);
    x->services = store_table(x->store, STR("services"));
    struct store_cursor cursor = store_seek(x->services, str_empty, str_empty);
    for (struct kube_object *o; (o = store_next(&cursor));)
        each(x, o, take);
}

void addresses_event(struct addresses *x, const struct store_event *e)
{
    if (!x->services && str_eq_c(store_table_name(e->table), "services"))
        x->services = e->table;
    if (e->table != x->services)
        return;
    if (e->before)
        each(x, e->before, give);
    if (e->type != STORE_DELETED)
        each(x, e->object, take);
}

struct str addresses_free_ip(struct addresses *x, struct arena *a, struct str uid)
{
    uint32_t at = RESERVED + (uint32_t)(str_hash(uid) % (HOSTS - RESERVED - 1));
    for (uint32_t i = 0; i < TRIES; i++) {
        uint32_t ip = NETWORK + at;
        struct str text =
            arena_printf(a, "%u.%u.%u.%u", ip >> 24, ip >> 16 & 255, ip >> 8 & 255, ip & 255);
        if (!map_has(&x->taken, text))
            return text;
        at = at + 1 < HOSTS - 1 ? at + 1 : RESERVED;
    }
    return str_empty;
}

unsigned addresses_free_port(struct addresses *x, struct str uid, unsigned salt)
{
    unsigned span = ADDRESSES_PORT_MAX - ADDRESSES_PORT_MIN + 1;
    unsigned at = (unsigned)((str_hash(uid) ^ salt * 2654435761u) % span);
    for (unsigned i = 0; i < span; i++, at = (at + 1) % span) {
        struct buf b = {.max = 16};
        buf_add_u64(&b, ADDRESSES_PORT_MIN + at);
        bool taken = map_has(&x->taken, buf_str(&b));
        buf_free(&b);
        if (!taken)
            return ADDRESSES_PORT_MIN + at;
    }
    return 0;
}

static bool mine(const struct addresses *x, struct str key, struct str ns, struct str name)
{
    const char *holder = map_get(&x->taken, key);
    return !holder || holds(holder, ns, name);
}

bool addresses_port_mine(const struct addresses *x, unsigned port, struct str ns, struct str name)
{
    struct buf b = {.max = 16};
    buf_add_u64(&b, port);
    bool ok = mine(x, buf_str(&b), ns, name);
    buf_free(&b);
    return ok;
}

/* In the range, and neither its first nor its last address? Of another family: for others to say. */
static bool in_range(struct str ip)
{
    uint32_t number = 0;
    struct str rest = ip, part;
    for (int i = 0; i < 4; i++) {
        uint64_t byte;
        (void)str_cut(rest, '.', &part, &rest);
        if (!str_to_u64(part, &byte) || byte > 255)
            return true;
        number = number << 8 | (uint32_t)byte;
    }
    return number > NETWORK && number < NETWORK + HOSTS - 1;
}

const char *addresses_ip_problem(const struct addresses *x, struct str ip, struct str ns,
                                 struct str name)
{
    if (map_has(&x->taken, ip))
        return mine(x, ip, ns, name) ? NULL : "provided IP is already allocated";
    return in_range(ip) ? NULL : "the provided network does not match the current range";
}
