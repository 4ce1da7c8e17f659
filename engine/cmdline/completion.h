/* completion: what shells need to know to complete a program's command lines, from the same tables as its parser.
 *
 *   tree of commands ─► place ("", "/tunnel", "/tunnel/serve", ...) ─► its commands, or its options with what they take
 *
 * An option's value is a file where its name in the help says so (FILE, DIR); of --color the three words; of the others
 * nothing is offered. A command that takes arguments completes files, or the words its tail lists ("bash|zsh|fish").
 * Errors: ERR_INVALID: a shell that is not known. */
#ifndef PADDOCK_ENGINE_CMDLINE_COMPLETION_H
#define PADDOCK_ENGINE_CMDLINE_COMPLETION_H

#include "engine/cmdline/cmdline.h"

#define COMPLETION_SHELLS "bash|zsh|fish"

/* out: a script that the shell sources, or finds in its folder of completions. */
struct err *completion_write(const struct cmdline_command *root, struct str shell,
                             struct buf *out) must_check;

#endif
