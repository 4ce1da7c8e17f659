/* How large values may be by their schema: its bounds, or what a request of the largest size can hold. */
#include "sim/kubeapi/cel/cel_sizes.h"
#include "sim/kubeapi/types/formats.h"
#include "sim/kubeapi/types/rules.h"

#define REQUEST_BYTES UINT64_C(3145728)
#define TIME_BYTES    32u /* the longest date-time or duration, with its quotation marks */
#define DATE_BYTES    12u
#define UTF8_BYTES    4u /* bounds of schemas count code points, requests count bytes */

static struct str format_of(const struct type *t)
{
    return t->kind == TYPE_STRING && t->rules && t->rules->format ? format_name(t->rules->format)
                                                                  : str_empty;
}

static bool has_default(const struct type *t, struct str name)
{
    const struct type_field *f = type_field_find(t, name);
    return !f || f->default_json.n > 0;
}

/* An object holds its members that have to be there; others may be left out. */
static uint64_t object_bytes(const struct type *t)
{
    uint64_t n = 2;
    for (size_t i = 0; t->rules && i < t->rules->required_n; i++) {
        struct str name = t->rules->required[i];
        const struct type_field *f = type_field_find(t, name);
        if (!has_default(t, name) && f->type->kind != TYPE_ANY)
            n = cel_add(n, name.n + 4 + cel_schema_bytes_min(f->type));
    }
    return n;
}

uint64_t cel_schema_bytes_min(const struct type *t)
{
    struct str format = format_of(t);
    switch (t->kind) {
    case TYPE_OBJECT:
        return object_bytes(t);
    case TYPE_BOOL:
        return 4;
    case TYPE_LIST:
    case TYPE_MAP:
        return 2;
    case TYPE_STRING:
        return str_eq_c(format, "duration")    ? 3
               : str_eq_c(format, "date")      ? DATE_BYTES
               : str_eq_c(format, "date-time") ? 21
                                               : 2;
    default:
        return 1;
    }
}

uint64_t cel_schema_count_max(const struct type *t)
{
    return REQUEST_BYTES / cel_add(cel_schema_bytes_min(t), 1);
}

static uint64_t longest_choice(const cJSON *list)
{
    size_t n = 0;
    for (const cJSON *c = list->child; c; c = c->next)
        n = json_string(c).n > n ? json_string(c).n : n;
    return n;
}

static uint64_t bound(int64_t given)
{
    return given < 0 ? 0 : (uint64_t)given;
}

static uint64_t text_max(const struct type *t)
{
    const struct type_rules *r = t->rules;
    struct str format = format_of(t);
    bool bytes = str_eq_c(format, "byte");
    if (str_eq_c(format, "duration") || str_eq_c(format, "date-time"))
        return TIME_BYTES;
    if (str_eq_c(format, "date"))
        return DATE_BYTES;
    if (r && (r->has & RULE_MAX_LENGTH))
        return cel_times(bound(r->max_length), bytes ? 1 : UTF8_BYTES);
    if (r && r->enumeration && t->kind == TYPE_STRING && !bytes)
        return longest_choice(r->enumeration);
    return REQUEST_BYTES - 2;
}

static uint64_t size_max(const struct type *t)
{
    const struct type_rules *r = t->rules;
    switch (t->kind) {
    case TYPE_STRING:
    case TYPE_INT_OR_STRING:
        return text_max(t);
    case TYPE_LIST:
        if (r && (r->has & RULE_MAX_ITEMS))
            return bound(r->max_items);
        return (REQUEST_BYTES - 2) / cel_add(cel_schema_bytes_min(t->items), 1);
    case TYPE_MAP:
        if (r && (r->has & RULE_MAX_PROPERTIES))
            return bound(r->max_properties);
        return (REQUEST_BYTES - 2) / cel_add(cel_schema_bytes_min(t->items), 6);
    default: /* objects and scalars have none */
        return 0;
    }
}

/* What is below t by one name; NULL: nothing that rules can see. */
static const struct type *below(struct arena *a, const struct type *t, struct str name)
{
    static const struct type key = {.kind = TYPE_BOOL}; /* of no size, as the original has it */
    bool list = t->kind == TYPE_LIST, map = t->kind == TYPE_MAP;
    if (str_eq_c(name, "@items") || str_eq_c(name, "@values"))
        return list || map ? t->items : NULL;
    if (str_eq_c(name, "@keys"))
        return map ? &key : NULL;
    if (t->kind != TYPE_OBJECT)
        return NULL;
    const struct cel_type *self = cel_type_of(a, t, true);
    const struct cel_type *f = cel_type_field(a, self, name);
    return f ? type_field_find(t, cel_unescape(a, name))->type : NULL;
}

static const struct type *find(struct arena *a, const struct type *root, const struct cel_step *at)
{
    if (!at->up)
        return root;
    const struct type *t = find(a, root, at->up);
    return t ? below(a, t, at->name) : NULL;
}

bool cel_size_at(struct arena *a, const struct type *root, const struct cel_step *at, uint64_t *out)
{
    const struct type *t = root && at ? find(a, root, at) : NULL;
    if (t)
        *out = size_max(t);
    return t != NULL;
}
