# shellcheck shell=bash disable=SC2154
# bench-volume.sh: the part of the benchmark about large tables: the time of
# reports and look-ups, and the memory of calls on many rows.
#
# Sourced by bench.sh.  FINISHED (1000000) and PENDING (100000) are how many
# proposals there are.

finished=${FINISHED:-1000000}
pending=${PENDING:-100000}

# ask ROLE NAME QUERY: the time of the second of two executions, at default settings.
ask() {
	local ms
	ms=$({ PGOPTIONS='-c statement_timeout=60s' psql -XqAt -U "$1" -c '\timing on' -c "$3" -c "$3" 2>&1 || true; } |
		{ grep -E '^(Time|ERROR)' || true; } | sed -nE 's/^Time: ([0-9.]+) ms.*/\1 ms/p; s/^ERROR:  canceling.*/over 60 s/p' | tail -1)
	printf '%-16s %-34s %12s\n' "$1" "$2" "$ms"
}

# anonymous_memory PID: in kB; 0 where the process has ended.
anonymous_memory() {
	local kb
	kb=$(awk '$1 == "RssAnon:" { print $2 }' "/proc/$1/status" 2>/dev/null || true)
	echo "${kb:-0}"
}

# most_memory NAME STATEMENT: the most that the process of a statement took in
# anonymous memory, above what it had before.
most_memory() {
	local pid most=0 now first
	psql -XqAt -v ON_ERROR_STOP=1 -c "SET application_name = 'most_memory'" -c "SELECT pg_sleep(0.5)" -c "$2" >/dev/null &
	local client=$!
	until pid=$(psql -XAtc "SELECT pid FROM pg_stat_activity WHERE application_name = 'most_memory'") && [ -n "$pid" ]; do sleep 0.05; done
	first=$(anonymous_memory "$pid")
	[ "$first" -gt 0 ] || die "the memory of process $pid cannot be read"
	while kill -0 "$client" 2>/dev/null; do
		now=$(anonymous_memory "$pid")
		[ "$now" -le "$most" ] || most=$now
		sleep 0.02
	done
	wait "$client"
	printf '%-51s %9d MB\n' "$1" $(((most - first) / 1024))
}

part_volume() {
	local own large agent role table
	createdb volume
	export PGDATABASE=volume
	set_up 1000
	sql -v finished="$finished" -v pending="$pending" -f "$here/test/bench/volume.sql" >/dev/null
	read -r own large agent < <(psql -XAt -F ' ' -c 'SELECT own, large, agent FROM bench.volume')
	for role in volume_proposer volume_reviewer volume_admin; do
		for table in workflow proposal proposal_revision proposal_comment review revocation execution queue break_glass; do
			ask "$role" "count(*) of $table" "SELECT count(*) FROM workflow_orch.$table"
		done
		ask "$role" 'execution of one proposal' "SELECT * FROM workflow_orch.execution WHERE proposal_id = $own"
		ask "$role" 'history of one' "SELECT * FROM workflow_orch.review_history WHERE proposal_id = $own"
		ask "$role" 'progress of one' "SELECT * FROM workflow_orch.proposal_progress WHERE proposal_id = $own"
		ask "$role" 'summary of the last 20 workflows' 'SELECT * FROM workflow_orch.workflow_summary ORDER BY workflow_id DESC LIMIT 20'
		[ "$role" != volume_proposer ] || continue
		ask "$role" 'inbox, 20' 'SELECT * FROM workflow_orch.pending_review LIMIT 20'
		ask "$role" 'inbox, 20 by waiting_since' 'SELECT * FROM workflow_orch.pending_review ORDER BY waiting_since LIMIT 20'
		ask "$role" 'inbox, one proposal' 'SELECT * FROM workflow_orch.pending_review WHERE proposal_id = (SELECT max(proposal_id) FROM workflow_orch.proposal)'
		ask "$role" 'inbox, all' 'SELECT count(*) FROM (SELECT * FROM workflow_orch.pending_review OFFSET 0) p'
		ask "$role" 'inbox, all of nothing' "SELECT * FROM workflow_orch.pending_review WHERE tool = 'none'"
		ask "$role" 'executions of a day, statistics' "SELECT * FROM workflow_orch.list_execution_stats(now() - interval '24 days', now() - interval '23 days')"
	done
	ask volume_admin 'complete_workflow, refused' "SELECT workflow_orch.complete_workflow($large)"
	ask volume_admin 'get_audit_log, 10 of a large one' "SELECT * FROM workflow_orch.get_audit_log($large) LIMIT 10"
	ask volume_admin 'audit log by actor, the last 20' "SELECT * FROM workflow_orch.audit_log WHERE actor_id = $agent ORDER BY audit_id DESC LIMIT 20"
	ask volume_admin 'audit log by actor, of a day' "SELECT * FROM workflow_orch.audit_log WHERE actor_id = $agent AND occurred_at BETWEEN now() - interval '24 days' AND now() - interval '23 days'"
	ask volume_admin 'audit log by action' "SELECT * FROM workflow_orch.audit_log WHERE action = 'register_tool'"
	ask volume_admin 'audit log of an hour' "SELECT * FROM workflow_orch.audit_log WHERE occurred_at BETWEEN now() - interval '24 days' AND now() - interval '24 days' + interval '1 hour'"
	ask volume_admin 'rule tested on 3 days' "SELECT count(*) FROM workflow_orch.test_approval_rule('DBA', since => now() - interval '3 days')"
	ask volume_admin 'rule tested, the first 20' "SELECT * FROM workflow_orch.test_approval_rule('DBA') LIMIT 20"
	ask postgres 'raw call, refused' "SELECT workflow_orch.execute_parallel('[{\"tool\": \"echo\", \"params\": {\"a\": {\"n\": -1}}}]')"
	sql -c 'CREATE TABLE bench.gathered AS SELECT bench.gather(5000) AS id' >/dev/null
	most_memory 'cancel_workflow of 5,000' 'SELECT workflow_orch.cancel_workflow(id) FROM bench.gathered'
	most_memory 'review_actions of 10,000' "SELECT length(workflow_orch.review_actions((SELECT jsonb_agg(jsonb_build_object('proposal_id', proposal_id, 'reviewer_id', 11, 'decision', 'approve')) FROM (SELECT proposal_id FROM workflow_orch.proposal WHERE status = 'pending' LIMIT 10000) p))::text)"
	most_memory 'execute_parallel of 5,000, by tool and params' "SELECT workflow_orch.set_policy(dry_run => true), length(workflow_orch.execute_parallel((SELECT jsonb_agg(jsonb_build_object('tool', tool, 'params', params)) FROM (SELECT tool, params FROM workflow_orch.proposal WHERE status = 'approved' LIMIT 5000) p))::text)"
}
