/* tree: a scenario file as it is being reduced: nodes can be hidden and shown again, scalars changed, and any of them can
 * carry a note that becomes a comment. The writer keeps what is short on one line: a fault is a line.
 *
 * Hidden nodes are not written; a list without visible items, and a section of the file without any, go with their key.
 * Ownership: everything lives in the arena. */
#ifndef PADDOCK_SIM_SCENARIO_SHRINK_TREE_H
#define PADDOCK_SIM_SCENARIO_SHRINK_TREE_H

#include "engine/base/yaml.h"

#define TREE_COLUMNS 100u

struct tree {
    enum yaml_kind kind;
    struct str text; /* scalars, unquoted */
    bool plain, key_plain;
    struct str key; /* of a map entry */
    struct tree *parent, *first, *next;
    bool hidden;
    bool set_aside;  /* hidden for a moment */
    struct str note; /* why it is here; empty: nothing to say */
};

struct tree *tree_of(struct arena *a, const struct yaml_node *node);
/* The visible entry of a map; NULL: none, or no map. */
struct tree *tree_get(const struct tree *map, const char *key);
struct tree *tree_path(const struct tree *root, const char *dotted);
size_t tree_count(const struct tree *t); /* visible children; NULL: 0 */
/* A scalar entry: replaces the text, or appends the entry. */
struct tree *tree_set(struct arena *a, struct tree *map, const char *key, enum yaml_kind kind,
                      struct str text);
/* Every node below, itself first, in the order of the file: the next one; NULL at the end. */
struct tree *tree_next(struct tree *root, struct tree *at); /* not below hidden ones */

void tree_write(const struct tree *root, struct buf *out);
/* Words as comment lines of at most TREE_COLUMNS columns. */
void tree_comment(struct str text, unsigned indent, struct buf *out);

#endif
