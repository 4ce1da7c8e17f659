/* manual: a program's manual page (roff, man(7)), from the same tables as its parser.
 * Ownership: nothing is kept. */
#ifndef PADDOCK_ENGINE_CMDLINE_MANUAL_H
#define PADDOCK_ENGINE_CMDLINE_MANUAL_H

#include "engine/cmdline/cmdline.h"

/* version: "0.1.0". see_also: names of other pages, "paddock-sim(1)"; NULL: none. */
void manual_write(const struct cmdline_command *root, const char *version, const char *see_also,
                  struct buf *out);

#endif
