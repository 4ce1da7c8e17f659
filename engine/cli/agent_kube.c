/* A kubeconfig's files, put together. */
#include "engine/cli/agent_kube.h"

#include "engine/kube/kubeconfig.h"

/* A name that is relative is relative to the kubeconfig's folder. */
static struct err *read_beside(struct shell *sh, struct str kubeconfig, struct str name,
                               struct str *out)
{
    size_t folder = kubeconfig.n;
    if (name.n == 0)
        return NULL;
    while (folder > 0 && kubeconfig.p[folder - 1] != '/')
        folder--;
    struct str path = name.p[0] == '/'
                          ? name
                          : arena_printf(&sh->arena, STR_FMT STR_FMT,
                                         STR_ARG(str_sub(kubeconfig, 0, folder)), STR_ARG(name));
    return shell_read_file(sh, path, out);
}

struct err *agent_kube_read(struct shell *sh, struct str file, struct kube_context *context,
                            struct str *name)
{
    struct kubeconfig c = {0};
    struct str text;
    struct err *err = shell_read_file(sh, file, &text);
    if (!err)
        err = kubeconfig_parse(&sh->arena, file, text, str_empty, &c);
    if (!err)
        err = read_beside(sh, file, c.ca_file, &c.ca_pem);
    if (!err)
        err = read_beside(sh, file, c.cert_file, &c.cert_pem);
    if (!err)
        err = read_beside(sh, file, c.key_file, &c.key_pem);
    if (!err)
        err = read_beside(sh, file, c.token_file, &c.token);
    if (err)
        return err_wrap(err, err->code, "--kubeconfig");
    bool numeric = world_host_is_numeric(c.host);
    *name = numeric ? str_empty : c.host;
    *context =
        (struct kube_context){.address = world_addr_make(numeric ? c.host : str_empty, c.port),
                              .plain = !c.tls,
                              .host = c.server_name.n ? c.server_name : c.host,
                              .ca_pem = c.ca_pem,
                              .insecure = c.insecure,
                              .token = str_trim(c.token),
                              .cert_pem = c.cert_pem,
                              .key_pem = c.key_pem};
    return NULL;
}
