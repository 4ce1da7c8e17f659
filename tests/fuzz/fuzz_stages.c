/* Any text as a schedule (the first line) and as stages of pods (the rest), in the form of APIs and as a file of stages:
 * refused, or the next time lies ahead; what a file comes to, APIs take. */
#include "sim/kubeapi/controllers/cron.h"
#include "sim/kubeapi/controllers/stages.h"
#include "sim/scenario/language/scenario.h"
#include "sim/scenario/language/stages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW (INT64_C(1700000000) * NS_PER_S)

static void try_schedule(struct str text)
{
    struct cron c;
    if (!cron_parse(text, &c))
        return;
    int64_t next = cron_next(&c, NULL, NOW);
    BUG_ON(next != -1 && next <= NOW, "the next time lies ahead");
}

static void try_file(struct str text)
{
    struct arena a = {0};
    struct diags diags;
    struct str compiled;
    struct stages *s = NULL;
    if (stages_load(&a, STR("f"), text, &diags, &compiled)) {
        struct err *err = stages_parse(compiled, &s);
        BUG_ON(err, "what a file of stages comes to is stages");
        stages_free(s);
    } else {
        BUG_ON(diags.n == 0, "an error says something");
    }
    arena_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str line, rest;
    struct stages *s = NULL;
    (void)str_cut((struct str){(const char *)data, size}, '\n', &line, &rest);
    try_schedule(line);
    try_file(rest);
    struct err *err = stages_parse(rest, &s);
    BUG_ON(!err == !s, "stages, or an error");
    err_ignore(err);
    stages_free(s);
    return 0;
}
