/* Assertions and measures. */
#include "sim/scenario/language/planning.h"

const char *assert_mode_name(enum assert_mode mode)
{
    static const char *const names[] = {"always", "never",     "eventually",
                                        "within", "sometimes", "at"};
    BUG_ON((unsigned)mode >= ARRAY_LEN(names), "a mode has a name");
    return names[mode];
}

static enum assert_mode mode_of(const struct assert_entry *e)
{
    int mode = 0; /* assert_mode_name knows no other */
    while (!shape_given(&assert_shape, &e->origin, assert_mode_name((enum assert_mode)mode)))
        mode++;
    return (enum assert_mode)mode;
}

static const struct expr_source *condition_of(const struct assert_entry *e, enum assert_mode mode)
{
    switch (mode) {
    case ASSERT_ALWAYS:
        return &e->always;
    case ASSERT_NEVER:
        return &e->never;
    case ASSERT_EVENTUALLY:
        return &e->eventually;
    case ASSERT_SOMETIMES:
        return &e->sometimes;
    default:
        return &e->that;
    }
}

/* Which of the further fields each mode takes. */
static bool check_fields(struct planning *p, const struct assert_entry *e, enum assert_mode mode)
{
    const uint32_t condition = 1u << ASSERT_WITHIN | 1u << ASSERT_AT;
    const uint32_t breach = 1u << ASSERT_ALWAYS | 1u << ASSERT_NEVER;
    const struct {
        const char *field;
        uint32_t modes;
    } fields[] = {{"that", condition},
                  {"by", 1u << ASSERT_EVENTUALLY},
                  {"lasting", breach},
                  {"until", breach | 1u << ASSERT_SOMETIMES},
                  {"from", breach | 1u << ASSERT_SOMETIMES | 1u << ASSERT_EVENTUALLY}};
    bool ok = true;
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        if (!shape_given(&assert_shape, &e->origin, fields[i].field) || fields[i].modes >> mode & 1)
            continue;
        diag_add(p->diags, e->origin.place, "\"%s\" does not go with \"%s\"", fields[i].field,
                 assert_mode_name(mode));
        ok = false;
    }
    if (condition >> mode & 1 && e->that.text.n == 0) {
        diag_add(p->diags, e->origin.place, "the field \"that\" is missing");
        ok = false;
    }
    return ok;
}

static bool wants_profile(struct planning *p, const struct assert_entry *e)
{
    static const struct str known[] = {STR_INIT("compat"), STR_INIT("hardened")};
    bool wanted = e->profile.n == 0;
    for (size_t i = 0; i < e->profile.n; i++) {
        struct str name = e->profile.v[i];
        wanted |= str_eq(name, p->plan->profile);
        if (!str_eq(name, known[0]) && !str_eq(name, known[1]))
            diag_add(p->diags, e->profile.places[i], "unknown profile \"" STR_FMT "\"" STR_FMT,
                     STR_ARG(name), STR_ARG(diag_suggest_tail(p->arena, name, known, 2)));
    }
    return wanted;
}

/* A span may be computed from parameters: "${ttl} + 45s". */
static bool constant_span(struct planning *p, const struct expr_source *source, int64_t *out)
{
    struct expr *e = expr_compile(p->arena, &p->binding.scope, source->text, source->place,
                                  EXPR_DURATION, p->diags);
    if (!e)
        return false;
    struct expr_value v = expr_eval_constant(e);
    if (!v.known || v.i <= 0) {
        diag_add(p->diags, source->place, "must be above zero");
        return false;
    }
    *out = v.i;
    return true;
}

/* What lies behind the end of the run is never looked at: a window there can never open. */
static bool check_end(struct planning *p, enum assert_mode mode, const struct plan_assert *a)
{
    int64_t limit = p->plan->clock.limit_ns, end;
    const struct moment *late = a->from.at_ns >= limit   ? &a->from
                                : a->until.at_ns > limit ? &a->until
                                : a->at.at_ns > limit    ? &a->at
                                                         : NULL;
    bool spans = mode == ASSERT_WITHIN && a->at.at_ns >= 0 &&
                 (__builtin_add_overflow(a->at.at_ns, a->time_ns, &end) || end > limit);
    if (!late && spans)
        late = &a->at;
    if (late)
        diag_add(p->diags, late->place, "%s behind the end of the run (clock.limit)",
                 late == &a->from        ? "the window opens"
                 : mode == ASSERT_WITHIN ? "the span ends"
                 : mode == ASSERT_AT     ? "the moment lies"
                                         : "the window ends");
    return !late;
}

static bool assert_moments(struct planning *p, const struct assert_entry *e, enum assert_mode mode,
                           struct plan_assert *a)
{
    a->from = e->from;
    a->until = mode == ASSERT_EVENTUALLY ? e->by : e->until;
    a->at = mode == ASSERT_WITHIN ? e->within.after : e->at;
    bool ok = plan_moment(p, &a->from);
    ok = plan_moment(p, &a->until) && ok;
    ok = plan_moment(p, &a->at) && ok;
    if (ok && a->from.given && a->until.given && a->from.at_ns >= 0 && a->until.at_ns >= 0 &&
        a->until.at_ns <= a->from.at_ns) {
        diag_add(p->diags, a->until.place, "it ends before it begins");
        ok = false;
    }
    if (mode == ASSERT_WITHIN)
        ok = constant_span(p, &e->within.time, &a->time_ns) && ok;
    return ok && check_end(p, mode, a);
}

/* Liveness is judged once everything is healed: `eventually` from there on if nothing else is said, and no promise
 * ends before. */
static bool check_liveness(struct planning *p, enum assert_mode mode, struct plan_assert *a)
{
    const struct moment *quiet = &p->plan->quiet;
    int64_t end = a->until.at_ns;
    if (!quiet->given || (mode != ASSERT_EVENTUALLY && mode != ASSERT_WITHIN))
        return true;
    if (mode == ASSERT_EVENTUALLY && !a->from.given)
        a->from = (struct moment){.at_ns = quiet->at_ns,
                                  .step = -1,
                                  .quiet = true,
                                  .given = true,
                                  .step_name = STR("quiet"),
                                  .place = a->place};
    if (mode == ASSERT_WITHIN &&
        (a->at.at_ns < 0 || __builtin_add_overflow(a->at.at_ns, a->time_ns, &end)))
        return true;
    bool given = mode == ASSERT_WITHIN || a->until.given;
    if (!given || end < 0 || quiet->at_ns < 0 || end > quiet->at_ns)
        return true;
    diag_add(p->diags, mode == ASSERT_WITHIN ? a->at.place : a->until.place,
             "it ends before it is quiet: what must come true is judged after healing; for what "
             "must hold amid faults there are `at`, `always` and a step that waits");
    return false;
}

static void check_assert_name(struct planning *p, const struct assert_entry *e)
{
    for (size_t i = 0; i < p->plan->asserts_n; i++)
        if (str_eq(p->plan->asserts[i].name, e->name))
            diag_add(p->diags, e->origin.place,
                     "the name \"" STR_FMT "\" is there twice (" STR_FMT ")", STR_ARG(e->name),
                     STR_ARG(place_first(p->diags, &p->plan->asserts[i].place, &e->origin.place)));
}

static struct plan_state *add_state(struct planning *p)
{
    struct plan *plan = p->plan;
    if (plan->states_n == plan->states_cap) {
        plan->states_cap = plan->states_cap ? plan->states_cap * 2 : 4;
        struct plan_state *more = ARENA_NEW_ARRAY(p->arena, struct plan_state, plan->states_cap);
        for (size_t i = 0; i < plan->states_n; i++)
            more[i] = plan->states[i];
        plan->states = more;
    }
    return &plan->states[plan->states_n++];
}

bool plan_states(struct planning *p, struct expr *e, const struct strs *ignore, struct place at)
{
    for (size_t i = 0; i < expr_states(e); i++) {
        struct target t;
        if (!target_parse(expr_state(e, i), at, &t, p->diags))
            return false;
        if (t.kind != TARGET_API && t.kind != TARGET_ALL) {
            diag_add(p->diags, at,
                     "only APIs have a state: state(api/NAME), state(all), not \"" STR_FMT "\"",
                     STR_ARG(t.text));
            return false;
        }
        if (!target_resolve(&t, &p->names, p->diags))
            return false;
        expr_state_bind(e, i, (uint32_t)p->plan->states_n);
        *add_state(p) = (struct plan_state){.target = t, .ignore = *ignore};
    }
    return true;
}

static bool check_ignore(struct planning *p, const struct assert_entry *e, const struct expr *that)
{
    if (!e->ignore.n || expr_states(that) > 0)
        return true;
    diag_add(p->diags, e->origin.place,
             "\"ignore\" goes with states: \"state(api/a) == reference.state(api/a)\"");
    return false;
}

static void plan_assert(struct planning *p, const struct assert_entry *e)
{
    enum assert_mode mode = mode_of(e);
    struct plan_assert *a = &p->plan->asserts[p->plan->asserts_n];
    *a = (struct plan_assert){.name = e->name,
                              .doc = e->doc,
                              .place = e->origin.place,
                              .mode = mode,
                              .lasting_ns = e->lasting_ns};
    check_assert_name(p, e);
    bool ok = check_fields(p, e, mode);
    ok = assert_moments(p, e, mode, a) && ok;
    ok = ok && check_liveness(p, mode, a);
    const struct expr_source *that = condition_of(e, mode);
    if (that->text.n)
        a->that =
            expr_compile(p->arena, &p->plan->scope, that->text, that->place, EXPR_BOOL, p->diags);
    ok = ok && a->that && check_ignore(p, e, a->that) &&
         plan_states(p, a->that, &e->ignore, that->place);
    p->plan->asserts_n += ok;
}

void plan_asserts(struct planning *p)
{
    struct objects entries = planning_list(p, p->scenario->file->asserts, "assert", &assert_shape);
    p->plan->asserts = ARENA_NEW_ARRAY(p->arena, struct plan_assert, entries.n);
    for (size_t i = 0; i < entries.n; i++) {
        const struct assert_entry *e = OBJECTS_AT(entries, struct assert_entry, i);
        if (entries.ok[i] && wants_profile(p, e) && binding_when(&p->binding, &e->when))
            plan_assert(p, e);
    }
}

/* ---- measures ---- */

static bool show_is_fine(struct str s)
{
    if (str_eq_c(s, "max") || str_eq_c(s, "min") || str_eq_c(s, "mean") || str_eq_c(s, "count"))
        return true;
    uint64_t percent;
    return s.n > 1 && s.p[0] == 'p' && str_to_u64(str_sub(s, 1, s.n), &percent) && percent <= 100;
}

static void plan_measure(struct planning *p, const struct measure_entry *e)
{
    struct plan_measure *m = &p->plan->measures[p->plan->measures_n];
    bool hist = shape_given(&measure_shape, &e->origin, "hist");
    const struct expr_source *source = hist ? &e->hist : &e->gauge;
    *m = (struct plan_measure){.name = e->origin.name,
                               .unit = e->unit,
                               .doc = e->doc,
                               .place = e->origin.place,
                               .kind = hist ? MEASURE_HIST : MEASURE_GAUGE,
                               .at = e->at,
                               .every_ns = e->every_ns,
                               .show = e->show};
    struct expr_scope scope = p->plan->scope;
    scope.per_item = hist;
    m->value =
        expr_compile(p->arena, &scope, source->text, source->place, EXPR_WANT_NUMBER, p->diags);
    if (m->value && expr_states(m->value))
        diag_add(p->diags, source->place, "states are compared in assertions, they are no measure");
    for (size_t i = 0; i < m->show.n; i++)
        if (!show_is_fine(m->show.v[i]))
            diag_add(p->diags, m->show.places[i],
                     "unknown statistic \"" STR_FMT
                     "\"; known are p1 to p100, min, max, mean, count",
                     STR_ARG(m->show.v[i]));
    bool ok = plan_moment(p, &m->at);
    if (ok && m->at.at_ns > p->plan->clock.limit_ns) {
        diag_add(p->diags, m->at.place, "the moment lies behind the end of the run (clock.limit)");
        ok = false;
    }
    p->plan->measures_n += ok && m->value;
}

void plan_measures(struct planning *p)
{
    static const struct field field = {
        .name = "measure", .type = FIELD_NAMED, .shape = &measure_shape};
    struct objects entries = {0};
    const struct yaml_node *node = planning_section(p, p->scenario->file->measures, "measure");
    if (node)
        (void)schema_decode_named(&p->decode, &field, node, STR("measure"), &entries);
    p->plan->measures = ARENA_NEW_ARRAY(p->arena, struct plan_measure, entries.n);
    for (size_t i = 0; i < entries.n; i++) {
        const struct measure_entry *e = OBJECTS_AT(entries, struct measure_entry, i);
        if (entries.ok[i] && binding_when(&p->binding, &e->when))
            plan_measure(p, e);
    }
}
