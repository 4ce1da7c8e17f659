/* Two states, object by object and field by field. */
#include "sim/scenario/run/state.h"

/* A comparison under way. */
struct diff {
    const struct state_ignore *ignore;
    struct str name;
    const struct state_object *object;
    struct buf path; /* ".status.phase." */
    struct buf *why; /* NULL: whether they differ is all that is asked */
    size_t found;
};

static bool is_enough(const struct diff *d)
{
    return !d->why && d->found > 0;
}

/* ---- what does not count ---- */

static bool entry_covers(struct str entry, struct str table, struct str path)
{
    struct str resource, rest;
    if (str_cut(entry, '/', &resource, &rest)) {
        if (!str_eq(resource, table))
            return false;
        entry = rest;
    } else if (str_eq(entry, table)) {
        return true;
    }
    for (size_t at = 0; entry.n > 0 && at + entry.n + 1 < path.n; at++)
        if (path.p[at] == '.' && path.p[at + 1 + entry.n] == '.' &&
            str_eq(str_sub(path, at + 1, entry.n), entry))
            return true;
    return false;
}

static bool is_ignored(const struct diff *d)
{
    for (size_t i = 0; i < d->ignore->n; i++)
        if (entry_covers(d->ignore->entries[i], d->object->table, buf_str(&d->path)))
            return true;
    return false;
}

/* ---- telling ---- */

static void tell_value(struct buf *out, const cJSON *v)
{
    struct buf text = {0};
    json_write(&text, v);
    struct str s = buf_str(&text);
    size_t n = s.n > STATE_VALUE_MAX ? STATE_VALUE_MAX : s.n;
    while (n < s.n && n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
        n--; /* not in the middle of a letter */
    buf_addf(out, STR_FMT "%s", (int)n, s.p, n < s.n ? "..." : "");
    buf_free(&text);
}

/* Counts a difference; true: it is to be told, and where it is has been. */
static bool begin(struct diff *d)
{
    if (is_ignored(d))
        return false;
    d->found++;
    if (!d->why || d->found > STATE_DIFFERENCES_MAX)
        return false;
    struct str path = buf_str(&d->path);
    buf_addf(d->why, "%s" STR_FMT ": " STR_FMT, d->why->n ? "; " : "", STR_ARG(d->name),
             STR_ARG(d->object->key));
    if (path.n > 1)
        buf_addf(d->why, " " STR_FMT, (int)path.n - 2, path.p + 1);
    return true;
}

static void one_sided(struct diff *d, const cJSON *v, bool here)
{
    if (!begin(d))
        return;
    buf_add_c(d->why, here ? " is " : " is not there, in the reference it is ");
    tell_value(d->why, v);
    if (here)
        buf_add_c(d->why, ", in the reference it is not there");
}

static void two_sided(struct diff *d, const cJSON *here, const cJSON *there)
{
    if (!begin(d))
        return;
    buf_add_c(d->why, " is ");
    tell_value(d->why, here);
    buf_add_c(d->why, ", in the reference ");
    tell_value(d->why, there);
}

static void whole_object(struct diff *d, const struct state_object *o, bool here)
{
    d->object = o;
    buf_clear(&d->path);
    buf_add_char(&d->path, '.');
    if (begin(d))
        buf_add_c(d->why, here ? " is not in the reference" : " is missing");
}

/* ---- trees ---- */

static void compare(struct diff *d, const cJSON *here, const cJSON *there);

static void inside(struct diff *d, struct str member, const cJSON *here, const cJSON *there)
{
    size_t before = d->path.n;
    buf_addf(&d->path, STR_FMT ".", STR_ARG(member));
    if (here && there)
        compare(d, here, there);
    else
        one_sided(d, here ? here : there, here != NULL);
    d->path.n = before;
}

/* Members stand in byte order on both sides. */
static void compare_members(struct diff *d, const cJSON *here, const cJSON *there)
{
    const cJSON *a = here->child, *b = there->child;
    while ((a || b) && !is_enough(d)) {
        int order = !a ? 1 : !b ? -1 : str_cmp(str_c(a->string), str_c(b->string));
        inside(d, str_c(order <= 0 ? a->string : b->string), order <= 0 ? a : NULL,
               order >= 0 ? b : NULL);
        a = order <= 0 ? a->next : a;
        b = order >= 0 ? b->next : b;
    }
}

static void compare_items(struct diff *d, const cJSON *here, const cJSON *there)
{
    const cJSON *a = here->child, *b = there->child;
    for (size_t i = 0; (a || b) && !is_enough(d); i++) {
        struct buf index = {0};
        buf_add_u64(&index, i);
        inside(d, buf_str(&index), a, b);
        buf_free(&index);
        a = a ? a->next : NULL;
        b = b ? b->next : NULL;
    }
}

/* Depth is bounded by the trees'. */
static void compare(struct diff *d, const cJSON *here, const cJSON *there)
{
    if (cJSON_IsObject(here) && cJSON_IsObject(there))
        compare_members(d, here, there);
    else if (cJSON_IsArray(here) && cJSON_IsArray(there))
        compare_items(d, here, there);
    else if (!json_equal(here, there))
        two_sided(d, here, there);
}

static void compare_objects(struct diff *d, const struct state_object *here,
                            const struct state_object *there)
{
    struct arena scratch = {0};
    cJSON *a = NULL, *b = NULL;
    if (str_eq(here->json, there->json))
        return;
    err_ignore(json_parse(&scratch, here->json, &a));
    err_ignore(json_parse(&scratch, there->json, &b));
    BUG_ON(!a || !b, "what was written canonically can be read");
    d->object = here;
    buf_clear(&d->path);
    buf_add_char(&d->path, '.');
    compare(d, a, b);
    arena_free(&scratch);
}

/* ---- states ---- */

/* The end of the objects that share a key with the one at i. */
static size_t group_end(const struct state *s, size_t i)
{
    size_t end = i;
    while (end < s->n && str_eq(s->objects[end].key, s->objects[i].key))
        end++;
    return end;
}

/* Sets of objects with one generated name: equal ones are pairs; the others are compared in their order. */
static void compare_groups(struct diff *d, const struct state_object *here, size_t here_n,
                           const struct state_object *there, size_t there_n)
{
    struct arena scratch = {0};
    const struct state_object **left =
        ARENA_NEW_ARRAY(&scratch, const struct state_object *, here_n + 1);
    const struct state_object **right =
        ARENA_NEW_ARRAY(&scratch, const struct state_object *, there_n + 1);
    size_t left_n = 0, right_n = 0;
    for (size_t i = 0, k = 0; i < here_n || k < there_n;) {
        int order = i == here_n ? 1 : k == there_n ? -1 : str_cmp(here[i].json, there[k].json);
        if (order < 0)
            left[left_n++] = &here[i];
        if (order > 0)
            right[right_n++] = &there[k];
        i += order <= 0;
        k += order >= 0;
    }
    for (size_t i = 0; (i < left_n || i < right_n) && !is_enough(d); i++) {
        if (i < left_n && i < right_n)
            compare_objects(d, left[i], right[i]);
        else
            whole_object(d, i < left_n ? left[i] : right[i], i < left_n);
    }
    arena_free(&scratch);
}

bool state_same(const struct state *here, const struct state *there,
                const struct state_ignore *ignore, struct str name, size_t *differences,
                struct buf *why)
{
    struct diff d = {.ignore = ignore, .name = name, .why = why};
    for (size_t i = 0, k = 0; (i < here->n || k < there->n) && !is_enough(&d);) {
        int order = i == here->n    ? 1
                    : k == there->n ? -1
                                    : str_cmp(here->objects[i].key, there->objects[k].key);
        size_t i_end = order <= 0 ? group_end(here, i) : i;
        size_t k_end = order >= 0 ? group_end(there, k) : k;
        compare_groups(&d, here->objects + i, i_end - i, there->objects + k, k_end - k);
        i = i_end;
        k = k_end;
    }
    buf_free(&d.path);
    if (differences)
        *differences += d.found;
    return d.found == 0;
}
