/* Any schema, value, path and pattern (a line each): the check ends with a report, the compiler with a type, pruning is
 * idempotent, validation ends; paths and patterns are refused or look into the value. */
#include "sim/kubeapi/types/crd_schema.h"
#include "sim/kubeapi/types/jsonpath.h"
#include "sim/kubeapi/types/pattern.h"
#include "sim/kubeapi/types/prune.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_value(struct arena *a, const struct type *t, cJSON *v)
{
    const struct type_check check = {.keys_held = true};
    struct type_report *report = ARENA_NEW(a, struct type_report);
    struct prune_report *unknown = ARENA_NEW(a, struct prune_report);
    report->a = unknown->a = a;
    (void)type_prune(a, t, v, PRUNE_ALL, unknown);
    type_validate(&check, t, v, NULL, NULL, report);
    type_report_sort(report);
}

static void try_schema(struct arena *a, cJSON *s, cJSON *v)
{
    const struct crd_schema_options options = {0};
    struct type_report *report = ARENA_NEW(a, struct type_report);
    report->a = a;
    crd_schema_check(&options, s, STR("s"), report);
    const struct type *t = crd_schema_compile(&options, a, s);
    bool sound = report->n == 0; /* only then are defaults themselves in shape */
    if (!v)
        return;
    try_value(a, t, v);
    BUG_ON(sound && type_prune(a, t, v, PRUNE_ALL, NULL), "twice is once");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a = {0};
    struct str rest = {(const char *)data, size}, line[3];
    cJSON *s = NULL, *v = NULL;
    struct jsonpath *path = NULL;
    struct pattern *pattern = NULL;
    for (size_t i = 0; i < ARRAY_LEN(line); i++)
        if (!str_cut(rest, '\n', &line[i], &rest))
            rest = str_empty;
    struct err *err = json_parse(&a, line[0], &s);
    err_ignore(err);
    err = json_parse(&a, line[1], &v);
    err_ignore(err);
    err = jsonpath_compile(&a, line[2], &path);
    err_ignore(err);
    if (path && v)
        (void)jsonpath_first(path, v);
    if (s && s->type == cJSON_Object)
        try_schema(&a, s, v);
    err = pattern_compile(&a, rest, &pattern);
    err_ignore(err);
    if (pattern)
        (void)pattern_matches(pattern, line[1]);
    arena_free(&a);
    return 0;
}
