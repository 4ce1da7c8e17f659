/* LIST: selectors, pages that show the first page's revision, resourceVersion semantics.
 *
 * A continue token is base64url of `REVISION NS/NAME`: the snapshot and the first key of the next page. */
#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/core/selector.h"
#include "sim/kubeapi/crd/crd_convert.h"
#include "sim/kubeapi/crd/crds.h"
#include "sim/kubeapi/kinds/convert.h"
#include "sim/kubeapi/print/print.h"
#include "sim/kubeapi/verbs/listed.h"
#include "sim/kubeapi/verbs/options.h"
#include "sim/kubeapi/verbs/verbs.h"

#include "engine/base/codec.h"
#include <string.h>

/* ---- field selectors that a kind knows ---- */

static const struct {
    const char *table;
    const char *fields; /* blank-separated */
} selectable[] = {
    {"pods",
     "spec.nodeName spec.restartPolicy spec.schedulerName spec.serviceAccountName spec.hostNetwork "
     "status.phase status.podIP status.podIPs status.nominatedNodeName spec.host"},
    {"nodes", "spec.unschedulable"},
    {"namespaces", "status.phase"},
    {"secrets", "type"},
    {"services", "spec.clusterIP spec.type"},
    {"events",
     "involvedObject.kind involvedObject.namespace involvedObject.name involvedObject.uid "
     "involvedObject.apiVersion involvedObject.resourceVersion involvedObject.fieldPath "
     "reason reportingComponent source type"},
    {"events.events.k8s.io",
     "regarding.kind regarding.namespace regarding.name regarding.uid regarding.apiVersion "
     "regarding.resourceVersion regarding.fieldPath reason reportingController type"},
    {"replicationcontrollers", "status.replicas"},
    {"replicasets.apps", "status.replicas"},
    {"jobs.batch", "status.successful"},
    {"certificatesigningrequests.certificates.k8s.io", "spec.signerName"},
};

static const char *selectable_of(const struct api_kind *k)
{
    struct api_kind named = *k;
    if (str_eq_c(k->group, "events.k8s.io")) /* stored with core's, selected by names of its own */
        named.table = STR("events.events.k8s.io");
    k = &named;
    for (size_t i = 0; i < ARRAY_LEN(selectable); i++)
        if (api_kind_is(k, selectable[i].table))
            return selectable[i].fields;
    return NULL;
}

static bool field_known(const struct api_kind *k, struct str field)
{
    /* Kinds without fields of their own know the namespace also where there is none. */
    bool everywhere = (k->flags & KIND_NAMESPACED) || (!k->crd && !selectable_of(k));
    if (str_eq_c(field, "metadata.name") || (str_eq_c(field, "metadata.namespace") && everywhere))
        return true;
    const struct crd_selectable *own = NULL;
    size_t own_n = k->crd ? crds_selectable(k, &own) : 0;
    for (size_t i = 0; i < own_n; i++)
        if (str_eq(own[i].name, field))
            return true;
    struct str rest = str_c(selectable_of(k)), head;
    while (rest.n > 0) {
        (void)str_cut(rest, ' ', &head, &rest);
        if (str_eq(head, field))
            return true;
    }
    return false;
}

bool api_list_select(struct api_request *r, struct selector *out)
{
    struct str text;
    struct err *err = NULL;
    if (api_request_param(r, "labelSelector", &text))
        err = selector_parse_labels(&r->a, text, out);
    if (!err && api_request_param(r, "fieldSelector", &text))
        err = selector_parse_fields(&r->a, text, out);
    if (err)
        return api_fail_err(r, err);
    for (size_t i = 0; i < out->fields_n; i++) {
        struct selector_term *f = &out->fields[i];
        if (field_known(r->kind, f->key)) {
            if (str_eq_c(f->key, "spec.host"))
                f->key = STR("spec.nodeName");
            f->key = convert_field(&r->a, r->kind, f->key);
            continue;
        }
        if (r->kind->crd || selectable_of(r->kind))
            return api_fail_bad(r, "field label not supported: " STR_FMT, STR_ARG(f->key));
        return api_fail_bad(r,
                            "\"" STR_FMT "\" is not a known field selector: only "
                            "\"metadata.name\", \"metadata.namespace\"",
                            STR_ARG(f->key));
    }
    return true;
}

/* ---- which revision ---- */

struct page {
    uint64_t revision;
    bool exact; /* read the past */
    struct str from_ns, from_name;
    size_t limit; /* 0: all */
    bool continued;
};

static bool api_list_revision(struct api_request *r, struct str text, uint64_t *revision)
{
    *revision = 0;
    if (text.n > 0 && !str_to_u64(text, revision))
        return api_fail_bad(r,
                            "invalid resource version: resourceVersion: Invalid value: \"" STR_FMT
                            "\": strconv.ParseUint: parsing \"" STR_FMT "\": invalid syntax",
                            STR_ARG(text), STR_ARG(text));
    return true;
}

static bool parse_token(struct api_request *r, struct str token, struct page *page)
{
    struct buf b = {.max = 4096};
    struct str revision, key, ns, name;
    const char *why = "illegal base64 data at input byte 0";
    bool ok = base64url_decode(&b, token);
    struct str plain = arena_str(&r->a, buf_str(&b));
    buf_free(&b);
    if (ok)
        why = "invalid character looking for beginning of value";
    ok = ok && str_cut(plain, ' ', &revision, &key) && str_to_u64(revision, &page->revision) &&
         str_cut(key, '/', &ns, &name);
    if (!ok)
        return api_fail_bad(r, "invalid continue token: continue key is not valid: %s", why);
    page->from_ns = ns;
    page->from_name = name;
    page->exact = page->continued = true;
    return true;
}

static struct str make_token(struct api_request *r, uint64_t revision,
                             const struct kube_object *next)
{
    struct buf plain = {0}, out = {0};
    buf_addf(&plain, "%llu " STR_FMT "/" STR_FMT, (unsigned long long)revision, STR_ARG(next->ns),
             STR_ARG(next->name));
    base64url_encode(&out, buf_str(&plain));
    struct str token = arena_str(&r->a, buf_str(&out));
    buf_free(&plain);
    buf_free(&out);
    return token;
}

static bool page_parse(struct api_request *r, struct page *page)
{
    struct list_options o;
    uint64_t revision, now = store_revision(store_of(r->table));
    *page = (struct page){.revision = now, .from_ns = str_empty, .from_name = str_empty};
    if (!api_options_list(r, &o) || !api_list_revision(r, o.resource_version, &revision))
        return false;
    page->limit = o.limit;
    if (o.token.n > 0) {
        if (revision != 0)
            return api_fail_bad(r,
                                "specifying resource version is not allowed when using continue");
        return parse_token(r, o.token, page);
    }
    if (revision > now)
        return api_fail_too_new(r, revision);
    if (str_eq_c(o.match, "Exact") || (revision > 0 && page->limit > 0 && o.match.n == 0)) {
        page->revision = revision;
        page->exact = true;
    }
    return true;
}

static bool too_old(struct api_request *r, const struct page *page)
{
    uint64_t now = store_revision(store_of(r->table));
    if (!page->continued)
        return api_fail_gone(r, str_empty, "The resourceVersion for the provided list is too old.");
    struct kube_object key = {.ns = page->from_ns, .name = page->from_name};
    return api_fail_gone(
        r, make_token(r, now, &key),
        "The provided continue parameter is too old to display a consistent list "
        "result. You can start a new list without the continue parameter, or use the "
        "continue token in this response to retrieve the remainder of the results. "
        "Continuing with the provided token results in an inconsistent list - objects "
        "that were created, modified, or deleted between the time the first chunk was "
        "returned and now may show up in the list.");
}

/* ---- walking one page ---- */

struct pages {
    const struct page *page;
    const struct selector *sel;
    size_t written, left;
    struct str token; /* of the next page; empty: this is the last */
};

/* Under a selector a page that is full goes on when there is any object behind it, whether it matches or not; how many
 * is not counted. */
static void look_behind(struct api_request *r, struct pages *p, const struct kube_object *last)
{
    struct str behind = arena_printf(&r->a, STR_FMT "%c", STR_ARG(last->name), 0);
    struct store_view *v = store_view_open(r->table, p->page->revision, r->ns, last->ns, behind);
    const struct kube_object *next = store_view_next(v);
    if (next)
        p->token = make_token(r, p->page->revision, next);
    store_view_close(v);
}

static void walk(struct api_request *r, struct store_view *v, struct pages *p,
                 void (*item)(struct api_request *r, struct kube_object *o, void *owner),
                 void *owner)
{
    bool selects = !selector_empty(p->sel);
    for (struct kube_object *o; (o = store_view_next(v));) {
        if (selects && !selector_matches(p->sel, o))
            continue;
        if (p->page->limit > 0 && p->written == p->page->limit) {
            if (p->left++ == 0)
                p->token = make_token(r, p->page->revision, o);
            continue;
        }
        p->written++;
        item(r, o, owner);
        if (selects && p->written == p->page->limit) {
            look_behind(r, p, o);
            return;
        }
    }
}

static struct store_view *open_page(struct api_request *r, const struct page *page,
                                    const struct selector *sel)
{
    struct store_attribute only;
    bool selects = selector_attribute(sel, &only);
    return store_view_select(r->table, page->revision, r->ns, page->from_ns, page->from_name,
                             selects ? &only : NULL);
}

struct collection {
    struct api_listed *out;
    size_t cap;
};

static void collect_item(struct api_request *r, struct kube_object *o, void *owner)
{
    struct collection *c = owner;
    if (c->out->n == c->cap) {
        c->cap = c->cap ? c->cap * 2 : 16;
        c->out->objects = mem_resize(c->out->objects, c->cap * sizeof(struct kube_object *));
    }
    c->out->objects[c->out->n++] = kube_object_ref(o);
}

bool api_list_collect(struct api_request *r, struct api_listed *out)
{
    struct page page;
    struct selector sel = {0};
    struct pages pages = {.page = &page, .sel = &sel, .token = str_empty};
    struct collection c = {.out = out};
    *out = (struct api_listed){0};
    if (!page_parse(r, &page) || !api_list_select(r, &sel))
        return false;
    struct store_view *v = open_page(r, &page, &sel);
    if (!v)
        return too_old(r, &page);
    walk(r, v, &pages, collect_item, &c);
    store_view_close(v);
    out->token = pages.token;
    out->left = pages.left;
    out->revision = page.revision;
    return true;
}

void api_listed_free(struct api_listed *l)
{
    for (size_t i = 0; i < l->n; i++)
        kube_object_unref(l->objects[i]);
    mem_free(l->objects);
}

/* ---- writing ---- */

struct listing {
    struct pages pages;
    struct print *print; /* NULL: the objects themselves */
};

static void write_item(struct api_request *r, struct kube_object *o, void *listing)
{
    struct listing *l = listing;
    if (l->print) {
        print_list_item(l->print, o, &r->out);
        return;
    }
    if (l->pages.written > 1)
        buf_add_char(&r->out, ',');
    api_object_write(r->kind, o, !(r->kind->flags & KIND_CUSTOM), &r->out);
}

static void write_head(struct api_request *r)
{
    struct buf version = {.max = 512};
    kube_api_version_write(r->kind->group, r->kind->version, &version);
    buf_addf(&r->out, "{\"apiVersion\":\"" STR_FMT "\",\"items\":[", STR_ARG(buf_str(&version)));
    buf_free(&version);
}

void api_list_tail(struct api_request *r, struct str token, size_t left, uint64_t revision,
                   struct buf *out)
{
    struct buf name = {.max = 512};
    api_kind_list_name(r->kind, &name);
    buf_addf(out, "],\"kind\":\"" STR_FMT "\",\"metadata\":{", STR_ARG(buf_str(&name)));
    if (token.n > 0 || (r->kind->flags & KIND_CUSTOM)) /* theirs says so also when there is none */
        buf_addf(out, "\"continue\":\"" STR_FMT "\",", STR_ARG(token));
    if (left > 0)
        buf_addf(out, "\"remainingItemCount\":%zu,", left);
    buf_addf(out, "\"resourceVersion\":\"%llu\"}}", (unsigned long long)revision);
    buf_free(&name);
}

/* All that is to be shown, in one question to its webhook. */
static bool convert_page(struct api_request *r)
{
    struct api_listed l;
    bool ok = api_list_collect(r, &l) && crds_ready(r, l.objects, l.n);
    api_listed_free(&l);
    return ok;
}

void api_handle_list(struct api_request *r)
{
    struct page page;
    struct selector sel = {0};
    struct listing l = {.pages = {.page = &page, .sel = &sel, .token = str_empty}};
    if (!page_parse(r, &page) || !api_list_select(r, &sel))
        return;
    if (crds_converts(r->kind) && !convert_page(r))
        return;
    if (print_wanted(r) && (!print_fits(r, true) || !print_new(r, &l.print)))
        return;
    struct store_view *v = open_page(r, &page, &sel);
    if (!v) {
        (void)too_old(r, &page);
        print_free(l.print);
        return;
    }
    if (l.print)
        print_list_open(l.print, &r->out);
    else
        write_head(r);
    walk(r, v, &l.pages, write_item, &l);
    if (l.print)
        print_list_close(l.print, l.pages.token, l.pages.left, page.revision, &r->out);
    else
        api_list_tail(r, l.pages.token, l.pages.left, page.revision, &r->out);
    store_view_close(v);
    print_free(l.print);
    r->answered = true;
    r->status = 200;
    r->out_type = "application/json";
}
