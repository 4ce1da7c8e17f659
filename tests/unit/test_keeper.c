/* Goal: what replicas share is made once, whoever comes first; a leaf is made anew for a new name, before its end and under
 * another authority; an authority that cannot be read is left alone; trouble with the API is sat out.
 * Method: a lab's API; one to three keepers on it; Secrets changed by hand; a year passed. */
#include "tests/unit/support/lab.h"

#include "engine/base/codec.h"
#include "engine/pki/x509.h"
#include "engine/server/keeper.h"

struct seen {
    int ready, renewed;
};

static void on_ready(void *owner)
{
    ((struct seen *)owner)->ready++;
}

static void on_renewed(void *owner)
{
    ((struct seen *)owner)->renewed++;
}

static struct keeper *start(struct lab *l, struct seen *seen, const struct str *names, size_t n)
{
    struct keeper_options o = {.client = l->kube,
                               .certificates = true,
                               .names = names,
                               .names_n = n,
                               .ready = on_ready,
                               .renewed = on_renewed,
                               .owner = seen};
    return keeper_new(&o);
}

static struct pki_cert_info read_leaf(const struct keeper *k, struct arena *a)
{
    struct buf chain = {0};
    struct pki_cert_info info;
    assert_null(pki_chain_from_pem(keeper_cert_pem(k), &chain));
    assert_null(pki_cert_read(a, arena_str(a, buf_str(&chain)), &info));
    buf_free(&chain);
    return info;
}

static bool is_trusted(const struct lab *l, const struct keeper *k, struct str name)
{
    struct pki_pool *pool;
    struct buf chain = {0};
    assert_null(pki_pool_new(keeper_ca_pem(k), &pool));
    assert_null(pki_chain_from_pem(keeper_cert_pem(k), &chain));
    bool trusted =
        pki_verify_chain(pool, buf_str(&chain), name, PKI_SERVER,
                         world_wall(kube_client_world(l->kube)) / S, NULL) == PKI_TRUSTED;
    pki_pool_free(pool);
    buf_free(&chain);
    return trusted;
}

static uint64_t version(struct lab *l, const char *secret)
{
    const struct kube_object *o = lab_get(l, "secrets", NAMESPACE_SYSTEM, secret);
    return o ? o->resource_version : 0;
}

static const struct str one_names[] = {STR_INIT("one.test"), STR_INIT("10.0.0.1"), STR_INIT("::1")};
static const struct str two_names[] = {STR_INIT("two.test"), STR_INIT("10.0.0.1"),
                                       STR_INIT("no name"), STR_INIT("10.0.0.1:8443")};

static void test_made_once(void **state)
{
    (void)state;
    struct lab *l = lab_new(1);
    struct seen seen[3] = {0};
    struct keeper *k[3];
    for (size_t i = 0; i < 3; i++)
        k[i] = start(l, &seen[i], one_names, ARRAY_LEN(one_names));
    lab_run(l, 5 * S);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(seen[i].ready, 1);
        assert_true(str_eq(keeper_ca_pem(k[i]), keeper_ca_pem(k[0])));
        assert_true(str_eq(keeper_cert_pem(k[i]), keeper_cert_pem(k[0])));
        assert_true(str_eq(keeper_peer_token(k[i]), keeper_peer_token(k[0])));
        assert_true(is_trusted(l, k[i], STR("one.test")) && is_trusted(l, k[i], STR("::1")));
    }
    assert_true(keeper_peer_token(k[0]).n > 40);
    uint64_t before = version(l, KEEPER_LEAF_SECRET);
    lab_run(l, 10 * KEEPER_LOOK);
    assert_int_equal(version(l, KEEPER_LEAF_SECRET), before); /* looked at, and left alone */
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(seen[i].ready, 1);
        assert_int_equal(seen[i].renewed, 0);
        keeper_free(k[i]);
    }
    lab_free(l);
}

static void test_new_names(void **state)
{
    (void)state;
    struct lab *l = lab_new(2);
    struct arena a = {0};
    struct seen first = {0}, second = {0};
    struct keeper *one = start(l, &first, one_names, ARRAY_LEN(one_names));
    lab_run(l, 5 * S);
    struct keeper *two = start(l, &second, two_names, ARRAY_LEN(two_names));
    lab_run(l, 5 * S);
    assert_int_equal(second.ready, 1);
    assert_true(is_trusted(l, two, STR("one.test")) && is_trusted(l, two, STR("two.test")));
    struct pki_cert_info info = read_leaf(two, &a);
    assert_int_equal(info.dns_n, 2); /* what is no name is left out */
    assert_int_equal(info.ips_n, 2);
    assert_int_equal(first.renewed, 0);
    lab_run(l, 2 * KEEPER_LOOK);
    assert_int_equal(first.renewed, 1); /* the other one's look */
    assert_true(str_eq(keeper_cert_pem(one), keeper_cert_pem(two)));
    assert_true(str_eq(keeper_key_pem(one), keeper_key_pem(two)));
    keeper_free(one);
    keeper_free(two);
    arena_free(&a);
    lab_free(l);
}

/* A keeper that starts when so much of the leaf is over. */
static void test_renewed_in_time(void **state)
{
    (void)state;
    struct lab *l = lab_new(3);
    struct arena a = {0};
    struct seen seen = {0};
    struct keeper *k = start(l, &seen, one_names, ARRAY_LEN(one_names));
    lab_run(l, 5 * S);
    int64_t end_s = read_leaf(k, &a).not_after_s;
    keeper_free(k);
    lab_run(l, KEEPER_LEAF_LIFE - KEEPER_LEAF_RENEW - 600 * S);
    k = start(l, &seen, one_names, ARRAY_LEN(one_names));
    lab_run(l, 5 * S);
    assert_int_equal(read_leaf(k, &a).not_after_s, end_s);
    lab_run(l, 1200 * S);
    assert_int_equal(seen.renewed, 1);
    assert_true(read_leaf(k, &a).not_after_s > end_s + 200 * (KEEPER_DAY / S));
    assert_true(is_trusted(l, k, STR("one.test")));
    keeper_free(k);
    arena_free(&a);
    lab_free(l);
}

static void write_secret(struct lab *l, const char *name, const char *cert, const char *key)
{
    struct buf c = {0}, k = {0};
    base64_encode(&c, str_c(cert));
    base64_encode(&k, str_c(key));
    lab_apply(l,
              "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"%s\","
              "\"namespace\":\"" NAMESPACE_SYSTEM "\"},\"type\":\"kubernetes.io/tls\","
              "\"data\":{\"tls.crt\":\"" STR_FMT "\",\"tls.key\":\"" STR_FMT "\"}}",
              name, STR_ARG(buf_str(&c)), STR_ARG(buf_str(&k)));
    buf_free(&c);
    buf_free(&k);
}

static void test_broken(void **state)
{
    (void)state;
    struct lab *l = lab_new(4);
    struct seen seen = {0};
    struct keeper *k = start(l, &seen, one_names, ARRAY_LEN(one_names));
    lab_run(l, 5 * S);
    char *ca = str_dup_c(keeper_ca_pem(k));
    char *leaf = str_dup_c(keeper_cert_pem(k));
    char *leaf_key = str_dup_c(keeper_key_pem(k));
    keeper_free(k);
    const struct {
        const char *cert, *key;
    } broken[] = {{"nonsense", leaf_key}, {ca, "nonsense"}, {ca, leaf_key}, {leaf, leaf_key}};
    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        struct seen none = {0};
        write_secret(l, KEEPER_CA_SECRET, broken[i].cert, broken[i].key);
        uint64_t before = version(l, KEEPER_CA_SECRET);
        k = start(l, &none, one_names, ARRAY_LEN(one_names));
        lab_run(l, 60 * S);
        assert_int_equal(none.ready, 0); /* agents trust what it held: nobody replaces it */
        assert_int_equal(version(l, KEEPER_CA_SECRET), before);
        lab_delete(l, "secrets", NAMESPACE_SYSTEM, KEEPER_CA_SECRET);
        lab_run(l, 60 * S);
        assert_int_equal(none.ready, 1); /* another authority, and a leaf of it */
        assert_true(is_trusted(l, k, STR("one.test")));
        keeper_free(k);
    }
    write_secret(l, KEEPER_LEAF_SECRET, "nonsense", "nonsense");
    k = start(l, &seen, one_names, ARRAY_LEN(one_names));
    lab_run(l, 5 * S);
    assert_int_equal(seen.ready, 2);
    assert_true(is_trusted(l, k, STR("10.0.0.1")));
    keeper_free(k);
    mem_free(ca);
    mem_free(leaf);
    mem_free(leaf_key);
    lab_free(l);
}

static void check_password(struct lab *l, const char *wanted)
{
    struct buf text = {0};
    const struct kube_object *o = lab_get(l, "secrets", NAMESPACE_SYSTEM, KEEPER_PASSWORD_SECRET);
    assert_non_null(o);
    assert_true(base64_decode(&text, kube_object_string(o, "data.bootstrapPassword")));
    if (wanted)
        check_str(buf_str(&text), wanted);
    else
        assert_true(text.n > 40);
    buf_free(&text);
}

static void test_password(void **state)
{
    (void)state;
    static const char *const given[] = {"mine", "another", ""};
    struct lab *l = lab_new(5);
    for (size_t i = 0; i < ARRAY_LEN(given); i++) {
        struct seen seen = {0};
        struct keeper_options o = {.client = l->kube,
                                   .password = str_c(given[i]),
                                   .ready = on_ready,
                                   .renewed = on_renewed,
                                   .owner = &seen};
        struct keeper *k = keeper_new(&o);
        lab_run(l, 5 * S);
        assert_int_equal(seen.ready, 1);
        assert_int_equal(keeper_ca_pem(k).n, 0); /* certificates were given */
        check_password(l, "mine");
        keeper_free(k);
    }
    assert_null(lab_get(l, "secrets", NAMESPACE_SYSTEM, KEEPER_CA_SECRET));
    lab_delete(l, "secrets", NAMESPACE_SYSTEM, KEEPER_PASSWORD_SECRET);
    struct seen seen = {0};
    struct keeper *k = start(l, &seen, one_names, 1);
    lab_run(l, 5 * S);
    check_password(l, NULL);
    keeper_free(k);
    lab_free(l);
}

static void test_trouble(void **state)
{
    (void)state;
    struct lab *l = lab_new(6);
    struct seen seen = {0};
    struct sim_fault *cut = lab_partition(l, "site/api", NULL);
    struct keeper *k = start(l, &seen, one_names, ARRAY_LEN(one_names));
    lab_run(l, 120 * S);
    assert_int_equal(seen.ready, 0);
    sim_fault_end(cut);
    lab_run(l, 60 * S);
    assert_int_equal(seen.ready, 1);
    keeper_free(k);
    for (int ms = 0; ms < 60; ms += 3) { /* ended at any moment */
        k = start(l, &seen, two_names, ARRAY_LEN(two_names));
        lab_run(l, ms * MS);
        keeper_free(k);
    }
    keeper_free(NULL);
    lab_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_made_once),       cmocka_unit_test(test_new_names),
        cmocka_unit_test(test_renewed_in_time), cmocka_unit_test(test_broken),
        cmocka_unit_test(test_password),        cmocka_unit_test(test_trouble),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
