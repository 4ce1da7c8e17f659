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

/* The plan of what has been expanded: templates are put in. */
static struct err *make_plan(struct arena *a, const struct freeze_request *q, struct str expanded,
                             struct plan **out)
{
    struct diags diags;
    struct scenario *s = scenario_load(a, q->file, expanded, &diags);
    bool fine = s && diags.n == 0;
    struct plan_request request = {.profile = q->profile,
                                   .policies = q->policies,
                                   .policies_n = q->policies_n,
                                   .seed = fine && q->first_seed ? s->seeds.first : q->seed};
    *out = fine ? scenario_plan(a, s, &request, &diags) : NULL;
    if (*out)
        return NULL;
    struct buf text = {0};
    diags_print(&diags, &text);
    struct err *err = err_new(ERR_INVALID, "with everything put in, it is no scenario: " STR_FMT,
                              STR_ARG(buf_str(&text)));
    buf_free(&text);
    return err;
}

/* The fault that has points becomes the crash at one of them. */
static struct err *put_point(struct arena *a, const struct freeze_request *q, struct str expanded,
                             struct tree *root)
{
    struct yaml_node *section;
    struct buf text = {0};
    struct plan *plan;
    struct err *err = make_plan(a, q, expanded, &plan);
    if (!err)
        err = q->strike(a, plan, q->point);
    if (err)
        return err;
    scenario_freeze_faults(plan, &text);
    err = yaml_parse(a, STR("faults"), arena_str(a, buf_str(&text)), &section);
    BUG_ON(err, "what is frozen is YAML");
    buf_free(&text);
    struct tree *faults = tree_get(root, "faults");
    BUG_ON(!faults, "a plan that has points has faults");
    faults->first = tree_get(tree_of(a, section), "faults")->first;
    for (struct tree *t = faults->first; t; t = t->next)
        t->parent = faults;
    return NULL;
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
                                     .has_seed = !q->first_seed,
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
    err = q->point ? put_point(a, q, text, root) : NULL;
    if (err)
        return err;
    put_policies(a, q, root);
    put_in_order(root);
    tree_write(root, out);
    return NULL;
}
