/* paddock completion, paddock man: what shells and readers get out of the tables of the commands. */
#include "engine/cli/cli.h"
#include "engine/cmdline/completion.h"
#include "engine/cmdline/manual.h"

int command_completion(struct shell *sh)
{
    const struct cmdline_values *words = &sh->options.arguments;
    struct buf out = {0};
    if (words->n != 1)
        return shell_usage_error(
            err_new(ERR_INVALID, "completion is asked for one shell: " COMPLETION_SHELLS));
    struct err *err = completion_write(sh->options.path[0], words->v[0], &out);
    if (err)
        return shell_usage_error(err);
    shell_print(stdout, &out);
    return EXIT_HELD;
}

int command_man(struct shell *sh)
{
    struct buf out = {0};
    manual_write(sh->options.path[0], PADDOCK_VERSION, "paddock-sim(1)", &out);
    shell_print(stdout, &out);
    return EXIT_HELD;
}
