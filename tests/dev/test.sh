# shellcheck shell=sh disable=SC2154 # variables of common.sh
# ./dev test [--quick]: every test. The order is from what fails fast to what takes long.
. tests/dev/scenarios.sh

dev_test() {
    case $#:${1:-} in
    0:) ;;
    1:--quick) quick=1 ;;
    *) bad_usage "test takes --quick only" ;;
    esac
    make_work
    if [ "${quick:-0}" = 1 ]; then
        setup cmocka
        test_quick
    else
        setup test
        setup_conformance
        test_all
    fi
    finish
}

test_quick() {
    step "build debug" build_preset debug || return 0
    step "layers" tests/layers_check build/debug || :
    ctest_steps debug 'layers|conformance|real|bench'
    scenario_list | head -n 1 >"$work/first"
    while IFS=$tab read -r file small seeds; do
        step "scenario $file (debug, small)" scenario_passes debug "$file" "$small" || :
    done <"$work/first"
}

test_all() {
    for preset in debug asan release clang; do
        step "build $preset" build_preset "$preset" || :
    done
    step "layers" tests/layers_check build/debug || :
    ctest_steps asan layers
    step "tests/scenarios.tsv is complete" scenario_list_complete || :
    scenario_list >"$work/list"
    while IFS=$tab read -r file small seeds; do
        step "scenario $file (release)" scenario_passes release "$file" "$(scenario_share "$small")" || :
        step "scenario $file (asan, small)" scenario_passes asan "$file" "$small" || :
        for seed in $seeds; do
            step "same trace $file seed $seed" scenario_same_trace "$file" "$small" "$seed" \
                release release debug clang asan || :
        done
    done <"$work/list"
}

# Each entry of ctest is a step. A failing entry's output stands before the list; behind it, what the conformance jobs
# count and what could not be run here.
ctest_steps() { # PRESET LABELS-LEFT-OUT
    ctest_log=build/log/ctest-$1.log
    rm -f "build/$1/conformance"/*.summary
    (cd "build/$1" && ctest -j "$jobs" -LE "$2" --output-on-failure --no-tests=error) >"$ctest_log" 2>&1 || :
    awk '
        / Test +#[0-9]+: / && /\*\*\*|Passed/ { failing = !/ Passed |\*\*\*Skipped/ ; if (failing) print; next }
        /^ *Start +[0-9]+: / || /tests passed, / { failing = 0 }
        failing' "$ctest_log" | head -n 300
    # "12/34 Test #5: name ....   Passed    0.01 sec"
    awk '/^ *[0-9]+\/[0-9]+ Test +#[0-9]+: / {
        line = $0; sub(/^[^:]*: /, "", line); name = line; sub(/[ .*].*/, "", name)
        n = split(line, word, " ")
        print (line ~ / Passed / ? "pass" : line ~ /\*\*\*Skipped/ ? "skip" : "fail"), name, word[n - 1]
    }' "$ctest_log" >"$work/ctest"
    [ -s "$work/ctest" ] || { cat "$ctest_log"; fail "ctest $1"; }
    while read -r verdict name took; do
        "$verdict" "$name ($1)" "$took"
    done <"$work/ctest"
    cat "build/$1/conformance"/*.summary 2>/dev/null || :
}
