/* Actions in the rig. */
#include "sim/real/world/deeds.h"

#include "engine/base/json.h"
#include "engine/base/list.h"
#include "engine/base/yaml.h"
#include "engine/kube/gvr.h"
#include "engine/kube/management.h"
#include "sim/scenario/run/respell.h"

#include <signal.h>

#define SETTING     "/apis/" MANAGEMENT_GROUP "/v3/settings/cacerts"
#define APPLY_QUERY "?fieldManager=paddock-sim&force=true"

/* A request to an API, under way. */
struct deed {
    struct list link;
    struct deeds *deeds;
    const struct plan_action *action;
    struct str what; /* "PATCH /api/v1/..."; owned */
};
struct deeds {
    struct rig *rig;
    struct ledger *ledger;
    struct wrongs *wrongs;
    struct list under_way;
    struct err *failed;
    const struct plan_action *failed_at;
};

/* ---- requests ---- */

static void deed_free(struct deed *deed)
{
    list_remove(&deed->link);
    str_free(&deed->what);
    mem_free(deed);
}

static void on_done(void *owner, int status, struct str body)
{
    struct deed *deed = owner;
    struct deeds *d = deed->deeds;
    bool ok = (status >= 200 && status < 300) ||
              (deed->action->kind == ACTION_DELETE && status == 404); /* gone already is fine */
    if (!ok && !d->failed) {
        d->failed = err_new(ERR_UNAVAILABLE, STR_FMT ": answered %d: " STR_FMT, STR_ARG(deed->what),
                            status, STR_ARG(str_sub(body, 0, body.n < 300 ? body.n : 300)));
        d->failed_at = deed->action;
    }
    deed_free(deed);
}

static struct err *send(struct deeds *d, const struct plan_action *a, struct rig_api *api,
                        const char *method, struct str target, const char *type, struct str body)
{
    if (!api->asker || !api->process.ready)
        return err_new(ERR_UNAVAILABLE, STR_FMT " is down", STR_ARG(api->process.name));
    struct deed *deed = MEM_NEW(struct deed);
    struct buf what = {0};
    buf_addf(&what, "%s " STR_FMT " of " STR_FMT, method, STR_ARG(target),
             STR_ARG(api->process.name));
    *deed = (struct deed){.deeds = d, .action = a, .what = buf_take(&what)};
    list_add_tail(&d->under_way, &deed->link);
    asker_send(api->asker, method, target, type, body, on_done, deed);
    return NULL;
}

/* ---- objects ---- */

/* The path of an object; custom and built-in kinds are named by the plural that everybody writes. */
static struct err *object_path(const struct plan_action *a, const cJSON *tree, struct buf *out)
{
    struct str group, version, kind = tree ? json_string_at(tree, "kind") : a->object_kind;
    struct str api_version = tree ? json_string_at(tree, "apiVersion") : a->object_api_version;
    struct str ns = tree ? json_string_at(tree, "metadata.namespace") : a->object_namespace;
    struct str name = tree ? json_string_at(tree, "metadata.name") : a->object_name;
    struct buf plural = {0};
    if (!kube_api_version_parse(api_version, &group, &version))
        return err_new(ERR_INVALID, "\"" STR_FMT "\" is no apiVersion", STR_ARG(api_version));
    for (size_t i = 0; i < kind.n; i++)
        buf_add_char(&plural,
                     (char)(kind.p[i] >= 'A' && kind.p[i] <= 'Z' ? kind.p[i] + 32 : kind.p[i]));
    buf_add_c(&plural, str_eq_c(kind, "Endpoints") ? "" : "s");
    struct kube_gvr gvr = {group, version, buf_str(&plural)};
    kube_path(&gvr, ns, name, str_empty, out);
    buf_free(&plural);
    return NULL;
}

static struct err *on_apis(struct deeds *d, const struct plan_action *a)
{
    struct arena arena = {0};
    struct group g = {0};
    struct buf path = {0}, json = {0};
    cJSON *tree = a->object ? yaml_to_json(&arena, a->object) : NULL;
    struct err *err = object_path(a, tree, &path);
    if (tree) {
        json_write(&json, tree);
        buf_add_c(&path, APPLY_QUERY);
    }
    group_add(d->rig, &a->target.a, &g);
    for (size_t i = 0; i < g.apis_n && !err; i++)
        err = send(d, a, g.apis[i], tree ? "PATCH" : "DELETE", buf_str(&path),
                   tree ? "application/apply-patch+yaml" : NULL, buf_str(&json));
    group_free(&g);
    buf_free(&path);
    buf_free(&json);
    arena_free(&arena);
    return err;
}

/* ---- the manager's CA ---- */

static struct err *write_ca(struct deeds *d, const struct plan_action *a)
{
    struct buf pem = {0}, json = {0}, other = {0};
    struct err *err = rig_other_ca(d->rig, &other);
    if (!err) {
        ca_respell(d->rig->ca_pem, buf_str(&other), a->spelling, &pem);
        str_free(&d->rig->ca_pem);
        d->rig->ca_pem = str_dup(buf_str(&pem));
        buf_add_c(&json, "{\"value\":");
        json_write_string(&json, d->rig->ca_pem);
        buf_add_char(&json, '}');
    }
    for (size_t i = 0; i < d->rig->sites_n && !err; i++)
        if (a->target.a.any || a->target.a.index == (int32_t)i)
            err = send(d, a, &d->rig->sites[i].api, "PATCH", STR(SETTING),
                       "application/merge-patch+json", buf_str(&json));
    buf_free(&pem);
    buf_free(&json);
    buf_free(&other);
    return err;
}

/* ---- processes ---- */

static struct err *on_processes(struct deeds *d, const struct plan_action *a)
{
    struct group g = {0};
    struct target t = group_settle(d->rig, &a->target, ledger_leads, d->ledger);
    group_add(d->rig, &t.a, &g);
    for (size_t i = 0; i < g.processes_n; i++)
        if (a->kind == ACTION_PROCESS_KILL)
            process_kill(g.processes[i], 0);
        else
            process_signal(g.processes[i], SIGTERM);
    group_free(&g);
    return NULL;
}

struct err *deeds_do(struct deeds *d, const struct plan_action *a)
{
    struct rig *r = d->rig;
    static const struct fault pause = {.kind = FAULT_PROCESS_PAUSE, .share_ppm = RIG_SHARE_ALL};
    struct err *err = NULL;
    switch (a->kind) {
    case ACTION_HEAL:
        if (wrongs_heal(d->wrongs, &a->target) > 0 || a->target.kind == TARGET_ALL)
            return NULL;
        return err_new(ERR_INVALID,
                       "no fault is aimed at \"" STR_FMT
                       "\": heal takes a target as the fault has it",
                       STR_ARG(a->target.text));
    case ACTION_DNS_SET:
        return rig_dns_set(r, PLAN_RECORD(r->plan, a->record), a->sites, a->sites_n, a->ttl_ns);
    case ACTION_MANAGER_PROMOTE:
        err = rig_promote(r, a->target.a.index);
        ledger_sites_changed(d->ledger);
        return err;
    case ACTION_MANAGER_DEMOTE:
        rig_demote(r, a->target.a.index);
        ledger_sites_changed(d->ledger);
        return NULL;
    case ACTION_PROCESS_KILL:
    case ACTION_PROCESS_RESTART:
        return on_processes(d, a);
    case ACTION_PROCESS_PAUSE:
        return wrongs_begin(d->wrongs, STR("pause"), &a->target, &pause, a->for_ns, false, NULL);
    case ACTION_CA_WRITE:
        return write_ca(d, a);
    case ACTION_APPLY:
    case ACTION_DELETE:
        return on_apis(d, a);
    default:
        return err_new(ERR_INTERNAL, "means.c lets no such action through");
    }
}

/* ---- life ---- */

struct err *deeds_failed(struct deeds *d, const struct plan_action **action)
{
    struct err *err = d->failed;
    d->failed = NULL;
    *action = d->failed_at;
    return err;
}

bool deeds_settled(const struct deeds *d)
{
    return list_empty(&d->under_way);
}

struct deeds *deeds_new(struct rig *rig, struct ledger *l, struct wrongs *w)
{
    struct deeds *d = MEM_NEW(struct deeds);
    d->rig = rig;
    d->ledger = l;
    d->wrongs = w;
    list_init(&d->under_way);
    return d;
}

void deeds_free(struct deeds *d)
{
    if (!d)
        return;
    while (!list_empty(&d->under_way))
        deed_free(container_of(d->under_way.next, struct deed, link));
    err_free(d->failed);
    mem_free(d);
}
