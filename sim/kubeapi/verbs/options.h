/* options: what the query of a request, or the body of a DELETE, says about how it is to be carried out.
 *
 *   create, update, patch ─► fieldManager, dryRun, fieldValidation, force ─► 422 with every problem at once
 *   delete                ─► the body alone when there is one, else the query
 *   list, watch           ─► numbers (400), then what does not go together (422)
 *
 * Scalars are read as Go reads them: a flag is true unless it is "false" or "0"; a number that is none is a 400. Reads do not
 * look at options of writes. All texts are the request's. */
#ifndef PADDOCK_SIM_KUBEAPI_VERBS_OPTIONS_H
#define PADDOCK_SIM_KUBEAPI_VERBS_OPTIONS_H

#include "sim/kubeapi/verbs/write.h"

/* Of a request that writes; sets r->dry_run. Deletions and reads: true. False: answered. */
bool api_options_write(struct api_request *r);
/* Of a DELETE, also of a collection; sets r->dry_run. False: answered. */
bool api_options_delete(struct api_request *r, struct delete_options *out);

struct list_options {
    struct str resource_version, match, token; /* empty: not given */
    size_t limit;                              /* 0: all */
    bool has_timeout, initial_events, no_initial_events;
    int64_t timeout_s;
};
/* Of a list or, when r's verb says so, a watch. False: answered. */
bool api_options_list(struct api_request *r, struct list_options *out);
/* The time in which a request is to be handled; 0: not said. False: answered. */
bool api_options_timeout(struct api_request *r, int64_t *ns);

#endif
