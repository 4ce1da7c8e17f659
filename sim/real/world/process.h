/* process: a program as a process of the operating system, on a host of the lab, its words in files, kept running by a supervisor as a kubelet keeps a container.
 *
 *   off ─ want ─► waiting (for what it needs, or for its pause) ─► running ─► ready (it printed "ready ...", or needs not)
 *                     ▲                                              │ ended
 *                     └───────── a pause that doubles ◄──────────────┘
 *
 * No process outlives the run: each is the first of a group of its own, and the kernel kills it when this program ends,
 * however it ends. Ownership: the run's; process_free kills and reaps. Errors: processes_look says what ended too early.
 * Files in the folder: NAME.log (standard error), NAME.out (standard output), with '/' of the name as '-'. */
#ifndef PADDOCK_SIM_REAL_WORLD_PROCESS_H
#define PADDOCK_SIM_REAL_WORLD_PROCESS_H

#include "engine/base/arena.h"
#include "engine/base/err.h"
#include "sim/real/lab/lab.h"

#include <sys/types.h>

#define PROCESS_ARGUMENTS_MAX 64u
#define PROCESS_PAUSE_FIRST   NS_PER_S /* as sim/cluster/supervisor.h */

enum process_state { PROCESS_OFF, PROCESS_WAITING, PROCESS_RUNNING };

struct process {
    struct str name;                              /* "site/a/manager-0"; owned */
    struct str file_name;                         /* "site-a-manager-0"; owned */
    const char *folder;                           /* of its files; borrowed */
    const struct netlab *lab;                     /* NULL: it runs on this machine itself */
    uint32_t host;                                /* of the lab */
    char *arguments[PROCESS_ARGUMENTS_MAX + 1];   /* owned */
    char *environment[PROCESS_ARGUMENTS_MAX + 1]; /* NAME=VALUE, beside ours; owned */
    size_t arguments_n, environment_n;
    const struct process *needs; /* is to be ready before; NULL: nobody */
    bool says_ready;             /* it prints a line "ready ..." when it is */

    enum process_state state;
    bool wanted, ready, paused;
    pid_t pid;
    int64_t started_at, restart_at; /* of the run's clock */
    uint32_t ends;                  /* one after the other, without a quiet time in between */
    int64_t restarts, starts;
    int64_t held_ns;                                 /* the next pause, once; 0: as usual */
    int status;                                      /* of the last end, as waitpid has it */
    off_t out_seen;                                  /* of NAME.out, before this start */
    void (*changed)(void *owner, struct process *p); /* it started, is ready, or ended */
    void *owner;
};

void process_init(struct process *p, struct str name, const char *folder, const struct netlab *lab,
                  uint32_t host);
void process_free(struct process *p);
/* A further argument, or NAME=VALUE of its environment. Copied. */
void process_argument(struct process *p, struct str argument);
void process_env(struct process *p, const char *name, struct str value);

/* Keep it running from now on; now_ns: the run's clock. */
void process_want(struct process *p, int64_t now_ns);
/* Kill it and leave it off. Waits until it is gone. */
void process_off(struct process *p);
void process_signal(struct process *p, int number); /* nothing when it does not run */
/* SIGKILL, and no sooner than hold_ns from its end again (0: as its supervisor has it). */
void process_kill(struct process *p, int64_t hold_ns);
void process_pause(struct process *p, bool paused); /* SIGSTOP, SIGCONT */
/* Looks whether it ended or is ready, and starts it when it is due. An error: it could not be started at all. */
struct err *process_look(struct process *p, int64_t now_ns) must_check;
bool process_runs(const struct process *p);
/* "process server a/manager-0 ended with status 3 before it was ready; its last lines: ..." */
struct err *process_error(const struct process *p, const char *what) must_check;

#endif
