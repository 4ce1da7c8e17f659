/* The lab of the unit tests serves the properties too. */
#include "tests/unit/support/lab.c"
