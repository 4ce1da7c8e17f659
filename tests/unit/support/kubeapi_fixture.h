/* kubeapi_fixture: a simulated API server on a small world, asked in process; requests and answers in a line each. */
#ifndef PADDOCK_TESTS_UNIT_SUPPORT_KUBEAPI_FIXTURE_H
#define PADDOCK_TESTS_UNIT_SUPPORT_KUBEAPI_FIXTURE_H

#include "sim/kubeapi/kubeapi.h"
#include "tests/unit/support/fake_world.h"

struct fixture {
    struct fake_world *world;
    struct kubeapi *api;
    struct arena a;
    const char *as;           /* the user of ask(); NULL: system:admin of system:masters */
    const char *content_type; /* of the next bodies; NULL: JSON, or a merge patch for PATCH */
    const char *accept;       /* of the next requests; NULL: none */
    struct kubeapi_answer last;
    cJSON *body; /* of the last answer, parsed; NULL: no JSON */
};

void fixture_open(struct fixture *f, const struct kubeapi_options *options); /* NULL: bare */
void fixture_close(struct fixture *f);
/* Asks and returns the status. body may be NULL. */
int ask(struct fixture *f, const char *method, const char *target, const char *body);
void settle(struct fixture *f); /* runs a second of the world: the server's own controllers */
/* A string of the last answer by path ("metadata.name"); "" when absent. */
const char *said(struct fixture *f, const char *path);
/* The last answer's items' names, joined by blanks. */
const char *items(struct fixture *f);
/* Asks and fails the test, with the answer, when the status is another. */
void must(struct fixture *f, int status, const char *method, const char *target, const char *body);

#endif
