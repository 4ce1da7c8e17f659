/* Goal: expressions mean what the language says. Method: tables of expression and printed value or error; the variables are
 * an untyped object, a typed one and a string. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/kubeapi/cel/cel.h"
#include "sim/kubeapi/types/crd_schema.h"

#define OBJECT                                                                                     \
    "{\"name\":\"web\",\"n\":3,\"f\":1.5,\"on\":true,\"none\":null,\"list\":[1,2,3],"              \
    "\"words\":[\"b\",\"a\"],\"map\":{\"k\":\"v\",\"a-b\":7},\"deep\":{\"er\":{\"x\":1}},"         \
    "\"items\":[{\"id\":\"a\",\"v\":1},{\"id\":\"b\",\"v\":2}],\"when\":\"2024-02-29T12:30:45Z\"}"
#define SCHEMA                                                                                     \
    "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"},"                         \
    "\"n\":{\"type\":\"integer\"},\"f\":{\"type\":\"number\"},\"on\":{\"type\":\"boolean\"},"      \
    "\"list\":{\"type\":\"array\",\"items\":{\"type\":\"integer\"}},"                              \
    "\"words\":{\"type\":\"array\",\"x-kubernetes-list-type\":\"set\",\"items\":{\"type\":"        \
    "\"string\"}},"                                                                                \
    "\"map\":{\"type\":\"object\",\"additionalProperties\":{\"x-kubernetes-int-or-string\":true}}" \
    ","                                                                                            \
    "\"items\":{\"type\":\"array\",\"x-kubernetes-list-type\":\"map\",\"x-kubernetes-list-map-"    \
    "keys\":[\"id\"],"                                                                             \
    "\"items\":{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"string\"},\"v\":{\"type\":" \
    "\"integer\"}}}},"                                                                             \
    "\"when\":{\"type\":\"string\",\"format\":\"date-time\"},"                                     \
    "\"a-b\":{\"type\":\"string\"},\"namespace\":{\"type\":\"string\"}}}"

struct fixture {
    struct arena a;
    struct cel_var vars[3];
    struct cel_value values[3];
    struct cel_env env;
};

static cJSON *parse(struct arena *a, const char *text)
{
    cJSON *v = NULL;
    struct err *err = json_parse(a, str_c(text), &v);
    assert_null(err);
    return v;
}

static void fixture_init(struct fixture *f)
{
    const struct crd_schema_options none = {0};
    memset(f, 0, sizeof(*f));
    const struct type *t = crd_schema_compile_part(&none, &f->a, parse(&f->a, SCHEMA));
    f->vars[0] = (struct cel_var){.name = STR("o"), .type = &cel_type_dyn};
    f->vars[1] = (struct cel_var){.name = STR("self"), .type = cel_type_of(&f->a, t, true)};
    f->vars[2] = (struct cel_var){.name = STR("authorizer"), .type = &cel_type_authorizer};
    f->values[0] = cel_of_json(&f->a, NULL, parse(&f->a, OBJECT));
    f->values[1] = cel_of_json(&f->a, t, parse(&f->a, OBJECT));
    f->values[2] = cel_authorizer_value();
    f->env = (struct cel_env){f->vars, 3};
}

static bool allowed(void *owner, const struct cel_check *check, struct str *reason)
{
    *reason = STR("because");
    return str_eq_c(check->verb, "get") && str_eq_c(check->resource, "pods") &&
           str_eq_c(check->ns, "default");
}

/* The value's text, "error: ..." or "compile: ..." */
static struct str result_of(struct fixture *f, const char *text, uint64_t cost_max)
{
    struct cel_program *p = NULL;
    struct buf b = {0};
    const struct cel_authorizer authorizer = {allowed, NULL};
    struct err *err = cel_compile(&f->a, &f->env, str_c(text), &p);
    if (err) {
        struct str s = arena_printf(&f->a, "compile: %s", err->message);
        err_free(err);
        return s;
    }
    struct cel_run *run = ARENA_NEW(&f->a, struct cel_run);
    run->a = &f->a;
    run->vars = f->values;
    run->authorizer = &authorizer;
    run->cost_max = cost_max;
    struct cel_value v = cel_eval(run, p);
    cel_value_print(&v, &f->a, &b);
    struct str s = arena_str(&f->a, buf_str(&b));
    buf_free(&b);
    return s;
}

struct row {
    const char *text, *result;
};

static void check_rows(const struct row *rows, size_t n)
{
    struct fixture f;
    size_t wrong = 0;
    fixture_init(&f);
    for (size_t i = 0; i < n; i++) {
        struct str got = result_of(&f, rows[i].text, CEL_CALL_COST);
        if (str_eq_c(got, rows[i].result))
            continue;
        print_error("%s\n  want %s\n  got  " STR_FMT "\n", rows[i].text, rows[i].result,
                    STR_ARG(got));
        wrong++;
    }
    arena_free(&f.a);
    assert_int_equal(wrong, 0);
}

static const struct row operator_rows[] = {
    {"1", "1"},
    {"-1", "-1"},
    {"- 1", "-1"},
    {"--1", "1"},
    {"0x1f", "31"},
    {"-0x10", "-16"},
    {"7u", "7u"},
    {"0xffu", "255u"},
    {"1.5", "1.5"},
    {".5", "0.5"},
    {"1e3", "1000"},
    {"1.0e-7", "1e-07"},
    {"1e21", "1e+21"},
    {"-9223372036854775808", "-9223372036854775808"},
    {"'a'", "\"a\""},
    {"\"a\\n\\x41\\u00e9\\U0001F600\\101\"", "\"a\\nA\xc3\xa9\xf0\x9f\x98\x80\x41\""},
    {"r'\\n'", "\"\\\\n\""},
    {"'''a\nb'''", "\"a\\nb\""},
    {"b'ab'", "b\"ab\""},
    {"true", "true"},
    {"null", "null"},
    {"[1, 2,]", "[1, 2]"},
    {"[]", "[]"},
    {"{'a': 1, 'b': 2}", "{\"a\": 1, \"b\": 2}"},
    {"{}", "{}"},
    {"1 + 2 * 3", "7"},
    {"(1 + 2) * 3", "9"},
    {"10 - 3 - 2", "5"},
    {"7 / 2", "3"},
    {"-7 / 2", "-3"},
    {"7 % 3", "1"},
    {"-7 % 3", "-1"},
    {"7.0 / 2.0", "3.5"},
    {"1.0 / 0.0", "+Inf"},
    {"1 / 0", "error: division by zero"},
    {"1 % 0", "error: modulus by zero"},
    {"9223372036854775807 + 1", "error: integer overflow"},
    {"-9223372036854775807 - 2", "error: integer overflow"},
    {"9223372036854775807 * 2", "error: integer overflow"},
    {"-(-9223372036854775808)", "error: integer overflow"},
    {"0u - 1u", "error: unsigned integer overflow"},
    {"'a' + 'b'", "\"ab\""},
    {"[1] + [2]", "[1, 2]"},
    {"b'a' + b'b'", "b\"ab\""},
    {"1 < 2", "true"},
    {"1 < 1.5", "true"},
    {"2u > 1", "true"},
    {"1.0 >= 1u", "true"},
    {"9223372036854775807 < 9.3e18", "true"},
    {"'a' < 'b'", "true"},
    {"false < true", "true"},
    {"1 == 1", "true"},
    {"1 != 2", "true"},
    {"dyn(1) == 1.0", "true"},
    {"dyn(1) == 1u", "true"},
    {"dyn(1) == 'a'", "false"},
    {"[1, 2] == [1, 2]", "true"},
    {"[1, 2] == [2, 1]", "false"},
    {"{'a': 1} == {'a': 1}", "true"},
    {"{'a': 1, 'b': 2} == {'b': 2, 'a': 1}", "true"},
    {"null == null", "true"},
    {"true && false", "false"},
    {"true || false", "true"},
    {"!true", "false"},
    {"!!true", "true"},
    {"false && 1/0 == 1", "false"},
    {"1/0 == 1 && false", "false"},
    {"1/0 == 1 || true", "true"},
    {"true && 1/0 == 1", "error: division by zero"},
    {"true ? 1 : 2", "1"},
    {"false ? 1/0 : 2", "2"},
    {"1 in [1, 2]", "true"},
    {"3 in [1, 2]", "false"},
    {"'a' in {'a': 1}", "true"},
    {"[1, 2][1]", "2"},
    {"[1, 2][2]", "error: index out of bounds: 2"},
    {"{'a': 1}['a']", "1"},
    {"{'a': 1}.a", "1"},
    {"{'a': 1}['b']", "error: no such key: b"},
    {"{1: 'x', 2: 'y'}[2]", "\"y\""},
    {"{'a': 1, 'a': 2}", "error: Failed with repeated key"},
    {"1 // a comment\n + 1", "2"},
    {"type(1) == int", "true"},
    {"type(1u)", "uint"},
    {"type('a') == string", "true"},
    {"type([]) == list", "true"},
    {"type(duration('1s')) == google.protobuf.Duration", "true"},
    {"type(null) == null_type", "true"},
};

static void literals_and_operators(void **state)
{
    check_rows(operator_rows, ARRAY_LEN(operator_rows));
}

static const struct row field_rows[] = {
    {"o.name", "\"web\""},
    {"o.n + 1", "4"},
    {"o.f", "1.5"},
    {"o.deep.er.x", "1"},
    {"o.deep['er'].x", "1"},
    {"o.missing", "error: no such key: missing"},
    {"o.name.x", "error: no such key: x"},
    {"o.none", "null"},
    {"o.none.x", "error: no such key: x"},
    {"has(o.name)", "true"},
    {"has(o.missing)", "false"},
    {"has(o.none)", "true"},
    {"has(o.deep.er)", "true"},
    {"has(o.missing.er)", "error: no such key: missing"},
    {"o.name + 1", "error: no such overload"},
    {"o.list[0]", "1"},
    {"o.map['a-b']", "7"},
    {"o.map.`a-b`", "7"},
    {"self.name.startsWith('w')", "true"},
    {"self.n < 5 && self.f < 2.0", "true"},
    {"has(self.a__dash__b)", "false"},
    {"has(self.__namespace__)", "false"},
    {"self.when > timestamp('2024-01-01T00:00:00Z')", "true"},
    {"self.when.getFullYear()", "2024"},
    {"self.words == ['a', 'b']", "true"}, /* sets have no order */
    {"self.words + ['a', 'c']", "[\"b\", \"a\", \"c\"]"},
    {"self.items + 1", "compile: ERROR: <input>:1:12: found no matching overload for '_+_' "
                       "applied to '(list(object), int)'\n | self.items + 1\n | ...........^"},
    {"self.map['k'] == 'v'", "true"},
    {"self.items[1].v", "2"},
    {"o.list.all(x, x > 0)", "true"},
    {"o.list.all(x, x > 1)", "false"},
    {"o.list.exists(x, x == 2)", "true"},
    {"o.list.exists(x, x == 9)", "false"},
    {"o.list.exists_one(x, x > 2)", "true"},
    {"o.list.existsOne(x, x > 1)", "false"},
    {"o.list.map(x, x * 2)", "[2, 4, 6]"},
    {"o.list.map(x, x > 1, x * 2)", "[4, 6]"},
    {"o.list.filter(x, x != 2)", "[1, 3]"},
    {"o.map.all(k, k.size() > 0)", "true"},
    {"o.map.map(k, k)", "[\"k\", \"a-b\"]"},
    {"o.items.map(i, i.id)", "[\"a\", \"b\"]"},
    {"o.items.exists(i, i.v == 2 && i.id == 'b')", "true"},
    {"o.list.all(x, o.list.exists(y, y == x))", "true"},
    {"[[1, 2], [3]].map(x, x.map(y, y + 1))", "[[2, 3], [4]]"},
    {"[1, 2].all(i, v, i < v)", "true"},
    {"{'a': 1}.exists(k, v, k == 'a' && v == 1)", "true"},
    {"{'a': 1}.existsOne(k, v, v == 1)", "true"},
    {"[5, 6].transformList(i, v, i * v)", "[0, 6]"},
    {"[5, 6].transformList(i, v, i > 0, v)", "[6]"},
    {"{'a': 1}.transformMap(k, v, v + 1)", "{\"a\": 2}"},
    {"{'a': 'b'}.transformMapEntry(k, v, {v: k})", "{\"b\": \"a\"}"},
    {"[0, 1].exists(x, 1 / x == 1)", "true"},
    {"[0, 2].exists(x, 1 / x == 1)", "error: division by zero"},
    {"[0, 1].all(x, 1 / x == 9)", "false"},
    {"[0].map(x, 1 / x)", "error: division by zero"},
    {"o.?name", "optional.of(\"web\")"},
    {"o.?missing", "optional.none()"},
    {"o.?missing.orValue('x')", "\"x\""},
    {"o.?missing.deeper.orValue(3)", "3"},
    {"o.?deep.er.x.orValue(3)", "1"},
    {"o.list[?9].orValue(0)", "0"},
    {"o.list[?1].value()", "2"},
    {"o.map[?'zz'].hasValue()", "false"},
    {"optional.of(1).or(optional.of(2)).value()", "1"},
    {"optional.none().or(optional.of(2)).value()", "2"},
    {"optional.none().value()", "error: optional.none() dereference"},
    {"optional.ofNonZeroValue('').hasValue()", "false"},
    {"optional.ofNonZeroValue(5).hasValue()", "true"},
    {"optional.of(1).optMap(x, x + 1)", "optional.of(2)"},
    {"optional.none().optMap(x, x + 1)", "optional.none()"},
    {"optional.of(1).optFlatMap(x, optional.of(x + 5))", "optional.of(6)"},
    {"[?o.?name, ?o.?missing, 'z']", "[\"web\", \"z\"]"},
    {"{?'a': o.?name, ?'b': o.?missing}", "{\"a\": \"web\"}"},
    {"has(o.?deep.er)", "true"},
    {"self.?name.orValue('d')", "\"web\""},
    {"authorizer.group('').resource('pods').namespace('default').check('get').allowed()", "true"},
    {"authorizer.group('').resource('pods').check('get').allowed()", "false"},
    {"authorizer.path('/healthz').check('get').allowed()", "false"},
    {"authorizer.group('').resource('pods').check('get').reason()", "\"because\""},
    {"authorizer.serviceAccount('n', "
     "'a').group('').resource('pods').namespace('default').check('get').allowed()",
     "true"},
};

static void fields_and_loops(void **state)
{
    check_rows(field_rows, ARRAY_LEN(field_rows));
}

static const struct row function_rows[] = {
    {"size('h\xc3\xa9')", "2"},
    {"'abc'.size()", "3"},
    {"size(b'h\xc3\xa9')", "3"},
    {"[1, 2].size()", "2"},
    {"size({'a': 1})", "1"},
    {"'hello'.contains('ell')", "true"},
    {"'hello'.endsWith('lo')", "true"},
    {"'hello'.matches('^h.*o$')", "true"},
    {"matches('x', '[0-9]+')", "false"},
    {"int('42')", "42"},
    {"int(4.9)", "4"},
    {"int(-4.9)", "-4"},
    {"int(1e30)", "error: integer overflow"},
    {"int(timestamp('1970-01-01T00:01:00Z'))", "60"},
    {"uint(5)", "5u"},
    {"uint(-1)", "error: unsigned integer overflow"},
    {"double('1.25')", "1.25"},
    {"double(3)", "3"},
    {"string(1)", "\"1\""},
    {"string(1u)", "\"1\""},
    {"string(1.5)", "\"1.5\""},
    {"string(0.1)", "\"0.1\""},
    {"string(true)", "\"true\""},
    {"string(b'abc')", "\"abc\""},
    {"string(b'\\xff')", "error: invalid UTF-8 in bytes, cannot convert to string"},
    {"string(duration('1h30m'))", "\"5400s\""},
    {"string(duration('1.5s'))", "\"1.5s\""},
    {"string(timestamp('2024-01-01T00:00:00.5Z'))", "\"2024-01-01T00:00:00.5Z\""},
    {"bytes('a')", "b\"a\""},
    {"bool('true')", "true"},
    {"bool(dyn('maybe'))", "error: strconv.ParseBool: parsing \"maybe\": invalid syntax"},
    {"duration('1h') > duration('59m')", "true"},
    {"duration('1h') + duration('1m')", "3660s"},
    {"duration('90s').getMinutes()", "1"},
    {"duration('90s').getMilliseconds()", "90000"},
    {"timestamp('2024-02-28T23:00:00Z') + duration('1h')", "2024-02-29T00:00:00Z"},
    {"timestamp('2024-01-02T00:00:00Z') - timestamp('2024-01-01T00:00:00Z')", "86400s"},
    {"timestamp('2024-02-29T12:30:45.25Z').getMilliseconds()", "250"},
    {"timestamp('2024-02-29T12:30:45Z').getDayOfYear()", "59"},
    {"timestamp('2024-02-29T12:30:45Z').getDayOfWeek()", "4"},
    {"timestamp('2024-02-29T12:30:45Z').getDayOfMonth()", "28"},
    {"timestamp('2024-02-29T12:30:45Z').getDate()", "29"},
    {"timestamp('2024-02-29T12:30:45Z').getMonth()", "1"},
    {"timestamp('2024-02-29T23:30:45Z').getHours('+02:00')", "1"},
    {"timestamp('2024-02-29T23:30:45Z').getHours('-02:00')", "21"},
    {"timestamp('2000-02-29T00:00:00Z').getDate()", "29"},
    {"timestamp('2024-02-29T12:30:45+02:00')", "2024-02-29T10:30:45Z"},
    {"timestamp(0)", "1970-01-01T00:00:00Z"},
    {"timestamp('9999-12-31T23:59:59Z') + duration('1s')", "error: timestamp overflow"},
    {"timestamp('2024-02-29T12:30:45Z').getHours('Mars/Olympus')",
     "error: unknown time zone Mars/Olympus"},
    {"timestamp('2024-07-01T12:00:00Z').getHours('America/New_York')", "8"},
    {"timestamp('2024-01-01T12:00:00Z').getHours('America/New_York')", "7"},
    {"timestamp('2024-01-01T20:00:00Z').getDayOfWeek('Asia/Tokyo')", "2"},
    {"[optional.of(1), optional.none(), optional.of(3)].unwrapOpt()", "[1, 3]"},
    {"optional.unwrap([optional.of(1)])", "[1]"},
    {"[1, 2].first().value() + [1, 2].last().value()", "3"},
    {"[].first().hasValue()", "false"},
    {"'hello'.charAt(1)", "\"e\""},
    {"'hello'.charAt(5)", "\"\""},
    {"'hello'.charAt(6)", "error: index out of range: 6"},
    {"'hello'.indexOf('l')", "2"},
    {"'hello'.indexOf('l', 3)", "3"},
    {"'hello'.lastIndexOf('l')", "3"},
    {"'hello'.lastIndexOf('l', 2)", "2"},
    {"'hello'.indexOf('z')", "-1"},
    {"'Hi'.lowerAscii() + 'Hi'.upperAscii()", "\"hiHI\""},
    {"'aaa'.replace('a', 'b')", "\"bbb\""},
    {"'aaa'.replace('a', 'b', 2)", "\"bba\""},
    {"'ab'.replace('', '-')", "\"-a-b-\""},
    {"'\xc3\xa4\xc3\xb6'.replace('', '-')", "\"-\xc3\xa4-\xc3\xb6-\""},
    {"'az'.upperAscii() + 'AZ'.lowerAscii()", "\"AZaz\""},
    {"'a,b,c'.split(',')", "[\"a\", \"b\", \"c\"]"},
    {"'a,b,c'.split(',', 2)", "[\"a\", \"b,c\"]"},
    {"'a,b'.split(',', 0)", "[]"},
    {"'abc'.split('')", "[\"a\", \"b\", \"c\"]"},
    {"['a', 'b'].join()", "\"ab\""},
    {"['a', 'b'].join('-')", "\"a-b\""},
    {"'hello'.substring(1)", "\"ello\""},
    {"'hello'.substring(1, 3)", "\"el\""},
    {"'hello'.substring(3, 1)", "error: invalid substring range. start: 3, end: 1"},
    {"'  a b\\t'.trim()", "\"a b\""},
    {"strings.quote('a\"b\\n')", "\"\\\"a\\\\\\\"b\\\\n\\\"\""},
    {"'%s is %d, %.2f, %x %X %b %o %e %%'.format(['a', 3, 1.5, 255, 255, 5, 8, 1234.5])",
     "\"a is 3, 1.50, ff FF 101 10 1.234500e+03 %\""},
    {"'%s'.format([[dyn(1), 'a', {'k': 2.5, 'a': 1.0}]])", "\"[1, a, {a: 1, k: 2.5}]\""},
    {"'%z'.format([1])", "error: unrecognized formatting clause \"z\""},
    {"'%s'.format([])", "error: index 0 out of range"},
    {"'abc 123 45'.find('[0-9]+')", "\"123\""},
    {"'abc'.find('[0-9]+')", "\"\""},
    {"'1 22 333'.findAll('[0-9]+')", "[\"1\", \"22\", \"333\"]"},
    {"'1 22 333'.findAll('[0-9]+', 2)", "[\"1\", \"22\"]"},
    {"[1, 2, 3].isSorted()", "true"},
    {"[2, 1].isSorted()", "false"},
    {"[1, 1, 2].isSorted()", "true"},
    {"[duration('1s')].filter(x, false).sum()", "0s"},
    {"sets.equivalent([1, 2], [1])", "false"},
    {"[1, 2, 3].sum()", "6"},
    {"[1.5, 2.5].sum()", "4"},
    {"[3, 1, 2].min()", "1"},
    {"[3, 1, 2].max()", "3"},
    {"['b', 'a'].min()", "\"a\""},
    {"[1, 2, 1].indexOf(1)", "0"},
    {"[1, 2, 1].lastIndexOf(1)", "2"},
    {"[1].indexOf(9)", "-1"},
    {"sets.contains([1, 2, 3], [2])", "true"},
    {"sets.contains([1], [2])", "false"},
    {"sets.equivalent([1, 2, 2], [2, 1])", "true"},
    {"sets.intersects([1, 2], [2, 3])", "true"},
    {"quantity('1Gi').isGreaterThan(quantity('1G'))", "true"},
    {"quantity('500m').add(quantity('0.5'))", "1"},
    {"quantity('1').sub(3)", "-2"},
    {"quantity('0').add(quantity('1Gi'))", "1Gi"},
    {"quantity('10').asInteger()", "10"},
    {"quantity('1.5').isInteger()", "false"},
    {"quantity('1.5').asApproximateFloat()", "1.5"},
    {"quantity('2').compareTo(quantity('3'))", "-1"},
    {"quantity('-2').sign()", "-1"},
    {"quantity('1000m') == quantity('1')", "true"},
    {"isQuantity('12Zi')", "false"},
    {"isQuantity('12Ki')", "true"},
    {"quantity('x')", "error: quantities must match the regular expression "
                      "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"},
    {"url('https://user@example.com:8080/a/b?x=1&x=2&y=%20').getHost()", "\"example.com:8080\""},
    {"url('https://example.com:8080/a').getHostname()", "\"example.com\""},
    {"url('https://[::1]:80/a').getPort()", "\"80\""},
    {"url('https://[::1]:80/a').getHostname()", "\"::1\""},
    {"url('https://e.com/a/b').getEscapedPath()", "\"/a/b\""},
    {"url('https://e.com/?x=1&x=2&y=%20').getQuery()", "{\"x\": [\"1\", \"2\"], \"y\": [\" \"]}"},
    {"isURL('/path')", "true"},
    {"isURL('not a url')", "false"},
    {"ip('127.0.0.1').isLoopback()", "true"},
    {"ip('::1').family()", "6"},
    {"string(ip('2001:db8:0:0:0:0:0:1'))", "\"2001:db8::1\""},
    {"ip('10.0.0.1') == ip('10.0.0.1')", "true"},
    {"isIP('1.2.3')", "false"},
    {"isIP('::ffff:1.2.3.4')", "false"},
    {"ip.isCanonical('2001:DB8::1')", "false"},
    {"ip('fe80::1').isLinkLocalUnicast()", "true"},
    {"ip('8.8.8.8').isGlobalUnicast()", "true"},
    {"ip('0.0.0.0').isUnspecified()", "true"},
    {"cidr('10.0.0.0/8').containsIP('10.1.2.3')", "true"},
    {"cidr('10.0.0.0/8').containsIP(ip('11.1.2.3'))", "false"},
    {"cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16')", "true"},
    {"cidr('10.0.0.0/8').containsCIDR(cidr('0.0.0.0/0'))", "false"},
    {"cidr('10.1.2.3/8').masked()", "10.0.0.0/8"},
    {"cidr('10.1.2.3/8').prefixLength()", "8"},
    {"cidr('10.1.2.3/8').ip()", "10.1.2.3"},
    {"isCIDR('10.0.0.0/33')", "false"},
    {"format.dns1123Label().validate('ok-name')", "optional.none()"},
    {"format.dns1123Label().validate('Not OK').hasValue()", "true"},
    {"format.named('uuid').value().validate('x').hasValue()", "true"},
    {"format.named('nope').hasValue()", "false"},
    {"semver('1.2.3').isLessThan(semver('1.10.0'))", "true"},
    {"semver('1.0.0-rc.1').compareTo(semver('1.0.0'))", "-1"},
    {"semver('1.2.3').minor()", "2"},
    {"isSemver('v1.2')", "false"},
    {"isSemver('v1.2', true)", "true"},
};

static void functions(void **state)
{
    check_rows(function_rows, ARRAY_LEN(function_rows));
}

static void refusals(void **state)
{
    static const struct row rows[] = {
        {"self.nope",
         "compile: ERROR: <input>:1:5: undefined field 'nope'\n | self.nope\n | ....^"},
        {"self.namespace == ''", "compile: ERROR: <input>:1:5: undefined field 'namespace'\n | "
                                 "self.namespace == ''\n | ....^"},
        {"nope", "compile: ERROR: <input>:1:1: undeclared reference to 'nope' (in container '')\n "
                 "| nope\n | ^"},
        {"1 + nope.x", "compile: ERROR: <input>:1:5: undeclared reference to 'nope' (in container "
                       "'')\n | 1 + nope.x\n | ....^"},
        {"fly(1)", "compile: ERROR: <input>:1:4: undeclared reference to 'fly' (in container '')\n "
                   "| fly(1)\n | ...^"},
        {"'a'.reverse()", "compile: ERROR: <input>:1:12: undeclared reference to 'reverse' (in "
                          "container '')\n | 'a'.reverse()\n | ...........^"},
        {"math.greatest(1, 2)",
         "compile: ERROR: <input>:1:1: undeclared reference to 'math' (in container '')\n | "
         "math.greatest(1, 2)\n | ^\nERROR: <input>:1:14: undeclared reference to 'greatest' (in "
         "container '')\n | math.greatest(1, 2)\n | .............^"},
        {"1 + 'a'", "compile: ERROR: <input>:1:3: found no matching overload for '_+_' applied to "
                    "'(int, string)'\n | 1 + 'a'\n | ..^"},
        {"1 == 'a'", "compile: ERROR: <input>:1:3: found no matching overload for '_==_' applied "
                     "to '(int, string)'\n | 1 == 'a'\n | ..^"},
        {"'a'.startsWith(1)",
         "compile: ERROR: <input>:1:15: found no matching overload for 'startsWith' applied to "
         "'string.(int)'\n | 'a'.startsWith(1)\n | ..............^"},
        {"self.list.all(x, x)", "compile: ERROR: <input>:1:18: expected type 'bool' but found "
                                "'int'\n | self.list.all(x, x)\n | .................^"},
        {"self.n.all(x, true)",
         "compile: ERROR: <input>:1:5: expression of type 'int' cannot be range of a comprehension "
         "(must be list, map, or dynamic)\n | self.n.all(x, true)\n | ....^"},
        {"[1, 'a']", "compile: ERROR: <input>:1:5: expected type 'int' but found 'string'\n | [1, "
                     "'a']\n | ....^"},
        {"self.n.x", "compile: ERROR: <input>:1:7: type 'int' does not support field selection\n | "
                     "self.n.x\n | ......^"},
        {"1 +", "compile: ERROR: <input>:1:4: Syntax error: mismatched input '<EOF>' expecting "
                "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, "
                "NUM_UINT, STRING, BYTES, IDENTIFIER}\n | 1 +\n | ...^"},
        {"1 2", "compile: ERROR: <input>:1:3: Syntax error: extraneous input '2' expecting <EOF>\n "
                "| 1 2\n | ..^"},
        {"(1", "compile: ERROR: <input>:1:3: Syntax error: mismatched input '<EOF>' expecting "
               "')'\n | (1\n | ..^"},
        {"a # b", "compile: ERROR: <input>:1:3: Syntax error: token recognition error at: '#'\n | "
                  "a # b\n | ..^"},
        {"if", "compile: ERROR: <input>:1:1: reserved identifier: if\n | if\n | ^"},
        {"has(o)",
         "compile: ERROR: <input>:1:5: invalid argument to has() macro\n | has(o)\n | ....^"},
        {"[1].all(1, true)", "compile: ERROR: <input>:1:9: argument must be a simple name\n | "
                             "[1].all(1, true)\n | ........^"},
        {"99999999999999999999", "compile: ERROR: <input>:1:1: Syntax error: invalid int literal\n "
                                 "| 99999999999999999999\n | ^"},
        {"1e999",
         "compile: ERROR: <input>:1:1: Syntax error: invalid double literal\n | 1e999\n | ^"},
        {"duration('x')", "compile: ERROR: <input>:1:10: invalid duration argument\n | "
                          "duration('x')\n | .........^"},
        {"'a'.matches('(')", "compile: ERROR: <input>:1:13: invalid matches argument\n | "
                             "'a'.matches('(')\n | ............^"},
        {"true &&\n  nope", "compile: ERROR: <input>:2:3: undeclared reference to 'nope' (in "
                            "container '')\n |   nope\n | ..^"},
        {"'\xc3\xa9' + nope", "compile: ERROR: <input>:1:7: undeclared reference to 'nope' (in "
                              "container '')\n | '\xc3\xa9' + nope\n | .\xef\xbc\x8e....^"},
        {"x + y", "compile: ERROR: <input>:1:1: undeclared reference to 'x' (in container '')\n | "
                  "x + y\n | ^\nERROR: <input>:1:5: undeclared reference to 'y' (in container "
                  "'')\n | x + y\n | ....^"},
        {"Foo{a: 1}", "compile: ERROR: <input>:1:4: undeclared reference to 'Foo' (in container "
                      "'')\n | Foo{a: 1}\n | ...^"},
    };
    check_rows(rows, ARRAY_LEN(rows));
}

static void budgets(void **state)
{
    struct fixture f;
    fixture_init(&f);
    assert_true(str_eq_c(result_of(&f, "o.list.map(x, o.list.map(y, x * y))", 20),
                         "error: " CEL_OVER_BUDGET));
    assert_true(
        str_eq_c(result_of(&f, "false || o.list.all(x, true)", 5), "error: " CEL_OVER_BUDGET));
    /* doubling a text would take memory without bounds; it costs by its size */
    struct buf b = {0};
    buf_add_c(&b, "[0]");
    for (int i = 0; i < 8; i++)
        buf_add_c(&b, ".map(x, [x,x,x,x,x,x,x,x,x,x]).map(y, string(y) + string(y) + string(y))");
    struct str got = result_of(&f, buf_c(&b), CEL_CALL_COST);
    assert_true(str_starts(got, STR("compile: ")) || str_starts(got, STR("error: ")));
    buf_clear(&b);
    for (int i = 0; i < 2000; i++)
        buf_add_c(&b, "(");
    assert_true(str_find(result_of(&f, buf_c(&b), 10), STR("recursion limit")) > 0);
    buf_clear(&b);
    for (int i = 0; i < 30000; i++)
        buf_add_c(&b, "1+");
    assert_true(str_find(result_of(&f, buf_c(&b), 10), STR("recursion limit")) > 0);
    buf_free(&b);
    arena_free(&f.a);
}

/* The least budget that an expression comes through with. */
static uint64_t cost_of(struct fixture *f, const char *text)
{
    uint64_t cost = 0;
    while (cost < 100 && str_eq_c(result_of(f, text, cost), "error: " CEL_OVER_BUDGET))
        cost++;
    return cost;
}

static void costs(void **state)
{
    static const struct {
        const char *text;
        uint64_t cost;
    } rows[] = {
        {"9 in o.list", 5},
        {"sets.contains(o.list, o.list)", 14},
        {"sets.equivalent(o.list, o.list)", 23},
        {"o.name.matches('12345')", 4},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture f;
        fixture_init(&f);
        uint64_t cost = cost_of(&f, rows[i].text);
        if (cost != rows[i].cost)
            fail_msg("%s costs %llu", rows[i].text, (unsigned long long)cost);
        arena_free(&f.a);
    }
}

/* Variables that are made of variables are evaluated once, at the first look. */
static void records(void **state)
{
    struct fixture f;
    struct cel_field fields[2] = {{.name = STR("a")}, {.name = STR("b")}};
    struct cel_program *p = NULL;
    fixture_init(&f);
    f.vars[2] = (struct cel_var){.name = STR("variables"), .fields = fields};
    struct err *err = cel_compile(&f.a, &f.env, STR("o.n * 2"), &p);
    assert_null(err);
    fields[0].program = p;
    f.vars[2].fields_n = 1;
    err = cel_compile(&f.a, &f.env, STR("[1, 2].map(x, variables.a + x)"), &p);
    assert_null(err);
    fields[1].program = p;
    f.vars[2].fields_n = 2;
    f.values[2] = cel_record(&f.a, fields, 2);
    assert_true(str_eq_c(result_of(&f, "[10].map(x, variables.b[1] + x)", 1000), "[18]"));
    assert_true(str_find(result_of(&f, "variables.c", 1000), STR("undefined field 'c'")) > 0);
    arena_free(&f.a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literals_and_operators),
        cmocka_unit_test(fields_and_loops),
        cmocka_unit_test(functions),
        cmocka_unit_test(refusals),
        cmocka_unit_test(budgets),
        cmocka_unit_test(costs),
        cmocka_unit_test(records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
