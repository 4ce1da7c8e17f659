#include "sim/kubeapi/print/print.h"

#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/crd/crds.h"
#include "sim/kubeapi/print/cell.h"
#include "sim/kubeapi/types/jsonpath.h"

#include "engine/base/timefmt.h"

enum include { INCLUDE_METADATA, INCLUDE_OBJECT, INCLUDE_NONE };

/* A column of a definition. */
struct custom_column {
    struct str name, type, format, description;
    int64_t priority;
    const struct jsonpath *path; /* NULL: the name */
};

struct print {
    const struct api_kind *kind;
    struct world *w;
    bool table;
    const char *version; /* of meta.k8s.io */
    enum include include;
    const struct print_kind *columns; /* NULL: custom ones */
    struct custom_column *custom;
    size_t custom_n;
    struct arena a, row; /* of the custom columns; of one row's tree */
    bool columns_said, first;
};

static const struct print_column default_columns[] = {
    {"Name", "string", "name", cell_name, "", 0, TEXT_NAME},
    {"Age", "string", "", cell_age, "", 0, TEXT_AGE},
};
const struct print_kind print_kind_default = {"", default_columns, ARRAY_LEN(default_columns)};

/* ---- columns ---- */

static const struct print_kind *find_columns(const struct api_kind *k)
{
    for (size_t i = 0; i < print_kinds_core_n; i++)
        if (api_kind_is(k, print_kinds_core[i].table))
            return &print_kinds_core[i];
    for (size_t i = 0; i < print_kinds_groups_n; i++)
        if (api_kind_is(k, print_kinds_groups[i].table))
            return &print_kinds_groups[i];
    return &print_kind_default;
}

static struct str own(struct print *p, const cJSON *column, const char *key)
{
    return arena_str(&p->a, json_string(json_get(column, key)));
}

static void add_custom(struct print *p, const cJSON *column)
{
    struct custom_column *c = &p->custom[p->custom_n];
    struct jsonpath *path;
    struct err *err = jsonpath_compile(&p->a, json_string(json_get(column, "jsonPath")), &path);
    if (err) { /* the definition should have been refused; a missing column is better than none */
        err_free(err);
        return;
    }
    *c = (struct custom_column){.name = own(p, column, "name"),
                                .type = own(p, column, "type"),
                                .format = own(p, column, "format"),
                                .description = own(p, column, "description"),
                                .priority = json_int_at(column, "priority", 0),
                                .path = path};
    if (c->description.n == 0)
        c->description =
            arena_printf(&p->a, "Custom resource definition column (in JSONPath format): " STR_FMT,
                         STR_ARG(json_string(json_get(column, "jsonPath"))));
    p->custom_n++;
}

static void add_default_columns(struct print *p, bool age)
{
    struct jsonpath *created;
    p->custom[p->custom_n++] = (struct custom_column){.name = STR("Name"),
                                                      .type = STR("string"),
                                                      .format = STR("name"),
                                                      .description = STR(TEXT_NAME)};
    if (!age)
        return;
    struct err *err = jsonpath_compile(&p->a, STR(".metadata.creationTimestamp"), &created);
    BUG_ON(err != NULL, "a path of ours is one");
    p->custom[p->custom_n++] = (struct custom_column){.name = STR("Age"),
                                                      .type = STR("date"),
                                                      .format = str_empty,
                                                      .description = STR(TEXT_AGE),
                                                      .path = created};
}

/* From the definition as it is stored: the version's additionalPrinterColumns, or name and age. */
static void take_custom(struct print *p, struct kubeapi *api)
{
    const struct kube_object *o = kubeapi_get(
        api, STR("customresourcedefinitions.apiextensions.k8s.io"), str_empty, p->kind->table);
    struct str versions = o ? kube_object_raw(o, "spec.versions") : str_empty, item;
    struct str raw = str_empty;
    cJSON *list = NULL;
    for (struct scan s = cell_list(versions); scan_element(&s, &item);)
        if (str_eq(cell_text_of(scan_get(item, STR("name"))), p->kind->version))
            raw = scan_get(item, STR("additionalPrinterColumns"));
    if (raw.n > 0)
        err_ignore(json_parse(&p->a, raw, &list));
    size_t n = list ? (size_t)cJSON_GetArraySize(list) : 0;
    p->custom = ARENA_NEW_ARRAY(&p->a, struct custom_column, n + 2);
    add_default_columns(p, n == 0);
    for (const cJSON *c = n > 0 ? list->child : NULL; c; c = c->next)
        add_custom(p, c);
}

static void write_column(struct buf *out, bool first, struct str name, struct str type,
                         struct str format, struct str description, int64_t priority)
{
    buf_add_c(out, first ? "{\"name\":" : ",{\"name\":");
    json_write_string(out, name);
    buf_add_c(out, ",\"type\":");
    json_write_string(out, type);
    buf_add_c(out, ",\"format\":");
    json_write_string(out, format);
    buf_add_c(out, ",\"description\":");
    json_write_string(out, description);
    buf_addf(out, ",\"priority\":%lld}", (long long)priority);
}

static void write_columns(struct print *p, struct buf *out)
{
    buf_add_c(out, "\"columnDefinitions\":[");
    for (size_t i = 0; p->columns && i < p->columns->n; i++) {
        const struct print_column *c = &p->columns->columns[i];
        write_column(out, i == 0, str_c(c->name), str_c(c->type), str_c(c->format),
                     str_c(c->description), c->priority);
    }
    for (size_t i = 0; !p->columns && i < p->custom_n; i++) {
        const struct custom_column *c = &p->custom[i];
        write_column(out, i == 0, c->name, c->type, c->format, c->description, c->priority);
    }
    buf_add_c(out, "],");
    p->columns_said = true;
}

/* ---- cells of custom columns ---- */

static void write_date(const struct print *p, const cJSON *v, struct buf *out)
{
    int64_t then;
    if (!json_is_string(v)) {
        buf_add_c(out, "null");
        return;
    }
    buf_add_char(out, '"');
    if (rfc3339_parse(json_string(v), &then))
        cell_duration(world_wall(p->w) - then, out);
    else
        buf_add_c(out, json_string(v).n > 0 ? "<invalid>" : "<unknown>");
    buf_add_char(out, '"');
}

static void write_whole(const cJSON *v, struct buf *out)
{
    struct str text = str_c(v->valuestring), head, tail;
    (void)str_cut(text, '.', &head, &tail);
    buf_add(out, head); /* fractions are cut; exponents are not written by json_write's sources */
}

/* Whatever it is, as text. */
static void write_printed(const cJSON *v, struct buf *out)
{
    struct buf b = {0};
    if (json_is_string(v)) {
        json_write_string(out, json_string(v));
        return;
    }
    json_write(&b, v);
    json_write_string(out, buf_str(&b));
    buf_free(&b);
}

static void write_custom(const struct print *p, const struct custom_column *c, const cJSON *tree,
                         struct buf *out)
{
    const cJSON *v;
    bool is_bool;
    if (jsonpath_find(c->path, tree, &v, 1) == 0 || v->type == cJSON_NULL) {
        buf_add_c(out, "null");
        return;
    }
    is_bool = v->type == cJSON_True || v->type == cJSON_False;
    if (str_eq_c(c->type, "string"))
        write_printed(v, out);
    else if (str_eq_c(c->type, "date"))
        write_date(p, v, out);
    else if (str_eq_c(c->type, "integer") && json_is_number(v))
        write_whole(v, out);
    else if ((str_eq_c(c->type, "number") && json_is_number(v)) ||
             (str_eq_c(c->type, "boolean") && is_bool))
        json_write(out, v);
    else
        buf_add_c(out, "null");
}

/* ---- rows ---- */

static void write_partial(const struct print *p, const struct kube_object *o, struct buf *out)
{
    struct str metadata = kube_object_raw(o, "metadata");
    buf_addf(out,
             "{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/%s\",\"metadata\":",
             p->version);
    buf_add(out, metadata.n > 0 ? metadata : STR("{}"));
    buf_add_char(out, '}');
}

static void write_cells(struct print *p, const struct kube_object *o, struct buf *out)
{
    struct cell cell = {.now = world_wall(p->w), .out = out};
    cell_row(&cell, o);
    buf_add_c(out, "{\"cells\":[");
    for (size_t i = 0; p->columns && i < p->columns->n; i++) {
        const struct print_column *c = &p->columns->columns[i];
        if (i > 0)
            buf_add_char(out, ',');
        cell.arg = c->arg;
        c->cell(&cell);
    }
    const cJSON *tree = !p->columns && p->custom_n > 1 ? crds_tree(p->kind, o, &p->row) : NULL;
    for (size_t i = 0; !p->columns && i < p->custom_n; i++) {
        if (i > 0)
            buf_add_char(out, ',');
        if (p->custom[i].path)
            write_custom(p, &p->custom[i], tree, out);
        else
            json_write_string(out, o->name);
    }
    arena_reset(&p->row);
    buf_add_char(out, ']');
}

/* Finished pods say so, and clients may leave them out. */
static void write_conditions(const struct print *p, const struct kube_object *o, struct buf *out)
{
    struct str phase =
        api_kind_is(p->kind, "pods") ? kube_object_string(o, "status.phase") : str_empty;
    bool failed = str_eq_c(phase, "Failed");
    if (failed || str_eq_c(phase, "Succeeded"))
        buf_addf(
            out,
            ",\"conditions\":[{\"type\":\"Completed\",\"status\":\"True\",\"reason\":\"" STR_FMT
            "\",\"message\":\"%s\"}]",
            STR_ARG(phase), failed ? "The pod failed." : "The pod has completed successfully.");
}

static void write_row(struct print *p, const struct kube_object *o, struct buf *out)
{
    write_cells(p, o, out);
    write_conditions(p, o, out);
    buf_add_c(out, ",\"object\":");
    if (p->include == INCLUDE_METADATA)
        write_partial(p, o, out);
    else if (p->include == INCLUDE_OBJECT)
        api_object_write(p->kind, o, false, out);
    else
        buf_add_c(out, "null");
    buf_add_char(out, '}');
}

/* ---- documents ---- */

void print_list_open(struct print *p, struct buf *out)
{
    p->first = true;
    if (!p->table) {
        buf_addf(out,
                 "{\"kind\":\"PartialObjectMetadataList\",\"apiVersion\":\"meta.k8s.io/%s\","
                 "\"items\":[",
                 p->version);
        return;
    }
    buf_addf(out, "{\"kind\":\"Table\",\"apiVersion\":\"meta.k8s.io/%s\",", p->version);
    if (!p->columns_said)
        write_columns(p, out);
    else
        buf_add_c(out, "\"columnDefinitions\":null,");
    buf_add_c(out, "\"rows\":[");
}

void print_list_item(struct print *p, const struct kube_object *o, struct buf *out)
{
    if (!p->first)
        buf_add_char(out, ',');
    p->first = false;
    if (p->table)
        write_row(p, o, out);
    else
        write_partial(p, o, out);
}

void print_list_close(struct print *p, struct str continue_token, size_t remaining,
                      uint64_t revision, struct buf *out)
{
    buf_add_c(out, "],\"metadata\":{");
    if (continue_token.n > 0)
        buf_addf(out, "\"continue\":\"" STR_FMT "\",", STR_ARG(continue_token));
    if (remaining > 0)
        buf_addf(out, "\"remainingItemCount\":%zu,", remaining);
    buf_addf(out, "\"resourceVersion\":\"%llu\"}}", (unsigned long long)revision);
}

void print_object(struct print *p, const struct kube_object *o, struct buf *out)
{
    if (!p->table) {
        write_partial(p, o, out);
        return;
    }
    print_list_open(p, out);
    print_list_item(p, o, out);
    print_list_close(p, str_empty, 0, o->resource_version, out);
}

/* ---- life ---- */

bool print_wanted(const struct api_request *r)
{
    return r->media.as == API_AS_TABLE || r->media.as == API_AS_PARTIAL ||
           r->media.as == API_AS_PARTIAL_LIST;
}

bool print_fits(struct api_request *r, bool list)
{
    const struct api_kind *k = r->kind;
    enum api_as wrong = list ? API_AS_PARTIAL : API_AS_PARTIAL_LIST;
    struct str package, tail, name = k->kind;
    struct buf type = {.max = 512};
    if (r->media.as != wrong)
        return true;
    (void)str_cut(k->group, '.', &package, &tail);
    if (k->flags & KIND_CUSTOM)
        name = STR("Unstructured");
    buf_addf(&type, "*" STR_FMT "." STR_FMT "%s",
             STR_ARG(k->flags & KIND_CUSTOM ? STR("unstructured")
                     : package.n > 0        ? package
                                            : STR("core")),
             STR_ARG(name), list ? "List" : "");
    (void)api_fail_plain(r, 406, "NotAcceptable",
                         "you requested PartialObjectMetadata%s, but the requested object is %s "
                         "list (" STR_FMT ")",
                         list ? "" : "List", list ? "a" : "not a", STR_ARG(buf_str(&type)));
    buf_free(&type);
    return false;
}

static bool take_include(struct api_request *r, enum include *out)
{
    struct str v = api_request_param_or_empty(r, "includeObject");
    *out = INCLUDE_METADATA;
    if (v.n == 0 || str_eq_c(v, "Metadata"))
        return true;
    *out = str_eq_c(v, "Object") ? INCLUDE_OBJECT : INCLUDE_NONE;
    if (str_eq_c(v, "Object") || str_eq_c(v, "None"))
        return true;
    return api_fail_bad(
        r,
        "Unable to convert to Table as requested: includeObject: Invalid value: \"" STR_FMT
        "\": must be 'Metadata', 'Object', 'None', or empty",
        STR_ARG(v));
}

bool print_new(struct api_request *r, struct print **out)
{
    enum include include = INCLUDE_METADATA;
    BUG_ON(!print_wanted(r), "somebody asked for another form");
    bool table = r->media.as == API_AS_TABLE;
    if (table && !take_include(r, &include))
        return false;
    struct print *p = *out = MEM_NEW(struct print);
    p->kind = r->kind;
    p->w = r->api->w;
    p->table = table;
    p->version = r->media.as_version ? r->media.as_version : "v1";
    p->include = include;
    if (table && r->kind->crd)
        take_custom(p, r->api);
    else if (table)
        p->columns = find_columns(r->kind);
    return true;
}

void print_free(struct print *p)
{
    if (!p)
        return;
    arena_free(&p->a);
    arena_free(&p->row);
    mem_free(p);
}
