#include "sim/kubeapi/core/inflight.h"

#include "sim/kubeapi/core/request.h"

struct seats {
    unsigned max, active, waiting;
    struct list queue; /* of api_request.seat_link, longest first */
};

struct inflight {
    struct world *w;
    struct seats seats[INFLIGHT_MUTATING + 1];
    struct world_timer *timer; /* of the request that has waited longest; admits who may go */
    void (*admitted)(struct api_request *r);
    void (*refused)(struct api_request *r);
};

static struct api_request *first_of(const struct seats *s)
{
    return list_empty(&s->queue) ? NULL
                                 : container_of(s->queue.next, struct api_request, seat_link);
}

static bool may_go(const struct seats *s)
{
    return s->waiting > 0 && s->active < s->max;
}

/* To the first deadline, or at once when somebody may go: never from inside a call. */
static void schedule(struct inflight *f)
{
    world_time now = world_now(f->w), at = -1;
    for (int i = INFLIGHT_READONLY; i <= INFLIGHT_MUTATING; i++) {
        const struct api_request *r = first_of(&f->seats[i]);
        if (!r)
            continue;
        world_time when = may_go(&f->seats[i]) ? now : r->seat_deadline;
        at = at < 0 || when < at ? when : at;
    }
    if (at < 0)
        world_timer_stop(f->timer);
    else
        world_timer_start(f->timer, at > now ? at - now : 0);
}

static void take_out(struct seats *s, struct api_request *r)
{
    list_remove(&r->seat_link);
    r->seat_waits = false;
    s->waiting--;
}

static void on_timer(void *owner)
{
    struct inflight *f = owner;
    world_time now = world_now(f->w);
    for (int i = INFLIGHT_READONLY; i <= INFLIGHT_MUTATING; i++) {
        struct seats *s = &f->seats[i];
        for (struct api_request *r; (r = first_of(s));) {
            bool go = may_go(s);
            if (!go && r->seat_deadline > now)
                break;
            take_out(s, r);
            if (go)
                s->active++;
            else
                r->seat = INFLIGHT_NONE;
            (go ? f->admitted : f->refused)(r);
        }
    }
    schedule(f);
}

struct inflight *inflight_new(struct world *w, unsigned mutating_max, unsigned readonly_max,
                              void (*admitted)(struct api_request *r),
                              void (*refused)(struct api_request *r))
{
    struct inflight *f = MEM_NEW(struct inflight);
    f->w = w;
    f->admitted = admitted;
    f->refused = refused;
    f->seats[INFLIGHT_MUTATING].max = mutating_max > 0 ? mutating_max : INFLIGHT_MUTATING_MAX;
    f->seats[INFLIGHT_READONLY].max = readonly_max > 0 ? readonly_max : INFLIGHT_READONLY_MAX;
    for (int i = INFLIGHT_READONLY; i <= INFLIGHT_MUTATING; i++)
        list_init(&f->seats[i].queue);
    f->timer = world_timer_new(w, on_timer, f);
    return f;
}

void inflight_free(struct inflight *f)
{
    BUG_ON(f->seats[INFLIGHT_READONLY].active + f->seats[INFLIGHT_MUTATING].active > 0,
           "requests leave before their server does");
    world_timer_free(f->timer);
    mem_free(f);
}

static bool needs_no_seat(const struct api_request *r)
{
    if (r->verb == VERB_WATCH || r->answered)
        return true;
    for (size_t i = 0; i < r->user.groups_n; i++)
        if (str_eq_c(r->user.groups[i], "system:masters"))
            return true;
    return false;
}

enum inflight_answer inflight_enter(struct inflight *f, struct api_request *r)
{
    BUG_ON(r->seat != INFLIGHT_NONE, "a request has one seat");
    if (needs_no_seat(r))
        return INFLIGHT_ADMITTED;
    bool reads = str_eq_c(r->method, "GET") || str_eq_c(r->method, "HEAD");
    enum inflight_seat seat = reads ? INFLIGHT_READONLY : INFLIGHT_MUTATING;
    struct seats *s = &f->seats[seat];
    if (s->active < s->max && s->waiting == 0) {
        s->active++;
        r->seat = seat;
        return INFLIGHT_ADMITTED;
    }
    if (s->waiting == INFLIGHT_QUEUE_MAX)
        return INFLIGHT_REFUSED;
    r->seat = seat;
    r->seat_waits = true;
    r->seat_deadline = world_now(f->w) + INFLIGHT_WAIT;
    list_add_tail(&s->queue, &r->seat_link);
    s->waiting++;
    schedule(f);
    return INFLIGHT_QUEUED;
}

void inflight_leave(struct inflight *f, struct api_request *r)
{
    if (r->seat == INFLIGHT_NONE)
        return; /* also while the server is being made: f is not there yet */
    struct seats *s = &f->seats[r->seat];
    if (r->seat_waits) {
        take_out(s, r);
    } else {
        BUG_ON(s->active == 0, "who leaves has a seat");
        s->active--;
    }
    r->seat = INFLIGHT_NONE;
    if (s->waiting > 0)
        schedule(f);
}

size_t inflight_active(const struct inflight *f, enum inflight_seat seat)
{
    return f->seats[seat].active;
}

size_t inflight_waiting(const struct inflight *f, enum inflight_seat seat)
{
    return f->seats[seat].waiting;
}
