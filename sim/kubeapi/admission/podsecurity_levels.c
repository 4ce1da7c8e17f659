/* The levels of the pod security standards: baseline and restricted. */
#include "sim/kubeapi/admission/podsecurity.h"

#include <stdlib.h>

#include "engine/base/map.h"
#include "sim/kubeapi/rules/walk.h"

struct findings {
    struct arena *a;
    const cJSON *annotations, *spec;
    struct buf text;
    size_t n;
    bool brief; /* what is wrong, not where */
};

static void found(struct findings *f, struct str what, struct str detail)
{
    buf_addf(&f->text, "%s" STR_FMT, f->n++ > 0 ? ", " : "", STR_ARG(what));
    if (!f->brief)
        buf_addf(&f->text, " (" STR_FMT ")", STR_ARG(detail));
}

/* ---- containers that have something wrong with them ---- */

typedef bool (*container_test)(struct findings *f, const cJSON *container);

/* `container "a"`, `containers "a", "b"`; empty: none. */
static struct str containers_that(struct findings *f, container_test test, size_t *n)
{
    static const char *const lists[] = {"initContainers", "containers", "ephemeralContainers"};
    struct buf names = {0};
    *n = 0;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        const cJSON *list = json_get(f->spec, lists[i]);
        for (const cJSON *c = list ? list->child : NULL; c; c = c->next)
            if (test(f, c))
                buf_addf(&names, "%s\"" STR_FMT "\"", (*n)++ > 0 ? ", " : "",
                         STR_ARG(json_string_at(c, "name")));
    }
    struct str s = *n == 0 ? str_empty
                           : arena_printf(f->a, "container%s " STR_FMT, *n > 1 ? "s" : "",
                                          STR_ARG(buf_str(&names)));
    buf_free(&names);
    return s;
}

static void must(struct findings *f, const char *what, container_test test, const char *says)
{
    size_t n;
    struct str who = containers_that(f, test, &n);
    if (n > 0)
        found(f, str_c(what), arena_printf(f->a, STR_FMT " %s", STR_ARG(who), says));
}

static bool is_privileged(struct findings *f, const cJSON *c)
{
    return json_bool_at(c, "securityContext.privileged", false);
}

static bool may_escalate(struct findings *f, const cJSON *c)
{
    return json_bool_at(c, "securityContext.allowPrivilegeEscalation", true);
}

static bool keeps_capabilities(struct findings *f, const cJSON *c)
{
    const cJSON *drop = json_path(c, "securityContext.capabilities.drop");
    for (const cJSON *v = drop ? drop->child : NULL; v; v = v->next)
        if (str_eq_c(json_string(v), "ALL"))
            return false;
    return true;
}

static bool may_be_root(struct findings *f, const cJSON *c)
{
    const cJSON *own = json_path(c, "securityContext.runAsNonRoot");
    return own ? own->type != cJSON_True
               : !json_bool_at(f->spec, "securityContext.runAsNonRoot", false);
}

static bool runs_as_root(struct findings *f, const cJSON *c)
{
    return json_int_at(c, "securityContext.runAsUser", 1) == 0;
}

static bool has_no_seccomp(struct findings *f, const cJSON *c)
{
    struct str own = json_string_at(c, "securityContext.seccompProfile.type");
    if (own.n == 0)
        own = json_string_at(f->spec, "securityContext.seccompProfile.type");
    return !text_among(own, "RuntimeDefault|Localhost");
}

/* ---- the levels ---- */

static void check_host(struct findings *f)
{
    static const char *const names[] = {"hostNetwork", "hostPID", "hostIPC"};
    struct buf b = {0};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (json_bool_at(f->spec, names[i], false))
            buf_addf(&b, "%s%s=true", b.n > 0 ? ", " : "", names[i]);
    if (b.n > 0)
        found(f, STR("host namespaces"), arena_str(f->a, buf_str(&b)));
    buf_free(&b);
}

/* Volumes of the host, or of a kind that restricted pods cannot have. */
static void check_volumes(struct findings *f, bool restricted)
{
    static const char *const allowed[] = {"configMap", "csi",       "downwardAPI",
                                          "emptyDir",  "ephemeral", "persistentVolumeClaim",
                                          "projected", "secret"};
    const cJSON *list = json_get(f->spec, "volumes");
    struct buf names = {0};
    size_t n = 0;
    for (const cJSON *v = list ? list->child : NULL; v; v = v->next) {
        bool bad = restricted || json_get(v, "hostPath") != NULL;
        for (size_t i = 0; restricted && bad && i < ARRAY_LEN(allowed); i++)
            bad = json_get(v, allowed[i]) == NULL;
        if (bad)
            buf_addf(&names, "%s\"" STR_FMT "\"", n++ > 0 ? ", " : "",
                     STR_ARG(json_string_at(v, "name")));
    }
    if (n > 0)
        found(f, restricted ? STR("restricted volume types") : STR("hostPath volumes"),
              arena_printf(f->a, "volume%s " STR_FMT "%s", n > 1 ? "s" : "",
                           STR_ARG(buf_str(&names)),
                           restricted ? " uses restricted volume types" : ""));
    buf_free(&names);
}

/* ---- values that a level does not have ---- */

/* Values of the pod (scope NULL: of its security context) or of a container that are not allowed, each once, in order. */
typedef void (*collect_values)(struct findings *f, const cJSON *scope, struct map *bad);

static void add_bad(struct findings *f, struct map *bad, struct str value)
{
    map_put(bad, arena_str(f->a, value), f);
}

static void add_bad_at(struct findings *f, const cJSON *scope, const char *path,
                       const char *allowed, struct map *bad)
{
    struct str value = json_string(json_path(scope, path));
    if (value.n > 0 && !text_among(value, allowed))
        add_bad(f, bad, value);
}

static void apparmor(struct findings *f, const cJSON *scope, struct map *bad)
{
    add_bad_at(f, scope, "securityContext.appArmorProfile.type", "RuntimeDefault|Localhost", bad);
}

static void hosts(struct findings *f, const cJSON *scope, struct map *bad)
{
    static const char *const handlers[] = {"livenessProbe", "readinessProbe", "startupProbe",
                                           "lifecycle.postStart", "lifecycle.preStop"};
    for (size_t i = 0; i < ARRAY_LEN(handlers); i++) {
        const cJSON *handler = json_path(scope, handlers[i]);
        struct str http = json_string_at(handler, "httpGet.host"),
                   tcp = json_string_at(handler, "tcpSocket.host");
        if (http.n > 0)
            add_bad(f, bad, http);
        if (tcp.n > 0)
            add_bad(f, bad, tcp);
    }
}

static void seccomp(struct findings *f, const cJSON *scope, struct map *bad)
{
    add_bad_at(f, scope, "securityContext.seccompProfile.type", "RuntimeDefault|Localhost", bad);
}

static void proc_mount(struct findings *f, const cJSON *scope, struct map *bad)
{
    add_bad_at(f, scope, "securityContext.procMount", "Default", bad);
}

static void selinux(struct findings *f, const cJSON *scope, struct map *bad)
{
    const cJSON *options = json_path(scope, "securityContext.seLinuxOptions");
    struct str type = json_string_at(options, "type");
    if (type.n > 0 &&
        !text_among(type, "container_t|container_init_t|container_kvm_t|container_engine_t"))
        add_bad(f, bad, arena_printf(f->a, "type \"" STR_FMT "\"", STR_ARG(type)));
    if (json_string_at(options, "user").n > 0)
        add_bad(f, bad, STR("user may not be set"));
    if (json_string_at(options, "role").n > 0)
        add_bad(f, bad, STR("role may not be set"));
}

static void host_process(struct findings *f, const cJSON *scope, struct map *bad)
{
    const cJSON *v = json_path(scope, "securityContext.windowsOptions.hostProcess");
    if (v && v->type == cJSON_True)
        add_bad(f, bad, STR("true"));
}

static void host_ports(struct findings *f, const cJSON *scope, struct map *bad)
{
    const cJSON *ports = json_get(scope, "ports");
    for (const cJSON *p = ports ? ports->child : NULL; p; p = p->next)
        if (json_int_at(p, "hostPort", 0) != 0)
            add_bad(f, bad, arena_printf(f->a, "%lld", (long long)json_int_at(p, "hostPort", 0)));
}

static void add_capabilities(struct findings *f, const cJSON *scope, const char *allowed,
                             struct map *bad)
{
    const cJSON *list = json_path(scope, "securityContext.capabilities.add");
    for (const cJSON *v = list ? list->child : NULL; v; v = v->next)
        if (!text_among(json_string(v), allowed))
            add_bad(f, bad, json_string(v));
}

static void capabilities(struct findings *f, const cJSON *scope, struct map *bad)
{
    add_capabilities(f, scope,
                     "AUDIT_WRITE|CHOWN|DAC_OVERRIDE|FOWNER|FSETID|KILL|MKNOD|NET_BIND_SERVICE|"
                     "SETFCAP|SETGID|SETPCAP|SETUID|SYS_CHROOT",
                     bad);
}

static void more_capabilities(struct findings *f, const cJSON *scope, struct map *bad)
{
    add_capabilities(f, scope, "NET_BIND_SERVICE", bad);
}

/* Who has such values: `pod and containers "a", "b"`; how many containers. */
static struct str who_has(struct findings *f, collect_values collect, struct map *bad, size_t *n)
{
    static const char *const lists[] = {"initContainers", "containers", "ephemeralContainers"};
    struct buf names = {0};
    collect(f, f->spec, bad);
    bool pod = map_count(bad) > 0;
    *n = 0;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        const cJSON *list = json_get(f->spec, lists[i]);
        for (const cJSON *c = list ? list->child : NULL; c; c = c->next) {
            struct map own = {0};
            struct str value;
            collect(f, c, &own);
            for (size_t k = 0; map_next(&own, &k, &value, NULL);)
                map_put(bad, value, f);
            if (map_count(&own) > 0)
                buf_addf(&names, "%s\"" STR_FMT "\"", (*n)++ > 0 ? ", " : "",
                         STR_ARG(json_string_at(c, "name")));
            map_free(&own);
        }
    }
    struct str who =
        arena_printf(f->a, "%s%s%s" STR_FMT, pod ? "pod" : "", pod && *n > 0 ? " and " : "",
                     *n == 0  ? ""
                     : *n > 1 ? "containers "
                              : "container ",
                     STR_ARG(buf_str(&names)));
    buf_free(&names);
    return who;
}

/* What is quoted is in order of itself. */
static struct str joined(struct findings *f, const struct map *bad, const char *between, bool quote)
{
    struct buf b = {0};
    struct str *values = ARENA_NEW_ARRAY(f->a, struct str, map_count(bad) + 1);
    size_t n = 0;
    for (size_t i = 0; map_next(bad, &i, &values[n], NULL);)
        n++;
    if (quote && n > 1)
        qsort(values, n, sizeof(values[0]), str_order);
    for (size_t i = 0; i < n; i++)
        buf_addf(&b, quote ? "%s\"" STR_FMT "\"" : "%s" STR_FMT, b.n > 0 ? between : "",
                 STR_ARG(values[i]));
    struct str s = arena_str(f->a, buf_str(&b));
    buf_free(&b);
    return s;
}

/* "what (who says values behind)" */
static void must_not_have(struct findings *f, const char *what, collect_values collect,
                          const char *says, const char *behind)
{
    struct map bad = {0};
    size_t n;
    struct str who = who_has(f, collect, &bad, &n);
    if (map_count(&bad) > 0)
        found(f, str_c(what),
              arena_printf(f->a, STR_FMT " %s " STR_FMT "%s", STR_ARG(who), says,
                           STR_ARG(joined(f, &bad, ", ", true)), behind));
    map_free(&bad);
}

static void check_ports(struct findings *f)
{
    struct map bad = {0};
    size_t n;
    struct str who = who_has(f, host_ports, &bad, &n);
    bool many = map_count(&bad) > 1;
    if (map_count(&bad) > 0)
        found(f, many ? STR("hostPorts") : STR("hostPort"),
              arena_printf(f->a, STR_FMT " %s %s " STR_FMT, STR_ARG(who), n > 1 ? "use" : "uses",
                           many ? "hostPorts" : "hostPort", STR_ARG(joined(f, &bad, ", ", false))));
    map_free(&bad);
}

/* A profile may be named by a field, and by annotations for containers. */
static void check_apparmor(struct findings *f)
{
    static const char prefix[] = "container.apparmor.security.beta.kubernetes.io/";
    struct map bad = {0}, named = {0};
    size_t n;
    struct str who = who_has(f, apparmor, &bad, &n);
    for (const cJSON *it = f->annotations ? f->annotations->child : NULL; it; it = it->next) {
        struct str v = json_string(it);
        if (str_starts(str_c(it->string), str_c(prefix)) && v.n > 0 &&
            !str_eq_c(v, "runtime/default") && !str_starts(v, STR("localhost/")))
            add_bad(f, &named, arena_printf(f->a, "%s=\"" STR_FMT "\"", it->string, STR_ARG(v)));
    }
    size_t fields = map_count(&bad), notes = map_count(&named);
    if (fields + notes > 0)
        found(f,
              fields + notes > 1 ? STR("forbidden AppArmor profiles")
                                 : STR("forbidden AppArmor profile"),
              arena_printf(
                  f->a, STR_FMT "%s%s must not set AppArmor profile type to " STR_FMT "%s" STR_FMT,
                  STR_ARG(who), who.n > 0 && notes > 0 ? " and " : "",
                  notes == 0  ? ""
                  : notes > 1 ? "annotations"
                              : "annotation",
                  STR_ARG(joined(f, &bad, ", ", true)), fields > 0 && notes > 0 ? ", " : "",
                  STR_ARG(joined(f, &named, ", ", true))));
    map_free(&bad);
    map_free(&named);
}

static void check_hosts(struct findings *f)
{
    struct map bad = {0};
    size_t n;
    struct str who = who_has(f, hosts, &bad, &n);
    if (map_count(&bad) > 0)
        found(f, STR("probe or lifecycle host"),
              arena_printf(f->a, STR_FMT " %s probe or lifecycle host%s " STR_FMT, STR_ARG(who),
                           n > 1 ? "use" : "uses", map_count(&bad) > 1 ? "s" : "",
                           STR_ARG(joined(f, &bad, ", ", true))));
    map_free(&bad);
}

static void check_selinux(struct findings *f)
{
    struct map bad = {0};
    size_t n;
    struct str who = who_has(f, selinux, &bad, &n);
    if (map_count(&bad) > 0)
        found(f, STR("seLinuxOptions"),
              arena_printf(f->a, STR_FMT " set forbidden securityContext.seLinuxOptions: " STR_FMT,
                           STR_ARG(who), STR_ARG(joined(f, &bad, "; ", false))));
    map_free(&bad);
}

static void check_host_process(struct findings *f)
{
    struct map bad = {0};
    size_t n;
    struct str who = who_has(f, host_process, &bad, &n);
    if (map_count(&bad) > 0)
        found(f, STR("hostProcess"),
              arena_printf(f->a,
                           STR_FMT " must not set securityContext.windowsOptions.hostProcess=true",
                           STR_ARG(who)));
    map_free(&bad);
}

static void check_sysctls(struct findings *f)
{
    static const char allowed[] =
        "kernel.shm_rmid_forced|net.ipv4.ip_local_port_range|net.ipv4.tcp_syncookies|"
        "net.ipv4.ping_group_range|net.ipv4.ip_unprivileged_port_start|"
        "net.ipv4.ip_local_reserved_ports|net.ipv4.tcp_keepalive_time|net.ipv4.tcp_fin_timeout|"
        "net.ipv4.tcp_keepalive_intvl|net.ipv4.tcp_keepalive_probes|net.ipv4.tcp_rmem|"
        "net.ipv4.tcp_wmem";
    const cJSON *list = json_path(f->spec, "securityContext.sysctls");
    struct map bad = {0};
    for (const cJSON *v = list ? list->child : NULL; v; v = v->next)
        if (!text_among(json_string_at(v, "name"), allowed))
            add_bad(f, &bad, json_string_at(v, "name"));
    if (map_count(&bad) > 0)
        found(f, STR("forbidden sysctls"), joined(f, &bad, ", ", false));
    map_free(&bad);
}

static void check_baseline(struct findings *f, bool restricted, bool mind_hosts)
{
    check_host(f);
    must(f, "privileged", is_privileged, "must not set securityContext.privileged=true");
    if (!restricted)
        must_not_have(f, "non-default capabilities", capabilities, "must not include",
                      " in securityContext.capabilities.add");
    check_volumes(f, false);
    check_ports(f);
    if (mind_hosts)
        check_hosts(f);
    check_apparmor(f);
    check_selinux(f);
    must_not_have(f, "procMount", proc_mount, "must not set securityContext.procMount to", "");
    check_sysctls(f);
    check_host_process(f);
    if (!restricted)
        must_not_have(f, "seccompProfile", seccomp,
                      "must not set securityContext.seccompProfile.type to", "");
}

/* Everything is dropped, and of what is left only the one comes back. */
static void check_capabilities(struct findings *f)
{
    struct map bad = {0};
    size_t n, more;
    struct str who = containers_that(f, keeps_capabilities, &n);
    struct str adds = who_has(f, more_capabilities, &bad, &more);
    struct str all = str_empty;
    if (n > 0)
        all = arena_printf(f->a, STR_FMT " must set securityContext.capabilities.drop=[\"ALL\"]",
                           STR_ARG(who));
    if (more > 0)
        all = arena_printf(f->a,
                           STR_FMT "%s" STR_FMT " must not include " STR_FMT
                                   " in securityContext.capabilities.add",
                           STR_ARG(all), n > 0 ? "; " : "", STR_ARG(adds),
                           STR_ARG(joined(f, &bad, ", ", true)));
    if (all.n > 0)
        found(f, STR("unrestricted capabilities"), all);
    map_free(&bad);
}

static void check_restricted(struct findings *f)
{
    size_t n;
    struct str who;
    must(f, "allowPrivilegeEscalation != false", may_escalate,
         "must set securityContext.allowPrivilegeEscalation=false");
    check_capabilities(f);
    check_volumes(f, true);
    who = containers_that(f, may_be_root, &n);
    if (n > 0)
        found(f, STR("runAsNonRoot != true"),
              arena_printf(f->a, "pod or " STR_FMT " must set securityContext.runAsNonRoot=true",
                           STR_ARG(who)));
    if (json_int_at(f->spec, "securityContext.runAsUser", 1) == 0)
        found(f, STR("runAsUser=0"), STR("pod must not set runAsUser=0"));
    else
        must(f, "runAsUser=0", runs_as_root, "must not set runAsUser=0");
    who = containers_that(f, has_no_seccomp, &n);
    if (n > 0)
        found(f, STR("seccompProfile"),
              arena_printf(f->a,
                           "pod or " STR_FMT
                           " must set securityContext.seccompProfile.type to \"RuntimeDefault\" "
                           "or \"Localhost\"",
                           STR_ARG(who)));
}

/* Whether what came with 1.`minor` is part of the version. */
static bool is_since(struct str version, uint64_t minor)
{
    uint64_t n;
    return !str_starts(version, STR("v1.")) || !str_to_u64(str_sub(version, 3, version.n), &n) ||
           n >= minor;
}

/* Empty: the pod keeps to the level. */
struct str pod_security_violations(struct arena *a, const struct pod_security *level,
                                   const cJSON *pod, bool brief)
{
    struct findings f = {.a = a,
                         .annotations = json_path(pod, "metadata.annotations"),
                         .spec = json_get(pod, "spec"),
                         .brief = brief};
    bool restricted = str_eq_c(level->name, "restricted");
    if (restricted || str_eq_c(level->name, "baseline"))
        check_baseline(&f, restricted, is_since(level->version, 34));
    if (restricted)
        check_restricted(&f);
    struct str s = arena_str(a, buf_str(&f.text));
    buf_free(&f.text);
    return s;
}
