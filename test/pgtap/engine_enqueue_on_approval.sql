-- A call that its last approval queues.
\set file engine_enqueue_on_approval
\ir include/fixture.sql
\ir include/roles.sql

CREATE FUNCTION app.work(n int) RETURNS int LANGUAGE sql RETURN n;
CALL tool('work(int)');
CREATE FUNCTION t.propose_to_run(n int) RETURNS bigint LANGUAGE sql AS $$
  SELECT proposal_id FROM workflow_orch.propose_action(workflow(), ann(), 'work', jsonb_build_object('n', n), 'r',
                                                       execute_on_approval => true)
$$;
CREATE FUNCTION t.queued(proposal bigint) RETURNS bigint LANGUAGE sql AS $$
  SELECT count(*) FROM workflow_orch.queue q JOIN workflow_orch.execution e USING (execution_id)
   WHERE q.proposal_id = proposal AND e.status = 'queued'
$$;

CREATE ROLE engine_enqueue_on_approval_user LOGIN;
SELECT workflow_orch.set_policy(default_approvals => 2) \g /dev/null
SELECT propose_to_run(1) AS p \gset
SELECT status FROM workflow_orch.review_action(:p, :bob, 'approve') \g /dev/null
SELECT is(queued(:p), 0::bigint, 'the first of two approvals queues nothing');
SELECT status FROM workflow_orch.review_action(:p, :cyd, 'approve') \g /dev/null
SELECT is(queued(:p), 1::bigint, 'the last one queues the call');
SELECT is((SELECT actor_id FROM workflow_orch.execution WHERE proposal_id = :p), :ann::bigint, 'in the name of the proposer');
SELECT is((SELECT array_agg(action ORDER BY audit_id) FROM workflow_orch.audit_log WHERE proposal_id = :p),
  '{propose_action,review_action,review_action,enqueue_action}', 'which has its audit row');
SELECT workflow_orch.set_policy(default_approvals => 1) \g /dev/null

SELECT propose_to_run(2) AS p \gset
SELECT status FROM workflow_orch.review_action(:p, :bob, 'edit', '{"n": 3}') \g /dev/null
SELECT is(queued(:p), 1::bigint, 'an edit that approves queues the call');
SELECT is((SELECT revision FROM workflow_orch.execution WHERE proposal_id = :p), 2::bigint, 'in the revision that it makes');
SELECT status FROM workflow_orch.review_action(:p, :cyd, 'edit', '{"n": 4}', expected_revision => 2) \g /dev/null
SELECT is((SELECT array_agg(revision || ' ' || status ORDER BY execution_id) FROM workflow_orch.execution WHERE proposal_id = :p),
  '{2 cancelled,3 queued}', 'another edit cancels that and queues its own');

SELECT workflow_orch.add_approval_rule(approvals => 0, tool => 'work', condition => '$.params.n == 7') \g /dev/null
SELECT propose_to_run(7) AS p \gset
SELECT is(queued(:p), 1::bigint, 'an approval by a rule queues the call');

SELECT propose_to_run(5) AS p \gset
SELECT format('ALTER ROLE %I NOLOGIN', :'tool_role') \gexec
SELECT is((SELECT status::text FROM workflow_orch.review_action(:p, :bob, 'approve')), 'approved', 'an approval stands where the call cannot be queued');
SELECT format('ALTER ROLE %I LOGIN', :'tool_role') \gexec

-- The proposer must still be allowed to have it executed.
SELECT propose_to_run(6) AS p \gset
SELECT workflow_orch.update_actor(:ann, active => false) \g /dev/null
SELECT is((SELECT status::text FROM workflow_orch.review_action(:p, :bob, 'approve')), 'approved', 'the call of a proposer who is no longer active is approved');
SELECT is(queued(:p), 0::bigint, 'but not queued');
SELECT workflow_orch.update_actor(:ann, active => true) \g /dev/null
CREATE ROLE engine_enqueue_on_approval_eve LOGIN;
SELECT workflow_orch.grant_capability('engine_enqueue_on_approval_eve', c) FROM unnest('{propose,execute}'::text[]) AS c;
SELECT workflow_orch.register_actor('eve', 'Developer', 'engine_enqueue_on_approval_eve') AS eve \gset
CREATE FUNCTION t.eves(n int) RETURNS bigint LANGUAGE sql AS $$
  SELECT value_as('engine_enqueue_on_approval_eve', format('SELECT proposal_id FROM workflow_orch.propose_action(%s, NULL, ''work'', ''{"n": %s}'', ''r'', execute_on_approval => true)',
                                                           workflow(), n))::bigint
$$;
SELECT eves(1) AS p, eves(2) AS q \gset
SELECT status FROM workflow_orch.review_action(:p, :bob, 'approve') \g /dev/null
SELECT is(queued(:p), 1::bigint, 'the call of one who holds execute is queued');
SELECT workflow_orch.revoke_capability('engine_enqueue_on_approval_eve', 'execute');
SELECT is((SELECT status::text FROM workflow_orch.review_action(:q, :bob, 'approve')), 'approved', 'the call of one who no longer holds it is only approved');
SELECT is(queued(:q), 0::bigint, 'but not queued');

SELECT is(approved('work', '{"n": 1}') IN (SELECT proposal_id FROM workflow_orch.queue), false, 'by default an approval queues nothing');
SELECT workflow_orch.grant_capability('engine_enqueue_on_approval_user', 'propose') \g /dev/null
SELECT workflow_orch.grant_capability('engine_enqueue_on_approval_user', 'gateway') \g /dev/null
SELECT refused_as('engine_enqueue_on_approval_user', format('SELECT workflow_orch.propose_action(%s, %s, ''work'', ''{"n": 1}'', ''r'', execute_on_approval => true)', :workflow, :ann),
  '{"sqlstate": "42501", "hint": "%capability \"execute\"%"}', 'it takes the capability execute');
SELECT refused_as('engine_enqueue_on_approval_user', format('SELECT workflow_orch.propose_action(%s, %s, %L, ''{"n": 1}'', ''r'', execute_on_approval => true)', workflow, actor, tool),
  '{"sqlstate": "42501", "hint": "%capability \"execute\"%"}', 'which is asked for before ' || what)
  FROM (VALUES (404, ann(), 'work', 'the workflow'), (workflow(), 404, 'work', 'the actor'), (workflow(), ann(), 'none', 'the tool')) AS v(workflow, actor, tool, what);
SELECT raises('SELECT workflow_orch.propose_action(workflow(), ann(), ''work'', ''{"n": 1}'', ''r'', execute_on_approval => NULL)',
  '{"sqlstate": "22023", "message": "%execute_on_approval%"}', 'NULL is refused');
\ir include/finish.sql
