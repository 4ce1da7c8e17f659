/* What callers of the proxy may say: the path behind /k8s/clusters/, header fields, Authorization. No crash; an id that is
 * taken is a DNS label, and the rest of the target stands as it came; nothing of impersonation, of one hop or of the caller's
 * credentials passes; what is ours is there once. */
#include "engine/auth/credential.h"
#include "engine/proxy/fields.h"
#include "engine/proxy/target.h"

#include <stdlib.h>

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check_target(struct str text)
{
    struct str id;
    struct buf target = {0};
    if (!proxy_target_read(text, &id, &target)) {
        must(target.n == 0);
        return;
    }
    must(id.p == text.p && id.n > 0 && id.n <= PROXY_ID_BYTES_MAX);
    for (size_t i = 0; i < id.n; i++)
        must((id.p[i] >= 'a' && id.p[i] <= 'z') || (id.p[i] >= '0' && id.p[i] <= '9') ||
             (id.p[i] == '-' && i > 0 && i + 1 < id.n));
    must(target.n > 0 && target.p[0] == '/' &&
         str_ends(buf_str(&target), str_sub(text, id.n, text.n)));
    must(target.n - (text.n - id.n) <= 1);
    buf_free(&target);
}

static void check_credential(struct str text)
{
    struct credential c;
    credential_read(text, &c);
    if (c.kind == CREDENTIAL_TOKEN)
        must(credential_is_name(c.name) && c.secret.n > 0 && str_find_char(c.name, '/') < 0);
    if (c.kind == CREDENTIAL_KUBERNETES)
        must(c.bearer.n > 0 && str_find_char(c.bearer, ' ') < 0);
    credential_free(&c);
}

static void check_passed(const struct http_headers *in, const struct http_headers *out)
{
    static const char *const once[] = {"Authorization",   "Impersonate-User", "Impersonate-Group",
                                       "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"};
    static const char *const never[] = {
        "Connection",     "Transfer-Encoding", "Upgrade",       "Cookie", "Host",
        "Content-Length", "Impersonate-Uid",   "X-Remote-User", "Expect"};
    for (size_t i = 0; i < ARRAY_LEN(once); i++)
        must(http_headers_count(out, once[i]) == 1);
    for (size_t i = 0; i < ARRAY_LEN(never); i++)
        must(!http_headers_has(out, never[i]));
    must(str_eq_c(http_headers_get(out, "Authorization"), "Bearer ours"));
    must(str_eq_c(http_headers_get(out, "Impersonate-User"), "anna"));
    must(str_ends(http_headers_get(out, "X-Forwarded-For"), STR("192.0.2.1")));
    struct str name, value;
    for (size_t i = 0; http_headers_at(in, i, &name, &value); i++)
        if (str_eq_nocase(name, STR("X-Kept")) && !http_headers_has(in, "Connection"))
            must(http_headers_count(out, "X-Kept") == http_headers_count(in, "X-Kept"));
}

static void check_fields(struct str text)
{
    struct http_headers in = {0}, out = {0}, back = {0};
    struct str line, name, value, group = STR("g");
    struct auth_user user = {.name = STR("anna"), .groups = &group, .groups_n = 1};
    struct proxy_fields_from from = {
        .user = &user, .token = STR("ours"), .peer = STR("192.0.2.1"), .tls = true};
    while (text.n) {
        (void)str_cut(text, '\n', &line, &text);
        if (str_cut(line, ':', &name, &value) && !http_headers_add(&in, name, str_trim(value)))
            continue;
    }
    (void)proxy_fields_upgrade(&in);
    if (proxy_fields_request(&in, &from, &out))
        check_passed(&in, &out);
    if (!proxy_fields_impersonate(&in))
        must(!http_headers_has(&in, "Impersonate-User") &&
             !http_headers_has(&in, "impersonate_uid"));
    if (proxy_fields_answer(&in, &back))
        must(!http_headers_has(&back, "Connection") &&
             !http_headers_has(&back, "Transfer-Encoding"));
    http_headers_free(&in);
    http_headers_free(&out);
    http_headers_free(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct str text = {(const char *)bytes, n};
    check_target(text);
    check_credential(text);
    check_fields(text);
    return 0;
}
