/* Any JSON as the answer of a webhook, of admission and of conversion: refused in words, or within what it may say. */
#include "sim/kubeapi/admission/review_answer.h"
#include "sim/kubeapi/crd/crd_review.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_admission(const cJSON *body)
{
    static const char *const versions[] = {"v1", "v1beta1"};
    for (int i = 0; i < 4; i++) {
        struct arena a = {0};
        struct review_answer out;
        bool mutating = i % 2 == 1;
        struct str wrong = review_answer_read(&a, body, STR("u"), versions[i / 2], mutating, &out);
        if (wrong.n == 0) {
            BUG_ON(out.patch && (!mutating || out.patch->type != cJSON_Array),
                   "a patch is a list, and changes something");
            for (const cJSON *w = out.warnings ? out.warnings->child : NULL; w; w = w->next)
                BUG_ON(!json_is_string(w) && w->type != cJSON_NULL, "warnings are texts");
        }
        arena_free(&a);
    }
}

static cJSON *sample(struct arena *a, const char *name)
{
    cJSON *o = NULL;
    struct str text = arena_printf(
        a,
        "{\"apiVersion\":\"x.io/v1\",\"kind\":\"Point\",\"metadata\":{\"name\":\"%s\",\"uid\":"
        "\"1\",\"labels\":{\"a\":\"b\"}},\"spec\":{\"at\":1}}",
        name);
    struct err *err = json_parse(a, text, &o);
    BUG_ON(err, "the sample is JSON");
    return o;
}

static void read_conversion(const cJSON *body)
{
    for (size_t n = 1; n <= 2; n++) {
        struct arena a = {0};
        cJSON *objects[] = {sample(&a, "a"), sample(&a, "b")}, *converted[2];
        struct crd_review v = {&a, STR("u"), STR("x.io/v2"), objects, converted, n};
        if (crd_review_read(&v, str_empty, body).n == 0)
            for (size_t i = 0; i < n; i++) {
                BUG_ON(!str_eq_c(json_string_at(converted[i], "apiVersion"), "x.io/v2"),
                       "it has the version that was asked for");
                BUG_ON(!str_eq(json_string_at(converted[i], "metadata.name"),
                               json_string_at(objects[i], "metadata.name")) ||
                           !str_eq_c(json_string_at(converted[i], "metadata.uid"), "1"),
                       "it is the same object");
            }
        arena_free(&a);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a = {0};
    cJSON *body;
    struct err *err = json_parse(&a, (struct str){(const char *)data, size}, &body);
    if (!err) {
        read_admission(body);
        read_conversion(body);
    }
    err_ignore(err);
    arena_free(&a);
    return 0;
}
