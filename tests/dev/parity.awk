# Two reports (paddock-sim run --format json), the simulated world's first: the outcome of every assertion side by side.
# The last line is: N same, M unsupported, K different.
function text_of(line, key,   at, rest) {
    at = index(line, "\"" key "\":\"")
    if (!at) return ""
    rest = substr(line, at + length(key) + 4)
    gsub(/\\"/, "\001", rest)
    rest = substr(rest, 1, index(rest, "\"") - 1)
    gsub(/\001/, "\"", rest)
    return rest
}
function take(line, world,   at, rest, item, name) {
    outcome[world] = text_of(line, "result")
    at = index(line, "\"asserts\":[")
    rest = substr(line, at + 11)
    rest = substr(rest, 1, index(rest "],\"steps\":", "],\"steps\":"))
    while ((at = index(rest, "{\"name\":")) > 0) {
        rest = substr(rest, at)
        item = rest
        at = index(substr(rest, 2), "{\"name\":")
        if (at) item = substr(rest, 1, at)
        name = text_of(item, "name")
        if (!(name in seen)) { seen[name] = 1; names[++n] = name }
        verdict[world, name] = text_of(item, "verdict")
        rest = substr(rest, 2)
    }
}
FNR == 1 { file++ }
/"asserts":\[/ { take($0, file) }
END {
    width = 9
    for (i = 1; i <= n; i++) if (length(names[i]) > width) width = length(names[i])
    printf "      %-" width "s  %-12s %s\n", "assertion", "sim", "real"
    for (i = 1; i <= n; i++) {
        a = verdict[1, names[i]]; b = verdict[2, names[i]]
        if (a == "") a = "-"
        if (b == "") b = "-"
        mark = " "
        if (b == "unsupported") unsupported++
        else if (a == b) same++
        else { different++; mark = "!" }
        printf "    %s %-" width "s  %-12s %s\n", mark, names[i], a, b
    }
    printf "      %-" width "s  %-12s %s\n", "the run", outcome[1], outcome[2]
    # A run that broke off, or was never begun, is not the same as one that was judged.
    if (outcome[1] == "" || outcome[2] == "" || outcome[2] == "error") different++
    else if (outcome[1] != outcome[2] && outcome[2] != "unsupported") different++
    if (same == 0) different++
    printf "%d same, %d unsupported, %d different\n", same, unsupported, different
}
