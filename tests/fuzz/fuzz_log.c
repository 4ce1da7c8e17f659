/* Log lines of any bytes: one line, valid UTF-8, no control characters, bounded; JSON is read back by the strict reader and
 * holds what was logged and nothing else; logfmt has the keys that were given, once each, outside of quotes. */
#include "engine/base/json_internal.h"
#include "engine/base/log.h"

#include <stdlib.h>

#define LINE_MAX_BYTES (LOG_MESSAGE_BYTES_MAX + 4 * (LOG_VALUE_BYTES_MAX + LOG_KEY_BYTES_MAX) + 256)

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check_line(struct str line)
{
    must(line.n > 0 && line.n <= LINE_MAX_BYTES && line.p[line.n - 1] == '\n');
    for (const char *p = line.p, *end = line.p + line.n - 1; p < end;) {
        size_t n = json_utf8_length(p, end);
        must(n > 0 && (unsigned char)*p >= 0x20 && *p != 0x7f);
        must(n != 2 || (unsigned char)*p != 0xc2 || (unsigned char)p[1] >= 0xa0);
        p += n;
    }
}

/* Pairs outside of quotes. */
static size_t count_pairs(struct str line)
{
    size_t n = 0;
    bool quoted = false;
    for (size_t i = 0; i < line.n; i++) {
        if (quoted && line.p[i] == '\\')
            i++;
        else if (line.p[i] == '"')
            quoted = !quoted;
        else if (!quoted && line.p[i] == '=')
            n++;
    }
    must(!quoted);
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct str all = {(const char *)bytes, n}, message, rest, value, key;
    (void)str_cut(all, '|', &message, &rest);
    (void)str_cut(rest, '|', &key, &value);
    char *name = str_dup_c(key);
    struct log_field fields[] = {{"request_id", value}, {"msg", value}, {name, message}};
    struct log_record r = {.level = LOG_INFO,
                           .component = value,
                           .message = message,
                           .fields = fields,
                           .fields_n = ARRAY_LEN(fields)};
    struct buf json = {0}, text = {0};
    struct arena a = {0};
    cJSON *tree = NULL;
    log_record_write(&json, LOG_JSON, &r);
    log_record_write(&text, LOG_LOGFMT, &r);
    check_line(buf_str(&json));
    check_line(buf_str(&text));
    struct err *err = json_parse(&a, str_sub(buf_str(&json), 0, json.n - 1), &tree);
    /* A key of other bytes may come out as another one: then there are two of them. */
    must(!err || name[0] != '\0');
    must(err || json_is_string(json_get(tree, "msg")));
    must(err || str_eq_c(json_string(json_get(tree, "level")), "info"));
    size_t pairs = count_pairs(buf_str(&text));
    must(pairs == 5 || pairs == 6);
    err_free(err);
    arena_free(&a);
    buf_free(&json);
    buf_free(&text);
    mem_free(name);
    return 0;
}
