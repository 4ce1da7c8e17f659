/* The back ends of paddock-sim validate and list. */
#include "sim/scenario/language/language.h"
#include "sim/scenario/language/scenario.h"
#include "sim/scenario/language/stages.h"

/* ---- validate ---- */

static void plan_every_case(const struct scenario *s, struct diags *diags)
{
    struct arena plans = {0};
    for (size_t c = 0; c < s->cases_n; c++) {
        for (size_t i = 0; i < s->profiles.n; i++) {
            struct plan_request request = {
                .which = &s->cases[c], .profile = s->profiles.v[i], .seed = s->seeds.first};
            (void)scenario_plan(&plans, s, &request, diags);
            arena_reset(&plans);
        }
    }
    arena_free(&plans);
}

void scenario_diagnose(struct arena *a, struct str file, struct str bytes,
                       const struct scenario_files *files, struct diags *diags)
{
    struct stages_texts compiled;
    if (stages_are_those(bytes)) {
        (void)stages_load(a, file, bytes, diags, &compiled);
        return;
    }
    struct scenario *s = scenario_load_with(a, file, bytes, files, diags);
    /* the sections are checked as well when the head has errors: all of them in one pass */
    if (s && !s->torn)
        plan_every_case(s, diags);
    diags_sort(diags);
}

size_t scenario_validate(struct str file, struct str bytes, const struct scenario_files *files,
                         struct buf *out)
{
    struct arena arena = {0};
    struct diags diags;
    scenario_diagnose(&arena, file, bytes, files, &diags);
    diags_print(&diags, out);
    size_t n = diags.n + diags.dropped;
    arena_free(&arena);
    return n;
}

/* ---- list ---- */

static void list_param(const struct param *p, struct buf *out)
{
    buf_addf(out, "    " STR_FMT " (%s) = ", STR_ARG(p->name), param_type_name(p->type));
    expr_value_print(&p->otherwise, out);
    if (p->doc.n)
        buf_addf(out, "  " STR_FMT, STR_ARG(p->doc));
    buf_add_char(out, '\n');
}

static void list_words(const char *what, const struct strs *words, struct buf *out)
{
    if (words->n == 0)
        return;
    buf_addf(out, "    %s:", what);
    for (size_t i = 0; i < words->n; i++)
        buf_addf(out, "%s " STR_FMT, i ? "," : "", STR_ARG(words->v[i]));
    buf_add_char(out, '\n');
}

void scenario_list(const struct scenario *s, struct buf *out)
{
    buf_addf(out, STR_FMT "  " STR_FMT "\n", STR_ARG(s->name), STR_ARG(s->doc));
    buf_addf(out, "    file: " STR_FMT "\n", STR_ARG(s->source.file));
    list_words("tags", &s->tags, out);
    list_words("profiles", &s->profiles, out);
    for (size_t i = 0; i < s->axes_n; i++) {
        buf_addf(out, "    matrix " STR_FMT ":", STR_ARG(s->axes[i].name));
        for (size_t j = 0; j < s->axes[i].n; j++)
            buf_addf(out, "%s " STR_FMT, j ? "," : "", STR_ARG(s->axes[i].entries[j].id));
        buf_add_char(out, '\n');
    }
    for (size_t i = 0; i < s->params_n; i++)
        list_param(&s->params[i], out);
}
