/* OpenAPI v3: an index of documents, one per group and version, each under a URL with the hash of its bytes, so that
 * clients may keep it for ever. The index needs every hash, and so writes every document the first time; those of built-in
 * kinds alone are written once in a server's life, the others when one of their definitions has changed. */
#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/crd/crds.h"
#include "sim/kubeapi/discovery/openapi.h"

#include "engine/base/timefmt.h"

#define HEAD                                                                                       \
    "{\"openapi\":\"3.0.0\",\"info\":{\"title\":\"Kubernetes\",\"version\":\"v1.34\"},"            \
    "\"paths\":{"
#define TAIL                                                                                       \
    "},\"securitySchemes\":{\"BearerToken\":{\"type\":\"apiKey\",\"name\":\"authorization\","      \
    "\"in\":\"header\"}}}}"
#define MESSAGES        "application/com.github.proto-openapi.spec.v3@v1.0+protobuf"
#define MESSAGES_ANSWER "application/com.github.proto-openapi.spec.v3.v1.0+protobuf"
#define INDEX_AGE       (365 * 24 * 3600 * NS_PER_S)

struct v3 {
    struct kubeapi *api;
    struct documents_rows rows;
    size_t from, end;
    struct buf *out;
    bool first;
    struct str plain, type; /* of a document with one path that is no object */
};

/* ---- one document ---- */

static void add_path(void *data, struct str path, struct str item)
{
    struct v3 *x = data;
    buf_add_c(x->out, x->first ? "\"" : ",\"");
    x->first = false;
    buf_add(x->out, path);
    buf_add_c(x->out, "\":");
    buf_add(x->out, item);
}

static void collect_kind(struct map *types, const struct api_kind *k)
{
    struct str group = k->group, version = k->version;
    struct buf list = {.max = 512};
    if (k->foreign.n > 0)
        (void)kube_api_version_parse(k->foreign, &group, &version);
    const struct type *t = type_builtin(group, version, k->kind);
    if (t)
        openapi_collect(types, t);
    api_kind_list_name(k, &list);
    t = api_kind_is_sub(k) ? NULL : type_builtin(group, version, buf_str(&list));
    if (t)
        openapi_collect(types, t);
    buf_free(&list);
}

static void collect_meta(struct map *types)
{
    static const char *const names[] = {
        OPENAPI_META "ObjectMeta", OPENAPI_META "ListMeta", OPENAPI_META "DeleteOptions",
        OPENAPI_META "Status",     OPENAPI_META "Patch",    OPENAPI_META "APIResourceList"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const struct type *t = type_named(str_c(names[i]));
        if (t)
            openapi_collect(types, t);
    }
}

static void add_schema_name(struct v3 *x, struct str name)
{
    buf_addf(x->out, "%s\"" STR_FMT "\":", x->first ? "" : ",", STR_ARG(name));
    x->first = false;
}

static void add_schemas(struct v3 *x)
{
    struct map types = {0};
    struct arena a = {0};
    void *value;
    const struct api_kind *sub;
    collect_meta(&types);
    x->first = true;
    for (size_t i = x->from; i < x->end; i++) {
        const struct api_kind *k = x->rows.rows[i];
        for (size_t s = 0; (sub = documents_sub(k, &s));)
            collect_kind(&types, sub);
        if (!k->crd) {
            collect_kind(&types, k);
            continue;
        }
        add_schema_name(x, openapi_custom_name(&a, k, false));
        openapi_write_custom(x->api, OPENAPI_V3, k, x->out);
        add_schema_name(x, openapi_custom_name(&a, k, true));
        openapi_write_custom_list(OPENAPI_V3, k, x->out);
    }
    for (size_t i = 0; map_next(&types, &i, NULL, &value);) {
        const struct type *t = value;
        add_schema_name(x, t->name);
        openapi_write_type(x->api, OPENAPI_V3, t, x->out);
    }
    map_free(&types);
    arena_free(&a);
}

static void write_document(void *data, struct buf *out)
{
    struct v3 *x = data;
    x->out = out;
    x->first = true;
    buf_add_c(out, HEAD);
    openapi_version_path(OPENAPI_V3, x->rows.rows[x->from], add_path, x);
    for (size_t i = x->from; i < x->end; i++)
        openapi_paths(OPENAPI_V3, x->rows.rows[i], add_path, x);
    buf_add_c(out, "},\"components\":{\"schemas\":{");
    add_schemas(x);
    buf_add_c(out, TAIL);
}

/* The document of one path: "apis/apps". */
static void write_plain(void *data, struct buf *out)
{
    struct v3 *x = data;
    struct map types = {0};
    void *value;
    struct buf path = {.max = 1024};
    const struct type *t = x->type.n > 0 ? type_named(x->type) : NULL;
    x->out = out;
    x->first = true;
    buf_addf(&path, "/" STR_FMT "/", STR_ARG(x->plain));
    buf_add_c(out, HEAD);
    openapi_plain_path(OPENAPI_V3, buf_str(&path), t ? x->type : str_empty, add_path, x);
    buf_add_c(out, "},\"components\":{\"schemas\":{");
    x->first = true;
    if (t)
        openapi_collect(&types, t);
    for (size_t i = 0; map_next(&types, &i, NULL, &value);) {
        add_schema_name(x, ((const struct type *)value)->name);
        openapi_write_type(x->api, OPENAPI_V3, value, out);
    }
    buf_add_c(out, TAIL);
    map_free(&types);
    buf_free(&path);
}

static const struct document *plain_document(struct v3 *x, struct str name, struct str type)
{
    struct buf key = {.max = 1024};
    buf_addf(&key, "v3 " STR_FMT, STR_ARG(name));
    x->plain = name;
    x->type = type;
    const struct document *d = documents_get(x->api->documents, buf_str(&key), 0, write_plain, x);
    buf_free(&key);
    return d;
}

static void add_gv(const struct api_kind *k, struct buf *out)
{
    buf_add_c(out, k->group.n == 0 ? "api" : "apis/");
    buf_add(out, k->group);
    buf_addf(out, "/" STR_FMT, STR_ARG(k->version));
}

/* The document of the rows from x->from on. */
static const struct document *document(struct v3 *x)
{
    struct buf name = {.max = 1024};
    uint64_t stamp = 0;
    x->end = documents_version_end(&x->rows, x->from);
    for (size_t i = x->from; i < x->end; i++)
        stamp += crds_changed(x->rows.rows[i]) * 2 + (x->rows.rows[i]->crd ? 1 : 0);
    buf_add_c(&name, "v3 ");
    add_gv(x->rows.rows[x->from], &name);
    const struct document *d =
        documents_get(x->api->documents, buf_str(&name), stamp, write_document, x);
    buf_free(&name);
    return d;
}

/* ---- the index ---- */

static void add_entry(struct buf *out, struct str name, struct str hash)
{
    bool first = out->p[out->n - 1] == '{';
    buf_addf(out,
             "%s\"" STR_FMT "\":{\"serverRelativeURL\":\"/openapi/v3/" STR_FMT "?hash=" STR_FMT
             "\"}",
             first ? "" : ",", STR_ARG(name), STR_ARG(name), STR_ARG(hash));
}

static void add_plain_entries(struct v3 *x, struct buf *out)
{
    struct buf name = {.max = 1024};
    for (size_t i = 0; i < OPENAPI_ROOTS; i++) {
        struct str root = str_c(openapi_roots[i].name);
        add_entry(out, root, plain_document(x, root, str_c(openapi_roots[i].type))->hash);
    }
    for (size_t i = 0; i < x->rows.n; i = documents_group_end(&x->rows, i)) {
        if (x->rows.rows[i]->group.n == 0)
            continue;
        buf_clear(&name);
        buf_addf(&name, "apis/" STR_FMT, STR_ARG(x->rows.rows[i]->group));
        add_entry(out, buf_str(&name),
                  plain_document(x, buf_str(&name), STR(OPENAPI_META "APIGroup"))->hash);
    }
    buf_free(&name);
}

static void write_index(void *data, struct buf *out)
{
    struct v3 *x = data;
    struct buf name = {.max = 1024};
    buf_add_c(out, "{\"paths\":{");
    add_plain_entries(x, out);
    for (size_t i = 0; i < x->rows.n; i = documents_version_end(&x->rows, i)) {
        x->from = i;
        buf_clear(&name);
        add_gv(x->rows.rows[i], &name);
        add_entry(out, buf_str(&name), document(x)->hash);
    }
    buf_add_c(out, "}}");
    buf_free(&name);
}

/* Sends the document unless the client has what the hash names. */
static void reply_tagged(struct api_request *r, const struct document *d, struct str hash)
{
    struct str tag = arena_printf(&r->a, "\"" STR_FMT "\"", STR_ARG(hash));
    struct str known = r->headers ? http_headers_get(r->headers, "If-None-Match") : str_empty;
    api_reply_header(r, "ETag", tag);
    api_reply_header(r, "Vary", STR("Accept"));
    api_reply_json(r, 200, str_eq(known, tag) ? str_empty : d->bytes);
    if (str_eq(known, tag))
        r->status = 304;
}

static void reply_index(struct api_request *r, struct v3 *x)
{
    uint64_t stamp = documents_generation(r->api->documents);
    const struct document *d =
        documents_get(r->api->documents, STR("v3 index"), stamp, write_index, x);
    reply_tagged(r, d, d->hash);
    r->out_type = "text/plain; charset=utf-8"; /* as the reference has it */
}

/* ---- asking ---- */

/* The document of a name from the index; NULL: there is none. */
static const struct document *find(struct v3 *x, struct str name)
{
    struct str root, group = str_empty, version = str_empty, tail;
    for (size_t i = 0; i < OPENAPI_ROOTS; i++)
        if (str_eq_c(name, openapi_roots[i].name))
            return plain_document(x, name, str_c(openapi_roots[i].type));
    if (!str_cut(name, '/', &root, &tail))
        return NULL;
    if (str_eq_c(root, "apis"))
        (void)str_cut(tail, '/', &group, &version);
    else if (str_eq_c(root, "api"))
        version = tail;
    bool known =
        (version.n > 0 || group.n > 0) && documents_find(&x->rows, group, version, &x->from);
    if (!known || (str_eq_c(root, "apis") && group.n == 0))
        return NULL;
    return version.n > 0 ? document(x) : plain_document(x, name, STR(OPENAPI_META "APIGroup"));
}

static void redirect(struct api_request *r, struct str hash)
{
    api_reply_header(
        r, "Location",
        arena_printf(&r->a, STR_FMT "?hash=" STR_FMT, STR_ARG(r->path), STR_ARG(hash)));
    r->answered = true;
    r->status = 301;
    r->out_type = "text/html; charset=utf-8";
}

static const char *http_date(struct arena *a, int64_t unix_ns)
{
    static const char days[] = "ThuFriSatSunMonTueWed",
                      months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct buf b = {.max = 64};
    uint64_t year = 0, month = 0, day = 0;
    rfc3339_format(&b, unix_ns);
    struct str t = arena_str(a, buf_str(&b));
    buf_free(&b);
    (void)str_to_u64(str_sub(t, 0, 4), &year);
    (void)str_to_u64(str_sub(t, 5, 2), &month);
    (void)str_to_u64(str_sub(t, 8, 2), &day);
    size_t weekday = (size_t)(unix_ns / (24 * 3600 * NS_PER_S) % 7);
    return arena_printf(a, "%.3s, %02llu %.3s %04llu %.8s GMT", days + 3 * weekday,
                        (unsigned long long)day, months + 3 * (month - 1), (unsigned long long)year,
                        t.p + 11)
        .p;
}

static void write_messages(void *data, struct buf *out)
{
    const struct document *json = data;
    struct arena a = {0};
    cJSON *tree;
    struct err *err = json_parse(&a, json->bytes, &tree);
    BUG_ON(err != NULL, "what we write is JSON");
    openapi_pb3_document(tree, out);
    arena_free(&a);
}

/* The same as messages; both have the hash of the JSON. */
static const struct document *as_messages(struct v3 *x, struct str name,
                                          const struct document *json)
{
    struct buf key = {.max = 1024};
    struct document copy = *json; /* making room among the kept may free it */
    copy.bytes = str_dup(json->bytes);
    buf_addf(&key, "v3 messages " STR_FMT, STR_ARG(name));
    const struct document *d =
        documents_get(x->api->documents, buf_str(&key), json->stamp, write_messages, &copy);
    str_free(&copy.bytes);
    buf_free(&key);
    return d;
}

static void reply_document(struct api_request *r, struct v3 *x, struct str name,
                           const struct document *d, bool messages)
{
    struct str given, hash = arena_str(&r->a, d->hash);
    bool hashed = api_request_param(r, "hash", &given) && given.n > 0;
    if (hashed && !str_eq(given, hash)) {
        redirect(r, hash);
        return;
    }
    if (hashed) {
        api_reply_header(r, "Cache-Control", STR("public, immutable"));
        api_reply_header(r, "Expires", str_c(http_date(&r->a, world_wall(r->api->w) + INDEX_AGE)));
    }
    reply_tagged(r, messages ? as_messages(x, name, d) : d, hash);
    if (messages)
        r->out_type = MESSAGES_ANSWER;
    else if (r->status == 304)
        r->out_type = "application/json; charset=utf-8"; /* of no body: left as it is */
}

void openapi_v3_reply(struct api_request *r, struct str rest)
{
    struct v3 x = {.api = r->api, .rows = documents_rows(r->api->documents)};
    const struct document *d;
    bool messages;
    if (rest.n > 0 && rest.p[0] == '/')
        rest = str_sub(rest, 1, rest.n);
    if (rest.n == 0)
        reply_index(r, &x);
    else if (!openapi_negotiate(r, MESSAGES, MESSAGES_ANSWER, &messages))
        (void)api_fail_plain(
            r, 406, "NotAcceptable",
            "only the following media types are accepted: application/json, " MESSAGES);
    else if ((d = find(&x, rest)))
        reply_document(r, &x, rest, d, messages);
    else
        (void)api_fail_404(r);
}
