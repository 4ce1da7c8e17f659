#include "sim/kubeapi/containers/program.h"
#include "sim/kubeapi/containers/ports.h"
#include "sim/kubeapi/containers/process.h"
#include "sim/kubeapi/containers/tty.h"

#define INTERRUPTED 130

enum role { ROLE_PROCESS, ROLE_SHELL, ROLE_MAIN, ROLE_PORT, ROLE_NOTHING };

struct program {
    enum role role;
    const struct container *container;
    struct arena a; /* the words */
    struct buf in;
    struct buf unsaid; /* what it has to say for itself, on its standard error */
    bool in_ended, exited;
    int code;
    unsigned columns, rows;
    struct tty *tty; /* NULL: none */
    struct process process;
    struct shell *shell;
    struct port_server port;
    uint64_t line; /* of the log: the next one */
    int64_t due;
};

static struct program *make(const struct container *c, enum role role, bool tty)
{
    struct program *p = MEM_NEW(struct program);
    p->role = role;
    p->container = c;
    p->due = -1;
    p->columns = 80;
    p->rows = 24;
    p->tty = tty ? MEM_NEW(struct tty) : NULL;
    return p;
}

static void exit_with(struct program *p, int code)
{
    p->exited = true;
    p->code = code;
}

/* ---- the kinds ---- */

static void start_shell(struct program *p, const struct str *argv, size_t argc)
{
    p->role = ROLE_SHELL;
    if (argc == 1)
        p->shell = shell_new(str_empty, true);
    else if (argc >= 3 && str_eq_c(argv[1], "-c"))
        p->shell = shell_new(argv[2], false);
    else {
        buf_add_c(&p->unsaid, "sh: only \"sh\" and \"sh -c SCRIPT\" are known here\n");
        p->role = ROLE_NOTHING;
        exit_with(p, 2);
    }
}

struct program *program_exec(const struct container *c, const struct str *argv, size_t argc,
                             bool tty)
{
    struct program *p = make(c, ROLE_PROCESS, tty);
    struct str *own = ARENA_NEW_ARRAY(&p->a, struct str, argc + 1);
    BUG_ON(argc == 0 || argc > PROGRAM_WORDS_MAX, "a command has words, and not too many");
    for (size_t i = 0; i < argc; i++)
        own[i] = arena_str(&p->a, argv[i]);
    if (str_eq_c(own[0], "sh") || str_eq_c(own[0], "/bin/sh")) {
        start_shell(p, own, argc);
    } else if (!process_start(&p->process, own, argc)) {
        p->role = ROLE_NOTHING;
        buf_addf(&p->unsaid,
                 "OCI runtime exec failed: exec failed: unable to start container process: exec: "
                 "\"" STR_FMT "\": executable file not found in $PATH: unknown\n",
                 STR_ARG(own[0]));
        exit_with(p, PROGRAM_NOT_FOUND);
    }
    return p;
}

struct program *program_main(const struct container *c, int64_t now, bool tty)
{
    struct program *p = make(c, ROLE_MAIN, tty);
    p->line = clog_lines(&c->log, now);
    return p;
}

struct program *program_port(const struct container_port *port, struct str pod)
{
    struct program *p = make(NULL, ROLE_PORT, false);
    p->port.port = *port;
    p->port.port.name = arena_str(&p->a, port->name);
    p->port.pod = arena_str(&p->a, pod);
    return p;
}

void program_free(struct program *p)
{
    if (!p)
        return;
    if (p->role == ROLE_PROCESS)
        process_end(&p->process);
    shell_free(p->shell);
    mem_free(p->tty);
    buf_free(&p->in);
    buf_free(&p->unsaid);
    arena_free(&p->a);
    mem_free(p);
}

/* ---- input ---- */

static void interrupt(struct program *p)
{
    if (p->role == ROLE_SHELL)
        shell_interrupt(p->shell);
    else if (p->role == ROLE_PROCESS)
        exit_with(p, INTERRUPTED);
}

void program_input(struct program *p, struct str bytes)
{
    if (p->exited || p->in_ended)
        return;
    if (!p->tty) {
        buf_add(&p->in, bytes);
        return;
    }
    for (size_t i = 0; i < bytes.n && !p->exited; i++) {
        enum tty_event e = tty_key(p->tty, bytes.p[i], &p->in, &p->unsaid);
        if (e == TTY_INTERRUPT)
            interrupt(p);
        else if (e == TTY_END)
            p->in_ended = true;
    }
}

void program_input_end(struct program *p)
{
    p->in_ended = true;
}

bool program_full(const struct program *p)
{
    return p->in.n > PROGRAM_INPUT_HIGH;
}

void program_resize(struct program *p, unsigned columns, unsigned rows)
{
    p->columns = columns;
    p->rows = rows;
}

/* ---- running ---- */

static void say_log(struct program *p, struct process_io *io)
{
    const struct clog *l = &p->container->log;
    uint64_t n = clog_lines(l, io->now);
    while (p->line < n && process_room(io) > 0) {
        clog_text(l, p->line++, io->out);
        buf_add_char(io->out, '\n');
    }
    p->due = p->line < n ? io->now : clog_time(l, p->line);
}

/* What is typed to a main process that listens comes back. */
static void say_input(struct program *p, struct process_io *io)
{
    ptrdiff_t end;
    if (!p->container->stdin_open)
        buf_clear(&p->in);
    while (process_room(io) > 0 && (end = str_find_char(buf_str(&p->in), '\n')) >= 0) {
        buf_addf(io->out, "input: " STR_FMT "\n", STR_ARG(((struct str){p->in.p, (size_t)end})));
        buf_consume(&p->in, (size_t)end + 1);
    }
    if (p->in.n > PROGRAM_INPUT_HIGH)
        buf_clear(&p->in); /* no line is that long */
}

static enum process_step step(struct program *p, struct process_io *io)
{
    enum process_step s = PROCESS_WAITS;
    int code = 0;
    switch (p->role) {
    case ROLE_PROCESS:
        s = process_step(&p->process, io);
        p->due = s == PROCESS_DONE ? -1 : p->process.due;
        code = p->process.code;
        break;
    case ROLE_SHELL:
        s = shell_step(p->shell, io, &code);
        p->due = shell_due(p->shell);
        break;
    case ROLE_PORT:
        s = port_step(&p->port, io);
        break;
    case ROLE_MAIN:
        say_input(p, io);
        say_log(p, io);
        s = p->due <= io->now ? PROCESS_RUNS : PROCESS_WAITS;
        break;
    case ROLE_NOTHING:
        break;
    }
    if (s == PROCESS_DONE)
        exit_with(p, code);
    return s;
}

static bool run_plain(struct program *p, int64_t now, struct program_output *o)
{
    struct process_io io = {.container = p->container,
                            .in = &p->in,
                            .in_ended = p->in_ended,
                            .out = &o->out,
                            .err = p->tty ? &o->out : &o->err,
                            .max = o->max,
                            .now = now,
                            .columns = p->columns,
                            .rows = p->rows,
                            .tty = p->tty != NULL};
    buf_add(io.err, buf_str(&p->unsaid));
    buf_clear(&p->unsaid);
    return !p->exited && step(p, &io) == PROCESS_RUNS;
}

bool program_run(struct program *p, int64_t now, struct program_output *output)
{
    if (!p->tty)
        return run_plain(p, now, output);
    struct program_output raw = {.max = output->max};
    buf_add(&output->out, buf_str(&p->unsaid)); /* echoes have their carriage returns */
    buf_clear(&p->unsaid);
    bool more = run_plain(p, now, &raw);
    tty_write(&output->out, buf_str(&raw.out));
    buf_free(&raw.out);
    buf_free(&raw.err);
    return more;
}

int64_t program_due(const struct program *p)
{
    return p->exited ? -1 : p->due;
}

bool program_exited(const struct program *p, int *code)
{
    if (p->exited)
        *code = p->code;
    return p->exited;
}
