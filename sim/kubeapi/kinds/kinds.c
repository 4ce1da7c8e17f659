#include "sim/kubeapi/kinds/kinds.h"

#include "engine/base/base.h"

static const struct str verb_names[] = {
    STR_INIT("get"),    STR_INIT("list"),  STR_INIT("watch"),  STR_INIT("create"),
    STR_INIT("update"), STR_INIT("patch"), STR_INIT("delete"), STR_INIT("deletecollection"),
};

struct str api_verb_name(enum api_verb verb)
{
    BUG_ON((size_t)verb >= ARRAY_LEN(verb_names), "a verb of a resource");
    return verb_names[verb];
}

const struct api_kind *api_kind_builtin(struct str group, struct str version, struct str resource)
{
    for (size_t i = 0; i < api_kinds_n; i++) {
        const struct api_kind *k = &api_kinds[i];
        if (str_eq(k->resource, resource) && str_eq(k->group, group) &&
            (version.n == 0 || str_eq(k->version, version)))
            return k;
    }
    return NULL;
}

bool api_kind_is_sub(const struct api_kind *row)
{
    return str_find_char(row->resource, '/') >= 0;
}

const struct api_kind *api_kind_builtin_of(struct str group, struct str version, struct str kind)
{
    for (size_t i = 0; i < api_kinds_n; i++) {
        const struct api_kind *k = &api_kinds[i];
        if (str_eq(k->kind, kind) && str_eq(k->group, group) && str_eq(k->version, version) &&
            !api_kind_is_sub(k))
            return k;
    }
    return NULL;
}

bool api_group_known(struct str group, struct str version)
{
    for (size_t i = 0; i < api_kinds_n; i++)
        if (str_eq(api_kinds[i].group, group) &&
            (version.n == 0 || str_eq(api_kinds[i].version, version)))
            return true;
    return false;
}

/* Built-in rows end where another resource begins; a custom resource's rows end with an empty one. */
const struct api_kind *api_kind_sub(const struct api_kind *kind, struct str sub)
{
    const struct api_kind *end = kind->crd ? NULL : api_kinds + api_kinds_n;
    for (const struct api_kind *k = kind + 1; k != end && k->resource.n > 0; k++) {
        if (!api_kind_is_sub(k))
            return NULL;
        if (str_ends(k->resource, sub) && k->resource.n == kind->resource.n + 1 + sub.n)
            return k;
    }
    return NULL;
}

void api_kind_list_name(const struct api_kind *kind, struct buf *out)
{
    buf_add(out, kind->list_kind.n > 0 ? kind->list_kind : kind->kind);
    if (kind->list_kind.n == 0)
        buf_add_c(out, "List");
}
