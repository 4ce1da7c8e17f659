/* Any text as a schedule (the first line) and as stages of pods (the rest): refused, or the next time lies ahead, and the stages
 * say of a pod whether they match. */
#include "sim/kubeapi/controllers/cron.h"
#include "sim/kubeapi/controllers/stages.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str line, rest;
    struct stages *s = NULL;
    (void)str_cut((struct str){(const char *)data, size}, '\n', &line, &rest);
    try_schedule(line);
    struct err *err = stages_parse(rest, &s);
    BUG_ON(!err == !s, "stages, or an error");
    err_ignore(err);
    stages_free(s);
    return 0;
}
