/* The API fixture of the unit tests serves the properties too. */
#include "tests/unit/support/workload_fixture.c"
