/* How a cluster comes to its manager, by what an operator would do:
 *
 *   Cluster object in the active site's API ─► the manager's token ─► GET /v3/import/... of a replica ─► every object of
 *   the manifest into the cluster's API ─► a token of the Deployment's account ─► its pods: agents as processes, with the
 *   environment of its container and the Secret that it mounts
 *
 * A step that fails is tried again; what is there already is fine. */
#include "engine/base/codec.h"
#include "engine/base/yaml.h"
#include "engine/kube/gvr.h"
#include "engine/kube/management.h"
#include "sim/real/world/rig.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRY_AGAIN   (500 * NS_PER_MS)
#define OBJECTS_MAX 64u
#define CLUSTERS    "/apis/" MANAGEMENT_GROUP "/v3/clusters"
#define TOKEN_LIFE  "86400"

static void step_on(struct rig_cluster *c, enum rig_import to)
{
    c->import = to;
    c->ask_at = 0;
}

static bool is_good(int status)
{
    return status >= 200 && status < 300;
}

static void send(struct rig_cluster *c, struct asker *to, const char *method, struct str target,
                 struct str body, asker_done done)
{
    c->asking = true;
    asker_send(to, method, target, body.n ? "application/json" : NULL, body, done, c);
}

/* ---- in the manager ---- */

static void on_registered(void *owner, int status, struct str body)
{
    struct rig_cluster *c = owner;
    (void)body;
    c->asking = false;
    if (is_good(status) || status == 409)
        step_on(c, RIG_TOKEN);
}

static void register_cluster(struct rig_cluster *c, struct asker *api)
{
    struct buf json = {0};
    buf_addf(&json,
             "{\"apiVersion\":\"" MANAGEMENT_GROUP "/v3\",\"kind\":\"Cluster\",\"metadata\":{"
             "\"name\":\"" STR_FMT "\"},\"spec\":{\"displayName\":\"" STR_FMT
             "\",\"importedConfig\":{}}}",
             STR_ARG(c->id), STR_ARG(c->name));
    send(c, api, "POST", STR(CLUSTERS), buf_str(&json), on_registered);
    buf_free(&json);
}

/* "https://manager.example.test/v3/import/..." → "/v3/import/..." */
static struct str path_of(struct str url)
{
    ptrdiff_t at = str_find(url, STR("/v3/import/"));
    return at < 0 ? str_empty : str_sub(url, (size_t)at, url.n);
}

static void on_token(void *owner, int status, struct str body)
{
    struct rig_cluster *c = owner;
    struct arena a = {0};
    cJSON *token = NULL;
    c->asking = false;
    struct err *err = is_good(status) ? json_parse(&a, body, &token) : NULL;
    struct str path = token ? path_of(json_string_at(token, "status.manifestUrl")) : str_empty;
    if (path.n) {
        c->manifest_path = arena_str(&c->manifest, path);
        step_on(c, RIG_MANIFEST);
    }
    err_ignore(err);
    arena_free(&a);
}

static void ask_token(struct rig_cluster *c, struct asker *api)
{
    struct buf target = {0};
    buf_addf(&target,
             "/apis/" MANAGEMENT_GROUP "/v3/namespaces/" STR_FMT
             "/clusterregistrationtokens/default-token",
             STR_ARG(c->id));
    send(c, api, "GET", buf_str(&target), str_empty, on_token);
    buf_free(&target);
}

static void on_manifest(void *owner, int status, struct str body)
{
    struct rig_cluster *c = owner;
    struct yaml_node **documents = NULL;
    size_t n = 0;
    c->asking = false;
    if (!is_good(status))
        return;
    struct str text = arena_str(&c->manifest, body);
    struct err *err = yaml_parse_all(&c->manifest, STR("the manifest"), text, &documents, &n);
    if (err) {
        err_ignore(err); /* cut short: asked again */
        return;
    }
    c->objects = ARENA_NEW_ARRAY(&c->manifest, cJSON *, OBJECTS_MAX);
    c->objects_n = 0;
    for (size_t i = 0; i < n && c->objects_n < OBJECTS_MAX; i++)
        if (documents[i]->kind == YAML_MAP)
            c->objects[c->objects_n++] = yaml_to_json(&c->manifest, documents[i]);
    step_on(c, RIG_APPLY);
}

static void ask_manifest(struct rig_cluster *c)
{
    const struct rig_site *s = &c->rig->sites[c->rig->active];
    for (size_t i = 0; i < s->replicas_n; i++)
        if (s->replicas[i].process.ready) {
            send(c, s->replicas[i].asker, "GET", c->manifest_path, str_empty, on_manifest);
            return;
        }
}

/* ---- in the cluster ---- */

static void on_applied(void *owner, int status, struct str body)
{
    struct rig_cluster *c = owner;
    (void)body;
    c->asking = false;
    if (!is_good(status) && status != 409)
        return;
    c->ask_at = 0;
    if (++c->applied == c->objects_n)
        step_on(c, RIG_ACCOUNT);
}

/* Where objects of its kind are kept: the plural is that of kinds that manifests have. */
static void collection_of(const cJSON *object, struct buf *out)
{
    struct str group = str_empty, version = str_empty, kind = json_string_at(object, "kind");
    struct buf plural = {0};
    for (size_t i = 0; i < kind.n; i++)
        buf_add_char(&plural,
                     (char)(kind.p[i] >= 'A' && kind.p[i] <= 'Z' ? kind.p[i] + 32 : kind.p[i]));
    buf_add_char(&plural, 's');
    bool known = kube_api_version_parse(json_string_at(object, "apiVersion"), &group, &version);
    BUG_ON(!known, "a manifest's objects have a version");
    struct kube_gvr gvr = {group, version, buf_str(&plural)};
    kube_path(&gvr, json_string_at(object, "metadata.namespace"), str_empty, str_empty, out);
    buf_free(&plural);
}

static void apply_next(struct rig_cluster *c)
{
    struct buf target = {0}, json = {0};
    if (c->applied == c->objects_n)
        return;
    collection_of(c->objects[c->applied], &target);
    json_write(&json, c->objects[c->applied]);
    send(c, c->api.asker, "POST", buf_str(&target), buf_str(&json), on_applied);
    buf_free(&target);
    buf_free(&json);
}

static const cJSON *object_of(const struct rig_cluster *c, const char *kind, struct str name)
{
    for (size_t i = 0; i < c->objects_n; i++)
        if (str_eq_c(json_string_at(c->objects[i], "kind"), kind) &&
            (name.n == 0 || str_eq(json_string_at(c->objects[i], "metadata.name"), name)))
            return c->objects[i];
    return NULL;
}

/* ---- its agents ---- */

/* The API as its kubeconfig has it, in the name of the account. */
static struct err *write_kubeconfig(struct rig_cluster *c, struct str token)
{
    static const struct str user = STR_INIT("  user:\n");
    struct buf text = {0}, out = {0};
    char bytes[16384];
    int fd = open(c->api.kubeconfig.p, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, bytes, sizeof bytes) : -1;
    if (fd >= 0)
        close(fd);
    buf_add(&text, (struct str){bytes, n > 0 ? (size_t)n : 0});
    struct str all = buf_str(&text);
    ptrdiff_t users = str_find(all, user), contexts = str_find(all, STR("contexts:\n"));
    struct err *err = NULL;
    if (users < 0 || contexts < 0) {
        err = err_new(ERR_INVALID, "%s: not the kubeconfig of an apiserver", c->api.kubeconfig.p);
    } else {
        buf_add(&out, str_sub(all, 0, (size_t)users + user.n));
        buf_addf(&out, "    token: " STR_FMT "\n", STR_ARG(token));
        buf_add(&out, str_sub(all, (size_t)contexts, all.n));
        struct str path = rig_path(c->rig, STR_FMT ".agent.kubeconfig", STR_ARG(c->name));
        err = rig_write(path.p, buf_str(&out));
        str_free(&path);
    }
    buf_free(&text);
    buf_free(&out);
    return err;
}

/* What the pod would have mounted. */
static struct err *write_credentials(struct rig_cluster *c, const cJSON *deployment)
{
    const cJSON *volumes = json_path(deployment, "spec.template.spec.volumes");
    struct str name = json_string_at(volumes ? volumes->child : NULL, "secret.secretName");
    const cJSON *secret = object_of(c, "Secret", name);
    const cJSON *data = json_get(secret, "data");
    struct str folder = rig_path(c->rig, STR_FMT ".credentials", STR_ARG(c->name));
    struct err *err = NULL;
    if (mkdir(folder.p, 0700) != 0 && errno != EEXIST)
        err = err_new(ERR_IO, "%s: %s", folder.p, strerror(errno));
    for (const cJSON *e = data ? data->child : NULL; e && !err; e = e->next) {
        struct buf value = {0}, path = {0};
        buf_addf(&path, "%s/%s", folder.p, e->string);
        bool ok = base64_decode(&value, json_string(e));
        err = ok ? rig_write(buf_c(&path), buf_str(&value))
                 : err_new(ERR_INVALID, "the manifest's Secret has no base64 in %s", e->string);
        buf_free(&value);
        buf_free(&path);
    }
    str_free(&folder);
    return err;
}

static void start_agents(struct rig_cluster *c, struct str token)
{
    const cJSON *deployment = object_of(c, "Deployment", str_empty);
    struct err *err = write_kubeconfig(c, token);
    if (!err)
        err = write_credentials(c, deployment);
    if (err) {
        err_ignore(err); /* tried again */
        return;
    }
    for (size_t i = 0; i < c->agents_n; i++) {
        struct rig_agent *a = &c->rig->agents[c->first_agent + i];
        rig_arm_agent(a, c, deployment);
        process_want(&a->process, rig_now(c->rig));
    }
    step_on(c, RIG_IMPORTED);
}

static void on_account(void *owner, int status, struct str body)
{
    struct rig_cluster *c = owner;
    struct arena a = {0};
    cJSON *answer = NULL;
    c->asking = false;
    err_ignore(is_good(status) ? json_parse(&a, body, &answer) : NULL);
    struct str token = json_string_at(answer, "status.token");
    if (token.n)
        start_agents(c, token);
    arena_free(&a);
}

static void ask_account(struct rig_cluster *c)
{
    const cJSON *deployment = object_of(c, "Deployment", str_empty);
    struct buf target = {0};
    buf_addf(&target, "/api/v1/namespaces/" STR_FMT "/serviceaccounts/" STR_FMT "/token",
             STR_ARG(json_string_at(deployment, "metadata.namespace")),
             STR_ARG(json_string_at(deployment, "spec.template.spec.serviceAccountName")));
    send(c, c->api.asker, "POST", buf_str(&target),
         STR("{\"apiVersion\":\"authentication.k8s.io/v1\",\"kind\":\"TokenRequest\","
             "\"spec\":{\"expirationSeconds\":" TOKEN_LIFE "}}"),
         on_account);
    buf_free(&target);
}

/* ---- step by step ---- */

void rig_import_look(struct rig_cluster *c)
{
    struct rig *r = c->rig;
    struct asker *manager = r->sites[r->active].api.asker;
    int64_t now = world_now(r->w);
    if (c->import == RIG_IMPORTED || c->asking || now < c->ask_at || !manager || !c->api.asker)
        return;
    c->ask_at = now + TRY_AGAIN;
    switch (c->import) {
    case RIG_REGISTER:
        register_cluster(c, manager);
        return;
    case RIG_TOKEN:
        ask_token(c, manager);
        return;
    case RIG_MANIFEST:
        ask_manifest(c);
        return;
    case RIG_APPLY:
        apply_next(c);
        return;
    case RIG_ACCOUNT:
        ask_account(c);
        return;
    case RIG_IMPORTED:;
    }
}

void rig_import_free(struct rig_cluster *c)
{
    arena_free(&c->manifest);
}
