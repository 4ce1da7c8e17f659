/* Goal: broken promises end the program with a sentence; allocation never gives NULL.
 * Method: whatever ends the program is done in a child process whose end is looked at. */
#include "tests/unit/support/check.h"

#include "engine/base/list.h"

#include <sys/wait.h>
#include <unistd.h>

/* Runs the function in a child with its stderr in text; gives the wait status. */
static int end_of(void (*function)(void), char *text, size_t n)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        (void)dup2(ends[1], STDERR_FILENO);
        function();
        _exit(0);
    }
    (void)close(ends[1]);
    size_t have = 0;
    ssize_t got;
    while (have < n - 1 && (got = read(ends[0], text + have, n - 1 - have)) > 0)
        have += (size_t)got;
    text[have] = '\0';
    (void)close(ends[0]);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void break_promise(void)
{
    BUG_ON(1 + 1 == 2, "two is no sum");
}

static void third_allocation_fails(void)
{
    mem_fail_after(3);
    mem_free(mem_alloc(1));
    mem_free(mem_resize(NULL, 1));
    mem_free(mem_alloc(77));
}

static void too_many_bytes(void)
{
    mem_free(mem_alloc_array(SIZE_MAX / 2, 3));
}

static void bugs_end_the_program(void **state)
{
    char text[4096];
    int status = end_of(break_promise, text, sizeof(text));
    assert_true(WIFSIGNALED(status) ||
                WEXITSTATUS(status) != 0); /* sanitizers turn it into an exit */
    assert_non_null(strstr(text, "two is no sum"));
    assert_non_null(strstr(text, "1 + 1 == 2"));
}

static void lack_of_memory_ends_the_program(void **state)
{
    char text[4096];
    int status = end_of(third_allocation_fails, text, sizeof(text));
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 3);
    assert_non_null(strstr(text, "77 bytes"));
    status = end_of(too_many_bytes, text, sizeof(text));
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 3);
}

static void memory_is_zeroed(void **state)
{
    unsigned char *p = mem_alloc(100);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(p[i], 0);
    p = mem_resize(p, 200);
    assert_int_equal(p[99], 0);
    mem_free(p);
    mem_free(mem_alloc(0));
    mem_free(MEM_NEW_ARRAY(int, 0));
    mem_free(NULL);
}

struct item {
    int number;
    struct list node;
};

static void lists_keep_order(void **state)
{
    struct list head;
    struct item items[4];
    list_init(&head);
    assert_true(list_empty(&head));
    for (int i = 0; i < 4; i++) {
        items[i].number = i;
        list_init(&items[i].node);
    }
    list_add_tail(&head, &items[1].node);
    list_add_tail(&head, &items[2].node);
    list_add_head(&head, &items[0].node);
    list_add_tail(&head, &items[3].node);
    int expected = 0;
    list_each (&head, it, next) {
        struct item *item = container_of(it, struct item, node);
        assert_int_equal(item->number, expected++);
        if (item->number % 2)
            list_remove(it); /* safe: the next one was taken before */
    }
    assert_int_equal(expected, 4);
    list_remove(&items[1].node); /* a second time: nothing */
    list_remove(&items[0].node);
    list_remove(&items[2].node);
    assert_true(list_empty(&head));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bugs_end_the_program),
        cmocka_unit_test(lack_of_memory_ends_the_program),
        cmocka_unit_test(memory_is_zeroed),
        cmocka_unit_test(lists_keep_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
