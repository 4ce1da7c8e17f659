/* OpenAPI v2: one document for everything, as JSON or as messages. Old clients (kubectl up to 1.23) read only the
 * messages: they validate, explain and tell by it whether the server can try a write. Written when first asked for, and
 * again when a definition has changed. */
#include "sim/kubeapi/discovery/openapi.h"

#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/types/proto_wire.h"

#define MESSAGES        "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
#define MESSAGES_ANSWER "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"

struct v2 {
    struct kubeapi *api;
    bool messages;
    struct buf *out; /* of the section that is being written */
    bool first;
    struct arena a; /* of one piece */
    void (*message)(struct str name, const cJSON *piece, struct buf *out);
    uint32_t number; /* of a piece in its section */
};

/* One named piece of a section. */
static void add_piece(void *data, struct str name, struct str json)
{
    struct v2 *x = data;
    cJSON *tree;
    if (!x->messages) {
        buf_addf(x->out, "%s\"" STR_FMT "\":", x->first ? "" : ",", STR_ARG(name));
        buf_add(x->out, json);
        x->first = false;
        return;
    }
    struct err *err = json_parse(&x->a, json, &tree);
    BUG_ON(err != NULL, "what we write is JSON");
    size_t begun = wire_begin(x->out, x->number);
    x->message(name, tree, x->out);
    wire_end(x->out, begun);
    arena_reset(&x->a);
}

static void add_custom(struct v2 *x, const struct api_kind *k)
{
    struct arena a = {0};
    struct buf b = {0};
    openapi_write_custom(x->api, OPENAPI_V2, k, &b);
    add_piece(x, openapi_custom_name(&a, k, false), buf_str(&b));
    buf_clear(&b);
    openapi_write_custom_list(OPENAPI_V2, k, &b);
    add_piece(x, openapi_custom_name(&a, k, true), buf_str(&b));
    buf_free(&b);
    arena_free(&a);
}

static void definitions(struct v2 *x)
{
    struct documents_rows rows = documents_rows(x->api->documents);
    struct buf b = {0};
    const struct type *t;
    x->message = openapi_pb_schema;
    x->number = 1;
    for (size_t i = 0; (t = type_next(&i));) {
        if (t->flags & TYPE_WIRE)
            continue;
        buf_clear(&b);
        openapi_write_type(x->api, OPENAPI_V2, t, &b);
        add_piece(x, t->name, buf_str(&b));
    }
    for (size_t i = 0; i < rows.n; i++)
        if (rows.rows[i]->crd)
            add_custom(x, rows.rows[i]);
    buf_free(&b);
}

static void plain_paths(struct v2 *x)
{
    struct documents_rows rows = documents_rows(x->api->documents);
    struct arena a = {0};
    for (size_t i = 0; i < OPENAPI_ROOTS; i++)
        openapi_plain_path(OPENAPI_V2, arena_printf(&a, "/%s/", openapi_roots[i].name),
                           str_c(openapi_roots[i].type), add_piece, x);
    for (size_t i = 0; i < rows.n; i = documents_group_end(&rows, i)) {
        struct str group = rows.rows[i]->group;
        if (group.n > 0)
            openapi_plain_path(OPENAPI_V2, arena_printf(&a, "/apis/" STR_FMT "/", STR_ARG(group)),
                               STR(OPENAPI_META "APIGroup"), add_piece, x);
    }
    for (size_t i = 0; i < rows.n; i = documents_version_end(&rows, i))
        openapi_version_path(OPENAPI_V2, rows.rows[i], add_piece, x);
    arena_free(&a);
}

static void paths(struct v2 *x)
{
    struct documents_rows rows = documents_rows(x->api->documents);
    x->message = openapi_pb_path;
    x->number = 2;
    plain_paths(x);
    for (size_t i = 0; i < rows.n; i++)
        openapi_paths(OPENAPI_V2, rows.rows[i], add_piece, x);
}

static void parameters(struct v2 *x)
{
    x->message = openapi_pb_parameter;
    x->number = 1;
    openapi_parameters(add_piece, x);
}

static void write_json(void *data, struct buf *out)
{
    struct v2 *x = data;
    x->out = out;
    x->first = true;
    buf_add_c(out, "{\"swagger\":\"2.0\",\"info\":{\"title\":\"Kubernetes\",\"version\":\"v1.34\"},"
                   "\"paths\":{");
    paths(x);
    buf_add_c(out, "},\"definitions\":{");
    x->first = true;
    definitions(x);
    buf_add_c(out, "},\"parameters\":{");
    x->first = true;
    parameters(x);
    buf_add_c(out, "},\"securityDefinitions\":{\"BearerToken\":{\"type\":\"apiKey\",\"name\":"
                   "\"authorization\",\"in\":\"header\"}},\"security\":[{\"BearerToken\":[]}]}");
}

/* Document: 1 swagger, 2 info, 8 paths, 9 definitions, 10 parameters. */
static void write_messages(void *data, struct buf *out)
{
    static const struct {
        uint32_t number;
        void (*write)(struct v2 *x);
    } sections[] = {{8, paths}, {9, definitions}, {10, parameters}};
    struct v2 *x = data;
    x->out = out;
    wire_add_bytes(out, 1, STR("2.0"));
    size_t info = wire_begin(out, 2);
    wire_add_bytes(out, 1, STR("Kubernetes"));
    wire_add_bytes(out, 2, STR("v1.34"));
    wire_end(out, info);
    for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
        size_t begun = wire_begin(out, sections[i].number);
        sections[i].write(x);
        wire_end(out, begun);
    }
}

static void reply(struct api_request *r, bool messages)
{
    struct v2 x = {.api = r->api, .messages = messages};
    const struct document *d = documents_get(
        r->api->documents, messages ? STR("v2 messages") : STR("v2"),
        documents_generation(r->api->documents), messages ? write_messages : write_json, &x);
    struct str tag = arena_printf(&r->a, "\"" STR_FMT "\"", STR_ARG(d->hash));
    arena_free(&x.a);
    api_reply_header(r, "ETag", tag);
    api_reply_header(r, "Vary", STR("Accept"));
    struct str known = r->headers ? http_headers_get(r->headers, "If-None-Match") : str_empty;
    bool same = str_eq(known, tag);
    api_reply_json(r, 200, same ? str_empty : d->bytes);
    if (messages || same)
        r->out_type = MESSAGES_ANSWER;
    if (same)
        r->status = 304;
}

static void openapi_v2_reply(struct api_request *r)
{
    bool messages;
    if (openapi_negotiate(r, MESSAGES, MESSAGES_ANSWER, &messages))
        reply(r, messages);
    else
        (void)api_fail_plain(
            r, 406, "NotAcceptable",
            "only the following media types are accepted: application/json, " MESSAGES);
}

bool openapi_handle(struct api_request *r)
{
    static const struct str v3 = STR_INIT("/openapi/v3");
    struct str rest = str_sub(r->path, v3.n, r->path.n);
    bool is_v2 = str_eq_c(r->path, "/openapi/v2");
    bool is_v3 = str_starts(r->path, v3) && (rest.n == 0 || rest.p[0] == '/');
    if (!is_v2 && !is_v3)
        return false;
    if (!str_eq_c(r->method, "GET"))
        (void)api_fail_method(r);
    else if (is_v2)
        openapi_v2_reply(r);
    else
        openapi_v3_reply(r, rest);
    return true;
}
