# shellcheck shell=sh disable=SC2154 # variables of common.sh
# ./dev format: rewrites every source.
dev_format() {
    [ $# -eq 0 ] || bad_usage "format takes no arguments"
    [ "${PADDOCK_SKIP_SETUP:-}" = 1 ] || setup format
    sources '*.c' '*.h' | xargs clang-format -i
}
