#!/bin/bash
# bench-pair.sh COMMIT
#
# Compares the CPU of a full cycle (propose, approve, execute) with that at
# another commit: two servers side by side, which run CYCLES (2500) cycles each
# in turn, PAIRS (16) times.  The ratio of each pair is taken by itself, so that
# a machine that others use at the same time disturbs both sides alike.  CPU is
# that of the backends, as the postmaster sees it when they have ended.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
settings=(-c fsync=off -c synchronous_commit=off -c autovacuum=off -c log_min_messages=warning)

# cpu POSTMASTER: ticks that its ended children took.
cpu() { awk '{ sub(/.*\) /, ""); print $14 + $15 }' "/proc/$1/stat"; }

case ${BENCH_PAIR:-} in
	'')
		[ $# = 1 ] || { echo "which commit? Usage: $0 COMMIT" >&2; exit 2; }
		other=$(mktemp -d)
		trap 'git -C "$here" worktree remove --force "$other"' EXIT
		git -C "$here" worktree add -q --detach "$other" "$1"
		BENCH_PAIR=other "$other/script/with-server.sh" "${settings[@]}" "$0" "$1"
		exit
		;;
	other)
		BENCH_PAIR=both OTHER_HOST=$PGHOST "$here/script/with-server.sh" "${settings[@]}" "$0" "$1"
		exit
		;;
esac

# The people, flows and tool of the benchmark, on either side.
declare -A postmaster
for host in "$OTHER_HOST" "$PGHOST"; do
	sed '/^CREATE FUNCTION bench.cycle/,$d' "$here/test/bench/setup.sql" | PGHOST=$host psql -XqAt >/dev/null
	postmaster[$host]=$(PGHOST=$host psql -XAtc "SELECT split_part(pg_read_file('postmaster.pid'), E'\n', 1)")
done

# run HOST: microseconds of CPU per cycle.
run() {
	local before now

	before=$(cpu "${postmaster[$1]}")
	PGHOST=$1 pgbench -n -M prepared -c 1 -t "${CYCLES:-2500}" -f "$here/test/bench/cycle_extension.sql" >/dev/null 2>&1
	sleep 0.3
	now=$(cpu "${postmaster[$1]}")
	awk -v t=$((now - before)) -v n="${CYCLES:-2500}" -v tick="$(getconf CLK_TCK)" 'BEGIN { print t / tick / n * 1e6 }'
}

for ((i = 0; i <= ${PAIRS:-16}; i++)); do
	echo "$(run "$OTHER_HOST") $(run "$PGHOST")"
done | tail -n +2 | awk '{ printf "%.1f %.1f %.4f\n", $1, $2, $2 / $1 }' | sort -n -k3 | awk -v commit="$1" '
	{ a[NR] = $1; b[NR] = $2; r[NR] = $3; print > "/dev/stderr" }
	END { m = int((NR + 1) / 2); printf "CPU, here / %s: median %.3f of %d pairs (%.3f to %.3f for the middle half)\n", commit, r[m], NR, r[int((NR + 3) / 4)], r[int((3 * NR + 1) / 4)] }'
