#include "tests/unit/support/lab.h"

#include <stdlib.h>

static void on_note(void *owner, const struct sim_note *n)
{
    struct lab *l = owner;
    buf_addf(&l->notes, "%s " STR_FMT " " STR_FMT "\n", n->kind, STR_ARG(n->key),
             STR_ARG(n->value));
    if (getenv("PADDOCK_TEST_LOG"))
        print_message("%10.3f %s " STR_FMT " " STR_FMT "\n", (double)n->at / 1e9, n->kind,
                      STR_ARG(n->key), STR_ARG(n->value));
}

struct sim_process *lab_process(struct lab *l, const char *name, const char *address,
                                const char *zone, const struct sim_program *program,
                                const void *config)
{
    struct sim_host_options host = {str_c(name), str_c(address), str_c(zone)};
    struct sim_process_options o = {.name = str_c(name),
                                    .host = sim_host_new(l->sim, &host),
                                    .program = program,
                                    .config = config};
    struct sim_process *p = sim_process_new(l->sim, &o);
    check_ok(sim_process_start(p));
    return p;
}

struct lab *lab_new(uint64_t seed)
{
    static const struct str admins[] = {STR_INIT("system:masters")};
    struct kubeapi_token token = {
        .token = STR(LAB_TOKEN), .user = STR("admin"), .groups = admins, .groups_n = 1};
    struct lab *l = MEM_NEW(struct lab);
    struct sim_options so = {.seed = seed, .wall_start = LAB_START, .log_level = LOG_ERROR};
    l->sim = sim_new(&so);
    sim_on_note(l->sim, on_note, l);
    struct sim_resolver_options resolver = {.name = STR("default")};
    (void)sim_resolver_new(l->sim, &resolver);
    l->ca = authority_new(l->sim, STR("lab"));
    struct apihost_options api = {.sim = l->sim,
                                  .name = STR("api"),
                                  .address = STR(LAB_API_IP),
                                  .zone = STR("site/api"),
                                  .authority = l->ca,
                                  .tokens = &token,
                                  .tokens_n = 1};
    l->api = apihost_new(&api);
    l->client = lab_process(l, "client", "10.0.0.2", "site/client", NULL, NULL);
    struct kube_context context = lab_context(l);
    l->kube = kube_client_new(lab_world(l), &context);
    lab_run(l,
            2 * S); /* the API server makes its own objects meanwhile: nothing writes afterwards */
    return l;
}

void lab_free(struct lab *l)
{
    kube_client_free(l->kube);
    sim_free(l->sim);
    apihost_free(l->api);
    authority_free(l->ca);
    buf_free(&l->notes);
    mem_free(l);
}

struct world *lab_world(struct lab *l)
{
    return sim_process_world(l->client);
}

struct kube_context lab_context(struct lab *l)
{
    return (struct kube_context){.address = world_addr_make(STR(LAB_API_IP), APIHOST_PORT),
                                 .host = STR(LAB_API_IP),
                                 .ca_pem = apihost_ca_pem(l->api),
                                 .token = STR(LAB_TOKEN)};
}

void lab_run(struct lab *l, world_time time)
{
    sim_run_until(l->sim, sim_now(l->sim) + time);
}

bool lab_until(struct lab *l, bool (*holds)(void *owner), void *owner, world_time limit)
{
    return sim_run_while_not(l->sim, holds, owner, sim_now(l->sim) + limit);
}

/* ---- the store ---- */

struct kubeapi *lab_api(struct lab *l)
{
    return apihost_api(l->api);
}

void lab_apply(struct lab *l, const char *fmt, ...)
{
    struct buf json = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_addv(&json, fmt, ap);
    va_end(ap);
    check_ok(kubeapi_apply(lab_api(l), buf_str(&json), NULL));
    buf_free(&json);
}

void lab_delete(struct lab *l, const char *resource, const char *ns, const char *name)
{
    check_ok(kubeapi_delete(lab_api(l), str_c(resource), str_c(ns), str_c(name)));
}

struct kube_object *lab_get(struct lab *l, const char *resource, const char *ns, const char *name)
{
    return kubeapi_get(lab_api(l), str_c(resource), str_c(ns), str_c(name));
}

/* ---- calls ---- */

void lab_answer_free(struct lab_answer *a)
{
    buf_free(&a->body);
    buf_free(&a->message);
}

void lab_done(void *owner, const struct kube_answer *answer)
{
    struct lab_answer *a = owner;
    assert_false(a->done);
    a->done = true;
    a->status = answer->status;
    a->failed = answer->err != NULL;
    buf_add(&a->body, answer->body);
    if (answer->err) {
        a->code = answer->err->code;
        err_print(answer->err, &a->message);
    }
}

static bool is_done(void *owner)
{
    return ((struct lab_answer *)owner)->done;
}

const char *lab_call(struct lab *l, enum kube_verb verb, const struct kube_target *target,
                     const char *body)
{
    struct lab_answer a = {0};
    kube_call_start(l->kube, verb, target, str_c(body), 0, lab_done, &a);
    assert_true(lab_until(l, is_done, &a, 120 * S));
    const char *said = a.failed ? err_code_name(a.code) : "ok";
    lab_answer_free(&a);
    return said;
}

/* ---- faults ---- */

struct sim_fault *lab_fault(struct lab *l, struct sim_fault_options o)
{
    struct buf name = {0};
    buf_addf(&name, "lab-%u", l->serial++);
    o.name = buf_str(&name);
    o.at = sim_now(l->sim);
    struct sim_fault *f = sim_fault_add(l->sim, &o);
    buf_free(&name);
    return f;
}

struct sim_fault *lab_partition(struct lab *l, const char *a, const char *b)
{
    return lab_fault(l, (struct sim_fault_options){.kind = SIM_FAULT_NET_PARTITION,
                                                   .from = {.zone = str_c(a)},
                                                   .to = {.zone = str_c(b)}});
}

bool lab_noted(const struct lab *l, const char *text)
{
    return str_find(buf_str(&l->notes), str_c(text)) >= 0;
}
