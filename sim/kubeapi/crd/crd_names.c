/* The names of a definition against those of the other definitions of its group, and the conditions that tell of it. */
#include "sim/kubeapi/core/stamps.h"
#include "sim/kubeapi/crd/crd_internal.h"

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

/* Whose names: those that the other definitions of the group hold. */
struct naming {
    struct kubeapi *api;
    struct arena *a;
    struct str group, self;
};

static void hold(struct crd *d, struct str name, bool kind)
{
    if (name.n > 0 && d->held_n < CRD_NAMES_MAX)
        d->held[d->held_n++] = (struct crd_name){arena_str(&d->a, name), kind};
}

void crd_names_note(struct crd *d, const cJSON *tree)
{
    const cJSON *names = json_path(tree, "status.acceptedNames");
    const cJSON *shorts = json_get(names, "shortNames");
    d->held = ARENA_NEW_ARRAY(&d->a, struct crd_name, CRD_NAMES_MAX);
    hold(d, json_string_at(names, "plural"), false);
    hold(d, json_string_at(names, "singular"), false);
    hold(d, json_string_at(names, "kind"), true);
    hold(d, json_string_at(names, "listKind"), true);
    for (const cJSON *s = shorts ? shorts->child : NULL; s; s = s->next)
        hold(d, json_string(s), false);
}

static bool is_taken(const struct naming *n, struct str name, bool kind)
{
    void *value;
    for (size_t i = 0; map_next(&n->api->crds->by_name, &i, NULL, &value);) {
        const struct crd *d = value;
        if (!str_eq(d->group, n->group) || str_eq(d->name, n->self))
            continue;
        for (size_t k = 0; k < d->held_n; k++)
            if (d->held[k].kind == kind && str_eq(d->held[k].name, name))
                return true;
    }
    return false;
}

/* A name that is free, or was accepted before, is accepted; else *why says so. */
static void settle_name(const struct naming *n, const cJSON *names, cJSON *accepted,
                        const char *key, bool kind, struct str *why)
{
    struct str name = json_string_at(names, key);
    if (str_eq(json_string_at(accepted, key), name))
        return;
    if (is_taken(n, name, kind))
        *why = arena_printf(n->a, "\"" STR_FMT "\" is already in use", STR_ARG(name));
    else
        json_set_str(n->a, accepted, key, name);
}

static void settle_short_names(const struct naming *n, const cJSON *names, cJSON *accepted,
                               struct str *why)
{
    const cJSON *list = json_get(names, "shortNames");
    cJSON *good = json_array(n->a);
    struct buf b = {.max = 4096};
    size_t bad = 0;
    for (const cJSON *s = list ? list->child : NULL; s; s = s->next) {
        if (!is_taken(n, json_string(s), false))
            json_append(good, json_copy(n->a, s));
        else
            buf_addf(&b, "%s\"" STR_FMT "\" is already in use", bad++ > 0 ? ", " : "",
                     STR_ARG(json_string(s)));
    }
    if (good->child)
        json_set(n->a, accepted, STR("shortNames"), good);
    else
        (void)json_unset(accepted, STR("shortNames"));
    if (bad > 0)
        *why = arena_printf(n->a, bad > 1 ? "[" STR_FMT "]" : STR_FMT, STR_ARG(buf_str(&b)));
    buf_free(&b);
}

/* The reason of the last conflict; NULL: none. */
static const char *settle_all(const struct naming *n, const cJSON *names, cJSON *accepted,
                              struct str *why)
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
            settle_short_names(n, names, accepted, &problem);
        else
            settle_name(n, names, accepted, rows[i].key, i > 2, &problem);
        if (problem.n == 0)
            continue;
        reason = rows[i].reason;
        *why = problem;
    }
    return reason;
}

void crds_settle_names(struct kubeapi *api, struct arena *a, cJSON *tree)
{
    struct str group = json_string_at(tree, "spec.group");
    struct str self =
        arena_printf(a, STR_FMT "." STR_FMT, /* an update's metadata is no tree */
                     STR_ARG(json_string_at(tree, "spec.names.plural")), STR_ARG(group));
    const struct naming n = {api, a, group, self};
    struct str why = str_empty;
    const cJSON *names = json_path(tree, "spec.names");
    cJSON *accepted = json_ensure(a, tree, "status.acceptedNames");
    if (!names || !accepted)
        return;
    const char *reason = settle_all(&n, names, accepted, &why);
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
}
