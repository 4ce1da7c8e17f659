/* The shell of paddock: the tree of its commands, and what they share. */
#include "engine/cli/cli.h"

#include "engine/cli/commands.h"
#include "engine/cmdline/completion.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const struct cmdline_command tunnel_commands[] = {
    {"serve", "an endpoint for agents, and ports that lead through them",
     " --listen ADDR [options]",
     "Agents connect to /connect and are known by their header X-Tunnel-ID; GET /clients lists\n"
     "them. Prints `forward LISTEN=ID=HOST:PORT` for each port and then `ready URL`; ends in\n"
     "order on SIGTERM.\n",
     tunnel_serve_options, SERVE_OPTION_COUNT, false, command_tunnel_serve, NULL, 0},
    {"connect", "the agent's side: what the server asks for is dialled from here",
     " --server ws[s]://HOST:PORT/connect --id ID [options]",
     "Comes back by itself when a session ends. Prints `ready N` once all sessions are there;\n"
     "ends in order on SIGTERM.\n",
     tunnel_connect_options, CONNECT_OPTION_COUNT, false, command_tunnel_connect, NULL, 0},
};

static const struct cmdline_command agent_commands[] = {
    {"cluster", "the cluster agent: connects the cluster it runs in to its manager", " [options]",
     "In a pod everything comes from the environment and from mounted files; flags stand for\n"
     "them elsewhere. Prints `healthz URL`; /readyz is beside it. On SIGTERM the manager is told\n"
     "and connections end, within 20 s; a second one ends it at once.\n"
     "\n"
     "  CATTLE_SERVER, CATTLE_TOKEN, CATTLE_CA_CHECKSUM   --server, --token, --ca-checksum\n"
     "  STRICT_VERIFY=true      no fallback to the system's store of authorities\n"
     "  CATTLE_CREDENTIAL_NAME  the Secret with the proof that the cluster is the manager's\n"
     "  CATTLE_DEBUG=true       as -v\n",
     agent_cluster_options, AGENT_OPTION_COUNT, false, command_agent_cluster, NULL, 0},
};

static const struct cmdline_command commands[] = {
    {"server", "a replica of the manager", " --embedded|--kubeconfig FILE [options]",
     "Everything is kept in a Kubernetes API: one of its own (--embedded), one that a kubeconfig\n"
     "names, or, in a pod, that of its cluster. Prints `ready URL` once it serves. SIGTERM: the\n"
     "agents are handed to the other replicas, then it ends; a second one ends it at once.\n",
     server_options, SERVER_OPTION_COUNT, false, command_server, NULL, 0},
    {"agent", "what runs in downstream clusters", NULL, NULL, NULL, 0, false, NULL, agent_commands,
     ARRAY_LEN(agent_commands)},
    {"tunnel", "the bare tunnel as a tool, for whoever looks into a network", NULL, NULL, NULL, 0,
     false, NULL, tunnel_commands, ARRAY_LEN(tunnel_commands)},
    {"doctor", "check the way to a manager step by step, and say what to do",
     " --server URL [options]", NULL, doctor_options, DOCTOR_OPTION_COUNT, false, command_doctor,
     NULL, 0},
    {"policies", "the policies with their values in each profile", NULL, NULL, policies_options,
     POLICIES_OPTION_COUNT, false, command_policies, NULL, 0},
    {"completion", "a script that lets a shell complete these commands", " " COMPLETION_SHELLS,
     "For example `source <(paddock completion bash)`. Packages install it for all three.\n", NULL,
     0, true, command_completion, NULL, 0},
    {"man", "the manual page (roff): `paddock man | man -l -`", "", NULL, NULL, 0, false,
     command_man, NULL, 0},
};

static const struct cmdline_command program = {
    "paddock", "manage many Kubernetes clusters through their agents",
    NULL,      NULL,
    NULL,      0,
    false,     NULL,
    commands,  ARRAY_LEN(commands)};

/* ---- saying ---- */

void shell_print(FILE *to, struct buf *b)
{
    if (b->n)
        fwrite(b->p, 1, b->n, to);
    fflush(to);
    buf_free(b);
}

int shell_complain(struct err *take_err, int code)
{
    struct buf text = {0};
    err_print(take_err, &text);
    fprintf(stderr, "paddock: error: %s\n", buf_c(&text));
    buf_free(&text);
    err_free(take_err);
    return code;
}

int shell_usage_error(struct err *take_err)
{
    return shell_complain(take_err, EXIT_USAGE);
}

int shell_start_error(struct err *take_err)
{
    bool input = take_err->code == ERR_INVALID || take_err->code == ERR_NOT_FOUND;
    return shell_complain(take_err, input ? EXIT_USAGE : EXIT_NO_WORLD);
}

enum log_level shell_log_level(const struct shell *sh)
{
    static const enum log_level levels[] = {LOG_ERROR, LOG_INFO, LOG_DEBUG};
    return levels[sh->options.verbosity + 1];
}

struct err *shell_log_format(struct str text, enum log_format *out)
{
    *out = str_eq_c(text, "json") ? LOG_JSON : LOG_LOGFMT;
    if (text.n == 0 || str_eq_c(text, "json") || str_eq_c(text, "logfmt"))
        return NULL;
    return err_new(ERR_INVALID, "--log-format: \"" STR_FMT "\" is not logfmt or json",
                   STR_ARG(text));
}

/* ---- input ---- */

struct err *shell_read_file(struct shell *sh, struct str path, struct str *out)
{
    const char *name = arena_c(&sh->arena, path);
    FILE *file = fopen(name, "rb");
    struct buf bytes = {.max = CLI_FILE_BYTES_MAX};
    char piece[4096];
    for (size_t n; file && (n = fread(piece, 1, sizeof piece, file)) > 0;)
        buf_add(&bytes, (struct str){piece, n});
    struct err *err = NULL;
    if (!file || ferror(file))
        err = err_new(errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: %s", name, strerror(errno));
    else if (!buf_ok(&bytes))
        err = err_new(ERR_INVALID, "%s: more than %zu bytes", name, CLI_FILE_BYTES_MAX);
    if (file)
        fclose(file);
    *out = arena_str(&sh->arena, buf_str(&bytes));
    buf_free(&bytes);
    return err;
}

struct err *shell_address(const char *option, struct str text, struct world_addr *out)
{
    size_t colon = text.n;
    while (colon > 0 && text.p[colon - 1] != ':')
        colon--;
    uint64_t port;
    struct str host = colon ? str_sub(text, 0, colon - 1) : str_empty;
    if (colon == 0 || !str_to_u64(str_sub(text, colon, text.n), &port) || port > UINT16_MAX)
        return err_new(ERR_INVALID,
                       "%s: \"" STR_FMT "\" is not HOST:PORT; port 0 means any free one", option,
                       STR_ARG(text));
    if (str_starts(host, STR("[")) && str_ends(host, STR("]")))
        host = str_sub(host, 1, host.n - 2);
    if (host.n == 0)
        host = STR("0.0.0.0");
    if (str_eq_c(host, "localhost"))
        host = STR("127.0.0.1");
    if (!world_host_is_numeric(host))
        return err_new(ERR_INVALID,
                       "%s: \"" STR_FMT "\" is not a numeric address; 127.0.0.1 is this machine "
                       "alone, 0.0.0.0 every address it has",
                       option, STR_ARG(host));
    *out = world_addr_make(host, (uint16_t)port);
    return NULL;
}

struct world_addr shell_shown_address(struct world_addr listen, uint16_t port)
{
    listen.port = port;
    if (strcmp(listen.host, "0.0.0.0") == 0)
        return world_addr_make(STR("127.0.0.1"), port);
    if (strcmp(listen.host, "::") == 0)
        return world_addr_make(STR("::1"), port);
    return listen;
}

struct err *shell_policies(struct str profile, struct cmdline_values policies, struct policies *out)
{
    struct err *err = policies_of_profile(profile.n ? profile : STR("hardened"), out);
    for (size_t i = 0; i < policies.n && !err; i++) {
        struct str name, value;
        if (!str_cut(policies.v[i], '=', &name, &value))
            err = err_new(ERR_INVALID, "--policy: \"" STR_FMT "\" is not NAME=VALUE",
                          STR_ARG(policies.v[i]));
        else
            err = policies_set(out, name, value);
    }
    if (!err && policy_get(out, POLICY_TUNNEL_PING) >= policy_get(out, POLICY_TUNNEL_DEAD_AFTER))
        err = err_new(ERR_INVALID, "--policy: tunnel.dead_after has to be longer than tunnel.ping, "
                                   "or idle tunnels are given up again and again");
    return err;
}

void shell_raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* ---- the program ---- */

static int run(struct shell *sh)
{
    struct buf out = {0};
    if (sh->options.version)
        buf_add_c(&out, "paddock " PADDOCK_VERSION "\n");
    else if (sh->options.help)
        cmdline_help(&sh->options, &out);
    else
        return cmdline_command(&sh->options)->run(sh);
    shell_print(stdout, &out);
    return EXIT_HELD;
}

static bool shows_color(enum cmdline_color choice)
{
    const char *no_color = getenv("NO_COLOR");
    if (choice != CMDLINE_COLOR_AUTO)
        return choice == CMDLINE_COLOR_ALWAYS;
    return isatty(STDOUT_FILENO) && !(no_color && *no_color);
}

int shell_main(int argc, char *argv[], const struct shell_embedded *embedded)
{
    struct shell sh = {.embedded = embedded};
    struct err *err = cmdline_parse(&sh.arena, &program, argc, argv, &sh.options);
    sh.color = shows_color(sh.options.color);
    int code = err ? shell_usage_error(err) : run(&sh);
    bool written = fflush(stdout) == 0 && !ferror(stdout);
    if (!written && code == EXIT_HELD) {
        fprintf(stderr, "paddock: error: standard output: cannot be written\n");
        code = EXIT_NO_WORLD;
    }
    arena_free(&sh.arena);
    return code;
}
