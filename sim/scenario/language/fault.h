/* fault: the kinds of faults a scenario can inject, from one table: name, fields with types and defaults, what it can
 * be aimed at. The loader, the JSON Schema and the reference all read this table.
 *
 *     fault: {dns: servfail, share: 0.2}        fault: {net: half-open}        fault: {http: {code: 429, share: 0.3}}
 *
 * A fault value is plain data with integers only; a field that its kind does not have stays at zero. */
#ifndef PADDOCK_SIM_SCENARIO_LANGUAGE_FAULT_H
#define PADDOCK_SIM_SCENARIO_LANGUAGE_FAULT_H

#include "sim/scenario/language/schema.h"
#include "sim/scenario/language/target.h"

enum fault_kind {
    FAULT_NONE,
    FAULT_NET_LATENCY,
    FAULT_NET_LOSS,
    FAULT_NET_REORDER,
    FAULT_NET_DUPLICATE,
    FAULT_NET_PARTITION,
    FAULT_NET_HALF_OPEN,
    FAULT_NET_RESET,
    FAULT_NET_IDLE_CUT,
    FAULT_NET_REFUSE,
    FAULT_NET_THROTTLE,
    FAULT_NET_CLOG,
    FAULT_DNS_NXDOMAIN,
    FAULT_DNS_SERVFAIL,
    FAULT_DNS_TIMEOUT,
    FAULT_DNS_WRONG_ANSWER,
    FAULT_DNS_STALE,
    FAULT_DNS_TTL_IGNORED,
    FAULT_DNS_NEGATIVE_CACHED,
    FAULT_DNS_SPLIT_HORIZON,
    FAULT_TLS_EXPIRED,
    FAULT_TLS_NOT_YET_VALID,
    FAULT_TLS_WRONG_CA,
    FAULT_TLS_WRONG_NAME,
    FAULT_TLS_HANDSHAKE_STALL,
    FAULT_HTTP_ERROR,
    FAULT_HTTP_SLOW,
    FAULT_HTTP_TRUNCATED,
    FAULT_HTTP_NO_UPGRADE,
    FAULT_WRITE_CONFLICT,
    FAULT_WRITE_LOST_ACK,
    FAULT_READ_STALE,
    FAULT_WATCH_CUT,
    FAULT_WATCH_DROP,
    FAULT_WATCH_LOSS,
    FAULT_WATCH_STALL,
    FAULT_WATCH_GONE,
    FAULT_WATCH_REWIND,
    FAULT_WATCH_REORDER,
    FAULT_WATCH_UNOBSERVED,
    FAULT_WATCH_DUPLICATE,
    FAULT_WATCH_NO_BOOKMARK,
    FAULT_STORE_COMPACTION,
    FAULT_STORE_FULL,
    FAULT_STORE_SLOW_FSYNC,
    FAULT_STORE_LOST_WRITE,
    FAULT_STORE_RESTORE,
    FAULT_PROCESS_CRASH,
    FAULT_PROCESS_POWER_LOSS,
    FAULT_PROCESS_PAUSE,
    FAULT_PROCESS_OOM,
    FAULT_PROCESS_SLOW,
    FAULT_PROCESS_STALE,
    FAULT_CLOCK_SKEW,
    FAULT_CLOCK_JUMP,
    FAULT_CLOCK_DRIFT,
    FAULT_LEASE_LOST,
    FAULT_LEASE_TWO_HOLDERS,
    FAULT_DISK_FULL,
    FAULT_DISK_TORN,
    FAULT_DISK_SLOW,
    FAULT_NODE_NOT_READY,
    FAULT_NODE_GONE,
    FAULT_NODE_NEW_IDENTITY,
    FAULT_ADDON_COREDNS_DOWN,
    FAULT_ADDON_CNI_DOWN,
    FAULT_KIND_COUNT
};

enum fault_direction { FAULT_BOTH_WAYS, FAULT_A_TO_B, FAULT_B_TO_A };
enum fault_moment {
    FAULT_AT_ONCE,
    FAULT_BEFORE_WRITE,
    FAULT_AFTER_WRITE,
    FAULT_EACH_WRITE,
    FAULT_ALL_WRITES
};

struct fault {
    struct origin origin;
    enum fault_kind kind;
    int64_t share_ppm;   /* each event with this probability; 1,000,000 without `share` */
    int64_t delay_ns;    /* added latency; slow answers, stalls; before a restart after a crash */
    int64_t jitter_ns;   /* random [0, jitter] more */
    int64_t bytes_per_s; /* throttle */
    int64_t code;        /* http */
    int64_t retry_after_ns; /* http; 0: no header */
    int64_t behind_ns;      /* watch rewind, store restore-from-backup */
    int64_t window;         /* watch reorder: events */
    int64_t offset_ns;      /* clock skew and jump */
    int64_t drift_ppm;      /* clock drift */
    int64_t hold_ns;        /* dns ttl-ignored, negative-cached */
    int64_t direction;      /* enum fault_direction */
    int64_t when;           /* enum fault_moment */
    struct strs values;     /* dns wrong-answer, split-horizon: sites such as site/b */
    struct str of;          /* which part: a record, a resource, a path */
    int64_t nth;            /* process crash: at which write */
    int64_t counted;        /* process crash: enum fault_counted */
    int64_t verb;           /* of requests: 0: any, else an index of fault_verbs */
    struct str user;        /* of requests; empty: all */
    struct str name;        /* of the object; empty: all */
    int64_t event;          /* watch unobserved: 0: any, else an index of FAULT_EVENTS */
    int64_t shown;          /* watch unobserved: enum fault_shown */
};
enum fault_counted { FAULT_COUNTED_EACH, FAULT_COUNTED_ALL };
enum fault_shown { FAULT_SHOWN_NEVER, FAULT_SHOWN_LATER };
#define FAULT_EVENTS "any|added|modified|deleted"
#define FAULT_VERBS  "any|get|list|watch|create|update|patch|delete|deletecollection"

struct fault_row {
    const char *family, *kind; /* "net", "half-open" */
    enum fault_kind id;
    uint32_t targets; /* bit set of 1u << enum target_kind */
    const struct field *fields;
    size_t fields_n;
    const char *doc;
};
/* Marks a field of the fault as given, as reading a file does: it is printed then. */
void fault_give(struct fault *fault, const char *field);
extern const struct fault_row fault_table[];
extern const size_t fault_table_n;

/* It ends as it begins, unless a time is given. */
bool fault_is_momentary(const struct fault *f);
const struct fault_row *fault_row_of(enum fault_kind kind);
/* As a file has it: {dns: servfail, share: 0.2}; only what was given. */
void fault_print(const struct fault *fault, struct buf *out);
void fault_name(enum fault_kind kind, struct buf *out); /* "net half-open" */

#endif
