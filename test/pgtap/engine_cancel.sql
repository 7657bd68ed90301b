-- cancel_execution.
\set file engine_cancel
\ir include/fixture.sql
\ir include/effect.sql
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
CALL t.tool('app.stubborn(int)');
CALL t.tool('app.cancel_itself()');
CALL t.tool('app.hold(int)', 'short', '100 ms');
CREATE FUNCTION t.ended(execution bigint) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', e.status, e.result -> 'success', e.result -> 'error' ->> 'sqlstate', e.result -> 'error' ->> 'reason', coalesce(e.ended_by::text, '-'), coalesce(e.end_reason, '-'))
    FROM workflow_orch.execution e WHERE e.execution_id = execution
$$;
\ir include/workers.sql

SELECT t.approved('add', '{"n": 2}') AS far \gset
SELECT t.enqueued(:far, now() + '1 h') AS later \gset
SELECT execution_id AS in_session FROM workflow_orch.execute_action(t.approved('add', '{"n": 10}')) \gset

-- Cancelling what is queued
SELECT is(workflow_orch.cancel_execution(:later, t.cyd(), 'not today')::text, 'cancelled', 'a queued execution is cancelled');
SELECT is(t.ended(:later), format('cancelled false 57014 wfo_cancelled %s not today', t.cyd()), 'which says by whom and why');
SELECT is(t.outcome(:later) #>> '{error,detail}', format('Actor %s, through login "%s", canceled it: not today', t.cyd(), session_user), 'so does the result');
SELECT t.enqueued(t.approved('add', '{"n": 11}'), now() + '1 h') AS unsaid \gset
SELECT is(workflow_orch.cancel_execution(:unsaid, t.cyd(), ' ')::text, 'cancelled', 'a blank reason');
SELECT is(t.outcome(:unsaid) #>> '{error,detail}', format('Actor %s, through login "%s", canceled it.', t.cyd(), session_user), 'is none');
SELECT is(t.status(:far), 'approved', 'the proposal stays approved');
SELECT is((SELECT concat_ws(' ', actor_id = t.cyd(), details ->> 'reason') FROM workflow_orch.get_audit_log(t.workflow())
            WHERE action = 'cancel_execution' AND execution_id = :later), 't not today', 'the audit log has who cancelled');
SELECT t.enqueued(:far, now() + '1 h') AS e \gset
SELECT FROM workflow_orch.cancel_execution(:e);
SELECT is(t.ended(:e), 'cancelled false 57014 wfo_cancelled - -', 'nobody in particular cancels, for no reason');
SELECT t.raises(statement, expected, statement)
  FROM (VALUES ('SELECT workflow_orch.cancel_execution(NULL)', '{"sqlstate": "22023", "message": "argument \"execution_id\" must not be null"}'::jsonb),
               ('SELECT workflow_orch.cancel_execution(424242)', '{"sqlstate": "42704", "message": "execution 424242 does not exist", "hint": "%cancel the statement%"}'),
               (format('SELECT workflow_orch.cancel_execution(%s, 424242)', :e), '{"sqlstate": "42704", "message": "actor 424242 does not exist"}'),
               (format('SELECT workflow_orch.cancel_execution(%s)', :e), '{"sqlstate": "55000", "detail": "Its status is cancelled.", "hint": "_%"}'),
               (format('SELECT workflow_orch.cancel_execution(%s)', :in_session), '{"sqlstate": "55000", "detail": "Its status is succeeded."}')) v (statement, expected);
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
BEGIN;
SELECT is(workflow_orch.cancel_execution(:e1, t.bob(), 'rolled back')::text, 'running', 'a cancel of what runs is a request');
ROLLBACK;
SELECT is(workflow_orch.wait_execution(:e1, '100 ms'), NULL, 'which is nothing before its transaction has committed');
BEGIN;
SELECT is(workflow_orch.cancel_execution(:e1, t.cyd(), 'too slow')::text, 'running', 'it says that the call still runs');
SELECT is(workflow_orch.cancel_execution(:e1, t.bob(), 'me too')::text, 'running', 'so does another');
COMMIT;
SELECT is(workflow_orch.cancel_execution(:e2, t.cyd(), 'too slow')::text, 'running', 'a tool that catches the cancel is asked in the same way');
SELECT is(t.outcome(:e1) #>> '{error,message}', 'canceled while it ran', 'the call ends');
SELECT is(t.outcome(:e1) #>> '{error,detail}', format('Actor %s, through login "%s", canceled it: too slow', t.cyd(), session_user), 'and says who canceled it and why');
SELECT is(t.outcome(:e2) #>> '{error,sqlstate}', '57014', 'even if the tool caught the cancel');
SELECT is(t.ended(:e1), format('cancelled false 57014 wfo_cancelled %s too slow', t.cyd()), 'the execution says so, too');
SELECT is(t.ended(:e2), format('cancelled false 57014 wfo_cancelled %s too slow', t.cyd()), 'the stubborn one, too');
SELECT is(t.status(:p1) || ' ' || t.status(:p2), 'approved approved', 'the proposals stay approved');
SELECT is((SELECT count(*) FROM app.effect WHERE n >= 20), 0::bigint, 'the effects are undone');
SELECT is((SELECT array_agg(concat_ws(' ', actor_id, login, reason)) FROM workflow_orch.cancel_request WHERE execution_id = :e1),
  ARRAY[format('%s %s too slow', t.cyd(), session_user)], 'the first request counts, and is the only one');
SELECT is((SELECT array_agg(concat_ws(' ', action, actor_id, login, details ->> 'requested_by', details ->> 'ended_by', details ->> 'reason') ORDER BY audit_id)
             FROM workflow_orch.audit_log WHERE execution_id = :e1 AND action <> 'enqueue_action'),
  ARRAY[format('cancel_execution %s %s too slow', t.cyd(), session_user),
        format('execute_action %s %s %s %s too slow', t.ann(), t.tool_role(), session_user, t.cyd())],
  'the audit log has who canceled it, with the login, and who had it executed');
SELECT t.raises(format('SELECT workflow_orch.cancel_execution(%s)', :e1), '{"sqlstate": "55000", "detail": "Its status is cancelled."}', 'what has ended is not cancelled again');
SELECT t.raises('DELETE FROM workflow_orch.cancel_request', '{"sqlstate": "42501"}', 'requests are not deleted');
SELECT t.raises('UPDATE workflow_orch.cancel_request SET reason = NULL', '{"sqlstate": "42501", "detail": "Rows of this table are never changed."}', 'nor changed');
SELECT t.approved('short', '{"n": 22}') AS p, t.approved('cancel_itself') AS p3 \gset
SELECT t.enqueued(:p) AS e, t.enqueued(:p3) AS e3 \gset
SELECT is(concat_ws(' ', r -> 'success', r -> 'error' ->> 'sqlstate', r -> 'error' ->> 'message'), 'false 57014 canceled after the timeout of 100 ms', 'a timeout is the tool''s failure')
  FROM t.outcome(:e) r;
SELECT is(t.ended(:e) || ' ' || t.status(:p), 'failed false 57014 wfo_timed_out - - failed', 'and no cancel');
SELECT is(t.outcome(:e3) -> 'error' ->> 'sqlstate', '57014', 'a tool may raise that by itself');
SELECT is(t.ended(:e3) || ' ' || t.status(:p3), 'failed false 57014 - - failed', 'which is its failure, too');
SELECT t.enqueued(:p1) AS e1 \gset
CALL t.wait_for_start(:e1);
CALL t.wait_for($$SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted$$);
SELECT is(pg_cancel_backend(pid::int), true, 'a worker is told to cancel') FROM workflow_orch.worker_status WHERE execution_id = :e1;
SELECT is(t.outcome(:e1) -> 'error' ->> 'sqlstate', '57014', 'from outside');
SELECT is(t.ended(:e1) || ' ' || t.status(:p1), 'failed false 57014 - - failed', 'is no cancel of the execution, which has failed');
SELECT workflow_orch.retry_action(:p1, t.ann()) \g /dev/null
SELECT pg_advisory_unlock(4711) \gset
SELECT t.enqueued(:p1) AS e1 \gset
SELECT is(t.outcome(:e1) ->> 'output', '20', 'what was cancelled can be enqueued again');
SELECT is((SELECT string_agg(v::text, '; ') FROM workflow_orch.verify_audit_log() v), NULL, 'the audit log agrees with the tables');
\ir include/finish_workers.sql
