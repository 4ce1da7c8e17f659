/* Any bytes as a scenario file: validating ends, and says where each mistake is; what is valid expands, and the expansion
 * is valid. */
#include "sim/scenario/language/scenario.h"

#define BYTES_MAX 4096u /* more does not find more */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size < BYTES_MAX ? size : BYTES_MAX};
    struct buf said = {0}, expanded = {0};
    struct expand_request request = {.has_seed = false};
    size_t errors = scenario_validate(STR("f"), text, NULL, &said);
    BUG_ON((errors == 0) != (said.n == 0), "an error says something");
    if (errors == 0 && scenario_expand(STR("f"), text, &request, &expanded, &said))
        BUG_ON(scenario_validate(STR("f"), buf_str(&expanded), NULL, &said) != 0,
               "what a valid scenario expands to is valid");
    buf_free(&said);
    buf_free(&expanded);
    return 0;
}
