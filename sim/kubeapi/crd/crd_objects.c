/* The objects of custom resources: into the shape of their version when they come, out of the stored one when they go. */
#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/crd/crd_convert.h"
#include "sim/kubeapi/crd/crd_internal.h"
#include "sim/kubeapi/kinds/convert.h"
#include "sim/kubeapi/types/decode.h"
#include "sim/kubeapi/types/prune.h"

#include <string.h>

/* ---- coming in ---- */

static void note_unknown(struct arena *a, const struct prune_report *unknown,
                         struct decode_report *report)
{
    if (unknown->n > 0 && !report->strict) {
        report->strict = ARENA_NEW_ARRAY(a, struct str, DECODE_STRICT_MAX);
        report->strict_keys = ARENA_NEW_ARRAY(a, const char *, DECODE_STRICT_MAX);
    }
    for (size_t i = 0; i < unknown->n && report->strict_n < DECODE_STRICT_MAX; i++)
        report->strict[report->strict_n++] =
            arena_printf(a, "unknown field \"" STR_FMT "\"", STR_ARG(unknown->unknown[i]));
}

const cJSON *crds_decode(struct api_request *r, const struct api_kind *k, cJSON *tree,
                         struct decode_report *report)
{
    if (r->system && crd_version_of(k)->open)
        return NULL;
    bool patch = r->verb == VERB_PATCH && !r->system &&
                 str_eq_c(api_request_param_or_empty(r, "fieldValidation"), "Strict");
    const cJSON *whole =
        patch ? json_copy(&r->a, tree) : NULL; /* a refused patch shows all of it */
    struct prune_report *unknown = ARENA_NEW(&r->a, struct prune_report);
    unknown->a = &r->a;
    (void)type_prune(&r->a, crds_type(k), tree, PRUNE_ALL, unknown);
    if (!r->system)
        note_unknown(&r->a, unknown, report);
    return unknown->n > 0 ? whole : NULL;
}

void crds_prune(struct arena *a, const struct api_kind *k, cJSON *tree)
{
    (void)type_prune(a, crds_type(k), tree, PRUNE_ALL, NULL);
}

void crds_fill(struct arena *a, const struct api_kind *k, cJSON *tree)
{
    (void)type_prune(a, crds_type(k), tree, PRUNE_NULLS | PRUNE_DEFAULTS | PRUNE_NUMBERS, NULL);
}

/* ---- validation ---- */

static void check_replicas(struct type_report *report, const cJSON *tree, struct str text,
                           const struct jsonpath *path)
{
    const cJSON *v = jsonpath_first(path, tree);
    int64_t n;
    if (!v || !json_int(v, &n))
        return;
    if (n < 0)
        type_report_add(report, 0, "FieldValueInvalid", text,
                        "Invalid value: %lld: should be a non-negative integer", (long long)n);
    else if (n > INT32_MAX)
        type_report_add(report, 0, "FieldValueInvalid", text,
                        "Invalid value: %lld: should be less than or equal to 2147483647",
                        (long long)n);
}

static void check_parts(const struct api_kind *k, const cJSON *tree, const cJSON *before,
                        enum write_scope scope, struct type_report *report)
{
    const struct type *t = crds_type(k);
    const struct crd_scale *scale = crds_scale(k);
    const struct type_check check = {.cel = crds_cel(), .keys_held = true};
    const struct type_field *status =
        scope == WRITE_STATUS ? type_field_find(t, STR("status")) : NULL;
    const cJSON *v = status ? json_get(tree, "status") : NULL;
    const struct type_path at = {NULL, STR("status"), 0};
    report->n = 0;
    report->cel_cost = 0;
    report->cel_over = false;
    report->warnings_n = 0;
    if (scope != WRITE_STATUS)
        type_validate(&check, t, tree, before, NULL, report);
    else if (v)
        type_validate(&check, status->type, v, before ? json_get(before, "status") : NULL, &at,
                      report);
    if (scale && scope != WRITE_STATUS)
        check_replicas(report, tree, scale->spec_text, scale->spec);
    if (scale)
        check_replicas(report, tree, scale->status_text, scale->status);
}

/* Takes back what was found in one of the rounds. */
static void report_drop(struct type_report *report, unsigned rank)
{
    size_t n = 0;
    for (size_t i = 0; i < report->n; i++)
        if (report->list[i].rank != rank)
            report->list[n++] = report->list[i];
    report->n = n;
}

/* Duplicates in lists are let be where the old object had some. */
static void forgive_lists(const struct type *t, const cJSON *before, struct type_report *report)
{
    size_t lists = 0;
    for (size_t i = 0; i < report->n; i++)
        lists += report->list[i].rank == TYPE_RANK_LISTS;
    if (lists > 0 && !type_keys_hold(t, before))
        report_drop(report, TYPE_RANK_LISTS);
}

/* What makes an object unfit for rules: they could not rely on its shape. */
static bool blocks_rules(const struct type_report *report)
{
    static const char *const reasons[] = {"FieldValueNotSupported", "FieldValueRequired",
                                          "FieldValueTooLong", "FieldValueTooMany",
                                          "FieldValueTypeInvalid"};
    for (size_t i = 0; i < report->n; i++)
        for (size_t k = 0; report->list[i].rank != TYPE_RANK_RULES && k < ARRAY_LEN(reasons); k++)
            if (strcmp(report->list[i].reason, reasons[k]) == 0)
                return true;
    return false;
}

/* Says that rules were not looked at, instead of what they said. */
static void leave_rules_out(struct type_report *report)
{
    report_drop(report, TYPE_RANK_RULES);
    report->warnings_n = 0;
    type_report_add(report, TYPE_RANK_RULES, "FieldValueInvalid", STR("<nil>"),
                    "Invalid value: \"null\": some validation rules were not checked because the "
                    "object was invalid; correct the existing errors to complete validation");
}

void crds_validate(struct api_request *r, const struct api_kind *k, const cJSON *tree,
                   const struct kube_object *old, enum write_scope scope)
{
    if (!k->crd || (crd_version_of(k)->open && !crds_scale(k)))
        return;
    struct type_report *report = ARENA_NEW(&r->a, struct type_report);
    report->a = &r->a;
    bool compare = old && crd_version_of(k)->rules; /* some look at what was there */
    check_parts(k, tree, compare ? crds_tree(k, old, &r->a) : NULL, scope, report);
    if (report->n > 0 && old) { /* only now does it matter what was there before */
        const cJSON *before = crds_tree(k, old, &r->a);
        check_parts(k, tree, before, scope, report);
        forgive_lists(crds_type(k), before, report);
    }
    if (crd_version_of(k)->rules && blocks_rules(report))
        leave_rules_out(report);
    for (size_t i = 0; i < report->warnings_n; i++)
        api_warn(r, STR_FMT, STR_ARG(report->warnings[i]));
    type_report_sort(report);
    for (size_t i = 0; i < report->n; i++)
        api_invalid(r, report->list[i].reason, report->list[i].field, STR_FMT,
                    STR_ARG(report->list[i].message));
}

/* ---- versions ---- */

static struct str api_version(struct arena *a, struct str group, struct str version)
{
    return arena_printf(a, STR_FMT "/" STR_FMT, STR_ARG(group), STR_ARG(version));
}

void crds_to_storage(struct arena *a, const struct api_kind *k, cJSON *tree)
{
    if (k->crd && !str_eq(k->version, k->crd->storage_version) && k->crd->storage_version.n > 0)
        json_set_str(a, tree, "apiVersion", api_version(a, k->group, k->crd->storage_version));
}

bool crds_begin(struct api_request *r)
{
    const struct api_kind *k = r->kind;
    struct str warning = crds_deprecation(k);
    if (warning.n > 0)
        api_warn(r, STR_FMT, STR_ARG(warning));
    struct kube_object *o = crds_converts(k) && r->p.name.n > 0 && r->table
                                ? store_get(r->table, r->ns, r->p.name)
                                : NULL;
    return !o || crds_ready(r, &o, 1);
}

/* Stored in this very version. */
static bool same_version(const struct api_kind *k, const struct kube_object *o)
{
    struct str v = o->api_version;
    return v.n == k->group.n + 1 + k->version.n && str_starts(v, k->group) &&
           str_ends(v, k->version);
}

bool crds_as_stored(const struct api_kind *k, const struct kube_object *o)
{
    if (!k->crd)
        return !convert_needed(k);
    const struct crd_version *x = crd_version_of(k);
    if (k->crd->webhook && !same_version(k, o))
        return false;
    if (x->open)
        return true;
    return o->resource_version > k->crd->schema_changed &&
           x->schema_hash == crd_storage_hash(k->crd);
}

/* NULL: no webhook made anything of it. */
static cJSON *tree_shown(const struct api_kind *k, const struct kube_object *o, struct arena *a)
{
    struct str json = crds_converts(k) && !same_version(k, o) ? crds_shown(k, o) : str_empty;
    cJSON *tree = NULL;
    if (json.n == 0)
        return NULL;
    struct err *err = json_parse(a, json, &tree);
    BUG_ON(err, "what was written is JSON");
    return tree;
}

cJSON *crds_tree(const struct api_kind *k, const struct kube_object *o, struct arena *a)
{
    cJSON *tree = tree_shown(k, o, a);
    if (tree)
        return tree;
    tree = kube_object_tree(o, a);
    if (!k->crd) {
        convert_to_shown(a, k, tree);
        return tree;
    }
    json_set_str(a, tree, "apiVersion", api_version(a, k->group, k->version));
    if (!crds_as_stored(k, o))
        (void)type_prune(a, crds_type(k), tree, PRUNE_ALL, NULL);
    return tree;
}

/* A view into the object's JSON as an offset; false: it was decoded elsewhere. */
static bool offset_in(const struct kube_object *o, struct str part, size_t *at)
{
    if (part.n == 0 || part.p < o->json.p || part.p >= o->json.p + o->json.n)
        return false;
    *at = (size_t)(part.p - o->json.p);
    return true;
}

void api_object_write(const struct api_kind *k, const struct kube_object *o, bool bare_item,
                      struct buf *out)
{
    static const size_t version_key = sizeof("\"apiVersion\":\"") - 1;
    static const size_t kind_key = sizeof("\"kind\":\"") - 1;
    size_t version, kind, from = 0;
    if (!crds_as_stored(k, o)) {
        struct arena a = {0};
        cJSON *tree = crds_tree(k, o, &a);
        if (bare_item) {
            (void)json_unset(tree, STR("apiVersion"));
            (void)json_unset(tree, STR("kind"));
        }
        json_write(out, tree);
        arena_free(&a);
        return;
    }
    if (!offset_in(o, o->api_version, &version) || !offset_in(o, o->kind, &kind)) {
        buf_add(out, o->json);
        return;
    }
    if (bare_item) { /* both members go, each with the comma behind it (metadata always follows) */
        buf_add(out, str_sub(o->json, 0, version - version_key));
        from = version + o->api_version.n + 2;
        buf_add(out, str_sub(o->json, from, kind - kind_key - from));
        from = kind + o->kind.n + 2;
    } else {
        struct buf shown = {.max = 1024};
        kube_api_version_write(k->group, k->version, &shown);
        if (!str_eq(buf_str(&shown), o->api_version)) {
            buf_add(out, str_sub(o->json, 0, version));
            buf_add(out, buf_str(&shown));
            from = version + o->api_version.n;
        }
        buf_free(&shown);
    }
    buf_add(out, str_sub(o->json, from, o->json.n));
}
