/* A run of a scenario as a file that says it all. */
#include "sim/scenario/shrink/freeze.h"

#include "sim/scenario/language/scenario.h"
#include "sim/scenario/shrink/tree.h"

/* What the seed has drawn becomes the timeline. */
static struct err *put_drawn(struct arena *a, const struct freeze_request *q, struct str expanded,
                             struct tree *root)
{
    struct diags diags;
    struct yaml_node *faults;
    struct buf text = {0};
    struct plan_request request = {.profile = q->profile,
                                   .policies = q->policies,
                                   .policies_n = q->policies_n,
                                   .seed = q->seed};
    struct scenario *s = scenario_load(a, q->file, expanded, &diags); /* templates are put in */
    const struct plan *plan = s && diags.n == 0 ? scenario_plan(a, s, &request, &diags) : NULL;
    if (!plan) {
        diags_print(&diags, &text);
        struct err *err =
            err_new(ERR_INVALID, "with everything put in, it is no scenario: " STR_FMT,
                    STR_ARG(buf_str(&text)));
        buf_free(&text);
        return err;
    }
    scenario_freeze_faults(plan, &text);
    struct err *err = yaml_parse(a, STR("faults"), arena_str(a, buf_str(&text)), &faults);
    buf_free(&text);
    if (err)
        return err;
    struct tree *drawn = tree_get(tree_of(a, faults), "faults");
    struct tree *old = tree_get(root, "faults"), *chaos = tree_get(root, "chaos");
    if (chaos)
        chaos->hidden = true;
    if (old)
        old->hidden = true;
    if (drawn)
        tree_adopt(root, drawn);
    return NULL;
}

static void put_policies(struct arena *a, const struct freeze_request *q, struct tree *root)
{
    struct tree *policies = tree_get(root, "policies");
    if (!policies && q->policies_n)
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
    struct str text = arena_str(a, buf_str(&expanded));
    buf_free(&expanded);
    buf_free(&errors);
    if (!err)
        err = yaml_parse(a, q->file, text, &node);
    if (err)
        return err;
    struct tree *root = tree_of(a, node);
    struct tree *seeds = tree_get(root, "seeds");
    bool draws = tree_get(root, "chaos") || (seeds && tree_get(seeds, "swarm"));
    if (draws)
        err = put_drawn(a, q, text, root);
    if (err)
        return err;
    if (seeds)
        seeds->hidden = true;
    seeds = tree_set(a, root, "seeds", YAML_MAP, str_empty);
    struct str seed = arena_printf(a, "%llu", (unsigned long long)q->seed);
    tree_set(a, seeds, "first", YAML_INT, seed);
    tree_set(a, seeds, "count", YAML_INT, STR("1"));
    if (q->profile.n)
        tree_set(a, root, "profile", YAML_STRING, q->profile)->plain = true;
    put_policies(a, q, root);
    put_in_order(root);
    tree_write(root, out);
    return NULL;
}
