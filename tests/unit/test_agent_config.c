/* Goal: an agent's configuration comes from its environment and, where that is silent, from its mounted files; what is
 * missing or wrong is named.
 * Method: a process with environment and volume of each row; the resolver's two ways to keep an answer beside it. */
#include "tests/unit/support/lab.h"

#include "engine/agents/cluster/config.h"
#include "engine/agents/cluster/resolver.h"

struct load {
    int done;
    bool failed;
    struct buf message;
};

static void on_loaded(void *owner, const struct err *err)
{
    struct load *l = owner;
    l->done++;
    l->failed = err != NULL;
    if (err)
        err_print(err, &l->message);
}

static const char full[] = "CATTLE_SERVER=https://m.test:8443\nCATTLE_TOKEN=env-token\n"
                           "KUBERNETES_SERVICE_HOST=10.0.0.1\nKUBERNETES_SERVICE_PORT=6443\n"
                           "HOSTNAME=pod-1\nCATTLE_CA_CHECKSUM=abc\nSTRICT_VERIFY=true\n";

static const struct {
    const char *name, *env; /* "A=b\n"... */
    bool token_file, url_file, account_files;
    const char *error; /* NULL: works */
    const char *server, *token;
    uint16_t port;
} rows[] = {
    {"environment", full, true, true, true, NULL, "https://m.test:8443", "env-token", 6443},
    {"files", "KUBERNETES_SERVICE_HOST=10.0.0.1\n", true, true, true, NULL, "https://file.test",
     "file-token", 443},
    {"bad port", "KUBERNETES_SERVICE_HOST=10.0.0.1\nKUBERNETES_SERVICE_PORT=70000\n", true, true,
     true, NULL, "https://file.test", "file-token", 443},
    {"no token", "CATTLE_SERVER=https://m\nKUBERNETES_SERVICE_HOST=h\n", false, true, true,
     "cannot read /cattle-credentials/token: is it mounted?", NULL, NULL, 0},
    {"no URL", "CATTLE_TOKEN=t\nKUBERNETES_SERVICE_HOST=h\n", true, false, true,
     "cannot read /cattle-credentials/url", NULL, NULL, 0},
    {"no account", full, true, true, false, "serviceaccount/token: is it mounted?", NULL, NULL, 0},
    {"not in a cluster", "CATTLE_SERVER=https://m\nCATTLE_TOKEN=t\n", true, true, true,
     "KUBERNETES_SERVICE_HOST is not set", NULL, NULL, 0},
    {"bad URL", "CATTLE_SERVER=m\nCATTLE_TOKEN=t\nKUBERNETES_SERVICE_HOST=h\n", true, true, true,
     "is not a usable URL", NULL, NULL, 0},
};

static struct world *process_of(struct lab *l, size_t i)
{
    struct str line, rest = str_c(rows[i].env), key, value;
    struct sim_host_options host = {STR("pod"), STR("10.0.0.3"), STR("site/pod")};
    struct sim_process_options o = {.name = STR("pod"), .host = sim_host_new(l->sim, &host)};
    struct sim_process *p = sim_process_new(l->sim, &o);
    while (str_cut(rest, '\n', &line, &rest))
        if (str_cut(line, '=', &key, &value))
            sim_process_set_env(p, key, value);
    if (rows[i].token_file)
        sim_volume_write(l->sim, STR("pod"), STR(AGENT_FILE_TOKEN), STR(" file-token\n"));
    if (rows[i].url_file)
        sim_volume_write(l->sim, STR("pod"), STR(AGENT_FILE_URL), STR("https://file.test\n"));
    if (rows[i].account_files) {
        sim_volume_write(l->sim, STR("pod"), STR(AGENT_FILE_SA_TOKEN), STR("sa\n"));
        sim_volume_write(l->sim, STR("pod"), STR(AGENT_FILE_SA_CA), STR("PEM"));
    }
    check_ok(sim_process_start(p));
    return sim_process_world(p);
}

static void test_sources(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct lab *l = lab_new(1);
        struct agent_config c;
        struct load load = {0};
        struct world *w = process_of(l, i);
        agent_config_load(w, &agent_places_pod, &c, on_loaded, &load);
        assert_int_equal(load.done, 0); /* never from inside */
        lab_run(l, S);
        assert_int_equal(load.done, 1);
        if (load.failed != (rows[i].error != NULL) ||
            (load.failed && str_find(buf_str(&load.message), str_c(rows[i].error)) < 0))
            fail_msg("%s: %s", rows[i].name, buf_c(&load.message));
        if (!load.failed) {
            check_str(c.server_text, rows[i].server);
            check_str(c.token, rows[i].token);
            check_str(c.kube_token, "sa");
            check_str(c.kube_ca, "PEM");
            assert_int_equal(c.kube_port, rows[i].port);
        }
        assert_int_equal(c.strict, rows[i].env == full);
        agent_config_free(&c);
        /* and ended halfway */
        agent_config_cancel(agent_config_load(w, &agent_places_pod, &c, on_loaded, &load));
        lab_run(l, S);
        assert_int_equal(load.done, 1);
        agent_config_free(&c);
        buf_free(&load.message);
        lab_free(l);
    }
}

/* ---- resolver ---- */

struct question {
    int done;
    struct buf said; /* the address, or the error's name */
};

static void on_resolved(void *owner, const struct world_dns_answer *answer, const struct err *err)
{
    struct question *q = owner;
    q->done++;
    buf_clear(&q->said);
    buf_add_c(&q->said, err ? err_code_name(err->code) : answer->host[0]);
}

static void point(struct lab *l, const char *address)
{
    struct str a = str_c(address);
    sim_dns_set(l->sim, STR("m.test"), 30, &a, 1);
}

static void ask(struct lab *l, struct agent_resolver *r, bool fresh, const char *want)
{
    struct question q = {0};
    agent_resolve(r, fresh, on_resolved, &q);
    assert_int_equal(q.done, 0);
    lab_run(l, 10 * S);
    assert_int_equal(q.done, 1);
    check_str(buf_str(&q.said), want);
    buf_free(&q.said);
}

static void test_resolver(void **state)
{
    (void)state;
    for (int hardened = 0; hardened < 2; hardened++) {
        struct lab *l = lab_new(1);
        struct policies p = hardened ? policies_hardened() : policies_compat();
        struct agent_resolver *r = agent_resolver_new(lab_world(l), &p, STR("m.test"));
        ask(l, r, false, "dns-nxdomain"); /* not kept: only good answers are */
        point(l, "192.0.2.1");
        sim_resolver_flush(sim_resolver_find(l->sim, STR("default")));
        ask(l, r, false, "192.0.2.1");
        point(l, "192.0.2.2");
        ask(l, r, false, "192.0.2.1"); /* within the TTL */
        lab_run(l, 60 * S);
        ask(l, r, false, hardened ? "192.0.2.2" : "192.0.2.1");
        ask(l, r, true, "192.0.2.2"); /* fresh: asked whatever is kept */
        struct sim_fault *f =
            lab_fault(l, (struct sim_fault_options){.kind = SIM_FAULT_DNS_SERVFAIL});
        lab_run(l, 60 * S);
        ask(l, r, true, "dns-servfail");
        ask(l, r, false,
            hardened ? "dns-servfail" : "192.0.2.2"); /* a failure takes nothing away */
        sim_fault_end(f);
        /* A new question drops the one under way; so does cancel. */
        struct question first = {0}, second = {0};
        agent_resolve(r, true, on_resolved, &first);
        agent_resolve(r, true, on_resolved, &second);
        lab_run(l, S);
        assert_int_equal(first.done, 0);
        assert_int_equal(second.done, 1);
        agent_resolve(r, false, on_resolved, &first);
        agent_resolve_cancel(r);
        lab_run(l, S);
        assert_int_equal(first.done, 0);
        buf_free(&second.said);
        agent_resolver_free(r);
        lab_free(l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sources),
                                       cmocka_unit_test(test_resolver)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
