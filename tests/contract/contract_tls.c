/* Goal: TLS streams: what is accepted, what is refused and with which reason, identity reload, client certificates.
 * Method: one server identity and one client configuration a case; the reason is looked for in the error's message. */
#include "tests/contract/support/peer.h"

#include <string.h>
#include <sys/resource.h>

struct bench {
    struct contract *c;
    struct contract_pki *pki;
    struct peer_server server;
    struct peer client;
    struct world_tls offer, want;
};

static struct bench *bench_new(struct contract *c)
{
    struct bench *b = MEM_NEW(struct bench);
    b->c = c;
    b->pki = contract_pki_new(c);
    b->server.like.echo = true;
    b->offer = (struct world_tls){.cert_pem = b->pki->cert_pem, .key_pem = b->pki->key_pem};
    b->want = (struct world_tls){.server_name = STR(CONTRACT_NAME), .ca_pem = b->pki->ca_pem};
    return b;
}

static void bench_free(struct bench *b)
{
    peer_free(&b->client);
    peer_serve_end(&b->server);
    contract_pki_free(b->pki);
    mem_free(b);
}

static void client_connect(struct bench *b)
{
    peer_connect(b->c, &b->client, b->c->ops->server_addr(b->c, b->server.port), &b->want);
}

static void start(struct bench *b)
{
    peer_serve(b->c, &b->server, &b->offer);
    client_connect(b);
}

/* The connection works: bytes go both ways and both ends are orderly. */
static void works(struct bench *b)
{
    world_stream_write(b->client.s, STR("over TLS"));
    world_stream_shutdown(b->client.s);
    contract_until(b->c, peer_is_closed, &b->client);
    assert_string_equal(buf_c(&b->client.message), "");
    assert_string_equal(buf_c(&b->client.got), "over TLS");
    assert_string_equal(buf_c(&b->client.events), "odec");
    struct peer *served = &b->server.peers[b->server.n - 1];
    contract_until(b->c, peer_is_closed, served);
    assert_false(served->failed);
}

static void refused(struct bench *b, const char *reason)
{
    contract_until(b->c, peer_is_closed, &b->client);
    assert_true(b->client.failed);
    assert_int_equal(b->client.code, ERR_TLS);
    if (!strstr(buf_c(&b->client.message), reason))
        fail_msg("\"%s\" does not say \"%s\"", buf_c(&b->client.message), reason);
    assert_string_equal(buf_c(&b->client.events), "c");
    contract_for(b->c, 50 * NS_PER_MS);
    assert_int_equal(b->server.n, 0); /* never handed to the owner */
}

static void good(struct contract *c)
{
    struct bench *b = bench_new(c);
    start(b);
    works(b);
    bench_free(b);
}

static void good_by_address(struct contract *c)
{
    struct bench *b = bench_new(c);
    struct world_addr at = c->ops->server_addr(c, 0);
    b->want.server_name = str_c(at.host);
    start(b);
    works(b);
    bench_free(b);
}

static void the_address_stands_in_for_a_name(struct contract *c)
{
    struct bench *b = bench_new(c);
    b->want.server_name = str_empty;
    start(b);
    works(b);
    bench_free(b);
}

static void wrong_authority(struct contract *c)
{
    struct bench *b = bench_new(c);
    b->want.ca_pem = b->pki->other_ca_pem;
    start(b);
    refused(b, "unknown authority");
    bench_free(b);
}

static void expired(struct contract *c)
{
    struct bench *b = bench_new(c);
    b->offer.cert_pem = b->pki->expired_pem;
    b->offer.key_pem = b->pki->expired_key_pem;
    start(b);
    refused(b, "expired");
    bench_free(b);
}

static void wrong_name(struct contract *c)
{
    struct bench *b = bench_new(c);
    b->want.server_name = STR("other.example.test");
    start(b);
    refused(b, "other.example.test");
    bench_free(b);
}

static void wrong_address(struct contract *c)
{
    struct bench *b = bench_new(c);
    b->want.server_name = STR("203.0.113.9");
    start(b);
    refused(b, "203.0.113.9");
    bench_free(b);
}

static void name_ignored(struct contract *c)
{
    struct bench *b = bench_new(c);
    b->want.server_name = STR("other.example.test");
    b->want.ignore_name = true;
    start(b);
    works(b);
    bench_free(b);
}

static void name_ignored_still_checks_the_chain(struct contract *c)
{
    struct bench *b = bench_new(c);
    b->want.ca_pem = b->pki->other_ca_pem;
    b->want.ignore_name = true;
    start(b);
    refused(b, "unknown authority");
    bench_free(b);
}

static void insecure_takes_anything(struct contract *c)
{
    struct bench *b = bench_new(c);
    b->offer.cert_pem = b->pki->expired_pem;
    b->offer.key_pem = b->pki->expired_key_pem;
    b->want = (struct world_tls){.server_name = STR("other.example.test"), .insecure = true};
    start(b);
    works(b);
    bench_free(b);
}

static void several_authorities(struct contract *c)
{
    struct bench *b = bench_new(c);
    struct buf both = {0};
    buf_add(&both, b->pki->other_ca_pem);
    buf_add(&both, b->pki->ca_pem);
    b->want.ca_pem = buf_str(&both);
    start(b);
    works(b);
    buf_free(&both);
    bench_free(b);
}

static void peer_certificate(struct contract *c)
{
    struct bench *b = bench_new(c);
    start(b);
    contract_until(c, peer_is_open, &b->client);
    assert_true(str_eq(world_stream_peer_pem(b->client.s), b->pki->cert_pem));
    contract_until(c, peer_server_has, &b->server);
    assert_int_equal(world_stream_peer_pem(b->server.peers[0].s).n, 0);
    works(b);
    bench_free(b);
}

static void reload_the_identity(struct contract *c)
{
    struct bench *b = bench_new(c);
    start(b);
    contract_until(c, peer_is_open, &b->client);
    struct world_tls renewed = {.cert_pem = b->pki->cert2_pem, .key_pem = b->pki->key2_pem};
    struct err *err = world_listener_set_tls(b->server.l, &renewed);
    assert_null(err);
    struct peer second = {0};
    peer_connect(c, &second, c->ops->server_addr(c, b->server.port), &b->want);
    contract_until(c, peer_is_open, &second);
    assert_true(str_eq(world_stream_peer_pem(b->client.s), b->pki->cert_pem));
    assert_true(str_eq(world_stream_peer_pem(second.s), b->pki->cert2_pem));
    struct world_tls broken = {.cert_pem = b->pki->cert2_pem, .key_pem = STR("no key")};
    err = world_listener_set_tls(b->server.l, &broken);
    assert_non_null(err);
    err_free(err);
    peer_free(&second);
    bench_free(b);
}

static void client_certificate(struct contract *c)
{
    struct bench *b = bench_new(c);
    b->offer.client_ca_pem = b->pki->ca_pem;
    b->want.cert_pem = b->pki->client_pem;
    b->want.key_pem = b->pki->client_key_pem;
    start(b);
    contract_until(c, peer_server_has, &b->server);
    assert_true(str_eq(world_stream_peer_pem(b->server.peers[0].s), b->pki->client_pem));
    works(b);
    bench_free(b);
}

static void client_certificate_is_optional(struct contract *c)
{
    struct bench *b = bench_new(c);
    b->offer.client_ca_pem = b->pki->ca_pem;
    start(b);
    contract_until(c, peer_server_has, &b->server);
    assert_int_equal(world_stream_peer_pem(b->server.peers[0].s).n, 0);
    works(b);
    bench_free(b);
}

static void a_stranger_is_refused(struct contract *c)
{
    struct bench *b = bench_new(c);
    b->offer.client_ca_pem = b->pki->ca_pem;
    b->want.cert_pem = b->pki->stranger_pem;
    b->want.key_pem = b->pki->stranger_key_pem;
    start(b);
    contract_until(c, peer_is_closed, &b->client); /* perhaps after `open`: TLS 1.3 */
    assert_true(b->client.failed);
    assert_int_equal(b->server.n, 0);
    bench_free(b);
}

static void not_accepted(void *owner, struct world_stream *s)
{
    fail();
}

static void listener_without_identity(struct contract *c)
{
    struct world_tls nothing = {0};
    const struct world_listen options = {.address = world_addr_make(STR("0.0.0.0"), 0),
                                         .tls = &nothing};
    struct world_listener *l = NULL;
    struct err *err = world_listen(c->server, &options, not_accepted, NULL, &l);
    assert_non_null(err);
    err_free(err);
}

static void a_plain_server_is_not_tls(struct contract *c)
{
    struct bench *b = bench_new(c);
    b->server.like.echo = true; /* sends the ClientHello back */
    peer_serve(c, &b->server, NULL);
    client_connect(b);
    contract_until(c, peer_is_closed, &b->client);
    assert_true(b->client.failed);
    assert_int_equal(b->client.opened, 0);
    bench_free(b);
}

static void a_silent_server_times_out(struct contract *c)
{
    struct bench *b = bench_new(c);
    b->server.like.forget = true; /* reads, never answers */
    b->server.like.echo = false;
    peer_serve(c, &b->server, NULL);
    const struct world_connect options = {.address = c->ops->server_addr(c, b->server.port),
                                          .tls = &b->want,
                                          .timeout = 300 * NS_PER_MS};
    b->client.s = world_stream_connect(c->client, &options, &peer_handler, &b->client);
    contract_until(c, peer_is_closed, &b->client);
    assert_int_equal(b->client.code, ERR_TIMEOUT);
    bench_free(b);
}

static void a_cut_is_not_an_end(struct contract *c)
{
    struct bench *b = bench_new(c);
    start(b);
    contract_until(c, peer_is_open, &b->client);
    contract_until(c, peer_server_has, &b->server);
    peer_abort(&b->server.peers[0]);
    contract_until(c, peer_is_closed, &b->client);
    assert_true(b->client.failed);
    assert_int_equal(b->client.ended, 0);
    bench_free(b);
}

/* ---- much data ---- */
#define MUCH  ((uint64_t)16 << 20)
#define PIECE ((size_t)100000)

struct flow {
    uint64_t sent;
    char *piece;
};

static void pour(struct peer *p)
{
    struct flow *f = p->data;
    while (f->sent < MUCH && world_stream_queued(p->s) <= WORLD_STREAM_LOW) {
        world_stream_write(p->s, (struct str){f->piece, PIECE});
        f->sent += PIECE;
    }
    if (f->sent >= MUCH)
        world_stream_shutdown(p->s);
}

static void much_data_with_back_pressure(struct contract *c)
{
    struct bench *b = bench_new(c);
    struct flow f = {0, mem_alloc(PIECE)};
    b->client.data = &f;
    b->client.on_open = b->client.on_drained = pour;
    b->server.like.echo = false;
    b->server.like.forget = true;
    start(b);
    contract_until(c, peer_server_has, &b->server);
    world_stream_pause(b->server.peers[0].s);
    contract_for(c, 300 * NS_PER_MS);
    assert_true(f.sent < MUCH);
    world_stream_resume(b->server.peers[0].s);
    contract_until(c, peer_has_ended, &b->server.peers[0]);
    assert_int_equal(b->server.peers[0].bytes, f.sent);
    mem_free(f.piece);
    bench_free(b);
}

static void close_sends_what_is_queued(struct contract *c)
{
    struct bench *b = bench_new(c);
    b->server.like.echo = false;
    b->server.like.forget = true;
    char *piece = mem_alloc(PIECE);
    start(b);
    for (int i = 0; i < 20; i++)
        world_stream_write(b->client.s, (struct str){piece, PIECE});
    peer_close(&b->client);
    contract_until(c, peer_server_has, &b->server);
    contract_until(c, peer_has_ended, &b->server.peers[0]);
    assert_int_equal(b->server.peers[0].bytes, 20 * PIECE);
    mem_free(piece);
    bench_free(b);
}

/* Who connects and says nothing makes room for who speaks, at once: not when his time is over. There are so many that their
 * time would have to pass twice, which is longer than a client waits. */
#define SILENT 2200u

static void mute(struct bench *b, struct peer *silent)
{
    for (size_t i = 0; i < SILENT; i++)
        peer_connect(b->c, &silent[i], b->c->ops->server_addr(b->c, b->server.port), NULL);
    for (size_t i = 0; i < SILENT; i++)
        contract_until(b->c, peer_is_open, &silent[i]);
}

static void silent_clients_keep_nobody_out(struct contract *c)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_max < 3 * SILENT)
        return; /* they cannot be opened here */
    files.rlim_cur = files.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
    struct bench *b = bench_new(c);
    struct peer *silent = MEM_NEW_ARRAY(struct peer, SILENT);
    peer_serve(c, &b->server, &b->offer);
    mute(b, silent);
    client_connect(b);
    contract_until(c, peer_is_open, &b->client);
    works(b);
    for (size_t i = 0; i < SILENT; i++)
        peer_free(&silent[i]);
    mem_free(silent);
    bench_free(b);
}

static const struct contract_case cases[] = {
    {"good", good},
    {"good by address", good_by_address},
    {"the address stands in for a name", the_address_stands_in_for_a_name},
    {"wrong authority", wrong_authority},
    {"expired", expired},
    {"wrong name", wrong_name},
    {"wrong address", wrong_address},
    {"name ignored", name_ignored},
    {"name ignored still checks the chain", name_ignored_still_checks_the_chain},
    {"insecure takes anything", insecure_takes_anything},
    {"several authorities", several_authorities},
    {"peer certificate", peer_certificate},
    {"reload the identity", reload_the_identity},
    {"client certificate", client_certificate},
    {"client certificate is optional", client_certificate_is_optional},
    {"a stranger is refused", a_stranger_is_refused},
    {"listener without identity", listener_without_identity},
    {"a plain server is not TLS", a_plain_server_is_not_tls},
    {"a silent server times out", a_silent_server_times_out},
    {"a cut is not an end", a_cut_is_not_an_end},
    {"much data with back-pressure", much_data_with_back_pressure},
    {"close sends what is queued", close_sends_what_is_queued},
    {"silent clients keep nobody out", silent_clients_keep_nobody_out},
};

CONTRACT_MAIN("tls", cases)
