#include "engine/tunnel/probe.h"

#include "engine/base/list.h"
#include "engine/http/server.h"

struct tunnel_probes {
    struct world *w;
    struct policies policies;
    struct list all;
    size_t n;
};

struct probe {
    struct list link;
    struct tunnel_probes *probes;
    struct tunnel_session *session;
    struct tunnel_conn *conn; /* the last one; NULL: none yet, or it is over */
    struct world_timer *deadline;
    size_t echoed; /* bytes, over all connections */
};

static void probe_free(struct probe *p)
{
    list_remove(&p->link);
    p->probes->n--;
    world_timer_free(p->deadline);
    mem_free(p);
}

/* ---- the echo ---- */

static void on_data(void *owner, struct str bytes)
{
    struct probe *p = owner;
    if (bytes.n > TUNNEL_PROBE_ECHO_MAX - p->echoed) {
        tunnel_conn_fail(p->conn, STR("a probe is a few bytes"));
        p->conn = NULL;
        return;
    }
    p->echoed += bytes.n;
    tunnel_conn_write(p->conn, bytes);
}

static void on_conn_closed(void *owner, const struct err *err)
{
    struct probe *p = owner;
    (void)err;
    p->conn = NULL;
}

/* One connection at a time: the last one counts. */
static void on_incoming(void *owner, struct tunnel_conn *c, struct str proto, struct str address)
{
    static const struct tunnel_conn_handler handler = {.data = on_data, .closed = on_conn_closed};
    struct probe *p = owner;
    (void)proto, (void)address;
    if (p->conn)
        tunnel_conn_close(p->conn);
    p->conn = c;
    tunnel_conn_attach(c, &handler, p);
}

static bool is_echo(void *owner, struct str proto, struct str address)
{
    (void)owner;
    return str_eq_c(proto, TUNNEL_PROBE_PROTO) && str_eq_c(address, TUNNEL_PROBE_ADDRESS);
}

/* ---- begin and end ---- */

static void on_session_closed(void *owner, const struct err *why)
{
    (void)why;
    probe_free(owner);
}

static void end(struct probe *p)
{
    tunnel_session_close(p->session);
    probe_free(p);
}

static void on_deadline(void *owner)
{
    end(owner);
}

void tunnel_probes_accept(struct tunnel_probes *probes, struct http_exchange *x)
{
    if (probes->n == TUNNEL_PROBES_MAX) {
        http_answer(x, 503, "text/plain; charset=utf-8", NULL,
                    STR("busy: too many probes at a time"));
        return;
    }
    struct probe *p = MEM_NEW(struct probe);
    struct tunnel_session_options o = {.side = TUNNEL_SERVER,
                                       .policies = &probes->policies,
                                       .key = STR("probe"),
                                       .allow = is_echo,
                                       .incoming = on_incoming,
                                       .closed = on_session_closed,
                                       .owner = p};
    p->probes = probes;
    p->deadline = world_timer_new(probes->w, on_deadline, p);
    list_add_tail(&probes->all, &p->link);
    probes->n++;
    p->session = tunnel_session_accept(probes->w, x, &o);
    if (p->session)
        world_timer_start(p->deadline, TUNNEL_PROBE_TIMEOUT);
    else
        probe_free(p);
}

size_t tunnel_probes_count(const struct tunnel_probes *probes)
{
    return probes->n;
}

struct tunnel_probes *tunnel_probes_new(struct world *w, const struct policies *policies)
{
    struct tunnel_probes *probes = MEM_NEW(struct tunnel_probes);
    probes->w = w;
    probes->policies = *policies;
    list_init(&probes->all);
    return probes;
}

void tunnel_probes_free(struct tunnel_probes *probes)
{
    while (!list_empty(&probes->all))
        end(container_of(probes->all.next, struct probe, link));
    mem_free(probes);
}
