#include "engine/base/log.h"

static void write_v(const struct log *l, struct log_record *record, const char *fmt, va_list ap)
    printf_like(3, 0);

static void write_v(const struct log *l, struct log_record *record, const char *fmt, va_list ap)
{
    struct buf message = {.max = LOG_MESSAGE_BYTES_MAX};
    buf_addv(&message, fmt, ap);
    record->component = l->component;
    record->message = buf_str(&message);
    l->sink->line(l->sink, record);
    buf_free(&message);
}

void log_write(const struct log *l, enum log_level level, const char *fmt, ...)
{
    if (!l->sink || level > l->sink->level)
        return;
    struct log_record record = {.level = level};
    va_list ap;
    va_start(ap, fmt);
    write_v(l, &record, fmt, ap);
    va_end(ap);
}

void log_write_with(const struct log *l, enum log_level level, const struct log_field *fields,
                    size_t fields_n, const char *fmt, ...)
{
    if (!l->sink || level > l->sink->level)
        return;
    struct log_record record = {.level = level, .fields = fields, .fields_n = fields_n};
    va_list ap;
    va_start(ap, fmt);
    write_v(l, &record, fmt, ap);
    va_end(ap);
}

const char *log_level_name(enum log_level level)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    BUG_ON((unsigned)level >= ARRAY_LEN(names), "a level is known");
    return names[level];
}
