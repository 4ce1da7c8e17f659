/* Any text: an error that says where, or a server that can be dialled and an identity that is whole. */
#include "engine/kube/kubeconfig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a = {0};
    struct kubeconfig k;
    struct err *err =
        kubeconfig_parse(&a, STR("f"), (struct str){(const char *)data, size}, str_empty, &k);
    if (!err) {
        BUG_ON(k.host.n == 0 || k.port == 0, "a server can be dialled");
        BUG_ON(k.ca_pem.n && k.ca_file.n, "inline data win");
        BUG_ON(k.token.n && k.token_file.n, "a token wins over its file");
        BUG_ON((k.cert_pem.n || k.cert_file.n) != (k.key_pem.n || k.key_file.n),
               "a certificate has its key");
    } else {
        BUG_ON(err->line == 0 && size <= KUBECONFIG_BYTES_MAX, "an error says where");
    }
    err_free(err);
    arena_free(&a);
    return 0;
}
