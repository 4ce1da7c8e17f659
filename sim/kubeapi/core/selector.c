#include "sim/kubeapi/core/selector.h"

#include "engine/kube/scan.h"
#include <string.h>

/* ---- labels: a hand-written scanner over the text ---- */

struct lex {
    struct str rest;
    struct arena *a;
};

static bool is_special(char c)
{
    return char_in(c, ",()=!<> ");
}

static void skip_blanks(struct lex *l)
{
    while (l->rest.n > 0 && l->rest.p[0] == ' ')
        l->rest = str_sub(l->rest, 1, l->rest.n);
}

static bool eat(struct lex *l, const char *token)
{
    skip_blanks(l);
    if (!str_starts(l->rest, str_c(token)))
        return false;
    l->rest = str_sub(l->rest, strlen(token), l->rest.n);
    return true;
}

static struct str word(struct lex *l)
{
    size_t n = 0;
    skip_blanks(l);
    while (n < l->rest.n && !is_special(l->rest.p[n]))
        n++;
    struct str w = arena_str(l->a, str_sub(l->rest, 0, n));
    l->rest = str_sub(l->rest, n, l->rest.n);
    return w;
}

/* The next token as messages name it. */
static struct str found(struct lex *l)
{
    skip_blanks(l);
    if (l->rest.n == 0)
        return str_empty;
    size_t n = 0;
    while (n < l->rest.n && !is_special(l->rest.p[n]))
        n++;
    return str_sub(l->rest, 0, n > 0 ? n : 1);
}

static bool label_form_ok(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        bool inner = c == '-' || c == '_' || c == '.';
        if (!alnum && (!inner || i == 0 || i + 1 == s.n))
            return false;
    }
    return true;
}

static bool label_chars_ok(struct str s)
{
    return s.n <= 63 && label_form_ok(s);
}

static bool label_key_ok(struct str key)
{
    struct str prefix, name;
    if (!str_cut(key, '/', &prefix, &name))
        name = key;
    else if (prefix.n == 0 || prefix.n > 253)
        return false;
    return name.n > 0 && label_chars_ok(name);
}

static struct err *bad_value(struct str key, struct str value)
{
    if (value.n > 63 && label_form_ok(value))
        return err_new(ERR_INVALID,
                       "unable to parse requirement: values[0][" STR_FMT
                       "]: Invalid value: \"" STR_FMT "\": must be no more than 63 characters",
                       STR_ARG(key), STR_ARG(value));
    return err_new(
        ERR_INVALID,
        "unable to parse requirement: values[0][" STR_FMT "]: Invalid value: \"" STR_FMT
        "\": a valid label must be an empty string or "
        "consist of alphanumeric characters, '-', '_' or '.', and must start and end with "
        "an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex "
        "used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
        STR_ARG(key), STR_ARG(value));
}

static void add_value(struct arena *a, struct selector_term *t, struct str value)
{
    if ((t->values_n & (t->values_n + 1)) == 0) { /* 0, 1, 3, 7 ...: the array doubles */
        struct str *more = ARENA_NEW_ARRAY(a, struct str, t->values_n * 2 + 1);
        for (size_t i = 0; i < t->values_n; i++)
            more[i] = t->values[i];
        t->values = more;
    }
    t->values[t->values_n++] = value;
}

static struct err *parse_set(struct lex *l, struct selector_term *t)
{
    if (!eat(l, "("))
        return err_new(ERR_INVALID,
                       "unable to parse requirement: found '" STR_FMT "' expected: '('",
                       STR_ARG(found(l)));
    skip_blanks(l);
    if (l->rest.n == 0 || (is_special(l->rest.p[0]) && !char_in(l->rest.p[0], ",)")))
        return err_new(ERR_INVALID,
                       "unable to parse requirement: found '" STR_FMT
                       "', expected: ',', ')' or identifier",
                       STR_ARG(found(l)));
    do {
        struct str value = word(l);
        if (!label_chars_ok(value))
            return bad_value(t->key, value);
        add_value(l->a, t, value);
        if (t->values_n > SELECTOR_TERMS_MAX)
            return err_new(ERR_INVALID, "unable to parse requirement: too many values");
    } while (eat(l, ","));
    if (!eat(l, ")"))
        return err_new(ERR_INVALID,
                       "unable to parse requirement: found '" STR_FMT "', expected: ',' or ')'",
                       STR_ARG(found(l)));
    return NULL;
}

static struct err *parse_value(struct lex *l, struct selector_term *t, enum selector_op op)
{
    struct str value = word(l);
    t->op = op;
    if (op == SEL_GT || op == SEL_LT) {
        if (!str_to_i64(value, &t->number))
            return err_new(ERR_INVALID,
                           "unable to parse requirement: values[0][" STR_FMT
                           "]: Invalid value: \"" STR_FMT
                           "\": for 'Gt', 'Lt' operators, the value must be an integer",
                           STR_ARG(t->key), STR_ARG(value));
    } else if (!label_chars_ok(value)) {
        return bad_value(t->key, value);
    }
    add_value(l->a, t, value);
    return NULL;
}

static struct err *parse_operator(struct lex *l, struct selector_term *t)
{
    static const struct {
        const char *token;
        enum selector_op op;
    } ops[] = {{"!=", SEL_NE}, {"==", SEL_EQ}, {"=", SEL_EQ}, {">", SEL_GT}, {"<", SEL_LT}};
    for (size_t i = 0; i < ARRAY_LEN(ops); i++)
        if (eat(l, ops[i].token))
            return parse_value(l, t, ops[i].op);
    skip_blanks(l);
    if (l->rest.n == 0 || l->rest.p[0] == ',') {
        t->op = SEL_EXISTS;
        return NULL;
    }
    struct str before = found(l), op = word(l);
    if (!str_eq_c(op, "in") && !str_eq_c(op, "notin"))
        return err_new(ERR_INVALID,
                       "unable to parse requirement: found '" STR_FMT
                       "', expected: in, notin, =, ==, !=, gt, lt",
                       STR_ARG(before));
    t->op = str_eq_c(op, "in") ? SEL_IN : SEL_NOT_IN;
    return parse_set(l, t);
}

static struct err *bad_key(struct str key)
{
    struct str prefix, name = key, rest;
    const char *why = "name part must consist of alphanumeric characters, '-', '_' or '.', and "
                      "must start and end with an alphanumeric character (e.g. 'MyName',  or "
                      "'my.name',  or '123-abc', regex used for validation is "
                      "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
    if (str_cut(key, '/', &prefix, &rest))
        name = rest;
    if (str_find_char(name, '/') >= 0)
        why = "a qualified name must consist of alphanumeric characters, '-', '_' or '.', and "
              "must start and end with an alphanumeric character (e.g. 'MyName',  or "
              "'my.name',  or '123-abc', regex used for validation is "
              "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain "
              "prefix and '/' (e.g. 'example.com/MyName')";
    else if (name.n > 63)
        why = "name part must be no more than 63 characters";
    else if (name.n == 0)
        why = "name part must be non-empty";
    else if (name.p != key.p && prefix.n == 0)
        why = "prefix part must be non-empty";
    else if (name.p != key.p && prefix.n > 253)
        why = "prefix part must be no more than 253 characters";
    return err_new(ERR_INVALID,
                   "unable to parse requirement: <nil>: Invalid value: \"" STR_FMT "\": %s",
                   STR_ARG(key), why);
}

static struct err *parse_label(struct lex *l, struct selector_term *t)
{
    bool negated = eat(l, "!");
    t->key = word(l);
    if (t->key.n == 0)
        return err_new(ERR_INVALID,
                       "unable to parse requirement: found '" STR_FMT "', expected: identifier",
                       STR_ARG(found(l)));
    if (!label_key_ok(t->key))
        return bad_key(t->key);
    if (negated) {
        t->op = SEL_MISSING;
        return NULL;
    }
    return parse_operator(l, t);
}

/* At a key, or the "!" before one. */
static bool at_requirement(struct lex *l)
{
    skip_blanks(l);
    return l->rest.n > 0 &&
           (l->rest.p[0] == '!' ? !str_starts(l->rest, STR("!=")) : !is_special(l->rest.p[0]));
}

static size_t count_terms(struct str text)
{
    size_t n = 1;
    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == ',';
    return n;
}

struct err *selector_parse_labels(struct arena *a, struct str text, struct selector *s)
{
    struct lex l = {text, a};
    size_t max = count_terms(text);
    skip_blanks(&l);
    if (l.rest.n == 0)
        return NULL;
    if (max > SELECTOR_TERMS_MAX)
        return err_new(ERR_INVALID, "the label selector has more than %u terms",
                       SELECTOR_TERMS_MAX);
    s->labels = ARENA_NEW_ARRAY(a, struct selector_term, max);
    if (!at_requirement(&l))
        return err_new(ERR_INVALID,
                       "found '" STR_FMT "', expected: !, identifier, or 'end of string'",
                       STR_ARG(found(&l)));
    do {
        if (!at_requirement(&l))
            return err_new(ERR_INVALID, "found '" STR_FMT "', expected: identifier after ','",
                           STR_ARG(found(&l)));
        struct err *err = parse_label(&l, &s->labels[s->labels_n]);
        if (err)
            return err;
        s->labels_n++;
    } while (eat(&l, ","));
    skip_blanks(&l);
    if (l.rest.n > 0)
        return err_new(ERR_INVALID, "found '" STR_FMT "', expected: ',' or 'end of string'",
                       STR_ARG(found(&l)));
    return NULL;
}

/* ---- fields ---- */

/* Up to an unescaped stop character; unescapes into the arena. */
static struct str field_part(struct lex *l, const char *stops, bool *bad)
{
    char *out = arena_alloc(l->a, l->rest.n + 1);
    size_t n = 0, i = 0;
    for (; i < l->rest.n && !char_in(l->rest.p[i], stops); i++) {
        if (l->rest.p[i] == '\\') {
            if (i + 1 == l->rest.n || !char_in(l->rest.p[i + 1], "\\,=")) {
                *bad = true;
                break;
            }
            i++;
        }
        out[n++] = l->rest.p[i];
    }
    l->rest = str_sub(l->rest, i, l->rest.n);
    return (struct str){out, n};
}

static struct err *parse_field(struct lex *l, struct selector_term *t, struct str whole)
{
    bool bad = false;
    t->key = field_part(l, "=!,", &bad);
    bool has_op = true;
    if (eat(l, "!="))
        t->op = SEL_NE;
    else if (eat(l, "==") || eat(l, "="))
        t->op = SEL_EQ;
    else
        has_op = false;
    if (bad || !has_op || t->key.n == 0)
        return err_new(ERR_INVALID,
                       "invalid selector: '" STR_FMT "'; can't understand '" STR_FMT "'",
                       STR_ARG(whole), STR_ARG(t->key));
    add_value(l->a, t, field_part(l, ",", &bad));
    if (bad)
        return err_new(ERR_INVALID,
                       "invalid field selector: invalid escape sequence in '" STR_FMT "'",
                       STR_ARG(whole));
    return NULL;
}

struct err *selector_parse_fields(struct arena *a, struct str text, struct selector *s)
{
    struct lex l = {text, a};
    size_t max = count_terms(text);
    if (text.n == 0)
        return NULL;
    if (max > SELECTOR_TERMS_MAX)
        return err_new(ERR_INVALID, "the field selector has more than %u terms",
                       SELECTOR_TERMS_MAX);
    s->fields = ARENA_NEW_ARRAY(a, struct selector_term, max);
    while (l.rest.n > 0) {
        if (eat(&l, ","))
            continue;
        struct selector_term *t = &s->fields[s->fields_n];
        struct err *err = parse_field(&l, t, text);
        if (err)
            return err;
        s->fields_n++;
        if (t->op == SEL_EQ && str_eq_c(t->key, "metadata.name"))
            s->name = t->values[0];
        if (t->op == SEL_EQ && str_eq_c(t->key, "metadata.namespace"))
            s->ns = t->values[0];
    }
    return NULL;
}

/* ---- matching ---- */

static bool one_of(const struct selector_term *t, struct str value)
{
    for (size_t i = 0; i < t->values_n; i++)
        if (str_eq(t->values[i], value))
            return true;
    return false;
}

static bool label_matches(const struct selector_term *t, const struct kube_object *o)
{
    bool has = kube_object_has_label(o, t->key);
    struct str value = kube_object_label(o, t->key);
    int64_t number;
    switch (t->op) {
    case SEL_EXISTS:
        return has;
    case SEL_MISSING:
        return !has;
    case SEL_EQ:
    case SEL_IN:
        return has && one_of(t, value);
    case SEL_NE:
    case SEL_NOT_IN:
        return !has || !one_of(t, value);
    case SEL_GT:
        return has && str_to_i64(value, &number) && number > t->number;
    case SEL_LT:
        return has && str_to_i64(value, &number) && number < t->number;
    }
    return false;
}

/* Strings without quotes; other scalars as written; absent is empty (as the real conversion functions give it). */
static struct str field_value(const struct kube_object *o, struct str key, struct arena *a)
{
    if (str_eq_c(key, "metadata.name"))
        return o->name;
    if (str_eq_c(key, "metadata.namespace"))
        return o->ns;
    if (str_eq_c(key, "source")) { /* of events: whichever of the two tells */
        struct str component = kube_object_string(o, "source.component");
        return component.n > 0 ? component : kube_object_string(o, "reportingComponent");
    }
    bool succeeded = str_eq_c(key, "status.successful"), escaped;
    struct str raw = kube_object_raw(o, succeeded ? "status.succeeded" : arena_c(a, key)), inner;
    if (scan_string(raw, &inner, &escaped))
        return inner;
    if (raw.n == 0 && (succeeded || str_eq_c(key, "status.replicas")))
        return STR("0");
    return raw.n > 0 && raw.p[0] != '{' && raw.p[0] != '[' ? raw : str_empty;
}

static bool field_matches(const struct selector_term *t, const struct kube_object *o,
                          struct arena *a)
{
    struct str value = field_value(o, t->key, a);
    /* A boolean that is absent is false to its selector (spec.unschedulable, spec.hostNetwork). */
    if (value.n == 0 && str_eq_c(t->values[0], "false"))
        value = t->values[0];
    return str_eq(value, t->values[0]) == (t->op == SEL_EQ);
}

static struct selector_term *copy_terms(struct arena *a, const struct selector_term *from, size_t n)
{
    struct selector_term *out = ARENA_NEW_ARRAY(a, struct selector_term, n + 1);
    for (size_t i = 0; i < n; i++) {
        out[i] = from[i];
        out[i].key = arena_str(a, from[i].key);
        out[i].values = ARENA_NEW_ARRAY(a, struct str, from[i].values_n + 1);
        for (size_t k = 0; k < from[i].values_n; k++)
            out[i].values[k] = arena_str(a, from[i].values[k]);
    }
    return out;
}

struct selector selector_copy(struct arena *a, const struct selector *s)
{
    struct selector out = *s;
    out.labels = copy_terms(a, s->labels, s->labels_n);
    out.fields = copy_terms(a, s->fields, s->fields_n);
    out.name = s->name.n > 0 ? arena_str(a, s->name) : str_empty;
    out.ns = s->ns.n > 0 ? arena_str(a, s->ns) : str_empty;
    return out;
}

bool selector_empty(const struct selector *s)
{
    return s->labels_n == 0 && s->fields_n == 0;
}

bool selector_matches(const struct selector *s, const struct kube_object *o)
{
    for (size_t i = 0; i < s->labels_n; i++)
        if (!label_matches(&s->labels[i], o))
            return false;
    if (s->fields_n == 0)
        return true;
    struct arena a = {0};
    bool ok = true;
    for (size_t i = 0; ok && i < s->fields_n; i++)
        ok = field_matches(&s->fields[i], o, &a);
    arena_free(&a);
    return ok;
}

/* ---- indexes ---- */

static struct str index_field(const struct kube_object *o, struct str key)
{
    struct arena a = {0};
    struct str value = field_value(o, key, &a); /* of the object, not of the arena */
    arena_free(&a);
    return value;
}

/* Names first, then other fields: few objects share their values. */
bool selector_attribute(const struct selector *s, struct store_attribute *out)
{
    for (size_t i = 0; i < s->fields_n; i++) {
        const struct selector_term *t = &s->fields[i];
        bool absent_too = t->values[0].n == 0 || str_eq_c(t->values[0], "false");
        if (t->op != SEL_EQ || absent_too || str_eq_c(t->key, "metadata.namespace"))
            continue;
        *out = (struct store_attribute){index_field, t->key, t->values[0]};
        return true;
    }
    for (size_t i = 0; i < s->labels_n; i++) {
        const struct selector_term *t = &s->labels[i];
        bool one = t->op == SEL_EQ || (t->op == SEL_IN && t->values_n == 1);
        if (!one || t->values[0].n == 0)
            continue;
        *out = (struct store_attribute){kube_object_label, t->key, t->values[0]};
        return true;
    }
    return false;
}

static bool expression_matches(const cJSON *e, const struct kube_object *o)
{
    struct str key = json_string_at(e, "key"), op = json_string_at(e, "operator");
    bool has = kube_object_has_label(o, key), in = false;
    const cJSON *values = json_get(e, "values");
    for (const cJSON *v = values ? values->child : NULL; v; v = v->next)
        in = in || (has && str_eq(kube_object_label(o, key), json_string(v)));
    if (str_eq_c(op, "Exists"))
        return has;
    if (str_eq_c(op, "DoesNotExist"))
        return !has;
    return str_eq_c(op, "In") ? in : !in;
}

bool selector_object_matches(const cJSON *label_selector, const struct kube_object *o)
{
    const cJSON *labels = json_get(label_selector, "matchLabels");
    for (const cJSON *l = labels ? labels->child : NULL; l; l = l->next) {
        struct str key = str_c(l->string);
        if (!kube_object_has_label(o, key) || !str_eq(kube_object_label(o, key), json_string(l)))
            return false;
    }
    const cJSON *expressions = json_get(label_selector, "matchExpressions");
    for (const cJSON *e = expressions ? expressions->child : NULL; e; e = e->next)
        if (!expression_matches(e, o))
            return false;
    return true;
}
