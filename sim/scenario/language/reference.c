/* The tables of the language as Markdown: sim/scenario/REFERENCE.md, which a test keeps the same. */
#include "sim/scenario/language/reference.h"
#include "sim/scenario/expr/vocabulary.h"
#include "sim/scenario/language/scenario.h"

static const char *type_text(const struct field *f)
{
    static const char *const texts[FIELD_TYPE_COUNT] = {
        [FIELD_BOOL] = "true, false",  [FIELD_INT] = "integer",
        [FIELD_DURATION] = "duration", [FIELD_INSTANT] = "instant",
        [FIELD_SHARE] = "share",       [FIELD_SIZE] = "size",
        [FIELD_EVENTS] = "events",     [FIELD_STRING] = "string",
        [FIELD_STRINGS] = "strings",   [FIELD_EXPR] = "expression",
        [FIELD_TARGET] = "target",     [FIELD_FAULT] = "fault",
        [FIELD_MOMENT] = "moment",     [FIELD_SPAN] = "duration or range: 5s..40s",
    };
    return texts[f->type];
}

void reference_type(const struct field *f, bool linked, struct buf *out)
{
    if (f->type == FIELD_ENUM) {
        struct str word, rest = str_c(f->values);
        for (bool more = true; more;) {
            more = str_cut(rest, '|', &word, &rest);
            buf_addf(out, STR_FMT "%s", STR_ARG(word), more ? ", " : "");
        }
        return;
    }
    const char *list = f->type == FIELD_OBJECTS || f->flags & FIELD_LIST_OF ? "list of "
                       : f->type == FIELD_NAMED || f->flags & FIELD_MAP_OF  ? "map of "
                                                                            : "";
    if (f->shape)
        buf_addf(out, linked ? "%s[%s](#%s)" : "%s%s", list, f->shape->name, f->shape->name);
    else
        buf_add_c(out, f->type == FIELD_NODE ? "any" : type_text(f));
}

static void write_fields(const struct field *fields, size_t n, struct buf *out)
{
    buf_add_c(out, "| field | type | left out | |\n|---|---|---|---|\n");
    for (size_t i = 0; i < n; i++) {
        const struct field *f = &fields[i];
        buf_addf(out, "| `%s` | ", f->name);
        reference_type(f, true, out);
        const char *missing = f->flags & FIELD_REQUIRED ? "error"
                              : f->flags & FIELD_CHOICE ? "one of these"
                              : f->otherwise            ? f->otherwise
                                                        : "";
        buf_addf(out, " | %s | %s |\n", missing, f->doc);
    }
    buf_add_char(out, '\n');
}

static void note_shape(struct reference_walk *w, const struct shape *shape)
{
    for (size_t i = 0; i < w->n; i++)
        if (w->seen[i] == shape)
            return;
    BUG_ON(w->n == ARRAY_LEN(w->seen), "the walk has room for every shape");
    w->seen[w->n++] = shape;
}

void reference_reach(struct reference_walk *w, const struct shape *from)
{
    size_t i = w->n;
    for (note_shape(w, from); i < w->n; i++)
        for (size_t f = 0; f < w->seen[i]->fields_n; f++)
            if (w->seen[i]->fields[f].shape)
                note_shape(w, w->seen[i]->fields[f].shape);
}

static void write_shapes(struct buf *out)
{
    struct reference_walk w = {.n = 0};
    reference_reach(&w, &file_shape);
    reference_reach(&w, &template_shape);
    reference_reach(&w, &stages_shape);
    for (size_t i = 0; i < w.n; i++) {
        const struct shape *shape = w.seen[i];
        buf_addf(out, "## %s\n\n%s.", shape->name, shape->doc);
        if (shape->scalar)
            buf_addf(out, " A bare value stands for `%s`.", shape->scalar);
        buf_add_c(out, "\n\n");
        write_fields(shape->fields, shape->fields_n, out);
    }
}

void reference_targets(uint32_t targets, struct buf *out)
{
    bool first = true;
    for (int kind = TARGET_SITE; kind < TARGET_KIND_COUNT; kind++) {
        if (!(targets >> kind & 1))
            continue;
        buf_addf(out, "%s%s", first ? "" : ", ", target_kind_name((enum target_kind)kind));
        first = false;
    }
}

static void write_faults(struct buf *out)
{
    buf_add_c(out, "## faults\n\n| fault | fields | aimed at | |\n|---|---|---|---|\n");
    for (size_t i = 0; i < fault_table_n; i++) {
        const struct fault_row *row = &fault_table[i];
        buf_addf(out, "| `%s: %s` | ", row->family, row->kind);
        for (size_t f = 0; f < row->fields_n; f++) {
            const struct field *field = &row->fields[f];
            buf_addf(out, "%s`%s`", f ? ", " : "", field->name);
            if (field->flags & FIELD_REQUIRED)
                buf_add_c(out, " (needed)");
        }
        buf_add_c(out, " | ");
        reference_targets(row->targets, out);
        buf_addf(out, " | %s |\n", row->doc);
    }
    buf_add_char(out, '\n');
}

static void write_target_forms(struct buf *out)
{
    const char *form, *doc;
    buf_add_c(out,
              "## targets\n\nA name may be an asterisk: all. Ranges count from 0 and include both "
              "ends.\n\n| target | |\n|---|---|\n");
    for (size_t i = 0; target_form(i, &form, &doc); i++)
        buf_addf(out, "| `%s` | %s |\n", form, doc);
    buf_add_char(out, '\n');
}

static void write_policies(struct buf *out)
{
    buf_add_c(out, "## policies\n\n| policy | compat | hardened | |\n|---|---|---|---|\n");
    const struct policies compat = policies_compat(), hardened = policies_hardened();
    for (int i = 0; i < POLICY_COUNT; i++) {
        buf_addf(out, "| `%s` | ", policy_table[i].name);
        policies_print(&compat, (enum policy)i, out);
        buf_add_c(out, " | ");
        policies_print(&hardened, (enum policy)i, out);
        buf_addf(out, " | %s |\n", policy_table[i].doc);
    }
    buf_add_char(out, '\n');
}

static void write_vocabulary(struct buf *out)
{
    const struct expr_vocabulary *v = &scenario_vocabulary;
    buf_add_c(out, "## names of expressions\n\n");
    for (size_t c = 0; c < v->collections_n; c++) {
        const struct expr_collection *collection = &v->collections[c];
        buf_addf(out, "Collection `%s`: %s.\n\n| field | is | |\n|---|---|---|\n", collection->name,
                 collection->doc);
        for (size_t f = 0; f < collection->fields_n; f++) {
            const struct expr_field *field = &collection->fields[f];
            buf_addf(out, "| `%s` | %s%s | %s |\n", field->name, expr_type_name(field->type),
                     field->flags & EXPR_HISTORY ? ", a record over time" : "", field->doc);
        }
        buf_add_char(out, '\n');
    }
    buf_add_c(out, "| counter or gauge | |\n|---|---|\n");
    for (size_t g = 0; g < v->globals_n; g++)
        buf_addf(out, "| `%s`%s | %s |\n", v->globals[g].name,
                 v->globals[g].flags & EXPR_COUNTER ? "" : " (gauge)", v->globals[g].doc);
}

void scenario_reference(struct buf *out)
{
    buf_add_c(out,
              "# The scenario language: every field, fault and name\n\n"
              "Generated from the tables that the loader reads: "
              "`PADDOCK_GOLDEN_UPDATE=1 build/debug/test_scenario_schema` writes it anew.\n\n");
    write_shapes(out);
    write_faults(out);
    write_target_forms(out);
    write_policies(out);
    buf_addf(out, "## expressions\n\n```\n%s```\n\n", expr_grammar);
    write_vocabulary(out);
}
