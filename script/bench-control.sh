# bench-control.sh: what controls cost, beside the same without them.
#
# A part of bench.sh, which sources this file.  Each control has a database of its
# own, and the sides take turns.  The cycle is measured with a protected policy and
# with a limit of rows; a call of one person, from its proposal to its result, with
# a standing approval, which spares its review.
# shellcheck shell=bash disable=SC2154

# A number of whole calls by the actor of the session's role.
calls_of_holder() {
	local before after count=3000
	before=$(server_cpu)
	pgbench -n -M prepared -c 1 -t "$count" -f "$here/test/bench/call_$1.sql" >/dev/null 2>&1
	after=$(server_cpu)
	awk -v s="call_$1" -v n="$count" -v a="$before" -v b="$after" \
		'BEGIN { printf "%s 1 0 %.1f\n", s, (b - a) * 1e6 / n }' >>"$samples"
}

control_line() {
	printf '%-28s %4.0f us, %s of that without\n' "$1" "$(median "$2" "$4" 4)" "$(paired_ratio "$2" "$3" "$4" 4)"
}

part_control() {
	local kind
	for kind in plain protected rows standing; do
		createdb "control_$kind"
		PGDATABASE=control_$kind set_up 1000
		psql -XqAt -d "control_$kind" -v kind="$kind" -f "$here/test/bench/control.sql" >/dev/null
		PGDATABASE=control_$kind seconds=2 run cycle_extension 2
	done
	# The actor of the session's role is there on both sides.
	psql -XqAt -d control_plain -f "$here/test/bench/control_standing.sql" >/dev/null
	psql -XqAt -d control_plain -c 'SELECT workflow_orch.end_standing_approval(max(standing_id)) FROM workflow_orch.standing_approval' >/dev/null
	: >"$samples"
	for ((i = 0; i < rounds; i++)); do
		for kind in plain protected rows; do PGDATABASE=control_$kind run cycle_extension 2 "$kind"; done
		psql -XqAt -d control_standing -f "$here/test/bench/control_standing.sql" >/dev/null
		PGDATABASE=control_plain calls_of_holder reviewed
		PGDATABASE=control_standing calls_of_holder standing
	done
	control_line 'cycle, protected policy:' protected plain 2
	control_line 'cycle, limit of rows:' rows plain 2
	control_line 'call, standing approval:' call_standing call_reviewed 1
}
