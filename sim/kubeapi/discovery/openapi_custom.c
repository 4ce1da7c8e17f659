/* Schemas of custom resources: the definition's own, with what every object has; v2 loses what it cannot say. */
#include "sim/kubeapi/discovery/openapi.h"

#include "engine/kube/scan.h"

struct str openapi_custom_name(struct arena *a, const struct api_kind *k, bool list)
{
    struct buf b = {.max = 2048}, kind = {.max = 512};
    struct str rest = k->group, label;
    size_t end = rest.n;
    while (end > 0) { /* the labels of the group, last first */
        size_t start = end;
        while (start > 0 && rest.p[start - 1] != '.')
            start--;
        label = str_sub(rest, start, end - start);
        buf_addf(&b, STR_FMT ".", STR_ARG(label));
        end = start > 0 ? start - 1 : 0;
    }
    if (list)
        api_kind_list_name(k, &kind);
    else
        buf_add(&kind, k->kind);
    buf_addf(&b, STR_FMT "." STR_FMT, STR_ARG(k->version), STR_ARG(buf_str(&kind)));
    struct str name = arena_str(a, buf_str(&b));
    buf_free(&b);
    buf_free(&kind);
    return name;
}

/* ---- v2 ---- */

/* One node: what v2 has no words for goes; then its children, at most JSON_DEPTH_MAX deep as it was parsed. */
static void simplify(struct arena *a, cJSON *schema)
{
    static const char *const gone[] = {"oneOf",    "anyOf",   "allOf",
                                       "not",      "default", "x-kubernetes-validations",
                                       "nullable", "example", "externalDocs"};
    if (!schema || schema->type != cJSON_Object)
        return;
    bool nullable = json_bool_at(schema, "nullable", false);
    bool open = json_bool_at(schema, "x-kubernetes-preserve-unknown-fields", false);
    bool either = json_bool_at(schema, "x-kubernetes-int-or-string", false);
    for (size_t i = 0; i < ARRAY_LEN(gone); i++)
        (void)json_unset(schema, str_c(gone[i]));
    if (nullable || open || either) { /* any value: clients of v2 would refuse what is fine */
        (void)json_unset(schema, STR("items"));
        (void)json_unset(schema, STR("properties"));
        (void)json_unset(schema, STR("additionalProperties"));
        (void)json_unset(schema, STR("required"));
        (void)json_unset(schema, STR("enum"));
        (void)json_unset(schema, STR("type"));
        if (open && !nullable)
            json_set_str(a, schema, "type", STR("object"));
    }
    const cJSON *properties = json_get(schema, "properties");
    for (cJSON *c = properties ? properties->child : NULL; c; c = c->next)
        simplify(a, c);
    simplify(a, json_get(schema, "items"));
    simplify(a, json_get(schema, "additionalProperties"));
}

/* ---- the object ---- */

static struct str schema_of(struct kubeapi *api, const struct api_kind *k)
{
    const struct kube_object *o = kubeapi_get(
        api, STR("customresourcedefinitions.apiextensions.k8s.io"), str_empty, k->table);
    struct str versions = o ? kube_object_raw(o, "spec.versions") : str_empty, item, name;
    struct scan s = scan_of(versions);
    bool escaped;
    if (versions.n == 0 || !scan_enter(&s, '['))
        return str_empty;
    while (scan_element(&s, &item))
        if (scan_string(scan_get(item, STR("name")), &name, &escaped) && str_eq(name, k->version))
            return scan_path(item, "schema.openAPIV3Schema");
    return str_empty;
}

static cJSON *reference(struct arena *a, enum openapi v, const char *type)
{
    cJSON *o = json_object(a);
    json_set_str(a, o, "$ref",
                 arena_printf(a, "%s" OPENAPI_META "%s", openapi_ref_prefix(v), type));
    return o;
}

static cJSON *string_schema(struct arena *a)
{
    cJSON *o = json_object(a);
    json_set_str(a, o, "type", STR("string"));
    return o;
}

static void add_gvk(struct arena *a, cJSON *schema, const struct api_kind *k, struct str kind)
{
    cJSON *list = json_array(a), *gvk = json_object(a);
    json_set_str(a, gvk, "group", k->group);
    json_set_str(a, gvk, "kind", kind);
    json_set_str(a, gvk, "version", k->version);
    json_append(list, gvk);
    json_set(a, schema, STR("x-kubernetes-group-version-kind"), list);
}

static void add_object_properties(struct arena *a, enum openapi v, cJSON *schema)
{
    if (!json_get(schema, "type"))
        json_set_str(a, schema, "type", STR("object"));
    cJSON *properties = json_get(schema, "properties");
    if (!properties) {
        properties = json_object(a);
        json_set(a, schema, STR("properties"), properties);
    }
    if (!json_get(properties, "apiVersion"))
        json_set(a, properties, STR("apiVersion"), string_schema(a));
    if (!json_get(properties, "kind"))
        json_set(a, properties, STR("kind"), string_schema(a));
    json_set(a, properties, STR("metadata"), reference(a, v, "ObjectMeta"));
}

void openapi_write_custom(struct kubeapi *api, enum openapi v, const struct api_kind *k,
                          struct buf *out)
{
    struct arena a = {0};
    cJSON *schema = NULL;
    struct str raw = schema_of(api, k);
    if (raw.n > 0)
        err_ignore(json_parse(&a, raw, &schema));
    if (!schema || schema->type != cJSON_Object)
        schema = json_object(&a);
    /* Clients of v2 would take any property for all that there are. */
    bool open = json_bool_at(schema, "x-kubernetes-preserve-unknown-fields", false);
    if (v == OPENAPI_V2 && open) {
        schema = json_object(&a);
        json_set_str(&a, schema, "type", STR("object"));
    } else {
        if (v == OPENAPI_V2)
            simplify(&a, schema);
        add_object_properties(&a, v, schema);
    }
    add_gvk(&a, schema, k, k->kind);
    json_write(out, schema);
    arena_free(&a);
}

void openapi_write_custom_list(enum openapi v, const struct api_kind *k, struct buf *out)
{
    struct arena a = {0};
    cJSON *schema = json_object(&a), *properties = json_object(&a), *items = json_object(&a);
    cJSON *item = json_object(&a), *required = json_array(&a);
    struct buf kind = {.max = 512};
    struct str name = openapi_custom_name(&a, k, false);
    json_set_str(&a, item, "$ref",
                 arena_printf(&a, "%s" STR_FMT, openapi_ref_prefix(v), STR_ARG(name)));
    json_set_str(&a, items, "type", STR("array"));
    json_set(&a, items, STR("items"), item);
    json_set(&a, properties, STR("items"), items);
    json_set(&a, properties, STR("apiVersion"), string_schema(&a));
    json_set(&a, properties, STR("kind"), string_schema(&a));
    json_set(&a, properties, STR("metadata"), reference(&a, v, "ListMeta"));
    json_append(required, json_str(&a, STR("items")));
    json_set_str(&a, schema, "type", STR("object"));
    json_set(&a, schema, STR("properties"), properties);
    json_set(&a, schema, STR("required"), required);
    api_kind_list_name(k, &kind);
    add_gvk(&a, schema, k, buf_str(&kind));
    json_write(out, schema);
    buf_free(&kind);
    arena_free(&a);
}
