#include "sim/kubeapi/datastore/sqlite.h"

#include <sqlite3.h>
#include <string.h>

#define APPLICATION_ID 1346650955 /* in the file's header: tells our files from others' */

enum statement { PUT, REMOVE, RESERVE, BEGIN, COMMIT, STATEMENTS };
static const char *const texts[STATEMENTS] = {
    [PUT] =
        ("INSERT INTO objects (resource, ns, name, revision, bytes) VALUES (?1, ?2, ?3, ?4, ?5) "
         "ON CONFLICT (resource, ns, name) DO UPDATE SET revision = ?4, bytes = ?5"),
    [REMOVE] = "DELETE FROM objects WHERE resource = ?1 AND ns = ?2 AND name = ?3",
    [RESERVE] = "INSERT OR REPLACE INTO settings (name, value) VALUES ('reserved', ?1)",
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
};

static const char schema[] =
    "BEGIN;"
    "CREATE TABLE objects (resource TEXT NOT NULL, ns TEXT NOT NULL, name TEXT NOT NULL,"
    " revision INTEGER NOT NULL, bytes BLOB NOT NULL);"
    "CREATE UNIQUE INDEX objects_key ON objects (resource, ns, name);"
    "CREATE TABLE settings (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
    "PRAGMA application_id = 1346650955;"
    "PRAGMA user_version = 1;"
    "COMMIT;";

struct sqlite {
    struct datastore base;
    sqlite3 *db;
    char *path;
    sqlite3_stmt *statement[STATEMENTS];
    uint64_t reserved; /* as the file has it */
};

static struct sqlite *sqlite_of(struct datastore *d)
{
    return container_of(d, struct sqlite, base);
}

/* ---- errors ---- */

static struct err *failure(struct sqlite *q, int rc, const char *what)
{
    switch (rc & 0xff) {
    case SQLITE_NOTADB:
        return err_new(ERR_INVALID, "%s: this is no SQLite database", q->path);
    case SQLITE_CORRUPT:
        return err_new(ERR_INVALID, "%s: the database is damaged: %s", q->path,
                       sqlite3_errmsg(q->db));
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return err_new(ERR_CONFLICT, "%s: another server has this datastore open", q->path);
    default:
        return err_new(ERR_IO, "%s: %s: %s", q->path, what, sqlite3_errmsg(q->db));
    }
}

static struct err *run(struct sqlite *q, const char *sql)
{
    int rc = sqlite3_exec(q->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? NULL : failure(q, rc, "cannot prepare the datastore");
}

static struct err *number_of(struct sqlite *q, const char *sql, int64_t *out)
{
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_prepare_v2(q->db, sql, -1, &s, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(s);
    *out = rc == SQLITE_ROW ? sqlite3_column_int64(s, 0) : 0;
    struct err *err = rc == SQLITE_ROW || rc == SQLITE_DONE ? NULL : failure(q, rc, "cannot read");
    sqlite3_finalize(s);
    return err;
}

/* ---- committing ---- */

static int step(sqlite3_stmt *s)
{
    int rc = sqlite3_step(s);
    (void)sqlite3_reset(s); /* it repeats the error of the step */
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int bind_text(sqlite3_stmt *s, int at, struct str text)
{
    return sqlite3_bind_text(s, at, text.n ? text.p : "", (int)text.n, SQLITE_STATIC);
}

static int apply(struct sqlite *q, const struct datastore_change *c)
{
    sqlite3_stmt *s = q->statement[c->json.n > 0 ? PUT : REMOVE];
    int rc = bind_text(s, 1, c->table);
    rc = rc ? rc : bind_text(s, 2, c->ns);
    rc = rc ? rc : bind_text(s, 3, c->name);
    if (c->json.n > 0) {
        rc = rc ? rc : sqlite3_bind_int64(s, 4, (sqlite3_int64)c->revision);
        rc = rc ? rc : sqlite3_bind_blob(s, 5, c->json.p, (int)c->json.n, SQLITE_STATIC);
    }
    return rc ? rc : step(s);
}

static int reserve(struct sqlite *q, uint64_t revision)
{
    sqlite3_stmt *s = q->statement[RESERVE];
    int rc = sqlite3_bind_int64(s, 1, (sqlite3_int64)revision);
    return rc ? rc : step(s);
}

static struct err *sqlite_commit(struct datastore *d, const struct datastore_batch *b)
{
    struct sqlite *q = sqlite_of(d);
    int rc = step(q->statement[BEGIN]);
    for (size_t i = 0; i < b->n && rc == SQLITE_OK; i++)
        rc = apply(q, &b->changes[i]);
    if (rc == SQLITE_OK && b->reserved > q->reserved)
        rc = reserve(q, b->reserved);
    if (rc == SQLITE_OK)
        rc = step(q->statement[COMMIT]);
    if (rc == SQLITE_OK) {
        q->reserved = b->reserved > q->reserved ? b->reserved : q->reserved;
        return NULL;
    }
    struct err *err = failure(q, rc, "cannot write");
    (void)sqlite3_exec(q->db, "ROLLBACK", NULL, NULL, NULL);
    return err;
}

/* ---- loading ---- */

static struct str column(sqlite3_stmt *s, int at)
{
    const void *bytes = sqlite3_column_blob(s, at);
    int n = sqlite3_column_bytes(s, at);
    return n > 0 ? (struct str){bytes, (size_t)n} : str_empty;
}

/* What a row says must be what its bytes say. */
static struct err *load_row(struct sqlite *q, struct store *into, sqlite3_stmt *s)
{
    struct kube_object *o = NULL;
    struct str resource = column(s, 0), ns = column(s, 1), name = column(s, 2);
    struct err *err = kube_object_from_canonical(column(s, 4), &o);
    bool fits = !err && resource.n > 0 && name.n > 0 && str_eq(o->ns, ns) &&
                str_eq(o->name, name) &&
                o->resource_version == (uint64_t)sqlite3_column_int64(s, 3);
    if (fits) {
        store_load(store_table(into, resource), o);
        return NULL;
    }
    kube_object_unref(o);
    err_free(err);
    return err_new(ERR_INVALID,
                   "%s: the database is damaged: the row of " STR_FMT " " STR_FMT "/" STR_FMT
                   " holds something else",
                   q->path, STR_ARG(resource), STR_ARG(ns), STR_ARG(name));
}

static struct err *load_objects(struct sqlite *q, struct store *into, bool *found)
{
    static const char sql[] = "SELECT resource, ns, name, revision, bytes FROM objects";
    sqlite3_stmt *s = NULL;
    struct err *err = NULL;
    int rc = sqlite3_prepare_v2(q->db, sql, -1, &s, NULL);
    while (rc == SQLITE_OK && !err && (rc = sqlite3_step(s)) == SQLITE_ROW) {
        err = load_row(q, into, s);
        *found = true;
        rc = SQLITE_OK;
    }
    if (!err && rc != SQLITE_DONE)
        err = failure(q, rc, "cannot read");
    sqlite3_finalize(s);
    return err;
}

static struct err *sqlite_load(struct datastore *d, struct store *into, bool *found)
{
    struct sqlite *q = sqlite_of(d);
    int64_t reserved = 0;
    *found = false;
    struct err *err = load_objects(q, into, found);
    if (!err)
        err = number_of(q, "SELECT value FROM settings WHERE name = 'reserved'", &reserved);
    if (err)
        return err;
    uint64_t revision = reserved > 1 ? (uint64_t)reserved : 1;
    store_load_end(into, revision);
    struct datastore_batch none = {.reserved = revision + DATASTORE_REVISIONS_RESERVED};
    return sqlite_commit(d, &none);
}

/* ---- settings ---- */

static struct err *sqlite_get(struct datastore *d, struct str name, struct buf *value)
{
    struct sqlite *q = sqlite_of(d);
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_prepare_v2(q->db, "SELECT value FROM settings WHERE name = ?1", -1, &s, NULL);
    if (rc == SQLITE_OK)
        rc = bind_text(s, 1, name);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(s);
    if (rc == SQLITE_ROW)
        buf_add(value, column(s, 0));
    struct err *err = rc == SQLITE_ROW || rc == SQLITE_DONE ? NULL : failure(q, rc, "cannot read");
    sqlite3_finalize(s);
    return err;
}

static struct err *sqlite_set(struct datastore *d, struct str name, struct str value)
{
    struct sqlite *q = sqlite_of(d);
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_prepare_v2(
        q->db, "INSERT OR REPLACE INTO settings (name, value) VALUES (?1, ?2)", -1, &s, NULL);
    rc = rc ? rc : bind_text(s, 1, name);
    rc = rc ? rc : sqlite3_bind_blob(s, 2, value.n ? value.p : "", (int)value.n, SQLITE_STATIC);
    rc = rc ? rc : sqlite3_step(s);
    struct err *err = rc == SQLITE_DONE ? NULL : failure(q, rc, "cannot write");
    sqlite3_finalize(s);
    return err;
}

/* ---- life ---- */

static void sqlite_close(struct datastore *d)
{
    struct sqlite *q = sqlite_of(d);
    for (size_t i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(q->statement[i]);
    int rc = sqlite3_close(q->db);
    BUG_ON(rc != SQLITE_OK, "a datastore is closed when nothing uses it");
    mem_free(q->path);
    mem_free(q);
}

/* Ours and of this version, or empty: then it becomes ours. */
static struct err *check_schema(struct sqlite *q)
{
    int64_t application, version, tables;
    struct err *err = number_of(q, "PRAGMA application_id", &application);
    if (!err)
        err = number_of(q, "PRAGMA user_version", &version);
    if (!err)
        err = number_of(q, "SELECT count(*) FROM sqlite_master", &tables);
    if (err)
        return err;
    if (application == 0 && version == 0 && tables == 0)
        return run(q, schema);
    if (application != APPLICATION_ID)
        return err_new(ERR_INVALID, "%s: this is another program's SQLite database", q->path);
    if (version != DATASTORE_SQLITE_VERSION)
        return err_new(ERR_INVALID, "%s: its format has version %lld; this program knows %d",
                       q->path, (long long)version, DATASTORE_SQLITE_VERSION);
    return NULL;
}

static struct err *prepare(struct sqlite *q)
{
    struct err *err = run(q, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;"
                             "PRAGMA synchronous = FULL; PRAGMA cell_size_check = ON;");
    if (!err)
        err = check_schema(q);
    for (size_t i = 0; i < STATEMENTS && !err; i++) {
        int rc = sqlite3_prepare_v3(q->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                                    &q->statement[i], NULL);
        if (rc != SQLITE_OK)
            err = failure(q, rc, "cannot prepare the datastore");
    }
    return err;
}

struct err *datastore_sqlite_open(const char *path, const char *vfs, struct datastore **out)
{
    static const struct datastore_ops ops = {sqlite_load, sqlite_commit, sqlite_get, sqlite_set,
                                             sqlite_close};
    struct sqlite *q = MEM_NEW(struct sqlite);
    size_t n = strlen(path) + 1;
    q->base.ops = &ops;
    q->path = mem_alloc(n);
    memcpy(q->path, path, n);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    int rc = sqlite3_open_v2(path, &q->db, flags, vfs);
    struct err *err = rc == SQLITE_OK ? prepare(q) : failure(q, rc, "cannot open");
    if (!err) {
        *out = &q->base;
        return NULL;
    }
    sqlite_close(&q->base);
    return err;
}
