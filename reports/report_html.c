/* The page: a template with the assets and the data put in. */
#include "reports/report_internal.h"
#include "reports/report_summary.h"

#include "reports/assets.h"

#define ASSET(name)     ((struct str){(const char *)asset_##name, asset_##name##_size})

#define PAGE_EVENTS_MAX 200000u /* over all runs: about 20 MB, which browsers still open at once */

/* How many events of each run the page holds: runs that failed come first. */
static void share_events(const struct report *r, struct report_js_page *pages)
{
    size_t left = PAGE_EVENTS_MAX;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < r->n; i++) {
            if ((r->runs[i]->outcome == REPORT_PASSED) != (pass == 1))
                continue;
            size_t want = r->runs[i]->timeline_n;
            pages[i].events_max = want < left ? want : left;
            left -= pages[i].events_max;
        }
}

/* JSON inside a script element: "<" occurs only in strings, where \u003c says the same, and neither </script nor <!-- is
 * left for the HTML parser to see. */
static void add_json(struct buf *out, struct str json)
{
    struct str rest = json, head;
    while (str_cut(rest, '<', &head, &rest)) {
        buf_add(out, head);
        buf_add_c(out, "\\u003c");
    }
    buf_add(out, head);
}

static void begin_data(struct report_js *j, const struct report *r)
{
    report_js_open(j, '{');
    report_js_str(j, "version", STR(PADDOCK_VERSION));
    report_js_str(j, "command", r->command);
}

static void add_runs(struct buf *out, const struct report *r)
{
    struct buf json = {0};
    struct report_js j = {.out = &json, .first = true};
    begin_data(&j, r);
    report_js_key(&j, "runs");
    report_js_open(&j, '[');
    struct report_js_page *pages = MEM_NEW_ARRAY(struct report_js_page, r->n + 1);
    share_events(r, pages);
    for (size_t i = 0; i < r->n; i++) {
        report_js_item(&j);
        buf_add_char(&json, '\n');
        report_js_run(&j, r->runs[i], &pages[i]);
    }
    mem_free(pages);
    report_js_close(&j, ']');
    report_js_close(&j, '}');
    add_json(out, buf_str(&json));
    buf_free(&json);
}

static void add_summary(struct buf *out, const struct report *r)
{
    struct buf json = {0};
    struct report_js j = {.out = &json, .first = true};
    begin_data(&j, r);
    report_js_summary(&j, r, true);
    report_js_close(&j, '}');
    add_json(out, buf_str(&json));
    buf_free(&json);
}

/* Text of an element. */
static void add_text(struct buf *out, struct str s)
{
    for (size_t at = 0; at < s.n;) {
        size_t from = at;
        uint32_t c = report_code_point(s, &at);
        if (c == '<' || c == '>' || c == '&' || c < 0x20 || c == 0xfffd)
            buf_addf(out, "&#%u;", c < 0x20 ? 0x20 : c);
        else
            buf_add(out, str_sub(s, from, at - from));
    }
}

static void add_title(struct buf *out, const struct report *r)
{
    size_t passed, failed;
    report_count(r, &passed, &failed);
    if (r->n > 0) {
        add_text(out, r->runs[0]->name);
        buf_add_c(out, ": ");
    }
    buf_addf(out, "%zu passed, %zu failed", passed, failed);
}

static void add_style(struct buf *out, const struct report *r)
{
    buf_add(out, ASSET(style_css));
}

/* Without the library's mark of a file that is not here. */
static void add_chart(struct buf *out, const struct report *r)
{
    struct str library = ASSET(chart_js);
    ptrdiff_t mark = str_find(library, STR("//# sourceMappingURL="));
    buf_add(out, mark < 0 ? library : str_sub(library, 0, (size_t)mark));
}

/* In the order in which they need each other. */
static void add_script(struct buf *out, const struct report *r)
{
    const struct str parts[] = {ASSET(util_js), ASSET(timeline_js), ASSET(charts_js),
                                ASSET(tables_js), ASSET(page_js)};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        buf_add(out, parts[i]);
}

static void add_summary_script(struct buf *out, const struct report *r)
{
    buf_add(out, ASSET(util_js));
    buf_add(out, ASSET(summary_js));
}

static void add_nothing(struct buf *out, const struct report *r) {}

struct hole {
    struct str mark;
    void (*add)(struct buf *out, const struct report *r);
};

static void fill(struct buf *out, const struct report *r, const struct hole *holes, size_t n)
{
    struct str rest = ASSET(page_html), head, mark;
    size_t filled = 0;
    while (str_cut(rest, '@', &head, &rest)) { /* the template has "@" for nothing else */
        bool closed = str_cut(rest, '@', &mark, &rest);
        BUG_ON(!closed, "the marks of page.html are @...@");
        buf_add(out, head);
        for (size_t i = 0; i < n; i++) {
            if (!str_eq(mark, holes[i].mark))
                continue;
            holes[i].add(out, r);
            filled++;
        }
    }
    buf_add(out, head);
    BUG_ON(filled != n, "page.html has each mark once");
}

void report_html(const struct report *r, struct buf *out)
{
    static const struct hole holes[] = {{STR_INIT("title"), add_title},
                                        {STR_INIT("style"), add_style},
                                        {STR_INIT("data"), add_runs},
                                        {STR_INIT("chart"), add_chart},
                                        {STR_INIT("script"), add_script}};
    fill(out, r, holes, ARRAY_LEN(holes));
}

void report_html_summary(const struct report *r, struct buf *out)
{
    static const struct hole holes[] = {{STR_INIT("title"), add_title},
                                        {STR_INIT("style"), add_style},
                                        {STR_INIT("data"), add_summary},
                                        {STR_INIT("chart"), add_nothing},
                                        {STR_INIT("script"), add_summary_script}};
    fill(out, r, holes, ARRAY_LEN(holes));
}
