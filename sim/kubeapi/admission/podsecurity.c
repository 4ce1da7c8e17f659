/* PodSecurity: the levels baseline and restricted of the pod security standards, by labels of the namespace: enforce refuses
 * pods, warn tells writers of pods and of what makes pods. Who raises a namespace's level is told which of its pods are
 * below it; labels that say nothing are refused. */
#include "sim/kubeapi/admission/admission.h"

#include "sim/kubeapi/admission/podsecurity.h"
#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/rules/walk.h"

#define PREFIX "pod-security.kubernetes.io/"

/* ---- the namespace's wish ---- */

static struct str version_of(const struct kube_object *ns, const char *label)
{
    struct str v = kube_object_label(ns, str_c(label));
    return v.n > 0 ? v : STR("latest");
}

/* Or the template of one; NULL: it has none. */
static const cJSON *pod_of(struct admission *a)
{
    const cJSON *pod = api_kind_is(a->k, "pods")           ? a->object
                       : api_kind_is(a->k, "podtemplates") ? json_path(a->object, "template")
                       : api_kind_is(a->k, "cronjobs.batch")
                           ? json_path(a->object, "spec.jobTemplate.spec.template")
                           : json_path(a->object, "spec.template");
    return json_get(pod, "spec") ? pod : NULL;
}

/* What the namespace asks for in a mode; an empty name: nothing. */
static struct pod_security level_of(struct admission *a, const struct kube_object *ns,
                                    const char *mode)
{
    struct arena *mem = &a->r->a;
    return (struct pod_security){
        kube_object_label(ns, arena_printf(mem, PREFIX "%s", mode)),
        version_of(ns, arena_c(mem, arena_printf(mem, PREFIX "%s-version", mode)))};
}

/* An update of a pod is looked at when it brings another container or image: what runs already may stay. */
static bool brings_nothing(struct admission *a)
{
    static const char *const lists[] = {"spec.containers", "spec.initContainers",
                                        "spec.ephemeralContainers"};
    const cJSON *was = a->old ? kube_object_tree(a->old, &a->r->a) : NULL;
    for (size_t i = 0; was && i < ARRAY_LEN(lists); i++) {
        const cJSON *now = json_path(a->object, lists[i]), *before = json_path(was, lists[i]);
        const cJSON *c = now ? now->child : NULL, *b = before ? before->child : NULL;
        for (; c && b; c = c->next, b = b->next)
            if (!str_eq(json_string_at(c, "image"), json_string_at(b, "image")))
                return false;
        if (c || b)
            return false;
    }
    return was != NULL;
}

/* "baseline:latest", as audit events and refusals name what a namespace asks for. */
static struct str policy_of(struct admission *a, const struct kube_object *ns, const char *mode)
{
    struct pod_security level = level_of(a, ns, mode);
    return arena_printf(&a->r->a, STR_FMT ":" STR_FMT,
                        STR_ARG(level.name.n > 0 ? level.name : STR("privileged")),
                        STR_ARG(level.version));
}

/* For the audit log: what is enforced, and what the level of audits finds. */
static void note_audit(struct admission *a, const struct kube_object *ns, const cJSON *pod)
{
    if (!a->r->observed || !ns)
        return;
    if (api_kind_is(a->k, "pods"))
        api_observe_annotate(a->r, STR(PREFIX "enforce-policy"), policy_of(a, ns, "enforce"));
    struct pod_security level = level_of(a, ns, "audit");
    struct str problems =
        pod && level.name.n > 0 ? pod_security_violations(&a->r->a, &level, pod, false) : str_empty;
    if (problems.n > 0)
        api_observe_annotate(a->r, STR(PREFIX "audit-violations"),
                             arena_printf(&a->r->a,
                                          "would violate PodSecurity \"" STR_FMT "\": " STR_FMT,
                                          STR_ARG(policy_of(a, ns, "audit")), STR_ARG(problems)));
}

bool admit_pod_security(struct admission *a)
{
    bool looked_at = a->sub.n == 0 || (api_kind_is(a->k, "pods") &&
                                       text_among(a->sub, "ephemeralcontainers|resize"));
    if (!looked_at || (api_kind_is(a->k, "pods") && brings_nothing(a)))
        return true;
    struct kube_object *ns = kubeapi_get(a->r->api, STR("namespaces"), str_empty, a->r->ns);
    const cJSON *pod = ns && ns->labels_n > 1 ? pod_of(a) : NULL;
    note_audit(a, ns, pod);
    if (!pod)
        return true;
    struct pod_security enforce = level_of(a, ns, "enforce"), warn = level_of(a, ns, "warn");
    struct str problems = api_kind_is(a->k, "pods") && enforce.name.n > 0
                              ? pod_security_violations(&a->r->a, &enforce, pod, false)
                              : str_empty;
    if (problems.n > 0)
        return api_fail_forbidden(
            a->r, a->old ? a->old->name : json_string_at(a->object, "metadata.name"),
            "violates PodSecurity \"" STR_FMT ":" STR_FMT "\": " STR_FMT, STR_ARG(enforce.name),
            STR_ARG(enforce.version), STR_ARG(problems));
    problems = warn.name.n > 0 ? pod_security_violations(&a->r->a, &warn, pod, false) : str_empty;
    if (problems.n > 0)
        api_warn(a->r, "would violate PodSecurity \"" STR_FMT ":" STR_FMT "\": " STR_FMT,
                 STR_ARG(warn.name), STR_ARG(warn.version), STR_ARG(problems));
    return true;
}

/* ---- namespaces ---- */

#define EXISTING_MAX 3000u /* pods that a new level is held against */

static bool is_version(struct str s)
{
    uint64_t minor;
    return str_eq_c(s, "latest") ||
           (str_starts(s, STR("v1.")) && str_to_u64(str_sub(s, 3, s.n), &minor) &&
            (s.n == 4 || s.p[3] != '0'));
}

/* True: every label of ours says something; others are told when asked for. */
static bool labels_are_good(struct admission *a, const cJSON *labels, bool tell)
{
    static const char *const modes[] = {"enforce", "audit", "warn"};
    bool good = true;
    for (size_t i = 0; i < 2 * ARRAY_LEN(modes); i++) {
        bool version = i % 2 == 1;
        struct str key =
            arena_printf(&a->r->a, PREFIX "%s%s", modes[i / 2], version ? "-version" : "");
        const cJSON *v = json_get(labels, arena_c(&a->r->a, key));
        struct str text = json_string(v);
        if (!v || (version ? is_version(text) : text_among(text, "privileged|baseline|restricted")))
            continue;
        good = false;
        if (tell)
            api_invalid(a->r, "FieldValueInvalid",
                        arena_printf(&a->r->a, "metadata.labels[" STR_FMT "]", STR_ARG(key)),
                        "Invalid value: \"" STR_FMT "\": must be %s", STR_ARG(text),
                        version ? "\"latest\" or \"v1.x\""
                                : "one of privileged, baseline, restricted");
    }
    return good;
}

static struct str label(const cJSON *labels, const char *key, const char *otherwise)
{
    struct str v = json_string(json_get(labels, key));
    return v.n > 0 ? v : str_c(otherwise);
}

static unsigned rank(struct str level)
{
    return str_eq_c(level, "restricted") ? 2 : str_eq_c(level, "baseline") ? 1 : 0;
}

struct alike {
    struct str first;
    unsigned count;
};

/* Pods that break a level in the same ways share a line, under the first one's name. */
static void warn_of_existing(struct admission *a, struct str ns, struct str level,
                             struct str version)
{
    struct store_table *pods = store_table(a->r->api->store, STR("pods"));
    struct store_cursor c = store_seek(pods, ns, str_empty);
    struct map found = {0};
    struct str key;
    void *value;
    unsigned seen = 0;
    for (struct kube_object *o; (o = store_next(&c)) && str_eq(o->ns, ns) && seen < EXISTING_MAX;
         seen++) {
        const struct pod_security asked = {level, version};
        struct str wrong =
            pod_security_violations(&a->r->a, &asked, kube_object_tree(o, &a->r->a), true);
        struct alike *same = wrong.n > 0 ? map_get(&found, wrong) : NULL;
        if (wrong.n > 0 && !same) {
            same = ARENA_NEW_ARRAY(&a->r->a, struct alike, 1);
            *same = (struct alike){o->name, 0};
            map_put(&found, wrong, same);
        }
        if (same)
            same->count++;
    }
    if (map_count(&found) > 0)
        api_warn(a->r,
                 "existing pods in namespace \"" STR_FMT
                 "\" violate the new PodSecurity enforce level \"" STR_FMT ":" STR_FMT "\"",
                 STR_ARG(ns), STR_ARG(level), STR_ARG(version));
    for (size_t i = 0; map_next(&found, &i, &key, &value);) {
        const struct alike *same = value;
        struct str more = same->count < 2
                              ? str_empty
                              : arena_printf(&a->r->a, " (and %u other pod%s)", same->count - 1,
                                             same->count > 2 ? "s" : "");
        api_warn(a->r, STR_FMT STR_FMT ": " STR_FMT, STR_ARG(same->first), STR_ARG(more),
                 STR_ARG(key));
    }
    map_free(&found);
}

bool admit_pod_security_labels(struct admission *a)
{
    const cJSON *labels = json_path(a->object, "metadata.labels");
    const cJSON *was =
        a->old ? json_path(kube_object_tree(a->old, &a->r->a), "metadata.labels") : NULL;
    struct str name = a->old ? a->old->name : json_string_at(a->object, "metadata.name");
    bool tell = !a->old || labels_are_good(a, was, false);
    if (!labels_are_good(a, labels, tell) && tell)
        return api_invalid_end(a->r, a->k, name);
    struct str level = label(labels, PREFIX "enforce", "privileged"),
               version = label(labels, PREFIX "enforce-version", "latest");
    struct str old_level = label(was, PREFIX "enforce", "privileged"),
               old_version = label(was, PREFIX "enforce-version", "latest");
    bool raised =
        rank(level) > 0 && (rank(level) > rank(old_level) || !str_eq(version, old_version));
    if (a->old && raised)
        warn_of_existing(a, name, level, version);
    return true;
}
