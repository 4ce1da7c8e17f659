# shellcheck shell=sh disable=SC2154 # variables of common.sh
# ./dev bench [NAME...]: the programs tests/bench/bench_*.c of the release build; their JSON lines and nothing else.
# ./dev bench list: which there are, and what each is about.
dev_bench() {
    if [ "$*" = list ]; then
        bench_list
        exit 0
    fi
    bench_programs=
    for name in "$@"; do
        name=${name#bench_}
        [ -f "tests/bench/bench_$name.c" ] ||
            bad_usage "no benchmark '$name': $(bench_names | tr '\n' ' ')"
        bench_programs="$bench_programs bench_$name"
    done
    [ $# -gt 0 ] || bench_programs=$(bench_names | sed 's/^/bench_/')
    setup run
    # shellcheck disable=SC2086 # words
    build_preset release $bench_programs paddock paddock-sim >&2 || exit 1
    bench_status=0
    for name in $bench_programs; do
        "build/release/$name" >"build/log/$name.log" || { echo "dev: $name failed" >&2; bench_status=1; }
        grep '^{' "build/log/$name.log" || { echo "dev: $name printed no result" >&2; bench_status=1; }
    done
    exit $bench_status
}

bench_names() {
    for source in tests/bench/bench_*.c; do
        source=${source##*/bench_}
        echo "${source%.c}"
    done
}

# The first sentence of each one's first comment.
bench_list() {
    bench_names | while read -r name; do
        printf '%-14s ' "$name"
        sed -n '/^\/\*/,/\*\/$/p' "tests/bench/bench_$name.c" | sed 's/^\/\* *//; s/^ \* *//; s/ *\*\/$//' | tr '\n' ' ' |
            sed 's/^Goal: //; s/[:.;] .*//'
        echo
    done
}
