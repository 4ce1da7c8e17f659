/* Goal: with a command of its own the agent's pod is confined and probed; without one it is the original's, byte for byte.
 * Method: the manifest's Deployment as a tree, and an API server that validates as a real one does. */
#include "tests/unit/support/lab.h"

#include "engine/base/yaml.h"
#include "engine/manifests/agent_manifest.h"

static cJSON *deployment_of(struct lab *l, struct arena *a, const struct agent_manifest *m)
{
    struct buf text = {0};
    struct yaml_node **docs = NULL;
    size_t n = 0;
    cJSON *deployment = NULL;
    agent_manifest_write(m, &text);
    check_ok(yaml_parse_all(a, STR("m.yaml"), buf_str(&text), &docs, &n));
    for (size_t i = 0; i < n; i++) {
        struct buf json = {0};
        cJSON *object = yaml_to_json(a, docs[i]);
        json_write(&json, object);
        check_ok(kubeapi_apply(lab_api(l), buf_str(&json), NULL));
        if (str_eq_c(json_string_at(object, "kind"), "Deployment"))
            deployment = object;
        buf_free(&json);
    }
    buf_free(&text);
    assert_non_null(deployment);
    return json_path(deployment, "spec.template.spec");
}

static const struct agent_manifest plain = {.server_url = STR_INIT("https://m.test"),
                                            .token = STR_INIT("t"),
                                            .cluster_id = STR_INIT("c-1"),
                                            .image = STR_INIT("agent:1"),
                                            .server_version = STR_INIT("1"),
                                            .ready_when_connected = true};

static void test_plain(void **state)
{
    (void)state;
    struct lab *l = lab_new(1);
    struct arena a = {0};
    const cJSON *pod = deployment_of(l, &a, &plain), *c = json_path(pod, "containers")->child;
    assert_null(json_get(pod, "securityContext"));
    assert_null(json_get(c, "command"));
    assert_null(json_get(c, "livenessProbe"));
    assert_non_null(json_path(c, "readinessProbe.exec"));
    struct agent_manifest strict = plain;
    strict.strict = true;
    struct buf text = {0};
    json_write(&text, deployment_of(l, &a, &strict));
    assert_true(str_find(buf_str(&text), STR("STRICT_VERIFY")) > 0);
    buf_free(&text);
    arena_free(&a);
    lab_free(l);
}

static void test_confined(void **state)
{
    (void)state;
    static const char *const words[] = {"/opt/a\t\"b\"",    "agent",          "cluster",
                                        "--healthz-listen", "$(POD_IP):8080", "--state-dir",
                                        "/var/lib/paddock"};
    struct lab *l = lab_new(1);
    struct arena a = {0};
    struct agent_manifest m = plain;
    m.command = STR(" /opt/a\t\"b\"  agent cluster ");
    const cJSON *pod = deployment_of(l, &a, &m), *c = json_path(pod, "containers")->child;
    const cJSON *word = json_get(c, "command")->child;
    for (size_t i = 0; i < ARRAY_LEN(words); i++, word = word->next)
        check_str(json_string(word), words[i]);
    assert_null(word);
    assert_true(json_bool_at(pod, "securityContext.runAsNonRoot", false));
    assert_true(json_bool_at(c, "securityContext.readOnlyRootFilesystem", false));
    assert_false(json_bool_at(c, "securityContext.allowPrivilegeEscalation", true));
    check_str(json_string_at(c, "livenessProbe.httpGet.path"), "/healthz");
    check_str(json_string_at(c, "readinessProbe.httpGet.path"), "/readyz");
    m.ready_when_connected = false;
    c = json_path(deployment_of(l, &a, &m), "containers")->child;
    assert_null(json_get(c, "readinessProbe"));
    assert_non_null(json_get(c, "livenessProbe"));
    arena_free(&a);
    lab_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_confined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
