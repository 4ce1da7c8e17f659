/* The back end of paddock-sim expand: one run of a file as a file of its own. */
#include "engine/base/timefmt.h"
#include "sim/scenario/language/bind.h"
#include "sim/scenario/language/language.h"
#include "sim/scenario/language/schema_internal.h"

static bool is_bare(struct str s)
{
    static const char *const words[] = {"true", "false", "null", "y",  "n",
                                        "yes",  "no",    "on",   "off"};
    int64_t ns;
    if (s.n && (s.p[s.n - 1] < '0' || s.p[s.n - 1] > '9') && duration_parse(s, &ns))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (str_eq_nocase(s, str_c(words[i])))
            return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool inner = (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '/';
        if (!letter && !(inner && i > 0))
            return false;
    }
    return s.n > 0;
}

/* Fields whose text is an expression: what is put in becomes a literal there. */
static bool is_expression(struct str parent, struct str key)
{
    static const char *const keys[] = {"always", "never", "eventually", "sometimes",
                                       "that",   "gauge", "hist",       "time"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        if (str_eq_c(key, keys[i]))
            return true;
    return str_eq_c(key, "until") && str_eq_c(parent, "wait");
}

static void write_scalar(struct binding *b, struct str parent, const struct yaml_node *node,
                         struct buf *out)
{
    if (node->kind != YAML_STRING) {
        buf_add(out, node->kind == YAML_NULL ? STR("null") : node->text);
        return;
    }
    struct place at = schema_place(node, node->key);
    b->literal = is_expression(parent, node->key);
    struct str text = b->in_repeat ? binding_interpolate_but_i(b, node->text, at)
                                   : binding_interpolate(b, node->text, at);
    b->literal = false;
    if (is_bare(text))
        buf_add(out, text);
    else
        json_write_string(out, text);
}

static void indent(struct buf *out, unsigned depth)
{
    for (unsigned i = 0; i < depth; i++)
        buf_add(out, STR("  "));
}

static void write_key(struct str key, struct buf *out)
{
    if (is_bare(key))
        buf_add(out, key);
    else
        json_write_string(out, key);
    buf_add_char(out, ':');
}

static void remove_entry(struct yaml_node *map, const struct yaml_node *entry)
{
    struct yaml_node **at = &map->first;
    while (*at != entry)
        at = &(*at)->next;
    *at = entry->next;
    map->count--;
}

/* Block style; `hang` means that the first entry stands behind a dash. The depth is bounded by the YAML reader. */
static void write_tree(struct binding *b, const struct yaml_node *node, unsigned depth, bool hang,
                       struct buf *out)
{
    bool outer = b->in_repeat;
    for (const struct yaml_node *n = node->first; n; n = n->next) {
        if (!(hang && n == node->first))
            indent(out, depth);
        if (node->kind == YAML_MAP)
            write_key(n->key, out);
        else
            buf_add_char(out, '-');
        b->in_repeat =
            outer || (node->kind == YAML_MAP && str_eq_c(n->key, "do") && yaml_get(node, "repeat"));
        bool nested = n->kind == YAML_MAP || n->kind == YAML_LIST;
        if (!nested || n->count == 0) {
            buf_add_char(out, ' ');
            if (nested)
                buf_add_c(out, n->kind == YAML_MAP ? "{}" : "[]");
            else
                write_scalar(b, node->key, n, out);
            buf_add_char(out, '\n');
        } else if (node->kind == YAML_LIST && n->kind == YAML_MAP) {
            buf_add_char(out, ' ');
            write_tree(b, n, depth + 1, true, out);
        } else {
            buf_add_char(out, '\n');
            write_tree(b, n, depth + 1, false, out);
        }
    }
    b->in_repeat = outer;
}

/* A step without a name is called by its number, which changes with what goes: it gets its name in writing. */
static void name_step(struct arena *a, struct yaml_node *step, size_t number)
{
    if (step->kind != YAML_MAP || yaml_get(step, "name"))
        return;
    struct yaml_node *name = ARENA_NEW(a, struct yaml_node);
    *name = (struct yaml_node){.kind = YAML_STRING,
                               .key = STR("name"),
                               .text = arena_printf(a, "step %zu", number),
                               .next = step->first};
    step->first = name;
    step->count++;
}

/* Entries whose `when` does not hold go; the others lose it. */
static void prune_when(struct binding *b, struct yaml_node *section)
{
    struct yaml_node **end = &section->first;
    size_t number = 0;
    for (struct yaml_node *n = section->first; n; n = n->next) {
        const struct yaml_node *when = n->kind == YAML_MAP ? yaml_get(n, "when") : NULL;
        struct place at = {.path = section->key};
        if (when)
            at = schema_place(when, section->key);
        struct expr_source source = {when ? when->text : str_empty, at};
        number++;
        if (!binding_when(b, &source)) {
            section->count--;
            continue;
        }
        if (when)
            remove_entry(n, when);
        if (str_eq_c(section->key, "steps"))
            name_step(b->arena, n, number);
        *end = n;
        end = &n->next;
    }
    *end = NULL;
}

static struct yaml_node *scalar(struct arena *a, const char *key, enum yaml_kind kind,
                                struct str text)
{
    struct yaml_node *node = ARENA_NEW(a, struct yaml_node);
    *node = (struct yaml_node){.kind = kind, .key = str_c(key), .text = text};
    return node;
}

static struct yaml_node *one_seed(struct arena *a, uint64_t seed)
{
    struct yaml_node *seeds = scalar(a, "seeds", YAML_MAP, str_empty);
    seeds->first = scalar(a, "first", YAML_INT, arena_printf(a, "%llu", (unsigned long long)seed));
    seeds->first->next = scalar(a, "count", YAML_INT, STR("1"));
    seeds->count = 2;
    return seeds;
}

/* Are its faults drawn by the seed? Then they are written as the timeline that they have become. */
static bool draws_faults(const struct scenario *s)
{
    return s->file->chaos || s->seeds.swarm;
}

static struct yaml_node *drawn_faults(struct binding *b)
{
    struct plan_request request = {.which = b->which, .profile = b->profile, .seed = b->seed};
    const struct plan *plan = scenario_plan(b->arena, b->scenario, &request, b->diags);
    struct yaml_node *root;
    struct buf text = {0};
    if (!plan)
        return NULL;
    scenario_freeze_faults(plan, &text);
    struct err *err =
        yaml_parse(b->arena, STR("faults"), arena_str(b->arena, buf_str(&text)), &root);
    BUG_ON(err, "what is frozen is YAML");
    buf_free(&text);
    return yaml_get(root, "faults");
}

/* A section of this run; NULL: it has none (any more). */
static struct yaml_node *section(struct binding *b, const char *name)
{
    if (str_eq(str_c(name), STR("profile")))
        return scalar(b->arena, name, YAML_STRING, b->profile);
    if (str_eq(str_c(name), STR("seeds")))
        return one_seed(b->arena, b->seed);
    if (str_eq(str_c(name), STR("faults")) && draws_faults(b->scenario))
        return drawn_faults(b);
    const struct yaml_node *node = yaml_get(b->scenario->root, name);
    if (!node)
        return NULL;
    struct yaml_node *grown = binding_expand(b, node, node->key);
    if (grown && (grown->kind == YAML_LIST || grown->kind == YAML_MAP))
        prune_when(b, grown);
    return grown;
}

/* What the expansion has used up. */
static bool is_used_up(const char *name)
{
    static const char *const names[] = {"use", "params", "matrix", "chaos"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq(str_c(name), str_c(names[i])))
            return true;
    return false;
}

/* In the order of the language's own table: templates and the file have been joined. */
static void write_run(struct binding *b, struct buf *out)
{

    struct yaml_node root = {.kind = YAML_MAP};
    struct yaml_node **end = &root.first;
    for (size_t i = 0; i < file_shape.fields_n; i++) {
        const char *name = file_shape.fields[i].name;
        struct yaml_node *grown = is_used_up(name) ? NULL : section(b, name);
        if (!grown)
            continue;
        grown->next = NULL;
        *end = grown;
        end = &grown->next;
        root.count++;
    }
    if (b->which->id.n)
        buf_addf(out, "# case " STR_FMT "\n", STR_ARG(b->which->id));
    write_tree(b, &root, 0, false, out);
}

static struct err *set_params(struct scenario *s, const struct str *sets, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct str name, value;
        if (!str_cut(sets[i], '=', &name, &value))
            return err_new(ERR_INVALID, "--set: \"" STR_FMT "\" is not of the form NAME=VALUE",
                           STR_ARG(sets[i]));
        struct err *err = scenario_set_param(s, name, value);
        if (err)
            return err;
    }
    return NULL;
}

static struct err *expand_one(struct scenario *s, const struct expand_request *r,
                              struct diags *diags, struct buf *out)
{
    const struct scenario_case **cases;
    size_t n;
    struct err *err = set_params(s, r->sets, r->sets_n);
    struct str profile = r->profile;
    if (!err && profile.n && !str_eq_c(profile, "compat") && !str_eq_c(profile, "hardened"))
        err =
            err_new(ERR_INVALID,
                    "--profile: unknown profile \"" STR_FMT "\"; profiles are compat and hardened",
                    STR_ARG(profile));
    if (!err)
        err = scenario_cases(s, r->case_filter, &cases, &n);
    if (err)
        return err;
    struct binding b = {.arena = s->arena,
                        .scenario = s,
                        .which = cases[0],
                        .profile = profile.n ? profile : s->profiles.v[0],
                        .seed = r->has_seed ? r->seed : s->seeds.first,
                        .keep_i = true,
                        .diags = diags};
    binding_init(&b);
    write_run(&b, out);
    return NULL;
}

bool scenario_expand(struct str file, struct str bytes, const struct expand_request *request,
                     struct buf *out, struct buf *errors)
{
    struct arena arena = {0};
    struct diags diags;
    struct scenario *s = scenario_load_with(&arena, file, bytes, request->files, &diags);
    struct err *err = NULL;
    if (s && diags.n == 0)
        err = expand_one(s, request, &diags, out);
    if (err) {
        buf_addf(errors, STR_FMT ": error: ", STR_ARG(file));
        err_print(err, errors);
        buf_add_char(errors, '\n');
    }
    diags_sort(&diags);
    diags_print(&diags, errors);
    bool ok = !err && diags.n == 0;
    err_free(err);
    arena_free(&arena);
    return ok;
}
