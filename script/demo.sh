#!/bin/bash
# demo.sh: plays a database migration on a real database of 1,000,000 accounts:
# a developer proposes four changes, a DBA approves, edits and rejects them,
# the approved changes run, and every way around the review is refused.  In the end
# a superuser rewrites the log, and a witness tells.
#
# It builds the extension and uses a server of its own, which is removed at the
# end.  Every person is a login role with a connection of its own.  The demo
# checks what it says, and ends with status 1 at the first difference.  demo/ has the SQL that sets the scene.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
if [ "${1:-}" != play ]; then
	echo "Building the extension and starting a throw-away server ..."
	exec bash "$root/script/with-server.sh" -c fsync=off -c max_wal_size=4GB -c workflow_orch.max_refusals_per_minute=20 bash "$root/script/demo.sh" play
fi

export PGDATABASE=bank PGAPPNAME=demo PGOPTIONS='-c client_min_messages=warning'
unset PSQLRC PSQL_PAGER PAGER
bold='' plain=''
[ ! -t 1 ] || bold=$'\e[1m' plain=$'\e[0m'

chapter() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }
tell() { printf '\n'; printf '%s\n' "$@"; }

# ask WHO SQL: a connection of WHO; stops at the first error.
ask() {
	psql -XqU "$1" -v ON_ERROR_STOP=1 -P footer=off -P null=- <<<"$2" 2>&1
}

# show WHO SQL: the statement as typed, its lines after the first indented.
show() {
	local prompt="  $1=> "
	printf '\n%s%s%s\n' "$prompt" "${2//$'\n'/$'\n'"${prompt//?/ }"}" ";"
}

indent() { sed -n 's/ *$//; /./s/^/  /p' <<<"$1"; }

# wrong WHAT OUTPUT: the demo is not what it claims to be.
wrong() {
	printf '\n%s\n%s\n' "THIS WENT OTHERWISE: $1" "$2" >&2
	exit 1
}

# act WHO PATTERN SQL: shows the statement and its result, which must match.
act() {
	local output
	show "$1" "$3"
	output=$(ask "$1" "$3;") || wrong "an error" "$output"
	indent "$output"
	[[ $output =~ $2 ]] || wrong "the result does not match $2" "$output"
}

# refused WHO SQLSTATE PATTERN SQL: the same, and the statement must fail.
refused() {
	local output
	show "$1" "$4"
	output=$(psql -XqU "$1" <<<"$4;"$'\n\\echo :LAST_ERROR_SQLSTATE' 2>&1) || true
	[[ ${output##*$'\n'} == "$2" ]] || wrong "no error $2" "$output"
	output=${output%$'\n'*}
	output=${output/ERROR:  /ERROR $2: }
	indent "$(grep -E '^(ERROR|DETAIL|HINT)' <<<"$output")"
	[[ $output =~ $3 ]] || wrong "the error does not match $3" "$output"
}

# holds CLAIM SQL: something that the narration rests on.
holds() {
	local output
	output=$(psql -XAtqc "$2" 2>&1) || true
	[ "$output" = t ] || wrong "$1" "$output"
}

chapter "The scene"

psql -XqAtd postgres -v ON_ERROR_STOP=1 <<'SQL'
CREATE ROLE bank_owner LOGIN;
CREATE ROLE ada LOGIN;
CREATE ROLE ben LOGIN;
CREATE ROLE cleo LOGIN;
CREATE ROLE dan LOGIN;
CREATE ROLE mia LOGIN;
CREATE ROLE sam LOGIN IN ROLE bank_owner;
CREATE DATABASE bank OWNER bank_owner;
SQL
pgbench -i -q -s 10 -U bank_owner bank >"$WFO_TMP/pgbench.log" 2>&1 || wrong pgbench "$(cat "$WFO_TMP/pgbench.log")"
psql -XqU bank_owner -v ON_ERROR_STOP=1 -f "$root/demo/bank.sql"
psql -Xq -v ON_ERROR_STOP=1 -c 'CREATE EXTENSION workflow_orch' \
	-c "SELECT workflow_orch.grant_capability('sam', 'administer')" >/dev/null
psql -XqU sam -v ON_ERROR_STOP=1 -f "$root/demo/approval.sql" >/dev/null

tell "A bank's database, made by pgbench. Its tables belong to bank_owner, no superuser:"
act ben 1000000 "SELECT count(*) AS accounts FROM pgbench_accounts"

tell "People with a login each. What they may do are plain grants on the extension's functions:"
indent "$(ask postgres "
	SELECT a.name, a.role, a.db_role AS login,
	       string_agg(c.capability, ', ' ORDER BY c.n) AS capabilities
	  FROM workflow_orch.actor a,
	       (VALUES (1, 'propose', 'propose_action'), (2, 'review', 'review_action'),
	               (3, 'execute', 'execute_action'), (4, 'audit', 'verify_audit_log'),
	               (5, 'administer', 'set_policy')) AS c(n, capability, function),
	       pg_proc p
	 WHERE p.proname = c.function AND p.pronamespace = 'workflow_orch'::regnamespace
	   AND has_function_privilege(a.db_role, p.oid, 'EXECUTE')
	 GROUP BY a.actor_id ORDER BY a.actor_id;")"

tell "Five SQL functions of the bank are registered as tools, which run as bank_owner, and one for statements:"
act ada drop_column "SELECT tool, run_as, description FROM workflow_orch.tool WHERE NOT built_in"

chapter "Ada, the developer, proposes"

tell "She wants a column for the tier of an account, its values, an index, and an old column gone."
act ada 1 "SELECT workflow_orch.start_workflow('Account tiers') AS workflow_id"
act ada '1 \| pending' "SELECT * FROM workflow_orch.propose_action(1, NULL, 'add_column',
  '{\"rel\": \"pgbench_accounts\", \"col\": \"tier\", \"type\": \"text\"}',
  'accounts get a tier')"
act ada '2 \| pending' "SELECT * FROM workflow_orch.propose_action(1, NULL, 'backfill_tier',
  '{\"max_rows\": 1000000}', 'all accounts need one')"
act ada '3 \| pending' "SELECT * FROM workflow_orch.propose_action(1, NULL, 'create_index',
  '{\"rel\": \"pgbench_accounts\", \"col\": \"tier\"}', 'reports read by tier')"
act ada '4 \| pending' "SELECT * FROM workflow_orch.propose_action(1, NULL, 'drop_column',
  '{\"rel\": \"pgbench_accounts\", \"col\": \"filler\"}', 'looks unused')"

tell "What does not fit the function is refused at once:"
refused ada 22023 "do not fit" "SELECT * FROM workflow_orch.propose_action(1, NULL, 'backfill_tier',
  '{\"max_rows\": \"many\"}', 'all accounts need one')"
holds "four proposals" "SELECT count(*) = 4 FROM workflow_orch.proposal"

chapter "Nobody gets round the review"

tell "Ada may review, but not what she proposed herself:"
refused ada 42501 "own proposal" "SELECT * FROM workflow_orch.review_action(1, NULL, 'approve')"
tell "She cannot say that she is Ben:"
refused ada 42501 "may not act for actor" "SELECT * FROM workflow_orch.review_action(1, 2, 'approve')"
tell "She cannot write the status into the table:"
refused ada 42501 "permission denied" "UPDATE workflow_orch.proposal SET status = 'approved' WHERE proposal_id = 1"
tell "Not even a superuser can:"
refused postgres 42501 refused "UPDATE workflow_orch.proposal SET status = 'approved' WHERE proposal_id = 1"
tell "She cannot call the function by herself:"
refused ada 42501 "permission denied" "SELECT change.drop_column('pgbench_accounts', 'filler')"
tell "And Cleo, who may execute, cannot execute what nobody has approved:"
refused cleo 55000 "not approved" "SELECT * FROM workflow_orch.execute_action(1)"
holds "nothing has happened" "SELECT bool_and(status = 'pending') FROM workflow_orch.proposal"

chapter "Ben, the DBA, decides"

tell "What waits for him:"
act ben 'drop_column.*needs 1' "SELECT proposal_id AS id, tool, params, reason, needs FROM workflow_orch.pending_review
 ORDER BY proposal_id"
tell "A preview runs the call as its role, rolls it back, and shows what it did:"
act ben 'true.*tier is there.*true' "SELECT p->'preview_id' AS id, p->'success' AS success, p->'output' AS output, p->'catalogs_changed' AS ddl
  FROM workflow_orch.preview_action(1) AS p"
holds "no column yet" "SELECT count(*) = 0 FROM pg_attribute WHERE attrelid = 'pgbench_accounts'::regclass AND attname = 'tier'"
tell "The column is fine. He approves, with what he saw:"
act ben '^[^|]*approved' "SELECT status FROM workflow_orch.review_action(1, NULL, 'approve', preview_id => 1)"
tell "A million rows in one transaction are not. He edits, with a JSON merge patch, and so approves" \
	"what he has made of it. The final call is what will run:"
act ben 'approved.*"max_rows": 100000}' "SELECT * FROM workflow_orch.review_action(2, NULL, 'edit', '{\"max_rows\": 100000}',
  'in steps, please')"
act ben '^[^|]*approved' "SELECT status FROM workflow_orch.review_action(3, NULL, 'approve')"
tell "The old column stays:"
act ben rejected "SELECT status FROM workflow_orch.review_action(4, NULL, 'reject', NULL, 'the archive reads filler')"

chapter "A dry run"

tell "Sam, the administrator, lets executions only say what they would do:"
act sam 't' "SELECT dry_run FROM workflow_orch.set_policy(dry_run => true)"
act cleo 'DRY RUN' "SELECT result->>'message' AS message FROM workflow_orch.execute_action(1)"
holds "no column yet" "SELECT count(*) = 0 FROM pg_attribute WHERE attrelid = 'pgbench_accounts'::regclass AND attname = 'tier'"
tell "Nothing has changed, and proposal 1 is still approved. From here on it is in earnest:"
act sam 'f' "SELECT dry_run FROM workflow_orch.set_policy(dry_run => false)"

chapter "Cleo, in operations, executes"

call="SELECT execution_id, result->'success' AS success, result->'output' AS output
  FROM workflow_orch.execute_action"
act cleo '2 \| true.*tier is there' "${call}(1)"
tell "Ben has another look at the next call, now that the column is there: it changes the rows that he allowed."
act ben '100000 *\| 0' "SELECT t->>'table' AS table, t->'inserted' AS inserted, t->'updated' AS updated, t->'deleted' AS deleted
  FROM workflow_orch.preview_action(2) AS p, jsonb_array_elements(p->'tables') AS t"
tell "He also sees some of the rows themselves, before and after:"
act ben 'null *\| "gold"' "SELECT r->'old'->'aid' AS account, r->'old'->'tier' AS tier_before, r->'new'->'tier' AS tier_after
  FROM workflow_orch.preview, jsonb_path_query(preview, '\$.tables[*].rows[*]') AS r
 WHERE preview_id = 2"
act ben ' 0' "SELECT count(tier) AS with_tier FROM pgbench_accounts"
act cleo '3 \| true.*100000' "${call}(2)"
act ben '100000' "SELECT count(*) AS accounts, count(tier) AS with_tier FROM pgbench_accounts"

tell "What ran does not run again:"
refused cleo 55000 "executed" "${call}(2)"
tell "Before the index is made, somebody puts other code into the approved tool's function:"
original=$(ask bank_owner "\pset format unaligned
\t
SELECT pg_get_functiondef('change.create_index'::regproc);")
act bank_owner '' "CREATE OR REPLACE FUNCTION change.create_index(rel regclass, col name)
RETURNS text LANGUAGE sql AS 'UPDATE pgbench_accounts SET abalance = 0; SELECT ''done'''"
refused cleo 55000 "has changed" "${call}(3)"
tell "With the function as it was approved, it runs:"
ask bank_owner "$original;"
act cleo '4 \| true.*is there' "${call}(3)"
act ben 'pgbench_accounts_tier' "SELECT indexname FROM pg_indexes WHERE tablename = 'pgbench_accounts'"
act ada completed "SELECT workflow_orch.complete_workflow(1) AS status"

chapter "A DBA first, then a manager"

tell "What drops a column is to have two approvals from now on: a DBA's, and after that a manager's." \
	"Sam says so with two rules:"
act sam '1 \| +2' "SELECT workflow_orch.add_approval_rule('DBA', tool => 'drop_column') AS first,
       workflow_orch.add_approval_rule('Manager', stage => 2, tool => 'drop_column') AS then"
act ada 2 "SELECT workflow_orch.start_workflow('Less to store') AS workflow_id"
act ada '5 \| pending' "SELECT * FROM workflow_orch.propose_action(2, NULL, 'drop_column',
  '{\"rel\": \"pgbench_accounts\", \"col\": \"filler\"}', 'the archive has moved')"
act ben 'DBA.*Manager' "SELECT proposal_id AS id, stage, r->'stage' AS of_stage, r->>'role' AS role, r->'approvals' AS approvals
  FROM workflow_orch.proposal, jsonb_array_elements(requirements) AS r WHERE proposal_id = 5"
tell "Mia, the manager, looks at what it would do. It runs, and is rolled back:"
act mia 't.*filler is gone.*t' "SELECT preview->'success' AS success, preview->'output' AS output,
       preview->'catalogs_changed' AS catalogs_changed FROM workflow_orch.preview_action(5)"
holds "the column is there" "SELECT count(*) = 1 FROM pg_attribute WHERE attrelid = 'pgbench_accounts'::regclass AND attname = 'filler'"
tell "But hers is the last word, not the first:"
refused mia 42501 "fills no slot" "SELECT * FROM workflow_orch.review_action(5, NULL, 'approve')"
act ben '^[^|]*pending' "SELECT status FROM workflow_orch.review_action(5, NULL, 'approve', NULL, 'I have asked the archive')"
refused cleo 55000 "not approved" "SELECT * FROM workflow_orch.execute_action(5)"
act mia '^[^|]*approved' "SELECT status FROM workflow_orch.review_action(5, NULL, 'approve')"
tell "Ben has second thoughts. Without his approval hers, which rests on it, is void too:"
act ben 'pending' "SELECT workflow_orch.revoke_approval(5, NULL, 'a backup first') AS status"
refused cleo 55000 "not approved" "SELECT * FROM workflow_orch.execute_action(5)"
tell "The backup is made, and both say yes again:"
act ben '^[^|]*pending' "SELECT status FROM workflow_orch.review_action(5, NULL, 'approve')"
act mia '^[^|]*approved' "SELECT status FROM workflow_orch.review_action(5, NULL, 'approve')"
act cleo '5 \| true.*is gone' "${call}(5)"
holds "the column is gone" "SELECT count(*) = 0 FROM pg_attribute WHERE attrelid = 'pgbench_accounts'::regclass AND attname = 'filler'"
act ada completed "SELECT workflow_orch.complete_workflow(2) AS status"

chapter "The rest in parallel, in background workers"

tell "The other accounts go branch by branch. Ada proposes five calls, one of them for a branch that" \
	"there is not, and Ben approves them all at once:"
act ada 3 "SELECT workflow_orch.start_workflow('Tiers of branches 2 to 5') AS workflow_id"
act ada '6 *\| *10' "SELECT min(p.proposal_id) AS first, max(p.proposal_id) AS last
  FROM unnest(ARRAY[2, 3, 4, 5, 50]) AS branch,
       workflow_orch.propose_action(3, NULL, 'fill_branch', jsonb_build_object('branch', branch), 'tiers for all') p"
act ben 5 "SELECT count(*) AS approved FROM generate_series(6, 10) AS id,
       workflow_orch.review_action(id, NULL, 'approve') r WHERE r.status = 'approved'"
tell "Cleo executes them at the same time. Each runs in a worker, connected as bank_owner, and in a" \
	"transaction of its own. While they run:"
parallel="SELECT r->>'proposal_id' AS proposal, r->>'success' AS success,
       coalesce(r->'output', r->'error'->'message') AS outcome, r->>'duration_ms' AS ms
  FROM jsonb_array_elements(workflow_orch.execute_parallel(
         '[{\"proposal_id\": 6}, {\"proposal_id\": 7}, {\"proposal_id\": 8},
           {\"tool\": \"fill_branch\", \"params\": {\"branch\": 5}}, {\"proposal_id\": 10}]')) r"
ask cleo "$parallel;" >"$WFO_TMP/parallel" &
for _ in {1..200}; do
	[ "$(psql -XAtqc "SELECT count(*) >= 2 FROM workflow_orch.worker_status WHERE execution_id IS NOT NULL")" != t ] || break
	sleep 0.01
done
act cleo 'bank_owner.*fill_branch' "SELECT database, role, execution_id, tool FROM workflow_orch.worker_status WHERE state = 'busy'"
wait $! || wrong "an error" "$(<"$WFO_TMP/parallel")"
tell "All results come in the order of the calls. One call has failed, and left the others alone:"
show cleo "$parallel"
indent "$(<"$WFO_TMP/parallel")"
holds "four branches are filled" "SELECT count(*) = 0 FROM pgbench_accounts WHERE bid BETWEEN 2 AND 5 AND tier IS NULL"
tell "A call can also be queued, to run when its transaction has committed, or at night. The rest of" \
	"branch 6 runs now; Cleo waits for it:"
ask ada "SELECT workflow_orch.propose_action(3, NULL, 'fill_branch', '{\"branch\": 6}', 'tiers for all')" >/dev/null
ask ben "SELECT workflow_orch.review_action(11, NULL, 'approve')" >/dev/null
act cleo '[0-9]' "SELECT workflow_orch.enqueue_action(11) AS execution_id"
act cleo '"success": true|100000' "SELECT result->'success' AS success, result->'output' AS output
  FROM workflow_orch.wait_execution((SELECT max(execution_id) FROM workflow_orch.execution)) AS result"

chapter "One account, and no more"

tell "One account is to be cleared. Ada writes the statement, and forgets half of the condition:"
act ada '12 \\| pending' "SELECT * FROM workflow_orch.propose_action(3, NULL, 'sql',
  '{\"statement\": \"UPDATE pgbench_accounts SET abalance = 0 WHERE bid = 7\"}', 'account 600001 is closed')"
tell "Ben does not see it either. But one account is one row, and his approval says so:"
act ben 'approved.*"max_rows": 1' "SELECT * FROM workflow_orch.review_action(12, NULL, 'approve', max_rows => 1)"
tell "The call changes more rows than he approved, fails, and leaves nothing:"
act cleo '54000' "SELECT result->'success' AS success, result->'error'->>'sqlstate' AS sqlstate, result->'error'->>'message' AS error
  FROM workflow_orch.execute_action(12)"
holds "no balance has changed" "SELECT bool_and(xmin = (SELECT xmin FROM pgbench_accounts WHERE aid = 600001)) FROM pgbench_accounts WHERE bid = 7"

chapter "Nobody alone changes the rules"

tell "Sam alone has said until now whose approval is needed. From here on Mia administers, too, and what a" \
	"review means is protected:"
ask postgres "SELECT workflow_orch.grant_capability(r::regrole, c)
  FROM unnest('{sam,mia}'::text[]) AS r, unnest('{propose,review,execute,administer}'::text[]) AS c" >/dev/null
act sam 't' "SELECT protected FROM workflow_orch.set_policy(protected => true)"
tell "Sam would like to have every statement seen by a DBA. He can no longer say so by himself:"
refused sam 42501 "cannot be called directly" "SELECT workflow_orch.add_approval_rule('DBA', tool => 'sql')"
tell "Nor can a superuser:"
refused postgres 42501 "cannot be called directly" "SELECT workflow_orch.set_policy(protected => false)"
tell "He proposes the call instead. Mia, who may administer, approves it, in a session of her own:"
act sam '13 \\| pending' "SELECT * FROM workflow_orch.propose_action(3, NULL, 'workflow_orch.add_approval_rule',
  '{\"role\": \"DBA\", \"tool\": \"sql\"}', 'statements need a DBA')"
refused sam 42501 "own proposal" "SELECT * FROM workflow_orch.review_action(13, NULL, 'approve')"
act mia '^[^|]*approved' "SELECT status FROM workflow_orch.review_action(13, NULL, 'approve')"
act sam 'true' "SELECT result->'success' AS success, result->'output' AS rule_id FROM workflow_orch.execute_action(13)"
tell "The audit row of the new rule names both:"
act dan 'add_approval_rule.*approved_by' "SELECT action, details->'role' AS role, details->'tool' AS tool, details->'authority' AS authority
  FROM workflow_orch.audit_log WHERE action = 'add_approval_rule' AND proposal_id = 13"

chapter "Dan, the auditor, reads what happened"

act dan 'dry run, add_column.*complete_workflow' "SELECT to_char(l.occurred_at, 'HH24:MI:SS') AS time, a.name AS who, l.action,
       l.proposal_id AS proposal, l.details->>'status' AS status,
       concat_ws(', ', CASE l.details->>'dry_run' WHEN 'true' THEN 'dry run' END, l.details->>'title',
                 l.details->>'tool', l.details->>'reason', l.details->>'decision',
                 l.details->>'edits', l.details->>'comment') AS what
  FROM workflow_orch.get_audit_log(1) l LEFT JOIN workflow_orch.actor a USING (actor_id)
 ORDER BY l.audit_id"
tell "What was refused was rolled back, and is there all the same:"
act dan 'ada.*wfo_own_proposal' "SELECT login, call, sqlstate, reason, proposal_id AS proposal, attempts FROM workflow_orch.refused_attempt
 WHERE proposal_id IN (1, 2) ORDER BY audit_id"
tell "Each start of a tool is also a line in the server's log:"
indent "$(grep -oE '[a-z_]+@bank LOG:  .*' "$WFO_LOG" | grep -E 'starts')"
tell "The log only grows, for a superuser too:"
refused postgres 42501 refused "DELETE FROM workflow_orch.audit_log WHERE action = 'review_action'"
tell "And the tables agree with it: a row here would be a finding."
act dan 'finding' "SELECT * FROM workflow_orch.verify_audit_log()"
holds "no findings" "SELECT count(*) = 0 FROM workflow_orch.verify_audit_log()"

chapter "What a superuser cannot hide"

tell "A superuser can switch the triggers off. Dan trusts none, and keeps checkpoints of the sealed log on a machine" \
	"of his own, signed with his key:"
openssl genpkey -algorithm ed25519 -out "$WFO_TMP/dan.key" 2>"$WFO_TMP/openssl.log" || wrong "no key" "$(cat "$WFO_TMP/openssl.log")"
witness=("$root/script/audit_witness.py" run "$WFO_TMP/dan" "dbname=bank user=dan" --key "$WFO_TMP/dan.key" --name dan.example.com)
# watch STATUS PATTERN: Dan's witness looks at the log.
watch() {
	local output status=0
	printf '\n  dan$ script/audit_witness.py run seen "dbname=bank user=dan" --key dan.key --name dan.example.com\n'
	output=$("${witness[@]}" 2>&1) || status=$?
	indent "$output"
	[[ "$status $output" =~ ^$1\ .*$2 ]] || wrong "the witness does not say $2" "$output"
}
watch 0 'OK: the tree'
watch 0 'proved: the tree'
tell "Somebody with the password of postgres makes Ben say something else:"
act postgres '' "DO \$\$ DECLARE t regclass; BEGIN
  FOR t IN SELECT oid FROM pg_class WHERE relnamespace = 'workflow_orch'::regnamespace AND relkind = 'r' LOOP
    EXECUTE format('ALTER TABLE %s DISABLE TRIGGER ALL', t);
  END LOOP;
END \$\$;
UPDATE workflow_orch.review SET comment = 'Looks fine' WHERE review_id = (SELECT min(review_id) FROM workflow_orch.review)"
act dan 'review [0-9]*. is not what was sealed' "SELECT audit_id, finding FROM workflow_orch.verify_audit_log()"
tell "So he takes away all that was sealed, and has the changed log sealed anew:"
act postgres 'rows' "TRUNCATE workflow_orch.audit_tree, workflow_orch.audit_tile, workflow_orch.audit_leaf;
DELETE FROM workflow_orch.audit_anchor;
DELETE FROM workflow_orch.audit_log WHERE action = 'record_anchor';
SELECT workflow_orch.seal_audit_log() AS rows"
tell "Now the database agrees with itself, and nothing in it tells:"
act dan 'finding' "SELECT audit_id, finding FROM workflow_orch.verify_audit_log()"
holds "no findings" "SELECT count(*) = 0 FROM workflow_orch.verify_audit_log()"
tell "But Dan has seen another log:"
watch 1 'REFUSED: the tree'

tell "That was it. The server is removed now, with all that was on it. README.md says where to read on."
