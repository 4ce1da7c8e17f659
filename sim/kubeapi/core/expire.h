/* expire: Events go an hour after they were last written, to the minute, as the API server itself sees to.
 *
 * Nothing is kept of an event: what the store's revision was at each of the last EXPIRE_TICKS ticks says which events are
 * older than that. After a restart or a restore all are as if just written. */
#ifndef PADDOCK_SIM_KUBEAPI_CORE_EXPIRE_H
#define PADDOCK_SIM_KUBEAPI_CORE_EXPIRE_H

#include <stdint.h>

#define EXPIRE_TICKS 60u    /* a minute each: an hour */
#define EXPIRE_MAX   20000u /* a tick; the rest goes with the next */

struct kubeapi;
struct expiry {
    uint64_t marks[EXPIRE_TICKS]; /* a ring */
    unsigned n, next;
};
void api_expire_tick(struct kubeapi *api);
void api_expire_reset(struct kubeapi *api);

#endif
