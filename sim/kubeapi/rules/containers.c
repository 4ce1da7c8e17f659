/* Containers: names, ports, environment, mounts, amounts, probes. */
#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/rules/rules.h"
#include "sim/kubeapi/types/quantity.h"

/* ---- ports ---- */

static void check_port(struct check *c, const struct node *n)
{
    static const struct rule rules[] = {RULE_PORT("hostPort"), RULE_END};
    const struct node number = node_at(n, "containerPort"), protocol = node_at(n, "protocol");
    int64_t v = 0;
    (void)json_int(number.v, &v);
    if (v == 0)
        rule_required(c, &number, NULL);
    else if (v < 1 || v > 65535)
        rule_bad(c, &number, "must be between 1 and 65535, inclusive");
    if (!json_is_empty(json_get(n->v, "hostPort")))
        rule_walk(c, rules, n);
    (void)rule_enum(c, &protocol, "SCTP|TCP|UDP", true);
}

static void check_ports(struct check *c, const struct node *n)
{
    size_t i = 0;
    for (const cJSON *p = node_is(n) ? n->v->child : NULL; p; p = p->next, i++) {
        const struct node item = node_item(n, i, p), name = node_at(&item, "name");
        struct str text = json_string(name.v);
        if (text.n > 0 && rule_name(c, &name, NAME_PORT))
            for (const cJSON *q = n->v->child; q != p; q = q->next)
                if (str_eq(json_string_at(q, "name"), text)) {
                    rule_duplicate(c, &name);
                    break;
                }
        check_port(c, &item);
    }
}

void check_port_or_name(struct check *c, const struct node *n)
{
    int64_t v = 0;
    if (json_is_string(n->v))
        (void)rule_name(c, n, NAME_PORT);
    else if (!n->v || !json_int(n->v, &v) || v < 1 || v > 65535)
        rule_bad_json(c, n, arena_printf(&c->r->a, "%lld", (long long)v),
                      "must be between 1 and 65535, inclusive");
}

/* ---- environment ---- */

static void check_key_ref(struct check *c, const struct node *n)
{
    static const struct rule rules[] = {RULE_REQUIRED("name"),
                                        RULE_NAME_SET("key", NAME_CONFIG_KEY), RULE_END};
    if (node_is(n))
        rule_walk(c, rules, n);
}

static void check_field_ref(struct check *c, const struct node *n)
{
    static const char *const allowed =
        "metadata.name|metadata.namespace|metadata.uid|spec.nodeName|spec.serviceAccountName|"
        "status.hostIP|status.hostIPs|status.podIP|status.podIPs";
    const struct node path = node_at(n, "fieldPath"), version = node_at(n, "apiVersion");
    struct str text = json_string(path.v);
    if (!node_is(n))
        return;
    if (json_string(version.v).n == 0)
        rule_required(c, &version, NULL);
    else if (text.n == 0)
        rule_required(c, &path, NULL);
    else if (str_starts(text, STR("metadata.labels['")) ||
             str_starts(text, STR("metadata.annotations['")))
        return;
    else if (!str_starts(text, STR("metadata.")) && !str_starts(text, STR("spec.")) &&
             !str_starts(text, STR("status.")))
        rule_bad(c, &path, "error converting fieldPath: field label not supported: " STR_FMT,
                 STR_ARG(text));
    else if (!text_among(text, allowed))
        rule_unsupported(c, &path, allowed);
}

static void check_env(struct check *c, const struct node *n)
{
    static const char *const sources[] = {"fieldRef", "resourceFieldRef", "configMapKeyRef",
                                          "secretKeyRef", "fileKeyRef"};
    static const struct rule rules[] = {RULE_CALL("fieldRef", check_field_ref),
                                        RULE_CALL("configMapKeyRef", check_key_ref),
                                        RULE_CALL("secretKeyRef", check_key_ref), RULE_END};
    const struct node name = node_at(n, "name"), from = node_at(n, "valueFrom");
    size_t given = 0;
    if (json_string(name.v).n == 0)
        rule_required(c, &name, NULL);
    else
        (void)rule_name(c, &name, NAME_ENV);
    if (!node_is(&from))
        return;
    rule_walk(c, rules, &from);
    for (size_t i = 0; i < ARRAY_LEN(sources); i++)
        given += json_get(from.v, sources[i]) != NULL;
    if (given == 0)
        rule_bad_text(c, &from, str_empty,
                      "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, "
                      "`secretKeyRef` or `fileKeyRef`");
    else if (json_string_at(n->v, "value").n > 0)
        rule_bad_text(c, &from, str_empty, "may not be specified when `value` is not empty");
    else if (given > 1)
        rule_bad_text(c, &from, str_empty, "may not have more than one field specified at a time");
}

/* What strategic patches and applies lose: two variables of one name. */
static void warn_of_hidden(struct check *c, const struct node *container)
{
    const struct node list = node_at(container, "env");
    size_t i = 0;
    for (const cJSON *v = node_is(&list) ? list.v->child : NULL; v; v = v->next, i++)
        for (const cJSON *o = list.v->child; o != v; o = o->next)
            if (str_eq(json_string_at(o, "name"), json_string_at(v, "name"))) {
                const struct node item = node_item(&list, i, v);
                api_warn(c->r,
                         STR_FMT ": hides previous definition of \"" STR_FMT
                                 "\", which may be dropped when using apply",
                         STR_ARG(node_text(c, &item)), STR_ARG(json_string_at(v, "name")));
                break;
            }
}

static void check_env_from(struct check *c, const struct node *n)
{
    static const char *const sources[] = {"configMapRef", "secretRef"};
    const struct node prefix = node_at(n, "prefix");
    size_t given = 0;
    if (json_string(prefix.v).n > 0)
        (void)rule_name(c, &prefix, NAME_ENV);
    for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
        const struct node ref = node_at(n, sources[i]), name = node_at(&ref, "name");
        given += node_is(&ref);
        if (node_is(&ref) && json_string(name.v).n == 0)
            rule_required(c, &name, NULL);
    }
    if (given == 0)
        rule_bad_text(c, n, str_empty, "must specify one of: `configMapRef` or `secretRef`");
    else if (given > 1)
        rule_bad_text(c, n, str_empty, "may not have more than one field specified at a time");
}

/* ---- mounts ---- */

static void check_descending(struct check *c, const struct node *n)
{
    struct str rest = json_string(n->v), part;
    if (rest.n == 0)
        return;
    if (rest.p[0] == '/')
        rule_bad(c, n, "must be a relative path");
    for (bool more = true; more;) {
        more = str_cut(rest, '/', &part, &rest);
        if (str_eq_c(part, "..")) {
            rule_bad(c, n, "must not contain '..'");
            return;
        }
    }
}

static bool volume_there(const cJSON *volumes, struct str name)
{
    for (const cJSON *v = volumes ? volumes->child : NULL; v; v = v->next)
        if (str_eq(json_string_at(v, "name"), name))
            return true;
    return false;
}

/* n: the container's; the volumes are the spec's. */
static void check_mounts(struct check *c, const struct node *n, const cJSON *spec)
{
    static const struct rule rules[] = {
        RULE_CALL("subPath", check_descending), RULE_CALL("subPathExpr", check_descending),
        RULE_ENUM("mountPropagation", "Bidirectional|HostToContainer|None"), RULE_END};
    const struct node mounts = node_at(n, "volumeMounts");
    const cJSON *volumes = json_get(spec, "volumes");
    size_t i = 0;
    for (const cJSON *m = node_is(&mounts) ? mounts.v->child : NULL; m; m = m->next, i++) {
        const struct node item = node_item(&mounts, i, m);
        const struct node name = node_at(&item, "name"), path = node_at(&item, "mountPath");
        if (json_string(name.v).n == 0)
            rule_required(c, &name, NULL);
        if (!volume_there(volumes, json_string(name.v)))
            rule_not_found(c, &name);
        if (json_string(path.v).n == 0)
            rule_required(c, &path, NULL);
        for (const cJSON *o = mounts.v->child; o != m; o = o->next)
            if (str_eq(json_string_at(o, "mountPath"), json_string(path.v))) {
                rule_bad(c, &path, "must be unique");
                break;
            }
        rule_walk(c, rules, &item);
        if (json_string_at(m, "subPath").n > 0 && json_string_at(m, "subPathExpr").n > 0) {
            const struct node expr = node_at(&item, "subPathExpr");
            rule_bad(c, &expr, "subPathExpr and subPath are mutually exclusive");
        }
    }
}

/* ---- amounts ---- */

static void check_amount(struct check *c, const struct node *n)
{
    struct quantity q;
    if (!quantity_parse(json_string(n->v), &q) && q.nanos < 0)
        rule_bad(c, n, "must be greater than or equal to 0");
}

void check_amounts(struct check *c, const struct node *n)
{
    for (const cJSON *v = node_is(n) ? n->v->child : NULL; v; v = v->next) {
        const struct node item = node_key(n, v);
        struct str name = item.name;
        const char *texts[NAMES_PROBLEMS_MAX];
        size_t count = names_problems(NAME_QUALIFIED, name, texts);
        for (size_t i = 0; i < count; i++)
            rule_bad_text(c, &item, name, "%s", texts[i]);
        if (count == 0 && str_find_char(name, '/') < 0 &&
            !text_among(name, "cpu|memory|ephemeral-storage") &&
            !str_starts(name, STR("hugepages-")))
            rule_bad_text(c, &item, name, "must be a standard resource for containers");
        check_amount(c, &item);
    }
}

static bool overcommit_allowed(struct str name)
{
    bool native = str_find_char(name, '/') < 0 || str_find(name, STR("kubernetes.io/")) >= 0;
    return native && !str_starts(name, STR("hugepages-"));
}

static void check_request(struct check *c, const struct node *n, const struct node *limits)
{
    struct quantity q, l;
    const cJSON *limit = json_get(limits->v, n->v->string);
    struct str name = n->name, text = json_string(limit);
    if (!limit) {
        if (!overcommit_allowed(name))
            rule_required(c, limits, "Limit must be set for non overcommitable resources");
        return;
    }
    if (quantity_parse(json_string(n->v), &q) || quantity_parse(text, &l))
        return;
    struct node all = *n->up; /* the API names the whole of the requests */
    all.v = n->v;
    if (quantity_cmp(&q, &l) != 0 && !overcommit_allowed(name))
        rule_bad(c, &all, "must be equal to " STR_FMT " limit of " STR_FMT, STR_ARG(name),
                 STR_ARG(text));
    else if (quantity_cmp(&q, &l) > 0)
        rule_bad(c, &all, "must be less than or equal to " STR_FMT " limit of " STR_FMT,
                 STR_ARG(name), STR_ARG(text));
}

void check_resources(struct check *c, const struct node *n)
{
    const struct node limits = node_at(n, "limits"), requests = node_at(n, "requests");
    check_amounts(c, &limits);
    check_amounts(c, &requests);
    for (const cJSON *v = node_is(&requests) ? requests.v->child : NULL; v; v = v->next) {
        const struct node item = node_key(&requests, v);
        check_request(c, &item, &limits);
    }
}

/* ---- probes and hooks ---- */

static const struct rule header_rules[] = {RULE_NAME("name", NAME_HEADER), RULE_END};
static const struct rule http_rules[] = {
    RULE_REQUIRED("path"), RULE_CALL("port", check_port_or_name), RULE_ENUM("scheme", "HTTP|HTTPS"),
    RULE_EACH("httpHeaders", header_rules), RULE_END};
static const struct rule exec_rules[] = {RULE_REQUIRED("command"), RULE_END};
static const struct rule port_rules[] = {RULE_CALL("port", check_port_or_name), RULE_END};
static const struct rule handler_rules[] = {
    RULE_IN("exec", exec_rules), RULE_IN("httpGet", http_rules), RULE_IN("tcpSocket", port_rules),
    RULE_IN("grpc", port_rules), RULE_END};

static void check_handler(struct check *c, const struct node *n)
{
    static const char *const types[] = {"exec", "httpGet", "tcpSocket", "grpc", "sleep"};
    size_t given = 0;
    if (!node_is(n))
        return;
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        const struct node type = node_at(n, types[i]);
        if (node_is(&type) && given++ > 0)
            rule_forbid(c, &type, "may not specify more than 1 handler type");
    }
    rule_walk(c, handler_rules, n);
    if (given == 0)
        rule_required(c, n, "must specify a handler type");
}

void check_positive(struct check *c, const struct node *n)
{
    int64_t v;
    if (node_is(n) && json_int(n->v, &v) && v <= 0)
        rule_bad(c, n, "must be greater than 0");
}

static void check_probe(struct check *c, const struct node *n)
{
    static const struct rule rules[] = {RULE_CALL(NULL, check_handler),
                                        RULE_MIN("initialDelaySeconds", 0),
                                        RULE_MIN("timeoutSeconds", 0),
                                        RULE_MIN("periodSeconds", 0),
                                        RULE_MIN("successThreshold", 0),
                                        RULE_MIN("failureThreshold", 0),
                                        RULE_CALL("terminationGracePeriodSeconds", check_positive),
                                        RULE_END};
    if (node_is(n))
        rule_walk(c, rules, n);
}

/* Liveness and startup succeed at once or never. */
static void check_once(struct check *c, const struct node *n)
{
    const struct node threshold = node_at(n, "successThreshold");
    check_probe(c, n);
    if (node_is(n) && json_int_at(n->v, "successThreshold", 1) != 1)
        rule_bad(c, &threshold, "must be 1");
}

static const struct rule lifecycle_rules[] = {RULE_CALL("postStart", check_handler),
                                              RULE_CALL("preStop", check_handler), RULE_END};

static void check_privileges(struct check *c, const struct node *n)
{
    static const struct rule rules[] = {RULE_RANGE("runAsUser", 0, 2147483647),
                                        RULE_RANGE("runAsGroup", 0, 2147483647), RULE_END};
    const struct node escalation = node_at(n, "allowPrivilegeEscalation");
    if (!node_is(n))
        return;
    rule_walk(c, rules, n);
    if (!escalation.v || json_bool_at(n->v, "allowPrivilegeEscalation", true))
        return;
    if (json_bool_at(n->v, "privileged", false))
        rule_bad_json(c, n, internal_text(c, "io.k8s.api.core.v1.SecurityContext", n->v),
                      "cannot set `allowPrivilegeEscalation` to false and `privileged` to true");
}

/* ---- containers ---- */

static const struct rule container_rules[] = {
    RULE_ENUM_SET("terminationMessagePolicy", "File|FallbackToLogsOnError"),
    RULE_CALL("ports", check_ports),
    {.field = "env", .op = OP_EACH, .call = check_env},
    {.field = "envFrom", .op = OP_EACH, .call = check_env_from},
    RULE_ENUM_SET("imagePullPolicy", "Always|IfNotPresent|Never"),
    RULE_END};
static const struct rule container_end_rules[] = {RULE_CALL("resources", check_resources),
                                                  RULE_CALL("securityContext", check_privileges),
                                                  RULE_END};
static const struct rule life_rules[] = {
    RULE_IN("lifecycle", lifecycle_rules), RULE_CALL("livenessProbe", check_once),
    RULE_CALL("readinessProbe", check_probe), RULE_CALL("startupProbe", check_once), RULE_END};

static void check_image(struct check *c, const struct node *n)
{
    struct str image = json_string(n->v);
    if (image.n == 0)
        rule_required(c, n, NULL);
    else if (str_trim(image).n != image.n)
        rule_bad(c, n, "must not have leading or trailing whitespace");
}

static void check_container(struct check *c, const struct node *n, const cJSON *spec)
{
    const struct node name = node_at(n, "name"), image = node_at(n, "image");
    if (json_string(name.v).n == 0)
        rule_required(c, &name, NULL);
    else
        (void)rule_name(c, &name, NAME_LABEL);
    check_image(c, &image);
    warn_of_hidden(c, n);
    rule_walk(c, container_rules, n);
    check_mounts(c, n, spec);
    rule_walk(c, container_end_rules, n);
}

static bool named_before(const cJSON *list, const cJSON *until, struct str name)
{
    for (const cJSON *v = list ? list->child : NULL; v && v != until; v = v->next)
        if (str_eq(json_string_at(v, "name"), name))
            return true;
    return false;
}

/* Two containers cannot have one port of the host. */
static void check_host_ports(struct check *c, const struct node *list, const struct node *item)
{
    const struct node ports = node_at(item, "ports");
    size_t i = 0;
    for (const cJSON *p = node_is(&ports) ? ports.v->child : NULL; p; p = p->next, i++) {
        int64_t port = json_int_at(p, "hostPort", 0);
        bool taken = false;
        for (const cJSON *o = list->v->child; port != 0 && o && !taken; o = o->next) {
            const cJSON *others = json_get(o, "ports");
            for (const cJSON *q = others ? others->child : NULL; q && q != p && !taken; q = q->next)
                taken = json_int_at(q, "hostPort", 0) == port &&
                        str_eq(json_string_at(q, "protocol"), json_string_at(p, "protocol")) &&
                        str_eq(json_string_at(q, "hostIP"), json_string_at(p, "hostIP"));
            if (o == item->v)
                break;
        }
        if (!taken)
            continue;
        const struct node at = node_item(&ports, i, p), host = node_at(&at, "hostPort");
        api_invalid(c->r, "FieldValueDuplicate", node_text(c, &host),
                    "Duplicate value: \"" STR_FMT "/" STR_FMT "/%lld\"",
                    STR_ARG(json_string_at(p, "protocol")), STR_ARG(json_string_at(p, "hostIP")),
                    (long long)port);
    }
}

void check_containers(struct check *c, const struct node *spec)
{
    const struct node list = node_at(spec, "containers");
    size_t i = 0;
    if (node_count(&list) == 0) {
        rule_required(c, &list, NULL);
        return;
    }
    for (const cJSON *v = list.v->child; v; v = v->next, i++) {
        const struct node item = node_item(&list, i, v), name = node_at(&item, "name");
        check_container(c, &item, spec->v);
        if (named_before(list.v, v, json_string(name.v)))
            rule_duplicate(c, &name);
        rule_walk(c, life_rules, &item);
        const struct node again = node_at(&item, "restartPolicy");
        if (node_is(&again) && !text_among(json_string(again.v), "Always|OnFailure|Never"))
            rule_unsupported(c, &again, "Always|OnFailure|Never");
    }
    i = 0;
    for (const cJSON *v = list.v->child; v; v = v->next, i++) {
        const struct node item = node_item(&list, i, v);
        check_host_ports(c, &list, &item);
    }
}

void check_init_containers(struct check *c, const struct node *spec)
{
    static const char *const alive[] = {"lifecycle", "livenessProbe", "readinessProbe",
                                        "startupProbe"};
    const struct node list = node_at(spec, "initContainers");
    size_t i = 0;
    for (const cJSON *v = node_is(&list) ? list.v->child : NULL; v; v = v->next, i++) {
        const struct node item = node_item(&list, i, v), name = node_at(&item, "name");
        bool sidecar = str_eq_c(json_string_at(v, "restartPolicy"), "Always");
        check_container(c, &item, spec->v);
        if (json_string(name.v).n > 0 &&
            (named_before(list.v, v, json_string(name.v)) ||
             named_before(json_get(spec->v, "containers"), NULL, json_string(name.v))))
            rule_duplicate(c, &name);
        if (sidecar) {
            rule_walk(c, life_rules, &item);
            continue;
        }
        for (size_t k = 0; k < ARRAY_LEN(alive); k++) {
            const struct node part = node_at(&item, alive[k]);
            if (node_is(&part))
                rule_forbid(c, &part,
                            "may not be set for init containers without restartPolicy=Always");
        }
    }
}

void check_ephemeral_containers(struct check *c, const struct node *spec)
{
    static const char *const refused[] = {"ports",        "livenessProbe", "readinessProbe",
                                          "startupProbe", "lifecycle",     "resizePolicy"};
    const struct node list = node_at(spec, "ephemeralContainers");
    size_t i = 0;
    for (const cJSON *v = node_is(&list) ? list.v->child : NULL; v; v = v->next, i++) {
        const struct node item = node_item(&list, i, v), name = node_at(&item, "name");
        const struct node target = node_at(&item, "targetContainerName");
        struct str text = json_string(name.v), wanted = json_string(target.v);
        check_container(c, &item, spec->v);
        if (named_before(list.v, v, text) ||
            named_before(json_get(spec->v, "containers"), NULL, text) ||
            named_before(json_get(spec->v, "initContainers"), NULL, text))
            rule_duplicate(c, &name);
        if (wanted.n > 0 && !named_before(json_get(spec->v, "containers"), NULL, wanted) &&
            !named_before(json_get(spec->v, "initContainers"), NULL, wanted))
            rule_not_found(c, &target);
        for (size_t k = 0; k < ARRAY_LEN(refused); k++) {
            const struct node part = node_at(&item, refused[k]);
            if (!json_is_empty(part.v))
                rule_forbid(c, &part, "field not allowed for ephemeral containers");
        }
    }
}
