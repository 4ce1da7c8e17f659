/* Server-side apply: one request. The algorithm is types/merge.h's. */
#include "sim/kubeapi/verbs/apply.h"
#include "sim/kubeapi/auth/grant.h"
#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/crd/crds.h"
#include "sim/kubeapi/objects/managed.h"
#include "sim/kubeapi/print/print.h"
#include "sim/kubeapi/verbs/patch.h"
#include "sim/kubeapi/verbs/write.h"

#include "engine/base/yaml.h"
#include "sim/kubeapi/objects/decode.h"
#include <string.h>

#define LAST_APPLIED "kubectl.kubernetes.io/last-applied-configuration"

struct apply {
    struct api_request *r;
    const struct api_kind *k;
    struct kube_object *old; /* NULL: to be created, or no object of its own */
    bool exists;
    cJSON *live, *patch;
    struct merge_apply m;
    struct owners owners;
    struct str repeated; /* keys of the body that stand twice */
};

static bool parse_body(struct api_request *r, cJSON **patch, struct buf *repeated)
{
    struct err *err = yaml_compat_to_json(&r->a, r->body, patch, repeated);
    if (err) {
        (void)api_fail_bad(r, "error decoding YAML: error converting YAML to JSON: %s",
                           err->message);
        err_free(err);
        return false;
    }
    if ((*patch)->type == cJSON_NULL)
        *patch = json_object(&r->a);
    if ((*patch)->type != cJSON_Object)
        return api_fail_bad(r,
                            "error decoding YAML: error unmarshaling JSON: while decoding JSON: "
                            "json: cannot unmarshal %s into Go value of type map[string]interface "
                            "{}",
                            (*patch)->type == cJSON_Array ? "array" : "string");
    return true;
}

/* Keys that stand twice: told once the apply has gone well. */
static bool tell_repeated(struct api_request *r, struct str repeated)
{
    struct str level = api_request_param_or_empty(r, "fieldValidation");
    if (repeated.n == 0 || str_eq_c(level, "Ignore"))
        return true;
    struct str text =
        arena_printf(&r->a, "error converting YAML to JSON: yaml: unmarshal errors:\n  " STR_FMT,
                     STR_ARG(str_trim(repeated)));
    if (str_eq_c(level, "Strict"))
        return api_fail_bad(r, "error strict decoding YAML: " STR_FMT, STR_ARG(text));
    api_warn(r, STR_FMT, STR_ARG(text));
    return true;
}

/* "v1, Kind=ConfigMap" as errors print it: "/v1, Kind=ConfigMap" for the core group. */
static struct str gvk_text(struct arena *a, struct str api_version, struct str kind)
{
    bool grouped = str_find_char(api_version, '/') >= 0;
    return arena_printf(a, "%s" STR_FMT ", Kind=" STR_FMT, grouped ? "" : "/", STR_ARG(api_version),
                        STR_ARG(kind));
}

static bool check_patch(struct apply *p)
{
    struct api_request *r = p->r;
    struct str version = json_string_at(p->patch, "apiVersion");
    struct str kind = json_string_at(p->patch, "kind");
    const cJSON *entries = json_path(p->patch, "metadata.managedFields");
    if (!str_eq(kind, p->k->kind) || !str_eq(version, p->m.self.api_version))
        return api_fail_bad(r, "invalid object type: " STR_FMT,
                            STR_ARG(gvk_text(&r->a, version, kind)));
    if (entries && entries->type != cJSON_NULL)
        return api_fail_bad(r, "metadata.managedFields must be nil");
    struct err *err = merge_check(p->m.type, p->patch);
    if (!err)
        return true;
    /* The text is the API's: 500, no reason. */
    (void)api_fail_plain(r, 500, "",
                         "failed to create typed patch object (" STR_FMT "/" STR_FMT "; " STR_FMT
                         "): %s",
                         STR_ARG(json_string_at(p->patch, "metadata.namespace")),
                         STR_ARG(json_string_at(p->patch, "metadata.name")),
                         STR_ARG(gvk_text(&r->a, version, kind)), err->message);
    err_free(err);
    return false;
}

/* ---- conflicts ---- */

struct conflict_texts {
    struct api_request *r;
    struct buf who, message;
    struct kube_cause *causes;
    size_t n, cap;
};

static void add_cause(void *owner, struct str path)
{
    struct conflict_texts *t = owner;
    struct arena *a = &t->r->a;
    if (t->n == t->cap) {
        size_t cap = t->cap ? t->cap * 2 : 8;
        struct kube_cause *causes = ARENA_NEW_ARRAY(a, struct kube_cause, cap);
        if (t->n)
            memcpy(causes, t->causes, t->n * sizeof(*causes));
        t->causes = causes;
        t->cap = cap;
    }
    buf_addf(&t->message, "\n- " STR_FMT, STR_ARG(path));
    t->causes[t->n++] = (struct kube_cause){
        STR("FieldManagerConflict"),
        arena_printf(a, "conflict with " STR_FMT, STR_ARG(buf_str(&t->who))), arena_str(a, path)};
}

static void fail_conflicts(struct api_request *r, const struct merge_conflicts *c)
{
    struct conflict_texts t = {.r = r};
    for (size_t i = 0; i < c->n; i++) {
        buf_clear(&t.who);
        owner_print(&t.who, &c->list[i].who);
        buf_addf(&t.message, "%sconflicts with " STR_FMT ":", i ? "\n" : "",
                 STR_ARG(buf_str(&t.who)));
        fieldset_each(c->list[i].set, add_cause, &t);
    }
    struct kube_status s = kube_status_new(409, STR("Conflict"), str_empty);
    s.has_details = true;
    s.causes = t.causes;
    s.causes_n = t.n;
    s.message = t.n == 1
                    ? arena_printf(&r->a, "Apply failed with 1 conflict: " STR_FMT ": " STR_FMT,
                                   STR_ARG(t.causes[0].message), STR_ARG(t.causes[0].field))
                    : arena_printf(&r->a, "Apply failed with %zu conflicts: " STR_FMT, t.n,
                                   STR_ARG(buf_str(&t.message)));
    api_reply_status(r, &s);
    buf_free(&t.who);
    buf_free(&t.message);
}

/* What kubectl applied on the client's side and nobody changed since is kubectl's own: no conflict. */
static void forgive_last_applied(struct apply *p, struct merge_conflicts *c)
{
    struct arena *a = &p->r->a;
    struct typed_changes changes;
    cJSON *last;
    struct str text =
        json_string(json_get(json_path(p->live, "metadata.annotations"), LAST_APPLIED));
    if (!str_eq_c(p->m.self.manager, "kubectl") || text.n == 0)
        return;
    struct err *err = json_parse_lenient(a, text, &last, NULL);
    if (err || last->type != cJSON_Object) {
        err_ignore(err);
        return;
    }
    typed_compare(a, p->m.type, p->live, last, true, &changes);
    const struct fieldset *allowed =
        fieldset_difference(a, typed_set(a, p->m.type, last), changes.changed);
    size_t kept = 0;
    for (size_t i = 0; i < c->n; i++) {
        c->list[i].set = fieldset_difference(a, c->list[i].set, allowed);
        if (!fieldset_empty(c->list[i].set))
            c->list[kept++] = c->list[i];
    }
    c->n = kept;
}

/* kubectl's annotation follows what it applies. */
static void follow_last_applied(struct apply *p, cJSON *result)
{
    struct arena *a = &p->r->a;
    cJSON *annotations = json_path(result, "metadata.annotations");
    if (!str_eq_c(p->m.self.manager, "kubectl") ||
        json_string(json_get(annotations, LAST_APPLIED)).n == 0)
        return;
    struct buf b = {0};
    cJSON *copy = json_copy(a, p->patch);
    cJSON *mine = json_path(copy, "metadata.annotations");
    if (mine)
        (void)json_unset(mine, STR(LAST_APPLIED));
    json_write(&b, copy);
    buf_add_char(&b, '\n');
    json_set_str(a, annotations, LAST_APPLIED, buf_str(&b));
    buf_free(&b);
}

/* ---- the request ---- */

/* An object that nobody is known to own was there before. */
static void add_before_first(struct apply *p)
{
    static const cJSON nothing = {.type = cJSON_Object};
    struct arena *a = &p->r->a;
    struct typed_changes changes;
    struct owner who = p->m.self;
    if (!p->exists || p->owners.n > 0)
        return;
    who.apply = false;
    who.manager = STR("before-first-apply");
    typed_compare(a, p->m.type, &nothing, p->live, true, &changes);
    changes.changed =
        managed_counted(a, (struct managed_scope){p->m.only, p->m.except}, changes.changed);
    changes.removed = NULL;
    (void)owners_update(a, &p->owners, &who, &changes);
}

static bool run(struct apply *p, cJSON **result)
{
    struct merge_conflicts conflicts;
    struct owners fresh = p->owners;
    bool changed;
    add_before_first(p);
    fresh = p->owners;
    fresh.list = ARENA_NEW_ARRAY(&p->r->a, struct owner, fresh.n + 1);
    fresh.cap = fresh.n + 1;
    if (fresh.n)
        memcpy(fresh.list, p->owners.list, fresh.n * sizeof(*fresh.list));
    merge_apply(&p->r->a, &p->m, &fresh, result, &changed, &conflicts);
    if (conflicts.n > 0) {
        forgive_last_applied(p, &conflicts);
        if (conflicts.n > 0) {
            fail_conflicts(p->r, &conflicts);
            return false;
        }
        p->m.force = true;
        return run(p, result);
    }
    p->owners = fresh;
    follow_last_applied(p, *result);
    return true;
}

static bool create(struct apply *p, cJSON *tree)
{
    struct api_request *r = p->r;
    struct kube_object *out;
    cJSON *metadata = json_get(tree, "metadata");
    struct str uid = json_string_at(metadata, "uid");
    if (uid.n > 0)
        return api_fail_conflict(r, r->p.name,
                                 "uid mismatch: the provided object specified uid " STR_FMT
                                 ", and no existing object was found",
                                 STR_ARG(uid));
    (void)json_unset(metadata, STR("resourceVersion"));
    if ((p->k->flags & KIND_NAMESPACED) && !api_write_namespace_open(r, r->ns))
        return false;
    if (!rbac_may_grant(r, tree) || !api_write_create(r, p->k, r->ns, tree, &out))
        return false;
    api_reply_object(r, 201, out);
    return true;
}

/* Options and body; false: answered. */
static bool prepare(struct apply *p)
{
    struct api_request *r = p->r;
    struct buf repeated = {0};
    struct str force;
    bool ok = parse_body(r, &p->patch, &repeated);
    p->repeated = arena_str(&r->a, buf_str(&repeated));
    buf_free(&repeated);
    p->m.self = managed_writer(r, p->k, true);
    p->m.type = managed_type(p->k);
    p->m.patch = p->patch;
    p->m.force =
        api_request_param(r, "force", &force) && !str_eq_c(force, "false") && !str_eq_c(force, "0");
    return ok;
}

static bool read_owners(struct api_request *r, const cJSON *tree, struct owners *out)
{
    struct err *err = owners_parse(&r->a, json_path(tree, "metadata.managedFields"), out);
    if (!err)
        return true;
    (void)api_fail_plain(r, 500, "", "failed to decode managed fields: %s", err->message);
    err_free(err);
    return false;
}

static bool merge(struct apply *p, cJSON **result)
{
    p->m.live = p->live;
    return check_patch(p) && run(p, result) && tell_repeated(p->r, p->repeated);
}

void api_handle_apply(struct api_request *r)
{
    struct apply p = {.r = r, .k = r->kind};
    struct kube_object *out;
    cJSON *result;
    if (!prepare(&p))
        return;
    p.old = store_get(r->table, r->ns, r->p.name);
    if (!p.old && r->sub) {
        (void)api_fail_not_found(r, r->kind, r->p.name);
        return;
    }
    p.exists = p.old != NULL;
    p.live = p.old ? crds_tree(p.k, p.old, &r->a) : json_object(&r->a);
    struct managed_scope scope = managed_scope_of(r, p.k);
    p.m.only = scope.only;
    p.m.except = scope.except;
    if (!read_owners(r, p.live, &p.owners) || !merge(&p, &result))
        return;
    r->managed = ARENA_NEW(&r->a, struct owners); /* outlives this call, as the request does */
    *r->managed = p.owners;
    if (!api_patch_decode(r, result))
        return;
    if (!p.old)
        (void)create(&p, result);
    else if (rbac_may_grant(r, result) &&
             api_write_update(r, r->kind, p.old, result, r->sub ? WRITE_STATUS : WRITE_MAIN, &out))
        api_reply_object(r, 200, out);
}

/* ---- scale ---- */

static bool owns(struct arena *a, const struct owner *o, const struct fieldset *path)
{
    return !fieldset_empty(fieldset_intersection(a, o->set, path));
}

/* Those who own the replicas of the parent, as owners of the Scale's. */
static void to_scale(struct arena *a, const struct owners *parent, const struct fieldset *path,
                     const struct fieldset *replicas, struct owners *out)
{
    for (size_t i = 0; i < parent->n; i++) {
        if (!owns(a, &parent->list[i], path))
            continue;
        struct owner like = parent->list[i];
        like.api_version = STR("autoscaling/v1");
        owners_get(a, out, &like)->set = replicas;
    }
}

static void to_parent(struct arena *a, struct owners *scale, const struct fieldset *path,
                      struct str api_version, struct owners *parent)
{
    for (size_t i = 0; i < parent->n; i++) {
        struct owner *o = &parent->list[i], like = *o;
        like.api_version = STR("autoscaling/v1");
        if (owns(a, o, path) && !owners_find(scale, &like))
            o->set = fieldset_difference(a, o->set, path);
    }
    for (size_t i = 0; i < scale->n; i++) {
        struct owner like = scale->list[i];
        like.api_version = api_version;
        struct owner *o = owners_get(a, parent, &like);
        o->set = fieldset_union(a, o->set, path);
    }
    owners_drop_empty(parent);
}

bool api_apply_scale(struct api_request *r, const cJSON *parent, const char *const *path,
                     const cJSON *scale, cJSON **wanted)
{
    static const struct api_kind kind = {
        .group = STR_INIT("autoscaling"), .version = STR_INIT("v1"), .kind = STR_INIT("Scale")};
    static const char *const in_scale[] = {"spec", "replicas", NULL};
    struct arena *a = &r->a;
    struct owners *owners = ARENA_NEW(a, struct owners);
    struct apply p = {.r = r, .k = &kind, .live = json_copy(a, scale)};
    const struct fieldset *at = fieldset_path(a, path);
    if (!prepare(&p) || !read_owners(r, parent, owners))
        return false;
    p.m.except = "status";
    p.exists = true;
    to_scale(a, owners, at, fieldset_path(a, in_scale), &p.owners);
    if (!merge(&p, wanted))
        return false;
    to_parent(a, &p.owners, at, managed_writer(r, r->kind, true).api_version, owners);
    r->managed = owners;
    return true;
}
