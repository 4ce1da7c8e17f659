/* Deletion: preconditions, graceful pods, finalizers, propagation; DELETE of one object and of a collection. */
#include "sim/kubeapi/admission/admission.h"
#include "sim/kubeapi/core/commit.h"
#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/core/webhook_call.h"
#include "sim/kubeapi/crd/crd_convert.h"
#include "sim/kubeapi/crd/crds.h"
#include "sim/kubeapi/print/print.h"
#include "sim/kubeapi/verbs/listed.h"
#include "sim/kubeapi/verbs/options.h"
#include "sim/kubeapi/verbs/verbs.h"
#include "sim/kubeapi/verbs/write.h"

#include <string.h>

/* ---- one object ---- */

static bool check_preconditions(struct api_request *r, const struct api_kind *k,
                                const struct kube_object *o, const struct delete_options *options)
{
    struct api_kind by_kind = *k; /* this message names the Kind, not the resource */
    const struct api_kind *was = r->kind;
    uint64_t revision = 0;
    bool ok = true;
    if (!api_kind_is(k, "namespaces"))
        by_kind.resource = k->kind;
    r->kind = &by_kind;
    if (options->uid.n > 0 && !str_eq(options->uid, o->uid) && api_kind_is(k, "namespaces"))
        ok = api_fail_conflict(r, o->name,
                               "Precondition failed: UID in precondition: " STR_FMT
                               ", UID in object meta: " STR_FMT,
                               STR_ARG(options->uid), STR_ARG(o->uid)); /* its own check */
    else if (options->uid.n > 0 && !str_eq(options->uid, o->uid))
        ok = api_fail_conflict(r, o->name,
                               "the UID in the precondition (" STR_FMT
                               ") does not match the UID in record (" STR_FMT
                               "). The object might have been deleted and then recreated",
                               STR_ARG(options->uid), STR_ARG(o->uid));
    else if (options->resource_version.n > 0 &&
             (!str_to_u64(options->resource_version, &revision) || revision != o->resource_version))
        ok = api_fail_conflict(
            r, o->name,
            "the ResourceVersion in the precondition (" STR_FMT
            ") does not match the ResourceVersion in record (%llu). The object might "
            "have been modified",
            STR_ARG(options->resource_version), (unsigned long long)o->resource_version);
    r->kind = was;
    return ok;
}

/* Seconds that the object may live on: pods only. */
static int64_t grace_of(const struct api_kind *k, const struct kube_object *o,
                        const struct delete_options *options)
{
    if (!api_kind_is(k, "pods"))
        return 0;
    struct str phase = kube_object_string(o, "status.phase");
    if (kube_object_string(o, "spec.nodeName").n == 0 || str_eq_c(phase, "Succeeded") ||
        str_eq_c(phase, "Failed"))
        return 0;
    int64_t grace = 30, given = options->grace_s;
    (void)str_to_i64(kube_object_raw(o, "spec.terminationGracePeriodSeconds"), &grace);
    if (given >= 0)
        grace = given;
    else if (given < -1 || grace < 0)
        grace = 1;
    return grace;
}

static void remove_item(struct arena *a, cJSON *metadata, const char *text)
{
    const cJSON *list = json_get(metadata, "finalizers");
    cJSON *left = json_array(a);
    if (!json_list_has(list, str_c(text)))
        return;
    for (const cJSON *c = list->child; c; c = c->next)
        if (!str_eq_c(json_string(c), text))
            json_append(left, json_str(a, json_string(c)));
    if (left->child)
        json_set(a, metadata, STR("finalizers"), left);
    else
        (void)json_unset(metadata, STR("finalizers"));
}

static void add_item(struct arena *a, cJSON *metadata, const char *text)
{
    cJSON *list = json_get(metadata, "finalizers");
    if (json_list_has(list, str_c(text)))
        return;
    if (!list) {
        list = json_array(a);
        json_set(a, metadata, STR("finalizers"), list);
    }
    json_append(list, json_str(a, str_c(text)));
}

/* The policy becomes a finalizer that the garbage collector works off. */
static void set_propagation(struct api_request *r, const struct api_kind *k, cJSON *metadata,
                            struct str policy)
{
    if (policy.n == 0 &&
        (json_list_has(json_get(metadata, "finalizers"), STR("orphan")) ||
         json_list_has(json_get(metadata, "finalizers"), STR("foregroundDeletion"))))
        return; /* what was decided before, or put there by hand, holds */
    if (policy.n == 0)
        policy = k->flags & KIND_ORPHANS ? STR("Orphan") : STR("Background");
    remove_item(&r->a, metadata, "orphan");
    remove_item(&r->a, metadata, "foregroundDeletion");
    if (str_eq_c(policy, "Orphan"))
        add_item(&r->a, metadata, "orphan");
    else if (str_eq_c(policy, "Foreground"))
        add_item(&r->a, metadata, "foregroundDeletion");
}

static void mark(struct api_request *r, const struct kube_object *o, cJSON *tree, int64_t grace_s)
{
    cJSON *metadata = json_get(tree, "metadata");
    bool graceless = api_kind_is(r->kind, "namespaces"); /* they take what time they need */
    int64_t before = json_int_at(metadata, "deletionGracePeriodSeconds", INT64_MAX);
    if (o->deleting && (graceless || grace_s >= before))
        return; /* only shortened */
    struct buf b = {.max = 64};
    rfc3339_format(&b, world_wall(r->api->w) + grace_s * NS_PER_S);
    json_set_str(&r->a, metadata, "deletionTimestamp", buf_str(&b));
    if (!graceless)
        json_set_int(&r->a, metadata, "deletionGracePeriodSeconds", grace_s);
    buf_free(&b);
    if (!o->deleting && o->generation > 0)
        json_set_int(&r->a, metadata, "generation", o->generation + 1);
    if (!o->deleting && api_kind_is(r->kind, "customresourcedefinitions.apiextensions.k8s.io"))
        crds_mark_terminating(r->api, &r->a, tree);
    if (graceless)
        json_set_str(&r->a, json_ensure(&r->a, tree, "status"), "phase", STR("Terminating"));
}

static bool is_held(const struct api_kind *k, const cJSON *tree)
{
    const cJSON *own = json_path(tree, "metadata.finalizers");
    const cJSON *content = api_kind_is(k, "namespaces") ? json_path(tree, "spec.finalizers") : NULL;
    return (own && own->child) || (content && content->child);
}

/* Pods are always marked: those without grace are written with the mark, and then go. */
static bool remove_marked(struct api_request *r, struct kube_object *o, cJSON *tree,
                          struct kube_object **out)
{
    struct kube_object *marked = NULL;
    mark(r, o, tree, 0);
    kube_object_unref(r->held);
    if (r->dry_run) {
        struct err *err = kube_object_from_tree(tree, &marked);
        BUG_ON(err, "a stored object with a mark is an object");
        r->held = *out = marked;
        return true;
    }
    r->held = *out = kube_object_ref(api_write_commit(r->api, r->table, tree, &r->a));
    api_write_remove(r->table, *out);
    return true;
}

bool api_write_delete(struct api_request *r, const struct api_kind *k, struct kube_object *o,
                      const struct delete_options *options, bool *gone, struct kube_object **out)
{
    if (!check_preconditions(r, k, o, options))
        return false;
    cJSON *tree = kube_object_tree(o, &r->a);
    set_propagation(r, k, json_get(tree, "metadata"), options->propagation);
    int64_t grace = grace_of(k, o, options);
    *gone = !is_held(k, tree) && grace == 0;
    if (*gone && api_kind_is(k, "pods") && !r->system)
        return remove_marked(r, o, tree, out);
    if (*gone) {
        kube_object_unref(r->held);
        r->held = *out = kube_object_ref(o);
        if (!r->dry_run)
            api_write_remove(r->table, o);
        return true;
    }
    mark(r, o, tree, grace);
    struct kube_object *fresh = NULL;
    struct err *err = kube_object_from_tree(tree, &fresh);
    BUG_ON(err, "a stored object with a mark is an object");
    bool same = str_eq(fresh->json, o->json);
    *out = o;
    if (same || r->dry_run) {
        kube_object_unref(r->held);
        r->held = fresh;
        *out = fresh;
    } else {
        kube_object_unref(fresh);
        *out = api_write_commit(r->api, r->table, tree, &r->a);
    }
    return true;
}

static bool admit(struct api_request *r, const struct kube_object *o)
{
    struct admission a = {.r = r, .k = r->kind, .verb = ADMIT_DELETE, .sub = str_empty, .old = o};
    return admission_mutate(&a) && admission_validate(&a);
}

static bool check_protected(struct api_request *r, const struct api_kind *k, struct str name)
{
    static const char *const kept[] = {"default", "kube-system", "kube-public"};
    for (size_t i = 0; api_kind_is(k, "namespaces") && !r->system && i < ARRAY_LEN(kept); i++)
        if (str_eq_c(name, kept[i]))
            return api_fail_forbidden(r, name, "this namespace may not be deleted");
    return true;
}

void api_handle_delete(struct api_request *r)
{
    struct delete_options options;
    struct kube_object *o = store_get(r->table, r->ns, r->p.name), *out;
    bool gone = false;
    if (!api_options_delete(r, &options))
        return;
    if (!o) {
        (void)api_fail_not_found(r, r->kind, r->p.name);
        return;
    }
    cJSON *shown = crds_converts(r->kind) ? crds_tree(r->kind, o, &r->a) : NULL;
    if (!check_protected(r, r->kind, r->p.name) || !admit(r, o) ||
        !api_write_delete(r, r->kind, o, &options, &gone, &out))
        return;
    crds_note_shown(r, r->kind, out, shown);
    if (!gone || (r->kind->flags & KIND_ANSWER_OBJECT)) {
        api_reply_object(r, 200, out);
        return;
    }
    struct kube_status s = {.success = true,
                            .message = str_empty,
                            .reason = str_empty,
                            .name = out->name,
                            .group = r->kind->group,
                            .kind = r->kind->resource,
                            .uid = out->uid,
                            .continue_ = str_empty};
    api_reply_status(r, &s);
}

/* ---- a collection ---- */

static void reply_deleted(struct api_request *r, const struct api_listed *l)
{
    struct buf b = {0}, version = {.max = 512};
    kube_api_version_write(r->kind->group, r->kind->version, &version);
    buf_addf(&b, "{\"apiVersion\":\"" STR_FMT "\",\"items\":[", STR_ARG(buf_str(&version)));
    for (size_t i = 0; i < l->n; i++) {
        if (i > 0)
            buf_add_char(&b, ',');
        api_object_write(r->kind, l->objects[i], !(r->kind->flags & KIND_CUSTOM), &b);
    }
    api_list_tail(r, l->token, l->left, l->revision, &b);
    api_reply_json(r, 200, buf_str(&b));
    buf_free(&b);
    buf_free(&version);
}

/* Before any goes; webhooks are asked about many at once, and who waits is run again. */
static bool admit_all(struct api_request *r, const struct api_listed *l)
{
    for (size_t i = 0; i < l->n && !r->answered && webhook_may_ask(r); i++) {
        if (webhook_admitted(r, l->objects[i]))
            continue;
        bool waited = r->suspended;
        r->suspended = false;
        if (admit(r, l->objects[i]))
            webhook_admit(r, l->objects[i]);
        r->suspended = (r->suspended || waited) && !r->answered;
    }
    return !r->suspended && !r->answered;
}

void api_handle_delete_collection(struct api_request *r)
{
    struct delete_options options;
    struct api_listed l;
    struct kube_object *out;
    bool gone, ok;
    if (!api_options_delete(r, &options) || !api_list_collect(r, &l))
        return;
    ok = crds_ready(r, l.objects, l.n) && admit_all(r, &l);
    for (size_t i = 0; ok && i < l.n; i++)
        if (store_get(r->table, l.objects[i]->ns, l.objects[i]->name) == l.objects[i])
            ok = api_write_delete(r, r->kind, l.objects[i], &options, &gone, &out);
    if (ok)
        reply_deleted(r, &l);
    api_listed_free(&l);
}
