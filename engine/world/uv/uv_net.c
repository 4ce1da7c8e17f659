/* Errors and addresses between libuv and the world. */
#include "engine/world/uv/uv_internal.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <string.h>

enum err_code uvw_net_code(int status)
{
    switch (status) {
    case UV_ECONNREFUSED:
        return ERR_CONN_REFUSED;
    case UV_ECONNRESET:
    case UV_EPIPE:
    case UV_ECONNABORTED:
        return ERR_CONN_RESET;
    case UV_EHOSTUNREACH:
    case UV_ENETUNREACH:
    case UV_ENETDOWN:
    case UV_EADDRNOTAVAIL:
        return ERR_UNREACHABLE;
    case UV_ETIMEDOUT:
        return ERR_TIMEOUT;
    case UV_EOF:
        return ERR_EOF;
    case UV_EMFILE:
    case UV_ENFILE:
    case UV_ENOBUFS:
    case UV_ENOMEM:
        return ERR_UNAVAILABLE;
    case UV_EINVAL:
    case UV_EAFNOSUPPORT:
        return ERR_INVALID;
    default:
        return ERR_IO;
    }
}

struct err *uvw_net_err(int status, const char *what, const struct world_addr *address)
{
    BUG_ON(status >= 0, "an error is negative");
    struct buf where = {0};
    world_addr_print(address, &where);
    struct err *err =
        err_new(uvw_net_code(status), "%s %s: %s", what, buf_c(&where), uv_strerror(status));
    buf_free(&where);
    return err;
}

bool uvw_sockaddr(const struct world_addr *address, struct sockaddr_storage *out)
{
    memset(out, 0, sizeof *out);
    if (strchr(address->host, ':'))
        return uv_ip6_addr(address->host, address->port, (struct sockaddr_in6 *)out) == 0;
    return uv_ip4_addr(address->host, address->port, (struct sockaddr_in *)out) == 0;
}

struct world_addr uvw_addr(const struct sockaddr *sa)
{
    struct world_addr a = {0};
    if (sa->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)sa;
        if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
            inet_ntop(AF_INET, in6->sin6_addr.s6_addr + 12, a.host, sizeof a.host);
        else
            inet_ntop(AF_INET6, &in6->sin6_addr, a.host, sizeof a.host);
        a.port = ntohs(in6->sin6_port);
    } else if (sa->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)sa;
        inet_ntop(AF_INET, &in->sin_addr, a.host, sizeof a.host);
        a.port = ntohs(in->sin_port);
    }
    return a;
}

struct str uvw_find_own_address(void)
{
    struct str found = str_dup(STR("127.0.0.1"));
    uv_interface_address_t *all;
    int n;
    if (uv_interface_addresses(&all, &n) != 0)
        return found;
    for (int i = 0; i < n; i++) {
        if (all[i].is_internal || all[i].address.address4.sin_family != AF_INET)
            continue;
        struct world_addr a = uvw_addr((const struct sockaddr *)&all[i].address.address4);
        str_free(&found);
        found = str_dup(str_c(a.host));
        break;
    }
    uv_free_interface_addresses(all, n);
    return found;
}
