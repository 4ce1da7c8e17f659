/* Whether a pod fits a node. */
#include "sim/kubeapi/controllers/fit.h"

#include <stdio.h>
#include <string.h>

#include "sim/kubeapi/controllers/topology.h"
#include "sim/kubeapi/types/quantity.h"

static const char *const amount_names[FIT_OTHER] = {"cpu", "memory", "ephemeral-storage"};

/* ---- amounts ---- */

static int64_t amount(struct str text, size_t which)
{
    struct quantity q;
    if (text.n == 0 || quantity_parse(text, &q))
        return 0;
    return (int64_t)(q.nanos / (which == FIT_CPU ? 1000000 : 1000000000));
}

static bool is_other(struct str name)
{
    return str_starts(name, STR("hugepages-")) ||
           (str_find_char(name, '/') >= 0 && str_find(name, STR("kubernetes.io/")) < 0);
}

/* FIT_AMOUNTS: nothing that is minded. */
static size_t index_of(struct fit_names *names, struct str name)
{
    for (size_t i = 0; i < FIT_OTHER; i++)
        if (str_eq_c(name, amount_names[i]))
            return i;
    if (!is_other(name))
        return FIT_AMOUNTS;
    for (size_t i = 0; i < names->n; i++)
        if (str_eq(names->at[i], name))
            return FIT_OTHER + i;
    if (names->n == ARRAY_LEN(names->at))
        return FIT_AMOUNTS;
    names->at[names->n] = str_dup(name);
    return FIT_OTHER + names->n++;
}

static void add_list(struct fit_names *names, const cJSON *list, struct fit_amounts *to, bool set)
{
    for (const cJSON *it = list ? list->child : NULL; it; it = it->next) {
        size_t w = index_of(names, str_c(it->string));
        if (w < FIT_AMOUNTS)
            to->n[w] = amount(json_string(it), w) + (set ? 0 : to->n[w]);
    }
}

static void add_requests(struct fit_names *names, const cJSON *container, struct fit_amounts *to)
{
    add_list(names, json_path(container, "resources.requests"), to, false);
}

static void raise_to(struct fit_amounts *x, const struct fit_amounts *least)
{
    for (size_t w = 0; w < FIT_AMOUNTS; w++)
        x->n[w] = least->n[w] > x->n[w] ? least->n[w] : x->n[w];
}

/* Those that start in turn need room one at a time, beside those before them that go on running. What the pod asks for as a
 * whole comes in place of that. */
void fit_amounts(struct fit_names *names, const cJSON *pod_spec, struct fit_amounts *out)
{
    const cJSON *main = json_get(pod_spec, "containers");
    const cJSON *init = json_get(pod_spec, "initContainers");
    struct fit_amounts beside = {0}, peak = {0};
    for (const cJSON *it = init ? init->child : NULL; it; it = it->next) {
        bool stays = str_eq_c(json_string_at(it, "restartPolicy"), "Always");
        struct fit_amounts now = beside;
        add_requests(names, it, stays ? &beside : &now);
        raise_to(&peak, stays ? &beside : &now);
    }
    *out = beside;
    for (const cJSON *it = main ? main->child : NULL; it; it = it->next)
        add_requests(names, it, out);
    raise_to(out, &peak);
    add_list(names, json_path(pod_spec, "resources.requests"), out, true);
    add_list(names, json_get(pod_spec, "overhead"), out, false);
}

/* ---- taints ---- */

bool pod_tolerates(const cJSON *spec, const cJSON *taint, int64_t *seconds)
{
    const cJSON *list = json_get(spec, "tolerations");
    bool found = false;
    *seconds = -1;
    for (const cJSON *t = list ? list->child : NULL; t; t = t->next) {
        struct str effect = json_string_at(t, "effect"), key = json_string_at(t, "key");
        bool exists = str_eq_c(json_string_at(t, "operator"), "Exists");
        if ((effect.n > 0 && !str_eq(effect, json_string_at(taint, "effect"))) ||
            (key.n > 0 && !str_eq(key, json_string_at(taint, "key"))) || (key.n == 0 && !exists) ||
            (!exists && !str_eq(json_string_at(t, "value"), json_string_at(taint, "value"))))
            continue;
        int64_t s = json_int_at(t, "tolerationSeconds", -1);
        *seconds = !found || s < 0 ? s : *seconds < 0 || *seconds < s ? *seconds : s;
        found = true;
    }
    return found;
}

static const cJSON *untolerated(const cJSON *spec, const cJSON *node)
{
    const cJSON *taints = json_path(node, "spec.taints");
    for (const cJSON *t = taints ? taints->child : NULL; t; t = t->next) {
        int64_t seconds;
        if (!str_eq_c(json_string_at(t, "effect"), "PreferNoSchedule") &&
            !pod_tolerates(spec, t, &seconds))
            return t;
    }
    return NULL;
}

/* ---- selectors ---- */

static bool requirement_met(const cJSON *r, bool has, struct str value)
{
    struct str op = json_string_at(r, "operator");
    const cJSON *values = json_get(r, "values");
    int64_t a, b;
    if (str_eq_c(op, "Exists"))
        return has;
    if (str_eq_c(op, "DoesNotExist"))
        return !has;
    if (str_eq_c(op, "In"))
        return has && json_list_has(values, value);
    if (str_eq_c(op, "NotIn"))
        return !has || !json_list_has(values, value);
    if (!has || !values || !values->child || !str_to_i64(value, &a) ||
        !str_to_i64(json_string(values->child), &b))
        return false;
    return str_eq_c(op, "Gt") ? a > b : a < b;
}

static bool term_met(const cJSON *term, const struct kube_object *node)
{
    const cJSON *labels = json_get(term, "matchExpressions");
    const cJSON *fields = json_get(term, "matchFields");
    if ((!labels || !labels->child) && (!fields || !fields->child))
        return false; /* an empty term matches nothing */
    for (const cJSON *r = labels ? labels->child : NULL; r; r = r->next) {
        struct str key = json_string_at(r, "key");
        if (!requirement_met(r, kube_object_has_label(node, key), kube_object_label(node, key)))
            return false;
    }
    for (const cJSON *r = fields ? fields->child : NULL; r; r = r->next)
        if (!requirement_met(r, true, node->name))
            return false;
    return true;
}

bool fit_selects(const cJSON *spec, const struct kube_object *node)
{
    const cJSON *selector = json_get(spec, "nodeSelector");
    const cJSON *terms = json_path(spec, "affinity.nodeAffinity."
                                         "requiredDuringSchedulingIgnoredDuringExecution."
                                         "nodeSelectorTerms");
    for (const cJSON *l = selector ? selector->child : NULL; l; l = l->next)
        if (!kube_object_has_label(node, str_c(l->string)) ||
            !str_eq(kube_object_label(node, str_c(l->string)), json_string(l)))
            return false;
    if (!terms)
        return true;
    for (const cJSON *t = terms->child; t; t = t->next)
        if (term_met(t, node))
            return true;
    return false;
}

bool node_admits(struct ctl *c, const cJSON *spec, const struct kube_object *node,
                 const cJSON *node_tree)
{
    (void)c;
    return fit_selects(spec, node) && !untolerated(spec, node_tree);
}

bool fit_tolerates(const cJSON *spec, const cJSON *node_tree)
{
    return !untolerated(spec, node_tree);
}

int64_t fit_score(const struct fit_question *q, const struct kube_object *node,
                  const cJSON *node_tree)
{
    const cJSON *terms = json_path(q->spec, "affinity.nodeAffinity."
                                            "preferredDuringSchedulingIgnoredDuringExecution");
    const cJSON *taints = json_path(node_tree, "spec.taints");
    int64_t score = topology_score(q->topology, node), seconds;
    for (const cJSON *t = terms ? terms->child : NULL; t; t = t->next)
        if (term_met(json_get(t, "preference"), node))
            score += json_int_at(t, "weight", 1);
    for (const cJSON *t = taints ? taints->child : NULL; t; t = t->next)
        if (str_eq_c(json_string_at(t, "effect"), "PreferNoSchedule") &&
            !pod_tolerates(q->spec, t, &seconds))
            score -= 10;
    return score;
}

/* ---- reasons ---- */

static bool count(struct fit_reasons *r, struct str text)
{
    for (size_t i = 0; i < r->n; i++) {
        if (str_eq(r->at[i].text, text)) {
            r->at[i].n++;
            return false;
        }
    }
    if (r->n < FIT_REASONS_MAX) {
        r->at[r->n].text = text;
        r->at[r->n++].n = 1;
    }
    return false;
}

static struct str name_of(const struct fit_names *names, size_t which)
{
    return which < FIT_OTHER ? str_c(amount_names[which]) : names->at[which - FIT_OTHER];
}

/* final: it would not fit if the node were empty. */
static bool amounts_fit(struct ctl *c, const struct fit_amounts *wanted, const cJSON *node,
                        const struct node_use *use, struct fit_reasons *reasons, bool *final)
{
    const cJSON *have = json_path(node, "status.allocatable");
    const struct fit_names *names = fit_names(c);
    bool ok = true;
    int64_t pods = 0;
    if (str_to_i64(json_string_at(have, "pods"), &pods) && use->pods >= pods)
        ok = count(reasons, STR("Too many pods"));
    for (size_t w = 0; w < FIT_OTHER + names->n; w++) {
        if (wanted->n[w] == 0)
            continue;
        struct str name = name_of(names, w);
        int64_t total = amount(json_string(json_get(have, arena_c(&c->a, name))), w);
        if (wanted->n[w] + use->amounts.n[w] <= total)
            continue;
        *final = *final || wanted->n[w] > total;
        ok = count(reasons, arena_printf(&c->a, "Insufficient " STR_FMT, STR_ARG(name)));
    }
    return ok;
}

/* What no other pod's end would change; empty: nothing. */
static struct str node_refuses(struct ctl *c, const cJSON *spec, const struct kube_object *node,
                               const cJSON *node_tree)
{
    const cJSON *taint = untolerated(spec, node_tree);
    struct str key = json_string_at(taint, "key"), value = json_string_at(taint, "value");
    if (taint && str_eq_c(key, "node.kubernetes.io/unschedulable"))
        return STR("node(s) were unschedulable");
    if (taint)
        return arena_printf(&c->a, "node(s) had untolerated taint {" STR_FMT ": " STR_FMT "}",
                            STR_ARG(key), STR_ARG(value));
    return fit_selects(spec, node) ? str_empty
                                   : STR("node(s) didn't match Pod's node affinity/selector");
}

bool fit_node(struct ctl *c, const struct fit_question *q, const struct kube_object *node,
              const cJSON *node_tree, const struct node_use *use, struct fit_reasons *reasons)
{
    struct str why = node_refuses(c, q->spec, node, node_tree);
    bool final = why.n > 0;
    if (final) {
        (void)count(reasons, why);
    } else {
        bool ok = ports_are_free(use->ports, &q->ports)
                      ? amounts_fit(c, &q->wanted, node_tree, use, reasons, &final)
                      : count(reasons, STR("node(s) " PORTS_TAKEN));
        const char *apart = ok ? topology_refuses(q->topology, node, &final) : NULL;
        if (ok && !apart)
            return true;
        if (apart)
            (void)count(reasons, str_c(apart));
    }
    reasons->nodes++;
    reasons->helpless += final;
    return false;
}

/* In the order of what is written: "12 x" before "2 a". */
static bool goes_before(size_t n, struct str text, size_t than, struct str than_text)
{
    char a[24], b[24];
    (void)snprintf(a, sizeof a, "%zu ", n);
    (void)snprintf(b, sizeof b, "%zu ", than);
    int by = strcmp(a, b);
    return by < 0 || (by == 0 && str_cmp(text, than_text) < 0);
}

void fit_write_reasons(const struct fit_reasons *r, struct buf *out)
{
    size_t order[FIT_REASONS_MAX];
    for (size_t i = 0; i < r->n; i++) {
        size_t at = i;
        for (; at > 0 && goes_before(r->at[i].n, r->at[i].text, r->at[order[at - 1]].n,
                                     r->at[order[at - 1]].text);
             at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    for (size_t i = 0; i < r->n; i++)
        buf_addf(out, "%s%zu " STR_FMT, i ? ", " : "", r->at[order[i]].n,
                 STR_ARG(r->at[order[i]].text));
}

void fit_write_helpless(const struct fit_reasons *r, struct buf *out)
{
    struct fit_reasons parts = {0};
    const size_t counts[] = {r->nodes - r->helpless, r->helpless};
    static const struct str texts[] = {STR_INIT("No preemption victims found for incoming pod"),
                                       STR_INIT("Preemption is not helpful for scheduling")};
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        parts.at[parts.n].text = texts[i];
        parts.at[parts.n].n = counts[i];
        parts.n += counts[i] > 0;
    }
    fit_write_reasons(&parts, out);
}
