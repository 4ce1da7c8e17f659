/* limits: what one server takes from its clients; told in kubeapi.h's terms, kept by those who read and write connections. */
#ifndef PADDOCK_SIM_KUBEAPI_CORE_LIMITS_H
#define PADDOCK_SIM_KUBEAPI_CORE_LIMITS_H

#include "engine/world/world.h"

#define KUBEAPI_BODY_BYTES_MAX   3145728u          /* beyond: 413 */
#define KUBEAPI_HEADER_BYTES_MAX ((size_t)1 << 20) /* beyond: 431 */
#define KUBEAPI_TIMEOUT          (60 * NS_PER_S)   /* of a request that is no watch: 504 */
#define KUBEAPI_GROUPS_MAX       64u               /* of one user */
#define KUBEAPI_WATCH_QUEUE_MAX                                                                    \
    ((size_t)1 << 20) /* bytes that wait in a connection before its watch pauses */

#endif
