/* paddock tunnel connect: the agent's side of a tunnel, as many sessions as asked for.
 *
 *   each: waiting (a name is resolved, few dial at a time) ─► dialling ─► open
 *           ▲                                                     │         │
 *           └───────────── pause (jittered, growing) ◄────────────┴─────────┘      SIGTERM: each is closed, exit 0 */
#include "engine/agents/cluster/resolver.h"
#include "engine/base/list.h"
#include "engine/cli/cli.h"
#include "engine/cli/commands.h"
#include "engine/http/url.h"
#include "engine/tunnel/client.h"
#include "engine/world/uv/uv_world.h"

#define COUNT_MAX     65536u
#define DIALS_MAX     256u /* at a time */
#define PAUSE_FIRST   (500 * NS_PER_MS)
#define PAUSE_CLEAN   (5 * NS_PER_S) /* policy reconnect.backoff: constant */
#define PAUSE_ERROR   (10 * NS_PER_S)
#define PAUSE_DOUBLES 16u
#define INSTANCE_HEX  16

const struct cmdline_option tunnel_connect_options[CONNECT_OPTION_COUNT] = {
    [CONNECT_SERVER] = {"--server", OPTION_TEXT, "URL",
                        "ws://HOST:PORT/connect, or wss:// with TLS"},
    [CONNECT_ID] = {"--id", OPTION_TEXT, "ID", "who we are: X-Tunnel-ID"},
    [CONNECT_TOKEN] = {"--token", OPTION_TEXT, "T", "send Authorization: Bearer T"},
    [CONNECT_COUNT] = {"--count", OPTION_TEXT, "N",
                       "open N sessions, ID-0 to ID-(N-1), in this process"},
    [CONNECT_ALLOW] = {"--allow", OPTION_LIST, "PREFIX",
                       "dial only HOST:PORT that begin so, such as 127.0.0.1: (default:\n"
                       "all); may be repeated"},
    [CONNECT_CA] = {"--ca", OPTION_TEXT, "FILE",
                    "trust exactly these authorities (PEM; default: the system's)"},
    [CONNECT_PROFILE] = CLI_PROFILE_ROW,
    [CONNECT_POLICY] = CLI_POLICY_ROW,
};

struct agent {
    struct list waiting;
    struct connect *all;
    struct tunnel_client *client; /* NULL: waiting, or pausing */
    struct world_timer *retry;    /* NULL until the first pause */
    struct str id, instance;
    uint32_t failures; /* in a row */
    bool open, was_open, dialling;
};

struct connect {
    struct shell *sh;
    struct uv_world *uv;
    struct world *w;
    struct log log;
    struct policies policies;
    struct url url;
    struct world_tls tls;
    struct cmdline_values allow;
    struct world_header authorization;
    struct agent_resolver *resolver;
    bool resolving, ending;
    struct agent *agents;
    size_t n, dialling, open;
    size_t came; /* those that have been open */
    struct list waiting;
    uint32_t turn; /* of the addresses of an answer */
};

/* ---- pausing ---- */

static void dial_waiting(struct connect *c);

static void wait_again(void *owner)
{
    struct agent *g = owner;
    list_add_tail(&g->all->waiting, &g->waiting);
    dial_waiting(g->all);
}

static world_time next_pause(struct agent *g, bool clean)
{
    const struct connect *c = g->all;
    if (policy_get(&c->policies, POLICY_RECONNECT_BACKOFF) != POLICY_BACKOFF_JITTERED)
        return clean ? PAUSE_CLEAN : PAUSE_ERROR;
    world_time cap = PAUSE_FIRST, most = policy_get(&c->policies, POLICY_RECONNECT_MAX);
    for (uint32_t i = 0; i < g->failures && i < PAUSE_DOUBLES && cap < most; i++)
        cap *= 2;
    g->failures++;
    return world_random_time(c->w, cap < most ? cap : most);
}

static void pause_then_retry(struct agent *g, bool clean, const char *why)
{
    struct connect *c = g->all;
    world_time pause = next_pause(g, clean);
    struct buf text = {0};
    duration_format(&text, pause / NS_PER_MS * NS_PER_MS);
    log_info(&c->log, STR_FMT ": %s; again in %s", STR_ARG(g->id), why, buf_c(&text));
    buf_free(&text);
    if (!g->retry)
        g->retry = world_timer_new(c->w, wait_again, g);
    world_timer_start(g->retry, pause);
}

/* ---- a session ---- */

static bool is_allowed(void *owner, struct str proto, struct str address)
{
    const struct agent *g = owner;
    struct cmdline_values allow = g->all->allow;
    if (!str_eq_c(proto, "tcp"))
        return false;
    for (size_t i = 0; i < allow.n; i++)
        if (str_starts(address, allow.v[i]))
            return true;
    return allow.n == 0;
}

static void dialled(struct agent *g)
{
    if (g->dialling)
        g->all->dialling--;
    g->dialling = false;
}

static void say_ready(struct connect *c)
{
    struct buf line = {0};
    buf_addf(&line, "ready %zu\n", c->n);
    shell_print(stdout, &line);
}

static void on_open(void *owner, struct tunnel_session *s)
{
    struct agent *g = owner;
    struct connect *c = g->all;
    (void)s;
    dialled(g);
    g->open = true;
    g->failures = 0;
    c->open++;
    log_info(&c->log, STR_FMT ": connected", STR_ARG(g->id));
    if (!g->was_open && ++c->came == c->n)
        say_ready(c);
    g->was_open = true;
    dial_waiting(c);
}

static void on_closed(void *owner, const struct tunnel_client_closed *how)
{
    struct agent *g = owner;
    struct connect *c = g->all;
    struct buf why = {0};
    dialled(g);
    g->client = NULL;
    c->open -= g->open;
    g->open = false;
    if (how->http_status)
        buf_addf(&why, "refused with %d: " STR_FMT, how->http_status,
                 STR_ARG(str_trim(how->http_body)));
    else if (how->err)
        err_print(how->err, &why);
    else
        buf_add_c(&why, "the server ended the session");
    pause_then_retry(g, how->was_open && !how->err, buf_c(&why));
    buf_free(&why);
    dial_waiting(c);
}

static const struct tunnel_client_handler handler = {.open = on_open, .closed = on_closed};

static void dial(struct agent *g, const struct world_dns_answer *answer)
{
    struct connect *c = g->all;
    struct world_header headers[] = {
        {STR("X-Tunnel-ID"), g->id}, {STR("X-Agent-Instance"), g->instance}, c->authorization};
    struct tunnel_client_options o = {
        .address = world_addr_make(str_c(answer->host[c->turn++ % answer->n]), c->url.port),
        .host = c->url.authority,
        .path = c->url.target,
        .tls = c->url.tls ? &c->tls : NULL,
        .headers = headers,
        .headers_n = ARRAY_LEN(headers) - (c->authorization.value.n == 0),
        .session = {.policies = &c->policies, .allow = is_allowed, .owner = g}};
    g->dialling = true;
    c->dialling++;
    g->client = tunnel_client_connect(c->w, &o, &handler, g);
}

/* ---- who dials now ---- */

static struct agent *first_waiting(struct connect *c)
{
    struct agent *g = container_of(c->waiting.next, struct agent, waiting);
    list_remove(&g->waiting);
    return g;
}

static void on_resolved(void *owner, const struct world_dns_answer *answer, const struct err *err)
{
    struct connect *c = owner;
    c->resolving = false;
    if (err || answer->n == 0) {
        struct buf why = {0};
        if (err)
            err_print(err, &why);
        else
            buf_add_c(&why, "the name has no address");
        while (!list_empty(&c->waiting))
            pause_then_retry(first_waiting(c), false, buf_c(&why));
        buf_free(&why);
        return;
    }
    while (!list_empty(&c->waiting) && c->dialling < DIALS_MAX)
        dial(first_waiting(c), answer);
}

static void dial_waiting(struct connect *c)
{
    if (c->resolving || c->ending || list_empty(&c->waiting) || c->dialling >= DIALS_MAX)
        return;
    c->resolving = true;
    agent_resolve(c->resolver, false, on_resolved, c);
}

/* ---- start and end ---- */

/* A second signal finds the loop stopped already: what is left takes no time. */
static void on_signal(void *owner, int number)
{
    struct connect *c = owner;
    (void)number;
    c->ending = true;
    uv_world_stop(c->uv);
}

/* "ws://..." and "wss://..." are "http://..." and "https://..." to whoever cuts URLs. */
static struct err *parse_server(struct connect *c, struct str text)
{
    static const struct str plain = STR_INIT("ws://"), secure = STR_INIT("wss://");
    bool tls = str_starts(text, secure);
    if (!tls && !str_starts(text, plain))
        return err_new(ERR_INVALID, "--server: \"" STR_FMT "\" does not begin with ws:// or wss://",
                       STR_ARG(text));
    struct str rest = str_sub(text, tls ? secure.n : plain.n, text.n);
    struct str url =
        arena_printf(&c->sh->arena, "%s" STR_FMT, tls ? "https://" : "http://", STR_ARG(rest));
    struct err *err = url_parse(url, &c->url);
    return err ? err_wrap(err, ERR_INVALID, "--server") : NULL;
}

static struct err *parse_count(struct connect *c, struct str text)
{
    uint64_t n = 1;
    if (text.n && (!str_to_u64(text, &n) || n == 0 || n > COUNT_MAX))
        return err_new(ERR_INVALID, "--count: \"" STR_FMT "\" is not a number from 1 to %u",
                       STR_ARG(text), COUNT_MAX);
    c->n = (size_t)n;
    return NULL;
}

static struct err *parse(struct connect *c)
{
    const struct cmdline *o = &c->sh->options;
    struct str ca = cmdline_text(o, CONNECT_CA), token = cmdline_text(o, CONNECT_TOKEN);
    if (!cmdline_given(o, CONNECT_SERVER) || !cmdline_given(o, CONNECT_ID))
        return err_new(ERR_INVALID, "--server and --id are needed, such as --server "
                                    "ws://127.0.0.1:8080/connect --id edge-1");
    struct err *err = parse_server(c, cmdline_text(o, CONNECT_SERVER));
    if (!err)
        err = parse_count(c, cmdline_text(o, CONNECT_COUNT));
    if (!err)
        err = shell_policies(cmdline_text(o, CONNECT_PROFILE), cmdline_list(o, CONNECT_POLICY),
                             &c->policies);
    if (!err && ca.n)
        err = shell_read_file(c->sh, ca, &c->tls.ca_pem);
    c->tls.server_name = c->url.host;
    c->allow = cmdline_list(o, CONNECT_ALLOW);
    c->authorization.name = STR("Authorization");
    if (token.n)
        c->authorization.value = arena_printf(&c->sh->arena, "Bearer " STR_FMT, STR_ARG(token));
    return err;
}

static void agent_init(struct connect *c, struct agent *g, size_t i)
{
    struct str id = cmdline_text(&c->sh->options, CONNECT_ID);
    uint64_t number;
    world_random(c->w, &number, sizeof number);
    g->all = c;
    g->id = cmdline_given(&c->sh->options, CONNECT_COUNT)
                ? arena_printf(&c->sh->arena, STR_FMT "-%zu", STR_ARG(id), i)
                : id;
    g->instance = arena_printf(&c->sh->arena, "%0*llx", INSTANCE_HEX, (unsigned long long)number);
    list_add_tail(&c->waiting, &g->waiting);
}

static struct err *start(struct connect *c)
{
    struct uv_world_options world = {.log_level = shell_log_level(c->sh),
                                     .own_websockets = true,
                                     .on_signal = on_signal,
                                     .owner = c};
    struct err *err = uv_world_new(&world, &c->uv);
    if (err)
        return err;
    c->w = uv_world_view(c->uv);
    c->log = (struct log){world_log(c->w), STR("tunnel")};
    c->resolver = agent_resolver_new(c->w, &c->policies, c->url.host);
    c->agents = MEM_NEW_ARRAY(struct agent, c->n);
    for (size_t i = 0; i < c->n; i++)
        agent_init(c, &c->agents[i], i);
    dial_waiting(c);
    return NULL;
}

static void finish(struct connect *c)
{
    for (size_t i = 0; c->agents && i < c->n; i++) {
        tunnel_client_close(c->agents[i].client);
        if (c->agents[i].retry)
            world_timer_free(c->agents[i].retry);
    }
    mem_free(c->agents);
    if (c->resolver)
        agent_resolver_free(c->resolver);
    uv_world_free(c->uv);
}

int command_tunnel_connect(struct shell *sh)
{
    struct connect c = {.sh = sh};
    int code = EXIT_HELD;
    list_init(&c.waiting);
    struct err *err = parse(&c);
    if (err)
        return shell_usage_error(err);
    shell_raise_file_limit();
    err = start(&c);
    if (err)
        code = shell_start_error(err);
    else
        (void)uv_world_run(c.uv);
    finish(&c);
    return code;
}
