#include "sim/scenario/language/target.h"

static const struct {
    const char *word;
    enum target_kind kind;
    bool nameless; /* may stand without a name */
    bool ranged;   /* takes [..] */
    const char *text;
} kinds[] = {
    {"site", TARGET_SITE, false, false, "site"},
    {"manager", TARGET_MANAGER, true, true, "manager"},
    {"leader", TARGET_LEADER, true, false, "leader"},
    {"follower", TARGET_FOLLOWER, false, true, "follower"},
    {"holder", TARGET_HOLDER, false, true, "holder"},
    {"held", TARGET_HELD, false, true, "held"},
    {"cluster", TARGET_CLUSTER, false, true, "cluster"},
    {"agent", TARGET_AGENT, true, true, "agent"},
    {"node", TARGET_NODE, false, true, "node"},
    {"api", TARGET_API, false, true, "api"},
    {"dns", TARGET_DNS, true, false, "dns"},
    {"resolver", TARGET_RESOLVER, false, false, "dns/resolver"},
    {"link", TARGET_LINK, false, false, "link"},
    {"all", TARGET_ALL, true, false, "all"},
};

const char *target_kind_name(enum target_kind kind)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (kinds[i].kind == kind)
            return kinds[i].text;
    return "none";
}

bool target_form(size_t i, const char **form, const char **doc)
{
    static const struct {
        const char *form, *doc;
    } forms[] = {
        {"site/a", "a whole site: its manager replicas and its Kubernetes API"},
        {"manager", "every manager replica of every site; manager/a: of one; manager/a[0], "
                    "manager/a[0..1]: some of them"},
        {"leader/a", "the replica that leads when it begins; wherever managers can be aimed at"},
        {"follower/a", "the first replica that serves and does not lead when it begins; "
                       "follower/a[1]: the second"},
        {"holder/edge[3]", "the replica at which this cluster's tunnel ends when it begins; "
                           "holder/edge[3]/1: that of its second agent"},
        {"held/a[0]", "the agents whose tunnels end at this replica when it begins; held/a: at "
                      "the site; wherever agents can be aimed at"},
        {"cluster/edge", "every cluster of the group; cluster/edge[3], cluster/edge[0..4]: some"},
        {"agent/edge[3]", "the agents of these clusters; agent/edge[3]/1: of each the second"},
        {"node/edge[0]", "the nodes of these clusters"},
        {"api/a", "the Kubernetes API of a site; api/edge[2]: of a cluster"},
        {"dns", "the zone's servers"},
        {"dns/resolver/sticky", "the resolvers of that kind that agents ask"},
        {"link/cluster/edge[0..4]/site/a",
         "between two ends, each a site, manager, cluster or agent"},
        {"all", "everything that the action can be aimed at"},
    };
    if (i >= ARRAY_LEN(forms))
        return false;
    *form = forms[i].form;
    *doc = forms[i].doc;
    return true;
}

enum target_kind target_becomes(enum target_kind kind)
{
    switch (kind) {
    case TARGET_LEADER:
    case TARGET_FOLLOWER:
    case TARGET_HOLDER:
        return TARGET_MANAGER;
    case TARGET_HELD:
        return TARGET_AGENT;
    default:
        return kind;
    }
}

/* ---- reading ---- */

/* What is left of the text, and where errors go. */
struct reader {
    struct str text, rest;
    struct place at;
    struct diags *diags;
};

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '*';
}

static struct str take_word(struct reader *r)
{
    size_t n = 0;
    while (n < r->rest.n && is_name_char(r->rest.p[n]))
        n++;
    struct str word = str_sub(r->rest, 0, n);
    r->rest = str_sub(r->rest, n, r->rest.n);
    return word;
}

static bool take(struct reader *r, struct str token)
{
    if (!str_starts(r->rest, token))
        return false;
    r->rest = str_sub(r->rest, token.n, r->rest.n);
    return true;
}

static bool fail(struct reader *r, const char *what)
{
    diag_add(r->diags, r->at, "target \"" STR_FMT "\": %s", STR_ARG(r->text), what);
    return false;
}

static bool take_number(struct reader *r, int64_t *out)
{
    size_t n = 0;
    while (n < r->rest.n && r->rest.p[n] >= '0' && r->rest.p[n] <= '9')
        n++;
    bool ok = str_to_i64(str_sub(r->rest, 0, n), out);
    r->rest = str_sub(r->rest, n, r->rest.n);
    return ok;
}

static bool take_range(struct reader *r, struct target_end *end)
{
    end->first = end->last = -1;
    if (!take(r, STR("[")))
        return true;
    if (!take_number(r, &end->first))
        return fail(r, "a range is written [3] or [0..4]");
    end->last = end->first;
    if (take(r, STR("..")) && !take_number(r, &end->last))
        return fail(r, "a range is written [3] or [0..4]");
    if (!take(r, STR("]")))
        return fail(r, "a range is written [3] or [0..4]");
    if (end->last < end->first)
        return fail(r, "the range is empty: its end is below its beginning");
    return true;
}

static bool fail_kind(struct reader *r, struct str word)
{
    struct str names[ARRAY_LEN(kinds)];
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        names[i] = str_c(kinds[i].word);
    diag_add(r->diags, r->at, "target \"" STR_FMT "\": unknown kind \"" STR_FMT "\"" STR_FMT,
             STR_ARG(r->text), STR_ARG(word),
             STR_ARG(diag_suggest_tail(r->diags->arena, word, names, ARRAY_LEN(names))));
    return false;
}

/* One agent of each cluster: agent/edge[0..4]/1. A kind never begins with a digit, so a link's other end is no slot. */
static bool take_slot(struct reader *r, struct target_end *end)
{
    bool digit = r->rest.n > 1 && r->rest.p[1] >= '0' && r->rest.p[1] <= '9';
    bool slotted = end->kind == TARGET_AGENT || end->kind == TARGET_HOLDER;
    if (!slotted || !digit || !take(r, STR("/")))
        return true;
    return take_number(r, &end->slot) || fail(r, "an agent's number is written agent/edge[3]/1");
}

/* KIND, KIND/NAME or KIND/NAME[RANGE]; the text of a link begins behind "link/". */
static bool take_end(struct reader *r, struct target_end *end)
{
    *end = (struct target_end){.first = -1, .last = -1, .index = -1, .slot = -1};
    struct str word = take_word(r);
    if (str_eq_c(word, "dns") && take(r, STR("/resolver")))
        word = STR("resolver");
    size_t k = 0;
    while (k < ARRAY_LEN(kinds) && !str_eq_c(word, kinds[k].word))
        k++;
    if (k == ARRAY_LEN(kinds))
        return fail_kind(r, word);
    end->kind = kinds[k].kind;
    if (end->kind == TARGET_LINK || !take(r, STR("/"))) {
        end->any = true;
        return end->kind == TARGET_LINK || kinds[k].nameless || fail(r, "a name is missing");
    }
    end->name = take_word(r);
    end->any = str_eq_c(end->name, "*");
    if (end->name.n == 0 || end->kind == TARGET_DNS || end->kind == TARGET_ALL)
        return fail(r, end->name.n ? "it takes no name" : "a name is missing");
    if (!kinds[k].ranged)
        return true;
    if (end->kind == TARGET_FOLLOWER)
        return take_range(r, end) &&
               (end->first == end->last || fail(r, "a follower is one replica: follower/a[1]"));
    return take_range(r, end) && take_slot(r, end);
}

static bool take_link(struct reader *r, struct target *out)
{
    struct target_end *ends[] = {&out->a, &out->b};
    for (size_t i = 0; i < 2; i++) {
        if (!take(r, STR("/")))
            return fail(r, "a link has two ends: link/cluster/NAME/site/NAME");
        if (!take_end(r, ends[i]))
            return false;
        bool place = ends[i]->kind == TARGET_SITE || ends[i]->kind == TARGET_CLUSTER;
        if (!place && ends[i]->kind != TARGET_MANAGER && ends[i]->kind != TARGET_AGENT)
            return fail(r, "the ends of a link are sites, managers, clusters and agents");
    }
    return true;
}

bool target_parse(struct str text, struct place at, struct target *out, struct diags *diags)
{
    *out = (struct target){.text = text, .place = at};
    struct reader r = {text, text, at, diags};
    if (!take_end(&r, &out->a))
        return false;
    out->kind = out->a.kind;
    if (out->kind == TARGET_LINK && !take_link(&r, out))
        return false;
    if (r.rest.n)
        return fail(&r, "something follows that does not belong");
    return true;
}

/* ---- names ---- */

static int32_t find(struct str name, const struct str *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(name, names[i]))
            return (int32_t)i;
    return -1;
}

static bool lookup(struct target *t, struct target_end *end, const struct str *names, size_t n,
                   const char *what, struct diags *diags)
{
    if (end->any)
        return true;
    end->index = find(end->name, names, n);
    if (end->index >= 0)
        return true;
    diag_add(diags, t->place, "target \"" STR_FMT "\": unknown %s \"" STR_FMT "\"" STR_FMT,
             STR_ARG(t->text), what, STR_ARG(end->name),
             STR_ARG(diag_suggest_tail(diags->arena, end->name, names, n)));
    return false;
}

static bool check_range(const struct target *t, const struct target_end *end, const int64_t *counts,
                        struct diags *diags)
{
    if (end->last < 0 || end->index < 0 || !counts || end->last < counts[end->index])
        return true;
    diag_add(diags, t->place, "target \"" STR_FMT "\": there are only %lld, counted from 0",
             STR_ARG(t->text), (long long)counts[end->index]);
    return false;
}

/* The Kubernetes API of a site or of a cluster: whichever has the name. */
static bool resolve_api(struct target *t, struct target_end *end, const struct target_names *names,
                        struct diags *diags)
{
    end->of_site = find(end->name, names->sites, names->sites_n) >= 0;
    if (end->of_site)
        return lookup(t, end, names->sites, names->sites_n, "site", diags);
    return lookup(t, end, names->groups, names->groups_n, "site or cluster group", diags) &&
           check_range(t, end, names->group_counts, diags);
}

static bool resolve_end(struct target *t, struct target_end *end, const struct target_names *names,
                        struct diags *diags)
{
    switch (end->kind) {
    case TARGET_SITE:
    case TARGET_LEADER:
        return lookup(t, end, names->sites, names->sites_n, "site", diags);
    case TARGET_MANAGER:
    case TARGET_FOLLOWER:
    case TARGET_HELD:
        return lookup(t, end, names->sites, names->sites_n, "site", diags) &&
               check_range(t, end, names->site_replicas, diags);
    case TARGET_CLUSTER:
    case TARGET_AGENT:
    case TARGET_HOLDER:
    case TARGET_NODE:
        return lookup(t, end, names->groups, names->groups_n, "cluster group", diags) &&
               check_range(t, end, names->group_counts, diags);
    case TARGET_API:
        return resolve_api(t, end, names, diags);
    case TARGET_RESOLVER:
        return lookup(t, end, names->resolvers, names->resolvers_n, "resolver", diags);
    default:
        return true;
    }
}

bool target_resolve(struct target *t, const struct target_names *names, struct diags *diags)
{
    BUG_ON(t->kind == TARGET_NONE, "only a target that was read is looked up");
    if (t->kind != TARGET_LINK)
        return resolve_end(t, &t->a, names, diags);
    bool ok = resolve_end(t, &t->a, names, diags);
    return resolve_end(t, &t->b, names, diags) && ok;
}
