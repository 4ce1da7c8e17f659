/* Bodies of reviews: the question in, the answer out. */
#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/objects/decode.h"
#include "sim/kubeapi/objects/managed.h"
#include "sim/kubeapi/subresources/reviews.h"

bool review_decode(struct api_request *r, cJSON **tree)
{
    if (!api_write_decode(r, r->kind, tree))
        return false;
    (void)json_unset(*tree, STR("status"));
    managed_create(r, r->kind, *tree);
    return true;
}

cJSON *review_status(struct api_request *r, cJSON *tree)
{
    cJSON *status = json_object(&r->a);
    json_set(&r->a, tree, STR("status"), status);
    return status;
}

void review_reply(struct api_request *r, const cJSON *tree)
{
    struct buf b = {0};
    json_write(&b, tree);
    api_reply_json(r, 201, buf_str(&b));
    buf_free(&b);
}
