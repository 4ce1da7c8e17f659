/* process: one command under way. Private to this folder.
 *
 *   start ─► RUNS ◄─► WAITS (for input, room or time) ─► DONE */
#ifndef PADDOCK_SIM_KUBEAPI_CONTAINERS_PROCESS_H
#define PADDOCK_SIM_KUBEAPI_CONTAINERS_PROCESS_H

#include "sim/kubeapi/containers/program.h"

struct pki_hash;

enum process_step {
    PROCESS_RUNS,  /* it has more to write, and no room */
    PROCESS_WAITS, /* for input or time */
    PROCESS_DONE
};

/* What a process reads and writes; `in` is shared by those of one shell. */
struct process_io {
    const struct container *container;
    struct buf *in;
    bool in_ended;
    struct buf *out, *err;
    size_t max; /* of out and err together */
    int64_t now;
    unsigned columns, rows;
    bool tty;
};

struct process {
    const struct command *command;
    const struct str *argv; /* borrowed */
    size_t argc;
    int code;
    uint64_t left, at; /* what the command counts */
    uint64_t lines, words;
    bool in_word, begun;
    int64_t due; /* -1: none */
    struct pki_hash *hash;
};

struct command {
    const char *name;
    enum process_step (*step)(struct process *p, struct process_io *io);
};

static inline size_t process_room(const struct process_io *io)
{
    size_t used = io->out->n + io->err->n;
    return used < io->max ? io->max - used : 0;
}

/* False: there is no such command. */
bool process_start(struct process *p, const struct str *argv, size_t argc);
enum process_step process_step(struct process *p, struct process_io *io);
void process_end(struct process *p); /* gives back what it holds; may be done twice */

/* Commands by what they do: what they write is small, or grows without end. */
extern const struct command small_commands[], bulk_commands[];
extern const size_t small_commands_n, bulk_commands_n;
/* One file of a container's few; false: there is none of that name. */
bool process_file(const struct process_io *io, struct str path, struct buf *out);

/* A line of the shell's language run to its end, one process after another (script.h). */
struct shell;
struct shell *shell_new(struct str script, bool interactive);
void shell_free(struct shell *s);
enum process_step shell_step(struct shell *s, struct process_io *io, int *code);
int64_t shell_due(const struct shell *s);
void shell_interrupt(struct shell *s); /* its present process dies of it */

#endif
