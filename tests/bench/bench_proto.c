/* The costs of the protobuf form: a Pod of about 1 KB from its stored JSON and back to a tree, and a list of 10,000. */
#include "sim/kubeapi/types/proto.h"
#include "tests/bench/support/measure.h"

static const char pod[] =
    "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"annotations\":{\"example.test/"
    "source\":"
    "\"api\"},\"creationTimestamp\":\"2026-01-01T00:00:00Z\",\"labels\":{\"app\":\"agent\","
    "\"pod-template-hash\":\"5d9c7b6f9\"},\"managedFields\":[{\"apiVersion\":\"v1\",\"fieldsType\":"
    "\"FieldsV1\",\"fieldsV1\":{\"f:spec\":{\"f:nodeName\":{}}},\"manager\":\"kubectl\","
    "\"operation\":\"Update\",\"time\":\"2026-01-01T00:00:00Z\"}],\"name\":\"agent-5d9c7b6f9-"
    "abcde\","
    "\"namespace\":\"system\",\"resourceVersion\":\"123456\",\"uid\":"
    "\"0e6c2c34-5f3e-4c8e-9f2e-0f7f2c1a9b11\"},\"spec\":{\"containers\":[{\"env\":[{\"name\":"
    "\"SERVER\",\"value\":\"https://manager.example.test\"}],\"image\":\"registry.example.test/"
    "agent:v1\",\"name\":\"register\",\"resources\":{\"limits\":{\"cpu\":\"500m\"}}}],\"nodeName\":"
    "\"node-1\",\"restartPolicy\":\"Always\",\"serviceAccountName\":\"agent\",\"volumes\":[{"
    "\"emptyDir\":{},\"name\":\"tmp\"}]},\"status\":{\"conditions\":[{\"lastTransitionTime\":"
    "\"2026-01-01T00:00:05Z\",\"status\":\"True\",\"type\":\"Ready\"}],\"hostIP\":\"10.0.0.1\","
    "\"phase\":\"Running\",\"podIP\":\"10.42.0.17\",\"startTime\":\"2026-01-01T00:00:01Z\"}}";

static void bench_one(void)
{
    enum { ROUNDS = 100000 };
    const struct type *t = proto_type(STR("v1"), STR("Pod"));
    struct buf b = {0};
    struct arena a = {0};
    struct proto_envelope e;
    cJSON *tree;
    int64_t from_ns = bench_now_ns();
    for (int i = 0; i < ROUNDS; i++) {
        buf_clear(&b);
        proto_encode_object(t, STR("v1"), STR("Pod"), STR(pod), &b);
    }
    bench_rate("proto", "encode_pod", from_ns, ROUNDS);
    from_ns = bench_now_ns();
    for (int i = 0; i < ROUNDS; i++) {
        arena_reset(&a);
        err_ignore(proto_open(buf_str(&b), &e));
        err_ignore(proto_decode(&a, t, e.raw, &tree));
    }
    bench_rate("proto", "decode_pod", from_ns, ROUNDS);
    buf_free(&b);
    arena_free(&a);
}

static void bench_list(void)
{
    enum { ITEMS = 10000 };
    struct buf json = {0}, b = {0};
    buf_add_c(&json, "{\"apiVersion\":\"v1\",\"items\":[");
    for (int i = 0; i < ITEMS; i++) {
        buf_add_c(&json, i > 0 ? "," : "");
        buf_add_c(&json, pod);
    }
    buf_add_c(&json, "],\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"7\"}}");
    int64_t from_ns = bench_now_ns();
    proto_encode_object(proto_type(STR("v1"), STR("PodList")), STR("v1"), STR("PodList"),
                        buf_str(&json), &b);
    bench_rate("proto", "encode_list_10000", from_ns, ITEMS);
    buf_free(&json);
    buf_free(&b);
}

int main(void)
{
    bench_one();
    bench_list();
    return 0;
}
