/* Faults that are rules of the router: each is a table of its own, ip fID, and so begins and ends by itself.
 *
 *   forward ── is it between the groups? ─► learn (connections that begin) ─► chosen: protocol, ports, share ─► act: counter, verdict
 *
 * Only packets on their last leg, to a host, are looked at: one that a relay has held is met once. */
#include "sim/real/lab/lab_internal.h"

#define TUPLES_MAX   65536u
#define FORTH        "ip saddr . tcp sport . ip daddr . tcp dport"
#define BACK         "ip daddr . tcp dport . ip saddr . tcp sport"
#define OPENS        "tcp flags & (syn|ack) == syn"
#define SHARE_SPREAD 618034u /* so that faults of the same share choose other connections */

struct err *nft_run(struct netlab *lab, struct str script, struct buf *out)
{
    static const char *const args[] = {"-f", "-", NULL};
    return tool_run(&lab->tools, &(struct tool_call){TOOL_NFT, args, script, lab->router, 0}, out);
}

/* ---- the parts of a table ---- */

static void add_group(const struct netlab *lab, const struct netlab_group *g, const char *name,
                      struct buf *s)
{
    if (g->n == 0)
        return;
    buf_addf(s, " set %s { type ipv4_addr; elements = {", name);
    for (size_t i = 0; i < g->n; i++)
        buf_addf(s, "%s %s", i ? "," : "", lab->hosts[g->hosts[i]].address);
    buf_add_c(s, " }\n }\n");
}

static void add_ports(const struct netlab_fault_options *o, struct buf *s)
{
    if (o->ports_n == 0)
        return;
    buf_add_c(s, " set ports { type inet_service; elements = {");
    for (size_t i = 0; i < o->ports_n; i++)
        buf_addf(s, "%s %u", i ? "," : "", o->ports[i]);
    buf_add_c(s, " }\n }\n");
}

/* "ip saddr @from ip daddr @to", without what is every host. */
static void add_between(const struct netlab_group *from, const char *from_name,
                        const struct netlab_group *to, const char *to_name, struct buf *s)
{
    if (from->n)
        buf_addf(s, "ip saddr @%s ", from_name);
    if (to->n)
        buf_addf(s, "ip daddr @%s ", to_name);
}

/* A line for each direction; `goto` ends at the first, so that a packet is met once. */
static void add_ways(const struct netlab_fault_options *o, bool both, const char *before,
                     const char *verdict, struct buf *s)
{
    if (both || o->direction != NETLAB_B_TO_A) {
        buf_addf(s, "  %s ", before);
        add_between(&o->a, "a", &o->b, "b", s);
        buf_addf(s, "%s\n", verdict);
    }
    if (both || o->direction != NETLAB_A_TO_B) {
        buf_addf(s, "  %s ", before);
        add_between(&o->b, "b", &o->a, "a", s);
        buf_addf(s, "%s\n", verdict);
    }
}

static bool is_detour(enum netlab_fault_kind kind)
{
    return kind == NETLAB_LATENCY || kind == NETLAB_REORDER || kind == NETLAB_DUPLICATE ||
           kind == NETLAB_CLOG;
}

static bool of_packets(enum netlab_fault_kind kind)
{
    return kind == NETLAB_LOSS;
}

static bool tcp_only(enum netlab_fault_kind kind)
{
    return kind == NETLAB_REFUSE || kind == NETLAB_HALF_OPEN || kind == NETLAB_IDLE_CUT;
}

/* Goes on to `act` with the share that is chosen. */
static void add_share(const struct netlab_fault_options *o, uint32_t fault, struct buf *s)
{
    uint32_t share = fault_share(o);
    if (share == LAB_SHARE_ALL ||
        is_detour(o->kind)) { /* a relay draws for itself, and keeps order */
        buf_add_c(s, "  goto act\n");
        return;
    }
    if (of_packets(o->kind)) {
        buf_addf(s, "  numgen random mod %u < %u goto act\n", LAB_SHARE_ALL, share);
        return;
    }
    /* By connection: the same answer in both directions. The window begins elsewhere for each fault. */
    uint32_t from = (uint32_t)((uint64_t)fault * SHARE_SPREAD % LAB_SHARE_ALL);
    uint32_t to = from + share;
    buf_addf(s, "  symhash mod %u %u-%u goto act\n", LAB_SHARE_ALL, from,
             to > LAB_SHARE_ALL ? LAB_SHARE_ALL - 1 : to - 1);
    if (to > LAB_SHARE_ALL)
        buf_addf(s, "  symhash mod %u < %u goto act\n", LAB_SHARE_ALL, to - LAB_SHARE_ALL);
}

static void add_chosen(const struct netlab_fault_options *o, uint32_t fault, struct buf *s)
{
    buf_add_c(s, " chain shared {\n");
    add_share(o, fault, s);
    buf_add_c(s, " }\n chain chosen {\n");
    if (o->protocol == NETLAB_TCP || tcp_only(o->kind))
        buf_add_c(s, "  meta l4proto != tcp return\n");
    else if (o->protocol == NETLAB_UDP)
        buf_add_c(s, "  meta l4proto != udp return\n");
    else if (o->ports_n)
        buf_add_c(s, "  meta l4proto != { tcp, udp } return\n");
    if (o->ports_n)
        buf_add_c(s, "  th dport @ports goto shared\n  th sport @ports goto shared\n");
    else
        buf_add_c(s, "  goto shared\n");
    buf_add_c(s, " }\n");
}

/* What happens to a packet that is chosen, one kind a case. */
static void add_action(const struct netlab_fault_options *o, uint32_t fault, struct buf *s)
{
    switch (o->kind) {
    case NETLAB_LATENCY:
    case NETLAB_REORDER:
    case NETLAB_DUPLICATE:
    case NETLAB_CLOG: /* the rule of routes that leads to the fault's device */
        buf_addf(s, "  counter name met meta mark set %u\n", fault + 1);
        break;
    case NETLAB_REJECT:
        buf_add_c(s, "  meta l4proto tcp counter name met reject with tcp reset\n"
                     "  counter name met reject with icmp type admin-prohibited\n");
        break;
    case NETLAB_REFUSE:
        buf_add_c(s, "  " OPENS " counter name met reject with tcp reset\n");
        break;
    case NETLAB_HALF_OPEN:
        buf_add_c(s, "  " FORTH " @young accept\n  " BACK " @young accept\n"
                     "  counter name met drop\n");
        break;
    case NETLAB_IDLE_CUT:
        buf_add_c(s, "  " FORTH " @alive update @alive { " FORTH " } accept\n"
                     "  " BACK " @alive update @alive { " BACK " } accept\n"
                     "  counter name met reject with tcp reset\n");
        break;
    case NETLAB_THROTTLE: /* the class of traffic control that has the rate */
        buf_addf(s, "  counter name met meta priority set 1:%x\n", fault + 1);
        break;
    default:
        buf_add_c(s, "  counter name met drop\n");
        break;
    }
}

static void add_tables_of_connections(const struct netlab_fault_options *o, struct buf *s)
{
    const char *type = "type ipv4_addr . inet_service . ipv4_addr . inet_service;";
    if (o->kind == NETLAB_HALF_OPEN)
        buf_addf(s, " set young { %s flags dynamic; size %u; }\n", type, TUPLES_MAX);
    if (o->kind == NETLAB_IDLE_CUT)
        buf_addf(s, " set alive { %s flags dynamic,timeout; timeout %lldms; size %u; }\n", type,
                 (long long)(o->delay_ns / NS_PER_MS), TUPLES_MAX);
}

static void add_forward(const struct netlab_fault_options *o, struct buf *s)
{
    buf_add_c(s, " chain forward {\n  type filter hook forward priority filter; policy accept;\n"
                 "  oifname != \"h*\" accept\n");
    if (o->kind == NETLAB_HALF_OPEN) /* whichever way the fault looks: connections begin in both */
        add_ways(o, true, OPENS, "update @young { " FORTH " }", s);
    if (o->kind == NETLAB_IDLE_CUT)
        add_ways(o, true, OPENS, "update @alive { " FORTH " }", s);
    add_ways(o, false, "", "goto chosen", s);
    buf_add_c(s, " }\n");
}

/* Of detours (detour.c): before the route is chosen, for packets that have not come back from this device or a later one. */
static void add_prerouting(const struct netlab_fault_options *o, uint32_t fault, struct buf *s)
{
    buf_addf(s,
             " chain back {\n  type filter hook prerouting priority raw; policy accept;\n"
             "  iifgroup %u meta mark set 0\n }\n",
             fault + 1);
    buf_addf(s,
             " chain prerouting {\n  type filter hook prerouting priority %u; policy accept;\n"
             "  iifgroup >= %u accept\n  meta mark != 0 accept\n  fib daddr type local accept\n",
             fault, fault + 1);
    add_ways(o, false, "", "goto chosen", s);
    buf_add_c(s, " }\n");
}

/* ---- connections that are there when it begins ---- */

/* First every connection that shows itself is learnt and nothing is cut; then those that are silent are added, and the
 * rules become what they are to be. */
static void learning(uint32_t fault, struct buf *s)
{
    buf_addf(s, "insert rule ip f%u act update @alive { " FORTH " } accept\n", fault);
}

static struct err *end_learning(struct netlab *lab, uint32_t fault,
                                const struct netlab_fault_options *o)
{
    struct buf elements = {0}, s = {0};
    struct err *err = sockets_list(lab, o, &elements);
    if (!err) {
        if (elements.n)
            buf_addf(&s, "add element ip f%u alive { " STR_FMT " }\n", fault,
                     STR_ARG(buf_str(&elements)));
        buf_addf(&s, "flush chain ip f%u act\ntable ip f%u {\n chain act {\n", fault, fault);
        add_action(o, fault, &s);
        buf_add_c(&s, " }\n}\n");
        err = nft_run(lab, buf_str(&s), NULL);
    }
    buf_free(&elements);
    buf_free(&s);
    return err;
}

/* ---- begin, end ---- */

struct err *nft_begin(struct netlab *lab, uint32_t fault, const struct netlab_fault_options *o)
{
    struct buf s = {0};
    buf_addf(&s, "table ip f%u {\n counter met { }\n", fault);
    add_group(lab, &o->a, "a", &s);
    add_group(lab, &o->b, "b", &s);
    add_ports(o, &s);
    add_tables_of_connections(o, &s);
    buf_add_c(&s, " chain act {\n");
    add_action(o, fault, &s);
    buf_add_c(&s, " }\n");
    add_chosen(o, fault, &s);
    if (is_detour(o->kind))
        add_prerouting(o, fault, &s);
    else
        add_forward(o, &s);
    buf_add_c(&s, "}\n");
    if (o->kind == NETLAB_IDLE_CUT)
        learning(fault, &s);
    struct err *err = nft_run(lab, buf_str(&s), NULL);
    buf_free(&s);
    if (!err && o->kind == NETLAB_IDLE_CUT)
        err = end_learning(lab, fault, o);
    return err;
}

struct err *nft_end(struct netlab *lab, uint32_t fault)
{
    struct buf s = {0};
    buf_addf(&s, "delete table ip f%u\n", fault);
    struct err *err = nft_run(lab, buf_str(&s), NULL);
    buf_free(&s);
    return err;
}

struct err *nft_fired(struct netlab *lab, uint32_t fault, uint64_t *n)
{
    struct buf s = {0}, out = {0};
    buf_addf(&s, "list counter ip f%u met\n", fault);
    struct err *err = nft_run(lab, buf_str(&s), &out);
    ptrdiff_t at = err ? -1 : str_find(buf_str(&out), STR("packets "));
    struct str number = at < 0 ? str_empty : str_sub(buf_str(&out), (size_t)at + 8, out.n), rest;
    str_cut(number, ' ', &number, &rest);
    if (!err && !str_to_u64(number, n))
        err = err_new(ERR_IO, "nft shows a counter in words that are not known: " STR_FMT,
                      STR_ARG(buf_str(&out)));
    buf_free(&s);
    buf_free(&out);
    return err;
}
