/* GET /v3/import/TOKEN_CLUSTERID.yaml: the manifest that makes a cluster's agent run. As the original it is rendered for
 * any token: whether the token is good shows when the agent connects.
 * Settings: server-url, cacerts, agent-image, agent-tls-mode (strict), and agent-command: what runs in the image. */
#include "engine/api/api_internal.h"
#include "engine/kube/served.h"
#include "engine/manifests/agent_manifest.h"

#define NAME_BYTES_MAX 253u

static bool is_name(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '.';
        if (!ok)
            return false;
    }
    return s.n > 0 && s.n <= NAME_BYTES_MAX;
}

void api_import_handle(struct api *a, struct http_exchange *x, struct str file)
{
    struct arena arena = {0};
    struct buf checksum = {0}, body = {0};
    struct str token, id = str_empty;
    bool ends = str_ends(file, STR(".yaml"));
    str_cut(str_sub(file, 0, ends ? file.n - 5 : file.n), '_', &token, &id);
    struct str url = api_setting(a, &arena, "server-url");
    if (!ends || !is_name(token) || !is_name(id)) {
        api_error(x, 404, "NotFound", "the path must be /v3/import/TOKEN_CLUSTERID.yaml");
    } else if (url.n == 0) {
        api_error(x, 503, "ServiceUnavailable",
                  "the setting server-url is not set yet: agents would not know where to connect");
    } else {
        struct str image = api_setting(a, &arena, "agent-image");
        struct str ca = api_setting(a, &arena, "cacerts");
        bool as_set = policy_get(&a->policies, POLICY_CA_PIN) == POLICY_PIN_SET;
        agent_ca_checksum(ca, as_set, &checksum);
        struct agent_manifest m = {
            .server_url = url,
            .token = token,
            .cluster_id = id,
            .ca_checksum = buf_str(&checksum),
            .image = image.n ? image : a->agent_image,
            .command = api_setting(a, &arena, "agent-command"),
            .strict = str_eq_c(api_setting(a, &arena, "agent-tls-mode"), "strict"),
            .ready_when_connected =
                policy_get(&a->policies, POLICY_AGENT_READY) == POLICY_READY_CONNECTED,
            .server_version = STR(PADDOCK_VERSION)};
        agent_manifest_write(&m, &body);
        kube_served_answer(x, 200, "text/plain; charset=utf-8", a->settings, buf_str(&body));
    }
    buf_free(&checksum);
    buf_free(&body);
    arena_free(&arena);
}
