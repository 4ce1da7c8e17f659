/* Affinity between pods, and how they are spread. */
#include "sim/kubeapi/controllers/topology.h"

#include "sim/kubeapi/controllers/fit.h"
#include "sim/kubeapi/core/selector.h"

#define AFFINITY  "affinity.podAffinity."
#define SHYNESS   "affinity.podAntiAffinity."
#define REQUIRED  "requiredDuringSchedulingIgnoredDuringExecution"
#define PREFERRED "preferredDuringSchedulingIgnoredDuringExecution"

enum term_kind { TERM_NEAR, TERM_APART, TERM_SPREAD };

struct term {
    enum term_kind kind;
    const cJSON *tree;
    struct str key;
    int64_t weight;    /* > 0: only preferred */
    struct map counts; /* value of the key → matching pods, as a number in the pointer's place */
    int64_t total, least, skew;
    bool self; /* the pod matches its own term */
};
struct topology {
    struct ctl *c;
    const struct topology_question *q;
    struct term terms[TOPOLOGY_TERMS_MAX];
    size_t n;
    struct map blocked; /* "key=value" where pods stand that shy away from this one */
};

/* ---- which pods a term means ---- */

static bool names_namespace(struct ctl *c, const cJSON *term, struct str ns, struct str own)
{
    const cJSON *list = json_get(term, "namespaces"),
                *selector = json_get(term, "namespaceSelector");
    if ((!list || !list->child) && !selector)
        return str_eq(ns, own);
    for (const cJSON *it = list ? list->child : NULL; it; it = it->next)
        if (str_eq(json_string(it), ns))
            return true;
    const struct kube_object *o = selector ? ctl_get(c, T_NAMESPACES, str_empty, ns) : NULL;
    return o && selector_object_matches(selector, o);
}

/* own: whose term it is. Keys of labels became part of the selector when the pod was made. */
static bool means(struct ctl *c, const struct term *t, const struct kube_object *own,
                  const struct kube_object *pod)
{
    const cJSON *selector = json_get(t->tree, "labelSelector");
    if (!selector || !selector_object_matches(selector, pod))
        return false;
    if (t->kind != TERM_SPREAD)
        return names_namespace(c, t->tree, pod->ns, own->ns);
    return str_eq(pod->ns, own->ns);
}

/* ---- counting ---- */

static void add_term(struct topology *x, enum term_kind kind, const cJSON *tree, int64_t weight)
{
    if (x->n == TOPOLOGY_TERMS_MAX)
        return;
    struct term *t = &x->terms[x->n++];
    *t = (struct term){.kind = kind, .tree = tree, .weight = weight};
    t->key = json_string_at(tree, "topologyKey");
    t->skew = json_int_at(tree, "maxSkew", 1);
    t->self = means(x->c, t, x->q->pod, x->q->pod);
}

static void add_terms(struct topology *x, enum term_kind kind, const char *where)
{
    struct arena *a = &x->c->a;
    const cJSON *hard = json_path(x->q->spec, arena_printf(a, "%s" REQUIRED, where).p);
    const cJSON *soft = json_path(x->q->spec, arena_printf(a, "%s" PREFERRED, where).p);
    for (const cJSON *it = hard ? hard->child : NULL; it; it = it->next)
        add_term(x, kind, it, 0);
    for (const cJSON *it = soft ? soft->child : NULL; it; it = it->next)
        add_term(x, kind, json_get(it, "podAffinityTerm"), json_int_at(it, "weight", 1));
}

static void add_constraints(struct topology *x)
{
    const cJSON *list = json_get(x->q->spec, "topologySpreadConstraints");
    for (const cJSON *it = list ? list->child : NULL; it; it = it->next) {
        bool soft = str_eq_c(json_string_at(it, "whenUnsatisfiable"), "ScheduleAnyway");
        add_term(x, TERM_SPREAD, it, soft ? 2 : 0);
    }
}

/* Is the node one of those over which pods are spread? */
static bool is_spread_over(const struct topology *x, const struct term *t,
                           const struct kube_object *node)
{
    bool any_node = str_eq_c(json_string_at(t->tree, "nodeAffinityPolicy"), "Ignore");
    bool taints = str_eq_c(json_string_at(t->tree, "nodeTaintsPolicy"), "Honor");
    if (!any_node && !fit_selects(x->q->spec, node))
        return false;
    if (taints && !fit_tolerates(x->q->spec, ctl_tree(x->c, node)))
        return false;
    for (size_t i = 0; i < x->n; i++)
        if (x->terms[i].kind == TERM_SPREAD && x->terms[i].weight == t->weight &&
            !kube_object_has_label(node, x->terms[i].key))
            return false;
    return kube_object_has_label(node, t->key);
}

static void count(struct topology *x, struct term *t, const struct kube_object *pod,
                  const struct kube_object *node)
{
    bool spread = t->kind == TERM_SPREAD;
    if ((spread && (pod->deleting || !is_spread_over(x, t, node))) ||
        !means(x->c, t, x->q->pod, pod))
        return;
    t->total++;
    if (kube_object_has_label(node, t->key)) {
        struct str value = kube_object_label(node, t->key);
        (void)map_put(&t->counts, value, (void *)((uintptr_t)map_get(&t->counts, value) + 1));
    }
}

static struct str pair(struct topology *x, struct str key, struct str value)
{
    return arena_printf(&x->c->a, STR_FMT "=" STR_FMT, STR_ARG(key), STR_ARG(value));
}

bool topology_shies(const struct kube_object *pod)
{
    return str_find(kube_object_raw(pod, "spec.affinity"),
                    STR("\"podAntiAffinity\":{\"" REQUIRED)) >= 0;
}

/* A pod that stands shies away from ours. */
static void block(struct topology *x, const struct kube_object *pod, const struct kube_object *node)
{
    if (!x->q->others || !topology_shies(pod))
        return;
    const cJSON *list = json_path(ctl_tree(x->c, pod), "spec." SHYNESS REQUIRED);
    for (const cJSON *it = list ? list->child : NULL; it; it = it->next) {
        struct term t = {.kind = TERM_APART, .tree = it, .key = json_string_at(it, "topologyKey")};
        if (kube_object_has_label(node, t.key) && means(x->c, &t, pod, x->q->pod))
            (void)map_put(&x->blocked, pair(x, t.key, kube_object_label(node, t.key)), x);
    }
}

static void count_pods(struct topology *x)
{
    struct store_cursor cursor = store_seek(x->c->tables[T_PODS], str_empty, str_empty);
    for (struct kube_object *o; (o = store_next(&cursor));) {
        struct str name = kube_object_string(o, "spec.nodeName");
        if (name.n == 0 || pod_finished(o) || (x->q->gone && x->q->gone(x->q->arg, o)))
            continue;
        const struct kube_object *node = store_get(x->c->tables[T_NODES], str_empty, name);
        for (size_t i = 0; node && i < x->n; i++)
            count(x, &x->terms[i], o, node);
        if (node)
            block(x, o, node);
    }
}

/* The fewest pods at any value; values without a pod count as well. */
static void find_least(struct topology *x, struct term *t)
{
    int64_t domains = 0, wanted = json_int_at(t->tree, "minDomains", 1);
    struct map seen = {0};
    for (size_t i = 0; i < x->q->nodes->n; i++) {
        const struct kube_object *node = x->q->nodes->at[i];
        struct str value = kube_object_label(node, t->key);
        if (!is_spread_over(x, t, node) || map_has(&seen, value))
            continue;
        (void)map_put(&seen, value, x);
        int64_t n = (int64_t)(uintptr_t)map_get(&t->counts, value);
        t->least = domains++ == 0 || n < t->least ? n : t->least;
    }
    if (domains < wanted)
        t->least = 0;
    map_free(&seen);
}

struct topology *topology_new(struct ctl *c, const struct topology_question *q)
{
    bool own = json_path(q->spec, "affinity.podAffinity") ||
               json_path(q->spec, "affinity.podAntiAffinity") ||
               json_get(q->spec, "topologySpreadConstraints");
    if (!own && !q->others)
        return NULL;
    struct topology *x = MEM_NEW(struct topology);
    x->c = c;
    x->q = q;
    add_terms(x, TERM_NEAR, AFFINITY);
    add_terms(x, TERM_APART, SHYNESS);
    add_constraints(x);
    count_pods(x);
    for (size_t i = 0; i < x->n; i++)
        if (x->terms[i].kind == TERM_SPREAD)
            find_least(x, &x->terms[i]);
    return x;
}

void topology_free(struct topology *t)
{
    for (size_t i = 0; t && i < t->n; i++)
        map_free(&t->terms[i].counts);
    if (t)
        map_free(&t->blocked);
    mem_free(t);
}

/* ---- what a node's values say ---- */

static int64_t at_node(const struct term *t, const struct kube_object *node)
{
    if (!kube_object_has_label(node, t->key))
        return 0;
    return (int64_t)(uintptr_t)map_get(&t->counts, kube_object_label(node, t->key));
}

/* The first of its kind may stand where it likes, if it would be its own company. */
static bool is_first(const struct topology *x)
{
    for (size_t i = 0; i < x->n; i++) {
        const struct term *t = &x->terms[i];
        if (t->kind == TERM_NEAR && t->weight == 0 && (t->total > 0 || !t->self))
            return false;
    }
    return true;
}

static const char *term_refuses(const struct topology *x, const struct term *t,
                                const struct kube_object *node, bool *final)
{
    bool has = kube_object_has_label(node, t->key);
    int64_t n = at_node(t, node);
    *final = false;
    switch (t->kind) {
    case TERM_SPREAD:
        *final = !has;
        if (!has)
            return "node(s) didn't match pod topology spread constraints (missing required label)";
        return n + t->self - t->least > t->skew
                   ? "node(s) didn't match pod topology spread constraints"
                   : NULL;
    case TERM_NEAR:
        *final = true;
        return has && (n > 0 || is_first(x)) ? NULL : "node(s) didn't match pod affinity rules";
    default:
        return n > 0 ? "node(s) didn't match pod anti-affinity rules" : NULL;
    }
}

const char *topology_refuses(const struct topology *t, const struct kube_object *node, bool *final)
{
    static const enum term_kind order[] = {TERM_SPREAD, TERM_NEAR, TERM_APART};
    *final = false;
    for (size_t k = 0; t && k < ARRAY_LEN(order); k++)
        for (size_t i = 0; i < t->n; i++) {
            const struct term *term = &t->terms[i];
            const char *why = term->kind == order[k] && term->weight == 0
                                  ? term_refuses(t, term, node, final)
                                  : NULL;
            if (why)
                return why;
        }
    struct str pair_text;
    for (size_t i = 0; t && map_next(&t->blocked, &i, &pair_text, NULL);) {
        struct str key, value;
        (void)str_cut(pair_text, '=', &key, &value);
        if (kube_object_has_label(node, key) && str_eq(kube_object_label(node, key), value))
            return "node(s) didn't satisfy existing pods anti-affinity rules";
    }
    return NULL;
}

int64_t topology_score(const struct topology *t, const struct kube_object *node)
{
    int64_t score = 0;
    for (size_t i = 0; t && i < t->n; i++) {
        const struct term *term = &t->terms[i];
        int64_t n = at_node(term, node) * term->weight;
        score += term->kind == TERM_NEAR ? n : -n;
    }
    return score;
}
