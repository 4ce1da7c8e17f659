/* metadata: what the server makes (uid, times, names) and what it refuses. */
#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/rules/rules.h"

#include "engine/base/codec.h"
#include <string.h>

#define ANNOTATIONS_BYTES_MAX 262144u

/* ---- names, labels, annotations ---- */

static void bad_text(struct api_request *r, struct str field, struct str value, const char *text)
{
    struct buf quoted = {0};
    json_write_string(&quoted, value);
    api_invalid(r, "FieldValueInvalid", field, "Invalid value: " STR_FMT ": %s",
                STR_ARG(buf_str(&quoted)), text);
    buf_free(&quoted);
}

static void check_form(struct api_request *r, struct str field, struct str shown, struct str value,
                       enum name_form form)
{
    const char *texts[NAMES_PROBLEMS_MAX];
    size_t n = names_problems(form, value, texts);
    for (size_t i = 0; i < n; i++)
        bad_text(r, field, shown, texts[i]);
}

static enum name_form name_form_of(const struct api_kind *k)
{
    if (k->flags & KIND_NAME_SEGMENT)
        return NAME_SEGMENT;
    if (k->flags & KIND_NAME_LABEL)
        return NAME_LABEL;
    if (k->flags & KIND_NAME_1035)
        return NAME_1035;
    if (api_kind_is(k, "ipaddresses.networking.k8s.io"))
        return NAME_SEGMENT; /* IPv6 has colons; their rules see to the rest */
    return api_kind_is(k, "cronjobs.batch") ? NAME_CRON_JOB : NAME_SUBDOMAIN;
}

/* What a name begins with may end in a dash: something follows it. */
static void check_prefix(struct api_request *r, const struct api_kind *k, struct str prefix)
{
    char *whole = arena_c(&r->a, prefix);
    if (prefix.n > 1 && whole[prefix.n - 1] == '-')
        whole[prefix.n - 1] = 'a';
    check_form(r, STR("metadata.generateName"), prefix, (struct str){whole, prefix.n},
               name_form_of(k));
}

static void validate_labels(struct api_request *r, const cJSON *labels)
{
    for (const cJSON *l = labels ? labels->child : NULL; l; l = l->next) {
        struct str key = str_c(l->string), value = json_string(l);
        check_form(r, STR("metadata.labels"), key, key, NAME_QUALIFIED);
        check_form(r, STR("metadata.labels"), value, value, NAME_LABEL_VALUE);
    }
}

static void validate_annotations(struct api_request *r, const cJSON *annotations)
{
    size_t bytes = 0;
    for (const cJSON *n = annotations ? annotations->child : NULL; n; n = n->next) {
        struct str key = str_c(n->string);
        char *lower = arena_c(&r->a, key);
        for (char *p = lower; *p; p++)
            if (*p >= 'A' && *p <= 'Z')
                *p = (char)(*p + ('a' - 'A'));
        check_form(r, STR("metadata.annotations"), key, str_c(lower), NAME_QUALIFIED);
        bytes += key.n + json_string(n).n;
    }
    if (bytes > ANNOTATIONS_BYTES_MAX)
        api_invalid(r, "FieldValueTooLong", STR("metadata.annotations"),
                    "Too long: may not be more than %u bytes", ANNOTATIONS_BYTES_MAX);
}

/* ---- finalizers and owners ---- */

static struct str json_text(struct api_request *r, const cJSON *v)
{
    struct buf b = {0};
    json_write(&b, v);
    struct str s = arena_str(&r->a, buf_str(&b));
    buf_free(&b);
    return s;
}

/* Custom resources and definitions take any qualified name, others want a domain in it. */
static void validate_finalizers(struct api_request *r, const struct api_kind *k,
                                const cJSON *finalizers)
{
    bool any = (k->flags & KIND_CUSTOM) || str_eq_c(k->group, "apiextensions.k8s.io");
    static const char *const standard[] = {"kubernetes", "orphan", "foregroundDeletion"};
    bool orphan = false, foreground = false;
    size_t at = 0;
    for (const cJSON *f = finalizers ? finalizers->child : NULL; f; f = f->next) {
        check_form(r, STR("metadata.finalizers"), json_string(f), json_string(f), NAME_QUALIFIED);
        orphan = orphan || str_eq_c(json_string(f), "orphan");
        foreground = foreground || str_eq_c(json_string(f), "foregroundDeletion");
    }
    if (orphan && foreground)
        api_invalid(r, "FieldValueInvalid", STR("metadata.finalizers"),
                    "Invalid value: " STR_FMT
                    ": finalizer orphan and foregroundDeletion cannot be both set",
                    STR_ARG(json_text(r, finalizers)));
    for (const cJSON *f = finalizers && !any ? finalizers->child : NULL; f; f = f->next, at++) {
        bool known = str_find_char(json_string(f), '/') >= 0;
        for (size_t i = 0; i < ARRAY_LEN(standard); i++)
            known = known || str_eq_c(json_string(f), standard[i]);
        if (!known)
            bad_text(r, arena_printf(&r->a, "metadata.finalizers[%zu]", at), json_string(f),
                     "name is neither a standard finalizer name nor is it fully qualified");
    }
}

/* A reference as its declaration orders it. */
static void write_owner(struct buf *out, const cJSON *owner)
{
    static const char *const members[] = {"apiVersion", "kind",       "name",
                                          "uid",        "controller", "blockOwnerDeletion"};
    size_t n = 0;
    buf_add_char(out, '{');
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        const cJSON *v = json_get(owner, members[i]);
        if (!v && i > 3)
            continue;
        buf_addf(out, "%s\"%s\":", n++ > 0 ? "," : "", members[i]);
        if (v)
            json_write(out, v);
        else
            buf_add_c(out, "\"\"");
    }
    buf_add_char(out, '}');
}

static void check_one_controller(struct api_request *r, const cJSON *owners)
{
    const cJSON *first = NULL, *second = NULL;
    struct buf list = {0};
    for (const cJSON *o = owners ? owners->child : NULL; o; o = o->next) {
        if (json_bool_at(o, "controller", false)) {
            second = first && !second ? o : second;
            first = first ? first : o;
        }
        buf_add_char(&list, list.n > 0 ? ',' : '[');
        write_owner(&list, o);
    }
    if (second)
        api_invalid(r, "FieldValueInvalid", STR("metadata.ownerReferences"),
                    "Invalid value: " STR_FMT
                    "]: Only one reference can have Controller set to true. Found \"true\" in "
                    "references for " STR_FMT "/" STR_FMT " and " STR_FMT "/" STR_FMT,
                    STR_ARG(buf_str(&list)), STR_ARG(json_string_at(first, "kind")),
                    STR_ARG(json_string_at(first, "name")), STR_ARG(json_string_at(second, "kind")),
                    STR_ARG(json_string_at(second, "name")));
    buf_free(&list);
}

static void refuse_event(struct api_request *r, const cJSON *owner)
{
    struct str version = json_string_at(owner, "apiVersion");
    struct buf b = {0};
    if (!str_eq_c(json_string_at(owner, "kind"), "Event") ||
        !text_among(version, "v1|events.k8s.io/v1|events.k8s.io/v1beta1"))
        return;
    write_owner(&b, owner);
    api_invalid(r, "FieldValueInvalid", STR("metadata.ownerReferences"),
                "Invalid value: " STR_FMT ": %s" STR_FMT
                ", Kind=Event is disallowed from being an owner",
                STR_ARG(buf_str(&b)), str_eq_c(version, "v1") ? "/" : "", STR_ARG(version));
    buf_free(&b);
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
    for (const cJSON *o = owners ? owners->child : NULL; o; o = o->next) {
        for (size_t i = 0; i < ARRAY_LEN(needed); i++)
            if (json_string_at(o, needed[i].key).n == 0)
                bad_text(r, str_c(needed[i].field), str_empty, needed[i].text);
        refuse_event(r, o);
    }
    check_one_controller(r, owners);
}

void api_validate_metadata(struct api_request *r, const struct api_kind *k, const cJSON *metadata)
{
    struct str name = json_string_at(metadata, "name");
    struct str prefix = json_string_at(metadata, "generateName");
    if (prefix.n > 0)
        check_prefix(r, k, prefix);
    if (name.n == 0)
        api_invalid(r, "FieldValueRequired", STR("metadata.name"),
                    "Required value: name or generateName is required");
    else
        check_form(r, STR("metadata.name"), name, name, name_form_of(k));
    api_validate_change(r, k, metadata);
}

void api_validate_change(struct api_request *r, const struct api_kind *k, const cJSON *metadata)
{
    validate_labels(r, json_get(metadata, "labels"));
    validate_annotations(r, json_get(metadata, "annotations"));
    validate_owners(r, json_get(metadata, "ownerReferences"));
    validate_finalizers(r, k, json_get(metadata, "finalizers"));
}
