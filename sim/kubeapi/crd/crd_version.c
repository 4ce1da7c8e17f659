/* The versions of a definition: noted when it comes, made into types and paths when one is first used. */
#include "engine/kube/scan.h"
#include "sim/kubeapi/crd/crd_internal.h"
#include "sim/kubeapi/types/crd_schema.h"

static struct str own(struct crd *d, const cJSON *v, const char *path)
{
    return arena_str(&d->a, json_string_at(v, path));
}

/* ---- noting ---- */

/* The raw JSON of the n-th version. */
static struct str version_json(const struct crd *d, size_t n)
{
    struct scan s = scan_of(kube_object_raw(d->object, "spec.versions"));
    struct str value = str_empty;
    if (!scan_enter(&s, '['))
        return str_empty;
    for (size_t i = 0; i <= n; i++)
        if (!scan_element(&s, &value))
            return str_empty;
    return value;
}

static struct str deprecation_of(struct crd *d, const cJSON *tree, const cJSON *v)
{
    struct str given = json_string_at(v, "deprecationWarning");
    if (!json_bool_at(v, "deprecated", false))
        return str_empty;
    if (given.n > 0)
        return arena_str(&d->a, given);
    return arena_printf(&d->a, STR_FMT "/" STR_FMT " " STR_FMT " is deprecated", STR_ARG(d->group),
                        STR_ARG(json_string_at(v, "name")),
                        STR_ARG(json_string_at(tree, "spec.names.kind")));
}

void crd_versions_read(struct crd *d, const cJSON *tree)
{
    const cJSON *list = json_path(tree, "spec.versions");
    size_t n = list ? (size_t)cJSON_GetArraySize(list) : 0;
    d->versions = ARENA_NEW_ARRAY(&d->a, struct crd_version, n + 1);
    for (const cJSON *v = n > 0 ? list->child : NULL; v; v = v->next) {
        struct crd_version *x = &d->versions[d->versions_n];
        x->index = d->versions_n++;
        x->name = own(d, v, "name");
        x->open = crd_schema_is_open(json_path(v, "schema.openAPIV3Schema"));
        struct str schema = scan_path(version_json(d, x->index), "schema.openAPIV3Schema");
        x->schema_hash = str_hash(schema);
        x->rules = str_find(schema, STR("\"x-kubernetes-validations\":")) >= 0;
        x->deprecation = deprecation_of(d, tree, v);
        if (json_bool_at(v, "storage", false))
            d->storage_version = x->name;
    }
}

struct crd_version *crd_version_of(const struct api_kind *k)
{
    struct crd *d = k->crd;
    BUG_ON(!d, "a custom resource's row");
    for (size_t i = 0; i < d->versions_n; i++)
        if (str_eq(d->versions[i].name, k->version))
            return &d->versions[i];
    BUG_ON(true, "a row is one of a version's");
    return NULL;
}

uint64_t crd_storage_hash(const struct crd *d)
{
    for (size_t i = 0; i < d->versions_n; i++)
        if (str_eq(d->versions[i].name, d->storage_version))
            return d->versions[i].schema_hash;
    return 0;
}

/* ---- making ---- */

/* NULL: no path, or one that nothing can come of. */
static const struct jsonpath *path_of(struct crd *d, struct str text)
{
    struct jsonpath *p = NULL;
    struct err *err = text.n > 0 ? jsonpath_compile(&d->a, text, &p) : NULL;
    err_ignore(err); /* a definition of before the check */
    return p;
}

static void make_scale(struct crd *d, struct crd_version *x, const cJSON *v)
{
    const cJSON *s = json_path(v, "subresources.scale");
    if (!s)
        return;
    struct crd_scale *scale = ARENA_NEW(&d->a, struct crd_scale);
    scale->spec_text = own(d, s, "specReplicasPath");
    scale->status_text = own(d, s, "statusReplicasPath");
    scale->selector_text = own(d, s, "labelSelectorPath");
    scale->spec = path_of(d, scale->spec_text);
    scale->status = path_of(d, scale->status_text);
    scale->selector = path_of(d, scale->selector_text);
    if (scale->spec && scale->status && jsonpath_is_simple(scale->spec))
        x->scale = scale;
}

static void make_selectable(struct crd *d, struct crd_version *x, const cJSON *v)
{
    const cJSON *list = json_get(v, "selectableFields");
    size_t n = list ? (size_t)cJSON_GetArraySize(list) : 0;
    struct crd_selectable *fields = ARENA_NEW_ARRAY(&d->a, struct crd_selectable, n + 1);
    for (const cJSON *c = n > 0 ? list->child : NULL; c; c = c->next) {
        struct str text = own(d, c, "jsonPath");
        struct crd_selectable *f = &fields[x->selectable_n];
        f->path = path_of(d, text);
        f->name = text.n > 0 && text.p[0] == '.' ? str_sub(text, 1, text.n) : text;
        x->selectable_n += f->path != NULL;
    }
    x->selectable = fields;
}

/* The same, ready for use. */
static struct crd_version *crd_version_made(const struct api_kind *k)
{
    struct crd_version *x = crd_version_of(k);
    struct crd *d = k->crd;
    const struct crd_schema_options options = {.cel = crds_cel()};
    struct arena scratch = {0};
    cJSON *v = NULL;
    if (x->made)
        return x;
    struct err *err = json_parse(&scratch, version_json(d, x->index), &v);
    BUG_ON(err, "a stored definition is JSON");
    x->type = crd_schema_compile(&options, &d->a, json_path(v, "schema.openAPIV3Schema"));
    make_scale(d, x, v);
    make_selectable(d, x, v);
    x->made = true;
    arena_free(&scratch);
    return x;
}

/* ---- what a definition says ---- */

const struct type *crds_type(const struct api_kind *k)
{
    return crd_version_made(k)->type;
}

const struct crd_scale *crds_scale(const struct api_kind *k)
{
    return crd_version_made(k)->scale;
}

size_t crds_selectable(const struct api_kind *k, const struct crd_selectable **out)
{
    const struct crd_version *x = crd_version_made(k);
    *out = x->selectable;
    return x->selectable_n;
}

struct str crds_deprecation(const struct api_kind *k)
{
    return k->crd ? crd_version_of(k)->deprecation : str_empty;
}
