/* Goal: what is done to an estate of several sites is done to the right ones and shows in what expressions see, also where
 * it meets something that is down, was done before, or is nobody.
 * Method: small scenario files over one estate of three sites and two groups; their own assertions say what must be seen. */
#include "tests/unit/support/check.h"

#include "engine/world/world.h"
#include "tests/unit/support/small_run.h"

static const char head[] =
    "scenario: v1\n"
    "name: t\n"
    "clock: {start: \"2026-01-01T00:00:00Z\", limit: 5m}\n"
    "topology:\n"
    "  sites:\n"
    "    a: {manager: {replicas: 2}}\n"
    "    b: {manager: {replicas: 1, standby: true, copy_every: 20s}}\n"
    "    c: {manager: {replicas: 1, standby: true, copy_every: 1h}}\n"
    "  clusters: {edge: {count: 2, nodes: 2, agent: {replicas: 2}}, core: {count: 1}}\n"
    "  dns:\n"
    "    zone: x.test\n"
    "    records: {manager: {ttl: 30s, value: [site/a]}, other: {value: [site/b]}}\n"
    "    resolvers: {sticky: {obey_ttl: false, hold: 10m, share: 50%}, plain: {}}\n"
    "  links:\n"
    "    - {between: [\"cluster/*\", \"site/*\"], latency: {p50: 5ms, p99: 20ms}}\n"
    "    - {between: [site/b, cluster/core], latency: {p50: 50ms, p99: 90ms}}\n"
    "steps:\n"
    "  - {name: settle, wait: {until: \"all(cluster: state == active)\", within: 3m}}\n";

#define DO(at, action) "  - {at: " at ", do: {" action "}}\n"
#define ASSERTS        "assert:\n"
#define AT(at, that)   "  - {name: \"" at " " that "\", at: " at ", that: \"" that "\"}\n"
#define FAULTS         "faults:\n"
#define FAULT(name, at, time, target, fault)                                                       \
    "  - {name: " name ", at: " at ", for: " time ", target: \"" target "\", fault: {" fault "}}"  \
    "\n"

static const struct small_row seen[] = {
    /* at rest */
    {ASSERTS AT("3m", "exists(agent where resolver == sticky)") AT(
         "3m", "exists(agent where resolver == plain)")
         AT("3m", "all(agent where resolver == sticky: resolver_hold == 10m)") AT(
             "3m", "all(agent where resolver == plain: resolver_hold == 0s)")
             AT("3m", "all(agent: age(last_byte) < 1m and not known(lost_at))") AT(
                 "3m", "count(agent where leader) == 3 and count(agent) == 5")
                 AT("3m", "site.a.agents == 5 and site.b.agents == 0") AT(
                     "3m", "site.b.role == standby and site.a.role == active and not site.b.alive")
                     AT("3m", "none(server where site == site/b: running or leader or peers > 0 or "
                              "sessions > 0)") AT("3m", "all(server where site == site/a: running "
                                                        "and peers == 1)")
                         AT("3m",
                            "not known(site.a.rotation_waits) and not known(site.b.rotation_waits)")
                             AT("3m", "not known(site.a.demoted_at) and not known(site.a.died_at)")
                                 AT("3m", "count(node where cluster == 'edge-0') == 2") AT(
                                     "3m",
                                     "exists(node where name == 'edge-1-node-1' and ready and "
                                     "replaced == 0)") AT("3m", "all(cluster: pods >= pods_running "
                                                                "and pods_running > 0 and remains)")
                                     AT("3m", "exists(cluster where name == 'core-0' and group == "
                                              "core and site == site/a)")
                                         AT("3m", "all(cluster: updated and known(active_at))") AT(
                                             "3m",
                                             "all(agent: group == edge or cluster == 'core-0')")
                                             AT("3m", "all(agent: streams > 0 and tasks > 0 and "
                                                      "buffered >= 0 and restarts >= 0)")
                                                 AT("3m",
                                                    "all(server where running: streams > 0 and "
                                                    "tasks > 0 and buffered >= 0)")
                                                     AT("3m",
                                                        "all(agent: running and attempts >= 1 "
                                                        "and not known(reason))")
                                                         AT("3m",
                                                            "manager.leaders == 1 and count(server "
                                                            "where known(started_at)) == 2")
                                                             AT("3m",
                                                                "time(settle) < 3m and "
                                                                "upstream.writes > 0 "
                                                                "and api.writes > upstream.writes"),
     "", ""},
    /* an API that is down: nothing is known of its pods, and the agent remains; what holds no tunnel heard its last byte as
       it lost it */
    {FAULTS FAULT("dark", "3m", "1m", "api/edge[0]", "process: power-loss") FAULT(
         "cut", "3m", "1m", "agent/edge[1]/1", "net: reset") FAULT("away", "3m", "1m",
                                                                   "cluster/core", "net: partition")
         FAULT("half", "3m", "1m", "manager/a[1]", "process: power-loss") ASSERTS AT(
             "3m30s",
             "all(cluster where name == 'edge-0': pods == 0 and pods_running == 0 and remains)")
             AT("3m50s",
                "all(agent where cluster == 'core-0': not connected and last_byte == lost_at)")
                 AT("3m50s", "all(agent where cluster == 'core-0': not leader and not known(peer))")
                     AT("3m50s", "all(cluster where name == 'core-0': not known(site))") AT(
                         "3m30s",
                         "exists(fault where name == away and active and started_at == 3m)")
                         AT("4m30s",
                            "exists(fault where name == away and not active and fired > 0)")
                             AT("3m30s",
                                "all(server where name == 'site/a/manager-1': peers == 0 and not "
                                "running)") AT("3m30s", "site.a.alive and manager.leaders <= 1")
                                 AT("4m50s", "all(cluster: pods > 0) and all(agent: connected)"),
     "", ""},
    /* the same fault twice under one name, and one that is healed before its time */
    {DO("3m", "heal: all") DO(
         "3m",
         "fault: {net: latency, delay: 1ms}, target: site/a") "  - {name: late, at: 3m5s, do: "
                                                              "{fault: {net: latency, delay: 1ms}, "
                                                              "target: site/a, for: 2m}}\n"
                                                              "  - {name: late-2, at: 3m10s, do: "
                                                              "{heal: site/a}}\n" ASSERTS AT(
                                                                  "3m8s",
                                                                  "count(fault where active) == 2")
                                                                  AT("3m12s",
                                                                     "count(fault where active) == "
                                                                     "0 and count(fault) == 2"),
     "", ""},
    {DO("3m", "heal: site/b"), "error step 2", "no fault is aimed at \"site/b\""},
};

/* Roles: what a promotion meets at sites that are up, down, fenced, without a copy, or were promoted before. */
static const struct small_row roles[] = {
    {"  - {name: dead, at: 3m, do: {fault: {process: power-loss}, target: site/a, for: 60s}}\n" DO(
         "3m10s", "manager.demote: site/a") DO("3m11s", "manager.demote: site/a")
         DO("3m12s", "dns.set: {record: manager, value: [site/b], ttl: 5s}") DO(
             "3m13s", "manager.promote: site/b") DO("3m14s", "manager.promote: site/b")
             ASSERTS AT("3m5s", "site.a.died_at == 3m and not site.a.alive") AT(
                 "4m55s",
                 "site.a.demoted_at == 3m10s and site.a.role == demoted and site.b.role == active")
                 AT("4m55s", "site.b.promoted_at == 3m13s and site.a.alive")
                     AT("4m55s", "exists(agent where peer == site/b)"),
     "", ""},
    /* orderly: what the active site has is handed over, and the one that was fenced is let in again */
    {DO("3m", "manager.demote: site/a") DO("3m1s", "dns.set: {record: manager, value: [site/c]}")
         DO("3m2s", "manager.promote: site/c") DO("3m30s", "manager.demote: site/c") DO(
             "3m31s", "dns.set: {record: manager, value: [site/a]}") DO("3m32s",
                                                                        "manager.promote: site/a")
             ASSERTS AT("3m10s", "site.c.promoted_at == 3m2s and site.a.role == demoted") AT(
                 "4m55s",
                 "site.a.role == active and site.a.promoted_at == 3m32s and site.c.role == demoted")
                 AT("4m55s", "count(cluster) == 3 and site.a.agents > 0"),
     "", ""},
    /* a standby without a copy knows no cluster; one whose API is down starts when it is back */
    {DO("2m", "manager.promote: site/c")
         ASSERTS AT("4m", "site.c.role == active and none(cluster where known(state))"),
     "", ""},
    {"  - {at: 2m, do: {fault: {process: power-loss}, target: site/b, for: 30s}}\n" DO(
         "2m10s", "manager.promote: site/b")
         ASSERTS AT("2m20s", "site.b.role == active and not site.b.alive")
             AT("4m", "site.b.alive and exists(server where site == site/b and leader)"),
     "", ""},
};

/* Certificates and settings of sites, also of one whose API is down. */
static const struct small_row settings[] = {
    {DO("2m", "ca.write: {target: \"site/*\", as: spaced}")
         DO("2m10s",
            "ca.write: {target: site/a, as: crlf}") "  - {at: 2m20s, do: {fault: "
                                                    "{process: power-loss}, target: "
                                                    "api/a, for: 20s}}\n" DO("2m30s",
                                                                             "ca.write: {target: "
                                                                             "site/a, as: unended}")
                                                        ASSERTS AT("4m", "all(agent: connected)"),
     "", ""},
    {DO("2m", "certificate.rotate: site/a") DO("2m1s", "certificate.rotate: \"site/*\"")
         ASSERTS AT("1m59s", "not known(site.a.rotation_waits)")
             AT("4m50s", "site.a.rotation_waits >= 0 and not known(site.b.rotation_waits)"),
     "", ""},
    {"  - {at: 2m, do: {certificate.rotate: {target: site/a, replicas: at-once}}}\n" ASSERTS AT(
         "2m1s", "count(server where running) == 0 or process.starts > 0")
         AT("4m50s", "count(server where running) == 2"),
     "", ""},
};

/* Objects, in APIs of sites and clusters. */
static const struct small_row objects[] = {
    {DO("2m", "delete: {from: api/a, api_version: management.cattle.io/v3, kind: Cluster, name: "
              "c-edge-0}") ASSERTS AT("4m", "none(cluster where name == 'edge-0' and known(state))")
         AT("4m", "all(cluster where name == 'edge-1': state == active)") AT(
             "1m59s", "manager.handshake_failures == 0") AT("4m", "manager.handshake_failures > 0"),
     "", ""},
    {DO("2m", "delete: {from: \"api/edge[1]\", kind: Namespace, name: nowhere}"), "error step 2",
     "nowhere"},
    {DO("2m", "apply: {to: \"api/edge[0..1]\", object: {apiVersion: v1, kind: ConfigMap, metadata: "
              "{name: x, namespace: default}}}")
         DO("2m1s",
            "delete: {from: \"api/edge[0..1]\", kind: ConfigMap, namespace: default, name: x}")
             DO("2m2s",
                "delete: {from: \"api/core\", kind: ConfigMap, namespace: default, name: x}"),
     "error step 4", "x"},
    {"  - {at: 2m, do: {fault: {process: power-loss}, target: api/b, for: 20s}}\n" DO(
         "2m10s", "apply: {to: api/b, object: {apiVersion: v1, kind: ConfigMap, metadata: {name: "
                  "x, namespace: default}}}"),
     "error step 3", "api/b is down"},
    {DO("2m", "apply: {to: \"api/*\", object: {apiVersion: v1, kind: ConfigMap, metadata: {name: "
              "x, namespace: default}}}")
         DO("2m1s", "delete: {from: \"api/core\", kind: ConfigMap, namespace: default, name: x}"),
     "", ""},
};

/* Faults of leases, backups and names, at whom they can meet and at whom they cannot. */
static const struct small_row aims[] = {
    {FAULTS FAULT("two", "2m", "2m", "site/a", "lease: two-holders")
         ASSERTS AT("4m30s", "exists(fault where name == two and fired > 0)"),
     "", ""},
    {FAULTS FAULT("two", "2m", "2m", "site/*", "lease: two-holders")
         ASSERTS AT("4m30s", "exists(fault where name == two and fired > 0)"),
     "", ""},
    {FAULTS FAULT("two", "2m", "2m", "site/b", "lease: two-holders"), "fault two",
     "never took effect"},
    /* a copy for each API and each age; a cluster that has just come has none yet */
    {FAULTS FAULT("old", "3m", "1s", "api/edge[0..1]", "store: restore-from-backup, behind: 30s")
         FAULT("older", "3m30s", "1s", "api/edge[0]", "store: restore-from-backup, behind: 90s")
             ASSERTS AT("3m40s", "exists(fault where name == old and fired == 2)")
                 AT("3m40s", "exists(fault where name == older and fired == 1)"),
     "", ""},
    {"  - {name: new, at: 3m, do: [{cluster.create: core}, {fault: {store: restore-from-backup, "
     "behind: 30s}, target: \"api/core\", optional: true}]}\n" ASSERTS AT(
         "4m", "count(cluster) == 4 and exists(fault where name == new and fired == 1)"),
     "", ""},
    {FAULTS FAULT("gone", "3m", "20s", "api/edge[0]",
                  "process: power-loss") "  - {name: late, at: 3m10s, target: \"api/edge[0]\", "
                                         "fault: {store: compaction}, optional: true}\n" ASSERTS AT(
                                             "3m30s",
                                             "exists(fault where name == late and fired == 0)"),
     "", ""},
    {FAULTS FAULT("lie", "2m", "2m", "dns/resolver/*", "dns: wrong-answer, value: [site/b]")
         FAULT("again", "2m40s", "1s", "site/a", "net: reset")
             ASSERTS AT("3m50s", "exists(agent where not connected) and dns.wrong_answers > 0"),
     "", ""},
    {FAULTS FAULT("one way", "3m", "30s", "link/cluster/edge/site/a",
                  "net: partition, direction: forth")
         FAULT("other way", "3m", "30s", "link/cluster/core/site/a",
               "net: partition, direction: back")
             ASSERTS AT("3m29s", "exists(agent where not connected)"),
     "", ""},
    /* whom the moment tells */
    {FAULTS FAULT("first", "3m", "20s", "follower/*", "process: pause")
         FAULT("second", "3m", "20s", "leader/*", "net: latency, delay: 1ms")
             FAULT("held", "3m", "1s", "held/*", "net: reset")
                 ASSERTS AT("3m10s", "count(fault where active and fired > 0) >= 1"),
     "", ""},
    {FAULTS FAULT("nobody", "3m", "20s", "leader/b", "process: pause"), "fault nobody", ""},
    {FAULTS FAULT("nobody", "3m", "20s", "follower/a[1]", "process: pause"), "fault nobody", ""},
    {FAULTS FAULT("nobody", "3m", "20s", "held/b", "net: reset"), "fault nobody", ""},
    {FAULTS FAULT("its end", "3m", "20s", "holder/edge[1]/1", "process: pause")
         FAULT("any end", "3m", "20s", "holder/*", "net: latency, delay: 1ms"),
     "", ""},
    /* caches by name, beside an API that is down and of processes that are not there */
    {FAULTS FAULT("dark", "3m", "20s", "api/edge[0]", "process: power-loss") ASSERTS AT(
         "2m50s", "exists(cache where name == 'edge-0/agent-0/pods' and synced and missing == 0 "
                  "and surplus == 0)")
         AT("2m50s", "exists(cache where name == 'site/a/manager-0/clusters' and kind == clusters "
                     "and count == 3)") AT("2m50s", "exists(cache where of == 'edge-0/agent-0' and "
                                                    "cluster == 'edge-0' and lists > 0)")
             AT("2m50s", "all(cache where synced: stale == 0 and watches > 0 and data_age < 10m)")
                 AT("2m50s", "all(cache where synced: not known(healed_at) and heals == 0 and "
                             "added >= removed)")
                     AT("2m50s", "none(cache where of == 'site/b/manager-0' and synced)")
                         AT("3m10s", "exists(cache where name == 'edge-0/agent-0/pods' and not "
                                     "known(missing))"),
     "", ""},
    /* removed before it was registered */
    {DO("0s", "cluster.remove: cluster/core"), "wait settle", "core-0: state = unknown"},
};

static void rows_hold(const struct small_row *rows, size_t n)
{
    bool ok = true;
    for (size_t i = 0; i < n; i++)
        ok &= small_row_holds(head, &rows[i]);
    assert_true(ok);
}

static void what_is_seen(void **state)
{
    (void)state;
    rows_hold(seen, ARRAY_LEN(seen));
}

static void what_promotions_meet(void **state)
{
    (void)state;
    rows_hold(roles, ARRAY_LEN(roles));
}

static void what_is_written_to_sites(void **state)
{
    (void)state;
    rows_hold(settings, ARRAY_LEN(settings));
}

static void what_is_done_to_objects(void **state)
{
    (void)state;
    rows_hold(objects, ARRAY_LEN(objects));
}

static void who_is_meant(void **state)
{
    (void)state;
    rows_hold(aims, ARRAY_LEN(aims));
}

/* Estates that lack what most have: names, or only one site that leads. */
static void bare_estates(void **state)
{
    static const char bare[] = "scenario: v1\nname: t\nclock: {limit: 2m}\ntopology:\n";
    static const struct small_row rows[] = {
        {"  sites: {a: {manager: {replicas: 1}}}\n"
         "  clusters: {edge: {count: 1}}\n" ASSERTS AT(
             "1m", "site.a.alive and none(agent where connected)"),
         "", ""},
        {"  sites: {a: {manager: {replicas: 1}}, b: {manager: {replicas: 1}}}\n"
         "  clusters: {edge: {count: 1}}\n"
         "  dns: {records: {manager: {value: [site/a]}}}\n" ASSERTS AT(
             "1m30s", "all(site: alive) and all(cluster: state == active and site == site/a)"),
         "", ""},
    };
    bool ok = true;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ok &= small_row_holds(bare, &rows[i]);
    assert_true(ok);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_seen),
                                       cmocka_unit_test(what_promotions_meet),
                                       cmocka_unit_test(what_is_written_to_sites),
                                       cmocka_unit_test(what_is_done_to_objects),
                                       cmocka_unit_test(who_is_meant),
                                       cmocka_unit_test(bare_estates)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
