/* exec and attach: a program's input, output and end, on the channels of a WebSocket or the streams of a SPDY session.
 *
 *   OPENING (SPDY: its streams come) ─► RUNNING ─► the program ends ─► its status, and the end of the connection
 *                                          └─ the client, or the container, goes */
#include "sim/kubeapi/core/server.h"
#include "sim/kubeapi/streams/session.h"
#include "sim/kubeapi/streams/spdy.h"
#include "sim/kubeapi/streams/wire.h"

#define RESIZE_MAX 256u

/* Of a WebSocket: the first byte of each message. */
enum channel { CHANNEL_IN, CHANNEL_OUT, CHANNEL_ERR, CHANNEL_STATUS, CHANNEL_RESIZE, CHANNELS };
#define CHANNEL_CLOSE 255 /* v5: the next byte says which one */

struct remote {
    struct session s;
    struct wire wire;
    struct spdy *spdy; /* NULL: channels */
    struct spdy_stream *streams[CHANNELS];
    struct buf resize;
    struct program *program; /* NULL: it has not begun */
    int64_t opening_until;
};

size_t session_remote_size(void)
{
    return sizeof(struct remote);
}

static void remote_free(struct remote *m)
{
    spdy_free(m->spdy);
    program_free(m->program);
    buf_free(&m->resize);
    session_free(&m->s);
}

static void end(struct session *s, bool abort)
{
    struct remote *m = container_of(s, struct remote, s);
    (abort ? wire_abort : wire_close)(&m->wire);
    remote_free(m);
}

/* ---- to the client ---- */

static void flush(struct remote *m)
{
    struct buf *out = m->spdy ? spdy_out(m->spdy) : NULL;
    if (!out || out->n == 0)
        return;
    wire_send(&m->wire, buf_str(out));
    buf_clear(out);
}

static void emit(struct remote *m, enum channel channel, struct str bytes)
{
    if (m->spdy) {
        if (m->streams[channel])
            spdy_send(m->spdy, m->streams[channel], bytes);
        flush(m);
        return;
    }
    struct buf message = {0};
    buf_add_char(&message, (char)channel);
    buf_add(&message, bytes);
    wire_send(&m->wire, buf_str(&message));
    buf_free(&message);
}

/* The end, in order: status is JSON. */
static void finish_with(struct remote *m, struct str status)
{
    emit(m, CHANNEL_STATUS, status);
    for (size_t i = 0; m->spdy && i < CHANNELS; i++)
        if (m->streams[i])
            spdy_finish(m->spdy, m->streams[i]);
    if (m->spdy)
        spdy_goodbye(m->spdy);
    flush(m);
    wire_close(&m->wire);
    remote_free(m);
}

static void finish(struct remote *m, int code)
{
    struct buf status = {0};
    if (code == 0)
        buf_add_c(&status, "{\"metadata\":{},\"status\":\"Success\"}");
    else
        buf_addf(&status,
                 "{\"metadata\":{},\"status\":\"Failure\",\"message\":\"command terminated with "
                 "non-zero exit code: exit status %d\",\"reason\":\"NonZeroExitCode\",\"details\":"
                 "{\"causes\":[{\"reason\":\"ExitCode\",\"message\":\"%d\"}]}}",
                 code, code);
    finish_with(m, buf_str(&status));
    buf_free(&status);
}

static void finish_in_trouble(struct remote *m, struct str what)
{
    struct buf status = {0}, text = {0};
    buf_addf(&text, "Internal error occurred: " STR_FMT, STR_ARG(what));
    buf_add_c(&status, "{\"metadata\":{},\"status\":\"Failure\",\"message\":");
    json_write_string(&status, buf_str(&text));
    buf_add_c(&status, ",\"reason\":\"InternalError\",\"details\":{\"causes\":[{\"message\":");
    json_write_string(&status, what);
    buf_add_c(&status, "}]},\"code\":500}");
    finish_with(m, buf_str(&status));
    buf_free(&status);
    buf_free(&text);
}

/* ---- the program ---- */

static void begin_program(struct remote *m)
{
    const struct stream_ask *ask = m->s.ask;
    if (ask->kind == STREAM_ATTACH)
        m->program = program_main(&ask->container, world_wall(m->s.api->w), ask->tty);
    else
        m->program = program_exec(&ask->container, ask->argv, ask->argc, ask->tty);
    if (!ask->in)
        program_input_end(m->program);
}

/* May free it. */
static void pump(struct remote *m)
{
    const struct stream_ask *ask = m->s.ask;
    struct program_output o = {.max = SESSION_PIECE};
    bool more = true;
    int code;
    while (more && wire_has_room(&m->wire)) {
        more = program_run(m->program, world_wall(m->s.api->w), &o);
        if (o.out.n > 0 && ask->out)
            emit(m, CHANNEL_OUT, buf_str(&o.out));
        if (o.err.n > 0 && ask->err)
            emit(m, CHANNEL_ERR, buf_str(&o.err));
        buf_clear(&o.out);
        buf_clear(&o.err);
    }
    buf_free(&o.out);
    buf_free(&o.err);
    if (!more && program_exited(m->program, &code)) {
        finish(m, code);
        return;
    }
    wire_pause(&m->wire, program_full(m->program) || !wire_has_room(&m->wire));
    session_sleep(&m->s, more ? -1 : program_due(m->program));
}

static void wake(struct session *s)
{
    struct remote *m = container_of(s, struct remote, s);
    if (!m->program && world_now(s->api->w) >= m->opening_until)
        end(s, false);
    else if (!m->program)
        session_sleep(s, -1);
    else if (!session_alive(s))
        finish(m, s->ask->kind == STREAM_EXEC ? PROGRAM_KILLED : 0);
    else
        pump(m);
}

/* ---- from the client ---- */

static void resize(struct remote *m, struct str text)
{
    struct arena a = {0};
    cJSON *size;
    struct err *err = json_parse(&a, text, &size);
    if (!err) {
        int64_t columns = json_int_at(size, "Width", 0), rows = json_int_at(size, "Height", 0);
        if (columns > 0 && columns <= UINT16_MAX && rows > 0 && rows <= UINT16_MAX)
            program_resize(m->program, (unsigned)columns, (unsigned)rows);
    }
    err_ignore(err);
    arena_free(&a);
}

static void on_message(struct remote *m, struct str message)
{
    if (message.n == 0)
        return;
    int channel = (unsigned char)message.p[0];
    struct str rest = str_sub(message, 1, message.n);
    bool closes =
        channel == CHANNEL_CLOSE && str_eq_c(str_c(m->s.ask->protocol), "v5.channel.k8s.io");
    if (channel == CHANNEL_IN && m->s.ask->in)
        program_input(m->program, rest);
    else if (channel == CHANNEL_RESIZE && rest.n <= RESIZE_MAX)
        resize(m, rest);
    else if (closes && rest.n == 1 && rest.p[0] == CHANNEL_IN)
        program_input_end(m->program);
    pump(m);
}

/* One JSON document behind another. */
static void on_resize_bytes(struct remote *m, struct str bytes)
{
    for (size_t i = 0; i < bytes.n; i++) {
        buf_add_char(&m->resize, bytes.p[i]);
        if (bytes.p[i] == '}' && m->program)
            resize(m, buf_str(&m->resize));
        if (bytes.p[i] == '}' || m->resize.n >= RESIZE_MAX)
            buf_clear(&m->resize);
    }
}

/* ---- SPDY ---- */

static bool awaited(const struct remote *m, enum channel c)
{
    const struct stream_ask *ask = m->s.ask;
    switch (c) {
    case CHANNEL_IN:
        return ask->in;
    case CHANNEL_OUT:
        return ask->out;
    case CHANNEL_ERR:
        return ask->err;
    case CHANNEL_RESIZE:
        return ask->tty;
    case CHANNEL_STATUS:
    case CHANNELS:
        break;
    }
    return true;
}

static bool on_opened(void *owner, struct spdy_stream *st, const struct spdy_pair *headers,
                      size_t n)
{
    static const char *const types[CHANNELS] = {"stdin", "stdout", "stderr", "error", "resize"};
    struct remote *m = owner;
    struct str type = spdy_header(headers, n, "streamType");
    for (size_t i = 0; i < CHANNELS; i++) {
        if (!str_eq_c(type, types[i]) || m->streams[i] || !awaited(m, (enum channel)i) ||
            m->program)
            continue;
        m->streams[i] = st;
        return true;
    }
    return false;
}

static void on_stream_data(void *owner, struct spdy_stream *st, struct str bytes)
{
    struct remote *m = owner;
    if (st == m->streams[CHANNEL_RESIZE])
        on_resize_bytes(m, bytes);
    else if (st == m->streams[CHANNEL_IN] && m->program)
        program_input(m->program, bytes);
}

static void on_stream_ended(void *owner, struct spdy_stream *st)
{
    struct remote *m = owner;
    if (st == m->streams[CHANNEL_IN] && m->program)
        program_input_end(m->program);
}

static void on_stream_gone(void *owner, struct spdy_stream *st)
{
    struct remote *m = owner;
    for (size_t i = 0; i < CHANNELS; i++) {
        if (m->streams[i] != st)
            continue;
        m->streams[i] = NULL;
        if (i == CHANNEL_IN && m->program)
            program_input_end(m->program);
    }
}

/* What came for a program before it began is only that input ended: nobody sends before streams are accepted. */
static void begin_when_complete(struct remote *m)
{
    for (size_t i = 0; i < CHANNELS; i++)
        if (awaited(m, (enum channel)i) && !m->streams[i])
            return;
    begin_program(m);
    if (m->streams[CHANNEL_IN] && m->streams[CHANNEL_IN]->in_ended)
        program_input_end(m->program);
}

static void on_spdy_bytes(struct remote *m, struct str bytes)
{
    bool ok = spdy_feed(m->spdy, bytes);
    flush(m);
    if (!ok) {
        end(&m->s, true);
        return;
    }
    if (!m->program)
        begin_when_complete(m);
    if (m->program)
        pump(m);
    else if (spdy_going(m->spdy))
        end(&m->s, false);
}

/* ---- the wire ---- */

static void on_bytes(void *owner, struct str bytes)
{
    struct remote *m = owner;
    if (m->spdy)
        on_spdy_bytes(m, bytes);
    else
        on_message(m, bytes);
}

static void on_ended(void *owner)
{
    struct remote *m = owner;
    end(&m->s, false);
}

static void on_drained(void *owner)
{
    struct remote *m = owner;
    if (m->program)
        pump(m);
}

static void on_closed(void *owner)
{
    remote_free(owner);
}

static const struct wire_handler wire_handler = {on_bytes, on_ended, on_drained, on_closed};

static void begin_channels(struct remote *m, struct http_exchange *x)
{
    const struct stream_ask *ask = m->s.ask;
    if (!wire_websocket(&m->wire, x, ask->protocol, &wire_handler, m)) {
        remote_free(m);
        return;
    }
    if (ask->trouble.n > 0) {
        finish_in_trouble(m, ask->trouble);
        return;
    }
    emit(m, ask->out ? CHANNEL_OUT : ask->err ? CHANNEL_ERR : CHANNEL_STATUS, str_empty);
    begin_program(m);
    session_sleep(&m->s, world_wall(m->s.api->w)); /* from the loop */
}

static void begin_spdy(struct remote *m, struct http_exchange *x,
                       const struct http_headers *headers)
{
    static const struct spdy_handler handler = {on_opened, on_stream_data, on_stream_ended,
                                                on_stream_gone};
    struct buf early = {0};
    m->spdy = spdy_new(&handler, m);
    m->opening_until = world_now(m->s.api->w) + SESSION_OPENING;
    wire_upgrade(&m->wire, x, headers, &wire_handler, m, &early);
    session_sleep(&m->s, -1);
    if (early.n > 0)
        on_spdy_bytes(m, buf_str(&early));
    buf_free(&early);
}

void remote_begin(struct session *s, struct http_exchange *x, const struct http_headers *headers)
{
    static const struct session_kind kind = {wake, end};
    struct remote *m = container_of(s, struct remote, s);
    s->kind = &kind;
    if (s->ask->carrier == STREAM_CHANNELS)
        begin_channels(m, x);
    else
        begin_spdy(m, x, headers);
}
