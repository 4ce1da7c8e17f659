/* From conditions to the one word that users see. */
#include "engine/controllers/cluster/state.h"

#include "engine/kube/conditions.h"

enum meaning { UNKNOWN_MOVES, FALSE_MOVES, TRUE_MOVES, TRUE_FAILS };

/* In the life cycle's order: of those that are under way the first decides. */
static const struct row {
    const char *type, *state;
    enum meaning meaning;
} rows[] = {
    {"Removed", "removing", UNKNOWN_MOVES},
    {"Deleting", "removing", TRUE_MOVES},
    {"Pending", "pending", UNKNOWN_MOVES},
    {"BackingNamespaceCreated", "provisioning", UNKNOWN_MOVES},
    {"DefaultProjectCreated", "provisioning", UNKNOWN_MOVES},
    {"InitialRolesPopulated", "provisioning", UNKNOWN_MOVES},
    {"CreatorMadeOwner", "provisioning", UNKNOWN_MOVES},
    {"Created", "provisioning", UNKNOWN_MOVES},
    {"Initialized", "provisioning", UNKNOWN_MOVES},
    {"CertsGenerated", "provisioning", UNKNOWN_MOVES},
    {"etcd", "provisioning", UNKNOWN_MOVES},
    {"Provisioned", "provisioning", UNKNOWN_MOVES},
    {"Registered", "provisioning", UNKNOWN_MOVES},
    {"Waiting", "waiting", UNKNOWN_MOVES},
    {"Ready", "unavailable", FALSE_MOVES},
    {"AddonDeploy", "updating", UNKNOWN_MOVES},
    {"AgentDeployed", "updating", UNKNOWN_MOVES},
    {"Deployed", "updating", UNKNOWN_MOVES},
    {"Installed", "updating", UNKNOWN_MOVES},
    {"Saved", "updating", UNKNOWN_MOVES},
    {"Active", "updating", UNKNOWN_MOVES},
    {"Reconciled", "updating", UNKNOWN_MOVES},
    {"Drained", "updating", UNKNOWN_MOVES},
    {"Available", "updating", FALSE_MOVES},
    {"Completed", "updating", FALSE_MOVES},
    {"Updated", "updating", UNKNOWN_MOVES},
    {"Upgraded", "upgrading", UNKNOWN_MOVES},
    {"Reconciling", "updating", TRUE_MOVES},
    {"Paused", "updating", TRUE_MOVES},
    {"ScalingUp", "updating", TRUE_MOVES},
    {"ScalingDown", "updating", TRUE_MOVES},
    {"Failed", "error", TRUE_FAILS},
    {"Stalled", "error", TRUE_FAILS},
};

static const struct {
    const char *moves, *fails; /* the status that says so */
} meanings[] = {
    [UNKNOWN_MOVES] = {"Unknown", "False"},
    [FALSE_MOVES] = {"False", "Unknown"},
    [TRUE_MOVES] = {"True", NULL},
    [TRUE_FAILS] = {NULL, "True"},
};

struct verdict {
    struct str state;
    struct condition condition; /* that decided; no type: none did */
};

static size_t row_of(struct str type)
{
    size_t i = 0;
    while (i < ARRAY_LEN(rows) && !str_eq_c(type, rows[i].type))
        i++;
    return i;
}

static bool says(struct str status, const char *which)
{
    return which && str_eq_c(status, which);
}

static struct verdict judge(const struct kube_object *cluster)
{
    struct verdict v = {STR(CLUSTER_STATE_PENDING), {str_empty, str_empty, str_empty, str_empty}};
    size_t best = ARRAY_LEN(rows);
    struct condition c;
    struct scan s = conditions_of(cluster);
    while (condition_next(&s, &c)) {
        size_t i = row_of(c.type);
        bool known = i < ARRAY_LEN(rows);
        bool fails =
            known ? says(c.status, meanings[rows[i].meaning].fails) : str_eq_c(c.reason, "Error");
        if (fails)
            return (struct verdict){STR(CLUSTER_STATE_ERROR), c};
        bool seen = known && (str_eq_c(c.type, "Pending") || str_eq_c(c.type, "Ready"));
        if (seen && best == ARRAY_LEN(rows))
            v.state = STR(CLUSTER_STATE_ACTIVE); /* until something is found under way */
        if (known && i < best && says(c.status, meanings[rows[i].meaning].moves)) {
            best = i;
            v = (struct verdict){str_c(rows[i].state), c};
        }
    }
    return v;
}

struct str cluster_state(const struct kube_object *cluster)
{
    return cluster->deleting ? STR(CLUSTER_STATE_REMOVING) : judge(cluster).state;
}

void cluster_state_message(const struct kube_object *cluster, struct buf *out)
{
    if (!cluster->deleting) {
        struct verdict v = judge(cluster);
        if (v.condition.type.n)
            condition_message(&v.condition, out);
        return;
    }
    for (size_t i = 0; i < cluster->finalizers_n; i++)
        buf_addf(out, "%s" STR_FMT, i ? ", " : "waiting on ", STR_ARG(cluster->finalizers[i]));
}
