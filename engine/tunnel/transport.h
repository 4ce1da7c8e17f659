/* transport: makes tunnel_transport_PREFIX out of the functions PREFIX_send, PREFIX_ping, ... of one kind of WebSocket.
 * Private to engine/tunnel. */
#ifndef PADDOCK_ENGINE_TUNNEL_TRANSPORT_H
#define PADDOCK_ENGINE_TUNNEL_TRANSPORT_H

#define TRANSPORT(prefix)                                                                          \
    static void prefix##_transport_send(void *t, struct str message)                               \
    {                                                                                              \
        prefix##_send((struct prefix *)t, false, message);                                         \
    }                                                                                              \
    static void prefix##_transport_ping(void *t)                                                   \
    {                                                                                              \
        prefix##_ping((struct prefix *)t, str_empty);                                              \
    }                                                                                              \
    static size_t prefix##_transport_queued(const void *t)                                         \
    {                                                                                              \
        return prefix##_queued((const struct prefix *)t);                                          \
    }                                                                                              \
    static void prefix##_transport_abort(void *t)                                                  \
    {                                                                                              \
        prefix##_abort((struct prefix *)t);                                                        \
    }                                                                                              \
    static void prefix##_transport_close(void *t)                                                  \
    {                                                                                              \
        prefix##_close((struct prefix *)t, 1000, str_empty);                                       \
    }                                                                                              \
    static void prefix##_transport_pause(void *t)                                                  \
    {                                                                                              \
        prefix##_pause((struct prefix *)t);                                                        \
    }                                                                                              \
    static void prefix##_transport_resume(void *t)                                                 \
    {                                                                                              \
        prefix##_resume((struct prefix *)t);                                                       \
    }                                                                                              \
    const struct tunnel_transport tunnel_transport_##prefix = {                                    \
        prefix##_transport_send,  prefix##_transport_ping,  prefix##_transport_queued,             \
        prefix##_transport_abort, prefix##_transport_close, prefix##_transport_pause,              \
        prefix##_transport_resume}

#endif
