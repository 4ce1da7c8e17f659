#include "sim/kubeapi/containers/tty.h"

#define KEY_INTERRUPT '\x03'
#define KEY_END       '\x04'
#define KEY_BACK      '\b'
#define KEY_DELETE    '\x7f'

void tty_write(struct buf *out, struct str bytes)
{
    struct str line;
    bool more = bytes.n > 0;
    while (more) {
        more = str_cut(bytes, '\n', &line, &bytes);
        buf_add(out, line);
        if (more)
            buf_add_c(out, "\r\n");
        more = more && bytes.n > 0;
    }
}

static void finish(struct tty *t, struct buf *in, bool newline)
{
    buf_add(in, (struct str){t->line, t->n});
    if (newline)
        buf_add_char(in, '\n');
    t->n = 0;
}

enum tty_event tty_key(struct tty *t, char key, struct buf *in, struct buf *echo)
{
    switch (key) {
    case KEY_INTERRUPT:
        t->n = 0;
        buf_add_c(echo, "^C\r\n");
        return TTY_INTERRUPT;
    case KEY_END:
        if (t->n == 0)
            return TTY_END;
        finish(t, in, false);
        return TTY_NOTHING;
    case KEY_BACK:
    case KEY_DELETE:
        if (t->n > 0) {
            t->n--;
            buf_add_c(echo, "\b \b");
        }
        return TTY_NOTHING;
    case '\r':
    case '\n':
        buf_add_c(echo, "\r\n");
        finish(t, in, true);
        return TTY_NOTHING;
    default:
        if (t->n == TTY_LINE_MAX)
            return TTY_NOTHING;
        t->line[t->n++] = key;
        buf_add_char(echo, key);
        return TTY_NOTHING;
    }
}
