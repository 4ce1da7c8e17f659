#include "sim/kubeapi/admission/hooks.h"

#include "sim/kubeapi/core/body.h"
#include "sim/kubeapi/core/webhook_call.h"
#include "sim/kubeapi/crd/crds.h"
#include "sim/kubeapi/kinds/convert.h"

/* ---- configurations ---- */

struct hooks {
    struct map configs; /* "table/name" → struct hook_config * */
};

static void config_free(struct hook_config *c)
{
    if (!c)
        return;
    str_free(&c->name);
    str_free(&c->uid);
    arena_free(&c->a);
    mem_free(c);
}

static void forget(struct hooks *x)
{
    void *value;
    for (size_t i = 0; map_next(&x->configs, &i, NULL, &value);)
        config_free(value);
    map_free(&x->configs);
}

void hooks_free(struct hooks *x)
{
    if (!x)
        return;
    forget(x);
    mem_free(x);
}

static void compile_webhooks(struct hook_config *c)
{
    struct cel_var vars[HOOK_SLOTS];
    struct cel_env env;
    const cJSON *list = json_get(c->tree, "webhooks");
    size_t n = 0;
    hook_env(&c->a, vars, HOOK_PARAMS, &env);
    for (const cJSON *w = list ? list->child : NULL; w; w = w->next)
        n++;
    c->conditions = ARENA_NEW_ARRAY(&c->a, struct hook_conditions, n + 1);
    n = 0;
    for (const cJSON *w = list ? list->child : NULL; w; w = w->next)
        hook_conditions_compile(&c->a, &env, json_get(w, "matchConditions"), &c->conditions[n++]);
}

static struct hook_config *config_new(const char *table, const struct kube_object *o)
{
    struct hook_config *c = MEM_NEW(struct hook_config);
    c->name = str_dup(o->name);
    c->uid = str_dup(o->uid);
    c->revision = o->resource_version;
    c->tree = kube_object_tree(o, &c->a);
    if (strncmp(table, "validatingadmissionpolicies", 27) == 0)
        policy_compile(c);
    else
        compile_webhooks(c);
    return c;
}

struct store_cursor hooks_begin(struct api_request *r, const char *table)
{
    return store_seek(kubeapi_table(r->api, str_c(table)), str_empty, str_empty);
}

const struct hook_config *hooks_next(struct api_request *r, const char *table,
                                     struct store_cursor *cursor)
{
    const struct kube_object *o = store_next(cursor);
    if (!o)
        return NULL;
    if (!r->api->hooks)
        r->api->hooks = MEM_NEW(struct hooks);
    struct map *configs = &r->api->hooks->configs;
    struct str key = arena_printf(&r->a, "%s/" STR_FMT, table, STR_ARG(o->name));
    struct hook_config *c = map_get(configs, key);
    if (!c || c->revision != o->resource_version || !str_eq(c->uid, o->uid)) {
        (void)map_remove(configs, key);
        config_free(c);
        c = config_new(table, o);
        (void)map_put(configs, key, c);
    }
    return c;
}

/* ---- subjects ---- */

static const cJSON *labels_of(const cJSON *tree)
{
    return tree ? json_path(tree, "metadata.labels") : NULL;
}

void hook_subject_init(struct hook_subject *s, struct admission *a)
{
    struct arena *memory = &a->r->a;
    struct hooks *cache = a->r->api->hooks;
    if (cache && map_count(&cache->configs) > HOOK_CONFIGS_MAX) /* most of them are gone */
        forget(cache);
    *s = (struct hook_subject){.a = a, .object = a->object, .ns = a->r->ns};
    s->operation = a->verb == ADMIT_CREATE   ? "CREATE"
                   : a->verb == ADMIT_UPDATE ? "UPDATE"
                   : a->verb == ADMIT_DELETE ? "DELETE"
                                             : "CONNECT";
    s->old = a->as ? a->old_tree : a->old ? crds_tree(a->k, a->old, memory) : NULL;
    s->labels = labels_of(s->object);
    s->old_labels = labels_of(s->old);
    s->name = a->sub.n > 0 ? a->r->p.name
              : a->old     ? a->old->name
                           : json_string_at(s->object, "metadata.name");
    if (a->r->verb == VERB_DELETECOLLECTION) /* it named none */
        s->name = str_empty;
    bool is_ns = api_kind_is(a->k, "namespaces");
    if (a->old && a->old->ns.n > 0)
        s->ns = a->old->ns;
    if (is_ns) {
        s->ns = a->old ? a->old->name : s->name;
        s->ns_labels = s->object ? s->labels : s->old_labels;
    } else if (s->ns.n > 0) {
        const struct kube_object *ns = kubeapi_get(a->r->api, STR("namespaces"), str_empty, s->ns);
        s->ns_labels = ns ? labels_of(kube_object_tree(ns, memory)) : NULL;
    }
    s->in_ns = is_ns || s->ns.n > 0;
}

void hook_subject_refresh(struct hook_subject *s)
{
    s->labels = labels_of(s->object);
    if (api_kind_is(s->a->k, "namespaces") && s->object)
        s->ns_labels = s->labels;
}

/* ---- rules ---- */

static bool holds(const cJSON *list, struct str text)
{
    for (const cJSON *c = list ? list->child : NULL; c; c = c->next)
        if (str_eq_c(json_string(c), "*") || str_eq(json_string(c), text))
            return true;
    return false;
}

/* "pods", "pods/status", "pods/" + "*", "*" + "/scale". */
static bool resource_matches(const cJSON *list, struct str resource, struct str sub)
{
    for (const cJSON *c = list ? list->child : NULL; c; c = c->next) {
        struct str main, part;
        if (!str_cut(json_string(c), '/', &main, &part))
            part = str_empty;
        if ((str_eq_c(main, "*") || str_eq(main, resource)) &&
            (str_eq_c(part, "*") || str_eq(part, sub)))
            return true;
    }
    return false;
}

static bool scope_matches(const struct hook_subject *s, struct str scope)
{
    bool namespaced = (s->a->k->flags & KIND_NAMESPACED) != 0;
    if (scope.n == 0 || str_eq_c(scope, "*"))
        return true;
    return str_eq_c(scope, "Namespaced") == namespaced;
}

static bool rule_matches(const struct hook_subject *s, const cJSON *rule, const struct api_kind *k)
{
    const cJSON *names = json_get(rule, "resourceNames");
    return holds(json_get(rule, "operations"), str_c(s->operation)) &&
           holds(json_get(rule, "apiGroups"), k->group) &&
           holds(json_get(rule, "apiVersions"), k->version) &&
           resource_matches(json_get(rule, "resources"), k->resource, s->a->sub) &&
           scope_matches(s, json_string(json_get(rule, "scope"))) &&
           (!names || !names->child || holds(names, s->name));
}

/* The n-th row that shows the same resource, the request's own first; NULL: there are no more. */
static const struct api_kind *equivalent(const struct hook_subject *s, size_t n)
{
    const struct api_kind *own = s->a->k, *k;
    size_t seen = 0;
    if (n == 0)
        return own;
    if (own->crd) {
        for (size_t at = 0; crds_next(s->a->r->api->crds, &at, &k);)
            if (k->crd == own->crd && !str_eq(k->version, own->version) && ++seen == n)
                return k;
        return NULL;
    }
    for (size_t i = 0; i < api_kinds_n; i++) {
        k = &api_kinds[i];
        if (k != own && str_eq(k->table, own->table) && !api_kind_is_sub(k) && ++seen == n)
            return k;
    }
    return NULL;
}

const struct api_kind *hook_matches(const struct hook_subject *s, const cJSON *rules,
                                    struct str match_policy)
{
    bool exact = str_eq_c(match_policy, "Exact");
    const struct api_kind *k = s->a->k;
    for (const cJSON *rule = rules ? rules->child : NULL; rule; rule = rule->next)
        if (rule_matches(s, rule, k))
            return k;
    for (const cJSON *rule = rules && !exact ? rules->child : NULL; rule; rule = rule->next)
        for (size_t i = 1; (k = equivalent(s, i)); i++)
            if (rule_matches(s, rule, k))
                return k;
    return NULL;
}

/* ---- selectors ---- */

static bool expression_matches(const cJSON *e, const cJSON *labels)
{
    struct str op = json_string(json_get(e, "operator"));
    const cJSON *have = labels ? json_get_str(labels, json_string(json_get(e, "key"))) : NULL;
    const cJSON *values = json_get(e, "values");
    bool in = false;
    for (const cJSON *v = values ? values->child : NULL; v && have; v = v->next)
        in = in || str_eq(json_string(v), json_string(have));
    if (str_eq_c(op, "In"))
        return in;
    if (str_eq_c(op, "NotIn"))
        return !in;
    return str_eq_c(op, "Exists") ? have != NULL : have == NULL;
}

bool hook_labels_match(const cJSON *selector, const cJSON *labels)
{
    const cJSON *exact = selector ? json_get(selector, "matchLabels") : NULL;
    const cJSON *more = selector ? json_get(selector, "matchExpressions") : NULL;
    for (const cJSON *c = exact ? exact->child : NULL; c; c = c->next) {
        const cJSON *have = labels ? json_get(labels, c->string) : NULL;
        if (!have || !str_eq(json_string(have), json_string(c)))
            return false;
    }
    for (const cJSON *e = more ? more->child : NULL; e; e = e->next)
        if (!expression_matches(e, labels))
            return false;
    return true;
}

static bool selects_all(const cJSON *selector)
{
    const cJSON *exact = selector ? json_get(selector, "matchLabels") : NULL;
    const cJSON *more = selector ? json_get(selector, "matchExpressions") : NULL;
    return !(exact && exact->child) && !(more && more->child);
}

bool hook_selected(const struct hook_subject *s, const cJSON *ns_selector,
                   const cJSON *object_selector)
{
    if (s->in_ns && !hook_labels_match(ns_selector, s->ns_labels))
        return false;
    if (selects_all(object_selector))
        return true;
    /* The options of a connection have no labels that could be selected by. */
    bool labelled = s->object && s->a->verb != ADMIT_CONNECT;
    return (labelled && hook_labels_match(object_selector, s->labels)) ||
           (s->old && hook_labels_match(object_selector, s->old_labels));
}

/* ---- what hooks are told ---- */

static cJSON *gvk(struct arena *a, const struct api_kind *k, const char *last, struct str name)
{
    cJSON *v = json_object(a);
    json_set_str(a, v, "group", k->group);
    json_set_str(a, v, "version", k->version);
    json_set_str(a, v, last, name);
    return v;
}

static cJSON *strings(struct arena *a, const struct str *list, size_t n)
{
    cJSON *v = json_array(a);
    for (size_t i = 0; i < n; i++)
        json_append(v, json_str(a, list[i]));
    return v;
}

static cJSON *user_info(struct arena *a, const struct api_user *u)
{
    cJSON *v = json_object(a), *extra = json_object(a);
    json_set_str(a, v, "username", u->name);
    if (u->uid.n > 0)
        json_set_str(a, v, "uid", u->uid);
    if (u->groups_n > 0)
        json_set(a, v, STR("groups"), strings(a, u->groups, u->groups_n));
    for (size_t i = 0; i < u->extra_n; i++)
        json_set(a, extra, u->extra[i].key, strings(a, u->extra[i].values, u->extra[i].n));
    if (u->extra_n > 0)
        json_set(a, v, STR("extra"), extra);
    return v;
}

/* What a deletion was asked to do: its body, or its query. */
static cJSON *delete_options(struct api_request *r)
{
    struct arena *a = &r->a;
    struct str text;
    int64_t grace;
    cJSON *v = NULL;
    if (str_trim(r->body).n > 0 && api_body_options(r, &v) && v->type == cJSON_Object)
        return v;
    v = json_object(a);
    if (api_request_param(r, "gracePeriodSeconds", &text) && str_to_i64(text, &grace))
        json_set_int(a, v, "gracePeriodSeconds", grace);
    if (api_request_param(r, "orphanDependents", &text))
        json_set_bool(a, v, "orphanDependents", api_request_flag(r, "orphanDependents"));
    if (api_request_param(r, "propagationPolicy", &text))
        json_set_str(a, v, "propagationPolicy", text);
    return v;
}

/* A PATCH is a creation or an update, and its options are theirs. */
static cJSON *options_of(const struct hook_subject *s)
{
    static const char *const said[] = {"fieldManager", "fieldValidation"};
    struct api_request *r = s->a->r;
    struct arena *a = &r->a;
    struct str text;
    if (s->a->verb == ADMIT_CONNECT)
        return json_null(a);
    bool deletes = s->a->verb == ADMIT_DELETE;
    cJSON *v = deletes ? delete_options(r) : json_object(a);
    json_set_str(a, v, "kind",
                 deletes                      ? STR("DeleteOptions")
                 : s->a->verb == ADMIT_CREATE ? STR("CreateOptions")
                                              : STR("UpdateOptions"));
    json_set_str(a, v, "apiVersion", STR("meta.k8s.io/v1"));
    for (size_t i = 0; !deletes && i < ARRAY_LEN(said); i++)
        if (api_request_param(r, said[i], &text) && text.n > 0)
            json_set_str(a, v, said[i], text);
    if (r->dry_run && !json_get(v, "dryRun")) {
        cJSON *dry = json_array(a);
        json_append(dry, json_str(a, STR("All")));
        json_set(a, v, STR("dryRun"), dry);
    }
    return v;
}

const struct api_kind *hook_kind(const struct hook_subject *s, const struct api_kind *as)
{
    return s->a->as ? s->a->as : as;
}

/* Group and version of what an object is. */
static void kind_version(const struct api_kind *k, struct str *group, struct str *version)
{
    *group = k->group;
    *version = k->version;
    if (k->foreign.n > 0 && !str_cut(k->foreign, '/', group, version)) {
        *group = str_empty;
        *version = k->foreign;
    }
}

static cJSON *kind_named(struct arena *a, const struct api_kind *k)
{
    struct api_kind named = *k;
    kind_version(k, &named.group, &named.version);
    return gvk(a, &named, "kind", k->kind);
}

/* The server names an object behind those that change it. */
static bool nameless(const struct hook_subject *s)
{
    return s->mutating && s->a->verb == ADMIT_CREATE && !s->a->as && s->a->r->stamp_name.n > 0;
}

cJSON *hook_request(const struct hook_subject *s, const struct api_kind *as)
{
    struct api_request *r = s->a->r;
    struct arena *a = &r->a;
    bool connects = s->a->verb == ADMIT_CONNECT;
    cJSON *v = json_object(a);
    json_set_str(a, v, "uid", s->uid);
    json_set(a, v, STR("kind"), kind_named(a, hook_kind(s, as)));
    json_set(a, v, STR("resource"), gvk(a, as, "resource", as->resource));
    if (s->a->sub.n > 0)
        json_set_str(a, v, "subResource", s->a->sub);
    json_set(a, v, STR("requestKind"), kind_named(a, hook_kind(s, s->a->k)));
    json_set(a, v, STR("requestResource"), gvk(a, s->a->k, "resource", s->a->k->resource));
    if (s->a->sub.n > 0)
        json_set_str(a, v, "requestSubResource", s->a->sub);
    if (s->name.n > 0 && !nameless(s))
        json_set_str(a, v, "name", s->name);
    if (s->ns.n > 0)
        json_set_str(a, v, "namespace", s->ns);
    json_set_str(a, v, "operation", str_c(s->operation));
    json_set(a, v, STR("userInfo"), user_info(a, &r->user));
    json_set_bool(a, v, "dryRun", r->dry_run && !connects);
    json_set(a, v, STR("options"), options_of(s));
    return v;
}

/* Another version of the same resource. */
static void convert(struct arena *a, const struct api_kind *from, const struct api_kind *to,
                    cJSON *tree)
{
    struct buf b = {.max = 512};
    if (from == to)
        return;
    convert_to_storage(a, from, tree);
    convert_to_shown(a, to, tree);
    kube_api_version_write(to->group, to->version, &b);
    json_set_str(a, tree, "apiVersion", buf_str(&b));
    buf_free(&b);
}

/* A copy without raw parts. */
static cJSON *whole(struct arena *a, const cJSON *tree)
{
    struct buf b = {0};
    cJSON *out;
    json_write(&b, tree);
    struct err *err = json_parse(a, buf_str(&b), &out);
    BUG_ON(err, "what was written is JSON");
    buf_free(&b);
    return out;
}

cJSON *hook_object(const struct hook_subject *s, const struct api_kind *as, const cJSON *tree)
{
    struct arena *a = &s->a->r->a;
    if (!tree)
        return json_null(a);
    bool made = s->other == as && as != s->a->k;
    cJSON *v = made && tree == s->object ? s->other_object : made ? s->other_old : NULL;
    v = whole(a, v ? v : tree);
    cJSON *metadata = json_get(v, "metadata");
    if (s->mutating && s->a->verb == ADMIT_CREATE && !s->a->as && metadata) {
        (void)json_unset(metadata, STR("uid"));
        (void)json_unset(metadata, STR("creationTimestamp"));
        (void)json_unset(metadata, STR("generation"));
        if (nameless(s))
            (void)json_unset(metadata, STR("name"));
    }
    if (s->a->as)
        return v;
    json_set_str(a, v, "kind", as->kind);
    convert(a, s->a->k, as, v);
    return v;
}

/* Is another version what a webhook makes of it? */
static bool converts(const struct hook_subject *s, const struct api_kind *as)
{
    return !s->a->as && as != s->a->k && crds_converts(s->a->k);
}

enum crd_conversion hook_prepare(struct hook_subject *s, const struct api_kind *as, struct str *why)
{
    struct api_request *r = s->a->r;
    enum crd_conversion out = CRD_CONVERTED, old = CRD_CONVERTED;
    s->other = NULL;
    if (!converts(s, as))
        return CRD_CONVERTED;
    s->other_object = s->other_old = NULL;
    if (s->object)
        out = crds_convert_tree(r, s->a->k, as->version, s->object, &s->other_object, why);
    if (s->old && out != CRD_BROKEN)
        old = crds_convert_tree(r, s->a->k, as->version, s->old, &s->other_old, why);
    s->other = as;
    return old != CRD_CONVERTED ? old : out;
}

enum crd_conversion hook_object_back(const struct hook_subject *s, const struct api_kind *as,
                                     cJSON **tree, struct str *why)
{
    const struct api_kind *own = s->a->k;
    if (converts(s, as))
        return crds_convert_tree(s->a->r, own, own->version, *tree, tree, why);
    if (!s->a->as)
        convert(&s->a->r->a, as, own, *tree);
    return CRD_CONVERTED;
}
