#!/bin/sh
# Writes sim/kubeapi/types/assets/zones.tz anew from the time zone database of this machine:
#   sh tests/dev/zones.sh > sim/kubeapi/types/assets/zones.tz
# A line for each rule (as POSIX writes it, from the end of the compiled files) with the names of the zones that live by it.
set -eu
LC_ALL=C
export LC_ALL
cd /usr/share/zoneinfo
printf '# Rules of time zones, from the time zone database %s (public domain); tests/dev/zones.sh writes it.\n' \
    "$(sed -n 's/^# version //p;q' tzdata.zi)"
find . \( -name posix -o -name right \) -prune -o \( -type f -o -type l \) -print | sed 's|^\./||' | sort |
    while read -r name; do
        case $name in
        Factory | localtime | posixrules) continue ;;
        esac
        [ "$(head -c 4 "$name")" = TZif ] || continue
        printf '%s %s\n' "$(tail -n 1 "$name")" "$name"
    done |
    awk '{ if (!($1 in names)) order[++n] = $1; names[$1] = names[$1] " " $2 }
         END { for (i = 1; i <= n; i++) print order[i] names[order[i]] }'
