/* ControllerRevisions: the templates that stateful and daemon sets have had. */
#include "sim/kubeapi/controllers/ctl.h"

#define COLLISIONS_MAX 16

struct str template_hash(struct ctl *c, const cJSON *template, int64_t collisions)
{
    static const char letters[] = "bcdfghjklmnpqrstvwxz2456789"; /* no words come of them */
    struct buf text = {0}, hash = {0};
    json_write(&text, template);
    if (collisions)
        buf_add_i64(&text, collisions);
    buf_add_u64(&hash, (uint32_t)str_hash(buf_str(&text)));
    char *out = arena_c(&c->a, buf_str(&hash));
    for (char *p = out; *p; p++)
        *p = letters[(unsigned char)*p % (sizeof letters - 1)];
    buf_free(&text);
    buf_free(&hash);
    return str_c(out);
}

static int64_t number_of(const struct kube_object *revision)
{
    int64_t n = 0;
    (void)ctl_number(revision, "revision", &n);
    return n;
}

static struct ctl_list owned_in_order(struct ctl *c, const struct kube_object *owner)
{
    struct ctl_list list = ctl_owned(c, T_REVISIONS, owner);
    for (size_t i = 1; i < list.n; i++) {
        struct kube_object *o = list.at[i];
        size_t at = i;
        for (; at > 0 && number_of(list.at[at - 1]) > number_of(o); at--)
            list.at[at] = list.at[at - 1];
        list.at[at] = o;
    }
    return list;
}

static cJSON *data_of(struct ctl *c, const cJSON *tree)
{
    cJSON *data = json_object(&c->a), *spec = json_ensure(&c->a, data, "spec");
    cJSON *template = json_copy(&c->a, json_path(tree, "spec.template"));
    json_set_str(&c->a, template, "$patch", STR("replace"));
    json_set(&c->a, spec, STR("template"), template);
    return data;
}

/* Of the first name that nobody has: another owner of this name may have the same template. */
static struct str free_hash(struct ctl *c, const struct kube_object *owner, const cJSON *template,
                            int64_t collisions)
{
    struct str hash = str_empty;
    for (int64_t i = 0; i < COLLISIONS_MAX; i++) {
        hash = template_hash(c, template, collisions + i);
        struct str name =
            arena_printf(&c->a, STR_FMT "-" STR_FMT, STR_ARG(owner->name), STR_ARG(hash));
        if (!store_get(c->tables[T_REVISIONS], owner->ns, name))
            break;
    }
    return hash;
}

static struct kube_object *make(struct ctl *c, const struct kube_object *owner, const cJSON *tree,
                                cJSON *data, int64_t number, const char *label)
{
    struct arena *a = &c->a;
    const cJSON *template = json_path(tree, "spec.template");
    struct str hash = free_hash(c, owner, template, json_int_at(tree, "status.collisionCount", 0));
    cJSON *revision = json_object(a), *metadata = json_ensure(a, revision, "metadata");
    cJSON *owners = json_array(a), *labels = json_path(template, "metadata.labels");
    labels = labels ? json_copy(a, labels) : json_object(a);
    json_set_str(a, labels, label, hash);
    json_set(a, metadata, STR("labels"), labels);
    json_set_str(a, metadata, "name",
                 arena_printf(a, STR_FMT "-" STR_FMT, STR_ARG(owner->name), STR_ARG(hash)));
    json_append(owners, ctl_owner_reference(c, owner));
    json_set(a, metadata, STR("ownerReferences"), owners);
    json_set(a, revision, STR("data"), data);
    json_set_int(a, revision, "revision", number);
    return ctl_create(c, T_REVISIONS, owner->ns, revision);
}

struct revisions revisions_find(struct ctl *c, const struct kube_object *owner, const cJSON *tree,
                                const char *label)
{
    struct revisions r = {.list = owned_in_order(c, owner)};
    cJSON *data = data_of(c, tree);
    struct buf mine = {0};
    int64_t last = r.list.n ? number_of(r.list.at[r.list.n - 1]) : 0;
    size_t found = r.list.n;
    json_write(&mine, data);
    for (size_t i = 0; i < r.list.n; i++)
        if (str_eq(buf_str(&mine), kube_object_raw(r.list.at[i], "data")))
            found = i;
    buf_free(&mine);
    if (found == r.list.n) {
        r.update = make(c, owner, tree, data, last + 1, label);
        return r;
    }
    r.update = r.list.at[found];
    if (number_of(r.update) < last) { /* wanted again: the newest */
        cJSON *again = ctl_tree(c, r.update);
        json_set_int(&c->a, again, "revision", last + 1);
        r.update = ctl_update(c, T_REVISIONS, r.update, again);
    }
    return r;
}

struct kube_object *revision_named(const struct revisions *r, struct str name)
{
    if (r->update && str_eq(r->update->name, name))
        return r->update;
    for (size_t i = 0; i < r->list.n; i++)
        if (str_eq(r->list.at[i]->name, name))
            return r->list.at[i];
    return NULL;
}

const cJSON *revision_template(struct ctl *c, const struct kube_object *revision)
{
    cJSON *template = json_path(ctl_tree(c, revision), "data.spec.template");
    (void)json_unset(template, STR("$patch"));
    return template;
}

void revisions_trim(struct ctl *c, struct revisions *r, int64_t limit,
                    bool (*used)(const void *arg, const struct kube_object *revision),
                    const void *arg)
{
    int64_t spare = 0;
    for (size_t i = 0; i < r->list.n; i++)
        spare += !used(arg, r->list.at[i]);
    for (size_t i = 0; i < r->list.n && spare > limit; i++) {
        if (used(arg, r->list.at[i]))
            continue;
        (void)ctl_delete(c, T_REVISIONS, r->list.at[i], -1); /* gone already: as good */
        spare--;
    }
}
