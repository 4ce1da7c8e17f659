/* Goal: whatever somebody types into a simulated container, or sends to its ports, its programs keep to their bounds and end.
 * Input: the first byte chooses the program (a shell's script, a shell on a terminal, an HTTP port, an echo port, any command
 * with its words apart by NULs); the rest is what it gets. */
#include "sim/kubeapi/containers/program.h"

#define ROUNDS    200
#define ROOM      4096u
#define SLACK     ((size_t)256 << 10) /* one line or word may be longer than the room */
#define INPUT_MAX 32768u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct program *make(const struct container *c, uint8_t kind, struct str in)
{
    const struct container_port http = {str_empty, 80}, echo = {STR("echo"), 7};
    struct str argv[PROGRAM_WORDS_MAX] = {STR("sh"), STR("-c")};
    size_t n = 0;
    switch (kind % 6) {
    case 0:
        argv[2] = in;
        return program_exec(c, argv, 3, false);
    case 1:
        return program_exec(c, argv, 1, true);
    case 2:
        return program_port(&http, STR("web"));
    case 3:
        return program_port(&echo, STR("web"));
    case 4:
        return program_main(c, NS_PER_S, (kind & 64) != 0);
    default:
        while (in.n > 0 && n < PROGRAM_WORDS_MAX)
            (void)str_cut(in, '\0', &argv[n++], &in);
        return n > 0 ? program_exec(c, argv, n, (kind & 64) != 0) : NULL;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct container_variable env[] = {{STR("A"), STR("b")}};
    struct container c = {.pod = STR("web"), .name = STR("c"), .env = env, .env_n = 1};
    if (size < 1 || size > INPUT_MAX)
        return 0;
    c.log = (struct clog){.name = c.name, .ended = -1, .every = NS_PER_MS};
    c.stdin_open = data[0] & 128;
    struct str in = {(const char *)data + 1, size - 1};
    struct program *p = make(&c, data[0], in);
    struct program_output o = {.max = ROOM};
    int code = 0;
    for (int i = 0; p && i < ROUNDS && !program_exited(p, &code); i++) {
        size_t half = in.n / 2;
        if (i < 2)
            program_input(p, i ? str_sub(in, half, in.n) : str_sub(in, 0, half));
        if (i == 3)
            program_input_end(p);
        program_resize(p, (unsigned)i, 7);
        (void)program_run(p, (int64_t)i * NS_PER_S, &o);
        BUG_ON(o.out.n + o.err.n > ROOM + SLACK, "a run writes little more than it may");
        buf_clear(&o.out);
        buf_clear(&o.err);
    }
    BUG_ON(code < 0 || code > 255, "an exit code is a byte");
    buf_free(&o.out);
    buf_free(&o.err);
    program_free(p);
    return 0;
}
