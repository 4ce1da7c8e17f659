#include "tests/bench/support/target.h"

#include "engine/base/base.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PIECE ((size_t)256 << 10)
#define STACK ((size_t)512 << 10)

int target_send(int fd, const void *p, long n)
{
    const char *at = p;
    while (n > 0) {
        ssize_t k = send(fd, at, (size_t)n, MSG_NOSIGNAL);
        if (k <= 0)
            return 0;
        at += k;
        n -= k;
    }
    return 1;
}

int target_recv(int fd, void *p, long n)
{
    char *at = p;
    while (n > 0) {
        ssize_t k = recv(fd, at, (size_t)n, 0);
        if (k <= 0)
            return 0;
        at += k;
        n -= k;
    }
    return 1;
}

static int listen_any(uint16_t *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int failed = bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, 4096) ||
                 getsockname(fd, (struct sockaddr *)&a, &n);
    BUG_ON(failed, "a benchmark may listen on loopback");
    *port = ntohs(a.sin_port);
    return fd;
}

int target_connect(uint16_t port)
{
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    int failed = fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a);
    BUG_ON(failed, "a benchmark's listeners can be reached");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

/* ---- the target ---- */

static void bulk(int fd, char mode, char *piece)
{
    int64_t left = 0;
    if (!target_recv(fd, &left, sizeof left))
        return;
    while (left > 0) {
        long n = left < (int64_t)PIECE ? (long)left : (long)PIECE;
        if (mode == 'U')
            n = recv(fd, piece, (size_t)n, 0);
        else if (!target_send(fd, piece, n))
            n = 0;
        if (n <= 0)
            return;
        left -= n;
    }
    if (mode == 'U')
        (void)target_send(fd, "k", 1);
    (void)recv(fd, piece, 1, 0); /* the client ends it */
}

static void echo(int fd, char *piece)
{
    for (ssize_t n; (n = recv(fd, piece, PIECE, 0)) > 0;)
        if (!target_send(fd, piece, n))
            return;
}

static void answer(int fd, char *piece)
{
    size_t got = 1;
    for (;;) {
        ssize_t n = recv(fd, piece + got, PIECE - got, 0);
        if (n <= 0)
            return;
        got += (size_t)n;
        if (got < 4 || memcmp(piece + got - 4, "\r\n\r\n", 4) != 0)
            continue;
        if (!target_send(fd, TARGET_ANSWER, sizeof TARGET_ANSWER - 1))
            return;
        got = 0;
    }
}

static void *serve(void *arg)
{
    int fd = (int)(intptr_t)arg, one = 1;
    char *piece = calloc(1, PIECE);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (recv(fd, piece, 1, 0) == 1) {
        if (*piece == 'D' || *piece == 'U')
            bulk(fd, *piece, piece);
        else if (*piece == 'E')
            echo(fd, piece);
        else
            answer(fd, piece);
    }
    free(piece);
    close(fd);
    return NULL;
}

/* ---- its process ---- */

pid_t target_start(uint16_t *port)
{
    int fd = listen_any(port);
    pid_t pid = fork();
    BUG_ON(pid < 0, "a benchmark has processes");
    if (pid > 0) {
        close(fd);
        return pid;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    for (;;) {
        int one = accept(fd, NULL, NULL);
        pthread_t t;
        if (one >= 0 && pthread_create(&t, &attr, serve, (void *)(intptr_t)one) != 0)
            close(one);
    }
}

void target_end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}
