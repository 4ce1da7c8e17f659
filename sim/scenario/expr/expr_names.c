#include "sim/scenario/expr/expr_names.h"

#include <string.h>

#define NAMES_LISTED_MAX 512u

static const struct expr_vocabulary *vocabulary_of(const struct resolver *r)
{
    static const struct expr_vocabulary none = {0};
    const struct expr_vocabulary *v = r->e->scope->vocabulary;
    return v && !r->in_constant ? v : &none;
}

static const struct expr_collection *collection_at(const struct resolver *r, uint32_t i)
{
    const struct expr_vocabulary *v = vocabulary_of(r);
    BUG_ON(i >= v->collections_n, "a collection is of the vocabulary in sight");
    return &v->collections[i];
}

/* Inside ${...} no item can be seen. */
static unsigned open_items(const struct resolver *r)
{
    return r->in_constant ? 0 : r->open_n;
}

const struct expr_domain *names_domain(const struct resolver *r, const char *name)
{
    const struct expr_scope *scope = r->e->scope;
    for (size_t i = 0; name && i < scope->domains_n; i++)
        if (str_eq(str_c(scope->domains[i].name), str_c(name)))
            return &scope->domains[i];
    return NULL;
}

bool names_in_domain(const struct expr_domain *domain, struct str word)
{
    for (size_t i = 0; domain && i < domain->n; i++)
        if (str_eq(domain->values[i], word))
            return true;
    return false;
}

bool names_collection(const struct resolver *r, struct str name, uint32_t *out)
{
    const struct expr_vocabulary *v = vocabulary_of(r);
    for (size_t i = 0; i < v->collections_n; i++) {
        if (str_eq_c(name, v->collections[i].name)) {
            *out = (uint32_t)i;
            return true;
        }
    }
    return false;
}

void names_depend(struct resolver *r, enum expr_dep_kind kind, uint32_t a, uint32_t b)
{
    struct expr *e = r->e;
    struct expr_dep dep = {kind, a, b};
    if (expr_depends_on(e, dep))
        return;
    if (e->deps_n == e->deps_cap) {
        size_t cap = e->deps_cap ? e->deps_cap * 2 : 8;
        struct expr_dep *deps = ARENA_NEW_ARRAY(r->c->arena, struct expr_dep, cap);
        if (e->deps_n)
            memcpy(deps, e->deps, e->deps_n * sizeof(*deps));
        e->deps = deps;
        e->deps_cap = cap;
    }
    e->deps[e->deps_n++] = dep;
}

/* ---- looking up ---- */

static bool find_field(const struct expr_collection *collection, struct str name, uint32_t *out)
{
    for (size_t i = 0; i < collection->fields_n; i++) {
        if (str_eq_c(name, collection->fields[i].name)) {
            *out = (uint32_t)i;
            return true;
        }
    }
    return false;
}

static void become_field(struct resolver *r, struct expr_node *n, uint32_t var, uint32_t field)
{
    n->op = OP_FIELD;
    n->var = var;
    n->alias = r->open[var].alias;
    n->collection = r->open[var].collection;
    n->index = field;
    n->field = &collection_at(r, n->collection)->fields[field];
    n->type = n->field->type;
    names_depend(r, EXPR_DEP_FIELD, n->collection, field);
}

/* A field of an open item: by its own name, or behind the name of its collection; the innermost first. */
static bool lookup_field(struct resolver *r, struct expr_node *n)
{
    struct str head, tail;
    bool dotted = str_cut(n->name, '.', &head, &tail);
    for (unsigned i = open_items(r); i-- > 0;) {
        const struct opening *o = &r->open[i];
        uint32_t field;
        if (o->collection == NAMES_NOT_BOUND)
            continue;
        const struct expr_collection *c = collection_at(r, o->collection);
        if (find_field(c, n->name, &field) ||
            (dotted && str_eq(head, o->alias) && find_field(c, tail, &field))) {
            become_field(r, n, i, field);
            return true;
        }
    }
    return false;
}

/* agent.restarts where no agent is open: opens the collection of the aggregate around. */
static bool lookup_binding(struct resolver *r, struct expr_node *n)
{
    struct str head, tail;
    uint32_t collection, field;
    unsigned var = open_items(r);
    while (var > 0 && r->open[var - 1].collection != NAMES_NOT_BOUND)
        var--;
    if (var == 0 || !str_cut(n->name, '.', &head, &tail) || !names_collection(r, head, &collection))
        return false;
    if (!find_field(collection_at(r, collection), tail, &field))
        return false;
    r->open[var - 1] = (struct opening){collection, head};
    names_depend(r, EXPR_DEP_ITEMS, collection, 0);
    become_field(r, n, var - 1, field);
    return true;
}

/* site.a.died_at, fault.'the cut'.fired */
static bool cut_item(struct str name, struct str *head, struct str *item, struct str *tail)
{
    struct str rest, nothing;
    if (!str_cut(name, '.', head, &rest) || rest.n == 0)
        return false;
    if (rest.p[0] != '\'' && rest.p[0] != '"')
        return str_cut(rest, '.', item, tail);
    return str_cut(str_sub(rest, 1, rest.n), rest.p[0], item, &rest) &&
           str_cut(rest, '.', &nothing, tail);
}

static bool lookup_item(struct resolver *r, struct expr_node *n)
{
    struct str head, item, tail;
    uint32_t collection, field;
    if (!cut_item(n->name, &head, &item, &tail) || !names_collection(r, head, &collection))
        return false;
    const struct expr_collection *c = collection_at(r, collection);
    if (!names_in_domain(names_domain(r, c->names), item) || !find_field(c, tail, &field))
        return false;
    n->op = OP_ITEM;
    n->collection = collection;
    n->index = field;
    n->name = item;
    n->field = &c->fields[field];
    n->type = n->field->type;
    names_depend(r, EXPR_DEP_ITEMS, collection, 0);
    names_depend(r, EXPR_DEP_FIELD, collection, field);
    return true;
}

static bool lookup_global(struct resolver *r, struct expr_node *n)
{
    const struct expr_vocabulary *v = vocabulary_of(r);
    for (size_t i = 0; i < v->globals_n; i++) {
        if (!str_eq_c(n->name, v->globals[i].name))
            continue;
        n->op = OP_GLOBAL;
        n->index = (uint32_t)i;
        n->type = v->globals[i].type;
        names_depend(r, EXPR_DEP_GLOBAL, n->index, 0);
        return true;
    }
    return false;
}

static bool lookup_constant(struct resolver *r, struct expr_node *n)
{
    const struct expr_scope *scope = r->e->scope;
    if (!scope->constant || !(r->in_constant || scope->bare_constants) ||
        !scope->constant(scope->ctx, r->c->at.source, n->name, &n->value))
        return false;
    n->op = OP_CONST;
    n->type = n->value.type;
    n->named = true;
    struct expr_domain range;
    if (scope->constant_values &&
        scope->constant_values(scope->ctx, r->c->at.source, n->name, &range)) {
        struct expr_domain *copy = ARENA_NEW(r->c->arena, struct expr_domain);
        *copy = range;
        n->range = copy;
    }
    return true;
}

bool names_lookup(struct resolver *r, struct expr_node *n)
{
    BUG_ON(n->op != OP_NAME, "only a name is looked up");
    if (lookup_field(r, n) || lookup_constant(r, n) || lookup_global(r, n) ||
        lookup_binding(r, n) || lookup_item(r, n))
        return true;
    if (!str_eq_c(n->name, "now") || r->in_constant || !r->e->scope->vocabulary)
        return false;
    n->op = OP_NOW;
    n->type = EXPR_TIME;
    r->e->uses_time = true;
    return true;
}

/* ---- nothing found ---- */

struct listing {
    struct str names[NAMES_LISTED_MAX];
    size_t n;
};

static bool is_listed(const struct listing *l, struct str name)
{
    for (size_t i = 0; i < l->n; i++)
        if (str_eq(l->names[i], name))
            return true;
    return false;
}

static void list(struct listing *l, struct str name)
{
    if (l->n < NAMES_LISTED_MAX && !is_listed(l, name))
        l->names[l->n++] = name;
}

static void list_all(const struct resolver *r, struct listing *l)
{
    const struct expr_vocabulary *v = vocabulary_of(r);
    const struct expr_scope *scope = r->e->scope;
    for (unsigned i = open_items(r); i-- > 0;) {
        if (r->open[i].collection == NAMES_NOT_BOUND)
            continue;
        const struct expr_collection *c = collection_at(r, r->open[i].collection);
        for (size_t f = 0; f < c->fields_n; f++)
            list(l, str_c(c->fields[f].name));
    }
    size_t n = 0;
    const struct str *constants = NULL;
    if (scope->constants && (r->in_constant || scope->bare_constants))
        constants = scope->constants(scope->ctx, r->c->at.source, &n);
    for (size_t i = 0; i < n; i++)
        list(l, constants[i]);
    for (size_t i = 0; i < v->globals_n; i++)
        list(l, str_c(v->globals[i].name));
}

static void fail_with(struct resolver *r, const struct expr_node *n, struct str what,
                      struct str word, const struct listing *l)
{
    struct str tail = diag_suggest_tail(r->c->arena, word, l->names, l->n);
    expr_fail(r->c, n->offset, STR_FMT " \"" STR_FMT "\"" STR_FMT, STR_ARG(what), STR_ARG(word),
              STR_ARG(tail));
}

static void fail_field(struct resolver *r, const struct expr_node *n,
                       const struct expr_collection *c, struct str field)
{
    struct listing l = {.n = 0};
    for (size_t f = 0; f < c->fields_n; f++)
        list(&l, str_c(c->fields[f].name));
    struct str what = arena_printf(r->c->arena, "%s has no field", c->name);
    fail_with(r, n, what, field, &l);
}

/* The name begins with a collection: its field, or its item, is what is wrong. */
static bool fail_in_collection(struct resolver *r, const struct expr_node *n)
{
    struct str head, rest, item, tail;
    uint32_t collection;
    bool dotted = str_cut(n->name, '.', &head, &rest);
    if (!names_collection(r, head, &collection))
        return false;
    const struct expr_collection *c = collection_at(r, collection);
    const struct expr_domain *items = names_domain(r, c->names);
    uint32_t field;
    if (!dotted) {
        expr_fail(r->c, n->offset, "\"%s\" is a collection; count it or look into it: count(%s)",
                  c->name, c->name);
    } else if (find_field(c, rest, &field)) {
        expr_fail(r->c, n->offset,
                  "\"" STR_FMT "\" is a field of many; say of which, as in exists(%s where ...)",
                  STR_ARG(n->name), c->name);
    } else if (items && cut_item(n->name, &head, &item, &tail)) {
        struct listing l = {.n = 0};
        for (size_t i = 0; i < items->n; i++)
            list(&l, items->values[i]);
        if (names_in_domain(items, item))
            fail_field(r, n, c, tail);
        else
            fail_with(r, n, arena_printf(r->c->arena, "there is no %s", c->name), item, &l);
    } else {
        fail_field(r, n, c, rest);
    }
    return true;
}

void names_fail(struct resolver *r, const struct expr_node *n)
{
    struct str head, tail;
    if (fail_in_collection(r, n))
        return;
    if (str_cut(n->name, '.', &head, &tail))
        for (unsigned i = open_items(r); i-- > 0;)
            if (r->open[i].collection != NAMES_NOT_BOUND && str_eq(r->open[i].alias, head)) {
                fail_field(r, n, collection_at(r, r->open[i].collection), tail);
                return;
            }
    struct listing l = {.n = 0};
    list_all(r, &l);
    if (is_listed(&l, n->name)) {
        expr_fail(r->c, n->offset, "\"" STR_FMT "\" is a list or a mapping: it has no value",
                  STR_ARG(n->name));
        return;
    }
    bool blanks = str_find_char(n->name, '-') >= 0 || str_find_char(n->name, '/') >= 0;
    if (blanks && diag_suggest(n->name, l.names, l.n).n == 0) {
        expr_fail(r->c, n->offset, "unknown name \"" STR_FMT "\"; minus and division need blanks",
                  STR_ARG(n->name));
        return;
    }
    fail_with(r, n, r->in_constant ? STR("unknown parameter") : STR("unknown name"), n->name, &l);
}
