/* target: what a fault or an action is aimed at, as text and as a value.
 *
 *     site/a              a whole site: its manager replicas and its local API
 *     manager             every replica of every site         manager/a, manager/a[0], manager/a[0..1]
 *     leader/a            the replica of the site that leads when it begins (wherever managers can be aimed at)
 *     follower/a          the first of the site's replicas that serve and do not lead then; follower/a[1]: the second
 *     holder/edge[3]      the replica at which this cluster's tunnel ends then; holder/edge[3]/1: of its second agent
 *     held/a[0]           the agents whose tunnels end at this replica then; held/a: at the site
 *     cluster/edge        every cluster of the group          cluster/edge[3], cluster/edge[0..4], cluster/...
 *     agent/edge[0..4]    the agents of these clusters        node/edge[0]: the nodes of these clusters
 *     agent/edge[0..4]/1  of each of these clusters the second agent
 *     api/a, api/edge[2]  the Kubernetes API of a site, of a cluster
 *     dns                 the zone's servers                  dns/resolver/sticky: agents' resolvers of that kind
 *     link/A/B            between two ends, each site/..., manager/..., cluster/... or agent/...
 *     all                 everything that the action can be aimed at
 * A name may be an asterisk: all. Ranges are inclusive and count from 0. */
#ifndef PADDOCK_SIM_SCENARIO_LANGUAGE_TARGET_H
#define PADDOCK_SIM_SCENARIO_LANGUAGE_TARGET_H

#include "engine/base/rng.h"
#include "sim/scenario/expr/diag.h"

enum target_kind {
    TARGET_NONE, /* not given */
    TARGET_SITE,
    TARGET_MANAGER,
    TARGET_LEADER,
    TARGET_FOLLOWER,
    TARGET_HOLDER,
    TARGET_HELD,
    TARGET_CLUSTER,
    TARGET_AGENT,
    TARGET_NODE,
    TARGET_API,
    TARGET_DNS,
    TARGET_RESOLVER,
    TARGET_LINK,
    TARGET_ALL,
    TARGET_KIND_COUNT
};

/* One named thing or group. */
struct target_end {
    enum target_kind kind;
    struct str name;     /* site, group or resolver; empty with `any` */
    bool any;            /* an asterisk, or no name where one may be left out (manager, dns) */
    int64_t first, last; /* -1, -1: no range: all of the group */
    int32_t index;       /* of the site, group or resolver in the plan; -1: any */
    int64_t slot;        /* TARGET_AGENT, HOLDER: which agent of each cluster; -1: all of them */
    bool of_site;        /* TARGET_API: the name is a site's, not a cluster group's */
    bool held; /* TARGET_AGENT: of these replicas of site `index`, not of a group's clusters */
};
struct target {
    struct target_end a;
    struct target_end
        b; /* TARGET_LINK: the other end; `kind` is LINK, the ends have kinds of their own */
    enum target_kind kind;
    struct str text; /* as written */
    struct place place;
};

/* Reads the text; false after adding an error. Names are looked up later, by target_resolve. */
bool target_parse(struct str text, struct place at, struct target *out, struct diags *diags);

struct target_names {
    const struct str *sites, *groups, *resolvers;
    size_t sites_n, groups_n, resolvers_n;
    const int64_t *group_counts, *site_replicas; /* to check ranges */
};
/* Fills the indexes; unknown names and ranges beyond the group are errors with suggestions. */
bool target_resolve(struct target *t, const struct target_names *names, struct diags *diags);

/* The text of one member, each with the same probability: "manager/a[1]" of "manager/a"; of a link a member of each end.
 * False: it has none. */
bool target_draw(const struct target *t, const struct target_names *names, struct rng *rng,
                 struct buf *out);
/* Whether something is meant by both; a link is met by what meets one of its ends. Both have been resolved. */
bool target_overlaps(const struct target *a, const struct target *b);

/* What is aimed at in the end, where the moment tells: managers of a leader, agents of what is held. */
enum target_kind target_becomes(enum target_kind kind);
/* The forms of targets, for people: the ith, or false behind the last. */
bool target_form(size_t i, const char **form, const char **doc);
const char *target_kind_name(enum target_kind kind); /* "site", "dns/resolver" */

#endif
