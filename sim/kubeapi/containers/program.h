/* program: what runs in a simulated container: a command with its input, output and exit code, or a server behind one of
 * its ports. I/O-free: whoever owns it brings input, asks it to run, and takes what it has written.
 *
 *   new ─► (input | input_end | resize)* ─► run ─► output, and: done? full? due at a time by itself? ─► ... ─► exited
 *
 * Commands: cat echo env false head hostname printenv pwd seq sh sha256sum sleep stty true wc whoami yes; all else is not
 * found: exit code 126 and the runtime's words, or 127 and the shell's.
 * Ownership: the container is borrowed for the program's life; all else is copied.
 * Bounds:    PROGRAM_INPUT_HIGH bytes of input wait (plus one piece); a run writes little more than it was allowed to. */
#ifndef PADDOCK_SIM_KUBEAPI_CONTAINERS_PROGRAM_H
#define PADDOCK_SIM_KUBEAPI_CONTAINERS_PROGRAM_H

#include "sim/kubeapi/containers/container.h"

#define PROGRAM_INPUT_HIGH ((size_t)64 << 10)
#define PROGRAM_WORDS_MAX  256u
#define PROGRAM_NOT_FOUND  126 /* of a runtime that finds no such file */
#define PROGRAM_KILLED     137

struct program;

struct program_output {
    struct buf out, err;
    size_t max; /* together; of one run */
};

struct program *program_exec(const struct container *c, const struct str *argv, size_t argc,
                             bool tty);
/* The container's main process, as one attaches to it: its log from now on, and what is typed. */
struct program *program_main(const struct container *c, int64_t now, bool tty);
/* The server at a port: those named "echo..." give back what they get, all others speak HTTP. */
struct program *program_port(const struct container_port *port, struct str pod);
void program_free(struct program *p); /* NULL is fine */

void program_input(struct program *p, struct str bytes);
void program_input_end(struct program *p);
bool program_full(const struct program *p); /* no more input, please */
void program_resize(struct program *p, unsigned columns, unsigned rows);
/* Goes on as far as input, time (wall clock) and room allow; appends to output. True: it would write more at once. */
bool program_run(struct program *p, int64_t now, struct program_output *output);
int64_t program_due(const struct program *p); /* when it goes on by itself; -1: with input only */
bool program_exited(const struct program *p, int *code);

#endif
