/* The canonical form of a store's objects. */
#include "sim/scenario/run/state.h"

#include "engine/base/codec.h"
#include "engine/base/map.h"
#include "engine/base/timefmt.h"

#include <stdlib.h>
#include <string.h>

#define UID_LENGTH 36u
#define HASH_MIN   10u /* hexadecimal digits */
#define RANDOM_MIN 40u /* of a token: letters and digits */
#define DRAWN_MIN  5u  /* of the end of a generated name, and of a template's hash */
#define DRAWN_MAX  10u

/* A store on its way to its canonical form. */
struct canon {
    struct arena *arena;  /* of keys, content and what stands for something */
    struct arena scratch; /* of the tree that is rewritten */
    struct map uids;      /* uid → text that stands for it */
    struct map words; /* what the server drew for a name, or made of content → what stands for it */
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
    if (s.n)
        memcpy(out, s.p, s.n);
    return out;
}

/* ---- texts ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_word_char(char c)
{
    return is_digit(c) || is_lower(c) || (c >= 'A' && c <= 'Z');
}

/* The letters and digits of which servers make names: no vowel, nothing that looks like one. */
static bool is_drawn(struct str word)
{
    static const struct str alphabet = STR_INIT("bcdfghjklmnpqrstvwxz2456789");
    for (size_t i = 0; i < word.n; i++)
        if (str_find_char(alphabet, word.p[i]) < 0)
            return false;
    return word.n >= DRAWN_MIN && word.n <= DRAWN_MAX;
}

static bool is_hash(struct str word)
{
    for (size_t i = 0; i < word.n; i++)
        if (!is_digit(word.p[i]) && !(word.p[i] >= 'a' && word.p[i] <= 'f'))
            return false;
    return word.n >= HASH_MIN;
}

static bool is_random(struct str word)
{
    for (size_t i = 0; i < word.n; i++)
        if (!is_digit(word.p[i]) && !is_lower(word.p[i]))
            return false;
    return word.n >= RANDOM_MIN;
}

static bool is_uid(struct str s)
{
    for (size_t i = 0; i < UID_LENGTH && s.n >= UID_LENGTH; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        bool hex = is_digit(s.p[i]) || (s.p[i] >= 'a' && s.p[i] <= 'f');
        if (dash ? s.p[i] != '-' : !hex)
            return false;
    }
    return s.n >= UID_LENGTH;
}

/* A signed token begins with {" in base64. */
static bool is_signed_token(struct str s)
{
    return str_starts(s, STR("eyJ")) && str_find_char(s, '.') > 0;
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

static void rewrite_word(const struct canon *c, struct str word, struct buf *out)
{
    const char *stands = is_drawn(word) ? map_get(&c->words, word) : NULL;
    if (stands)
        buf_add_c(out, stands);
    else if (is_hash(word))
        buf_add_c(out, "(hash)");
    else if (is_random(word))
        buf_add_c(out, "(random)");
    else
        buf_add(out, word);
}

/* Word by word. */
static void rewrite_text(const struct canon *c, struct str s, struct buf *out)
{
    for (size_t i = 0; i < s.n;) {
        struct str rest = str_sub(s, i, s.n);
        size_t n = 0;
        if (is_uid(rest)) {
            const char *stands = map_get(&c->uids, str_sub(rest, 0, UID_LENGTH));
            buf_add_c(out, stands ? stands : "(uid)");
            i += UID_LENGTH;
            continue;
        }
        while (n < rest.n && is_word_char(rest.p[n]))
            n++;
        rewrite_word(c, str_sub(rest, 0, n), out);
        if (n < rest.n)
            buf_add_char(out, rest.p[n++]);
        i += n;
    }
}

static struct str rewritten(struct canon *c, struct arena *a, struct str s)
{
    buf_clear(&c->text);
    rewrite_text(c, s, &c->text);
    return arena_str(a, buf_str(&c->text));
}

static void rewrite_string(struct canon *c, cJSON *v)
{
    struct str s = json_string(v);
    struct str to = is_time(s)           ? STR("(time)")
                    : is_signed_token(s) ? STR("(token)")
                                         : rewritten(c, &c->scratch, s);
    if (!str_eq(s, to))
        v->valuestring = kept(&c->scratch, to);
}

/* The values of a Secret's data are told as what they are. */
static void decode_data(struct canon *c, const cJSON *root)
{
    const cJSON *data = json_get(root, "data");
    for (cJSON *v = data ? data->child : NULL; v; v = v->next) {
        struct buf plain = {0};
        if (json_is_string(v) && base64_decode(&plain, json_string(v)) &&
            str_find_char(buf_str(&plain), '\0') < 0)
            v->valuestring = kept(&c->scratch, buf_str(&plain));
        buf_free(&plain);
    }
}

/* ---- what stands for names and uids ---- */

static void note_word(struct canon *c, struct str word, const char *stands)
{
    if (is_drawn(word))
        map_put(&c->words, word, kept(c->arena, str_c(stands)));
}

static void note_words(struct canon *c, const struct kube_object *o)
{
    static const struct str token_volume = STR_INIT("kube-api-access-");
    struct str generated = kube_object_string(o, "metadata.generateName");
    if (generated.n && str_starts(o->name, generated))
        note_word(c, str_sub(o->name, generated.n, o->name.n), "*");
    note_word(c, kube_object_label(o, STR("pod-template-hash")), "(hash)");
    ptrdiff_t volume = str_eq_c(o->kind, "Pod") ? str_find(o->json, token_volume) : -1;
    if (volume >= 0) /* the volume that each pod gets; its name is drawn */
        note_word(c, str_sub(o->json, (size_t)volume + token_volume.n, DRAWN_MIN), "*");
    note_word(c, kube_object_label(o, STR("controller-revision-hash")), "(hash)");
}

static void note_uid(struct canon *c, const struct kube_object *o)
{
    struct str name = rewritten(c, c->arena, o->name);
    struct str stands =
        arena_printf(c->arena, "(uid of " STR_FMT " " STR_FMT "%s" STR_FMT ")", STR_ARG(o->kind),
                     STR_ARG(o->ns), o->ns.n ? "/" : "", STR_ARG(name));
    if (o->uid.n)
        map_put(&c->uids, o->uid, kept(c->arena, stands));
}

static void each_object(struct canon *c, const struct store *s,
                        void (*note)(struct canon *c, const struct kube_object *o))
{
    struct store_table *t;
    for (size_t i = 0; store_table_next(s, &i, &t);) {
        struct store_cursor at = store_seek(t, str_empty, str_empty);
        if (is_left_out(store_table_name(t)))
            continue;
        for (const struct kube_object *o; (o = store_next(&at));)
            note(c, o);
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
    cJSON **items = ARENA_NEW_ARRAY(&c->scratch, cJSON *, n);
    n = 0;
    for (cJSON *item = list->child; item; item = item->next) {
        struct buf text = {0};
        json_write(&text, item);
        item->string = kept(&c->scratch, buf_str(&text));
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
    cJSON *root = kube_object_tree(o, &c->scratch);
    if (str_eq_c(table, "secrets"))
        decode_data(c, root);
    rewrite_object(c, root);
    json_write(&json, root);
    if (s->n == *cap) {
        *cap = *cap ? *cap * 2 : 64;
        s->objects = mem_resize(s->objects, *cap * sizeof(*s->objects));
    }
    struct state_object *at = &s->objects[s->n++];
    at->key =
        arena_printf(c->arena, STR_FMT " " STR_FMT "%s" STR_FMT, STR_ARG(table), STR_ARG(o->ns),
                     o->ns.n ? "/" : "", STR_ARG(rewritten(c, &c->scratch, o->name)));
    at->table = str_sub(at->key, 0, table.n);
    at->json = arena_str(c->arena, buf_str(&json));
    buf_free(&json);
    arena_reset(&c->scratch);
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
    each_object(&c, store, note_words);
    each_object(&c, store, note_uid);
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
    map_free(&c.words);
    arena_free(&c.scratch);
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
