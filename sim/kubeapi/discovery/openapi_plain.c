/* Paths that are no objects: the documents of discovery themselves, versions, keys. */
#include "sim/kubeapi/discovery/openapi.h"

#define PATH_BYTES_MAX 1024u

const struct openapi_root openapi_roots[OPENAPI_ROOTS] = {
    {"api", OPENAPI_META "APIVersions"},
    {"apis", OPENAPI_META "APIGroupList"},
    {"version", "io.k8s.apimachinery.pkg.version.Info"},
    {".well-known/openid-configuration", ""},
    {"openid/v1/jwks", ""},
};

/* "/apis/apps/v1/" ─► "getApisAppsV1" */
static void write_plain_id(struct str path, struct buf *out)
{
    bool upper = true;
    buf_add_c(out, "get");
    for (size_t i = 0; i < path.n; i++) {
        char c = path.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (letter)
            buf_add_char(out, upper && c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c);
        upper = !letter;
    }
}

void openapi_plain_path(enum openapi v, struct str path, struct str type, openapi_path_fn each,
                        void *data)
{
    struct buf b = {0}, schema = {0};
    if (type.n > 0)
        buf_addf(&schema, "{\"$ref\":\"%s" STR_FMT "\"}", openapi_ref_prefix(v), STR_ARG(type));
    else
        buf_add_c(&schema, "{\"type\":\"string\"}");
    buf_add_c(&b, "{\"get\":{\"operationId\":\"");
    write_plain_id(path, &b);
    buf_add_c(&b, "\",\"responses\":{\"200\":{\"description\":\"OK\",");
    buf_addf(&b,
             v == OPENAPI_V2 ? "\"schema\":" STR_FMT "}"
                             : "\"content\":{\"application/json\":{\"schema\":" STR_FMT "}}}",
             STR_ARG(buf_str(&schema)));
    buf_add_c(&b, ",\"401\":{\"description\":\"Unauthorized\"}}}}");
    each(data, path, buf_str(&b));
    buf_free(&b);
    buf_free(&schema);
}

void openapi_version_path(enum openapi v, const struct api_kind *k, openapi_path_fn each,
                          void *data)
{
    struct buf path = {.max = PATH_BYTES_MAX};
    buf_add_c(&path, k->group.n == 0 ? "/api" : "/apis/");
    buf_add(&path, k->group);
    buf_addf(&path, "/" STR_FMT "/", STR_ARG(k->version));
    openapi_plain_path(v, buf_str(&path), STR(OPENAPI_META "APIResourceList"), each, data);
    buf_free(&path);
}
