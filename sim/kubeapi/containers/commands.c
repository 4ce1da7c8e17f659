/* Commands whose output is small. */
#include "sim/kubeapi/containers/process.h"

static enum process_step done(struct process *p, int code)
{
    p->code = code;
    return PROCESS_DONE;
}

static enum process_step run_true(struct process *p, struct process_io *io)
{
    (void)io;
    return done(p, 0);
}

static enum process_step run_false(struct process *p, struct process_io *io)
{
    (void)io;
    return done(p, 1);
}

static enum process_step run_echo(struct process *p, struct process_io *io)
{
    bool newline = !(p->argc > 1 && str_eq_c(p->argv[1], "-n"));
    for (size_t i = newline ? 1 : 2; i < p->argc; i++) {
        buf_add(io->out, p->argv[i]);
        if (i + 1 < p->argc)
            buf_add_char(io->out, ' ');
    }
    if (newline)
        buf_add_char(io->out, '\n');
    return done(p, 0);
}

static enum process_step run_env(struct process *p, struct process_io *io)
{
    const struct container *c = io->container;
    bool one = str_eq_c(p->argv[0], "printenv") && p->argc > 1, found = !one;
    for (size_t i = 0; i < c->env_n; i++) {
        if (one && !str_eq(c->env[i].name, p->argv[1]))
            continue;
        found = true;
        if (!one)
            buf_addf(io->out, STR_FMT "=", STR_ARG(c->env[i].name));
        buf_addf(io->out, STR_FMT "\n", STR_ARG(c->env[i].value));
    }
    return done(p, found ? 0 : 1);
}

static enum process_step run_word(struct process *p, struct process_io *io)
{
    struct str name = p->argv[0];
    if (str_eq_c(name, "hostname"))
        buf_add(io->out, io->container->pod);
    else
        buf_add(io->out, str_eq_c(name, "pwd") ? STR("/") : STR("root"));
    buf_add_char(io->out, '\n');
    return done(p, 0);
}

static enum process_step run_sleep(struct process *p, struct process_io *io)
{
    struct buf text = {.max = 64};
    int64_t time = 0;
    if (!p->begun) {
        p->begun = true;
        if (p->argc > 1)
            buf_add(&text, p->argv[1]);
        if (text.n > 0 && text.p[text.n - 1] >= '0' && text.p[text.n - 1] <= '9')
            buf_add_char(&text, 's');
        bool ok = buf_ok(&text) && duration_parse(buf_str(&text), &time) && time >= 0;
        buf_free(&text);
        if (!ok) {
            buf_add_c(io->err, "sleep: invalid number\n");
            return done(p, 1);
        }
        p->due = io->now + time;
    }
    if (io->now >= p->due)
        return done(p, 0);
    return PROCESS_WAITS;
}

static enum process_step run_stty(struct process *p, struct process_io *io)
{
    if (p->argc < 2 || !str_eq_c(p->argv[1], "size")) {
        buf_add_c(io->err, "stty: only \"stty size\" is known here\n");
        return done(p, 1);
    }
    if (!io->tty) {
        buf_add_c(io->err, "stty: standard input: Not a tty\n");
        return done(p, 1);
    }
    buf_addf(io->out, "%u %u\n", io->rows, io->columns);
    return done(p, 0);
}

bool process_file(const struct process_io *io, struct str path, struct buf *out)
{
    const struct container *c = io->container;
    if (str_eq_c(path, "/dev/null"))
        return true;
    if (str_eq_c(path, "/etc/hostname")) {
        buf_addf(out, STR_FMT "\n", STR_ARG(c->pod));
        return true;
    }
    if (str_eq_c(path, "/etc/hosts")) {
        buf_addf(out, "127.0.0.1\tlocalhost\n" STR_FMT "\t" STR_FMT "\n", STR_ARG(c->ip),
                 STR_ARG(c->pod));
        return true;
    }
    if (!str_eq_c(path, "/etc/resolv.conf"))
        return false;
    buf_addf(out, "search " STR_FMT ".svc.cluster.local svc.cluster.local cluster.local\n",
             STR_ARG(c->ns));
    return true;
}

const struct command small_commands[] = {
    {"true", run_true},    {"false", run_false},   {"echo", run_echo}, {"env", run_env},
    {"printenv", run_env}, {"hostname", run_word}, {"pwd", run_word},  {"whoami", run_word},
    {"sleep", run_sleep},  {"stty", run_stty},
};
const size_t small_commands_n = ARRAY_LEN(small_commands);
