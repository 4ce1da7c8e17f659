/* YAML as Go's readers of Kubernetes bodies take it: the words and numbers of YAML 1.1, merges, repeated keys. */
#include "engine/base/map.h"
#include "engine/base/yaml_internal.h"

/* ---- plain scalars ---- */

static bool is_word(struct str s, const char *const *words)
{
    for (; *words; words++)
        if (str_eq_c(s, *words))
            return true;
    return false;
}

static int digit_in(char c, unsigned base)
{
    char lower = (char)(c | 0x20);
    int digit = c >= '0' && c <= '9'           ? c - '0'
                : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10
                                               : 99;
    return digit < (int)base ? digit : -1;
}

/* [-+]? with 0x, 0b, 0o or 0 in front, or decimal; underscores anywhere behind the first character. */
static bool parse_integer(struct str s, int64_t *out)
{
    bool minus = s.n > 0 && s.p[0] == '-';
    size_t i = s.n > 0 && (s.p[0] == '-' || s.p[0] == '+'), digits = 0;
    unsigned base = 10;
    if (s.n > i + 1 && s.p[i] == '0') {
        char mark = (char)(s.p[i + 1] | 0x20);
        base = mark == 'x' ? 16 : mark == 'b' ? 2 : 8;
        i += mark == 'x' || mark == 'b' || mark == 'o' ? 2 : 1;
    }
    int64_t v = 0;
    for (; i < s.n; i++) {
        if (s.p[i] == '_')
            continue;
        int digit = digit_in(s.p[i], base);
        if (digit < 0 || __builtin_mul_overflow(v, (int64_t)base, &v) ||
            __builtin_add_overflow(v, minus ? -(int64_t)digit : (int64_t)digit, &v))
            return false;
        digits++;
    }
    *out = v;
    return digits > 0;
}

static enum yaml_kind resolve(struct str text, int64_t *integer)
{
    static const char *const yes[] = {"y", "Y", "yes", "Yes", "YES", "on", "On", "ON", NULL};
    static const char *const no[] = {"n", "N", "no", "No", "NO", "off", "Off", "OFF", NULL};
    char first = text.n > 0 ? text.p[0] : 'x';
    if (is_word(text, yes) || is_word(text, no)) {
        *integer = is_word(text, yes);
        return YAML_BOOL;
    }
    bool numeric = (first >= '0' && first <= '9') || first == '-' || first == '+';
    if (numeric && parse_integer(text, integer))
        return YAML_INT;
    return yaml_resolve(text, integer); /* 08 is no octal: read as decimal */
}

/* ---- to JSON ---- */

static cJSON *to_json(struct arena *a, const struct yaml_node *n, unsigned depth);

struct members {
    struct arena *a;
    cJSON *object;
    struct map seen; /* key → its value's cell: the last one counts */
};

static void put(struct members *m, struct str key, const struct yaml_node *value, unsigned depth)
{
    cJSON *v = to_json(m->a, value, depth + 1);
    cJSON *old = map_get(&m->seen, key);
    if (!old) {
        json_add(m->a, m->object, key, v);
        map_put(&m->seen, key, v);
        return;
    }
    old->type = v->type; /* in place: the key stays where it was first */
    old->child = v->child;
    old->valuestring = v->valuestring;
    old->valueint = v->valueint;
}

static void merge(struct members *m, const struct yaml_node *from, unsigned depth)
{
    if (from->kind == YAML_MAP)
        for (const struct yaml_node *c = from->first; c; c = c->next)
            put(m, c->key, c, depth);
    if (from->kind == YAML_LIST)
        for (const struct yaml_node *c = from->first; c; c = c->next)
            for (const struct yaml_node *k = c->kind == YAML_MAP ? c->first : NULL; k; k = k->next)
                put(m, k->key, k, depth);
}

static cJSON *map_to_json(struct arena *a, const struct yaml_node *n, unsigned depth)
{
    struct members m = {.a = a, .object = json_object(a)};
    for (const struct yaml_node *c = n->first; c; c = c->next)
        if (c->key_plain && str_eq_c(c->key, "<<"))
            merge(&m, c, depth);
        else
            put(&m, c->key, c, depth);
    map_free(&m.seen);
    return m.object;
}

static cJSON *to_json(struct arena *a, const struct yaml_node *n, unsigned depth)
{
    BUG_ON(depth > 2 * YAML_DEPTH_MAX, "a document is not deeper than the loader lets it be");
    if (n->kind == YAML_MAP)
        return map_to_json(a, n, depth);
    if (n->kind != YAML_LIST)
        return yaml_to_json(a, n);
    cJSON *list = json_array(a);
    for (const struct yaml_node *c = n->first; c; c = c->next)
        json_append(list, to_json(a, c, depth + 1));
    return list;
}

struct err *yaml_compat_to_json(struct arena *a, struct str text, cJSON **out, struct buf *repeated)
{
    struct yaml_node *n = NULL;
    struct buf unused = {.max = 4096};
    struct yaml_schema schema = {resolve, repeated ? repeated : &unused};
    struct err *err = yaml_load_first(a, text, &schema, &n);
    buf_free(&unused);
    if (!err)
        *out = n ? to_json(a, n, 0) : json_null(a);
    return err;
}
