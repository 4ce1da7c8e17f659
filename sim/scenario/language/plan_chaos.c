/* Chaos: a schedule of faults drawn from a palette when the plan is made; swarm: which faults a seed has at all.
 *
 * Both are functions of the seed and the file: the draws come from streams of their own ("chaos"; "swarm" by the name of
 * each choice, so that another entry in the file does not change what the others do). */
#include "engine/base/timefmt.h"
#include "sim/scenario/language/planning.h"

#include <stdlib.h>
#include <string.h>

#define SWARM_PPM   500000u /* each choice is on with this probability */
#define DRAWS_MAX   8       /* of one member, until one is free */
#define PPM         INT64_C(1000000)
#define MEAN_HALVES 2 /* a gap is drawn evenly from 0 to twice its mean */

/* An entry of the palette that applies to this plan. */
struct colour {
    const struct palette_entry *entry;
    struct plan_choice *choice;
    const struct fault_row *row;
    struct str kind; /* "dns servfail" */
    struct target target;
};

struct chaos {
    struct planning *p;
    const struct chaos_entry *entry;
    struct rng rng;
    int64_t from_ns, until_ns;
    struct colour *colours;
    size_t colours_n;
    struct drawn {
        const struct colour *colour;
        struct target target;
        int64_t at_ns, end_ns;
    } * drawn;
    size_t drawn_n, drawn_cap;
    size_t first_active; /* none before it is under way any more */
    int64_t covered_ns;  /* up to here some fault is under way */
    int64_t duty_ns;     /* how long one has been in all */
};

/* ---- reading ---- */

static bool chaos_window(struct chaos *c)
{
    struct planning *p = c->p;
    const struct moment *quiet = &p->plan->quiet, *from = &p->chaos.from, *until = &p->chaos.until;
    if (!plan_moment(p, &p->chaos.from) || !plan_moment(p, &p->chaos.until))
        return false;
    c->from_ns = from->at_ns;
    c->until_ns = p->plan->clock.limit_ns;
    const struct moment *end = until->given ? until : quiet;
    if (end->given)
        c->until_ns = end->at_ns;
    const struct moment *unknown = c->from_ns < 0 ? from : c->until_ns < 0 ? end : NULL;
    if (unknown)
        diag_add(p->diags, unknown->place,
                 "chaos is drawn beforehand: its ends are times, or steps that do not hang on a "
                 "wait");
    else if (c->until_ns > p->plan->clock.limit_ns)
        diag_add(p->diags, end->place, "it lies behind the end of the run (clock.limit)");
    else if (quiet->given && quiet->at_ns >= 0 && c->until_ns > quiet->at_ns)
        diag_add(p->diags, until->place, "nothing is injected once it is quiet");
    else if (c->until_ns <= c->from_ns)
        diag_add(p->diags, until->given ? until->place : from->place, "it ends before it begins");
    else
        return true;
    return false;
}

static struct str kind_text(struct arena *a, const struct fault_row *row)
{
    return arena_printf(a, "%s %s", row->family, row->kind);
}

static struct plan_choice *add_choice(struct planning *p, struct str name, struct place place,
                                      bool of_palette)
{
    struct plan *plan = p->plan;
    struct plan_choice *choice = ARENA_NEW(p->arena, struct plan_choice);
    if (plan->choices_n == p->choices_cap) {
        p->choices_cap = p->choices_cap ? p->choices_cap * 2 : 16;
        struct plan_choice **more = ARENA_NEW_ARRAY(p->arena, struct plan_choice *, p->choices_cap);
        for (size_t i = 0; i < plan->choices_n; i++)
            more[i] = plan->choices[i];
        plan->choices = more;
    }
    *choice = (struct plan_choice){name, place, of_palette, true};
    plan->choices[plan->choices_n++] = choice;
    return choice;
}

static void read_colour(struct chaos *c, const struct palette_entry *e)
{
    struct planning *p = c->p;
    struct colour *colour = &c->colours[c->colours_n];
    bool one_of = e->one_of.kind != TARGET_NONE;
    struct fault fault = e->fault;
    *colour = (struct colour){.entry = e, .row = fault_row_of(fault.kind)};
    colour->target = one_of ? e->one_of : e->target;
    bool ok = plan_fault_target(p, &fault, &colour->target);
    if (e->span.most_ns == 0 && !fault_is_momentary(&fault)) {
        diag_add(p->diags, e->origin.place, "needs \"for\": chaos ends what it begins");
        ok = false;
    }
    if (!ok)
        return;
    colour->kind = kind_text(p->arena, colour->row);
    colour->choice = add_choice(p, e->name.n ? e->name : colour->kind, e->origin.place, true);
    c->colours_n++;
}

static bool is_called(const struct colour *c, struct str word)
{
    return str_eq_c(word, c->row->family) || str_eq(word, c->choice->name) || str_eq(word, c->kind);
}

/* Every word of never_with means something of the palette, or at least a fault that there is. */
static void check_word(struct chaos *c, struct str word, struct place place)
{
    struct arena *a = c->p->arena;
    struct str *known = ARENA_NEW_ARRAY(a, struct str, c->colours_n + fault_table_n);
    size_t n = 0;
    for (size_t i = 0; i < c->colours_n; i++) {
        if (is_called(&c->colours[i], word))
            return;
        known[n++] = c->colours[i].choice->name;
    }
    for (size_t i = 0; i < fault_table_n; i++) {
        if (str_eq_c(word, fault_table[i].family))
            return;
        known[n] = kind_text(a, &fault_table[i]);
        if (str_eq(word, known[n++]))
            return;
    }
    struct str near = diag_suggest(word, known, n);
    diag_add(
        c->p->diags, place, "the palette has nothing called \"" STR_FMT "\"" STR_FMT, STR_ARG(word),
        STR_ARG(diag_suggest_tail(a, word, near.n ? &near : known, near.n ? 1 : c->colours_n)));
}

static void read_palette(struct chaos *c)
{
    struct planning *p = c->p;
    const struct objects *palette = &p->chaos.palette;
    c->colours = ARENA_NEW_ARRAY(p->arena, struct colour, palette->n);
    for (size_t i = 0; i < palette->n; i++) {
        const struct palette_entry *e = OBJECTS_AT(*palette, struct palette_entry, i);
        if (palette->ok[i] && binding_when(&p->binding, &e->when))
            read_colour(c, e);
    }
    for (size_t i = 0; i < c->colours_n; i++) {
        const struct strs *words = &c->colours[i].entry->never_with;
        for (size_t w = 0; w < words->n; w++)
            check_word(c, words->v[w], words->places[w]);
    }
}

/* ---- swarm ---- */

static bool swarm_has(const struct planning *p, struct str name)
{
    struct str stream = arena_printf(p->arena, "swarm " STR_FMT, STR_ARG(name));
    struct rng rng = rng_split(p->plan->seed, stream);
    return rng_chance(&rng, SWARM_PPM);
}

/* Choices of the same name share their fate. At least one is on. */
static void draw_swarm(struct planning *p)
{
    struct plan *plan = p->plan;
    bool any = false;
    for (size_t i = 0; i < plan->choices_n; i++)
        any |= plan->choices[i]->on = swarm_has(p, plan->choices[i]->name);
    if (any || plan->choices_n == 0)
        return;
    struct rng rng = rng_split(plan->seed, STR("swarm"));
    struct str name = plan->choices[rng_below(&rng, plan->choices_n)]->name;
    for (size_t i = 0; i < plan->choices_n; i++)
        plan->choices[i]->on = str_eq(plan->choices[i]->name, name);
}

/* The faults of the timeline are the first choices, in their order. */
static void drop_faults(struct plan *plan)
{
    size_t n = 0;
    for (size_t i = 0; i < plan->faults_n; i++)
        if (plan->choices[i]->on)
            plan->faults[n++] = plan->faults[i];
    plan->faults_n = n;
}

/* ---- drawing ---- */

static bool is_active(const struct drawn *d, int64_t now)
{
    return d->end_ns > now;
}

static bool excludes(const struct colour *one, const struct colour *other)
{
    const struct strs *words = &one->entry->never_with;
    for (size_t i = 0; i < words->n; i++)
        if (is_called(other, words->v[i]))
            return true;
    return false;
}

static size_t active_n(const struct chaos *c, int64_t now)
{
    size_t n = 0;
    for (size_t i = c->first_active; i < c->drawn_n; i++)
        n += is_active(&c->drawn[i], now);
    return n;
}

/* Whether the entry may be under way beside those that are. */
static bool may_join(const struct chaos *c, const struct colour *colour, int64_t now)
{
    if (!colour->choice->on)
        return false;
    for (size_t i = c->first_active; i < c->drawn_n; i++) {
        const struct drawn *d = &c->drawn[i];
        if (is_active(d, now) && (excludes(colour, d->colour) || excludes(d->colour, colour)))
            return false;
    }
    return true;
}

/* Nothing is met twice by the same entry; with overlap: other-targets by no two. */
static bool is_free(const struct chaos *c, const struct colour *colour, const struct target *t,
                    int64_t now)
{
    for (size_t i = c->first_active; i < c->drawn_n; i++) {
        const struct drawn *d = &c->drawn[i];
        bool met = is_active(d, now) && target_overlaps(&d->target, t);
        if (met && (d->colour == colour || c->entry->overlap == CHAOS_OVERLAP_OTHER_TARGETS))
            return false;
    }
    return true;
}

static const struct colour *draw_colour(struct chaos *c, int64_t now)
{
    uint64_t total = 0;
    for (size_t i = 0; i < c->colours_n; i++)
        if (may_join(c, &c->colours[i], now))
            total += (uint64_t)c->colours[i].entry->weight;
    if (total == 0)
        return NULL;
    int64_t at = (int64_t)rng_below(&c->rng, total);
    for (size_t i = 0;; i++) {
        BUG_ON(i == c->colours_n, "a number below the sum of the weights is some entry's");
        if (!may_join(c, &c->colours[i], now))
            continue;
        at -= c->colours[i].entry->weight;
        if (at < 0)
            return &c->colours[i];
    }
}

static bool draw_target(struct chaos *c, const struct colour *colour, int64_t now,
                        struct target *out)
{
    struct planning *p = c->p;
    *out = colour->target;
    if (colour->entry->one_of.kind == TARGET_NONE)
        return is_free(c, colour, out, now);
    for (int i = 0; i < DRAWS_MAX; i++) {
        struct buf text = {0};
        bool ok = target_draw(&colour->target, &p->names, &c->rng, &text);
        struct str name = arena_str(p->arena, buf_str(&text));
        buf_free(&text);
        if (!ok)
            return false;
        BUG_ON(!target_parse(name, colour->target.place, out, p->diags), "a member is a target");
        BUG_ON(!target_resolve(out, &p->names, p->diags), "a member is there");
        if (is_free(c, colour, out, now))
            return true;
    }
    return false;
}

static int64_t draw_span(struct chaos *c, const struct span *span)
{
    return rng_between(&c->rng, span->least_ns / NS_PER_MS, span->most_ns / NS_PER_MS) * NS_PER_MS;
}

/* How much longer than before some fault is under way. */
static int64_t more_duty(const struct chaos *c, int64_t now, int64_t end)
{
    int64_t begin = now > c->covered_ns ? now : c->covered_ns;
    return end > begin ? end - begin : 0;
}

static bool within_budget(const struct chaos *c, int64_t now, int64_t for_ns)
{
    const struct chaos_budget_entry *b = &c->entry->budget;
    int64_t window_ms = (c->until_ns - c->from_ns) / NS_PER_MS;
    int64_t most_ms = window_ms / PPM * b->duty_ppm + window_ms % PPM * b->duty_ppm / PPM;
    return now + for_ns <= c->until_ns && (int64_t)active_n(c, now) < b->at_once &&
           (int64_t)c->drawn_n < b->in_all &&
           (c->duty_ns + more_duty(c, now, now + for_ns)) / NS_PER_MS <= most_ms;
}

static void add_drawn(struct chaos *c, const struct colour *colour, const struct target *target,
                      int64_t now, int64_t for_ns)
{
    if (c->drawn_n == c->drawn_cap) {
        c->drawn_cap = c->drawn_cap ? c->drawn_cap * 2 : 64;
        c->drawn = mem_resize(c->drawn, c->drawn_cap * sizeof *c->drawn);
    }
    c->duty_ns += more_duty(c, now, now + for_ns);
    c->covered_ns = now + for_ns > c->covered_ns ? now + for_ns : c->covered_ns;
    c->drawn[c->drawn_n++] = (struct drawn){colour, *target, now, now + for_ns};
}

/* One fault at this time; what would exceed the budget or meet what it must not is left out. */
static void draw_fault(struct chaos *c, int64_t now)
{
    struct target target;
    while (c->first_active < c->drawn_n && !is_active(&c->drawn[c->first_active], now))
        c->first_active++;
    const struct colour *colour = draw_colour(c, now);
    if (!colour || !draw_target(c, colour, now, &target))
        return;
    int64_t for_ns = draw_span(c, &colour->entry->span);
    if (within_budget(c, now, for_ns))
        add_drawn(c, colour, &target, now, for_ns);
}

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The times of a fixed number, ascending. */
static int64_t *count_times(struct chaos *c, size_t n)
{
    int64_t *times = ARENA_NEW_ARRAY(c->p->arena, int64_t, n);
    for (size_t i = 0; i < n; i++)
        times[i] =
            rng_between(&c->rng, c->from_ns / NS_PER_MS, c->until_ns / NS_PER_MS) * NS_PER_MS;
    qsort(times, n, sizeof *times, by_time);
    return times;
}

static void draw_schedule(struct chaos *c)
{
    const struct chaos_entry *e = c->entry;
    if (e->count) {
        const int64_t *times = count_times(c, (size_t)e->count);
        for (int64_t i = 0; i < e->count; i++)
            draw_fault(c, times[i]);
        return;
    }
    int64_t mean_ms = e->every_ns / NS_PER_MS, now = c->from_ns;
    for (size_t i = 0; i < CHAOS_FAULTS_MAX; i++) {
        now += (1 + (int64_t)rng_below(&c->rng, (uint64_t)(mean_ms * MEAN_HALVES))) * NS_PER_MS;
        if (now >= c->until_ns)
            return;
        draw_fault(c, now);
    }
}

/* The timeline, and behind it what was drawn. */
static void add_faults(struct chaos *c)
{
    struct arena *a = c->p->arena;
    struct plan *plan = c->p->plan;
    struct plan_fault *faults =
        ARENA_NEW_ARRAY(a, struct plan_fault, plan->faults_n + c->drawn_n + 1);
    if (plan->faults_n)
        memcpy(faults, plan->faults, plan->faults_n * sizeof *faults);
    plan->faults = faults;
    for (size_t i = 0; i < c->drawn_n; i++) {
        const struct drawn *d = &c->drawn[i];
        const struct plan_choice *choice = d->colour->choice;
        faults[plan->faults_n++] = (struct plan_fault){
            .origin = d->colour->entry->origin,
            .name = arena_printf(a, "chaos %zu: " STR_FMT " on " STR_FMT, i + 1,
                                 STR_ARG(choice->name), STR_ARG(d->target.text)),
            .when = {.at_ns = d->at_ns, .step = -1, .given = true},
            .for_ns = d->end_ns - d->at_ns,
            .target = d->target,
            .fault = d->colour->entry->fault,
            .optional = true,
            .drawn_from = choice};
    }
}

/* ---- the whole ---- */

static bool read_chaos(struct chaos *c)
{
    struct planning *p = c->p;
    const struct yaml_node *n = planning_section(p, p->scenario->file->chaos, "chaos");
    size_t errors = p->diags->n;
    if (!n)
        return false;
    (void)schema_decode_object(&p->decode, &chaos_shape, n, STR("chaos"), &p->chaos);
    c->entry = &p->chaos;
    bool ok = p->diags->n == errors && chaos_window(c);
    read_palette(c);
    return ok && p->diags->n == errors;
}

/* With swarm the faults of the timeline are choices as well, the first ones. */
static void timeline_choices(struct planning *p)
{
    size_t n = p->plan->swarm ? p->plan->faults_n : 0;
    for (size_t i = 0; i < n; i++)
        (void)add_choice(p, p->plan->faults[i].name, p->plan->faults[i].origin.place, false);
}

void plan_chaos(struct planning *p)
{
    struct chaos c = {.p = p};
    timeline_choices(p);
    bool draws = read_chaos(&c);
    if (p->plan->swarm) {
        draw_swarm(p);
        drop_faults(p->plan);
    }
    if (!draws)
        return;
    c.rng = rng_split(p->plan->seed, STR("chaos"));
    draw_schedule(&c);
    add_faults(&c);
    mem_free(c.drawn);
}
