/* The names of a definition against those of the other definitions of its group, and the conditions that tell of it. */
#include "sim/kubeapi/kinds/crd_internal.h"

#include <string.h>

/* ---- conditions ---- */

static cJSON *condition_of(const cJSON *tree, const char *type)
{
    const cJSON *list = json_path(tree, "status.conditions");
    for (cJSON *c = list ? list->child : NULL; c; c = c->next)
        if (str_eq_c(json_string_at(c, "type"), type))
            return c;
    return NULL;
}

bool crd_condition_is(const cJSON *tree, const char *type, const char *status)
{
    return str_eq_c(json_string_at(condition_of(tree, type), "status"), status);
}

void crd_condition_set(struct kubeapi *api, struct arena *a, cJSON *tree, const char *type,
                       bool status, const char *reason, struct str message)
{
    cJSON *c = condition_of(tree, type);
    struct str value = status ? STR("True") : STR("False");
    if (!c) {
        cJSON *holder = json_ensure(a, tree, "status"), *list = json_get(holder, "conditions");
        if (!list || list->type != cJSON_Array) {
            list = json_array(a);
            json_set(a, holder, STR("conditions"), list);
        }
        c = json_object(a);
        json_set_str(a, c, "type", str_c(type));
        json_append(list, c);
    }
    if (!str_eq(json_string_at(c, "status"), value))
        json_set_str(a, c, "lastTransitionTime", api_now(api, a));
    json_set_str(a, c, "status", value);
    json_set_str(a, c, "reason", str_c(reason));
    json_set_str(a, c, "message", message);
}

/* ---- names ---- */

struct taken {
    struct map resources, kinds; /* names that other definitions hold */
};

static void take(struct map *m, struct str name)
{
    if (name.n > 0)
        map_put(m, name, m);
}

static void take_names(struct taken *t, const struct kube_object *other, struct arena *a)
{
    cJSON *names = NULL;
    struct str raw = kube_object_raw(other, "status.acceptedNames");
    struct err *err = raw.n > 0 ? json_parse(a, raw, &names) : NULL;
    err_ignore(err);
    if (!names)
        return;
    const cJSON *shorts = json_get(names, "shortNames");
    take(&t->resources, json_string_at(names, "plural"));
    take(&t->resources, json_string_at(names, "singular"));
    for (const cJSON *s = shorts ? shorts->child : NULL; s; s = s->next)
        take(&t->resources, json_string(s));
    take(&t->kinds, json_string_at(names, "kind"));
    take(&t->kinds, json_string_at(names, "listKind"));
}

static void collect_taken(struct kubeapi *api, struct arena *a, const cJSON *tree, struct taken *t)
{
    struct str group = json_string_at(tree, "spec.group");
    struct str self = json_string_at(tree, "metadata.name");
    void *value;
    *t = (struct taken){0};
    for (size_t i = 0; map_next(&api->crds->by_name, &i, NULL, &value);) {
        const struct crd *d = value;
        if (str_eq(d->group, group) && !str_eq(d->name, self))
            take_names(t, d->object, a);
    }
}

/* A name that is free, or was accepted before, is accepted; else *why says so. */
static void settle_name(struct arena *a, const cJSON *names, cJSON *accepted, const char *key,
                        const struct map *taken, struct str *why)
{
    struct str name = json_string_at(names, key);
    if (str_eq(json_string_at(accepted, key), name))
        return;
    if (map_has(taken, name))
        *why = arena_printf(a, "\"" STR_FMT "\" is already in use", STR_ARG(name));
    else
        json_set_str(a, accepted, key, name);
}

static void settle_short_names(struct arena *a, const cJSON *names, cJSON *accepted,
                               const struct map *taken, struct str *why)
{
    const cJSON *list = json_get(names, "shortNames");
    cJSON *good = json_array(a);
    struct buf b = {.max = 4096};
    size_t bad = 0;
    for (const cJSON *s = list ? list->child : NULL; s; s = s->next) {
        if (!map_has(taken, json_string(s)))
            json_append(good, json_copy(a, s));
        else
            buf_addf(&b, "%s\"" STR_FMT "\" is already in use", bad++ > 0 ? ", " : "",
                     STR_ARG(json_string(s)));
    }
    if (good->child)
        json_set(a, accepted, STR("shortNames"), good);
    else
        (void)json_unset(accepted, STR("shortNames"));
    if (bad > 0)
        *why = arena_printf(a, bad > 1 ? "[" STR_FMT "]" : STR_FMT, STR_ARG(buf_str(&b)));
    buf_free(&b);
}

/* The reason of the last conflict; NULL: none. */
static const char *settle_all(struct arena *a, const cJSON *names, cJSON *accepted,
                              const struct taken *t, struct str *why)
{
    static const struct {
        const char *key, *reason;
    } rows[] = {{"plural", "PluralConflict"},
                {"singular", "SingularConflict"},
                {"shortNames", "ShortNamesConflict"},
                {"kind", "KindConflict"},
                {"listKind", "ListKindConflict"}};
    const char *reason = NULL;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str problem = str_empty;
        if (i == 2)
            settle_short_names(a, names, accepted, &t->resources, &problem);
        else
            settle_name(a, names, accepted, rows[i].key, i < 2 ? &t->resources : &t->kinds,
                        &problem);
        if (problem.n == 0)
            continue;
        reason = rows[i].reason;
        *why = problem;
    }
    return reason;
}

void crd_names_settle(struct kubeapi *api, struct arena *a, cJSON *tree)
{
    struct taken t;
    struct str why = str_empty;
    const cJSON *names = json_path(tree, "spec.names");
    cJSON *accepted = json_ensure(a, tree, "status.acceptedNames");
    if (!names || !accepted)
        return;
    collect_taken(api, a, tree, &t);
    const char *reason = settle_all(a, names, accepted, &t, &why);
    const cJSON *categories = json_get(names, "categories");
    if (categories && categories->child)
        json_set(a, accepted, STR("categories"), json_copy(a, categories));
    else
        (void)json_unset(accepted, STR("categories"));
    crd_condition_set(api, a, tree, "NamesAccepted", !reason, reason ? reason : "NoConflicts",
                      reason ? why : STR("no conflicts found"));
    if (!reason)
        crd_condition_set(api, a, tree, "Established", true, "InitialNamesAccepted",
                          STR("the initial names have been accepted"));
    else if (!crd_condition_is(tree, "Established", "True"))
        crd_condition_set(api, a, tree, "Established", false, "NotAccepted",
                          STR("not all names are accepted"));
    map_free(&t.resources);
    map_free(&t.kinds);
}
