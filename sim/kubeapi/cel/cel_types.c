/* The types of the check: made of schemas, written as signatures, compared and printed. */
#include "sim/kubeapi/cel/cel_internal.h"
#include "sim/kubeapi/types/formats.h"
#include "sim/kubeapi/types/rules.h"

static const struct cel_type simple[] = {
    [T_ERROR] = {.kind = T_ERROR, .name = "!error!"},
    [T_DYN] = {.kind = T_DYN, .name = "dyn"},
    [T_NULL] = {.kind = T_NULL, .name = "null"},
    [T_BOOL] = {.kind = T_BOOL, .name = "bool"},
    [T_INT] = {.kind = T_INT, .name = "int"},
    [T_UINT] = {.kind = T_UINT, .name = "uint"},
    [T_DOUBLE] = {.kind = T_DOUBLE, .name = "double"},
    [T_STRING] = {.kind = T_STRING, .name = "string"},
    [T_BYTES] = {.kind = T_BYTES, .name = "bytes"},
    [T_DURATION] = {.kind = T_DURATION, .name = "google.protobuf.Duration"},
    [T_TIMESTAMP] = {.kind = T_TIMESTAMP, .name = "google.protobuf.Timestamp"},
    [T_TYPE] = {.kind = T_TYPE, .name = "type"},
};
const struct cel_type cel_type_dyn = {.kind = T_DYN, .name = "dyn"};
const struct cel_type cel_type_bool = {.kind = T_BOOL, .name = "bool"};
const struct cel_type cel_type_string = {.kind = T_STRING, .name = "string"};
const struct cel_type cel_type_authorizer = {.kind = T_OPAQUE,
                                             .name = "kubernetes.authorization.Authorizer"};
const struct cel_type cel_type_resource_check = {.kind = T_OPAQUE,
                                                 .name = "kubernetes.authorization.ResourceCheck"};

/* The others, by the letters of signatures. */
static const struct {
    char letter;
    struct cel_type type;
    enum cel_kind kind;
} opaque[] = {
    {'q', {.kind = T_OPAQUE, .name = "kubernetes.Quantity"}, CEL_QUANTITY},
    {'r', {.kind = T_OPAQUE, .name = "kubernetes.URL"}, CEL_URL},
    {'p', {.kind = T_OPAQUE, .name = "net.IP"}, CEL_IP},
    {'c', {.kind = T_OPAQUE, .name = "net.CIDR"}, CEL_CIDR},
    {'f', {.kind = T_OPAQUE, .name = "kubernetes.NamedFormat"}, CEL_FORMAT},
    {'v', {.kind = T_OPAQUE, .name = "kubernetes.Semver"}, CEL_SEMVER},
    {'a', {.kind = T_OPAQUE, .name = "kubernetes.authorization.Authorizer"}, CEL_AUTHORIZER},
    {'P', {.kind = T_OPAQUE, .name = "kubernetes.authorization.PathCheck"}, CEL_AUTHORIZER},
    {'g', {.kind = T_OPAQUE, .name = "kubernetes.authorization.GroupCheck"}, CEL_AUTHORIZER},
    {'h', {.kind = T_OPAQUE, .name = "kubernetes.authorization.ResourceCheck"}, CEL_AUTHORIZER},
    {'e', {.kind = T_OPAQUE, .name = "kubernetes.authorization.Decision"}, CEL_AUTHORIZER},
};

const struct cel_type *cel_type_simple(enum cel_tkind kind)
{
    BUG_ON(kind >= ARRAY_LEN(simple), "a type without parts");
    return &simple[kind];
}

static const struct cel_type *make(struct arena *a, enum cel_tkind kind, const struct cel_type *x,
                                   const struct cel_type *y)
{
    struct cel_type *t = ARENA_NEW(a, struct cel_type);
    t->kind = kind;
    t->a = x;
    t->b = y;
    return t;
}

const struct cel_type *cel_type_list(struct arena *a, const struct cel_type *item)
{
    return make(a, T_LIST, item, NULL);
}

const struct cel_type *cel_type_map(struct arena *a, const struct cel_type *key,
                                    const struct cel_type *value)
{
    return make(a, T_MAP, key, value);
}

const struct cel_type *cel_type_optional(struct arena *a, const struct cel_type *inner)
{
    return make(a, T_OPTIONAL, inner, NULL);
}

/* ---- of schemas ---- */

static const struct cel_type *of_string(const struct type *s)
{
    struct str format = s->rules && s->rules->format ? format_name(s->rules->format) : str_empty;
    if (str_eq_c(format, "byte"))
        return &simple[T_BYTES];
    if (str_eq_c(format, "duration"))
        return &simple[T_DURATION];
    if (str_eq_c(format, "date") || str_eq_c(format, "date-time") || str_eq_c(format, "datetime"))
        return &simple[T_TIMESTAMP];
    return &simple[T_STRING];
}

static const struct cel_type *of_container(struct arena *a, const struct type *s, bool definition)
{
    const struct cel_type *item = s->items ? cel_type_of(a, s->items, definition) : NULL;
    if (s->kind == TYPE_OBJECT) {
        struct cel_type *t = ARENA_NEW(a, struct cel_type);
        t->kind = T_OBJECT;
        t->schema = s;
        t->definition = definition;
        return t;
    }
    if (!item)
        return NULL;
    return s->kind == TYPE_LIST ? cel_type_list(a, item) : cel_type_map(a, &simple[T_STRING], item);
}

const struct cel_type *cel_type_of(struct arena *a, const struct type *s, bool definition)
{
    switch (s->kind) {
    case TYPE_ANY:
    case TYPE_RAW:
    case TYPE_FIELDS_V1:
        return definition ? NULL : &simple[T_DYN];
    case TYPE_OBJECT:
    case TYPE_MAP:
    case TYPE_LIST:
        return of_container(a, s, definition);
    case TYPE_BOOL:
        return &simple[T_BOOL];
    case TYPE_INT32:
    case TYPE_INT64:
    case TYPE_INTEGER:
        return &simple[T_INT];
    case TYPE_NUMBER:
        return &simple[T_DOUBLE];
    case TYPE_QUANTITY:
    case TYPE_INT_OR_STRING:
        return &simple[T_DYN];
    case TYPE_TIME:
    case TYPE_MICRO_TIME:
        return &simple[T_TIMESTAMP];
    case TYPE_BYTES:
        return &simple[T_BYTES];
    case TYPE_STRING:
        return of_string(s);
    case TYPE_DURATION:
        break;
    }
    return &simple[T_STRING];
}

/* ---- names of fields ---- */

static const struct {
    const char *escaped, *plain;
} escapes[] = {{"__underscores__", "__"}, {"__dot__", "."}, {"__dash__", "-"}, {"__slash__", "/"}};
static const char *const keywords[] = {
    "true",     "false",   "null",      "in",       "as",  "break",  "const",
    "continue", "else",    "for",       "function", "if",  "import", "let",
    "loop",     "package", "namespace", "return",   "var", "void",   "while"};

static bool is_keyword(struct str s)
{
    for (size_t i = 0; i < ARRAY_LEN(keywords); i++)
        if (str_eq_c(s, keywords[i]))
            return true;
    return false;
}

struct str cel_unescape(struct arena *a, struct str name)
{
    struct buf b = {0};
    if (str_find(name, STR("__")) < 0)
        return name;
    if (name.n > 4 && str_starts(name, STR("__")) && str_ends(name, STR("__")) &&
        is_keyword(str_sub(name, 2, name.n - 4)))
        return str_sub(name, 2, name.n - 4);
    for (size_t i = 0; i < name.n;) {
        size_t k = 0;
        while (k < ARRAY_LEN(escapes) &&
               !str_starts(str_sub(name, i, name.n), str_c(escapes[k].escaped)))
            k++;
        if (k < ARRAY_LEN(escapes)) {
            buf_add_c(&b, escapes[k].plain);
            i += strlen(escapes[k].escaped);
        } else {
            buf_add_char(&b, name.p[i++]);
        }
    }
    struct str s = arena_str(a, buf_str(&b));
    buf_free(&b);
    return s;
}

static const struct cel_type *record_field(const struct cel_type *t, struct str name)
{
    for (size_t i = 0; i < t->record->fields_n; i++)
        if (str_eq(t->record->fields[i].name, name))
            return t->record->fields[i].program->root->type;
    return NULL;
}

const struct cel_type *cel_type_field(struct arena *a, const struct cel_type *t, struct str name)
{
    if (t->kind == T_RECORD)
        return record_field(t, name);
    if (t->definition && is_keyword(name))
        return NULL; /* known as __name__ */
    if (t->definition && t->schema == type_object_meta() && !str_eq_c(name, "name") &&
        !str_eq_c(name, "generateName"))
        return NULL;
    const struct type_field *f =
        type_field_find(t->schema, t->definition ? cel_unescape(a, name) : name);
    return f ? cel_type_of(a, f->type, t->definition) : NULL;
}

/* ---- text ---- */

void cel_type_print(const struct cel_type *t, struct buf *out)
{
    static const char *const heads[] = {
        [T_LIST] = "list", [T_MAP] = "map", [T_OPTIONAL] = "optional_type"};
    switch (t->kind) {
    case T_LIST:
    case T_MAP:
    case T_OPTIONAL:
        buf_addf(out, "%s(", heads[t->kind]);
        cel_type_print(t->a, out);
        if (t->b) {
            buf_add_c(out, ", ");
            cel_type_print(t->b, out);
        }
        buf_add_char(out, ')');
        break;
    case T_OBJECT:
        buf_add(out, t->schema->name.n > 0 ? t->schema->name : STR("object"));
        break;
    case T_RECORD:
        buf_add_c(out, "kubernetes.variables");
        break;
    case T_PARAM:
        buf_add_c(out, t->name);
        break;
    case T_TYPE:
        buf_add_c(out, "type");
        if (t->a) {
            buf_add_char(out, '(');
            cel_type_print(t->a, out);
            buf_add_char(out, ')');
        }
        break;
    default:
        buf_add_c(out, t->kind == T_DURATION    ? "duration"
                       : t->kind == T_TIMESTAMP ? "timestamp"
                                                : t->name);
    }
}

const struct cel_type *cel_type_of_sig(struct arena *a, const char **sig)
{
    static const char letters[] = "!*nbiudsyDTt";
    static const struct cel_type params[] = {{.kind = T_PARAM, .name = "A"},
                                             {.kind = T_PARAM, .name = "B"}};
    char c = *(*sig)++;
    const char *p = strchr(letters, c);
    if (p && c)
        return &simple[p - letters];
    if (c == 'A' || c == 'B')
        return &params[c - 'A'];
    if (c == 'L')
        return cel_type_list(a, cel_type_of_sig(a, sig));
    if (c == 'O')
        return cel_type_optional(a, cel_type_of_sig(a, sig));
    if (c == 'M') {
        const struct cel_type *key = cel_type_of_sig(a, sig);
        return cel_type_map(a, key, cel_type_of_sig(a, sig));
    }
    for (size_t i = 0; i < ARRAY_LEN(opaque); i++)
        if (opaque[i].letter == c)
            return &opaque[i].type;
    BUG_ON(true, "a letter of a signature");
    return NULL;
}

/* ---- comparing ---- */

bool cel_type_same(const struct cel_type *x, const struct cel_type *y)
{
    if (x == y)
        return true;
    if (!x || !y || x->kind != y->kind)
        return false;
    if (x->kind == T_OPAQUE || x->kind == T_PARAM)
        return strcmp(x->name, y->name) == 0;
    if (x->kind == T_OBJECT)
        return x->schema == y->schema;
    if (x->kind == T_TYPE)
        return true;
    return (x->a == y->a || cel_type_same(x->a, y->a)) &&
           (x->b == y->b || cel_type_same(x->b, y->b));
}

static bool takes_null(const struct cel_type *t)
{
    return t->kind == T_OBJECT || t->kind == T_OPAQUE || t->kind == T_DURATION ||
           t->kind == T_TIMESTAMP || t->kind == T_OPTIONAL;
}

bool cel_type_fits(struct arena *a, const struct cel_type *to, const struct cel_type *from,
                   const struct cel_type *bound[2])
{
    if (to->kind == T_PARAM) {
        const struct cel_type **b = &bound[to->name[0] - 'A'];
        if (!*b || (*b)->kind == T_DYN) {
            *b = *b && (*b)->kind == T_DYN ? *b : from;
            return true;
        }
        if (cel_type_fits(a, *b, from, bound)) {
            if (from->kind == T_DYN || (*b)->kind == T_NULL)
                *b = from;
            return true;
        }
        if (!cel_type_fits(a, from, *b, bound))
            return false;
        *b = from;
        return true;
    }
    if (to->kind == T_DYN || from->kind == T_DYN || to->kind == T_ERROR || from->kind == T_ERROR)
        return true;
    if (from->kind == T_NULL && takes_null(to))
        return true;
    if (to->kind != from->kind)
        return false;
    switch (to->kind) {
    case T_LIST:
    case T_OPTIONAL:
        return cel_type_fits(a, to->a, from->a, bound);
    case T_MAP:
        return cel_type_fits(a, to->a, from->a, bound) && cel_type_fits(a, to->b, from->b, bound);
    default:
        return cel_type_same(to, from);
    }
}

const struct cel_type *cel_type_bind(struct arena *a, const struct cel_type *t,
                                     const struct cel_type *const bound[2])
{
    if (t->kind == T_PARAM) {
        const struct cel_type *b = bound[t->name[0] - 'A'];
        return b ? b : &simple[T_DYN];
    }
    if (!t->a || t->kind == T_OBJECT || t->kind == T_TYPE)
        return t;
    return make(a, t->kind, cel_type_bind(a, t->a, bound),
                t->b ? cel_type_bind(a, t->b, bound) : NULL);
}

enum cel_kind cel_kind_of_letter(char c)
{
    static const char letters[] = "nbiudsyDTtLMO";
    static const enum cel_kind kinds[] = {
        CEL_NULL,     CEL_BOOL,      CEL_INT,  CEL_UINT, CEL_DOUBLE, CEL_STRING,  CEL_BYTES,
        CEL_DURATION, CEL_TIMESTAMP, CEL_TYPE, CEL_LIST, CEL_MAP,    CEL_OPTIONAL};
    const char *p = strchr(letters, c);
    if (p && c)
        return kinds[p - letters];
    for (size_t i = 0; i < ARRAY_LEN(opaque); i++)
        if (opaque[i].letter == c)
            return opaque[i].kind;
    return CEL_ERROR;
}
