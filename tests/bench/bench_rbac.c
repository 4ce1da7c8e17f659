/* What a question about rights costs, by the number of bindings: SubjectAccessReviews in process (decoding, decision and
 * answer; no TLS) with 100 to 1,000,000 bindings of as many users, of one user, and of a user with as
 * many roles. Also what a binding costs to create, and the memory of one. CPU time of the process. */
#include "sim/kubeapi/kubeapi.h"
#include "sim/world/process.h"

#include <malloc.h>
#include <stdio.h>
#include <time.h>

#define REVIEWS 20000u

static double cpu_us(clock_t from)
{
    return (double)(clock() - from) * 1e6 / CLOCKS_PER_SEC;
}

static void report(const char *name, unsigned bindings, double value, const char *unit)
{
    printf("{\"bench\":\"rbac.%s_%u\",\"value\":%.2f,\"unit\":\"%s\"}\n", name, bindings, value,
           unit);
}

static void apply(struct kubeapi *api, const struct buf *json)
{
    struct err *err = kubeapi_apply(api, buf_str(json), NULL);
    BUG_ON(err, "the object is fine");
}

static void add_role(struct kubeapi *api)
{
    struct buf b = {0};
    buf_add_c(&b,
              "{\"apiVersion\":\"rbac.authorization.k8s.io/v1\",\"kind\":\"ClusterRole\","
              "\"metadata\":{\"name\":\"reader\"},\"rules\":[{\"apiGroups\":[\"\"],\"resources\":"
              "[\"pods\",\"configmaps\"],\"verbs\":[\"get\",\"list\",\"watch\"]}]}");
    apply(api, &b);
    buf_free(&b);
}

/* one: every binding is the same user's, in namespaces of their own. */
static void add_binding(struct kubeapi *api, struct buf *b, unsigned i, bool one)
{
    buf_clear(b);
    buf_addf(b,
             "{\"apiVersion\":\"rbac.authorization.k8s.io/v1\",\"kind\":\"RoleBinding\","
             "\"metadata\":{\"name\":\"b-%u\",\"namespace\":\"ns-%u\"},\"roleRef\":{\"apiGroup\":"
             "\"rbac.authorization.k8s.io\",\"kind\":\"ClusterRole\",\"name\":\"reader\"},"
             "\"subjects\":[{\"apiGroup\":\"rbac.authorization.k8s.io\",\"kind\":\"User\","
             "\"name\":\"user-%u\"}]}",
             i, i % 1000, one ? 0 : i);
    apply(api, b);
}

static void review(struct kubeapi *api, struct buf *b, unsigned user, unsigned ns, const char *verb,
                   bool allowed)
{
    static const struct str masters = STR_INIT("system:masters");
    struct kubeapi_answer answer;
    buf_clear(b);
    buf_addf(b,
             "{\"apiVersion\":\"authorization.k8s.io/v1\",\"kind\":\"SubjectAccessReview\","
             "\"spec\":{\"user\":\"user-%u\",\"groups\":[\"system:authenticated\"],"
             "\"resourceAttributes\":{\"verb\":\"%s\",\"resource\":\"pods\",\"namespace\":"
             "\"ns-%u\"}}}",
             user, verb, ns);
    struct kubeapi_request r = {.method = "POST",
                                .target = STR("/apis/authorization.k8s.io/v1/subjectaccessreviews"),
                                .content_type = STR("application/json"),
                                .user_agent = STR("bench/1"),
                                .body = buf_str(b),
                                .as = STR("admin"),
                                .as_groups = &masters,
                                .as_groups_n = 1};
    kubeapi_call(api, &r, &answer);
    struct str want = allowed ? STR("\"allowed\":true") : STR("\"allowed\":false");
    BUG_ON(answer.status != 201 || str_find(buf_str(&answer.body), want) < 0, "as bound");
    kubeapi_answer_free(&answer);
}

static void ask_all(struct kubeapi *api, unsigned n, bool one)
{
    struct buf b = {0};
    clock_t from = clock();
    for (unsigned i = 0; i < REVIEWS; i++) {
        unsigned at = (unsigned)((i * UINT64_C(2654435761)) % n);
        review(api, &b, one ? 0 : at, at % 1000, "get", true);
    }
    report(one ? "review_one_user" : "review", n, cpu_us(from) / REVIEWS, "us");
    from = clock();
    for (unsigned i = 0; i < REVIEWS; i++) {
        unsigned at = (unsigned)((i * UINT64_C(2654435761)) % n);
        review(api, &b, one ? 0 : at, at % 1000, "delete", false);
    }
    report(one ? "denial_one_user" : "denial", n, cpu_us(from) / REVIEWS, "us");
    buf_free(&b);
}

/* A user who may do one thing each with many objects: a role and a binding for each of them. */
static void bench_roles(struct world *w, unsigned n)
{
    struct kubeapi_options options = {.name = STR("bench"), .bare = true};
    struct kubeapi *api = kubeapi_new(w, &options);
    struct buf b = {0};
    clock_t from = clock();
    for (unsigned i = 0; i < n; i++) {
        buf_clear(&b);
        buf_addf(&b,
                 "{\"apiVersion\":\"rbac.authorization.k8s.io/v1\",\"kind\":\"ClusterRole\","
                 "\"metadata\":{\"name\":\"r-%u\"},\"rules\":[{\"apiGroups\":[\"\"],"
                 "\"resources\":[\"pods\"],\"resourceNames\":[\"p-%u\"],\"verbs\":[\"get\"]}]}",
                 i, i);
        apply(api, &b);
        buf_clear(&b);
        buf_addf(&b,
                 "{\"apiVersion\":\"rbac.authorization.k8s.io/v1\",\"kind\":"
                 "\"ClusterRoleBinding\",\"metadata\":{\"name\":\"b-%u\"},\"roleRef\":{"
                 "\"kind\":\"ClusterRole\",\"name\":\"r-%u\"},\"subjects\":[{\"kind\":\"User\","
                 "\"name\":\"user-0\"}]}",
                 i, i);
        apply(api, &b);
    }
    report("create_many_roles", n, cpu_us(from) / n, "us");
    from = clock();
    for (unsigned i = 0; i < REVIEWS; i++)
        review(api, &b, 0, i % 1000, "delete", false);
    report("denial_many_roles", n, cpu_us(from) / REVIEWS, "us");
    buf_free(&b);
    kubeapi_free(api);
}

static void bench(struct world *w, unsigned n, bool one)
{
    struct kubeapi_options options = {.name = STR("bench"), .bare = true};
    struct kubeapi *api = kubeapi_new(w, &options);
    struct buf b = {0};
    add_role(api);
    size_t before = mallinfo2().uordblks;
    clock_t from = clock();
    for (unsigned i = 0; i < n; i++)
        add_binding(api, &b, i, one);
    report(one ? "create_one_user" : "create", n, cpu_us(from) / n, "us");
    report(one ? "memory_one_user" : "memory", n, (double)(mallinfo2().uordblks - before) / n,
           "bytes");
    ask_all(api, n, one);
    buf_free(&b);
    kubeapi_free(api);
}

int main(void)
{
    static const unsigned sizes[] = {100, 1000, 10000, 1000000};
    struct sim_options options = {.seed = 1, .trace_off = true};
    struct sim *sim = sim_new(&options);
    struct sim_host_options host = {.name = STR("api"), .address = STR("10.0.0.1")};
    struct sim_process_options process = {.name = STR("api"), .host = sim_host_new(sim, &host)};
    struct sim_process *p = sim_process_new(sim, &process);
    err_ignore(sim_process_start(p));
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        bench(sim_process_world(p), sizes[i], false);
        bench(sim_process_world(p), sizes[i], true);
    }
    bench_roles(sim_process_world(p), 100);
    bench_roles(sim_process_world(p), 100000);
    sim_free(sim);
    return 0;
}
