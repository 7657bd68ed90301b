-- wait_execution and cancel_execution.
\set file outcome
\ir include/fixture.sql
CREATE TABLE app.effect (n int);
GRANT INSERT ON app.effect TO :tool_role;
CREATE FUNCTION app.add(n int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO effect VALUES (n);
  RETURN 10 / n;
END $$;
CREATE FUNCTION app.hold(n int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO effect VALUES (n);
  PERFORM pg_advisory_xact_lock_shared(4711);
  RETURN n;
END $$;
-- Catches each cancel.
CREATE FUNCTION app.stubborn(n int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO effect VALUES (n);
  PERFORM pg_advisory_xact_lock_shared(4711);
  RETURN n;
EXCEPTION WHEN query_canceled THEN
  RETURN -n;
END $$;
CREATE FUNCTION app.cancel_itself() RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE query_canceled; END $$;
CALL t.tool('app.add(int)');
CALL t.tool('app.hold(int)');
CALL t.tool('app.stubborn(int)');
CALL t.tool('app.cancel_itself()');
CALL t.tool('app.hold(int)', 'short', '100 ms');
CREATE FUNCTION t.ended(execution bigint) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', e.status, e.result -> 'success', e.result -> 'error' ->> 'sqlstate', coalesce(e.ended_by::text, '-'), coalesce(e.end_reason, '-'))
    FROM workflow_orch.execution e WHERE e.execution_id = execution
$$;
\ir include/workers.sql

-- Waiting
SELECT t.approved('add', '{"n": 0}') AS failing, t.approved('add', '{"n": 5}') AS p, t.approved('add', '{"n": 2}') AS far \gset
SELECT t.enqueued(:failing) AS e \gset
SELECT is(concat_ws(' ', r -> 'success', r -> 'error' ->> 'sqlstate', r -> 'error' ->> 'message'), 'false 22012 division by zero', 'a failure is a result')
  FROM workflow_orch.wait_execution(:e) r;
SELECT is(t.status(:failing), 'failed', 'and the proposal has failed');
SELECT is(workflow_orch.retry_action(:failing, t.ann())::text, 'approved', 'from where it can be retried');
SELECT t.enqueued(:far, now() + '1 h') AS later \gset
SELECT clock_timestamp() AS before \gset
SELECT is(workflow_orch.wait_execution(:later, '200 ms'), NULL, 'a wait that ends first is NULL');
SELECT is(clock_timestamp() - :'before' BETWEEN '200 ms' AND '2 s', true, 'and lasts as long as was said');
SELECT is(workflow_orch.wait_execution(:later, '1 us'), NULL, 'the shortest one, too');
SELECT t.raises(statement, expected, statement)
  FROM (VALUES ('SELECT workflow_orch.wait_execution(NULL)', '{"sqlstate": "22023", "message": "argument \"execution_id\" must not be null"}'::jsonb),
               ('SELECT workflow_orch.wait_execution(424242)', '{"sqlstate": "42704", "message": "execution 424242 does not exist"}'),
               ('SELECT workflow_orch.wait_execution(-1)', '{"sqlstate": "42704"}'),
               (format('SELECT workflow_orch.wait_execution(%s, ''-1 s'')', :later), '{"sqlstate": "22023", "hint": "_%"}'),
               (format('SELECT workflow_orch.wait_execution(%s, ''-1 s'')', :e), '{"sqlstate": "22023", "hint": "_%"}'),
               (format('SELECT workflow_orch.wait_execution(%s, ''178000000 years'')', :later), '{"sqlstate": "22023", "hint": "_%"}'),
               ('SELECT workflow_orch.wait_execution(424242, ''-1 s'')', '{"sqlstate": "22023"}')) v (statement, expected);
BEGIN;
SELECT t.enqueued(:p) AS e \gset
SELECT t.raises(format('SELECT workflow_orch.wait_execution(%s)', :e), '{"sqlstate": "55000", "hint": "Commit%"}', 'an execution that the same transaction enqueued');
SELECT t.raises(format('SELECT workflow_orch.wait_execution(%s, ''1 s'')', :e), '{"sqlstate": "55000", "hint": "Commit%"}', 'be it with a timeout');
ROLLBACK;
SELECT t.raises(format('SELECT workflow_orch.wait_execution(%s)', :e), '{"sqlstate": "42704"}', 'one whose enqueue was rolled back');
SELECT t.enqueued(:p, clock_timestamp() + '300 ms') AS e \gset
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) AS before FROM app.effect \gset
SELECT is(t.outcome(:e) ->> 'output', '2', 'the result comes to a transaction whose snapshot is older');
SELECT is((SELECT count(*) FROM app.effect), :before::bigint, 'which does not see the effects');
COMMIT;
SELECT t.approved('add', '{"n": 1}') AS p \gset
SELECT t.enqueued(:p, clock_timestamp() + '300 ms') AS e \gset
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT count(*) AS before FROM app.effect \gset
SELECT is(t.outcome(:e) ->> 'output', '10', 'in SERIALIZABLE as well');
COMMIT;
BEGIN READ ONLY;
SELECT is(t.outcome(:e) ->> 'output', '10', 'a read-only transaction can wait');
COMMIT;
SELECT execution_id AS in_session FROM workflow_orch.execute_action(t.approved('add', '{"n": 10}')) \gset
SELECT is(t.outcome(:in_session) ->> 'output', '1', 'an execution of a session has its result');

-- Cancelling what is queued
SELECT is(workflow_orch.cancel_execution(:later, t.cyd(), 'not today')::text, 'cancelled', 'a queued execution is cancelled');
SELECT is(t.ended(:later), format('cancelled false 57014 %s not today', t.cyd()), 'which says by whom and why');
SELECT is(t.outcome(:later) -> 'error' ->> 'sqlstate', '57014', 'and whoever waits is told');
SELECT is(t.status(:far), 'approved', 'the proposal stays approved');
SELECT is((SELECT concat_ws(' ', actor_id = t.cyd(), details ->> 'reason') FROM workflow_orch.get_audit_log(t.workflow())
            WHERE action = 'cancel_execution' AND execution_id = :later), 't not today', 'the audit log has who cancelled');
SELECT t.enqueued(:far, now() + '1 h') AS e \gset
SELECT FROM workflow_orch.cancel_execution(:e);
SELECT is(t.ended(:e), 'cancelled false 57014 - -', 'nobody in particular cancels, for no reason');
SELECT t.raises(statement, expected, statement)
  FROM (VALUES ('SELECT workflow_orch.cancel_execution(NULL)', '{"sqlstate": "22023", "message": "argument \"execution_id\" must not be null"}'::jsonb),
               ('SELECT workflow_orch.cancel_execution(424242)', '{"sqlstate": "42704", "message": "execution 424242 does not exist"}'),
               (format('SELECT workflow_orch.cancel_execution(%s, 424242)', :e), '{"sqlstate": "42704", "message": "actor 424242 does not exist"}'),
               (format('SELECT workflow_orch.cancel_execution(%s)', :e), '{"sqlstate": "55000", "detail": "It is cancelled.", "hint": "_%"}'),
               (format('SELECT workflow_orch.cancel_execution(%s)', :in_session), '{"sqlstate": "55000", "detail": "It is succeeded."}')) v (statement, expected);
BEGIN;
SELECT t.enqueued(:far) AS e \gset
SELECT is(workflow_orch.cancel_execution(:e)::text, 'cancelled', 'what the transaction has enqueued can be cancelled in it');
SELECT is(workflow_orch.wait_execution(:e) -> 'error' ->> 'sqlstate', '57014', 'and has its result at once');
COMMIT;

-- Cancelling what runs
SELECT pg_advisory_lock(4711) \gset
SELECT t.approved('hold', '{"n": 20}') AS p1, t.approved('stubborn', '{"n": 21}') AS p2 \gset
SELECT t.enqueued(:p1) AS e1, t.enqueued(:p2) AS e2 \gset
CALL t.wait_for_start(:e1);
CALL t.wait_for_start(:e2);
CALL t.wait_for($$SELECT count(*) = 2 FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted$$);
SELECT is(workflow_orch.wait_execution(:e1, '50 ms'), NULL, 'a running call has no result yet');
SELECT is(workflow_orch.cancel_execution(:e1, t.cyd(), 'too slow')::text, 'cancelled', 'a running execution is cancelled');
SELECT is(workflow_orch.cancel_execution(:e2, t.cyd(), 'too slow')::text, 'cancelled', 'be it that the tool catches the cancel');
SELECT is(t.ended(:e1), format('cancelled false 57014 %s too slow', t.cyd()), 'which says by whom and why');
SELECT is(t.ended(:e2), format('cancelled false 57014 %s too slow', t.cyd()), 'the stubborn one, too');
SELECT is(t.status(:p1) || ' ' || t.status(:p2), 'approved approved', 'the proposals stay approved');
SELECT is((SELECT count(*) FROM app.effect WHERE n >= 20), 0::bigint, 'the effects are undone');
SELECT is((SELECT string_agg(concat_ws(' ', actor_id = t.cyd(), details ->> 'reason'), ',') FROM workflow_orch.get_audit_log(t.workflow())
            WHERE execution_id IN (:e1, :e2) AND action <> 'enqueue_action'), 't too slow,t too slow', 'the audit log has who cancelled');
SELECT t.approved('short', '{"n": 22}') AS p, t.approved('cancel_itself') AS p3 \gset
SELECT t.enqueued(:p) AS e, t.enqueued(:p3) AS e3 \gset
SELECT is(concat_ws(' ', r -> 'success', r -> 'error' ->> 'sqlstate', r -> 'error' ->> 'message'), 'false 57014 cancelled after the timeout of 100 ms', 'a timeout is the tool''s failure')
  FROM t.outcome(:e) r;
SELECT is(t.ended(:e) || ' ' || t.status(:p), 'failed false 57014 - - failed', 'and no cancel');
SELECT is(t.outcome(:e3) -> 'error' ->> 'sqlstate', '57014', 'a tool may raise that by itself');
SELECT is(t.ended(:e3) || ' ' || t.status(:p3), 'failed false 57014 - - failed', 'which is its failure, too');
SELECT t.enqueued(:p1) AS e1 \gset
CALL t.wait_for_start(:e1);
CALL t.wait_for($$SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted$$);
SELECT is(pg_cancel_backend(pid::int), true, 'a worker is told to cancel') FROM workflow_orch.worker_status WHERE execution_id = :e1;
SELECT is(t.outcome(:e1) -> 'error' ->> 'sqlstate', '57014', 'from outside');
SELECT is(t.ended(:e1) || ' ' || t.status(:p1), 'cancelled false 57014 - - approved', 'as by cancel_execution, but by nobody in particular');
SELECT pg_advisory_unlock(4711) \gset
SELECT t.enqueued(:p1) AS e1 \gset
SELECT is(t.outcome(:e1) ->> 'output', '20', 'what was cancelled can be enqueued again');
SELECT is((SELECT string_agg(v::text, '; ') FROM workflow_orch.verify_audit_log() v), NULL, 'the audit log agrees with the tables');
\ir include/finish_workers.sql
