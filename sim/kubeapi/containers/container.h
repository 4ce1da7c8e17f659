/* container: one container of a pod as its kubelet knows it, read from the pod's object.
 *
 * Ownership: strings are in the arena that was given.
 * Errors:    container_log_refusal says in words why there is no log, as kubelets do.
 * Bounds:    CONTAINER_ENV_MAX variables, CONTAINER_PORTS_MAX ports of the pod; what is beyond is not there.
 * Source:    kubelet 1.34 as observed (validateContainerLogStatus). */
#ifndef PADDOCK_SIM_KUBEAPI_CONTAINERS_CONTAINER_H
#define PADDOCK_SIM_KUBEAPI_CONTAINERS_CONTAINER_H

#include "engine/base/json.h"
#include "sim/kubeapi/containers/clog.h"

#define CONTAINER_ENV_MAX   256u
#define CONTAINER_PORTS_MAX 256u

enum container_state {
    CONTAINER_UNKNOWN, /* no status yet */
    CONTAINER_WAITING,
    CONTAINER_RUNNING,
    CONTAINER_TERMINATED
};

struct container_variable {
    struct str name, value;
};
struct container_port {
    struct str name;
    uint16_t number;
};

struct container {
    struct str ns, pod, uid, node, ip;
    struct str name, image;
    struct container_variable *env;
    size_t env_n;
    bool stdin_open, tty;
    enum container_state state;
    struct str reason; /* of waiting */
    struct clog log;   /* of the present run, or of the last one; of none: lines are 0 */
    struct clog last;  /* of the run before */
    bool has_log, has_last;
};

/* False: the pod has no container of that name, init and ephemeral ones included. */
bool container_read(struct arena *a, const cJSON *pod, struct str name, struct container *out);
/* Empty: there is one, and *log is it. Else the sentence of a 400. */
struct str container_log_refusal(struct arena *a, const struct container *c, bool previous,
                                 struct clog *log);

/* The TCP ports of all the pod's containers. */
size_t container_ports(struct arena *a, const cJSON *pod, struct container_port **out);
/* Is the pod's network up: has any container of it begun? */
bool container_network(const cJSON *pod);

#endif
