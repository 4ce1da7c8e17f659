/* paddock-sim validate, list and expand: scenario files without a run. */
#include "sim/cli/cli.h"

#include "reports/report_sarif.h"
#include "sim/scenario/shrink/freeze.h"
#include "sim/scenario/suite/strike.h"

#include <sys/stat.h>

/* ---- validate ---- */

struct findings {
    struct arena *arena;
    struct report_finding *v;
    size_t n, cap;
};

static void add_finding(struct findings *all, const struct diags *d, const struct diag *item)
{
    if (all->n == all->cap) {
        all->cap = all->cap ? all->cap * 2 : 16;
        all->v = mem_resize(all->v, all->cap * sizeof *all->v);
    }
    const struct source *source = item->place.source ? item->place.source : d->source;
    bool placed = item->place.path.n > 0;
    all->v[all->n++] = (struct report_finding){
        .rule = STR("scenario"),
        .text = arena_printf(all->arena, STR_FMT "%s" STR_FMT, STR_ARG(item->place.path),
                             placed ? ": " : "", STR_ARG(item->text)),
        .file = arena_str(all->arena, source->file),
        .line = item->place.line,
        .column = item->place.column};
}

/* One file's mistakes as findings; the exit status. */
static int diagnose_file(const char *path, struct findings *all)
{
    struct buf bytes = {0};
    struct diags diags;
    struct err *err = cli_read_file(path, &bytes);
    if (err) {
        buf_free(&bytes);
        return cli_complain(err, EXIT_NO_WORLD);
    }
    struct str text = arena_str(all->arena, buf_str(&bytes));
    buf_free(&bytes);
    scenario_diagnose(all->arena, str_c(path), text, cli_files(), &diags);
    for (size_t i = 0; i < diags.n; i++)
        add_finding(all, &diags, &diags.items[i]);
    return diags.n ? EXIT_USAGE : EXIT_HELD;
}

static int validate_as_sarif(struct shell *sh, const struct names *files)
{
    struct findings all = {.arena = &sh->arena};
    struct buf out = {0};
    int code = EXIT_HELD;
    for (size_t i = 0; i < files->n; i++) {
        int of_file = diagnose_file(files->v[i], &all);
        code = of_file > code ? of_file : code;
    }
    report_sarif_findings(all.v, all.n, &out);
    cli_print(stdout, &out);
    mem_free(all.v);
    return code;
}

int command_validate(struct shell *sh)
{
    struct names files = {0};
    if (sh->options.files_n == 0)
        return cli_usage_error(err_new(ERR_INVALID, "validate needs a scenario file or a folder"));
    bool sarif = sh->options.format == FORMAT_SARIF;
    int code = cli_collect(&sh->options, &files) ? EXIT_HELD : EXIT_USAGE;
    if (code == EXIT_HELD)
        code = sarif ? validate_as_sarif(sh, &files) : cli_check_files(&files);
    if (code == EXIT_HELD && !sarif && sh->options.verbosity >= 0)
        printf("%zu %s, no errors\n", files.n, files.n == 1 ? "file" : "files");
    cli_names_free(&files);
    return code;
}

/* ---- list ---- */

/* The exit status for one file. */
static int list_file(const char *path, bool as_json, bool first)
{
    struct arena a = {0};
    struct buf bytes = {0}, out = {0};
    struct err *err = cli_read_file(path, &bytes);
    if (err) {
        buf_free(&bytes);
        return cli_complain(err, EXIT_NO_WORLD);
    }
    struct source source = {.file = str_c(path), .text = buf_str(&bytes)};
    struct diags diags;
    diags_init(&diags, &a, &source);
    struct scenario *s = scenario_load_with(&a, source.file, source.text, cli_files(), &diags);
    bool ok = s && diags.n == 0;
    if (ok && as_json)
        buf_add_c(&out, first ? "" : ",\n");
    if (ok)
        (as_json ? scenario_list_json : scenario_list)(s, &out);
    else
        diags_print(&diags, &out);
    cli_print(ok ? stdout : stderr, &out);
    buf_free(&bytes);
    arena_free(&a);
    return ok ? EXIT_HELD : EXIT_USAGE;
}

int command_list(struct shell *sh)
{
    struct names files = {0};
    struct str here = STR("scenarios");
    struct options options = sh->options;
    if (options.files_n == 0) {
        options.files = &here;
        options.files_n = 1;
    }
    bool ok = cli_collect(&options, &files);
    int code = ok ? EXIT_HELD : EXIT_USAGE;
    bool as_json = options.format == FORMAT_JSON, first = true;
    if (ok && as_json)
        printf("{\"scenarios\":[\n");
    for (size_t i = 0; ok && i < files.n; i++) {
        int of_file = list_file(files.v[i], as_json, first);
        first = first && of_file != EXIT_HELD;
        code = code == EXIT_HELD ? of_file : code;
    }
    if (ok && as_json)
        printf("\n]}\n");
    cli_names_free(&files);
    return code;
}

/* One crash of a run that has a point for each write: the run has to be looked at for that. */
static int expand_point(struct shell *sh, struct str bytes, size_t point, struct str filter)
{
    const struct options *o = &sh->options;
    struct buf out = {0};
    struct freeze_request request = {.file = o->files[0],
                                     .bytes = bytes,
                                     .case_filter = filter,
                                     .profile = o->profile,
                                     .sets = o->sets,
                                     .sets_n = o->sets_n,
                                     .first_seed = !o->has_seed,
                                     .seed = o->seed,
                                     .files = cli_files(),
                                     .point = point,
                                     .strike = cli_strike};
    struct err *err = shrink_freeze(&sh->arena, &request, &out);
    if (err)
        return cli_usage_error(err);
    cli_print(stdout, &out);
    return EXIT_HELD;
}

static int expand(struct shell *sh, struct str bytes)
{
    const struct options *o = &sh->options;
    struct buf out = {0}, errors = {0};
    struct expand_request request = {.case_filter = o->case_filter,
                                     .profile = o->profile,
                                     .sets = o->sets,
                                     .sets_n = o->sets_n,
                                     .has_seed = o->has_seed,
                                     .seed = o->seed,
                                     .files = cli_files()};
    bool ok = scenario_expand(o->files[0], bytes, &request, &out, &errors);
    cli_print(stdout, &out);
    cli_print(stderr, &errors);
    return ok ? EXIT_HELD : EXIT_USAGE;
}

int command_expand(struct shell *sh)
{
    const struct options *o = &sh->options;
    struct buf bytes = {0};
    struct str rest;
    struct stat st;
    size_t point;
    if (o->files_n != 1)
        return cli_usage_error(err_new(ERR_INVALID, "expand needs one scenario file"));
    bool missing = stat(o->files[0].p, &st) != 0 || S_ISDIR(st.st_mode);
    struct err *err = cli_read_file(o->files[0].p, &bytes);
    if (err)
        return cli_complain(err, missing ? EXIT_USAGE : EXIT_NO_WORLD);
    err = strike_of_case(&sh->arena, o->case_filter, &point, &rest);
    int code = err     ? cli_usage_error(err)
               : point ? expand_point(sh, buf_str(&bytes), point, rest)
                       : expand(sh, buf_str(&bytes));
    buf_free(&bytes);
    return code;
}
