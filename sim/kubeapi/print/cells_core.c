/* Cells of the core group's other kinds: nodes, services, endpoints, events, volumes, quotas. */
#include "sim/kubeapi/print/cell.h"

#include <stdlib.h>

#define SHOWN_MAX 3u /* of endpoints and the like; "+ N more..." stands for the rest */
#define ROLES_MAX 64u

/* ---- nodes ---- */

void cell_node_status(struct cell *c)
{
    struct str item, ready = str_empty;
    for (struct scan s = cell_list(cell_raw(c, "status.conditions")); scan_element(&s, &item);)
        if (str_eq_c(cell_text_of(scan_get(item, STR("type"))), "Ready"))
            ready = item;
    bool is_ready = str_eq_c(cell_text_of(scan_get(ready, STR("status"))), "True");
    buf_addf(c->out, "\"%s%s\"",
             ready.n == 0 ? "Unknown"
             : is_ready   ? "Ready"
                          : "NotReady",
             str_eq_c(cell_raw(c, "spec.unschedulable"), "true") ? ",SchedulingDisabled" : "");
}

void cell_node_roles(struct cell *c)
{
    static const struct str prefix = STR_INIT("node-role.kubernetes.io/");
    struct str roles[ROLES_MAX], last = str_empty;
    size_t n = 0;
    for (size_t i = 0; i < c->o->labels_n && n < ARRAY_LEN(roles); i++) {
        const struct kube_label *l = &c->o->labels[i];
        if (str_starts(l->key, prefix) && l->key.n > prefix.n)
            roles[n++] = str_sub(l->key, prefix.n, l->key.n);
        else if (str_eq_c(l->key, "kubernetes.io/role") && l->value.n > 0)
            roles[n++] = l->value;
    }
    if (n > 1)
        qsort(roles, n, sizeof roles[0], str_order);
    buf_add_char(c->out, '"');
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && str_eq(roles[i], last))
            continue;
        buf_addf(c->out, "%s" STR_FMT, i > 0 ? "," : "", STR_ARG(roles[i]));
        last = roles[i];
    }
    buf_add_c(c->out, n == 0 ? "<none>\"" : "\"");
}

void cell_node_address(struct cell *c)
{
    struct str item;
    for (struct scan s = cell_list(cell_raw(c, "status.addresses")); scan_element(&s, &item);)
        if (str_eq_c(cell_text_of(scan_get(item, STR("type"))), c->arg)) {
            cell_put(c, cell_text_of(scan_get(item, STR("address"))));
            return;
        }
    cell_put_c(c, "<none>");
}

/* ---- services ---- */

void cell_service_ip(struct cell *c)
{
    struct str ip = cell_text(c, "spec.clusterIP");
    cell_put(c, ip.n > 0 ? ip : STR("<none>"));
}

static size_t add_list(struct buf *out, struct str list, size_t n)
{
    struct str item;
    for (struct scan s = cell_list(list); scan_element(&s, &item); n++)
        buf_addf(out, "%s" STR_FMT, n > 0 ? "," : "", STR_ARG(cell_scalar(item)));
    return n;
}

void cell_service_external(struct cell *c)
{
    struct str type = cell_text(c, "spec.type"), item, list = cell_raw(c, "spec.externalIPs");
    size_t n = 0;
    buf_add_char(c->out, '"');
    if (str_eq_c(type, "ExternalName")) {
        buf_add(c->out, cell_text(c, "spec.externalName"));
        n = 1;
    } else if (str_eq_c(type, "LoadBalancer")) {
        struct scan s = cell_list(cell_raw(c, "status.loadBalancer.ingress"));
        for (; scan_element(&s, &item); n++) {
            struct str ip = cell_text_of(scan_get(item, STR("ip")));
            struct str host = cell_text_of(scan_get(item, STR("hostname")));
            buf_addf(c->out, "%s" STR_FMT, n > 0 ? "," : "", STR_ARG(ip.n > 0 ? ip : host));
        }
        n = add_list(c->out, list, n);
    } else {
        n = add_list(c->out, list, 0);
    }
    if (n == 0)
        buf_add_c(c->out, str_eq_c(type, "LoadBalancer") ? "<pending>" : "<none>");
    buf_add_char(c->out, '"');
}

void cell_service_ports(struct cell *c)
{
    struct str item;
    bool first = true;
    buf_add_char(c->out, '"');
    for (struct scan s = cell_list(cell_raw(c, "spec.ports")); scan_element(&s, &item);) {
        struct str protocol = cell_text_of(scan_get(item, STR("protocol")));
        int64_t node_port = cell_int(scan_get(item, STR("nodePort")));
        buf_addf(c->out, "%s%lld", first ? "" : ",",
                 (long long)cell_int(scan_get(item, STR("port"))));
        if (node_port > 0)
            buf_addf(c->out, ":%lld", (long long)node_port);
        buf_addf(c->out, "/" STR_FMT, STR_ARG(protocol.n > 0 ? protocol : STR("TCP")));
        first = false;
    }
    buf_add_c(c->out, first ? "<none>\"" : "\"");
}

/* ---- endpoints ---- */

struct shown { /* the first few of many */
    struct buf *out;
    size_t n;
};

static bool show_next(struct shown *x)
{
    if (x->n++ >= SHOWN_MAX)
        return false;
    if (x->n > 1)
        buf_add_char(x->out, ',');
    return true;
}

static void show_address(struct shown *x, struct str address, struct str port)
{
    struct str ip = cell_text_of(scan_get(address, STR("ip")));
    bool v6 = str_find_char(ip, ':') >= 0;
    if (!show_next(x))
        return;
    if (port.n == 0)
        buf_add(x->out, ip);
    else
        buf_addf(x->out, "%s" STR_FMT "%s:" STR_FMT, v6 ? "[" : "", STR_ARG(ip), v6 ? "]" : "",
                 STR_ARG(port));
}

static void show_subset(struct shown *x, struct str subset)
{
    struct str port, address;
    struct str addresses = scan_get(subset, STR("addresses")),
               ports = scan_get(subset, STR("ports"));
    struct scan p = cell_list(ports);
    bool any = scan_element(&p, &port);
    if (!any)
        port = str_empty;
    do {
        struct str number = any ? scan_get(port, STR("port")) : str_empty;
        for (struct scan s = cell_list(addresses); scan_element(&s, &address);)
            show_address(x, address, number);
    } while (any && scan_element(&p, &port));
}

static void show_end(struct shown *x, const char *nothing)
{
    if (x->n > SHOWN_MAX)
        buf_addf(x->out, " + %zu more...", x->n - SHOWN_MAX);
    buf_add_c(x->out, x->n == 0 ? nothing : "");
    buf_add_char(x->out, '"');
}

void cell_endpoints(struct cell *c)
{
    struct str item;
    struct shown x = {c->out, 0};
    buf_add_char(c->out, '"');
    for (struct scan s = cell_list(cell_raw(c, "subsets")); scan_element(&s, &item);)
        show_subset(&x, item);
    show_end(&x, "<none>");
}

void cell_slice_ports(struct cell *c)
{
    struct str item;
    struct shown x = {c->out, 0};
    buf_add_char(c->out, '"');
    for (struct scan s = cell_list(cell_raw(c, "ports")); scan_element(&s, &item);) {
        struct str port = scan_get(item, STR("port"));
        struct str name = cell_text_of(scan_get(item, STR("name")));
        if (show_next(&x))
            buf_add(c->out, port.n > 0 ? port : name.n > 0 ? name : STR("*"));
    }
    show_end(&x, "<unset>");
}

void cell_slice_endpoints(struct cell *c)
{
    struct str item, address;
    struct shown x = {c->out, 0};
    buf_add_char(c->out, '"');
    for (struct scan s = cell_list(cell_raw(c, "endpoints")); scan_element(&s, &item);) {
        struct str addresses = scan_get(item, STR("addresses"));
        for (struct scan t = cell_list(addresses); scan_element(&t, &address);)
            if (show_next(&x))
                buf_add(c->out, cell_text_of(address));
    }
    show_end(&x, "<unset>");
}

/* ---- events: of both groups ---- */

static struct str first_text(const struct cell *c, const char *a, const char *b)
{
    struct str text = cell_text(c, a);
    return text.n > 0 || !b ? text : cell_text(c, b);
}

static struct str event_first(const struct cell *c)
{
    struct str at = first_text(c, "firstTimestamp", "deprecatedFirstTimestamp");
    return at.n > 0 ? at : cell_text(c, "eventTime");
}

static void put_since(struct cell *c, struct str at)
{
    buf_add_char(c->out, '"');
    cell_since_text(c->now, at, c->out);
    buf_add_char(c->out, '"');
}

void cell_event_first(struct cell *c)
{
    put_since(c, event_first(c));
}

void cell_event_last(struct cell *c)
{
    struct str at = cell_text(c, "series.lastObservedTime");
    if (at.n == 0)
        at = first_text(c, "lastTimestamp", "deprecatedLastTimestamp");
    put_since(c, at.n > 0 ? at : event_first(c));
}

void cell_event_count(struct cell *c)
{
    int64_t n = cell_int(cell_raw(c, "series.count"));
    if (n == 0)
        n = cell_int(cell_raw(c, "count"));
    if (n == 0)
        n = cell_int(cell_raw(c, "deprecatedCount"));
    buf_add_i64(c->out, n > 0 ? n : 1);
}

static void add_lower(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        buf_add_char(out, text.p[i] >= 'A' && text.p[i] <= 'Z' ? (char)(text.p[i] + ('a' - 'A'))
                                                               : text.p[i]);
}

void cell_event_object(struct cell *c)
{
    struct str name = first_text(c, "involvedObject.name", "regarding.name");
    buf_add_char(c->out, '"');
    add_lower(c->out, first_text(c, "involvedObject.kind", "regarding.kind"));
    if (name.n > 0)
        buf_addf(c->out, "/" STR_FMT, STR_ARG(name));
    buf_add_char(c->out, '"');
}

void cell_event_subobject(struct cell *c)
{
    cell_put(c, first_text(c, "involvedObject.fieldPath", "regarding.fieldPath"));
}

void cell_event_source(struct cell *c)
{
    struct str who = first_text(c, "source.component", "deprecatedSource.component");
    struct str host = first_text(c, "source.host", "deprecatedSource.host");
    if (who.n == 0)
        who = first_text(c, "reportingComponent", "reportingController");
    if (host.n == 0)
        host = cell_text(c, "reportingInstance");
    buf_addf(c->out, "\"" STR_FMT "%s" STR_FMT "\"", STR_ARG(who), host.n > 0 ? ", " : "",
             STR_ARG(host));
}

/* Blanks around go; line breaks and tabs are escapes here. */
void cell_event_message(struct cell *c)
{
    struct str text = str_trim(first_text(c, "message", "note"));
    while (str_starts(text, STR("\\n")) || str_starts(text, STR("\\t")))
        text = str_trim(str_sub(text, 2, text.n));
    while ((str_ends(text, STR("\\n")) || str_ends(text, STR("\\t"))) &&
           !(text.n > 2 && text.p[text.n - 3] == '\\'))
        text = str_trim(str_sub(text, 0, text.n - 2));
    cell_put(c, text);
}

/* ---- volumes ---- */

static const struct {
    const char *mode, *shown;
} access_modes[] = {
    {"ReadWriteOnce", "RWO"},
    {"ReadOnlyMany", "ROX"},
    {"ReadWriteMany", "RWX"},
    {"ReadWriteOncePod", "RWOP"},
};

/* In this order whatever the list's. */
static void write_modes(struct cell *c, struct str list)
{
    struct str item;
    bool first = true;
    buf_add_char(c->out, '"');
    for (size_t i = 0; i < ARRAY_LEN(access_modes); i++) {
        bool has = false;
        for (struct scan s = cell_list(list); scan_element(&s, &item);)
            has = has || str_eq_c(cell_text_of(item), access_modes[i].mode);
        if (!has)
            continue;
        buf_addf(c->out, "%s%s", first ? "" : ",", access_modes[i].shown);
        first = false;
    }
    buf_add_char(c->out, '"');
}

void cell_access_modes(struct cell *c)
{
    write_modes(c, cell_raw(c, c->arg));
}

static bool claim_bound(const struct cell *c)
{
    return cell_text(c, "spec.volumeName").n > 0;
}

void cell_claim_modes(struct cell *c)
{
    write_modes(c, claim_bound(c) ? cell_raw(c, "status.accessModes") : str_empty);
}

void cell_claim_capacity(struct cell *c)
{
    cell_put(c, claim_bound(c) ? cell_text(c, "status.capacity.storage") : str_empty);
}

void cell_volume_claim(struct cell *c)
{
    if (cell_raw(c, "spec.claimRef").n == 0) {
        cell_put_c(c, "");
        return;
    }
    buf_addf(c->out, "\"" STR_FMT "/" STR_FMT "\"",
             STR_ARG(cell_text(c, "spec.claimRef.namespace")),
             STR_ARG(cell_text(c, "spec.claimRef.name")));
}

/* The annotation of old comes before the field. */
void cell_storage_class(struct cell *c)
{
    struct str old = scan_get(cell_raw(c, "metadata.annotations"),
                              STR("volume.beta.kubernetes.io/storage-class"));
    cell_put(c, old.n > 0 ? cell_text_of(old) : cell_text(c, "spec.storageClassName"));
}

/* ---- quotas: "pods: 1/10, services: 0/5"; what begins with "limits." has a column of its own ---- */

void cell_quota(struct cell *c)
{
    struct str name, hard, used = cell_raw(c, "status.used");
    bool limits = c->arg[0] != '\0', first = true;
    buf_add_char(c->out, '"');
    for (struct scan s = cell_members(cell_raw(c, "status.hard")); scan_member(&s, &name, &hard);) {
        struct str amount = cell_text_of(scan_get(used, name));
        if (str_starts(name, STR("limits.")) != limits)
            continue;
        buf_addf(c->out, "%s" STR_FMT ": " STR_FMT "/" STR_FMT, first ? "" : ", ", STR_ARG(name),
                 STR_ARG(amount.n > 0 ? amount : STR("0")), STR_ARG(cell_text_of(hard)));
        first = false;
    }
    buf_add_char(c->out, '"');
}

/* ---- component statuses ---- */

static struct str healthy(const struct cell *c, const char *member)
{
    struct str item;
    for (struct scan s = cell_list(cell_raw(c, "conditions")); scan_element(&s, &item);)
        if (str_eq_c(cell_text_of(scan_get(item, STR("type"))), "Healthy"))
            return cell_text_of(scan_get(item, str_c(member)));
    return str_empty;
}

void cell_component_status(struct cell *c)
{
    struct str status = healthy(c, "status");
    cell_put_c(c, str_eq_c(status, "True")    ? "Healthy"
                  : str_eq_c(status, "False") ? "Unhealthy"
                                              : "Unknown");
}

void cell_component_message(struct cell *c)
{
    cell_put(c, healthy(c, "message"));
}

void cell_component_error(struct cell *c)
{
    cell_put(c, healthy(c, "error"));
}
