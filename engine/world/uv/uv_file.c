/* Files. The calls block, so they run on the thread pool; one after another, in the order in which they were asked for,
 * so that two writes of one file leave the later one. */
#include "engine/world/uv/uv_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIST_NAMES_MAX 100000u
#define FOLDER_MODE    0700

struct uvw_file {
    struct world_file base;
    struct list node;       /* in the world's files */
    struct list queue_node; /* in its queue, until it is under way */
    struct uv_world *uv;
    uv_work_t req;
    void (*run)(struct uvw_file *f); /* on another thread: touches only this struct */
    world_file_done done;            /* NULL: cancelled */
    void *owner;
    char *path;
    struct buf content; /* to write, or what was read */
    uint32_t mode;
    struct err *err;
    bool under_way;
};

static struct err *file_err(const char *what, const char *path, int number)
{
    enum err_code code = number == ENOENT || number == ENOTDIR ? ERR_NOT_FOUND
                         : number == EACCES || number == EPERM ? ERR_FORBIDDEN
                                                               : ERR_IO;
    return err_new(code, "%s %s: %s", what, path, strerror(number));
}

/* ---- what runs on the pool ---- */
static void run_read(struct uvw_file *f)
{
    int fd = open(f->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        f->err = file_err("read", f->path, errno);
        return;
    }
    char piece[16384];
    ssize_t n;
    while ((n = read(fd, piece, sizeof piece)) != 0 && buf_ok(&f->content)) {
        if (n > 0)
            buf_add(&f->content, (struct str){piece, (size_t)n});
        else if (errno != EINTR)
            break;
    }
    if (n < 0)
        f->err = file_err("read", f->path, errno);
    else if (!buf_ok(&f->content))
        f->err =
            err_new(ERR_TOO_LARGE, "read %s: more than %zu bytes", f->path, WORLD_FILE_BYTES_MAX);
    close(fd);
}

static int write_all(int fd, struct str bytes)
{
    while (bytes.n) {
        ssize_t n = write(fd, bytes.p, bytes.n);
        if (n < 0 && errno != EINTR)
            return errno;
        if (n > 0)
            bytes = str_sub(bytes, (size_t)n, bytes.n);
    }
    return 0;
}

/* Makes every missing folder above the path. */
static void make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, FOLDER_MODE); /* what could not be made shows when the file is */
        *slash = '/';
    }
}

/* The entry itself must be on disk too, or a crash could bring the old file back. */
static int sync_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder =
        slash ? str_dup_c((struct str){path, (size_t)(slash - path) + 1}) : str_dup_c(STR("."));
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    mem_free(folder);
    if (fd < 0)
        return errno;
    int number = fsync(fd) < 0 && errno != EINVAL ? errno : 0; /* some file systems cannot */
    close(fd);
    return number;
}

static int write_beside(const char *beside, int fd, const struct uvw_file *f)
{
    int number = write_all(fd, buf_str(&f->content));
    if (!number && fchmod(fd, (mode_t)f->mode) < 0)
        number = errno;
    if (!number && fsync(fd) < 0)
        number = errno;
    if (close(fd) < 0 && !number)
        number = errno;
    if (!number && rename(beside, f->path) < 0)
        number = errno;
    return number;
}

static void run_write(struct uvw_file *f)
{
    make_folders(f->path);
    struct buf beside = {0};
    buf_addf(&beside, "%s.XXXXXX", f->path);
    char *name = beside.p;
    int fd = mkostemp(name, O_CLOEXEC);
    int number = fd < 0 ? errno : write_beside(name, fd, f);
    if (number && fd >= 0)
        (void)unlink(name);
    if (!number)
        number = sync_folder(f->path);
    if (number)
        f->err = file_err("write", f->path, number);
    buf_free(&beside);
    buf_free(&f->content);
}

static void run_remove(struct uvw_file *f)
{
    int number = unlink(f->path) < 0 ? errno : sync_folder(f->path);
    if (number)
        f->err = file_err("remove", f->path, number);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static size_t read_names(DIR *dir, char **names)
{
    size_t n = 0;
    struct dirent *entry;
    while (n < LIST_NAMES_MAX && (entry = readdir(dir)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            names[n++] = str_dup_c(str_c(entry->d_name));
    return n;
}

static void run_list(struct uvw_file *f)
{
    DIR *dir = opendir(f->path);
    if (!dir) {
        f->err = file_err("list", f->path, errno);
        return;
    }
    char **names = MEM_NEW_ARRAY(char *, LIST_NAMES_MAX);
    size_t n = read_names(dir, names);
    closedir(dir);
    qsort(names, n, sizeof *names, by_bytes);
    for (size_t i = 0; i < n; i++) {
        buf_addf(&f->content, "%s\n", names[i]);
        mem_free(names[i]);
    }
    mem_free(names);
}

/* ---- on the loop ---- */
static void next_file(struct uv_world *uv);

static void file_free(struct uvw_file *f)
{
    list_remove(&f->node);
    list_remove(&f->queue_node);
    err_free(f->err);
    buf_free(&f->content);
    mem_free(f->path);
    mem_free(f);
}

static void file_run(uv_work_t *req)
{
    struct uvw_file *f = req->data;
    f->run(f);
}

static void file_after(uv_work_t *req, int status)
{
    struct uvw_file *f = req->data;
    struct uv_world *uv = f->uv;
    uvw_event(uv);
    uv->file_busy = false;
    next_file(uv);
    if (f->done)
        f->done(f->owner, f->err ? str_empty : buf_str(&f->content), f->err);
    file_free(f);
}

static void next_file(struct uv_world *uv)
{
    if (uv->file_busy || list_empty(&uv->file_queue))
        return;
    struct uvw_file *f = container_of(uv->file_queue.next, struct uvw_file, queue_node);
    list_remove(&f->queue_node);
    f->under_way = true;
    uv->file_busy = true;
    int bad = uv_queue_work(&uv->loop, &f->req, file_run, file_after);
    BUG_ON(bad, "work has a function");
}

static struct uvw_file *file_new(struct world *w, struct str path, void (*run)(struct uvw_file *),
                                 world_file_done done, void *owner)
{
    BUG_ON(!done, "a file operation needs its callback");
    struct uvw_file *f = MEM_NEW(struct uvw_file);
    f->base.w = w;
    f->uv = uvw_of(w);
    f->req.data = f;
    f->run = run;
    f->done = done;
    f->owner = owner;
    f->path = str_dup_c(path);
    f->content.max = WORLD_FILE_BYTES_MAX;
    list_add_tail(&f->uv->files, &f->node);
    list_add_tail(&f->uv->file_queue, &f->queue_node);
    return f;
}

struct world_file *uvw_file_read(struct world *w, struct str path, world_file_done done,
                                 void *owner)
{
    struct uvw_file *f = file_new(w, path, run_read, done, owner);
    next_file(f->uv);
    return &f->base;
}

struct world_file *uvw_file_write(struct world *w, struct str path, struct str content,
                                  uint32_t mode, world_file_done done, void *owner)
{
    struct uvw_file *f = file_new(w, path, run_write, done, owner);
    buf_add(&f->content, content);
    f->mode = mode;
    next_file(f->uv);
    return &f->base;
}

struct world_file *uvw_file_remove(struct world *w, struct str path, world_file_done done,
                                   void *owner)
{
    struct uvw_file *f = file_new(w, path, run_remove, done, owner);
    next_file(f->uv);
    return &f->base;
}

struct world_file *uvw_file_list(struct world *w, struct str path, world_file_done done,
                                 void *owner)
{
    struct uvw_file *f = file_new(w, path, run_list, done, owner);
    next_file(f->uv);
    return &f->base;
}

/* What waits for its turn does not happen any more; what is under way does. */
void uvw_file_cancel(struct world_file *base)
{
    struct uvw_file *f = container_of(base, struct uvw_file, base);
    BUG_ON(!f->done, "an operation is cancelled once, and not after its callback");
    f->done = NULL;
    if (!f->under_way)
        file_free(f);
}

void uvw_files_free(struct uv_world *uv)
{
    list_each (&uv->files, it, next) {
        struct uvw_file *f = container_of(it, struct uvw_file, node);
        if (f->done)
            uvw_file_cancel(&f->base);
    }
}
