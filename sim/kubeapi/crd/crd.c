/* CustomResourceDefinitions: a definition becomes rows of kinds the moment it is stored, and takes its objects along
 * when it goes.
 *
 *   created (Established at once, finalizer customresourcecleanup) ─► marked for deletion ─► instances deleted
 *   ─► finalizer removed ─► rows dropped, watches cut
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
    if (d) {
        str_free(&x->freed);
        x->freed = str_dup(d->group);
        drop_rows(x, d);
        world_timer_start(x->timer, 0);
    }
    map_remove(&x->dying, o->name);
    (void)kubeapi_cut_watches(x->api, o->name, false);
}

static void definition_changed(struct crds *x, struct kube_object *o)
{
    struct crd *old = map_get(&x->by_name, o->name);
    uint64_t born = old ? old->born : o->resource_version;
    if (old)
        drop_rows(x, old);
    add_definition(x, o, old, born);
    if (old)
        (void)kubeapi_cut_watches(x->api, o->name, false); /* theirs are the rows that went */
}

/* The conditions, where they decide about rows. */
static bool was_established(const struct crds *x, const struct kube_object *o)
{
    const struct crd *d = map_get(&x->by_name, o->name);
    return d && d->established;
}

void crds_event(struct crds *x, struct store_event *e)
{
    struct str table = store_table_name(e->table);
    if (!str_eq_c(table, CRD_TABLE)) {
        if (e->type == STORE_DELETED && map_count(&x->dying) > 0 && map_has(&x->dying, table))
            world_timer_start(x->timer, 0);
        return;
    }
    struct kube_object *o = e->object;
    if (e->type == STORE_DELETED) {
        definition_gone(x, o);
        return;
    }
    if (!e->before || !was_established(x, o) ||
        !str_eq(kube_object_raw(e->before, "spec"), kube_object_raw(o, "spec")))
        definition_changed(x, o);
    if (o->deleting) {
        map_put(&x->dying, o->name, x);
        world_timer_start(x->timer, 0);
    }
}

/* ---- the way out: instances, then the finalizer ---- */

static void delete_instances(struct crds *x, struct str name)
{
    struct arena a = {0};
    struct store_table *t = store_table(x->api->store, name);
    size_t n = 0;
    struct kube_object **list = ARENA_NEW_ARRAY(&a, struct kube_object *, store_count(t) + 1);
    struct store_cursor c = store_seek(t, str_empty, str_empty);
    for (struct kube_object *o; (o = store_next(&c));)
        list[n++] = kube_object_ref(o);
    for (size_t i = 0; i < n; i++) {
        if (!list[i]->deleting)
            err_ignore(kubeapi_delete(x->api, name, list[i]->ns, list[i]->name));
        kube_object_unref(list[i]);
    }
    arena_free(&a);
}

static void release(struct crds *x, struct kube_object *o)
{
    struct api_request r;
    const struct api_kind *k = api_kind_of_table(x->api, STR(CRD_TABLE));
    api_system_begin(x->api, &r, k, VERB_UPDATE);
    cJSON *tree = kube_object_tree(o, &r.a), *left = json_array(&r.a);
    for (size_t i = 0; i < o->finalizers_n; i++)
        if (!str_eq_c(o->finalizers[i], CRD_CLEANUP))
            json_append(left, json_str(&r.a, o->finalizers[i]));
    json_set(&r.a, json_get(tree, "metadata"), STR("finalizers"), left);
    (void)api_write_update(&r, k, o, tree, WRITE_ALL, &o);
    err_ignore(api_system_end(&r));
}

/* Names came free: definitions that wait for them may have them now. */
static void give_names(struct crds *x)
{
    struct str freed = x->freed;
    void *value;
    x->freed = str_empty;
    for (size_t i = 0; freed.n > 0 && map_next(&x->by_name, &i, NULL, &value);) {
        const struct crd *d = value;
        struct kube_object *o = kubeapi_get(x->api, STR(CRD_TABLE), str_empty, d->name), *out;
        if (d->established || !o || !str_eq(d->group, freed))
            continue;
        struct api_request r;
        const struct api_kind *k = api_kind_of_table(x->api, STR(CRD_TABLE));
        api_system_begin(x->api, &r, k, VERB_UPDATE);
        cJSON *tree = kube_object_tree(o, &r.a);
        crd_names_settle(x->api, &r.a, tree);
        (void)api_write_update(&r, k, o, tree, WRITE_ALL, &out);
        err_ignore(api_system_end(&r));
    }
    str_free(&freed);
}

static void on_timer(void *owner)
{
    struct crds *x = owner;
    struct str name;
    for (size_t i = 0; map_next(&x->dying, &i, &name, NULL);) {
        struct kube_object *o = kubeapi_get(x->api, STR(CRD_TABLE), str_empty, name);
        if (!o || !o->deleting)
            continue;
        delete_instances(x, o->name);
        if (store_count(store_table(x->api->store, o->name)) == 0 &&
            kube_object_has_finalizer(o, STR(CRD_CLEANUP)))
            release(x, o);
    }
    give_names(x);
}

/* ---- life ---- */

struct crds *crds_new(struct kubeapi *api)
{
    struct crds *x = MEM_NEW(struct crds);
    x->api = api;
    x->freed = str_empty;
    list_init(&x->retired);
    x->timer = world_timer_new(api->w, on_timer, x);
    return x;
}

void crds_free(struct crds *x)
{
    void *d;
    world_timer_free(x->timer);
    for (size_t i = 0; map_next(&x->by_name, &i, NULL, &d);)
        drop_rows(x, d);
    list_each (&x->retired, it, next) {
        struct crd *old = container_of(it, struct crd, link);
        kube_object_unref(old->object);
        arena_free(&old->a);
        mem_free(old);
    }
    map_free(&x->by_name);
    map_free(&x->rows);
    map_free(&x->dying);
    str_free(&x->freed);
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
    if (map_count(&x->dying) > 0)
        world_timer_start(x->timer, 0);
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

bool crds_terminating(const struct crds *x, const struct api_kind *k)
{
    return k->crd && map_has(&x->dying, k->table);
}
