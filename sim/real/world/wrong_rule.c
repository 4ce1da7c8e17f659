/* Faults of APIs as the fault port of `paddock-sim apiserver` takes them. */
#include "engine/base/json.h"
#include "sim/real/world/wrongs.h"

#define REORDER_MAX NS_PER_S /* as in the simulated world: held events go their way then */

static const struct {
    enum fault_kind from;
    const char *to;
} kinds[] = {
    {FAULT_HTTP_ERROR, "status"},
    {FAULT_HTTP_SLOW, "latency"},
    {FAULT_HTTP_TRUNCATED, "truncated"},
    {FAULT_WRITE_CONFLICT, "conflict"},
    {FAULT_WRITE_LOST_ACK, "lost-ack"},
    {FAULT_READ_STALE, "stale-read"},
    {FAULT_WATCH_CUT, "watch-cut"},
    {FAULT_WATCH_DROP, "watch-drop"},
    {FAULT_WATCH_LOSS, "watch-loss"},
    {FAULT_WATCH_STALL, "watch-stall"},
    {FAULT_WATCH_GONE, "watch-gone"},
    {FAULT_WATCH_REWIND, "watch-rewind"},
    {FAULT_WATCH_REORDER, "watch-reorder"},
    {FAULT_WATCH_UNOBSERVED, "watch-unobserved"},
    {FAULT_WATCH_DUPLICATE, "watch-duplicate"},
    {FAULT_WATCH_NO_BOOKMARK, "watch-no-bookmark"},
    {FAULT_STORE_FULL, "store-full"},
    {FAULT_STORE_SLOW_FSYNC, "slow-write"},
    {FAULT_STORE_LOST_WRITE, "lost-write"},
};

static struct str verb_of(int64_t index)
{
    struct str rest = STR(FAULT_VERBS), verb = str_empty;
    for (int64_t i = 0; i <= index; i++)
        (void)str_cut(rest, '|', &verb, &rest);
    return index > 0 ? verb : str_empty;
}

static void set_text(struct arena *a, cJSON *o, const char *key, struct str text)
{
    if (text.n)
        json_set_str(a, o, key, text);
}

static void set_number(struct arena *a, cJSON *o, const char *key, int64_t n)
{
    if (n)
        json_set_int(a, o, key, n);
}

bool wrong_rule(const struct fault *f, struct str id, struct buf *out)
{
    const char *kind = NULL;
    struct arena a = {0};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (kinds[i].from == f->kind)
            kind = kinds[i].to;
    if (!kind)
        return false;
    cJSON *o = json_object(&a);
    int64_t delay = f->delay_ns;
    if (f->kind == FAULT_WATCH_REWIND)
        delay = f->behind_ns;
    if (f->kind == FAULT_WATCH_REORDER)
        delay = REORDER_MAX;
    set_text(&a, o, "id", id);
    set_text(&a, o, "kind", str_c(kind));
    set_number(&a, o, "perMillion", f->share_ppm);
    set_text(&a, o, "resource", f->of);
    set_text(&a, o, "verb", verb_of(f->verb));
    set_text(&a, o, "user", f->user);
    set_number(&a, o, "status", f->code);
    set_number(&a, o, "retryAfterS", (f->retry_after_ns + NS_PER_S - 1) / NS_PER_S);
    set_number(&a, o, "delayNs", delay);
    set_number(&a, o, "jitterNs", f->jitter_ns);
    if (f->kind == FAULT_WATCH_REORDER)
        set_number(&a, o, "window", f->window);
    if (f->kind == FAULT_WATCH_UNOBSERVED) {
        set_text(&a, o, "name", f->name);
        set_number(&a, o, "event", f->event);
        json_set_bool(&a, o, "later", f->shown == FAULT_SHOWN_LATER);
    }
    json_write(out, o);
    arena_free(&a);
    return true;
}
