-- Requests for changes of a proposal.
\set file engine_change_request
\ir include/fixture.sql
\ir include/roles.sql
SET LOCAL client_min_messages = error;

CREATE FUNCTION app.pay(amount int) RETURNS int LANGUAGE sql RETURN amount;
CALL tool('pay(int)');
SELECT workflow_orch.register_actor('dba2', 'DBA') AS dba2 \gset
CREATE FUNCTION t.review(proposal bigint, reviewer bigint, decision text DEFAULT 'approve', edits jsonb DEFAULT NULL)
RETURNS text LANGUAGE sql AS $$
  SELECT status::text FROM workflow_orch.review_action(proposal, reviewer, decision, edits, CASE decision WHEN 'request_changes' THEN 'too much' END,
    expected_revision => (SELECT revision FROM workflow_orch.proposal p WHERE p.proposal_id = review.proposal))
$$;
CREATE FUNCTION t.ask(proposal bigint, reviewer bigint) RETURNS text LANGUAGE sql AS $$SELECT review(proposal, reviewer, 'request_changes')$$;
CREATE FUNCTION t.blocked(proposal bigint, reviewer bigint, description text, decision text DEFAULT 'approve', edits jsonb DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
  SELECT raises(format('SELECT review(%s, %s, %L, %L)', proposal, reviewer, decision, edits), '{"sqlstate": "55000", "reason": "wfo_changes_requested", "hint": "_%"}', description)
$$;
CREATE FUNCTION t.inbox(reviewer bigint) RETURNS SETOF bigint LANGUAGE sql AS $$SELECT proposal_id FROM workflow_orch.list_pending_reviews(reviewer) ORDER BY 1$$;
CREATE FUNCTION t.revise(proposal bigint, n int) RETURNS text LANGUAGE sql AS $$
  SELECT status::text FROM workflow_orch.revise_proposal(proposal, ann(), jsonb_build_object('amount', n))
$$;

-- A request.
SELECT propose('pay', '{"amount": 1}') AS p \gset
SELECT raises(format('SELECT workflow_orch.review_action(%s, bob(), ''request_changes'')', :p), '{"sqlstate": "22023", "reason": "wfo_argument_null"}', 'a request says what is wrong');
SELECT raises(format('SELECT workflow_orch.review_action(%s, bob(), ''request_changes'', comment => '' '')', :p), '{"sqlstate": "22023", "reason": "wfo_argument_empty"}', 'in words');
SELECT raises(format('SELECT workflow_orch.review_action(%s, bob(), ''request_changes'', ''{}'', ''c'')', :p), '{"sqlstate": "22023"}', 'and has no edits');
SELECT throws_ok(format('SELECT workflow_orch.review_actions(''[{"proposal_id": %s, "reviewer_id": %s, "decision": "request_changes", "comment": ""}]'')', :p, :bob), '22023', NULL, 'in many decisions neither');
SELECT raises(format('SELECT ask(%s, ann())', :p), '{"sqlstate": "42501", "reason": "wfo_own_proposal"}', 'nobody requests changes of their own proposal');
SELECT is(ask(:p, :bob), 'pending', 'the proposal stays pending');
SELECT row_eq(format('SELECT decision::text, counts, comment, status::text FROM workflow_orch.review WHERE proposal_id = %s', :p), ROW('request_changes'::text, false, 'too much'::text, 'pending'::text), 'the request is kept as a review that does not count');
SELECT is((SELECT details -> 'decision' FROM workflow_orch.audit_log WHERE proposal_id = :p ORDER BY audit_id DESC LIMIT 1), '"request_changes"', 'and recorded');
SELECT raises(format('SELECT ask(%s, bob())', :p), '{"sqlstate": "42710"}', 'who has requested changes does not request them again');

-- While it stands.
SELECT blocked(:p, :cyd, 'nobody else approves');
SELECT blocked(:p, :cyd, 'nor takes the wording as it is in an edit', 'edit', '{}');
SELECT is_empty('SELECT * FROM inbox(cyd())', 'it is in nobody''s inbox');
SELECT set_eq('SELECT * FROM inbox(bob())', ARRAY[:p]::bigint[], 'but in the asker''s');
SELECT matches((SELECT needs FROM workflow_orch.proposal_progress WHERE proposal_id = :p), 'actor ' || :bob || ' requested changes', 'proposal_progress says who asked');
SELECT is(ask(:p, :cyd), 'pending', 'somebody else requests changes, too');
SELECT blocked(:p, :bob, 'now the first asker does not approve either');

-- What lifts it.
SELECT is(workflow_orch.revoke_approval(:p, :cyd, 'never mind')::text, 'pending', 'an asker takes the request back');
SELECT is(review(:p, :bob), 'approved', 'the asker approves after all');
SELECT propose('pay', '{"amount": 1}') AS p \gset
SELECT ask(:p, :bob) \g /dev/null
SELECT is(revise(:p, 2), 'pending', 'a revision');
SELECT is(review(:p, :cyd), 'approved', 'lifts it');
SELECT propose('pay', '{"amount": 1}') AS p \gset
SELECT ask(:p, :bob) \g /dev/null
SELECT is(review(:p, :cyd, 'edit', '{"amount": 3}'), 'approved', 'so does an edit with changes');
SELECT propose('pay', '{"amount": 1}') AS p \gset
SELECT ask(:p, :bob) \g /dev/null
SELECT workflow_orch.update_actor(:bob, active => false);
SELECT is(review(:p, :cyd), 'approved', 'so does the asker''s deactivation');
SELECT workflow_orch.update_actor(:bob, active => true);
SELECT propose('pay', '{"amount": 1}') AS p \gset
SELECT ask(:p, :bob) \g /dev/null
SELECT is(review(:p, :cyd, 'reject'), 'rejected', 'it keeps nobody from rejecting');

-- A tool accepted anew keeps the wording, and the request.
SELECT propose('pay', '{"amount": 1}') AS p \gset
SELECT ask(:p, :bob) \g /dev/null
CREATE OR REPLACE FUNCTION app.pay(amount int) RETURNS int LANGUAGE sql RETURN amount + 1;
SELECT is(workflow_orch.accept_tool_definition('pay') > 0, true, 'the tool is accepted as it is now');
SELECT blocked(:p, :cyd, 'the request stands');
SELECT is(review(:p, :bob, 'edit', '{}'), 'approved', 'the asker''s own edit lifts it, though it changes nothing');

-- Approvals given before stand.
SELECT default_approvals FROM workflow_orch.set_policy(default_approvals => 2) \g /dev/null
SELECT propose('pay', '{"amount": 1}') AS p \gset
SELECT is(review(:p, :cyd) || ask(:p, :bob), 'pendingpending', 'changes are requested after the first of two approvals');
SELECT raises(format('SELECT ask(%s, cyd())', :p), '{"sqlstate": "42710"}', 'an approver takes the approval back first');
SELECT is(review(:p, :bob), 'approved', 'the asker''s approval completes them');
SELECT default_approvals FROM workflow_orch.set_policy(default_approvals => 1) \g /dev/null

-- How often, and by whom.
SELECT propose('pay', '{"amount": 1}') AS p \gset
SELECT is((SELECT string_agg(ask(:p, :bob) || revise(:p, 1 + n), ' ' ORDER BY n) FROM generate_series(1, 3) n), 'pendingpending pendingpending pendingpending', 'one person asks three times');
SELECT raises(format('SELECT ask(%s, bob())', :p), '{"sqlstate": "54000", "reason": "wfo_too_many_requests", "hint": "_%"}', 'and not a fourth time');
SELECT is(ask(:p, :cyd), 'pending', 'another person may');
SELECT workflow_orch.add_approval_rule('Manager', tool => 'pay') AS rule \gset
SELECT propose('pay', '{"amount": 1}') AS p \gset
SELECT raises(format('SELECT ask(%s, bob())', :p), '{"sqlstate": "42501", "reason": "wfo_no_slot"}', 'who could fill no slot requests no changes');
SELECT is(ask(:p, :cyd), 'pending', 'who could does');
SELECT is((SELECT count(*) FROM workflow_orch.verify_audit_log()), 0::bigint, 'the log agrees with the tables');

\ir include/finish.sql
