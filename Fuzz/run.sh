#!/bin/sh
# Fuzzes decoders, or renews their corpus. See "Fuzzing" in CONTRIBUTING.md; called by the Makefile.
#   run.sh fuzz   <fuzzer> <work folder>           fuzz FUZZ_TARGET, or all, for FUZZ_SECONDS each
#   run.sh corpus <fuzzer> <work folder> <seeds>   keep of seeds and finds what adds coverage
set -eu
action=$1 fuzzer=$2 work=$3
kept=$(dirname "$0")/Corpus
# Swift's own backtraces take longer than the fuzzing; libFuzzer's say enough.
export SWIFT_BACKTRACE=enable=no
limits="-timeout=10 -rss_limit_mb=1024 -malloc_limit_mb=64"
mkdir -p "$work"

each() {
    found=0
    list=$work/targets.$$
    "$fuzzer" > "$list"
    while read -r target length; do
        [ -z "${FUZZ_TARGET:-}" ] || [ "$target" = "$FUZZ_TARGET" ] || continue
        found=1
        "$1" "$target" "$length" < /dev/null
    done < "$list"
    [ $found = 1 ] || { echo "no target ${FUZZ_TARGET:-}; there are:" $(cut -d' ' -f1 "$list") >&2; rm "$list"; exit 64; }
    rm "$list"
}

fuzz() {
    mkdir -p "$work/corpus/$1" "$work/crashes/$1" "$kept/$1"
    if ! CONCORD_FUZZ_TARGET=$1 "$fuzzer" $limits -max_len="$2" -max_total_time="${FUZZ_SECONDS:-20}" -print_final_stats=1 \
        -artifact_prefix="$work/crashes/$1/" "$work/corpus/$1" "$kept/$1" > "$work/$1.log" 2>&1; then
        failed="$failed $1"
        grep -E 'Fatal error|ERROR:|SUMMARY:|Test unit written' "$work/$1.log" || tail -5 "$work/$1.log"
    fi
    printf '%-28s %10s executions  %5s features\n' "$1" \
        "$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/$1.log")" \
        "$(sed -n 's/.* ft: \([0-9]*\) .*/\1/p' "$work/$1.log" | tail -1)"
}

corpus() {
    mkdir -p "$work/corpus/$1" "$work/seeds/$1" "$work/merged/$1"
    CONCORD_FUZZ_TARGET=$1 "$fuzzer" $limits -max_len="$2" -merge=1 "$work/merged/$1" "$work/seeds/$1" "$kept/$1" \
        "$work/corpus/$1" > "$work/$1.merge.log" 2>&1 || { tail -5 "$work/$1.merge.log"; exit 1; }
    # Seeds stay, and what once broke something, by name; of what was found, the 12 smallest that add coverage.
    mkdir -p "$kept/$1"
    find "$kept/$1" -type f ! -name 'crash-*' ! -name 'timeout-*' ! -name 'oom-*' -delete
    [ -z "$(ls "$work/seeds/$1")" ] || cp "$work/seeds/$1"/* "$kept/$1/"
    ls -Sr "$work/merged/$1" | head -12 | while read -r name; do
        found=$work/merged/$1/$name
        [ "$(find "$found" -size -2k)" ] && ! cmp -s "$found" "$kept/$1/seed-0" && cp "$found" "$kept/$1/$name"
    done || true
}

failed=
each "$action"
if [ -n "$failed" ]; then echo "found something:$failed (inputs in $work/crashes)" >&2; exit 1; fi
