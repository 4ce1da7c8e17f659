#include "engine/cli/plain_ports.h"

struct plain_ports {
    struct world *w;
    struct http_server *redirect, *metrics; /* NULL: not listening */
    uint16_t https_port;
    struct server *server;
};

/* ---- to HTTPS ---- */

/* The name that the request was for, without its port: the bracketed address whole. */
static struct str host_of(struct str authority)
{
    size_t end = authority.n;
    while (end > 0 && authority.p[end - 1] >= '0' && authority.p[end - 1] <= '9')
        end--;
    bool has_port = end > 0 && authority.p[end - 1] == ':';
    return has_port ? str_sub(authority, 0, end - 1) : authority;
}

/* What goes back in a header must be a host, whatever was sent. */
static bool is_host(struct str host)
{
    for (size_t i = 0; i < host.n; i++) {
        char c = host.p[i], lower = (char)(c | 0x20);
        if (!(lower >= 'a' && lower <= 'z') && !(c >= '0' && c <= '9') &&
            str_find_char(STR("-._:[]"), c) < 0)
            return false;
    }
    return host.n > 0;
}

static void on_plain(void *owner, struct http_exchange *x)
{
    const struct plain_ports *p = owner;
    struct str host = host_of(http_headers_get(http_request_headers(x), "Host"));
    if (str_eq_c(http_path(x), "/ping")) {
        http_answer(x, 200, "text/plain; charset=utf-8", NULL, STR("pong"));
        return;
    }
    if (!is_host(host) || !str_starts(http_target(x), STR("/"))) {
        http_answer(x, 400, "text/plain; charset=utf-8", NULL, STR("this port leads to HTTPS\n"));
        return;
    }
    struct http_headers headers = {0};
    struct buf to = {0};
    buf_addf(&to, "https://" STR_FMT, STR_ARG(host));
    if (p->https_port != 443)
        buf_addf(&to, ":%u", p->https_port);
    buf_add(&to, http_target(x));
    http_headers_add_c(&headers, "Location", buf_c(&to));
    http_answer(x, 308, "text/plain; charset=utf-8", &headers, STR("this port leads to HTTPS\n"));
    http_headers_free(&headers);
    buf_free(&to);
}

/* ---- metrics ---- */

static void on_metrics(void *owner, struct http_exchange *x)
{
    const struct plain_ports *p = owner;
    struct buf text = {0};
    if (!str_eq_c(http_path(x), "/metrics")) {
        http_answer(x, 404, "text/plain; charset=utf-8", NULL, STR("there is /metrics\n"));
        return;
    }
    metrics_write(server_metrics(p->server), &text);
    http_answer(x, 200, "text/plain; version=0.0.4; charset=utf-8", NULL, buf_str(&text));
    buf_free(&text);
}

/* ---- life ---- */

static struct err *listen_on(struct plain_ports *p, struct world_addr address, http_handler handler,
                             struct http_server **server, uint16_t *port)
{
    struct world_listen listen = {.address = address};
    struct world_listener *listener;
    *server = http_server_new(p->w, NULL, handler, p);
    struct err *err = http_server_listen(*server, &listen, &listener);
    if (!err)
        *port = world_listener_port(listener);
    return err;
}

struct err *plain_ports_redirect(struct plain_ports *p, struct world_addr listen,
                                 uint16_t https_port, uint16_t *port)
{
    p->https_port = https_port;
    struct err *err = listen_on(p, listen, on_plain, &p->redirect, port);
    return err ? err_wrap(err, err->code, "--http-listen") : NULL;
}

struct err *plain_ports_metrics(struct plain_ports *p, struct world_addr listen,
                                struct server *server, uint16_t *port)
{
    p->server = server;
    struct err *err = listen_on(p, listen, on_metrics, &p->metrics, port);
    return err ? err_wrap(err, err->code, "--metrics-listen") : NULL;
}

struct plain_ports *plain_ports_new(struct world *w)
{
    struct plain_ports *p = MEM_NEW(struct plain_ports);
    p->w = w;
    return p;
}

void plain_ports_free(struct plain_ports *p)
{
    if (!p)
        return;
    http_server_free(p->redirect);
    http_server_free(p->metrics);
    mem_free(p);
}
