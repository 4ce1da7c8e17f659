/* PodSecurity: the levels baseline and restricted of the pod security standards, by labels of the namespace: enforce refuses
 * pods, warn tells writers of pods and of what makes pods. */
#include "sim/kubeapi/admission/admission.h"

#include "sim/kubeapi/rules/walk.h"

#define PREFIX "pod-security.kubernetes.io/"

struct findings {
    struct arena *a;
    const cJSON *spec;
    struct buf text;
    size_t n;
};

static void found(struct findings *f, struct str what, struct str detail)
{
    buf_addf(&f->text, "%s" STR_FMT " (" STR_FMT ")", f->n++ > 0 ? ", " : "", STR_ARG(what),
             STR_ARG(detail));
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

static bool uses_host_port(struct findings *f, const cJSON *c)
{
    const cJSON *ports = json_get(c, "ports");
    for (const cJSON *p = ports ? ports->child : NULL; p; p = p->next)
        if (json_int_at(p, "hostPort", 0) != 0)
            return true;
    return false;
}

static bool adds_capabilities(struct findings *f, const cJSON *c)
{
    static const char allowed[] =
        "AUDIT_WRITE|CHOWN|DAC_OVERRIDE|FOWNER|FSETID|KILL|MKNOD|NET_BIND_SERVICE|"
        "SETFCAP|SETGID|SETPCAP|SETUID|SYS_CHROOT";
    const cJSON *list = json_path(c, "securityContext.capabilities.add");
    for (const cJSON *v = list ? list->child : NULL; v; v = v->next)
        if (!text_among(json_string(v), allowed))
            return true;
    return false;
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

static bool is_unconfined(struct findings *f, const cJSON *c)
{
    return str_eq_c(json_string_at(c, "securityContext.seccompProfile.type"), "Unconfined");
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

static void check_baseline(struct findings *f, bool restricted)
{
    check_host(f);
    must(f, "privileged", is_privileged, "must not set securityContext.privileged=true");
    if (!restricted)
        must(f, "non-default capabilities", adds_capabilities,
             "must not include non-default capabilities in securityContext.capabilities.add");
    check_volumes(f, false);
    must(f, "hostPort", uses_host_port, "uses hostPort");
    if (!restricted)
        must(f, "seccompProfile", is_unconfined,
             "must not set securityContext.seccompProfile.type to \"Unconfined\"");
}

static void check_restricted(struct findings *f)
{
    size_t n;
    struct str who;
    must(f, "allowPrivilegeEscalation != false", may_escalate,
         "must set securityContext.allowPrivilegeEscalation=false");
    must(f, "unrestricted capabilities", keeps_capabilities,
         "must set securityContext.capabilities.drop=[\"ALL\"]");
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

/* Empty: the spec keeps to the level. */
static struct str violations(struct arena *a, struct str level, const cJSON *spec)
{
    struct findings f = {.a = a, .spec = spec};
    bool restricted = str_eq_c(level, "restricted");
    if (restricted || str_eq_c(level, "baseline"))
        check_baseline(&f, restricted);
    if (restricted)
        check_restricted(&f);
    struct str s = arena_str(a, buf_str(&f.text));
    buf_free(&f.text);
    return s;
}

/* ---- the namespace's wish ---- */

static struct str version_of(const struct kube_object *ns, const char *label)
{
    struct str v = kube_object_label(ns, str_c(label));
    return v.n > 0 ? v : STR("latest");
}

static const cJSON *pod_spec_of(struct admission *a)
{
    if (api_kind_is(a->k, "pods"))
        return json_get(a->object, "spec");
    if (api_kind_is(a->k, "podtemplates"))
        return json_path(a->object, "template.spec");
    if (api_kind_is(a->k, "cronjobs.batch"))
        return json_path(a->object, "spec.jobTemplate.spec.template.spec");
    return json_path(a->object, "spec.template.spec");
}

bool admit_pod_security(struct admission *a)
{
    struct kube_object *ns = kubeapi_get(a->r->api, STR("namespaces"), str_empty, a->r->ns);
    const cJSON *spec = ns && ns->labels_n > 1 ? pod_spec_of(a) : NULL;
    bool pod = api_kind_is(a->k, "pods");
    if (!spec)
        return true;
    struct str enforce = kube_object_label(ns, STR(PREFIX "enforce")),
               warn = kube_object_label(ns, STR(PREFIX "warn"));
    struct str problems = pod && enforce.n > 0 ? violations(&a->r->a, enforce, spec) : str_empty;
    if (problems.n > 0)
        return api_fail_forbidden(
            a->r, json_string_at(a->object, "metadata.name"),
            "violates PodSecurity \"" STR_FMT ":" STR_FMT "\": " STR_FMT, STR_ARG(enforce),
            STR_ARG(version_of(ns, PREFIX "enforce-version")), STR_ARG(problems));
    problems = warn.n > 0 ? violations(&a->r->a, warn, spec) : str_empty;
    if (problems.n > 0)
        api_warn(a->r, "would violate PodSecurity \"" STR_FMT ":" STR_FMT "\": " STR_FMT,
                 STR_ARG(warn), STR_ARG(version_of(ns, PREFIX "warn-version")), STR_ARG(problems));
    return true;
}
