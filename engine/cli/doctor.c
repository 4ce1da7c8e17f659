/* paddock doctor: the way to a manager step by step, as an agent goes it.
 *
 *   DNS ─► TCP (every address) ─► CA (with --ca-checksum) ─► TLS ─► HTTP (/ping) ─► WebSocket ─► tunnel round trip
 *
 * Each step says one line; one that fails says what to do about it, and those that need it are left out. A certificate that
 * is not trusted does not keep the later steps from being looked at: they say that they were not verified, and the token
 * is not shown. */
#include "engine/cli/doctor.h"

#include "engine/base/json.h"
#include "engine/cli/commands.h"
#include "engine/http/client.h"
#include "engine/tunnel/session.h"

const struct cmdline_option doctor_options[DOCTOR_OPTION_COUNT] = {
    [DOCTOR_SERVER] = {"--server", OPTION_TEXT, "URL",
                       "the manager, as agents are told it; with a path, the tunnel's\n"
                       "endpoint is there (default: /v3/connect)"},
    [DOCTOR_TOKEN] = {"--token", OPTION_TEXT, "T", "the token that agents show"},
    [DOCTOR_CA_CHECKSUM] = {"--ca-checksum", OPTION_TEXT, "H",
                            "the checksum of the manager's CA that agents are told"},
    [DOCTOR_CA] = {"--ca", OPTION_TEXT, "FILE", "trust exactly these authorities (PEM)"},
    [DOCTOR_FORMAT] = {"--format", OPTION_TEXT, "FORMAT", "pretty (default) or json"},
};

/* ---- start and end ---- */

/* A connection that is under way when a signal comes ends with the world. */
static void on_signal(void *owner, int number)
{
    struct doctor *d = owner;
    (void)number;
    d->interrupted = true;
    uv_world_stop(d->uv);
}

/* ws:// and wss:// will do as well: what `tunnel connect` takes. */
static struct err *parse_server(struct doctor *d, struct str text)
{
    if (text.n == 0)
        return err_new(ERR_INVALID, "--server is missing: the manager's URL, such as "
                                    "https://manager.example.test");
    if (str_starts(text, STR("ws://")) || str_starts(text, STR("wss://"))) {
        struct str rest = str_sub(text, 2, text.n);
        text = arena_printf(&d->sh->arena, "http" STR_FMT, STR_ARG(rest));
    }
    struct err *err = url_parse(text, &d->url);
    if (err)
        return err_wrap(err, ERR_INVALID, "--server");
    d->path = str_eq_c(d->url.target, "/") ? STR(DOCTOR_MANAGER_PATH) : d->url.target;
    d->manager = str_eq_c(d->path, DOCTOR_MANAGER_PATH);
    return NULL;
}

static struct err *parse(struct doctor *d)
{
    const struct cmdline *o = &d->sh->options;
    struct str format = cmdline_text(o, DOCTOR_FORMAT), ca = str_empty;
    d->token = cmdline_text(o, DOCTOR_TOKEN);
    d->checksum = cmdline_text(o, DOCTOR_CA_CHECKSUM);
    d->ca_file = cmdline_text(o, DOCTOR_CA);
    d->json = str_eq_c(format, "json");
    if (format.n && !d->json && !str_eq_c(format, "pretty"))
        return err_new(ERR_INVALID, "--format: \"" STR_FMT "\" is not one of pretty, json",
                       STR_ARG(format));
    struct err *err = parse_server(d, cmdline_text(o, DOCTOR_SERVER));
    if (!err && d->ca_file.n)
        err = shell_read_file(d->sh, d->ca_file, &ca);
    buf_add(&d->ca_pem, ca);
    return err;
}

static struct err *run(struct doctor *d)
{
    struct uv_world_options world = {.log_level = shell_log_level(d->sh),
                                     .own_websockets = true,
                                     .on_signal = on_signal,
                                     .owner = d};
    struct err *err = uv_world_new(&world, &d->uv);
    if (err)
        return err;
    d->w = uv_world_view(d->uv);
    d->http = http_client_new(d->w);
    d->timer = world_timer_new(d->w, doctor_on_silence, d);
    doctor_check_way(d);
    (void)uv_world_run(d->uv);
    doctor_tunnel_end(d);
    http_client_free(d->http);
    world_timer_free(d->timer);
    uv_world_free(d->uv);
    return NULL;
}

int command_doctor(struct shell *sh)
{
    struct doctor d = {.sh = sh, .policies = policies_hardened(), .lines = json_array(&sh->arena)};
    struct err *err = parse(&d);
    int code = EXIT_HELD;
    if (err)
        code = shell_usage_error(err);
    else if ((err = run(&d)))
        code = shell_start_error(err);
    else if (d.json)
        doctor_print_json(&d);
    if (code == EXIT_HELD && d.failed)
        code = EXIT_NOT_HELD;
    if (d.interrupted)
        code = EXIT_INTERRUPTED;
    buf_free(&d.ca_pem);
    return code;
}
