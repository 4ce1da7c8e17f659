/* members: the members of an object that is being changed, found by name without a walk over all of them: patches and objects
 * come from clients, and both may be large.
 *
 * Ownership: the object's nodes stay the object's; members_free ends the look-up. While it lives the object is changed only
 * through it. */
#ifndef PADDOCK_SIM_KUBEAPI_TYPES_MEMBERS_H
#define PADDOCK_SIM_KUBEAPI_TYPES_MEMBERS_H

#include "engine/base/json.h"
#include "engine/base/map.h"

#define MEMBERS_WALKED 32u /* up to so many, walking is cheaper than an index */

struct members {
    cJSON *object;
    bool indexed;
    struct map by_name; /* name → node */
};

void members_init(struct members *m, cJSON *object);
void members_free(struct members *m);
cJSON *members_get(const struct members *m, struct str name); /* NULL: none */
void members_unset(struct members *m, struct str name);
void members_set(struct arena *a, struct members *m, struct str name, cJSON *v);

#endif
