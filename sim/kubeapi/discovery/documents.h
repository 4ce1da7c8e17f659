/* documents: what a server says about itself (discovery in both forms, OpenAPI), each written when it is first asked for
 * and kept until the set of kinds changes (a definition came, changed or went). A server that nobody asks pays nothing.
 *
 *   kinds table ─┐
 *                ├─► documents_rows (groups, versions, resources in the order of discovery) ─► writers ─► kept bytes
 *   definitions ─┘
 *
 * Ownership: the bytes are the server's; borrowed until the set of kinds changes, so copy them into the answer at once.
 * Bounds:    one document per group, version and form. */
#ifndef PADDOCK_SIM_KUBEAPI_DISCOVERY_DOCUMENTS_H
#define PADDOCK_SIM_KUBEAPI_DISCOVERY_DOCUMENTS_H

#include "sim/kubeapi/core/request.h"

struct document {
    struct str bytes; /* owned */
    struct str hash;  /* upper-case hex of the bytes' SHA-256; owned */
    uint64_t stamp;   /* of what it was made from */
};

struct documents *documents_new(struct kubeapi *api);
void documents_free(struct documents *x);

/* Main rows of all kinds (no subresources), ordered by group (built-in ones by priority, then those of definitions by
 * name), version (newest stable first) and resource. Borrowed until the set of kinds changes. */
struct documents_rows {
    const struct api_kind *const *rows;
    size_t n;
};
struct documents_rows documents_rows(struct documents *x);
/* The end of the run of rows from `at` on that share group, or group and version. */
size_t documents_group_end(const struct documents_rows *rows, size_t at);
size_t documents_version_end(const struct documents_rows *rows, size_t at);
/* The first row of a group, and version if not empty; false: none. */
bool documents_find(const struct documents_rows *rows, struct str group, struct str version,
                    size_t *at);
/* The subresource rows behind a main row, one after another; NULL: no more. Start with *i = 0. */
const struct api_kind *documents_sub(const struct api_kind *main, size_t *i);

/* The kept document of a name when it was made from the same stamp; else one that `write` makes (and its hash). */
const struct document *documents_get(struct documents *x, struct str name, uint64_t stamp,
                                     void (*write)(void *data, struct buf *out), void *data);
uint64_t documents_generation(const struct documents *x);

/* Answers every path that is no resource: discovery.c. */
void api_handle_non_resource(struct api_request *r);
/* /api, /apis and below: true: answered. */
bool discovery_handle(struct api_request *r);
/* /openapi/...: true: answered. */
bool openapi_handle(struct api_request *r);

#endif
