#include "engine/pki/csr.h"

#include "engine/pki/pki_internal.h"

#include <openssl/err.h>

static void read_extensions(struct arena *a, X509_REQ *request, struct pki_cert_info *info)
{
    STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(request);
    GENERAL_NAMES *names =
        extensions ? X509V3_get_d2i(extensions, NID_subject_alt_name, NULL, NULL) : NULL;
    pki_read_alternative_names(a, names, info);
    GENERAL_NAMES_free(names);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
}

static struct pki_key *signing_key(X509_REQ *request)
{
    EVP_PKEY *pkey = X509_REQ_get0_pubkey(request);
    if (!pkey || X509_REQ_verify(request, pkey) != 1 || EVP_PKEY_up_ref(pkey) != 1)
        return NULL;
    return pki_key_wrap(pkey, false);
}

struct err *pki_csr_read(struct arena *a, struct str der, struct pki_cert_info *info,
                         struct pki_key **key)
{
    const unsigned char *p = pki_bytes(der);
    X509_REQ *request =
        der.n > 0 && der.n <= PKI_DER_BYTES_MAX ? d2i_X509_REQ(NULL, &p, (long)der.n) : NULL;
    bool whole = request && p == pki_bytes(der) + der.n;
    *info = (struct pki_cert_info){.common_name = str_empty};
    info->subject = info->issuer = info->serial = info->key_id = str_empty;
    if (whole) {
        pki_read_subject(a, X509_REQ_get_subject_name(request), info);
        read_extensions(a, request, info);
    }
    if (key)
        *key = whole ? signing_key(request) : NULL;
    X509_REQ_free(request);
    ERR_clear_error();
    return whole ? NULL : err_new(ERR_INVALID, "the certificate request is malformed");
}
