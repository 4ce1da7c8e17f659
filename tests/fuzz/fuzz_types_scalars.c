/* Any text as a quantity, as a time, and as the JSON of an object: what is accepted has one form, which reads back to itself. */
#include "sim/kubeapi/types/decode.h"
#include "sim/kubeapi/types/gotime.h"
#include "sim/kubeapi/types/quantity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_quantity(struct str text)
{
    struct quantity q, back;
    struct buf once = {.max = 4096}, twice = {.max = 4096};
    if (quantity_parse(text, &q))
        return;
    quantity_write(&q, &once);
    BUG_ON(quantity_parse(buf_str(&once), &back) != NULL, "what was written is read");
    BUG_ON(quantity_cmp(&q, &back) != 0, "a round keeps the value");
    quantity_write(&back, &twice);
    BUG_ON(!str_eq(buf_str(&once), buf_str(&twice)), "canonical text stays the same");
    struct quantity sum = quantity_add(&q, &back);
    sum = quantity_sub(&sum, &q);
    BUG_ON(quantity_cmp(&sum, &q) > 0 && q.nanos >= 0, "sums are bounded");
    buf_free(&once);
    buf_free(&twice);
}

static void try_time(struct str text, bool micro)
{
    struct gotime t, back;
    struct buf problem = {.max = 1 << 20}, once = {.max = 4096};
    if (gotime_parse(text, micro, &t, &problem)) {
        gotime_write(t, micro, &once);
        BUG_ON(!gotime_parse(buf_str(&once), micro, &back, &problem), "what was written is read");
        BUG_ON(t.seconds != back.seconds, "a round keeps the second");
    } else {
        BUG_ON(problem.n == 0, "a refusal has a text");
    }
    buf_free(&problem);
    buf_free(&once);
}

static void try_object(struct str text, const char *group, const char *kind)
{
    struct arena a = {0};
    struct buf once = {0}, twice = {0};
    struct json_duplicates duplicates;
    struct decode_report report = {.duplicates = &duplicates}, again = {0};
    cJSON *v;
    const struct type *t = type_builtin(str_c(group), STR("v1"), str_c(kind));
    struct err *err = json_parse_duplicates(&a, text, &v, &duplicates);
    if (!err && v->type == cJSON_Object && type_decode(&a, t, v, &report)) {
        json_write(&once, v);
        BUG_ON(!type_decode(&a, t, v, &again) || again.strict_n > 0, "it was decoded already");
        json_write(&twice, v);
        BUG_ON(!str_eq(buf_str(&once), buf_str(&twice)), "decoding settles");
    }
    err_free(err);
    buf_free(&once);
    buf_free(&twice);
    arena_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    try_quantity(text);
    try_time(text, false);
    try_time(text, true);
    try_object(text, "", "Pod");
    try_object(text, "apiextensions.k8s.io", "CustomResourceDefinition");
    return 0;
}
