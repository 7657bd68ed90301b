#!/bin/bash
# bench.sh
#
# Measures a full cycle (propose, approve, execute a trivial tool: three
# transactions) of the extension beside a hand-written PL/pgSQL state machine
# (test/bench/plpgsql_rival.sql) and the floor, three single-row inserts with
# as many commits.  The sides take turns in one run on one server; medians and
# ratios are printed.  CPU is that of the server: all its processes, from /proc.
#
# The parts in bench-workers.sh measure the background workers in the same way:
# the drain of a full queue with one commit per call and with calls that share a
# commit, the time from a commit to the start of its call, calls side by side, a
# drain while a snapshot is held, and graphile-worker.
#
# ROUNDS (5) and SECONDS_EACH (6) say how long; PARTS which parts: throughput
# cpu drain workers latency parallel snapshot rivals rules control evidence, and, only if
# they are named, volume (bench-volume.sh) and scale (bench-scale.sh).  CALLS (20000) are those of
# a drain, SNAPSHOT_CALLS (50000) those with a snapshot held, LATENCY_CALLS
# (1000) those whose latency is measured.
#
# All samples are kept in BENCH_OUT (build/bench), as samples.csv, and drawn as an
# SVG file for each part if gnuplot is there.
set -euo pipefail
if [ -z "${WFO_TMP:-}" ]; then
	processes=40
	[[ ${PARTS:-} != *scale* ]] || processes=100
	exec "$(dirname "$0")/with-server.sh" -c shared_buffers=512MB -c max_wal_size=8GB \
		-c log_min_messages=warning -c max_worker_processes=$processes "$0" "$@"
fi
here=$(cd "$(dirname "$0")/.." && pwd)
rounds=${ROUNDS:-5}
seconds=${SECONDS_EACH:-6}
parts=${PARTS:-throughput cpu drain workers latency parallel snapshot rivals rules control evidence}
samples=$WFO_TMP/samples
out=${BENCH_OUT:-$here/build/bench}
mkdir -p "$out"
rm -f "$out"/*.svg
echo 'part,side,clients,value,cpu_us' >"$out/samples.csv"
tick=$(getconf CLK_TCK)

# CPU seconds that the server has used so far, of live and of ended processes.
server_cpu() {
	local postmaster
	postmaster=$(psql -XAtc "SELECT split_part(pg_read_file('postmaster.pid'), E'\n', 1)")
	{ echo "$postmaster" && pgrep -P "$postmaster"; } | sed 's#.*#/proc/&/stat#' |
		{ xargs cat 2>/dev/null || true; } |
		awk -v tick="$tick" -v postmaster="$postmaster" '
			{ sub(/^[0-9]+ \(.*\) /, "& "); n = split($0, f, ") "); split(f[n], s, " ")
			  cpu += s[12] + s[13]; if (index($0, postmaster " ") == 1) cpu += s[14] + s[15] }
			END { print cpu / tick }'
}

# run SIDE CLIENTS [NAME]: one measurement, as "SIDE CLIENTS TPS CPU_MICROSECONDS",
# or under another name.
run() {
	local before after out tps count
	before=$(server_cpu)
	out=$(pgbench -n -M prepared -c "$2" -j 2 -T "$seconds" -f "$here/test/bench/$1.sql" 2>&1) || {
		echo "$out" >&2
		exit 1
	}
	after=$(server_cpu)
	tps=$(sed -n 's/^tps = \([0-9.]*\).*/\1/p' <<<"$out")
	count=$(sed -n 's/^number of transactions actually processed: \([0-9]*\).*/\1/p' <<<"$out")
	awk -v s="${3:-$1}" -v c="$2" -v t="$tps" -v n="$count" -v a="$before" -v b="$after" \
		'BEGIN { printf "%s %s %.1f %.1f\n", s, c, t, (b - a) * 1e6 / n }' >>"$samples"
}

# keep PART UNIT [COLUMN]: adds the samples to samples.csv, and draws them.
keep() {
	local data=$WFO_TMP/plot column=${3:-3}
	awk -v part="$1" -v OFS=, '{ print part, $1, $2, $3, $4 }' "$samples" >>"$out/samples.csv"
	command -v gnuplot >/dev/null || return 0
	awk '{ if (!($1 in at)) at[$1] = n++; print at[$1], $column }' column="$column" "$samples" >"$data.points"
	awk '!seen[$1]++ { print $1, $2 }' "$samples" | while read -r side clients; do
		echo "$side $(median "$side" "$clients" "$column")"
	done >"$data.medians"
	gnuplot -e "title='$1: $2'; points='$data.points'; medians='$data.medians'; out='$out/$1.svg'" "$here/test/bench/plot.gp" ||
		echo "bench.sh: gnuplot could not draw $1" >&2
}

# median SIDE CLIENTS COLUMN
median() {
	awk -v s="$1" -v c="$2" -v k="$3" '$1 == s && $2 == c { print $k }' "$samples" | sort -n |
		awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# paired_ratio SIDE_A SIDE_B CLIENTS COLUMN: the median of A / B round by round.
paired_ratio() {
	paste <(awk -v s="$1" -v c="$3" -v k="$4" '$1 == s && $2 == c { print $k }' "$samples") \
		<(awk -v s="$2" -v c="$3" -v k="$4" '$1 == s && $2 == c { print $k }' "$samples") |
		awk '{ print $1 / $2 }' | sort -n |
		awk '{ v[NR] = $1 } END { printf "%.2f", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

compare() {
	local clients=$1 side
	: >"$samples"
	for side in cycle_rival cycle_extension floor; do
		seconds=2 run "$side" "$clients"
	done
	: >"$samples"
	for ((i = 0; i < rounds; i++)); do
		for side in cycle_rival cycle_extension floor; do run "$side" "$clients"; done
	done
	printf '%-16s %8s %12s %14s\n' side clients 'cycles/s' 'CPU us/cycle'
	for side in cycle_rival cycle_extension floor; do
		printf '%-16s %8s %12.0f %14.0f\n' "$side" "$clients" \
			"$(median "$side" "$clients" 3)" "$(median "$side" "$clients" 4)"
	done
	echo "throughput, extension / rival: $(paired_ratio cycle_extension cycle_rival "$clients" 3)"
	echo "CPU, extension / rival: $(paired_ratio cycle_extension cycle_rival "$clients" 4)"
}

set_commit() {
	psql -XqAt -c "ALTER SYSTEM SET synchronous_commit = $1" -c "SELECT pg_reload_conf()" >/dev/null
	sleep 0.2
}

# set_up ROWS: both sides in the current database.
set_up() {
	psql -XqAt -v ON_ERROR_STOP=1 -v prefill="$1" -f "$here/test/bench/plpgsql_rival.sql" \
		-f "$here/test/bench/setup.sql" 2>&1 >/dev/null | { grep -v NOTICE || true; }
}

# shellcheck source=script/bench-workers.sh
. "$here/script/bench-workers.sh"
# shellcheck source=script/bench-volume.sh
. "$here/script/bench-volume.sh"
# shellcheck source=script/bench-scale.sh
. "$here/script/bench-scale.sh"
# shellcheck source=script/bench-control.sh
. "$here/script/bench-control.sh"
# shellcheck source=script/bench-evidence.sh
. "$here/script/bench-evidence.sh"

set_up 10000
psql -XAt -c "SELECT split_part(version(), ' on ', 1)"
psql -XAt -c "SELECT string_agg(name || ' = ' || current_setting(name), ', ' ORDER BY name) FROM pg_settings
	WHERE source IN ('configuration file', 'command line') AND name ~ '^(shared_buffers|max_wal_size|fsync|synchronous_commit|max_worker_processes|wal_level)$'"
echo "$(nproc) cores, $rounds rounds of $seconds s, sides in turn; samples in $out"

if [[ $parts == *throughput* ]]; then
	printf '\n== full cycle, fsync and synchronous_commit on, 8 clients\n'
	compare 8
	keep throughput 'cycles per s'
fi
if [[ $parts == *cpu* ]]; then
	printf '\n== full cycle, synchronous_commit off, 2 clients\n'
	set_commit off
	compare 2
	keep cpu 'cycles per s'
	set_commit on
fi
declare -A unit_of=([drain]='calls per s' [workers]='calls per s' [latency]=us [parallel]=ms [rivals]='calls per s')
for part in drain workers latency parallel snapshot rivals; do
	[[ $parts == *$part* ]] || continue
	[ -n "${workers_ready:-}" ] || { workers_ready=1; sql -f "$here/test/bench/queue.sql" >/dev/null; }
	case $part in
		drain) printf '\n== %s approved calls in the queue, one commit per call\n' "$calls" ;;
		workers) printf '\n== %s approved calls in the queue, 8 workers / 8 clients, by the calls per commit\n' "$calls" ;;
		latency) printf '\n== commit acknowledged to start of the call, idle server, %s calls\n' "$latency_calls" ;;
		parallel) printf '\n== 8 calls of 100 ms at the same time\n' ;;
		snapshot) printf '\n== %s calls while a snapshot is held, calls/s of each fifth\n' "$snapshot_calls" ;;
		rivals) printf '\n== other queues, %s calls, 8 workers or clients\n' "$calls" ;;
	esac
	"part_$part"
	[ -z "${unit_of[$part]:-}" ] || keep "$part" "${unit_of[$part]}"
done
if [[ $parts == *scale* ]]; then
	printf '\n== many workers, calls, roles, databases and finished proposals\n'
	[ -n "${workers_ready:-}" ] || { workers_ready=1; sql -f "$here/test/bench/queue.sql" >/dev/null; }
	part_scale
fi
if [[ $parts == *rules* ]]; then
	printf '\n== CPU per proposal by the number of approval rules, synchronous_commit off, 2 clients\n'
	set_commit off
	for rules in 0 3 100; do
		createdb "rules_$rules"
		PGDATABASE=rules_$rules set_up 1000
		psql -XqAt -v ON_ERROR_STOP=1 -v rules="$rules" -d "rules_$rules" -f "$here/test/bench/rules.sql" >/dev/null
		PGDATABASE=rules_$rules seconds=2 run propose 2
	done
	: >"$samples"
	for ((i = 0; i < rounds; i++)); do
		for rules in 0 3 100; do PGDATABASE=rules_$rules run propose 2 "rules_$rules"; done
	done
	for rules in 0 3 100; do
		printf '%3s rules: %4.0f us, %s of that without\n' "$rules" "$(median "rules_$rules" 2 4)" \
			"$(paired_ratio "rules_$rules" rules_0 2 4)"
	done
	keep rules 'CPU us per proposal' 4
fi
if [[ $parts == *control* ]]; then
	printf '\n== CPU per call with a control and without, synchronous_commit off\n'
	set_commit off
	part_control
	keep control 'CPU us per call' 4
fi
if [[ $parts == *evidence* ]]; then
	printf '\n== the tree over the audit log\n'
	set_commit on
	part_evidence
fi
if [[ $parts == *volume* ]]; then
	printf '\n== %s finished and %s pending proposals\n' "$finished" "$pending"
	part_volume
fi
