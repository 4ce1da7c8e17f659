/* Files: volumes that outlive processes, operations that take a moment, watches. A write takes effect when it ends, so a
 * crash before that leaves the old content. */
#include "sim/world/sim_internal.h"

#include <stdlib.h>

#define READ_TIME  (100 * NS_PER_US)
#define WRITE_TIME (2 * NS_PER_MS) /* two fsyncs */
#define WATCH_TIME (1 * NS_PER_MS)

struct sim_file {
    struct str content;
    struct sim_fault *torn_by; /* the disk has not really written it, until: */
    world_time torn_until;
};
struct sim_volume {
    struct sim *sim;
    struct map files;
    struct list watches;
};
struct sim_watch {
    struct world_watch base;
    struct sim_event event;
    struct list link, in_volume;
    struct str path;
    void (*changed)(void *owner);
    void *owner;
};
enum file_op { FILE_READ, FILE_WRITE, FILE_REMOVE, FILE_LIST };
struct sim_file_op {
    struct world_file base;
    struct sim_event event;
    struct list link;
    enum file_op op;
    struct str path, content;
    world_file_done done;
    void *owner;
};

struct sim_volume *volume_get(struct sim *sim, struct str name)
{
    struct sim_volume *v = map_get(&sim->volumes, name);
    if (!v) {
        v = MEM_NEW(struct sim_volume);
        v->sim = sim;
        list_init(&v->watches);
        map_put(&sim->volumes, name, v);
    }
    return v;
}

static void file_free(struct sim_file *f)
{
    if (f)
        str_free(&f->content);
    mem_free(f);
}

void volumes_free(struct sim *sim)
{
    void *volume, *file;
    for (size_t i = 0; map_next(&sim->volumes, &i, NULL, &volume);) {
        struct sim_volume *v = volume;
        for (size_t k = 0; map_next(&v->files, &k, NULL, &file);)
            file_free(file);
        map_free(&v->files);
        mem_free(v);
    }
    map_free(&sim->volumes);
}

static void tell_watches(struct sim_volume *v, struct str path)
{
    list_each (&v->watches, it, next) {
        struct sim_watch *watch = container_of(it, struct sim_watch, in_volume);
        if (str_eq(watch->path, path) && !watch->event.active)
            event_set(v->sim, &watch->event, v->sim->now + WATCH_TIME);
    }
}

static struct sim_file *store(struct sim_volume *v, struct str path, struct str content)
{
    struct sim_file *f = MEM_NEW(struct sim_file);
    f->content = str_dup(content);
    file_free(map_put(&v->files, path, f));
    tell_watches(v, path);
    return f;
}

static bool drop(struct sim_volume *v, struct str path)
{
    struct sim_file *f = map_remove(&v->files, path);
    if (!f)
        return false;
    file_free(f);
    tell_watches(v, path);
    return true;
}

void sim_volume_write(struct sim *sim, struct str volume, struct str path, struct str content)
{
    (void)store(volume_get(sim, volume), path, content);
}

bool sim_volume_read(struct sim *sim, struct str volume, struct str path, struct str *content)
{
    const struct sim_file *f = map_get(&volume_get(sim, volume)->files, path);
    if (f)
        *content = f->content;
    return f != NULL;
}

void sim_volume_remove(struct sim *sim, struct str volume, struct str path)
{
    (void)drop(volume_get(sim, volume), path);
}

/* ---- operations ---- */

static void op_free(struct sim_file_op *op)
{
    event_drop(world_of(op->base.w)->sim, &op->event);
    list_remove(&op->link);
    str_free(&op->path);
    str_free(&op->content);
    mem_free(op);
}

static struct err *not_found(const char *what, struct str path)
{
    return err_new(ERR_NOT_FOUND, "%s " STR_FMT ": No such file or directory", what, STR_ARG(path));
}

static struct err *run_write(struct sim_world *w, struct sim_file_op *op)
{
    struct sim_volume *v = w->process->volume;
    if (fault_of_process(w->sim, SIM_FAULT_DISK_FULL, w->process))
        return err_new(ERR_IO, "write " STR_FMT ": No space left on device", STR_ARG(op->path));
    struct sim_file *f = store(v, op->path, op->content);
    ++*w->sim->count.file_writes;
    f->torn_by = fault_pick_process(w->sim, SIM_FAULT_DISK_TORN, w->process);
    f->torn_until = w->sim->now + SIM_DISK_FLUSH;
    return NULL;
}

/* The folder's entries: next parts of the paths below it, each once, in byte order. */
static void run_list(const struct sim_volume *v, struct str folder, struct buf *out)
{
    struct map seen = {0};
    struct str path, head, tail;
    while (folder.n > 1 && folder.p[folder.n - 1] == '/')
        folder.n--;
    for (size_t i = 0; map_next(&v->files, &i, &path, NULL);) {
        bool root = folder.n == 1 && folder.p[0] == '/';
        size_t at = root ? 1 : folder.n + 1;
        if (path.n <= at || !str_starts(path, folder) || path.p[at - 1] != '/')
            continue;
        (void)str_cut(str_sub(path, at, path.n), '/', &head, &tail);
        map_put(&seen, head, NULL);
    }
    size_t n = map_count(&seen), k = 0;
    struct str *names = MEM_NEW_ARRAY(struct str, n);
    for (size_t i = 0; map_next(&seen, &i, &head, NULL);)
        names[k++] = head;
    if (n > 0)
        qsort(names, n, sizeof(*names), str_order);
    for (size_t i = 0; i < n; i++) {
        buf_add(out, names[i]);
        buf_add_char(out, '\n');
    }
    mem_free(names);
    map_free(&seen);
}

static struct err *run(struct sim_world *w, struct sim_file_op *op, struct buf *out)
{
    struct sim_volume *v = w->process->volume;
    const struct sim_file *f;
    switch (op->op) {
    case FILE_READ:
        f = map_get(&v->files, op->path);
        if (!f)
            return not_found("read", op->path);
        buf_add(out, f->content);
        return NULL;
    case FILE_WRITE:
        return run_write(w, op);
    case FILE_REMOVE:
        return drop(v, op->path) ? NULL : not_found("remove", op->path);
    case FILE_LIST:
        run_list(v, op->path, out);
        return out->n > 0 ? NULL : not_found("list", op->path);
    }
    return NULL;
}

static void op_fired(struct sim_event *e)
{
    struct sim_file_op *op = container_of(e, struct sim_file_op, event);
    struct sim_world *w = e->world;
    struct buf out = {.max = WORLD_FILE_BYTES_MAX};
    struct err *err = run(w, op, &out);
    trace_add(w->sim, w->component, SIM_TRACE_FILE, (uint64_t)op->op,
              str_hash(op->path) ^ (err ? (uint64_t)err->code + 1 : 0));
    world_file_done done = op->done;
    void *owner = op->owner;
    op_free(op);
    if (done)
        done(owner, buf_str(&out), err);
    buf_free(&out);
    err_free(err);
}

static struct world_file *start(struct world *base, enum file_op kind, struct str path,
                                struct str content, world_file_done done, void *owner)
{
    struct sim_world *w = world_of(base);
    struct sim_file_op *op = MEM_NEW(struct sim_file_op);
    op->base.w = base;
    op->op = kind;
    op->path = str_dup(path);
    op->content = str_dup(content);
    op->done = done;
    op->owner = owner;
    event_init(&op->event, op_fired, w);
    list_add_tail(&w->file_ops, &op->link);
    if (w->dead)
        return &op->base;
    world_time delay = kind == FILE_WRITE || kind == FILE_REMOVE ? WRITE_TIME : READ_TIME;
    struct sim_fault *slow = fault_of_process(w->sim, SIM_FAULT_DISK_SLOW, w->process);
    if (slow)
        delay += slow->o.delay +
                 (slow->o.jitter > 0 ? rng_between(&slow->random, 0, slow->o.jitter) : 0);
    event_set(w->sim, &op->event, w->sim->now + delay);
    return &op->base;
}

struct world_file *sim_file_read(struct world *w, struct str path, world_file_done done,
                                 void *owner)
{
    return start(w, FILE_READ, path, str_empty, done, owner);
}

struct world_file *sim_file_write(struct world *w, struct str path, struct str content,
                                  uint32_t mode, world_file_done done, void *owner)
{
    return start(w, FILE_WRITE, path, content, done, owner); /* one user: modes do not matter */
}

struct world_file *sim_file_remove(struct world *w, struct str path, world_file_done done,
                                   void *owner)
{
    return start(w, FILE_REMOVE, path, str_empty, done, owner);
}

struct world_file *sim_file_list(struct world *w, struct str path, world_file_done done,
                                 void *owner)
{
    return start(w, FILE_LIST, path, str_empty, done, owner);
}

/* What is under way still takes effect, as a real disk's queue would. */
void sim_file_cancel(struct world_file *base)
{
    struct sim_file_op *op = container_of(base, struct sim_file_op, base);
    op->done = NULL;
    if (world_of(base->w)->dead)
        op_free(op);
}

/* ---- watches ---- */

static void watch_fired(struct sim_event *e)
{
    struct sim_watch *watch = container_of(e, struct sim_watch, event);
    trace_add(e->world->sim, e->world->component, SIM_TRACE_FILE, FILE_LIST + 1,
              str_hash(watch->path));
    watch->changed(watch->owner);
}

struct world_watch *sim_file_watch(struct world *base, struct str path, void (*changed)(void *),
                                   void *owner)
{
    struct sim_world *w = world_of(base);
    struct sim_watch *watch = MEM_NEW(struct sim_watch);
    watch->base.w = base;
    watch->path = str_dup(path);
    watch->changed = changed;
    watch->owner = owner;
    event_init(&watch->event, watch_fired, w);
    list_add_tail(&w->watches, &watch->link);
    list_init(&watch->in_volume);
    if (!w->dead)
        list_add_tail(&w->process->volume->watches, &watch->in_volume);
    return &watch->base;
}

void sim_watch_close(struct world_watch *base)
{
    struct sim_watch *watch = container_of(base, struct sim_watch, base);
    event_drop(watch->event.world->sim, &watch->event);
    list_remove(&watch->link);
    list_remove(&watch->in_volume);
    str_free(&watch->path);
    mem_free(watch);
}

/* ---- when the process dies ---- */

static void tear(struct sim_volume *v)
{
    void *value;
    for (size_t i = 0; map_next(&v->files, &i, NULL, &value);) {
        struct sim_file *f = value;
        if (!f->torn_by || f->torn_until <= v->sim->now || f->content.n == 0)
            continue;
        struct str cut =
            str_dup(str_sub(f->content, 0, (size_t)rng_below(&f->torn_by->random, f->content.n)));
        str_free(&f->content);
        f->content = cut;
        ++*f->torn_by->fired;
        f->torn_by = NULL;
    }
}

void files_kill(struct sim_world *w, bool power_loss)
{
    list_each (&w->file_ops, it, next)
        event_drop(w->sim, &container_of(it, struct sim_file_op, link)->event);
    list_each (&w->watches, it, next) {
        struct sim_watch *watch = container_of(it, struct sim_watch, link);
        event_drop(w->sim, &watch->event);
        list_remove(&watch->in_volume);
    }
    if (power_loss)
        tear(w->process->volume);
}

void files_free(struct sim_world *w)
{
    list_each (&w->file_ops, it, next) {
        struct sim_file_op *op = container_of(it, struct sim_file_op, link);
        *w->sim->count.leaked_handles += op->done != NULL;
        op_free(op);
    }
    list_each (&w->watches, it, next) {
        ++*w->sim->count.leaked_handles;
        sim_watch_close(&container_of(it, struct sim_watch, link)->base);
    }
}
