/* /healthz and /readyz of an agent. */
#include "engine/cli/agent_health.h"

#include "engine/http/server.h"

#define HEADER_BYTES_MAX ((size_t)8 << 10)

struct agent_health {
    const struct agent_news *news;
    struct http_server *http;
    struct world_listener *listener;
    bool ready_when_running; /* policy agent.ready: running */
};

static bool is_ready(const struct agent_health *h)
{
    return (h->ready_when_running || h->news->was_connected) && !h->news->draining;
}

static void on_request(void *owner, struct http_exchange *x)
{
    const struct agent_health *h = owner;
    struct str path = http_path(x);
    bool readyz = str_eq_c(path, "/readyz");
    struct buf body = {0};
    if (!readyz && !str_eq_c(path, "/healthz")) {
        http_answer(x, 404, "text/plain", NULL, STR("there are /healthz and /readyz\n"));
    } else if (!str_eq_c(http_method(x), "GET")) {
        http_answer(x, 405, "text/plain", NULL, STR("only GET\n"));
    } else if (!h->news->agent) {
        http_answer(x, readyz ? 503 : 200, "application/json", NULL,
                    STR("{\"phase\":\"Config\"}\n"));
    } else {
        agent_news_write(h->news, &body);
        http_answer(x, readyz && !is_ready(h) ? 503 : 200, "application/json", NULL,
                    buf_str(&body));
    }
    buf_free(&body);
}

struct err *agent_health_new(struct world *w, const struct agent_news *news,
                             const struct policies *policies, const struct world_addr *listen,
                             struct agent_health **out)
{
    struct agent_health *h = MEM_NEW(struct agent_health);
    struct http_server_options options = {.header_bytes_max = HEADER_BYTES_MAX};
    struct world_listen at = {.address = *listen};
    h->news = news;
    h->ready_when_running = policy_get(policies, POLICY_AGENT_READY) == POLICY_READY_RUNNING;
    h->http = http_server_new(w, &options, on_request, h);
    struct err *err = http_server_listen(h->http, &at, &h->listener);
    if (err) {
        agent_health_free(h);
        return err;
    }
    *out = h;
    return NULL;
}

uint16_t agent_health_port(const struct agent_health *h)
{
    return world_listener_port(h->listener);
}

void agent_health_free(struct agent_health *h)
{
    if (!h)
        return;
    http_server_free(h->http);
    mem_free(h);
}
