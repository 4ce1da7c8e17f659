/* metadata: what the server makes (uid, times, names) and what it refuses. */
#include "sim/kubeapi/api_internal.h"

#include "engine/base/codec.h"
#include <string.h>

#define ANNOTATIONS_BYTES_MAX 262144u

struct str api_new_uid(struct kubeapi *api, struct arena *a)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[16];
    char *out = arena_alloc(a, 37), *p = out;
    world_random(api->w, bytes, sizeof(bytes));
    bytes[6] = (unsigned char)(0x40 | (bytes[6] & 0x0f)); /* version 4, RFC 9562 */
    bytes[8] = (unsigned char)(0x80 | (bytes[8] & 0x3f));
    for (size_t i = 0; i < sizeof(bytes); i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *p++ = '-';
        *p++ = digits[bytes[i] >> 4];
        *p++ = digits[bytes[i] & 15];
    }
    return (struct str){out, 36};
}

struct str api_now(struct kubeapi *api, struct arena *a)
{
    struct buf b = {.max = 64};
    rfc3339_format(&b, world_wall(api->w));
    struct str s = arena_str(a, buf_str(&b));
    buf_free(&b);
    return s;
}

struct str api_generated_name(struct kubeapi *api, struct arena *a, struct str prefix)
{
    static const char letters[] = "bcdfghjklmnpqrstvwxz2456789"; /* no vowels: no words */
    prefix = str_sub(prefix, 0, 58);
    char *out = arena_alloc(a, prefix.n + 6);
    memcpy(out, prefix.p, prefix.n);
    for (size_t i = 0; i < 5; i++)
        out[prefix.n + i] = letters[world_random_below(api->w, sizeof(letters) - 1)];
    return (struct str){out, prefix.n + 5};
}

/* ---- names ---- */

static bool lower_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_label(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!lower_alnum(s.p[i]) && (s.p[i] != '-' || i == 0 || i + 1 == s.n))
            return false;
    return s.n > 0;
}

static bool is_subdomain(struct str s)
{
    struct str head, rest = s;
    bool more = true;
    while (more) {
        more = str_cut(rest, '.', &head, &rest);
        if (!is_label(head))
            return false;
    }
    return true;
}

#define SUBDOMAIN_TEXT                                                                             \
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "   \
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "  \
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
#define LABEL_TEXT                                                                                 \
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "   \
    "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex "     \
    "used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
#define DNS1035_TEXT                                                                               \
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "   \
    "alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or "           \
    "'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"

static void bad_name(struct api_request *r, struct str field, struct str name, const char *text)
{
    api_invalid(r, "FieldValueInvalid", field, "Invalid value: \"" STR_FMT "\": %s", STR_ARG(name),
                text);
}

static void validate_segment(struct api_request *r, struct str name, struct str field)
{
    if (str_eq_c(name, ".") || str_eq_c(name, ".."))
        api_invalid(r, "FieldValueInvalid", field,
                    "Invalid value: \"" STR_FMT "\": may not be '" STR_FMT "'", STR_ARG(name),
                    STR_ARG(name));
    if (str_find_char(name, '/') >= 0)
        bad_name(r, field, name, "may not contain '/'");
    if (str_find_char(name, '%') >= 0)
        bad_name(r, field, name, "may not contain '%'");
}

static void api_validate_name(struct api_request *r, const struct api_kind *k, struct str name,
                              struct str field)
{
    bool label = (k->flags & KIND_NAME_LABEL) != 0, dns1035 = (k->flags & KIND_NAME_1035) != 0;
    if (k->flags & KIND_NAME_SEGMENT) {
        validate_segment(r, name, field);
        return;
    }
    if (name.n > (label || dns1035 ? 63u : 253u))
        bad_name(r, field, name,
                 label || dns1035 ? "must be no more than 63 characters"
                                  : "must be no more than 253 characters");
    if (label && str_find_char(name, '.') >= 0)
        bad_name(r, field, name, "must not contain dots");
    else if (label && !is_label(name))
        bad_name(r, field, name, LABEL_TEXT);
    else if (dns1035 && (!is_label(name) || (name.p[0] >= '0' && name.p[0] <= '9')))
        bad_name(r, field, name, DNS1035_TEXT);
    else if (!label && !dns1035 && !is_subdomain(name))
        bad_name(r, field, name, SUBDOMAIN_TEXT);
}

/* ---- labels and annotations ---- */

static bool label_chars(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool alnum = lower_alnum(c) || (c >= 'A' && c <= 'Z');
        bool inner = c == '-' || c == '_' || c == '.';
        if (!alnum && (!inner || i == 0 || i + 1 == s.n))
            return false;
    }
    return true;
}

#define NAME_PART_TEXT                                                                             \
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end "  \
    "with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for " \
    "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
#define LABEL_VALUE_TEXT                                                                           \
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "    \
    "'.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value', " \
    " or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"

static void validate_key(struct api_request *r, struct str key, struct str field)
{
    struct str prefix, name;
    bool has_prefix = str_cut(key, '/', &prefix, &name);
    if (!has_prefix)
        name = key;
    if (has_prefix && !is_subdomain(prefix))
        bad_name(r, field, key,
                 prefix.n == 0 ? "prefix part must be non-empty" : "prefix part " SUBDOMAIN_TEXT);
    if (name.n == 0)
        bad_name(r, field, key, "name part must be non-empty");
    if (name.n > 63)
        bad_name(r, field, key, "name part must be no more than 63 characters");
    if (name.n == 0 || !label_chars(name))
        bad_name(r, field, key, NAME_PART_TEXT);
}

static void validate_labels(struct api_request *r, const cJSON *labels)
{
    for (const cJSON *l = labels ? labels->child : NULL; l; l = l->next) {
        struct str value = json_string(l);
        validate_key(r, str_c(l->string), STR("metadata.labels"));
        if (value.n > 63)
            bad_name(r, STR("metadata.labels"), value, "must be no more than 63 characters");
        if (!label_chars(value))
            bad_name(r, STR("metadata.labels"), value, LABEL_VALUE_TEXT);
    }
}

static void validate_annotations(struct api_request *r, const cJSON *annotations)
{
    size_t bytes = 0;
    for (const cJSON *n = annotations ? annotations->child : NULL; n; n = n->next) {
        char *lower = arena_c(&r->a, str_c(n->string));
        for (char *p = lower; *p; p++)
            if (*p >= 'A' && *p <= 'Z')
                *p = (char)(*p + ('a' - 'A'));
        validate_key(r, str_c(lower), STR("metadata.annotations"));
        bytes += strlen(n->string) + json_string(n).n;
    }
    if (bytes > ANNOTATIONS_BYTES_MAX)
        api_invalid(r, "FieldValueTooLong", STR("metadata.annotations"),
                    "Too long: may not be more than %u bytes", ANNOTATIONS_BYTES_MAX);
}

/* ---- finalizers and owners ---- */

/* Custom resources and definitions take any qualified name, others want a domain in it. */
static void validate_finalizers(struct api_request *r, const struct api_kind *k,
                                const cJSON *finalizers)
{
    bool any = (k->flags & KIND_CUSTOM) || str_eq_c(k->group, "apiextensions.k8s.io");
    static const char *const standard[] = {"kubernetes", "orphan", "foregroundDeletion"};
    size_t at = 0;
    for (const cJSON *f = finalizers ? finalizers->child : NULL; f; f = f->next, at++) {
        struct str name = json_string(f);
        bool known = str_find_char(name, '/') >= 0 || (any && name.n > 0);
        for (size_t i = 0; i < ARRAY_LEN(standard); i++)
            known = known || str_eq_c(name, standard[i]);
        if (!known)
            bad_name(r, arena_printf(&r->a, "metadata.finalizers[%zu]", at), name,
                     "name is neither a standard finalizer name nor is it fully qualified");
    }
}

static void validate_owners(struct api_request *r, const cJSON *owners)
{
    static const struct {
        const char *key, *field, *text;
    } needed[] = {
        {"apiVersion", "metadata.ownerReferences.apiVersion", "version must not be empty"},
        {"kind", "metadata.ownerReferences.kind", "must not be empty"},
        {"name", "metadata.ownerReferences.name", "must not be empty"},
        {"uid", "metadata.ownerReferences.uid", "must not be empty"},
    };
    size_t controllers = 0;
    for (const cJSON *o = owners ? owners->child : NULL; o; o = o->next) {
        for (size_t i = 0; i < ARRAY_LEN(needed); i++)
            if (json_string_at(o, needed[i].key).n == 0)
                bad_name(r, str_c(needed[i].field), str_empty, needed[i].text);
        controllers += json_bool_at(o, "controller", false);
    }
    if (controllers > 1)
        api_invalid(r, "FieldValueInvalid", STR("metadata.ownerReferences"),
                    "Invalid value: only one reference can have Controller set to true");
}

void api_validate_metadata(struct api_request *r, const struct api_kind *k, const cJSON *metadata)
{
    struct str name = json_string_at(metadata, "name");
    if (name.n == 0)
        api_invalid(r, "FieldValueRequired", STR("metadata.name"),
                    "Required value: name or generateName is required");
    else
        api_validate_name(r, k, name, STR("metadata.name"));
    api_validate_change(r, k, metadata);
}

void api_validate_change(struct api_request *r, const struct api_kind *k, const cJSON *metadata)
{
    validate_labels(r, json_get(metadata, "labels"));
    validate_annotations(r, json_get(metadata, "annotations"));
    validate_owners(r, json_get(metadata, "ownerReferences"));
    validate_finalizers(r, k, json_get(metadata, "finalizers"));
}
