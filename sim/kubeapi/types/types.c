/* Look-ups in the constant tables. */
#include "sim/kubeapi/types/builtin.h"

static int kind_cmp(const struct builtin_kind *k, struct str group, struct str version,
                    struct str kind)
{
    int order = str_cmp(k->kind, kind);
    if (order == 0 && !k->everywhere)
        order = str_cmp(k->group, group);
    if (order == 0 && !k->everywhere)
        order = str_cmp(k->version, version);
    return order;
}

const struct type *type_builtin(struct str group, struct str version, struct str kind)
{
    size_t from = 0, to = builtin_kinds_n;
    while (from < to) {
        size_t i = from + (to - from) / 2;
        int order = kind_cmp(&builtin_kinds[i], group, version, kind);
        if (order == 0)
            return builtin_kinds[i].type;
        if (order < 0)
            from = i + 1;
        else
            to = i;
    }
    return NULL;
}

const struct type *type_named(struct str name)
{
    size_t from = 0, to = builtin_named_n;
    while (from < to) {
        size_t i = from + (to - from) / 2;
        int order = str_cmp(builtin_types[i].name, name);
        if (order == 0)
            return &builtin_types[i];
        if (order < 0)
            from = i + 1;
        else
            to = i;
    }
    return NULL;
}

const struct type *type_next(size_t *i)
{
    return *i < builtin_named_n ? &builtin_types[(*i)++] : NULL;
}

const struct type_field *type_field_find(const struct type *t, struct str name)
{
    size_t from = 0, to = t->fields_n;
    while (from < to) {
        size_t i = from + (to - from) / 2;
        int order = str_cmp(t->fields[i].name, name);
        if (order == 0)
            return &t->fields[i];
        if (order < 0)
            from = i + 1;
        else
            to = i;
    }
    return NULL;
}

const struct type *type_object_meta(void)
{
    return &builtin_types[builtin_object_meta];
}

bool type_gvk(const struct type *t, struct type_gvk *out)
{
    for (size_t i = 0; i < builtin_kinds_n; i++) {
        const struct builtin_kind *k = &builtin_kinds[i];
        if (k->type == t) {
            *out = (struct type_gvk){k->group, k->version, k->kind, k->everywhere};
            return true;
        }
    }
    return false;
}

struct str type_short_name(const struct type *t)
{
    size_t n = t->name.n;
    while (n > 0 && t->name.p[n - 1] != '.')
        n--;
    return str_sub(t->name, n, t->name.n - n);
}
