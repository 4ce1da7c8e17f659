/* Goal: simulated TLS takes good chains and refuses bad ones with the reasons of the real world, at the client's own
 * clock; faults of handshakes are noticed and counted; a cut stream differs from an ended one.
 * Method: identities issued from fixed keys, one handshake a row. */
#include "engine/pki/x509.h"
#include "tests/unit/support/sim_kit.h"

#define NAME  "manager.example.test"
#define DAY_S INT64_C(86400)

struct identities {
    struct buf ca, other_ca, cert, key, client, client_key;
};

static struct pki_key *key_of(char c)
{
    unsigned char entropy[PKI_ENTROPY_BYTES];
    memset(entropy, c, sizeof(entropy));
    return pki_key_derive(PKI_ED25519, entropy);
}

static void issue(const struct pki_cert_spec *like, char who, char by, struct str issuer,
                  struct buf *pem, struct buf *key)
{
    struct pki_key *own = key_of(who), *ca = key_of(by);
    struct pki_cert_spec spec = *like;
    struct buf der = {0};
    spec.serial = (uint64_t)who;
    spec.not_before_s = KIT_START / S - DAY_S;
    spec.not_after_s = KIT_START / S + 10 * DAY_S;
    check_ok(pki_issue(&spec, own, issuer, ca, &der));
    pki_pem_add(pem, "CERTIFICATE", buf_str(&der));
    if (key)
        pki_key_to_pem(own, key);
    buf_free(&der);
    pki_key_free(own);
    pki_key_free(ca);
}

static void identities_make(struct identities *id)
{
    struct buf chain = {0};
    *id = (struct identities){0};
    struct pki_cert_spec ca = {.common_name = STR("ca"), .usage = PKI_CA};
    struct pki_cert_spec server = {
        .common_name = STR("m"), .dns = (struct str[]){STR(NAME)}, .dns_n = 1, .usage = PKI_SERVER};
    struct pki_cert_spec client = {.common_name = STR("c"), .usage = PKI_CLIENT};
    issue(&ca, 'a', 'a', str_empty, &id->ca, NULL);
    issue(&ca, 'o', 'o', str_empty, &id->other_ca, NULL);
    check_ok(pki_chain_from_pem(buf_str(&id->ca), &chain));
    issue(&server, 's', 'a', buf_str(&chain), &id->cert, &id->key);
    issue(&client, 'c', 'a', buf_str(&chain), &id->client, &id->client_key);
    buf_free(&chain);
}

static void identities_free(struct identities *id)
{
    struct buf *all[] = {&id->ca, &id->other_ca, &id->cert, &id->key, &id->client, &id->client_key};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        buf_free(all[i]);
}

/* One handshake and an echo; the client's events and why it failed. */
struct row {
    const char *what;
    const char *name; /* asked for */
    enum { CA, OTHER_CA, NO_CA } ca;
    bool insecure, ignore_name;
    world_time clock;    /* the client's error */
    int fault;           /* kind + 1; 0: none */
    const char *events;  /* of the client */
    const char *message; /* part of the error */
};

static const struct row rows[] = {
    {.what = "good", .name = NAME, .events = "odec"},
    {.what = "wrong name", .name = "other.test", .events = "c", .message = "name"},
    {.what = "wrong name, ignored", .name = "other.test", .ignore_name = true, .events = "odec"},
    {.what = "wrong authority",
     .name = NAME,
     .ca = OTHER_CA,
     .events = "c",
     .message = "unknown authority"},
    {.what = "no authority",
     .name = NAME,
     .ca = NO_CA,
     .events = "c",
     .message = "unknown authority"},
    {.what = "insecure", .name = "other.test", .ca = OTHER_CA, .insecure = true, .events = "odec"},
    {.what = "expired", .name = NAME, .clock = 11 * DAY_S * S, .events = "c", .message = "expired"},
    {.what = "not yet",
     .name = NAME,
     .clock = -2 * DAY_S * S,
     .events = "c",
     .message = "not valid yet"},
    {.what = "fault expired",
     .name = NAME,
     .fault = SIM_FAULT_TLS_EXPIRED + 1,
     .events = "c",
     .message = "expired"},
    {.what = "fault ca",
     .name = NAME,
     .fault = SIM_FAULT_TLS_WRONG_CA + 1,
     .events = "c",
     .message = "authority"},
    {.what = "fault name",
     .name = NAME,
     .fault = SIM_FAULT_TLS_WRONG_NAME + 1,
     .events = "c",
     .message = "name"},
    {.what = "fault early",
     .name = NAME,
     .fault = SIM_FAULT_TLS_NOT_YET_VALID + 1,
     .events = "c",
     .message = "valid yet"},
    {.what = "fault stall",
     .name = NAME,
     .fault = SIM_FAULT_TLS_STALL + 1,
     .events = "c",
     .message = "TLS handshake"},
};

static void run_row(const struct row *row, const struct identities *id)
{
    struct kit *k = kit_new();
    k->echo = true;
    sim_process_set_clock(k->client, row->clock, 0);
    struct sim_fault *f =
        row->fault ? kit_fault(k, &(struct sim_fault_options){.kind = row->fault - 1}) : NULL;
    struct world_tls server = {.cert_pem = buf_str(&id->cert), .key_pem = buf_str(&id->key)};
    struct world_tls client = {.server_name = str_c(row->name), .insecure = row->insecure};
    client.ignore_name = row->ignore_name;
    client.ca_pem = row->ca == CA         ? buf_str(&id->ca)
                    : row->ca == OTHER_CA ? buf_str(&id->other_ca)
                                          : str_empty;
    kit_listen(k, &server);
    kit_connect(k, &client);
    world_stream_write(k->c.s, STR("hello"));
    world_stream_shutdown(k->c.s);
    kit_run(k, 20 * S);
    if (!str_eq_c(buf_str(&k->c.events), row->events) || (row->message && !k->c.failed))
        print_error("%s: got %s %s\n", row->what, buf_c(&k->c.events), buf_c(&k->c.message));
    check_str(buf_str(&k->c.events), row->events);
    assert_int_equal(k->c.failed, row->message != NULL);
    if (row->message && str_find(buf_str(&k->c.message), str_c(row->message)) < 0)
        print_error("%s: %s\n", row->what, buf_c(&k->c.message));
    if (row->message)
        assert_true(str_find(buf_str(&k->c.message), str_c(row->message)) >= 0);
    else
        check_str(buf_str(&k->c.got), "hello");
    if (f)
        assert_int_equal(sim_fault_fired(f), 1);
    assert_int_equal(k->accepted_n, row->message == NULL);
    kit_free(k);
}

static void handshakes(void **state)
{
    struct identities id;
    identities_make(&id);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        run_row(&rows[i], &id);
    identities_free(&id);
}

static void client_certificates(void **state)
{
    struct identities id;
    identities_make(&id);
    for (int good = 0; good < 2; good++) {
        struct kit *k = kit_new();
        struct world_tls server = {.cert_pem = buf_str(&id.cert), .key_pem = buf_str(&id.key)};
        server.client_ca_pem = good ? buf_str(&id.ca) : buf_str(&id.other_ca);
        struct world_tls client = {.server_name = STR(NAME), .ca_pem = buf_str(&id.ca)};
        client.cert_pem = buf_str(&id.client);
        client.key_pem = buf_str(&id.client_key);
        kit_listen(k, &server);
        kit_connect(k, &client);
        kit_run(k, S);
        assert_int_equal(k->accepted_n, good);
        check_str(buf_str(&k->c.events),
                  good ? "o" : "oc"); /* as in TLS 1.3: the refusal comes after */
        if (good) {
            check_str_eq(world_stream_peer_pem(k->accepted[0].s), buf_str(&id.client));
            check_str_eq(world_stream_peer_pem(k->c.s), buf_str(&id.cert));
        } else {
            assert_int_equal(k->c.code, ERR_TLS);
        }
        kit_free(k);
    }
    identities_free(&id);
}

static void cut_is_no_end(void **state)
{
    struct identities id;
    identities_make(&id);
    struct kit *k = kit_new();
    struct world_tls server = {.cert_pem = buf_str(&id.cert), .key_pem = buf_str(&id.key)};
    struct world_tls client = {.server_name = STR(NAME), .ca_pem = buf_str(&id.ca)};
    kit_listen(k, &server);
    kit_connect(k, &client);
    kit_run(k, S);
    world_stream_write(k->accepted[0].s, STR("half"));
    sim_process_kill(k->server, SIM_EXIT_KILLED); /* FIN, but no close_notify */
    kit_run(k, S);
    check_str(buf_str(&k->c.events), "odc");
    assert_int_equal(k->c.code, ERR_EOF);
    check_str(buf_str(&k->c.message), "the TLS stream was cut without close_notify");
    kit_free(k);
    identities_free(&id);
}

static void plain_meets_tls(void **state)
{
    struct identities id;
    identities_make(&id);
    struct world_tls server = {.cert_pem = buf_str(&id.cert), .key_pem = buf_str(&id.key)};
    struct world_tls client = {.server_name = STR(NAME), .ca_pem = buf_str(&id.ca)};
    struct kit *k = kit_new();
    kit_listen(k, &server);
    kit_connect(k, NULL);
    world_stream_write(k->c.s, STR("GET / HTTP/1.1\r\n\r\n"));
    kit_run(k, S);
    assert_int_equal(k->accepted_n, 0);
    check_str(buf_str(&k->c.events), "ode"); /* an alert and the end */
    kit_free(k);
    k = kit_new();
    k->echo = true;
    kit_listen(k, NULL);
    kit_connect(k, &client);
    kit_run(k, S);
    check_str(buf_str(&k->c.events), "c");
    assert_int_equal(k->c.code, ERR_TLS);
    kit_free(k);
    identities_free(&id);
}

static void never(void *owner, struct world_stream *s)
{
    fail_msg("nobody is accepted");
}

/* The texts need not be a certificate and a key at all: what was said of them counts, and only of this pair. */
static void vouched_pairs_are_taken_unread(void **state)
{
    struct identities id;
    identities_make(&id);
    struct buf chain = {0};
    check_ok(pki_chain_from_pem(buf_str(&id.cert), &chain));
    for (int known = 0; known < 2; known++) {
        struct kit *k = kit_new();
        struct world_tls server = {.cert_pem = STR("this"),
                                   .key_pem = known ? STR("that") : STR("another")};
        struct world_tls client = {.server_name = STR(NAME), .ca_pem = buf_str(&id.ca)};
        struct world_listen options = {.address = world_addr_make(STR("0.0.0.0"), 7),
                                       .tls = &server};
        struct world_listener *l = NULL;
        sim_tls_vouch(k->sim, STR("this"), STR("that"), buf_str(&chain));
        if (!known) {
            check_err(world_listen(kit_sw(k), &options, never, NULL, &l), ERR_TLS,
                      "cannot be used");
        } else {
            kit_listen(k, &server);
            kit_connect(k, &client);
            kit_run(k, S);
            check_str(buf_str(&k->c.events), "o");
        }
        kit_free(k);
    }
    buf_free(&chain);
    identities_free(&id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(handshakes),
        cmocka_unit_test(client_certificates),
        cmocka_unit_test(cut_is_no_end),
        cmocka_unit_test(plain_meets_tls),
        cmocka_unit_test(vouched_pairs_are_taken_unread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
