/* Ports of nodes. */
#include "sim/kubeapi/controllers/ports.h"

#define ANY "0.0.0.0"

static void add_ports(struct buf *b, const cJSON *container)
{
    const cJSON *list = json_get(container, "ports");
    for (const cJSON *p = list ? list->child : NULL; p; p = p->next) {
        struct str protocol = json_string_at(p, "protocol"), ip = json_string_at(p, "hostIP");
        int64_t port = json_int_at(p, "hostPort", 0);
        if (port > 0)
            buf_addf(b, "%s" STR_FMT " %lld " STR_FMT, b->n > 0 ? "\n" : "",
                     STR_ARG(protocol.n > 0 ? protocol : STR("TCP")), (long long)port,
                     STR_ARG(ip.n > 0 ? ip : STR(ANY)));
    }
}

/* Of init containers only those that go on running. */
struct str ports_of(struct arena *a, const cJSON *pod_spec)
{
    const cJSON *main = json_get(pod_spec, "containers");
    const cJSON *init = json_get(pod_spec, "initContainers");
    struct buf b = {0};
    for (const cJSON *c = main ? main->child : NULL; c; c = c->next)
        add_ports(&b, c);
    for (const cJSON *c = init ? init->child : NULL; c; c = c->next)
        if (str_eq_c(json_string_at(c, "restartPolicy"), "Always"))
            add_ports(&b, c);
    struct str s = b.n > 0 ? arena_str(a, buf_str(&b)) : str_empty;
    buf_free(&b);
    return s;
}

/* Two lines: the protocol and the number are the same, and an address is, or is every one. */
static bool lines_clash(struct str a, struct str b)
{
    ptrdiff_t ip = (ptrdiff_t)a.n;
    while (ip > 0 && a.p[ip - 1] != ' ')
        ip--;
    struct str ours = str_sub(a, (size_t)ip, a.n);
    if (!str_starts(b, str_sub(a, 0, (size_t)ip)))
        return false;
    struct str theirs = str_sub(b, (size_t)ip, b.n);
    return str_eq_c(ours, ANY) || str_eq_c(theirs, ANY) || str_eq(ours, theirs);
}

static bool clash(struct str a, struct str b)
{
    struct str line, rest, other;
    for (bool more = true; more;) {
        more = str_cut(a, '\n', &line, &a);
        rest = b;
        for (bool again = true; again;) {
            again = str_cut(rest, '\n', &other, &rest);
            if (lines_clash(line, other))
                return true;
        }
    }
    return false;
}

bool ports_are_free(const struct port_holder *list, const struct ports_question *q)
{
    for (const struct port_holder *h = q->wanted.n > 0 ? list : NULL; h; h = h->next)
        if ((h->runs || !q->running) && !str_eq(h->uid, q->uid) &&
            !(q->gone && q->gone(q->arg, h->uid)) && clash(q->wanted, h->ports))
            return false;
    return true;
}

void ports_hold(struct port_holder **list, struct port_holder *h)
{
    h->next = *list;
    *list = h;
}

void ports_release(struct port_holder **list, struct port_holder *h)
{
    while (*list && *list != h)
        list = &(*list)->next;
    if (*list)
        *list = h->next;
    str_free(&h->uid);
    str_free(&h->ports);
}
