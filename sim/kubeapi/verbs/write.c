/* The write path: stamping metadata, optimistic locking, no-ops, generations, finalizers; then the store. */
#include "sim/kubeapi/verbs/write.h"
#include "sim/kubeapi/admission/admission.h"
#include "sim/kubeapi/core/commit.h"
#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/core/stamps.h"
#include "sim/kubeapi/core/webhook_call.h"
#include "sim/kubeapi/crd/crd_convert.h"
#include "sim/kubeapi/crd/crds.h"
#include "sim/kubeapi/crd/find.h"
#include "sim/kubeapi/kinds/convert.h"
#include "sim/kubeapi/objects/decode.h"
#include "sim/kubeapi/objects/managed.h"
#include "sim/kubeapi/rules/rules.h"

#include "engine/kube/scan.h"
#include <string.h>

/* The answer is an object that the store does not keep. */
static void hold(struct api_request *r, struct kube_object *take)
{
    kube_object_unref(r->held);
    r->held = take;
}

/* ---- namespaces ---- */

bool api_write_namespace_open(struct api_request *r, struct str ns)
{
    static const struct kube_cause cause = {STR_INIT("NamespaceTerminating"), STR_INIT(""),
                                            STR_INIT("metadata.namespace")};
    struct kube_object *o = kubeapi_get(r->api, STR("namespaces"), str_empty, ns);
    if (!o)
        return api_fail_not_found(r, api_kind_find(r->api, str_empty, STR("v1"), STR("namespaces")),
                                  ns);
    if (!o->deleting)
        return true;
    struct str subject = arena_printf(&r->a, STR_FMT "%s" STR_FMT, STR_ARG(r->kind->resource),
                                      r->kind->group.n > 0 ? "." : "", STR_ARG(r->kind->group));
    if (r->p.name.n > 0)
        subject =
            arena_printf(&r->a, STR_FMT " \"" STR_FMT "\"", STR_ARG(subject), STR_ARG(r->p.name));
    struct kube_cause mine = cause;
    mine.message = arena_printf(&r->a, "namespace " STR_FMT " is being terminated", STR_ARG(ns));
    struct kube_status s = {
        .code = 403,
        .reason = STR("Forbidden"),
        .message =
            arena_printf(&r->a,
                         STR_FMT " is forbidden: unable to create new content in namespace " STR_FMT
                                 " because it is being terminated",
                         STR_ARG(subject), STR_ARG(ns)),
        .name = r->p.name,
        .group = r->kind->group,
        .kind = r->kind->resource,
        .uid = str_empty,
        .continue_ = str_empty,
        .causes = &mine,
        .causes_n = 1};
    api_reply_status(r, &s);
    return false;
}

/* ---- create ---- */

static void clear_server_fields(cJSON *metadata)
{
    static const struct str fields[] = {STR_INIT("selfLink"), STR_INIT("deletionTimestamp"),
                                        STR_INIT("deletionGracePeriodSeconds"),
                                        STR_INIT("generation"), STR_INIT("resourceVersion")};
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        (void)json_unset(metadata, fields[i]);
}

static bool name_new(struct api_request *r, const struct api_kind *k, struct str ns,
                     cJSON *metadata)
{
    struct str prefix = json_string_at(metadata, "generateName");
    if (json_string_at(metadata, "name").n > 0 || prefix.n == 0)
        return true;
    struct str name = str_empty;
    for (int tries = 0; tries < 8; tries++) {
        name =
            r->system ? api_generated_name(r->api, &r->a, prefix) : webhook_stamp_name(r, prefix);
        if (!store_get(r->table, ns, name))
            break;
    }
    json_set_str(&r->a, metadata, "name", name);
    return true;
}

static bool stamp_new(struct api_request *r, const struct api_kind *k, struct str ns, cJSON *tree)
{
    cJSON *metadata = json_get(tree, "metadata");
    struct str given_ns = json_string_at(metadata, "namespace");
    if (json_string_at(metadata, "resourceVersion").n > 0 && !r->system)
        return api_fail_plain(r, 500, "",
                              "resourceVersion should not be set on objects to be created");
    if (ns.n == 0) /* what stands outside namespaces forgets what was said */
        (void)json_unset(metadata, STR("namespace"));
    else if (given_ns.n > 0 && !str_eq(given_ns, ns))
        return api_fail_bad(
            r, "the namespace of the provided object does not match the namespace sent "
               "on the request");
    clear_server_fields(metadata);
    if (ns.n > 0)
        json_set_str(&r->a, metadata, "namespace", ns);
    if (!r->system || json_string_at(metadata, "uid").n == 0) /* what was dumped keeps its own */
        json_set_str(&r->a, metadata, "uid",
                     r->system ? api_new_uid(r->api, &r->a) : webhook_stamp_uid(r));
    json_set_str(&r->a, metadata, "creationTimestamp", api_now(r->api, &r->a));
    if (k->flags & KIND_GENERATION)
        json_set_int(&r->a, metadata, "generation", 1);
    if ((k->flags & KIND_STATUS) && !r->system && json_get(tree, "status") && !rules_status_open(k))
        (void)json_unset(tree, STR("status"));
    return name_new(r, k, ns, metadata);
}

bool api_write_create(struct api_request *r, const struct api_kind *k, struct str ns, cJSON *tree,
                      struct kube_object **out)
{
    if (!stamp_new(r, k, ns, tree))
        return false;
    api_decode_default(r, k, tree);
    api_rules_default(r, k, tree, true);
    if (!r->system && !r->unowned)
        managed_create(r, k, tree);
    struct admission admission = {
        .r = r, .k = k, .verb = ADMIT_CREATE, .object = tree, .sub = str_empty};
    if (!admission_mutate(&admission))
        return false;
    cJSON *metadata = json_get(tree, "metadata");
    api_decode_status(r, k, tree);
    api_rules_prepare(r, k, tree, NULL);
    if (convert_needed(k)) { /* what looks on sees the version that was asked for */
        admission.object = json_copy(&r->a, tree);
        convert_to_storage(&r->a, k, tree);
    }
    if (!r->system) {
        api_validate_metadata(r, k, metadata);
        api_rules_validate(r, k, tree, NULL, false);
        crds_validate(r, k, tree, NULL, WRITE_MAIN);
    }
    struct str name = json_string_at(metadata, "name");
    if (!api_invalid_end(r, k, name))
        return false;
    struct kube_object *old = store_get(r->table, ns, name);
    if (old)
        return api_fail_exists(r, k, name, old->deleting);
    cJSON *shown;
    if (!admission_validate(&admission) || !crds_store(r, k, &tree, &shown))
        return false;
    if (r->dry_run) {
        if (r->lost_write) /* nobody must see that it was */
            api_write_revision(&r->a, tree, store_revision(r->api->store) + 1);
        *out = api_write_encode(r->api, tree);
        hold(r, *out);
        crds_note_shown(r, k, *out, shown);
        return true;
    }
    *out = api_write_commit(r->api, r->table, tree, &r->a);
    crds_note_shown(r, k, *out, shown);
    r->stamp_uid = r->stamp_name = str_empty;
    return true;
}

/* ---- update ---- */

/* Sets or removes `key` as it is in the old object's member `from` ("metadata.uid"). */
static void restore(struct arena *a, cJSON *object, const char *key, const struct kube_object *old,
                    const char *from)
{
    struct str raw = kube_object_raw(old, from);
    if (raw.n > 0)
        json_set(a, object, str_c(key), json_raw(a, raw));
    else
        (void)json_unset(object, str_c(key));
}

static bool check_revision(struct api_request *r, const struct api_kind *k,
                           const struct kube_object *old, const cJSON *metadata)
{
    struct str given = json_string_at(metadata, "resourceVersion");
    uint64_t revision = 0;
    if (given.n > 0 && !str_to_u64(given, &revision))
        return api_fail_plain(r, 500, "",
                              "resourceVersion: Invalid value: \"" STR_FMT
                              "\": strconv.ParseUint: parsing \"" STR_FMT "\": invalid syntax",
                              STR_ARG(given), STR_ARG(given));
    if (revision == 0 && (k->flags & KIND_NEEDS_REVISION) && r->verb == VERB_UPDATE) {
        bool custom = (k->flags & KIND_CUSTOM) != 0; /* the two are worded differently */
        struct api_kind named = *k;
        if (!custom)
            named.kind = k->resource;
        api_invalid(r, "FieldValueInvalid", STR("metadata.resourceVersion"),
                    "Invalid value: %s: must be specified for an update", custom ? "0x0" : "0");
        return api_invalid_end(r, &named, old->name);
    }
    if (revision != 0 && revision != old->resource_version)
        return api_fail_modified(r, old->name);
    return true;
}

/* Where the reference server keeps an object: part of a message of its. */
static struct str registry_key(struct api_request *r, const struct api_kind *k,
                               const struct kube_object *o)
{
    bool custom = (k->flags & KIND_CUSTOM) != 0;
    return arena_printf(&r->a, "/registry/" STR_FMT "%s" STR_FMT "/" STR_FMT "%s" STR_FMT,
                        STR_ARG(custom ? k->group : str_empty), custom ? "/" : "",
                        STR_ARG(k->resource), STR_ARG(o->ns), o->ns.n > 0 ? "/" : "",
                        STR_ARG(o->name));
}

static bool check_uid(struct api_request *r, const struct api_kind *k,
                      const struct kube_object *old, const cJSON *metadata)
{
    struct str given = json_string_at(metadata, "uid");
    if (given.n == 0 || str_eq(given, old->uid))
        return true;
    if (r->verb == VERB_PATCH) {
        for (int twice = 0; twice < 2; twice++) /* so do both layers of the original */
            api_invalid(r, "FieldValueInvalid", STR("metadata.uid"),
                        "Invalid value: \"" STR_FMT "\": field is immutable", STR_ARG(given));
        return api_invalid_end(r, k, old->name);
    }
    return api_fail_conflict(r, old->name,
                             "StorageError: invalid object, Code: 4, Key: " STR_FMT
                             ", ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID "
                             "in precondition: " STR_FMT ", UID in object meta: " STR_FMT,
                             STR_ARG(registry_key(r, k, old)), STR_ARG(given), STR_ARG(old->uid));
}

/* Only a deletion sets the time of one. */
static bool check_deletion(struct api_request *r, const struct api_kind *k,
                           const struct kube_object *old, const cJSON *metadata)
{
    struct str given = json_string_at(metadata, "deletionTimestamp");
    if (given.n == 0 || old->deleting)
        return true;
    for (int twice = 0; twice < 2; twice++) /* so do both layers of the original */
        api_invalid(r, "FieldValueInvalid", STR("metadata.deletionTimestamp"),
                    "Invalid value: \"" STR_FMT "\": field is immutable", STR_ARG(given));
    return api_invalid_end(r, k, old->name);
}

/* What no writer changes, as it was. */
static void stamp_old(struct arena *a, const struct kube_object *old, cJSON *metadata)
{
    static const char *const kept[] = {"creationTimestamp", "deletionGracePeriodSeconds",
                                       "deletionTimestamp", "generation",
                                       "resourceVersion",   "uid"};
    struct scan s = scan_of(old->json);
    struct str key = str_empty, value;
    bool more = scan_find(&s, "metadata") && scan_enter(&s, '{') && scan_member(&s, &key, &value);
    for (size_t i = 0; i < ARRAY_LEN(kept); i++) { /* both are in order */
        while (more && str_cmp(key, str_c(kept[i])) < 0)
            more = scan_member(&s, &key, &value);
        if (more && str_eq_c(key, kept[i]))
            json_set(a, metadata, key, json_raw(a, value));
        else
            (void)json_unset(metadata, str_c(kept[i]));
    }
    json_set_str(a, metadata, "name", old->name); /* rules and policies read them */
    if (old->ns.n > 0)
        json_set_str(a, metadata, "namespace", old->ns);
    else
        (void)json_unset(metadata, STR("namespace"));
    (void)json_unset(metadata, STR("selfLink"));
}

/* A write to the status subresource: the rest of the object is the old one's. Built-in kinds take metadata too. */
static cJSON *status_tree(struct api_request *r, const struct api_kind *k,
                          const struct kube_object *old, cJSON *tree)
{
    cJSON *whole = json_object(&r->a);
    struct scan s = scan_of(old->json);
    struct str key, value;
    (void)scan_enter(&s, '{');
    while (scan_member(&s, &key, &value))
        json_set(&r->a, whole, key, json_raw(&r->a, value));
    cJSON *status = json_get(tree, "status"), *metadata = json_get(tree, "metadata");
    (void)json_unset(tree, STR("status"));
    (void)json_unset(tree, STR("metadata"));
    (void)json_unset(whole, STR("status"));
    if (status)
        json_set(&r->a, whole, STR("status"), status);
    if (k->flags & KIND_CUSTOM) {
        cJSON *old_tree = kube_object_tree(old, &r->a);
        metadata = json_get(old_tree, "metadata");
        (void)json_unset(old_tree, STR("metadata"));
    }
    if (metadata)
        rules_status_metadata(r, k, old, metadata);
    json_set(&r->a, whole, STR("metadata"), metadata);
    return whole;
}

/* Is anything but metadata and status (without a status subresource: metadata) different? */
static bool spec_changed(const struct api_kind *k, struct str a, struct str b)
{
    struct scan x = scan_of(a), y = scan_of(b);
    struct str xk, xv, yk, yv;
    bool skip_status = (k->flags & KIND_STATUS) != 0;
    (void)scan_enter(&x, '{');
    (void)scan_enter(&y, '{');
    for (;;) {
        bool more_x, more_y;
        do {
            more_x = scan_member(&x, &xk, &xv);
        } while (more_x && (str_eq_c(xk, "metadata") || (skip_status && str_eq_c(xk, "status"))));
        do {
            more_y = scan_member(&y, &yk, &yv);
        } while (more_y && (str_eq_c(yk, "metadata") || (skip_status && str_eq_c(yk, "status"))));
        if (!more_x || !more_y)
            return more_x != more_y;
        if (!str_eq(xk, yk) || !str_eq(xv, yv))
            return true;
    }
}

/* The same for an object that is stored in another version than it is shown in. */
static bool spec_differs(const struct api_kind *k, const struct kube_object *seen,
                         const cJSON *tree)
{
    struct buf b = {0};
    json_write(&b, tree);
    bool differs = spec_changed(k, seen->json, buf_str(&b));
    buf_free(&b);
    return differs;
}

static void check_new_finalizers(struct api_request *r, const struct kube_object *old,
                                 const cJSON *metadata)
{
    const cJSON *list = json_get(metadata, "finalizers");
    for (const cJSON *f = list && old->deleting ? list->child : NULL; f; f = f->next)
        if (!kube_object_has_finalizer(old, json_string(f)))
            api_invalid(r, "FieldValueForbidden", STR("metadata.finalizers"),
                        "Forbidden: no new finalizers can be added if the object is being deleted, "
                        "found new finalizers []string{\"" STR_FMT "\"}",
                        STR_ARG(json_string(f)));
}

/* An object under deletion goes when nothing holds it any more. */
static bool released(const struct kube_object *o)
{
    if (!o->deleting || o->finalizers_n > 0)
        return false;
    if (str_eq_c(o->kind, "Namespace") && str_eq_c(o->api_version, "v1")) {
        struct str left = kube_object_raw(o, "spec.finalizers");
        return left.n == 0 || str_eq_c(left, "[]") || str_eq_c(left, "null");
    }
    struct str grace = kube_object_raw(o, "metadata.deletionGracePeriodSeconds");
    return grace.n == 0 || str_eq_c(grace, "0");
}

/* A pod's place is no wish of its writer, whether it comes through the subresource or from our own scheduler. */
static bool is_binding(const struct api_request *r, const struct api_kind *k,
                       const struct kube_object *old, const cJSON *tree)
{
    if (!r->system)
        return r->verb == VERB_CREATE;
    return api_kind_is(k, "pods") && kube_object_string(old, "spec.nodeName").n == 0 &&
           json_string(json_path(tree, "spec.nodeName")).n > 0;
}

/* The bytes are there already: as a rule only the revision is another. Takes `written`, of the tree as it was. */
static struct kube_object *with_stamps(struct api_request *r, cJSON *tree, bool retold,
                                       struct kube_object *written)
{
    bool stamped = !r->dry_run || r->lost_write;
    uint64_t revision = store_revision(store_of(r->table)) + 1;
    struct kube_object *fresh;
    if (!stamped && !retold)
        return written;
    if (retold) {
        if (stamped)
            api_write_revision(&r->a, tree, revision);
        fresh = api_write_encode(r->api, tree);
    } else {
        fresh = kube_object_with_revision(written, revision);
    }
    kube_object_unref(written);
    return fresh;
}

/* `fresh` differs from the old object: writes it under the next revision, or lets the object go. */
static void store_changed(struct api_request *r, const struct api_kind *k, struct kube_object *old,
                          cJSON *tree, const struct managed *managed, bool respecified,
                          struct kube_object *fresh, struct kube_object **out)
{
    bool counted = (k->flags & KIND_GENERATION) && respecified && !is_binding(r, k, old, tree);
    managed_settle(r, tree, managed);
    if (counted)
        json_set_int(&r->a, json_get(tree, "metadata"), "generation", old->generation + 1);
    fresh = with_stamps(r, tree, counted || managed->same, fresh);
    *out = fresh;
    if (r->dry_run) {
        hold(r, fresh);
    } else if (released(fresh)) {
        hold(r, fresh); /* the answer; what is gone is what was stored */
        store_delete(r->table, kube_object_with_revision(old, fresh->resource_version));
    } else {
        store_put(r->table, fresh);
    }
}

/* seen: the old object in the form of this kind's version. */
static bool update_seen(struct api_request *r, const struct api_kind *k, struct kube_object *old,
                        const struct kube_object *seen, cJSON *tree, enum write_scope scope,
                        struct kube_object **out)
{
    cJSON *metadata = json_get(tree, "metadata"), *shown;
    struct managed managed;
    if (!r->system && (!check_uid(r, k, old, metadata) || !check_revision(r, k, old, metadata) ||
                       !check_deletion(r, k, old, metadata)))
        return false;
    if (scope == WRITE_STATUS && rules_sub_tree(r, seen, &tree))
        scope = WRITE_MAIN;
    else if (scope == WRITE_STATUS)
        tree = status_tree(r, k, seen, tree);
    else if (scope == WRITE_MAIN && (k->flags & KIND_STATUS))
        restore(&r->a, tree, "status", seen, "status");
    else if (scope == WRITE_ALL && r->verb == VERB_UPDATE && !json_get(tree, "status"))
        restore(&r->a, tree, "status", seen, "status"); /* the system has nothing to say about it */
    metadata = json_get(tree, "metadata");
    stamp_old(&r->a, old, metadata);
    api_rules_keep(r, k, old, tree);
    api_decode_default(r, k, tree);
    if (scope != WRITE_STATUS)
        api_rules_default(r, k, tree, false);
    else
        rules_status_default(r, k, tree, seen);
    managed_update(r, k, old, tree, &managed);
    struct admission admission = {.r = r, .k = k, .verb = ADMIT_UPDATE, .object = tree, .old = old};
    admission.sub = r->sub ? r->p.sub : str_empty;
    if (!admission_mutate(&admission))
        return false;
    metadata = json_get(tree, "metadata");
    api_decode_status(r, k, tree);
    if (scope != WRITE_STATUS)
        api_rules_prepare(r, k, tree, old);
    if (convert_needed(k))
        tree = convert_copy(&r->a, k, tree);
    if (!r->system) {
        check_new_finalizers(r, old, metadata);
        api_validate_change(r, k, metadata);
        if (scope != WRITE_ALL)
            api_rules_validate(r, k, tree, old, scope == WRITE_STATUS);
        crds_validate(r, k, tree, old, scope);
        if (!api_invalid_end(r, k, old->name) || !admission_validate(&admission))
            return false;
    }
    bool converts = crds_converts(k), changed = converts && spec_differs(k, seen, tree);
    if (!crds_store(r, k, &tree, &shown))
        return false;
    if (shown)
        api_write_revision(&r->a, tree, old->resource_version);
    struct kube_object *fresh = api_write_encode(r->api, tree);
    if (str_eq(fresh->json, old->json) &&
        !released(old)) { /* nothing changed: no write, no event */
        kube_object_unref(fresh);
        *out = old;
        return true;
    }
    if (!converts)
        changed = (k->flags & KIND_GENERATION) && spec_changed(k, old->json, fresh->json);
    store_changed(r, k, old, tree, &managed, changed, fresh, out);
    crds_note_shown(r, k, *out, shown);
    return true;
}

bool api_write_update(struct api_request *r, const struct api_kind *k, struct kube_object *old,
                      cJSON *tree, enum write_scope scope, struct kube_object **out)
{
    struct kube_object *seen = NULL;
    if (!convert_needed(k) && (!crds_converts(k) || crds_as_stored(k, old)))
        return update_seen(r, k, old, old, tree, scope, out);
    struct err *err = kube_object_from_tree(crds_tree(k, old, &r->a), &seen);
    BUG_ON(err != NULL, "a stored object converts to an object");
    bool ok = update_seen(r, k, old, seen, tree, scope, out);
    kube_object_unref(seen);
    return ok;
}
