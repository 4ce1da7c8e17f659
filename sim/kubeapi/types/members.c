#include "sim/kubeapi/types/members.h"

void members_init(struct members *m, cJSON *object)
{
    size_t n = 0;
    BUG_ON(object->type != cJSON_Object, "only objects have members");
    *m = (struct members){.object = object};
    for (const cJSON *c = object->child; c && n <= MEMBERS_WALKED; c = c->next)
        n++;
    m->indexed = n > MEMBERS_WALKED;
    for (cJSON *c = m->indexed ? object->child : NULL; c; c = c->next)
        (void)map_put(&m->by_name, str_c(c->string), c);
}

void members_free(struct members *m)
{
    map_free(&m->by_name);
}

cJSON *members_get(const struct members *m, struct str name)
{
    return m->indexed ? map_get(&m->by_name, name) : json_get_str(m->object, name);
}

void members_unset(struct members *m, struct str name)
{
    cJSON *old = m->indexed ? map_remove(&m->by_name, name) : NULL;
    if (!m->indexed) {
        (void)json_unset(m->object, name);
    } else if (old) {
        (void)cJSON_DetachItemViaPointer(m->object, old);
        old->next = old->prev = NULL;
    }
}

void members_set(struct arena *a, struct members *m, struct str name, cJSON *v)
{
    if (!m->indexed) {
        json_set(a, m->object, name, v);
        return;
    }
    members_unset(m, name);
    json_add(a, m->object, name, v);
    (void)map_put(&m->by_name, name, v);
}
