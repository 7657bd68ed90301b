-- enqueue_action: what is queued, when it runs, and what is refused.
\set file enqueue
\ir include/fixture.sql
CREATE TABLE app.effect (at timestamptz DEFAULT clock_timestamp(), n int);
GRANT INSERT ON app.effect TO :tool_role;
CREATE FUNCTION app.add(n int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO effect (n) VALUES (n);
  RETURN n;
END $$;
CREATE FUNCTION app.away(n int) RETURNS text LANGUAGE sql AS 'SELECT session_user';
CREATE FUNCTION app.hold() RETURNS void LANGUAGE plpgsql AS 'BEGIN PERFORM pg_advisory_xact_lock(4711); END';
CALL t.tool('app.add(int)');
CALL t.tool('app.hold()');
SELECT workflow_orch.register_tool('away', 'app.away(int)', run_as => tool_role(), in_session => false);
CREATE FUNCTION t.count(n int) RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM app.effect e WHERE e.n = $1';
CREATE FUNCTION t.queued(proposal bigint) RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM workflow_orch.queue q WHERE q.proposal_id = $1';
\ir include/workers.sql

-- It runs at the commit
SELECT t.approved('add', '{"n": 1}') AS p \gset
BEGIN;
SELECT t.enqueued(:p) AS e \gset
SELECT is(t.execution_status(:e), 'queued', 'an enqueued call is queued');
SELECT is(t.status(:p), 'approved', 'its proposal stays approved');
SELECT pg_sleep(0.1);
SELECT is(t.count(1), 0::bigint, 'it does not run before the commit');
COMMIT;
SELECT t.outcome(:e) AS r \gset
SELECT is((SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(:'r'::jsonb) k), '{dry_run,duration_ms,executed_at,output,params,rows_changed,success,tool}', 'its result has the members of the contract');
SELECT is(:'r'::jsonb -> 'success' || (:'r'::jsonb -> 'output'), '[true, 1]', 'of a success');
SELECT is(t.status(:p) || ' ' || t.execution_status(:e) || ' ' || t.count(1), 'executed succeeded 1', 'and it has run, once');
SELECT is(t.queued(:p), 0::bigint, 'it is out of the queue');
SELECT is((SELECT result FROM workflow_orch.execution WHERE execution_id = :e), :'r', 'the execution has the result');
SELECT is((SELECT ROW(actor_id = t.ann(), login, attempt, dry_run, started_at >= queued_at, finished_at >= started_at, ended_by, end_reason)::text
             FROM workflow_orch.execution WHERE execution_id = :e), '(t,postgres,1,f,t,t,,)', 'and who asked for it, and when');
SELECT is((SELECT array_agg(concat_ws(' ', action, actor_id = t.ann(), login, details -> 'success') ORDER BY audit_id)
             FROM workflow_orch.get_audit_log(t.workflow()) WHERE execution_id = :e),
          '{enqueue_action t postgres,execute_action t enqueue_tool true}', 'the audit log has both');
SELECT t.approved('away', '{"n": 1}') AS p \gset
SELECT workflow_orch.enqueue_action(:p) AS e \gset
SELECT is(t.outcome(:e) ->> 'output', 'enqueue_tool', 'what is kept out of sessions runs in a worker, connected as its role; the actor may be left out');
SELECT is((SELECT actor_id FROM workflow_orch.execution WHERE execution_id = :e), NULL, 'then it is nobody in particular''s');

-- What is rolled back never runs
SELECT t.approved('add', '{"n": 2}') AS p1, t.approved('add', '{"n": 2}') AS p2, t.approved('add', '{"n": 3}') AS p3, t.approved('add', '{"n": 4}') AS p4 \gset
BEGIN;
SELECT FROM t.enqueued(:p1);
ROLLBACK;
BEGIN;
SAVEPOINT a;
SELECT FROM t.enqueued(:p1);
SAVEPOINT b;
SELECT FROM t.enqueued(:p2);
RELEASE b;
ROLLBACK TO a;
SELECT t.enqueued(:p3) AS e3 \gset
SAVEPOINT c;
SELECT t.enqueued(:p4) AS e4 \gset
RELEASE c;
COMMIT;
SELECT is(t.outcome(:e3) -> 'output' || (t.outcome(:e4) -> 'output'), '[3, 4]', 'what was enqueued around a savepoint that was rolled back runs');
SELECT is(t.count(2), 0::bigint, 'what was enqueued under it does not');
SELECT t.enqueued(:p2) AS e2 \gset
SELECT is(t.outcome(:e2) ->> 'output', '2', 'and can be enqueued later');
DO $$
BEGIN
  PERFORM t.enqueued((SELECT max(proposal_id) FROM workflow_orch.proposal WHERE status = 'approved'));
  RAISE 'undo';
EXCEPTION WHEN raise_exception THEN
END $$;
SELECT is(t.queued(:p1), 0::bigint, 'an error that is caught undoes the enqueue');

CREATE TABLE app.late (n int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED);
SELECT t.approved('add', '{"n": 12}') AS p \gset
\set ON_ERROR_STOP off
BEGIN;
SELECT FROM t.enqueued(:p);
INSERT INTO app.late VALUES (1), (1);
COMMIT;
\set ON_ERROR_STOP on
SELECT pg_sleep(0.1) \g /dev/null
SELECT is(t.queued(:p) || ' ' || t.count(12), '0 0', 'nor does what a failing commit undid');

-- run_at
SELECT clock_timestamp() + '600 ms' AS at \gset
SELECT t.approved('add', '{"n": 5}') AS p \gset
SELECT t.enqueued(:p, :'at') AS e \gset
SELECT is(workflow_orch.wait_execution(:e, '100 ms'), NULL, 'a call does not start before its time');
SELECT is(t.outcome(:e) ->> 'output', '5', 'and does start');
SELECT is((SELECT min(at) >= :'at' AND min(at) < :'at'::timestamptz + '3 s' FROM app.effect WHERE n = 5), true, 'soon after it');
SELECT t.approved('add', '{"n": 6}') AS p \gset
SELECT t.enqueued(:p, '2000-01-01') AS e \gset
SELECT is(t.outcome(:e) ->> 'output', '6', 'a time that is past is now');
SELECT t.approved('add', '{"n": 7}') AS far \gset
SELECT t.enqueued(:far, '290000-01-01') AS e \gset
SELECT is(t.execution_status(:e), 'queued', 'the end of time is a time');
SELECT is((SELECT queued_at FROM workflow_orch.execution WHERE execution_id = :e), '290000-01-01', 'which the execution shows');

-- What is refused
SELECT t.approved('add', '{"n": 8}') AS good, t.propose('add', '{"n": 8}') AS pending \gset
SELECT t.raises(statement, expected, statement)
  FROM (VALUES
    (format('SELECT enqueued(%s, ''infinity'')', :good), '{"sqlstate": "22023", "hint": "_%"}'::jsonb),
    (format('SELECT enqueued(%s, ''-infinity'')', :good), '{"sqlstate": "22023", "hint": "_%"}'),
    ('SELECT workflow_orch.enqueue_action(NULL)', '{"sqlstate": "22023", "message": "argument \"proposal_id\" must not be null"}'),
    (format('SELECT workflow_orch.enqueue_action(%s, NULL, NULL, NULL)', :good), '{"sqlstate": "22023", "message": "argument \"priority\" must not be null"}'),
    ('SELECT workflow_orch.enqueue_action(424242)', '{"sqlstate": "42704", "message": "proposal 424242 does not exist"}'),
    ('SELECT workflow_orch.enqueue_action(-1)', '{"sqlstate": "42704"}'),
    (format('SELECT workflow_orch.enqueue_action(%s, 424242)', :good), '{"sqlstate": "42704", "message": "actor 424242 does not exist"}'),
    (format('SELECT enqueued(%s)', :pending), '{"sqlstate": "55000", "message": "proposal % is not approved", "detail": "%pending%", "hint": "_%"}'),
    (format('SELECT enqueued(%s)', :p2), '{"sqlstate": "55000", "detail": "%executed%"}'),
    (format('SELECT enqueued(%s)', :far), format('{"sqlstate": "55000", "message": "proposal %s is already queued", "hint": "_%%"}', :far)::jsonb),
    (format('SELECT workflow_orch.execute_action(%s)', :far), '{"sqlstate": "55000", "message": "%already queued"}'),
    (format('SELECT parallel(%s)', :far), '{"sqlstate": "55000", "message": "%already queued"}'),
    (format('SELECT workflow_orch.retry_action(%s, ann())', :far), '{"sqlstate": "55000"}'),
    ('SELECT workflow_orch.complete_workflow(workflow())', '{"sqlstate": "55000"}')) v (statement, expected);
SELECT t.raises($$SELECT workflow_orch.execute_parallel('[{"tool": "add", "params": {"n": 7}}]')$$, '{"sqlstate": "55000", "message": "call 0 has no approved proposal"}', 'a queued proposal is not found by its params');
SELECT workflow_orch.set_tool_enabled('add', false);
SELECT t.raises(format('SELECT enqueued(%s)', :good), '{"sqlstate": "55000", "message": "%disabled%"}', 'a disabled tool');
SELECT workflow_orch.set_tool_enabled('add', true);
ALTER FUNCTION app.add STRICT;
SELECT t.raises(format('SELECT enqueued(%s)', :good), '{"sqlstate": "55000", "message": "%changed%"}', 'a tool that has changed');
ALTER FUNCTION app.add CALLED ON NULL INPUT;
REVOKE CONNECT ON DATABASE pgtap_engine_enqueue FROM PUBLIC;
SELECT t.raises(format('SELECT enqueued(%s)', :good), '{"sqlstate": "55000", "detail": "%CONNECT%", "hint": "_%"}', 'a role that cannot connect');
GRANT CONNECT ON DATABASE pgtap_engine_enqueue TO PUBLIC;
REVOKE EXECUTE ON FUNCTION app.add FROM PUBLIC;
SELECT t.raises(format('SELECT enqueued(%s)', :good), '{"sqlstate": "42501"}', 'a role that may not execute the function');
GRANT EXECUTE ON FUNCTION app.add TO PUBLIC;
SELECT is(t.queued(:good), 0::bigint, 'after all that it is not queued');
BEGIN READ ONLY;
SELECT t.raises(format('SELECT enqueued(%s)', :good), '{"sqlstate": "25006"}', 'a read-only transaction');
COMMIT;
BEGIN;
SELECT FROM t.enqueued(:good);
SELECT t.raises(format('SELECT enqueued(%s)', :good), '{"sqlstate": "55000", "message": "%already queued"}', 'twice in one transaction');
SELECT t.raises(format('SELECT workflow_orch.execute_action(%s)', :good), '{"sqlstate": "55000", "message": "%already queued"}', 'execute_action after it in one transaction');
ROLLBACK;
BEGIN;
SELECT t.enqueued(:good) AS e \gset
SELECT FROM workflow_orch.cancel_execution(:e);
SELECT t.enqueued(:good) AS again \gset
COMMIT;
SELECT is(t.outcome(:again) ->> 'output', '8', 'what is cancelled can be enqueued again, in the same transaction too');
SELECT is(t.count(8), 1::bigint, 'and runs once');
BEGIN;
SELECT t.approved('add', '{"n": 9}') AS fresh \gset
SELECT t.enqueued(:fresh) AS e \gset
COMMIT;
SELECT is(t.outcome(:e) ->> 'output', '9', 'what is approved and enqueued in one transaction runs at its commit');

-- Dry runs stay dry
SELECT t.approved('add', '{"n": 10}') AS dry \gset
BEGIN;
SELECT FROM workflow_orch.set_policy(dry_run => true);
SELECT t.enqueued(:dry) AS e \gset
SELECT FROM workflow_orch.set_policy(dry_run => false);
COMMIT;
SELECT matches(t.outcome(:e) ->> 'message', '^\[DRY RUN\] Would execute add with params: \{"n": 10\}$', 'what was enqueued under a dry run stays dry');
SELECT is(t.status(:dry) || ' ' || t.count(10) || ' ' || (SELECT dry_run FROM workflow_orch.execution WHERE execution_id = :e), 'approved 0 true', 'and leaves its proposal approved');
SELECT t.enqueued(:dry, clock_timestamp() + '300 ms') AS e \gset
SELECT FROM workflow_orch.set_policy(dry_run => true);
SELECT is(t.outcome(:e) ->> 'dry_run', 'true', 'what is queued when a dry run begins is one too');
SELECT is(t.status(:dry) || ' ' || t.count(10) || ' ' || (SELECT dry_run FROM workflow_orch.execution WHERE execution_id = :e), 'approved 0 true', 'and recorded as such');
SELECT FROM workflow_orch.set_policy(dry_run => false);

-- Priorities, with one worker
\set max_workers 1
\ir include/max_workers.sql
SELECT t.approved('hold') AS hold, pg_advisory_lock(4711) \gset
SELECT t.enqueued(:hold) AS held \gset
CALL t.wait_for_start(:held);
SELECT array_agg(t.enqueued(t.approved('add', jsonb_build_object('n', 100 + n)), priority => priority) ORDER BY n) AS ids
  FROM unnest('{0,-1,5,0,9223372036854775807,5,-9223372036854775808}'::bigint[]) WITH ORDINALITY u (priority, n) \gset
SELECT pg_advisory_unlock(4711) \gset
SELECT t.outcome(id) FROM unnest(:'ids'::bigint[]) id \g /dev/null
SELECT is((SELECT array_agg(n - 100 ORDER BY at) FROM app.effect WHERE n > 100), '{5,3,6,1,4,2,7}', 'calls of a higher priority start first, and then the oldest');
\set max_workers 0
\ir include/max_workers.sql
SELECT t.approved('add', '{"n": 11}') AS p \gset
SELECT t.raises(format('SELECT enqueued(%s)', :p), '{"sqlstate": "55000", "message": "background workers are not available", "hint": "%workflow_orch.max_workers%"}', 'no workers');
SELECT t.raises(format('SELECT parallel(%s)', :p), '{"sqlstate": "55000", "message": "background workers are not available", "hint": "%workflow_orch.max_workers%"}', 'no workers for a batch');
SELECT t.raises('SELECT workflow_orch.enqueue_action(424242)', '{"sqlstate": "42704"}', 'ids are checked before that');
\set max_workers 8
\ir include/max_workers.sql
SELECT is((SELECT string_agg(v::text, '; ') FROM workflow_orch.verify_audit_log() v), NULL, 'the audit log agrees with the tables');
\ir include/finish_workers.sql
