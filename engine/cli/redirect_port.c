#include "engine/cli/redirect_port.h"

struct redirect_port {
    struct http_server *http;
    struct world_listener *listener;
    uint16_t https_port;
};

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
    const struct redirect_port *p = owner;
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

/* ---- life ---- */

struct err *redirect_port_new(struct world *w, struct world_addr listen, uint16_t https_port,
                              struct redirect_port **out)
{
    struct redirect_port *p = MEM_NEW(struct redirect_port);
    struct world_listen options = {.address = listen};
    p->https_port = https_port;
    p->http = http_server_new(w, NULL, on_plain, p);
    struct err *err = http_server_listen(p->http, &options, &p->listener);
    if (err) {
        redirect_port_free(p);
        return err_wrap(err, err->code, "--http-listen");
    }
    *out = p;
    return NULL;
}

uint16_t redirect_port_number(const struct redirect_port *p)
{
    return world_listener_port(p->listener);
}

void redirect_port_free(struct redirect_port *p)
{
    if (!p)
        return;
    http_server_free(p->http);
    mem_free(p);
}
