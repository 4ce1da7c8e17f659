/* crds: custom resources: what a definition says of a kind, version by version, and what that does to its objects.
 *
 *   definition ─► check (crd_check.c) ─► names, conditions (crd_names.c) ─► rows of kinds (crd.c)
 *                                                                              │ first use of a version
 *                                                                              ▼
 *   object ─► crds_decode: prune, default ─► crds_validate ─► store ─► crds_write as a version shows it
 *                                                            struct type, columns, scale paths (crd_version.c)
 *
 * Cost:   a schema is compiled when its version is first used; one that keeps everything costs nothing at all. Objects are
 *         given out as the bytes they are stored in unless the asked version's schema is another than the stored one's, or
 *         the schema has changed since they were written: those are pruned and defaulted as they are read.
 * Stored: in the storage version, whatever version they were written in. With the conversion None only apiVersion differs;
 *         with a webhook it makes one version of the other (crd_convert.h).
 * Rules (x-kubernetes-validations): crd_cel.c compiles them with the schema and evaluates them under a budget of each object. */
#ifndef PADDOCK_SIM_KUBEAPI_CRD_CRDS_H
#define PADDOCK_SIM_KUBEAPI_CRD_CRDS_H

#include "sim/kubeapi/core/request.h"
#include "sim/kubeapi/types/jsonpath.h"
#include "sim/kubeapi/types/rules.h"

struct decode_report;

struct crd_scale {
    struct str spec_text, status_text, selector_text; /* ".spec.replicas"; selector: may be empty */
    const struct jsonpath *spec, *status, *selector;  /* selector NULL: none */
};
struct crd_selectable {
    struct str name; /* "spec.color", as in field selectors */
    const struct jsonpath *path;
};

/* ---- what a definition says; k is any row of a custom resource, also of its subresources ---- */
const struct type *crds_type(const struct api_kind *k);       /* never NULL */
const struct crd_scale *crds_scale(const struct api_kind *k); /* NULL: none */
size_t crds_selectable(const struct api_kind *k, const struct crd_selectable **out);
/* The warning of a deprecated version; empty: it is not. */
struct str crds_deprecation(const struct api_kind *k);

/* ---- objects ---- */
/* Prunes and defaults a decoded tree of a custom kind; unknown fields go into the report of the decoding. Not NULL: the tree
 * as it was, which a patch under strict validation is refused with. */
const cJSON *crds_decode(struct api_request *r, const struct api_kind *k, cJSON *tree,
                         struct decode_report *report);
/* The same for an object that somebody else has changed since; unknown fields go without a word. */
void crds_prune(struct arena *a, const struct api_kind *k, cJSON *tree);
/* Its defaults alone. */
void crds_fill(struct arena *a, const struct api_kind *k, cJSON *tree);
/* Collects what is wrong with an object that is to be written. old NULL: it is new. */
void crds_validate(struct api_request *r, const struct api_kind *k, const cJSON *tree,
                   const struct kube_object *old, enum write_scope scope);
/* Into the version that is stored: the last step before the bytes are made. */
void crds_to_storage(struct arena *a, const struct api_kind *k, cJSON *tree);
/* At the start of a request: warns of a deprecated version, and has the object that it names converted to the version that
 * it is asked for. False: answered, or waiting. */
bool crds_begin(struct api_request *r);
/* Are the stored bytes what the version shows, but for apiVersion? Also true for built-in kinds. */
bool crds_as_stored(const struct api_kind *k, const struct kube_object *o);
/* The object as this kind's version shows it, apiVersion included; built-in kinds: as stored. A tree of its own. What a
 * webhook converts must be known by now (crd_convert.h); else only apiVersion differs. */
cJSON *crds_tree(const struct api_kind *k, const struct kube_object *o, struct arena *a);

/* The object as this kind's version shows it (apiVersion rewritten where the stored one differs). */
void api_object_write(const struct api_kind *k, const struct kube_object *o, bool bare_item,
                      struct buf *out);

/* ---- the set of kinds that definitions make ---- */
struct crds *crds_new(struct kubeapi *api);
void crds_free(struct crds *x);
void crds_reset(struct crds *x);
/* True: rows that were there went, or were replaced: what watches them is to be cut. */
bool crds_event(struct crds *x, struct store_event *e);
const struct api_kind *crds_find(const struct crds *x, struct str group, struct str version,
                                 struct str resource);
const struct api_kind *crds_of(const struct crds *x, struct str group, struct str version,
                               struct str kind);
const struct api_kind *crds_of_table(const struct crds *x, struct str table);
uint64_t crds_born(const struct api_kind *k);       /* 0: built-in, or not known */
uint64_t crds_generation(const struct crds *x);     /* changes when the set of kinds does */
uint64_t crds_changed(const struct api_kind *k);    /* the generation that made it; 0: built-in */
struct str crds_singular(const struct api_kind *k); /* of custom resources; else empty */
struct str crds_storage_version(const struct api_kind *k);
bool crds_terminating(const struct crds *x, const struct api_kind *k);
bool crds_is_terminating(const struct crds *x, struct str table);
/* Definitions that are on their way out; those of a group that have no rows for want of names. i begins at 0. */
bool crds_next_terminating(const struct crds *x, size_t *i, struct str *name);
bool crds_next_waiting(const struct crds *x, struct str group, size_t *i, struct str *name);
bool crds_next(const struct crds *x, size_t *i,
               const struct api_kind **k); /* every served version's main row */

/* ---- definitions ---- */
#define CRD_TABLE   "customresourcedefinitions.apiextensions.k8s.io"
#define CRD_CLEANUP "customresourcecleanup.apiextensions.k8s.io" /* the finalizer */

/* Compares the names with those of the other definitions of the group and sets status.conditions and acceptedNames. */
void crds_settle_names(struct kubeapi *api, struct arena *a, cJSON *tree);
/* What the server adds before a definition is checked: names, conversion, finalizer, status. */
void crds_default(struct api_request *r, cJSON *tree, bool creating);
void crds_check(struct api_request *r, const cJSON *tree, const struct kube_object *old);
/* A definition is being marked for deletion: its condition says so. */
void crds_mark_terminating(struct kubeapi *api, struct arena *a, cJSON *tree);

const struct type_rules_cel *crds_cel(void); /* crd_cel.c */

#endif
