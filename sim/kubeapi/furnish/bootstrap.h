/* bootstrap: the roles and bindings that a fresh server has, as rows; bootstrap.c says how rules and subjects are written.
 */
#ifndef PADDOCK_SIM_KUBEAPI_FURNISH_BOOTSTRAP_H
#define PADDOCK_SIM_KUBEAPI_FURNISH_BOOTSTRAP_H

#include <stddef.h>

struct kubeapi;

struct bootstrap_role {
    const char *name;
    const char *part_of; /* aggregate-to-... label; empty: none */
    const char *made_of; /* its rules are those with this label; empty: own rules */
    const char *ns;      /* of a Role; empty: a ClusterRole */
    const char *rules;   /* by semicolons */
};
struct bootstrap_binding {
    const char *name, *role;
    const char *ns;       /* of a RoleBinding to a Role; empty: a ClusterRoleBinding */
    const char *subjects; /* G:group, U:user, S:namespace/account */
};

void rbac_bootstrap(struct kubeapi *api);

/* ---- the rows ---- */
/* Of a control plane outside the server: bootstrap_outer.c. */
extern const struct bootstrap_role bootstrap_outer_roles[];
extern const size_t bootstrap_outer_roles_n;
extern const struct bootstrap_binding bootstrap_outer_bindings[];
extern const size_t bootstrap_outer_bindings_n;

#endif
