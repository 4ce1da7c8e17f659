/* The last step of every answer: from the JSON that handlers write to the form that was negotiated. */
#include "engine/kube/scan.h"
#include "sim/kubeapi/core/accept.h"
#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/core/textform.h"
#include "sim/kubeapi/types/proto.h"

#include <zlib.h>

#define GZIP_LEVEL 1 /* of an API on a fast network: the reference server's is low too */

static void take(struct api_request *r, struct buf *fresh)
{
    buf_free(&r->out);
    r->out = *fresh;
}

/* ---- compression ---- */

/* A token of the list is exactly "gzip": one with a quality is not understood. */
static bool accepts_gzip(const struct api_request *r)
{
    struct str list = r->headers ? http_headers_get(r->headers, "Accept-Encoding") : str_empty;
    struct str part;
    while (list.n > 0) {
        (void)str_cut(list, ',', &part, &list);
        if (str_eq_c(str_trim(part), "gzip"))
            return true;
    }
    return false;
}

static void compress_answer(struct api_request *r)
{
    z_stream z = {0};
    struct buf b = {.max = r->out.n + 64};
    if (deflateInit2(&z, GZIP_LEVEL, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return; /* no memory: it goes as it is */
    z.next_in = (Bytef *)r->out.p;
    z.avail_in = (uInt)r->out.n;
    uLong bound = deflateBound(&z, (uLong)r->out.n);
    b.max = bound + 1;
    z.next_out = (Bytef *)buf_grow(&b, bound);
    z.avail_out = (uInt)bound;
    int rc = deflate(&z, Z_FINISH);
    b.n = (size_t)z.total_out;
    (void)deflateEnd(&z);
    if (rc != Z_STREAM_END) {
        buf_free(&b);
        return;
    }
    r->out_gzip = true;
    take(r, &b);
}

/* ---- forms ---- */

static const char *type_of(const struct api_request *r, enum api_format format)
{
    bool aggregated = r->media.as == API_AS_AGGREGATED;
    if (format == API_FORMAT_YAML)
        return aggregated ? "application/yaml;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
                          : "application/yaml";
    return aggregated ? "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
                      : "application/json";
}

static void as_yaml(struct api_request *r)
{
    struct buf b = {0};
    cJSON *tree;
    struct err *err = json_parse(&r->a, buf_str(&r->out), &tree);
    BUG_ON(err != NULL, "what a handler writes is JSON");
    textform_yaml(tree, &b);
    r->out_type = type_of(r, API_FORMAT_YAML);
    take(r, &b);
}

static void as_json(struct api_request *r)
{
    r->out_type = type_of(r, API_FORMAT_JSON);
    if (!r->media.pretty) {
        buf_add_char(&r->out, '\n');
        return;
    }
    struct buf b = {0};
    textform_indent(buf_str(&r->out), &b);
    take(r, &b);
}

/* What the document says it is; in any order of its members. */
static void identity_of(struct str json, struct str *version, struct str *kind)
{
    struct scan s = scan_of(json);
    struct str key, value;
    bool escaped;
    *version = *kind = str_empty;
    if (!scan_enter(&s, '{'))
        return;
    while ((version->n == 0 || kind->n == 0) && scan_member(&s, &key, &value))
        if (str_eq_c(key, "apiVersion"))
            (void)scan_string(value, version, &escaped);
        else if (str_eq_c(key, "kind"))
            (void)scan_string(value, kind, &escaped);
}

/* False: the answer has no message type, and so stays JSON. */
static bool as_protobuf(struct api_request *r)
{
    struct str json = buf_str(&r->out), version, kind;
    identity_of(json, &version, &kind);
    const struct type *t = proto_type(version, kind);
    struct buf b = {0};
    if (!t)
        return false;
    proto_encode_object(t, version, kind, json, &b);
    r->out_type = "application/vnd.kubernetes.protobuf";
    take(r, &b);
    return true;
}

void api_answer_finish(struct api_request *r)
{
    BUG_ON(!r->answered, "an answer is finished when it is complete");
    if (str_eq_c(str_c(r->out_type), "application/json")) {
        if (r->media.format == API_FORMAT_YAML)
            as_yaml(r);
        else if (r->media.format != API_FORMAT_PROTOBUF || !as_protobuf(r))
            as_json(r);
    }
    if (r->out.n >= API_GZIP_BYTES_MIN && accepts_gzip(r))
        compress_answer(r);
}

void api_reply_raw(struct api_request *r, int status, struct str json)
{
    r->media = (struct api_media){.format = API_FORMAT_JSON, .pretty = true};
    api_reply_json(r, status, json);
}
