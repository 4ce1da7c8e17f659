/* Bandwidth: on the router's device to each host that receives, a class with the rate. A table of nft gives the packets of
 * the fault the class's number as their priority, which HTB takes for its answer; all others pass as if it were not there. */
#include "sim/real/lab/lab_internal.h"

#define PACKET_BYTES 1514

static struct err *tc_run(struct netlab *lab, struct str commands)
{
    static const char *const args[] = {"-batch", "-", NULL};
    return tool_run(&lab->tools, &(struct tool_call){TOOL_TC, args, commands, lab->router, 0},
                    NULL);
}

struct err *shape_supported(struct netlab *lab)
{
    if (lab->has_htb > 0)
        return NULL;
    struct err *err =
        tc_run(lab, STR("qdisc add dev lo root handle 1: htb\nqdisc del dev lo root\n"));
    if (err)
        return err_wrap(err, NETLAB_UNSUPPORTED,
                        "this kernel cannot limit a rate (CONFIG_NET_SCH_HTB)");
    lab->has_htb = 1;
    return NULL;
}

static bool receives(const struct netlab_fault_options *o, uint32_t host)
{
    return (group_has(&o->b, host) && o->direction != NETLAB_B_TO_A) ||
           (group_has(&o->a, host) && o->direction != NETLAB_A_TO_B);
}

struct err *shape_begin(struct netlab *lab, uint32_t fault, const struct netlab_fault_options *o)
{
    struct buf s = {0};
    /* A burst of a hundredth of a second, and a packet at least: more would be a pause and a gush. */
    long long burst = o->bytes_per_s / 100 > PACKET_BYTES ? o->bytes_per_s / 100 : PACKET_BYTES;
    for (uint32_t i = 0; i < lab->hosts_n; i++) {
        if (!receives(o, i))
            continue;
        if (!lab->hosts[i].shaped)
            buf_addf(&s, "qdisc add dev h%u root handle 1: htb\n", i);
        lab->hosts[i].shaped = true;
        buf_addf(&s,
                 "class add dev h%u parent 1: classid 1:%x htb rate %lldbps burst %lld cburst %lld "
                 "quantum %d\n",
                 i, fault + 1, (long long)o->bytes_per_s, burst, burst, PACKET_BYTES);
        buf_addf(&lab->faults[fault].undo, "class del dev h%u classid 1:%x\n", i, fault + 1);
    }
    struct err *err = s.n ? tc_run(lab, buf_str(&s)) : NULL;
    buf_free(&s);
    return err ? err : nft_begin(lab, fault, o);
}

struct err *shape_end(struct netlab *lab, uint32_t fault)
{
    struct err *err = nft_end(lab, fault);
    struct buf *undo = &lab->faults[fault].undo;
    if (!err && undo->n)
        err = tc_run(lab, buf_str(undo));
    buf_free(undo);
    return err;
}
