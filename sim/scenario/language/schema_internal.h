/* schema_internal: what the decoder's files share: places and paths of nodes, and the decoders of single types. */
#ifndef PADDOCK_SIM_SCENARIO_LANGUAGE_SCHEMA_INTERNAL_H
#define PADDOCK_SIM_SCENARIO_LANGUAGE_SCHEMA_INTERNAL_H

#include "sim/scenario/language/plan.h"

const char *schema_kind_name(enum yaml_kind kind);   /* "a list" */
bool schema_is_scalar(const struct yaml_node *node); /* no list, no mapping, not nothing */
struct place schema_place(const struct yaml_node *node, struct str path);
struct place schema_key_place(const struct yaml_node *node,
                              struct str path); /* of its key, if it has one */
struct str schema_path(struct arena *a, struct str path, struct str key);

/* The text of a node whose mistake has been reported already: decoders fail on it and say nothing. */
extern const struct str schema_reported;
bool schema_is_reported(const struct yaml_node *node);

/* A bare key such as `on`, which readers of YAML 1.1 take for a boolean. */
bool schema_is_bent_key(const struct yaml_node *entry);

void schema_put_default(struct decode *d, const struct field *f, void *out);
bool fault_decode(struct decode *d, const struct yaml_node *node, struct str path,
                  struct fault *out);
bool moment_decode(struct decode *d, const struct yaml_node *node, struct str path,
                   struct moment *out);

#endif
