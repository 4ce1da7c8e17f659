/* libyaml's events → tree. A stack of open lists and maps instead of recursion; its depth is the document's. */
#include "engine/base/yaml.h"
#include "engine/base/map.h"
#include "engine/base/yaml_internal.h"

#include <string.h>
#include <yaml.h>

#define KEYS_COMPARED_MAX 16u

struct anchor {
    struct yaml_node *node;
    size_t weight;   /* nodes that an alias to it stands for */
    unsigned height; /* levels of lists and maps, itself included; 0 for a scalar */
};

struct frame {
    struct yaml_node *node, *last;
    struct str anchor;
    size_t nodes_before;
    unsigned height;
    bool has_key; /* a map's key was read, its value was not */
    struct yaml_node *key;
    struct map keys; /* of a map with many: key → its value, to find duplicates */
};

struct loader {
    yaml_parser_t yaml;
    struct arena *arena;
    struct str file, text;
    size_t nodes;
    struct map anchors;               /* complete ones of this document */
    const struct yaml_schema *schema; /* NULL: YAML 1.2; else read as Go does */
    bool complete;                    /* then: the first document has ended */
    unsigned depth;
    struct frame frames[YAML_DEPTH_MAX];
    struct yaml_node *root, *last_root; /* of the documents, by next */
    size_t roots;
};

static struct err *problem(const struct loader *l, uint32_t line, uint32_t column, struct err *take)
{
    return err_at(take, l->file, line, column);
}

static struct err *problem_at(const struct loader *l, const struct yaml_node *n, const char *what)
{
    return problem(l, n->line, n->column, err_new(ERR_INVALID, "%s", what));
}

/* The position of a byte: lines and code points are counted up to it. */
static void count_position(const struct loader *l, size_t offset, uint32_t *line, uint32_t *column)
{
    *line = *column = 1;
    for (size_t i = 0; i < offset && i < l->text.n; i++) {
        if (l->text.p[i] == '\n') {
            ++*line;
            *column = 1;
        } else if (((unsigned char)l->text.p[i] & 0xc0) != 0x80) {
            ++*column;
        }
    }
}

/* Go's reader is a translation of this one: the same words, and its own count of lines. */
static struct err *compat_problem(const yaml_parser_t *y)
{
    size_t line = y->problem_mark.line > 0 ? y->problem_mark.line + (y->error == YAML_SCANNER_ERROR)
                                           : y->context_mark.line;
    const char *what = y->problem ? y->problem : "unknown problem parsing YAML content";
    return line > 0 ? err_new(ERR_INVALID, "yaml: line %zu: %s", line, what)
                    : err_new(ERR_INVALID, "yaml: %s", what);
}

static struct err *syntax_problem(const struct loader *l)
{
    const yaml_parser_t *y = &l->yaml;
    if (l->schema)
        return compat_problem(y);
    const char *what = y->problem ? y->problem : "not understood";
    struct err *err = y->context ? err_new(ERR_INVALID, "malformed YAML: %s %s from line %zu", what,
                                           y->context, y->context_mark.line + 1)
                                 : err_new(ERR_INVALID, "malformed YAML: %s", what);
    uint32_t line, column;
    if (y->error == YAML_READER_ERROR) { /* knows the byte only */
        count_position(l, y->problem_offset, &line, &column);
        return problem(l, line, column, err);
    }
    count_position(l, l->text.n, &line, &column);
    if (y->problem_mark.line < line) { /* libyaml's end is a line behind the last */
        line = (uint32_t)y->problem_mark.line + 1;
        column = (uint32_t)y->problem_mark.column + 1;
    }
    return problem(l, line, column, err);
}

static struct err *node_new(struct loader *l, const yaml_event_t *event, struct yaml_node **out)
{
    struct yaml_node *n = ARENA_NEW(l->arena, struct yaml_node);
    n->line = (uint32_t)event->start_mark.line + 1;
    n->column = (uint32_t)event->start_mark.column + 1;
    if (++l->nodes > YAML_NODES_MAX)
        return problem_at(l, n, "too many nodes");
    *out = n;
    return NULL;
}

/* The value whose key this is already; NULL: none. Few keys are compared one by one, many are looked up. */
static const struct yaml_node *find_key(struct frame *f, struct str text)
{
    if (f->node->count < KEYS_COMPARED_MAX) {
        const struct yaml_node *n = f->node->first;
        while (n && !str_eq(n->key, text))
            n = n->next;
        return n;
    }
    if (f->node->count == KEYS_COMPARED_MAX)
        for (struct yaml_node *n = f->node->first; n; n = n->next)
            map_put(&f->keys, n->key, n);
    return map_get(&f->keys, text);
}

static struct err *put_key(struct loader *l, struct frame *f, struct yaml_node *key)
{
    if (key->kind == YAML_LIST || key->kind == YAML_MAP)
        return problem_at(l, key, "a key must be a plain word or a string");
    if (l->schema && key->kind == YAML_BOOL)
        key->text = key->integer ? STR("true") : STR("false");
    else if (l->schema && key->kind == YAML_INT)
        key->text = arena_printf(l->arena, "%lld", (long long)key->integer);
    const struct yaml_node *before = find_key(f, key->text);
    if (before && l->schema)
        buf_addf(l->schema->repeated, "%sline %u: key \"" STR_FMT "\" already set in map",
                 l->schema->repeated->n > 0 ? "\n" : "", (unsigned)key->line, STR_ARG(key->text));
    else if (before)
        return problem(l, key->line, key->column,
                       err_new(ERR_INVALID,
                               "the key \"" STR_FMT "\" is there twice (first in line %u)",
                               STR_ARG(key->text), (unsigned)before->key_line));
    f->has_key = true;
    f->key = key;
    return NULL;
}

/* Puts a node where the document is: as a root, an item, a key or a value. height: its levels. */
static struct err *place(struct loader *l, struct yaml_node *n, unsigned height)
{
    if (l->depth == 0) {
        if (l->last_root)
            l->last_root->next = n;
        else
            l->root = n;
        l->last_root = n;
        l->roots++;
        return NULL;
    }
    struct frame *f = &l->frames[l->depth - 1];
    if (f->node->kind == YAML_MAP && !f->has_key)
        return put_key(l, f, n);
    if (f->node->kind == YAML_MAP) {
        n->key = f->key->text;
        n->key_plain = f->key->plain;
        n->key_line = f->key->line;
        n->key_column = f->key->column;
        f->has_key = false;
        if (f->node->count >= KEYS_COMPARED_MAX)
            map_put(&f->keys, n->key, n);
    }
    if (f->last)
        f->last->next = n;
    else
        f->node->first = n;
    f->last = n;
    f->node->count++;
    if (height + 1 > f->height)
        f->height = height + 1;
    return NULL;
}

static struct str text_of(const yaml_char_t *z)
{
    return str_c((const char *)z);
}

static void remember_anchor(struct loader *l, struct str name, struct anchor anchor)
{
    if (name.n == 0)
        return;
    struct anchor *kept = ARENA_NEW(l->arena, struct anchor);
    *kept = anchor;
    map_put(&l->anchors, name, kept); /* a later one of the same name counts from here on */
}

static struct err *on_scalar(struct loader *l, const yaml_event_t *event)
{
    struct yaml_node *n;
    struct err *err = node_new(l, event, &n);
    if (err)
        return err;
    struct str text = {(const char *)event->data.scalar.value, event->data.scalar.length};
    bool text_tag = l->schema && event->data.scalar.tag &&
                    (str_eq_c(text_of(event->data.scalar.tag), "tag:yaml.org,2002:str") ||
                     str_eq_c(text_of(event->data.scalar.tag), "!"));
    if (event->data.scalar.tag && !text_tag)
        return problem_at(l, n, "tags are not supported");
    if (str_find_char(text, '\0') >= 0)
        return problem_at(l, n, "a string must not hold a NUL character");
    n->text = arena_str(l->arena, text);
    n->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    n->kind = !n->plain || text_tag ? YAML_STRING
              : l->schema           ? l->schema->resolve(n->text, &n->integer)
                                    : yaml_resolve(n->text, &n->integer);
    remember_anchor(l, text_of(event->data.scalar.anchor), (struct anchor){n, 1, 0});
    return place(l, n, 0);
}

static struct err *on_alias(struct loader *l, const yaml_event_t *event)
{
    struct yaml_node *n;
    struct err *err = node_new(l, event, &n);
    if (err)
        return err;
    const struct anchor *a = map_get(&l->anchors, text_of(event->data.alias.anchor));
    if (!a)
        return problem_at(l, n, "an alias to an anchor that is not complete before it");
    l->nodes += a->weight;
    if (l->nodes > YAML_NODES_MAX || l->depth + a->height > YAML_DEPTH_MAX)
        return problem_at(l, n, "aliases stand for too much");
    uint32_t line = n->line, column = n->column;
    *n = *a->node;
    n->line = line;
    n->column = column;
    n->key = str_empty;
    n->key_line = n->key_column = 0;
    n->next = NULL;
    return place(l, n, a->height);
}

static struct err *on_open(struct loader *l, const yaml_event_t *event, enum yaml_kind kind,
                           const yaml_char_t *anchor, const yaml_char_t *tag)
{
    size_t nodes_before = l->nodes;
    struct yaml_node *n;
    struct err *err = node_new(l, event, &n);
    if (err)
        return err;
    if (tag)
        return problem_at(l, n, "tags are not supported");
    if (l->depth == YAML_DEPTH_MAX)
        return problem_at(l, n, "nested too deeply");
    n->kind = kind;
    err = place(l, n, 1);
    if (err)
        return err;
    l->frames[l->depth++] = (struct frame){.node = n,
                                           .anchor = arena_str(l->arena, text_of(anchor)),
                                           .nodes_before = nodes_before,
                                           .height = 1};
    return NULL;
}

static void on_close(struct loader *l)
{
    BUG_ON(l->depth == 0, "what is closed was opened");
    struct frame *f = &l->frames[--l->depth];
    BUG_ON(f->has_key, "each key has a value");
    map_free(&f->keys);
    remember_anchor(l, f->anchor, (struct anchor){f->node, l->nodes - f->nodes_before, f->height});
    if (l->depth > 0 && f->height + 1 > l->frames[l->depth - 1].height)
        l->frames[l->depth - 1].height = f->height + 1;
}

static struct err *on_event(struct loader *l, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return on_scalar(l, event);
    case YAML_ALIAS_EVENT:
        return on_alias(l, event);
    case YAML_SEQUENCE_START_EVENT:
        return on_open(l, event, YAML_LIST, event->data.sequence_start.anchor,
                       event->data.sequence_start.tag);
    case YAML_MAPPING_START_EVENT:
        return on_open(l, event, YAML_MAP, event->data.mapping_start.anchor,
                       event->data.mapping_start.tag);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        on_close(l);
        return NULL;
    case YAML_DOCUMENT_END_EVENT:
        map_clear(&l->anchors);
        l->complete = true;
        return NULL;
    default:
        return NULL;
    }
}

static struct err *load_events(struct loader *l)
{
    bool more = true;
    while (more) {
        yaml_event_t event;
        if (!yaml_parser_parse(&l->yaml, &event))
            return syntax_problem(l);
        struct err *err = on_event(l, &event);
        more = event.type != YAML_STREAM_END_EVENT && !(l->schema && l->complete);
        yaml_event_delete(&event);
        if (err)
            return err;
    }
    return NULL;
}

static struct err *load(struct loader *l)
{
    if (l->text.n > YAML_BYTES_MAX)
        return err_at(err_new(ERR_TOO_LARGE, "YAML of %zu bytes: at most %zu are read", l->text.n,
                              YAML_BYTES_MAX),
                      l->file, 0, 0);
    if (!yaml_parser_initialize(&l->yaml))
        return err_new(ERR_INTERNAL, "the YAML reader does not start");
    yaml_parser_set_encoding(&l->yaml, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&l->yaml, (const unsigned char *)l->text.p, l->text.n);
    struct err *err = load_events(l);
    while (l->depth > 0)
        map_free(&l->frames[--l->depth].keys);
    map_free(&l->anchors);
    yaml_parser_delete(&l->yaml);
    return err;
}

struct err *yaml_parse_all(struct arena *a, struct str file, struct str text,
                           struct yaml_node ***docs, size_t *n)
{
    struct loader *l = MEM_NEW(struct loader);
    l->arena = a;
    l->file = file;
    l->text = text.p ? text : str_empty;
    struct err *err = load(l);
    if (!err) {
        *docs = ARENA_NEW_ARRAY(a, struct yaml_node *, l->roots);
        *n = l->roots;
        size_t at = 0;
        for (struct yaml_node *root = l->root, *next; root; root = next) {
            next = root->next;
            root->next = NULL;
            (*docs)[at++] = root;
        }
    }
    mem_free(l);
    return err;
}

struct err *yaml_parse(struct arena *a, struct str file, struct str text, struct yaml_node **out)
{
    struct yaml_node **docs;
    size_t n;
    struct err *err = yaml_parse_all(a, file, text, &docs, &n);
    if (err)
        return err;
    if (n > 1)
        return err_at(err_new(ERR_INVALID, "one document is expected, here a second begins"), file,
                      docs[1]->line, docs[1]->column);
    if (n == 0) {
        *out = ARENA_NEW(a, struct yaml_node);
        (*out)->text = str_empty;
        (*out)->line = (*out)->column = 1;
        return NULL;
    }
    *out = docs[0];
    return NULL;
}

struct err *yaml_load_first(struct arena *a, struct str text, const struct yaml_schema *schema,
                            struct yaml_node **out)
{
    struct loader *l = MEM_NEW(struct loader);
    l->arena = a;
    l->file = str_empty;
    l->text = text.p ? text : str_empty;
    l->schema = schema;
    struct err *err = load(l);
    if (!err)
        *out = l->root;
    mem_free(l);
    return err;
}
