/* print: the two other forms of objects: Tables (rows of cells, as clients print them) and PartialObjectMetadata.
 *
 *   columns_core.c, columns_groups.c ─► struct print_column (name, type, description, cell) ─┐
 *   additionalPrinterColumns of a definition (JSONPath) ────────────────────────────────────┴─► rows
 *
 * Cells read the canonical bytes of the object (scan.h): a row makes no tree, but for the columns of definitions. Ages are
 * those of the world's clock. Ownership: a print borrows the server and the kind; print_free when done. A long-lived one
 * (of a watch) must not outlive its kind's definition: watches are cut when that goes.
 * Form: r->media (accept.h) says which; the default of includeObject is Metadata. */
#ifndef PADDOCK_SIM_KUBEAPI_PRINT_PRINT_H
#define PADDOCK_SIM_KUBEAPI_PRINT_PRINT_H

#include "sim/kubeapi/core/request.h"

struct print;

/* Does the request ask for another form than the objects themselves? */
bool print_wanted(const struct api_request *r);
/* Is what was asked for of the right number, one or a list? False: answered (406). */
bool print_fits(struct api_request *r, bool list);
/* False: answered (400: includeObject). */
bool print_new(struct api_request *r, struct print **out);
void print_free(struct print *p); /* NULL is fine */

/* One object, whole: a Table of one row, or a PartialObjectMetadata. Only the first Table of a watch has columns. */
void print_object(struct print *p, const struct kube_object *o, struct buf *out);
/* A list: open, items (commas are made here), close. remaining: 0: not said. */
void print_list_open(struct print *p, struct buf *out);
void print_list_item(struct print *p, const struct kube_object *o, struct buf *out);
void print_list_close(struct print *p, struct str continue_token, size_t remaining,
                      uint64_t revision, struct buf *out);

/* An answer of one object, in the form that was asked for. */
void api_reply_object(struct api_request *r, int status, const struct kube_object *o);

#endif
