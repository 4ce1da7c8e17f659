#include "sim/scenario/suite/overall.h"

static const struct str unseen = STR_INIT("sometimes: it held in none of the ");
static const struct str unfired = STR_INIT("chaos injected it in ");

void overall_init(struct overall *o, struct arena *a)
{
    *o = (struct overall){.sometimes = {.arena = a}, .drawn = {.arena = a}};
}

/* Lines: those of `sometimes`, then "*RUNS FIRED NAME". */
void overall_pack(const struct overall *o, struct buf *out)
{
    sometimes_pack(&o->sometimes, out);
    for (size_t i = 0; i < o->drawn.n; i++)
        buf_addf(out, "*%llu %llu " STR_FMT "\n", (unsigned long long)o->drawn.items[i].runs,
                 (unsigned long long)o->drawn.items[i].fired, STR_ARG(o->drawn.items[i].name));
}

static struct err *unpack_drawn(struct overall *o, struct str line)
{
    struct str runs, fired, name;
    uint64_t runs_n, fired_n;
    str_cut(str_sub(line, 1, line.n), ' ', &runs, &line);
    if (!str_cut(line, ' ', &fired, &name) || !str_to_u64(runs, &runs_n) ||
        !str_to_u64(fired, &fired_n))
        return err_new(ERR_INVALID, "the tally of a palette is malformed");
    drawn_count(&o->drawn, name, runs_n, fired_n);
    return NULL;
}

struct err *overall_unpack(struct overall *o, struct str bytes)
{
    struct str line, rest = bytes;
    size_t clauses = 0;
    while (clauses < bytes.n && bytes.p[clauses] != '*') {
        ptrdiff_t end = str_find_char(str_sub(bytes, clauses, bytes.n), '\n');
        clauses = end < 0 ? bytes.n : clauses + (size_t)end + 1;
    }
    struct err *err = sometimes_unpack(&o->sometimes, str_sub(bytes, 0, clauses));
    rest = str_sub(bytes, clauses, bytes.n);
    while (!err && rest.n > 0) {
        str_cut(rest, '\n', &line, &rest);
        err = unpack_drawn(o, line);
    }
    return err;
}

static void add_failure(struct arena *a, struct report_run *last, const char *kind, struct str name,
                        struct str text)
{
    struct report_failure *more = ARENA_NEW_ARRAY(a, struct report_failure, last->failures_n + 1);
    for (size_t f = 0; f < last->failures_n; f++)
        more[f] = last->failures[f];
    more[last->failures_n] = (struct report_failure){
        .kind = str_c(kind), .name = arena_str(a, name), .text = text, .at_ns = -1};
    last->failures = more;
    last->failures_n++;
    if (last->outcome == REPORT_PASSED)
        last->outcome = REPORT_FAILED;
}

void overall_judge(struct arena *a, const struct overall *o, size_t runs, struct report_run *last)
{
    struct str name;
    const struct drawn *drawn;
    for (size_t i = 0; sometimes_unseen(&o->sometimes, &i, &name);)
        add_failure(a, last, "assert", name,
                    arena_printf(a,
                                 STR_FMT "%zu runs of this file: what it guards against did not "
                                         "happen",
                                 STR_ARG(unseen), runs));
    for (size_t i = 0; (drawn = drawn_unfired(&o->drawn, &i));)
        add_failure(a, last, "fault", drawn->name,
                    arena_printf(a,
                                 STR_FMT "%llu of the %zu runs of this file, and it never "
                                         "took effect: nothing met it",
                                 STR_ARG(unfired), (unsigned long long)drawn->runs, runs));
}

void overall_forget(struct arena *a, struct report_run *run)
{
    struct report_failure *kept = ARENA_NEW_ARRAY(a, struct report_failure, run->failures_n + 1);
    size_t n = 0;
    for (size_t i = 0; i < run->failures_n; i++) {
        struct str text = run->failures[i].text;
        if (!str_starts(text, unseen) && !str_starts(text, unfired))
            kept[n++] = run->failures[i];
    }
    if (n == 0 && run->failures_n > 0)
        run->outcome = REPORT_PASSED;
    run->failures = kept;
    run->failures_n = n;
}
