-- Proposing a call.
\set file engine_propose
\ir include/fixture.sql

CREATE FUNCTION app.pay(amount int, note text DEFAULT NULL) RETURNS text LANGUAGE sql RETURN amount::text;
CALL tool('pay(int,text)');
CREATE FUNCTION t.keyed(key text, params jsonb DEFAULT '{"amount": 1}', tool text DEFAULT 'pay', reason text DEFAULT 'r',
                        actor bigint DEFAULT ann(), workflow bigint DEFAULT t.workflow())
RETURNS bigint LANGUAGE sql AS $$
  SELECT proposal_id FROM workflow_orch.propose_action(workflow, actor, tool, params, reason, key)
$$;

SELECT proposal_id AS p, status AS s FROM workflow_orch.propose_action(:workflow, :ann, 'pay', '{"amount": "1"}', E'because "it\\''s" é 需要') \gset
SELECT is(:'s'::text, 'pending', 'a proposal is pending');
SELECT is((SELECT jsonb_build_array(workflow_id, actor_id, tool, params, reason, revision, idempotency_key, status)
           FROM workflow_orch.proposal WHERE proposal_id = :p),
  jsonb_build_array(:workflow, :ann, 'pay', '{"amount": 1}'::jsonb, E'because "it\\''s" é 需要', 1, NULL, 'pending'),
  'a proposal keeps what was proposed');

-- What is refused.
SELECT raises('SELECT * FROM workflow_orch.propose_action(404, ann(), ''pay'', ''{"amount": 1}'', ''r'')',
  '{"sqlstate": "42704", "message": "%workflow 404%", "hint": "%start_workflow%"}', 'an unknown workflow is refused');
SELECT raises($$SELECT keyed(NULL, actor => 404)$$, '{"sqlstate": "42704", "message": "%actor 404%"}', 'an unknown actor is refused');
SELECT raises($$SELECT keyed(NULL, tool => 'pey')$$, '{"sqlstate": "42704", "message": "%\"pey\"%"}', 'an unknown tool is refused');
SELECT raises($$SELECT keyed(NULL, tool => 'PAY')$$, '{"sqlstate": "42704"}', 'tools are told apart by case');
SELECT raises($$SELECT keyed(NULL, reason => E' \n')$$, '{"sqlstate": "22023", "message": "%reason%"}', 'an empty reason is refused');
SELECT workflow_orch.set_tool_enabled('pay', false);
SELECT raises('SELECT keyed(NULL)', '{"sqlstate": "55000", "message": "%\"pay\" is disabled%"}', 'a disabled tool is refused');
SELECT workflow_orch.set_tool_enabled('pay', true);
SELECT workflow_orch.start_workflow('Over', :ann) AS over, workflow_orch.start_workflow('Off', :ann) AS off \gset
SELECT workflow_orch.complete_workflow(:over, :ann), workflow_orch.cancel_workflow(:off, :ann) \g /dev/null
SELECT raises(format('SELECT keyed(NULL, workflow => %s)', :over), '{"sqlstate": "55000", "message": "%not active%", "detail": "%completed%"}',
  'a completed workflow takes no proposal');
SELECT raises(format('SELECT keyed(NULL, workflow => %s)', :off), '{"sqlstate": "55000", "message": "%not active%", "detail": "%cancelled%"}',
  'a cancelled workflow takes no proposal');
SELECT lives_ok(format('SELECT keyed(NULL, actor => %s)', :cyd), 'anybody may propose in a workflow that somebody else started');

-- Idempotency keys.
SELECT keyed('k') AS p \gset
SELECT is(keyed('k'), :p::bigint, 'the same key with the same content answers with the proposal that is there');
SELECT is((SELECT count(*) FROM workflow_orch.proposal WHERE idempotency_key = 'k'), 1::bigint, 'nothing else is proposed');
SELECT is((SELECT count(*) FROM workflow_orch.audit_log WHERE proposal_id = :p), 1::bigint, 'asking again writes no audit row');
SELECT isnt(keyed('k2'), :p::bigint, 'another key is another proposal');
INSERT INTO workflow_orch.purged_key (key_sha256) VALUES (sha256(int8send(:ann) || 'spent'));
SELECT raises($$SELECT keyed('spent')$$, '{"sqlstate": "42710", "reason": "wfo_key_spent", "message": "%\"spent\"%redacted or purged", "hint": "_%"}', 'a key of which only the hash is left is refused');
SELECT lives_ok(format('SELECT keyed(''spent'', actor => %s)', :cyd), 'to that actor alone');
SELECT lives_ok('SELECT keyed(''spent2'')', 'and no other key');
SELECT isnt(keyed('k', actor => :cyd), :p::bigint, 'the same key of another actor is another proposal');
SELECT isnt(keyed(NULL), keyed(NULL), 'without a key the same content is another proposal');
SELECT raises($$SELECT keyed('k', '{"amount": 2}')$$,
  format('{"sqlstate": "42710", "message": "%%\"k\"%%", "detail": "%%Proposal %s %%", "hint": "%%another key%%"}', :p)::jsonb,
  'the same key with other params is refused');
SELECT raises($$SELECT keyed('k', reason => 'other')$$, '{"sqlstate": "42710"}', 'the same key with another reason is refused');
SELECT workflow_orch.start_workflow('Other', :ann) AS other \gset
SELECT raises(format($$SELECT keyed('k', workflow => %s)$$, :other), '{"sqlstate": "42710"}', 'the same key in another workflow is refused');
CALL tool('pay(int,text)', 'pay too');
SELECT raises($$SELECT keyed('k', tool => 'pay too')$$, '{"sqlstate": "42710"}', 'the same key with another tool is refused');
SELECT raises($$SELECT keyed('k', '{"amont": 2}')$$, '{"sqlstate": "22023"}', 'the same key with params that do not fit is refused as such');
SELECT raises($$SELECT keyed(' ')$$, '{"sqlstate": "22023", "message": "%idempotency_key%"}', 'an empty key is refused');

CREATE FUNCTION t.answer(key text) RETURNS text LANGUAGE sql AS $$
  SELECT status::text FROM workflow_orch.propose_action(workflow(), ann(), 'pay', '{"amount": 1}', 'r', key)
$$;
SELECT is(answer('k'), 'pending', 'the answer has the status of the proposal');
SELECT workflow_orch.review_action(:p, :bob, 'edit', '{"amount": 5}') \g /dev/null
SELECT is(answer('k'), 'approved', 'an edit by a reviewer does not change what was proposed with the key');
SELECT raises($$SELECT keyed('k', '{"amount": 5}')$$, '{"sqlstate": "42710"}', 'what the edit made of it is other content');
SELECT execute(:p) \g /dev/null
SELECT is(answer('k'), 'executed', 'a key answers with a proposal that has run');
SELECT workflow_orch.set_tool_enabled('pay', false);
SELECT is(answer('k'), 'executed', 'a key answers while the tool is disabled');
SELECT workflow_orch.set_tool_enabled('pay', true);
SELECT workflow_orch.withdraw_proposal(keyed('k3'), :ann) \g /dev/null
SELECT is(answer('k3'), 'withdrawn', 'a key answers with a proposal that is withdrawn');
SELECT proposal_ttl FROM workflow_orch.set_policy(proposal_ttl => '10 ms') \g /dev/null
SELECT keyed('k4') \g /dev/null
SELECT pg_sleep(0.02) \g /dev/null
SELECT is(answer('k4'), 'expired', 'a key answers with expired when the proposal''s time has passed');
SELECT proposal_ttl FROM workflow_orch.set_policy(proposal_ttl => '0') \g /dev/null
SAVEPOINT s;
SELECT keyed('k5') \g /dev/null
ROLLBACK TO s;
SELECT lives_ok($$SELECT keyed('k5', '{"amount": 9}')$$, 'a key that was rolled back is free');
SELECT workflow_orch.cancel_workflow(:other, :ann) \g /dev/null
SELECT is(answer('k'), 'executed', 'a key answers as before after all that');

-- A proposal that somebody has put there without its revisions.
INSERT INTO workflow_orch.proposal (workflow_id, actor_id, status, open, dry_run, revision, approvals, required_approvals, requirements, revised_by, proposer_may_review,
                                    proposed_at, status_at, event, tool, params, reason, definition, idempotency_key)
  SELECT workflow_id, actor_id, 'pending', true, false, 2, 0, 1, requirements, revised_by, false, now(), now(), 'propose', tool, params, reason, definition, 'no revision'
    FROM workflow_orch.proposal WHERE proposal_id = :p;
SELECT isnt(error_of($$SELECT keyed('no revision')$$), NULL, 'a key whose proposal has lost its first revision is an error');

-- How many may be open.
SELECT workflow_orch.register_actor('eve', 'Developer') AS eve \gset
SET LOCAL workflow_orch.max_open_proposals = 3;
SELECT keyed(NULL, actor => :eve) AS p1, keyed(NULL, actor => :eve) AS p2, keyed(NULL, actor => :eve) AS p3 \gset
SELECT raises(format('SELECT keyed(NULL, actor => %s)', :eve), format('{"sqlstate": "54000", "message": "%%actor %s %%", "hint": "%%workflow_orch.max_open_proposals%%"}', :eve)::jsonb,
  'more open proposals of an actor than the limit are refused');
SELECT workflow_orch.withdraw_proposal(:p1, :eve) \g /dev/null
SELECT lives_ok(format('SELECT keyed(NULL, actor => %s)', :eve), 'with one withdrawn there is room for another');
SELECT workflow_orch.review_action(:p2, :bob, 'approve') \g /dev/null
SELECT raises(format('SELECT keyed(NULL, actor => %s)', :eve), '{"sqlstate": "54000"}', 'an approved proposal counts as open');
SELECT execute(:p2) \g /dev/null
SELECT lives_ok(format('SELECT keyed(NULL, actor => %s)', :eve), 'an executed one does not');
SET LOCAL workflow_orch.max_open_proposals = 0;
SELECT lives_ok(format('SELECT keyed(NULL, actor => %s) FROM generate_series(1, 5)', :eve), 'a limit of zero is none');

\ir include/finish.sql
