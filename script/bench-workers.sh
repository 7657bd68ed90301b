# shellcheck shell=bash disable=SC2154
# bench-workers.sh: the parts of the benchmark about the background workers.
#
# Sourced by bench.sh, whose samples and medians it shares.  A sample is
# "SIDE - VALUE".

calls=${CALLS:-20000}
snapshot_calls=${SNAPSHOT_CALLS:-50000}
latency_calls=${LATENCY_CALLS:-1000}

sample() { echo "$1 - $2" >>"$samples"; }

sql() { psql -XqAt -v ON_ERROR_STOP=1 "$@"; }

# setting NAME VALUE, of the server.
setting() {
	sql -c "ALTER SYSTEM SET $1 = $2" -c "SELECT pg_reload_conf()" >/dev/null
	sleep 0.2
}

# drain_workers COUNT: one batch; prints calls per second.
drain_workers() {
	[ "$(sql -c "SELECT bench.queue($1)" -c CHECKPOINT -c "SELECT clock_timestamp() < released_at FROM bench.batch" | tail -1)" = t ] ||
		{ echo "bench.sh: the queue was released before it was filled; the machine is too slow" >&2; exit 1; }
	sql -c "SELECT pg_sleep(greatest(0, extract(epoch FROM released_at - clock_timestamp()))) FROM bench.batch" \
		-c "SELECT workflow_orch.wait_execution(last_execution + calls) FROM bench.batch" >/dev/null
	until [ "$(sql -c 'SELECT count(*) FROM workflow_orch.queue')" = 0 ]; do sleep 0.2; done
	sql -c "SELECT round(per_second, 1) FROM bench.rate WHERE side = 'extension' AND calls = $1"
}

# drain_rival COUNT CLIENTS [SIZE]: the same by the rival's work(), SIZE (1) calls per commit.
drain_rival() {
	local size=${3:-1}
	sql -c "SELECT bench.queue_rival($1)" -c CHECKPOINT >/dev/null
	pgbench -n -M prepared -c "$2" -j 2 -t $(($1 / $2 / size)) -D size="$size" -f "$here/test/bench/drain_rival.sql" 2>&1 |
		awk -v size="$size" '/^tps = / { printf "%.1f\n", $3 * size }'
}

# drain_table COUNT SIZE: a queue of one table with SKIP LOCKED, SIZE calls per commit.
drain_table() {
	sql -c "SELECT bench.queue_table($1)" -c "VACUUM ANALYZE bench.job" -c CHECKPOINT >/dev/null
	pgbench -n -M prepared -c 8 -j 2 -t $(($1 / 8 / $2)) -D size="$2" -f "$here/test/bench/drain_table.sql" 2>&1 |
		awk -v size="$2" '/^tps = / { printf "%.1f\n", $3 * size }'
}

# best PREFIX: the side of this prefix with the highest median.
best() {
	awk '{ print $1 }' "$samples" | grep "^$1" | sort -u | while read -r side; do
		echo "$(median "$side" - 3) $side"
	done | sort -n | tail -1 | sed 's/.* //'
}

show() {
	local side
	for side; do printf '%-16s %10.0f %s\n' "$side" "$(median "$side" - 3)" "$unit"; done
}

part_drain() {
	local i n ours theirs
	: >"$samples"
	drain_workers 2000 >/dev/null
	for ((i = 0; i < rounds; i++)); do
		for n in 4 8 16; do
			sample "rival_$n" "$(drain_rival "$calls" "$n")"
			setting workflow_orch.max_workers "$n"
			sample "workers_$n" "$(drain_workers "$calls")"
		done
		setting workflow_orch.max_workers 2
		sample workers_2 "$(drain_workers "$calls")"
	done
	sql -c "ALTER SYSTEM RESET workflow_orch.max_workers" -c "SELECT pg_reload_conf()" >/dev/null
	unit="calls/s" show workers_2 workers_4 workers_8 workers_16 rival_4 rival_8 rival_16
	ours=$(best workers) theirs=$(best rival)
	echo "throughput, $ours / $theirs: $(paired_ratio "$ours" "$theirs" - 3)"
}

part_workers() {
	local i size
	: >"$samples"
	sql -c "ALTER SYSTEM SET workflow_orch.max_workers = 8" -c "SELECT pg_reload_conf()" >/dev/null
	drain_workers 2000 >/dev/null
	for ((i = 0; i < rounds; i++)); do
		for size in 1 100 1000; do
			sql -c "SELECT workflow_orch.update_tool('echo', group_size => $size)" >/dev/null
			sample "workers_by_$size" "$(drain_workers "$calls")"
		done
		for size in 1 100; do sample "rival_by_$size" "$(drain_rival "$calls" 8 "$size")"; done
	done
	sql -c "SELECT workflow_orch.update_tool('echo', group_size => 1)" -c "ALTER SYSTEM RESET workflow_orch.max_workers" \
		-c "SELECT pg_reload_conf()" >/dev/null
	unit="calls/s" show workers_by_1 workers_by_100 workers_by_1000 rival_by_1 rival_by_100
	for size in 1 100; do
		echo "throughput by $size, workers / rival: $(paired_ratio "workers_by_$size" "rival_by_$size" - 3)"
	done
	echo "throughput by 1000, workers / rival by 100: $(paired_ratio workers_by_1000 rival_by_100 - 3)"
}

percentiles() {
	sort -n >"$WFO_TMP/sorted"
	awk -v side="${1// /_}" '{ print side, "-", $1 }' "$WFO_TMP/sorted" >>"$samples"
	printf '%-16s' "$1"
	awk '{ v[NR] = $1 } END { printf " %8.0f us median %8.0f us p99\n", v[int((NR + 1) / 2)], v[int(NR * 0.99)] }' \
		"$WFO_TMP/sorted"
}

# node_rival NAME FILE PACKAGE...: makes a folder with the packages and test/bench/FILE;
# false where it cannot.
node_rival() {
	local name=$1 file=$2 folder=$WFO_TMP/$1
	shift 2
	[ ! -d "$folder" ] || return 0
	mkdir "$folder"
	cp "$here/test/bench/$file" "$folder"
	if ! command -v node >/dev/null || ! command -v npm >/dev/null ||
		! (cd "$folder" && npm install --no-audit --no-fund --prefix . "$@") >"$folder.log" 2>&1; then
		rm -rf "$folder"
		echo "$name: skipped, since node or npm is missing or npm could not install it"
		return 1
	fi
}

# graphile_worker: makes $graphile ready, a folder with graphile-worker; false where it cannot.
graphile_worker() {
	graphile=$WFO_TMP/graphile-worker
	[ ! -d "$graphile" ] || return 0
	node_rival graphile-worker graphile.js graphile-worker@0.17.3 pg@8 && (cd "$graphile" && node graphile.js migrate)
}

part_latency() {
	local program=$WFO_TMP/latency
	: >"$samples"
	"${CC:-cc}" -O2 -I"$("$PG_CONFIG" --includedir)" -o "$program" "$here/test/bench/latency.c" \
		-L"$("$PG_CONFIG" --libdir)" -lpq || { echo "skipped, since libpq's headers are missing"; return 0; }
	# The first calls find no worker.
	sql -c "SELECT bench.approve($latency_calls + 20, 'clock', '{}')" >/dev/null
	"$program" queue $((latency_calls + 20)) | tail -n +21 | percentiles workers
	"$program" listen "$latency_calls" | percentiles "LISTEN in C"
	graphile_worker || return 0
	(cd "$graphile" && node graphile.js latency $((latency_calls / 5))) >"$WFO_TMP/started" &
	until grep -q ready "$WFO_TMP/started" 2>/dev/null; do sleep 0.1; done
	"$program" graphile $((latency_calls / 5)) >"$WFO_TMP/added"
	wait $!
	join <(sort "$WFO_TMP/added") <(grep -v ready "$WFO_TMP/started" | sort) |
		awk '{ print ($3 - $2) / 1000 }' | percentiles graphile-worker
}

# Prints what psql is to run: every side in turn, after a line that names it.
naps() {
	local i
	printf '%s\n' '\timing on'
	for ((i = 0; i < 4 * rounds; i += 2)); do
		echo 'SELECT pg_sleep(0.1);'
		printf '\\echo warm\nSELECT bench.naps_workers(%d);\n\\echo -\n' "$i"
		printf 'SELECT bench.connect(), pg_sleep(0.1);\n\\echo dblink_kept\nSELECT bench.naps_kept();\n\\echo -\n'
		printf 'SELECT bench.disconnect();\n\\echo dblink_fresh\nSELECT bench.naps_fresh();\n\\echo -\n'
		printf '%s\n' 'ALTER SYSTEM SET workflow_orch.worker_idle_timeout = 0;' 'SELECT pg_reload_conf(), pg_sleep(0.5);' \
			'ALTER SYSTEM RESET workflow_orch.worker_idle_timeout;' 'SELECT pg_reload_conf(), pg_sleep(0.5);'
		printf '\\echo cold\nSELECT bench.naps_workers(%d);\n\\echo -\n' "$((i + 1))"
	done
}

part_parallel() {
	local side value
	: >"$samples"
	sql -c "SELECT bench.approve($((8 * 4 * rounds + 8)), 'nap', '{}')" >/dev/null
	sql -c "SELECT bench.naps_workers($((4 * rounds)))" >/dev/null
	naps | sql | awk '/^(warm|cold|dblink_kept|dblink_fresh|-)$/ { side = $1 } /^Time:/ && side != "-" { print side, $2 }' |
		while read -r side value; do sample "$side" "$value"; done
	for side in warm dblink_kept cold dblink_fresh; do
		printf '%-16s %8.1f ms\n' "$side" "$(median "$side" - 3)"
	done
	echo "time, warm / dblink_kept: $(paired_ratio warm dblink_kept - 3)"
	echo "time, cold / dblink_fresh: $(paired_ratio cold dblink_fresh - 3)"
}

# hold: begins a transaction that keeps its snapshot; let_go ends it.
hold() {
	exec {holder}> >(psql -XqAt >/dev/null)
	echo 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT pg_current_xact_id(), count(*) FROM bench.floor;' >&"$holder"
	until [ "$(sql -c "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'")" = 1 ]; do sleep 0.1; done
}

let_go() {
	echo 'COMMIT;' >&"$holder"
	exec {holder}>&-
	until [ "$(sql -c "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'")" = 0 ]; do sleep 0.1; done
}

# fifths SIDE: calls per second of each fifth of the last batch, and last / first.
fifths() {
	sql -F ' ' -c "SELECT per_second FROM bench.rate_of_fifth WHERE side = '$1' ORDER BY fifth" | awk -v side="$2" '
		{ v[NR] = $1 } END { printf "%-24s", side; for (i = 1; i <= NR; i++) printf " %6.0f", v[i]
		  printf "  last / first fifth: %.2f\n", v[NR] / v[1] }'
}

dead() {
	sql -F ' ' -c "SELECT pg_stat_force_next_flush()" -c "SELECT pg_sleep(1)" \
		-c "SELECT format('%s: %s dead rows, %s', relname, n_dead_tup, pg_size_pretty(pg_total_relation_size(relid)))
		      FROM pg_stat_user_tables WHERE schemaname = 'workflow_orch' AND relname IN ('queue', 'execution', 'proposal')
		     ORDER BY relname" | grep dead | paste -sd ';' | sed "s/^/$1: /; s/;/; /g"
}

part_snapshot() {
	local without with
	without=$(drain_workers "$snapshot_calls")
	fifths extension "workers, no snapshot"
	sql -c VACUUM
	hold
	with=$(drain_workers "$snapshot_calls")
	fifths extension "workers, snapshot held"
	awk -v a="$with" -v b="$without" 'BEGIN { printf "throughput, with / without: %.2f\n", a / b }'
	let_go
	dead "after it ended"
	sql -c VACUUM
	dead "after a vacuum"

	without=$(drain_rival "$snapshot_calls" 8)
	fifths rival "rival, no snapshot"
	sql -c VACUUM
	hold
	with=$(drain_rival "$snapshot_calls" 8)
	fifths rival "rival, snapshot held"
	awk -v a="$with" -v b="$without" 'BEGIN { printf "throughput, with / without: %.2f\n", a / b }'
	let_go
}

part_rivals() {
	local i variant size graphile_there=1 boss_there=1
	graphile_worker || graphile_there=
	node_rival pg-boss pgboss.js pg-boss@10.4.2 || boss_there=
	: >"$samples"
	for ((i = 0; i < rounds; i++)); do
		for size in 1 1000; do
			sql -c "SELECT workflow_orch.update_tool('echo', group_size => $size)" >/dev/null
			sample "workers_by_$size" "$(drain_workers "$calls")"
		done
		for size in 1 100; do sample "table_by_$size" "$(drain_table "$calls" "$size")"; done
		for variant in ${graphile_there:+default tuned}; do
			sql -c "SELECT count(graphile_worker.add_job('noop', json_build_object('n', g))) FROM generate_series(1, $calls) g" \
				-c CHECKPOINT >/dev/null
			sample "graphile_$variant" "$(cd "$graphile" && node graphile.js drain "$calls" "$variant")"
		done
		for variant in ${boss_there:+single tuned}; do
			sample "pgboss_$variant" "$(cd "$WFO_TMP/pg-boss" && node pgboss.js drain "$calls" "$variant")"
		done
	done
	sql -c "SELECT workflow_orch.update_tool('echo', group_size => 1)" >/dev/null
	# shellcheck disable=SC2046
	unit="calls/s" show $(awk '!seen[$1]++ { print $1 }' "$samples")
	for variant in table_by_1 ${graphile_there:+graphile_default} ${boss_there:+pgboss_single}; do
		echo "throughput, workers_by_1 / $variant: $(paired_ratio workers_by_1 "$variant" - 3)"
	done
	for variant in table_by_100 ${graphile_there:+graphile_tuned} ${boss_there:+pgboss_tuned}; do
		echo "throughput, workers_by_1000 / $variant: $(paired_ratio workers_by_1000 "$variant" - 3)"
	done
}
