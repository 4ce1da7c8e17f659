/* The matrix: axes with entries, the cases that are their cross product, exclude, include; and choosing among them. */
#include "sim/scenario/language/load.h"
#include "sim/scenario/language/schema_internal.h"

static struct str axis_path(struct scenario *s, struct str axis)
{
    return schema_path(s->arena, STR("matrix"), axis);
}

static bool id_is_fine(struct str id)
{
    for (size_t i = 0; i < id.n; i++)
        if (id.p[i] == ',' || id.p[i] == '=' || id.p[i] == ' ')
            return false;
    return id.n > 0;
}

static void load_entry(struct scenario *s, struct axis *axis, size_t i,
                       const struct yaml_node *node, struct diags *diags)
{
    struct axis_entry *e = &axis->entries[i];
    struct str path = arena_printf(s->arena, STR_FMT "[%zu]", STR_ARG(axis->place.path), i);
    *e = (struct axis_entry){.place = schema_place(node, path), .node = node};
    if (node->kind == YAML_LIST || node->kind == YAML_NULL) {
        diag_add(diags, e->place, "expected a mapping with an \"id\" or a value, not %s",
                 schema_kind_name(node->kind));
        return;
    }
    const struct yaml_node *id = node->kind == YAML_MAP ? yaml_get(node, "id") : node;
    if (!id || !schema_is_scalar(id)) {
        diag_add(diags, e->place, "the field \"id\" is missing");
        return;
    }
    e->id = id->text;
    if (!id_is_fine(e->id))
        diag_add(diags, schema_place(id, path), "an id has no blanks, commas or equals signs");
    for (size_t j = 0; j < i; j++)
        if (str_eq(axis->entries[j].id, e->id))
            diag_add(diags, schema_place(id, path),
                     "the id \"" STR_FMT "\" is there twice (" STR_FMT ")", STR_ARG(e->id),
                     STR_ARG(place_first(diags, &axis->entries[j].place, &e->place)));
}

static void load_axis(struct scenario *s, const struct yaml_node *node, struct diags *diags)
{
    struct str path = axis_path(s, node->key);
    if (s->axes_n == SCENARIO_AXES_MAX) {
        diag_add(diags, schema_key_place(node, path), "at most %u axes", SCENARIO_AXES_MAX);
        return;
    }
    if (node->kind != YAML_LIST || node->count == 0) {
        diag_add(diags, schema_place(node, path), "expected a list of variants, not %s",
                 node->kind == YAML_LIST ? "an empty one" : schema_kind_name(node->kind));
        return;
    }
    struct axis *axis = &s->axes[s->axes_n++];
    *axis = (struct axis){.name = node->key, .place = schema_key_place(node, path)};
    axis->entries = ARENA_NEW_ARRAY(s->arena, struct axis_entry, node->count);
    axis->n = node->count;
    size_t i = 0;
    for (const struct yaml_node *n = node->first; n; n = n->next)
        load_entry(s, axis, i++, n, diags);
}

/* ---- choices written as {AXIS: ID, ...} ---- */

static bool find_axis(const struct scenario *s, struct str name, size_t *out)
{
    for (size_t i = 0; i < s->axes_n; i++) {
        if (str_eq(s->axes[i].name, name)) {
            *out = i;
            return true;
        }
    }
    return false;
}

static int32_t find_id(const struct axis *axis, struct str id)
{
    for (size_t i = 0; i < axis->n; i++)
        if (str_eq(axis->entries[i].id, id))
            return (int32_t)i;
    return -1;
}

static struct str axis_tail(const struct scenario *s, struct str name)
{
    struct str names[SCENARIO_AXES_MAX];
    for (size_t i = 0; i < s->axes_n; i++)
        names[i] = s->axes[i].name;
    return s->axes_n ? diag_suggest_tail(s->arena, name, names, s->axes_n)
                     : STR("; this scenario has no matrix");
}

static struct str id_tail(const struct scenario *s, const struct axis *axis, struct str id)
{
    struct str *names = ARENA_NEW_ARRAY(s->arena, struct str, axis->n);
    for (size_t i = 0; i < axis->n; i++)
        names[i] = axis->entries[i].id;
    return diag_suggest_tail(s->arena, id, names, axis->n);
}

/* One AXIS: ID; unnamed axes stay at -1. */
static bool read_choice(struct scenario *s, const struct yaml_node *n, struct str path,
                        struct scenario_case *out, struct diags *diags)
{
    size_t axis;
    if (!find_axis(s, n->key, &axis)) {
        diag_add(diags, schema_key_place(n, path), "unknown axis \"" STR_FMT "\"" STR_FMT,
                 STR_ARG(n->key), STR_ARG(axis_tail(s, n->key)));
        return false;
    }
    out->entry[axis] = find_id(&s->axes[axis], n->text);
    if (out->entry[axis] >= 0)
        return true;
    diag_add(diags, schema_place(n, path), "axis " STR_FMT " has no \"" STR_FMT "\"" STR_FMT,
             STR_ARG(n->key), STR_ARG(n->text), STR_ARG(id_tail(s, &s->axes[axis], n->text)));
    return false;
}

static struct scenario_case no_choice(void)
{
    struct scenario_case c = {.id = str_empty};
    for (size_t i = 0; i < SCENARIO_AXES_MAX; i++)
        c.entry[i] = -1;
    return c;
}

static size_t read_choices(struct scenario *s, const struct yaml_node *node, const char *key,
                           struct scenario_case **out, struct diags *diags)
{
    const struct yaml_node *list = yaml_get(node, key);
    struct str path = axis_path(s, str_c(key));
    if (!list)
        return 0;
    if (list->kind != YAML_LIST) {
        diag_add(diags, schema_place(list, path), "expected a list such as [{AXIS: ID}], not %s",
                 schema_kind_name(list->kind));
        return 0;
    }
    *out = ARENA_NEW_ARRAY(s->arena, struct scenario_case, list->count);
    size_t n = 0;
    for (const struct yaml_node *item = list->first; item; item = item->next) {
        struct scenario_case c = no_choice();
        bool ok = item->kind == YAML_MAP && item->count > 0;
        if (!ok)
            diag_add(diags, schema_place(item, path), "expected a mapping such as {AXIS: ID}");
        for (const struct yaml_node *f = item->kind == YAML_MAP ? item->first : NULL; f;
             f = f->next)
            ok &= read_choice(s, f, path, &c, diags);
        if (ok)
            (*out)[n++] = c;
    }
    return n;
}

/* ---- cases ---- */

static bool agrees(const struct scenario *s, const struct scenario_case *c,
                   const struct scenario_case *with)
{
    for (size_t i = 0; i < s->axes_n; i++)
        if (with->entry[i] >= 0 && with->entry[i] != c->entry[i])
            return false;
    return true;
}

static void name_case(struct scenario *s, struct scenario_case *c)
{
    struct buf id = {0};
    for (size_t i = 0; i < s->axes_n; i++)
        if (c->entry[i] >= 0)
            buf_addf(&id, "%s" STR_FMT "=" STR_FMT, id.n ? "," : "", STR_ARG(s->axes[i].name),
                     STR_ARG(s->axes[i].entries[c->entry[i]].id));
    c->id = arena_str(s->arena, buf_str(&id));
    buf_free(&id);
}

/* False: there is no room for one more. */
static bool add_case(struct scenario *s, struct scenario_case c)
{
    for (size_t i = 0; i < s->cases_n; i++)
        if (agrees(s, &s->cases[i], &c) && agrees(s, &c, &s->cases[i]))
            return true;
    if (s->cases_n == SCENARIO_CASES_MAX)
        return false;
    name_case(s, &c);
    s->cases[s->cases_n++] = c;
    return true;
}

/* Counts through the cross product, the last axis fastest. */
static bool next_combination(const struct scenario *s, struct scenario_case *c)
{
    for (size_t i = s->axes_n; i-- > 0;) {
        if ((size_t)++c->entry[i] < s->axes[i].n)
            return true;
        c->entry[i] = 0;
    }
    return false;
}

static void add_product(struct scenario *s, const struct scenario_case *excluded, size_t excluded_n)
{
    struct scenario_case c = no_choice();
    for (size_t i = 0; i < s->axes_n; i++)
        c.entry[i] = 0;
    do {
        bool skip = false;
        for (size_t i = 0; i < excluded_n; i++)
            skip |= agrees(s, &c, &excluded[i]);
        bool added = skip || add_case(s, c);
        BUG_ON(!added, "there is room for the whole product");
    } while (next_combination(s, &c));
}

static void too_many_cases(const struct yaml_node *node, struct diags *diags)
{
    diag_add(diags, schema_key_place(node, STR("matrix")), "more than %u cases",
             SCENARIO_CASES_MAX);
}

static bool product_fits(const struct scenario *s, const struct yaml_node *node,
                         struct diags *diags)
{
    size_t product = 1;
    for (size_t i = 0; i < s->axes_n && product <= SCENARIO_CASES_MAX; i++)
        product *= s->axes[i].n;
    if (product > SCENARIO_CASES_MAX)
        too_many_cases(node, diags);
    return product <= SCENARIO_CASES_MAX;
}

void matrix_load(struct scenario *s, const struct yaml_node *node, struct diags *diags)
{
    s->axes = ARENA_NEW_ARRAY(s->arena, struct axis, SCENARIO_AXES_MAX);
    struct scenario_case *excluded = NULL, *included = NULL;
    size_t excluded_n = 0, included_n = 0;
    bool there = node && node->kind == YAML_MAP;
    if (node && !there)
        diag_add(diags, schema_place(node, STR("matrix")), "expected a mapping of axes, not %s",
                 schema_kind_name(node->kind));
    for (const struct yaml_node *n = there ? node->first : NULL; n; n = n->next)
        if (!str_eq_c(n->key, "include") && !str_eq_c(n->key, "exclude"))
            load_axis(s, n, diags);
    if (there) {
        excluded_n = read_choices(s, node, "exclude", &excluded, diags);
        included_n = read_choices(s, node, "include", &included, diags);
    }
    size_t room = SCENARIO_CASES_MAX;
    s->cases = ARENA_NEW_ARRAY(s->arena, struct scenario_case, there ? room : 1);
    if (there && !product_fits(s, node, diags))
        return;
    add_product(s, excluded, excluded_n);
    bool fit = true;
    for (size_t i = 0; i < included_n; i++)
        fit &= add_case(s, included[i]);
    if (!fit)
        too_many_cases(node, diags);
    if (s->cases_n == 0)
        diag_add(diags, schema_key_place(node, STR("matrix")), "every case is excluded");
}

/* ---- choosing ---- */

static struct err *parse_filter(struct scenario *s, struct str filter, struct scenario_case *out)
{
    struct str choice;
    bool more = filter.n > 0;
    while (more) {
        struct str name, id;
        size_t axis;
        more = str_cut(filter, ',', &choice, &filter);
        if (!str_cut(choice, '=', &name, &id))
            return err_new(ERR_INVALID, "--case: \"" STR_FMT "\" is not of the form AXIS=ID",
                           STR_ARG(choice));
        if (!find_axis(s, name, &axis))
            return err_new(ERR_INVALID, "--case: unknown axis \"" STR_FMT "\"" STR_FMT,
                           STR_ARG(name), STR_ARG(axis_tail(s, name)));
        out->entry[axis] = find_id(&s->axes[axis], id);
        if (out->entry[axis] < 0)
            return err_new(ERR_INVALID, "--case: axis " STR_FMT " has no \"" STR_FMT "\"" STR_FMT,
                           STR_ARG(name), STR_ARG(id), STR_ARG(id_tail(s, &s->axes[axis], id)));
    }
    return NULL;
}

struct err *scenario_cases(struct scenario *s, struct str filter, const struct scenario_case ***out,
                           size_t *n)
{
    struct scenario_case wanted = no_choice();
    struct err *err = parse_filter(s, filter, &wanted);
    if (err)
        return err;
    const struct scenario_case **found =
        ARENA_NEW_ARRAY(s->arena, const struct scenario_case *, s->cases_n);
    size_t count = 0;
    for (size_t i = 0; i < s->cases_n; i++)
        if (agrees(s, &s->cases[i], &wanted))
            found[count++] = &s->cases[i];
    if (count == 0)
        return err_new(ERR_INVALID, "--case " STR_FMT ": the matrix excludes it", STR_ARG(filter));
    *out = found;
    *n = count;
    return NULL;
}
