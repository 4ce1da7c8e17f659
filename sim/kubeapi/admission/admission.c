#include "sim/kubeapi/admission/admission.h"

#include "sim/kubeapi/admission/service_account.h"
#include "sim/kubeapi/rules/walk.h"

#define WORKLOADS                                                                                  \
    "pods|podtemplates|replicationcontrollers|deployments.apps|replicasets.apps|daemonsets.apps|"  \
    "statefulsets.apps|jobs.batch|cronjobs.batch"

#define ADMIT_ALL (ADMIT_CREATE | ADMIT_UPDATE | ADMIT_DELETE | ADMIT_CONNECT)

static bool admit_account(struct admission *a)
{
    return admit_service_account(a->r, a->k, a->object);
}

static const struct admission_plugin plugins[] = {
    {"LimitRanger", ADMIT_CREATE | ADMIT_UPDATE, "pods|persistentvolumeclaims", ADMISSION_MAIN,
     admit_limit_defaults, admit_limits},
    {"ServiceAccount", ADMIT_CREATE, "pods", ADMISSION_MAIN, admit_account, NULL},
    {"NodeRestriction", ADMIT_CREATE | ADMIT_UPDATE | ADMIT_DELETE,
     "pods|nodes|leases.coordination.k8s.io|csinodes.storage.k8s.io|persistentvolumeclaims|"
     "serviceaccounts",
     ADMISSION_ANY, admit_node_restriction, NULL},
    {"TaintNodesByCondition", ADMIT_CREATE, "nodes", ADMISSION_MAIN, admit_taint, NULL},
    {"PodSecurity", ADMIT_CREATE | ADMIT_UPDATE, WORKLOADS, ADMISSION_SUBS, NULL,
     admit_pod_security},
    {"PodSecurity", ADMIT_CREATE | ADMIT_UPDATE, "namespaces", ADMISSION_MAIN, NULL,
     admit_pod_security_labels},
    {"Priority", ADMIT_CREATE | ADMIT_UPDATE, "pods", ADMISSION_MAIN, admit_priority, NULL},
    {"DefaultTolerationSeconds", ADMIT_CREATE | ADMIT_UPDATE, "pods", ADMISSION_MAIN,
     admit_tolerations, NULL},
    {"StorageObjectInUseProtection", ADMIT_CREATE, "persistentvolumeclaims|persistentvolumes",
     ADMISSION_MAIN, admit_protection, NULL},
    {"CertificateSubjectRestriction", ADMIT_CREATE,
     "certificatesigningrequests.certificates.k8s.io", ADMISSION_MAIN, NULL,
     admit_certificate_subject},
    {"DefaultIngressClass", ADMIT_CREATE, "ingresses.networking.k8s.io", ADMISSION_MAIN,
     admit_default_class, NULL},
    {"DefaultStorageClass", ADMIT_CREATE, "persistentvolumeclaims", ADMISSION_MAIN,
     admit_storage_class, NULL},
    {"RuntimeClass", ADMIT_CREATE, "pods", ADMISSION_MAIN, admit_runtime_class, NULL},
    {"MutatingAdmissionWebhook", ADMIT_ALL, NULL, ADMISSION_ANY, admit_webhooks_mutate, NULL},
    {"ValidatingAdmissionPolicy", ADMIT_ALL, NULL, ADMISSION_ANY, NULL, admit_policies},
    {"ValidatingAdmissionWebhook", ADMIT_ALL, NULL, ADMISSION_ANY, NULL, admit_webhooks_validate},
    {"ResourceQuota", ADMIT_CREATE | ADMIT_UPDATE, NULL, ADMISSION_MAIN, NULL, admit_quota},
};

static bool concerns(const struct admission_plugin *p, const struct admission *a)
{
    enum admission_scope least = a->as          ? ADMISSION_ANY
                                 : a->sub.n > 0 ? ADMISSION_SUBS
                                                : ADMISSION_MAIN;
    return (p->verbs & a->verb) && p->scope >= least &&
           (!p->tables || text_among(a->k->table, p->tables));
}

/* The system's writes pass none; behind a subresource's object its parent does not come once more. */
static bool passes(const struct admission *a)
{
    return !a->r->system && !a->r->admitted;
}

static bool mutate_again(struct admission *a)
{
    for (size_t i = 0; i < ARRAY_LEN(plugins); i++)
        if (plugins[i].mutate && plugins[i].mutate != admit_webhooks_mutate &&
            concerns(&plugins[i], a) && !plugins[i].mutate(a))
            return false;
    return true;
}

bool admission_mutate(struct admission *a)
{
    a->again = mutate_again;
    for (size_t i = 0; passes(a) && i < ARRAY_LEN(plugins); i++)
        if (plugins[i].mutate && concerns(&plugins[i], a) && !plugins[i].mutate(a))
            return false;
    return true;
}

bool admission_validate(struct admission *a)
{
    for (size_t i = 0; passes(a) && i < ARRAY_LEN(plugins); i++)
        if (plugins[i].validate && concerns(&plugins[i], a) && !plugins[i].validate(a))
            return false;
    return true;
}

bool admission_sub(struct api_request *r, unsigned verb, const struct api_kind *as, cJSON *object,
                   const cJSON *old_tree)
{
    struct admission a = {.r = r,
                          .k = r->kind,
                          .verb = verb,
                          .sub = r->sub ? r->p.sub : str_empty,
                          .object = object,
                          .as = as ? as : r->sub,
                          .old_tree = old_tree};
    if (!admission_mutate(&a) || !admission_validate(&a))
        return false;
    r->admitted = true;
    return true;
}
