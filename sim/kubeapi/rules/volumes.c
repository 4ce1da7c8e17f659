/* Volumes of pods, and claims. */
#include "sim/kubeapi/rules/rules.h"

static void check_mode(struct check *c, const struct node *n)
{
    int64_t v;
    if (node_is(n) && json_int(n->v, &v) && (v < 0 || v > 0777))
        rule_bad(c, n, "must be a number between 0 and 0777 (octal), both inclusive");
}

static void check_inner_path(struct check *c, const struct node *n)
{
    struct str rest = json_string(n->v), part;
    if (rest.n == 0) {
        rule_required(c, n, NULL);
        return;
    }
    if (rest.p[0] == '/')
        rule_bad(c, n, "must be a relative path");
    for (bool more = true; more;) {
        more = str_cut(rest, '/', &part, &rest);
        if (str_eq_c(part, ".."))
            rule_bad(c, n, "must not contain '..'");
    }
    if (str_starts(json_string(n->v), STR("..")) && !str_starts(json_string(n->v), STR("../")))
        rule_bad(c, n, "must not start with '..'");
}

static void check_absolute(struct check *c, const struct node *n)
{
    struct str s = json_string(n->v);
    if (s.n == 0)
        rule_required(c, n, NULL);
    else if (s.p[0] != '/')
        rule_bad(c, n, "must be an absolute path");
}

static void check_size(struct check *c, const struct node *n)
{
    if (node_is(n) && str_starts(json_string(n->v), STR("-")))
        rule_bad(c, n, "must be greater than or equal to 0");
}

static const struct rule item_rules[] = {RULE_REQUIRED("key"), RULE_CALL("path", check_inner_path),
                                         RULE_CALL("mode", check_mode), RULE_END};
static const struct rule secret_rows[] = {RULE_REQUIRED("secretName"),
                                          RULE_CALL("defaultMode", check_mode),
                                          RULE_EACH("items", item_rules), RULE_END};
static const struct rule config_rows[] = {RULE_REQUIRED("name"),
                                          RULE_CALL("defaultMode", check_mode),
                                          RULE_EACH("items", item_rules), RULE_END};
static const struct rule named_rows[] = {RULE_REQUIRED("name"), RULE_EACH("items", item_rules),
                                         RULE_END};
static const struct rule host_path_rows[] = {
    RULE_REQUIRED("path"),
    RULE_ENUM("type",
              "BlockDevice|CharDevice|Directory|DirectoryOrCreate|File|FileOrCreate|Socket"),
    RULE_END};
static const struct rule empty_dir_rows[] = {RULE_CALL("sizeLimit", check_size), RULE_END};
static const struct rule claim_ref_rows[] = {RULE_REQUIRED("claimName"), RULE_END};
static const struct rule nfs_rows[] = {RULE_REQUIRED("server"), RULE_CALL("path", check_absolute),
                                       RULE_END};
static const struct rule csi_rows[] = {RULE_NAME_SET("driver", NAME_SUBDOMAIN), RULE_END};
static const struct rule field_item_rows[] = {RULE_CALL("path", check_inner_path),
                                              RULE_CALL("mode", check_mode), RULE_END};
static const struct rule downward_rows[] = {RULE_CALL("defaultMode", check_mode),
                                            RULE_EACH("items", field_item_rows), RULE_END};
static const struct rule token_rows[] = {RULE_REQUIRED("path"), RULE_END};
static const struct rule source_rows[] = {
    RULE_IN("secret", named_rows), RULE_IN("configMap", named_rows),
    RULE_IN("downwardAPI", downward_rows), RULE_IN("serviceAccountToken", token_rows), RULE_END};
static const struct rule projected_rows[] = {RULE_CALL("defaultMode", check_mode),
                                             RULE_EACH("sources", source_rows), RULE_END};
static const struct rule template_rows[] = {RULE_CALL("spec", check_claim_spec), RULE_END};
static const struct rule ephemeral_rows[] = {
    RULE_REQUIRED("volumeClaimTemplate"), RULE_IN("volumeClaimTemplate", template_rows), RULE_END};
static const struct rule iscsi_rows[] = {RULE_REQUIRED("targetPortal"), RULE_REQUIRED("iqn"),
                                         RULE_END};

static const struct {
    const char *name;
    const struct rule *rules;
} sources[] = {
    {"emptyDir", empty_dir_rows},
    {"hostPath", host_path_rows},
    {"gitRepo", NULL},
    {"gcePersistentDisk", NULL},
    {"awsElasticBlockStore", NULL},
    {"secret", secret_rows},
    {"nfs", nfs_rows},
    {"iscsi", iscsi_rows},
    {"glusterfs", NULL},
    {"flocker", NULL},
    {"persistentVolumeClaim", claim_ref_rows},
    {"rbd", NULL},
    {"cinder", NULL},
    {"cephfs", NULL},
    {"quobyte", NULL},
    {"downwardAPI", downward_rows},
    {"fc", NULL},
    {"configMap", config_rows},
    {"azureFile", NULL},
    {"vsphereVolume", NULL},
    {"photonPersistentDisk", NULL},
    {"portworxVolume", NULL},
    {"azureDisk", NULL},
    {"storageos", NULL},
    {"projected", projected_rows},
    {"scaleIO", NULL},
    {"csi", csi_rows},
    {"ephemeral", ephemeral_rows},
    {"image", NULL},
};

static void check_source(struct check *c, const struct node *n)
{
    size_t given = 0;
    for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
        const struct node source = node_at(n, sources[i].name);
        if (!node_is(&source))
            continue;
        if (given++ > 0)
            rule_forbid(c, &source, "may not specify more than 1 volume type");
        else if (sources[i].rules)
            rule_walk(c, sources[i].rules, &source);
    }
    if (given == 0)
        rule_required(c, n, "must specify a volume type");
}

void check_volumes(struct check *c, const struct node *n)
{
    size_t i = 0;
    for (const cJSON *v = node_is(n) ? n->v->child : NULL; v; v = v->next, i++) {
        const struct node item = node_item(n, i, v), name = node_at(&item, "name");
        check_source(c, &item);
        if (json_string(name.v).n == 0)
            rule_required(c, &name, NULL);
        else
            (void)rule_name(c, &name, NAME_LABEL);
        for (const cJSON *o = n->v->child; o != v; o = o->next)
            if (str_eq(json_string_at(o, "name"), json_string(name.v))) {
                rule_duplicate(c, &name);
                break;
            }
    }
}

/* ---- claims ---- */

static const char access_modes[] = "ReadOnlyMany|ReadWriteMany|ReadWriteOnce|ReadWriteOncePod";

static void check_modes(struct check *c, const struct node *n)
{
    size_t i = 0;
    bool alone = false;
    if (node_count(n) == 0)
        rule_required(c, n, "at least 1 access mode is required");
    for (const cJSON *v = node_is(n) ? n->v->child : NULL; v; v = v->next, i++) {
        const struct node item = node_item(n, i, v);
        (void)rule_enum(c, &item, access_modes, true);
        alone = alone || str_eq_c(json_string(v), "ReadWriteOncePod");
    }
    if (alone && i > 1)
        rule_forbid(c, n, "may not use ReadWriteOncePod with other access modes");
}

static void check_storage(struct check *c, const struct node *n)
{
    const struct node requests = node_at(n, "requests");
    const cJSON *storage = json_get(requests.v, "storage");
    if (!storage) {
        struct node at = requests;
        at.name = STR("requests[storage]");
        rule_required(c, &at, NULL);
        return;
    }
    const struct node item = node_key(&requests, storage);
    if (str_starts(json_string(storage), STR("-")) || str_eq_c(json_string(storage), "0"))
        rule_bad(c, &item, "must be greater than zero");
}

static const struct rule claim_spec_rows[] = {
    RULE_CALL("accessModes", check_modes),
    RULE_CALL("selector", rule_selector),
    RULE_CALL("resources", check_storage),
    RULE_NAME("storageClassName", NAME_SUBDOMAIN),
    RULE_ENUM("volumeMode", "Block|Filesystem"),
    RULE_NAME("volumeAttributesClassName", NAME_SUBDOMAIN),
    RULE_END};

void check_claim_spec(struct check *c, const struct node *n)
{
    rule_walk(c, claim_spec_rows, n);
}

const struct rule claim_rules[] = {RULE_CALL("spec", check_claim_spec), RULE_END};

/* A bound claim may ask for more; nothing else of the spec changes, but for what was never set. */
static void check_claim_update(struct check *c, const struct node *n)
{
    const struct node spec = node_at(n, "spec"), modes = node_at(&spec, "volumeMode");
    cJSON *now = json_copy(&c->r->a, spec.v);
    const cJSON *requests = json_path(spec.old, "resources.requests");
    bool bound = str_eq_c(json_string_at(c->old_root, "status.phase"), "Bound");
    if (json_string_at(spec.old, "volumeName").n == 0)
        (void)json_unset(now, STR("volumeName"));
    if (!json_get(spec.old, "storageClassName")) /* "" is a choice */
        (void)json_unset(now, STR("storageClassName"));
    if (bound && requests)
        json_set(&c->r->a, json_ensure(&c->r->a, now, "resources"), STR("requests"),
                 json_copy(&c->r->a, requests));
    if (bound) {
        const cJSON *class = json_get(spec.old, "volumeAttributesClassName");
        if (class)
            json_set(&c->r->a, now, STR("volumeAttributesClassName"), json_copy(&c->r->a, class));
        else
            (void)json_unset(now, STR("volumeAttributesClassName"));
    }
    if (!json_equal(now, spec.old)) {
        struct str diff =
            internal_diff(c, "io.k8s.api.core.v1.PersistentVolumeClaimSpec", spec.old, now);
        rule_forbid(c, &spec,
                    "spec is immutable after creation except resources.requests and "
                    "volumeAttributesClassName for bound claims" STR_FMT,
                    STR_ARG(diff));
    }
    rule_immutable(c, &modes);
}

const struct rule claim_update_rules[] = {RULE_CALL(NULL, check_claim_update), RULE_END};

/* ---- persistent volumes ---- */

static void check_volume_spec(struct check *c, const struct node *n)
{
    static const struct rule rules[] = {
        RULE_ENUM("persistentVolumeReclaimPolicy", "Delete|Recycle|Retain"),
        RULE_NAME("storageClassName", NAME_SUBDOMAIN), RULE_ENUM("volumeMode", "Block|Filesystem"),
        RULE_NAME("volumeAttributesClassName", NAME_SUBDOMAIN), RULE_END};
    const struct node modes = node_at(n, "accessModes"), capacity = node_at(n, "capacity");
    static const char *const types[] = {"hostPath",
                                        "nfs",
                                        "csi",
                                        "local",
                                        "iscsi",
                                        "fc",
                                        "rbd",
                                        "cephfs",
                                        "cinder",
                                        "glusterfs",
                                        "gcePersistentDisk",
                                        "awsElasticBlockStore",
                                        "azureDisk",
                                        "azureFile",
                                        "vsphereVolume",
                                        "flexVolume",
                                        "flocker",
                                        "portworxVolume",
                                        "quobyte",
                                        "photonPersistentDisk",
                                        "scaleIO",
                                        "storageos"};
    size_t i = 0, given = 0;
    if (node_count(&modes) == 0)
        rule_required(c, &modes, NULL);
    for (const cJSON *v = node_is(&modes) ? modes.v->child : NULL; v; v = v->next, i++) {
        const struct node item = node_item(&modes, i, v);
        (void)rule_enum(c, &item, access_modes, true);
    }
    if (node_count(&capacity) == 0)
        rule_required(c, &capacity, NULL);
    else if (!json_get(capacity.v, "storage") || node_count(&capacity) > 1)
        rule_unsupported(c, &capacity, "storage");
    for (i = 0; i < ARRAY_LEN(types); i++) {
        const struct node type = node_at(n, types[i]);
        if (node_is(&type) && given++ > 0)
            rule_forbid(c, &type, "may not specify more than 1 volume type");
    }
    if (given == 0)
        rule_required(c, n, "must specify a volume type");
    rule_walk(c, rules, n);
}

static const struct rule volume_spec_rows[] = {RULE_IN("hostPath", host_path_rows),
                                               RULE_IN("nfs", nfs_rows), RULE_END};

const struct rule volume_rules[] = {RULE_CALL("spec", check_volume_spec),
                                    RULE_IN("spec", volume_spec_rows), RULE_END};

/* The source of a volume stays. */
static void check_volume_update(struct check *c, const struct node *n)
{
    static const char *const free_to_change[] = {"capacity",
                                                 "accessModes",
                                                 "claimRef",
                                                 "persistentVolumeReclaimPolicy",
                                                 "storageClassName",
                                                 "mountOptions",
                                                 "volumeMode",
                                                 "nodeAffinity",
                                                 "volumeAttributesClassName"};
    const struct node spec = node_at(n, "spec"), mode = node_at(&spec, "volumeMode");
    cJSON *now = json_copy(&c->r->a, spec.v), *was = json_copy(&c->r->a, spec.old);
    for (size_t i = 0; i < ARRAY_LEN(free_to_change); i++) {
        (void)json_unset(now, str_c(free_to_change[i]));
        (void)json_unset(was, str_c(free_to_change[i]));
    }
    if (!json_equal(now, was)) {
        const struct node source = {
            .v = now, .old = was, .up = n, .name = STR("spec.persistentvolumesource")};
        struct str diff =
            internal_diff(c, "io.k8s.api.core.v1.PersistentVolumeSpec", spec.old, spec.v);
        rule_forbid(c, &source, "spec.persistentvolumesource is immutable after creation" STR_FMT,
                    STR_ARG(diff));
    }
    rule_immutable(c, &mode);
}

const struct rule volume_update_rules[] = {RULE_CALL(NULL, check_volume_update), RULE_END};
