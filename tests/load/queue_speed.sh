#!/usr/bin/env bash
# Durable lease-and-complete operations per second of a coordinator with SQLite, as a table for docs/performance.md.
# queue_speed.sh BUILD [FOLDER]: BUILD is a build folder made with -DARPENT_BUILD_BENCHMARKS=ON; the state is written below
# FOLDER (default: a new folder beside BUILD, on its disk).
set -euo pipefail
build=${1:?usage: queue_speed.sh BUILD [FOLDER]}
folder=${2:-$(mktemp -d "$build/queue-speed-XXXXXX")}
trap 'rm -f "$folder"/queue_speed.db*; [ -n "${2:-}" ] || rmdir "$folder"' EXIT
echo "| Tasks | Workers x slots | Seconds | Durable completions/s | Peak MB |"
echo "| --- | --- | --- | --- | --- |"
for workers in "1 1" "4 4" "16 16" "64 16"; do
  tasks=20000
  [ "$workers" = "1 1" ] && tasks=2000
  rm -f "$folder"/queue_speed.db*
  "$build/tests/load/queue_speed" "$folder" $tasks $workers
done
