/* The costs of engine/base: events through the heap, look-ups in a map, JSON of a Pod of about 900 bytes. */
#include "engine/base/heap.h"
#include "engine/base/json.h"
#include "engine/base/map.h"
#include "engine/base/rng.h"
#include "tests/bench/support/measure.h"

#include <stdio.h>

#define TIMERS 20000u
#define KEYS   10000u

static const char pod[] =
    "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"annotations\":{\"example.test/"
    "source\":"
    "\"api\",\"example.test/score\":\"100\"},\"creationTimestamp\":\"2026-01-01T00:00:00Z\","
    "\"labels\":{\"app\":\"cattle-cluster-agent\",\"pod-template-hash\":\"5d9c7b6f9\"},\"name\":"
    "\"cattle-cluster-agent-5d9c7b6f9-abcde\",\"namespace\":\"cattle-system\",\"resourceVersion\":"
    "\"123456\",\"uid\":\"0e6c2c34-5f3e-4c8e-9f2e-0f7f2c1a9b11\"},\"spec\":{\"containers\":[{"
    "\"env\":[{\"name\":\"CATTLE_SERVER\",\"value\":\"https://manager.example.test\"},{\"name\":"
    "\"CATTLE_CLUSTER\",\"value\":\"true\"}],\"image\":\"registry.example.test/agent:v1\",\"name\":"
    "\"cluster-register\",\"resources\":{}}],\"nodeName\":\"node-1\",\"restartPolicy\":\"Always\","
    "\"serviceAccountName\":\"cattle\"},\"status\":{\"conditions\":[{\"lastTransitionTime\":"
    "\"2026-01-01T00:00:05Z\",\"status\":\"True\",\"type\":\"Ready\"}],\"hostIP\":\"10.0.0.1\","
    "\"phase\":\"Running\",\"podIP\":\"10.42.0.17\",\"startTime\":\"2026-01-01T00:00:01Z\"}}";

/* A full heap: each event is popped and a later one pushed, as timers do. */
static void bench_heap(void)
{
    enum { EVENTS = 2000000 };
    struct heap_node *nodes = MEM_NEW_ARRAY(struct heap_node, TIMERS);
    struct heap h = {0};
    struct rng r = rng_seed(1);
    uint64_t seq = 0;
    for (size_t i = 0; i < TIMERS; i++)
        heap_push(&h, &nodes[i], (int64_t)rng_below(&r, 1000000), seq++);
    int64_t from_ns = bench_now_ns(), at = 0;
    struct heap_node *node;
    for (int i = 0; i < EVENTS && heap_peek(&h, &at, &node); i++) {
        (void)heap_pop(&h);
        heap_push(&h, node, at + 1 + (int64_t)rng_below(&r, 1000000), seq++);
    }
    bench_rate("base", "heap_pop_push_20000", from_ns, EVENTS);
    heap_free(&h);
    mem_free(nodes);
}

static void bench_map(void)
{
    enum { ROUNDS = 200 };
    struct map m = {0};
    char(*keys)[32] = mem_alloc_array(KEYS, sizeof(*keys));
    struct str *texts = MEM_NEW_ARRAY(struct str, KEYS);
    for (size_t i = 0; i < KEYS; i++)
        texts[i] = (struct str){
            keys[i], (size_t)snprintf(keys[i], sizeof(keys[i]), "cattle-system/agent-%zu", i)};
    int64_t from_ns = bench_now_ns();
    for (size_t round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < KEYS; i++)
            (void)map_put(&m, texts[i], keys[i]);
    bench_rate("base", "map_put_10000", from_ns, ROUNDS * KEYS);
    from_ns = bench_now_ns();
    size_t found = 0;
    for (size_t round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < KEYS; i++)
            found += map_get(&m, texts[i]) != NULL;
    bench_rate("base", "map_get_10000", from_ns, found);
    from_ns = bench_now_ns();
    for (size_t round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < KEYS; i++) {
            (void)map_remove(&m, texts[i]);
            (void)map_put(&m, texts[i], keys[i]);
        }
    bench_rate("base", "map_remove_put_10000", from_ns, ROUNDS * KEYS);
    map_free(&m);
    mem_free(texts);
    mem_free(keys);
}

static void bench_json(void)
{
    enum { ROUNDS = 200000 };
    struct arena a = {0};
    struct buf out = {0};
    cJSON *v = NULL;
    int64_t from_ns = bench_now_ns();
    for (int i = 0; i < ROUNDS; i++) {
        arena_reset(&a);
        struct err *err = json_parse(&a, STR(pod), &v);
        BUG_ON(err != NULL, "a Pod is JSON");
    }
    bench_rate("base", "json_parse_pod", from_ns, ROUNDS);
    from_ns = bench_now_ns();
    for (int i = 0; i < ROUNDS; i++) {
        buf_clear(&out);
        json_write(&out, v);
    }
    bench_rate("base", "json_write_pod", from_ns, ROUNDS);
    buf_free(&out);
    arena_free(&a);
}

int main(void)
{
    bench_heap();
    bench_map();
    bench_json();
    return 0;
}
