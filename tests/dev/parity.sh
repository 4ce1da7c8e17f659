# shellcheck shell=sh disable=SC2154 # variables of common.sh
# ./dev parity: scenarios of tests/parity.tsv in both worlds: simulated, and as processes in network namespaces. Every
# assertion that the real world can see must have the same outcome; the tables stand side by side. All real runs go on at
# the same time: they mostly wait.

# parity_sim NUMBER ARGUMENTS...; parity_real the same: a report of one run
parity_sim() {
    parity_n=$1
    shift
    timeout 200 build/release/paddock-sim run "$@" --seed 1 --jobs 1 --format json >"$work/sim-$parity_n.json" 2>"$work/sim-$parity_n.err"
}
parity_real() {
    parity_n=$1
    shift
    rm -rf "build/parity/$parity_n"
    mkdir -p "build/parity/$parity_n"
    timeout 290 build/release/paddock-sim run "$@" --seed 1 --world real --out "build/parity/$parity_n" --format json \
        >"$work/real-$parity_n.json" 2>"$work/real-$parity_n.err"
}

# parity_row NUMBER: 0: the same as far as can be seen
parity_row() {
    awk -f tests/dev/parity.awk "$work/sim-$1.json" "$work/real-$1.json" >"$work/table-$1" || return 1
    cat "$work/table-$1"
    tail -n 1 "$work/table-$1" | grep -q ' 0 different$' && return 0
    cat "$work/sim-$1.err" "$work/real-$1.err"
    echo "words and states of the processes: build/parity/$1"
    return 1
}

dev_parity() {
    [ $# -eq 0 ] || bad_usage "parity takes no arguments"
    make_work
    setup run
    step "build release" build_preset release paddock paddock-sim || finish
    if [ "$(id -u)" -ne 0 ]; then
        echo "parity needs root: network namespaces" >&2
        fail "real world"
        finish
    fi
    grep -v '^#' tests/parity.tsv >"$work/list"
    number=0
    while IFS=$tab read -r file arguments cases; do
        number=$((number + 1))
        [ "$arguments" != - ] || arguments=
        [ "$cases" != - ] || cases=
        # shellcheck disable=SC2086
        parity_real $number "$file" $arguments $cases &
        parity_pids="${parity_pids:-} $!"
    done <"$work/list"
    number=0
    while IFS=$tab read -r file arguments cases; do
        number=$((number + 1))
        [ "$arguments" != - ] || arguments=
        [ "$cases" != - ] || cases=
        # shellcheck disable=SC2086
        parity_sim $number "$file" $arguments $cases || :
    done <"$work/list"
    for pid in $parity_pids; do
        wait "$pid" || :
    done
    number=0
    while IFS=$tab read -r file arguments cases; do
        number=$((number + 1))
        [ "$cases" != - ] || cases=
        status=0
        echo "      $file $cases"
        parity_row $number || status=$?
        if [ $status -eq 0 ]; then pass "parity $file $cases"; else fail "parity $file $cases"; fi
    done <"$work/list"
    finish
}
