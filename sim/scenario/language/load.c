/* The file as it is by itself: version, name, parameters, matrix, profiles, keys that YAML 1.1 would bend. */
#include "sim/scenario/language/load.h"
#include "engine/base/timefmt.h"
#include "sim/scenario/language/language.h"
#include "sim/scenario/language/scenario.h"
#include "sim/scenario/language/schema_internal.h"

/* ---- keys ---- */

/* The depth is bounded by the YAML reader. */
void refuse_bent_keys(const struct yaml_node *node, struct str path, struct diags *diags)
{
    if (node->kind != YAML_MAP && node->kind != YAML_LIST)
        return;
    size_t i = 0;
    for (const struct yaml_node *n = node->first; n; n = n->next, i++) {
        struct str at = node->kind == YAML_MAP
                            ? schema_path(diags->arena, path, n->key)
                            : arena_printf(diags->arena, STR_FMT "[%zu]", STR_ARG(path), i);
        if (node->kind == YAML_MAP && schema_is_bent_key(n))
            diag_add(diags, schema_key_place(n, path),
                     "the bare key \"" STR_FMT "\" means a boolean to other readers of YAML; put "
                     "it in quotes or use another word",
                     STR_ARG(n->key));
        refuse_bent_keys(n, at, diags);
    }
}

/* ---- profiles and policies ---- */

/* Those that are right; hardened when there is none. */
static void load_profiles(struct scenario *s, const struct file_entry *file, struct diags *diags)
{
    static const struct str known[] = {STR_INIT("compat"), STR_INIT("hardened")};
    const struct strs *names = &file->profile;
    struct strs *out = &s->profiles;
    out->v = ARENA_NEW_ARRAY(s->arena, struct str, names->n + 1);
    for (size_t i = 0; i < names->n; i++) {
        struct str name = names->v[i];
        bool twice = false;
        for (size_t j = 0; j < out->n; j++)
            twice |= str_eq(out->v[j], name);
        if (twice)
            diag_add(diags, names->places[i], "the profile \"" STR_FMT "\" is there twice",
                     STR_ARG(name));
        else if (!str_eq(name, known[0]) && !str_eq(name, known[1]))
            diag_add(diags, names->places[i], "unknown profile \"" STR_FMT "\"" STR_FMT,
                     STR_ARG(name),
                     STR_ARG(diag_suggest_tail(s->arena, name, known, ARRAY_LEN(known))));
        else
            out->v[out->n++] = name;
    }
    if (out->n == 0)
        out->v[out->n++] = known[1];
}

/* ---- YAML ---- */

struct str without_mark(struct str bytes)
{
    struct str mark = STR("\xef\xbb\xbf"); /* some editors begin a file so */
    return str_starts(bytes, mark) ? str_sub(bytes, mark.n, bytes.n) : bytes;
}

/* Tabs do not indent, whatever the reader makes of one. */
static bool is_tab(struct str text, const struct err *err)
{
    struct str line = str_empty;
    for (uint32_t i = 0; i < (uint32_t)err->line; i++)
        (void)str_cut(text, '\n', &line, &text);
    struct str blank = str_sub(line, 0, (size_t)err->column);
    return err->column > 0 && str_find_char(blank, '\t') >= 0 && str_trim(blank).n == 0;
}

/* What people mostly did when the reader says this. */
static const char *advice_for(struct str message)
{
    static const struct {
        const char *text, *advice;
    } table[] = {
        {"did not find expected key", "entries of one mapping begin in the same column"},
        {"mapping values are not allowed", "text that holds \": \" stands in quotes"},
        {"could not find expected ':'", "behind a key come a colon and a blank"},
        {"did not find expected ','", "a bracket is not closed, or a comma is missing"},
        {"did not find expected node content", "a value is missing here"},
        {"unexpected end of stream", "a quote is not closed"},
        {"tab character", "indent with blanks"},
        {"cannot start any token", "text that begins so stands in quotes"},
        {"UTF-8", "the file is to be saved as UTF-8"},
        {"did not find expected '-' indicator", "entries of one list begin in the same column"},
        {"tags are not supported", "without \"!\", or in quotes, it is a text"},
        {"one document is expected", "one file holds one scenario"},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (str_find(message, str_c(table[i].text)) >= 0)
            return table[i].advice;
    return NULL;
}

bool read_yaml(struct arena *a, const struct source *source, const struct source *of,
               struct yaml_node **root, struct diags *diags)
{
    struct err *err = yaml_parse(a, source->file, source->text, root);
    if (!err)
        return true;
    const char *advice = is_tab(source->text, err) ? "this is a tab: indent with blanks"
                                                   : advice_for(str_c(err->message));
    struct place at = {.line = err->line, .column = err->column, .source = of};
    diag_add(diags, at, "%s%s%s", err->message, advice ? "; " : "", advice ? advice : "");
    err_free(err);
    return false;
}

/* ---- the whole ---- */

static void load_head(struct scenario *s, struct diags *diags)
{
    struct decode d = {.arena = s->arena, .diags = diags, .source = &s->source};
    struct file_entry *file = ARENA_NEW(s->arena, struct file_entry);
    s->file = file;
    schema_decode_object(&d, &file_shape, s->root, str_empty, file);
    s->name = file->name;
    s->doc = file->doc;
    s->tags = file->tags;
    s->seeds.first = (uint64_t)file->seeds.first;
    s->seeds.count = (uint64_t)file->seeds.count;
    s->seeds.swarm = file->seeds.swarm;
    s->on_failure.shrink = file->on_failure.shrink;
    s->on_failure.keep = file->on_failure.keep;
    s->on_failure.budget_ns = file->on_failure.budget_ns;
    load_profiles(s, file, diags);
    s->params_n = params_load(s, &d, file->params, STR("params"), &param_shape, &s->params);
    matrix_load(s, file->matrix, diags);
}

struct scenario *scenario_load(struct arena *a, struct str file, struct str bytes,
                               struct diags *diags)
{
    return scenario_load_with(a, file, bytes, NULL, diags);
}

struct scenario *scenario_load_with(struct arena *a, struct str file, struct str bytes,
                                    const struct scenario_files *files, struct diags *diags)
{
    struct scenario *s = ARENA_NEW(a, struct scenario);
    s->arena = a;
    s->source = (struct source){.file = file, .text = without_mark(bytes)};
    diags_init(diags, a, &s->source);
    if (!read_yaml(a, &s->source, NULL, &s->root, diags))
        return NULL;
    if (s->root->kind != YAML_MAP) {
        diag_add(diags, schema_place(s->root, str_empty),
                 "a scenario is a mapping that begins with \"scenario: v1\", not %s",
                 schema_kind_name(s->root->kind));
        return NULL;
    }
    const struct yaml_node *head = yaml_get(s->root, "template");
    if (head && !yaml_get(s->root, "scenario")) {
        diag_add(diags, schema_key_place(head, str_empty),
                 "this is a template: it is part of the scenarios that name it in \"use\", and is "
                 "checked with them");
        return NULL;
    }
    head = yaml_get(s->root, "stages");
    if (head && !yaml_get(s->root, "scenario")) {
        diag_add(diags, schema_key_place(head, str_empty),
                 "these are stages of pods and nodes: they are part of the scenarios whose "
                 "clusters name them "
                 "(stages: FILE)");
        return NULL;
    }
    refuse_bent_keys(s->root, str_empty, diags);
    templates_use(s, files, diags);
    load_head(s, diags);
    refuse_unused(s, diags);
    return s;
}
