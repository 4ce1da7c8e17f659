/* trace: every event of a run as small binary records, always kept in a ring, hashed, and spilled to a sink when asked.
 *
 * Bytes: blocks of at most SIM_TRACE_BLOCK_BYTES that hold whole records; each block can be read alone.
 *   record: varint time (ns since the record before; in a block's first record: since 0), varint component,
 *           varint kind, varint key, 8 bytes payload hash (little endian); kinds with text: varint length, bytes.
 *   (varint: base 128, little endian, unsigned.) SIM_TRACE_NAME defines component `key` = its text, before first use.
 * Hash:  H0 = 32 zero bytes, Hi = SHA-256(Hi-1 ‖ block i); the trace's hash is the last one, the open block included.
 * What:  payload hashes are of plain bytes; certificates, keys and their lengths never enter. Log lines do not either. */
#ifndef PADDOCK_SIM_WORLD_TRACE_H
#define PADDOCK_SIM_WORLD_TRACE_H

#include "sim/world/sim.h"

#define SIM_TRACE_BLOCK_BYTES ((size_t)64 << 10)
#define SIM_TRACE_TEXT_MAX    512u
#define SIM_TRACE_HASH_BYTES  32u

enum sim_trace_kind {
    SIM_TRACE_NAME,    /* text */
    SIM_TRACE_TASK,    /* a sim_at event */
    SIM_TRACE_TIMER,   /* key: ordinal of the process's timer */
    SIM_TRACE_CONNECT, /* key: connection; payload: destination */
    SIM_TRACE_OPEN,
    SIM_TRACE_ACCEPT,
    SIM_TRACE_DATA, /* payload: the bytes that arrived */
    SIM_TRACE_END,
    SIM_TRACE_CLOSED, /* payload: error code + 1, 0 for an orderly end */
    SIM_TRACE_NET,    /* other steps of a connection's life: SYN, window, time-outs */
    SIM_TRACE_DNS,    /* payload: name and answer */
    SIM_TRACE_RECORD, /* DNS records changed; key: how many; text: the name */
    SIM_TRACE_FILE,   /* payload: path and result */
    SIM_TRACE_WORK,
    SIM_TRACE_PROCESS, /* key: 1 start, 2 end, 3 pause, 4 resume; payload: status */
    SIM_TRACE_FAULT,   /* key: 1 begins, 2 ends; text: its name */
    SIM_TRACE_NOTE,    /* key: interned kind; text: "key\0value" */
    SIM_TRACE_USER,    /* sim_trace_add of other layers */
    SIM_TRACE_KIND_COUNT
};
const char *sim_trace_kind_name(enum sim_trace_kind kind);

/* Interns a name (of a component or a note's kind): ids ascend in order of first use. */
uint32_t sim_trace_intern(struct sim *sim, struct str name);
void sim_trace_add(struct sim *sim, uint32_t component, uint64_t key,
                   struct str payload); /* SIM_TRACE_USER */

void sim_trace_hash(struct sim *sim, unsigned char out[SIM_TRACE_HASH_BYTES]);
void sim_trace_hash_hex(struct sim *sim, struct buf *out);
uint64_t sim_trace_records(const struct sim *sim);

/* Every block as it is completed, from the first one on: to be set before the run. sim_trace_flush gives the open one
 * too and may be called at the end only. */
void sim_trace_spill(struct sim *sim, void (*block)(void *owner, struct str bytes), void *owner);
void sim_trace_flush(struct sim *sim);
/* What the ring still holds, oldest block first: the same bytes. Names that were defined earlier come first again. */
void sim_trace_ring(struct sim *sim, void (*block)(void *owner, struct str bytes), void *owner);

struct sim_trace_record {
    world_time at;
    struct str component;
    enum sim_trace_kind kind;
    uint64_t key;
    struct str key_name; /* of notes; else empty */
    uint64_t payload;
    struct str text;
};
/* Reads blocks in order. The reader owns copies of the names. */
struct sim_trace_reader;
struct sim_trace_reader *sim_trace_reader_new(void);
struct err *sim_trace_read(struct sim_trace_reader *r, struct str block,
                           void (*record)(void *owner, const struct sim_trace_record *rec),
                           void *owner) must_check;
/* One record after the other: *rest is what is left of the block, *last begins at 0 with each. False: nothing is left, or
 * what is left is malformed (then *rest is not empty). */
bool sim_trace_next(struct sim_trace_reader *r, struct str *rest, world_time *last,
                    struct sim_trace_record *rec);
void sim_trace_reader_free(struct sim_trace_reader *r);
void sim_trace_record_print(const struct sim_trace_record *rec,
                            struct buf *out); /* one line of text, no newline */

#endif
