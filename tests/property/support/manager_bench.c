/* The managers of the unit tests serve the properties too. */
#include "tests/unit/support/manager_bench.c"
