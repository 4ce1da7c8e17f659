/* paddock-sim run --world real: where the programs are, and what runs leave behind.
 *
 * Each run has a folder: of --out, or a temporary one. It goes when the run has passed, and stays when it has not, with
 * the words of every process and its last state. */
#include "sim/cli/cli.h"
#include "sim/real/world/world.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WALK_FILES 16

static int remove_one(const char *path, const struct stat *is, int type, struct FTW *at)
{
    (void)is;
    (void)type;
    (void)at;
    return remove(path);
}

/* The folder of this program, without a slash at its end. */
static bool own_folder(char out[PATH_MAX])
{
    ssize_t n = readlink("/proc/self/exe", out, PATH_MAX - 1);
    if (n <= 0)
        return false;
    out[n] = 0;
    char *slash = strrchr(out, '/');
    *slash = 0;
    return true;
}

static bool make_folder(const struct shell *sh, char out[PATH_MAX])
{
    char here[PATH_MAX];
    const char *at = sh->options.out.n ? sh->options.out.p : "/tmp";
    if (!realpath(at, here))
        return false;
    int n = snprintf(out, PATH_MAX, "%s/real-XXXXXX", here);
    return n > 0 && n < PATH_MAX && mkdtemp(out);
}

/* It is called by the run's name from here on, beside the reports. */
static void keep_folder(const struct shell *sh, const struct report_run *run, const char *folder)
{
    struct buf name = {0}, path = {0};
    if (sh->options.out.n) {
        cli_file_name_of(run, ".processes", &name);
        buf_addf(&path, "%s/%s", sh->options.out.p, buf_c(&name));
        (void)nftw(buf_c(&path), remove_one, WALK_FILES, FTW_DEPTH | FTW_PHYS);
        if (rename(folder, buf_c(&path)) != 0)
            buf_clear(&path);
    }
    fprintf(stderr, "paddock-sim: words and last states of the processes: %s\n",
            path.n ? buf_c(&path) : folder);
    buf_free(&name);
    buf_free(&path);
}

static struct report_run *no_folder(struct arena *a, const struct plan *plan)
{
    struct report_run *run = ARENA_NEW(a, struct report_run);
    struct report_failure *f = ARENA_NEW(a, struct report_failure);
    *f = (struct report_failure){
        .kind = STR("world"),
        .name = STR("the world"),
        .text = arena_printf(a, "no folder for the processes' files: %s", strerror(errno)),
        .at_ns = -1};
    run->name = plan->scenario;
    run->file = plan->file;
    run->profile = plan->profile;
    run->case_id = plan->case_id;
    run->seed = plan->seed;
    run->world = STR("real");
    run->outcome = REPORT_ERROR;
    run->failures = f;
    run->failures_n = 1;
    return run;
}

static struct report_run *carry_out(void *world, struct arena *a, const struct plan *plan,
                                    const struct run_options *options)
{
    const struct shell *sh = world;
    char folder[PATH_MAX], programs[PATH_MAX];
    if (!own_folder(programs) || !make_folder(sh, folder))
        return no_folder(a, plan);
    struct real_options real = {.paddock = arena_printf(a, "%s/paddock", programs),
                                .paddock_sim = arena_printf(a, "%s/paddock-sim", programs),
                                .folder = folder};
    struct report_run *run = real_run(a, plan, options, &real);
    bool failed = run->outcome == REPORT_FAILED || run->outcome == REPORT_ERROR;
    if (failed)
        keep_folder(sh, run, folder);
    else
        (void)nftw(folder, remove_one, WALK_FILES, FTW_DEPTH | FTW_PHYS);
    return run;
}

void cli_use_real_world(struct shell *sh, struct run_options *run)
{
    run->carry_out = carry_out;
    run->world = sh;
    run->trace_block = NULL;
}

bool cli_no_world(const struct report *report)
{
    for (size_t i = 0; i < report->n; i++)
        for (size_t f = 0; f < report->runs[i]->failures_n; f++)
            if (str_eq_c(report->runs[i]->failures[f].kind, "world"))
                return true;
    return false;
}
