-- What listeners are told of.  Notifications come at a commit, so there is no
-- transaction round this file; psql prints them into a file, which is read.
\set ON_ERROR_STOP on
SELECT no_plan();
\set printed `mktemp`
\setenv PRINTED :printed
CREATE FUNCTION quick(n int) RETURNS int LANGUAGE sql RETURN 1 / n;
SELECT workflow_orch.register_actor('ann', 'Developer') AS ann, workflow_orch.register_actor('bob', 'DBA') AS bob \gset
SELECT workflow_orch.register_tool('quick', 'quick(int)', run_as => 'pg_monitor');
SELECT workflow_orch.start_workflow('Work', :ann) AS w \gset
LISTEN workflow_orch;

\o :printed
SELECT proposal_id FROM workflow_orch.propose_action(:w, :ann, 'quick', '{"n": 1}', 'r');
\o
\set got `grep -c '^Asynchronous' "$PRINTED" || true`
SELECT is(:got, 0, 'by default nobody is notified');

SELECT notify FROM workflow_orch.set_policy(notify => true) \g /dev/null
\o :printed
SELECT proposal_id AS p FROM workflow_orch.propose_action(:w, :ann, 'quick', '{"n": 0}', 'secret') \gset
SELECT workflow_orch.review_action(:p, :bob, 'approve', comment => 'secret') \g /dev/null
SELECT workflow_orch.execute_action(:p, :ann) \g /dev/null
SELECT workflow_orch.retry_action(:p, :ann) \g /dev/null
SELECT workflow_orch.review_action(:p, :bob, 'edit', '{"n": 1}') \g /dev/null
SELECT dry_run FROM workflow_orch.set_policy(dry_run => true) \g /dev/null
SELECT workflow_orch.execute_action(:p, :ann) \g /dev/null
SELECT dry_run FROM workflow_orch.set_policy(dry_run => false) \g /dev/null
SELECT workflow_orch.execute_action(:p, :ann) \g /dev/null
BEGIN;
SELECT proposal_id AS q FROM workflow_orch.propose_action(:w, :ann, 'quick', '{"n": 1}', 'r') \gset
ROLLBACK;
SELECT 'done';
\o
\set got `sed -n 's/^Asynchronous notification "workflow_orch" with payload "\(.*\)" received.*/\1/p' "$PRINTED" | paste -sd, || true`
SELECT is((SELECT jsonb_agg(m.value - 'execution_id' ORDER BY m.ordinality) FROM jsonb_array_elements(format('[%s]', :'got')::jsonb) WITH ORDINALITY m),
  (SELECT jsonb_agg(jsonb_build_object('proposal_id', :p, 'workflow_id', :w, 'status', status) ORDER BY i)
   FROM unnest(ARRAY['pending', 'approved', 'failed', 'failed', 'approved', 'approved', 'succeeded', 'succeeded', 'executed']) WITH ORDINALITY AS v (status, i)),
  'with notify each status that was committed is sent, as ids and the status; an edit too, and each execution');
SELECT is((SELECT jsonb_agg(m.value -> 'execution_id' ORDER BY m.ordinality) FROM jsonb_array_elements(format('[%s]', :'got')::jsonb) WITH ORDINALITY m WHERE m.value ? 'execution_id'),
  (SELECT jsonb_agg(execution_id ORDER BY execution_id) FROM workflow_orch.execution WHERE proposal_id = :p), 'what is told of an execution has its id');

-- A worker tells of the start while the call runs, and of the end with it.
CREATE ROLE engine_record_notify_tool LOGIN;
CREATE FUNCTION slow() RETURNS void LANGUAGE sql AS 'SELECT pg_sleep(0.1)';
SELECT workflow_orch.register_tool('slow', 'slow()', run_as => 'engine_record_notify_tool');
\o :printed
SELECT proposal_id AS p FROM workflow_orch.propose_action(:w, :ann, 'slow', '{}', 'r') \gset
SELECT workflow_orch.review_action(:p, :bob, 'approve') \g /dev/null
SELECT workflow_orch.enqueue_action(:p, :ann) AS e \gset
SELECT workflow_orch.wait_execution(:e, '1 min') ->> 'success';
SELECT 'done';
\o
\set got `sed -n 's/^Asynchronous notification "workflow_orch" with payload "\(.*"execution_id".*\)" received.*/\1/p' "$PRINTED" | paste -sd, || true`
SELECT is((SELECT jsonb_agg(m ->> 'status' ORDER BY i) FROM jsonb_array_elements(format('[%s]', :'got')::jsonb) WITH ORDINALITY AS x (m, i) WHERE (m ->> 'execution_id')::bigint = :e),
  '["queued", "running", "succeeded"]', 'a queued call is told of when it is queued, when it starts and when it has ended');

\o :printed
SELECT proposal_id AS p FROM workflow_orch.propose_action(:w, :ann, 'quick', '{"n": 1}', 'r') \gset
SELECT workflow_orch.cancel_workflow(:w, :ann) \g /dev/null
SELECT 'done';
\o
\set got `grep '^Asynchronous' "$PRINTED" | grep -c '"cancelled"' || true`
SELECT is(:got, 2, 'each proposal that a cancelled workflow takes with it is told of');
\! rm -f "$PRINTED"
SELECT * FROM finish();
DROP EXTENSION workflow_orch CASCADE;
DROP ROLE engine_record_notify_tool;
