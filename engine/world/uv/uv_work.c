/* CPU work on libuv's thread pool. */
#include "engine/world/uv/uv_internal.h"

struct uvw_work {
    struct world_work base;
    struct list node;
    struct uv_world *uv;
    uv_work_t req;
    void (*run)(void *job);
    void (*done)(void *job); /* NULL: cancelled */
    void (*release)(void *job);
    void *job;
};

static void work_run(uv_work_t *req) /* on another thread */
{
    struct uvw_work *work = req->data;
    work->run(work->job);
}

static void work_after(uv_work_t *req, int status)
{
    struct uvw_work *work = req->data;
    uvw_event(work->uv);
    list_remove(&work->node);
    if (work->done)
        work->done(work->job);
    else if (work->release)
        work->release(work->job);
    mem_free(work);
}

struct world_work *uvw_work(struct world *w, void (*run)(void *), void (*done)(void *), void *job)
{
    struct uvw_work *work = MEM_NEW(struct uvw_work);
    work->base.w = w;
    work->uv = uvw_of(w);
    work->req.data = work;
    work->run = run;
    work->done = done;
    work->job = job;
    list_add_tail(&work->uv->works, &work->node);
    int bad = uv_queue_work(&work->uv->loop, &work->req, work_run, work_after);
    BUG_ON(bad, "work has a function");
    return &work->base;
}

void uvw_work_cancel(struct world_work *base, void (*release)(void *))
{
    struct uvw_work *work = container_of(base, struct uvw_work, base);
    BUG_ON(!work->done, "work is cancelled once, and not after its callback");
    work->done = NULL;
    work->release = release;
    (void)uv_cancel((uv_req_t *)&work->req); /* it fails when the job runs already */
}

/* Jobs under way are waited for by the loop's last run. */
void uvw_works_free(struct uv_world *uv)
{
    list_each (&uv->works, it, next) {
        struct uvw_work *work = container_of(it, struct uvw_work, node);
        if (work->done)
            uvw_work_cancel(&work->base, NULL);
    }
}
