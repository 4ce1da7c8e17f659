/* Goal: what editors and readers get from the tables is right: the JSON Schema is JSON that accepts what the loader
 * accepts, REFERENCE.md is the tables'.
 * Method: a small validator of the keywords that we use, over the good fixtures; REFERENCE.md byte by byte. */
#include "tests/unit/support/check.h"

#include "engine/base/json.h"
#include "engine/base/yaml.h"
#include "sim/scenario/language/scenario.h"

#include <regex.h>
#include <stdlib.h>

#define README    "sim/scenario/README.md"
#define REFERENCE "sim/scenario/REFERENCE.md"

static void read_file(const char *path, struct buf *out)
{
    char block[4096];
    size_t n;
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    while ((n = fread(block, 1, sizeof(block), f)) > 0)
        buf_add(out, (struct str){block, n});
    (void)fclose(f);
}

/* ---- a validator for the keywords that the schema uses ---- */

static bool accepts(const cJSON *root, const cJSON *schema, const cJSON *v);

static bool has_type(const cJSON *v, struct str type)
{
    if (str_eq_c(type, "object"))
        return cJSON_IsObject(v);
    if (str_eq_c(type, "array"))
        return cJSON_IsArray(v);
    if (str_eq_c(type, "string"))
        return json_is_string(v);
    if (str_eq_c(type, "boolean"))
        return cJSON_IsBool(v);
    int64_t i;
    return str_eq_c(type, "number") ? json_is_number(v)
                                    : str_eq_c(type, "integer") && json_int(v, &i);
}

static bool type_fits(const cJSON *type, const cJSON *v)
{
    if (!cJSON_IsArray(type))
        return has_type(v, json_string(type));
    for (const cJSON *t = type->child; t; t = t->next)
        if (has_type(v, json_string(t)))
            return true;
    return false;
}

static size_t count_accepting(const cJSON *root, const cJSON *list, const cJSON *v)
{
    size_t n = 0;
    for (const cJSON *s = list->child; s; s = s->next)
        n += accepts(root, s, v);
    return n;
}

static bool properties_fit(const cJSON *root, const cJSON *schema, const cJSON *v)
{
    const cJSON *properties = json_get(schema, "properties");
    const cJSON *further = json_get(schema, "additionalProperties");
    for (const cJSON *f = cJSON_IsObject(v) ? v->child : NULL; f; f = f->next) {
        const cJSON *s = json_get(properties, f->string);
        if (!s && cJSON_IsFalse(further))
            return false;
        if ((s || cJSON_IsObject(further)) && !accepts(root, s ? s : further, f))
            return false;
    }
    const cJSON *required = json_get(schema, "required");
    for (const cJSON *r = required && cJSON_IsObject(v) ? required->child : NULL; r; r = r->next)
        if (!json_get_str(v, json_string(r)))
            return false;
    return true;
}

static bool pattern_fits(const cJSON *pattern, const cJSON *v)
{
    regex_t re;
    if (!json_is_string(v))
        return true;
    assert_int_equal(regcomp(&re, pattern->valuestring, REG_EXTENDED | REG_NOSUB), 0);
    bool fits = regexec(&re, v->valuestring, 0, NULL, 0) == 0;
    regfree(&re);
    return fits;
}

static bool word_fits(const cJSON *schema, const cJSON *v)
{
    const cJSON *words = json_get(schema, "enum"), *word = json_get(schema, "const");
    bool found = !words;
    for (const cJSON *w = words ? words->child : NULL; w; w = w->next)
        found |= json_equal(w, v);
    return found && (!word || json_equal(word, v));
}

static bool accepts(const cJSON *root, const cJSON *schema, const cJSON *v)
{
    struct str ref = json_string(json_get(schema, "$ref"));
    if (ref.n)
        return accepts(root, json_get_str(json_get(root, "$defs"), str_sub(ref, 8, ref.n)), v);
    const cJSON *type = json_get(schema, "type"), *items = json_get(schema, "items");
    const cJSON *any = json_get(schema, "anyOf"), *one = json_get(schema, "oneOf");
    const cJSON *all = json_get(schema, "allOf"), *pattern = json_get(schema, "pattern");
    if ((type && !type_fits(type, v)) || (pattern && !pattern_fits(pattern, v)))
        return false;
    if (!word_fits(schema, v) || !properties_fit(root, schema, v))
        return false;
    for (const cJSON *i = items && cJSON_IsArray(v) ? v->child : NULL; i; i = i->next)
        if (!accepts(root, items, i))
            return false;
    return (!any || count_accepting(root, any, v) > 0) &&
           (!one || count_accepting(root, one, v) == 1) &&
           (!all || count_accepting(root, all, v) == (size_t)cJSON_GetArraySize(all));
}

static bool schema_accepts(struct arena *a, const char *file)
{
    struct buf schema = {0}, text = {0};
    cJSON *root;
    struct yaml_node *tree;
    scenario_schema(&schema);
    check_ok(json_parse(a, buf_str(&schema), &root));
    read_file(file, &text);
    check_ok(yaml_parse(a, str_c(file), buf_str(&text), &tree));
    const cJSON *scenario = json_get(json_get(root, "$defs"), "scenario");
    bool ok = accepts(root, scenario, yaml_to_json(a, tree));
    buf_free(&schema);
    buf_free(&text);
    return ok;
}

static void schema_accepts_good_files(void **state)
{
    struct arena a = {0};
    assert_true(schema_accepts(&a, "fixtures/scenarios/good/dns-failover.yaml"));
    assert_true(schema_accepts(&a, "fixtures/scenarios/good/everything.yaml"));
    arena_free(&a);
}

/* What a schema can see of the mistakes. */
static void schema_refuses_broken_files(void **state)
{
    static const char *const names[] = {"unknown-field", "version", "types", "faults",
                                        "actions",       "steps",   "units", "quoted-numbers"};
    struct arena a = {0};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct str path = arena_printf(&a, "fixtures/scenarios/broken/%s.yaml", names[i]);
        if (schema_accepts(&a, path.p))
            print_error("%s is accepted\n", names[i]);
        assert_false(schema_accepts(&a, path.p));
    }
    arena_free(&a);
}

static void reference_is_current(void **state)
{
    struct buf page = {0}, tables = {0};
    scenario_reference(&tables);
    if (getenv("PADDOCK_GOLDEN_UPDATE")) {
        FILE *f = fopen(REFERENCE, "wb");
        assert_non_null(f);
        (void)fwrite(tables.p, 1, tables.n, f);
        (void)fclose(f);
    }
    read_file(REFERENCE, &page);
    assert_true(str_eq(buf_str(&page), buf_str(&tables)));
    buf_free(&page);
    buf_free(&tables);
}

/* The example on the page is a scenario. */
static void example_is_valid(void **state)
{
    struct buf page = {0}, said = {0};
    read_file(README, &page);
    struct str text = buf_str(&page), head = STR("```yaml\n");
    ptrdiff_t begin = str_find(text, head);
    assert_true(begin > 0);
    text = str_sub(text, (size_t)begin + head.n, text.n);
    text = str_sub(text, 0, (size_t)str_find(text, STR("```")));
    scenario_validate(STR(README), text, NULL, &said);
    check_str(buf_str(&said), "");
    buf_free(&page);
    buf_free(&said);
}

/* Every topic of the help says something, once, and in lines that a terminal holds; all that the loader knows is a topic. */
static void topics(void **state)
{
    static const char *const wanted[] = {"expressions", "faults", "targets", "assert",  "steps",
                                         "actions",     "dns",    "agent",   "palette", "topology",
                                         "policies",    "chaos",  "stages",  "matrix",  "dns.set"};
    struct arena a = {0};
    struct buf text = {0};
    size_t n, found = 0;
    const struct str *all = scenario_topics(&a, &n);
    for (size_t i = 0; i < n; i++) {
        struct str line, rest;
        buf_clear(&text);
        assert_true(scenario_topic(all[i], &text));
        assert_true(text.n > 0 && text.p[text.n - 1] == '\n');
        rest = buf_str(&text);
        for (bool more = true; more && !str_eq_c(all[i], "expressions");) {
            more = str_cut(rest, '\n', &line, &rest);
            if (line.n > 140)
                fail_msg(STR_FMT, STR_ARG(line));
        }
        for (size_t w = 0; w < ARRAY_LEN(wanted); w++)
            found += str_eq_c(all[i], wanted[w]);
    }
    assert_int_equal(found, ARRAY_LEN(wanted));
    buf_clear(&text);
    assert_true(scenario_topic(STR("expressions"), &text));
    assert_true(str_find(buf_str(&text), str_c(expr_grammar)) > 0);
    buf_clear(&text);
    assert_false(scenario_topic(STR("expression"), &text));
    assert_int_equal(text.n, 0);
    buf_free(&text);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schema_accepts_good_files),
        cmocka_unit_test(schema_refuses_broken_files),
        cmocka_unit_test(reference_is_current),
        cmocka_unit_test(example_is_valid),
        cmocka_unit_test(topics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
