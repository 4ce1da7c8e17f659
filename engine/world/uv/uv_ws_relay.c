/* The relay between libwebsockets' local socket and the stream to the server. Both directions stop when the other side
 * is full. */
#include "engine/world/uv/uv_ws.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOCAL_SOCKET_BYTES                                                                         \
    (32 << 10) /* in the kernel, per direction: beyond it back-pressure begins */

/* ---- the local socket ---- */
static void handle_gone(uv_handle_t *handle)
{
    uvw_ws_release(handle->data);
}

static void door_close(struct uvw_ws *ws)
{
    if (ws->door_used && !uv_is_closing((uv_handle_t *)&ws->door))
        uv_close((uv_handle_t *)&ws->door, handle_gone);
}

static void pipe_close(struct uvw_ws *ws)
{
    if (ws->pipe_used && !uv_is_closing((uv_handle_t *)&ws->pipe))
        uv_close((uv_handle_t *)&ws->pipe, handle_gone);
    ws->pipe_ended = true;
}

static bool pipe_up(const struct uvw_ws *ws)
{
    return ws->pipe_used && !ws->pipe_ended;
}

struct to_pipe {
    uv_write_t req;
    struct uvw_ws *ws;
    struct buf bytes;
};

static void relay_adjust(struct uvw_ws *ws);

static void pipe_written(uv_write_t *req, int status)
{
    struct to_pipe *w = container_of(req, struct to_pipe, req);
    struct uvw_ws *ws = w->ws;
    buf_free(&w->bytes);
    mem_free(w);
    if (status < 0)
        return; /* its end is told by reading */
    uvw_event(ws->uv);
    relay_adjust(ws);
}

static void pipe_write(struct uvw_ws *ws, struct str bytes)
{
    if (!pipe_up(ws) || ws->pipe_shut || bytes.n == 0)
        return;
    struct to_pipe *w = MEM_NEW(struct to_pipe);
    w->ws = ws;
    buf_add(&w->bytes, bytes);
    uv_buf_t all = uv_buf_init(w->bytes.p, (unsigned)w->bytes.n);
    if (uv_write(&w->req, (uv_stream_t *)&ws->pipe, &all, 1, pipe_written) < 0) {
        buf_free(&w->bytes);
        mem_free(w);
    }
    relay_adjust(ws);
}

static void relay_frames(struct uvw_ws *ws, struct str bytes)
{
    const char *fault = ws->closed_due ? NULL : uvw_ws_scan(ws, bytes);
    if (fault) {
        uvw_lws_close_now(ws, LWS_CLOSE_STATUS_PROTOCOL_ERR);
        uvw_ws_over(ws,
                    err_new(ERR_PROTOCOL, "the server broke the WebSocket protocol: %s", fault));
    } else {
        pipe_write(ws, bytes);
    }
}

static void shutdown_done(uv_shutdown_t *req, int status)
{
    mem_free(req);
}

/* libwebsockets sees the end behind what has been relayed. */
static void pipe_shutdown(struct uvw_ws *ws)
{
    if (!pipe_up(ws) || ws->pipe_shut)
        return;
    ws->pipe_shut = true;
    uv_shutdown_t *req = MEM_NEW(uv_shutdown_t);
    if (uv_shutdown(req, (uv_stream_t *)&ws->pipe, shutdown_done) < 0)
        mem_free(req);
}

static void pipe_room(uv_handle_t *handle, size_t suggested, uv_buf_t *room)
{
    struct uvw_ws *ws = handle->data;
    *room = uv_buf_init(ws->uv->read_bytes, sizeof ws->uv->read_bytes);
}

/* libwebsockets is through: what it wrote is still sent. */
static void pipe_over(struct uvw_ws *ws)
{
    bool by_itself = !ws->stream_ended && !ws->peer_code && !ws->close_code && !ws->closed_due;
    pipe_close(ws);
    door_close(ws);
    if (ws->stream) {
        world_stream_close(ws->stream);
        ws->stream = NULL;
    }
    uvw_ws_over(ws, by_itself ? err_new(ERR_PROTOCOL, "the server broke the WebSocket protocol")
                              : NULL);
}

static void pipe_read(uv_stream_t *pipe, ssize_t n, const uv_buf_t *room)
{
    struct uvw_ws *ws = pipe->data;
    uvw_event(ws->uv);
    if (n > 0 && ws->stream && !ws->stream_ended)
        world_stream_write(ws->stream, (struct str){room->base, (size_t)n});
    if (n > 0)
        uvw_ws_note_high(ws);
    if (n < 0)
        pipe_over(ws);
    else
        relay_adjust(ws);
}

/* Who may read now. */
static void relay_adjust(struct uvw_ws *ws)
{
    if (pipe_up(ws)) {
        bool room = !ws->stream || uvw_stream_queued(ws->stream) <= UVW_WS_RELAY_BYTES;
        if (room && !ws->pipe_reading)
            uv_read_start((uv_stream_t *)&ws->pipe, pipe_room, pipe_read);
        else if (!room && ws->pipe_reading)
            uv_read_stop((uv_stream_t *)&ws->pipe);
        ws->pipe_reading = room;
    }
    if (!ws->stream)
        return;
    bool full = ws->paused || (ws->state == UVW_WS_OPEN && !ws->upgraded) ||
                (pipe_up(ws) &&
                 uv_stream_get_write_queue_size((uv_stream_t *)&ws->pipe) > UVW_WS_RELAY_BYTES);
    if (full && !ws->stream_paused)
        world_stream_pause(ws->stream);
    else if (!full && ws->stream_paused)
        world_stream_resume(ws->stream);
    ws->stream_paused = full;
}

/* Only this process may come through the door. */
static bool is_own(uv_pipe_t *pipe)
{
    uv_os_fd_t fd;
    struct ucred peer;
    socklen_t n = sizeof peer;
    return uv_fileno((uv_handle_t *)pipe, &fd) == 0 &&
           getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0 && peer.pid == getpid();
}

static void door_opened(uv_stream_t *door, int status)
{
    struct uvw_ws *ws = door->data;
    uvw_event(ws->uv);
    if (status < 0 || ws->pipe_used)
        return;
    uv_pipe_init(&ws->uv->loop, &ws->pipe, 0);
    ws->pipe.data = ws;
    ws->pipe_used = true;
    ws->handles++;
    int size = LOCAL_SOCKET_BYTES;
    if (uv_accept(door, (uv_stream_t *)&ws->pipe) < 0 || !is_own(&ws->pipe)) {
        uvw_ws_over(ws, err_new(ERR_INTERNAL, "the local socket was opened by somebody else"));
        return;
    }
    (void)uv_send_buffer_size((uv_handle_t *)&ws->pipe, &size);
    door_close(ws);
    relay_adjust(ws);
}

/* The name's length counts, too: libwebsockets uses the one up to the first NUL. */
static int door_socket(struct sockaddr_un *name)
{
    uint64_t random[2];
    BUG_ON(uv_random(NULL, NULL, random, sizeof random, 0, NULL), "the kernel has random bytes");
    *name = (struct sockaddr_un){.sun_family = AF_UNIX};
    struct buf text = {0};
    buf_addf(&text, "paddock-%016llx%016llx", (unsigned long long)random[0],
             (unsigned long long)random[1]);
    memcpy(name->sun_path + 1, text.p, text.n); /* abstract: no file is left behind */
    socklen_t n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + text.n);
    buf_free(&text);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && bind(fd, (struct sockaddr *)name, n) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

struct err *uvw_ws_door_open(struct uvw_ws *ws)
{
    int fd = door_socket(&ws->door_name);
    if (fd < 0)
        return err_new(ERR_UNAVAILABLE, "cannot make a local socket");
    uv_pipe_init(&ws->uv->loop, &ws->door, 0);
    ws->door.data = ws;
    ws->door_used = true;
    ws->handles++;
    int bad = uv_pipe_open(&ws->door, fd);
    if (!bad)
        bad = uv_listen((uv_stream_t *)&ws->door, 1, door_opened);
    return bad ? err_new(ERR_UNAVAILABLE, "cannot listen on a local socket: %s", uv_strerror(bad))
               : NULL;
}

/* ---- the stream ---- */
static void stream_open(void *owner)
{
    struct uvw_ws *ws = owner;
    ws->state = UVW_WS_UPGRADING;
    struct err *err = uvw_lws_connect(ws);
    if (err)
        uvw_ws_over(ws, err);
}

static void refused(struct uvw_ws *ws)
{
    size_t body_at = (size_t)str_find(buf_str(&ws->head), STR("\r\n\r\n")) + 4;
    bool whole = uvw_ws_answer_body(buf_str(&ws->head), body_at, &ws->http_body);
    if (whole || ws->stream_ended || !buf_ok(&ws->head))
        uvw_ws_over(ws, err_new(ERR_PROTOCOL, "the server refused the WebSocket with status %d",
                                ws->http_status));
}

static void answer_grew(struct uvw_ws *ws)
{
    size_t body_at;
    struct err *err = NULL;
    if (!uvw_ws_answer_head(buf_str(&ws->head), &ws->http_status, &body_at, &err)) {
        if (err)
            uvw_ws_over(ws, err);
        return;
    }
    if (ws->http_status != 101) {
        ws->state = UVW_WS_REFUSED;
        uvw_alarm_start(ws->uv, &ws->deadline, UVW_WS_REFUSAL_TIMEOUT);
        refused(ws);
        return;
    }
    ws->http_status = 0;
    ws->state = UVW_WS_OPEN; /* told when libwebsockets has checked the answer */
    pipe_write(ws, str_sub(buf_str(&ws->head), 0, body_at));
    buf_consume(&ws->head, body_at); /* what is behind waits until the head is accepted */
    relay_adjust(ws);
}

/* The first frames. */
void uvw_ws_relay_opened(struct uvw_ws *ws)
{
    struct buf frames = ws->head;
    ws->head = (struct buf){0};
    ws->upgraded = true;
    relay_frames(ws, buf_str(&frames));
    relay_adjust(ws);
    buf_free(&frames);
}

static void stream_data(void *owner, struct str bytes)
{
    struct uvw_ws *ws = owner;
    switch (ws->state) {
    case UVW_WS_UPGRADING:
    case UVW_WS_REFUSED:
        ws->head.max = UVW_WS_HEAD_MAX + UVW_READ_BYTES;
        buf_add(&ws->head, bytes);
        if (ws->state == UVW_WS_REFUSED)
            refused(ws);
        else
            answer_grew(ws);
        return;
    case UVW_WS_OPEN:
        if (ws->upgraded)
            relay_frames(ws, bytes);
        else
            buf_add(&ws->head, bytes);
        return;
    case UVW_WS_CONNECTING:
    case UVW_WS_OVER:
        if (ws->upgraded)
            pipe_write(ws, bytes);
        return;
    }
}

static void stream_end(void *owner)
{
    struct uvw_ws *ws = owner;
    ws->stream_ended = true;
    if (ws->state == UVW_WS_REFUSED)
        refused(ws);
    else if (ws->state == UVW_WS_UPGRADING)
        uvw_ws_over(ws, err_new(ERR_EOF, "the server ended the connection instead of answering"));
    else
        pipe_shutdown(ws);
}

static void stream_drained(void *owner)
{
    struct uvw_ws *ws = owner;
    relay_adjust(ws);
    uvw_ws_tell_drained(ws);
}

static void stream_closed(void *owner, const struct err *err)
{
    struct uvw_ws *ws = owner;
    ws->stream = NULL;
    ws->stream_ended = true;
    if (!ws->err && err)
        ws->err = err_copy(err);
    if (ws->state == UVW_WS_OPEN && pipe_up(ws))
        pipe_shutdown(ws); /* what came before the end is still told */
    else
        uvw_ws_over(ws, NULL);
}

static const struct world_stream_handler stream_handler = {stream_open, stream_data, stream_end,
                                                           stream_drained, stream_closed};

void uvw_ws_relay_start(struct uvw_ws *ws, const struct world_tls *tls, world_time timeout)
{
    const struct world_connect connect = {ws->address, tls, timeout};
    ws->stream = world_stream_connect(&ws->uv->base, &connect, &stream_handler, ws);
}

void uvw_ws_relay_pause(struct uvw_ws *ws, bool paused)
{
    ws->paused = paused;
    if (ws->state == UVW_WS_OPEN)
        relay_adjust(ws);
}

/* Gives the transport up. libwebsockets sees its socket end and destroys the wsi; what it wrote is sent, unless abort. */
void uvw_ws_relay_end(struct uvw_ws *ws, bool abort)
{
    if (!abort && pipe_up(ws)) {
        pipe_shutdown(ws);
        uvw_ws_relay_pause(ws, false);
        uvw_alarm_start(ws->uv, &ws->deadline, UVW_WS_CLOSE_TIMEOUT);
        return;
    }
    if (ws->stream) {
        if (abort)
            world_stream_abort(ws->stream);
        else
            world_stream_close(ws->stream);
    }
    ws->stream = NULL;
    door_close(ws);
    pipe_close(ws);
}
