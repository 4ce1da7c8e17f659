/* CustomResourceDefinitions: a definition becomes rows of kinds the moment it is stored.
 *
 *   created (Established at once, finalizer customresourcecleanup) ─► marked for deletion ─► instances deleted, finalizer
 *   removed (controllers/definitions.c) ─► rows dropped
 *
 * Rows that were replaced stay in memory until the server ends: requests under way point at them. */
#include "sim/kubeapi/crd/crd_internal.h"

#include <string.h>

/* ---- rows ---- */

static struct str key_of(struct arena *a, char type, struct str group, struct str version,
                         struct str name)
{
    return arena_printf(a, "%c " STR_FMT "/" STR_FMT "/" STR_FMT, type, STR_ARG(group),
                        STR_ARG(version), STR_ARG(name));
}

static struct str joined(struct arena *a, const cJSON *list)
{
    struct buf b = {.max = 4096};
    for (const cJSON *c = list ? list->child : NULL; c; c = c->next)
        buf_addf(&b, "%s" STR_FMT, b.n > 0 ? "," : "", STR_ARG(json_string(c)));
    struct str s = arena_str(a, buf_str(&b));
    buf_free(&b);
    return s;
}

static struct str own(struct arena *a, const cJSON *tree, const char *path)
{
    return arena_str(a, json_string_at(tree, path));
}

#define SUBRESOURCE_VERBS ((1u << VERB_GET) | (1u << VERB_UPDATE) | (1u << VERB_PATCH))

static void add_sub(struct crd *d, const struct api_kind *main, const char *sub, const char *kind,
                    const char *foreign)
{
    struct api_kind *k = &d->rows[d->rows_n++];
    *k = *main;
    k->resource = arena_printf(&d->a, STR_FMT "/%s", STR_ARG(main->resource), sub);
    k->kind = kind ? str_c(kind) : main->kind;
    k->foreign = str_c(foreign);
    k->verbs = SUBRESOURCE_VERBS;
    k->short_names = k->categories = str_empty;
}

static void add_version(struct crds *x, struct crd *d, const cJSON *tree, const cJSON *version)
{
    struct arena *a = &d->a;
    const cJSON *subs = json_get(version, "subresources");
    bool namespaced = str_eq_c(json_string_at(tree, "spec.scope"), "Namespaced");
    struct api_kind *k = &d->rows[d->rows_n++];
    k->group = own(a, tree, "spec.group");
    k->version = own(a, version, "name");
    k->resource = own(a, tree, "spec.names.plural");
    k->kind = own(a, tree, "spec.names.kind");
    k->list_kind = own(a, tree, "spec.names.listKind");
    k->short_names = joined(a, json_path(tree, "spec.names.shortNames"));
    k->categories = joined(a, json_path(tree, "spec.names.categories"));
    k->table = d->name;
    k->foreign = str_empty;
    k->verbs = (1u << VERB_NONE) - 1; /* all */
    k->flags = KIND_CUSTOM | KIND_GENERATION | KIND_NEEDS_REVISION;
    k->flags |= namespaced ? KIND_NAMESPACED : 0u;
    k->flags |= json_get(subs, "status") ? KIND_STATUS : 0u;
    k->crd = d;
    if (json_get(subs, "status"))
        add_sub(d, k, "status", NULL, "");
    if (json_get(subs, "scale"))
        add_sub(d, k, "scale", "Scale", "autoscaling/v1");
    d->rows_n++; /* the empty row that ends them */
    struct arena scratch = {0};
    map_put(&x->rows, key_of(&scratch, 'r', k->group, k->version, k->resource), k);
    map_put(&x->rows, key_of(&scratch, 'k', k->group, k->version, k->kind), k);
    struct str table = arena_printf(&scratch, "t " STR_FMT, STR_ARG(d->name));
    if (!map_has(&x->rows, table))
        map_put(&x->rows, table, k);
    arena_free(&scratch);
}

static void drop_rows(struct crds *x, struct crd *d)
{
    struct arena a = {0};
    for (size_t i = 0; i < d->rows_n; i++) {
        const struct api_kind *k = &d->rows[i];
        if (k->resource.n == 0 || api_kind_is_sub(k))
            continue;
        map_remove(&x->rows, key_of(&a, 'r', k->group, k->version, k->resource));
        map_remove(&x->rows, key_of(&a, 'k', k->group, k->version, k->kind));
    }
    map_remove(&x->rows, arena_printf(&a, "t " STR_FMT, STR_ARG(d->name)));
    map_remove(&x->by_name, d->name);
    x->generation++;
    list_add_tail(&x->retired, &d->link);
    arena_free(&a);
}

/* Nothing is known of what stood here before when `before` is NULL: a new definition, or a restart. */
static void note_schema(struct crd *d, const struct crd *before, const struct kube_object *o)
{
    if (!before)
        d->schema_changed = o->generation > 1 ? o->resource_version : 0;
    else if (crd_storage_hash(before) != crd_storage_hash(d))
        d->schema_changed = o->resource_version;
    else
        d->schema_changed = before->schema_changed;
}

static void add_definition(struct crds *x, struct kube_object *o, const struct crd *before,
                           uint64_t born)
{
    struct arena a = {0};
    struct crd *d = MEM_NEW(struct crd);
    const cJSON *tree = kube_object_tree(o, &a), *versions = json_path(tree, "spec.versions");
    list_init(&d->link);
    d->name = arena_str(&d->a, o->name);
    d->born = born;
    d->changed = ++x->generation;
    d->object = kube_object_ref(o);
    d->group = own(&d->a, tree, "spec.group");
    d->singular = own(&d->a, tree, "spec.names.singular");
    d->storage_version = str_empty;
    d->webhook = str_eq_c(json_string_at(tree, "spec.conversion.strategy"), "Webhook");
    d->established = crd_condition_is(tree, "Established", "True");
    crd_names_note(d, tree);
    crd_versions_read(d, tree);
    note_schema(d, before, o);
    d->rows = ARENA_NEW_ARRAY(&d->a, struct api_kind, d->versions_n * 4 + 1);
    for (const cJSON *v = d->established && versions ? versions->child : NULL; v; v = v->next)
        if (json_bool_at(v, "served", false))
            add_version(x, d, tree, v);
    map_put(&x->by_name, d->name, d);
    arena_free(&a);
}

/* ---- events ---- */

static void definition_gone(struct crds *x, const struct kube_object *o)
{
    struct crd *d = map_get(&x->by_name, o->name);
    if (d)
        drop_rows(x, d);
    map_remove(&x->dying, o->name);
}

static void definition_changed(struct crds *x, struct kube_object *o)
{
    struct crd *old = map_get(&x->by_name, o->name);
    uint64_t born = old ? old->born : o->resource_version;
    if (old)
        drop_rows(x, old);
    add_definition(x, o, old, born);
}

/* The conditions, where they decide about rows. */
static bool was_established(const struct crds *x, const struct kube_object *o)
{
    const struct crd *d = map_get(&x->by_name, o->name);
    return d && d->established;
}

bool crds_event(struct crds *x, struct store_event *e)
{
    struct kube_object *o = e->object;
    if (!str_eq_c(store_table_name(e->table), CRD_TABLE))
        return false;
    if (e->type == STORE_DELETED) {
        definition_gone(x, o);
        return true;
    }
    if (o->deleting)
        map_put(&x->dying, o->name, x);
    if (e->before && was_established(x, o) &&
        str_eq(kube_object_raw(e->before, "spec"), kube_object_raw(o, "spec")))
        return false;
    bool replaced = map_has(&x->by_name, o->name);
    definition_changed(x, o);
    return replaced;
}

/* ---- life ---- */

struct crds *crds_new(struct kubeapi *api)
{
    struct crds *x = MEM_NEW(struct crds);
    x->api = api;
    list_init(&x->retired);
    return x;
}

void crds_free(struct crds *x)
{
    void *d;
    for (size_t i = 0; map_next(&x->by_name, &i, NULL, &d);)
        drop_rows(x, d);
    list_each (&x->retired, it, next) {
        struct crd *old = container_of(it, struct crd, link);
        kube_object_unref(old->object);
        map_free(&old->shown);
        arena_free(&old->a);
        mem_free(old);
    }
    map_free(&x->by_name);
    map_free(&x->rows);
    map_free(&x->dying);
    mem_free(x);
}

void crds_reset(struct crds *x)
{
    void *d;
    for (size_t i = 0; map_next(&x->by_name, &i, NULL, &d);)
        drop_rows(x, d);
    map_clear(&x->dying);
    struct store_cursor c =
        store_seek(store_table(x->api->store, STR(CRD_TABLE)), str_empty, str_empty);
    for (struct kube_object *o; (o = store_next(&c));) {
        add_definition(x, o, NULL, 0); /* unknown after a restart */
        if (o->deleting)
            map_put(&x->dying, o->name, x);
    }
}

static const struct api_kind *look_up(const struct crds *x, char type, struct str group,
                                      struct str version, struct str name)
{
    struct arena a = {0};
    const struct api_kind *k =
        map_count(&x->rows) > 0 ? map_get(&x->rows, key_of(&a, type, group, version, name)) : NULL;
    arena_free(&a);
    return k;
}

const struct api_kind *crds_find(const struct crds *x, struct str group, struct str version,
                                 struct str resource)
{
    return look_up(x, 'r', group, version, resource);
}

const struct api_kind *crds_of(const struct crds *x, struct str group, struct str version,
                               struct str kind)
{
    return look_up(x, 'k', group, version, kind);
}

const struct api_kind *crds_of_table(const struct crds *x, struct str table)
{
    struct arena a = {0};
    const struct api_kind *k = map_get(&x->rows, arena_printf(&a, "t " STR_FMT, STR_ARG(table)));
    arena_free(&a);
    return k;
}

bool crds_next(const struct crds *x, size_t *i, const struct api_kind **k)
{
    struct str key;
    void *value;
    while (map_next(&x->rows, i, &key, &value))
        if (key.p[0] == 'r') {
            *k = value;
            return true;
        }
    return false;
}

uint64_t crds_born(const struct api_kind *k)
{
    return k->crd ? k->crd->born : 0;
}

uint64_t crds_generation(const struct crds *x)
{
    return x->generation;
}

uint64_t crds_changed(const struct api_kind *k)
{
    return k->crd ? k->crd->changed : 0;
}

struct str crds_singular(const struct api_kind *k)
{
    return k->crd ? k->crd->singular : str_empty;
}

struct str crds_storage_version(const struct api_kind *k)
{
    return k->crd ? k->crd->storage_version : str_empty;
}

bool crds_is_terminating(const struct crds *x, struct str table)
{
    return map_count(&x->dying) > 0 && map_has(&x->dying, table);
}

bool crds_terminating(const struct crds *x, const struct api_kind *k)
{
    return k->crd && crds_is_terminating(x, k->table);
}

bool crds_next_terminating(const struct crds *x, size_t *i, struct str *name)
{
    return map_next(&x->dying, i, name, NULL);
}

bool crds_next_waiting(const struct crds *x, struct str group, size_t *i, struct str *name)
{
    void *value;
    while (map_next(&x->by_name, i, name, &value)) {
        const struct crd *d = value;
        if (!d->established && str_eq(d->group, group))
            return true;
    }
    return false;
}
