/* As tiny_world.c. */
#include "tests/unit/support/tiny_wire.c"
