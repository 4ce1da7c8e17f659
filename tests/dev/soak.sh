# shellcheck shell=sh
# ./dev soak [--minutes N] [--seed N] [--json]: random faults for so many minutes (10), and what they leave behind.
dev_soak() {
    soak_words=
    while [ $# -gt 0 ]; do
        case $1 in
        --json) soak_words="$soak_words $1" ;;
        --minutes=* | --seed=*) soak_words="$soak_words $1" ;;
        --minutes | --seed)
            [ $# -gt 1 ] || bad_usage "$1 takes a number"
            soak_words="$soak_words $1=$2"
            shift
            ;;
        *) bad_usage "soak takes --minutes, --seed and --json" ;;
        esac
        shift
    done
    for soak_word in $soak_words; do
        case $soak_word in
        *=*[!0-9]* | *=) bad_usage "'$soak_word' is not a number" ;;
        esac
    done
    # shellcheck disable=SC2086
    real_program soak $soak_words
}
