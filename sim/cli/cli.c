/* The shell of paddock-sim: options, signals, the choice of the command, and what standard output has to say. */
#include "sim/cli/cli.h"

#include <stdlib.h>
#include <unistd.h>

/* The one thing that a signal handler may touch. */
static volatile sig_atomic_t signalled;

static void on_signal(int number)
{
    (void)number;
    signalled = 1;
}

bool cli_signalled(void)
{
    return signalled != 0;
}

void cli_print(FILE *to, struct buf *b)
{
    if (b->n)
        fwrite(b->p, 1, b->n, to);
    fflush(to);
    buf_free(b);
}

/* Says what is wrong; the exit status for it. */
int cli_complain(struct err *take_err, int code)
{
    struct buf text = {0};
    err_print(take_err, &text);
    fprintf(stderr, "paddock-sim: error: %s\n", buf_c(&text));
    buf_free(&text);
    err_free(take_err);
    return code;
}

int cli_usage_error(struct err *take_err)
{
    return cli_complain(take_err, EXIT_USAGE);
}

static int run_command(struct shell *sh)
{
    struct buf out = {0};
    switch (sh->options.command) {
    case COMMAND_RUN:
        return command_run(sh);
    case COMMAND_SWEEP:
        return command_sweep(sh);
    case COMMAND_MERGE:
        return command_merge(sh);
    case COMMAND_VALIDATE:
        return command_validate(sh);
    case COMMAND_LIST:
        return command_list(sh);
    case COMMAND_EXPAND:
        return command_expand(sh);
    case COMMAND_NEW:
        return command_new(sh);
    case COMMAND_APISERVER:
        return command_apiserver(sh);
    case COMMAND_TRACE:
        return command_trace(sh);
    case COMMAND_DIFF:
        return command_diff(sh);
    case COMMAND_REPLAY:
        return command_replay(sh);
    case COMMAND_SHRINK:
        return command_shrink(sh);
    case COMMAND_SCHEMA:
        scenario_schema(&out);
        break;
    case COMMAND_VERSION:
        buf_add_c(&out, "paddock-sim " PADDOCK_VERSION "\n");
        break;
    case COMMAND_HELP:
    case COMMAND_COUNT:
        if (!help_topic(sh, &out))
            options_help(sh->options.help_of, &out);
        break;
    }
    cli_print(stdout, &out);
    return EXIT_HELD;
}

void cli_catch_signals(bool second_ends)
{
    struct sigaction action = {.sa_handler = on_signal,
                               .sa_flags = second_ends ? (int)SA_RESETHAND : 0};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

int cli_main(int argc, char *argv[])
{
    struct shell sh = {0};
    cli_catch_signals(true);
    struct err *err = options_parse(&sh.arena, argc, argv, &sh.options);
    int code;
    if (err) {
        code = cli_usage_error(err);
    } else {
        const char *no_color = getenv("NO_COLOR");
        bool automatic = isatty(STDOUT_FILENO) && !(no_color && *no_color);
        sh.style.color =
            sh.options.color == COLOR_ALWAYS || (sh.options.color == COLOR_AUTO && automatic);
        sh.style.verbosity = sh.options.verbosity;
        code = run_command(&sh);
        bool written = fflush(stdout) == 0 && !ferror(stdout);
        if (!written && (code == EXIT_HELD || code == EXIT_UNSUPPORTED)) {
            fprintf(stderr, "paddock-sim: error: standard output: cannot be written\n");
            code = EXIT_NO_WORLD;
        }
    }
    arena_free(&sh.arena);
    return code;
}
