/* What is told of a running agent. */
#include "engine/cli/agent_news.h"

#include "engine/base/json.h"

void agent_news_init(struct agent_news *n, struct world *w)
{
    *n = (struct agent_news){.w = w, .since = world_wall(w)};
    n->log = (struct log){world_log(w), STR("agent")};
}

void agent_news_free(struct agent_news *n)
{
    buf_free(&n->error);
}

/* ---- what is new ---- */

static bool is_same_word(const char *a, const char *b)
{
    return a && b ? str_eq_c(str_c(a), b) : a == b;
}

static void take_error(struct agent_news *n, struct str error)
{
    error = str_sub(error, 0, error.n < AGENT_NEWS_ERROR_BYTES ? error.n : AGENT_NEWS_ERROR_BYTES);
    n->error_at = world_wall(n->w);
    buf_clear(&n->error);
    buf_add(&n->error, str_trim(error));
}

static void say(const struct agent_news *n, const struct cluster_agent_state *s)
{
    struct buf peer = {0};
    if (s->draining) {
        log_info(&n->log, "draining");
    } else if (n->connected_now) {
        world_addr_print(&s->link.peer, &peer);
        log_info(&n->log, "Connected: tunnel to the manager at %s", buf_c(&peer));
    } else {
        log_at(&n->log, n->failed_now ? LOG_WARN : LOG_INFO, "%s%s%s%s" STR_FMT,
               agent_step_name(n->step), n->reason ? ": " : "", n->reason ? n->reason : "",
               n->failed_now ? ": " : "", STR_ARG(n->failed_now ? buf_str(&n->error) : str_empty));
    }
    buf_free(&peer);
}

void agent_news_update(struct agent_news *n)
{
    struct cluster_agent_state s = cluster_agent_state(n->agent);
    struct str error = cluster_agent_last_error(n->agent);
    bool connected = s.link.connected;
    bool is_new = s.step != n->step || !is_same_word(s.reason, n->reason) ||
                  s.draining != n->draining ||
                  (connected && !world_addr_eq(&s.link.peer, &n->peer));
    n->connected_now = connected && is_new && !s.draining;
    n->failed_now = !connected && !s.draining && error.n > 0;
    n->failures = connected ? 0 : n->failures + n->failed_now;
    n->was_connected = n->was_connected || connected;
    if (connected)
        n->peer = s.link.peer;
    if (n->failed_now)
        take_error(n, error);
    if (!is_new)
        return;
    n->since = world_wall(n->w);
    n->step = s.step;
    n->reason = s.reason;
    n->draining = s.draining;
    say(n, &s);
}

/* ---- the document ---- */

static void set_time(struct arena *a, cJSON *o, const char *key, world_time at)
{
    struct buf text = {0};
    rfc3339_format(&text, at);
    json_set_str(a, o, key, buf_str(&text));
    buf_free(&text);
}

static void set_peer(struct arena *a, cJSON *o, const struct world_addr *peer)
{
    struct buf text = {0};
    world_addr_print(peer, &text);
    json_set_str(a, o, "peer", buf_str(&text));
    buf_free(&text);
}

static cJSON *sessions_json(const struct agent_news *n, struct arena *a)
{
    struct agent_link_session sessions[AGENT_TUNNELS_MAX];
    size_t count = cluster_agent_sessions(n->agent, sessions);
    world_time now = world_now(n->w), wall = world_wall(n->w);
    cJSON *all = json_array(a);
    for (size_t i = 0; i < count; i++) {
        cJSON *o = json_object(a);
        set_peer(a, o, &sessions[i].peer);
        set_time(a, o, "since", wall - (now - sessions[i].opened_at));
        json_set_int(a, o, "connections", (int64_t)sessions[i].connections);
        json_set_bool(a, o, "leaving", sessions[i].leaving);
        json_append(all, o);
    }
    return all;
}

static void set_caches(const struct agent_news *n, struct arena *a, cJSON *o,
                       const struct cluster_agent_state *s)
{
    cJSON *caches = json_object(a);
    json_set_int(a, caches, "objects", (int64_t)s->cached);
    json_set_bool(a, caches, "synced", s->synced);
    if (s->synced)
        json_set_int(a, caches, "silentMs", (world_now(n->w) - s->heard_at) / NS_PER_MS);
    json_set(a, o, STR("caches"), caches);
}

void agent_news_write(const struct agent_news *n, struct buf *out)
{
    struct arena a = {0};
    struct cluster_agent_state s = cluster_agent_state(n->agent);
    cJSON *o = json_object(&a);
    json_set_str(&a, o, "phase", str_c(agent_step_name(s.step)));
    set_time(&a, o, "since", n->since);
    json_set_bool(&a, o, "connected", s.link.connected);
    json_set_bool(&a, o, "draining", s.draining);
    if (s.reason)
        json_set_str(&a, o, "reason", str_c(s.reason));
    if (n->error.n) {
        json_set_str(&a, o, "lastError", buf_str(&n->error));
        set_time(&a, o, "lastErrorAt", n->error_at);
    }
    json_set_int(&a, o, "failures", (int64_t)n->failures);
    json_set_int(&a, o, "connects", (int64_t)s.link.connects);
    json_set_int(&a, o, "moves", (int64_t)s.link.moves);
    json_set_str(&a, o, "server", cluster_agent_config(n->agent)->server_text);
    json_set(&a, o, STR("sessions"), sessions_json(n, &a));
    set_caches(n, &a, o, &s);
    json_set_str(&a, o, "version", STR(PADDOCK_VERSION));
    json_write_ordered(out, o);
    buf_add_char(out, '\n');
    arena_free(&a);
}
