/* log: levelled structured lines: a message and key=value fields. A `struct log` belongs to one component and knows
 * where lines go (a sink function with its owner); there is no global logger. Time is given by the sink's side.
 * Cost: a line below the level costs one comparison (the macro does not evaluate its arguments). */
#ifndef PADDOCK_ENGINE_BASE_LOG_H
#define PADDOCK_ENGINE_BASE_LOG_H

#include "engine/base/str.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

struct log_sink {
    void (*line)(struct log_sink *sink, enum log_level level, struct str component,
                 struct str message);
    enum log_level level; /* lines above it are not made */
};
struct log {
    struct log_sink *sink; /* NULL: silent */
    struct str component;  /* borrowed: outlives the log */
};

void log_write(const struct log *l, enum log_level level, const char *fmt, ...) printf_like(3, 4);
#define log_at(l, lvl, ...)                                                                        \
    ((l)->sink && (lvl) <= (l)->sink->level ? log_write((l), (lvl), __VA_ARGS__) : (void)0)
#define log_error(l, ...) log_at(l, LOG_ERROR, __VA_ARGS__)
#define log_warn(l, ...)  log_at(l, LOG_WARN, __VA_ARGS__)
#define log_info(l, ...)  log_at(l, LOG_INFO, __VA_ARGS__)
#define log_debug(l, ...) log_at(l, LOG_DEBUG, __VA_ARGS__)
const char *log_level_name(enum log_level level);

#endif
