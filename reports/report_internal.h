/* report_internal: what the writers of reports share: text that fits its format, JSON without a tree.
 *
 * Reports are large (10,000 events a run) and are written once: JSON goes straight into the buffer. */
#ifndef PADDOCK_REPORTS_REPORT_INTERNAL_H
#define PADDOCK_REPORTS_REPORT_INTERNAL_H

#include "engine/base/timefmt.h"
#include "reports/report.h"

/* The next code point of s from *at on (UTF-8, RFC 3629); *at moves behind it. Bad bytes give U+FFFD, one each.
 * *at < s.n. */
uint32_t report_code_point(struct str s, size_t *at);
size_t report_columns(struct str s); /* code points */

/* For one line of a terminal: control characters become blanks, so that no text moves the cursor or starts a line. */
void report_add_line_text(struct buf *out, struct str s);
void report_add_grouped(struct buf *out, uint64_t v); /* 1,234,567 */
/* A value of a measure for people: durations by their unit (s, ms, us, ns), else the number and the unit. */
void report_add_measure(struct buf *out, int64_t value, int64_t scale, struct str unit);
/* The names that a histogram shows: its own, or the usual ones. */
const struct str *report_hist_show(const struct report_hist *h, size_t *n);
/* "a=1,b=x,y": the next pair; a piece without "=" belongs to the value before it. False: no more. */
bool report_next_pair(struct str *rest, struct str *name, struct str *value);
/* A line for all the runs that failed like `first`, and the command of that one. */
void report_pretty_cause(const struct report_run *first, size_t runs,
                         const struct report_style *style, struct buf *out);
/* What was not judged, and the last line "N passed, M failed". */
void report_pretty_counts(const struct report *r, struct buf *out);
const struct report_assert *report_assert_named(const struct report_run *run, struct str name);

/* ---- JSON ---- */

struct report_js {
    struct buf *out;
    bool first; /* nothing yet in the innermost object or array */
};
void report_js_open(struct report_js *j, char bracket); /* '{' or '[', as the next value */
void report_js_close(struct report_js *j, char bracket);
void report_js_key(struct report_js *j, const char *key);
void report_js_item(struct report_js *j); /* before each value of an array */
void report_js_str(struct report_js *j, const char *key, struct str v);
void report_js_u64(struct report_js *j, const char *key, uint64_t v);
/* Seconds as an exact decimal; null when ns is negative. */
void report_js_seconds(struct report_js *j, const char *key, int64_t ns);
/* "a=1,b=2" as {"a":"1","b":"2"} */
void report_js_pairs(struct report_js *j, const char *key, struct str pairs);

/* What the page has beside the JSON: lanes, spans, points, values, and the first events. */
struct report_js_page {
    size_t events_max;
};
/* The key "summary": groups of runs and what they have in common. */
void report_js_summary(struct report_js *j, const struct report *r, bool page);
/* One run as report_json writes it; with a page, also what it draws. */
void report_js_run(struct report_js *j, const struct report_run *run,
                   const struct report_js_page *page);

#endif
