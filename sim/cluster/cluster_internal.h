/* What the files of sim/cluster share about one cluster. */
#ifndef PADDOCK_SIM_CLUSTER_CLUSTER_INTERNAL_H
#define PADDOCK_SIM_CLUSTER_CLUSTER_INTERNAL_H

#include "sim/cluster/cluster.h"
#include "sim/cluster/node_stages.h"
#include "sim/world/fault.h"

struct pod;

/* What a node keeps when its life is not the usual one. */
struct node_clock {
    struct sim_cluster *cluster;
    uint32_t node;
    struct sim_task *task;
    uint32_t concerns; /* bit set of stages: of those with a share, what the seed drew */
    world_time due[NODE_STAGES_MAX];         /* negative: it does not look so */
    struct str reasons[NODE_CONDITIONS_MAX]; /* of the life's stages */
    struct str unready;
};
struct node {
    struct str name; /* owned */
    enum node_phase phase;
    bool down, gone;          /* by what is done to it: no stage moves it meanwhile */
    uint8_t conditions;       /* bit set of those of its life that are True */
    uint32_t replaced;        /* which machine it is */
    struct node_clock *clock; /* owned; NULL: the usual life needs none */
};

struct sim_cluster {
    struct sim *sim;
    struct str name, zone, stages; /* owned */
    uint32_t index, agent_replicas;
    struct policies policies;
    struct rng rng;
    struct authority *authority;
    struct apihost *api;
    struct sim_resolver *resolver;
    struct store_table *leases, *nodes_table; /* of the API that runs now */
    struct node_life *life;
    struct rng life_rng;
    struct node *nodes;
    uint32_t nodes_n;
    uint64_t beats;
    bool coredns, cni, imported;
    struct sim_fault *coredns_fault, *cni_fault;
    uint32_t fault_serial;
    struct importer *importer;
    struct str cleanup_pod; /* owned; empty: none under way */

    struct pod *slots[SIM_CLUSTER_PODS_MAX];
    uint32_t slots_n;
    bool slots_wanted; /* a pod has found none that is free */
};

/* ---- node.c ---- */
void nodes_watch(struct sim_cluster *c, struct kubeapi *api); /* it has started */
void nodes_free(struct sim_cluster *c);
void node_write(struct sim_cluster *c, const struct node *n); /* its object says what it is */
void node_beat(struct sim_cluster *c, const struct node *n, enum node_action action,
               struct str now); /* lease or status */
enum node_state { NODE_READY, NODE_UNREADY, NODE_GONE };
enum node_state node_state(const struct sim_cluster *c, struct str name);

/* ---- node_life.c ---- */
void node_life_begin(struct sim_cluster *c, struct str stages); /* before the first node */
void node_life_beats(struct sim_cluster *c);                    /* from now on */
void node_enter(struct sim_cluster *c, uint32_t node, enum node_phase phase); /* it looks so now */
void node_clock_free(struct node *n);

/* ---- kubelet.c: struct kubeapi_kubelet ---- */
bool kubelet_runs(void *owner, const struct kube_object *pod);
bool kubelet_staged(void *owner, const struct kube_object *pod);
void kubelet_gone(void *owner, const struct kube_object *pod);
bool kubelet_node_up(void *owner, struct str node);
/* The API is there, with another content perhaps: pods that it does not know end. */
void kubelet_restarted(struct sim_cluster *c, struct kubeapi *api);

/* ---- pod.c ---- */
enum pod_state { POD_FREE, POD_STARTING, POD_RUNNING, POD_BACKOFF, POD_ENDING };
struct pod {
    struct sim_cluster *cluster;
    uint32_t slot;
    enum pod_state state;
    struct sim_process *process;
    const void **config;      /* of the process: the pod itself */
    struct str ns, name, uid; /* owned */
    struct str env;           /* owned: "NAME=VALUE\n"... for the next start */
    struct str node;          /* owned */
    uint32_t restarts, backoffs;
    int exit_code; /* of the last end */
    world_time started_at;
    struct sim_task *timer;
    struct str
        probe; /* owned: the file whose being there is readiness; empty: it is ready when it runs */
    bool probe_http; /* its /readyz is asked instead */
    bool ready;
    struct sim_task *probing;
};
/* Slots exist from the start, so that faults can be aimed at their hosts before a pod is there. */
void pods_prepare(struct sim_cluster *c, uint32_t slots);
struct pod *pod_find_free(struct sim_cluster *c);
/* Starts the Pod's process after a while. */
void pod_take(struct pod *p, const struct kube_object *pod);
void pod_tell(const struct pod *p); /* its status says what it does */
void pod_stop(struct pod *p);       /* then its object goes, if that is on its way out */
/* Scheduled and not on its way out. */
static inline bool pod_counts(const struct pod *p)
{
    return p->state != POD_FREE && p->state != POD_ENDING;
}
/* The machine is gone, and with it its processes and, by force, their objects. */
void pods_of_node_lost(struct sim_cluster *c, struct str node);
void pods_free(struct sim_cluster *c);
struct cluster_agent *pod_agent(const struct pod *p);

/* ---- import.c ---- */
void importer_free(struct importer *im);

#endif
