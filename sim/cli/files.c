/* Reading, writing and finding files for the commands. */
#include "sim/cli/cli.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct err *cli_read_bytes(const char *path, size_t max, struct buf *out)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return err_new(ERR_IO, "%s: %s", path, strerror(errno));
    char chunk[65536];
    size_t n;
    out->max = max;
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
        buf_add(out, (struct str){chunk, n});
    bool failed = ferror(f) != 0;
    fclose(f);
    if (failed)
        return err_new(ERR_IO, "%s: cannot be read: %s", path, strerror(errno));
    return buf_ok(out) ? NULL : err_new(ERR_TOO_LARGE, "%s: longer than %zu MiB", path, max >> 20);
}

struct err *cli_read_file(const char *path, struct buf *out)
{
    return cli_read_bytes(path, CLI_FILE_BYTES_MAX, out);
}

static struct err *read_named(void *ctx, struct str path, struct buf *out)
{
    char *name = str_dup_c(path);
    struct err *err = NULL;
    struct stat st;
    (void)ctx;
    if (stat(name, &st) == 0 && !S_ISREG(st.st_mode)) /* a pipe would never end */
        err = err_new(ERR_INVALID, "%s: not a file", name);
    else
        err = cli_read_file(name, out);
    mem_free(name);
    return err;
}

const struct scenario_files *cli_files(void)
{
    static const struct scenario_files files = {.read = read_named};
    return &files;
}

bool cli_write_file(const char *dir, const char *name, struct str bytes, mode_t mode)
{
    return cli_write_parts(dir, name, &bytes, 1, mode);
}

bool cli_write_parts(const char *dir, const char *name, const struct str *parts, size_t n,
                     mode_t mode)
{
    struct buf path = {0};
    buf_addf(&path, "%s/%s", dir, name);
    FILE *f = fopen(buf_c(&path), "wb");
    bool ok = f != NULL;
    for (size_t i = 0; ok && i < n; i++)
        ok = parts[i].n == 0 || fwrite(parts[i].p, 1, parts[i].n, f) == parts[i].n;
    if (f && fclose(f) != 0)
        ok = false;
    if (ok)
        chmod(buf_c(&path), mode);
    else
        fprintf(stderr, "paddock-sim: error: %s: %s\n", buf_c(&path), strerror(errno));
    buf_free(&path);
    return ok;
}

bool cli_make_dirs(const char *path)
{
    char *copy = strdup(path);
    for (char *p = copy + 1; *p; p++)
        if (*p == '/') {
            *p = 0;
            mkdir(copy, 0777);
            *p = '/';
        }
    struct stat st;
    bool ok = mkdir(copy, 0777) == 0 || (errno == EEXIST && stat(copy, &st) == 0);
    if (ok && stat(copy, &st) == 0 && !S_ISDIR(st.st_mode)) {
        errno = ENOTDIR;
        ok = false;
    }
    free(copy);
    return ok;
}

void cli_names_add(struct names *names, const char *path)
{
    if (names->n == names->cap) {
        names->cap = names->cap ? names->cap * 2 : 16;
        names->v = mem_resize(names->v, names->cap * sizeof *names->v);
    }
    names->v[names->n++] = strdup(path);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name); /* bytes, not the locale's order */
}

bool cli_is_yaml(const char *name)
{
    struct str s = str_c(name);
    return str_ends(s, STR(".yaml")) || str_ends(s, STR(".yml"));
}

static void walk(const char *path, int depth, bool (*wanted)(const char *name), struct names *out)
{
    struct dirent **entries = NULL;
    int n = depth > CLI_DIR_DEPTH_MAX ? -1 : scandir(path, &entries, NULL, by_name);
    for (int i = 0; i < n; i++) {
        struct buf child = {0};
        struct stat st;
        buf_addf(&child, "%s/%s", path, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.' && stat(buf_c(&child), &st) == 0) {
            if (S_ISDIR(st.st_mode))
                walk(buf_c(&child), depth + 1, wanted, out);
            else if (wanted(entries[i]->d_name))
                cli_names_add(out, buf_c(&child));
        }
        buf_free(&child);
        free(entries[i]);
    }
    free(entries);
}

void cli_walk(const char *path, bool (*wanted)(const char *name), struct names *out)
{
    walk(path, 0, wanted, out);
}

static bool is_scenario(struct str bytes)
{
    return str_starts(bytes, STR("scenario:")) || str_find(bytes, STR("\nscenario:")) >= 0;
}

/* What a folder holds that is no scenario is passed over. */
static void collect_folder(struct str path, struct names *out)
{
    struct names inside = {0};
    struct buf folder = {0};
    buf_add(&folder, path);
    while (folder.n > 1 && folder.p[folder.n - 1] == '/')
        folder.n--;
    cli_walk(buf_c(&folder), cli_is_yaml, &inside);
    for (size_t f = 0; f < inside.n; f++) {
        struct buf bytes = {0};
        struct err *err = cli_read_file(inside.v[f], &bytes);
        if (err || is_scenario(buf_str(&bytes))) /* what cannot be read may be one: said later */
            cli_names_add(out, inside.v[f]);
        err_ignore(err);
        buf_free(&bytes);
        free(inside.v[f]);
    }
    mem_free(inside.v);
    buf_free(&folder);
}

/* The files that the arguments name. */
bool cli_collect(const struct options *o, struct names *out)
{
    for (size_t i = 0; i < o->files_n; i++) {
        struct stat st;
        size_t before = out->n;
        const char *what = NULL;
        if (stat(o->files[i].p, &st) != 0)
            what = strerror(errno);
        else if (!S_ISDIR(st.st_mode))
            cli_names_add(out, o->files[i].p);
        else
            collect_folder(o->files[i], out);
        if (!what && out->n == before)
            what = "no scenario in this folder: no *.yaml file with a line `scenario: v1`";
        if (what) {
            fprintf(stderr, "paddock-sim: error: %s: %s\n", o->files[i].p, what);
            return false;
        }
    }
    return true;
}

void cli_names_free(struct names *names)
{
    for (size_t i = 0; i < names->n; i++)
        free(names->v[i]);
    mem_free(names->v);
}
/* Every file is checked before the first one runs: bad input means that nothing ran. */
int cli_check_files(const struct names *files)
{
    int code = EXIT_HELD;
    for (size_t i = 0; i < files->n; i++) {
        struct buf bytes = {0}, errors = {0};
        struct err *err = cli_read_file(files->v[i], &bytes);
        if (err)
            code = cli_complain(err, EXIT_NO_WORLD);
        else if (scenario_validate(str_c(files->v[i]), buf_str(&bytes), cli_files(), &errors) > 0 &&
                 !code)
            code = EXIT_USAGE;
        cli_print(stderr, &errors);
        buf_free(&bytes);
    }
    return code;
}
