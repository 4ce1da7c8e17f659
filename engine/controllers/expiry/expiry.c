/* Who expires when, and who has been told. */
#include "engine/controllers/expiry/expiry.h"

#include "engine/base/timefmt.h"
#include "engine/kube/conditions.h"
#include "engine/kube/management.h"
#include "engine/pki/x509.h"

#define DAY_NS (INT64_C(86400) * NS_PER_S)

struct expiry_controller {
    struct controller base; /* first */
    struct world_timer *look;
    int64_t own_s; /* when the manager's certificate ends; 0: unknown */
};

const char *expiry_word(int64_t not_after_s, int64_t wall_ns)
{
    static const struct {
        int64_t days;
        const char *word;
    } rows[] = {{0, "Expired"},
                {1, "ExpiresWithin1Day"},
                {7, "ExpiresWithin7Days"},
                {14, "ExpiresWithin14Days"},
                {30, "ExpiresWithin30Days"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (not_after_s - wall_ns / NS_PER_S <= rows[i].days * (DAY_NS / NS_PER_S))
            return rows[i].word;
    return "";
}

static const char *word_of(const struct expiry_controller *c, int64_t not_after_s)
{
    return not_after_s ? expiry_word(not_after_s, world_wall(c->base.options.world)) : "";
}

static void add_time(struct buf *out, int64_t at_s)
{
    rfc3339_format(out, at_s * NS_PER_S);
}

/* ---- clusters ---- */

/* 0: nobody has shown one. */
static int64_t cluster_ends(const struct expiry_controller *c, struct str id)
{
    struct kube_client *client = downstream_client(c->base.options.downstreams, id);
    return client ? kube_client_peer_ends_s(client) : 0;
}

static bool is_told(const struct kube_object *cluster, const char *word)
{
    struct condition said;
    bool has = condition_get(cluster, EXPIRY_CONDITION, &said);
    return has ? str_eq_c(said.reason, word) : !*word;
}

static bool is_ours(const struct kube_object *cluster)
{
    return !cluster->deleting && !cluster_is_internal(cluster);
}

static void tell_cluster(struct expiry_controller *c, struct kube_job *job,
                         const struct kube_object *cluster, int64_t ends_s, const char *word)
{
    struct conditions_edit e;
    struct buf text = {0};
    if (*word) {
        buf_add_c(&text, "the certificate of the cluster's API ends on ");
        add_time(&text, ends_s);
        buf_add_c(&text, ": renew it");
        log_warn(&c->base.log, STR_FMT ": " STR_FMT, STR_ARG(cluster->name),
                 STR_ARG(buf_str(&text)));
    }
    conditions_begin(&e, cluster, world_wall(c->base.options.world));
    condition_set(&e, EXPIRY_CONDITION, "True", word, arena_str(&e.arena, buf_str(&text)));
    struct controller_call call = {
        .job = job,
        .verb = KUBE_PATCH_MERGE,
        .target = {.gvr = gvr_clusters, .name = cluster->name, .sub = STR("status")},
        .done = controller_written};
    controller_call_tree(&c->base, &call, conditions_patch(&e));
    conditions_end(&e);
    buf_free(&text);
}

/* ---- the manager ---- */

static void describe_own(const struct expiry_controller *c, struct buf *out)
{
    const char *word = word_of(c, c->own_s);
    if (!*word)
        return;
    buf_addf(out, "%s: the manager's certificate ends on ", word);
    add_time(out, c->own_s);
}

/* Without a setting there is nothing to take back. */
static bool own_is_told(const struct expiry_controller *c)
{
    struct buf value = {0};
    const struct kube_object *o = kube_informer_get(c->base.options.settings, STR(EXPIRY_SETTING));
    describe_own(c, &value);
    bool told = str_eq(o ? kube_object_string(o, "value") : str_empty, buf_str(&value));
    buf_free(&value);
    return told;
}

static void tell_own(struct expiry_controller *c, struct kube_job *job)
{
    struct buf value = {0};
    bool exists = kube_informer_get(c->base.options.settings, STR(EXPIRY_SETTING)) != NULL;
    describe_own(c, &value);
    log_warn(&c->base.log, "%s", value.n ? buf_c(&value) : "the manager's certificate is renewed");
    controller_write_setting(&c->base, job, EXPIRY_SETTING, exists, buf_str(&value));
    buf_free(&value);
}

/* ---- both ---- */

static void reconcile(void *owner, struct kube_job *job, struct str key)
{
    struct expiry_controller *c = owner;
    if (str_eq_c(key, EXPIRY_SETTING)) {
        if (own_is_told(c))
            controller_done(&c->base, job, false);
        else
            tell_own(c, job);
        return;
    }
    const struct kube_object *cluster = kube_informer_get(c->base.options.clusters, key);
    int64_t ends_s = cluster_ends(c, key);
    const char *word = word_of(c, ends_s);
    if (!cluster || !is_ours(cluster) || !ends_s || is_told(cluster, word))
        controller_done(&c->base, job, false);
    else
        tell_cluster(c, job, cluster, ends_s, word);
}

static void on_look(void *owner)
{
    struct expiry_controller *c = owner;
    const struct kube_object *cluster;
    struct str key;
    for (size_t i = 0; (cluster = kube_informer_next(c->base.options.clusters, &i, &key));) {
        int64_t ends_s = is_ours(cluster) ? cluster_ends(c, key) : 0;
        if (ends_s && !is_told(cluster, word_of(c, ends_s)))
            kube_queue_add(c->base.queue, key);
    }
    if (!own_is_told(c))
        kube_queue_add(c->base.queue, STR(EXPIRY_SETTING));
    world_timer_start(c->look, EXPIRY_LOOK);
}

static struct controller *start(const struct controllers_options *options)
{
    struct expiry_controller *c = MEM_NEW(struct expiry_controller);
    controller_begin(&c->base, expiry_class.name, options, reconcile);
    c->look = world_timer_new(options->world, on_look, c);
    c->own_s = pki_pem_not_after_s(options->cert_pem);
    if (policy_get(options->policies, POLICY_CERTIFICATE_WARN) == POLICY_WARN_AHEAD)
        world_timer_start(c->look, EXPIRY_LOOK / 2 + world_random_time(options->world, NS_PER_S));
    return &c->base;
}

static void stop(struct controller *base)
{
    struct expiry_controller *c = container_of(base, struct expiry_controller, base);
    controller_end(base);
    world_timer_free(c->look);
    mem_free(c);
}

const struct controller_class expiry_class = {"expiry", start, stop};
