/* Any text: the loader ends with an error that has a position, or with trees that become JSON. */
#include "engine/base/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a = {0};
    struct yaml_node **docs;
    size_t n;
    struct err *err =
        yaml_parse_all(&a, STR("f"), (struct str){(const char *)data, size}, &docs, &n);
    BUG_ON(err && err->line == 0, "an error says where");
    for (size_t i = 0; !err && i < n; i++) {
        struct buf text = {0};
        cJSON *back, *v = yaml_to_json(&a, docs[i]);
        json_write(&text, v);
        struct err *bad = json_parse(&a, buf_str(&text), &back);
        BUG_ON(bad != NULL, "what becomes JSON is JSON");
        buf_free(&text);
    }
    err_free(err);
    arena_free(&a);
    return 0;
}
