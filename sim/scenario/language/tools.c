/* The back ends of paddock-sim validate, expand and list. */
#include "sim/scenario/language/bind.h"
#include "sim/scenario/language/language.h"
#include "sim/scenario/language/scenario.h"

#include "engine/base/timefmt.h"

/* ---- validate ---- */

static void plan_every_case(const struct scenario *s, struct diags *diags)
{
    struct arena plans = {0};
    for (size_t c = 0; c < s->cases_n; c++) {
        for (size_t i = 0; i < s->profiles.n; i++) {
            struct plan_request request = {
                .which = &s->cases[c], .profile = s->profiles.v[i], .seed = s->seeds.first};
            (void)scenario_plan(&plans, s, &request, diags);
            arena_reset(&plans);
        }
    }
    arena_free(&plans);
}

size_t scenario_validate(struct str file, struct str bytes, struct buf *out)
{
    struct arena arena = {0};
    struct diags diags;
    struct scenario *s = scenario_load(&arena, file, bytes, &diags);
    /* the sections are checked as well when the head has errors: all of them in one pass */
    if (s)
        plan_every_case(s, &diags);
    diags_sort(&diags);
    diags_print(&diags, out);
    size_t n = diags.n + diags.dropped;
    arena_free(&arena);
    return n;
}

/* ---- list ---- */

static void list_param(const struct param *p, struct buf *out)
{
    buf_addf(out, "    " STR_FMT " (%s) = ", STR_ARG(p->name), param_type_name(p->type));
    expr_value_print(&p->otherwise, out);
    if (p->doc.n)
        buf_addf(out, "  " STR_FMT, STR_ARG(p->doc));
    buf_add_char(out, '\n');
}

static void list_words(const char *what, const struct strs *words, struct buf *out)
{
    if (words->n == 0)
        return;
    buf_addf(out, "    %s:", what);
    for (size_t i = 0; i < words->n; i++)
        buf_addf(out, "%s " STR_FMT, i ? "," : "", STR_ARG(words->v[i]));
    buf_add_char(out, '\n');
}

void scenario_list(const struct scenario *s, struct buf *out)
{
    buf_addf(out, STR_FMT "  " STR_FMT "\n", STR_ARG(s->name), STR_ARG(s->doc));
    buf_addf(out, "    file: " STR_FMT "\n", STR_ARG(s->source.file));
    list_words("tags", &s->tags, out);
    list_words("profiles", &s->profiles, out);
    for (size_t i = 0; i < s->axes_n; i++) {
        buf_addf(out, "    matrix " STR_FMT ":", STR_ARG(s->axes[i].name));
        for (size_t j = 0; j < s->axes[i].n; j++)
            buf_addf(out, "%s " STR_FMT, j ? "," : "", STR_ARG(s->axes[i].entries[j].id));
        buf_add_char(out, '\n');
    }
    for (size_t i = 0; i < s->params_n; i++)
        list_param(&s->params[i], out);
}

/* ---- expand ---- */

static bool is_bare(struct str s)
{
    static const char *const words[] = {"true", "false", "null", "y",  "n",
                                        "yes",  "no",    "on",   "off"};
    int64_t ns;
    if (duration_parse(s, &ns))
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

static void write_scalar(struct binding *b, const struct yaml_node *node, struct str path,
                         struct buf *out)
{
    if (node->kind != YAML_STRING) {
        buf_add(out, node->kind == YAML_NULL ? STR("null") : node->text);
        return;
    }
    struct place at = {path, node->line, node->column};
    struct str text = b->in_repeat ? binding_interpolate_but_i(b, node->text, at)
                                   : binding_interpolate(b, node->text, at);
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
                write_scalar(b, n, n->key, out);
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

/* Entries whose `when` does not hold go; the others lose it. */
static void prune_when(struct binding *b, struct yaml_node *section)
{
    struct yaml_node **end = &section->first;
    for (struct yaml_node *n = section->first; n; n = n->next) {
        const struct yaml_node *when = n->kind == YAML_MAP ? yaml_get(n, "when") : NULL;
        struct place at = {section->key, when ? when->line : 0, when ? when->column : 0};
        struct expr_source source = {when ? when->text : str_empty, at};
        if (!binding_when(b, &source)) {
            section->count--;
            continue;
        }
        if (when)
            remove_entry(n, when);
        *end = n;
        end = &n->next;
    }
    *end = NULL;
}

/* The root without what the expansion has used up. */
static struct yaml_node *without_matrix(struct arena *a, const struct yaml_node *root)
{
    struct yaml_node *copy = ARENA_NEW(a, struct yaml_node);
    *copy = *root;
    struct yaml_node **end = &copy->first;
    for (const struct yaml_node *n = root->first; n; n = n->next) {
        if (str_eq_c(n->key, "matrix") || str_eq_c(n->key, "params"))
            continue;
        struct yaml_node *kept = ARENA_NEW(a, struct yaml_node);
        *kept = *n;
        *end = kept;
        end = &kept->next;
    }
    *end = NULL;
    return copy;
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

static struct err *expand_one(struct scenario *s, struct str filter, struct str profile,
                              const struct str *sets, size_t sets_n, struct diags *diags,
                              struct buf *out)
{
    const struct scenario_case **cases;
    size_t n;
    struct err *err = set_params(s, sets, sets_n);
    if (!err && profile.n && !str_eq_c(profile, "compat") && !str_eq_c(profile, "hardened"))
        err =
            err_new(ERR_INVALID,
                    "--profile: unknown profile \"" STR_FMT "\"; profiles are compat and hardened",
                    STR_ARG(profile));
    if (!err)
        err = scenario_cases(s, filter, &cases, &n);
    if (err)
        return err;
    struct binding b = {.arena = s->arena,
                        .scenario = s,
                        .which = cases[0],
                        .profile = profile.n ? profile : s->profiles.v[0],
                        .seed = s->seeds.first,
                        .diags = diags};
    binding_init(&b);
    /* the top level is not removed as a whole: its sections are */
    struct yaml_node *root = without_matrix(s->arena, s->root);
    if (cases[0]->id.n)
        buf_addf(out, "# case " STR_FMT "\n", STR_ARG(cases[0]->id));
    struct yaml_node **end = &root->first;
    for (struct yaml_node *n_at = root->first; n_at; n_at = n_at->next) {
        struct yaml_node *grown = binding_expand(&b, n_at, n_at->key);
        if (!grown)
            continue;
        if (str_eq_c(grown->key, "profile"))
            *grown = (struct yaml_node){.kind = YAML_STRING, .text = b.profile, .key = grown->key};
        if (grown->kind == YAML_LIST || grown->kind == YAML_MAP)
            prune_when(&b, grown);
        *end = grown;
        end = &grown->next;
    }
    *end = NULL;
    write_tree(&b, root, 0, false, out);
    return NULL;
}

bool scenario_expand(struct str file, struct str bytes, struct str case_filter, struct str profile,
                     const struct str *sets, size_t sets_n, struct buf *out, struct buf *errors)
{
    struct arena arena = {0};
    struct diags diags;
    struct scenario *s = scenario_load(&arena, file, bytes, &diags);
    struct err *err = NULL;
    if (s && diags.n == 0)
        err = expand_one(s, case_filter, profile, sets, sets_n, &diags, out);
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
