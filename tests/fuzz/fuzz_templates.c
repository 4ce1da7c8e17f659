/* Goal: whatever stands in a scenario and in the templates that it uses, validating ends and says where each mistake is.
 * Input: files, one behind the other, divided by a line of four equals signs; the first is the scenario, the others are
 * a.yaml, b.yaml, c.yaml beside it. */
#include "sim/scenario/language/scenario.h"

#define BYTES_MAX 8192u
#define FILES_MAX 4u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct files {
    struct str v[FILES_MAX];
    size_t n;
};

static struct err *read_one(void *ctx, struct str path, struct buf *out)
{
    const struct files *f = ctx;
    size_t i = str_ends(path, STR("a.yaml"))   ? 1
               : str_ends(path, STR("b.yaml")) ? 2
               : str_ends(path, STR("c.yaml")) ? 3
                                               : FILES_MAX;
    if (i >= f->n)
        return err_new(ERR_NOT_FOUND, "there is no such file");
    buf_add(out, f->v[i]);
    return NULL;
}

static void split(struct files *f, struct str text)
{
    static const struct str line = STR_INIT("\n====\n");
    for (;;) {
        ptrdiff_t at = f->n + 1 < FILES_MAX ? str_find(text, line) : -1;
        f->v[f->n++] = at < 0 ? text : str_sub(text, 0, (size_t)at + 1);
        if (at < 0)
            return;
        text = str_sub(text, (size_t)at + line.n, text.n);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct files files = {.n = 0};
    struct buf said = {0}, expanded = {0};
    struct expand_request request = {.has_seed = false};
    split(&files, (struct str){(const char *)data, size < BYTES_MAX ? size : BYTES_MAX});
    struct scenario_files reader = {read_one, &files};
    request.files = &reader;
    size_t errors = scenario_validate(STR("f.yaml"), files.v[0], &reader, &said);
    BUG_ON((errors == 0) != (said.n == 0), "an error says something");
    if (errors == 0 && scenario_expand(STR("f.yaml"), files.v[0], &request, &expanded, &said))
        BUG_ON(scenario_validate(STR("f.yaml"), buf_str(&expanded), NULL, &said) != 0,
               "an expanded scenario stands for itself");
    buf_free(&said);
    buf_free(&expanded);
    return 0;
}
