/* exposition: a strict reader of the Prometheus text format, version 0.0.4, for tests. Anything that the format, or the
 * customs of naming, do not allow fails the test and says in which line. */
#ifndef PADDOCK_TESTS_UNIT_SUPPORT_EXPOSITION_H
#define PADDOCK_TESTS_UNIT_SUPPORT_EXPOSITION_H

#include "engine/base/arena.h"
#include "engine/base/map.h"

struct exposition_sample {
    int64_t whole, nano; /* of the value; nano has the sign of the whole */
    bool counts;         /* of a counter or a histogram: never less later */
};
struct exposition {
    struct arena arena;
    struct map types;   /* family → "counter", "gauge", "histogram" */
    struct map samples; /* "name{labels}" → struct exposition_sample */
};

void exposition_read(struct exposition *e, struct str text);
/* The whole part of a sample's value; fails the test when there is none of that name and labels. */
int64_t exposition_value(const struct exposition *e, const char *series);
bool exposition_has(const struct exposition *e, const char *series);
/* Everything that counts is in both and is not less in the second. */
void exposition_check_grown(const struct exposition *first, const struct exposition *second);
void exposition_free(struct exposition *e);

#endif
