/* doctor: what the files of `paddock doctor` share. Private to engine/cli.
 *
 *   doctor.c ─► doctor_way.c ─────► doctor_trust.c ──────► doctor_tunnel.c ─► the end
 *   options     DNS, TCP of every   CA of the checksum,    WebSocket,
 *               address             TLS, HTTP (/ping)      a stream there and back
 *
 * Each file ends its part by calling the next one's doctor_check_*; whoever finds that there is no way on stops the world.
 * Bounds: every step has DOCTOR_STEP_TIMEOUT. */
#ifndef PADDOCK_ENGINE_CLI_DOCTOR_H
#define PADDOCK_ENGINE_CLI_DOCTOR_H

#include "engine/cli/cli.h"
#include "engine/http/url.h"
#include "engine/world/uv/uv_world.h"

#define DOCTOR_STEP_TIMEOUT (5 * NS_PER_S)
#define DOCTOR_MANAGER_PATH "/v3/connect"

struct cJSON;
struct doctor {
    struct shell *sh;
    struct uv_world *uv;
    struct world *w;
    struct url url;
    struct str path, token, checksum, ca_file;
    bool manager;      /* the path is the one of managers: it knows probes */
    struct buf ca_pem; /* empty: the system's store */
    struct policies policies;
    struct http_client *http;
    struct world_dns_answer answer;
    size_t tried, reached;
    struct world_addr address; /* the first that was reached */
    struct world_stream *stream;
    struct world_ws *ws;            /* NULL: none, or the session's */
    struct tunnel_session *session; /* at a manager's door */
    struct str name;                /* of this call: what it goes by, and what is echoed */
    size_t echoed;
    struct world_timer *timer;
    world_time since;
    bool verified; /* TLS: the chain is good */
    bool failed, json, interrupted;
    struct cJSON *lines;
};

void doctor_check_way(struct doctor *d);
void doctor_check_trust(struct doctor *d);
void doctor_check_tunnel(struct doctor *d);
void doctor_tunnel_end(struct doctor *d); /* what is still open */
void doctor_on_silence(void *doctor);     /* of its timer */

/* How it speaks to the server from TLS on. */
struct world_tls doctor_identity(const struct doctor *d);

/* ---- saying: a line each; what_to_do NULL: the step went well ---- */
void doctor_say(struct doctor *d, const char *step, struct str text, const char *what_to_do);
void doctor_say_error(struct doctor *d, const char *step, const struct err *err, const char *todo);
void doctor_add_took(const struct doctor *d, struct buf *text); /* since d->since */
void doctor_print_json(struct doctor *d);

#endif
