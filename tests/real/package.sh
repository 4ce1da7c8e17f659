#!/bin/sh
# Goal: what is installed is all there and runs from where it is put; the package says what it needs; the units are valid
# and hardened.
# Method: the build's own package is made, listed, unpacked into a scratch root, and its program is run there; systemd
# checks the units. `cmake --install` into another prefix gives the same files.
# usage: tests/real/package.sh BUILD FOLDER      exit status 77: the machine has no tools for Debian packages
set -eu
build=$1 work=$2
for tool in cpack dpkg-deb dpkg-shlibdeps; do
    command -v $tool >/dev/null || { echo "SKIPPED: needs $tool"; exit 77; }
done
rm -rf "$work"
mkdir -p "$work"
step=
finish() {
    status=$?
    [ $status -eq 0 ] || { echo "FAIL $step"; tail -n 5 "$work/log"; }
}
trap finish EXIT

step='the package is made'
(cd "$work" && cpack --config "$build/CPackConfig.cmake" -B "$work/cpack" >log 2>&1)
deb=$(ls "$work"/cpack/*.deb)

step='what the package says'
dpkg-deb -I "$deb" >"$work/info"
for text in 'Package: paddock' 'Depends: .*libuv1' 'Depends: .*libssl3' 'Section: admin' conffiles postinst prerm; do
    grep -q "$text" "$work/info" || { echo "no $text"; exit 1; }
done

step='what it holds'
dpkg-deb -c "$deb" >"$work/content"
for file in etc/default/paddock-server etc/default/paddock-agent usr/bin/paddock usr/bin/paddock-sim \
    usr/lib/systemd/system/paddock-server.service usr/lib/systemd/system/paddock-agent.service \
    usr/share/bash-completion/completions/paddock usr/share/zsh/vendor-completions/_paddock \
    usr/share/fish/vendor_completions.d/paddock.fish usr/share/man/man1/paddock.1 usr/share/doc/paddock/copyright \
    usr/share/paddock/kubernetes/rbac.yaml usr/share/paddock/scenarios/first/first.yaml; do
    grep -q " ./$file\$" "$work/content" || { echo "no $file"; exit 1; }
done
grep -q '^-rw-r----- .* ./etc/default/paddock-agent$' "$work/content"
if grep -v ' root/root ' "$work/content"; then exit 1; fi

step='it runs from a scratch root'
dpkg-deb -x "$deb" "$work/root"
"$work/root/usr/bin/paddock" --version | grep -q '^paddock [0-9]'
"$work/root/usr/bin/paddock-sim" --version | grep -q '^paddock-sim [0-9]'
"$work/root/usr/bin/paddock-sim" validate "$work/root/usr/share/paddock/scenarios/first" >>"$work/log"

step='cmake --install gives the same'
cmake --install "$build" --prefix "$work/prefix" >>"$work/log"
(cd "$work/root/usr" && find . -type f | sort) >"$work/of.package"
(cd "$work/prefix" && find . -type f ! -path './etc/*' | sort) >"$work/of.install"
cmp "$work/of.package" "$work/of.install"
[ -f "$work/prefix/etc/default/paddock-server" ]

step='the units'
if command -v systemd-analyze >/dev/null; then
    mkdir "$work/units"
    for unit in paddock-server paddock-agent; do
        sed "s#^ExecStart=paddock #ExecStart=$work/root/usr/bin/paddock #" \
            "$work/root/usr/lib/systemd/system/$unit.service" >"$work/units/$unit.service"
        systemd-analyze verify --man=no "$work/units/$unit.service" >>"$work/log" 2>&1
        systemd-analyze security --offline=true --threshold=20 --no-pager "$work/units/$unit.service" >>"$work/log"
    done
fi
echo "1 passed, 0 failed"
