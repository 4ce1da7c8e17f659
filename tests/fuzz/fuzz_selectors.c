/* Any text (a line each) as label selector, field selector and Accept header: refused, or it has a verdict on an object. */
#include "sim/kubeapi/core/accept.h"
#include "sim/kubeapi/core/selector.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct kube_object *sample(void)
{
    struct kube_object *o = NULL;
    struct err *err = kube_object_from_json(
        STR("{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"labels\":{\"a\":\"1\",\"b\":"
            "\"x\"},"
            "\"name\":\"p\",\"namespace\":\"default\"},\"spec\":{\"nodeName\":\"n\"}}"),
        &o);
    BUG_ON(err, "the sample is an object");
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = {(const char *)data, size}, labels, fields;
    struct selector s = {.name = str_empty, .ns = str_empty};
    struct arena a = {0};
    struct kube_object *o = sample();
    struct api_media media;
    (void)str_cut(rest, '\n', &labels, &rest);
    if (!str_cut(rest, '\n', &fields, &rest))
        rest = str_empty;
    struct err *err = selector_parse_labels(&a, labels, &s);
    if (!err)
        (void)selector_matches(&s, o);
    err_ignore(err);
    s = (struct selector){.name = str_empty, .ns = str_empty};
    err = selector_parse_fields(&a, fields, &s);
    if (!err)
        (void)selector_matches(&s, o);
    err_ignore(err);
    for (int i = API_ENDPOINT_PLAIN; i <= API_ENDPOINT_AGGREGATED; i++)
        if (api_media_choose(rest, (enum api_endpoint)i, &media))
            BUG_ON(media.as != API_AS_NONE && !media.as_version, "a transformation has a version");
    kube_object_unref(o);
    arena_free(&a);
    return 0;
}
