/* textform: JSON in the other text forms that the API answers with: indented, and YAML.
 *
 * Indented is Go's: two blanks a level, "key": value, empty objects and arrays closed at once, no newline at the end.
 * YAML is in block style with the tree's key order; a string is quoted when a YAML 1.1 or 1.2 reader would take it for
 * something else; strings with line breaks are literal blocks where that is exact. */
#ifndef PADDOCK_SIM_KUBEAPI_CORE_TEXTFORM_H
#define PADDOCK_SIM_KUBEAPI_CORE_TEXTFORM_H

#include "engine/base/json.h"

void textform_indent(struct str json, struct buf *out); /* json: valid, without blanks */
void textform_yaml(const cJSON *tree, struct buf *out); /* ends in a newline */

#endif
