# shellcheck shell=sh disable=SC2154 # variables of common.sh
# ./dev format: rewrites every source.
dev_format() {
    [ $# -eq 0 ] || bad_usage "format takes no arguments"
    setup format
    need_git
    sources '*.c' '*.h' | xargs clang-format -i
}
