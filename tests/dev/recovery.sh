# shellcheck shell=sh
# ./dev recovery [--json]: how long users cannot work after each kind of kill, each of them three times.
dev_recovery() {
    for argument in "$@"; do
        [ "$argument" = --json ] || bad_usage "recovery takes --json only"
    done
    real_program recovery --full "$@"
}
