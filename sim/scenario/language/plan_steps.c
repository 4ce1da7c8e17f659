/* Steps and their actions, the faults of the timeline, moments. */
#include "engine/base/timefmt.h"
#include "sim/scenario/language/planning.h"

#define RUN_UNKNOWN (-1) /* a time that only the run will tell */

/* ---- moments ---- */

bool moment_decode(struct decode *d, const struct yaml_node *node, struct str path,
                   struct moment *out)
{
    *out = (struct moment){.at_ns = RUN_UNKNOWN, .step = -1, .given = true};
    out->place = schema_place(node, path);
    if (node->kind == YAML_MAP) {
        struct after_entry after = {0};
        if (!schema_decode_object(d, &after_shape, node, path, &after))
            return false;
        out->step_name = after.step;
        out->delay_ns = after.delay_ns;
        return true;
    }
    if (!schema_is_scalar(node) || node->kind == YAML_BOOL) {
        diag_add(d->diags, out->place, "expected a time such as 10m or a step's name, not %s",
                 schema_kind_name(node->kind));
        return false;
    }
    if (node->kind == YAML_STRING && !duration_parse(node->text, &out->at_ns)) {
        out->at_ns = RUN_UNKNOWN;
        out->step_name = d->interpolate(d->ctx, node->text, out->place);
        if (out->step_name.n == 0)
            diag_add(d->diags, out->place, "must not be empty");
        return out->step_name.n > 0 && out->step_name.p != schema_reported.p;
    }
    struct field f = {.name = "time", .type = FIELD_DURATION};
    return decode_scalar(d, &f, node, path, &out->at_ns);
}

static struct str step_tail(struct planning *p, struct str name, size_t n, bool with_quiet)
{
    struct str *names = ARENA_NEW_ARRAY(p->arena, struct str, n + 1);
    for (size_t i = 0; i < n; i++)
        names[i] = p->plan->steps[i].name;
    names[n] = STR("quiet");
    return diag_suggest_tail(p->arena, name, names, n + with_quiet);
}

static int32_t find_step(const struct planning *p, struct str name)
{
    for (size_t i = 0; i < p->plan->steps_n; i++)
        if (str_eq(p->plan->steps[i].name, name))
            return (int32_t)i;
    return -1;
}

/* When the step ends, where that is known beforehand. */
static int64_t step_end(const struct plan_step *step)
{
    int64_t rounds, end;
    bool waits = step->within_ns > 0;
    if (step->when.at_ns < 0 || waits ||
        __builtin_mul_overflow(step->every_ns, (int64_t)step->rounds - 1, &rounds) ||
        __builtin_add_overflow(step->when.at_ns, rounds, &end))
        return RUN_UNKNOWN;
    return end;
}

static bool look_up_step(struct planning *p, struct moment *m)
{
    m->step = find_step(p, m->step_name);
    if (m->step < 0)
        return false;
    int64_t end = step_end(&p->plan->steps[m->step]);
    if (end >= 0 && __builtin_add_overflow(end, m->delay_ns, &m->at_ns))
        m->at_ns = RUN_UNKNOWN;
    return true;
}

bool plan_moment(struct planning *p, struct moment *m)
{
    if (!m->given || m->step_name.n == 0 || look_up_step(p, m))
        return true;
    bool has_quiet = p->plan->quiet.given;
    if (has_quiet && str_eq_c(m->step_name, "quiet")) {
        m->quiet = true;
        if (p->plan->quiet.at_ns >= 0 &&
            __builtin_add_overflow(p->plan->quiet.at_ns, m->delay_ns, &m->at_ns))
            m->at_ns = RUN_UNKNOWN;
        return true;
    }
    diag_add(p->diags, m->place, "unknown step \"" STR_FMT "\"" STR_FMT, STR_ARG(m->step_name),
             STR_ARG(step_tail(p, m->step_name, p->plan->steps_n, has_quiet)));
    return false;
}

/* `at` and `after` of one entry as a moment. */
static bool plan_when(struct planning *p, const struct shape *shape, const struct origin *origin,
                      int64_t at_ns, const struct after_entry *after, struct moment *out)
{
    bool at = shape_given(shape, origin, "at"), behind = shape_given(shape, origin, "after");
    *out = (struct moment){.at_ns = at ? at_ns : RUN_UNKNOWN, .step = -1, .place = origin->place};
    out->given = at || behind;
    if (at && behind) {
        diag_add(p->diags, origin->place, "\"at\" and \"after\" exclude each other");
        return false;
    }
    if (!behind)
        return true;
    out->step_name = after->step;
    out->delay_ns = after->delay_ns;
    out->place = after->origin.place;
    return after->step.n > 0;
}

/* ---- steps ---- */

/* The start, and the step it hangs on: only an earlier one, so that there are no circles. */
static void start_step(struct planning *p, const struct step_entry *entry, struct plan_step *step)
{
    size_t self = p->plan->steps_n;
    if (!plan_when(p, &step_shape, &entry->origin, entry->at_ns, &entry->after, &step->when))
        return;
    step->start = shape_given(&step_shape, &entry->origin, "at") ? STEP_AT
                  : step->when.given                             ? STEP_AFTER
                                                                 : STEP_AFTER_PREVIOUS;
    if (step->start == STEP_AFTER_PREVIOUS)
        step->when.at_ns = self ? step_end(&p->plan->steps[self - 1]) : 0;
    if (step->start == STEP_AFTER && !look_up_step(p, &step->when))
        diag_add(p->diags, step->when.place,
                 "no step before this one is called \"" STR_FMT "\"" STR_FMT,
                 STR_ARG(step->when.step_name),
                 STR_ARG(step_tail(p, step->when.step_name, self, false)));
    if (step->when.at_ns > p->plan->clock.limit_ns)
        diag_add(p->diags, entry->origin.place, "it lies behind the end of the run (clock.limit)");
}

static void name_step(struct planning *p, const struct step_entry *entry, struct plan_step *step,
                      size_t number)
{
    step->name = entry->name.n ? entry->name : arena_printf(p->arena, "step %zu", number + 1);
    step->place = entry->origin.place;
    int32_t twin = find_step(p, step->name);
    if (twin >= 0 && step->name.p != schema_reported.p)
        diag_add(p->diags, entry->origin.place,
                 "the name \"" STR_FMT "\" is there twice (" STR_FMT ")", STR_ARG(step->name),
                 STR_ARG(place_first(p->diags, &p->plan->steps[twin].place, &step->place)));
    if (str_eq_c(step->name, "quiet"))
        diag_add(p->diags, entry->origin.place, "\"quiet\" has a meaning of its own");
}

static void plan_step(struct planning *p, const struct step_entry *entry, size_t number)
{
    struct plan_step *step = &p->plan->steps[p->plan->steps_n];
    bool repeats = shape_given(&step_shape, &entry->origin, "repeat");
    name_step(p, entry, step, number);
    start_step(p, entry, step);
    step->rounds = repeats ? (size_t)entry->repeat.times : 1;
    step->every_ns = repeats ? entry->repeat.every_ns : 0;
    step->within_ns = entry->wait.within_ns;
    if (shape_given(&step_shape, &entry->origin, "wait") && repeats)
        diag_add(p->diags, entry->repeat.origin.place, "\"repeat\" goes with \"do\" only");
    p->plan->steps_n++;
}

/* Waits name steps and things of the topology: compiled once every step is known. */
static void compile_waits(struct planning *p, const struct objects *entries, const size_t *index)
{
    for (size_t i = 0; i < entries->n; i++) {
        const struct step_entry *entry = OBJECTS_AT(*entries, struct step_entry, i);
        if (index[i] == SIZE_MAX)
            continue;
        struct plan_step *step = &p->plan->steps[index[i]];
        if (entry->wait.until.text.n)
            step->until = expr_compile(p->arena, &p->plan->scope, entry->wait.until.text,
                                       entry->wait.until.place, EXPR_BOOL, p->diags);
        if (step->until && expr_states(step->until))
            diag_add(p->diags, entry->wait.until.place,
                     "the faultless run cannot wait for itself: compare states in assertions");
        if (entry->actions)
            plan_actions(p, entry, step);
    }
}

void plan_steps(struct planning *p)
{
    struct objects entries = planning_list(p, p->scenario->file->steps, "steps", &step_shape);
    p->plan->steps = ARENA_NEW_ARRAY(p->arena, struct plan_step, entries.n);
    size_t *index = ARENA_NEW_ARRAY(p->arena, size_t, entries.n);
    for (size_t i = 0; i < entries.n; i++) {
        const struct step_entry *entry = OBJECTS_AT(entries, struct step_entry, i);
        index[i] = SIZE_MAX;
        if (!binding_when(&p->binding, &entry->when))
            continue;
        index[i] = p->plan->steps_n;
        plan_step(p, entry, i);
    }
    plan_scope(p);
    compile_waits(p, &entries, index);
}

/* ---- faults ---- */

static struct str fault_title(struct planning *p, const struct fault_entry *e)
{
    if (e->name.n)
        return e->name;
    const struct fault_row *row = fault_row_of(e->fault.kind);
    return arena_printf(p->arena, "%s %s on " STR_FMT, row->family, row->kind,
                        STR_ARG(e->target.text));
}

static void check_fault_time(struct planning *p, const struct fault_entry *e,
                             const struct moment *when)
{
    const struct moment *quiet = &p->plan->quiet;
    if (!when->given)
        diag_add(p->diags, e->origin.place, "needs one of at, after");
    else if (when->at_ns > p->plan->clock.limit_ns)
        diag_add(p->diags, e->origin.place, "it lies behind the end of the run (clock.limit)");
    else if (quiet->given && quiet->at_ns >= 0 && when->at_ns >= quiet->at_ns)
        diag_add(p->diags, e->origin.place, "nothing is injected once it is quiet");
}

static bool has_points(const struct fault *f)
{
    return f->kind == FAULT_PROCESS_CRASH && f->when == FAULT_EACH_WRITE;
}

/* A run has one point at most. */
static void plan_points(struct planning *p, const struct fault *f, struct place at)
{
    size_t n = 0;
    for (size_t i = 0; i < p->plan->faults_n; i++)
        n += has_points(&p->plan->faults[i].fault);
    if (n > 1 && has_points(f))
        diag_add(p->diags, at,
                 "only one fault may be \"at: each-write\": its points are runs of their own");
}

static void plan_fault(struct planning *p, struct fault_entry *e)
{
    struct plan_fault *f = &p->plan->faults[p->plan->faults_n];
    f->origin = e->origin;
    f->name = fault_title(p, e);
    f->for_ns = e->for_ns;
    f->optional = e->optional;
    f->fault = e->fault;
    f->target = e->target;
    if (!plan_when(p, &fault_shape, &e->origin, e->at_ns, &e->after, &f->when) ||
        !plan_moment(p, &f->when))
        return;
    check_fault_time(p, e, &f->when);
    plan_fault_target(p, &f->fault, &f->target);
    p->plan->faults_n++;
    plan_points(p, &f->fault, e->origin.place);
}

void plan_faults(struct planning *p)
{
    struct objects entries = planning_list(p, p->scenario->file->faults, "faults", &fault_shape);
    p->plan->faults = ARENA_NEW_ARRAY(p->arena, struct plan_fault, entries.n);
    for (size_t i = 0; i < entries.n; i++) {
        struct fault_entry *entry = OBJECTS_AT(entries, struct fault_entry, i);
        if (entries.ok[i] && binding_when(&p->binding, &entry->when))
            plan_fault(p, entry);
    }
}
