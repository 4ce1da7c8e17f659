/* yaml_internal: what the loader asks of the schema. */
#ifndef PADDOCK_ENGINE_BASE_YAML_INTERNAL_H
#define PADDOCK_ENGINE_BASE_YAML_INTERNAL_H

#include "engine/base/yaml.h"

/* The kind of a plain scalar by the core schema (YAML 1.2.2 section 10.3.2); *integer for YAML_INT and YAML_BOOL. */
enum yaml_kind yaml_resolve(struct str text, int64_t *integer);

#endif
