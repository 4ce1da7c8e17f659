/* Discovery: APIGroupList, APIGroup, APIResourceList, APIVersions, and all of it in one document (aggregated, v2).
 *
 * Real servers write them by two hands: /api, /api/v1 and /apis/GROUP/VERSION refuse other methods and media types with
 * details, /apis and /apis/GROUP answer any method. Clients see both, so both are kept. */
#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/crd/crds.h"
#include "sim/kubeapi/discovery/documents.h"

#include "engine/base/codec.h"
#include "engine/http/server.h"
#include "engine/pki/pki.h"

#define AGGREGATED "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"

/* ---- one resource ---- */

static void add_string(struct buf *b, const char *key, struct str value)
{
    buf_addf(b, "\"%s\":", key);
    json_write_string(b, value);
}

static void add_words(struct buf *b, const char *key, struct str words)
{
    struct str rest = words, word;
    if (words.n == 0)
        return;
    buf_addf(b, ",\"%s\":", key);
    for (char open = '['; rest.n > 0; open = ',') {
        (void)str_cut(rest, ',', &word, &rest);
        buf_add_char(b, open);
        json_write_string(b, word);
    }
    buf_add_char(b, ']');
}

static void add_singular(struct buf *b, const char *key, const struct api_kind *k)
{
    struct str singular = k->crd ? crds_singular(k) : k->kind;
    buf_addf(b, ",\"%s\":\"", key);
    for (size_t i = 0; i < singular.n; i++) {
        char c = singular.p[i];
        buf_add_char(b, c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c);
    }
    buf_add_char(b, '"');
}

static void add_verbs(struct kubeapi *api, struct buf *b, const struct api_kind *k)
{
    static const enum api_verb built_in[] = {
        VERB_CREATE, VERB_DELETE, VERB_DELETECOLLECTION, VERB_GET,
        VERB_LIST,   VERB_PATCH,  VERB_UPDATE,           VERB_WATCH,
    };
    static const enum api_verb custom[] = {
        VERB_DELETE, VERB_DELETECOLLECTION, VERB_GET,    VERB_LIST,
        VERB_PATCH,  VERB_CREATE,           VERB_UPDATE, VERB_WATCH,
    };
    static const unsigned writes = 1u << VERB_CREATE | 1u << VERB_UPDATE | 1u << VERB_PATCH;
    bool sub = api_kind_is_sub(k);
    const enum api_verb *order = k->crd && !sub ? custom : built_in;
    unsigned verbs = k->verbs;
    if (!sub && crds_terminating(api->crds, k))
        verbs &= ~writes;
    char open = '[';
    buf_add_c(b, ",\"verbs\":");
    for (size_t i = 0; i < ARRAY_LEN(built_in); i++)
        if (verbs & (1u << order[i])) {
            buf_addf(b, "%c\"" STR_FMT "\"", open, STR_ARG(api_verb_name(order[i])));
            open = ',';
        }
    buf_add_char(b, ']');
}

/* Clients compare it to tell whether two versions are stored as one: a digest of where the objects really are. */
static void add_storage_hash(struct buf *b, const struct api_kind *k)
{
    unsigned char digest[PKI_SHA256_BYTES];
    const struct api_kind *stored = k;
    struct buf name = {.max = 1024};
    if (api_kind_is_sub(k) || (k->flags & KIND_VIRTUAL) || !(k->verbs & (1u << VERB_CREATE)))
        return;
    for (size_t i = api_kinds_n; !k->crd && i-- > 0;)
        if (str_eq(api_kinds[i].table, k->table) && !api_kind_is_sub(&api_kinds[i]))
            stored = &api_kinds[i];
    if (!k->crd && api_kind_is(k, "events.events.k8s.io"))
        stored = api_kind_builtin(str_empty, STR("v1"), STR("events"));
    struct str version = k->crd ? crds_storage_version(k) : stored->version;
    if (api_kind_is(k, "customresourcedefinitions.apiextensions.k8s.io"))
        version = STR("v1beta1"); /* the reference still stores them so */
    buf_addf(&name, STR_FMT "/" STR_FMT "/" STR_FMT, STR_ARG(stored->group), STR_ARG(version),
             STR_ARG(stored->kind));
    pki_sha256(buf_str(&name), digest);
    buf_add_c(b, ",\"storageVersionHash\":\"");
    base64_encode(b, (struct str){(const char *)digest, 8});
    buf_add_char(b, '"');
    buf_free(&name);
}

static void add_resource(struct kubeapi *api, struct buf *b, const struct api_kind *k)
{
    struct str group, version;
    buf_add_char(b, '{');
    add_string(b, "name", k->resource);
    if (api_kind_is_sub(k))
        buf_add_c(b, ",\"singularName\":\"\"");
    else
        add_singular(b, "singularName", k);
    buf_addf(b, ",\"namespaced\":%s", k->flags & KIND_NAMESPACED ? "true" : "false");
    if (k->foreign.n > 0 && kube_api_version_parse(k->foreign, &group, &version))
        buf_addf(b, ",\"group\":\"" STR_FMT "\",\"version\":\"" STR_FMT "\"", STR_ARG(group),
                 STR_ARG(version));
    buf_add_char(b, ',');
    add_string(b, "kind", k->kind);
    add_verbs(api, b, k);
    add_words(b, "shortNames", k->short_names);
    add_words(b, "categories", k->categories);
    add_storage_hash(b, k);
    buf_add_char(b, '}');
}

/* ---- documents, plain ---- */

struct asked {
    struct kubeapi *api;
    struct documents_rows rows;
    size_t from, end;
    bool core; /* aggregated: of /api */
};

static void write_resources(void *data, struct buf *b)
{
    const struct asked *q = data;
    const struct api_kind *first = q->rows.rows[q->from], *sub;
    buf_add_c(b, "{\"kind\":\"APIResourceList\",\"apiVersion\":\"v1\",\"groupVersion\":\"");
    kube_api_version_write(first->group, first->version, b);
    buf_add_c(b, "\",\"resources\":[");
    for (size_t i = q->from; i < q->end; i++) {
        const struct api_kind *k = q->rows.rows[i];
        if (i > q->from)
            buf_add_char(b, ',');
        add_resource(q->api, b, k);
        for (size_t s = 0; (sub = documents_sub(k, &s));) {
            buf_add_char(b, ',');
            add_resource(q->api, b, sub);
        }
    }
    buf_add_c(b, "]}");
}

static void add_version(struct buf *b, const struct api_kind *k)
{
    buf_addf(b, "{\"groupVersion\":\"" STR_FMT "/" STR_FMT "\",\"version\":\"" STR_FMT "\"}",
             STR_ARG(k->group), STR_ARG(k->version), STR_ARG(k->version));
}

static void add_group(struct buf *b, const struct documents_rows *rows, size_t from, size_t end)
{
    add_string(b, "name", rows->rows[from]->group);
    buf_add_c(b, ",\"versions\":[");
    for (size_t i = from; i < end; i = documents_version_end(rows, i)) {
        if (i > from)
            buf_add_char(b, ',');
        add_version(b, rows->rows[i]);
    }
    buf_add_c(b, "],\"preferredVersion\":");
    add_version(b, rows->rows[from]);
    buf_add_char(b, '}');
}

static void write_group(void *data, struct buf *b)
{
    const struct asked *q = data;
    buf_add_c(b, "{\"kind\":\"APIGroup\",\"apiVersion\":\"v1\",");
    add_group(b, &q->rows, q->from, q->end);
}

static void write_groups(void *data, struct buf *b)
{
    const struct asked *q = data;
    bool first = true;
    buf_add_c(b, "{\"kind\":\"APIGroupList\",\"apiVersion\":\"v1\",\"groups\":[");
    for (size_t i = 0, end; i < q->rows.n; i = end) {
        end = documents_group_end(&q->rows, i);
        if (q->rows.rows[i]->group.n == 0)
            continue;
        buf_add_c(b, first ? "{" : ",{");
        first = false;
        add_group(b, &q->rows, i, end);
    }
    buf_add_c(b, "]}");
}

/* ---- the aggregated document ---- */

/* Real servers leave group and version of their own kinds empty, and clients fill them in. */
static void add_response_kind(struct buf *b, const struct api_kind *k)
{
    struct str group = str_empty, version = str_empty;
    if (k->foreign.n > 0)
        (void)kube_api_version_parse(k->foreign, &group, &version);
    else if (k->crd) {
        group = k->group;
        version = k->version;
    }
    buf_addf(b, "\"responseKind\":{\"group\":\"" STR_FMT "\",\"version\":\"" STR_FMT "\",\"kind\":",
             STR_ARG(group), STR_ARG(version));
    json_write_string(b, k->kind);
    buf_add_char(b, '}');
}

static void add_aggregated(struct kubeapi *api, struct buf *b, const struct api_kind *k)
{
    const struct api_kind *sub;
    buf_add_char(b, '{');
    add_string(b, "resource", k->resource);
    buf_add_char(b, ',');
    add_response_kind(b, k);
    buf_addf(b, ",\"scope\":\"%s\"", k->flags & KIND_NAMESPACED ? "Namespaced" : "Cluster");
    add_singular(b, "singularResource", k);
    add_verbs(api, b, k);
    add_words(b, "shortNames", k->short_names);
    add_words(b, "categories", k->categories);
    for (size_t i = 0; (sub = documents_sub(k, &i));) {
        buf_add_c(b, i == 1 ? ",\"subresources\":[{" : ",{");
        add_string(b, "subresource", str_sub(sub->resource, k->resource.n + 1, sub->resource.n));
        buf_add_char(b, ',');
        add_response_kind(b, sub);
        add_verbs(api, b, sub);
        buf_add_char(b, '}');
    }
    size_t first = 0;
    buf_add_c(b, documents_sub(k, &first) ? "]}" : "}");
}

static void add_aggregated_group(const struct asked *q, struct buf *b, size_t from, size_t end)
{
    buf_add_c(b, "{\"metadata\":{");
    if (!q->core)
        add_string(b, "name", q->rows.rows[from]->group);
    buf_add_c(b, "},\"versions\":[");
    for (size_t v = from, v_end; v < end; v = v_end) {
        v_end = documents_version_end(&q->rows, v);
        buf_add_c(b, v > from ? ",{" : "{");
        add_string(b, "version", q->rows.rows[v]->version);
        for (size_t i = v; i < v_end; i++) {
            buf_add_c(b, i > v ? "," : ",\"resources\":[");
            add_aggregated(q->api, b, q->rows.rows[i]);
        }
        buf_add_c(b, "],\"freshness\":\"Current\"}");
    }
    buf_add_c(b, "]}");
}

static void write_aggregated(void *data, struct buf *b)
{
    const struct asked *q = data;
    bool first = true;
    buf_add_c(b, "{\"kind\":\"APIGroupDiscoveryList\",\"apiVersion\":\"apidiscovery.k8s.io/v2\","
                 "\"metadata\":{},\"items\":[");
    for (size_t i = 0, end; i < q->rows.n; i = end) {
        end = documents_group_end(&q->rows, i);
        if ((q->rows.rows[i]->group.n == 0) != q->core)
            continue;
        if (!first)
            buf_add_char(b, ',');
        first = false;
        add_aggregated_group(q, b, i, end);
    }
    buf_add_c(b, "]}");
}

/* ---- asking ---- */

static bool unchanged(struct api_request *r, struct str tag)
{
    struct str given = r->headers ? http_headers_get(r->headers, "If-None-Match") : str_empty;
    return given.n > 0 && str_eq(given, tag);
}

static void reply_aggregated(struct api_request *r, struct asked *q)
{
    struct str name = q->core ? STR("aggregated /api") : STR("aggregated /apis");
    uint64_t stamp = q->core ? 0 : documents_generation(r->api->documents);
    const struct document *d = documents_get(r->api->documents, name, stamp, write_aggregated, q);
    struct str tag = arena_printf(&r->a, "\"" STR_FMT "\"", STR_ARG(d->hash));
    api_reply_header(r, "ETag", tag);
    api_reply_header(r, "Vary", STR("Accept"));
    api_reply_header(r, "Cache-Control", STR("public"));
    if (unchanged(r, tag)) {
        r->answered = true;
        r->status = 304;
        r->out_type = AGGREGATED;
        return;
    }
    api_reply_json(r, 200, d->bytes);
}

static void reply_kept(struct api_request *r, struct asked *q,
                       void (*write)(void *data, struct buf *out))
{
    uint64_t stamp = documents_generation(r->api->documents);
    api_reply_json(r, 200, documents_get(r->api->documents, r->path, stamp, write, q)->bytes);
}

static void api_versions(struct api_request *r)
{
    struct buf own = {.max = 128}, b = {0};
    if (r->x) {
        struct world_addr local = world_stream_local(http_stream(r->x));
        world_addr_print(&local, &own);
    }
    buf_addf(&b,
             "{\"kind\":\"APIVersions\",\"versions\":[\"v1\"],\"serverAddressByClientCIDRs\":"
             "[{\"clientCIDR\":\"0.0.0.0/0\",\"serverAddress\":\"" STR_FMT "\"}]}",
             STR_ARG(buf_str(&own)));
    api_reply_json(r, 200, buf_str(&b));
    buf_free(&own);
    buf_free(&b);
}

/* ---- paths ---- */

/* /api and /apis. */
static void root(struct api_request *r, struct asked *q)
{
    bool get = str_eq_c(r->method, "GET");
    if (q->core && !get) {
        (void)api_fail_method(r);
        return;
    }
    if (!api_accept_discovery(r, q->core, true))
        return;
    if (r->media.as == API_AS_AGGREGATED) {
        reply_aggregated(r, q);
        return;
    }
    if (q->core)
        api_versions(r);
    else
        reply_kept(r, q, write_groups);
}

static void group(struct api_request *r, struct asked *q)
{
    q->end = documents_group_end(&q->rows, q->from);
    if (api_accept_discovery(r, false, false))
        reply_kept(r, q, write_group);
}

static void version(struct api_request *r, struct asked *q)
{
    q->end = documents_version_end(&q->rows, q->from);
    if (!str_eq_c(r->method, "GET"))
        (void)api_fail_method(r);
    else if (api_accept_discovery(r, true, false))
        reply_kept(r, q, write_resources);
}

bool discovery_handle(struct api_request *r)
{
    struct str path = r->path, head, group_name = str_empty, version_name = str_empty, tail;
    if (path.n > 1 && path.p[path.n - 1] == '/')
        path.n--;
    (void)str_cut(str_sub(path, 1, path.n), '/', &head, &tail);
    struct asked q = {.api = r->api, .core = str_eq_c(head, "api")};
    if (!q.core && !str_eq_c(head, "apis"))
        return false;
    q.rows = documents_rows(r->api->documents);
    if (tail.n == 0) {
        root(r, &q);
        return true;
    }
    if (q.core)
        version_name = tail;
    else
        (void)str_cut(tail, '/', &group_name, &version_name);
    if (!documents_find(&q.rows, group_name, str_empty, &q.from))
        return !api_fail_404(r);
    if (version_name.n == 0)
        group(r, &q);
    else if (documents_find(&q.rows, group_name, version_name, &q.from))
        version(r, &q);
    else
        return !api_fail_no_resource(r);
    return true;
}
