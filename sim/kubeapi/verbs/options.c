#include "sim/kubeapi/verbs/options.h"

#include "sim/kubeapi/core/body.h"
#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/objects/managed.h"
#include "sim/kubeapi/types/decode.h"
#include "sim/kubeapi/verbs/patch.h"

#include <string.h>

#define META_OPTIONS(name)                                                                         \
    {                                                                                              \
        .group = STR_INIT("meta.k8s.io"), .kind = STR_INIT(name)                                   \
    }

static const struct api_kind create_options = META_OPTIONS("CreateOptions"),
                             update_options = META_OPTIONS("UpdateOptions"),
                             patch_options = META_OPTIONS("PatchOptions"),
                             delete_options = META_OPTIONS("DeleteOptions"),
                             list_options = META_OPTIONS("ListOptions");

/* ---- numbers ---- */

/* False: answered. *given stays false when the parameter is not there. */
static bool read_number(struct api_request *r, const char *name, int64_t *out, bool *given)
{
    struct str v;
    struct buf quoted = {0};
    *given = api_request_param(r, name, &v);
    if (!*given || str_to_i64(v, out))
        return true;
    json_write_string(&quoted, v);
    bool ok = api_fail_bad(r, "strconv.ParseInt: parsing " STR_FMT ": invalid syntax",
                           STR_ARG(buf_str(&quoted)));
    buf_free(&quoted);
    return ok;
}

/* ---- writes ---- */

static void check_manager(struct api_request *r)
{
    struct str name = api_request_param_or_empty(r, "fieldManager"), field = STR("fieldManager");
    if (name.n > MANAGED_NAME_MAX)
        api_invalid(r, "FieldValueTooLong", field, "Too long: may not be more than %u bytes",
                    MANAGED_NAME_MAX);
    for (size_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i];
        if (c >= 0x20 && c != 0x7f)
            continue;
        struct buf quoted = {0};
        json_write_string(&quoted, name);
        api_invalid(r, "FieldValueInvalid", field,
                    "Invalid value: " STR_FMT ": invalid character U+%04X (at position %zu)",
                    STR_ARG(buf_str(&quoted)), c, i);
        buf_free(&quoted);
    }
}

/* Each value must be All; what was said is told as a list. */
static void check_dry_run(struct api_request *r, const struct str *values, size_t n)
{
    struct buf list = {0};
    bool fine = true;
    buf_add_char(&list, '[');
    for (size_t i = 0; i < n; i++) {
        fine = fine && str_eq_c(values[i], "All");
        buf_add_c(&list, i > 0 ? "," : "");
        json_write_string(&list, values[i]);
    }
    if (!fine)
        api_invalid(r, "FieldValueNotSupported", STR("dryRun"),
                    "Unsupported value: " STR_FMT "]: supported values: \"All\"",
                    STR_ARG(buf_str(&list)));
    r->dry_run = n > 0 || r->lost_write;
    buf_free(&list);
}

static void check_dry_run_query(struct api_request *r)
{
    struct str rest = r->query, *values = NULL, value;
    size_t n = 0;
    while (api_request_param_next(r, "dryRun", &rest, &value)) {
        struct str *more = ARENA_NEW_ARRAY(&r->a, struct str, n + 1);
        for (size_t i = 0; i < n; i++)
            more[i] = values[i];
        values = more;
        values[n++] = value;
        if (n == API_PROBLEMS_MAX)
            break;
    }
    check_dry_run(r, values, n);
}

static void check_validation(struct api_request *r)
{
    struct str v = api_request_param_or_empty(r, "fieldValidation");
    struct buf quoted = {0};
    if (v.n == 0 || str_eq_c(v, "Ignore") || str_eq_c(v, "Strict") || str_eq_c(v, "Warn"))
        return;
    json_write_string(&quoted, v);
    api_invalid(r, "FieldValueNotSupported", STR("fieldValidation"),
                "Unsupported value: " STR_FMT
                ": supported values: \"\", \"Ignore\", \"Strict\", \"Warn\"",
                STR_ARG(buf_str(&quoted)));
    buf_free(&quoted);
}

bool api_options_write(struct api_request *r)
{
    bool applying = r->verb == VERB_PATCH && api_patch_is_apply(r);
    struct str force;
    r->dry_run = r->lost_write;
    if (r->verb != VERB_CREATE && r->verb != VERB_UPDATE && r->verb != VERB_PATCH)
        return true;
    if (r->query.n == 0 && !applying)
        return true;
    if (r->verb == VERB_PATCH && !applying && api_request_param(r, "force", &force))
        api_invalid(r, "FieldValueForbidden", STR("force"),
                    "Forbidden: may not be specified for non-apply patch");
    if (applying && api_request_param_or_empty(r, "fieldManager").n == 0)
        api_invalid(r, "FieldValueRequired", STR("fieldManager"),
                    "Required value: is required for apply patch");
    check_manager(r);
    check_dry_run_query(r);
    check_validation(r);
    return api_invalid_end(r,
                           r->verb == VERB_CREATE   ? &create_options
                           : r->verb == VERB_UPDATE ? &update_options
                                                    : &patch_options,
                           str_empty);
}

/* ---- deletions ---- */

/* A 500 without reason, as every error of decoding these options is. */
static bool refuse_body(struct api_request *r, const cJSON *body, const struct type *t)
{
    struct str kind = json_string_at(body, "kind"), version = json_string_at(body, "apiVersion");
    bool another = (kind.n > 0 && !str_eq_c(kind, "DeleteOptions")) || !t;
    if (body->type != cJSON_Object)
        return api_fail_plain(r, 500, "",
                              "couldn't get version/kind; json parse error: json: cannot unmarshal "
                              "%s into Go value of type struct { APIVersion string "
                              "\"json:\\\"apiVersion,omitempty\\\"\"; Kind string "
                              "\"json:\\\"kind,omitempty\\\"\" }",
                              api_body_json_name(body));
    if (another)
        return api_fail_plain(
            r, 500, "",
            "no kind \"" STR_FMT "\" is registered for version \"" STR_FMT
            "\" in scheme \"pkg/apis/meta/internalversion/scheme/register.go:27\"",
            STR_ARG(kind.n > 0 ? kind : STR("DeleteOptions")),
            STR_ARG(version.n > 0 ? version : STR("v1")));
    return true;
}

/* Typed clients write the group of what they delete, also of a custom resource. */
static const struct type *options_type(const struct api_request *r, const cJSON *body)
{
    struct str version = json_string_at(body, "apiVersion"), group = str_empty, rest;
    if (str_find_char(version, '/') >= 0) {
        (void)str_cut(version, '/', &group, &rest);
        if (!api_group_known(group, str_empty) && !str_eq_c(group, "meta.k8s.io") &&
            !str_eq(group, r->kind->group))
            return NULL;
    } else if (version.n > 0 && !str_eq_c(version, "v1")) {
        return NULL;
    }
    return type_builtin(str_empty, STR("v1"), STR("DeleteOptions"));
}

static bool decode_body(struct api_request *r, cJSON **body)
{
    struct decode_report report = {0};
    if (!api_body_options(r, body))
        return false;
    if ((*body)->type == cJSON_NULL)
        *body = json_object(&r->a);
    const struct type *t = options_type(r, *body);
    if (!refuse_body(r, *body, t))
        return false;
    if (type_decode(&r->a, t, *body, &report))
        return true;
    return api_fail_plain(r, 500, "", STR_FMT, STR_ARG(report.error));
}

static bool from_body(struct api_request *r, struct delete_options *o, const cJSON **orphan)
{
    cJSON *body = NULL;
    struct str values[API_PROBLEMS_MAX];
    size_t n = 0;
    if (!decode_body(r, &body))
        return false;
    o->grace_s = json_int_at(body, "gracePeriodSeconds", o->grace_s);
    o->propagation = json_string_at(body, "propagationPolicy");
    o->has_propagation = json_get(body, "propagationPolicy") != NULL;
    o->uid = json_string_at(body, "preconditions.uid");
    o->resource_version = json_string_at(body, "preconditions.resourceVersion");
    *orphan = json_get(body, "orphanDependents");
    const cJSON *dry = json_get(body, "dryRun");
    for (const cJSON *d = dry ? dry->child : NULL; d && n < ARRAY_LEN(values); d = d->next)
        values[n++] = json_string(d);
    check_dry_run(r, values, n);
    return true;
}

static bool from_query(struct api_request *r, struct delete_options *o, const cJSON **orphan)
{
    struct str v;
    bool given;
    o->has_propagation = api_request_param(r, "propagationPolicy", &o->propagation);
    if (api_request_param(r, "orphanDependents", &v))
        *orphan = json_bool_new(&r->a, api_request_flag(r, "orphanDependents"));
    check_dry_run_query(r);
    return read_number(r, "gracePeriodSeconds", &o->grace_s, &given);
}

bool api_options_delete(struct api_request *r, struct delete_options *o)
{
    const cJSON *orphan = NULL;
    *o = (struct delete_options){
        .propagation = str_empty, .uid = str_empty, .resource_version = str_empty, .grace_s = -1};
    if (!(r->body.n > 0 ? from_body(r, o, &orphan) : from_query(r, o, &orphan)))
        return false;
    struct str policy = o->propagation;
    bool known = str_eq_c(policy, "Background") || str_eq_c(policy, "Foreground") ||
                 str_eq_c(policy, "Orphan");
    if (orphan && o->has_propagation)
        api_invalid(r, "FieldValueInvalid", STR("propagationPolicy"),
                    "Invalid value: \"" STR_FMT
                    "\": orphanDependents and deletionPropagation cannot be both set",
                    STR_ARG(policy));
    if (o->has_propagation && !known)
        api_invalid(r, "FieldValueNotSupported", STR("propagationPolicy"),
                    "Unsupported value: \"" STR_FMT "\": supported values: \"Foreground\", "
                    "\"Background\", \"Orphan\", \"nil\"",
                    STR_ARG(policy));
    if (orphan && !o->has_propagation)
        o->propagation = orphan->type == cJSON_True ? STR("Orphan") : STR("Background");
    return api_invalid_end(r, &delete_options, str_empty);
}

/* ---- lists and watches ---- */

static void forbid(struct api_request *r, const char *field, const char *why)
{
    api_invalid(r, "FieldValueForbidden", str_c(field), "Forbidden: %s", why);
}

static void check_list(struct api_request *r, const struct list_options *o, bool send_given)
{
    static const char match[] = "resourceVersionMatch";
    bool exact = str_eq_c(o->match, "Exact");
    if (o->match.n > 0 && o->resource_version.n == 0)
        forbid(r, match, "resourceVersionMatch is forbidden unless resourceVersion is provided");
    if (o->match.n > 0 && o->token.n > 0)
        forbid(r, match, "resourceVersionMatch is forbidden when continue is provided");
    if (o->match.n > 0 && !exact && !str_eq_c(o->match, "NotOlderThan"))
        api_invalid(r, "FieldValueNotSupported", str_c(match),
                    "Unsupported value: \"" STR_FMT
                    "\": supported values: \"Exact\", \"NotOlderThan\", \"\"",
                    STR_ARG(o->match));
    if (exact && str_eq_c(o->resource_version, "0"))
        forbid(r, match, "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"");
    if (send_given)
        forbid(r, "sendInitialEvents", "sendInitialEvents is forbidden for list");
}

static void check_watch(struct api_request *r, const struct list_options *o, bool send_given)
{
    static const char field[] = "resourceVersionMatch";
    struct str match = o->match;
    /* Watches of the present state are such that send initial events, unless something else is said. */
    if (!send_given && match.n == 0 &&
        (o->resource_version.n == 0 || str_eq_c(o->resource_version, "0"))) {
        send_given = true;
        match = STR("NotOlderThan");
    }
    bool fits = str_eq_c(match, "NotOlderThan");
    if (send_given && !fits)
        forbid(r, field, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
    if (match.n > 0 && !send_given)
        forbid(r, field,
               "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
    if (match.n > 0 && !fits)
        api_invalid(r, "FieldValueNotSupported", str_c(field),
                    "Unsupported value: \"" STR_FMT "\": supported values: \"NotOlderThan\"",
                    STR_ARG(match));
    if (match.n > 0 && o->token.n > 0)
        forbid(r, field, "resourceVersionMatch is forbidden when continue is provided");
}

bool api_options_list(struct api_request *r, struct list_options *o)
{
    int64_t limit = 0;
    bool given;
    struct str v;
    *o = (struct list_options){
        .resource_version = str_empty, .match = str_empty, .token = str_empty};
    if (r->query.n == 0)
        return true;
    if (!read_number(r, "limit", &limit, &given) ||
        !read_number(r, "timeoutSeconds", &o->timeout_s, &o->has_timeout))
        return false;
    o->limit = limit > 0 ? (size_t)limit : 0;
    o->resource_version = api_request_param_or_empty(r, "resourceVersion");
    o->match = api_request_param_or_empty(r, "resourceVersionMatch");
    o->token = api_request_param_or_empty(r, "continue");
    bool send_given = api_request_param(r, "sendInitialEvents", &v);
    o->initial_events = send_given && api_request_flag(r, "sendInitialEvents");
    o->no_initial_events = send_given && !o->initial_events;
    if (r->verb == VERB_WATCH)
        check_watch(r, o, send_given);
    else
        check_list(r, o, send_given);
    return api_invalid_end(r, &list_options, str_empty);
}

/* ---- timeout ---- */

/* What Go says about a text that is no duration. */
static void describe_duration(struct str text, struct buf *out)
{
    static const char units[] = " ns us ms s m h ";
    struct buf word = {.max = 64};
    size_t i = text.n > 0 && (text.p[0] == '-' || text.p[0] == '+') ? 1 : 0, unit;
    while (i < text.n) {
        size_t digits = 0;
        for (; i < text.n && ((text.p[i] >= '0' && text.p[i] <= '9') || text.p[i] == '.'); i++)
            digits += text.p[i] != '.';
        if (digits == 0)
            break;
        for (unit = i; i < text.n && text.p[i] != '.' && (text.p[i] < '0' || text.p[i] > '9');)
            i++;
        struct str name = str_sub(text, unit, i);
        buf_clear(&word);
        if (name.n == 0)
            buf_add_c(out, "time: missing unit in duration ");
        else if (name.n > 2 || (buf_addf(&word, " " STR_FMT " ", STR_ARG(name)),
                                str_find(str_c(units), buf_str(&word)) < 0)) {
            buf_add_c(out, "time: unknown unit ");
            json_write_string(out, name);
            buf_add_c(out, " in duration ");
        } else {
            continue;
        }
        break;
    }
    if (out->n == 0)
        buf_add_c(out, "time: invalid duration ");
    json_write_string(out, text);
    buf_free(&word);
}

bool api_options_timeout(struct api_request *r, int64_t *ns)
{
    struct str text = r->query.n > 0 ? api_request_param_or_empty(r, "timeout") : str_empty;
    struct buf why = {0};
    *ns = 0;
    bool days = str_find_char(text, 'd') >= 0; /* known to duration_parse, not to Go */
    if (text.n == 0 || str_eq_c(text, "0") || (!days && duration_parse(text, ns)))
        return true;
    describe_duration(text, &why);
    bool ok = api_fail_bad(r, "invalid timeout specified in the request URL - " STR_FMT,
                           STR_ARG(buf_str(&why)));
    buf_free(&why);
    return ok;
}
