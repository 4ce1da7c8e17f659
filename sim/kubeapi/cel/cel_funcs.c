/* The functions of the language itself: operators, conversions, sizes, optionals. */
#include "sim/kubeapi/cel/cel_internal.h"
#include "sim/kubeapi/types/quantity.h"

/* ---- finding ---- */

const struct cel_func *cel_func_find(struct str name, bool member)
{
    static const struct cel_func *const tables[] = {
        cel_funcs_core, cel_funcs_strings, cel_funcs_lists, cel_funcs_time,
        cel_funcs_kube, cel_funcs_net,     cel_funcs_authz};
    for (size_t t = 0; t < ARRAY_LEN(tables); t++)
        for (const struct cel_func *f = tables[t]; f->name; f++)
            if ((f->name[0] == '.') == member && str_eq_c(name, f->name + member))
                return f;
    return NULL;
}

static bool admits(const char **p, const struct cel_value *v)
{
    char c = *(*p)++;
    bool any = c == '*' || c == 'A' || c == 'B';
    for (unsigned inner = c == 'M' ? 2 : c == 'L' || c == 'O'; inner > 0; inner--) {
        char d = *(*p)++;
        inner += d == 'M' ? 2 : d == 'L' || d == 'O';
    }
    return !v || any || v->kind == cel_kind_of_letter(c);
}

bool cel_func_admits(const struct cel_func *f, const struct cel_value *args, size_t n)
{
    for (const char *p = f->sigs; *p;) {
        bool fits = true;
        size_t i = 0;
        for (; *p != ':'; i++)
            fits = admits(&p, i < n && fits ? &args[i] : NULL) && fits;
        if (fits && i == n)
            return true;
        p++;
        (void)admits(&p, NULL);
        p += *p == '|';
    }
    return false;
}

/* ---- arithmetic ---- */

static struct cel_value overflow(struct cel_run *run, const char *what)
{
    return cel_fail(run, "%s overflow", what);
}

static struct cel_value by_zero(struct cel_run *run, char op)
{
    return cel_fail(run, "%s by zero", op == '/' ? "division" : "modulus");
}

static struct cel_value int_op(struct cel_run *run, char op, int64_t x, int64_t y)
{
    int64_t r = 0;
    bool bad = false;
    switch (op) {
    case '+':
        bad = __builtin_add_overflow(x, y, &r);
        break;
    case '-':
        bad = __builtin_sub_overflow(x, y, &r);
        break;
    case '*':
        bad = __builtin_mul_overflow(x, y, &r);
        break;
    default:
        if (y == 0)
            return by_zero(run, op);
        bad = x == INT64_MIN && y == -1;
        if (!bad)
            r = op == '/' ? x / y : x % y;
    }
    return bad ? overflow(run, "integer") : cel_int(r);
}

static struct cel_value uint_op(struct cel_run *run, char op, uint64_t x, uint64_t y)
{
    struct cel_value r = {.kind = CEL_UINT};
    bool bad = false;
    if (op == '+')
        bad = __builtin_add_overflow(x, y, &r.u);
    else if (op == '-')
        bad = __builtin_sub_overflow(x, y, &r.u);
    else if (op == '*')
        bad = __builtin_mul_overflow(x, y, &r.u);
    else if (y == 0)
        return by_zero(run, op);
    else
        r.u = op == '/' ? x / y : x % y;
    return bad ? overflow(run, "unsigned integer") : r;
}

static struct cel_value double_op(char op, double x, double y)
{
    return (struct cel_value){.kind = CEL_DOUBLE,
                              .d = op == '+'   ? x + y
                                   : op == '-' ? x - y
                                   : op == '*' ? x * y
                                               : x / y};
}

static struct cel_value join(struct cel_run *run, struct cel_value x, struct cel_value y)
{
    struct buf b = {0};
    if (!cel_work(run, cel_text_cost(x.s.n + y.s.n)))
        return cel_fail(run, CEL_OVER_BUDGET);
    buf_add(&b, x.s);
    buf_add(&b, y.s);
    struct cel_value v = cel_take(run, &b);
    v.kind = x.kind;
    return v;
}

/* Of the elements of a list that is a set or has keys, the second's replace or follow the first's. */
static bool merge_into(struct cel_run *run, const struct type *t, struct cel_value *items, size_t n,
                       struct cel_value v)
{
    for (size_t i = 0; i < n; i++) {
        bool same = true;
        struct cel_value x, y;
        for (size_t k = 0; (t->flags & TYPE_KEYED) && k < t->list_keys_n && same; k++)
            same = items[i].kind == CEL_MAP && v.kind == CEL_MAP &&
                   cel_map_get(run->a, items[i].map, cel_string(t->list_keys[k]), &x) &&
                   cel_map_get(run->a, v.map, cel_string(t->list_keys[k]), &y) &&
                   cel_equal(run, x, y);
        if (t->flags & TYPE_SET)
            same = cel_equal(run, items[i], v);
        if (same) {
            items[i] = v;
            return true;
        }
    }
    return false;
}

static struct cel_value join_lists(struct cel_run *run, struct cel_list *x, struct cel_list *y)
{
    if (!cel_work(run, x->n + y->n))
        return cel_fail(run, CEL_OVER_BUDGET);
    struct cel_value *items = ARENA_NEW_ARRAY(run->a, struct cel_value, x->n + y->n + 1);
    struct cel_value *p = cel_list_items(run->a, x), *q = cel_list_items(run->a, y);
    const struct type *t = x->schema;
    size_t n = x->n;
    memcpy(items, p, n * sizeof(*p));
    for (size_t i = 0; i < y->n && !run->over; i++)
        if (!t || !(t->flags & (TYPE_SET | TYPE_KEYED)) || !merge_into(run, t, items, x->n, q[i]))
            items[n++] = q[i];
    struct cel_value v = cel_list_new(run->a, items, n);
    v.list->schema = t;
    return v;
}

static struct cel_value time_move(struct cel_run *run, struct cel_time t, int64_t nanos, bool back)
{
    __int128 total = (__int128)t.seconds * 1000000000 + t.nanos;
    total += back ? -(__int128)nanos : (__int128)nanos;
    __int128 seconds = total / 1000000000 - (total % 1000000000 < 0);
    struct cel_value v = {.kind = CEL_TIMESTAMP};
    v.time.seconds = (int64_t)seconds;
    v.time.nanos = (int32_t)(total - seconds * 1000000000);
    return cel_time_valid(v.time) ? v : overflow(run, "timestamp");
}

static struct cel_value duration_of(struct cel_run *run, __int128 nanos)
{
    if (nanos > INT64_MAX || nanos < INT64_MIN)
        return overflow(run, "duration");
    return (struct cel_value){.kind = CEL_DURATION, .i = (int64_t)nanos};
}

static struct cel_value time_op(struct cel_run *run, char op, struct cel_value x,
                                struct cel_value y)
{
    if (x.kind == CEL_DURATION && y.kind == CEL_DURATION)
        return duration_of(run, op == '+' ? (__int128)x.i + y.i : (__int128)x.i - y.i);
    if (y.kind == CEL_DURATION)
        return time_move(run, x.time, y.i, op == '-');
    if (x.kind == CEL_DURATION)
        return time_move(run, y.time, x.i, false);
    return duration_of(run, ((__int128)x.time.seconds - y.time.seconds) * 1000000000 +
                                x.time.nanos - y.time.nanos);
}

static struct cel_value arithmetic(struct cel_run *run, const struct cel_node *node,
                                   struct cel_value *args, size_t n)
{
    char op = (char)node->func->which;
    switch (args[0].kind) {
    case CEL_INT:
        return int_op(run, op, args[0].i, args[1].i);
    case CEL_UINT:
        return uint_op(run, op, args[0].u, args[1].u);
    case CEL_DOUBLE:
        return double_op(op, args[0].d, args[1].d);
    case CEL_STRING:
    case CEL_BYTES:
        return join(run, args[0], args[1]);
    case CEL_LIST:
        return join_lists(run, args[0].list, args[1].list);
    default:
        return time_op(run, op, args[0], args[1]);
    }
}

static struct cel_value negate(struct cel_run *run, const struct cel_node *node,
                               struct cel_value *args, size_t n)
{
    if (args[0].kind == CEL_DOUBLE)
        return (struct cel_value){.kind = CEL_DOUBLE, .d = -args[0].d};
    return int_op(run, '-', 0, args[0].i);
}

static struct cel_value not_(struct cel_run *run, const struct cel_node *node,
                             struct cel_value *args, size_t n)
{
    return cel_bool(!args[0].b);
}

/* ---- comparing ---- */

static struct cel_value order(struct cel_run *run, const struct cel_node *node,
                              struct cel_value *args, size_t n)
{
    int c;
    const char *op = node->func->name + 1; /* "_<=_" */
    if (args[0].kind == CEL_STRING || args[0].kind == CEL_BYTES)
        (void)cel_work(run, cel_text_cost(args[0].s.n < args[1].s.n ? args[0].s.n : args[1].s.n));
    if (!cel_compare(args[0], args[1], &c)) {
        if (cel_numeric(args[0]))
            return cel_fail(run, "NaN values cannot be ordered");
        return cel_no_overload(run);
    }
    return cel_bool((op[0] == '<' && c < 0) || (op[0] == '>' && c > 0) || (op[1] == '=' && c == 0));
}

static struct cel_value equal(struct cel_run *run, const struct cel_node *node,
                              struct cel_value *args, size_t n)
{
    bool same = cel_equal(run, args[0], args[1]);
    return cel_bool(node->func->name[1] == '=' ? same : !same);
}

static struct cel_value in(struct cel_run *run, const struct cel_node *node, struct cel_value *args,
                           size_t n)
{
    struct cel_value found;
    if (args[1].kind == CEL_MAP) {
        (void)cel_work(run, 1);
        return cel_bool(cel_map_get(run->a, args[1].map, args[0], &found));
    }
    struct cel_value *items = cel_list_items(run->a, args[1].list);
    for (size_t i = 0; i < args[1].list->n && !run->over; i++)
        if (cel_equal(run, args[0], items[i]))
            return cel_bool(true);
    return cel_bool(false);
}

static struct cel_value size(struct cel_run *run, const struct cel_node *node,
                             struct cel_value *args, size_t n)
{
    switch (args[0].kind) {
    case CEL_STRING:
        (void)cel_work(run, cel_text_cost(args[0].s.n));
        return cel_int((int64_t)cel_code_points(args[0].s));
    case CEL_BYTES:
        return cel_int((int64_t)args[0].s.n);
    case CEL_LIST:
        return cel_int((int64_t)args[0].list->n);
    default:
        return cel_int((int64_t)cel_map_count(args[0].map));
    }
}

/* ---- conversions ---- */

static struct cel_value to_int(struct cel_run *run, const struct cel_node *node,
                               struct cel_value *args, size_t n)
{
    struct cel_value v = args[0], out = {.kind = CEL_INT};
    if (v.kind == CEL_UINT)
        return v.u > INT64_MAX ? overflow(run, "integer") : cel_int((int64_t)v.u);
    if (v.kind == CEL_DOUBLE) {
        if (!(v.d > -9223372036854775808.0 && v.d < 9223372036854775808.0))
            return overflow(run, "integer");
        return cel_int((int64_t)v.d);
    }
    if (v.kind == CEL_TIMESTAMP)
        return cel_int(v.time.seconds);
    if (v.kind == CEL_STRING && !str_to_i64(v.s, &out.i))
        return cel_fail(run, "strconv.ParseInt: parsing \"" STR_FMT "\": invalid syntax",
                        STR_ARG(v.s));
    return v.kind == CEL_STRING ? out : v;
}

static struct cel_value to_uint(struct cel_run *run, const struct cel_node *node,
                                struct cel_value *args, size_t n)
{
    struct cel_value v = args[0], out = {.kind = CEL_UINT};
    if (v.kind == CEL_INT) {
        out.u = (uint64_t)v.i;
        return v.i < 0 ? overflow(run, "unsigned integer") : out;
    }
    if (v.kind == CEL_DOUBLE) {
        if (!(v.d >= 0 && v.d < 0x1p64))
            return overflow(run, "unsigned integer");
        out.u = (uint64_t)v.d;
        return out;
    }
    if (v.kind == CEL_STRING && !str_to_u64(v.s, &out.u))
        return cel_fail(run, "strconv.ParseUint: parsing \"" STR_FMT "\": invalid syntax",
                        STR_ARG(v.s));
    return v.kind == CEL_STRING ? out : v;
}

static struct cel_value to_double(struct cel_run *run, const struct cel_node *node,
                                  struct cel_value *args, size_t n)
{
    struct cel_value v = args[0], out = {.kind = CEL_DOUBLE};
    bool ok = true;
    out.d = v.kind == CEL_INT      ? (double)v.i
            : v.kind == CEL_UINT   ? (double)v.u
            : v.kind == CEL_STRING ? cel_parse_double(v.s, &ok)
                                   : v.d;
    if (!ok)
        return cel_fail(run, "strconv.ParseFloat: parsing \"" STR_FMT "\": invalid syntax",
                        STR_ARG(v.s));
    return out;
}

static bool is_utf8(struct str s)
{
    for (size_t i = 0; i < s.n;) {
        unsigned char c = (unsigned char)s.p[i];
        size_t more = c < 0x80 ? 0 : c >= 0xc2 && c < 0xe0 ? 1 : c >= 0xe0 && c < 0xf0 ? 2 : 3;
        if (c >= 0xf5 || (c >= 0x80 && c < 0xc2) || i + more >= s.n)
            return false;
        for (i++; more > 0; more--, i++)
            if (((unsigned char)s.p[i] & 0xc0) != 0x80)
                return false;
    }
    return true;
}

static struct cel_value to_string(struct cel_run *run, const struct cel_node *node,
                                  struct cel_value *args, size_t n)
{
    struct cel_value v = args[0];
    struct buf b = {.max = 1 << 20};
    if (v.kind == CEL_STRING || v.kind == CEL_BYTES || v.kind == CEL_URL) {
        (void)cel_work(run, cel_text_cost(v.s.n));
        if (v.kind == CEL_BYTES && !is_utf8(v.s))
            return cel_fail(run, "invalid UTF-8 in bytes, cannot convert to string");
        return cel_string(v.s);
    }
    if (v.kind == CEL_UINT)
        buf_add_u64(&b, v.u);
    else
        cel_value_print(&v, run->a, &b);
    return cel_take(run, &b);
}

static struct cel_value to_bytes(struct cel_run *run, const struct cel_node *node,
                                 struct cel_value *args, size_t n)
{
    args[0].kind = CEL_BYTES;
    return args[0];
}

static struct cel_value to_bool(struct cel_run *run, const struct cel_node *node,
                                struct cel_value *args, size_t n)
{
    static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True"};
    static const char *const no[] = {"0", "f", "F", "false", "FALSE", "False"};
    if (args[0].kind == CEL_BOOL)
        return args[0];
    for (size_t i = 0; i < ARRAY_LEN(yes); i++)
        if (str_eq_c(args[0].s, yes[i]) || str_eq_c(args[0].s, no[i]))
            return cel_bool(str_eq_c(args[0].s, yes[i]));
    return cel_fail(run, "strconv.ParseBool: parsing \"" STR_FMT "\": invalid syntax",
                    STR_ARG(args[0].s));
}

static struct cel_value to_timestamp(struct cel_run *run, const struct cel_node *node,
                                     struct cel_value *args, size_t n)
{
    struct cel_value v = {.kind = CEL_TIMESTAMP};
    if (args[0].kind == CEL_TIMESTAMP)
        return args[0];
    if (args[0].kind == CEL_INT) {
        v.time.seconds = args[0].i;
        return cel_time_valid(v.time) ? v : overflow(run, "timestamp");
    }
    if (!cel_parse_time(args[0].s, &v.time))
        return cel_fail(run, "type conversion error from 'string' to 'google.protobuf.Timestamp'");
    return v;
}

static struct cel_value to_duration(struct cel_run *run, const struct cel_node *node,
                                    struct cel_value *args, size_t n)
{
    struct cel_value v = {.kind = CEL_DURATION, .i = args[0].i};
    if (args[0].kind == CEL_STRING && !cel_parse_duration(args[0].s, &v.i))
        return cel_fail(run, "type conversion error from 'string' to 'google.protobuf.Duration'");
    return v;
}

static struct cel_value same(struct cel_run *run, const struct cel_node *node,
                             struct cel_value *args, size_t n)
{
    return args[0];
}

static struct cel_value type_of(struct cel_run *run, const struct cel_node *node,
                                struct cel_value *args, size_t n)
{
    return (struct cel_value){.kind = CEL_TYPE, .type = cel_type_of_value(run->a, args[0])};
}

/* ---- optionals ---- */

static struct cel_value optional_of(struct cel_run *run, const struct cel_node *node,
                                    struct cel_value *args, size_t n)
{
    return cel_optional(run->a, n > 0 ? &args[0] : NULL);
}

static bool is_zero(struct cel_value v)
{
    switch (v.kind) {
    case CEL_NULL:
        return true;
    case CEL_BOOL:
        return !v.b;
    case CEL_INT:
    case CEL_DURATION:
        return v.i == 0;
    case CEL_UINT:
        return v.u == 0;
    case CEL_DOUBLE:
        return v.d == 0;
    case CEL_STRING:
    case CEL_BYTES:
        return v.s.n == 0;
    case CEL_LIST:
        return v.list->n == 0;
    case CEL_MAP:
        return cel_map_count(v.map) == 0;
    default:
        return false;
    }
}

static struct cel_value optional_non_zero(struct cel_run *run, const struct cel_node *node,
                                          struct cel_value *args, size_t n)
{
    return cel_optional(run->a, is_zero(args[0]) ? NULL : &args[0]);
}

static struct cel_value has_value(struct cel_run *run, const struct cel_node *node,
                                  struct cel_value *args, size_t n)
{
    return cel_bool(args[0].inner != NULL);
}

static struct cel_value value(struct cel_run *run, const struct cel_node *node,
                              struct cel_value *args, size_t n)
{
    return args[0].inner ? *args[0].inner : cel_fail(run, "optional.none() dereference");
}

/* The values of those that have one. */
static struct cel_value optional_unwrap(struct cel_run *run, const struct cel_node *node,
                                        struct cel_value *args, size_t n)
{
    struct cel_value *from = cel_list_items(run->a, args[0].list);
    size_t count = args[0].list->n, kept = 0;
    if (!cel_work(run, count * 4))
        return cel_fail(run, CEL_OVER_BUDGET);
    struct cel_value *items = ARENA_NEW_ARRAY(run->a, struct cel_value, count + 1);
    for (size_t i = 0; i < count; i++) {
        if (from[i].kind != CEL_OPTIONAL)
            return cel_fail(run, "value at index %zu is not of type optional", i);
        if (from[i].inner)
            items[kept++] = *from[i].inner;
    }
    return cel_list_new(run->a, items, kept);
}

static struct cel_value list_end(struct cel_run *run, const struct cel_node *node,
                                 struct cel_value *args, size_t n)
{
    struct cel_value *items = cel_list_items(run->a, args[0].list);
    size_t count = args[0].list->n;
    return cel_optional(run->a, count == 0 ? NULL : &items[node->func->which ? count - 1 : 0]);
}

#define ORDER "bb:b|ii:b|uu:b|dd:b|ss:b|yy:b|TT:b|DD:b|iu:b|id:b|ui:b|ud:b|di:b|du:b"
#define SIZE  "s:i|y:i|LA:i|MAB:i"

const struct cel_func cel_funcs_core[] = {
    {"_&&_", "bb:b", NULL, COST_NONE, 0},
    {"_||_", "bb:b", NULL, COST_NONE, 0},
    {"_?_:_", "bAA:A", NULL, COST_NONE, 0},
    {"_[_]", "LAi:A|MABA:B|OLAi:OA|OMABA:OB", NULL, COST_ONE, 0},
    {"_[?_]", "LAi:OA|MABA:OB|OLAi:OA|OMABA:OB", NULL, COST_ONE, 0},
    {".or", "OAOA:OA", NULL, COST_ONE, 0},
    {".orValue", "OAA:A", NULL, COST_ONE, 0},
    {"!_", "b:b", not_, COST_ONE, 0},
    {"-_", "i:i|d:d", negate, COST_ONE, 0},
    {"_+_", "ii:i|uu:u|dd:d|ss:s|yy:y|LALA:LA|DD:D|TD:T|DT:T", arithmetic, COST_ADD, '+'},
    {"_-_", "ii:i|uu:u|dd:d|DD:D|TD:T|TT:D", arithmetic, COST_ONE, '-'},
    {"_*_", "ii:i|uu:u|dd:d", arithmetic, COST_ONE, '*'},
    {"_/_", "ii:i|uu:u|dd:d", arithmetic, COST_ONE, '/'},
    {"_%_", "ii:i|uu:u", arithmetic, COST_ONE, '%'},
    {"_<_", ORDER, order, COST_ORDER, 0},
    {"_<=_", ORDER, order, COST_ORDER, 0},
    {"_>_", ORDER, order, COST_ORDER, 0},
    {"_>=_", ORDER, order, COST_ORDER, 0},
    {"_==_", "AA:b", equal, COST_EQUAL, 0},
    {"_!=_", "AA:b", equal, COST_EQUAL, 0},
    {"@in", "ALA:b|AMAB:b", in, COST_IN, 0},
    {"size", SIZE, size, COST_ONE, 0},
    {".size", SIZE, size, COST_ONE, 0},
    {"int", "i:i|u:i|d:i|s:i|T:i", to_int, COST_ONE, 0},
    {"uint", "u:u|i:u|d:u|s:u", to_uint, COST_ONE, 0},
    {"double", "d:d|i:d|u:d|s:d", to_double, COST_ONE, 0},
    {"string", "s:s|b:s|i:s|u:s|d:s|y:s|T:s|D:s|p:s|c:s", to_string, COST_CONVERT, 0},
    {"bytes", "y:y|s:y", to_bytes, COST_CONVERT, 0},
    {"bool", "b:b|s:b", to_bool, COST_ONE, 0},
    {"timestamp", "T:T|s:T|i:T", to_timestamp, COST_ONE, 0},
    {"duration", "D:D|s:D|i:D", to_duration, COST_ONE, 0},
    {"dyn", "A:*", same, COST_ONE, 0},
    {"type", "A:t", type_of, COST_ONE, 0},
    {"optional.of", "A:OA", optional_of, COST_ONE, 0},
    {"optional.none", ":OA", optional_of, COST_ONE, 0},
    {"optional.ofNonZeroValue", "A:OA", optional_non_zero, COST_ONE, 0},
    {"optional.unwrap", "LOA:LA", optional_unwrap, COST_ONE, 0},
    {".unwrapOpt", "LOA:LA", optional_unwrap, COST_ONE, 0},
    {".first", "LA:OA", list_end, COST_ONE, 0},
    {".last", "LA:OA", list_end, COST_ONE, 1},
    {".hasValue", "OA:b", has_value, COST_ONE, 0},
    {".value", "OA:A", value, COST_ONE, 0},
    {0},
};
