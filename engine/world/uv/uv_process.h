/* uv_process: what the operating system says of this process, for its metrics: the names process_... that Prometheus'
 * own clients use. What cannot be read is left out. */
#ifndef PADDOCK_ENGINE_WORLD_UV_UV_PROCESS_H
#define PADDOCK_ENGINE_WORLD_UV_UV_PROCESS_H

#include "engine/base/metrics_page.h"

/* A metrics_collect; owner is not used. */
void uv_process_collect(void *owner, struct metrics_page *page);

#endif
