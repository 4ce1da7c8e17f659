/* paddock-sim run --watch: again whenever a scenario, or a file that it names, has changed. */
#include "sim/cli/cli.h"

#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define LOOK_NS (300 * 1000 * 1000L)

struct watch {
    struct names files; /* scenarios and what they name */
};

static void note_file(struct watch *w, const char *path)
{
    for (size_t i = 0; i < w->files.n; i++)
        if (strcmp(w->files.v[i], path) == 0)
            return;
    cli_names_add(&w->files, path);
}

static struct err *read_and_note(void *ctx, struct str path, struct buf *out)
{
    char *name = str_dup_c(path);
    note_file(ctx, name);
    mem_free(name);
    return cli_files()->read(NULL, path, out);
}

/* Changes when one of the files does: its time, its size, whether it is there. */
static uint64_t stamp_of(const struct watch *w)
{
    uint64_t stamp = 0;
    for (size_t i = 0; i < w->files.n; i++) {
        struct stat st;
        bool there = stat(w->files.v[i], &st) == 0;
        uint64_t own = there ? (uint64_t)st.st_mtim.tv_sec * 1000000000u +
                                   (uint64_t)st.st_mtim.tv_nsec + (uint64_t)st.st_size
                             : 1;
        stamp = stamp * 1000003u + own;
    }
    return stamp;
}

/* False: interrupted. */
static bool wait_for_change(const struct shell *sh, const struct watch *w, uint64_t before)
{
    const struct timespec pause = {.tv_nsec = LOOK_NS};
    if (sh->options.verbosity >= 0)
        fprintf(stderr, "paddock-sim: watching %zu %s; Ctrl-C ends\n", w->files.n,
                w->files.n == 1 ? "file" : "files");
    while (stamp_of(w) == before) {
        if (cli_signalled() || sh->interrupted)
            return false;
        nanosleep(&pause, NULL);
    }
    return true;
}

int cli_watch(struct shell *sh, int (*once)(struct shell *sh))
{
    struct watch w = {0};
    sh->files = (struct scenario_files){.ctx = &w, .read = read_and_note};
    uint64_t before;
    do {
        struct names named = {0};
        if (cli_collect(&sh->options, &named))
            for (size_t i = 0; i < named.n; i++)
                note_file(&w, named.v[i]);
        cli_names_free(&named);
        before = stamp_of(&w); /* what changes while it runs is a change */
        size_t known = w.files.n;
        (void)once(sh);
        if (w.files.n > known)
            before = stamp_of(&w);
    } while (wait_for_change(sh, &w, before));
    cli_names_free(&w.files);
    return EXIT_INTERRUPTED;
}
