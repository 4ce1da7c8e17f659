#!/bin/sh
# Goal: what scripts and CI rely on holds for the program itself: exit statuses, which stream says what, the last line.
# Method: paddock-sim is called as people call it, rightly and wrongly, on tiny scenarios made here; each check names the
# status, a pattern of standard output and one of standard error (extended regular expressions; "" is no output at all,
# "*" is whatever).
# Use: run.sh PADDOCK-SIM, from the root of the sources. The last line is `N passed, M failed`.
# shellcheck source=tests/cli/lib.sh
. tests/cli/lib.sh

# ---- scenarios ----
cd "$work" || exit 3
mkdir none many
scenario good.yaml good 'profile: [compat, hardened]'
scenario bad.yaml bad 'assert: [{name: it, eventually: "none(agent: connected)", from: settle, by: 70s500ms}]'
scenario inert.yaml inert 'faults: [{name: idle, at: 90s, for: 1s, target: site/a, fault: {tls: expired}}]'
scenario unsupported.yaml unsupported 'faults: [{at: 90s, target: site/a, fault: {http: {code: 503, verb: get}}}]'
scenario "many/a b.yaml" 'with a space' 'assert: [{name: it, at: 1m, that: "none(agent: connected)"}]'
scenario many/long.yaml a-much-longer-name 'matrix: {x: [{id: one}, {id: number-two}]}
assert: [{name: it, when: matrix.x == one, at: 1m, that: "true"}]'
sed 's/limit: 2m/limit: 20000h/' good.yaml >endless.yaml
cp good.yaml unreadable.yaml
printf 'scenario: v1\nname: broken\ntopolgy: {}\n' >broken.yaml
: >empty.yaml
printf 'scenario: v1\n\001\002\003' >binary.yaml

# ---- the whole program ----
check 2 '' 'a command is missing'
check 0 '^usage: paddock-sim COMMAND' '' --help
check 0 '^usage: paddock-sim COMMAND' '' help
check 0 '^usage: paddock-sim run' '' help run
check 0 '^usage: paddock-sim run' '' run --help --seed 3
check 0 '^usage: paddock-sim validate' '' validate -h
check 2 '' 'topic is called "rnu".*did you mean "run"' help rnu
check 2 '' 'did you mean "targets"' help tragets
check 0 'follower/a' '' help targets
check 2 '' 'unknown command "rnu".*did you mean "run"' rnu good.yaml
check 0 '^paddock-sim [0-9]' '' --version
check 0 '^paddock-sim [0-9]' '' version
check 2 '' 'version takes no argument' version x
check 2 '' 'schema takes no argument' schema x
check 0 '^[{]"[$]schema"' '' schema

# ---- run: options ----
check 0 '^2 passed, 0 failed$' '' run good.yaml
check 0 '^2 passed, 0 failed$' '' -q run good.yaml
check 0 '^2 passed, 0 failed$' '' --color=never run good.yaml
check 0 '^1 passed, 0 failed$' '' run --profile=compat --seed=7 -- good.yaml
check 0 '^1 passed, 0 failed$' '' run --profile compat --seed 7 good.yaml
check 0 'seed 7' '' run --profile compat --seed 7 good.yaml
check 0 'asserts|faults|held|ok' '' run -v good.yaml
check 0 "$(printf '\033')" '' run --color always good.yaml
check 2 '' 'run needs a scenario' run
check 2 '' 'unknown option "--sead".*did you mean "--seed"' run good.yaml --sead 3
check 2 '' 'unknown option "-x"' run good.yaml -x
check 2 '' '--seed needs a value' run good.yaml --seed
check 2 '' '--seed needs a value' run good.yaml --seed=
check 2 '' '--out needs a value' run good.yaml --out ''
check 2 '' '--seed: "-1" is not a number' run good.yaml --seed -1
check 2 '' '--policy takes NAME=VALUE, not "x"' run good.yaml --policy x
check 2 '' 'unknown axis "x"; this scenario has no matrix' run good.yaml --case x=y
check 2 '' 'unknown option "--bogus"; --help lists them' run good.yaml --bogus
check 2 '' 'unknown option "--sed"; did you mean "--seed"' run good.yaml --sed 1
check 2 '' '--trace takes no value' run good.yaml --trace=yes
check 2 '' '--trace needs --out' run good.yaml --trace
check 2 '' '"xml" is not one of' run good.yaml --format xml
check 2 '' 'unknown parameter "x"' run good.yaml --set x=1
check 2 '' 'takes NAME=VALUE' run good.yaml --set x
check 2 '' 'unknown axis "x"' run good.yaml --case x=1
check 2 '' 'unknown profile "x"' run good.yaml --profile x
check 2 '' 'unknown policy "x"' run good.yaml --policy x=1
check 2 '' 'tunnel.dead_after.*is not a duration' run good.yaml --policy tunnel.dead_after=soon
check 2 '' '--until: "setle" is no time .* no step; did you mean "settle"' run good.yaml --until setle
check 2 '' '--until: "90" is no time' run good.yaml --until 90
check 2 '' 'before the start' run good.yaml --until -5s
check 0 '  30s in' '' run good.yaml --profile compat --until 30s
check 0 'passed' '' run good.yaml --until settle
check 4 'unsupported "tls expired on site/a"' '' run inert.yaml --world real

# ---- run: files ----
check 2 '' 'missing.yaml: No such file' run missing.yaml
check 2 '' 'none: no scenario in this folder' run none
check 2 '' 'empty.yaml:1:1: error: ' run empty.yaml
check 2 '' 'binary.yaml:.* error: ' run binary.yaml
check 2 '' 'broken.yaml:3:1: error: .*did you mean "topology"' run good.yaml broken.yaml
chmod 0 unreadable.yaml
if [ ! -r unreadable.yaml ]; then
    check 3 '' 'unreadable.yaml: Permission denied' run good.yaml unreadable.yaml
    check 3 '' 'unreadable.yaml: Permission denied' validate .
fi
chmod 600 unreadable.yaml

# ---- run: verdicts ----
check 1 '^FAIL bad profile=hardened seed=1 t=1m10.500s assert="it" replay: paddock-sim run bad.yaml --profile hardened --seed 1 --until 1m11s$' '' run bad.yaml
check 1 '^0 passed, 1 failed$' '' run bad.yaml --until 1m11s
check 0 '^1 passed, 0 failed$' '' run bad.yaml --until 1m10s # not decided by then
check 1 '^FAIL inert .* fault="idle" replay: paddock-sim run inert.yaml --profile hardened --seed 1$' '' run inert.yaml
check 4 '^1 unsupported in this world$' '' run unsupported.yaml
check 4 'http error on site/a' '' run unsupported.yaml
check 1 "replay: paddock-sim run 'many/a b.yaml' --profile" '' run many
check 1 '^FAIL   with a space        +hardened  seed' '' run many
check 1 '^ok     a-much-longer-name  x=number-two  hardened  seed' '' run many
check 1 '^ok     a-much-longer-name  x=one         hardened  seed' '' run many

scenario record.yaml record 'faults: [{at: 90s, target: dns, fault: {dns: nxdomain, record: manger}}]'
check 2 '' 'record.yaml:10:[0-9]+: error: .*unknown record "manger"; did you mean "manager"' run record.yaml
scenario field.yaml field 'faults: [{at: 90s, target: manager/a, fault: {http: truncated, user: admin}}]'
check 4 'knows no .verb. and no .user.' '' run field.yaml

printf '%s\n' "$head" '  - {name: heal, at: 90s, do: {heal: cluster/edge}}' 'name: heal' >heal.yaml
check 1 'no fault is aimed at "cluster/edge"' '' run heal.yaml

# ---- run: output ----
check 0 '^[{]' '' run good.yaml --format json
check 0 '^<[?]xml' '' run good.yaml --format=junit
check 1 '*' '' run bad.yaml --out reports/of/bad
for file in report.html report.json junit.xml; do
    holds "--out writes $file" test -s "reports/of/bad/$file"
done
holds 'a failure leaves a trace' sh -c 'test -s reports/of/bad/*.trace.bin'
holds 'a failure leaves a script' sh -c 'test -x reports/of/bad/*.repro.sh'
check 3 '' 'good.yaml/x: Not a directory' run good.yaml --out good.yaml/x
check 3 '' 'good.yaml: Not a directory' run good.yaml --out good.yaml
if [ -w /dev/full ]; then
    "$sim" run good.yaml >/dev/full 2>"$work/err"
    holds 'output that cannot be written is an error' test $? -eq 3
fi
NO_COLOR=1 "$sim" run good.yaml >out 2>err
colored=0
grep -q "$(printf '\033')" out && colored=1
holds 'NO_COLOR' test $colored -eq 0
"$sim" list "$root/scenarios" 2>err | head -n 1 >out
holds 'a closed pipe says nothing' test ! -s err

# the same run whatever is watched
hash_of() {
    "$sim" run good.yaml --profile compat --out hashes "$@" >/dev/null 2>&1
    sed -n 's/.*"traceHash":"\([0-9a-f]*\)".*/\1/p' hashes/report.json
}
first=$(hash_of)
holds 'a run has a hash' test "${#first}" -eq 64
for extra in -v -q --trace --log=debug --format=json --jobs=1; do
    holds "$extra does not change the run" test "$(hash_of "$extra")" = "$first"
done
holds 'another seed is another run' test "$(hash_of --seed 2)" != "$first"

# ---- interruption ----
for jobs in 1 2; do
    : >"$work/out"
    "$sim" run good.yaml endless.yaml --jobs $jobs >"$work/out" 2>"$work/err" &
    pid=$!
    tries=0
    while ! grep -q '^ok .*hardened' "$work/out" && [ $tries -lt 600 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    kill -TERM $pid # a shell's background process ignores SIGINT
    wait $pid
    status=$?
    holds "an interruption ends with 130 (--jobs $jobs), not $status" test $status -eq 130
    holds "an interruption reports what had run (--jobs $jobs)" grep -q '^2 passed, 0 failed$' "$work/out"
done

# ---- the others ----
check 0 '^1 file, no errors$' '' validate good.yaml
check 0 '' '' validate -q good.yaml
check 2 '' 'broken.yaml:3:1: error' validate broken.yaml
check 2 '' 'validate needs' validate
check 2 '' 'unknown option "--seed"' validate good.yaml --seed 3
check 0 '^good ' '' list good.yaml
check 2 '^good ' 'broken.yaml:3:1: error' list good.yaml broken.yaml
check 2 '' 'no scenario in this folder' list none
check 0 '^name: good$' '' expand good.yaml
check 2 '' 'expand needs one' expand
check 2 '' 'Is a directory' expand none
check 2 '' 'missing.yaml: No such file' expand missing.yaml
check 2 '' 'unknown axis "x"' expand good.yaml --case x=1
check 2 '' 'unknown profile "x"' expand good.yaml --profile x

cat >estate.yaml <<'END'
template: v1
inputs: {k: {type: int, max: 9}}
topology:
  sites: {a: {manager: {replicas: 1}}}
  clusters: {edge: {count: "${k}", nodes: 1, agent: {replicas: 1}}}
  dns: {records: {manager: {ttl: 30s, value: [site/a]}}}
END
printf 'scenario: v1\nname: uses\nclock: {limit: 2m}\nuse: [{template: estate.yaml, with: {k: 1}}]\n' >uses.yaml
cp uses.yaml estate.yaml many/
check 0 '^1 passed, 0 failed$' '' run uses.yaml
check 0 '^3 files, no errors$' '' validate many
check 0 '^      count: 1$' '' expand uses.yaml
sed -i 's/k: 1/k: 10/' uses.yaml
check 2 '' '^uses.yaml:4:41: error: use.0..with.k: must be at most 9$' validate uses.yaml
sed -i 's/max: 9/mxa: 9/' estate.yaml
check 2 '' '^estate.yaml:2:25: error: inputs.k: unknown field "mxa"; did you mean "max"[?] [(]used at uses.yaml:4:7[)]$' run uses.yaml
# ---- findings for code hosts, lists for programs ----
check 2 '"startLine":3,"startColumn":1' '' validate --format sarif broken.yaml
check 0 '"results":.. *.' '' validate --format=sarif good.yaml
check 2 '' 'validate knows pretty and sarif' validate --format json good.yaml
check 2 '' 'list knows pretty and json' list --format sarif good.yaml
check 1 '"ruleId":"assert".*"startLine":[0-9]+' '' run --format sarif bad.yaml
check 0 '"params":\[' '' list --format json good.yaml many
scenario sarif.yaml sarif 'report: {sarif: true}'
check 0 'passed' '' run sarif.yaml --out sarif
holds 'report.sarif is written where it is asked for' test -s sarif/report.sarif
holds 'and nowhere else' test ! -e reports/of/bad/report.sarif
if command -v node >/dev/null; then
    "$sim" list --format json good.yaml estate.yaml many 2>/dev/null |
        node -e 'JSON.parse(require("fs").readFileSync(0))' 2>"$work/err"
    holds 'a list is JSON even where a file is broken' test $? -eq 0
fi

# ---- a file to begin with ----
check 0 '^wrote scenarios/trial/trial.yaml$' '' new trial
check 2 '' 'scenarios/trial/trial.yaml: is there already; nothing was written' new trial
check 0 '^1 file, no errors$' '' validate scenarios/trial/trial.yaml
check 0 '^1 passed, 0 failed$' '' run scenarios/trial
holds 'its first line announces the schema' \
    grep -q '^# yaml-language-server: [$]schema=[.][.]/schema.json$' scenarios/trial/trial.yaml
holds 'and the schema is there' test -s scenarios/schema.json
check 0 '^      scenarios/schema.json ' '' new scenarios/theme/named.yaml
holds 'a file of a theme announces the schema of all' \
    grep -q 'schema=[.][.]/schema.json$' scenarios/theme/named.yaml
check 0 '^wrote here/it.yaml$' '' new here/it.yaml
check 0 '^name: it$' '' expand here/it.yaml
check 2 '' 'new needs one name' new
check 2 '' 'is no name' new 'two words'
check 3 '' 'good.yaml: Not a directory' new good.yaml/x

hash_of_run() { "$sim" run "$@" --format json 2>/dev/null | sed -n 's/.*"traceHash":"\([0-9a-f]*\)".*/\1/p'; }
"$sim" expand "$root/scenarios/leader/leader-loss.yaml" --set clusters=2 --seed 5 --profile compat >frozen.yaml
holds 'a run and its expansion are the same run' \
    test "$(hash_of_run frozen.yaml)" = "$(hash_of_run "$root/scenarios/leader/leader-loss.yaml" --set clusters=2 --seed 5 --profile compat)"

# ---- apiserver ----
check 2 '' 'HOST:PORT; port 0 means any free one' apiserver --listen 127.0.0.1
check 2 '' 'not a numeric address' apiserver --listen example.test:0
check 2 '' '--fault-listen: "127.0.0.1" is not HOST:PORT' apiserver --fault-listen 127.0.0.1
check 2 '' 'apiserver takes no argument such as "x"' apiserver x
check 2 '' '"disk" is neither memory nor sqlite:FILE' apiserver --datastore disk
check 3 '' 'none/at/all: cannot open' apiserver --datastore sqlite:none/at/all
echo 'this is not a database, and long enough to be looked at' >foreign.db
check 2 '' 'foreign.db: this is no SQLite database' apiserver --datastore sqlite:foreign.db
check 3 '' 'listen on 192.0.2.1:' apiserver --listen 192.0.2.1:6443
check 3 '' '--kubeconfig-out: .*none/at/all: No such file' apiserver --kubeconfig-out none/at/all
check 3 '' '--audit: none/at/all: No such file' apiserver --audit none/at/all
check 3 '' 'none/at/all: No such file' apiserver --record none/at/all
check 3 '' 'missing.yaml: No such file' apiserver --cluster missing.yaml
check 2 '' '--crds: none: no .*in this folder' apiserver --crds none
object() { printf 'apiVersion: v1\nkind: %s\nmetadata: {name: %s}\n%s\n' "$1" "$2" "${3:-}"; }
{ object Namespace shop; echo ---; object ConfMap a; } >kind.yaml
check 2 '' 'kind.yaml:7:1: no kind "ConfMap" in "v1"' apiserver --cluster kind.yaml
{ object Namespace shop; echo ---; object ConfigMap A_; } >name.yaml
check 2 '' 'name.yaml:8:12: ConfigMap "A_" is invalid: metadata.name' apiserver --cluster name.yaml
{ object Namespace shop; echo ---; object ConfigMap a 'data: {k: v'; } >syntax.yaml
check 2 '' 'syntax.yaml:[0-9]+:[0-9]+: ' apiserver --cluster syntax.yaml
{ object Namespace shop; echo ---; object ConfigMap a 'data: {k: v}'; } >cluster.yaml

"$sim" apiserver --cluster cluster.yaml --kubeconfig-out kubeconfig --audit audit.log --record record.json >out 2>err &
pid=$!
tries=0
while ! grep -q '^ready https://127.0.0.1:[0-9]*$' out && [ $tries -lt 1200 ]; do
    sleep 0.05
    tries=$((tries + 1))
done
url=$(sed -n 's/^ready //p' out)
holds 'the kubeconfig is for its owner alone' test "$(stat -c %a kubeconfig)" = 600
holds 'the kubeconfig names the server' grep -q "server: $url\$" kubeconfig
for pair in certificate-authority:ca client-certificate:cert client-key:key; do
    sed -n "s/^ *${pair%%:*}-data: //p" kubeconfig | base64 -d >"${pair#*:}.pem"
done
if command -v curl >/dev/null; then
    get() { curl -sS --cacert ca.pem "$@"; }
    holds '/readyz answers who shows no certificate' test "$(get "$url/readyz")" = ok
    holds 'localhost is a name of the server' test "$(get "https://localhost:${url##*:}/readyz")" = ok
    get "$url/api/v1/namespaces/default/configmaps/a" >got
    holds 'who shows no certificate may not read' grep -q '"code": *403' got
    get --cert cert.pem --key key.pem "$url/api/v1/namespaces/default/configmaps/a" >got
    holds 'the administrator reads what --cluster holds' grep -q '"k": *"v"' got
    kill -TERM $pid
    wait $pid
    holds "SIGTERM ends in order, not with $?" test $? -eq 0
    holds 'the audit log tells of a refusal' \
        grep -q '"verb":"get","user":{"username":"system:anonymous".*"code":403.*"authorization.k8s.io/decision":"forbid"' audit.log
    holds 'the recording holds the exchanges' test "$(grep -c '^{"as":' record.json)" -eq 4
else
    kill -TERM $pid
    wait $pid
    holds "SIGTERM ends in order, not with $?" test $? -eq 0
fi
holds 'the server says nothing' test ! -s err

finish
