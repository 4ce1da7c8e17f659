/* paddock: the program. What it does is in engine/cli; here it is given the Kubernetes API of `server --embedded`, which
 * is the simulator's on the real world. */
#include "engine/cli/cli.h"
#include "sim/embedded/embedded.h"

#define EMBEDDED_LISTEN "127.0.0.1"

static struct err *start(struct world *w, struct str datastore,
                         void (*failed)(void *owner, const struct err *why), void *owner,
                         struct kube_context *context, void **out)
{
    struct kubeapi_workloads workloads = {.nodes = 1, .events = true, .owners = true};
    struct embedded_options o = {.listen = world_addr_make(STR(EMBEDDED_LISTEN), 0),
                                 .datastore = datastore,
                                 .workloads = &workloads,
                                 .failed = failed,
                                 .owner = owner};
    struct embedded *e = NULL;
    struct err *err = embedded_new(w, &o, &e);
    if (err)
        return err;
    *out = e;
    kubeapi_keep_nodes(embedded_api(e));
    err = embedded_listen(e);
    const struct credentials *c = embedded_credentials(e);
    *context = (struct kube_context){.address = embedded_address(e),
                                     .ca_pem = buf_str(&c->ca_pem),
                                     .cert_pem = buf_str(&c->admin_pem),
                                     .key_pem = buf_str(&c->admin_key_pem)};
    return err;
}

static void kubeconfig(void *embedded, struct buf *out)
{
    const struct embedded *e = embedded;
    credentials_kubeconfig(embedded_credentials(e), embedded_url(e), out);
}

static void drain(void *embedded)
{
    embedded_drain(embedded);
}

static bool drained(void *embedded)
{
    return embedded_drained(embedded);
}

static void stop(void *embedded)
{
    embedded_stop(embedded);
}

static void end(void *embedded)
{
    embedded_free(embedded);
}

int main(int argc, char *argv[])
{
    static const struct shell_embedded embedded = {.start = start,
                                                   .kubeconfig = kubeconfig,
                                                   .drain = drain,
                                                   .drained = drained,
                                                   .stop = stop,
                                                   .free = end};
    return shell_main(argc, argv, &embedded);
}
