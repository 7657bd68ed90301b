-- verify_audit_log compares a proposal with its audit rows, however long it has been open.
\set file engine_verify_proposal
\ir include/fixture.sql

-- A new revision of what has been pending for an hour leaves its status as it is.
CREATE FUNCTION app.work(n int) RETURNS int LANGUAGE sql RETURN n;
CREATE FUNCTION app.old() RETURNS int LANGUAGE sql RETURN 1;
CALL tool('work(int)');
CALL tool('old()');
SELECT propose('work', '{"n": 1}') AS revised, propose('old') AS accepted \gset
BEGIN;
ALTER TABLE workflow_orch.proposal DISABLE TRIGGER guard_row, DISABLE TRIGGER record_row;
ALTER TABLE workflow_orch.audit_log DISABLE TRIGGER guard_row;
UPDATE workflow_orch.proposal SET status_at = status_at - interval '1 hour';
UPDATE workflow_orch.audit_log SET occurred_at = occurred_at - interval '1 hour';
ALTER TABLE workflow_orch.proposal ENABLE ALWAYS TRIGGER guard_row, ENABLE ALWAYS TRIGGER record_row;
ALTER TABLE workflow_orch.audit_log ENABLE ALWAYS TRIGGER guard_row;
COMMIT;
CREATE OR REPLACE FUNCTION app.old() RETURNS int LANGUAGE sql RETURN 2;
SELECT workflow_orch.revise_proposal(:revised, :ann, '{"n": 2}'), workflow_orch.accept_tool_definition('old', reason => 'tested') \g /dev/null
SELECT results_eq('SELECT count(*), max(status_at) < now() - interval ''59 min'' FROM workflow_orch.proposal', 'VALUES (2::bigint, true)', 'the status is as old as it was');
SELECT is_empty('SELECT * FROM workflow_orch.verify_audit_log(t.workflow())', 'which the log agrees with');
SELECT is((SELECT status::text FROM workflow_orch.review_action(id, :bob, 'approve', expected_revision => 2)), 'approved', 'then it is approved') FROM unnest(ARRAY[:revised, :accepted]::bigint[]) AS id;
SELECT is_empty('SELECT * FROM workflow_orch.verify_audit_log(t.workflow())', 'and has another one, from now on');

\ir include/finish.sql
