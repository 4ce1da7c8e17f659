/* Storage kinds, and RBAC's. */
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
const struct rule attributes_class_rules[] = {RULE_CALL("driverName", check_provisioner),
                                              RULE_CALL("parameters", check_parameters), RULE_END};
const struct rule attributes_class_update_rules[] = {RULE_IMMUTABLE("driverName"),
                                                     RULE_IMMUTABLE("parameters"), RULE_END};

/* ---- RBAC ---- */

void default_role(struct api_request *r, cJSON *tree, bool creating)
{
    if (!json_get(tree, "rules"))
        json_set(&r->a, tree, STR("rules"), json_null(&r->a));
}

void default_binding(struct api_request *r, cJSON *tree, bool creating)
{
    cJSON *subjects = json_get(tree, "subjects"), *ref = json_get(tree, "roleRef");
    if (subjects && !subjects->child)
        (void)json_unset(tree, STR("subjects"));
    subjects = json_get(tree, "subjects");
    if (ref && ref->type == cJSON_Object && json_string_at(ref, "apiGroup").n == 0)
        json_set_str(&r->a, ref, "apiGroup", STR("rbac.authorization.k8s.io"));
    for (cJSON *s = subjects ? subjects->child : NULL; s; s = s->next) {
        bool account = str_eq_c(json_string_at(s, "kind"), "ServiceAccount");
        if (!account && s->type == cJSON_Object && json_string_at(s, "apiGroup").n == 0)
            json_set_str(&r->a, s, "apiGroup", STR("rbac.authorization.k8s.io"));
    }
}

static void check_policy_rule(struct check *c, const struct node *n)
{
    const struct node verbs = node_at(n, "verbs"), urls = node_at(n, "nonResourceURLs");
    const struct node groups = node_at(n, "apiGroups"), resources = node_at(n, "resources");
    if (node_count(&verbs) == 0)
        rule_required(c, &verbs, "verbs must contain at least one value");
    if (node_count(&urls) > 0) {
        if (c->r->ns.n > 0)
            rule_bad(c, &urls, "namespaced rules cannot apply to non-resource URLs");
        if (node_count(&groups) + node_count(&resources) > 0)
            rule_bad(c, &urls,
                     "rules cannot apply to both regular resources and non-resource URLs");
        return;
    }
    if (node_count(&groups) == 0)
        rule_required(c, &groups, "resource rules must supply at least one api group");
    if (node_count(&resources) == 0)
        rule_required(c, &resources, "resource rules must supply at least one resource");
}

const struct rule role_rules[] = {{.field = "rules", .op = OP_EACH, .call = check_policy_rule},
                                  RULE_END};

static void check_subject(struct check *c, const struct node *n)
{
    const struct node kind = node_at(n, "kind"), name = node_at(n, "name"),
                      ns = node_at(n, "namespace");
    const struct node group = node_at(n, "apiGroup");
    struct str is = json_string(kind.v), of = json_string(group.v);
    if (json_string(name.v).n == 0)
        rule_required(c, &name, NULL);
    if (str_eq_c(is, "ServiceAccount")) {
        if (json_string(name.v).n > 0)
            (void)rule_name(c, &name, NAME_SUBDOMAIN);
        if (of.n > 0)
            rule_unsupported(c, &group, "");
        if (json_string(ns.v).n == 0)
            rule_required(c, &ns, NULL);
    } else if (text_among(is, "User|Group")) {
        if (!str_eq_c(of, "rbac.authorization.k8s.io"))
            rule_unsupported(c, &group, "rbac.authorization.k8s.io");
    } else {
        rule_unsupported(c, &kind, "Group|ServiceAccount|User");
    }
}

static void check_ref(struct check *c, const struct node *n, const char *kinds)
{
    const struct node group = node_at(n, "apiGroup"), kind = node_at(n, "kind"),
                      name = node_at(n, "name");
    if (!str_eq_c(json_string(group.v), "rbac.authorization.k8s.io"))
        rule_unsupported(c, &group, "rbac.authorization.k8s.io");
    if (!text_among(json_string(kind.v), kinds))
        rule_unsupported(c, &kind, kinds);
    if (json_string(name.v).n == 0)
        rule_required(c, &name, NULL);
    else
        (void)rule_name(c, &name, NAME_SEGMENT);
    if (c->updating && node_changed(n))
        rule_bad(c, n, "cannot change roleRef");
}

static void check_role_ref(struct check *c, const struct node *n)
{
    check_ref(c, n, "ClusterRole|Role");
}

static void check_cluster_ref(struct check *c, const struct node *n)
{
    check_ref(c, n, "ClusterRole");
}

const struct rule binding_rules[] = {RULE_CALL("roleRef", check_role_ref),
                                     {.field = "subjects", .op = OP_EACH, .call = check_subject},
                                     RULE_END};
const struct rule cluster_binding_rules[] = {
    RULE_CALL("roleRef", check_cluster_ref),
    {.field = "subjects", .op = OP_EACH, .call = check_subject},
    RULE_END};
