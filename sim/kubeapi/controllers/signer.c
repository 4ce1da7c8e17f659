#include "sim/kubeapi/controllers/signer.h"

#include "engine/base/codec.h"
#include "sim/kubeapi/auth/csr.h"
#include "sim/kubeapi/auth/rbac.h"
#include "sim/kubeapi/core/commit.h"
#include "sim/kubeapi/core/stamps.h"

#define LIFETIME_S (INT64_C(365) * 24 * 3600)
#define SKEW_S     300 /* certificates hold from before they were made */

static const char csr_table[] = "certificatesigningrequests.certificates.k8s.io";

struct signer {
    struct kubeapi *api;
    struct buf ca_der;
    struct pki_key *ca_key; /* NULL: nothing is signed */
    struct map queue;       /* names */
    struct world_timer *timer;
};

/* ---- what each signer asks for ---- */

static bool usages_within(const cJSON *list, const char *const *allowed, const char *needed)
{
    bool has = false;
    for (const cJSON *v = list ? list->child : NULL; v; v = v->next) {
        size_t i = 0;
        while (allowed[i] && !str_eq_c(json_string(v), allowed[i]))
            i++;
        if (!allowed[i])
            return false;
        has = has || str_eq_c(json_string(v), needed);
    }
    return has;
}

static bool is_node(const struct pki_cert_info *info)
{
    return info->organizations_n == 1 && str_eq_c(info->organizations[0], "system:nodes") &&
           str_starts(info->common_name, STR("system:node:"));
}

/* NULL: fine; else what is wrong. */
static const char *refusal(struct str name, const struct pki_cert_info *info, const cJSON *usages)
{
    static const char *const client[] = {"digital signature", "key encipherment", "client auth",
                                         NULL};
    static const char *const server[] = {"digital signature", "key encipherment", "server auth",
                                         NULL};
    bool names = info->dns_n + info->ips_n > 0;
    if (str_eq_c(name, CSR_SERVING)) {
        if (!is_node(info))
            return "subject organization is not system:nodes or common name is not a node's";
        if (!names || info->other_names_n > 0)
            return "DNS or IP subjectAltNames are required, others are not allowed";
        return usages_within(usages, server, "server auth") ? NULL : "usages did not match";
    }
    if (str_eq_c(name, CSR_KUBELET)) {
        if (!is_node(info))
            return "subject organization is not system:nodes or common name is not a node's";
        if (names || info->other_names_n > 0)
            return "subjectAltNames are not allowed";
    }
    return usages_within(usages, client, "client auth") ? NULL : "usages did not match";
}

/* ---- one request ---- */

static bool is_ours(struct str name)
{
    return str_eq_c(name, CSR_CLIENT) || str_eq_c(name, CSR_KUBELET) || str_eq_c(name, CSR_SERVING);
}

static void fail(struct signer *x, struct arena *a, cJSON *tree, const char *why)
{
    cJSON *c = json_object(a), *status = json_ensure(a, tree, "status");
    json_set_str(a, c, "lastTransitionTime", api_now(x->api, a));
    json_set_str(a, c, "lastUpdateTime", api_now(x->api, a));
    json_set_str(a, c, "message", str_c(why));
    json_set_str(a, c, "reason", STR("SignerValidationFailure"));
    json_set_str(a, c, "status", STR("True"));
    json_set_str(a, c, "type", STR("Failed"));
    json_append(json_get(status, "conditions"), c);
}

static struct err *issue(struct signer *x, const cJSON *tree, const struct pki_cert_info *info,
                         const struct pki_key *key, struct buf *pem)
{
    int64_t now_s = world_wall(x->api->w) / NS_PER_S;
    bool serving = str_eq_c(json_string_at(tree, "spec.signerName"), CSR_SERVING);
    struct buf der = {0};
    uint64_t serial;
    world_random(x->api->w, &serial, sizeof(serial));
    struct pki_cert_spec spec = {
        .common_name = info->common_name,
        .organizations = info->organizations,
        .organizations_n = info->organizations_n,
        .dns = info->dns,
        .dns_n = info->dns_n,
        .ips = info->ips,
        .ips_n = info->ips_n,
        .not_before_s = now_s - SKEW_S,
        .not_after_s = now_s + json_int_at(tree, "spec.expirationSeconds", LIFETIME_S),
        .serial = serial >> 1,
        .usage = serving ? PKI_SERVER : PKI_CLIENT,
    };
    struct err *err = pki_issue(&spec, key, buf_str(&x->ca_der), x->ca_key, &der);
    if (!err)
        err = pki_chain_to_pem(buf_str(&der), pem);
    buf_free(&der);
    return err;
}

static void add_certificate(struct arena *a, cJSON *tree, struct str pem)
{
    struct buf text = {0};
    base64_encode(&text, pem);
    json_set_str(a, json_ensure(a, tree, "status"), "certificate", buf_str(&text));
    buf_free(&text);
}

static void sign(struct signer *x, struct arena *a, cJSON *tree)
{
    struct pki_cert_info info;
    struct pki_key *key = NULL;
    struct buf pem = {0};
    struct err *err = csr_parse(a, json_string_at(tree, "spec.request"), &info, &key);
    const char *why = err    ? "the request cannot be read"
                      : !key ? "the request is not signed with its key"
                             : refusal(json_string_at(tree, "spec.signerName"), &info,
                                       json_path(tree, "spec.usages"));
    if (!err && !why)
        err = issue(x, tree, &info, key, &pem);
    if (!err && !why)
        add_certificate(a, tree, buf_str(&pem));
    else
        fail(x, a, tree, why ? why : err->message);
    err_free(err);
    pki_key_free(key);
    buf_free(&pem);
}

/* ---- approval of what kubelets ask for ---- */

/* Who asked, as they were then. */
static void read_requester(struct arena *a, const cJSON *spec, struct api_user *u)
{
    const cJSON *groups = json_get(spec, "groups");
    *u = (struct api_user){.name = json_string_at(spec, "username"),
                           .uid = json_string_at(spec, "uid")};
    u->groups = ARENA_NEW_ARRAY(a, struct str, (size_t)cJSON_GetArraySize(groups) + 1);
    for (const cJSON *g = groups ? groups->child : NULL; g; g = g->next)
        u->groups[u->groups_n++] = json_string(g);
}

static bool may(struct signer *x, struct arena *a, const struct api_user *u, const char *sub)
{
    const struct rbac_query q = {.user = u,
                                 .verb = STR("create"),
                                 .group = STR("certificates.k8s.io"),
                                 .resource = STR("certificatesigningrequests"),
                                 .sub = str_c(sub),
                                 .ns = str_empty,
                                 .name = str_empty,
                                 .path = str_empty,
                                 .node_selected = str_empty};
    for (size_t i = 0; i < u->groups_n; i++)
        if (str_eq_c(u->groups[i], "system:masters"))
            return true;
    return rbac_allows(x->api->rbac, &q, a, NULL);
}

/* A kubelet's client certificate is approved for who may ask for any node's, or for the node itself where it may renew its
 * own. False: somebody else's business. */
static bool approve(struct signer *x, struct arena *a, cJSON *tree)
{
    const cJSON *spec = json_get(tree, "spec");
    struct pki_cert_info info;
    struct pki_key *key = NULL;
    struct api_user user;
    if (!str_eq_c(json_string_at(spec, "signerName"), CSR_KUBELET) ||
        csr_has_condition(tree, "Approved") || csr_has_condition(tree, "Denied"))
        return false;
    struct err *err = csr_parse(a, json_string_at(spec, "request"), &info, &key);
    bool fits = !err && key &&
                !refusal(json_string_at(spec, "signerName"), &info, json_get(spec, "usages"));
    pki_key_free(key);
    err_free(err);
    if (!fits)
        return false;
    read_requester(a, spec, &user);
    bool own = str_eq(user.name, info.common_name) && may(x, a, &user, "selfnodeclient");
    if (!own && !may(x, a, &user, "nodeclient"))
        return false;
    cJSON *c = json_object(a), *status = json_ensure(a, tree, "status"), *list = json_array(a);
    json_set_str(a, c, "lastTransitionTime", api_now(x->api, a));
    json_set_str(a, c, "lastUpdateTime", api_now(x->api, a));
    json_set_str(a, c, "message",
                 own ? STR("Auto approving self kubelet client certificate after "
                           "SubjectAccessReview.")
                     : STR("Auto approving kubelet client certificate after SubjectAccessReview."));
    json_set_str(a, c, "reason", STR("AutoApproved"));
    json_set_str(a, c, "status", STR("True"));
    json_set_str(a, c, "type", STR("Approved"));
    if (json_get(status, "conditions"))
        list = json_get(status, "conditions");
    else
        json_set(a, status, STR("conditions"), list);
    json_append(list, c);
    return true;
}

static void sync(struct signer *x, struct str name)
{
    struct store_table *t = store_table(x->api->store, str_c(csr_table));
    struct kube_object *o = store_get(t, str_empty, name);
    struct arena a = {0};
    cJSON *tree = o ? kube_object_tree(o, &a) : NULL;
    if (tree && approve(x, &a, tree)) {
        (void)api_write_commit(x->api, t, tree, &a); /* comes back to be signed */
    } else if (tree && is_ours(json_string_at(tree, "spec.signerName")) &&
               csr_has_condition(tree, "Approved") && !csr_has_condition(tree, "Denied") &&
               !csr_has_condition(tree, "Failed") &&
               json_string_at(tree, "status.certificate").n == 0) {
        sign(x, &a, tree);
        (void)api_write_commit(x->api, t, tree, &a);
    }
    arena_free(&a);
}

/* ---- the queue ---- */

static void on_timer(void *owner)
{
    struct signer *x = owner;
    struct map work = x->queue;
    struct str name;
    x->queue = (struct map){0};
    for (size_t i = 0; map_next(&work, &i, &name, NULL);)
        sync(x, name);
    map_free(&work);
}

static void enqueue(struct signer *x, struct str name)
{
    map_put(&x->queue, name, x);
    if (!world_timer_active(x->timer))
        world_timer_start(x->timer, 0);
}

void signer_event(struct signer *x, struct store_event *e)
{
    if (x->ca_key && e->type != STORE_DELETED && str_eq_c(store_table_name(e->table), csr_table))
        enqueue(x, e->object->name);
}

void signer_reset(struct signer *x)
{
    map_clear(&x->queue);
    if (!x->ca_key)
        return;
    struct store_cursor c =
        store_seek(store_table(x->api->store, str_c(csr_table)), str_empty, str_empty);
    for (struct kube_object *o; (o = store_next(&c));)
        enqueue(x, o->name);
}

struct signer *signer_new(struct kubeapi *api, struct str ca_pem, struct str ca_key_pem)
{
    struct signer *x = MEM_NEW(struct signer);
    x->api = api;
    x->timer = world_timer_new(api->w, on_timer, x);
    if (ca_key_pem.n == 0)
        return x;
    struct err *err = pki_chain_from_pem(ca_pem, &x->ca_der);
    if (!err)
        err = pki_key_from_pem(ca_key_pem, &x->ca_key);
    err_ignore(err); /* what is no authority signs nothing */
    return x;
}

void signer_free(struct signer *x)
{
    world_timer_free(x->timer);
    pki_key_free(x->ca_key);
    buf_free(&x->ca_der);
    map_free(&x->queue);
    mem_free(x);
}
