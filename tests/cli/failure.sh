#!/bin/sh
# Goal: what a failed run leaves behind is of use: its script and its replay do the same again from anywhere, its trace can
# be read and compared, and it is reduced to a file of one fault, by hand or because the scenario asks for it.
# Method: a tiny scenario fails through one of three faults; each command is called rightly and wrongly.
# Use: failure.sh PADDOCK-SIM, from the root of the sources. The last line is `N passed, M failed`.
set -u

# shellcheck source=tests/cli/lib.sh
. tests/cli/lib.sh
cd "$work" || exit 3

mkdir elsewhere many
scenario good.yaml good 'profile: [compat, hardened]'
scenario faults.yaml faults 'faults:
  - {at: 62s, for: 2s, target: site/a, fault: {tls: expired}, optional: true}
  - {at: 65s, for: 40s, target: link/cluster/edge/site/a, fault: {net: partition}}
  - {at: 66s, for: 3s, target: dns, fault: {dns: servfail}, optional: true}
measure: {up: {gauge: "count(agent where connected)"}}
assert:
  - {name: never cut, never: "exists(agent where not connected)", from: 1m}
  - {name: in time, always: "count(agent) == 1"}'

# ---- again ----
check 1 'FAIL faults' '' run faults.yaml --out of/failure
trace=$(ls of/failure/*.trace.bin)
cd elsewhere || exit 3
holds 'repro.sh works from another folder' sh -c '../of/failure/*.repro.sh | grep -q "never cut"'
check 0 '^1 the same, 0 different$' '' replay ../of/failure
check 0 '^same +faults profile hardened seed 1 trace' '' replay ../of/failure
check 0 '^1 the same, 0 different$' '' replay ../good.yaml --profile compat
check 0 '^  "at": 30,$' '' replay ../good.yaml --at 30s
check 0 '"leading": true' '' replay ../of/failure --at 30s
check 0 '"kind":"Namespace"' '' replay ../good.yaml --at settle --objects
check 0 '^  "at": 120,$' 'the run ends at 2m' replay ../good.yaml --at 3h
check 2 '' '--at: "noon" is no time' replay ../good.yaml --at noon
check 2 '' '--objects needs --at' replay ../good.yaml --objects
check 2 '' 'replay needs a folder' replay
check 2 '' 'no folder that .run --out. wrote' replay ../many
check 2 '' 'No such file' replay ../nothing
cp ../faults.yaml ../before
sed 's/for: 40s/for: 41s/' ../before >../faults.yaml
check 1 '^0 the same, 1 different$' '' replay ../of/failure
check 1 '^first divergence at ' '' replay ../of/failure
sed 's/never cut/never off/' ../before >../faults.yaml # the same trace, but it fails for another reason
check 1 '^0 the same, 1 different$' '' replay ../of/failure
cp ../before ../faults.yaml

# ---- less ----
check 0 '1 of 3 faults, 0 of 1 steps, 1 of 1 clusters left after [0-9]+ runs and' '' shrink ../of/failure --out small.yaml
check 1 'never cut' '' run small.yaml
cat >passes <<'END'
#!/bin/sh
exit 0
END
chmod +x passes
check 0 '1 of 3 faults, 0 of 1 steps, 1 of 1 clusters left' '' shrink ../of/failure --against ./passes --out against.yaml
holds 'the shrunk file says which program passes it' sh -c 'tr -d "#\n" <against.yaml | grep -q "with --against passes, *which passes it"'
holds 'the shrunk file says why' grep -q 'without it: passes' small.yaml
holds 'the shrunk file has one fault' test "$(grep -c 'fault:' small.yaml)" -eq 1
check 0 'left after [0-9]+ runs' '' shrink ../faults.yaml --jobs 1 --out of
holds 'it is named after the run' test -s of/faults-hardened-seed1.shrunk.yaml
check 2 '' 'nothing to shrink' shrink ../good.yaml
check 2 '' 'has failed; failed: faults profile hardened seed 1$' shrink ../of/failure --seed 99
check 2 '' 'is in it; there: faults profile hardened seed 1$' replay ../of/failure --profile compat
check 2 '' 'No such file' shrink ../nothing
check 2 '' '--budget: "soon" is not a time' shrink ../of/failure --budget soon
check 0 'left after' '' shrink ../of/failure --budget 1ms --out hasty.yaml
check 1 'never cut' '' run hasty.yaml
cd "$work" || exit 3

# ---- one crash of many ----
sed 's/replicas: 1}}/replicas: 2}}/' good.yaml | sed 's/^name: good$/name: crashes/; s/^profile: .*//; s/limit: 2m/limit: 20s/' >crashes.yaml
cat >>crashes.yaml <<'END'
faults:
  - {name: it, at: 0s, for: 18s, target: manager/a, fault: {process: crash, at: each-write, of: clusterregistrationtokens}}
assert:
  - {name: nobody starts again, never: "exists(server where started_at > 1500ms)"}
END
check 1 '^0 passed, 1 failed$' '' run crashes.yaml --case point=6 --out of/point
check 0 'at: after-write, nth: 3, counted: all' '' expand crashes.yaml --case point=6
"$sim" expand crashes.yaml --case point=6 >crash.yaml
check 1 '^0 passed, 1 failed$' '' run crash.yaml --out of/written
check 0 '^the same: [0-9]+ records' '' diff of/point/*.trace.bin of/written/*.trace.bin
check 0 '1 of 1 faults, 0 of 1 steps, 1 of 1 clusters left' '' shrink of/point --out point.yaml
check 1 'nobody starts again' '' run point.yaml
check 2 '' 'there is no point 600: the run has [0-9]+' expand crashes.yaml --case point=600
check 2 '' 'there are no points' expand good.yaml --case point=1

# ---- inside ----
check 0 ' note agent.connected ' '' trace "$trace" --filter 'kind=agent.connected'
check 0 '^[{]"at":' '' trace "$trace" --filter 'kind=agent.*' --format json
check 0 '"traceEvents"' '' trace "$trace" --format perfetto
check 2 '' '--filter: column 1: expected time, component' trace "$trace" --filter 'colour=red'
check 2 '' 'not a trace' trace good.yaml
check 2 '' 'No such file' trace nothing.bin
check 2 '' 'many: a folder: name one of the files' trace many
check 2 '' 'trace needs one' trace
check 2 '' '"xml" is not one of text, json, perfetto' trace "$trace" --format xml
head -c 5000 "$trace" >cut.bin
check 0 '.' 'the file was cut after [0-9]+ records' trace cut.bin
check 0 '^the same: [0-9]+ records' '' diff "$trace" "$trace"
check 1 'the file was cut here' '' diff "$trace" cut.bin
check 2 '' 'diff needs two' diff "$trace"
"$sim" run good.yaml --profile compat --seed 1 --trace --out d1 >/dev/null
"$sim" run good.yaml --profile compat --seed 2 --trace --out d2 >/dev/null
check 1 '^two different runs: seed 1 and 2$' '' diff d1/*.trace.bin d2/*.trace.bin
check 2 '' 'not a trace' diff "$trace" good.yaml

# ---- because the file asks for it ----
sed 's/^name: faults$/on_failure: {shrink: true, keep: kept}\
name: faults/' faults.yaml >asks.yaml
check 1 '^0 passed, 1 failed$' 'kept/.*shrunk.yaml: 1 of 3 faults' run asks.yaml --out of/asks
holds 'what failed was shrunk and kept' sh -c 'grep -q "net: partition" kept/*.shrunk.yaml'
check 1 '^0 passed, 1 failed$' '' run asks.yaml
check 1 ' failed$' 'kept/.*shrunk.yaml: 1 of 3 faults' sweep asks.yaml --seeds 1..2 --out of/swept

# ---- bugs that were planted, found by sweeps, and shrunk: none of them is in the engine ----
check 0 '^5 passed, 0 failed$' '' run "$root/fixtures/shrunk"

finish
