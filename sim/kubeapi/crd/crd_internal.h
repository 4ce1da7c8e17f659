/* crd_internal: what the files of custom resources share. */
#ifndef PADDOCK_SIM_KUBEAPI_CRD_CRD_INTERNAL_H
#define PADDOCK_SIM_KUBEAPI_CRD_CRD_INTERNAL_H

#include "sim/kubeapi/crd/crds.h"

#define CRD_NAMES_MAX 64u /* of one definition: short names beyond are not guarded */

struct crd_name {
    struct str name;
    bool kind; /* kind or listKind; else a resource's */
};

struct crd_version {
    struct str name;
    size_t index; /* in spec.versions */
    bool open;    /* its schema keeps everything as it is */
    bool rules;   /* it has x-kubernetes-validations */
    bool made;    /* what follows was made at the first use */
    uint64_t schema_hash;
    struct str deprecation;
    const struct type *type;
    const struct crd_scale *scale;
    const struct crd_selectable *selectable;
    size_t selectable_n;
};

struct crd {
    struct list link; /* crds.retired, once it was replaced */
    struct str name;  /* "widgets.example.com" */
    uint64_t born;    /* revision of the definition: no watch can resume from before it */
    uint64_t changed; /* generation of the kinds when these rows were made */
    uint64_t
        schema_changed; /* objects up to this revision may have been written under another schema */
    struct kube_object *object; /* referenced: what the versions are made from */
    struct str group, singular, storage_version;
    bool webhook;     /* spec.conversion.strategy */
    struct map shown; /* crd_convert.c: what its webhook made of objects, while it is held */
    bool established; /* else it has no rows */
    struct arena a;
    struct api_kind *rows; /* per served version: main row, its subresources, an empty row */
    size_t rows_n;
    struct crd_name *held; /* status.acceptedNames */
    size_t held_n;
    struct crd_version *versions; /* as in spec.versions */
    size_t versions_n;
};

struct crds {
    struct kubeapi *api;
    struct map by_name; /* → struct crd * */
    struct map
        rows; /* "r group/version/plural", "k group/version/Kind", "t table" → const struct api_kind * */
    struct list retired;
    uint64_t generation; /* counts changes of the rows */
    struct map dying;    /* names whose instances are being deleted */
};

/* ---- crd_version.c ---- */
/* Notes the versions of a definition without making anything of their schemas. */
void crd_versions_read(struct crd *d, const cJSON *tree);
struct crd_version *crd_version_of(const struct api_kind *k);
uint64_t crd_storage_hash(const struct crd *d);

/* ---- crd_names.c ---- */
void crd_names_note(struct crd *d, const cJSON *tree); /* which names a definition holds */
void crd_condition_set(struct kubeapi *api, struct arena *a, cJSON *tree, const char *type,
                       bool status, const char *reason, struct str message);
bool crd_condition_is(const cJSON *tree, const char *type, const char *status);

#endif
