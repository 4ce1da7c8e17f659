# shellcheck shell=sh disable=SC2154 # variables of common.sh
# ./dev bench [NAME...]: the programs tests/bench/bench_*.c of the release build; their JSON lines and nothing else.
dev_bench() {
    setup run
    if [ $# -eq 0 ]; then
        for source in tests/bench/bench_*.c; do
            [ -f "$source" ] || continue
            source=${source##*/}
            set -- "$@" "${source%.c}"
        done
    fi
    build_preset release benches paddock paddock-sim >&2 || exit 1
    bench_status=0
    for name in "$@"; do
        name=bench_${name#bench_}
        [ -f "tests/bench/$name.c" ] || bad_usage "no benchmark tests/bench/$name.c"
        "build/release/$name" >"build/log/$name.log" || { echo "dev: $name failed" >&2; bench_status=1; }
        grep '^{' "build/log/$name.log" || { echo "dev: $name printed no result" >&2; bench_status=1; }
    done
    exit $bench_status
}
