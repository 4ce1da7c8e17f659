/* paddock-sim new: a scenario file to begin with, and the schema that its first line announces. */
#include "sim/cli/cli.h"

#include "simcli/assets.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define SCHEMA_FILE "schema.json"

/* scenarios/NAME/NAME.yaml, or the path as it is. */
static void path_of(struct str name, struct buf *out)
{
    bool is_path = str_find_char(name, '/') >= 0 || cli_is_yaml(name.p);
    if (is_path)
        buf_addf(out, STR_FMT "%s", STR_ARG(name), cli_is_yaml(name.p) ? "" : ".yaml");
    else
        buf_addf(out, "scenarios/" STR_FMT "/" STR_FMT ".yaml", STR_ARG(name), STR_ARG(name));
}

/* The file's name without folder and ending: what reports call the scenario. */
static struct str stem_of(struct str path)
{
    size_t from = path.n, to = path.n;
    while (from > 0 && path.p[from - 1] != '/')
        from--;
    while (to > from && path.p[to - 1] != '.')
        to--;
    return str_sub(path, from, to > from ? to - 1 - from : 0);
}

/* scenarios/THEME/NAME.yaml: the schema is one for all themes. */
static bool is_of_a_theme(struct str path)
{
    struct str top, theme, rest;
    return str_cut(path, '/', &top, &rest) && str_eq_c(top, "scenarios") &&
           str_cut(rest, '/', &theme, &rest) && str_find_char(rest, '/') < 0;
}

static bool is_good_name(struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && !(i > 0 && (c == '-' || c == '_')))
            return false;
    }
    return name.n > 0;
}

static void fill_in(struct str schema, struct str name, struct buf *out)
{
    struct str rest = {(const char *)asset_starter_yaml, asset_starter_yaml_size};
    for (ptrdiff_t at; (at = str_find_char(rest, '@')) >= 0;) {
        struct str mark;
        buf_add(out, str_sub(rest, 0, (size_t)at));
        rest = str_sub(rest, (size_t)at + 1, rest.n);
        (void)str_cut(rest, '@', &mark, &rest);
        buf_add(out, str_eq_c(mark, "SCHEMA") ? schema : name);
    }
    buf_add(out, rest);
}

/* Makes the file, which must not be there yet: looked at and made in one step. */
static int write_new(const char *path, struct str bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0666);
    if (fd < 0 && errno == EEXIST)
        return cli_usage_error(
            err_new(ERR_INVALID, "%s: is there already; nothing was written", path));
    bool ok = fd >= 0 && write(fd, bytes.p, bytes.n) == (ssize_t)bytes.n;
    if (fd >= 0 && close(fd) != 0)
        ok = false;
    if (ok)
        return EXIT_HELD;
    return cli_complain(err_new(ERR_IO, "%s: %s", path, strerror(errno)), EXIT_NO_WORLD);
}

/* The schema is generated: it is always this program's. */
static bool write_schema(const char *dir)
{
    struct buf schema = {0};
    scenario_schema(&schema);
    bool ok = cli_write_file(dir, SCHEMA_FILE, buf_str(&schema), 0666);
    buf_free(&schema);
    return ok;
}

static int write_files(struct str path, bool has_own_folder, struct buf *folder, struct buf *text)
{
    char *file = str_dup_c(path);
    size_t n = path.n;
    while (n > 0 && path.p[n - 1] != '/')
        n--;
    buf_add(folder, n ? str_sub(path, 0, n - 1) : STR("."));
    fill_in(has_own_folder ? STR("../" SCHEMA_FILE) : STR(SCHEMA_FILE), stem_of(path), text);
    int code = cli_make_dirs(buf_c(folder))
                   ? write_new(file, buf_str(text))
                   : cli_complain(err_new(ERR_IO, "%s: %s", buf_c(folder), strerror(errno)),
                                  EXIT_NO_WORLD);
    const char *schema_folder = has_own_folder ? "scenarios" : buf_c(folder);
    if (code == EXIT_HELD && !write_schema(schema_folder))
        code = EXIT_NO_WORLD;
    if (code == EXIT_HELD)
        printf("wrote %s\n      %s/" SCHEMA_FILE " (its schema, for your editor)\n"
               "next: paddock-sim validate %s && paddock-sim run %s\n",
               file, schema_folder, file, file);
    mem_free(file);
    return code;
}

int command_new(struct shell *sh)
{
    if (sh->options.files_n != 1)
        return cli_usage_error(err_new(ERR_INVALID, "new needs one name"));
    struct str name = sh->options.files[0];
    struct buf path = {0}, folder = {0}, text = {0};
    path_of(name, &path);
    int code;
    if (!is_good_name(stem_of(buf_str(&path))))
        code = cli_usage_error(err_new(
            ERR_INVALID, "\"" STR_FMT "\" is no name: letters, digits, - and _", STR_ARG(name)));
    else
        code = write_files(buf_str(&path), is_of_a_theme(buf_str(&path)), &folder, &text);
    buf_free(&path);
    buf_free(&folder);
    buf_free(&text);
    return code;
}
