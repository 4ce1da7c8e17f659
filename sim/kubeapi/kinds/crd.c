/* CustomResourceDefinitions: a definition becomes rows of kinds the moment it is stored, and takes its objects along
 * when it goes.
 *
 *   created (Established at once, finalizer customresourcecleanup) ─► marked for deletion ─► instances deleted
 *   ─► finalizer removed ─► rows dropped, watches cut
 *
 * Rows that were replaced stay in memory until the server ends: requests under way point at them. */
#include "sim/kubeapi/api_internal.h"

#include <string.h>

#define CLEANUP "customresourcecleanup.apiextensions.k8s.io"

static const char crd_table[] = "customresourcedefinitions.apiextensions.k8s.io";

struct crd {
    struct list link; /* crds.retired, once it was replaced */
    struct str name;  /* "widgets.example.com" */
    uint64_t born;    /* revision of the definition: no watch can resume from before it */
    uint64_t changed; /* generation of the kinds when these rows were made */
    struct str singular, storage_version;
    struct arena a;
    struct api_kind *rows; /* per served version: main row, its subresources, an empty row */
    size_t rows_n;
};

struct crds {
    struct kubeapi *api;
    struct map by_name; /* → struct crd * */
    struct map
        rows; /* "r group/version/plural", "k group/version/Kind", "t table" → const struct api_kind * */
    struct list retired;
    uint64_t generation; /* counts changes of the rows */
    struct map dying;    /* names whose instances are being deleted */
    struct world_timer *timer;
};

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

static void add_definition(struct crds *x, const struct kube_object *o, uint64_t born)
{
    struct arena a = {0};
    struct crd *d = MEM_NEW(struct crd);
    const cJSON *tree = kube_object_tree(o, &a), *versions = json_path(tree, "spec.versions");
    size_t n = versions ? (size_t)cJSON_GetArraySize(versions) : 0;
    list_init(&d->link);
    d->name = arena_str(&d->a, o->name);
    d->born = born;
    d->changed = ++x->generation;
    d->singular = own(&d->a, tree, "spec.names.singular");
    d->storage_version = str_empty;
    d->rows = ARENA_NEW_ARRAY(&d->a, struct api_kind, n * 4 + 1);
    for (const cJSON *v = n > 0 ? versions->child : NULL; v; v = v->next) {
        if (json_bool_at(v, "storage", false))
            d->storage_version = own(&d->a, v, "name");
        if (json_bool_at(v, "served", false))
            add_version(x, d, tree, v);
    }
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
    (void)kubeapi_cut_watches(x->api, o->name, false);
}

void crds_event(struct crds *x, struct store_event *e)
{
    struct str table = store_table_name(e->table);
    if (!str_eq_c(table, crd_table)) {
        if (e->type == STORE_DELETED && map_count(&x->dying) > 0 && map_has(&x->dying, table))
            world_timer_start(x->timer, 0);
        return;
    }
    const struct kube_object *o = e->object;
    if (e->type == STORE_DELETED) {
        definition_gone(x, o);
        return;
    }
    if (!e->before || !str_eq(kube_object_raw(e->before, "spec"), kube_object_raw(o, "spec"))) {
        struct crd *old = map_get(&x->by_name, o->name);
        uint64_t born = old ? old->born : o->resource_version;
        if (old)
            drop_rows(x, old);
        add_definition(x, o, born);
    }
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
    const struct api_kind *k = api_kind_of_table(x->api, str_c(crd_table));
    api_system_begin(x->api, &r, k, VERB_UPDATE);
    cJSON *tree = kube_object_tree(o, &r.a), *left = json_array(&r.a);
    for (size_t i = 0; i < o->finalizers_n; i++)
        if (!str_eq_c(o->finalizers[i], CLEANUP))
            json_append(left, json_str(&r.a, o->finalizers[i]));
    json_set(&r.a, json_get(tree, "metadata"), STR("finalizers"), left);
    (void)api_write_update(&r, k, o, tree, WRITE_ALL, &o);
    err_ignore(api_system_end(&r));
}

static void on_timer(void *owner)
{
    struct crds *x = owner;
    struct str name;
    for (size_t i = 0; map_next(&x->dying, &i, &name, NULL);) {
        struct kube_object *o = kubeapi_get(x->api, str_c(crd_table), str_empty, name);
        if (!o || !o->deleting)
            continue;
        delete_instances(x, o->name);
        if (store_count(store_table(x->api->store, o->name)) == 0 &&
            kube_object_has_finalizer(o, STR(CLEANUP)))
            release(x, o);
    }
}

/* ---- what the server adds to a new definition ---- */

static void condition(struct arena *a, cJSON *list, const char *type, struct str now,
                      const char *reason, const char *message)
{
    cJSON *c = json_object(a);
    json_set_str(a, c, "type", str_c(type));
    json_set_str(a, c, "status", STR("True"));
    json_set_str(a, c, "lastTransitionTime", now);
    json_set_str(a, c, "reason", str_c(reason));
    json_set_str(a, c, "message", str_c(message));
    json_append(list, c);
}

static void default_names(struct arena *a, cJSON *names)
{
    struct str kind = json_string_at(names, "kind");
    if (json_string_at(names, "listKind").n == 0)
        json_set_str(a, names, "listKind", arena_printf(a, STR_FMT "List", STR_ARG(kind)));
    if (json_string_at(names, "singular").n == 0) {
        char *lower = arena_c(a, kind);
        for (char *p = lower; *p; p++)
            if (*p >= 'A' && *p <= 'Z')
                *p = (char)(*p + ('a' - 'A'));
        json_set_str(a, names, "singular", str_c(lower));
    }
}

void crds_status(struct kubeapi *api, cJSON *crd, struct arena *a)
{
    struct str now = api_now(api, a);
    cJSON *names = json_ensure(a, crd, "spec.names"), *metadata = json_get(crd, "metadata");
    cJSON *conversion = json_ensure(a, crd, "spec.conversion"), *finalizers = json_array(a);
    cJSON *status = json_object(a), *conditions = json_array(a), *stored = json_array(a);
    const cJSON *versions = json_path(crd, "spec.versions");
    if (names)
        default_names(a, names);
    if (conversion && !json_get(conversion, "strategy"))
        json_set_str(a, conversion, "strategy", STR("None"));
    json_append(finalizers, json_str(a, STR(CLEANUP)));
    json_set(a, metadata, STR("finalizers"), finalizers);
    condition(a, conditions, "NamesAccepted", now, "NoConflicts", "no conflicts found");
    condition(a, conditions, "Established", now, "InitialNamesAccepted",
              "the initial names have been accepted");
    for (const cJSON *v = versions ? versions->child : NULL; v; v = v->next)
        if (json_bool_at(v, "storage", false))
            json_append(stored, json_str(a, json_string_at(v, "name")));
    json_set(a, status, STR("conditions"), conditions);
    json_set(a, status, STR("acceptedNames"), names ? json_copy(a, names) : json_object(a));
    json_set(a, status, STR("storedVersions"), stored);
    json_set(a, crd, STR("status"), status);
}

/* ---- life ---- */

struct crds *crds_new(struct kubeapi *api)
{
    struct crds *x = MEM_NEW(struct crds);
    x->api = api;
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
        store_seek(store_table(x->api->store, str_c(crd_table)), str_empty, str_empty);
    for (struct kube_object *o; (o = store_next(&c));) {
        add_definition(x, o, 0); /* unknown after a restart */
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
