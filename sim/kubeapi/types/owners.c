#include "sim/kubeapi/types/owners.h"

#include <stdlib.h>

bool owner_same(const struct owner *x, const struct owner *y)
{
    return x->apply == y->apply && str_eq(x->manager, y->manager) &&
           str_eq(x->subresource, y->subresource) &&
           (x->apply || str_eq(x->api_version, y->api_version));
}

struct owner *owners_find(const struct owners *o, const struct owner *like)
{
    for (size_t i = 0; i < o->n; i++)
        if (owner_same(&o->list[i], like))
            return &o->list[i];
    return NULL;
}

struct owner *owners_get(struct arena *a, struct owners *o, const struct owner *like)
{
    struct owner *found = owners_find(o, like);
    if (found)
        return found;
    if (o->n == o->cap) {
        size_t cap = o->cap ? o->cap * 2 : 8;
        struct owner *list = ARENA_NEW_ARRAY(a, struct owner, cap);
        if (o->n)
            memcpy(list, o->list, o->n * sizeof(*list));
        o->list = list;
        o->cap = cap;
    }
    o->list[o->n] = *like;
    o->list[o->n].set = NULL;
    return &o->list[o->n++];
}

void owners_drop_empty(struct owners *o)
{
    size_t kept = 0;
    for (size_t i = 0; i < o->n; i++)
        if (!fieldset_empty(o->list[i].set))
            o->list[kept++] = o->list[i];
    o->n = kept;
}

/* ---- reading ---- */

static struct err *parse_entry(struct arena *a, const cJSON *e, struct owners *out)
{
    struct str operation = json_string_at(e, "operation");
    struct owner o = {.manager = json_string_at(e, "manager"),
                      .api_version = json_string_at(e, "apiVersion"),
                      .subresource = json_string_at(e, "subresource"),
                      .apply = str_eq_c(operation, "Apply"),
                      .time = json_string_at(e, "time")};
    const cJSON *set = json_get(e, "fieldsV1");
    if (!o.apply && !str_eq_c(operation, "Update"))
        return err_new(ERR_INVALID, "\"" STR_FMT "\" is no operation", STR_ARG(operation));
    if (o.api_version.n == 0 || !str_eq_c(json_string_at(e, "fieldsType"), "FieldsV1"))
        return err_new(ERR_INVALID, "an entry needs apiVersion and fieldsType FieldsV1");
    if (out->n == OWNERS_MAX)
        return err_new(ERR_TOO_LARGE, "more than %u managers of fields", OWNERS_MAX);
    struct owner *mine = owners_get(a, out, &o);
    *mine = o;
    return set ? fieldset_parse(a, set, &mine->set) : NULL;
}

struct err *owners_parse(struct arena *a, const cJSON *managed_fields, struct owners *out)
{
    *out = (struct owners){0};
    for (const cJSON *e = managed_fields ? managed_fields->child : NULL; e; e = e->next) {
        struct err *err = parse_entry(a, e, out);
        if (err) {
            *out = (struct owners){0};
            return err;
        }
    }
    return NULL;
}

/* ---- writing ---- */

static int by_time(const void *x, const void *y)
{
    const struct owner *a = x, *b = y;
    if (a->apply != b->apply)
        return a->apply ? -1 : 1;
    int order = str_cmp(a->time, b->time); /* all in UTC, of one length; none is the oldest */
    if (order == 0)
        order = str_cmp(a->manager, b->manager);
    if (order == 0)
        order = str_cmp(a->api_version, b->api_version);
    return order ? order : str_cmp(a->subresource, b->subresource);
}

static void add_text(struct buf *out, const char *key, struct str value)
{
    buf_add_c(out, key);
    json_write_string(out, value);
}

static void write_entry(struct buf *out, const struct owner *o)
{
    add_text(out, "{\"apiVersion\":", o->api_version);
    buf_add_c(out, ",\"fieldsType\":\"FieldsV1\",\"fieldsV1\":");
    fieldset_write(out, o->set);
    if (o->manager.n > 0)
        add_text(out, ",\"manager\":", o->manager);
    buf_add_c(out, o->apply ? ",\"operation\":\"Apply\"" : ",\"operation\":\"Update\"");
    if (o->subresource.n > 0)
        add_text(out, ",\"subresource\":", o->subresource);
    if (o->time.n > 0)
        add_text(out, ",\"time\":", o->time);
    buf_add_char(out, '}');
}

void owners_write(struct buf *out, struct owners *o)
{
    if (o->n > 1)
        qsort(o->list, o->n, sizeof(*o->list), by_time);
    buf_add_char(out, '[');
    for (size_t i = 0; i < o->n; i++) {
        if (i)
            buf_add_char(out, ',');
        write_entry(out, &o->list[i]);
    }
    buf_add_char(out, ']');
}

bool owners_equal(const struct owners *x, const struct owners *y)
{
    if (x->n != y->n)
        return false;
    for (size_t i = 0; i < x->n; i++) {
        const struct owner *other = owners_find(y, &x->list[i]);
        if (!other || !str_eq(other->api_version, x->list[i].api_version) ||
            !fieldset_equal(other->set, x->list[i].set))
            return false;
    }
    return true;
}

int owner_cmp(const struct owner *x, const struct owner *y)
{
    int order = str_cmp(x->manager, y->manager);
    if (order == 0 && x->apply != y->apply)
        order = x->apply ? -1 : 1;
    if (order == 0)
        order = str_cmp(x->subresource, y->subresource);
    return order || x->apply ? order : str_cmp(x->api_version, y->api_version);
}

void owner_print(struct buf *out, const struct owner *o)
{
    json_write_string(out, o->manager);
    if (o->subresource.n > 0)
        buf_addf(out, " with subresource \"" STR_FMT "\"", STR_ARG(o->subresource));
    if (!o->apply)
        buf_addf(out, " using " STR_FMT, STR_ARG(o->api_version));
}

/* ---- what writes do ---- */

void owners_take(struct arena *a, struct owners *o, const struct owner *self,
                 const struct typed_changes *changes)
{
    for (size_t i = 0; i < o->n; i++) {
        struct owner *each = &o->list[i];
        if (owner_same(each, self))
            continue;
        each->set = fieldset_difference(a, each->set, changes->changed);
        each->set = fieldset_difference(a, each->set, changes->removed);
    }
    owners_drop_empty(o);
}

bool owners_update(struct arena *a, struct owners *o, const struct owner *who,
                   const struct typed_changes *changes)
{
    if (!changes->changed && !changes->removed)
        return false;
    struct owner gone = {.manager = str_empty, .api_version = str_empty, .subresource = str_empty};
    owners_take(a, o, who, &(struct typed_changes){changes->changed, NULL});
    /* What vanished leaves the writer's own set as well. */
    owners_take(a, o, &gone, &(struct typed_changes){NULL, changes->removed});
    const struct fieldset *mine = typed_strip(a, changes->changed);
    if (fieldset_empty(mine))
        return false;
    struct owner *self = owners_get(a, o, who);
    self->set = fieldset_union(a, self->set, mine);
    self->time = who->time;
    return true;
}

static int by_age(const void *x, const void *y)
{
    const struct owner *const *a = x, *const *b = y;
    int order = str_cmp((*a)->time, (*b)->time);
    return order ? order : owner_cmp(*a, *b);
}

/* The first of a version that is met is renamed when a second one comes: one alone keeps its name. */
static bool fold(struct arena *a, struct owners *o, struct owner **oldest, size_t i)
{
    static const struct str name = STR_INIT("ancient-changes");
    struct owner *each = oldest[i], *bucket = NULL;
    for (size_t k = 0; k < i && !bucket; k++)
        if (str_eq(oldest[k]->api_version, each->api_version))
            bucket = oldest[k];
    if (!bucket)
        return false;
    struct owner ancient = {
        .manager = name, .api_version = each->api_version, .subresource = str_empty};
    struct owner *known = owners_find(o, &ancient);
    if (known && known != bucket && known != each && !fieldset_empty(known->set)) {
        known->set = fieldset_union(a, known->set, bucket->set);
        bucket->set = NULL;
        bucket = known;
    }
    bucket->manager = name;
    bucket->subresource = str_empty;
    bucket->set = fieldset_union(a, bucket->set, each->set);
    bucket->time = each->time;
    each->set = NULL;
    return true;
}

void owners_cap(struct arena *a, struct owners *o)
{
    struct owner **updates = ARENA_NEW_ARRAY(a, struct owner *, o->n + 1);
    size_t n = 0;
    for (size_t i = 0; i < o->n; i++)
        if (!o->list[i].apply)
            updates[n++] = &o->list[i];
    if (n <= OWNERS_UPDATES)
        return;
    qsort(updates, n, sizeof(struct owner *), by_age);
    size_t left = n;
    for (size_t i = 0; i < n && left > OWNERS_UPDATES; i++)
        left -= fold(a, o, updates, i);
    owners_drop_empty(o);
}
