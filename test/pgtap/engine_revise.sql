-- Wording a proposal anew.
\set file engine_revise
\ir include/fixture.sql
\ir include/roles.sql
SET LOCAL client_min_messages = error;

CREATE FUNCTION app.pay(amount int, note text DEFAULT 'n') RETURNS int LANGUAGE sql RETURN amount;
CALL tool('pay(int, text)');
CREATE FUNCTION t.revise(proposal bigint, params jsonb, reason text DEFAULT NULL, expected bigint DEFAULT NULL, actor bigint DEFAULT ann())
RETURNS text LANGUAGE sql AS $$
  SELECT status || ' ' || revision FROM workflow_orch.revise_proposal(proposal, actor, params, reason, expected)
$$;
CREATE FUNCTION t.review(proposal bigint, reviewer bigint, decision text DEFAULT 'approve', edits jsonb DEFAULT NULL, comment text DEFAULT NULL)
RETURNS text LANGUAGE sql AS $$
  SELECT status::text FROM workflow_orch.review_action(proposal, reviewer, decision, edits, comment,
    expected_revision => (SELECT revision FROM workflow_orch.proposal p WHERE p.proposal_id = review.proposal))
$$;

-- What it makes of a proposal.
SELECT propose('pay', '{"amount": 1}') AS p \gset
SELECT is(revise(:p, '{"amount": "2"}'), 'pending 2', 'a pending proposal is revised');
SELECT row_eq(format('SELECT params, reason, revision, approvals, revised_by, event FROM workflow_orch.proposal WHERE proposal_id = %s', :p),
  ROW('{"note": "n", "amount": 2}'::jsonb - 'note', 'because'::text, 2::bigint, 0::bigint, :ann::bigint, 'revise'::text), 'the params are converted, and the reason stays');
SELECT is(revise(:p, '{"amount": 3}', 'other'), 'pending 3', 'the reason can be another');
SELECT results_eq(format('SELECT revision, params, reason, actor_id FROM workflow_orch.proposal_revision WHERE proposal_id = %s ORDER BY 1', :p),
  format($$VALUES (1::bigint, '{"amount": 1}'::jsonb, 'because', %1$s::bigint), (2, '{"amount": 2}', 'because', %1$s), (3, '{"amount": 3}', 'other', %1$s)$$, :ann),
  'each revision keeps its params and its reason');
SELECT is((SELECT reason FROM workflow_orch.proposal WHERE proposal_id = :p), 'other', 'the proposal has those of the last');
SELECT results_eq(format($$SELECT actor_id, details FROM workflow_orch.get_audit_log(workflow()) WHERE proposal_id = %s AND action = 'revise_proposal' ORDER BY audit_id$$, :p),
  format($$VALUES (%1$s::bigint, '{"from": "pending", "status": "pending", "revision": 2, "params": {"amount": 2}}'::jsonb),
                  (%1$s, '{"from": "pending", "status": "pending", "revision": 3, "reason": "other", "params": {"amount": 3}}')$$, :ann),
  'the audit log has who, from what, the reason and the params');

-- Approvals.
SELECT is(review(:p, :bob), 'approved', 'a reviewer approves the revision that they have seen');
SELECT is(revise(:p, '{"amount": 4}'), 'pending 4', 'what is approved is taken back');
SELECT raises(format('SELECT execute(%s)', :p), '{"sqlstate": "55000", "reason": "wfo_not_approved"}', 'and does not run');
SELECT raises(format('SELECT workflow_orch.review_action(%s, bob(), ''approve'')', :p),
  '{"sqlstate": "22023", "reason": "wfo_argument_null", "detail": "It is in revision 4.", "hint": "_%"}', 'nobody approves a later revision without naming it');
SELECT raises(format('SELECT workflow_orch.review_action(%s, bob(), ''edit'', ''{"amount": 9}'')', :p), '{"sqlstate": "22023"}', 'nor edits it');
SELECT is(workflow_orch.review_actions(format('[{"proposal_id": %s, "reviewer_id": %s, "decision": "approve"}]', :p, :bob)::jsonb) #>> '{0,error,sqlstate}', '22023', 'in many decisions neither');
SELECT raises(format('SELECT review(%s, ann())', :p), '{"sqlstate": "42501", "reason": "wfo_own_proposal"}', 'the proposer does not approve it');
SELECT is(review(:p, :bob), 'approved', 'the one who approved an earlier revision may approve this one');
SELECT is(execute(:p) ->> 'output', '4', 'what runs is the last revision');

-- Who wrote the same wording before.
SELECT propose('pay', '{"amount": 1}') AS p \gset
SELECT is(review(:p, :bob, 'edit', '{"amount": 5}'), 'approved', 'a reviewer edits');
SELECT is(revise(:p, '{"amount": 6}'), 'pending 3', 'the proposer writes something else');
SELECT is(review(:p, :bob), 'approved', 'the editor may approve that');
SELECT is(revise(:p, '{"amount": 5}'), 'pending 4', 'the proposer takes over the edit');
SELECT raises(format('SELECT review(%s, bob())', :p), '{"sqlstate": "42501", "reason": "wfo_own_revision"}', 'the editor does not approve their own wording');
SELECT is(review(:p, :cyd), 'approved', 'somebody else does');
SELECT edit_needs_approval FROM workflow_orch.set_policy(edit_needs_approval => true) \g /dev/null
SELECT propose('pay', '{"amount": 1}') AS p \gset
SELECT revise(:p, '{"amount": 2}') \g /dev/null
SELECT is(review(:p, :bob, 'edit', '{"amount": 3}'), 'pending', 'an edit that does not count');
SELECT is(review(:p, :cyd, 'edit', '{"amount": 2}'), 'pending', 'back to the proposer''s second wording');
SELECT raises(format('SELECT review(%s, ann())', :p), '{"sqlstate": "42501", "reason": "wfo_own_proposal"}', 'is not approved by the proposer');
SELECT edit_needs_approval FROM workflow_orch.set_policy(edit_needs_approval => false) \g /dev/null

-- What is refused.
SELECT propose('pay', '{"amount": 1}') AS p \gset
SELECT raises(format('SELECT revise(%s, ''{"amount": 1}'')', :p), '{"sqlstate": "22023", "reason": "wfo_nothing_changed", "hint": "_%"}', 'what changes nothing is no revision');
SELECT raises(format('SELECT revise(%s, ''{"amount": 1}'', ''because'')', :p), '{"sqlstate": "22023"}', 'nor with the same reason');
SELECT is(revise(:p, '{"amount": 1}', 'another'), 'pending 2', 'another reason is one');
SELECT raises(format('SELECT revise(%s, ''{"amounts": 1}'')', :p), '{"sqlstate": "22023"}', 'params must fit');
SELECT raises(format('SELECT revise(%s, NULL)', :p), '{"sqlstate": "22023", "reason": "wfo_argument_null"}', 'params must be given');
SELECT raises(format('SELECT revise(%s, ''[]'')', :p), '{"sqlstate": "22023"}', 'as an object');
SELECT raises(format('SELECT revise(%s, ''{"amount": 2}'', '' '')', :p), '{"sqlstate": "22023", "reason": "wfo_argument_empty"}', 'a reason is not empty');
SELECT raises(format('SELECT revise(%s, ''{"amount": 2}'', expected => 1)', :p), '{"sqlstate": "55000", "reason": "wfo_revision_moved"}', 'the revision that is expected must be the current one');
SELECT raises(format('SELECT revise(%s, ''{"amount": 2}'', actor => bob())', :p), '{"sqlstate": "42501", "reason": "wfo_not_yours"}', 'a proposal is its proposer''s to revise');
SELECT raises(format('SELECT revise(%s, ''{"amount": 2}'', actor => 404)', :p), '{"sqlstate": "42704"}', 'an unknown actor is refused');
SELECT raises('SELECT revise(404, ''{"amount": 2}'')', '{"sqlstate": "42704"}', 'so is an unknown proposal');
SELECT raises('SELECT revise(9223372036854775807, ''{"amount": 2}'')', '{"sqlstate": "42704"}', 'the last there can be, too');
SELECT workflow_orch.set_tool_enabled('pay', false);
SELECT raises(format('SELECT revise(%s, ''{"amount": 2}'')', :p), '{"sqlstate": "55000", "reason": "wfo_tool_disabled"}', 'a disabled tool is not proposed again');
SELECT workflow_orch.set_tool_enabled('pay', true);
SELECT is(review(:p, :bob, 'reject'), 'rejected', 'it is rejected');
SELECT raises(format('SELECT revise(%s, ''{"amount": 2}'')', :p), '{"sqlstate": "55000", "reason": "wfo_not_open", "detail": "Its status is rejected%"}', 'what is decided for good is not revised');

-- A tool that has changed.
SELECT propose('pay', '{"amount": 1}') AS p \gset
CREATE OR REPLACE FUNCTION app.pay(amount int, note text DEFAULT 'n') RETURNS int LANGUAGE sql RETURN amount + 1;
SELECT is(revise(:p, '{"amount": 1}'), 'pending 2', 'the same params are a revision where the tool has changed');
SELECT review(:p, :bob) \g /dev/null
SELECT is(execute(:p) ->> 'output', '2', 'which pins the tool as it is');

-- Rules.
SELECT workflow_orch.add_approval_rule(approvals => 0, tool => 'pay', condition => '$.params.amount < 10', agents => true) AS free \gset
SELECT workflow_orch.add_approval_rule('Manager', tool => 'pay', condition => '$.params.amount >= 10') AS dear \gset
SELECT propose('pay', '{"amount": 10}') AS p \gset
SELECT is(revise(:p, '{"amount": 9}'), 'approved 2', 'a rule with 0 approvals lets the revision through');
SELECT row_eq(format('SELECT status::text, event, rule_id FROM workflow_orch.proposal WHERE proposal_id = %s', :p), ROW('approved'::text, 'approve_by_rule'::text, :free::bigint), 'by an event of its own');
SELECT is(revise(:p, '{"amount": 11}'), 'pending 3', 'what was let through and is revised may need somebody');
SELECT raises(format('SELECT review(%s, bob())', :p), '{"sqlstate": "42501", "reason": "wfo_no_slot"}', 'requirements are those of the revision');
SELECT is(review(:p, :cyd), 'approved', 'and are met as ever');
SELECT workflow_orch.remove_approval_rule(:free), workflow_orch.remove_approval_rule(:dear);

-- The idempotency key stands for the first revision.
SELECT proposal_id AS p FROM workflow_orch.propose_action(:workflow, :ann, 'pay', '{"amount": 1}', 'first', 'key') \gset
SELECT revise(:p, '{"amount": 2}', 'second') \g /dev/null
SELECT is((SELECT proposal_id FROM workflow_orch.propose_action(:workflow, :ann, 'pay', '{"amount": 1}', 'first', 'key')), :p::bigint, 'a key answers for what was proposed first');
SELECT raises(format('SELECT workflow_orch.propose_action(%s, ann(), ''pay'', ''{"amount": 2}'', ''second'', ''key'')', :workflow), '{"sqlstate": "42710"}', 'and not for a revision');

-- A hundred revisions.
SELECT propose('pay', '{"amount": 1}') AS p \gset
SELECT is((SELECT max(revise(:p, jsonb_build_object('amount', n))) FROM generate_series(2, 100) n WHERE n < 100), 'pending 99', 'a proposal is revised many times');
SELECT is(revise(:p, '{"amount": 100}'), 'pending 100', 'up to the hundredth revision');
SELECT raises(format('SELECT revise(%s, ''{"amount": 101}'')', :p), '{"sqlstate": "54000", "reason": "wfo_too_many_revisions", "hint": "_%"}', 'and no further');
SELECT raises(format('SELECT review(%s, bob(), ''edit'', ''{"amount": 101}'')', :p), '{"sqlstate": "54000"}', 'by an edit neither');
SELECT is(review(:p, :bob), 'approved', 'it can be approved');

\ir include/finish.sql
