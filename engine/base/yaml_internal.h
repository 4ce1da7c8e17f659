/* yaml_internal: what the loader asks of the schema. */
#ifndef PADDOCK_ENGINE_BASE_YAML_INTERNAL_H
#define PADDOCK_ENGINE_BASE_YAML_INTERNAL_H

#include "engine/base/yaml.h"

/* The kind of a plain scalar by the core schema (YAML 1.2.2 section 10.3.2); *integer for YAML_INT and YAML_BOOL. */
enum yaml_kind yaml_resolve(struct str text, int64_t *integer);

/* Another schema: how plain scalars resolve, and that of repeated keys each is noted, a line each, and kept. */
struct yaml_schema {
    enum yaml_kind (*resolve)(struct str text, int64_t *integer);
    struct buf *repeated;
};
/* The first document, read by that schema; its errors read as Go's. *out NULL: none. */
struct err *yaml_load_first(struct arena *a, struct str text, const struct yaml_schema *schema,
                            struct yaml_node **out) must_check;

#endif
