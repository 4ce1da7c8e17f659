/* cli: what the commands of paddock share. A command is a function of the shell and answers the exit status; files, the
 * process and the terminal are here and nowhere below.
 *
 *   main ─► shell_main: options ─► command_*(shell) ─► exit status
 *
 * Ownership: the arena lives as long as the program.
 * Errors:    results go to standard output; what is wrong, with what to do about it, to standard error. */
#ifndef PADDOCK_ENGINE_CLI_CLI_H
#define PADDOCK_ENGINE_CLI_CLI_H

#include "engine/cmdline/cmdline.h"
#include "engine/kube/client.h"
#include "engine/world/policy.h"
#include "engine/world/world.h"

#include <stdio.h>

#define CLI_FILE_BYTES_MAX ((size_t)16 << 20)

enum exit_code {
    EXIT_HELD = 0,
    EXIT_NOT_HELD = 1,
    EXIT_USAGE = 2,
    EXIT_NO_WORLD = 3,
    EXIT_UNSUPPORTED = 4,
    EXIT_INTERRUPTED = 130,
};

struct shell {
    struct cmdline options;
    struct arena arena;
    const struct shell_embedded *embedded; /* NULL: there is none in this program */
    bool color; /* on standard output: --color, or a terminal and no NO_COLOR */
};

/* What `paddock server --embedded` runs as its local cluster. The engine knows no such thing: the program brings it. */
struct shell_embedded {
    /* Serves on loopback when it returns. The context lives until free. `failed`: what is written is kept no more. */
    struct err *(*start)(struct world *w, struct str datastore,
                         void (*failed)(void *owner, const struct err *why), void *owner,
                         struct kube_context *context, void **out);
    void (*kubeconfig)(void *embedded, struct buf *out); /* an administrator's */
    void (*drain)(void *embedded);
    bool (*drained)(void *embedded);
    void (*stop)(void *embedded); /* before the world is freed */
    void (*free)(void *embedded); /* after that */
};

int shell_main(int argc, char *argv[], const struct shell_embedded *embedded);

/* ---- commands ---- */
int command_server(struct shell *sh);
int command_policies(struct shell *sh);
int command_agent_cluster(struct shell *sh);
int command_doctor(struct shell *sh);
int command_completion(struct shell *sh);
int command_man(struct shell *sh);
int command_tunnel_serve(struct shell *sh);
int command_tunnel_connect(struct shell *sh);

/* ---- saying ---- */
int shell_complain(struct err *take_err, int code); /* the exit status for it */
int shell_usage_error(struct err *take_err);
/* Of an error at the start: what the user gave, or what the machine did not. */
int shell_start_error(struct err *take_err);
void shell_print(FILE *to, struct buf *b); /* frees the bytes */
enum log_level shell_log_level(const struct shell *sh);

/* ---- input ---- */
struct err *shell_read_file(struct shell *sh, struct str path, struct str *out) must_check;
/* "127.0.0.1:0", "[::1]:6443", ":6443", "localhost:0"; no host: every address. */
struct err *shell_address(const char *option, struct str text, struct world_addr *out) must_check;
/* Where a listener is reached from this machine: of every address, the loopback one. */
struct world_addr shell_shown_address(struct world_addr listen, uint16_t port);
/* The options --profile and --policy NAME=VALUE... */
struct err *shell_policies(struct str profile, struct cmdline_values policies,
                           struct policies *out) must_check;
#define CLI_PROFILE_ROW                                                                            \
    {                                                                                              \
        "--profile", OPTION_TEXT, "NAME", "compat or hardened (default)"                           \
    }
#define CLI_POLICY_ROW                                                                             \
    {                                                                                              \
        "--policy", OPTION_LIST, "NAME=VALUE",                                                     \
            "a single policy beside the profile; may be repeated\n"                                \
            "(`paddock policies` lists them)"                                                      \
    }
#define CLI_LOG_FORMAT_ROW                                                                         \
    {                                                                                              \
        "--log-format", OPTION_TEXT, "logfmt|json",                                                \
            "of the lines on standard error (default: logfmt)"                                     \
    }
/* The option --log-format. */
struct err *shell_log_format(struct str text, enum log_format *out) must_check;
/* As many descriptors as the system lets us have. */
void shell_raise_file_limit(void);

#endif
