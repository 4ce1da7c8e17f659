/* Environment and mounted files of a cluster agent. */
#include "engine/agents/cluster/config.h"

struct agent_config_load {
    struct world *world;
    struct agent_config *config;
    struct world_file *file;
    size_t step;
    void (*done)(void *owner, const struct err *err);
    void *owner;
};

/* In order; a file that is missing fails the start unless the environment already said it. */
static const struct {
    const char *path;
    size_t offset; /* of the struct str in agent_config */
} files[] = {
    {AGENT_FILE_TOKEN, offsetof(struct agent_config, token)},
    {AGENT_FILE_URL, offsetof(struct agent_config, server_text)},
    {AGENT_FILE_SA_TOKEN, offsetof(struct agent_config, kube_token)},
    {AGENT_FILE_SA_CA, offsetof(struct agent_config, kube_ca)},
};

static void read_next(struct agent_config_load *load);

static void finish(struct agent_config_load *load, struct err *take_err)
{
    void (*done)(void *, const struct err *) = load->done;
    void *owner = load->owner;
    mem_free(load);
    done(owner, take_err);
    err_free(take_err);
}

static struct err *check(struct agent_config *c)
{
    if (c->server_text.n == 0)
        return err_new(ERR_INVALID, "CATTLE_SERVER is not set: give the manager's URL");
    if (c->token.n == 0)
        return err_new(ERR_INVALID, "there is no registration token: set CATTLE_TOKEN or mount "
                                    "the credentials at " AGENT_FILE_TOKEN);
    if (c->kube_host.n == 0)
        return err_new(ERR_INVALID, "KUBERNETES_SERVICE_HOST is not set: a cluster agent runs "
                                    "inside the cluster that it serves");
    return url_parse(c->server_text, &c->server);
}

static struct str *slot(struct agent_config_load *load, size_t i)
{
    return (struct str *)(void *)((char *)load->config + files[i].offset);
}

static void on_file(void *owner, struct str content, const struct err *err)
{
    struct agent_config_load *load = owner;
    load->file = NULL;
    if (err) {
        finish(load, err_wrap(err_copy(err), ERR_INVALID, "cannot read %s: is it mounted?",
                              files[load->step].path));
        return;
    }
    struct str *text = slot(load, load->step);
    str_free(text);
    *text = str_dup(str_trim(content));
    load->step++;
    read_next(load);
}

static void read_next(struct agent_config_load *load)
{
    while (load->step < ARRAY_LEN(files) && slot(load, load->step)->n)
        load->step++;
    if (load->step == ARRAY_LEN(files))
        finish(load, check(load->config));
    else
        load->file = world_file_read(load->world, str_c(files[load->step].path), on_file, load);
}

struct agent_config_load *agent_config_load(struct world *w, struct agent_config *config,
                                            void (*done)(void *owner, const struct err *err),
                                            void *owner)
{
    uint64_t port = 0;
    *config = (struct agent_config){.kube_port = 443};
    config->token = str_dup(world_env(w, "CATTLE_TOKEN"));
    config->server_text = str_dup(world_env(w, "CATTLE_SERVER"));
    config->ca_checksum = str_dup(world_env(w, "CATTLE_CA_CHECKSUM"));
    config->name = str_dup(world_env(w, "HOSTNAME"));
    config->strict = str_eq_c(world_env(w, "STRICT_VERIFY"), "true");
    config->kube_host = str_dup(world_env(w, "KUBERNETES_SERVICE_HOST"));
    if (str_to_u64(world_env(w, "KUBERNETES_SERVICE_PORT"), &port) && port > 0 && port < 65536)
        config->kube_port = (uint16_t)port;
    struct agent_config_load *load = MEM_NEW(struct agent_config_load);
    load->world = w;
    load->config = config;
    load->done = done;
    load->owner = owner;
    /* At least one file is always read: the callback never comes from inside this call. */
    read_next(load);
    return load;
}

void agent_config_cancel(struct agent_config_load *load)
{
    if (!load)
        return;
    world_file_cancel(load->file);
    mem_free(load);
}

void agent_config_free(struct agent_config *config)
{
    struct str *owned[] = {&config->server_text, &config->token,     &config->ca_checksum,
                           &config->name,        &config->kube_host, &config->kube_token,
                           &config->kube_ca};
    for (size_t i = 0; i < ARRAY_LEN(owned); i++)
        str_free(owned[i]);
}
