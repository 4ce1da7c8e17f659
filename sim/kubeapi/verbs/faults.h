/* faults: what requests and watches meet of a server's fault rules. */
#ifndef PADDOCK_SIM_KUBEAPI_VERBS_FAULTS_H
#define PADDOCK_SIM_KUBEAPI_VERBS_FAULTS_H

#include "sim/kubeapi/core/request.h"
#include "sim/kubeapi/verbs/fault_rules.h"

struct faults *api_faults_new(struct kubeapi *api);
void api_faults_free(struct faults *x);
/* Does a rule ask for r->client? */
bool api_faults_ask_client(const struct faults *x);
/* Applies what matches: returns the delay; may answer r itself, or set r->lost_ack. */
world_time api_faults_apply(struct faults *x, struct api_request *r);
bool api_faults_stalled(struct faults *x, struct api_request *r);
/* How long the event that comes now silences the watch; 0: not at all. */
world_time api_faults_silence(struct faults *x, const struct api_request *r);
/* Does a fault of this kind meet the watch now? It is counted. *f (may be NULL): the rule. */
bool api_faults_meet(struct faults *x, const struct api_request *r, enum kubeapi_fault_kind kind,
                     const struct kubeapi_fault **f);
/* Where a watch that asked for a revision really begins; *gone: it gets 410. */
uint64_t api_faults_resume(struct faults *x, const struct api_request *r, uint64_t revision,
                           bool *gone);
void api_faults_event(struct faults *x); /* after each write: what it sets free */

#endif
