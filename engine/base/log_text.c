/* Lines as text. Both formats quote and escape in the same way, that of JSON, so that what is safe in one is in the other. */
#include "engine/base/json_internal.h"
#include "engine/base/log.h"
#include "engine/base/timefmt.h"

#define ELLIPSIS "..."

/* Readers of lines end them at these too: NEL, LINE SEPARATOR, PARAGRAPH SEPARATOR; and the other C1 controls may steer
 * a terminal. p[0..n) is one well-formed sequence. */
static bool is_unsafe(const char *p, size_t n)
{
    unsigned char a = (unsigned char)p[0], b = n > 1 ? (unsigned char)p[1] : 0;
    if (n == 1)
        return a < 0x20 || a == 0x7f;
    if (n == 2)
        return a == 0xc2 && b < 0xa0;
    return n == 3 && a == 0xe2 && b == 0x80 &&
           ((unsigned char)p[2] == 0xa8 || (unsigned char)p[2] == 0xa9);
}

static unsigned code_point(const char *p, size_t n)
{
    unsigned code = (unsigned char)p[0];
    if (n > 1)
        code &= n == 2 ? 0x1fu : 0x0fu;
    for (size_t i = 1; i < n; i++)
        code = code << 6 | ((unsigned char)p[i] & 0x3fu);
    return code;
}

/* One character, as it is written. */
static void add_character(struct buf *out, const char *p, size_t n)
{
    if (n == 0)
        buf_add_c(out, "\xef\xbf\xbd");
    else if (*p == '"' || *p == '\\')
        buf_addf(out, "\\%c", *p);
    else if (*p == '\n')
        buf_add_c(out, "\\n");
    else if (*p == '\t')
        buf_add_c(out, "\\t");
    else if (is_unsafe(p, n))
        buf_addf(out, "\\u%04x", code_point(p, n));
    else
        buf_add(out, (struct str){p, n});
}

static void add_quoted(struct buf *out, struct str text, size_t bytes_max)
{
    const char *end = text.p + text.n;
    size_t limit = out->n + bytes_max;
    buf_add_char(out, '"');
    for (const char *p = text.p; p < end;) {
        size_t before = out->n, n = json_utf8_length(p, end);
        add_character(out, p, n);
        if (out->n > limit) {
            out->n = before;
            buf_add_c(out, ELLIPSIS);
            break;
        }
        p += n ? n : 1;
    }
    buf_add_char(out, '"');
}

/* What needs no quotes in logfmt. */
static bool is_bare(struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] <= ' ' || text.p[i] >= 0x7f || text.p[i] == '"' || text.p[i] == '=' ||
            text.p[i] == '\\')
            return false;
    return text.n > 0 && text.n <= LOG_VALUE_BYTES_MAX;
}

static void add_key(struct buf *out, enum log_format format, struct str key)
{
    bool json = format == LOG_JSON;
    key = str_sub(key, 0, LOG_KEY_BYTES_MAX);
    buf_add_c(out, json ? ",\"" : " ");
    for (size_t i = 0; i < key.n; i++) {
        char c = key.p[i], lower = (char)(c | 0x20);
        bool good = (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
                    c == '.' || c == '-';
        buf_add_char(out, good ? c : '_');
    }
    buf_add_c(out, key.n == 0 ? "_" : "");
    buf_add_c(out, json ? "\":" : "=");
}

static void add_value(struct buf *out, enum log_format format, struct str value)
{
    if (format == LOG_LOGFMT && is_bare(value))
        buf_add(out, value);
    else
        add_quoted(out, value, LOG_VALUE_BYTES_MAX);
}

static void add_pair(struct buf *out, enum log_format format, const char *key, struct str value)
{
    add_key(out, format, str_c(key));
    add_value(out, format, value);
}

/* Ours, whatever a caller calls its own. */
static bool is_taken(const struct log_record *r, size_t i)
{
    static const char *const ours[] = {"ts", "level", "component", "msg"};
    for (size_t k = 0; k < ARRAY_LEN(ours); k++)
        if (strcmp(r->fields[i].key, ours[k]) == 0)
            return true;
    for (size_t k = 0; k < i; k++)
        if (strcmp(r->fields[i].key, r->fields[k].key) == 0)
            return true;
    return false;
}

void log_record_write(struct buf *out, enum log_format format, const struct log_record *r)
{
    struct buf ts = {0};
    rfc3339_format_micro(&ts, r->unix_ns);
    buf_add_c(out, format == LOG_JSON ? "{\"ts\":\"" : "ts=");
    buf_add(out, buf_str(&ts));
    buf_add_c(out, format == LOG_JSON ? "\"" : "");
    add_pair(out, format, "level", str_c(log_level_name(r->level)));
    add_pair(out, format, "component", r->component);
    add_key(out, format, STR("msg"));
    add_quoted(out, r->message, LOG_MESSAGE_BYTES_MAX);
    for (size_t i = 0; i < r->fields_n && i < LOG_FIELDS_MAX; i++)
        if (!is_taken(r, i))
            add_pair(out, format, r->fields[i].key, r->fields[i].value);
    buf_add_c(out, format == LOG_JSON ? "}\n" : "\n");
    buf_free(&ts);
}
