#include "sim/kubeapi/core/accept.h"

#include "sim/kubeapi/core/request.h"
#include "sim/kubeapi/types/proto.h"

/* ---- clauses ---- */

struct clause {
    struct str type, subtype, params;
    unsigned quality; /* thousandths */
};

/* "0.5" → 500; what is no number is 0, as the reference server reads it. */
static unsigned quality_of(struct str text)
{
    unsigned value = 0, scale = 1000;
    bool fraction = false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '.' && !fraction)
            fraction = true;
        else if (c < '0' || c > '9')
            return 0;
        else if (!fraction)
            value = value < 1000000 ? value * 10 + (unsigned)(c - '0') * 1000 : value;
        else if (scale > 1)
            value += (unsigned)(c - '0') * (scale /= 10);
    }
    return value;
}

/* The next parameter of ";a=b;c=d"; false at the end. What has no '=' is skipped. */
static bool next_param(struct str *rest, struct str *key, struct str *value)
{
    struct str part;
    while (rest->n > 0) {
        (void)str_cut(*rest, ';', &part, rest);
        if (!str_cut(part, '=', key, value))
            continue;
        *key = str_trim(*key);
        *value = str_trim(*value);
        return true;
    }
    return false;
}

static bool parse_clause(struct str part, struct clause *c)
{
    struct str media, key, value;
    (void)str_cut(part, ';', &media, &c->params);
    c->quality = 1000;
    if (!str_cut(media, '/', &c->type, &c->subtype))
        c->subtype = str_eq_c(str_trim(media), "*") ? STR("*") : str_empty;
    c->type = str_trim(c->type);
    c->subtype = str_trim(c->subtype);
    for (struct str rest = c->params; next_param(&rest, &key, &value);)
        if (str_eq_c(key, "q"))
            c->quality = quality_of(value);
    return c->subtype.n > 0;
}

/* Higher quality first, then what names its type, then what names its subtype. */
static bool goes_before(const struct clause *a, const struct clause *b)
{
    if (a->quality != b->quality)
        return a->quality > b->quality;
    if (str_eq_c(a->type, "*") != str_eq_c(b->type, "*"))
        return str_eq_c(b->type, "*");
    return !str_eq_c(a->subtype, "*") && str_eq_c(b->subtype, "*");
}

static size_t parse_clauses(struct str accept, struct clause *list)
{
    struct str part;
    size_t n = 0;
    while (accept.n > 0 && n < API_ACCEPT_CLAUSES_MAX) {
        struct clause c;
        (void)str_cut(accept, ',', &part, &accept);
        if (!parse_clause(part, &c))
            continue;
        size_t at = n++;
        for (; at > 0 && goes_before(&c, &list[at - 1]); at--)
            list[at] = list[at - 1];
        list[at] = c;
    }
    return n;
}

/* ---- which clause can be served ---- */

static const struct {
    const char *subtype;
    bool streams;
} formats[] = {
    [API_FORMAT_JSON] = {"json", true},
    [API_FORMAT_YAML] = {"yaml", false},
    [API_FORMAT_PROTOBUF] = {"vnd.kubernetes.protobuf", true},
};

struct conversion {
    bool any;
    struct str kind, group, version;
};

static bool convert_meta(const struct conversion *c, enum api_format format, struct api_media *out)
{
    if (!str_eq_c(c->group, "meta.k8s.io"))
        return false;
    if (str_eq_c(c->version, "v1"))
        out->as_version = "v1";
    else if (str_eq_c(c->version, "v1beta1"))
        out->as_version = "v1beta1";
    else
        return false;
    if (str_eq_c(c->kind, "Table") && format != API_FORMAT_PROTOBUF)
        out->as = API_AS_TABLE;
    else if (str_eq_c(c->kind, "PartialObjectMetadata"))
        out->as = API_AS_PARTIAL;
    else if (str_eq_c(c->kind, "PartialObjectMetadataList"))
        out->as = API_AS_PARTIAL_LIST;
    return out->as != API_AS_NONE;
}

static bool allows(enum api_endpoint endpoint, const struct conversion *c, enum api_format format,
                   struct api_media *out)
{
    switch (endpoint) {
    case API_ENDPOINT_PLAIN:
        return !c->any;
    case API_ENDPOINT_RESOURCE:
        return !c->any || convert_meta(c, format, out);
    case API_ENDPOINT_CUSTOM:
        return c->any ? convert_meta(c, format, out) : format != API_FORMAT_PROTOBUF;
    case API_ENDPOINT_AGGREGATED:
        out->as = API_AS_AGGREGATED;
        out->as_version = "v2";
        return str_eq_c(c->kind, "APIGroupDiscoveryList") && str_eq_c(c->version, "v2") &&
               str_eq_c(c->group, "apidiscovery.k8s.io") && format != API_FORMAT_PROTOBUF;
    }
    return false;
}

static bool serve(const struct clause *clause, enum api_format format, enum api_endpoint endpoint,
                  struct api_media *out)
{
    struct conversion c = {false, str_empty, str_empty, str_empty};
    struct api_media media = {.format = format};
    struct str key, value;
    for (struct str rest = clause->params; next_param(&rest, &key, &value);) {
        bool as = str_eq_c(key, "as"), group = str_eq_c(key, "g"), version = str_eq_c(key, "v");
        if (as)
            c.kind = value;
        else if (group)
            c.group = value;
        else if (version)
            c.version = value;
        else if (str_eq_c(key, "pretty"))
            media.pretty = str_eq_c(value, "1");
        else if (str_eq_c(key, "stream") && value.n > 0) {
            if (!formats[format].streams || !str_eq_c(value, "watch"))
                return false;
            media.stream = true;
        }
        c.any = c.any || as || group || version;
    }
    if (!allows(endpoint, &c, format, &media))
        return false;
    *out = media;
    return true;
}

bool api_media_choose(struct str accept, enum api_endpoint endpoint, struct api_media *out)
{
    struct clause list[API_ACCEPT_CLAUSES_MAX];
    *out = (struct api_media){0};
    if (accept.n == 0 && endpoint != API_ENDPOINT_AGGREGATED)
        return true;
    size_t n = parse_clauses(accept, list);
    for (size_t i = 0; i < n; i++) {
        bool any = str_eq_c(list[i].type, "*") && str_eq_c(list[i].subtype, "*");
        if (!any && !str_eq_c(list[i].type, "application"))
            continue;
        for (size_t f = 0; f < ARRAY_LEN(formats); f++)
            if ((any || str_eq_c(list[i].subtype, "*") ||
                 str_eq_c(list[i].subtype, formats[f].subtype)) &&
                serve(&list[i], (enum api_format)f, endpoint, out))
                return true;
    }
    return false;
}

/* ---- of requests ---- */

bool api_accept_pretty(struct api_request *r)
{
    static const struct str agents[] = {STR_INIT("curl"), STR_INIT("Wget"),
                                        STR_INIT("Mozilla/5.0")};
    static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True"};
    struct str given;
    if (r->query.n > 0 && api_request_param(r, "pretty", &given) && given.n > 0) {
        for (size_t i = 0; i < ARRAY_LEN(yes); i++)
            if (str_eq_c(given, yes[i]))
                return true;
        return false;
    }
    for (size_t i = 0; i < ARRAY_LEN(agents); i++)
        if (str_starts(r->user_agent, agents[i]))
            return true;
    return false;
}

bool api_kind_has_message(struct kubeapi *api, const struct api_kind *k)
{
    enum { UNKNOWN, YES, NO };
    struct str group = k->group, version = k->version;
    if (k->flags & KIND_CUSTOM)
        return false;
    unsigned char *known = &api->messages[k - api_kinds];
    if (*known == UNKNOWN) {
        if (k->foreign.n > 0)
            (void)kube_api_version_parse(k->foreign, &group, &version);
        const struct type *t = type_builtin(group, version, k->kind);
        *known = t && proto_knows(t) ? YES : NO;
    }
    return *known == YES;
}

void api_accept_default(struct api_request *r)
{
    bool ok = api_media_choose(r->accept, API_ENDPOINT_PLAIN, &r->media);
    r->media.pretty = !ok || r->media.pretty || api_accept_pretty(r);
}
