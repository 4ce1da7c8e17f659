/* What a request for a certificate is checked for. */
#include "sim/kubeapi/auth/csr.h"

#include "engine/base/codec.h"
#include "engine/pki/pki.h"
#include "sim/kubeapi/auth/auth.h"
#include "sim/kubeapi/core/reply.h"

#include <string.h>

#define PEM_BYTES_MAX  PKI_PEM_BYTES_MAX
#define LIFETIME_MIN_S 600
#define SEGMENT_MAX    253u
#define LABEL_MAX      63u

static const char *const usages[] = {"any",
                                     "cert sign",
                                     "client auth",
                                     "code signing",
                                     "content commitment",
                                     "crl sign",
                                     "data encipherment",
                                     "decipher only",
                                     "digital signature",
                                     "email protection",
                                     "encipher only",
                                     "ipsec end system",
                                     "ipsec tunnel",
                                     "ipsec user",
                                     "key agreement",
                                     "key encipherment",
                                     "microsoft sgc",
                                     "netscape sgc",
                                     "ocsp signing",
                                     "s/mime",
                                     "server auth",
                                     "signing",
                                     "timestamping"};

/* ---- the request itself ---- */

struct err *csr_parse(struct arena *a, struct str request, struct pki_cert_info *info,
                      struct pki_key **key)
{
    struct buf pem = {.max = PEM_BYTES_MAX}, der = {.max = PKI_DER_BYTES_MAX};
    struct str rest, label = str_empty;
    struct err *err = NULL;
    bool ok = base64_decode(&pem, request);
    rest = buf_str(&pem);
    if (ok)
        err = pki_pem_next(&rest, &label, &der);
    ok = ok && !err && str_eq_c(label, "CERTIFICATE REQUEST");
    err_free(err);
    if (key)
        *key = NULL;
    err = ok ? pki_csr_read(a, buf_str(&der), info, key)
             : err_new(ERR_INVALID, "PEM block type must be CERTIFICATE REQUEST");
    buf_free(&pem);
    buf_free(&der);
    return err;
}

static void check_request(struct api_request *r, const cJSON *spec)
{
    struct pki_cert_info info;
    struct str request = json_string_at(spec, "request");
    struct err *err = csr_parse(&r->a, request, &info, NULL);
    if (!err)
        return;
    api_invalid(r, "FieldValueInvalid", STR("spec.request"), "Invalid value: \"" STR_FMT "\": %s",
                STR_ARG(request), err->message);
    err_free(err);
}

/* ---- usages ---- */

static bool known_usage(struct str usage)
{
    for (size_t i = 0; i < ARRAY_LEN(usages); i++)
        if (str_eq_c(usage, usages[i]))
            return true;
    return false;
}

static void refuse_usage(struct api_request *r, size_t i, struct str usage)
{
    struct buf list = {.max = 2048};
    for (size_t k = 0; k < ARRAY_LEN(usages); k++)
        buf_addf(&list, "%s\"%s\"", k > 0 ? ", " : "", usages[k]);
    api_invalid(r, "FieldValueNotSupported", arena_printf(&r->a, "spec.usages[%zu]", i),
                "Unsupported value: \"" STR_FMT "\": supported values: " STR_FMT, STR_ARG(usage),
                STR_ARG(buf_str(&list)));
    buf_free(&list);
}

static bool seen_before(const cJSON *list, const cJSON *item)
{
    for (const cJSON *v = list->child; v != item; v = v->next)
        if (str_eq(json_string(v), json_string(item)))
            return true;
    return false;
}

static void check_usages(struct api_request *r, const cJSON *spec)
{
    const cJSON *list = json_get(spec, "usages");
    size_t i = 0;
    if (!list || !list->child)
        api_invalid(r, "FieldValueRequired", STR("spec.usages"), "Required value");
    for (const cJSON *v = list ? list->child : NULL; v; v = v->next, i++)
        if (!known_usage(json_string(v)))
            refuse_usage(r, i, json_string(v));
    i = 0;
    for (const cJSON *v = list ? list->child : NULL; v; v = v->next, i++)
        if (seen_before(list, v))
            api_invalid(r, "FieldValueDuplicate", arena_printf(&r->a, "spec.usages[%zu]", i),
                        "Duplicate value: \"" STR_FMT "\"", STR_ARG(json_string(v)));
}

/* ---- the signer's name ---- */

static bool label_char(char c, bool inner)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (inner && c == '-');
}

static bool is_label(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!label_char(s.p[i], i > 0 && i + 1 < s.n))
            return false;
    return s.n > 0 && s.n <= LABEL_MAX;
}

/* label: the part of it that is wrong; NULL: all of it. */
static void refuse_name(struct api_request *r, struct str part, const char *fmt,
                        const struct str *label)
{
    struct str why =
        label ? arena_printf(&r->a, "validating label \"" STR_FMT "\": %s", STR_ARG(*label), fmt)
              : str_c(fmt);
    api_invalid(r, "FieldValueInvalid", STR("spec.signerName"),
                "Invalid value: \"" STR_FMT "\": " STR_FMT, STR_ARG(part), STR_ARG(why));
}

/* Each label of a part, between dots. False: refused. */
static bool check_labels(struct api_request *r, struct str part, const char *what, size_t *n)
{
    struct str label, rest = part;
    bool more = true;
    for (*n = 0; more; ++*n) {
        more = str_cut(rest, '.', &label, &rest);
        if (!is_label(label)) {
            refuse_name(r, part, what, &label);
            return false;
        }
    }
    return true;
}

static void check_signer(struct api_request *r, const cJSON *spec)
{
    static const char label_text[] =
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
        "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex "
        "used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
    static const char subdomain_text[] =
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
        "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex "
        "used "
        "for validation is "
        "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
    struct str name = json_string_at(spec, "signerName"), domain, path, head, tail;
    size_t n;
    if (str_eq_c(name, "kubernetes.io/legacy-unknown"))
        refuse_name(r, name, "the legacy signerName is not allowed via this API version", NULL);
    else if (name.n == 0)
        api_invalid(r, "FieldValueRequired", STR("spec.signerName"), "Required value");
    else if (!str_cut(name, '/', &domain, &path) || str_cut(path, '/', &head, &tail))
        refuse_name(r, name,
                    "must be a fully qualified domain and path of the form "
                    "'example.com/signer-name'",
                    NULL);
    else if (domain.n > SEGMENT_MAX)
        api_invalid(r, "FieldValueTooLong", STR("spec.signerName"),
                    "Too long: may not be more than %u bytes", SEGMENT_MAX);
    else if (!check_labels(r, domain, label_text, &n))
        return;
    else if (n < 2)
        refuse_name(r, domain, "should be a domain with at least two segments separated by dots",
                    NULL);
    else
        (void)check_labels(r, path, subdomain_text, &n);
}

/* ---- the row ---- */

void csr_default(struct api_request *r, cJSON *tree, bool creating)
{
    if (!creating || r->system)
        return;
    cJSON *spec = json_ensure(&r->a, tree, "spec");
    static const char *const stamped[] = {"username", "uid", "groups", "extra"};
    for (size_t i = 0; spec && i < ARRAY_LEN(stamped); i++)
        (void)json_unset(spec, str_c(stamped[i]));
}

void csr_stamp(struct api_request *r, cJSON *tree)
{
    cJSON *spec = json_get(tree, "spec"), *user = auth_user_info(r, &r->user);
    static const char *const keys[] = {"username", "uid", "groups", "extra"};
    for (size_t i = 0; spec && !r->system && i < ARRAY_LEN(keys); i++) {
        cJSON *v = json_get(user, keys[i]);
        if (!v)
            continue;
        (void)json_unset(user, str_c(keys[i]));
        json_set(&r->a, spec, str_c(keys[i]), v);
    }
}

void csr_check(struct api_request *r, const cJSON *tree, const struct kube_object *old)
{
    const cJSON *spec = json_get(tree, "spec");
    int64_t lifetime_s = json_int_at(spec, "expirationSeconds", LIFETIME_MIN_S);
    if (old)
        return; /* the spec is the old one's */
    check_request(r, spec);
    check_usages(r, spec);
    check_signer(r, spec);
    if (lifetime_s < LIFETIME_MIN_S)
        api_invalid(r, "FieldValueInvalid", STR("spec.expirationSeconds"),
                    "Invalid value: %lld: may not specify a duration less than %d seconds (10 "
                    "minutes)",
                    (long long)lifetime_s, LIFETIME_MIN_S);
}
