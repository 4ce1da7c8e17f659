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
    s->source = (struct source){.file = file, .text = bytes};
    diags_init(diags, a, &s->source);
    struct err *err = yaml_parse(a, file, bytes, &s->root);
    if (err) {
        diag_add(diags, (struct place){.line = err->line, .column = err->column}, "%s",
                 err->message);
        err_free(err);
        return NULL;
    }
    if (s->root->kind != YAML_MAP) {
        diag_add(diags, schema_place(s->root, str_empty),
                 "a scenario is a mapping that begins with \"scenario: v1\", not %s",
                 schema_kind_name(s->root->kind));
        return NULL;
    }
    refuse_bent_keys(s->root, str_empty, diags);
    templates_use(s, files, diags);
    load_head(s, diags);
    return s;
}
