/* The log sink of real programs: lines on stderr, one write a line. */
#include "engine/world/uv/uv_internal.h"

#include <time.h>
#include <unistd.h>

void uvw_log_line(struct log_sink *sink, const struct log_record *record)
{
    const struct uv_world *uv = container_of(sink, struct uv_world, own_log);
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    struct log_record stamped = *record;
    struct buf line = {0};
    stamped.unix_ns = ts.tv_sec * NS_PER_S + ts.tv_nsec;
    log_record_write(&line, uv->log_format, &stamped);
    ssize_t written = write(STDERR_FILENO, line.p, line.n);
    (void)written; /* a log that cannot be written cannot be logged */
    buf_free(&line);
}
