/* Who is it: TokenReview, SelfSubjectReview. */
#include "sim/kubeapi/auth/auth.h"
#include "sim/kubeapi/auth/tokens.h"
#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/core/stamps.h"
#include "sim/kubeapi/subresources/reviews.h"

void review_self(struct api_request *r)
{
    cJSON *tree;
    if (!review_decode(r, &tree))
        return;
    json_set_str(&r->a, json_get(tree, "metadata"), "creationTimestamp", api_now(r->api, &r->a));
    json_set(&r->a, review_status(r, tree), STR("userInfo"), auth_user_info(r, &r->user));
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
        json_set(&r->a, status, STR("user"), auth_user_info(r, &t->user));
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
