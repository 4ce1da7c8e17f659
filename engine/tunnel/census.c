/* Counting sessions. */
#include "engine/tunnel/census.h"

#include "engine/tunnel/session_internal.h"

const char *tunnel_kind_name(enum tunnel_kind kind)
{
    static const char *const names[TUNNEL_KINDS] = {"client", "peer-in", "peer-out", "server"};
    BUG_ON((unsigned)kind >= TUNNEL_KINDS, "a kind is known");
    return names[kind];
}

void tunnel_census_init(struct tunnel_census *c)
{
    list_init(&c->sessions);
}

void tunnel_census_enter(struct tunnel_census *c, struct tunnel_session *s, enum tunnel_kind kind)
{
    BUG_ON(s->census, "a session is counted once");
    uint64_t ordinal = 1;
    for (size_t i = 0; i < TUNNEL_KINDS; i++)
        ordinal += c->begun[i];
    s->census = c;
    s->census_kind = kind;
    s->ordinal = ordinal;
    s->begun_at = world_now(s->w);
    c->begun[kind]++;
    c->open[kind]++;
    list_add_tail(&c->sessions, &s->in_census);
}

static void add(struct tunnel_session_stats *to, const struct tunnel_session_stats *s)
{
    to->messages_in += s->messages_in;
    to->messages_out += s->messages_out;
    to->bytes_in += s->bytes_in;
    to->bytes_out += s->bytes_out;
    to->opened += s->opened;
    to->closed += s->closed;
    to->pauses_sent += s->pauses_sent;
    to->pauses_received += s->pauses_received;
    to->synced_away += s->synced_away;
    to->overflows += s->overflows;
    to->refused += s->refused;
    to->pings += s->pings;
    to->pongs += s->pongs;
    to->open += s->open;
    to->buffered += s->buffered;
    to->queued += s->queued;
}

/* What is open now ends with the session. */
void tunnel_census_leave(struct tunnel_session *s)
{
    struct tunnel_census *c = s->census;
    if (!c)
        return;
    struct tunnel_session_stats stats = s->stats;
    stats.open = stats.buffered = stats.queued = 0;
    add(&c->over, &stats);
    c->open[s->census_kind]--;
    list_remove(&s->in_census);
    s->census = NULL;
}

struct tunnel_session_stats tunnel_census_stats(const struct tunnel_census *c)
{
    struct tunnel_session_stats sum = c->over;
    for (struct list *it = c->sessions.next; it != &c->sessions; it = it->next)
        add(&sum, &container_of(it, struct tunnel_session, in_census)->stats);
    return sum;
}

void tunnel_census_pinged(struct tunnel_session *s)
{
    s->stats.pings++;
    s->pinged_at = world_now(s->w);
    s->pinged = true;
}

void tunnel_census_pong(struct tunnel_session *s)
{
    s->stats.pongs++;
    if (!s->pinged)
        return;
    s->pinged = false;
    s->ping_rtt = world_now(s->w) - s->pinged_at;
    if (s->census)
        metric_observe(&s->census->ping_rtt, s->ping_rtt);
}

bool tunnel_census_next(const struct tunnel_census *c, uint64_t after,
                        struct tunnel_census_row *row)
{
    struct list *it = c->sessions.next;
    if (row->session && row->ordinal == after)
        it = row->session->in_census.next;
    while (it != &c->sessions &&
           container_of(it, struct tunnel_session, in_census)->ordinal <= after)
        it = it->next;
    if (it == &c->sessions)
        return false;
    struct tunnel_session *s = container_of(it, struct tunnel_session, in_census);
    world_time now = world_now(s->w);
    *row = (struct tunnel_census_row){.session = s,
                                      .ordinal = s->ordinal,
                                      .kind = s->census_kind,
                                      .age = now - s->begun_at,
                                      .silence = now - s->heard,
                                      .ping_rtt = s->ping_rtt};
    return true;
}
