/* ports: the servers behind a pod's ports: echo, and HTTP/1.1 as small as it gets. Private to this folder.
 *
 * HTTP: GET /bytes/N answers N bytes, every other path a line that names pod, port and path; requests have no body; kept
 * open until the client says otherwise. */
#ifndef PADDOCK_SIM_KUBEAPI_CONTAINERS_PORTS_H
#define PADDOCK_SIM_KUBEAPI_CONTAINERS_PORTS_H

#include "sim/kubeapi/containers/process.h"

#define PORTS_HEAD_MAX 8192u

struct port_server {
    struct container_port port;
    struct str pod;
    uint64_t left; /* of a body of bytes */
    bool closes;
};

enum process_step port_step(struct port_server *s, struct process_io *io);

#endif
