# shellcheck shell=sh
# Shared by ./dev and its commands: builds, and steps that are counted. Sourced with the root as working directory.

LC_ALL=C
export LC_ALL
# shellcheck disable=SC2034 # used by those who source this
tab=$(printf '\t')
passed=0
failed=0
jobs=$(nproc 2>/dev/null || echo 2)
work=
mkdir -p build/log

bad_usage() {
    echo "dev: $1; see ./dev help" >&2
    exit 2
}

# The scratch folder of this call; gone when it ends.
make_work() {
    [ -z "$work" ] || return 0
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    trap 'exit 130' INT TERM
}

# build_preset PRESET [TARGET...]: configures once; ninja looks after the rest.
build_preset() {
    bp_preset=$1
    shift
    # A clone that was moved or copied cannot use what was built for the other place.
    if ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$PWD" "build/$bp_preset/CMakeCache.txt" 2>/dev/null; then
        rm -rf "build/${bp_preset:?}"
    fi
    if [ ! -f "build/$bp_preset/build.ninja" ]; then
        cmake --preset "$bp_preset" >"build/log/configure-$bp_preset.log" 2>&1 || {
            cat "build/log/configure-$bp_preset.log" >&2
            return 1
        }
    fi
    if [ -t 1 ]; then
        ninja -C "build/$bp_preset" -j "$jobs" "$@"
    else
        ninja --quiet -C "build/$bp_preset" -j "$jobs" "$@"
    fi
}

now() { date +%s; }

pass() { # NAME [SECONDS]
    passed=$((passed + 1))
    printf 'ok    %s%s\n' "$1" "${2:+ ($2 s)}"
}

fail() { # NAME [SECONDS]
    failed=$((failed + 1))
    printf 'FAIL  %s%s\n' "$1" "${2:+ ($2 s)}"
}

skip() { # NAME [SECONDS]; why stands in the log
    printf 'skip  %s\n' "$1"
}

# step NAME COMMAND...: runs it with its output in a log, of which a failure shows the end. Always returns the
# command's status; the caller decides whether to go on.
step() {
    step_name=$1
    shift
    step_log=build/log/$(printf %s "$step_name" | tr -c 'A-Za-z0-9.\n-' '_').log
    step_start=$(now)
    step_status=0
    "$@" >"$step_log" 2>&1 </dev/null || step_status=$?
    if [ $step_status -eq 0 ]; then
        pass "$step_name" $(($(now) - step_start))
    else
        tail -n 40 "$step_log" | sed 's/^/    /'
        fail "$step_name" $(($(now) - step_start))
    fi
    return $step_status
}

# The last line of every check, and its exit status.
finish() {
    echo "$passed passed, $failed failed"
    [ $failed -eq 0 ] || exit 1
    exit 0
}

# A number that changes with the commit: what rotates starts there.
rotation() {
    rotation_hash=$(git rev-parse --short=6 HEAD 2>/dev/null || echo 0)
    echo $((0x$(printf %.6s "$rotation_hash")))
}

# rotated FILE: its lines, started at the commit's own line.
rotated() {
    awk -v by="$(rotation)" '{ line[NR] = $0 } END { for (i = 0; i < NR; i++) print line[(i + by) % NR + 1] }' "$1"
}

# seconds 10m|90s|90: the duration in seconds, or nothing when it is none.
seconds() {
    case $1 in
    *[!0-9]*[!0-9]* | '' | [!0-9]*) ;;
    *h) echo $((${1%h} * 3600)) ;;
    *m) echo $((${1%m} * 60)) ;;
    *s) echo "${1%s}" ;;
    *[0-9]) echo "$1" ;;
    esac
}

# real_program NAME ARGUMENT...: tests/real/NAME.sh with the programs of the release build, and ends with its status.
real_program() {
    rp_name=$1
    shift
    setup run
    setup_conformance
    build_preset release paddock paddock-sim >&2 || exit 1
    rp_status=0
    "tests/real/$rp_name.sh" build/release/paddock build/release/paddock-sim build/real "$@" || rp_status=$?
    [ $rp_status -ne 77 ] || rp_status=3
    exit $rp_status
}

# Commands that ask git which files there are cannot do without an answer.
need_git() {
    git ls-files >/dev/null && return 0
    echo "dev: git does not see a clone here" >&2
    exit 3
}

# Every source that is tracked or about to be.
sources() { # PATTERN...
    git ls-files --cached --others --exclude-standard -- "$@" | while read -r source; do
        [ ! -f "$source" ] || echo "$source"
    done
}
