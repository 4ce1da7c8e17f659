# shellcheck shell=sh disable=SC2154 # variables of common.sh
# ./dev coverage: lines and branches that the tests reach; the branch that a BUG_ON never takes does not count.
dev_coverage() {
    [ $# -eq 0 ] || bad_usage "coverage takes no arguments"
    make_work
    setup coverage
    setup_conformance
    step "build cov" build_preset cov || finish
    find build/cov -name '*.gcda' -exec rm -f {} +
    # shellcheck source=tests/dev/test.sh
    . tests/dev/test.sh
    ctest_steps cov layers
    scenario_list >"$work/list"
    while IFS=$tab read -r file small _; do
        [ "$small" != - ] || small=
        step "scenario $file (cov, small)" scenario_passes cov "$file" "$small --jobs 1" || :
    done <"$work/list"
    coverage_report || finish
    awk -v root="$root/" -f tests/dev/coverage.awk build/cov/paddock.info
    echo "build/coverage/index.html"
    step "lines: engine and sim at least 90 %" coverage_at_least lines 900 engine sim || :
    for folder in engine/base engine/tunnel sim/scenario; do
        step "branches: $folder at least 95 %" coverage_at_least branches 950 "$folder" || :
    done
    finish
}

# Only the project's own files, and those that no test links count as well: as unreached.
coverage_report() {
    step "baseline" coverage_lcov --capture --initial --directory build/cov --no-external --base-directory "$root" \
        --output-file build/cov/none.info || return 1
    step "capture" coverage_lcov --capture --directory build/cov --no-external --base-directory "$root" \
        --output-file build/cov/reached.info || return 1
    step "combine" coverage_lcov --add-tracefile build/cov/none.info --add-tracefile build/cov/reached.info \
        --output-file build/cov/all.info || return 1
    step "extract" coverage_lcov --extract build/cov/all.info "$root/engine/*" "$root/sim/*" "$root/reports/*" \
        --output-file build/cov/paddock.info || return 1
    step "report" genhtml --quiet --branch-coverage --title Paddock --prefix "$root" \
        --output-directory build/coverage build/cov/paddock.info
}

# coverage_at_least lines|branches PER-MILLE FOLDER...
coverage_at_least() {
    ca_what=$1 ca_least=$2
    shift 2
    awk -v root="$root/" -v only="$*" -v what="$ca_what" -v least="$ca_least" -f tests/dev/coverage.awk build/cov/paddock.info
}

coverage_lcov() { lcov --quiet --rc lcov_branch_coverage=1 --rc 'lcov_excl_br_line=BUG_ON' "$@"; }
