# shellcheck shell=sh disable=SC2154 # variables of common.sh
# ./dev mutants [NAME|DIR...] [--budget T]: tests/mutants/README.md says what a mutant is. They are built in one copy of
# the tree that stays, so that each costs only the objects that it touches.
mutants_tree=build/mutants/tree
# shellcheck source=tests/dev/scenarios.sh
. tests/dev/scenarios.sh

dev_mutants() {
    make_work
    mutants_budget=
    : >"$work/patches"
    mutants_named=0
    while [ $# -gt 0 ]; do
        case $1 in
        --budget | --budget=*)
            mutants_text=${1#--budget=}
            if [ "$1" = --budget ]; then
                [ $# -ge 2 ] || bad_usage "--budget needs a time, as 10m"
                mutants_text=$2
                shift
            fi
            mutants_budget=$(seconds "$mutants_text")
            [ -n "$mutants_budget" ] || bad_usage "--budget $mutants_text: not a time such as 10m or 90s"
            ;;
        -*) bad_usage "unknown option '$1'; did you mean '--budget'?" ;;
        *) mutants_add "$1" ;;
        esac
        shift
    done
    [ $mutants_named -ne 0 ] || mutants_add tests/mutants
    if [ -n "$mutants_budget" ]; then
        rotated "$work/patches" >"$work/rotated" && mv "$work/rotated" "$work/patches"
    fi
    setup test
    setup_conformance
    need_git
    mutants_sync
    mutants_all
    finish
}

mutants_add() { # NAME|DIR|FILE
    mutants_named=1
    for candidate in "$called_from/$1" "$1" "tests/mutants/$1.patch"; do
        if [ -d "$candidate" ]; then
            find "$candidate" -maxdepth 1 -name '*.patch' | sort >>"$work/patches"
            return 0
        elif [ -f "$candidate" ]; then
            echo "$candidate" >>"$work/patches"
            return 0
        fi
    done
    bad_usage "no mutant tests/mutants/$1.patch, and no folder $1"
}

# Makes the copy like the tree. Only what differs is copied, with a new date: an old one would hide the change from ninja.
mutants_sync() {
    mkdir -p "$mutants_tree"
    sources . | sort >"$work/tree"
    while read -r file; do
        cmp -s "$file" "$mutants_tree/$file" || mutants_restore "$file"
    done <"$work/tree"
    (cd "$mutants_tree" && find . -path ./build -prune -o -type f -print) | sed 's,^\./,,' | sort >"$work/copy"
    comm -13 "$work/tree" "$work/copy" | while read -r file; do
        rm -f "$mutants_tree/$file"
    done
}

# One file as it is in the tree; gone when it is not there.
mutants_restore() {
    if [ -f "$1" ]; then
        mkdir -p "$mutants_tree/$(dirname "$1")"
        rm -f "$mutants_tree/$1"
        cp "$1" "$mutants_tree/$1"
    else
        rm -f "$mutants_tree/$1"
    fi
}

mutants_all() {
    mutants_start=$(now)
    mutants_longest=0
    mutants_left=0
    while read -r patch <&3; do
        mutant_start=$(now)
        if [ -n "$mutants_budget" ] && [ $((mutant_start - mutants_start + mutants_longest)) -ge "$mutants_budget" ]; then
            mutants_left=$((mutants_left + 1))
            continue
        fi
        mutant_verdict
        took=$(($(now) - mutant_start))
        [ $took -le $mutants_longest ] || mutants_longest=$took
        printf '%-28s %-44s %-8s %4d s\n' "$mutant" "$catcher" "$verdict" "$took"
        if [ "$verdict" = caught ]; then
            passed=$((passed + 1))
        else
            failed=$((failed + 1))
            [ -z "$purpose" ] || echo "    $purpose"
            tail -n 20 "$mutant_log" | sed 's/^/    /'
        fi
    done 3<"$work/patches"
    [ $mutants_left -eq 0 ] || echo "      $mutants_left left for other commits: the budget is $mutants_budget s"
}

mutant_field() { sed -n -e '/^diff --git/q' -e '/^--- /q' -e "s/^# *$1: *//p" "$patch" | head -n 1; }

# One mutant: sets verdict, and mutant_log to where its story is.
mutant_verdict() {
    mutant=$(basename "$patch" .patch)
    mutant_log=build/log/mutant-$mutant.log
    purpose=$(mutant_field purpose)
    catcher=$(mutant_field catcher)
    preset=$(mutant_field preset)
    limit=$(mutant_field timeout)
    targets=$(mutant_field build)
    preset=${preset:-debug}
    catcher=${catcher:-any}
    if [ "$catcher" = any ]; then limit=${limit:-600}; else limit=${limit:-60}; fi
    verdict=BROKEN
    : >"$work/touched"
    if ! catcher_passes_unmutated; then return 0; fi

    verdict=STALE
    case $patch in /*) mutant_patch=$patch ;; *) mutant_patch=$root/$patch ;; esac
    mutant_git apply --numstat "$mutant_patch" 2>"$mutant_log" | cut -f 3 >"$work/touched"
    if ! mutant_git apply --whitespace=nowarn "$mutant_patch" >"$mutant_log" 2>&1; then return 0; fi
    # A patch keeps no dates: what it wrote is new, and so is what restoring writes.
    if mutant_build >"$mutant_log" 2>&1; then
        mutant_status=0
        mutant_catch >>"$mutant_log" 2>&1 </dev/null || mutant_status=$?
        case $mutant_status in
        0) verdict=ESCAPED ;;
        1) verdict=caught ;;
        *) verdict=BROKEN ;;
        esac
        [ "$catcher$verdict" != anycaught ] || catcher="any: $(cat "$work/caught_by")"
    fi
    while read -r file; do
        mutants_restore "$file"
    done <"$work/touched"
}

# Once for each catcher and build.
catcher_passes_unmutated() {
    ! grep -qxF "$preset $targets $catcher" "$work/good" 2>/dev/null || return 0
    if mutant_build >"$mutant_log" 2>&1 && mutant_catch >>"$mutant_log" 2>&1 </dev/null; then
        echo "$preset $targets $catcher" >>"$work/good"
        return 0
    fi
    echo "the catcher fails without the mutant" >>"$mutant_log"
    return 1
}

# git in the copy, blind to the repository around it.
mutant_git() { (cd "$mutants_tree" && GIT_CEILING_DIRECTORIES=$root/build/mutants git "$@"); }

mutant_build() {
    case $catcher in
    unit:*) set -- "${catcher#unit:}" ;;
    scenario:*) set -- paddock-sim ;;
    *)
        # shellcheck disable=SC2086
        set -- $targets
        ;;
    esac
    (cd "$mutants_tree" && mkdir -p build/log && build_preset "$preset" "$@")
}

# 0: passes; 1: fails, crashes or hangs; 2: no verdict.
mutant_catch() {
    catch_status=0
    (
        cd "$mutants_tree" || exit 2
        BUILD=build/$preset
        ASAN_OPTIONS=handle_segv=2:handle_abort=2
        CMOCKA_TEST_ABORT=1
        export BUILD ASAN_OPTIONS CMOCKA_TEST_ABORT
        case $catcher in
        unit:fuzz_*) exec timeout "$limit" "$BUILD/${catcher#unit:}" "tests/fuzz/corpus/${catcher#unit:}" ;;
        unit:*) exec timeout "$limit" "$BUILD/${catcher#unit:}" ;;
        scenario:*)
            # shellcheck disable=SC2086
            exec timeout "$limit" "$BUILD/paddock-sim" run ${catcher#scenario:}
            ;;
        any) catch_by_any ;;
        *) exec timeout "$limit" sh -c "$catcher" ;;
        esac
    ) || catch_status=$?
    echo "exit status $catch_status"
    case $catcher:$catch_status in
    *:0) return 0 ;;
    *:126 | *:127) return 2 ;;
    scenario:*:[234]) return 2 ;;
    esac
    return 1
}

# Nobody was named: what bears the name of a file that the patch touches, the unit tests, all else, the small scenarios,
# each list until the first that fails. Tests with foreign programs in them are left out: they are slow.
catch_by_any() {
    catch_end=$(($(now) + limit))
    echo "nothing in $limit s" >"$work/caught_by"
    catch_near=$(sed 's,.*/,,; s,\.[^.]*$,,' "$work/touched" | paste -sd '|' -)
    [ -z "$catch_near" ] || catch_by_tests -R "$catch_near" -LE 'real|conformance' || return 1
    catch_by_tests -L unit || return 1
    catch_by_tests -LE 'unit|real|conformance' || return 1
    scenario_list >"$work/any"
    while IFS=$tab read -r file small _ <&4; do
        [ "$small" != - ] || small=
        [ "$(now)" -lt $catch_end ] || return 0
        # shellcheck disable=SC2086
        timeout "$limit" "build/$preset/paddock-sim" run -q "$file" $small --jobs "$jobs" && continue
        echo "scenario:$file $small" >"$work/caught_by"
        return 1
    done 4<"$work/any"
}

catch_by_tests() { # ARGUMENTS of ctest
    catch_left=$((catch_end - $(now)))
    [ $catch_left -gt 0 ] || return 0
    timeout $catch_left ctest --test-dir "build/$preset" -j "$jobs" --timeout 120 --stop-on-failure \
        --output-on-failure "$@" >"$work/any.log" 2>&1 && return 0
    cat "$work/any.log"
    grep -q '(Failed)\|(Timeout)\|(SEGFAULT)\|(Subprocess' "$work/any.log" || return 0
    sed -n 's/.*[0-9] - \([^ ]*\) (.*/\1/p' "$work/any.log" | head -n 1 >"$work/caught_by"
    return 1
}
