/* Who is it: TokenReview, SelfSubjectReview. */
#include "sim/kubeapi/auth/tokens.h"
#include "sim/kubeapi/subresources/reviews.h"

static cJSON *extra_tree(struct api_request *r, const struct api_user *u)
{
    cJSON *extra = json_object(&r->a);
    for (size_t i = 0; i < u->extra_n; i++) {
        cJSON *values = json_array(&r->a);
        for (size_t k = 0; k < u->extra[i].n; k++)
            json_append(values, json_str(&r->a, u->extra[i].values[k]));
        json_set(&r->a, extra, u->extra[i].key, values);
    }
    return extra;
}

cJSON *review_user(struct api_request *r, const struct api_user *u)
{
    cJSON *tree = json_object(&r->a), *groups = json_array(&r->a);
    json_set_str(&r->a, tree, "username", u->name);
    if (u->uid.n > 0)
        json_set_str(&r->a, tree, "uid", u->uid);
    for (size_t i = 0; i < u->groups_n; i++)
        json_append(groups, json_str(&r->a, u->groups[i]));
    if (groups->child)
        json_set(&r->a, tree, STR("groups"), groups);
    if (u->extra_n > 0)
        json_set(&r->a, tree, STR("extra"), extra_tree(r, u));
    return tree;
}

void review_self(struct api_request *r)
{
    cJSON *tree;
    if (!review_decode(r, &tree))
        return;
    json_set_str(&r->a, json_get(tree, "metadata"), "creationTimestamp", api_now(r->api, &r->a));
    json_set(&r->a, review_status(r, tree), STR("userInfo"), review_user(r, &r->user));
    review_reply(r, tree);
}

static struct audiences wanted_audiences(struct api_request *r, const cJSON *list)
{
    struct str *items = ARENA_NEW_ARRAY(&r->a, struct str, TOKEN_AUDIENCES_MAX);
    struct audiences out = {items, 0};
    for (const cJSON *v = list ? list->child : NULL; v && out.n < TOKEN_AUDIENCES_MAX; v = v->next)
        items[out.n++] = json_string(v);
    return out.n > 0 ? out : token_api_audiences;
}

static void tell_token(struct api_request *r, cJSON *status, const struct token_answer *t)
{
    cJSON *audiences = json_array(&r->a);
    if (t->ok) {
        for (size_t i = 0; i < t->audiences.n; i++)
            json_append(audiences, json_str(&r->a, t->audiences.items[i]));
        json_set_bool(&r->a, status, "authenticated", true);
        json_set(&r->a, status, STR("user"), review_user(r, &t->user));
        json_set(&r->a, status, STR("audiences"), audiences);
        return;
    }
    struct str error = STR("invalid bearer token");
    if (t->error.n > 0)
        error = arena_printf(&r->a, "[invalid bearer token, " STR_FMT "]", STR_ARG(t->error));
    json_set(&r->a, status, STR("user"), json_object(&r->a));
    json_set_str(&r->a, status, "error", error);
}

void review_token(struct api_request *r)
{
    cJSON *tree;
    struct token_answer answer;
    if (!review_decode(r, &tree))
        return;
    struct str token = json_string_at(tree, "spec.token");
    if (token.n == 0) {
        (void)api_fail_bad(r, "token is required for TokenReview in authentication");
        return;
    }
    tokens_check(r->api, &r->a, token, wanted_audiences(r, json_path(tree, "spec.audiences")),
                 &answer);
    tell_token(r, review_status(r, tree), &answer);
    review_reply(r, tree);
}
