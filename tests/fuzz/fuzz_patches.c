/* Any patch of any object of a built-in type (lines: type, object, patch, field set): each kind of patch is refused or makes an
 * object of the type; an apply changes nothing when it is made again; a field set is read back as it is written. */
#include "sim/kubeapi/types/fieldset.h"
#include "sim/kubeapi/types/json_patch.h"
#include "sim/kubeapi/types/merge.h"
#include "sim/kubeapi/types/strategic.h"
#include "sim/kubeapi/types/typed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static cJSON *object_of(struct arena *a, struct str text)
{
    cJSON *v = NULL;
    err_ignore(json_parse(a, text, &v));
    return v && v->type == cJSON_Object ? v : NULL;
}

static void try_apply(struct arena *a, const struct type *t, const cJSON *live, const cJSON *patch)
{
    struct err *err = merge_check(t, patch);
    bool sound = !err;
    err_ignore(err);
    err = merge_check(t, live);
    sound = sound && !err;
    err_ignore(err);
    if (!sound)
        return;
    const cJSON *once = merge_values(a, t, live, patch), *twice = merge_values(a, t, once, patch);
    struct typed_changes c;
    typed_compare(a, t, once, twice, false, &c);
    BUG_ON(!fieldset_empty(c.changed), "an apply made again changes nothing");
}

static void try_set(struct arena *a, struct str text)
{
    const struct fieldset *set = NULL, *again = NULL;
    struct buf b = {0};
    cJSON *json = NULL;
    err_ignore(json_parse(a, text, &json));
    struct err *err = json ? fieldset_parse(a, json, &set) : NULL;
    bool refused = !json || err;
    err_ignore(err);
    if (refused)
        return;
    fieldset_write(&b, set);
    err = json_parse(a, buf_str(&b), &json);
    BUG_ON(err, "a field set is written as JSON");
    err = fieldset_parse(a, json, &again);
    BUG_ON(err || !fieldset_equal(set, again), "a set is read back");
    buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = {(const char *)data, size}, line[3];
    struct arena a = {0};
    for (size_t i = 0; i < ARRAY_LEN(line); i++)
        if (!str_cut(rest, '\n', &line[i], &rest))
            rest = str_empty;
    const struct type *t = type_builtin(str_empty, STR("v1"), line[0]);
    t = t ? t : type_builtin(STR("apps"), STR("v1"), line[0]);
    cJSON *live = object_of(&a, line[1]), *patch = NULL, *tree;
    err_ignore(json_parse(&a, line[2], &patch));
    try_set(&a, rest);
    if (live && patch && patch->type == cJSON_Array) {
        tree = json_copy(&a, live);
        err_ignore(json_patch_apply(&a, &tree, patch));
    }
    if (t && t->kind == TYPE_OBJECT && live && patch && patch->type == cJSON_Object) {
        tree = json_copy(&a, live);
        json_patch_merge(&a, tree, patch);
        try_apply(&a, t, live, patch);
        struct err *err = strategic_apply(&a, t, &tree, json_copy(&a, patch));
        if (!err)
            err = strategic_check(t, tree);
        err_ignore(err);
    }
    arena_free(&a);
    return 0;
}
