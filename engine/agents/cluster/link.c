/* The agent's tunnel: see the states in link.h. */
#include "engine/agents/cluster/link.h"

#include "engine/base/list.h"
#include "engine/manifests/agent_manifest.h"
#include "engine/tunnel/router.h"

/* One tunnel: the one in use, the one that is about to replace it, or one that drains. */
struct attempt {
    struct list node;
    struct agent_link *link;
    struct tunnel_client *client;
    struct world_addr address;
};

struct agent_link {
    struct world *world;
    struct policies policies;
    const struct agent_config *config;
    struct agent_resolver *resolver;
    struct str ca_pem, params_json, instance, membership;
    void (*on_connected)(void *owner);
    void (*on_untrusted)(void *owner);
    void (*on_removed)(void *owner, struct str image);
    void (*on_unknown)(void *owner);
    void (*on_changed)(void *owner);
    void (*on_left)(void *owner); /* not NULL: the process is about to end */
    void *owner;

    struct list attempts;
    struct attempt *current; /* connecting or connected; NULL: waiting, or resolving */
    struct attempt *next;    /* the one we move to */
    bool open;               /* current is connected */
    bool leaving;            /* its manager wants us to go elsewhere */
    bool registered;         /* once: /v3/connect/register, then /v3/connect */
    struct world_timer *retry, *recheck;
    struct world_dns_answer answer;
    size_t tried, offset; /* addresses of the answer that were tried, from a random one on */
    uint32_t failures_in_a_row;
    world_time down_since;
    world_time cut_idle; /* the age without traffic at which the last tunnel was cut; 0: none was */
    uint32_t cuts;       /* in a row, all at about that age */
    struct agent_link_state state;
    struct buf last_error;
};

static void connect_next(struct agent_link *l);
static void recheck_later(struct agent_link *l);
static void leave_later(struct agent_link *l);
static void on_open(void *owner, struct tunnel_session *s);
static void on_closed(void *owner, const struct tunnel_client_closed *how);
static void on_leave(void *owner);

static const struct tunnel_client_handler handler = {.open = on_open, .closed = on_closed};

static struct attempt *dial(struct agent_link *l, const char *host)
{
    struct attempt *a = MEM_NEW(struct attempt);
    struct world_tls tls = {.server_name = l->config->server.host, .ca_pem = l->ca_pem};
    struct world_header headers[4] = {{STR("X-Agent-Instance"), l->instance}};
    size_t headers_n = 1;
    bool leaves = policy_get(&l->policies, POLICY_SERVER_DRAIN) == POLICY_DRAIN_HANDOVER;
    if (leaves)
        headers[headers_n++] = (struct world_header){STR(TUNNEL_LEAVES_HEADER), STR("yes")};
    struct buf idle = {0};
    buf_addf(&idle, "%lld", (long long)(l->state.idle_timeout / NS_PER_MS));
    if (l->state.idle_timeout)
        headers[headers_n++] = (struct world_header){STR("X-Agent-Idle-Cut"), buf_str(&idle)};
    if (l->membership.n)
        headers[headers_n++] = (struct world_header){STR(AGENT_MEMBERSHIP_HEADER), l->membership};
    a->link = l;
    a->address = world_addr_make(str_c(host), l->config->server.port);
    list_add_tail(&l->attempts, &a->node);
    struct tunnel_client_options o = {
        .address = a->address,
        .host = l->config->server.authority,
        .path = l->registered ? STR("/v3/connect") : STR("/v3/connect/register"),
        .tls = l->config->server.tls ? &tls : NULL,
        .token = l->config->token,
        .params_json = l->params_json,
        .headers = headers,
        .headers_n = headers_n,
        .timeout = AGENT_CONNECT_TIMEOUT,
        .session = {.policies = &l->policies, .leave = leaves ? on_leave : NULL, .owner = a}};
    a->client = tunnel_client_connect(l->world, &o, &handler, a);
    buf_free(&idle);
    return a;
}

static void attempt_free(struct attempt *a)
{
    list_remove(&a->node);
    mem_free(a);
}

/* ---- why there is no tunnel ---- */

static void set_reason(struct agent_link *l, const char *reason)
{
    if (!l->state.reason || !str_eq_c(str_c(reason), l->state.reason))
        world_note(l->world, "agent.reason", l->config->name, str_c(reason));
    l->state.reason = reason;
}

static void tell_change(const struct agent_link *l)
{
    if (l->on_changed)
        l->on_changed(l->owner);
}

static void explain_err(struct agent_link *l, enum agent_phase phase, const struct err *err)
{
    set_reason(l, agent_reason_of(&l->policies, phase, err));
    l->state.step = agent_step_of(phase, err);
}

static void explain(struct agent_link *l, const struct tunnel_client_closed *how)
{
    if (how->http_status) {
        set_reason(l, agent_reason_of_refusal(&l->policies, how->http_status, how->http_body));
        l->state.step = agent_step_of_refusal(how->http_status, how->http_body);
    } else if (how->err) {
        explain_err(l, AGENT_PHASE_CONNECT, how->err);
    }
}

/* ---- what cuts idle tunnels ---- */

static bool is_near(world_time a, world_time b)
{
    return a - b <= AGENT_IDLE_SPREAD && b - a <= AGENT_IDLE_SPREAD;
}

/* An open tunnel ended in the middle of silence. Chance has no favourite age, and a tunnel that has lived through a
 * longer silence meets no timeout. */
static void measure_cut(struct agent_link *l, const struct tunnel_client_closed *how)
{
    bool cut = how->err && (how->err->code == ERR_CONN_RESET || how->err->code == ERR_EOF);
    if (!cut || policy_get(&l->policies, POLICY_TUNNEL_KEEPALIVE) != POLICY_KEEPALIVE_MEASURED)
        return;
    bool longest =
        how->idle >= AGENT_IDLE_LEAST && how->idle + AGENT_IDLE_SPREAD >= how->longest_idle;
    bool again = longest && is_near(how->idle, l->cut_idle);
    l->cuts = again ? l->cuts + 1 : longest;
    l->cut_idle = longest ? how->idle : 0;
    if (l->cuts < AGENT_IDLE_CUTS)
        return;
    l->state.idle_timeout = how->idle;
    l->policies.value[POLICY_TUNNEL_PING] = how->idle / AGENT_PINGS_PER_IDLE;
    l->cuts = 0;
    set_reason(l, AGENT_REASON_IDLE);
}

/* ---- waiting ---- */

static void give_up(struct agent_link *l)
{
    world_note(l->world, "agent.gave-up", l->config->name, str_empty);
    world_exit(l->world, 1);
}

/* What is in the way of WebSockets does not go by itself: less noise. */
static world_time longest_pause(const struct agent_link *l)
{
    bool blocked = l->state.reason && str_eq_c(str_c(l->state.reason), AGENT_REASON_BLOCKED);
    return blocked ? AGENT_WAIT_BLOCKED : policy_get(&l->policies, POLICY_RECONNECT_MAX);
}

static void wait_then_resolve(struct agent_link *l, bool clean)
{
    bool for_ever = policy_get(&l->policies, POLICY_DNS_CACHE) == POLICY_DNS_CACHE_PROCESS;
    if (for_ever && world_now(l->world) - l->down_since >= AGENT_GIVE_UP) {
        give_up(l);
        return;
    }
    world_time pause = clean ? AGENT_WAIT_CLEAN : AGENT_WAIT_ERROR;
    if (policy_get(&l->policies, POLICY_RECONNECT_BACKOFF) == POLICY_BACKOFF_JITTERED) {
        world_time cap = AGENT_BACKOFF_FIRST, most = longest_pause(l);
        for (uint32_t i = 0; i < l->failures_in_a_row && cap < most; i++)
            cap *= 2;
        if (cap > most)
            cap = most;
        pause =
            world_random_time(l->world, cap); /* full jitter: equal agents spread over all of it */
    }
    l->failures_in_a_row++;
    world_timer_start(l->retry, pause);
}

/* ---- connecting ---- */

/* A manager that asks us to go and never ends what we have left must not fill our memory. */
static void end_oldest_left(struct agent_link *l)
{
    size_t n = 0;
    struct list *head = &l->attempts;
    list_each (head, it, next)
        n++;
    if (n <= AGENT_TUNNELS_MAX)
        return;
    struct attempt *oldest = container_of(l->attempts.next, struct attempt, node);
    tunnel_client_close(oldest->client);
    attempt_free(oldest);
}

/* The new tunnel is up: the old one takes no new connections and ends when those it has are done. Who asked us to go ends
 * it himself: until he has heard that we are gone he may still need it. */
static void take_over(struct agent_link *l)
{
    struct tunnel_session *old = l->current ? tunnel_client_session(l->current->client) : NULL;
    if (old && l->leaving)
        tunnel_session_say_left(old);
    else if (old)
        tunnel_session_drain(old);
    l->leaving = false;
    end_oldest_left(l);
    l->current = l->next;
    l->next = NULL;
    l->state.moves++;
}

static void on_open(void *owner, struct tunnel_session *s)
{
    struct attempt *a = owner;
    struct agent_link *l = a->link;
    (void)s;
    if (a == l->next)
        take_over(l);
    l->open = true;
    l->registered = true;
    l->failures_in_a_row = 0;
    l->state.connects++;
    l->state.connected_at = world_now(l->world);
    l->state.reason = NULL;
    l->state.step = AGENT_STEP_CONNECTED;
    world_note(l->world, "agent.connected", l->config->name, str_c(a->address.host));
    recheck_later(l);
    if (l->on_connected)
        l->on_connected(l->owner);
}

static void note_end(struct agent_link *l, const struct tunnel_client_closed *how)
{
    struct buf *why = &l->last_error;
    buf_clear(why);
    if (how->http_status)
        buf_addf(why, "refused with %d: " STR_FMT, how->http_status, STR_ARG(how->http_body));
    else if (how->err)
        err_print(how->err, why);
    else
        buf_add_c(why, "ended by the manager");
    world_note(l->world, how->was_open ? "agent.disconnected" : "agent.connect-failed",
               l->config->name, buf_str(why));
}

/* The tunnel in use is gone. */
static void on_lost(struct agent_link *l, bool clean)
{
    l->open = false;
    l->leaving = false;
    l->down_since = world_now(l->world);
    world_timer_stop(l->recheck);
    agent_resolve_cancel(l->resolver); /* a recheck under way asked for a tunnel that is gone */
    if (l->next) {                     /* the move under way becomes the connection */
        l->current = l->next;
        l->next = NULL;
        return;
    }
    l->state.step = AGENT_STEP_RESOLVE;
    wait_then_resolve(l, clean);
}

static void left_if_empty(struct agent_link *l)
{
    if (!list_empty(&l->attempts))
        return;
    world_timer_stop(l->retry); /* the last one that was waited for has gone */
    l->on_left(l->owner);
}

static void on_closed(void *owner, const struct tunnel_client_closed *how)
{
    struct attempt *a = owner;
    struct agent_link *l = a->link;
    bool current = a == l->current, next = a == l->next;
    attempt_free(a);
    if (l->on_left) {
        left_if_empty(l);
        return;
    }
    if (!current && !next)
        return; /* it had drained */
    note_end(l, how);
    if (current)
        l->current = NULL;
    if (next)
        l->next = NULL;
    if (current && l->open) {
        measure_cut(l, how);
        on_lost(l, how->err == NULL);
        tell_change(l);
        return;
    }
    l->state.failures++;
    if (next) { /* stay where we are */
        if (l->leaving)
            leave_later(l);
        else
            recheck_later(l);
        return;
    }
    explain(l, how);
    tell_change(l);
    static const struct str removed = STR_INIT(AGENT_REMOVED_TEXT);
    if (how->http_status == 410 && l->on_removed && str_starts(how->http_body, removed))
        l->on_removed(l->owner, str_sub(how->http_body, removed.n, how->http_body.n));
    if (how->http_status == 400 && l->on_unknown &&
        str_starts(how->http_body, STR("cluster not found")))
        l->on_unknown(l->owner);
    bool untrusted = how->err && how->err->code == ERR_TLS;
    l->tried++;
    if (l->tried < l->answer.n)
        connect_next(l);
    else
        wait_then_resolve(l, false);
    if (untrusted && l->on_untrusted)
        l->on_untrusted(l->owner);
}

static void connect_next(struct agent_link *l)
{
    l->current = dial(l, l->answer.host[(l->offset + l->tried) % l->answer.n]);
}

static void on_resolved(void *owner, const struct world_dns_answer *answer, const struct err *err)
{
    struct agent_link *l = owner;
    if (err || answer->n == 0) {
        l->state.failures++;
        if (err) {
            explain_err(l, AGENT_PHASE_RESOLVE, err);
            buf_clear(&l->last_error);
            err_print(err, &l->last_error);
        }
        wait_then_resolve(l, false);
        tell_change(l);
        return;
    }
    l->answer = *answer;
    l->tried = 0;
    l->offset = (size_t)world_random_below(l->world, answer->n);
    connect_next(l);
}

/* Managers that know the word have ended their sessions by now: for the others silence has to do. */
static void end_idle(struct agent_link *l)
{
    list_each (&l->attempts, it, following) {
        const struct attempt *a = container_of(it, struct attempt, node);
        tunnel_session_drain_idle(tunnel_client_session(a->client));
    }
    left_if_empty(l);
}

static void on_retry(void *owner)
{
    struct agent_link *l = owner;
    if (l->on_left) {
        end_idle(l);
        return;
    }
    /* An answer that led nowhere is not worth keeping: a resolver that lies about its TTL would be believed twice. */
    bool fresh = l->failures_in_a_row > 1 &&
                 policy_get(&l->policies, POLICY_DNS_CACHE) == POLICY_DNS_CACHE_TTL;
    agent_resolve(l->resolver, fresh, on_resolved, l);
}

/* ---- moving ---- */

static bool still_named(const struct agent_link *l, const struct world_dns_answer *answer)
{
    for (size_t i = 0; i < answer->n; i++)
        if (str_eq(str_c(answer->host[i]), str_c(l->current->address.host)))
            return true;
    return false;
}

/* One of the answer at random; who leaves takes another than the one he leaves, if there is any. */
static const char *choose_host(const struct agent_link *l)
{
    for (size_t i = 0; i < l->answer.n; i++) {
        const char *host = l->answer.host[(l->offset + i) % l->answer.n];
        if (!l->leaving || !str_eq(str_c(host), str_c(l->current->address.host)))
            return host;
    }
    return l->answer.host[l->offset];
}

static void on_rechecked(void *owner, const struct world_dns_answer *answer, const struct err *err)
{
    struct agent_link *l = owner;
    bool known = !err && answer->n > 0;
    BUG_ON(!l->open, "who has no tunnel has none to move");
    if (l->next || (!l->leaving && (!known || still_named(l, answer)))) {
        recheck_later(l); /* a resolver in trouble is no reason to leave a tunnel that works */
        return;
    }
    if (known)
        l->answer = *answer; /* where to go on, should both tunnels be lost on the way */
    l->tried = 0;
    l->offset = (size_t)world_random_below(l->world, l->answer.n);
    l->next = dial(l, choose_host(l));
    world_note(l->world, "agent.moving", l->config->name, str_c(l->next->address.host));
}

static void on_recheck(void *owner)
{
    struct agent_link *l = owner;
    agent_resolve(l->resolver, !l->leaving, on_rechecked, l);
}

/* The replica behind our tunnel is about to stop. The same name leads to another one. */
static void on_leave(void *owner)
{
    const struct attempt *a = owner;
    struct agent_link *l = a->link;
    if (a != l->current || !l->open || l->leaving || l->on_left)
        return;
    l->leaving = true;
    world_note(l->world, "agent.leaving", l->config->name, str_c(a->address.host));
    if (!l->next)
        on_recheck(l);
}

static void leave_later(struct agent_link *l)
{
    world_timer_start(l->recheck,
                      AGENT_LEAVE_RETRY + world_random_time(l->world, AGENT_LEAVE_RETRY));
}

static void recheck_later(struct agent_link *l)
{
    if (policy_get(&l->policies, POLICY_DNS_RECHECK) != POLICY_DNS_RECHECK_TTL)
        return;
    if (world_host_is_numeric(l->config->server.host))
        return; /* there is no name that could move */
    world_timer_start(l->recheck, AGENT_RECHECK + world_random_time(l->world, AGENT_RECHECK));
}

/* ---- life ---- */

struct agent_link *agent_link_new(const struct agent_link_options *o)
{
    struct agent_link *l = MEM_NEW(struct agent_link);
    l->world = o->world;
    l->policies = *o->policies;
    l->config = o->config;
    l->resolver = o->resolver;
    l->ca_pem = str_dup(o->ca_pem);
    l->params_json = str_dup(o->params_json);
    l->instance = str_dup(o->instance);
    l->on_connected = o->connected;
    l->on_untrusted = o->untrusted;
    l->on_removed = o->removed;
    l->on_unknown = o->unknown;
    l->on_changed = o->changed;
    l->state.step = AGENT_STEP_RESOLVE;
    l->owner = o->owner;
    l->retry = world_timer_new(l->world, on_retry, l);
    l->recheck = world_timer_new(l->world, on_recheck, l);
    l->down_since = world_now(l->world);
    list_init(&l->attempts);
    world_timer_start(l->retry, 0);
    return l;
}

void agent_link_free(struct agent_link *l)
{
    if (!l)
        return;
    list_each (&l->attempts, it, following) {
        struct attempt *a = container_of(it, struct attempt, node);
        tunnel_client_close(a->client);
        attempt_free(a);
    }
    agent_resolve_cancel(l->resolver);
    world_timer_free(l->retry);
    world_timer_free(l->recheck);
    str_free(&l->ca_pem);
    str_free(&l->params_json);
    str_free(&l->instance);
    str_free(&l->membership);
    buf_free(&l->last_error);
    mem_free(l);
}

void agent_link_leave(struct agent_link *l, void (*left)(void *owner))
{
    bool told = policy_get(&l->policies, POLICY_SERVER_DRAIN) == POLICY_DRAIN_HANDOVER;
    bool waits = false;
    BUG_ON(l->on_left, "who leaves goes once");
    l->on_left = left;
    agent_resolve_cancel(l->resolver);
    world_timer_stop(l->recheck);
    l->current = NULL;
    l->next = NULL;
    l->open = false;
    list_each (&l->attempts, it, following) {
        struct attempt *a = container_of(it, struct attempt, node);
        struct tunnel_session *s = tunnel_client_session(a->client);
        if (s && told) {
            tunnel_session_say_left(s);
            waits = true;
        } else if (!s) {
            tunnel_client_close(a->client);
            attempt_free(a);
        }
    }
    world_timer_start(l->retry, waits ? AGENT_LEAVE_GRACE : 0);
}

size_t agent_link_sessions(const struct agent_link *l,
                           struct agent_link_session out[AGENT_TUNNELS_MAX])
{
    size_t n = 0;
    const struct list *head = &l->attempts;
    for (const struct list *it = head->next; it != head && n < AGENT_TUNNELS_MAX; it = it->next) {
        const struct attempt *a = (const void *)((const char *)it - offsetof(struct attempt, node));
        struct tunnel_session *s = tunnel_client_session(a->client);
        if (s)
            out[n++] = (struct agent_link_session){.peer = a->address,
                                                   .opened_at = tunnel_client_opened_at(a->client),
                                                   .connections = tunnel_session_stats(s).open,
                                                   .leaving = a != l->current};
    }
    return n;
}

void agent_link_set_membership(struct agent_link *l, struct str proof)
{
    str_free(&l->membership);
    l->membership = str_dup(proof);
}

struct agent_link_state agent_link_state(const struct agent_link *l)
{
    struct agent_link_state s = l->state;
    s.connected = l->open;
    if (l->open) {
        s.peer = l->current->address;
        struct tunnel_session *session = tunnel_client_session(l->current->client);
        s.heard_at = session ? tunnel_session_heard(session) : s.connected_at;
    }
    return s;
}

struct str agent_link_last_error(const struct agent_link *l)
{
    return buf_str(&l->last_error);
}
