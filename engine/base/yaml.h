/* yaml: a YAML 1.2 core subset read by libyaml into a tree that keeps line and column for each node.
 *
 * No tags; anchors and aliases only within the document and bounded (no expansion bombs); duplicate keys are errors;
 * plain scalars are resolved by the YAML 1.2 core schema (true/false, null, int, float; `on`, `yes`, `no`, `y`, `n`
 * are strings, and refused as bare keys by the scenario loader). An integer beyond int64 is a YAML_FLOAT. "<<" is an
 * ordinary key. An alias gives a node of its own that shares the children of its anchor; what it stands for counts in
 * the bounds.
 * Ownership: nodes live in the arena. Errors: ERR_INVALID with file, line, column (1-based, columns in code points).
 * Bounds: YAML_BYTES_MAX, YAML_DEPTH_MAX, YAML_NODES_MAX. */
#ifndef PADDOCK_ENGINE_BASE_YAML_H
#define PADDOCK_ENGINE_BASE_YAML_H

#include "engine/base/json.h"

#define YAML_BYTES_MAX ((size_t)16 << 20)
#define YAML_DEPTH_MAX 64u
#define YAML_NODES_MAX 1000000u

enum yaml_kind { YAML_NULL, YAML_BOOL, YAML_INT, YAML_FLOAT, YAML_STRING, YAML_LIST, YAML_MAP };

struct yaml_node {
    enum yaml_kind kind;
    struct str text;       /* scalars: as written, unquoted */
    int64_t integer;       /* YAML_INT; YAML_BOOL: 0 or 1 */
    bool plain, key_plain; /* written bare, not in quotes or as a block */
    uint32_t line, column;
    struct str key; /* of a map entry */
    uint32_t key_line, key_column;
    const void *of;          /* NULL; whoever joins trees marks here where a node came from */
    struct yaml_node *first; /* list items or map entries, in order */
    struct yaml_node *next;
    size_t count;
};

/* One document; none at all is a YAML_NULL at 1:1. */
struct err *yaml_parse(struct arena *a, struct str file, struct str text,
                       struct yaml_node **out) must_check;
/* Several documents separated by ---; *docs is an arena array. */
struct err *yaml_parse_all(struct arena *a, struct str file, struct str text,
                           struct yaml_node ***docs, size_t *n) must_check;
struct yaml_node *yaml_get(const struct yaml_node *map, const char *key); /* NULL: absent */
/* A Kubernetes request body as Go's tools read it: the first document; YAML 1.1 words ("yes", "off", "n": as keys too),
 * octals as 017, underscores in numbers, "<<" merges, !!str; of repeated keys the last counts and each is appended to
 * *repeated ("line 7: key \"k\" already set in map", a line each). Errors: "yaml: line 3: ..." */
struct err *yaml_compat_to_json(struct arena *a, struct str text, cJSON **out,
                                struct buf *repeated) must_check;
/* Floats are written as JSON has them; infinities and NaN become strings. */
cJSON *yaml_to_json(struct arena *a, const struct yaml_node *n);

#endif
