#include "engine/tunnel/transport.h"

#include "engine/tunnel/session.h"

TRANSPORT(world_ws);

static void on_open(void *owner)
{
    (void)owner;
}

static void on_message(void *owner, bool text, struct str payload)
{
    tunnel_session_on_message(owner, text, payload);
}

static void on_control(void *owner, struct str payload)
{
    (void)payload;
    tunnel_session_on_alive(owner);
}

static void on_pong(void *owner, struct str payload)
{
    (void)payload;
    tunnel_session_on_pong(owner);
}

static void on_drained(void *owner)
{
    tunnel_session_on_drained(owner);
}

static void on_closed(void *owner, const struct world_ws_closed *how)
{
    tunnel_session_on_down(owner, how->err);
}

const struct world_ws_handler tunnel_session_ws_handler = {on_open, on_message, on_control,
                                                           on_pong, on_drained, on_closed};
