# shellcheck shell=sh disable=SC2154 # variables of common.sh
# ./dev identity: a run is a function of scenario, parameters and seed, whatever compiled it. Seeds 1 to 20 of four
# scenarios; which four rotates with the commit. Ends itself before eight minutes: what is left then is named.
. tests/dev/scenarios.sh

dev_identity() {
    [ $# -eq 0 ] || bad_usage "identity takes no arguments"
    make_work
    setup test
    identity_start=$(now)
    for preset in debug release clang asan; do
        step "build $preset" build_preset "$preset" || :
    done
    [ "$failed" -eq 0 ] || finish
    scenario_list >"$work/list"
    rotated "$work/list" | head -n 4 >"$work/share"
    # Seed by seed, so that a short run still saw every scenario.
    seed=1
    while [ $seed -le 20 ]; do
        while IFS=$tab read -r file small _; do
            if [ $(($(now) - identity_start)) -ge 420 ]; then
                echo "      time is over before seed $seed of $file"
                finish
            fi
            step "same trace $file seed $seed" scenario_same_trace "$file" "$small" "$seed" release debug clang asan || :
        done <"$work/share"
        seed=$((seed + 1))
    done
    finish
}
