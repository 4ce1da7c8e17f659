/* accept: content negotiation: which form an answer has, by the Accept header.
 *
 *   Accept ─► clauses by quality ─► the first that this endpoint can serve ─► struct api_media ─► api_answer_finish
 *
 * Two layers as in the reference server: its router compares bare media types ("application/\*" is none of its types), then
 * its serializers look at each clause with parameters (as, g, v, stream, pretty). Each has a 406 of its own wording.
 * Handlers write JSON; api_answer_finish turns the whole answer into the negotiated form. Errors are negotiated again
 * without transformations; a client that accepts none of our types reads them as indented JSON.
 * Bounds:  API_ACCEPT_CLAUSES_MAX clauses are looked at. */
#ifndef PADDOCK_SIM_KUBEAPI_CORE_ACCEPT_H
#define PADDOCK_SIM_KUBEAPI_CORE_ACCEPT_H

#include "engine/base/str.h"

#define API_ACCEPT_CLAUSES_MAX 32u
#define API_GZIP_BYTES_MIN     ((size_t)128 << 10) /* shorter answers are never compressed */

struct api_kind;
struct api_request;
struct kubeapi;

enum api_format { API_FORMAT_JSON, API_FORMAT_YAML, API_FORMAT_PROTOBUF };
enum api_as {
    API_AS_NONE,
    API_AS_TABLE,
    API_AS_PARTIAL,      /* PartialObjectMetadata */
    API_AS_PARTIAL_LIST, /* PartialObjectMetadataList */
    API_AS_AGGREGATED,   /* APIGroupDiscoveryList of apidiscovery.k8s.io */
};

struct api_media {
    enum api_format format;
    enum api_as as;
    const char *as_version; /* "v1", "v1beta1" of meta.k8s.io; "v2" of discovery; NULL: none */
    bool pretty;            /* indented JSON */
    bool stream;            /* ";stream=watch" was asked for */
};

enum api_endpoint {
    API_ENDPOINT_PLAIN,    /* errors, reviews, documents: no transformation */
    API_ENDPOINT_RESOURCE, /* Tables and PartialObjectMetadata */
    API_ENDPOINT_CUSTOM, /* the same, of what has no message: protobuf only for PartialObjectMetadata */
    API_ENDPOINT_AGGREGATED, /* aggregated discovery and nothing else */
};

/* The choice itself; an empty header accepts JSON. False: nothing of it can be served. */
bool api_media_choose(struct str accept, enum api_endpoint endpoint, struct api_media *out);

/* Chooses r->media for documents and errors; what nothing of ours fits is indented JSON. */
void api_accept_default(struct api_request *r);
bool api_accept_pretty(struct api_request *r); /* asked for by ?pretty, or by who asks */
/* Chooses r->media of a resource request, or answers 406. */
bool api_accept_resource(struct api_request *r);
/* Chooses r->media of a discovery document, or answers 406. routed: the path is one of the router's (/api, /api/v1,
 * /apis/GROUP/VERSION; not /apis and /apis/GROUP). aggregated: the path has that form too (/api, /apis): r->media.as then says whether
 * it was chosen. */
bool api_accept_discovery(struct api_request *r, bool routed, bool aggregated);

/* Can objects of a row (built-in or custom) be said in protobuf, bodies and answers? */
bool api_kind_has_message(struct kubeapi *api, const struct api_kind *k);
/* Once, when the answer is complete: r->out and r->out_type in the negotiated form, with its last newline; compressed when
 * that was asked for (r->out_gzip). Answers of another type than "application/json" stay as they are. */
void api_answer_finish(struct api_request *r);
/* JSON that is always indented and never converted: /version and the like. */
void api_reply_raw(struct api_request *r, int status, struct str json);

#endif
