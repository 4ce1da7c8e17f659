/* Goal: whatever stands in a file of objects (YAML or JSON, several documents), loading it into a server ends, with all of
 * them made or an error that says which was not; and whatever words follow the program's name, they are understood or
 * refused. Input: the first byte chooses. */
#include "sim/cli/preload.h"
#include "sim/kubeapi/kubeapi.h"
#include "sim/scenario/suite/options.h"
#include "sim/world/process.h"

#define BYTES_MAX 4096u
#define WORDS_MAX 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void load(struct str text)
{
    static const struct kubeapi_options options = {.name = STR_INIT("fuzz"), .bare = true};
    struct sim_options world = {.seed = 1, .trace_off = true, .log_level = LOG_ERROR};
    struct sim *sim = sim_new(&world);
    struct sim_host_options host = {STR("api"), STR("10.0.0.1"), STR("site")};
    struct sim_process_options process = {.name = STR("api"), .host = sim_host_new(sim, &host)};
    struct sim_process *p = sim_process_new(sim, &process);
    err_ignore(sim_process_start(p));
    struct kubeapi *api = kubeapi_new(sim_process_world(p), &options);
    size_t count = 0;
    struct err *err = preload(api, STR("f.yaml"), text, &count);
    BUG_ON(err && err->message[0] == 0, "an error says something");
    err_free(err);
    kubeapi_free(api);
    sim_free(sim);
}

static void words(struct str text)
{
    struct arena a = {0};
    char *argv[WORDS_MAX + 1] = {arena_c(&a, STR("paddock-sim"))};
    struct options options;
    int argc = 1;
    struct str word;
    for (bool more = text.n > 0; more && argc < WORDS_MAX; argc++) {
        more = str_cut(text, '\n', &word, &text);
        argv[argc] = arena_c(&a, word);
    }
    struct err *err = options_parse(&a, argc, argv, &options);
    BUG_ON(err && err->message[0] == 0, "an error says something");
    err_free(err);
    arena_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct str rest = {(const char *)data + 1, size - 1 < BYTES_MAX ? size - 1 : BYTES_MAX};
    if (data[0] & 1)
        words(rest);
    else
        load(rest);
    return 0;
}
