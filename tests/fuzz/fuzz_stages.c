/* Any text as a schedule (the first line) and as stages (the rest): in the form of APIs, of nodes, and as a file. Refused,
 * or the next time lies ahead; what a file comes to, APIs and clusters take. */
#include "sim/cluster/node_stages.h"
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
    struct stages_texts compiled = {str_empty, str_empty};
    struct stages *s = NULL;
    struct node_life *life = NULL;
    if (stages_load(&a, STR("f"), text, &diags, &compiled)) {
        struct err *err = stages_parse(compiled.pods, &s);
        BUG_ON(err, "what a file of stages comes to is stages");
        stages_free(s);
        err = node_life_parse(compiled.nodes, &life);
        BUG_ON(err, "what a file of stages comes to is a life of nodes");
        node_life_free(life);
    } else {
        BUG_ON(diags.n == 0, "an error says something");
    }
    arena_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str line, rest;
    struct stages *s = NULL;
    struct node_life *life = NULL;
    (void)str_cut((struct str){(const char *)data, size}, '\n', &line, &rest);
    try_schedule(line);
    try_file(rest);
    struct err *err = stages_parse(rest, &s);
    BUG_ON(!err == !s, "stages, or an error");
    err_ignore(err);
    stages_free(s);
    err = node_life_parse(rest, &life);
    BUG_ON(!err == !life, "a life, or an error");
    err_ignore(err);
    node_life_free(life);
    return 0;
}
