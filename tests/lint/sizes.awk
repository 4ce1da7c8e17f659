# Sizes of formatted C: functions of at most 70 lines between their braces, files of at most 1000 lines. A function is
# what stands between "{" and "}" alone in the first column, when the line before ends its parameter list.
FNR == 1 {
    close_file()
    file = FILENAME
    inside = 0
    previous = ""
}
{ lines = FNR }
/^\{$/ && previous ~ /\)( *(\/\*.*\*\/)?)$/ { inside = FNR }
/^\}/ && inside {
    functions++
    if (FNR - inside - 1 > 70) {
        printf "%s:%d: function of %d lines, at most 70\n", file, inside, FNR - inside - 1
        bad = 1
    }
    inside = 0
}
{ previous = $0 }
function close_file() {
    if (file == "") return
    files++
    if (lines > 1000) { printf "%s: %d lines, at most 1000\n", file, lines; bad = 1 }
    else if (lines > 600) printf "note: %s has %d lines: one concept still?\n", file, lines
}
END {
    close_file()
    printf "%d functions in %d files\n", functions, files
    exit bad
}
