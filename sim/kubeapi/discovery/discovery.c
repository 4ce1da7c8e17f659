/* Paths that are no resources: discovery in its plain form, /version, health, metrics. */
#include "sim/kubeapi/api_internal.h"

#include "engine/kube/gvr.h"

#define DISCOVERY_GROUPS_MAX 1024u

static const char version_json[] =
    "{\"buildDate\":\"2026-01-01T00:00:00Z\",\"compiler\":\"gc\",\"gitCommit\":\"paddock\","
    "\"gitTreeState\":\"clean\",\"gitVersion\":\"v1.34.0\",\"goVersion\":\"go1.24.0\","
    "\"major\":\"1\",\"minor\":\"34\",\"platform\":\"linux/amd64\"}";

/* ---- rows of all kinds: built-in first, then custom ones ---- */

struct rows {
    struct kubeapi *api;
    size_t builtin, custom;
};

/* The next resource (no subresource); false at the end. */
static bool rows_next(struct rows *rows, const struct api_kind **k)
{
    while (rows->builtin < api_kinds_n) {
        *k = &api_kinds[rows->builtin++];
        if (!api_kind_is_sub(*k))
            return true;
    }
    return crds_next(rows->api->crds, &rows->custom, k);
}

/* ---- groups ---- */

static void add_version(struct buf *b, struct str group, struct str version)
{
    buf_addf(b, "{\"groupVersion\":\"" STR_FMT "/" STR_FMT "\",\"version\":\"" STR_FMT "\"}",
             STR_ARG(group), STR_ARG(version), STR_ARG(version));
}

static void add_group(struct kubeapi *api, struct buf *b, struct str group, bool whole)
{
    struct rows rows = {.api = api};
    const struct api_kind *k;
    struct str seen[16];
    size_t n = 0;
    buf_addf(b, "{%s\"name\":\"" STR_FMT "\",\"versions\":[",
             whole ? "\"kind\":\"APIGroup\",\"apiVersion\":\"v1\"," : "", STR_ARG(group));
    while (rows_next(&rows, &k)) {
        bool known = !str_eq(k->group, group);
        for (size_t i = 0; i < n; i++)
            known = known || str_eq(seen[i], k->version);
        if (known || n == ARRAY_LEN(seen))
            continue;
        if (n > 0)
            buf_add_char(b, ',');
        add_version(b, group, k->version);
        seen[n++] = k->version;
    }
    buf_add_c(b, "],\"preferredVersion\":");
    add_version(b, group, n > 0 ? seen[0] : STR("v1"));
    buf_add_char(b, '}');
}

static void groups(struct api_request *r)
{
    struct rows rows = {.api = r->api};
    const struct api_kind *k;
    struct map seen = {0};
    struct buf b = {0};
    buf_add_c(&b, "{\"kind\":\"APIGroupList\",\"apiVersion\":\"v1\",\"groups\":[");
    while (rows_next(&rows, &k)) {
        if (k->group.n == 0 || map_has(&seen, k->group) || map_count(&seen) == DISCOVERY_GROUPS_MAX)
            continue;
        if (map_count(&seen) > 0)
            buf_add_char(&b, ',');
        map_put(&seen, k->group, r);
        add_group(r->api, &b, k->group, false);
    }
    buf_add_c(&b, "]}");
    api_reply_json(r, 200, buf_str(&b));
    map_free(&seen);
    buf_free(&b);
}

/* ---- resources ---- */

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

static void add_resource(struct buf *b, const struct api_kind *k)
{
    char open = '[';
    struct str singular = api_kind_is_sub(k) ? str_empty : k->kind, group, version;
    buf_addf(b, "{\"name\":\"" STR_FMT "\",\"singularName\":\"", STR_ARG(k->resource));
    for (size_t i = 0; i < singular.n; i++) {
        char c = singular.p[i];
        buf_add_char(b, c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c);
    }
    buf_addf(b, "\",\"namespaced\":%s", k->flags & KIND_NAMESPACED ? "true" : "false");
    if (k->foreign.n > 0 && kube_api_version_parse(k->foreign, &group, &version))
        buf_addf(b, ",\"group\":\"" STR_FMT "\",\"version\":\"" STR_FMT "\"", STR_ARG(group),
                 STR_ARG(version));
    buf_addf(b, ",\"kind\":\"" STR_FMT "\",\"verbs\":", STR_ARG(k->kind));
    static const enum api_verb order[] = {VERB_CREATE, VERB_DELETE, VERB_DELETECOLLECTION,
                                          VERB_GET,    VERB_LIST,   VERB_PATCH,
                                          VERB_UPDATE, VERB_WATCH};
    for (size_t i = 0; i < ARRAY_LEN(order); i++)
        if (k->verbs & (1u << order[i])) {
            buf_addf(b, "%c\"" STR_FMT "\"", open, STR_ARG(api_verb_name(order[i])));
            open = ',';
        }
    buf_add_char(b, ']');
    add_words(b, "shortNames", k->short_names);
    add_words(b, "categories", k->categories);
    buf_add_char(b, '}');
}

static void add_with_subs(struct buf *b, const struct api_kind *k, bool *first)
{
    const struct api_kind *end = k->crd ? NULL : api_kinds + api_kinds_n;
    do {
        if (!*first)
            buf_add_char(b, ',');
        *first = false;
        add_resource(b, k);
        k++;
    } while (k != end && k->resource.n > 0 && api_kind_is_sub(k));
}

static void resources(struct api_request *r, struct str group, struct str version)
{
    struct rows rows = {.api = r->api};
    const struct api_kind *k;
    struct buf b = {0};
    bool first = true, known = false;
    buf_add_c(&b, "{\"kind\":\"APIResourceList\",\"apiVersion\":\"v1\",\"groupVersion\":\"");
    kube_api_version_write(group, version, &b);
    buf_add_c(&b, "\",\"resources\":[");
    while (rows_next(&rows, &k)) {
        if (!str_eq(k->group, group) || !str_eq(k->version, version))
            continue;
        known = true;
        add_with_subs(&b, k, &first);
    }
    buf_add_c(&b, "]}");
    if (known)
        api_reply_json(r, 200, buf_str(&b));
    else
        (void)api_fail_404(r);
    buf_free(&b);
}

static bool group_served(struct kubeapi *api, struct str group)
{
    struct rows rows = {.api = api};
    const struct api_kind *k;
    while (rows_next(&rows, &k))
        if (str_eq(k->group, group) && group.n > 0)
            return true;
    return false;
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

static void discover(struct api_request *r)
{
    struct str path = str_sub(r->path, sizeof("/apis") - 1, r->path.n), group, version;
    if (path.n <= 1) {
        groups(r);
        return;
    }
    path = str_sub(path, 1, path.n);
    if (str_cut(path, '/', &group, &version) && version.n > 0) {
        resources(r, group, version);
        return;
    }
    group = path.p[path.n - 1] == '/' ? str_sub(path, 0, path.n - 1) : path;
    if (!group_served(r->api, group)) {
        (void)api_fail_404(r);
        return;
    }
    struct buf b = {0};
    add_group(r->api, &b, group, true);
    api_reply_json(r, 200, buf_str(&b));
    buf_free(&b);
}

/* ---- the rest ---- */

static void metrics(struct api_request *r)
{
    struct buf b = {0};
    metrics_write(&r->api->metrics, &b);
    api_reply_text(r, 200, buf_c(&b));
    buf_free(&b);
}

static void health(struct api_request *r)
{
    struct str name = str_sub(r->path, 1, r->path.n), head, tail;
    (void)str_cut(name, '/', &head, &tail);
    if (tail.n > 0 && !str_eq_c(tail, "ping")) {
        (void)api_fail_404(r);
        return;
    }
    struct buf b = {.max = 512};
    if (api_request_flag(r, "verbose"))
        buf_addf(&b, "[+]ping ok\n[+]etcd ok\n" STR_FMT " check passed\n", STR_ARG(head));
    else
        buf_add_c(&b, "ok");
    api_reply_text(r, 200, buf_c(&b));
    buf_free(&b);
}

static void roots(struct api_request *r)
{
    api_reply_json(
        r, 200,
        STR("{\"paths\":[\"/api\",\"/api/v1\",\"/apis\",\"/healthz\",\"/livez\",\"/metrics\","
            "\"/readyz\",\"/version\"]}"));
}

void api_handle_non_resource(struct api_request *r)
{
    struct str p = r->path;
    bool get = str_eq_c(r->method, "GET");
    bool is_health = str_starts(p, STR("/healthz")) || str_starts(p, STR("/livez")) ||
                     str_starts(p, STR("/readyz"));
    if (is_health && (get || str_eq_c(r->method, "HEAD")))
        health(r);
    else if (!get)
        (void)api_fail_method(r);
    else if (str_eq_c(p, "/version") || str_eq_c(p, "/version/"))
        api_reply_raw(r, 200, str_c(version_json));
    else if (str_eq_c(p, "/api") || str_eq_c(p, "/api/"))
        api_versions(r);
    else if (str_eq_c(p, "/api/v1") || str_eq_c(p, "/api/v1/"))
        resources(r, str_empty, STR("v1"));
    else if (str_eq_c(p, "/apis") || str_starts(p, STR("/apis/")))
        discover(r);
    else if (str_eq_c(p, "/metrics"))
        metrics(r);
    else if (str_eq_c(p, "/"))
        roots(r);
    else
        (void)api_fail_404(r);
}
