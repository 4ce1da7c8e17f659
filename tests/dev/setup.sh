# shellcheck shell=sh
# Set-up: the Debian packages that a command needs, installed when they are missing.

packages_of() { # GROUP
    case $1 in
    run) echo gcc libc6-dev cmake ninja-build pkg-config libuv1-dev libwebsockets-dev libwebsockets-evlib-uv libssl-dev \
        libcjson-dev libc-ares-dev libhttp-parser-dev libwslay-dev libyaml-dev zlib1g-dev libsqlite3-dev libpcre2-dev libcrypt-dev \
        libjs-chart.js iproute2 nftables dnsmasq-base ;;
    cmocka) echo libcmocka-dev ;;
    clang) echo clang ;;
    test) echo git libcmocka-dev clang ;;
    lint) echo git libcmocka-dev clang-format clang-tidy cppcheck ;;
    format) echo git clang-format ;;
    coverage) echo libcmocka-dev lcov ;;
    fuzz) echo clang libclang-rt-dev ;;
    esac
}

supported_system() {
    [ -r /etc/os-release ] || return 1
    # shellcheck source=/dev/null
    (. /etc/os-release && [ "${ID:-}" = debian ] && { [ "${VERSION_ID:-}" = 12 ] || [ "${VERSION_ID:-}" = 13 ]; })
}

# What the conformance jobs need besides; where it cannot be had they say that they are skipped. Debian's kubectl is
# unpacked into build/ when another package already is /usr/bin/kubectl.
setup_conformance() {
    [ "${PADDOCK_SKIP_SETUP:-}" != 1 ] || return 0
    conformance_missing=
    for setup_pair in node:nodejs npm:npm openssl:openssl kubectl:kubernetes-client chromium:chromium go:golang-go \
        ss:iproute2 nft:nftables unshare:util-linux; do
        command -v "${setup_pair%%:*}" >/dev/null || conformance_missing="$conformance_missing ${setup_pair#*:}"
    done
    [ -d /usr/share/gocode/src/github.com/gorilla/websocket ] ||
        conformance_missing="$conformance_missing golang-github-gorilla-websocket-dev"
    if [ -n "$conformance_missing" ]; then
        setup_missing=$conformance_missing
        setup_wanted=$conformance_missing
        echo "installing:$setup_missing" >&2
        setup_sudo=
        [ "$(id -u)" -eq 0 ] || setup_sudo=sudo
        setup_install 2>build/log/apt.log || { setup_apt update && setup_install 2>build/log/apt.log; } ||
            echo "dev: apt-get could not install:$conformance_missing; what needs them is skipped" >&2
    fi
    if dpkg-query -W -f='${db:Status-Status}' kubernetes-client 2>/dev/null | grep -qx installed ||
        [ -x build/kubernetes-client/usr/bin/kubectl ]; then
        return 0
    fi
    mkdir -p build/kubernetes-client
    (
        cd build/kubernetes-client
        apt-get -qq download kubernetes-client >../log/apt.log 2>&1 && dpkg-deb -x kubernetes-client_*.deb . && rm -f ./*.deb
    ) || echo "dev: Debian's kubernetes-client cannot be had; see build/log/apt.log" >&2
}

# setup GROUP...: all packages of the groups (format aside, `run` always belongs to them). Asks dpkg each time: that
# takes milliseconds and cannot go stale as a stamp would.
setup() {
    [ "${PADDOCK_SKIP_SETUP:-}" != 1 ] || return 0
    setup_wanted=
    for setup_group in "$@"; do
        [ "$setup_group" = format ] || setup_wanted="$(packages_of run) $setup_wanted"
        setup_wanted="$setup_wanted $(packages_of "$setup_group")"
    done
    # shellcheck disable=SC2086
    setup_wanted=$(printf '%s\n' $setup_wanted | sort -u)
    if ! supported_system || ! command -v dpkg-query >/dev/null; then
        echo "dev: set-up knows Debian 12 and 13 only; elsewhere install what these Debian packages hold" >&2
        setup_line
        exit 3
    fi
    setup_missing=$(printf '%s\n' "$setup_wanted" | while read -r package; do
        dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || printf ' %s' "$package"
    done)
    [ -n "$setup_missing" ] || return 0
    echo "installing:$setup_missing" >&2
    setup_sudo=
    if [ "$(id -u)" -ne 0 ]; then
        setup_sudo=sudo
        if ! command -v sudo >/dev/null || ! { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
            echo "dev: neither root nor able to use sudo; install the packages and call again" >&2
            setup_line
            exit 3
        fi
    fi
    # Lists are fetched only when installing does not work without.
    setup_install 2>"build/log/apt.log" ||
        { setup_apt update && setup_install 2>"build/log/apt.log"; } || {
        cat build/log/apt.log >&2
        echo "dev: apt-get could not install the packages" >&2
        setup_line
        exit 3
    }
}

setup_line() { echo "    apt-get install --no-install-recommends $(printf '%s\n' "$setup_wanted" | tr '\n' ' ')" >&2; }

# shellcheck disable=SC2086
setup_apt() { $setup_sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" >&2; }

# shellcheck disable=SC2086
setup_install() { setup_apt install -y --no-install-recommends $setup_missing; }
