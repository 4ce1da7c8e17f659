/* Goal: errors stand at their place, once, in order, with the nearest word; whatever the text around them is like.
 * Method: tables of texts with the place of one byte of a scalar; words beside candidates; what is printed. */
#include "tests/unit/support/check.h"

#include "sim/scenario/expr/diag.h"

/* ---- places inside scalars ---- */

static const struct {
    const char *text;
    uint32_t line, column;
    size_t offset;
    uint32_t at_line, at_column;
} places[] = {
    /* fits */
    {"a: one\n\t two", 1, 4, 4, 2, 3},
    {"a: \"one\n   two\"", 1, 4, 4, 2, 4},
    {"a: 'ab'", 1, 4, 2, 1, 7},
    {"a: \"\\x41b\"", 1, 4, 1, 1, 9},
    {"a: \"\\U00000041b\"", 1, 4, 1, 1, 15},
    {"a: \"\\nb\"", 1, 4, 1, 1, 7},
    {"a: |\n  one\n\n  two\n", 1, 4, 5, 4, 3},
    {"a: |\n  one\n    two\n", 1, 4, 4, 3, 3},
    {"a: |\n  \xc3\xa9x\n", 1, 4, 2, 2, 4},
    /* the walk does not fit: where the text ends, or where the scalar stands */
    {"a: 'ab'", 1, 4, 9, 1, 8},
    {"a: 'ab", 1, 4, 9, 1, 7},
    {"a: \"x\\", 1, 4, 5, 1, 7},
    {"a: \"x\\u00", 1, 4, 5, 1, 10},
    {"a: one\n", 1, 4, 9, 2, 1},
    {"a: |", 1, 4, 1, 1, 5},
    {"a: |\n  one", 1, 4, 9, 2, 6},
    {"a: x", 9, 4, 3, 9, 4},
    {"a: x\nb: y", 1, 40, 3, 1, 40},
    {"a: x", 0, 0, 3, 0, 0},
};

static void places_are_found(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        struct source source = {.file = STR("x"), .text = str_c(places[i].text)};
        struct diags diags = {.source = &source};
        struct place at = {.line = places[i].line, .column = places[i].column};
        struct place p = place_inside(&diags, at, places[i].offset);
        if (p.line != places[i].at_line || p.column != places[i].at_column)
            print_message("%s: %u:%u\n", places[i].text, (unsigned)p.line, (unsigned)p.column);
        assert_int_equal(p.line, places[i].at_line);
        assert_int_equal(p.column, places[i].at_column);
    }
}

/* ---- suggestions ---- */

#define LONG "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklm" /* 65 letters */

static void near_words_are_suggested(void **state)
{
    static const struct {
        const char *word, *candidates[4], *tail;
    } rows[] = {
        {"nmae", {"name", "node"}, "; did you mean \"name\"?"},
        {"", {"name"}, "; known is name"},
        {"x", {"y"}, "; known is y"}, /* nothing is left of it */
        {LONG, {"abc", LONG "x"}, "; known are abc, " LONG "x"},
        {"name", {"", LONG, "nam"}, "; did you mean \"nam\"?"},
        {"name", {""}, "; known is "},
        {"name", {NULL}, ""},
    };
    struct arena a = {0};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str candidates[4];
        size_t n = 0;
        for (; n < 4 && rows[i].candidates[n]; n++)
            candidates[n] = str_c(rows[i].candidates[n]);
        check_str(diag_suggest_tail(&a, str_c(rows[i].word), candidates, n), rows[i].tail);
    }
    arena_free(&a);
}

/* ---- what is said ---- */

/* The same at the same place is said once; what is too much is counted; a template's errors stand last. */
static void errors_are_printed(void **state)
{
    struct arena a = {0};
    struct diags d;
    struct buf out = {0};
    struct source file = {.file = STR("main"), .text = str_empty};
    struct place used = {.line = 5, .column = 3};
    struct source part = {.file = STR("part"), .text = str_empty, .used = &used, .rank = 1};
    diags_init(&d, &a, &file);
    diag_add(&d, (struct place){STR("b"), 2, 1, &part}, "wrong %d", 1);
    diag_add(&d, (struct place){STR("a"), 9, 1, NULL}, "wrong");
    diag_add(&d, (struct place){STR("a"), 2, 4, NULL}, "wrong");
    diag_add(&d, (struct place){str_empty, 2, 1, NULL}, "wrong");
    diag_add(&d, (struct place){STR("z"), 2, 1, NULL}, "wrong");
    diag_add(&d, (struct place){.line = 0}, "--set: wrong");
    diags_sort(&d);
    diags_print(&d, &out);
    check_str(buf_str(&out), "main: error: --set: wrong\n"
                             "main:2:1: error: wrong\n"
                             "main:2:4: error: a: wrong\n"
                             "main:9:1: error: a: wrong\n"
                             "part:2:1: error: b: wrong 1 (used at main:5:3)\n");
    for (uint32_t i = 0; i < DIAG_ITEMS_MAX; i++)
        diag_add(&d, (struct place){str_empty, 100 + i, 1, NULL}, "wrong");
    assert_int_equal(d.n, DIAG_ITEMS_MAX);
    buf_clear(&out);
    diags_print(&d, &out);
    assert_true(str_ends(buf_str(&out), STR("\nmain: error: 5 further errors are not shown\n")));
    struct place here = {str_empty, 7, 1, NULL}, there = {str_empty, 3, 2, &part};
    check_str(place_first(&d, &here, &used), "first in line 7");
    check_str(place_first(&d, &there, &used), "first at part:3:2 (used at main:5:3)");
    buf_free(&out);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_are_found),
        cmocka_unit_test(near_words_are_suggested),
        cmocka_unit_test(errors_are_printed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
