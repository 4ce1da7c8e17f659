/* Any bytes as the protobuf body of a request: an error or an object, and the object comes through another round as it is. */
#include "sim/kubeapi/types/proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct type *type_of(const struct proto_envelope *e)
{
    struct str group, version;
    if (!str_cut(e->api_version, '/', &group, &version)) {
        version = group;
        group = str_empty;
    }
    return type_builtin(group, version, e->kind);
}

static void check_round(struct arena *a, const struct type *t, const cJSON *tree)
{
    struct buf one = {0}, two = {0}, json = {0};
    cJSON *back = NULL, *parsed = NULL;
    json_write(&json, tree);
    struct err *err = json_parse(a, buf_str(&json), &parsed);
    BUG_ON(err != NULL, "what was decoded can be written, and so stored");
    proto_encode(t, tree, &one);
    err = proto_decode(a, t, buf_str(&one), &back);
    BUG_ON(err != NULL, "what was encoded is decoded");
    proto_encode(t, back, &two);
    BUG_ON(!str_eq(buf_str(&one), buf_str(&two)), "a second round changes nothing");
    buf_free(&one);
    buf_free(&two);
    buf_free(&json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a = {0};
    struct proto_envelope e;
    cJSON *tree;
    struct err *err = proto_open((struct str){(const char *)data, size}, &e);
    const struct type *t = err ? NULL : type_of(&e);
    if (t) {
        err = proto_decode(&a, t, e.raw, &tree);
        if (!err)
            check_round(&a, t, tree);
    }
    err_free(err);
    arena_free(&a);
    return 0;
}
