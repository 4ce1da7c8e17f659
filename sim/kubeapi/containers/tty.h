/* tty: what a terminal's line discipline does between a keyboard and a program: lines are put together and echoed,
 * erased, interrupted; what is written gets its carriage returns. Private to this folder. */
#ifndef PADDOCK_SIM_KUBEAPI_CONTAINERS_TTY_H
#define PADDOCK_SIM_KUBEAPI_CONTAINERS_TTY_H

#include "engine/base/str.h"

#define TTY_LINE_MAX 4096u /* keys beyond are not taken */

enum tty_event { TTY_NOTHING, TTY_INTERRUPT, TTY_END /* ^D on an empty line */ };

struct tty {
    char line[TTY_LINE_MAX];
    size_t n;
};

/* One key. Finished lines go to `in`, what is seen of it to `echo`. */
enum tty_event tty_key(struct tty *t, char key, struct buf *in, struct buf *echo);
/* "\n" → "\r\n" */
void tty_write(struct buf *out, struct str bytes);

#endif
