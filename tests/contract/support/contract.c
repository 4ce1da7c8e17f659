/* Running a table of cases on every world. */
#include "tests/contract/support/contract.h"

#include <stdio.h>
#include <stdlib.h>

/* The last one is the real world again, but for its WebSockets. */
static const struct contract_ops *const kinds[] = {&contract_uv, &contract_sim, &contract_uv_own};

struct run {
    const struct contract_ops *ops;
    const struct contract_case *it;
};

static void run_case(void **state)
{
    const struct run *run = *state;
    struct contract *c = run->ops->open();
    run->it->run(c);
    run->ops->close(c);
}

int contract_main(const char *suite, const struct contract_case *cases, size_t n, bool websockets,
                  int argc, char **argv)
{
    size_t all = n * (ARRAY_LEN(kinds) - !websockets);
    struct run *runs = MEM_NEW_ARRAY(struct run, all);
    struct CMUnitTest *tests = MEM_NEW_ARRAY(struct CMUnitTest, all);
    struct buf *names = MEM_NEW_ARRAY(struct buf, all);
    for (size_t i = 0; i < all; i++) {
        runs[i] = (struct run){kinds[i / n], &cases[i % n]};
        buf_addf(&names[i], "%s: %s", runs[i].ops->name, runs[i].it->name);
        tests[i] = (struct CMUnitTest){
            .name = buf_c(&names[i]), .test_func = run_case, .initial_state = &runs[i]};
    }
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    int failed = _cmocka_run_group_tests(suite, tests, all, NULL, NULL);
    for (size_t i = 0; i < all; i++)
        buf_free(&names[i]);
    mem_free(names);
    mem_free(tests);
    mem_free(runs);
    return failed;
}

void contract_until_at(struct contract *c, bool (*holds)(void *owner), void *owner,
                       const char *what, const char *file, int line)
{
    if (c->ops->until(c, holds, owner, CONTRACT_LIMIT))
        return;
    print_error("%s:%d: not reached in time: %s\n", file, line, what);
    _fail(file, line);
}

static bool never(void *owner)
{
    return false;
}

void contract_for(struct contract *c, world_time time)
{
    (void)c->ops->until(c, never, NULL, time);
}

bool contract_flag_holds(void *flag)
{
    return *(int *)flag != 0;
}
