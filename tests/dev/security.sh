# shellcheck shell=sh
# ./dev security [--json] [--only=PART,...]: what a manager turns away, with 10,000 half-open connections.
dev_security() {
    for argument in "$@"; do
        case $argument in
        --json | --only=*) ;;
        *) bad_usage "security takes --json and --only=PART,..." ;;
        esac
    done
    real_program security --full "$@"
}
