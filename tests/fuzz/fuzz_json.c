/* Any text: the readers end with an error or a tree, and the tree's canonical text is read back to itself. */
#include "engine/base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_round(struct arena *a, const cJSON *v)
{
    struct buf text = {0}, again = {0};
    cJSON *back = NULL;
    json_write(&text, v);
    struct err *err = json_parse(a, buf_str(&text), &back);
    BUG_ON(err != NULL, "what was written is read");
    json_write(&again, back);
    BUG_ON(!str_eq(buf_str(&text), buf_str(&again)), "canonical text stays the same");
    BUG_ON(!json_equal(v, back), "a round changes nothing");
    buf_free(&text);
    buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a = {0};
    struct str text = {(const char *)data, size}, duplicate;
    cJSON *v;
    struct err *err = json_parse(&a, text, &v);
    if (!err)
        check_round(&a, v);
    err_free(err);
    err = json_parse_lenient(&a, text, &v, &duplicate);
    if (!err)
        check_round(&a, v);
    err_free(err);
    arena_free(&a);
    return 0;
}
