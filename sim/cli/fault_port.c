/* Rules of faults over HTTP. */
#include "sim/cli/fault_port.h"

#include "engine/base/json.h"
#include "engine/http/server.h"
#include "sim/kubeapi/kubeapi.h"

struct ruled {
    struct str id; /* owned */
    uint64_t rule;
    uint64_t fired; /* when it was removed */
    bool removed;
};
struct fault_port {
    struct kubeapi *api;
    struct http_server *http;
    struct ruled rules[FAULT_PORT_RULES_MAX];
    size_t n;
};

static const char *const kinds[KUBEAPI_FAULT_KINDS] = {
    [KUBEAPI_FAULT_FENCE] = "fence",
    [KUBEAPI_FAULT_STATUS] = "status",
    [KUBEAPI_FAULT_LATENCY] = "latency",
    [KUBEAPI_FAULT_LOST_ACK] = "lost-ack",
    [KUBEAPI_FAULT_WATCH_STALL] = "watch-stall",
    [KUBEAPI_FAULT_CONFLICT] = "conflict",
    [KUBEAPI_FAULT_STORE_FULL] = "store-full",
    [KUBEAPI_FAULT_SLOW_WRITE] = "slow-write",
    [KUBEAPI_FAULT_LOST_WRITE] = "lost-write",
    [KUBEAPI_FAULT_TRUNCATED] = "truncated",
    [KUBEAPI_FAULT_STALE_READ] = "stale-read",
    [KUBEAPI_FAULT_WATCH_CUT] = "watch-cut",
    [KUBEAPI_FAULT_WATCH_DROP] = "watch-drop",
    [KUBEAPI_FAULT_WATCH_GONE] = "watch-gone",
    [KUBEAPI_FAULT_WATCH_LOSS] = "watch-loss",
    [KUBEAPI_FAULT_WATCH_REWIND] = "watch-rewind",
    [KUBEAPI_FAULT_WATCH_REORDER] = "watch-reorder",
    [KUBEAPI_FAULT_WATCH_UNOBSERVED] = "watch-unobserved",
    [KUBEAPI_FAULT_WATCH_DUPLICATE] = "watch-duplicate",
    [KUBEAPI_FAULT_WATCH_NO_BOOKMARK] = "watch-no-bookmark",
};

static bool kind_of(struct str name, enum kubeapi_fault_kind *out)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (kinds[i] && str_eq_c(name, kinds[i])) {
            *out = (enum kubeapi_fault_kind)i;
            return true;
        }
    return false; /* those that ask their owner, or fork, are for simulations */
}

static void answer(struct fault_port *p, struct http_exchange *x, int status,
                   const struct ruled *rule)
{
    struct buf body = {0};
    uint64_t fired = rule->removed ? rule->fired : kubeapi_fault_fired(p->api, rule->rule);
    buf_add_c(&body, "{\"id\":");
    json_write_string(&body, rule->id);
    buf_addf(&body, ",\"fired\":%llu}\n", (unsigned long long)fired);
    http_answer(x, status, "application/json", NULL, buf_str(&body));
    buf_free(&body);
}

static void refuse(struct http_exchange *x, int status, const char *why)
{
    http_answer(x, status, "text/plain; charset=utf-8", NULL, str_c(why));
}

static struct ruled *find(struct fault_port *p, struct str id)
{
    for (size_t i = 0; i < p->n; i++)
        if (str_eq(p->rules[i].id, id))
            return &p->rules[i];
    return NULL;
}

static struct kubeapi_fault rule_of(const cJSON *o, enum kubeapi_fault_kind kind)
{
    return (struct kubeapi_fault){.kind = kind,
                                  .per_million = (uint32_t)json_int_at(o, "perMillion", 0),
                                  .status = (int)json_int_at(o, "status", 500),
                                  .retry_after_s = json_int_at(o, "retryAfterS", 0),
                                  .window = (uint64_t)json_int_at(o, "window", 0),
                                  .delay = json_int_at(o, "delayNs", 0),
                                  .jitter = json_int_at(o, "jitterNs", 0),
                                  .resource = json_string_at(o, "resource"),
                                  .verb = json_string_at(o, "verb"),
                                  .user = json_string_at(o, "user"),
                                  .name = json_string_at(o, "name"),
                                  .event = (unsigned)json_int_at(o, "event", 0),
                                  .later = json_bool_at(o, "later", false)};
}

static void on_body(void *owner, struct http_exchange *x, struct str body)
{
    struct fault_port *p = owner;
    struct arena a = {0};
    cJSON *o = NULL;
    enum kubeapi_fault_kind kind;
    err_ignore(json_parse(&a, body, &o));
    struct str id = json_string_at(o, "id");
    struct ruled *there = find(p, id);
    if (there && !there->removed) {
        answer(p, x, 200, there);
    } else if (id.n == 0 || !kind_of(json_string_at(o, "kind"), &kind)) {
        refuse(x, 400, "a rule has an id and one of the kinds\n");
    } else if (p->n == FAULT_PORT_RULES_MAX) {
        refuse(x, 400, "there are too many rules\n");
    } else {
        struct kubeapi_fault rule = rule_of(o, kind);
        there = there ? there : &p->rules[p->n++];
        str_free(&there->id);
        *there = (struct ruled){.id = str_dup(id), .rule = kubeapi_fault_add(p->api, &rule)};
        answer(p, x, 201, there);
    }
    arena_free(&a);
}

static void remove_rule(struct fault_port *p, struct ruled *rule)
{
    if (rule->removed)
        return;
    rule->fired = kubeapi_fault_fired(p->api, rule->rule);
    rule->removed = true;
    kubeapi_fault_remove(p->api, rule->rule);
}

static void on_request(void *owner, struct http_exchange *x)
{
    static const struct str root = STR_INIT("/faults");
    struct fault_port *p = owner;
    struct str path = http_path(x), method = http_method(x);
    bool one = str_starts(path, STR("/faults/"));
    struct ruled *rule = one ? find(p, str_sub(path, root.n + 1, path.n)) : NULL;
    if (str_eq(path, root) && str_eq_c(method, "POST")) {
        http_exchange_set(x, p, NULL);
        http_read_all(x, on_body);
    } else if (!rule) {
        refuse(x, 404, "there are POST /faults, and GET and DELETE /faults/ID\n");
    } else if (str_eq_c(method, "DELETE")) {
        remove_rule(p, rule);
        answer(p, x, 200, rule);
    } else if (str_eq_c(method, "GET")) {
        answer(p, x, 200, rule);
    } else {
        refuse(x, 405, "only GET and DELETE\n");
    }
}

struct err *fault_port_new(struct world *w, struct kubeapi *api, const struct world_addr *listen,
                           struct fault_port **out)
{
    struct fault_port *p = MEM_NEW(struct fault_port);
    struct world_listen at = {.address = *listen};
    p->api = api;
    p->http = http_server_new(w, NULL, on_request, p);
    struct err *err = http_server_listen(p->http, &at, NULL);
    if (err) {
        fault_port_free(p);
        return err_wrap(err, err->code, "--fault-listen");
    }
    *out = p;
    return NULL;
}

void fault_port_free(struct fault_port *p)
{
    if (!p)
        return;
    http_server_free(p->http);
    for (size_t i = 0; i < p->n; i++)
        str_free(&p->rules[i].id);
    mem_free(p);
}
