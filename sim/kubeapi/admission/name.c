#include "sim/kubeapi/admission/admission.h"

struct str admission_name(const struct api_request *r, const cJSON *object)
{
    struct str name = json_string_at(object, "metadata.name");
    return r->stamp_name.n > 0 && str_eq(name, r->stamp_name)
               ? json_string_at(object, "metadata.generateName")
               : name;
}
