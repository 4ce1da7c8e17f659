/* Alarms and timers. All of them share one uv_timer_t: a heap in ns keeps the order that milliseconds would lose. */
#include "engine/world/uv/uv_internal.h"

#define NOTHING_ARMED INT64_MAX

void uvw_alarm_start(struct uv_world *uv, struct uvw_alarm *alarm, world_time delay)
{
    BUG_ON(delay < 0, "a delay is not negative");
    uvw_alarm_stop(uv, alarm);
    world_time now = uvw_now(uv);
    alarm->at = delay > INT64_MAX - 1 - now ? INT64_MAX - 1 : now + delay;
    alarm->seq = ++uv->alarm_seq;
    heap_push(&uv->alarms, &alarm->node, alarm->at, alarm->seq);
    if (alarm->at < uv->armed_at)
        uvw_wake(uv);
}

void uvw_alarm_stop(struct uv_world *uv, struct uvw_alarm *alarm)
{
    heap_remove(&uv->alarms, &alarm->node);
}

static void uvw_alarms_run(uv_timer_t *timer);

/* Lets the uv timer wait for the earliest alarm. Called before the loop waits, not at every start and stop. */
void uvw_alarms_arm(struct uv_world *uv)
{
    struct heap_node *node;
    int64_t at;
    if (!heap_peek(&uv->alarms, &at, &node))
        at = NOTHING_ARMED;
    if (at == uv->armed_at)
        return;
    uv->armed_at = at;
    if (at == NOTHING_ARMED) {
        uv_timer_stop(&uv->timer);
        return;
    }
    uv_update_time(&uv->loop);
    int64_t loop_now = (int64_t)uv_now(&uv->loop) * NS_PER_MS;
    uint64_t ms = at <= loop_now ? 0 : (uint64_t)((at - loop_now + NS_PER_MS - 1) / NS_PER_MS);
    uv_timer_start(&uv->timer, uvw_alarms_run, ms, 0);
}

/* Fires what is due now; what a callback starts waits for the next turn, also with a delay of 0. */
static void uvw_alarms_run(uv_timer_t *timer)
{
    struct uv_world *uv = timer->data;
    uvw_event(uv);
    uv->armed_at = NOTHING_ARMED;
    uint64_t last = uv->alarm_seq;
    struct heap_node *node;
    int64_t at;
    while (!uv->stopped && heap_peek(&uv->alarms, &at, &node) && at <= uv->now) {
        struct uvw_alarm *alarm = container_of(node, struct uvw_alarm, node);
        if (alarm->seq > last)
            break;
        heap_pop(&uv->alarms);
        alarm->fire(alarm);
    }
}

struct uvw_timer {
    struct world_timer base;
    struct list node;
    struct uvw_alarm alarm;
    void (*fire)(void *owner);
    void *owner;
};

static struct uvw_timer *timer_of(const struct world_timer *t)
{
    return container_of((struct world_timer *)(uintptr_t)t, struct uvw_timer, base);
}

static void timer_fired(struct uvw_alarm *alarm)
{
    struct uvw_timer *t = container_of(alarm, struct uvw_timer, alarm);
    t->fire(t->owner);
}

struct world_timer *uvw_timer_new(struct world *w, void (*fire)(void *), void *owner)
{
    struct uv_world *uv = uvw_of(w);
    struct uvw_timer *t = MEM_NEW(struct uvw_timer);
    t->base.w = w;
    t->alarm.fire = timer_fired;
    t->fire = fire;
    t->owner = owner;
    list_add_tail(&uv->timers, &t->node);
    return &t->base;
}

void uvw_timer_start(struct world_timer *base, world_time delay)
{
    uvw_alarm_start(uvw_of(base->w), &timer_of(base)->alarm, delay);
}

void uvw_timer_stop(struct world_timer *base)
{
    uvw_alarm_stop(uvw_of(base->w), &timer_of(base)->alarm);
}

bool uvw_timer_active(const struct world_timer *base)
{
    return heap_has(&timer_of(base)->alarm.node);
}

void uvw_timer_free(struct world_timer *base)
{
    struct uvw_timer *t = timer_of(base);
    uvw_timer_stop(base);
    list_remove(&t->node);
    mem_free(t);
}

void uvw_timers_free(struct uv_world *uv)
{
    list_each (&uv->timers, it, next)
        uvw_timer_free(&container_of(it, struct uvw_timer, node)->base);
}
