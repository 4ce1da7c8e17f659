#include "sim/kubeapi/objects/managed.h"

#include "sim/kubeapi/core/stamps.h"
#include "sim/kubeapi/crd/crds.h"
#include "sim/kubeapi/crd/find.h"
#include "sim/kubeapi/kinds/convert.h"

const struct type *managed_type(const struct api_kind *k)
{
    return k->flags & KIND_CUSTOM ? crds_type(k) : type_builtin(k->group, k->version, k->kind);
}

/* ---- writers ---- */

static bool printable(char c)
{
    return (unsigned char)c >= 0x20 && c != 0x7f;
}

/* The User-Agent's program: what is printable of it, up to the slash. */
static struct str agent_name(struct api_request *r)
{
    struct str head, tail;
    (void)str_cut(r->user_agent, '/', &head, &tail);
    char *out = arena_alloc(&r->a, head.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < head.n && n < MANAGED_NAME_MAX; i++)
        if (printable(head.p[i]))
            out[n++] = head.p[i];
    return n > 0 ? (struct str){out, n} : STR("unknown");
}

struct owner managed_writer(struct api_request *r, const struct api_kind *k, bool applying)
{
    struct owner o = {.apply = applying, .time = api_now(r->api, &r->a)};
    struct buf version = {.max = 512};
    o.manager = api_request_param_or_empty(r, "fieldManager");
    if (o.manager.n == 0)
        o.manager = agent_name(r);
    kube_api_version_write(k->group, k->version, &version);
    o.api_version = arena_str(&r->a, buf_str(&version));
    buf_free(&version);
    o.subresource = r->sub || r->finalize ? r->p.sub : str_empty;
    if (str_eq_c(o.subresource, "scale"))
        o.time = str_empty; /* the API dates no owner of a Scale's number */
    return o;
}

/* Entries as a raw node; NULL when there are none. */
static cJSON *managed_node(struct arena *a, struct owners *owners)
{
    if (owners->n == 0)
        return NULL;
    struct buf b = {0};
    owners_write(&b, owners);
    cJSON *v = json_raw(a, buf_str(&b));
    buf_free(&b);
    return v;
}

static void set_entries(struct arena *a, cJSON *tree, cJSON *entries)
{
    cJSON *metadata = json_get(tree, "metadata");
    if (entries)
        json_set(a, metadata, STR("managedFields"), entries);
    else
        (void)json_unset(metadata, STR("managedFields"));
}

/* ---- what counts ---- */

struct managed_scope managed_scope_of(const struct api_request *r, const struct api_kind *k)
{
    bool status = r->sub && (str_eq_c(r->p.sub, "status") || str_eq_c(r->p.sub, "approval"));
    if (status && (k->flags & KIND_CUSTOM))
        return (struct managed_scope){.only = "status"};
    if (status)
        return (struct managed_scope){.except = "spec"};
    return (struct managed_scope){.except = k->flags & KIND_STATUS ? "status" : NULL};
}

const struct fieldset *managed_counted(struct arena *a, struct managed_scope scope,
                                       const struct fieldset *s)
{
    const char *name = scope.only ? scope.only : scope.except;
    const char *path[2] = {name, NULL};
    if (!name || fieldset_empty(s))
        return s;
    const struct fieldset *others = fieldset_outside(a, s, fieldset_path(a, path));
    return scope.except ? others : fieldset_difference(a, s, others);
}

static void count_changes(struct api_request *r, const struct api_kind *k,
                          struct typed_changes *changes)
{
    struct managed_scope scope = managed_scope_of(r, k);
    changes->changed = managed_counted(&r->a, scope, changes->changed);
    changes->removed = managed_counted(&r->a, scope, changes->removed);
}

/* ---- create ---- */

void managed_create(struct api_request *r, const struct api_kind *k, cJSON *tree)
{
    static const cJSON nothing = {.type = cJSON_Object};
    struct typed_changes changes;
    struct owners owners = {0};
    if (r->managed) {
        set_entries(&r->a, tree, managed_node(&r->a, r->managed));
        return;
    }
    typed_compare(&r->a, managed_type(k), &nothing, tree, true, &changes);
    count_changes(r, k, &changes);
    struct owner who = managed_writer(r, k, false);
    (void)owners_update(&r->a, &owners, &who, &changes);
    set_entries(&r->a, tree, managed_node(&r->a, &owners));
}

/* ---- update ---- */

bool managed_is_reset(const cJSON *given)
{
    return given && given->type == cJSON_Array &&
           (!given->child || (!given->child->next && !given->child->child));
}

static bool parse_owners(struct arena *a, const cJSON *entries, struct owners *out)
{
    struct err *err =
        entries && entries->type == cJSON_Array ? owners_parse(a, entries, out) : NULL;
    bool ok = !err && out->n > 0;
    err_ignore(err);
    return ok;
}

/* The entries to go on from: those of the body (a client may edit them), else the object's own. */
static bool base_owners(struct api_request *r, const cJSON *given, const cJSON *stored,
                        struct owners *out)
{
    *out = (struct owners){0};
    if (!r->sub && managed_is_reset(given))
        return false;
    if (!r->sub && parse_owners(&r->a, given, out))
        return true;
    *out = (struct owners){0};
    return parse_owners(&r->a, stored, out);
}

static void keep_stored(struct api_request *r, const struct kube_object *old, cJSON *tree)
{
    struct str stored = kube_object_raw(old, "metadata.managedFields");
    set_entries(&r->a, tree, stored.n > 0 ? json_raw(&r->a, stored) : NULL);
}

/* A Scale is an object of its own: where nobody owns its number, nobody begins to by an update. */
static bool tracked(struct api_request *r, const struct owners *owners,
                    const struct typed_changes *changes)
{
    bool found = !str_eq_c(r->p.sub, "scale");
    for (size_t i = 0; i < owners->n && !found; i++)
        found =
            !fieldset_empty(fieldset_intersection(&r->a, owners->list[i].set, changes->changed));
    return found;
}

/* Owners by another version of a kind that is shown in two lose what has changed in their version. */
static void forget_elsewhere(struct api_request *r, const struct api_kind *k,
                             const struct kube_object *old, const cJSON *tree,
                             const struct owner *who, struct owners *owners)
{
    struct arena *a = &r->a;
    for (size_t i = 0; i < owners->n; i++) {
        struct owner *o = &owners->list[i];
        const struct api_kind *other = str_eq(o->api_version, who->api_version)
                                           ? NULL
                                           : api_kind_of(r->api, o->api_version, k->kind);
        struct typed_changes changes;
        if (!other || (!convert_needed(k) && !convert_needed(other)))
            continue;
        cJSON *now = convert_copy(a, k, tree);
        convert_to_shown(a, other, now);
        typed_compare(a, managed_type(other), crds_tree(other, old, a), now, true, &changes);
        count_changes(r, other, &changes);
        o->set = fieldset_difference(a, fieldset_difference(a, o->set, changes.changed),
                                     changes.removed);
    }
    owners_drop_empty(owners);
}

void managed_update(struct api_request *r, const struct api_kind *k, const struct kube_object *old,
                    cJSON *tree, struct managed *out)
{
    cJSON *metadata = json_get(tree, "metadata");
    const cJSON *given = json_get(metadata, "managedFields");
    struct str stored = kube_object_raw(old, "metadata.managedFields");
    struct owners owners, before = {0};
    struct typed_changes changes;
    *out = (struct managed){0};
    if (r->system || r->verb == VERB_CREATE) { /* a binding, an eviction */
        keep_stored(r, old, tree);
        return;
    }
    if (stored.n == 0 && !r->managed && (!given || managed_is_reset(given))) {
        set_entries(&r->a, tree, NULL);
        return;
    }
    const cJSON *old_tree = crds_tree(k, old, &r->a);
    const cJSON *old_entries = json_path(old_tree, "metadata.managedFields");
    (void)parse_owners(&r->a, old_entries, &before);
    if (r->managed) {
        owners = *r->managed;
    } else if (base_owners(r, given, old_entries, &owners)) {
        struct owner who = managed_writer(r, k, false);
        typed_compare(&r->a, managed_type(k), old_tree, tree, true, &changes);
        count_changes(r, k, &changes);
        if (!tracked(r, &owners, &changes)) {
            keep_stored(r, old, tree);
            return;
        }
        (void)owners_update(&r->a, &owners, &who, &changes);
        forget_elsewhere(r, k, old, tree, &who, &owners);
        owners_cap(&r->a, &owners);
    }
    out->fresh = managed_node(&r->a, &owners);
    out->same = stored.n > 0 && owners_equal(&owners, &before);
    if (out->same)
        keep_stored(r, old, tree);
    else
        set_entries(&r->a, tree, out->fresh);
}

void managed_settle(struct api_request *r, cJSON *tree, const struct managed *m)
{
    if (m->same)
        set_entries(&r->a, tree, m->fresh);
}
