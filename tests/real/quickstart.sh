#!/bin/sh
# Goal: the quick start works as README.md has it: a manager, a downstream cluster, its agent, kubectl through the manager.
# Method: the commands are taken from README.md and carried out one by one; only the folder of the programs and the port
# are others. A command in the foreground is repeated for a while: people are slower than this.
# usage: tests/real/quickstart.sh PADDOCK PADDOCK-SIM FOLDER      exit status 77: there is no kubectl
set -eu
paddock=$(realpath "$1")
sim=$(realpath "$2")
root=$PWD
mkdir -p "$3"
work=$(cd "$3" && pwd)/quickstart
# shellcheck source=tests/conformance/kubectl_find
. tests/conformance/kubectl_find
kubectl=$(find_kubectls "$root" | tail -n 1 | cut -d' ' -f2)
if [ -z "$kubectl" ]; then
    echo "SKIPPED: kubectl: none is installed; ./dev test installs Debian's"
    exit 77
fi
rm -rf "$work"
mkdir -p "$work/build/release" "$work/bin"
ln -s "$root/engine" "$work/engine"
ln -s "$paddock" "$sim" "$work/build/release/"
# Debian's client has no `create token`: people have newer ones.
cat >"$work/bin/kubectl" <<END
#!/bin/sh
. "$root/tests/conformance/kubectl_find"
case "\$3 \$4" in
'create token') kubectl_token default "\$5" "$kubectl" "\$1" "\$2" ;;
*) exec "$kubectl" "\$@" ;;
esac
END
chmod +x "$work/bin/kubectl"
HOME=$work
PATH=$work/bin:$PATH
export HOME PATH
unset KUBECONFIG KUBERNETES_SERVICE_HOST || :
cd "$work"

pids=
finish() {
    for pid in $pids; do kill "$pid" 2>/dev/null || :; done
    sleep 0.2
    for pid in $pids; do kill -9 "$pid" 2>/dev/null || :; done
}
trap finish EXIT
trap 'exit 1' INT TERM
fail() {
    echo "FAILED: $1"
    tail -n 8 ./*.log last
    exit 1
}
# Below the range that the kernel gives out by itself.
port=$((20000 + $$ % 10000))

awk '/^## A manager in eight commands/ { here = 1 } here && /^```$/ { exit } inside { print } here && /^```sh$/ { inside = 1 }' \
    "$root/README.md" | sed "s/127\.0\.0\.1:8443/127.0.0.1:$port/g" >commands
count=$(wc -l <commands)
if [ "$count" -lt 1 ] || [ "$count" -gt 8 ]; then fail "$count commands"; fi

has_begun() { # LOG
    [ -s "$1" ] && grep -Eq '^(ready|healthz) ' "$1"
}
again() { # COMMAND: until it succeeds, 20 seconds at most
    left=100
    until eval "$1" >last 2>&1 && [ -n "${TOKEN-unset}" ]; do
        left=$((left - 1))
        [ $left -gt 0 ] || fail "$1"
        sleep 0.2
    done
}
while IFS= read -r line <&3; do
    case $line in
    *'&')
        log=$(expr "$line" : '.* >\([a-z]*\.log\) ')
        eval "${line%&} 3<&- &"
        pids="$pids $!"
        again "has_begun $log"
        ;;
    *) again "$line" ;;
    esac
done 3<commands
grep -q '^cattle-system *cattle-cluster-agent' last || fail 'no pod of the downstream cluster is listed'
echo "$count commands: $(grep -c . last) lines through the manager"
echo "1 passed, 0 failed"
