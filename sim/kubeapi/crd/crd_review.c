#include "sim/kubeapi/crd/crd_review.h"

/* ---- the question ---- */

void crd_review_write(const struct crd_review *v, const cJSON *versions, struct buf *out)
{
    struct str version = STR("v1");
    for (const cJSON *c = versions ? versions->child : NULL; c; c = c->next) {
        if (!str_eq_c(json_string(c), "v1") && !str_eq_c(json_string(c), "v1beta1"))
            continue;
        version = json_string(c);
        break;
    }
    buf_addf(out,
             "{\"kind\":\"ConversionReview\",\"apiVersion\":\"apiextensions.k8s.io/" STR_FMT
             "\",\"request\":{\"uid\":\"" STR_FMT "\",\"desiredAPIVersion\":",
             STR_ARG(version), STR_ARG(v->uid));
    json_write_string(out, v->version);
    buf_add_c(out, ",\"objects\":[");
    for (size_t i = 0; i < v->n; i++) {
        if (i > 0)
            buf_add_char(out, ',');
        json_write(out, v->objects[i]);
    }
    buf_add_c(out, "]}}");
}

/* ---- one object of the answer ---- */

static const char *go_type(const cJSON *v)
{
    return !v || v->type == cJSON_NULL            ? "<nil>"
           : json_is_string(v)                    ? "string"
           : v->type == cJSON_Array               ? "[]interface {}"
           : v->type == cJSON_Object              ? "map[string]interface {}"
           : v->type & (cJSON_True | cJSON_False) ? "bool"
                                                  : "int64";
}

static struct str check_same(struct arena *a, const cJSON *in, const cJSON *out)
{
    static const struct {
        const char *path, *name;
    } rows[] = {{"kind", "kind"},
                {"metadata.name", "name"},
                {"metadata.namespace", "namespace"},
                {"metadata.uid", "UID"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str was = json_string_at(in, rows[i].path), is = json_string_at(out, rows[i].path);
        if (!str_eq(was, is))
            return arena_printf(a, "must have the same %s: " STR_FMT " != " STR_FMT, rows[i].name,
                                STR_ARG(was), STR_ARG(is));
    }
    return str_empty;
}

/* Labels or annotations of what came back, into the metadata that was there. */
static struct str take_strings(struct arena *a, const cJSON *from, cJSON *metadata,
                               const char *name)
{
    const cJSON *v = json_get(from, name);
    if (!v || v->type == cJSON_NULL) {
        (void)json_unset(metadata, str_c(name));
        return str_empty;
    }
    if (v->type != cJSON_Object)
        return arena_printf(a, "invalid metadata.%s of type %s in converted object", name,
                            go_type(v));
    for (const cJSON *c = v->child; c; c = c->next)
        if (!json_is_string(c))
            return arena_printf(a,
                                "metadata.%s[%s] must be a string, but is %s in converted object",
                                name, c->string, go_type(c));
    json_set(a, metadata, str_c(name), json_copy(a, v));
    return str_empty;
}

static struct str restore_metadata(struct arena *a, const cJSON *in, cJSON *out)
{
    const cJSON *given = json_get(out, "metadata");
    cJSON *metadata = json_copy(a, json_get(in, "metadata"));
    if (!given)
        return STR("missing metadata in converted object");
    if (given->type != cJSON_Object)
        return arena_printf(a, "invalid metadata of type %s in converted object", go_type(given));
    struct str wrong = take_strings(a, given, metadata, "labels");
    if (wrong.n == 0)
        wrong = take_strings(a, given, metadata, "annotations");
    json_set(a, out, STR("metadata"), metadata);
    return wrong;
}

/* In the words for one object, or for the i-th of several. */
static struct str read_one(const struct crd_review *v, size_t i, const cJSON *given)
{
    struct arena *a = v->a;
    const cJSON *in = v->objects[i];
    bool many = v->n > 1;
    struct str at = many ? arena_printf(a, " converted object at index %zu", i) : STR(" object");
    struct str first = many ? at : STR(" object at index 0");
    if (!given || given->type != cJSON_Object)
        return arena_printf(a,
                            "returned invalid" STR_FMT ": json: cannot unmarshal %s into Go value "
                            "of type map[string]interface {}",
                            STR_ARG(first), go_type(given));
    cJSON *out = v->converted[i] = json_copy(a, given);
    struct str version = json_string_at(out, "apiVersion"), kind = json_string_at(out, "kind");
    if (kind.n == 0)
        return arena_printf(a, "returned invalid" STR_FMT ": Object 'Kind' is missing",
                            STR_ARG(first));
    if (!str_eq(version, v->version))
        return arena_printf(a,
                            "returned invalid" STR_FMT ": invalid groupVersion (expected " STR_FMT
                            ", received " STR_FMT ")",
                            STR_ARG(first), STR_ARG(v->version), STR_ARG(version));
    if (!str_eq(kind, json_string_at(in, "kind")))
        return arena_printf(a,
                            "returned invalid" STR_FMT ": invalid kind (expected " STR_FMT
                            ", received " STR_FMT ")",
                            STR_ARG(first), STR_ARG(json_string_at(in, "kind")), STR_ARG(kind));
    struct str wrong = check_same(a, in, out);
    if (wrong.n > 0)
        return arena_printf(a, "returned invalid" STR_FMT ": " STR_FMT, STR_ARG(at),
                            STR_ARG(wrong));
    wrong = restore_metadata(a, in, out);
    if (wrong.n == 0)
        return str_empty;
    return many ? arena_printf(a, "returned invalid metadata in object at index %zu: " STR_FMT, i,
                               STR_ARG(wrong))
                : arena_printf(a, "returned invalid metadata: " STR_FMT, STR_ARG(wrong));
}

/* ---- the whole ---- */

static struct str check_answer(const struct crd_review *v, const cJSON *answer)
{
    struct arena *a = v->a;
    const cJSON *response = json_get(answer, "response");
    struct str api = json_string_at(answer, "apiVersion"), kind = json_string_at(answer, "kind");
    struct str status = json_string_at(response, "result.status");
    bool old = str_eq_c(api, "apiextensions.k8s.io/v1beta1"); /* it promised less */
    if (!old && (!str_eq_c(api, "apiextensions.k8s.io/v1") || !str_eq_c(kind, "ConversionReview")))
        return arena_printf(a,
                            "expected webhook response of apiextensions.k8s.io/v1, "
                            "Kind=ConversionReview, got " STR_FMT ", Kind=" STR_FMT,
                            STR_ARG(api), STR_ARG(kind));
    if (!response || response->type != cJSON_Object)
        return STR("no response provided");
    if (!old && !str_eq(json_string_at(response, "uid"), v->uid))
        return arena_printf(a, "expected response.uid=\"" STR_FMT "\", got \"" STR_FMT "\"",
                            STR_ARG(v->uid), STR_ARG(json_string_at(response, "uid")));
    if (str_eq_c(status, "Success"))
        return str_empty;
    if (json_string_at(response, "result.message").n > 0)
        return json_string_at(response, "result.message");
    return arena_printf(a, "response.result.status was '" STR_FMT "', not 'Success'",
                        STR_ARG(status));
}

static struct str of_kind(const struct crd_review *v, struct str text)
{
    const cJSON *in = v->objects[0];
    return arena_printf(v->a, "conversion webhook for " STR_FMT ", Kind=" STR_FMT "%s " STR_FMT,
                        STR_ARG(json_string_at(in, "apiVersion")),
                        STR_ARG(json_string_at(in, "kind")), v->n > 1 ? "List" : "", STR_ARG(text));
}

struct str crd_review_read(const struct crd_review *v, struct str error, const cJSON *answer)
{
    struct arena *a = v->a;
    struct str wrong = error.n > 0 ? error : check_answer(v, answer);
    if (wrong.n > 0)
        return of_kind(v, arena_printf(a, "failed: " STR_FMT, STR_ARG(wrong)));
    const cJSON *list = json_path(answer, "response.convertedObjects");
    const cJSON *given = list && list->type == cJSON_Array ? list->child : NULL;
    size_t n = 0;
    for (const cJSON *c = given; c; c = c->next)
        n++;
    if (n != v->n)
        return of_kind(v, arena_printf(a, "returned %zu objects, expected %zu", n, v->n));
    for (size_t i = 0; i < n; i++, given = given->next) {
        wrong = read_one(v, i, given);
        if (wrong.n > 0)
            return of_kind(v, wrong);
    }
    return str_empty;
}
