/* Connections, closed-loop load, and watches. */
#include "tests/bench/support/api_load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

/* ---- one connection ---- */

void api_conn_open(struct api_conn *c, const struct api_server *s)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)s->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;
    *c = (struct api_conn){.fd = socket(AF_INET, SOCK_STREAM, 0)};
    int failed = connect(c->fd, (struct sockaddr *)&to, sizeof(to));
    BUG_ON(failed, "the server takes connections");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    c->ssl = SSL_new(s->tls);
    SSL_set_fd(c->ssl, c->fd);
    failed = SSL_connect(c->ssl) != 1;
    BUG_ON(failed, "the server shakes hands");
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
}

void api_conn_close(struct api_conn *c)
{
    SSL_free(c->ssl);
    close(c->fd);
    buf_free(&c->in);
}

static void await(struct api_conn *c, short events)
{
    struct pollfd p = {.fd = c->fd, .events = events};
    BUG_ON(poll(&p, 1, 60000) != 1, "the server answers within a minute");
}

void api_conn_send(struct api_conn *c, struct str request)
{
    c->answer_want = 0;
    buf_clear(&c->in);
    c->sent_ns = api_load_now_ns();
    while (request.n > 0) {
        int n = SSL_write(c->ssl, request.p, (int)request.n);
        if (n > 0)
            request = str_sub(request, (size_t)n, request.n);
        else
            await(c, POLLOUT);
    }
}

/* What has come, without waiting. */
static void take(struct api_conn *c)
{
    static char bytes[65536];
    int n;
    while ((n = SSL_read(c->ssl, bytes, sizeof(bytes))) > 0)
        buf_add(&c->in, (struct str){bytes, (size_t)n});
    int why = SSL_get_error(c->ssl, n);
    BUG_ON(why != SSL_ERROR_WANT_READ, "the server keeps the connection");
}

/* Is the answer complete? Answers have a length (what is streamed is counted as events). */
static bool complete(struct api_conn *c)
{
    struct str in = buf_str(&c->in);
    if (c->answer_want == 0) {
        ptrdiff_t end = str_find(in, STR("\r\n\r\n"));
        if (end < 0)
            return false;
        ptrdiff_t length = str_find(in, STR("Content-Length: "));
        BUG_ON(length < 0 || length > end, "an answer has a length");
        c->answer_want = (size_t)end + 4 + strtoull(in.p + length + 16, NULL, 10);
    }
    return in.n >= c->answer_want;
}

static int status_of(const struct api_conn *c)
{
    return atoi(buf_str(&c->in).p + 9);
}

int api_conn_receive(struct api_conn *c, struct str *body)
{
    for (take(c); !complete(c); take(c))
        await(c, POLLIN);
    struct str in = buf_str(&c->in);
    *body = str_sub(in, (size_t)str_find(in, STR("\r\n\r\n")) + 4, in.n);
    return status_of(c);
}

void api_request_put(struct buf *out, const char *method, const char *target, struct str body)
{
    buf_addf(out,
             "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench/1\r\nAccept: "
             "application/json\r\n",
             method, target);
    if (body.n > 0)
        buf_addf(out, "Content-Type: application/json\r\nContent-Length: %zu\r\n", body.n);
    buf_add_c(out, "\r\n");
    buf_add(out, body);
}

/* ---- figures ---- */

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static void figures(struct api_measure *out, int64_t *latencies, size_t n, int64_t ns, int64_t cpu,
                    uint64_t requests)
{
    qsort(latencies, n, sizeof(*latencies), by_size);
    int64_t p50 = latencies[n / 2], p99 = latencies[n - n / 100 - 1];
    out->seconds = (double)ns / 1e9;
    out->cpu_us = (double)cpu / 1e3 / (double)requests;
    out->p50_ms = (double)p50 / 1e6;
    out->p99_ms = (double)p99 / 1e6;
    mem_free(latencies);
}

/* ---- closed-loop load ---- */

struct run {
    const struct api_load *load;
    struct buf request;
    uint64_t sent, done;
    int64_t *latencies;
};

static void send_next(struct run *r, struct api_conn *c)
{
    buf_clear(&r->request);
    r->load->request(r->load->owner, r->sent++, &r->request);
    api_conn_send(c, buf_str(&r->request));
}

static void on_readable(struct run *r, struct api_conn *c)
{
    take(c);
    if (!complete(c))
        return;
    if (status_of(c) != r->load->want_status)
        fprintf(stderr, STR_FMT "\n", STR_ARG(buf_str(&c->in)));
    BUG_ON(status_of(c) != r->load->want_status, "the server answers as expected");
    r->latencies[r->done++] = api_load_now_ns() - c->sent_ns;
    if (r->sent < r->load->requests)
        send_next(r, c);
}

static int watch_all(struct api_conn *conns, size_t n)
{
    int set = epoll_create1(0);
    for (size_t i = 0; i < n; i++) {
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = &conns[i]};
        epoll_ctl(set, EPOLL_CTL_ADD, conns[i].fd, &e);
    }
    return set;
}

void api_load_run(const struct api_load *load, struct api_measure *out)
{
    struct api_conn *conns = mem_alloc_array(load->concurrency, sizeof(*conns));
    struct run r = {.load = load, .latencies = mem_alloc_array(load->requests, sizeof(int64_t))};
    for (size_t i = 0; i < load->concurrency; i++)
        api_conn_open(&conns[i], load->server);
    int set = watch_all(conns, load->concurrency);
    int64_t start = api_load_now_ns(), cpu = api_server_cpu_ns(load->server);
    for (size_t i = 0; i < load->concurrency && r.sent < load->requests; i++)
        send_next(&r, &conns[i]);
    while (r.done < load->requests) {
        struct epoll_event events[64];
        int n = epoll_wait(set, events, 64, 60000);
        BUG_ON(n <= 0, "the server answers within a minute");
        for (int i = 0; i < n; i++)
            on_readable(&r, events[i].data.ptr);
    }
    cpu = api_server_cpu_ns(load->server) - cpu;
    figures(out, r.latencies, r.done, api_load_now_ns() - start, cpu, r.done);
    for (size_t i = 0; i < load->concurrency; i++)
        api_conn_close(&conns[i]);
    close(set);
    mem_free(conns);
    buf_free(&r.request);
}

/* ---- watches ---- */

/* An event is a line: its end is the only newline behind a brace (chunks end in CR LF). */
static uint64_t count_events(struct api_conn *c)
{
    struct str in = buf_str(&c->in);
    uint64_t n = 0;
    size_t kept = 0;
    for (const char *p = in.p; in.n > 0 && (p = memchr(p, '\n', in.n - (size_t)(p - in.p))); p++) {
        kept = (size_t)(p - in.p);
        n += p > in.p && p[-1] == '}';
    }
    if (n > 0) {
        char last = in.p[in.n - 1];
        buf_clear(&c->in);
        if (kept + 1 < in.n)
            buf_add_char(&c->in, last);
    }
    return n;
}

static void await_events(int set, uint64_t wanted, int64_t sent_ns, int64_t *latencies, size_t *n)
{
    while (wanted > 0) {
        struct epoll_event events[64];
        int ready = epoll_wait(set, events, 64, 60000);
        BUG_ON(ready <= 0, "events come within a minute");
        for (int i = 0; i < ready; i++) {
            struct api_conn *c = events[i].data.ptr;
            take(c);
            uint64_t got = count_events(c);
            BUG_ON(got > wanted, "a write makes one event");
            for (uint64_t k = 0; k < got; k++)
                latencies[(*n)++] = api_load_now_ns() - sent_ns;
            wanted -= got;
        }
    }
}

static void start_watches(const struct api_fanout *f, struct api_conn *watches)
{
    struct buf request = {0};
    api_request_put(&request, "GET", f->watch_target, str_empty);
    for (size_t i = 0; i < f->watchers; i++) {
        api_conn_open(&watches[i], f->server);
        api_conn_send(&watches[i], buf_str(&request));
        while (str_find(buf_str(&watches[i].in), STR("\r\n\r\n")) < 0) {
            await(&watches[i], POLLIN);
            take(&watches[i]);
        }
        buf_clear(&watches[i].in);
    }
    buf_free(&request);
}

void api_fanout_run(const struct api_fanout *f, struct api_measure *out)
{
    struct api_conn writer, *watches = mem_alloc_array(f->watchers, sizeof(*watches));
    int64_t *latencies = mem_alloc_array(f->writes * f->watchers, sizeof(int64_t));
    struct buf request = {0};
    struct str body;
    size_t n = 0;
    api_conn_open(&writer, f->server);
    start_watches(f, watches);
    int set = watch_all(watches, f->watchers);
    int64_t start = api_load_now_ns(), cpu = api_server_cpu_ns(f->server);
    for (uint64_t i = 0; i < f->writes; i++) {
        buf_clear(&request);
        f->request(f->owner, i, &request);
        api_conn_send(&writer, buf_str(&request));
        await_events(set, f->watchers, writer.sent_ns, latencies, &n);
        int status = api_conn_receive(&writer, &body);
        BUG_ON(status != 201, "the server creates");
    }
    cpu = api_server_cpu_ns(f->server) - cpu;
    figures(out, latencies, n, api_load_now_ns() - start, cpu, f->writes);
    for (size_t i = 0; i < f->watchers; i++)
        api_conn_close(&watches[i]);
    api_conn_close(&writer);
    close(set);
    mem_free(watches);
    buf_free(&request);
}
