#include "sim/kubeapi/crd/crd_convert.h"

#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/core/webhook_call.h"
#include "sim/kubeapi/crd/crd_internal.h"
#include "sim/kubeapi/crd/crd_review.h"

/* What shows an object, while somebody holds it. */
struct shown {
    struct crd *crd;
    struct str key, json; /* owned */
    unsigned holders;
};
/* A review that was asked for. */
struct asked {
    uint64_t key;
    const struct api_kind *k;
    struct kube_object **objects; /* referenced */
    size_t n;
    struct asked *next;
};
struct conversions {
    struct arena a;
    struct map held; /* key → struct shown * */
    struct asked *asked;
};

/* ---- what is known ---- */

bool crds_converts(const struct api_kind *k)
{
    return k->crd && k->crd->webhook;
}

static struct str key_of(struct arena *a, const struct api_kind *k, const struct kube_object *o)
{
    return arena_printf(a, STR_FMT "/%llu/%llx/" STR_FMT, STR_ARG(o->uid),
                        (unsigned long long)o->resource_version,
                        (unsigned long long)str_hash(o->json), STR_ARG(k->version));
}

struct str crds_shown(const struct api_kind *k, const struct kube_object *o)
{
    struct arena a = {0};
    const struct shown *s =
        map_count(&k->crd->shown) > 0 ? map_get(&k->crd->shown, key_of(&a, k, o)) : NULL;
    arena_free(&a);
    return s ? s->json : str_empty;
}

static struct conversions *conversions_of(struct api_request *r)
{
    if (!r->conversions)
        r->conversions = MEM_NEW(struct conversions);
    return r->conversions;
}

static void hold(struct api_request *r, struct shown *s)
{
    struct map *held = &conversions_of(r)->held;
    if (map_has(held, s->key))
        return;
    s->holders++;
    (void)map_put(held, s->key, s);
}

static void put(struct api_request *r, const struct api_kind *k, const struct kube_object *o,
                const cJSON *tree)
{
    struct arena *a = &conversions_of(r)->a;
    struct str key = key_of(a, k, o);
    struct shown *s = map_get(&k->crd->shown, key);
    struct buf b = {0};
    if (!s) {
        json_write(&b, tree);
        s = MEM_NEW(struct shown);
        s->crd = k->crd;
        s->key = str_dup(key);
        s->json = str_dup(buf_str(&b));
        (void)map_put(&k->crd->shown, key, s);
        buf_free(&b);
    }
    hold(r, s);
}

static void let_go(struct shown *s)
{
    if (--s->holders > 0)
        return;
    (void)map_remove(&s->crd->shown, s->key);
    str_free(&s->key);
    str_free(&s->json);
    mem_free(s);
}

static void forget(struct asked *q)
{
    for (size_t i = 0; i < q->n; i++)
        kube_object_unref(q->objects[i]);
    q->n = 0;
}

void crds_conversions_free(struct api_request *r)
{
    struct conversions *x = r->conversions;
    void *value;
    if (!x)
        return;
    for (size_t i = 0; map_next(&x->held, &i, NULL, &value);)
        let_go(value);
    for (struct asked *q = x->asked; q; q = q->next)
        forget(q);
    map_free(&x->held);
    arena_free(&x->a);
    mem_free(x);
    r->conversions = NULL;
}

/* ---- asking ---- */

static bool same_version(const struct api_kind *k, const struct kube_object *o)
{
    struct str v = o->api_version;
    return v.n == k->group.n + 1 + k->version.n && str_starts(v, k->group) &&
           str_ends(v, k->version);
}

static uint64_t mix(uint64_t h, struct str s)
{
    return (h ^ str_hash(s)) * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

/* NULL: it waits. */
static const struct webhook_answer *ask(struct api_request *r, const struct api_kind *k,
                                        struct crd_review *v, uint64_t key)
{
    struct arena a = {0};
    const cJSON *webhook =
        json_path(kube_object_tree(k->crd->object, &a), "spec.conversion.webhook");
    struct webhook_question q = {.key = key, .timeout_s = CRD_REVIEW_TIMEOUT_S};
    struct buf body = {0};
    q.client_config = json_get(webhook, "clientConfig");
    v->uid = webhook_uid(r, key);
    crd_review_write(v, json_get(webhook, "conversionReviewVersions"), &body);
    q.body = buf_str(&body);
    const struct webhook_answer *answer = webhook_ask(r, &q);
    buf_free(&body);
    arena_free(&a);
    return answer;
}

static struct str version_text(struct arena *a, const struct api_kind *k, struct str version)
{
    return arena_printf(a, STR_FMT "/" STR_FMT, STR_ARG(k->group), STR_ARG(version));
}

/* The objects of a question as trees: they carry no revision, as if they had just been read. */
static struct crd_review review_of(struct arena *a, const struct asked *q)
{
    struct crd_review v = {.a = a, .version = version_text(a, q->k, q->k->version), .n = q->n};
    v.objects = ARENA_NEW_ARRAY(a, cJSON *, q->n);
    v.converted = ARENA_NEW_ARRAY(a, cJSON *, q->n);
    for (size_t i = 0; i < q->n; i++) {
        v.objects[i] = kube_object_tree(q->objects[i], a);
        (void)json_unset(json_get(v.objects[i], "metadata"), STR("resourceVersion"));
    }
    return v;
}

static enum crd_conversion meet(struct api_request *r, struct asked *q, struct str *why)
{
    struct arena a = {0};
    struct crd_review v = review_of(&a, q);
    const struct webhook_answer *answer = ask(r, q->k, &v, q->key);
    enum crd_conversion out = CRD_WAITS;
    if (answer) {
        struct str wrong = crd_review_read(&v, answer->error, answer->body);
        out = wrong.n > 0 ? CRD_BROKEN : CRD_CONVERTED;
        *why = arena_str(&r->a, wrong);
    }
    for (size_t i = 0; i < q->n && out == CRD_CONVERTED; i++) {
        crds_prune(&a, q->k, v.converted[i]);
        json_set_str(&a, json_get(v.converted[i], "metadata"), "resourceVersion",
                     arena_printf(&a, "%llu", (unsigned long long)q->objects[i]->resource_version));
        put(r, q->k, q->objects[i], v.converted[i]);
    }
    if (out != CRD_WAITS)
        forget(q);
    arena_free(&a);
    return out;
}

/* What was asked for before: its answers may be there by now. */
static enum crd_conversion harvest(struct api_request *r, struct str *why)
{
    enum crd_conversion all = CRD_CONVERTED;
    for (struct asked *q = conversions_of(r)->asked; q && all != CRD_BROKEN; q = q->next) {
        if (q->n == 0)
            continue;
        enum crd_conversion out = meet(r, q, why);
        all = out != CRD_CONVERTED ? out : all;
    }
    return all;
}

static struct asked *asked_new(struct api_request *r, const struct api_kind *k)
{
    struct conversions *x = conversions_of(r);
    struct asked *q = ARENA_NEW(&x->a, struct asked);
    q->objects = ARENA_NEW_ARRAY(&x->a, struct kube_object *, CRD_REVIEW_OBJECTS_MAX);
    q->k = k;
    q->key = str_hash(k->version);
    q->next = x->asked;
    x->asked = q;
    return q;
}

/* Is it known, or needs no webhook? Else it is asked about. */
static bool known(struct api_request *r, const struct api_kind *k, const struct kube_object *o)
{
    struct conversions *x = conversions_of(r);
    struct shown *s;
    if (same_version(k, o))
        return true;
    s = map_get(&k->crd->shown, key_of(&x->a, k, o));
    if (s)
        hold(r, s);
    return s != NULL;
}

enum crd_conversion crds_convert(struct api_request *r, const struct api_kind *k,
                                 struct kube_object *const *objects, size_t n, struct str *why)
{
    struct asked *q = NULL;
    if (!crds_converts(k) || r->system)
        return CRD_CONVERTED;
    enum crd_conversion out = harvest(r, why), now;
    for (size_t i = 0; i < n && out == CRD_CONVERTED; i++) {
        struct kube_object *o = objects[i];
        if (known(r, k, o))
            continue;
        if (!q)
            q = asked_new(r, k);
        q->objects[q->n++] = kube_object_ref(o);
        q->key = mix(mix(q->key, o->uid), o->json);
        if (q->n < CRD_REVIEW_OBJECTS_MAX)
            continue;
        now = meet(r, q, why);
        out = now == CRD_BROKEN ? now : out;
        q = NULL;
    }
    if (q && out == CRD_CONVERTED)
        out = meet(r, q, why);
    return r->suspended && out == CRD_CONVERTED ? CRD_WAITS : out;
}

static bool told(struct api_request *r, enum crd_conversion out, struct str why)
{
    if (out == CRD_BROKEN) {
        r->suspended = false; /* the others' answers do not matter */
        return api_fail_plain(r, 500, "", STR_FMT, STR_ARG(why));
    }
    return out == CRD_CONVERTED;
}

bool crds_ready(struct api_request *r, struct kube_object *const *objects, size_t n)
{
    struct str why = str_empty;
    enum crd_conversion out = crds_convert(r, r->kind, objects, n, &why);
    return told(r, out, why);
}

/* ---- trees ---- */

/* What is drawn anew each time that a request is run does not make another question. */
static uint64_t key_of_tree(struct arena *a, struct str version, const cJSON *tree)
{
    struct buf b = {0};
    cJSON *copy = json_copy(a, tree), *metadata = json_get(copy, "metadata");
    (void)json_unset(metadata, STR("managedFields"));
    (void)json_unset(metadata, STR("creationTimestamp"));
    json_write(&b, copy);
    uint64_t key = mix(mix(1, version), buf_str(&b));
    buf_free(&b);
    return key;
}

enum crd_conversion crds_convert_tree(struct api_request *r, const struct api_kind *k,
                                      struct str version, const cJSON *tree, cJSON **out,
                                      struct str *why)
{
    struct arena *a = &r->a;
    struct buf b = {0};
    cJSON *object, *converted;
    json_write(&b, tree); /* some of its parts may stand raw */
    struct err *err = json_parse(a, buf_str(&b), &object);
    BUG_ON(err, "what was written is JSON");
    buf_free(&b);
    (void)json_unset(json_get(object, "metadata"), STR("resourceVersion"));
    struct crd_review v = {.a = a,
                           .version = version_text(a, k, version),
                           .objects = &object,
                           .converted = &converted,
                           .n = 1};
    const struct webhook_answer *answer = ask(r, k, &v, key_of_tree(a, version, object));
    if (!answer)
        return CRD_WAITS;
    *why = crd_review_read(&v, answer->error, answer->body);
    *out = converted;
    return why->n > 0 ? CRD_BROKEN : CRD_CONVERTED;
}

static bool into(struct api_request *r, const struct api_kind *k, struct str version,
                 const cJSON *tree, cJSON **out)
{
    struct api_kind as = *k;
    struct str why = str_empty;
    enum crd_conversion how = crds_convert_tree(r, k, version, tree, out, &why);
    as.version = version;
    if (how == CRD_CONVERTED)
        crds_prune(&r->a, &as, *out);
    return told(r, how, why);
}

bool crds_store(struct api_request *r, const struct api_kind *k, cJSON **tree, cJSON **shown)
{
    *shown = NULL;
    if (!crds_converts(k) || r->system || str_eq(k->version, k->crd->storage_version)) {
        crds_to_storage(&r->a, k, *tree);
        return true;
    }
    return into(r, k, k->crd->storage_version, *tree, tree) && into(r, k, k->version, *tree, shown);
}

void crds_note_shown(struct api_request *r, const struct api_kind *k, const struct kube_object *o,
                     cJSON *shown)
{
    static const char *const own[] = {"labels", "annotations"};
    struct arena *a = &r->a;
    if (!shown || same_version(k, o))
        return;
    cJSON *metadata = json_copy(a, json_get(kube_object_tree(o, a), "metadata"));
    for (size_t i = 0; i < ARRAY_LEN(own); i++) {
        cJSON *v = json_path(json_get(shown, "metadata"), own[i]);
        (void)json_unset(metadata, str_c(own[i]));
        if (v)
            json_set(a, metadata, str_c(own[i]), json_copy(a, v));
    }
    json_set(a, shown, STR("metadata"), metadata);
    put(r, k, o, shown);
}
