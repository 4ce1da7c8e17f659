/* agent_news: what is told of a running agent: the same facts for its log, for /healthz and for its cluster's events.
 *
 *   agent ── changed ─► agent_news_update: on which step, since when, why ─► log line, if it is news
 *                                                                        └─► caller: event
 *
 * Ownership: the agent is borrowed. Times are of the wall clock. */
#ifndef PADDOCK_ENGINE_CLI_AGENT_NEWS_H
#define PADDOCK_ENGINE_CLI_AGENT_NEWS_H

#include "engine/agents/cluster/agent.h"

#define AGENT_NEWS_ERROR_BYTES 900u /* of a text that peers had a part in; events have 1 KiB */

struct agent_news {
    struct world *w;
    const struct cluster_agent *agent; /* NULL: there is none yet, and nothing to tell */
    struct log log;
    enum agent_step step;
    const char *reason; /* one word; NULL: none */
    world_time since;   /* of step and reason */
    struct buf error;   /* the last one, also after it was overcome; empty: none */
    world_time error_at;
    uint64_t failures;      /* in a row */
    struct world_addr peer; /* of the tunnel in use, or of the last one */
    bool was_connected, draining;
    bool connected_now, failed_now; /* the last update is news of a tunnel, of a failure */
};

void agent_news_init(struct agent_news *n, struct world *w);
void agent_news_free(struct agent_news *n);
void agent_news_update(struct agent_news *n);

/* The whole state as a JSON document, for people and probes. Appends. */
void agent_news_write(const struct agent_news *n, struct buf *out);

#endif
