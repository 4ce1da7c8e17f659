/* fake_world: the smallest world that HTTP can be tested on: time, timers, random bytes, work and byte streams on one event
 * queue. What it can do better than a real one: cut everything that is sent into pieces of random sizes, count events
 * and writes, and complain about handles that are used after their end. TLS, DNS, files are not there. */
#ifndef PADDOCK_TESTS_UNIT_SUPPORT_FAKE_WORLD_H
#define PADDOCK_TESTS_UNIT_SUPPORT_FAKE_WORLD_H

#include "engine/world/world.h"

struct fake_world;

struct fake_world *fake_new(uint64_t seed);
void fake_free(struct fake_world *f); /* every handle must have ended */
struct world *fake_of(struct fake_world *f);
/* Data callbacks get at most this many bytes, a random number of them; 0: as much as there is. */
void fake_split(struct fake_world *f, size_t bytes_max);
/* Connects are neither accepted nor refused. */
void fake_blackhole(struct fake_world *f, bool on);
void fake_run(struct fake_world *f);                       /* until nothing is to do but timers */
void fake_run_for(struct fake_world *f, world_time delay); /* all events up to now + delay */
uint64_t fake_events(const struct fake_world *f);
uint64_t fake_writes(const struct fake_world *f);
size_t fake_handles(const struct fake_world *f); /* streams, listeners and timers that live */
/* Two ends of one connection, without callbacks yet. */
void fake_pair(struct fake_world *f, struct world_stream **a, struct world_stream **b);
bool fake_stream_paused(const struct world_stream *s);

#endif
