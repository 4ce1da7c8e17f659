/* Goal: what users ask of a manager is counted as what became of it: answered, refused, timed out, broken; and an outage is
 * as long as it was.
 * Method: small scenario files over one estate whose managers, tunnels and clusters come and go under the traffic; the
 * files' own assertions say what must be counted. */
#include "tests/unit/support/check.h"

#include "tests/unit/support/small_run.h"

static const char head[] =
    "scenario: v1\n"
    "name: t\n"
    "clock: {start: \"2026-01-01T00:00:00Z\", limit: 4m}\n"
    "topology:\n"
    "  sites: {a: {manager: {replicas: 2}}, b: {manager: {replicas: 1, standby: true}}}\n"
    "  clusters: {edge: {count: 2}}\n"
    "  dns: {zone: x.test, records: {manager: {ttl: 30s, value: [site/a]}}}\n"
    "steps:\n"
    "  - {name: settle, wait: {until: \"all(cluster: state == active)\", within: 90s}}\n";

#define TRAFFIC      "traffic:\n"
#define ASSERTS      "assert:\n"
#define AT(at, that) "  - {name: \"" at " " that "\", at: " at ", that: \"" that "\"}\n"

static const struct small_row rows[] = {
    /* nothing has ended yet: nothing is known of it */
    {TRAFFIC
     "  early: {over: cluster/edge, every: 1s, until: 1s}\n"
     "  usual: {over: cluster/edge, every: 1s, from: 2m, until: 3m}\n"
     "  other: {over: \"cluster/edge[1]\", every: 1s, from: {step: settle, delay: 1s}}\n" ASSERTS
         AT("1m59s", "not known(traffic.usual.failed_share) and not known(traffic.usual.p50)") AT(
             "1m59s", "not known(traffic.usual.max) and not known(traffic.usual.last_failure)")
             AT("1m59s", "traffic.usual.requests == 0 and traffic.usual.outage == 0s") AT(
                 "1m59s", "traffic.early.answered == 0 and traffic.early.failures > 0")
                 AT("3m30s", "traffic.usual.answered >= 90 and traffic.usual.failures == 0") AT(
                     "3m30s", "traffic.usual.failed_share == 0% and traffic.usual.under_way == 0")
                     AT("3m30s", "traffic.usual.p50 <= traffic.usual.p99 and traffic.usual.p99 <= "
                                 "traffic.usual.max") AT("3m30s", "traffic.usual.requests == "
                                                                  "traffic.usual.answered")
                         AT("3m30s",
                            "traffic.usual.bytes_down == 0 and traffic.usual.bytes_up == 0")
                             AT("3m30s", "traffic.usual.streams == 0 and traffic.usual.broken == 0")
                                 AT("3m30s",
                                    "traffic.usual.timeouts == 0 and traffic.usual.refused == 0")
                                     AT("3m30s", "traffic.usual.longest_outage == 0s and "
                                                 "count(traffic) == 3")
                                         AT("3m30s",
                                            "traffic.other.answered > 90 and exists(traffic where "
                                            "name == other)"),
     "", ""},
    /* a manager that does not run takes nothing, one that is meant by number does */
    {TRAFFIC
     "  standby: {over: cluster/edge, via: manager/b, every: 1s, from: 2m}\n"
     "  second: {over: cluster/edge, via: \"manager/a[1]\", every: 1s, from: 2m}\n"
     "  any: {over: cluster/edge, via: \"manager/*\", every: 1s, from: 2m}\n"
     "  streams: {kind: ping, over: cluster/edge, via: manager/b, every: 1s, from: 2m}\n" ASSERTS
         AT("3m", "traffic.standby.refused >= 90 and traffic.standby.answered == 0")
             AT("3m", "traffic.second.answered >= 90 and traffic.second.failures == 0")
                 AT("3m", "traffic.any.answered >= 50 and traffic.any.refused >= 25")
                     AT("3m", "traffic.streams.refused >= 60 and traffic.streams.streams == 0"),
     "", ""},
    /* it begins when it is quiet, whether that is a time or hangs on a wait */
    {"quiet: {from: 2m}\n" TRAFFIC "  calm: {over: cluster/edge, every: 1s, from: quiet}\n"
     "  late: {over: cluster/edge, every: 1s, from: {step: quiet, delay: 30s}, until: 3m}\n" ASSERTS
         AT("1m59s", "traffic.calm.requests == 0")
             AT("2m29s", "traffic.calm.answered >= 50 and traffic.late.requests == 0")
                 AT("3m10s", "traffic.late.answered >= 50 and traffic.late.answered < 70"),
     "", ""},
    {"quiet: {from: {step: settle, delay: 30s}}\n" TRAFFIC
     "  calm: {over: cluster/edge, every: 1s, from: quiet}\n"
     "  late: {over: cluster/edge, every: 1s, from: {step: quiet, delay: 1m}}\n" ASSERTS
     "  - {name: not before, never: \"traffic.calm.requests > 0\", until: {step: settle, delay: "
     "30s}}\n"
     "  - {name: not much before, never: \"traffic.late.requests > 0\", until: {step: settle, "
     "delay: 90s}}\n" AT(
         "3m50s",
         "traffic.calm.answered > traffic.late.answered + 100 and traffic.late.answered > 50"),
     "", ""},
    /* nobody serves for a while; the outage ends with the next good question, or with the traffic */
    {TRAFFIC
     "  usual: {over: cluster/edge, every: 1s, from: 2m, until: 4m}\n"
     "  short: {over: cluster/edge, every: 1s, from: 2m, until: 2m40s}\n"
     "  streams: {kind: ping, over: cluster/edge, every: 1s, from: 2m, streams: 2}\n"
     "faults:\n"
     "  - {name: dark, at: 2m30s, for: 20s, target: site/a, fault: {process: power-loss}}\n" ASSERTS
         AT("2m29s", "traffic.usual.failures == 0 and traffic.streams.streams == 4")
             AT("2m45s", "traffic.usual.longest_outage > 10s and traffic.streams.streams == 0") AT(
                 "2m45s",
                 "traffic.short.longest_outage > 5s and traffic.short.longest_outage <= 11s")
                 AT("3m50s",
                    "traffic.usual.longest_outage > 15s and traffic.usual.longest_outage < 60s")
                     AT("3m50s", "traffic.usual.outage <= 2 * traffic.usual.longest_outage") AT(
                         "3m50s",
                         "age(traffic.usual.last_failure) > 10s and traffic.streams.streams == 4"),
     "", ""},
    /* a cluster that was removed is asked no more */
    {"  - {name: off, at: 2m30s, do: {cluster.remove: \"cluster/edge[0]\"}}\n" TRAFFIC
     "  gone: {over: \"cluster/edge[0]\", every: 1s, from: 2m}\n"
     "  stays: {over: \"cluster/edge[1]\", every: 1s, from: 2m}\n" ASSERTS AT(
         "3m50s", "traffic.gone.requests <= 40 and traffic.stays.requests >= 90"),
     "", ""},
    /* what nobody answers in time, and a stream on which one ping is still under way */
    {TRAFFIC
     "  slow: {over: cluster/edge, every: 1s, deadline: 2s, from: 2m}\n"
     "  pings: {kind: ping, over: cluster/edge, every: 1s, deadline: 3s, from: 2m}\n"
     "  asks: {kind: connect, over: cluster/edge, every: 1s, deadline: 2s, from: 2m}\n"
     "  nowhere: {kind: connect, to: \"10.9.9.9:1\", over: cluster/edge, every: 1s, from: 2m}\n"
     "faults:\n"
     "  - {name: cut, at: 2m30s, for: 20s, target: link/cluster/edge/site/a, fault: {net: "
     "clog}}\n" ASSERTS AT("2m29s", "traffic.slow.failures == 0 and traffic.pings.failures == 0")
         AT("2m29s", "traffic.asks.answered > 20 and traffic.asks.failures == 0")
             AT("3m50s", "traffic.slow.timeouts > 10 and traffic.pings.timeouts > 1")
                 AT("3m50s", "traffic.asks.timeouts > 10 and traffic.nowhere.answered == 0")
                     AT("3m50s", "traffic.nowhere.broken + traffic.nowhere.timeouts > 60"),
     "", ""},
    /* all the time, one way and both; a slow reader reads what it can */
    {TRAFFIC
     "  down: {kind: download, over: cluster/edge, rate: 20KiB, from: 2m, until: 3m}\n"
     "  fast: {kind: download, over: \"cluster/edge[0]\", from: 2m, until: 2m2s}\n"
     "  both: {kind: exchange, over: cluster/edge, rate: 10KiB, from: 2m, until: 2m10s}\n" ASSERTS
         AT("2m59s", "traffic.down.bytes_down > 1MiB and traffic.down.bytes_down < 5MiB")
             AT("2m59s", "traffic.down.bytes_up == 0 and traffic.down.streams == 2")
                 AT("3m50s", "traffic.down.streams == 0 and traffic.fast.bytes_down > 1MiB")
                     AT("3m50s", "traffic.both.bytes_down > 0 and traffic.both.bytes_up > 0"),
     "", ""},
};

static void what_became_of_questions(void **state)
{
    bool ok = true;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ok &= small_row_holds(head, &rows[i]);
    assert_true(ok);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_became_of_questions)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
