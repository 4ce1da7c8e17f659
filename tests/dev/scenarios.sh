# shellcheck shell=sh disable=SC2154 # variables of common.sh
# The scenarios as tests: tests/scenarios.tsv names them with the parameters that make them small.

# file, small parameters, seeds, separated by tabs; nothing while there is no simulator to run them.
scenario_list() {
    [ -f sim/main.c ] || return 0
    grep -v -e '^#' -e '^$' tests/scenarios.tsv || :
}

# A scenario file is one that says so; templates and data beside it are not.
scenario_list_complete() {
    [ -d scenarios ] || return 0
    complete=0
    find scenarios -name '*.yaml' -exec grep -l '^scenario:' {} + | sort >"$work/files"
    while read -r file; do
        awk -F '\t' -v file="$file" '$1 == file { found = 1 } END { exit !found }' tests/scenarios.tsv ||
            { echo "$file: not in tests/scenarios.tsv"; complete=1; }
    done <"$work/files"
    scenario_list | cut -f 1 >"$work/listed"
    while read -r file; do
        [ -f "$file" ] || { echo "tests/scenarios.tsv: $file: no such file"; complete=1; }
    done <"$work/listed"
    return $complete
}

# scenario_passes PRESET FILE ARGUMENTS ("-" for none)
scenario_passes() {
    [ "$3" != - ] || set -- "$1" "$2" ""
    # shellcheck disable=SC2086
    timeout 600 "build/$1/paddock-sim" run "$2" $3
}

# scenario_hashes PRESET FILE ARGUMENTS SEED OUT: one line a run: what ran, its result, its hash. A failing scenario has
# a trace as well; anything worse fails.
scenario_hashes() {
    hashes_status=0
    # shellcheck disable=SC2086
    timeout 600 "build/$1/paddock-sim" run "$2" $3 --seed "$4" --format json >"$5.json" || hashes_status=$?
    [ $hashes_status -le 1 ] || { echo "$1: exit status $hashes_status"; return 1; }
    awk -f tests/dev/hashes.awk "$5.json" >"$5" || { echo "$1: not the JSON that was promised"; return 1; }
}

# scenario_same_trace FILE ARGUMENTS SEED PRESET...: all presets must agree with the first, run for run.
scenario_same_trace() {
    same_file=$1 same_small=$2 same_seed=$3
    shift 3
    [ "$same_small" != - ] || same_small=
    same_status=0 same_first=$1
    scenario_hashes "$1" "$same_file" "$same_small" "$same_seed" "$work/first.tsv" || return 1
    shift
    for preset in "$@"; do
        scenario_hashes "$preset" "$same_file" "$same_small" "$same_seed" "$work/other.tsv" || return 1
        if ! diff "$work/first.tsv" "$work/other.tsv"; then
            echo "$same_first (<) and $preset (>) differ"
            same_status=1
        fi
    done
    return $same_status
}
