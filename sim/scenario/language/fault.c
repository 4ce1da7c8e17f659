/* The table of fault kinds, and reading a fault from it. */
#include "sim/scenario/language/fault.h"
#include "sim/scenario/language/schema_internal.h"

#include <string.h>

#define IN(member) offsetof(struct fault, member)
#define T(kind)    (1u << (kind))
#define FIELDS(a)  (a), ARRAY_LEN(a)
#define PPM        INT64_C(1000000)
#define CODE_LOW   400
#define CODE_HIGH  599
#define DRIFT_MAX  100000
#define FIELD_MANY 64u
#define NTH_MAX    1000000

#define SHARE_FIELD                                                                                \
    {                                                                                              \
        .name = "share", .type = FIELD_SHARE, .offset = IN(share_ppm), .otherwise = "1",           \
        .doc = "each event with this probability, by the seed"                                     \
    }
#define FIELD_OF(field, kind, member, text, about)                                                 \
    {                                                                                              \
        .name = (field), .type = (kind), .offset = IN(member), .otherwise = (text), .doc = (about) \
    }
#define FIELD_NEEDED(field, kind, member, about)                                                   \
    {                                                                                              \
        .name = (field), .type = (kind), .offset = IN(member), .flags = FIELD_REQUIRED,            \
        .doc = (about)                                                                             \
    }
#define DIRECTION_FIELD                                                                            \
    {                                                                                              \
        .name = "direction", .type = FIELD_ENUM, .offset = IN(direction),                          \
        .values = "both|forth|back", .otherwise = "both",                                          \
        .doc = "forth: from the target's first end to its second"                                  \
    }

#define OF_FIELD FIELD_OF("of", FIELD_STRING, of, NULL, "only this resource")
#define USER_FIELD                                                                                 \
    FIELD_OF("user", FIELD_STRING, user, NULL, "only requests of this user of the API")
#define VERB_FIELD                                                                                 \
    {                                                                                              \
        .name = "verb", .type = FIELD_ENUM, .offset = IN(verb), .values = FAULT_VERBS,             \
        .otherwise = "any", .doc = "only requests of this verb of the API"                         \
    }
#define REQUEST_FIELDS OF_FIELD, VERB_FIELD, USER_FIELD

static const struct field share_only[] = {SHARE_FIELD};
static const struct field latency_fields[] = {
    SHARE_FIELD, FIELD_NEEDED("delay", FIELD_DURATION, delay_ns, "added to each segment"),
    FIELD_OF("jitter", FIELD_DURATION, jitter_ns, "0s", "up to this much more")};
static const struct field reorder_fields[] = {
    SHARE_FIELD, FIELD_OF("jitter", FIELD_DURATION, jitter_ns, "50ms", "up to this much late")};
static const struct field partition_fields[] = {SHARE_FIELD, DIRECTION_FIELD};
static const struct field idle_fields[] = {SHARE_FIELD,
                                           {.name = "idle",
                                            .type = FIELD_DURATION,
                                            .offset = IN(delay_ns),
                                            .flags = FIELD_REQUIRED,
                                            .min = 1000000,
                                            .max = INT64_MAX,
                                            .doc = "this long without traffic"}};
static const struct field throttle_fields[] = {
    FIELD_NEEDED("rate", FIELD_SIZE, bytes_per_s, "bytes a second, each connection and direction")};
static const struct field dns_fields[] = {
    SHARE_FIELD, FIELD_OF("record", FIELD_STRING, of, NULL, "only this record of the zone")};
static const struct field dns_value_fields[] = {
    SHARE_FIELD, FIELD_OF("record", FIELD_STRING, of, NULL, "only this record of the zone"),
    FIELD_NEEDED("value", FIELD_STRINGS, values, "the sites that are answered instead")};
static const struct field dns_hold_fields[] = {
    SHARE_FIELD, FIELD_OF("record", FIELD_STRING, of, NULL, "only this record of the zone"),
    FIELD_OF("hold", FIELD_DURATION, hold_ns, "5m", "how long the answer is kept")};
static const struct field http_fields[] = {
    SHARE_FIELD,
    {.name = "code",
     .type = FIELD_INT,
     .offset = IN(code),
     .flags = FIELD_REQUIRED,
     .min = CODE_LOW,
     .max = CODE_HIGH,
     .doc = "the status that is answered"},
    FIELD_OF("retry_after", FIELD_DURATION, retry_after_ns, NULL, "the Retry-After header"),
    REQUEST_FIELDS};
static const struct field http_slow_fields[] = {
    SHARE_FIELD, FIELD_OF("delay", FIELD_DURATION, delay_ns, "1s", "how much later"),
    FIELD_OF("jitter", FIELD_DURATION, jitter_ns, "0s", "up to this much more"), REQUEST_FIELDS};
static const struct field request_fields[] = {SHARE_FIELD, REQUEST_FIELDS};
static const struct field delay_fields[] = {
    SHARE_FIELD, FIELD_OF("delay", FIELD_DURATION, delay_ns, "1s", "how much later"),
    FIELD_OF("jitter", FIELD_DURATION, jitter_ns, "0s", "up to this much more")};
static const struct field of_fields[] = {SHARE_FIELD, OF_FIELD, USER_FIELD};
static const struct field stall_fields[] = {
    SHARE_FIELD, OF_FIELD, USER_FIELD,
    FIELD_OF("for", FIELD_DURATION, delay_ns, NULL,
             "an event silences its watch for this long; without it watches are silent all along")};
static const struct field rewind_fields[] = {
    {.name = "to",
     .type = FIELD_ENUM,
     .offset = IN(direction),
     .values = "stale-replica",
     .otherwise = "stale-replica",
     .doc = "who answers"},
    SHARE_FIELD,
    OF_FIELD,
    USER_FIELD,
    FIELD_OF("behind", FIELD_DURATION, behind_ns, "30s", "how far back the past lies")};
static const struct field unobserved_fields[] = {
    SHARE_FIELD,
    OF_FIELD,
    FIELD_OF("name", FIELD_STRING, name, NULL, "only of the object of this name"),
    {.name = "event",
     .type = FIELD_ENUM,
     .offset = IN(event),
     .values = FAULT_EVENTS,
     .otherwise = "any",
     .doc = "only of this type"},
    {.name = "shown",
     .type = FIELD_ENUM,
     .offset = IN(shown),
     .values = "never|later",
     .otherwise = "never",
     .doc = "later: when the fault ends, each object as it is by then"}};
static const struct field stale_fields[] = {
    OF_FIELD, FIELD_OF("behind", FIELD_DURATION, behind_ns, "30s",
                       "how far back the past lies, and up to a tenth more")};
static const struct field watch_reorder_fields[] = {
    SHARE_FIELD, OF_FIELD, USER_FIELD,
    FIELD_OF("window", FIELD_EVENTS, window, "3 events", "within how many events")};
static const struct field restore_fields[] = {FIELD_OF(
    "behind", FIELD_DURATION, behind_ns, "10m", "the age of the backup, and up to a tenth more")};
static const struct field crash_fields[] = {
    SHARE_FIELD,
    FIELD_OF("of", FIELD_STRING, of, NULL, "at a write: only writes of this resource"),
    {.name = "at",
     .type = FIELD_ENUM,
     .offset = IN(when),
     .values = "once|before-write|after-write|each-write|all-writes",
     .otherwise = "once",
     .doc = "when it crashes: at a write to a Kubernetes API, over a connection of its own; "
            "each-write: at one "
            "write a run, and a run for before and after each of them; all-writes: at each, in one "
            "run"},
    {.name = "nth",
     .type = FIELD_INT,
     .offset = IN(nth),
     .otherwise = "1",
     .min = 1,
     .max = NTH_MAX,
     .doc = "before-write, after-write: at its nth write"},
    {.name = "counted",
     .type = FIELD_ENUM,
     .offset = IN(counted),
     .values = "each|all",
     .otherwise = "each",
     .doc = "nth, of several processes: each has an nth write and crashes there; all: the nth of "
            "all their writes, and only who makes it crashes"},
    FIELD_OF("delay", FIELD_DURATION, delay_ns, NULL,
             "until it is started again; else as its supervisor has it")};
static const struct field offset_fields[] = {
    {.name = "by",
     .type = FIELD_DURATION,
     .offset = IN(offset_ns),
     .flags = FIELD_REQUIRED,
     .min = INT64_MIN,
     .max = INT64_MAX,
     .doc = "how far the wall clock is off; negative: behind"}};
static const struct field drift_fields[] = {{.name = "ppm",
                                             .type = FIELD_INT,
                                             .offset = IN(drift_ppm),
                                             .flags = FIELD_REQUIRED,
                                             .min = -DRIFT_MAX,
                                             .max = DRIFT_MAX,
                                             .doc = "millionths too fast; negative: too slow"}};

#define NET                                                                                        \
    (T(TARGET_LINK) | T(TARGET_SITE) | T(TARGET_CLUSTER) | T(TARGET_MANAGER) | T(TARGET_AGENT))
#define DNS    (T(TARGET_DNS) | T(TARGET_RESOLVER))
#define SERVES (T(TARGET_SITE) | T(TARGET_MANAGER) | T(TARGET_API) | T(TARGET_CLUSTER))
#define API    (T(TARGET_API) | T(TARGET_SITE) | T(TARGET_CLUSTER))
#define PROCESS                                                                                    \
    (T(TARGET_MANAGER) | T(TARGET_AGENT) | T(TARGET_API) | T(TARGET_SITE) | T(TARGET_CLUSTER))
#define NODE (T(TARGET_NODE) | T(TARGET_CLUSTER))

const struct fault_row fault_table[] = {
    {"net", "latency", FAULT_NET_LATENCY, NET, FIELDS(latency_fields), "segments arrive later"},
    {"net", "loss", FAULT_NET_LOSS, NET, FIELDS(share_only),
     "segments are lost and sent again, which costs time"},
    {"net", "reorder", FAULT_NET_REORDER, NET, FIELDS(reorder_fields),
     "the order across connections changes"},
    {"net", "duplicate", FAULT_NET_DUPLICATE, NET, FIELDS(share_only), "segments arrive twice"},
    {"net", "partition", FAULT_NET_PARTITION, NET, FIELDS(partition_fields),
     "nothing passes, and nobody is told"},
    {"net", "half-open", FAULT_NET_HALF_OPEN, NET, FIELDS(share_only),
     "established connections go dead in silence, new ones work"},
    {"net", "reset", FAULT_NET_RESET, NET, FIELDS(share_only), "connections are reset"},
    {"net", "idle-cut", FAULT_NET_IDLE_CUT, NET, FIELDS(idle_fields),
     "a middlebox resets connections without traffic"},
    {"net", "refuse", FAULT_NET_REFUSE, NET, FIELDS(share_only), "new connections are refused"},
    {"net", "throttle", FAULT_NET_THROTTLE, NET, FIELDS(throttle_fields), "bandwidth is short"},
    {"net", "clog", FAULT_NET_CLOG, NET, FIELDS(share_only),
     "nothing passes for a while, then everything at once"},
    {"dns", "nxdomain", FAULT_DNS_NXDOMAIN, DNS, FIELDS(dns_fields), "the name does not exist"},
    {"dns", "servfail", FAULT_DNS_SERVFAIL, DNS, FIELDS(dns_fields), "the server fails"},
    {"dns", "timeout", FAULT_DNS_TIMEOUT, DNS, FIELDS(dns_fields), "no answer comes"},
    {"dns", "wrong-answer", FAULT_DNS_WRONG_ANSWER, DNS, FIELDS(dns_value_fields),
     "another site's address is answered"},
    {"dns", "stale", FAULT_DNS_STALE, DNS, FIELDS(dns_fields),
     "the answer is the one from before the fault"},
    {"dns", "ttl-ignored", FAULT_DNS_TTL_IGNORED, T(TARGET_RESOLVER), FIELDS(dns_hold_fields),
     "the resolver keeps its answer beyond the TTL"},
    {"dns", "negative-cached", FAULT_DNS_NEGATIVE_CACHED, T(TARGET_RESOLVER),
     FIELDS(dns_hold_fields), "the resolver remembers that the name does not exist"},
    {"dns", "split-horizon", FAULT_DNS_SPLIT_HORIZON, T(TARGET_RESOLVER), FIELDS(dns_value_fields),
     "this resolver alone answers another site"},
    {"tls", "expired", FAULT_TLS_EXPIRED, SERVES, FIELDS(share_only), "the certificate expired"},
    {"tls", "not-yet-valid", FAULT_TLS_NOT_YET_VALID, SERVES, FIELDS(share_only),
     "the certificate is not valid yet"},
    {"tls", "wrong-ca", FAULT_TLS_WRONG_CA, SERVES, FIELDS(share_only),
     "the certificate is of another authority"},
    {"tls", "wrong-name", FAULT_TLS_WRONG_NAME, SERVES, FIELDS(share_only),
     "the certificate is for another name"},
    {"tls", "handshake-stall", FAULT_TLS_HANDSHAKE_STALL, SERVES, FIELDS(share_only),
     "the server never answers the handshake"},
    {"http", "error", FAULT_HTTP_ERROR, SERVES, FIELDS(http_fields), "requests fail by status"},
    {"http", "slow", FAULT_HTTP_SLOW, SERVES, FIELDS(http_slow_fields), "answers come late"},
    {"http", "no-upgrade", FAULT_HTTP_NO_UPGRADE, T(TARGET_SITE) | T(TARGET_MANAGER),
     FIELDS(share_only), "a proxy before the managers strips Upgrade: no WebSocket comes to be"},
    {"http", "truncated", FAULT_HTTP_TRUNCATED, SERVES, FIELDS(request_fields),
     "answers end in the middle"},
    {"write", "conflict-409", FAULT_WRITE_CONFLICT, API, FIELDS(request_fields),
     "writes meet a conflict"},
    {"write", "lost-ack", FAULT_WRITE_LOST_ACK, API, FIELDS(request_fields),
     "the write is done but reported as failed"},
    {"read", "stale", FAULT_READ_STALE, API, FIELDS(request_fields),
     "gets, lists and new watches show the server as it was when the fault began"},
    {"watch", "drop", FAULT_WATCH_DROP, API, FIELDS(of_fields), "watch events never come"},
    {"watch", "cut", FAULT_WATCH_CUT, API, FIELDS(of_fields), "open watches are cut off, once"},
    {"watch", "loss", FAULT_WATCH_LOSS, API, FIELDS(of_fields),
     "who resumes a watch never hears of what happened meanwhile"},
    {"watch", "stall", FAULT_WATCH_STALL, API, FIELDS(stall_fields),
     "watches stay open and say nothing"},
    {"watch", "gone-410", FAULT_WATCH_GONE, API, FIELDS(of_fields), "watches end with 410 Gone"},
    {"watch", "rewind", FAULT_WATCH_REWIND, API, FIELDS(rewind_fields),
     "a stale replica answers: the past comes back"},
    {"watch", "reorder", FAULT_WATCH_REORDER, API, FIELDS(watch_reorder_fields),
     "events of different objects change places"},
    {"watch", "unobserved", FAULT_WATCH_UNOBSERVED, API | T(TARGET_MANAGER) | T(TARGET_AGENT),
     FIELDS(unobserved_fields), "these events are not seen; of an API: by nobody"},
    {"watch", "duplicate", FAULT_WATCH_DUPLICATE, API, FIELDS(of_fields), "events come twice"},
    {"watch", "no-bookmark", FAULT_WATCH_NO_BOOKMARK, API, FIELDS(of_fields), "no bookmarks come"},
    {"store", "compaction", FAULT_STORE_COMPACTION, API, NULL, 0, "old revisions are dropped"},
    {"store", "full", FAULT_STORE_FULL, API, FIELDS(share_only), "writes fail: no space"},
    {"store", "slow-fsync", FAULT_STORE_SLOW_FSYNC, API, FIELDS(delay_fields),
     "writes take longer"},
    {"store", "lost-write", FAULT_STORE_LOST_WRITE, API, FIELDS(request_fields),
     "an acknowledged write is not there afterwards"},
    {"store", "restore-from-backup", FAULT_STORE_RESTORE, API, FIELDS(restore_fields),
     "the store is as it was some time ago"},
    {"process", "crash", FAULT_PROCESS_CRASH, PROCESS, FIELDS(crash_fields),
     "the process ends from one event to the next"},
    {"process", "power-loss", FAULT_PROCESS_POWER_LOSS, PROCESS, NULL, 0,
     "the machines are dead and close no connection"},
    {"process", "pause", FAULT_PROCESS_PAUSE, PROCESS, FIELDS(share_only),
     "the process stands still, its connections stay"},
    {"process", "oom", FAULT_PROCESS_OOM, PROCESS, FIELDS(share_only),
     "the process is killed for its memory"},
    {"process", "slow", FAULT_PROCESS_SLOW, PROCESS, FIELDS(delay_fields),
     "everything the process does comes late"},
    {"process", "stale", FAULT_PROCESS_STALE, T(TARGET_MANAGER) | T(TARGET_AGENT),
     FIELDS(stale_fields),
     "the process ends, and starts again against a replica of its API that is behind until the "
     "fault ends"},
    {"clock", "skew", FAULT_CLOCK_SKEW, PROCESS, FIELDS(offset_fields),
     "the wall clock is off for the time of the fault"},
    {"clock", "jump", FAULT_CLOCK_JUMP, PROCESS, FIELDS(offset_fields),
     "the wall clock jumps once and stays"},
    {"clock", "drift", FAULT_CLOCK_DRIFT, PROCESS, FIELDS(drift_fields),
     "the wall clock runs too fast or too slow"},
    {"lease", "lost", FAULT_LEASE_LOST, T(TARGET_SITE) | T(TARGET_MANAGER), FIELDS(share_only),
     "renewing the leader's lease fails"},
    {"lease", "two-holders", FAULT_LEASE_TWO_HOLDERS, T(TARGET_SITE), NULL, 0,
     "a second replica sees and keeps a lease of its own, and leads when the other's has run out"},
    {"disk", "full", FAULT_DISK_FULL, PROCESS, FIELDS(share_only), "file writes fail: no space"},
    {"disk", "torn", FAULT_DISK_TORN, PROCESS, FIELDS(share_only),
     "what a power cut meets is left cut short"},
    {"disk", "slow", FAULT_DISK_SLOW, PROCESS, FIELDS(delay_fields), "files take longer"},
    {"node", "not-ready", FAULT_NODE_NOT_READY, NODE, FIELDS(share_only),
     "nodes report themselves not ready"},
    {"node", "gone", FAULT_NODE_GONE, NODE, FIELDS(share_only), "nodes are gone"},
    {"node", "back-with-new-identity", FAULT_NODE_NEW_IDENTITY, NODE, FIELDS(share_only),
     "nodes go, and come back as other machines of the same name"},
    {"addon", "coredns-down", FAULT_ADDON_COREDNS_DOWN, T(TARGET_CLUSTER), NULL, 0,
     "the cluster's DNS is down"},
    {"addon", "cni-down", FAULT_ADDON_CNI_DOWN, T(TARGET_CLUSTER), NULL, 0,
     "the cluster's overlay network is down"},
};
const size_t fault_table_n = ARRAY_LEN(fault_table);

const struct fault_row *fault_row_of(enum fault_kind kind)
{
    size_t i = 0;
    while (fault_table[i].id != kind) {
        i++;
        BUG_ON(i == fault_table_n, "a fault's kind is in the table");
    }
    return &fault_table[i];
}

bool fault_is_momentary(const struct fault *f)
{
    return (f->kind == FAULT_PROCESS_CRASH && f->when == FAULT_AT_ONCE) ||
           f->kind == FAULT_PROCESS_OOM || f->kind == FAULT_CLOCK_JUMP ||
           f->kind == FAULT_NET_RESET || f->kind == FAULT_STORE_COMPACTION ||
           f->kind == FAULT_STORE_RESTORE || f->kind == FAULT_WATCH_CUT ||
           f->kind == FAULT_NODE_NEW_IDENTITY;
}

void fault_name(enum fault_kind kind, struct buf *out)
{
    const struct fault_row *row = fault_row_of(kind);
    buf_addf(out, "%s %s", row->family, row->kind);
}

/* ---- reading ---- */

/* The families in table order, each once. */
static size_t families(struct str names[ARRAY_LEN(fault_table)])
{
    size_t n = 0;
    for (size_t i = 0; i < fault_table_n; i++)
        if (n == 0 || !str_eq_c(names[n - 1], fault_table[i].family))
            names[n++] = str_c(fault_table[i].family);
    return n;
}

static bool is_family(struct str name)
{
    for (size_t i = 0; i < fault_table_n; i++)
        if (str_eq_c(name, fault_table[i].family))
            return true;
    return false;
}

static const struct fault_row *find_row(struct str family, struct str kind)
{
    for (size_t i = 0; i < fault_table_n; i++)
        if (str_eq_c(family, fault_table[i].family) && str_eq_c(kind, fault_table[i].kind))
            return &fault_table[i];
    return NULL;
}

static const struct fault_row *read_kind(struct decode *d, const struct yaml_node *entry,
                                         struct str path)
{
    struct str kind = entry->kind == YAML_MAP ? STR("error") : entry->text;
    const struct fault_row *row = NULL;
    if (entry->kind != YAML_LIST)
        row = find_row(entry->key, kind);
    if (row)
        return row;
    struct str kinds[ARRAY_LEN(fault_table)];
    size_t n = 0;
    for (size_t i = 0; i < fault_table_n; i++)
        if (str_eq_c(entry->key, fault_table[i].family))
            kinds[n++] = str_c(fault_table[i].kind);
    struct place at = schema_place(entry, schema_path(d->arena, path, entry->key));
    if (entry->kind == YAML_MAP || entry->kind == YAML_LIST)
        diag_add(d->diags, at, "expected a kind of fault, not %s" STR_FMT,
                 schema_kind_name(entry->kind),
                 STR_ARG(diag_suggest_tail(d->arena, STR("?"), kinds, n)));
    else
        diag_add(d->diags, at, "unknown kind of fault \"" STR_FMT " " STR_FMT "\"" STR_FMT,
                 STR_ARG(entry->key), STR_ARG(kind),
                 STR_ARG(diag_suggest_tail(d->arena, kind, kinds, n)));
    return NULL;
}

static const struct yaml_node *find_family(struct decode *d, const struct yaml_node *node,
                                           struct str path)
{
    const struct yaml_node *found = NULL;
    for (const struct yaml_node *entry = node->first; entry; entry = entry->next) {
        if (!is_family(entry->key))
            continue;
        if (found) {
            diag_add(d->diags, schema_key_place(entry, path),
                     "\"" STR_FMT "\" and \"" STR_FMT "\": one fault has one kind",
                     STR_ARG(found->key), STR_ARG(entry->key));
            return NULL;
        }
        found = entry;
    }
    if (found)
        return found;
    if (!node->first) {
        diag_add(d->diags, schema_place(node, path),
                 "expected a fault such as {net: half-open}, not an empty mapping");
        return NULL;
    }
    struct str names[ARRAY_LEN(fault_table)];
    size_t n = families(names);
    const struct yaml_node *first = node->first;
    diag_add(d->diags, schema_key_place(first, path), "unknown fault \"" STR_FMT "\"" STR_FMT,
             STR_ARG(first->key), STR_ARG(diag_suggest_tail(d->arena, first->key, names, n)));
    return NULL;
}

/* The mapping without its family's entry: the fields of the kind. */
static struct yaml_node fields_of(struct arena *a, const struct yaml_node *node,
                                  const struct yaml_node *family)
{
    struct yaml_node rest = *node;
    struct yaml_node **end = &rest.first;
    rest.first = NULL;
    rest.count = 0;
    for (const struct yaml_node *entry = node->first; entry; entry = entry->next) {
        if (entry == family)
            continue;
        struct yaml_node *copy = ARENA_NEW(a, struct yaml_node);
        *copy = *entry;
        copy->next = NULL;
        *end = copy;
        end = &copy->next;
        rest.count++;
    }
    return rest;
}

bool fault_decode(struct decode *d, const struct yaml_node *node, struct str path,
                  struct fault *out)
{
    memset(out, 0, sizeof(*out));
    out->origin.place = schema_place(node, path);
    if (node->kind != YAML_MAP) {
        diag_add(d->diags, out->origin.place, "expected a fault such as {net: half-open}, not %s",
                 schema_kind_name(node->kind));
        return false;
    }
    const struct yaml_node *family = find_family(d, node, path);
    const struct fault_row *row = family ? read_kind(d, family, path) : NULL;
    if (!row)
        return false;
    out->share_ppm = PPM;
    const struct shape shape = {row->kind,    row->fields, row->fields_n,
                                sizeof(*out), NULL,        row->doc};
    /* {http: {code: 429}}: the family's own mapping has the fields. */
    struct yaml_node fields = *family;
    if (family->kind == YAML_MAP && node->count > 1) {
        const struct yaml_node *extra = node->first == family ? family->next : node->first;
        diag_add(d->diags, schema_key_place(extra, path), "\"" STR_FMT "\" belongs inside \"%s\"",
                 STR_ARG(extra->key), row->family);
        return false;
    }
    if (family->kind != YAML_MAP)
        fields = fields_of(d->arena, node, family);
    bool ok = schema_decode_object(d, &shape, &fields, path, out);
    out->origin.place = schema_place(node, path);
    out->kind = row->id;
    return ok;
}
