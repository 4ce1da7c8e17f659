/* contract: the frame of the contract suite. Every case is written once and run on each world: a world for a server
 * process and one for a client process, joined by a network, a DNS zone and folders for files.
 *
 * A program of the suite is a table of cases and `return contract_main(...)`; its test names are "uv: echo" and
 * "sim: echo". The first argument, when given, is a pattern of names ("*echo*").
 * Waiting is always for a condition with a limit: contract_until; a case fails when the limit passes. */
#ifndef PADDOCK_TESTS_CONTRACT_SUPPORT_CONTRACT_H
#define PADDOCK_TESTS_CONTRACT_SUPPORT_CONTRACT_H

#include "engine/world/world.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define CONTRACT_LIMIT (20 * NS_PER_S)

enum contract_kind { CONTRACT_UV, CONTRACT_SIM, CONTRACT_KINDS };

struct contract_ops;
struct contract {
    const struct contract_ops *ops;
    enum contract_kind kind;
    struct world *server, *client;
    struct buf folder; /* where the client may make files; ends in '/' */
};

struct contract_name { /* one name of the DNS zone */
    const char *name;
    uint32_t ttl_s;
    const char *cname; /* an alias: the answer continues with the target's addresses */
    uint32_t cname_ttl_s;
    const char *addresses[4];
    enum { CONTRACT_DNS_OK, CONTRACT_DNS_NXDOMAIN, CONTRACT_DNS_SERVFAIL, CONTRACT_DNS_SILENT } how;
};
#define CONTRACT_NEGATIVE_TTL_S 30u

/* What one kind of world provides. */
struct contract_ops {
    const char *name;
    struct contract *(*open)(void);
    void (*close)(struct contract *c);
    bool (*until)(struct contract *c, bool (*holds)(void *owner), void *owner, world_time limit);
    struct world_addr (*server_addr)(struct contract *c, uint16_t port); /* for the client */
    struct world_addr (*black_hole)(struct contract *c); /* connecting gets no answer at all */
    void (*dns_add)(struct contract *c, const struct contract_name *name);
    void (*file_put)(struct contract *c, const char *path,
                     const char *content); /* behind the world's back */
};
extern const struct contract_ops contract_uv;
extern const struct contract_ops contract_sim;
extern const struct contract_ops contract_uv_own; /* with the engine's own WebSocket client */

struct contract_case {
    const char *name;
    void (*run)(struct contract *c);
};
int contract_main(const char *suite, const struct contract_case *cases, size_t n, bool websockets,
                  int argc, char **argv);
#define CONTRACT_MAIN_OF(suite, cases, websockets)                                                 \
    int main(int argc, char **argv)                                                                \
    {                                                                                              \
        return contract_main(suite, cases, ARRAY_LEN(cases), websockets, argc, argv);              \
    }
#define CONTRACT_MAIN(suite, cases)            CONTRACT_MAIN_OF(suite, cases, false)
/* Of outgoing WebSockets: with both of the real world's clients. */
#define CONTRACT_MAIN_WEBSOCKETS(suite, cases) CONTRACT_MAIN_OF(suite, cases, true)

/* Runs both worlds until holds(owner); the case fails when CONTRACT_LIMIT passes first. */
void contract_until_at(struct contract *c, bool (*holds)(void *owner), void *owner,
                       const char *what, const char *file, int line);
#define contract_until(c, holds, owner)                                                            \
    contract_until_at(c, holds, owner, #holds, __FILE__, __LINE__)
void contract_for(struct contract *c, world_time time); /* lets time pass */
#define contract_until_flag(c, flag)                                                               \
    contract_until_at(c, contract_flag_holds, (flag), #flag, __FILE__, __LINE__)
bool contract_flag_holds(void *flag); /* an int that is not 0 */

/* Certificates around the present time of the worlds. Kept in `into`, freed by contract_pki_free. */
#define CONTRACT_NAME "manager.example.test"
struct contract_pki {
    struct str ca_pem, other_ca_pem; /* other_ca: signed nothing that a server here shows */
    struct str cert_pem, key_pem;    /* for CONTRACT_NAME, 127.0.0.1 and the simulated server */
    struct str cert2_pem, key2_pem;  /* the same again: a renewed identity */
    struct str expired_pem, expired_key_pem;
    struct str client_pem, client_key_pem;     /* by ca */
    struct str stranger_pem, stranger_key_pem; /* a client certificate by other_ca */
};
struct contract_pki *contract_pki_new(struct contract *c);
void contract_pki_free(struct contract_pki *pki);

#endif
