/* The canonical form of a store's objects. */
#include "sim/scenario/run/state.h"

#include "engine/base/map.h"
#include "engine/base/timefmt.h"

#include <stdlib.h>
#include <string.h>

#define UID_LENGTH 36u

/* A store on its way to its canonical form. */
struct canon {
    struct arena *arena;   /* of keys, content and what stands for something */
    struct arena *scratch; /* of the tree that is rewritten */
    struct map uids;       /* uid → text that stands for it */
    struct map names;      /* generated name → text that stands for it */
    struct buf text;
};

static bool is_among(struct str word, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq_c(word, words[i]))
            return true;
    return false;
}

static bool is_left_out(struct str table)
{
    static const char *const tables[] = {"events", "events.events.k8s.io",
                                         "leases.coordination.k8s.io"};
    return is_among(table, tables, ARRAY_LEN(tables));
}

static char *kept(struct arena *a, struct str s)
{
    char *out = ARENA_NEW_ARRAY(a, char, s.n + 1);
    memcpy(out, s.p, s.n);
    return out;
}

/* ---- what stands for names and uids ---- */

static struct str name_of(struct canon *c, const struct kube_object *o)
{
    struct str generated = kube_object_string(o, "metadata.generateName");
    if (generated.n == 0 || !str_starts(o->name, generated))
        return o->name;
    return arena_printf(c->arena, STR_FMT "*", STR_ARG(generated));
}

static void note_object(struct canon *c, const struct kube_object *o)
{
    struct str name = name_of(c, o);
    struct str stands =
        arena_printf(c->arena, "(uid of " STR_FMT " " STR_FMT "%s" STR_FMT ")", STR_ARG(o->kind),
                     STR_ARG(o->ns), o->ns.n ? "/" : "", STR_ARG(name));
    if (o->uid.n)
        map_put(&c->uids, o->uid, kept(c->arena, stands));
    if (!str_eq(name, o->name))
        map_put(&c->names, o->name, kept(c->arena, name));
}

static void note_objects(struct canon *c, const struct store *s)
{
    struct store_table *t;
    for (size_t i = 0; store_table_next(s, &i, &t);) {
        struct store_cursor at = store_seek(t, str_empty, str_empty);
        for (const struct kube_object *o;
             (o = store_next(&at)) && !is_left_out(store_table_name(t));)
            note_object(c, o);
    }
}

/* ---- values ---- */

static bool is_uid_at(struct str s, size_t at)
{
    if (s.n - at < UID_LENGTH)
        return false;
    for (size_t i = 0; i < UID_LENGTH; i++) {
        char ch = s.p[at + i];
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        bool hex = (ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'f');
        if (dash ? ch != '-' : !hex)
            return false;
    }
    return true;
}

static bool may_hold_uid(struct str s)
{
    return s.n >= UID_LENGTH && memchr(s.p, '-', s.n);
}

/* The text with its uids told by their objects. */
static void rewrite_uids(struct canon *c, struct str s, struct buf *out)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!is_uid_at(s, i)) {
            buf_add_char(out, s.p[i]);
            continue;
        }
        const char *stands = map_get(&c->uids, str_sub(s, i, UID_LENGTH));
        buf_add_c(out, stands ? stands : "(uid)");
        i += UID_LENGTH - 1;
    }
}

/* "2026-01-01" or longer. */
static bool is_time(struct str s)
{
    static const char day[] = "2026-01-01";
    int64_t at;
    if (s.n < sizeof(day) - 1 || s.p[4] != '-' || s.p[7] != '-')
        return false;
    struct buf whole = {0};
    buf_addf(&whole, STR_FMT "%s", STR_ARG(s), s.n == sizeof(day) - 1 ? "T00:00:00Z" : "");
    bool ok = rfc3339_parse(buf_str(&whole), &at);
    buf_free(&whole);
    return ok;
}

/* A signed token (it begins with {" in base64), as it is or, in a Secret, once more in base64. */
static bool is_signed_token(struct str s)
{
    return (str_starts(s, STR("eyJ")) && str_find_char(s, '.') > 0) || str_starts(s, STR("ZXlK"));
}

/* A generated name, alone or behind its namespace; NULL: it is none. */
static char *rewrite_name(struct canon *c, struct str s)
{
    struct str ns, name;
    if (map_count(&c->names) == 0)
        return NULL;
    bool both = str_cut(s, '/', &ns, &name);
    const char *stands = map_get(&c->names, both ? name : s);
    if (!stands)
        return NULL;
    struct str text =
        both ? arena_printf(c->scratch, STR_FMT "/%s", STR_ARG(ns), stands) : str_c(stands);
    return kept(c->scratch, text);
}

static void rewrite_string(struct canon *c, cJSON *v)
{
    struct str s = json_string(v);
    char *name = rewrite_name(c, s);
    if (name) {
        v->valuestring = name;
    } else if (is_time(s)) {
        v->valuestring = kept(c->scratch, STR("(time)"));
    } else if (is_signed_token(s)) {
        v->valuestring = kept(c->scratch, STR("(token)"));
    } else if (may_hold_uid(s)) {
        buf_clear(&c->text);
        rewrite_uids(c, s, &c->text);
        v->valuestring = kept(c->scratch, buf_str(&c->text));
    }
}

/* ---- trees ---- */

static bool is_dropped(struct str member, bool of_metadata)
{
    static const char *const server_set[] = {"uid",          "resourceVersion",
                                             "generation",   "creationTimestamp",
                                             "selfLink",     "deletionGracePeriodSeconds",
                                             "managedFields"};
    static const char *const anywhere[] = {
        "resourceVersion", "observedGeneration", "restartCount",
        "lastState",       "containerID",        "control-plane.alpha.kubernetes.io/leader"};
    return (of_metadata && is_among(member, server_set, ARRAY_LEN(server_set))) ||
           is_among(member, anywhere, ARRAY_LEN(anywhere));
}

static bool is_unordered(struct str list)
{
    static const char *const lists[] = {"conditions", "finalizers", "ownerReferences", "addresses"};
    return is_among(list, lists, ARRAY_LEN(lists));
}

static int text_order(const void *a, const void *b)
{
    return str_cmp(str_c(((cJSON *const *)a)[0]->string), str_c(((cJSON *const *)b)[0]->string));
}

/* The items by their text, which `string` holds meanwhile: items of a list have no key. */
static void sort_list(struct canon *c, cJSON *list)
{
    size_t n = 0;
    for (cJSON *item = list->child; item; item = item->next)
        n++;
    if (n < 2)
        return;
    cJSON **items = ARENA_NEW_ARRAY(c->scratch, cJSON *, n);
    n = 0;
    for (cJSON *item = list->child; item; item = item->next) {
        struct buf text = {0};
        json_write(&text, item);
        item->string = kept(c->scratch, buf_str(&text));
        buf_free(&text);
        items[n++] = item;
    }
    qsort(items, n, sizeof(*items), text_order);
    list->child = items[0];
    for (size_t i = 0; i < n; i++) {
        items[i]->string = NULL;
        items[i]->next = i + 1 < n ? items[i + 1] : NULL;
        items[i]->prev = items[i ? i - 1 : n - 1];
    }
}

/* Depth is bounded: the store holds no deeper trees than JSON_DEPTH_MAX. */
static void rewrite(struct canon *c, cJSON *v, bool is_metadata)
{
    if (json_is_string(v))
        rewrite_string(c, v);
    for (cJSON *child = v->child, *next; child; child = next) {
        next = child->next;
        struct str member = str_c(child->string);
        if (cJSON_IsObject(v) && is_dropped(member, is_metadata))
            (void)json_unset(v, member);
        else
            rewrite(c, child, false);
    }
    if (cJSON_IsArray(v) && is_unordered(str_c(v->string)))
        sort_list(c, v);
}

static void rewrite_object(struct canon *c, cJSON *root)
{
    for (cJSON *child = root->child; child; child = child->next)
        rewrite(c, child, str_eq_c(str_c(child->string), "metadata"));
}

/* ---- the whole ---- */

static void add_object(struct canon *c, struct state *s, struct str table,
                       const struct kube_object *o, size_t *cap)
{
    struct buf json = {0};
    struct arena scratch = {0};
    cJSON *root = kube_object_tree(o, &scratch);
    c->scratch = &scratch;
    rewrite_object(c, root);
    json_write(&json, root);
    if (s->n == *cap) {
        *cap = *cap ? *cap * 2 : 64;
        s->objects = mem_resize(s->objects, *cap * sizeof(*s->objects));
    }
    struct state_object *at = &s->objects[s->n++];
    at->key = arena_printf(c->arena, STR_FMT " " STR_FMT "%s" STR_FMT, STR_ARG(table),
                           STR_ARG(o->ns), o->ns.n ? "/" : "", STR_ARG(name_of(c, o)));
    at->table = str_sub(at->key, 0, table.n);
    at->json = arena_str(c->arena, buf_str(&json));
    buf_free(&json);
    arena_free(&scratch);
}

static int object_order(const void *a, const void *b)
{
    const struct state_object *x = a, *y = b;
    int order = str_cmp(x->key, y->key);
    return order ? order : str_cmp(x->json, y->json);
}

struct state *state_of(const struct store *store)
{
    struct state *s = MEM_NEW(struct state);
    struct canon c = {.arena = &s->arena};
    struct store_table *t;
    size_t cap = 0;
    note_objects(&c, store);
    for (size_t i = 0; store_table_next(store, &i, &t);) {
        struct store_cursor at = store_seek(t, str_empty, str_empty);
        if (is_left_out(store_table_name(t)))
            continue;
        for (const struct kube_object *o; (o = store_next(&at));)
            add_object(&c, s, store_table_name(t), o, &cap);
    }
    if (s->n)
        qsort(s->objects, s->n, sizeof(*s->objects), object_order);
    map_free(&c.uids);
    map_free(&c.names);
    buf_free(&c.text);
    return s;
}

void state_free(struct state *s)
{
    if (!s)
        return;
    mem_free(s->objects);
    arena_free(&s->arena);
    mem_free(s);
}
