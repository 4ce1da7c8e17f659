/* Goal: timers and clocks keep the promises of world.h in both worlds.
 * Method: timers append their letter to a log when they fire; logs and clocks are compared. */
#include "tests/contract/support/contract.h"

#define MS NS_PER_MS

struct bench;
struct bell {
    struct bench *b;
    char letter;
    struct world_timer *t;
    void (*more)(struct bell *bell);
};
struct bench {
    struct contract *c;
    struct bell bells[8];
    struct buf log;
    size_t wanted;
    world_time fired_at;
};

static void fire(void *owner)
{
    struct bell *bell = owner;
    buf_add_char(&bell->b->log, bell->letter);
    bell->b->fired_at = world_now(bell->b->c->client);
    if (bell->more)
        bell->more(bell);
}

static struct bench *bench_new(struct contract *c, int n)
{
    struct bench *b = MEM_NEW(struct bench);
    b->c = c;
    for (int i = 0; i < n; i++) {
        b->bells[i] = (struct bell){b, (char)('a' + i), NULL, NULL};
        b->bells[i].t = world_timer_new(c->client, fire, &b->bells[i]);
    }
    return b;
}

static void bench_free(struct bench *b)
{
    for (size_t i = 0; i < ARRAY_LEN(b->bells); i++)
        world_timer_free(b->bells[i].t);
    buf_free(&b->log);
    mem_free(b);
}

static bool enough(void *owner)
{
    struct bench *b = owner;
    return b->log.n >= b->wanted;
}

/* Waits for as many letters and a little longer, so that a letter too many is seen. */
static void expect(struct bench *b, const char *log)
{
    b->wanted = str_c(log).n;
    contract_until(b->c, enough, b);
    contract_for(b->c, 30 * MS);
    assert_string_equal(buf_c(&b->log), log);
}

static void order_by_time(struct contract *c)
{
    struct bench *b = bench_new(c, 4);
    world_timer_start(b->bells[0].t, 30 * MS);
    world_timer_start(b->bells[1].t, 10 * MS);
    world_timer_start(b->bells[2].t, 20 * MS);
    world_timer_start(b->bells[3].t, 10 * MS + 1);
    assert_true(world_timer_active(b->bells[0].t));
    expect(b, "bdca");
    assert_false(world_timer_active(b->bells[0].t));
    bench_free(b);
}

static void start_two(struct bell *bell)
{
    world_timer_start(bell->b->bells[1].t, 5 * MS);
    world_timer_start(bell->b->bells[2].t, 5 * MS);
    world_timer_start(bell->b->bells[3].t, 5 * MS);
}

static void equal_times_keep_the_order_of_starts(struct contract *c)
{
    struct bench *b = bench_new(c, 4);
    b->bells[0].more = start_two; /* inside one event, so that the times are equal */
    world_timer_start(b->bells[0].t, 0);
    expect(b, "abcd");
    bench_free(b);
}

static void never_early(struct contract *c)
{
    static const world_time delays[] = {0, 1, 999999, MS, MS + 1, 7 * MS + 123456, 20 * MS};
    for (size_t i = 0; i < ARRAY_LEN(delays); i++) {
        struct bench *b = bench_new(c, 1);
        world_time from = world_now(c->client);
        world_timer_start(b->bells[0].t, delays[i]);
        assert_int_equal(b->log.n, 0); /* not from inside the call */
        b->wanted = 1;
        contract_until(c, enough, b);
        assert_true(b->fired_at - from >= delays[i]);
        bench_free(b);
    }
}

static void negative_delay_counts_as_none(struct contract *c)
{
    struct bench *b = bench_new(c, 1);
    world_timer_start(b->bells[0].t, -5);
    expect(b, "a");
    bench_free(b);
}

static void stop_before_it_fires(struct contract *c)
{
    struct bench *b = bench_new(c, 2);
    world_timer_start(b->bells[0].t, 5 * MS);
    world_timer_start(b->bells[1].t, 10 * MS);
    world_timer_stop(b->bells[0].t);
    world_timer_stop(b->bells[0].t);
    assert_false(world_timer_active(b->bells[0].t));
    expect(b, "b");
    bench_free(b);
}

static void restart_moves_it(struct contract *c)
{
    struct bench *b = bench_new(c, 2);
    world_timer_start(b->bells[0].t, 5 * MS);
    world_timer_start(b->bells[1].t, 10 * MS);
    world_timer_start(b->bells[0].t, 20 * MS);
    expect(b, "ba");
    bench_free(b);
}

static void again(struct bell *bell)
{
    if (bell->b->log.n < 3)
        world_timer_start(bell->t, 2 * MS);
}

static void restart_in_its_own_callback(struct contract *c)
{
    struct bench *b = bench_new(c, 1);
    b->bells[0].more = again;
    world_timer_start(b->bells[0].t, 1 * MS);
    expect(b, "aaa");
    bench_free(b);
}

static void free_next(struct bell *bell)
{
    world_timer_free(bell->b->bells[1].t);
    bell->b->bells[1].t = NULL;
    world_timer_free(bell->t);
    bell->t = NULL;
}

static void free_in_callbacks(struct contract *c)
{
    struct bench *b = bench_new(c, 3);
    b->bells[0].more = free_next; /* itself, and one that is due in the same moment */
    for (int i = 0; i < 3; i++)
        world_timer_start(b->bells[i].t, 5 * MS);
    expect(b, "ac");
    bench_free(b);
}

static void stop_next(struct bell *bell)
{
    world_timer_stop(bell->b->bells[1].t);
}

static void stop_another_that_is_due(struct contract *c)
{
    struct bench *b = bench_new(c, 3);
    b->bells[0].more = stop_next;
    for (int i = 0; i < 3; i++)
        world_timer_start(b->bells[i].t, 5 * MS);
    expect(b, "ac");
    bench_free(b);
}

static void zero_again(struct bell *bell)
{
    if (bell->b->log.n < 50)
        world_timer_start(bell->t, 0);
}

static void zero_delays_do_not_starve_others(struct contract *c)
{
    struct bench *b = bench_new(c, 2);
    b->bells[0].more = zero_again;
    world_timer_start(b->bells[0].t, 0);
    world_timer_start(b->bells[1].t, 0);
    b->wanted = 50;
    contract_until(c, enough, b);
    assert_int_equal(b->log.p[1], 'b');
    bench_free(b);
}

static void clocks_go_on(struct contract *c)
{
    world_time now = world_now(c->client), wall = world_wall(c->client);
    contract_for(c, 50 * MS);
    assert_true(world_now(c->client) - now >= 50 * MS);
    assert_true(world_wall(c->client) - wall >= 40 * MS);
    assert_true(wall > INT64_C(1600000000) * NS_PER_S);
}

static void random_bytes_differ(struct contract *c)
{
    char a[32] = {0}, b[32] = {0};
    world_random(c->client, a, sizeof a);
    world_random(c->client, b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
    uint64_t seen = 0;
    for (int i = 0; i < 500; i++) {
        uint64_t v = world_random_below(c->client, 5);
        assert_true(v < 5);
        seen |= UINT64_C(1) << v;
    }
    assert_int_equal(seen, 31);
    assert_int_equal(world_random_time(c->client, 0), 0);
    assert_true(world_random_time(c->client, 10) <= 10);
}

static const struct contract_case cases[] = {
    {"order by time", order_by_time},
    {"equal times keep the order of starts", equal_times_keep_the_order_of_starts},
    {"never early", never_early},
    {"a negative delay counts as none", negative_delay_counts_as_none},
    {"stop before it fires", stop_before_it_fires},
    {"restart moves it", restart_moves_it},
    {"restart in its own callback", restart_in_its_own_callback},
    {"free in callbacks", free_in_callbacks},
    {"stop another that is due", stop_another_that_is_due},
    {"zero delays do not starve others", zero_delays_do_not_starve_others},
    {"clocks go on", clocks_go_on},
    {"random bytes differ", random_bytes_differ},
};

CONTRACT_MAIN("timers", cases)
