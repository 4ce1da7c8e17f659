/* Goal: byte streams keep the promises of world.h in both worlds.
 * Method: a server and a client record their callbacks (support/peer.h); hooks act inside each of them. */
#include "tests/contract/support/peer.h"

#define CHUNK ((size_t)64 << 10)

struct pair {
    struct contract *c;
    struct peer_server server;
    struct peer client;
    char *chunk;
    uint64_t sent, goal, most_queued;
};

static struct pair *pair_new(struct contract *c)
{
    struct pair *p = MEM_NEW(struct pair);
    p->c = c;
    p->chunk = mem_alloc(CHUNK);
    for (size_t i = 0; i < CHUNK; i++)
        p->chunk[i] = (char)(i * 7);
    p->server.like.data = p->client.data = p;
    return p;
}

static void pair_start(struct pair *p)
{
    peer_serve(p->c, &p->server, NULL);
    peer_connect(p->c, &p->client, p->c->ops->server_addr(p->c, p->server.port), NULL);
}

static void pair_up(struct pair *p)
{
    pair_start(p);
    contract_until(p->c, peer_is_open, &p->client);
    contract_until(p->c, peer_server_has, &p->server);
}

static void pair_free(struct pair *p)
{
    peer_free(&p->client);
    peer_serve_end(&p->server);
    mem_free(p->chunk);
    mem_free(p);
}

static struct peer *served(struct pair *p)
{
    return &p->server.peers[0];
}

static void write_c(struct peer *p, const char *text)
{
    world_stream_write(p->s, str_c(text));
}

static void echo_and_orderly_end(struct contract *c)
{
    struct pair *p = pair_new(c);
    p->server.like.echo = true;
    pair_up(p);
    write_c(&p->client, "hello ");
    write_c(&p->client, "world");
    world_stream_shutdown(p->client.s);
    world_stream_shutdown(p->client.s); /* idempotent */
    contract_until(c, peer_is_closed, &p->client);
    contract_until(c, peer_is_closed, served(p));
    assert_string_equal(buf_c(&p->client.got), "hello world");
    assert_string_equal(buf_c(&p->client.events), "odec");
    assert_string_equal(buf_c(&served(p)->events), "dec");
    assert_false(p->client.failed);
    assert_false(served(p)->failed);
    pair_free(p);
}

static void write_before_open(struct contract *c)
{
    struct pair *p = pair_new(c);
    p->server.like.echo = true;
    pair_start(p);
    write_c(&p->client, "early");
    assert_int_equal(world_stream_queued(p->client.s), 5);
    world_stream_shutdown(p->client.s);
    contract_until(c, peer_is_closed, &p->client);
    assert_string_equal(buf_c(&p->client.got), "early");
    pair_free(p);
}

static void write_before_open_and_close(struct contract *c)
{
    struct pair *p = pair_new(c);
    pair_start(p);
    write_c(&p->client, "last words");
    peer_close(&p->client);
    contract_until(c, peer_server_has, &p->server);
    contract_until(c, peer_has_ended, served(p));
    assert_string_equal(buf_c(&served(p)->got), "last words");
    assert_int_equal(p->client.events.n, 0);
    pair_free(p);
}

static void answer_after_end(struct peer *p)
{
    write_c(p, "after your end");
    world_stream_shutdown(p->s);
}

static void half_close_by_the_client(struct contract *c)
{
    struct pair *p = pair_new(c);
    p->server.like.on_end = answer_after_end;
    pair_up(p);
    write_c(&p->client, "x");
    world_stream_shutdown(p->client.s);
    contract_until(c, peer_is_closed, &p->client);
    assert_string_equal(buf_c(&p->client.got), "after your end");
    contract_until(c, peer_is_closed, served(p));
    assert_false(served(p)->failed);
    pair_free(p);
}

static void half_close_by_the_server(struct contract *c)
{
    struct pair *p = pair_new(c);
    p->client.on_end = answer_after_end;
    pair_up(p);
    world_stream_shutdown(served(p)->s);
    contract_until(c, peer_is_closed, served(p));
    assert_string_equal(buf_c(&served(p)->got), "after your end");
    contract_until(c, peer_is_closed, &p->client);
    assert_false(p->client.failed);
    pair_free(p);
}

static void close_sends_what_is_queued(struct contract *c)
{
    struct pair *p = pair_new(c);
    p->server.like.forget = true;
    pair_up(p);
    for (int i = 0; i < 64; i++)
        world_stream_write(p->client.s, (struct str){p->chunk, CHUNK});
    peer_close(&p->client);
    contract_until(c, peer_has_ended, served(p));
    assert_int_equal(served(p)->bytes, 64 * CHUNK);
    pair_free(p);
}

static void close_while_the_peer_sends(struct contract *c)
{
    struct pair *p = pair_new(c);
    pair_up(p);
    write_c(served(p), "never read");
    write_c(&p->client, "bye");
    peer_close(&p->client);
    contract_until(c, peer_has_ended, served(p)); /* no reset takes the bytes away */
    assert_string_equal(buf_c(&served(p)->got), "bye");
    pair_free(p);
}

static void abort_gives_reset(struct contract *c)
{
    struct pair *p = pair_new(c);
    pair_up(p);
    peer_abort(&p->client);
    contract_until(c, peer_is_closed, served(p));
    assert_true(served(p)->failed);
    assert_int_equal(served(p)->code, ERR_CONN_RESET);
    assert_int_equal(served(p)->ended, 0);
    pair_free(p);
}

static void abort_by_the_server(struct contract *c)
{
    struct pair *p = pair_new(c);
    pair_up(p);
    peer_abort(served(p));
    contract_until(c, peer_is_closed, &p->client);
    assert_int_equal(p->client.code, ERR_CONN_RESET);
    pair_free(p);
}

static void connect_refused(struct contract *c)
{
    struct pair *p = pair_new(c);
    peer_serve(c, &p->server, NULL);
    uint16_t port = p->server.port;
    world_listener_close(p->server.l);
    p->server.l = NULL;
    contract_for(c, 10 * NS_PER_MS);
    peer_connect(c, &p->client, c->ops->server_addr(c, port), NULL);
    contract_until(c, peer_is_closed, &p->client);
    assert_int_equal(p->client.code, ERR_CONN_REFUSED);
    assert_string_equal(buf_c(&p->client.events), "c");
    pair_free(p);
}

static void connect_to_a_black_hole(struct contract *c)
{
    struct peer client = {.c = c};
    const struct world_connect options = {.address = c->ops->black_hole(c),
                                          .timeout = 300 * NS_PER_MS};
    world_time from = world_now(c->client);
    client.s = world_stream_connect(c->client, &options, &peer_handler, &client);
    contract_until(c, peer_is_closed, &client);
    assert_int_equal(client.code, ERR_TIMEOUT);
    world_time took = world_now(c->client) - from;
    assert_true(took >= 300 * NS_PER_MS && took < 5 * NS_PER_S);
    peer_free(&client);
}

static void connect_to_no_address(struct contract *c)
{
    struct peer client = {0};
    peer_connect(c, &client, world_addr_make(STR("not a number"), 80), NULL);
    contract_until(c, peer_is_closed, &client);
    assert_true(client.failed);
    peer_free(&client);
}

/* ---- back-pressure ---- */
static void pour(struct peer *peer)
{
    struct pair *p = peer->data;
    while (p->sent < p->goal && world_stream_queued(peer->s) <= WORLD_STREAM_LOW) {
        world_stream_write(peer->s, (struct str){p->chunk, CHUNK});
        p->sent += CHUNK;
    }
    uint64_t queued = world_stream_queued(peer->s);
    if (queued > p->most_queued)
        p->most_queued = queued;
    if (p->sent >= p->goal)
        world_stream_shutdown(peer->s);
}

static void pause_stops_the_sender(struct contract *c)
{
    struct pair *p = pair_new(c);
    p->goal = (uint64_t)64 << 20;
    p->server.like.forget = true;
    p->client.on_drained = pour;
    pair_up(p);
    world_stream_pause(served(p)->s);
    pour(&p->client);
    uint64_t stuck;
    do {
        stuck = p->sent;
        contract_for(c, 300 * NS_PER_MS);
    } while (p->sent != stuck && p->sent < p->goal);
    assert_true(p->sent < p->goal); /* the path between holds a few MB at most */
    assert_int_equal(served(p)->bytes, 0);
    world_stream_resume(served(p)->s);
    contract_until(c, peer_has_ended, served(p));
    assert_int_equal(served(p)->bytes, p->goal);
    assert_true(p->most_queued <= WORLD_STREAM_LOW + CHUNK);
    assert_true(p->client.drained > 0);
    pair_free(p);
}

static void pause_self(struct peer *p, struct str bytes)
{
    world_stream_pause(p->s);
}

static bool has_bytes(void *peer)
{
    return ((struct peer *)peer)->bytes > 0;
}

static void pause_holds_data_and_end(struct contract *c)
{
    struct pair *p = pair_new(c);
    p->server.like.on_data = pause_self;
    pair_up(p);
    write_c(&p->client, "one");
    contract_until(c, has_bytes, served(p));
    write_c(&p->client, "two");
    world_stream_shutdown(p->client.s);
    contract_for(c, 100 * NS_PER_MS);
    assert_string_equal(buf_c(&served(p)->events), "d");
    assert_string_equal(buf_c(&served(p)->got), "one");
    served(p)->on_data = NULL;
    world_stream_resume(served(p)->s);
    contract_until(c, peer_has_ended, served(p));
    assert_string_equal(buf_c(&served(p)->got), "onetwo");
    pair_free(p);
}

static void drained_comes_once(struct contract *c)
{
    struct pair *p = pair_new(c);
    p->server.like.forget = true;
    pair_up(p);
    for (int i = 0; i < 16; i++)
        world_stream_write(p->client.s, (struct str){p->chunk, CHUNK});
    world_stream_shutdown(p->client.s);
    contract_until(c, peer_has_ended, served(p));
    contract_for(c, 20 * NS_PER_MS);
    assert_int_equal(p->client.drained, 1);
    assert_int_equal(world_stream_queued(p->client.s), 0);
    pair_free(p);
}

/* ---- ends inside each callback ---- */
static void end_by_close(struct peer *p)
{
    peer_close(p);
}
static void end_by_abort(struct peer *p)
{
    peer_abort(p);
}
static void data_close(struct peer *p, struct str bytes)
{
    peer_close(p);
}
static void data_abort(struct peer *p, struct str bytes)
{
    peer_abort(p);
}

static bool client_acted(void *owner)
{
    return ((struct pair *)owner)->client.s == NULL;
}

/* The hook ends the client inside the callback `letter`: it must be the last one. */
static void end_inside(struct contract *c, char letter, bool abort)
{
    struct pair *p = pair_new(c);
    void (*end)(struct peer *) = abort ? end_by_abort : end_by_close;
    if (letter == 'o')
        p->client.on_open = end;
    if (letter == 'd')
        p->client.on_data = abort ? data_abort : data_close;
    if (letter == 'e')
        p->client.on_end = end;
    if (letter == 'r')
        p->client.on_drained = end;
    pair_start(p);
    contract_until(c, peer_server_has, &p->server);
    if (letter == 'r')
        for (int i = 0; i < 32; i++)
            world_stream_write(p->client.s, (struct str){p->chunk, CHUNK});
    if (letter == 'd')
        world_stream_write(served(p)->s, (struct str){p->chunk, CHUNK});
    if (letter == 'e')
        world_stream_shutdown(served(p)->s);
    contract_until(c, client_acted, p);
    contract_for(c, 50 * NS_PER_MS);
    assert_int_equal(p->client.events.p[p->client.events.n - 1], letter);
    assert_int_equal(p->client.closed, 0);
    pair_free(p);
}

static void close_inside_each_callback(struct contract *c)
{
    for (const char *letter = "oder"; *letter; letter++)
        end_inside(c, *letter, false);
}

static void abort_inside_each_callback(struct contract *c)
{
    for (const char *letter = "oder"; *letter; letter++)
        end_inside(c, *letter, true);
}

static void close_right_after_connect(struct contract *c)
{
    struct pair *p = pair_new(c);
    pair_start(p);
    peer_close(&p->client);
    contract_for(c, 50 * NS_PER_MS);
    assert_int_equal(p->client.events.n, 0);
    pair_free(p);
}

static void both_close_at_once(struct contract *c)
{
    struct pair *p = pair_new(c);
    pair_up(p);
    world_stream_shutdown(p->client.s);
    world_stream_shutdown(served(p)->s);
    contract_until(c, peer_is_closed, &p->client);
    contract_until(c, peer_is_closed, served(p));
    assert_string_equal(buf_c(&p->client.events), "oec");
    assert_false(p->client.failed);
    pair_free(p);
}

static void write_into_a_reset_connection(struct contract *c)
{
    struct pair *p = pair_new(c);
    pair_up(p);
    peer_abort(served(p));
    for (int i = 0; i < 4; i++)
        world_stream_write(p->client.s, (struct str){p->chunk, CHUNK});
    contract_until(c, peer_is_closed, &p->client);
    assert_true(p->client.failed);
    assert_int_equal(p->client.code, ERR_CONN_RESET);
    pair_free(p);
}

/* ---- listeners ---- */
static bool has_three(void *server)
{
    return ((struct peer_server *)server)->n == 3;
}

static void closing_the_listener_keeps_streams(struct contract *c)
{
    struct pair *p = pair_new(c);
    p->server.like.echo = true;
    pair_up(p);
    world_listener_close(p->server.l);
    p->server.l = NULL;
    write_c(&p->client, "still here");
    world_stream_shutdown(p->client.s);
    contract_until(c, peer_is_closed, &p->client);
    assert_string_equal(buf_c(&p->client.got), "still here");
    pair_free(p);
}

static void several_connections(struct contract *c)
{
    struct pair *p = pair_new(c);
    p->server.like.echo = true;
    struct peer more[2] = {0};
    pair_start(p);
    for (int i = 0; i < 2; i++)
        peer_connect(c, &more[i], c->ops->server_addr(c, p->server.port), NULL);
    contract_until(c, has_three, &p->server);
    write_c(&more[1], "second");
    world_stream_shutdown(more[1].s);
    contract_until(c, peer_is_closed, &more[1]);
    assert_string_equal(buf_c(&more[1].got), "second");
    assert_int_equal(more[0].bytes + p->client.bytes, 0);
    peer_free(&more[0]);
    peer_free(&more[1]);
    pair_free(p);
}

static void not_accepted(void *owner, struct world_stream *s)
{
    fail();
}

static void a_port_is_listened_on_once(struct contract *c)
{
    struct pair *p = pair_new(c);
    peer_serve(c, &p->server, NULL);
    const struct world_listen again = {.address = world_addr_make(STR("0.0.0.0"), p->server.port)};
    struct world_listener *l = NULL;
    struct err *err = world_listen(c->server, &again, not_accepted, NULL, &l);
    assert_non_null(err);
    assert_null(l);
    err_free(err);
    pair_free(p);
}

static void addresses(struct contract *c)
{
    struct pair *p = pair_new(c);
    pair_up(p);
    struct world_addr to = c->ops->server_addr(c, p->server.port);
    struct world_addr peer = world_stream_peer(p->client.s),
                      local = world_stream_local(p->client.s);
    assert_true(world_addr_eq(&peer, &to));
    struct world_addr seen = world_stream_peer(served(p)->s),
                      own = world_stream_local(served(p)->s);
    assert_true(world_addr_eq(&seen, &local));
    assert_true(world_addr_eq(&own, &to));
    assert_int_equal(world_stream_peer_pem(p->client.s).n, 0);
    pair_free(p);
}

static const struct contract_case cases[] = {
    {"echo and orderly end", echo_and_orderly_end},
    {"write before open", write_before_open},
    {"write before open and close", write_before_open_and_close},
    {"half-close by the client", half_close_by_the_client},
    {"half-close by the server", half_close_by_the_server},
    {"close sends what is queued", close_sends_what_is_queued},
    {"close while the peer sends", close_while_the_peer_sends},
    {"abort gives reset", abort_gives_reset},
    {"abort by the server", abort_by_the_server},
    {"connect refused", connect_refused},
    {"connect to a black hole", connect_to_a_black_hole},
    {"connect to no address", connect_to_no_address},
    {"pause stops the sender", pause_stops_the_sender},
    {"pause holds data and end", pause_holds_data_and_end},
    {"drained comes once", drained_comes_once},
    {"close inside each callback", close_inside_each_callback},
    {"abort inside each callback", abort_inside_each_callback},
    {"close right after connect", close_right_after_connect},
    {"both close at once", both_close_at_once},
    {"write into a reset connection", write_into_a_reset_connection},
    {"closing the listener keeps streams", closing_the_listener_keeps_streams},
    {"several connections", several_connections},
    {"a port is listened on once", a_port_is_listened_on_once},
    {"addresses", addresses},
};

CONTRACT_MAIN("streams", cases)
