/* Goal: the constant tables say what the built-in objects look like.
 * Method: spot checks of each kind of fact, and rules that every type and field must keep. */
#include "tests/unit/support/check.h"

#include "sim/kubeapi/types/types.h"

static const struct type *walk(const char *group, const char *kind, const char *path)
{
    const struct type *t = type_builtin(str_c(group), STR("v1"), str_c(kind));
    assert_non_null(t);
    struct str rest = str_c(path), name;
    while (rest.n > 0) {
        (void)str_cut(rest, '.', &name, &rest);
        while (t->kind == TYPE_LIST || t->kind == TYPE_MAP)
            t = t->items;
        const struct type_field *f = type_field_find(t, name);
        assert_non_null(f);
        t = f->type;
    }
    return t;
}

static void finds_kinds(void **state)
{
    const struct type *t = type_builtin(STR("apps"), STR("v1"), STR("Deployment"));
    assert_non_null(t);
    assert_true(str_eq_c(t->name, "io.k8s.api.apps.v1.Deployment"));
    assert_true(str_eq_c(type_short_name(t), "Deployment"));
    assert_ptr_equal(type_named(STR("io.k8s.api.apps.v1.Deployment")), t);
    assert_null(type_builtin(STR("apps"), STR("v2"), STR("Deployment")));
    assert_null(type_builtin(STR(""), STR("v1"), STR("Deployment")));
    assert_non_null(type_builtin(STR("autoscaling"), STR("v2"), STR("HorizontalPodAutoscaler")));
    assert_non_null(type_builtin(STR("apps"), STR("v1"), STR("DeleteOptions")));
    assert_non_null(type_builtin(STR("example.com"), STR("v3"), STR("DeleteOptions")));
    assert_non_null(type_builtin(STR(""), STR("v1"), STR("Status")));
    assert_non_null(type_builtin(STR("autoscaling"), STR("v1"), STR("Scale")));
    assert_true(type_field_find(type_object_meta(), STR("ownerReferences"))->flags & FIELD_MERGE);
    struct type_gvk gvk;
    assert_true(type_gvk(t, &gvk));
    assert_true(str_eq_c(gvk.group, "apps") && str_eq_c(gvk.version, "v1"));
    assert_false(type_gvk(type_object_meta(), &gvk));
}

static void knows_shapes(void **state)
{
    const struct {
        const char *group, *kind, *path;
        enum type_kind shape;
        uint32_t flags;
    } rows[] = {
        {"", "ConfigMap", "data", TYPE_MAP, 0},
        {"", "ConfigMap", "binaryData", TYPE_MAP, 0},
        {"", "Pod", "spec.containers", TYPE_LIST, TYPE_KEYED},
        {"", "Pod", "spec.containers.resources.limits", TYPE_MAP, 0},
        {"", "Pod", "spec.containers.args", TYPE_LIST, TYPE_ATOMIC},
        {"", "Pod", "spec.nodeSelector", TYPE_MAP, TYPE_ATOMIC},
        {"", "Pod", "metadata.finalizers", TYPE_LIST, TYPE_SET},
        {"", "Pod", "metadata.creationTimestamp", TYPE_TIME, 0},
        {"", "Event", "eventTime", TYPE_MICRO_TIME, 0},
        {"", "Event", "involvedObject", TYPE_OBJECT, TYPE_ATOMIC},
        {"", "PersistentVolume", "spec.claimRef", TYPE_OBJECT, 0},
        {"", "Service", "spec.ports.targetPort", TYPE_INT_OR_STRING, 0},
        {"apps", "Deployment", "spec.replicas", TYPE_INT32, 0},
        {"apps", "ControllerRevision", "data", TYPE_RAW, 0},
        {"authorization.k8s.io", "SubjectAccessReview", "spec.extra", TYPE_MAP, 0},
        {"apiextensions.k8s.io", "CustomResourceDefinition",
         "spec.versions.schema.openAPIV3Schema.properties", TYPE_MAP, 0},
        {"apiextensions.k8s.io", "CustomResourceDefinition",
         "spec.versions.schema.openAPIV3Schema.additionalProperties", TYPE_ANY, 0},
        {"apiextensions.k8s.io", "CustomResourceDefinition",
         "spec.versions.schema.openAPIV3Schema.not.not.properties.default", TYPE_ANY, 0},
        {"apiregistration.k8s.io", "APIService", "spec.caBundle", TYPE_BYTES, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct type *t = walk(rows[i].group, rows[i].kind, rows[i].path);
        assert_int_equal(t->kind, rows[i].shape);
        assert_int_equal(t->flags & ~(uint32_t)TYPE_DEFAULTS, rows[i].flags);
    }
    const struct type *ports = walk("", "Pod", "spec.containers.ports");
    assert_int_equal(ports->list_keys_n, 2);
    assert_true(str_eq_c(ports->list_keys[1], "protocol"));
    assert_true(str_eq_c(walk("", "PersistentVolume", "spec.claimRef")->name,
                         "io.k8s.api.core.v1.ObjectReference"));
}

static void knows_fields(void **state)
{
    const struct type *t = type_named(STR("io.k8s.api.core.v1.Container"));
    const struct type_field *f = type_field_find(t, STR("imagePullPolicy"));
    assert_int_equal(f->number, 14);
    assert_string_equal(f->enum_json, "[\"Always\",\"IfNotPresent\",\"Never\"]");
    assert_string_equal(f->go_type, "v1.PullPolicy");
    assert_true(type_field_find(t, STR("resources"))->flags & FIELD_ALWAYS);
    assert_true(str_eq_c(type_field_find(t, STR("ports"))->merge_key, "containerPort"));
    f = type_field_find(type_named(STR("io.k8s.api.core.v1.ContainerPort")), STR("protocol"));
    assert_true(str_eq_c(f->default_json, "\"TCP\"") && !(f->flags & FIELD_UNTOLD));
    t = type_named(STR("io.k8s.api.apps.v1.DeploymentStrategy"));
    f = type_field_find(t, STR("rollingUpdate"));
    assert_true(f->flags & FIELD_UNTOLD);
    assert_string_equal(f->default_if, "type=RollingUpdate");
    t = type_named(STR("io.k8s.api.core.v1.Volume"));
    assert_null(type_field_find(t, STR("volumeSource")));
    assert_int_equal(t->inlines_n, 1);
    f = &t->fields[t->fields_n];
    assert_true(str_eq_c(f->name, "volumeSource") && f->number == 2 && f->flags & FIELD_INLINE);
    assert_int_equal(type_field_find(f->type, STR("secret"))->number, 6);
    assert_int_equal(type_field_find(t, STR("secret"))->number, 0);
}

static void check_field(const struct type *t, const struct type_field *f,
                        const struct type_field *before)
{
    assert_non_null(f->type);
    assert_true(f->name.n > 0);
    if (before)
        assert_true(str_cmp(before->name, f->name) < 0);
    if (f->merge_key.n > 0) {
        assert_int_equal(f->type->kind, TYPE_LIST);
        assert_non_null(type_field_find(f->type->items, f->merge_key));
    }
    for (size_t i = 0; i < f->type->list_keys_n; i++)
        assert_non_null(type_field_find(f->type->items, f->type->list_keys[i]));
    for (const struct type_field *g = t->fields; g < f; g++)
        assert_true(g->number != f->number || f->number == 0);
    struct arena a = {0};
    cJSON *v;
    if (f->default_json.n > 0 && f->default_json.p[0] == '.')
        assert_non_null(type_field_find(t, str_sub(f->default_json, 1, f->default_json.n)));
    else if (f->default_json.n > 0)
        assert_null(json_parse(&a, f->default_json, &v));
    if (f->enum_json)
        assert_null(json_parse(&a, str_c(f->enum_json), &v));
    arena_free(&a);
}

static void keeps_the_rules(void **state)
{
    size_t i = 0, n = 0, fields = 0;
    struct str before = str_empty;
    for (const struct type *t; (t = type_next(&i)); n++) {
        assert_true(str_cmp(before, t->name) < 0);
        before = t->name;
        assert_ptr_equal(type_named(t->name), t);
        for (size_t j = 0; j < t->fields_n; j++, fields++) {
            check_field(t, &t->fields[j], j > 0 ? &t->fields[j - 1] : NULL);
            assert_ptr_equal(type_field_find(t, t->fields[j].name), &t->fields[j]);
        }
        assert_true(t->fields_n <= 64); /* decode keeps a set of them in a word */
        for (size_t j = 0; j < t->inlines_n; j++)
            assert_true(t->fields[t->fields_n + j].flags & FIELD_INLINE);
    }
    assert_true(n > 560 && fields > 2390);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_kinds),
        cmocka_unit_test(knows_shapes),
        cmocka_unit_test(knows_fields),
        cmocka_unit_test(keeps_the_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
