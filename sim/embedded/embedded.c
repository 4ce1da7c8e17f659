#include "sim/embedded/embedded.h"

#include "engine/pki/keys.h"
#include "sim/embedded/datastore.h"
#include "sim/kubeapi/furnish/furnish.h"

#include <string.h>

struct embedded {
    struct world *w;
    struct kubeapi *api;         /* NULL: stopped */
    struct datastore *datastore; /* NULL: memory */
    struct credentials credentials;
    struct world_addr address; /* as listened on; once it listens, as it is reached */
    struct buf url;
    void (*failed)(void *owner, const struct err *why);
    void *owner;
};

static struct err *open_datastore(struct embedded *e, struct str option, struct store **store)
{
    struct err *err = datastore_open(option, &e->datastore, store);
    if (!err && e->datastore)
        err = datastore_load_credentials(e->datastore, &e->credentials);
    if (err)
        return err;
    bool made = e->credentials.ca_pem.n == 0;
    err = credentials_make(e->w, str_c(e->address.host), &e->credentials);
    if (!err && made && e->datastore)
        err = datastore_save_credentials(e->datastore, &e->credentials);
    return err;
}

/* Tokens outlive a restart with a datastore: so does the key that they are signed with. */
static struct pki_key *token_key(void *owner)
{
    const struct embedded *e = owner;
    struct pki_key *key = e->datastore ? datastore_load_token_key(e->datastore) : NULL;
    if (key)
        return key;
    key = pki_key_generate_rsa();
    if (e->datastore)
        datastore_save_token_key(e->datastore, key);
    return key;
}

static void on_datastore_failed(void *owner, const struct err *why)
{
    const struct embedded *e = owner;
    e->failed(e->owner, why);
}

struct err *embedded_new(struct world *w, const struct embedded_options *o, struct embedded **out)
{
    BUG_ON(!o->failed, "whoever runs it must know when it keeps nothing any more");
    struct embedded *e = MEM_NEW(struct embedded);
    struct store *store = NULL;
    e->w = w;
    e->address = o->listen;
    e->failed = o->failed;
    e->owner = o->owner;
    struct err *err = open_datastore(e, o->datastore, &store);
    if (err) {
        store_free(store);
        embedded_free(e);
        return err;
    }
    struct kubeapi_options api = {.name = STR("apiserver"),
                                  .bare = o->bare,
                                  .workloads = o->workloads,
                                  .ca_pem = buf_str(&e->credentials.ca_pem),
                                  .ca_key_pem = buf_str(&e->credentials.ca_key_pem),
                                  .token_key = token_key,
                                  .token_key_owner = e,
                                  .store = store,
                                  .datastore = e->datastore,
                                  .datastore_failed = on_datastore_failed,
                                  .datastore_owner = e};
    e->api = kubeapi_new(w, &api);
    *out = e;
    return NULL;
}

/* An address that is every address is reached by the loopback one. */
static void show_address(struct embedded *e, uint16_t port)
{
    e->address.port = port;
    if (strcmp(e->address.host, "0.0.0.0") == 0)
        e->address = world_addr_make(STR("127.0.0.1"), port);
    else if (strcmp(e->address.host, "::") == 0)
        e->address = world_addr_make(STR("::1"), port);
    buf_add_c(&e->url, "https://");
    world_addr_print(&e->address, &e->url);
}

struct err *embedded_listen(struct embedded *e)
{
    struct world_tls tls = {.cert_pem = buf_str(&e->credentials.cert_pem),
                            .key_pem = buf_str(&e->credentials.key_pem),
                            .client_ca_pem = buf_str(&e->credentials.ca_pem),
                            .alpn = STR("http/1.1")};
    struct world_listen listen = {.address = e->address, .tls = &tls};
    struct world_listener *listener;
    struct err *err = kubeapi_listen(e->api, &listen, &listener);
    if (err)
        return err;
    show_address(e, world_listener_port(listener));
    kubeapi_publish(e->api, str_c(e->address.host), e->address.port);
    struct furnish_options found = {.host = str_c(e->address.host),
                                    .port = e->address.port,
                                    .ca_pem = buf_str(&e->credentials.ca_pem)};
    kubeapi_furnish(e->api, &found);
    return NULL;
}

struct kubeapi *embedded_api(struct embedded *e)
{
    return e->api;
}

struct str embedded_url(const struct embedded *e)
{
    return buf_str(&e->url);
}

struct world_addr embedded_address(const struct embedded *e)
{
    return e->address;
}

const struct credentials *embedded_credentials(const struct embedded *e)
{
    return &e->credentials;
}

void embedded_drain(struct embedded *e)
{
    kubeapi_drain(e->api);
}

bool embedded_drained(const struct embedded *e)
{
    return kubeapi_connections(e->api) == 0 && kubeapi_settled(e->api);
}

void embedded_stop(struct embedded *e)
{
    kubeapi_free(e->api);
    e->api = NULL;
}

void embedded_free(struct embedded *e)
{
    if (!e)
        return;
    embedded_stop(e);
    if (e->datastore)
        e->datastore->ops->close(e->datastore);
    credentials_free(&e->credentials);
    buf_free(&e->url);
    mem_free(e);
}
