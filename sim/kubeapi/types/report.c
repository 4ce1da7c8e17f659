/* The report of a validation: violations, and the paths they are told with. */
#include "sim/kubeapi/types/rules.h"

static void add_path(const struct type_path *path, struct buf *out, unsigned depth)
{
    if (!path || depth > JSON_TREE_DEPTH_MAX)
        return;
    add_path(path->up, out, depth + 1);
    if (!path->name.p)
        buf_addf(out, "[%zu]", path->index);
    else
        buf_addf(out, "%s" STR_FMT, out->n > 0 ? "." : "", STR_ARG(path->name));
}

struct str type_path_text(const struct type_path *path, struct arena *a)
{
    struct buf b = {0};
    add_path(path, &b, 0);
    struct str text = arena_str(a, buf_str(&b));
    buf_free(&b);
    return text;
}

void type_report_add(struct type_report *report, unsigned rank, const char *reason,
                     struct str field, const char *fmt, ...)
{
    struct buf b = {0};
    va_list ap;
    if (report->n == TYPE_VIOLATIONS_MAX)
        return;
    va_start(ap, fmt);
    buf_addv(&b, fmt, ap);
    va_end(ap);
    report->list[report->n++] =
        (struct type_violation){reason, field, arena_str(report->a, buf_str(&b)), rank, false};
    buf_free(&b);
}

void type_report_sort(struct type_report *report)
{
    for (size_t i = 1; i < report->n; i++) {
        struct type_violation v = report->list[i];
        size_t at = i;
        for (; at > 0 && report->list[at - 1].rank > v.rank; at--)
            report->list[at] = report->list[at - 1];
        report->list[at] = v;
    }
}
