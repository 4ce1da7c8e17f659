/* Goal: whatever a Kubernetes API answers, a client's call ends once with an answer or an error, a watch gives events and
 * ends once, and an informer goes on: its cache holds objects with names.
 * Input: the first byte chooses the reader, whether the answer has a right head, and the size of the pieces. */
#include "engine/kube/informer.h"
#include "tests/fuzz/support/raw_net.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct side {
    struct raw_net net;
    struct kube_client *client;
    unsigned ends;
};

static void check_object(const struct kube_object *o)
{
    struct arena a = {0};
    BUG_ON(o->name.n > KUBE_OBJECT_BYTES_MAX, "a name is a part of its object");
    BUG_ON(!kube_object_tree(o, &a), "an object is JSON");
    arena_free(&a);
}

static void on_answer(void *owner, const struct kube_answer *answer)
{
    struct side *s = owner;
    BUG_ON(s->ends++, "a call ends once");
    BUG_ON(!answer->err && (answer->status < 200 || answer->status > 299),
           "4xx and 5xx are errors");
}

static void on_event(void *owner, enum kube_event type, struct kube_object *object)
{
    struct side *s = owner;
    (void)type;
    BUG_ON(s->ends, "nothing comes behind the end");
    check_object(object);
}
static void on_end(void *owner, const struct err *err)
{
    (void)err;
    BUG_ON(((struct side *)owner)->ends++, "a watch ends once");
}
static const struct kube_watch_handler watch_handler = {NULL, on_event, on_end};

static void on_change(void *owner, const struct kube_object *before,
                      const struct kube_object *after)
{
    (void)owner;
    check_object(kube_changed(before, after));
}

static const struct kube_target target = {
    .gvr = {STR_INIT(""), STR_INIT("v1"), STR_INIT("configmaps")}};

static void call(struct side *s)
{
    (void)kube_call_start(s->client, KUBE_LIST, &target, str_empty, 0, on_answer, s);
    raw_run(&s->net, 120 * NS_PER_S);
    BUG_ON(s->ends != 1, "a call ends in time");
}

static void watch(struct side *s)
{
    struct kube_watch *w = kube_watch_start(s->client, &target, 1, 30, &watch_handler, s);
    raw_run(&s->net, 120 * NS_PER_S);
    BUG_ON(s->ends != 1 || !w, "a watch ends in time");
}

static void inform(struct side *s)
{
    struct kube_informer *inf = kube_informer_new(s->client, &target);
    kube_informer_on_change(inf, on_change, s);
    kube_informer_start(inf);
    raw_run(&s->net, 60 * NS_PER_S);
    kube_informer_free(inf);
}

static void on_request(struct raw_net *net, struct str request)
{
    (void)request;
    net->on_bytes = on_request; /* each connection is answered */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct side s = {.ends = 0};
    if (size == 0)
        return 0;
    raw_open(&s.net, (struct str){(const char *)data + 1, size - 1},
             1 + (size_t)(data[0] >> 3) * 16);
    s.net.on_bytes = on_request;
    if (data[0] & 4)
        s.net.head = STR("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                         "Connection: close\r\n\r\n");
    raw_serve(&s.net);
    struct kube_context context = {.address = world_addr_make(STR("10.0.0.1"), RAW_PORT),
                                   .plain = true};
    s.client = kube_client_new(s.net.client, &context);
    switch (data[0] & 3) {
    case 0:
        call(&s);
        break;
    case 1:
        watch(&s);
        break;
    default:
        inform(&s);
    }
    kube_client_free(s.client);
    raw_close(&s.net);
    return 0;
}
