/* language_tables: how the tables of the language are written: a row a field, with its bounds. */
#ifndef PADDOCK_SIM_SCENARIO_LANGUAGE_LANGUAGE_TABLES_H
#define PADDOCK_SIM_SCENARIO_LANGUAGE_LANGUAGE_TABLES_H

#include "engine/base/timefmt.h"
#include "sim/scenario/language/language.h"

#define AT(owner, member) offsetof(struct owner, member)
#define SHAPE(id, text, owner, table, short_for, about)                                            \
    const struct shape id = {text, table, ARRAY_LEN(table), sizeof(struct owner), short_for, about}
#define F(field, kind, owner, member, marks, text, about)                                          \
    {                                                                                              \
        .name = (field), .type = (kind), .flags = (marks), .offset = AT(owner, member),            \
        .otherwise = (text), .doc = (about)                                                        \
    }
#define F_RANGE(field, kind, owner, member, marks, text, low, high, about)                         \
    {                                                                                              \
        .name = (field), .type = (kind), .flags = (marks), .offset = AT(owner, member),            \
        .otherwise = (text), .min = (low), .max = (high), .doc = (about)                           \
    }
#define F_ENUM(field, owner, member, marks, text, words, about)                                    \
    {                                                                                              \
        .name = (field), .type = FIELD_ENUM, .flags = (marks), .offset = AT(owner, member),        \
        .otherwise = (text), .values = (words), .doc = (about)                                     \
    }
#define F_SHAPE(field, kind, owner, member, marks, of, about)                                      \
    {                                                                                              \
        .name = (field), .type = (kind), .flags = (marks), .offset = AT(owner, member),            \
        .shape = (of), .doc = (about)                                                              \
    }

#define SEED_MAX         INT64_MAX
#define SEEDS_MAX        10000000
#define REPLICAS_MAX     64
#define NODES_MAX        1000
#define EVENTS_MAX       INT64_MAX
#define DAY_NS           (INT64_C(86400) * 1000000000)
#define LIMIT_MAX        (3650 * DAY_NS)
#define LEAST_NS         1

#define CHAOS_WEIGHT_MAX 1000
#define TRAFFIC_LEAST_NS INT64_C(1000000)

#endif
