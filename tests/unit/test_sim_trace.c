/* Goal: the trace says what happened, in the documented bytes; its hash is the documented chain, depends on everything
 * that happens and on nothing else.
 * Method: small runs; the blocks from the spill are hashed again by hand and read back. */
#include "engine/pki/pki.h"
#include "tests/unit/support/sim_kit.h"

struct spilled {
    unsigned char hash[SIM_TRACE_HASH_BYTES];
    uint64_t records, notes;
    size_t blocks, bytes;
    struct sim_trace_reader *reader;
    struct buf text;
    world_time last;
};

static void count_record(void *owner, const struct sim_trace_record *rec)
{
    struct spilled *s = owner;
    assert_true(rec->at >= s->last);
    s->last = rec->at;
    s->records++;
    if (rec->kind != SIM_TRACE_NOTE)
        return;
    s->notes++;
    sim_trace_record_print(rec, &s->text);
    buf_add_char(&s->text, '\n');
}

static void take_block(void *owner, struct str block)
{
    struct spilled *s = owner;
    struct buf both = {0};
    assert_true(block.n <= SIM_TRACE_BLOCK_BYTES);
    buf_add(&both, (struct str){(const char *)s->hash, sizeof(s->hash)});
    buf_add(&both, block);
    pki_sha256(buf_str(&both), s->hash);
    buf_free(&both);
    s->blocks++;
    s->bytes += block.n;
    s->last = 0;
    check_ok(sim_trace_read(s->reader, block, count_record, s));
}

static void spilled_free(struct spilled *s)
{
    sim_trace_reader_free(s->reader);
    buf_free(&s->text);
}

static void talk(struct kit *k, int n)
{
    k->echo = true;
    kit_up(k);
    for (int i = 0; i < n; i++) {
        world_stream_write(k->c.s, STR("ping"));
        kit_run(k, 20 * MS);
    }
    world_note(kit_cw(k), "agent.connected", STR("c-1"), STR("10.0.0.1"));
}

static void chain_and_records(void **state)
{
    struct spilled s = {.reader = sim_trace_reader_new()};
    struct kit *k = kit_new();
    sim_trace_spill(k->sim, take_block, &s);
    talk(k, 5000);
    sim_trace_flush(k->sim);
    unsigned char hash[SIM_TRACE_HASH_BYTES];
    sim_trace_hash(k->sim, hash);
    assert_memory_equal(hash, s.hash, sizeof(hash));
    assert_int_equal(s.records, sim_trace_records(k->sim));
    assert_true(s.blocks > 2);
    assert_true(s.bytes / s.records < 24);
    assert_int_equal(s.notes, 1);
    check_str(buf_str(&s.text), "1m40.04s client note agent.connected c-1 10.0.0.1\n");
    spilled_free(&s);
    kit_free(k);
}

/* The ring keeps the newest blocks; names that were defined before them come first. */
static void ring(void **state)
{
    struct spilled all = {.reader = sim_trace_reader_new()},
                   kept = {.reader = sim_trace_reader_new()};
    struct sim_options o = {.seed = 1, .trace_ring_bytes = 1};
    struct kit *k = kit_new_with(&o);
    sim_trace_spill(k->sim, take_block, &all);
    talk(k, 20000);
    sim_trace_flush(k->sim);
    sim_trace_ring(k->sim, take_block, &kept);
    assert_true(kept.records < all.records);
    check_str_eq(buf_str(&kept.text), buf_str(&all.text));
    spilled_free(&all);
    spilled_free(&kept);
    kit_free(k);
}

static void hash_of(struct kit *k, struct buf *out)
{
    buf_clear(out);
    sim_trace_hash_hex(k->sim, out);
    kit_free(k);
}

/* {seed, log level, what else is done, the same trace as the first row} */
static void what_matters(void **state)
{
    static const struct {
        uint64_t seed;
        enum log_level level;
        const char *bytes;
        bool same;
    } rows[] = {
        {1, LOG_ERROR, "one", true},  {1, LOG_ERROR, "one", true},  {1, LOG_DEBUG, "one", true},
        {2, LOG_ERROR, "one", false}, {1, LOG_ERROR, "two", false},
    };
    struct buf first = {0}, hash = {0};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct sim_options o = {.seed = rows[i].seed, .log_level = rows[i].level};
        struct kit *k = kit_new_with(&o);
        kit_up(k);
        struct log log = {world_log(kit_cw(k)), STR("x")};
        log_debug(&log, "no part of the trace");
        world_stream_write(k->c.s, str_c(rows[i].bytes));
        kit_run(k, S);
        hash_of(k, i ? &hash : &first);
        assert_int_equal((i ? &hash : &first)->n, 2 * SIM_TRACE_HASH_BYTES);
        if (i)
            assert_int_equal(str_eq(buf_str(&hash), buf_str(&first)), rows[i].same);
    }
    buf_free(&first);
    buf_free(&hash);
}

static void off(void **state)
{
    struct sim_options o = {.trace_off = true};
    struct kit *k = kit_new_with(&o);
    talk(k, 10);
    assert_int_equal(sim_trace_records(k->sim), 0);
    kit_free(k);
}

static void ignore_record(void *owner, const struct sim_trace_record *rec) {}
static void bad_blocks(void **state)
{
    static const struct str bad[] = {
        STR_INIT("\x01"), /* cut */
        STR_INIT("\x00\x00\x7f\x00"
                 "12345678"), /* unknown kind */
        STR_INIT("\x00\x00\x00\x05"
                 "12345678"
                 "\x09"
                 "abc"), /* text cut */
        STR_INIT("\x00\x00\x00\xff\xff\xff\xff\x7f"
                 "12345678"
                 "\x01"
                 "a"),                                            /* a name beyond all names */
        STR_INIT("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), /* a number of 77 bits */
        STR_INIT("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00\x04\x00"
                 "12345678"), /* a time behind all times */
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct sim_trace_reader *r = sim_trace_reader_new();
        check_err(sim_trace_read(r, bad[i], ignore_record, NULL), ERR_INVALID,
                  "malformed record at byte 0");
        sim_trace_reader_free(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chain_and_records), cmocka_unit_test(ring),
        cmocka_unit_test(what_matters),      cmocka_unit_test(off),
        cmocka_unit_test(bad_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
