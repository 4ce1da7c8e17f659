#include "sim/kubeapi/types/prune.h"

#include "sim/kubeapi/types/rules.h"

struct walk {
    struct arena *a;
    struct prune_report *report;
    unsigned what;
    bool changed;
};

static void visit(struct walk *w, const struct type *t, cJSON *v, const struct type_path *path);

/* ---- unknown members ---- */

static void tell_unknown(struct walk *w, const struct type_path *path)
{
    struct prune_report *r = w->report;
    if (!r || r->n == PRUNE_UNKNOWN_MAX)
        return;
    struct str text = type_path_text(path, r->a);
    size_t at = r->n++;
    for (; at > 0 && str_cmp(r->unknown[at - 1], text) > 0; at--)
        r->unknown[at] = r->unknown[at - 1];
    r->unknown[at] = text;
}

static void drop(struct walk *w, cJSON *parent, cJSON *child)
{
    (void)cJSON_DetachItemViaPointer(parent, child);
    w->changed = true;
}

/* ---- numbers ---- */

static bool is_number_text(const char *text)
{
    return text && (text[0] == '-' || (text[0] >= '0' && text[0] <= '9'));
}

/* Whole numbers are written as they came; the rest as a float64 is. More digits than that holds are left alone. */
static void spell_number(struct walk *w, cJSON *v)
{
    struct decimal d;
    if (v->type != cJSON_Raw || !is_number_text(v->valuestring) ||
        v->valuestring[strcspn(v->valuestring, ".eE")] == '\0' ||
        !decimal_parse(str_c(v->valuestring), &d) || d.n > 17)
        return;
    struct buf b = {.max = 512};
    decimal_write_json(&d, &b);
    if (!str_eq_c(buf_str(&b), v->valuestring)) {
        v->valuestring = arena_c(w->a, buf_str(&b));
        w->changed = true;
    }
    buf_free(&b);
}

/* What no type describes. */
static void spell_numbers(struct walk *w, cJSON *v, unsigned depth)
{
    if (!(w->what & PRUNE_NUMBERS) || depth > JSON_TREE_DEPTH_MAX)
        return;
    spell_number(w, v);
    for (cJSON *c = v->child; c; c = c->next)
        spell_numbers(w, c, depth + 1);
}

/* ---- defaults ---- */

static cJSON *default_value(struct walk *w, struct str json)
{
    cJSON *v = NULL;
    struct err *err = json_parse(w->a, json, &v);
    BUG_ON(err, "a default was written by ourselves");
    return v;
}

static void add_defaults(struct walk *w, const struct type *t, cJSON *v)
{
    for (size_t i = 0; i < t->fields_n; i++) {
        const struct type_field *f = &t->fields[i];
        if (f->default_json.n == 0)
            continue;
        cJSON *there = json_get_str(v, f->name);
        if (there && (there->type != cJSON_NULL || (f->type->flags & TYPE_NULLABLE)))
            continue;
        json_set(w->a, v, f->name, default_value(w, f->default_json));
        w->changed = true;
    }
}

/* A null where none may be: takes the place of the element's default. True: it did. */
static bool default_null(struct walk *w, const struct type *t, cJSON *v)
{
    if (!(w->what & PRUNE_DEFAULTS) || v->type != cJSON_NULL || !t->rules ||
        t->rules->default_json.n == 0 || (t->flags & TYPE_NULLABLE))
        return false;
    const cJSON *d = default_value(w, t->rules->default_json);
    v->type = d->type;
    v->child = d->child;
    v->valuestring = d->valuestring;
    w->changed = true;
    return true;
}

/* ---- the walk ---- */

static bool null_goes(const struct walk *w, const struct type *t, const cJSON *v)
{
    return (w->what & PRUNE_NULLS) && v->type == cJSON_NULL && !(t->flags & TYPE_NULLABLE);
}

static void visit_member(struct walk *w, const struct type *t, cJSON *parent, cJSON *c,
                         const struct type_path *path)
{
    struct type_path at = {path, str_c(c->string), 0};
    const struct type_field *f = t->fields_n > 0 ? type_field_find(t, at.name) : NULL;
    const struct type *inner = f ? f->type : t->kind == TYPE_MAP ? t->items : t->additional;
    if (!inner) {
        bool stays = t->kind == TYPE_MAP || (t->flags & TYPE_PRESERVE);
        if (stays || !(w->what & PRUNE_UNKNOWN)) {
            spell_numbers(w, c, 0);
        } else {
            tell_unknown(w, &at);
            drop(w, parent, c);
        }
        return;
    }
    if (!f)
        (void)default_null(w, inner, c);
    if (null_goes(w, inner, c))
        drop(w, parent, c);
    else
        visit(w, inner, c, &at);
}

static void visit_object(struct walk *w, const struct type *t, cJSON *v,
                         const struct type_path *path)
{
    if (w->what & PRUNE_DEFAULTS)
        add_defaults(w, t, v);
    for (cJSON *c = v->child, *next; c; c = next) {
        next = c->next;
        visit_member(w, t, v, c, path);
    }
}

static void visit(struct walk *w, const struct type *t, cJSON *v, const struct type_path *path)
{
    size_t i = 0;
    bool has_members = t->kind == TYPE_OBJECT || t->kind == TYPE_MAP || t->fields_n > 0;
    if (v->type == cJSON_Object && has_members) {
        visit_object(w, t, v, path);
    } else if (v->type == cJSON_Array && t->kind == TYPE_LIST && t->items) {
        for (cJSON *c = v->child; c; c = c->next) {
            struct type_path at = {path, {NULL, 0}, i++};
            (void)default_null(w, t->items, c);
            visit(w, t->items, c, &at);
        }
    } else {
        spell_numbers(w, v, 0);
    }
}

bool type_prune(struct arena *a, const struct type *t, cJSON *v, unsigned what,
                struct prune_report *report)
{
    struct walk w = {a, report, what, false};
    visit(&w, t, v, NULL);
    return w.changed;
}
