/* unobserved: events that a rule hides from watches: for ever, or until the rule ends, when each object is shown as it is
 * by then: what lay between was never seen.
 *
 * Ownership: the rule's; a watch that ends is forgotten. */
#ifndef PADDOCK_SIM_KUBEAPI_VERBS_UNOBSERVED_H
#define PADDOCK_SIM_KUBEAPI_VERBS_UNOBSERVED_H

#include "sim/kubeapi/verbs/faults_internal.h"

/* Does a rule hide the event from the watch? It is counted. */
bool unobserved_hides(struct faults *x, struct api_watch *w, const struct api_request *r,
                      const struct store_event *e, enum store_event_type shown);
void unobserved_forget(struct faults *x, const struct api_watch *w); /* it ends */
/* Shows what is left to be shown, and frees everything. */
void unobserved_end(struct fault_rule *rule, bool show);

#endif
