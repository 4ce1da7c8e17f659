# shellcheck shell=sh
# For scripts of this folder, sourced at the root: $kubectl, or exit status 77; and a network of one's own.

# shellcheck source=tests/conformance/kubectl_find
. tests/conformance/kubectl_find
kubectl=$(find_kubectls "$PWD" | tail -n 1 | cut -d' ' -f2)
if [ -z "$kubectl" ] || ! command -v node >/dev/null; then
    echo "SKIPPED: needs the Debian packages nodejs and kubernetes-client; ./dev test installs them"
    exit 77
fi
unset KUBERNETES_SERVICE_HOST KUBECONFIG || :

# isolated COMMAND...: in a network namespace that ends with it, so that whole links can be cut and no port is taken by
# anybody else; where such a namespace cannot be had, as it is (PADDOCK_NETWORK says which).
isolated() {
    if unshare -rn true 2>/dev/null; then
        PADDOCK_NETWORK=own exec unshare -rn sh -c 'ip link set lo up && exec "$@"' sh "$@"
    fi
    PADDOCK_NETWORK=shared exec "$@"
}
