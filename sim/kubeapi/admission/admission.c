#include "sim/kubeapi/admission/admission.h"

#include "sim/kubeapi/admission/service_account.h"
#include "sim/kubeapi/rules/walk.h"

#define WORKLOADS                                                                                  \
    "pods|podtemplates|replicationcontrollers|deployments.apps|replicasets.apps|daemonsets.apps|"  \
    "statefulsets.apps|jobs.batch|cronjobs.batch"

#define ADMIT_ALL (ADMIT_CREATE | ADMIT_UPDATE | ADMIT_DELETE)

static bool admit_account(struct admission *a)
{
    return admit_service_account(a->r, a->k, a->object);
}

static const struct admission_plugin plugins[] = {
    {"LimitRanger", ADMIT_CREATE | ADMIT_UPDATE, "pods|persistentvolumeclaims", false,
     admit_limit_defaults, admit_limits},
    {"ServiceAccount", ADMIT_CREATE, "pods", false, admit_account, NULL},
    {"TaintNodesByCondition", ADMIT_CREATE, "nodes", false, admit_taint, NULL},
    {"PodSecurity", ADMIT_CREATE | ADMIT_UPDATE, WORKLOADS, true, NULL, admit_pod_security},
    {"PodSecurity", ADMIT_CREATE | ADMIT_UPDATE, "namespaces", false, NULL,
     admit_pod_security_labels},
    {"Priority", ADMIT_CREATE | ADMIT_UPDATE, "pods", false, admit_priority, NULL},
    {"DefaultTolerationSeconds", ADMIT_CREATE | ADMIT_UPDATE, "pods", false, admit_tolerations,
     NULL},
    {"StorageObjectInUseProtection", ADMIT_CREATE, "persistentvolumeclaims|persistentvolumes",
     false, admit_protection, NULL},
    {"CertificateSubjectRestriction", ADMIT_CREATE,
     "certificatesigningrequests.certificates.k8s.io", false, NULL, admit_certificate_subject},
    {"DefaultIngressClass", ADMIT_CREATE, "ingresses.networking.k8s.io", false, admit_default_class,
     NULL},
    {"DefaultStorageClass", ADMIT_CREATE, "persistentvolumeclaims", false, admit_storage_class,
     NULL},
    {"RuntimeClass", ADMIT_CREATE, "pods", false, admit_runtime_class, NULL},
    {"MutatingAdmissionWebhook", ADMIT_ALL, NULL, true, admit_webhooks_mutate, NULL},
    {"ValidatingAdmissionPolicy", ADMIT_ALL, NULL, true, NULL, admit_policies},
    {"ValidatingAdmissionWebhook", ADMIT_ALL, NULL, true, NULL, admit_webhooks_validate},
    {"ResourceQuota", ADMIT_CREATE | ADMIT_UPDATE, NULL, false, NULL, admit_quota},
};

static bool concerns(const struct admission_plugin *p, const struct admission *a)
{
    return (p->verbs & a->verb) && (p->subs || a->sub.n == 0) &&
           (!p->tables || text_among(a->k->table, p->tables));
}

struct str admission_name(const struct api_request *r, const cJSON *object)
{
    struct str name = json_string_at(object, "metadata.name");
    return r->stamp_name.n > 0 && str_eq(name, r->stamp_name)
               ? json_string_at(object, "metadata.generateName")
               : name;
}

bool admission_mutate(struct admission *a)
{
    for (size_t i = 0; !a->r->system && i < ARRAY_LEN(plugins); i++)
        if (plugins[i].mutate && concerns(&plugins[i], a) && !plugins[i].mutate(a))
            return false;
    return true;
}

bool admission_again(struct admission *a)
{
    for (size_t i = 0; i < ARRAY_LEN(plugins); i++)
        if (plugins[i].mutate && plugins[i].mutate != admit_webhooks_mutate &&
            concerns(&plugins[i], a) && !plugins[i].mutate(a))
            return false;
    return true;
}

bool admission_validate(struct admission *a)
{
    for (size_t i = 0; !a->r->system && i < ARRAY_LEN(plugins); i++)
        if (plugins[i].validate && concerns(&plugins[i], a) && !plugins[i].validate(a))
            return false;
    return true;
}
