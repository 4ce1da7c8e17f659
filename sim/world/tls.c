/* Simulated TLS, in band: no cipher, but everything that can be observed of one: who names whom, which chain is shown,
 * what the client thinks of it at its own wall clock, alerts, close_notify.
 *
 *   client                        server            record: type(1) length(4, big endian) payload
 *     ClientHello  ─────────────►                   random(32) n(1) SNI n(1) ALPN
 *        ◄───────────────────────  ServerHello      asks(1) n(1) ALPN chain as DER
 *     [ClientCertificate] Finished ─►               chain as DER; nothing
 *     Data ... CloseNotify  ◄────►                  Alert(1) instead of any of them: the sender gives up */
#include "sim/world/tls_internal.h"

#include "engine/pki/x509.h"

static bool known_type(unsigned char type)
{
    return type >= RECORD_CLIENT_HELLO && type <= RECORD_CLOSE_NOTIFY;
}

static void put_record(struct sim_stream *e, enum record_type type, struct str payload)
{
    struct sim_pipe *out = end_out(e);
    char head[RECORD_HEAD] = {(char)type, (char)(payload.n >> 24), (char)(payload.n >> 16),
                              (char)(payload.n >> 8), (char)payload.n};
    if (out->fin || out->reset || e->gone)
        return;
    pipe_put(out, (struct str){head, sizeof(head)});
    if (payload.n > 0)
        pipe_put(out, payload);
}

static void send_records(struct sim_stream *e)
{
    pipe_send(e->conn, e->side, false);
}

/* The handshake, or the session, is over: alert, FIN, and `closed` for the app. */
static void give_up(struct sim_stream *e, enum alert alert, struct err *take_err)
{
    char code = (char)alert;
    put_record(e, RECORD_ALERT, (struct str){&code, 1});
    ++*e->conn->sim->count.tls_failures;
    if (!end_out(e)->reset)
        end_out(e)->fin = true;
    send_records(e);
    end_discard(e);
    if (e->failure)
        err_free(take_err);
    else
        e->failure = take_err;
}

static void put_text(struct buf *out, struct str text)
{
    buf_add_char(out, (char)text.n);
    buf_add(out, text);
}

void tls_hello(struct sim_stream *e)
{
    struct sim_tls *tls = e->tls;
    struct buf hello = {0};
    rng_bytes(&e->conn->random, buf_grow(&hello, TLS_RANDOM_BYTES), TLS_RANDOM_BYTES);
    put_text(&hello, world_host_is_numeric(tls->name) ? str_empty : tls->name);
    put_text(&hello, tls->alpn);
    ++*e->conn->sim->count.tls_handshakes;
    put_record(e, RECORD_CLIENT_HELLO, buf_str(&hello));
    buf_free(&hello);
    send_records(e);
}

static void opened(struct sim_stream *e)
{
    struct sim_tls *tls = e->tls;
    e->state = END_OPEN;
    if (tls->early.n > 0)
        tls_write(e, buf_str(&tls->early));
    buf_free(&tls->early);
    if (tls->shut_early)
        tls_shutdown(e);
}

static int64_t now_s(const struct sim_stream *e)
{
    return process_wall(e->world->process) / NS_PER_S;
}

/* A fault replaces the verdict on a chain that would have passed. */
static enum pki_verdict faulty_verdict(struct sim_stream *e)
{
    static const struct {
        enum sim_fault_kind kind;
        enum pki_verdict verdict;
    } faults[] = {
        {SIM_FAULT_TLS_EXPIRED, PKI_EXPIRED},
        {SIM_FAULT_TLS_NOT_YET_VALID, PKI_NOT_YET_VALID},
        {SIM_FAULT_TLS_WRONG_CA, PKI_UNKNOWN_AUTHORITY},
        {SIM_FAULT_TLS_WRONG_NAME, PKI_WRONG_NAME},
    };
    const struct sim_conn *c = e->conn;
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        if (faults[i].kind == SIM_FAULT_TLS_WRONG_NAME && e->tls->ignore_name)
            continue;
        if (fault_of_hosts(c->sim, faults[i].kind, c->host[0], c->host[1]))
            return faults[i].verdict;
    }
    return PKI_TRUSTED;
}

static void keep_peer(struct sim_stream *e, struct str chain)
{
    e->tls->peer_chain = tls_chain_kept(e->conn->sim, chain);
}

static enum pki_verdict judge_server(struct sim_stream *e, struct str chain)
{
    const struct sim_tls *tls = e->tls;
    if (tls->insecure)
        return PKI_TRUSTED;
    if (!tls->pool)
        return PKI_UNKNOWN_AUTHORITY;
    enum pki_verdict v =
        pki_verify_chain(tls->pool, chain, tls->ignore_name ? str_empty : tls->name, PKI_SERVER,
                         now_s(e), e->conn->sim->tls_store->cache);
    if (v == PKI_TRUSTED)
        v = faulty_verdict(e);
    if (v == PKI_TRUSTED)
        keep_peer(e, chain);
    return v;
}

static void got_server_hello(struct sim_stream *e, struct str body)
{
    struct sim_tls *tls = e->tls;
    size_t alpn_n = body.n >= 2 ? (unsigned char)body.p[1] : 0;
    if (body.n < 2 + alpn_n) {
        give_up(e, ALERT_DECODE, err_new(ERR_TLS, "TLS handshake failed: malformed ServerHello"));
        return;
    }
    enum pki_verdict v = judge_server(e, str_sub(body, 2 + alpn_n, body.n));
    if (v != PKI_TRUSTED) {
        give_up(e, (enum alert)(ALERT_VERDICT + v), pki_verdict_err(v, tls->name));
        return;
    }
    if (body.p[0] && tls->identity)
        put_record(e, RECORD_CLIENT_CERTIFICATE, tls->identity->chain);
    put_record(e, RECORD_FINISHED, str_empty);
    opened(e);
    send_records(e);
}

static void got_client_hello(struct sim_stream *e, struct str body)
{
    struct sim_tls *tls = e->tls;
    struct sim_conn *c = e->conn;
    size_t sni_n = body.n > TLS_RANDOM_BYTES ? (unsigned char)body.p[TLS_RANDOM_BYTES] : 0;
    size_t alpn_at = TLS_RANDOM_BYTES + 1 + sni_n;
    if (tls->hello_seen || body.n < alpn_at + 1 ||
        body.n != alpn_at + 1 + (unsigned char)body.p[alpn_at]) {
        give_up(e, ALERT_DECODE, err_new(ERR_TLS, "TLS handshake failed: malformed ClientHello"));
        return;
    }
    tls->hello_seen = true;
    if (fault_of_hosts(c->sim, SIM_FAULT_TLS_STALL, c->host[0], c->host[1]))
        return; /* until somebody's time is over */
    struct str alpn = str_sub(body, alpn_at + 1, body.n);
    struct buf hello = {0};
    buf_add_char(&hello, tls->identity->client_pool != NULL);
    put_text(&hello, str_eq(alpn, tls->identity->alpn) ? alpn : str_empty);
    buf_add(&hello, tls->identity->chain);
    put_record(e, RECORD_SERVER_HELLO, buf_str(&hello));
    buf_free(&hello);
    send_records(e);
}

static void got_client_certificate(struct sim_stream *e, struct str chain)
{
    struct sim_tls *tls = e->tls;
    if (!tls->identity->client_pool)
        return; /* not asked for */
    enum pki_verdict v = pki_verify_chain(tls->identity->client_pool, chain, str_empty, PKI_CLIENT,
                                          now_s(e), e->conn->sim->tls_store->cache);
    if (v == PKI_TRUSTED)
        keep_peer(e, chain);
    else
        give_up(e, (enum alert)(ALERT_VERDICT + v), pki_verdict_err(v, str_empty));
}

static void got_alert(struct sim_stream *e, struct str body)
{
    unsigned code = body.n > 0 ? (unsigned char)body.p[0] : 0;
    bool verdict = code >= ALERT_VERDICT && code < ALERT_VERDICT + PKI_VERDICT_COUNT;
    struct err *err = err_new(ERR_TLS, "%s failed: the peer refused: %s",
                              e->state == END_OPEN ? "TLS read" : "TLS handshake",
                              verdict ? pki_verdict_name((enum pki_verdict)(code - ALERT_VERDICT))
                                      : "protocol error");
    give_up(e, ALERT_DECODE, err);
}

/* What may come at this moment; the rest is a broken peer, or one that does not speak TLS at all. */
static bool expected(const struct sim_stream *e, enum record_type type)
{
    const struct sim_tls *tls = e->tls;
    if (type == RECORD_ALERT)
        return true;
    if (e->state == END_OPEN)
        return (type == RECORD_DATA || type == RECORD_CLOSE_NOTIFY) && !tls->ended;
    if (!tls->identity_is_server)
        return type == RECORD_SERVER_HELLO;
    return tls->hello_seen ? type == RECORD_CLIENT_CERTIFICATE || type == RECORD_FINISHED
                           : type == RECORD_CLIENT_HELLO;
}

static void got_record(struct sim_stream *e, enum record_type type, struct str body)
{
    trace_add(e->conn->sim, end_component(e), SIM_TRACE_NET, e->conn->id, (uint64_t)type << 8);
    switch (type) {
    case RECORD_CLIENT_HELLO:
        got_client_hello(e, body);
        break;
    case RECORD_SERVER_HELLO:
        got_server_hello(e, body);
        break;
    case RECORD_CLIENT_CERTIFICATE:
        got_client_certificate(e, body);
        break;
    case RECORD_FINISHED:
        opened(e);
        break;
    case RECORD_DATA:
        end_deliver(e, body);
        break;
    case RECORD_CLOSE_NOTIFY:
        e->tls->ended = true;
        break;
    case RECORD_ALERT:
        got_alert(e, body);
        break;
    }
}

bool tls_read(struct sim_stream *e)
{
    struct str in = pipe_readable(end_in(e));
    if (in.n == 0)
        return false;
    unsigned char type = (unsigned char)in.p[0];
    if (!known_type(type) || !expected(e, (enum record_type)type)) {
        give_up(e, ALERT_DECODE,
                err_new(ERR_TLS, "%s failed: wrong version number",
                        e->state == END_OPEN ? "TLS read" : "TLS handshake"));
        return true;
    }
    if (in.n < RECORD_HEAD)
        return false;
    const unsigned char *p = (const unsigned char *)in.p;
    size_t n = (size_t)p[1] << 24 | (size_t)p[2] << 16 | (size_t)p[3] << 8 | p[4];
    if (n > (type == RECORD_DATA ? RECORD_DATA_MAX : RECORD_HANDSHAKE_MAX)) {
        give_up(e, ALERT_DECODE, err_new(ERR_TLS, "TLS read failed: record too large"));
        return true;
    }
    if (in.n < RECORD_HEAD + n)
        return false;
    end_consume(e, RECORD_HEAD + n);
    got_record(e, (enum record_type)type, str_sub(in, RECORD_HEAD, n));
    return true;
}

void tls_write(struct sim_stream *e, struct str bytes)
{
    if (e->state != END_OPEN) {
        buf_add(&e->tls->early, bytes);
        return;
    }
    for (struct str piece; bytes.n > 0; bytes = str_sub(bytes, piece.n, bytes.n)) {
        piece = str_sub(bytes, 0, RECORD_DATA_MAX);
        put_record(e, RECORD_DATA, piece);
    }
    send_records(e);
}

void tls_shutdown(struct sim_stream *e)
{
    if (end_out(e)->fin || end_out(e)->reset)
        return;
    if (e->state != END_OPEN) {
        e->tls->shut_early = true;
        return;
    }
    put_record(e, RECORD_CLOSE_NOTIFY, str_empty);
    end_out(e)->fin = true;
    send_records(e);
}

bool tls_ended(const struct sim_tls *tls)
{
    return tls->ended;
}

size_t tls_waiting(const struct sim_tls *tls)
{
    return tls->early.n;
}

/* Few ask for it, and writing it costs more than the rest of a handshake: made at the first question. */
struct str tls_peer_pem(struct sim_tls *tls)
{
    if (tls->peer_pem.n == 0 && tls->peer_chain.n > 0)
        err_ignore(pki_chain_to_pem(tls->peer_chain, &tls->peer_pem)); /* was verified */
    return buf_str(&tls->peer_pem);
}
