/* The manifest of one cluster's agent as trees. */
#include "engine/controllers/deploy/desired.h"

#include "engine/base/yaml.h"
#include "engine/controllers/cluster/cluster.h"
#include "engine/kube/management.h"
#include "engine/pki/pki.h"

#define CREDENTIAL_ENV "CATTLE_CREDENTIAL_NAME"

static const struct {
    const char *kind;
    struct kube_gvr gvr;
} kinds[] = {
    {"ClusterRole", KUBE_GVR("rbac.authorization.k8s.io", "v1", "clusterroles")},
    {"ClusterRoleBinding", KUBE_GVR("rbac.authorization.k8s.io", "v1", "clusterrolebindings")},
    {"Namespace", KUBE_GVR("", "v1", "namespaces")},
    {"ServiceAccount", KUBE_GVR("", "v1", "serviceaccounts")},
    {"Secret", KUBE_GVR("", "v1", "secrets")},
    {"Deployment", KUBE_GVR("apps", "v1", "deployments")},
    {"Service", KUBE_GVR("", "v1", "services")},
};

bool desired_target(const cJSON *object, struct kube_target *out)
{
    struct str kind = json_string_at(object, "kind");
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (!str_eq_c(kind, kinds[i].kind))
            continue;
        *out = (struct kube_target){.gvr = kinds[i].gvr,
                                    .ns = json_string_at(object, "metadata.namespace"),
                                    .name = json_string_at(object, "metadata.name")};
        return true;
    }
    return false;
}

bool desired_is_agent(const cJSON *object)
{
    return str_eq_c(json_string_at(object, "kind"), "Deployment") &&
           str_eq_c(json_string_at(object, "metadata.name"), AGENT_DEPLOYMENT);
}

/* ---- what should run ---- */

static struct str token_of(const struct controller *c, struct arena *a, struct str id,
                           const char *name)
{
    struct buf key = {0};
    buf_addf(&key, STR_FMT "/%s", STR_ARG(id), name);
    const struct kube_object *o = kube_informer_get(c->options.tokens, buf_str(&key));
    buf_free(&key);
    return o ? arena_str(a, kube_object_string(o, "status.token")) : str_empty;
}

static struct str image_of(const struct controller *c, struct arena *a, const cJSON *cluster)
{
    struct str image = json_string_at(cluster, "spec.agentImageOverride");
    if (image.n == 0)
        image = json_string_at(cluster, "spec.desiredAgentImage");
    bool own = image.n > 0 && !str_eq_c(image, "fixed"); /* fixed: the setting's, by name */
    return own ? image : controller_setting(c, a, "agent-image");
}

static struct str hash_of(struct desired *d)
{
    const struct str parts[] = {
        d->manifest.server_url, d->manifest.cluster_id,     d->manifest.ca_checksum,
        d->manifest.image,      d->manifest.server_version, d->default_token,
        d->system_token};
    struct buf text = {0}, hex = {0};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        json_write_string(&text, parts[i]);
    if (d->manifest.command.n)
        json_write_string(&text, d->manifest.command);
    if (d->manifest.strict)
        buf_add_c(&text, "strict");
    if (d->env)
        json_write(&text, d->env);
    if (d->membership_key.n)
        agent_membership_write(d->membership_key, d->manifest.cluster_id, d->default_token, &text);
    pki_sha256_hex(buf_str(&text), &hex);
    struct str hash = arena_str(&d->arena, buf_str(&hex));
    buf_free(&text);
    buf_free(&hex);
    return hash;
}

bool desired_make(const struct controller *c, const struct kube_object *cluster, struct desired *d)
{
    *d = (struct desired){0};
    struct arena *a = &d->arena;
    struct buf checksum = {0};
    const cJSON *tree = kube_object_tree(cluster, a);
    bool as_set = policy_get(c->options.policies, POLICY_CA_PIN) == POLICY_PIN_SET;
    agent_ca_checksum(controller_setting(c, a, "cacerts"), as_set, &checksum);
    d->manifest = (struct agent_manifest){
        .server_url = controller_setting(c, a, "server-url"),
        .cluster_id = arena_str(a, cluster->name),
        .ca_checksum = arena_str(a, buf_str(&checksum)),
        .image = image_of(c, a, tree),
        .command = controller_setting(c, a, "agent-command"),
        .strict = str_eq_c(controller_setting(c, a, "agent-tls-mode"), "strict"),
        .ready_when_connected =
            policy_get(c->options.policies, POLICY_AGENT_READY) == POLICY_READY_CONNECTED,
        .server_version = STR(PADDOCK_VERSION)};
    d->default_token = token_of(c, a, cluster->name, CLUSTER_TOKEN_DEFAULT);
    d->system_token = token_of(c, a, cluster->name, CLUSTER_TOKEN_SYSTEM);
    d->env = json_path(tree, "spec.agentEnvVars");
    if (policy_get(c->options.policies, POLICY_CLUSTER_UNKNOWN) == POLICY_UNKNOWN_ADOPT)
        d->membership_key = c->options.membership_key;
    d->hash = hash_of(d);
    buf_free(&checksum);
    bool known =
        d->manifest.server_url.n && d->manifest.image.n && d->default_token.n && d->system_token.n;
    if (!known)
        desired_free(d);
    return known;
}

void desired_free(struct desired *d)
{
    arena_free(&d->arena);
}

/* ---- objects ---- */

static cJSON *container_env(const cJSON *deployment)
{
    const cJSON *containers = json_path(deployment, "spec.template.spec.containers");
    return containers && containers->child ? json_get(containers->child, "env") : NULL;
}

static cJSON *env_find(const cJSON *env, struct str name)
{
    for (cJSON *it = env ? env->child : NULL; it; it = it->next)
        if (str_eq(json_string_at(it, "name"), name))
            return it;
    return NULL;
}

/* The agent goes on with the token that it has, if that is one of the cluster's: another would restart it for nothing. */
static struct str choose_token(const struct desired *d, const cJSON *live)
{
    struct agent_manifest m = d->manifest;
    struct buf name = {0};
    struct str used = json_string_at(env_find(container_env(live), STR(CREDENTIAL_ENV)), "value");
    m.token = d->default_token;
    agent_credentials_name(&m, &name);
    bool is_default = str_eq(used, buf_str(&name));
    buf_free(&name);
    return is_default ? d->default_token : d->system_token;
}

/* The cluster's own variables, over those of the manifest. */
static void add_env(struct desired *d, const cJSON *deployment)
{
    cJSON *env = container_env(deployment);
    for (const cJSON *it = d->env ? d->env->child : NULL; it && env; it = it->next) {
        struct str name = json_string_at(it, "name");
        cJSON *old = env_find(env, name);
        if (name.n == 0)
            continue;
        if (old)
            json_set_str(&d->arena, old, "value", json_string_at(it, "value"));
        else
            json_append(env, json_copy(&d->arena, it));
    }
}

void desired_objects(struct desired *d, const cJSON *live)
{
    struct buf text = {0}, proof = {0};
    struct yaml_node **docs = NULL;
    size_t n = 0;
    d->manifest.token = choose_token(d, live);
    if (d->membership_key.n) {
        agent_membership_write(d->membership_key, d->manifest.cluster_id, d->manifest.token,
                               &proof);
        d->manifest.membership = arena_str(&d->arena, buf_str(&proof));
        buf_free(&proof);
    }
    agent_manifest_write(&d->manifest, &text);
    struct err *err = yaml_parse_all(&d->arena, STR("agent manifest"), buf_str(&text), &docs, &n);
    BUG_ON(err || n > DESIRED_OBJECTS_MAX, "our own manifest is YAML of a few objects");
    d->objects_n = n;
    for (size_t i = 0; i < n; i++) {
        d->objects[i] = yaml_to_json(&d->arena, docs[i]);
        if (desired_is_agent(d->objects[i]))
            add_env(d, d->objects[i]);
    }
    buf_free(&text);
}

/* The depth is that of our own manifest. */
bool desired_covered(const cJSON *wanted, const cJSON *live)
{
    if (!live) /* servers leave empty texts out */
        return json_is_string(wanted) && json_string(wanted).n == 0;
    if (!cJSON_IsObject(wanted) && !cJSON_IsArray(wanted))
        return json_equal(wanted, live);
    if (cJSON_IsObject(wanted) != cJSON_IsObject(live))
        return false;
    const cJSON *element = live->child;
    for (const cJSON *it = wanted->child; it; it = it->next) {
        bool list = cJSON_IsArray(wanted);
        if (list && !element)
            return false;
        if (!desired_covered(it, list ? element : json_get(live, it->string)))
            return false;
        element = element ? element->next : NULL;
    }
    return cJSON_IsObject(wanted) || !element;
}
