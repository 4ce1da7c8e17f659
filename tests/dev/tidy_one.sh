#!/bin/sh
# tidy_one.sh PASS CHECKS DEADLINE DONE FILE: clang-tidy on one file, unless it was clean as it is, or time is over.
# Appends the file to DONE when it is known to be clean or not.
pass=$1 checks=$2 deadline=$3 done=$4 file=$5
command=$(awk -v file="\"file\": \"$PWD/$file\"" '
    /"command":/ { command = $0 }
    index($0, file) { sub(/^ *"command": "/, "", command); sub(/",$/, "", command); gsub(/\\"/, "\"", command); print command; exit }
' build/debug/compile_commands.json | sed 's/ -o [^ ]* -c / -c /')
version=$(clang-tidy --version | tr -d '\n')
key=$({ echo "$version $checks"; cat .clang-tidy; (cd build/debug && eval "$command -E -CC" 2>/dev/null); } | cksum | tr ' ' '-')
clean=build/lint/$pass/$(printf %s "$file" | tr / _)
if [ "$(cat "$clean" 2>/dev/null)" = "$key" ]; then
    echo "$file" >>"$done"
    exit 0
fi
[ "$(date +%s)" -lt "$deadline" ] || exit 0
echo "$file" >>"$done"
if clang-tidy --quiet ${checks:+"--checks=$checks"} -p build/debug "$file" 2>/dev/null; then
    echo "$key" >"$clean"
else
    exit 1
fi
