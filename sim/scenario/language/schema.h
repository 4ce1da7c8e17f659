/* schema: the scenario language as tables. A shape is the list of fields of one mapping: name, type, where it goes in
 * the C struct, default as one would write it, doc. One decoder reads any shape and reports every mistake with its
 * place; the JSON Schema and the reference are generated from the same tables.
 *
 * Every struct that a shape fills begins with `struct origin`. Lists and maps of objects become arrays in the arena.
 * At most 64 fields a shape (origin.given is a bit set). */
#ifndef PADDOCK_SIM_SCENARIO_LANGUAGE_SCHEMA_H
#define PADDOCK_SIM_SCENARIO_LANGUAGE_SCHEMA_H

#include "sim/scenario/expr/diag.h"
#include "sim/scenario/expr/quantity.h"

/* Where a decoded struct came from. */
struct origin {
    struct str name; /* its key, when it is an entry of a map */
    struct place place;
    uint64_t given; /* bit i: field i of the shape was written */
};

struct strs {
    struct str *v;
    struct place *places;
    size_t n;
};
/* A duration that is drawn: both ends are included. */
struct span {
    int64_t least_ns, most_ns;
};
/* An expression as written; compiled by whoever knows the scope. */
struct expr_source {
    struct str text;
    struct place place;
};
/* Objects in an array: `v` points at the first of n structs of the shape's size. */
struct objects {
    void *v;
    size_t n;
    const bool *ok; /* per object: it decoded without a mistake */
};
#define OBJECTS_AT(objects, type, i) (&((type *)(objects).v)[i])

enum field_type {
    FIELD_BOOL,     /* bool */
    FIELD_INT,      /* int64_t, min..max */
    FIELD_DURATION, /* int64_t ns; a unit is required */
    FIELD_SPAN,     /* struct span: 5s..40s, or one duration */
    FIELD_INSTANT,  /* int64_t ns since 1970; RFC 3339 */
    FIELD_SHARE,    /* int64_t millionths; 0.1 or 10% */
    FIELD_SIZE,     /* int64_t bytes; 8GiB, 64KiB, 512B */
    FIELD_EVENTS,   /* int64_t; "3 events" */
    FIELD_STRING,   /* struct str; ${...} inside is filled in */
    FIELD_ENUM,     /* int64_t: index in values */
    FIELD_STRINGS,  /* struct strs: a list, or one string */
    FIELD_EXPR,     /* struct expr_source */
    FIELD_TARGET,   /* struct target */
    FIELD_FAULT,    /* struct fault */
    FIELD_MOMENT,   /* struct moment */
    FIELD_NODE,     /* const struct yaml_node *: kept as it is */
    FIELD_OBJECT,   /* the struct of `shape`, in place */
    FIELD_OBJECTS,  /* struct objects: a list (or a single one, with FIELD_OR_ONE) */
    FIELD_NAMED,    /* struct objects: a map of names to objects */
    FIELD_TYPE_COUNT
};

enum {
    FIELD_REQUIRED = 1,
    FIELD_CHOICE = 2, /* exactly one of the shape's CHOICE fields must be given */
    FIELD_OR_ONE = 4, /* FIELD_OBJECTS: one object without the list is fine */
    FIELD_NON_EMPTY = 8,
    FIELD_LIST_OF = 16, /* FIELD_NODE: for the JSON Schema: a list of `shape` */
    FIELD_MAP_OF = 32,  /* FIELD_NODE: a map of names to `shape` */
    FIELD_OR_FILE = 64, /* FIELD_NODE: `shape`, or the path of a file that has it */
};

struct shape;
struct field {
    const char *name;
    enum field_type type;
    uint32_t flags;
    size_t offset;
    const char *otherwise; /* the default, as it would be written; NULL: zero, empty */
    int64_t min, max;      /* FIELD_INT, DURATION, SIZE: both 0: any that is not negative */
    const char *values;    /* FIELD_ENUM: "a|b|c" */
    const struct shape *shape;
    const char *doc;
};
struct shape {
    const char *name; /* for the JSON Schema: "site" */
    const struct field *fields;
    size_t fields_n;
    size_t size;        /* of the struct */
    const char *scalar; /* the field that a bare scalar stands for; NULL: only a mapping will do */
    const char *doc;
};

struct decode {
    struct arena *arena;
    struct diags *diags;
    const struct source *source;
    /* Fills in ${...} inside a string; NULL: strings are taken as they are. */
    struct str (*interpolate)(void *ctx, struct str text, struct place at);
    void *ctx;
};
/* Decodes the mapping into *out (zeroed by the caller, shape->size bytes). False when there were errors: *out is then
 * filled as far as it was right. */
bool schema_decode_object(struct decode *d, const struct shape *shape, const struct yaml_node *node,
                          struct str path, void *out);
/* A map of names to objects of the field's shape; the shape's struct begins with its origin. */
bool schema_decode_named(struct decode *d, const struct field *f, const struct yaml_node *node,
                         struct str path, struct objects *out);
bool schema_decode_list(struct decode *d, const struct field *f, const struct yaml_node *node,
                        struct str path, struct objects *out);
/* One scalar by its field's type into *out. */
bool decode_scalar(struct decode *d, const struct field *f, const struct yaml_node *node,
                   struct str path, void *out);
bool shape_given(const struct shape *shape, const struct origin *origin, const char *field);

#endif
