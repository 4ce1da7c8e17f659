#include "sim/kubeapi/admission/admission.h"
#include "sim/kubeapi/auth/csr.h"
#include "sim/kubeapi/core/reply.h"

/* Nobody becomes a master by a certificate. */
bool admit_certificate_subject(struct admission *a)
{
    struct api_request *r = a->r;
    const cJSON *tree = a->object;
    struct pki_cert_info info;
    if (!str_eq_c(json_string_at(tree, "spec.signerName"), CSR_CLIENT))
        return true;
    struct err *err = csr_parse(&r->a, json_string_at(tree, "spec.request"), &info, NULL);
    if (err) {
        err_ignore(err); /* the validation tells */
        return true;
    }
    for (size_t i = 0; i < info.organizations_n; i++)
        if (str_eq_c(info.organizations[i], "system:masters"))
            return api_fail_forbidden(r, r->p.name,
                                      "use of " CSR_CLIENT
                                      " signer with system:masters group is not allowed");
    return true;
}
