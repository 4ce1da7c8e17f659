/* uv_dns_ttl: how long a negative DNS answer may be kept: the smaller of the SOA record's TTL and its MINIMUM field
 * (RFC 2308 §5), read from the authority section of the raw reply. I/O-free and safe on any bytes. */
#ifndef PADDOCK_ENGINE_WORLD_UV_UV_DNS_TTL_H
#define PADDOCK_ENGINE_WORLD_UV_UV_DNS_TTL_H

#include "engine/base/str.h"

#define UVW_DNS_NEGATIVE_TTL_MAX_S 10800u /* RFC 2308 §5: one to three hours */

/* 0: the reply has no SOA or is malformed: it must not be kept. */
uint32_t uvw_dns_negative_ttl(struct str reply);

#endif
