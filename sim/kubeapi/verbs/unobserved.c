#include "sim/kubeapi/verbs/unobserved.h"

#include "sim/kubeapi/verbs/watch.h"

/* An object whose events are hidden from a watch. */
struct hidden {
    struct list link;
    struct api_watch *watch;
    bool known; /* the watch has seen the object */
    bool deleted;
    struct kube_object *last; /* its state after the last hidden event */
};

static bool is_meant(const struct fault_rule *rule, const struct api_request *r,
                     const struct store_event *e, enum store_event_type shown)
{
    const struct kubeapi_fault *f = &rule->f;
    bool of_event = f->event == 0 || f->event == (unsigned)shown + 1;
    bool of_object = f->name.n == 0 || str_eq(f->name, e->object->name);
    return of_event && of_object && fault_hits(rule->of, rule, r);
}

static struct hidden *find(struct fault_rule *rule, const struct api_watch *w,
                           const struct kube_object *o)
{
    list_each (&rule->hidden, it, next) {
        struct hidden *h = container_of(it, struct hidden, link);
        if (h->watch == w && str_eq(h->last->ns, o->ns) && str_eq(h->last->name, o->name))
            return h;
    }
    return NULL;
}

static void remember(struct fault_rule *rule, struct api_watch *w, const struct store_event *e,
                     enum store_event_type shown)
{
    struct hidden *h = find(rule, w, e->object);
    if (!h) {
        h = MEM_NEW(struct hidden);
        h->watch = w;
        h->known = shown != STORE_ADDED;
        list_add_tail(&rule->hidden, &h->link);
    }
    kube_object_unref(h->last);
    h->last = kube_object_ref(e->object);
    h->deleted = shown == STORE_DELETED;
}

static void hidden_free(struct hidden *h)
{
    list_remove(&h->link);
    kube_object_unref(h->last);
    mem_free(h);
}

bool unobserved_hides(struct faults *x, struct api_watch *w, const struct api_request *r,
                      const struct store_event *e, enum store_event_type shown)
{
    if (x->n[KUBEAPI_FAULT_WATCH_UNOBSERVED] == 0)
        return false;
    list_each (&x->rules, it, next) {
        struct fault_rule *rule = container_of(it, struct fault_rule, link);
        if (rule->f.kind != KUBEAPI_FAULT_WATCH_UNOBSERVED)
            continue;
        bool begun = rule->f.later && find(rule, w, e->object); /* what follows waits behind it */
        if (!begun && !is_meant(rule, r, e, shown))
            continue;
        fault_fire(x, rule);
        if (rule->f.later)
            remember(rule, w, e, shown);
        return true;
    }
    return false;
}

void unobserved_forget(struct faults *x, const struct api_watch *w)
{
    if (x->n[KUBEAPI_FAULT_WATCH_UNOBSERVED] == 0)
        return;
    list_each (&x->rules, it, next) {
        struct fault_rule *rule = container_of(it, struct fault_rule, link);
        list_each (&rule->hidden, at, after) {
            struct hidden *h = container_of(at, struct hidden, link);
            if (h->watch == w)
                hidden_free(h);
        }
    }
}

void unobserved_end(struct fault_rule *rule, bool show)
{
    list_each (&rule->hidden, it, next) {
        struct hidden *h = container_of(it, struct hidden, link);
        enum store_event_type as = h->deleted ? STORE_DELETED
                                   : h->known ? STORE_MODIFIED
                                              : STORE_ADDED;
        if (show && (h->known || !h->deleted))
            api_watch_show(h->watch, as, h->last);
        hidden_free(h);
    }
}
