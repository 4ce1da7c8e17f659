/* What is kept of one run among a hundred thousand. */
#include "reports/report_internal.h"

/* The same text of another run, or a copy. */
static struct str share(struct arena *a, struct str text, const struct str *of_other)
{
    return of_other && str_eq(text, *of_other) ? *of_other : arena_str(a, text);
}

static void brief_hist(struct arena *a, const struct report_hist *from,
                       const struct report_hist *like, struct report_hist *to)
{
    size_t show_n;
    const struct str *show = report_hist_show(from, &show_n);
    int64_t *shown = ARENA_NEW_ARRAY(a, int64_t, show_n + 1);
    struct str *names = NULL;
    for (size_t i = 0; i < show_n; i++)
        (void)report_hist_value(from, show[i], &shown[i]);
    *to = *from;
    to->name = share(a, from->name, like ? &like->name : NULL);
    to->unit = share(a, from->unit, like ? &like->unit : NULL);
    to->doc = share(a, from->doc, like ? &like->doc : NULL);
    if (like && like->show_n == from->show_n && str_eq(like->name, from->name)) {
        to->show = like->show; /* a measure's names are the file's */
    } else {
        names = ARENA_NEW_ARRAY(a, struct str, from->show_n + 1);
        for (size_t i = 0; i < from->show_n; i++)
            names[i] = arena_str(a, from->show[i]);
        to->show = names;
    }
    to->values = NULL;
    to->shown = shown;
}

static void brief_failures(struct arena *a, const struct report_run *from, struct report_run *to)
{
    struct report_failure *list = ARENA_NEW_ARRAY(a, struct report_failure, from->failures_n + 1);
    for (size_t i = 0; i < from->failures_n; i++) {
        const struct report_failure *f = &from->failures[i];
        list[i] = (struct report_failure){.kind = arena_str(a, f->kind),
                                          .name = arena_str(a, f->name),
                                          .text = arena_str(a, f->text),
                                          .at_ns = f->at_ns,
                                          .place = arena_str(a, f->place),
                                          .expected = arena_str(a, f->expected),
                                          .seen = arena_str(a, f->seen)};
    }
    to->failures = list;
    to->failures_n = from->failures_n;
}

struct report_run *report_brief(struct arena *a, const struct report_run *run,
                                const struct report_run *like)
{
    struct report_run *brief = ARENA_NEW(a, struct report_run);
#define SHARED(field) share(a, run->field, like ? &like->field : NULL)
    *brief = (struct report_run){.name = SHARED(name),
                                 .doc = SHARED(doc),
                                 .file = SHARED(file),
                                 .profile = SHARED(profile),
                                 .case_id = SHARED(case_id),
                                 .params = SHARED(params),
                                 .policies = SHARED(policies),
                                 .swarm = SHARED(swarm),
                                 .world = SHARED(world),
                                 .seed = run->seed,
                                 .over = run->over,
                                 .outcome = run->outcome,
                                 .trace_hash = arena_str(a, run->trace_hash),
                                 .simulated_ns = run->simulated_ns,
                                 .wall_ns = run->wall_ns,
                                 .events = run->events,
                                 .wall_start_unix_ns = run->wall_start_unix_ns,
                                 .replay = arena_str(a, run->replay),
                                 .wishes = run->wishes,
                                 .brief = true};
#undef SHARED
    struct report_hist *hists = ARENA_NEW_ARRAY(a, struct report_hist, run->hists_n + 1);
    for (size_t i = 0; i < run->hists_n; i++)
        brief_hist(a, &run->hists[i], like && i < like->hists_n ? &like->hists[i] : NULL,
                   &hists[i]);
    brief->hists = hists;
    brief->hists_n = run->hists_n;
    brief_failures(a, run, brief);
    return brief;
}
