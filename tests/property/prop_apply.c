/* Goal: whatever the managers do: the laws of sets hold; what is owned is there; an apply is in the object, does nothing twice,
 * and takes away what nobody applies any more; force leaves no other owner of what it changed; and the strategic patch that
 * leads from one object to another does lead there.
 * Method: random objects of a small type with every kind of list and map, random applies, forced applies and updates of three
 * managers; a differ of our own for strategic patches. */
#include "tests/property/support/seed.h"

#include "sim/kubeapi/types/merge.h"
#include "sim/kubeapi/types/strategic.h"

/* The sentence says which law is broken. */
#define CHECK(cond, sentence)                                                                      \
    do {                                                                                           \
        if (!(cond))                                                                               \
            fail_msg("%s", sentence);                                                              \
    } while (0)

/* ---- the type ---- */

static const struct type text = {.kind = TYPE_STRING};
static const struct type text_map = {.kind = TYPE_MAP, .items = &text};
static const struct type text_set = {.kind = TYPE_LIST, .flags = TYPE_SET, .items = &text};
static const struct type text_list = {.kind = TYPE_LIST, .flags = TYPE_ATOMIC, .items = &text};
static const struct type_field item_fields[] = {
    {.name = STR_INIT("a"), .type = &text},
    {.name = STR_INIT("name"), .type = &text},
    {.name = STR_INIT("tags"), .type = &text_set, .flags = FIELD_MERGE},
};
static const struct type item = {.kind = TYPE_OBJECT, .fields = item_fields, .fields_n = 3};
static const struct str item_keys[] = {STR_INIT("name")};
static const struct type item_list = {.kind = TYPE_LIST,
                                      .flags = TYPE_KEYED,
                                      .items = &item,
                                      .list_keys = item_keys,
                                      .list_keys_n = 1};
static const struct type_field part_fields[] = {
    {.name = STR_INIT("map"), .type = &text_map},
    {.name = STR_INIT("x"), .type = &text},
};
static const struct type part = {.kind = TYPE_OBJECT, .fields = part_fields, .fields_n = 2};
static const struct type_field fields[] = {
    {.name = STR_INIT("items"),
     .type = &item_list,
     .flags = FIELD_MERGE,
     .merge_key = STR_INIT("name")},
    {.name = STR_INIT("list"), .type = &text_list},
    {.name = STR_INIT("map"), .type = &text_map},
    {.name = STR_INIT("part"), .type = &part},
    {.name = STR_INIT("set"), .type = &text_set, .flags = FIELD_MERGE},
    {.name = STR_INIT("x"), .type = &text},
};
static const struct type whole = {.kind = TYPE_OBJECT, .fields = fields, .fields_n = 6};

/* ---- random values: nothing in them is empty ---- */

static const char *const words[] = {"a", "b", "c", "d"};

static struct str word(struct rng *r)
{
    return str_c(words[draw(r, ARRAY_LEN(words))]);
}

static cJSON *value_of(struct arena *a, struct rng *r, const struct type *t);

static cJSON *list_of(struct arena *a, struct rng *r, const struct type *t)
{
    cJSON *out = json_array(a);
    size_t from = draw(r, ARRAY_LEN(words));
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        struct str name = str_c(words[(from + i) % ARRAY_LEN(words)]); /* no doubles */
        if (!rng_chance(r, 500000))
            continue;
        cJSON *v = t->flags & TYPE_KEYED ? value_of(a, r, t->items) : json_str(a, name);
        if (t->flags & TYPE_KEYED) {
            v = v ? v : json_object(a);
            json_set_str(a, v, "name", name);
        }
        json_append(out, v);
    }
    return out->child ? out : NULL;
}

static cJSON *object_of(struct arena *a, struct rng *r, const struct type *t)
{
    cJSON *out = json_object(a);
    size_t n = t->kind == TYPE_MAP ? ARRAY_LEN(words) : t->fields_n;
    for (size_t i = 0; i < n; i++) {
        bool map = t->kind == TYPE_MAP;
        struct str name = map ? str_c(words[i]) : t->fields[i].name;
        cJSON *v =
            rng_chance(r, 450000) ? value_of(a, r, map ? t->items : t->fields[i].type) : NULL;
        if (v)
            json_set(a, out, name, v);
    }
    return out->child ? out : NULL;
}

static cJSON *value_of(struct arena *a, struct rng *r, const struct type *t)
{
    return t->kind == TYPE_STRING ? json_str(a, word(r))
           : t->kind == TYPE_LIST ? list_of(a, r, t)
                                  : object_of(a, r, t);
}

static cJSON *any_object(struct arena *a, struct rng *r)
{
    cJSON *v = value_of(a, r, &whole);
    return v ? v : json_object(a);
}

/* ---- sets ---- */

/* Everything that can be owned in an object. */
static const struct fieldset *all_of(struct arena *a, const cJSON *v)
{
    struct typed_changes c;
    typed_compare(a, &whole, NULL, v, false, &c);
    return fieldset_union(a, c.changed, typed_set(a, &whole, v));
}

static bool contains(struct arena *a, const struct fieldset *x, const struct fieldset *y)
{
    return fieldset_empty(fieldset_difference(a, y, x));
}

static void check_laws(struct arena *a, struct rng *r)
{
    const cJSON *p = any_object(a, r), *q = any_object(a, r);
    const struct fieldset *x = all_of(a, p), *y = typed_set(a, &whole, q), *back;
    const struct fieldset *both = fieldset_intersection(a, x, y);
    const struct fieldset *rest = fieldset_difference(a, x, y);
    struct typed_changes c;
    struct buf b = {0};
    cJSON *json;
    CHECK(fieldset_equal(fieldset_union(a, both, rest), x), "a set is what it shares and what not");
    CHECK(fieldset_empty(fieldset_intersection(a, rest, y)), "a difference shares nothing");
    CHECK(fieldset_equal(fieldset_union(a, x, y), fieldset_union(a, y, x)), "a union has no order");
    CHECK(contains(a, fieldset_union(a, x, y), y), "a union has both");
    fieldset_write(&b, x);
    err_ignore(json_parse(a, buf_str(&b), &json));
    err_ignore(fieldset_parse(a, json, &back));
    CHECK(fieldset_equal(back, x), "a set comes back from its JSON");
    buf_free(&b);
    typed_compare(a, &whole, p, q, false, &c);
    CHECK(contains(a, fieldset_union(a, x, c.changed), all_of(a, q)), "what is new has changed");
    CHECK(fieldset_empty(fieldset_intersection(a, c.removed, all_of(a, q))),
          "what is removed is not there");
}

/* ---- managers ---- */

struct state {
    struct arena *a;
    struct rng *r;
    cJSON *live;
    struct owners owners;
};

static struct owners copy_of(struct arena *a, const struct owners *o)
{
    struct owners c = {ARENA_NEW_ARRAY(a, struct owner, o->n + 1), o->n, o->n + 1};
    if (o->n)
        memcpy(c.list, o->list, o->n * sizeof(*c.list));
    return c;
}

static const struct fieldset *owned_by_others(struct arena *a, const struct owners *o,
                                              const struct owner *self)
{
    const struct fieldset *s = NULL;
    for (size_t i = 0; i < o->n; i++)
        if (!owner_same(&o->list[i], self))
            s = fieldset_union(a, s, o->list[i].set);
    return s;
}

static bool has_leaf(const struct fieldset *s, const struct fieldset *in)
{
    for (const struct fieldset *c = s ? s->first : NULL; c; c = c->next) {
        const struct fieldset *there = fieldset_child(in, c->kind, c->text);
        if ((c->member && there && !there->first) || has_leaf(c, there))
            return true;
    }
    return false;
}

static bool do_apply(struct state *s, const struct owner *who, cJSON *patch, bool force,
                     bool *changed)
{
    struct merge_conflicts conflicts;
    struct owners owners = copy_of(s->a, &s->owners);
    struct merge_apply m = {
        .type = &whole, .live = s->live, .patch = patch, .self = *who, .force = force};
    cJSON *result;
    const struct owner *known = owners_find(&s->owners, who);
    const struct fieldset *before = known ? known->set : NULL;
    merge_apply(s->a, &m, &owners, &result, changed, &conflicts);
    CHECK(!force || conflicts.n == 0, "force asks nobody");
    if (conflicts.n > 0)
        return false;
    struct typed_changes c;
    typed_compare(s->a, &whole, s->live, result, true, &c);
    const struct fieldset *others = owned_by_others(s->a, &owners, who);
    CHECK(fieldset_empty(fieldset_intersection(s->a, others, c.changed)),
          "nobody else owns what an apply changed");
    cJSON *again = merge_values(s->a, &whole, result, patch);
    CHECK(again ? json_equal(again, result) : !result->child, "the patch is in the object");
    known = owners_find(&owners, who);
    const struct fieldset *gone =
        fieldset_difference(s->a, fieldset_difference(s->a, before, known ? known->set : NULL),
                            owned_by_others(s->a, &s->owners, who));
    const struct fieldset *there = typed_set(s->a, &whole, result);
    CHECK(!has_leaf(fieldset_intersection(s->a, there, gone), there),
          "what was applied alone and is not any more, is gone");
    s->owners = owners;
    s->live = result;
    return true;
}

static void apply_step(struct state *s, struct owner who)
{
    bool changed, force = rng_chance(s->r, 400000);
    cJSON *patch = any_object(s->a, s->r);
    who.apply = true;
    if (!do_apply(s, &who, patch, force, &changed))
        return;
    struct owners before = copy_of(s->a, &s->owners);
    CHECK(do_apply(s, &who, patch, false, &changed), "the second apply has no conflict");
    CHECK(!changed && owners_equal(&before, &s->owners), "the second apply does nothing");
}

static void update_step(struct state *s, struct owner who)
{
    struct typed_changes c;
    cJSON *fresh = any_object(s->a, s->r);
    typed_compare(s->a, &whole, s->live, fresh, true, &c);
    (void)owners_update(s->a, &s->owners, &who, &c);
    const struct owner *self = owners_find(&s->owners, &who);
    CHECK(contains(s->a, self ? self->set : NULL, typed_strip(s->a, c.changed)),
          "an update owns what it changed");
    CHECK(fieldset_empty(
              fieldset_intersection(s->a, owned_by_others(s->a, &s->owners, &who), c.changed)),
          "and nobody else does");
    s->live = fresh;
}

static void check_managers(struct arena *a, struct rng *r)
{
    static const char *const names[] = {"m1", "m2", "m3"};
    struct state s = {a, r, json_object(a), {0}};
    for (size_t i = 0; i < 8; i++) {
        struct owner who = {.manager = str_c(names[draw(r, ARRAY_LEN(names))]),
                            .api_version = STR("v1"),
                            .subresource = str_empty,
                            .time = STR("2026-01-01T00:00:00Z")};
        if (rng_chance(r, 700000))
            apply_step(&s, who);
        else
            update_step(&s, who);
        const struct fieldset *all = all_of(a, s.live);
        for (size_t k = 0; k < s.owners.n; k++) {
            CHECK(contains(a, all, s.owners.list[k].set), "what is owned is there");
            CHECK(!fieldset_empty(s.owners.list[k].set), "owners of nothing are forgotten");
        }
    }
}

/* ---- strategic patches ---- */

static cJSON *diff(struct arena *a, const struct type *t, const cJSON *from, const cJSON *to);

static const cJSON *by_name(const cJSON *list, const cJSON *like)
{
    for (const cJSON *c = list ? list->child : NULL; c; c = c->next)
        if (like->type == cJSON_Object ? json_equal(json_get(c, "name"), json_get(like, "name"))
                                       : json_equal(c, like))
            return c;
    return NULL;
}

static cJSON *only_name(struct arena *a, const cJSON *v)
{
    if (v->type != cJSON_Object)
        return json_copy(a, v);
    cJSON *out = json_object(a);
    json_set_str(a, out, "name", json_string_at(v, "name"));
    return out;
}

static void diff_lists(struct arena *a, const struct type *t, struct str name, const cJSON *from,
                       const cJSON *to, cJSON *out)
{
    cJSON *order = json_array(a), *items = json_array(a), *gone = json_array(a);
    for (const cJSON *c = to->child; c; c = c->next) {
        const cJSON *old = by_name(from, c);
        json_append(order, only_name(a, c));
        if (old && json_equal(old, c))
            continue;
        cJSON *change = old ? diff(a, t->items, old, c) : json_copy(a, c);
        if (old)
            json_set_str(a, change, "name", json_string_at(c, "name"));
        json_append(items, change);
    }
    for (const cJSON *c = from->child; c; c = c->next) {
        if (by_name(to, c))
            continue;
        cJSON *drop = only_name(a, c);
        if (c->type == cJSON_Object)
            json_set_str(a, drop, "$patch", STR("delete"));
        json_append(c->type == cJSON_Object ? items : gone, drop);
    }
    json_set(a, out, arena_printf(a, "$setElementOrder/" STR_FMT, STR_ARG(name)), order);
    if (items->child)
        json_set(a, out, name, items);
    if (gone->child)
        json_set(a, out, arena_printf(a, "$deleteFromPrimitiveList/" STR_FMT, STR_ARG(name)), gone);
}

static cJSON *diff(struct arena *a, const struct type *t, const cJSON *from, const cJSON *to)
{
    cJSON *out = json_object(a);
    for (const cJSON *c = from->child; c; c = c->next)
        if (!json_get(to, c->string))
            json_set(a, out, str_c(c->string), json_null(a));
    for (const cJSON *c = to->child; c; c = c->next) {
        const struct type_field *f;
        struct str name = str_c(c->string);
        const struct type *below = typed_member(t, name, &f);
        const cJSON *old = json_get(from, c->string);
        if (old && json_equal(old, c))
            continue;
        if (old && c->type == cJSON_Object)
            json_set(a, out, name, diff(a, below, old, c));
        else if (old && c->type == cJSON_Array && f && (f->flags & FIELD_MERGE))
            diff_lists(a, below, name, old, c, out);
        else
            json_set(a, out, name, json_copy(a, c));
    }
    return out;
}

static void check_strategic(struct arena *a, struct rng *r)
{
    cJSON *from = any_object(a, r), *to = any_object(a, r);
    cJSON *patch = diff(a, &whole, from, to);
    struct err *err = strategic_apply(a, &whole, &from, patch);
    CHECK(!err, "a patch of our own making is taken");
    CHECK(json_equal(from, to), "the patch leads to the other object");
}

static void try_all(struct rng *r)
{
    for (int i = 0; i < 120; i++) {
        struct arena a = {0};
        check_laws(&a, r);
        check_managers(&a, r);
        check_strategic(&a, r);
        arena_free(&a);
    }
}

static void ownership_holds(void **state)
{
    (void)state;
    each_seed(10, try_all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(ownership_holds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
