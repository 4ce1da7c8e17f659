/* gotext: JSON values as Go prints them (%v), because error texts of the API hold them: map[a:1 b:[x y]], <nil>. */
#ifndef PADDOCK_SIM_KUBEAPI_TYPES_GOTEXT_H
#define PADDOCK_SIM_KUBEAPI_TYPES_GOTEXT_H

#include "engine/base/json.h"

void gotext_print(struct buf *out, const cJSON *v);
/* The Go type that a decoded JSON value has: "string", "int64", "float64", "bool", "map[string]interface {}", .... */
const char *gotext_type(const cJSON *v);

#endif
