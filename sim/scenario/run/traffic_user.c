/* Users beside the replicas: each job is one question, or one stream that stays. */
#include "sim/scenario/run/traffic_internal.h"

#define HTTP_FAILED 500
#define PACE_AHEAD  (50 * NS_PER_MS) /* a slow reader reads in bites of this length */

struct job {
    struct list link; /* in user->jobs */
    struct user *user;
    struct flow *flow;
    int64_t begun;
    struct http_call *call;
    struct world_stream *stream;
    struct world_timer *timer; /* deadline of a question; a slow reader's next bite */
    size_t index;              /* of a stream in its flow */
    size_t want;               /* bytes of the answer still to come; 0: nothing was asked */
    int64_t paid_until;        /* what was read by now is paid for until then */
    bool stays;                /* a stream */
};

static enum traffic_kind kind_of(const struct job *j)
{
    return (enum traffic_kind)j->flow->entry->plan->kind;
}

static struct job *job_new(struct user *u, struct flow *f)
{
    struct job *j = MEM_NEW(struct job);
    j->user = u;
    j->flow = f;
    j->begun = sim_now(u->traffic->estate->sim);
    list_add_tail(&u->jobs, &j->link);
    return j;
}

/* Gives everything back; what the job was is the caller's to tell. */
static void job_free(struct job *j)
{
    list_remove(&j->link);
    world_timer_free(j->timer);
    http_call_cancel(j->call);
    if (j->stream)
        world_stream_abort(j->stream);
    mem_free(j);
}

/* The last of a job: the flow hears of it when the job is gone. */
static void job_end(struct job *j, enum traffic_end how)
{
    struct flow *f = j->flow;
    int64_t begun = j->begun;
    bool stays = j->stays, asked = !stays || j->want > 0;
    size_t index = j->index;
    f->entry->under_way -= asked;
    job_free(j);
    if (stays)
        traffic_stream_lost(f, index);
    if (asked || how != TRAFFIC_ANSWERED)
        traffic_ended(f, how, begun);
}

/* ---- questions to the API ---- */

static void on_answer(void *owner, const struct http_response *r, const struct err *err)
{
    struct job *j = owner;
    j->call = NULL;
    if (err)
        job_end(j, err->code == ERR_TIMEOUT ? TRAFFIC_TIMEOUT : TRAFFIC_BROKEN);
    else
        job_end(j, r->status < HTTP_FAILED ? TRAFFIC_ANSWERED : TRAFFIC_BROKEN);
}

static void ask_api(struct user *u, struct flow *f, uint16_t port)
{
    static const struct http_call_handler handler = {.done = on_answer};
    struct job *j = job_new(u, f);
    const struct apihost *api = sim_cluster_api(f->cluster->sim);
    struct world_tls tls = {.server_name = apihost_address(api), .ca_pem = apihost_ca_pem(api)};
    struct http_request r = {.address = world_addr_make(STR("127.0.0.1"), port),
                             .tls = &tls,
                             .host = apihost_address(api),
                             .method = "GET",
                             .target = STR("/version"),
                             .timeout = f->entry->plan->deadline_ns};
    f->entry->under_way++;
    j->call = http_call_start(u->http, &r, &handler, j);
}

/* ---- streams to the application ---- */

static void on_deadline(void *owner)
{
    job_end(owner, TRAFFIC_TIMEOUT);
}

static void send_bytes(struct job *j, char ask, size_t n)
{
    char bytes[TRAFFIC_PING_BYTES] = {ask, (char)(j->flow->entry - j->user->traffic->entries)};
    BUG_ON(n > sizeof(bytes), "a question is small");
    world_stream_write(j->stream, (struct str){bytes, n});
}

static void send_question(struct job *j, size_t n)
{
    j->begun = sim_now(j->user->traffic->estate->sim);
    j->want = n;
    j->flow->entry->under_way++;
    send_bytes(j, TRAFFIC_ASK_ECHO, n);
    if (!j->timer)
        j->timer = world_timer_new(j->user->world, on_deadline, j);
    world_timer_start(j->timer, j->flow->entry->plan->deadline_ns);
}

static void send_bulk(struct job *j)
{
    static const char chunk[TRAFFIC_CHUNK];
    while (world_stream_queued(j->stream) <= WORLD_STREAM_LOW)
        world_stream_write(j->stream, (struct str){chunk, sizeof(chunk)});
}

static void on_open(void *owner)
{
    struct job *j = owner;
    if (kind_of(j) == TRAFFIC_DOWNLOAD)
        send_bytes(j, TRAFFIC_ASK_BULK, 2);
    if (kind_of(j) == TRAFFIC_EXCHANGE) {
        send_bytes(j, TRAFFIC_ASK_BOTH, 2);
        send_bulk(j);
    }
}

static void on_drained(void *owner)
{
    struct job *j = owner;
    if (kind_of(j) == TRAFFIC_EXCHANGE)
        send_bulk(j);
}

static void got_answer(struct job *j, size_t n)
{
    j->want -= n < j->want ? n : j->want;
    if (j->want > 0)
        return;
    if (!j->stays) {
        j->want = TRAFFIC_QUESTION; /* it was asked */
        job_end(j, TRAFFIC_ANSWERED);
        return;
    }
    world_timer_stop(j->timer);
    j->flow->entry->under_way--;
    traffic_ended(j->flow, TRAFFIC_ANSWERED, j->begun);
}

static void on_bite(void *owner)
{
    struct job *j = owner;
    world_stream_resume(j->stream);
}

/* A reader of limited speed stops reading once it is ahead of it. */
static void read_slowly(struct job *j, size_t n)
{
    int64_t rate = j->flow->entry->plan->bytes_per_s, now = world_now(j->user->world);
    if (rate == 0)
        return;
    if (j->paid_until < now)
        j->paid_until = now;
    j->paid_until += (int64_t)n * NS_PER_S / rate;
    if (j->paid_until - now < PACE_AHEAD)
        return;
    if (!j->timer)
        j->timer = world_timer_new(j->user->world, on_bite, j);
    world_stream_pause(j->stream);
    world_timer_start(j->timer, j->paid_until - now);
}

static void on_data(void *owner, struct str bytes)
{
    struct job *j = owner;
    j->flow->entry->down += (int64_t)bytes.n;
    if (j->want > 0)
        got_answer(j, bytes.n);
    else
        read_slowly(j, bytes.n);
}

static void on_closed(void *owner, const struct err *err)
{
    struct job *j = owner;
    (void)err;
    j->stream = NULL;
    job_end(j, TRAFFIC_BROKEN);
}

static void on_end(void *owner)
{
    job_end(owner, TRAFFIC_BROKEN); /* the application never ends a stream */
}

static const struct world_stream_handler handler = {on_open, on_data, on_end, on_drained,
                                                    on_closed};

static struct job *connect_app(struct user *u, struct flow *f, uint16_t port)
{
    struct job *j = job_new(u, f);
    struct world_connect o = {.address = world_addr_make(STR("127.0.0.1"), port)};
    j->stream = world_stream_connect(u->world, &o, &handler, j);
    return j;
}

/* ---- the ways in ---- */

static uint16_t port_of(const struct user *u, const struct flow *f)
{
    struct server *s = replica_server(u->replica);
    const struct traffic *t = u->traffic;
    if (!s || !u->world)
        return 0;
    if (f->entry->plan->kind == TRAFFIC_REQUEST)
        return server_cluster_port(s, f->cluster->id);
    struct str to = f->entry->plan->to;
    const struct app *app = t->apps[f->cluster - t->estate->clusters];
    return server_forward_port(s, f->cluster->id, to.n ? to : app->address);
}

void traffic_ask(struct user *u, struct flow *f)
{
    uint16_t port = port_of(u, f);
    f->entry->requests++;
    if (port == 0)
        traffic_ended(f, TRAFFIC_REFUSED, sim_now(u->traffic->estate->sim));
    else if (f->entry->plan->kind == TRAFFIC_REQUEST)
        ask_api(u, f, port);
    else
        send_question(connect_app(u, f, port), TRAFFIC_QUESTION);
}

struct job *traffic_open(struct user *u, struct flow *f, size_t stream)
{
    uint16_t port = port_of(u, f);
    if (port == 0) {
        traffic_ended(f, TRAFFIC_REFUSED, sim_now(u->traffic->estate->sim));
        return NULL;
    }
    struct job *j = connect_app(u, f, port);
    j->stays = true;
    j->index = stream;
    f->entry->streams++;
    return j;
}

void traffic_ping(struct job *j)
{
    if (j->want > 0)
        return; /* one at a time */
    j->flow->entry->requests++;
    send_question(j, TRAFFIC_PING_BYTES);
}

void traffic_let_go(struct user *u, const struct entry *e)
{
    list_each (&u->jobs, it, next) {
        struct job *j = container_of(it, struct job, link);
        if (j->flow->entry == e)
            job_free(j);
    }
}

bool traffic_user_serves(const struct user *u)
{
    const struct server *s = replica_server(u->replica);
    return u->world && s && server_state(s).ready;
}

/* ---- the process ---- */

static struct err *user_start(struct world *w, const void *config, void **out)
{
    struct user *u = *(struct user *const *)config;
    u->world = w;
    u->http = http_client_new(w);
    *out = u;
    return NULL;
}

static void user_destroy(void *instance)
{
    struct user *u = instance;
    u->world = NULL;
    while (!list_empty(&u->jobs))
        job_end(container_of(u->jobs.next, struct job, link), TRAFFIC_BROKEN);
    http_client_free(u->http);
    u->http = NULL;
}

static const struct sim_program program = {.start = user_start, .destroy = user_destroy};

void traffic_user_init(struct user *u, struct traffic *t, struct replica *replica)
{
    struct buf name = {0};
    u->traffic = t;
    u->replica = replica;
    u->config = u;
    list_init(&u->jobs);
    buf_addf(&name, STR_FMT "/user", STR_ARG(replica->note_name));
    struct sim_process_options o = {.name = buf_str(&name),
                                    .host = sim_process_host(replica->process),
                                    .program = &program,
                                    .config = &u->config,
                                    .exited = supervisor_exited,
                                    .owner = &u->supervisor};
    u->process = sim_process_new(t->estate->sim, &o);
    u->supervisor = (struct supervisor){.sim = t->estate->sim, .process = u->process};
    supervisor_start(&u->supervisor);
    buf_free(&name);
}
