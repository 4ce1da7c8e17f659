#include "engine/kube/object.h"

#include "engine/kube/scan.h"
#include <string.h>

/* The header is decoded in two passes over metadata: the first counts (so that one block holds everything), the second
 * fills. Strings without escapes, which is nearly all, are views into the JSON; the others are decoded into `spill`. */
struct header {
    struct str api_version, kind, metadata; /* raw */
    size_t labels_n, owners_n, finalizers_n;
    size_t spill; /* bytes for strings with escapes */
    bool bad;
};

/* ---- first pass: count ---- */

static void count_string(struct header *h, struct str raw)
{
    struct str inner;
    bool escaped;
    if (!scan_string(raw, &inner, &escaped))
        h->bad = true;
    else if (escaped)
        h->spill += inner.n;
}

static void count_labels(struct header *h, struct str raw)
{
    struct scan s = scan_of(raw);
    struct str key, value;
    if (str_eq_c(raw, "null"))
        return;
    if (!scan_enter(&s, '{')) {
        h->bad = true;
        return;
    }
    while (scan_member(&s, &key, &value)) {
        h->spill += memchr(key.p, '\\', key.n) ? key.n : 0;
        count_string(h, value);
        h->labels_n++;
    }
}

static void count_owner(struct header *h, struct str raw)
{
    struct scan s = scan_of(raw);
    struct str key, value;
    h->owners_n++;
    if (!scan_enter(&s, '{')) {
        h->bad = true;
        return;
    }
    while (scan_member(&s, &key, &value))
        if (value.p[0] == '"')
            count_string(h, value);
}

static void count_list(struct header *h, struct str raw, bool owners)
{
    struct scan s = scan_of(raw);
    struct str value;
    if (str_eq_c(raw, "null"))
        return;
    if (!scan_enter(&s, '[')) {
        h->bad = true;
        return;
    }
    while (scan_element(&s, &value)) {
        if (owners) {
            count_owner(h, value);
        } else {
            count_string(h, value);
            h->finalizers_n++;
        }
    }
}

static bool is_header_string(struct str key)
{
    return str_eq_c(key, "name") || str_eq_c(key, "namespace") || str_eq_c(key, "uid") ||
           str_eq_c(key, "resourceVersion");
}

static void count_metadata(struct header *h)
{
    struct scan s = scan_of(h->metadata);
    struct str key, value;
    if (!scan_enter(&s, '{')) {
        h->bad = true;
        return;
    }
    while (scan_member(&s, &key, &value)) {
        if (is_header_string(key) && !str_eq_c(value, "null"))
            count_string(h, value);
        else if (str_eq_c(key, "labels"))
            count_labels(h, value);
        else if (str_eq_c(key, "ownerReferences"))
            count_list(h, value, true);
        else if (str_eq_c(key, "finalizers"))
            count_list(h, value, false);
    }
}

static struct err *count_header(struct str json, struct header *h)
{
    struct scan s = scan_of(json);
    struct str key, value;
    if (!scan_enter(&s, '{'))
        return err_new(ERR_INVALID, "a Kubernetes object must be a JSON object");
    while (scan_member(&s, &key, &value)) {
        if (str_eq_c(key, "apiVersion"))
            h->api_version = value;
        else if (str_eq_c(key, "kind"))
            h->kind = value;
        else if (str_eq_c(key, "metadata")) {
            h->metadata = value;
            break; /* keys are in order: nothing of the header comes behind it */
        }
    }
    if (h->api_version.n > 0)
        count_string(h, h->api_version);
    if (h->kind.n > 0)
        count_string(h, h->kind);
    if (h->metadata.n > 0 && !str_eq_c(h->metadata, "null"))
        count_metadata(h);
    if (h->bad)
        return err_new(ERR_INVALID, "apiVersion, kind or metadata has a field of the wrong type");
    if (h->labels_n > KUBE_LABELS_MAX || h->owners_n > KUBE_OWNERS_MAX ||
        h->finalizers_n > KUBE_FINALIZERS_MAX)
        return err_new(ERR_INVALID, "metadata has too many labels, ownerReferences or finalizers");
    return NULL;
}

/* ---- second pass: fill ---- */

struct filler {
    struct kube_object *o;
    struct kube_label *labels;
    struct kube_owner *owners;
    struct str *finalizers;
    char *spill;
};

static int hex_digit(char c)
{
    return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* Decodes one escape at p (behind the backslash); returns the bytes eaten. Canonical writers only escape what they must:
 * quotes, backslashes and control characters, so a code point above 0x7f does not come in this form. */
static size_t unescape(const char *p, char *out)
{
    static const char from[] = "nrtbf", to[] = "\n\r\t\b\f";
    const char *known = strchr(from, *p);
    if (known) {
        *out = to[known - from];
        return 1;
    }
    if (*p != 'u') {
        *out = *p;
        return 1;
    }
    *out = (char)(hex_digit(p[3]) * 16 + hex_digit(p[4]));
    return 5;
}

static struct str fill_inner(struct filler *f, struct str inner)
{
    if (!memchr(inner.p, '\\', inner.n))
        return inner;
    char *start = f->spill;
    for (size_t i = 0; i < inner.n;) {
        if (inner.p[i] != '\\') {
            *f->spill++ = inner.p[i++];
        } else if (i + 1 < inner.n && (inner.p[i + 1] != 'u' || i + 5 < inner.n)) {
            i += 1 + unescape(inner.p + i + 1, f->spill++);
        } else {
            break;
        }
    }
    return (struct str){start, (size_t)(f->spill - start)};
}

static struct str fill_string(struct filler *f, struct str raw)
{
    if (raw.n < 2 || raw.p[0] != '"')
        return str_empty;
    return fill_inner(f, (struct str){raw.p + 1, raw.n - 2});
}

static void fill_labels(struct filler *f, struct str raw)
{
    struct scan s = scan_of(raw);
    struct str key, value;
    if (!scan_enter(&s, '{'))
        return;
    while (scan_member(&s, &key, &value)) {
        struct kube_label *l = &f->labels[f->o->labels_n++];
        l->key = fill_inner(f, key);
        l->value = fill_string(f, value);
    }
}

static void fill_owner(struct filler *f, struct str raw)
{
    struct kube_owner *o = &f->owners[f->o->owners_n++];
    struct scan s = scan_of(raw);
    struct str key, value;
    *o = (struct kube_owner){str_empty, str_empty, str_empty, str_empty, false, false};
    if (!scan_enter(&s, '{'))
        return;
    while (scan_member(&s, &key, &value)) {
        if (str_eq_c(key, "apiVersion"))
            o->api_version = fill_string(f, value);
        else if (str_eq_c(key, "kind"))
            o->kind = fill_string(f, value);
        else if (str_eq_c(key, "name"))
            o->name = fill_string(f, value);
        else if (str_eq_c(key, "uid"))
            o->uid = fill_string(f, value);
        else if (str_eq_c(key, "controller"))
            o->controller = str_eq_c(value, "true");
        else if (str_eq_c(key, "blockOwnerDeletion"))
            o->block_deletion = str_eq_c(value, "true");
    }
}

static void fill_list(struct filler *f, struct str raw, bool owners)
{
    struct scan s = scan_of(raw);
    struct str value;
    if (!scan_enter(&s, '['))
        return;
    while (scan_element(&s, &value)) {
        if (owners)
            fill_owner(f, value);
        else
            f->finalizers[f->o->finalizers_n++] = fill_string(f, value);
    }
}

static void fill_metadata(struct filler *f, struct str raw)
{
    struct kube_object *o = f->o;
    struct scan s = scan_of(raw);
    struct str key, value;
    if (!scan_enter(&s, '{'))
        return;
    while (scan_member(&s, &key, &value)) {
        if (str_eq_c(key, "name"))
            o->name = fill_string(f, value);
        else if (str_eq_c(key, "namespace"))
            o->ns = fill_string(f, value);
        else if (str_eq_c(key, "uid"))
            o->uid = fill_string(f, value);
        else if (str_eq_c(key, "labels"))
            fill_labels(f, value);
        else if (str_eq_c(key, "ownerReferences"))
            fill_list(f, value, true);
        else if (str_eq_c(key, "finalizers"))
            fill_list(f, value, false);
        else if (str_eq_c(key, "deletionTimestamp"))
            o->deleting = !str_eq_c(value, "null");
        else if (str_eq_c(key, "generation"))
            (void)str_to_i64(value, &o->generation);
        else if (str_eq_c(key, "resourceVersion"))
            (void)str_to_u64(fill_string(f, value), &o->resource_version);
    }
}

/* One block: the object, its arrays, the JSON, the decoded strings. */
static struct kube_object *object_alloc(struct str json, const struct header *h, struct filler *f)
{
    size_t labels = sizeof(struct kube_object);
    size_t owners = labels + h->labels_n * sizeof(struct kube_label);
    size_t finalizers = owners + h->owners_n * sizeof(struct kube_owner);
    size_t bytes = finalizers + h->finalizers_n * sizeof(struct str);
    char *block = mem_alloc(bytes + json.n + 1 + h->spill);

    struct kube_object *o = (struct kube_object *)(void *)block;
    f->o = o;
    f->labels = (struct kube_label *)(void *)(block + labels);
    f->owners = (struct kube_owner *)(void *)(block + owners);
    f->finalizers = (struct str *)(void *)(block + finalizers);
    f->spill = block + bytes + json.n + 1;
    memcpy(block + bytes, json.p, json.n);
    o->refs = 1;
    o->spilled = h->spill > 0;
    o->status_at = 0;
    o->json = (struct str){block + bytes, json.n};
    o->labels = f->labels;
    o->owners = f->owners;
    o->finalizers = f->finalizers;
    o->api_version = o->kind = o->ns = o->name = o->uid = str_empty;
    return o;
}

static struct str rebase(struct str part, struct str from, struct str to)
{
    return part.n == 0 ? part : (struct str){to.p + (part.p - from.p), part.n};
}

struct err *kube_object_from_canonical(struct str json, struct kube_object **out)
{
    struct header h = {.api_version = str_empty, .kind = str_empty, .metadata = str_empty};
    if (json.n > KUBE_OBJECT_BYTES_MAX)
        return err_new(ERR_TOO_LARGE, "object of %zu bytes: at most %zu are allowed", json.n,
                       KUBE_OBJECT_BYTES_MAX);
    struct err *err = count_header(json, &h);
    if (err)
        return err;
    struct filler f;
    struct kube_object *o = object_alloc(json, &h, &f);
    o->api_version = fill_string(&f, rebase(h.api_version, json, o->json));
    o->kind = fill_string(&f, rebase(h.kind, json, o->json));
    fill_metadata(&f, rebase(h.metadata, json, o->json));
    BUG_ON(o->labels_n != h.labels_n || o->owners_n != h.owners_n ||
               o->finalizers_n != h.finalizers_n,
           "both passes must see the same header");
    *out = o;
    return NULL;
}

struct err *kube_object_from_tree(const cJSON *tree, struct kube_object **out)
{
    struct buf b = {.max = KUBE_OBJECT_BYTES_MAX};
    json_write(&b, tree);
    struct err *err =
        buf_ok(&b) ? kube_object_from_canonical(buf_str(&b), out)
                   : err_new(ERR_TOO_LARGE, "object of more than %zu bytes", KUBE_OBJECT_BYTES_MAX);
    buf_free(&b);
    return err;
}

struct err *kube_object_from_json(struct str text, struct kube_object **out)
{
    struct arena a = {0};
    cJSON *tree;
    struct err *err = json_parse(&a, text, &tree);
    if (!err)
        err = kube_object_from_tree(tree, out);
    arena_free(&a);
    return err;
}

/* Where metadata.resourceVersion is or belongs: [*at, *at + *n) is the member with its trailing or leading comma left
 * alone when present (n > 0: only its quoted value), else the place to insert a whole member. */
static void revision_spot(struct str json, size_t *at, size_t *n, bool *comma_before)
{
    struct str metadata = scan_get(json, STR("metadata"));
    struct scan s = scan_of(metadata);
    struct str key, value;
    BUG_ON(!scan_enter(&s, '{'), "an object with a revision has metadata");
    *comma_before = false;
    *n = 0;
    *at = (size_t)(s.p - json.p);
    while (scan_member(&s, &key, &value)) {
        int order = str_cmp(key, STR("resourceVersion"));
        if (order == 0) {
            *at = (size_t)(value.p - json.p);
            *n = value.n;
            return;
        }
        if (order > 0)
            return;
        *comma_before = true;
        *at = (size_t)(s.p - json.p);
    }
}

/* ---- copies whose bytes stay where they are ---- */

static void shift(struct str *s, const struct kube_object *from, char *to)
{
    *s = s->n ? (struct str){to + (s->p - (const char *)from), s->n} : str_empty;
}

/* One block copied as it is, and every view into it moved along. */
static struct kube_object *copy_block(const struct kube_object *o)
{
    size_t n = (size_t)(o->json.p - (const char *)o) + o->json.n + 1;
    char *block = mem_resize(NULL, n);
    memcpy(block, o, n);
    struct kube_object *copy = (struct kube_object *)(void *)block;
    struct kube_label *labels = (struct kube_label *)(void *)(copy + 1);
    struct kube_owner *owners = (struct kube_owner *)(void *)(labels + o->labels_n);
    struct str *finalizers = (struct str *)(void *)(owners + o->owners_n);
    struct str *views[] = {&copy->json, &copy->api_version, &copy->kind,
                           &copy->ns,   &copy->name,        &copy->uid};
    for (size_t i = 0; i < ARRAY_LEN(views); i++)
        shift(views[i], o, block);
    for (size_t i = 0; i < o->labels_n; i++) {
        shift(&labels[i].key, o, block);
        shift(&labels[i].value, o, block);
    }
    for (size_t i = 0; i < o->owners_n; i++) {
        struct str *texts[] = {&owners[i].api_version, &owners[i].kind, &owners[i].name,
                               &owners[i].uid};
        for (size_t t = 0; t < ARRAY_LEN(texts); t++)
            shift(texts[t], o, block);
    }
    for (size_t i = 0; i < o->finalizers_n; i++)
        shift(&finalizers[i], o, block);
    copy->refs = 1;
    copy->labels = labels;
    copy->owners = owners;
    copy->finalizers = finalizers;
    return copy;
}

static void overwrite(struct kube_object *o, size_t at, struct str bytes)
{
    memcpy((char *)o + (o->json.p - (const char *)o) + at, bytes.p, bytes.n);
}

/* With as many digits, in the same place; false: it does not fit there. */
static bool set_revision_in_place(struct kube_object *o, size_t at, size_t n, uint64_t revision)
{
    char text[20];
    struct buf digits = {.p = text, .cap = sizeof(text), .max = sizeof(text)};
    size_t digits_n = 1;
    for (uint64_t rest = revision; rest >= 10; rest /= 10)
        digits_n++;
    if (n != digits_n + 2 || o->json.p[at] != '"' || digits_n >= sizeof(text))
        return false;
    buf_add_u64(&digits, revision);
    overwrite(o, at + 1, buf_str(&digits));
    o->resource_version = revision;
    return true;
}

struct kube_object *kube_object_with_revision(const struct kube_object *o, uint64_t revision)
{
    size_t at, n;
    bool comma_before;
    struct buf b = {.max = KUBE_OBJECT_BYTES_MAX + 64};
    revision_spot(o->json, &at, &n, &comma_before);
    struct kube_object *copy = o->spilled ? NULL : copy_block(o);
    if (copy && set_revision_in_place(copy, at, n, revision))
        return copy;
    kube_object_unref(copy);
    buf_add(&b, str_sub(o->json, 0, at));
    if (n == 0)
        buf_add_c(&b, comma_before ? ",\"resourceVersion\":" : "\"resourceVersion\":");
    buf_add_char(&b, '"');
    buf_add_u64(&b, revision);
    buf_add_char(&b, '"');
    if (n == 0 && !comma_before && o->json.p[at] != '}')
        buf_add_char(&b, ',');
    buf_add(&b, str_sub(o->json, at + n, o->json.n));
    struct err *err = kube_object_from_canonical(buf_str(&b), &copy);
    BUG_ON(err, "a spliced object stays an object");
    buf_free(&b);
    return copy;
}

struct kube_object *kube_object_with_string(const struct kube_object *o, const char *dotted,
                                            struct str value, uint64_t revision)
{
    struct str inner;
    bool escaped;
    struct kube_object *changed = NULL;
    if (!scan_string(scan_path(o->json, dotted), &inner, &escaped))
        return NULL;
    size_t at = (size_t)(inner.p - o->json.p);
    if (inner.n == value.n && !o->spilled) {
        changed = copy_block(o);
        overwrite(changed, at, value);
    } else {
        struct buf b = {.max = KUBE_OBJECT_BYTES_MAX};
        buf_add(&b, str_sub(o->json, 0, at));
        buf_add(&b, value);
        buf_add(&b, str_sub(o->json, at + inner.n, o->json.n));
        struct err *err = kube_object_from_canonical(buf_str(&b), &changed);
        BUG_ON(err, "a string in the place of a string leaves an object");
        buf_free(&b);
    }
    size_t n;
    bool comma_before;
    revision_spot(changed->json, &at, &n, &comma_before);
    if (set_revision_in_place(changed, at, n, revision))
        return changed;
    struct kube_object *stamped = kube_object_with_revision(changed, revision);
    kube_object_unref(changed);
    return stamped;
}

struct kube_object *kube_object_ref(struct kube_object *o)
{
    BUG_ON(o->refs == 0, "the object has been freed");
    o->refs++;
    return o;
}

void kube_object_unref(struct kube_object *o)
{
    if (!o)
        return;
    BUG_ON(o->refs == 0, "the object has been freed");
    if (--o->refs == 0)
        mem_free(o);
}

cJSON *kube_object_tree(const struct kube_object *o, struct arena *a)
{
    cJSON *tree = NULL;
    struct err *err = json_parse(a, o->json, &tree);
    BUG_ON(err, "the bytes of an object are canonical JSON");
    return tree;
}

static const struct kube_label *find_label(const struct kube_object *o, struct str key)
{
    for (size_t i = 0; i < o->labels_n; i++)
        if (str_eq(o->labels[i].key, key))
            return &o->labels[i];
    return NULL;
}

struct str kube_object_label(const struct kube_object *o, struct str key)
{
    const struct kube_label *l = find_label(o, key);
    return l ? l->value : str_empty;
}

bool kube_object_has_label(const struct kube_object *o, struct str key)
{
    return find_label(o, key) != NULL;
}

bool kube_object_has_finalizer(const struct kube_object *o, struct str finalizer)
{
    for (size_t i = 0; i < o->finalizers_n; i++)
        if (str_eq(o->finalizers[i], finalizer))
            return true;
    return false;
}

const struct kube_owner *kube_object_controller(const struct kube_object *o)
{
    for (size_t i = 0; i < o->owners_n; i++)
        if (o->owners[i].controller)
            return &o->owners[i];
    return NULL;
}

void kube_object_key(const struct kube_object *o, struct buf *out)
{
    if (o->ns.n > 0) {
        buf_add(out, o->ns);
        buf_add_char(out, '/');
    }
    buf_add(out, o->name);
}

/* Where the value of "status" begins: it stands behind all the rest, and most of what is asked for is in it. */
static size_t status_at(const struct kube_object *o)
{
    struct kube_object *same = (struct kube_object *)(uintptr_t)o; /* remembers, does not change */
    if (o->status_at == 0) {
        struct scan s = scan_of(o->json);
        same->status_at =
            scan_find(&s, "status") ? (uint32_t)(s.p - o->json.p) : (uint32_t)o->json.n;
    }
    return o->status_at;
}

struct str kube_object_raw(const struct kube_object *o, const char *dotted)
{
    static const char status[] = "status";
    size_t n = sizeof(status) - 1;
    if (strncmp(dotted, status, n) != 0 || (dotted[n] != '.' && dotted[n] != '\0'))
        return scan_path(o->json, dotted);
    struct str from = str_sub(o->json, status_at(o), o->json.n);
    return from.n > 0 ? scan_path(from, dotted + n + (dotted[n] == '.')) : str_empty;
}

struct str kube_object_string(const struct kube_object *o, const char *dotted)
{
    struct str inner;
    bool escaped;
    if (!scan_string(kube_object_raw(o, dotted), &inner, &escaped) || escaped)
        return str_empty;
    return inner;
}
