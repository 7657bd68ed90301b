-- Withdrawing, retrying and expiring.
\set file engine_lifecycle
\ir include/fixture.sql

CREATE TABLE app.switch (broken boolean);
INSERT INTO app.switch VALUES (true);
GRANT SELECT ON app.switch TO :"tool_role";
CREATE FUNCTION app.work(n int DEFAULT 1) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT broken FROM app.switch) THEN
    RAISE EXCEPTION 'broken';
  END IF;
  RETURN n;
END
$$;
CALL tool('work(int)');
CREATE FUNCTION t.failed() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  p bigint := t.approved('work');
BEGIN
  UPDATE app.switch SET broken = true;
  PERFORM t.execute(p);
  UPDATE app.switch SET broken = false;
  RETURN p;
END
$$;

-- Withdraw.
SELECT propose('work') AS p, approved('work') AS q, failed() AS r \gset
SELECT is(workflow_orch.withdraw_proposal(:p, :ann, 'changed my mind')::text, 'withdrawn', 'a pending proposal can be withdrawn');
SELECT is(workflow_orch.withdraw_proposal(:q, :ann)::text, 'withdrawn', 'an approved proposal can be withdrawn');
SELECT is(workflow_orch.withdraw_proposal(:r, :ann)::text, 'withdrawn', 'a failed proposal can be withdrawn');
SELECT is((SELECT status_reason FROM workflow_orch.proposal WHERE proposal_id = :p), 'changed my mind', 'the reason is kept');
SELECT raises(format($$SELECT workflow_orch.review_action(%s, bob(), 'approve')$$, :p), '{"sqlstate": "55000", "detail": "Its status is withdrawn%"}',
  'what is withdrawn is not approved');
SELECT raises(format('SELECT execute(%s)', :q), '{"sqlstate": "55000", "detail": "Its status is withdrawn%"}', 'what is withdrawn does not run');
SELECT raises(format('SELECT workflow_orch.withdraw_proposal(%s, ann())', :p), '{"sqlstate": "55000"}', 'what is withdrawn is not withdrawn again');
SELECT propose('work') AS p, approved('work') AS q \gset
SELECT raises(format('SELECT workflow_orch.withdraw_proposal(%s, bob())', :p), '{"sqlstate": "42501", "message": "%not yours%"}',
  'nobody withdraws somebody else''s proposal');
SELECT raises('SELECT workflow_orch.withdraw_proposal(404, ann())', '{"sqlstate": "42704"}', 'an unknown proposal is not withdrawn');
SELECT execute(:q) \g /dev/null
SELECT raises(format('SELECT workflow_orch.withdraw_proposal(%s, ann())', :q), '{"sqlstate": "55000", "detail": "Its status is executed%"}',
  'what has run is not withdrawn');

-- Retry.
SELECT failed() AS p \gset
SELECT is(workflow_orch.retry_action(:p, :ann)::text, 'approved', 'a failed proposal is approved again by retry_action');
SELECT is(execute(:p) -> 'output', '1', 'after the retry it runs');
SELECT is((SELECT array_agg(status::text ORDER BY execution_id) FROM workflow_orch.execution WHERE proposal_id = :p), '{failed,succeeded}',
  'the failure and the success are both kept');
SELECT raises(format('SELECT workflow_orch.retry_action(%s)', :p), '{"sqlstate": "55000", "detail": "Its status is executed%"}', 'what has run is not retried');
SELECT propose('work') AS p, approved('work') AS q \gset
SELECT raises(format('SELECT workflow_orch.retry_action(%s)', :p), '{"sqlstate": "55000", "detail": "Its status is pending%"}', 'a retry approves nothing that is pending');
SELECT raises(format('SELECT workflow_orch.retry_action(%s)', :q), '{"sqlstate": "55000", "detail": "Its status is approved%"}', 'what is approved need not be retried');
SELECT raises('SELECT workflow_orch.retry_action(404)', '{"sqlstate": "42704"}', 'an unknown proposal is not retried');
SELECT failed() AS p \gset
SAVEPOINT s;
ALTER FUNCTION app.work STRICT;
SELECT raises(format('SELECT workflow_orch.retry_action(%s)', :p), '{"sqlstate": "55000", "message": "%changed%"}',
  'what failed is not retried when its tool has changed');
ROLLBACK TO s;
SELECT is(workflow_orch.retry_action(:p)::text, 'approved', 'who retries may be nobody in particular');
SELECT workflow_orch.start_workflow('Short', :ann) AS w \gset
UPDATE app.switch SET broken = true;
SELECT proposal_id AS p FROM workflow_orch.propose_action(:w, :ann, 'work', '{}', 'r') \gset
SELECT workflow_orch.review_action(:p, :bob, 'approve'), execute(:p) \g /dev/null
SELECT workflow_orch.complete_workflow(:w) \g /dev/null
SELECT raises(format('SELECT workflow_orch.retry_action(%s)', :p), '{"sqlstate": "55000", "message": "%workflow%not active%"}',
  'what failed is not retried when its workflow has ended');
UPDATE app.switch SET broken = false;

-- Time limits.
SELECT is(workflow_orch.expire_proposals(), 0::bigint, 'without time limits nothing expires');
SELECT proposal_ttl FROM workflow_orch.set_policy(proposal_ttl => '20 ms') \g /dev/null
SELECT propose('work') AS p, propose('work') AS q \gset
SELECT proposal_ttl FROM workflow_orch.set_policy(proposal_ttl => '1 hour') \g /dev/null
SELECT propose('work') AS later, approved('work') AS approved \gset
SELECT pg_sleep(0.03) \g /dev/null
SELECT is(status(:p), 'pending', 'the row of a proposal whose time has passed follows at the sweep');
SELECT raises(format($$SELECT workflow_orch.review_action(%s, bob(), '%s'%s)$$, :p, decision, edits), '{"sqlstate": "55000", "detail": "Its status is expired%"}',
  format('past its time a proposal is expired for %s', decision))
FROM (VALUES ('approve', ''), ('reject', ''), ('edit', $$, '{"n": 2}'$$)) AS v (decision, edits);
SELECT raises(format('SELECT workflow_orch.withdraw_proposal(%s, ann())', :p), '{"sqlstate": "55000", "detail": "Its status is expired%"}',
  'past its time a proposal is not withdrawn');
SELECT raises(format('SELECT execute(%s)', :p), '{"sqlstate": "55000", "detail": "Its status is expired%"}', 'past its time a proposal is not executed');
SELECT is(status(:p), 'pending', 'a refused call writes nothing, not even the expiry');
SELECT is(workflow_orch.expire_proposals(), 2::bigint, 'the sweep says how many it has marked');
SELECT is(ARRAY[status(:p), status(:q)], '{expired,expired}', 'the sweep marks what has expired');
SELECT is(ARRAY[status(:later), status(:approved)], '{pending,approved}', 'the sweep leaves what has time');
SELECT is(workflow_orch.expire_proposals(), 0::bigint, 'the next sweep finds nothing');
SELECT proposal_ttl FROM workflow_orch.set_policy(proposal_ttl => '0') \g /dev/null
SELECT isnt((SELECT expires_at FROM workflow_orch.proposal WHERE proposal_id = :later), NULL, 'the time limit is fixed with the revision');
SELECT propose('work') AS p \gset
SELECT is((SELECT expires_at FROM workflow_orch.proposal WHERE proposal_id = :p), NULL, 'a limit of zero is none');

SELECT approval_ttl FROM workflow_orch.set_policy(approval_ttl => '20 ms') \g /dev/null
SELECT propose('work') AS p, approved('work') AS q, propose('work') AS edited \gset
SELECT workflow_orch.review_action(:edited, :bob, 'edit', '{"n": 3}') \g /dev/null
SELECT approval_ttl FROM workflow_orch.set_policy(approval_ttl => '0') \g /dev/null
SELECT pg_sleep(0.03) \g /dev/null
SELECT raises(format('SELECT execute(%s)', :q), '{"sqlstate": "55000", "detail": "Its status is expired%"}', 'past its time an approval does not count');
SELECT raises(format('SELECT execute(%s)', :edited), '{"sqlstate": "55000", "detail": "Its status is expired%"}', 'past its time an edit''s approval does not count');
SELECT is((SELECT status::text FROM workflow_orch.review_action(:p, :bob, 'approve')), 'approved', 'approval_ttl does not run before the approval');
SELECT pg_sleep(0.03) \g /dev/null
SELECT raises(format('SELECT execute(%s)', :p), '{"sqlstate": "55000", "detail": "Its status is expired%"}',
  'approval_ttl is fixed with the revision and runs from the approval');
SELECT is(workflow_orch.expire_proposals(), 3::bigint, 'the sweep marks approvals past their time');

SELECT default_approvals FROM workflow_orch.set_policy(default_approvals => 2, proposal_ttl => '300 ms', approval_ttl => '1 hour') \g /dev/null
SELECT propose('work') AS p, propose('work') AS q \gset
SELECT workflow_orch.review_action(:p, :bob, 'approve'), workflow_orch.review_action(:q, :bob, 'approve') \g /dev/null
SELECT workflow_orch.review_action(:q, :cyd, 'approve') \g /dev/null
SELECT pg_sleep(0.31) \g /dev/null
SELECT raises(format($$SELECT workflow_orch.review_action(%s, cyd(), 'approve')$$, :p), '{"sqlstate": "55000", "detail": "Its status is expired%"}',
  'proposal_ttl runs on until the last approval');
SELECT is(execute(:q) -> 'success', 'true', 'approval_ttl runs from the last approval, and ends proposal_ttl');
SELECT default_approvals FROM workflow_orch.set_policy(default_approvals => 1, proposal_ttl => '0', approval_ttl => '300 ms') \g /dev/null
SELECT failed() AS p \gset
SELECT approval_ttl FROM workflow_orch.set_policy(approval_ttl => '0') \g /dev/null
SELECT pg_sleep(0.31) \g /dev/null
SELECT raises(format('SELECT workflow_orch.retry_action(%s)', :p), '{"sqlstate": "55000", "message": "%approval%expired%"}',
  'what failed is not retried when its approval has expired');
SELECT workflow_orch.expire_proposals() \g /dev/null
SELECT is(status(:p), 'failed', 'what failed does not expire');

\ir include/finish.sql
