#include "sim/kubeapi/types/gotext.h"
#include "sim/kubeapi/types/members.h"
#include "sim/kubeapi/types/strategic_internal.h"
#include "sim/kubeapi/types/typed.h"

static const struct str directive = STR_INIT("$patch");
static const struct str retain_keys = STR_INIT("$retainKeys");
static const struct str order_prefix = STR_INIT("$setElementOrder/");
static const struct str delete_prefix = STR_INIT("$deleteFromPrimitiveList/");

struct list_kind {
    bool merges;
    struct str merge_key;
    const struct type *items;
};

static struct err *merge_map(struct arena *a, const struct type *t, cJSON **original, cJSON *patch);

/* ---- errors ---- */

static struct err *bad_directive(const cJSON *value, const cJSON *map)
{
    struct buf b = {0};
    buf_add_c(&b, "unknown patch type: ");
    gotext_print(&b, value);
    buf_add_c(&b, " in map: ");
    gotext_print(&b, map);
    struct err *err = err_new(ERR_INTERNAL, STR_FMT, STR_ARG(buf_str(&b)));
    buf_free(&b);
    return err;
}

static struct err *no_merge_key(const cJSON *map, struct str key)
{
    struct buf b = {0};
    gotext_print(&b, map);
    struct err *err =
        err_new(ERR_INTERNAL, "map: " STR_FMT " does not contain declared merge key: " STR_FMT,
                STR_ARG(buf_str(&b)), STR_ARG(key));
    buf_free(&b);
    return err;
}

static struct err *bad_argument(const cJSON *v)
{
    return err_new(ERR_INTERNAL, "expected a []interface {}, but received a %s", gotext_type(v));
}

/* ---- values that come from the patch alone ---- */

/* Takes a member or an item out: it may be put elsewhere. */
static cJSON *detach(cJSON *parent, cJSON *c)
{
    (void)cJSON_DetachItemViaPointer(parent, c);
    c->next = c->prev = NULL;
    return c;
}

static bool is_directive(struct str key)
{
    return str_eq(key, retain_keys) || str_starts(key, order_prefix) ||
           str_starts(key, delete_prefix);
}

/* Takes nulls and directives out. False: the value itself was one ({"$patch": ...}). */
static bool clean(cJSON *v)
{
    cJSON *next;
    if (v->type == cJSON_Object && json_get_str(v, directive))
        return false;
    for (cJSON *c = v->child; c; c = next) {
        next = c->next;
        bool keep = c->type != cJSON_NULL || v->type == cJSON_Array;
        if (v->type == cJSON_Object && is_directive(str_c(c->string)))
            keep = false;
        if (!keep || !clean(c))
            (void)detach(v, c);
    }
    return true;
}

/* ---- lists ---- */

static struct list_kind list_kind(const struct type *t, struct str name)
{
    const struct type_field *f;
    const struct type *type = typed_member(t, name, &f);
    struct list_kind k = {f && (f->flags & FIELD_MERGE), str_empty, NULL};
    k.items = type && type->kind == TYPE_LIST ? type->items : NULL;
    if (k.merges && f->merge_key.n > 0)
        k.merge_key = f->merge_key;
    return k;
}

static bool has_objects(const struct strategic_list *l)
{
    return l->n > 0 && l->p[0]->type == cJSON_Object;
}

static struct err *check_elements(const struct strategic_list *x, const struct strategic_list *y)
{
    bool objects = has_objects(x->n > 0 ? x : y);
    for (size_t i = 0; i < x->n + y->n; i++) {
        const cJSON *v = i < x->n ? x->p[i] : y->p[i - x->n];
        if (v->type == cJSON_Array)
            return err_new(ERR_UNPROCESSABLE, "lists of lists are not supported");
        if ((v->type == cJSON_Object) != objects)
            return err_new(ERR_INTERNAL, "list element types are not identical");
    }
    return NULL;
}

/* The directives among the items of a patch: deletes from the original, or forgets it. */
static struct err *split_special(struct arena *a, struct strategic_list *original,
                                 const struct strategic_list *patch, struct str key,
                                 struct strategic_list *rest)
{
    bool replace = false;
    *rest = (struct strategic_list){0};
    for (size_t i = 0; i < patch->n; i++) {
        cJSON *item = patch->p[i];
        const cJSON *value = json_get_str(item, directive);
        struct str what = json_string(value);
        if (!value) {
            strategic_list_add(a, rest, item);
        } else if (str_eq_c(what, "replace")) {
            replace = true;
        } else if (str_eq_c(what, "merge")) {
            return err_new(ERR_INTERNAL, "merging lists cannot yet be specified in the patch");
        } else if (!str_eq_c(what, "delete")) {
            return bad_directive(value, item);
        } else {
            struct str gone = strategic_key(a, item, key);
            size_t kept = 0;
            if (gone.n == 0)
                return no_merge_key(item, key);
            for (size_t k = 0; k < original->n; k++)
                if (!str_eq(strategic_key(a, original->p[k], key), gone))
                    original->p[kept++] = original->p[k];
            original->n = kept;
        }
    }
    if (replace) {
        *original = *rest;
        *rest = (struct strategic_list){0};
    }
    return NULL;
}

static struct err *merge_objects(struct arena *a, const struct list_kind *k,
                                 struct strategic_list *original,
                                 const struct strategic_list *patch)
{
    struct strategic_order known;
    struct err *err = NULL;
    strategic_order_init(&known, a, original, k->merge_key);
    for (size_t i = 0; i < patch->n && !err; i++) {
        struct str key = strategic_key(a, patch->p[i], k->merge_key);
        ptrdiff_t at = strategic_order_find(&known, key);
        if (key.n == 0) {
            err = no_merge_key(patch->p[i], k->merge_key);
        } else if (at >= 0) {
            err = merge_map(a, k->items, &original->p[at], patch->p[i]);
        } else if (clean(patch->p[i])) {
            strategic_list_add(a, original, patch->p[i]);
            (void)map_put(&known.at, key, (void *)(uintptr_t)original->n);
        }
    }
    strategic_order_free(&known);
    return err;
}

static void merge_scalars(struct arena *a, struct strategic_list *original,
                          const struct strategic_list *patch)
{
    struct map seen = {0};
    size_t kept = 0, before = original->n;
    for (size_t i = 0; i < patch->n; i++)
        strategic_list_add(a, original, patch->p[i]);
    for (size_t i = 0; i < before + patch->n; i++) {
        struct str key = strategic_key(a, original->p[i], str_empty);
        if (!map_has(&seen, key)) {
            (void)map_put(&seen, key, original->p[i]);
            original->p[kept++] = original->p[i];
        }
    }
    original->n = kept;
    map_free(&seen);
}

static struct err *merge_elements(struct arena *a, const struct list_kind *k,
                                  struct strategic_list *live, struct strategic_list *patch,
                                  struct strategic_list *merged)
{
    struct err *err = check_elements(live, patch);
    *merged = (struct strategic_list){0};
    for (size_t i = 0; i < live->n; i++)
        strategic_list_add(a, merged, live->p[i]);
    if (err)
        return err;
    if (!has_objects(live->n > 0 ? live : patch)) {
        merge_scalars(a, merged, patch);
        return NULL;
    }
    struct strategic_list rest;
    if (k->merge_key.n == 0)
        return err_new(ERR_INTERNAL, "cannot merge lists without merge key for " STR_FMT,
                       STR_ARG(k->items ? k->items->name : str_empty));
    err = split_special(a, merged, patch, k->merge_key, &rest);
    *patch = rest;
    return err ? err : merge_objects(a, k, merged, &rest);
}

static struct err *merge_list(struct arena *a, const struct list_kind *k, const cJSON *original,
                              const cJSON *patch, cJSON **out)
{
    struct strategic_list live, changes, merged, arranged;
    strategic_list_of(a, original, &live);
    strategic_list_of(a, patch, &changes);
    struct err *err = merge_elements(a, k, &live, &changes, &merged);
    if (err)
        return err;
    strategic_arrange(a, &merged, &changes, &live, k->merge_key, &arranged);
    *out = strategic_list_node(a, &arranged);
    return NULL;
}

static cJSON *delete_scalars(struct arena *a, const cJSON *original, const cJSON *gone)
{
    struct strategic_list live, drop, kept = {0};
    struct strategic_order order;
    strategic_list_of(a, original, &live);
    strategic_list_of(a, gone, &drop);
    strategic_order_init(&order, a, &drop, str_empty);
    for (size_t i = 0; i < live.n; i++)
        if (strategic_order_find(&order, strategic_key(a, live.p[i], str_empty)) < 0)
            strategic_list_add(a, &kept, live.p[i]);
    strategic_order_free(&order);
    return strategic_list_node(a, &kept);
}

/* ---- $setElementOrder ---- */

/* The items of the patch must stand in the order list, in its order. */
static struct err *check_order(struct arena *a, const struct strategic_list *patch,
                               const struct strategic_list *order, struct str key,
                               const cJSON *patch_node, const cJSON *order_node)
{
    size_t i = 0, k = 0;
    if (patch->n == 0 || order->n == 0)
        return NULL;
    while (i < patch->n) {
        if (patch->p[i]->type == cJSON_Object && json_get_str(patch->p[i], directive)) {
            i++;
            continue;
        }
        struct str want = strategic_key(a, patch->p[i], key);
        while (k < order->n && !str_eq(strategic_key(a, order->p[k], key), want))
            k++;
        if (k == order->n)
            break;
        i++;
        k++;
    }
    if (i == patch->n)
        return NULL;
    struct buf b = {0};
    buf_add_c(&b, "The order in patch list:\n");
    gotext_print(&b, patch_node);
    buf_add_c(&b, "\n doesn't match $setElementOrder list:\n");
    gotext_print(&b, order_node);
    buf_add_c(&b, "\n");
    struct err *err = err_new(ERR_INTERNAL, STR_FMT, STR_ARG(buf_str(&b)));
    buf_free(&b);
    return err;
}

static struct err *order_one(struct arena *a, const struct type *t, cJSON *original, cJSON *patch,
                             cJSON *order_node)
{
    struct str name = str_sub(str_c(order_node->string), order_prefix.n, SIZE_MAX);
    struct list_kind k = list_kind(t, name);
    cJSON *live_node = json_get_str(original, name), *patch_node = json_get_str(patch, name);
    struct strategic_list live, changes, order, merged, arranged;
    struct err *err = NULL;
    if (order_node->type != cJSON_Array)
        return bad_argument(order_node);
    if (live_node && live_node->type != cJSON_Array)
        return bad_argument(live_node);
    if (patch_node && patch_node->type != cJSON_Array)
        return bad_argument(patch_node);
    if (!live_node && !patch_node)
        return NULL;
    strategic_list_of(a, live_node, &live);
    strategic_list_of(a, patch_node, &changes);
    strategic_list_of(a, order_node, &order);
    err = check_order(a, &changes, &order, k.merge_key, patch_node, order_node);
    if (!err && !k.merges && patch_node)
        live_node = NULL; /* such a list is replaced */
    if (!err && live_node) {
        err = merge_elements(a, &k, &live, &changes, &merged);
    } else if (!err) {
        (void)clean(patch_node);
        strategic_list_of(a, patch_node, &merged);
    }
    if (err)
        return err;
    strategic_arrange(a, &merged, &order, &live, k.merge_key, &arranged);
    if (patch_node)
        (void)json_unset(patch, name);
    json_set(a, original, name, strategic_list_node(a, &arranged));
    return NULL;
}

static struct err *apply_orders(struct arena *a, const struct type *t, cJSON *original,
                                cJSON *patch)
{
    struct strategic_list orders = {0};
    struct err *err = NULL;
    for (cJSON *c = patch->child; c; c = c->next)
        if (str_starts(str_c(c->string), order_prefix))
            strategic_list_add(a, &orders, c);
    for (size_t i = 0; i < orders.n && !err; i++) {
        (void)detach(patch, orders.p[i]);
        err = order_one(a, t, original, patch, orders.p[i]);
    }
    return err;
}

/* ---- $retainKeys ---- */

static struct err *apply_retain_keys(struct arena *a, cJSON *original, cJSON *patch)
{
    cJSON *list = json_get_str(patch, retain_keys), *next;
    struct map kept = {0};
    if (!list)
        return NULL;
    (void)detach(patch, list);
    bool ok = list->type == cJSON_Array;
    for (cJSON *c = ok ? list->child : NULL; c; c = c->next)
        (void)map_put(&kept, json_string(c), c);
    for (const cJSON *c = patch->child; c && ok; c = c->next)
        ok = c->type == cJSON_NULL || is_directive(str_c(c->string)) ||
             map_has(&kept, str_c(c->string));
    for (cJSON *c = ok ? original->child : NULL; c; c = next) {
        next = c->next;
        if (!map_has(&kept, str_c(c->string)))
            (void)detach(original, c);
    }
    map_free(&kept);
    return ok ? NULL : err_new(ERR_INVALID, "invalid patch format of retainKeys");
}

/* ---- maps ---- */

/* The patch keeps its own: its items are still asked for their keys. */
static void set_new(struct arena *a, struct members *original, struct str name, const cJSON *value)
{
    cJSON *mine = json_copy(a, value);
    if (clean(mine))
        members_set(a, original, name, mine);
    else
        members_unset(original, name);
}

static struct err *delete_listed(struct arena *a, struct members *original, struct str name,
                                 const cJSON *gone)
{
    const cJSON *old = members_get(original, name);
    if (gone->type != cJSON_Array)
        return err_new(ERR_INVALID, "invalid patch format of primitive list");
    if (old && old->type == cJSON_Array)
        members_set(a, original, name, delete_scalars(a, old, gone));
    return NULL;
}

static struct err *merge_member(struct arena *a, const struct type *t, struct members *original,
                                cJSON *value)
{
    struct str name = str_c(value->string);
    bool delete_list = str_starts(name, delete_prefix);
    if (delete_list)
        name = str_sub(name, delete_prefix.n, SIZE_MAX);
    cJSON *old = members_get(original, name), *merged = old;
    if (value->type == cJSON_NULL) {
        members_unset(original, name);
        return NULL;
    }
    if (delete_list)
        return delete_listed(a, original, name, value);
    struct list_kind k = list_kind(t, name);
    bool maps = old && old->type == cJSON_Object && value->type == cJSON_Object;
    bool lists = old && old->type == cJSON_Array && value->type == cJSON_Array;
    if (!maps && !(lists && k.merges)) {
        set_new(a, original, name, value);
        return NULL;
    }
    const struct type_field *f;
    struct err *err = lists ? merge_list(a, &k, old, value, &merged)
                            : merge_map(a, typed_member(t, name, &f), &merged, value);
    if (!err && merged != old)
        members_set(a, original, name, merged);
    return err;
}

static struct err *merge_map(struct arena *a, const struct type *t, cJSON **original, cJSON *patch)
{
    const cJSON *what = json_get_str(patch, directive);
    struct members members;
    struct err *err;
    cJSON *next;
    if (what && str_eq_c(json_string(what), "replace")) {
        (void)json_unset(patch, directive);
        *original = json_copy(a, patch);
        return NULL;
    }
    if (what && str_eq_c(json_string(what), "delete")) {
        *original = json_object(a);
        return NULL;
    }
    if (what)
        return bad_directive(what, patch);
    err = apply_retain_keys(a, *original, patch);
    if (!err)
        err = apply_orders(a, t, *original, patch);
    members_init(&members, *original);
    for (cJSON *c = patch->child; c && !err; c = next) {
        next = c->next;
        err = merge_member(a, t, &members, c);
    }
    members_free(&members);
    return err;
}

struct err *strategic_apply(struct arena *a, const struct type *t, cJSON **tree, cJSON *patch)
{
    BUG_ON((*tree)->type != cJSON_Object || patch->type != cJSON_Object, "objects are merged");
    return merge_map(a, t, tree, patch);
}
