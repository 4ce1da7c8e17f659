#include "sim/kubeapi/core/request.h"

#include "engine/base/codec.h"

bool api_request_param_next(struct api_request *r, const char *name, struct str *rest,
                            struct str *value)
{
    struct str pair, key, raw;
    while (rest->n > 0) {
        (void)str_cut(*rest, '&', &pair, rest);
        if (!str_cut(pair, '=', &key, &raw))
            raw = str_empty;
        if (!str_eq_c(key, name))
            continue;
        struct buf b = {.max = raw.n + 1};
        *value = percent_decode(&b, raw, true) ? arena_str(&r->a, buf_str(&b)) : raw;
        buf_free(&b);
        return true;
    }
    return false;
}

bool api_request_param(struct api_request *r, const char *name, struct str *value)
{
    struct str rest = r->query;
    return api_request_param_next(r, name, &rest, value);
}

struct str api_request_param_or_empty(struct api_request *r, const char *name)
{
    struct str value;
    return api_request_param(r, name, &value) ? value : str_empty;
}

bool api_request_flag(struct api_request *r, const char *name)
{
    struct str v;
    return api_request_param(r, name, &v) && !str_eq_c(v, "0") && !str_eq_nocase(v, STR("false"));
}

bool api_request_writes(const struct api_request *r)
{
    return r->verb == VERB_CREATE || r->verb == VERB_UPDATE || r->verb == VERB_PATCH ||
           r->verb == VERB_DELETE || r->verb == VERB_DELETECOLLECTION;
}

void api_request_clear(struct api_request *r)
{
    kube_object_unref(r->held);
    buf_free(&r->out);
    buf_free(&r->warnings);
    buf_free(&r->out_headers);
    arena_free(&r->a);
}
