/* log: levelled structured lines: a message and key=value fields. A `struct log` belongs to one component and knows
 * where lines go (a sink function with its owner); there is no global logger. Time is given by the sink's side.
 * Cost: a line below the level costs one comparison (the macro does not evaluate its arguments).
 *
 * As text a line is logfmt or a JSON object (log_record_write): ts, level, component, msg, then the fields. Whatever the
 * bytes of a message or a value are, the line is one line, valid UTF-8, and says nothing that was not logged: control
 * characters and line separators are escaped, what is no UTF-8 becomes U+FFFD. Bounds: below. */
#ifndef PADDOCK_ENGINE_BASE_LOG_H
#define PADDOCK_ENGINE_BASE_LOG_H

#include "engine/base/str.h"

#define LOG_MESSAGE_BYTES_MAX ((size_t)8 << 10) /* as written; longer ones end in "..." */
#define LOG_VALUE_BYTES_MAX   ((size_t)1 << 10)
#define LOG_KEY_BYTES_MAX     ((size_t)64)
#define LOG_FIELDS_MAX        16u

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_LOGFMT, LOG_JSON };

struct log_field {
    const char
        *key; /* "request_id": other bytes than letters, digits, _ . and - are written as _ */
    struct str value;
};
struct log_record {
    int64_t unix_ns; /* the sink's to fill in */
    enum log_level level;
    struct str component, message;
    const struct log_field *fields;
    size_t fields_n;
};

struct log_sink {
    void (*line)(struct log_sink *sink, const struct log_record *record); /* borrowed */
    enum log_level level; /* lines above it are not made */
};
struct log {
    struct log_sink *sink; /* NULL: silent */
    struct str component;  /* borrowed: outlives the log */
};

void log_write(const struct log *l, enum log_level level, const char *fmt, ...) printf_like(3, 4);
/* The same with context; `fields` is an array. */
void log_write_with(const struct log *l, enum log_level level, const struct log_field *fields,
                    size_t fields_n, const char *fmt, ...) printf_like(5, 6);
#define log_at(l, lvl, ...)                                                                        \
    ((l)->sink && (lvl) <= (l)->sink->level ? log_write((l), (lvl), __VA_ARGS__) : (void)0)
#define log_at_with(l, lvl, fields, ...)                                                           \
    ((l)->sink && (lvl) <= (l)->sink->level                                                        \
         ? log_write_with((l), (lvl), (fields), ARRAY_LEN(fields), __VA_ARGS__)                    \
         : (void)0)
#define log_error(l, ...) log_at(l, LOG_ERROR, __VA_ARGS__)
#define log_warn(l, ...)  log_at(l, LOG_WARN, __VA_ARGS__)
#define log_info(l, ...)  log_at(l, LOG_INFO, __VA_ARGS__)
#define log_debug(l, ...) log_at(l, LOG_DEBUG, __VA_ARGS__)
const char *log_level_name(enum log_level level);

/* Appends the line with its line end. */
void log_record_write(struct buf *out, enum log_format format, const struct log_record *record);

#endif
