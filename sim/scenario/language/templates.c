/* `use`: templates drawn into the tree. Each is read with places of its own, decoded, and its sections joined to those of
 * who uses it: mappings by their names, lists one behind the other, templates first. */
#include "sim/scenario/language/language.h"
#include "sim/scenario/language/load.h"
#include "sim/scenario/language/schema_internal.h"

#include <string.h>

#define UP_MAX                                                                                     \
    1u /* "../templates/x.yaml": one folder up, so that a folder of scenarios stays whole */

struct drawing {
    struct scenario *s;
    const struct scenario_files *files;
    struct diags *diags;
    struct yaml_node *into; /* what the templates have come to so far */
};

/* ---- paths ---- */

/* The scenario's own folder: what paths go up from. */
static struct str folder_of(struct str file)
{
    size_t n = file.n;
    while (n > 0 && file.p[n - 1] != '/')
        n--;
    return str_sub(file, 0, n);
}

static void drop_last(struct buf *path)
{
    path->n--; /* the slash at its end */
    while (path->n > 0 && path->p[path->n - 1] != '/')
        path->n--;
}

static bool ends_with_folder(const struct buf *path)
{
    bool up = path->n >= 3 && memcmp(path->p + path->n - 3, "../", 3) == 0;
    return path->n > 1 && !(up && (path->n == 3 || path->p[path->n - 4] == '/'));
}

/* Without "." and "..", where the folders are known. */
static struct str joined(struct arena *a, struct str folder, struct str relative)
{
    struct buf out = {0};
    struct str part;
    buf_add(&out, folder);
    for (bool more = true; more;) {
        more = str_cut(relative, '/', &part, &relative);
        if (part.n == 0 || str_eq_c(part, "."))
            continue;
        if (str_eq_c(part, "..") && ends_with_folder(&out)) {
            drop_last(&out);
            continue;
        }
        buf_add(&out, part);
        buf_add_c(&out, more ? "/" : "");
    }
    struct str path = arena_str(a, buf_str(&out));
    buf_free(&out);
    return path;
}

/* How many folders a path without "." and inner ".." goes up. */
static unsigned goes_up(struct str path)
{
    unsigned n = 0;
    for (; str_starts(path, STR("../")); path = str_sub(path, 3, path.n))
        n++;
    return n;
}

/* The path as seen from the scenario's folder; false: said why not. */
static bool resolve_path(struct drawing *d, const struct unit *by, struct str path, struct place at,
                         struct str *out)
{
    if (path.p[0] == '/') {
        diag_add(d->diags, at, "the path begins at the folder of this file, not with \"/\"");
        return false;
    }
    *out = joined(d->s->arena, by ? folder_of(by->relative) : str_empty, path);
    if (goes_up(*out) <= UP_MAX)
        return true;
    diag_add(d->diags, at,
             "\"" STR_FMT "\" leads too far away: the files of a scenario lie below its folder or "
             "below the one above it (../templates/...)",
             STR_ARG(path));
    return false;
}

/* ---- joining ---- */

static bool joins_by_name(struct str path)
{
    static const char *const paths[] = {
        "",
        "topology",
        "topology.sites",
        "topology.clusters",
        "topology.dns",
        "topology.dns.records",
        "topology.dns.resolvers",
        "measure",
        "policies",
    };
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        if (str_eq_c(path, paths[i]))
            return true;
    return false;
}

/* Children of its own: an alias shares those of its anchor. The end of the list. */
static struct yaml_node **own_children(struct arena *a, struct yaml_node *node)
{
    struct yaml_node **end = &node->first;
    for (const struct yaml_node *n = node->first; n; n = n->next) {
        struct yaml_node *copy = ARENA_NEW(a, struct yaml_node);
        *copy = *n;
        *end = copy;
        end = &copy->next;
    }
    return end;
}

static struct yaml_node *entry_of(const struct yaml_node *map, struct str key)
{
    for (struct yaml_node *n = map->kind == YAML_MAP ? map->first : NULL; n; n = n->next)
        if (str_eq(n->key, key))
            return n;
    return NULL;
}

static void clash(struct drawing *d, const struct yaml_node *had, const struct yaml_node *more,
                  struct str path)
{
    struct place first = schema_key_place(had, path);
    struct buf where = {0};
    place_print(d->diags, &first, &where);
    diag_add(d->diags, schema_key_place(more, path),
             "\"" STR_FMT "\" is there already: " STR_FMT " has it; use another name, or leave one "
             "of them out",
             STR_ARG(more->key), STR_ARG(buf_str(&where)));
    buf_free(&where);
}

/* Adds the children of `more` to those of `to`. As deep as joins_by_name goes. */
static void join(struct drawing *d, struct yaml_node *to, const struct yaml_node *more,
                 struct str path)
{
    struct yaml_node **end = own_children(d->s->arena, to);
    for (const struct yaml_node *n = more->first; n; n = n->next) {
        struct yaml_node *had = entry_of(to, n->key);
        struct str at = to->kind == YAML_MAP ? schema_path(d->s->arena, path, n->key) : path;
        bool both_maps = had && had->kind == YAML_MAP && n->kind == YAML_MAP && joins_by_name(at);
        bool both_lists = had && had->kind == YAML_LIST && n->kind == YAML_LIST;
        if (both_maps || both_lists) {
            join(d, had, n, at);
        } else if (had) {
            clash(d, had, n, at);
        } else {
            struct yaml_node *copy = ARENA_NEW(d->s->arena, struct yaml_node);
            *copy = *n;
            copy->next = NULL;
            *end = copy;
            end = &copy->next;
            to->count++;
        }
    }
}

/* ---- reading ---- */

/* Bounded by the YAML reader's depth. */
static void mark(struct yaml_node *node, const struct unit *unit)
{
    node->of = unit;
    for (struct yaml_node *n = node->first; n; n = n->next)
        if (n->of != unit) /* an alias shares the children of its anchor */
            mark(n, unit);
}

static bool is_in_use(const struct drawing *d, const struct unit *by, struct str path)
{
    for (; by; by = by->by)
        if (str_eq(by->relative, path))
            return true;
    struct str own = d->s->source.file;
    return str_eq(str_sub(own, folder_of(own).n, own.n), path);
}

static unsigned depth_of(const struct unit *unit)
{
    unsigned n = 0;
    for (; unit; unit = unit->by)
        n++;
    return n;
}

/* May one more be drawn in here? */
static bool check_bounds(struct drawing *d, const struct unit *by, struct str path, struct place at)
{
    if (is_in_use(d, by, path))
        diag_add(d->diags, at, "\"" STR_FMT "\" would use itself", STR_ARG(path));
    else if (depth_of(by) == TEMPLATE_DEPTH_MAX)
        diag_add(d->diags, at, "templates use templates: at most %u deep", TEMPLATE_DEPTH_MAX);
    else if (d->s->units_n == TEMPLATES_MAX)
        diag_add(d->diags, at, "at most %u templates are used by one scenario", TEMPLATES_MAX);
    else
        return true;
    return false;
}

static struct unit *unit_new(struct drawing *d, const struct unit *by, struct str path,
                             struct place at)
{
    struct unit *u = ARENA_NEW(d->s->arena, struct unit);
    u->by = by;
    u->used = at;
    u->relative = path;
    u->source = (struct source){.file = joined(d->s->arena, folder_of(d->s->source.file), path),
                                .used = &u->used,
                                .rank = (uint32_t)d->s->units_n + 1};
    d->s->units[d->s->units_n++] = u;
    return u;
}

/* `head`: the key that such a file begins with. */
static struct yaml_node *read_tree(struct drawing *d, struct unit *u, const char *what,
                                   const char *head)
{
    struct buf bytes = {.max = YAML_BYTES_MAX};
    struct yaml_node *root = NULL;
    struct err *err = d->files ? d->files->read(d->files->ctx, u->source.file, &bytes)
                               : err_new(ERR_INVALID, "no other file can be read here");
    u->source.text = without_mark(arena_str(d->s->arena, buf_str(&bytes)));
    buf_free(&bytes);
    if (err) {
        diag_add(d->diags, u->used, "the %s cannot be read: %s", what, err->message);
        err_free(err);
        d->s->torn = true;
        return NULL;
    }
    if (!read_yaml(d->s->arena, &u->source, &u->source, &root, d->diags)) {
        d->s->torn = true;
        return NULL;
    }
    mark(root, u);
    if (root->kind == YAML_MAP && yaml_get(root, head))
        return root;
    d->s->torn = true;
    diag_add(d->diags, schema_place(root, str_empty),
             "a %s is a mapping that begins with \"%s: v1\"", what, head);
    return NULL;
}

/* ---- inputs ---- */

static struct str input_tail(struct drawing *d, const struct unit *u, struct str name)
{
    struct str *names = ARENA_NEW_ARRAY(d->s->arena, struct str, u->inputs_n);
    for (size_t i = 0; i < u->inputs_n; i++)
        names[i] = u->inputs[i].name;
    return diag_suggest_tail(d->s->arena, name, names, u->inputs_n);
}

static void give(struct drawing *d, struct unit *u, const struct yaml_node *n, struct str path)
{
    for (size_t i = 0; i < u->inputs_n; i++) {
        if (str_eq(u->inputs[i].name, n->key)) {
            u->given[i] = n;
            return;
        }
    }
    diag_add(d->diags, schema_key_place(n, path), STR_FMT " has no input \"" STR_FMT "\"" STR_FMT,
             STR_ARG(u->source.file), STR_ARG(n->key), STR_ARG(input_tail(d, u, n->key)));
}

static void give_all(struct drawing *d, struct unit *u, const struct use_entry *use)
{
    struct str path = schema_path(d->s->arena, use->origin.place.path, STR("with"));
    u->given = ARENA_NEW_ARRAY(d->s->arena, const struct yaml_node *, u->inputs_n + 1);
    if (use->with && use->with->kind != YAML_MAP)
        diag_add(d->diags, schema_place(use->with, path),
                 "expected a mapping of inputs to values, not %s",
                 schema_kind_name(use->with->kind));
    else if (use->with)
        for (const struct yaml_node *n = use->with->first; n; n = n->next)
            give(d, u, n, path);
    for (size_t i = 0; i < u->inputs_n; i++)
        if (!u->given[i] && !u->inputs[i].optional)
            diag_add(d->diags, u->used,
                     STR_FMT " needs the input \"" STR_FMT "\": with: {" STR_FMT ": ...}",
                     STR_ARG(u->source.file), STR_ARG(u->inputs[i].name),
                     STR_ARG(u->inputs[i].name));
}

/* ---- drawing in ---- */

static void draw_list(struct drawing *d, const struct yaml_node *list, const struct unit *by);

/* What of the file becomes part of the scenario: all but its head. */
static void draw_sections(struct drawing *d, const struct yaml_node *root)
{
    static const char *const sections[] = {"policies", "topology", "steps",
                                           "faults",   "assert",   "measure"};
    for (const struct yaml_node *n = root->first; n; n = n->next) {
        for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
            struct yaml_node only = *n;
            const struct yaml_node part = {.kind = YAML_MAP, .first = &only, .count = 1};
            only.next = NULL;
            if (str_eq_c(n->key, sections[i]))
                join(d, d->into, &part, str_empty);
        }
    }
}

static void draw_one(struct drawing *d, const struct use_entry *use, const struct unit *by)
{
    struct place at = use->origin.place;
    struct str path;
    if (!resolve_path(d, by, use->path, at, &path) || !check_bounds(d, by, path, at))
        return;
    struct unit *u = unit_new(d, by, path, at);
    struct yaml_node *root = read_tree(d, u, "template", "template");
    if (!root)
        return;
    struct decode decode = {.arena = d->s->arena, .diags = d->diags, .source = &u->source};
    struct template_entry *entry = ARENA_NEW(d->s->arena, struct template_entry);
    refuse_bent_keys(root, str_empty, d->diags);
    schema_decode_object(&decode, &template_shape, root, str_empty, entry);
    u->inputs_n =
        params_load(d->s, &decode, entry->inputs, STR("inputs"), &input_shape, &u->inputs);
    give_all(d, u, use);
    draw_list(d, entry->use, u);
    draw_sections(d, root);
}

/* The depth of templates that use templates is bounded by check_bounds. */
static void draw_list(struct drawing *d, const struct yaml_node *list, const struct unit *by)
{
    static const struct field field = {.name = "use", .type = FIELD_OBJECTS, .shape = &use_shape};
    struct decode decode = {.arena = d->s->arena, .diags = d->diags};
    struct objects uses = {0};
    if (!list)
        return;
    (void)schema_decode_list(&decode, &field, list, STR("use"), &uses);
    for (size_t i = 0; i < uses.n; i++)
        if (uses.ok[i])
            draw_one(d, OBJECTS_AT(uses, struct use_entry, i), by);
}

/* ---- stages ---- */

static struct unit *stages_unit(struct drawing *d, const struct yaml_node *node, struct str path)
{
    struct place at = schema_place(node, path);
    struct str relative;
    if (!resolve_path(d, node->of, node->text, at, &relative) ||
        !check_bounds(d, node->of, relative, at))
        return NULL;
    return unit_new(d, NULL, relative, at);
}

/* The path becomes the tree of its file, so that whatever writes the scenario out has all of it. What is wrong with one
 * file leaves the rest of the scenario whole. */
static void draw_stages(struct drawing *d, struct yaml_node *node, struct str path)
{
    bool torn = d->s->torn;
    if (node->text.n == 0 || str_find(node->text, STR("${")) >= 0)
        return; /* refused when the plan is made */
    struct unit *u = stages_unit(d, node, path);
    struct yaml_node *root = u ? read_tree(d, u, "file of stages", "stages") : NULL;
    d->s->torn = torn;
    if (!root) {
        node->text = schema_reported;
        return;
    }
    refuse_bent_keys(root, path, d->diags);
    node->kind = root->kind;
    node->first = root->first;
    node->count = root->count;
    node->of = u;
}

static void draw_all_stages(struct drawing *d)
{
    const struct yaml_node *topology = yaml_get(d->s->root, "topology");
    const struct yaml_node *groups =
        topology && topology->kind == YAML_MAP ? yaml_get(topology, "clusters") : NULL;
    for (struct yaml_node *g = groups && groups->kind == YAML_MAP ? groups->first : NULL; g;
         g = g->next) {
        struct yaml_node *stages = g->kind == YAML_MAP ? yaml_get(g, "stages") : NULL;
        if (!stages || stages->kind != YAML_STRING)
            continue;
        if (!d->s->units)
            d->s->units = ARENA_NEW_ARRAY(d->s->arena, struct unit *, TEMPLATES_MAX);
        draw_stages(
            d, stages,
            arena_printf(d->s->arena, "topology.clusters." STR_FMT ".stages", STR_ARG(g->key)));
    }
}

static void templates_draw(struct drawing *d)
{
    struct scenario *s = d->s;
    const struct yaml_node *list = yaml_get(s->root, "use");
    if (!list)
        return;
    s->units = ARENA_NEW_ARRAY(s->arena, struct unit *, TEMPLATES_MAX);
    d->into = ARENA_NEW(s->arena, struct yaml_node);
    *d->into = *s->root;
    d->into->first = NULL;
    d->into->count = 0;
    s->torn = list->kind != YAML_LIST;
    draw_list(d, list, NULL);
    join(d, d->into, s->root, str_empty);
    s->root = d->into;
    if (!s->torn || yaml_get(s->root, "topology"))
        return;
    struct yaml_node *missed = ARENA_NEW(s->arena, struct yaml_node);
    *missed = (struct yaml_node){.key = STR("topology"), .text = schema_reported};
    missed->next = s->root->first;
    s->root->first = missed;
    s->root->count++;
}

void templates_use(struct scenario *s, const struct scenario_files *files, struct diags *diags)
{
    struct drawing d = {.s = s, .files = files, .diags = diags};
    templates_draw(&d);
    draw_all_stages(&d);
}
