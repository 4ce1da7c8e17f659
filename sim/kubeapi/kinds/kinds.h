/* kinds: what is served, as data: one row per resource and subresource of each group and version, in the order in which
 * discovery lists groups (clients resolve short names by it). Built-in rows are constant and shared by all servers of a
 * process; custom resources bring rows of their own (crd.h). A resource's subresources follow it. */
#ifndef PADDOCK_SIM_KUBEAPI_KINDS_KINDS_H
#define PADDOCK_SIM_KUBEAPI_KINDS_KINDS_H

#include "engine/base/str.h"

enum api_verb {
    VERB_GET,
    VERB_LIST,
    VERB_WATCH,
    VERB_CREATE,
    VERB_UPDATE,
    VERB_PATCH,
    VERB_DELETE,
    VERB_DELETECOLLECTION,
    VERB_NONE /* of non-resource requests: the method decides */
};
struct str api_verb_name(enum api_verb verb); /* "deletecollection" */

enum { /* kind flags */
       KIND_NAMESPACED = 1 << 0,
       KIND_CUSTOM = 1 << 1,
       KIND_GENERATION =
           1 << 2, /* metadata.generation counts changes of everything but metadata and status */
       KIND_STATUS = 1 << 3,         /* has the status subresource */
       KIND_NEEDS_REVISION = 1 << 4, /* PUT without a resourceVersion is refused */
       KIND_PUT_CREATES = 1 << 5,
       KIND_ANSWER_OBJECT = 1 << 6, /* DELETE answers the object, not a Status */
       KIND_ORPHANS = 1 << 7,       /* default propagation policy */
       KIND_NAME_LABEL = 1 << 8,    /* DNS-1123 label */
       KIND_NAME_1035 = 1 << 9,     /* DNS-1035 label */
       KIND_NAME_SEGMENT = 1 << 10, /* anything that fits a path segment */
       KIND_VIRTUAL = 1 << 11,      /* nothing is stored: reviews */
};

struct api_kind {
    struct str group, version;
    struct str resource; /* "pods", or "pods/status" */
    struct str kind;
    struct str short_names, categories; /* comma-separated */
    unsigned verbs;                     /* bits 1 << enum api_verb */
    unsigned flags;
    struct str
        foreign;      /* group/version of the kind when it is not the row's own: "autoscaling/v1" */
    struct str table; /* of the store: "deployments.apps" */
    struct str list_kind; /* empty: kind + "List" */
    struct crd *crd;      /* custom resources */
};

extern const struct api_kind api_kinds[];
extern const size_t api_kinds_n;

/* The built-in resource (no subresource), or NULL. An empty version is the first one. */
const struct api_kind *api_kind_builtin(struct str group, struct str version, struct str resource);
/* By kind ("Deployment"), or NULL. */
const struct api_kind *api_kind_builtin_of(struct str group, struct str version, struct str kind);
/* Is there a built-in row of this group, and version if not empty? */
bool api_group_known(struct str group, struct str version);
/* The subresource row behind its resource's row, or NULL. */
const struct api_kind *api_kind_sub(const struct api_kind *kind, struct str sub);
bool api_kind_is_sub(const struct api_kind *row);
void api_kind_list_name(const struct api_kind *kind, struct buf *out); /* "PodList" */

static inline bool api_kind_is(const struct api_kind *k, const char *table)
{
    return str_eq_c(k->table, table);
}

#endif
