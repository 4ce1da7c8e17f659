#include "sim/embedded/datastore.h"

#include "engine/pki/keys.h"

#include "sim/kubeapi/datastore/sqlite.h"

#include <fcntl.h>
#include <unistd.h>

/* A new file is its owner's alone: keys are in it. What goes wrong here goes wrong again in the opening, and is told. */
static void make_private(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
}

struct err *datastore_open(struct str option, struct datastore **out, struct store **store)
{
    static const struct str sqlite = STR_INIT("sqlite:");
    bool found;
    *out = NULL;
    *store = NULL;
    if (option.n == 0 || str_eq_c(option, "memory"))
        return NULL;
    if (!str_starts(option, sqlite) || option.n == sqlite.n)
        return err_new(ERR_INVALID,
                       "--datastore: \"" STR_FMT "\" is neither memory nor sqlite:FILE",
                       STR_ARG(option));
    make_private(option.p + sqlite.n);
    struct err *err = datastore_sqlite_open(option.p + sqlite.n, NULL, out);
    if (err)
        return err_wrap(err, err->code, "--datastore");
    *store = store_new(NULL);
    err = (*out)->ops->load(*out, *store, &found);
    if (!err)
        return NULL;
    store_free(*store);
    (*out)->ops->close(*out);
    *store = NULL;
    *out = NULL;
    return err_wrap(err, err->code, "--datastore");
}

/* ---- credentials ---- */

#define PARTS 4
static const char *const part_names[PARTS] = {"ca.crt", "ca.key", "admin.crt", "admin.key"};

static struct buf *part(struct credentials *c, size_t i)
{
    struct buf *const all[PARTS] = {&c->ca_pem, &c->ca_key_pem, &c->admin_pem, &c->admin_key_pem};
    return all[i];
}

struct err *datastore_load_credentials(struct datastore *d, struct credentials *c)
{
    struct err *err = NULL;
    for (size_t i = 0; i < PARTS && !err; i++)
        err = d->ops->get(d, str_c(part_names[i]), part(c, i));
    return err ? err_wrap(err, err->code, "--datastore") : NULL;
}

struct err *datastore_save_credentials(struct datastore *d, const struct credentials *c)
{
    struct credentials copy = *c;
    struct err *err = NULL;
    for (size_t i = 0; i < PARTS && !err; i++)
        err = d->ops->set(d, str_c(part_names[i]), buf_str(part(&copy, i)));
    return err ? err_wrap(err, err->code, "--datastore") : NULL;
}

/* ---- the key of tokens ---- */

static const struct str token_key_name = STR_INIT("sa.key");

struct pki_key *datastore_load_token_key(struct datastore *d)
{
    struct buf pem = {0};
    struct pki_key *key = NULL;
    struct err *err = d->ops->get(d, token_key_name, &pem);
    if (!err && pem.n > 0)
        err = pki_key_from_pem(buf_str(&pem), &key);
    err_ignore(err);
    buf_free(&pem);
    return key;
}

void datastore_save_token_key(struct datastore *d, const struct pki_key *key)
{
    struct buf pem = {0};
    pki_key_to_pem(key, &pem);
    err_ignore(d->ops->set(d, token_key_name, buf_str(&pem)));
    buf_free(&pem);
}
