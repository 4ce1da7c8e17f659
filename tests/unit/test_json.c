/* Goal: the reader accepts JSON and nothing else, says where and why, loses nothing; the writer is canonical; editing
 * keeps trees sound.
 * Method: tables of texts with what they become or the error they give. prop_json.c tries the rest. */
#include "tests/unit/support/check.h"

#include "engine/base/json.h"

static void accepted_texts(void **state)
{
    static const struct {
        const char *text, *canonical;
    } cases[] = {
        {" { \"b\" : 1 , \"a\" : [ ] }\r\n\t", "{\"a\":[],\"b\":1}"},
        {"[1,2.50,-0,1E+5,9007199254740993,1e999]", "[1,2.50,-0,1E+5,9007199254740993,1e999]"},
        {"\"\\u00e9\\ud83d\\ude00\\/\\b\\f\\n\\r\\t\\\"\\\\\\u001f\"",
         "\"\xc3\xa9\xf0\x9f\x98\x80/\\b\\f\\n\\r\\t\\\"\\\\\\u001f\""},
        {"\"\x7f\xc2\x80\xef\xbf\xbf\xf4\x8f\xbf\xbf\\uFFFF\"",
         "\"\x7f\xc2\x80\xef\xbf\xbf\xf4\x8f\xbf\xbf\xef\xbf\xbf\""},
        {"true", "true"},
        {"false", "false"},
        {"null", "null"},
        {"\"\"", "\"\""},
        {"0", "0"},
        {"{\"\":{}}", "{\"\":{}}"},
        {"{\"a\":1,\"A\":2}", "{\"A\":2,\"a\":1}"}, /* keys are case-sensitive */
        {"[[],[[]],{}]", "[[],[[]],{}]"},
        {"\"<>&\xe2\x80\xa8\"", "\"<>&\xe2\x80\xa8\""}, /* no more escapes than needed */
        {"\"0123456\\n89abcdef\\\"0123456789\"", "\"0123456\\n89abcdef\\\"0123456789\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena a = {0};
        struct buf out = {0};
        cJSON *v;
        check_ok(json_parse(&a, str_c(cases[i].text), &v));
        json_write(&out, v);
        check_str(buf_str(&out), cases[i].canonical);
        buf_free(&out);
        arena_free(&a);
    }
}

static const struct {
    const char *text, *message;
} refused[] = {
    {"", "1:1: malformed JSON: expected a value, found the end"},
    {"[1,]", "1:4: malformed JSON: expected a value"},
    {"[1 2]", "1:4: malformed JSON: expected ',' or ']'"},
    {"[1,2", "1:5: malformed JSON: expected ',' or ']'"},
    {"[", "1:2: malformed JSON: expected a value, found the end"},
    {"]", "1:1: malformed JSON: expected a value"},
    {"[}", "1:2: malformed JSON: expected a value"},
    {"[1}", "1:3: malformed JSON: expected ',' or ']'"},
    {"{", "1:2: malformed JSON: expected a key in quotes"},
    {"{a:1}", "1:2: malformed JSON: expected a key in quotes"},
    {"{\"a\":1,}", "1:8: malformed JSON: expected a key in quotes"},
    {"{\"a\" 1}", "1:6: malformed JSON: expected ':'"},
    {"{\"a\":}", "1:6: malformed JSON: expected a value"},
    {"{\"a\":1 \"b\":2}", "1:8: malformed JSON: expected ',' or '}'"},
    {"{\n  \"\xc3\xa9\": 1,\n  \"\xc3\xa9\": 2}", "3:3: malformed JSON: this key is there twice"},
    {"{\"a\":1,\"\\u0061\":2}", "1:8: malformed JSON: this key is there twice: \"a\""},
    {"\"\xc3\xa9\xc3\xa9\" x", "1:6: malformed JSON: expected the end"},
    {"1 1", "1:3: malformed JSON: expected the end"},
    {"01", "without leading zeros"},
    {"-01", "without leading zeros"},
    {"-", "1:2: malformed JSON: expected a digit"},
    {"+1", "expected a value"},
    {".5", "expected a value"},
    {"1.", "after the decimal point"},
    {"1.e5", "after the decimal point"},
    {"1e", "in the exponent"},
    {"1e+", "in the exponent"},
    {"0x10", "1:2: malformed JSON: expected the end"},
    {"NaN", "expected a value"},
    {"Infinity", "expected a value"},
    {"nul", "expected a value"},
    {"True", "expected a value"},
    {"truex", "1:5: malformed JSON: expected the end"},
    {"'a'", "expected a value"},
    {"\"a", "1:1: malformed JSON: this string has no end"},
    {"\"a\\", "after a backslash"},
    {"\"\\x\"", "after a backslash"},
    {"\"\\u12\"", "four hexadecimal digits"},
    {"\"\\u00g0\"", "four hexadecimal digits"},
    {"\"\\ud800\"", "a lone one"},
    {"\"\\udc00\"", "a lone one"},
    {"\"\\ud800\\ud800\"", "a lone one"},
    {"\"\\ud800x\"", "a lone one"},
    {"\"\\ud800\\n12345\"", "a lone one"},
    {"\"\\ud800x12345\"", "a lone one"},
    {"\"\\ud800\\ue000\"", "a lone one"},
    {"\"\\u1\"", "four hexadecimal digits"},
    {"[,1]", "1:2: malformed JSON: expected a value"},
    {"{,}", "1:2: malformed JSON: expected a key in quotes"},
    {"\"\xf0\x80\x80\x80\"", "expected UTF-8"},
    {"\"a\tb\"", "1:3: malformed JSON: a control character must be escaped"},
    {"\"a\nb\"", "control character"},
    {"\"\x80\"", "expected UTF-8"},
    {"\"\xc0\x80\"", "expected UTF-8"},
    {"\"\xe0\x80\x80\"", "expected UTF-8"},
    {"\"\xed\xa0\x80\"", "expected UTF-8"},
    {"\"\xf4\x90\x80\x80\"", "expected UTF-8"},
    {"\"\xf8\x88\x80\x80\x80\"", "expected UTF-8"},
    {"\"\xc3\"", "expected UTF-8"},
    {"\xef\xbb\xbf{}", "expected a value"},
    {"// x\n1", "expected a value"},
};

static void refused_texts(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct arena a = {0};
        cJSON *v;
        check_err(json_parse(&a, str_c(refused[i].text), &v), ERR_INVALID, refused[i].message);
        arena_free(&a);
    }
    struct arena a = {0};
    cJSON *v;
    check_err(json_parse(&a, STR("\"a\0b\""), &v), ERR_INVALID, "control character");
    check_err(json_parse(&a, STR("1\0"), &v), ERR_INVALID, "expected the end");
    arena_free(&a);
}

static void bounds_hold(void **state)
{
    struct arena a = {0};
    struct buf text = {0};
    cJSON *v;
    for (unsigned i = 0; i < JSON_DEPTH_MAX; i++)
        buf_add_c(&text, i % 2 ? "{\"a\":" : "[");
    buf_add_c(&text, "1");
    for (unsigned i = JSON_DEPTH_MAX; i-- > 0;)
        buf_add_c(&text, i % 2 ? "}" : "]");
    check_ok(json_parse(&a, buf_str(&text), &v));
    buf_clear(&text);
    for (unsigned i = 0; i <= JSON_DEPTH_MAX; i++)
        buf_add_char(&text, '[');
    check_err(json_parse(&a, buf_str(&text), &v), ERR_INVALID, "1:129: malformed JSON: nested");
    check_err(json_parse(&a, (struct str){text.p, JSON_BYTES_MAX + 1}, &v), ERR_TOO_LARGE,
              "at most");
    buf_free(&text);
    arena_free(&a);
}

/* n keys in an order that is not theirs; the key `twice` (if below n) once more at the end. */
static void many_keys(struct buf *text, unsigned n, unsigned twice)
{
    buf_clear(text);
    buf_add_char(text, '{');
    for (unsigned i = 0; i < n; i++)
        buf_addf(text, "%s\"k%u\":%u", i ? "," : "", i * 7 % n, i);
    if (twice < n)
        buf_addf(text, ",\"k%u\":\"last\"", twice);
    buf_add_char(text, '}');
}

static void duplicates_are_found_in_any_size(void **state)
{
    static const unsigned sizes[] = {2, 3, 31, 32, 33, 34, 64, 65, 100, 1000};
    struct buf text = {0};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct arena a = {0};
        cJSON *v;
        struct str duplicate;
        unsigned n = sizes[i] % 7 ? sizes[i] : sizes[i] + 1;
        many_keys(&text, n, UINT32_MAX);
        check_ok(json_parse(&a, buf_str(&text), &v));
        check_ok(json_parse_lenient(&a, buf_str(&text), &v, &duplicate));
        assert_int_equal(duplicate.n, 0);
        for (unsigned twice = 0; twice < n; twice += n / 10 + 1) {
            many_keys(&text, n, twice);
            check_err(json_parse(&a, buf_str(&text), &v), ERR_INVALID, "this key is there twice");
            check_ok(json_parse_lenient(&a, buf_str(&text), &v, &duplicate));
            char key[16];
            (void)snprintf(key, sizeof(key), "k%u", twice);
            check_str(duplicate, key);
            check_str(json_string_at(v, key), "last");
            unsigned count = 0;
            for (const cJSON *c = v->child; c; c = c->next) {
                assert_ptr_equal(c->next ? c->next->prev : v->child->prev, c);
                count++;
            }
            assert_int_equal(count, n);
        }
        arena_free(&a);
    }
    buf_free(&text);
}

static void check_text(const cJSON *v, const char *want)
{
    struct buf out = {0};
    json_write_ordered(&out, v);
    check_str(buf_str(&out), want);
    buf_free(&out);
}

static void lookups(void **state)
{
    struct arena a = {0};
    cJSON *v;
    int64_t n;
    check_ok(
        json_parse(&a,
                   STR("{\"metadata\":{\"name\":\"x\",\"Name\":\"y\",\"n\":7,\"f\":1.0,\"big\":"
                       "9223372036854775808,\"t\":true,\"null\":null},\"list\":[1]}"),
                   &v));
    check_str(json_string_at(v, "metadata.name"), "x");
    check_str(json_string_at(v, "metadata.Name"), "y");
    check_str(json_string_at(v, "metadata.NAME"), "");
    check_str(json_string_at(v, "metadata.n"), "");
    check_str(json_string_at(v, "metadata.name.x"), "");
    check_str(json_string_at(v, "list.x"), "");
    check_str(json_string_at(NULL, "a"), "");
    assert_null(json_get(v, "meta"));
    assert_null(json_get_str(v, STR("list\0")));
    assert_non_null(json_get_str(v, STR("list")));
    assert_int_equal(json_int_at(v, "metadata.n", 1), 7);
    assert_int_equal(json_int_at(v, "metadata.f", 1), 1);
    assert_int_equal(json_int_at(v, "metadata.big", 2), 2);
    assert_false(json_int(json_path(v, "metadata.name"), &n));
    assert_true(json_bool_at(v, "metadata.t", false));
    assert_true(json_bool_at(v, "metadata.name", true));
    assert_true(json_is_number(json_path(v, "metadata.f")));
    assert_false(json_is_string(json_path(v, "metadata.f")));
    arena_free(&a);
}

static void edits(void **state)
{
    struct arena a = {0};
    cJSON *o = json_object(&a), *list = json_array(&a);
    json_set_str(&a, o, "b", STR("1"));
    json_set_int(&a, o, "a", INT64_MIN);
    json_set(&a, o, STR("list"), list);
    json_append(list, json_bool_new(&a, true));
    json_append(list, json_null(&a));
    json_append(list, json_str(&a, STR("x\0y")));
    check_text(o, "{\"b\":\"1\",\"a\":-9223372036854775808,\"list\":[true,null,\"x\\u0000y\"]}");
    json_set_bool(&a, o, "b", false); /* in its place */
    check_text(o, "{\"b\":false,\"a\":-9223372036854775808,\"list\":[true,null,\"x\\u0000y\"]}");
    json_set_int(&a, o, "list", 3);
    check_text(o, "{\"b\":false,\"a\":-9223372036854775808,\"list\":3}");
    assert_true(json_unset(o, STR("b")));
    assert_false(json_unset(o, STR("b")));
    json_set_int(&a, o, "c", 4);
    check_text(o, "{\"a\":-9223372036854775808,\"list\":3,\"c\":4}");
    assert_true(json_unset(o, STR("c")));
    json_set_int(&a, o, "d", 5);
    assert_true(json_unset(o, STR("list")));
    assert_true(json_unset(o, STR("a")));
    assert_true(json_unset(o, STR("d")));
    check_text(o, "{}");
    json_set_int(&a, o, "only", 1);
    json_set_int(&a, o, "only", 2);
    json_set_int(&a, o, "more", 3);
    check_text(o, "{\"only\":2,\"more\":3}");
    cJSON *deep = json_ensure(&a, o, "x.y.z");
    json_set_int(&a, deep, "n", 1);
    assert_ptr_equal(json_ensure(&a, o, "x.y.z"), deep);
    assert_null(json_ensure(&a, o, "only.y"));
    check_text(o, "{\"only\":2,\"more\":3,\"x\":{\"y\":{\"z\":{\"n\":1}}}}");
    cJSON *copy = json_copy(&a, o);
    assert_true(json_equal(copy, o));
    json_set_int(&a, copy, "only", 9);
    assert_false(json_equal(copy, o));
    arena_free(&a);
}

static void equality(void **state)
{
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {
        {"{\"a\":1,\"b\":[1,2]}", "{\"b\":[1,2],\"a\":1}", true},
        {"{\"a\":1}", "{\"a\":1,\"b\":1}", false},
        {"{\"a\":1,\"b\":1}", "{\"a\":1,\"c\":1}", false},
        {"[1,2]", "[2,1]", false},
        {"[1]", "[1,2]", false},
        {"1", "1", true},
        {"-0", "0", true},
        {"1.0", "1", false}, /* numbers are texts */
        {"1", "\"1\"", false},
        {"null", "false", false},
        {"\"a\"", "\"a\"", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena a = {0};
        cJSON *x, *y;
        check_ok(json_parse(&a, str_c(cases[i].a), &x));
        check_ok(json_parse(&a, str_c(cases[i].b), &y));
        assert_int_equal(json_equal(x, y), cases[i].same);
        assert_int_equal(json_equal(y, x), cases[i].same);
        arena_free(&a);
    }
    assert_true(json_equal(NULL, NULL));
}

static void writer_repairs_and_sorts(void **state)
{
    struct buf out = {0};
    json_write_string(&out, STR("a\0\xff\x80z\"\xc3"));
    check_str(buf_str(&out), "\"a\\u0000\xef\xbf\xbd\xef\xbf\xbdz\\\"\xef\xbf\xbd\"");
    buf_clear(&out);
    cJSON number = {.type = cJSON_Number, .valueint = -42, .valuedouble = -42};
    json_write(&out, &number);
    check_str(buf_str(&out), "-42");
    struct arena a = {0};
    cJSON *o = json_object(&a);
    char key[16];
    for (int i = 0; i < 100; i++) { /* more than are sorted on the stack */
        (void)snprintf(key, sizeof(key), "%02d", i * 37 % 100);
        json_set_int(&a, o, key, i * 37 % 100);
    }
    buf_clear(&out);
    json_write(&out, o);
    struct buf want = {0};
    for (int i = 0; i < 100; i++)
        buf_addf(&want, "%s\"%02d\":%d", i ? "," : "{", i, i);
    buf_add_char(&want, '}');
    check_str_eq(buf_str(&out), buf_str(&want));
    struct buf small = {.max = 10};
    json_write(&small, o);
    assert_false(buf_ok(&small));
    assert_int_equal(small.n, 10);
    buf_free(&small);
    buf_free(&out);
    buf_free(&want);
    arena_free(&a);
}

/* Questions about values that are of another kind, or not there at all. */
static void values_of_another_kind(void **state)
{
    (void)state;
    struct arena a = {0};
    cJSON *v;
    struct json_duplicates twice;
    assert_null(json_parse(&a,
                           STR("{\"t\":true,\"f\":false,\"s\":\"true\",\"n\":7,\"big\":1e3,"
                               "\"list\":[1,\"a\",null]}"),
                           &v));
    assert_true(json_bool_at(v, "t", false));
    assert_false(json_bool_at(v, "f", true));
    assert_true(json_bool_at(v, "s", true));
    assert_false(json_bool_at(v, "s", false));
    assert_true(json_bool_at(v, "none.at.all", true));
    assert_int_equal(json_int_at(v, "n", 3), 7);
    assert_int_equal(json_int_at(v, "big", 3), 3);
    assert_int_equal(json_int_at(v, "s", 3), 3);
    assert_int_equal(json_int_at(v, "none", 3), 3);
    assert_true(json_list_has(json_get(v, "list"), STR("a")));
    assert_false(json_list_has(json_get(v, "list"), STR("1")));
    assert_false(json_list_has(NULL, STR("a")));
    assert_false(json_is_number(NULL));
    assert_false(json_is_number(json_get(v, "s")));
    static const struct {
        double number;
        int whole;
        bool ok;
    } numbers[] = {{2, 2, true}, {2.5, 2, false}, {-3, -3, true}};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        const cJSON number = {
            .type = cJSON_Number, .valuedouble = numbers[i].number, .valueint = numbers[i].whole};
        int64_t n;
        assert_true(json_is_number(&number));
        assert_int_equal(json_int(&number, &n), numbers[i].ok);
        if (numbers[i].ok)
            assert_int_equal(n, numbers[i].whole);
    }
    assert_true(json_equal(NULL, NULL));
    assert_false(json_equal(v, NULL));
    assert_false(json_equal(NULL, v));
    assert_null(json_ensure(&a, v, "s"));
    assert_null(json_ensure(&a, v, "s.x"));
    assert_null(
        json_parse_duplicates(&a, STR("{\"a\":1,\"b\":{\"c\":1,\"c\":2},\"a\":3}"), &v, &twice));
    assert_int_equal(twice.n, 2);
    assert_int_equal(json_int_at(v, "a", 0), 3);
    assert_null(json_parse_duplicates(&a, STR("{\"a\":1}"), &v, &twice));
    assert_int_equal(twice.n, 0);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepted_texts),
        cmocka_unit_test(refused_texts),
        cmocka_unit_test(bounds_hold),
        cmocka_unit_test(duplicates_are_found_in_any_size),
        cmocka_unit_test(lookups),
        cmocka_unit_test(edits),
        cmocka_unit_test(equality),
        cmocka_unit_test(values_of_another_kind),
        cmocka_unit_test(writer_repairs_and_sorts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
