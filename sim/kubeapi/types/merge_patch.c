/* RFC 7386. Iterative over an explicit stack: the patch's depth is bounded by the parser, but it is a client's. */
#include "sim/kubeapi/types/json_patch.h"
#include "sim/kubeapi/types/members.h"

struct merge_frame {
    struct members target;
    const cJSON *next; /* member of the patch to do next */
};

void json_patch_merge(struct arena *a, cJSON *tree, const cJSON *patch)
{
    struct merge_frame stack[JSON_DEPTH_MAX + 1];
    size_t depth = 1;
    BUG_ON(tree->type != cJSON_Object || patch->type != cJSON_Object, "objects are merged");
    members_init(&stack[0].target, tree);
    stack[0].next = patch->child;
    while (depth > 0) {
        struct merge_frame *f = &stack[depth - 1];
        const cJSON *p = f->next;
        if (!p) {
            members_free(&f->target);
            depth--;
            continue;
        }
        f->next = p->next;
        struct str key = str_c(p->string);
        if (p->type == cJSON_NULL) {
            members_unset(&f->target, key);
            continue;
        }
        if (p->type != cJSON_Object) {
            members_set(a, &f->target, key, json_copy(a, p));
            continue;
        }
        cJSON *child = members_get(&f->target, key);
        if (!child || child->type != cJSON_Object) {
            child =
                json_object(a); /* nulls of the patch must not get in: merge into an empty one */
            members_set(a, &f->target, key, child);
        }
        BUG_ON(depth > JSON_DEPTH_MAX, "the parser bounds the depth");
        members_init(&stack[depth].target, child);
        stack[depth++].next = p->child;
    }
}
