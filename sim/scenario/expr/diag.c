#include "sim/scenario/expr/diag.h"

#include "engine/base/suggest.h"

#include <string.h>

#define SUGGEST_LISTED 12u

void diags_init(struct diags *d, struct arena *arena, const struct source *source)
{
    *d = (struct diags){.arena = arena, .source = source};
}

static const struct source *source_of(const struct diags *d, const struct place *at)
{
    return at->source ? at->source : d->source;
}

/* A template that is used twice says the same twice: once will do. */
static bool is_known(const struct diags *d, const struct diag *item)
{
    struct str file = source_of(d, &item->place)->file;
    for (size_t i = 0; i < d->n; i++) {
        const struct place *at = &d->items[i].place;
        if (at->line == item->place.line && at->column == item->place.column &&
            str_eq(d->items[i].text, item->text) && str_eq(source_of(d, at)->file, file))
            return true;
    }
    return false;
}

static void append(struct diags *d, struct diag item)
{
    if (is_known(d, &item))
        return;
    if (d->n == DIAG_ITEMS_MAX) {
        d->dropped++;
        return;
    }
    if (d->n == d->cap) {
        size_t cap = d->cap ? d->cap * 2 : 16;
        struct diag *items = ARENA_NEW_ARRAY(d->arena, struct diag, cap);
        if (d->n)
            memcpy(items, d->items, d->n * sizeof(*items));
        d->items = items;
        d->cap = cap;
    }
    item.place.path = arena_str(d->arena, item.place.path); /* its own may be a plan's */
    d->items[d->n++] = item;
}

void diag_add(struct diags *d, struct place at, const char *fmt, ...)
{
    BUG_ON(!d->arena, "errors are kept in an arena");
    struct buf text = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_addv(&text, fmt, ap);
    va_end(ap);
    append(d, (struct diag){at, arena_str(d->arena, buf_str(&text))});
    buf_free(&text);
}

static bool is_behind(const struct diag *a, const struct diag *b)
{
    uint32_t x = a->place.source ? a->place.source->rank : 0;
    uint32_t y = b->place.source ? b->place.source->rank : 0;
    if (x != y)
        return x > y;
    if (a->place.line != b->place.line)
        return a->place.line > b->place.line;
    return a->place.column > b->place.column;
}

void diags_sort(struct diags *d)
{
    for (size_t i = 1; i < d->n; i++) { /* insertion: stable, and there are few */
        struct diag item = d->items[i];
        size_t at = i;
        for (; at > 0 && is_behind(&d->items[at - 1], &item); at--)
            d->items[at] = d->items[at - 1];
        d->items[at] = item;
    }
}

static void print_spot(const struct diags *d, const struct place *at, struct buf *out)
{
    buf_add(out, source_of(d, at)->file);
    if (at->line)
        buf_addf(out, ":%u:%u", (unsigned)at->line, (unsigned)at->column);
}

/* The chain of templates; its length is bounded by whoever draws them in. */
static void print_uses(const struct diags *d, const struct source *source, struct buf *out)
{
    for (; source->used; source = source_of(d, source->used)) {
        buf_add_c(out, " (used at ");
        print_spot(d, source->used, out);
        buf_add_char(out, ')');
    }
}

void place_print(const struct diags *d, const struct place *at, struct buf *out)
{
    print_spot(d, at, out);
    print_uses(d, source_of(d, at), out);
}

struct str place_first(const struct diags *d, const struct place *first, const struct place *second)
{
    struct buf text = {0};
    if (first->source == second->source) {
        buf_addf(&text, "first in line %u", (unsigned)first->line);
    } else {
        buf_add_c(&text, "first at ");
        place_print(d, first, &text);
    }
    struct str said = arena_str(d->arena, buf_str(&text));
    buf_free(&text);
    return said;
}

void diags_print(const struct diags *d, struct buf *out)
{
    for (size_t i = 0; i < d->n; i++) {
        const struct diag *item = &d->items[i];
        const struct source *source = source_of(d, &item->place);
        print_spot(d, &item->place, out);
        buf_add(out, STR(": error: "));
        if (item->place.path.n)
            buf_addf(out, STR_FMT ": ", STR_ARG(item->place.path));
        buf_add(out, item->text);
        print_uses(d, source, out);
        buf_add_char(out, '\n');
    }
    if (d->dropped)
        buf_addf(out, STR_FMT ": error: %zu further errors are not shown\n",
                 STR_ARG(d->source->file), d->dropped);
}

/* ---- places inside scalars ---- */

static size_t line_start(struct str text, uint32_t line)
{
    size_t at = 0;
    for (uint32_t n = 1; n < line; n++) {
        ptrdiff_t end = str_find_char(str_sub(text, at, text.n), '\n');
        if (end < 0)
            return text.n;
        at += (size_t)end + 1;
    }
    return at;
}

static size_t code_point_bytes(struct str text, size_t at)
{
    size_t n = 1;
    while (at + n < text.n && ((unsigned char)text.p[at + n] & 0xc0) == 0x80)
        n++;
    return n;
}

/* A cursor over the source that counts lines and code points. */
struct walk {
    struct str text;
    size_t at;
    uint32_t line, column;
};

static struct walk walk_to(const struct source *source, uint32_t line, uint32_t column)
{
    struct walk w = {source->text, line_start(source->text, line), line, 1};
    while (w.column < column && w.at < w.text.n && w.text.p[w.at] != '\n') {
        w.at += code_point_bytes(w.text, w.at);
        w.column++;
    }
    return w;
}

static bool walk_ended(const struct walk *w)
{
    return w->at >= w->text.n;
}

static char walk_peek(const struct walk *w)
{
    return walk_ended(w) ? '\0' : w->text.p[w->at];
}

static size_t walk_step(struct walk *w)
{
    if (walk_ended(w))
        return 0;
    size_t n = code_point_bytes(w->text, w->at);
    if (w->text.p[w->at] == '\n') {
        w->line++;
        w->column = 1;
    } else {
        w->column++;
    }
    w->at += n;
    return n;
}

/* A line break inside a flow scalar, with the blanks after it, stands for one byte. */
static void walk_fold(struct walk *w)
{
    while (!walk_ended(w) && (walk_peek(w) == '\n' || walk_peek(w) == ' ' || walk_peek(w) == '\t'))
        walk_step(w);
}

/* One element of a scalar in the given quotes (0: plain); how many bytes of content it made. */
static size_t walk_content(struct walk *w, char quote)
{
    static const char hex_escapes[] = "xuU", hex_lengths[] = {2, 4, 8};
    char c = walk_peek(w);
    if (c == '\n') {
        walk_fold(w);
        return 1;
    }
    if (quote == '\'' && c == '\'') {
        walk_step(w);
        walk_step(w);
        return 1;
    }
    if (quote == '"' && c == '\\') {
        walk_step(w);
        const char *wide = strchr(hex_escapes, walk_peek(w)); /* at the end: its terminator */
        int digits = wide && *wide ? hex_lengths[wide - hex_escapes] : 0;
        for (int i = 0; i <= digits; i++)
            walk_step(w);
        return 1; /* escapes beyond ASCII do not occur in expressions */
    }
    return walk_step(w);
}

/* Into a block scalar: behind its header line, then at the first line's indentation. */
static size_t block_enter(struct walk *w)
{
    while (!walk_ended(w) && walk_peek(w) != '\n')
        walk_step(w);
    walk_step(w);
    while (walk_peek(w) == ' ')
        walk_step(w);
    return w->column;
}

static struct place inside_block(struct walk w, struct place scalar, size_t offset)
{
    size_t indent = block_enter(&w);
    while (offset > 0 && !walk_ended(&w)) {
        bool ends = walk_peek(&w) == '\n';
        size_t n = walk_step(&w);
        offset -= n < offset ? n : offset;
        while (ends && w.column < indent && walk_peek(&w) == ' ')
            walk_step(&w);
    }
    return (struct place){scalar.path, w.line, w.column, scalar.source};
}

struct place place_inside(const struct diags *d, struct place scalar, size_t offset)
{
    if (scalar.line == 0)
        return scalar;
    struct walk w = walk_to(source_of(d, &scalar), scalar.line, scalar.column);
    char first = walk_peek(&w);
    if (first == '\0' || first == '\n')
        return scalar;
    if (first == '|' || first == '>')
        return inside_block(w, scalar, offset);
    char quote = first == '"' || first == '\'' ? first : '\0';
    if (quote)
        walk_step(&w);
    while (offset > 0 && !walk_ended(&w)) {
        size_t n = walk_content(&w, quote);
        offset -= n < offset ? n : offset;
    }
    return (struct place){scalar.path, w.line, w.column, scalar.source};
}

/* ---- suggestions ---- */

struct str diag_suggest(struct str word, const struct str *candidates, size_t n)
{
    return suggest_word(word, candidates, n);
}

struct str diag_suggest_tail(struct arena *a, struct str word, const struct str *candidates,
                             size_t n)
{
    struct str near = diag_suggest(word, candidates, n);
    if (near.n)
        return arena_printf(a, "; did you mean \"" STR_FMT "\"?", STR_ARG(near));
    if (n == 0)
        return str_empty;
    struct buf text = {0};
    buf_add_c(&text, n == 1 ? "; known is " : "; known are ");
    for (size_t i = 0; i < n && i < SUGGEST_LISTED; i++)
        buf_addf(&text, "%s" STR_FMT, i ? ", " : "", STR_ARG(candidates[i]));
    if (n > SUGGEST_LISTED)
        buf_addf(&text, " and %zu more", n - SUGGEST_LISTED);
    struct str tail = arena_str(a, buf_str(&text));
    buf_free(&text);
    return tail;
}
