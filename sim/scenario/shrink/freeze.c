/* A run of a scenario as a file that says it all. */
#include "sim/scenario/shrink/freeze.h"

#include "sim/scenario/language/scenario.h"
#include "sim/scenario/shrink/tree.h"

static void put_policies(struct arena *a, const struct freeze_request *q, struct tree *root)
{
    if (q->policies_n == 0)
        return;
    struct tree *policies = tree_get(root, "policies");
    if (!policies)
        policies = tree_set(a, root, "policies", YAML_MAP, str_empty);
    for (size_t i = 0; i < q->policies_n; i++) {
        struct str name, value;
        (void)str_cut(q->policies[i], '=', &name, &value);
        tree_set(a, policies, arena_c(a, name), YAML_STRING, value)->plain = true;
    }
}

/* What the run is comes first, then what there is, what happens and what must hold. */
static void put_in_order(struct tree *root)
{
    static const char *const first[] = {"scenario", "name",     "doc",   "tags",     "profile",
                                        "seeds",    "policies", "clock", "topology", "steps",
                                        "faults",   "quiet",    "assert"};
    struct tree *rest = root->first, **end = &root->first;
    for (size_t i = 0; i < ARRAY_LEN(first); i++)
        for (struct tree **at = &rest; *at;) {
            struct tree *found = *at;
            if (!str_eq_c(found->key, first[i])) {
                at = &found->next;
                continue;
            }
            *at = found->next;
            *end = found;
            end = &found->next;
        }
    *end = rest;
}

struct err *shrink_freeze(struct arena *a, const struct freeze_request *q, struct buf *out)
{
    struct buf expanded = {0}, errors = {0};
    struct yaml_node *node;
    struct err *err = NULL;
    struct expand_request request = {.case_filter = q->case_filter,
                                     .profile = q->profile,
                                     .sets = q->sets,
                                     .sets_n = q->sets_n,
                                     .has_seed = true,
                                     .seed = q->seed,
                                     .files = q->files};
    if (!scenario_expand(q->file, q->bytes, &request, &expanded, &errors))
        err = err_new(ERR_INVALID, STR_FMT, STR_ARG(buf_str(&errors)));
    else
        err = yaml_parse(a, q->file, arena_str(a, buf_str(&expanded)), &node);
    buf_free(&expanded);
    buf_free(&errors);
    if (err)
        return err;
    struct tree *root = tree_of(a, node);
    put_policies(a, q, root);
    put_in_order(root);
    tree_write(root, out);
    return NULL;
}
