/* doubt: whether a session in use still has somebody behind it (policy session.liveness). A dead path and a frozen agent
 * acknowledge or swallow what is sent and say nothing; waiting for tunnel.dead_after would fail every request meanwhile. */
#include "engine/tunnel/session_internal.h"

static const world_time due[] = {[DOUBT_NONE] = INT64_MAX,
                                 [DOUBT_WAITING] = TUNNEL_ECHO_AFTER,
                                 [DOUBT_PINGED] = TUNNEL_DOUBT_AFTER,
                                 [DOUBT_DOUBTED] = TUNNEL_GIVE_UP_AFTER,
                                 [DOUBT_GIVEN_UP] = INT64_MAX};

static void tell(struct tunnel_session *s, enum tunnel_doubt doubt)
{
    if (s->o.doubt)
        s->o.doubt(s->o.owner, doubt);
}

void tunnel_doubt_sent(struct tunnel_session *s)
{
    if (!s->echo || s->doubt != DOUBT_NONE)
        return;
    s->doubt = DOUBT_WAITING;
    s->unheard_since = world_now(s->w);
    tunnel_session_wake(s, s->unheard_since + TUNNEL_ECHO_AFTER);
}

void tunnel_doubt_heard(struct tunnel_session *s)
{
    bool doubted = s->doubt >= DOUBT_DOUBTED;
    s->doubt = DOUBT_NONE;
    if (doubted)
        tell(s, TUNNEL_TRUSTED);
}

world_time tunnel_doubt_next(const struct tunnel_session *s)
{
    world_time after = due[s->doubt];
    return after == INT64_MAX ? INT64_MAX : s->unheard_since + after;
}

void tunnel_doubt_fire(struct tunnel_session *s, world_time now)
{
    if (now < tunnel_doubt_next(s))
        return;
    if (s->ops->queued(s->transport) > 0) { /* slow: what was sent may not have left yet */
        s->unheard_since = now;
        return;
    }
    s->doubt++;
    if (s->doubt == DOUBT_PINGED) {
        tunnel_census_pinged(s);
        s->ops->ping(s->transport);
    } else {
        tell(s, s->doubt == DOUBT_DOUBTED ? TUNNEL_DOUBTED : TUNNEL_GIVEN_UP);
    }
}

bool tunnel_session_doubted(const struct tunnel_session *s)
{
    return s->left || s->doubt >= DOUBT_DOUBTED;
}
