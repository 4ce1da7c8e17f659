#include "sim/kubeapi/types/gotext.h"

#include <stdlib.h>

static int by_name(const void *x, const void *y)
{
    const cJSON *const *a = x, *const *b = y;
    return strcmp((*a)->string, (*b)->string);
}

static void print_map(struct buf *out, const cJSON *v)
{
    struct arena scratch = {0};
    size_t n = 0;
    for (const cJSON *c = v->child; c; c = c->next)
        n++;
    const cJSON **members = ARENA_NEW_ARRAY(&scratch, const cJSON *, n + 1);
    n = 0;
    for (const cJSON *c = v->child; c; c = c->next)
        members[n++] = c;
    qsort(members, n, sizeof(const cJSON *), by_name);
    buf_add_c(out, "map[");
    for (size_t i = 0; i < n; i++) {
        buf_addf(out, "%s%s:", i ? " " : "", members[i]->string);
        gotext_print(out, members[i]);
    }
    buf_add_char(out, ']');
    arena_free(&scratch);
}

void gotext_print(struct buf *out, const cJSON *v)
{
    if (v->type == cJSON_NULL) {
        buf_add_c(out, "<nil>");
    } else if (v->type == cJSON_String) {
        buf_add_c(out, v->valuestring);
    } else if (v->type == cJSON_Object) {
        print_map(out, v);
    } else if (v->type == cJSON_Array) {
        buf_add_char(out, '[');
        for (const cJSON *c = v->child; c; c = c->next) {
            if (c != v->child)
                buf_add_char(out, ' ');
            gotext_print(out, c);
        }
        buf_add_char(out, ']');
    } else {
        json_write(out, v);
    }
}

const char *gotext_type(const cJSON *v)
{
    int64_t i;
    switch (v->type) {
    case cJSON_String:
        return "string";
    case cJSON_True:
    case cJSON_False:
        return "bool";
    case cJSON_Object:
        return "map[string]interface {}";
    case cJSON_Array:
        return "[]interface {}";
    case cJSON_NULL:
        return "<nil>";
    default:
        return json_int(v, &i) ? "int64" : "float64";
    }
}
