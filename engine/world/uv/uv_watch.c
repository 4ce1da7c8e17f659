/* Watching a file. Events of its folder are only a hint (a mounted Secret changes by a link beside the file, a folder
 * may not be there yet, some file systems have no events): what counts is whether the file's stamp differs. It is looked
 * at after a hint and every UVW_WATCH_POLL.
 *
 *   hint or alarm ─► stat on the pool ─► stamp differs? ─► changed callback        (one stat at a time) */
#include "engine/world/uv/uv_internal.h"

#include <string.h>

#define UVW_WATCH_POLL   (1 * NS_PER_S)
#define UVW_WATCH_SETTLE (20 * NS_PER_MS) /* hints come in bunches */

struct stamp {
    bool there;
    uint64_t dev, ino, size;
    uv_timespec_t mtime;
};

struct uvw_watch {
    struct world_watch base;
    struct list node;
    struct uv_world *uv;
    uv_fs_event_t events;
    uv_fs_t stat;
    struct uvw_alarm alarm;
    void (*changed)(void *owner);
    void *owner;
    char *path, *folder;
    struct stamp last;
    bool stating, again, has_events, closed, gone;
};

static void watch_look(struct uvw_watch *watch);

static void watch_free_when_quiet(struct uvw_watch *watch)
{
    if (!watch->gone || watch->stating)
        return;
    mem_free(watch->path);
    mem_free(watch->folder);
    mem_free(watch);
}

static void events_closed(uv_handle_t *handle)
{
    struct uvw_watch *watch = handle->data;
    watch->gone = true;
    watch_free_when_quiet(watch);
}

static void hinted(uv_fs_event_t *events, const char *name, int kind, int status)
{
    struct uvw_watch *watch = events->data;
    uvw_event(watch->uv);
    if (status < 0) { /* the folder went: the alarm tries again */
        uv_fs_event_stop(events);
        watch->has_events = false;
    } else if (watch->stating) {
        watch->again = true; /* the answer may be older than the event */
    } else if (!watch->closed) {
        uvw_alarm_start(watch->uv, &watch->alarm, UVW_WATCH_SETTLE);
    }
}

static void watch_tick(struct uvw_alarm *alarm)
{
    watch_look(container_of(alarm, struct uvw_watch, alarm));
}

static bool stamp_eq(const struct stamp *a, const struct stamp *b)
{
    return a->there == b->there && a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
           a->mtime.tv_sec == b->mtime.tv_sec && a->mtime.tv_nsec == b->mtime.tv_nsec;
}

static struct stamp stamp_of(uv_fs_t *req)
{
    struct stamp stamp = {0};
    if (req->result == 0)
        stamp = (struct stamp){true, req->statbuf.st_dev, req->statbuf.st_ino, req->statbuf.st_size,
                               req->statbuf.st_mtim};
    uv_fs_req_cleanup(req);
    return stamp;
}

static void stated(uv_fs_t *req)
{
    struct uvw_watch *watch = req->data;
    uvw_event(watch->uv);
    struct stamp now = stamp_of(req);
    watch->stating = false;
    if (watch->closed) {
        watch_free_when_quiet(watch);
        return;
    }
    bool differs = !stamp_eq(&now, &watch->last);
    watch->last = now;
    uvw_alarm_start(watch->uv, &watch->alarm, watch->again ? UVW_WATCH_SETTLE : UVW_WATCH_POLL);
    watch->again = false;
    if (differs)
        watch->changed(watch->owner);
}

static void watch_look(struct uvw_watch *watch)
{
    if (!watch->has_events)
        watch->has_events = uv_fs_event_start(&watch->events, hinted, watch->folder, 0) == 0;
    watch->stat.data = watch;
    watch->stating = true;
    int bad = uv_fs_stat(&watch->uv->loop, &watch->stat, watch->path, stated);
    BUG_ON(bad, "a stat with a callback is only queued");
}

struct world_watch *uvw_file_watch(struct world *w, struct str path, void (*changed)(void *),
                                   void *owner)
{
    BUG_ON(!changed, "a watch needs its callback");
    struct uvw_watch *watch = MEM_NEW(struct uvw_watch);
    watch->base.w = w;
    watch->uv = uvw_of(w);
    watch->alarm.fire = watch_tick;
    watch->changed = changed;
    watch->owner = owner;
    watch->path = str_dup_c(path);
    const char *slash = strrchr(watch->path, '/');
    watch->folder = slash ? str_dup_c((struct str){watch->path, (size_t)(slash - watch->path) + 1})
                          : str_dup_c(STR("."));
    list_add_tail(&watch->uv->watches, &watch->node);
    uv_fs_event_init(&watch->uv->loop, &watch->events);
    watch->events.data = watch;
    (void)uv_fs_stat(NULL, &watch->stat, watch->path, NULL); /* at once: what comes after counts */
    watch->last = stamp_of(&watch->stat);
    watch_look(watch);
    return &watch->base;
}

void uvw_watch_close(struct world_watch *base)
{
    struct uvw_watch *watch = container_of(base, struct uvw_watch, base);
    BUG_ON(watch->closed, "a watch is closed once");
    watch->closed = true;
    list_remove(&watch->node);
    uvw_alarm_stop(watch->uv, &watch->alarm);
    uv_close((uv_handle_t *)&watch->events, events_closed);
}

void uvw_watches_free(struct uv_world *uv)
{
    list_each (&uv->watches, it, next)
        uvw_watch_close(&container_of(it, struct uvw_watch, node)->base);
}
