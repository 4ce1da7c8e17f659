/* Admission of agents at a steady rate (policy connect.admission: paced): all agents of a site come back at once after a
 * failover, and each one costs a handshake, a session and work behind it. A replica admits its share of a tenth of the
 * expected agents a second (at least one a second); a few seconds' worth wait in line with their connection open, the
 * rest is told with Retry-After.
 *
 *   asked ─► slot free now ─► admitted        asked ─► slot within API_ADMISSION_HOLD_MAX ─► held ─► admitted
 *        └─► later than that ─► 503                                                           └─ gone: dropped */
#include "engine/api/api_internal.h"
#include "engine/base/list.h"

#define AGENTS_PER_CLUSTER                                                                         \
    1u /* the fewest that a cluster can have: a rate that no estate finds too high */
#define SITE_RATE_MIN 3u /* agents a second, over all replicas */

struct held {
    struct list node;
    struct admission *ad;
    struct http_exchange *x;
    void *data;
    void (*admit)(struct api *a, struct http_exchange *x, void *data);
    void (*drop)(void *data);
};

struct admission {
    struct api *api;
    size_t replicas;
    struct list line;
    size_t line_n;
    world_time next_slot; /* when the next one may come in */
    struct world_timer *slot;
};

static world_time slot_length(const struct admission *ad)
{
    size_t agents = kube_informer_count(ad->api->clusters) * AGENTS_PER_CLUSTER;
    size_t per_second = agents / 10 < SITE_RATE_MIN ? SITE_RATE_MIN : agents / 10;
    return NS_PER_S * (world_time)ad->replicas / (world_time)per_second;
}

static void held_free(struct held *h)
{
    list_remove(&h->node);
    h->ad->line_n--;
    mem_free(h);
}

static void arm(struct admission *ad)
{
    if (!list_empty(&ad->line) && !world_timer_active(ad->slot))
        world_timer_start(ad->slot, ad->next_slot - world_now(ad->api->world));
}

static void let_in(struct admission *ad, struct http_exchange *x, void *data,
                   void (*admit)(struct api *a, struct http_exchange *x, void *data))
{
    ad->next_slot = world_now(ad->api->world) + slot_length(ad);
    admit(ad->api, x, data);
}

static void on_slot(void *owner)
{
    struct admission *ad = owner;
    if (list_empty(&ad->line))
        return;
    struct held *h = container_of(ad->line.next, struct held, node);
    struct http_exchange *x = h->x;
    void *data = h->data;
    void (*admit)(struct api *, struct http_exchange *, void *) = h->admit;
    http_exchange_set(x, NULL, NULL);
    held_free(h);
    let_in(ad, x, data, admit);
    arm(ad);
}

static void on_gone(void *data)
{
    struct held *h = data;
    h->drop(h->data);
    held_free(h);
}

void admission_turn_away(struct http_exchange *x, world_time wait)
{
    struct http_headers headers = {0};
    struct buf seconds = {0};
    buf_addf(&seconds, "%lld", (long long)(wait / NS_PER_S + 1));
    http_headers_add_c(&headers, "Retry-After", buf_c(&seconds));
    http_answer(x, 503, "text/plain; charset=utf-8", &headers,
                STR("busy: come back a little later"));
    http_headers_free(&headers);
    buf_free(&seconds);
}

void admission_ask(struct admission *ad, struct http_exchange *x, void *data,
                   void (*admit)(struct api *a, struct http_exchange *x, void *data),
                   void (*drop)(void *data))
{
    struct api *a = ad->api;
    world_time now = world_now(a->world);
    if (policy_get(&a->policies, POLICY_CONNECT_ADMISSION) == POLICY_ADMISSION_ALL) {
        admit(a, x, data);
        return;
    }
    if (list_empty(&ad->line) && now >= ad->next_slot) {
        let_in(ad, x, data, admit);
        return;
    }
    world_time wait = (ad->next_slot - now) + (world_time)ad->line_n * slot_length(ad);
    if (wait > API_ADMISSION_HOLD_MAX) {
        admission_turn_away(x, wait);
        drop(data);
        return;
    }
    struct held *h = MEM_NEW(struct held);
    *h = (struct held){.ad = ad, .x = x, .data = data, .admit = admit, .drop = drop};
    list_add_tail(&ad->line, &h->node);
    ad->line_n++;
    http_exchange_set(x, h, on_gone);
    arm(ad);
}

struct admission *admission_new(struct api *a)
{
    struct admission *ad = MEM_NEW(struct admission);
    ad->api = a;
    ad->replicas = 1;
    list_init(&ad->line);
    ad->slot = world_timer_new(a->world, on_slot, ad);
    return ad;
}

void admission_free(struct admission *ad)
{
    list_each (&ad->line, it, next) {
        struct held *h = container_of(it, struct held, node);
        http_exchange_set(h->x, NULL, NULL);
        h->drop(h->data);
        held_free(h);
    }
    world_timer_free(ad->slot);
    mem_free(ad);
}

void admission_close(struct admission *ad)
{
    while (!list_empty(&ad->line)) {
        struct held *h = container_of(ad->line.next, struct held, node);
        struct http_exchange *x = h->x;
        http_exchange_set(x, NULL, NULL);
        h->drop(h->data);
        held_free(h);
        admission_turn_away(x, 0);
    }
    world_timer_stop(ad->slot);
}

void admission_set_replicas(struct admission *ad, size_t n)
{
    ad->replicas = n ? n : 1;
}
