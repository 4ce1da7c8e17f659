#include "sim/kubeapi/containers/clog.h"

bool clog_same(const struct clog *a, const struct clog *b)
{
    return str_eq(a->uid, b->uid) && str_eq(a->name, b->name) && a->run == b->run &&
           a->started == b->started;
}

/* Ticks after the first line, by now or by its end. */
static uint64_t ticks(const struct clog *l, int64_t now)
{
    BUG_ON(l->every < CLOG_EVERY_MIN, "a log goes on at some pace");
    int64_t end = l->ended >= 0 && l->ended < now ? l->ended : now;
    return end <= l->started ? 0 : (uint64_t)((end - l->started) / l->every);
}

static bool is_last(const struct clog *l, uint64_t line)
{
    return l->ended >= 0 && line == ticks(l, l->ended) + 1;
}

uint64_t clog_lines(const struct clog *l, int64_t now)
{
    if (now < l->started)
        return 0;
    return 1 + ticks(l, now) + (l->ended >= 0 && l->ended <= now ? 1 : 0);
}

int64_t clog_time(const struct clog *l, uint64_t line)
{
    if (is_last(l, line))
        return l->ended > l->started ? l->ended : l->started;
    return l->started + (int64_t)line * l->every;
}

uint64_t clog_since(const struct clog *l, int64_t since, int64_t now)
{
    uint64_t n = clog_lines(l, now);
    if (since <= l->started)
        return 0;
    uint64_t first = (uint64_t)((since - l->started + l->every - 1) / l->every);
    if (l->ended >= 0 && since <= l->ended && first >= n && n > 0)
        return n - 1; /* the last line is not in step with the others */
    return first < n ? first : n;
}

static bool at_period(const struct clog *l, uint64_t line, int64_t period)
{
    return period > 0 && ((int64_t)line * l->every) % period == 0;
}

void clog_text(const struct clog *l, uint64_t line, struct buf *out)
{
    size_t before = out->n;
    if (line == 0)
        buf_addf(out,
                 "started " STR_FMT "/" STR_FMT " container " STR_FMT " image " STR_FMT
                 " restarts %lld",
                 STR_ARG(l->ns), STR_ARG(l->pod), STR_ARG(l->name), STR_ARG(l->image),
                 (long long)l->run);
    else if (is_last(l, line))
        buf_addf(out, "ended with exit code %lld", (long long)l->exit_code);
    else if (at_period(l, line, l->ready_every))
        buf_addf(out, "probe readiness: ok");
    else if (at_period(l, line, l->live_every))
        buf_addf(out, "probe liveness: ok");
    else
        buf_addf(out, "tick %llu", (unsigned long long)line);
    if (line == 0 || is_last(l, line))
        return;
    if (out->n - before < l->bytes)
        buf_add_char(out, ' ');
    while (out->n - before < l->bytes) /* what it is filled with says where it was cut */
        buf_add_char(out, (char)('a' + (char)((out->n - before + line) % 26)));
}
