/* What a request's Accept header makes of its answer, or the 406: the router's look at bare types, then the choice. */
#include "sim/kubeapi/core/accept.h"
#include "sim/kubeapi/core/reply.h"

#define ACCEPT_TYPES "application/json, application/yaml, application/vnd.kubernetes.protobuf"
#define STREAM_TYPES                                                                               \
    "application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch"

static bool router_serves(struct str accept)
{
    struct str part, bare, params;
    if (str_trim(accept).n == 0)
        return true;
    while (accept.n > 0) {
        (void)str_cut(accept, ',', &part, &accept);
        (void)str_cut(str_trim(part), ';', &bare, &params);
        if (str_eq_c(bare, "*/*") || str_eq_c(bare, "application/json") ||
            str_eq_c(bare, "application/yaml") ||
            str_eq_c(bare, "application/vnd.kubernetes.protobuf"))
            return true;
    }
    return false;
}

static bool fail_router(struct api_request *r, bool streams)
{
    return api_fail_undetailed(
        r, 406, "NotAcceptable",
        streams ? STR("406: Not Acceptable\n\nAvailable representations: " ACCEPT_TYPES
                      ", " STREAM_TYPES)
                : STR("406: Not Acceptable\n\nAvailable representations: " ACCEPT_TYPES));
}

static bool fail_choice(struct api_request *r, const char *types)
{
    return api_fail_plain(r, 406, "NotAcceptable",
                          "only the following media types are accepted: %s", types);
}

bool api_accept_resource(struct api_request *r)
{
    bool custom = (r->kind->flags & KIND_CUSTOM) != 0;
    bool collection = r->verb == VERB_LIST || r->verb == VERB_WATCH;
    struct api_media media;
    if (r->accept.n == 0 || str_eq_c(r->accept, "application/json"))
        return true;
    if (!custom && !router_serves(r->accept))
        return fail_router(r, collection);
    bool message = api_kind_has_message(r->api, r->kind);
    bool plain = (r->kind->flags & KIND_VIRTUAL) != 0;
    enum api_endpoint endpoint = plain     ? API_ENDPOINT_PLAIN
                                 : message ? API_ENDPOINT_RESOURCE
                                           : API_ENDPOINT_CUSTOM;
    bool ok = api_media_choose(r->accept, endpoint, &media);
    if (r->verb == VERB_WATCH && (!ok || media.format == API_FORMAT_YAML))
        return fail_choice(r, STREAM_TYPES);
    if (!ok)
        return fail_choice(r, ACCEPT_TYPES);
    media.pretty = media.pretty || api_accept_pretty(r);
    r->media = media;
    return true;
}

bool api_accept_discovery(struct api_request *r, bool routed, bool aggregated)
{
    struct api_media media;
    if (r->accept.n == 0)
        return true;
    if (routed && !router_serves(r->accept))
        return fail_router(r, false);
    bool ok = aggregated && api_media_choose(r->accept, API_ENDPOINT_AGGREGATED, &media);
    if (!ok && !api_media_choose(r->accept, API_ENDPOINT_PLAIN, &media))
        return fail_choice(r, ACCEPT_TYPES);
    media.pretty = media.pretty || api_accept_pretty(r);
    r->media = media;
    return true;
}
