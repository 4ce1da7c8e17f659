/* One process of the pair: accepted connection ⇄ connection to the next. What is read is written at once, from the buffer
 * that it was read into when the kernel takes it all; what it does not take is kept until it does, and nothing is read
 * meanwhile. */
#include "tests/bench/support/relay.h"

#include "engine/base/base.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#define PIECE ((size_t)64 << 10)

struct end {
    uv_tcp_t tcp; /* data: the link */
    uv_write_t write;
    char *rest; /* being written */
    struct end *other;
};

struct link {
    struct end near, far;
    uv_connect_t connect;
    int open; /* handles */
};

static struct sockaddr_in next_hop;
static char piece[PIECE];

static void on_closed(uv_handle_t *h)
{
    struct link *l = h->data;
    if (--l->open > 0)
        return;
    free(l->near.rest);
    free(l->far.rest);
    free(l);
}

static void end_link(struct link *l)
{
    if (!uv_is_closing((uv_handle_t *)&l->near.tcp))
        uv_close((uv_handle_t *)&l->near.tcp, on_closed);
    if (!uv_is_closing((uv_handle_t *)&l->far.tcp))
        uv_close((uv_handle_t *)&l->far.tcp, on_closed);
}

static void give_piece(uv_handle_t *h, size_t hint, uv_buf_t *out)
{
    (void)h;
    (void)hint;
    *out = uv_buf_init(piece, PIECE);
}

static void on_read(uv_stream_t *from, ssize_t n, const uv_buf_t *bytes);

static void on_written(uv_write_t *w, int status)
{
    struct end *to = w->data;
    free(to->rest);
    to->rest = NULL;
    if (status == 0)
        uv_read_start((uv_stream_t *)&to->other->tcp, give_piece, on_read);
    else if (status != UV_ECANCELED)
        end_link(to->tcp.data);
}

static void write_rest(struct end *to, const char *p, size_t n)
{
    uv_buf_t rest = uv_buf_init(malloc(n), (unsigned)n);
    memcpy(rest.base, p, n);
    to->rest = rest.base;
    to->write.data = to;
    uv_read_stop((uv_stream_t *)&to->other->tcp);
    uv_write(&to->write, (uv_stream_t *)&to->tcp, &rest, 1, on_written);
}

static void on_read(uv_stream_t *from, ssize_t n, const uv_buf_t *bytes)
{
    struct end *e = container_of((uv_tcp_t *)from, struct end, tcp);
    if (n < 0) {
        end_link(from->data);
        return;
    }
    uv_buf_t all = uv_buf_init(bytes->base, (unsigned)n);
    int taken = n > 0 ? uv_try_write((uv_stream_t *)&e->other->tcp, &all, 1) : 0;
    if (taken < 0 && taken != UV_EAGAIN) {
        end_link(from->data);
        return;
    }
    if (taken < 0)
        taken = 0;
    if (taken < n)
        write_rest(e->other, bytes->base + taken, (size_t)(n - taken));
}

static void on_connected(uv_connect_t *c, int status)
{
    struct link *l = c->data;
    if (status == UV_ECANCELED)
        return;
    if (status < 0) {
        end_link(l);
        return;
    }
    uv_tcp_nodelay(&l->near.tcp, 1);
    uv_tcp_nodelay(&l->far.tcp, 1);
    uv_read_start((uv_stream_t *)&l->near.tcp, give_piece, on_read);
    uv_read_start((uv_stream_t *)&l->far.tcp, give_piece, on_read);
}

static void on_connection(uv_stream_t *listener, int status)
{
    if (status < 0)
        return;
    struct link *l = calloc(1, sizeof *l);
    l->open = 2;
    l->near.other = &l->far;
    l->far.other = &l->near;
    uv_tcp_init(listener->loop, &l->near.tcp);
    uv_tcp_init(listener->loop, &l->far.tcp);
    l->near.tcp.data = l->far.tcp.data = l->connect.data = l;
    bool failed =
        uv_accept(listener, (uv_stream_t *)&l->near.tcp) < 0 ||
        uv_tcp_connect(&l->connect, &l->far.tcp, (struct sockaddr *)&next_hop, on_connected) < 0;
    if (failed)
        end_link(l);
}

/* The parent binds, so that it knows the port; the child listens. */
static pid_t relay_start(uint16_t to, uint16_t *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int failed = bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, 4096) ||
                 getsockname(fd, (struct sockaddr *)&a, &n);
    BUG_ON(failed, "a benchmark may listen on loopback");
    *port = ntohs(a.sin_port);
    pid_t pid = fork();
    BUG_ON(pid < 0, "a benchmark has processes");
    if (pid > 0) {
        close(fd);
        return pid;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_IGN);
    next_hop = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(to), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    uv_loop_t loop;
    uv_tcp_t listener;
    failed = uv_loop_init(&loop) || uv_tcp_init(&loop, &listener) || uv_tcp_open(&listener, fd) ||
             uv_listen((uv_stream_t *)&listener, 4096, on_connection);
    if (!failed)
        uv_run(&loop, UV_RUN_DEFAULT); /* until it is killed */
    _exit(1);
}

void relay_pair_start(struct relay_pair *r, uint16_t to)
{
    uint16_t between;
    r->far = relay_start(to, &between);
    r->near = relay_start(between, &r->port);
}

void relay_pair_end(const struct relay_pair *r)
{
    kill(r->near, SIGKILL);
    kill(r->far, SIGKILL);
    waitpid(r->near, NULL, 0);
    waitpid(r->far, NULL, 0);
}
