/* audit: the audit log of an apiserver: a JSON line for each event, of the shape Event of audit.k8s.io/v1 at the level
 * Metadata, with the stages ResponseStarted (watches), ResponseComplete, and Panic for what was cut before its answer.
 * Annotations: of authorization, admission webhooks (patches belong to a higher level), policies and pod security.
 *
 * Errors: a file that cannot be opened is an error; one that cannot be written to any more is told once.
 * The file is appended to, and is up to date AUDIT_FLUSH after an event at the latest, and after audit_free. */
#ifndef PADDOCK_SIM_CLI_AUDIT_H
#define PADDOCK_SIM_CLI_AUDIT_H

#include "sim/kubeapi/core/exchange.h"

#define AUDIT_FLUSH (100 * NS_PER_MS)

struct audit;
struct err *audit_new(struct world *w, const char *path, struct audit **out) must_check;
void audit_free(struct audit *a); /* NULL is fine */
void audit_add(struct audit *a, const struct kubeapi_exchange *x);

#endif
