/* Commands that read or write as much as there is: they go on in pieces. */
#include "engine/pki/pki.h"
#include "sim/kubeapi/containers/process.h"

static enum process_step done(struct process *p, int code)
{
    p->code = code;
    return PROCESS_DONE;
}

static enum process_step fail(struct process *p, struct process_io *io, const char *what,
                              struct str about)
{
    buf_addf(io->err, STR_FMT ": %s", STR_ARG(p->argv[0]), what);
    if (about.n > 0)
        buf_addf(io->err, " '" STR_FMT "'", STR_ARG(about));
    buf_add_char(io->err, '\n');
    return done(p, 1);
}

/* ---- what is read: standard input, a file, or a device that never ends ---- */

enum source { SOURCE_INPUT, SOURCE_ZERO, SOURCE_RANDOM, SOURCE_FILE, SOURCE_NONE };

static enum source source_of(const struct process_io *io, struct str path)
{
    struct buf text = {.max = 4096};
    if (path.n == 0 || str_eq_c(path, "-"))
        return SOURCE_INPUT;
    if (str_eq_c(path, "/dev/zero"))
        return SOURCE_ZERO;
    if (str_eq_c(path, "/dev/urandom"))
        return SOURCE_RANDOM;
    bool there = process_file(io, path, &text);
    buf_free(&text);
    return there ? SOURCE_FILE : SOURCE_NONE;
}

/* Bytes that look like noise and are the same in every run. */
static void add_device(struct process *p, struct buf *out, size_t n, bool zero)
{
    char *to = buf_grow(out, n);
    BUG_ON(!to, "output has room");
    for (size_t i = 0; i < n; i++, p->at++) {
        uint64_t v = (p->at + 1) * UINT64_C(0x9E3779B97F4A7C15);
        to[i] = zero ? 0 : (char)(v >> 56);
    }
}

static size_t least(uint64_t a, size_t b)
{
    return a < b ? (size_t)a : b;
}

/* Moves up to `most` bytes to the output; false: nothing more will come. *waits: for input. */
static bool copy(struct process *p, struct process_io *io, enum source from, uint64_t most,
                 bool *waits)
{
    size_t n = least(most, process_room(io));
    *waits = false;
    if (from == SOURCE_FILE) {
        (void)process_file(io, p->argv[p->argc - 1], io->out);
        return false;
    }
    if (from != SOURCE_INPUT) {
        add_device(p, io->out, n, from == SOURCE_ZERO);
        p->left -= n;
        return true;
    }
    n = least(n, io->in->n);
    buf_add(io->out, (struct str){io->in->p, n});
    buf_consume(io->in, n);
    p->left -= n;
    *waits = io->in->n == 0 && !io->in_ended;
    return io->in->n > 0 || !io->in_ended;
}

static enum process_step run_cat(struct process *p, struct process_io *io)
{
    struct str path = p->argc > 1 ? p->argv[p->argc - 1] : str_empty;
    enum source from = source_of(io, path);
    bool waits;
    if (p->argc > 2)
        return fail(p, io, "one file at a time", str_empty);
    if (from == SOURCE_NONE)
        return fail(p, io, "can't open: No such file or directory:", path);
    p->left = UINT64_MAX;
    if (!copy(p, io, from, UINT64_MAX, &waits))
        return done(p, 0);
    return waits ? PROCESS_WAITS : PROCESS_RUNS;
}

/* "64M" */
static bool read_size(struct str text, uint64_t *out)
{
    static const char units[] = "kMG";
    uint64_t times = 1;
    for (size_t i = 0; text.n > 0 && i < sizeof(units) - 1; i++)
        if (text.p[text.n - 1] == units[i] || (i == 0 && text.p[text.n - 1] == 'K')) {
            times = UINT64_C(1) << (10 * (i + 1));
            text.n--;
            break;
        }
    if (!str_to_u64(text, out) || *out > (UINT64_C(1) << 50) / times)
        return false;
    *out *= times;
    return true;
}

static enum process_step run_head(struct process *p, struct process_io *io)
{
    struct str path = p->argc > 3 ? p->argv[3] : str_empty;
    enum source from = source_of(io, path);
    bool waits;
    if (p->argc < 3 || p->argc > 4 || !str_eq_c(p->argv[1], "-c"))
        return fail(p, io, "only \"head -c BYTES [FILE]\" is known here", str_empty);
    if (from == SOURCE_NONE)
        return fail(p, io, "can't open: No such file or directory:", path);
    if (!p->begun && !read_size(p->argv[2], &p->left))
        return fail(p, io, "invalid number", p->argv[2]);
    p->begun = true;
    bool more = copy(p, io, from, p->left, &waits);
    if (!more || p->left == 0)
        return done(p, 0);
    return waits ? PROCESS_WAITS : PROCESS_RUNS;
}

static enum process_step run_yes(struct process *p, struct process_io *io)
{
    struct str word = p->argc > 1 ? p->argv[1] : STR("y");
    while (process_room(io) > 0) {
        buf_add(io->out, word);
        buf_add_char(io->out, '\n');
    }
    return PROCESS_RUNS;
}

static enum process_step run_seq(struct process *p, struct process_io *io)
{
    if (p->argc != 2 || (!p->begun && !str_to_u64(p->argv[1], &p->left)))
        return fail(p, io, "only \"seq LAST\" is known here", str_empty);
    p->begun = true;
    while (p->at < p->left && process_room(io) > 0)
        buf_addf(io->out, "%llu\n", (unsigned long long)++p->at);
    return p->at < p->left ? PROCESS_RUNS : done(p, 0);
}

/* ---- what only counts ---- */

static void count(struct process *p, struct str bytes)
{
    p->at += bytes.n;
    for (size_t i = 0; i < bytes.n; i++) {
        bool blank = char_in(bytes.p[i], " \t\r\n");
        p->lines += bytes.p[i] == '\n';
        p->words += !blank && !p->in_word;
        p->in_word = !blank;
    }
}

static enum process_step run_wc(struct process *p, struct process_io *io)
{
    count(p, buf_str(io->in));
    buf_clear(io->in);
    if (!io->in_ended)
        return PROCESS_WAITS;
    if (p->argc > 1 && str_eq_c(p->argv[1], "-c"))
        buf_addf(io->out, "%llu\n", (unsigned long long)p->at);
    else if (p->argc > 1 && str_eq_c(p->argv[1], "-l"))
        buf_addf(io->out, "%llu\n", (unsigned long long)p->lines);
    else
        buf_addf(io->out, "%7llu %7llu %7llu\n", (unsigned long long)p->lines,
                 (unsigned long long)p->words, (unsigned long long)p->at);
    return done(p, 0);
}

static enum process_step run_sha256sum(struct process *p, struct process_io *io)
{
    if (!p->hash)
        p->hash = pki_hash_new();
    pki_hash_add(p->hash, buf_str(io->in));
    buf_clear(io->in);
    if (!io->in_ended)
        return PROCESS_WAITS;
    unsigned char sum[PKI_SHA256_BYTES];
    pki_hash_end(p->hash, sum);
    p->hash = NULL;
    for (size_t i = 0; i < sizeof(sum); i++)
        buf_addf(io->out, "%02x", sum[i]);
    buf_add_c(io->out, "  -\n");
    return done(p, 0);
}

const struct command bulk_commands[] = {
    {"cat", run_cat}, {"head", run_head}, {"yes", run_yes},
    {"seq", run_seq}, {"wc", run_wc},     {"sha256sum", run_sha256sum},
};
const size_t bulk_commands_n = ARRAY_LEN(bulk_commands);

/* ---- one process ---- */

static const struct command *find(const struct command *list, size_t n, struct str name)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq_c(name, list[i].name))
            return &list[i];
    return NULL;
}

/* "/bin/cat" is cat. */
static struct str base_name(struct str path)
{
    static const char *const folders[] = {"/bin/", "/usr/bin/", "/usr/local/bin/"};
    for (size_t i = 0; i < ARRAY_LEN(folders); i++)
        if (str_starts(path, str_c(folders[i])))
            return str_sub(path, strlen(folders[i]), path.n);
    return path;
}

bool process_start(struct process *p, const struct str *argv, size_t argc)
{
    BUG_ON(argc == 0, "a command has a name");
    struct str name = base_name(argv[0]);
    *p = (struct process){.argv = argv, .argc = argc, .due = -1};
    p->command = find(small_commands, small_commands_n, name);
    if (!p->command)
        p->command = find(bulk_commands, bulk_commands_n, name);
    return p->command != NULL;
}

enum process_step process_step(struct process *p, struct process_io *io)
{
    enum process_step step = p->command->step(p, io);
    if (step == PROCESS_DONE)
        process_end(p);
    return step;
}

void process_end(struct process *p)
{
    if (p->hash) {
        unsigned char sum[PKI_SHA256_BYTES];
        pki_hash_end(p->hash, sum);
    }
    p->hash = NULL;
    p->due = -1;
}
