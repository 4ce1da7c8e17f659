/* fake_manager: a manager as an agent meets it, on a host of a lab: /ping, the CA setting, and tunnels that are taken by a
 * real router or refused. What it says is the test's. */
#ifndef PADDOCK_TESTS_UNIT_SUPPORT_FAKE_MANAGER_H
#define PADDOCK_TESTS_UNIT_SUPPORT_FAKE_MANAGER_H

#include "engine/http/ws.h"
#include "engine/tunnel/router.h"
#include "tests/unit/support/lab.h"

#define MANAGER_NAME "manager.test"

struct fake_manager {
    struct lab *l;
    struct sim_process *process;
    struct policies policies;
    struct identity identity;
    struct http_server *http;
    struct tunnel_router *router;
    int ping_status;
    const char *ping;
    struct str cacerts; /* the body of the setting; borrowed */
    int cacerts_status;
    bool mute;                /* answers nothing */
    int connect_status;       /* refuses tunnels with it; 0: takes them */
    const char *connect_text; /* and says so; NULL: "no" */
    bool bare;                /* takes tunnels as mere WebSockets */
    struct http_ws *ws;       /* the last one of those */
    uint32_t pings, dials, connects;
    world_time dialled_at;    /* the last one */
    struct buf paths;         /* of the dials: "/v3/connect/register " */
    struct buf tokens;        /* of their parameters: "TOKEN\n" */
    struct str agent_command; /* in the import manifest; borrowed; empty: the image's own entry */
    struct str ca_pem;        /* in the import manifest's checksum: "/v3/import/..."; borrowed */
};

/* Listens at port 443 of a host of that name; plain: without TLS. The certificate is of `ca`, for MANAGER_NAME. */
void fake_manager_open(struct fake_manager *m, struct lab *l, const char *name, const char *address,
                       struct authority *ca, bool plain);
void fake_manager_close(struct fake_manager *m); /* before the lab */
void fake_manager_cut_tunnels(struct fake_manager *m);
void fake_manager_close_bare(struct fake_manager *m); /* with a close handshake */
size_t fake_manager_tunnels(const struct fake_manager *m);
/* MANAGER_NAME is at these addresses from now on (each resolver finds out in time); NULL: nowhere. */
void fake_dns(struct lab *l, uint32_t ttl_s, const char *a, const char *b);

#endif
