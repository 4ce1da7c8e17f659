/* Cells of the kinds of the other groups: jobs, autoscalers, ingresses, certificates, bindings, admission. */
#include "sim/kubeapi/print/cell.h"

#include "engine/base/timefmt.h"
#include "engine/kube/gvr.h"

#define HOSTS_MAX   3u
#define METRICS_MAX 2u

static struct str member(struct str raw, const char *dotted)
{
    return cell_text_of(scan_path(raw, dotted));
}

static bool condition_true(const struct cell *c, const char *type)
{
    struct str item;
    for (struct scan s = cell_list(cell_raw(c, "status.conditions")); scan_element(&s, &item);)
        if (str_eq_c(member(item, "type"), type))
            return str_eq_c(member(item, "status"), "True");
    return false;
}

/* ---- jobs ---- */

void cell_job_status(struct cell *c)
{
    cell_put_c(c, condition_true(c, "Complete")        ? "Complete"
                  : condition_true(c, "Failed")        ? "Failed"
                  : c->o->deleting                     ? "Terminating"
                  : condition_true(c, "Suspended")     ? "Suspended"
                  : condition_true(c, "FailureTarget") ? "FailureTarget"
                                                       : "Running");
}

void cell_job_completions(struct cell *c)
{
    long long done = (long long)cell_int(cell_raw(c, "status.succeeded"));
    struct str wanted = cell_raw(c, "spec.completions");
    int64_t parallel = cell_int(cell_raw(c, "spec.parallelism"));
    if (wanted.n > 0)
        buf_addf(c->out, "\"%lld/%lld\"", done, (long long)cell_int(wanted));
    else if (parallel > 1)
        buf_addf(c->out, "\"%lld/1 of %lld\"", done, (long long)parallel);
    else
        buf_addf(c->out, "\"%lld/1\"", done);
}

void cell_job_duration(struct cell *c)
{
    int64_t start, end = c->now;
    struct str done = cell_text(c, "status.completionTime");
    buf_add_char(c->out, '"');
    if (rfc3339_parse(cell_text(c, "status.startTime"), &start)) {
        if (done.n > 0)
            (void)rfc3339_parse(done, &end);
        cell_duration(end - start, c->out);
    }
    buf_add_char(c->out, '"');
}

/* ---- autoscalers ---- */

void cell_hpa_reference(struct cell *c)
{
    buf_addf(c->out, "\"" STR_FMT "/" STR_FMT "\"",
             STR_ARG(cell_text(c, "spec.scaleTargetRef.kind")),
             STR_ARG(cell_text(c, "spec.scaleTargetRef.name")));
}

void cell_hpa_min(struct cell *c)
{
    struct str raw = cell_raw(c, "spec.minReplicas");
    cell_put(c, raw.n > 0 ? raw : STR("<unset>"));
}

/* The part of a metric that its type names: {"type":"ContainerResource","containerResource":{...}}. */
static struct str metric_part(struct str metric)
{
    struct str type = member(metric, "type");
    char name[64];
    if (type.n == 0 || type.n >= sizeof name)
        return str_empty;
    memcpy(name, type.p, type.n);
    name[0] = name[0] >= 'A' && name[0] <= 'Z' ? (char)(name[0] + ('a' - 'A')) : name[0];
    return scan_get(metric, (struct str){name, type.n});
}

static void write_metric(struct cell *c, struct str spec, struct str status)
{
    struct str part = metric_part(spec), now = metric_part(status), type = member(spec, "type");
    struct str name = member(part, "name");
    struct str average = member(part, "target.averageValue"), value = member(part, "target.value");
    struct str utilization = scan_path(part, "target.averageUtilization");
    bool resource = str_eq_c(type, "Resource") || str_eq_c(type, "ContainerResource");
    bool percent = resource && average.n == 0;
    const char *key = average.n > 0 ? "current.averageValue"
                      : percent     ? "current.averageUtilization"
                                    : "current.value";
    struct str current = cell_scalar(scan_path(now, key));
    if (resource)
        buf_addf(c->out, STR_FMT ": ", STR_ARG(name));
    buf_addf(c->out, STR_FMT "%s/", STR_ARG(current.n > 0 ? current : STR("<unknown>")),
             percent && current.n > 0 ? "%" : "");
    if (percent)
        buf_addf(c->out, STR_FMT "%s", STR_ARG(utilization.n > 0 ? utilization : STR("<auto>")),
                 utilization.n > 0 ? "%" : "");
    else
        buf_add(c->out, average.n > 0 ? average : value);
    if (average.n > 0 && (str_eq_c(type, "External") || str_eq_c(type, "Object")))
        buf_add_c(c->out, " (avg)");
}

/* autoscaling/v1 knows the cpu only. */
static bool write_v1_target(struct cell *c)
{
    struct str target = cell_raw(c, "spec.targetCPUUtilizationPercentage");
    struct str current = cell_raw(c, "status.currentCPUUtilizationPercentage");
    if (target.n == 0)
        return false;
    buf_addf(c->out, "cpu: " STR_FMT "%s/" STR_FMT "%%",
             STR_ARG(current.n > 0 ? current : STR("<unknown>")), current.n > 0 ? "%" : "",
             STR_ARG(target));
    return true;
}

void cell_hpa_targets(struct cell *c)
{
    struct str spec, status;
    struct scan s = cell_list(cell_raw(c, "spec.metrics"));
    struct scan t = cell_list(cell_raw(c, "status.currentMetrics"));
    size_t n = 0;
    buf_add_char(c->out, '"');
    for (; scan_element(&s, &spec); n++) {
        if (!scan_element(&t, &status))
            status = str_empty;
        if (n >= METRICS_MAX)
            continue;
        buf_add_c(c->out, n > 0 ? ", " : "");
        write_metric(c, spec, status);
    }
    if (n > METRICS_MAX)
        buf_addf(c->out, " + %zu more...", n - METRICS_MAX);
    if (n == 0 && !write_v1_target(c))
        buf_add_c(c->out, "<none>");
    buf_add_char(c->out, '"');
}

/* ---- networking ---- */

void cell_ingress_hosts(struct cell *c)
{
    struct str rule;
    size_t rules = 0, shown = 0;
    bool more = false;
    buf_add_char(c->out, '"');
    for (struct scan s = cell_list(cell_raw(c, "spec.rules")); scan_element(&s, &rule); rules++) {
        struct str host = member(rule, "host");
        more = more || shown == HOSTS_MAX;
        if (!more && host.n > 0)
            buf_addf(c->out, "%s" STR_FMT, shown++ > 0 ? "," : "", STR_ARG(host));
    }
    if (shown == 0)
        buf_add_char(c->out, '*');
    if (more)
        buf_addf(c->out, " + %zu more...", rules - HOSTS_MAX);
    buf_add_char(c->out, '"');
}

void cell_ingress_address(struct cell *c)
{
    struct str item;
    bool first = true;
    buf_add_char(c->out, '"');
    struct scan s = cell_list(cell_raw(c, "status.loadBalancer.ingress"));
    for (; scan_element(&s, &item); first = false) {
        struct str ip = member(item, "ip"), host = member(item, "hostname");
        buf_addf(c->out, "%s" STR_FMT, first ? "" : ",", STR_ARG(ip.n > 0 ? ip : host));
    }
    buf_add_char(c->out, '"');
}

void cell_ingress_ports(struct cell *c)
{
    struct str item;
    struct scan s = cell_list(cell_raw(c, "spec.tls"));
    cell_put_c(c, scan_element(&s, &item) ? "80, 443" : "80");
}

void cell_ingressclass_parameters(struct cell *c)
{
    struct str group = cell_text(c, "spec.parameters.apiGroup");
    if (cell_raw(c, "spec.parameters").n == 0) {
        cell_put_c(c, "<none>");
        return;
    }
    buf_addf(c->out, "\"" STR_FMT "%s" STR_FMT "/" STR_FMT "\"",
             STR_ARG(cell_text(c, "spec.parameters.kind")), group.n > 0 ? "." : "", STR_ARG(group),
             STR_ARG(cell_text(c, "spec.parameters.name")));
}

void cell_ip_parent(struct cell *c)
{
    struct str group = cell_text(c, "spec.parentRef.group");
    struct str ns = cell_text(c, "spec.parentRef.namespace");
    buf_addf(c->out, "\"" STR_FMT "%s" STR_FMT "/" STR_FMT "%s" STR_FMT "\"",
             STR_ARG(cell_text(c, "spec.parentRef.resource")), group.n > 0 ? "." : "",
             STR_ARG(group), STR_ARG(ns), ns.n > 0 ? "/" : "",
             STR_ARG(cell_text(c, "spec.parentRef.name")));
}

/* ---- certificates ---- */

void cell_csr_duration(struct cell *c)
{
    struct str raw = cell_raw(c, "spec.expirationSeconds");
    buf_add_char(c->out, '"');
    if (raw.n > 0)
        cell_duration(cell_int(raw) * NS_PER_S, c->out);
    else
        buf_add_c(c->out, "<none>");
    buf_add_char(c->out, '"');
}

static bool has_condition(const struct cell *c, const char *type)
{
    struct str item;
    for (struct scan s = cell_list(cell_raw(c, "status.conditions")); scan_element(&s, &item);)
        if (str_eq_c(member(item, "type"), type))
            return true;
    return false;
}

void cell_csr_condition(struct cell *c)
{
    buf_addf(c->out, "\"%s%s%s\"",
             has_condition(c, "Denied")     ? "Denied"
             : has_condition(c, "Approved") ? "Approved"
                                            : "Pending",
             has_condition(c, "Failed") ? ",Failed" : "",
             cell_text(c, "status.certificate").n > 0 ? ",Issued" : "");
}

/* ---- rights ---- */

void cell_binding_role(struct cell *c)
{
    buf_addf(c->out, "\"" STR_FMT "/" STR_FMT "\"", STR_ARG(cell_text(c, "roleRef.kind")),
             STR_ARG(cell_text(c, "roleRef.name")));
}

void cell_binding_subjects(struct cell *c)
{
    struct str item;
    bool first = true, accounts = str_eq_c(STR("ServiceAccount"), c->arg);
    buf_add_char(c->out, '"');
    for (struct scan s = cell_list(cell_raw(c, "subjects")); scan_element(&s, &item);) {
        if (!str_eq_c(member(item, "kind"), c->arg))
            continue;
        buf_add_c(c->out, first ? "" : ", ");
        if (accounts)
            buf_addf(c->out, STR_FMT "/", STR_ARG(member(item, "namespace")));
        buf_add(c->out, member(item, "name"));
        first = false;
    }
    buf_add_char(c->out, '"');
}

/* ---- admission, aggregation, priority and fairness ---- */

void cell_param_kind(struct cell *c)
{
    if (cell_raw(c, "spec.paramKind").n == 0)
        cell_put_c(c, "<unset>");
    else
        buf_addf(c->out, "\"" STR_FMT "/" STR_FMT "\"",
                 STR_ARG(cell_text(c, "spec.paramKind.apiVersion")),
                 STR_ARG(cell_text(c, "spec.paramKind.kind")));
}

void cell_param_ref(struct cell *c)
{
    struct str ns = cell_text(c, "spec.paramRef.namespace");
    struct str name = cell_text(c, "spec.paramRef.name");
    if (cell_raw(c, "spec.paramRef").n == 0)
        cell_put_c(c, "<unset>");
    else
        buf_addf(c->out, "\"" STR_FMT "%s" STR_FMT "\"", STR_ARG(ns), ns.n > 0 ? "/" : "",
                 STR_ARG(name.n > 0 ? name : STR("*")));
}

void cell_apiservice_service(struct cell *c)
{
    struct str name = cell_text(c, "spec.service.name");
    if (name.n == 0)
        cell_put_c(c, "Local");
    else
        buf_addf(c->out, "\"" STR_FMT "/" STR_FMT "\"",
                 STR_ARG(cell_text(c, "spec.service.namespace")), STR_ARG(name));
}

void cell_apiservice_available(struct cell *c)
{
    struct str item, status = STR("Unknown"), reason = str_empty;
    for (struct scan s = cell_list(cell_raw(c, "status.conditions")); scan_element(&s, &item);)
        if (str_eq_c(member(item, "type"), "Available")) {
            status = member(item, "status");
            reason = member(item, "reason");
        }
    if (str_eq_c(status, "True") || reason.n == 0)
        cell_put(c, status);
    else
        buf_addf(c->out, "\"" STR_FMT " (" STR_FMT ")\"", STR_ARG(status), STR_ARG(reason));
}

void cell_flow_missing(struct cell *c)
{
    struct str item, status = STR("?");
    for (struct scan s = cell_list(cell_raw(c, "status.conditions")); scan_element(&s, &item);)
        if (str_eq_c(member(item, "type"), "Dangling"))
            status = member(item, "status");
    cell_put(c, status);
}

void cell_level_shares(struct cell *c)
{
    struct str raw = cell_raw(c, "spec.limited.nominalConcurrencyShares");
    if (raw.n == 0)
        raw = cell_raw(c, "spec.exempt.nominalConcurrencyShares");
    if (raw.n > 0)
        buf_add(c->out, raw);
    else
        cell_put_c(c, "<none>");
}

/* ---- the rest ---- */

void cell_controller(struct cell *c)
{
    const struct kube_owner *owner = kube_object_controller(c->o);
    struct str group = str_empty, version;
    if (!owner) {
        cell_put_c(c, "<none>");
        return;
    }
    (void)kube_api_version_parse(owner->api_version, &group, &version);
    buf_add_char(c->out, '"');
    for (size_t i = 0; i < owner->kind.n; i++) {
        char k = owner->kind.p[i];
        buf_add_char(c->out, k >= 'A' && k <= 'Z' ? (char)(k + ('a' - 'A')) : k);
    }
    buf_addf(c->out, "%s" STR_FMT "/" STR_FMT "\"", group.n > 0 ? "." : "", STR_ARG(group),
             STR_ARG(owner->name));
}

void cell_class_name(struct cell *c)
{
    struct str notes = cell_raw(c, "metadata.annotations");
    struct str now = scan_get(notes, STR("storageclass.kubernetes.io/is-default-class"));
    struct str old = scan_get(notes, STR("storageclass.beta.kubernetes.io/is-default-class"));
    bool chosen = str_eq_c(cell_text_of(now), "true") || str_eq_c(cell_text_of(old), "true");
    buf_addf(c->out, "\"" STR_FMT "%s\"", STR_ARG(c->o->name), chosen ? " (default)" : "");
}

void cell_token_requests(struct cell *c)
{
    struct str item;
    bool first = true;
    buf_add_char(c->out, '"');
    struct scan s = cell_list(cell_raw(c, "spec.tokenRequests"));
    for (; scan_element(&s, &item); first = false)
        buf_addf(c->out, "%s" STR_FMT, first ? "" : ",", STR_ARG(member(item, "audience")));
    buf_add_c(c->out, first ? "<unset>\"" : "\"");
}

void cell_claim_state(struct cell *c)
{
    struct str item;
    struct scan reserved = cell_list(cell_raw(c, "status.reservedFor"));
    bool allocated = cell_raw(c, "status.allocation").n > 0;
    bool in_use = scan_element(&reserved, &item);
    buf_addf(c->out, "\"%s%s%s%s\"", c->o->deleting ? "deleted" : "",
             c->o->deleting && allocated ? "," : "",
             allocated        ? "allocated"
             : c->o->deleting ? ""
                              : "pending",
             allocated && in_use ? ",reserved" : "");
}
