/* What `paddock-sim help TOPIC` says of the language, from the tables that the loader reads.
 *
 * Topics: the sections of a file (each with all that stands below it), every single entry (palette, dns.set), and
 * expressions, names, each collection, faults and each family of them, actions, targets, policies. */
#include "engine/world/policy.h"
#include "sim/scenario/expr/vocabulary.h"
#include "sim/scenario/language/reference.h"
#include "sim/scenario/language/scenario.h"

#define INDENT 20u
#define WIDTH  96u

/* The name, then the text behind it, broken between words. */
static void write_entry(struct buf *out, const char *name, struct str text)
{
    struct str word, rest = text;
    size_t column = str_c(name).n + 2;
    buf_addf(out, "  " STR_FMT, STR_ARG(str_c(name)));
    if (column >= INDENT) {
        buf_add_char(out, '\n');
        column = 0;
    }
    bool first = true;
    for (bool more = text.n > 0; more; first = false) {
        more = str_cut(rest, ' ', &word, &rest);
        if (!first && column + word.n + 1 > WIDTH) {
            buf_add_char(out, '\n');
            column = 0;
        }
        for (; column < INDENT; column++)
            buf_add_char(out, ' ');
        buf_addf(out, "%s" STR_FMT, column > INDENT ? " " : "", STR_ARG(word));
        column += word.n + (column > INDENT);
    }
    buf_add_char(out, '\n');
}

static void write_doc(struct buf *out, const char *name, const char *doc)
{
    write_entry(out, name, str_c(doc));
}

/* ---- entries of a file ---- */

static void write_field(const struct field *f, struct buf *out)
{
    struct buf text = {0};
    buf_addf(&text, "%s [", f->doc);
    reference_type(f, false, &text);
    if (f->flags & FIELD_REQUIRED)
        buf_add_c(&text, "; needed");
    else if (f->flags & FIELD_CHOICE)
        buf_add_c(&text, "; one of these");
    else if (f->otherwise)
        buf_addf(&text, "; left out: %s", f->otherwise);
    buf_add_char(&text, ']');
    write_entry(out, f->name, buf_str(&text));
    buf_free(&text);
}

static void write_shape(const struct shape *s, struct buf *out)
{
    buf_addf(out, "%s: %s", s->name, s->doc);
    if (s->scalar)
        buf_addf(out, "; a bare value stands for \"%s\"", s->scalar);
    buf_add_char(out, '\n');
    for (size_t i = 0; i < s->fields_n; i++)
        write_field(&s->fields[i], out);
}

static void write_below(const struct shape *from, struct buf *out)
{
    struct reference_walk w = {.n = 0};
    reference_reach(&w, from);
    for (size_t i = 0; i < w.n; i++) {
        buf_add_c(out, i ? "\n" : "");
        write_shape(w.seen[i], out);
    }
}

/* ---- faults, targets, policies ---- */

static void write_fault(const struct fault_row *row, struct buf *out)
{
    struct buf text = {0};
    buf_addf(&text, "%s [at ", row->doc);
    reference_targets(row->targets, &text);
    for (size_t f = 0; f < row->fields_n; f++)
        buf_addf(&text, "%s%s%s", f ? ", " : "; with ", row->fields[f].name,
                 row->fields[f].flags & FIELD_REQUIRED ? " (needed)" : "");
    buf_add_char(&text, ']');
    struct buf name = {0};
    buf_addf(&name, "%s: %s", row->family, row->kind);
    write_entry(out, buf_c(&name), buf_str(&text));
    buf_free(&name);
    buf_free(&text);
}

/* family empty: all. */
static void write_faults(struct str family, struct buf *out)
{
    buf_add_c(out, "faults: what goes wrong, as in fault: {net: loss, share: 5%}\n");
    for (size_t i = 0; i < fault_table_n; i++)
        if (!family.n || str_eq_c(family, fault_table[i].family))
            write_fault(&fault_table[i], out);
    for (size_t i = 0; family.n && i < fault_table_n; i++) {
        const struct fault_row *row = &fault_table[i];
        if (!str_eq_c(family, row->family) || !row->fields_n)
            continue;
        buf_addf(out, "\n%s: %s\n", row->family, row->kind);
        for (size_t f = 0; f < row->fields_n; f++)
            write_field(&row->fields[f], out);
    }
}

static void write_targets(struct buf *out)
{
    const char *form, *doc;
    buf_add_c(out, "targets: what faults and actions are aimed at; a name may be an asterisk, "
                   "ranges count from "
                   "0 and include both ends\n");
    for (size_t i = 0; target_form(i, &form, &doc); i++)
        write_doc(out, form, doc);
}

static void write_policies(struct buf *out)
{
    const struct policies compat = policies_compat(), hardened = policies_hardened();
    buf_add_c(
        out,
        "policies: how the engine behaves, by profile; single ones: policies: {dns.cache: ttl}\n");
    for (int i = 0; i < POLICY_COUNT; i++) {
        struct buf text = {0};
        buf_addf(&text, "%s [compat: ", policy_table[i].doc);
        policies_print(&compat, (enum policy)i, &text);
        buf_add_c(&text, "; hardened: ");
        policies_print(&hardened, (enum policy)i, &text);
        buf_add_char(&text, ']');
        write_entry(out, policy_table[i].name, buf_str(&text));
        buf_free(&text);
    }
}

/* ---- expressions ---- */

static void write_collection(const struct expr_collection *c, struct buf *out)
{
    buf_addf(out, "%s: %s\n", c->name, c->doc);
    for (size_t i = 0; i < c->fields_n; i++) {
        const struct expr_field *f = &c->fields[i];
        struct buf text = {0};
        buf_addf(&text, "%s [%s%s]", f->doc, expr_type_name(f->type),
                 f->flags & EXPR_HISTORY ? ", a record over time" : "");
        write_entry(out, f->name, buf_str(&text));
        buf_free(&text);
    }
}

static void write_names(struct buf *out)
{
    const struct expr_vocabulary *v = &scenario_vocabulary;
    buf_add_c(
        out,
        "collections, each a topic of its own: count(agent where connected), site.a.died_at\n");
    for (size_t i = 0; i < v->collections_n; i++)
        write_doc(out, v->collections[i].name, v->collections[i].doc);
    buf_add_c(out, "\ncounters, which rate(...) takes, and gauges\n");
    for (size_t i = 0; i < v->globals_n; i++) {
        struct buf text = {0};
        buf_addf(&text, "%s%s", v->globals[i].doc,
                 v->globals[i].flags & EXPR_COUNTER ? "" : " [gauge]");
        write_entry(out, v->globals[i].name, buf_str(&text));
        buf_free(&text);
    }
}

static void write_expressions(struct buf *out)
{
    buf_addf(out, "expressions: conditions and numbers of a run\n\n%s\n", expr_grammar);
    write_names(out);
}

/* ---- topics ---- */

static const struct topic {
    const char *name, *doc;
    void (*write)(struct buf *out);
} topics[] = {
    {"expressions", "the grammar, and what can be named", write_expressions},
    {"names", "what expressions can name", write_names},
    {"targets", "what faults and actions can be aimed at", write_targets},
    {"policies", "how the engine behaves, by profile", write_policies},
};

static bool write_section(struct str name, struct buf *out)
{
    const struct shape *const files[] = {&file_shape, &template_shape};
    for (size_t s = 0; s < ARRAY_LEN(files); s++)
        for (size_t i = 0; i < files[s]->fields_n; i++) {
            const struct field *f = &files[s]->fields[i];
            if (!str_eq_c(name, f->name) || (!f->shape && s == 0 && f->type != FIELD_NODE))
                continue;
            if (f->shape)
                write_below(f->shape, out);
            else
                write_field(f, out);
            return true;
        }
    return false;
}

static void all_shapes(struct reference_walk *w)
{
    reference_reach(w, &file_shape);
    reference_reach(w, &template_shape);
    reference_reach(w, &stages_shape);
}

static bool write_single(struct str name, struct buf *out)
{
    const struct expr_vocabulary *v = &scenario_vocabulary;
    struct reference_walk w = {.n = 0};
    all_shapes(&w);
    for (size_t i = 0; i < v->collections_n; i++)
        if (str_eq_c(name, v->collections[i].name)) {
            write_collection(&v->collections[i], out);
            return true;
        }
    for (size_t i = 0; i < fault_table_n; i++)
        if (str_eq_c(name, fault_table[i].family)) {
            write_faults(name, out);
            return true;
        }
    for (size_t i = 0; i < w.n; i++)
        if (str_eq_c(name, w.seen[i]->name)) {
            write_shape(w.seen[i], out);
            return true;
        }
    return false;
}

bool scenario_topic(struct str name, struct buf *out)
{
    for (size_t i = 0; i < ARRAY_LEN(topics); i++)
        if (str_eq_c(name, topics[i].name)) {
            topics[i].write(out);
            return true;
        }
    if (str_eq_c(name, "faults")) { /* the section's entries, then the kinds */
        write_below(&fault_shape, out);
        buf_add_char(out, '\n');
        write_faults(str_empty, out);
        return true;
    }
    if (str_eq_c(name, "actions"))
        name = STR("action");
    return write_section(name, out) || write_single(name, out);
}

struct names {
    struct arena *arena;
    struct str *v;
    size_t n, max;
};

static void add_name(struct names *l, const char *name)
{
    for (size_t i = 0; i < l->n; i++)
        if (str_eq_c(l->v[i], name))
            return;
    BUG_ON(l->n == l->max, "every topic has room");
    l->v[l->n++] = str_c(name);
}

const struct str *scenario_topics(struct arena *a, size_t *n)
{
    const struct expr_vocabulary *v = &scenario_vocabulary;
    struct reference_walk w = {.n = 0};
    all_shapes(&w);
    struct names l = {.arena = a,
                      .max = ARRAY_LEN(topics) + 2 + file_shape.fields_n + v->collections_n +
                             fault_table_n + w.n};
    l.v = ARENA_NEW_ARRAY(a, struct str, l.max);
    for (size_t i = 0; i < ARRAY_LEN(topics); i++)
        add_name(&l, topics[i].name);
    add_name(&l, "faults");
    add_name(&l, "actions");
    for (size_t i = 0; i < file_shape.fields_n; i++)
        if (file_shape.fields[i].shape || file_shape.fields[i].type == FIELD_NODE)
            add_name(&l, file_shape.fields[i].name);
    for (size_t i = 0; i < v->collections_n; i++)
        add_name(&l, v->collections[i].name);
    for (size_t i = 0; i < fault_table_n; i++)
        add_name(&l, fault_table[i].family);
    for (size_t i = 0; i < w.n; i++)
        add_name(&l, w.seen[i]->name);
    *n = l.n;
    return l.v;
}
