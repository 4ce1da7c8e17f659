/* Environment and mounted files of a cluster agent. */
#include "engine/agents/cluster/config.h"

#include "engine/manifests/agent_manifest.h"

const struct agent_places agent_places_pod = {
    .token = STR_INIT(AGENT_FILE_TOKEN),
    .url = STR_INIT(AGENT_FILE_URL),
    .account_token = STR_INIT(AGENT_FILE_SA_TOKEN),
    .account_ca = STR_INIT(AGENT_FILE_SA_CA),
    .server_ca = STR_INIT(AGENT_FILE_SERVER_CA),
    .connected = STR_INIT(AGENT_FILE_CONNECTED),
};

struct agent_config_load {
    struct world *world;
    const struct agent_places *places;
    struct agent_config *config;
    struct world_file *file;
    struct world_timer *told; /* when there was nothing to read */
    size_t step;
    void (*done)(void *owner, const struct err *err);
    void *owner;
};

/* In order; a file that is missing fails the start unless the environment already said it. */
static const struct {
    size_t path;   /* of the struct str in agent_places */
    size_t offset; /* of the struct str in agent_config */
    bool account;  /* a given context stands for it */
} files[] = {
    {offsetof(struct agent_places, token), offsetof(struct agent_config, token), false},
    {offsetof(struct agent_places, url), offsetof(struct agent_config, server_text), false},
    {offsetof(struct agent_places, account_token), offsetof(struct agent_config, kube_token), true},
    {offsetof(struct agent_places, account_ca), offsetof(struct agent_config, kube_ca), true},
};

static void read_next(struct agent_config_load *load);

static void finish(struct agent_config_load *load, struct err *take_err)
{
    void (*done)(void *, const struct err *) = load->done;
    void *owner = load->owner;
    agent_config_cancel(load);
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

static struct str path_of(const struct agent_config_load *load, size_t i)
{
    return *(const struct str *)(const void *)((const char *)load->places + files[i].path);
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
        finish(load, err_wrap(err_copy(err), ERR_INVALID, "cannot read " STR_FMT ": is it mounted?",
                              STR_ARG(path_of(load, load->step))));
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
    while (load->step < ARRAY_LEN(files) &&
           (slot(load, load->step)->n || (files[load->step].account && load->places->kube)))
        load->step++;
    if (load->step == ARRAY_LEN(files))
        finish(load, check(load->config));
    else
        load->file = world_file_read(load->world, path_of(load, load->step), on_file, load);
}

static bool reads_something(struct agent_config_load *load)
{
    return !load->places->kube || load->config->token.n == 0 || load->config->server_text.n == 0;
}

static void on_told(void *owner)
{
    read_next(owner);
}

/* The cluster's API as it was given; otherwise as the kubelet tells it. */
static void take_kube(struct world *w, const struct kube_context *kube, struct agent_config *config)
{
    uint64_t port = 0;
    config->kube_port = 443;
    if (kube) {
        config->kube_host = str_dup(str_c(kube->address.host));
        config->kube_port = kube->address.port;
        config->kube_token = str_dup(kube->token);
        config->kube_ca = str_dup(kube->ca_pem);
        return;
    }
    config->kube_host = str_dup(world_env(w, "KUBERNETES_SERVICE_HOST"));
    if (str_to_u64(world_env(w, "KUBERNETES_SERVICE_PORT"), &port) && port > 0 && port < 65536)
        config->kube_port = (uint16_t)port;
}

struct agent_config_load *agent_config_load(struct world *w, const struct agent_places *places,
                                            struct agent_config *config,
                                            void (*done)(void *owner, const struct err *err),
                                            void *owner)
{
    *config = (struct agent_config){0};
    config->token = str_dup(world_env(w, "CATTLE_TOKEN"));
    config->server_text = str_dup(world_env(w, "CATTLE_SERVER"));
    config->ca_checksum = str_dup(world_env(w, "CATTLE_CA_CHECKSUM"));
    config->name = str_dup(world_env(w, "HOSTNAME"));
    config->strict = str_eq_c(world_env(w, "STRICT_VERIFY"), "true");
    take_kube(w, places->kube, config);
    struct agent_config_load *load = MEM_NEW(struct agent_config_load);
    load->world = w;
    load->places = places;
    load->config = config;
    load->done = done;
    load->owner = owner;
    if (reads_something(load)) {
        read_next(load);
        return load;
    }
    load->told = world_timer_new(w, on_told, load); /* never from inside this call */
    world_timer_start(load->told, 0);
    return load;
}

void agent_config_cancel(struct agent_config_load *load)
{
    if (!load)
        return;
    world_file_cancel(load->file);
    world_timer_free(load->told);
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
