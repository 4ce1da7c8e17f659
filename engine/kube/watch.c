/* Watches: a streamed answer cut into lines; each line is one event. */
#include "engine/kube/client_internal.h"

#include "engine/kube/status.h"

#include <string.h>

static void watch_release(struct kube_watch *watch)
{
    list_remove(&watch->node);
    world_timer_free(watch->deadline);
    watch->dead = true;
    if (watch->busy)
        return; /* on_watch_data is still on the stack: it frees */
    buf_free(&watch->line);
    mem_free(watch);
}

/* The stream's end towards the owner; the handle is gone afterwards. */
static void watch_end(struct kube_watch *watch, const struct err *err)
{
    struct kube_watch_handler handler = watch->handler;
    void *owner = watch->owner;
    http_call_cancel(watch->http);
    watch_release(watch);
    handler.done(owner, err);
}

static void watch_end_take(struct kube_watch *watch, struct err *take_err)
{
    watch_end(watch, take_err);
    err_free(take_err);
}

/* The server's usual form is {"type":"T","object":{...}}: the object's bytes are then known without a tree. */
static bool split_event(struct str line, struct str *type, struct str *object)
{
    static const struct str head = STR_INIT("{\"type\":\""), middle = STR_INIT("\",\"object\":");
    if (!str_starts(line, head) || line.p[line.n - 1] != '}')
        return false;
    struct str rest = str_sub(line, head.n, line.n);
    ptrdiff_t quote = str_find_char(rest, '"');
    if (quote < 0 || !str_starts(str_sub(rest, (size_t)quote, rest.n), middle))
        return false;
    *type = str_sub(rest, 0, (size_t)quote);
    size_t from = (size_t)quote + middle.n;
    *object = str_sub(rest, from, rest.n - from - 1);
    return true;
}

static const struct {
    const char *name;
    enum kube_event type;
} event_types[] = {{"ADDED", KUBE_ADDED},
                   {"MODIFIED", KUBE_MODIFIED},
                   {"DELETED", KUBE_DELETED},
                   {"BOOKMARK", KUBE_BOOKMARK}};

/* An ERROR event carries a Status; its code field is the HTTP status that it stands for. */
static struct err *error_of_event(struct str object)
{
    struct arena a = {0};
    cJSON *tree = NULL;
    struct err *err = json_parse(&a, object, &tree);
    if (!err)
        err = kube_status_to_err((int)json_int_at(tree, "code", 500), object);
    arena_free(&a);
    return err;
}

static struct err *decode_event(struct str line, enum kube_event *type, struct kube_object **object)
{
    struct str name, json;
    struct buf copy = {0};
    if (!split_event(line, &name, &json)) { /* another order of members: through a tree */
        struct arena a = {0};
        cJSON *tree = NULL;
        struct err *err = json_parse(&a, line, &tree);
        if (err) {
            arena_free(&a);
            return err_wrap(err, ERR_PROTOCOL, "a watch event is not JSON");
        }
        buf_add(&copy, json_string_at(tree, "type"));
        size_t type_n = copy.n;
        if (json_get(tree, "object"))
            json_write(&copy, json_get(tree, "object"));
        name = str_sub(buf_str(&copy), 0, type_n);
        json = str_sub(buf_str(&copy), type_n, copy.n);
        arena_free(&a);
    }
    struct err *err = NULL;
    size_t i = 0;
    while (i < ARRAY_LEN(event_types) && !str_eq_c(name, event_types[i].name))
        i++;
    if (i < ARRAY_LEN(event_types)) {
        *type = event_types[i].type;
        err = kube_object_from_json(json, object);
    } else if (str_eq_c(name, "ERROR")) {
        err = error_of_event(json);
    } else {
        err = err_new(ERR_PROTOCOL, "a watch event has the unknown type \"" STR_FMT "\"",
                      STR_ARG(name));
    }
    buf_free(&copy);
    return err;
}

static void deliver_line(struct kube_watch *watch, struct str line)
{
    enum kube_event type = KUBE_BOOKMARK;
    struct kube_object *object = NULL;
    struct err *err = decode_event(line, &type, &object);
    if (err) {
        watch_end_take(watch, err);
        return;
    }
    watch->handler.event(watch->owner, type, object);
    kube_object_unref(object);
}

static bool on_watch_head(void *owner, const struct http_response *r)
{
    struct kube_watch *watch = owner;
    if (r->status != 200) {
        watch->refused = r->status;
        return false; /* the body is a Status: collected, read in on_watch_done */
    }
    if (watch->handler.open)
        watch->handler.open(watch->owner);
    return true;
}

static struct err *too_long(void)
{
    return err_new(ERR_TOO_LARGE, "a watch event is longer than %zu bytes",
                   (size_t)KUBE_OBJECT_BYTES_MAX);
}

static void on_watch_data(void *owner, struct str piece)
{
    struct kube_watch *watch = owner;
    watch->busy = true;
    struct str line, rest = piece;
    while (!watch->dead && str_cut(rest, '\n', &line, &rest)) {
        if (watch->line.n == 0) {
            if (line.n)
                deliver_line(watch, line);
            continue;
        }
        buf_add(&watch->line, line);
        struct buf whole = watch->line; /* the owner may free the watch while the line is read */
        watch->line = (struct buf){.max = KUBE_OBJECT_BYTES_MAX};
        if (buf_ok(&whole))
            deliver_line(watch, buf_str(&whole));
        else
            watch_end_take(watch, too_long());
        buf_free(&whole);
    }
    watch->busy = false;
    if (watch->dead) {
        buf_free(&watch->line);
        mem_free(watch);
        return;
    }
    buf_add(&watch->line, line); /* str_cut left what has no end yet in head */
    if (!buf_ok(&watch->line))
        watch_end_take(watch, too_long());
}

static void on_watch_done(void *owner, const struct http_response *r, const struct err *err)
{
    struct kube_watch *watch = owner;
    watch->http = NULL;
    if (!err && watch->refused)
        watch_end_take(watch, kube_status_to_err(watch->refused, buf_str(&r->body)));
    else
        watch_end(watch, err);
}

static void on_deadline(void *owner)
{
    watch_end_take(owner, err_new(ERR_TIMEOUT, "the server did not end the watch in time"));
}

static const struct http_call_handler watch_handler = {
    .head = on_watch_head, .data = on_watch_data, .done = on_watch_done};

struct kube_watch *kube_watch_start(struct kube_client *c, const struct kube_target *target,
                                    uint64_t resource_version, uint32_t timeout_s,
                                    const struct kube_watch_handler *handler, void *owner)
{
    BUG_ON(!handler->event || !handler->done, "a watch needs its callbacks");
    struct kube_watch *watch = MEM_NEW(struct kube_watch);
    watch->client = c;
    watch->handler = *handler;
    watch->owner = owner;
    watch->line.max = KUBE_OBJECT_BYTES_MAX;
    list_add_tail(&c->watches, &watch->node);
    watch->deadline = world_timer_new(c->world, on_deadline, watch);
    world_timer_start(watch->deadline, timeout_s * NS_PER_S + KUBE_WATCH_GRACE);
    struct buf extra = {0}, path = {0};
    buf_addf(&extra, "watch=1&allowWatchBookmarks=true&resourceVersion=%llu&timeoutSeconds=%u",
             (unsigned long long)resource_version, timeout_s);
    kube_target_write(target, buf_str(&extra), &path);
    struct http_request r = {.address = c->address,
                             .tls = c->plain ? NULL : &c->tls,
                             .host = c->host,
                             .method = "GET",
                             .target = buf_str(&path),
                             .headers = &c->headers,
                             .timeout = -1,
                             .head_timeout = KUBE_CALL_TIMEOUT};
    watch->http = http_call_start(c->http, &r, &watch_handler, watch);
    buf_free(&extra);
    buf_free(&path);
    return watch;
}

void kube_watch_cancel(struct kube_watch *watch)
{
    if (!watch)
        return;
    http_call_cancel(watch->http);
    watch_release(watch);
}
