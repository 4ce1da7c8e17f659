/* The way to the server: DNS, then TCP to every address, as an agent may take any. */
#include "engine/cli/doctor.h"

/* ---- TCP ---- */

static void try_next(struct doctor *d);

static void tcp_done(struct doctor *d, const struct err *err)
{
    struct world_addr a = world_addr_make(str_c(d->answer.host[d->tried]), d->url.port);
    struct buf text = {0};
    if (err) {
        doctor_say_error(d, "TCP", err,
                         err->code == ERR_CONN_REFUSED
                             ? "nothing listens there: is the port right, does the server run?"
                             : "a firewall, a route or a security group is in the way");
    } else {
        world_addr_print(&a, &text);
        buf_add_c(&text, " in ");
        doctor_add_took(d, &text);
        doctor_say(d, "TCP", buf_str(&text), NULL);
        buf_free(&text);
        if (d->reached++ == 0)
            d->address = a;
    }
    d->tried++;
    try_next(d);
}

static void on_tcp_open(void *owner)
{
    struct doctor *d = owner;
    world_stream_abort(d->stream);
    d->stream = NULL;
    tcp_done(d, NULL);
}

static void on_tcp_data(void *owner, struct str bytes)
{
    (void)owner, (void)bytes;
}

static void on_tcp_closed(void *owner, const struct err *err)
{
    struct doctor *d = owner;
    struct err *none = err ? NULL : err_new(ERR_EOF, "the server ended the connection");
    d->stream = NULL;
    tcp_done(d, err ? err : none);
    err_free(none);
}

static const struct world_stream_handler tcp_handler = {
    .open = on_tcp_open, .data = on_tcp_data, .closed = on_tcp_closed};

static void try_next(struct doctor *d)
{
    if (d->tried == d->answer.n) {
        if (d->reached)
            doctor_check_trust(d);
        else
            uv_world_stop(d->uv);
        return;
    }
    struct world_connect o = {.address =
                                  world_addr_make(str_c(d->answer.host[d->tried]), d->url.port),
                              .timeout = DOCTOR_STEP_TIMEOUT};
    d->since = world_now(d->w);
    d->stream = world_stream_connect(d->w, &o, &tcp_handler, d);
}

/* ---- DNS ---- */

static const char *dns_advice(const struct err *err)
{
    switch (err->code) {
    case ERR_DNS_NXDOMAIN:
        return "the name does not exist for this machine's resolver: look for a typing error, a "
               "missing record, or a private zone that is not served here";
    case ERR_DNS_TIMEOUT:
        return "no DNS server answers: look at /etc/resolv.conf and at UDP and TCP port 53";
    default:
        return "the DNS server cannot answer now: ask who runs it";
    }
}

static void on_resolved(void *owner, const struct world_dns_answer *answer, const struct err *err)
{
    struct doctor *d = owner;
    struct buf text = {0};
    if (err) {
        doctor_say_error(d, "DNS", err, dns_advice(err));
        uv_world_stop(d->uv);
        return;
    }
    d->answer = *answer;
    if (world_host_is_numeric(d->url.host)) {
        buf_addf(&text, STR_FMT " is an address: no name is asked", STR_ARG(d->url.host));
    } else {
        buf_addf(&text, STR_FMT " is", STR_ARG(d->url.host));
        for (size_t i = 0; i < answer->n; i++)
            buf_addf(&text, "%s %s", i ? "," : "", answer->host[i]);
        buf_addf(&text, ", for %u s", answer->ttl_s);
    }
    doctor_say(d, "DNS", buf_str(&text),
               answer->n ? NULL : "the name has no address: add a record");
    buf_free(&text);
    try_next(d);
}

void doctor_check_way(struct doctor *d)
{
    (void)world_dns_query(d->w, d->url.host, DOCTOR_STEP_TIMEOUT, on_resolved, d);
}
