/* Faults in the estate: their life. */
#include "sim/scenario/run/inject_internal.h"

#include "sim/scenario/run/backups.h"
#include "sim/world/fault.h"

bool inject_supports(const struct fault *f, const struct target *t, const char **why)
{
    bool asks_api = f->verb != 0 || f->user.n > 0;
    bool of_world = inject_is_of_world(f, t);
    if (of_world && asks_api) {
        *why = "a manager's HTTP knows no `verb` and no `user`: they are of Kubernetes APIs";
        return false;
    }
    *why = "the simulated world cannot do it yet";
    return of_world || inject_is_of_apis(f, t) || inject_is_of_clusters(f->kind);
}

static uint64_t fired(const void *owner)
{
    const struct injected *it = owner;
    return it->fired + (it->world ? sim_fault_fired(it->world) : 0);
}

static void show(struct injected *it)
{
    it->shown->active = !it->over;
    view_fault_changed(it->in->view);
}

static void end(void *owner)
{
    struct injected *it = owner;
    if (it->over)
        return;
    sim_task_cancel(it->end);
    it->end = NULL;
    it->over = true;
    it->end_ns = sim_now(it->in->estate->sim);
    if (it->world)
        sim_fault_end(it->world);
    inject_end_apis(it);
    inject_end_clusters(it);
    sim_note(it->in->estate->sim, "fault.ended", it->name, str_empty);
    show(it);
}

static void on_end(void *owner)
{
    struct injected *it = owner;
    it->end = NULL;
    end(it);
}

static void start(struct injected *it, int64_t for_ns)
{
    if (it->fault.share_ppm == 0)
        return; /* a share of nothing, by a parameter: it never fires */
    if (inject_is_of_world(&it->fault, &it->target))
        inject_start_world(it, for_ns);
    if (inject_is_of_apis(&it->fault, &it->target))
        inject_start_apis(it);
    if (inject_is_of_clusters(it->fault.kind))
        inject_start_clusters(it);
}

struct injected *inject_fault(struct inject *in, struct str name, const struct target *target,
                              const struct fault *fault, int64_t for_ns, bool optional)
{
    struct injected *it = MEM_NEW(struct injected);
    struct buf unique = {0};
    if (in->n == in->cap) {
        in->cap = in->cap ? in->cap * 2 : 16;
        in->items = mem_resize(in->items, in->cap * sizeof *in->items);
    }
    in->items[in->n++] = it;
    buf_addf(&unique, STR_FMT, STR_ARG(name));
    for (size_t i = 0; i + 1 < in->n; i++)
        if (str_eq(in->items[i]->name, name)) {
            buf_addf(&unique, " (%zu)", in->n);
            break;
        }
    *it = (struct injected){.in = in,
                            .name = buf_take(&unique),
                            .target = picks_settle(in->estate, target),
                            .fault = *fault,
                            .begin_ns = sim_now(in->estate->sim),
                            .end_ns = -1,
                            .optional = optional};
    it->shown = view_add_fault(in->view, it->name);
    it->shown->started_at = it->begin_ns;
    it->shown->fired = fired;
    it->shown->owner = it;
    sim_note(in->estate->sim, "fault.began", it->name, target->text);
    start(it, for_ns);
    if (fault_is_momentary(fault) || for_ns > 0)
        it->end = sim_after(in->estate->sim, for_ns, on_end, it);
    show(it);
    return it;
}

size_t inject_heal(struct inject *in, const struct target *target)
{
    size_t n = 0;
    for (size_t i = 0; i < in->n; i++)
        if (target->kind == TARGET_NONE || target->kind == TARGET_ALL ||
            str_eq(target->text, in->items[i]->target.text)) {
            end(in->items[i]);
            n++;
        }
    return n;
}

size_t inject_count(const struct inject *in)
{
    return in->n;
}

struct injected_state inject_state(struct inject *in, size_t i)
{
    struct injected *it = in->items[i];
    return (struct injected_state){.name = it->name,
                                   .target = it->target.text,
                                   .begin_ns = it->begin_ns,
                                   .end_ns = it->end_ns,
                                   .fired = fired(it),
                                   .optional = it->optional,
                                   .drawn_from = it->drawn_from ? it->drawn_from->name : str_empty};
}

void inject_drawn(struct injected *it, const struct plan_choice *from)
{
    it->drawn_from = from;
}

/* An API that starts again gets its faults again. */
static void on_note(void *owner, const struct sim_note *n)
{
    struct inject *in = owner;
    struct str kind = str_c(n->kind);
    if (!n->process || !(str_eq_c(kind, "process.start") || str_eq_c(kind, "process.end")))
        return;
    for (size_t i = 0; i < in->n; i++)
        inject_api_changed(in->items[i], n->process);
}

struct inject *inject_new(struct estate *e, struct view *v)
{
    struct inject *in = MEM_NEW(struct inject);
    in->estate = e;
    in->view = v;
    list_init(&in->rollouts);
    in->backups = backups_new(e);
    sim_on_note(e->sim, on_note, in);
    return in;
}

void inject_points(struct inject *in, struct points *record, size_t point)
{
    in->record = record;
    in->point = point;
}

static void injected_free(struct injected *it)
{
    inject_crash_free(it);
    for (size_t i = 0; i < it->apis_n; i++)
        store_snapshot_free(it->apis[i].past);
    for (size_t i = 0; i < it->clients_n; i++)
        str_free(&it->clients[i]);
    str_free(&it->name);
    mem_free(it->clients);
    mem_free(it->apis);
    mem_free(it->broken);
    mem_free(it);
}

void inject_free(struct inject *in)
{
    for (size_t i = 0; i < in->n; i++)
        injected_free(in->items[i]);
    inject_rollouts_free(in);
    backups_free(in->backups);
    mem_free(in->items);
    mem_free(in);
}
