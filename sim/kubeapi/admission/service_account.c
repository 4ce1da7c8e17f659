#include "sim/kubeapi/admission/service_account.h"

#include "sim/kubeapi/admission/admission.h"
#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/core/stamps.h"

#define MOUNT_PATH    "/var/run/secrets/kubernetes.io/serviceaccount"
#define VOLUME_PREFIX "kube-api-access-"
#define TOKEN_SECONDS 3607
#define VOLUME_MODE   420

/* ---- the account ---- */

static struct str account_name(const cJSON *spec)
{
    struct str name = json_string_at(spec, "serviceAccountName");
    if (name.n == 0)
        name = json_string_at(spec, "serviceAccount");
    return name.n > 0 ? name : STR("default");
}

static void give_pull_secrets(struct api_request *r, cJSON *spec, cJSON *account)
{
    cJSON *own = json_get(spec, "imagePullSecrets"),
          *theirs = json_get(account, "imagePullSecrets");
    if ((!own || !own->child) && theirs && theirs->child)
        json_set(&r->a, spec, STR("imagePullSecrets"), json_copy(&r->a, theirs));
}

/* ---- the volume ---- */

static cJSON *parsed(struct arena *a, const char *json)
{
    cJSON *v;
    struct err *err = json_parse(a, str_c(json), &v);
    BUG_ON(err, "a constant is JSON");
    return v;
}

static void add_volume(struct api_request *r, cJSON *spec, struct str name)
{
    cJSON *list = json_get(spec, "volumes"), *volume = json_object(&r->a);
    if (!list || list->type != cJSON_Array) {
        list = json_array(&r->a);
        json_set(&r->a, spec, STR("volumes"), list);
    }
    json_set_str(&r->a, volume, "name", name);
    cJSON *projected = json_ensure(&r->a, volume, "projected");
    json_set_int(&r->a, projected, "defaultMode", VOLUME_MODE);
    cJSON *sources = parsed(
        &r->a, "[{\"serviceAccountToken\":{\"path\":\"token\"}},"
               "{\"configMap\":{\"items\":[{\"key\":\"ca.crt\",\"path\":\"ca.crt\"}],"
               "\"name\":\"kube-root-ca.crt\"}},"
               "{\"downwardAPI\":{\"items\":[{\"fieldRef\":{\"apiVersion\":\"v1\",\"fieldPath\":"
               "\"metadata.namespace\"},\"path\":\"namespace\"}]}}]");
    json_set_int(&r->a, json_get(sources->child, "serviceAccountToken"), "expirationSeconds",
                 TOKEN_SECONDS);
    json_set(&r->a, projected, STR("sources"), sources);
    json_append(list, volume);
}

/* A volume of that kind that the pod brings; empty: none. */
static struct str own_volume(const cJSON *spec)
{
    const cJSON *list = json_get(spec, "volumes");
    for (const cJSON *v = list ? list->child : NULL; v; v = v->next)
        if (str_starts(json_string_at(v, "name"), STR(VOLUME_PREFIX)) && json_get(v, "projected"))
            return json_string_at(v, "name");
    return str_empty;
}

static bool has_mount(const cJSON *container)
{
    const cJSON *list = json_get(container, "volumeMounts");
    for (const cJSON *m = list ? list->child : NULL; m; m = m->next)
        if (str_eq_c(json_string_at(m, "mountPath"), MOUNT_PATH))
            return true;
    return false;
}

/* True: at least one container needs the volume. */
static bool mount_all(struct api_request *r, cJSON *containers, struct str volume)
{
    bool any = false;
    for (cJSON *c = containers ? containers->child : NULL; c; c = c->next) {
        if (c->type != cJSON_Object || has_mount(c))
            continue;
        cJSON *list = json_get(c, "volumeMounts"), *mount = json_object(&r->a);
        if (!list || list->type != cJSON_Array) {
            list = json_array(&r->a);
            json_set(&r->a, c, STR("volumeMounts"), list);
        }
        json_set_str(&r->a, mount, "mountPath", STR(MOUNT_PATH));
        json_set_str(&r->a, mount, "name", volume);
        json_set_bool(&r->a, mount, "readOnly", true);
        json_append(list, mount);
        any = true;
    }
    return any;
}

static bool wants_token(const cJSON *spec, const cJSON *account)
{
    return json_bool_at(spec, "automountServiceAccountToken",
                        json_bool_at(account, "automountServiceAccountToken", true));
}

/* Once for a request, however often it is run. */
static struct str drawn_name(struct api_request *r)
{
    if (r->stamp_volume.n == 0)
        r->stamp_volume = api_generated_name(r->api, &r->a, STR(VOLUME_PREFIX));
    return r->stamp_volume;
}

static void mount_token(struct api_request *r, cJSON *spec)
{
    struct str volume = own_volume(spec);
    bool own = volume.n > 0;
    if (!own)
        volume = drawn_name(r);
    bool first = mount_all(r, json_get(spec, "initContainers"), volume);
    bool then = mount_all(r, json_get(spec, "containers"), volume);
    if ((first || then) && !own)
        add_volume(r, spec, volume);
}

bool admit_service_account(struct api_request *r, const struct api_kind *k, cJSON *tree)
{
    cJSON *annotations = json_path(tree, "metadata.annotations");
    if (r->system || !api_kind_is(k, "pods") ||
        json_get(annotations, "kubernetes.io/config.mirror"))
        return true;
    cJSON *spec = json_ensure(&r->a, tree, "spec");
    struct str name = account_name(spec);
    struct kube_object *o = store_get(r->api->accounts, r->ns, name);
    if (!o && r->api->bare) /* who runs accounts beside a bare server, and when, is not known */
        return true;
    if (!o)
        return api_fail_forbidden(r, admission_name(r, tree),
                                  "error looking up service account " STR_FMT "/" STR_FMT
                                  ": serviceaccount \"" STR_FMT "\" not found",
                                  STR_ARG(r->ns), STR_ARG(name), STR_ARG(name));
    cJSON *account = kube_object_tree(o, &r->a);
    json_set_str(&r->a, spec, "serviceAccountName", name);
    json_set_str(&r->a, spec, "serviceAccount", name);
    give_pull_secrets(r, spec, account);
    if (wants_token(spec, account))
        mount_token(r, spec);
    return true;
}
