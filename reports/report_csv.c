/* The measures as comma-separated values (RFC 4180), for spreadsheets. */
#include "reports/report_internal.h"

static void cell(struct buf *out, struct str s, char end)
{
    bool plain = true;
    for (size_t i = 0; i < s.n; i++)
        plain = plain && s.p[i] != '"' && s.p[i] != ',' && s.p[i] != '\n' && s.p[i] != '\r';
    if (plain) {
        buf_add(out, s);
    } else {
        buf_add_char(out, '"');
        for (size_t i = 0; i < s.n; i++) {
            if (s.p[i] == '"')
                buf_add_char(out, '"');
            buf_add_char(out, s.p[i]);
        }
        buf_add_char(out, '"');
    }
    buf_add_char(out, end);
}

static void head_cells(struct buf *out, const struct report_run *run)
{
    cell(out, run->file, ',');
    cell(out, run->name, ',');
    cell(out, run->profile, ',');
    cell(out, run->case_id, ',');
    cell(out, run->params, ',');
    buf_addf(out, "%llu,%s,", (unsigned long long)run->seed, report_outcome_name(run->outcome));
}

static void measure_rows(struct buf *out, const struct report_run *run, const struct report_hist *h)
{
    size_t n;
    const struct str *show = report_hist_show(h, &n);
    for (size_t i = 0; i < n; i++) {
        int64_t value;
        if (!report_hist_value(h, show[i], &value))
            continue;
        head_cells(out, run);
        cell(out, h->name, ',');
        cell(out, h->unit, ',');
        buf_addf(out, "%zu,", h->n);
        cell(out, show[i], ',');
        report_decimal(out, value, h->scale);
        buf_add_c(out, "\r\n");
    }
}

void report_csv(const struct report *r, struct buf *out)
{
    buf_add_c(out, "file,scenario,profile,case,params,seed,result,measure,unit,count,statistic,"
                   "value\r\n");
    for (size_t i = 0; i < r->n; i++)
        for (size_t h = 0; h < r->runs[i]->hists_n; h++)
            measure_rows(out, r->runs[i], &r->runs[i]->hists[h]);
}
