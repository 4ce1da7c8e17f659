/* Goal: a file of stages becomes what simulated APIs take, word by word, and they take it.
 * Method: files in a table with what they become; each is read by the APIs' own reader, and matched with a pod. */
#include "tests/unit/support/check.h"

#include "sim/cluster/node_stages.h"
#include "sim/kubeapi/controllers/stages.h"
#include "sim/scenario/language/stages.h"

#define HEAD    "stages: v1\npods:\n"
#define AT_ONCE "\n delay 0ns jitter 0ns\n weight 1\n do "

static const struct {
    const char *file, *becomes;
} forms[] = {
    {HEAD "  a: {do: run}\n", "stage a\n when" AT_ONCE "run\n"},
    {HEAD "  a: {when: {deleting: false, state: none}, delay: 15s..25s, weight: 95, do: run}\n",
     "stage a\n when deleting=no state=none\n delay 15000000000ns jitter 10000000000ns\n weight "
     "95\n"
     " do run\n"},
    {HEAD
     "  a: {unless: {command: [\"false\", sleep], owner: none, ready: true}, do: exit, code: 0}\n",
     "stage a\n when ready!=yes owner!=- command!=false command!=sleep" AT_ONCE "exit 0\n"},
    {HEAD "  a: {when: {image: [\"*:gone\", invalid.*], phase: Pending, restart: Never}, do: wait, "
          "reason: ErrImagePull}\n",
     "stage a\n when phase=Pending restart=Never image=*:gone|invalid.*" AT_ONCE
     "wait ErrImagePull\n"},
    {HEAD "  a: {when: {label: {app: x, b/c: true}, annotation: {d: false}}, do: unready}\n",
     "stage a\n when label:app=x label:b/c=+ annotation:d=-" AT_ONCE "unready\n"},
    {HEAD "  a: {delay: 1s, delay_annotation: p/run-for, do: exit, code_annotation: p/code}\n",
     "stage a\n when\n delay 1000000000ns jitter 0ns or annotation:p/run-for\n weight 1\n"
     " do exit annotation:p/code\n"},
    {HEAD
     "  a: {delay_argument: true, weight: 0, when: {namespace: n, node: m, reason: R}, do: ready}\n"
     "  b: {do: delete}\n",
     "stage a\n when namespace=n node=m reason=R\n delay 0ns jitter 0ns or argument\n weight 0\n"
     " do ready\nstage b\n when" AT_ONCE "delete\n"},
};

static void forms_are_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        struct arena a = {0};
        struct diags diags;
        struct stages_texts text = {str_empty, str_empty};
        struct stages *stages = NULL;
        struct buf said = {0};
        bool ok = stages_load(&a, STR("s.yaml"), str_c(forms[i].file), &diags, &text);
        diags_print(&diags, &said);
        check_str(buf_str(&said), "");
        assert_true(ok);
        check_str(text.pods, forms[i].becomes);
        assert_null(stages_parse(text.pods, &stages));
        stages_free(stages);
        buf_free(&said);
        arena_free(&a);
    }
}

#define NODES "stages: v1\nnodes:\n"

static const struct {
    const char *file, *becomes;
} node_forms[] = {
    {NODES "  a: {do: ready}\n",
     "stage a\n when\n delay 0ns jitter 0ns\n share 1000000\n do ready\n"},
    {NODES
     "  a: {when: {state: ready, condition: M}, unless: {condition: [N, M/o]}, delay: 1s..3s, "
     "share: 20%, do: unready}\n"
     "  b: {unless: {state: new}, do: ready}\n",
     "stage a\n when state=ready condition=M condition!=N condition!=M/o\n"
     " delay 1000000000ns jitter 2000000000ns\n share 200000\n do unready KubeletNotReady\n"
     "stage b\n when state!=new\n delay 0ns jitter 0ns\n share 1000000\n do ready\n"},
    {NODES "  a: {do: ready}\n  l: {every: 10s, do: lease}\n  s: {every: 20s, do: status}\n"
           "  t: {every: 7s..9s, do: status}\n  c: {do: set, condition: M, reason: Full}\n"
           "  d: {do: clear, condition: M}\n",
     "stage a\n when\n delay 0ns jitter 0ns\n share 1000000\n do ready\n"
     "stage l\n when\n every 10000000000ns jitter 0ns\n share 1000000\n do lease\n"
     "stage s\n when\n every 20000000000ns jitter 0ns\n share 1000000\n do status\n"
     "stage t\n when\n every 7000000000ns jitter 2000000000ns\n share 1000000\n do status\n"
     "stage c\n when\n delay 0ns jitter 0ns\n share 1000000\n do set M Full\n"
     "stage d\n when\n delay 0ns jitter 0ns\n share 1000000\n do clear M\n"},
};

static void node_forms_are_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(node_forms); i++) {
        struct arena a = {0};
        struct diags diags;
        struct stages_texts text = {str_empty, str_empty};
        struct node_life *life = NULL;
        assert_true(stages_load(&a, STR("s.yaml"), str_c(node_forms[i].file), &diags, &text));
        assert_int_equal(text.pods.n, 0);
        check_str(text.nodes, node_forms[i].becomes);
        assert_null(node_life_parse(text.nodes, &life));
        node_life_free(life);
        arena_free(&a);
    }
}

static void bounds_are_the_same(void **state)
{
    (void)state;
    assert_int_equal(STAGES_FILE_MAX, STAGES_MAX);
    assert_int_equal(STAGES_CONDITIONS_MAX, STAGE_TERMS_MAX);
    assert_int_equal(NODE_STAGES_FILE_MAX, NODE_STAGES_MAX);
    assert_int_equal(NODE_STAGES_CONDITIONS_MAX, NODE_CONDITIONS_MAX);
}

static const struct {
    const char *file, *said;
} refused[] = {
    {HEAD "  a: {when: {owner: [Job, Node]}, do: run}\n",
     "s.yaml:3:27: error: pods.a.when.owner[1]: a pod has one owner only: make it two stages\n"},
    {HEAD "  a: {when: {reason: \"a b\"}, do: run}\n",
     "s.yaml:3:22: error: pods.a.when.reason: \"a b\" must be one word without blanks, #, =, | and "
     "!\n"},
    {HEAD "  a: {when: {label: {\"a=b\": x}, annotation: 3}, do: run}\n",
     "s.yaml:3:22: error: pods.a.when.label: \"a=b\" must be one word without blanks, #, =, | and "
     "!\n"
     "s.yaml:3:45: error: pods.a.when.annotation: expected a mapping such as {KEY: value}, not an "
     "integer\n"},
    {HEAD "  a: {do: wait}\n", "s.yaml:3:3: error: pods.a: \"do: wait\" needs \"reason\"\n"},
};

static void mistakes_are_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct arena a = {0};
        struct diags diags;
        struct stages_texts text = {str_empty, str_empty};
        struct buf said = {0};
        assert_false(stages_load(&a, STR("s.yaml"), str_c(refused[i].file), &diags, &text));
        diags_print(&diags, &said);
        check_str(buf_str(&said), refused[i].said);
        buf_free(&said);
        arena_free(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms_are_taken),
        cmocka_unit_test(node_forms_are_taken),
        cmocka_unit_test(bounds_are_the_same),
        cmocka_unit_test(mistakes_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
