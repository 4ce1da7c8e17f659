/* selector: label and field selectors, parsed once per request and matched against object headers.
 * Grammar: kubernetes.io "Labels and Selectors": k, !k, k=v, k==v, k!=v, k in (..), k notin (..), k>i, k<i; and
 * path=value, path==value, path!=value for fields, with \, \= \\ escaped. Bounds: SELECTOR_TERMS_MAX. */
#ifndef PADDOCK_SIM_KUBEAPI_CORE_SELECTOR_H
#define PADDOCK_SIM_KUBEAPI_CORE_SELECTOR_H

#include "sim/kubeapi/store/store.h"

#define SELECTOR_TERMS_MAX 1000u

enum selector_op { SEL_EXISTS, SEL_MISSING, SEL_EQ, SEL_NE, SEL_IN, SEL_NOT_IN, SEL_GT, SEL_LT };

struct selector_term {
    enum selector_op op;
    struct str key;
    struct str *values;
    size_t values_n;
    int64_t number;
};

struct selector {
    struct selector_term *labels, *fields; /* in the arena */
    size_t labels_n, fields_n;
    struct str name; /* of a field term metadata.name=x; empty: none */
    struct str ns;   /* of metadata.namespace=x */
};

struct err *selector_parse_labels(struct arena *a, struct str text, struct selector *s) must_check;
struct err *selector_parse_fields(struct arena *a, struct str text, struct selector *s) must_check;
/* A LabelSelector object {matchLabels, matchExpressions}. An empty one matches all. */
bool selector_object_matches(const cJSON *label_selector, const struct kube_object *o);
/* The same, in an arena of its own. */
struct selector selector_copy(struct arena *a, const struct selector *s);
bool selector_empty(const struct selector *s);
bool selector_matches(const struct selector *s, const struct kube_object *o);
/* An attribute that all that matches has, for an index; false: there is none. */
bool selector_attribute(const struct selector *s, struct store_attribute *out);

#endif
