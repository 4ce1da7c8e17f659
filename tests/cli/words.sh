#!/bin/sh
# Goal: what the programs print for shells and for readers is understood by these.
# Method: bash is asked for completions as it would ask; zsh and fish read the scripts, where they are; man formats the
# pages without a warning.
# usage: tests/cli/words.sh PADDOCK
# shellcheck source=tests/cli/lib.sh
. tests/cli/lib.sh

check 0 '^complete -F _paddock paddock$' '' completion bash
check 0 '^#compdef paddock$' '' completion zsh
check 0 '^complete -c paddock -f$' '' completion fish
check 2 '' 'is not one of bash, zsh, fish' completion tcsh
check 2 '' 'asked for one shell' completion
check 2 '' 'asked for one shell' completion bash zsh
check 0 '^\.SH EXIT STATUS$' '' man
check 2 '' 'takes no arguments' man page

# completes 'WORDS THAT ARE OFFERED' WORD... (the last one is being typed)
cat >"$work/ask" <<'EOF'
. "$1"
shift
compopt() { :; }
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
"_$1"
echo "${COMPREPLY[*]}"
EOF
"$sim" completion bash >"$work/paddock.bash"
completes() {
    want=$1
    shift
    got=$(cd "$work" && bash ask paddock.bash paddock "$@" 2>"$work/err")
    echo "$got" >"$work/out"
    if [ "$got" = "$want" ]; then
        good
    else
        bad "completing \"paddock $*\": not \"$want\""
    fi
}
touch "$work/key.pem"
completes tunnel tun
completes 'serve connect --color --help --version' tunnel ''
completes '--tls-cert --tls-key' tunnel serve --listen :1 --tls
completes key.pem tunnel serve --tls-key ke
completes '' tunnel serve --listen x
completes 'always' doctor --color al
completes 'always' doctor --color = al
completes 'auto always never' doctor --color =
completes zsh completion z
completes '' policies nothing

for shell in zsh fish; do
    command -v "$shell" >/dev/null || continue
    "$sim" completion "$shell" >"$work/script"
    if "$shell" -n "$work/script" >"$work/out" 2>"$work/err"; then good; else bad "$shell does not read its script"; fi
done
if command -v groff >/dev/null; then
    "$sim" man | groff -man -Tascii -ww >"$work/out" 2>"$work/err"
    if [ ! -s "$work/err" ]; then good; else bad "the manual page has warnings"; fi
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
