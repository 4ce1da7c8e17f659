/* Objects from files into a server. */
#include "sim/cli/preload.h"

#include "engine/base/yaml.h"

#define PATH_STEPS_MAX 64

struct loader {
    struct kubeapi *api;
    struct arena *a;
    struct str file;
    struct str group_version; /* that `resources` is of */
    cJSON *resources;
    size_t count;
};

/* ---- where a field stands ---- */

static const struct yaml_node *item_at(const struct yaml_node *list, uint64_t index)
{
    const struct yaml_node *n = list->kind == YAML_LIST ? list->first : NULL;
    for (; n && index > 0; index--)
        n = n->next;
    return n;
}

/* "spec.containers[0].image": the deepest node of the path that is there. */
static const struct yaml_node *node_at(const struct yaml_node *n, struct str path)
{
    for (int steps = 0; path.n > 0 && steps < PATH_STEPS_MAX; steps++) {
        const struct yaml_node *next = NULL;
        uint64_t index;
        size_t end = 0;
        if (path.p[0] == '[') {
            while (end < path.n && path.p[end] != ']')
                end++;
            if (str_to_u64(str_sub(path, 1, end - 1), &index))
                next = item_at(n, index);
            end++;
        } else {
            while (end < path.n && path.p[end] != '.' && path.p[end] != '[')
                end++;
            const struct yaml_node *e = n->kind == YAML_MAP ? n->first : NULL;
            while (e && !str_eq(e->key, str_sub(path, 0, end)))
                e = e->next;
            next = e;
        }
        if (!next)
            break;
        n = next;
        path = str_sub(path, end, path.n);
        if (path.n > 0 && path.p[0] == '.')
            path = str_sub(path, 1, path.n);
    }
    return n;
}

static struct err *at_node(const struct loader *l, struct err *take, const struct yaml_node *n)
{
    if (take->file)
        return take;
    return err_at(take, l->file, n->key.n ? n->key_line : n->line,
                  n->key.n ? n->key_column : n->column);
}

/* The field that an answer complains of: of its first cause, or named as unknown in its message. */
static struct str field_of(const cJSON *status)
{
    const cJSON *causes = json_path(status, "details.causes");
    struct str field = json_string_at(causes ? causes->child : NULL, "field");
    struct str message = json_string_at(status, "message");
    ptrdiff_t at = str_find(message, STR("unknown field \""));
    struct str rest;
    if (field.n > 0 || at < 0)
        return field;
    message = str_sub(message, (size_t)at + strlen("unknown field \""), message.n);
    (void)str_cut(message, '"', &field, &rest);
    return field;
}

/* ---- requests in the name of an administrator ---- */

static int call(struct loader *l, const char *method, struct str target, struct str body,
                cJSON **answer)
{
    static const struct str masters = STR_INIT("system:masters");
    struct kubeapi_request request = {.method = method,
                                      .target = target,
                                      .content_type = STR("application/json"),
                                      .accept = STR("application/json"),
                                      .authorization = str_empty,
                                      .user_agent = STR("paddock-sim"),
                                      .body = body,
                                      .as = STR("kubernetes-admin"),
                                      .as_groups = &masters,
                                      .as_groups_n = 1};
    struct kubeapi_answer out = {0};
    kubeapi_call(l->api, &request, &out);
    struct str copy = arena_str(l->a, buf_str(&out.body));
    int status = out.status;
    kubeapi_answer_free(&out);
    *answer = NULL;
    err_ignore(json_parse(l->a, copy, answer));
    return status;
}

/* The resource of a kind, by discovery; NULL: the server has none. */
static const cJSON *resource_of(struct loader *l, struct str group_version, struct str kind)
{
    bool core = str_find_char(group_version, '/') < 0;
    if (!str_eq(l->group_version, group_version)) {
        struct str target =
            arena_printf(l->a, "%s/" STR_FMT, core ? "/api" : "/apis", STR_ARG(group_version));
        cJSON *answer;
        l->resources = call(l, "GET", target, str_empty, &answer) == 200
                           ? json_get(answer, "resources")
                           : NULL;
        l->group_version = group_version;
    }
    for (const cJSON *r = l->resources ? l->resources->child : NULL; r; r = r->next)
        if (str_eq(json_string_at(r, "kind"), kind) &&
            str_find_char(json_string_at(r, "name"), '/') < 0)
            return r;
    return NULL;
}

/* ---- one object ---- */

static const char *const kept[] = {"uid", "creationTimestamp", "generation"};

/* Defaults and checks come from a trial run of the creation; then the object is put as the file has it. */
static struct err *put_object(struct loader *l, const struct yaml_node *doc, cJSON *tree,
                              const cJSON *resource)
{
    struct str gv = json_string_at(tree, "apiVersion"),
               ns = json_string_at(tree, "metadata.namespace");
    struct buf body = {0};
    bool namespaced = json_bool_at(resource, "namespaced", false);
    if (namespaced && ns.n == 0)
        ns = STR("default");
    cJSON *metadata = json_get(tree, "metadata"), *answer;
    (void)json_unset(metadata, STR("resourceVersion"));
    json_write(&body, tree);
    struct str target = arena_printf(
        l->a, "%s/" STR_FMT "%s" STR_FMT "/" STR_FMT "?dryRun=All&fieldValidation=Strict",
        str_find_char(gv, '/') < 0 ? "/api" : "/apis", STR_ARG(gv),
        namespaced ? "/namespaces/" : "", STR_ARG(namespaced ? ns : str_empty),
        STR_ARG(json_string_at(resource, "name")));
    int status = call(l, "POST", target, buf_str(&body), &answer);
    buf_clear(&body);
    if (status != 201 && status != 409) {
        buf_free(&body);
        struct str message = json_string_at(answer, "message");
        struct err *err = err_new(ERR_INVALID, STR_FMT, STR_ARG(message));
        return at_node(l, err, node_at(doc, field_of(answer)));
    }
    cJSON *whole = status == 201 ? answer : tree;
    cJSON *made = json_get(whole, "metadata");
    (void)json_unset(made, STR("resourceVersion"));
    for (size_t i = 0; i < ARRAY_LEN(kept) && status == 201; i++) {
        const cJSON *v = json_get(metadata, kept[i]);
        if (v)
            json_set(l->a, made, str_c(kept[i]), json_copy(l->a, v));
        else if (i == 0)
            (void)json_unset(made, str_c(kept[i]));
    }
    const cJSON *state = json_get(tree, "status");
    if (state && status == 201)
        json_set(l->a, whole, STR("status"), json_copy(l->a, state));
    if (namespaced)
        json_set(l->a, made, STR("namespace"), json_str(l->a, ns));
    json_write(&body, whole);
    struct err *err = kubeapi_apply(l->api, buf_str(&body), NULL);
    buf_free(&body);
    l->count += !err;
    return err ? at_node(l, err, doc) : NULL;
}

static struct err *load_object(struct loader *l, const struct yaml_node *doc)
{
    if (doc->kind != YAML_MAP)
        return at_node(l, err_new(ERR_INVALID, "an object is a map with apiVersion and kind"), doc);
    cJSON *tree = yaml_to_json(l->a, doc);
    struct str gv = json_string_at(tree, "apiVersion"), kind = json_string_at(tree, "kind");
    if (gv.n == 0 || kind.n == 0)
        return at_node(l, err_new(ERR_INVALID, "%s is missing", gv.n ? "kind" : "apiVersion"), doc);
    if (!cJSON_IsObject(json_get(tree, "metadata")))
        return at_node(l, err_new(ERR_INVALID, "metadata is missing"), doc);
    const cJSON *resource = resource_of(l, gv, kind);
    if (!resource)
        return at_node(l,
                       err_new(ERR_INVALID,
                               "no kind \"" STR_FMT "\" in \"" STR_FMT "\": --crds DIR gives the "
                               "definitions of custom resources",
                               STR_ARG(kind), STR_ARG(gv)),
                       node_at(doc, STR("kind")));
    return put_object(l, doc, tree, resource);
}

static struct err *load_document(struct loader *l, const struct yaml_node *doc)
{
    const struct yaml_node *kind = doc->kind == YAML_MAP ? yaml_get(doc, "kind") : NULL;
    const struct yaml_node *items = doc->kind == YAML_MAP ? yaml_get(doc, "items") : NULL;
    struct err *err = NULL;
    if (doc->kind == YAML_NULL)
        return NULL;
    if (!kind || !str_ends(kind->text, STR("List")) || !items || items->kind != YAML_LIST)
        return load_object(l, doc);
    for (const struct yaml_node *n = items->first; n && !err; n = n->next)
        err = load_object(l, n);
    return err;
}

struct err *preload(struct kubeapi *api, struct str file, struct str text, size_t *count)
{
    struct arena a = {0};
    struct loader l = {.api = api, .a = &a, .file = file, .group_version = str_empty};
    struct yaml_node **docs;
    size_t n = 0;
    struct err *err = yaml_parse_all(&a, file, text, &docs, &n);
    for (size_t i = 0; i < n && !err; i++)
        err = load_document(&l, docs[i]);
    *count += l.count;
    arena_free(&a);
    return err;
}
