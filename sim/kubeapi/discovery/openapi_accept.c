/* The form of an OpenAPI document, by the Accept header. */
#include "sim/kubeapi/discovery/openapi.h"

bool openapi_negotiate(const struct api_request *r, const char *messages,
                       const char *messages_answer, bool *wants_messages)
{
    struct str rest = r->accept, entry, type, tail;
    *wants_messages = false;
    if (str_trim(rest).n == 0)
        return true;
    while (rest.n > 0) {
        (void)str_cut(rest, ',', &entry, &rest);
        (void)str_cut(str_trim(entry), ';', &type, &tail);
        *wants_messages = str_eq_c(type, messages) || str_eq_c(type, messages_answer);
        if (*wants_messages || str_eq_c(type, "application/json") || str_eq_c(type, "*/*") ||
            str_eq_c(type, "application/*"))
            return true;
    }
    return false;
}
