/* sh: runs its script's commands one after another; an interactive one takes its script from the input, line by line. */
#include "sim/kubeapi/containers/process.h"
#include "sim/kubeapi/containers/script.h"

#define PROMPT         "/ # "
#define SYNTAX_ERROR   2
#define NOT_FOUND      127
#define INTERRUPTED    130
#define SHELL_LINE_MAX 65536u

struct shell {
    struct buf script; /* what is left of it begins at `at` */
    size_t at;
    bool interactive, prompted, running, over;
    struct arena a; /* of the command under way */
    struct script_command command;
    struct process process;
    enum script_join join; /* of the command before */
    int code;
};

struct shell *shell_new(struct str script, bool interactive)
{
    struct shell *s = MEM_NEW(struct shell);
    buf_add(&s->script, script);
    s->interactive = interactive;
    return s;
}

void shell_free(struct shell *s)
{
    if (!s)
        return;
    if (s->running)
        process_end(&s->process);
    buf_free(&s->script);
    arena_free(&s->a);
    mem_free(s);
}

int64_t shell_due(const struct shell *s)
{
    return s->running ? s->process.due : -1;
}

void shell_interrupt(struct shell *s)
{
    if (s->running)
        process_end(&s->process);
    s->running = false;
    s->code = INTERRUPTED;
    s->at = s->script.n; /* what was behind it on the line is dropped as well */
}

static bool is_builtin(struct shell *s, struct process_io *io)
{
    const struct script_command *c = &s->command;
    int64_t code = s->code;
    if (str_eq_c(c->words[0], "cd") || str_eq_c(c->words[0], ":")) {
        s->code = 0;
        return true;
    }
    if (!str_eq_c(c->words[0], "exit"))
        return false;
    if (c->n > 1 && !str_to_i64(c->words[1], &code)) {
        buf_addf(io->err, "sh: exit: Illegal number: " STR_FMT "\n", STR_ARG(c->words[1]));
        code = SYNTAX_ERROR;
    }
    s->code = (int)(code & 255);
    s->over = true;
    return true;
}

static bool left_out(const struct shell *s)
{
    return (s->join == SCRIPT_AND && s->code != 0) || (s->join == SCRIPT_OR && s->code == 0);
}

/* Reads the next command and starts it, unless it is built in, or left out. */
static void start(struct shell *s, struct process_io *io)
{
    struct str rest = str_sub(buf_str(&s->script), s->at, s->script.n);
    const struct script_values values = {io->container, s->code};
    const char *problem;
    arena_reset(&s->a);
    bool ok = script_next(&s->a, &rest, &values, &s->command, &problem);
    s->at = s->script.n - rest.n;
    if (!ok) {
        buf_addf(io->err, "sh: syntax error: %s\n", problem);
        s->code = SYNTAX_ERROR;
        s->at = s->script.n;
        s->join = SCRIPT_ALWAYS;
        return;
    }
    bool skipped = s->command.n == 0 || left_out(s);
    if (!skipped && !is_builtin(s, io)) {
        s->running = process_start(&s->process, s->command.words, s->command.n);
        if (!s->running) {
            buf_addf(io->err, "sh: " STR_FMT ": not found\n", STR_ARG(s->command.words[0]));
            s->code = NOT_FOUND;
        }
    }
    if (s->command.n > 0)
        s->join = s->command.next;
}

static enum process_step go_on(struct shell *s, struct process_io *io)
{
    struct buf nowhere = {0};
    struct process_io own = *io;
    const struct script_command *c = &s->command;
    if (c->out != SCRIPT_OWN)
        own.out = c->out == SCRIPT_NULL ? &nowhere : io->err;
    if (c->err != SCRIPT_OWN)
        own.err = c->err == SCRIPT_NULL ? &nowhere : io->out;
    enum process_step step = process_step(&s->process, &own);
    buf_free(&nowhere);
    if (step == PROCESS_DONE) {
        s->running = false;
        s->code = s->process.code;
    }
    return step;
}

/* Takes a line of the input. False: there is none, or there will be none any more. */
static bool take_line(struct shell *s, struct process_io *io)
{
    ptrdiff_t end = str_find_char(buf_str(io->in), '\n');
    size_t n = end >= 0 ? (size_t)end + 1 : io->in->n;
    if (end < 0 && !io->in_ended && io->in->n < SHELL_LINE_MAX)
        return false;
    if (n == 0) {
        s->over = true;
        return false;
    }
    buf_clear(&s->script);
    buf_add(&s->script, (struct str){io->in->p, n});
    buf_consume(io->in, n);
    s->at = 0;
    s->join = SCRIPT_ALWAYS;
    s->prompted = false;
    return true;
}

static bool next_line(struct shell *s, struct process_io *io)
{
    if (!s->interactive) {
        s->over = true;
        return false;
    }
    if (io->tty && !s->prompted) {
        buf_add_c(io->out, PROMPT);
        s->prompted = true;
    }
    return take_line(s, io);
}

enum process_step shell_step(struct shell *s, struct process_io *io, int *code)
{
    while (!s->over) {
        if (process_room(io) == 0)
            return PROCESS_RUNS;
        if (s->running) {
            enum process_step step = go_on(s, io);
            if (step != PROCESS_DONE)
                return step;
            continue;
        }
        if (s->at < s->script.n)
            start(s, io);
        else if (!next_line(s, io) && !s->over)
            return PROCESS_WAITS;
    }
    *code = s->code;
    return PROCESS_DONE;
}
