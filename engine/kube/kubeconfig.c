#include "engine/kube/kubeconfig.h"

#include "engine/base/codec.h"
#include "engine/base/yaml.h"
#include "engine/http/url.h"

struct reader {
    struct arena *a;
    struct str file;
};

static struct err *wrong(const struct reader *r, const struct yaml_node *at,
                         struct err *take_err) must_check;
static struct err *wrong(const struct reader *r, const struct yaml_node *at, struct err *take_err)
{
    return err_at(take_err, r->file, at->line, at->column);
}

/* ---- fields ---- */

static struct err *get_text(const struct reader *r, const struct yaml_node *map, const char *key,
                            struct str *out)
{
    const struct yaml_node *n = yaml_get(map, key);
    if (!n || n->kind == YAML_NULL)
        return NULL;
    if (n->kind == YAML_LIST || n->kind == YAML_MAP)
        return wrong(r, n, err_new(ERR_INVALID, "%s: a text is expected here", key));
    *out = n->text;
    return NULL;
}

static struct err *get_flag(const struct reader *r, const struct yaml_node *map, const char *key,
                            bool *out)
{
    const struct yaml_node *n = yaml_get(map, key);
    if (!n || n->kind == YAML_NULL)
        return NULL;
    if (n->kind != YAML_BOOL)
        return wrong(r, n, err_new(ERR_INVALID, "%s: true or false is expected here", key));
    *out = n->integer != 0;
    return NULL;
}

static struct err *get_data(const struct reader *r, const struct yaml_node *map, const char *key,
                            struct str *out)
{
    struct str text = str_empty;
    struct buf bytes = {0};
    struct err *err = get_text(r, map, key, &text);
    if (!err && !base64_decode(&bytes, str_trim(text)))
        err = wrong(r, yaml_get(map, key), err_new(ERR_INVALID, "%s: this is no base64", key));
    if (!err)
        *out = arena_str(r->a, buf_str(&bytes));
    buf_free(&bytes);
    return err;
}

/* KEY-data, or the file that KEY names. */
static struct err *get_material(const struct reader *r, const struct yaml_node *map,
                                const char *key, const char *data_key, struct str *data,
                                struct str *file)
{
    struct err *err = get_data(r, map, data_key, data);
    if (!err && data->n == 0)
        err = get_text(r, map, key, file);
    return err;
}

/* What would change who we are, or where we go, is not passed over in silence. */
static struct err *refuse(const struct reader *r, const struct yaml_node *map,
                          const char *const *keys, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct yaml_node *node = yaml_get(map, keys[i]);
        if (node && node->kind != YAML_NULL && (node->kind != YAML_STRING || node->text.n))
            return wrong(r, node,
                         err_new(ERR_INVALID,
                                 "%s is not supported: give a client certificate, a token or a "
                                 "token's file, and a server that is reached directly",
                                 keys[i]));
    }
    return NULL;
}

/* ---- named entries ---- */

/* {KIND}s: [{name: NAME, KIND: {...}}] */
static struct err *find(const struct reader *r, const struct yaml_node *root, const char *list_key,
                        const char *kind, struct str name, const struct yaml_node **out)
{
    const struct yaml_node *list = yaml_get(root, list_key);
    if (list && list->kind != YAML_LIST && list->kind != YAML_NULL)
        return wrong(r, list, err_new(ERR_INVALID, "%s: a list is expected here", list_key));
    if (list && list->count > KUBECONFIG_ENTRIES_MAX)
        return wrong(
            r, list,
            err_new(ERR_INVALID, "%s: more than %u entries", list_key, KUBECONFIG_ENTRIES_MAX));
    for (const struct yaml_node *it = list ? list->first : NULL; it; it = it->next) {
        const struct yaml_node *called = it->kind == YAML_MAP ? yaml_get(it, "name") : NULL;
        if (!called || !str_eq(called->text, name))
            continue;
        const struct yaml_node *value = yaml_get(it, kind);
        if (!value || value->kind != YAML_MAP)
            return wrong(r, it, err_new(ERR_INVALID, "%s: a map is missing in this entry", kind));
        *out = value;
        return NULL;
    }
    return wrong(r, list ? list : root,
                 err_new(ERR_INVALID, "%s: there is no \"" STR_FMT "\"", list_key, STR_ARG(name)));
}

static struct err *read_server(const struct reader *r, const struct yaml_node *cluster,
                               struct kubeconfig *out)
{
    struct url url;
    const struct yaml_node *node = yaml_get(cluster, "server");
    struct err *err = get_text(r, cluster, "server", &out->server);
    if (err)
        return err;
    if (out->server.n == 0)
        return wrong(r, cluster, err_new(ERR_INVALID, "server: the cluster does not name it"));
    err = url_parse(out->server, &url);
    if (err)
        return wrong(r, node, err_wrap(err, ERR_INVALID, "server"));
    if (!str_eq_c(url.target, "/"))
        return wrong(r, node,
                     err_new(ERR_INVALID,
                             "server: the path \"" STR_FMT "\" is not supported: name the API "
                             "server itself, not one that is served below another",
                             STR_ARG(url.target)));
    out->tls = url.tls;
    out->host = url.host;
    out->port = url.port;
    return NULL;
}

static struct err *read_cluster(const struct reader *r, const struct yaml_node *cluster,
                                struct kubeconfig *out)
{
    static const char *const unsupported[] = {"proxy-url"};
    struct err *err = refuse(r, cluster, unsupported, ARRAY_LEN(unsupported));
    if (!err)
        err = read_server(r, cluster, out);
    if (!err)
        err = get_text(r, cluster, "tls-server-name", &out->server_name);
    if (!err)
        err = get_flag(r, cluster, "insecure-skip-tls-verify", &out->insecure);
    if (!err)
        err = get_material(r, cluster, "certificate-authority", "certificate-authority-data",
                           &out->ca_pem, &out->ca_file);
    return err;
}

static struct err *read_user(const struct reader *r, const struct yaml_node *user,
                             struct kubeconfig *out)
{
    static const char *const unsupported[] = {
        "exec", "auth-provider", "username",  "password",
        "as",   "as-uid",        "as-groups", "as-user-extra"};
    struct err *err = refuse(r, user, unsupported, ARRAY_LEN(unsupported));
    if (!err)
        err = get_material(r, user, "client-certificate", "client-certificate-data", &out->cert_pem,
                           &out->cert_file);
    if (!err)
        err = get_material(r, user, "client-key", "client-key-data", &out->key_pem, &out->key_file);
    if (!err)
        err = get_text(r, user, "token", &out->token);
    if (!err && out->token.n == 0)
        err = get_text(r, user, "tokenFile", &out->token_file);
    bool cert = out->cert_pem.n || out->cert_file.n, key = out->key_pem.n || out->key_file.n;
    if (!err && cert != key)
        err = wrong(r, user,
                    err_new(ERR_INVALID, "a client certificate and its key belong together"));
    return err;
}

static struct err *read_context(const struct reader *r, const struct yaml_node *root,
                                struct str name, struct kubeconfig *out)
{
    const struct yaml_node *context, *cluster, *user;
    struct str cluster_name = str_empty, user_name = str_empty;
    struct err *err = name.n ? NULL : get_text(r, root, "current-context", &name);
    if (!err && name.n == 0)
        err = wrong(r, root, err_new(ERR_INVALID, "current-context: it is not set"));
    if (!err)
        err = find(r, root, "contexts", "context", name, &context);
    if (!err)
        err = get_text(r, context, "cluster", &cluster_name);
    if (!err)
        err = get_text(r, context, "user", &user_name);
    if (!err)
        err = find(r, root, "clusters", "cluster", cluster_name, &cluster);
    if (!err)
        err = read_cluster(r, cluster, out);
    if (!err && user_name.n)
        err = find(r, root, "users", "user", user_name, &user);
    if (!err && user_name.n)
        err = read_user(r, user, out);
    return err;
}

struct err *kubeconfig_parse(struct arena *a, struct str file, struct str text, struct str context,
                             struct kubeconfig *out)
{
    struct reader r = {.a = a, .file = file};
    struct kubeconfig config = {0};
    struct yaml_node *root;
    if (text.n > KUBECONFIG_BYTES_MAX)
        return err_new(ERR_INVALID, STR_FMT ": more than %zu bytes", STR_ARG(file),
                       KUBECONFIG_BYTES_MAX);
    struct err *err = yaml_parse(a, file, text, &root);
    if (!err && root->kind != YAML_MAP)
        err = wrong(&r, root, err_new(ERR_INVALID, "this is no kubeconfig: a map is expected"));
    if (!err)
        err = read_context(&r, root, context, &config);
    if (!err)
        *out = config;
    return err;
}
