#!/bin/bash
# bench-instructions.sh cycle | call [GROUP_SIZE] | start | first
#
# Counts by Valgrind what a full cycle (propose, approve, execute) takes in
# instructions, or a worker's call whose tool has this group_size (1), and shows
# where they go: the functions by what they and those that they call take.  The
# figure repeats to within a few per mille on a busy machine too.  "start" is the
# way of a worker from its waking to the first instruction of the tool, "first"
# that of a new worker to its first tool, once it is connected.
#
# A part runs with few cycles or calls and with many, each on a copy of the same
# data; what it prints is the difference for each one more, so that the start of
# a process does not count.  Cycles run on a server in single-user mode, calls in
# the one worker of a server that runs under Valgrind as a whole.  TOP (40) is
# the number of functions shown, KEEP a folder where the profiles stay.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
[[ ${1:-} =~ ^(cycle|call|start|first)$ ]] || { echo "usage: $0 cycle | call [GROUP_SIZE] | start | first" >&2; exit 2; }
command -v valgrind >/dev/null || { echo "$0: valgrind is missing" >&2; exit 1; }
[ -n "${WFO_TMP:-}" ] || exec "$here/script/with-server.sh" -c fsync=off -c autovacuum=off -c log_min_messages=warning \
	-c workflow_orch.group_time=10000 "$0" "$@"
group_size=${2:-1}
profiles=${KEEP:-$WFO_TMP/profiles}
mkdir -p "$profiles"
chmod 777 "$profiles"
bindir=$(pg_config --bindir)
sql() { psql -XqAt -v ON_ERROR_STOP=1 "$@"; }

set_up() {
	sql -v prefill=200 -f "$here/test/bench/plpgsql_rival.sql" -f "$here/test/bench/setup.sql" -f "$here/test/bench/queue.sql" \
		-c "SELECT workflow_orch.update_tool('echo', group_size => $group_size)" \
		-c "ALTER SYSTEM SET workflow_orch.max_workers = 1" 2>&1 >/dev/null | { grep -v NOTICE || true; }
	last=$(sql -c "SELECT max(proposal_id) FROM workflow_orch.proposal")
	$WFO_AS pg_ctl -D "$PGDATA" -s -m fast stop
}

# statements COUNT: of so many cycles.
statements() {
	local i
	echo "PREPARE p(bigint, bigint) AS SELECT proposal_id FROM workflow_orch.propose_action(\$1, \$2, 'echo', '{\"a\": {\"n\": 1}}', 'bench')"
	echo "PREPARE r(bigint, bigint) AS SELECT status FROM workflow_orch.review_action(\$1, \$2, 'approve')"
	echo "PREPARE e(bigint, bigint) AS SELECT result FROM workflow_orch.execute_action(\$1, \$2)"
	for ((i = 1; i <= $1; i++)); do
		echo "EXECUTE p($((1 + i % 5)), $((1 + i % 10)))"
		echo "EXECUTE r($((last + i)), $((11 + i % 10)))"
		echo "EXECUTE e($((last + i)), $((1 + i % 10)))"
	done
}

# profile_cycle COUNT DATA: leaves $profiles/COUNT.
profile_cycle() {
	local finished
	finished=$(statements "$1" | $WFO_AS valgrind -q --tool=callgrind --callgrind-out-file="$profiles/$1" \
		"$bindir/postgres" --single -D "$2" postgres 2>"$WFO_TMP/log" | grep -c 'result = ')
	[ "$finished" = "$1" ] || { echo "$0: $finished of $1 cycles were done" >&2; exit 1; }
}

# serve NAME DATA [OPTION]...: a server under Valgrind, with these options; each of its
# processes leaves $profiles/NAME.PID.  stop_serving DATA ends it.
serve() {
	local name=$1 data=$2
	shift 2
	$WFO_AS valgrind -q --tool=callgrind --trace-children=yes --callgrind-out-file="$profiles/$name.%p" "$@" \
		"$bindir/postgres" -D "$data" 2>"$WFO_TMP/log" &
}

stop_serving() {
	kill -INT "$(head -1 "$1/postmaster.pid")"
	wait
}

# profile_call COUNT DATA: leaves $profiles/COUNT, of the worker.
profile_call() {
	$WFO_AS pg_ctl -D "$2" -s -w -l "$WFO_TMP/log" start
	sql -c "SELECT bench.queue($1)" >/dev/null
	sql -c "SELECT pg_sleep(greatest(0, extract(epoch FROM released_at - clock_timestamp()) - 1)) FROM bench.batch" >/dev/null
	$WFO_AS pg_ctl -D "$2" -s -m immediate stop
	serve "$1" "$2"
	until [ "$(sql -c "SELECT count(*) FROM workflow_orch.queue" 2>/dev/null)" = 0 ]; do sleep 0.5; done
	stop_serving "$2"
	mv "$(grep -l 'work_run$' "$profiles/$1".*)" "$profiles/$1"
	rm -f "$profiles/$1".*
}

# profile_starts DATA: leaves $profiles/N for the starts of ten calls, the first one being N = 1.
profile_starts() {
	local i execution
	serve start "$1" --zero-before=next_choose --dump-before=clock_timestamp
	until sql -c "SELECT 1" >/dev/null 2>&1; do sleep 0.5; done
	sql -c "SELECT bench.approve(10, 'clock', '{}')" >/dev/null
	for ((i = 1; i <= 10; i++)); do
		execution=$(sql -c "SELECT workflow_orch.enqueue_action(proposal_id, 1) FROM bench.call WHERE call = $i")
		sql -c "SELECT workflow_orch.wait_execution($execution)" >/dev/null
	done
	stop_serving "$1"
	for ((i = 1; i <= 10; i++)); do mv "$(grep -l 'run_call$' "$profiles"/start.*."$i")" "$profiles/$i"; done
	rm -f "$profiles"/start.*
}

# by_function PROFILE: "INSTRUCTIONS FUNCTION" of each function, callees included.
by_function() {
	(cd / && callgrind_annotate --inclusive=yes --threshold=100 --auto=no "$1" 2>/dev/null) |
		sed -n 's/^ *\([0-9,]*\) *([^)]*)  *\([^ ]*\).*/\1 \2/p' | sed 's/,//g; s/ [^ ]*:\([^ :]*\)$/ \1/' |
		awk '$1 > of[$2] { of[$2] = $1 } END { for (name in of) print of[name], name }'
}

set_up
if [[ $1 =~ ^(start|first)$ ]]; then
	number=1
	profile_starts "$PGDATA"
	[ "$1" = first ] || number=$(cd "$profiles" && grep '^totals: ' {2..10} | sort -t ' ' -k2n | sed -n '5s/:.*//p')
	echo "instructions of a $1: $(sed -n 's/^totals: //p' "$profiles/$number"), and of these:"
	by_function "$profiles/$number" | sort -rn | awk -v top="${TOP:-40}" '
		$2 == "run_call" { found = 1 } found && $2 !~ /^0x/ && ++n <= top { printf "%10d %s\n", $1, $2 }'
	exit
fi
few=100 many=300 root="PostgresMain"
[ "$1" = cycle ] || { few=300 many=900 root=work_run; }
for count in $few $many; do
	cp -a "$PGDATA" "$WFO_TMP/data.$count"
	"profile_$1" "$count" "$WFO_TMP/data.$count"
done
echo "instructions per $1, and of these:"
join -1 2 -2 2 <(by_function "$profiles/$few" | sort -k2) <(by_function "$profiles/$many" | sort -k2) |
	awk -v n=$((many - few)) '{ printf "%10.0f %s\n", ($3 - $2) / n, $1 }' | sort -rn |
	awk -v root=$root -v top="${TOP:-40}" '$2 == root { found = 1 } found && $2 !~ /^0x/ && ++n <= top'
