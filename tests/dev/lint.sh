# shellcheck shell=sh disable=SC2154 # variables of common.sh
# ./dev lint: what can be said about the sources without running them. Under five minutes on two cores.
lint_clang_format=14 # .clang-format is written for this version; others break lines differently
lint_tidy_seconds=150
lint_analyzer_seconds=45

dev_lint() {
    [ $# -eq 0 ] || bad_usage "lint takes no arguments"
    make_work
    setup lint
    need_git
    sources '*.c' '*.h' >"$work/all"
    grep '\.c$' "$work/all" >"$work/c" || :
    step "shell syntax" lint_shell || :
    step "sizes" lint_sizes || :
    step "words" lint_words || :
    step "includes" tests/layers_check || :
    step "incidents" tests/incidents_check || :
    lint_format
    # clang-tidy needs the commands of a build, and the layers its archives.
    if step "build debug" build_preset debug; then
        step "layers" tests/layers_check build/debug || :
        step "cppcheck" lint_cppcheck || :
        lint_tidy
    fi
    finish
}

lint_shell() {
    lint_status=0
    set -- dev .ci/run tests/layers_check tests/incidents_check tests/cli/*.sh tests/dev/*.sh \
        tests/real/isolate.sh tests/real/security.sh tests/real/recovery.sh tests/real/soak.sh \
        tests/conformance/*.sh tests/conformance/verdict tests/conformance/kubectl_find tests/conformance/kubectl/*.sh
    for script in "$@"; do
        sh -n "$script" || lint_status=1
    done
    if command -v shellcheck >/dev/null; then
        shellcheck -x "$@" || lint_status=1
    fi
    return $lint_status
}

lint_sizes() { xargs awk -f tests/lint/sizes.awk <"$work/all"; }

# What must not stay in a source: notes to self, names of work left undone.
lint_words() {
    ! xargs grep -nE '\b(TODO|FIXME|XXX|HACK)\b' <"$work/all"
}

lint_format() {
    lint_version=$(clang-format --version | sed 's/.*version \([0-9]*\).*/\1/')
    if [ "$lint_version" = $lint_clang_format ]; then
        step "format" xargs -n 40 -P "$jobs" -a "$work/all" clang-format --dry-run -Werror || :
    else
        echo "      format: needs clang-format $lint_clang_format, this is $lint_version: left out"
    fi
}

lint_cppcheck() {
    mkdir -p build/lint/cppcheck
    grep -v '^tests/' "$work/c" | cppcheck --quiet -j "$jobs" --std=c11 --library=posix --enable=warning,portability \
        --inline-suppr --suppressions-list=tests/lint/cppcheck.txt --cppcheck-build-dir=build/lint/cppcheck \
        --template=gcc -D_GNU_SOURCE -I . --error-exitcode=1 --file-list=-
}

# A file that was clean and whose preprocessed text, comments and all, has not changed is clean. A fresh clone has the
# time for the rest; what does not fit rotates, changed files first.
lint_tidy() {
    mkdir -p build/lint/tidy build/lint/analyzer
    lint_base=$(git merge-base HEAD main 2>/dev/null || git rev-parse HEAD^ 2>/dev/null || echo HEAD)
    { git diff --name-only "$lint_base" -- '*.c' && git ls-files --others --exclude-standard -- '*.c'; } >"$work/changed" 2>/dev/null
    rotated "$work/c" >"$work/rotated"
    cat "$work/changed" "$work/rotated" | awk '!seen[$0]++' | while read -r source; do
        # fuzz targets are in no debug build's commands under another name; what is not compiled is not checked
        grep -qF "\"file\": \"$root/$source\"" build/debug/compile_commands.json && echo "$source"
    done >"$work/order"
    lint_tidy_pass tidy "" $lint_tidy_seconds
    # The analyzer is for what runs: tests abort where it sees a wrong turn.
    grep -v '^tests/' "$work/order" >"$work/product" && mv "$work/product" "$work/order"
    lint_tidy_pass analyzer "-*,clang-analyzer-*,-clang-analyzer-security.insecureAPI.*,-clang-analyzer-optin.performance.Padding" \
        $lint_analyzer_seconds
}

lint_tidy_pass() { # NAME CHECKS SECONDS
    lint_deadline=$(($(now) + $3))
    : >"$work/$1.done"
    step "clang-tidy ($1)" xargs -n 1 -P "$jobs" -a "$work/order" sh tests/dev/tidy_one.sh "$1" "$2" $lint_deadline "$work/$1.done" || :
    echo "      $1: $(wc -l <"$work/$1.done") of $(wc -l <"$work/order") files"
}
