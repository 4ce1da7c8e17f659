/* The log sink of real programs: logfmt lines on stderr, one write a line. */
#include "engine/world/uv/uv_internal.h"

#include <time.h>
#include <unistd.h>

#define LINE_BYTES_MAX ((size_t)16 << 10)

/* A logfmt value: quoted, with quotes, backslashes and control characters escaped. */
static void add_quoted(struct buf *line, struct str text)
{
    buf_add_char(line, '"');
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c == '"' || c == '\\')
            buf_addf(line, "\\%c", c);
        else if (c == '\n')
            buf_add_c(line, "\\n");
        else if (c < 0x20 || c == 0x7f)
            buf_addf(line, "\\x%02x", c);
        else
            buf_add_char(line, (char)c);
    }
    buf_add_char(line, '"');
}

void uvw_log_line(struct log_sink *sink, enum log_level level, struct str component,
                  struct str message)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    struct buf line = {.max = LINE_BYTES_MAX};
    buf_add_c(&line, "time=");
    rfc3339_format_micro(&line, ts.tv_sec * NS_PER_S + ts.tv_nsec);
    buf_addf(&line, " level=%s component=" STR_FMT " msg=", log_level_name(level),
             STR_ARG(component));
    add_quoted(&line, message);
    if (!buf_ok(&line))
        line.n--;
    buf_add_char(&line, '\n');
    ssize_t written = write(STDERR_FILENO, line.p, line.n);
    (void)written; /* a log that cannot be written cannot be logged */
    buf_free(&line);
}
