/* The real world in the suite: two uv worlds on loopback, whose loops are run in turn by one poll. */
#include "engine/world/uv/uv_world.h"
#include "tests/contract/support/contract.h"
#include "tests/contract/support/dns_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#define FILLERS 4

struct real {
    struct contract base;
    struct uv_world *server, *client;
    struct dns_server *dns;
    int hole, fillers[FILLERS];
};

static struct real *real_of(struct contract *c)
{
    return container_of(c, struct real, base);
}

static struct uv_world *world_new(struct str dns, bool own_websockets)
{
    const struct uv_world_options options = {
        .log_level = getenv("CONTRACT_LOG") ? LOG_DEBUG : LOG_ERROR,
        .own_address = STR("127.0.0.1"),
        .dns_server = dns,
        .dns_try = 200 * NS_PER_MS,
        .own_websockets = own_websockets,
    };
    struct uv_world *uv;
    struct err *err = uv_world_new(&options, &uv);
    assert_null(err);
    return uv;
}

static struct contract *open_as(const struct contract_ops *ops, bool own_websockets)
{
    struct real *r = MEM_NEW(struct real);
    r->base.ops = ops;
    r->base.kind = CONTRACT_UV;
    r->hole = -1;
    r->server = world_new(str_empty, false);
    struct buf dns = {0};
    r->dns = dns_server_new(uv_world_loop(r->server), &dns);
    r->client = world_new(buf_str(&dns), own_websockets);
    buf_free(&dns);
    r->base.server = uv_world_view(r->server);
    r->base.client = uv_world_view(r->client);
    char folder[] = "/tmp/paddock-contract-XXXXXX";
    assert_non_null(mkdtemp(folder));
    buf_addf(&r->base.folder, "%s/", folder);
    return &r->base;
}

static struct contract *real_open(void)
{
    return open_as(&contract_uv, false);
}

static struct contract *real_open_own(void)
{
    return open_as(&contract_uv_own, true);
}

static void remove_folder(const char *folder)
{
    struct buf command = {0};
    buf_addf(&command, "rm -rf '%s'", folder);
    assert_int_equal(system(buf_c(&command)), 0);
    buf_free(&command);
}

static void real_close(struct contract *c)
{
    struct real *r = real_of(c);
    uv_world_free(r->client);
    dns_server_free(r->dns);
    uv_world_free(r->server);
    for (int i = 0; r->hole >= 0 && i < FILLERS; i++)
        close(r->fillers[i]);
    if (r->hole >= 0)
        close(r->hole);
    remove_folder(buf_c(&r->base.folder));
    buf_free(&r->base.folder);
    mem_free(r);
}

/* How long both loops may sleep. */
static int patience(struct real *r, int64_t left_ns)
{
    int64_t ms = left_ns / NS_PER_MS + 1;
    struct uv_world *const both[] = {r->server, r->client};
    for (size_t i = 0; i < ARRAY_LEN(both); i++) {
        int wants = uv_backend_timeout(uv_world_loop(both[i]));
        if (wants >= 0 && wants < ms)
            ms = wants;
    }
    return (int)ms;
}

static bool real_until(struct contract *c, bool (*holds)(void *owner), void *owner,
                       world_time limit)
{
    struct real *r = real_of(c);
    int64_t end = (int64_t)uv_hrtime() + limit;
    for (;;) {
        uv_run(uv_world_loop(r->server), UV_RUN_NOWAIT);
        uv_run(uv_world_loop(r->client), UV_RUN_NOWAIT);
        if (holds(owner))
            return true;
        int64_t left = end - (int64_t)uv_hrtime();
        if (left <= 0)
            return false;
        struct pollfd both[] = {{uv_backend_fd(uv_world_loop(r->server)), POLLIN, 0},
                                {uv_backend_fd(uv_world_loop(r->client)), POLLIN, 0}};
        (void)poll(both, 2, patience(r, left));
    }
}

static struct world_addr real_server_addr(struct contract *c, uint16_t port)
{
    return world_addr_make(STR("127.0.0.1"), port);
}

/* A listening socket whose queue is full: the kernel drops further SYNs. */
static struct world_addr real_black_hole(struct contract *c)
{
    struct real *r = real_of(c);
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof sa;
    r->hole = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(r->hole, (struct sockaddr *)&sa, sizeof sa), 0);
    assert_int_equal(getsockname(r->hole, (struct sockaddr *)&sa, &n), 0);
    assert_int_equal(listen(r->hole, 0), 0);
    for (int i = 0; i < FILLERS; i++) {
        r->fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)connect(r->fillers[i], (struct sockaddr *)&sa, sizeof sa);
    }
    return world_addr_make(STR("127.0.0.1"), ntohs(sa.sin_port));
}

static void real_dns_add(struct contract *c, const struct contract_name *name)
{
    dns_server_add(real_of(c)->dns, name);
}

static void real_file_put(struct contract *c, const char *path, const char *content)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(content, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

#define REAL(shown, opens)                                                                         \
    {                                                                                              \
        .name = (shown), .open = (opens), .close = real_close, .until = real_until,                \
        .server_addr = real_server_addr, .black_hole = real_black_hole, .dns_add = real_dns_add,   \
        .file_put = real_file_put,                                                                 \
    }
const struct contract_ops contract_uv = REAL("uv", real_open);
const struct contract_ops contract_uv_own = REAL("uv-own", real_open_own);
