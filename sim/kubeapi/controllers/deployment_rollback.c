/* Back to an earlier template, as the annotation deprecated.deployment.rollback.to asks: "0" is the one before. */
#include "sim/kubeapi/controllers/deployment.h"

static int64_t last_revision(const struct deployment *d)
{
    int64_t first = 0, second = 0;
    for (size_t i = 0; i < d->sets_n; i++) {
        int64_t n = d->sets[i].revision;
        if (n > first) {
            second = first;
            first = n;
        } else if (n > second && n < first) {
            second = n;
        }
    }
    return second;
}

static const struct rs *set_of(const struct deployment *d, int64_t revision)
{
    for (size_t i = 0; i < d->sets_n; i++)
        if (d->sets[i].revision == revision)
            return &d->sets[i];
    return NULL;
}

/* The words about what became of it; the template is changed. */
static const char *roll_back(struct deployment *d, int64_t revision, enum ctl_event_type *type,
                             struct str *words)
{
    struct arena *a = &d->c->a;
    const struct rs *s;
    *type = EVENT_WARNING;
    *words = STR("Unable to find last revision.");
    if (revision == 0 && (revision = last_revision(d)) == 0)
        return "DeploymentRollbackRevisionNotFound";
    *words = STR("Unable to find the revision to rollback to.");
    if (!(s = set_of(d, revision)))
        return "DeploymentRollbackRevisionNotFound";
    *words = arena_printf(
        a, "The rollback revision contains the same template as current deployment \"" STR_FMT "\"",
        STR_ARG(d->o->name));
    if (s == d->fresh)
        return "DeploymentRollbackTemplateUnchanged";
    cJSON *template = json_copy(a, json_path(ctl_tree(d->c, s->o), "spec.template"));
    (void)json_unset(json_path(template, "metadata.labels"), STR("pod-template-hash"));
    json_set(a, json_get(d->tree, "spec"), STR("template"), template);
    *type = EVENT_NORMAL;
    *words = arena_printf(a, "Rolled back deployment \"" STR_FMT "\" to revision %lld",
                          STR_ARG(d->o->name), (long long)revision);
    return "DeploymentRollback";
}

bool deployment_rollback(struct deployment *d)
{
    int64_t revision = 0;
    enum ctl_event_type type;
    struct str words, asked = ctl_annotation(d->o, DEPLOYMENT_ROLLBACK);
    if (asked.n == 0)
        return false;
    (void)str_to_i64(asked, &revision);
    const char *reason = roll_back(d, revision, &type, &words);
    (void)json_unset(json_path(d->tree, "metadata.annotations"), STR(DEPLOYMENT_ROLLBACK));
    if (ctl_update(d->c, T_DEPLOYMENTS, d->o, d->tree)) /* else its event brings us back */
        ctl_record(d->c, d->o, type, reason, DEPLOYMENT_COMPONENT, STR_FMT, STR_ARG(words));
    return true;
}
