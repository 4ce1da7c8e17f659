/* The candidates of the unit tests serve the properties too. */
#include "tests/unit/support/candidates.c"
