/* paddock-sim merge: the reports of shards as one. */
#include "sim/cli/cli.h"

#include "reports/report_told.h"

#include <string.h>
#include <sys/stat.h>

static bool is_pack(const char *name)
{
    return strcmp(name, CLI_PACK_NAME) == 0;
}

/* The packs of a folder, or of the folders in it. False: said why. */
static bool collect_packs(struct str folder, struct names *out)
{
    struct stat st;
    size_t before = out->n;
    const char *what = NULL;
    if (stat(folder.p, &st) != 0)
        what = "no such folder";
    else if (!S_ISDIR(st.st_mode))
        what = "not a folder: merge takes what run or sweep wrote with --out";
    else
        cli_walk(folder.p, is_pack, out);
    if (!what && out->n == before)
        what =
            "no " CLI_PACK_NAME " in this folder: merge takes what run or sweep wrote with --out";
    if (what)
        fprintf(stderr, "paddock-sim: error: " STR_FMT ": %s\n", STR_ARG(folder), what);
    return !what;
}

/* The parts' bytes are the arena's. */
static struct err *read_packs(struct arena *a, const struct names *files, struct suite_part *parts)
{
    for (size_t i = 0; i < files->n; i++) {
        struct buf bytes = {0};
        struct err *err = cli_read_bytes(files->v[i], CLI_PACK_BYTES_MAX, &bytes);
        if (err)
            return err;
        parts[i] =
            (struct suite_part){.from = str_c(files->v[i]), .bytes = arena_str(a, buf_str(&bytes))};
        buf_free(&bytes);
    }
    return NULL;
}

static void print_failed(const struct report *report, const struct report_style *style)
{
    struct buf out = {0};
    struct report_told told = {0};
    for (size_t i = 0; i < report->n; i++)
        if (report->runs[i]->outcome == REPORT_FAILED || report->runs[i]->outcome == REPORT_ERROR)
            report_tell(&told, report->runs[i], style, &out);
    cli_print(stdout, &out);
    report_told_free(&told);
}

static int merge_files(struct shell *sh, const struct names *files)
{
    struct arena *a = &sh->arena;
    struct report report = {0};
    struct buf whole = {0}, notes = {0};
    struct suite_part *parts = ARENA_NEW_ARRAY(a, struct suite_part, files->n + 1);
    struct err *err = read_packs(a, files, parts);
    if (err)
        return cli_complain(err, EXIT_NO_WORLD);
    err = suite_merge(a, parts, files->n, &report, &whole, &notes);
    if (err) {
        buf_free(&notes);
        return cli_usage_error(err);
    }
    for (size_t i = 0; i < report.n; i++)
        report_style_fit(&sh->style, report.runs[i]->name, report.runs[i]->case_id,
                         report.runs[i]->profile);
    if (sh->options.format == FORMAT_PRETTY && sh->options.verbosity >= 0)
        print_failed(&report, &sh->style);
    cli_print(stderr, &notes);
    int code = cli_end(sh, &report, buf_str(&whole));
    buf_free(&whole);
    return code;
}

/* The folder of --out holds a pack that is read: what is written would take its place. However the two are called. */
static bool is_own_input(const struct shell *sh, const struct names *files)
{
    struct stat out, in;
    struct buf path = {0};
    bool own = false;
    buf_addf(&path, STR_FMT "/" CLI_PACK_NAME, STR_ARG(sh->options.out));
    if (sh->options.out.n && stat(buf_c(&path), &out) == 0)
        for (size_t i = 0; i < files->n && !own; i++) {
            own = stat(files->v[i], &in) == 0 && in.st_dev == out.st_dev && in.st_ino == out.st_ino;
            if (own)
                fprintf(stderr,
                        "paddock-sim: error: --out: " STR_FMT
                        " holds %s, which is to be merged and "
                        "would be overwritten; name another folder\n",
                        STR_ARG(sh->options.out), files->v[i]);
        }
    buf_free(&path);
    return own;
}

int command_merge(struct shell *sh)
{
    struct names files = {0};
    bool ok = true;
    if (sh->options.files_n == 0)
        return cli_usage_error(err_new(ERR_INVALID, "merge needs the folders of some reports"));
    for (size_t i = 0; i < sh->options.files_n && ok; i++)
        ok = collect_packs(sh->options.files[i], &files);
    int code = ok && !is_own_input(sh, &files) ? EXIT_HELD : EXIT_USAGE;
    if (code == EXIT_HELD && !cli_out_is_writable(&sh->options))
        code = EXIT_NO_WORLD;
    if (code == EXIT_HELD)
        code = merge_files(sh, &files);
    cli_names_free(&files);
    return code;
}
