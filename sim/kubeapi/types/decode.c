/* The walk over objects, lists and maps. */
#include "sim/kubeapi/types/decode_internal.h"

#include <stdlib.h>

/* The members of one object that were seen: types have fewer fields than bits. */
typedef uint64_t field_set;

static bool decode_value(struct walk *w, const struct place *p, const struct type *t, cJSON *v);

static void unlink_child(cJSON *parent, cJSON *c)
{
    if (c == parent->child) {
        parent->child = c->next;
        if (c->next)
            c->next->prev = c->prev; /* the first one's prev is the last */
    } else {
        c->prev->next = c->next;
        if (c->next)
            c->next->prev = c->prev;
        else
            parent->child->prev = c->prev;
    }
    c->next = c->prev = NULL;
}

static void become(cJSON *v, const cJSON *value)
{
    v->type = value->type;
    v->child = value->child;
    v->valuestring = value->valuestring;
    v->valueint = value->valueint;
}

/* ---- what is empty, what is always there ---- */

static bool number_is_zero(const char *text)
{
    for (const char *c = text; *c; c++)
        if (*c != '0' && *c != '-')
            return false;
    return true;
}

bool type_is_empty(const struct type_field *f, const cJSON *v)
{
    switch (f->type->kind) {
    case TYPE_LIST:
    case TYPE_MAP:
        return !v->child && (v->type == cJSON_Array || v->type == cJSON_Object);
    case TYPE_STRING:
        return !(f->flags & FIELD_POINTER) && v->type == cJSON_String && v->valuestring[0] == '\0';
    case TYPE_BYTES:
        return v->type == cJSON_String && v->valuestring[0] == '\0';
    case TYPE_BOOL:
        return !(f->flags & FIELD_POINTER) && v->type == cJSON_False;
    case TYPE_INT32:
    case TYPE_INT64:
    case TYPE_INTEGER:
    case TYPE_INT_OR_STRING:
        return !(f->flags & FIELD_POINTER) && v->type == cJSON_Raw &&
               number_is_zero(v->valuestring);
    default:
        return false;
    }
}

/* The value that a member has when nothing was said. */
static cJSON *type_zero(struct arena *a, const struct type_field *f)
{
    if (f->flags & FIELD_POINTER)
        return json_null(a);
    switch (f->type->kind) {
    case TYPE_OBJECT:
        return json_object(a);
    case TYPE_STRING:
        return json_str(a, str_empty);
    case TYPE_BOOL:
        return json_bool_new(a, false);
    case TYPE_INT32:
    case TYPE_INT64:
    case TYPE_INTEGER:
    case TYPE_NUMBER:
    case TYPE_INT_OR_STRING:
        return json_int_new(a, 0);
    case TYPE_QUANTITY:
        return json_str(a, STR("0"));
    default:
        return json_null(a);
    }
}

static void fill(struct arena *a, const struct type *t, cJSON *object, field_set seen)
{
    for (size_t i = 0; i < t->fields_n; i++) {
        const struct type_field *f = &t->fields[i];
        if (!(f->flags & FIELD_ALWAYS) || seen & (field_set)1 << i)
            continue;
        cJSON *v = type_zero(a, f);
        json_add(a, object, f->name, v);
        if (v->type == cJSON_Object)
            fill(a, f->type, v, 0);
    }
}

void type_fill(struct arena *a, const struct type *t, cJSON *object)
{
    field_set seen = 0;
    BUG_ON(t->kind != TYPE_OBJECT || t->fields_n > 64, "an object type of at most 64 fields");
    for (cJSON *c = object->child; c; c = c->next) {
        const struct type_field *f = type_field_find(t, str_c(c->string));
        if (!f)
            continue;
        seen |= (field_set)1 << (f - t->fields);
        if (f->type->kind == TYPE_OBJECT && c->type == cJSON_Object)
            type_fill(a, f->type, c);
    }
    fill(a, t, object, seen);
}

/* ---- complaints ---- */

static void add_path(struct buf *out, const struct place *p)
{
    if (!p)
        return;
    add_path(out, p->up);
    if (p->index >= 0) {
        buf_addf(out, "[%td]", p->index);
        return;
    }
    if (out->n > 0)
        buf_add_char(out, '.');
    buf_add(out, p->name);
}

static bool told_before(const struct decode_report *r, struct str text)
{
    for (size_t i = 0; i < r->strict_n; i++)
        if (str_eq(r->strict[i], text))
            return true;
    return false;
}

static void type_decode_complain(struct walk *w, const char *what, const struct place *p,
                                 struct str key)
{
    struct decode_report *r = w->report;
    struct buf path = {0}, text = {0};
    const struct place here = {p, key, -1, false};
    if (w->silent || r->strict_n == DECODE_STRICT_MAX)
        return;
    add_path(&path, &here);
    buf_addf(&text, "%s field ", what);
    json_write_string(&text, buf_str(&path));
    if (!told_before(r, buf_str(&text))) {
        if (!r->strict) {
            r->strict = ARENA_NEW_ARRAY(w->a, struct str, DECODE_STRICT_MAX);
            r->strict_keys = ARENA_NEW_ARRAY(w->a, const char *, DECODE_STRICT_MAX);
        }
        r->strict_keys[r->strict_n] = key.p;
        r->strict[r->strict_n++] = arena_str(w->a, buf_str(&text));
    }
    buf_free(&path);
    buf_free(&text);
}

static void complain_of_duplicates(struct walk *w, const struct place *p, const struct type *t,
                                   const cJSON *object)
{
    const struct json_duplicates *d = w->report->duplicates;
    for (size_t i = 0; d && i < d->n; i++)
        if (d->at[i].in == object &&
            (!t || t->kind != TYPE_OBJECT || type_field_find(t, d->at[i].key)))
            type_decode_complain(w, "duplicate", p, d->at[i].key);
}

/* Keys that were met while reading stand behind each other in memory: that is the order of the text. */
static void order_complaints(struct decode_report *r)
{
    if (!r->duplicates || r->duplicates->n == 0)
        return;
    for (size_t i = 1; i < r->strict_n; i++) {
        for (size_t j = i; j > 0 && r->strict_keys[j - 1] > r->strict_keys[j]; j--) {
            struct str text = r->strict[j];
            const char *key = r->strict_keys[j];
            r->strict[j] = r->strict[j - 1];
            r->strict_keys[j] = r->strict_keys[j - 1];
            r->strict[j - 1] = text;
            r->strict_keys[j - 1] = key;
        }
    }
}

bool type_decode_fail(struct walk *w, struct str text)
{
    w->report->error = text;
    return false;
}

static void add_field_path(struct buf *out, const struct place *p, size_t from)
{
    if (!p)
        return;
    add_field_path(out, p->up, from);
    if (p->index >= 0 || p->in_map)
        return;
    if (out->n > from)
        buf_add_char(out, '.');
    buf_add(out, p->name);
}

static struct str package_of(struct str name)
{
    struct str head, tail, package = str_empty;
    while (str_cut(name, '.', &head, &tail)) {
        package = head;
        name = tail;
    }
    return package;
}

/* "v1.PodSpec", "[]string", "map[string]string". The field may be NULL. */
static void type_go_name(const struct type *t, const struct type_field *f, struct buf *out)
{
    static const char *const names[] = {
        [TYPE_STRING] = "string",
        [TYPE_BOOL] = "bool",
        [TYPE_INT32] = "int32",
        [TYPE_INT64] = "int64",
        [TYPE_INTEGER] = "int64",
        [TYPE_NUMBER] = "float64",
        [TYPE_QUANTITY] = "resource.Quantity",
        [TYPE_INT_OR_STRING] = "intstr.IntOrString",
        [TYPE_TIME] = "v1.Time",
        [TYPE_MICRO_TIME] = "v1.MicroTime",
        [TYPE_DURATION] = "v1.Duration",
        [TYPE_BYTES] = "[]uint8",
        [TYPE_RAW] = "runtime.RawExtension",
        [TYPE_FIELDS_V1] = "v1.FieldsV1",
    };
    if (t->kind == TYPE_LIST || t->kind == TYPE_MAP) {
        if (t->kind == TYPE_MAP && t->items->kind == TYPE_QUANTITY) {
            buf_add_c(out, "v1.ResourceList"); /* the one map with a name of its own */
            return;
        }
        buf_add_c(out, t->kind == TYPE_LIST ? "[]" : "map[string]");
        type_go_name(t->items, f, out);
    } else if (t->kind == TYPE_OBJECT || t->kind == TYPE_ANY) {
        struct str package = package_of(t->name), name = type_short_name(t);
        buf_addf(out, STR_FMT "." STR_FMT, STR_ARG(package), STR_ARG(name));
    } else {
        buf_add_c(out, t->kind == TYPE_STRING && f && f->go_type ? f->go_type : names[t->kind]);
    }
}

static const char *json_name(const cJSON *v)
{
    switch (v->type) {
    case cJSON_String:
        return "string";
    case cJSON_Raw:
        return "number";
    case cJSON_Object:
        return "object";
    case cJSON_Array:
        return "array";
    default:
        return "bool";
    }
}

void type_decode_mismatch(struct walk *w, const struct place *p, const struct type *t,
                          const cJSON *v, const char *instead)
{
    if (w->saved.n > 0)
        return;
    struct buf b = {0};
    buf_addf(&b, "json: cannot unmarshal %s", json_name(v));
    if (v->type == cJSON_Raw && (t->kind == TYPE_INT32 || t->kind == TYPE_INT64 || instead))
        buf_addf(&b, " %s", v->valuestring);
    struct str object = type_short_name(w->object);
    buf_addf(&b, " into Go struct field " STR_FMT ".", STR_ARG(object));
    add_field_path(&b, p, b.n);
    buf_add_c(&b, " of type ");
    if (instead)
        buf_add_c(&b, instead);
    else
        type_go_name(t, w->at, &b);
    w->saved = arena_str(w->a, buf_str(&b));
    buf_free(&b);
}

/* ---- the walk ---- */

static bool decode_member(struct walk *w, const struct place *p, const struct type *t,
                          cJSON *object, cJSON *c, field_set *seen)
{
    struct str key = str_c(c->string);
    const struct type_field *f = type_field_find(t, key);
    if (!f) {
        type_decode_complain(w, "unknown", p, key);
        unlink_child(object, c);
        return true;
    }
    if (c->type == cJSON_NULL) {
        unlink_child(object, c);
        return true;
    }
    const struct place here = {p, key, -1, false};
    w->at = f;
    w->object = t;
    if (!decode_value(w, &here, f->type, c))
        return false;
    if (c->type == cJSON_NULL || (!(f->flags & FIELD_ALWAYS) && type_is_empty(f, c)))
        unlink_child(object, c);
    else
        *seen |= (field_set)1 << (f - t->fields);
    return true;
}

static bool decode_object(struct walk *w, const struct place *p, const struct type *t, cJSON *v)
{
    field_set seen = 0;
    const struct type_field *at = w->at;
    const struct type *object = w->object;
    BUG_ON(t->fields_n > 64, "an object type of at most 64 fields");
    complain_of_duplicates(w, p, t, v);
    for (cJSON *c = v->child, *next; c; c = next) {
        next = c->next;
        if (!decode_member(w, p, t, v, c, &seen))
            return false;
    }
    fill(w->a, t, v, seen);
    w->at = at;
    w->object = object;
    return true;
}

/* null in a list or map is the zero value. */
static void zero_item(struct walk *w, const struct type *t, cJSON *v)
{
    const struct type_field like = {.type = t};
    cJSON *zero = type_zero(w->a, &like);
    if (v->type != cJSON_NULL)
        return;
    if (zero->type == cJSON_Object)
        fill(w->a, t, zero, 0);
    become(v, zero);
}

static bool decode_list(struct walk *w, const struct place *p, const struct type *t, cJSON *v)
{
    struct place here = {p, str_empty, 0, false};
    for (cJSON *c = v->child; c; c = c->next, here.index++) {
        if (c->type == cJSON_NULL)
            zero_item(w, t->items, c);
        else if (!decode_value(w, &here, t->items, c))
            return false;
    }
    return true;
}

static bool decode_map(struct walk *w, const struct place *p, const struct type *t, cJSON *v)
{
    struct place here = {p, str_empty, -1, true};
    complain_of_duplicates(w, p, t, v);
    for (cJSON *c = v->child; c; c = c->next) {
        if (c->type == cJSON_String && t->items->kind == TYPE_STRING)
            continue; /* most maps */
        here.name = str_c(c->string);
        if (c->type == cJSON_NULL)
            zero_item(w, t->items, c);
        else if (!decode_value(w, &here, t->items, c))
            return false;
    }
    return true;
}

/* JSONSchemaPropsOrBool and its like read themselves: what is unknown in them goes without a word, and paths begin anew. */
static bool decode_any(struct walk *w, const struct place *p, const struct type *t, cJSON *v)
{
    bool ok = true;
    if (!t->items)
        return true;
    w->silent++;
    if (v->type == cJSON_Object)
        ok = decode_object(w, NULL, t->items, v);
    for (cJSON *c = v->type == cJSON_Array ? v->child : NULL; ok && c; c = c->next)
        if (c->type == cJSON_Object)
            ok = decode_object(w, NULL, t->items, c);
    w->silent--;
    return ok;
}

static bool decode_value(struct walk *w, const struct place *p, const struct type *t, cJSON *v)
{
    int wanted = t->kind == TYPE_LIST ? cJSON_Array : cJSON_Object;
    switch (t->kind) {
    case TYPE_OBJECT:
    case TYPE_LIST:
    case TYPE_MAP:
        if (v->type != wanted) {
            type_decode_mismatch(w, p, t, v, NULL);
            return true;
        }
        return t->kind == TYPE_OBJECT ? decode_object(w, p, t, v)
               : t->kind == TYPE_LIST ? decode_list(w, p, t, v)
                                      : decode_map(w, p, t, v);
    case TYPE_ANY:
        return decode_any(w, p, t, v);
    default:
        return type_decode_scalar(w, p, t, v);
    }
}

bool type_decode(struct arena *a, const struct type *t, cJSON *tree, struct decode_report *report)
{
    struct walk w = {.a = a, .report = report, .object = t, .saved = str_empty};
    BUG_ON(t->kind != TYPE_OBJECT || tree->type != cJSON_Object, "an object is decoded");
    report->strict_n = 0;
    report->error = str_empty;
    if (!decode_object(&w, NULL, t, tree))
        return false;
    if (w.saved.n > 0)
        return type_decode_fail(&w, w.saved);
    order_complaints(report);
    return true;
}

/* ---- trees without a type ---- */

static void untyped(struct walk *w, const struct place *p, const cJSON *v)
{
    struct place here = {p, str_empty, v->type == cJSON_Array ? 0 : -1, false};
    if (v->type != cJSON_Object && v->type != cJSON_Array)
        return;
    complain_of_duplicates(w, p, NULL, v);
    for (const cJSON *c = v->child; c; c = c->next) {
        if (v->type == cJSON_Object)
            here.name = str_c(c->string);
        untyped(w, &here, c);
        here.index += v->type == cJSON_Array;
    }
}

void type_untyped_duplicates(struct arena *a, const cJSON *tree, struct decode_report *report)
{
    struct walk w = {.a = a, .report = report};
    if (report->duplicates && report->duplicates->n > 0)
        untyped(&w, NULL, tree);
    order_complaints(report);
}
