#include "tests/unit/support/raw_peer.c"
