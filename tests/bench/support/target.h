/* target: what stands behind the agent in a benchmark: threads that block, so that they add as little of their own as
 * can be.
 *
 * A client's first byte says what it wants: 'D' and 8 bytes n (little endian): n bytes down; 'U' and n, then n bytes up:
 * one byte comes back; 'E': an echo; anything else is the beginning of requests, each ended by an empty line and answered
 * with TARGET_ANSWER. */
#ifndef PADDOCK_TESTS_BENCH_TARGET_H
#define PADDOCK_TESTS_BENCH_TARGET_H

#include <stdint.h>
#include <sys/types.h>

#define TARGET_REQUEST "GET /small HTTP/1.1\r\nHost: target\r\nAccept: application/json\r\n\r\n"
#define TARGET_ANSWER                                                                              \
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 64\r\n\r\n"              \
    "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Success\",\"code\":200} "

/* A process of its own; the port that it listens on, on 127.0.0.1. */
pid_t target_start(uint16_t *port);
void target_end(pid_t pid);

int target_connect(uint16_t port);              /* TCP_NODELAY; ends the program when it fails */
int target_send(int fd, const void *p, long n); /* all of it; 0: failed */
int target_recv(int fd, void *p, long n);

#endif
