#include "sim/kubeapi/verbs/watch_select.h"

struct watch_selector {
    struct arena a; /* of sel and key */
    struct str key;
    struct selector sel;
    size_t users;
    uint64_t *evaluations; /* the server's */
    uint64_t revision;     /* of the event that before and after are of; 0: none yet */
    bool before, after;
};

/* Kind and version (fields are read as the version has them), then both texts. */
static void write_key(struct api_request *r, struct buf *out)
{
    static const char *const params[] = {"labelSelector", "fieldSelector"};
    const struct api_kind *k = r->kind;
    buf_addf(out, STR_FMT "/" STR_FMT "/" STR_FMT, STR_ARG(k->group), STR_ARG(k->version),
             STR_ARG(k->resource));
    for (size_t i = 0; i < ARRAY_LEN(params); i++) {
        buf_add_char(out, '\n'); /* in no selector's text that parses */
        buf_add(out, api_request_param_or_empty(r, params[i]));
    }
}

struct watch_selector *watch_selector_take(struct api_request *r, const struct selector *s)
{
    struct map *all = &r->api->watch_selectors;
    struct buf key = {0};
    if (selector_empty(s))
        return NULL;
    write_key(r, &key);
    struct watch_selector *x = map_get(all, buf_str(&key));
    if (!x) {
        x = MEM_NEW(struct watch_selector);
        x->key = arena_str(&x->a, buf_str(&key));
        x->sel = selector_copy(&x->a, s);
        x->evaluations = &r->api->watch_evaluations;
        map_put(all, x->key, x);
    }
    x->users++;
    buf_free(&key);
    return x;
}

void watch_selector_give(struct kubeapi *api, struct watch_selector *x)
{
    if (!x || --x->users > 0)
        return;
    (void)map_remove(&api->watch_selectors, x->key);
    arena_free(&x->a);
    mem_free(x);
}

void watch_selector_sees(struct watch_selector *x, const struct store_event *e, bool *before,
                         bool *after)
{
    if (x->revision != e->revision) {
        ++*x->evaluations;
        x->before = e->before && selector_matches(&x->sel, e->before);
        x->after = e->type != STORE_DELETED && selector_matches(&x->sel, e->object);
        x->revision = e->revision;
    }
    *before = x->before;
    *after = x->after;
}

uint64_t watch_selector_evaluations(const struct kubeapi *api)
{
    return api->watch_evaluations;
}
