/* The property tests of engine/tunnel run on the unit tests' little world. */
#include "tests/unit/support/tiny_world.c"
