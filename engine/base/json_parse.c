/* The strict reader: one pass, no recursion. All strings and numbers of a document go into one block of the arena:
 * decoded text with its NUL is never longer than its source with what must separate it from the next. */
#include "engine/base/json_internal.h"

#include <stdlib.h>

#define KEYS_INLINE 64u
#define KEYS_SCANNED                                                                               \
    32u /* up to here each key is compared with those before; beyond, all are sorted at the end */
#define NODES_A_BLOCK 256u
#define SLAB_SLACK    16u /* copying goes by eight bytes */

struct seen_key {
    uint64_t prefix; /* first bytes: settles most comparisons */
    char *key;       /* NUL-terminated, in the slab */
    cJSON *node;
    uint32_t n;
    uint32_t offset; /* of the key in the text */
};

struct frame {
    cJSON *node, *last;
    size_t keys_from;
    bool ascending; /* keys so far: then there is no duplicate */
};

struct parser {
    struct str text;
    struct json_cursor at;
    struct arena *arena;
    cJSON *node, *nodes_end;
    size_t block;
    cJSON *root;
    struct seen_key *keys;
    size_t keys_n, keys_cap;
    struct seen_key next_key; /* read, its value not yet */
    unsigned depth;
    bool lenient;
    struct str duplicate;
    struct json_duplicates all; /* while lenient */
    struct frame frames[JSON_DEPTH_MAX];
    struct seen_key keys_inline[KEYS_INLINE];
};

enum step { STEP_VALUE, STEP_KEY, STEP_AFTER, STEP_DONE, STEP_FAILED };

static enum step fail(struct parser *ps, const char *at, const char *problem)
{
    ps->at.problem = problem;
    ps->at.problem_at = at;
    return STEP_FAILED;
}

static inline void skip_blanks(struct parser *ps)
{
    while (ps->at.p < ps->at.end &&
           (*ps->at.p == ' ' || *ps->at.p == '\n' || *ps->at.p == '\t' || *ps->at.p == '\r'))
        ps->at.p++;
}

static cJSON *take_node(struct parser *ps)
{
    if (ps->node == ps->nodes_end) {
        ps->node = ARENA_NEW_ARRAY(ps->arena, cJSON, ps->block);
        ps->nodes_end = ps->node + ps->block;
        ps->block = ps->block * 2 < NODES_A_BLOCK ? ps->block * 2 : NODES_A_BLOCK;
    }
    return ps->node++;
}

static enum step read_number(struct parser *ps, cJSON *node)
{
    node->type = cJSON_Raw;
    node->valuestring = json_read_number(&ps->at);
    return node->valuestring ? STEP_AFTER : STEP_FAILED;
}

static enum step read_word(struct parser *ps, cJSON *node, struct str word, int type)
{
    if ((size_t)(ps->at.end - ps->at.p) < word.n || memcmp(ps->at.p, word.p, word.n) != 0)
        return fail(ps, ps->at.p, "expected a value");
    ps->at.p += word.n;
    node->type = type;
    node->valueint = type == cJSON_True; /* as cJSON's own reader has it */
    return STEP_AFTER;
}

static struct frame *top(struct parser *ps)
{
    return &ps->frames[ps->depth - 1];
}

static void keys_push(struct parser *ps, struct seen_key key)
{
    if (ps->keys_n == ps->keys_cap) {
        size_t bytes = ps->keys_cap * 2 * sizeof(key);
        if (ps->keys == ps->keys_inline) {
            ps->keys = mem_resize(NULL, bytes);
            memcpy(ps->keys, ps->keys_inline, ps->keys_n * sizeof(key));
        } else {
            ps->keys = mem_resize(ps->keys, bytes);
        }
        ps->keys_cap *= 2;
    }
    ps->keys[ps->keys_n++] = key;
}

static bool same_key(const struct seen_key *a, const struct seen_key *b)
{
    return a->prefix == b->prefix && a->n == b->n && memcmp(a->key, b->key, a->n) == 0;
}

static void drop_node(struct frame *f, cJSON *node)
{
    if (node->prev)
        node->prev->next = node->next;
    else
        f->node->child = node->next;
    if (node->next)
        node->next->prev = node->prev;
    else
        f->last = node->prev;
}

/* True: go on (the older of the two is gone). */
static bool meet_duplicate(struct parser *ps, struct frame *f, struct seen_key *older,
                           const struct seen_key *newer)
{
    if (!ps->lenient) {
        fail(ps, ps->text.p + newer->offset, "this key is there twice");
        ps->duplicate = (struct str){newer->key, newer->n};
        return false;
    }
    if (!ps->duplicate.p) {
        ps->duplicate = (struct str){newer->key, newer->n};
        ps->all.at = ARENA_NEW_ARRAY(ps->arena, struct json_duplicate, JSON_DUPLICATES_MAX);
    }
    if (ps->all.n < JSON_DUPLICATES_MAX)
        ps->all.at[ps->all.n++] = (struct json_duplicate){f->node, {newer->key, newer->n}};
    drop_node(f, older->node);
    return true;
}

static bool enter_key(struct parser *ps, struct frame *f)
{
    struct seen_key *key = &ps->next_key;
    size_t n = ps->keys_n - f->keys_from;
    const struct seen_key *last = n ? &ps->keys[ps->keys_n - 1] : NULL;
    if (f->ascending && last)
        f->ascending = strcmp(last->key, key->key) < 0;
    if (!f->ascending && n <= KEYS_SCANNED) {
        for (size_t i = f->keys_from; i < ps->keys_n; i++) {
            if (!same_key(&ps->keys[i], key))
                continue;
            if (!meet_duplicate(ps, f, &ps->keys[i], key))
                return false;
            ps->keys[i] = *key;
            return true;
        }
    }
    keys_push(ps, *key);
    return true;
}

static int by_key_then_offset(const void *a, const void *b)
{
    const struct seen_key *x = a, *y = b;
    int order = strcmp(x->key, y->key);
    return order ? order : (x->offset > y->offset) - (x->offset < y->offset);
}

/* The keys of a large object are compared when it is complete: sorting has no worst case that a peer could aim at. */
static bool leave_object(struct parser *ps, struct frame *f)
{
    struct seen_key *keys = ps->keys + f->keys_from;
    size_t n = ps->keys_n - f->keys_from;
    ps->keys_n = f->keys_from;
    if (f->ascending || n <= KEYS_SCANNED)
        return true;
    qsort(keys, n, sizeof(*keys), by_key_then_offset);
    for (size_t i = 1; i < n; i++)
        if (same_key(&keys[i - 1], &keys[i]) && !meet_duplicate(ps, f, &keys[i - 1], &keys[i]))
            return false;
    return true;
}

static bool attach(struct parser *ps, cJSON *node)
{
    if (ps->depth == 0) {
        ps->root = node;
        return true;
    }
    struct frame *f = top(ps);
    if (f->node->type == cJSON_Object) {
        node->string = ps->next_key.key;
        ps->next_key.node = node;
        if (!enter_key(ps, f))
            return false;
    }
    node->prev = f->last;
    if (f->last)
        f->last->next = node;
    else
        f->node->child = node;
    f->last = node;
    return true;
}

static enum step open_container(struct parser *ps, cJSON *node, int type)
{
    if (ps->depth == JSON_DEPTH_MAX)
        return fail(ps, ps->at.p, "nested too deeply");
    ps->at.p++;
    node->type = type;
    ps->frames[ps->depth++] = (struct frame){node, NULL, ps->keys_n, true};
    skip_blanks(ps);
    if (ps->at.p < ps->at.end && *ps->at.p == (type == cJSON_Object ? '}' : ']'))
        return STEP_AFTER;
    return type == cJSON_Object ? STEP_KEY : STEP_VALUE;
}

static enum step step_value(struct parser *ps)
{
    skip_blanks(ps);
    if (ps->at.p == ps->at.end)
        return fail(ps, ps->at.p, "expected a value, found the end");
    cJSON *node = take_node(ps);
    if (!attach(ps, node))
        return STEP_FAILED;
    switch (*ps->at.p) {
    case '"': {
        size_t n;
        node->type = cJSON_String;
        node->valuestring = json_read_string(&ps->at, &n);
        return node->valuestring ? STEP_AFTER : STEP_FAILED;
    }
    case '{':
        return open_container(ps, node, cJSON_Object);
    case '[':
        return open_container(ps, node, cJSON_Array);
    case 't':
        return read_word(ps, node, STR("true"), cJSON_True);
    case 'f':
        return read_word(ps, node, STR("false"), cJSON_False);
    case 'n':
        return read_word(ps, node, STR("null"), cJSON_NULL);
    default:
        if (*ps->at.p == '-' || (*ps->at.p >= '0' && *ps->at.p <= '9'))
            return read_number(ps, node);
        return fail(ps, ps->at.p, "expected a value");
    }
}

static enum step step_key(struct parser *ps)
{
    skip_blanks(ps);
    if (ps->at.p == ps->at.end || *ps->at.p != '"')
        return fail(ps, ps->at.p, "expected a key in quotes");
    uint32_t offset = (uint32_t)(ps->at.p - ps->text.p);
    size_t n;
    char *key = json_read_string(&ps->at, &n);
    if (!key)
        return STEP_FAILED;
    uint64_t prefix = 0;
    memcpy(&prefix, key, n < sizeof(prefix) ? n : sizeof(prefix));
    ps->next_key = (struct seen_key){prefix, key, NULL, (uint32_t)n, offset};
    skip_blanks(ps);
    if (ps->at.p == ps->at.end || *ps->at.p != ':')
        return fail(ps, ps->at.p, "expected ':'");
    ps->at.p++;
    return STEP_VALUE;
}

static enum step step_after(struct parser *ps)
{
    skip_blanks(ps);
    if (ps->depth == 0)
        return ps->at.p == ps->at.end ? STEP_DONE : fail(ps, ps->at.p, "expected the end");
    struct frame *f = top(ps);
    bool is_object = f->node->type == cJSON_Object;
    char c = ps->at.p < ps->at.end ? *ps->at.p : '\0';
    if (c == ',' && f->last) {
        ps->at.p++;
        return is_object ? STEP_KEY : STEP_VALUE;
    }
    if (c != (is_object ? '}' : ']'))
        return fail(ps, ps->at.p, is_object ? "expected ',' or '}'" : "expected ',' or ']'");
    ps->at.p++;
    if (is_object && !leave_object(ps, f))
        return STEP_FAILED;
    if (f->last)
        f->node->child->prev = f->last; /* as cJSON has it: appending finds the end */
    ps->depth--;
    return STEP_AFTER;
}

static void run(struct parser *ps)
{
    enum step step = STEP_VALUE;
    for (;;) {
        switch (step) {
        case STEP_VALUE:
            step = step_value(ps);
            break;
        case STEP_KEY:
            step = step_key(ps);
            break;
        case STEP_AFTER:
            step = step_after(ps);
            break;
        case STEP_DONE:
        case STEP_FAILED:
            return;
        }
    }
}

static struct err *problem_err(const struct parser *ps)
{
    uint32_t line = 1, column = 1;
    for (const char *p = ps->text.p; p < ps->at.problem_at; p++) {
        if (*p == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)*p & 0xc0) != 0x80) {
            column++;
        }
    }
    struct err *err;
    if (ps->duplicate.p && !ps->lenient)
        err = err_new(ERR_INVALID, "malformed JSON: %s: \"" STR_FMT "\"", ps->at.problem,
                      STR_ARG(ps->duplicate));
    else
        err = err_new(ERR_INVALID, "malformed JSON: %s", ps->at.problem);
    return err_at(err, str_empty, line, column);
}

static struct err *parse(struct arena *a, struct str text, bool lenient, cJSON **out,
                         struct str *duplicate, struct json_duplicates *all)
{
    if (text.n > JSON_BYTES_MAX)
        return err_new(ERR_TOO_LARGE, "JSON of %zu bytes: at most %zu are read", text.n,
                       JSON_BYTES_MAX);
    struct parser ps; /* large and partly unused: not cleared as a whole */
    ps.text = text.p ? text : str_empty;
    ps.at.p = ps.text.p;
    ps.at.end = ps.text.p + ps.text.n;
    ps.arena = a;
    ps.at.out = arena_alloc(a, text.n + SLAB_SLACK);
    ps.node = ps.nodes_end = NULL;
    ps.block = text.n / 32 + 1 < NODES_A_BLOCK ? text.n / 32 + 1 : NODES_A_BLOCK;
    ps.root = NULL;
    ps.keys = ps.keys_inline;
    ps.keys_n = 0;
    ps.keys_cap = KEYS_INLINE;
    ps.depth = 0;
    ps.lenient = lenient;
    ps.duplicate = (struct str){NULL, 0};
    ps.all = (struct json_duplicates){NULL, 0};
    ps.at.problem = ps.at.problem_at = NULL;
    run(&ps);
    if (ps.keys != ps.keys_inline)
        mem_free(ps.keys);
    if (ps.at.problem)
        return problem_err(&ps);
    *out = ps.root;
    if (duplicate)
        *duplicate = ps.duplicate.p ? ps.duplicate : str_empty;
    if (all)
        *all = ps.all;
    return NULL;
}

struct err *json_parse(struct arena *a, struct str text, cJSON **out)
{
    return parse(a, text, false, out, NULL, NULL);
}

struct err *json_parse_lenient(struct arena *a, struct str text, cJSON **out, struct str *duplicate)
{
    return parse(a, text, true, out, duplicate, NULL);
}

struct err *json_parse_duplicates(struct arena *a, struct str text, cJSON **out,
                                  struct json_duplicates *duplicates)
{
    return parse(a, text, true, out, NULL, duplicates);
}
