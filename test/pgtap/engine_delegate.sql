-- Reviewing in the role of somebody who is away.
\set file engine_delegate
\ir include/fixture.sql
\ir include/roles.sql
SET LOCAL client_min_messages = error;

CREATE FUNCTION app.pay(amount int) RETURNS int LANGUAGE sql RETURN amount;
CALL tool('pay(int)');
SELECT workflow_orch.register_actor('dev2', 'Developer') AS dev2, workflow_orch.register_actor('dev3', 'Developer') AS dev3,
       workflow_orch.register_actor('dba2', 'DBA') AS dba2, workflow_orch.register_actor('bob again', 'Clerk', person => 'Bob') AS bob_again,
       workflow_orch.register_actor('bot', 'Manager', kind => 'agent') AS bot, workflow_orch.register_actor('gone', 'DBA') AS gone \gset
SELECT workflow_orch.update_actor(:bob, person => 'Bob');
SELECT workflow_orch.update_actor(:gone, active => false);
CREATE FUNCTION t.review(proposal bigint, reviewer bigint, decision text DEFAULT 'approve', edits jsonb DEFAULT NULL)
RETURNS text LANGUAGE sql AS $$
  SELECT status::text FROM workflow_orch.review_action(proposal, reviewer, decision, edits,
    expected_revision => (SELECT revision FROM workflow_orch.proposal p WHERE p.proposal_id = review.proposal))
$$;
CREATE FUNCTION t.delegate(a bigint, b bigint, until timestamptz DEFAULT '2099-01-01') RETURNS bigint LANGUAGE sql AS 'SELECT workflow_orch.delegate_review(a, b, until)';
CREATE FUNCTION t.refused(proposal bigint, reviewer bigint, description text, decision text DEFAULT 'approve') RETURNS text LANGUAGE sql AS $$
  SELECT raises(format('SELECT review(%s, %s, %L)', proposal, reviewer, decision), '{"sqlstate": "42501", "hint": "_%"}', description)
$$;

-- Arguments.
SELECT raises(format('SELECT delegate(%s, %s)', :bob, :bob), '{"sqlstate": "22023", "message": "%itself%"}', 'nobody delegates to themselves');
SELECT raises(format('SELECT delegate(%s, %s)', :bob, :bob_again), '{"sqlstate": "22023", "detail": "%same person%"}', 'not even as another actor');
SELECT raises(format('SELECT delegate(%s, %s, %L)', :bob, :dev2, until), '{"sqlstate": "22023", "message": "%ends_at%"}', 'a delegation until ' || until || ' is refused')
  FROM unnest(ARRAY['2001-01-01', '-infinity']) AS until;
SELECT raises(format('SELECT delegate(404, %s)', :bob), '{"sqlstate": "42704", "message": "actor 404 %"}', 'an unknown delegator is refused');
SELECT raises(format('SELECT delegate(%s, 404)', :bob), '{"sqlstate": "42704", "message": "actor 404 %"}', 'so is an unknown delegate');
SELECT raises(format('SELECT delegate(%s, %s)', :gone, :bob), '{"sqlstate": "42501", "message": "%not active%"}', 'an inactive actor does not delegate');
SELECT raises(format('SELECT delegate(%s, %s)', :bob, :gone), '{"sqlstate": "42501", "message": "%not active%"}', 'nor is it delegated to');

-- In the role of another.
SELECT workflow_orch.add_approval_rule('DBA'), workflow_orch.add_approval_rule('Manager', stage => 2) \g /dev/null
SELECT propose('pay', '{"amount": 1}') AS p, propose('pay', '{"amount": 1}') AS q, propose('pay', '{"amount": 1}') AS r \gset
SELECT refused(:p, :dev2, 'without a delegation a developer is no DBA');
SELECT delegate(:bob, :dev2) AS d \gset
SELECT is(review(:p, :dev2), 'pending', 'with one they approve as one');
SELECT row_eq(format('SELECT reviewer_id, role, on_behalf_of, stage FROM workflow_orch.review WHERE proposal_id = %s', :p), ROW(:dev2::bigint, 'DBA'::text, :bob::bigint, 1::bigint),
  'the review says on whose behalf');
SELECT is((SELECT details -> 'on_behalf_of' FROM workflow_orch.audit_log WHERE proposal_id = :p AND action = 'review_action'), to_jsonb(:bob), 'and so does the audit log');
SELECT is(review(:p, :cyd), 'approved', 'the manager completes it');
SELECT is(review(:q, :dev2, 'reject'), 'rejected', 'a delegate may reject');
SELECT is(review(:r, :dev2, 'edit', '{"amount": 2}'), 'pending', 'and edit');
SELECT row_eq(format('SELECT role, on_behalf_of, counts FROM workflow_orch.review WHERE proposal_id = %s', :r), ROW('DBA'::text, :bob::bigint, true), 'which counts as the delegator''s');

-- Not passed on.
SELECT propose('pay', '{"amount": 1}') AS p \gset
SELECT delegate(:dev2, :dev3) AS d2 \gset
SELECT refused(:p, :dev3, 'what was delegated to the delegator is not passed on');
SELECT raises(format('SELECT delegate(%s, %s)', :dev2, :bob), '{"sqlstate": "22023", "detail": "%already%"}', 'a circle of two is refused');
SELECT raises(format('SELECT delegate(%s, %s)', :dev3, :bob), '{"sqlstate": "22023", "detail": "%already%"}', 'a circle of three is refused');
SELECT workflow_orch.end_delegation(:d2, :dev2);
SELECT lives_ok(format('SELECT delegate(%s, %s)', :dev3, :bob), 'with one of its links ended it is none');
SELECT workflow_orch.end_delegation(max(delegation_id), :dev3) FROM workflow_orch.delegation;

-- Not for the delegator's own proposals.
SELECT proposal_id AS own FROM workflow_orch.propose_action(:workflow, :bob, 'pay', '{"amount": 1}', 'r') \gset
SELECT refused(:own, :dev2, 'the delegate has no part of the delegator''s role in the delegator''s proposal');
SELECT proposal_id AS own FROM workflow_orch.propose_action(:workflow, :bob_again, 'pay', '{"amount": 1}', 'r') \gset
SELECT refused(:own, :dev2, 'nor in one that the delegator made as another actor');
SELECT proposal_id AS own FROM workflow_orch.propose_action(:workflow, :dev2, 'pay', '{"amount": 1}', 'r') \gset
SELECT refused(:own, :dev2, 'nobody reviews their own proposal on behalf of another');

-- One person for the count.
SELECT workflow_orch.remove_approval_rule(rule_id) FROM workflow_orch.approval_rule WHERE removed_at IS NULL;
SELECT workflow_orch.add_approval_rule('DBA', 2) \g /dev/null
SELECT propose('pay', '{"amount": 1}') AS p, propose('pay', '{"amount": 1}') AS q, propose('pay', '{"amount": 1}') AS r \gset
SELECT review(:p, :dev2), review(:q, :bob) \g /dev/null
SELECT refused(:p, :bob, 'the delegator does not approve beside the delegate');
SELECT refused(:p, :bob_again, 'not even as another actor');
SELECT refused(:q, :dev2, 'nor the delegate beside the delegator');
SELECT is(review(:p, :dba2) || review(:q, :dba2), 'approvedapproved', 'somebody else does');
SELECT workflow_orch.end_delegation(:d, :bob);
SELECT review(:r, :bob) \g /dev/null
SELECT delegate(:bob, :dba2) AS d \gset
SELECT refused(:r, :dba2, 'while the delegation lasts, the delegate''s own approval is that of the same person');
SELECT workflow_orch.end_delegation(:d, :dba2);
SELECT is(review(:r, :dba2), 'approved', 'afterwards it is not');
SELECT propose('pay', '{"amount": 1}') AS p \gset
SELECT delegate(:bob, :dev2) AS d \gset
SELECT review(:p, :dev2) \g /dev/null
SELECT workflow_orch.end_delegation(:d, :bob);
SELECT refused(:p, :bob, 'what was given on behalf of somebody stays theirs when the delegation has ended');
SELECT is((SELECT approvals FROM workflow_orch.proposal WHERE proposal_id = :p), 1::bigint, 'and stands');
SELECT refused(:p, :dev3, 'the delegate''s colleague is no DBA');

-- Whichever of their actors acts.
SELECT workflow_orch.remove_approval_rule(rule_id) FROM workflow_orch.approval_rule WHERE removed_at IS NULL;
SELECT workflow_orch.add_approval_rule(approvals => 2) \g /dev/null
SELECT workflow_orch.update_actor(:dev2, person => 'Dee'), workflow_orch.register_actor('dee again', 'Clerk', person => 'Dee') AS dee_again \gset
SELECT delegate(:bob, :dev2) AS d \gset
SELECT propose('pay', '{"amount": 1}') AS p, propose('pay', '{"amount": 1}') AS q, propose('pay', '{"amount": 1}') AS r, propose('pay', '{"amount": 1}') AS s \gset
SELECT review(:p, :dev2), review(:q, :bob_again), review(:r, :dee_again), review(:s, :bob_again) \g /dev/null
SELECT refused(:p, :bob_again, 'another actor of the delegator does not approve beside the delegate');
SELECT refused(:q, :dev2, 'nor the delegate beside another actor of the delegator');
SELECT refused(:r, :bob, 'nor the delegator beside another actor of the delegate');
SELECT refused(:s, :dee_again, 'nor do other actors of both beside each other');
SELECT workflow_orch.end_delegation(:d, :bob);
SELECT is(review(:p, :bob_again) || review(:r, :bob), 'approvedapproved', 'when it has ended they are two people');

-- What the delegator could not do.
SELECT workflow_orch.remove_approval_rule(rule_id) FROM workflow_orch.approval_rule WHERE removed_at IS NULL;
SELECT workflow_orch.add_approval_rule('Manager') \g /dev/null
SELECT propose('pay', '{"amount": 1}') AS p \gset
SELECT delegate(:bot, :dev2) AS d, delegate(:cyd, :dev3) AS d2 \gset
SELECT refused(:p, :dev2, 'an agent that may not review does not delegate that');
SELECT workflow_orch.update_actor(:cyd, active => false);
SELECT refused(:p, :dev3, 'nor does an actor who was deactivated');
SELECT workflow_orch.update_actor(:cyd, active => true, role => 'Clerk');
SELECT refused(:p, :dev3, 'the delegator''s role is the one of today');
SELECT workflow_orch.update_actor(:cyd, role => 'Manager');
SELECT is(review(:p, :dev3), 'approved', 'with all in order it counts');
SELECT edit_needs_approval FROM workflow_orch.set_policy(edit_needs_approval => true) \g /dev/null
SELECT propose('pay', '{"amount": 1}') AS p \gset
SELECT review(:p, :cyd, 'edit', '{"amount": 2}') \g /dev/null
SELECT refused(:p, :dev3, 'nobody approves an edit on behalf of the editor');
SELECT workflow_orch.register_actor('boss', 'Manager') AS boss \gset
SELECT delegate(:boss, :ann) AS d3, delegate(:boss, :dba2) AS d4 \gset
SELECT refused(:p, :ann, 'nor does the proposer in a delegated role, though they do in their own');
SELECT is(review(:p, :dba2), 'approved', 'somebody else does');
SELECT workflow_orch.end_delegation(:d3), workflow_orch.end_delegation(:d4) \g /dev/null
SELECT edit_needs_approval FROM workflow_orch.set_policy(edit_needs_approval => false) \g /dev/null

-- Its end.
SELECT delegate(:dba2, :dev2, clock_timestamp() + '50 ms') AS short \gset
SELECT workflow_orch.add_approval_rule('DBA') \g /dev/null
SELECT workflow_orch.remove_approval_rule(rule_id) FROM workflow_orch.approval_rule WHERE role = 'Manager' AND removed_at IS NULL;
SELECT propose('pay', '{"amount": 1}') AS p \gset
SELECT pg_sleep(0.06);
SELECT refused(:p, :dev2, 'past its end a delegation is none');
SELECT raises(format('SELECT workflow_orch.end_delegation(%s)', :short), '{"sqlstate": "55000", "message": "%has already ended"}', 'and cannot be ended');
SELECT raises(format('SELECT workflow_orch.end_delegation(%s)', :d2) || format('; SELECT workflow_orch.end_delegation(%s)', :d2), '{"sqlstate": "55000"}', 'nor can it twice');
SELECT raises('SELECT workflow_orch.end_delegation(404)', '{"sqlstate": "42704", "message": "delegation 404 %"}', 'an unknown delegation is refused');
SELECT raises(format('UPDATE workflow_orch.delegation SET ended_at = NULL WHERE delegation_id = %s', :d), '{"sqlstate": "%"}', 'nobody revives one');

-- The audit log.
SELECT delegate(:bob, :dev3, '2098-01-01') AS last \gset
SELECT workflow_orch.end_delegation(:last, :dev3);
SELECT results_eq('SELECT action, actor_id, details FROM workflow_orch.audit_log ORDER BY audit_id DESC LIMIT 2',
  format($$VALUES ('end_delegation', %1$s::bigint, '{"delegation_id": %2$s, "from_actor": %3$s, "to_actor": %1$s, "ends_at": "2098-01-01T00:00:00+00:00"}'::jsonb),
                  ('delegate_review', NULL, '{"delegation_id": %2$s, "from_actor": %3$s, "to_actor": %1$s, "ends_at": "2098-01-01T00:00:00+00:00"}')$$, :dev3, :last, :bob),
  'what is delegated and ended is recorded');
SELECT is_empty('SELECT * FROM workflow_orch.verify_audit_log()', 'the audit log agrees');

-- Who may.
CREATE ROLE engine_delegate_bob LOGIN;
CREATE ROLE engine_delegate_dev LOGIN;
CREATE ROLE engine_delegate_admin LOGIN;
SELECT workflow_orch.grant_capability(r, 'review') FROM unnest(ARRAY['engine_delegate_bob', 'engine_delegate_dev']::regrole[]) r;
SELECT workflow_orch.grant_capability('engine_delegate_admin', 'administer');
SELECT workflow_orch.update_actor(:dba2, db_role => 'engine_delegate_bob'), workflow_orch.update_actor(:dev2, db_role => 'engine_delegate_dev');
GRANT USAGE ON SCHEMA t TO PUBLIC;
SET LOCAL ROLE engine_delegate_dev;
SELECT raises(format('SELECT workflow_orch.delegate_review(%s, %s, ''2099-01-01'')', :dba2, :dev2), '{"sqlstate": "42501"}', 'nobody takes another''s role by delegating it to themselves');
SET LOCAL ROLE engine_delegate_bob;
SELECT workflow_orch.delegate_review(:dba2, :dev2, '2099-01-01') AS d \gset
SET LOCAL ROLE engine_delegate_dev;
SELECT is((SELECT status::text FROM workflow_orch.review_action(:p, NULL, 'approve')), 'approved', 'a session acts as its own actor, in the other''s role');
SELECT lives_ok(format('SELECT workflow_orch.end_delegation(%s)', :d), 'the delegate may give it back');
SET LOCAL ROLE engine_delegate_admin;
SELECT lives_ok(format('SELECT workflow_orch.delegate_review(%s, %s, ''2099-01-01'')', :dba2, :dev3), 'an administrator delegates for others');
SELECT max(delegation_id) AS d FROM workflow_orch.delegation \gset
SET LOCAL ROLE engine_delegate_dev;
SELECT raises(format('SELECT workflow_orch.end_delegation(%s)', :d), '{"sqlstate": "42501", "message": "delegation % is not yours to end"}', 'a third does not end it');
RESET ROLE;

\ir include/finish.sql
