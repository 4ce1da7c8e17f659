#include "sim/kubeapi/print/print.h"

#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/crd/crds.h"

void api_reply_object(struct api_request *r, int status, const struct kube_object *o)
{
    struct print *p;
    if (!print_wanted(r)) {
        api_object_write(r->kind, o, false, &r->out);
    } else {
        if (!print_fits(r, false) || !print_new(r, &p))
            return;
        print_object(p, o, &r->out);
        print_free(p);
    }
    api_reply_written(r, status);
}
