/* Events as `kubectl describe` shows them: the same thing said again counts up. */
#include "sim/kubeapi/controllers/ctl.h"

static void about(struct ctl *c, cJSON *event, const struct kube_object *o, struct str field)
{
    cJSON *ref = ctl_reference(c, o);
    if (field.n > 0)
        json_set_str(&c->a, ref, "fieldPath", field);
    json_set(&c->a, event, STR("involvedObject"), ref);
}

static void count_up(struct ctl *c, struct kube_object *old)
{
    cJSON *tree = ctl_tree(c, old);
    json_set_int(&c->a, tree, "count", json_int_at(tree, "count", 1) + 1);
    json_set_str(&c->a, tree, "lastTimestamp", ctl_now(c));
    (void)ctl_update(c, T_EVENTS, old, tree); /* somebody deleted it: said again the next time */
}

void ctl_record_from(struct ctl *c, const struct kube_object *o, enum ctl_event_type type,
                     const char *reason, const struct ctl_source *from, struct str message)
{
    if (!c->options.events)
        return;
    struct arena *a = &c->a;
    const char *kind = type == EVENT_NORMAL ? "Normal" : "Warning";
    struct str same = arena_printf(a, STR_FMT "|%s|%s|" STR_FMT "|" STR_FMT, STR_ARG(o->uid), kind,
                                   reason, STR_ARG(from->field), STR_ARG(message));
    struct str ns = o->ns.n ? o->ns : STR("default");
    struct str name =
        arena_printf(a, STR_FMT ".%016llx", STR_ARG(o->name), (unsigned long long)str_hash(same));
    struct kube_object *old = ctl_get(c, T_EVENTS, ns, name);
    if (old) {
        count_up(c, old);
        return;
    }
    cJSON *event = json_object(a), *source = json_object(a), *metadata = json_object(a);
    json_set_str(a, metadata, "name", name);
    json_set_str(a, metadata, "namespace", ns);
    json_set(a, event, STR("metadata"), metadata);
    about(c, event, o, from->field);
    json_set_int(a, event, "count", 1);
    json_set(a, event, STR("eventTime"), json_null(a));
    json_set_str(a, event, "firstTimestamp", ctl_now(c));
    json_set_str(a, event, "lastTimestamp", ctl_now(c));
    json_set_str(a, event, "message", message);
    json_set_str(a, event, "reason", str_c(reason));
    json_set_str(a, event, "reportingComponent", str_c(from->component));
    json_set_str(a, event, "reportingInstance", from->host);
    json_set_str(a, source, "component", str_c(from->component));
    if (from->host.n > 0)
        json_set_str(a, source, "host", from->host);
    json_set(a, event, STR("source"), source);
    json_set_str(a, event, "type", str_c(kind));
    (void)ctl_create(c, T_EVENTS, ns, event); /* the namespace is going: nobody would read it */
}

void ctl_record(struct ctl *c, const struct kube_object *o, enum ctl_event_type type,
                const char *reason, const char *component, const char *fmt, ...)
{
    if (!c->options.events)
        return;
    struct buf b = {.max = 4096};
    struct ctl_source from = {.component = component, .host = str_empty, .field = str_empty};
    va_list ap;
    va_start(ap, fmt);
    buf_addv(&b, fmt, ap);
    va_end(ap);
    ctl_record_from(c, o, type, reason, &from, arena_str(&c->a, buf_str(&b)));
    buf_free(&b);
}
