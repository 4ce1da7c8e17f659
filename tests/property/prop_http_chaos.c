/* Goal: whatever server, client and WebSocket are told inside their callbacks, nothing is used after its end, everybody
 * who must be told is told exactly once, and everything ends.
 * Method: one server and one client in one fake world, cut streams; every callback takes a random choice (answer, stream,
 * pause, resume, abort, cancel, upgrade, close, free everything). Run under the sanitizers. The seed is printed;
 * PADDOCK_SEED repeats one. */
#include "tests/unit/support/check.h"
#include "tests/unit/support/fake_world.h"

#include "engine/base/rng.h"
#include "engine/http/client.h"
#include "engine/http/ws.h"

#include <stdlib.h>

#define RUNS  600
#define STEPS 60
#define SLOTS 24
#define PORT  80

struct chaos;
struct task { /* an exchange of the server */
    struct chaos *c;
    struct http_exchange *x;
    bool streaming;
};
struct job { /* a call of the client */
    struct chaos *c;
    struct http_call *call;
    size_t dones;
};
struct socket {
    struct chaos *c;
    struct http_ws *ws;
    size_t closes;
    bool open;
};
struct chaos {
    struct rng r;
    struct fake_world *f;
    struct http_server *server;
    struct http_client *client;
    struct task tasks[SLOTS];
    struct job jobs[SLOTS];
    struct socket sockets[SLOTS];
    struct buf filler;
    bool over;
};

static bool chance(struct chaos *c, uint64_t n)
{
    return rng_below(&c->r, n) == 0;
}
static struct str some(struct chaos *c)
{
    return str_sub(buf_str(&c->filler), 0, chance(c, 8) ? c->filler.n : rng_below(&c->r, 300));
}

static void free_all(struct chaos *c)
{
    struct http_server *server = c->server;
    c->over = true;
    c->server = NULL;
    for (size_t i = 0; i < SLOTS; i++) {
        c->jobs[i].call = NULL;
        if (c->sockets[i].ws)
            http_ws_abort(c->sockets[i].ws);
        c->sockets[i].ws = NULL;
    }
    http_client_free(c->client);
    c->client = NULL;
    http_server_free(server); /* tells `gone` */
    for (size_t i = 0; i < SLOTS; i++)
        assert_null(c->tasks[i].x);
}

/* ---- WebSockets ---- */

static void socket_act(struct socket *s)
{
    struct chaos *c = s->c;
    struct http_ws *ws = s->ws;
    if (!ws || !s->open)
        return;
    switch (rng_below(&c->r, 10)) {
    case 0:
        s->ws = NULL;
        http_ws_close(ws, 1000, STR("done"));
        break;
    case 1:
        s->ws = NULL;
        http_ws_abort(ws);
        break;
    case 2:
        http_ws_pause(ws);
        break;
    case 3:
    case 4:
        http_ws_resume(ws);
        break;
    case 5:
        http_ws_ping(ws, STR("?"));
        break;
    default:
        http_ws_send(ws, false, some(c));
        break;
    }
}
static void on_ws_open(void *owner)
{
    ((struct socket *)owner)->open = true;
    socket_act(owner);
}
static void on_ws_message(void *owner, bool text, struct str payload)
{
    struct socket *s = owner;
    assert_non_null(s->ws);
    if (chance(s->c, 60))
        free_all(s->c);
    else if (chance(s->c, 2))
        socket_act(s);
}
static void on_ws_control(void *owner, struct str payload)
{
    struct socket *s = owner;
    assert_non_null(s->ws);
    socket_act(s);
}
static void on_ws_drained(void *owner)
{
    socket_act(owner);
}
static void on_ws_closed(void *owner, const struct world_ws_closed *how)
{
    struct socket *s = owner;
    assert_non_null(s->ws);
    s->ws = NULL;
    s->closes++;
    if (chance(s->c, 60))
        free_all(s->c);
}
static const struct world_ws_handler socket_handler = {.open = on_ws_open,
                                                       .message = on_ws_message,
                                                       .ping = on_ws_control,
                                                       .pong = on_ws_control,
                                                       .drained = on_ws_drained,
                                                       .closed = on_ws_closed};
static struct socket *free_socket(struct chaos *c)
{
    for (size_t i = 0; i < SLOTS; i++)
        if (!c->sockets[i].ws) {
            c->sockets[i] = (struct socket){.c = c};
            return &c->sockets[i];
        }
    return NULL;
}

/* ---- server ---- */

static void act(struct task *t);
static void on_piece(void *data, struct http_exchange *x, struct str piece)
{
    struct task *t = data;
    assert_ptr_equal(t->x, x);
    act(t);
}
static void on_body(void *data, struct http_exchange *x, struct str body)
{
    on_piece(data, x, body);
}
static void on_body_end(void *data, struct http_exchange *x)
{
    on_piece(data, x, str_empty);
}
static void on_drained(void *data)
{
    act(data);
}
static void on_gone(void *data)
{
    struct task *t = data;
    assert_non_null(t->x);
    t->x = NULL;
    if (!t->c->over && chance(t->c, 30))
        free_all(t->c);
}
static void answer_whole(struct task *t)
{
    struct http_exchange *x = t->x;
    t->x = NULL;
    http_answer(x, 200, "text/plain", NULL, some(t->c));
}
static void act_streaming(struct task *t)
{
    struct http_exchange *x = t->x;
    switch (rng_below(&t->c->r, 6)) {
    case 0:
    case 1:
        t->x = NULL;
        http_answer_end(x);
        break;
    case 2:
        if (!chance(t->c, 4))
            break;
        t->x = NULL;
        http_answer_abort(x);
        break;
    default:
        http_answer_write(x, some(t->c));
        break;
    }
}
static void act(struct task *t)
{
    if (!t->x || t->c->over)
        return;
    if (t->streaming) {
        act_streaming(t);
        return;
    }
    switch (rng_below(&t->c->r, 9)) {
    case 0:
    case 1:
    case 2:
        answer_whole(t);
        break;
    case 3:
        t->streaming = true;
        http_answer_start(t->x, 200, NULL);
        http_answer_on_drained(t->x, on_drained);
        break;
    case 4:
        http_read_pause(t->x);
        break;
    case 5:
    case 6:
        http_read_resume(t->x);
        break;
    case 7:
        if (chance(t->c, 40))
            free_all(t->c);
        break;
    default:
        break; /* later */
    }
}
static void handle(void *owner, struct http_exchange *x)
{
    struct chaos *c = owner;
    struct socket *s = NULL;
    struct task *t = NULL;
    if (str_eq(http_path(x), STR("/ws")) && (s = free_socket(c))) {
        s->open = true;
        s->ws = http_ws_accept(x, NULL, &socket_handler, s);
        assert_non_null(s->ws);
        return;
    }
    for (size_t i = 0; i < SLOTS && !t; i++)
        t = c->tasks[i].x ? NULL : &c->tasks[i];
    if (!t) {
        http_answer(x, 503, NULL, NULL, str_empty);
        return;
    }
    *t = (struct task){.c = c, .x = x};
    http_exchange_set(x, t, on_gone);
    uint64_t reading = rng_below(&c->r, 4);
    if (reading == 0)
        http_read_all(x, on_body);
    else if (reading == 1)
        http_read_stream(x, on_piece, on_body_end);
    act(t);
}

/* ---- client ---- */

static void job_act(struct job *j)
{
    struct http_call *call = j->call;
    if (!call)
        return;
    switch (rng_below(&j->c->r, 6)) {
    case 0:
        j->call = NULL;
        http_call_cancel(call);
        break;
    case 1:
        http_call_pause(call);
        break;
    case 2:
    case 3:
        http_call_resume(call);
        break;
    default:
        break;
    }
}
static bool on_head(void *owner, const struct http_response *r)
{
    struct job *j = owner;
    assert_non_null(j->call);
    bool streamed = chance(j->c, 2);
    if (chance(j->c, 80))
        free_all(j->c);
    else if (chance(j->c, 4))
        job_act(j);
    return streamed;
}
static void on_data(void *owner, struct str piece)
{
    struct job *j = owner;
    assert_non_null(j->call);
    if (chance(j->c, 200))
        free_all(j->c);
    else if (chance(j->c, 4))
        job_act(j);
}
static void call(struct chaos *c);
static void on_done(void *owner, const struct http_response *r, const struct err *err)
{
    struct job *j = owner;
    struct chaos *c = j->c;
    assert_non_null(j->call);
    assert_true(r || err);
    j->call = NULL;
    if (chance(c, 80))
        free_all(c);
    else if (chance(c, 2))
        call(c);
}
static const struct http_call_handler call_handler = {
    .head = on_head, .data = on_data, .done = on_done};

static void call(struct chaos *c)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "HEAD"};
    struct http_request r = {.address =
                                 world_addr_make(STR("127.0.0.1"), chance(c, 20) ? PORT + 1 : PORT),
                             .host = STR("a"),
                             .method = methods[rng_below(&c->r, ARRAY_LEN(methods))],
                             .target = chance(c, 30) ? STR("/ bad") : STR("/x"),
                             .body = chance(c, 2) ? some(c) : str_empty,
                             .timeout = chance(c, 4) ? -1 : 0,
                             .idle_timeout = chance(c, 2) ? NS_PER_S : 0};
    for (size_t i = 0; i < SLOTS && c->client; i++) {
        struct job *j = &c->jobs[i];
        if (j->call)
            continue;
        *j = (struct job){.c = c};
        j->call = http_call_start(c->client, &r, &call_handler, j);
        return;
    }
}
static void dial(struct chaos *c)
{
    struct world_ws_connect o = {.address = world_addr_make(STR("127.0.0.1"), PORT),
                                 .host = STR("a"),
                                 .path = chance(c, 8) ? STR("/x") : STR("/ws"),
                                 .fragment_bytes = chance(c, 2) ? 100 : 0};
    struct socket *s = free_socket(c);
    if (s)
        s->ws = http_ws_connect(fake_of(c->f), &o, &socket_handler, s);
}

static void step(struct chaos *c)
{
    switch (rng_below(&c->r, 8)) {
    case 0:
    case 1:
        call(c);
        break;
    case 2:
        dial(c);
        break;
    case 3:
        act(&c->tasks[rng_below(&c->r, SLOTS)]);
        break;
    case 4:
        job_act(&c->jobs[rng_below(&c->r, SLOTS)]);
        break;
    case 5:
        socket_act(&c->sockets[rng_below(&c->r, SLOTS)]);
        break;
    case 6:
        fake_split(c->f, rng_below(&c->r, 4) ? rng_below(&c->r, 5000) : 1);
        fake_run_for(c->f, chance(c, 10) ? 100 * NS_PER_S : (int64_t)rng_below(&c->r, NS_PER_MS));
        break;
    default:
        if (chance(c, 20))
            http_client_forget(c->client);
        else if (chance(c, 60))
            http_server_drain(c->server);
        fake_run_for(c->f, (int64_t)rng_below(&c->r, 20 * NS_PER_US));
        break;
    }
}

static void run(uint64_t seed)
{
    struct chaos c = {.r = rng_seed(seed), .f = fake_new(seed)};
    struct world_listen listen = {.address = world_addr_make(STR("0.0.0.0"), PORT)};
    memset(buf_grow(&c.filler, 150000), 'f', 150000);
    c.client = http_client_new(fake_of(c.f));
    c.server = http_server_new(fake_of(c.f), NULL, handle, &c);
    check_ok(http_server_listen(c.server, &listen, NULL));
    for (size_t i = 0; i < STEPS && !c.over; i++)
        step(&c);
    if (!c.over)
        free_all(&c);
    fake_run(c.f);
    assert_int_equal(fake_handles(c.f), 0);
    fake_free(c.f);
    buf_free(&c.filler);
}

static void test_chaos(void **state)
{
    const char *given = getenv("PADDOCK_SEED");
    uint64_t seed = 20260103;
    if (given)
        assert_true(str_to_u64(str_c(given), &seed));
    print_message("PADDOCK_SEED=%llu\n", (unsigned long long)seed);
    struct rng r = rng_seed(seed);
    for (size_t i = 0; i < RUNS; i++)
        run(rng_u64(&r));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_chaos)};
    return cmocka_run_group_tests_name("http_chaos", tests, NULL, NULL);
}
