/* dns_server: a DNS server of the suite's own on 127.0.0.1 (UDP), with a scripted zone. Names that it does not know do
 * not exist (NXDOMAIN with a SOA of CONTRACT_NEGATIVE_TTL_S). Queries for IPv6 get an empty answer. */
#ifndef PADDOCK_TESTS_CONTRACT_SUPPORT_DNS_SERVER_H
#define PADDOCK_TESTS_CONTRACT_SUPPORT_DNS_SERVER_H

#include "tests/contract/support/contract.h"

struct uv_loop_s;
struct dns_server;

struct dns_server *dns_server_new(struct uv_loop_s *loop,
                                  struct buf *address);                      /* "127.0.0.1:port" */
void dns_server_add(struct dns_server *s, const struct contract_name *name); /* borrowed */
void dns_server_free(struct dns_server *s); /* the loop runs once more, later */

#endif
