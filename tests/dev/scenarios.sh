# shellcheck shell=sh disable=SC2154 # variables of common.sh
# The scenarios as tests: tests/scenarios.tsv names them with the parameters that make them small.

# file, small parameters, seeds, separated by tabs; nothing while there is no simulator to run them. Of --points @/24 the
# commit chooses which.
scenario_list() {
    [ -f sim/main.c ] || return 0
    list_commit=$(git rev-parse --short=6 HEAD 2>/dev/null || echo 1)
    grep -v -e '^#' -e '^$' tests/scenarios.tsv | awk -v commit=$((0x$list_commit)) '{
        while (match($0, /@\/[0-9]+/)) {
            n = substr($0, RSTART + 2, RLENGTH - 2)
            $0 = substr($0, 1, RSTART - 1) (commit % n + 1) "/" n substr($0, RSTART + RLENGTH)
        }
        print
    }'
}

# Of the small run's arguments what also cuts the full one down: the share of its points.
scenario_share() { # ARGUMENTS
    case $1 in
    *--points*) expr "$1" : '.*\(--points [0-9/]*\)' ;;
    *) echo - ;;
    esac
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
