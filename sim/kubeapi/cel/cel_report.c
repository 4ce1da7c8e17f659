/* Problems of an expression, told as "ERROR: <input>:LINE:COLUMN: message" with the line and a caret under it. */
#include "sim/kubeapi/cel/cel_internal.h"

void cel_problem(struct cel_report *r, size_t at, const char *fmt, ...)
{
    struct buf b = {.max = 4096};
    va_list ap;
    if (r->n == CEL_PROBLEMS_MAX)
        return;
    va_start(ap, fmt);
    buf_addv(&b, fmt, ap);
    va_end(ap);
    r->list[r->n].at = at;
    r->list[r->n++].message = arena_str(r->a, buf_str(&b));
    buf_free(&b);
}

/* The line that holds offset `at`: its text, number and the offset of its start. */
static struct str line_of(struct str text, size_t at, size_t *number, size_t *start)
{
    *number = 1;
    *start = 0;
    for (size_t i = 0; i < at && i < text.n; i++)
        if (text.p[i] == '\n') {
            ++*number;
            *start = i + 1;
        }
    struct str line, tail;
    (void)str_cut(str_sub(text, *start, text.n), '\n', &line, &tail);
    return line;
}

static void print_one(const struct cel_report *r, size_t i, struct buf *out)
{
    size_t number, start, at = r->list[i].at < r->text.n ? r->list[i].at : r->text.n;
    struct str line = line_of(r->text, at, &number, &start);
    struct str before = str_sub(r->text, start, at - start);
    size_t column = cel_code_points(before);
    buf_addf(out, "ERROR: <input>:%zu:%zu: " STR_FMT "\n | " STR_FMT "\n | ", number, column + 1,
             STR_ARG(r->list[i].message), STR_ARG(line));
    for (size_t k = 0; k < before.n; k++) {
        unsigned char c = (unsigned char)before.p[k];
        if ((c & 0xc0) != 0x80)
            buf_add_c(out, c < 0x80 ? "." : "\uff0e"); /* as wide as what stands above */
    }
    unsigned char under = at < r->text.n ? (unsigned char)r->text.p[at] : 0;
    buf_add_c(out, under < 0x80 ? "^" : "\uff3e");
}

struct err *cel_report_end(const struct cel_report *r)
{
    struct buf b = {0};
    size_t order[CEL_PROBLEMS_MAX]; /* that of the text */
    if (r->n == 0)
        return NULL;
    for (size_t i = 0; i < r->n; i++) {
        size_t at = i;
        for (; at > 0 && r->list[order[at - 1]].at > r->list[i].at; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    for (size_t i = 0; i < r->n; i++) {
        buf_add_c(&b, i > 0 ? "\n" : "");
        print_one(r, order[i], &b);
    }
    struct err *err = err_new(ERR_INVALID, "%s", buf_c(&b));
    buf_free(&b);
    return err;
}
