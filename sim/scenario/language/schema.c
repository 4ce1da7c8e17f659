/* Mappings into structs: fields, choices, defaults, lists and maps of objects. Scalars: schema_scalar.c. */
#include "sim/scenario/language/schema.h"
#include "sim/scenario/language/fault.h"
#include "sim/scenario/language/plan.h"
#include "sim/scenario/language/schema_internal.h"

#define FIELDS_MAX 64u

static const char reported[] = "?";
const struct str schema_reported = {reported, 1};

bool schema_is_reported(const struct yaml_node *node)
{
    return node->text.p == reported;
}

const char *schema_kind_name(enum yaml_kind kind)
{
    static const char *const names[] = {
        [YAML_NULL] = "nothing",    [YAML_BOOL] = "true or false", [YAML_INT] = "an integer",
        [YAML_FLOAT] = "a decimal", [YAML_STRING] = "a string",    [YAML_LIST] = "a list",
        [YAML_MAP] = "a mapping",
    };
    return names[kind];
}

bool schema_is_scalar(const struct yaml_node *node)
{
    return node->kind != YAML_LIST && node->kind != YAML_MAP && node->kind != YAML_NULL;
}

struct place schema_place(const struct yaml_node *node, struct str path)
{
    return (struct place){path, node->line, node->column, node->of};
}

struct place schema_key_place(const struct yaml_node *node, struct str path)
{
    if (node->key_line == 0)
        return schema_place(node, path);
    return (struct place){path, node->key_line, node->key_column, node->of};
}

struct str schema_path(struct arena *a, struct str path, struct str key)
{
    return path.n ? arena_printf(a, STR_FMT "." STR_FMT, STR_ARG(path), STR_ARG(key)) : key;
}

static struct str index_path(struct arena *a, struct str path, size_t i)
{
    return arena_printf(a, STR_FMT "[%zu]", STR_ARG(path), i);
}

static size_t field_index(const struct shape *shape, struct str name)
{
    BUG_ON(shape->fields_n > FIELDS_MAX, "a shape has at most 64 fields");
    for (size_t i = 0; i < shape->fields_n; i++)
        if (str_eq_c(name, shape->fields[i].name))
            return i;
    return shape->fields_n;
}

bool shape_given(const struct shape *shape, const struct origin *origin, const char *field)
{
    size_t i = field_index(shape, str_c(field));
    BUG_ON(i == shape->fields_n, "only a field of the shape is asked for");
    return origin->given >> i & 1;
}

static size_t field_names(const struct shape *shape, struct str names[FIELDS_MAX])
{
    for (size_t i = 0; i < shape->fields_n; i++)
        names[i] = str_c(shape->fields[i].name);
    return shape->fields_n;
}

static void *slot_of(void *out, const struct field *f)
{
    return (char *)out + f->offset;
}

/* ---- defaults ---- */

static void put_defaults(struct decode *d, const struct shape *shape, uint64_t given, void *out)
{
    for (size_t i = 0; i < shape->fields_n; i++) {
        const struct field *f = &shape->fields[i];
        if (given >> i & 1)
            continue;
        if (f->type == FIELD_OBJECT)
            put_defaults(d, f->shape, 0, slot_of(out, f));
        else if (f->otherwise)
            schema_put_default(d, f, slot_of(out, f));
        else if (f->type == FIELD_MOMENT)
            ((struct moment *)slot_of(out, f))->at_ns = -1;
    }
}

/* ---- lists and maps of objects ---- */

static bool *objects_new(struct decode *d, const struct shape *shape, size_t n, struct objects *out)
{
    bool *ok = ARENA_NEW_ARRAY(d->arena, bool, n);
    *out = (struct objects){arena_alloc_array(d->arena, n, shape->size), n, ok};
    return ok;
}

bool schema_decode_list(struct decode *d, const struct field *f, const struct yaml_node *node,
                        struct str path, struct objects *out)
{
    bool single = (f->flags & FIELD_OR_ONE) && node->kind != YAML_LIST;
    if (node->kind != YAML_LIST && !single) {
        diag_add(d->diags, schema_place(node, path), "expected a list, not %s",
                 schema_kind_name(node->kind));
        return false;
    }
    size_t n = single ? 1 : node->count;
    if (n == 0 && (f->flags & FIELD_NON_EMPTY)) {
        diag_add(d->diags, schema_place(node, path), "must not be empty");
        return false;
    }
    bool *fine = objects_new(d, f->shape, n, out);
    bool ok = true;
    const struct yaml_node *item = single ? node : node->first;
    size_t own = 0; /* each file counts its own */
    for (size_t i = 0; item && i < n; i++, item = item->next) {
        struct str at = single ? path : index_path(d->arena, path, own);
        own = item->next && item->next->of == item->of ? own + 1 : 0;
        fine[i] = schema_decode_object(d, f->shape, item, at, (char *)out->v + i * f->shape->size);
        ok &= fine[i];
    }
    return ok;
}

static bool name_is_fine(struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && c != '_' && (i == 0 || ((c < '0' || c > '9') && c != '-')))
            return false;
    }
    return name.n > 0;
}

bool schema_decode_named(struct decode *d, const struct field *f, const struct yaml_node *node,
                         struct str path, struct objects *out)
{
    if (node->kind != YAML_MAP) {
        diag_add(d->diags, schema_place(node, path), "expected a mapping of names, not %s",
                 schema_kind_name(node->kind));
        return false;
    }
    if (node->count == 0 && (f->flags & FIELD_NON_EMPTY)) {
        diag_add(d->diags, schema_place(node, path), "must not be empty");
        return false;
    }
    bool *fine = objects_new(d, f->shape, node->count, out);
    bool ok = true;
    size_t i = 0;
    for (const struct yaml_node *item = node->first; item; item = item->next, i++) {
        struct str at = schema_path(d->arena, path, item->key);
        void *slot = (char *)out->v + i * f->shape->size;
        fine[i] = schema_decode_object(d, f->shape, item, at, slot);
        if (!name_is_fine(item->key)) {
            diag_add(d->diags, schema_key_place(item, at),
                     "a name begins with a letter and has letters, digits, - and _");
            fine[i] = false;
        }
        ok &= fine[i];
        ((struct origin *)slot)->name = item->key;
        ((struct origin *)slot)->place = schema_key_place(item, at);
    }
    return ok;
}

static bool decode_field(struct decode *d, const struct field *f, const struct yaml_node *node,
                         struct str path, void *slot)
{
    if (schema_is_reported(node))
        return false;
    switch (f->type) {
    case FIELD_OBJECT:
        return schema_decode_object(d, f->shape, node, path, slot);
    case FIELD_OBJECTS:
        return schema_decode_list(d, f, node, path, slot);
    case FIELD_NAMED:
        return schema_decode_named(d, f, node, path, slot);
    case FIELD_FAULT:
        return fault_decode(d, node, path, slot);
    case FIELD_MOMENT:
        return moment_decode(d, node, path, slot);
    case FIELD_NODE:
        *(const struct yaml_node **)slot = node;
        return true;
    default:
        return decode_scalar(d, f, node, path, slot);
    }
}

/* ---- one mapping ---- */

/* What was met while reading one mapping. */
struct reading {
    const struct yaml_node *choice; /* the first CHOICE field */
    uint64_t excused; /* fields that a misspelt one probably meant: not reported as missing */
};

bool schema_is_bent_key(const struct yaml_node *entry)
{
    static const char *const words[] = {"y", "n", "yes", "no", "on", "off"};
    for (size_t i = 0; entry->key_plain && i < ARRAY_LEN(words); i++)
        if (str_eq_nocase(entry->key, str_c(words[i])))
            return true;
    return false;
}

static void report_unknown(struct decode *d, const struct shape *shape,
                           const struct yaml_node *entry, struct str path, struct reading *r)
{
    struct str names[FIELDS_MAX];
    if (schema_is_bent_key(entry))
        return; /* reported as such */
    size_t n = field_names(shape, names);
    struct str meant = diag_suggest(entry->key, names, n);
    if (meant.n)
        r->excused |= UINT64_C(1) << field_index(shape, meant);
    struct str tail = diag_suggest_tail(d->arena, entry->key, names, n);
    diag_add(d->diags, schema_key_place(entry, path), "unknown field \"" STR_FMT "\"" STR_FMT,
             STR_ARG(entry->key), STR_ARG(tail));
}

static bool decode_entry(struct decode *d, const struct shape *shape, const struct yaml_node *entry,
                         struct str path, void *out, struct reading *r)
{
    size_t i = field_index(shape, entry->key);
    if (i == shape->fields_n) {
        report_unknown(d, shape, entry, path, r);
        return false;
    }
    const struct field *f = &shape->fields[i];
    ((struct origin *)out)->given |= UINT64_C(1) << i;
    if (f->flags & FIELD_CHOICE) {
        if (r->choice) {
            diag_add(d->diags, schema_key_place(entry, path),
                     "\"" STR_FMT "\" and \"" STR_FMT "\" exclude each other",
                     STR_ARG(r->choice->key), STR_ARG(entry->key));
            return false;
        }
        r->choice = entry;
    }
    return decode_field(d, f, entry, schema_path(d->arena, path, entry->key), slot_of(out, f));
}

static bool check_choice(struct decode *d, const struct shape *shape, struct place at,
                         const struct reading *r)
{
    struct buf names = {0};
    bool excused = r->choice != NULL;
    for (size_t i = 0; i < shape->fields_n; i++) {
        if (!(shape->fields[i].flags & FIELD_CHOICE))
            continue;
        buf_addf(&names, "%s%s", names.n ? ", " : "", shape->fields[i].name);
        excused |= r->excused >> i & 1;
    }
    if (names.n && !excused)
        diag_add(d->diags, at, "needs one of " STR_FMT, STR_ARG(buf_str(&names)));
    bool ok = names.n == 0 || r->choice;
    buf_free(&names);
    return ok;
}

static bool check_required(struct decode *d, const struct shape *shape, struct place at,
                           uint64_t given, const struct reading *r)
{
    bool ok = true;
    for (size_t i = 0; i < shape->fields_n; i++) {
        const struct field *f = &shape->fields[i];
        if (!(f->flags & FIELD_REQUIRED) || given >> i & 1)
            continue;
        ok = false;
        if (!(r->excused >> i & 1))
            diag_add(d->diags, at, "the field \"%s\" is missing", f->name);
    }
    return ok;
}

static bool decode_short(struct decode *d, const struct shape *shape, const struct yaml_node *node,
                         struct str path, void *out)
{
    size_t i = field_index(shape, str_c(shape->scalar));
    ((struct origin *)out)->given = UINT64_C(1) << i;
    put_defaults(d, shape, ((struct origin *)out)->given, out);
    struct reading none = {.excused = UINT64_MAX};
    bool ok = decode_field(d, &shape->fields[i], node, path, slot_of(out, &shape->fields[i]));
    return ok && check_required(d, shape, schema_place(node, path), UINT64_C(1) << i, &none);
}

/* "{time: ..., after: ...}": what it needs, or how it may begin. */
static struct str example_of(struct arena *a, const struct shape *shape)
{
    struct buf text = {0};
    size_t needed = 0;
    for (size_t i = 0; i < shape->fields_n; i++)
        needed += (shape->fields[i].flags & FIELD_REQUIRED) != 0;
    buf_add_char(&text, '{');
    for (size_t i = 0, listed = 0; i < shape->fields_n && (needed || listed < 2); i++) {
        if (needed && !(shape->fields[i].flags & FIELD_REQUIRED))
            continue;
        buf_addf(&text, "%s%s: ...", listed++ ? ", " : "", shape->fields[i].name);
    }
    buf_add_char(&text, '}');
    struct str said = arena_str(a, buf_str(&text));
    buf_free(&text);
    return said;
}

bool schema_decode_object(struct decode *d, const struct shape *shape, const struct yaml_node *node,
                          struct str path, void *out)
{
    struct origin *origin = out;
    origin->place = schema_place(node, path);
    if (schema_is_reported(node)) {
        put_defaults(d, shape, 0, out);
        return false;
    }
    if (shape->scalar && schema_is_scalar(node))
        return decode_short(d, shape, node, path, out);
    if (node->kind != YAML_MAP) {
        diag_add(d->diags, schema_place(node, path),
                 "expected a mapping such as " STR_FMT ", not %s",
                 STR_ARG(example_of(d->arena, shape)), schema_kind_name(node->kind));
        put_defaults(d, shape, 0, out);
        return false;
    }
    struct reading r = {0};
    bool ok = true;
    for (const struct yaml_node *entry = node->first; entry; entry = entry->next)
        ok &= decode_entry(d, shape, entry, path, out, &r);
    ok &= check_choice(d, shape, origin->place, &r);
    ok &= check_required(d, shape, origin->place, origin->given, &r);
    put_defaults(d, shape, origin->given, out);
    return ok;
}
