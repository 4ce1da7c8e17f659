/* Settings, and the few of them that agents may read. */
#include "engine/api/api_internal.h"

#include "engine/kube/served.h"

struct str api_setting(const struct api *a, struct arena *arena, const char *name)
{
    struct kube_object *o = kube_informer_get(a->settings, str_c(name));
    if (!o)
        return str_empty;
    cJSON *tree = kube_object_tree(o, arena);
    struct str value = json_string_at(tree, "value");
    return value.n ? value : json_string_at(tree, "default");
}

void api_settings_handle(struct api *a, struct http_exchange *x, struct str name)
{
    struct arena arena = {0};
    struct buf body = {0};
    if (!str_eq_c(name, "cacerts")) {
        api_error(x, 401, "Unauthorized", "must authenticate");
        return;
    }
    struct str value = api_setting(a, &arena, "cacerts");
    buf_add_c(&body, "{\"baseType\":\"setting\",\"customized\":false,\"default\":\"\","
                     "\"id\":\"cacerts\",\"name\":\"cacerts\",\"source\":\"db\","
                     "\"type\":\"setting\",\"value\":");
    json_write_string(&body, value);
    buf_add_char(&body, '}');
    kube_served_answer(x, 200, "application/json", a->settings, buf_str(&body));
    buf_free(&body);
    arena_free(&arena);
}

void api_cacerts_handle(struct api *a, struct http_exchange *x)
{
    struct arena arena = {0};
    kube_served_answer(x, 200, "text/plain; charset=utf-8", a->settings,
                       api_setting(a, &arena, "cacerts"));
    arena_free(&arena);
}
