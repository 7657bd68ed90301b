-- resume_queue: what was queued in the original of this database is held.
\set file resume
\ir include/fixture.sql
\ir include/effect.sql
-- Puts a call into the queue as a restore does: of another database or system.
CREATE FUNCTION t.restored(proposal bigint, system bigint, database oid) RETURNS bigint LANGUAGE sql AS $$
  INSERT INTO workflow_orch.execution (execution_id, proposal_id, workflow_id, revision, actor_id, status, dry_run, attempt, queued_at, login)
  OVERRIDING SYSTEM VALUE
  SELECT nextval(pg_get_serial_sequence('workflow_orch.execution', 'execution_id')), p.proposal_id, p.workflow_id, p.revision, ann(), 'queued', false, 0, now(), 'postgres'
    FROM workflow_orch.proposal p WHERE p.proposal_id = proposal;
  INSERT INTO workflow_orch.queue (proposal_id, execution_id, run_as_oid, priority, due_at, attempts, crashes, home_system, home_database, tool)
  SELECT p.proposal_id, e.execution_id, tool_role(), 0, now(), 0, 0, system, database, p.tool
    FROM workflow_orch.proposal p JOIN workflow_orch.execution e USING (proposal_id) WHERE p.proposal_id = proposal
  RETURNING execution_id
$$;
\ir include/workers.sql
SELECT system_identifier AS system FROM pg_control_system() \gset
SELECT oid AS database FROM pg_database WHERE datname = current_database() \gset

SELECT is(workflow_orch.resume_queue(), 0::bigint, 'nothing is held');
SELECT t.approved('add', '{"n": 1}') AS p1, t.approved('add', '{"n": 2}') AS p2, t.approved('add', '{"n": 3}') AS p3 \gset
SELECT t.restored(:p1, :system, 1) AS e1, t.restored(:p2, :system + 1, :database) AS e2 \gset
SELECT t.enqueued(:p3) AS e3 \gset
SELECT is(t.outcome(:e3) ->> 'output', '3', 'what is queued here runs beside what is held');
SELECT is(workflow_orch.wait_execution(:e1, '200 ms'), NULL, 'what was queued in another database does not run');
SELECT is(workflow_orch.wait_execution(:e2, '50 ms'), NULL, 'nor what was queued on another server');
SELECT is((SELECT ROW(tool, due, scheduled, running, held)::text FROM workflow_orch.queue_status), '(add,0,0,0,2)', 'queue_status shows it as held');
SELECT is((SELECT detail FROM workflow_orch.check_setup() WHERE finding = 'queue_held'), '2 calls were queued in the original of this database, and are held here.', 'so does check_setup');
SELECT t.raises(format('SELECT enqueued(%s)', :p1), '{"sqlstate": "55000", "message": "%already queued"}', 'it counts as queued');
SELECT t.raises(format('SELECT execute(%s)', :p1), '{"sqlstate": "55000", "message": "%already queued"}', 'and is not executed');
BEGIN;
SELECT is(workflow_orch.resume_queue(), 2::bigint, 'an administrator resumes the queue');
ROLLBACK;
SELECT is(workflow_orch.wait_execution(:e1, '200 ms'), NULL, 'a rollback of that resumes nothing');
SELECT is(workflow_orch.cancel_execution(:e2)::text, 'cancelled', 'what is held can be cancelled');
SELECT is(workflow_orch.resume_queue(), 1::bigint, 'the rest is resumed');
SELECT is(t.outcome(:e1) ->> 'output', '1', 'and runs');
SELECT is(workflow_orch.resume_queue(), 0::bigint, 'once');
SELECT is_empty('SELECT * FROM workflow_orch.check_setup() WHERE finding = ''queue_held''', 'check_setup finds it no more');
SELECT set_eq('SELECT n FROM app.effect', '{1,3}'::int[], 'as does each call');
SELECT is((SELECT array_agg(details -> 'count' ORDER BY audit_id) FROM workflow_orch.audit_log WHERE action = 'resume_queue'), '{0,1,0}', 'the audit log has it');
BEGIN;
SELECT t.approved('add', '{"n": 4}') AS p4 \gset
COMMIT;
SET statement_timeout = '10s';
SELECT t.restored(:p4, :system, 1) AS e4 \gset
BEGIN;
SELECT FROM workflow_orch.resume_queue();
SELECT t.raises(format('SELECT workflow_orch.wait_execution(%s)', :e4), '{"sqlstate": "55000", "hint": "Commit%"}', 'what this transaction has resumed starts at its commit, and cannot be waited for');
COMMIT;
SELECT is(t.outcome(:e4) ->> 'output', '4', 'then it runs');
SELECT is((SELECT string_agg(v::text, '; ') FROM workflow_orch.verify_audit_log() v WHERE finding NOT LIKE '%has no audit row'), NULL, 'the audit log agrees with the tables');
\ir include/finish_workers.sql
