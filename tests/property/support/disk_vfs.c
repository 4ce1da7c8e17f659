/* The fake world of the unit tests serves the properties too. */
#include "tests/unit/support/disk_vfs.c"
