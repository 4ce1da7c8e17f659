/* Which types have a protobuf form. */
#include "engine/base/map.h"
#include "sim/kubeapi/types/proto.h"

static bool stands_inline(const struct type *t, struct str name)
{
    for (size_t i = t->fields_n; i < t->fields_n + t->inlines_n; i++)
        if (type_field_find(t->fields[i].type, name))
            return true;
    return false;
}

/* The fields of this type alone. */
static bool numbered(const struct type *t)
{
    for (size_t i = 0; i < t->fields_n; i++) {
        const struct type_field *f = &t->fields[i];
        bool identity = str_eq_c(f->name, "apiVersion") || str_eq_c(f->name, "kind");
        if (f->number == 0 && !identity && !stands_inline(t, f->name))
            return false;
    }
    return true;
}

/* What a list or map in it, or the value itself, is made of. */
static const struct type *core_of(const struct type *t)
{
    while (t->kind == TYPE_LIST || t->kind == TYPE_MAP)
        t = t->items;
    return t;
}

bool proto_knows(const struct type *t)
{
    struct map seen = {0};
    void *found;
    struct str name;
    bool ok = t->kind == TYPE_OBJECT && t->name.n > 0;
    if (ok)
        map_put(&seen, t->name, (void *)(uintptr_t)t);
    for (size_t at = 0; ok && map_next(&seen, &at, &name, &found);) { /* it grows as we go */
        const struct type *reached = found;
        ok = numbered(reached);
        for (size_t i = 0; ok && i < reached->fields_n + reached->inlines_n; i++) {
            const struct type *c = core_of(reached->fields[i].type);
            if (c->kind == TYPE_OBJECT && c->name.n > 0 && !map_has(&seen, c->name))
                map_put(&seen, c->name, (void *)(uintptr_t)c);
        }
    }
    map_free(&seen);
    return ok;
}

const struct type *proto_type(struct str api_version, struct str kind)
{
    struct str group, version;
    if (!str_cut(api_version, '/', &group, &version)) {
        version = group;
        group = str_empty;
    }
    struct type_gvk own;
    const struct type *t = type_builtin(group, version, kind);
    if (!t) {
        t = type_builtin(str_empty, STR("v1"), kind);
        bool meta = str_eq_c(group, "meta.k8s.io");
        t = t && (meta || (type_gvk(t, &own) && own.everywhere)) ? t : NULL;
    }
    return t && t->kind == TYPE_OBJECT && numbered(t) ? t : NULL;
}
