#include "engine/base/log.h"

#define LOG_LINE_BYTES_MAX 8192u

void log_write(const struct log *l, enum log_level level, const char *fmt, ...)
{
    if (!l->sink || level > l->sink->level)
        return;
    struct buf message = {.max = LOG_LINE_BYTES_MAX};
    va_list ap;
    va_start(ap, fmt);
    buf_addv(&message, fmt, ap);
    va_end(ap);
    l->sink->line(l->sink, level, l->component, buf_str(&message));
    buf_free(&message);
}

const char *log_level_name(enum log_level level)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    BUG_ON((unsigned)level >= ARRAY_LEN(names), "a level is known");
    return names[level];
}
