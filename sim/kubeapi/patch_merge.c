/* RFC 7386. Iterative over an explicit stack: the patch's depth is bounded by the parser, but it is a client's. */
#include "sim/kubeapi/api_internal.h"

struct merge_frame {
    cJSON *target;
    const cJSON *next; /* member of the patch to do next */
};

void api_patch_merge_apply(struct arena *a, cJSON *tree, const cJSON *patch)
{
    struct merge_frame stack[JSON_DEPTH_MAX + 1];
    size_t depth = 1;
    BUG_ON(tree->type != cJSON_Object || patch->type != cJSON_Object, "objects are merged");
    stack[0] = (struct merge_frame){tree, patch->child};
    while (depth > 0) {
        struct merge_frame *f = &stack[depth - 1];
        const cJSON *p = f->next;
        if (!p) {
            depth--;
            continue;
        }
        f->next = p->next;
        struct str key = str_c(p->string);
        if (p->type == cJSON_NULL) {
            (void)json_unset(f->target, key);
            continue;
        }
        if (p->type != cJSON_Object) {
            json_set(a, f->target, key, json_copy(a, p));
            continue;
        }
        cJSON *child = json_get_str(f->target, key);
        if (!child || child->type != cJSON_Object) {
            child =
                json_object(a); /* nulls of the patch must not get in: merge into an empty one */
            json_set(a, f->target, key, child);
        }
        BUG_ON(depth > JSON_DEPTH_MAX, "the parser bounds the depth");
        stack[depth++] = (struct merge_frame){child, p->child};
    }
}
