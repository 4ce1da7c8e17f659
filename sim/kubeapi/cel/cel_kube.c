/* Kubernetes' own: quantities, URLs, named formats, semantic versions. */
#include "engine/base/codec.h"
#include "sim/kubeapi/cel/cel_internal.h"
#include "sim/kubeapi/types/formats.h"
#include "sim/kubeapi/types/quantity.h"

/* ---- quantities ---- */

#define NANOS ((__int128)1000000000)

static struct cel_value quantity_value(struct cel_run *run, struct quantity q)
{
    struct quantity *copy = ARENA_NEW(run->a, struct quantity);
    *copy = q;
    return (struct cel_value){.kind = CEL_QUANTITY, .opaque = copy};
}

static struct cel_value quantity(struct cel_run *run, const struct cel_node *node,
                                 struct cel_value *args, size_t n)
{
    struct quantity q;
    const char *wrong = quantity_parse(args[0].s, &q);
    (void)cel_work(run, cel_text_cost(args[0].s.n));
    return wrong ? cel_fail(run, "%s", wrong) : quantity_value(run, q);
}

static struct cel_value is_quantity(struct cel_run *run, const struct cel_node *node,
                                    struct cel_value *args, size_t n)
{
    struct quantity q;
    return cel_bool(!quantity_parse(args[0].s, &q));
}

enum { Q_SIGN, Q_IS_INT, Q_AS_INT, Q_AS_DOUBLE, Q_ADD, Q_SUB, Q_LESS, Q_MORE, Q_COMPARE };

static struct cel_value quantity_one(struct cel_run *run, const struct cel_node *node,
                                     struct cel_value *args, size_t n)
{
    const struct quantity *q = args[0].opaque;
    __int128 whole = q->nanos / NANOS;
    bool integer = q->nanos % NANOS == 0 && whole >= INT64_MIN && whole <= INT64_MAX;
    switch (node->func->which) {
    case Q_SIGN:
        return cel_int(q->nanos < 0 ? -1 : q->nanos > 0);
    case Q_IS_INT:
        return cel_bool(integer);
    case Q_AS_INT:
        return integer ? cel_int((int64_t)whole) : cel_fail(run, "cannot convert value to integer");
    default:
        return (struct cel_value){.kind = CEL_DOUBLE,
                                  .d = (double)(int64_t)whole +
                                       (double)(int64_t)(q->nanos % NANOS) / 1e9};
    }
}

static struct cel_value quantity_two(struct cel_run *run, const struct cel_node *node,
                                     struct cel_value *args, size_t n)
{
    const struct quantity *x = args[0].opaque, *y = args[1].opaque;
    struct quantity whole = {.form = QUANTITY_DECIMAL};
    if (args[1].kind == CEL_INT) {
        whole.nanos = (__int128)args[1].i * NANOS;
        y = &whole;
    }
    switch (node->func->which) {
    case Q_ADD:
        return quantity_value(run, quantity_add(x, y));
    case Q_SUB:
        return quantity_value(run, quantity_sub(x, y));
    case Q_LESS:
        return cel_bool(quantity_cmp(x, y) < 0);
    case Q_MORE:
        return cel_bool(quantity_cmp(x, y) > 0);
    default:
        return cel_int(quantity_cmp(x, y));
    }
}

/* ---- URLs ---- */

struct url {
    struct str scheme, host, path, query;
};

/* An absolute URL, or an absolute path, as net/url's ParseRequestURI takes them. */
static bool url_parse(struct str s, struct url *u)
{
    ptrdiff_t at = str_find(s, STR("://"));
    *u = (struct url){str_empty, str_empty, str_empty, str_empty};
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f)
            return false;
    if (s.n > 0 && s.p[0] != '/') {
        if (at <= 0)
            return false;
        u->scheme = str_sub(s, 0, (size_t)at);
        for (size_t i = 0; i < u->scheme.n; i++)
            if (!char_in(u->scheme.p[i],
                         "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+-.0123456789"))
                return false;
        s = str_sub(s, (size_t)at + 3, s.n);
        size_t end = 0;
        while (end < s.n && !char_in(s.p[end], "/?"))
            end++;
        u->host = str_sub(s, 0, end);
        ptrdiff_t user = str_find_char(u->host, '@');
        if (user >= 0)
            u->host = str_sub(u->host, (size_t)user + 1, u->host.n);
        s = str_sub(s, end, s.n);
    }
    (void)str_cut(s, '?', &u->path, &u->query);
    return s.n > 0 || u->scheme.n > 0;
}

static struct cel_value url(struct cel_run *run, const struct cel_node *node,
                            struct cel_value *args, size_t n)
{
    struct url u;
    if (!url_parse(args[0].s, &u))
        return cel_fail(run,
                        "URL parse error during conversion from string: parse \"" STR_FMT
                        "\": invalid URI for request",
                        STR_ARG(args[0].s));
    return (struct cel_value){.kind = CEL_URL, .s = args[0].s};
}

static struct cel_value is_url(struct cel_run *run, const struct cel_node *node,
                               struct cel_value *args, size_t n)
{
    struct url u;
    return cel_bool(url_parse(args[0].s, &u));
}

enum { U_SCHEME, U_HOST, U_HOSTNAME, U_PORT, U_PATH, U_QUERY };

static struct cel_value query_map(struct cel_run *run, struct str rest)
{
    size_t cap = 1, n = 0;
    for (size_t i = 0; i < rest.n; i++)
        cap += rest.p[i] == '&';
    if (!cel_work(run, rest.n + cap * 4))
        return cel_fail(run, CEL_OVER_BUDGET);
    struct cel_value *keys = ARENA_NEW_ARRAY(run->a, struct cel_value, cap),
                     *lists = ARENA_NEW_ARRAY(run->a, struct cel_value, cap);
    while (rest.n > 0) {
        struct str pair, parts[2];
        (void)str_cut(rest, '&', &pair, &rest);
        (void)str_cut(pair, '=', &parts[0], &parts[1]);
        for (size_t i = 0; i < 2; i++) {
            struct buf b = {0};
            if (percent_decode(&b, parts[i], true))
                parts[i] = arena_str(run->a, buf_str(&b));
            buf_free(&b);
        }
        size_t k = 0;
        while (k < n && !str_eq(keys[k].s, parts[0]) && cel_work(run, 1))
            k++;
        if (k == n) {
            keys[n] = cel_string(parts[0]);
            lists[n] = cel_list_new(run->a, ARENA_NEW_ARRAY(run->a, struct cel_value, cap - n), 0);
            n++;
        }
        lists[k].list->items[lists[k].list->n++] = cel_string(parts[1]);
    }
    return cel_map_new(run->a, keys, lists, n);
}

static struct cel_value url_part(struct cel_run *run, const struct cel_node *node,
                                 struct cel_value *args, size_t n)
{
    struct url u;
    struct str name, port = str_empty;
    (void)url_parse(args[0].s, &u);
    name = u.host;
    bool bracket = u.host.n > 0 && u.host.p[0] == '[';
    ptrdiff_t close = bracket ? str_find_char(u.host, ']') : -1;
    ptrdiff_t colon = str_find_char(str_sub(u.host, (size_t)(close + 1), u.host.n), ':');
    if (colon >= 0) {
        name = str_sub(u.host, 0, (size_t)(close + 1 + colon));
        port = str_sub(u.host, (size_t)(close + 1 + colon + 1), u.host.n);
    }
    if (bracket && close > 0)
        name = str_sub(u.host, 1, (size_t)close - 1);
    switch (node->func->which) {
    case U_SCHEME:
        return cel_string(u.scheme);
    case U_HOST:
        return cel_string(u.host);
    case U_HOSTNAME:
        return cel_string(name);
    case U_PORT:
        return cel_string(port);
    case U_PATH:
        return cel_string(u.path);
    default:
        return query_map(run, u.query);
    }
}

/* ---- named formats ---- */

static const char *const formats[] = {"dns1123Label",
                                      "dns1123Subdomain",
                                      "dns1035Label",
                                      "qualifiedName",
                                      "dns1123LabelPrefix",
                                      "dns1123SubdomainPrefix",
                                      "dns1035LabelPrefix",
                                      "labelValue",
                                      "uri",
                                      "uuid",
                                      "byte",
                                      "date",
                                      "datetime"};

static struct cel_value format_of(size_t which)
{
    return (struct cel_value){.kind = CEL_FORMAT, .opaque = formats[which]};
}

static struct cel_value format_get(struct cel_run *run, const struct cel_node *node,
                                   struct cel_value *args, size_t n)
{
    return format_of(node->func->which);
}

static struct cel_value format_named(struct cel_run *run, const struct cel_node *node,
                                     struct cel_value *args, size_t n)
{
    for (size_t i = 0; i < ARRAY_LEN(formats); i++)
        if (str_eq_c(args[0].s, formats[i])) {
            struct cel_value v = format_of(i);
            return cel_optional(run->a, &v);
        }
    return cel_optional(run->a, NULL);
}

static bool is_alnum(char c, bool upper)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (upper && c >= 'A' && c <= 'Z');
}

/* Letters and digits with `inner` between them; what is wrong, or NULL. */
static const char *check_label(struct str s, size_t max, const char *inner, bool upper, bool prefix)
{
    if (s.n == 0 || s.n > max)
        return s.n == 0 ? "must be non-empty" : "must be no more than the allowed length";
    for (size_t i = 0; i < s.n; i++) {
        bool edge = i == 0 || (i + 1 == s.n && !prefix);
        if (!is_alnum(s.p[i], upper) && (edge || !char_in(s.p[i], inner)))
            return "must consist of alphanumeric characters and allowed punctuation, and must "
                   "start and end with an alphanumeric character";
    }
    return NULL;
}

static const char *check_subdomain(struct str s, bool prefix)
{
    const char *wrong = s.n > 253 ? "must be no more than 253 bytes" : NULL;
    struct str part, rest = s;
    for (bool more = true; more && !wrong;) {
        more = str_cut(rest, '.', &part, &rest);
        wrong = prefix && !more && part.n == 0
                    ? NULL
                    : check_label(part, 253, "-", false, prefix && !more);
    }
    return wrong;
}

static const char *check_qualified(struct str s)
{
    struct str prefix, name;
    if (str_cut(s, '/', &prefix, &name)) {
        const char *wrong = check_subdomain(prefix, false);
        if (wrong)
            return wrong;
    } else {
        name = s;
    }
    return check_label(name, 63, "-_.", true, false);
}

static const char *check_format(const char *name, struct str s)
{
    struct str format = str_c(name);
    bool prefix = str_ends(format, STR("Prefix"));
    struct url u;
    if (str_starts(format, STR("dns1123Label")))
        return check_label(s, 63, "-", false, prefix);
    if (str_starts(format, STR("dns1123Subdomain")))
        return check_subdomain(s, prefix);
    if (str_starts(format, STR("dns1035")))
        return s.n > 0 && s.p[0] >= '0' && s.p[0] <= '9' ? "must start with a letter"
                                                         : check_label(s, 63, "-", false, prefix);
    if (str_eq_c(format, "qualifiedName"))
        return check_qualified(s);
    if (str_eq_c(format, "labelValue"))
        return s.n == 0 ? NULL : check_label(s, 63, "-_.", true, false);
    if (str_eq_c(format, "uri"))
        return url_parse(s, &u) ? NULL : "invalid URI";
    if (str_eq_c(format, "datetime"))
        format = STR("date-time");
    const struct format *f = format_find(format);
    return !f || format_holds(f, s) ? NULL : "does not match the format";
}

static struct cel_value format_validate(struct cel_run *run, const struct cel_node *node,
                                        struct cel_value *args, size_t n)
{
    const char *wrong = check_format(args[0].opaque, args[1].s);
    (void)cel_work(run, cel_text_cost(args[1].s.n));
    if (!wrong)
        return cel_optional(run->a, NULL);
    struct cel_value *items = ARENA_NEW(run->a, struct cel_value);
    *items = cel_string(str_c(wrong));
    struct cel_value list = cel_list_new(run->a, items, 1);
    return cel_optional(run->a, &list);
}

/* ---- semantic versions ---- */

struct semver {
    uint64_t numbers[3];
    struct str pre;
};

static bool identifiers_hold(struct str s, bool pre)
{
    struct str part, rest = s;
    for (bool more = true; more;) {
        bool digits = true;
        more = str_cut(rest, '.', &part, &rest);
        for (size_t i = 0; i < part.n; i++) {
            if (!is_alnum(part.p[i], true) && part.p[i] != '-')
                return false;
            digits = digits && part.p[i] >= '0' && part.p[i] <= '9';
        }
        if (part.n == 0 || (pre && digits && part.n > 1 && part.p[0] == '0'))
            return false;
    }
    return true;
}

static bool semver_parse(struct str s, bool loose, struct semver *out)
{
    struct str build, rest, number;
    bool has_build, has_pre;
    if (loose) {
        s = str_trim(s);
        s = str_starts(s, STR("v")) ? str_sub(s, 1, s.n) : s;
    }
    has_build = str_cut(s, '+', &rest, &build);
    has_pre = str_cut(rest, '-', &rest, &out->pre);
    for (size_t i = 0; i < 3; i++) {
        bool more = str_cut(rest, '.', &number, &rest);
        if (i == 2 ? more : !more && !loose)
            return false;
        if (number.n == 0 && loose && i > 0 && !has_pre) {
            out->numbers[i] = 0;
            continue;
        }
        if (!str_to_u64(number, &out->numbers[i]) || (!loose && number.n > 1 && number.p[0] == '0'))
            return false;
    }
    return (!has_build || identifiers_hold(build, false)) &&
           (!has_pre || identifiers_hold(out->pre, true));
}

static int compare_pre(struct str x, struct str y)
{
    struct str p, q;
    uint64_t a, b;
    if (x.n == 0 || y.n == 0)
        return (y.n > 0) - (x.n > 0); /* none is above any */
    while (x.n > 0 && y.n > 0) {
        (void)str_cut(x, '.', &p, &x);
        (void)str_cut(y, '.', &q, &y);
        bool m = str_to_u64(p, &a), n = str_to_u64(q, &b);
        int c = m && n ? (a > b) - (a < b) : m != n ? (n ? 1 : -1) : str_cmp(p, q);
        if (c != 0)
            return c;
    }
    return (x.n > 0) - (y.n > 0);
}

static int semver_cmp(const struct semver *x, const struct semver *y)
{
    for (size_t i = 0; i < 3; i++)
        if (x->numbers[i] != y->numbers[i])
            return x->numbers[i] < y->numbers[i] ? -1 : 1;
    int c = compare_pre(x->pre, y->pre);
    return (c > 0) - (c < 0);
}

bool cel_semver_equal(struct cel_value x, struct cel_value y)
{
    return semver_cmp(x.opaque, y.opaque) == 0;
}

static struct cel_value semver(struct cel_run *run, const struct cel_node *node,
                               struct cel_value *args, size_t n)
{
    struct semver v = {.pre = str_empty};
    bool ok = semver_parse(args[0].s, n > 1 && args[1].b, &v);
    if (node->func->which)
        return cel_bool(ok);
    if (!ok)
        return cel_fail(run, "No Major.Minor.Patch elements found");
    struct semver *copy = ARENA_NEW(run->a, struct semver);
    *copy = v;
    return (struct cel_value){.kind = CEL_SEMVER, .opaque = copy};
}

static struct cel_value semver_two(struct cel_run *run, const struct cel_node *node,
                                   struct cel_value *args, size_t n)
{
    int c = semver_cmp(args[0].opaque, args[1].opaque);
    if (node->func->which == Q_COMPARE)
        return cel_int(c);
    return cel_bool(node->func->which == Q_LESS ? c < 0 : c > 0);
}

static struct cel_value semver_number(struct cel_run *run, const struct cel_node *node,
                                      struct cel_value *args, size_t n)
{
    const struct semver *v = args[0].opaque;
    return cel_int((int64_t)v->numbers[node->func->which]);
}

/* Members that quantities, addresses and versions share go by the kind of their target. */
static struct cel_value compare_any(struct cel_run *run, const struct cel_node *node,
                                    struct cel_value *args, size_t n)
{
    return args[0].kind == CEL_SEMVER ? semver_two(run, node, args, n)
                                      : quantity_two(run, node, args, n);
}

const struct cel_func cel_funcs_kube[] = {
    {"quantity", "s:q", quantity, COST_PARSE, 0},
    {"isQuantity", "s:b", is_quantity, COST_PARSE, 0},
    {".sign", "q:i", quantity_one, COST_ONE, Q_SIGN},
    {".isInteger", "q:b", quantity_one, COST_ONE, Q_IS_INT},
    {".asInteger", "q:i", quantity_one, COST_ONE, Q_AS_INT},
    {".asApproximateFloat", "q:d", quantity_one, COST_ONE, Q_AS_DOUBLE},
    {".add", "qq:q|qi:q", quantity_two, COST_ONE, Q_ADD},
    {".sub", "qq:q|qi:q", quantity_two, COST_ONE, Q_SUB},
    {".isLessThan", "qq:b|vv:b", compare_any, COST_ONE, Q_LESS},
    {".isGreaterThan", "qq:b|vv:b", compare_any, COST_ONE, Q_MORE},
    {".compareTo", "qq:i|vv:i", compare_any, COST_ONE, Q_COMPARE},
    {"url", "s:r", url, COST_URL, 0},
    {"isURL", "s:b", is_url, COST_ONE, 0},
    {".getScheme", "r:s", url_part, COST_ONE, U_SCHEME},
    {".getHost", "r:s", url_part, COST_ONE, U_HOST},
    {".getHostname", "r:s", url_part, COST_ONE, U_HOSTNAME},
    {".getPort", "r:s", url_part, COST_ONE, U_PORT},
    {".getEscapedPath", "r:s", url_part, COST_ONE, U_PATH},
    {".getQuery", "r:MsLs", url_part, COST_ONE, U_QUERY},
    {"format.named", "s:Of", format_named, COST_ONE, 0},
    {"format.dns1123Label", ":f", format_get, COST_ONE, 0},
    {"format.dns1123Subdomain", ":f", format_get, COST_ONE, 1},
    {"format.dns1035Label", ":f", format_get, COST_ONE, 2},
    {"format.qualifiedName", ":f", format_get, COST_ONE, 3},
    {"format.dns1123LabelPrefix", ":f", format_get, COST_ONE, 4},
    {"format.dns1123SubdomainPrefix", ":f", format_get, COST_ONE, 5},
    {"format.dns1035LabelPrefix", ":f", format_get, COST_ONE, 6},
    {"format.labelValue", ":f", format_get, COST_ONE, 7},
    {"format.uri", ":f", format_get, COST_ONE, 8},
    {"format.uuid", ":f", format_get, COST_ONE, 9},
    {"format.byte", ":f", format_get, COST_ONE, 10},
    {"format.date", ":f", format_get, COST_ONE, 11},
    {"format.datetime", ":f", format_get, COST_ONE, 12},
    {".validate", "fs:OLs", format_validate, COST_VALIDATE, 0},
    {"semver", "s:v|sb:v", semver, COST_PARSE, 0},
    {"isSemver", "s:b|sb:b", semver, COST_PARSE, 1},
    {".major", "v:i", semver_number, COST_ONE, 0},
    {".minor", "v:i", semver_number, COST_ONE, 1},
    {".patch", "v:i", semver_number, COST_ONE, 2},
    {0},
};
