#include "engine/http/flow.h"

void http_buffer_trim(struct buf *b)
{
    if (b->cap > HTTP_BUFFER_KEEP)
        buf_free(b);
    else
        buf_clear(b);
}

void http_input_begin(struct http_input *i, struct str bytes)
{
    i->own = i->kept.n > 0;
    if (i->own)
        buf_add(&i->kept, bytes);
    i->rest = i->own ? buf_str(&i->kept) : bytes;
}

void http_input_end(struct http_input *i)
{
    if (i->own)
        buf_consume(&i->kept, i->kept.n - i->rest.n);
    else
        buf_add(&i->kept, i->rest);
    i->rest = str_empty;
    if (i->kept.n == 0)
        http_buffer_trim(&i->kept);
}

void http_alarm_by(struct http_alarm *a, struct world *w, world_time due)
{
    if (a->set && a->at <= due)
        return;
    world_timer_start(a->timer, due - world_now(w));
    a->at = due;
    a->set = true;
}
