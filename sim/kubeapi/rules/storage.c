/* Storage kinds. */
#include "sim/kubeapi/rules/rules.h"

/* ---- storage ---- */

static void check_provisioner(struct check *c, const struct node *n)
{
    struct str s = json_string(n->v);
    if (s.n == 0) {
        rule_required(c, n, NULL);
        return;
    }
    char *lower = arena_c(&c->r->a, s);
    for (char *p = lower; *p; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p + ('a' - 'A'));
    const char *texts[NAMES_PROBLEMS_MAX];
    size_t count = names_problems(NAME_QUALIFIED, str_c(lower), texts);
    for (size_t i = 0; i < count; i++)
        rule_bad(c, n, "%s", texts[i]);
}

static void check_parameters(struct check *c, const struct node *n)
{
    size_t bytes = 0;
    if (node_count(n) > 512) {
        rule_too_long(c, n, 512);
        return;
    }
    for (const cJSON *v = node_is(n) ? n->v->child : NULL; v; v = v->next) {
        if (str_c(v->string).n < 1)
            rule_bad_text(c, n, str_empty, "field can not be empty.");
        bytes += str_c(v->string).n + json_string(v).n;
    }
    if (bytes > (size_t)256 << 10)
        rule_too_long(c, n, (size_t)256 << 10);
}

const struct rule storage_class_rules[] = {
    RULE_CALL("provisioner", check_provisioner), RULE_CALL("parameters", check_parameters),
    RULE_ENUM("reclaimPolicy", "Delete|Retain"),
    RULE_ENUM("volumeBindingMode", "Immediate|WaitForFirstConsumer"), RULE_END};

static void check_class_update(struct check *c, const struct node *n)
{
    static const char *const fields[] = {"parameters", "provisioner", "reclaimPolicy",
                                         "volumeBindingMode"};
    static const char *const texts[] = {"updates to parameters are forbidden.",
                                        "updates to provisioner are forbidden.",
                                        "updates to reclaimPolicy are forbidden.", NULL};
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        const struct node part = node_at(n, fields[i]);
        if (!texts[i])
            rule_immutable(c, &part);
        else if (node_changed(&part))
            rule_forbid(c, &part, "%s", texts[i]);
    }
}

const struct rule storage_class_update_rules[] = {RULE_CALL(NULL, check_class_update), RULE_END};

static void check_attached(struct check *c, const struct node *n)
{
    bool named = json_string_at(n->v, "persistentVolumeName").n > 0,
         inlined = json_get(n->v, "inlineVolumeSpec");
    if (named == inlined) {
        const struct node at = node_at(n, "persistentVolumeName");
        if (named)
            rule_forbid(
                c, n,
                "inlineVolumeSpec and persistentVolumeName can not be specified at the same time");
        else
            rule_required(c, inlined ? n : &at,
                          "must specify exactly one of inlineVolumeSpec and persistentVolumeName");
    }
}

static const struct rule attachment_spec_rules[] = {
    RULE_NAME_SET("attacher", NAME_SUBDOMAIN), RULE_CALL("source", check_attached),
    RULE_NAME_SET("nodeName", NAME_SUBDOMAIN), RULE_END};
const struct rule attachment_rules[] = {RULE_IN("spec", attachment_spec_rules), RULE_END};
const struct rule attachment_update_rules[] = {RULE_IMMUTABLE("spec"), RULE_END};

static const struct rule token_request_rules[] = {RULE_RANGE("expirationSeconds", 600, 4294967296),
                                                  RULE_END};
static const struct rule driver_spec_rules[] = {
    RULE_EACH("volumeLifecycleModes",
              ((const struct rule[]){RULE_ENUM(NULL, "Ephemeral|Persistent"), RULE_END})),
    RULE_ENUM("fsGroupPolicy", "File|None|ReadWriteOnceWithFSType"),
    RULE_EACH("tokenRequests", token_request_rules), RULE_UNIQUE("tokenRequests", "audience"),
    RULE_END};
const struct rule csi_driver_rules[] = {RULE_IN("spec", driver_spec_rules), RULE_END};

static const struct rule node_driver_rules[] = {RULE_NAME_SET("name", NAME_SUBDOMAIN),
                                                RULE_REQUIRED("nodeID"), RULE_END};
static const struct rule csi_node_spec_rules[] = {RULE_EACH("drivers", node_driver_rules),
                                                  RULE_UNIQUE("drivers", "name"), RULE_END};
const struct rule csi_node_rules[] = {RULE_IN("spec", csi_node_spec_rules), RULE_END};
const struct rule csi_capacity_rules[] = {RULE_CALL("nodeTopology", rule_selector),
                                          RULE_NAME_SET("storageClassName", NAME_SUBDOMAIN),
                                          RULE_END};
const struct rule csi_capacity_update_rules[] = {RULE_IMMUTABLE("nodeTopology"),
                                                 RULE_IMMUTABLE("storageClassName"), RULE_END};
const struct rule attributes_class_rules[] = {RULE_CALL("driverName", check_provisioner),
                                              RULE_CALL("parameters", check_parameters), RULE_END};
const struct rule attributes_class_update_rules[] = {RULE_IMMUTABLE("driverName"),
                                                     RULE_IMMUTABLE("parameters"), RULE_END};
