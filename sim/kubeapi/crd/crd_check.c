/* Is a definition sound? Its names, versions, subresources, columns, conversion; schemas are crd_schema.h's.
 *
 * What all versions have alike (schema, subresources, columns, selectable fields) is told of once, under the place where the
 * first form of the API had it: spec.validation, spec.subresources, spec.additionalPrinterColumns. */
#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/crd/crd_internal.h"
#include "sim/kubeapi/types/crd_schema.h"

#include <string.h>

#define APPROVAL       "api-approved.kubernetes.io"
#define SELECTABLE_MAX 8u
#define DNS1035_TEXT                                                                               \
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "   \
    "alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or "           \
    "'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
#define SUBDOMAIN_TEXT                                                                             \
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "   \
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "  \
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"

/* ---- small ---- */

static void required(struct api_request *r, struct str field, const char *why)
{
    api_invalid(r, "FieldValueRequired", field, why ? "Required value: %s" : "Required value", why);
}

static void invalid_text(struct api_request *r, struct str field, struct str value, const char *why)
{
    api_invalid(r, "FieldValueInvalid", field, "Invalid value: \"" STR_FMT "\": %s", STR_ARG(value),
                why);
}

static struct str below(struct api_request *r, struct str path, const char *name)
{
    return arena_printf(&r->a, STR_FMT ".%s", STR_ARG(path), name);
}

static bool is_label(struct str s, bool mixed, bool letter_first)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (mixed && c >= 'A' && c <= 'Z');
        bool digit = c >= '0' && c <= '9';
        bool inside = i > 0 && i + 1 < s.n;
        if (!letter && !(digit && (i > 0 || !letter_first)) && !(c == '-' && inside))
            return false;
    }
    return s.n > 0;
}

static bool is_subdomain(struct str s)
{
    struct str head;
    for (bool more = s.n <= 253; more;) {
        more = str_cut(s, '.', &head, &s);
        if (!is_label(head, false, false))
            return false;
        if (!more)
            return true;
    }
    return false;
}

static void check_label(struct api_request *r, struct str field, struct str value)
{
    if (value.n > 63)
        invalid_text(r, field, value, "must be no more than 63 characters");
    if (!is_label(value, false, true))
        invalid_text(r, field, value, DNS1035_TEXT);
}

static void check_kind(struct api_request *r, struct str field, struct str value)
{
    if (value.n > 0 && !is_label(value, true, true))
        invalid_text(r, field, value,
                     "may have mixed case, but should otherwise match: " DNS1035_TEXT);
}

/* ---- names ---- */

static void check_list(struct api_request *r, const cJSON *names, const char *key)
{
    const cJSON *list = json_get(names, key);
    size_t i = 0;
    for (const cJSON *s = list ? list->child : NULL; s; s = s->next, i++)
        check_label(r, arena_printf(&r->a, "spec.names.%s[%zu]", key, i), json_string(s));
}

static void check_names(struct api_request *r, const cJSON *names)
{
    struct str plural = json_string_at(names, "plural"), kind = json_string_at(names, "kind");
    struct str singular = json_string_at(names, "singular");
    struct str list_kind = json_string_at(names, "listKind");
    if (plural.n == 0)
        required(r, STR("spec.names.plural"), NULL);
    if (singular.n == 0)
        required(r, STR("spec.names.singular"), NULL);
    if (kind.n == 0)
        required(r, STR("spec.names.kind"), NULL);
    if (list_kind.n == 0)
        required(r, STR("spec.names.listKind"), NULL);
    if (plural.n > 0)
        check_label(r, STR("spec.names.plural"), plural);
    if (singular.n > 0)
        check_label(r, STR("spec.names.singular"), singular);
    check_kind(r, STR("spec.names.kind"), kind);
    check_kind(r, STR("spec.names.listKind"), list_kind);
    check_list(r, names, "shortNames");
    check_list(r, names, "categories");
    if (kind.n > 0 && str_eq(kind, list_kind))
        invalid_text(r, STR("spec.names.listKind"), list_kind,
                     "kind and listKind may not be the same");
}

/* ---- subresources ---- */

static void check_path(struct api_request *r, struct str field, struct str value,
                       const char *const *roots, const char *why)
{
    struct arena scratch = {0};
    struct jsonpath *p = NULL;
    if (value.n == 0 || value.p[0] != '.') {
        invalid_text(r, field, value, "must be a simple json path starting with .");
        return;
    }
    struct err *err = jsonpath_compile(&scratch, value, &p);
    if (err || !jsonpath_is_simple(p) || jsonpath_length(p) == 0) {
        invalid_text(r, field, value, "must be a json path in the dot notation");
    } else {
        bool fits = false;
        for (size_t i = 0; roots[i]; i++)
            fits = fits || (jsonpath_length(p) > 1 && str_eq_c(jsonpath_name(p, 0), roots[i]));
        if (!fits)
            invalid_text(r, field, value, why);
    }
    err_ignore(err);
    arena_free(&scratch);
}

static void check_scale(struct api_request *r, const cJSON *scale, struct str path)
{
    static const char *const spec[] = {"spec", NULL}, *const status[] = {"status", NULL};
    static const char *const both[] = {"spec", "status", NULL};
    struct str selector = json_string_at(scale, "labelSelectorPath");
    struct str replicas = json_string_at(scale, "specReplicasPath");
    struct str seen = json_string_at(scale, "statusReplicasPath");
    if (replicas.n == 0)
        required(r, below(r, path, "scale.specReplicasPath"), NULL);
    else
        check_path(r, below(r, path, "scale.specReplicasPath"), replicas, spec,
                   "should be a json path under .spec");
    if (seen.n == 0)
        required(r, below(r, path, "scale.statusReplicasPath"), NULL);
    else
        check_path(r, below(r, path, "scale.statusReplicasPath"), seen, status,
                   "should be a json path under .status");
    if (selector.n > 0)
        check_path(r, below(r, path, "scale.labelSelectorPath"), selector, both,
                   "should be a json path under either .spec or .status");
}

/* ---- columns and selectable fields ---- */

static void check_one_of(struct api_request *r, struct str field, struct str value,
                         const char *const *known, const char *shown)
{
    for (size_t i = 0; known[i]; i++)
        if (str_eq_c(value, known[i]))
            return;
    api_invalid(r, "FieldValueNotSupported", field,
                "Unsupported value: \"" STR_FMT "\": supported values: %s", STR_ARG(value), shown);
}

static void check_column(struct api_request *r, const cJSON *c, struct str path)
{
    static const char *const types[] = {"boolean", "date", "integer", "number", "string", NULL};
    static const char *const formats[] = {"byte",  "date",  "date-time", "double", "float",
                                          "int32", "int64", "password",  NULL};
    struct arena scratch = {0};
    struct jsonpath *p;
    struct str type = json_string_at(c, "type"), format = json_string_at(c, "format");
    struct str text = json_string_at(c, "jsonPath");
    if (json_string_at(c, "name").n == 0)
        required(r, below(r, path, "name"), NULL);
    if (type.n == 0)
        required(r, below(r, path, "type"), "must be one of boolean,date,integer,number,string");
    else
        check_one_of(r, below(r, path, "type"), type, types,
                     "\"boolean\", \"date\", \"integer\", \"number\", \"string\"");
    if (format.n > 0)
        check_one_of(r, below(r, path, "format"), format, formats,
                     "\"byte\", \"date\", \"date-time\", \"double\", \"float\", \"int32\", "
                     "\"int64\", \"password\"");
    if (text.n == 0) {
        required(r, below(r, path, "JSONPath"), NULL);
        return;
    }
    struct err *err = jsonpath_compile(&scratch, text, &p);
    if (err)
        invalid_text(r, below(r, path, "JSONPath"), text, err->message);
    err_free(err);
    arena_free(&scratch);
}

/* Where a path of members leads in a schema. NULL: nowhere, for the reason in *why. */
static const cJSON *schema_follow(struct api_request *r, const cJSON *schema, struct str path,
                                  const char **why)
{
    while (path.n > 0) {
        size_t n = 1;
        const cJSON *members = json_get(schema, "properties");
        const cJSON *others = json_get(schema, "additionalProperties");
        while (n < path.n && path.p[n] != '.' && path.p[n] != '[' && path.p[n] != ']')
            n++;
        struct str name = str_sub(path, 1, n - 1);
        *why = "does not refer to a valid field";
        if (path.p[0] == '[')
            *why = "array notation is not allowed";
        else if (path.p[0] != '.')
            *why = arena_printf(&r->a, "expected [ or . but got: " STR_FMT,
                                STR_ARG(str_sub(path, 0, n)))
                       .p;
        else if (path.n == 1)
            *why = "unexpected end of JSON path";
        else if (members && name.n > 0)
            schema = json_get_str(members, name);
        else
            schema = name.n > 0 ? others : NULL;
        if (path.p[0] != '.' || path.n == 1 || !schema)
            return NULL;
        path = str_sub(path, n, path.n);
    }
    return schema;
}

static void check_selectable_path(struct api_request *r, struct str field, struct str text,
                                  const cJSON *schema)
{
    const char *why = NULL;
    const cJSON *found = schema_follow(r, schema, text, &why);
    if (!found) {
        invalid_text(r, field, text, arena_printf(&r->a, "is an invalid path: %s", why).p);
        return;
    }
    struct str type = json_string_at(found, "type");
    if (str_starts(text, STR(".metadata")) && (text.n == 9 || text.p[9] == '.'))
        invalid_text(r, field, text, "must not point to fields in metadata");
    if (!str_eq_c(type, "string") && !str_eq_c(type, "boolean") && !str_eq_c(type, "integer"))
        invalid_text(r, field, text,
                     "must point to a field of type string, boolean or integer. Enum string fields "
                     "and strings with formats are allowed.");
}

static void check_selectable(struct api_request *r, const cJSON *list, const cJSON *schema,
                             struct str path)
{
    size_t i = 0;
    for (const cJSON *c = list ? list->child : NULL; c; c = c->next, i++) {
        struct str text = json_string_at(c, "jsonPath");
        struct str field = arena_printf(&r->a, STR_FMT "[%zu].jsonPath", STR_ARG(path), i);
        if (text.n == 0)
            required(r, field, NULL);
        else
            check_selectable_path(r, field, text, schema);
        for (const cJSON *other = list->child; other != c; other = other->next)
            if (str_eq(json_string_at(other, "jsonPath"), text))
                api_invalid(r, "FieldValueDuplicate", field, "Duplicate value: \"" STR_FMT "\"",
                            STR_ARG(text));
    }
    if (i > SELECTABLE_MAX)
        api_invalid(r, "FieldValueTooMany", path, "Too many: %zu: must have at most %u items", i,
                    SELECTABLE_MAX);
}

/* ---- a version's parts ---- */

enum part { PART_SCHEMA, PART_SUBRESOURCES, PART_COLUMNS, PART_SELECTABLE, PARTS };

static const cJSON *part_of(const cJSON *version, enum part part)
{
    static const char *const paths[PARTS] = {"schema.openAPIV3Schema", "subresources",
                                             "additionalPrinterColumns", "selectableFields"};
    return json_path(version, paths[part]);
}

/* False: a part is there, and is not the object or the array that it is read as. */
static bool part_fits(const cJSON *v, enum part part)
{
    return v && v->type == (part <= PART_SUBRESOURCES ? cJSON_Object : cJSON_Array);
}

/* before: the schema as it was; NULL: there was none. */
static void check_schema(struct api_request *r, const cJSON *schema, const cJSON *before,
                         struct str path)
{
    const struct crd_schema_options options = {.cel = crds_cel(),
                                               .unchanged = before && json_equal(schema, before)};
    struct type_report *report = ARENA_NEW(&r->a, struct type_report);
    report->a = &r->a;
    crd_schema_check(&options, schema, path, report);
    for (size_t i = 0; i < report->n; i++)
        api_invalid(r, report->list[i].reason, report->list[i].field, STR_FMT,
                    STR_ARG(report->list[i].message));
}

/* One part of a version, or of all where they share it; selectable fields are looked up in the version's schema. */
static void check_part(struct api_request *r, const cJSON *version, const cJSON *before,
                       enum part part, struct str path)
{
    size_t i = 0;
    const cJSON *v = part_of(version, part);
    if (!part_fits(v, part))
        return;
    switch (part) {
    case PART_SCHEMA:
        check_schema(r, v, before, path);
        return;
    case PART_SUBRESOURCES:
        if (json_get(v, "scale"))
            check_scale(r, json_get(v, "scale"), path);
        return;
    case PART_COLUMNS:
        for (const cJSON *c = v->child; c; c = c->next)
            check_column(r, c, arena_printf(&r->a, STR_FMT "[%zu]", STR_ARG(path), i++));
        return;
    default:
        check_selectable(r, v, part_of(version, PART_SCHEMA), path);
    }
}

static bool same_part(const cJSON *a, const cJSON *b)
{
    return !a || !b ? a == b : json_equal(a, b);
}

/* Do all versions have this part alike? */
static bool is_shared(const cJSON *versions, enum part part)
{
    const cJSON *first = part_of(versions->child, part);
    for (const cJSON *v = versions->child->next; v; v = v->next)
        if (!same_part(first, part_of(v, part)))
            return false;
    return true;
}

static const char *const part_names[PARTS] = {"schema.openAPIV3Schema", "subresources",
                                              "additionalPrinterColumns", "selectableFields"};

/* The part of the version of this name in the definition as it was; NULL: there was none. */
static const cJSON *part_before(const cJSON *old_versions, const cJSON *version, enum part part)
{
    for (const cJSON *v = old_versions ? old_versions->child : NULL; v; v = v->next)
        if (str_eq(json_string_at(v, "name"), json_string_at(version, "name")))
            return part_of(v, part);
    return NULL;
}

static void check_shared(struct api_request *r, const cJSON *versions, const cJSON *old_versions)
{
    static const char *const shared[PARTS] = {"spec.validation.openAPIV3Schema",
                                              "spec.subresources", "spec.additionalPrinterColumns",
                                              "spec.selectableFields"};
    for (unsigned p = 0; versions && versions->child && p < PARTS; p++)
        if (is_shared(versions, (enum part)p))
            check_part(r, versions->child, part_before(old_versions, versions->child, (enum part)p),
                       (enum part)p, str_c(shared[p]));
}

static void check_version(struct api_request *r, const cJSON *versions, const cJSON *old_versions,
                          const cJSON *v, size_t i)
{
    struct str path = arena_printf(&r->a, "spec.versions[%zu]", i);
    const cJSON *warning = json_get(v, "deprecationWarning");
    check_label(r, below(r, path, "name"), json_string_at(v, "name"));
    for (unsigned p = 0; p < PARTS; p++)
        if (!is_shared(versions, (enum part)p))
            check_part(r, v, part_before(old_versions, v, (enum part)p), (enum part)p,
                       below(r, path, part_names[p]));
    if (warning && !json_bool_at(v, "deprecated", false))
        invalid_text(r, below(r, path, "deprecationWarning"), json_string(warning),
                     "can only be set for deprecated versions");
}

/* ---- versions ---- */

/* The list as the message shows it: the server's own form of it. */
static struct str versions_text(struct api_request *r, const cJSON *versions)
{
    struct buf b = {0};
    buf_add_char(&b, '[');
    for (const cJSON *v = versions ? versions->child : NULL; v; v = v->next) {
        buf_addf(&b, "%s{\"Name\":", b.n > 1 ? "," : "");
        json_write_string(&b, json_string_at(v, "name"));
        buf_addf(&b, ",\"Served\":%s,\"Storage\":%s,\"Deprecated\":%s,\"DeprecationWarning\":",
                 json_bool_at(v, "served", false) ? "true" : "false",
                 json_bool_at(v, "storage", false) ? "true" : "false",
                 json_bool_at(v, "deprecated", false) ? "true" : "false");
        if (json_get(v, "deprecationWarning"))
            json_write_string(&b, json_string_at(v, "deprecationWarning"));
        else
            buf_add_c(&b, "null");
        buf_add_c(&b, ",\"Schema\":null,\"Subresources\":null,\"AdditionalPrinterColumns\":null,"
                      "\"SelectableFields\":null}");
    }
    buf_add_char(&b, ']');
    struct str s = arena_str(&r->a, buf_str(&b));
    buf_free(&b);
    return s;
}

static void check_versions(struct api_request *r, const cJSON *versions, const cJSON *old_versions)
{
    size_t stored = 0, i = 0;
    bool unique = true;
    for (const cJSON *v = versions ? versions->child : NULL; v; v = v->next, i++)
        if (!part_fits(part_of(v, PART_SCHEMA), PART_SCHEMA))
            required(r, arena_printf(&r->a, "spec.versions[%zu].schema.openAPIV3Schema", i), NULL);
    i = 0;
    for (const cJSON *v = versions ? versions->child : NULL; v; v = v->next, i++) {
        stored += json_bool_at(v, "storage", false);
        for (const cJSON *other = versions->child; other != v; other = other->next)
            unique = unique && !str_eq(json_string_at(other, "name"), json_string_at(v, "name"));
        check_version(r, versions, old_versions, v, i);
    }
    if (!unique)
        api_invalid(r, "FieldValueInvalid", STR("spec.versions"),
                    "Invalid value: " STR_FMT ": must contain unique version names",
                    STR_ARG(versions_text(r, versions)));
    if (stored != 1)
        api_invalid(r, "FieldValueInvalid", STR("spec.versions"),
                    "Invalid value: " STR_FMT
                    ": must have exactly one version marked as storage version",
                    STR_ARG(versions_text(r, versions)));
    if (i > 0)
        check_label(r, STR("spec.version"), json_string_at(versions->child, "name"));
}

static void check_stored(struct api_request *r, const cJSON *tree, const cJSON *versions)
{
    const cJSON *stored = json_path(tree, "status.storedVersions");
    struct buf b = {.max = 4096};
    size_t i = 0;
    if (!stored || !stored->child) {
        api_invalid(r, "FieldValueInvalid", STR("status.storedVersions"),
                    "Invalid value: null: must have at least one stored version");
        return;
    }
    json_write(&b, stored);
    for (const cJSON *v = versions ? versions->child : NULL; v; v = v->next) {
        bool there = false;
        for (const cJSON *s = stored->child; s; s = s->next)
            there = there || str_eq(json_string(s), json_string_at(v, "name"));
        if (json_bool_at(v, "storage", false) && !there)
            api_invalid(r, "FieldValueInvalid", STR("status.storedVersions"),
                        "Invalid value: " STR_FMT ": must have the storage version " STR_FMT,
                        STR_ARG(buf_str(&b)), STR_ARG(json_string_at(v, "name")));
    }
    for (const cJSON *s = stored->child; s; s = s->next, i++) {
        bool there = false;
        for (const cJSON *v = versions ? versions->child : NULL; v; v = v->next)
            there = there || str_eq(json_string(s), json_string_at(v, "name"));
        if (!there)
            invalid_text(r, arena_printf(&r->a, "status.storedVersions[%zu]", i), json_string(s),
                         "must appear in spec.versions");
    }
    buf_free(&b);
}

/* ---- the rest ---- */

/* The first that is known is used; some must be. */
static void check_reviews(struct api_request *r, const cJSON *list)
{
    struct str field = STR("spec.conversion.conversionReviewVersions");
    struct buf all = {.max = 1 << 12};
    bool known = false;
    for (const cJSON *c = list ? list->child : NULL; c; c = c->next) {
        buf_add_c(&all, all.n > 0 ? ", " : "");
        json_write_string(&all, json_string(c));
        known = known || str_eq_c(json_string(c), "v1") || str_eq_c(json_string(c), "v1beta1");
    }
    if (all.n == 0)
        required(r, field, NULL);
    else if (!known)
        api_invalid(r, "FieldValueInvalid", field,
                    "Invalid value: []string{" STR_FMT
                    "}: must include at least one of v1, v1beta1",
                    STR_ARG(buf_str(&all)));
    buf_free(&all);
}

static void check_conversion(struct api_request *r, const cJSON *tree)
{
    static const char *const strategies[] = {"None", "Webhook", NULL};
    struct str strategy = json_string_at(tree, "spec.conversion.strategy");
    const cJSON *webhook = json_path(tree, "spec.conversion.webhook");
    check_one_of(r, STR("spec.conversion.strategy"), strategy, strategies, "\"None\", \"Webhook\"");
    if (str_eq_c(strategy, "Webhook") && !json_get(webhook, "clientConfig"))
        required(r, STR("spec.conversion.webhookClientConfig"),
                 "required when strategy is set to Webhook");
    else if (str_eq_c(strategy, "None") && webhook)
        api_invalid(r, "FieldValueForbidden", STR("spec.conversion.webhookClientConfig"),
                    "Forbidden: should not be set when strategy is not set to Webhook");
    const cJSON *client = str_eq_c(strategy, "Webhook") ? json_get(webhook, "clientConfig") : NULL;
    if (client && !json_get(client, "url") == !json_get(client, "service"))
        required(r, STR("spec.conversion.webhookClientConfig"),
                 "exactly one of url or service is required");
    if (str_eq_c(strategy, "Webhook"))
        check_reviews(r, json_get(webhook, "conversionReviewVersions"));
    if (json_bool_at(tree, "spec.preserveUnknownFields", false))
        api_invalid(r, "FieldValueInvalid", STR("spec.preserveUnknownFields"),
                    "Invalid value: true: cannot set to true, set "
                    "x-kubernetes-preserve-unknown-fields to true in "
                    "spec.versions[*].schema instead");
}

static void check_approval(struct api_request *r, const cJSON *tree)
{
    struct str group = json_string_at(tree, "spec.group");
    struct str field = STR("metadata.annotations[" APPROVAL "]");
    struct str value = json_string(json_get(json_path(tree, "metadata.annotations"), APPROVAL));
    static const char *const see = "protected groups must have approval annotation \"" APPROVAL
                                   "\", see https://github.com/kubernetes/enhancements/pull/1111";
    if (!str_ends(group, STR(".k8s.io")) && !str_ends(group, STR(".kubernetes.io")))
        return;
    if (value.n == 0)
        required(r, field, see);
    else if (!str_starts(value, STR("unapproved")) && str_find(value, STR("://")) <= 0)
        invalid_text(r, field, value,
                     "protected groups must have approval annotation \"" APPROVAL
                     "\" with either a URL or a reason starting with \"unapproved\", see "
                     "https://github.com/kubernetes/enhancements/pull/1111");
}

static void check_group(struct api_request *r, struct str group)
{
    if (group.n == 0)
        required(r, STR("spec.group"), NULL);
    else if (!is_subdomain(group))
        invalid_text(r, STR("spec.group"), group, SUBDOMAIN_TEXT);
    else if (str_find_char(group, '.') < 0)
        invalid_text(r, STR("spec.group"), group, "should be a domain with at least one dot");
}

/* What names the stored objects stays. */
static void check_kept(struct api_request *r, const cJSON *tree, const struct kube_object *old)
{
    static const char *const kept[] = {"spec.group", "spec.scope", "spec.names.kind",
                                       "spec.names.plural"};
    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        struct str now = json_string_at(tree, kept[i]);
        if (!str_eq(now, kube_object_string(old, kept[i])))
            invalid_text(r, str_c(kept[i]), now, "field is immutable");
    }
}

void crds_check(struct api_request *r, const cJSON *tree, const struct kube_object *old)
{
    static const char *const scopes[] = {"Cluster", "Namespaced", NULL};
    const cJSON *versions = json_path(tree, "spec.versions"),
                *names = json_path(tree, "spec.names");
    struct str group = json_string_at(tree, "spec.group");
    struct str name = old ? old->name : json_string_at(tree, "metadata.name");
    struct str want = arena_printf(&r->a, STR_FMT "." STR_FMT,
                                   STR_ARG(json_string_at(names, "plural")), STR_ARG(group));
    struct str scope = json_string_at(tree, "spec.scope");
    if (!str_eq(name, want))
        invalid_text(r, STR("metadata.name"), name, "must be spec.names.plural+\".\"+spec.group");
    check_group(r, group);
    if (scope.n == 0)
        required(r, STR("spec.scope"), NULL);
    else
        check_one_of(r, STR("spec.scope"), scope, scopes, "\"Cluster\", \"Namespaced\"");
    const cJSON *old_versions =
        old ? json_path(kube_object_tree(old, &r->a), "spec.versions") : NULL;
    check_versions(r, versions, old_versions);
    check_names(r, names);
    check_shared(r, versions, old_versions);
    check_conversion(r, tree);
    if (old)
        check_kept(r, tree, old);
    check_stored(r, tree, versions);
    check_approval(r, tree);
}
