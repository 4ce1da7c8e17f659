#include "tests/unit/support/workload_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

void workload_open(struct fixture *f, uint32_t nodes, const char *stages)
{
    struct kubeapi_workloads workloads = {
        .nodes = nodes, .events = true, .owners = true, .stages = str_c(stages)};
    struct kubeapi_options options = {
        .name = STR("test"), .ca_pem = STR("CA"), .workloads = &workloads};
    fixture_open(f, &options);
    pass(f, NS_PER_S);
}

void pass(struct fixture *f, world_time time)
{
    fake_run_for(f->world, time);
}

void make(struct fixture *f, const char *collection, const char *json)
{
    must(f, 201, "POST", collection, json);
}

static const cJSON *walk(struct fixture *f, const cJSON *v, const char *path)
{
    struct str rest = str_c(path), part;
    const cJSON *list = json_path(v, "status.conditions");
    if (!str_starts(rest, STR("/conditions/")))
        return json_path(v, path);
    rest = str_sub(rest, 12, rest.n);
    (void)str_cut(rest, '/', &part, &rest);
    for (const cJSON *c = list ? list->child : NULL; c; c = c->next)
        if (str_eq(json_string_at(c, "type"), part))
            return json_get(c, arena_c(&f->a, rest));
    return NULL;
}

const char *at(struct fixture *f, const char *target, const char *path)
{
    struct buf b = {0};
    const cJSON *v = ask(f, "GET", target, NULL) == 200 ? walk(f, f->body, path) : NULL;
    if (!v)
        return "";
    if (json_is_string(v))
        return arena_c(&f->a, json_string(v));
    json_write(&b, v);
    const char *text = arena_c(&f->a, buf_str(&b));
    buf_free(&b);
    return text;
}

void expect(struct fixture *f, const char *target, const char *path, const char *expected)
{
    const char *is = at(f, target, path);
    if (strcmp(is, expected) != 0)
        fail_msg("%s %s is \"%s\", not \"%s\"", target, path, is, expected);
}

size_t count(struct fixture *f, const char *collection)
{
    must(f, 200, "GET", collection, NULL);
    return (size_t)cJSON_GetArraySize(json_get(f->body, "items"));
}

struct pod_counts pods_with(struct fixture *f, const char *key, const char *value)
{
    struct pod_counts n = {0};
    struct store_cursor c =
        store_seek(kubeapi_table(f->api, STR("pods")), STR("default"), str_empty);
    for (struct kube_object *o; (o = store_next(&c)) && str_eq_c(o->ns, "default");) {
        if (!str_eq_c(kube_object_label(o, str_c(key)), value))
            continue;
        n.ending += o->deleting;
        n.all += !o->deleting;
        n.ready += !o->deleting && str_find(kube_object_raw(o, "status.conditions"),
                                            STR("\"status\":\"True\",\"type\":\"Ready\"")) >= 0;
    }
    return n;
}

bool said_event(struct fixture *f, const char *name, const char *reason)
{
    struct store_cursor c = store_seek(kubeapi_table(f->api, STR("events")), str_empty, str_empty);
    for (struct kube_object *o; (o = store_next(&c));)
        if (str_eq_c(kube_object_string(o, "involvedObject.name"), name) &&
            str_eq_c(kube_object_string(o, "reason"), reason))
            return true;
    return false;
}
