/* flow: two small helpers of every connection here. Private to engine/http.
 *
 * http_input: what is left of received bytes. Bytes are consumed from `rest` in place, straight out of the data callback;
 *             only a remainder is copied (`kept`), to be consumed first next time.
 * http_alarm: one timer for all deadlines of a connection. It is only ever moved earlier; when it fires too early the
 *             owner computes the deadline anew. So a deadline that is pushed back with each byte costs no event. */
#ifndef PADDOCK_ENGINE_HTTP_FLOW_H
#define PADDOCK_ENGINE_HTTP_FLOW_H

#include "engine/world/world.h"

/* Buffers that served something large give their memory back. */
#define HTTP_BUFFER_KEEP ((size_t)1 << 10)
/* Answers, requests and frames beyond this are not copied together with their head. */
#define HTTP_JOIN_MAX    ((size_t)64 << 10)
/* What is read ahead while nobody asks for it; beyond, the stream is paused. */
#define HTTP_AHEAD_MAX   ((size_t)64 << 10)

struct http_input {
    struct buf kept;
    struct str rest; /* valid between begin and end */
    bool own;        /* rest is a view of kept */
    uint64_t copied; /* bytes that went through kept */
};

void http_buffer_trim(struct buf *b); /* empties it; frees what is over HTTP_BUFFER_KEEP */

void http_input_begin(struct http_input *i, struct str bytes);
void http_input_end(struct http_input *i);
static inline void http_input_skip(struct http_input *i, size_t n)
{
    BUG_ON(n > i->rest.n, "no more is skipped than there is");
    i->rest.p += n;
    i->rest.n -= n;
}

/* One chunk (RFC 9112 §7.1), put together in `out`. The bytes that were written; *copied grows by those of the piece, each
 * time that they are copied. */
size_t http_chunk_write(struct world_stream *s, struct buf *out, struct str piece,
                        uint64_t *copied);

struct http_alarm {
    struct world_timer *timer;
    world_time at; /* when the timer fires, if set */
    bool set;
};

/* Makes the alarm fire at `due` or before. */
void http_alarm_by(struct http_alarm *a, struct world *w, world_time due);
static inline void http_alarm_fired(struct http_alarm *a)
{
    a->set = false;
}

#endif
