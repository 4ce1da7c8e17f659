/* check: cmocka with what every test of ours needs: strings by value, errors by text. */
#ifndef PADDOCK_TESTS_UNIT_SUPPORT_CHECK_H
#define PADDOCK_TESTS_UNIT_SUPPORT_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/err.h"

#include <stdio.h>
#include <string.h>

#define check_str(s, z)    check_str_at((s), str_c(z), __FILE__, __LINE__)
#define check_str_eq(a, b) check_str_at((a), (b), __FILE__, __LINE__)
static inline void check_str_at(struct str got, struct str want, const char *file, int line)
{
    if (str_eq(got, want))
        return;
    print_error("%s:%d: got \"%.*s\", want \"%.*s\"\n", file, line, STR_ARG(got), STR_ARG(want));
    fail();
}

/* The call works. */
#define check_ok(call) check_ok_at((call), __FILE__, __LINE__)
static inline void check_ok_at(struct err *err, const char *file, int line)
{
    if (!err)
        return;
    struct buf text = {0};
    err_print(err, &text);
    print_error("%s:%d: %s\n", file, line, buf_c(&text));
    fail();
}

/* The call fails with this code and a message that contains the text. */
#define check_err(call, code, text) check_err_at((call), (code), (text), __FILE__, __LINE__)
static inline void check_err_at(struct err *err, enum err_code code, const char *text,
                                const char *file, int line)
{
    if (!err) {
        print_error("%s:%d: no error, want \"%s\"\n", file, line, text);
        fail();
        return;
    }
    struct buf got = {0};
    err_print(err, &got);
    if (err->code != code || str_find(buf_str(&got), str_c(text)) < 0) {
        print_error("%s:%d: got %s \"%s\", want %s \"%s\"\n", file, line, err_code_name(err->code),
                    buf_c(&got), err_code_name(code), text);
        fail();
    }
    buf_free(&got);
    err_free(err);
}

#endif
