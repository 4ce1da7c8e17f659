/* Faults of HTTP, as a proxy that stands before the servers would make them: it knows a request by its first bytes and
 * says, delays or cuts what the client hears. What is no request (a body, frames of a WebSocket) passes. */
#include "sim/world/stream_internal.h"

static bool is_request(struct str bytes)
{
    static const char *const methods[] = {"GET ",  "POST ",   "PUT ",     "PATCH ",
                                          "HEAD ", "DELETE ", "OPTIONS ", "CONNECT "};
    for (size_t i = 0; i < ARRAY_LEN(methods); i++)
        if (str_starts(bytes, str_c(methods[i])))
            return true;
    return false;
}

static struct sim_fault *meets(struct sim_stream *e, enum sim_fault_kind kind, struct str line)
{
    struct sim *sim = e->conn->sim;
    for (size_t i = 0; i < sim->active_n; i++) {
        struct sim_fault *f = sim->active_list[i];
        if (f->o.kind == kind && host_set_has(&f->from, e->conn->host[0]) &&
            host_set_has(&f->to, e->conn->host[1]) &&
            (f->o.http_target.n == 0 || str_find(line, f->o.http_target) >= 0) && fault_draw(f))
            return f;
    }
    return NULL;
}

/* In the server's place, which is not told; it will hear that the client has gone. */
static void answer(struct sim_stream *e, const struct sim_fault *f)
{
    struct buf b = {0};
    buf_addf(&b, "HTTP/1.1 %d Injected\r\nContent-Length: 0\r\nConnection: close\r\n",
             f->o.http_code);
    if (f->o.http_retry_after_s > 0)
        buf_addf(&b, "Retry-After: %lld\r\n", (long long)f->o.http_retry_after_s);
    buf_add_c(&b, "\r\n");
    sim_stream_write(&e->base, buf_str(&b));
    buf_free(&b);
    sim_stream_shutdown(&e->base);
    e->http_refused = e->http_muted = true;
}

bool http_lies(struct sim_stream *e, struct str bytes)
{
    struct str line, rest;
    struct sim_conn *c = e->conn;
    const struct sim_fault *f;
    if (e->http_refused)
        return true;
    if (!is_request(bytes))
        return false;
    (void)str_cut(bytes, '\n', &line, &rest);
    f = meets(e, SIM_FAULT_HTTP_ERROR, line);
    if (f) {
        answer(e, f);
        return true;
    }
    struct sim_fault *slow = meets(e, SIM_FAULT_HTTP_SLOW, line);
    if (slow)
        c->answers_at = c->sim->now + slow->o.delay +
                        (slow->o.jitter > 0 ? rng_between(&slow->random, 0, slow->o.jitter) : 0);
    e->http_cut = meets(e, SIM_FAULT_HTTP_TRUNCATED, line) != NULL;
    return false;
}

bool http_strips(struct sim_stream *e, struct str bytes, struct buf *out)
{
    static const struct str upgrade = STR_INIT("\r\nUpgrade:");
    struct str line, rest;
    ptrdiff_t at = is_request(bytes) ? str_find(bytes, upgrade) : -1;
    (void)str_cut(bytes, '\n', &line, &rest);
    if (at < 0 || !meets(e, SIM_FAULT_HTTP_NO_UPGRADE, line))
        return false;
    rest = str_sub(bytes, (size_t)at + upgrade.n, bytes.n);
    ptrdiff_t end = str_find(rest, STR("\r\n"));
    buf_add(out, str_sub(bytes, 0, (size_t)at));
    buf_add(out, str_sub(rest, end < 0 ? rest.n : (size_t)end, rest.n));
    return true;
}

void http_cut_here(struct sim_stream *e)
{
    struct sim_pipe *out = end_out(e);
    e->http_cut = false;
    e->http_muted = true;
    if (out->fin)
        return;
    out->fin = true; /* without close_notify: TLS knows it for a cut */
    if (e->conn->established)
        pipe_send(e->conn, e->side, false);
}
