/* formats: what `format` of a string schema asks for, by name. Unknown names ask for nothing.
 * Source of behaviour: the formats that a real server checks; where it follows an RFC loosely, so do we. */
#ifndef PADDOCK_SIM_KUBEAPI_TYPES_FORMATS_H
#define PADDOCK_SIM_KUBEAPI_TYPES_FORMATS_H

#include "engine/base/str.h"

struct format;
const struct format *format_find(struct str name); /* NULL: not checked */
struct str format_name(const struct format *f);
bool format_holds(const struct format *f, struct str value);

#endif
