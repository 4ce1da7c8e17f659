/* The authorizer: a chain of steps that gathers one check, and asks it. */
#include "sim/kubeapi/cel/cel_internal.h"

struct step {
    struct cel_check check;
    bool decided, allowed;
    struct str reason;
};

static struct cel_value step_value(struct arena *a, const struct step *from, struct step **out)
{
    struct step *s = ARENA_NEW(a, struct step);
    *s = *from;
    *out = s;
    return (struct cel_value){.kind = CEL_AUTHORIZER, .opaque = s};
}

static const struct step *empty(void)
{
    static const struct step s = {.check = {{"", 0},
                                            {"", 0},
                                            {"", 0},
                                            {"", 0},
                                            {"", 0},
                                            {"", 0},
                                            {"", 0},
                                            {"", 0},
                                            {"", 0},
                                            {"", 0},
                                            {"", 0}},
                                  .reason = {"", 0}};
    return &s;
}

struct cel_value cel_authorizer_value(void)
{
    return (struct cel_value){.kind = CEL_AUTHORIZER, .opaque = empty()};
}

struct cel_value cel_authorizer_resource(struct arena *a, const struct cel_check *check)
{
    struct step *s;
    struct cel_value v = step_value(a, empty(), &s);
    s->check = *check;
    return v;
}

enum {
    PATH,
    GROUP,
    RESOURCE,
    SUBRESOURCE,
    NAMESPACE,
    NAME,
    ACCOUNT,
    FIELD_SELECTOR,
    LABEL_SELECTOR,
    CHECK
};

static struct cel_value narrow(struct cel_run *run, const struct cel_node *node,
                               struct cel_value *args, size_t n)
{
    struct step *s;
    struct cel_value v = step_value(run->a, args[0].opaque, &s);
    struct cel_check *c = &s->check;
    struct str *const fields[] = {[PATH] = &c->path,
                                  [GROUP] = &c->group,
                                  [RESOURCE] = &c->resource,
                                  [SUBRESOURCE] = &c->sub,
                                  [NAMESPACE] = &c->ns,
                                  [NAME] = &c->name,
                                  [FIELD_SELECTOR] = &c->field_selector,
                                  [LABEL_SELECTOR] = &c->label_selector};
    if (node->func->which == ACCOUNT) {
        c->account_ns = args[1].s;
        c->account = args[2].s;
    } else {
        *fields[node->func->which] = args[1].s;
    }
    return v;
}

static struct cel_value check(struct cel_run *run, const struct cel_node *node,
                              struct cel_value *args, size_t n)
{
    struct step *s;
    struct cel_value v = step_value(run->a, args[0].opaque, &s);
    s->check.verb = args[1].s;
    s->decided = true;
    if (run->authorizer)
        s->allowed = run->authorizer->allowed(run->authorizer->owner, &s->check, &s->reason);
    return v;
}

enum { ALLOWED, REASON, ERRORED, ERROR };

static struct cel_value decision(struct cel_run *run, const struct cel_node *node,
                                 struct cel_value *args, size_t n)
{
    const struct step *s = args[0].opaque;
    switch (node->func->which) {
    case ALLOWED:
        return cel_bool(s->decided && s->allowed);
    case REASON:
        return cel_string(s->reason);
    case ERRORED:
        return cel_bool(false);
    default:
        return cel_string(str_empty);
    }
}

const struct cel_func cel_funcs_authz[] = {
    {".path", "as:P", narrow, COST_ONE, PATH},
    {".serviceAccount", "ass:a", narrow, COST_ONE, ACCOUNT},
    {".group", "as:g", narrow, COST_ONE, GROUP},
    {".resource", "gs:h", narrow, COST_ONE, RESOURCE},
    {".subresource", "hs:h", narrow, COST_ONE, SUBRESOURCE},
    {".namespace", "hs:h", narrow, COST_ONE, NAMESPACE},
    {".name", "hs:h", narrow, COST_ONE, NAME},
    {".fieldSelector", "hs:h", narrow, COST_SELECTOR, FIELD_SELECTOR},
    {".labelSelector", "hs:h", narrow, COST_SELECTOR, LABEL_SELECTOR},
    {".check", "Ps:e|hs:e", check, COST_CHECK, CHECK},
    {".allowed", "e:b", decision, COST_ONE, ALLOWED},
    {".reason", "e:s", decision, COST_ONE, REASON},
    {".errored", "e:b", decision, COST_ONE, ERRORED},
    {".error", "e:s", decision, COST_ONE, ERROR},
    {0},
};
