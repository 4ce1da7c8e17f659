/* Actions in the estate: processes, clusters, objects. */
#include "sim/scenario/run/inject_internal.h"

#include "sim/kubeapi/kinds/kinds.h"
#include "sim/world/fault.h"

static void kill_processes(struct inject *in, const struct target *t)
{
    struct picks p = {0};
    struct target settled = picks_settle(in->estate, t);
    picks_add(in->estate, &settled.a, &p);
    for (size_t i = 0; i < p.processes_n; i++)
        sim_process_kill(p.processes[i], SIM_EXIT_KILLED);
    picks_free(&p);
}

static void rotate(struct inject *in, const struct plan_action *a)
{
    struct target_end end = a->target.a;
    struct target managers = {.a = end, .kind = TARGET_MANAGER};
    managers.a.kind = TARGET_MANAGER;
    for (size_t i = 0; i < in->estate->sites_n; i++)
        if (end.any || end.index == (int32_t)i)
            site_rotate(in->estate->sites[i]);
    if (a->at_once)
        inject_restart(in, &managers);
    else
        inject_roll_out(in, &managers);
}

/* The store's table of a kind; custom resources are named by the plural that everybody writes. */
static void table_of(struct str group, struct str version, struct str kind, struct buf *out)
{
    const struct api_kind *known = api_kind_builtin_of(group, version, kind);
    if (known) {
        buf_add(out, known->table);
        return;
    }
    for (size_t i = 0; i < kind.n; i++)
        buf_add_char(out,
                     (char)(kind.p[i] >= 'A' && kind.p[i] <= 'Z' ? kind.p[i] + 32 : kind.p[i]));
    buf_addf(out, "s." STR_FMT, STR_ARG(group));
}

static struct err *delete_object(struct kubeapi *api, const struct plan_action *a)
{
    struct str group, version;
    struct buf table = {0};
    if (!kube_api_version_parse(a->object_api_version, &group, &version))
        return err_new(ERR_INVALID, "\"" STR_FMT "\" is no apiVersion",
                       STR_ARG(a->object_api_version));
    table_of(group, version, a->object_kind, &table);
    struct err *err = kubeapi_delete(api, buf_str(&table), a->object_namespace, a->object_name);
    buf_free(&table);
    return err;
}

static struct err *on_apis(struct inject *in, const struct plan_action *a)
{
    struct arena arena = {0};
    struct buf json = {0};
    struct err *err = NULL;
    const struct target_end *t = &a->target.a;
    struct estate *e = in->estate;
    cJSON *tree = a->object ? yaml_to_json(&arena, a->object) : NULL;
    if (tree)
        json_write(&json, tree);
    for (size_t i = 0; !err && i < e->sites_n + e->clusters_n; i++) {
        bool is_site = i < e->sites_n;
        size_t c = i - e->sites_n;
        if (is_site != t->of_site)
            continue;
        if (is_site ? !(t->any || t->index == (int32_t)i) : !picks_cluster(e, t, c))
            continue;
        struct kubeapi *api =
            apihost_api(is_site ? e->sites[i]->api : sim_cluster_api(e->clusters[c].sim));
        if (!api)
            err = err_new(ERR_UNAVAILABLE, STR_FMT " is down", STR_ARG(a->target.text));
        else if (tree)
            err = kubeapi_apply(api, buf_str(&json), NULL);
        else
            err = delete_object(api, a);
    }
    buf_free(&json);
    arena_free(&arena);
    return err;
}

/* Its replicas show it when they have restarted, one after the other. */
static void certify_sites(struct inject *in, const struct plan_action *a)
{
    struct target managers = {.a = a->target.a, .kind = TARGET_MANAGER};
    managers.a.kind = TARGET_MANAGER;
    for (size_t i = 0; i < in->estate->sites_n; i++)
        if (a->target.a.any || a->target.a.index == (int32_t)i)
            site_certify(in->estate->sites[i], a->for_ns);
    inject_roll_out(in, &managers);
}

static struct err *on_clusters(struct inject *in, const struct plan_action *a)
{
    struct estate *e = in->estate;
    for (size_t i = 0; i < e->clusters_n; i++) {
        if (!picks_cluster(e, &a->target.a, i))
            continue;
        if (a->kind == ACTION_CLUSTER_REMOVE)
            estate_remove_cluster(e, i);
        else if (a->kind == ACTION_CERTIFICATE_ISSUE)
            sim_cluster_certify(e->clusters[i].sim, a->for_ns);
        else
            sim_cluster_set_nodes(e->clusters[i].sim, (uint32_t)a->count);
    }
    return NULL;
}

struct err *inject_action(struct inject *in, const struct plan_action *a)
{
    struct estate *e = in->estate;
    switch (a->kind) {
    case ACTION_HEAL:
        if (inject_heal(in, &a->target) > 0 || a->target.kind == TARGET_ALL)
            return NULL;
        return err_new(ERR_INVALID,
                       "no fault is aimed at \"" STR_FMT
                       "\": heal takes a target as the fault has it",
                       STR_ARG(a->target.text));
    case ACTION_DNS_SET:
        estate_dns_set(e, PLAN_RECORD(e->plan, a->record), a->sites, a->sites_n, a->ttl_ns);
        return NULL;
    case ACTION_MANAGER_PROMOTE:
        estate_promote(e, a->target.a.index);
        view_active_changed(in->view);
        return NULL;
    case ACTION_MANAGER_DEMOTE:
        estate_demote(e, a->target.a.index);
        return NULL;
    case ACTION_MANAGER_RESTART:
        inject_roll_out(in, &a->target);
        return NULL;
    case ACTION_PROCESS_RESTART:
        inject_restart(in, &a->target);
        return NULL;
    case ACTION_PROCESS_KILL:
        kill_processes(in, &a->target);
        return NULL;
    case ACTION_PROCESS_PAUSE:
        inject_fault(in, STR("pause"), &a->target,
                     &(struct fault){.kind = FAULT_PROCESS_PAUSE, .share_ppm = SIM_SHARE_ALL},
                     a->for_ns, false);
        return NULL;
    case ACTION_CLUSTER_CREATE:
        estate_add_clusters(e, (uint32_t)a->group, (uint32_t)a->count);
        view_clusters_added(in->view);
        return NULL;
    case ACTION_CERTIFICATE_ISSUE:
        if (a->target.a.kind == TARGET_SITE) {
            certify_sites(in, a);
            return NULL;
        }
        return on_clusters(in, a);
    case ACTION_CLUSTER_REMOVE:
    case ACTION_CLUSTER_SCALE:
        return on_clusters(in, a);
    case ACTION_CA_WRITE:
        for (size_t i = 0; i < e->sites_n; i++)
            if (a->target.a.any || a->target.a.index == (int32_t)i)
                site_ca_write(e->sites[i], a->spelling);
        return NULL;
    case ACTION_CERTIFICATE_ROTATE:
        rotate(in, a);
        return NULL;
    case ACTION_APPLY:
    case ACTION_DELETE:
        return on_apis(in, a);
    case ACTION_FAULT:
    case ACTION_KIND_COUNT:
        break;
    }
    return err_new(ERR_INTERNAL, "no action of this kind");
}
