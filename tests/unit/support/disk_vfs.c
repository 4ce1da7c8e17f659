#include "tests/unit/support/disk_vfs.h"

#include "engine/base/str.h"

#include <sqlite3.h>
#include <string.h>

#define FILES_MAX 8
#define SECTOR    512u

struct disk_file {
    char name[64];
    bool there, there_synced; /* a folder's change is safe when the file is synced */
    struct buf now, synced;
};

static struct disk {
    struct disk_file files[FILES_MAX];
    struct rng rng;
    unsigned operations, fail_at; /* 0: never */
    bool failed;
} disk;

struct handle {
    sqlite3_file base;
    struct disk_file *file;
};

static bool fails(void)
{
    disk.operations++;
    if (disk.fail_at && disk.operations >= disk.fail_at)
        disk.failed = true;
    return disk.failed;
}

static struct disk_file *find(const char *name, bool create)
{
    const char *slash = strrchr(name, '/');
    name = slash ? slash + 1 : name;
    for (size_t i = 0; i < FILES_MAX; i++)
        if (strcmp(disk.files[i].name, name) == 0)
            return &disk.files[i];
    for (size_t i = 0; i < FILES_MAX && create; i++)
        if (!disk.files[i].name[0]) {
            strncpy(disk.files[i].name, name, sizeof(disk.files[i].name) - 1);
            return &disk.files[i];
        }
    BUG_ON(create, "the file system has room for the files of one database");
    return NULL;
}

static void copy(struct buf *to, const struct buf *from)
{
    buf_clear(to);
    buf_add(to, buf_str(from));
}

/* ---- files ---- */

static struct disk_file *file_of(sqlite3_file *f)
{
    return ((struct handle *)(void *)f)->file;
}

static int vfs_close(sqlite3_file *f)
{
    return SQLITE_OK;
}

static int vfs_read(sqlite3_file *f, void *out, int n, sqlite3_int64 at)
{
    struct buf *b = &file_of(f)->now;
    if (disk.failed)
        return SQLITE_IOERR_READ;
    size_t have = (size_t)at < b->n ? b->n - (size_t)at : 0;
    size_t take = have < (size_t)n ? have : (size_t)n;
    if (take > 0)
        memcpy(out, b->p + at, take);
    memset((char *)out + take, 0, (size_t)n - take);
    return take == (size_t)n ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static void extend(struct buf *b, size_t n)
{
    while (b->n < n)
        buf_add_char(b, 0);
}

static int vfs_write(sqlite3_file *f, const void *bytes, int n, sqlite3_int64 at)
{
    struct buf *b = &file_of(f)->now;
    if (fails())
        return SQLITE_IOERR_WRITE;
    extend(b, (size_t)at + (size_t)n);
    memcpy(b->p + at, bytes, (size_t)n);
    return SQLITE_OK;
}

static int vfs_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    struct buf *b = &file_of(f)->now;
    if (fails())
        return SQLITE_IOERR_TRUNCATE;
    extend(b, (size_t)size);
    b->n = (size_t)size;
    return SQLITE_OK;
}

static void sync_folder(void)
{
    for (size_t i = 0; i < FILES_MAX; i++) {
        struct disk_file *f = &disk.files[i];
        if (!f->there)
            buf_clear(&f->synced);
        f->there_synced = f->there_synced && f->there;
    }
}

/* As SQLite's own file system does: with a new file, its folder is synced as well. */
static int vfs_sync(sqlite3_file *f, int flags)
{
    struct disk_file *file = file_of(f);
    if (fails())
        return SQLITE_IOERR_FSYNC;
    if (!file->there_synced)
        sync_folder();
    copy(&file->synced, &file->now);
    file->there_synced = true;
    return SQLITE_OK;
}

static int vfs_size(sqlite3_file *f, sqlite3_int64 *size)
{
    *size = (sqlite3_int64)file_of(f)->now.n;
    return SQLITE_OK;
}

static int vfs_lock(sqlite3_file *f, int how)
{
    return SQLITE_OK;
}

static int vfs_reserved(sqlite3_file *f, int *out)
{
    *out = 0;
    return SQLITE_OK;
}

static int vfs_control(sqlite3_file *f, int op, void *arg)
{
    return SQLITE_NOTFOUND;
}

static int vfs_sector(sqlite3_file *f)
{
    return SECTOR;
}

static int vfs_traits(sqlite3_file *f)
{
    return 0;
}

/* ---- the file system ---- */

static int vfs_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out)
{
    static const sqlite3_io_methods methods = {
        .iVersion = 1,
        .xClose = vfs_close,
        .xRead = vfs_read,
        .xWrite = vfs_write,
        .xTruncate = vfs_truncate,
        .xSync = vfs_sync,
        .xFileSize = vfs_size,
        .xLock = vfs_lock,
        .xUnlock = vfs_lock,
        .xCheckReservedLock = vfs_reserved,
        .xFileControl = vfs_control,
        .xSectorSize = vfs_sector,
        .xDeviceCharacteristics = vfs_traits,
    };
    struct handle *h = (struct handle *)(void *)f;
    if (disk.failed || !name)
        return SQLITE_CANTOPEN;
    h->base.pMethods = &methods;
    h->file = find(name, true);
    h->file->there = true;
    if (out)
        *out = flags;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *v, const char *name, int sync)
{
    struct disk_file *file = find(name, false);
    if (fails())
        return SQLITE_IOERR_DELETE;
    if (!file || !file->there)
        return SQLITE_IOERR_DELETE_NOENT;
    file->there = false;
    buf_clear(&file->now);
    if (sync)
        sync_folder();
    return SQLITE_OK;
}

static int vfs_access(sqlite3_vfs *v, const char *name, int flags, int *out)
{
    struct disk_file *file = find(name, false);
    *out = file && file->there;
    return SQLITE_OK;
}

static int vfs_path(sqlite3_vfs *v, const char *name, int n, char *out)
{
    strncpy(out, name, (size_t)n - 1);
    out[n - 1] = 0;
    return SQLITE_OK;
}

static int vfs_random(sqlite3_vfs *v, int n, char *out)
{
    rng_bytes(&disk.rng, out, (size_t)n);
    return n;
}

static int vfs_sleep(sqlite3_vfs *v, int us)
{
    return us;
}

static int vfs_time(sqlite3_vfs *v, double *out)
{
    *out = 2460000.5;
    return SQLITE_OK;
}

static int vfs_error(sqlite3_vfs *v, int n, char *out)
{
    return 0;
}

static sqlite3_vfs vfs = {.iVersion = 1,
                          .szOsFile = sizeof(struct handle),
                          .mxPathname = 256,
                          .zName = DISK_VFS_NAME,
                          .xOpen = vfs_open,
                          .xDelete = vfs_delete,
                          .xAccess = vfs_access,
                          .xFullPathname = vfs_path,
                          .xRandomness = vfs_random,
                          .xSleep = vfs_sleep,
                          .xCurrentTime = vfs_time,
                          .xGetLastError = vfs_error};

/* ---- crashes ---- */

/* Each sector that differs from what was synced came to the disk, or did not. A file that grew ends somewhere. */
static void settle(struct disk_file *f)
{
    struct buf left = {0};
    if (!f->there) { /* deleted: it is gone, or comes back */
        f->there = f->there_synced && rng_below(&disk.rng, 2);
        if (!f->there)
            buf_clear(&f->synced);
        copy(&f->now, &f->synced);
        return;
    }
    size_t longest = f->now.n > f->synced.n ? f->now.n : f->synced.n;
    size_t end = rng_below(&disk.rng, 2) ? f->now.n : f->synced.n;
    for (size_t at = 0; at < longest; at += SECTOR) {
        const struct buf *from = rng_below(&disk.rng, 2) ? &f->now : &f->synced;
        buf_add(&left, str_sub(buf_str(from), at, SECTOR));
        extend(&left, at + SECTOR);
    }
    extend(&left, end);
    left.n = end;
    buf_free(&f->now);
    f->now = left;
    if (!f->there_synced && rng_below(&disk.rng, 2)) /* its name may be lost as well */
        buf_clear(&f->now);
    copy(&f->synced, &f->now);
    f->there_synced = true;
}

void disk_vfs_start(struct rng rng)
{
    disk = (struct disk){.rng = rng};
    int rc = sqlite3_vfs_register(&vfs, 0);
    BUG_ON(rc != SQLITE_OK, "SQLite takes another file system");
}

void disk_vfs_end(void)
{
    for (size_t i = 0; i < FILES_MAX; i++) {
        buf_free(&disk.files[i].now);
        buf_free(&disk.files[i].synced);
    }
    sqlite3_vfs_unregister(&vfs);
}

void disk_vfs_fail_after(unsigned operations)
{
    disk.fail_at = operations ? disk.operations + operations : 0;
    disk.failed = operations == 0;
}

bool disk_vfs_failed(void)
{
    return disk.failed;
}

void disk_vfs_crash(void)
{
    for (size_t i = 0; i < FILES_MAX; i++)
        if (disk.files[i].name[0])
            settle(&disk.files[i]);
    disk.failed = false;
    disk.fail_at = 0;
}

unsigned disk_vfs_operations(void)
{
    return disk.operations;
}
