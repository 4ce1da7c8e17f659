/* Whole requests without a connection: tests, benchmarks, oracles. */
#include "sim/kubeapi/kubeapi.h"
#include "sim/kubeapi/request.h"

static void fill(struct api_request *r, const struct kubeapi_request *q)
{
    r->method = str_c(q->method);
    if (!str_cut(q->target, '?', &r->path, &r->query))
        r->query = str_empty;
    r->content_type = q->content_type.p ? q->content_type : str_empty;
    r->accept = q->accept.p ? q->accept : str_empty;
    r->authorization = q->authorization.p ? q->authorization : str_empty;
    r->user_agent = q->user_agent.p ? q->user_agent : str_empty;
    r->body = q->body.p ? q->body : str_empty;
    r->headers = q->headers;
    if (q->as.n == 0)
        return;
    r->user.name = q->as;
    r->user.uid = str_empty;
    r->user.groups = ARENA_NEW_ARRAY(&r->a, struct str, q->as_groups_n + 1);
    for (size_t i = 0; i < q->as_groups_n; i++)
        r->user.groups[i] = q->as_groups[i];
    r->user.groups[q->as_groups_n] = STR("system:authenticated");
    r->user.groups_n = q->as_groups_n + 1;
}

void kubeapi_call(struct kubeapi *api, const struct kubeapi_request *request,
                  struct kubeapi_answer *out)
{
    struct api_request *r = api_request_new(api);
    fill(r, request);
    if (api_request_begin(r))
        api_request_run(r);
    api_answer_finish(r);
    *out = (struct kubeapi_answer){.status = r->status, .content_type = str_c(r->out_type)};
    out->body = r->out;
    out->warnings = r->warnings;
    r->out = r->warnings = (struct buf){0};
    api_request_free(r);
    mem_free(r);
}

void kubeapi_answer_free(struct kubeapi_answer *answer)
{
    buf_free(&answer->body);
    buf_free(&answer->warnings);
}
