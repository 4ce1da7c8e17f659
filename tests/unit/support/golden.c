#include "tests/unit/support/golden.h"

#include "tests/unit/support/check.h"

struct str golden_read(const char *path)
{
    struct buf text = {0};
    FILE *f = fopen(path, "rb");
    if (!f)
        fail_msg("%s: cannot be read (tests run in the root of the source)", path);
    char block[4096];
    size_t n;
    while ((n = fread(block, 1, sizeof(block), f)) > 0)
        buf_add(&text, (struct str){block, n});
    fclose(f);
    return buf_take(&text);
}

void golden_check(struct str got, const char *path)
{
    struct str file = golden_read(path), want = file, got_line, want_line;
    for (int line = 1; got.n > 0 || want.n > 0; line++) {
        str_cut(got, '\n', &got_line, &got);
        str_cut(want, '\n', &want_line, &want);
        if (!str_eq(got_line, want_line))
            fail_msg("%s:%d: got \"%.*s\", want \"%.*s\"", path, line, STR_ARG(got_line),
                     STR_ARG(want_line));
    }
    str_free(&file);
}
