/* The shapes in which every part of the API answers. */
#include "engine/api/api_internal.h"

void api_error(struct http_exchange *x, int status, const char *code, const char *fmt, ...)
{
    struct buf message = {0}, body = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_addv(&message, fmt, ap);
    va_end(ap);
    buf_addf(&body, "{\"type\":\"error\",\"status\":\"%d\",\"code\":\"%s\",\"message\":", status,
             code);
    json_write_string(&body, buf_str(&message));
    buf_add_char(&body, '}');
    http_answer(x, status, "application/json", NULL, buf_str(&body));
    buf_free(&message);
    buf_free(&body);
}

void api_text(struct http_exchange *x, int status, struct str body)
{
    http_answer(x, status, "text/plain; charset=utf-8", NULL, body);
}
