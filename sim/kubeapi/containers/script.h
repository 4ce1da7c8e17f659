/* script: the shell's language, as little of it as people type into a container: words with quotes and $variables,
 * `;` `&&` `||`, and output sent elsewhere (>&2 1>&2 2>&1 >/dev/null 2>/dev/null). Private to this folder.
 * Commands are read one at a time, when they are due: $? is that of the one before. */
#ifndef PADDOCK_SIM_KUBEAPI_CONTAINERS_SCRIPT_H
#define PADDOCK_SIM_KUBEAPI_CONTAINERS_SCRIPT_H

#include "engine/base/arena.h"
#include "sim/kubeapi/containers/container.h"

#define SCRIPT_WORD_MAX 65536u

enum script_join { SCRIPT_ALWAYS, SCRIPT_AND, SCRIPT_OR };
enum script_target { SCRIPT_OWN, SCRIPT_OTHER, SCRIPT_NULL };

struct script_command {
    struct str *words; /* PROGRAM_WORDS_MAX, in the arena */
    size_t n;
    enum script_join next; /* how the one behind it depends on this one */
    enum script_target out, err;
};
struct script_values {
    const struct container *container;
    int last; /* $? */
};

/* Takes the next command from the front of *rest; without words: there was only a separator. False: not understood, and
 * *problem says what. */
bool script_next(struct arena *a, struct str *rest, const struct script_values *values,
                 struct script_command *out, const char **problem);

#endif
