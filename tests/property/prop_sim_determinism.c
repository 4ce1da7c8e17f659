/* Goal: a run is a function of its seed, whatever happens in it; and what arrives of a stream is exactly what was sent,
 * once, in order, from its start: all that was written when the stream ended.
 * Method: random processes that talk to each other, over random links, under random faults, crashes, pauses and power
 *         cuts; each run twice. The bytes of a stream are a function of its number and the position, so that the reader
 *         checks each of them. usage: prop_sim_determinism [first seed [count]] */
#include "engine/base/list.h"
#include "engine/pki/x509.h"
#include "sim/world/fault.h"
#include "sim/world/trace.h"
#include "tests/unit/support/check.h"

#include <stdlib.h>

#define SEEDS       25
#define PROCESSES   8
#define FAULTS      6
#define RUN         (300 * NS_PER_S)
#define PORT        443
#define TLS_PORT    444
#define START       (INT64_C(1767225600) * NS_PER_S)
#define CHUNK_MAX   70000u
#define TOTAL_USUAL 20000u
#define TOTAL_MAX   400000u

struct party;
struct talk { /* one end of a stream, of either side */
    struct party *p;
    struct list link;
    struct world_stream *s;
    uint64_t number, received, sent,
        total; /* number: of the bytes that come in, 0 until the first 8 bytes told it */
    uint64_t out_number;
    bool ended;
};
struct party {
    struct world *w;
    struct run *run;
    struct world_timer *t;
    struct world_listener *l, *tls;
    struct world_dns *q;
    struct list talks;
};
struct run {
    struct sim *sim;
    struct buf cert, key; /* one identity, its own authority */
    struct rng rng;
    uint64_t numbers, whole, broken, bytes;
    int64_t handshakes, refused;
    uint64_t written[4096]; /* by number: what the writer has given to its stream */
};

static unsigned char byte_of(uint64_t number, uint64_t at)
{
    return (unsigned char)((number * 2654435761u + at * 40503u + (at >> 8) * 7u) >> 3);
}

/* ---- the program ---- */

static void talk_more(struct talk *t)
{
    static char chunk[CHUNK_MAX];
    while (t->sent < t->total && world_stream_queued(t->s) <= WORLD_STREAM_LOW) {
        uint64_t left = t->total - t->sent;
        size_t n = (size_t)world_random_below(t->p->w, CHUNK_MAX) + 1;
        n = n < left ? n : (size_t)left;
        for (size_t i = 0; i < n; i++)
            chunk[i] = (char)byte_of(t->out_number, t->sent + i);
        world_stream_write(t->s, (struct str){chunk, n});
        t->sent += n;
        t->p->run->written[t->out_number] = t->sent;
        if (world_random_below(t->p->w, 4) == 0)
            break; /* the rest when something comes */
    }
    if (t->total > 0 && t->sent == t->total) {
        world_stream_shutdown(t->s);
        t->total = 0;
    }
}

static void send_number(struct talk *t)
{
    struct run *run = t->p->run;
    t->out_number = ++run->numbers;
    bool large = world_random_below(t->p->w, 10) == 0; /* beyond the window */
    t->total = world_random_below(t->p->w, large ? TOTAL_MAX : TOTAL_USUAL) + 1;
    BUG_ON(t->out_number >= ARRAY_LEN(run->written), "there is room for every stream");
    char raw[8];
    for (int i = 0; i < 8; i++)
        raw[i] = (char)(t->out_number >> (8 * i));
    world_stream_write(t->s, (struct str){raw, 8});
    talk_more(t);
}

static void on_open(void *owner)
{
    send_number(owner);
}
static void on_data(void *owner, struct str bytes)
{
    struct talk *t = owner;
    for (size_t i = 0; i < bytes.n; i++, t->received++) {
        unsigned char c = (unsigned char)bytes.p[i];
        if (t->received < 8)
            t->number |= (uint64_t)c << (8 * t->received);
        else if (c != byte_of(t->number, t->received - 8))
            fail_msg("stream %llu: a wrong byte at %llu", (unsigned long long)t->number,
                     (unsigned long long)t->received - 8);
    }
    t->p->run->bytes += bytes.n;
    if (world_random_below(t->p->w, 3000) == 0)
        world_note(t->p->w, "kill me", str_empty, str_empty);
    bool dead = !sim_process_is_running(sim_process_of(t->p->w));
    if (world_random_below(t->p->w, 8) == 0) {
        world_stream_pause(t->s);
        world_timer_start(t->p->t, world_random_time(t->p->w, NS_PER_S));
    }
    if (dead)
        world_stream_write(t->s, STR("nobody hears this"));
    else
        talk_more(t);
}
static void on_end(void *owner)
{
    struct talk *t = owner;
    t->ended = true;
    if (t->received > 0) /* an end comes behind everything that was written, whoever made it */
        assert_int_equal(t->received - 8, t->p->run->written[t->number]);
    talk_more(t);
}
static void on_drained(void *owner)
{
    talk_more(owner);
}
static void on_closed(void *owner, const struct err *err)
{
    struct talk *t = owner;
    if (err)
        t->p->run->broken++;
    else
        t->p->run->whole++;
    assert_true(err || t->ended);
    list_remove(&t->link);
    mem_free(t);
}
static const struct world_stream_handler handler = {on_open, on_data, on_end, on_drained,
                                                    on_closed};

static struct talk *talk_new(struct party *p)
{
    struct talk *t = MEM_NEW(struct talk);
    t->p = p;
    list_add_tail(&p->talks, &t->link);
    return t;
}
static void on_accept(void *owner, struct world_stream *s)
{
    struct talk *t = talk_new(owner);
    t->s = s;
    world_stream_attach(s, &handler, t);
    send_number(t);
}
static void on_dns(void *owner, const struct world_dns_answer *answer, const struct err *err)
{
    struct party *p = owner;
    p->q = NULL;
    if (err)
        return;
    struct talk *t = talk_new(p);
    struct world_tls tls = {.server_name = STR("all.test"), .ca_pem = buf_str(&p->run->cert)};
    bool plain = world_random_below(p->w, 2) == 0;
    struct world_connect o = {.address =
                                  world_addr_make(str_c(answer->host[0]), plain ? PORT : TLS_PORT)};
    o.tls = plain ? NULL : &tls;
    t->s = world_stream_connect(p->w, &o, &handler, t);
}
static void on_tick(void *owner)
{
    struct party *p = owner;
    world_timer_start(p->t, world_random_time(p->w, 5 * NS_PER_S));
    list_each (&p->talks, it, next) {
        struct talk *t = container_of(it, struct talk, link);
        world_stream_resume(t->s);
        if (world_random_below(p->w, 60) > 0)
            continue;
        if (world_random_below(p->w, 2))
            world_stream_abort(t->s);
        else
            world_stream_close(t->s);
        list_remove(&t->link);
        mem_free(t);
    }
    if (!p->q && world_random_below(p->w, 3) == 0)
        p->q = world_dns_query(p->w, STR("all.test"), NS_PER_S, on_dns, p);
    if (world_random_below(p->w, 200) == 0)
        world_exit(p->w, 1);
}

static struct err *start(struct world *w, const void *config, void **instance)
{
    struct party *p = MEM_NEW(struct party);
    p->w = w;
    p->run = *(struct run *const *)config;
    list_init(&p->talks);
    p->t = world_timer_new(w, on_tick, p);
    world_timer_start(p->t, world_random_time(w, NS_PER_S));
    struct world_listen o = {.address = world_addr_make(STR("0.0.0.0"), PORT)};
    check_ok(world_listen(w, &o, on_accept, p, &p->l));
    struct world_tls tls = {.cert_pem = buf_str(&p->run->cert), .key_pem = buf_str(&p->run->key)};
    o.address.port = TLS_PORT;
    o.tls = &tls;
    check_ok(world_listen(w, &o, on_accept, p, &p->tls));
    *instance = p;
    return NULL;
}
static void destroy(void *instance)
{
    struct party *p = instance;
    list_each (&p->talks, it, next) {
        struct talk *t = container_of(it, struct talk, link);
        world_stream_abort(t->s);
        mem_free(t);
    }
    world_dns_cancel(p->q);
    world_timer_free(p->t);
    world_listener_close(p->l);
    world_listener_close(p->tls);
    mem_free(p);
}
static const struct sim_program program = {.start = start, .destroy = destroy};

/* ---- the scenario ---- */

static void restart(void *owner)
{
    struct sim_process *p = owner;
    if (!sim_process_is_running(p) && sim_host_is_on(sim_process_host(p)))
        check_ok(sim_process_start(p));
}
static void exited(void *owner, struct sim_process *p, int status)
{
    for (int i = 1; i < 100; i++) /* also when the power comes back later */
        sim_after(owner, i * NS_PER_S, restart, p);
}

static void on_note(void *owner, const struct sim_note *n)
{
    if (strcmp(n->kind, "kill me") == 0)
        sim_process_kill(n->process, SIM_EXIT_KILLED);
}

static void make_identity(struct run *run)
{
    unsigned char entropy[PKI_ENTROPY_BYTES] = {1};
    struct pki_key *key = pki_key_derive(PKI_ED25519, entropy);
    struct pki_cert_spec spec = {
        .common_name = STR("all"), .dns_n = 1, .serial = 1, .usage = PKI_CA | PKI_SERVER};
    spec.dns = (struct str[]){STR("all.test")};
    spec.not_before_s = START / NS_PER_S - 1000;
    spec.not_after_s = START / NS_PER_S + 100000;
    struct buf der = {0};
    check_ok(pki_issue(&spec, key, str_empty, key, &der));
    pki_pem_add(&run->cert, "CERTIFICATE", buf_str(&der));
    pki_key_to_pem(key, &run->key);
    buf_free(&der);
    pki_key_free(key);
}

static void make_process(struct run *run, int i, struct run *const *config)
{
    struct buf name = {0}, address = {0};
    buf_addf(&name, "p%d", i);
    buf_addf(&address, "10.0.0.%d", i + 1);
    struct sim_host_options host = {.name = buf_str(&name), .address = buf_str(&address)};
    host.zone = i % 2 ? STR("site/a") : STR("cluster/edge");
    struct sim_process_options o = {.name = buf_str(&name), .program = &program, .config = config};
    o.host = sim_host_new(run->sim, &host);
    o.exited = exited;
    o.owner = run->sim;
    check_ok(sim_process_start(sim_process_new(run->sim, &o)));
    buf_free(&name);
    buf_free(&address);
}

static void make_fault(struct run *run, int i)
{
    struct buf name = {0};
    struct rng *r = &run->rng;
    buf_addf(&name, "f%d", i);
    struct sim_fault_options o = {.name = buf_str(&name)};
    o.kind = (enum sim_fault_kind)rng_below(r, SIM_FAULT_KIND_COUNT);
    o.at = rng_between(r, 0, RUN / 2);
    o.duration = rng_between(r, NS_PER_S, RUN / 4);
    o.share = (uint32_t)rng_below(r, SIM_SHARE_ALL) + 1;
    o.delay = rng_between(r, 0, NS_PER_S);
    o.jitter = rng_between(r, 0, NS_PER_S);
    o.bytes_per_second = rng_between(r, 1000, 1000000);
    o.ppm = 200;
    if (rng_chance(r, 500000))
        o.from.zone = STR("site");
    struct str wrong = STR("10.0.0.99");
    o.addresses = &wrong;
    o.addresses_n = 1;
    o.dns_name = STR("all.test");
    (void)sim_fault_add(run->sim, &o);
    buf_free(&name);
}

static void run_once(uint64_t seed, char hash[2 * SIM_TRACE_HASH_BYTES + 1], struct run *run)
{
    *run = (struct run){.rng = rng_seed(seed)};
    struct run *config = run;
    run->sim = sim_new(&(struct sim_options){.seed = seed, .wall_start = START, .maybe = true});
    sim_on_note(run->sim, on_note, NULL);
    make_identity(run);
    struct str all[PROCESSES];
    char text[PROCESSES][32];
    for (int i = 0; i < PROCESSES; i++) {
        snprintf(text[i], sizeof(text[i]), "10.0.0.%d", i + 1);
        all[i] = str_c(text[i]);
    }
    sim_dns_set(run->sim, STR("all.test"), 5, all, PROCESSES);
    struct sim_link link = {
        .latency = {rng_between(&run->rng, 0, 50 * NS_PER_MS), 200 * NS_PER_MS}};
    link.loss = (uint32_t)rng_below(&run->rng, 20000);
    sim_link_set(run->sim, str_empty, str_empty, &link);
    for (int i = 0; i < PROCESSES; i++)
        make_process(run, i, &config);
    for (int i = 0; i < FAULTS; i++)
        make_fault(run, i);
    sim_run_until(run->sim, RUN);
    sim_heal_all(run->sim);
    sim_run_until(run->sim, RUN + 60 * NS_PER_S);
    struct buf hex = {0};
    sim_trace_hash_hex(run->sim, &hex);
    memcpy(hash, hex.p, hex.n);
    hash[hex.n] = '\0';
    buf_free(&hex);
    assert_int_equal(sim_counter_value(run->sim, STR("process.leaked_handles")), 0);
    run->handshakes = sim_counter_value(run->sim, STR("tls.handshakes"));
    run->refused = sim_counter_value(run->sim, STR("tls.failures"));
    sim_free(run->sim);
    buf_free(&run->cert);
    buf_free(&run->key);
}

static uint64_t first_seed = 1, seeds = SEEDS;

static void same_seed_same_trace(void **state)
{
    uint64_t whole = 0, broken = 0,
             all = 0; /* all: the same on every machine and with every compiler */
    char before[2 * SIM_TRACE_HASH_BYTES + 1] = "";
    struct run *run = MEM_NEW(struct run);
    for (uint64_t seed = first_seed; seed < first_seed + seeds; seed++) {
        char one[sizeof(before)], two[sizeof(before)];
        run_once(seed, one, run);
        uint64_t bytes = run->bytes;
        run_once(seed, two, run);
        if (strcmp(one, two) != 0)
            print_error("seed %llu: two runs, two traces\n", (unsigned long long)seed);
        assert_string_equal(one, two);
        assert_true(bytes == run->bytes);
        assert_string_not_equal(one, before);
        memcpy(before, one, sizeof(before));
        all = all * 31 + str_hash(str_c(one));
        whole += run->whole;
        broken += run->broken;
        assert_true(run->refused < run->handshakes);
    }
    print_message("seeds from %llu: %llu streams whole, %llu broken, hash of all %016llx\n",
                  (unsigned long long)first_seed, (unsigned long long)whole,
                  (unsigned long long)broken, (unsigned long long)all);
    assert_true(whole > seeds && broken > seeds);
    mem_free(run);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        first_seed = strtoull(argv[1], NULL, 10);
    if (argc > 2)
        seeds = strtoull(argv[2], NULL, 10);
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_seed_same_trace)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
