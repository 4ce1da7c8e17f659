# Reads the object that `paddock-sim run --format json` prints; writes one line for each run in it:
# name, case, profile, seed, events, result, traceHash. Fails when there is no run, or one that ran without a hash.

{ text = text $0 "\n" }

function fail(why) {
    print "hashes.awk: " why " at byte " at > "/dev/stderr"
    broken = 1
    exit 1
}

function space() { while (index(" \t\r\n", substr(text, at, 1)) && at <= size) at++ }

# A string's raw text, escapes and all: enough to compare.
function string(    from, c) {
    from = ++at
    for (; at <= size; at++) {
        c = substr(text, at, 1)
        if (c == "\\") at++
        else if (c == "\"") return substr(text, from, at++ - from)
    }
    fail("unended string")
}

# One value at this path; scalars of a run go to field[]. Depth is bounded by the writer; by us too.
function value(path, depth,    c, n, key, from) {
    if (depth > 100) fail("too deep")
    space()
    c = substr(text, at, 1)
    if (c == "{" || c == "[") {
        at++
        space()
        if (index("}]", substr(text, at, 1))) { at++; return }
        for (n = 0; ; n++) {
            key = n
            space()
            if (c == "{") {
                if (substr(text, at, 1) != "\"") fail("no key")
                key = string()
                space()
                if (substr(text, at++, 1) != ":") fail("no colon")
            }
            value(path "/" key, depth + 1)
            if (path == "/scenarios" && c == "[") run()
            space()
            key = substr(text, at++, 1)
            if (key == "}" || key == "]") return
            if (key != ",") fail("no comma")
        }
    }
    if (c == "\"") c = string()
    else {
        from = at
        while (at <= size && !index(",]} \t\r\n", substr(text, at, 1))) at++
        c = substr(text, from, at - from)
        if (c == "") fail("no value")
    }
    if (path ~ /^\/scenarios\/[0-9]+\/(name|case|profile|seed|events|result|traceHash)(\/|$)/) {
        key = path
        sub(/^\/scenarios\/[0-9]+\//, "", key)
        if (key ~ /^case\//) field["case"] = field["case"] substr(key, 6) "=" c ","
        else field[key] = c
    }
}

function run() {
    if (field["traceHash"] == "" && field["result"] !~ /^(skipped|unsupported)$/) fail("a run without traceHash")
    print field["name"] "\t" field["case"] "\t" field["profile"] "\t" field["seed"] "\t" field["events"] "\t" \
        field["result"] "\t" field["traceHash"]
    split("", field)
    runs++
}

END {
    if (broken) exit 1
    at = 1
    size = length(text)
    value("", 0)
    if (!runs) fail("no runs")
}
