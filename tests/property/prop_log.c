/* Goal: no message, value or key makes a line of the log more than one line, invalid UTF-8 or invalid JSON, or forges a field;
 * what is valid text comes back from JSON as it was.
 * Method: random bytes rich in what lines are made of; the line is read back. */
#include "tests/property/support/seed.h"

#include "engine/base/json_internal.h"
#include "engine/base/log.h"

static struct str any_bytes(struct rng *r, struct arena *a)
{
    static const char *const pieces[] = {"\"",
                                         "\\",
                                         "\n",
                                         "\r",
                                         "\x1b[31m",
                                         "\x7f",
                                         "\xc2\x85",
                                         "\xe2\x80\xa8",
                                         "\xe2\x80\xa9",
                                         "\xff",
                                         "\xc3",
                                         "\xed\xa0\x80",
                                         "\xf0\x9f\x98\x80",
                                         "\xc3\xa9",
                                         "ts=2026 level=error msg=",
                                         "\",\"level\":\"error",
                                         "=",
                                         " ",
                                         "\\n",
                                         "\\u000a",
                                         "x",
                                         "}\n{"};
    struct buf text = {0};
    for (size_t n = draw(r, 8); n > 0; n--) {
        if (draw(r, 4) == 0)
            buf_add_char(&text, (char)(1 + draw(r, 255)));
        else
            buf_add_c(&text, pieces[draw(r, ARRAY_LEN(pieces))]);
    }
    struct str kept = arena_str(a, buf_str(&text));
    buf_free(&text);
    return kept;
}

static bool is_utf8(struct str s)
{
    for (size_t i = 0, n; i < s.n; i += n)
        if ((n = json_utf8_length(s.p + i, s.p + s.n)) == 0)
            return false;
    return true;
}

static void check_one_line(struct str line)
{
    assert_true(line.n > 0 && line.p[line.n - 1] == '\n');
    assert_true(is_utf8(line));
    for (size_t i = 0; i + 1 < line.n; i++)
        assert_true((unsigned char)line.p[i] >= 0x20 && line.p[i] != 0x7f);
    assert_true(str_find(line, STR("\xc2\x85")) < 0);
    assert_true(str_find(line, STR("\xe2\x80\xa8")) < 0);
    assert_true(str_find(line, STR("\xe2\x80\xa9")) < 0);
}

/* Reads one pair off the front; false: there is none. */
static bool take_pair(struct str *line, struct str *key)
{
    bool quoted = false;
    size_t n = 0;
    if (!str_cut(*line, '=', key, line))
        return false;
    assert_true(str_find_char(*key, ' ') < 0 && str_find_char(*key, '"') < 0);
    for (; n < line->n && (quoted || (line->p[n] != ' ' && line->p[n] != '\n')); n++) {
        if (line->p[n] == '"')
            quoted = !quoted;
        else if (quoted && line->p[n] == '\\')
            n++;
    }
    assert_true(!quoted && n < line->n);
    *line = str_sub(*line, n + 1, line->n);
    return true;
}

static void check_logfmt(const struct log_record *r)
{
    static const char *const keys[] = {"ts", "level", "component", "msg", "one", "two"};
    struct buf out = {0};
    struct str key;
    size_t n = 0;
    log_record_write(&out, LOG_LOGFMT, r);
    check_one_line(buf_str(&out));
    for (struct str line = buf_str(&out); take_pair(&line, &key); n++)
        assert_true(n < ARRAY_LEN(keys) && str_eq_c(key, keys[n]));
    assert_int_equal(n, ARRAY_LEN(keys));
    buf_free(&out);
}

static void check_json(const struct log_record *r, struct arena *a)
{
    struct buf out = {0};
    cJSON *tree = NULL;
    log_record_write(&out, LOG_JSON, r);
    check_one_line(buf_str(&out));
    struct err *err = json_parse(a, buf_str(&out), &tree);
    assert_null(err);
    assert_int_equal(cJSON_GetArraySize(tree), 6);
    assert_true(str_eq_c(json_string(json_get(tree, "level")), "info"));
    if (is_utf8(r->message))
        assert_true(str_eq(json_string(json_get(tree, "msg")), r->message));
    if (is_utf8(r->fields[0].value))
        assert_true(str_eq(json_string(json_get(tree, "one")), r->fields[0].value));
    buf_free(&out);
}

static void try_lines(struct rng *r)
{
    for (int round = 0; round < 300; round++) {
        struct arena a = {0};
        struct log_field fields[] = {{"one", any_bytes(r, &a)}, {"two", any_bytes(r, &a)}};
        struct log_record record = {.level = LOG_INFO,
                                    .component = any_bytes(r, &a),
                                    .message = any_bytes(r, &a),
                                    .fields = fields,
                                    .fields_n = ARRAY_LEN(fields)};
        check_logfmt(&record);
        check_json(&record, &a);
        arena_free(&a);
    }
}

static void lines_hold(void **state)
{
    each_seed(10, try_lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lines_hold)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
