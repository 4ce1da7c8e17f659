/* The agents of one process, and a look at all of them ten times a second. */
#include "tests/bench/support/swarm.h"

#include "engine/agents/cluster/link.h"
#include "engine/world/uv/uv_world.h"

#include <stdio.h>

#define LOOK_EVERY (100 * NS_PER_MS)
#define LOOKS_MAX  6000u /* ten minutes */
#define A_SECOND   (NS_PER_S - LOOK_EVERY / 2)

struct member {
    struct agent_config config;
    struct agent_resolver *resolver;
    struct agent_link *link;
};

struct look {
    world_time at;
    uint64_t opened, tried;
    size_t connected;
};

struct swarm {
    struct uv_world *uv;
    struct world *w;
    struct policies policies;
    struct url url;
    struct buf ca, tokens;
    struct member *members;
    size_t n;
    struct world_timer *timer;
    bool complete;                /* each has had a tunnel */
    struct look before;           /* the last look at a whole swarm */
    struct look looks[LOOKS_MAX]; /* since the first was lost */
    size_t looks_n;
};

/* ---- figures ---- */

static struct look look_at(const struct swarm *s)
{
    struct look now = {.at = world_now(s->w)};
    for (size_t i = 0; i < s->n; i++) {
        struct agent_link_state state = agent_link_state(s->members[i].link);
        now.opened += state.connects;
        now.tried += state.connects + state.failures;
        now.connected += state.connected;
    }
    return now;
}

static uint64_t opened_of(const struct look *l)
{
    return l->opened;
}

static uint64_t tried_of(const struct look *l)
{
    return l->tried;
}

/* The most within a second. Looks come late when the machine is busy: what came between two is then spread evenly. */
static double peak(const struct swarm *s, uint64_t (*of)(const struct look *l))
{
    double most = 0;
    for (size_t to = 1, from = 0; to < s->looks_n; to++) {
        while (from + 1 < to && s->looks[to].at - s->looks[from + 1].at >= A_SECOND)
            from++;
        world_time took = s->looks[to].at - s->looks[from].at;
        double rate = (double)(of(&s->looks[to]) - of(&s->looks[from]));
        if (took > NS_PER_S)
            rate = rate * NS_PER_S / (double)took;
        if (rate > most)
            most = rate;
    }
    return most;
}

static void say_back(struct swarm *s)
{
    const struct look *last = &s->looks[s->looks_n - 1];
    printf("back %.2f %.0f %.0f %llu\n", (double)(last->at - s->before.at) / 1e9,
           peak(s, opened_of), peak(s, tried_of),
           (unsigned long long)(last->tried - s->before.tried));
    fflush(stdout);
}

static void on_look(void *owner)
{
    struct swarm *s = owner;
    struct look now = look_at(s);
    bool whole = now.connected == s->n;
    world_timer_start(s->timer, LOOK_EVERY);
    if (whole && !s->complete) {
        s->complete = true;
        printf("all\n");
        fflush(stdout);
    }
    if (!s->complete || (whole && s->looks_n == 0)) {
        s->before = now;
        return;
    }
    if (s->looks_n == 0)
        s->looks[s->looks_n++] = s->before;
    BUG_ON(s->looks_n == LOOKS_MAX, "agents come back within minutes");
    s->looks[s->looks_n++] = now;
    if (!whole)
        return;
    say_back(s);
    s->looks_n = 0;
    s->before = now;
}

/* ---- start and end ---- */

static void on_signal(void *owner, int number)
{
    struct swarm *s = owner;
    (void)number;
    uv_world_stop(s->uv);
}

static void read_whole(const char *path, struct buf *out)
{
    char piece[16384];
    FILE *f = fopen(path, "r");
    BUG_ON(!f, "the file that was just written can be read");
    for (size_t n; (n = fread(piece, 1, sizeof piece, f)) > 0;)
        buf_add(out, (struct str){piece, n});
    fclose(f);
}

static void start_member(struct swarm *s, struct member *m, struct str token, struct str params)
{
    struct str name = str_sub(token, 0, 16);
    m->config = (struct agent_config){.server = s->url, .token = token, .name = name};
    m->resolver = agent_resolver_new(s->w, &s->policies, s->url.host);
    struct agent_link_options o = {.world = s->w,
                                   .policies = &s->policies,
                                   .config = &m->config,
                                   .resolver = m->resolver,
                                   .ca_pem = buf_str(&s->ca),
                                   .params_json = params,
                                   .instance = name};
    m->link = agent_link_new(&o);
}

static void start(struct swarm *s, char *words[SWARM_WORDS])
{
    struct str line, rest;
    struct err *err = url_parse(str_c(words[0]), &s->url);
    BUG_ON(err, "a manager has a URL");
    read_whole(words[1], &s->ca);
    read_whole(words[3], &s->tokens);
    for (rest = buf_str(&s->tokens); str_cut(rest, '\n', &line, &rest);)
        s->n++;
    s->members = MEM_NEW_ARRAY(struct member, s->n);
    rest = buf_str(&s->tokens);
    for (size_t i = 0; str_cut(rest, '\n', &line, &rest); i++)
        start_member(s, &s->members[i], line, str_c(words[2]));
    s->timer = world_timer_new(s->w, on_look, s);
    world_timer_start(s->timer, LOOK_EVERY);
}

int swarm_main(char *words[SWARM_WORDS])
{
    struct swarm *s = MEM_NEW(struct swarm);
    struct uv_world_options world = {.own_websockets = true, .on_signal = on_signal, .owner = s};
    struct err *err = uv_world_new(&world, &s->uv);
    BUG_ON(err, "a benchmark has a world");
    s->w = uv_world_view(s->uv);
    for (size_t i = 0; i < POLICY_COUNT; i++)
        s->policies.value[i] = policy_table[i].hardened;
    start(s, words);
    (void)uv_world_run(s->uv);
    for (size_t i = 0; i < s->n; i++) {
        agent_link_free(s->members[i].link);
        agent_resolver_free(s->members[i].resolver);
    }
    world_timer_free(s->timer);
    uv_world_free(s->uv);
    buf_free(&s->ca);
    buf_free(&s->tokens);
    mem_free(s->members);
    mem_free(s);
    return 0;
}
