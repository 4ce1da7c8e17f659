#!/bin/sh
# shellcheck disable=SC2016,SC2086
# Goal: a sweep runs what it says, whether on one machine or in shares that are merged; failures are told at once, with the
# command that repeats them; budget, interruption and workers that die leave a true report.
# Method: paddock-sim sweeps a tiny scenario that fails in one case of three; runs are counted, reports compared.
# Use: sweep.sh PADDOCK-SIM, from the root of the sources. The last line is `N passed, M failed`.
set -u # ${...} in quotes belongs to scenarios; a replay is several words

# shellcheck source=tests/cli/lib.sh
. tests/cli/lib.sh
cd "$work" || exit 3

scenario cases.yaml cases 'seeds: {first: 1, count: 12}
profile: [compat, hardened]
params: {count: {type: int, default: 1, max: 9}}
matrix: {x: [{id: one, k: 1}, {id: two, k: 2}, {id: three, k: 3}]}
assert:
  - {name: it, at: 1m, that: "count(agent) * ${matrix.x.k} != 2"}
measure:
  up: {hist: "agent.connected_at", show: [p50, max]}'
sed -i 's/edge: {count: 1,/edge: {count: "${count}",/' cases.yaml
scenario good.yaml good 'seeds: {first: 1, count: 4}'
scenario unseen.yaml unseen 'seeds: {first: 5, count: 6}
assert: [{name: never seen, sometimes: "count(agent) == 7"}]'
scenario quiet.yaml quiet 'report: {junit: false, html: false, trace: never, csv: true}
assert: [{name: it, at: 1m, that: "none(agent: connected)"}]
measure: {up: {hist: "agent.connected_at", show: [p50]}}'
scenario traced.yaml traced 'report: {trace: always}'
sed 's/limit: 2m/limit: 20000h/' good.yaml >endless.yaml

# fields FILE KEY: the key's values, sorted and counted, in a line
fields() { grep traceHash "$1" | grep -o "\"$2\":[^,]*" | sort | uniq -c | tr -s ' \n' ' '; }
# without what the clock of this machine decides
steady() { sed 's/"wallSeconds":[0-9.]*//g; s/"slowest":.*//' "$1"; }

# ---- options ----
check 2 '' 'sweep needs a scenario' sweep
check 2 '' '--seeds: "3..1" is empty: A..B goes from the lower' sweep cases.yaml --seeds 3..1
check 2 '' '--seeds: "x" is not A..B' sweep cases.yaml --seeds x
check 2 '' 'unknown option "--seeds".*did you mean "--seed"' run cases.yaml --seeds 1..2
check 2 '' '--shard: "4/3" is not I/N' sweep cases.yaml --shard 4/3
check 2 '' '--shard: "0/3" is not I/N' sweep cases.yaml --shard 0/3
check 2 '' '--budget: "soon" is not a time' sweep cases.yaml --budget soon
check 2 '' 'these are more than 10000000 runs' sweep cases.yaml --seeds 1..100000000000
check 2 '' '--set count is there twice; several values are count=V1,V2' sweep cases.yaml --set count=1 --set count=2
check 2 '' '--set count: must be at most 9' sweep cases.yaml --set count=1,10
check 2 '' 'unknown parameter "coun"; did you mean "count"' sweep cases.yaml --set coun=1

# ---- what is run ----
check 0 '^8 passed, 0 failed$' '' sweep good.yaml --seeds 1..8
check 0 '^4 passed, 0 failed$' '' sweep good.yaml
check 0 '^1 passed, 0 failed$' '' sweep good.yaml --seeds 7
check 1 '^FAIL cases case=x:two profile=compat seed=8 t=1m00.000s assert="it" replay: paddock-sim run cases.yaml --case x=two --profile compat --seed 8 --until 1m01s$' '' sweep cases.yaml --out one
holds 'one line for each failed run' test "$(grep -c '^FAIL ' out)" -eq "$(sed -n 's/.* passed, \(.*\) failed$/\1/p' out)"
holds 'both profiles of each seed' test "$(fields one/report.json profile)" = ' 12 "profile":"compat" 12 "profile":"hardened" '
holds 'each seed once in a profile' test "$(grep -c traceHash one/report.json)" -eq 24
holds 'seeds choose different cases' test "$(fields one/report.json case | grep -o case | wc -l)" -eq 3
holds 'a seed has the same case in both profiles' test -z "$(grep -o '"profile":"[a-z]*","case":"[a-z=]*","params":{},"policies":{},"seed":[0-9]*' one/report.json | sed 's/"profile":"[a-z]*",//' | sort | uniq -c | grep -v '^ *2 ')"
check 1 '^16 passed, 8 failed$' '' sweep cases.yaml --seeds 1..4 --all-cases
check 0 '^12 passed, 0 failed$' '' sweep cases.yaml --case x=three --profile compat
check 1 '^2 passed, 4 failed$' '' sweep cases.yaml --case x=one --profile compat --seeds 1..2 --set count=1,2,2
replay=$(sed -n 's/^FAIL .* replay: paddock-sim //p' out | head -n 1)
check 1 '^0 passed, 1 failed$' '' $replay
for file in report.html report.json junit.xml summary.html runs.pack; do
    holds "sweep --out writes $file" test -s one/$file
done
holds 'a failure leaves its trace' test -s one/cases-compat-x=two-seed8.trace.bin
holds 'what passed leaves none' test -z "$(find one -name 'cases-*-x=one-*.trace.bin')"
check 1 '^[{]"scenarios"' '' sweep cases.yaml --format json
check 1 '^<[?]xml' '' sweep cases.yaml --format junit

# ---- shares ----
for jobs in 1 3; do
    rm -rf shares
    for i in 1 2 3 4 5; do
        "$sim" sweep cases.yaml good.yaml --shard $i/5 --jobs $jobs --out shares/$i >out 2>err
    done
    "$sim" sweep cases.yaml good.yaml --jobs $jobs --out whole >whole.out 2>err
    check 1 "^$(tail -n 1 whole.out)\$" '' merge shares --out merged
    holds "shares add up to the whole (--jobs $jobs)" test "$(steady whole/report.json)" = "$(steady merged/report.json)"
done
check 1 'passed' '' merge shares/1 shares/2 shares/3 shares/4 shares/5
check 2 '' 'shares/2/runs.pack and shares/2/runs.pack hold the same run: seed' merge shares/2 shares/2
cp -r shares/2 2b
check 2 '' '2b/runs.pack and shares/2/runs.pack hold the same run: seed' merge shares/1 shares/2 2b
check 1 '[0-9]+ not run' 'shard 3 of 5 is missing' merge shares/1 shares/2 shares/4 shares/5
check 2 '' 'they are not shares of one whole' merge shares/1 one
check 2 '' 'merge needs' merge
check 2 '' 'none: no such folder' merge none
mkdir none
check 2 '' 'no runs.pack in this folder' merge none
sed 's/^paddock runs .*/paddock runs 0.0.0/' good.yaml >none/runs.pack
check 2 '' 'these are not the runs of a report' merge none
printf 'paddock runs 0.0.0\n' >none/runs.pack
check 2 '' 'none/runs.pack: written by version 0.0.0; this is [0-9.]+' merge none
head -c 300 shares/1/runs.pack >none/runs.pack
check 2 '' 'cut or malformed' merge none
sed 's/^name: good/name: better/' good.yaml >better.yaml
mkdir other
cp better.yaml other/good.yaml
(cd other && "$sim" sweep good.yaml --seeds 9 --out ../other.out >../out)
"$sim" sweep good.yaml --seeds 1..2 --out a.out >out
check 2 '' 'a.out/runs.pack and other.out/runs.pack ran different versions of good.yaml \(sha256 [0-9a-f]{12} and' merge a.out other.out
"$sim" sweep good.yaml --seeds 3..4 --out b.out >out
check 0 '^4 passed, 0 failed$' '' merge a.out b.out --out ab
check 0 '^4 passed, 0 failed$' '' merge ab
ln -s a.out linked
for own in a.out ./a.out linked "$PWD/b.out/"; do
    check 2 '' 'which is to be merged and would be overwritten' merge a.out b.out --out "$own"
done
check 0 '^4 passed, 0 failed$' '' merge a.out b.out
"$sim" run cases.yaml --shard 1/2 --out r1 >out
"$sim" run cases.yaml --shard 2/2 --out r2 >out
check 1 '^4 passed, 2 failed$' '' merge r1 r2

# ---- sometimes ----
check 1 '^FAIL unseen runs=6 assert="never seen" replay: paddock-sim sweep unseen.yaml --seeds 5..10$' '' sweep unseen.yaml --out own
holds 'it is the file that failed, none of its runs' test "$(tail -n 1 out)" = '6 passed, 1 failed'
holds 'junit.xml has it as a case of its own' grep -q 'testcase name="over all 6 runs" classname="unseen"' own/junit.xml
holds 'report.json has it as the file' grep -q '"over":6,"result":"failed".*"replay":"paddock-sim sweep unseen.yaml --seeds 5..10"' own/report.json
holds 'report.html has it' grep -q '"over":6' own/report.html
holds 'summary.html has it' grep -q '"over":6' own/summary.html
check 1 'over all 6 runs' '' sweep unseen.yaml --format sarif
check 2 '' 'over all the runs of a file together.*paddock-sim sweep unseen.yaml --seeds 5..10' shrink own
check 0 '^1 the same, 0 different$' '' replay own --seed 5
check 1 '^FAIL unseen runs=1 assert="never seen" replay: paddock-sim run unseen.yaml --profile hardened --seed 5$' '' run unseen.yaml --profile hardened
check 1 '^FAIL   unseen  over all 1 runs$' '' run unseen.yaml
replay=$(sed -n 's/^FAIL .* replay: paddock-sim //p' out | head -n 1)
check 1 '^1 passed, 1 failed$' '' $replay
check 0 '^3 passed, 0 failed$' '' sweep unseen.yaml --shard 1/2 --out u1
check 0 '^3 passed, 0 failed$' '' sweep unseen.yaml --shard 2/2 --out u2
check 1 '^6 passed, 1 failed$' '' merge u1 u2 --out u
check 1 'replay: paddock-sim sweep unseen.yaml --seeds 5..10$' '' merge u1 u2
check 1 'held in none of the 6 runs' '' merge u --format json
"$sim" sweep unseen.yaml --seeds 20..21 --out v >out
check 1 'sweep unseen.yaml --seeds 5..21.*held in none of the 8 runs' '' merge u v --format json
check 1 '^8 passed, 1 failed$' '' merge u v

# ---- many failures of one kind ----
check 1 '^FAIL cases runs=12 assert="it" replay: paddock-sim run cases.yaml --case x=two --profile compat --seed 1 ' '' sweep cases.yaml --case x=two --seeds 1..6 -q --out many
holds '-q: a line for the failure, and the last one' test "$(wc -l <out)" -eq 2
check 1 '^0 passed, 12 failed$' '' sweep cases.yaml --case x=two --seeds 1..6
holds 'ten failures of a kind are told, the others counted' test "$(grep -c '^FAIL ' out)" -eq 10
holds 'and that is said' grep -q 'more of this kind are only counted' out
check 1 '^reports are in many2$' '' merge many --out many2
check 1 '^FAIL cases runs=12 ' '' merge many -q

# ---- what the file wants written ----
check 1 '*' '' run quiet.yaml --out quiet
holds 'report.junit: false' test ! -e quiet/junit.xml
holds 'report.html: false' test ! -e quiet/report.html
holds 'report.trace: never' test -z "$(find quiet -name '*.trace.bin')"
holds 'report.csv: true' grep -q '^quiet.yaml,quiet,hardened,,,1,failed,up,s,1,p50,[0-9.]*' quiet/measures.csv
check 0 '*' '' run traced.yaml --out traced
holds 'report.trace: always' test -s traced/traced-hardened-seed1.trace.bin

# ---- budget, interruption, workers that die ----
check 0 'not run' 'the budget of 1.500s is used up: [0-9]+ of 20000 runs were not started' sweep good.yaml --seeds 1..20000 --budget 1s500ms
"$sim" sweep good.yaml endless.yaml --seeds 1..3 --jobs 2 --out cut >out 2>err &
pid=$!
tries=0
while [ $tries -lt 100 ] && ! grep -q . "/proc/$pid/task/$pid/children" 2>/dev/null; do
    sleep 0.05
    tries=$((tries + 1))
done
sleep 1
# as one that is told to the whole group: the workers hear of it twice
tr ' ' '\n' <"/proc/$pid/task/$pid/children" | while read -r child; do kill -TERM "$child" && kill -TERM "$child"; done
kill -TERM $pid
wait $pid
status=$?
holds "an interruption ends with 130, not $status" test $status -eq 130
holds 'an interruption reports what had run' grep -q '^[0-9]* passed, 0 failed$' out
holds 'an interruption writes its reports' test -s cut/report.json
"$sim" sweep endless.yaml --seeds 1..1 --jobs 1 >out 2>err &
pid=$!
tries=0
while [ $tries -lt 200 ] && ! grep -q '[0-9]' "/proc/$pid/task/$pid/children" 2>/dev/null; do
    sleep 0.05
    tries=$((tries + 1))
done
tr ' ' '\n' <"/proc/$pid/task/$pid/children" | while read -r child; do kill -KILL "$child"; done
wait $pid
status=$?
holds "a worker that dies is an error of its run, not $status" test $status -eq 1
holds 'and is told as one' grep -q '^ERROR good .* error="process" replay: paddock-sim run endless.yaml --profile hardened --seed 1$' out

# ---- --watch ----
awaits() { # COUNT PATTERN FILE
    tries=0
    while [ "$(grep -c "$2" "$3")" -lt "$1" ] && [ $tries -lt 300 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    [ "$(grep -c "$2" "$3")" -ge "$1" ]
}
printf 'template: v1\ntopology:\n  sites: {a: {manager: {replicas: 1}}}\n  clusters: {edge: {count: 1, nodes: 1, agent: {replicas: 1}}}\n  dns: {records: {manager: {ttl: 30s, value: [site/a]}}}\n' >estate.yaml
printf 'scenario: v1\nname: uses\nclock: {limit: 2m}\nuse: [{template: estate.yaml}]\n' >uses.yaml
: >out
"$sim" run uses.yaml --watch >out 2>err &
pid=$!
holds '--watch runs at once' awaits 1 '^1 passed, 0 failed$' out
awaits 1 'watching 2 files' err
echo '# changed' >>uses.yaml
holds '--watch runs again when the scenario changes' awaits 2 '^1 passed, 0 failed$' out
awaits 2 'watching 2 files' err
echo '# changed' >>estate.yaml
holds '--watch runs again when its template changes' awaits 3 '^1 passed, 0 failed$' out
awaits 3 'watching 2 files' err
echo 'nonsense: 1' >>uses.yaml
holds '--watch outlives a mistake' awaits 1 'unknown field "nonsense"' err
kill -TERM $pid
wait $pid
status=$?
holds "--watch ends with 130, not $status" test $status -eq 130
: >err

# ---- the bar ----
holds 'no bar but on a terminal' test ! -s err
if command -v script >/dev/null && script -qec true /dev/null >/dev/null 2>&1; then
    script -qec "'$sim' sweep good.yaml --seeds 1..30 --jobs 1" /dev/null >out 2>&1
    holds 'a bar on a terminal' grep -q '\] [0-9]*/30, 0 failed, [0-9]*/s, [0-9]*m[0-9]*s left' out
fi
finish
