/* world_impl: what an implementation of the world provides. Only engine/world/uv, sim/world and engine/world/world.c
 * include it. Each handle starts with `struct world *w`, so that world.c finds the table; the table's functions mirror
 * world.h one to one (see there for their contracts). */
#ifndef PADDOCK_ENGINE_WORLD_WORLD_IMPL_H
#define PADDOCK_ENGINE_WORLD_WORLD_IMPL_H

#include "engine/world/world.h"

struct world_ops {
    world_time (*now)(struct world *w);
    world_time (*wall)(struct world *w);
    void (*random)(struct world *w, void *bytes, size_t n);
    bool (*maybe)(struct world *w, const char *name);

    struct world_timer *(*timer_new)(struct world *w, void (*fire)(void *), void *owner);
    void (*timer_start)(struct world_timer *t, world_time delay);
    void (*timer_stop)(struct world_timer *t);
    bool (*timer_active)(const struct world_timer *t);
    void (*timer_free)(struct world_timer *t);

    struct str (*own_address)(struct world *w);
    struct world_dns *(*dns_query)(struct world *w, struct str name, world_time timeout,
                                   world_dns_done done, void *owner);
    void (*dns_cancel)(struct world_dns *q);

    struct world_stream *(*stream_connect)(struct world *w, const struct world_connect *o,
                                           const struct world_stream_handler *h, void *owner);
    void (*stream_attach)(struct world_stream *s, const struct world_stream_handler *h,
                          void *owner);
    void (*stream_write)(struct world_stream *s, struct str bytes);
    size_t (*stream_queued)(const struct world_stream *s);
    void (*stream_shutdown)(struct world_stream *s);
    void (*stream_pause)(struct world_stream *s);
    void (*stream_resume)(struct world_stream *s);
    void (*stream_close)(struct world_stream *s);
    void (*stream_abort)(struct world_stream *s);
    struct world_addr (*stream_peer)(const struct world_stream *s);
    struct world_addr (*stream_local)(const struct world_stream *s);
    struct str (*stream_peer_pem)(const struct world_stream *s);

    struct err *(*listen)(struct world *w, const struct world_listen *o,
                          void (*accept)(void *, struct world_stream *), void *owner,
                          struct world_listener **out);
    uint16_t (*listener_port)(const struct world_listener *l);
    struct err *(*listener_set_tls)(struct world_listener *l, const struct world_tls *tls);
    void (*listener_close)(struct world_listener *l);

    struct world_ws *(*ws_connect)(struct world *w, const struct world_ws_connect *o,
                                   const struct world_ws_handler *h, void *owner);
    void (*ws_send)(struct world_ws *ws, bool text, struct str payload);
    void (*ws_ping)(struct world_ws *ws, struct str payload);
    size_t (*ws_queued)(const struct world_ws *ws);
    void (*ws_close)(struct world_ws *ws, uint16_t code, struct str reason);
    void (*ws_abort)(struct world_ws *ws);
    void (*ws_pause)(struct world_ws *ws);
    void (*ws_resume)(struct world_ws *ws);
    struct world_addr (*ws_peer)(const struct world_ws *ws);

    struct world_file *(*file_read)(struct world *w, struct str path, world_file_done done,
                                    void *owner);
    struct world_file *(*file_write)(struct world *w, struct str path, struct str content,
                                     uint32_t mode, world_file_done done, void *owner);
    struct world_file *(*file_remove)(struct world *w, struct str path, world_file_done done,
                                      void *owner);
    struct world_file *(*file_list)(struct world *w, struct str path, world_file_done done,
                                    void *owner);
    void (*file_cancel)(struct world_file *f);
    struct world_watch *(*file_watch)(struct world *w, struct str path, void (*changed)(void *),
                                      void *owner);
    void (*watch_close)(struct world_watch *watch);

    struct world_work *(*work)(struct world *w, void (*run)(void *), void (*done)(void *),
                               void *job);
    void (*work_cancel)(struct world_work *work, void (*release)(void *));

    struct str (*env)(struct world *w, const char *name);
    struct log_sink *(*log)(struct world *w);
    void (*exit)(struct world *w, int status);
    void (*note)(struct world *w, const char *kind, struct str key, struct str value);
};

/* The first member of an implementation's own world. */
struct world {
    const struct world_ops *ops;
};

/* The first members of every implementation's handles. */
struct world_timer {
    struct world *w;
};
struct world_dns {
    struct world *w;
};
struct world_stream {
    struct world *w;
};
struct world_listener {
    struct world *w;
};
struct world_ws {
    struct world *w;
};
struct world_file {
    struct world *w;
};
struct world_watch {
    struct world *w;
};
struct world_work {
    struct world *w;
};

#endif
