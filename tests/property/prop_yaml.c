/* Goal: JSON is YAML: a canonical JSON text without exotic characters loads to the same value; no mutation of a document
 * makes the loader crash or leak, and every error has a position inside of the text.
 * Method: random JSON trees; documents of every construct, mutated. */
#include "tests/property/support/seed.h"

#include "engine/base/yaml.h"

static cJSON *any_value(struct rng *r, struct arena *a, unsigned depth)
{
    static const char *const texts[] = {"a",    "x y", "true",     "1", "~", "- z",
                                        "k: v", "",    "\xc3\xa9", "'", "#"};
    size_t kind = draw(r, depth < 4 ? 6 : 4);
    if (kind == 0)
        return json_null(a);
    if (kind == 1)
        return json_bool_new(a, rng_chance(r, 500000));
    if (kind == 2)
        return json_int_new(a, (int64_t)(rng_u64(r) >> draw(r, 64)));
    if (kind == 3)
        return json_str(a, str_c(texts[draw(r, ARRAY_LEN(texts))]));
    cJSON *v = kind == 4 ? json_array(a) : json_object(a);
    for (size_t n = draw(r, 6); n > 0; n--) {
        cJSON *child = any_value(r, a, depth + 1);
        if (kind == 4)
            json_append(v, child);
        else
            json_set(a, v, str_c(texts[draw(r, ARRAY_LEN(texts))]), child);
    }
    return v;
}

static void try_json(struct rng *r)
{
    for (int round = 0; round < 60; round++) {
        struct arena a = {0};
        struct buf text = {0};
        struct yaml_node *n;
        cJSON *v = any_value(r, &a, 0);
        json_write_ordered(&text, v);
        check_ok(yaml_parse(&a, STR("t"), buf_str(&text), &n));
        assert_true(json_equal(v, yaml_to_json(&a, n)));
        buf_free(&text);
        arena_free(&a);
    }
}

static const char document[] = "%YAML 1.2\n"
                               "---\n"
                               "# comment\n"
                               "name: &n dns\n"
                               "same: *n\n"
                               "list: [1, 0x2, 'three', \"f\\u00f6ur\", {five: 5.0}]\n"
                               "block:\n"
                               "  - text: |\n"
                               "      lines\n"
                               "      more\n"
                               "  - folded: >-\n"
                               "      a\n"
                               "      b\n"
                               "  - &m {k: ~}\n"
                               "  - *m\n"
                               "\xc3\xa9\xe2\x82\xac: \xf0\x9f\x98\x80\n"
                               "...\n";

static uint32_t lines_of(struct str text)
{
    uint32_t lines = 1;
    for (size_t i = 0; i < text.n; i++)
        lines += text.p[i] == '\n' || text.p[i] == '\r';
    return lines;
}

static void try_mutations(struct rng *r)
{
    static const char alphabet[] = "{}[]:,&*!|>-?%@`'\"#\n\r \tmn~0\xc3\xff\x01\\";
    for (int round = 0; round < 300; round++) {
        struct arena a = {0};
        struct buf text = {0};
        struct yaml_node **docs;
        size_t n;
        buf_add_c(&text, document);
        for (size_t k = 1 + draw(r, 6); k > 0; k--)
            text.p[draw(r, text.n)] = alphabet[draw(r, sizeof(alphabet) - 1)];
        struct str exact = str_dup(str_sub(buf_str(&text), 0, 1 + draw(r, text.n)));
        struct err *err = yaml_parse_all(&a, STR("t"), exact, &docs, &n);
        if (err)
            assert_in_range(err->line, 1, lines_of(exact));
        else
            for (size_t i = 0; i < n; i++)
                (void)yaml_to_json(&a, docs[i]);
        err_free(err);
        str_free(&exact);
        buf_free(&text);
        arena_free(&a);
    }
}

static void json_is_yaml(void **state)
{
    each_seed(20, try_json);
}

static void mutations_are_harmless(void **state)
{
    each_seed(20, try_mutations);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_yaml),
        cmocka_unit_test(mutations_are_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
