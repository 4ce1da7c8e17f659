/* Paths and operations of kinds. Clients look for a PATCH of a kind (x-kubernetes-group-version-kind) with the query
 * parameters dryRun and fieldValidation: by them they tell what the server does itself. */
#include "sim/kubeapi/discovery/openapi.h"

#define PATH_BYTES_MAX 1024u

/* ---- parameters of the query ---- */

enum {
    Q_ALLOW_BOOKMARKS = 1 << 0,
    Q_CONTINUE = 1 << 1,
    Q_FIELD_SELECTOR = 1 << 2,
    Q_LABEL_SELECTOR = 1 << 3,
    Q_LIMIT = 1 << 4,
    Q_VERSION = 1 << 5,
    Q_VERSION_MATCH = 1 << 6,
    Q_INITIAL_EVENTS = 1 << 7,
    Q_TIMEOUT = 1 << 8,
    Q_WATCH = 1 << 9,
    Q_DRY_RUN = 1 << 10,
    Q_GRACE = 1 << 11,
    Q_BROKEN = 1 << 12,
    Q_ORPHANS = 1 << 13,
    Q_PROPAGATION = 1 << 14,
    Q_MANAGER = 1 << 15,
    Q_VALIDATION = 1 << 16,
    Q_FORCE = 1 << 17,
    Q_PRETTY = 1 << 18,
};
#define Q_SELECT                                                                                   \
    (Q_CONTINUE | Q_FIELD_SELECTOR | Q_LABEL_SELECTOR | Q_LIMIT | Q_VERSION | Q_VERSION_MATCH |    \
     Q_INITIAL_EVENTS | Q_TIMEOUT)
#define Q_LIST   (Q_SELECT | Q_ALLOW_BOOKMARKS | Q_WATCH)
#define Q_DELETE (Q_DRY_RUN | Q_GRACE | Q_BROKEN | Q_ORPHANS | Q_PROPAGATION)
#define Q_WRITE  (Q_DRY_RUN | Q_MANAGER | Q_VALIDATION)

static const struct {
    const char *name, *type;
    bool inlined; /* v2: stands in the operation, where clients look for it */
} parameters[] = {
    {"allowWatchBookmarks", "boolean", false},
    {"continue", "string", false},
    {"fieldSelector", "string", false},
    {"labelSelector", "string", false},
    {"limit", "integer", false},
    {"resourceVersion", "string", false},
    {"resourceVersionMatch", "string", false},
    {"sendInitialEvents", "boolean", false},
    {"timeoutSeconds", "integer", false},
    {"watch", "boolean", false},
    {"dryRun", "string", true},
    {"gracePeriodSeconds", "integer", false},
    {"ignoreStoreReadErrorWithClusterBreakingPotential", "boolean", false},
    {"orphanDependents", "boolean", false},
    {"propagationPolicy", "string", false},
    {"fieldManager", "string", false},
    {"fieldValidation", "string", true},
    {"force", "boolean", false},
    {"pretty", "string", false},
};

static void write_parameter(enum openapi v, const char *name, const char *type, const char *in,
                            struct buf *out)
{
    bool path = str_eq_c(STR("path"), in);
    if (v == OPENAPI_V2)
        buf_addf(out, "{\"uniqueItems\":true,\"type\":\"%s\",\"name\":\"%s\",\"in\":\"%s\"%s}",
                 type, name, in, path ? ",\"required\":true" : "");
    else
        buf_addf(
            out,
            "{\"name\":\"%s\",\"in\":\"%s\",%s\"schema\":{\"type\":\"%s\",\"uniqueItems\":true}}",
            name, in, path ? "\"required\":true," : "", type);
}

void openapi_parameters(openapi_path_fn each, void *data)
{
    for (size_t i = 0; i < ARRAY_LEN(parameters); i++) {
        struct buf b = {0};
        if (parameters[i].inlined)
            continue;
        write_parameter(OPENAPI_V2, parameters[i].name, parameters[i].type, "query", &b);
        each(data, str_c(parameters[i].name), buf_str(&b));
        buf_free(&b);
    }
}

/* ---- one operation ---- */

struct operation {
    enum openapi v;
    const struct api_kind *k;  /* the main row */
    const struct api_kind *of; /* whose kind it is about: k, or a subresource's row */
    const char *method;        /* "get" */
    const char *action;        /* "list" */
    const char *verb;          /* of the operation's id: "list" */
    const char *infix, *suffix;
    unsigned query;
    bool body, list; /* it takes the object; it answers a list */
};

/* "apps" "v1" ─► "AppsV1"; ".k8s.io" is left out, other dots begin a word. */
static void write_camel(struct str group, struct str version, struct buf *out)
{
    bool upper = true;
    struct str name = group.n == 0 ? STR("core") : group;
    if (str_ends(name, STR(".k8s.io")))
        name.n -= sizeof ".k8s.io" - 1;
    for (size_t i = 0; i < name.n + version.n; i++) {
        char c = i < name.n ? name.p[i] : version.p[i - name.n];
        upper = upper || i == name.n;
        if (c == '.' || c == '-') {
            upper = true;
            continue;
        }
        buf_add_char(out, upper && c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c);
        upper = false;
    }
}

static void write_id(const struct operation *op, struct buf *out)
{
    struct str sub = str_sub(op->of->resource, op->k->resource.n + 1, op->of->resource.n);
    bool all = str_eq_c(str_c(op->suffix), "ForAllNamespaces") ||
               str_eq_c(str_c(op->suffix), "ListForAllNamespaces");
    buf_add_c(out, op->verb);
    write_camel(op->k->group, op->k->version, out);
    buf_addf(out, "%s%s" STR_FMT, op->infix,
             (op->k->flags & KIND_NAMESPACED) && !all ? "Namespaced" : "", STR_ARG(op->k->kind));
    if (op->of != op->k && sub.n > 0)
        write_camel(sub, str_empty, out);
    buf_add_c(out, op->suffix);
}

/* The schema that an operation takes or gives. */
static void write_schema(const struct operation *op, bool list, struct buf *out)
{
    struct arena a = {0};
    struct str group = op->of->group, version = op->of->version, name = str_empty;
    struct buf kind = {.max = 512};
    if (op->of->foreign.n > 0)
        (void)kube_api_version_parse(op->of->foreign, &group, &version);
    if (str_eq_c(STR("connect"), op->action)) {
        buf_add_c(out, "{\"type\":\"string\"}");
        return;
    }
    if (list)
        api_kind_list_name(op->k, &kind);
    else
        buf_add(&kind, op->of->kind);
    if (op->k->crd && op->of->foreign.n == 0) {
        name = openapi_custom_name(&a, op->k, list);
    } else {
        const struct type *t = type_builtin(group, version, buf_str(&kind));
        name = t ? t->name : str_empty;
    }
    if (name.n > 0)
        buf_addf(out, "{\"$ref\":\"%s" STR_FMT "\"}", openapi_ref_prefix(op->v), STR_ARG(name));
    else
        buf_add_c(out, "{\"type\":\"string\"}");
    buf_free(&kind);
    arena_free(&a);
}

static void write_meta_ref(const struct operation *op, const char *type, struct buf *out)
{
    buf_addf(out, "{\"$ref\":\"%s" OPENAPI_META "%s\"}", openapi_ref_prefix(op->v), type);
}

static bool deletes(const struct operation *op)
{
    return str_eq_c(STR("delete"), op->method);
}

static bool patches(const struct operation *op)
{
    return str_eq_c(STR("patch"), op->method);
}

static void write_body_schema(const struct operation *op, struct buf *out)
{
    if (patches(op))
        write_meta_ref(op, "Patch", out);
    else if (deletes(op))
        write_meta_ref(op, "DeleteOptions", out);
    else
        write_schema(op, false, out);
}

static const char *const patch_types[] = {
    "application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml",
    "application/strategic-merge-patch+json"};

/* Custom resources have no strategic merge patch. */
static size_t consumes(const struct operation *op, const char *const **types)
{
    static const char *const any[] = {"*/*"};
    *types = patches(op) ? patch_types : any;
    return !patches(op) ? 1 : op->k->crd ? ARRAY_LEN(patch_types) - 1 : ARRAY_LEN(patch_types);
}

static void write_query(const struct operation *op, struct buf *out, bool first)
{
    for (size_t i = 0; i < ARRAY_LEN(parameters); i++) {
        if (!(op->query & (1u << i)))
            continue;
        buf_add_c(out, first ? "" : ",");
        first = false;
        if (op->v == OPENAPI_V2 && !parameters[i].inlined)
            buf_addf(out, "{\"$ref\":\"#/parameters/%s\"}", parameters[i].name);
        else
            write_parameter(op->v, parameters[i].name, parameters[i].type, "query", out);
    }
}

#define PRODUCES "\"application/json\",\"application/yaml\",\"application/vnd.kubernetes.protobuf\""

static void write_responses_v2(const struct operation *op, struct buf *out)
{
    buf_add_c(out, ",\"responses\":{\"200\":{\"description\":\"OK\",\"schema\":");
    if (deletes(op))
        write_meta_ref(op, "Status", out);
    else
        write_schema(op, op->list, out);
    buf_add_c(out, "},\"401\":{\"description\":\"Unauthorized\"}}");
}

static void write_operation_v2(const struct operation *op, struct buf *out)
{
    const char *const *types;
    size_t n = consumes(op, &types);
    buf_add_c(out, ",\"consumes\":[");
    for (size_t i = 0; i < n; i++)
        buf_addf(out, "%s\"%s\"", i > 0 ? "," : "", types[i]);
    buf_add_c(out, "],\"produces\":[" PRODUCES "],\"schemes\":[\"https\"],\"parameters\":[");
    if (op->body) {
        buf_addf(out, "{\"name\":\"body\",\"in\":\"body\"%s,\"schema\":",
                 deletes(op) ? "" : ",\"required\":true");
        write_body_schema(op, out);
        buf_add_char(out, '}');
    }
    write_query(op, out, !op->body);
    buf_add_char(out, ']');
    write_responses_v2(op, out);
}

static void write_content(const struct operation *op, bool list, struct buf *out)
{
    static const char *const types[] = {"application/json", "application/yaml",
                                        "application/vnd.kubernetes.protobuf"};
    buf_add_c(out, "\"content\":{");
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        buf_addf(out, "%s\"%s\":{\"schema\":", i > 0 ? "," : "", types[i]);
        if (deletes(op))
            write_meta_ref(op, "Status", out);
        else
            write_schema(op, list, out);
        buf_add_char(out, '}');
    }
    buf_add_char(out, '}');
}

static void write_operation_v3(const struct operation *op, struct buf *out)
{
    const char *const *types;
    size_t n = consumes(op, &types);
    buf_add_c(out, ",\"parameters\":[");
    write_query(op, out, true);
    buf_add_char(out, ']');
    if (op->body) {
        buf_add_c(out, ",\"requestBody\":{\"content\":{");
        for (size_t i = 0; i < n; i++) {
            buf_addf(out, "%s\"%s\":{\"schema\":", i > 0 ? "," : "", types[i]);
            write_body_schema(op, out);
            buf_add_char(out, '}');
        }
        buf_addf(out, "}%s}", deletes(op) ? "" : ",\"required\":true");
    }
    buf_add_c(out, ",\"responses\":{\"200\":{\"description\":\"OK\",");
    write_content(op, op->list, out);
    buf_add_c(out, "},\"401\":{\"description\":\"Unauthorized\"}}");
}

static void write_operation(const struct operation *op, struct buf *out)
{
    struct str group = op->of->group, version = op->of->version;
    if (op->of->foreign.n > 0)
        (void)kube_api_version_parse(op->of->foreign, &group, &version);
    struct buf tag = {.max = 512};
    write_camel(op->k->group, str_empty, &tag);
    BUG_ON(tag.n == 0, "every group has a word");
    tag.p[0] = (char)(tag.p[0] - 'A' + 'a');
    buf_addf(out, "%s\"%s\":{\"tags\":[\"" STR_FMT "_" STR_FMT "\"],\"operationId\":\"",
             out->n > 1 ? "," : "", op->method, STR_ARG(buf_str(&tag)), STR_ARG(op->k->version));
    write_id(op, out);
    buf_add_char(out, '"');
    if (op->v == OPENAPI_V2)
        write_operation_v2(op, out);
    else
        write_operation_v3(op, out);
    buf_addf(
        out,
        ",\"x-kubernetes-action\":\"%s\",\"x-kubernetes-group-version-kind\":{\"group\":\"" STR_FMT
        "\",\"kind\":\"" STR_FMT "\",\"version\":\"" STR_FMT "\"}}",
        op->action, STR_ARG(group), STR_ARG(op->of->kind), STR_ARG(version));
    buf_free(&tag);
}

/* ---- paths of a row ---- */

struct pathing {
    enum openapi v;
    const struct api_kind *k;
    openapi_path_fn each;
    void *data;
    struct buf item;
};

static bool can(const struct api_kind *k, enum api_verb verb)
{
    return (k->verbs & (1u << verb)) != 0;
}

static void add(struct pathing *p, const struct operation *of)
{
    struct operation op = *of;
    op.v = p->v;
    op.k = p->k;
    if (!op.of)
        op.of = p->k;
    if (!op.infix)
        op.infix = "";
    if (!op.suffix)
        op.suffix = "";
    write_operation(&op, &p->item);
}

/* The path's parameters, and out with it. tail: behind the plural, "/{name}/status". */
static void give(struct pathing *p, bool watch, bool in_namespace, const char *tail)
{
    const struct api_kind *k = p->k;
    struct buf path = {.max = PATH_BYTES_MAX};
    bool named = str_find(str_c(tail), STR("{name}")) >= 0;
    if (p->item.n <= 1) {
        buf_clear(&p->item);
        buf_add_char(&p->item, '{');
        return; /* no operation */
    }
    buf_add_c(&path, k->group.n == 0 ? "/api" : "/apis/");
    buf_add(&path, k->group);
    buf_addf(&path, "/" STR_FMT "%s%s/" STR_FMT "%s", STR_ARG(k->version), watch ? "/watch" : "",
             in_namespace ? "/namespaces/{namespace}" : "", STR_ARG(k->resource), tail);
    buf_add_c(&p->item, ",\"parameters\":[");
    if (named) {
        write_parameter(p->v, "name", "string", "path", &p->item);
        buf_add_char(&p->item, ',');
    }
    if (in_namespace) {
        write_parameter(p->v, "namespace", "string", "path", &p->item);
        buf_add_char(&p->item, ',');
    }
    write_parameter(p->v, "pretty", "string", "query", &p->item);
    buf_add_c(&p->item, "]}");
    p->each(p->data, buf_str(&path), buf_str(&p->item));
    buf_clear(&p->item);
    buf_add_char(&p->item, '{');
    buf_free(&path);
}

static void collection_paths(struct pathing *p)
{
    const struct api_kind *k = p->k;
    bool namespaced = (k->flags & KIND_NAMESPACED) != 0;
    if (can(k, VERB_LIST))
        add(p,
            &(struct operation){
                .method = "get", .action = "list", .verb = "list", .query = Q_LIST, .list = true});
    if (can(k, VERB_CREATE))
        add(p, &(struct operation){.method = "post",
                                   .action = "post",
                                   .verb = "create",
                                   .query = Q_WRITE,
                                   .body = true});
    if (can(k, VERB_DELETECOLLECTION))
        add(p, &(struct operation){.method = "delete",
                                   .action = "deletecollection",
                                   .verb = "delete",
                                   .infix = "Collection",
                                   .query = Q_SELECT | Q_DELETE,
                                   .body = true});
    give(p, false, namespaced, "");
    if (!namespaced || !can(k, VERB_LIST))
        return;
    add(p, &(struct operation){.method = "get",
                               .action = "list",
                               .verb = "list",
                               .suffix = "ForAllNamespaces",
                               .query = Q_LIST,
                               .list = true});
    give(p, false, false, "");
}

/* get, put, patch, delete, post of one object or subresource. */
static void object_operations(struct pathing *p, const struct api_kind *of)
{
    if (can(of, VERB_GET))
        add(p, &(struct operation){.of = of, .method = "get", .action = "get", .verb = "read"});
    if (can(of, VERB_UPDATE))
        add(p, &(struct operation){.of = of,
                                   .method = "put",
                                   .action = "put",
                                   .verb = "replace",
                                   .query = Q_WRITE,
                                   .body = true});
    if (can(of, VERB_PATCH))
        add(p, &(struct operation){.of = of,
                                   .method = "patch",
                                   .action = "patch",
                                   .verb = "patch",
                                   .query = Q_WRITE | Q_FORCE,
                                   .body = true});
    if (can(of, VERB_DELETE))
        add(p, &(struct operation){.of = of,
                                   .method = "delete",
                                   .action = "delete",
                                   .verb = "delete",
                                   .query = Q_DELETE,
                                   .body = true});
    if (of != p->k && can(of, VERB_CREATE))
        add(p, &(struct operation){.of = of,
                                   .method = "post",
                                   .action = "post",
                                   .verb = "create",
                                   .query = Q_WRITE,
                                   .body = true});
}

/* exec, attach, port-forward and proxies are connections, not objects. */
static void connect_operations(struct pathing *p, const struct api_kind *of)
{
    static const struct {
        enum api_verb verb;
        const char *method, *id;
    } all[] = {{VERB_GET, "get", "connectGet"},
               {VERB_UPDATE, "put", "connectPut"},
               {VERB_PATCH, "patch", "connectPatch"},
               {VERB_DELETE, "delete", "connectDelete"},
               {VERB_CREATE, "post", "connectPost"}};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (can(of, all[i].verb))
            add(p, &(struct operation){
                       .of = of, .method = all[i].method, .action = "connect", .verb = all[i].id});
}

static void watch_paths(struct pathing *p)
{
    bool namespaced = (p->k->flags & KIND_NAMESPACED) != 0;
    const struct operation list = {
        .method = "get", .action = "watchlist", .verb = "watch", .suffix = "List", .query = Q_LIST};
    if (!can(p->k, VERB_WATCH) || p->k->crd)
        return;
    add(p, &list);
    give(p, true, namespaced, "");
    add(p,
        &(struct operation){.method = "get", .action = "watch", .verb = "watch", .query = Q_LIST});
    give(p, true, namespaced, "/{name}");
    if (!namespaced)
        return;
    add(p, &(struct operation){.method = "get",
                               .action = "watchlist",
                               .verb = "watch",
                               .suffix = "ListForAllNamespaces",
                               .query = Q_LIST});
    give(p, true, false, "");
}

void openapi_paths(enum openapi v, const struct api_kind *k, openapi_path_fn each, void *data)
{
    struct pathing p = {.v = v, .k = k, .each = each, .data = data};
    bool namespaced = (k->flags & KIND_NAMESPACED) != 0;
    const struct api_kind *sub;
    buf_add_char(&p.item, '{');
    collection_paths(&p);
    if (!(k->flags & KIND_VIRTUAL))
        object_operations(&p, k);
    give(&p, false, namespaced, "/{name}");
    for (size_t i = 0; (sub = documents_sub(k, &i));) {
        struct buf tail = {.max = PATH_BYTES_MAX};
        struct str name = str_sub(sub->resource, k->resource.n + 1, sub->resource.n);
        buf_addf(&tail, "/{name}/" STR_FMT, STR_ARG(name));
        if (str_ends(sub->kind, STR("Options")))
            connect_operations(&p, sub);
        else
            object_operations(&p, sub);
        give(&p, false, namespaced, buf_c(&tail));
        buf_free(&tail);
    }
    watch_paths(&p);
    buf_free(&p.item);
}
