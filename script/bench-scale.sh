# shellcheck shell=bash disable=SC2154
# bench-scale.sh: the parts of the benchmark about many workers, calls, roles,
# databases and finished proposals.
#
# Sourced by bench.sh, whose samples and medians it shares.  On a machine that is
# busy with something else the counts hold, and the times do not.
#
# SCALE chooses among workers queue memory databases finished.  SCALE_CALLS (1000000)
# is the number of queued calls, SCALE_ROLES (200) that of their roles, MEMORY_CALLS
# (1000000) that of one worker, SCALE_DATABASES (300) that of databases, and
# SCALE_FINISHED (10000000) how many finished proposals there are beside the 10,000
# that they are compared with.

scale=${SCALE:-workers queue memory databases finished}
scale_calls=${SCALE_CALLS:-1000000}
scale_roles=${SCALE_ROLES:-200}
memory_calls=${MEMORY_CALLS:-1000000}
scale_databases=${SCALE_DATABASES:-300}
scale_finished=${SCALE_FINISHED:-10000000}

# The calls that have left the queue so far, and the rows that were read to find them.
ended() { sql -c "SELECT n_tup_del FROM pg_stat_user_tables WHERE relid = 'workflow_orch.queue'::regclass"; }
index_rows() { sql -c "SELECT idx_tup_read FROM pg_stat_user_indexes WHERE indexrelname = 'queue_due_idx'"; }

# Switches of the workers between processes so far, that they made themselves.
worker_switches() {
	sql -c "SELECT pid FROM workflow_orch.list_workers() WHERE pid IS NOT NULL" | sed 's#.*#/proc/&/status#' |
		{ xargs cat 2>/dev/null || true; } | awk '$1 == "voluntary_ctxt_switches:" { n += $2 } END { print n + 0 }'
}

# drain_and_count SIDE WORKERS: one batch; a sample of calls per second, CPU and switches per call.
drain_and_count() {
	local cpu switches rate
	setting workflow_orch.max_workers "$2"
	drain_workers 2000 >/dev/null
	cpu=$(server_cpu)
	rate=$(drain_workers "$calls")
	switches=$(worker_switches)
	awk -v side="$1" -v workers="$2" -v rate="$rate" -v a="$cpu" -v b="$(server_cpu)" -v s="$switches" -v n="$calls" \
		'BEGIN { printf "%s %s %.1f %.1f %.3f\n", side, workers, rate, (b - a) * 1e6 / n, s / n }' >>"$samples"
}

scale_workers() {
	local i workers
	printf '\n-- %s calls with 16 workers and with 64, in turn\n' "$calls"
	: >"$samples"
	for ((i = 0; i < rounds; i++)); do
		for workers in 16 64; do drain_and_count workers "$workers"; done
	done
	sql -c "ALTER SYSTEM RESET workflow_orch.max_workers" -c "SELECT pg_reload_conf()" >/dev/null
	for workers in 16 64; do
		printf '%s workers: %6.0f calls/s, %4.0f us of CPU a call with its enqueue, %6.3f switches a call\n' "$workers" \
			"$(median workers "$workers" 3)" "$(median workers "$workers" 4)" "$(median workers "$workers" 5)"
	done
	awk '$2 == 16 { a = $3; c = $4 } $2 == 64 { print $3 / a, $4 / c }' "$samples" | sort -n |
		awk '{ r[NR] = $1; c[NR] = $2 } END { m = int((NR + 1) / 2); printf "64 / 16 workers: %.2f of the calls per s (median), %.2f of the CPU\n", r[m], c[m] }'
	keep scale_workers 'calls per s'
}

# copies COUNT QUEUED [ROLES]: copies of queued calls, or of executed proposals.
copies() { sql -v copies="$1" -v queued="$2" -v roles="${3:-1}" -f "$here/test/bench/scale_copies.sql" >/dev/null; }

# fill_queue ROLES CALLS: tells the launcher, too, which visits all databases after a reload.
fill_queue() {
	copies "$2" true "$1"
	sql -c "SELECT pg_reload_conf()" >/dev/null
}

probe() { sql -f "$here/test/bench/scale_probe.sql"; }

scale_queue() {
	local first tenths=() share
	printf '\n-- %s queued calls of %s roles, 16 workers, synchronous_commit off\n' "$scale_calls" "$scale_roles"
	set_commit off
	createdb scale_queue
	export PGDATABASE=scale_queue
	set_up 1000
	sql -v roles="$scale_roles" -f "$here/test/bench/scale_tools.sql" >/dev/null
	sql -c "ALTER SYSTEM SET workflow_orch.max_workers = 16" >/dev/null
	fill_queue "$scale_roles" "$scale_calls"
	first=$(ended)
	: >"$samples"
	(while sleep 2; do
		probe >>"$samples" || break
	done) &
	local prober=$!
	for share in 0 10 90 100; do
		until [ $((($(ended) - first) * 100)) -ge $((scale_calls * share)) ]; do sleep 0.5; done
		tenths+=("$(date +%s.%N) $(ended) $(index_rows)")
	done
	kill "$prober" 2>/dev/null || true
	wait "$prober" 2>/dev/null || true
	printf '%s\n' "${tenths[@]}" | awk '{ t[NR] = $1; n[NR] = $2; r[NR] = $3 }
		END { printf "first tenth: %.0f us and %.1f index rows a call; last tenth: %.0f us and %.1f\n",
			(t[2] - t[1]) * 1e6 / (n[2] - n[1]), (r[2] - r[1]) / (n[2] - n[1]), (t[4] - t[3]) * 1e6 / (n[4] - n[3]), (r[4] - r[3]) / (n[4] - n[3])
			printf "all: %.0f calls/s, %.2f index rows a call\n", (n[4] - n[1]) / (t[4] - t[1]), (r[4] - r[1]) / (n[4] - n[1]) }'
	grep 'starts: tool "scale_' "$WFO_LOG" | sed 's/^.*UTC \[\([0-9]*\)\].*/\1/' | sort | uniq -c |
		awk '{ n++; s += $1 } END { printf "a worker ran %.0f calls before it left\n", s / n }'
	awk '{ print $3 }' "$samples" | sort -n | awk '{ v[NR] = $1 } END { printf "a call of another role, %d times meanwhile: %.0f ms until it starts (median), %.0f at most\n", NR, v[int((NR + 1) / 2)], v[NR] }'
	sql -F ' ' -c "SELECT status, count(*) FROM workflow_orch.execution WHERE execution_id > 1000 GROUP BY 1 ORDER BY 1"
	keep scale_queue 'ms until a call of another role starts'
	sql -c "ALTER SYSTEM RESET workflow_orch.max_workers" -c "SELECT pg_reload_conf()" >/dev/null
	set_commit on
	export PGDATABASE=postgres
	dropdb --force scale_queue
}

scale_memory() {
	local step first pid
	printf '\n-- memory of one worker, synchronous_commit off\n'
	set_commit off
	createdb scale_memory
	export PGDATABASE=scale_memory
	set_up 1000
	sql -v roles=1 -f "$here/test/bench/scale_tools.sql" -c "ALTER SYSTEM SET workflow_orch.max_workers = 1" \
		-c "ALTER SYSTEM SET workflow_orch.worker_max_calls = 0" >/dev/null
	fill_queue 1 "$memory_calls"
	first=$(ended)
	for step in 100 10 2 1; do
		until [ $((($(ended) - first) * step)) -ge "$memory_calls" ]; do sleep 0.2; done
		pid=$(sql -c "SELECT max(pid) FROM workflow_orch.worker_status WHERE database = current_database()")
		printf '%9s calls: %s kB of anonymous memory\n' "$(($(ended) - first))" "$(anonymous_memory "$pid")"
	done
	sql -c "ALTER SYSTEM RESET workflow_orch.max_workers" -c "ALTER SYSTEM RESET workflow_orch.worker_max_calls" \
		-c "SELECT pg_reload_conf()" >/dev/null
	set_commit on
	export PGDATABASE=postgres
	dropdb --force scale_memory
}

# in_databases STATEMENT: in each of the databases, in its order.
in_databases() {
	local i
	for ((i = 1; i <= scale_databases; i++)); do psql -XqAt -v ON_ERROR_STOP=1 -d "scale_$i" -c "$1"; done
}

scale_databases() {
	local i cpu
	printf '\n-- %s databases\n' "$scale_databases"
	createdb scale_0
	PGDATABASE=scale_0 set_up 10
	sql -d scale_0 -v roles=1 -f "$here/test/bench/scale_tools.sql" \
		-c "SELECT workflow_orch.seal_audit_log()" >/dev/null
	for ((i = 1; i <= scale_databases; i++)); do sql -c "CREATE DATABASE scale_$i TEMPLATE scale_0"; done
	# The first round of keepers, which finds the new databases.
	sql -c "SELECT pg_reload_conf()" >/dev/null
	sleep 20
	cpu=$(server_cpu)
	sleep 60
	awk -v a="$cpu" -v b="$(server_cpu)" 'BEGIN { printf "a minute without calls: %.1f s of CPU\n", b - a }'
	# All at about the same time, 16 at once; each copy has its queue held, so the call is a new one.
	seq 1 "$scale_databases" | xargs -P 16 -I{} psql -XqAt -d scale_{} -f "$here/test/bench/scale_probe.sql" |
		awk '{ print $3 }' | sort -n |
		awk '{ v[NR] = $1 } END { printf "one call in each, 16 at a time: %.0f ms until it starts (median), %.0f at most\n", v[int((NR + 1) / 2)], v[NR] }'
	sleep 10
	printf 'rows that are not sealed 10 s later: %s\n' \
		"$(in_databases 'SELECT count(*) FROM workflow_orch.audit_status WHERE oldest_unsealed IS NOT NULL' | awk '{ n += $1 } END { print n + 0 }') databases"
	for ((i = 0; i <= scale_databases; i++)); do dropdb --force "scale_$i"; done
}

# pages_of_cycles: pages read, from the buffers or not, by each of 50 cycles of a session
# that has run 10 before.
pages_of_cycles() {
	for ((i = 0; i < 60; i++)); do cat "$here/test/bench/scale_pages.sql"; done | sql |
		awk '/^ *Planning:/ { planning = 1 } /Execution Time/ { planning = 0; statements++ }
			/Buffers: shared/ && !planning && !seen[statements]++ && statements >= 30 {
				for (i = 1; i <= NF; i++) if ($i ~ /^(hit|read)=/) { sub(/.*=/, "", $i); pages += $i } }
			END { printf "%.0f", pages / 50 }'
}

scale_finished() {
	local size rows i
	printf '\n-- a cycle as finished proposals pile up, synchronous_commit off, 2 clients\n'
	set_commit off
	createdb scale
	export PGDATABASE=scale
	set_up 1000
	: >"$samples"
	for size in 10000 "$scale_finished"; do
		copies $((size - $(sql -c 'SELECT count(*) FROM workflow_orch.proposal'))) false
		rows=$(sql -c 'SELECT count(*) FROM workflow_orch.proposal')
		seconds=2 run cycle_extension 2 warm
		for ((i = 0; i < rounds; i++)); do run cycle_extension 2 "finished_$rows"; done
		printf '%9s proposals at the start: %4.0f us of CPU, %s pages a cycle, %s\n' "$rows" "$(median "finished_$rows" 2 4)" \
			"$(pages_of_cycles)" "$(sql -c 'SELECT pg_size_pretty(pg_database_size(current_database()))')"
	done
	keep scale_finished 'CPU us per cycle' 4
	set_commit on
	export PGDATABASE=postgres
	dropdb --force scale
}

part_scale() {
	local part
	for part in workers queue memory databases finished; do
		[[ " $scale " != *" $part "* ]] || "scale_$part"
	done
}
