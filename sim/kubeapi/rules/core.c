/* ConfigMaps, secrets, namespaces, accounts, nodes. */
#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/core/stamps.h"
#include "sim/kubeapi/rules/rules.h"

#include "engine/base/codec.h"
#include <string.h>

#define DATA_BYTES_MAX ((size_t)1 << 20)

static void drop_empty(cJSON *object, const char *key)
{
    const cJSON *v = object ? json_get(object, key) : NULL;
    if (v && (v->type == cJSON_Object || v->type == cJSON_Array) && !v->child)
        (void)json_unset(object, str_c(key));
}

/* ---- defaults ---- */

void default_namespace(struct api_request *r, cJSON *tree, bool creating)
{
    cJSON *labels = creating ? json_ensure(&r->a, tree, "metadata.labels") : NULL;
    if (labels)
        json_set_str(&r->a, labels, "kubernetes.io/metadata.name",
                     json_string_at(tree, "metadata.name"));
}

void prepare_namespace(struct api_request *r, cJSON *tree, const struct kube_object *old)
{
    if (old)
        return;
    cJSON *spec = json_ensure(&r->a, tree, "spec");
    cJSON *list = spec ? json_get(spec, "finalizers") : NULL;
    if (spec && !list) {
        list = json_array(&r->a);
        json_set(&r->a, spec, STR("finalizers"), list);
    }
    bool there = false;
    for (const cJSON *f = list ? list->child : NULL; f; f = f->next)
        there = there || str_eq_c(json_string(f), "kubernetes");
    if (list && !there)
        json_append(list, json_str(&r->a, STR("kubernetes")));
    json_set_str(&r->a, json_ensure(&r->a, tree, "status"), "phase", STR("Active"));
}

void default_secret(struct api_request *r, cJSON *tree, bool creating)
{
    cJSON *plain = json_get(tree, "stringData");
    cJSON *data = plain && plain->type == cJSON_Object ? json_ensure(&r->a, tree, "data") : NULL;
    for (const cJSON *s = data ? plain->child : NULL; s; s = s->next) {
        struct buf b = {0};
        base64_encode(&b, json_string(s));
        json_set_str(&r->a, data, s->string, buf_str(&b));
        buf_free(&b);
    }
    (void)json_unset(tree, STR("stringData"));
    drop_empty(tree, "data");
    if (json_string_at(tree, "type").n == 0)
        json_set_str(&r->a, tree, "type", STR("Opaque"));
}

void default_config(struct api_request *r, cJSON *tree, bool creating)
{
    drop_empty(tree, "data");
    drop_empty(tree, "binaryData");
}

void prepare_status_phase(struct api_request *r, cJSON *tree, const struct kube_object *old)
{
    cJSON *status = old ? NULL : json_ensure(&r->a, tree, "status");
    if (status && json_string_at(status, "phase").n == 0)
        json_set_str(&r->a, status, "phase", STR("Pending"));
    if (status && !r->system && str_eq_c(json_string_at(tree, "kind"), "PersistentVolume"))
        json_set_str(&r->a, status, "lastPhaseTransitionTime", api_now(r->api, &r->a));
}

/* The one range of a node is the first of its ranges, and counts where the two differ. */
static void pair_ranges(struct api_request *r, cJSON *spec)
{
    const cJSON *list = json_get(spec, "podCIDRs");
    struct str one = json_string_at(spec, "podCIDR"),
               first = json_string(list ? list->child : NULL);
    if (one.n > 0 && !str_eq(one, first)) {
        cJSON *fresh = json_array(&r->a);
        json_append(fresh, json_str(&r->a, one));
        json_set(&r->a, spec, STR("podCIDRs"), fresh);
    } else if (one.n == 0 && first.n > 0) {
        json_set_str(&r->a, spec, "podCIDR", first);
    }
}

/* What can be allocated is all there is, unless the node says less. */
void default_node(struct api_request *r, cJSON *tree, bool creating)
{
    cJSON *status = json_get(tree, "status");
    const cJSON *capacity =
        status && status->type == cJSON_Object ? json_get(status, "capacity") : NULL;
    if (capacity && capacity->child && json_is_empty(json_get(status, "allocatable")))
        json_set(&r->a, status, STR("allocatable"), json_copy(&r->a, capacity));
    pair_ranges(r, json_get(tree, "spec"));
}

void default_node_status(struct api_request *r, cJSON *tree, const struct kube_object *old)
{
    default_node(r, tree, false);
}

/* ---- config maps ---- */

static size_t check_data(struct check *c, const struct node *n, const cJSON *other, bool base64)
{
    const char *texts[NAMES_PROBLEMS_MAX];
    size_t bytes = 0;
    for (const cJSON *d = node_is(n) ? n->v->child : NULL; d; d = d->next) {
        const struct node item = node_key(n, d);
        struct str value = json_string(d);
        size_t count = names_problems(NAME_CONFIG_KEY, item.name, texts);
        for (size_t i = 0; i < count; i++)
            rule_bad_text(c, &item, item.name, "%s", texts[i]);
        if (other && json_get(other, d->string))
            rule_bad_text(c, &item, item.name, "duplicate of key present in binaryData");
        bytes +=
            base64 ? value.n / 4 * 3 - (str_ends(value, STR("==")) ? 2u : str_ends(value, STR("=")))
                   : value.n;
    }
    return bytes;
}

static void check_config(struct check *c, const struct node *n)
{
    const struct node data = node_at(n, "data"), binary = node_at(n, "binaryData");
    size_t bytes = check_data(c, &data, binary.v, false);
    bytes += check_data(c, &binary, NULL, true);
    if (bytes > DATA_BYTES_MAX)
        api_invalid(c->r, "FieldValueTooLong", STR("[]"),
                    "Too long: may not be more than %zu bytes", DATA_BYTES_MAX);
}

static void check_frozen(struct check *c, const struct node *n)
{
    static const char *const frozen[] = {"data", "binaryData"};
    const struct node flag = node_at(n, "immutable");
    if (!json_bool_at(n->old, "immutable", false))
        return;
    if (!json_bool_at(n->v, "immutable", false))
        rule_forbid(c, &flag, "field is immutable when `immutable` is set");
    for (size_t i = 0; i < ARRAY_LEN(frozen); i++) {
        const struct node part = node_at(n, frozen[i]);
        if (node_changed(&part))
            rule_forbid(c, &part, "field is immutable when `immutable` is set");
    }
}

const struct rule config_map_rules[] = {RULE_CALL(NULL, check_config), RULE_END};
const struct rule config_map_update_rules[] = {RULE_CALL(NULL, check_frozen), RULE_END};

/* ---- secrets ---- */

static void need_key(struct check *c, const struct node *data, const char *key)
{
    const struct node n = {.up = data, .name = str_c(key), .is_key = true};
    if (!json_get(data->v, key))
        rule_required(c, &n, NULL);
}

/* The value of a key as text; its JSON is looked into. */
static void need_json(struct check *c, const struct node *data, const char *key)
{
    const cJSON *v = json_get(data->v, key);
    const struct node n = {.v = v, .up = data, .name = str_c(key), .is_key = true};
    struct buf text = {0};
    cJSON *tree;
    if (!v) {
        rule_required(c, &n, NULL);
        return;
    }
    if (base64_decode(&text, json_string(v))) {
        struct err *err = json_parse_lenient(&c->r->a, buf_str(&text), &tree, NULL);
        if (err || tree->type != cJSON_Object)
            rule_bad_text(
                c, &n, STR("<secret contents redacted>"), "%s",
                err ? err->message
                    : "json: cannot unmarshal into Go value of type map[string]interface {}");
        err_ignore(err);
    }
    buf_free(&text);
}

static void warn_of_certificate(struct check *c, const struct node *data)
{
    struct buf text = {0};
    struct str v = json_string(json_get(data->v, "tls.crt"));
    if (v.n > 0 && json_get(data->v, "tls.key") && base64_decode(&text, v) &&
        str_find(buf_str(&text), STR("-----BEGIN ")) < 0 && !c->updating)
        api_warn(c->r, "tls: failed to find any PEM data in certificate input");
    buf_free(&text);
}

static void check_secret_type(struct check *c, const struct node *n)
{
    const struct node data = node_at(n, "data");
    struct str type = json_string_at(n->v, "type");
    if (str_eq_c(type, "kubernetes.io/service-account-token")) {
        const struct node metadata = node_at(n, "metadata"),
                          notes = node_at(&metadata, "annotations");
        const char *key = "kubernetes.io/service-account.name";
        const struct node name = {.up = &notes, .name = str_c(key), .is_key = true};
        if (json_string(json_get(notes.v, key)).n == 0)
            rule_required(c, &name, NULL);
    } else if (str_eq_c(type, "kubernetes.io/dockercfg")) {
        need_json(c, &data, ".dockercfg");
    } else if (str_eq_c(type, "kubernetes.io/dockerconfigjson")) {
        need_json(c, &data, ".dockerconfigjson");
    } else if (str_eq_c(type, "kubernetes.io/basic-auth")) {
        if (!json_get(data.v, "username") && !json_get(data.v, "password")) {
            need_key(c, &data, "username");
            need_key(c, &data, "password");
        }
    } else if (str_eq_c(type, "kubernetes.io/ssh-auth")) {
        if (json_string(json_get(data.v, "ssh-privatekey")).n == 0)
            need_key(c, &data, "ssh-privatekey");
    } else if (str_eq_c(type, "kubernetes.io/tls")) {
        need_key(c, &data, "tls.crt");
        need_key(c, &data, "tls.key");
        warn_of_certificate(c, &data);
    }
}

static void check_secret(struct check *c, const struct node *n)
{
    const struct node data = node_at(n, "data");
    if (check_data(c, &data, NULL, true) > DATA_BYTES_MAX)
        rule_too_long(c, &data, DATA_BYTES_MAX);
    check_secret_type(c, n);
}

const struct rule secret_rules[] = {RULE_CALL(NULL, check_secret), RULE_END};
const struct rule secret_update_rules[] = {RULE_IMMUTABLE("type"), RULE_CALL(NULL, check_frozen),
                                           RULE_END};

/* ---- nodes ---- */

static void check_taint(struct check *c, const struct node *n)
{
    static const struct rule rules[] = {
        RULE_NAME("key", NAME_QUALIFIED), RULE_NAME("value", NAME_LABEL_VALUE),
        RULE_ENUM_SET("effect", "NoSchedule|PreferNoSchedule|NoExecute"), RULE_END};
    const struct node key = node_at(n, "key");
    if (json_string(key.v).n == 0)
        (void)rule_name(c, &key, NAME_QUALIFIED);
    rule_walk(c, rules, n);
}

static void check_taints(struct check *c, const struct node *n)
{
    size_t i = 0;
    for (const cJSON *v = node_is(n) ? n->v->child : NULL; v; v = v->next, i++) {
        const struct node item = node_item(n, i, v);
        check_taint(c, &item);
        for (const cJSON *o = n->v->child; o != v; o = o->next)
            if (str_eq(json_string_at(o, "key"), json_string_at(v, "key")) &&
                str_eq(json_string_at(o, "effect"), json_string_at(v, "effect"))) {
                struct node named = item;
                named.v = v;
                api_invalid(c->r, "FieldValueDuplicate", node_text(c, &named),
                            "Duplicate value: " STR_FMT,
                            STR_ARG(internal_text(c, "io.k8s.api.core.v1.Taint", v)));
                break;
            }
    }
}

static const struct rule node_spec_rules[] = {
    RULE_CALL("taints", check_taints),
    RULE_EACH("podCIDRs", ((const struct rule[]){RULE_NAME(NULL, NAME_CIDR), RULE_END})), RULE_END};
const struct rule node_rules[] = {RULE_IN("spec", node_spec_rules), RULE_END};

static void check_node_update(struct check *c, const struct node *n)
{
    const struct node ranges = node_at(n, "podCIDRs"), provider = node_at(n, "providerID");
    if (!json_is_empty(ranges.old) && node_changed(&ranges))
        rule_forbid(c, &ranges, "node updates may not change podCIDR except from \"\" to valid");
    if (!json_is_empty(provider.old) && node_changed(&provider))
        rule_forbid(c, &provider,
                    "node updates may not change providerID except from \"\" to valid");
}

const struct rule node_update_rules[] = {RULE_CALL("spec", check_node_update), RULE_END};
