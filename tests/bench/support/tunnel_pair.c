/* The two sides: their certificate, their command lines, what they cost. */
#include "tests/bench/support/tunnel_pair.h"

#include "engine/base/str.h"
#include "engine/pki/pki.h"
#include "engine/pki/x509.h"
#include "tests/bench/support/measure.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

/* ---- certificate ---- */

static void write_file(const char *path, const struct buf *text)
{
    FILE *f = fopen(path, "w");
    BUG_ON(!f, "a benchmark may write beside itself");
    fwrite(text->p, 1, text->n, f);
    fclose(f);
}

static void own_path(char out[SIDE_PATH_MAX], const char *ending)
{
    char name[64];
    snprintf(name, sizeof name, "bench_%d.%s", (int)getpid(), ending);
    side_path(out, name);
}

void bench_certificate_make(struct bench_certificate *c)
{
    static const struct str ip = STR_INIT("127.0.0.1");
    unsigned char entropy[PKI_ENTROPY_BYTES];
    struct buf der = {0}, pem = {0}, key_pem = {0};
    ssize_t got = getrandom(entropy, sizeof entropy, 0);
    BUG_ON(got != (ssize_t)sizeof entropy, "there is randomness");
    struct pki_key *key = pki_key_derive(PKI_P256, entropy);
    struct pki_cert_spec spec = {.common_name = ip,
                                 .ips = &ip,
                                 .ips_n = 1,
                                 .usage = PKI_SERVER,
                                 .not_before_s = time(NULL) - 3600,
                                 .not_after_s = time(NULL) + 86400,
                                 .serial = 1};
    struct err *err = pki_issue(&spec, key, str_empty, key, &der);
    BUG_ON(err, "a certificate of our own making is well formed");
    pki_pem_add(&pem, "CERTIFICATE", buf_str(&der));
    pki_key_to_pem(key, &key_pem);
    own_path(c->cert, "crt");
    own_path(c->key, "key");
    write_file(c->cert, &pem);
    write_file(c->key, &key_pem);
    pki_key_free(key);
    buf_free(&der);
    buf_free(&pem);
    buf_free(&key_pem);
}

void bench_certificate_remove(const struct bench_certificate *c)
{
    unlink(c->cert);
    unlink(c->key);
}

/* ---- command lines ---- */

struct words {
    const char *v[SIDE_WORDS_MAX + 1];
    size_t n;
};

static void add(struct words *w, const char *word)
{
    BUG_ON(w->n == SIDE_WORDS_MAX, "a command has a few words");
    w->v[w->n++] = word;
}

static void add_policies(struct words *w, const char *const *policies)
{
    for (; policies && *policies; policies++) {
        add(w, "--policy");
        add(w, *policies);
    }
}

void tunnel_serve_start(struct tunnel_pair *p, const char *const *policies)
{
    char listen[64], forward[64], rest[128];
    struct words w = {.v = {"paddock", "tunnel", "-q", "serve", "--listen", listen}, .n = 6};
    snprintf(listen, sizeof listen, "127.0.0.1:%u", p->listen);
    snprintf(forward, sizeof forward, "0=a=127.0.0.1:%u", p->target);
    if (p->target) {
        add(&w, "--forward");
        add(&w, forward);
    }
    if (p->identity) {
        add(&w, "--tls-cert");
        add(&w, p->identity->cert);
        add(&w, "--tls-key");
        add(&w, p->identity->key);
    }
    add_policies(&w, policies);
    side_start(&p->serve, w.v);
    if (p->target) {
        side_expect(&p->serve, "forward 127.0.0.1:", rest, sizeof rest);
        p->forward = (uint16_t)atoi(rest);
    }
    side_expect(&p->serve, "ready http", rest, sizeof rest);
    p->listen = (uint16_t)atoi(strrchr(rest, ':') + 1);
    snprintf(p->server, sizeof p->server, "ws%s/connect", rest);
}

void tunnel_agents_start(struct tunnel_pair *p, int count, const char *const *policies)
{
    char number[16], rest[64];
    struct words w = {
        .v = {"paddock", "tunnel", "connect", "-q", "--server", p->server, "--id", "a"}, .n = 8};
    snprintf(number, sizeof number, "%d", count);
    if (count) {
        add(&w, "--count");
        add(&w, number);
    }
    add_policies(&w, policies);
    if (p->identity) {
        add(&w, "--ca");
        add(&w, p->identity->cert);
    }
    side_start(&p->connect, w.v);
    side_expect(&p->connect, "ready", rest, sizeof rest);
}

/* ---- lines ---- */

void tunnel_report(const struct tunnel_pair *p, const char *name, double value, const char *unit)
{
    printf("{\"bench\":\"tunnel.%s.%s\",\"value\":%.2f,\"unit\":\"%s\"}\n", p->kind, name, value,
           unit);
    fflush(stdout);
}

struct tunnel_cost tunnel_cost_now(const struct tunnel_pair *p)
{
    return (struct tunnel_cost){side_cpu_ns(p->serve.pid), side_cpu_ns(p->connect.pid),
                                bench_now_ns()};
}

static void report_both(const struct tunnel_pair *p, const char *name, const char *const what[2],
                        double serve, double connect, const char *unit)
{
    char full[96];
    snprintf(full, sizeof full, "%s.%s", name, what[0]);
    tunnel_report(p, full, serve, unit);
    snprintf(full, sizeof full, "%s.%s", name, what[1]);
    tunnel_report(p, full, connect, unit);
}

void tunnel_report_cost(const struct tunnel_pair *p, const char *name, struct tunnel_cost from,
                        double n, const char *unit)
{
    static const char *const what[] = {"server_cpu", "agent_cpu"};
    struct tunnel_cost now = tunnel_cost_now(p);
    report_both(p, name, what, (double)(now.serve - from.serve) / 1000 / n,
                (double)(now.connect - from.connect) / 1000 / n, unit);
}

void tunnel_report_core(const struct tunnel_pair *p, const char *name, struct tunnel_cost from)
{
    static const char *const what[] = {"server_core", "agents_core"};
    struct tunnel_cost now = tunnel_cost_now(p);
    double took = (double)(now.at - from.at);
    report_both(p, name, what, (double)(now.serve - from.serve) * 100 / took,
                (double)(now.connect - from.connect) * 100 / took, "%");
}
