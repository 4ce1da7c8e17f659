/* Questions, what is kept of their answers, and the rights. */
#include "engine/auth/auth_internal.h"

#include "engine/kube/management.h"

static const struct kube_gvr gvr_access =
    KUBE_GVR("authorization.k8s.io", "v1", "subjectaccessreviews");

/* A yes. */
struct known {
    world_time until;
    struct arena arena;
    struct auth_user user;
};

static void known_free(struct known *k)
{
    if (!k)
        return;
    arena_free(&k->arena);
    mem_free(k);
}

static void user_copy(struct arena *a, const struct auth_user *from, struct auth_user *to)
{
    *to = (struct auth_user){.name = arena_str(a, from->name),
                             .groups = ARENA_NEW_ARRAY(a, struct str, from->groups_n),
                             .groups_n = from->groups_n,
                             .principal = arena_str(a, from->principal),
                             .login = arena_str(a, from->login)};
    for (size_t i = 0; i < from->groups_n; i++)
        to->groups[i] = arena_str(a, from->groups[i]);
}

static struct str key_of(const unsigned char key[PKI_SHA256_BYTES])
{
    return (struct str){(const char *)key, PKI_SHA256_BYTES};
}

/* From the oldest on: what is over goes, and when all is young the oldest. */
static void make_room(struct auth *a, world_time now)
{
    struct str key;
    void *value = NULL;
    for (size_t i = 0; map_next(&a->known, &i, &key, &value);) {
        const struct known *k = value;
        if (k->until > now && map_count(&a->known) < AUTH_KNOWN_MAX)
            break;
        known_free(map_remove(&a->known, key));
    }
}

static void keep(struct auth_question *q)
{
    struct auth *a = q->auth;
    world_time now = world_now(a->options.world);
    struct known *k = MEM_NEW(struct known);
    known_free(map_remove(&a->known, key_of(q->key))); /* a new one stands last */
    make_room(a, now);
    k->until = now + AUTH_KNOWN_FOR;
    user_copy(&k->arena, &q->user, &k->user);
    map_put(&a->known, key_of(q->key), k);
}

/* ---- the end of a question ---- */

static void question_free(struct auth_question *q)
{
    list_remove(&q->node);
    q->auth->open_n--;
    kube_call_cancel(q->call);
    auth_token_stop(q);
    credential_free(&q->credential);
    arena_free(&q->arena);
    mem_free(q);
}

static void answer(struct auth_question *q, const struct auth_verdict *v)
{
    q->done(q->owner, v);
    question_free(q);
}

void auth_refuse(struct auth_question *q, int status, struct str message)
{
    struct auth_verdict v = {.status = status, .message = message};
    answer(q, &v);
}

void auth_broken(struct auth_question *q, const char *what, const struct err *err)
{
    struct buf text = {0};
    buf_addf(&text, "the local API did not %s: %s", what,
             err ? err->message : "its answer is not understood");
    auth_refuse(q, 503, buf_str(&text));
    buf_free(&text);
}

void auth_cancel(struct auth_question *q)
{
    if (q)
        question_free(q);
}

cJSON *auth_tree(struct auth_question *q, struct str json)
{
    cJSON *tree = NULL;
    struct err *err = json_parse(&q->arena, arena_str(&q->arena, json), &tree);
    if (!err)
        return tree;
    err_free(err);
    return NULL;
}

void auth_add_group(struct auth_question *q, struct auth_user *u, struct str group)
{
    if (!u->groups)
        u->groups = ARENA_NEW_ARRAY(&q->arena, struct str, AUTH_GROUPS_MAX);
    for (size_t i = 0; i < u->groups_n; i++)
        if (str_eq(u->groups[i], group))
            return;
    if (group.n && u->groups_n < AUTH_GROUPS_MAX)
        u->groups[u->groups_n++] = group;
}

/* ---- rights ---- */

static void on_access(void *owner, const struct kube_answer *got)
{
    struct auth_question *q = owner;
    q->call = NULL;
    const cJSON *tree = got->err ? NULL : auth_tree(q, got->body);
    if (!tree) {
        auth_broken(q, "say who may use the cluster", got->err);
        return;
    }
    if (!json_bool_at(tree, "status.allowed", false)) {
        auth_refuse(q, 403, STR("you may not use this cluster"));
        return;
    }
    keep(q);
    struct auth_verdict v = {.status = 200, .user = &q->user};
    answer(q, &v);
}

void auth_found(struct auth_question *q)
{
    struct arena *a = &q->arena;
    struct kube_target target = {.gvr = gvr_access};
    cJSON *body = json_object(a), *spec = json_object(a), *what = json_object(a),
          *groups = json_array(a);
    struct buf text = {0};
    for (size_t i = 0; i < q->local.groups_n; i++)
        json_append(groups, json_str(a, q->local.groups[i]));
    json_set_str(a, what, "group", STR(MANAGEMENT_GROUP));
    json_set_str(a, what, "resource", STR("clusters"));
    json_set_str(a, what, "verb", STR("get"));
    json_set_str(a, what, "name", q->cluster_id);
    json_set_str(a, spec, "user", q->local.name);
    json_set(a, spec, STR("groups"), groups);
    json_set(a, spec, STR("resourceAttributes"), what);
    json_set_str(a, body, "apiVersion", STR("authorization.k8s.io/v1"));
    json_set_str(a, body, "kind", STR("SubjectAccessReview"));
    json_set(a, body, STR("spec"), spec);
    json_write(&text, body);
    q->call = kube_call_start(q->auth->options.client, KUBE_CREATE, &target, buf_str(&text), 0,
                              on_access, q);
    buf_free(&text);
}

/* ---- the beginning ---- */

static void key_make(struct str authorization, struct str id, unsigned char key[PKI_SHA256_BYTES])
{
    struct buf text = {0};
    buf_addf(&text, STR_FMT "\n", STR_ARG(id)); /* ids hold no such byte */
    buf_add(&text, authorization);
    pki_sha256(buf_str(&text), key);
    buf_free(&text);
}

static const struct known *look_up(struct auth *a, const unsigned char key[PKI_SHA256_BYTES])
{
    const struct known *k = map_get(&a->known, key_of(key));
    return k && k->until > world_now(a->options.world) ? k : NULL;
}

static bool is_registration(const struct auth *a, struct str bearer)
{
    const struct map *found =
        kube_informer_by(a->options.registrations, a->options.registrations_by_token, bearer);
    return found && map_count(found) > 0;
}

/* What needs no question. */
static bool at_once(struct auth *a, struct str authorization, struct auth_verdict *out)
{
    struct credential c;
    credential_read(authorization, &c);
    enum credential_kind kind = c.kind;
    bool machine = kind == CREDENTIAL_KUBERNETES && is_registration(a, c.bearer);
    credential_free(&c);
    if (machine)
        *out = (struct auth_verdict){401, STR("a registration token is for agents only"), NULL};
    else if (kind == CREDENTIAL_NONE || kind == CREDENTIAL_BAD)
        *out = (struct auth_verdict){401, STR(AUTH_WHO), NULL};
    else if (a->open_n >= AUTH_OPEN_MAX)
        *out = (struct auth_verdict){503, STR("too many logins at once: try again"), NULL};
    else
        return false;
    return true;
}

struct auth_question *auth_ask(struct auth *a, struct str authorization, struct str cluster_id,
                               struct auth_verdict *known,
                               void (*done)(void *owner, const struct auth_verdict *v), void *owner)
{
    unsigned char key[PKI_SHA256_BYTES];
    BUG_ON(!done, "who asks wants to know");
    key_make(authorization, cluster_id, key);
    const struct known *k = look_up(a, key);
    if (k) {
        *known = (struct auth_verdict){.status = 200, .user = &k->user};
        return NULL;
    }
    if (at_once(a, authorization, known))
        return NULL;
    struct auth_question *q = MEM_NEW(struct auth_question);
    q->auth = a;
    memcpy(q->key, key, sizeof(key));
    q->done = done;
    q->owner = owner;
    q->cluster_id = arena_str(&q->arena, cluster_id);
    credential_read(arena_str(&q->arena, authorization), &q->credential);
    list_add_tail(&a->open, &q->node);
    a->open_n++;
    (q->credential.kind == CREDENTIAL_TOKEN ? auth_token_start : auth_review_start)(q);
    return q;
}

/* ---- life ---- */

struct auth *auth_new(const struct auth_options *options)
{
    struct auth *a = MEM_NEW(struct auth);
    a->options = *options;
    list_init(&a->open);
    return a;
}

void auth_free(struct auth *a)
{
    if (!a)
        return;
    list_each (&a->open, it, next)
        question_free(container_of(it, struct auth_question, node));
    void *value;
    for (size_t i = 0; map_next(&a->known, &i, NULL, &value);)
        known_free(value);
    map_free(&a->known);
    mem_free(a);
}
