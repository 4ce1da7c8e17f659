/* The kinds of faults by name. */
#include "sim/world/sim_internal.h"

static const char *const names[SIM_FAULT_KIND_COUNT] = {
    [SIM_FAULT_NET_LATENCY] = "net.latency",
    [SIM_FAULT_NET_LOSS] = "net.loss",
    [SIM_FAULT_NET_REORDER] = "net.reorder",
    [SIM_FAULT_NET_DUPLICATE] = "net.duplicate",
    [SIM_FAULT_NET_PARTITION] = "net.partition",
    [SIM_FAULT_NET_ONE_WAY] = "net.one-way",
    [SIM_FAULT_NET_CLOG] = "net.clog",
    [SIM_FAULT_NET_HALF_OPEN] = "net.half-open",
    [SIM_FAULT_NET_RESET] = "net.reset",
    [SIM_FAULT_NET_IDLE_CUT] = "net.idle-cut",
    [SIM_FAULT_NET_REFUSE] = "net.refuse",
    [SIM_FAULT_NET_THROTTLE] = "net.throttle",
    [SIM_FAULT_DNS_SERVFAIL] = "dns.servfail",
    [SIM_FAULT_DNS_NXDOMAIN] = "dns.nxdomain",
    [SIM_FAULT_DNS_TIMEOUT] = "dns.timeout",
    [SIM_FAULT_DNS_STALE] = "dns.stale",
    [SIM_FAULT_DNS_WRONG] = "dns.wrong-answer",
    [SIM_FAULT_DNS_TTL_IGNORED] = "dns.ttl-ignored",
    [SIM_FAULT_DNS_NEGATIVE_CACHED] = "dns.negative-cached",
    [SIM_FAULT_TLS_EXPIRED] = "tls.expired",
    [SIM_FAULT_TLS_NOT_YET_VALID] = "tls.not-yet-valid",
    [SIM_FAULT_TLS_WRONG_CA] = "tls.wrong-ca",
    [SIM_FAULT_TLS_WRONG_NAME] = "tls.wrong-name",
    [SIM_FAULT_TLS_STALL] = "tls.handshake-stall",
    [SIM_FAULT_HTTP_ERROR] = "http.error",
    [SIM_FAULT_HTTP_SLOW] = "http.slow",
    [SIM_FAULT_HTTP_TRUNCATED] = "http.truncated",
    [SIM_FAULT_HTTP_NO_UPGRADE] = "http.no-upgrade",
    [SIM_FAULT_PROCESS_CRASH] = "process.crash",
    [SIM_FAULT_PROCESS_POWER_LOSS] = "process.power-loss",
    [SIM_FAULT_PROCESS_PAUSE] = "process.pause",
    [SIM_FAULT_PROCESS_SLOW] = "process.slow",
    [SIM_FAULT_CLOCK_SKEW] = "clock.skew",
    [SIM_FAULT_CLOCK_JUMP] = "clock.jump",
    [SIM_FAULT_CLOCK_DRIFT] = "clock.drift",
    [SIM_FAULT_DISK_FULL] = "disk.full",
    [SIM_FAULT_DISK_TORN] = "disk.torn",
    [SIM_FAULT_DISK_SLOW] = "disk.slow",
};

const char *sim_fault_kind_name(enum sim_fault_kind kind)
{
    BUG_ON((unsigned)kind >= SIM_FAULT_KIND_COUNT, "a fault has a known kind");
    return names[kind];
}

bool sim_fault_kind_find(struct str group, struct str word, enum sim_fault_kind *out)
{
    for (int i = 0; i < SIM_FAULT_KIND_COUNT; i++) {
        struct str head, tail;
        (void)str_cut(str_c(names[i]), '.', &head, &tail);
        if (str_eq(group, head) && str_eq(word, tail)) {
            *out = (enum sim_fault_kind)i;
            return true;
        }
    }
    return false;
}

bool fault_is_http(enum sim_fault_kind kind)
{
    return kind >= SIM_FAULT_HTTP_ERROR && kind <= SIM_FAULT_HTTP_NO_UPGRADE;
}

bool fault_is_net(enum sim_fault_kind kind)
{
    return kind <= SIM_FAULT_NET_THROTTLE;
}
