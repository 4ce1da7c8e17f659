/* Goal: claims of a StatefulSet stay or go as its policy says.
 * Method: each of the four policies: a set of two is made smaller, then it is deleted, and what is left is counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support/workload_fixture.h"

#define STATEFUL "/apis/apps/v1/namespaces/default/statefulsets"
#define CLAIMS   "/api/v1/namespaces/default/persistentvolumeclaims"
#define TEMPLATE                                                                                   \
    "\"selector\":{\"matchLabels\":{\"app\":\"s\"}},\"template\":{\"metadata\":{\"labels\":{"      \
    "\"app\":\"s\"}},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i:1\"}]}}"

/* What becomes of claims, by the four policies: those of a pod that is too many, and those of a set that goes. */
static void claims_go_by_policy(void **state)
{
    static const struct {
        const char *scaled, *deleted;
        int after_scaling, after_deletion; /* claims that are left of two */
    } rows[] = {
        {"Retain", "Retain", 2, 2},
        {"Delete", "Retain", 1, 1},
        {"Retain", "Delete", 2, 0},
        {"Delete", "Delete", 1, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture f;
        workload_open(&f, 1, NULL);
        make(&f, "/apis/storage.k8s.io/v1/storageclasses",
             "{\"metadata\":{\"name\":\"std\",\"annotations\":{"
             "\"storageclass.kubernetes.io/is-default-class\":\"true\"}},\"provisioner\":\"x.y/"
             "z\"}");
        make(&f, STATEFUL,
             arena_printf(&f.a,
                          "{\"metadata\":{\"name\":\"s\"},\"spec\":{\"serviceName\":\"s\","
                          "\"replicas\":2,\"persistentVolumeClaimRetentionPolicy\":{\"whenScaled\":"
                          "\"%s\",\"whenDeleted\":\"%s\"},\"volumeClaimTemplates\":[{\"metadata\":{"
                          "\"name\":\"v\"},\"spec\":{\"accessModes\":[\"ReadWriteOnce\"],"
                          "\"resources\":{\"requests\":{\"storage\":\"1Gi\"}}}}]," TEMPLATE "}}",
                          rows[i].scaled, rows[i].deleted)
                 .p);
        pass(&f, 2 * NS_PER_S);
        expect(&f, STATEFUL "/s", "status.readyReplicas", "2");
        must(&f, 200, "PATCH", STATEFUL "/s", "{\"spec\":{\"replicas\":1}}");
        pass(&f, 5 * NS_PER_S);
        assert_int_equal(count(&f, CLAIMS), rows[i].after_scaling);
        must(&f, 200, "DELETE", STATEFUL "/s", NULL);
        pass(&f, 5 * NS_PER_S);
        if ((int)count(&f, CLAIMS) != rows[i].after_deletion)
            fail_msg("%s/%s: %d claims left", rows[i].scaled, rows[i].deleted,
                     (int)count(&f, CLAIMS));
        fixture_close(&f);
    }
}

/* A set that grows while a claim is on its way out waits for it, and makes another. */
static void a_claim_that_goes_is_made_anew(void **state)
{
    struct fixture f;
    workload_open(&f, 1, NULL);
    make(&f, STATEFUL,
         "{\"metadata\":{\"name\":\"s\"},\"spec\":{\"serviceName\":\"s\",\"replicas\":0,"
         "\"podManagementPolicy\":\"Parallel\",\"volumeClaimTemplates\":[{\"metadata\":{\"name\":"
         "\"v\"},\"spec\":{\"accessModes\":[\"ReadWriteOnce\"],\"resources\":{\"requests\":{"
         "\"storage\":\"1Gi\"}}}}]," TEMPLATE "}}");
    make(&f, CLAIMS,
         "{\"metadata\":{\"name\":\"v-s-0\",\"finalizers\":[\"x.y/z\"]},\"spec\":{\"accessModes\":["
         "\"ReadWriteOnce\"],\"resources\":{\"requests\":{\"storage\":\"1Gi\"}}}}");
    must(&f, 200, "DELETE", CLAIMS "/v-s-0", NULL);
    must(&f, 200, "PATCH", STATEFUL "/s", "{\"spec\":{\"replicas\":1}}");
    pass(&f, 5 * NS_PER_S);
    assert_int_equal(count(&f, PODS), 0);
    must(&f, 200, "PATCH", CLAIMS "/v-s-0", "{\"metadata\":{\"finalizers\":null}}");
    pass(&f, 5 * NS_PER_S);
    assert_int_equal(count(&f, PODS), 1);
    expect(&f, CLAIMS "/v-s-0", "metadata.deletionTimestamp", "");
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(claims_go_by_policy),
        cmocka_unit_test(a_claim_that_goes_is_made_anew),
    };
    return cmocka_run_group_tests_name("kubeapi_claims", tests, NULL, NULL);
}
