-- What becomes of a queued call, and of a running one, when somebody withdraws,
-- edits, revokes or cancels.
\set file queued
\ir include/fixture.sql
\ir include/effect.sql
-- The execution of a queued call that something has cancelled.
CREATE FUNCTION t.is_cancelled(execution bigint, by bigint, reason text, description text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  e workflow_orch.execution := (SELECT x FROM workflow_orch.execution x WHERE execution_id = execution);
BEGIN
  RETURN NEXT is(concat_ws(' ', e.status, e.started_at IS NULL, e.finished_at IS NOT NULL, e.ended_by = by, coalesce(e.end_reason, '-')),
                 concat_ws(' ', 'cancelled t t t', coalesce(reason, '-')), description || ' cancels a queued call');
  RETURN NEXT is(concat_ws(' ', e.result -> 'success', e.result -> 'error' ->> 'sqlstate'), 'false 57014', 'with a result: ' || description);
  RETURN NEXT is(workflow_orch.wait_execution(execution), e.result, 'for which nobody waits: ' || description);
  RETURN NEXT is((SELECT count(*) FROM workflow_orch.queue q WHERE q.execution_id = execution), 0::bigint, 'and it is out of the queue: ' || description);
  RETURN NEXT is((SELECT string_agg(concat_ws(' ', action, actor_id = by), ',' ORDER BY audit_id) FROM workflow_orch.audit_log a
                   WHERE a.execution_id = execution AND action <> 'enqueue_action'), 'cancel_execution t', 'in the audit log, too: ' || description);
END $$;
\ir include/workers.sql

SELECT t.approved('add', '{"n": 1}') AS p1, t.approved('add', '{"n": 1}') AS p2, t.approved('add', '{"n": 1}') AS p3, t.approved('add', '{"n": 1}') AS p4 \gset
SELECT t.enqueued(:p1, now() + '1 h') AS e1, t.enqueued(:p2, now() + '1 h') AS e2, t.enqueued(:p3, now() + '1 h') AS e3, t.enqueued(:p4, now() + '1 h') AS e4 \gset
SELECT is(workflow_orch.withdraw_proposal(:p1, t.ann(), 'no need')::text, 'withdrawn', 'a queued call can be withdrawn');
SELECT t.is_cancelled(:e1, t.ann(), 'The proposal was withdrawn.', 'withdraw_proposal');
SELECT is(status || ' ' || (final_tool_call -> 'params' ->> 'n'), 'approved 2', 'and edited')
  FROM workflow_orch.review_action(:p2, t.cyd(), 'edit', '{"n": 2}', 'two');
SELECT is(concat_ws(' ', t.execution_status(:e2), t.status(:p2)), 'cancelled approved', 'an edit cancels the queued call, and the proposal is approved afresh');
SELECT is(workflow_orch.wait_execution(:e2) -> 'error' ->> 'sqlstate', '57014', 'with a result');
SELECT t.enqueued(:p2) AS again \gset
SELECT is(t.outcome(:again) ->> 'output', '2', 'it can be enqueued again, and what runs is the edit');
SELECT FROM workflow_orch.set_policy(edit_needs_approval => true);
SELECT FROM workflow_orch.review_action(:p3, t.cyd(), 'edit', '{"n": 3}', 'three');
SELECT FROM workflow_orch.set_policy(edit_needs_approval => false);
SELECT is(concat_ws(' ', t.execution_status(:e3), t.status(:p3)), 'cancelled pending', 'so does an edit that takes the approval back');
SELECT t.raises(format('SELECT enqueued(%s)', :p3), '{"sqlstate": "55000", "detail": "%pending%"}', 'which then cannot be enqueued');
SELECT is(workflow_orch.revoke_approval(:p4, t.bob(), 'second thoughts')::text, 'pending', 'an approval of a queued call can be revoked');
SELECT is(concat_ws(' ', t.execution_status(:e4), workflow_orch.wait_execution(:e4) -> 'error' ->> 'sqlstate'), 'cancelled 57014', 'which cancels it');

SELECT workflow_orch.start_workflow('Other', t.ann()) AS other \gset
SELECT proposal_id AS p5 FROM workflow_orch.propose_action(:other, t.ann(), 'add', '{"n": 5}', 'why') \gset
SELECT FROM workflow_orch.review_action(:p5, t.bob(), 'approve');
SELECT t.enqueued(:p5, now() + '1 h') AS e5 \gset
SELECT t.raises(format('SELECT workflow_orch.complete_workflow(%s)', :other), '{"sqlstate": "55000"}', 'a workflow with a queued call cannot be completed');
BEGIN;
SELECT FROM workflow_orch.cancel_workflow(:other, t.ann(), 'all off');
ROLLBACK;
SELECT is(t.execution_status(:e5), 'queued', 'a cancel that is rolled back cancels nothing');
SELECT is(workflow_orch.cancel_workflow(:other, t.ann(), 'all off')::text, 'cancelled', 'it can be cancelled');
SELECT t.is_cancelled(:e5, t.ann(), 'The workflow was canceled.', 'cancel_workflow');
SELECT is(t.status(:p5), 'cancelled', 'its proposal is cancelled as well');

-- While it runs
SELECT pg_advisory_lock(4711) \gset
SELECT workflow_orch.start_workflow('Running', t.ann()) AS running \gset
SELECT proposal_id AS p FROM workflow_orch.propose_action(:running, t.ann(), 'hold', '{"n": 6}', 'why') \gset
SELECT FROM workflow_orch.review_action(:p, t.bob(), 'approve');
SELECT t.enqueued(:p) AS e \gset
CALL t.wait_for_start(:e);
SELECT t.raises(statement, '{"sqlstate": "55P03", "hint": "_%"}', 'while it runs: ' || statement)
  FROM (VALUES (format('SELECT workflow_orch.withdraw_proposal(%s, ann())', :p)),
               (format('SELECT workflow_orch.review_action(%s, cyd(), ''edit'', ''{"n": 7}'')', :p)),
               (format('SELECT workflow_orch.revoke_approval(%s, bob())', :p)),
               (format('SELECT workflow_orch.cancel_workflow(%s, ann())', :running))) v (statement);
SELECT t.raises(statement, '{"sqlstate": "55000", "message": "%already queued", "hint": "_%"}', 'while it runs: ' || statement)
  FROM (VALUES (format('SELECT enqueued(%s)', :p)), (format('SELECT workflow_orch.execute_action(%s)', :p)), (format('SELECT parallel(%s)', :p))) v (statement);
SELECT is(t.execution_status(:e) || ' ' || t.status(:p), 'queued approved', 'it is left alone');
SELECT pg_advisory_unlock(4711) \gset
SELECT is(t.outcome(:e) ->> 'output', '6', 'and comes to its end');
SELECT is((SELECT array_agg(n ORDER BY n) FROM app.effect), '{2,6}', 'what was cancelled has not run');
SELECT is((SELECT string_agg(v::text, '; ') FROM workflow_orch.verify_audit_log() v), NULL, 'the audit log agrees with the tables');
\ir include/finish_workers.sql
