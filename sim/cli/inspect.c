/* paddock-sim validate, list and expand: scenario files without a run. */
#include "sim/cli/cli.h"

#include <sys/stat.h>

int command_validate(struct shell *sh)
{
    struct names files = {0};
    if (sh->options.files_n == 0)
        return cli_usage_error(err_new(ERR_INVALID, "validate needs a scenario file or a folder"));
    int code = cli_collect(&sh->options, &files) ? cli_check_files(&files) : EXIT_USAGE;
    if (code == EXIT_HELD && sh->options.verbosity >= 0)
        printf("%zu %s, no errors\n", files.n, files.n == 1 ? "file" : "files");
    cli_names_free(&files);
    return code;
}

/* The exit status for one file. */
static int list_file(const char *path)
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
    if (ok)
        scenario_list(s, &out);
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
    for (size_t i = 0; ok && i < files.n; i++) {
        int of_file = list_file(files.v[i]);
        code = code == EXIT_HELD ? of_file : code;
    }
    cli_names_free(&files);
    return code;
}

int command_expand(struct shell *sh)
{
    const struct options *o = &sh->options;
    struct buf bytes = {0}, out = {0}, errors = {0};
    if (o->files_n != 1)
        return cli_usage_error(err_new(ERR_INVALID, "expand needs one scenario file"));
    struct stat st;
    bool missing = stat(o->files[0].p, &st) != 0 || S_ISDIR(st.st_mode);
    struct err *err = cli_read_file(o->files[0].p, &bytes);
    if (err)
        return cli_complain(err, missing ? EXIT_USAGE : EXIT_NO_WORLD);
    struct expand_request request = {.case_filter = o->case_filter,
                                     .profile = o->profile,
                                     .sets = o->sets,
                                     .sets_n = o->sets_n,
                                     .has_seed = o->has_seed,
                                     .seed = o->seed,
                                     .files = cli_files()};
    bool ok = scenario_expand(o->files[0], buf_str(&bytes), &request, &out, &errors);
    cli_print(stdout, &out);
    cli_print(stderr, &errors);
    buf_free(&bytes);
    return ok ? EXIT_HELD : EXIT_USAGE;
}
