/* Can a patched map become a typed object? With the texts of Go's conversion from maps. */
#include "sim/kubeapi/types/gotext.h"
#include "sim/kubeapi/types/strategic.h"
#include "sim/kubeapi/types/typed.h"

static const char *go_kind(const cJSON *v)
{
    switch (v->type) {
    case cJSON_Object:
        return "map";
    case cJSON_Array:
        return "slice";
    default:
        return gotext_type(v);
    }
}

static const char *scalar_name(enum type_kind kind)
{
    switch (kind) {
    case TYPE_STRING:
        return "string";
    case TYPE_BOOL:
        return "bool";
    case TYPE_INT32:
        return "int32";
    case TYPE_INT64:
        return "int64";
    case TYPE_NUMBER:
        return "float64";
    default:
        return NULL; /* these convert by rules of their own */
    }
}

static struct err *check_scalar(const struct type *t, const cJSON *v)
{
    const char *name = scalar_name(t->kind);
    bool number = json_is_number(v), numeric = t->kind != TYPE_STRING && t->kind != TYPE_BOOL;
    bool ok = t->kind == TYPE_STRING ? v->type == cJSON_String
              : t->kind == TYPE_BOOL ? v->type == cJSON_True || v->type == cJSON_False
                                     : number;
    if (!name || ok)
        return NULL;
    if (number && !numeric && t->kind == TYPE_STRING) /* Go would convert a number to a letter */
        return err_new(ERR_UNPROCESSABLE, "cannot convert %s to %s", gotext_type(v), name);
    return err_new(ERR_UNPROCESSABLE, "unrecognized type: %s", name);
}

struct err *strategic_check(const struct type *t, const cJSON *v)
{
    const struct type_field *f;
    struct err *err = NULL;
    if (!t || v->type == cJSON_NULL)
        return NULL;
    switch (t->kind) {
    case TYPE_OBJECT:
    case TYPE_MAP:
        if (v->type != cJSON_Object)
            return t->kind == TYPE_OBJECT
                       ? err_new(ERR_UNPROCESSABLE, "cannot restore struct from: %s", go_kind(v))
                       : err_new(ERR_UNPROCESSABLE, "cannot restore map from %s", go_kind(v));
        for (const cJSON *c = v->child; c && !err; c = c->next)
            err = strategic_check(typed_member(t, str_c(c->string), &f), c);
        return err;
    case TYPE_LIST:
        if (v->type != cJSON_Array)
            return err_new(ERR_UNPROCESSABLE, "cannot restore slice from %s", go_kind(v));
        for (const cJSON *c = v->child; c && !err; c = c->next)
            err = strategic_check(t->items, c);
        return err;
    default:
        return check_scalar(t, v);
    }
}
