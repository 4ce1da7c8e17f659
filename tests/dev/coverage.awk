# lcov's tracefile as a table of folders: lines and branches that were reached. With only="FOLDER..." and what=lines|branches:
# their sum, and exit status 1 when it is below `least` per mille; the files that miss most are named.
function percent(hit, all) { return all ? sprintf("%5.1f %% of %5d", 100 * hit / all, all) : "    - of     0" }
function chosen(file,   i) {
    for (i = 1; i <= wanted_n; i++)
        if (index(file, wanted[i] "/") == 1)
            return 1
    return 0
}
BEGIN { wanted_n = split(only, wanted, " ") }
/^SF:/ {
    file = substr($0, 4)
    sub(/^.*\/build\/[a-z]+\//, "", file)
    if (index(file, root) == 1)
        file = substr(file, length(root) + 1)
    n = split(file, part, "/")
    folder = part[1] "/" part[2]
    if (folder == "sim/scenario" || folder == "sim/kubeapi")
        folder = n > 3 ? folder "/" part[3] : folder
    if (n == 2)
        folder = part[1]
    mine = only == "" || chosen(file)
    next
}
/^DA:/ && mine {
    split(substr($0, 4), field, ",")
    lines[folder]++
    line_hits[folder] += field[2] > 0
    if (what == "lines") { all++; hits += field[2] > 0; missed[file] += field[2] == 0 }
}
/^BRDA:/ && mine {
    split(substr($0, 6), field, ",")
    taken = field[4] != "-" && field[4] > 0
    branches[folder]++
    branch_hits[folder] += taken
    if (what == "branches") { all++; hits += taken; missed[file] += !taken }
}
END {
    if (only == "") {
        for (folder in lines)
            printf "%-26s lines %s  branches %s\n", folder, percent(line_hits[folder], lines[folder]),
                percent(branch_hits[folder], branches[folder]) | "sort"
        exit 0
    }
    printf "%s of %s: %s\n", what, only, percent(hits, all)
    for (file in missed)
        if (missed[file])
            printf "%6d not reached in %s\n", missed[file], file | "sort -rn | head -n 30"
    exit !(all && hits * 1000 >= least * all)
}
