#!/bin/sh
# Goal: the program paddock says what it does and what is wrong with what it was told, with the exit status for it, and an
# endpoint, its agents and the doctor find each other and end in order.
# Method: it is called rightly and wrongly; then a server on a port of the kernel's choice, agents, and ports through them.
# Use: paddock.sh PADDOCK, from the root of the sources. The last line is `N passed, M failed`.
# shellcheck source=tests/cli/lib.sh
. tests/cli/lib.sh
cd "$work" || exit 3
mkdir folder
truncate -s 17M huge.pem
echo nonsense >bad.pem

# ---- the whole program ----
check 0 '^usage: paddock COMMAND' ''
check 0 '^usage: paddock COMMAND' '' --help
check 0 '^usage: paddock COMMAND' '' help
check 0 '^usage: paddock tunnel COMMAND' '' help tunnel
check 0 '^paddock [0-9]' '' --version
check 2 '' 'tunnel needs a command' tunnel
check 2 '' 'unknown command "doctr"; did you mean "doctor"' doctr
check 0 '^usage: paddock tunnel serve --listen ADDR' '' tunnel serve --help
check 2 '' 'unknown option "--lisen"; did you mean "--listen"' tunnel serve --lisen x

# ---- policies ----
check 0 '^session.choice +oldest +newest +[a-z]' '' policies
check 0 '^POLICY +COMPAT +HARDENED +WHAT IT DECIDES$' '' policies --format pretty
check 0 '"name": *"session.choice", *"type": *"enum", *"values": *\["oldest", *"newest"\]' '' policies --format json
check 0 '"name": *"tunnel.ping", *"type": *"duration", *"compat"' '' policies --format=json
check 2 '' '--format: "xml" is not one of pretty, json' policies --format xml
check 2 '' '"strict"' policies --profile strict
check 0 '^session.choice=oldest$' '' policies --profile compat
check 0 '^session.choice=newest$' '' policies --profile hardened
holds 'a profile has a line for each policy of the table' \
    test "$("$sim" policies --profile compat | wc -l)" -eq "$(($("$sim" policies | wc -l) - 1))"
"$sim" policies >/dev/full 2>err
holds "a full disk is said, with status $?" grep -q 'standard output: cannot be written' err

# ---- what cannot be done ----
serve() { # STATUS ERR ARGUMENT...: with a place to listen
    se_status=$1 se_err=$2
    shift 2
    check "$se_status" '' "$se_err" tunnel serve --listen 127.0.0.1:0 "$@"
}
check 2 '' '--listen is missing' tunnel serve
check 2 '' '"nonsense" is not HOST:PORT' tunnel serve --listen nonsense
check 2 '' '"127.0.0.1:65536" is not HOST:PORT' tunnel serve --listen 127.0.0.1:65536
check 2 '' '"127.0.0.1:http" is not HOST:PORT' tunnel serve --listen 127.0.0.1:http
check 2 '' '"a.test" is not a numeric address' tunnel serve --listen a.test:80
check 2 '' '"no" is not a numeric address' tunnel serve --listen '[no]:80'
serve 2 '"strict"' --profile strict
serve 2 '"x" is not NAME=VALUE' --policy x
serve 2 '"tunnel.pin"' --policy tunnel.pin=1s
serve 2 'tunnel.dead_after has to be longer than tunnel.ping' --policy tunnel.ping=100s
for forward in 80 80=edge 80==h:1 80=a/b=h:1 '80=a b=h:1' 80=a::b=h:1 80=edge=h 80=edge=:1; do
    serve 2 "\"$forward\" is not LISTEN=ID=HOST:PORT" --forward "$forward"
done
serve 2 'is not LISTEN=ID=HOST:PORT' --forward "80=$(printf %065d 0)=h:1"
serve 2 '"" is not a port of this machine' --forward =edge=h:1
serve 2 '"0.0.0.0:0" is not a port of this machine' --forward 0.0.0.0:0=edge=h:1
serve 2 '":0" is not a port of this machine' --forward :0=edge=h:1
serve 2 '"a.test" is not a numeric address' --forward a.test:0=edge=h:1
serve 2 '--tls-cert and --tls-key belong together' --tls-cert bad.pem
serve 2 '--tls-cert and --tls-key belong together' --tls-key bad.pem
serve 2 'none.pem: No such file' --tls-cert none.pem --tls-key bad.pem
serve 2 'folder: Is a directory' --tls-cert bad.pem --tls-key folder
serve 2 'huge.pem: more than' --tls-cert bad.pem --tls-key huge.pem
serve 3 'the certificate cannot be used' --tls-cert bad.pem --tls-key bad.pem
connect() { # ERR ARGUMENT...
    co_err=$1
    shift
    check 2 '' "$co_err" tunnel connect "$@"
}
connect '--server and --id are needed'
connect '--server and --id are needed' --server ws://127.0.0.1:1/connect
connect '"http://a" does not begin with ws://' --server http://a --id edge
connect 'error: --server: ' --server 'ws://a b' --id edge
for count in 0 x -1 65537; do
    connect "\"$count\" is not a number from 1 to 65536" --server ws://127.0.0.1:1 --id edge --count "$count"
done
connect '"x" is not NAME=VALUE' --server wss://127.0.0.1:1 --id edge --policy x
connect 'none.pem: No such file' --server wss://127.0.0.1:1 --id edge --ca none.pem
check 2 '' '--server is missing' doctor
check 2 '' 'error: --server: ' doctor --server ftp://x
check 2 '' '--format: "xml" is not one of' doctor --server http://127.0.0.1 --format xml
check 2 '' 'none.pem: No such file' doctor --server https://127.0.0.1 --ca none.pem

# ---- a server and its agents ----
# wait_for FILE PATTERN: at most a minute
wait_for() {
    wf_left=600
    until grep -Eq -- "$2" "$1" 2>/dev/null; do
        wf_left=$((wf_left - 1))
        if [ $wf_left -eq 0 ]; then
            cp "$1" out 2>/dev/null
            bad "no /$2/ in $1"
            return 1
        fi
        sleep 0.1
    done
    good
}
ends_in_order() { # NAME PID
    kill -TERM "$2"
    wait "$2"
    eio_status=$?
    holds "$1 ends in order on SIGTERM, not with $eio_status" test $eio_status -eq 0
}
"$sim" tunnel serve --listen :0 --token secret --forward 0=edge-1=127.0.0.1:1 --forward 127.0.0.1:0=nobody=127.0.0.1:1 \
    -v >serve.out 2>serve.err &
server=$!
wait_for serve.out '^ready http://127.0.0.1:[1-9]'
url=$(sed -n 's,^ready http://,,p' serve.out)
refused=$(sed -n 's,^forward \(127.0.0.1:[0-9]*\)=edge-1=127.0.0.1:1$,\1,p' serve.out)
absent=$(sed -n 's,^forward \(127.0.0.1:[0-9]*\)=nobody=127.0.0.1:1$,\1,p' serve.out)
check 3 '' 'address already in use' tunnel serve --listen "$url"
check 3 '' '--forward: .*address already in use' tunnel serve --listen 127.0.0.1:0 --forward "$url=edge=h:1"

"$sim" tunnel connect --server "ws://$url/connect" --id edge --token wrong --profile compat >wrong.out 2>wrong.err &
wrong=$!
"$sim" tunnel connect --server "ws://localhost:${url##*:}/connect" --id edge --count 2 --token secret --allow 127.0.0.1: \
    >agent.out 2>agent.err &
agent=$!
wait_for agent.out '^ready 2$'
wait_for serve.err 'connected edge-1 from 127.0.0.1'
wait_for wrong.err 'edge: refused with 401: failed authentication; again in 10s'
holds 'who is refused is not ready' test ! -s wrong.out
ends_in_order 'an agent that waits' $wrong

# ---- the doctor ----
check 0 '^ok +tunnel +there and back in' '' doctor --server "http://$url/connect" --token secret
check 0 '^ok +WebSocket +/connect upgraded in' '' doctor --server "ws://$url/connect" --token secret
check 0 'as it should be without --token' '' doctor --server "http://$url/connect"
check 1 'the token is wrong' '' doctor --server "http://$url/connect" --token wrong
check 1 'answered with 404' '' doctor --server "http://$url"
check 0 '^[{]"ok": *true, *"steps": *\[[{]"step": *"DNS", *"ok": *true' '' \
    doctor --server "http://$url/connect" --token secret --format json
check 1 '"step": *"TLS", *"ok": *false,.*"todo": *"no TLS server' '' doctor --server "https://$url" --format json
check 1 '^FAIL +CA +the manager.s CA cannot be read' '' doctor --server "https://$url" --ca-checksum 0123
check 1 '^FAIL +(TCP|HTTP) .*reset by peer' '' doctor --server "http://$refused"
check 1 '^FAIL +(TCP|HTTP) .*reset by peer' '' doctor --server "http://$absent"
check 1 'nothing listens there' '' doctor --server http://127.0.0.1:1

ends_in_order 'an agent' $agent
wait_for serve.err 'gone edge-1'
ends_in_order 'the server' $server
check 1 '^FAIL +TCP .*refused' '' doctor --server "http://$url"

# ---- whoever comes is let in ----
"$sim" tunnel serve --listen localhost:0 >open.out 2>open.err &
server=$!
wait_for open.out '^ready http'
"$sim" tunnel connect --server "$(sed -n 's,^ready http,ws,p' open.out)/connect" --id edge >alone.out 2>alone.err &
agent=$!
wait_for alone.out '^ready 1$'
ends_in_order 'an agent alone' $agent
ends_in_order 'a server alone' $server

finish
