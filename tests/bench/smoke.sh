#!/bin/sh
# Goal: the benchmarks that run the programs do not rot: each still finds its way to every figure that README.md promises.
# Method: the program with the word `tiny`; every line must be a result, the names must be exactly those that are expected
# here, and what counts something must be above zero. Nothing is timed. No file may be left behind.
# usage: tests/bench/smoke.sh PROGRAM
set -eu
LC_ALL=C
export LC_ALL
program=$1
name=${program##*/bench_}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
fail() {
    echo "FAILED: $1"
    cat "$work/out"
    exit 1
}

# each PREFIXES SUFFIXES: every suffix behind every prefix
each() {
    for prefix in $1; do
        for suffix in $2; do echo "$prefix.$suffix"; done
    done
}
expected() {
    case $name in
    tunnel)
        each "tunnel.plain tunnel.tls" "bulk_direct.rate get.p50_direct get.p50_relay get.p50 get.p50_added_by_relay"
        each "tunnel.plain tunnel.tls" "$(each "bulk_down.1 bulk_down.4 bulk_up.1 bulk_up.4 get new" "rate server_cpu agent_cpu")"
        ;;
    agents)
        each "tunnel.plain.idle tunnel.tls.idle" "$(each "20 40" "connect server_memory agent_memory")"
        each "tunnel.plain.idle.40" "$(each "ping_5s ping_30s" "server_core agents_core")"
        ;;
    proxy) each proxy.get "p50_direct p50 p50_added alone_server_cpu alone_agent_cpu rate p50_at_16 server_cpu agent_cpu cluster_cpu" ;;
    return) each return.12 "provision first memory ready back opened_peak tried_peak tried cpu" ;;
    *) fail "it is not known what $program prints" ;;
    esac
}

status=0
"$program" tiny >"$work/out" &
pid=$!
trap 'kill $pid; rm -rf "$work"; exit 130' INT TERM
wait $pid || status=$?
[ $status -eq 0 ] || fail "it ended with $status"
sed -n 's/^{"bench":"\([a-z0-9_.]*\)","value":\(-\{0,1\}[0-9.]*\),"unit":"\([A-Za-z0-9/%]*\)"}$/\1 \2 \3/p' "$work/out" >"$work/results"
[ "$(wc -l <"$work/out")" -eq "$(wc -l <"$work/results")" ] || fail "there is a line that is no result"
cut -d' ' -f1 "$work/results" | sort >"$work/names"
expected | sort >"$work/expected"
diff "$work/expected" "$work/names" || fail "other figures than expected"
# Differences may be anything when counts are tiny: memory, what is added. CPU time of a few pings may be less than a tick.
awk '$1 !~ /memory|added|_core$/ && $2 <= 0 { print; bad = 1 } END { exit bad }' "$work/results" || fail "counts nothing"
case $name in
return) # as many have come back as there are, each of them once at least
    awk '$1 ~ /[.]opened_peak$/ && $2 > 12 { exit 1 } $1 ~ /[.]tried$/ && $2 < 1 { exit 1 }' "$work/results" ||
        fail "agents are counted wrongly" ;;
esac
for file in "${program%/*}"/bench_"$pid".*; do
    [ ! -f "$file" ] || fail "left behind: $file"
done
echo "$(wc -l <"$work/results") figures"
