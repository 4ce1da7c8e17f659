/* yaml_internal: what the loader asks of the schema. */
#ifndef PADDOCK_ENGINE_BASE_YAML_INTERNAL_H
#define PADDOCK_ENGINE_BASE_YAML_INTERNAL_H

#include "engine/base/yaml.h"

/* The kind of a plain scalar by the core schema (YAML 1.2.2 section 10.3.2); *integer for YAML_INT and YAML_BOOL. */
enum yaml_kind yaml_resolve(struct str text, int64_t *integer);

/* The same as Go's readers of YAML 1.1 have it. */
enum yaml_kind yaml_resolve_compat(struct str text, int64_t *integer);
/* The first document for yaml_compat_to_json: NULL: none. Repeated keys are noted, a line each, and kept. */
struct err *yaml_load_compat(struct arena *a, struct str text, struct yaml_node **out,
                             struct buf *repeated) must_check;

#endif
