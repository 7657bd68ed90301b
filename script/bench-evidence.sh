# bench-evidence.sh: what the tree over the audit log costs, and how fast it is.
#
# A part of bench.sh, which sources this file.  The cycle is measured with the
# sealer and without: a session that has the table audit_tree locked keeps the
# sealer from its rounds.  EVIDENCE_ROWS (300000) rows are then written, sealed,
# verified and proved, and a login floods the server with calls that are refused.  At last PURGE_PROPOSALS (100000) proposals are made, executed,
# sealed and purged.
# shellcheck shell=bash disable=SC2154

evidence_rows=${EVIDENCE_ROWS:-300000}
purge_proposals=${PURGE_PROPOSALS:-100000}

# Rows of the audit log, as a restore inserts them.
write_audit_rows() {
	psql -XqAt -d evidence -v rows="$1" -f "$here/test/bench/evidence.sql" >/dev/null
}

# Keep the sealer waiting, or let it go on and catch up.
sealer_stops() {
	psql -Xq -d evidence -c "BEGIN; LOCK TABLE workflow_orch.audit_tree; SELECT pg_sleep(3600)" >/dev/null 2>&1 &
	blocker=$!
	sleep 1
}
unlock_tree() {
	psql -XqAt -d postgres -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE query LIKE '%pg_sleep(3600)%' AND pid <> pg_backend_pid()" >/dev/null
	wait "$blocker" 2>/dev/null || true
}
sealer_goes_on() {
	unlock_tree
	evidence_sql 'SELECT workflow_orch.seal_audit_log()' >/dev/null
}

evidence_sql() { psql -XqAt -v ON_ERROR_STOP=1 -d evidence -c "$1"; }

# Seconds that a statement takes.
seconds_of() {
	psql -XqAt -v ON_ERROR_STOP=1 -d evidence -c '\timing on' -c "$1" |
		sed -nE 's/^Time: ([0-9.]+) ms.*/\1/p' | awk '{ printf "%.2f", $1 / 1000 }'
}

# The largest lag of the sealer in ten seconds of 5,000 rows each.
lag_at_load() {
	local lag most=0
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		write_audit_rows 5000
		lag=$(evidence_sql 'SELECT coalesce(extract(epoch FROM lag), 0) FROM workflow_orch.audit_status')
		most=$(awk -v a="$lag" -v b="$most" 'BEGIN { print (a > b ? a : b) }')
		sleep 0.7
	done
	printf '%.2f' "$most"
}

# Purge workflows of ten proposals each, a thousand proposals at a time.
purge_all() {
	psql -XqAt -v ON_ERROR_STOP=1 -d evidence -f "$here/test/bench/purge.sql" -c "CALL bench.work($((purge_proposals / 10)))"
	evidence_sql 'SELECT workflow_orch.seal_audit_log()' >/dev/null
	evidence_sql "VACUUM (ANALYZE)"
	evidence_sql 'CALL bench.purge(1000)' 2>/dev/null
	evidence_sql "SELECT format('purged: %s proposals in %s s, %s ms a batch, %s at most; %s bytes of WAL a proposal; %s MB of memory after a batch',
		sum(proposals), round(sum(ms)::numeric / 1000, 1), round(percentile_cont(0.5) WITHIN GROUP (ORDER BY ms)), round(max(ms)),
		round(sum(wal) / sum(proposals)), round(max(memory) / 1024)) FROM bench.batch"
	printf 'verify_audit_log afterwards: %s s, %s findings\n' "$(seconds_of 'SELECT count(*) FROM workflow_orch.verify_audit_log()')" \
		"$(evidence_sql "SELECT count(*) FROM workflow_orch.verify_audit_log() WHERE finding LIKE '%missing%'")"
}

# What ten seconds of refused calls of one login leave, and whether the attempt of another login has its row.
flood() {
	local log calls
	evidence_sql 'ALTER SYSTEM SET workflow_orch.max_refusals_per_minute = 20'
	evidence_sql "CREATE ROLE flooder LOGIN; CREATE ROLE bystander LOGIN; SELECT pg_reload_conf(),
		workflow_orch.grant_capability(r::regrole, 'propose') FROM unnest('{flooder,bystander}'::text[]) AS r" >/dev/null
	log=$(wc -c <"$WFO_LOG")
	(sleep 5 && psql -XqAtd evidence -U bystander -c "SELECT workflow_orch.withdraw_proposal(1, 1, 'not mine')") >/dev/null 2>&1 &
	calls=$(pgbench -n -U flooder -c 8 -j 2 -T 10 -f "$here/test/bench/refused.sql" evidence 2>/dev/null |
		sed -nE 's/^number of transactions actually processed: ([0-9]+).*/\1/p')
	wait $! || true
	sleep 2
	evidence_sql "SELECT format('flood: %s refused calls a second; in the audit log %s rows of them, and %s of another login; %s bytes in the log of the server',
		$calls * 100, count(*) FILTER (WHERE login = 'flooder'), count(*) FILTER (WHERE login = 'bystander'), $(wc -c <"$WFO_LOG") - $log)
		FROM workflow_orch.audit_log WHERE action IN ('refused', 'refused_flood')"
	evidence_sql 'ALTER SYSTEM RESET workflow_orch.max_refusals_per_minute'
	evidence_sql 'SELECT pg_reload_conf()' >/dev/null
}

part_evidence() {
	local sealed took
	createdb evidence
	PGDATABASE=evidence set_up 1000
	: >"$samples"
	for ((i = 0; i < rounds; i++)); do
		PGDATABASE=evidence run cycle_extension 8 sealer
		sealer_stops
		PGDATABASE=evidence run cycle_extension 8 alone
		sealer_goes_on
	done
	printf 'cycle with the sealer: %s of the throughput without, %s of the CPU\n' \
		"$(paired_ratio sealer alone 8 3)" "$(paired_ratio sealer alone 8 4)"
	printf 'lag at 5,000 rows per second: %s s at most\n' "$(lag_at_load)"
	sealed=$(evidence_sql 'SELECT workflow_orch.seal_audit_log(); SELECT size FROM workflow_orch.audit_tree' | tail -1)
	sealer_stops
	write_audit_rows "$evidence_rows"
	unlock_tree
	took=$(seconds_of 'SELECT workflow_orch.seal_audit_log()')
	evidence_sql 'SELECT size FROM workflow_orch.audit_tree' |
		awk -v s="$sealed" -v t="$took" '{ printf "sealed: %.0f rows per s\n", ($1 - s) / t }'
	evidence_sql "VACUUM (FREEZE, ANALYZE) workflow_orch.audit_log"
	printf 'verify_audit_log of %s rows: %s s\n' "$(evidence_sql 'SELECT size FROM workflow_orch.audit_tree')" \
		"$(seconds_of 'SELECT count(*) FROM workflow_orch.verify_audit_log()')"
	echo "SELECT workflow_orch.audit_proof(audit_id) FROM (SELECT (random() * (SELECT seen_id FROM workflow_orch.audit_tree))::bigint AS id) r,
		LATERAL (SELECT audit_id FROM workflow_orch.audit_log l WHERE l.audit_id >= r.id ORDER BY audit_id LIMIT 1) l;" | tr '\n' ' ' >"$WFO_TMP/proof.sql"
	printf 'audit_proof: %s ms\n' "$(pgbench -n -M prepared -c 1 -t 500 -f "$WFO_TMP/proof.sql" evidence 2>/dev/null | sed -nE 's/^latency average = ([0-9.]+) ms/\1/p')"
	evidence_sql "SELECT format('size per sealed row: %s bytes of tree', round((pg_total_relation_size('workflow_orch.audit_tile') + pg_total_relation_size('workflow_orch.audit_leaf')) / size::numeric))
		FROM workflow_orch.audit_tree"
	flood
	purge_all
}
