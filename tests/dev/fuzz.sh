# shellcheck shell=sh disable=SC2154 # variables of common.sh
# ./dev fuzz [NAME] [SECONDS]: libFuzzer on tests/fuzz/fuzz_NAME.c, or on each target in turn. New inputs stay in
# build/fuzz-corpus/; one that is worth keeping is copied to tests/fuzz/corpus/fuzz_NAME/, which every ./dev test replays.
dev_fuzz() {
    make_work
    fuzz_name='' fuzz_seconds=60
    for argument in "$@"; do
        case $argument in
        *[!0-9]*) fuzz_name=fuzz_${argument#fuzz_} ;;
        *) fuzz_seconds=$argument ;;
        esac
    done
    [ $# -le 2 ] || bad_usage "fuzz takes a name and a number of seconds"
    [ -z "$fuzz_name" ] || [ -f "tests/fuzz/$fuzz_name.c" ] || bad_usage "no fuzz target tests/fuzz/$fuzz_name.c"
    setup fuzz
    step "build fuzz" build_preset fuzz || finish
    for source in tests/fuzz/fuzz_*.c; do
        name=${source##*/}
        name=${name%.c}
        if [ ! -f "$source" ] || [ "${fuzz_name:-$name}" != "$name" ]; then continue; fi
        mkdir -p "build/fuzz-corpus/$name" build/fuzz-found "tests/fuzz/corpus/$name"
        step "$name, $fuzz_seconds s" "build/fuzz/$name" -max_total_time="$fuzz_seconds" -timeout=10 -rss_limit_mb=2048 \
            -print_final_stats=1 -artifact_prefix="build/fuzz-found/$name-" \
            "build/fuzz-corpus/$name" "tests/fuzz/corpus/$name" || echo "      inputs that failed: build/fuzz-found/$name-*"
    done
    finish
}
