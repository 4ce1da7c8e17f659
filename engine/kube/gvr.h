/* gvr: names of resources and the paths of the Kubernetes API, built and parsed.
 *
 *   /api/v1/...                    core group (empty string)
 *   /apis/GROUP/VERSION/...        all others
 *   .../PLURAL[/NAME[/SUBRESOURCE]]                     cluster scope, or a list over all namespaces
 *   .../namespaces/NS/PLURAL[/NAME[/SUBRESOURCE]]       within a namespace
 *   .../watch/... in front of either                    deprecated form of ?watch=1
 *
 * Ownership: every str is borrowed (a parsed path borrows from the path, or from the arena where it was percent-encoded).
 * Bounds: KUBE_PATH_SEGMENTS_MAX segments. */
#ifndef PADDOCK_ENGINE_KUBE_GVR_H
#define PADDOCK_ENGINE_KUBE_GVR_H

#include "engine/base/arena.h"

#define KUBE_PATH_SEGMENTS_MAX 12u

struct kube_gvr {
    struct str group, version,
        resource; /* group is empty for core; resource is the lower-case plural */
};

/* "v1" → ("", "v1"); "apps/v1" → ("apps", "v1"). False: empty or more than one slash. */
bool kube_api_version_parse(struct str api_version, struct str *group, struct str *version);
/* "v1", "apps/v1". Appends. */
void kube_api_version_write(struct str group, struct str version, struct buf *out);
/* "configmaps", "deployments.apps": how messages name a resource. Appends. */
void kube_gvr_qualified(const struct kube_gvr *r, struct buf *out);

/* Appends "/api/v1/namespaces/ns/configmaps/name/sub"; empty ns, name, sub are left out; parts are percent-encoded. */
void kube_path(const struct kube_gvr *r, struct str ns, struct str name, struct str sub,
               struct buf *out);

struct kube_path {
    bool
        is_resource; /* false: some other path (/version, /apis, /apis/apps/v1 without a resource, ...) */
    bool watch_prefix;
    struct kube_gvr gvr;
    struct str ns, name, sub; /* sub may hold several segments: "proxy/a/b" */
};
/* Never fails: what is not a resource path says so. `/api/v1/namespaces/x` is the namespace x itself (its ns is x as the
 * authorizer wants it); `/api/v1/namespaces/x/finalize` and `/status` are its subresources. */
void kube_path_parse(struct arena *a, struct str path, struct kube_path *out);

#endif
