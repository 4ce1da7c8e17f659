/* fail_io: makes the n-th I/O operation of a simulated process fail: a connect (nobody listens), a write or the bytes that
 * arrive (the connection is reset), a question to DNS (no such name), a file (not there). Everything else goes its way.
 *
 * It stands between a process's world and the simulated one: operations are counted from fail_io_hook on. Of one instance
 * of the process only. Ownership: fail_io_free after the simulation has ended. */
#ifndef PADDOCK_TESTS_UNIT_SUPPORT_FAIL_IO_H
#define PADDOCK_TESTS_UNIT_SUPPORT_FAIL_IO_H

#include "engine/world/world.h"
#include "sim/world/sim.h"

struct fail_io;
/* nth counts from 1; 0: none fails, they are only counted. */
struct fail_io *fail_io_hook(struct sim *sim, struct world *w, uint64_t nth);
uint64_t fail_io_count(const struct fail_io *f); /* operations so far */
const char *fail_io_failed(
    const struct fail_io *f);         /* what failed: "connect", "write", ...; NULL: nothing yet */
void fail_io_stop(struct fail_io *f); /* counts no more */
size_t fail_io_streams(const struct fail_io *f); /* of the world, that have not ended */
void fail_io_free(struct fail_io *f);

#endif
