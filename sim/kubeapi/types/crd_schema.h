/* crd_schema: the schema of a definition (openAPIV3Schema) checked and made into a graph of types.
 *
 *   schema ─► crd_schema_check (structural? in the words of a real server) ─► crd_schema_compile ─► struct type
 *
 * A compiled root has the members apiVersion, kind and metadata, whatever the schema says of them.
 * Ownership: the graph lives in the arena and borrows nothing from the schema's tree.
 * Bounds:    the depth of a schema is that of its JSON (JSON_DEPTH_MAX); what is wrong is told up to TYPE_VIOLATIONS_MAX.
 * Rules (x-kubernetes-validations) need an evaluator: without one (type_rules_cel) they are refused by name. What they cost
 * at most is counted for every value that the schema allows (maxItems, maxProperties, or what a request holds): above
 * CRD_RULE_COST_MAX a rule is refused, above CRD_COST_MAX all of them together. */
#ifndef PADDOCK_SIM_KUBEAPI_TYPES_CRD_SCHEMA_H
#define PADDOCK_SIM_KUBEAPI_TYPES_CRD_SCHEMA_H

#include "sim/kubeapi/types/rules.h"

#define CRD_RULE_COST_MAX UINT64_C(10000000)
#define CRD_COST_MAX      UINT64_C(100000000)

struct crd_schema_options {
    const struct type_rules_cel *cel; /* NULL: rules are refused */
    bool unchanged; /* the schema was accepted before: no rule is too dear by itself */
};

/* Reports everything that is wrong with a schema; path is that of the schema ("spec.validation.openAPIV3Schema"). */
void crd_schema_check(const struct crd_schema_options *options, const cJSON *schema,
                      struct str path, struct type_report *report);
/* The schema was checked: what is wrong with it all the same is left out. NULL: the empty schema, which keeps all. */
const struct type *crd_schema_compile(const struct crd_schema_options *options, struct arena *a,
                                      const cJSON *schema);
/* The same of a schema inside another. */
const struct type *crd_schema_compile_part(const struct crd_schema_options *options,
                                           struct arena *a, const cJSON *schema);
/* Does the schema keep everything as it is (no structure below the root)? Such objects need no walk. */
bool crd_schema_is_open(const cJSON *schema);

#endif
