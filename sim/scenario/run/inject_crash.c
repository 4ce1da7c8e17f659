/* Crashes at writes: the process ends as its write reaches the API: before it is done, or when it is done and nobody has
 * heard. A write belongs to the process at the other end of its connection: what comes through a tunnel is the agent's.
 *
 *   before-write, after-write   each process once, at its next write, or its nth; `counted: all`: one process, at the
 *                               nth write of all of them: what a point is when it is written down
 *   each-write                  one process once, at the point that this run is about (points.h)
 *   all-writes                  each process twice at every write it makes: before it, and when it comes again after it
 *
 * Of all-writes a write is the same as an earlier one if method and path are: creates of a kind are one, as are a lease's renewals. So
 * that every run ends. */
#include "sim/scenario/run/inject_internal.h"
#include "sim/scenario/run/points.h"

#define POINTS_MAX 10000u /* of one fault; what comes then passes */

void inject_crash_prepare(struct injected *it)
{
    it->crash = MEM_NEW(struct crash);
    picks_add(it->in->estate, &it->target.a, &it->crash->picks);
    it->crash->writes = MEM_NEW_ARRAY(int64_t, it->crash->picks.processes_n);
}

void inject_crash_free(struct injected *it)
{
    if (!it->crash)
        return;
    picks_free(&it->crash->picks);
    mem_free(it->crash->writes);
    map_free(&it->crash->met);
    mem_free(it->crash);
    it->crash = NULL;
}

static void crash(struct injected *it, struct sim_process *p, struct str what)
{
    struct sim *sim = it->in->estate->sim;
    sim_note(sim, "fault.crashed", sim_process_name(p), what);
    if (it->fault.delay_ns > 0)
        sim_process_hold(p, sim_now(sim) + it->fault.delay_ns);
    sim_process_kill(p, SIM_EXIT_KILLED);
}

/* Which of its processes made this write; -1: none that runs. */
static int64_t writer_of(const struct api_fault *at, struct str client)
{
    const struct picks *p = &at->of->crash->picks;
    for (size_t i = 0; i < p->processes_n; i++) {
        struct str address = sim_host_address(sim_process_host(p->processes[i]));
        bool is = at->of->target.a.kind == TARGET_API ? p->processes[i] == apihost_process(at->host)
                                                      : str_eq(address, client);
        if (is && sim_process_is_running(p->processes[i]))
            return (int64_t)i;
    }
    return -1;
}

/* 0: it is met for the first time; 1: for the second; 2: it passes. */
static intptr_t times_met(struct crash *c, struct str point)
{
    intptr_t times = (intptr_t)map_get(&c->met, point);
    if (times == 0 && map_count(&c->met) >= POINTS_MAX)
        return 2;
    if (times < 2)
        map_put(&c->met, point, (void *)(times + 1));
    return times;
}

/* Counts the write, of a probing run; else whether it is the one. */
static enum kubeapi_fate fate_at_point(struct injected *it, struct str process, struct str method,
                                       struct str path)
{
    const struct inject *in = it->in;
    if (in->record)
        points_add(in->record, process, method, path, sim_now(in->estate->sim));
    if (++it->crash->seen != point_write(in->point) || in->record || in->point == 0)
        return KUBEAPI_FATE_USUAL;
    return point_is_before(in->point) ? KUBEAPI_FATE_UNDONE : KUBEAPI_FATE_UNHEARD;
}

static enum kubeapi_fate fate_of(struct injected *it, size_t process, struct str what)
{
    struct crash *c = it->crash;
    enum kubeapi_fate fate = KUBEAPI_FATE_USUAL;
    if (it->fault.when == FAULT_ALL_WRITES) {
        struct buf point = {0};
        buf_addf(&point, "%zu " STR_FMT, process, STR_ARG(what));
        intptr_t times = times_met(c, buf_str(&point));
        buf_free(&point);
        return times == 0   ? KUBEAPI_FATE_UNDONE
               : times == 1 ? KUBEAPI_FATE_UNHEARD
                            : KUBEAPI_FATE_USUAL;
    }
    bool all = it->fault.counted == FAULT_COUNTED_ALL;
    if ((all ? (int64_t)++c->seen : ++c->writes[process]) == it->fault.nth)
        fate = it->fault.when == FAULT_BEFORE_WRITE ? KUBEAPI_FATE_UNDONE : KUBEAPI_FATE_UNHEARD;
    return fate;
}

enum kubeapi_fate inject_crash_fate(void *owner, struct str client, struct str method,
                                    struct str path)
{
    struct api_fault *at = owner;
    struct injected *it = at->of;
    int64_t process = writer_of(at, client);
    if (process < 0)
        return KUBEAPI_FATE_USUAL;
    struct buf what = {0};
    buf_addf(&what, STR_FMT " " STR_FMT, STR_ARG(method), STR_ARG(path));
    struct sim_process *p = it->crash->picks.processes[process];
    enum kubeapi_fate fate = it->fault.when == FAULT_EACH_WRITE
                                 ? fate_at_point(it, sim_process_name(p), method, path)
                                 : fate_of(it, (size_t)process, buf_str(&what));
    if (fate != KUBEAPI_FATE_USUAL)
        crash(it, p, buf_str(&what));
    buf_free(&what);
    return fate;
}
