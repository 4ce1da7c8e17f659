/* Goal: files: read, atomic write, remove, list and watch behave the same in both worlds.
 * Method: operations in the client's own folder, one after another or several at once. */
#include "tests/contract/support/contract.h"

#include <string.h>

struct op {
    int done;
    bool failed;
    enum err_code code;
    struct buf content;
};

static void finished(void *owner, struct str content, const struct err *err)
{
    struct op *op = owner;
    op->done++;
    op->failed = err != NULL;
    if (err)
        op->code = err->code;
    buf_clear(&op->content);
    buf_add(&op->content, content);
}

static struct str path_of(struct contract *c, const char *name, struct buf *path)
{
    buf_clear(path);
    buf_add(path, buf_str(&c->folder));
    buf_add_c(path, name);
    return buf_str(path);
}

enum what { READ, WRITE, REMOVE, LIST };

static struct world_file *begin(struct contract *c, enum what what, const char *name,
                                struct str content, struct op *op)
{
    struct buf path = {0};
    struct str p = path_of(c, name, &path);
    struct world_file *f = NULL;
    switch (what) {
    case READ:
        f = world_file_read(c->client, p, finished, op);
        break;
    case WRITE:
        f = world_file_write(c->client, p, content, 0600, finished, op);
        break;
    case REMOVE:
        f = world_file_remove(c->client, p, finished, op);
        break;
    case LIST:
        f = world_file_list(c->client, p, finished, op);
        break;
    }
    buf_free(&path); /* strings are copied */
    assert_int_equal(op->done, 0);
    return f;
}

static void run(struct contract *c, enum what what, const char *name, const char *content,
                struct op *op)
{
    buf_free(&op->content);
    *op = (struct op){0};
    (void)begin(c, what, name, str_c(content), op);
    contract_until_flag(c, &op->done);
}

static void read_missing(struct contract *c)
{
    struct op op = {0};
    run(c, READ, "missing", NULL, &op);
    assert_true(op.failed);
    assert_int_equal(op.code, ERR_NOT_FOUND);
    assert_int_equal(op.content.n, 0);
    buf_free(&op.content);
}

static void write_and_read(struct contract *c)
{
    struct op op = {0};
    run(c, WRITE, "state", "first", &op);
    assert_false(op.failed);
    assert_int_equal(op.content.n, 0);
    run(c, READ, "state", NULL, &op);
    assert_string_equal(buf_c(&op.content), "first");
    run(c, WRITE, "state", "", &op);
    run(c, READ, "state", NULL, &op);
    assert_false(op.failed);
    assert_int_equal(op.content.n, 0);
    buf_free(&op.content);
}

static void folders_are_made(struct contract *c)
{
    struct op op = {0};
    run(c, WRITE, "a/b/c/state", "deep", &op);
    assert_false(op.failed);
    run(c, READ, "a/b/c/state", NULL, &op);
    assert_string_equal(buf_c(&op.content), "deep");
    buf_free(&op.content);
}

static void writes_keep_their_order(struct contract *c)
{
    struct op ops[20] = {0}, op = {0};
    for (int i = 0; i < 20; i++) {
        char text[] = {(char)('a' + i), 0};
        (void)begin(c, WRITE, "state", str_c(text), &ops[i]);
    }
    for (int i = 0; i < 20; i++)
        contract_until_flag(c, &ops[i].done);
    run(c, READ, "state", NULL, &op);
    assert_string_equal(buf_c(&op.content), "t");
    run(c, LIST, "", NULL, &op);
    assert_string_equal(buf_c(&op.content), "state\n"); /* nothing is left beside it */
    buf_free(&op.content);
}

static void remove_a_file(struct contract *c)
{
    struct op op = {0};
    run(c, WRITE, "state", "x", &op);
    run(c, REMOVE, "state", NULL, &op);
    assert_false(op.failed);
    run(c, READ, "state", NULL, &op);
    assert_int_equal(op.code, ERR_NOT_FOUND);
    run(c, REMOVE, "state", NULL, &op);
    assert_true(op.failed);
    assert_int_equal(op.code, ERR_NOT_FOUND);
    buf_free(&op.content);
}

static void list_in_byte_order(struct contract *c)
{
    static const char *const names[] = {"f/b", "f/a", "f/B", "f/10", "f/9"};
    struct op op = {0};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        run(c, WRITE, names[i], "x", &op);
    run(c, LIST, "f", NULL, &op);
    assert_string_equal(buf_c(&op.content), "10\n9\nB\na\nb\n");
    run(c, LIST, "no-folder", NULL, &op);
    assert_int_equal(op.code, ERR_NOT_FOUND);
    buf_free(&op.content);
}

static void large_file(struct contract *c)
{
    size_t n = (size_t)4 << 20;
    char *bytes = mem_alloc(n);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)(i % 251);
    struct op op = {0}, back = {0};
    (void)begin(c, WRITE, "large", (struct str){bytes, n}, &op);
    contract_until_flag(c, &op.done);
    run(c, READ, "large", NULL, &back);
    assert_int_equal(back.content.n, n);
    assert_memory_equal(back.content.p, bytes, n);
    mem_free(bytes);
    buf_free(&op.content);
    buf_free(&back.content);
}

static void cancel(struct contract *c)
{
    struct op op = {0};
    world_file_cancel(begin(c, READ, "state", str_empty, &op));
    world_file_cancel(begin(c, WRITE, "state", STR("x"), &op));
    world_file_cancel(NULL);
    contract_for(c, 100 * NS_PER_MS);
    assert_int_equal(op.done, 0);
    buf_free(&op.content);
}

/* ---- watches ---- */
static void changed(void *owner)
{
    ++*(int *)owner;
}

static struct world_watch *watch(struct contract *c, const char *name, int *times)
{
    struct buf path = {0};
    struct world_watch *w = world_file_watch(c->client, path_of(c, name, &path), changed, times);
    buf_free(&path);
    assert_int_equal(*times, 0);
    return w;
}

static void until_changed(struct contract *c, int *times)
{
    contract_until_flag(c, times);
    contract_for(c, 200 * NS_PER_MS); /* coalesced ones */
    *times = 0;
}

static void watch_a_file_that_comes_and_goes(struct contract *c)
{
    struct op op = {0};
    int times = 0;
    struct world_watch *w = watch(c, "config", &times);
    contract_for(c, 100 * NS_PER_MS);
    assert_int_equal(times, 0);
    run(c, WRITE, "config", "one", &op);
    until_changed(c, &times);
    run(c, WRITE, "config", "two", &op);
    until_changed(c, &times);
    run(c, REMOVE, "config", NULL, &op);
    until_changed(c, &times);
    run(c, WRITE, "other", "two", &op);
    contract_for(c, 300 * NS_PER_MS);
    assert_int_equal(times, 0);
    world_watch_close(w);
    run(c, WRITE, "config", "three", &op);
    contract_for(c, 300 * NS_PER_MS);
    assert_int_equal(times, 0);
    buf_free(&op.content);
}

static void watch_changes_from_outside(struct contract *c)
{
    struct buf path = {0};
    int times = 0;
    path_of(c, "mounted", &path);
    c->ops->file_put(c, buf_c(&path), "one");
    struct world_watch *w = watch(c, "mounted", &times);
    contract_for(c, 50 * NS_PER_MS);
    c->ops->file_put(c, buf_c(&path), "two, longer");
    until_changed(c, &times);
    world_watch_close(w);
    buf_free(&path);
}

static void watch_in_a_folder_to_come(struct contract *c)
{
    struct op op = {0};
    int times = 0;
    struct world_watch *w = watch(c, "later/config", &times);
    contract_for(c, 50 * NS_PER_MS);
    run(c, WRITE, "later/config", "one", &op);
    until_changed(c, &times);
    world_watch_close(w);
    buf_free(&op.content);
}

struct self_closing {
    struct world_watch *w;
    int times;
};

static void close_it(void *owner)
{
    struct self_closing *s = owner;
    s->times++;
    world_watch_close(s->w);
}

static void close_inside_the_callback(struct contract *c)
{
    struct op op = {0};
    struct self_closing s = {0};
    struct buf path = {0};
    s.w = world_file_watch(c->client, path_of(c, "config", &path), close_it, &s);
    run(c, WRITE, "config", "one", &op);
    contract_until_flag(c, &s.times);
    run(c, WRITE, "config", "two", &op);
    contract_for(c, 200 * NS_PER_MS);
    assert_int_equal(s.times, 1);
    buf_free(&path);
    buf_free(&op.content);
}

static const struct contract_case cases[] = {
    {"read missing", read_missing},
    {"write and read", write_and_read},
    {"folders are made", folders_are_made},
    {"writes keep their order", writes_keep_their_order},
    {"remove a file", remove_a_file},
    {"list in byte order", list_in_byte_order},
    {"large file", large_file},
    {"cancel", cancel},
    {"watch a file that comes and goes", watch_a_file_that_comes_and_goes},
    {"watch changes from outside", watch_changes_from_outside},
    {"watch in a folder to come", watch_in_a_folder_to_come},
    {"close inside the callback", close_inside_the_callback},
};

CONTRACT_MAIN("files", cases)
