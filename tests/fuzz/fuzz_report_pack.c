/* Goal: a result that another process hands over, cut or malformed, is refused or is a report: packed again it is the
 * same, and every writer writes it. The tally behind it likewise. */
#include "engine/base/json.h"
#include "reports/report_pack.h"
#include "sim/scenario/run/sometimes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_round(struct arena *a, const struct report_run *run)
{
    struct buf once = {0}, again = {0};
    struct report_run *back;
    report_pack(run, &once);
    struct str rest = buf_str(&once);
    struct err *err = report_unpack(a, &rest, &back);
    BUG_ON(err || rest.n, "what was packed can be read");
    report_pack(back, &again);
    BUG_ON(!str_eq(buf_str(&once), buf_str(&again)), "and is the same");
    buf_free(&once);
    buf_free(&again);
}

static void check_writers(struct arena *a, const struct report_run *run)
{
    const struct report_run *runs[] = {run};
    const struct report r = {.runs = runs, .n = 1, .command = STR("x")};
    struct buf out = {0};
    cJSON *tree = NULL;
    report_json(&r, &out);
    /* that names of metrics differ is their maker's to see to */
    struct err *err = json_parse_lenient(a, buf_str(&out), &tree, NULL);
    BUG_ON(err, "a report in JSON is JSON");
    buf_clear(&out);
    report_junit(&r, &out);
    report_html(&r, &out);
    BUG_ON(out.n == 0, "a report is written");
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a = {0};
    struct str in = {(const char *)data, size};
    struct report_run *run = NULL;
    struct sometimes_tally tally = {.arena = &a};
    struct err *err = report_unpack(&a, &in, &run);
    if (!err) {
        check_round(&a, run);
        check_writers(&a, run);
        err = sometimes_unpack(&tally, in);
    }
    err_free(err);
    arena_free(&a);
    return 0;
}
