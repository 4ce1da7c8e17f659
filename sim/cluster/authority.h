/* authority: a certificate authority of the simulated world. Keys are Ed25519 derived from (seed, name), so that every
 * certificate is the same in every run of a seed; certificates hold from a day before the start for a hundred years.
 * Ownership: PEM texts are the caller's (str_free). */
#ifndef PADDOCK_SIM_CLUSTER_AUTHORITY_H
#define PADDOCK_SIM_CLUSTER_AUTHORITY_H

#include "engine/base/str.h"
#include "sim/world/sim.h"

struct authority;
struct identity {
    struct str cert_pem, key_pem; /* owned: identity_free */
};

struct authority *authority_new(struct sim *sim, struct str name);
void authority_free(struct authority *a);            /* NULL is fine */
struct str authority_pem(const struct authority *a); /* borrowed */
/* A server certificate for one DNS name (may be empty) and one address (may be empty). */
struct identity authority_issue(struct authority *a, struct str dns, struct str ip);
/* For several names, one at least. */
struct identity authority_issue_names(struct authority *a, const struct str *dns, size_t dns_n,
                                      struct str ip);
/* One that holds no longer than that: whole seconds from now. */
struct identity authority_issue_for(struct authority *a, const struct str *dns, size_t dns_n,
                                    struct str ip, int64_t valid_ns);
void identity_free(struct identity *id);

#endif
