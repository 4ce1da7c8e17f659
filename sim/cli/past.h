/* past: runs that have been: of a folder that `run --out` wrote (its report.json says which they were and how they ended),
 * or of a scenario file, whose runs are carried out once more to know. */
#ifndef PADDOCK_SIM_CLI_PAST_H
#define PADDOCK_SIM_CLI_PAST_H

#include "sim/cli/trial.h"

struct past {
    struct trial trial; /* what carries it out again; bytes are read */
    bool failed;
    struct str name, case_id, profile;
    struct str shown; /* the file, as it was named then */
    uint64_t seed;
    struct str trace_hash;          /* empty: it had none */
    int64_t simulated_ns;           /* -1: not known */
    struct str kind, failure, text; /* of the first failure */
    int64_t at_ns;                  /* of it; -1: not at a moment */
    const char *kept;               /* the trace that was kept; NULL: none */
    const char *dir;                /* where it was kept; NULL: it was not */
};
/* The runs that files[0] names and the options choose. Failed ones only: the others are passed over. Errors say what to
 * do; *code is the exit status for them. Everything lives in the shell's arena. */
struct err *past_find(struct shell *sh, bool failed_only, struct past **out, size_t *n,
                      int *code) must_check;
/* The failed runs of a folder. */
struct err *past_in_folder(struct shell *sh, const char *dir, bool failed_only, struct past **out,
                           size_t *n) must_check;
/* "NAME case=... profile=... seed=...": for people. */
void past_describe(const struct past *p, struct buf *out);

/* ---- shrink.c ---- */
/* Shrinks a failed run into a file; the exit status. */
int cli_shrink(struct shell *sh, const struct past *p, struct str path, int64_t budget_ns);

#endif
