#include "sim/scenario/suite/overall.h"

#include "sim/scenario/run/verdict.h"

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

static void add_failure(struct arena *a, struct report_run *row, const char *kind, struct str name,
                        struct str text)
{
    struct report_failure *more = ARENA_NEW_ARRAY(a, struct report_failure, row->failures_n + 1);
    for (size_t f = 0; f < row->failures_n; f++)
        more[f] = row->failures[f];
    more[row->failures_n] = (struct report_failure){
        .kind = str_c(kind), .name = arena_str(a, name), .text = text, .at_ns = -1};
    row->failures = more;
    row->failures_n++;
}

struct report_run *overall_judge(struct arena *a, const struct overall *o, size_t runs,
                                 const struct report_run *like, struct str again)
{
    struct str name;
    const struct drawn *drawn;
    struct report_run *row = ARENA_NEW(a, struct report_run);
    *row = (struct report_run){.name = like->name,
                               .doc = like->doc,
                               .file = like->file,
                               .over = runs,
                               .outcome = REPORT_FAILED,
                               .wall_start_unix_ns = like->wall_start_unix_ns,
                               .replay = again,
                               .wishes = like->wishes};
    for (size_t i = 0; sometimes_unseen(&o->sometimes, &i, &name);)
        add_failure(a, row, "assert", name,
                    arena_printf(a,
                                 "sometimes: it held in none of the %zu runs of this file: what it "
                                 "guards against did not happen",
                                 runs));
    for (size_t i = 0; (drawn = drawn_unfired(&o->drawn, &i));)
        add_failure(a, row, "fault", drawn->name,
                    arena_printf(a,
                                 "chaos injected it in %llu of the %zu runs of this file, and it "
                                 "never took effect: nothing met it",
                                 (unsigned long long)drawn->runs, runs));
    return row->failures_n ? row : NULL;
}

/* ---- the command ---- */

static void add_option(struct buf *out, const char *option, struct str value)
{
    if (!value.n)
        return;
    buf_addf(out, " %s ", option);
    verdict_add_word(out, value);
}

struct str overall_command(struct arena *a, const struct options *o, struct str file)
{
    struct buf out = {0};
    bool sweeps = o->command == COMMAND_SWEEP;
    buf_add_c(&out, sweeps ? "paddock-sim sweep " : "paddock-sim run ");
    verdict_add_word(&out, file);
    add_option(&out, "--case", o->case_filter);
    add_option(&out, "--profile", o->profile);
    for (size_t i = 0; i < o->sets_n; i++)
        add_option(&out, "--set", o->sets[i]);
    for (size_t i = 0; i < o->policies_n; i++)
        add_option(&out, "--policy", o->policies[i]);
    if (o->all_cases)
        buf_add_c(&out, " --all-cases");
    if (o->points_of)
        buf_addf(&out, " --points %u/%u", o->points_at, o->points_of);
    struct str command = arena_str(a, buf_str(&out));
    buf_free(&out);
    return command;
}

struct str overall_seeds(struct arena *a, struct str command, uint64_t first, uint64_t n)
{
    unsigned long long from = first, to = first + n - 1;
    if (!str_starts(command, STR("paddock-sim sweep ")))
        return arena_printf(a, STR_FMT " --seed %llu", STR_ARG(command), from);
    return arena_printf(a, STR_FMT " --seeds %llu..%llu", STR_ARG(command), from, to);
}
